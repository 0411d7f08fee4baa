/**
 * `remise fit shrink` between the table and the result: the rows of each unit, its own regression,
 * and what becomes of its coefficient beside all others.
 */
#ifndef REMISE_JOBS_FIT_SHRINK_UNITS_H
#define REMISE_JOBS_FIT_SHRINK_UNITS_H

#include "algorithms/joint_unit.h"
#include "algorithms/shrink.h"
#include "algorithms/unit_regression.h"
#include "algorithms/variance_prior.h"
#include "io/table.h"
#include "jobs/fit_shrink_groups.h"
#include "jobs/formula_design.h"

struct fit_shrink_options {
    const char *file;
    const char *text; /* formula */
    struct formula *formula;
    const char *by, *coefficient, *out; /* out: NULL for no table */
    const char *weights;                /* column; NULL: all 1 */
    char *groups;                       /* as --within names them; `within` borrows from it */
    char **within;        /* [within_count] columns of groups, from the inner one out */
    int64_t within_count; /* at most SHRINK_WITHIN */
    int64_t train_rows;   /* 0: all */
    int sign;             /* of the coefficient where known: -1, 1; 0: unknown */
    bool joint;           /* all slopes are shrunk together */
    bool partial;         /* units that tell the coefficient but not all terms count, too */
};

enum predictor { PREDICT_UNIT, PREDICT_POOLED, PREDICT_SHRUNK, PREDICTORS };

/* How the slopes of units in a group differ together, with --joint. */
struct fit_shrink_slopes {
    int64_t columns;               /* 0 without */
    int64_t column[JOINT_COLUMNS]; /* of the design */
    double mean[JOINT_COLUMNS];    /* of all */
    double spread[JOINT_SQUARE];   /* [columns][columns] covariance */
};

/* Units are this rank's, in the order of their values in the `by` column. */
struct fit_shrink {
    struct unit_statistics statistics;
    struct fit_shrink_groups groups;
    struct unit_regression *regression;
    int64_t wanted; /* column of the coefficient */
    struct variance_prior variance;
    int64_t levels;                               /* of groups, the last of which is all */
    struct shrink_level level[SHRINK_WITHIN + 1]; /* [levels] */
    struct shrink_prior prior;                    /* of a unit of no known group */
    double *std_error; /* [units] of the estimates; NaN where there is none, or it does not count */
    double *shrunk, *shrunk_sd; /* [units] posterior, cut off where the sign is known */
    double *slope;              /* [units][columns] posterior means with --joint, else NULL */
    struct fit_shrink_slopes joint;
    double *share;        /* [units] of the posterior before that has the sign */
    int64_t *group;       /* [units] on level 0 */
    int32_t *shrunk_to;   /* [units] the lowest level whose group has estimates */
    bool *weak;           /* [units] see fit_shrink_make */
    int64_t without_unit; /* rows left out for a missing value of `by`, over all ranks */
    int64_t own;          /* units with a regression of their own in full, over all ranks */
    int64_t told;         /* units whose estimate counts */
    int64_t in_part;      /* units that tell the coefficient but not all terms */
    int64_t weak_units;
    int64_t positive[PREDICTORS];
    int64_t train_rows, test_rows;
    double mean_shrunk, mean_share; /* over the units of all ranks */
    double rmse[PREDICTORS];        /* NaN without test rows */
};

/**
 * Bring units together, fit and shrink.
 *
 * Collective.
 * fit  out  the caller clears it with fit_shrink_clear, also on failure
 * A unit is weak if what is in common weighs more than its own rows, or two standard deviations of
 * its posterior hold zero.
 * Errors: ERR_USAGE the coefficient is no term; ERR_DATA it varies within no unit, no row has a
 *         unit, no unit has more rows than coefficients, a unit or group stands in two groups;
 *         ERR_MEMORY, ERR_WRITE, ERR_IO.
 */
enum status fit_shrink_make(const struct comm *comm, const struct fit_shrink_options *opt,
                            const struct table *table, const struct formula_design *made,
                            struct fit_shrink *fit);
/** Free; accepts a zeroed struct. Local. */
void fit_shrink_clear(struct fit_shrink *fit);

/**
 * The moments of the units, and the groups they lie in: the first part of fit_shrink_make.
 * Collective. Errors: as there.
 */
enum status fit_shrink_sum_up(const struct comm *comm, const struct fit_shrink_options *opt,
                              const struct table *table, const struct formula_design *made,
                              struct fit_shrink *fit);

/** Whether a unit tells as many slopes as all units together. Local. */
bool fit_shrink_is_own(const struct fit_shrink *fit, int64_t unit);

/** The value of the `by` column behind a key, where it holds numbers. Local. */
double fit_shrink_number(uint64_t key);

#endif
