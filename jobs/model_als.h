/**
 * Factors of users and items between tables and files: saved, and what they foretell of the pairs
 * of another table.
 *
 * A file holds the names of items, and for users only what stands for their names
 * (ratings_user); both are found again by name.
 */
#ifndef REMISE_JOBS_MODEL_ALS_H
#define REMISE_JOBS_MODEL_ALS_H

#include "algorithms/als.h"
#include "jobs/models.h"
#include "jobs/ratings.h"

/**
 * Save the model of these ratings.
 * Collective. names: columns of users and items. Errors: those of io/store.h.
 */
enum status model_als_write(const struct comm *comm, const char *path,
                            const struct ratings_names *names, const struct ratings *ratings,
                            const struct als_model *model);

#endif
