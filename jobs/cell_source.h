/**
 * Everything the cells of a run are made from, read from its folder and held together: the stages
 * and commands that look at cells open one source and ask its maker.
 */
#ifndef REMISE_JOBS_CELL_SOURCE_H
#define REMISE_JOBS_CELL_SOURCE_H

#include "jobs/cells.h"
#include "jobs/labels.h"

struct cell_source {
    struct dataset *dataset;
    struct candidates candidates;
    struct curves curves;
    struct demand demand;
    struct labels labels;
    struct reference reference;
    struct running running;
    double *lifetime; /* [users_local] as of maker.lifetime */
    struct cell_maker
        maker; /* borrows from the others: the source does not move while it is used */
};

/**
 * Read the run's data set, candidates, curves and what else its settings make cells of.
 *
 * Collective.
 * parts   in   of the data set (enum dataset_part); 0: products and blocks of users alone
 * source  out  clear with cell_source_close, also on failure
 * Errors: those of the readers; ERR_CONFIG as cell_maker_open.
 */
enum status cell_source_open(const struct comm *comm, const struct run *run, int parts,
                             struct cell_source *source);
/**
 * The same for one user alone, row 0 of it; no rows where the data set does not have the user.
 * Collective; every rank gets the same. Reads the products and what belongs to the user.
 */
enum status cell_source_open_user(const struct comm *comm, const struct run *run,
                                  struct user_key key, struct cell_source *source);
/** Free; accepts a zeroed struct. Local. */
void cell_source_close(struct cell_source *source);

#endif
