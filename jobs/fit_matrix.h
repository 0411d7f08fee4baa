/**
 * The table of a fit as a matrix: its columns of numbers, those named or all, row by row.
 */
#ifndef REMISE_JOBS_FIT_MATRIX_H
#define REMISE_JOBS_FIT_MATRIX_H

#include "jobs/fit_table.h"

struct fit_matrix {
    struct fit_table in;   /* blocks and names; the numbers of the columns taken are freed */
    struct blocks *blocks; /* of in.table; not owned */
    int64_t columns;
    int64_t *source; /* [columns] their places in the table */
    double *x;       /* [rows_local][columns] finite */
};

/**
 * Read columns of a CSV file as a matrix.
 *
 * Collective.
 * names   in   [names_count]; names_count 0 for all columns of numbers
 * model   in   what needs the numbers, as in "k-means"; for messages
 * matrix  out  the caller clears it with fit_matrix_clear, also on failure
 * Errors: as fit_table_read; ERR_DATA a column holds text or lacks values, or there is none.
 */
enum status fit_matrix_read(const struct comm *comm, const char *path, const char *const *names,
                            int64_t names_count, const char *model, struct fit_matrix *matrix);
/** Free; accepts a zeroed struct. Local. */
void fit_matrix_clear(struct fit_matrix *matrix);

/** Name of a column. Local. */
const char *fit_matrix_name(const struct fit_matrix *matrix, int64_t column);

/**
 * Read a start: as many rows of the columns of `like` as there are, on every rank.
 * Collective.
 * start  out  new [rows][like->columns], the caller frees it; NULL unless OK
 * Errors: as fit_matrix_read.
 */
enum status fit_matrix_read_start(const struct comm *comm, const char *path,
                                  const struct fit_matrix *like, const char *model, double **start,
                                  int64_t *rows);

#endif
