/**
 * What a network may know of users when it learns their labels: a row of numbers for each.
 */
#ifndef REMISE_JOBS_LABELS_ROWS_H
#define REMISE_JOBS_LABELS_ROWS_H

#include "algorithms/network.h"
#include "io/dataset.h"

enum { LABELS_PART_NONE = 3 }; /* a user without a label */

struct labels_rows {
    int64_t columns, stride;
    float *x;         /* [users_local][stride] features and attributes, standardised */
    float *y;         /* [users_local] labels, standardised; 0 without */
    uint8_t *part;    /* [users_local] enum network_part, or LABELS_PART_NONE */
    int64_t labelled; /* over all ranks */
    double mean, sd;  /* of the labels; sd 1 where all are alike */
};

/**
 * Make the rows of all local users.
 * Collective. Free with labels_rows_clear. Errors: ERR_DATA nobody is labelled; ERR_MEMORY.
 * Same bits for any number of ranks.
 */
enum status labels_rows_make(const struct comm *comm, const struct dataset *dataset,
                             struct labels_rows *rows);
/** Free; accepts a zeroed struct. Local. */
void labels_rows_clear(struct labels_rows *rows);

#endif
