/* From a table in double to float32 rows in three parts. */
#include "jobs/fit_network_data.h"

#include "jobs/fit_network_scale.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void fit_network_data_clear(struct fit_network_data *data)
{
    fit_table_clear(&data->in);
    fit_scaling_clear(&data->scaling);
    free(data->source);
    free(data->x);
    free(data->y);
    free(data->part);
    *data = (struct fit_network_data){0};
}

const char *fit_network_data_name(const struct fit_network_data *data, int64_t j)
{
    return data->in.table->column[data->source[j]].name;
}

/* ---- columns ---- */

/* Inputs that are asked for one by one; 0: they are found in the table. */
static int64_t names_asked(const struct fit_network_source *source)
{
    if (source->from != NULL) return source->from->columns.count;
    return source->tower ? 0 : source->names_count;
}

static const char *name_asked(const struct fit_network_source *source, int64_t j)
{
    return source->from != NULL ? dictionary_text(&source->from->columns, j) : source->names[j];
}

/* The inputs asked for and the target, or the whole table. */
static enum status read_table(const struct comm *comm, const struct fit_network_source *source,
                              struct fit_network_data *data)
{
    enum status status = OK;
    const char **names = NULL;
    int64_t asked = names_asked(source), count = asked > 0 ? asked + 1 : 0;
    TRY_ALL(comm, memory_new(&names, count, sizeof *names));
    for (int64_t j = 0; j < asked; j++) names[j] = name_asked(source, j);
    if (count > 0) names[count - 1] = source->target;
    TRY(fit_table_read(comm, source->path, names, count, &data->in));
    data->blocks = &data->in.table->blocks;
done:
    free(names);
    return status;
}

/* Number k of a column SEQUENCE_k; -1 for any other. */
static int64_t number_in(const char *name, const char *sequence)
{
    size_t length = strlen(sequence);
    char *end;
    if (strncmp(name, sequence, length) != 0 || name[length] != '_') return -1;
    const char *digits = name + length + 1;
    if (*digits < '0' || *digits > '9' || (*digits == '0' && digits[1] != '\0')) return -1;
    int64_t number = strtoll(digits, &end, 10);
    return *end == '\0' ? number : -1;
}

/* The columns SEQUENCE_0, SEQUENCE_1, ... by their numbers. */
static enum status find_sequence(const struct fit_network_source *source,
                                 struct fit_network_data *data)
{
    const struct table *table = data->in.table;
    int64_t count = 0;
    for (int64_t j = 0; j < table->columns; j++) data->source[j] = -1;
    for (int64_t j = 0; j < table->columns; j++) {
        int64_t number = number_in(table->column[j].name, source->sequence);
        count += number >= 0;
        if (number >= 0 && number < table->columns) data->source[number] = j;
    }
    if (count == 0)
        return FAIL(ERR_DATA,
                    "%s has no columns %s_0, %s_1, ...; name those of the sequence in their order "
                    "by --columns, or what stands before their numbers by --sequence",
                    source->path, source->sequence, source->sequence);
    for (int64_t j = 0; j < count; j++)
        if (data->source[j] < 0)
            return FAIL(ERR_DATA, "%s: the sequence has %lld columns, but no \"%s_%lld\"",
                        source->path, (long long)count, source->sequence, (long long)j);
    int64_t own = number_in(source->target, source->sequence);
    if (own >= 0)
        return FAIL(ERR_DATA,
                    "%s: the target \"%s\" is part of the sequence that is to predict it; name "
                    "the other columns by --columns",
                    source->path, source->target);
    data->columns = count;
    return OK;
}

/* Inputs step by step; `plain` of them stand behind. */
static enum status shape_rows(const struct fit_network_source *source,
                              struct fit_network_data *data, int64_t plain)
{
    int64_t channels = source->channels, sequence = data->columns - plain;
    data->shape = (struct layer_shape){1, sequence};
    data->plain = plain;
    if (channels == 0) return OK;
    data->shape = (struct layer_shape){sequence / channels, channels};
    if (sequence % channels == 0) return OK;
    return FAIL(ERR_DATA,
                "%s: %lld columns are no whole steps of %lld channels; --channels must divide them",
                source->path, (long long)sequence, (long long)channels);
}

static bool in_list(const int64_t *list, int64_t count, int64_t x)
{
    bool found = false;
    for (int64_t k = 0; k < count; k++) found = found || list[k] == x;
    return found;
}

/* Plain columns of a tower behind its sequence: those named, or all other numbers. */
static enum status find_plain(const struct fit_network_source *source, int64_t target,
                              struct fit_network_data *data, int64_t *plain)
{
    enum status status = OK;
    int64_t sequence = data->columns, count = source->names_count, *at = NULL;
    TRY(memory_new(&at, data->in.table->columns + count, sizeof *at));
    for (int64_t j = 0; j < count; j++) TRY(fit_table_find(&data->in, source->names[j], &at[j]));
    if (count == 0) count = fit_table_numbers(&data->in, target, at);
    for (int64_t j = 0; j < count; j++) {
        bool taken = in_list(data->source, sequence, at[j]);
        if (taken && source->names_count > 0)
            TRY(FAIL(ERR_DATA,
                     "%s: column \"%s\" is part of the sequence; --columns names those beside it",
                     source->path, source->names[j]));
        if (!taken) data->source[data->columns++] = at[j];
    }
    *plain = data->columns - sequence;
    if (*plain == 0)
        TRY(FAIL(ERR_DATA,
                 "%s has no column of numbers beside the sequence and \"%s\"; take fit cnn, gru "
                 "or lstm",
                 source->path, source->target));
done:
    free(at);
    return status;
}

static enum status choose_columns(const struct fit_network_source *source,
                                  struct fit_network_data *data)
{
    const struct table *table = data->in.table;
    enum status status = memory_new(&data->source, table->columns + 1, sizeof *data->source);
    if (status != OK) return status;
    int64_t target;
    status = fit_table_find(&data->in, source->target, &target);
    if (status != OK) return status;
    for (int64_t j = 0; j < names_asked(source); j++)
        data->source[j] = table_find(table, name_asked(source, j));
    data->columns = names_asked(source);
    int64_t plain = source->from != NULL ? source->from->network->join.plain : 0;
    if (data->columns == 0 && source->channels > 0) status = find_sequence(source, data);
    if (status == OK && source->tower && source->from == NULL)
        status = find_plain(source, target, data, &plain);
    if (status != OK) return status;
    if (data->columns == 0) data->columns = fit_table_numbers(&data->in, target, data->source);
    data->source[data->columns] = target;
    if (data->columns == 0)
        return FAIL(ERR_DATA, "%s has no column of numbers beside \"%s\"; a network needs one",
                    source->path, source->target);
    return shape_rows(source, data, plain);
}

/* Two texts become 0 and 1, in sorted order. */
static enum status code_target(struct fit_network_data *data)
{
    struct table_column *target = &data->in.table->column[data->source[data->columns]];
    int64_t rows = data->blocks->rows_local;
    enum status status = memory_new(&target->number, rows, sizeof *target->number);
    if (status != OK) return status;
    for (int64_t i = 0; i < rows; i++)
        target->number[i] = target->code[i] >= 0 ? (double)target->code[i] : NAN;
    for (int64_t k = 0; k < 2; k++) data->outcome[k] = dictionary_text(&target->levels, k);
    log_info("\"%s\": %s counts as 1, %s as 0", target->name, data->outcome[1], data->outcome[0]);
    return OK;
}

static enum status check_types(const struct fit_network_source *source,
                               struct fit_network_data *data)
{
    const struct table_column *column = data->in.table->column;
    int64_t target = data->source[data->columns];
    for (int64_t j = 0; j < data->columns; j++)
        if (column[data->source[j]].type == COLUMN_TEXT)
            return fit_table_refuse_text(
                &data->in, data->source[j],
                "a network needs numbers: code it by numbers, or leave it out of --columns");
    if (column[target].type == COLUMN_NUMBER) return OK;
    if (source->loss == LOSS_BCE && column[target].levels.count == 2) return code_target(data);
    return fit_table_refuse_text(&data->in, target,
                                 source->loss == LOSS_BCE
                                     ? "--loss bce predicts one of two outcomes: code it as 0 and 1"
                                     : "this --loss predicts a number: name another --target, or "
                                       "take --loss bce for one of two outcomes");
}

/* ---- parts ---- */

static bool complete(const struct fit_network_data *data, int64_t row)
{
    bool finite = true;
    for (int64_t j = 0; j <= data->columns; j++)
        finite = finite && isfinite(data->in.table->column[data->source[j]].number[row]);
    return finite;
}

/* A row's inputs are codes, or the first that is none with its place. */
static enum status check_codes(const struct fit_network_source *source,
                               const struct fit_network_data *data, int64_t row)
{
    for (int64_t j = 0; j < layer_values(data->shape) && source->codes > 0; j++) {
        const struct table_column *column = &data->in.table->column[data->source[j]];
        double code = column->number[row];
        if (code >= 0.0 && code < (double)source->codes && code == floor(code)) continue;
        return FAIL(ERR_DATA,
                    "%s: column \"%s\" is %g in data row %" PRId64 ", no code from 0 to %" PRId64
                    "; raise --codes, or number the codes from 0",
                    source->path, column->name, code, data->blocks->row_first + row + 1,
                    source->codes - 1);
    }
    return OK;
}

static enum status deal_parts(const struct fit_network_source *source,
                              struct fit_network_data *data)
{
    const struct blocks *blocks = data->blocks;
    const double *target = data->in.table->column[data->source[data->columns]].number;
    enum status status = memory_new(&data->part, blocks->rows_local, sizeof *data->part);
    if (status != OK) return status;
    network_split(blocks, source->seed, source->validation, source->test, data->part);
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        if (!complete(data, i)) data->part[i] = PART_NONE;
        data->rows[data->part[i]]++;
        if (data->part[i] == PART_NONE) continue;
        status = check_codes(source, data, i);
        if (status != OK) return status;
        if (source->loss != LOSS_BCE) continue;
        if (target[i] != 0.0 && target[i] != 1.0)
            return FAIL(ERR_DATA,
                        "%s: column \"%s\" is %g in data row %" PRId64 "; --loss bce "
                        "needs 0 and 1: code it so, or take --loss mse",
                        source->path, source->target, target[i], blocks->row_first + i + 1);
    }
    return OK;
}

static enum status check_parts(const struct fit_network_data *data)
{
    struct fit_columns used = {data->source, data->columns + 1};
    enum status status = fit_table_tell_left_out(&data->in, used, data->rows[PART_NONE]);
    if (status != OK || data->rows[PART_TRAIN] > 0) return status;
    return FAIL(ERR_DATA,
                "%s: no row is left to train on, %" PRId64 " fell to the validation and %" PRId64
                " to the test; lower --validation and --test",
                data->in.path, data->rows[PART_VALIDATION], data->rows[PART_TEST]);
}

/* ---- values ---- */

static enum status beyond_float(const struct fit_network_data *data, int64_t j, int64_t row)
{
    return FAIL(ERR_DATA,
                "%s: column \"%s\" is %g in data row %" PRId64 ", beyond single precision; do "
                "without --no-standardize",
                data->in.path, fit_network_data_name(data, j),
                data->in.table->column[data->source[j]].number[row],
                data->blocks->row_first + row + 1);
}

/* Rows in no part become zeros: nothing reads them, and they are finite. */
static enum status fill_rows(struct fit_network_data *data)
{
    enum status status = OK;
    int64_t rows = data->blocks->rows_local, columns = data->columns;
    TRY(memory_new(&data->x, rows * columns, sizeof *data->x));
    TRY(memory_new(&data->y, rows, sizeof *data->y));
    for (int64_t j = 0; j <= columns; j++) {
        const double *number = data->in.table->column[data->source[j]].number;
        for (int64_t i = 0; i < rows; i++) {
            float *to = j < columns ? &data->x[i * columns + j] : &data->y[i];
            if (data->part[i] != PART_NONE)
                *to = (float)fit_scaling_one(&data->scaling, j, number[i]);
            if (!isfinite(*to)) return beyond_float(data, j, i);
        }
    }
done:
    return status;
}

static void free_numbers(struct table *table)
{
    for (int64_t j = 0; j < table->columns; j++) {
        free(table->column[j].number);
        table->column[j].number = NULL;
    }
}

enum status fit_network_data_read(const struct comm *comm, const struct fit_network_source *source,
                                  struct fit_network_data *data)
{
    enum status status = OK;
    *data = (struct fit_network_data){0};
    TRY(read_table(comm, source, data));
    TRY_ALL(comm, choose_columns(source, data));
    TRY_ALL(comm, check_types(source, data));
    TRY_ALL(comm, deal_parts(source, data));
    comm_sum_int64(comm, data->rows, PART_NONE + 1);
    TRY(check_parts(data));
    TRY(fit_network_scale(comm, source, data));
    const struct fit_scaling *scaling = &data->scaling;
    data->target_unit = scaling->unit[data->columns] * scaling->divisor[data->columns];
    TRY_ALL(comm, fill_rows(data));
    free_numbers(data->in.table);
done:
    return status;
}
