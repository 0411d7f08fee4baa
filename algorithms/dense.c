/* Dense layers as three matrix products and the loops around them. */
#include "algorithms/dense.h"

#include "algorithms/gemm.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t dense_weights(int64_t inputs, int64_t outputs)
{
    return outputs * (inputs + 1);
}

enum status dense_init(struct dense *layer, int64_t inputs, int64_t outputs,
                       enum activation activation, int with_backward)
{
    enum status status = OK;
    *layer = (struct dense){.inputs = inputs, .outputs = outputs, .activation = activation};
    TRY(memory_new(&layer->forward, inputs * vector_padded(outputs), sizeof(float)));
    TRY(memory_new(&layer->bias, vector_padded(outputs), sizeof(float)));
    if (with_backward)
        TRY(memory_new(&layer->backward, outputs * vector_padded(inputs), sizeof(float)));
done:
    if (status != OK) dense_clear(layer);
    return status;
}

void dense_clear(struct dense *layer)
{
    free(layer->forward);
    free(layer->backward);
    free(layer->bias);
    *layer = (struct dense){0};
}

void dense_load(struct dense *layer, const float *weights)
{
    int64_t in_stride = vector_padded(layer->inputs), out_stride = vector_padded(layer->outputs);
    for (int64_t o = 0; o < layer->outputs; o++) {
        const float *row = weights + o * layer->inputs; /* weight[o][:] */
        for (int64_t i = 0; i < layer->inputs; i++) layer->forward[i * out_stride + o] = row[i];
        if (layer->backward != NULL)
            memcpy(layer->backward + o * in_stride, row, (size_t)layer->inputs * sizeof *row);
    }
    memcpy(layer->bias, weights + layer->outputs * layer->inputs,
           (size_t)layer->outputs * sizeof *weights);
}

/* ---- activations; NaN stays NaN, so that it is noticed ---- */

VECTORISED static void relu(float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) x[i] = x[i] < 0.0f ? 0.0f : x[i];
}

static float logistic(float x)
{
    return x >= 0.0f ? 1.0f / (1.0f + expf(-x)) : expf(x) / (1.0f + expf(x));
}

float activation_apply(enum activation activation, float x)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return x < 0.0f ? 0.0f : x;
    case ACTIVATION_TANH:
        return tanhf(x);
    case ACTIVATION_SIGMOID:
        return logistic(x);
    case ACTIVATION_NONE:
        break;
    }
    return x;
}

enum status activation_parse(const char *name, enum activation *activation)
{
    if (strcmp(name, "relu") == 0)
        *activation = ACTIVATION_RELU;
    else if (strcmp(name, "tanh") == 0)
        *activation = ACTIVATION_TANH;
    else if (strcmp(name, "sigmoid") == 0)
        *activation = ACTIVATION_SIGMOID;
    else
        return FAIL(ERR_USAGE, "activation \"%s\" is not one of relu, tanh, sigmoid", name);
    return OK;
}

static void activate(enum activation activation, float *x, int64_t count)
{
    if (activation == ACTIVATION_RELU) {
        relu(x, count);
        return;
    }
    if (activation == ACTIVATION_NONE) return;
    for (int64_t i = 0; i < count; i++) x[i] = activation_apply(activation, x[i]);
}

/* delta *= activation'(x), from out = activation(x) */
VECTORISED static void relu_slope(const float *out, float *delta, int64_t count)
{
    for (int64_t i = 0; i < count; i++) delta[i] = out[i] > 0.0f ? delta[i] : 0.0f;
}

VECTORISED static void smooth_slope(int is_tanh, const float *out, float *delta, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float slope = is_tanh ? 1.0f - out[i] * out[i] : out[i] * (1.0f - out[i]);
        delta[i] *= slope;
    }
}

static void activation_slope(enum activation activation, const float *out, float *delta,
                             int64_t count)
{
    if (activation == ACTIVATION_RELU)
        relu_slope(out, delta, count);
    else if (activation != ACTIVATION_NONE)
        smooth_slope(activation == ACTIVATION_TANH, out, delta, count);
}

/* ---- passes ---- */

void dense_forward(const struct dense *layer, const float *x, int64_t rows, float *out)
{
    int64_t in_stride = vector_padded(layer->inputs), out_stride = vector_padded(layer->outputs);
    struct gemm product = {.rows = rows,
                           .columns = out_stride,
                           .depth = layer->inputs,
                           .a = x,
                           .a_row = in_stride,
                           .a_depth = 1,
                           .b = layer->forward,
                           .b_stride = out_stride,
                           .start = layer->bias,
                           .c = out,
                           .c_stride = out_stride};
    gemm_run(&product);
    activate(layer->activation, out, rows * out_stride);
}

VECTORISED static void column_sums(const float *x, int64_t rows, int64_t columns, float *sum)
{
    memset(sum, 0, (size_t)columns * sizeof *sum);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) sum[j] += x[i * columns + j];
}

void dense_backward(const struct dense *layer, const float *x, const float *out, int64_t rows,
                    float *delta, float *weight_slope, float *bias_slope, float *x_slope)
{
    int64_t in_stride = vector_padded(layer->inputs), out_stride = vector_padded(layer->outputs);
    activation_slope(layer->activation, out, delta, rows * out_stride);
    column_sums(delta, rows, out_stride, bias_slope);
    struct gemm weights = {.rows = layer->outputs, /* delta' x */
                           .columns = in_stride,
                           .depth = rows,
                           .a = delta,
                           .a_row = 1,
                           .a_depth = out_stride,
                           .b = x,
                           .b_stride = in_stride,
                           .c = weight_slope,
                           .c_stride = in_stride};
    gemm_run(&weights);
    if (x_slope == NULL) return;
    struct gemm inputs = {.rows = rows, /* delta W */
                          .columns = in_stride,
                          .depth = layer->outputs,
                          .a = delta,
                          .a_row = out_stride,
                          .a_depth = 1,
                          .b = layer->backward,
                          .b_stride = in_stride,
                          .c = x_slope,
                          .c_stride = in_stride};
    gemm_run(&inputs);
}
