/**
 * A formula on a table: the design matrix of the linear model, and the names of its coefficients.
 *
 * Terms of numbers alone become dense columns. A term with factors of levels has a column for each
 * combination of levels, of which a row meets one: those go to the sparse part. A factor of levels
 * in a term stands for all of them but the first if the model also holds the term without it, for
 * all levels otherwise (treatment contrasts).
 */
#ifndef REMISE_JOBS_FORMULA_DESIGN_H
#define REMISE_JOBS_FORMULA_DESIGN_H

#include "algorithms/design.h"
#include "io/table.h"
#include "jobs/formula.h"
#include "jobs/formula_levels.h"

struct formula_design {
    struct design design; /* borrows what follows */
    struct blocks blocks; /* of the complete rows */
    double *x, *y, *value, *weight;
    int64_t *row_start;
    int32_t *column;
    int64_t *cluster; /* [rows_local] key of each row's cluster; NULL: the formula names none */
    struct design_effect effect[FORMULA_EFFECTS];
    struct formula_levels levels[FORMULA_EFFECTS]; /* of the absorbed effects */
    int64_t nested_levels; /* of effects whose levels lie in one cluster each, but one an effect */
    int64_t left_out; /* rows with a missing value in a column the formula reads, over all ranks */
    int64_t weightless;      /* rows left out for a weight of 0, over all ranks */
    int64_t reported;        /* coefficients that are not absorbed */
    char **term;             /* [reported] such as log(price):brand[tropicana], (Intercept) */
    int64_t *parameter;      /* [reported] number in the design */
    enum formula_role *role; /* [reported] */
};

/**
 * Lay out the design matrix of a formula.
 *
 * Collective.
 * table   in   holds at least the columns that the formula names; its texts must outlive the design
 *              where effects are absorbed
 * design  out  new; the caller frees it with formula_design_free; NULL unless OK
 * A factor with a single level where it would be compared with another is left out and warned of.
 * Errors: ERR_DATA a column is missing, text stands in arithmetic, a term is not finite in some row
 *         (which one is said), a weight is negative, no complete row; ERR_ARG more than 4,096
 *         columns; ERR_MEMORY.
 */
enum status formula_design_make(const struct comm *comm, const struct formula *formula,
                                const struct table *table, struct formula_design **design);
/**
 * Whether columns take two values in the rows that count.
 *
 * Collective.
 * varies  out  [design.dense + 1] of each dense column, and, last, of the outcome
 * Errors: ERR_MEMORY.
 */
enum status formula_design_varying(const struct comm *comm, const struct formula_design *made,
                                   bool *varies);
/** Free and null; accepts NULL inside. Local. */
void formula_design_free(struct formula_design **design);

#endif
