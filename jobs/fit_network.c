/* `remise fit mlp`, cnn, gru and lstm: a network trained on one table, and how good it is on rows
 * it did not see. */
#include "jobs/fit_network.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

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
                            int64_t *layers)
{
    struct plans plans = {.plan = plan};
    if (options->sequence_kind != NULL) append_sequence(options, &plans);
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

static enum status train(const struct comm *comm, struct fit_network *opt,
                         const struct fit_network_data *data, struct network **model,
                         struct network_history *history)
{
    enum status status = OK;
    float *weight = NULL;
    struct layer_plan plan[NETWORK_LAYERS_MAX];
    int64_t layers = 0;
    TRY_ALL(comm, fit_network_lay(opt, plan, &layers));
    TRY_ALL(comm, network_new(data->shape, plan, layers, opt->source.loss, model));
    network_start(*model, opt->source.seed);
    opt->fit.seed = opt->source.seed;
    TRY(weigh_classes(comm, opt, data, &weight));
    struct rows rows = {data->blocks, data->columns, data->columns, data->x};
    struct network_data training = {
        .rows = rows, .y = data->y, .weight = weight, .part = data->part};
    TRY(fit_table_blame(&data->in,
                        training_fit(comm, &opt->training, &training, &opt->fit, *model, history)));
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

enum status fit_network_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct fit_network *opt = options;
    struct fit_network_data data = {0};
    struct network *model = NULL;
    struct network_history history = {0};
    struct fit_network_judgement judgement = {0};
    TRY(fit_network_data_read(comm, &opt->source, &data));
    TRY(train(comm, opt, &data, &model, &history));
    TRY(judge(comm, &data, model, &judgement));
    warn(opt, &data, &judgement);
    TRY_ALL(comm,
            comm->rank == 0 ? fit_network_print(opt, &data, model, &history, &judgement) : OK);
    if (opt->training.path != NULL) TRY(training_forget(comm, opt->training.path));
done:
    network_history_clear(&history);
    network_free(&model);
    fit_network_data_clear(&data);
    return status;
}
