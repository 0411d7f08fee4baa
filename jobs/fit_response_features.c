/* Numbers and texts as standardised columns. */
#include "jobs/fit_response_features.h"

#include "algorithms/standardise.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_FLOATS = 16, LIST_BYTES = 512 };

/* Standard deviations at which a feature is cut off. */
#define FEATURE_LIMIT 5.0f

static const struct table_column *column_of(const struct fit_response_data *data, int64_t feature)
{
    return &data->in.table->column[data->feature[feature]];
}

/* ---- choice ---- */

static bool same(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

static bool is_subject(const struct fit_response_source *source, const char *name)
{
    return same(source->user, name) || same(source->propensity, name) ||
           same(source->discount, name) || same(source->outcome, name);
}

/* Why a column is no feature; NULL: it is one. */
static const char *objection(const struct fit_response_data *data, int64_t j)
{
    const struct table_column *column = &data->in.table->column[j];
    if (*column->name == '\0') return "no name";
    if (data->in.missing[j] == data->in.table->blocks.rows_total) return "no value";
    if (column->type == COLUMN_TEXT && column->levels.count > FIT_RESPONSE_TEXTS_MAX)
        return "text of too many kinds";
    return NULL;
}

static void take(struct fit_response_data *data, int64_t j, char *left_out)
{
    const char *why = objection(data, j);
    if (why == NULL) {
        data->feature[data->features++] = j;
        return;
    }
    size_t used = strlen(left_out);
    snprintf(left_out + used, LIST_BYTES - used, "%s\"%.60s\" (%s)", used > 0 ? ", " : "",
             data->in.table->column[j].name, why);
}

static enum status take_named(const struct fit_response_source *source,
                              struct fit_response_data *data, char *left_out)
{
    for (int64_t i = 0; i < source->features_count; i++) {
        int64_t at = 0;
        enum status status = fit_table_find(&data->in, source->features[i], &at);
        if (status != OK) return status;
        if (is_subject(source, source->features[i]))
            return FAIL(ERR_DATA,
                        "%s: \"%s\" is named as a feature, but it is the user, discount, outcome "
                        "or propensity; leave it out of --features",
                        source->path, source->features[i]);
        take(data, at, left_out);
    }
    return OK;
}

static enum status choose(const struct fit_response_source *source, struct fit_response_data *data)
{
    char left_out[LIST_BYTES] = "";
    const struct table *table = data->in.table;
    enum status status = memory_new(&data->feature, table->columns, sizeof *data->feature);
    if (status != OK) return status;
    if (source->features_count > 0) status = take_named(source, data, left_out);
    for (int64_t j = 0; j < table->columns && source->features_count == 0; j++)
        if (!is_subject(source, table->column[j].name)) take(data, j, left_out);
    if (status == OK && *left_out != '\0')
        log_warning("%s: no features are made of %s", source->path, left_out);
    return status;
}

/* ---- values ---- */

/* Columns of x that a feature takes: one for each level of a text; a number and, where it is
 * missing in places, a mark. */
static int64_t width_of(const struct fit_response_data *data, int64_t feature)
{
    const struct table_column *column = column_of(data, feature);
    if (column->type == COLUMN_TEXT) return column->levels.count;
    return data->in.missing[data->feature[feature]] > 0 ? 2 : 1;
}

/* mean[f] of the numbers of a feature that are there, over all rows of the table; unit[f] is a
 * power of two near the largest. */
static enum status measure(const struct comm *comm, const struct fit_response_data *data,
                           double *unit, double *mean)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct blocks *blocks = &data->in.table->blocks;
    for (int64_t f = 0; f < data->features; f++) {
        const double *number = column_of(data, f)->number;
        for (int64_t i = 0; number != NULL && i < blocks->rows_local; i++)
            if (isfinite(number[i])) unit[f] = fmax(unit[f], fabs(number[i]));
    }
    comm_max_double(comm, unit, data->features);
    TRY_ALL(comm, exact_init(&sums, data->features));
    for (int64_t f = 0; f < data->features; f++) {
        const double *number = column_of(data, f)->number;
        int exponent = 0;
        frexp(unit[f], &exponent);
        unit[f] = unit[f] > 0.0 ? ldexp(1.0, exponent) : 1.0;
        for (int64_t b = 0; number != NULL && b < blocks->blocks_local; b++) {
            double partial = 0.0;
            for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
                if (isfinite(number[i])) partial += number[i] / unit[f];
            exact_add_one(&sums, f, partial);
        }
    }
    TRY(exact_reduce(comm, &sums));
    for (int64_t f = 0; f < data->features; f++) {
        int64_t missing = data->in.missing[data->feature[f]];
        mean[f] = exact_get(&sums, f) / (double)(blocks->rows_total - missing);
    }
done:
    exact_clear(&sums);
    return status;
}

static void fill(struct fit_response_data *data, const double *unit, const double *mean)
{
    for (int64_t i = 0; i < data->blocks.rows_local; i++) {
        float *x = data->x + i * data->stride;
        for (int64_t f = 0; f < data->features; x += width_of(data, f), f++) {
            const struct table_column *column = column_of(data, f);
            int64_t row = data->row[i];
            if (column->type == COLUMN_TEXT) {
                if (column->code[row] >= 0) x[column->code[row]] = 1.0f;
                continue;
            }
            bool there = isfinite(column->number[row]);
            x[0] = (float)(there ? column->number[row] / unit[f] - mean[f] : 0.0);
            if (!there) x[1] = 1.0f;
        }
    }
}

static enum status make_room(struct fit_response_data *data)
{
    data->columns = 0;
    for (int64_t f = 0; f < data->features; f++) data->columns += width_of(data, f);
    if (data->columns == 0) data->columns = 1; /* zeros: a curve for everyone */
    data->stride = (data->columns + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    return memory_new(&data->x, data->blocks.rows_local * data->stride, sizeof *data->x);
}

static void warn_of_constants(const struct fit_response_data *data, const double *sd)
{
    for (int64_t f = 0; f < data->features; sd += width_of(data, f), f++) {
        bool varies = false;
        for (int64_t j = 0; j < width_of(data, f); j++) varies = varies || sd[j] > 0.0;
        if (!varies)
            log_warning("%s: column \"%s\" is the same in all rows and decides nothing",
                        data->in.path, column_of(data, f)->name);
    }
}

static enum status standardise(const struct comm *comm, struct fit_response_data *data)
{
    enum status status = OK;
    double *mean = NULL, *sd = NULL;
    struct rows rows = {&data->blocks, data->columns, data->stride, data->x};
    TRY_ALL(comm, memory_new(&mean, data->columns, sizeof *mean));
    TRY_ALL(comm, memory_new(&sd, data->columns, sizeof *sd));
    TRY(standardise_measure_rows(comm, &rows, mean, sd));
    standardise_in_place(data->x, data->blocks.rows_local, data->columns, data->stride, mean, sd,
                         FEATURE_LIMIT);
    warn_of_constants(data, sd);
done:
    free(mean);
    free(sd);
    return status;
}

enum status fit_response_features(const struct comm *comm, const struct fit_response_source *source,
                                  struct fit_response_data *data)
{
    enum status status = OK;
    double *unit = NULL, *mean = NULL;
    TRY_ALL(comm, choose(source, data));
    TRY_ALL(comm, memory_new(&unit, data->features, sizeof *unit));
    TRY_ALL(comm, memory_new(&mean, data->features, sizeof *mean));
    TRY(measure(comm, data, unit, mean));
    TRY_ALL(comm, make_room(data));
    fill(data, unit, mean);
    TRY(standardise(comm, data));
done:
    free(unit);
    free(mean);
    return status;
}
