/**
 * The allocation problem of a run in the solver's integers: every candidate's cells, what they use,
 * and the limits.
 *
 * `allocate` makes and solves it, choices.h5 keeps it, and publish, why, verify and the dial read
 * it there. A measure is something that options use (cost, purchases, a change against yesterday);
 * a kind is one limit on a measure, or one for each group of slots. Kinds may share a measure,
 * which is stored once. Limits are numbered kind by kind, as in algorithms/knapsack.h.
 */
#ifndef REMISE_JOBS_PROBLEM_H
#define REMISE_JOBS_PROBLEM_H

#include "algorithms/knapsack.h"
#include "io/store.h"
#include "jobs/cells.h"
#include "jobs/run.h"

/* Something that options use. */
struct problem_measure {
    char *name;      /* "cost", "purchases", "changed", "-(profit - 1.5 * cost)" */
    double unit;     /* what 1 stands for: 1e-4 */
    char *unit_name; /* of what: "currency", "purchases", "rows" */
    int64_t *use;    /* [slots_local][levels] */
};

/* One limit, or one for each group of slots. */
struct problem_kind {
    char *name;  /* as the receipt shows it: "budget", "cost per category" */
    char *rule;  /* the policy it belongs to: budget, limit, stock, ratio, fairness, churn, floor */
    int measure; /* place among the measures */
    bool at_least;  /* the measure is the negative of what the name says, so that <= holds; limit,
                      used and price are shown with the sign turned back */
    int64_t groups; /* at least 1 */
    int32_t *group; /* [slots_local] -1: none; NULL: one group of all */
    struct dictionary names; /* of groups; count 0 where group is NULL */
    int64_t *limit;          /* [groups] units of the measure */
};

/* A limit that each user has for its own rows. */
struct problem_cap {
    char *name; /* as the receipt shows it: "discounts per user" */
    char *rule; /* the setting it comes from, without "allocate." */
    int measure;
    int64_t *limit; /* [users_local] units of the measure, KNAPSACK_FREE: none */
};

struct problem {
    struct blocks blocks; /* rows are slots: user x slots + slot, those without a candidate too */
    int levels;
    double level[CELL_LEVELS]; /* discounts, ascending, the first is 0 */
    bool rough;                /* only asked about: as in algorithms/knapsack.h */
    int64_t *value;            /* [slots_local][levels] 1/10,000 of the currency */
    uint32_t *allowed;         /* [slots_local] bit k: level k may be chosen */
    int measures, kinds;
    struct problem_measure measure[KNAPSACK_KINDS];
    struct problem_kind kind[KNAPSACK_KINDS];
    int caps;
    struct problem_cap cap[KNAPSACK_CAPS];
    int64_t users_local; /* where there are caps: users with rows here */
    int64_t *user_start; /* [users_local + 1] first row of each; then all rows */
};

/**
 * Make the problem of a run: the budget, and what else the settings limit.
 *
 * Collective.
 * maker    in   open, with labels and cross elasticities where they belong
 * problem  out  the caller clears it with problem_clear, also on failure
 * Memory: 8 bytes x slots x levels x (1 + measures), and 4 x slots for each kind with groups; said
 *         by log_need.
 * Errors: ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status problem_make(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset, const struct cell_maker *maker,
                         struct problem *problem);

/**
 * Add a measure, with room for its uses where blocks and levels are known already.
 * Local. measure out: its place. Errors: ERR_CONFIG there are too many; ERR_MEMORY.
 */
enum status problem_add_measure(struct problem *problem, const char *name, double unit,
                                const char *unit_name, int *measure);

/**
 * Add a kind with `groups` limits, all KNAPSACK_FREE.
 * Local. kind out: borrowed; the caller fills group, names and limit. Errors: as above.
 */
enum status problem_add_kind(struct problem *problem, const char *name, const char *rule,
                             int measure, int64_t groups, struct problem_kind **kind);

/**
 * Add a cap; users are there.
 * Local. limit out: [users_local] borrowed, all KNAPSACK_FREE. Errors: as above.
 */
enum status problem_add_cap(struct problem *problem, const char *name, const char *rule,
                            int measure, int64_t **limit);

/** Users with as many rows each, before the caps. Local. Errors: ERR_MEMORY. */
enum status problem_set_users(struct problem *problem, int64_t users, int64_t slots);

/**
 * The caps of other rows in place of those there are.
 *
 * Local.
 * from  in     may be `to`
 * user  in     [rows] the local user of `from` that each row of `to` belongs to, those of one user
 *              together
 * Errors: ERR_MEMORY.
 */
enum status problem_pick_caps(const struct problem *from, const int64_t *user, int64_t rows,
                              struct problem *to);

/** For a file: of each row the rows of its user before it. Local. */
void problem_list_places(const struct problem *problem, int32_t *place);
/** Likewise of each row the limit of its user. Local. */
void problem_list_limits(const struct problem *problem, int cap, int64_t *limit);

/** The local user of a row, where there are caps. Local. Cost: O(log users). */
int64_t problem_user_of(const struct problem *problem, int64_t row);

/** Free the caps alone. Local. */
void problem_clear_caps(struct problem *problem);

/** The problem as the solver takes it; borrows everything. Local. */
void problem_cells(const struct problem *problem, struct knapsack_cells *cells);

/** Blocks whose rows are the slots of the users of `users`. Local. Free with blocks_clear. */
enum status problem_blocks(const struct blocks *users, int64_t slots, struct blocks *blocks);

/** Free; accepts a zeroed struct. Local. */
void problem_clear(struct problem *problem);

/**
 * Write cells, measures, kinds and limits into a file.
 * Collective; each rank its own rows.
 * Errors: those of store_write.
 */
enum status problem_write(const struct comm *comm, struct store *store,
                          const struct problem *problem);

/**
 * Read them: of the cells this rank's rows.
 *
 * Collective.
 * rows     in   which rows are whose; copied
 * problem  out  the caller clears it with problem_clear, also on failure
 * Errors: those of store_read; ERR_IO more measures or kinds than there can be.
 */
enum status problem_read(const struct comm *comm, const struct store *store,
                         const struct blocks *rows, struct problem *problem);

#endif
