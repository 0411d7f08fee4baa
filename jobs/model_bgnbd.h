/**
 * The BG/NBD model between tables and files: customers from the columns frequency, recency and age,
 * their expectations, the saved model.
 */
#ifndef REMISE_JOBS_MODEL_BGNBD_H
#define REMISE_JOBS_MODEL_BGNBD_H

#include "algorithms/bgnbd.h"
#include "jobs/models.h"

enum { MODEL_BGNBD_COLUMNS = 3 }; /* frequency, recency, age */

struct model_bgnbd {
    struct bgnbd_model model;
    double horizon; /* to expect purchases for, in the unit of age; NaN: none */
};

/**
 * The customers of the usable rows.
 *
 * Local.
 * customer  out  new [rows_local], the first *count are set; the caller frees it
 * Errors: ERR_DATA naming file, row and fault; ERR_MEMORY.
 */
enum status model_bgnbd_customers(const struct model_rows *rows, struct bgnbd_customer **customer,
                                  int64_t *count);

/**
 * Columns p_alive and, given a horizon, expected_purchases.
 * Collective; as `apply` of struct model_kind.
 */
enum status model_bgnbd_apply(const struct comm *comm, const struct model_bgnbd *model,
                              const struct model_rows *rows, struct applied *applied);

/** Save the model. Collective. names: of the columns. Errors: those of io/store.h. */
enum status model_bgnbd_write(const struct comm *comm, const char *path, const char *const *names,
                              const struct model_bgnbd *model);

#endif
