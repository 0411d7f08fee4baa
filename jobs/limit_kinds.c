/* Limits as written become measures and kinds. */
#include "jobs/limit_kinds.h"

#include "jobs/limit_groups.h"
#include "jobs/suggest.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 640 };

/* Everything limits are made kinds with; borrowed but for the groups. */
struct maker {
    const struct run *run;
    const struct dataset *dataset;
    const struct candidates *candidates;
    const struct limits *limits;
    struct limit_plan *plan;
    struct problem *problem;
    struct limit_groups groups[LIMIT_BYS]; /* made when first asked for */
    int64_t unknown;                       /* names of groups that are not there */
};

/* ---- measures ---- */

static bool same_measure(const struct limit_plan *plan, int measure, const struct limit_rule *rule)
{
    int64_t sign = rule->at_least ? -1 : 1;
    bool same = plan->decimals[measure] == rule->decimals;
    for (int j = 0; j < LIMIT_MEASURES; j++)
        same = same && plan->factor[measure][j] == sign * rule->factor[j];
    return same;
}

static enum status find_measure(struct maker *m, const struct limit_rule *rule, int *measure)
{
    enum status status = OK;
    char name[NAME_BYTES];
    for (*measure = 0; *measure < m->problem->measures; ++*measure)
        if (same_measure(m->plan, *measure, rule)) return OK;
    snprintf(name, sizeof name,
             !rule->at_least ? "%s"
             : rule->ratio   ? "-(%s)"
                             : "-%s",
             rule->measure);
    TRY(problem_add_measure(m->problem, name, pow(10.0, -rule->decimals), rule->unit_name,
                            measure));
    m->plan->decimals[*measure] = rule->decimals;
    for (int j = 0; j < LIMIT_MEASURES; j++)
        m->plan->factor[*measure][j] = rule->at_least ? -rule->factor[j] : rule->factor[j];
done:
    return status;
}

/* ---- limits ---- */

static const char *rule_name(const struct limit_rule *rule)
{
    if (rule->stock) return "stock";
    if (rule->ratio) return "ratio";
    return rule->at_least ? "floor" : "limit";
}

/* In the form that is kept: sum of the measure <= limit. */
static int64_t limit_of(const struct maker *m, const struct limit_rule *rule)
{
    int64_t days = rule->per_day ? config_integer(m->run->config, "run.valid_days") : 1;
    int64_t each = rule->at_least ? -rule->limit : rule->limit, all = 0;
    if (!__builtin_mul_overflow(days, each, &all)) return all;
    return each > 0 ? (int64_t)1 << 60 : -((int64_t)1 << 60); /* more than any sum */
}

static void lower_to(int64_t *limit, int64_t to)
{
    if (to < *limit) *limit = to;
}

static void set_stock(const struct maker *m, int64_t groups, int64_t *limit)
{
    const double *stock = m->dataset->products.stock;
    for (int64_t g = 0; stock != NULL && g < groups; g++)
        if (!isnan(stock[g])) lower_to(&limit[g], (int64_t)floor(1e6 * stock[g] + 1e-6));
}

static void tell_unknown(struct maker *m, const struct limit_rule *rule,
                         const struct dictionary *names)
{
    struct suggestion near = SUGGESTION(rule->only);
    for (int64_t c = 0; c < names->count; c++) suggestion_offer(&near, dictionary_text(names, c));
    log_line(LOG_ERROR, "allocate.limits: \"%s\": there is no %s \"%s\"%s%s%s", rule->text,
             limit_by_name(rule->by), rule->only, near.best != NULL ? ", did you mean \"" : "",
             near.best != NULL ? near.best : "", near.best != NULL ? "\"?" : " in the tables");
    m->unknown++;
}

/* One rule's part of the limits of its kind; limit [names->count]. */
static void set_limits(struct maker *m, const struct limit_rule *rule,
                       const struct dictionary *names, int64_t *limit)
{
    if (rule->stock) {
        set_stock(m, names->count, limit);
    } else if (rule->only != NULL) {
        int64_t code = dictionary_find(names, rule->only, strlen(rule->only));
        if (code < 0)
            tell_unknown(m, rule, names);
        else
            lower_to(&limit[code], limit_of(m, rule));
    } else {
        for (int64_t g = 0; g < names->count; g++) lower_to(&limit[g], limit_of(m, rule));
    }
}

/* ---- kinds ---- */

static bool same_kind(const struct limit_rule *a, const struct limit_rule *b)
{
    return a->by == b->by && a->by != BY_ALL && a->at_least == b->at_least &&
           a->stock == b->stock && a->decimals == b->decimals &&
           memcmp(a->factor, b->factor, sizeof a->factor) == 0;
}

/* The groups that have a limit get the codes of the kind; groups without limits are of none. */
static enum status keep_limited(const struct limit_groups *groups, int64_t slots,
                                const int64_t *limit, struct problem_kind *kind)
{
    enum status status = OK;
    int32_t *code = NULL;
    bool *keep = NULL;
    int64_t at = 0, count = groups->names.count;
    TRY(memory_new(&code, count, sizeof *code));
    TRY(memory_new(&keep, count, sizeof *keep));
    for (int64_t g = 0; g < count; g++) {
        keep[g] = limit[g] != KNAPSACK_FREE;
        code[g] = keep[g] ? (int32_t)at : -1;
        if (keep[g]) kind->limit[at++] = limit[g];
    }
    TRY(limit_names_keep(&groups->names, keep, &kind->names));
    TRY(memory_new(&kind->group, slots, sizeof *kind->group));
    for (int64_t i = 0; i < slots; i++)
        kind->group[i] = groups->group[i] >= 0 ? code[groups->group[i]] : -1;
done:
    free(code);
    free(keep);
    return status;
}

static enum status add_grouped(struct maker *m, int64_t first, int measure)
{
    enum status status = OK;
    char name[NAME_BYTES];
    const struct limit_rule *rule = &m->limits->rule[first];
    const struct limit_groups *groups = &m->groups[rule->by];
    struct problem_kind *kind = NULL;
    int64_t *limit = NULL, limited = 0, count = groups->names.count;
    TRY(memory_new(&limit, count, sizeof *limit));
    for (int64_t g = 0; g < count; g++) limit[g] = KNAPSACK_FREE;
    for (int64_t r = first; r < m->limits->count; r++)
        if (same_kind(rule, &m->limits->rule[r]))
            set_limits(m, &m->limits->rule[r], &groups->names, limit);
    for (int64_t g = 0; g < count; g++) limited += limit[g] != KNAPSACK_FREE;
    if (limited == 0) { /* no product has a stock, no user a market, or the name is wrong */
        if (m->unknown == 0)
            log_warning("allocate.limits: \"%s\" limits nothing: the tables tell of no %s",
                        rule->text, rule->stock ? "stock" : limit_by_name(rule->by));
        goto done;
    }
    snprintf(name, sizeof name, "%s%s per %s", rule->at_least ? "least " : "", rule->measure,
             limit_by_name(rule->by));
    TRY(problem_add_kind(m->problem, rule->stock ? "stock" : name, rule_name(rule), measure,
                         limited, &kind));
    kind->at_least = rule->at_least;
    TRY(keep_limited(groups, m->problem->blocks.rows_local, limit, kind));
done:
    free(limit);
    return status;
}

static enum status add_single(struct maker *m, const struct limit_rule *rule, int measure)
{
    struct problem_kind *kind = NULL;
    enum status status =
        problem_add_kind(m->problem, rule->text, rule_name(rule), measure, 1, &kind);
    if (status != OK) return status;
    kind->at_least = rule->at_least;
    kind->limit[0] = limit_of(m, rule);
    return OK;
}

/* A rule whose kind began with an earlier one is part of that. */
static bool is_first(const struct limits *limits, int64_t rule)
{
    for (int64_t r = 0; r < rule; r++)
        if (same_kind(&limits->rule[r], &limits->rule[rule])) return false;
    return true;
}

static enum status add_rule(struct maker *m, int64_t at)
{
    const struct limit_rule *rule = &m->limits->rule[at];
    int measure = 0;
    enum status status = find_measure(m, rule, &measure);
    if (status != OK) return status;
    return rule->by == BY_ALL ? add_single(m, rule, measure) : add_grouped(m, at, measure);
}

enum status limit_kinds_add(const struct comm *comm, const struct run *run,
                            const struct dataset *dataset, const struct candidates *candidates,
                            struct limit_plan *plan, struct problem *problem)
{
    enum status status = OK;
    struct limits *limits = NULL;
    struct maker m = {run, dataset, candidates, NULL, plan, problem, {{{0}, NULL}}, 0};
    TRY_ALL(comm, limits_read(run->config, &limits));
    m.limits = limits;
    for (int64_t r = 0; r < limits->count; r++) {
        enum limit_by by = limits->rule[r].by;
        if (!is_first(limits, r)) continue;
        if (by != BY_ALL && m.groups[by].group == NULL)
            TRY(limit_groups_make(comm, run, dataset, candidates, by, &m.groups[by]));
        TRY_ALL(comm, add_rule(&m, r));
    }
    if (m.unknown > 0)
        TRY(FAIL(ERR_CONFIG,
                 "allocate.limits name %lld groups that are not in the tables, see "
                 "above; correct their names",
                 (long long)m.unknown));
done:
    for (int by = 0; by < LIMIT_BYS; by++) limit_groups_clear(&m.groups[by]);
    limits_free(&limits);
    return status;
}
