/* curves.h5, written and read. */
#include "jobs/curves.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 5, OF_INTERVALS = 2 /* columns from here on */ };

struct curve_column {
    const char *name, *unit, *about;
};

static const struct curve_column column_list[COLUMNS] = {
    {"a", "logit", "log odds of the expected chance of buying without discount"},
    {"b", "logit", "gain in these by a discount of 100 %"},
    {"a_sd", "logit", "standard deviation of the user's log odds without discount"},
    {"b_sd", "logit", "standard deviation of the gain by a discount of 100 %"},
    {"correlation", "", "of the two"}};

static float **column_of(struct curves *curves, int k)
{
    float **columns[COLUMNS] = {&curves->a, &curves->b, &curves->a_sd, &curves->b_sd,
                                &curves->correlation};
    return columns[k];
}

enum status curves_reserve(int64_t users, int64_t slots, bool intervals, struct curves *curves)
{
    enum status status = OK;
    *curves = (struct curves){.slots = slots};
    for (int k = 0; k < (intervals ? COLUMNS : OF_INTERVALS); k++)
        TRY(memory_new(column_of(curves, k), users * slots, sizeof(float)));
done:
    if (status != OK) curves_clear(curves);
    return status;
}

/* Where the dose bends, with 0 before its first knot; nothing where it does not. */
static enum status write_shape(const struct comm *comm, struct store *store,
                               const struct dose_shape *shape)
{
    enum status status = OK;
    int64_t once = comm->rank == 0 ? shape->knots + 1 : 0;
    double dose[DOSE_KNOTS_MAX + 1] = {0}, counts[DOSE_KNOTS_MAX + 1] = {0};
    const struct store_column at = {"dose_at", STORE_F64, 1, "discount",
                                    "where the response of all bends"};
    const struct store_column value = {"dose_value", STORE_F64, 1, "discount",
                                       "what counts for a and b there; linear in between"};
    if (shape->knots == 0) return OK;
    memcpy(dose + 1, shape->dose, sizeof shape->dose);
    memcpy(counts + 1, shape->value, sizeof shape->value);
    TRY(store_write(comm, store, &at, dose, once));
    TRY(store_write(comm, store, &value, counts, once));
done:
    return status;
}

static enum status read_shape(const struct comm *comm, const struct store *store,
                              struct dose_shape *shape)
{
    enum status status = OK;
    int64_t knots = store_rows(comm, store, "dose_at", NULL) - 1;
    *shape = (struct dose_shape){0};
    if (knots <= 0) return OK;
    if (knots > DOSE_KNOTS_MAX)
        TRY(FAIL(ERR_IO, "curves.h5 is of another version; run the stage respond again"));
    TRY(store_read(comm, store, "dose_at", STORE_F64, 1, knots, shape->dose));
    TRY(store_read(comm, store, "dose_value", STORE_F64, 1, knots, shape->value));
    shape->knots = knots;
done:
    return status;
}

enum status curves_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                         const struct curves *curves)
{
    enum status status = OK;
    struct store *store = NULL;
    struct curves all = *curves;
    const int32_t observational = curves->observational;
    const struct store_column flag = {"observational", STORE_I32, 1, "",
                                      "1: learned without an offers table"};
    TRY(store_create(comm, path, &store));
    for (int k = 0; k < (curves->a_sd ? COLUMNS : OF_INTERVALS); k++) {
        const struct curve_column *about = &column_list[k];
        const struct store_column column = {about->name, STORE_F32, curves->slots, about->unit,
                                            about->about};
        TRY(store_write(comm, store, &column, *column_of(&all, k), blocks->rows_local));
    }
    TRY(write_shape(comm, store, &curves->shape));
    TRY(store_write(comm, store, &flag, &observational, comm->rank == 0));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static enum status read_columns(const struct comm *comm, const struct store *store,
                                const struct blocks *blocks, bool intervals, struct curves *curves)
{
    enum status status = OK;
    for (int k = 0; k < (intervals ? COLUMNS : OF_INTERVALS); k++)
        TRY(store_read(comm, store, column_list[k].name, STORE_F32, blocks->row_first,
                       blocks->rows_local, *column_of(curves, k)));
done:
    return status;
}

static enum status read_all(const struct comm *comm, const char *path, const struct blocks *blocks,
                            bool intervals, struct curves *curves)
{
    enum status status = OK;
    struct store *store = NULL;
    int32_t observational = 0;
    int64_t slots = 0;
    *curves = (struct curves){0};
    TRY(store_open(comm, path, &store));
    store_rows(comm, store, "a", &slots);
    intervals = intervals && store_rows(comm, store, "a_sd", NULL) >= 0;
    TRY_ALL(comm, curves_reserve(blocks->rows_local, slots, intervals, curves));
    TRY(read_columns(comm, store, blocks, intervals, curves));
    TRY(read_shape(comm, store, &curves->shape));
    TRY(store_read(comm, store, "observational", STORE_I32, 0, 1, &observational));
    curves->observational = observational != 0;
done:
    store_close(comm, &store);
    if (status != OK) curves_clear(curves);
    return status;
}

enum status curves_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                        struct curves *curves)
{
    return read_all(comm, path, blocks, false, curves);
}

enum status curves_read_intervals(const struct comm *comm, const char *path,
                                  const struct blocks *blocks, struct curves *curves)
{
    return read_all(comm, path, blocks, true, curves);
}

void curves_clear(struct curves *curves)
{
    for (int k = 0; k < COLUMNS; k++) free(*column_of(curves, k));
    *curves = (struct curves){0};
}

double curves_chance(double a, double b, double dose)
{
    return 1.0 / (1.0 + exp(-(a + b * dose)));
}

double curves_dose(const struct curves *curves, double discount)
{
    return dose_apply(&curves->shape, discount);
}

/* log(1 + exp(x)) without overflow */
static double softplus(double x)
{
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* Area below sigmoid from one logit to another while the discount goes on by `wide`. */
static double area(double from, double to, double wide)
{
    if (fabs(to - from) < 1e-9) return wide * curves_chance(from, 0.0, 0.0);
    return wide * (softplus(to) - softplus(from)) / (to - from);
}

double curves_surplus(const struct curves *curves, double a, double b, double discount)
{
    const struct dose_shape *shape = &curves->shape;
    if (!(b > 1e-6)) return 0.0;
    if (shape->knots == 0) return softplus(a + b * discount) / b;
    double sum = softplus(a) / b, from = 0.0;
    for (int64_t k = 0; k < shape->knots && from < discount; k++) {
        double to = k + 1 < shape->knots ? fmin(shape->dose[k], discount) : discount;
        sum += area(a + b * dose_apply(shape, from), a + b * dose_apply(shape, to), to - from);
        from = to;
    }
    return sum;
}

/* How many standard deviations to either side hold so much of a normal distribution: Newton's
 * method on erf, from within. */
static double deviations_of(double coverage)
{
    double z = 0.0;
    for (int step = 0; step < 60; step++) {
        double density = sqrt(2.0 / M_PI) * exp(-0.5 * z * z);
        double move = (coverage - erf(z / sqrt(2.0))) / density;
        z += move;
        if (fabs(move) < 1e-12) break;
    }
    return z;
}

/* Log odds whose chance, averaged over normal ones of this variance about the result, is that of
 * `mean`. MacKay's factor says too much far out, where E sigmoid(x) <= E exp(x) bounds the move. */
static double middle_of(double mean, double variance)
{
    double moved = fabs(mean) * (sqrt(1.0 + M_PI / 8.0 * variance) - 1.0);
    return mean + copysign(fmin(moved, 0.5 * variance), mean);
}

void curves_interval(const struct curves *curves, int64_t row, double discount, double coverage,
                     double *low, double *high)
{
    double a = (double)curves->a[row], b = (double)curves->b[row];
    *low = *high = curves_chance(a, b, curves_dose(curves, discount));
    if (curves->a_sd == NULL) return;
    double a_sd = (double)curves->a_sd[row], dose = curves_dose(curves, discount);
    double gain_sd = dose * (double)curves->b_sd[row];
    double both = (double)curves->correlation[row] * a_sd * gain_sd;
    double variance = fmax(a_sd * a_sd + 2.0 * both + gain_sd * gain_sd, 0.0);
    double middle = middle_of(a + b * dose, variance);
    double reach = deviations_of(coverage) * sqrt(variance);
    *low = fmin(*low, curves_chance(middle - reach, 0.0, 0.0));
    *high = fmax(*high, curves_chance(middle + reach, 0.0, 0.0));
}
