/* Places, units and solutions of a fit's normal equations. */
#include "algorithms/lsq_system.h"

#include "algorithms/double_double.h"
#include "algorithms/lsq_refine.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 512 }; /* columns from which a refined solution for a mere estimate takes long */

enum status lsq_system_init(const struct design *design, const struct scaling *scaling,
                            const struct lsq_columns *columns, const bool *dropped,
                            struct lsq_system *s)
{
    enum status status = OK;
    int64_t parameters = design_parameters(design);
    *s = (struct lsq_system){.design = design, .scaling = scaling};
    TRY(memory_new(&s->parameter, 2 * parameters, sizeof *s->parameter));
    TRY(memory_new(&s->b, 4 * parameters, sizeof *s->b));
    s->place = s->parameter + parameters;
    s->unit = s->b + parameters;
    s->x = s->unit + parameters;
    s->penalty = s->x + parameters;
    for (int64_t i = 0; i < parameters; i++) {
        int64_t j = columns != NULL && columns->order != NULL ? columns->order[i] : i;
        s->unit[i] = 1.0;
        s->place[j] = dropped[j] ? -1 : s->kept;
        if (dropped[j]) continue;
        if (columns != NULL && columns->penalty != NULL) s->penalty[s->kept] = columns->penalty[j];
        s->parameter[s->kept++] = j;
    }
done:
    return status;
}

void lsq_system_clear(struct lsq_system *s)
{
    free(s->parameter);
    free(s->b);
    cholesky_clear(&s->factor);
    free(s->triangle);
    grid_factor_clear(&s->grid);
    *s = (struct lsq_system){0};
}

double lsq_system_penalty(const struct design *design, const struct scaling *scaling, double ridge,
                          int64_t parameter)
{
    int64_t column = parameter - (design->intercept ? 1 : 0);
    double scale = column < design->dense ? scaling->scale[column]
                                          : scaling->sparse_scale[column - design->dense];
    return ridge * scaling->weight_scale * scale * scale;
}

double lsq_system_unit(double diagonal)
{
    return ldexp(1.0, -(int)floor(0.5 * log2(diagonal) + 0.5));
}

double lsq_system_scale(const struct lsq_system *s, int64_t place)
{
    int64_t j = s->parameter[place] - (s->design->intercept ? 1 : 0);
    if (j < 0) return s->unit[place];
    if (j < s->design->dense) return s->unit[place] * s->scaling->scale[j];
    return s->unit[place] * s->scaling->sparse_scale[j - s->design->dense];
}

double lsq_system_shift(const struct lsq_system *s, int64_t place)
{
    int64_t j = s->parameter[place] - (s->design->intercept ? 1 : 0);
    return j >= 0 && j < s->design->dense ? s->scaling->shift[j] : 0.0;
}

double lsq_system_parameter(const struct lsq_system *s, int64_t place, const double *x,
                            int64_t stride)
{
    double own = x[place * stride] * lsq_system_scale(s, place);
    if (s->parameter[place] > 0 || !s->design->intercept) return own;
    struct double_double sum = {own, 0.0};
    for (int64_t i = 0; i < s->kept; i++)
        sum = double_double_add(sum, double_double_product(-lsq_system_shift(s, i),
                                                           x[i * stride] * lsq_system_scale(s, i)));
    return sum.high;
}

void lsq_system_side(const struct lsq_system *s, int64_t place, double *side, int64_t stride)
{
    side[place * stride] = lsq_system_scale(s, place);
    if (s->parameter[place] > 0 || !s->design->intercept) return;
    for (int64_t i = 0; i < s->kept; i++)
        if (i != place) side[i * stride] = -lsq_system_shift(s, i) * lsq_system_scale(s, i);
}

/* x = (R'R)^-1 b, in place; x in [n] at distance stride */
static void solve_triangle(const double *r, int64_t n, double *x, int64_t stride)
{
    for (int64_t j = 0; j < n; j++) {
        double sum = x[j * stride];
        for (int64_t i = 0; i < j; i++) sum -= r[j * n + i] * x[i * stride];
        x[j * stride] = sum / r[j * n + j];
    }
    for (int64_t j = n; j-- > 0;) {
        double value = x[j * stride] /= r[j * n + j];
        for (int64_t i = 0; i < j; i++) x[i * stride] -= r[j * n + i] * value;
    }
}

enum status lsq_system_step(const struct comm *comm, const struct lsq_system *s, const double *b,
                            double *x)
{
    if (s->solver == LSQ_GRID) return grid_factor_step(comm, &s->grid, b, x);
    memcpy(x, b, (size_t)s->kept * sizeof *x);
    solve_triangle(s->triangle, s->kept, x, 1);
    return OK;
}

enum status lsq_system_solve(const struct comm *comm, const struct lsq_system *s, const double *b,
                             int64_t sides, double *x)
{
    if (s->solver == LSQ_CHOLESKY) return cholesky_solve(comm, &s->factor, b, sides, x);
    if (s->solver == LSQ_GRID) return lsq_refine(comm, s, b, sides, NULL, s->digits, x);
    memcpy(x, b, (size_t)(s->kept * sides) * sizeof *x);
    for (int64_t side = 0; side < sides; side++)
        solve_triangle(s->triangle, s->kept, x + side, sides);
    return OK;
}

static enum status solve_one(const struct comm *comm, const void *system, const double *b,
                             double *x)
{
    return lsq_system_solve(comm, system, b, 1, x);
}

enum status lsq_system_inverse_norm(const struct comm *comm, const struct lsq_system *s,
                                    double *norm)
{
    if (s->solver == LSQ_CHOLESKY && s->kept >= MANY)
        return cholesky_inverse_estimate(comm, &s->factor, norm);
    return symmetric_inverse_norm(comm, s->kept, solve_one, s, norm);
}
