/* Embedding: every value is a code, a whole number from 0, and becomes the `units` values that
 * belong to it. Weights: weight[codes][units]. Codes outside are taken as the nearest one; whoever
 * reads rows refuses them. For the first layer: codes have no slopes. */
#include "algorithms/layer.h"
#include "algorithms/vector.h"

static enum status embedding_shape(const struct layer_plan *plan, struct layer_shape in,
                                   struct layer_shape *out)
{
    if (plan->codes < 1 || plan->units < 1)
        return FAIL(ERR_ARG, "%lld codes of %lld values each; give at least one of both",
                    (long long)plan->codes, (long long)plan->units);
    if (plan->codes > LAYER_CODES_MAX)
        return FAIL(ERR_ARG, "%lld codes; at most %d are possible", (long long)plan->codes,
                    LAYER_CODES_MAX);
    *out = (struct layer_shape){in.steps, in.channels * plan->units};
    return OK;
}

static int64_t embedding_weights(const struct layer_plan *plan, struct layer_shape in)
{
    (void)in;
    return plan->codes * plan->units;
}

/* As large as standardised values. */
static void embedding_start(const struct layer_plan *plan, struct layer_shape in, uint64_t seed,
                            int64_t first, float *weights)
{
    layer_draw(seed, first, 1.7320508, embedding_weights(plan, in), weights);
}

struct embedding {
    struct layer layer;
    const float *weights; /* of the network; not owned */
};

static void embedding_load(struct layer *layer, const float *weights)
{
    ((struct embedding *)layer)->weights = weights;
}

static int64_t code_of(const struct layer *layer, float x)
{
    int64_t most = layer->plan.codes - 1;
    if (!(x > 0.0f)) return 0;
    return x < (float)most ? (int64_t)(x + 0.5f) : most;
}

static void embedding_forward(struct layer *layer, const struct layer_rows *rows, const float *x,
                              float *out)
{
    const struct embedding *embedding = (const struct embedding *)layer;
    int64_t units = layer->plan.units, codes = layer_values(layer->in);
    for (int64_t i = 0; i < rows->count; i++) {
        const float *from = x + i * vector_padded(codes);
        float *to = out + i * vector_padded(layer_values(layer->out));
        for (int64_t j = 0; j < codes; j++)
            memcpy(to + j * units, embedding->weights + code_of(layer, from[j]) * units,
                   (size_t)units * sizeof *to);
    }
}

static void embedding_backward(struct layer *layer, const struct layer_rows *rows, const float *x,
                               const float *out, float *delta, float *slopes, float *x_slope)
{
    int64_t units = layer->plan.units, codes = layer_values(layer->in);
    int64_t in_stride = vector_padded(codes), out_stride = vector_padded(layer_values(layer->out));
    (void)out;
    memset(slopes, 0, (size_t)(layer->plan.codes * units) * sizeof *slopes);
    if (x_slope != NULL) memset(x_slope, 0, (size_t)(rows->count * in_stride) * sizeof *x_slope);
    for (int64_t i = 0; i < rows->count; i++)
        for (int64_t j = 0; j < codes; j++)
            layer_add_rows(delta + i * out_stride + j * units, units, 1, units,
                           slopes + code_of(layer, x[i * in_stride + j]) * units);
}

const struct layer_kind layer_embedding = {.name = "embedding",
                                           .bytes = sizeof(struct embedding),
                                           .shape = embedding_shape,
                                           .weights = embedding_weights,
                                           .start = embedding_start,
                                           .load = embedding_load,
                                           .forward = embedding_forward,
                                           .backward = embedding_backward};
