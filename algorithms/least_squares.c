/* Normal equations, their solution, its errors, and the residuals. */
#include "algorithms/least_squares.h"

#include "algorithms/absorb.h"
#include "algorithms/double_double.h"
#include "algorithms/gram.h"
#include "algorithms/lsq_errors.h"
#include "algorithms/lsq_residuals.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define CLEAR_PART 0.01 /* of y that is left: the normal equations give it to 13 digits */

enum { FEW_BLOCKS = 16 };

/* ---- building the system ---- */

/* One pass where a guess of the scales may do; whether it did. */
static enum status guess_gram(const struct comm *comm, const struct design *design,
                              struct scaling *scaling, struct gram *gram, bool *settled)
{
    enum status status = OK;
    *settled = false;
    TRY(scaling_guess(comm, design, scaling));
    TRY(gram_make(comm, design, scaling, gram));
    TRY(gram_settle(comm, design, scaling, gram, settled));
done:
    return status;
}

/* Normal equations and scaling, in one pass or, where that fails or lacks the digits, in three. */
static enum status sum_gram(const struct comm *comm, const struct design *design,
                            struct scaling *scaling, struct gram *gram)
{
    enum status status = OK;
    bool settled = false;
    if (design->sparse == 0 && design->group == NULL && design->blocks->blocks_total > FEW_BLOCKS)
        status = guess_gram(comm, design, scaling, gram, &settled);
    if (settled) return OK;
    gram_clear(gram);
    scaling_clear(scaling);
    if (status != OK && status != ERR_NUMERIC && status != ERR_ARG) return status;
    TRY(scaling_measure(comm, design, scaling));
    TRY(gram_make(comm, design, scaling, gram));
done:
    return status;
}

/* Columns that others come after even if their numbers are lower, then the rest. */
static enum status make_order(const struct design *design, int64_t **order)
{
    int64_t parameters = design_parameters(design), first = parameters - design->last_first;
    if (design->last_first == 0 && design->order == NULL) return OK;
    enum status status = memory_new(order, parameters, sizeof **order);
    for (int64_t i = 0; status == OK && i < design->last_first; i++) (*order)[i] = first + i;
    for (int64_t i = 0; status == OK && i < first; i++)
        (*order)[design->last_first + i] = design->order != NULL ? design->order[i] : i;
    return status;
}

static enum status find_dropped(const struct comm *comm, const struct gram *gram,
                                const struct lsq_system *s, double tolerance, bool *dropped)
{
    enum status status = OK;
    int64_t *order = NULL;
    TRY_ALL(comm, make_order(s->design, &order));
    TRY(cholesky_dependent(comm, gram->a, gram->parameters, order, s->scaling->square_sum,
                           tolerance, dropped));
done:
    free(order);
    return status;
}

static double largest_column_sum(const double *a, int64_t n)
{
    double largest = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < n; j++) sum += fabs(a[i * n + j]);
        largest = fmax(largest, sum);
    }
    return largest;
}

/* Keep the columns that are not dropped, in place in gram->a, and bring the diagonal into [1/2, 2).
 */
static void compact(struct gram *gram, struct lsq_system *s)
{
    int64_t p = gram->parameters;
    for (int64_t i = 0; i < s->kept; i++)
        s->unit[i] = lsq_system_unit(gram->a[s->parameter[i] * p + s->parameter[i]]);
    for (int64_t i = 0; i < s->kept; i++) {
        const double *from = gram->a + s->parameter[i] * p;
        for (int64_t j = 0; j < s->kept; j++)
            gram->a[i * s->kept + j] = from[s->parameter[j]] * s->unit[i] * s->unit[j];
        s->b[i] = gram->b[s->parameter[i]] * s->unit[i];
    }
    s->norm = largest_column_sum(gram->a, s->kept);
}

/* ---- from the system's units to the caller's ---- */

static void set_coefficients(const struct lsq_system *s, struct least_squares *fit)
{
    const struct design *design = s->design;
    double y_scale = s->scaling->scale[design->dense];
    for (int64_t i = 0; i < s->kept; i++)
        fit->coefficient[s->parameter[i]] = lsq_system_parameter(s, i, s->x, 1) / y_scale;
    if (design->intercept && s->place[0] == 0)
        fit->coefficient[0] =
            lsq_system_parameter(s, 0, s->x, 1) / y_scale + s->scaling->shift[design->dense];
}

static void set_quality(const struct lsq_system *s, const struct absorbed *plain, double square,
                        struct least_squares *fit)
{
    const struct scaling *scaling = s->scaling;
    double y_scale = scaling->scale[s->design->dense];
    double unit = 1.0 / (y_scale * y_scale * scaling->weight_scale);
    fit->rows = scaling->rows;
    fit->groups = scaling->groups;
    fit->rank = s->kept;
    fit->absorbed = plain->way;
    fit->levels = plain->levels;
    fit->iterations = plain->iterations;
    fit->converged = plain->converged;
    fit->freedom = fit->rows - fit->rank - fit->groups - fit->levels;
    fit->residual_square = square * unit;
    fit->variance = fit->freedom > 0 ? fit->residual_square / (double)fit->freedom : NAN;
    double total =
        plain->way == ABSORB_PROJECTED ? plain->total_square / unit : scaling->total_square;
    fit->total_square = total * unit;
    fit->r_squared = total > 0.0 ? 1.0 - square / total : NAN;
}

/* ---- condition ---- */

static enum status fit_condition(const struct comm *comm, const struct lsq_system *s,
                                 double *condition)
{
    double inverse = 0.0;
    enum status status = cholesky_inverse_norm(comm, &s->factor, &inverse);
    if (status == OK) *condition = s->kept > 0 ? sqrt(s->norm * inverse) : NAN;
    return status;
}

/* ---- the whole ---- */

/* Room for `columns` parameters, of which the first are the caller's. */
static enum status least_squares_new(int64_t parameters, int64_t columns,
                                     const struct least_squares_options *options,
                                     struct least_squares **fit)
{
    enum status status = OK;
    struct least_squares *f = NULL;
    TRY(lsq_errors_check(options, parameters));
    TRY(memory_new(&f, 1, sizeof *f));
    f->parameters = parameters;
    f->wanted_count = options->all_errors ? parameters : options->wanted_count;
    f->condition = NAN;
    TRY(memory_new(&f->coefficient, columns, sizeof *f->coefficient));
    TRY(memory_new(&f->std_error, columns, sizeof *f->std_error));
    TRY(memory_new(&f->dropped, columns, sizeof *f->dropped));
    for (int64_t j = 0; j < columns; j++) f->std_error[j] = NAN;
    if (options->covariance) {
        int64_t count = f->wanted_count * f->wanted_count;
        TRY(memory_new(&f->covariance, count, sizeof *f->covariance));
        for (int64_t i = 0; i < count; i++) f->covariance[i] = NAN;
    }
    *fit = f;
done:
    if (status != OK) least_squares_free(&f);
    return status;
}

void least_squares_free(struct least_squares **fit)
{
    if (*fit == NULL) return;
    free((*fit)->coefficient);
    free((*fit)->std_error);
    free((*fit)->dropped);
    free((*fit)->covariance);
    free((*fit)->residual);
    free(*fit);
    *fit = NULL;
}

/* y'Wy less what the solution explains, in scaled units. */
static double square_left(const struct gram *gram, const struct lsq_system *s)
{
    struct double_double sum = {gram->y_square, 0.0};
    for (int64_t i = 0; i < s->kept; i++)
        sum = double_double_add(sum, double_double_product(-s->b[i], s->x[i]));
    return sum.high;
}

static bool needs_residuals(const struct least_squares_options *options)
{
    return options->residuals || options->errors != ERRORS_CLASSICAL || options->score ||
           options->late_count > 0;
}

/* Residuals in scaled units, kept where errors or the caller need them. */
static enum status take_residuals(const struct comm *comm, const struct lsq_system *s,
                                  const struct least_squares_options *options,
                                  struct least_squares *fit, double *square)
{
    enum status status = OK;
    bool kept = needs_residuals(options);
    int64_t rows = s->design->blocks->rows_local;
    TRY_ALL(comm, kept ? memory_new(&fit->residual, rows, sizeof *fit->residual) : OK);
    TRY(lsq_residuals_square(comm, s, options, fit->residual, square));
done:
    return status;
}

/* In the units of y. */
static void finish_residuals(const struct lsq_system *s,
                             const struct least_squares_options *options, struct least_squares *fit)
{
    for (int64_t i = 0; options->residuals && i < s->design->blocks->rows_local; i++)
        fit->residual[i] /= s->scaling->scale[s->design->dense];
    if (options->residuals) return;
    free(fit->residual);
    fit->residual = NULL;
}

/* Everything after the normal equations; uses up gram->a. */
static enum status solve(const struct comm *comm, struct gram *gram, struct lsq_system *s,
                         const struct absorbed *plain, const struct least_squares_options *options,
                         struct least_squares *fit)
{
    enum status status = OK;
    double square = 0.0;
    const struct design *design = s->design;
    const struct scaling *scaling = s->scaling;
    TRY(find_dropped(comm, gram, s, options->tolerance, fit->dropped));
    if (plain->way == ABSORB_PROJECTED && design->intercept) fit->dropped[0] = true;
    TRY_ALL(comm, lsq_system_init(design, scaling, fit->dropped, s));
    compact(gram, s);
    TRY(cholesky_factor(comm, gram->a, s->kept, &s->factor));
    TRY(lsq_system_solve(comm, s, s->b, 1, s->x));
    set_coefficients(s, fit);
    square = square_left(gram, s);
    if (needs_residuals(options) || !(square >= CLEAR_PART * scaling->total_square))
        TRY(take_residuals(comm, s, options, fit, &square));
    set_quality(s, plain, square, fit);
    TRY(lsq_errors_set(comm, s, options, fit->residual, square, fit));
    finish_residuals(s, options, fit);
    if (options->condition) TRY(fit_condition(comm, s, &fit->condition));
done:
    return status;
}

enum status least_squares_fit(const struct comm *comm, const struct design *design,
                              const struct least_squares_options *options,
                              struct least_squares **fit)
{
    enum status status = OK;
    struct absorbed plain = {0};
    struct scaling scaling = {0};
    struct gram gram = {0};
    struct lsq_system s = {.design = &plain.design, .scaling = &scaling};
    const struct absorb_options absorb = {.columns_max = options->columns_max,
                                          .tolerance = options->absorb_tolerance,
                                          .explained = options->tolerance,
                                          .max_iterations = 20000};
    *fit = NULL;
    TRY(absorb_make(comm, design, &absorb, &plain));
    TRY_ALL(comm, least_squares_new(design_parameters(design), design_parameters(&plain.design),
                                    options, fit));
    TRY(sum_gram(comm, &plain.design, &scaling, &gram));
    TRY(solve(comm, &gram, &s, &plain, options, *fit));
done:
    lsq_system_clear(&s);
    gram_clear(&gram);
    scaling_clear(&scaling);
    absorbed_clear(&plain);
    if (status != OK) least_squares_free(fit);
    return status;
}
