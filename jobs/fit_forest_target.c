/* Classes from a column, and levels of texts by the target. */
#include "jobs/fit_forest_target.h"

#include "algorithms/kmeans_sums.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- values and classes ---- */

static const struct table_column *target_of(const struct fit_forest_data *data)
{
    return &data->in.table->column[data->source[data->columns]];
}

static enum status check_classes(const struct fit_forest_data *data, int64_t classes)
{
    if (classes >= 2 && classes <= FOREST_CLASSES_MAX) return OK;
    return FAIL(ERR_DATA,
                "%s: column \"%s\" has %" PRId64 "%s different values; classes are 2 to "
                "%d: %s",
                data->in.path, target_of(data)->name,
                classes > FOREST_CLASSES_MAX ? FOREST_CLASSES_MAX : classes,
                classes > FOREST_CLASSES_MAX ? " or more" : "", FOREST_CLASSES_MAX,
                classes < 2 ? "there is nothing to tell apart"
                            : "group it, or do without --classify");
}

static enum status text_classes(struct fit_forest_data *data)
{
    const struct table_column *target = target_of(data);
    int64_t rows = data->blocks->rows_local;
    data->classes = target->levels.count;
    enum status status = check_classes(data, data->classes);
    if (status == OK) status = memory_new(&data->label, rows, sizeof *data->label);
    for (int64_t i = 0; status == OK && i < rows; i++)
        data->label[i] = data->part[i] == FOREST_NONE ? 0 : target->code[i];
    return status;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sort and drop repeats; how many remain. */
static int64_t distinct(double *x, int64_t count)
{
    int64_t kept = 0;
    if (count > 0) qsort(x, (size_t)count, sizeof *x, by_number);
    for (int64_t i = 0; i < count; i++)
        if (kept == 0 || x[kept - 1] != x[i]) x[kept++] = x[i];
    return kept;
}

/* Different numbers of this rank's rows, at most one more than classes may be. */
static enum status local_numbers(const struct fit_forest_data *data, double **numbers,
                                 int64_t *count)
{
    enum { ROOM = 2 * (FOREST_CLASSES_MAX + 1) };
    enum status status = memory_new(numbers, ROOM, sizeof **numbers);
    *count = 0;
    for (int64_t i = 0; status == OK && i < data->blocks->rows_local; i++) {
        if (data->part[i] == FOREST_NONE) continue;
        double number = target_of(data)->number[i] + 0.0;
        if (*count > 0 && (*numbers)[*count - 1] == number) continue;
        if (*count == ROOM) *count = distinct(*numbers, *count);
        if (*count > FOREST_CLASSES_MAX) break;
        (*numbers)[(*count)++] = number;
    }
    if (status == OK) *count = distinct(*numbers, *count);
    if (*count > FOREST_CLASSES_MAX + 1) *count = FOREST_CLASSES_MAX + 1;
    return status;
}

static enum status label_numbers(struct fit_forest_data *data)
{
    int64_t rows = data->blocks->rows_local;
    enum status status = memory_new(&data->label, rows, sizeof *data->label);
    for (int64_t i = 0; status == OK && i < rows; i++) {
        if (data->part[i] == FOREST_NONE) continue;
        double number = target_of(data)->number[i] + 0.0;
        const double *at = bsearch(&number, data->class_value, (size_t)data->classes,
                                   sizeof *data->class_value, by_number);
        data->label[i] = (int32_t)(at - data->class_value);
    }
    return status;
}

static enum status number_classes(const struct comm *comm, struct fit_forest_data *data)
{
    enum status status = OK;
    double *mine = NULL;
    void *all = NULL;
    int64_t count = 0, bytes = 0;
    TRY_ALL(comm, local_numbers(data, &mine, &count));
    TRY(comm_gather_all(comm, mine, count * (int64_t)sizeof *mine, &all, &bytes));
    data->class_value = all;
    data->classes = distinct(data->class_value, bytes / (int64_t)sizeof *mine);
    TRY(check_classes(data, data->classes));
    TRY_ALL(comm, label_numbers(data));
done:
    free(mine);
    return status;
}

static enum status values(struct fit_forest_data *data)
{
    int64_t rows = data->blocks->rows_local;
    enum status status = memory_new(&data->value, rows, sizeof *data->value);
    for (int64_t i = 0; status == OK && i < rows; i++)
        if (data->part[i] != FOREST_NONE) data->value[i] = target_of(data)->number[i];
    return status;
}

enum status fit_forest_target(const struct comm *comm, const struct fit_forest_source *source,
                              struct fit_forest_data *data)
{
    enum status status = OK;
    if (target_of(data)->type == COLUMN_TEXT)
        TRY_ALL(comm, text_classes(data));
    else if (source->classify)
        TRY(number_classes(comm, data));
    else
        TRY_ALL(comm, values(data));
done:
    return status;
}

/* ---- levels of texts ---- */

/* The class whose share orders levels: the second of two, or the most frequent. */
static enum status choose_class(const struct comm *comm, const struct fit_forest_data *data,
                                int32_t *chosen)
{
    enum status status = OK;
    int64_t *rows = NULL;
    *chosen = data->classes == 2;
    if (data->classes <= 2) return OK;
    TRY_ALL(comm, memory_new(&rows, data->classes, sizeof *rows));
    for (int64_t i = 0; i < data->blocks->rows_local; i++)
        rows[data->label[i]] += data->part[i] == FOREST_TRAIN;
    comm_sum_int64(comm, rows, data->classes);
    for (int32_t k = 1; k < data->classes; k++)
        if (rows[k] > rows[*chosen]) *chosen = k;
done:
    free(rows);
    return status;
}

/* The greatest target, to bring sums near 1. */
static double unit_of(const struct comm *comm, const struct fit_forest_data *data)
{
    double largest = 0;
    for (int64_t i = 0; data->classes == 0 && i < data->blocks->rows_local; i++)
        largest = fmax(largest, fabs(data->value[i]));
    comm_max_double(comm, &largest, 1);
    return kmeans_unit_of(largest);
}

struct level {
    int64_t rows;
    double mean;
    int32_t number;
};

/* By mean, levels without rows last, then by number. */
static int by_mean(const void *a, const void *b)
{
    const struct level *x = a, *y = b;
    if ((x->rows == 0) != (y->rows == 0)) return x->rows == 0 ? 1 : -1;
    if (x->mean != y->mean) return x->mean < y->mean ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static void order_levels(struct level *level, int64_t count, int32_t *rank)
{
    qsort(level, (size_t)count, sizeof *level, by_mean);
    for (int64_t i = 0; i < count; i++) rank[level[i].number] = level[i].rows > 0 ? (int32_t)i : -1;
}

/* Sums [2 level] of targets and [2 level + 1] of rows. */
static void sum_levels(const struct fit_forest_data *data, const int32_t *code, int32_t chosen,
                       double unit, struct exact_sums *sums)
{
    for (int64_t i = 0; i < data->blocks->rows_local; i++) {
        if (data->part[i] != FOREST_TRAIN || code[i] < 0) continue;
        double value = data->classes > 0 ? data->label[i] == chosen : data->value[i] / unit;
        const double both[2] = {value, 1.0};
        exact_add(sums, 2 * (int64_t)code[i], both, 2);
    }
}

static enum status rank_column(const struct comm *comm, struct fit_forest_data *data, int64_t j,
                               int32_t chosen, double unit)
{
    enum status status = OK;
    const struct table_column *column = &data->in.table->column[data->source[j]];
    int64_t count = column->levels.count;
    struct exact_sums sums = {0};
    struct level *level = NULL;
    TRY_ALL(comm, exact_init(&sums, 2 * count));
    TRY_ALL(comm, memory_new(&data->rank[j], count, sizeof *data->rank[j]));
    TRY_ALL(comm, memory_new(&level, count, sizeof *level));
    sum_levels(data, column->code, chosen, unit, &sums);
    TRY(exact_reduce(comm, &sums));
    for (int64_t l = 0; l < count; l++) {
        double rows = exact_get(&sums, 2 * l + 1);
        double mean = rows > 0 ? exact_get(&sums, 2 * l) / rows : 0;
        level[l] = (struct level){(int64_t)rows, mean, (int32_t)l};
    }
    order_levels(level, count, data->rank[j]);
done:
    exact_clear(&sums);
    free(level);
    return status;
}

enum status fit_forest_rank_levels(const struct comm *comm, struct fit_forest_data *data)
{
    enum status status = OK;
    int32_t chosen = 0;
    TRY(choose_class(comm, data, &chosen));
    double unit = unit_of(comm, data);
    for (int64_t j = 0; j < data->columns; j++)
        if (data->in.table->column[data->source[j]].type == COLUMN_TEXT)
            TRY(rank_column(comm, data, j, chosen, unit));
done:
    return status;
}
