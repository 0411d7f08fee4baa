/**
 * curves.h5: for each candidate of each user the response curve P(d) = sigmoid(a + b d).
 */
#ifndef REMISE_JOBS_CURVES_H
#define REMISE_JOBS_CURVES_H

#include "partition/blocks.h"

struct curves {
    int64_t slots;
    bool observational; /* learned without an offers table */
    float *a, *b;       /* [users_local][slots]; b >= 0 */
};

/** Write, read and free; as for candidates (jobs/candidates.h). Write and read are collective. */
enum status curves_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                         const struct curves *curves);
/** Read the curves of the local users. Collective. Free with curves_clear. */
enum status curves_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                        struct curves *curves);
/** Free; accepts a zeroed struct. Local. */
void curves_clear(struct curves *curves);

/** Chance of buying at a discount. Local. */
double curves_chance(double a, double b, double discount);

#endif
