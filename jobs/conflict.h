/**
 * What to tell the shop where no table keeps all limits: which of them cannot hold together, and by
 * how much.
 */
#ifndef REMISE_JOBS_CONFLICT_H
#define REMISE_JOBS_CONFLICT_H

#include "algorithms/knapsack_conflict.h"
#include "jobs/choices.h"

enum { CONFLICT_NAME_BYTES = 512, CONFLICT_NEEDS_BYTES = 160, CONFLICT_LINE_BYTES = 1024 };

/* A limit in the words of whoever set it. */
struct conflict_words {
    char name[CONFLICT_NAME_BYTES]; /* for the list of all */
    char line[CONFLICT_LINE_BYTES]; /* with its limit and what it would need */
};

/**
 * What a limit would need: "where the others hold it is 4.5 or more (1.5 too many)". Local.
 * least  in  of what it uses where the others hold
 * over   in  of that, beyond the limit
 */
void conflict_needs(bool at_least, double least, double over, char needs[CONFLICT_NEEDS_BYTES]);

/**
 * Say each limit of a conflict in the log, and return all of them as the error.
 * Local, the same on every rank.
 * subject   in  what keeps no limits: "table", "choice"
 * describe  in  finds the words for a member; context is handed on to it
 * Returns ERR_NUMERIC.
 */
enum status conflict_say(const struct knapsack_conflict *conflict, const char *subject,
                         void (*describe)(const void *context, const struct knapsack_member *member,
                                          struct conflict_words *words),
                         const void *context);

/**
 * Find the smallest set of limits in conflict and say it in the log, each with what it would need.
 *
 * Collective.
 * choices  in  prices and uses that knapsack_solve left behind
 * Cost: that of knapsack_conflict_find: the problem solved again for each limit of the proof.
 * Returns ERR_NUMERIC with the limits' names; ERR_MEMORY.
 */
enum status conflict_tell(const struct comm *comm, const struct problem *problem,
                          const struct knapsack_cells *cells, const struct choices *choices);

#endif
