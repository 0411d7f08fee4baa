/* Forward and backward passes over the layers. */
#include "algorithms/network_pass.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <stdlib.h>

static int64_t widest(const struct network *model)
{
    int64_t most = 0;
    for (int64_t l = 0; l <= model->layers; l++) {
        int64_t width = vector_padded(model->size[l]);
        if (width > most) most = width;
    }
    return most;
}

static int64_t largest_layer(const struct network *model)
{
    int64_t most = 0;
    for (int64_t l = 0; l < model->layers; l++) {
        int64_t size = model->size[l + 1] * vector_padded(model->size[l]);
        if (size > most) most = size;
    }
    return most;
}

static enum status init_layers(struct network_pass *pass, const struct network *model, int training)
{
    enum status status = OK;
    for (int64_t l = 0; l <= model->layers; l++) {
        int64_t floats = pass->rows_max * vector_padded(model->size[l]);
        TRY(memory_new(&pass->out[l], floats, sizeof(float)));
    }
    for (int64_t l = 0; l < model->layers; l++) {
        bool last = l == model->layers - 1;
        enum activation activation = last ? ACTIVATION_NONE : model->activation;
        TRY(dense_init(&pass->layer[l], model->size[l], model->size[l + 1], activation,
                       training && l > 0));
    }
done:
    return status;
}

enum status network_pass_init(struct network_pass *pass, const struct network *model,
                              int64_t rows_max, int training)
{
    enum status status = OK;
    *pass = (struct network_pass){.layers = model->layers, .rows_max = rows_max};
    TRY(init_layers(pass, model, training));
    if (training) {
        TRY(memory_new(&pass->delta[0], rows_max * widest(model), sizeof(float)));
        TRY(memory_new(&pass->delta[1], rows_max * widest(model), sizeof(float)));
        TRY(memory_new(&pass->weight_slope, largest_layer(model), sizeof(float)));
        TRY(memory_new(&pass->bias_slope, widest(model), sizeof(float)));
    }
    network_pass_load(pass, model);
done:
    if (status != OK) network_pass_clear(pass);
    return status;
}

void network_pass_clear(struct network_pass *pass)
{
    for (int64_t l = 0; l < NETWORK_LAYERS_MAX; l++) dense_clear(&pass->layer[l]);
    for (int64_t l = 0; l <= NETWORK_LAYERS_MAX; l++) free(pass->out[l]);
    free(pass->delta[0]);
    free(pass->delta[1]);
    free(pass->weight_slope);
    free(pass->bias_slope);
    *pass = (struct network_pass){0};
}

void network_pass_load(struct network_pass *pass, const struct network *model)
{
    for (int64_t l = 0; l < pass->layers; l++)
        dense_load(&pass->layer[l], model->weights + network_layer_first(model, l));
}

void network_pass_forward(struct network_pass *pass, int64_t rows)
{
    for (int64_t l = 0; l < pass->layers; l++)
        dense_forward(&pass->layer[l], pass->out[l], rows, pass->out[l + 1]);
}

int64_t network_pass_stride(const struct network_pass *pass)
{
    return vector_padded(pass->layer[pass->layers - 1].outputs);
}

float *network_pass_delta(struct network_pass *pass, int64_t at)
{
    return pass->delta[at % 2];
}

void network_pass_back(struct network_pass *pass, int64_t at, int64_t rows)
{
    float *before = at > 0 ? network_pass_delta(pass, at - 1) : NULL;
    dense_backward(&pass->layer[at], pass->out[at], pass->out[at + 1], rows,
                   network_pass_delta(pass, at), pass->weight_slope, pass->bias_slope, before);
}
