/**
 * The nodes of one depth of a batch of trees while it grows: where their rows and histograms are.
 */
#ifndef REMISE_ALGORITHMS_TREE_LEVEL_H
#define REMISE_ALGORITHMS_TREE_LEVEL_H

#include "algorithms/tree_grow.h"

/* Integers of histograms that are held, and summed over the ranks, at once: 64 MiB. */
#define TREE_STORE_WORDS (INT64_C(1) << 23)

/* A tree that grows. */
struct tree_growing {
    int64_t nodes, room;
    struct tree_node *node; /* [room] */
    int64_t *stats;         /* [room][stats] of the node's rows over all ranks */
    struct tree_list *list; /* not owned */
};

/* A node that may still be cut. Siblings stand side by side, the left one first. */
struct tree_open {
    int32_t tree; /* of the batch */
    int32_t node;
    uint32_t path;      /* 1 for the root, 2 i and 2 i + 1 for the children of i */
    int32_t attempt;    /* how often columns were drawn in vain: all rows were alike in them */
    bool again;         /* so they were now; there are other columns */
    bool wanted;        /* a question may be found; else it is there for its sibling */
    bool counted;       /* its rows are counted; else its histogram is parent less sibling */
    bool packed;        /* its histogram is */
    bool parent_packed; /* its parent's was */
    int64_t first, end; /* its rows in the tree's list */
    int64_t rows;       /* over all ranks, as often as drawn */
    int64_t parent;     /* its parent's histogram in the last store */
    int64_t at;         /* its histogram in this one */
};

struct tree_level {
    int64_t count, room;
    struct tree_open *open;   /* [room] */
    struct tree_split *split; /* [room] */
    int64_t *left;            /* [room][stats] */
    bool subtract;            /* this depth's larger siblings are had by subtraction */
};

/**
 * The columns that a node of a tree (of the forest) may ask about; until the next call. Local.
 * attempt  in  0, and more to go on in the same random order of all columns, whose part is in
 *              grower->shuffle[0 .. count - 1]
 */
const struct tree_columns *tree_grower_draw(struct tree_grower *grower, int64_t tree, uint32_t path,
                                            int32_t attempt);

/** Are there columns for one more attempt? Local. */
bool tree_grower_more(const struct tree_grower *grower, int32_t attempt);

/** Room for `count` open nodes. Local. Errors: ERR_MEMORY. */
enum status tree_level_reserve(struct tree_level *level, int64_t count, int64_t stats);
/** Free; accepts a zeroed struct. Local. */
void tree_level_clear(struct tree_level *level);

/**
 * Find the best question of every wanted node of a level.
 *
 * Collective. Fills level->split and open->again; grower->now holds the level's histograms if it is
 * whole.
 * first  in  number in the forest of the batch's first tree
 * Errors: ERR_MEMORY.
 */
enum status tree_level_search(const struct comm *comm, struct tree_grower *grower, int64_t first,
                              const struct tree_growing *growing, struct tree_level *level);

#endif
