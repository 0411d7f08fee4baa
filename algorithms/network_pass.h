/**
 * One micro-batch on its way through a network and back; all buffers allocated once.
 */
#ifndef REMISE_ALGORITHMS_NETWORK_PASS_H
#define REMISE_ALGORITHMS_NETWORK_PASS_H

#include "algorithms/network.h"

struct network_pass {
    int64_t layers;
    int64_t rows_max;
    struct layer *layer[NETWORK_LAYERS_MAX];
    float *out[NETWORK_LAYERS_MAX +
               1]; /* out[0]: sequences, out[l + 1]: of layer l; [rows_max][padded] */
    struct network_join join;
    float *joined;   /* what layer join.at takes; [rows_max][padded]; NULL without plain values */
    float *delta[2]; /* [rows_max][widest]; NULL unless training */
    float *slopes;   /* of the layer that went back last, flat as its weights */
    int64_t first[NETWORK_LAYERS_MAX + 1]; /* weight of each layer */
};

/**
 * Buffers for passes of up to rows_max rows. Local. Free with network_pass_clear.
 * Errors: ERR_MEMORY.
 */
enum status network_pass_init(struct network_pass *pass, const struct network *model,
                              int64_t rows_max, bool training);
/** Free; accepts a zeroed struct. Local. */
void network_pass_clear(struct network_pass *pass);

/** Multiply in another precision than float32 from now on. Local. */
void network_pass_set_precision(struct network_pass *pass, enum gemm_precision precision);

/** Take the model's weights; again after every change. Local. */
void network_pass_load(struct network_pass *pass, const struct network *model);

/** Put a row of inputs, [network_inputs], at place `at` of the pass. Local. */
void network_pass_put(struct network_pass *pass, int64_t at, const float *x);

/**
 * Forward the rows that were put; the outputs are out[layers], of stride network_pass_stride.
 * Local.
 */
void network_pass_forward(struct network_pass *pass, const struct layer_rows *rows);

/** Floats from one row of outputs to the next. Local. */
int64_t network_pass_stride(const struct network_pass *pass);

/** Where the slope of the loss by layer `at`'s outputs lies. Local. */
float *network_pass_delta(struct network_pass *pass, int64_t at);

/**
 * Take layer `at` back, the last one first: leaves its slopes, and the delta of the layer before.
 * Local. The same rows as forward.
 */
void network_pass_back(struct network_pass *pass, int64_t at, const struct layer_rows *rows);

#endif
