/**
 * One step of Newton's method for each of many units (products, users) away from what its parent
 * (category, segment) expects, shrunk back toward it.
 *
 * Use: demand_steps_new, then for every unit its parent, its reference and, where something is
 * known, demand_steps_set; then demand_steps_shrink.
 */
#ifndef REMISE_JOBS_DEMAND_STEP_H
#define REMISE_JOBS_DEMAND_STEP_H

#include "jobs/demand_baseline.h"

/* All arrays are of [units], those of this rank. */
struct demand_steps {
    int64_t units;
    int64_t *parent;
    double *reference, *reference_sd; /* elasticity that the parent expects, and its error */
    double *estimate, *std_error;     /* the unit's own; NaN: nothing known */
    double *shrunk, *shrunk_sd;       /* the sd is NaN where no unit has an estimate */
};

/** Room for so many, nothing known of any. Local. Free with demand_steps_clear. Errors: ERR_MEMORY.
 */
enum status demand_steps_new(int64_t units, struct demand_steps *steps);
/** Free; accepts a zeroed struct. Local. */
void demand_steps_clear(struct demand_steps *steps);

/**
 * Whether so much information tells anything at all: the standard error is not above 20. Local.
 */
bool demand_step_tells(const struct demand_baseline *baseline, double information);

/**
 * A unit's own estimate, reference + score / information, with the standard error that the
 * baseline's dispersion gives it. Local.
 */
void demand_steps_set(struct demand_steps *steps, int64_t unit,
                      const struct demand_baseline *baseline, double score, double information);

/**
 * Shrink what is known of each unit beside its reference toward its parent's and all units' mean
 * (algorithms/shrink.h).
 *
 * Collective.
 * parents  in   how many there are
 * what     in   two words for the log: "user", "a segment"
 * Errors: ERR_MEMORY.
 */
enum status demand_steps_shrink(const struct comm *comm, int64_t parents, const char *const what[2],
                                struct demand_steps *steps);

#endif
