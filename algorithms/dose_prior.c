/* Random walks as priors of shapes, and their evidence. */
#include "algorithms/dose_prior.h"

#include "algorithms/definite.h"
#include "algorithms/dot.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of scale and shifts: as if so many rows' worth of curvature said that curves are right. */
#define TRUST_CURVES 2.0

/* Deviations to choose from: LEAST times powers of sqrt(2). */
#define LEAST 0.05
enum { DEVIATIONS = 11 };

/* A kind's own where all are taken to be alike. */
#define ALIKE 1e-3

void dose_prior_expect(int64_t kinds, int64_t knots, double *x)
{
    for (int64_t j = 0; j < dose_prior_variables(kinds, knots); j++)
        x[j] = j == 0 || j > kinds ? 1.0 : 0.0;
}

/* Between kinds, at one knot, the variances are own^2 I + common^2 11'; this is the inverse. */
void dose_prior_precision(const struct dose_prior *prior, int64_t kinds,
                          const struct dose_shape *knots, double *precision)
{
    int64_t n = dose_prior_variables(kinds, knots->knots), first = 1 + kinds;
    double own = prior->own * prior->own, common = prior->common * prior->common;
    double shared = common / (own + (double)kinds * common);
    memset(precision, 0, (size_t)(n * n) * sizeof *precision);
    for (int64_t j = 0; j < first; j++) precision[j * n + j] = TRUST_CURVES;
    for (int64_t k = 0; k < knots->knots; k++) {
        double width = knots->dose[k] - (k > 0 ? knots->dose[k - 1] : 0.0);
        double part = width / knots->dose[knots->knots - 1];
        for (int64_t c = 0; c < kinds; c++)
            for (int64_t d = 0; d < kinds; d++)
                precision[(first + c * knots->knots + k) * n + first + d * knots->knots + k] =
                    part * ((c == d ? 1.0 : 0.0) - shared) / own;
    }
}

/* log det of the precision, but for what does not hang on the prior */
static double log_det(const struct dose_prior *prior, int64_t kinds, int64_t knots)
{
    double own = prior->own * prior->own, common = prior->common * prior->common;
    return -(double)knots * ((double)(kinds - 1) * log(own) + log(own + (double)kinds * common));
}

struct work {
    double *matrix, *pull, *way; /* [variables][variables], [variables] both */
};

/* The log evidence of a prior, but for a constant; -INFINITY where it cannot be told. */
static double weigh(const struct dose_evidence *evidence, int64_t kinds,
                    const struct dose_shape *knots, const struct dose_prior *prior,
                    struct work *work)
{
    int64_t n = dose_prior_variables(kinds, knots->knots);
    double volume = 0.0, *matrix = work->matrix;
    dose_prior_precision(prior, kinds, knots, matrix);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) matrix[i * n + j] += evidence->curvature[i * n + j];
    memcpy(work->way, work->pull, (size_t)n * sizeof *work->way);
    if (!definite_solve(matrix, n, n, work->way)) return -INFINITY;
    for (int64_t i = 0; i < n; i++) volume += log(matrix[i * n + i]);
    return 0.5 * dot_double(work->pull, work->way, n) - volume +
           0.5 * log_det(prior, kinds, knots->knots);
}

/* pull = curvature (x - expected) - gradient: where the loss is least, seen from what is expected
 */
static void find_pull(const struct dose_evidence *evidence, int64_t n, struct work *work)
{
    for (int64_t i = 0; i < n; i++) work->way[i] = evidence->x[i] - work->way[i];
    for (int64_t i = 0; i < n; i++) {
        work->pull[i] = -evidence->gradient[i];
        for (int64_t j = 0; j < n; j++)
            work->pull[i] +=
                evidence->curvature[(i < j ? i : j) * n + (i < j ? j : i)] * work->way[j];
    }
}

/* Returns the highest log evidence. */
static double search(const struct dose_evidence *evidence, int64_t kinds,
                     const struct dose_shape *knots, bool alike, struct work *work,
                     struct dose_prior *prior)
{
    double best = -INFINITY;
    for (int own = 0; own < (alike ? 1 : DEVIATIONS); own++)
        for (int common = 0; common < DEVIATIONS; common++) {
            struct dose_prior tried = {alike ? ALIKE : LEAST * exp2(0.5 * own),
                                       LEAST * exp2(0.5 * common)};
            double value = weigh(evidence, kinds, knots, &tried, work);
            if (!(value > best)) continue;
            best = value;
            *prior = tried;
        }
    return best;
}

enum status dose_prior_choose(const struct dose_evidence *evidence, int64_t kinds,
                              const struct dose_shape *knots, struct dose_prior *prior,
                              double *support)
{
    enum status status = OK;
    struct work work = {0};
    struct dose_prior same;
    int64_t n = dose_prior_variables(kinds, knots->knots);
    TRY(memory_new(&work.matrix, n * n, sizeof *work.matrix));
    TRY(memory_new(&work.pull, n, sizeof *work.pull));
    TRY(memory_new(&work.way, n, sizeof *work.way));
    dose_prior_expect(kinds, knots->knots, work.way);
    find_pull(evidence, n, &work);
    double best = search(evidence, kinds, knots, false, &work, prior);
    if (!(best > -INFINITY)) TRY(FAIL(ERR_NUMERIC, "the curvature of shapes is not definite"));
    *support = best - search(evidence, kinds, knots, true, &work, &same);
done:
    free(work.matrix);
    free(work.pull);
    free(work.way);
    return status;
}
