/* The respond stage: train the response network on all ranks, then draw every candidate's curve. */
#include "algorithms/metrics.h"
#include "algorithms/standardise.h"
#include "io/store.h"
#include "jobs/labels.h"
#include "jobs/response_bend.h"
#include "jobs/response_calibration.h"
#include "jobs/response_network.h"
#include "jobs/response_rows.h"
#include "jobs/response_score.h"
#include "jobs/response_sequence.h"
#include "jobs/run.h"
#include "jobs/training.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the slope b begins, before softplus: a discount of 10 % raises the odds by about a
 * third. */
#define USUAL_SLOPE 3.0f

/* ---- training ---- */

static enum status scale_rows(const struct comm *comm, const struct run *run,
                              struct response_rows *rows, struct response_ensemble *ensemble)
{
    enum status status = OK;
    struct rows view = {&rows->blocks, rows->columns, rows->stride, rows->x};
    ensemble->columns = rows->columns;
    ensemble->stride = rows->stride;
    TRY_ALL(comm, memory_new(&ensemble->mean, rows->columns, sizeof *ensemble->mean));
    TRY_ALL(comm, memory_new(&ensemble->sd, rows->columns, sizeof *ensemble->sd));
    TRY(standardise_measure_rows(comm, &view, ensemble->mean, ensemble->sd));
    response_sequence_keep_scale(response_network_events(run->config), ensemble->mean,
                                 ensemble->sd);
    response_ensemble_scale(ensemble, rows->blocks.rows_local, rows->x);
done:
    return status;
}

static struct network_data data_of(const struct response_rows *rows)
{
    return (struct network_data){.rows = {&rows->blocks, rows->columns, rows->stride, rows->x},
                                 .y = rows->y,
                                 .weight = rows->weight,
                                 .dose = rows->dose,
                                 .prior = rows->prior,
                                 .part = rows->part};
}

/* About 400 steps an epoch, whatever the size of the shop, within what keeps gradients fresh and
 * ranks busy. */
static int64_t usual_batch(int64_t rows)
{
    int64_t batch = rows / 400;
    return batch < 256 ? 256 : batch > 4096 ? 4096 : batch;
}

static struct network_options options_of(const struct run *run, int64_t rows)
{
    struct network_options options = NETWORK_DEFAULTS;
    options.optimiser.rate = config_number(run->config, "respond.rate");
    options.optimiser.schedule = RATE_COSINE;
    options.batch = config_has(run->config, "respond.batch")
                        ? config_integer(run->config, "respond.batch")
                        : usual_batch(rows);
    options.epochs = config_integer(run->config, "respond.epochs");
    options.prior_weight = config_number(run->config, "respond.prior");
    options.seed = run->seed;
    options.bf16 = config_is(run->config, "respond.precision", "bf16");
    return options;
}

/* Begin at the mean chance of buying and a usual slope: epochs are not spent on finding them. */
static enum status start_network(const struct comm *comm, const struct response_rows *rows,
                                 uint64_t seed, struct network *network)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    float *bias = network->weights + network->weights_count - 2;
    network_start(network, seed);
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        exact_add_one(&sums, 0, (double)(rows->weight[i] * rows->y[i]));
        exact_add_one(&sums, 1, (double)rows->weight[i]);
    }
    TRY(exact_reduce(comm, &sums));
    double bought = exact_get(&sums, 0) + 0.5, all = exact_get(&sums, 1) + 1.0;
    bias[0] = (float)log(bought / (all - bought));
    bias[1] = USUAL_SLOPE; /* softplus(3) = 3.05 */
done:
    exact_clear(&sums);
    return status;
}

static void tell_epoch(const struct network_history *history, int64_t e)
{
    if (history->validation == NULL)
        log_info("    epoch %lld: training loss %.6f", (long long)e + 1, history->train[e]);
    else
        log_info("    epoch %lld: training loss %.6f, held-out loss %.6f", (long long)e + 1,
                 history->train[e], history->validation[e]);
}

/* Of its checkpoint. */
static void name_member(int member, bool bent, char *name, size_t size)
{
    snprintf(name, size,
             bent         ? "respond-bent-%d"
             : member > 0 ? "respond-%d"
                          : "respond",
             member + 1);
}

static enum status train(const struct comm *comm, const struct run *run, int member,
                         const struct response_rows *rows, struct response_ensemble *ensemble)
{
    enum status status = OK;
    char name[32];
    struct network_history history = {0};
    struct network_options options = options_of(run, rows->blocks.rows_total);
    struct network_data data = data_of(rows);
    options.seed += (uint64_t)member;
    name_member(member, ensemble->shape.knots > 0, name, sizeof name);
    network_free(&ensemble->network[member]);
    TRY_ALL(comm, response_network_new(run->config, rows->columns, &ensemble->network[member]));
    data.rows.columns = network_inputs(ensemble->network[member]);
    TRY(start_network(comm, rows, options.seed, ensemble->network[member]));
    TRY(training_fit_in_run(comm, run, name, &data, &options, ensemble->network[member], &history));
    log_info("  network %d of %d: %lld training rows, %lld held out, %lld inputs, %lld weights",
             member + 1, ensemble->members, (long long)history.rows_train,
             (long long)history.rows_validation, (long long)rows->columns,
             (long long)ensemble->network[member]->weights_count);
    for (int64_t e = 0; e < history.epochs; e++) tell_epoch(&history, e);
done:
    network_history_clear(&history);
    return status;
}

static enum status train_all(const struct comm *comm, const struct run *run,
                             struct response_rows *rows, struct response_ensemble *ensemble)
{
    enum status status = OK;
    for (int k = 0; k < ensemble->members; k++) {
        if (ensemble->members > 1) response_rows_hold(comm, k, rows);
        TRY(train(comm, run, k, rows, ensemble));
    }
done:
    return status;
}

/* Log loss of predicting the observed share for everyone. */
static double entropy(int64_t positives, int64_t rows)
{
    double p = (double)positives / (double)rows;
    if (p <= 0.0 || p >= 1.0) return 0.0;
    return -p * log(p) - (1.0 - p) * log(1.0 - p);
}

/* Curves of rows by the members that have not learned from them. */
static enum status draw_rows(const struct response_rows *rows,
                             const struct response_ensemble *ensemble, float *a, float *b)
{
    enum status status = OK;
    float *member_a = NULL, *member_b = NULL;
    int64_t count = rows->blocks.rows_local;
    TRY(memory_new(&member_a, count, sizeof *member_a));
    TRY(memory_new(&member_b, count, sizeof *member_b));
    for (int k = 0; k < ensemble->members; k++) {
        TRY(network_response(ensemble->network[k], rows->x, count, rows->stride, member_a,
                             member_b));
        for (int64_t i = 0; i < count; i++) {
            if (rows->member[i] != k) continue;
            a[i] = member_a[i];
            b[i] = member_b[i];
        }
    }
done:
    free(member_a);
    free(member_b);
    return status;
}

/* Train, and where outcomes say that the response bends, once more on the bent dose. a, b: room. */
static enum status train_to_shape(const struct comm *comm, const struct run *run,
                                  struct response_rows *rows, struct response_ensemble *ensemble,
                                  float *a, float *b)
{
    enum status status = OK;
    TRY(train_all(comm, run, rows, ensemble));
    TRY_ALL(comm, draw_rows(rows, ensemble, a, b));
    if (rows->observational || ensemble->members < 2) goto done;
    TRY(response_bend_find(comm, rows, a, b, &ensemble->shape));
    if (ensemble->shape.knots == 0) goto done;
    response_bend_rows(&ensemble->shape, rows);
    TRY(train_all(comm, run, rows, ensemble));
    TRY_ALL(comm, draw_rows(rows, ensemble, a, b));
done:
    return status;
}

/* How well the curves order and match the held-out rows: with several members all rows. a becomes
 * the chances. */
static enum status judge(const struct comm *comm, const struct run *run, struct response_rows *rows,
                         struct response_ensemble *ensemble, float *a, const float *b)
{
    enum status status = OK;
    struct metrics_binary measured;
    int64_t count = rows->blocks.rows_local;
    for (int64_t i = 0; i < count && ensemble->members > 1; i++) rows->part[i] = PART_VALIDATION;
    TRY(response_calibrate(comm, run, rows, a, b, &ensemble->calibration));
    for (int64_t i = 0; i < count; i++)
        a[i] = (float)curves_chance((double)a[i], (double)b[i], (double)rows->dose[i]);
    struct metrics_rows judged = {&rows->blocks, rows->y, a, rows->part, PART_VALIDATION};
    TRY(metrics_binary(comm, &judged, &measured));
    if (measured.positives == 0 || measured.positives == measured.rows) goto done;
    log_info("  held-out rows: AUC %.4f, %lld bought of %lld", measured.auc,
             (long long)measured.positives, (long long)measured.rows);
    if (!rows->observational) /* drawn rows have weights, which a plain log loss leaves out */
        log_info("  held-out log loss without weights %.6f, of the mean chance alone %.6f",
                 measured.log_loss, entropy(measured.positives, measured.rows));
done:
    return status;
}

static enum status fit_model(const struct comm *comm, const struct run *run,
                             const struct response_context *context,
                             const struct candidates *candidates,
                             struct response_ensemble *ensemble)
{
    enum status status = OK;
    struct response_rows rows = {0};
    float *a = NULL, *b = NULL;
    struct response_rows_options options = {
        .holdout = config_number(run->config, "respond.holdout"),
        .negatives = config_integer(run->config, "respond.negatives"),
        .members = (int)config_integer(run->config, "respond.folds"),
        .seed = run->seed};
    ensemble->members = options.members;
    TRY(response_rows_make(comm, context, candidates, &options, &rows));
    ensemble->observational = rows.observational;
    TRY(scale_rows(comm, run, &rows, ensemble));
    TRY_ALL(comm, memory_new(&a, rows.blocks.rows_local, sizeof *a));
    TRY_ALL(comm, memory_new(&b, rows.blocks.rows_local, sizeof *b));
    TRY(train_to_shape(comm, run, &rows, ensemble, a, b));
    TRY(judge(comm, run, &rows, ensemble, a, b));
done:
    free(a);
    free(b);
    response_rows_clear(&rows);
    return status;
}

static enum status write_weights(const struct comm *comm, struct store *store,
                                 const struct response_ensemble *ensemble)
{
    enum status status = OK;
    const struct store_column column = {
        "weights", STORE_F32, 1, "",
        "network by network, layer by layer: weight[outputs][inputs], bias"};
    int64_t once = comm->rank == 0, each = ensemble->network[0]->weights_count;
    float *all = NULL;
    TRY_ALL(comm, memory_new(&all, ensemble->members * each, sizeof *all));
    for (int k = 0; k < ensemble->members; k++)
        memcpy(all + k * each, ensemble->network[k]->weights, (size_t)each * sizeof *all);
    TRY(store_write(comm, store, &column, all, once * ensemble->members * each));
done:
    free(all);
    return status;
}

static enum status write_model(const struct comm *comm, const struct run *run,
                               const struct response_ensemble *ensemble,
                               const struct response_effects *effects)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct network *network = ensemble->network[0];
    const double spread[] = {effects->spread.offset, effects->spread.grouped, effects->spread.slope,
                             effects->kept_back};
    const struct calibration *c = &ensemble->calibration;
    const double calibration[] = {c->shift, c->scale_a, c->scale_b};
    int64_t once = comm->rank == 0, inputs = network_inputs(network);
    int64_t sizes[NETWORK_LAYERS_MAX + 1];
    const struct store_column size = {"size", STORE_I64, 1, "", "inputs, hidden layers, outputs"};
    const struct store_column mean = {"mean", STORE_F64, 1, "", "of each input"};
    const struct store_column sd = {"sd", STORE_F64, 1, "", "of each input; 0 constant"};
    const struct store_column users = {"spread", STORE_F64, 1, "",
                                       "variances of users' own effects: offset, in a category, of "
                                       "the slope; by what offers in a category tell"};
    const struct store_column scales = {"calibration", STORE_F64, 1, "",
                                        "log odds are [0] + [1] a + [2] b d"};
    TRY(store_create(comm, run_path(run, "model.h5"), &store));
    for (int64_t l = 0; l <= network->layers; l++) sizes[l] = layer_values(network->shape[l]);
    TRY(store_write(comm, store, &size, sizes, once * (network->layers + 1)));
    TRY(write_weights(comm, store, ensemble));
    TRY(store_write(comm, store, &mean, ensemble->mean, once * inputs));
    TRY(store_write(comm, store, &sd, ensemble->sd, once * inputs));
    TRY(store_write(comm, store, &users, spread, once * 4));
    TRY(store_write(comm, store, &scales, calibration, once * 3));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static enum status forget_checkpoints(const struct comm *comm, const struct run *run, int members)
{
    enum status status = OK;
    for (int k = 0; k < 2 * members; k++) {
        char name[32];
        name_member(k % members, k >= members, name, sizeof name);
        TRY(training_forget_in_run(comm, run, name));
    }
done:
    return status;
}

static enum status respond_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct demand demand = {0};
    struct candidates candidates = {0};
    struct response_context context = {0};
    struct response_ensemble ensemble = {0};
    struct response_effects effects = {0};
    struct curves curves = {0};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_ALL, &dataset));
    const struct blocks *blocks = &dataset->users.blocks;
    TRY(demand_read(comm, run_path(run, "demand.h5"), &demand));
    TRY(candidates_read(comm, run_path(run, "candidates.h5"), blocks, &candidates));
    TRY(response_context_make(comm, dataset, &demand, &context));
    TRY(response_context_classify(comm, &context));
    response_context_begin_with(&context, response_network_events(run->config));
    TRY(fit_model(comm, run, &context, &candidates, &ensemble));
    TRY(response_effects_make(comm, &context, &ensemble, &effects));
    TRY(write_model(comm, run, &ensemble, &effects));
    TRY_ALL(comm, response_score(&context, &candidates, &ensemble, &effects, &curves));
    TRY(curves_write(comm, run_path(run, "curves.h5"), blocks, &curves));
    TRY(labels_learn(comm, run, dataset));
    TRY(forget_checkpoints(comm, run, ensemble.members));
done:
    curves_clear(&curves);
    response_effects_clear(&effects);
    response_ensemble_clear(&ensemble);
    response_context_clear(&context);
    candidates_clear(&candidates);
    demand_clear(&demand);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"respond", NULL};
static const char *const needs[] = {"demand", "recommend", NULL};
static const char *const outputs[] = {"model.h5", "curves.h5", "response.json", "labels.h5", NULL};

const struct stage stage_respond = {
    .name = "respond",
    .does = "the chance of buying at each discount, for every user and candidate",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = respond_run,
};
