/* Conditions of leaves, gathered from their paths. */
#include "algorithms/tree_rules.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void tree_rules_clear(struct tree_rules *rules)
{
    free(rules->rule);
    free(rules->condition);
    *rules = (struct tree_rules){0};
}

/* The rule's condition on a column; a new one holds for everything. */
static struct tree_condition *condition_on(struct tree_rule *rule, int32_t column)
{
    for (int64_t i = 0; i < rule->conditions; i++)
        if (rule->condition[i].column == column) return &rule->condition[i];
    rule->condition[rule->conditions] = (struct tree_condition){column, -INFINITY, INFINITY, true};
    return &rule->condition[rule->conditions++];
}

static void narrow(struct tree_condition *condition, const struct tree_node *node, bool left)
{
    if (left)
        condition->upto = fminf(condition->upto, node->threshold);
    else
        condition->above = fmaxf(condition->above, node->threshold);
    condition->missing = condition->missing && node->missing_left == left;
}

/* Conditions along the path to a leaf, from the root down. */
static void gather(const struct tree *tree, const int32_t *parent, int32_t *path,
                   struct tree_rule *rule)
{
    int64_t length = 0;
    for (int32_t at = (int32_t)rule->leaf; at > 0; at = parent[at]) path[length++] = at;
    while (length-- > 0) {
        const struct tree_node *node = &tree->node[parent[path[length]]];
        narrow(condition_on(rule, node->feature), node, path[length] == node->left);
    }
}

static int32_t label_of(const double *share, int64_t classes)
{
    int32_t label = 0;
    for (int32_t k = 1; k < classes; k++)
        if (share[k] > share[label]) label = k;
    return label;
}

static void judge(const struct tree *tree, int64_t classes, struct tree_rule *rule)
{
    const double *value = tree->value + rule->leaf * tree->outputs;
    const struct tree_node *root = &tree->node[0];
    rule->rows = tree->node[rule->leaf].rows;
    rule->label = label_of(value, classes);
    double share = classes > 0 ? value[rule->label] : 1.0;
    double all = classes > 0 ? tree->value[rule->label] : 1.0;
    rule->value = value[rule->label];
    rule->coverage = share * (double)rule->rows / (all * (double)root->rows);
}

static int by_class(const void *a, const void *b)
{
    const struct tree_rule *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    if (x->coverage != y->coverage) return x->coverage > y->coverage ? -1 : 1;
    return (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

static int by_value(const void *a, const void *b)
{
    const struct tree_rule *x = a, *y = b;
    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

static enum status parents_of(const struct tree *tree, int32_t **parent, int64_t *leaves)
{
    enum status status = memory_new(parent, tree->nodes, sizeof **parent);
    *leaves = 0;
    for (int64_t i = 0; status == OK && i < tree->nodes; i++) {
        const struct tree_node *node = &tree->node[i];
        *leaves += node->feature < 0;
        if (node->feature < 0) continue;
        (*parent)[node->left] = (*parent)[node->left + 1] = (int32_t)i;
    }
    return status;
}

enum status tree_rules_make(const struct tree *tree, int64_t classes, struct tree_rules *rules)
{
    enum status status = OK;
    int32_t *parent = NULL, *path = NULL;
    int64_t leaves = 0, depth = 0;
    *rules = (struct tree_rules){0};
    TRY(tree_depth(tree, &depth));
    TRY(parents_of(tree, &parent, &leaves));
    TRY(memory_new(&path, depth + 1, sizeof *path));
    TRY(memory_new(&rules->rule, leaves, sizeof *rules->rule));
    TRY(memory_new(&rules->condition, leaves * depth, sizeof *rules->condition));
    for (int64_t i = 0; i < tree->nodes; i++) {
        if (tree->node[i].feature >= 0) continue;
        struct tree_rule *rule = &rules->rule[rules->count];
        *rule =
            (struct tree_rule){.leaf = i, .condition = rules->condition + rules->count++ * depth};
        gather(tree, parent, path, rule);
        judge(tree, classes, rule);
    }
    qsort(rules->rule, (size_t)rules->count, sizeof *rules->rule,
          classes > 0 ? by_class : by_value);
done:
    free(parent);
    free(path);
    if (status != OK) tree_rules_clear(rules);
    return status;
}

/* ---- joining ---- */

/* Do two leaves say the same? */
static bool alike(const struct tree *tree, int64_t left)
{
    const struct tree_node *node = tree->node + left;
    const double *value = tree->value + left * tree->outputs;
    if (node[0].feature >= 0 || node[1].feature >= 0) return false;
    return node[0].rows == 0 || node[1].rows == 0 ||
           label_of(value, tree->outputs) == label_of(value + tree->outputs, tree->outputs);
}

enum status tree_rules_join(struct tree *tree)
{
    enum status status = OK;
    size_t bytes = (size_t)tree->outputs * sizeof *tree->value;
    int32_t *place = NULL; /* where a node goes, 0 unless it is below a question that remains */
    int64_t kept = 1;
    TRY(memory_new(&place, tree->nodes, sizeof *place));
    for (int64_t i = tree->nodes - 1; i >= 0; i--)
        if (tree->node[i].feature >= 0 && alike(tree, tree->node[i].left))
            tree->node[i].feature = -1;
    for (int64_t i = 0; i < tree->nodes; i++) {
        struct tree_node node = tree->node[i];
        if (i > 0 && place[i] == 0) continue;
        if (node.feature >= 0) {
            place[node.left] = (int32_t)kept;
            place[node.left + 1] = (int32_t)kept + 1;
            node.left = (int32_t)kept;
            kept += 2;
        }
        tree->node[place[i]] = node;
        memmove(tree->value + place[i] * tree->outputs, tree->value + i * tree->outputs, bytes);
    }
    tree->nodes = kept;
done:
    free(place);
    return status;
}
