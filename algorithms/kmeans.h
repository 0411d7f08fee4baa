/**
 * k-means: k centroids such that the rows lie near to them, found by Lloyd's iterations.
 *
 * kmeans_fit chooses a start by k-means|| (or takes yours), moves each centroid to the mean of its
 * rows until they stay, and keeps the best of several restarts. kmeans_apply labels rows by a
 * model. Rows are float32; bring their columns near 0 and to comparable scales first
 * (algorithms/standardise.h): a distance is the sum over columns, and labels are decided by float32
 * scores with an error of about 1e-7 columns |x| |c|, which is small when the origin is amid the
 * rows.
 */
#ifndef REMISE_ALGORITHMS_KMEANS_H
#define REMISE_ALGORITHMS_KMEANS_H

#include "algorithms/kmeans_kernel.h"
#include "algorithms/rows.h"
#include "mpi/comm.h"

struct kmeans_options {
    int64_t k;
    int64_t restarts;       /* keep the lowest inertia of so many; 1 is enough when init is given */
    uint64_t seed;          /* of the random starts */
    int64_t max_iterations; /* per restart; 0 keeps the start */
    double tolerance; /* stop when the sum of squared shifts <= tolerance * mean column variance */
    const double *init;    /* [k][columns] start instead of k-means||, or NULL; not owned */
    enum kmeans_path path; /* instruction set; the model does not depend on it */
};

#define KMEANS_OPTIONS_DEFAULTS                                                    \
    {                                                                              \
        .k = 8, .restarts = 1, .seed = 1, .max_iterations = 300, .tolerance = 1e-4 \
    }

struct kmeans_model {
    int64_t k, columns;
    double *centroids;  /* [k][columns] */
    int64_t *sizes;     /* [k] rows nearest to each centroid; 0 only if fewer than k rows differ */
    double inertia;     /* sum over the rows of the squared distance to the nearest centroid */
    int64_t iterations; /* of the restart that was kept */
    bool converged;     /* the shift fell to the tolerance */
    bool settled; /* no row changed its centroid in the last iteration: centroids are the means, to
                     2^-40 of the largest value of the column */
    bool stopped; /* at max_iterations, before converging */
};

/**
 * Fit k-means centroids to rows spread over the ranks of comm.
 *
 * Collective: every rank calls it and every rank gets the same status.
 * x      in   [rows_local][columns] float32, |x| <= KMEANS_LIMIT; rows_local may be 0 on a rank
 * opt    in   same values on every rank
 * model  out  new; the caller frees it with kmeans_free; NULL unless OK
 * Units: those of x; model->inertia in their square, summed in double from differences.
 * Cost: 2 rows_local k d flops and one reduction of k (d + 1) exact sums per iteration, less the
 *       rows that need not be looked at (algorithms/kmeans_labels.h); a start is 10 iterations'
 *       worth.
 * Memory: 80 k d bytes; 4 bytes per local row, 3 for k < 256.
 * Same bits for any number of ranks and any instruction set. A centroid left without rows takes the
 * place of the row that is farthest from its own (lowest row in a tie).
 * Errors: ERR_ARG k < 1, k > rows_total or another option out of range; ERR_NUMERIC a row is not
 *         finite or beyond KMEANS_LIMIT; ERR_MEMORY. Stopping at opt->max_iterations is no error:
 *         see model->stopped.
 * Source: Lloyd 1982, IEEE Trans. Inf. Theory 28(2); Bahmani et al. 2012, PVLDB 5(7) (start).
 */
enum status kmeans_fit(const struct comm *comm, const struct rows *x,
                       const struct kmeans_options *opt, struct kmeans_model **model);

/**
 * The nearest centroid of each local row, and how far it is.
 *
 * Local: x->blocks serves only to count the rows.
 * labels    out  [rows_local] 0 .. k - 1, the lower one in a tie
 * distance  out  [rows_local] Euclidean, or NULL
 * Errors: ERR_ARG x has other columns than the model; ERR_MEMORY.
 */
enum status kmeans_apply(const struct kmeans_model *model, const struct rows *x, int32_t *labels,
                         float *distance);

/**
 * Sharpen a model by the double-precision rows that x was rounded from.
 *
 * Collective. Takes the inertia anew, and for a settled model first the centroids, so that neither
 * carries the rounding of the rows to float32. The labels stay as they are.
 * x       in  [blocks->rows_local][model->columns] row-major double, finite, in the units of the
 *             fit
 * labels  in  [rows_local] from kmeans_apply
 * Cost: two passes over the rows.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC, ERR_MEMORY.
 */
enum status kmeans_refine(const struct comm *comm, const struct blocks *blocks, const double *x,
                          const int32_t *labels, struct kmeans_model *model);

/** Free and null; accepts NULL inside. Local. */
void kmeans_free(struct kmeans_model **model);

#endif
