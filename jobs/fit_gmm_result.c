/* What `remise fit gmm` gives out: the mixture as JSON, the components of each row as CSV. */
#include "jobs/fit_gmm_result.h"

#include "io/text_file.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

const char *const fit_gmm_covariance_names[] = {"full", "diag", "tied"};

/* ---- JSON ---- */

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
                     fit_gmm_covariance_names[model->covariance], "components",
                     (json_int_t)model->k, "log_likelihood", model->log_likelihood, "bic",
                     model->bic, "aic", model->aic, "parameters", (json_int_t)model->parameters,
                     "iterations", (json_int_t)model->iterations, "converged", model->converged,
                     "monotone", model->monotone, "weights", weights, "means", means_json(model),
                     "covariances", covariances_json(model), "held", held);
}

enum status fit_gmm_print(const struct fit_matrix *matrix, const struct mixture_model *model,
                          const struct mixture_choice *choices, int64_t choices_count)
{
    json_t *result = result_json(matrix, model);
    if (result == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    if (choices_count > 1)
        json_object_set_new(result, "choices", choices_json(choices, choices_count));
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(17);
    bool written =
        json_dumpf(result, stdout, flags) == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    json_decref(result);
    return written ? OK : FAIL(ERR_WRITE, "cannot write the result to stdout: %m");
}

/* ---- the components of rows ---- */

enum { FIELD_BYTES = 40, HEADER_BYTES = 64 };

/* The local rows as lines, after the header on the first rank. text out: new */
static enum status lines(const struct comm *comm, const struct mixture_model *model,
                         const struct mixture_rows *rows, int64_t keep, char **text, int64_t *bytes)
{
    enum status status = OK;
    int32_t *component = NULL;
    double *share = NULL;
    int64_t cells = rows->blocks->rows_local * keep;
    char *at = NULL;
    TRY(memory_new(&component, cells, sizeof *component));
    TRY(memory_new(&share, cells, sizeof *share));
    TRY(mixture_apply(model, rows, keep, component, share, NULL));
    TRY(memory_new(text, keep * HEADER_BYTES + cells * FIELD_BYTES, 1));
    at = *text;
    for (int64_t n = 1; comm->rank == 0 && n <= keep; n++)
        at += sprintf(at, "component_%" PRId64 ",responsibility_%" PRId64 "%c", n, n,
                      n < keep ? ',' : '\n');
    for (int64_t i = 0; i < cells; i++)
        at += sprintf(at, "%" PRId32 ",%.9g%c", component[i], share[i],
                      i % keep < keep - 1 ? ',' : '\n');
    *bytes = at - *text;
done:
    free(component);
    free(share);
    return status;
}

enum status fit_gmm_write(const struct comm *comm, const char *path,
                          const struct mixture_model *model, const struct fit_matrix *matrix,
                          int64_t keep)
{
    enum status status = OK;
    struct text_file *file = NULL;
    struct mixture_rows rows = {
        .blocks = matrix->blocks, .columns = matrix->columns, .full = matrix->x};
    char *text = NULL;
    int64_t bytes = 0;
    TRY_ALL(comm, lines(comm, model, &rows, keep, &text, &bytes));
    TRY(text_file_open(comm, path, 0644, &file));
    TRY(text_file_append(comm, file, text, bytes));
    TRY(text_file_commit(comm, &file));
done:
    text_file_abandon(comm, &file);
    free(text);
    return status;
}
