/**
 * A structured logit of a response to a dose: for each row
 *
 *     P = sigmoid(a + b dose),   a = alpha . phi(x),   log b = gamma . psi(x)
 *
 * where phi and psi are columns of x and products of two of them, as the caller chooses, each
 * beside a constant. All coefficients are fitted together by maximum likelihood with a ridge. A few
 * dozen coefficients instead of a network's thousands: where rows are few that is what can be told,
 * and b, which only differences between doses tell of, is kept from following noise.
 */
#ifndef REMISE_ALGORITHMS_SLOPE_LOGIT_H
#define REMISE_ALGORITHMS_SLOPE_LOGIT_H

#include "algorithms/rows.h"

/* Column first of x times column second; second -1: first alone. */
struct slope_logit_term {
    int32_t first, second;
};

struct slope_logit {
    int64_t terms_a, terms_b;      /* beside the constants */
    struct slope_logit_term *term; /* [terms_a + terms_b] */
    double *coefficient;           /* [1 + terms_a + 1 + terms_b] constants first */
    double *inverse; /* [coefficients][coefficients] of the curvature, by fits so far */
};

/* b is kept between exp of these. */
#define SLOPE_LOGIT_LOG_MIN (-4.0)
#define SLOPE_LOGIT_LOG_MAX 4.0

/* Arrays are borrowed and of [x.blocks->rows_local]. */
struct slope_logit_rows {
    struct rows x;       /* columns best of mean 0 and deviation 1 */
    const float *dose;   /* >= 0 */
    const float *y;      /* from 0 to 1 */
    const float *weight; /* >= 0; NULL: 1 each */
    const uint8_t *skip; /* rows that do not count are not 0; NULL: all count */
};

struct slope_logit_options {
    double ridge_a, ridge_b;           /* ridge / 2 coefficient^2 of each term, in rows */
    double ridge_a_mean, ridge_b_mean; /* of the constants' way from where they begin */
    double slope;                      /* where b begins, > 0 */
    int64_t max_iterations;
    double tolerance; /* stop when a step promises less than that of all rows' log likelihood */
};

#define SLOPE_LOGIT_DEFAULTS                                                                     \
    {                                                                                            \
        .ridge_a = 3.0, .ridge_b = 20.0, .ridge_a_mean = 0.1, .ridge_b_mean = 1.0, .slope = 3.0, \
        .max_iterations = 80, .tolerance = 0.01                                                  \
    }

struct slope_logit_result {
    double weight; /* sum of the weights */
    double loss;   /* mean, penalty left out */
    int64_t iterations, passes;
    bool converged;
};

/**
 * A model with all coefficients 0. Local. Free with slope_logit_free.
 * term  in  [terms_a + terms_b] those of a first
 * Errors: ERR_MEMORY.
 */
enum status slope_logit_new(const struct slope_logit_term *term, int64_t terms_a, int64_t terms_b,
                            struct slope_logit **model);
/** Free and null; accepts NULL. Local. */
void slope_logit_free(struct slope_logit **model);

/** Let a fit begin with what another of the same terms ended with. Local. */
void slope_logit_begin_with(const struct slope_logit *other, struct slope_logit *model);

/**
 * Maximise the penalised likelihood.
 *
 * Collective.
 * model   in out  its terms; where all coefficients are 0 the fit begins at the mean chance and
 *                 opt->slope, else at the coefficients, with what the fit before learned of the
 *                 curvature: other rows of the same kind then take a few passes
 * result  out     may be NULL
 * Cost: a pass of O(rows_local terms) flops and a reduction of 16 (terms + 4) bytes for each step,
 *       10 to 30 steps. The first fit begins with the expected curvature of about 20,000 rows:
 *       terms^2 flops for each, a reduction of 16 terms^2 bytes and terms^3 flops on every rank.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a value of a row is not finite; ERR_ARG too many terms; ERR_MEMORY. Rows of
 *         no weight leave the coefficients as they begin. Not to converge is no error: see result.
 */
enum status slope_logit_fit(const struct comm *comm, const struct slope_logit_rows *rows,
                            const struct slope_logit_options *opt, struct slope_logit *model,
                            struct slope_logit_result *result);

/**
 * The penalised mean loss and its gradient at the model's coefficients, as slope_logit_fit sees
 * them. Collective.
 * gradient  out  [2 + terms_a + terms_b]
 * Errors: ERR_NUMERIC; ERR_MEMORY.
 */
enum status slope_logit_loss(const struct comm *comm, const struct slope_logit_rows *rows,
                             const struct slope_logit_options *opt, const struct slope_logit *model,
                             double *loss, double *gradient);

/**
 * Curves of rows. Local.
 * x     in   [rows][stride]
 * a, b  out  [rows] b > 0
 * Errors: ERR_MEMORY.
 */
enum status slope_logit_apply(const struct slope_logit *model, const float *x, int64_t rows,
                              int64_t stride, float *a, float *b);

#endif
