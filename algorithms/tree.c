/* Facts about one tree. */
#include "algorithms/tree.h"

#include "mpi/memory.h"

#include <stdlib.h>

enum status tree_depth(const struct tree *tree, int64_t *depth)
{
    int32_t *level = NULL; /* parents stand before their children */
    enum status status = memory_new(&level, tree->nodes, sizeof *level);
    *depth = 0;
    for (int64_t i = 0; status == OK && i < tree->nodes; i++) {
        const struct tree_node *node = &tree->node[i];
        if (level[i] > *depth) *depth = level[i];
        if (node->feature < 0) continue;
        level[node->left] = level[i] + 1;
        level[node->left + 1] = level[i] + 1;
    }
    free(level);
    return status;
}

void tree_clear(struct tree *tree)
{
    free(tree->node);
    free(tree->value);
    *tree = (struct tree){0};
}
