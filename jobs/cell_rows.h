/**
 * Rows of a table of cells on the way to the ranks of their slots: slots are known by hashes of
 * user and slot, a user's slots stand together on one rank, a slot's rows in the order of the
 * table.
 */
#ifndef REMISE_JOBS_CELL_ROWS_H
#define REMISE_JOBS_CELL_ROWS_H

#include "algorithms/knapsack.h"
#include "jobs/cell_groups.h"
#include "jobs/fit_table.h"

/* Words of a row: hashes of its user and, within the user, of its slot; its number in the table;
 * its value; then group and use of each constraint. */
enum { ROW_USER, ROW_SLOT = 2, ROW_NUMBER, ROW_VALUE, ROW_USES };

struct cell_columns {
    const struct fit_table *table;
    const struct table_column *user, *slot, *value; /* slot NULL: a user is one slot */
    int64_t constraints;
    const struct table_column *use[KNAPSACK_KINDS], *per[KNAPSACK_KINDS]; /* per NULL: none */
    const struct cell_groups *group;                                      /* [constraints] of per */
    double value_unit;
    const double *use_unit; /* [constraints] below 0: uses change their sign */
};

struct cell_rows {
    int64_t count, words;
    int64_t *word; /* [count][words] by user, slot, number */
};

/** Group and use of constraint c in a row's words. Local. */
static inline int64_t row_group(const int64_t *word, int64_t c)
{
    return word[ROW_USES + 2 * c];
}
static inline int64_t row_use(const int64_t *word, int64_t c)
{
    return word[ROW_USES + 2 * c + 1];
}

/**
 * Bring the rows of every slot to one rank, in order.
 *
 * Collective.
 * rows  out  the caller frees rows->word
 * Cost: one exchange and one sort.
 * Memory: three times 40 + 16 constraints bytes a row.
 * Same rows in all, and the same order, for any number of ranks.
 * Errors: ERR_DATA a row without user, slot, value or use (named); ERR_MEMORY.
 */
enum status cell_rows_bring(const struct comm *comm, const struct cell_columns *columns,
                            struct cell_rows *rows);

/** A number in units, to the nearest. Local. */
int64_t cell_units(double x, double unit);

/** A use in units, rounded up, so that what fits in units fits. Local. */
int64_t cell_units_up(double x, double unit);

/** A limit in units, rounded down. Local. */
int64_t cell_units_down(double x, double unit);

#endif
