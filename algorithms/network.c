/* The model: its weights, its start, and what it says about rows. */
#include "algorithms/network.h"

#include "algorithms/network_pass.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_ROWS = 256, MESSAGE_BYTES = 256 };

/* The shape after layer `at`, or an error that names the layer. */
static enum status take_layer(struct network *model, int64_t at, const struct layer_plan *plan)
{
    struct layer_shape in = network_shape_in(model, at), *out = &model->shape[at + 1];
    char why[MESSAGE_BYTES];
    enum status status = plan->kind->shape(plan, in, out);
    if (status == OK && layer_values(*out) > NETWORK_SIZE_MAX)
        status = FAIL(ERR_ARG, "it would hand on %lld values; at most %d are possible",
                      (long long)layer_values(*out), NETWORK_SIZE_MAX);
    if (status == OK) {
        model->plan[at] = *plan;
        return OK;
    }
    snprintf(why, sizeof why, "%s", status_message());
    return FAIL(status, "layer %lld of the network (%s, on %lld steps of %lld channels): %s",
                (long long)at + 1, plan->kind->name, (long long)in.steps, (long long)in.channels,
                why);
}

static enum status take_layers(struct network *model, const struct layer_plan *plan, int64_t layers)
{
    struct layer_plan head = {.kind = &layer_dense, .units = loss_outputs(model->loss)};
    struct layer_shape input = model->shape[0];
    if (layers < 0 || layers > NETWORK_LAYERS_MAX - 1)
        return FAIL(ERR_ARG, "%lld hidden layers; at most %d are possible", (long long)layers,
                    NETWORK_LAYERS_MAX - 1);
    if (input.steps < 1 || input.channels < 1 || input.steps > NETWORK_SIZE_MAX / input.channels)
        return FAIL(ERR_ARG, "a network of %lld x %lld inputs; it must be 1 to %d",
                    (long long)input.steps, (long long)input.channels, NETWORK_SIZE_MAX);
    struct network_join join = model->join;
    if (join.plain < 0 || join.plain > NETWORK_SIZE_MAX || join.at < 0 || join.at > layers)
        return FAIL(ERR_ARG, "%lld plain values that join %lld layers before layer %lld",
                    (long long)join.plain, (long long)layers, (long long)join.at + 1);
    model->layers = layers + 1;
    for (int64_t l = 0; l <= layers; l++) {
        enum status status = take_layer(model, l, l < layers ? &plan[l] : &head);
        if (status != OK) return status;
    }
    return OK;
}

enum status network_new_tower(struct layer_shape input, struct network_join join,
                              const struct layer_plan *plan, int64_t layers, enum loss loss,
                              struct network **model)
{
    enum status status = OK;
    struct network *new = NULL;
    *model = NULL;
    TRY(memory_new(&new, 1, sizeof *new));
    new->loss = loss;
    new->shape[0] = input;
    new->join = join;
    TRY(take_layers(new, plan, layers));
    new->weights_count = network_layer_first(new, new->layers);
    TRY(memory_new(&new->weights, new->weights_count, sizeof *new->weights));
    *model = new;
    new = NULL;
done:
    network_free(&new);
    return status;
}

enum status network_new(struct layer_shape input, const struct layer_plan *plan, int64_t layers,
                        enum loss loss, struct network **model)
{
    return network_new_tower(input, (struct network_join){0, 0}, plan, layers, loss, model);
}

enum status network_new_mlp(int64_t inputs, const int64_t *hidden, int64_t hidden_count,
                            enum activation activation, enum loss loss, struct network **model)
{
    struct layer_plan plan[NETWORK_LAYERS_MAX] = {{0}};
    for (int64_t h = 0; h < hidden_count && h < NETWORK_LAYERS_MAX; h++)
        plan[h] =
            (struct layer_plan){.kind = &layer_dense, .activation = activation, .units = hidden[h]};
    return network_new((struct layer_shape){1, inputs}, plan, hidden_count, loss, model);
}

void network_free(struct network **model)
{
    if (*model == NULL) return;
    free((*model)->weights);
    free(*model);
    *model = NULL;
}

int64_t network_inputs(const struct network *model)
{
    return layer_values(model->shape[0]) + model->join.plain;
}

struct layer_shape network_shape_in(const struct network *model, int64_t at)
{
    struct layer_shape shape = model->shape[at];
    if (model->join.plain == 0 || at != model->join.at) return shape;
    return (struct layer_shape){1, layer_values(shape) + model->join.plain};
}

int64_t network_layer_first(const struct network *model, int64_t at)
{
    int64_t first = 0;
    for (int64_t l = 0; l < at; l++)
        first += layer_weights(&model->plan[l], network_shape_in(model, l));
    return first;
}

void network_start(struct network *model, uint64_t seed)
{
    for (int64_t l = 0; l < model->layers; l++) {
        const struct layer_plan *plan = &model->plan[l];
        int64_t first = network_layer_first(model, l);
        if (plan->kind->start == NULL) continue;
        plan->kind->start(plan, network_shape_in(model, l), seed, first, model->weights + first);
    }
}

/* ---- rows to outputs ---- */

/* Hand the outputs of one tile on: out [rows][stride]. */
typedef void tile_taker(void *context, int64_t first, int64_t rows, int64_t stride,
                        const float *out);

static enum status run_tiles(const struct network *model, const float *x, int64_t rows,
                             int64_t stride, tile_taker *take, void *context)
{
    enum status status = OK;
    struct network_pass pass = {0};
    TRY(network_pass_init(&pass, model, TILE_ROWS, 0));
    for (int64_t first = 0; first < rows; first += TILE_ROWS) {
        int64_t count = rows - first < TILE_ROWS ? rows - first : TILE_ROWS;
        for (int64_t i = 0; i < count; i++) network_pass_put(&pass, i, x + (first + i) * stride);
        network_pass_forward(&pass, &(struct layer_rows){.count = count});
        take(context, first, count, network_pass_stride(&pass), pass.out[pass.layers]);
    }
done:
    network_pass_clear(&pass);
    return status;
}

struct prediction {
    enum loss loss;
    float *out;
};

static void take_prediction(void *context, int64_t first, int64_t rows, int64_t stride,
                            const float *out)
{
    struct prediction *to = context;
    for (int64_t i = 0; i < rows; i++) {
        float z = out[i * stride];
        to->out[first + i] = to->loss == LOSS_BCE ? (float)loss_sigmoid(z) : z;
    }
}

enum status network_apply(const struct network *model, const float *x, int64_t rows, int64_t stride,
                          float *out)
{
    struct prediction to = {model->loss, out};
    if (model->loss == LOSS_STRUCTURAL)
        return FAIL(ERR_ARG, "a network with response curves has no single prediction; use "
                             "network_response");
    return run_tiles(model, x, rows, stride, take_prediction, &to);
}

struct response {
    float *a, *b;
};

static void take_response(void *context, int64_t first, int64_t rows, int64_t stride,
                          const float *out)
{
    struct response *to = context;
    for (int64_t i = 0; i < rows; i++) {
        to->a[first + i] = out[i * stride];
        to->b[first + i] = (float)loss_softplus(out[i * stride + 1]);
    }
}

enum status network_response(const struct network *model, const float *x, int64_t rows,
                             int64_t stride, float *a, float *b)
{
    struct response to = {a, b};
    if (model->loss != LOSS_STRUCTURAL)
        return FAIL(ERR_ARG, "only a network trained with doses has response curves");
    return run_tiles(model, x, rows, stride, take_response, &to);
}
