/**
 * Columns brought to scales on which distances mean something, and back.
 *
 * z = (x / unit - mean) / divisor: columns about 0, either in their own deviations or all in one
 * unit. What was measured on the rows of a fit is applied to the rows of other tables, too.
 */
#ifndef REMISE_JOBS_FIT_SCALING_H
#define REMISE_JOBS_FIT_SCALING_H

#include "jobs/fit_matrix.h"

struct fit_scaling {
    int64_t columns;
    double *unit;    /* [columns] a power of two, which costs no bits */
    double *mean;    /* [columns] of x / unit */
    double *divisor; /* [columns]; 0 of a constant column in deviations, which becomes 0 */
    double whole;    /* the unit of z in that of the file, a power of two; 1 in deviations */
};

/** Make room for a scaling. Local. Free with fit_scaling_clear. Errors: ERR_MEMORY. */
enum status fit_scaling_alloc(struct fit_scaling *scaling, int64_t columns);
/** Free; accepts a zeroed struct. Local. */
void fit_scaling_clear(struct fit_scaling *scaling);

/**
 * Measure the columns of a matrix and bring it to scale.
 *
 * Collective. Warns of columns that decide nothing, or alone.
 * deviations  in   every column in its own deviations; else all in one unit
 * scaling     out  cleared by the caller, also on failure
 * Cost: two passes over the rows. Same bits for any number of ranks.
 * Errors: ERR_NUMERIC, ERR_MEMORY.
 */
enum status fit_scaling_measure(const struct comm *comm, bool deviations, struct fit_matrix *matrix,
                                struct fit_scaling *scaling);

/** Bring x [rows][columns] to scale. Local. */
void fit_scaling_apply(const struct fit_scaling *scaling, double *x, int64_t rows);

/** z of one value of column j. Local. */
double fit_scaling_one(const struct fit_scaling *scaling, int64_t j, double x);

/** Copy a scaling into one of as many columns. Local. */
void fit_scaling_copy(const struct fit_scaling *from, struct fit_scaling *to);

/** The value in the file of z in column j. Local. */
double fit_scaling_undo(const struct fit_scaling *scaling, int64_t j, double z);

#endif
