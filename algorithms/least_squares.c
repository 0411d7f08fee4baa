/* Normal equations, their solution, its errors, and the residuals. */
#include "algorithms/least_squares.h"

#include "algorithms/absorb.h"
#include "algorithms/lsq_errors.h"
#include "algorithms/lsq_gram.h"
#include "algorithms/lsq_path.h"
#include "algorithms/lsq_residuals.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define CLEAR_PART 0.01 /* of y that is left: the normal equations give it to 13 digits */

/* ---- from the system's units to the caller's ---- */

static void set_coefficients(const struct lsq_system *s, struct least_squares *fit)
{
    const struct design *design = s->design;
    double y_scale = s->scaling->scale[design->dense];
    for (int64_t i = 0; i < s->kept; i++)
        fit->coefficient[s->parameter[i]] = lsq_system_parameter(s, i, s->x, 1) / y_scale;
    if (design->intercept && s->place[0] >= 0)
        fit->coefficient[0] = lsq_system_parameter(s, s->place[0], s->x, 1) / y_scale +
                              s->scaling->shift[design->dense];
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
    fit->reached = plain->reached;
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
    enum status status = lsq_system_inverse_norm(comm, s, &inverse);
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
    bool kept = options->residuals || options->errors != ERRORS_CLASSICAL;
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

/* Everything after the solution; square is what is left of y'Wy, NaN where nobody knows. */
static enum status finish(const struct comm *comm, const struct lsq_system *s,
                          const struct absorbed *plain, const struct least_squares_options *options,
                          double square, struct least_squares *fit)
{
    enum status status = OK;
    set_coefficients(s, fit);
    if (needs_residuals(options) || !(square >= CLEAR_PART * s->scaling->total_square))
        TRY(take_residuals(comm, s, options, fit, &square));
    set_quality(s, plain, square, fit);
    fit->correction = NAN;
    if (!(options->ridge > 0.0)) TRY(lsq_errors_set(comm, s, options, fit->residual, square, fit));
    finish_residuals(s, options, fit);
    if (options->condition) TRY(fit_condition(comm, s, &fit->condition));
done:
    return status;
}

/* ---- the whole ---- */

const char *least_squares_path_text(enum least_squares_path path)
{
    static const char *const text[] = {[LEAST_SQUARES_CHOOSE] = "no path yet",
                                       [LEAST_SQUARES_GRAM] = "normal equations",
                                       [LEAST_SQUARES_TRIANGLES] =
                                           "QR of blocks, PDGELS over the triangles",
                                       [LEAST_SQUARES_GRID] = "normal equations in pieces, PDPOTRF",
                                       [LEAST_SQUARES_ROWS] = "PDGELS on the rows"};
    return text[path];
}

enum status least_squares_fit(const struct comm *comm, const struct design *design,
                              const struct least_squares_options *options,
                              struct least_squares **fit)
{
    enum status status = OK;
    struct absorbed plain = {0};
    struct lsq_solution solution = {0};
    const struct absorb_options absorb = {
        .columns_max = options->columns_max < DESIGN_REPLICATED_MAX ? options->columns_max
                                                                    : DESIGN_REPLICATED_MAX,
        .tolerance = options->absorb_tolerance,
        .explained = fmax(options->tolerance, LSQ_GRAM_TOLERANCE),
        .max_iterations = 3000};
    *fit = NULL;
    TRY(absorb_make(comm, design, &absorb, &plain));
    TRY_ALL(comm, least_squares_new(design_parameters(design), design_parameters(&plain.design),
                                    options, fit));
    TRY(lsq_path_solve(comm, &plain, options, *fit, &solution));
    TRY(finish(comm, &solution.system, &plain, options, solution.square, *fit));
done:
    lsq_solution_clear(&solution);
    absorbed_clear(&plain);
    if (status != OK) least_squares_free(fit);
    return status;
}
