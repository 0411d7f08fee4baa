/**
 * The normal equations of a design: X'WX and X'Wy of its shifted and scaled columns, replicated on
 * every rank.
 *
 * Dense columns go through algorithms/syrk.h by fixed chunks of a block; sparse ones touch only the
 * entries they meet, so that thousands of one-hot columns cost a handful of updates a row. Group
 * effects are eliminated exactly: dense columns lose their group means, sparse ones (1 / w_g) s_g
 * s_g' with s_g the group's sums.
 */
#ifndef REMISE_ALGORITHMS_GRAM_H
#define REMISE_ALGORITHMS_GRAM_H

#include "algorithms/design.h"

struct gram {
    int64_t parameters;
    double *a;       /* [parameters][parameters] symmetric */
    double *b;       /* [parameters] */
    double y_square; /* y'Wy, less what groups take of it */
};

/**
 * Sum the normal equations of a design in the units of its scaling.
 *
 * Collective.
 * gram  out  free with gram_clear
 * Cost: one pass over the rows, rows * dense^2 flops + entries * (dense + entries of the row)
 *       additions; one reduction of 8 parameters^2 bytes (the upper triangle).
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY; ERR_NUMERIC a sum out of range.
 */
enum status gram_make(const struct comm *comm, const struct design *design,
                      const struct scaling *scaling, struct gram *gram);
/**
 * Bring normal equations that were summed in the units of scaling_guess to those of
 * scaling_measure: columns are shifted by their means, which the sums hold, and scaled by powers of
 * two.
 *
 * Collective.
 * scaling  inout  all of it is as scaling_measure would have it, but for the last bits
 * settled  out    whether the guess was good: no mean further than 8 standard deviations from its
 *                 shift, and no standard deviation beyond the digits of the sums; if not, gram and
 *                 scaling are of no use
 * Cost: parameters^2 additions, and a pass over the weights where there are any.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY; ERR_NUMERIC the sum of the weights is out of range.
 */
enum status gram_settle(const struct comm *comm, const struct design *design,
                        struct scaling *scaling, struct gram *gram, bool *settled);
/** Free; accepts a zeroed struct. Local. */
void gram_clear(struct gram *gram);

/* The normal equations but for products of sparse columns with each other. */
struct gram_edge {
    int64_t width;  /* intercept, dense columns, y */
    double *square; /* packed upper triangle of these, row by row */
    double *cross;  /* [sparse][width] */
};

/**
 * gram_make without the products of sparse columns: for so many that no rank may hold them all.
 *
 * Collective; all else as there, for a design without groups. Free with gram_edge_clear.
 * Cost: one reduction of 16 (width^2 / 2 + sparse width) bytes.
 */
enum status gram_make_edge(const struct comm *comm, const struct design *design,
                           const struct scaling *scaling, struct gram_edge *edge);
/** Free; accepts a zeroed struct. Local. */
void gram_edge_clear(struct gram_edge *edge);

#endif
