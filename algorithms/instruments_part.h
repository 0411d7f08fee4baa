/**
 * The designs of the stages of two-stage least squares: some columns of the whole one, with fitted
 * values among them.
 *
 * For algorithms/instruments.c alone.
 */
#ifndef REMISE_ALGORITHMS_INSTRUMENTS_PART_H
#define REMISE_ALGORITHMS_INSTRUMENTS_PART_H

#include "algorithms/instruments.h"

/* The columns of a design by role. */
struct instruments_split {
    const struct design *design;       /* not owned */
    const enum instruments_role *role; /* [parameters] not owned */
    int64_t endogenous;
    int64_t *parameter; /* [endogenous] */
    double *actual;     /* [rows_local][endogenous] */
    double *fitted;     /* [rows_local][endogenous] once the first stages are done */
    double *left;       /* [rows_local][endogenous] actual - fitted */
    int64_t dense[3];   /* columns by role */
    int64_t sparse[3];
    int64_t *place; /* [sparse] number of a sparse column among those of its role */
};

/** Sort the columns and copy the endogenous ones. Local. Free with instruments_split_clear. */
enum status instruments_split_make(const struct design *design, const enum instruments_role *role,
                                   struct instruments_split *split);
/** Free; accepts a zeroed struct. Local. */
void instruments_split_clear(struct instruments_split *split);

/**
 * A stage: intercept, exogenous dense columns, fitted values if wanted, instruments if wanted, as
 * dense columns in this order; then sparse exogenous columns and instruments. It is settled in the
 * order of exogenous columns, fitted values and instruments what depends on what.
 */
struct instruments_part {
    struct design design; /* borrows what follows */
    double *x, *value;
    int64_t *row_start;
    int32_t *column;
    int64_t *order;  /* [parameters] the design's */
    int64_t *origin; /* [parameters] of the design's; a fitted value has its column's */
};

/**
 * Make the design of a stage. Local. Free with instruments_part_clear.
 * y  in  [rows_local] its outcome; must outlive it
 */
enum status instruments_part_make(const struct instruments_split *split, bool fitted,
                                  bool instruments, const double *y, struct instruments_part *part);
/** Free; accepts a zeroed struct. Local. */
void instruments_part_clear(struct instruments_part *part);

#endif
