/**
 * One damped step of Newton's method on the prices of limits. Part of algorithms/knapsack.h.
 *
 * The step solves (C + m diag C + R) step = -gradient over the limits that have a price or are
 * exceeded, C the curvature of the smoothed dual. R, what is left x mean use / reach, keeps a
 * slot's worth from changing by more than `reach` where few slots waver and C says nothing.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_STEP_H
#define REMISE_ALGORITHMS_KNAPSACK_STEP_H

#include "algorithms/knapsack_smooth.h"

struct knapsack_step {
    const struct knapsack_cells *cells; /* not owned */
    const struct knapsack_scale *scale; /* not owned */
    double *step;                       /* [limits] the last one */
    bool *free;                         /* [limits] may move */
    /* of the step at hand */
    const struct knapsack_smooth *smooth; /* not owned */
    const double *price;                  /* not owned */
    double damping, reach;
    double *schur, *side; /* [narrow][narrow], [narrow] */
};

/** Room. Local. Free with knapsack_step_clear. Errors: ERR_MEMORY. */
enum status knapsack_step_new(const struct knapsack_cells *cells,
                              const struct knapsack_scale *scale,
                              const struct knapsack_layout *layout, struct knapsack_step *step);
/** Free; accepts a zeroed struct. Local. */
void knapsack_step_clear(struct knapsack_step *step);

/**
 * Find the step.
 *
 * Local, the same on every rank.
 * smooth    in   its curvature, and `left`: minus the gradient's
 * price     in   [limits] units of value per unit of use, >= 0
 * damping   in   m above (Levenberg and Marquardt)
 * reach     in   units of value
 * limit_of  out  [narrow] number of each narrow limit
 * Returns false where the matrix is not definite to rounding.
 * Cost: O(wide limits x narrow^2 + narrow^3).
 */
bool knapsack_step_solve(struct knapsack_step *step, const struct knapsack_smooth *smooth,
                         const double *price, double damping, double reach, int64_t *limit_of);

/** By how much the linear part promises to lower the dual from one price to another: half of
 * gradient x difference, over the limits that may move. Local. */
double knapsack_step_promise(const struct knapsack_step *step, const struct knapsack_smooth *smooth,
                             const double *from, const double *to);

#endif
