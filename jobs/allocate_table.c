/* `remise allocate FILE`: one option for each slot of a table of cells, under constraints. */
#include "jobs/allocate_table.h"

#include "jobs/applied.h"
#include "jobs/cell_table.h"
#include "jobs/fit_print.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *file, *out; /* out NULL: choices are not written */
    struct cell_names names;
    struct constraint constraint[KNAPSACK_KINDS];
    int64_t constraints;
};

enum { KEY_CONSTRAINT = 'c', KEY_OUT = 'o', KEY_USER = 'u', KEY_SLOT = 's', KEY_VALUE = 'v' };

static const char doc[] =
    "Choose one option for each slot of a table of cells so that values add up to as much as "
    "constraints allow. JSON on stdout: objective, upper_bound (no choice within the constraints "
    "is "
    "worth more), gap, constraints with what each uses and its dual price, options chosen.\v"
    "A row of the table is a user, a slot, an option, its value, and what it uses in columns of "
    "any "
    "name. One row of each slot is chosen, so a slot that may stay without has a row for that. A "
    "constraint limits the sum of a column over the chosen rows, in all or for each value of "
    "another column, which is the same in all rows of a slot. Values and uses may be "
    "negative.\n\n"
    "The dual price says what another unit of a limit would add to the objective.\n\n"
    "Without a constraint each slot takes its most valuable option. If no choice keeps the "
    "constraints, it says so (exit code 65). With CONFIG in place of FILE, `remise allocate CONFIG "
    "-o RUN` is the stage of a run.\n\n"
    "Examples:\n"
    "  remise allocate cells.csv --constraint \"cost_1 <= 1000\" --out choices.csv\n"
    "  mpirun -n 4 remise allocate cells.csv.gz --constraint \"cost <= 50000\" --constraint "
    "\"units <= 200 per product_id\" --constraint \"satisfaction >= 120\"\n";

static const struct argp_option option_list[] = {
    {"constraint", KEY_CONSTRAINT, "TEXT", 0,
     "COLUMN <= NUMBER or COLUMN >= NUMBER, with `per COLUMN` for each of its values; may be given "
     "16 times",
     0},
    {"out", KEY_OUT, "CSV", 0, "Write the table with a column `chosen`, 1 or 0, to this file", 0},
    {"user", KEY_USER, "COL", 0, "Column of users (user_id or user)", 0},
    {"slot", KEY_SLOT, "COL", 0, "Column of slots within a user (slot; a user is one slot without)",
     0},
    {"value", KEY_VALUE, "COL", 0, "Column of values (value)", 0},
    {0}};

static void add_constraint(struct options *opt, const char *text, struct argp_state *state)
{
    if (opt->constraints == KNAPSACK_KINDS)
        argp_error(state, "at most %d constraints are possible", KNAPSACK_KINDS);
    if (constraint_parse(text, &opt->constraint[opt->constraints++]) != OK)
        argp_error(state, "%s", status_message());
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case KEY_CONSTRAINT:
        add_constraint(opt, text, state);
        break;
    case KEY_OUT:
        opt->out = text;
        break;
    case KEY_USER:
        opt->names.user = text;
        break;
    case KEY_SLOT:
        opt->names.slot = text;
        break;
    case KEY_VALUE:
        opt->names.value = text;
        break;
    case ARGP_KEY_ARG:
        if (opt->file != NULL) argp_error(state, "one table at a time: %s and %s", opt->file, text);
        opt->file = text;
        break;
    case ARGP_KEY_END:
        if (opt->file == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status table_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static void table_free_options(void *options)
{
    struct options *opt = options;
    for (int64_t c = 0; c < opt->constraints; c++) constraint_clear(&opt->constraint[c]);
    free(opt);
}

static bool ends_with(const char *text, const char *end)
{
    size_t bytes = strlen(text), tail = strlen(end);
    return bytes >= tail && strcmp(text + bytes - tail, end) == 0;
}

bool allocate_table_asked(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (ends_with(argv[i], ".csv") || ends_with(argv[i], ".gz") ||
            strncmp(argv[i], "--constraint", 12) == 0 || strncmp(argv[i], "-c", 2) == 0)
            return true;
    return false;
}

/* ---- the table ---- */

static const char *first_there(const struct fit_table *t, const char *name, const char *otherwise)
{
    if (table_find(t->table, name) >= 0) return name;
    return otherwise != NULL && table_find(t->table, otherwise) >= 0 ? otherwise : NULL;
}

/* Usual names where none were given; a table without a column of slots has one for each user. */
static void find_names(const struct fit_table *t, struct cell_names *names)
{
    if (names->user == NULL) names->user = first_there(t, "user_id", "user");
    if (names->user == NULL) names->user = "user";
    if (names->slot == NULL) names->slot = first_there(t, "slot", "product_id");
    if (names->value == NULL) names->value = "value";
}

struct result {
    struct knapsack_receipt receipt;
    int64_t *price, *used; /* [limits] */
    uint8_t *choice;       /* [slots] */
    double seconds;
};

static void result_clear(struct result *result)
{
    free(result->price);
    free(result->used);
    free(result->choice);
}

static enum status solve(const struct comm *comm, const struct cell_table *t, struct result *result)
{
    enum status status = OK;
    int64_t limits = knapsack_limits(&t->cells);
    double start = MPI_Wtime();
    TRY_ALL(comm, memory_new(&result->price, limits, sizeof *result->price));
    TRY_ALL(comm, memory_new(&result->used, limits, sizeof *result->used));
    TRY_ALL(comm, memory_new(&result->choice, t->blocks.rows_local, 1));
    TRY(knapsack_solve(comm, &t->cells, result->price, result->choice, result->used,
                       &result->receipt));
    result->seconds = MPI_Wtime() - start;
done:
    return status;
}

/* ---- the choices ---- */

static int by_row(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* mark[row] = 1 for the chosen rows of this rank's part of the table */
static enum status mark_chosen(const struct comm *comm, const struct cell_table *t,
                               const uint8_t *choice, const struct blocks *rows, double *mark)
{
    enum status status = OK;
    int64_t slots = t->blocks.rows_local, *row = NULL, *count = NULL, received_count = 0;
    void *received = NULL;
    TRY_ALL(comm, memory_new(&row, slots, sizeof *row));
    TRY_ALL(comm, memory_new(&count, comm->ranks, sizeof *count));
    for (int64_t i = 0; i < slots; i++) {
        row[i] = t->row[i * t->cells.options + choice[i]];
        count[blocks_owner(comm, rows->rows_total, BLOCK_ROWS, row[i])]++;
    }
    if (slots > 0) qsort(row, (size_t)slots, sizeof *row, by_row);
    TRY(comm_exchange(comm, row, count, sizeof *row, &received, &received_count));
    for (int64_t i = 0; i < rows->rows_local; i++) mark[i] = 0.0;
    for (int64_t i = 0; i < received_count; i++)
        mark[((const int64_t *)received)[i] - rows->row_first] = 1.0;
done:
    free(row);
    free(count);
    free(received);
    return status;
}

static enum status copy_column(const struct table_column *column, int64_t rows,
                               struct applied *applied)
{
    double *x = NULL;
    enum status status = applied_add(applied, column->name, &x);
    if (status != OK) return status;
    if (column->type == COLUMN_TEXT) applied->column[applied->columns - 1].levels = &column->levels;
    for (int64_t i = 0; i < rows; i++)
        x[i] = column->type != COLUMN_TEXT ? column->number[i]
               : column->code[i] < 0       ? NAN
                                           : (double)column->code[i];
    return OK;
}

static enum status write_choices(const struct comm *comm, const struct options *opt,
                                 const struct fit_table *table, const struct cell_table *t,
                                 const uint8_t *choice)
{
    enum status status = OK;
    struct applied applied = {.blocks = &table->table->blocks};
    double *mark = NULL;
    for (int64_t j = 0; j < table->table->columns; j++)
        TRY_ALL(comm, copy_column(&table->table->column[j], applied.blocks->rows_local, &applied));
    TRY_ALL(comm, applied_add(&applied, "chosen", &mark));
    TRY(mark_chosen(comm, t, choice, applied.blocks, mark));
    TRY(applied_write(comm, &applied, opt->out));
done:
    applied_clear(&applied);
    return status;
}

/* ---- the receipt ---- */

static json_t *limit_json(const struct constraint *c, const struct cell_table *t, int64_t which,
                          int64_t group, int64_t price, int64_t used)
{
    double unit = fabs(t->use_unit[which]), sign = c->at_least ? -1.0 : 1.0;
    double per_unit = (double)price * 0x1p-30 * t->value_unit / unit;
    int64_t limit = t->limit[which][group];
    json_t *out = json_pack("{s:s, s:f, s:f, s:f, s:f}", "name", c->text, "limit", c->limit, "used",
                            sign * (double)used * unit, "slack", (double)(limit - used) * unit,
                            "dual_price", per_unit);
    if (out != NULL && c->per != NULL)
        json_object_set_new(out, c->per, json_string(dictionary_text(&t->group[which], group)));
    return out;
}

static json_t *limits_json(const struct options *opt, const struct cell_table *t,
                           const struct result *result)
{
    json_t *list = json_array();
    int64_t at = 0;
    for (int64_t c = 0; c < t->constraints; c++)
        for (int64_t g = 0; g < t->cells.kind[c].groups; g++, at++)
            json_array_append_new(list, limit_json(&opt->constraint[c], t, c, g, result->price[at],
                                                   result->used[at]));
    return list;
}

static json_t *levels_json(const struct cell_table *t, const struct knapsack_receipt *receipt)
{
    json_t *list = json_array();
    for (int k = 0; k < t->cells.options; k++)
        json_array_append_new(list, json_integer(receipt->count[k]));
    return list;
}

static json_t *receipt_json(const struct options *opt, const struct cell_table *t,
                            const struct result *result)
{
    const struct knapsack_receipt *r = &result->receipt;
    json_t *out = json_pack("{s:f, s:f, s:f, s:b, s:I, s:I}", "objective",
                            (double)r->objective * t->value_unit, "upper_bound",
                            (double)r->upper_bound * t->value_unit, "gap", r->gap, "optimal",
                            r->objective == r->upper_bound, "slots", (json_int_t)r->slots, "cells",
                            (json_int_t)t->options_total);
    if (out == NULL) return NULL;
    json_object_set_new(out, "constraints", limits_json(opt, t, result));
    json_object_set_new(out, "levels", levels_json(t, r));
    json_object_set_new(out, "iterations", json_integer(r->passes));
    json_object_set_new(out, "moved_to_fit", json_integer(r->repaired));
    json_object_set_new(out, "moved_to_fill", json_integer(r->filled));
    json_object_set_new(out, "seconds", json_real(result->seconds));
    return out;
}

static enum status table_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_table table = {0};
    struct cell_table cells = {0};
    struct result result = {0};
    TRY(fit_table_read(comm, opt->file, NULL, 0, &table));
    find_names(&table, &opt->names);
    TRY(cell_table_make(comm, &table, &opt->names, opt->constraint, opt->constraints, &cells));
    TRY(solve(comm, &cells, &result));
    if (opt->out != NULL) TRY(write_choices(comm, opt, &table, &cells, result.choice));
    TRY_ALL(comm, comm->rank == 0 ? fit_print(receipt_json(opt, &cells, &result)) : OK);
done:
    result_clear(&result);
    cell_table_clear(&cells);
    fit_table_clear(&table);
    return status;
}

const struct command allocate_table = {.name = "allocate",
                                       .summary = "one option for each slot of a table",
                                       .parse = table_parse,
                                       .run = table_run,
                                       .free = table_free_options};
