/**
 * A table of cells, one row for each option of each slot, brought together slot by slot: what
 * `remise allocate FILE` chooses from.
 *
 * Rows may come in any order. A slot is known by its user and its name; its options keep the order
 * of their rows. Numbers become integers of a unit that suits the column: a power of ten, as small
 * as sums allow.
 */
#ifndef REMISE_JOBS_CELL_TABLE_H
#define REMISE_JOBS_CELL_TABLE_H

#include "algorithms/knapsack.h"
#include "jobs/cell_groups.h"
#include "jobs/constraint.h"
#include "jobs/fit_table.h"

/* Columns by name. */
struct cell_names {
    const char *user, *slot; /* slot NULL: a user is one slot */
    const char *option;      /* NULL: options are numbered from 1 */
    const char *value;
};

struct cell_table {
    struct blocks blocks; /* rows are slots, in an order of their own */
    struct knapsack_cells cells;
    int64_t constraints;
    double value_unit, *use_unit; /* what 1 stands for; use_unit [constraints] */
    bool is_cap[KNAPSACK_KINDS];  /* [constraints] a limit per user, as a cap of the solver */
    int place[KNAPSACK_KINDS];    /* [constraints] among the caps, or the kinds */
    struct cell_groups *group;    /* [constraints] values of `per` columns; zeros: none, or a cap */
    int64_t *row;                 /* [slots][options] number of the row, -1: no such option */
    int64_t options_total;        /* rows in all */
    /* owned arrays behind cells */
    int64_t *value, **use, **limit; /* limit[c] of groups or, of a cap, of local users */
    int64_t *user_start;
    int32_t **slot_group;
    uint32_t *allowed;
};

/**
 * Make it.
 *
 * Collective.
 * constraint  in   [constraints] at most KNAPSACK_KINDS; those of >= are kept as <= of the negative
 * cells       out  the caller clears it with cell_table_clear, also on failure
 * The first KNAPSACK_CAPS constraints `per` the column of users become caps, of which there may be
 * any number of users; further ones are kinds with a limit for each user.
 * Memory: twice 8 bytes a row and column, and 8 a cell.
 * Same order for any number of ranks.
 * Errors: ERR_DATA a column is missing or no number, a cell has no value, a slot has more than
 *         KNAPSACK_OPTIONS options or lies in two groups, with the row; ERR_ARG too many
 *         constraints; ERR_MEMORY.
 */
enum status cell_table_make(const struct comm *comm, const struct fit_table *table,
                            const struct cell_names *names, const struct constraint *constraint,
                            int64_t constraints, struct cell_table *cells);
/** The number of a constraint's first limit, as of prices; not of a cap. Local. */
int64_t cell_table_first(const struct cell_table *cells, int64_t constraint);

/** So many units as a number, the nearest to the decimals it is. unit in sign as in use_unit */
double cell_amount(int64_t units, double unit);

/** Free; accepts a zeroed struct. Local. */
void cell_table_clear(struct cell_table *cells);

#endif
