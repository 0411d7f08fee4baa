/**
 * Exploration: some rows of the table get a level drawn by chance instead of the one that was
 * solved for, so that the next retrain learns what other levels would have brought; every row keeps
 * the exact probability with which it got its level.
 *
 * Each row that has a choice is drawn with probability `share`, and then gets one of its m levels,
 * all alike, the solved one among them: that one has propensity 1 - share + share / m, each other
 * one share / m. All limits hold whatever is drawn, and so no draw is ever taken back:
 *
 * - Rows of a block are dealt to strata of floor(1 / share) rows that may cost about the same, and
 *   of a stratum at most one row is drawn. The worst that a stratum can do to a limit is then what
 *   its worst row can do, not the sum of them.
 * - A limit, and likewise what exploration may cost, is open to strata, in an order of chance,
 *   until the worst of them all together has used up what is left of it. Rows of the others draw
 *   among those of their levels that use no more of it than the solved one.
 *
 * A user's own limits (allocate.user) hold likewise: in an order of chance a user's rows may draw
 * all their levels as long as the worst of them fit together, the others as said.
 *
 * Which levels a row has follows from the solution and from draws that have no part in whether a
 * row is drawn, so that the propensities are exact.
 */
#ifndef REMISE_JOBS_EXPLORE_H
#define REMISE_JOBS_EXPLORE_H

#include "jobs/choices.h"
#include "jobs/run.h"
#include "partition/users.h"

#include <jansson.h>

struct explore {
    double share;      /* of the rows, 0: no exploration */
    int64_t cost_most; /* 1/10,000: what the drawn levels may cost more than the solved ones */
    uint64_t seed;
    int64_t *limit; /* of the problem, while less is given to the solver; NULL before and after */
    /* What was drawn, over all ranks; all int64_t, added up as one array. */
    struct explored {
        int64_t rows;       /* with more than one level to draw from */
        int64_t rows_free;  /* of them, with all that are allowed */
        int64_t drawn;      /* rows */
        int64_t changed;    /* of them, to another level than the solved one */
        int64_t cost_worst; /* 1/10,000: at most, whatever is drawn */
        int64_t cost_mean;  /* over all draws */
        int64_t cost;       /* as drawn */
        int64_t value;      /* of the objective, as drawn: usually below 0 */
    } done;
};

/* Whose rows the slots are; borrowed. */
struct explore_rows {
    const struct user_key *key; /* [users_local] */
    int64_t slots;
    const int32_t *product; /* [users_local][slots] -1: no row */
};

/**
 * Take the settings, and take from the limits on cost what exploration may need of them.
 *
 * Collective. Without exploration nothing happens.
 * problem  inout  limits lowered until explore_draw
 * explore  out    clear with explore_clear
 * Errors: ERR_MEMORY.
 */
enum status explore_reserve(const struct comm *comm, const struct run *run, struct problem *problem,
                            struct explore *explore);

/**
 * Draw: the problem gets its limits back, and the choices the levels drawn.
 *
 * Collective. Without exploration nothing happens.
 * choices  inout  level and used as solved; then level as published, solved and propensity; used
 *                 and objective are to be counted anew
 * Cost: two sorts of the rows of each block; one reduction of up to 2^20 counts.
 * Memory: 13 bytes a slot, 9 of them kept with the choices, and 8 MiB.
 * Same bytes for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status explore_draw(const struct comm *comm, const struct explore_rows *rows,
                         struct problem *problem, struct choices *choices, struct explore *explore);

/** Say in the log what it came to; nothing without exploration. Local. */
void explore_say(const struct explore *explore);

/** What the receipt says of it; NULL without exploration. Local. */
json_t *explore_json(const struct explore *explore);

/** Free; accepts a zeroed struct. Local. */
void explore_clear(struct explore *explore);

#endif
