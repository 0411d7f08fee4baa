/**
 * The table of `remise fit tree` and `remise fit forest`: columns chosen, texts brought in order,
 * rows dealt to training and test, values cut into bins.
 *
 * A column of texts becomes numbers by the target: its levels in order of the target's mean over
 * the training rows (for classes, of the share of the second class, or of the most frequent one if
 * there are more than two), from 0 up. A question then cuts the levels into those of a lower and
 * those of a higher mean, which for values and two classes is the best way to cut them in two at
 * the root (Fisher 1958; Breiman et al. 1984, 4.2). Levels without a training row count as missing.
 */
#ifndef REMISE_JOBS_FIT_FOREST_DATA_H
#define REMISE_JOBS_FIT_FOREST_DATA_H

#include "algorithms/forest.h"
#include "jobs/fit_table.h"

enum fit_forest_part { FOREST_TRAIN = 0, FOREST_TEST = 1, FOREST_NONE = 2 };

struct fit_forest_source {
    const char *path;
    const char *target;
    char **names; /* [names_count] input columns; none: all numbers but the target */
    int64_t names_count;
    bool classify; /* a target of numbers is one of classes; a target of texts always is */
    double test;   /* share of the rows */
    int64_t bins;
    uint64_t seed;
};

struct fit_forest_data {
    struct fit_table in;
    const struct blocks *blocks; /* of in.table */
    int64_t columns;
    int64_t *source; /* [columns + 1] places in the table; the target is the last one */
    int32_t **rank;  /* [columns] of a column of texts: [levels] its place in order, -1 without a
                           training row; NULL for numbers */
    float *x;        /* [rows_local][columns] */
    double *value;   /* [rows_local] targets; 0 where there is none. NULL for classes */
    int32_t *label;  /* [rows_local] classes; 0 where there is none. NULL for values */
    int64_t classes; /* 0: values */
    double *class_value; /* [classes] numbers that are the classes; NULL: the target's levels */
    uint8_t *part;       /* [rows_local] enum fit_forest_part */
    int64_t rows[FOREST_NONE + 1]; /* of each part, over all ranks */
    struct bins *bins;
    uint8_t *code;
};

/**
 * Read a table and make it ready to grow trees from.
 *
 * Collective. data out; the caller clears it with fit_forest_data_clear, also on failure. Rows
 * without a target are in no part; bins are those of the training rows.
 * Errors: as table_read; ERR_DATA the target is unknown, there is no column, a value is beyond
 *         float32, no row has a target or is left to train on, there is one class or more than
 *         FOREST_CLASSES_MAX; ERR_MEMORY.
 * Same bits for any number of ranks.
 */
enum status fit_forest_data_read(const struct comm *comm, const struct fit_forest_source *source,
                                 struct fit_forest_data *data);
/** Free; accepts a zeroed struct. Local. */
void fit_forest_data_clear(struct fit_forest_data *data);

/** Name of column j, or of the target for j == columns; borrowed. Local. */
const char *fit_forest_data_name(const struct fit_forest_data *data, int64_t j);

/** What a forest is grown from: the training rows. Local. */
struct forest_data fit_forest_data_training(const struct fit_forest_data *data);

/** The level of a column of texts at a place in order, NULL if j holds numbers. Local. */
const char *fit_forest_data_level(const struct fit_forest_data *data, int64_t j, int64_t place);

#endif
