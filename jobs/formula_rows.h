/**
 * The rows of a table that a formula uses, those without a missing value or a weight of 0, and what
 * stands in them.
 *
 * For jobs/formula_design.c: columns by number of their name, values of expressions, levels of
 * factors and of absorbed effects, weights and clusters.
 */
#ifndef REMISE_JOBS_FORMULA_ROWS_H
#define REMISE_JOBS_FORMULA_ROWS_H

#include "io/table.h"
#include "jobs/formula.h"
#include "jobs/formula_levels.h"

struct formula_rows {
    const struct formula *formula;                    /* not owned */
    const struct table *table;                        /* not owned */
    const struct table_column *column[FORMULA_NAMES]; /* of each name */
    bool *complete;                                   /* [table rows] */
    struct blocks blocks; /* of the complete rows: the table's less the others */
    int64_t weightless; /* rows without missing value that are left out for a weight of 0, over all
                             ranks */
};

/**
 * Find the columns, check their types, and cut the complete rows.
 *
 * Collective.
 * rows  out  end with formula_rows_clear, also on failure
 * Errors: ERR_DATA a column is missing, text stands in arithmetic, a weight is negative, no row is
 *         complete; ERR_MEMORY.
 */
enum status formula_rows_init(const struct comm *comm, const struct formula *formula,
                              const struct table *table, struct formula_rows *rows);
/** Free; accepts a zeroed struct. Local. */
void formula_rows_clear(struct formula_rows *rows);

/** Whether a factor stands for levels: C(...) or a column of texts. Local. */
bool formula_rows_leveled(const struct formula_rows *rows, const struct formula_factor *factor);

/** values[:] = the numbers of a row of the table, by name; 0 for texts. Local. */
void formula_rows_read(const struct formula_rows *rows, int64_t row, double *values);

/**
 * Value of a factor in a row whose numbers are `values`. Local.
 * Errors: ERR_DATA it is not finite, or beyond 1e300, with the row's number in the file.
 */
enum status formula_rows_evaluate(const struct formula_rows *rows,
                                  const struct formula_factor *factor, int64_t row,
                                  const double *values, double *result);

/**
 * Levels of a factor in the complete rows.
 * Collective. Free with formula_levels_clear.
 * Errors: those of formula_levels.h; ERR_DATA a value is not finite.
 */
enum status formula_rows_factor_levels(const struct comm *comm, const struct formula_rows *rows,
                                       const struct formula_factor *factor,
                                       struct formula_levels *levels);
/** Likewise of the combinations of an effect's columns. Collective. */
enum status formula_rows_effect_levels(const struct comm *comm, const struct formula_rows *rows,
                                       const struct formula_effect *effect,
                                       struct formula_levels *levels);

/**
 * Weights of the complete rows; NULL where the formula names none. Collective. New, the caller
 * frees them. Errors: ERR_MEMORY.
 */
enum status formula_rows_weights(const struct comm *comm, const struct formula_rows *rows,
                                 double **weight);
/** Likewise a key for the cluster of each row. Collective. Errors: ERR_MEMORY. */
enum status formula_rows_clusters(const struct comm *comm, const struct formula_rows *rows,
                                  int64_t **cluster);

/**
 * How many levels have a row of positive weight, if each lies in one cluster; else 0.
 *
 * Collective.
 * weight  in   [rows]; NULL: all count
 * Cost: two reductions of 8 bytes for each level.
 * Errors: ERR_MEMORY.
 */
enum status formula_rows_nested(const struct comm *comm, const struct formula_rows *rows,
                                const struct formula_levels *levels, const int64_t *cluster,
                                const double *weight, int64_t *nested);

#endif
