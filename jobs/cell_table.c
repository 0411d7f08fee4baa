/* Rows of cells to the ranks of their slots. */
#include "jobs/cell_table.h"

#include "jobs/cell_rows.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DECIMALS = 9, DECIMALS_MOST = 22 }; /* powers of ten up to 10^22 are doubles */

#define SUM_MOST 0x1p58
#define ONE_MOST 0x1p50 /* of a single number: what solvers take */
#define ONE_ENOUGH 1e9  /* units of the largest number: no need of more than DECIMALS then */

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
                                const struct cell_table *t, struct cell_columns *r)
{
    enum status status = OK;
    TRY(find_column(r->table, names->user, &r->user));
    if (names->slot != NULL) TRY(find_column(r->table, names->slot, &r->slot));
    TRY(find_number(r->table, names->value, &r->value));
    for (int64_t c = 0; c < r->constraints; c++) {
        TRY(find_number(r->table, constraint[c].column, &r->use[c]));
        if (constraint[c].per != NULL && !t->is_cap[c])
            TRY(find_column(r->table, constraint[c].per, &r->per[c]));
    }
done:
    return status;
}

/* Which constraints are caps: a user's slots lie together, so its limits need no groups. */
static void find_caps(const struct cell_names *names, const struct constraint *constraint,
                      struct cell_table *t)
{
    int kinds = 0;
    for (int64_t c = 0; c < t->constraints; c++) {
        const char *per = constraint[c].per;
        t->is_cap[c] =
            per != NULL && strcmp(per, names->user) == 0 && t->cells.caps < KNAPSACK_CAPS;
        t->place[c] = t->is_cap[c] ? t->cells.caps++ : kinds++;
    }
    t->cells.kinds = kinds;
}

int64_t cell_table_first(const struct cell_table *t, int64_t constraint)
{
    int64_t first = 0;
    for (int d = 0; d < t->place[constraint]; d++) first += t->cells.kind[d].groups;
    return first;
}

double cell_amount(int64_t units, double unit)
{
    double amount = (double)units / rint(1.0 / fabs(unit));
    return units == 0 ? 0.0 : unit < 0.0 ? -amount : amount;
}

/* ---- units ---- */

/* Whether another decimal, beyond d of them, has room and is of use. */
static bool takes_decimal(double most, double rows, double parts, int d)
{
    double next = most * 10.0 * parts;
    bool small = most > 0.0 && most * parts < ONE_ENOUGH;
    return next * rows < SUM_MOST && next < ONE_MOST && d < (small ? DECIMALS_MOST : DECIMALS);
}

/* As many decimals, up to DECIMALS and for small numbers more, as the sum of all rows allows. */
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
    double parts = 1.0;
    for (int d = 0; takes_decimal(most, (double)all, parts, d); d++) parts *= 10.0;
    *unit = 1.0 / parts;
done:
    return status;
}

/* ---- slots ---- */

static bool same_slot(const struct cell_rows *r, int64_t i, int64_t j)
{
    const int64_t *a = r->word + i * r->words, *b = r->word + j * r->words;
    return memcmp(a + ROW_USER, b + ROW_USER, (ROW_SLOT - ROW_USER + 1) * sizeof *a) == 0;
}

static int64_t count_slots(const struct cell_rows *r, int64_t *options)
{
    int64_t slots = 0;
    for (int64_t i = 0, next; i < r->count; i = next, slots++) {
        for (next = i + 1; next < r->count && same_slot(r, i, next);) next++;
        *options = next - i > *options ? next - i : *options;
    }
    return slots;
}

static enum status open_cells(const struct cell_columns *c, int64_t slots, int64_t options,
                              struct cell_table *t)
{
    enum status status = OK;
    int64_t kinds = c->constraints;
    TRY(memory_new(&t->value, slots * options, sizeof *t->value));
    TRY(memory_new(&t->allowed, slots, sizeof *t->allowed));
    TRY(memory_new(&t->row, slots * options, sizeof *t->row));
    for (int64_t d = 0; d < kinds; d++) {
        TRY(memory_new(&t->use[d], slots * options, sizeof *t->use[d]));
        if (c->per[d] != NULL) TRY(memory_new(&t->slot_group[d], slots, sizeof *t->slot_group[d]));
    }
    for (int64_t i = 0; i < slots * options; i++) t->row[i] = -1;
done:
    return status;
}

static enum status refuse_group(const struct cell_columns *c, int64_t d, const int64_t *word)
{
    return FAIL(ERR_DATA,
                "%s: data row %" PRId64
                " has another %s than the other options of its slot; a slot "
                "counts against one limit of a kind: make it one slot for each %s, or limit the "
                "column in all",
                c->table->path, word[ROW_NUMBER] + 1, c->per[d]->name, c->per[d]->name);
}

static enum status fill_slot(const struct cell_columns *c, const struct cell_rows *r, int64_t first,
                             int64_t next, int64_t slot, struct cell_table *t)
{
    for (int64_t i = first; i < next; i++) {
        const int64_t *word = r->word + i * r->words;
        int64_t at = slot * t->cells.options + i - first;
        t->value[at] = word[ROW_VALUE];
        t->row[at] = word[ROW_NUMBER];
        t->allowed[slot] |= UINT32_C(1) << (i - first);
        for (int64_t d = 0; d < c->constraints; d++) {
            int32_t group = (int32_t)row_group(word, d);
            t->use[d][at] = row_use(word, d);
            if (t->slot_group[d] == NULL) continue;
            if (i > first && t->slot_group[d][slot] != group) return refuse_group(c, d, word);
            t->slot_group[d][slot] = group;
        }
    }
    return OK;
}

static enum status fill_slots(const struct cell_columns *c, const struct cell_rows *r,
                              struct cell_table *t)
{
    enum status status = OK;
    int64_t slot = 0;
    for (int64_t i = 0, next; i < r->count && status == OK; i = next, slot++) {
        for (next = i + 1; next < r->count && same_slot(r, i, next);) next++;
        status = fill_slot(c, r, i, next, slot, t);
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
        int64_t groups = t->is_cap[c]                ? t->cells.users_local
                         : constraint[c].per != NULL ? t->group[c].levels.count
                                                     : 1;
        double limit = constraint[c].at_least ? -constraint[c].limit : constraint[c].limit;
        TRY_ALL(comm, memory_new(&t->limit[c], groups, sizeof *t->limit[c]));
        for (int64_t g = 0; g < groups; g++)
            t->limit[c][g] = cell_units_down(limit, fabs(t->use_unit[c]));
        if (t->is_cap[c])
            t->cells.cap[t->place[c]] = (struct knapsack_cap){t->use[c], t->limit[c]};
        else
            t->cells.kind[t->place[c]] =
                (struct knapsack_kind){groups, t->slot_group[c], t->use[c], t->limit[c]};
    }
done:
    return status;
}

/* Where the slots of each user begin. */
static enum status cut_users(const struct cell_rows *r, struct cell_table *t)
{
    int64_t slot = 0, users = 0;
    const int64_t *last = NULL;
    if (t->cells.caps == 0) return OK;
    enum status status =
        memory_new(&t->user_start, t->blocks.rows_local + 1, sizeof *t->user_start);
    if (status != OK) return status;
    for (int64_t i = 0, next; i < r->count; i = next, slot++) {
        const int64_t *user = r->word + i * r->words + ROW_USER;
        if (last == NULL || memcmp(user, last, 2 * sizeof *user) != 0)
            t->user_start[users++] = slot;
        last = user;
        for (next = i + 1; next < r->count && same_slot(r, i, next);) next++;
    }
    t->user_start[users] = slot;
    t->cells.users_local = users;
    t->cells.user_start = t->user_start;
    return OK;
}

static enum status cut_slots(const struct comm *comm, const struct cell_columns *c,
                             const struct cell_rows *r, struct cell_table *t)
{
    enum status status = OK;
    int64_t options = 1, slots = count_slots(r, &options);
    comm_max_int64(comm, &options, 1);
    if (options > KNAPSACK_OPTIONS)
        TRY(FAIL(ERR_DATA,
                 "%s: a slot has %" PRId64 " options; at most %d are possible (is there a "
                 "column of slots? name it by --slot)",
                 c->table->path, options, KNAPSACK_OPTIONS));
    t->cells.options = (int)options;
    TRY_ALL(comm, open_cells(c, slots, options, t));
    set_blocks(comm, slots, &t->blocks);
    TRY_ALL(comm, fill_slots(c, r, t));
    TRY_ALL(comm, cut_users(r, t));
    t->cells.blocks = &t->blocks;
    t->cells.value = t->value;
    t->cells.allowed = t->allowed;
done:
    return status;
}

static enum status open_table(const struct comm *comm, const struct constraint *constraint,
                              struct cell_columns *r, struct cell_table *t)
{
    enum status status = OK;
    int64_t rows = r->table->table->blocks.rows_local;
    TRY_ALL(comm, memory_new(&t->use_unit, r->constraints, sizeof *t->use_unit));
    TRY_ALL(comm, memory_new(&t->group, r->constraints, sizeof *t->group));
    TRY_ALL(comm, memory_new(&t->use, r->constraints, sizeof *t->use));
    TRY_ALL(comm, memory_new(&t->limit, r->constraints, sizeof *t->limit));
    TRY_ALL(comm, memory_new(&t->slot_group, r->constraints, sizeof *t->slot_group));
    TRY(choose_unit(comm, r->value, rows, &t->value_unit));
    for (int64_t c = 0; c < r->constraints; c++) {
        TRY(choose_unit(comm, r->use[c], rows, &t->use_unit[c]));
        if (constraint[c].at_least) t->use_unit[c] = -t->use_unit[c];
        if (r->per[c] != NULL)
            TRY(cell_groups_make(comm, r->per[c], &r->table->table->blocks, KNAPSACK_LIMITS,
                                 &t->group[c]));
    }
    r->value_unit = t->value_unit;
    r->use_unit = t->use_unit;
    r->group = t->group;
done:
    return status;
}

enum status cell_table_make(const struct comm *comm, const struct fit_table *table,
                            const struct cell_names *names, const struct constraint *constraint,
                            int64_t constraints, struct cell_table *t)
{
    enum status status = OK;
    struct cell_columns columns = {.table = table, .constraints = constraints};
    struct cell_rows rows = {0};
    *t = (struct cell_table){.options_total = table->table->blocks.rows_total};
    TRY_ALL(comm, constraints <= KNAPSACK_KINDS
                      ? OK
                      : FAIL(ERR_ARG, "%" PRId64 " constraints; at most %d are possible",
                             constraints, KNAPSACK_KINDS));
    t->constraints = constraints;
    find_caps(names, constraint, t);
    TRY_ALL(comm, open_columns(names, constraint, t, &columns));
    TRY(open_table(comm, constraint, &columns, t));
    TRY(cell_rows_bring(comm, &columns, &rows));
    TRY(cut_slots(comm, &columns, &rows, t));
    TRY(set_limits(comm, constraint, t));
done:
    free(rows.word);
    return status;
}

void cell_table_clear(struct cell_table *t)
{
    for (int64_t c = 0; c < t->constraints; c++) {
        if (t->group != NULL) cell_groups_clear(&t->group[c]);
        if (t->use != NULL) free(t->use[c]);
        if (t->limit != NULL) free(t->limit[c]);
        if (t->slot_group != NULL) free(t->slot_group[c]);
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
    free(t->user_start);
    *t = (struct cell_table){0};
}
