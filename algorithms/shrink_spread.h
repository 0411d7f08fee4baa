/**
 * One level of empirical Bayes: how far units are spread around the means of their groups, and
 * those means.
 */
#ifndef REMISE_ALGORITHMS_SHRINK_SPREAD_H
#define REMISE_ALGORITHMS_SHRINK_SPREAD_H

#include "algorithms/shrink.h"

/**
 * Fit tau and the means of the groups by restricted maximum likelihood; the parts `spread`,
 * `members`, `estimate` and `std_error` of the level.
 * Collective. Errors: ERR_NUMERIC no unit has an estimate; ERR_MEMORY.
 */
enum status shrink_spread_fit(const struct comm *comm, const struct shrink_units *units,
                              struct shrink_level *level);

enum { SHRINK_SPREADS = 32 };

/* Spreads that are possible, equally apart, and what holds at each of them. */
struct shrink_grid {
    int64_t spreads, groups;
    double spread[SHRINK_SPREADS];
    double
        log_weight[SHRINK_SPREADS]; /* restricted log-likelihood, and what the point stands for */
    double *estimate, *std_error;   /* [spreads][groups] as those of a level */
};

/**
 * Lay points over the spreads that are not ruled out, around a likely one.
 *
 * Collective.
 * spread  in   such as shrink_spread_fit found; >= 0
 * grid    out  free with shrink_grid_clear. A single point where no group has two units, since
 *              nothing tells a spread, and where it is known within a few parts of a hundred.
 * Cost: some 66 passes over the units in 5 reductions of 48 numbers for each group.
 * Errors: ERR_NUMERIC no unit has an estimate; ERR_MEMORY.
 */
enum status shrink_grid_make(const struct comm *comm, const struct shrink_units *units,
                             int64_t groups, double spread, struct shrink_grid *grid);
/** Free; accepts a zeroed struct. Local. */
void shrink_grid_clear(struct shrink_grid *grid);

/**
 * Posterior of a unit: given its group's mean it is a normal of variance
 * tau^2 s^2 / (tau^2 + s^2); what is unsure of the group's mean comes on top. Local.
 * mean, sd  inout  those of the group, then those of the unit
 */
void shrink_one(double estimate, double std_error, double spread, double *mean, double *sd);

/** Whether a standard error stands for an estimate. Local. */
bool shrink_counts(double std_error);

#endif
