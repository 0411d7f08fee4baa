/**
 * How good trees are on the rows they were not grown from, and how much of it each column carries.
 */
#ifndef REMISE_ALGORITHMS_FOREST_JUDGE_H
#define REMISE_ALGORITHMS_FOREST_JUDGE_H

#include "algorithms/tree_list.h"
#include "mpi/exact.h"

struct forest_judge {
    const struct forest_data *data;
    const struct forest_options *opt;
    const struct tree_records *records;
    float *sum;             /* [rows][outputs] predictions of the trees that left the row out */
    int32_t *trees;         /* [rows] how many they are */
    int32_t *leaf;          /* [rows] work space: leaves of a tree */
    int32_t *redrawn;       /* [rows] the same with a column redrawn */
    uint8_t *code;          /* [columns][rows] the codes of rows drawn at random */
    struct exact_sums rise; /* [columns] of the errors by redrawing */
    int64_t judged;         /* pairs of a tree and a row it is judged on */
};

/**
 * Collective. Clear with forest_judge_clear, also on failure.
 * Memory: 4 (outputs + 2) bytes per row for out-of-bag errors, columns + 8 for importance.
 * Errors: ERR_MEMORY.
 */
enum status forest_judge_init(const struct comm *comm, const struct forest_data *data,
                              const struct forest_options *opt, const struct tree_records *records,
                              struct forest_judge *judge);
/** Free; accepts a zeroed struct. Local. */
void forest_judge_clear(struct forest_judge *judge);

/** Judge one tree, grown from list; it is of no use afterwards. Local. Errors: ERR_MEMORY. */
enum status forest_judge_add(struct forest_judge *judge, const struct tree *tree,
                             struct tree_list *list);

/**
 * Put the figures into the forest. Collective.
 * Errors: ERR_MEMORY, ERR_NUMERIC.
 */
enum status forest_judge_end(const struct comm *comm, struct forest_judge *judge,
                             struct forest *forest);

#endif
