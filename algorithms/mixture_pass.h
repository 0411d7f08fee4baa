/**
 * A pass over the rows: responsibilities and the sums that the next parameters follow from, strip
 * by strip, so that responsibilities never leave the cache.
 */
#ifndef REMISE_ALGORITHMS_MIXTURE_PASS_H
#define REMISE_ALGORITHMS_MIXTURE_PASS_H

#include "algorithms/mixture_update.h"
#include "mpi/exact.h"

/* Made once per fit; each fit or use has its own. */
struct mixture_pass {
    const struct mixture_kernel *kernel;
    enum mixture_covariance covariance;
    int64_t k, columns;
    int64_t terms;      /* sums of a component, as mixture_update takes them */
    int64_t lane_terms; /* and in lanes: full has the products below the diagonal, too, unused */
    int64_t pitch;      /* rows of a strip */
    double *centre;     /* [columns] of the rows */
    double *inverse;    /* [columns] 1 / scale of the rows */
    double *factor;     /* packed inverses of L, [k], tied [1]; diagonal [k][columns] */
    double *shift;      /* [k][columns] whitened means */
    double *constant;   /* [k] logarithm of weight and height */
    double *ones;       /* [columns] */
    double *zeros;      /* [columns] */
    double *x;          /* [columns][pitch] */
    double *other;      /* [columns][pitch] squares (diagonal) or whitened rows (tied) */
    double *share;      /* [k][pitch] */
    double *largest;    /* [pitch] */
    double *sum;        /* [pitch] */
    double *lanes;      /* [k][lane_terms][MIXTURE_LANES] sums of the block at hand */
    double *block;      /* [k terms + 1] the same, added up; the last is log-likelihood */
    struct exact_sums exact; /* [k terms + 1] */
    double unit;             /* of the exact sums, a power of two */
};

/**
 * Space for passes over rows by models of this shape and standardised as this one; clear with
 * mixture_pass_clear. Local.
 * limit  in  no sum over all rows can be above it
 * Errors: ERR_MEMORY.
 */
enum status mixture_pass_init(struct mixture_pass *pass, const struct mixture_kernel *kernel,
                              const struct mixture_model *model, double limit);
/** Accepts a zeroed struct. Local. */
void mixture_pass_clear(struct mixture_pass *pass);

/** Take the parameters for the next pass. Local. */
void mixture_pass_set(struct mixture_pass *pass, const struct mixture_model *model,
                      const struct mixture_factors *factors);

/**
 * Densities and responsibilities of local rows first .. first + rows - 1, rows <= pass->pitch, in
 * pass->share, largest and sum. Local.
 */
void mixture_pass_strip(struct mixture_pass *pass, const struct mixture_rows *x, int64_t first,
                        int64_t rows, bool hard);

/**
 * All rows: sums by responsibility, or by the likeliest component if hard.
 *
 * Collective.
 * sums            out  [k][terms], the same on every rank
 * log_likelihood  out  of z; meaningless if hard
 * Cost: one reduction of 16 (k terms + 2) bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC.
 */
enum status mixture_pass_run(const struct comm *comm, struct mixture_pass *pass,
                             const struct mixture_rows *x, bool hard, double *sums,
                             double *log_likelihood);

#endif
