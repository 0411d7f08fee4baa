/**
 * Groups that units of `remise fit shrink` lie in, and groups those lie in: the columns of
 * --within, from the inner one out.
 */
#ifndef REMISE_JOBS_FIT_SHRINK_GROUPS_H
#define REMISE_JOBS_FIT_SHRINK_GROUPS_H

#include "io/table.h"

enum { SHRINK_WITHIN = 6, SHRINK_GROUPS = 65536 };

struct fit_shrink_column {
    const char *name;        /* not owned */
    struct dictionary texts; /* of the groups, in sorted order */
    int32_t *code;           /* [rows of the table] group, -1 where missing */
    int64_t *parent;         /* [groups] in the next column; 0 for a group without rows; NULL for
                                the last: all */
    bool borrowed;           /* texts and code are the table's */
};

struct fit_shrink_groups {
    int64_t columns;
    struct fit_shrink_column column[SHRINK_WITHIN];
};

/**
 * Find the groups of each column, and in which group of the next each one lies.
 *
 * Collective.
 * names   in   [columns] in the table, from the inner one out; columns may be 0
 * use     in   [rows of the table] rows that count
 * groups  out  the caller clears it with fit_shrink_groups_clear, also on failure; borrows from the
 *              table
 * Cost: two reductions of 8 bytes a group; the distinct values of a column of numbers go to all.
 * Errors: ERR_DATA a group stands in two groups of the next column, which are named; more than
 *         SHRINK_GROUPS; ERR_MEMORY.
 */
enum status fit_shrink_groups_make(const struct comm *comm, const struct table *table,
                                   const char *const *names, int64_t columns, const bool *use,
                                   struct fit_shrink_groups *groups);
/** Free; accepts a zeroed struct. Local. */
void fit_shrink_groups_clear(struct fit_shrink_groups *groups);

#endif
