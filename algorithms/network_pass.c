/* Forward and backward passes over the layers. */
#include "algorithms/network_pass.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

static int64_t widest(const struct network *model)
{
    int64_t most = 0;
    for (int64_t l = 0; l <= model->layers; l++) {
        struct layer_shape shape = l < model->layers ? network_shape_in(model, l) : model->shape[l];
        int64_t width = vector_padded(layer_values(shape));
        if (width > most) most = width;
    }
    return most;
}

static int64_t largest_layer(const struct network_pass *pass)
{
    int64_t most = 0;
    for (int64_t l = 0; l < pass->layers; l++) {
        int64_t size = pass->first[l + 1] - pass->first[l];
        if (size > most) most = size;
    }
    return most;
}

/* Values of rows_max rows, and what windows at the end may read behind them. */
static enum status new_values(float **values, int64_t rows_max, int64_t width)
{
    return memory_new(values, rows_max * width + VECTOR_FLOATS, sizeof **values);
}

static enum status init_layers(struct network_pass *pass, const struct network *model,
                               bool training)
{
    enum status status = OK;
    bool learned = false; /* a layer before this one has weights */
    for (int64_t l = 0; l <= model->layers; l++) {
        int64_t width = vector_padded(layer_values(model->shape[l]));
        TRY(new_values(&pass->out[l], pass->rows_max, width));
        pass->first[l] = network_layer_first(model, l);
    }
    for (int64_t l = 0; l < model->layers; l++) {
        struct layer like = {.plan = model->plan[l],
                             .in = network_shape_in(model, l),
                             .number = l,
                             .rows_max = pass->rows_max,
                             .trains = training,
                             .slopes_in = training && learned};
        TRY(layer_new(&like, &pass->layer[l]));
        learned = learned || pass->first[l + 1] > pass->first[l];
    }
done:
    return status;
}

enum status network_pass_init(struct network_pass *pass, const struct network *model,
                              int64_t rows_max, bool training)
{
    enum status status = OK;
    struct network_join join = model->join;
    int64_t taken = layer_values(network_shape_in(model, join.at));
    *pass = (struct network_pass){.layers = model->layers, .rows_max = rows_max, .join = join};
    TRY(init_layers(pass, model, training));
    if (join.plain > 0) TRY(new_values(&pass->joined, rows_max, vector_padded(taken)));
    if (training) {
        TRY(new_values(&pass->delta[0], rows_max, widest(model)));
        TRY(new_values(&pass->delta[1], rows_max, widest(model)));
        TRY(memory_new(&pass->slopes, largest_layer(pass), sizeof(float)));
    }
    network_pass_load(pass, model);
done:
    if (status != OK) network_pass_clear(pass);
    return status;
}

void network_pass_clear(struct network_pass *pass)
{
    for (int64_t l = 0; l < NETWORK_LAYERS_MAX; l++) layer_free(&pass->layer[l]);
    for (int64_t l = 0; l <= NETWORK_LAYERS_MAX; l++) free(pass->out[l]);
    free(pass->joined);
    free(pass->delta[0]);
    free(pass->delta[1]);
    free(pass->slopes);
    *pass = (struct network_pass){0};
}

void network_pass_set_precision(struct network_pass *pass, enum gemm_precision precision)
{
    for (int64_t l = 0; l < pass->layers; l++) pass->layer[l]->precision = precision;
}

void network_pass_load(struct network_pass *pass, const struct network *model)
{
    for (int64_t l = 0; l < pass->layers; l++) {
        const struct layer_kind *kind = model->plan[l].kind;
        if (kind->load != NULL) kind->load(pass->layer[l], model->weights + pass->first[l]);
    }
}

/* ---- where plain values join ---- */

/* Values that the layers before the join hand on. */
static int64_t encoded(const struct network_pass *pass)
{
    return layer_values(pass->layer[pass->join.at]->in) - pass->join.plain;
}

static int64_t joined_stride(const struct network_pass *pass)
{
    return vector_padded(layer_values(pass->layer[pass->join.at]->in));
}

void network_pass_put(struct network_pass *pass, int64_t at, const float *x)
{
    struct layer_shape first = pass->layer[0]->in;
    int64_t plain = pass->join.plain, count = layer_values(first);
    if (plain > 0 && pass->join.at == 0) count -= plain;
    memcpy(pass->out[0] + at * vector_padded(count), x, (size_t)count * sizeof *x);
    if (plain == 0) return;
    memcpy(pass->joined + at * joined_stride(pass) + encoded(pass), x + count,
           (size_t)plain * sizeof *x);
}

static bool joins(const struct network_pass *pass, int64_t at)
{
    return pass->join.plain > 0 && at == pass->join.at;
}

/* What layer `at` takes. */
static const float *taken_by(const struct network_pass *pass, int64_t at)
{
    return joins(pass, at) ? pass->joined : pass->out[at];
}

/* Put what the layers before hand on before the plain values. */
static void join_values(struct network_pass *pass, int64_t rows)
{
    int64_t count = encoded(pass);
    layer_copy(pass->out[pass->join.at], vector_padded(count), rows, count, pass->joined,
               joined_stride(pass));
}

/* The slopes of the plain values are nobody's: keep those of the layer before, side by side. */
static void leave_plain(const struct network_pass *pass, int64_t rows, float *slopes)
{
    int64_t count = encoded(pass), from = joined_stride(pass), to = vector_padded(count);
    for (int64_t i = 0; i < rows; i++)
        memmove(slopes + i * to, slopes + i * from, (size_t)count * sizeof *slopes);
}

/* ---- forth and back ---- */

void network_pass_forward(struct network_pass *pass, const struct layer_rows *rows)
{
    for (int64_t l = 0; l < pass->layers; l++) {
        struct layer *layer = pass->layer[l];
        if (joins(pass, l)) join_values(pass, rows->count);
        layer->plan.kind->forward(layer, rows, taken_by(pass, l), pass->out[l + 1]);
    }
}

int64_t network_pass_stride(const struct network_pass *pass)
{
    return vector_padded(layer_values(pass->layer[pass->layers - 1]->out));
}

float *network_pass_delta(struct network_pass *pass, int64_t at)
{
    return pass->delta[at % 2];
}

void network_pass_back(struct network_pass *pass, int64_t at, const struct layer_rows *rows)
{
    struct layer *layer = pass->layer[at];
    float *before = layer->slopes_in ? network_pass_delta(pass, at - 1) : NULL;
    layer->plan.kind->backward(layer, rows, taken_by(pass, at), pass->out[at + 1],
                               network_pass_delta(pass, at), pass->slopes, before);
    if (before != NULL && joins(pass, at)) leave_plain(pass, rows->count, before);
}
