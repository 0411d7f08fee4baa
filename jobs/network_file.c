/* Networks in files. */
#include "jobs/network_file.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { KIND_BYTES = 16, SIZES = 6, SHAPES = 5 };

static const struct store_column shape_column = {"network/shape", STORE_I64, 1, "",
                                                 "steps and channels of a row's sequence, plain "
                                                 "values behind it, the layer that they join, loss "
                                                 "(0 mse, 1 huber, 2 bce, 3 structural)"};
static const struct store_column kind_column = {"network/kind", STORE_TEXT, KIND_BYTES, "",
                                                "of each layer"};
static const struct store_column size_column = {
    "network/size", STORE_I64, SIZES, "",
    "of each layer: activation (0 none, 1 relu, 2 tanh, 3 sigmoid, 4 softplus), units, width, "
    "stride, every step, codes"};
static const struct store_column rate_column = {"network/rate", STORE_F64, 1, "",
                                                "of each layer: share dropped"};
static const struct store_column weights_column = {"network/weights", STORE_F32, 1, "",
                                                   "layer by layer"};

/* The layers as the file has them. */
struct layers {
    int64_t shape[SHAPES];
    char kind[NETWORK_LAYERS_MAX][KIND_BYTES];
    int64_t size[NETWORK_LAYERS_MAX][SIZES];
    double rate[NETWORK_LAYERS_MAX];
};

static void pack(const struct network *m, struct layers *to)
{
    const int64_t shape[SHAPES] = {m->shape[0].steps, m->shape[0].channels, m->join.plain,
                                   m->join.at, (int64_t)m->loss};
    memset(to, 0, sizeof *to);
    memcpy(to->shape, shape, sizeof shape);
    for (int64_t l = 0; l < m->layers; l++) {
        const struct layer_plan *p = &m->plan[l];
        const int64_t size[SIZES] = {(int64_t)p->activation, p->units, p->width, p->stride,
                                     p->every_step,          p->codes};
        strncpy(to->kind[l], p->kind->name, KIND_BYTES - 1);
        memcpy(to->size[l], size, sizeof size);
        to->rate[l] = p->rate;
    }
}

enum status network_file_write(const struct comm *comm, struct store *store,
                               const struct network *model)
{
    enum status status = OK;
    struct layers layers;
    int64_t once = comm->rank == 0, count = once * model->layers;
    pack(model, &layers);
    TRY(store_write(comm, store, &shape_column, layers.shape, once * SHAPES));
    TRY(store_write(comm, store, &kind_column, layers.kind, count));
    TRY(store_write(comm, store, &size_column, layers.size, count));
    TRY(store_write(comm, store, &rate_column, layers.rate, count));
    TRY(store_write(comm, store, &weights_column, model->weights, once * model->weights_count));
done:
    return status;
}

/* ---- reading ---- */

static const struct layer_kind *const kinds[] = {
    &layer_dense,   &layer_convolution, &layer_max_pool, &layer_mean_pool,
    &layer_dropout, &layer_gru,         &layer_lstm,     &layer_embedding};

static enum status unpack_layer(const struct layers *from, int64_t l, struct layer_plan *plan)
{
    const int64_t *size = from->size[l];
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strncmp(from->kind[l], kinds[k]->name, KIND_BYTES) == 0) plan->kind = kinds[k];
    if (plan->kind == NULL || size[0] < ACTIVATION_NONE || size[0] > ACTIVATION_SOFTPLUS)
        return FAIL(ERR_DATA, "layer %lld of the network is of no known kind; fit it again",
                    (long long)l + 1);
    plan->activation = (enum activation)size[0];
    plan->units = size[1];
    plan->width = size[2];
    plan->stride = size[3];
    plan->every_step = size[4] != 0;
    plan->codes = size[5];
    plan->rate = from->rate[l];
    return OK;
}

static enum status unpack(const struct layers *from, int64_t count, int64_t weights,
                          struct network **model)
{
    enum status status = OK;
    struct layer_plan plan[NETWORK_LAYERS_MAX] = {{0}};
    const int64_t *s = from->shape;
    if (s[4] < LOSS_MSE || s[4] > LOSS_STRUCTURAL)
        TRY(FAIL(ERR_DATA, "the network has no known loss; fit it again"));
    for (int64_t l = 0; l < count; l++) TRY(unpack_layer(from, l, &plan[l]));
    TRY(network_new_tower((struct layer_shape){s[0], s[1]}, (struct network_join){s[2], s[3]}, plan,
                          count - 1, (enum loss)s[4], model));
    if ((*model)->weights_count != weights)
        TRY(FAIL(ERR_DATA, "the network has %lld weights, its layers need %lld; fit it again",
                 (long long)weights, (long long)(*model)->weights_count));
done:
    if (status != OK) network_free(model);
    return status == ERR_ARG ? FAIL(ERR_DATA, "%s", status_message()) : status;
}

static enum status check_rows(int64_t layers, int64_t width, int64_t weights)
{
    if (layers >= 1 && layers <= NETWORK_LAYERS_MAX && width == SIZES && weights >= 0) return OK;
    return FAIL(ERR_DATA, "the file has no network; fit it again");
}

enum status network_file_read(const struct comm *comm, const struct store *store,
                              struct network **model)
{
    enum status status = OK;
    struct layers layers = {0};
    int64_t width = 0, count = store_rows(comm, store, size_column.name, &width);
    int64_t weights = store_rows(comm, store, weights_column.name, NULL);
    *model = NULL;
    TRY_ALL(comm, check_rows(count, width, weights));
    TRY(store_read(comm, store, shape_column.name, STORE_I64, 0, SHAPES, layers.shape));
    TRY(store_read(comm, store, kind_column.name, STORE_TEXT, 0, count, layers.kind));
    TRY(store_read(comm, store, size_column.name, STORE_I64, 0, count, layers.size));
    TRY(store_read(comm, store, rate_column.name, STORE_F64, 0, count, layers.rate));
    TRY_ALL(comm, unpack(&layers, count, weights, model));
    TRY(store_read(comm, store, weights_column.name, STORE_F32, 0, weights, (*model)->weights));
done:
    if (status != OK) network_free(model);
    return status;
}
