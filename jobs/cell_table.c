/* Rows of cells to the ranks of their slots. */
#include "jobs/cell_table.h"

#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/users.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 512, DIGITS_MOST = 9, FIXED_WORDS = 4 };

/* Rounding to units forgives so much, which is how numbers such as 0.1 are off in binary. */
#define FORGIVEN 1e-3
#define SUM_MOST 0x1p58

/* A row as it travels, FIXED_WORDS + 2 constraints numbers of 64 bits: hash of user and slot, row,
 * value; then the group and the use of each constraint. */
struct rows {
    const struct fit_table *table;
    const struct table_column *user, *slot, *value;
    const struct table_column *use[KNAPSACK_KINDS], *per[KNAPSACK_KINDS];
    int64_t *code[KNAPSACK_KINDS]; /* [rows_local] value of the per column, -1: missing; or NULL */
    int64_t constraints, words, count;
    int64_t *word; /* [count][words] */
};

static enum status find_column(const struct fit_table *t, const char *name,
                               const struct table_column **column)
{
    int64_t at;
    enum status status = fit_table_find(t, name, &at);
    if (status == OK) *column = &t->table->column[at];
    return status;
}

static enum status find_number(const struct fit_table *t, const char *name,
                               const struct table_column **column)
{
    int64_t at;
    enum status status = fit_table_find(t, name, &at);
    if (status != OK) return status;
    *column = &t->table->column[at];
    if ((*column)->type == COLUMN_TEXT)
        return fit_table_refuse_text(t, at, "values and costs are numbers");
    return OK;
}

static enum status open_columns(const struct cell_names *names, const struct constraint *constraint,
                                struct rows *r)
{
    enum status status = OK;
    if (r->constraints > KNAPSACK_KINDS)
        TRY(FAIL(ERR_ARG, "%" PRId64 " constraints; at most %d are possible", r->constraints,
                 KNAPSACK_KINDS));
    TRY(find_column(r->table, names->user, &r->user));
    if (names->slot != NULL) TRY(find_column(r->table, names->slot, &r->slot));
    TRY(find_number(r->table, names->value, &r->value));
    for (int64_t c = 0; c < r->constraints; c++) {
        TRY(find_number(r->table, constraint[c].column, &r->use[c]));
        if (constraint[c].per != NULL) TRY(find_column(r->table, constraint[c].per, &r->per[c]));
    }
done:
    return status;
}

/* ---- units ---- */

/* As many decimals, up to DIGITS_MOST, as the sum of all rows allows. */
static enum status choose_unit(const struct comm *comm, const struct table_column *column,
                               int64_t rows, double *unit)
{
    enum status status = OK;
    double most = 0.0;
    int64_t all = rows;
    for (int64_t i = 0; i < rows; i++) most = fmax(most, fabs(column->number[i]));
    comm_max_double(comm, &most, 1);
    comm_sum_int64(comm, &all, 1);
    if (!isfinite(most) || most * (double)all >= SUM_MOST)
        TRY(FAIL(ERR_DATA, "column %s holds numbers too large to add up: %g", column->name, most));
    *unit = 1.0;
    for (int d = 0; d < DIGITS_MOST && most * (double)all * 10.0 / *unit < SUM_MOST; d++)
        *unit /= 10.0;
    *unit = 1.0 / rint(1.0 / *unit);
done:
    return status;
}

static int64_t nearest(double x, double unit)
{
    return llrint(x * rint(1.0 / unit));
}

/* Uses are rounded up and limits down, so that what fits in units fits. */
static int64_t round_use(double x, double unit)
{
    return (int64_t)ceil(x * rint(1.0 / unit) - FORGIVEN);
}

static int64_t round_limit(double x, double unit)
{
    double units = floor(x * rint(1.0 / unit) + FORGIVEN);
    return (int64_t)fmin(fmax(units, -0x1p60), 0x1p60);
}

/* ---- groups ---- */

/* The text of a cell, NULL where missing. buffer [NAME_BYTES] */
static const char *text_of(const struct table_column *column, int64_t row, char *buffer)
{
    if (column->type == COLUMN_TEXT)
        return column->code[row] < 0 ? NULL : dictionary_text(&column->levels, column->code[row]);
    if (isnan(column->number[row])) return NULL;
    snprintf(buffer, NAME_BYTES, "%.17g", column->number[row]);
    return buffer;
}

static enum status collect_groups(const struct table_column *column, int64_t rows,
                                  struct text_set *set, int64_t *code)
{
    char buffer[NAME_BYTES];
    for (int64_t i = 0; i < rows; i++) {
        const char *text = text_of(column, i, buffer);
        code[i] = text == NULL ? -1 : text_set_code(set, text, strlen(text));
        if (text != NULL && code[i] < 0) return FAIL(ERR_MEMORY, "no memory for groups");
    }
    return OK;
}

/* Number the values of a `per` column. */
static enum status number_groups(const struct comm *comm, const struct table_column *column,
                                 int64_t rows, int64_t **code, struct dictionary *names)
{
    enum status status = OK;
    struct text_set *set = text_set_new();
    int64_t *final = NULL;
    TRY_ALL(comm, set != NULL ? OK : FAIL(ERR_MEMORY, "no memory for groups"));
    TRY_ALL(comm, memory_new(code, rows, sizeof **code));
    TRY_ALL(comm, collect_groups(column, rows, set, *code));
    TRY(dictionary_make(comm, set, names, &final));
    for (int64_t i = 0; i < rows; i++)
        if ((*code)[i] >= 0) (*code)[i] = final[(*code)[i]];
    if (names->count > KNAPSACK_LIMITS || names->count == 0)
        TRY(FAIL(ERR_DATA, "column %s has %" PRId64 " different values; 1 to %d can have limits",
                 column->name, names->count, KNAPSACK_LIMITS));
done:
    text_set_free(&set);
    free(final);
    return status;
}

/* ---- records ---- */

/* User and slot of a row as one text; the length, 0 where one is missing. */
static size_t name_of(const struct rows *r, int64_t row, char *text)
{
    const struct table_column *part[2] = {r->user, r->slot};
    char buffer[NAME_BYTES];
    size_t length = 0;
    for (int p = 0; p < 2 && part[p] != NULL; p++) {
        const char *name = text_of(part[p], row, buffer);
        if (name == NULL) return 0;
        size_t bytes = strlen(name);
        if (bytes >= NAME_BYTES) bytes = NAME_BYTES - 1;
        memcpy(text + length, name, bytes);
        text[length + bytes] = '\0'; /* parts them */
        length += bytes + 1;
    }
    return length;
}

static enum status refuse_row(const struct rows *r, int64_t row, const char *what,
                              const char *column)
{
    return FAIL(ERR_DATA, "%s: data row %" PRId64 " has no %s%s; every option needs one",
                r->table->path, r->table->table->blocks.row_first + row + 1, what, column);
}

static enum status take_row(const struct rows *r, const struct cell_table *cells, int64_t row,
                            int64_t *word)
{
    static const unsigned char secret[USER_SECRET_BYTES] = "slots of a table, spread evenly";
    char text[2 * NAME_BYTES];
    size_t length = name_of(r, row, text);
    if (length == 0) return refuse_row(r, row, "user or slot", "");
    if (!isfinite(r->value->number[row])) return refuse_row(r, row, "value in ", r->value->name);
    struct user_key key = user_key_of(secret, text, length);
    memcpy(word, &key, sizeof key);
    word[2] = r->table->table->blocks.row_first + row;
    word[3] = nearest(r->value->number[row], cells->value_unit);
    for (int64_t c = 0; c < r->constraints; c++) {
        double use = r->use[c]->number[row];
        if (!isfinite(use)) return refuse_row(r, row, "number in ", r->use[c]->name);
        bool negative = cells->use_unit[c] < 0.0;
        word[FIXED_WORDS + 2 * c] = r->code[c] == NULL ? 0 : r->code[c][row];
        word[FIXED_WORDS + 2 * c + 1] = round_use(negative ? -use : use, fabs(cells->use_unit[c]));
    }
    return OK;
}

static int by_slot(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    struct user_key x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    int order = user_key_compare(x, y);
    return order != 0 ? order : (a[2] > b[2]) - (a[2] < b[2]);
}

static bool same_slot(const struct rows *r, int64_t i, int64_t j)
{
    return memcmp(r->word + i * r->words, r->word + j * r->words, sizeof(struct user_key)) == 0;
}

/* The rank that the hash of a slot belongs to: equal stretches of the hashes. */
static int owner_of(const struct comm *comm, const int64_t *word)
{
    struct user_key key;
    memcpy(&key, word, sizeof key);
    return (int)((key.high >> 32) * (uint64_t)comm->ranks >> 32);
}

/* All rows of a slot to one rank, in order. */
static enum status bring_rows(const struct comm *comm, const struct cell_table *cells,
                              struct rows *r)
{
    enum status status = OK;
    int64_t rows = r->table->table->blocks.rows_local, *sent = NULL, *count = NULL;
    size_t bytes = (size_t)r->words * sizeof *sent;
    void *received = NULL;
    TRY_ALL(comm, memory_new(&sent, rows * r->words, sizeof *sent));
    TRY_ALL(comm, memory_new(&count, comm->ranks, sizeof *count));
    for (int64_t i = 0; i < rows && status == OK; i++)
        status = take_row(r, cells, i, sent + i * r->words);
    TRY_ALL(comm, status);
    if (rows > 0) qsort(sent, (size_t)rows, bytes, by_slot);
    for (int64_t i = 0; i < rows; i++) count[owner_of(comm, sent + i * r->words)]++;
    TRY(comm_exchange(comm, sent, count, bytes, &received, &r->count));
    r->word = received;
    if (r->count > 0) qsort(r->word, (size_t)r->count, bytes, by_slot);
done:
    free(sent);
    free(count);
    return status;
}

/* ---- slots ---- */

static int64_t count_slots(const struct rows *r, int64_t *options)
{
    int64_t slots = 0;
    for (int64_t i = 0, next; i < r->count; i = next, slots++) {
        for (next = i + 1; next < r->count && same_slot(r, i, next);) next++;
        *options = next - i > *options ? next - i : *options;
    }
    return slots;
}

static enum status open_cells(const struct rows *r, int64_t slots, int64_t options,
                              struct cell_table *t)
{
    enum status status = OK;
    int64_t kinds = r->constraints;
    TRY(memory_new(&t->value, slots * options, sizeof *t->value));
    TRY(memory_new(&t->allowed, slots, sizeof *t->allowed));
    TRY(memory_new(&t->row, slots * options, sizeof *t->row));
    for (int64_t c = 0; c < kinds; c++) {
        TRY(memory_new(&t->use[c], slots * options, sizeof *t->use[c]));
        if (r->per[c] != NULL) TRY(memory_new(&t->slot_group[c], slots, sizeof *t->slot_group[c]));
    }
    for (int64_t i = 0; i < slots * options; i++) t->row[i] = -1;
done:
    return status;
}

static enum status fill_slot(const struct rows *r, int64_t first, int64_t next, int64_t slot,
                             struct cell_table *t)
{
    for (int64_t i = first; i < next; i++) {
        const int64_t *word = r->word + i * r->words;
        int64_t at = slot * t->cells.options + i - first;
        t->value[at] = word[3];
        t->row[at] = word[2];
        t->allowed[slot] |= UINT32_C(1) << (i - first);
        for (int64_t c = 0; c < r->constraints; c++) {
            int32_t group = (int32_t)word[FIXED_WORDS + 2 * c];
            t->use[c][at] = word[FIXED_WORDS + 2 * c + 1];
            if (t->slot_group[c] == NULL) continue;
            if (i > first && t->slot_group[c][slot] != group)
                return FAIL(ERR_DATA,
                            "%s: data row %" PRId64 " has another %s than the other options of its "
                            "slot; a slot counts against one limit of a kind: make it one slot for "
                            "each %s, or limit the column in all",
                            r->table->path, word[2] + 1, r->per[c]->name, r->per[c]->name);
            t->slot_group[c][slot] = group;
        }
    }
    return OK;
}

static enum status fill_slots(const struct rows *r, struct cell_table *t)
{
    enum status status = OK;
    int64_t slot = 0;
    for (int64_t i = 0, next; i < r->count && status == OK; i = next, slot++) {
        for (next = i + 1; next < r->count && same_slot(r, i, next);) next++;
        status = fill_slot(r, i, next, slot, t);
    }
    return status;
}

static void set_blocks(const struct comm *comm, int64_t slots, struct blocks *blocks)
{
    blocks->rows_local = blocks->rows_total = slots;
    comm_sum_int64(comm, &blocks->rows_total, 1);
    blocks->row_first = comm_prefix_int64(comm, slots);
}

static enum status set_limits(const struct comm *comm, const struct constraint *constraint,
                              struct cell_table *t)
{
    enum status status = OK;
    for (int64_t c = 0; c < t->constraints; c++) {
        int64_t groups = constraint[c].per != NULL ? t->group[c].count : 1;
        double limit = constraint[c].at_least ? -constraint[c].limit : constraint[c].limit;
        TRY_ALL(comm, memory_new(&t->limit[c], groups, sizeof *t->limit[c]));
        for (int64_t g = 0; g < groups; g++)
            t->limit[c][g] = round_limit(limit, fabs(t->use_unit[c]));
        t->cells.kind[c] = (struct knapsack_kind){groups, t->slot_group[c], t->use[c], t->limit[c]};
    }
done:
    return status;
}

static enum status cut_slots(const struct comm *comm, const struct rows *r, struct cell_table *t)
{
    enum status status = OK;
    int64_t options = 1, slots = count_slots(r, &options);
    comm_max_int64(comm, &options, 1);
    if (options > KNAPSACK_OPTIONS)
        TRY(FAIL(ERR_DATA,
                 "%s: a slot has %" PRId64 " options; at most %d are possible (is there a "
                 "column of slots? name it by --slot)",
                 r->table->path, options, KNAPSACK_OPTIONS));
    t->cells.options = (int)options;
    TRY_ALL(comm, open_cells(r, slots, options, t));
    set_blocks(comm, slots, &t->blocks);
    TRY_ALL(comm, fill_slots(r, t));
    t->cells.blocks = &t->blocks;
    t->cells.value = t->value;
    t->cells.allowed = t->allowed;
    t->cells.kinds = (int)r->constraints;
done:
    return status;
}

static enum status open_table(const struct comm *comm, const struct constraint *constraint,
                              struct rows *r, struct cell_table *t)
{
    enum status status = OK;
    int64_t rows = r->table->table->blocks.rows_local;
    TRY_ALL(comm, memory_new(&t->use_unit, r->constraints, sizeof *t->use_unit));
    TRY_ALL(comm, memory_new(&t->group, r->constraints, sizeof *t->group));
    TRY_ALL(comm, memory_new(&t->use, r->constraints, sizeof *t->use));
    TRY_ALL(comm, memory_new(&t->limit, r->constraints, sizeof *t->limit));
    TRY_ALL(comm, memory_new(&t->slot_group, r->constraints, sizeof *t->slot_group));
    t->constraints = r->constraints;
    TRY(choose_unit(comm, r->value, rows, &t->value_unit));
    for (int64_t c = 0; c < r->constraints; c++) {
        TRY(choose_unit(comm, r->use[c], rows, &t->use_unit[c]));
        if (constraint[c].at_least) t->use_unit[c] = -t->use_unit[c];
        if (r->per[c] != NULL) TRY(number_groups(comm, r->per[c], rows, &r->code[c], &t->group[c]));
    }
done:
    return status;
}

enum status cell_table_make(const struct comm *comm, const struct fit_table *table,
                            const struct cell_names *names, const struct constraint *constraint,
                            int64_t constraints, struct cell_table *t)
{
    enum status status = OK;
    struct rows r = {
        .table = table, .constraints = constraints, .words = FIXED_WORDS + 2 * constraints};
    *t = (struct cell_table){.options_total = table->table->blocks.rows_total};
    TRY_ALL(comm, open_columns(names, constraint, &r));
    TRY(open_table(comm, constraint, &r, t));
    TRY(bring_rows(comm, t, &r));
    TRY(cut_slots(comm, &r, t));
    TRY(set_limits(comm, constraint, t));
done:
    free(r.word);
    for (int64_t c = 0; c < constraints && c < KNAPSACK_KINDS; c++) free(r.code[c]);
    return status;
}

void cell_table_clear(struct cell_table *t)
{
    for (int64_t c = 0; c < t->constraints; c++) {
        dictionary_clear(&t->group[c]);
        free(t->use[c]);
        free(t->limit[c]);
        free(t->slot_group[c]);
    }
    blocks_clear(&t->blocks);
    free(t->use_unit);
    free(t->group);
    free(t->use);
    free(t->limit);
    free(t->slot_group);
    free(t->value);
    free(t->allowed);
    free(t->row);
    *t = (struct cell_table){0};
}
