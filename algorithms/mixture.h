/**
 * Gaussian mixtures: the density of the rows as a weighted sum of k normal densities, by
 * expectation maximisation (EM).
 *
 * mixture_fit starts from the clusters of k-means (or from your means), then in each iteration
 * shares every row among the components by their densities there and moves the components to the
 * rows they hold, until the log-likelihood stays. mixture_fit_range tries several k and keeps the
 * one with the lowest BIC. mixture_apply says which components a row belongs to. Inside, columns
 * are standardised: a fit does not depend on their units.
 *
 * Components that collapse on rows that lie in a plane (collinear columns, fewer rows than columns)
 * have no density. Therefore the variance of a component in any direction is at least `floor` times
 * that of all rows; the fit is the maximum under that condition, so the log-likelihood never falls.
 */
#ifndef REMISE_ALGORITHMS_MIXTURE_H
#define REMISE_ALGORITHMS_MIXTURE_H

#include "algorithms/mixture_kernel.h"
#include "mpi/comm.h"

enum mixture_covariance {
    MIXTURE_FULL,     /* each component its own covariance */
    MIXTURE_DIAGONAL, /* each its own variances, columns independent within it */
    MIXTURE_TIED      /* one covariance for all */
};

struct mixture_options {
    int64_t k;
    enum mixture_covariance covariance;
    int64_t restarts;       /* keep the highest likelihood of so many; 1 is enough with init */
    uint64_t seed;          /* of the random starts */
    int64_t max_iterations; /* per restart; 0 keeps the start */
    double tolerance;       /* stop when an iteration gains no more log-likelihood per row */
    double floor;           /* least variance, in that of all rows; in [1e-9, 1] */
    const double *init;     /* [k][columns] means to start from, or NULL; not owned */
    enum mixture_path path; /* instruction set */
};

#define MIXTURE_OPTIONS_DEFAULTS                                                                   \
    {                                                                                              \
        .k = 3, .restarts = 1, .seed = 1, .max_iterations = 500, .tolerance = 1e-10, .floor = 1e-6 \
    }

struct mixture_model {
    enum mixture_covariance covariance;
    int64_t k, columns;
    double *centre;  /* [columns] mean of each column */
    double *scale;   /* [columns] its deviation; 1 if it is constant. z = (x - centre) / scale */
    bool *constant;  /* [columns] that all rows have the same value; z is 0 there */
    double *weights; /* [k] sum 1 */
    double *means;   /* [k][columns] of z */
    double *covariances; /* of z; full [k][columns][columns], diagonal [k][columns], tied
                            [columns][columns] */
    int64_t *held;       /* [k] directions in which the floor holds the variance; tied: all alike */
    int64_t rows;        /* of the fit, over all ranks */
    int64_t parameters;  /* free ones */
    double log_likelihood; /* of all rows, in the units of x */
    double bic, aic;       /* parameters log(rows) - 2 log_likelihood, 2 (parameters - that) */
    int64_t iterations;    /* of the restart that was kept */
    double *trace;         /* [iterations + 1] log-likelihood at the start and after each */
    bool monotone;         /* it never fell beyond rounding */
    bool converged;        /* it rose by no more than the tolerance */
    bool stopped;          /* at max_iterations, before converging */
};

/* A line of the table that helps to choose k. */
struct mixture_choice {
    int64_t k, parameters, iterations;
    double log_likelihood, bic, aic;
    bool converged, monotone;
};

/**
 * Fit a mixture to rows spread over the ranks of comm.
 *
 * Collective: every rank calls it and every rank gets the same status.
 * x      in   finite; rows_local may be 0 on a rank
 * opt    in   same values on every rank
 * model  out  new; the caller frees it with mixture_free; NULL unless OK
 * Cost:  with d columns about 2 k d^2 (full), 5 k d (diagonal) or d^2 + 5 k d (tied) fused
 *        multiply-adds per row, and one reduction of 16 (t + 2) bytes per iteration, where t is
 *        k (1 + d + d (d + 1) / 2), k (1 + 2 d) or k (1 + d).
 * Memory: per rank about 64 k d^2 bytes (full) and 1 to 2 MiB; while starting without init, 4 d
 *        bytes per local row.
 * Same bits for any number of ranks. The log-likelihood is a sum in double.
 * Errors: ERR_ARG k < 1, k > rows_total or another option out of range; ERR_NUMERIC a value is not
 *         finite, or the floor is too low for the rounding; ERR_MEMORY. Stopping at
 *         opt->max_iterations is no error: see model->stopped. Nor is a constant column, or a
 *         component on the floor: see model->held.
 * Source: Dempster, Laird and Rubin 1977, JRSS B 39(1).
 */
enum status mixture_fit(const struct comm *comm, const struct mixture_rows *x,
                        const struct mixture_options *opt, struct mixture_model **model);

/**
 * Fit with k = first .. last components, and keep the model of the lowest BIC (the smaller k in a
 * tie).
 *
 * Collective. opt->k is not read; opt->init must be NULL.
 * choices  out  [last - first + 1]
 * Cost and errors: those of as many mixture_fit.
 */
enum status mixture_fit_range(const struct comm *comm, const struct mixture_rows *x,
                              const struct mixture_options *opt, int64_t first, int64_t last,
                              struct mixture_choice *choices, struct mixture_model **model);

/**
 * The components that each local row most likely belongs to, and how likely.
 *
 * Local: x->blocks serves only to count and number the rows.
 * keep       in   as many of each row, 1 .. k
 * component  out  [rows_local][keep] 0 .. k - 1 by falling responsibility, the lower one in a tie
 * share      out  [rows_local][keep] responsibilities, or NULL
 * density    out  [rows_local] logarithm of the density there, in the units of x, or NULL
 * Same bits for any number of ranks.
 * Errors: ERR_ARG other columns than the model, keep out of range; ERR_NUMERIC a row is not finite,
 *         or its density too small for a logarithm; ERR_MEMORY.
 */
enum status mixture_apply(const struct mixture_model *model, const struct mixture_rows *x,
                          int64_t keep, int32_t *component, double *share, double *density);

/** Mean of component c in column j, in the units of x. Local. */
double mixture_mean(const struct mixture_model *model, int64_t c, int64_t j);

/** Covariance of columns i and j in component c, in the units of x. Local. */
double mixture_covariance_of(const struct mixture_model *model, int64_t c, int64_t i, int64_t j);

/** A model with space for its parameters and no fit yet. Local. Errors: ERR_MEMORY. */
enum status mixture_new(enum mixture_covariance covariance, int64_t k, int64_t columns,
                        struct mixture_model **model);

/** Numbers in the covariances of a model of this shape. Local. */
int64_t mixture_covariance_count(enum mixture_covariance covariance, int64_t k, int64_t columns);

/** Free and null; accepts NULL inside. Local. */
void mixture_free(struct mixture_model **model);

#endif
