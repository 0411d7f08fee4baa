/**
 * Which rows a tree is grown from, and which of them are in which node.
 *
 * A list names each drawn row once, with how often it was drawn; a node's rows are one run of it,
 * in the order of the table, and a question cuts the run in two. Rows that were not drawn stand at
 * the end of the same memory.
 */
#ifndef REMISE_ALGORITHMS_TREE_LIST_H
#define REMISE_ALGORITHMS_TREE_LIST_H

#include "algorithms/tree_records.h"

/* An entry: the local row in the low 28 bits, how often it was drawn (1 to 15) in the others. */
enum { TREE_ROW_BITS = 28, TREE_WEIGHT_MAX = 15 };
#define TREE_ROW_MASK ((UINT32_C(1) << TREE_ROW_BITS) - 1)

struct tree_list {
    uint32_t *entry; /* [rows]: [0, drawn) the rows drawn, [rows - left_out, rows) the others, as
                        rows alone and in falling order */
    int64_t drawn, left_out;
};

/**
 * Draw the rows of trees first .. first + count - 1 of a forest. Local.
 * lists  out  [count] with entry allocated for all local rows
 * Rows to skip are in neither part. How often a row is drawn depends on the seed, the tree and the
 * row's global number; without bootstrap it is once.
 */
void tree_lists_draw(const struct forest_data *data, const struct forest_options *opt,
                     int64_t first, int64_t count, struct tree_list *lists);

/**
 * Order the run [first, end) of entries so that rows whose code goes left come first; otherwise the
 * order stays. Local.
 * code  in  [rows] the column's bins
 * left  in  [256] which bins go left
 * room  in  [end - first] work space
 * Returns the first entry that went right.
 */
int64_t tree_list_cut(uint32_t *entry, int64_t first, int64_t end, const uint8_t *code,
                      const uint8_t *left, uint32_t *room);

#endif
