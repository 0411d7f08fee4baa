/* The limits of wide kinds are taken out one by one, as they do not meet each other; what is left
 * is a dense system of the narrow ones. */
#include "algorithms/knapsack_step.h"

#include "algorithms/definite.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status knapsack_step_new(const struct knapsack_cells *cells,
                              const struct knapsack_scale *scale,
                              const struct knapsack_layout *layout, struct knapsack_step *s)
{
    enum status status = OK;
    *s = (struct knapsack_step){.cells = cells, .scale = scale};
    TRY(memory_new(&s->step, layout->limits, sizeof *s->step));
    TRY(memory_new(&s->free, layout->limits, sizeof *s->free));
    TRY(memory_new(&s->schur, layout->narrow * layout->narrow, sizeof *s->schur));
    TRY(memory_new(&s->side, layout->narrow, sizeof *s->side));
done:
    if (status != OK) knapsack_step_clear(s);
    return status;
}

void knapsack_step_clear(struct knapsack_step *s)
{
    free(s->step);
    free(s->free);
    free(s->schur);
    free(s->side);
    *s = (struct knapsack_step){0};
}

/* The curvature of a limit with its damping. Where few slots waver it says nothing: it is then what
 * keeps the step within the radius. What uses hardly move gets a little more. */
static double damped(const struct knapsack_step *s, int kind, int64_t limit, double highest)
{
    double use = s->scale->reach[kind] / fmax(1.0, (double)s->scale->slots);
    double within = fabs(s->smooth->left[limit]) * use / s->reach;
    return s->smooth->diagonal[limit] * (1.0 + s->damping) + within + 1e-12 * highest + 1e-300;
}

static double highest_of(const struct knapsack_step *s, int kind)
{
    double highest = 0.0;
    for (int64_t g = 0; g < s->cells->kind[kind].groups; g++)
        highest = fmax(highest, s->smooth->diagonal[s->smooth->layout.first[kind] + g]);
    return highest;
}

static void mark_free(struct knapsack_step *s)
{
    for (int64_t r = 0; r < s->smooth->layout.limits; r++)
        s->free[r] =
            isfinite(s->smooth->left[r]) && (s->price[r] > 0.0 || s->smooth->left[r] < 0.0);
}

/* Rows and columns of limits that stay where they are become those of the identity. */
static void load_narrow(struct knapsack_step *s)
{
    const struct knapsack_layout *l = &s->smooth->layout;
    memcpy(s->schur, s->smooth->dense, (size_t)(l->narrow * l->narrow) * sizeof *s->schur);
    for (int d = 0; d < s->cells->kinds; d++) {
        if (l->narrow_at[d] < 0) continue;
        double highest = highest_of(s, d);
        for (int64_t g = 0; g < s->cells->kind[d].groups; g++) {
            int64_t at = l->narrow_at[d] + g, limit = l->first[d] + g;
            s->side[at] = s->free[limit] ? -s->smooth->left[limit] : 0.0;
            if (s->free[limit]) {
                s->schur[at * (l->narrow + 1)] = damped(s, d, limit, highest);
                continue;
            }
            for (int64_t j = 0; j < l->narrow; j++)
                s->schur[at * l->narrow + j] = s->schur[j * l->narrow + at] = 0.0;
            s->schur[at * (l->narrow + 1)] = 1.0;
        }
    }
}

static bool narrow_is_free(const struct knapsack_step *s, int64_t *limit_of)
{
    const struct knapsack_layout *l = &s->smooth->layout;
    for (int d = 0; d < s->cells->kinds; d++)
        for (int64_t g = 0; l->narrow_at[d] >= 0 && g < s->cells->kind[d].groups; g++)
            limit_of[l->narrow_at[d] + g] = l->first[d] + g;
    return l->narrow > 0;
}

/* Take each free wide limit out of the narrow ones' equations. */
static void eliminate_wide(struct knapsack_step *s, const int64_t *limit_of)
{
    const struct knapsack_layout *l = &s->smooth->layout;
    for (int d = 0; d < s->cells->kinds; d++) {
        if (l->narrow_at[d] >= 0) continue;
        double highest = highest_of(s, d);
        for (int64_t g = 0; g < s->cells->kind[d].groups; g++) {
            int64_t limit = l->first[d] + g;
            if (!s->free[limit]) continue;
            const double *row = s->smooth->cross + l->cross_first[d] + g * l->narrow;
            double inverse = 1.0 / damped(s, d, limit, highest);
            for (int64_t i = 0; i < l->narrow; i++) {
                if (row[i] == 0.0 || !s->free[limit_of[i]]) continue;
                double part = row[i] * inverse;
                s->side[i] += part * s->smooth->left[limit];
                for (int64_t j = 0; j < l->narrow; j++)
                    if (s->free[limit_of[j]]) s->schur[i * l->narrow + j] -= part * row[j];
            }
        }
    }
}

static void recover_wide(struct knapsack_step *s, const int64_t *limit_of)
{
    const struct knapsack_layout *l = &s->smooth->layout;
    for (int d = 0; d < s->cells->kinds; d++) {
        if (l->narrow_at[d] >= 0) continue;
        double highest = highest_of(s, d);
        for (int64_t g = 0; g < s->cells->kind[d].groups; g++) {
            int64_t limit = l->first[d] + g;
            const double *row = s->smooth->cross + l->cross_first[d] + g * l->narrow;
            double side = -s->smooth->left[limit];
            s->step[limit] = 0.0;
            if (!s->free[limit]) continue;
            for (int64_t i = 0; i < l->narrow; i++)
                if (s->free[limit_of[i]]) side -= row[i] * s->side[i];
            s->step[limit] = side / damped(s, d, limit, highest);
        }
    }
    for (int64_t i = 0; i < l->narrow; i++)
        s->step[limit_of[i]] = s->free[limit_of[i]] ? s->side[i] : 0.0;
}

bool knapsack_step_solve(struct knapsack_step *s, const struct knapsack_smooth *smooth,
                         const double *price, double damping, double reach, int64_t *limit_of)
{
    int64_t narrow = smooth->layout.narrow;
    s->smooth = smooth;
    s->price = price;
    s->damping = damping;
    s->reach = reach;
    mark_free(s);
    load_narrow(s);
    bool any = narrow_is_free(s, limit_of);
    eliminate_wide(s, limit_of);
    if (any && !definite_solve(s->schur, narrow, narrow, s->side)) return false;
    recover_wide(s, limit_of);
    return true;
}

double knapsack_step_promise(const struct knapsack_step *s, const struct knapsack_smooth *smooth,
                             const double *from, const double *to)
{
    double sum = 0.0;
    for (int64_t r = 0; r < smooth->layout.limits; r++)
        if (s->free[r]) sum -= 0.5 * smooth->left[r] * (to[r] - from[r]);
    return sum;
}
