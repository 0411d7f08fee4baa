/* Dense layers, out = activation(x W' + bias): three matrix products and the loops around them.
 * Weights: weight[outputs][inputs], bias[outputs]. A sequence is taken as one row of values. */
#include "algorithms/gemm.h"
#include "algorithms/layer.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

struct dense {
    struct layer layer;
    int64_t inputs, outputs, in_stride, out_stride; /* strides: padded */
    float *forward; /* [inputs][out_stride] weights for the forward pass */
    /* [outputs][in_stride] weights for the backward pass; NULL if never used */
    float *backward;
    float *bias;    /* [out_stride] */
    float *padded;  /* [outputs][in_stride] slopes of weights; NULL where they fit without */
    float *bias_up; /* [out_stride] slopes of biases */
};

static enum status dense_shape(const struct layer_plan *plan, struct layer_shape in,
                               struct layer_shape *out)
{
    (void)in;
    if (plan->units < 1)
        return FAIL(ERR_ARG, "%lld units; give at least 1", (long long)plan->units);
    *out = (struct layer_shape){1, plan->units};
    return OK;
}

static int64_t dense_weights(const struct layer_plan *plan, struct layer_shape in)
{
    return plan->units * (layer_values(in) + 1);
}

/* He et al. 2015 for ReLU; Glorot and Bengio 2010 otherwise. */
static void dense_start(const struct layer_plan *plan, struct layer_shape in, uint64_t seed,
                        int64_t first, float *weights)
{
    int64_t inputs = layer_values(in), outputs = plan->units;
    bool he = plan->activation == ACTIVATION_RELU;
    double limit = sqrt(6.0 / (double)(he ? inputs : inputs + outputs));
    layer_draw(seed, first, limit, inputs * outputs, weights);
    memset(weights + inputs * outputs, 0, (size_t)outputs * sizeof *weights);
}

static enum status dense_init(struct layer *layer)
{
    enum status status = OK;
    struct dense *dense = (struct dense *)layer;
    dense->inputs = layer_values(layer->in);
    dense->outputs = layer_values(layer->out);
    dense->in_stride = vector_padded(dense->inputs);
    dense->out_stride = vector_padded(dense->outputs);
    TRY(memory_new(&dense->forward, dense->inputs * dense->out_stride, sizeof(float)));
    TRY(memory_new(&dense->bias, dense->out_stride, sizeof(float)));
    TRY(memory_new(&dense->bias_up, dense->out_stride, sizeof(float)));
    if (layer->slopes_in)
        TRY(memory_new(&dense->backward, dense->outputs * dense->in_stride, sizeof(float)));
    if (layer->trains && dense->in_stride != dense->inputs)
        TRY(memory_new(&dense->padded, dense->outputs * dense->in_stride, sizeof(float)));
done:
    return status;
}

static void dense_clear(struct layer *layer)
{
    struct dense *dense = (struct dense *)layer;
    free(dense->forward);
    free(dense->backward);
    free(dense->bias);
    free(dense->padded);
    free(dense->bias_up);
}

static void dense_load(struct layer *layer, const float *weights)
{
    struct dense *dense = (struct dense *)layer;
    int64_t inputs = dense->inputs, outputs = dense->outputs;
    layer_transpose(weights, outputs, inputs, dense->forward, dense->out_stride);
    if (dense->backward != NULL)
        layer_copy(weights, inputs, outputs, inputs, dense->backward, dense->in_stride);
    memcpy(dense->bias, weights + outputs * inputs, (size_t)outputs * sizeof *weights);
}

static void dense_forward(struct layer *layer, const struct layer_rows *rows, const float *x,
                          float *out)
{
    const struct dense *dense = (const struct dense *)layer;
    bool rectify = layer->plan.activation == ACTIVATION_RELU;
    gemm_run(&(struct gemm){.precision = layer->precision,
                            .rows = rows->count,
                            .columns = dense->out_stride,
                            .depth = dense->inputs,
                            .a = x,
                            .a_row = dense->in_stride,
                            .a_depth = 1,
                            .b = dense->forward,
                            .b_stride = dense->out_stride,
                            .start = dense->bias,
                            .c = out,
                            .c_stride = dense->out_stride,
                            .rectify = rectify});
    if (!rectify) activation_apply(layer->plan.activation, out, rows->count * dense->out_stride);
}

static void dense_backward(struct layer *layer, const struct layer_rows *rows, const float *x,
                           const float *out, float *delta, float *slopes, float *x_slope)
{
    const struct dense *dense = (const struct dense *)layer;
    int64_t inputs = dense->inputs, outputs = dense->outputs;
    int64_t in_stride = dense->in_stride, out_stride = dense->out_stride;
    memset(dense->bias_up, 0, (size_t)out_stride * sizeof(float));
    layer_take_slopes(layer->plan.activation, out, rows->count, out_stride, delta, dense->bias_up);
    memcpy(slopes + inputs * outputs, dense->bias_up, (size_t)outputs * sizeof(float));
    float *weight_slope = dense->padded != NULL ? dense->padded : slopes;
    gemm_run(&(struct gemm){.precision = layer->precision,
                            .rows = outputs, /* delta' x */
                            .columns = in_stride,
                            .depth = rows->count,
                            .a = delta,
                            .a_row = 1,
                            .a_depth = out_stride,
                            .b = x,
                            .b_stride = in_stride,
                            .c = weight_slope,
                            .c_stride = in_stride});
    if (dense->padded != NULL)
        layer_copy(dense->padded, in_stride, outputs, inputs, slopes, inputs);
    if (x_slope == NULL) return;
    gemm_run(&(struct gemm){.precision = layer->precision,
                            .rows = rows->count, /* delta W */
                            .columns = in_stride,
                            .depth = outputs,
                            .a = delta,
                            .a_row = out_stride,
                            .a_depth = 1,
                            .b = dense->backward,
                            .b_stride = in_stride,
                            .c = x_slope,
                            .c_stride = in_stride});
}

const struct layer_kind layer_dense = {.name = "dense",
                                       .bytes = sizeof(struct dense),
                                       .shape = dense_shape,
                                       .weights = dense_weights,
                                       .start = dense_start,
                                       .init = dense_init,
                                       .clear = dense_clear,
                                       .load = dense_load,
                                       .forward = dense_forward,
                                       .backward = dense_backward};
