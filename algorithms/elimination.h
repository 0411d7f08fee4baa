/**
 * Solve a graph's Laplacian nearly, in time that grows with its edges: what conjugate gradients
 * need to settle in tens of steps on any graph.
 *
 * Nodes are eliminated, those with the fewest neighbours first. Exactly, a node of d neighbours
 * leaves an edge between each two of them; here it leaves d - 1 random ones that have the exact
 * ones as their mean, so that edges never become more. Trees, and nodes of up to two neighbours,
 * are eliminated exactly. Random numbers are keyed by node: the same graph has the same factor.
 */
#ifndef REMISE_ALGORITHMS_ELIMINATION_H
#define REMISE_ALGORITHMS_ELIMINATION_H

#include "mpi/status.h"

#include <stdint.h>

enum { ELIMINATION_LANES = 4 }; /* right sides solved at once */

/* An edge of positive weight between two nodes, which differ. */
struct elimination_edge {
    int32_t a, b;
    double weight;
};

struct elimination {
    int64_t nodes;
    int32_t *place;  /* [nodes] when each is eliminated */
    int64_t *start;  /* [nodes + 1] first entry of what is eliminated then */
    int32_t *to;     /* [entries] later places of its neighbours */
    double *part;    /* [entries] weight of the edge by that of all the node has */
    double *inverse; /* [nodes] of the weight of all edges; 0: the last of a component */
};

/**
 * Factor the Laplacian of a graph.
 *
 * Local.
 * edge         in   [edges] at most 2^30; two nodes may be joined by several
 * elimination  out  free with elimination_clear
 * Cost: about 200 edges log2(degree) instructions.
 * Memory: 24 bytes an edge and 24 a node while it works; 12 for each entry, of which there are one
 *         to four an edge.
 * Errors: ERR_MEMORY.
 * Source: Kyng and Sachdeva 2016, FOCS; Gao, Kyng and Spielman 2023, arXiv 2303.00709.
 */
enum status elimination_make(int64_t nodes, const struct elimination_edge *edge, int64_t edges,
                             struct elimination *elimination);
/** Free; accepts a zeroed struct. Local. */
void elimination_clear(struct elimination *elimination);

/**
 * Solve, nearly: y becomes the factor's pseudo-inverse times y. Local. The columns of y do not see
 * each other.
 * y  inout  [nodes][ELIMINATION_LANES] in the order of places
 */
void elimination_apply(const struct elimination *elimination, double *y);

#endif
