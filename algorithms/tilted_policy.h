/**
 * How a policy gives levels to users of whom it thinks more or less, from the chances it had.
 *
 * Levels k at positions z[k] are given to a user of standing s with chances
 *
 *     p(k | s) = floor / levels + (1 - floor) w[k] / sum over j of w[j]
 *     w[k] = exp(base[k] + s z[k])
 *
 * floor is the part that is given blindly. Where two or more offers to one user in one group were
 * made by the same standing, one tells the standing and the others what base and floor must be:
 * base is the fixed point at which, level by level, the logs of the chances are met on average, and
 * floor is where they are met best. base has no slope in z: that is a shift of all standings.
 */
#ifndef REMISE_ALGORITHMS_TILTED_POLICY_H
#define REMISE_ALGORITHMS_TILTED_POLICY_H

#include "mpi/comm.h"

enum { TILT_LEVELS = 101, TILT_GRID = 801 };

/* Standings are within -TILT_STANDING .. TILT_STANDING. */
#define TILT_STANDING 4.0

struct tilted_policy {
    int levels;
    double z[TILT_LEVELS], base[TILT_LEVELS], floor;
    int peak[TILT_LEVELS];                /* [levels] grid point where a level is likeliest */
    float chance[TILT_LEVELS][TILT_GRID]; /* [levels] at evenly spaced standings */
};

/* Offers of users; borrowed. Offers without a chance have level -1. */
struct tilted_rows {
    int64_t users;        /* local */
    const int64_t *start; /* [users + 1] a user's offers */
    const int8_t *level;  /* -1 .. levels - 1 */
    const float *chance;  /* of the level given; 0 .. 1 */
    const int32_t *group; /* 0 .. groups - 1 */
    int64_t groups;
};

/* The standings that a chance leaves possible; equal where there is one only. */
struct tilted_roots {
    float low, high;
};

/** A policy without a floor. Local. z and base are read for [levels]. */
void tilted_policy_tilt(struct tilted_policy *policy);
/**
 * Find base and floor; z and levels are given, base is where the search begins. Collective.
 * Too few users with two offers in a group: base and floor stay as they are.
 * pairs  out  offers that another told the standing of, on all ranks
 * misfit out  root mean square of what is left of the logs of their chances
 * Cost: some 100 passes over the rows of 0.1 us each; a few ten thousand rows are enough.
 * Memory: 16 bytes per group.
 * Errors: ERR_MEMORY.
 * Same bits for any number of ranks.
 */
enum status tilted_policy_fit(const struct comm *comm, const struct tilted_rows *rows,
                              struct tilted_policy *policy, int64_t *pairs, double *misfit);
/** Which standings give level the chance. Local. */
struct tilted_roots tilted_policy_solve(const struct tilted_policy *policy, int level,
                                        float chance);
/** By how much the chance of level rises or falls with the standing, without sign. Local. */
double tilted_policy_slope(const struct tilted_policy *policy, int level, float standing);

#endif
