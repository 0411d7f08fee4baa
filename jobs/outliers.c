/* Median and MAD of each product from its values in order, each counted. */
#include "jobs/outliers.h"

#include "jobs/tally.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define NORMAL_SCALE 1.4826 /* 1 / Phi^-1(3/4): MAD times this is the sd of normal values */
#define MAD_LEAST 1e-9      /* logarithms of equal prices may differ by rounding */

/* Prices or quantities. */
struct side {
    struct tally *values; /* product, value */
    int64_t few, uniform; /* products, of this rank */
    double *centre;       /* [products] median of the logarithms */
    double *reach;        /* [products] farther ones are outliers; INFINITY: none is */
};

struct outliers {
    struct outliers_options options;
    int64_t products;
    struct side side[2]; /* prices, quantities */
    struct outliers_summary summary;
};

/* ---- filling ---- */

enum status outliers_new(const struct outliers_options *options, struct outliers **outliers)
{
    enum status status = OK;
    struct outliers *fresh = NULL;
    struct tally_options tally = {
        .sums = 1, .memory_bytes = options->memory_bytes / 2, .folder = options->folder};
    *outliers = NULL;
    if (!(options->z > 0.0) || options->min_rows < 1)
        return FAIL(ERR_ARG, "outliers beyond %g of products with %lld rows", options->z,
                    (long long)options->min_rows);
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->options = *options;
    for (int s = 0; s < 2; s++) TRY(tally_new(&tally, &fresh->side[s].values));
    *outliers = fresh;
    fresh = NULL;
done:
    outliers_free(&fresh);
    return status;
}

static bool counts(double value)
{
    return value > 0.0 && isfinite(value);
}

enum status outliers_add(struct outliers *outliers, int64_t product, double unit_price,
                         double quantity)
{
    enum status status = OK;
    const double value[2] = {unit_price, quantity};
    const int64_t one = 1;
    for (int s = 0; s < 2; s++)
        if (counts(value[s]))
            TRY(tally_add(outliers->side[s].values, (uint64_t)product, tally_key_of(value[s]),
                          &one));
done:
    return status;
}

/* ---- one product: values ascending, each with its count ---- */

static double log_at(const struct tally_count *values, int64_t at)
{
    return log(tally_number_of(values[at].key));
}

static int64_t rows_of(const struct tally_count *values, int64_t count)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < count; i++) rows += values[i].count;
    return rows;
}

static double median_of(const struct tally_count *values, int64_t rows)
{
    int64_t i = 0, passed = values[0].count;
    while (passed <= (rows - 1) / 2) passed += values[++i].count;
    double lower = log_at(values, i);
    while (passed <= rows / 2) passed += values[++i].count;
    return (lower + log_at(values, i)) / 2.0;
}

/* Distances from the centre ascend on both of its sides, so the next one is at either front. */
static double mad_of(const struct tally_count *values, int64_t count, int64_t rows, double centre)
{
    int64_t below = -1, above, passed = 0;
    double middle[2] = {-1.0, -1.0};
    while (below + 1 < count && log_at(values, below + 1) <= centre) below++;
    above = below + 1;
    while (middle[1] < 0.0) {
        double down = below >= 0 ? centre - log_at(values, below) : INFINITY;
        double up = above < count ? log_at(values, above) - centre : INFINITY;
        passed += down <= up ? values[below--].count : values[above++].count;
        if (middle[0] < 0.0 && passed > (rows - 1) / 2) middle[0] = fmin(down, up);
        if (passed > rows / 2) middle[1] = fmin(down, up);
    }
    return (middle[0] + middle[1]) / 2.0;
}

static void judge(const struct outliers_options *options, const struct tally_count *values,
                  int64_t count, struct side *side)
{
    int64_t product = (int64_t)values[0].group, rows = rows_of(values, count);
    side->centre[product] = 0.0;
    side->reach[product] = INFINITY;
    if (rows < options->min_rows) {
        side->few++;
        return;
    }
    double centre = median_of(values, rows), mad = mad_of(values, count, rows, centre);
    if (mad <= MAD_LEAST) {
        side->uniform++;
        return;
    }
    side->centre[product] = centre;
    side->reach[product] = options->z * NORMAL_SCALE * mad;
}

/* ---- all products ---- */

static enum status judge_batch(const struct outliers *outliers, const struct sorter_batch *batch,
                               struct side *side)
{
    const struct tally_count *values = batch->records;
    for (int64_t i = 0, end; i < batch->count; i = end) {
        end = tally_group_end(values, batch->count, i);
        if (values[i].group >= (uint64_t)outliers->products)
            return FAIL(ERR_BUG, "outliers of product %lld, of %lld", (long long)values[i].group,
                        (long long)outliers->products);
        judge(&outliers->options, values + i, end - i, side);
    }
    return OK;
}

/* Each product is known to its owner alone; the maximum over all ranks is what it says. */
static enum status finish_side(const struct comm *comm, const struct outliers *outliers,
                               struct side *side)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    int64_t products = outliers->products;
    TRY_ALL(comm, memory_new(&side->centre, products, sizeof *side->centre));
    TRY_ALL(comm, memory_new(&side->reach, products, sizeof *side->reach));
    for (int64_t p = 0; p < products; p++) side->centre[p] = side->reach[p] = -INFINITY;
    TRY(tally_open(comm, side->values));
    while (batch.more) {
        TRY(tally_next(comm, side->values, &batch));
        TRY_ALL(comm, judge_batch(outliers, &batch, side));
    }
    comm_max_double(comm, side->centre, products);
    comm_max_double(comm, side->reach, products);
    tally_free(&side->values);
done:
    return status;
}

enum status outliers_finish(const struct comm *comm, struct outliers *outliers, int64_t products)
{
    enum status status = OK;
    struct side *price = &outliers->side[0], *quantity = &outliers->side[1];
    outliers->products = products;
    TRY(finish_side(comm, outliers, price));
    TRY(finish_side(comm, outliers, quantity));
    int64_t sums[3] = {price->few, price->uniform, quantity->uniform};
    comm_sum_int64(comm, sums, 3);
    outliers->summary = (struct outliers_summary){
        .few = sums[0], .uniform_prices = sums[1], .uniform_quantities = sums[2]};
    for (int64_t p = 0; p < products; p++)
        outliers->summary.judged += (price->reach[p] > 0.0 && isfinite(price->reach[p])) ||
                                    (quantity->reach[p] > 0.0 && isfinite(quantity->reach[p]));
done:
    return status;
}

/* ---- asking ---- */

static bool is_far(const struct side *side, int64_t product, double value)
{
    double reach = side->reach[product];
    return counts(value) && isfinite(reach) && fabs(log(value) - side->centre[product]) > reach;
}

enum outlier outliers_test(const struct outliers *outliers, int64_t product, double unit_price,
                           double quantity)
{
    if (is_far(&outliers->side[0], product, unit_price)) return OUTLIER_PRICE;
    if (is_far(&outliers->side[1], product, quantity)) return OUTLIER_QUANTITY;
    return OUTLIER_NONE;
}

struct outliers_summary outliers_summary(const struct outliers *outliers)
{
    return outliers->summary;
}

void outliers_free(struct outliers **outliers)
{
    if (*outliers == NULL) return;
    for (int s = 0; s < 2; s++) {
        tally_free(&(*outliers)->side[s].values);
        free((*outliers)->side[s].centre);
        free((*outliers)->side[s].reach);
    }
    free(*outliers);
    *outliers = NULL;
}
