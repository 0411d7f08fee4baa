/**
 * Direct mode: discounts that the shop chose by hand for some users, learned as a function of what
 * is known of users, and foretold for everybody.
 *
 * A network (respond.label_layers, mean squared error) sees the features of the profile and the
 * users' attributes; one user in ten is kept back to say how good it is, another one to say when to
 * stop. Where there are labels, allocate no longer asks what a discount brings, but how near it is
 * to the one foretold; budget and margin floor hold as ever, and what the table is expected to
 * bring is still told by the curves.
 */
#ifndef REMISE_JOBS_LABELS_H
#define REMISE_JOBS_LABELS_H

#include "io/dataset.h"
#include "jobs/cells.h"
#include "jobs/run.h"

#include <jansson.h>

/* How many users were labelled, and how well labels are foretold. */
struct labels_facts {
    int64_t users;
    double sd;       /* of the labels */
    double rmse;     /* of users kept back; NaN where there are none */
    double rmse_fit; /* of those learned from */
};

struct labels {
    float *discount; /* [users_local] foretold, in [0, 1) */
    struct labels_facts facts;
};

/**
 * Learn the labels and write labels.h5; without labels remove it.
 *
 * Collective. dataset has users and events.
 * Memory: 4 bytes for each feature and attribute (each level of a text) of the local users.
 * Same bytes for any number of ranks.
 * Errors: ERR_DATA no user of the data set is labelled; those of network_fit; ERR_WRITE;
 *         ERR_MEMORY.
 */
enum status labels_learn(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset);

/**
 * Read what was foretold, and let the cells be worth their nearness to it, where the configuration
 * has labels; else everything stays as it is.
 * Collective. labels out; free with labels_clear; maker borrows from it.
 */
enum status labels_open(const struct comm *comm, const struct run *run, const struct blocks *blocks,
                        struct labels *labels, struct cell_maker *maker);
/** Free; accepts a zeroed struct. Local. */
void labels_clear(struct labels *labels);

/**
 * The facts for the receipt, null where fewer than min_users users are labelled. Local.
 * Returns NULL where there is no memory.
 */
json_t *labels_json(const struct labels *labels, int64_t min_users);

#endif
