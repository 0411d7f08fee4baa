/* Sums by group, with suppression. */
#include "jobs/breakdown.h"

#include "jobs/limit_groups.h"
#include "jobs/suppress.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* Of each group. */
struct sums {
    int64_t rows, discounts, spend;
    int64_t users, given; /* who have rows, and who have a discount */
};

enum { SUMS = sizeof(struct sums) / sizeof(int64_t) };

/* last [2][groups] of the last user counted, -1 at first: a user's slots stand together */
static void add_up(const struct problem *problem, const struct limit_groups *groups, int64_t width,
                   const uint8_t *level, int64_t *last, struct sums *sums)
{
    int64_t *last_given = last + groups->names.count;
    const int64_t *cost = problem->measure[0].use;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
        int32_t g = groups->group[i];
        if (g < 0) continue;
        sums[g].rows++;
        sums[g].discounts += level[i] > 0;
        sums[g].spend += cost[i * problem->levels + level[i]];
        sums[g].users += last[g] != i / width;
        last[g] = i / width;
        if (level[i] == 0) continue;
        sums[g].given += last_given[g] != i / width;
        last_given[g] = i / width;
    }
}

static enum status hide(const struct sums *sums, int64_t groups, int64_t min_users, bool *hidden)
{
    int64_t *users = NULL;
    enum status status = memory_new(&users, groups, sizeof *users);
    if (status != OK) return status;
    for (int64_t g = 0; g < groups; g++) users[g] = sums[g].users;
    suppress_cells(users, groups, min_users, hidden);
    for (int64_t g = 0; g < groups; g++) users[g] = sums[g].given;
    suppress_cells(users, groups, min_users, hidden);
    free(users);
    return OK;
}

/* ---- the receipt ---- */

static json_t *group_json(const char *name, const struct sums *sums, bool hidden)
{
    if (hidden) return json_pack("{s:s, s:b}", "group", name, "suppressed", true);
    return json_pack("{s:s, s:I, s:I, s:f, s:b}", "group", name, "rows", (json_int_t)sums->rows,
                     "discounts", (json_int_t)sums->discounts, "spend", (double)sums->spend / 1e4,
                     "suppressed", false);
}

/* Spend that so many groups reach or exceed: those below are not listed. */
static int by_spend(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a < *b) - (*a > *b);
}

static enum status least_listed(const struct sums *sums, int64_t groups, int64_t *least)
{
    int64_t *spend = NULL;
    *least = INT64_MIN;
    if (groups <= BREAKDOWN_LISTED) return OK;
    enum status status = memory_new(&spend, groups, sizeof *spend);
    if (status != OK) return status;
    for (int64_t g = 0; g < groups; g++) spend[g] = sums[g].spend;
    qsort(spend, (size_t)groups, sizeof *spend, by_spend);
    *least = spend[BREAKDOWN_LISTED - 1];
    free(spend);
    return OK;
}

static enum status list_groups(const struct dictionary *names, const struct sums *sums,
                               int64_t min_users, json_t **list)
{
    enum status status = OK;
    bool *hidden = NULL;
    int64_t least = 0, listed = 0;
    TRY(memory_new(&hidden, names->count, sizeof *hidden));
    TRY(hide(sums, names->count, min_users, hidden));
    TRY(least_listed(sums, names->count, &least));
    *list = json_array();
    for (int64_t g = 0; g < names->count && listed < BREAKDOWN_LISTED; g++) {
        if (sums[g].spend < least || sums[g].rows == 0) continue;
        json_array_append_new(*list, group_json(dictionary_text(names, g), &sums[g], hidden[g]));
        listed++;
    }
done:
    free(hidden);
    return status;
}

/* What one grouping is made from; borrowed. */
struct source {
    const struct run *run;
    const struct dataset *dataset;
    const struct candidates *candidates;
    const struct problem *problem;
    const uint8_t *level;
};

static enum status add_grouping(const struct comm *comm, const struct source *s, enum limit_by by,
                                json_t *json)
{
    enum status status = OK;
    struct limit_groups groups = {0};
    struct sums *sums = NULL;
    int64_t *last = NULL;
    json_t *list = NULL;
    int64_t min_users = config_integer(s->run->config, "privacy.min_users");
    TRY(limit_groups_make(comm, s->run, s->dataset, s->candidates, by, &groups));
    int64_t count = groups.names.count;
    TRY_ALL(comm, memory_new(&sums, count, sizeof *sums));
    TRY_ALL(comm, memory_new(&last, 2 * count, sizeof *last));
    for (int64_t g = 0; g < 2 * count; g++) last[g] = -1;
    add_up(s->problem, &groups, s->candidates->slots, s->level, last, sums);
    comm_sum_int64(comm, (int64_t *)sums, count * SUMS);
    TRY_ALL(comm, list_groups(&groups.names, sums, min_users, &list));
    if (json_array_size(list) > 0) json_object_set(json, limit_by_name(by), list);
done:
    json_decref(list);
    limit_groups_clear(&groups);
    free(sums);
    free(last);
    return status;
}

enum status breakdown_json(const struct comm *comm, const struct run *run,
                           const struct dataset *dataset, const struct candidates *candidates,
                           const struct problem *problem, const uint8_t *level, json_t **json)
{
    static const enum limit_by by[] = {BY_CATEGORY, BY_SEGMENT, BY_MARKET};
    enum status status = OK;
    const struct source source = {run, dataset, candidates, problem, level};
    *json = json_object();
    for (size_t b = 0; b < sizeof by / sizeof *by; b++)
        TRY(add_grouping(comm, &source, by[b], *json));
done:
    if (status != OK) json_decref(*json);
    if (status != OK) *json = NULL;
    return status;
}

/* ---- limits ---- */

static enum status hide_kind(const struct comm *comm, const struct problem *problem,
                             const struct problem_kind *kind, int64_t slots, int64_t min_users,
                             bool *hidden)
{
    enum status status = OK;
    int64_t *users = NULL, *last = NULL;
    TRY_ALL(comm, memory_new(&users, kind->groups, sizeof *users));
    TRY_ALL(comm, memory_new(&last, kind->groups, sizeof *last));
    for (int64_t g = 0; g < kind->groups; g++) last[g] = -1;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
        int32_t g = kind->group[i];
        if (g < 0) continue;
        users[g] += last[g] != i / slots;
        last[g] = i / slots;
    }
    comm_sum_int64(comm, users, kind->groups);
    suppress_cells(users, kind->groups, min_users, hidden);
done:
    free(users);
    free(last);
    return status;
}

enum status breakdown_hidden(const struct comm *comm, const struct problem *problem, int64_t slots,
                             int64_t min_users, bool **hidden)
{
    enum status status = OK;
    struct knapsack_cells cells;
    int64_t first = 0;
    problem_cells(problem, &cells);
    TRY_ALL(comm, memory_new(hidden, knapsack_limits(&cells), sizeof **hidden));
    for (int d = 0; d < problem->kinds; first += problem->kind[d++].groups)
        if (problem->kind[d].group != NULL && strcmp(problem->kind[d].rule, "fairness") != 0)
            TRY(hide_kind(comm, problem, &problem->kind[d], slots, min_users, *hidden + first));
done:
    if (status != OK) {
        free(*hidden);
        *hidden = NULL;
    }
    return status;
}
