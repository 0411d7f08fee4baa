/**
 * Rules of trees in words: "spend > 120 and brand is A or B".
 */
#ifndef REMISE_JOBS_RULES_H
#define REMISE_JOBS_RULES_H

#include "algorithms/tree_rules.h"

/* What the columns of a tree are called; nothing is owned. */
struct rules_words {
    const char *const *name;         /* [columns] */
    const bool *missing;             /* [columns] rows without a value were seen; NULL: none */
    const char *const *const *level; /* [columns] of a column of texts: the texts of its numbers 0,
                                        1, ..., ended by NULL; NULL for numbers, and for all */
};

/**
 * A rule as one line, "always" if it has no condition. Local.
 * text  out  new; the caller frees it; NULL unless OK
 * Whether a value may be missing is said of columns where some were.
 * Errors: ERR_MEMORY.
 */
enum status rules_text(const struct tree_rule *rule, const struct rules_words *words, char **text);

#endif
