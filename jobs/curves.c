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

enum status curves_take_shapes(const struct dose_shapes *shapes, const float *chance, int64_t users,
                               struct curves *curves)
{
    curves->shapes = *shapes;
    if (shapes->kinds < 2) return OK;
    enum status status = memory_new(&curves->mixture, users * shapes->kinds, sizeof(float));
    if (status == OK)
        memcpy(curves->mixture, chance, (size_t)(users * shapes->kinds) * sizeof(float));
    return status;
}

/* Where the dose bends, with 0 before its first knot; nothing where it does not. */
static enum status write_shapes(const struct comm *comm, struct store *store,
                                const struct blocks *blocks, const struct curves *curves)
{
    enum status status = OK;
    const struct dose_shapes *shapes = &curves->shapes;
    int64_t kinds = shapes->kinds, knots = shapes->shape[0].knots;
    int64_t once = comm->rank == 0 ? knots + 1 : 0;
    double dose[DOSE_KNOTS_MAX + 1] = {0}, counts[(DOSE_KNOTS_MAX + 1) * DOSE_KINDS_MAX] = {0};
    const struct store_column at = {"dose_at", STORE_F64, 1, "discount", "where responses bend"};
    const struct store_column value = {
        "dose_value", STORE_F64, kinds, "discount",
        "what counts for a and b there, for users of each kind; linear in between"};
    const struct store_column mixture = {"mixture", STORE_F32, kinds, "",
                                         "chances that a user is of each kind"};
    if (kinds == 0) return OK;
    memcpy(dose + 1, shapes->shape[0].dose, sizeof shapes->shape[0].dose);
    for (int64_t k = 0; k < knots; k++)
        for (int64_t c = 0; c < kinds; c++) counts[(k + 1) * kinds + c] = shapes->shape[c].value[k];
    TRY(store_write(comm, store, &at, dose, once));
    TRY(store_write(comm, store, &value, counts, once));
    if (kinds > 1) TRY(store_write(comm, store, &mixture, curves->mixture, blocks->rows_local));
done:
    return status;
}

static enum status read_mixture(const struct comm *comm, const struct store *store,
                                const struct blocks *blocks, struct curves *curves)
{
    enum status status = OK;
    TRY_ALL(comm, memory_new(&curves->mixture, blocks->rows_local * curves->shapes.kinds,
                             sizeof *curves->mixture));
    TRY(store_read(comm, store, "mixture", STORE_F32, blocks->row_first, blocks->rows_local,
                   curves->mixture));
done:
    return status;
}

static enum status read_shapes(const struct comm *comm, const struct store *store,
                               const struct blocks *blocks, struct curves *curves)
{
    enum status status = OK;
    struct dose_shapes *shapes = &curves->shapes;
    double dose[DOSE_KNOTS_MAX], counts[DOSE_KNOTS_MAX * DOSE_KINDS_MAX];
    int64_t kinds = 0, knots = store_rows(comm, store, "dose_value", &kinds) - 1;
    if (knots <= 0) return OK;
    if (knots > DOSE_KNOTS_MAX || kinds < 1 || kinds > DOSE_KINDS_MAX)
        TRY(FAIL(ERR_IO, "curves.h5 is of another version; run the stage respond again"));
    TRY(store_read(comm, store, "dose_at", STORE_F64, 1, knots, dose));
    TRY(store_read(comm, store, "dose_value", STORE_F64, 1, knots, counts));
    shapes->kinds = kinds;
    for (int64_t c = 0; c < kinds; c++) {
        shapes->shape[c].knots = knots;
        memcpy(shapes->shape[c].dose, dose, (size_t)knots * sizeof *dose);
        for (int64_t k = 0; k < knots; k++) shapes->shape[c].value[k] = counts[k * kinds + c];
    }
    if (kinds > 1) TRY(read_mixture(comm, store, blocks, curves));
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
    TRY(write_shapes(comm, store, blocks, curves));
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
    TRY(read_shapes(comm, store, blocks, curves));
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
    free(curves->mixture);
    *curves = (struct curves){0};
}

double curves_chance(double a, double b, double dose)
{
    return 1.0 / (1.0 + exp(-(a + b * dose)));
}

struct dose_shape curves_shape(const struct curves *curves, int64_t user)
{
    const float *chance = curves->mixture;
    return dose_mix(&curves->shapes, chance != NULL ? chance + user * curves->shapes.kinds : NULL);
}

double curves_dose(const struct curves *curves, int64_t user, double discount)
{
    struct dose_shape shape = curves_shape(curves, user);
    return dose_apply(&shape, discount);
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

double curves_surplus(const struct dose_shape *shape, double a, double b, double discount)
{
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
    struct dose_shape shape = curves_shape(curves, row / curves->slots);
    double dose = dose_apply(&shape, discount);
    *low = *high = curves_chance(a, b, dose);
    if (curves->a_sd == NULL) return;
    double a_sd = (double)curves->a_sd[row];
    double gain_sd = dose * (double)curves->b_sd[row];
    double both = (double)curves->correlation[row] * a_sd * gain_sd;
    double variance = fmax(a_sd * a_sd + 2.0 * both + gain_sd * gain_sd, 0.0);
    double middle = middle_of(a + b * dose, variance);
    double reach = deviations_of(coverage) * sqrt(variance);
    *low = fmin(*low, curves_chance(middle - reach, 0.0, 0.0));
    *high = fmax(*high, curves_chance(middle + reach, 0.0, 0.0));
}
