/**
 * Recurrent layers: a state that every step of a sequence changes by way of gates. GRU and LSTM
 * differ by a cell: which sums there are, and what becomes of them.
 *
 * Before a step's cell, `sums` of every row holds slices of padded units: inputs enter `gates`
 * slices from x_first on, the state before enters as many from h_first on; where both do, they are
 * added. Weights lie flat in the network as weight_x[gates][units][channels],
 * weight_h[gates][units][units], bias_x[gates][units], bias_h[gates][units]: as PyTorch has them.
 */
#ifndef REMISE_ALGORITHMS_RECURRENT_H
#define REMISE_ALGORITHMS_RECURRENT_H

#include "algorithms/layer.h"

enum { RECURRENT_SLICES = 4 };

/* One step of some rows. Padding of units is zero in states and memories. */
struct recurrent_step {
    int64_t rows, units;              /* units padded to VECTOR_FLOATS */
    float *sums;                      /* [rows][slices][units] */
    const float *before, *old_memory; /* [rows][units] before the step */
    float *state, *memory;            /* [rows][units] after it; memory is NULL without one */
};

struct recurrent_cell {
    int64_t gates, x_first, h_first;
    int64_t gate[RECURRENT_SLICES]; /* of each slice, in the order of the weights */
    int64_t open_gate;              /* its biases start at 1; -1: none */
    bool memory;                    /* beside the state */
    /* Sums become gates in their places; then state and memory. */
    void (*forward)(const struct recurrent_step *step);
    /* From the slopes of state and memory those of the sums, [rows][slices][units]; in place of the
     * former, what goes to the step before without passing the weights. */
    void (*backward)(const struct recurrent_step *step, float *state_slope, float *memory_slope,
                     float *sums_slope);
};

extern const struct recurrent_cell recurrent_gru, recurrent_lstm;

#endif
