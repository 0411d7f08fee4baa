/**
 * The rows of a design as a short stack of triangles: QR of each block, then of pairs of triangles,
 * along a tree of fixed shape.
 *
 * For ill-conditioned tall and narrow designs, whose normal equations have lost the digits that
 * matter: R'R = X'X without ever forming it. Which triangles meet is decided by the numbers of
 * blocks alone, so that the stack has the same bits for any number of ranks.
 * Source: Demmel, Grigori, Hoemmen and Langou 2012, SIAM J. Sci. Comput. 34(1).
 */
#ifndef REMISE_ALGORITHMS_TRIANGLES_H
#define REMISE_ALGORITHMS_TRIANGLES_H

#include "algorithms/design.h"

enum { TRIANGLES_MAX = 32, TRIANGLES_COLUMNS_MAX = 256 };

struct triangles {
    int64_t columns; /* parameters, then y */
    int64_t rows;    /* columns for each of at most TRIANGLES_MAX triangles */
    double *a;       /* [columns][rows] column-major: as LAPACK has it, the same on every rank */
};

/**
 * Factor the rows of a design, in the units of its scaling and times the root of their weight.
 *
 * Collective.
 * design  in   without groups and effects, at most TRIANGLES_COLUMNS_MAX parameters
 * stack   out  free with triangles_clear
 * Cost: 2 rows columns^2 flops; log2(blocks) exchanges of at most one triangle a rank, and a
 *       reduction of at most 4 TRIANGLES_MAX columns^2 bytes.
 * Memory: a block's rows, and log2(blocks) triangles.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status triangles_make(const struct comm *comm, const struct design *design,
                           const struct scaling *scaling, struct triangles *stack);
/** Free; accepts a zeroed struct. Local. */
void triangles_clear(struct triangles *stack);

/**
 * The triangle R of a matrix' QR decomposition, in place: a [columns][rows] column-major, rows >=
 * columns; below R it is not defined. Local.
 * work  inout  [64 * columns + columns]
 */
void triangles_factor(double *a, int64_t rows, int64_t columns, double *work);

#endif
