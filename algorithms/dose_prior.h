/**
 * What to expect of the shapes of kinds before rows are seen, and how much of it rows bear out.
 *
 * The unknowns of dose_kinds are one vector:
 *
 *     scale, shift[kinds], slope[kinds][knots]
 *
 * the slopes those of the pieces between knots, 1 where the dose counts as it is. Before rows are
 * seen a shape is a random walk about the straight one: over any stretch of the dose what it rises
 * more has a variance in proportion to the stretch, part of it common to all kinds, part of each
 * kind's own. How large both parts are is told by the rows themselves, by what makes them most
 * likely (empirical Bayes).
 */
#ifndef REMISE_ALGORITHMS_DOSE_PRIOR_H
#define REMISE_ALGORITHMS_DOSE_PRIOR_H

#include "algorithms/dose.h"
#include "mpi/status.h"

/* Standard deviations at the highest knot, as parts of its dose. */
struct dose_prior {
    double own, common; /* > 0 */
};

/* Of the vector. */
static inline int64_t dose_prior_variables(int64_t kinds, int64_t knots)
{
    return 1 + kinds + kinds * knots;
}

/** What is expected: curves as they are and a straight dose. Local. x out [variables] */
void dose_prior_expect(int64_t kinds, int64_t knots, double *x);

/** How surely. Local. precision out [variables][variables] symmetric */
void dose_prior_precision(const struct dose_prior *prior, int64_t kinds,
                          const struct dose_shape *knots, double *precision);

/* What rows say near x: the derivatives of their loss. */
struct dose_evidence {
    const double *x, *gradient; /* [variables] */
    const double *curvature;    /* [variables][variables] the upper triangle is read */
};

/**
 * The prior that makes rows most likely. Local.
 * kinds    in   2 at least
 * prior    out  from a grid of factors sqrt(2)
 * support  out  by how much more likely than with kinds alike, log
 * Cost: 132 times variables^3 / 3 flops.
 * Errors: ERR_MEMORY; ERR_NUMERIC the curvature is none.
 * Source: Laplace's approximation of the evidence; MacKay 1992, Neural Comput. 4(3).
 */
enum status dose_prior_choose(const struct dose_evidence *evidence, int64_t kinds,
                              const struct dose_shape *knots, struct dose_prior *prior,
                              double *support);

#endif
