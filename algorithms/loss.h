/**
 * What a network is trained for: the loss of its outputs on a few hundred rows, and its slope.
 *
 *   LOSS_MSE         one output, squared error
 *   LOSS_HUBER       one output, e = z - y: e^2 / 2 up to |e| = 1, |e| - 1/2 beyond
 *   LOSS_BCE         one output z, y in [0, 1]: cross entropy of sigmoid(z)
 *   LOSS_STRUCTURAL  two outputs (a, raw): cross entropy of P = sigmoid(a + b d) with
 *                    b = softplus(raw) >= 0 and the row's dose d, so that every response rises with
 *                    the dose; rows with a prior for b may be pulled toward it by
 *                    prior_weight * (log b - log prior)^2
 * Source: Huber 1964; Farrell, Liang and Misra 2021, Deep learning for individual heterogeneity
 *         (structural outputs).
 */
#ifndef REMISE_ALGORITHMS_LOSS_H
#define REMISE_ALGORITHMS_LOSS_H

#include <stdbool.h>
#include <stdint.h>

enum loss { LOSS_MSE, LOSS_HUBER, LOSS_BCE, LOSS_STRUCTURAL };

/* Beside the rows of a micro-batch; arrays of [rows]. */
struct loss_rows {
    const float *y;
    const float *weight; /* >= 0 */
    const float *dose;   /* LOSS_STRUCTURAL only */
    const float *prior;  /* LOSS_STRUCTURAL only; 0: none for this row */
    double prior_weight;
};

struct loss_sums {
    double loss;   /* sum of weight * (loss + penalty) */
    double weight; /* sum of weights */
};

/** Whether targets are chances, from 0 to 1, and not any numbers. Local. */
bool loss_of_chances(enum loss loss);

/** Outputs that a loss needs: 1 or 2. Local. */
int64_t loss_outputs(enum loss loss);

/**
 * Weighted sums of the loss over rows, taken in order. Local.
 * out    in   [rows][stride] outputs of the network
 * slope  out  [rows][stride] d (weighted sum) / d out; NULL to skip; may be `out` itself; padding
 *             becomes zero
 */
struct loss_sums loss_evaluate(enum loss loss, const struct loss_rows *beside, int64_t rows,
                               int64_t stride, const float *out, float *slope);

/** 1 / (1 + exp(-z)) without overflow. Local. */
double loss_sigmoid(double z);

/** log(1 + exp(raw)) without overflow, > 0. Local. */
double loss_softplus(double raw);

#endif
