/* Constraints in conflict, as they were written. */
#include "jobs/table_conflict.h"

#include "algorithms/knapsack_conflict.h"
#include "mpi/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 512, LIST_BYTES = 700, SAID = 20 };

/* The constraint of a limit by number, and its group; caps are numbered behind the limits. */
static int64_t constraint_of(const struct cell_table *t, int64_t limit, int64_t *group)
{
    int64_t cap = limit - knapsack_limits(&t->cells);
    *group = 0;
    for (int64_t c = 0; c < t->constraints; c++) {
        if (t->is_cap[c] && t->place[c] == cap) return c;
        if (t->is_cap[c]) continue;
        *group = limit - cell_table_first(t, c);
        if (*group >= 0 && *group < t->cells.kind[t->place[c]].groups) return c;
    }
    return -1;
}

/* "units <= 200 per product", of product apple */
static void name_of(const struct cell_table *t, const struct constraint *constraint, int64_t which,
                    int64_t group, char name[NAME_BYTES])
{
    char of[CELL_GROUP_NAME] = "";
    const struct constraint *c = &constraint[which];
    bool grouped = c->per != NULL && !t->is_cap[which];
    if (grouped) formula_levels_name(&t->group[which].levels, group, of, sizeof of);
    snprintf(name, NAME_BYTES, "\"%.200s\"%s%.60s%s%.120s", c->text, grouped ? " for " : "",
             grouped ? c->per : "", grouped ? " " : "", of);
}

static void say(const struct cell_table *t, const struct constraint *constraint, int64_t which,
                int64_t group, const struct knapsack_member *member)
{
    char name[NAME_BYTES], needs[160] = "";
    bool at_least = constraint[which].at_least;
    name_of(t, constraint, which, group, name);
    if (member->least != INT64_MIN && !t->is_cap[which])
        snprintf(needs, sizeof needs, ": where the others hold it is %.10g or %s (%.10g too %s)",
                 cell_amount(member->least, t->use_unit[which]), at_least ? "less" : "more",
                 fabs(cell_amount(member->least - t->limit[which][group], t->use_unit[which])),
                 at_least ? "few" : "many");
    log_line(LOG_ERROR, "in conflict: %s%s", name, needs);
}

static enum status tell(const struct cell_table *t, const struct constraint *constraint,
                        const struct knapsack_conflict *conflict)
{
    char list[LIST_BYTES] = "", name[NAME_BYTES];
    for (int64_t m = 0; m < conflict->members; m++) {
        int64_t group, which = constraint_of(t, conflict->member[m].limit, &group);
        size_t used = strlen(list);
        if (which < 0) continue;
        name_of(t, constraint, which, group, name);
        if (m < SAID) say(t, constraint, which, group, &conflict->member[m]);
        if (used + strlen(name) + 8 < LIST_BYTES)
            snprintf(list + used, LIST_BYTES - used, "%s%s", m > 0 ? ", " : "", name);
    }
    return FAIL(ERR_NUMERIC, "%s: %lld limit%s in conflict, %s; loosen or drop one of them",
                conflict->proven ? "no choice keeps all limits"
                                 : "no choice was found that keeps all limits",
                (long long)conflict->members, conflict->members == 1 ? " is" : "s are", list);
}

enum status table_conflict_tell(const struct comm *comm, const struct cell_table *cells,
                                const struct constraint *constraint, const int64_t *price,
                                const int64_t *used)
{
    enum status status = OK;
    struct knapsack_conflict conflict = {0};
    TRY(knapsack_conflict_find(comm, &cells->cells, price, used, &conflict));
    TRY(tell(cells, constraint, &conflict));
done:
    knapsack_conflict_clear(&conflict);
    return status;
}
