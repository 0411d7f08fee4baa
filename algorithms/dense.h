/**
 * A dense layer: out = activation(x W' + bias), forward and backward on a few hundred rows.
 *
 * Matrices are row-major with rows padded to VECTOR_FLOATS; padding of weights and biases is zero,
 * so padding of inputs never reaches a result. A layer's weights lie flat in the network as
 * weight[outputs][inputs], bias[outputs].
 */
#ifndef REMISE_ALGORITHMS_DENSE_H
#define REMISE_ALGORITHMS_DENSE_H

#include "mpi/status.h"

#include <stdint.h>

enum activation { ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_TANH, ACTIVATION_SIGMOID };

struct dense {
    int64_t inputs, outputs;
    enum activation activation;
    float *forward; /* [inputs][padded outputs] weights for the forward pass */
    /* [outputs][padded inputs] weights for the backward pass; NULL if never used */
    float *backward;
    float *bias; /* [padded outputs] */
};

/** Make a layer without weights. Local. Free with dense_clear. Errors: ERR_MEMORY. */
enum status dense_init(struct dense *layer, int64_t inputs, int64_t outputs,
                       enum activation activation, int with_backward);
/** Free; accepts a zeroed struct. Local. */
void dense_clear(struct dense *layer);

/** Number of weights and biases of a layer. Local. */
int64_t dense_weights(int64_t inputs, int64_t outputs);

/** Take weights, flat as weight[outputs][inputs], bias[outputs]. Local. */
void dense_load(struct dense *layer, const float *weights);

/**
 * out = activation(x W' + bias) for `rows` rows. Local.
 * x in [rows][padded inputs]; out [rows][padded outputs]. A row's result depends on that row alone.
 */
void dense_forward(const struct dense *layer, const float *x, int64_t rows, float *out);

/**
 * Gradients of a loss from those of the layer's outputs. Local.
 * x, out       in     as in dense_forward
 * delta        inout  [rows][padded outputs] d loss / d out; afterwards d loss / d (x W' + bias)
 * weight_slope out    [outputs][padded inputs] summed over rows
 * bias_slope   out    [padded outputs] summed over rows
 * x_slope      out    [rows][padded inputs] d loss / d x; NULL to skip
 */
void dense_backward(const struct dense *layer, const float *x, const float *out, int64_t rows,
                    float *delta, float *weight_slope, float *bias_slope, float *x_slope);

/** activation(x), also for tests. Local. */
float activation_apply(enum activation activation, float x);

/** Parse "relu", "tanh", "sigmoid". Local. Errors: ERR_USAGE. */
enum status activation_parse(const char *name, enum activation *activation);

#endif
