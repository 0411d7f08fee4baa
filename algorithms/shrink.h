/**
 * Empirical Bayes: noisy estimates of many units, pulled toward what they have in common.
 *
 * b_i ~ N(theta_i, s_i^2). Units lie in groups, groups in larger groups, up to one of all: users in
 * segments in categories, say. theta_i ~ N(mean of its group, tau^2), a group's mean is spread
 * likewise around that of its own group, and so on up. Each tau is fitted to the estimates; then
 * every posterior mean weighs the evidence of the unit, of its group and of all others. Units may
 * be many and lie on all ranks; groups are few and known to every rank.
 */
#ifndef REMISE_ALGORITHMS_SHRINK_H
#define REMISE_ALGORITHMS_SHRINK_H

#include "mpi/comm.h"

struct shrink_units {
    int64_t units;           /* of this rank; may be 0 */
    const double *estimate;  /* [units] */
    const double *std_error; /* [units] > 0, or NaN where the unit has no estimate */
    const int64_t *group;    /* [units] in [0, groups of level 0); NULL: all in group 0 */
};

/* The groups of one level. The last level has one group: all. */
struct shrink_level {
    int64_t groups;
    const int64_t *parent; /* [groups] in the next level; not owned; NULL: all in group 0 */
    double spread;         /* out: tau of what lies in these groups, around their means */
    int64_t members;       /* out: units or groups with an estimate that lie in them */
    double *estimate;      /* [groups] out: from the group's own members; NaN without any */
    double *std_error;     /* [groups] out: its standard error */
    double *mean, *sd;     /* [groups] out: posterior */
};

/** Make room for a level. Local. Free with shrink_level_clear. Errors: ERR_MEMORY. */
enum status shrink_level_init(struct shrink_level *level, int64_t groups, const int64_t *parent);
/** Free; accepts a zeroed struct. Local. */
void shrink_level_clear(struct shrink_level *level);

/**
 * Fit the spread of each level by restricted maximum likelihood and shrink every unit.
 *
 * Collective.
 * level      inout  [levels] from the units' own groups up to all
 * shrunk     out    [units] posterior means; for a unit without an estimate its group's
 * shrunk_sd  out    [units] posterior standard deviations, with what is unsure of the groups' means
 * Cost: some 150 passes over the units in 10 reductions of 48 numbers for each group.
 * Same bits for any number of ranks, however units are spread.
 * Errors: ERR_NUMERIC no unit has an estimate; ERR_MEMORY.
 * Source: Efron and Morris 1975, J. Am. Stat. Assoc. 70(350); for a tree of means, the smoother of
 *         Chou, Willsky and Benveniste 1994, IEEE Trans. Autom. Control 39(3).
 */
enum status shrink_tree_fit(const struct comm *comm, const struct shrink_units *units,
                            struct shrink_level *level, int64_t levels, double *shrunk,
                            double *shrunk_sd);

/**
 * Widen the posteriors of shrink_tree_fit by what is unsure of the spreads.
 *
 * Collective. shrink_tree_fit takes the most likely spread of each level for the true one: with few
 * units or groups intervals of two standard deviations then hold the truth too seldom. Here each
 * standard deviation becomes the root of the mean squared distance from the same posterior mean,
 * over all spreads, the square of each as likely beforehand as another: of the simple priors it is
 * the one whose intervals hold the truth most nearly as often as they say. Those of groups are
 * given the spreads below them.
 * level      inout  [levels] of shrink_tree_fit; sd changes
 * shrunk     in     [units]
 * shrunk_sd  inout  [units]
 * Cost: some 66 passes over the units in 5 reductions of 48 numbers for each group; at every rank
 *       66 passes over the groups of level l for each of up to 32^(l - 1) choices of spreads below
 *       (1 for a level of thousands, whose spread is known well).
 * Same bits for any number of ranks, however units are spread.
 * Errors: ERR_NUMERIC no unit has an estimate; ERR_MEMORY.
 * Source: Morris 1983, J. Am. Stat. Assoc. 78(381); Morris and Tang 2011, Stat. Sci. 26(2).
 */
enum status shrink_tree_widen(const struct comm *comm, const struct shrink_units *units,
                              struct shrink_level *level, int64_t levels, const double *shrunk,
                              double *shrunk_sd);

/* Centres that are known from elsewhere, but for an error. */
struct shrink_centres {
    const double *sd; /* [units] error of each unit's centre; not owned */
    double spread;    /* out: tau around the centres, root of its mean square */
    int64_t members;  /* out: units with an estimate */
};

/**
 * Shrink units, given as deviations from their centres, towards 0.
 *
 * Collective. Unlike shrink_tree_fit it does not take the likeliest tau for granted, which is often
 * 0 where units are few or vague, and intervals then far too narrow: the square of tau is averaged
 * over its posterior, any such square being as likely as another beforehand.
 * units      in   a unit's group says which centres may err alike; all estimates of a group may lie
 *                 to one side without that counting as spread
 * shrunk     out  [units] posterior means of the deviations; 0 for a unit without an estimate
 * shrunk_sd  out  [units] with what is unsure of the centres
 * Cost: that of shrink_tree_fit with one level, and some 66 passes more.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC no unit has an estimate; ERR_MEMORY.
 * Source: Morris 1983, J. Am. Stat. Assoc. 78(381); Kass and Steffey 1989, ibid. 84(407).
 */
enum status shrink_centred_fit(const struct comm *comm, const struct shrink_units *units,
                               int64_t groups, struct shrink_centres *centres, double *shrunk,
                               double *shrunk_sd);

struct shrink_prior {
    double mean, sd; /* of theta over the units */
    int64_t units;   /* with an estimate, over all ranks */
};

/** The same with one level, all. Collective. Errors: as shrink_tree_fit. */
enum status shrink_fit(const struct comm *comm, const struct shrink_units *units, double *shrunk,
                       double *shrunk_sd, struct shrink_prior *prior);

/**
 * Mean and standard deviation of N(mean, sd^2) given that it is not above 0: what is left of a
 * posterior where the sign is known. Local.
 */
void shrink_below_zero(double *mean, double *sd);

#endif
