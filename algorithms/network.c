/* The model: its weights, its start, and what it says about rows. */
#include "algorithms/network.h"

#include "algorithms/network_pass.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_ROWS = 256 };

static enum status check_size(const char *what, int64_t size)
{
    if (size >= 1 && size <= NETWORK_SIZE_MAX) return OK;
    return FAIL(ERR_ARG, "a network of %lld %s; it must be 1 to %d", (long long)size, what,
                NETWORK_SIZE_MAX);
}

static enum status check_sizes(int64_t inputs, const int64_t *hidden, int64_t hidden_count)
{
    if (hidden_count < 0 || hidden_count > NETWORK_LAYERS_MAX - 1)
        return FAIL(ERR_ARG, "%lld hidden layers; at most %d are possible", (long long)hidden_count,
                    NETWORK_LAYERS_MAX - 1);
    enum status status = check_size("inputs", inputs);
    for (int64_t h = 0; h < hidden_count && status == OK; h++)
        status = check_size("units in a hidden layer", hidden[h]);
    return status;
}

enum status network_new(int64_t inputs, const int64_t *hidden, int64_t hidden_count,
                        enum activation activation, enum loss loss, struct network **model)
{
    enum status status = OK;
    struct network *new = NULL;
    *model = NULL;
    TRY(check_sizes(inputs, hidden, hidden_count));
    TRY(memory_new(&new, 1, sizeof *new));
    new->layers = hidden_count + 1;
    new->activation = activation;
    new->loss = loss;
    new->size[0] = inputs;
    for (int64_t h = 0; h < hidden_count; h++) new->size[h + 1] = hidden[h];
    new->size[new->layers] = loss_outputs(loss);
    new->weights_count = network_layer_first(new, new->layers);
    TRY(memory_new(&new->weights, new->weights_count, sizeof *new->weights));
    *model = new;
    new = NULL;
done:
    network_free(&new);
    return status;
}

void network_free(struct network **model)
{
    if (*model == NULL) return;
    free((*model)->weights);
    free(*model);
    *model = NULL;
}

int64_t network_layer_first(const struct network *model, int64_t at)
{
    int64_t first = 0;
    for (int64_t l = 0; l < at; l++) first += dense_weights(model->size[l], model->size[l + 1]);
    return first;
}

void network_start(struct network *model, uint64_t seed)
{
    for (int64_t l = 0; l < model->layers; l++) {
        int64_t inputs = model->size[l], outputs = model->size[l + 1];
        int64_t first = network_layer_first(model, l);
        bool he = model->activation == ACTIVATION_RELU && l < model->layers - 1;
        double limit = sqrt(6.0 / (double)(he ? inputs : inputs + outputs));
        for (int64_t i = first; i < first + inputs * outputs; i++) {
            double u = random_uniform(seed, RANDOM_WEIGHTS, (uint64_t)i, 0);
            model->weights[i] = (float)(limit * (2.0 * u - 1.0));
        }
        memset(model->weights + first + inputs * outputs, 0, (size_t)outputs * sizeof(float));
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
    int64_t inputs = model->size[0], in_stride = vector_padded(inputs);
    TRY(network_pass_init(&pass, model, TILE_ROWS, 0));
    for (int64_t first = 0; first < rows; first += TILE_ROWS) {
        int64_t count = rows - first < TILE_ROWS ? rows - first : TILE_ROWS;
        for (int64_t i = 0; i < count; i++)
            memcpy(pass.out[0] + i * in_stride, x + (first + i) * stride,
                   (size_t)inputs * sizeof *x);
        network_pass_forward(&pass, count);
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
