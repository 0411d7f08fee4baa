/* Training: micro-batches in, exactly averaged gradients, the same step on every rank. */
#include "algorithms/batches.h"
#include "algorithms/gradient.h"
#include "algorithms/network.h"
#include "algorithms/network_pass.h"
#include "algorithms/vector.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Takes micro-batches of some rows through a network. */
struct runner {
    const struct network_data *data;
    enum loss loss;
    double prior_weight;
    struct network_pass pass;
    struct layer_rows rows;           /* in hand */
    int64_t *number;                  /* [rows_max] global numbers of the rows in hand */
    float *y, *weight, *dose, *prior; /* [rows_max] beside them */
};

struct fit {
    const struct network_options *options;
    struct network *model;
    struct batches train, validation;
    struct runner runner;
    struct gradient gradient;
    struct optimiser optimiser;
    int64_t bucket_layer[GRADIENT_BUCKETS_MAX + 1]; /* first layer of each bucket */
    float *mean;                                    /* [weights_count] averaged gradient */
    float *best;                                    /* [weights_count] weights of the best epoch */
};

/* ---- checks ---- */

static enum status check_row(const struct network_data *data, enum loss loss, int64_t i)
{
    long long row = (long long)(data->rows.blocks->row_first + i);
    float y = data->y[i];
    if (!isfinite(y))
        return FAIL(ERR_DATA, "the target of row %lld is missing or not finite; leave the row out",
                    row);
    if (loss_of_chances(loss) && !(y >= 0.0f && y <= 1.0f))
        return FAIL(ERR_DATA, "the target of row %lld is %g; this loss needs values from 0 to 1",
                    row, (double)y);
    if (data->weight != NULL && !(data->weight[i] >= 0.0f && isfinite(data->weight[i])))
        return FAIL(ERR_DATA, "the weight of row %lld is %g; it must be finite and not negative",
                    row, (double)data->weight[i]);
    if (loss != LOSS_STRUCTURAL) return OK;
    if (!isfinite(data->dose[i])) return FAIL(ERR_DATA, "the dose of row %lld is not finite", row);
    if (data->prior != NULL && !(data->prior[i] >= 0.0f && isfinite(data->prior[i])))
        return FAIL(ERR_DATA, "the prior of row %lld is %g; it must be positive, or 0 for none",
                    row, (double)data->prior[i]);
    return OK;
}

static enum status check_data(const struct network_data *data, const struct network *model)
{
    if (data->rows.columns != network_inputs(model))
        return FAIL(ERR_ARG, "rows of %lld columns for a network of %lld inputs",
                    (long long)data->rows.columns, (long long)network_inputs(model));
    if ((model->loss == LOSS_STRUCTURAL) != (data->dose != NULL))
        return FAIL(ERR_ARG, "doses go with the structural loss, and only with it");
    for (int64_t i = 0; i < data->rows.blocks->rows_local; i++) {
        enum status status = check_row(data, model->loss, i);
        if (status != OK) return status;
    }
    return OK;
}

static enum status check_options(const struct network_options *o)
{
    if (o->batch < 1) return FAIL(ERR_ARG, "a batch of %lld rows", (long long)o->batch);
    if (o->epochs < 1) return FAIL(ERR_ARG, "%lld epochs", (long long)o->epochs);
    if (o->patience < 0) return FAIL(ERR_ARG, "a patience of %lld", (long long)o->patience);
    if (!(o->prior_weight >= 0.0))
        return FAIL(ERR_ARG, "the prior's weight is %g; it must not be negative", o->prior_weight);
    return OK;
}

/* ---- micro-batches ---- */

static enum status runner_init(struct runner *runner, const struct network *model, int64_t rows_max,
                               int training)
{
    enum status status = OK;
    TRY(network_pass_init(&runner->pass, model, rows_max, training));
    TRY(memory_new(&runner->number, rows_max, sizeof *runner->number));
    TRY(memory_new(&runner->y, rows_max, sizeof(float)));
    TRY(memory_new(&runner->weight, rows_max, sizeof(float)));
    TRY(memory_new(&runner->dose, rows_max, sizeof(float)));
    TRY(memory_new(&runner->prior, rows_max, sizeof(float)));
done:
    return status;
}

static void runner_clear(struct runner *runner)
{
    network_pass_clear(&runner->pass);
    free(runner->number);
    free(runner->y);
    free(runner->weight);
    free(runner->dose);
    free(runner->prior);
}

static void gather(const float *from, float otherwise, const struct micro_batch *micro, float *to)
{
    for (int64_t i = 0; i < micro->rows; i++)
        to[i] = from != NULL ? from[micro->row_base + micro->row[i]] : otherwise;
}

/* Copy a micro-batch's rows into the pass, and what goes beside them. Layers know the rows' numbers
 * while they learn. */
static struct loss_rows load_micro(struct runner *runner, const struct micro_batch *micro)
{
    const struct network_data *data = runner->data;
    int64_t columns = data->rows.columns, to_stride = vector_padded(columns);
    runner->rows.count = micro->rows;
    for (int64_t i = 0; i < micro->rows; i++) {
        int64_t row = micro->row_base + micro->row[i];
        runner->number[i] = data->rows.blocks->row_first + row;
        memcpy(runner->pass.out[0] + i * to_stride, data->rows.x + row * data->rows.stride,
               (size_t)columns * sizeof(float));
    }
    gather(data->y, 0.0f, micro, runner->y);
    gather(data->weight, 1.0f, micro, runner->weight);
    gather(data->dose, 0.0f, micro, runner->dose);
    gather(data->prior, 0.0f, micro, runner->prior);
    return (struct loss_rows){runner->y, runner->weight, runner->dose, runner->prior,
                              runner->prior_weight};
}

static struct loss_sums forward_micro(struct runner *runner, const struct micro_batch *micro,
                                      float *slope)
{
    struct loss_rows beside = load_micro(runner, micro);
    struct network_pass *pass = &runner->pass;
    runner->rows.number = slope != NULL ? runner->number : NULL;
    network_pass_forward(pass, &runner->rows);
    return loss_evaluate(runner->loss, &beside, micro->rows, network_pass_stride(pass),
                         pass->out[pass->layers], slope);
}

/* ---- one step ---- */

/* Layers to buckets, a bucket at least a quarter of the weights; bucket 0 holds the first layers.
 */
static void lay_buckets(struct fit *fit, int64_t first[GRADIENT_BUCKETS_MAX + 1], int64_t *buckets)
{
    const struct network *model = fit->model;
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
    struct loss_sums sums = forward_micro(&fit->runner, micro, slope);
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

/* Wait for all buckets, whatever happens: none may stay under way. */
static enum status average(struct fit *fit, struct loss_sums *sums)
{
    struct gradient *gradient = &fit->gradient;
    enum status status = OK;
    for (int64_t b = gradient->buckets - 1; b >= 0; b--) {
        enum status bucket_status = gradient_end(gradient, b);
        if (status == OK) status = bucket_status;
    }
    *sums = gradient_loss(gradient);
    if (status != OK || sums->weight <= 0.0) return status;
    for (int64_t b = 0; b < gradient->buckets; b++)
        gradient_mean(gradient, b, sums->weight, fit->mean + gradient->first[b]);
    return status;
}

static enum status step(const struct comm *comm, struct fit *fit, int64_t step_number,
                        struct loss_sums *sums)
{
    const struct batches *train = &fit->train;
    int64_t first = train->step_first[step_number], next = train->step_first[step_number + 1];
    gradient_reset(&fit->gradient);
    for (int64_t k = first; k < next; k++) {
        struct micro_batch micro = batches_micro(train, train->by_step[k]);
        run_micro(comm, fit, &micro, k == next - 1);
    }
    for (int64_t b = fit->gradient.buckets - 1; b >= 0 && first == next; b--)
        gradient_begin(comm, &fit->gradient, b);
    enum status status = average(fit, sums);
    if (status != OK || sums->weight <= 0.0) return status;
    optimiser_clip(&fit->optimiser, fit->mean);
    optimiser_begin(&fit->optimiser);
    optimiser_move(&fit->optimiser, 0, fit->model->weights_count, fit->mean, fit->model->weights);
    network_pass_load(&fit->runner.pass, fit->model);
    return OK;
}

/* ---- epochs ---- */

static enum status diverged(int64_t epoch, int64_t step_number)
{
    return FAIL(
        ERR_NUMERIC,
        "the loss or its gradient is not finite at epoch %lld, step %lld; lower the learning "
        "rate or standardise the columns",
        (long long)epoch + 1, (long long)step_number + 1);
}

static enum status train_epoch(const struct comm *comm, struct fit *fit, int64_t epoch,
                               double *mean)
{
    double loss = 0.0, weight = 0.0;
    batches_shuffle(&fit->train, epoch);
    fit->runner.rows.seed = fit->options->seed;
    fit->runner.rows.epoch = epoch;
    for (int64_t s = 0; s < fit->train.steps; s++) {
        struct loss_sums sums;
        if (step(comm, fit, s, &sums) != OK) return diverged(epoch, s);
        loss += sums.loss;
        weight += sums.weight;
    }
    *mean = weight > 0.0 ? loss / weight : 0.0;
    return OK;
}

/* Sum the loss over micro-batches in hand; nothing is learned. */
static enum status total_loss(const struct comm *comm, struct runner *runner,
                              const struct batches *batches, double *mean)
{
    enum status status = OK;
    struct exact_sums total = {0};
    TRY_ALL(comm, exact_init(&total, 2));
    for (int64_t m = 0; m < batches->micros_local; m++) {
        struct micro_batch micro = batches_micro(batches, m);
        struct loss_sums sums = forward_micro(runner, &micro, NULL);
        exact_add_one(&total, 0, sums.loss);
        exact_add_one(&total, 1, sums.weight);
    }
    TRY(exact_reduce(comm, &total));
    double weight = exact_get(&total, 1);
    *mean = weight > 0.0 ? exact_get(&total, 0) / weight : 0.0;
done:
    exact_clear(&total);
    return status;
}

static void keep_weights(const struct fit *fit, float *to, const float *from)
{
    memcpy(to, from, (size_t)fit->model->weights_count * sizeof *to);
}

static enum status validate(const struct comm *comm, struct fit *fit, int64_t epoch,
                            struct network_history *history)
{
    double *mean = &history->validation[epoch];
    enum status status = total_loss(comm, &fit->runner, &fit->validation, mean);
    if (status == ERR_NUMERIC) return diverged(epoch, fit->train.steps - 1);
    if (status != OK) return status;
    if (epoch == 0 || *mean < history->validation[history->best_epoch]) {
        history->best_epoch = epoch;
        keep_weights(fit, fit->best, fit->model->weights);
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

static enum status run_epochs(const struct comm *comm, struct fit *fit,
                              struct network_history *history)
{
    enum status status = OK;
    const struct network_options *options = fit->options;
    bool validated = history->validation != NULL;
    for (int64_t e = 0; e < options->epochs && !history->stopped; e++) {
        TRY(train_epoch(comm, fit, e, &history->train[e]));
        history->epochs = e + 1;
        if (validated)
            TRY(validate(comm, fit, e, history));
        else
            history->best_epoch = e;
        bool waited = options->patience > 0 && e - history->best_epoch >= options->patience;
        history->stopped = waited && e + 1 < options->epochs;
        log_progress("training", e + 1, options->epochs);
    }
    if (validated && options->keep_best) keep_weights(fit, fit->model->weights, fit->best);
    TRY(check_weights(fit->model));
done:
    return status;
}

/* ---- the whole ---- */

static enum status prepare_memory(struct fit *fit, struct network_history *history)
{
    enum status status = OK;
    int64_t first[GRADIENT_BUCKETS_MAX + 1], buckets, count = fit->model->weights_count;
    int64_t epochs = fit->options->epochs;
    lay_buckets(fit, first, &buckets);
    TRY(gradient_init(&fit->gradient, buckets, first));
    TRY(optimiser_init(&fit->optimiser, &fit->options->optimiser, count,
                       epochs * fit->train.steps));
    TRY(runner_init(&fit->runner, fit->model, fit->train.micro_rows, true));
    TRY(memory_new(&fit->mean, count, sizeof *fit->mean));
    TRY(memory_new(&fit->best, count, sizeof *fit->best));
    TRY(memory_new(&history->train, epochs, sizeof *history->train));
    if (fit->validation.rows_chosen > 0)
        TRY(memory_new(&history->validation, epochs, sizeof *history->validation));
done:
    return status;
}

static enum status prepare(const struct comm *comm, struct fit *fit,
                           struct network_history *history)
{
    enum status status = OK;
    const struct network_data *data = fit->runner.data;
    const struct network_options *options = fit->options;
    const struct blocks *blocks = data->rows.blocks;
    TRY_ALL(comm, check_options(options));
    TRY_ALL(comm, check_data(data, fit->model));
    TRY(batches_init(comm, blocks, data->part, PART_TRAIN, options->batch, options->seed,
                     &fit->train));
    if (data->part != NULL)
        TRY(batches_init(comm, blocks, data->part, PART_VALIDATION, options->batch, options->seed,
                         &fit->validation));
    history->rows_train = fit->train.rows_chosen;
    history->rows_validation = fit->validation.rows_chosen;
    if (history->rows_train == 0) status = FAIL(ERR_ARG, "there are no rows to train on");
    TRY_ALL(comm, status);
    TRY_ALL(comm, prepare_memory(fit, history));
done:
    return status;
}

enum status network_fit(const struct comm *comm, const struct network_data *data,
                        const struct network_options *options, struct network *model,
                        struct network_history *history)
{
    enum status status = OK;
    struct runner runner = {
        .data = data, .loss = model->loss, .prior_weight = options->prior_weight};
    struct fit fit = {.options = options, .model = model, .runner = runner};
    struct network_history own = {0};
    TRY(prepare(comm, &fit, &own));
    TRY(run_epochs(comm, &fit, &own));
done:
    batches_clear(&fit.train);
    batches_clear(&fit.validation);
    runner_clear(&fit.runner);
    gradient_clear(&fit.gradient);
    optimiser_clear(&fit.optimiser);
    free(fit.mean);
    free(fit.best);
    if (history != NULL) *history = status == OK ? own : (struct network_history){0};
    if (history == NULL || status != OK) network_history_clear(&own);
    return status;
}

void network_history_clear(struct network_history *history)
{
    free(history->train);
    free(history->validation);
    *history = (struct network_history){0};
}

enum status network_loss(const struct comm *comm, const struct network_data *data,
                         enum network_part part, const struct network *model, double *loss,
                         int64_t *rows_counted)
{
    enum status status = OK;
    struct batches batches = {0};
    struct runner runner = {.data = data, .loss = model->loss};
    TRY_ALL(comm, check_data(data, model));
    TRY(batches_init(comm, data->rows.blocks, data->part, (uint8_t)part, 8192, 0, &batches));
    TRY_ALL(comm, runner_init(&runner, model, batches.micro_rows, false));
    TRY(total_loss(comm, &runner, &batches, loss));
    *rows_counted = batches.rows_chosen;
done:
    batches_clear(&batches);
    runner_clear(&runner);
    return status;
}

void network_split(const struct blocks *blocks, uint64_t seed, double validation, double test,
                   uint8_t *part)
{
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        double u = random_uniform(seed, RANDOM_SPLIT, (uint64_t)(blocks->row_first + i), 0);
        part[i] = u < test ? PART_TEST : u < test + validation ? PART_VALIDATION : PART_TRAIN;
    }
}
