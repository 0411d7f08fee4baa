/**
 * The features of a profile as people read them, and conditions about them in words.
 *
 * A feature is brought from the logarithms and fractions of jobs/features.h to days, baskets or
 * amounts in a month of 30 days, numbers of categories, and per cent. In words a lower limit is
 * exceeded and an upper one is not: "20 to 120" is over 20 and at most 120.
 */
#ifndef REMISE_JOBS_PROFILE_RULES_WORDS_H
#define REMISE_JOBS_PROFILE_RULES_WORDS_H

#include "algorithms/tree_rules.h"
#include "partition/dictionary.h"

enum profile_scale { SCALE_PLAIN, SCALE_LOG, SCALE_WHOLE, SCALE_PERCENT };

/** How a feature of this name is read; SCALE_PLAIN, as it is, if it is not known. Local. */
enum profile_scale profile_words_scale(const char *name);

/** A value of jobs/features.h as it is read. Local. */
float profile_words_value(enum profile_scale scale, double value);

/**
 * What a rule says of a user: "spends over 120 EUR a month and buys over 40 % on promotion"; "any
 * user" if it has no conditions.
 * Local.
 * names     in   of the columns
 * currency  in   of amounts; NULL: not named
 * text      out  new; the caller frees it; NULL unless OK
 * Errors: ERR_MEMORY.
 */
enum status profile_words_rule(const struct dictionary *names, const char *currency,
                               const struct tree_rule *rule, char **text);

#endif
