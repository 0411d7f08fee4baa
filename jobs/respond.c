/* The respond stage: train the response network on all ranks, then draw every candidate's curve. */
#include "algorithms/metrics.h"
#include "algorithms/standardise.h"
#include "io/store.h"
#include "jobs/curves.h"
#include "jobs/response_rows.h"
#include "jobs/run.h"
#include "jobs/training.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { CHUNK_USERS = 512 };

/* Standard deviations at which inputs are cut off: candidates may lie where no offer was ever
 * made. */
#define INPUT_LIMIT 3.0f

/* Where the slope b begins, before softplus: a discount of 10 % raises the odds by about a
 * third. */
#define USUAL_SLOPE 3.0f

/* A trained network and the scale of its inputs. */
struct model {
    struct network *network;
    double *mean, *sd; /* [columns] */
    bool observational;
};

static void model_clear(struct model *model)
{
    network_free(&model->network);
    free(model->mean);
    free(model->sd);
}

/* ---- training ---- */

static enum status scale_rows(const struct comm *comm, struct response_rows *rows,
                              struct model *model)
{
    enum status status = OK;
    struct rows view = {&rows->blocks, rows->columns, rows->stride, rows->x};
    TRY_ALL(comm, memory_new(&model->mean, rows->columns, sizeof *model->mean));
    TRY_ALL(comm, memory_new(&model->sd, rows->columns, sizeof *model->sd));
    TRY(standardise_measure_rows(comm, &view, model->mean, model->sd));
    standardise_in_place(rows->x, rows->blocks.rows_local, rows->columns, rows->stride, model->mean,
                         model->sd, INPUT_LIMIT);
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

static enum status train(const struct comm *comm, const struct run *run, struct response_rows *rows,
                         struct model *model)
{
    enum status status = OK;
    struct network_history history = {0};
    const int64_t *hidden = NULL;
    int64_t layers = config_integers(run->config, "respond.layers", &hidden);
    struct network_options options = options_of(run, rows->blocks.rows_total);
    struct network_data data = data_of(rows);
    TRY_ALL(comm, network_new_mlp(rows->columns, hidden, layers, ACTIVATION_RELU, LOSS_STRUCTURAL,
                                  &model->network));
    TRY(start_network(comm, rows, run->seed, model->network));
    TRY(training_fit_in_run(comm, run, "respond", &data, &options, model->network, &history));
    log_info("  %lld training rows, %lld held out, %lld inputs, %lld weights",
             (long long)history.rows_train, (long long)history.rows_validation,
             (long long)rows->columns, (long long)model->network->weights_count);
    for (int64_t e = 0; e < history.epochs; e++) tell_epoch(&history, e);
done:
    network_history_clear(&history);
    return status;
}

/* Log loss of predicting the observed share for everyone. */
static double entropy(int64_t positives, int64_t rows)
{
    double p = (double)positives / (double)rows;
    if (p <= 0.0 || p >= 1.0) return 0.0;
    return -p * log(p) - (1.0 - p) * log(1.0 - p);
}

/* How well the curves order and match the held-out rows. */
static enum status judge(const struct comm *comm, const struct response_rows *rows,
                         const struct model *model)
{
    enum status status = OK;
    struct metrics_binary measured;
    float *a = NULL, *b = NULL;
    int64_t count = rows->blocks.rows_local;
    TRY_ALL(comm, memory_new(&a, count, sizeof *a));
    TRY_ALL(comm, memory_new(&b, count, sizeof *b));
    TRY_ALL(comm, network_response(model->network, rows->x, count, rows->stride, a, b));
    for (int64_t i = 0; i < count; i++)
        a[i] = (float)curves_chance((double)a[i], (double)b[i], (double)rows->dose[i]);
    struct metrics_rows judged = {&rows->blocks, rows->y, a, rows->part, PART_VALIDATION};
    TRY(metrics_binary(comm, &judged, &measured));
    if (measured.rows == 0) goto done;
    log_info("  held-out rows: AUC %.4f, %lld bought of %lld", measured.auc,
             (long long)measured.positives, (long long)measured.rows);
    if (!rows->observational) /* drawn rows have weights, which a plain log loss leaves out */
        log_info("  held-out log loss without weights %.6f, of the mean chance alone %.6f",
                 measured.log_loss, entropy(measured.positives, measured.rows));
done:
    free(a);
    free(b);
    return status;
}

static enum status fit_model(const struct comm *comm, const struct run *run,
                             const struct response_context *context,
                             const struct candidates *candidates, struct model *model)
{
    enum status status = OK;
    struct response_rows rows = {0};
    struct response_rows_options options = {
        .holdout = config_number(run->config, "respond.holdout"),
        .negatives = config_integer(run->config, "respond.negatives"),
        .seed = run->seed};
    TRY(response_rows_make(comm, context, candidates, &options, &rows));
    model->observational = rows.observational;
    TRY(scale_rows(comm, &rows, model));
    TRY(train(comm, run, &rows, model));
    TRY(judge(comm, &rows, model));
done:
    response_rows_clear(&rows);
    return status;
}

static enum status write_model(const struct comm *comm, const struct run *run,
                               const struct model *model)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct network *network = model->network;
    int64_t once = comm->rank == 0, inputs = network_inputs(network);
    int64_t sizes[NETWORK_LAYERS_MAX + 1];
    const struct store_column size = {"size", STORE_I64, 1, "", "inputs, hidden layers, outputs"};
    const struct store_column weights = {"weights", STORE_F32, 1, "",
                                         "layer by layer: weight[outputs][inputs], bias"};
    const struct store_column mean = {"mean", STORE_F64, 1, "", "of each input"};
    const struct store_column sd = {"sd", STORE_F64, 1, "", "of each input; 0 constant"};
    TRY(store_create(comm, run_path(run, "model.h5"), &store));
    for (int64_t l = 0; l <= network->layers; l++) sizes[l] = layer_values(network->shape[l]);
    TRY(store_write(comm, store, &size, sizes, once * (network->layers + 1)));
    TRY(store_write(comm, store, &weights, network->weights, once * network->weights_count));
    TRY(store_write(comm, store, &mean, model->mean, once * inputs));
    TRY(store_write(comm, store, &sd, model->sd, once * inputs));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

/* ---- scoring ---- */

struct scorer {
    const struct response_context *context;
    const struct candidates *candidates;
    const struct model *model;
    int64_t stride, slots;
    float *x; /* [CHUNK_USERS slots][stride] */
};

static enum status score_chunk(const struct scorer *scorer, int64_t first, int64_t next,
                               struct curves *curves)
{
    int64_t slots = scorer->slots, rows = (next - first) * slots;
    int64_t columns = scorer->context->columns;
    const struct response_moment now = {scorer->context->dataset->time_last + 1, -1, false};
    for (int64_t i = 0; i < rows; i++) {
        int32_t product = scorer->candidates->product[first * slots + i];
        response_features(scorer->context, first + i / slots, product >= 0 ? product : 0, &now,
                          scorer->x + i * scorer->stride);
    }
    standardise_in_place(scorer->x, rows, columns, scorer->stride, scorer->model->mean,
                         scorer->model->sd, INPUT_LIMIT);
    return network_response(scorer->model->network, scorer->x, rows, scorer->stride,
                            curves->a + first * slots, curves->b + first * slots);
}

static enum status score(const struct response_context *context,
                         const struct candidates *candidates, const struct model *model,
                         struct curves *curves)
{
    enum status status = OK;
    int64_t users = context->dataset->users.blocks.rows_local, slots = candidates->slots;
    struct scorer scorer = {context, candidates, model, (context->columns + 15) / 16 * 16,
                            slots,   NULL};
    *curves = (struct curves){.slots = slots, .observational = model->observational};
    TRY(memory_new(&curves->a, users * slots, sizeof *curves->a));
    TRY(memory_new(&curves->b, users * slots, sizeof *curves->b));
    TRY(memory_new(&scorer.x, CHUNK_USERS * slots * scorer.stride, sizeof *scorer.x));
    for (int64_t first = 0; first < users; first += CHUNK_USERS) {
        int64_t next = first + CHUNK_USERS < users ? first + CHUNK_USERS : users;
        TRY(score_chunk(&scorer, first, next, curves));
        log_progress("response curves", next, users);
    }
done:
    free(scorer.x);
    return status;
}

static enum status respond_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct demand demand = {0};
    struct candidates candidates = {0};
    struct response_context context = {0};
    struct model model = {0};
    struct curves curves = {0};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_ALL, &dataset));
    const struct blocks *blocks = &dataset->users.blocks;
    TRY(demand_read(comm, run_path(run, "demand.h5"), &demand));
    TRY(candidates_read(comm, run_path(run, "candidates.h5"), blocks, &candidates));
    TRY(response_context_make(comm, dataset, &demand, &context));
    TRY(fit_model(comm, run, &context, &candidates, &model));
    TRY(write_model(comm, run, &model));
    TRY_ALL(comm, score(&context, &candidates, &model, &curves));
    TRY(curves_write(comm, run_path(run, "curves.h5"), blocks, &curves));
    TRY(training_forget_in_run(comm, run, "respond"));
done:
    curves_clear(&curves);
    model_clear(&model);
    response_context_clear(&context);
    candidates_clear(&candidates);
    demand_clear(&demand);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"respond", NULL};
static const char *const needs[] = {"demand", "recommend", NULL};
static const char *const outputs[] = {"model.h5", "curves.h5", NULL};

const struct stage stage_respond = {
    .name = "respond",
    .does = "the chance of buying at each discount, for every user and candidate",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = respond_run,
};
