/**
 * A small problem of algorithms/knapsack.h on every rank: all slots, each with the numbers of its
 * limits. What goes through many choices works on it, every rank the same. Part of
 * algorithms/knapsack.h.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_TABLE_H
#define REMISE_ALGORITHMS_KNAPSACK_TABLE_H

#include "algorithms/knapsack_point.h"

/* Numbers of the cells up to which a problem is small. */
enum { KNAPSACK_TABLE_NUMBERS = 1 << 19 };

struct knapsack_table {
    int options, kinds;
    int64_t slots, limits;
    int64_t *value;               /* [slots][options] */
    int64_t *use[KNAPSACK_KINDS]; /* [slots][options] */
    int32_t *at[KNAPSACK_KINDS];  /* [slots] number of the limit, -1: none */
    int64_t *limit;               /* [limits] KNAPSACK_FREE: none */
    int64_t *price;               /* [limits] */
    uint32_t *allowed;            /* [slots] */
    uint8_t *choice;              /* [slots] */
};

/** Whether a problem is small. Local, the same on every rank. */
bool knapsack_table_fits(const struct knapsack_cells *cells);

/**
 * Make it.
 *
 * Collective.
 * cells   in   without caps (algorithms/knapsack_view.h)
 * price   in   [limits] as in algorithms/knapsack_point.h
 * choice  in   [rows_local]
 * table   out  the caller clears it with knapsack_table_clear, also on failure
 * Memory: the cells of all ranks.
 * Errors: ERR_MEMORY.
 */
enum status knapsack_table_make(const struct comm *comm, const struct knapsack_cells *cells,
                                const int64_t *price, const uint8_t *choice,
                                struct knapsack_table *table);
/** Free; accepts a zeroed struct. Local. */
void knapsack_table_clear(struct knapsack_table *table);

/** Whether a slot may take an option. Local. */
static inline bool knapsack_table_may(const struct knapsack_table *t, int64_t slot, int option)
{
    return (t->allowed[slot] >> option & 1) != 0;
}

/** The slot's choice is no longer `from` but `to`: what that changes of the uses. Local. */
static inline void knapsack_table_move(const struct knapsack_table *t, int64_t slot, int from,
                                       int to, int64_t *used)
{
    for (int d = 0; d < t->kinds; d++)
        if (t->at[d][slot] >= 0)
            used[t->at[d][slot]] +=
                t->use[d][slot * t->options + to] - t->use[d][slot * t->options + from];
}

/** What the table's choice is worth and uses. Local. used out [limits]. */
int64_t knapsack_table_tally(const struct knapsack_table *table, int64_t *used);

#endif
