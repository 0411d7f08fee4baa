/* Features and attributes of users as standardised rows. */
#include "jobs/labels_rows.h"

#include "algorithms/standardise.h"
#include "jobs/features.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { ALIGN_FLOATS = 16, LEVELS_MAX = 64, FOLD_LABELS = 7, FOLDS = 10 };

#define INPUT_LIMIT 5.0f

void labels_rows_clear(struct labels_rows *rows)
{
    free(rows->x);
    free(rows->y);
    free(rows->part);
    *rows = (struct labels_rows){0};
}

/* A number and a mark where it is missing; a column for each level of a text of few. */
static int64_t width_of(const struct attribute *attribute)
{
    if (attribute->levels.count == 0) return 2;
    return attribute->levels.count <= LEVELS_MAX ? attribute->levels.count : 0;
}

static void fill_attribute(const struct attribute *attribute, int64_t user, float *x)
{
    float value = attribute->value[user];
    if (attribute->levels.count > 0) {
        if (!isnan(value)) x[(int64_t)value] = 1.0f;
        return;
    }
    x[0] = isnan(value) ? 0.0f : value;
    x[1] = isnan(value) ? 1.0f : 0.0f;
}

static void fill(const struct users *users, const struct features *features,
                 struct labels_rows *rows)
{
    for (int64_t u = 0; u < users->blocks.rows_local; u++) {
        float *x = rows->x + u * rows->stride;
        for (int64_t j = 0; j < features->columns; j++)
            *x++ = (float)features->x[u * features->columns + j];
        for (int64_t a = 0; a < users->attributes; a++) {
            if (width_of(&users->attribute[a]) > 0) fill_attribute(&users->attribute[a], u, x);
            x += width_of(&users->attribute[a]);
        }
    }
}

static enum status make_inputs(const struct comm *comm, const struct dataset *dataset,
                               struct labels_rows *rows)
{
    enum status status = OK;
    const struct users *users = &dataset->users;
    struct features features = {0};
    double *mean = NULL, *sd = NULL;
    int64_t count = users->blocks.rows_local;
    TRY(features_make(comm, dataset, &features));
    rows->columns = features.columns;
    for (int64_t a = 0; a < users->attributes; a++) rows->columns += width_of(&users->attribute[a]);
    rows->stride = (rows->columns + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    TRY_ALL(comm, memory_new(&rows->x, count * rows->stride, sizeof *rows->x));
    TRY_ALL(comm, memory_new(&mean, rows->columns, sizeof *mean));
    TRY_ALL(comm, memory_new(&sd, rows->columns, sizeof *sd));
    fill(users, &features, rows);
    const struct rows view = {&users->blocks, rows->columns, rows->stride, rows->x};
    TRY(standardise_measure_rows(comm, &view, mean, sd));
    standardise_in_place(rows->x, count, rows->columns, rows->stride, mean, sd, INPUT_LIMIT);
done:
    features_clear(&features);
    free(mean);
    free(sd);
    return status;
}

/* Mean and deviation of the labels. */
static enum status measure_labels(const struct comm *comm, const struct users *users,
                                  struct labels_rows *rows)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t u = 0; u < users->blocks.rows_local; u++) {
        double label = (double)users->label[u];
        if (isnan(label)) continue;
        rows->labelled++;
        exact_add_one(&sums, 0, label);
        exact_add_one(&sums, 1, label * label);
    }
    comm_sum_int64(comm, &rows->labelled, 1);
    TRY(exact_reduce(comm, &sums));
    if (rows->labelled == 0)
        TRY(FAIL(ERR_DATA, "labels: no user of the other tables is labelled; do labels.columns."
                           "user_id and events.columns.user_id name the same ids?"));
    double each = 1.0 / (double)rows->labelled;
    rows->mean = exact_get(&sums, 0) * each;
    rows->sd = sqrt(fmax(exact_get(&sums, 1) * each - rows->mean * rows->mean, 0.0));
    if (rows->sd < 1e-6) rows->sd = 1.0;
done:
    exact_clear(&sums);
    return status;
}

/* One user in ten is kept back, one tells when to stop; with few labels all are learned from. */
static void deal(const struct users *users, struct labels_rows *rows)
{
    for (int64_t u = 0; u < users->blocks.rows_local; u++) {
        int fold = user_fold(users->key[u], FOLD_LABELS, FOLDS);
        bool few = rows->labelled < 10 * FOLDS;
        rows->part[u] = few || fold > 1 ? PART_TRAIN : fold == 0 ? PART_TEST : PART_VALIDATION;
        if (isnan(users->label[u]))
            rows->part[u] = LABELS_PART_NONE;
        else
            rows->y[u] = (float)(((double)users->label[u] - rows->mean) / rows->sd);
    }
}

enum status labels_rows_make(const struct comm *comm, const struct dataset *dataset,
                             struct labels_rows *rows)
{
    enum status status = OK;
    const struct users *users = &dataset->users;
    *rows = (struct labels_rows){0};
    TRY(measure_labels(comm, users, rows));
    TRY_ALL(comm, memory_new(&rows->y, users->blocks.rows_local, sizeof *rows->y));
    TRY_ALL(comm, memory_new(&rows->part, users->blocks.rows_local, sizeof *rows->part));
    deal(users, rows);
    TRY(make_inputs(comm, dataset, rows));
done:
    if (status != OK) labels_rows_clear(rows);
    return status;
}
