/**
 * The limits of `allocate.limits`: what is written there, and what it means.
 *
 * A limit compares two sums of measures over the rows of the table, each measure with a number
 * before it where wanted, and numbers: `cost <= 250 per category`, `purchases >= 2000`,
 * `profit_gain >= 1.5 * cost`, `purchases <= stock per product`, `cost <= 80 for category = DAIRY`.
 * All is brought to the form sum of factor x measure <= limit in integers of one unit, exactly: no
 * number is rounded.
 */
#ifndef REMISE_JOBS_LIMITS_H
#define REMISE_JOBS_LIMITS_H

#include "jobs/cells.h"

/* name, decimals kept of it, of what, in words */
#define LIMIT_MEASURES_LIST(X)                                                          \
    X(cost, 4, "currency", "what the discounts cost in expectation")                    \
    X(purchases, 6, "purchases", "expected")                                            \
    X(revenue, 4, "currency", "expected")                                               \
    X(profit, 4, "currency", "expected")                                                \
    X(profit_gain, 4, "currency", "expected profit above that without discounts")       \
    X(surplus, 4, "currency", "what customers save or value above the price, expected") \
    X(discount, 9, "discounts", "sum of the discounts as fractions")                    \
    X(discounts, 0, "rows", "rows that have a discount")

#define LIMIT_ENUM(name, decimals, unit, help) LIMIT_##name,
/** What a limit may be of: the names of LIMIT_MEASURES_LIST. */
enum limit_measure { LIMIT_MEASURES_LIST(LIMIT_ENUM) LIMIT_MEASURES };
#undef LIMIT_ENUM

/* What there is a limit for each of. */
/* The protected group is not in the language of limits: jobs/fairness.h. */
enum limit_by {
    BY_ALL,
    BY_CATEGORY,
    BY_BRAND,
    BY_PRODUCT,
    BY_MARKET,
    BY_SEGMENT,
    BY_GROUP,
    LIMIT_BYS
};

struct limit_rule {
    char *text;                     /* as it was written */
    char *measure;                  /* what is limited, as text: "profit_gain - 1.5 * cost" */
    int64_t factor[LIMIT_MEASURES]; /* units of the sum for each unit of the measure */
    int decimals;                   /* a unit of the sum is 10^-decimals */
    const char *unit_name;          /* of what; constant */
    bool at_least;                  /* sum >= limit, else <= */
    bool stock;                     /* the limit is the product's stock */
    bool ratio;                     /* several measures */
    bool per_day;                   /* the limit is for each day of the table */
    int64_t limit;                  /* units of the sum */
    enum limit_by by;
    char *only; /* the one group it holds for; NULL: each one */
};

enum { LIMIT_RULES = 256 };

struct limits {
    int64_t count;
    struct limit_rule rule[LIMIT_RULES];
};

/**
 * Read one limit. Local. Free with limit_rule_clear, also on failure.
 * Errors: ERR_CONFIG with what is wrong, the name that may be meant and an example; ERR_MEMORY.
 */
enum status limit_parse(const char *text, struct limit_rule *rule);
/** Free; accepts a zeroed struct. Local. */
void limit_rule_clear(struct limit_rule *rule);

/**
 * Bring two limits of the same sum to one unit: "cost <= 80" and "cost <= 12.34567" are of the same
 * measure, but written with other decimals. Local.
 * Returns false, and both unchanged, where the sums differ or a number would be too large.
 */
bool limit_same_unit(struct limit_rule *a, struct limit_rule *b);

/**
 * What the settings lack for a limit: columns of markets, brands or stock. Local.
 * Returns false with the problem and its remedy in the text; true if nothing is missing.
 */
bool limit_is_possible(const struct config *config, const struct limit_rule *rule, char *problem,
                       size_t room);

/**
 * Read allocate.limits, whose texts were checked with the configuration. Local.
 * limits  out  new, the caller frees it with limits_free; NULL unless OK
 * Errors: ERR_CONFIG, ERR_MEMORY.
 */
enum status limits_read(const struct config *config, struct limits **limits);
/** Free and null; accepts NULL inside. Local. */
void limits_free(struct limits **limits);

/** The word of the configuration: "category". Local. */
const char *limit_by_name(enum limit_by by);

#endif
