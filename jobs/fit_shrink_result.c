/* Units in words and figures. */
#include "jobs/fit_shrink_result.h"

#include "io/csv.h"
#include "io/parse.h"
#include "io/text_file.h"
#include "jobs/fit_print.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *fit_shrink_json(const struct fit_shrink *fit)
{
    const struct variance_prior *variance = &fit->variance;
    return json_pack(
        "{s:I, s:I, s:I, s:{s:o, s:o}, s:o, s:{s:o, s:o}, s:{s:I, s:I}, "
        "s:{s:I, s:I}, s:{s:o, s:o, s:o}}",
        "units", (json_int_t)fit->statistics.units_total, "units_in_full", (json_int_t)fit->own,
        "units_with_estimate", (json_int_t)fit->told, "prior", "mean", fit_number(fit->prior.mean),
        "sd", fit_number(fit->prior.sd), "pooled", fit_number(fit->regression->shared[fit->wanted]),
        "error_variance", "typical", fit_number(variance->variance), "rows_worth",
        fit_number(variance->freedom), "positive", "unit", (json_int_t)fit->positive[PREDICT_UNIT],
        "shrunk", (json_int_t)fit->positive[PREDICT_SHRUNK], "rows", "train",
        (json_int_t)fit->train_rows, "test", (json_int_t)fit->test_rows, "test_rmse", "unit",
        fit_number(fit->rmse[PREDICT_UNIT]), "pooled", fit_number(fit->rmse[PREDICT_POOLED]),
        "shrunk", fit_number(fit->rmse[PREDICT_SHRUNK]));
}

static enum status print_text(const char *text, FILE *file)
{
    char *quoted = NULL;
    size_t bytes = strlen(text);
    enum status status = memory_new(&quoted, 2 * (int64_t)bytes + 2, 1);
    if (status != OK) return status;
    fprintf(file, "%.*s", (int)csv_quote(text, bytes, ',', quoted), quoted);
    free(quoted);
    return OK;
}

static void print_number(double x, FILE *file)
{
    char text[NUMBER_TEXT_BYTES + 1] = "";
    size_t bytes = format_number(x, text);
    fprintf(file, "%.*s", (int)bytes, text);
}

static enum status print_unit(const struct table_column *by, const struct fit_shrink *fit,
                              int64_t u, FILE *file)
{
    enum status status = OK;
    uint64_t key = fit->statistics.key[u];
    const double values[4] = {fit->regression->estimate[u], fit->std_error[u], fit->shrunk[u],
                              fit->shrunk_sd[u]};
    if (by->type == COLUMN_TEXT)
        TRY(print_text(dictionary_text(&by->levels, (int64_t)key), file));
    else
        print_number(fit_shrink_number(key), file);
    fprintf(file, ",%.0f", unit_moments(&fit->statistics, u, 0)[0]);
    for (int i = 0; i < 4; i++) {
        fputc(',', file);
        print_number(values[i], file);
    }
    fprintf(file, ",%d\n", fit_shrink_is_own(fit, u));
done:
    return status;
}

static enum status format_units(const struct comm *comm, const struct table_column *by,
                                const struct fit_shrink *fit, char **text, size_t *bytes)
{
    enum status status = OK;
    FILE *file = open_memstream(text, bytes);
    if (file == NULL) return FAIL(ERR_MEMORY, "no memory for the table of units");
    if (comm->rank == 0) {
        TRY(print_text(by->name, file));
        fputs(",rows,estimate,std_error,shrunk,shrunk_sd,in_full\n", file);
    }
    for (int64_t u = 0; u < fit->statistics.units; u++) TRY(print_unit(by, fit, u, file));
done:
    if (fclose(file) != 0 && status == OK)
        status = FAIL(ERR_MEMORY, "no memory for the table of units");
    return status;
}

enum status fit_shrink_write(const struct comm *comm, const char *path,
                             const struct table_column *by, const struct fit_shrink *fit)
{
    enum status status = OK;
    struct text_file *file = NULL;
    char *text = NULL;
    size_t bytes = 0;
    TRY(text_file_open(comm, path, 0644, &file));
    TRY_ALL(comm, format_units(comm, by, fit, &text, &bytes));
    TRY(text_file_append(comm, file, text, (int64_t)bytes));
    TRY(text_file_commit(comm, &file));
done:
    text_file_abandon(comm, &file);
    free(text);
    return status;
}
