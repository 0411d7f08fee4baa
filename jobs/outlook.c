/* Parts of the receipt that ask the problem again, one after the other on the same slots. */
#include "jobs/outlook.h"

#include "jobs/dial.h"
#include "jobs/front.h"
#include "jobs/rule_cost.h"
#include "mpi/log.h"

enum part { PART_DIAL, PART_RULES, PART_FRONT, PARTS };

static const char *const part_name[PARTS] = {"budget_dial", "rule_cost", "front"};

/* Goals that labels take the place of have no front. */
static bool is_wanted(const struct allocated *a, enum part part)
{
    const struct config *config = a->run->config;
    if (part == PART_DIAL) return config_integer(config, "allocate.dial") > 0;
    if (part == PART_RULES) return config_integer(config, "allocate.rule_cost") > 0;
    return config_integer(config, "allocate.front") > 0 && a->maker->labels == NULL;
}

static enum status make_part(const struct comm *comm, const struct allocated *a, enum part part,
                             struct what_if *w, json_t **json)
{
    const struct config *config = a->run->config;
    if (part == PART_DIAL) return dial_json(comm, w, config_integer(config, "allocate.dial"), json);
    if (part == PART_RULES) return rule_cost_json(comm, w, a->maker, json);
    return front_json(comm, w, a->maker, config_integer(config, "allocate.front"), json);
}

static void say(const struct what_if *w)
{
    if (w->every == 1)
        log_info("  other budgets, goals and rules: solved for all users");
    else
        log_info("  other budgets, goals and rules: solved for %lld of %lld users, and told over "
                 "all",
                 (long long)w->users, (long long)w->users_total);
}

enum status outlook_add(const struct comm *comm, const struct allocated *allocated,
                        const struct choices *choices, json_t *receipt)
{
    enum status status = OK;
    struct what_if w = {0};
    bool any = false;
    for (int part = 0; part < PARTS; part++) any = any || is_wanted(allocated, (enum part)part);
    if (!any || allocated->problem->blocks.rows_total == 0) return OK;
    TRY(what_if_make(comm, allocated->problem, choices,
                     allocated->problem->caps > 0 ? WHAT_IF_SLOTS_CAPPED : WHAT_IF_SLOTS, &w));
    say(&w);
    for (int part = 0; part < PARTS; part++) {
        json_t *json = NULL;
        if (!is_wanted(allocated, (enum part)part)) continue;
        TRY(make_part(comm, allocated, (enum part)part, &w, &json));
        json_object_set_new(receipt, part_name[part], json);
    }
done:
    what_if_clear(&w);
    return status;
}
