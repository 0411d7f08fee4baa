/**
 * Where an effect differs: a small honest tree over the controls.
 *
 * The tree is grown on half of the rows from each row's pull on the constant effect, t (y - effect
 * t) with y and t what controls left of outcome and treatment: its mean differs from 0 in a part of
 * the rows where the effect there is another one. The effect in each leaf is then estimated from
 * the other half, which had no say in where the leaves are, so its standard error can be believed.
 */
#ifndef REMISE_ALGORITHMS_DOUBLE_ML_TREE_H
#define REMISE_ALGORITHMS_DOUBLE_ML_TREE_H

#include "algorithms/double_ml.h"
#include "algorithms/forest.h"

enum { DOUBLE_ML_DEPTH_MAX = 6 };

struct double_ml_tree {
    struct forest *forest;               /* of one tree; its values are pulls, not effects */
    struct bins *bins;                   /* of the controls */
    struct double_ml_estimate *estimate; /* [nodes of the tree]; those of leaves count */
    double growing_rows, wald;           /* rows the tree was grown from; chi-squared of all leaves
                                            having one effect, NaN with clusters or one leaf */
    int64_t leaves;
};

/**
 * Grow a tree and estimate its leaves.
 *
 * Collective.
 * controls  in   as in the fit; levels of categories are cut in order of their numbers
 * skip      in   as in the fit
 * depth     in   questions in a row, at most, 0 .. DOUBLE_ML_DEPTH_MAX
 * min_rows  in   of a leaf, of those it is grown from; 0: a fiftieth of these, at least 50
 * seed      in   of the halves, drawn by cluster where there are clusters
 * tree      out  free with double_ml_tree_clear, also on failure
 * A question must take off twelve times what chance takes off the mean square, or it is not asked.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG depth; those of bins_make, forest_fit and double_ml_groups.
 * Source: Athey and Imbens 2016, PNAS 113(27) (honesty); Athey, Tibshirani and Wager 2019, Annals
 *         of Statistics 47(2) (pulls).
 */
enum status double_ml_tree_fit(const struct comm *comm, const struct double_ml *ml,
                               const struct rows *controls, const uint8_t *skip, int64_t depth,
                               int64_t min_rows, uint64_t seed, struct double_ml_tree *tree);
/** Free; accepts a zeroed struct. Local. */
void double_ml_tree_clear(struct double_ml_tree *tree);

#endif
