/**
 * Decision trees and random forests, for values and for classes.
 *
 * forest_fit grows trees from rows whose columns were cut into bins (algorithms/bins.h): with
 * bootstrap and a draw of columns for each node a random forest, without them a single tree.
 * forest_apply predicts rows from their floats. At each node the question is chosen that lowers the
 * summed squared error, or the summed Gini impurity, most; it is found among all ends of bins, so
 * where a column has no more different values than bins it is the best question there is.
 *
 * All that decides is a sum of integers (tree_records.h): a forest is a function of the data, the
 * options and the seed, never of the number of ranks. Of equal questions the lowest column wins,
 * then missing values to the right, then the lowest threshold; where a run of bins is empty in the
 * node the threshold is put at the middle of the run.
 */
#ifndef REMISE_ALGORITHMS_FOREST_H
#define REMISE_ALGORITHMS_FOREST_H

#include "algorithms/bins.h"
#include "algorithms/tree.h"

enum {
    FOREST_TREES_MAX = 1 << 24,
    FOREST_DEPTH_MAX = 30,
    FOREST_CLASSES_MAX = 1024,
    FOREST_COLUMNS_MAX = 65535,
    FOREST_ROWS_MAX = 1 << 28 /* of a rank */
};

/* What trees are grown from; nothing is owned. */
struct forest_data {
    const struct blocks *blocks;
    const struct bins *bins;
    const uint8_t *code;  /* [columns][rows_local], of bins_code */
    const double *value;  /* [rows_local] targets, where classes is 0 */
    const int32_t *label; /* [rows_local] 0 .. classes - 1, where it is not */
    int64_t classes;
    const uint8_t *skip; /* [rows_local] rows to leave out are not 0; NULL: none */
};

struct forest_options {
    int64_t trees;
    int64_t depth;    /* questions in a row, at most; 0: one leaf */
    int64_t min_rows; /* of a leaf, as often as they were drawn */
    int64_t features; /* columns drawn for each node; 0: all; where its rows are alike in all of
                         them, it asks about the next one drawn in which they differ */
    double min_gain;  /* a question must take more than this off the mean squared error, or Gini
                         impurity, of the tree's rows */
    bool bootstrap;   /* draw each row 0, 1, 2, ... times for each tree, by Poisson(1) */
    double share;     /* > 0: draw each row with this chance for each tree, once; no bootstrap */
    bool oob;         /* judge by the rows that a tree did not draw; needs bootstrap or share */
    bool permutation; /* importance by redrawing a column */
    uint64_t seed;
    int64_t batch; /* trees grown together, 0: as many as fit; does not change them */
};

#define FOREST_OPTIONS_DEFAULTS                                                    \
    {                                                                              \
        .trees = 1, .depth = 6, .min_rows = 1, .seed = 1, .oob = false, .batch = 0 \
    }

struct forest {
    int64_t columns;
    int64_t classes; /* 0: values */
    int64_t outputs; /* 1, or classes */
    int64_t trees;
    struct tree *tree; /* [trees] */

    double *importance; /* [columns] by impurity: a tree's gains by column, as shares, mean over the
                           trees; sums to 1 unless no question was asked */
    double *permutation; /* [columns] rise of the squared error, or loss of accuracy, of a tree when
                            the column is replaced by draws from its own distribution, mean over
                            the rows each tree did not draw (without bootstrap: all); NULL unless
                            asked for */
    int64_t oob_rows;    /* not drawn by some tree */
    double oob_rmse;     /* error of the mean of the trees that did not draw the row; NaN unless
                            asked for, as the next */
    double oob_accuracy;
};

/**
 * Grow a forest.
 *
 * Collective: every rank calls it and every rank gets the same status and forest.
 * data    in   rows_local may be 0 on a rank
 * opt     in   same values on every rank
 * forest  out  new; the caller frees it with forest_free; NULL unless OK
 * Cost: per tree and depth one addition for each drawn row and column counted: the columns drawn
 *       for its node, or, where more than half are drawn, all columns, of the smaller of two
 *       siblings only. One reduction per depth for all nodes of a batch of trees, more where it is
 *       beyond 64 MiB: 8 w bytes for each bin of each column counted (bins_count, and one where
 *       values are missing). In a node of under 2^15 rows w is 1, or 1 for each 4 classes begun; in
 *       others it is 2, or the number of classes. And two agreements. A node whose rows are alike
 *       in all columns drawn is counted again with the next ones, beside nodes of the next depth.
 * Memory: columns + 8 bytes per row, and 4 per row for each tree of a batch (at most 8); 192 MiB at
 *         most for histograms.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG an option or a label is out of range, or no row is left; ERR_NUMERIC a target is
 *         not finite; ERR_MEMORY.
 * Source: Breiman 2001, Machine Learning 45; Ke et al. 2017 (histograms, smaller child); Shi et al.
 *         2022 (quantised targets).
 */
enum status forest_fit(const struct comm *comm, const struct forest_data *data,
                       const struct forest_options *opt, struct forest **forest);

/**
 * Predict rows: the mean over the trees.
 * Local.
 * x    in   NaN where missing
 * out  out  [rows_local][outputs]
 * Errors: ERR_ARG x has other columns.
 */
enum status forest_apply(const struct forest *forest, const struct rows *x, double *out);

/** The class with the greatest share, the lowest of equals. Local. */
int32_t forest_class(const double *share, int64_t classes);

/** Free and null; accepts NULL inside. Local. */
void forest_free(struct forest **forest);

#endif
