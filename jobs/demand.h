/**
 * demand.h5: own-price elasticities of categories, segments, products and users.
 *
 * Categories and segments come from (product, week, segment) cells by one of several methods
 * (jobs/demand_method.h); products and users from what their own sales say beside them. Each is
 * shrunk toward those above it: a product toward its category, a user toward what categories and
 * segment make of the things the user buys, categories and segments toward the mean of their kind;
 * `weak` marks those that rest on fewer than demand.min_rows cells or whose 95 % interval holds
 * zero. Beside them, where there is what they need: elasticities of brands, the effect of
 * promotions (the change of log purchases at the same price) and elasticities to the prices of
 * neighbours.
 */
#ifndef REMISE_JOBS_DEMAND_H
#define REMISE_JOBS_DEMAND_H

#include "io/dataset.h"
#include "jobs/demand_neighbours.h"

/* What an elasticity was shrunk to: the nearest above it that has an estimate. */
enum demand_level { DEMAND_ALL, DEMAND_CATEGORY, DEMAND_SEGMENT, DEMAND_LEVELS };

struct elasticities {
    int64_t units;
    double *estimate;  /* [units] NaN where the data tell nothing */
    double *std_error; /* [units] NaN likewise */
    double *shrunk;    /* [units] NaN only if no unit has an estimate */
    double *shrunk_sd; /* [units] */
    int64_t *rows;     /* [units] cells behind the estimate */
    int64_t *users;    /* [units] distinct users who bought: jobs/demand_users.h */
    uint8_t *level;    /* [units] enum demand_level */
};

/* Of this rank's users. */
struct demand_people {
    int64_t users;
    float *estimate,
        *std_error; /* [users] of the user's own purchases; NaN where they tell nothing */
    float *shrunk, *shrunk_sd; /* [users] posterior, given that it is not above zero */
    int32_t *rows;             /* [users] purchases behind the estimate */
    uint8_t *level;            /* [users] enum demand_level */
    const int32_t *segment;    /* [users][DEMAND_FOLDS]: jobs/demand_segments.h; not owned */
};

enum { DEMAND_METHOD_BYTES = 16 };

struct demand {
    const char *method; /* demand.method, a constant; NULL after demand_read */
    struct elasticities category, segment, product;
    struct elasticities brand;     /* of two or more; else no units */
    struct elasticities promotion; /* one unit, or none where the shop does not tell */
    struct elasticities cross;     /* [categories] to neighbours' prices; no units: not asked for */
    struct demand_neighbours neighbours; /* products 0: not asked for */
    double overall;              /* mean of the segments, weighted by sales; NaN if unknown */
    struct demand_people people; /* as made; not read back by demand_read */
};

/**
 * Elasticity of a category's products for the users of a segment; NaN if nothing is known. Local.
 */
double demand_elasticity(const struct demand *demand, int32_t category, int32_t segment);

/**
 * The part of a neighbour's sales that a fall of the price by `discount` takes:
 * 1 - (1 - discount)^e, with e the cross elasticity of its category times the weight; 0 where e is
 * not above 0 or not known. Local.
 * category  in  of both
 * weight    in  of the product with the discount among the neighbour's neighbours
 */
double demand_taken(const struct demand *demand, int32_t category, double weight, double discount);

/** Standard deviation of demand_elasticity, as if category and segment erred apart. Local. */
double demand_elasticity_sd(const struct demand *demand, int32_t category, int32_t segment);

/** Read all but the people of demand.h5 on all ranks. Collective. Free with demand_clear. */
enum status demand_read(const struct comm *comm, const char *path, struct demand *demand);

/** Write it. Collective; the same on every rank but for people. Errors: those of store_write. */
enum status demand_write(const struct comm *comm, const char *path, const struct demand *demand);

/** Make room for `units`. Local. Errors: ERR_MEMORY. */
enum status elasticities_init(struct elasticities *elasticities, int64_t units);

/** Free; accepts a zeroed struct. Local. */
void demand_clear(struct demand *demand);

#endif
