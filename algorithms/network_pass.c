/* Forward and backward passes over the layers. */
#include "algorithms/network_pass.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <stdlib.h>

static int64_t widest(const struct network *model)
{
    int64_t most = 0;
    for (int64_t l = 0; l <= model->layers; l++) {
        int64_t width = vector_padded(layer_values(model->shape[l]));
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
                             .in = model->shape[l],
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
    *pass = (struct network_pass){.layers = model->layers, .rows_max = rows_max};
    TRY(init_layers(pass, model, training));
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
    free(pass->delta[0]);
    free(pass->delta[1]);
    free(pass->slopes);
    *pass = (struct network_pass){0};
}

void network_pass_load(struct network_pass *pass, const struct network *model)
{
    for (int64_t l = 0; l < pass->layers; l++) {
        const struct layer_kind *kind = model->plan[l].kind;
        if (kind->load != NULL) kind->load(pass->layer[l], model->weights + pass->first[l]);
    }
}

void network_pass_forward(struct network_pass *pass, const struct layer_rows *rows)
{
    for (int64_t l = 0; l < pass->layers; l++) {
        struct layer *layer = pass->layer[l];
        layer->plan.kind->forward(layer, rows, pass->out[l], pass->out[l + 1]);
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
    layer->plan.kind->backward(layer, rows, pass->out[at], pass->out[at + 1],
                               network_pass_delta(pass, at), pass->slopes, before);
}
