/* Double machine learning: folds, scales, residuals, and what they say together. */
#include "algorithms/double_ml.h"

#include "algorithms/double_ml_cross.h"
#include "algorithms/double_ml_effects.h"
#include "mpi/exact.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_LEFT 1e-4 /* of the treatment's variance: below it there is nothing to learn from */
#define NORMAL_975 1.959963984540054

enum { OUTCOME, TREATMENT, TARGETS };

static const char *const target_name[TARGETS] = {"outcome", "treatment"};

struct work {
    const struct double_ml_data *data;
    uint8_t *fold;           /* [rows_local] */
    double *scaled[TARGETS]; /* [rows_local] less the mean, in units */
    double unit[TARGETS];
};

/* ---- checks ---- */

static bool used(const struct double_ml_data *data, int64_t row)
{
    return data->skip == NULL || data->skip[row] == 0;
}

static enum status check_options(const struct double_ml_data *data,
                                 const struct double_ml_options *opt)
{
    if (opt->folds < 2 || opt->folds > DOUBLE_ML_FOLDS_MAX)
        return FAIL(ERR_ARG, "%" PRId64 " folds; choose 2 to %d", opt->folds, DOUBLE_ML_FOLDS_MAX);
    if (data->controls.columns < 1)
        return FAIL(ERR_ARG, "there is no control; name the columns that drive the treatment");
    if (opt->forest && opt->boosted < 1)
        return FAIL(ERR_ARG, "%" PRId64 " boosted trees; choose at least 1", opt->boosted);
    return OK;
}

static enum status check_values(const struct double_ml_data *data)
{
    const double *value[TARGETS] = {data->outcome, data->treatment};
    for (int64_t i = 0; i < data->controls.blocks->rows_local; i++)
        for (int64_t k = 0; k < TARGETS && used(data, i); k++)
            if (!isfinite(value[k][i]))
                return FAIL(ERR_NUMERIC, "the %s of row %" PRId64 " is %g; leave such rows out",
                            target_name[k], data->controls.blocks->row_first + i, value[k][i]);
    return OK;
}

/* ---- folds ---- */

static uint8_t fold_of(const struct double_ml_data *data, const struct double_ml_options *opt,
                       int64_t row)
{
    uint64_t entity = data->cluster != NULL ? (uint64_t)data->cluster[row]
                                            : (uint64_t)(data->controls.blocks->row_first + row);
    return (uint8_t)random_below(opt->seed, RANDOM_SPLIT, entity, 0, (uint64_t)opt->folds);
}

static enum status deal_folds(const struct comm *comm, const struct double_ml_options *opt,
                              struct work *w, struct double_ml *ml)
{
    int64_t rows[DOUBLE_ML_FOLDS_MAX] = {0}, most = 0;
    for (int64_t i = 0; i < ml->blocks->rows_local; i++) {
        w->fold[i] = used(w->data, i) ? fold_of(w->data, opt, i) : DOUBLE_ML_NO_FOLD;
        ml->weight[i] = used(w->data, i);
        if (used(w->data, i)) rows[w->fold[i]]++;
    }
    comm_sum_int64(comm, rows, DOUBLE_ML_FOLDS_MAX);
    for (int64_t k = 0; k < opt->folds; k++) {
        ml->rows += rows[k];
        if (rows[k] > most) most = rows[k];
    }
    if (ml->rows < 2 * opt->folds)
        return FAIL(ERR_DATA,
                    "%" PRId64 " rows for %" PRId64 " folds; each needs two: take fewer folds, or "
                    "more rows",
                    ml->rows, opt->folds);
    if (most == ml->rows)
        return FAIL(ERR_DATA, "all rows fall in one fold: there are too few clusters; do without "
                              "them, or take another seed");
    return OK;
}

/* ---- scales ---- */

/* Mean and power of two above all |value|. */
static enum status measure(const struct comm *comm, const struct work *w, const double *value,
                           int64_t rows, double *mean, double *unit)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    double largest = 0;
    int exponent = 0;
    int64_t rows_local = w->data->controls.blocks->rows_local;
    for (int64_t i = 0; i < rows_local; i++)
        if (used(w->data, i)) largest = fmax(largest, fabs(value[i]));
    comm_max_double(comm, &largest, 1);
    frexp(largest, &exponent);
    *unit = ldexp(1.0, exponent);
    TRY_ALL(comm, exact_init(&sum, 1));
    for (int64_t i = 0; i < rows_local; i++)
        if (used(w->data, i)) exact_add_one(&sum, 0, value[i] / *unit);
    TRY(exact_reduce(comm, &sum));
    *mean = exact_get(&sum, 0) / (double)rows * *unit;
done:
    exact_clear(&sum);
    return status;
}

static enum status scale(const struct comm *comm, const double *value, int64_t target,
                         const struct double_ml *ml, struct work *w)
{
    enum status status = OK;
    double mean = 0, largest = 0;
    int exponent = 0;
    TRY(measure(comm, w, value, ml->rows, &mean, &w->unit[target]));
    for (int64_t i = 0; i < ml->blocks->rows_local; i++)
        if (used(w->data, i)) largest = fmax(largest, fabs(value[i] - mean));
    comm_max_double(comm, &largest, 1);
    if (largest <= 1e-12 * fabs(mean))
        TRY(FAIL(ERR_DATA, "the %s is %g in every row: there is nothing to learn from it",
                 target_name[target], mean));
    frexp(largest, &exponent);
    w->unit[target] = ldexp(1.0, exponent);
    for (int64_t i = 0; i < ml->blocks->rows_local; i++)
        w->scaled[target][i] = used(w->data, i) ? (value[i] - mean) / w->unit[target] : 0;
done:
    return status;
}

/* ---- diagnostics ---- */

/* How strong a confounder must be to move f to 0 (Cinelli and Hazlett 2020, eq. 17). */
static double robustness_of(double f)
{
    if (!(f > 0.0)) return isnan(f) ? NAN : 0;
    double square = f * f;
    return 2 / (1 + sqrt(1 + 4 / square)); /* (sqrt(f^4 + 4 f^2) - f^2) / 2 without cancelling */
}

/* Fourth moments, and how much of the outcome's rest the treatment's explains. */
static enum status diagnose(const struct comm *comm, struct double_ml *ml)
{
    enum { YY, YT, TT, T4, COUNT };
    enum status status = OK;
    struct exact_sums sums = {0};
    double sum[COUNT];
    TRY_ALL(comm, exact_init(&sums, COUNT));
    for (int64_t i = 0; i < ml->blocks->rows_local; i++) {
        double y = ml->outcome[i], t = ml->treatment[i];
        const double products[COUNT] = {y * y, y * t, t * t, t * t * t * t};
        exact_add(&sums, 0, products, COUNT);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, sum, COUNT);
    double share = sum[YT] * sum[YT] / (sum[TT] * sum[YY]), f = sqrt(share / (1 - share));
    ml->effective_rows = sum[TT] * sum[TT] / sum[T4];
    ml->robustness = robustness_of(f);
    ml->robustness_significance =
        robustness_of(f * (1 - NORMAL_975 * ml->effect.std_error / fabs(ml->effect.estimate)));
done:
    exact_clear(&sums);
    return status;
}

static enum status check_left(const struct double_ml *ml)
{
    if (ml->effect.left > LEAST_LEFT) return OK;
    return FAIL(ERR_DATA,
                "the controls explain all but %.2g of the treatment's variance: nothing is left to "
                "tell its effect from theirs; leave out controls that the treatment was computed "
                "from, or bring rows where it varied by itself",
                ml->effect.left);
}

/* ---- the fit ---- */

static enum status alloc(const struct double_ml_data *data, struct work *w, struct double_ml **ml)
{
    enum status status = OK;
    int64_t rows = data->controls.blocks->rows_local;
    TRY(memory_new(ml, 1, sizeof **ml));
    (*ml)->blocks = data->controls.blocks;
    (*ml)->cluster = data->cluster;
    TRY(memory_new(&(*ml)->outcome, rows, sizeof *(*ml)->outcome));
    TRY(memory_new(&(*ml)->treatment, rows, sizeof *(*ml)->treatment));
    TRY(memory_new(&(*ml)->weight, rows, sizeof *(*ml)->weight));
    TRY(memory_new(&(*ml)->explained, data->controls.columns, sizeof *(*ml)->explained));
    TRY(memory_new(&w->fold, rows, sizeof *w->fold));
    for (int64_t k = 0; k < TARGETS; k++)
        TRY(memory_new(&w->scaled[k], rows, sizeof *w->scaled[k]));
done:
    return status;
}

static enum status residuals(const struct comm *comm, const struct double_ml_options *opt,
                             struct work *w, struct double_ml *ml)
{
    enum status status = OK;
    struct double_ml_cross cross = {0};
    TRY(double_ml_cross_init(comm, w->data, opt, w->fold, ml->weight, &cross));
    TRY(double_ml_cross_fit(comm, &cross, w->scaled[OUTCOME], OUTCOME, ml->outcome,
                            &ml->of_outcome));
    TRY(double_ml_cross_fit(comm, &cross, w->scaled[TREATMENT], TREATMENT, ml->treatment,
                            &ml->of_treatment));
    double_ml_line_explained(&cross.line, w->data->controls.columns, ml->explained);
done:
    double_ml_cross_clear(&cross);
    return status;
}

static enum status effects(const struct comm *comm, const struct work *w, struct double_ml *ml)
{
    enum status status = OK;
    struct double_ml_residuals r = {.blocks = ml->blocks,
                                    .outcome = w->scaled[OUTCOME],
                                    .treatment = w->scaled[TREATMENT],
                                    .seen = w->scaled[TREATMENT],
                                    .weight = ml->weight,
                                    .cluster = ml->cluster,
                                    .unit = ml->outcome_unit / ml->treatment_unit};
    TRY(double_ml_effects(comm, &r, 1, NULL, &ml->naive, NULL));
    r.outcome = ml->outcome;
    r.treatment = ml->treatment;
    TRY(double_ml_effects(comm, &r, 1, NULL, &ml->effect, NULL));
    TRY(check_left(ml));
    TRY(diagnose(comm, ml));
done:
    return status;
}

enum status double_ml_fit(const struct comm *comm, const struct double_ml_data *data,
                          const struct double_ml_options *opt, struct double_ml **ml)
{
    enum status status = OK;
    struct work w = {.data = data};
    *ml = NULL;
    TRY_ALL(comm, check_options(data, opt));
    TRY_ALL(comm, check_values(data));
    TRY_ALL(comm, alloc(data, &w, ml));
    TRY(deal_folds(comm, opt, &w, *ml));
    TRY(scale(comm, data->outcome, OUTCOME, *ml, &w));
    TRY(scale(comm, data->treatment, TREATMENT, *ml, &w));
    (*ml)->outcome_unit = w.unit[OUTCOME];
    (*ml)->treatment_unit = w.unit[TREATMENT];
    TRY(residuals(comm, opt, &w, *ml));
    TRY(effects(comm, &w, *ml));
    (*ml)->treatment_seen = w.scaled[TREATMENT];
    w.scaled[TREATMENT] = NULL;
done:
    free(w.fold);
    for (int64_t k = 0; k < TARGETS; k++) free(w.scaled[k]);
    if (status != OK) double_ml_free(ml);
    return status;
}

void double_ml_free(struct double_ml **ml)
{
    if (*ml == NULL) return;
    free((*ml)->outcome);
    free((*ml)->treatment);
    free((*ml)->treatment_seen);
    free((*ml)->weight);
    free((*ml)->explained);
    free(*ml);
    *ml = NULL;
}
