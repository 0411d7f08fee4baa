/**
 * The minimum of a smooth function of some variables, from its values and gradients (BFGS).
 *
 * For likelihoods whose sums go over all ranks and whose few parameters every rank holds. The
 * function may refuse a point by an infinite or NaN value: the step is then shortened. Give
 * variables on a scale where a step of 1 means something, such as logarithms of positive
 * parameters.
 */
#ifndef REMISE_ALGORITHMS_QUASI_NEWTON_H
#define REMISE_ALGORITHMS_QUASI_NEWTON_H

#include "mpi/comm.h"

enum { QUASI_NEWTON_VARIABLES = 4096 };

/**
 * Value and gradient at x; collective, the same status on every rank.
 * gradient  out  [variables]; not read where the value is not finite
 */
typedef enum status quasi_newton_function(const struct comm *comm, void *context, const double *x,
                                          double *value, double *gradient);

struct quasi_newton_options {
    int64_t max_iterations;
    double tolerance; /* stop when no component of the gradient is beyond it */
    double decrease;  /* likewise when the next step promises less than that; 0: not asked */
    double step_max;  /* no variable moves farther in one iteration */
    double *inverse;  /* [variables][variables] NULL: not kept. What is known of the inverse of the
                         second derivatives, the same on every rank: all 0 nothing; what an earlier
                         walk over a function much alike left here spares most of the steps. Not
                         owned. */
};

#define QUASI_NEWTON_DEFAULTS                                     \
    {                                                             \
        .max_iterations = 500, .tolerance = 1e-9, .step_max = 2.0 \
    }

struct quasi_newton_result {
    double value;
    double gradient_max; /* the largest component, by amount */
    int64_t iterations;
    int64_t evaluations;
    bool converged;
};

/**
 * Walk downhill from x to a minimum.
 *
 * Collective.
 * variables  in      1 .. QUASI_NEWTON_VARIABLES
 * x          in out  [variables] the start, the same on every rank; then the best point found
 * Cost: for each evaluation that of the function and one broadcast of 8 (variables + 1) bytes, so
 *       that all ranks go the same way whatever their libraries of functions; 1 to 2 evaluations an
 *       iteration. Between them O(variables^2) on every rank.
 * Memory: 8 variables (variables + 10) bytes on every rank.
 * Same bits for any number of ranks if the function's are.
 * Errors: those of the function; ERR_ARG variables. Not to converge is no error: see result.
 * Source: Nocedal and Wright 2006, ch. 6; line search of Lewis and Overton 2013, Math. Program. 141
 *         (weak Wolfe conditions by bracketing).
 */
enum status quasi_newton_minimise(const struct comm *comm, quasi_newton_function *function,
                                  void *context, int64_t variables,
                                  const struct quasi_newton_options *opt, double *x,
                                  struct quasi_newton_result *result);

#endif
