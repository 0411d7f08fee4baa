/**
 * demand.h5: own-price elasticities of the categories and of the segments.
 *
 * From one regression over (product, week, segment) cells with sales: log units on log price by
 * category and by segment, with effects of each product (eliminated), of the segments and of the
 * season. Each elasticity is shrunk toward the mean of its kind; `weak` marks those that rest on
 * fewer than demand.min_rows cells or whose 95 % interval holds zero.
 */
#ifndef REMISE_JOBS_DEMAND_H
#define REMISE_JOBS_DEMAND_H

#include "mpi/comm.h"

struct elasticities {
    int64_t units;
    double *estimate;  /* [units] NaN where the data tell nothing */
    double *std_error; /* [units] NaN likewise */
    double *shrunk;    /* [units] NaN only if no unit has an estimate */
    double *shrunk_sd; /* [units] */
    int64_t *rows;     /* [units] cells behind the estimate */
    int64_t *users;    /* [units] distinct users who bought: jobs/demand_users.h */
};

struct demand {
    struct elasticities category, segment;
    double overall; /* mean of the segments, weighted by rows; NaN if unknown */
};

/**
 * Elasticity of a category's products for the users of a segment; NaN if nothing is known. Local.
 */
double demand_elasticity(const struct demand *demand, int32_t category, int32_t segment);

/** Read demand.h5 on all ranks. Collective. Free with demand_clear. Errors: those of store_read. */
enum status demand_read(const struct comm *comm, const char *path, struct demand *demand);

/** Write it. Collective; the same on every rank. Errors: those of store_write. */
enum status demand_write(const struct comm *comm, const char *path, const struct demand *demand);

/** Make room for `units`. Local. Errors: ERR_MEMORY. */
enum status elasticities_init(struct elasticities *elasticities, int64_t units);

/** Free; accepts a zeroed struct. Local. */
void demand_clear(struct demand *demand);

#endif
