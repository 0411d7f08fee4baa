/* What a network learned, as JSON. */
#include "jobs/fit_network.h"
#include "jobs/fit_print.h"

#include <jansson.h>

static json_t *curve_json(const double *loss, int64_t epochs, double unit)
{
    if (loss == NULL) return json_null();
    json_t *curve = json_array();
    for (int64_t e = 0; e < epochs; e++)
        json_array_append_new(curve, fit_number(loss[e] * unit * unit));
    return curve;
}

/* A measure, or null where there is none. */
static void put(json_t *object, const char *name, bool known, double value)
{
    json_object_set_new(object, name, known ? fit_number(value) : json_null());
}

static void put_judgement(json_t *result, enum loss loss,
                          const struct fit_network_judgement *judgement)
{
    const struct metrics_binary *binary = &judgement->binary;
    if (loss != LOSS_BCE) {
        put(result, "mse", judgement->tested, judgement->mse);
        return;
    }
    put(result, "log_loss", judgement->tested, binary->log_loss);
    put(result, "accuracy", judgement->tested, binary->accuracy);
    put(result, "precision", judgement->tested, binary->precision);
    put(result, "recall", judgement->tested, binary->recall);
    put(result, "f1", judgement->tested, binary->f1);
    put(result, "auc", judgement->tested, binary->auc);
}

/* The layers with what they hand on, and their numbers of weights. */
static json_t *layers_json(const struct network *model)
{
    json_t *layers = json_array();
    for (int64_t l = 0; l < model->layers; l++) {
        const struct layer_plan *plan = &model->plan[l];
        json_array_append_new(
            layers, json_pack("{s:s, s:I, s:I, s:I}", "kind", plan->kind->name, "steps",
                              (json_int_t)model->shape[l + 1].steps, "channels",
                              (json_int_t)model->shape[l + 1].channels, "weights",
                              (json_int_t)layer_weights(plan, network_shape_in(model, l))));
    }
    return layers;
}

static json_t *result_json(const struct fit_network *opt, const struct fit_network_data *data,
                           const struct network *model, const struct network_history *history,
                           const struct fit_network_judgement *judgement)
{
    json_t *columns = json_array(), *layers = json_array();
    for (int64_t j = 0; j < data->columns; j++)
        json_array_append_new(columns, json_string(fit_network_data_name(data, j)));
    for (int64_t l = 0; l < model->layers - 1; l++)
        if (model->plan[l].kind == &layer_dense)
            json_array_append_new(layers, json_integer(model->plan[l].units));
    json_t *result = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:I, s:I, s:o, s:o, s:I, s:I, s:b, s:{s:o, s:o}}",
        "rows", (json_int_t)data->blocks->rows_total, "rows_train",
        (json_int_t)data->rows[PART_TRAIN], "rows_validation",
        (json_int_t)data->rows[PART_VALIDATION], "rows_test", (json_int_t)data->rows[PART_TEST],
        "rows_left_out", (json_int_t)data->rows[PART_NONE], "target", opt->source.target, "columns",
        columns, "steps", (json_int_t)data->shape.steps, "channels",
        (json_int_t)data->shape.channels, "layers", layers, "network", layers_json(model), "epochs",
        (json_int_t)history->epochs, "best_epoch", (json_int_t)(history->best_epoch + 1),
        "stopped_early", history->stopped, "loss", "train",
        curve_json(history->train, history->epochs, data->target_unit), "validation",
        curve_json(history->validation, history->epochs, data->target_unit));
    if (result == NULL) return NULL;
    if (data->plain > 0) json_object_set_new(result, "plain_columns", json_integer(data->plain));
    if (data->outcome[0] != NULL)
        json_object_set_new(result, "outcomes",
                            json_pack("[s, s]", data->outcome[0], data->outcome[1]));
    put_judgement(result, opt->source.loss, judgement);
    return result;
}

enum status fit_network_print(const struct fit_network *options,
                              const struct fit_network_data *data, const struct network *model,
                              const struct network_history *history,
                              const struct fit_network_judgement *judgement)
{
    return fit_print(result_json(options, data, model, history, judgement));
}
