/* Policies and what they learn, together. */
#include "jobs/filling.h"

enum status filling_init(const struct config *config, enum impute_what what, int64_t memory_bytes,
                         const char *folder, struct filling *filling)
{
    *filling = (struct filling){.policy = impute_policy_of(config, what)};
    if (!impute_needs_statistics(filling->policy)) return OK;
    return group_statistics_new(filling->policy.group != IMPUTE_ALL, memory_bytes, folder,
                                &filling->values);
}

static int64_t group_of(const struct filling *filling, int64_t product, int64_t category)
{
    switch (filling->policy.group) {
    case IMPUTE_PRODUCT:
        return product;
    case IMPUTE_CATEGORY:
        return category;
    default:
        return 0;
    }
}

enum status filling_learn(struct filling *filling, int64_t product, int64_t category, double value)
{
    if (filling->values == NULL) return OK;
    return group_statistics_add(filling->values, group_of(filling, product, category), value);
}

enum status filling_finish(const struct comm *comm, struct filling *filling, int64_t groups)
{
    if (filling->values == NULL) return OK;
    return group_statistics_finish(comm, filling->values, groups);
}

double filling_value(const struct filling *filling, int64_t product, int64_t category)
{
    return impute_value(filling->policy, filling->values, group_of(filling, product, category));
}

void filling_clear(struct filling *filling)
{
    group_statistics_free(&filling->values);
}
