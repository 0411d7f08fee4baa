/* Which way a model is solved. */
#include "algorithms/lsq_path.h"

#include "algorithms/lsq_gram.h"
#include "algorithms/lsq_narrow.h"
#include "algorithms/lsq_sparse.h"
#include "algorithms/lsq_wide.h"
#include "algorithms/triangles.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { WIDE_LEAST = 1024 }; /* dense columns from which rows on the grid may pay */

static void say(struct least_squares *fit, enum least_squares_path path, const char *why)
{
    fit->path = path;
    fit->why = why;
}

/* Before any row is seen; LEAST_SQUARES_CHOOSE where the condition is to decide. */
static void choose_by_size(const struct design *design, const struct least_squares_options *options,
                           struct least_squares *fit)
{
    int64_t parameters = design_parameters(design), rows = design->blocks->rows_total;
    fit->path = LEAST_SQUARES_CHOOSE;
    if (options->path != LEAST_SQUARES_CHOOSE)
        say(fit, options->path, "asked for");
    else if (parameters > DESIGN_REPLICATED_MAX && design->dense < design->sparse)
        say(fit, LEAST_SQUARES_GRID, "too many columns for one rank, most of them sparse");
    else if (parameters > DESIGN_REPLICATED_MAX)
        say(fit, LEAST_SQUARES_ROWS, "too many columns for one rank, most of them dense");
    else if (design->group == NULL && design->dense >= WIDE_LEAST && rows >= parameters &&
             rows < 2 * parameters && !(options->ridge > 0.0))
        say(fit, LEAST_SQUARES_ROWS, "dense columns are more than half the rows");
}

static enum status check_path(const struct design *design, const struct least_squares *fit)
{
    bool pieces = fit->path == LEAST_SQUARES_GRID || fit->path == LEAST_SQUARES_ROWS;
    if (pieces && design->group != NULL)
        return FAIL(ERR_ARG,
                    "%lld columns together with groups are more than %d: use fewer factor levels",
                    (long long)design_parameters(design), DESIGN_REPLICATED_MAX);
    return OK;
}

static enum status by_triangles(const struct comm *comm, const struct design *design,
                                const struct least_squares_options *options,
                                struct lsq_solution *solution, struct least_squares *fit)
{
    enum status status = OK;
    int64_t *order = NULL;
    TRY_ALL(comm, lsq_gram_order(design, &order));
    TRY(lsq_narrow_solve(comm, design, &solution->scaling, order, options->tolerance, fit->dropped,
                         &solution->system));
done:
    free(order);
    return status;
}

/* Normal equations with a ridge; what is left of y'Wy is not what they leave. */
static enum status by_ridge(const struct comm *comm, const struct absorbed *plain, double ridge,
                            struct lsq_solution *solution, struct least_squares *fit)
{
    double square = 0.0;
    const struct design *design = &plain->design;
    say(fit, LEAST_SQUARES_GRAM, "a ridge was asked for");
    lsq_gram_penalise(design, &solution->scaling, ridge, fit->parameters, &solution->gram,
                      fit->dropped);
    if (plain->way == ABSORB_PROJECTED && design->intercept) fit->dropped[0] = true;
    return lsq_gram_solve(comm, design, &solution->scaling, &solution->gram, fit->dropped,
                          &solution->system, &square);
}

static bool is_narrow(const struct absorbed *plain)
{
    const struct design *design = &plain->design;
    return design->group == NULL && design_parameters(design) <= TRIANGLES_COLUMNS_MAX &&
           (plain->way != ABSORB_PROJECTED || !design->intercept);
}

static enum status by_gram(const struct comm *comm, const struct absorbed *plain,
                           const struct least_squares_options *options,
                           struct lsq_solution *solution, struct least_squares *fit)
{
    enum status status = OK;
    const struct design *design = &plain->design;
    struct lsq_system *s = &solution->system;
    bool ill = false, chosen = fit->path != LEAST_SQUARES_CHOOSE;
    TRY(lsq_gram_sum(comm, design, options->tolerance, &solution->scaling, &solution->gram,
                     fit->dropped, &ill));
    if (options->ridge > 0.0) return by_ridge(comm, plain, options->ridge, solution, fit);
    if (!chosen && ill && is_narrow(plain))
        say(fit, LEAST_SQUARES_TRIANGLES, "columns are nearly dependent");
    else if (!chosen)
        say(fit, LEAST_SQUARES_GRAM,
            !ill ? "few enough columns, far enough from dependent"
                 : "columns are nearly dependent, but too many for triangles");
    if (fit->path == LEAST_SQUARES_TRIANGLES)
        return by_triangles(comm, design, options, solution, fit);
    if (plain->way == ABSORB_PROJECTED && design->intercept) fit->dropped[0] = true;
    TRY(lsq_gram_solve(comm, design, &solution->scaling, &solution->gram, fit->dropped, s,
                       &solution->square));
done:
    return status;
}

/* What is asked of the columns of a design in pieces; *penalty and *order new, or NULL. */
static enum status ask_columns(const struct absorbed *plain, double ridge,
                               const struct scaling *scaling, int64_t penalised, double **penalty,
                               int64_t **order)
{
    enum status status = OK;
    const struct design *design = &plain->design;
    TRY(lsq_gram_order(design, order));
    if (!(ridge > 0.0)) return OK;
    TRY(memory_new(penalty, design_parameters(design), sizeof **penalty));
    for (int64_t j = design->intercept ? 1 : 0; j < penalised; j++)
        (*penalty)[j] = lsq_system_penalty(design, scaling, ridge, j);
done:
    return status;
}

static enum status by_pieces(const struct comm *comm, const struct absorbed *plain,
                             const struct least_squares_options *options,
                             struct lsq_solution *solution, struct least_squares *fit)
{
    enum status status = OK;
    const struct design *design = &plain->design;
    int64_t *order = NULL;
    double *penalty = NULL;
    TRY(scaling_measure(comm, design, &solution->scaling));
    TRY_ALL(comm, ask_columns(plain, options->ridge, &solution->scaling, fit->parameters, &penalty,
                              &order));
    const struct lsq_columns columns = {order, penalty};
    if (plain->way == ABSORB_PROJECTED && design->intercept) fit->dropped[0] = true;
    if (fit->path == LEAST_SQUARES_GRID)
        TRY(lsq_sparse_solve(comm, design, &solution->scaling, &columns, fit->dropped,
                             &solution->system));
    else
        TRY(lsq_wide_solve(comm, design, &solution->scaling, &columns, options->tolerance,
                           fit->dropped, &solution->system));
done:
    free(order);
    free(penalty);
    return status;
}

enum status lsq_path_solve(const struct comm *comm, const struct absorbed *plain,
                           const struct least_squares_options *options, struct least_squares *fit,
                           struct lsq_solution *solution)
{
    enum status status = OK;
    const struct design *design = &plain->design;
    *solution = (struct lsq_solution){.square = NAN};
    choose_by_size(design, options, fit);
    TRY(check_path(design, fit));
    if (fit->path == LEAST_SQUARES_GRID || fit->path == LEAST_SQUARES_ROWS)
        TRY(by_pieces(comm, plain, options, solution, fit));
    else
        TRY(by_gram(comm, plain, options, solution, fit));
done:
    return status;
}

void lsq_solution_clear(struct lsq_solution *solution)
{
    lsq_system_clear(&solution->system);
    gram_clear(&solution->gram);
    scaling_clear(&solution->scaling);
    *solution = (struct lsq_solution){0};
}
