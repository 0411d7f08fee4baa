/**
 * What the ways to a choice have in common: the problem, the prices and the choice there are, and
 * the last part of each way. Part of algorithms/knapsack.h.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_SOLVER_H
#define REMISE_ALGORITHMS_KNAPSACK_SOLVER_H

#include "algorithms/knapsack_core.h"

/* Beyond this gap, prices that were given are forgotten, settled or not. */
#define KNAPSACK_GAP_ANEW 5e-3

struct knapsack_solver {
    const struct knapsack_cells *cells; /* as they are, or `capped` */
    struct knapsack_cells capped;       /* without options that caps rule out */
    uint32_t *allowed;
    struct knapsack_scale scale;
    int64_t lowest; /* sum over slots of their least value: a bound below it is a contradiction */
    int64_t limits;
    double passes;
    struct knapsack_core core; /* where there are no caps, at the prices looked at last */
    /* the caller's, not owned */
    int64_t *price;  /* [limits] */
    uint8_t *choice; /* [rows_local] */
    int64_t *used;   /* [limits] */
    struct knapsack_receipt *receipt;
};

/**
 * What slots choose at the prices, and the core of it where there are no caps: one iteration and a
 * pass. Collective. point out. Errors: ERR_MEMORY; those of knapsack_at_prices.
 */
enum status knapsack_solver_look(const struct comm *comm, struct knapsack_solver *s,
                                 struct knapsack_point *point);

/**
 * The same once more, not counted as an iteration, without caps.
 * Collective. point out. Errors: ERR_MEMORY.
 */
enum status knapsack_solver_renew_core(const struct comm *comm, struct knapsack_solver *s,
                                       struct knapsack_point *point);

/**
 * Lower the bound of users with caps by steps from the choice at the prices; arguments as in
 * algorithms/knapsack_settle.h. Each step tried is an iteration and a pass.
 * Collective. Errors: ERR_MEMORY; those of knapsack_at_prices.
 */
enum status knapsack_solver_lower(const struct comm *comm, struct knapsack_solver *s,
                                  struct knapsack_smooth *smooth, int steps, double wasted,
                                  struct knapsack_reached *at);

/**
 * From what slots choose at the prices to a choice that keeps all limits. Where slots are few for
 * the limits of a kind, these are kept in whole options; else, or where that finds no choice, or
 * none near the bound, by moves of single slots. receipt->upper_bound may become less.
 * Collective. holds out: all limits do. Errors: ERR_MEMORY.
 */
enum status knapsack_solver_finish(const struct comm *comm, struct knapsack_solver *s, bool *holds);

/** (bound - objective) / max(1, |objective|). Local. */
double knapsack_solver_gap(int64_t bound, int64_t objective);

/** That of the choice there is; sets `used`. Collective. */
double knapsack_solver_gap_now(const struct comm *comm, struct knapsack_solver *s);

#endif
