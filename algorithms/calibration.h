/**
 * Response curves that say what they mean: a map from the curves a model drew to chances that
 * outcomes it has not seen bear out.
 *
 * P(d) = sigmoid(a + b d) becomes sigmoid(shift + scale_a a + scale_b b d), both scales >= 0. The
 * form of the curves stays (a' = shift + scale_a a, b' = scale_b b), they rise with the dose as
 * before, and errors of a and b are scaled along; how far users lie apart and how steep curves are
 * is corrected each by itself, which one scale for both (Platt 1999) cannot. Where it is allowed,
 * the dose is then bent, P(d) = sigmoid(shift + scale_a a + scale_b b g(d)), and the chance mapped
 * by an isotonic function of the new logit. Each step is taken where it helps: halves of the rows
 * are each judged by the fit of the other, and a step that does not lower their log loss beyond its
 * standard error is left out.
 */
#ifndef REMISE_ALGORITHMS_CALIBRATION_H
#define REMISE_ALGORITHMS_CALIBRATION_H

#include "algorithms/dose.h"
#include "algorithms/isotonic.h"

enum calibration_step {
    CALIBRATION_NONE,
    CALIBRATION_LOGIT,
    CALIBRATION_DOSE,
    CALIBRATION_ISOTONIC,
    CALIBRATION_STEPS
};

struct calibration_options {
    bool none;               /* everything stays as it is; only the losses are measured */
    bool isotonic;           /* an isotonic map may be taken */
    struct dose_shape knots; /* where the dose may be bent (values are not read); fewer than two: no
                                bend */
};

/* Predictions for rows that the model was not fitted to. Borrowed, of [blocks->rows_local]. */
struct calibration_rows {
    const struct blocks *blocks;
    const float *a, *b, *dose; /* finite, b and dose >= 0 */
    const float *y;            /* from 0 to 1 */
    const float *weight;       /* >= 0; NULL: 1 each */
    const uint8_t *half;       /* 0 or 1, by what rows may depend on (users); else no row to use */
};

struct calibration {
    bool taken[CALIBRATION_STEPS];
    double shift, scale_a, scale_b;
    struct dose_shape shape;
    struct isotonic map; /* of the new logit; without knots it is no map */
};

/* What the halves said of each step, on top of those taken before it; 0 where none was allowed. */
struct calibration_check {
    double loss[CALIBRATION_STEPS];       /* log loss with it */
    double gain[CALIBRATION_STEPS];       /* by which it is lower than without */
    double gain_error[CALIBRATION_STEPS]; /* standard error */
    /* the steps taken, fitted to the rows of half 0 and 1: honest for those of the other half */
    struct calibration half[2];
};

/** What changes nothing. Local. */
void calibration_init(struct calibration *calibration);

/**
 * Find what helps.
 *
 * Collective.
 * check  out  may be NULL; free with calibration_check_clear
 * Memory: 100 bytes a row with opt->isotonic, else 1.
 * Cost: about 20 passes, 30 more with knots; with opt->isotonic three sorts of the rows over the
 *       ranks.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a value of a row is not finite; ERR_MEMORY. Halves without rows or without
 *         both outcomes leave everything as it is.
 */
enum status calibration_fit(const struct comm *comm, const struct calibration_rows *rows,
                            const struct calibration_options *opt, struct calibration *calibration,
                            struct calibration_check *check);
/** Free; accepts a zeroed struct. Local. */
void calibration_clear(struct calibration *calibration);
/** Free; accepts a zeroed struct. Local. */
void calibration_check_clear(struct calibration_check *check);

/** The chance at a dose. Local. */
double calibration_chance(const struct calibration *calibration, double a, double b, double dose);

/** Put curves in the calibrated form, the bent dose and the map left out. Local. */
void calibration_curves(const struct calibration *calibration, int64_t count, float *a, float *b);

#endif
