/* `remise fit mlp`, cnn, gru, lstm and tower: a network trained on one table, and how good it is on
 * rows it did not see. */
#include "jobs/fit_network.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- layers ---- */

struct plans {
    struct layer_plan *plan; /* [NETWORK_LAYERS_MAX] */
    int64_t count;           /* may grow beyond it; only what fits is kept */
};

static void append(struct plans *plans, struct layer_plan plan)
{
    if (plans->count < NETWORK_LAYERS_MAX) plans->plan[plans->count] = plan;
    plans->count++;
}

static void append_sequence(const struct fit_network *opt, struct plans *plans)
{
    if (opt->source.codes > 0)
        append(plans, (struct layer_plan){.kind = &layer_embedding,
                                          .codes = opt->source.codes,
                                          .units = opt->embed});
    for (int64_t k = 0; k < opt->units.count; k++) {
        append(plans, (struct layer_plan){.kind = opt->sequence_kind,
                                          .units = opt->units.size[k],
                                          .width = opt->width,
                                          .activation = opt->activation,
                                          .every_step = k < opt->units.count - 1});
        if (opt->pool > 1)
            append(plans, (struct layer_plan){.kind = opt->pool_kind, .width = opt->pool});
    }
}

enum status fit_network_lay(const struct fit_network *options, struct layer_plan *plan,
                            int64_t *layers, int64_t *encoder)
{
    struct plans plans = {.plan = plan};
    if (options->sequence_kind != NULL) append_sequence(options, &plans);
    *encoder = plans.count;
    for (int64_t h = 0; h <= options->hidden.count; h++) {
        if (options->dropout > 0.0 && plans.count + h > 0)
            append(&plans, (struct layer_plan){.kind = &layer_dropout, .rate = options->dropout});
        if (h < options->hidden.count)
            append(&plans, (struct layer_plan){.kind = &layer_dense,
                                               .units = options->hidden.size[h],
                                               .activation = options->activation});
    }
    *layers = plans.count;
    if (plans.count < NETWORK_LAYERS_MAX) return OK;
    return FAIL(ERR_ARG, "%" PRId64 " layers, pools and dropouts counted; at most %d are possible",
                plans.count + 1, NETWORK_LAYERS_MAX);
}

static bool windows_suit(const struct fit_network *opt, int64_t steps)
{
    for (int64_t k = 0; k < opt->units.count && steps > 0; k++) {
        steps -= opt->width - 1;
        if (opt->pool > 1 && steps > 0) steps /= opt->pool;
    }
    return steps > 0;
}

/* Convolutions that nobody chose, on a short sequence: pools go, then layers, then width. */
static void shorten_windows(struct fit_network *opt, int64_t steps)
{
    if (opt->sequence_kind != &layer_convolution || opt->windows_said) return;
    if (!windows_suit(opt, steps)) opt->pool = 0;
    while (!windows_suit(opt, steps) && opt->units.count > 1) opt->units.count--;
    if (!windows_suit(opt, steps)) opt->width = steps;
}

/* ---- training ---- */

/* Balanced: each outcome has half of the weight of all training rows. */
static enum status weigh_classes(const struct comm *comm, const struct fit_network *opt,
                                 const struct fit_network_data *data, float **weight)
{
    enum status status = OK;
    int64_t rows = data->blocks->rows_local, count[2] = {0, 0};
    double by[2] = {opt->class_weight[0], opt->class_weight[1]};
    if (opt->classes == CLASS_WEIGHTS_NONE) return OK;
    for (int64_t i = 0; i < rows; i++)
        if (data->part[i] == PART_TRAIN) count[data->y[i] > 0.5f]++;
    comm_sum_int64(comm, count, 2);
    for (int64_t k = 0; k < 2 && opt->classes == CLASS_WEIGHTS_BALANCED; k++)
        by[k] = count[k] > 0 ? (double)(count[0] + count[1]) / (2.0 * (double)count[k]) : 1.0;
    TRY_ALL(comm, memory_new(weight, rows, sizeof **weight));
    for (int64_t i = 0; i < rows; i++) (*weight)[i] = (float)by[data->y[i] > 0.5f];
done:
    return status;
}

/* Random weights for the layers that the options ask for. */
static enum status begin(struct fit_network *opt, const struct fit_network_data *data,
                         struct network **model)
{
    enum status status = OK;
    struct layer_plan plan[NETWORK_LAYERS_MAX];
    int64_t layers = 0;
    struct network_join join = {.plain = data->plain};
    shorten_windows(opt, data->shape.steps);
    TRY(fit_network_lay(opt, plan, &layers, &join.at));
    TRY(network_new_tower(data->shape, join, plan, layers, opt->source.loss, model));
    network_start(*model, opt->source.seed);
done:
    return status;
}

/* The rows are to blame where the loss is no number, not where a checkpoint cannot be kept. */
static enum status blame(const struct fit_network_data *data, enum status status)
{
    return status == ERR_NUMERIC ? fit_table_blame(&data->in, status) : status;
}

/* model: NULL, or the one to go on from */
static enum status train(const struct comm *comm, struct fit_network *opt,
                         const struct fit_network_data *data, struct network **model,
                         struct network_history *history)
{
    enum status status = OK;
    float *weight = NULL;
    if (*model == NULL) TRY_ALL(comm, begin(opt, data, model));
    opt->fit.seed = opt->source.seed;
    TRY(weigh_classes(comm, opt, data, &weight));
    struct rows rows = {data->blocks, data->columns, data->columns, data->x};
    struct network_data training = {
        .rows = rows, .y = data->y, .weight = weight, .part = data->part};
    TRY(blame(data, training_fit(comm, &opt->training, &training, &opt->fit, *model, history)));
done:
    free(weight);
    return status;
}

/* ---- the test ---- */

static enum status judge(const struct comm *comm, const struct fit_network_data *data,
                         const struct network *model, struct fit_network_judgement *judgement)
{
    enum status status = OK;
    float *predicted = NULL;
    int64_t rows_local = data->blocks->rows_local, rows = 0;
    TRY_ALL(comm, memory_new(&predicted, rows_local, sizeof *predicted));
    TRY_ALL(comm, network_apply(model, data->x, rows_local, data->columns, predicted));
    struct metrics_rows judged = {data->blocks, data->y, predicted, data->part, PART_TEST};
    judgement->tested = data->rows[PART_TEST] > 0;
    if (model->loss == LOSS_BCE)
        TRY(metrics_binary(comm, &judged, &judgement->binary));
    else
        TRY(metrics_mse(comm, &judged, &judgement->mse, &rows));
    judgement->mse *= data->target_unit * data->target_unit;
done:
    free(predicted);
    return status;
}

static void warn(const struct fit_network *opt, const struct fit_network_data *data,
                 const struct fit_network_judgement *judgement)
{
    if (!judgement->tested && opt->source.test > 0.0)
        log_warning("%s: of %" PRId64 " rows none fell to the test; raise --test to have measures",
                    data->in.path, data->blocks->rows_total);
    if (opt->source.loss != LOSS_BCE && !isfinite(judgement->mse))
        log_warning("%s: the squares of \"%s\" are beyond double precision, losses are null; give "
                    "it in a larger unit",
                    data->in.path, opt->source.target);
}

/* ---- saved models ---- */

static enum status check_from(const struct fit_network *opt, const struct model_network *from)
{
    if (strcmp(from->made_by, opt->training.name) != 0)
        return FAIL(ERR_USAGE, "%s is of `remise %s`; go on with that", opt->from_file,
                    from->made_by);
    if (strcmp(from->target, opt->source.target) != 0)
        return FAIL(ERR_USAGE, "%s predicts \"%s\", not \"%s\"; name that as --target",
                    opt->from_file, from->target, opt->source.target);
    if (from->network->loss == opt->source.loss) return OK;
    return FAIL(ERR_USAGE, "%s was trained with another --loss; give that one", opt->from_file);
}

/* Read the model to go on from; what it fixes replaces what was asked for. */
static enum status read_from(const struct comm *comm, struct fit_network *opt,
                             struct model_network **from)
{
    enum status status = OK;
    if (opt->from_file == NULL) return OK;
    TRY(model_network_read(comm, opt->from_file, from));
    TRY_ALL(comm, check_from(opt, *from));
    const struct network *network = (*from)->network;
    const struct layer_plan *first = &network->plan[0];
    opt->source.from = *from;
    if (opt->sequence_kind != NULL) opt->source.channels = network->shape[0].channels;
    opt->source.codes = first->kind == &layer_embedding ? first->codes : 0;
done:
    return status;
}

static enum status check_outcomes(const struct fit_network *opt,
                                  const struct fit_network_data *data)
{
    const struct model_network *from = opt->source.from;
    for (int k = 0; k < 2 && from != NULL; k++) {
        const char *here = data->outcome[k] != NULL ? data->outcome[k] : "";
        if (strcmp(here, from->outcome[k]) != 0)
            return FAIL(ERR_DATA, "%s: the target's outcome %d is \"%s\", that of %s \"%s\"",
                        data->in.path, k, here, opt->from_file, from->outcome[k]);
    }
    return OK;
}

static enum status save(const struct comm *comm, const struct fit_network *opt,
                        const struct fit_network_data *data, const struct network *model)
{
    enum status status = OK;
    const char **names = NULL;
    if (opt->model_file == NULL) return OK;
    TRY_ALL(comm, memory_new(&names, data->columns, sizeof *names));
    for (int64_t j = 0; j < data->columns; j++) names[j] = fit_network_data_name(data, j);
    struct model_network_parts parts = {.made_by = opt->training.name,
                                        .target = opt->source.target,
                                        .outcome = data->outcome[0] != NULL ? data->outcome : NULL,
                                        .names = names,
                                        .scaling = &data->scaling,
                                        .network = model};
    TRY(model_network_write(comm, opt->model_file, &parts));
done:
    free(names);
    return status;
}

/* ---- the whole ---- */

enum status fit_network_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct fit_network *opt = options;
    struct fit_network_data data = {0};
    struct model_network *from = NULL;
    struct network *model = NULL;
    struct network_history history = {0};
    struct fit_network_judgement judgement = {0};
    TRY(read_from(comm, opt, &from));
    TRY(fit_network_data_read(comm, &opt->source, &data));
    TRY_ALL(comm, check_outcomes(opt, &data));
    if (from != NULL) model = from->network;
    if (from != NULL) from->network = NULL;
    TRY(train(comm, opt, &data, &model, &history));
    TRY(judge(comm, &data, model, &judgement));
    warn(opt, &data, &judgement);
    TRY(save(comm, opt, &data, model));
    TRY_ALL(comm,
            comm->rank == 0 ? fit_network_print(opt, &data, model, &history, &judgement) : OK);
    if (opt->training.path != NULL) TRY(training_forget(comm, opt->training.path));
done:
    network_history_clear(&history);
    network_free(&model);
    model_network_free(&from);
    fit_network_data_clear(&data);
    return status;
}
