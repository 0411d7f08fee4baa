/**
 * One level of joint empirical Bayes: the matrix of how units are spread around the means of their
 * groups, and its restricted likelihood.
 */
#ifndef REMISE_ALGORITHMS_JOINT_SPREAD_H
#define REMISE_ALGORITHMS_JOINT_SPREAD_H

#include "algorithms/joint.h"
#include "mpi/exact.h"

/* Work space of one level. */
struct joint_scene {
    const struct joint_units *units;
    int64_t groups, columns;
    double *estimate;           /* [units][k] b with h = L b: 0 where a coefficient is not told */
    int64_t members, with;      /* units that tell something; groups that have any */
    struct exact_sums sums;     /* for each group: information and weighted; deviance, too far */
    struct exact_sums slopes;   /* packed */
    double unit[JOINT_COLUMNS]; /* powers of two that bring shares at this spread near 1 */
    struct joint_mean *mean;    /* [groups] at the spread evaluated last */
    double *information;        /* [groups][packed] */
    double *weighted;           /* [groups][k] */
    double start[JOINT_SQUARE]; /* lower factor: spreads are tried as start X X' start' */
    bool penalty;
};

/** Collective. scene out: free with joint_scene_clear. Errors: ERR_NUMERIC, ERR_MEMORY. */
enum status joint_scene_init(const struct comm *comm, const struct joint_units *units,
                             int64_t groups, struct joint_scene *scene);
/** Free; accepts a zeroed struct. Local. */
void joint_scene_clear(struct joint_scene *scene);

/**
 * Twice the negative log of the restricted likelihood at a spread, and the groups' means there.
 * Collective. slope out [k][k] its derivative in the spread; NULL: not wanted.
 * deviance out infinite where terms are out of range.
 * Errors: ERR_NUMERIC.
 */
enum status joint_scene_evaluate(const struct comm *comm, struct joint_scene *scene,
                                 const double *spread, double *deviance, double *slope);

/**
 * The spread of highest restricted likelihood; without units that could tell one, 0.
 * Collective.
 * away  out  [k][k] the best one with a penalty that keeps it from 0; NULL: not wanted
 * Errors: ERR_NUMERIC.
 */
enum status joint_scene_fit(const struct comm *comm, struct joint_scene *scene, double *spread,
                            double *away);

#endif
