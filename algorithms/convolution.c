/* One-dimensional convolution over the steps of a sequence, every channel into every filter:
 * out[t][f] = activation(bias[f] + sum over k, c of weight[f][k][c] x[t stride + k][c]).
 * A window is one run of width x channels values, so each of three products takes the sequence as
 * it lies. Weights: weight[filters][width][channels], bias[filters]. */
#include "algorithms/gemm.h"
#include "algorithms/layer.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

struct convolution {
    struct layer layer;
    int64_t window;  /* values of a window */
    int64_t shift;   /* values from window to window */
    int64_t filters; /* padded: */
    int64_t filters_padded, window_padded, channels_padded;
    float *forward; /* [window][filters_padded] */
    float *bias;    /* [filters_padded] */
    float *narrow;  /* [steps][padded] a product on its way to a sequence of fewer channels */
    float *slopes;  /* [filters][window_padded] summed over rows */
    /* [width][filters][channels_padded] weights, last step of the window first; NULL if never
     * used */
    float *backward;
    float *spread; /* [steps in + width - 1][filters] slopes of outputs where windows begin */
};

static enum status convolution_shape(const struct layer_plan *plan, struct layer_shape in,
                                     struct layer_shape *out)
{
    int64_t stride = plan->stride == 0 ? 1 : plan->stride;
    if (plan->units < 1)
        return FAIL(ERR_ARG, "%lld filters; give at least 1", (long long)plan->units);
    if (plan->width < 1 || stride < 1)
        return FAIL(ERR_ARG, "a window of %lld steps every %lld; both must be at least 1",
                    (long long)plan->width, (long long)stride);
    if (plan->width > in.steps)
        return FAIL(
            ERR_ARG,
            "a window of %lld steps is longer than the sequence; take a narrower one, or fewer "
            "layers and pools before it",
            (long long)plan->width);
    *out = (struct layer_shape){(in.steps - plan->width) / stride + 1, plan->units};
    return OK;
}

static int64_t convolution_weights(const struct layer_plan *plan, struct layer_shape in)
{
    return plan->units * (plan->width * in.channels + 1);
}

/* He et al. 2015 for ReLU; Glorot and Bengio 2010 otherwise. */
static void convolution_start(const struct layer_plan *plan, struct layer_shape in, uint64_t seed,
                              int64_t first, float *weights)
{
    int64_t window = plan->width * in.channels, count = plan->units * window;
    bool he = plan->activation == ACTIVATION_RELU;
    double limit = sqrt(6.0 / (double)(he ? window : window + plan->width * plan->units));
    layer_draw(seed, first, limit, count, weights);
    memset(weights + count, 0, (size_t)plan->units * sizeof *weights);
}

static enum status init_backward(struct convolution *c)
{
    enum status status = OK;
    const struct layer *layer = &c->layer;
    int64_t steps = layer->in.steps + layer->plan.width - 1;
    TRY(memory_new(&c->slopes, c->filters * c->window_padded, sizeof(float)));
    if (!layer->slopes_in) return OK;
    TRY(memory_new(&c->backward, layer->plan.width * c->filters * c->channels_padded,
                   sizeof(float)));
    TRY(memory_new(&c->spread, steps * c->filters, sizeof(float)));
done:
    return status;
}

static enum status convolution_init(struct layer *layer)
{
    enum status status = OK;
    struct convolution *c = (struct convolution *)layer;
    int64_t stride = layer->plan.stride == 0 ? 1 : layer->plan.stride;
    c->window = layer->plan.width * layer->in.channels;
    c->shift = stride * layer->in.channels;
    c->filters = layer->plan.units;
    c->filters_padded = vector_padded(c->filters);
    c->window_padded = vector_padded(c->window);
    c->channels_padded = vector_padded(layer->in.channels);
    int64_t widest =
        c->filters_padded > c->channels_padded ? c->filters_padded : c->channels_padded;
    TRY(memory_new(&c->forward, c->window * c->filters_padded, sizeof(float)));
    TRY(memory_new(&c->bias, c->filters_padded, sizeof(float)));
    TRY(memory_new(&c->narrow, layer->in.steps * widest, sizeof(float)));
    if (layer->trains) TRY(init_backward(c));
done:
    return status;
}

static void convolution_clear(struct layer *layer)
{
    struct convolution *c = (struct convolution *)layer;
    free(c->forward);
    free(c->bias);
    free(c->narrow);
    free(c->slopes);
    free(c->backward);
    free(c->spread);
}

static void convolution_load(struct layer *layer, const float *weights)
{
    struct convolution *c = (struct convolution *)layer;
    int64_t width = layer->plan.width, channels = layer->in.channels;
    layer_transpose(weights, c->filters, c->window, c->forward, c->filters_padded);
    memcpy(c->bias, weights + c->filters * c->window, (size_t)c->filters * sizeof *weights);
    for (int64_t k = 0; k < width && c->backward != NULL; k++) /* weight[:][width - 1 - k][:] */
        layer_copy(weights + (width - 1 - k) * channels, c->window, c->filters, channels,
                   c->backward + k * c->filters * c->channels_padded, c->channels_padded);
}

/* A product whose result is a sequence of `channels`: by way of `narrow` where its rows are wider
 * than that. */
static void run_into(const struct convolution *c, struct gemm product, int64_t channels, float *to)
{
    product.c = product.columns == channels ? to : c->narrow;
    product.c_stride = product.columns;
    gemm_run(&product);
    if (product.c != to)
        layer_copy(c->narrow, product.columns, product.rows, channels, to, channels);
}

static void convolution_forward(struct layer *layer, const struct layer_rows *rows, const float *x,
                                float *out)
{
    const struct convolution *c = (const struct convolution *)layer;
    int64_t in_stride = vector_padded(layer_values(layer->in));
    int64_t out_stride = vector_padded(layer_values(layer->out));
    struct gemm product = {.precision = c->layer.precision,
                           .rows = layer->out.steps,
                           .columns = c->filters_padded,
                           .depth = c->window,
                           .a_row = c->shift,
                           .a_depth = 1,
                           .b = c->forward,
                           .b_stride = c->filters_padded,
                           .start = c->bias};
    for (int64_t i = 0; i < rows->count; i++) {
        product.a = x + i * in_stride;
        run_into(c, product, c->filters, out + i * out_stride);
    }
    activation_apply(layer->plan.activation, out, rows->count * out_stride);
}

/* x_slope[t][:] of one row: a window over the slopes of outputs that step t has had a part in */
static void row_slopes_in(const struct convolution *c, const float *delta, float *x_slope)
{
    const struct layer *layer = &c->layer;
    int64_t width = layer->plan.width, stride = c->shift / layer->in.channels;
    layer_copy(delta, c->filters, layer->out.steps, c->filters, /* the rest stays zero */
               c->spread + (width - 1) * c->filters, stride * c->filters);
    run_into(c,
             (struct gemm){.precision = c->layer.precision,
                           .rows = layer->in.steps,
                           .columns = c->channels_padded,
                           .depth = width * c->filters,
                           .a = c->spread,
                           .a_row = c->filters,
                           .a_depth = 1,
                           .b = c->backward,
                           .b_stride = c->channels_padded},
             layer->in.channels, x_slope);
}

static void convolution_backward(struct layer *layer, const struct layer_rows *rows, const float *x,
                                 const float *out, float *delta, float *slopes, float *x_slope)
{
    const struct convolution *c = (const struct convolution *)layer;
    int64_t in_stride = vector_padded(layer_values(layer->in));
    int64_t out_stride = vector_padded(layer_values(layer->out));
    float *bias_slope = slopes + c->filters * c->window;
    struct gemm weights = {.precision = c->layer.precision,
                           .rows = c->filters, /* delta' windows, on top of the rows before */
                           .columns = c->window_padded,
                           .depth = layer->out.steps,
                           .a_row = 1,
                           .a_depth = c->filters,
                           .b_stride = c->shift,
                           .start_row = c->window_padded,
                           .c = c->slopes,
                           .c_stride = c->window_padded};
    activation_slope(layer->plan.activation, out, delta, rows->count * out_stride);
    memset(bias_slope, 0, (size_t)c->filters * sizeof *slopes);
    for (int64_t i = 0; i < rows->count; i++) {
        const float *row = delta + i * out_stride;
        weights.a = row;
        weights.b = x + i * in_stride;
        gemm_run(&weights);
        weights.start = c->slopes;
        layer_add_rows(row, c->filters, layer->out.steps, c->filters, bias_slope);
        if (x_slope != NULL) row_slopes_in(c, row, x_slope + i * in_stride);
    }
    layer_copy(c->slopes, c->window_padded, c->filters, c->window, slopes, c->window);
}

const struct layer_kind layer_convolution = {.name = "convolution",
                                             .bytes = sizeof(struct convolution),
                                             .shape = convolution_shape,
                                             .weights = convolution_weights,
                                             .start = convolution_start,
                                             .init = convolution_init,
                                             .clear = convolution_clear,
                                             .load = convolution_load,
                                             .forward = convolution_forward,
                                             .backward = convolution_backward};
