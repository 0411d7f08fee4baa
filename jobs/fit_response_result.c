/* JSON of a response model. */
#include "jobs/fit_response_result.h"

#include "jobs/fit_print.h"
#include "jobs/response_json.h"
#include "mpi/log.h"

#include <math.h>

/* Half of the 90 % interval of a normal distribution. */
#define NORMAL_95 1.6448536269514722

#define EFFECTIVE_FEW 0.1
#define FALL_DEVIATIONS 3.0

/* ---- warnings ---- */

/* Curves rise by construction: say where outcomes do the contrary beyond doubt. */
static void warn_of_fall(const struct fit_response_result *result)
{
    const struct fit_response_average *average = &result->average;
    int64_t worst = 0;
    for (int64_t l = 1; l < average->levels; l++)
        if (average->effect[l] < -FALL_DEVIATIONS * average->effect_error[l] &&
            average->effect[l] < average->effect[worst])
            worst = l;
    if (worst > 0)
        log_warning("%s: %.3f take the offer at %g and %.3f at %g: curves never fall, so they are "
                    "flat here; look at who got which discount",
                    result->data->in.path, average->estimate[worst], result->data->level[worst],
                    average->estimate[0], result->data->level[0]);
}

void fit_response_warn(const struct fit_response_result *result)
{
    const struct fit_response_data *data = result->data;
    const struct reliability_table *table = &result->reliability.table;
    double rows = (double)data->blocks.rows_total;
    if (data->effective < EFFECTIVE_FEW * rows)
        log_warning("%s: propensities are so uneven that %.0f rows count as %.0f; intervals are "
                    "wide, and the lowest propensities decide: look at them",
                    data->in.path, rows, data->effective);
    if (data->inverse == NULL)
        log_info("no --propensity: the average curve is right if the features say who got which "
                 "discount");
    if (data->inverse != NULL && !data->few)
        log_warning("%s: \"%s\" has more than %d values; they are taken in %lld intervals, and the "
                    "average curve is no longer doubly robust",
                    data->in.path, result->source->discount, RESPONSE_LEVELS_MAX,
                    (long long)data->levels);
    if (table->ece > 0.02 && table->ece > 3.0 * table->ece_noise)
        log_warning("held-out chances are off by %.3f in the mean, of which %.3f is noise; look at "
                    "reliability",
                    table->ece, table->ece_noise);
    warn_of_fall(result);
}

/* ---- parts ---- */

/* 90 % of a chance (least 0) or of a difference of two (least -1). */
static json_t *interval_json(double middle, double error, double least)
{
    double low = middle - NORMAL_95 * error, high = middle + NORMAL_95 * error;
    return json_pack("[o, o]", fit_number(fmin(fmax(low, least), 1.0)),
                     fit_number(fmin(fmax(high, least), 1.0)));
}

static json_t *average_json(const struct fit_response_result *result)
{
    const struct fit_response_average *a = &result->average;
    json_t *list = json_array();
    for (int64_t l = 0; l < a->levels; l++)
        json_array_append_new(
            list,
            json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "discount",
                      fit_number(result->data->level[l]), "rows", (json_int_t)a->rows[l],
                      "observed", fit_number(a->observed[l]), "model", fit_number(a->model[l]),
                      "chance", fit_number(a->chance[l]), "estimate", fit_number(a->estimate[l]),
                      "std_error", fit_number(a->std_error[l]), "interval",
                      interval_json(a->estimate[l], a->std_error[l], 0.0), "effect",
                      fit_number(a->effect[l]), "effect_std_error", fit_number(a->effect_error[l]),
                      "effect_interval", interval_json(a->effect[l], a->effect_error[l], -1.0)));
    return list;
}

/* What halves of the rows said of bending the dose, and what it came to. */
static json_t *dose_json(const struct fit_response_result *result)
{
    const struct dose_shape *shape = &result->model->shape;
    return json_pack("{s:b, s:o, s:o, s:o}", "bent", shape->knots > 0, "gain",
                     fit_number(result->bend->gain[CALIBRATION_DOSE]), "gain_error",
                     fit_number(result->bend->gain_error[CALIBRATION_DOSE]), "shape",
                     response_shape_json(shape));
}

static json_t *layers_json(const struct fit_response_layers *layers)
{
    json_t *list = json_array();
    for (int64_t l = 0; l < layers->count; l++)
        json_array_append_new(list, json_integer(layers->units[l]));
    return list;
}

static json_t *candidates_json(const struct fit_response_model *model)
{
    json_t *list = json_array();
    for (int64_t c = 0; c < model->candidates; c++) {
        const struct fit_response_candidate *candidate = &model->candidate[c];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "layers",
                                              layers_json(&candidate->layers), "log_loss",
                                              fit_number(candidate->log_loss), "gain",
                                              fit_number(candidate->gain), "gain_error",
                                              fit_number(candidate->gain_error)));
    }
    return list;
}

static json_t *features_json(const struct fit_response_data *data)
{
    json_t *list = json_array();
    for (int64_t f = 0; f < data->features; f++)
        json_array_append_new(list, json_string(data->in.table->column[data->feature[f]].name));
    return list;
}

/* Log loss with the last step of recalibration that was taken. */
static double held_out_loss(const struct fit_response_result *result)
{
    int last = CALIBRATION_NONE;
    for (int step = CALIBRATION_LOGIT; step < CALIBRATION_STEPS; step++)
        if (result->calibration->taken[step]) last = step;
    return result->check->loss[last];
}

static json_t *held_out_json(const struct fit_response_result *result)
{
    const struct reliability_table *table = &result->reliability.table;
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "log_loss", fit_number(held_out_loss(result)),
                     "log_loss_of_mean", fit_number(result->log_loss_flat), "auc",
                     fit_number(result->auc), "ece", fit_number(table->ece), "ece_of_noise",
                     fit_number(table->ece_noise));
}

static json_t *weights_json(const struct fit_response_data *data)
{
    if (data->inverse == NULL) return json_null();
    return json_pack("{s:o, s:o, s:I}", "effective_rows", fit_number(data->effective), "largest",
                     fit_number(data->largest), "cut_off", (json_int_t)data->cut_off);
}

json_t *fit_response_json(const struct fit_response_result *result)
{
    const struct fit_response_data *data = result->data;
    const struct fit_response_model *model = result->model;
    json_t *json =
        json_pack("{s:I, s:I, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rows",
                  (json_int_t)data->blocks.rows_total, "rows_left_out", (json_int_t)data->left_out,
                  "features", features_json(data), "weights", weights_json(data), "average_by",
                  result->average.doubly_robust ? "propensities" : "features", "average",
                  average_json(result), "flat_share", fit_number(result->flat_share), "held_out",
                  held_out_json(result), "by_level", response_levels_json(&result->reliability),
                  "reliability", response_reliability_json(&result->reliability.table),
                  "calibration", response_calibration_json(result->calibration, result->check),
                  "candidates", candidates_json(model));
    if (json == NULL) return NULL;
    json_object_set_new(json, "dose", dose_json(result));
    json_object_set_new(json, "layers", layers_json(&model->candidate[model->chosen].layers));
    json_object_set_new(json, "settings",
                        json_pack("{s:I, s:I}", "folds", (json_int_t)result->opt->folds, "seed",
                                  (json_int_t)result->opt->seed));
    return json;
}
