/* What is kept of the response model. */
#include "jobs/response_model.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

static enum status write_networks(const struct comm *comm, struct store *store,
                                  const struct response_ensemble *ensemble)
{
    enum status status = OK;
    const struct store_column column = {
        "weights", STORE_F32, 1, "",
        "network by network, layer by layer: weight[outputs][inputs], bias"};
    const struct store_column size = {"size", STORE_I64, 1, "", "inputs, hidden layers, outputs"};
    const struct network *network = ensemble->network[0];
    int64_t once = comm->rank == 0, each = network->weights_count;
    int64_t sizes[NETWORK_LAYERS_MAX + 1];
    float *all = NULL;
    for (int64_t l = 0; l <= network->layers; l++) sizes[l] = layer_values(network->shape[l]);
    TRY(store_write(comm, store, &size, sizes, once * (network->layers + 1)));
    TRY_ALL(comm, memory_new(&all, ensemble->members * each, sizeof *all));
    for (int k = 0; k < ensemble->members; k++)
        memcpy(all + k * each, ensemble->network[k]->weights, (size_t)each * sizeof *all);
    TRY(store_write(comm, store, &column, all, once * ensemble->members * each));
done:
    free(all);
    return status;
}

static enum status write_structured(const struct comm *comm, struct store *store,
                                    const struct response_ensemble *ensemble)
{
    enum status status = OK;
    const struct store_column column = {
        "structured", STORE_F64, 1, "",
        "logit by logit: constant and terms of a, constant and terms of log b"};
    const struct store_column terms = {
        "terms", STORE_I32, 2, "",
        "of a, then of log b: the input, and -1 or the input that it is multiplied by"};
    const struct store_column count = {"terms_a", STORE_I64, 1, "", "how many of them are of a"};
    const struct slope_logit *logit = ensemble->logit[0];
    int64_t once = comm->rank == 0, all = logit->terms_a + logit->terms_b, each = all + 2;
    double *coefficient = NULL;
    TRY_ALL(comm, memory_new(&coefficient, ensemble->members * each, sizeof *coefficient));
    for (int k = 0; k < ensemble->members; k++)
        memcpy(coefficient + k * each, ensemble->logit[k]->coefficient,
               (size_t)each * sizeof *coefficient);
    TRY(store_write(comm, store, &count, &logit->terms_a, once));
    TRY(store_write(comm, store, &terms, logit->term, once * all));
    TRY(store_write(comm, store, &column, coefficient, once * ensemble->members * each));
done:
    free(coefficient);
    return status;
}

static enum status write_scales(const struct comm *comm, struct store *store,
                                const struct response_ensemble *ensemble,
                                const struct response_effects *effects)
{
    enum status status = OK;
    const double spread[] = {effects->spread.offset, effects->spread.grouped, effects->spread.slope,
                             effects->kept_back, effects->products.spread};
    const struct calibration *c = &ensemble->calibration;
    const double calibration[] = {c->shift, c->scale_a, c->scale_b};
    const double line[] = {effects->shift, effects->scale};
    const double blend[] = {ensemble->blend.offset, ensemble->blend.slope};
    int64_t once = comm->rank == 0, inputs = ensemble->columns;
    const struct store_column mean = {"mean", STORE_F64, 1, "", "of each input"};
    const struct store_column sd = {"sd", STORE_F64, 1, "", "of each input; 0 constant"};
    const struct store_column users = {"spread", STORE_F64, 1, "",
                                       "variances of users' own effects: offset, in a category, of "
                                       "the slope; by what offers in a category tell; of products' "
                                       "effects"};
    const struct store_column scales = {"calibration", STORE_F64, 1, "",
                                        "log odds are [0] + [1] a + [2] b d"};
    const struct store_column weights = {
        "blend", STORE_F64, 1, "", "weight of the logits beside the networks: in a, in log b"};
    const struct store_column settled = {
        "settled", STORE_F64, 1, "",
        "log odds of a curve, effects included, are [0] + [1] times what they were"};
    TRY(store_write(comm, store, &mean, ensemble->mean, once * inputs));
    TRY(store_write(comm, store, &sd, ensemble->sd, once * inputs));
    TRY(store_write(comm, store, &users, spread, once * 5));
    TRY(store_write(comm, store, &scales, calibration, once * 3));
    TRY(store_write(comm, store, &weights, blend, once * 2));
    TRY(store_write(comm, store, &settled, line, once * 2));
done:
    return status;
}

enum status response_model_write(const struct comm *comm, const char *path,
                                 const struct response_ensemble *ensemble,
                                 const struct response_effects *effects)
{
    enum status status = OK;
    struct store *store = NULL;
    TRY(store_create(comm, path, &store));
    if (ensemble->network[0] != NULL) TRY(write_networks(comm, store, ensemble));
    if (ensemble->logit[0] != NULL) TRY(write_structured(comm, store, ensemble));
    TRY(write_scales(comm, store, ensemble, effects));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}
