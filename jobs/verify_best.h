/**
 * The most that the rows of one user can be worth under the user's own limits, given worths of
 * levels: a search of its own for `remise verify`, which shares nothing with the solver.
 *
 * Prices of the user's limits bound what can be had; levels are gone through row by row, those of
 * most worth at the prices first, and left where the bound is not above the best choice known.
 */
#ifndef REMISE_JOBS_VERIFY_BEST_H
#define REMISE_JOBS_VERIFY_BEST_H

#include "jobs/problem.h"

__extension__ typedef __int128 verify_wide;

enum { VERIFY_BEST_STEPS = 1 << 20 }; /* of the search for one user */

/* Room, for one user after another. */
struct verify_best {
    int64_t rows; /* of the user with most */
    int levels, caps;
    verify_wide *worth;                  /* [rows][levels] filled by the caller */
    verify_wide *net;                    /* [rows][levels] less what prices make of the uses */
    verify_wide *ahead;                  /* [rows + 1] net of the best levels from here on */
    int64_t *least;                      /* [caps][rows + 1] what rows from here on use at least */
    int8_t *order;                       /* [rows][levels] by falling net, ended by -1 */
    const int64_t *use[KNAPSACK_CAPS];   /* [rows][levels] of the user at hand */
    const uint32_t *allowed;             /* [rows] */
    int64_t limit[KNAPSACK_CAPS], count; /* of the user at hand; its rows */
    verify_wide price[KNAPSACK_CAPS], priced, known;
    int64_t steps;
};

/** Room for users of up to `rows` rows. Local. Free with verify_best_clear. Errors: ERR_MEMORY. */
enum status verify_best_new(const struct problem *problem, int64_t rows, struct verify_best *best);
/** Free; accepts a zeroed struct. Local. */
void verify_best_clear(struct verify_best *best);

/**
 * Search.
 * level  in   [rows of the user] a choice, which counts where it keeps the limits
 * most   out  no choice that keeps the limits is worth more
 * known  out  and one is worth so much; less than `most` where the search was too long
 * Local.
 */
void verify_best_find(struct verify_best *best, const struct problem *problem, int64_t user,
                      const uint8_t *level, verify_wide *most, verify_wide *known);

#endif
