/**
 * A tree as rules: for each leaf the conditions under which a row comes there, one per column, and
 * how well the leaf knows its class.
 *
 * For trees that explain: grown to a few questions, a leaf reads like "over 120 a month, and under
 * a third of it on promotion". Where neighbours name the same class, tree_rules_join makes one rule
 * of them.
 */
#ifndef REMISE_ALGORITHMS_TREE_RULES_H
#define REMISE_ALGORITHMS_TREE_RULES_H

#include "algorithms/tree.h"

/* above < x <= upto; or, if missing, no value. */
struct tree_condition {
    int32_t column;
    float above;  /* -INFINITY: no lower limit; INFINITY: no value satisfies it */
    float upto;   /* INFINITY: no upper limit */
    bool missing; /* a missing value satisfies it */
};

struct tree_rule {
    int64_t leaf;
    int64_t conditions;
    struct tree_condition *condition; /* [conditions] columns in the order they are asked about; not
                                         owned */
    int64_t rows;                     /* of the growing, as often as drawn */
    int32_t label;                    /* the class with the most rows; 0 for values */
    double value;    /* its share of the leaf's rows (purity), or the mean of the leaf's values */
    double coverage; /* the leaf's share of all rows of its class, or of all rows for values */
};

struct tree_rules {
    int64_t count;
    struct tree_rule *rule; /* [count] by class, then from the greatest coverage down; for values
                               from the greatest down */
    struct tree_condition *condition;
};

/**
 * The rules of a tree, one for each leaf.
 * Local. Free with tree_rules_clear.
 * classes  in  of the forest; 0: values
 * Cost: O(nodes depth^2).
 * Errors: ERR_MEMORY.
 */
enum status tree_rules_make(const struct tree *tree, int64_t classes, struct tree_rules *rules);
/**
 * Make one leaf of two neighbours that name the same class, or of which one has no rows, as long as
 * there are such; the values and gains of what remains stay.
 * Local. The tree is of classes; nodes keep their order.
 * Errors: ERR_MEMORY.
 */
enum status tree_rules_join(struct tree *tree);

/** Free; accepts a zeroed struct. Local. */
void tree_rules_clear(struct tree_rules *rules);

#endif
