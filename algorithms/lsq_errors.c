/* Standard errors and covariances of wanted parameters. */
#include "algorithms/lsq_errors.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 64 }; /* columns of the inverse solved for at once */

static int64_t wanted_at(const struct least_squares_options *options, int64_t i)
{
    return options->all_errors ? i : options->wanted[i];
}

enum status lsq_errors_check(const struct least_squares_options *options, int64_t parameters)
{
    for (int64_t i = 0; !options->all_errors && i < options->wanted_count; i++)
        if (options->wanted[i] < 0 || options->wanted[i] >= parameters)
            return FAIL(ERR_ARG, "parameter %lld, whose error is wanted, is outside 0 .. %lld",
                        (long long)options->wanted[i], (long long)parameters - 1);
    return OK;
}

/* Column `at` of the wanted covariance, from column `side` of the inverse in x. */
static void set_errors(const struct lsq_system *s, const struct least_squares_options *options,
                       int64_t at, const double *x, int64_t sides, struct least_squares *fit)
{
    double unit = fit->variance * s->scaling->weight_scale;
    int64_t own = wanted_at(options, at);
    double spread = lsq_system_parameter(s, s->place[own], x, sides);
    fit->std_error[own] = sqrt(unit * spread);
    for (int64_t i = 0; fit->covariance != NULL && i < fit->wanted_count; i++) {
        int64_t place = s->place[wanted_at(options, i)];
        if (place >= 0)
            fit->covariance[i * fit->wanted_count + at] =
                unit * lsq_system_parameter(s, place, x, sides);
    }
}

/* Up to SIDES wanted parameters from number *next on: their places in `at`, their right-hand sides
 * in b. */
static int64_t next_sides(const struct lsq_system *s, const struct least_squares_options *options,
                          int64_t wanted_count, int64_t *next, int64_t *at)
{
    int64_t sides = 0;
    while (*next < wanted_count && sides < SIDES) {
        if (s->place[wanted_at(options, *next)] >= 0) at[sides++] = *next;
        (*next)++;
    }
    return sides;
}

enum status lsq_errors_set(const struct comm *comm, const struct lsq_system *s,
                           const struct least_squares_options *options, struct least_squares *fit)
{
    enum status status = OK;
    double *b = NULL;
    int64_t at[SIDES], next = 0, sides = 0;
    TRY_ALL(comm, memory_new(&b, 2 * s->kept * SIDES, sizeof *b));
    double *x = b + s->kept * SIDES;
    while ((sides = next_sides(s, options, fit->wanted_count, &next, at)) > 0) {
        memset(b, 0, (size_t)(s->kept * sides) * sizeof *b);
        for (int64_t i = 0; i < sides; i++)
            lsq_system_side(s, s->place[wanted_at(options, at[i])], b + i, sides);
        TRY(lsq_system_solve(comm, s, b, sides, x));
        for (int64_t i = 0; i < sides; i++) set_errors(s, options, at[i], x + i, sides, fit);
    }
done:
    free(b);
    return status;
}
