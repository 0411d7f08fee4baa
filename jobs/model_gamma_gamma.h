/**
 * The Gamma-Gamma model between tables and files: customers from the columns frequency and spend,
 * the spend to expect, the saved model.
 */
#ifndef REMISE_JOBS_MODEL_GAMMA_GAMMA_H
#define REMISE_JOBS_MODEL_GAMMA_GAMMA_H

#include "algorithms/gamma_gamma.h"
#include "jobs/models.h"

enum { MODEL_GAMMA_GAMMA_COLUMNS = 2 }; /* frequency, spend */

/** Say which rows are usable: spend may be missing where frequency is 0. Local. */
void model_gamma_gamma_settle(struct model_rows *rows);

/**
 * The customers of the usable rows.
 *
 * Local.
 * customer  out  new [rows_local], the first *count are set; the caller frees it
 * Errors: ERR_DATA naming file, row and fault; ERR_MEMORY.
 */
enum status model_gamma_gamma_customers(const struct model_rows *rows,
                                        struct gamma_gamma_customer **customer, int64_t *count);

/**
 * Column expected_spend.
 * Collective; as `apply` of struct model_kind.
 */
enum status model_gamma_gamma_apply(const struct comm *comm, const struct gamma_gamma_model *model,
                                    const struct model_rows *rows, struct applied *applied);

/** Save the model. Collective. names: of the columns. Errors: those of io/store.h. */
enum status model_gamma_gamma_write(const struct comm *comm, const char *path,
                                    const char *const *names,
                                    const struct gamma_gamma_model *model);

#endif
