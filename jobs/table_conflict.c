/* Constraints in conflict, as they were written. */
#include "jobs/table_conflict.h"

#include "jobs/conflict.h"

#include <assert.h>
#include <stdio.h>

struct writing {
    const struct cell_table *cells;
    const struct constraint *constraint;
};

/* The constraint of a limit by number, and its group; caps are numbered behind the limits. */
static int64_t constraint_of(const struct cell_table *t, int64_t limit, int64_t *group)
{
    int64_t cap = limit - knapsack_limits(&t->cells);
    *group = 0;
    for (int64_t c = 0;; c++) {
        assert(c < t->constraints);
        if (t->is_cap[c] && t->place[c] == cap) return c;
        if (t->is_cap[c]) continue;
        *group = limit - cell_table_first(t, c);
        if (*group >= 0 && *group < t->cells.kind[t->place[c]].groups) return c;
    }
}

/* "units <= 200 per product", of product apple */
static void name_of(const struct cell_table *t, const struct constraint *constraint, int64_t which,
                    int64_t group, char name[CONFLICT_NAME_BYTES])
{
    char of[CELL_GROUP_NAME] = "";
    const struct constraint *c = &constraint[which];
    bool grouped = c->per != NULL && !t->is_cap[which];
    if (grouped) formula_levels_name(&t->group[which].levels, group, of, sizeof of);
    snprintf(name, CONFLICT_NAME_BYTES, "\"%.200s\"%s%.60s%s%.120s", c->text,
             grouped ? " for " : "", grouped ? c->per : "", grouped ? " " : "", of);
}

static void describe(const void *context, const struct knapsack_member *member,
                     struct conflict_words *words)
{
    const struct writing *w = context;
    const struct cell_table *t = w->cells;
    char needs[CONFLICT_NEEDS_BYTES] = "";
    int64_t group, which = constraint_of(t, member->limit, &group);
    bool known = member->least != INT64_MIN && !t->is_cap[which];
    name_of(t, w->constraint, which, group, words->name);
    if (known)
        conflict_needs(
            w->constraint[which].at_least, cell_amount(member->least, t->use_unit[which]),
            cell_amount(member->least - t->limit[which][group], t->use_unit[which]), needs);
    snprintf(words->line, sizeof words->line, "%s%s%s", words->name, known ? ": " : "", needs);
}

enum status table_conflict_tell(const struct comm *comm, const struct cell_table *cells,
                                const struct constraint *constraint, const int64_t *price,
                                const int64_t *used)
{
    enum status status = OK;
    struct knapsack_conflict conflict = {0};
    TRY(knapsack_conflict_find(comm, &cells->cells, price, used, &conflict));
    TRY(conflict_say(&conflict, "choice", describe, &(struct writing){cells, constraint}));
done:
    knapsack_conflict_clear(&conflict);
    return status;
}
