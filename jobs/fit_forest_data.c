/* The table of a tree or forest: read, choose, deal, bring to floats and bins. */
#include "jobs/fit_forest_data.h"

#include "algorithms/network.h"
#include "jobs/fit_forest_target.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

void fit_forest_data_clear(struct fit_forest_data *data)
{
    for (int64_t j = 0; data->rank != NULL && j < data->columns; j++) free(data->rank[j]);
    free(data->rank);
    free(data->source);
    free(data->x);
    free(data->value);
    free(data->label);
    free(data->class_value);
    free(data->part);
    free(data->code);
    bins_free(&data->bins);
    fit_table_clear(&data->in);
    *data = (struct fit_forest_data){0};
}

static const struct table_column *column_of(const struct fit_forest_data *data, int64_t j)
{
    return &data->in.table->column[data->source[j]];
}

const char *fit_forest_data_name(const struct fit_forest_data *data, int64_t j)
{
    return column_of(data, j)->name;
}

const char *fit_forest_data_level(const struct fit_forest_data *data, int64_t j, int64_t place)
{
    const struct table_column *column = column_of(data, j);
    if (data->rank[j] == NULL) return NULL;
    for (int64_t level = 0; level < column->levels.count; level++)
        if (data->rank[j][level] == place) return dictionary_text(&column->levels, level);
    return NULL;
}

struct forest_data fit_forest_data_training(const struct fit_forest_data *data)
{
    return (struct forest_data){.blocks = data->blocks,
                                .bins = data->bins,
                                .code = data->code,
                                .value = data->value,
                                .label = data->label,
                                .classes = data->classes,
                                .skip = data->part};
}

/* ---- columns ---- */

/* The columns to read: those asked for and the target, or all. */
static enum status read_table(const struct comm *comm, const struct fit_forest_source *source,
                              struct fit_forest_data *data)
{
    enum status status = OK;
    const char **names = NULL;
    int64_t count = source->names_count;
    TRY_ALL(comm, memory_new(&names, count + 1, sizeof *names));
    for (int64_t j = 0; j < count; j++) names[j] = source->names[j];
    names[count] = source->target;
    TRY(fit_table_read(comm, source->path, names, count > 0 ? count + 1 : 0, &data->in));
    data->blocks = &data->in.table->blocks;
done:
    free(names);
    return status;
}

static enum status choose_columns(const struct fit_forest_source *source,
                                  struct fit_forest_data *data)
{
    const struct table *table = data->in.table;
    enum status status = OK;
    int64_t target = 0;
    TRY(memory_new(&data->source, table->columns + 1, sizeof *data->source));
    TRY(fit_table_find(&data->in, source->target, &target));
    for (int64_t j = 0; j < source->names_count; j++)
        data->source[j] = table_find(table, source->names[j]);
    data->columns = source->names_count;
    if (data->columns == 0) data->columns = fit_table_numbers(&data->in, target, data->source);
    data->source[data->columns] = target;
    if (data->columns == 0)
        TRY(FAIL(ERR_DATA,
                 "%s has no column of numbers beside \"%s\"; name columns of texts by --columns",
                 source->path, source->target));
    TRY(memory_new(&data->rank, data->columns, sizeof *data->rank));
done:
    return status;
}

/* ---- parts ---- */

static bool has_target(const struct fit_forest_data *data, int64_t row)
{
    const struct table_column *target = column_of(data, data->columns);
    return target->type == COLUMN_TEXT ? target->code[row] >= 0 : isfinite(target->number[row]);
}

static enum status deal_parts(const struct fit_forest_source *source, struct fit_forest_data *data)
{
    int64_t rows = data->blocks->rows_local;
    enum status status = memory_new(&data->part, rows, sizeof *data->part);
    if (status != OK) return status;
    network_split(data->blocks, source->seed, 0.0, source->test, data->part);
    for (int64_t i = 0; i < rows; i++) {
        data->part[i] = data->part[i] == PART_TEST ? FOREST_TEST : FOREST_TRAIN;
        if (!has_target(data, i)) data->part[i] = FOREST_NONE;
        data->rows[data->part[i]]++;
    }
    return OK;
}

static enum status check_parts(const struct fit_forest_data *data)
{
    struct fit_columns target = {&data->source[data->columns], 1};
    enum status status = fit_table_tell_left_out(&data->in, target, data->rows[FOREST_NONE]);
    if (status != OK || data->rows[FOREST_TRAIN] > 0) return status;
    return FAIL(ERR_DATA,
                "%s: no row is left to train on, %" PRId64 " fell to the test; lower "
                "--test",
                data->in.path, data->rows[FOREST_TEST]);
}

/* ---- floats ---- */

static float text_value(const struct fit_forest_data *data, int64_t j, int64_t row)
{
    int32_t level = column_of(data, j)->code[row];
    int32_t place = level < 0 ? -1 : data->rank[j][level];
    return place < 0 ? NAN : (float)place;
}

static enum status beyond_float(const struct fit_forest_data *data, int64_t j, int64_t row)
{
    return FAIL(ERR_DATA,
                "%s: column \"%s\" is %g in data row %" PRId64 ", beyond single precision; give "
                "it in a larger unit, or leave it out of --columns",
                data->in.path, fit_forest_data_name(data, j), column_of(data, j)->number[row],
                data->blocks->row_first + row + 1);
}

static enum status fill_rows(struct fit_forest_data *data)
{
    int64_t rows = data->blocks->rows_local, columns = data->columns;
    enum status status = memory_new(&data->x, rows * columns, sizeof *data->x);
    for (int64_t j = 0; status == OK && j < columns; j++) {
        const struct table_column *column = column_of(data, j);
        for (int64_t i = 0; i < rows; i++) {
            float *to = &data->x[i * columns + j];
            *to = column->type == COLUMN_TEXT ? text_value(data, j, i) : (float)column->number[i];
            if (isinf(*to)) return beyond_float(data, j, i);
        }
    }
    return status;
}

/* A text that is nearly a name of the row: its order is that of single targets. */
static void warn_levels(const struct fit_forest_data *data)
{
    for (int64_t j = 0; j < data->columns; j++)
        if (data->rank[j] != NULL &&
            column_of(data, j)->levels.count > data->rows[FOREST_TRAIN] / 10)
            log_warning("%s: column \"%s\" has %" PRId64 " levels for %" PRId64
                        " training rows: their order is mostly chance, and the error on the "
                        "training rows means little; leave it out, or group it",
                        data->in.path, fit_forest_data_name(data, j),
                        column_of(data, j)->levels.count, data->rows[FOREST_TRAIN]);
}

static enum status make_bins(const struct comm *comm, const struct fit_forest_source *source,
                             struct fit_forest_data *data)
{
    enum status status = OK;
    struct rows rows = {data->blocks, data->columns, data->columns, data->x};
    TRY(bins_make(comm, &rows, data->part, source->bins, &data->bins));
    TRY_ALL(comm,
            memory_new(&data->code, data->columns * rows.blocks->rows_local, sizeof *data->code));
    TRY_ALL(comm, bins_code(data->bins, &rows, data->code));
done:
    return status;
}

enum status fit_forest_data_read(const struct comm *comm, const struct fit_forest_source *source,
                                 struct fit_forest_data *data)
{
    enum status status = OK;
    *data = (struct fit_forest_data){0};
    TRY(read_table(comm, source, data));
    TRY_ALL(comm, choose_columns(source, data));
    TRY_ALL(comm, deal_parts(source, data));
    comm_sum_int64(comm, data->rows, FOREST_NONE + 1);
    TRY(check_parts(data));
    TRY(fit_forest_target(comm, source, data));
    TRY(fit_forest_rank_levels(comm, data));
    warn_levels(data);
    TRY_ALL(comm, fill_rows(data));
    TRY(fit_table_blame(&data->in, make_bins(comm, source, data)));
done:
    return status;
}
