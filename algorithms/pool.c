/* Pooling: the largest or the mean value of each channel in windows of steps. Of equal largest
 * values the first one takes the slope. No weights. */
#include "algorithms/layer.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <stdlib.h>

struct pool {
    struct layer layer;
    int64_t width, stride; /* in steps */
    float *left;           /* [channels] slopes that have not found their step yet */
};

static struct pool windows_of(const struct layer_plan *plan, struct layer_shape in)
{
    int64_t width = plan->width == 0 ? in.steps : plan->width;
    return (struct pool){.width = width, .stride = plan->stride == 0 ? width : plan->stride};
}

static enum status pool_shape(const struct layer_plan *plan, struct layer_shape in,
                              struct layer_shape *out)
{
    struct pool p = windows_of(plan, in);
    if (p.width < 1 || p.stride < 1)
        return FAIL(ERR_ARG, "a window of %lld steps every %lld; both must be at least 1",
                    (long long)p.width, (long long)p.stride);
    if (p.width > in.steps)
        return FAIL(
            ERR_ARG,
            "a window of %lld steps is longer than the sequence; take a narrower one, or fewer "
            "layers and pools before it",
            (long long)p.width);
    *out = (struct layer_shape){(in.steps - p.width) / p.stride + 1, in.channels};
    return OK;
}

static enum status pool_init(struct layer *layer)
{
    struct pool *pool = (struct pool *)layer, windows = windows_of(&layer->plan, layer->in);
    pool->width = windows.width;
    pool->stride = windows.stride;
    return memory_new(&pool->left, layer->in.channels, sizeof *pool->left);
}

static void pool_clear(struct layer *layer)
{
    free(((struct pool *)layer)->left);
}

/* ---- one window: x and x_slope [width][channels], out and delta [channels] ---- */

/* NaN wins, so that it is noticed. */
VECTORISED static void largest(const float *restrict x, int64_t width, int64_t channels,
                               float *restrict out)
{
    for (int64_t c = 0; c < channels; c++) out[c] = x[c];
    for (int64_t k = 1; k < width; k++)
        for (int64_t c = 0; c < channels; c++) {
            float value = x[k * channels + c];
            out[c] = value <= out[c] ? out[c] : out[c] != out[c] ? out[c] : value;
        }
}

VECTORISED static void largest_slope(const float *restrict x, const float *restrict out,
                                     int64_t width, int64_t channels, float *restrict left,
                                     float *restrict x_slope)
{
    for (int64_t k = 0; k < width; k++)
        for (int64_t c = 0; c < channels; c++) {
            float taken = x[k * channels + c] == out[c] ? left[c] : 0.0f;
            x_slope[k * channels + c] += taken;
            left[c] -= taken;
        }
}

VECTORISED static void mean(const float *restrict x, int64_t width, int64_t channels,
                            float *restrict out)
{
    for (int64_t c = 0; c < channels; c++) out[c] = x[c];
    for (int64_t k = 1; k < width; k++)
        for (int64_t c = 0; c < channels; c++) out[c] += x[k * channels + c];
    for (int64_t c = 0; c < channels; c++) out[c] /= (float)width;
}

VECTORISED static void mean_slope(const float *restrict delta, int64_t width, int64_t channels,
                                  float *restrict x_slope)
{
    for (int64_t k = 0; k < width; k++)
        for (int64_t c = 0; c < channels; c++) x_slope[k * channels + c] += delta[c] / (float)width;
}

/* ---- all windows ---- */

static void pool_forward(struct layer *layer, const struct layer_rows *rows, const float *x,
                         float *out)
{
    const struct pool *pool = (const struct pool *)layer;
    int64_t channels = layer->in.channels;
    for (int64_t i = 0; i < rows->count; i++) {
        const float *from = x + i * vector_padded(layer_values(layer->in));
        float *to = out + i * vector_padded(layer_values(layer->out));
        for (int64_t t = 0; t < layer->out.steps; t++) {
            const float *window = from + t * pool->stride * channels;
            if (layer->plan.kind == &layer_max_pool)
                largest(window, pool->width, channels, to + t * channels);
            else
                mean(window, pool->width, channels, to + t * channels);
        }
    }
}

static void pool_backward(struct layer *layer, const struct layer_rows *rows, const float *x,
                          const float *out, float *delta, float *slopes, float *x_slope)
{
    const struct pool *pool = (const struct pool *)layer;
    int64_t channels = layer->in.channels, in_stride = vector_padded(layer_values(layer->in));
    int64_t out_stride = vector_padded(layer_values(layer->out));
    (void)slopes;
    if (x_slope == NULL) return;
    memset(x_slope, 0, (size_t)(rows->count * in_stride) * sizeof *x_slope);
    for (int64_t i = 0; i < rows->count; i++)
        for (int64_t t = 0; t < layer->out.steps; t++) {
            int64_t from = i * in_stride + t * pool->stride * channels;
            int64_t to = i * out_stride + t * channels;
            memcpy(pool->left, delta + to, (size_t)channels * sizeof *delta);
            if (layer->plan.kind == &layer_max_pool)
                largest_slope(x + from, out + to, pool->width, channels, pool->left,
                              x_slope + from);
            else
                mean_slope(pool->left, pool->width, channels, x_slope + from);
        }
}

const struct layer_kind layer_max_pool = {.name = "max pool",
                                          .bytes = sizeof(struct pool),
                                          .shape = pool_shape,
                                          .init = pool_init,
                                          .clear = pool_clear,
                                          .forward = pool_forward,
                                          .backward = pool_backward};

const struct layer_kind layer_mean_pool = {.name = "mean pool",
                                           .bytes = sizeof(struct pool),
                                           .shape = pool_shape,
                                           .init = pool_init,
                                           .clear = pool_clear,
                                           .forward = pool_forward,
                                           .backward = pool_backward};
