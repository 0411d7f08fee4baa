/**
 * Limits per user of a table of cells (`cost <= 10 per user`): what the users make of them, and who
 * cannot keep them. They are caps of the solver, as many as users, and have no prices.
 */
#ifndef REMISE_JOBS_TABLE_USERS_H
#define REMISE_JOBS_TABLE_USERS_H

#include "jobs/cell_table.h"

/* Of one of them, over all ranks, in its units and as <=. */
struct table_cap {
    int64_t users;
    int64_t used;     /* by the user nearest to the limit, or farthest beyond */
    int64_t at_limit; /* users of whom no slot could use more */
};

/** Look at the choice. Collective. cap out [cells->cells.caps] */
void table_users_look(const struct comm *comm, const struct cell_table *cells,
                      const uint8_t *choice, struct table_cap *cap);

/**
 * After the solver found no choice: name a user who cannot keep its limits, if there is one.
 * Collective. Returns OK where every user can; else ERR_NUMERIC with the table's row; ERR_MEMORY.
 */
enum status table_users_refuse(const struct comm *comm, const struct cell_table *cells,
                               const struct constraint *constraint);

#endif
