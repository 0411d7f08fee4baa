/**
 * Least squares on controls as they come: missing numbers, categories, and lines that may bend.
 *
 * A number that is missing somewhere enters with its mean there and a column that says so; a
 * category enters as a column for each level. A number may have knots, at its quantiles: its line
 * has another slope behind each. What depends on earlier columns is dropped.
 */
#ifndef REMISE_ALGORITHMS_DOUBLE_ML_LINE_H
#define REMISE_ALGORITHMS_DOUBLE_ML_LINE_H

#include "algorithms/bins.h"
#include "algorithms/design.h"
#include "algorithms/double_ml.h"

struct double_ml_line {
    struct design design; /* borrows what follows; y and weight are set for each fit */
    struct bins *knots;   /* of the controls; NULL: lines are straight */
    bool products;        /* of each two numbers */
    int64_t *control;     /* [parameters] each is of; -1 of none or two */
    bool *told;           /* [parameters] not dropped by all fits so far */
    double *x;            /* [rows_local][dense] */
    int64_t *row_start;   /* [rows_local + 1] */
    int32_t *column;      /* [entries] */
};

/**
 * Lay out the controls.
 * Collective.
 * line  out  free with double_ml_line_clear, also on failure
 * strict    in  refuse a category of more than DOUBLE_ML_LEVELS_MAX levels; otherwise leave it out
 * knots     in  of a number, at most; 0: straight lines
 * products  in  with the products of each two numbers
 * Errors: ERR_DATA such a category, or too many columns; ERR_MEMORY.
 */
enum status double_ml_line_init(const struct comm *comm, const struct double_ml_data *data,
                                bool strict, int64_t knots, bool products,
                                struct double_ml_line *line);

/** Numbers among the controls. Local. */
int64_t double_ml_line_numbers(const struct double_ml_data *data);
/** Free; accepts a zeroed struct. Local. */
void double_ml_line_clear(struct double_ml_line *line);

/**
 * Fit to rows of weight 1 and predict all rows.
 * Collective.
 * y        in   [rows_local]
 * weight   in   [rows_local] 0 or 1
 * predict  out  [rows_local]
 * Same bytes for any number of ranks.
 * Errors: those of least_squares_fit.
 */
enum status double_ml_line_fit(const struct comm *comm, struct double_ml_line *line,
                               const double *y, const double *weight, double *predict);

/**
 * Which controls other ones before them explain wholly, going by the fits so far. Local.
 * explained  out  [controls] false for those that are left out
 */
void double_ml_line_explained(const struct double_ml_line *line, int64_t controls, bool *explained);

#endif
