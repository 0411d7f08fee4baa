/**
 * Empirical Bayes of several coefficients at once: units' slopes shrunk together, with the full
 * covariance matrix of how they differ.
 *
 * b_i ~ N(theta_i, L_i^-1), theta_i ~ N(mean of its group, T), and groups lie in groups as those of
 * algorithms/shrink.h do, each level with a matrix T of its own. A unit is given as its information
 * L = X'X / variance and L b, so that one whose rows tell only some of the coefficients, or none,
 * adds what it knows. A coefficient of one unit is then told by its others, too.
 */
#ifndef REMISE_ALGORITHMS_JOINT_H
#define REMISE_ALGORITHMS_JOINT_H

#include "algorithms/joint_unit.h"
#include "mpi/comm.h"

enum { JOINT_LEVELS = 8 };

struct joint_units {
    int64_t units;        /* of this rank; may be 0 */
    int64_t columns;      /* k, 1 .. JOINT_COLUMNS */
    double *information;  /* [units][joint_packed(k)] */
    double *weighted;     /* [units][k] information times estimates */
    const int64_t *group; /* [units] in [0, groups of level 0); NULL: all in group 0 */
};

/* The groups of one level. The last level has one group: all. */
struct joint_level {
    int64_t groups;
    const int64_t *parent;       /* [groups] in the next level; not owned; NULL: all in group 0 */
    int64_t members;             /* out: units or groups that tell something and lie in them */
    double spread[JOINT_SQUARE]; /* out: T [k][k] of what lies in these groups */
    double *information;         /* [groups][joint_packed(k)] out: of the group's mean, from its */
    double *weighted;            /* [groups][k] out: own members */
    double *mean;                /* [groups][k] out: posterior */
    double *covariance;          /* [groups][k][k] out: its covariance, the spreads given */
    double *sd; /* [groups][k] out: with what is unsure of the size of the spread it lies in */
};

/** Make room for a level of k columns. Local. Free with joint_level_clear. Errors: ERR_MEMORY. */
enum status joint_level_init(struct joint_level *level, int64_t groups, const int64_t *parent,
                             int64_t columns);
/** Free; accepts a zeroed struct. Local. */
void joint_level_clear(struct joint_level *level);

/**
 * Fit the matrix T of each level by restricted maximum likelihood and shrink every unit.
 *
 * Collective.
 * units   inout  brought to the scale of what units tell on average, and to the mean of all, in
 *                place, and back
 * level   inout  [levels] from the units' own groups up to all
 * shrunk  out    [units][k] posterior means
 * sd      out    [units][k] roots of the posterior's mean squares around them: with what is unsure
 *                of the means, and of the size of the units' T (not of its shape, nor of the T
 *                above); likewise the groups' sd
 * Cost: some 60 to 120 evaluations, each two passes over the units of about 3 k^3 flops and two
 *       reductions: one of 16 (k (k + 1) / 2 + k) bytes for each group, one of 16 k^2 / 2 bytes.
 * Memory: 16 (k (k + 1) / 2 + k) bytes a unit, twice while it runs.
 * Same bits for any number of ranks, however units are spread.
 * Errors: ERR_NUMERIC no unit tells anything, or a sum is out of range; ERR_ARG columns;
 *         ERR_MEMORY.
 * Source: Dempster, Rubin and Tsutakawa 1981, J. Am. Stat. Assoc. 76(374) (EM, by which it starts);
 *         Laird and Ware 1982, Biometrics 38(4); Chung et al. 2015, J. Educ. Behav. Stat. 40(2)
 *         (the penalty that keeps T from a false 0 where its size is averaged over).
 */
enum status joint_fit(const struct comm *comm, struct joint_units *units, struct joint_level *level,
                      int64_t levels, double *shrunk, double *sd);

#endif
