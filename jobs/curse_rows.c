/* Columns and weights of past offers. */
#include "jobs/curse_rows.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* Bins of log odds without a discount, for offers whose propensity nobody kept. */
enum { LIKELY_BINS = 16 };

#define LIKELY_LOW (-6.0)
#define LIKELY_WIDTH 0.5

/* Half of the weight goes to discounts as often as the table has them, half as often as they were
 * offered: a line through all of them is worth more than the few outcomes at one. */
#define TABLE_SHARE 0.5

#define PROPENSITY_LEAST 1e-3

/* Times the mean; a single offer is not to decide. */
#define WEIGHT_MOST 20.0

/* Counts of bought and browsed beyond this tell no more. */
#define OFTEN 3.0

int curse_level(double discount)
{
    return (int)lround(100.0 * fmin(fmax(discount, 0.0), 1.0));
}

/* ---- columns ---- */

static void raw_columns(const struct curse_rows *rows, const struct curse_row *row, double *x)
{
    const uint8_t *trait = row->trait;
    double a = row->a + 2.0, known = (double)trait[TRAIT_KNOWN]; /* a near 0 */
    x[CURSE_ONE] = 1.0;
    x[CURSE_NO_DISCOUNT] = curse_level(row->discount) == 0;
    x[CURSE_DISCOUNT] = row->discount;
    x[CURSE_SLOPE] = row->b * curves_dose(rows->curves, row->user, row->discount);
    x[CURSE_A] = a;
    x[CURSE_KNOWN] = known;
    x[CURSE_A_OF_KNOWN] = known * a;
    x[CURSE_BOUGHT] = fmin((double)trait[TRAIT_BOUGHT], OFTEN);
    x[CURSE_BROWSED] = fmin((double)trait[TRAIT_BROWSED], OFTEN);
    x[CURSE_CATEGORY_BOUGHT] = log1p((double)trait[TRAIT_CATEGORY_BOUGHT]);
    x[CURSE_CATEGORY_BROWSED] = log1p((double)trait[TRAIT_CATEGORY_BROWSED]);
    x[CURSE_ALL_BOUGHT] = log1p((double)trait[TRAIT_ALL_BOUGHT]);
    x[CURSE_ALL_BROWSED] = log1p((double)trait[TRAIT_ALL_BROWSED]);
    x[CURSE_POPULAR] = log1p((double)row->purchases);
}

double curse_columns(const struct curse_rows *rows, const struct curse_row *row, double *x)
{
    raw_columns(rows, row, x);
    for (int j = 1; j < CURSE_COLUMNS; j++)
        x[j] = rows->sd[j] > 0.0 ? (x[j] - rows->mean[j]) / rows->sd[j] : 0.0;
    return row->a + row->b * curves_dose(rows->curves, row->user, row->discount);
}

static struct curse_row row_at(const struct curse_rows *rows, int64_t i)
{
    const struct heldout *h = rows->source;
    return (struct curse_row){.user = i / h->slots,
                              .a = (double)h->a[i],
                              .b = (double)h->b[i],
                              .discount = (double)h->discount[i],
                              .trait = h->trait + i * TRAITS,
                              .purchases = h->purchases[h->product[i]]};
}

double curse_rows_columns(const void *context, int64_t i, double *x)
{
    const struct curse_rows *rows = context;
    struct curse_row row = row_at(rows, i);
    return curse_columns(rows, &row, x);
}

/* ---- what was offered ---- */

/* All int64_t, so that it is added up over the ranks as one array. */
struct offered {
    int64_t count[LIKELY_BINS][CURSE_LEVELS];
    int64_t level[CURSE_LEVELS];
    int64_t offers, bought, estimated;
};

static int likely_bin(double a)
{
    return (int)fmin(fmax((a - LIKELY_LOW) / LIKELY_WIDTH, 0.0), LIKELY_BINS - 1.0);
}

static bool has_propensity(const struct heldout *h, int64_t i)
{
    return h->propensity[i] > 0.0f && h->propensity[i] <= 1.0f;
}

static void count_offers(const struct comm *comm, const struct curse_rows *rows,
                         struct offered *offered)
{
    const struct heldout *h = rows->source;
    *offered = (struct offered){0};
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        if (rows->skip[i] != 0) continue;
        int level = curse_level((double)h->discount[i]);
        offered->count[likely_bin((double)h->a[i])][level]++;
        offered->level[level]++;
        offered->offers++;
        offered->bought += h->bought[i];
        offered->estimated += !has_propensity(h, i);
    }
    comm_sum_int64(comm, (int64_t *)offered, sizeof *offered / sizeof(int64_t));
}

static double propensity_of(const struct heldout *h, const struct offered *offered, int64_t i)
{
    if (has_propensity(h, i)) return fmax((double)h->propensity[i], PROPENSITY_LEAST);
    const int64_t *count = offered->count[likely_bin((double)h->a[i])];
    int64_t all = 0;
    for (int k = 0; k < CURSE_LEVELS; k++) all += count[k];
    return (double)count[curse_level((double)h->discount[i])] / (double)all;
}

/* ---- weights ---- */

/* sums over rows of w, w^2, and of w x, w x^2 for each column */
static enum status sum_rows(const struct comm *comm, const struct curse_rows *rows, bool columns,
                            struct exact_sums *sums)
{
    double x[CURSE_COLUMNS], partial[2 + 2 * CURSE_COLUMNS];
    exact_reset(sums);
    for (int64_t b = 0; b < rows->blocks.blocks_local; b++) {
        for (int j = 0; j < 2 + 2 * CURSE_COLUMNS; j++) partial[j] = 0.0;
        for (int64_t i = rows->blocks.start[b]; i < rows->blocks.start[b + 1]; i++) {
            if (rows->skip[i] != 0) continue;
            double w = (double)rows->weight[i];
            struct curse_row row = row_at(rows, i);
            partial[0] += w;
            partial[1] += w * w;
            if (columns) raw_columns(rows, &row, x);
            for (int j = 0; j < CURSE_COLUMNS && columns; j++) {
                partial[2 + 2 * j] += w * x[j];
                partial[3 + 2 * j] += w * x[j] * x[j];
            }
        }
        exact_add(sums, 0, partial, 2 + 2 * CURSE_COLUMNS);
    }
    return exact_reduce(comm, sums);
}

static void scale_weights(struct curse_rows *rows, double factor, double most)
{
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        rows->weight[i] = (float)(factor * fmin((double)rows->weight[i], most));
}

/* Mean and deviation of the columns, and weights whose sum is what the rows are worth. */
static enum status settle(const struct comm *comm, struct curse_rows *rows)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, 2 + 2 * CURSE_COLUMNS));
    TRY(sum_rows(comm, rows, false, &sums));
    scale_weights(rows, 1.0, WEIGHT_MOST * exact_get(&sums, 0) / (double)rows->offers);
    TRY(sum_rows(comm, rows, true, &sums));
    double w = exact_get(&sums, 0), squares = exact_get(&sums, 1);
    rows->worth = w * w / squares;
    for (int j = 0; j < CURSE_COLUMNS; j++) {
        double mean = exact_get(&sums, 2 + 2 * j) / w;
        double variance = exact_get(&sums, 3 + 2 * j) / w - mean * mean;
        rows->mean[j] = mean;
        rows->sd[j] = variance > 1e-12 ? sqrt(variance) : 0.0;
    }
    scale_weights(rows, w / squares, INFINITY);
done:
    exact_clear(&sums);
    return status;
}

/* Inverse propensities, times how often the discount is wanted. */
static void weigh(const struct curse_rows *rows, const struct offered *offered,
                  const int64_t *table)
{
    const struct heldout *h = rows->source;
    int64_t all = 0;
    for (int k = 0; k < CURSE_LEVELS; k++) all += table[k];
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        if (rows->skip[i] != 0) continue;
        int level = curse_level((double)h->discount[i]);
        double wanted =
            TABLE_SHARE * (double)table[level] / (double)(all > 0 ? all : 1) +
            (1.0 - TABLE_SHARE) * (double)offered->level[level] / (double)offered->offers;
        rows->weight[i] = (float)(wanted / propensity_of(h, offered, i));
    }
}

static enum status reserve(const struct blocks *users, const struct heldout *source,
                           struct curse_rows *rows)
{
    enum status status = OK;
    TRY(heldout_blocks(users, source, &rows->blocks));
    int64_t count = rows->blocks.rows_local;
    TRY(memory_new(&rows->y, count, sizeof *rows->y));
    TRY(memory_new(&rows->weight, count, sizeof *rows->weight));
    TRY(memory_new(&rows->skip, count, 1));
    for (int64_t i = 0; i < count; i++) {
        rows->skip[i] = source->product[i] < 0 || source->product[i] >= source->products;
        rows->y[i] = (float)source->bought[i];
    }
done:
    return status;
}

enum status curse_rows_make(const struct comm *comm, const struct blocks *users,
                            const struct heldout *source, const struct curves *curves,
                            const int64_t *table, struct curse_rows *rows)
{
    enum status status = OK;
    struct offered offered;
    *rows = (struct curse_rows){.source = source, .curves = curves};
    TRY_ALL(comm, reserve(users, source, rows));
    count_offers(comm, rows, &offered);
    rows->offers = offered.offers;
    rows->bought = offered.bought;
    rows->estimated = offered.estimated;
    for (int k = 0; k < CURSE_LEVELS; k++) {
        if (offered.level[k] == 0) continue;
        rows->levels++;
        rows->deepest = k / 100.0;
    }
    if (rows->offers == 0) goto done;
    weigh(rows, &offered, table);
    TRY(settle(comm, rows));
done:
    return status;
}

void curse_rows_clear(struct curse_rows *rows)
{
    blocks_clear(&rows->blocks);
    free(rows->y);
    free(rows->weight);
    free(rows->skip);
    *rows = (struct curse_rows){0};
}
