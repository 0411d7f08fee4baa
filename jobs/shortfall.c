/* The least that slots can use, against each limit. */
#include "jobs/shortfall.h"

#include "jobs/problem_json.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAID = 10, TEXT_BYTES = 640 };

static int64_t least_use(const struct problem *problem, const int64_t *use, int64_t slot)
{
    int64_t least = INT64_MAX;
    for (int k = 0; k < problem->levels; k++)
        if ((problem->allowed[slot] >> k & 1) != 0 && use[slot * problem->levels + k] < least)
            least = use[slot * problem->levels + k];
    return least;
}

/* least out [limits], zero */
static void add_up(const struct comm *comm, const struct problem *problem, int64_t limits,
                   int64_t *least)
{
    int64_t first = 0;
    for (int d = 0; d < problem->kinds; first += problem->kind[d++].groups) {
        const struct problem_kind *kind = &problem->kind[d];
        const int64_t *use = problem->measure[kind->measure].use;
        for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
            int64_t group = kind->group != NULL ? kind->group[i] : 0;
            if (group >= 0) least[first + group] += least_use(problem, use, i);
        }
    }
    comm_sum_int64(comm, least, limits);
}

/* "cost per category, wine: at most 3 are allowed, and any table has 4.5 or more" */
static void describe(const struct problem *problem, const struct problem_kind *kind, int64_t group,
                     int64_t least, char text[TEXT_BYTES])
{
    const char *unit = problem->measure[kind->measure].unit_name;
    const char *name = kind->group != NULL ? dictionary_text(&kind->names, group) : "";
    snprintf(text, TEXT_BYTES,
             "%s%s%s: %.10g %s are %s, and any table has %.10g or %s (%.10g too %s)", kind->name,
             kind->group != NULL ? ", " : "", name,
             problem_shown(problem, kind, kind->limit[group]), unit,
             kind->at_least ? "asked for" : "allowed", problem_shown(problem, kind, least),
             kind->at_least ? "less" : "more",
             fabs(problem_shown(problem, kind, least - kind->limit[group])),
             kind->at_least ? "few" : "many");
}

enum status shortfall_check(const struct comm *comm, const struct problem *problem)
{
    enum status status = OK;
    struct knapsack_cells cells;
    char text[TEXT_BYTES], worst[TEXT_BYTES] = "";
    int64_t *least = NULL, at = 0, found = 0;
    problem_cells(problem, &cells);
    int64_t limits = knapsack_limits(&cells);
    TRY_ALL(comm, memory_new(&least, limits, sizeof *least));
    add_up(comm, problem, limits, least);
    for (int d = 0; d < problem->kinds; d++)
        for (int64_t g = 0; g < problem->kind[d].groups; g++, at++) {
            if (least[at] <= problem->kind[d].limit[g]) continue;
            describe(problem, &problem->kind[d], g, least[at], found == 0 ? worst : text);
            if (found++ < SAID) log_line(LOG_ERROR, "%s", found == 1 ? worst : text);
        }
    if (found > 0)
        TRY(FAIL(ERR_NUMERIC,
                 "%lld limit%s cannot be kept by any table: %s%s; loosen or drop %s in "
                 "allocate.limits",
                 (long long)found, found == 1 ? "" : "s", worst, found > 1 ? ", and others" : "",
                 found == 1 ? "it" : "them"));
done:
    free(least);
    return status;
}
