/**
 * Limits that no table whatever can keep, each by itself: what every slot uses at least adds up to
 * more.
 */
#ifndef REMISE_JOBS_SHORTFALL_H
#define REMISE_JOBS_SHORTFALL_H

#include "jobs/problem.h"

/**
 * Look for them, and say each in the log with what is missing, up to ten.
 *
 * Collective.
 * Cost: one pass over the cells, one reduction of the limits.
 * Errors: ERR_NUMERIC there are some: the message names the first and counts them; ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status shortfall_check(const struct comm *comm, const struct problem *problem);

#endif
