/**
 * What stands in for a missing value, as the settings ingest.missing.* say.
 *
 * A policy is `drop` (the row goes), `keep` (the value stays missing), `derive` (from something
 * else, as the setting's help says), a number, or the mean or median of the values that are there,
 * of all or `by product` or `by category`. Each setting allows what makes sense for it. The mean
 * and median come from jobs/group_statistics.h.
 */
#ifndef REMISE_JOBS_IMPUTE_H
#define REMISE_JOBS_IMPUTE_H

#include "jobs/config.h"
#include "jobs/group_statistics.h"

#include <stddef.h>

enum impute_rule {
    IMPUTE_DROP,
    IMPUTE_KEEP,
    IMPUTE_DERIVE,
    IMPUTE_NUMBER,
    IMPUTE_MEAN,
    IMPUTE_MEDIAN
};
enum impute_group { IMPUTE_ALL, IMPUTE_PRODUCT, IMPUTE_CATEGORY };

/* The values that can be missing, each with its setting. */
enum impute_what {
    IMPUTE_UNIT_PRICE, /* of events; with IMPUTE_QUANTITY: ingest.missing.unit_price, .quantity */
    IMPUTE_QUANTITY,
    IMPUTE_LIST_PRICE, /* of products */
    IMPUTE_UNIT_COST,
    IMPUTE_ATTRIBUTES, /* numbers of users */
    IMPUTE_WHATS
};

struct impute_policy {
    enum impute_rule rule;
    enum impute_group group; /* of IMPUTE_MEAN and IMPUTE_MEDIAN */
    double number;           /* of IMPUTE_NUMBER */
};

/** Key of the setting, "ingest.missing.unit_price"; a constant. Local. */
const char *impute_key(enum impute_what what);

/**
 * Read a policy. Local.
 * text     in   blanks between and around its words do not count, case neither
 * policy   out  unset if false
 * problem  out  [bytes] what is wrong and what is possible, if false
 */
bool impute_parse(enum impute_what what, const char *text, struct impute_policy *policy,
                  char *problem, size_t bytes);

/** The policy that is in force; a configuration that was read has valid ones only. Local. */
struct impute_policy impute_policy_of(const struct config *config, enum impute_what what);

/** Does the policy need statistics of the values, as mean and median do? Local. */
bool impute_needs_statistics(struct impute_policy policy);

/**
 * What stands in for a value of this group; the number of IMPUTE_NUMBER, the group's mean or median
 * or, where the group has no value, that of all. NAN if there is none at all, and for the other
 * rules. Local.
 * statistics  in  finished; NULL where the policy needs none
 */
double impute_value(struct impute_policy policy, const struct group_statistics *statistics,
                    int64_t group);

#endif
