/* Medians over deals of the folds. */
#include "jobs/fit_dml_repeats.h"

#include <math.h>
#include <stdlib.h>

void fit_dml_found_clear(struct fit_dml_found *found)
{
    double_ml_terms_clear(&found->terms);
    free(found->group);
    double_ml_free(&found->ml);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Values are put in order; NaN if one is. */
static double median(double *value, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (isnan(value[i])) return NAN;
    qsort(value, (size_t)count, sizeof *value, by_value);
    return 0.5 * (value[(count - 1) / 2] + value[count / 2]);
}

/* Which of the estimates of a deal. */
static struct double_ml_estimate *pick(struct fit_dml_found *found, int64_t which)
{
    if (which == 0) return &found->effect;
    return which == 1 ? &found->average : &found->group[which - 2];
}

static void join_estimate(struct fit_dml_found *found, int64_t repeats, int64_t which)
{
    double value[FIT_DML_REPEATS_MAX], square[FIT_DML_REPEATS_MAX], left[FIT_DML_REPEATS_MAX];
    for (int64_t r = 0; r < repeats; r++) {
        value[r] = pick(&found[r], which)->estimate;
        left[r] = pick(&found[r], which)->left;
    }
    double middle = median(value, repeats);
    for (int64_t r = 0; r < repeats; r++) {
        const struct double_ml_estimate *e = pick(&found[r], which);
        double off = e->estimate - middle;
        square[r] = e->std_error * e->std_error + off * off;
    }
    pick(&found[0], which)->estimate = middle;
    pick(&found[0], which)->std_error = sqrt(median(square, repeats));
    pick(&found[0], which)->left = median(left, repeats);
}

/* Coefficients, then covariances element by element, each with the product of two distances. */
static void join_terms(struct fit_dml_found *found, int64_t repeats)
{
    int64_t terms = found->terms.terms;
    double middle[DOUBLE_ML_TERMS_MAX], value[FIT_DML_REPEATS_MAX];
    for (int64_t k = 0; k < terms; k++) {
        for (int64_t r = 0; r < repeats; r++) value[r] = found[r].terms.coefficient[k];
        middle[k] = median(value, repeats);
    }
    for (int64_t k = 0; k < terms; k++)
        for (int64_t l = 0; l < terms; l++) {
            for (int64_t r = 0; r < repeats; r++) {
                const struct double_ml_terms *t = &found[r].terms;
                value[r] = t->covariance[k * terms + l] +
                           (t->coefficient[k] - middle[k]) * (t->coefficient[l] - middle[l]);
            }
            found->terms.covariance[k * terms + l] = median(value, repeats);
        }
    for (int64_t k = 0; k < terms; k++) found->terms.coefficient[k] = middle[k];
}

void fit_dml_repeats_join(struct fit_dml_found *found, int64_t repeats, int64_t groups)
{
    if (repeats < 2) return;
    join_estimate(found, repeats, 0);
    if (groups > 0) join_estimate(found, repeats, 1);
    for (int64_t g = 0; g < groups; g++) join_estimate(found, repeats, 2 + g);
    join_terms(found, repeats);
    found->ml->effect = found->effect;
}
