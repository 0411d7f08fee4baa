/**
 * Trees and forests between tables and files: saved with the levels of their texts, applied to
 * other tables.
 *
 * A saved forest holds its nodes tree after tree, so that a file can be read without this program:
 * at a node, row x goes to node left if x[feature] <= threshold, else to left + 1, counted from the
 * tree's first node; feature -1 marks a leaf, and value is its answer. A column of texts has its
 * levels and their numbers.
 */
#ifndef REMISE_JOBS_MODEL_FOREST_H
#define REMISE_JOBS_MODEL_FOREST_H

#include "jobs/fit_forest_data.h"
#include "jobs/models.h"

struct model_forest {
    struct forest *forest;
    struct dictionary *levels;    /* [columns] of columns of texts; count -1: numbers */
    int32_t **rank;               /* [columns] numbers of the levels; NULL: numbers */
    struct dictionary class_name; /* [classes] if they are texts */
    double *class_value;          /* [classes] if they are numbers, else NULL */
};

/**
 * Save a forest grown from this table. Collective.
 * Errors: those of io/store.h.
 */
enum status model_forest_write(const struct comm *comm, const char *path,
                               const struct fit_forest_data *data, const struct forest *forest);

#endif
