/* The result of `remise fit gmm` as JSON. */
#include "jobs/fit_gmm_result.h"

#include "jobs/fit_print.h"
#include "jobs/model_gmm.h"

static json_t *row_json(const struct mixture_model *model, int64_t c, int64_t i)
{
    json_t *row = json_array();
    for (int64_t j = 0; j < model->columns; j++)
        json_array_append_new(row, json_real(mixture_covariance_of(model, c, i, j)));
    return row;
}

/* [columns][columns], or [columns] of a diagonal one */
static json_t *covariance_json(const struct mixture_model *model, int64_t c)
{
    json_t *covariance = json_array();
    for (int64_t i = 0; i < model->columns; i++)
        json_array_append_new(covariance, model->covariance == MIXTURE_DIAGONAL
                                              ? json_real(mixture_covariance_of(model, c, i, i))
                                              : row_json(model, c, i));
    return covariance;
}

static json_t *covariances_json(const struct mixture_model *model)
{
    json_t *covariances = json_array();
    if (model->covariance == MIXTURE_TIED) {
        json_decref(covariances);
        return covariance_json(model, 0);
    }
    for (int64_t c = 0; c < model->k; c++)
        json_array_append_new(covariances, covariance_json(model, c));
    return covariances;
}

static json_t *means_json(const struct mixture_model *model)
{
    json_t *means = json_array();
    for (int64_t c = 0; c < model->k; c++) {
        json_t *mean = json_array();
        for (int64_t j = 0; j < model->columns; j++)
            json_array_append_new(mean, json_real(mixture_mean(model, c, j)));
        json_array_append_new(means, mean);
    }
    return means;
}

static json_t *choices_json(const struct mixture_choice *choice, int64_t count)
{
    json_t *choices = json_array();
    for (int64_t i = 0; i < count; i++, choice++)
        json_array_append_new(choices,
                              json_pack("{s:I, s:f, s:f, s:f, s:I, s:I, s:b, s:b}", "components",
                                        (json_int_t)choice->k, "log_likelihood",
                                        choice->log_likelihood, "bic", choice->bic, "aic",
                                        choice->aic, "parameters", (json_int_t)choice->parameters,
                                        "iterations", (json_int_t)choice->iterations, "converged",
                                        choice->converged, "monotone", choice->monotone));
    return choices;
}

static json_t *result_json(const struct fit_matrix *matrix, const struct mixture_model *model)
{
    json_t *columns = json_array(), *weights = json_array(), *held = json_array();
    for (int64_t j = 0; j < matrix->columns; j++)
        json_array_append_new(columns, json_string(fit_matrix_name(matrix, j)));
    for (int64_t c = 0; c < model->k; c++) {
        json_array_append_new(weights, json_real(model->weights[c]));
        json_array_append_new(held, json_integer(model->held[c]));
    }
    return json_pack("{s:I, s:o, s:s, s:I, s:f, s:f, s:f, s:I, s:I, s:b, s:b, s:o, s:o, s:o, s:o}",
                     "rows", (json_int_t)model->rows, "columns", columns, "covariance",
                     model_gmm_covariances[model->covariance], "components", (json_int_t)model->k,
                     "log_likelihood", model->log_likelihood, "bic", model->bic, "aic", model->aic,
                     "parameters", (json_int_t)model->parameters, "iterations",
                     (json_int_t)model->iterations, "converged", model->converged, "monotone",
                     model->monotone, "weights", weights, "means", means_json(model), "covariances",
                     covariances_json(model), "held", held);
}

enum status fit_gmm_print(const struct fit_matrix *matrix, const struct mixture_model *model,
                          const struct mixture_choice *choices, int64_t choices_count)
{
    json_t *result = result_json(matrix, model);
    if (result != NULL && choices_count > 1)
        json_object_set_new(result, "choices", choices_json(choices, choices_count));
    return fit_print(result);
}
