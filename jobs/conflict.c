/* Limits in conflict, in the words of the configuration. */
#include "jobs/conflict.h"

#include "algorithms/knapsack_conflict.h"
#include "jobs/problem_json.h"
#include "mpi/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 512, LIST_BYTES = 700, SAID = 20 };

/* The kind of a limit by number, and its group; NULL: a cap of users, whose number is the group. */
static const struct problem_kind *kind_of(const struct problem *problem, int64_t limit,
                                          int64_t *group)
{
    *group = limit;
    for (int d = 0; d < problem->kinds; d++) {
        if (*group < problem->kind[d].groups) return &problem->kind[d];
        *group -= problem->kind[d].groups;
    }
    return NULL;
}

static void name_of(const struct problem *problem, const struct problem_kind *kind, int64_t group,
                    char name[NAME_BYTES])
{
    if (kind == NULL)
        snprintf(name, NAME_BYTES, "allocate.%s",
                 group < problem->caps ? problem->cap[group].rule : "user");
    else
        snprintf(name, NAME_BYTES, "%s%s%s", kind->name, kind->group != NULL ? ", " : "",
                 kind->group != NULL ? dictionary_text(&kind->names, group) : "");
}

/* "cost per category, wine: at most 3; where the others hold it is 4.5 or more (1.5 too many)" */
static void say(const struct problem *problem, const struct problem_kind *kind, int64_t group,
                const struct knapsack_member *member)
{
    char name[NAME_BYTES], needs[160] = "";
    name_of(problem, kind, group, name);
    if (kind == NULL) {
        log_line(LOG_ERROR, "in conflict: %s", name);
        return;
    }
    if (member->least != INT64_MIN)
        snprintf(needs, sizeof needs, "; where the others hold it is %.10g or %s (%.10g too %s)",
                 problem_shown(problem, kind, member->least), kind->at_least ? "less" : "more",
                 fabs(problem_shown(problem, kind, member->least - kind->limit[group])),
                 kind->at_least ? "few" : "many");
    log_line(LOG_ERROR, "in conflict: %s: %s %.10g %s%s", name,
             kind->at_least ? "at least" : "at most",
             problem_shown(problem, kind, kind->limit[group]),
             problem->measure[kind->measure].unit_name, needs);
}

static enum status tell(const struct problem *problem, const struct knapsack_conflict *conflict)
{
    char list[LIST_BYTES] = "", name[NAME_BYTES];
    for (int64_t m = 0; m < conflict->members; m++) {
        int64_t group;
        const struct problem_kind *kind = kind_of(problem, conflict->member[m].limit, &group);
        size_t used = strlen(list);
        name_of(problem, kind, group, name);
        if (m < SAID) say(problem, kind, group, &conflict->member[m]);
        if (used + strlen(name) + 8 < LIST_BYTES)
            snprintf(list + used, LIST_BYTES - used, "%s\"%.200s\"", m > 0 ? ", " : "", name);
    }
    return FAIL(ERR_NUMERIC, "%s: %lld limit%s in conflict, %s; loosen or drop one of them",
                conflict->proven ? "no table keeps all limits"
                                 : "no table was found that keeps all limits",
                (long long)conflict->members, conflict->members == 1 ? " is" : "s are", list);
}

enum status conflict_tell(const struct comm *comm, const struct problem *problem,
                          const struct knapsack_cells *cells, const struct choices *choices)
{
    enum status status = OK;
    struct knapsack_conflict conflict = {0};
    TRY(knapsack_conflict_find(comm, cells, choices->price, choices->used, &conflict));
    TRY(tell(problem, &conflict));
done:
    knapsack_conflict_clear(&conflict);
    return status;
}
