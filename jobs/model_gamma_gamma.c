/* The Gamma-Gamma model: rows of tables in, expectations out, saved and read. */
#include "jobs/model_gamma_gamma.h"

#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static struct gamma_gamma_customer customer_of(const struct model_rows *rows, int64_t row)
{
    return (struct gamma_gamma_customer){.frequency = model_rows_column(rows, 0)->number[row],
                                         .spend = model_rows_column(rows, 1)->number[row]};
}

static enum status check(const struct model_rows *rows, int64_t row,
                         const struct gamma_gamma_customer *customer)
{
    const char *fault = gamma_gamma_fault(customer);
    if (fault == NULL) return OK;
    return FAIL(ERR_DATA, "%s: data row %" PRId64 " (frequency %g, spend %g) %s", rows->table->path,
                rows->blocks->row_first + row + 1, customer->frequency, customer->spend, fault);
}

void model_gamma_gamma_settle(struct model_rows *rows)
{
    for (int64_t i = 0; i < rows->blocks->rows_local; i++)
        rows->usable[i] = rows->usable[i] || model_rows_column(rows, 0)->number[i] == 0.0;
}

enum status model_gamma_gamma_customers(const struct model_rows *rows,
                                        struct gamma_gamma_customer **customer, int64_t *count)
{
    enum status status = OK;
    *count = 0;
    TRY(memory_new(customer, rows->blocks->rows_local, sizeof **customer));
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (!rows->usable[i]) continue;
        struct gamma_gamma_customer next = customer_of(rows, i);
        TRY(check(rows, i, &next));
        (*customer)[(*count)++] = next;
    }
done:
    return status;
}

static enum status fill(const struct gamma_gamma_model *model, const struct model_rows *rows,
                        double *spend)
{
    enum status status = OK;
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (!rows->usable[i]) continue;
        struct gamma_gamma_customer customer = customer_of(rows, i);
        TRY(check(rows, i, &customer));
        spend[i] = gamma_gamma_spend(model, &customer);
    }
done:
    return status;
}

enum status model_gamma_gamma_apply(const struct comm *comm, const struct gamma_gamma_model *model,
                                    const struct model_rows *rows, struct applied *applied)
{
    enum status status = OK;
    double *spend = NULL;
    TRY_ALL(comm, applied_add(applied, "expected_spend", &spend));
    TRY_ALL(comm, fill(model, rows, spend));
done:
    return status;
}

enum status model_gamma_gamma_write(const struct comm *comm, const char *path,
                                    const char *const *names, const struct gamma_gamma_model *model)
{
    enum status status = OK;
    struct store *store = NULL;
    TRY(model_create(comm, path, "gamma-gamma", names, MODEL_GAMMA_GAMMA_COLUMNS, &store));
    TRY(model_write_number(comm, store, "p", "", "shape of a customer's purchases", model->p));
    TRY(model_write_number(comm, store, "q", "", "shape of the customers' rates", model->q));
    TRY(model_write_number(comm, store, "v", "unit of spend", "scale of the rates", model->v));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static enum status read_model(const struct comm *comm, const struct store *store, void **model)
{
    enum status status = OK;
    struct gamma_gamma_model *fresh = NULL;
    TRY_ALL(comm, memory_new(&fresh, 1, sizeof *fresh));
    TRY(model_read_number(comm, store, "p", &fresh->p));
    TRY(model_read_number(comm, store, "q", &fresh->q));
    TRY(model_read_number(comm, store, "v", &fresh->v));
    *model = fresh;
    fresh = NULL;
done:
    free(fresh);
    return status;
}

static enum status apply(const struct comm *comm, const void *model, const struct model_rows *rows,
                         struct applied *applied)
{
    return model_gamma_gamma_apply(comm, model, rows, applied);
}

const struct model_kind model_kind_gamma_gamma = {.name = "gamma-gamma",
                                                  .texts = false,
                                                  .read = read_model,
                                                  .settle = model_gamma_gamma_settle,
                                                  .apply = apply,
                                                  .free = free};
