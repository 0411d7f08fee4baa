/**
 * Which limits of algorithms/knapsack.h cannot hold together, and by how much: a set of limits and
 * caps that no choice keeps, of which none could be left out.
 *
 * Called after knapsack_solve has said that no choice keeps the limits. Up to
 * KNAPSACK_SEARCH_SLOTS slots all choices are gone through. Beyond, the prices of the proof say
 * which limits it needs; of these, each is left out in turn, and stays out where the rest is still
 * proven not to hold: the least that can be used of one of them under the others is above its
 * limit. Where nothing is proven, only not found, kinds of limits are left out in turn, and those
 * are named without which a choice is found.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_CONFLICT_H
#define REMISE_ALGORITHMS_KNAPSACK_CONFLICT_H

#include "algorithms/knapsack.h"

/* One limit of the conflict. */
struct knapsack_member {
    int64_t limit;   /* its number; limits + c: cap c of all users, or of the user in conflict */
    int64_t least;   /* proven: what keeps all other members uses at least so much; INT64_MIN: not
                        worked out */
    int64_t reached; /* a choice that does so uses so much; INT64_MAX: none was found */
};

struct knapsack_conflict {
    bool proven;      /* no choice keeps the members */
    bool irreducible; /* a choice keeps them once any one is left out: found for each */
    int64_t user;     /* a user whose caps alone are in conflict: number of its first slot over all
                         ranks; -1: it is not one user alone */
    int64_t members;
    struct knapsack_member *member; /* [members] in order of limits */
};

/**
 * Find it.
 *
 * Collective.
 * cells     in   as given to knapsack_solve
 * price     in   [limits] those it left behind
 * used      in   [limits] likewise
 * conflict  out  the caller clears it with knapsack_conflict_clear, also on failure
 * Cost: small problems a search of all choices for each limit; large ones for each limit of the
 *       proof some 3 to 20 passes, or a solution of the problem where moves from the proof's prices
 *       find no choice without it, and a solution for what each of the first four would need.
 * Memory: 8 bytes a cell.
 * Errors: ERR_MEMORY.
 * Same for any number of ranks.
 * Source: Chinneck 2008, Feasibility and Infeasibility in Optimization, ch. 6 (deletion filter).
 */
enum status knapsack_conflict_find(const struct comm *comm, const struct knapsack_cells *cells,
                                   const int64_t *price, const int64_t *used,
                                   struct knapsack_conflict *conflict);
/** Free; accepts a zeroed struct. Local. */
void knapsack_conflict_clear(struct knapsack_conflict *conflict);

#endif
