/* Dropout: while training, each value is dropped with chance `rate` and the others grow to make up
 * for it; afterwards values pass as they are. What is dropped depends on (seed, epoch, row, layer,
 * value) alone, so it is the same at any number of ranks. No weights.
 * Source: Srivastava et al. 2014, Journal of Machine Learning Research 15. */
#include "algorithms/layer.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>

enum { DRAWS = 8, BITS = 16 }; /* values decided by one call of random_bits, bits for each */

struct dropout {
    struct layer layer;
    uint32_t limit; /* of 2^BITS: below it a value is dropped */
    float *keep;    /* [rows_max][padded values] 0 or the factor; NULL unless it trains */
};

static enum status dropout_shape(const struct layer_plan *plan, struct layer_shape in,
                                 struct layer_shape *out)
{
    if (!(plan->rate >= 0.0 && plan->rate <= 0.99))
        return FAIL(ERR_ARG, "a share of %g to drop; it must be from 0 to 0.99", plan->rate);
    *out = in;
    return OK;
}

static enum status dropout_init(struct layer *layer)
{
    struct dropout *dropout = (struct dropout *)layer;
    int64_t stride = vector_padded(layer_values(layer->in));
    dropout->limit = (uint32_t)(layer->plan.rate * (1 << BITS) + 0.5);
    if (!layer->trains) return OK;
    return memory_new(&dropout->keep, layer->rows_max * stride, sizeof *dropout->keep);
}

static void dropout_clear(struct layer *layer)
{
    free(((struct dropout *)layer)->keep);
}

/* keep[:] of one row */
static void draw_row(const struct dropout *dropout, const struct layer_rows *rows, int64_t row,
                     float *keep)
{
    const struct layer *layer = &dropout->layer;
    uint64_t draw = (uint64_t)rows->epoch << 32 | (uint64_t)layer->number << 24;
    uint64_t number = (uint64_t)rows->number[row];
    float factor = (float)(1 << BITS) / (float)((1u << BITS) - dropout->limit);
    uint32_t bits[4] = {0};
    for (int64_t j = 0; j < layer_values(layer->in); j++) {
        int64_t at = j % DRAWS;
        if (at == 0)
            random_bits(rows->seed, RANDOM_DROPOUT, number, draw | (uint64_t)(j / DRAWS), bits);
        uint32_t drawn = bits[at / 2] >> at % 2 * BITS & ((1u << BITS) - 1);
        keep[j] = drawn < dropout->limit ? 0.0f : factor;
    }
}

VECTORISED static void multiply(const float *restrict x, const float *restrict keep, int64_t count,
                                float *restrict out)
{
    for (int64_t i = 0; i < count; i++) out[i] = x[i] * keep[i];
}

static void dropout_forward(struct layer *layer, const struct layer_rows *rows, const float *x,
                            float *out)
{
    const struct dropout *dropout = (const struct dropout *)layer;
    int64_t stride = vector_padded(layer_values(layer->in)), count = rows->count * stride;
    if (rows->number == NULL) {
        memcpy(out, x, (size_t)count * sizeof *x);
        return;
    }
    for (int64_t i = 0; i < rows->count; i++)
        draw_row(dropout, rows, i, dropout->keep + i * stride);
    multiply(x, dropout->keep, count, out);
}

static void dropout_backward(struct layer *layer, const struct layer_rows *rows, const float *x,
                             const float *out, float *delta, float *slopes, float *x_slope)
{
    const struct dropout *dropout = (const struct dropout *)layer;
    int64_t count = rows->count * vector_padded(layer_values(layer->in));
    (void)x;
    (void)out;
    (void)slopes;
    if (x_slope == NULL) return;
    if (rows->number == NULL)
        memcpy(x_slope, delta, (size_t)count * sizeof *delta);
    else
        multiply(delta, dropout->keep, count, x_slope);
}

const struct layer_kind layer_dropout = {.name = "dropout",
                                         .bytes = sizeof(struct dropout),
                                         .shape = dropout_shape,
                                         .init = dropout_init,
                                         .clear = dropout_clear,
                                         .forward = dropout_forward,
                                         .backward = dropout_backward};
