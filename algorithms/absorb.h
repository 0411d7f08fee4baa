/**
 * Absorbed effects: a design without them whose other coefficients are those of the model with
 * them.
 *
 * Few levels become sparse columns behind the others, which come first when it is settled what
 * depends on what: a column that is constant within the levels is dropped, not a level. More levels
 * are projected out (Frisch, Waugh and Lovell): every column, the outcome too, keeps what is left
 * of it after its own regression on the levels (algorithms/levels.h), and sparse columns become
 * dense.
 */
#ifndef REMISE_ALGORITHMS_ABSORB_H
#define REMISE_ALGORITHMS_ABSORB_H

#include "algorithms/design.h"

enum absorb_way { ABSORB_NONE, ABSORB_COLUMNS, ABSORB_PROJECTED };

struct absorb_options {
    int64_t columns_max; /* more columns than these in all, levels included, are projected; but
                            with 256 sparse ones or more only beyond 8,192 */
    double tolerance;    /* of projections: what the levels still explain of a column, as part
                               of its standard deviation */
    double explained;    /* a column is 0 where levels explain all but this part of its squares */
    int64_t max_iterations; /* of a projection */
};

struct absorbed {
    enum absorb_way way;
    struct design design; /* without effects; borrows what follows and the original's arrays */
    int64_t *row_start;
    int32_t *column;
    double *value;
    /* where projected */
    double *x;           /* [rows_local][dense + sparse of the original] */
    double *y;           /* [rows_local] */
    int64_t levels;      /* independent ones */
    double total_square; /* of y before, about its mean, in the units of y */
    int64_t iterations;  /* most of any column */
    bool converged;
    double reached; /* worst of any column, as absorb_options.tolerance */
};

/**
 * Make a design without effects. Parameters of the original keep their numbers; where effects are
 * columns, more follow; where they are projected out, the intercept has no meaning any more.
 *
 * Collective.
 * design  in   must outlive the result; each row has one level of every effect
 * plain   out  free with absorbed_clear; without effects a copy of the struct
 * Cost: projected, three passes over the rows for every 8 columns, with one reduction of 128 bytes
 *       a level, and the cost of levels_make and levels_solve.
 * Memory: projected, 8 bytes for every row and column.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG a level out of range, effects together with groups; those of scaling_measure and
 *         levels_solve. Not to converge is none: see plain->converged.
 */
enum status absorb_make(const struct comm *comm, const struct design *design,
                        const struct absorb_options *options, struct absorbed *plain);
/** Free; accepts a zeroed struct. Local. */
void absorbed_clear(struct absorbed *plain);

/**
 * The second way: project the effects out of all columns. Called by absorb_make, which checks.
 * Collective; all else as there.
 */
enum status absorb_project(const struct comm *comm, const struct design *design,
                           const struct absorb_options *options, struct absorbed *plain);

#endif
