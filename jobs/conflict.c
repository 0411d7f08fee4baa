/* Limits in conflict, in the words of the configuration. */
#include "jobs/conflict.h"

#include "jobs/problem_json.h"
#include "mpi/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LIST_BYTES = 700, SAID = 20 };

/* ---- any conflict ---- */

void conflict_needs(bool at_least, double least, double over, char needs[CONFLICT_NEEDS_BYTES])
{
    snprintf(needs, CONFLICT_NEEDS_BYTES, "where the others hold it is %.10g or %s (%.10g too %s)",
             least, at_least ? "less" : "more", fabs(over), at_least ? "few" : "many");
}

enum status conflict_say(const struct knapsack_conflict *conflict, const char *subject,
                         void (*describe)(const void *context, const struct knapsack_member *member,
                                          struct conflict_words *words),
                         const void *context)
{
    char list[LIST_BYTES] = "";
    struct conflict_words words;
    for (int64_t m = 0; m < conflict->members; m++) {
        size_t used = strlen(list);
        describe(context, &conflict->member[m], &words);
        if (m < SAID) log_line(LOG_ERROR, "in conflict: %s", words.line);
        if (used + strlen(words.name) + 8 < LIST_BYTES)
            snprintf(list + used, LIST_BYTES - used, "%s%s", m > 0 ? ", " : "", words.name);
    }
    return FAIL(ERR_NUMERIC,
                "no %s %s all limits: %lld limit%s in conflict, %s; loosen or drop one "
                "of them",
                subject, conflict->proven ? "keeps" : "was found that keeps",
                (long long)conflict->members, conflict->members == 1 ? " is" : "s are", list);
}

/* ---- limits of the configuration ---- */

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
                    char name[CONFLICT_NAME_BYTES])
{
    if (kind == NULL)
        snprintf(name, CONFLICT_NAME_BYTES, "allocate.%s",
                 group < problem->caps ? problem->cap[group].rule : "user");
    else
        snprintf(name, CONFLICT_NAME_BYTES, "%s%s%s", kind->name, kind->group != NULL ? ", " : "",
                 kind->group != NULL ? dictionary_text(&kind->names, group) : "");
}

/* "cost per category, wine: at most 3; where the others hold it is 4.5 or more (1.5 too many)" */
static void describe(const void *context, const struct knapsack_member *member,
                     struct conflict_words *words)
{
    const struct problem *problem = context;
    int64_t group;
    const struct problem_kind *kind = kind_of(problem, member->limit, &group);
    char name[CONFLICT_NAME_BYTES], needs[CONFLICT_NEEDS_BYTES] = "";
    name_of(problem, kind, group, name);
    snprintf(words->name, sizeof words->name, "\"%.200s\"", name);
    snprintf(words->line, sizeof words->line, "%s", name);
    if (kind == NULL) return;
    int64_t limit = kind->limit[group];
    bool known = member->least != INT64_MIN;
    if (known)
        conflict_needs(kind->at_least, problem_shown(problem, kind, member->least),
                       problem_shown(problem, kind, member->least - limit), needs);
    snprintf(words->line, sizeof words->line, "%s: %s %.10g %s%s%s", name,
             kind->at_least ? "at least" : "at most", problem_shown(problem, kind, limit),
             problem->measure[kind->measure].unit_name, known ? "; " : "", needs);
}

enum status conflict_tell(const struct comm *comm, const struct problem *problem,
                          const struct knapsack_cells *cells, const struct choices *choices)
{
    enum status status = OK;
    struct knapsack_conflict conflict = {0};
    TRY(knapsack_conflict_find(comm, cells, choices->price, choices->used, &conflict));
    TRY(conflict_say(&conflict, "table", describe, problem));
done:
    knapsack_conflict_clear(&conflict);
    return status;
}
