/* k-means: rows of tables in, segments out, saved and read. */
#include "jobs/model_kmeans.h"

#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

void model_kmeans_clear(struct model_kmeans *model)
{
    fit_scaling_clear(&model->scaling);
    kmeans_free(&model->kmeans);
}

/* ---- saying ---- */

static enum status round_rows(const struct blocks *blocks, int64_t columns, const double *x,
                              float **rounded)
{
    int64_t cells = blocks->rows_local * columns;
    enum status status = memory_new(rounded, cells, sizeof **rounded);
    for (int64_t i = 0; status == OK && i < cells; i++) {
        if (!(fabs(x[i]) <= KMEANS_LIMIT))
            return FAIL(ERR_DATA,
                        "data row %" PRId64 " is more than %g times as far out as the rows of "
                        "the fit; look at its values",
                        blocks->row_first + i / columns + 1, KMEANS_LIMIT);
        (*rounded)[i] = (float)x[i];
    }
    return status;
}

static enum status label(const struct model_kmeans *model, const struct blocks *blocks,
                         const double *x, const bool *usable, double *segment, double *distance)
{
    enum status status = OK;
    int64_t rows = blocks->rows_local, columns = model->kmeans->columns;
    struct rows rounded = {blocks, columns, columns, NULL};
    float *z = NULL, *far = NULL;
    int32_t *labels = NULL;
    TRY(round_rows(blocks, columns, x, &z));
    rounded.x = z;
    TRY(memory_new(&labels, rows, sizeof *labels));
    TRY(memory_new(&far, rows, sizeof *far));
    TRY(kmeans_apply(model->kmeans, &rounded, labels, far));
    for (int64_t i = 0; i < rows; i++) {
        if (usable != NULL && !usable[i]) continue;
        segment[i] = labels[i];
        distance[i] = (double)far[i] * model->scaling.whole;
    }
done:
    free(z);
    free(labels);
    free(far);
    return status;
}

enum status model_kmeans_say(const struct comm *comm, const struct model_kmeans *model,
                             const double *x, const bool *usable, struct applied *applied)
{
    enum status status = OK;
    double *segment = NULL, *distance = NULL;
    TRY_ALL(comm, applied_add(applied, "segment", &segment));
    TRY_ALL(comm, applied_add(applied, "distance", &distance));
    TRY_ALL(comm, label(model, applied->blocks, x, usable, segment, distance));
done:
    return status;
}

static enum status apply(const struct comm *comm, const void *model, const struct model_rows *rows,
                         struct applied *applied)
{
    enum status status = OK;
    const struct model_kmeans *kmeans = model;
    double *x = NULL;
    TRY_ALL(comm, model_rows_numbers(rows, &x));
    fit_scaling_apply(&kmeans->scaling, x, rows->blocks->rows_local);
    TRY(fit_table_blame(rows->table, model_kmeans_say(comm, kmeans, x, rows->usable, applied)));
done:
    free(x);
    return status;
}

/* ---- the file ---- */

static const struct store_column unit_column = {"unit", STORE_F64, 1, "",
                                                "of each column: z = (x / unit - mean) / divisor"};
static const struct store_column mean_column = {"mean", STORE_F64, 1, "unit",
                                                "of each column, in its unit"};
static const struct store_column divisor_column = {"divisor", STORE_F64, 1, "unit",
                                                   "of each column; 0: constant in the fit, z = 0"};

enum status model_kmeans_write(const struct comm *comm, const char *path, const char *const *names,
                               const struct model_kmeans *model)
{
    enum status status = OK;
    struct store *store = NULL;
    int64_t columns = model->kmeans->columns, once = comm->rank == 0;
    const struct store_column centroid = {"centroid", STORE_F64, columns, "",
                                          "of each segment, as z"};
    TRY(model_create(comm, path, "kmeans", names, columns, &store));
    TRY(store_write(comm, store, &unit_column, model->scaling.unit, once * columns));
    TRY(store_write(comm, store, &mean_column, model->scaling.mean, once * columns));
    TRY(store_write(comm, store, &divisor_column, model->scaling.divisor, once * columns));
    TRY(model_write_number(comm, store, "whole", "unit of the file", "unit of z",
                           model->scaling.whole));
    TRY(store_write(comm, store, &centroid, model->kmeans->centroids, once * model->kmeans->k));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

/* A model of k centroids and its scaling, to be filled. Local. */
static enum status make_room(int64_t k, int64_t columns, struct model_kmeans **model)
{
    enum status status = OK;
    TRY(memory_new(model, 1, sizeof **model));
    TRY(memory_new(&(*model)->kmeans, 1, sizeof *(*model)->kmeans));
    TRY(memory_new(&(*model)->kmeans->centroids, k * columns, sizeof(double)));
    TRY(fit_scaling_alloc(&(*model)->scaling, columns));
    (*model)->kmeans->k = k;
    (*model)->kmeans->columns = columns;
done:
    return status;
}

static void free_model(void *model)
{
    if (model != NULL) model_kmeans_clear(model);
    free(model);
}

static enum status read_model(const struct comm *comm, const struct store *store, void **model)
{
    enum status status = OK;
    struct model_kmeans *fresh = NULL;
    int64_t columns = 1, k = store_rows(comm, store, "centroid", &columns);
    TRY_ALL(comm, k > 0 ? OK : FAIL(ERR_DATA, "the model has no centroids; fit it again"));
    TRY_ALL(comm, make_room(k, columns, &fresh));
    struct fit_scaling *scaling = &fresh->scaling;
    TRY(store_read(comm, store, "unit", STORE_F64, 0, columns, scaling->unit));
    TRY(store_read(comm, store, "mean", STORE_F64, 0, columns, scaling->mean));
    TRY(store_read(comm, store, "divisor", STORE_F64, 0, columns, scaling->divisor));
    TRY(model_read_number(comm, store, "whole", &scaling->whole));
    TRY(store_read(comm, store, "centroid", STORE_F64, 0, k, fresh->kmeans->centroids));
    *model = fresh;
    fresh = NULL;
done:
    free_model(fresh);
    return status;
}

const struct model_kind model_kind_kmeans = {
    .name = "kmeans", .texts = false, .read = read_model, .apply = apply, .free = free_model};
