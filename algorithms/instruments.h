/**
 * Linear models with instruments, by two-stage least squares.
 *
 * Endogenous columns are first explained by the exogenous ones and the instruments; the outcome is
 * then explained by the exogenous columns and these fitted values, and its residuals are taken with
 * the endogenous columns themselves. Each stage is a fit by algorithms/least_squares.h,
 * so weights, absorbed effects and errors are as there. With more instruments than endogenous
 * columns it is tested whether the ones to spare explain the residuals.
 */
#ifndef REMISE_ALGORITHMS_INSTRUMENTS_H
#define REMISE_ALGORITHMS_INSTRUMENTS_H

#include "algorithms/least_squares.h"

enum instruments_role { ROLE_EXOGENOUS, ROLE_ENDOGENOUS, ROLE_INSTRUMENT };

struct instruments {
    /* Of the outcome; parameters are those of the design, instruments count as dropped. NULL where
     * there are fewer instruments than endogenous columns. */
    struct least_squares *fit;
    int64_t endogenous;
    int64_t *parameter;   /* [endogenous] number in the design */
    bool *unidentified;   /* [endogenous] what the instruments say of it others say too */
    bool identified;      /* no such one; otherwise fit and tests mean nothing */
    int64_t instruments;  /* not dropped */
    bool *explained;      /* [parameters] an instrument that others and exogenous columns explain */
    double *f;            /* [endogenous] of all instruments in the first stage, by the errors asked
                             for; NaN where those cannot tell */
    int64_t f_freedom;    /* denominator's: first stage's freedom, or clusters - 1 */
    double over;          /* over-identification: chi-squared; NaN without spare instruments */
    int64_t over_freedom; /* instruments - endogenous */
};

/**
 * Fit by two-stage least squares.
 *
 * Collective.
 * role     in   [parameters] of the design's columns; an intercept and absorbed effects are
 *               exogenous
 * options  in   as least_squares_fit takes them, of the design's parameters; score, late_count and
 *               residuals are not looked at
 * fit      out  new; the caller frees it with instruments_free; NULL unless OK
 * The F of an endogenous column is Wald's statistic of the instruments' coefficients over their
 * number, with the covariance asked for; classically the partial F. The test of over-identification
 * is Sargan's for classical errors, else the score test that allows for what the errors allow for
 * (Wooldridge 1995), both without factors for small samples.
 * Cost: a least squares fit for each endogenous column, one or two more, and copies of the columns.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG no endogenous column, or fewer instruments; those of least_squares_fit.
 */
enum status instruments_fit(const struct comm *comm, const struct design *design,
                            const enum instruments_role *role,
                            const struct least_squares_options *options, struct instruments **fit);
/** Free and null; accepts NULL inside. Local. */
void instruments_free(struct instruments **fit);

#endif
