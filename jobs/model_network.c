/* Networks: rows of tables in, predictions out, saved and read. */
#include "jobs/model_network.h"

#include "jobs/network_file.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "network"

/* ---- saying ---- */

/* Layers of codes look them up: they must be whole numbers within the table. */
static int64_t codes_of(const struct network *network)
{
    const struct layer_plan *first = &network->plan[0];
    return first->kind == &layer_embedding ? first->codes : 0;
}

static enum status check_value(const struct model_network *model, const struct model_rows *rows,
                               int64_t row, int64_t j, float z)
{
    int64_t codes = j < layer_values(model->network->shape[0]) ? codes_of(model->network) : 0;
    bool good = codes > 0 ? z >= 0.0f && z < (float)codes && z == floorf(z) : isfinite(z);
    if (good) return OK;
    return FAIL(ERR_DATA, "column \"%s\" is %g in data row %" PRId64 ", %s",
                model_rows_column(rows, j)->name, model_rows_column(rows, j)->number[row],
                rows->blocks->row_first + row + 1,
                codes > 0 ? "no code that the model knows" : "too far from the values of the fit");
}

/* The usable rows as the network takes them; zeros elsewhere. */
static enum status scale_rows(const struct model_network *model, const struct model_rows *rows,
                              float **x)
{
    int64_t columns = rows->columns, count = rows->blocks->rows_local;
    enum status status = memory_new(x, count * columns, sizeof **x);
    for (int64_t i = 0; i < count && status == OK; i++)
        for (int64_t j = 0; j < columns && rows->usable[i] && status == OK; j++) {
            double value = model_rows_column(rows, j)->number[i];
            float z = (float)fit_scaling_one(&model->scaling, j, value);
            (*x)[i * columns + j] = z;
            status = check_value(model, rows, i, j, z);
        }
    return status;
}

static enum status predict(const struct model_network *model, const struct model_rows *rows,
                           double *said)
{
    enum status status = OK;
    float *x = NULL, *out = NULL;
    int64_t count = rows->blocks->rows_local;
    TRY(scale_rows(model, rows, &x));
    TRY(memory_new(&out, count, sizeof *out));
    TRY(network_apply(model->network, x, count, rows->columns, out));
    for (int64_t i = 0; i < count; i++)
        if (rows->usable[i]) said[i] = fit_scaling_undo(&model->scaling, rows->columns, out[i]);
done:
    free(x);
    free(out);
    return status;
}

static enum status apply(const struct comm *comm, const void *model, const struct model_rows *rows,
                         struct applied *applied)
{
    enum status status = OK;
    const struct model_network *network = model;
    char name[APPLIED_NAME_BYTES] = "predicted";
    double *said = NULL;
    if (network->network->loss == LOSS_BCE)
        snprintf(name, sizeof name, "p_%s", *network->outcome[1] ? network->outcome[1] : "1");
    TRY_ALL(comm, applied_add(applied, name, &said));
    TRY_ALL(comm, fit_table_blame(rows->table, predict(network, rows, said)));
done:
    return status;
}

/* ---- the file ---- */

static const struct store_column unit_column = {
    "unit", STORE_F64, 1, "", "of each column, the target last: z = (x / unit - mean) / divisor"};
static const struct store_column mean_column = {"mean", STORE_F64, 1, "unit", "of each column"};
static const struct store_column divisor_column = {"divisor", STORE_F64, 1, "unit",
                                                   "of each column; 0: constant in the fit, z = 0"};

enum status model_network_write(const struct comm *comm, const char *path,
                                const struct model_network_parts *parts)
{
    enum status status = OK;
    struct store *store = NULL;
    int64_t width = parts->scaling->columns, once = comm->rank == 0;
    const char *const none[2] = {"", ""};
    const char *const *outcome = parts->outcome != NULL ? parts->outcome : none;
    TRY(model_create(comm, path, "network", parts->names, width - 1, &store));
    TRY(store_write_note(comm, store, "made_by", parts->made_by));
    TRY(store_write_note(comm, store, "target", parts->target));
    TRY(store_write_note(comm, store, "outcome_0", outcome[0]));
    TRY(store_write_note(comm, store, "outcome_1", outcome[1]));
    TRY(store_write(comm, store, &unit_column, parts->scaling->unit, once * width));
    TRY(store_write(comm, store, &mean_column, parts->scaling->mean, once * width));
    TRY(store_write(comm, store, &divisor_column, parts->scaling->divisor, once * width));
    TRY(network_file_write(comm, store, parts->network));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

void model_network_free(struct model_network **model)
{
    struct model_network *old = *model;
    if (old == NULL) return;
    free(old->made_by);
    free(old->target);
    free(old->outcome[0]);
    free(old->outcome[1]);
    dictionary_clear(&old->columns);
    fit_scaling_clear(&old->scaling);
    network_free(&old->network);
    free(old);
    *model = NULL;
}

static void free_model(void *model)
{
    struct model_network *old = model;
    model_network_free(&old);
}

static enum status check_columns(const struct model_network *model)
{
    int64_t inputs = network_inputs(model->network);
    if (inputs == model->columns.count && model->network->loss != LOSS_STRUCTURAL) return OK;
    return FAIL(ERR_DATA,
                "the network takes %" PRId64 " values, but has %" PRId64 " columns; fit it again",
                inputs, model->columns.count);
}

static enum status read_model(const struct comm *comm, const struct store *store, void **model)
{
    enum status status = OK;
    struct model_network *fresh = NULL;
    TRY_ALL(comm, memory_new(&fresh, 1, sizeof *fresh));
    TRY(store_read_note(comm, store, "made_by", &fresh->made_by));
    TRY(store_read_note(comm, store, "target", &fresh->target));
    TRY(store_read_note(comm, store, "outcome_0", &fresh->outcome[0]));
    TRY(store_read_note(comm, store, "outcome_1", &fresh->outcome[1]));
    TRY(store_read_dictionary(comm, store, "columns", &fresh->columns));
    TRY(network_file_read(comm, store, &fresh->network));
    TRY_ALL(comm, check_columns(fresh));
    int64_t width = fresh->columns.count + 1;
    TRY_ALL(comm, fit_scaling_alloc(&fresh->scaling, width));
    TRY(store_read(comm, store, "unit", STORE_F64, 0, width, fresh->scaling.unit));
    TRY(store_read(comm, store, "mean", STORE_F64, 0, width, fresh->scaling.mean));
    TRY(store_read(comm, store, "divisor", STORE_F64, 0, width, fresh->scaling.divisor));
    fresh->scaling.whole = 1.0;
    *model = fresh;
    fresh = NULL;
done:
    free_model(fresh);
    return status;
}

enum status model_network_read(const struct comm *comm, const char *path,
                               struct model_network **model)
{
    enum status status = OK;
    struct store *store = NULL;
    char *kind = NULL;
    void *read = NULL;
    *model = NULL;
    TRY(store_open(comm, path, &store));
    TRY(store_read_note(comm, store, "kind", &kind));
    if (strcmp(kind, KIND) != 0) TRY(FAIL(ERR_DATA, "%s holds no network of remise fit", path));
    TRY(read_model(comm, store, &read));
    *model = read;
done:
    store_close(comm, &store);
    free(kind);
    return status;
}

const struct model_kind model_kind_network = {
    .name = KIND, .texts = false, .read = read_model, .apply = apply, .free = free_model};
