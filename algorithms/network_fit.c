/* Training: micro-batches in, exactly averaged gradients, the same step on every rank. */
#include "algorithms/batches.h"
#include "algorithms/gemm_bf16.h"
#include "algorithms/gradient.h"
#include "algorithms/network_runner.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fit {
    const struct network_options *options;
    struct batches train, validation;
    struct network_runner runner;
    struct gradient gradient;
    int64_t bucket_layer[GRADIENT_BUCKETS_MAX + 1]; /* first layer of each bucket */
    double step_weight;                             /* of a step's rows, on average */
    float *mean;                                    /* [weights_count] averaged gradient */
    struct network_progress at;
};

/* ---- checks ---- */

static enum status check_options(const struct network_options *o)
{
    if (o->batch < 1) return FAIL(ERR_ARG, "a batch of %lld rows", (long long)o->batch);
    if (o->epochs < 1) return FAIL(ERR_ARG, "%lld epochs", (long long)o->epochs);
    if (o->patience < 0) return FAIL(ERR_ARG, "a patience of %lld", (long long)o->patience);
    if (!(o->prior_weight >= 0.0))
        return FAIL(ERR_ARG, "the prior's weight is %g; it must not be negative", o->prior_weight);
    return OK;
}

/* ---- one step ---- */

/* Layers to buckets, a bucket at least a quarter of the weights; bucket 0 holds the first layers.
 */
static void lay_buckets(struct fit *fit, int64_t first[GRADIENT_BUCKETS_MAX + 1], int64_t *buckets)
{
    const struct network *model = fit->at.model;
    int64_t count = 0, least = model->weights_count / GRADIENT_BUCKETS_MAX;
    for (int64_t l = 0; l < model->layers; l++) {
        int64_t at = network_layer_first(model, l);
        if (l > 0 && (at - first[count - 1] < least || count == GRADIENT_BUCKETS_MAX)) continue;
        fit->bucket_layer[count] = l;
        first[count++] = at;
    }
    fit->bucket_layer[count] = model->layers;
    first[count] = model->weights_count;
    *buckets = count;
}

/* Forward and back; with the rank's last micro-batch of a step every bucket goes out once it is
 * complete. */
static void run_micro(const struct comm *comm, struct fit *fit, const struct micro_batch *micro,
                      bool last)
{
    struct network_pass *pass = &fit->runner.pass;
    float *slope = network_pass_delta(pass, pass->layers - 1);
    struct loss_sums sums = network_runner_forward(&fit->runner, micro, slope);
    gradient_add_loss(&fit->gradient, sums);
    int64_t bucket = fit->gradient.buckets - 1;
    for (int64_t l = pass->layers - 1; l >= 0; l--) {
        network_pass_back(pass, l, &fit->runner.rows);
        gradient_add(&fit->gradient, bucket, pass->first[l], pass->slopes,
                     pass->first[l + 1] - pass->first[l]);
        if (l != fit->bucket_layer[bucket]) continue;
        if (last) gradient_begin(comm, &fit->gradient, bucket);
        bucket--;
    }
}

/* Sum the gradients of a step's rows over all ranks, in units that fit them. */
static enum status sum_step(const struct comm *comm, struct fit *fit, int64_t first, int64_t next,
                            struct loss_sums *sums)
{
    struct gradient *gradient = &fit->gradient;
    enum status status = OK;
    do {
        gradient_reset(gradient);
        for (int64_t k = first; k < next; k++) {
            struct micro_batch micro = batches_micro(&fit->train, fit->train.by_step[k]);
            run_micro(comm, fit, &micro, k == next - 1);
        }
        for (int64_t b = gradient->buckets - 1; b >= 0 && first == next; b--)
            gradient_begin(comm, gradient, b);
        status = gradient_end(gradient);
        *sums = gradient_loss(gradient);
    } while (status == OK && !gradient_fits(gradient));
    return status;
}

static enum status step(const struct comm *comm, struct fit *fit, int64_t step_number,
                        struct loss_sums *sums)
{
    const struct batches *train = &fit->train;
    struct gradient *gradient = &fit->gradient;
    for (int64_t b = 0; b < gradient->buckets; b++) {
        const struct gradient_bucket *bucket = &gradient->bucket[b];
        double mean = optimiser_expect(&fit->at.optimiser, bucket->first, bucket->count);
        gradient_expect(gradient, b, (mean > 0.0 ? mean : 1.0) * fit->step_weight);
    }
    enum status status = sum_step(comm, fit, train->step_first[step_number],
                                  train->step_first[step_number + 1], sums);
    if (status != OK || sums->weight <= 0.0) return status;
    for (int64_t b = 0; b < gradient->buckets; b++)
        gradient_mean(gradient, b, sums->weight, fit->mean + gradient->bucket[b].first);
    optimiser_clip(&fit->at.optimiser, fit->mean);
    optimiser_begin(&fit->at.optimiser);
    optimiser_move(&fit->at.optimiser, 0, fit->at.model->weights_count, fit->mean,
                   fit->at.model->weights);
    network_pass_load(&fit->runner.pass, fit->at.model);
    return OK;
}

/* ---- epochs ---- */

/* Where the loss went wrong: collective, since the rows to blame are looked for. */
static enum status diverged(const struct comm *comm, struct fit *fit, const struct micro_list *list,
                            bool learning)
{
    struct network_blame blame = network_runner_blame(comm, &fit->runner, list, learning);
    const char *what = learning ? "the loss or its gradient" : "the loss of the validation";
    long long epoch = (long long)fit->at.epoch + 1,
              step_number = (long long)fit->at.step + learning;
    static const char remedy[] = "lower the learning rate or standardise the columns";
    if (blame.guilty == 0)
        return FAIL(ERR_NUMERIC,
                    "%s is not finite at epoch %lld, step %lld, of its %lld rows together; %s",
                    what, epoch, step_number, (long long)blame.rows, remedy);
    return FAIL(ERR_NUMERIC,
                "%s is not finite at epoch %lld, step %lld, in %lld of its %lld rows, the first "
                "data row %lld; look at the values there, %s",
                what, epoch, step_number, (long long)blame.guilty, (long long)blame.rows,
                (long long)blame.first + 1, remedy);
}

/* Between two steps: the training may be kept, or asked to stop. */
static enum status pause_training(const struct comm *comm, const struct fit *fit)
{
    const struct network_keeper *keeper = fit->options->keeper;
    return keeper != NULL ? keeper->keep(comm, keeper->context, &fit->at) : OK;
}

static enum status train_epoch(const struct comm *comm, struct fit *fit)
{
    enum status status = OK;
    struct network_progress *at = &fit->at;
    const struct batches *train = &fit->train;
    batches_shuffle(&fit->train, at->epoch);
    fit->runner.rows.seed = fit->options->seed;
    fit->runner.rows.epoch = at->epoch;
    while (at->step < train->steps) {
        struct loss_sums sums;
        int64_t first = train->step_first[at->step];
        struct micro_list list = {train, train->by_step + first,
                                  train->step_first[at->step + 1] - first};
        if (step(comm, fit, at->step, &sums) != OK) TRY(diverged(comm, fit, &list, true));
        at->sums.loss += sums.loss;
        at->sums.weight += sums.weight;
        if (++at->step < train->steps) TRY(pause_training(comm, fit));
    }
    at->history.train[at->epoch] = at->sums.weight > 0.0 ? at->sums.loss / at->sums.weight : 0.0;
done:
    return status;
}

static void keep_weights(const struct fit *fit, float *to, const float *from)
{
    memcpy(to, from, (size_t)fit->at.model->weights_count * sizeof *to);
}

static enum status validate(const struct comm *comm, struct fit *fit)
{
    struct network_history *history = &fit->at.history;
    int64_t epoch = fit->at.epoch;
    double *mean = &history->validation[epoch];
    struct micro_list all = {&fit->validation, NULL, fit->validation.micros_local};
    enum status status = network_runner_total(comm, &fit->runner, &fit->validation, mean);
    if (status == ERR_NUMERIC) return diverged(comm, fit, &all, false);
    if (status != OK) return status;
    if (epoch == 0 || *mean < history->validation[history->best_epoch]) {
        history->best_epoch = epoch;
        keep_weights(fit, fit->at.best, fit->at.model->weights);
    }
    return OK;
}

static enum status check_weights(const struct network *model)
{
    for (int64_t i = 0; i < model->weights_count; i++)
        if (!isfinite(model->weights[i]))
            return FAIL(ERR_NUMERIC,
                        "weight %lld is not finite after training; lower the learning "
                        "rate or standardise the columns",
                        (long long)i);
    return OK;
}

/* The epoch's steps are done: judge it, and go to the next one. */
static enum status end_epoch(const struct comm *comm, struct fit *fit)
{
    struct network_progress *at = &fit->at;
    struct network_history *history = &at->history;
    const struct network_options *options = fit->options;
    int64_t epoch = at->epoch;
    enum status status = OK;
    if (history->validation != NULL)
        status = validate(comm, fit);
    else
        history->best_epoch = epoch;
    if (status != OK) return status;
    bool waited = options->patience > 0 && epoch - history->best_epoch >= options->patience;
    history->epochs = at->epoch = epoch + 1;
    history->stopped = waited && history->epochs < options->epochs;
    at->over = history->stopped || history->epochs == options->epochs;
    at->step = 0;
    at->sums = (struct loss_sums){0.0, 0.0};
    log_progress("training", history->epochs, options->epochs);
    return pause_training(comm, fit);
}

static enum status run_epochs(const struct comm *comm, struct fit *fit)
{
    enum status status = OK;
    struct network_progress *at = &fit->at;
    while (!at->over) {
        TRY(train_epoch(comm, fit));
        TRY(end_epoch(comm, fit));
    }
    if (at->history.validation != NULL && fit->options->keep_best)
        keep_weights(fit, at->model->weights, at->best);
    TRY(check_weights(at->model));
done:
    return status;
}

/* ---- the whole ---- */

/* Weight of the training rows of all ranks. */
static enum status total_weight(const struct comm *comm, const struct network_data *data,
                                double *weight)
{
    enum status status = OK;
    struct exact_sums total = {0};
    TRY_ALL(comm, exact_init(&total, 1));
    for (int64_t i = 0; i < data->rows.blocks->rows_local; i++)
        if (data->part == NULL || data->part[i] == PART_TRAIN)
            exact_add_one(&total, 0, data->weight != NULL ? data->weight[i] : 1.0);
    TRY(exact_reduce(comm, &total));
    *weight = exact_get(&total, 0);
done:
    exact_clear(&total);
    return status;
}

static enum status prepare_gradient(const struct comm *comm, struct fit *fit)
{
    int64_t first[GRADIENT_BUCKETS_MAX + 1], buckets;
    lay_buckets(fit, first, &buckets);
    return gradient_init(comm, buckets, first, fit->train.step_micros, &fit->gradient);
}

static enum status prepare_memory(struct fit *fit)
{
    enum status status = OK;
    struct network_history *history = &fit->at.history;
    int64_t count = fit->at.model->weights_count;
    int64_t epochs = fit->options->epochs;
    TRY(optimiser_init(&fit->at.optimiser, &fit->options->optimiser, count,
                       epochs * fit->train.steps));
    TRY(network_runner_init(&fit->runner, fit->at.model, fit->train.micro_rows, true));
    if (fit->options->bf16) network_pass_set_precision(&fit->runner.pass, gemm_bf16_choose());
    TRY(memory_new(&fit->mean, count, sizeof *fit->mean));
    TRY(memory_new(&fit->at.best, count, sizeof *fit->at.best));
    TRY(memory_new(&history->train, epochs, sizeof *history->train));
    if (fit->validation.rows_chosen > 0)
        TRY(memory_new(&history->validation, epochs, sizeof *history->validation));
done:
    return status;
}

/* Go on from where a checkpoint stands, if there is one. */
static enum status resume(const struct comm *comm, struct fit *fit)
{
    const struct network_keeper *keeper = fit->options->keeper;
    enum status status = keeper->restore(comm, keeper->context, &fit->at);
    if (status == OK) network_pass_load(&fit->runner.pass, fit->at.model);
    return status;
}

static enum status prepare(const struct comm *comm, struct fit *fit)
{
    enum status status = OK;
    struct network_history *history = &fit->at.history;
    const struct network_data *data = fit->runner.data;
    const struct network_options *options = fit->options;
    const struct blocks *blocks = data->rows.blocks;
    TRY_ALL(comm, check_options(options));
    TRY_ALL(comm, network_runner_check(data, fit->at.model));
    TRY(batches_init(comm, blocks, data->part, PART_TRAIN, options->batch, options->seed,
                     &fit->train));
    if (data->part != NULL)
        TRY(batches_init(comm, blocks, data->part, PART_VALIDATION, options->batch, options->seed,
                         &fit->validation));
    history->rows_train = fit->train.rows_chosen;
    history->rows_validation = fit->validation.rows_chosen;
    if (history->rows_train == 0) status = FAIL(ERR_ARG, "there are no rows to train on");
    TRY_ALL(comm, status);
    TRY(total_weight(comm, data, &fit->step_weight));
    fit->step_weight /= (double)fit->train.steps;
    TRY(prepare_gradient(comm, fit));
    TRY_ALL(comm, prepare_memory(fit));
    if (options->keeper != NULL) TRY(resume(comm, fit));
done:
    return status;
}

enum status network_fit(const struct comm *comm, const struct network_data *data,
                        const struct network_options *options, struct network *model,
                        struct network_history *history)
{
    enum status status = OK;
    struct network_runner runner = {
        .data = data, .loss = model->loss, .prior_weight = options->prior_weight};
    struct fit fit = {.options = options, .runner = runner, .at = {.model = model}};
    struct network_history *own = &fit.at.history;
    TRY(prepare(comm, &fit));
    TRY(run_epochs(comm, &fit));
done:
    batches_clear(&fit.train);
    batches_clear(&fit.validation);
    network_runner_clear(&fit.runner);
    gradient_clear(&fit.gradient);
    optimiser_clear(&fit.at.optimiser);
    free(fit.mean);
    free(fit.at.best);
    if (history != NULL) *history = status == OK ? *own : (struct network_history){0};
    if (history == NULL || status != OK) network_history_clear(own);
    return status;
}

void network_history_clear(struct network_history *history)
{
    free(history->train);
    free(history->validation);
    *history = (struct network_history){0};
}
