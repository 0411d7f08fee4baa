/**
 * Prices and quantities far from what is usual for their product.
 *
 * The robust z-score of x = log(unit price), and likewise of x = log(quantity), among the purchases
 * of a product is z = (x - median) / (1.4826 MAD), with MAD the median of |x - median|: a sample
 * may be wrong in up to half of its rows and still tells them. Logarithms, since prices vary by
 * factors. A purchase is an outlier if |z| is above the limit (ingest.outliers.z), of a product
 * with ingest.outliers.min_rows rows or more. Where MAD is 0 (at most 1e-9), since half of the rows
 * or more have one value, there is no scale to judge by, and nothing is an outlier.
 *
 * Add the purchases on every rank, finish once, then test any purchase on any rank.
 *
 * Source: Iglewicz & Hoaglin 1993, How to Detect and Handle Outliers (the modified z-score).
 */
#ifndef REMISE_JOBS_OUTLIERS_H
#define REMISE_JOBS_OUTLIERS_H

#include "mpi/comm.h"

enum outlier { OUTLIER_NONE, OUTLIER_PRICE, OUTLIER_QUANTITY };

struct outliers_options {
    double z;             /* limit, > 0 */
    int64_t min_rows;     /* of a product that is judged, >= 1 */
    int64_t memory_bytes; /* for values under way on each rank; more go to a file */
    const char *folder;   /* of that; borrowed */
};

/* Products over all ranks, once finished. */
struct outliers_summary {
    int64_t judged;             /* have rows enough, and a scale for price or quantity */
    int64_t few;                /* have rows, but fewer than min_rows */
    int64_t uniform_prices;     /* have rows enough, but one price in half of them */
    int64_t uniform_quantities; /* or one quantity */
};

struct outliers;

/** Begin. Local. Free with outliers_free. Errors: ERR_MEMORY; ERR_ARG the options. */
enum status outliers_new(const struct outliers_options *options, struct outliers **outliers);

/**
 * Add a purchase. Local; before outliers_finish. A price or quantity that is not above 0 does not
 * count.
 * product  in  >= 0
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status outliers_add(struct outliers *outliers, int64_t product, double unit_price,
                         double quantity);

/**
 * Find what is usual. Collective; once.
 * products  in  the same on every rank; all product codes are below it
 * Same bits for any number of ranks.
 * Memory: 32 bytes per product on every rank.
 * Cost: two distributed sorts of the products' distinct values, each passed once; four reductions
 *       of 8 bytes per product.
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO; ERR_BUG a product is not below `products`.
 */
enum status outliers_finish(const struct comm *comm, struct outliers *outliers, int64_t products);

/** Is a purchase an outlier? If in both, by its price. Local; once finished. */
enum outlier outliers_test(const struct outliers *outliers, int64_t product, double unit_price,
                           double quantity);

/** How many products were judged and why not; the same on every rank. Local; once finished. */
struct outliers_summary outliers_summary(const struct outliers *outliers);

/** Free and null; accepts NULL inside. Local. */
void outliers_free(struct outliers **outliers);

#endif
