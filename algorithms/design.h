/**
 * The design matrix of a linear model spread over the ranks, and the shift and scale that make its
 * sums well behaved.
 *
 * A design has dense columns, optionally a sparse part for one-hot effects and slopes by category,
 * an intercept, weights, and groups whose effects are eliminated. Its parameters are numbered: the
 * intercept (if any), the dense columns, then the sparse ones. Columns are shifted towards mean 0
 * (where a constant is in the model) and scaled to about 1 by powers of two, so that the normal
 * equations keep their digits and exact sums their range.
 */
#ifndef REMISE_ALGORITHMS_DESIGN_H
#define REMISE_ALGORITHMS_DESIGN_H

#include "partition/blocks.h"

enum {
    DESIGN_PARAMETERS_MAX = 20000,
    DESIGN_REPLICATED_MAX = 4096 /* of which one rank may hold all products */
};

/* An effect that is absorbed: each of its levels has a constant that nobody asks for. */
struct design_effect {
    int64_t levels;
    const int32_t *level; /* [rows_local] in [0, levels); not owned */
};

/* Everything here is borrowed. Sparse values are finite; x and y are where the weight is
 * positive. */
struct design {
    const struct blocks *blocks;
    bool intercept;
    int64_t dense;
    const double *x;          /* [rows_local][dense] row-major; NULL if dense is 0 */
    int64_t sparse;           /* columns of the sparse part; 0 if there is none */
    const int64_t *row_start; /* [rows_local + 1] first entry of each row */
    const int32_t *column;    /* [entries] in [0, sparse), those of a row distinct */
    const double *value;      /* [entries]; NULL: all 1 */
    const double *y;          /* [rows_local] */
    const double *weight;     /* [rows_local] >= 0; NULL: all 1 */
    const int64_t
        *group; /* [rows_local]; rows of a group are consecutive and in one block; NULL: none */
    int64_t effects;                    /* 0 where groups are eliminated */
    const struct design_effect *effect; /* [effects] absorbed before all other columns */
    int64_t last_first;   /* of the sparse columns, the last so many come before all others when it
                           is settled which columns depend on which */
    const int64_t *order; /* [parameters of the design as it was made] those in which it is settled
                             what depends on what, after these; NULL: by number */
};

/** Number of parameters: intercept, dense, sparse. Local. */
static inline int64_t design_parameters(const struct design *design)
{
    return (design->intercept ? 1 : 0) + design->dense + design->sparse;
}

/**
 * Whether a constant is in the span of the columns: then a shifted column changes no other
 * coefficient. Local.
 */
static inline bool design_has_constant(const struct design *design)
{
    return design->intercept || design->group != NULL || design->last_first > 0;
}

/**
 * First row after the group (without groups: the row) that starts at `row`, at most `end`. Local.
 */
int64_t design_group_end(const struct design *design, int64_t row, int64_t end);

/* Shifts and scales: column j enters as (x - shift[j]) * scale[j]; column `dense` of these arrays
 * is y. */
struct scaling {
    double *shift;        /* [dense + 1] */
    double *scale;        /* [dense + 1] powers of two */
    double *sparse_scale; /* [sparse] powers of two */
    double weight_scale;  /* power of two; weights average about 1 after it */
    double *square_sum;   /* [parameters] of the scaled columns, before groups are eliminated */
    double total_square;  /* of the scaled y, about its mean if a constant is in the model */
    int64_t rows;         /* of positive weight, over all ranks */
    int64_t groups;       /* with such a row, over all ranks */
};

/**
 * Check a design and measure its columns.
 *
 * Collective.
 * scaling  out  free with scaling_clear
 * Cost: two passes over the rows, two reductions.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG no row of positive weight, no or more than 20,000 parameters, a sparse column out
 *         of range; ERR_NUMERIC a value is not finite or a weight is negative, with the column;
 *         ERR_MEMORY.
 */
enum status scaling_measure(const struct comm *comm, const struct design *design,
                            struct scaling *scaling);
/**
 * Guess shifts and scales from the first rows of some blocks; square_sum, total_square and rows are
 * those of the sample. For dense columns without groups only: gram_settle puts the rest right.
 *
 * Collective; all else as scaling_measure.
 */
enum status scaling_guess(const struct comm *comm, const struct design *design,
                          struct scaling *scaling);
/** Free; accepts a zeroed struct. Local. */
void scaling_clear(struct scaling *scaling);

/**
 * One row in the units of the scaling, times the root of its weight: intercept, dense, sparse
 * columns, y. Local.
 * to  out  [parameters + 1] at distance stride; zero before the call
 */
void design_row(const struct design *design, const struct scaling *scaling, int64_t row, double *to,
                int64_t stride);

#endif
