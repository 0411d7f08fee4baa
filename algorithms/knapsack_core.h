/**
 * The slots that waver: those whose best option would be another one after a small change of
 * prices. Part of algorithms/knapsack.h.
 *
 * At prices near the best ones most slots choose what they choose by far. Only the others, the
 * core, decide how far prices still move, and which moves bring a choice within its limits at the
 * least loss. So where prices are nearly known the rest of the work is done on the core, at a part
 * of the cost of a pass, and what it comes to is looked at once more over all slots.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_CORE_H
#define REMISE_ALGORITHMS_KNAPSACK_CORE_H

#include "algorithms/knapsack_point.h"
#include "algorithms/knapsack_smooth.h"

/* The core is one slot in so many, no fewer than so many in all and for each limit. */
enum { KNAPSACK_CORE_PART = 16, KNAPSACK_CORE_LEAST = 1 << 8, KNAPSACK_CORE_LIMIT = 8 };

/* Margins by size: four buckets for each power of two from 2^-32 on. */
enum { KNAPSACK_NEAR = 4 * 128 };

struct knapsack_core {
    struct knapsack_cells cells; /* of the core; limits are what all other slots leave */
    struct blocks blocks;
    double share;       /* of all slots */
    int64_t rest;       /* value of the others' choice */
    int64_t *row;       /* [rows_local] local slot among all */
    uint8_t *choice;    /* [rows_local] */
    int64_t *used;      /* [limits] by it */
    int64_t *others;    /* [limits] by the choice of all other slots */
    int64_t *limit;     /* [limits] */
    double *low, *high; /* [limits] prices within which no other slot chooses anything else */
    int64_t near[KNAPSACK_NEAR]; /* of all slots, by what the best option is ahead of the next */
    int64_t *value, *use[KNAPSACK_KINDS];
    int32_t *group[KNAPSACK_KINDS];
    uint32_t *allowed;
};

/**
 * What slots choose at the prices, and the core of it: the slots whose choice changes with the
 * smallest relative change of prices.
 *
 * Collective.
 * cells   in   without caps
 * price   in   [limits], choice, used, point: as in algorithms/knapsack_point.h
 * core    out  the caller clears it with knapsack_core_clear, also on failure
 * Cost: one pass; one reduction of the limits, and four of at most 512 KiB.
 * Memory: 8 bytes a slot; the cells of the core.
 * Errors: ERR_MEMORY.
 * Same slots for any number of ranks.
 * Source: Balas and Zemel 1980, Oper. Res. 28(5) (core of a knapsack problem).
 */
enum status knapsack_core_make(const struct comm *comm, const struct knapsack_cells *cells,
                               const struct knapsack_scale *scale, const int64_t *price,
                               uint8_t *choice, int64_t *used, struct knapsack_point *point,
                               struct knapsack_core *core);
/** Free; accepts a zeroed struct. Local. */
void knapsack_core_clear(struct knapsack_core *core);

/** The core's choice and uses to those of all slots. Local. */
void knapsack_core_give(const struct knapsack_core *core, uint8_t *choice, int64_t *used);

/** The temperature at which smoothing raises the dual of all slots by about `blur`. Local. */
double knapsack_core_temperature(const struct knapsack_core *core, double blur);

#endif
