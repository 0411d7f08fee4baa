/**
 * The products that matter to recommending: those that may be offered or were dealt with.
 *
 * Catalogues name many more. As panels hold a score for each product, the others are taken out of
 * the data set before anything is scored, and come back in the numbers of the candidates.
 */
#ifndef REMISE_JOBS_RECOMMEND_SHELF_H
#define REMISE_JOBS_RECOMMEND_SHELF_H

#include "io/dataset.h"
#include "jobs/candidates.h"
#include "jobs/config.h"

struct recommend_shelf {
    int64_t count;
    int32_t *product; /* [count] rising; what each was in the data set before */
};

/**
 * Keep of products and of the events' references to them what matters.
 * Collective. Free with recommend_shelf_clear.
 * dataset  in out  products numbered anew, in the same order
 * Same shelf for any number of ranks. Errors: ERR_MEMORY.
 */
enum status recommend_shelf_make(const struct comm *comm, const struct config *config,
                                 struct dataset *dataset, struct recommend_shelf *shelf);

/** Give candidates the numbers that products had before. Local. */
void recommend_shelf_return(const struct recommend_shelf *shelf, int64_t users,
                            struct candidates *candidates);

/** Free; accepts a zeroed struct. Local. */
void recommend_shelf_clear(struct recommend_shelf *shelf);

#endif
