/**
 * The best question for a node, from its histogram.
 */
#ifndef REMISE_ALGORITHMS_TREE_SPLIT_H
#define REMISE_ALGORITHMS_TREE_SPLIT_H

#include "algorithms/tree_histogram.h"

struct tree_split {
    double gain;    /* fall of the summed squared error in squared units of tree_records, or of rows
                       times Gini; 0: no question is better than none */
    int32_t column; /* -1: none */
    int32_t bin;    /* codes up to it go left */
    bool missing_left;
    int64_t *left; /* [stats] of the left side; the caller's */
};

/* Work space, made once. */
struct tree_search {
    int64_t bins;    /* that have rows */
    int32_t *bin;    /* [bins] which they are */
    int64_t *packed; /* [bins] all of packed bins up to one, if that is one integer */
    double *count;   /* [bins] rows up to a bin */
    double *sum;     /* [bins] the same of the targets, or of a class */
    double *square;  /* [bins] */
    double *score;   /* [bins] */
};

/** Errors: ERR_MEMORY. Local; free with tree_search_clear. */
enum status tree_search_init(struct tree_search *search);
/** Free; accepts a zeroed struct. Local. */
void tree_search_clear(struct tree_search *search);

/* A node's histogram and what it is searched for. */
struct tree_view {
    const struct tree_shape *shape;
    const struct tree_columns *held;  /* columns of the histogram */
    const struct tree_columns *asked; /* those to choose from, each one held */
    const int64_t *histogram;
    bool packed;
    const int64_t *stats; /* [stats] of all rows of the node */
    int64_t rows;
    int64_t min_rows; /* on each side of a question, at least 1 */
};

/**
 * Find the question with the greatest gain; ties as forest.h says. Local.
 */
void tree_split_find(const struct tree_view *view, struct tree_search *search,
                     struct tree_split *split);

/** Are all rows of the node in one bin of a column that is held? Local. */
bool tree_split_alike(const struct tree_view *view, int32_t column);

/** Rows that statistics describe. Local. */
static inline int64_t tree_rows_of(const int64_t *stats, int64_t classes)
{
    int64_t rows = stats[0];
    for (int64_t k = 1; k < classes; k++) rows += stats[k];
    return rows;
}

#endif
