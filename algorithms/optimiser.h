/**
 * Steps downhill: SGD with momentum, or Adam with decoupled weight decay, on one flat array of
 * float32 weights.
 *
 * Every rank holds the same weights and state and takes the same step, so nothing is sent. All
 * arithmetic is element by element without fused operations: the same bits on every machine.
 * Source: Kingma and Ba 2015 (Adam); Loshchilov and Hutter 2019 (decoupled decay); 2017 (cosine
 *         rate).
 */
#ifndef REMISE_ALGORITHMS_OPTIMISER_H
#define REMISE_ALGORITHMS_OPTIMISER_H

#include "mpi/status.h"

#include <stdint.h>

enum optimiser_kind { OPTIMISER_ADAM, OPTIMISER_SGD };
enum optimiser_schedule { RATE_CONSTANT, RATE_COSINE };

struct optimiser_options {
    enum optimiser_kind kind;
    enum optimiser_schedule schedule;
    double rate;                  /* > 0 */
    double momentum;              /* of SGD, in [0, 1) */
    double beta1, beta2, epsilon; /* of Adam */
    double weight_decay; /* of Adam, decoupled: weights shrink by rate * weight_decay a step */
    double
        clip; /* longest gradient, as a vector of all weights; longer ones shrink to it; 0: any */
};

#define OPTIMISER_DEFAULTS                                                                \
    {                                                                                     \
        .kind = OPTIMISER_ADAM, .schedule = RATE_CONSTANT, .rate = 1e-3, .momentum = 0.9, \
        .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.0, .clip = 0.0   \
    }

struct optimiser {
    struct optimiser_options options;
    int64_t steps_total; /* of the whole training, for the cosine */
    int64_t steps_done;
    double beta1_power, beta2_power; /* beta^steps_done */
    int64_t count;
    float *first;  /* [count] momentum */
    float *second; /* [count] mean squared gradient of Adam; NULL for SGD */
};

/**
 * A fresh state for `count` weights. Local. Free with optimiser_clear.
 * Errors: ERR_ARG naming the option; ERR_MEMORY.
 */
enum status optimiser_init(struct optimiser *state, const struct optimiser_options *options,
                           int64_t count, int64_t steps_total);
/** Free; accepts a zeroed struct. Local. */
void optimiser_clear(struct optimiser *state);

/**
 * Shrink a gradient, [count], to the length options.clip; added in a fixed order, so that all ranks
 * do the same. Local. Before optimiser_begin.
 * Source: Pascanu, Mikolov and Bengio 2013.
 */
void optimiser_clip(const struct optimiser *state, float *gradient);

/**
 * Size of the largest momentum of weights first .. first + count - 1: about that of their next
 * gradient, 0 before any. Local.
 */
double optimiser_expect(const struct optimiser *state, int64_t first, int64_t count);

/**
 * Begin the next step: its rate and bias corrections.
 * Local. Then optimiser_move for each part of the weights.
 */
void optimiser_begin(struct optimiser *state);

/**
 * Move weights first .. first + count - 1 by their gradient.
 * Local. weights and gradient point at the part.
 */
void optimiser_move(struct optimiser *state, int64_t first, int64_t count, const float *gradient,
                    float *weights);

/** The rate of the step under way. Local. */
double optimiser_rate(const struct optimiser *state);

#endif
