/* Rows hashed, exchanged and sorted. */
#include "jobs/cell_rows.h"

#include "mpi/memory.h"
#include "partition/sorter_order.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ORDER_WORDS = ROW_NUMBER + 1 };

/* Rounding to units forgives so much of one, or of the number itself, which is how numbers such as
 * 0.1 are off in binary. */
#define FORGIVEN 1e-3
#define FORGIVEN_PART 0x1p-52

int64_t cell_units(double x, double unit)
{
    return llrint(x * rint(1.0 / unit));
}

static double forgiven(double units)
{
    return fmax(FORGIVEN, fabs(units) * FORGIVEN_PART);
}

int64_t cell_units_up(double x, double unit)
{
    double units = x * rint(1.0 / unit);
    return (int64_t)ceil(units - forgiven(units));
}

int64_t cell_units_down(double x, double unit)
{
    double units = x * rint(1.0 / unit);
    units = floor(units + forgiven(units));
    return (int64_t)fmin(fmax(units, -0x1p60), 0x1p60);
}

/* The hash of what a cell of an id column says; false where it is missing. */
static bool hash_cell(const struct table_column *column, int64_t row, XXH128_hash_t *hash)
{
    if (column->type == COLUMN_TEXT) {
        if (column->code[row] < 0) return false;
        const char *text = dictionary_text(&column->levels, column->code[row]);
        *hash = XXH3_128bits(text, strlen(text));
        return true;
    }
    double number = column->number[row] + 0.0; /* no -0 */
    if (isnan(number)) return false;
    *hash = XXH3_128bits(&number, sizeof number);
    return true;
}

static enum status refuse_row(const struct cell_columns *c, int64_t row, const char *what,
                              const char *column)
{
    return FAIL(ERR_DATA, "%s: data row %" PRId64 " has no %s%s; every option needs one",
                c->table->path, c->table->table->blocks.row_first + row + 1, what, column);
}

static enum status take_row(const struct cell_columns *c, int64_t row, int64_t *word)
{
    XXH128_hash_t user, slot = {0, 0};
    if (!hash_cell(c->user, row, &user) || (c->slot != NULL && !hash_cell(c->slot, row, &slot)))
        return refuse_row(c, row, "user or slot", "");
    if (!isfinite(c->value->number[row])) return refuse_row(c, row, "value in ", c->value->name);
    memcpy(&word[ROW_USER], &user.high64, sizeof user.high64);
    memcpy(&word[ROW_USER + 1], &user.low64, sizeof user.low64);
    memcpy(&word[ROW_SLOT], &slot.low64, sizeof slot.low64);
    word[ROW_NUMBER] = c->table->table->blocks.row_first + row;
    word[ROW_VALUE] = cell_units(c->value->number[row], c->value_unit);
    for (int64_t d = 0; d < c->constraints; d++) {
        double use = c->use[d]->number[row], unit = c->use_unit[d];
        if (!isfinite(use)) return refuse_row(c, row, "number in ", c->use[d]->name);
        word[ROW_USES + 2 * d] = c->per[d] == NULL ? 0 : c->group[d].code[row];
        word[ROW_USES + 2 * d + 1] = cell_units_up(unit < 0.0 ? -use : use, fabs(unit));
    }
    return OK;
}

static enum status take_rows(const struct cell_columns *c, struct cell_rows *rows)
{
    enum status status = OK;
    for (int64_t i = 0; i < rows->count && status == OK; i++)
        status = take_row(c, i, rows->word + i * rows->words);
    return status;
}

/* The rank that the hash of a user belongs to: equal stretches of the hashes. */
static int owner_of(const struct comm *comm, const int64_t *word)
{
    return (int)(((uint64_t)word[ROW_USER] >> 32) * (uint64_t)comm->ranks >> 32);
}

static void part_rows(const struct comm *comm, const struct cell_rows *rows, int64_t *parted,
                      int64_t *count, int64_t *place)
{
    size_t bytes = (size_t)rows->words * sizeof *parted;
    for (int64_t i = 0; i < rows->count; i++) count[owner_of(comm, rows->word + i * rows->words)]++;
    for (int r = 1; r < comm->ranks; r++) place[r] = place[r - 1] + count[r - 1];
    for (int64_t i = 0; i < rows->count; i++) {
        const int64_t *word = rows->word + i * rows->words;
        memcpy(parted + place[owner_of(comm, word)]++ * rows->words, word, bytes);
    }
}

static enum status exchange_rows(const struct comm *comm, struct cell_rows *rows)
{
    enum status status = OK;
    int64_t *parted = NULL, *count = NULL, *place = NULL;
    void *received = NULL;
    if (comm->ranks == 1) return OK;
    TRY_ALL(comm, memory_new(&parted, rows->count * rows->words, sizeof *parted));
    TRY_ALL(comm, memory_new(&count, comm->ranks, sizeof *count));
    TRY_ALL(comm, memory_new(&place, comm->ranks, sizeof *place));
    part_rows(comm, rows, parted, count, place);
    free(rows->word);
    rows->word = NULL;
    TRY(comm_exchange(comm, parted, count, (size_t)rows->words * sizeof *parted, &received,
                      &rows->count));
    rows->word = received;
done:
    free(parted);
    free(count);
    free(place);
    return status;
}

static enum status sort_rows(struct cell_rows *rows)
{
    struct order order = {0};
    int64_t *sorted = NULL;
    size_t bytes = (size_t)rows->words * sizeof *sorted;
    enum status status = memory_new(&sorted, rows->count * rows->words, sizeof *sorted);
    if (status == OK && rows->count > 0)
        status = order_sort(&order, rows->word, rows->count, bytes, ORDER_WORDS, sorted);
    order_clear(&order);
    free(rows->word);
    rows->word = sorted;
    return status;
}

enum status cell_rows_bring(const struct comm *comm, const struct cell_columns *columns,
                            struct cell_rows *rows)
{
    enum status status = OK;
    *rows = (struct cell_rows){.count = columns->table->table->blocks.rows_local,
                               .words = ROW_USES + 2 * columns->constraints};
    TRY_ALL(comm, memory_new(&rows->word, rows->count * rows->words, sizeof *rows->word));
    TRY_ALL(comm, take_rows(columns, rows));
    TRY(exchange_rows(comm, rows));
    TRY_ALL(comm, sort_rows(rows));
done:
    return status;
}
