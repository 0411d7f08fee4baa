/**
 * What all users together do at each level of the discount; errors do not trust the model.
 *
 * The mean of the curves, out of fold, is corrected by what they leave of the outcomes. With
 * propensities that is the doubly robust estimate: it is right if the propensities are, whatever
 * the model. Without them the correction is a curve of the dose added to every logit (a fluctuation
 * as in targeted learning): right if the features say who got which discount. Its errors are those
 * of influence functions, summed over users.
 */
#ifndef REMISE_JOBS_FIT_RESPONSE_AVERAGE_H
#define REMISE_JOBS_FIT_RESPONSE_AVERAGE_H

#include "algorithms/calibration.h"
#include "jobs/fit_response_model.h"

struct fit_response_average {
    bool doubly_robust;
    int64_t levels;
    int64_t rows[RESPONSE_LEVELS_MAX];    /* with this discount */
    double observed[RESPONSE_LEVELS_MAX]; /* plain mean of their outcomes */
    double model[RESPONSE_LEVELS_MAX];    /* mean of the curves over all rows */
    double estimate[RESPONSE_LEVELS_MAX]; /* corrected; errors and intervals are its own */
    double chance[RESPONSE_LEVELS_MAX];   /* the same, made to rise */
    double std_error[RESPONSE_LEVELS_MAX];
    double effect[RESPONSE_LEVELS_MAX]; /* estimate less that at the lowest level */
    double effect_error[RESPONSE_LEVELS_MAX];
};

/* What the rows say of themselves; borrowed. */
struct fit_response_honest {
    const struct fit_response_data *data;
    const struct fit_response_model *model;
    const struct calibration_check *check;
    const uint8_t *half; /* [rows_local] 0 or 1: judged by the calibration of the other */
    uint64_t seed;
};

/** The chance of row i at a dose by what has not seen the row. Local. */
double fit_response_honest_chance(const struct fit_response_honest *honest, int64_t i, double dose);

/**
 * Estimate the average curve.
 * Collective. Cost: some 15 passes over rows and levels. Same bits for any number of ranks.
 * Errors: ERR_MEMORY, ERR_NUMERIC.
 */
enum status fit_response_average(const struct comm *comm, const struct fit_response_honest *honest,
                                 struct fit_response_average *average);

#endif
