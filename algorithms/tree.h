/**
 * One decision tree: questions about columns that lead a row to a leaf, and what the leaves say.
 *
 * Trees are grown by forest_fit (algorithms/forest.h; a single tree is a forest of one). A row goes
 * left at a node if x[feature] <= threshold; a missing value (NaN) goes to the side that was better
 * for the rows the tree was grown from, or, where none was missing, to the side with more rows.
 */
#ifndef REMISE_ALGORITHMS_TREE_H
#define REMISE_ALGORITHMS_TREE_H

#include "mpi/status.h"

#include <stdbool.h>
#include <stdint.h>

struct tree_node {
    int32_t feature; /* column asked about; -1: a leaf */
    int32_t left;    /* the left child; the right one is the next */
    float threshold; /* INFINITY: every value goes left, only missing ones go right */
    uint8_t bin;     /* the threshold as a bin: codes up to it go left */
    bool missing_left;
    double gain;  /* what the question takes off the tree's mean squared error, or Gini impurity */
    int64_t rows; /* rows that came here in growing, as often as they were drawn */
};

struct tree {
    int64_t nodes;
    int64_t outputs;        /* values of a leaf: 1, or the number of classes */
    struct tree_node *node; /* [nodes] a parent before its children; the root is the first */
    double *value;          /* [nodes][outputs] mean of the node's rows, or share of each class */
};

/** The leaf of a row x[features]. Local. */
static inline int64_t tree_leaf(const struct tree *tree, const float *x)
{
    const struct tree_node *node = tree->node;
    while (node->feature >= 0) {
        float value = x[node->feature];
        bool left = value <= node->threshold || (value != value && node->missing_left);
        node = tree->node + node->left + !left;
    }
    return node - tree->node;
}

/** Questions from the root to the deepest leaf. Local. Errors: ERR_MEMORY. */
enum status tree_depth(const struct tree *tree, int64_t *depth);

/** Free; accepts a zeroed struct. Local. */
void tree_clear(struct tree *tree);

#endif
