/**
 * The allocation problem asked again with other limits or other values: what a receipt says beside
 * the choice it is about.
 *
 * Where there are more slots than can be solved over and over, it is asked on a sample: each k-th
 * user in the order of the pseudonyms, which is random. Limits of the sample are what the whole
 * choice uses of them there, and its part of what the whole choice leaves of them; so the whole
 * choice keeps them, and only differences from it rest on the sample. Such differences are shown
 * over all users, with the standard error that users differ by.
 */
#ifndef REMISE_JOBS_WHAT_IF_H
#define REMISE_JOBS_WHAT_IF_H

#include "jobs/solution.h"

/* Users with limits of their own take some 15 times as long. */
enum { WHAT_IF_SLOTS = 1 << 16, WHAT_IF_SLOTS_CAPPED = 1 << 14 };

/* So few are soon solved as nearly as can be. */
enum { WHAT_IF_FEW = 1 << 14 };

struct what_if {
    const struct problem *whole;  /* not owned */
    const struct choices *solved; /* not owned; of the whole */
    struct problem problem;       /* of the users looked at; values, allowed levels and limits are
                                     its own, to be changed */
    int64_t *limit;               /* [limits] as they were made */
    int64_t every;                /* users: each every-th */
    int64_t users, users_total;
    int64_t *row;           /* [rows_local] local slot in the whole */
    uint8_t *base;          /* [rows_local] the level that the whole choice has there */
    int64_t base_objective; /* of it there */
    struct choices now;     /* the last answer; its prices are where the next one begins */
    struct solution solution;
};

/**
 * Take the sample.
 *
 * Collective.
 * solved  in   choices of the whole, with slots, level, price and used
 * most    in   slots that are looked at, at about; more is a sample
 * w       out  the caller clears it with what_if_clear, also on failure
 * Memory: that of the problem of so many slots.
 * Errors: ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status what_if_make(const struct comm *comm, const struct problem *whole,
                         const struct choices *solved, int64_t most, struct what_if *w);
/** Free; accepts a zeroed struct. Local. */
void what_if_clear(struct what_if *w);

/** Limits, values and allowed levels of the whole again. Local. */
void what_if_restore(struct what_if *w);

/**
 * Solve it as it stands, from the prices of the last answer.
 *
 * Collective.
 * found  out  whether a choice keeps all limits; if not, `now` holds nothing but prices
 * Errors: those of solution_try, but ERR_NUMERIC.
 */
enum status what_if_solve(const struct comm *comm, struct what_if *w, bool *found);

/** Begin the next answer at the prices of the whole. Local. */
void what_if_begin(struct what_if *w);

/** A sum over the users looked at less that of the whole choice there, told over all. Local. */
int64_t what_if_over_all(const struct what_if *w, int64_t sum);

/**
 * The standard error of the objective that what_if_over_all tells, by how users differ; 0 where all
 * were looked at.
 * Collective.
 */
enum status what_if_error(const struct comm *comm, const struct what_if *w, double *error);

/** A limit of the sample, the part of a limit of all. Local. */
bool what_if_is_free(int64_t limit);

#endif
