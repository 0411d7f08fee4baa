/* Tables of calibration for people and programs. */
#include "jobs/response_json.h"

#include "jobs/fit_print.h"

#include <math.h>

json_t *response_reliability_json(const struct reliability_table *table)
{
    json_t *list = json_array();
    for (int64_t k = 0; k < table->bins; k++) {
        const struct reliability_bin *bin = &table->bin[k];
        json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:o}", "rows", (json_int_t)bin->rows,
                                              "predicted", fit_number(bin->predicted), "observed",
                                              fit_number(bin->observed), "std_error",
                                              fit_number(bin->std_error)));
    }
    return list;
}

json_t *response_levels_json(const struct reliability *reliability)
{
    json_t *list = json_array();
    for (int64_t l = 0; l < reliability->levels; l++) {
        const struct reliability_table *table = &reliability->level[l].table;
        json_array_append_new(
            list,
            json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "discount",
                      fit_number(rint(reliability->level[l].dose * 1e6) / 1e6), "rows",
                      (json_int_t)table->all.rows, "predicted", fit_number(table->all.predicted),
                      "observed", fit_number(table->all.observed), "std_error",
                      fit_number(table->all.std_error), "ece", fit_number(table->ece),
                      "ece_of_noise", fit_number(table->ece_noise)));
    }
    return list;
}

json_t *response_shape_json(const struct dose_shape *shape)
{
    json_t *list = json_array();
    for (int64_t k = 0; k < shape->knots; k++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "discount", fit_number(shape->dose[k]),
                                              "acts_as", fit_number(shape->value[k])));
    return list;
}

json_t *response_calibration_json(const struct calibration *calibration,
                                  const struct calibration_check *check)
{
    static const char *const name[CALIBRATION_STEPS] = {[CALIBRATION_LOGIT] = "logit",
                                                        [CALIBRATION_DOSE] = "dose",
                                                        [CALIBRATION_ISOTONIC] = "isotonic"};
    json_t *json = json_object();
    json_object_set_new(json, "log_loss_before", fit_number(check->loss[CALIBRATION_NONE]));
    for (int step = CALIBRATION_LOGIT; step < CALIBRATION_STEPS; step++) {
        if (check->loss[step] == 0.0) continue; /* not tried */
        json_object_set_new(json, name[step],
                            json_pack("{s:b, s:o, s:o, s:o}", "taken", calibration->taken[step],
                                      "log_loss", fit_number(check->loss[step]), "gain",
                                      fit_number(check->gain[step]), "gain_error",
                                      fit_number(check->gain_error[step])));
    }
    json_object_set_new(json, "shift", fit_number(calibration->shift));
    json_object_set_new(json, "scale_a", fit_number(calibration->scale_a));
    json_object_set_new(json, "scale_b", fit_number(calibration->scale_b));
    if (calibration->shape.knots > 0)
        json_object_set_new(json, "shape", response_shape_json(&calibration->shape));
    return json;
}
