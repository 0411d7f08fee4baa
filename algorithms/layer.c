/* What all kinds of layers share. */
#include "algorithms/layer.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t layer_weights(const struct layer_plan *plan, struct layer_shape in)
{
    return plan->kind->weights != NULL ? plan->kind->weights(plan, in) : 0;
}

enum status layer_new(const struct layer *like, struct layer **layer)
{
    enum status status = OK;
    const struct layer_kind *kind = like->plan.kind;
    struct layer *new = NULL;
    *layer = NULL;
    TRY(memory_new(&new, 1, kind->bytes));
    *new = *like;
    TRY(kind->shape(&new->plan, new->in, &new->out));
    if (kind->init != NULL) TRY(kind->init(new));
    *layer = new;
    new = NULL;
done:
    layer_free(&new);
    return status;
}

void layer_free(struct layer **layer)
{
    if (*layer == NULL) return;
    if ((*layer)->plan.kind->clear != NULL) (*layer)->plan.kind->clear(*layer);
    free(*layer);
    *layer = NULL;
}

void layer_draw(uint64_t seed, int64_t first, double limit, int64_t count, float *weights)
{
    for (int64_t i = 0; i < count; i++) {
        double u = random_uniform(seed, RANDOM_WEIGHTS, (uint64_t)(first + i), 0);
        weights[i] = (float)(limit * (2.0 * u - 1.0));
    }
}

void layer_copy(const float *from, int64_t from_stride, int64_t rows, int64_t count, float *to,
                int64_t to_stride)
{
    for (int64_t i = 0; i < rows; i++)
        memcpy(to + i * to_stride, from + i * from_stride, (size_t)count * sizeof *to);
}

VECTORISED void layer_add_rows(const float *restrict x, int64_t stride, int64_t rows,
                               int64_t columns, float *restrict sum)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) sum[j] += x[i * stride + j];
}

VECTORISED static void rectified_slopes(const float *restrict out, int64_t rows, int64_t columns,
                                        float *restrict delta, float *restrict sum)
{
    for (int64_t i = 0; i < rows * columns; i += columns)
        for (int64_t j = 0; j < columns; j++) {
            float slope = out[i + j] > 0.0f ? delta[i + j] : 0.0f;
            delta[i + j] = slope;
            sum[j] += slope;
        }
}

void layer_take_slopes(enum activation activation, const float *out, int64_t rows, int64_t columns,
                       float *delta, float *sum)
{
    if (activation == ACTIVATION_RELU) {
        rectified_slopes(out, rows, columns, delta, sum);
        return;
    }
    activation_slope(activation, out, delta, rows * columns);
    layer_add_rows(delta, columns, rows, columns, sum);
}

enum { SQUARE = 16 }; /* floats of a cache line */

/* A square at the front of both; rows and columns are at most SQUARE. */
static inline void transpose_square(const float *from, int64_t from_stride, int64_t rows,
                                    int64_t columns, float *to, int64_t to_stride)
{
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < rows; i++) to[j * to_stride + i] = from[i * from_stride + j];
}

void layer_transpose(const float *from, int64_t rows, int64_t columns, float *to, int64_t to_stride)
{
    for (int64_t i = 0; i < rows; i += SQUARE)
        for (int64_t j = 0; j < columns; j += SQUARE)
            transpose_square(from + i * columns + j, columns, smaller(SQUARE, rows - i),
                             smaller(SQUARE, columns - j), to + j * to_stride + i, to_stride);
}
