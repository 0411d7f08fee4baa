/**
 * The table of `remise fit response`: past offers of anybody, one in each row, as rows for a
 * response model.
 *
 * Features are numbers and texts, brought to comparable units; a text is a column for each of its
 * levels, a missing number is its column's mean and a mark in a column of its own. Weights are the
 * inverse of the propensities, made comparable within each level of the discount (their mean is 1
 * there), so that who got which discount no longer depends on who they are, and cut off at
 * RESPONSE_WEIGHT_MOST, so that no single offer decides.
 */
#ifndef REMISE_JOBS_FIT_RESPONSE_DATA_H
#define REMISE_JOBS_FIT_RESPONSE_DATA_H

#include "algorithms/dose.h"
#include "jobs/fit_table.h"

#define RESPONSE_WEIGHT_MOST 10.0f

enum { RESPONSE_LEVELS_MAX = 16 };

struct fit_response_source {
    const char *path;
    const char *user, *propensity;  /* NULL: each row is by itself; offers were made by lot */
    const char *discount, *outcome; /* columns of numbers */
    char **features;                /* [features_count] names; none: all other columns */
    int64_t features_count;
    bool percent; /* discounts are given in per cent */
};

struct fit_response_data {
    struct fit_table in;
    struct blocks blocks; /* of the complete rows: the table's less the others */
    int64_t left_out;     /* rows, over all ranks */
    int64_t *row;         /* [rows_local] places in the table */
    int64_t features;
    int64_t *feature;        /* [features] places in the table */
    int64_t columns, stride; /* of x, at least 1 */
    float *x;                /* [rows_local][stride] in standard deviations, about 0 */
    float *y, *dose;         /* [rows_local] */
    float *weight;           /* [rows_local] cut off; all 1 without propensities */
    float *inverse;          /* [rows_local] 1 / propensity over its level's mean; NULL without */
    uint64_t *user;          /* [rows_local] a number for each user */
    int64_t levels;          /* of the discount: all values, or their means in as many intervals */
    bool few;                /* these are all values */
    double level[RESPONSE_LEVELS_MAX];
    uint8_t *at;      /* [rows_local] level */
    int64_t cut_off;  /* weights, over all ranks */
    double effective; /* rows: (sum of weights)^2 / sum of squares */
    double largest;   /* weight before it is cut off */
};

/**
 * Read the table.
 *
 * Collective.
 * data  out  the caller clears it with fit_response_data_clear, also on failure
 * Rows without user, discount, outcome or propensity are left out; features may be missing.
 * Constant features, and texts with more levels than FIT_RESPONSE_TEXTS_MAX, are left out and
 * warned of.
 * Errors: ERR_DATA a column is missing or text, an outcome is not 0 or 1, a discount not in 0 .. 1,
 *         a propensity not in 0 .. 1 without 0, all outcomes or discounts are alike; ERR_NO_INPUT;
 *         ERR_MEMORY.
 * Same bits for any number of ranks.
 */
enum status fit_response_data_read(const struct comm *comm,
                                   const struct fit_response_source *source,
                                   struct fit_response_data *data);
/** Free; accepts a zeroed struct. Local. */
void fit_response_data_clear(struct fit_response_data *data);

enum { FIT_RESPONSE_TEXTS_MAX = 64 };

/** Where a dose may bend: at the levels above the lowest. Local. */
struct dose_shape fit_response_knots(const struct fit_response_data *data);

#endif
