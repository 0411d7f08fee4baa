/* The BG/NBD model: rows of tables in, expectations out, saved and read. */
#include "jobs/model_bgnbd.h"

#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static struct bgnbd_customer customer_of(const struct model_rows *rows, int64_t row)
{
    return (struct bgnbd_customer){.frequency = model_rows_column(rows, 0)->number[row],
                                   .recency = model_rows_column(rows, 1)->number[row],
                                   .age = model_rows_column(rows, 2)->number[row]};
}

static enum status check(const struct model_rows *rows, int64_t row,
                         const struct bgnbd_customer *customer)
{
    const char *fault = bgnbd_fault(customer);
    if (fault == NULL) return OK;
    return FAIL(ERR_DATA, "%s: data row %" PRId64 " (frequency %g, recency %g, age %g) %s",
                rows->table->path, rows->blocks->row_first + row + 1, customer->frequency,
                customer->recency, customer->age, fault);
}

enum status model_bgnbd_customers(const struct model_rows *rows, struct bgnbd_customer **customer,
                                  int64_t *count)
{
    enum status status = OK;
    *count = 0;
    TRY(memory_new(customer, rows->blocks->rows_local, sizeof **customer));
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (!rows->usable[i]) continue;
        struct bgnbd_customer next = customer_of(rows, i);
        TRY(check(rows, i, &next));
        (*customer)[(*count)++] = next;
    }
done:
    return status;
}

/* expected: NULL without a horizon */
static enum status fill(const struct model_bgnbd *model, const struct model_rows *rows,
                        double horizon, double *alive, double *expected)
{
    enum status status = OK;
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (!rows->usable[i]) continue;
        struct bgnbd_customer customer = customer_of(rows, i);
        TRY(check(rows, i, &customer));
        alive[i] = bgnbd_alive(&model->model, &customer);
        if (expected != NULL) expected[i] = bgnbd_purchases(&model->model, &customer, horizon);
    }
done:
    return status;
}

enum status model_bgnbd_apply(const struct comm *comm, const struct model_bgnbd *model,
                              const struct model_rows *rows, struct applied *applied)
{
    enum status status = OK;
    double *alive = NULL, *expected = NULL;
    double horizon = isnan(rows->horizon) ? model->horizon : rows->horizon;
    TRY_ALL(comm, applied_add(applied, "p_alive", &alive));
    if (!isnan(horizon)) TRY_ALL(comm, applied_add(applied, "expected_purchases", &expected));
    TRY_ALL(comm, fill(model, rows, horizon, alive, expected));
done:
    return status;
}

enum status model_bgnbd_write(const struct comm *comm, const char *path, const char *const *names,
                              const struct model_bgnbd *model)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct bgnbd_model *m = &model->model;
    TRY(model_create(comm, path, "bgnbd", names, MODEL_BGNBD_COLUMNS, &store));
    TRY(model_write_number(comm, store, "r", "", "shape of the rates of purchase", m->r));
    TRY(model_write_number(comm, store, "alpha", "unit of age", "scale of the rates", m->alpha));
    TRY(model_write_number(comm, store, "a", "", "of the chances of leaving, Beta(a, b)", m->a));
    TRY(model_write_number(comm, store, "b", "", "of the chances of leaving, Beta(a, b)", m->b));
    TRY(model_write_number(comm, store, "horizon", "unit of age",
                           "to expect purchases for, NaN where none was given", model->horizon));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static enum status read_model(const struct comm *comm, const struct store *store, void **model)
{
    enum status status = OK;
    struct model_bgnbd *fresh = NULL;
    TRY_ALL(comm, memory_new(&fresh, 1, sizeof *fresh));
    TRY(model_read_number(comm, store, "r", &fresh->model.r));
    TRY(model_read_number(comm, store, "alpha", &fresh->model.alpha));
    TRY(model_read_number(comm, store, "a", &fresh->model.a));
    TRY(model_read_number(comm, store, "b", &fresh->model.b));
    TRY(model_read_number(comm, store, "horizon", &fresh->horizon));
    *model = fresh;
    fresh = NULL;
done:
    free(fresh);
    return status;
}

static enum status apply(const struct comm *comm, const void *model, const struct model_rows *rows,
                         struct applied *applied)
{
    return model_bgnbd_apply(comm, model, rows, applied);
}

const struct model_kind model_kind_bgnbd = {
    .name = "bgnbd", .texts = false, .read = read_model, .apply = apply, .free = free};
