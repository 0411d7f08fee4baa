/* Expectation maximisation over distributed rows: starts, iterations, restarts, choice of k. */
#include "algorithms/mixture.h"

#include "algorithms/mixture_pass.h"
#include "algorithms/mixture_start.h"
#include "algorithms/standardise.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FALL 1e-11 /* of the log-likelihood, that rounding may explain */

/* What a fit needs beside the model, made once. */
struct work {
    struct mixture_factors factors;
    struct mixture_pass pass;
    double *sums;    /* [k][terms] */
    double *scatter; /* [columns][columns] tied */
    double shift;    /* log-likelihood of x less that of z */
};

/* ---- options and models ---- */

static enum status check_shape(const struct mixture_rows *x)
{
    if (x->columns < 1 || (x->full != NULL) == (x->single != NULL) ||
        (x->single != NULL && x->stride < x->columns))
        return FAIL(ERR_ARG, "rows of %lld columns cannot be fitted; give at least one column",
                    (long long)x->columns);
    return OK;
}

static enum status check_options(const struct mixture_rows *x, const struct mixture_options *opt)
{
    int64_t rows = x->blocks->rows_total;
    if (opt->k < 1 || opt->k > rows || opt->k > INT32_MAX)
        return FAIL(ERR_ARG,
                    "k = %lld components of %lld rows; choose k from 1 to the number of rows",
                    (long long)opt->k, (long long)rows);
    if (opt->restarts < 1 || opt->max_iterations < 0 || !(opt->tolerance >= 0.0))
        return FAIL(ERR_ARG,
                    "restarts = %lld (at least 1), iterations = %lld and tolerance = %g (at "
                    "least 0) are out of range",
                    (long long)opt->restarts, (long long)opt->max_iterations, opt->tolerance);
    if (!(opt->floor >= 1e-9 && opt->floor <= 1.0))
        return FAIL(ERR_ARG, "a floor of %g under variances is out of range; choose 1e-9 to 1",
                    opt->floor);
    for (int64_t i = 0; opt->init != NULL && i < opt->k * x->columns; i++)
        if (!isfinite(opt->init[i]))
            return FAIL(ERR_ARG, "start of component %lld is not finite",
                        (long long)(i / x->columns) + 1);
    if (mixture_kernel_choose(opt->path) == NULL)
        return FAIL(ERR_ARG, "this processor lacks the instruction set asked for");
    return check_shape(x);
}

int64_t mixture_covariance_count(enum mixture_covariance covariance, int64_t k, int64_t columns)
{
    if (covariance == MIXTURE_DIAGONAL) return k * columns;
    return (covariance == MIXTURE_TIED ? 1 : k) * columns * columns;
}

static int64_t count_parameters(const struct mixture_model *m)
{
    int64_t triangle = m->columns * (m->columns + 1) / 2, shape = m->k * m->columns;
    if (m->covariance == MIXTURE_FULL) shape = m->k * triangle;
    if (m->covariance == MIXTURE_TIED) shape = triangle;
    return m->k - 1 + m->k * m->columns + shape;
}

enum status mixture_new(enum mixture_covariance covariance, int64_t k, int64_t columns,
                        struct mixture_model **model)
{
    enum status status = OK;
    struct mixture_model *m = NULL;
    TRY(memory_new(model, 1, sizeof **model));
    m = *model;
    m->covariance = covariance;
    m->k = k;
    m->columns = columns;
    m->parameters = count_parameters(m);
    TRY(memory_new(&m->centre, columns, sizeof *m->centre));
    TRY(memory_new(&m->scale, columns, sizeof *m->scale));
    TRY(memory_new(&m->constant, columns, sizeof *m->constant));
    TRY(memory_new(&m->weights, k, sizeof *m->weights));
    TRY(memory_new(&m->means, k * columns, sizeof *m->means));
    TRY(memory_new(&m->covariances, mixture_covariance_count(covariance, k, columns),
                   sizeof *m->covariances));
    TRY(memory_new(&m->held, k, sizeof *m->held));
done:
    if (status != OK) mixture_free(model);
    return status;
}

void mixture_free(struct mixture_model **model)
{
    struct mixture_model *m = *model;
    if (m == NULL) return;
    double *owned[] = {m->centre, m->scale, m->weights, m->means, m->covariances, m->trace};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    free(m->constant);
    free(m->held);
    free(m);
    *model = NULL;
}

/* ---- work space ---- */

static void work_clear(struct work *work)
{
    mixture_factors_clear(&work->factors);
    mixture_pass_clear(&work->pass);
    free(work->sums);
    free(work->scatter);
}

/* The most that a sum can come to: the rows' squares add up to columns rows_total, and in units of
 * a component's deviations to no more than that over the floor. */
static double limit_of(const struct mixture_model *model, double floor)
{
    return 4.0 * (double)model->columns * (double)model->rows / floor;
}

static enum status work_alloc(const struct mixture_options *opt, const struct mixture_model *model,
                              struct work *work)
{
    enum status status = OK;
    int64_t d = model->columns, square = opt->covariance == MIXTURE_TIED ? d * d : 0;
    double limit = limit_of(model, opt->floor);
    const struct mixture_kernel *kernel = mixture_kernel_choose(opt->path);
    TRY(mixture_factors_init(&work->factors, model));
    TRY(mixture_pass_init(&work->pass, kernel, model, limit));
    TRY(memory_new(&work->sums, model->k * work->pass.terms, sizeof *work->sums));
    TRY(memory_new(&work->scatter, square, sizeof *work->scatter));
    for (int64_t j = 0; j < d; j++) work->shift -= (double)model->rows * log(model->scale[j]);
done:
    return status;
}

/* Weights alike, covariances those of all rows if no columns were correlated. */
static void reset_shape(struct mixture_model *model)
{
    int64_t d = model->columns, squares = model->covariance == MIXTURE_TIED ? 1 : model->k;
    int64_t count = mixture_covariance_count(model->covariance, model->k, d);
    for (int64_t c = 0; c < model->k; c++) model->weights[c] = 1.0 / (double)model->k;
    for (int64_t i = 0; i < count; i++) model->covariances[i] = 1.0;
    for (int64_t i = 0; model->covariance != MIXTURE_DIAGONAL && i < squares * d * d; i++)
        model->covariances[i] = i / d % d == i % d ? 1.0 : 0.0;
}

/* scatter = sum of z z' over all rows: the products of one component about 0 */
static enum status measure_scatter(const struct comm *comm, const struct mixture_rows *x,
                                   enum mixture_path path, const struct mixture_model *like,
                                   double *scatter)
{
    enum status status = OK;
    int64_t d = x->columns;
    struct mixture_model *one = NULL;
    struct work own = {0};
    struct mixture_options opt = {.covariance = MIXTURE_FULL, .floor = 1.0, .path = path};
    double unused = 0.0;
    TRY_ALL(comm, mixture_new(MIXTURE_FULL, 1, d, &one));
    one->rows = like->rows;
    memcpy(one->centre, like->centre, (size_t)d * sizeof *one->centre);
    memcpy(one->scale, like->scale, (size_t)d * sizeof *one->scale);
    reset_shape(one);
    TRY_ALL(comm, work_alloc(&opt, one, &own));
    TRY(mixture_factor(one, &own.factors));
    mixture_pass_set(&own.pass, one, &own.factors);
    TRY(mixture_pass_run(comm, &own.pass, x, false, own.sums, &unused));
    const double *product = own.sums + 1 + d;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++) scatter[i * d + j] = scatter[j * d + i] = *product++;
done:
    work_clear(&own);
    mixture_free(&one);
    return status;
}

/* ---- the start ---- */

/* Each row to the nearest mean, and one step from there. */
static enum status start(const struct comm *comm, const struct mixture_rows *x,
                         const struct mixture_options *opt, int64_t number, struct work *work,
                         struct mixture_model *model)
{
    enum status status = OK;
    double unused = 0.0;
    int64_t d = model->columns;
    if (opt->init == NULL) TRY(mixture_start(comm, x, opt, number, model));
    for (int64_t i = 0; opt->init != NULL && i < model->k * d; i++)
        model->means[i] = (opt->init[i] - model->centre[i % d]) / model->scale[i % d];
    reset_shape(model);
    TRY(mixture_factor(model, &work->factors));
    mixture_pass_set(&work->pass, model, &work->factors);
    TRY(mixture_pass_run(comm, &work->pass, x, true, work->sums, &unused));
    TRY(mixture_update(work->sums, work->scatter, opt->floor, model, &work->factors));
done:
    return status;
}

/* ---- iterations ---- */

/* The log-likelihood after model->iterations; true if the fit has come to its end. */
static bool judge(const struct mixture_options *opt, double log_likelihood,
                  struct mixture_model *model)
{
    int64_t at = model->iterations;
    double rows = (double)model->rows;
    model->trace[at] = model->log_likelihood = log_likelihood;
    if (at > 0) {
        double gain = log_likelihood - model->trace[at - 1];
        if (gain < -FALL * fmax(fabs(log_likelihood), rows)) model->monotone = false;
        model->converged = gain <= opt->tolerance * rows;
    }
    model->stopped = !model->converged && at == opt->max_iterations;
    return model->converged || model->stopped;
}

static enum status iterate(const struct comm *comm, const struct mixture_rows *x,
                           const struct mixture_options *opt, struct work *work,
                           struct mixture_model *model)
{
    enum status status = OK;
    double log_likelihood = 0.0;
    for (;;) {
        mixture_pass_set(&work->pass, model, &work->factors);
        TRY(mixture_pass_run(comm, &work->pass, x, false, work->sums, &log_likelihood));
        if (judge(opt, log_likelihood + work->shift, model)) break;
        TRY(mixture_update(work->sums, work->scatter, opt->floor, model, &work->factors));
        model->iterations++;
        log_progress("mixture", model->iterations, opt->max_iterations);
    }
    model->bic = (double)model->parameters * log((double)model->rows) - 2 * model->log_likelihood;
    model->aic = 2 * ((double)model->parameters - model->log_likelihood);
done:
    return status;
}

/* ---- the fit ---- */

static enum status model_for(const struct mixture_rows *x, const struct mixture_options *opt,
                             const double *centre, const double *scale,
                             struct mixture_model **model)
{
    enum status status = OK;
    TRY(mixture_new(opt->covariance, opt->k, x->columns, model));
    (*model)->rows = x->blocks->rows_total;
    (*model)->monotone = true;
    memcpy((*model)->centre, centre, (size_t)x->columns * sizeof *centre);
    for (int64_t j = 0; j < x->columns; j++) {
        (*model)->constant[j] = scale[j] == 0.0;
        (*model)->scale[j] = scale[j] == 0.0 ? 1.0 : scale[j];
    }
    TRY(memory_new(&(*model)->trace, opt->max_iterations + 1, sizeof *(*model)->trace));
done:
    if (status != OK) mixture_free(model);
    return status;
}

/* scale out: deviations, 0 for a constant column */
static enum status measure(const struct comm *comm, const struct mixture_rows *x, double *centre,
                           double *scale)
{
    enum status status = OK;
    struct rows rows = {x->blocks, x->columns, x->stride, x->single};
    if (x->full != NULL)
        TRY(standardise_measure(comm, x->blocks, x->full, x->columns, centre, scale));
    else
        TRY(standardise_measure_rows(comm, &rows, centre, scale));
done:
    return status;
}

static enum status restarts(const struct comm *comm, const struct mixture_rows *x,
                            const struct mixture_options *opt, const double *centre,
                            const double *scale, struct mixture_model **model)
{
    enum status status = OK;
    struct work work = {0};
    struct mixture_model *tried = NULL;
    for (int64_t r = 0; r < (opt->init != NULL ? 1 : opt->restarts); r++) {
        TRY_ALL(comm, model_for(x, opt, centre, scale, &tried));
        if (r == 0) {
            TRY_ALL(comm, work_alloc(opt, tried, &work));
            if (opt->covariance == MIXTURE_TIED)
                TRY(measure_scatter(comm, x, opt->path, tried, work.scatter));
        }
        TRY(start(comm, x, opt, r, &work, tried));
        TRY(iterate(comm, x, opt, &work, tried));
        log_debug("mixture restart %lld: log-likelihood %.9g after %lld iterations",
                  (long long)r + 1, tried->log_likelihood, (long long)tried->iterations);
        if (*model == NULL || tried->log_likelihood > (*model)->log_likelihood) {
            struct mixture_model *swap = *model;
            *model = tried;
            tried = swap;
        }
        mixture_free(&tried);
    }
done:
    work_clear(&work);
    mixture_free(&tried);
    return status;
}

enum status mixture_fit(const struct comm *comm, const struct mixture_rows *x,
                        const struct mixture_options *opt, struct mixture_model **model)
{
    enum status status = OK;
    double *centre = NULL, *scale = NULL;
    *model = NULL;
    TRY_ALL(comm, check_options(x, opt));
    TRY_ALL(comm, memory_new(&centre, x->columns, sizeof *centre));
    TRY_ALL(comm, memory_new(&scale, x->columns, sizeof *scale));
    TRY(measure(comm, x, centre, scale));
    TRY(restarts(comm, x, opt, centre, scale, model));
done:
    free(centre);
    free(scale);
    if (status != OK) mixture_free(model);
    return status;
}

enum status mixture_fit_range(const struct comm *comm, const struct mixture_rows *x,
                              const struct mixture_options *opt, int64_t first, int64_t last,
                              struct mixture_choice *choices, struct mixture_model **model)
{
    enum status status = OK;
    struct mixture_model *tried = NULL;
    struct mixture_options one = *opt;
    *model = NULL;
    if (first < 1 || last < first || last > x->blocks->rows_total || opt->init != NULL)
        TRY(FAIL(ERR_ARG,
                 "k = %lld to %lld components of %lld rows; choose a range from 1 to the number of "
                 "rows, without a start",
                 (long long)first, (long long)last, (long long)x->blocks->rows_total));
    for (one.k = first; one.k <= last; one.k++) {
        TRY(mixture_fit(comm, x, &one, &tried));
        choices[one.k - first] = (struct mixture_choice){
            tried->k,   tried->parameters, tried->iterations, tried->log_likelihood,
            tried->bic, tried->aic,        tried->converged,  tried->monotone};
        if (*model == NULL || tried->bic < (*model)->bic) {
            struct mixture_model *swap = *model;
            *model = tried;
            tried = swap;
        }
        mixture_free(&tried);
    }
done:
    mixture_free(&tried);
    if (status != OK) mixture_free(model);
    return status;
}
