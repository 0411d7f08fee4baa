/* Networks by folds of users, candidates compared out of fold. */
#include "jobs/fit_response_model.h"

#include "algorithms/loss.h"
#include "algorithms/paired.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3000, EPOCHS_LEAST = 8, EPOCHS_MOST = 100 };

/* Draws by user: the fold, and whether the user is one by whom a network knows when to stop. */
enum { DRAW_FOLD = 101, DRAW_STOP };

#define STOP_SHARE 0.1

/* Where b begins: a discount of 10 % raises the odds by a third. */
#define USUAL_SLOPE 3.0

static const struct fit_response_layers usual[FIT_RESPONSE_CANDIDATES] = {{0, {0}}, {2, {32, 16}}};

void fit_response_model_clear(struct fit_response_model *model)
{
    for (int64_t k = 0; k < model->folds; k++) network_free(&model->member[k]);
    free(model->fold);
    free(model->a);
    free(model->b);
    *model = (struct fit_response_model){0};
}

enum status fit_response_member(const struct fit_response_model *model,
                                const struct fit_response_data *data, int64_t member, int64_t first,
                                int64_t count, float *a, float *b)
{
    enum status status = network_response(model->member[member], data->x + first * data->stride,
                                          count, data->stride, a, b);
    for (int64_t i = 0; i < count && status == OK; i++) b[i] = (float)((double)b[i] / model->unit);
    return status;
}

double fit_response_dose(const struct fit_response_model *model, double discount)
{
    return dose_apply(&model->shape, discount);
}

/* ---- folds ---- */

static enum status deal(const struct comm *comm, const struct fit_response_data *data,
                        const struct fit_response_options *opt, struct fit_response_model *model)
{
    enum status status = OK;
    int64_t outcomes[FIT_RESPONSE_FOLDS_MAX][2] = {{0}}, rows = data->blocks.rows_local;
    TRY_ALL(comm, memory_new(&model->fold, rows, sizeof *model->fold));
    for (int64_t i = 0; i < rows; i++) {
        model->fold[i] = (uint8_t)random_below(opt->seed, RANDOM_SPLIT, data->user[i], DRAW_FOLD,
                                               (uint64_t)opt->folds);
        outcomes[model->fold[i]][data->y[i] > 0.5f]++;
    }
    comm_sum_int64(comm, &outcomes[0][0], 2 * FIT_RESPONSE_FOLDS_MAX);
    for (int64_t k = 0; k < opt->folds; k++)
        if (outcomes[k][0] == 0 || outcomes[k][1] == 0)
            TRY(FAIL(ERR_DATA,
                     "fold %lld of %lld has %lld rows, and not both outcomes; give more rows "
                     "and users, or fewer --folds",
                     (long long)k + 1, (long long)opt->folds,
                     (long long)(outcomes[k][0] + outcomes[k][1])));
done:
    return status;
}

/* ---- training ---- */

struct training {
    const struct fit_response_data *data;
    const struct fit_response_options *opt;
    float *dose;   /* [rows_local] in units */
    uint8_t *part; /* [rows_local] */
    double chance; /* weighted mean of the outcomes */
};

static enum status training_init(const struct comm *comm, const struct fit_response_data *data,
                                 const struct fit_response_options *opt,
                                 const struct fit_response_model *model, struct training *t)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    int64_t rows = data->blocks.rows_local;
    *t = (struct training){.data = data, .opt = opt};
    TRY_ALL(comm, memory_new(&t->dose, rows, sizeof *t->dose));
    TRY_ALL(comm, memory_new(&t->part, rows, sizeof *t->part));
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t i = 0; i < rows; i++) {
        t->dose[i] = (float)(fit_response_dose(model, (double)data->dose[i]) / model->unit);
        exact_add_one(&sums, 0, (double)(data->weight[i] * data->y[i]));
        exact_add_one(&sums, 1, (double)data->weight[i]);
    }
    TRY(exact_reduce(comm, &sums));
    t->chance = (exact_get(&sums, 0) + 0.5) / (exact_get(&sums, 1) + 1.0);
done:
    exact_clear(&sums);
    return status;
}

static void training_clear(struct training *t)
{
    free(t->dose);
    free(t->part);
}

static struct network_options options_of(const struct training *t, bool linear)
{
    struct network_options options = NETWORK_DEFAULTS;
    int64_t rows = t->data->blocks.rows_total, batch = rows / 64;
    options.batch = batch < 32 ? 32 : batch > 1024 ? 1024 : batch;
    options.epochs = STEPS * options.batch / rows;
    if (options.epochs < EPOCHS_LEAST) options.epochs = EPOCHS_LEAST;
    if (options.epochs > EPOCHS_MOST) options.epochs = EPOCHS_MOST;
    if (t->opt->epochs > 0) options.epochs = t->opt->epochs;
    options.optimiser.rate = linear ? 0.02 : 0.004;
    options.optimiser.schedule = RATE_COSINE;
    options.optimiser.weight_decay = linear ? 0.0 : 0.05;
    options.seed = t->opt->seed;
    return options;
}

/* Begin at the mean chance and a usual slope, with little else. */
static void start(const struct training *t, double unit, struct network *network)
{
    float *bias = network->weights + network->weights_count - 2;
    network_start(network, t->opt->seed);
    for (int64_t w = network_layer_first(network, network->layers - 1);
         w < network->weights_count - 2; w++)
        network->weights[w] *= 0.1f;
    double slope = USUAL_SLOPE * unit;
    bias[1] = (float)log(expm1(slope));
    bias[0] = (float)(log(t->chance / (1.0 - t->chance)) - 0.5 * slope);
}

/* A linear model of many rows has nothing to overfit: it learns from all of them, to the end. */
static bool must_stop(const struct fit_response_data *data,
                      const struct fit_response_layers *layers)
{
    return layers->count > 0 || data->blocks.rows_total < 100 * data->columns;
}

static void deal_parts(const struct training *t, const struct fit_response_layers *layers,
                       const struct fit_response_model *model, int64_t k)
{
    const struct fit_response_data *data = t->data;
    bool watched = must_stop(data, layers);
    for (int64_t i = 0; i < data->blocks.rows_local; i++) {
        bool stops = watched && random_uniform(t->opt->seed, RANDOM_SPLIT, data->user[i],
                                               DRAW_STOP) < STOP_SHARE;
        t->part[i] = model->fold[i] == k ? PART_TEST : stops ? PART_VALIDATION : PART_TRAIN;
    }
}

/* The member that has not seen fold k learns from the others. */
static enum status train_member(const struct comm *comm, const struct training *t,
                                const struct network_options *options,
                                const struct fit_response_layers *layers, int64_t k,
                                struct fit_response_model *model)
{
    const struct fit_response_data *data = t->data;
    const struct network_data rows = {.rows = {&data->blocks, data->columns, data->stride, data->x},
                                      .y = data->y,
                                      .weight = data->weight,
                                      .dose = t->dose,
                                      .part = t->part};
    deal_parts(t, layers, model, k);
    return network_fit(comm, &rows, options, model->member[k], NULL);
}

/* What every row's own fold's member says of it. */
static enum status predict_out_of_fold(const struct fit_response_data *data,
                                       struct fit_response_model *model, float *a, float *b)
{
    enum { PIECE = 4096 };
    enum status status = OK;
    float piece_a[PIECE], piece_b[PIECE];
    for (int64_t k = 0; k < model->folds; k++)
        for (int64_t first = 0; first < data->blocks.rows_local; first += PIECE) {
            int64_t left = data->blocks.rows_local - first, count = left < PIECE ? left : PIECE;
            TRY(fit_response_member(model, data, k, first, count, piece_a, piece_b));
            for (int64_t i = 0; i < count; i++) {
                if (model->fold[first + i] != k) continue;
                a[first + i] = piece_a[i];
                b[first + i] = piece_b[i];
            }
        }
done:
    return status;
}

static enum status train_candidate(const struct comm *comm, struct training *t,
                                   const struct fit_response_layers *layers,
                                   struct fit_response_model *model, float *a, float *b)
{
    enum status status = OK;
    struct network_options options = options_of(t, layers->count == 0);
    for (int64_t k = 0; k < t->opt->folds; k++) {
        model->folds = k + 1;
        TRY_ALL(comm, network_new_mlp(t->data->columns, layers->units, layers->count,
                                      ACTIVATION_RELU, LOSS_STRUCTURAL, &model->member[k]));
        start(t, model->unit, model->member[k]);
        TRY(train_member(comm, t, &options, layers, k, model));
        log_progress("response networks", k + 1, t->opt->folds);
    }
    TRY_ALL(comm, predict_out_of_fold(t->data, model, a, b));
done:
    return status;
}

/* ---- choice ---- */

static double row_loss(const struct fit_response_data *data, int64_t i, double a, double b)
{
    return paired_log_loss(loss_sigmoid(a + b * (double)data->dose[i]), (double)data->y[i]);
}

/* Log loss of curves a and b out of fold, and how far it is below that of those in the model. */
static enum status compare(const struct comm *comm, const struct fit_response_data *data,
                           const struct fit_response_model *model, const float *a, const float *b,
                           struct fit_response_candidate *candidate)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double sum[PAIRED_SUMS + 1];
    TRY_ALL(comm, exact_init(&sums, PAIRED_SUMS + 1));
    for (int64_t block = 0; block < data->blocks.blocks_local; block++) {
        double partial[PAIRED_SUMS + 1] = {0};
        for (int64_t i = data->blocks.start[block]; i < data->blocks.start[block + 1]; i++) {
            double weight = (double)data->weight[i];
            double loss = row_loss(data, i, (double)a[i], (double)b[i]);
            double before = row_loss(data, i, (double)model->a[i], (double)model->b[i]);
            paired_add(partial, weight, before - loss);
            partial[PAIRED_SUMS] += weight * loss;
        }
        exact_add(&sums, 0, partial, PAIRED_SUMS + 1);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, sum, PAIRED_SUMS + 1);
    struct paired gain = paired_of(sum);
    candidate->log_loss = sum[PAIRED_SUMS] / gain.weight;
    candidate->gain = gain.mean;
    candidate->gain_error = gain.std_error;
done:
    exact_clear(&sums);
    return status;
}

/* Members of two models change places. */
static void swap_members(struct fit_response_model *x, struct fit_response_model *y)
{
    for (int k = 0; k < FIT_RESPONSE_FOLDS_MAX; k++) {
        struct network *member = x->member[k];
        x->member[k] = y->member[k];
        y->member[k] = member;
    }
}

/* Train a candidate beside the model, and let it take the place of its members if it is better. */
static enum status try_candidate(const struct comm *comm, struct training *t, int64_t at,
                                 struct fit_response_model *model)
{
    enum status status = OK;
    int64_t rows = t->data->blocks.rows_local;
    struct fit_response_candidate *candidate = &model->candidate[at];
    struct fit_response_model other = {.unit = model->unit, .fold = model->fold};
    TRY_ALL(comm, memory_new(&other.a, rows, sizeof *other.a));
    TRY_ALL(comm, memory_new(&other.b, rows, sizeof *other.b));
    TRY(train_candidate(comm, t, &candidate->layers, &other, other.a, other.b));
    if (at == 0) {
        memcpy(model->a, other.a, (size_t)rows * sizeof *model->a);
        memcpy(model->b, other.b, (size_t)rows * sizeof *model->b);
    }
    TRY(compare(comm, t->data, model, other.a, other.b, candidate));
    if (at > 0 && !(candidate->gain > candidate->gain_error)) goto done;
    model->chosen = at;
    model->folds = t->opt->folds;
    swap_members(model, &other);
    memcpy(model->a, other.a, (size_t)rows * sizeof *model->a);
    memcpy(model->b, other.b, (size_t)rows * sizeof *model->b);
done:
    other.fold = NULL;
    other.folds = FIT_RESPONSE_FOLDS_MAX;
    fit_response_model_clear(&other);
    return status;
}

enum status fit_response_train(const struct comm *comm, const struct fit_response_data *data,
                               const struct fit_response_options *opt,
                               struct fit_response_model *model)
{
    enum status status = OK;
    struct training training = {0};
    *model = (struct fit_response_model){.candidates = opt->choose ? FIT_RESPONSE_CANDIDATES : 1};
    model->unit = data->level[data->levels - 1];
    TRY(deal(comm, data, opt, model));
    TRY(training_init(comm, data, opt, model, &training));
    TRY_ALL(comm, memory_new(&model->a, data->blocks.rows_local, sizeof *model->a));
    TRY_ALL(comm, memory_new(&model->b, data->blocks.rows_local, sizeof *model->b));
    for (int64_t c = 0; c < model->candidates; c++) {
        model->candidate[c].layers = opt->choose ? usual[c] : opt->layers;
        TRY(try_candidate(comm, &training, c, model));
    }
done:
    training_clear(&training);
    return status;
}

enum status fit_response_bend(const struct comm *comm, const struct fit_response_data *data,
                              const struct fit_response_options *opt,
                              const struct dose_shape *shape, struct fit_response_model *model)
{
    enum status status = OK;
    struct training training = {0};
    const struct fit_response_layers *layers = &model->candidate[model->chosen].layers;
    model->shape = *shape;
    TRY(training_init(comm, data, opt, model, &training));
    struct network_options options = options_of(&training, layers->count == 0);
    options.epochs = (options.epochs + 1) / 2;
    for (int64_t k = 0; k < opt->folds; k++) {
        TRY(train_member(comm, &training, &options, layers, k, model));
        log_progress("networks of bent doses", k + 1, opt->folds);
    }
    TRY_ALL(comm, predict_out_of_fold(data, model, model->a, model->b));
done:
    training_clear(&training);
    return status;
}
