/**
 * The table of `remise fit mlp` and its like as rows for a network: columns chosen, parts dealt,
 * units made comparable.
 */
#ifndef REMISE_JOBS_FIT_NETWORK_DATA_H
#define REMISE_JOBS_FIT_NETWORK_DATA_H

#include "jobs/model_network.h"

enum { PART_NONE = 3 }; /* a row with a missing value: in no part */

struct fit_network_source {
    const char *path;
    const char *target;
    char **names; /* [names_count] input columns; none: all numbers but the target */
    int64_t names_count;
    int64_t channels;     /* values of each step of a sequence; 0: plain numbers, no sequence */
    int64_t codes;        /* inputs are whole numbers from 0 to codes - 1; 0: any numbers */
    const char *sequence; /* without names the columns SEQUENCE_0, SEQUENCE_1, ... */
    enum loss loss;
    double validation, test; /* shares of the rows */
    bool standardize;
    uint64_t seed;
    bool tower; /* a sequence, and the plain columns `names` (none: all other numbers) behind it */
    const struct model_network *from; /* columns, shape and scales are its; NULL: as said here */
};

struct fit_network_data {
    struct fit_table in;         /* names; its numbers are freed */
    const struct blocks *blocks; /* of in.table */
    int64_t columns;             /* inputs */
    struct layer_shape shape;    /* of a row: the inputs step by step; plain numbers are one step */
    int64_t plain;               /* inputs behind the sequence of a tower; 0: none */
    struct fit_scaling scaling;  /* of the inputs and the target, the last one */
    int64_t *source;    /* [columns + 1] their places in the table; the target is the last one */
    float *x;           /* [rows_local][columns] */
    float *y;           /* [rows_local] */
    uint8_t *part;      /* [rows_local] enum network_part or PART_NONE */
    double target_unit; /* of y in the target's own units; 1 where it is not standardised */
    int64_t rows[PART_NONE + 1]; /* of each part, over all ranks */
    const char *outcome[2]; /* a text target's values for 0 and 1, of in; NULL: it is a number */
};

/**
 * Read a table and make it ready to train on.
 *
 * Collective. data out; the caller clears it with fit_network_data_clear, also on failure. Means
 * and deviations are those of the training rows, of sequences over all steps of a channel; a target
 * that is no chance is standardised, too, and codes are left as they are. Rows with a missing value
 * are in no part. Under LOSS_BCE a target of two texts is taken as 0 and 1, in sorted order.
 * Errors: as table_read; ERR_DATA a sequence lacks a column or ends within a step, a column is
 *         text, the target is unknown, or not 0 or 1 under LOSS_BCE, a code is none, no row is
 *         complete or left to train on, a value is beyond float32; ERR_MEMORY.
 * Same bits for any number of ranks.
 */
enum status fit_network_data_read(const struct comm *comm, const struct fit_network_source *source,
                                  struct fit_network_data *data);
/** Free; accepts a zeroed struct. Local. */
void fit_network_data_clear(struct fit_network_data *data);

/** Name of input column j; borrowed. Local. */
const char *fit_network_data_name(const struct fit_network_data *data, int64_t j);

#endif
