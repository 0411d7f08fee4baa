/**
 * Linear functions of the rows of a design: fitted values, and how much a row moves an estimate.
 *
 * A function is constant + slope . (x - shift) + effect . (sparse entries). Where a design
 * eliminates groups, its functions are taken about their group's weighted mean.
 */
#ifndef REMISE_ALGORITHMS_PREDICTORS_H
#define REMISE_ALGORITHMS_PREDICTORS_H

#include "algorithms/design.h"

struct predictors {
    const struct design *design; /* not owned */
    const double *shift;         /* [dense] not owned */
    int64_t count;
    double *constant; /* [count] */
    double *slope;    /* [count][dense] per x - shift */
    double *effect;   /* [sparse][count] per value */
    double *row;      /* [dense] work space */
};

/**
 * Make `count` functions that are 0 everywhere. Local. Free with predictors_clear.
 * design, shift  in  must outlive them
 * Errors: ERR_MEMORY.
 */
enum status predictors_init(const struct design *design, const double *shift, int64_t count,
                            struct predictors *p);
/** Free; accepts a zeroed struct. Local. */
void predictors_clear(struct predictors *p);

/**
 * The functions' values in rows. Local.
 * x      in   dense columns to take, as the design's; usually design->x
 * value  out  [to - from][count]; 0 in rows without weight
 * Cost: count * (dense + entries) multiplications a row.
 */
void predictors_rows(struct predictors *p, const double *x, int64_t from, int64_t to,
                     double *value);

/**
 * Take the weighted group means from values [to - from][count] of whole groups; nothing where the
 * design has no groups. Local.
 */
void predictors_center(const struct design *design, int64_t from, int64_t to, int64_t count,
                       double *value);

#endif
