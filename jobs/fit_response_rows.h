/**
 * What the response model says of every row of the table, at every level asked for, as a file.
 */
#ifndef REMISE_JOBS_FIT_RESPONSE_ROWS_H
#define REMISE_JOBS_FIT_RESPONSE_ROWS_H

#include "algorithms/calibration.h"
#include "jobs/fit_response_model.h"

struct fit_response_levels {
    int64_t count; /* 0: those of the table */
    double level[RESPONSE_LEVELS_MAX];
};

/* Of all rows, by the members together. */
struct fit_response_predictions {
    const struct fit_response_data *data;
    const struct fit_response_model *model;
    const struct calibration *calibration;
    struct fit_response_levels levels;
};

/**
 * The chance at each level, and the ends of its 90 % interval, of rows first .. first + count - 1.
 *
 * Local. The logit is the mean over the members, its error that of the members as a jackknife over
 * folds, with Student's t of folds - 1 degrees of freedom.
 * a, b                in   [folds][count] what each member says (fit_response_member)
 * chance, low, high   out  [count][levels.count]; low and high may be NULL
 */
void fit_response_predict(const struct fit_response_predictions *p, int64_t count, const float *a,
                          const float *b, double *chance, double *low, double *high);

/**
 * Write a file of all rows of the table: user and discount as they were, a and b of the
 * calibrated logit, then the chance at each level with its interval. Rows that were left out have
 * no values.
 *
 * Collective.
 * path  in  HDF5 where it ends in .h5, else CSV; appears when it is whole
 * Same bytes for any number of ranks. Memory: 8 bytes for each value of the rows owned.
 * Errors: ERR_WRITE, ERR_MEMORY.
 */
enum status fit_response_write(const struct comm *comm, const struct fit_response_source *source,
                               const struct fit_response_predictions *p, const char *path);

/** Share of rows, over all ranks, whose odds the highest level raises by less than 1 %. Collective.
 */
enum status fit_response_flat(const struct comm *comm, const struct fit_response_predictions *p,
                              double *share);

#endif
