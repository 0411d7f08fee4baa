/**
 * Growing a batch of trees, depth by depth: all nodes of one depth of all trees are counted, their
 * histograms summed over the ranks at once, and each node is cut by its best question.
 */
#ifndef REMISE_ALGORITHMS_TREE_GROW_H
#define REMISE_ALGORITHMS_TREE_GROW_H

#include "algorithms/tree_split.h"

/* Histograms of the nodes of one depth. */
struct tree_store {
    int64_t *word;
    int64_t room;
    bool whole; /* those of all nodes, with all columns */
};

/* What is made once for all trees. */
struct tree_grower {
    const struct forest_data *data;
    const struct forest_options *opt;
    const struct tree_records *records;
    struct tree_shape shape;
    struct tree_columns all;   /* every column */
    struct tree_columns drawn; /* the node's at hand */
    int64_t features;          /* drawn for a node */
    bool every;                /* histograms hold every column, so siblings can be subtracted */
    uint8_t *mark;             /* [columns] */
    int32_t *shuffle;          /* [columns] */
    struct tree_search search;
    int64_t *room;      /* a packed histogram of every column */
    uint32_t *cut_room; /* [rows_local] */
    struct tree_store now, last;
};

/** Errors: ERR_MEMORY. Local; free with tree_grower_clear. */
enum status tree_grower_init(struct tree_grower *grower, const struct forest_data *data,
                             const struct forest_options *opt, const struct tree_records *records);
/** Free; accepts a zeroed struct. Local. */
void tree_grower_clear(struct tree_grower *grower);

/** Trees that may be grown together: their histograms fit the memory meant for them. Local. */
int64_t tree_grower_batch(const struct tree_grower *grower);

/**
 * Grow trees first .. first + count - 1 of a forest from their lists, whose entries are put in the
 * order of the leaves.
 *
 * Collective.
 * trees  out  [count]; the caller clears each with tree_clear, also on failure
 * Cost and errors: those of forest_fit.
 */
enum status tree_grow(const struct comm *comm, struct tree_grower *grower, int64_t first,
                      int64_t count, struct tree_list *lists, struct tree *trees);

#endif
