/**
 * The prices of limits in the table that holds until now: where the search for today's begins.
 *
 * `allocate.warm_start` says whose: those of the table that `allocate.previous` names (the
 * standard, so that what a run comes to depends on nothing that its settings do not name), or
 * without one those of the run's own current version, or nobody's. A price belongs to the limit of
 * the same name and group. Limits that are new begin at 0, and where no prices can be read, or they
 * do not lead to today's, the search begins anew.
 */
#ifndef REMISE_JOBS_EARLIER_H
#define REMISE_JOBS_EARLIER_H

#include "jobs/choices.h"
#include "jobs/versions.h"

#include <jansson.h>

struct earlier {
    char version[VERSION_ID_BYTES]; /* "": there are no prices */
    struct problem problem;         /* its limits, without rows */
    struct choices limits;          /* their prices */
    int64_t met;                    /* limits of today that it has too */
    bool used;                      /* the search began there and came to its end */
};

/**
 * Read the prices.
 *
 * Collective.
 * earlier  out  the caller clears it with earlier_clear, also on failure; without a version where
 *               there are none, or they are damaged: said in the log
 * Errors: ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status earlier_open(const struct comm *comm, const struct run *run, struct earlier *earlier);
/** Free; accepts a zeroed struct. Local. */
void earlier_clear(struct earlier *earlier);

/** Prices for all limits of a problem, new, into choices->price. Collective. Errors: ERR_MEMORY. */
enum status earlier_begin(const struct comm *comm, struct earlier *earlier,
                          const struct problem *problem, struct choices *choices);

/** Prices of the limits of the kinds from `kind` on. Local. price inout [limits] */
void earlier_take(struct earlier *earlier, const struct problem *problem, int kind, int64_t *price);

/** For the receipt: which version, null where there is none. Local. */
json_t *earlier_json(const struct earlier *earlier);

/** The name of the version in a folder, by its manifest; "" where there is none. Local. */
void earlier_version(const char *folder, char version[VERSION_ID_BYTES]);

#endif
