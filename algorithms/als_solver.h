/**
 * What alternating least squares does for one user or item: factors from its ratings and the rows
 * of those at the other end of them.
 *
 * Up to some number of ratings by conjugate gradients (algorithms/als_kernel.h), and beyond it, or
 * where rows come panel by panel, by normal equations, summed up in double and solved by Cholesky's
 * method. The result rests on the ratings in their order and on nothing else.
 */
#ifndef REMISE_ALGORITHMS_ALS_SOLVER_H
#define REMISE_ALGORITHMS_ALS_SOLVER_H

#include "algorithms/als_kernel.h"
#include "mpi/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What the problems of users and of items have in common. */
struct als_terms {
    bool implicit; /* rows are then so scaled that the ridge is 1 */
    bool halves;   /* rows are kept as such */
    int64_t factors;
    int64_t columns; /* factors, explicit: and the bias */
    int64_t wide;    /* columns, padded: floats of a row */
    double lambda, bias_lambda, alpha, mean;
    double tolerance; /* of als_kernel.h */
};

/* Ratings of one user or item. */
struct als_ratings {
    int64_t count;
    const int32_t *other; /* [count] at the other end */
    const float *value;   /* [count] */
    int64_t ahead;        /* so many more `other` follow that are real */
};

/* Rows of those at the other end; explicit: factors, then the bias. */
struct als_rows {
    const float *row;     /* [...][wide]; NULL: `half` */
    const als_half *half; /* [...][wide] of als_kernel.h */
    int64_t first;        /* number of the first */
};

/* Normal equations in the making, and what 0 costs. */
struct als_normal {
    double *square; /* [columns][wide] upper triangle */
    double *side;   /* [wide] */
    double scale;
};

struct als_solver;

/** Work space. Local. Freed with als_solver_free. Errors: ERR_MEMORY. */
enum status als_solver_new(const struct als_terms *terms, struct als_solver **solver);
/** From now on; terms->tolerance at first. Local. */
void als_solver_set_tolerance(struct als_solver *solver, double tolerance);
/** Free and null; accepts NULL inside. Local. */
void als_solver_free(struct als_solver **solver);

/**
 * Solve from all ratings of a user or item. Local.
 * x     inout  [wide] where to start, then the solution; 0 without ratings (implicit: above 0)
 * loss  out    what it costs, its ridge included
 * Errors: ERR_NUMERIC factors are no longer finite.
 */
enum status als_solver_run(struct als_solver *solver, const struct als_ratings *ratings,
                           const struct als_rows *rows, float *x, double *loss);

/** Add ratings to normal equations that began zeroed. Local. */
void als_solver_add(struct als_solver *solver, const struct als_ratings *ratings,
                    const struct als_rows *rows, struct als_normal *normal);
/** Solve them, of so many ratings in all. Local. As als_solver_run. */
enum status als_solver_finish(struct als_solver *solver, int64_t ratings,
                              const struct als_normal *normal, float *x, double *loss);

#endif
