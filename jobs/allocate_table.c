/* `remise allocate FILE`: one option for each slot of a table of cells, under constraints. */
#include "jobs/allocate_table.h"

#include "io/csv.h"
#include "jobs/applied.h"
#include "jobs/cell_rows.h"
#include "jobs/cell_table.h"
#include "jobs/fit_print.h"
#include "jobs/table_conflict.h"
#include "jobs/table_path.h"
#include "jobs/table_report.h"
#include "jobs/table_users.h"
#include "jobs/table_warm.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 8, NAMES = 4 + GROUPS + 2 * KNAPSACK_KINDS };

struct options {
    const char *file, *out, *warm; /* out NULL: choices are not written */
    struct cell_names names;
    struct constraint constraint[KNAPSACK_KINDS];
    int64_t constraints;
    const char *group[GROUPS];
    int64_t groups;
    struct table_path_options path;
};

enum {
    KEY_CONSTRAINT = 'c',
    KEY_GROUP = 'g',
    KEY_OUT = 'o',
    KEY_USER = 'u',
    KEY_SLOT = 's',
    KEY_VALUE = 'v',
    KEY_OPTION = 256,
    KEY_PATH,
    KEY_PATH_OUT,
    KEY_WARM
};

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
    "A limit `per` the column of users holds for each user, however many there are, up to 4 of "
    "them: at the prices of the others every user has the best choice that keeps its own, exactly. "
    "They have no prices; listed are what the user nearest to the limit uses, how many users are "
    "at it, and for how many it decides.\n\n"
    "Without a constraint each slot takes its most valuable option. If no choice keeps the "
    "constraints, the smallest set of them in conflict is named, and what each would need (exit "
    "code 65). With CONFIG in place of FILE, `remise allocate CONFIG -o RUN` is the stage of a "
    "run.\n\n"
    "Examples:\n"
    "  remise allocate cells.csv --constraint \"cost_1 <= 1000\" --out choices.csv\n"
    "  mpirun -n 4 remise allocate cells.csv.gz --constraint \"cost <= 50000\" --constraint "
    "\"units <= 200 per product_id\" --constraint \"satisfaction >= 120\"\n"
    "  remise allocate cells.csv -c \"cost <= 50000\" -c \"discounted <= 3 per user_id\"\n"
    "  remise allocate cells.csv -c \"cost <= 50000\" --group category --budget-path 20\n"
    "  remise allocate today.csv -c \"cost <= 50000\" --warm yesterday.json\n";

static const struct argp_option option_list[] = {
    {"constraint", KEY_CONSTRAINT, "TEXT", 0,
     "COLUMN <= NUMBER or COLUMN >= NUMBER, with `per COLUMN` for each of its values; may be given "
     "60 times",
     0},
    {"group", KEY_GROUP, "COL", 0,
     "Count slots, value, uses and options chosen for each value of this column; may be given 8 "
     "times. (A limit for each value is `per COL` in the constraint)",
     0},
    {"budget-path", KEY_PATH, "N", 0,
     "Also what N budgets would earn, at equal distances up to the limit of the first constraint: "
     "exactly where it is the only one, else each solved from the prices of the one above",
     0},
    {"path-out", KEY_PATH_OUT, "CSV", 0,
     "Write the whole path of a single constraint: after each step what is spent, what it earns, "
     "its price, and the row (counted from 1) that is taken",
     0},
    {"warm", KEY_WARM, "JSON", 0,
     "Begin at the dual prices that were printed for a similar table, such as yesterday's", 0},
    {"option", KEY_OPTION, "COL", 0, "Column of options' names, to count them (option or level)",
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

static void add_group(struct options *opt, const char *text, struct argp_state *state)
{
    if (opt->groups == GROUPS) argp_error(state, "at most %d groups are possible", GROUPS);
    opt->group[opt->groups++] = text;
}

static void set_points(struct options *opt, const char *text, struct argp_state *state)
{
    char *end;
    long long points = strtoll(text, &end, 10);
    if (*end != 0 || end == text || points < 1 || points > TABLE_PATH_POINTS)
        argp_error(state, "--budget-path %s: give a number of budgets, 1 to %d", text,
                   TABLE_PATH_POINTS);
    opt->path.points = points;
}

/* Names of columns and files; false for another key. */
static bool take_name(struct options *opt, int key, const char *text)
{
    const struct {
        int key;
        const char **to;
    } taken[] = {{KEY_OUT, &opt->out},          {KEY_USER, &opt->names.user},
                 {KEY_SLOT, &opt->names.slot},  {KEY_VALUE, &opt->names.value},
                 {KEY_WARM, &opt->warm},        {KEY_OPTION, &opt->names.option},
                 {KEY_PATH_OUT, &opt->path.out}};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (taken[i].key != key) continue;
        *taken[i].to = text;
        return true;
    }
    return false;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    if (take_name(opt, key, text)) return 0;
    switch (key) {
    case KEY_CONSTRAINT:
        add_constraint(opt, text, state);
        break;
    case KEY_GROUP:
        add_group(opt, text, state);
        break;
    case KEY_PATH:
        set_points(opt, text, state);
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

static const char *first_there(const struct csv *csv, const char *name, const char *otherwise)
{
    for (int64_t j = 0; j < csv->columns; j++)
        if (strcmp(csv->name[j], name) == 0) return name;
    return otherwise != NULL ? first_there(csv, otherwise, NULL) : NULL;
}

/* Usual names where none were given; a table without a column of slots has one for each user. */
static void find_names(const struct csv *csv, struct cell_names *names)
{
    if (names->user == NULL) names->user = first_there(csv, "user_id", "user");
    if (names->user == NULL) names->user = "user";
    if (names->slot == NULL) names->slot = first_there(csv, "slot", "product_id");
    if (names->value == NULL) names->value = "value";
    if (names->option == NULL) names->option = first_there(csv, "option", "level");
}

/* Columns to read. */
struct wanted {
    const char **name;
    bool *ids; /* all but values and uses */
    int64_t count;
    const char **id; /* [id_count] the names of these */
    int64_t id_count;
};

static void want(struct wanted *w, const char *name, bool ids)
{
    int64_t at = 0;
    if (name == NULL) return;
    while (at < w->count && strcmp(w->name[at], name) != 0) at++;
    if (at == w->count) w->ids[w->count++] = true;
    w->name[at] = name;
    w->ids[at] &= ids;
}

/* Those that are used, each once; all where they are written again. */
static enum status list_columns(const struct options *opt, const struct csv *csv, struct wanted *w)
{
    enum status status = OK;
    int64_t most = csv->columns + NAMES;
    TRY(memory_new(&w->name, most, sizeof *w->name));
    TRY(memory_new(&w->ids, most, sizeof *w->ids));
    want(w, opt->names.user, true);
    want(w, opt->names.slot, true);
    want(w, opt->names.option, true);
    want(w, opt->names.value, false);
    for (int64_t g = 0; g < opt->groups; g++) want(w, opt->group[g], true);
    for (int64_t c = 0; c < opt->constraints; c++) {
        want(w, opt->constraint[c].column, false);
        want(w, opt->constraint[c].per, true);
    }
    for (int64_t j = 0; j < csv->columns && opt->out != NULL; j++) want(w, csv->name[j], true);
    TRY(memory_new(&w->id, w->count, sizeof *w->id));
    for (int64_t at = 0; at < w->count; at++)
        if (w->ids[at]) w->id[w->id_count++] = w->name[at];
done:
    return status;
}

static enum status read_table(const struct comm *comm, struct options *opt, struct fit_table *t)
{
    enum status status = OK;
    struct csv *csv = NULL;
    struct wanted w = {0};
    TRY(csv_open(comm, opt->file, NULL, &csv));
    find_names(csv, &opt->names);
    TRY_ALL(comm, list_columns(opt, csv, &w));
    TRY(fit_table_read_ids(comm, opt->file, w.name, w.count, w.id, w.id_count, t));
done:
    free(w.name);
    free(w.id);
    free(w.ids);
    csv_free(&csv);
    return status;
}

struct result {
    struct knapsack_receipt receipt;
    int64_t *price, *used; /* [limits] */
    uint8_t *choice;       /* [slots] */
    double seconds;
    struct table_cap cap[KNAPSACK_CAPS];
};

static void result_clear(struct result *result)
{
    free(result->price);
    free(result->used);
    free(result->choice);
}

static enum status solve(const struct comm *comm, const struct options *opt,
                         const struct cell_table *t, struct result *result)
{
    enum status status = OK;
    int64_t limits = knapsack_limits(&t->cells);
    double start = MPI_Wtime();
    TRY_ALL(comm, memory_new(&result->price, limits, sizeof *result->price));
    TRY_ALL(comm, memory_new(&result->used, limits, sizeof *result->used));
    TRY_ALL(comm, memory_new(&result->choice, t->blocks.rows_local, 1));
    if (opt->warm != NULL) TRY(table_warm(comm, opt->warm, t, opt->constraint, result->price));
    enum status solved = knapsack_solve(comm, &t->cells, result->price, result->choice,
                                        result->used, &result->receipt);
    if (solved == ERR_NUMERIC && result->receipt.impossible) {
        TRY(table_users_refuse(comm, t, opt->constraint));
        TRY(table_conflict_tell(comm, t, opt->constraint, result->price, result->used));
    }
    TRY(solved);
    result->seconds = MPI_Wtime() - start;
    table_users_look(comm, t, result->choice, result->cap);
done:
    return status;
}

/* ---- the choices ---- */

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
                                 const struct fit_table *table, const double *mark)
{
    enum status status = OK;
    struct applied applied = {.blocks = &table->table->blocks};
    double *chosen = NULL;
    for (int64_t j = 0; j < table->table->columns; j++)
        TRY_ALL(comm, copy_column(&table->table->column[j], applied.blocks->rows_local, &applied));
    TRY_ALL(comm, applied_add(&applied, "chosen", &chosen));
    memcpy(chosen, mark, (size_t)applied.blocks->rows_local * sizeof *chosen);
    TRY(applied_write(comm, &applied, opt->out));
done:
    applied_clear(&applied);
    return status;
}

/* ---- the receipt ---- */

static json_t *limit_json(const struct constraint *c, const struct cell_table *t, int64_t which,
                          int64_t group, int64_t price, int64_t used)
{
    double unit = fabs(t->use_unit[which]);
    double per_unit = (double)price * 0x1p-30 * t->value_unit / unit;
    int64_t limit = t->limit[which][group];
    json_t *out = json_pack("{s:s, s:f, s:f, s:f, s:f}", "name", c->text, "limit", c->limit, "used",
                            cell_amount(used, t->use_unit[which]), "slack",
                            cell_amount(limit - used, unit), "dual_price", per_unit);
    if (out == NULL || c->per == NULL) return out;
    char name[CELL_GROUP_NAME];
    formula_levels_name(&t->group[which].levels, group, name, sizeof name);
    json_object_set_new(out, "per", json_string(c->per));
    json_object_set_new(out, "group", json_string(name));
    return out;
}

/* A limit that each user has: that of the user nearest to it. It has no price. */
static json_t *cap_json(const struct constraint *c, const struct cell_table *t, int64_t which,
                        const struct result *result)
{
    double unit = t->use_unit[which];
    int place = t->place[which];
    const struct table_cap *cap = &result->cap[place];
    int64_t limit =
        cell_units_down(c->at_least ? -c->limit : c->limit, fabs(unit)); /* on every rank */
    return json_pack(
        "{s:s, s:f, s:f, s:f, s:n, s:s, s:I, s:I, s:I, s:f}", "name", c->text, "limit", c->limit,
        "used", cell_amount(cap->used, unit), "slack", cell_amount(limit - cap->used, fabs(unit)),
        "dual_price", "per", c->per, "users", (json_int_t)cap->users, "users_at_limit",
        (json_int_t)cap->at_limit, "users_decided", (json_int_t)result->receipt.bound_users[place],
        "costs_at_prices", cell_amount(result->receipt.cap_cost[place], t->value_unit));
}

static json_t *limits_json(const struct options *opt, const struct cell_table *t,
                           const struct result *result)
{
    json_t *list = json_array();
    for (int64_t c = 0; c < t->constraints; c++) {
        if (t->is_cap[c]) {
            json_array_append_new(list, cap_json(&opt->constraint[c], t, c, result));
            continue;
        }
        int64_t at = cell_table_first(t, c);
        for (int64_t g = 0; g < t->cells.kind[t->place[c]].groups; g++, at++)
            json_array_append_new(list, limit_json(&opt->constraint[c], t, c, g, result->price[at],
                                                   result->used[at]));
    }
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
                            cell_amount(r->objective, t->value_unit), "upper_bound",
                            cell_amount(r->upper_bound, t->value_unit), "gap", r->gap, "optimal",
                            r->objective == r->upper_bound, "slots", (json_int_t)r->slots, "cells",
                            (json_int_t)t->options_total);
    if (out == NULL) return NULL;
    json_object_set_new(out, "constraints", limits_json(opt, t, result));
    json_object_set_new(out, "levels", levels_json(t, r));
    json_object_set_new(out, "iterations", json_integer(r->iterations));
    json_object_set_new(out, "passes", json_integer(r->passes));
    json_object_set_new(out, "moved_to_fit", json_integer(r->repaired));
    json_object_set_new(out, "moved_to_fill", json_integer(r->filled));
    json_object_set_new(out, "seconds", json_real(round(1e6 * result->seconds) / 1e6));
    return out;
}

/* What the table's columns tell of the choice, and what other budgets would earn. */
static enum status add_reports(const struct comm *comm, const struct options *opt,
                               const struct fit_table *table, const struct cell_table *cells,
                               const struct result *result, json_t *json)
{
    enum status status = OK;
    struct table_report report = {0};
    TRY(table_report_make(comm, table, cells, &opt->names, opt->constraint, result->choice,
                          &report));
    TRY(table_report_options(comm, &report, json));
    if (json != NULL && opt->groups > 0) json_object_set_new(json, "groups", json_array());
    for (int64_t g = 0; g < opt->groups; g++)
        TRY(table_report_groups(comm, &report, opt->group[g], json));
    if (opt->out != NULL) TRY(write_choices(comm, opt, table, report.mark));
    TRY(table_path(comm, cells, opt->constraint, &opt->path, result->price, json));
done:
    table_report_clear(&report);
    return status;
}

static enum status table_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_table table = {0};
    struct cell_table cells = {0};
    struct result result = {0};
    json_t *json = NULL;
    TRY(read_table(comm, opt, &table));
    TRY(cell_table_make(comm, &table, &opt->names, opt->constraint, opt->constraints, &cells));
    TRY(solve(comm, opt, &cells, &result));
    if (comm->rank == 0) json = receipt_json(opt, &cells, &result);
    TRY_ALL(comm, comm->rank == 0 && json == NULL ? FAIL(ERR_MEMORY, "no memory") : OK);
    TRY(add_reports(comm, opt, &table, &cells, &result, json));
    TRY_ALL(comm, comm->rank == 0 ? fit_print_shortest(json_incref(json)) : OK);
done:
    json_decref(json);
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
