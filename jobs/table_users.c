/* Users of a table of cells under their own limits. */
#include "jobs/table_users.h"

#include "algorithms/knapsack_user.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- the choice ---- */

static int64_t used_by(const struct cell_table *t, int cap, int64_t user, const uint8_t *choice)
{
    const struct knapsack_cells *cells = &t->cells;
    int64_t used = 0;
    for (int64_t s = cells->user_start[user]; s < cells->user_start[user + 1]; s++)
        used += cells->cap[cap].use[s * cells->options + choice[s]];
    return used;
}

/* Some slot has an option that uses more, and none of them fits into what is left. */
static bool is_at_limit(const struct cell_table *t, int cap, int64_t user, const uint8_t *choice,
                        int64_t left)
{
    const struct knapsack_cells *cells = &t->cells;
    bool any = false;
    for (int64_t s = cells->user_start[user]; s < cells->user_start[user + 1]; s++)
        for (int k = 0; k < cells->options; k++) {
            const int64_t *use = cells->cap[cap].use + s * cells->options;
            int64_t more = use[k] - use[choice[s]];
            if ((cells->allowed[s] >> k & 1) == 0 || more <= 0) continue;
            if (more <= left) return false;
            any = true;
        }
    return any;
}

void table_users_look(const struct comm *comm, const struct cell_table *t, const uint8_t *choice,
                      struct table_cap *cap)
{
    for (int c = 0; c < t->cells.caps; c++) {
        cap[c] = (struct table_cap){t->cells.users_local, INT64_MIN, 0};
        for (int64_t u = 0; u < t->cells.users_local; u++) {
            int64_t used = used_by(t, c, u, choice), limit = t->cells.cap[c].limit[u];
            if (used > cap[c].used) cap[c].used = used;
            cap[c].at_limit += is_at_limit(t, c, u, choice, limit - used);
        }
        comm_max_int64(comm, &cap[c].used, 1);
        comm_sum_int64(comm, &cap[c].users, 1);
        comm_sum_int64(comm, &cap[c].at_limit, 1);
    }
}

/* ---- who cannot keep them ---- */

static int64_t least_of(const struct cell_table *t, int cap, int64_t user)
{
    const struct knapsack_cells *cells = &t->cells;
    int64_t sum = 0;
    for (int64_t s = cells->user_start[user]; s < cells->user_start[user + 1]; s++) {
        int64_t least = INT64_MAX;
        for (int k = 0; k < cells->options; k++) {
            int64_t use = cells->cap[cap].use[s * cells->options + k];
            if ((cells->allowed[s] >> k & 1) != 0 && use < least) least = use;
        }
        sum += least;
    }
    return sum;
}

/* A user, and the limit that it cannot keep alone, -1: not all of them together. */
struct failing {
    int64_t row; /* of the table, its first; INT64_MAX: there is none */
    int64_t cap, least;
};

static enum status find_failing(const struct cell_table *t, struct failing *failing)
{
    enum status status = OK;
    struct knapsack_user u = {.cells = NULL};
    int64_t *price = NULL;
    TRY(knapsack_user_new(&t->cells, &u));
    TRY(memory_new(&price, knapsack_limits(&t->cells), sizeof *price));
    for (int64_t i = 0; i < t->cells.users_local; i++) {
        int128 worth;
        int64_t row = t->row[t->cells.user_start[i] * t->cells.options];
        if (row >= failing->row || knapsack_user_choose(&u, price, i, &worth) <= USER_BOUND)
            continue;
        *failing = (struct failing){row, -1, 0};
        for (int c = t->cells.caps - 1; c >= 0; c--) {
            int64_t least = least_of(t, c, i);
            if (least > t->cells.cap[c].limit[i]) *failing = (struct failing){row, c, least};
        }
    }
done:
    knapsack_user_clear(&u);
    free(price);
    return status;
}

static enum status tell(const struct cell_table *t, const struct constraint *constraint,
                        const struct failing *f)
{
    int64_t which = -1;
    for (int64_t c = 0; c < t->constraints && f->cap >= 0; c++)
        if (t->is_cap[c] && t->place[c] == (int)f->cap) which = c;
    if (which < 0)
        return FAIL(ERR_NUMERIC,
                    "no choice keeps all limits: the user of data row %" PRId64
                    " cannot keep the limits per user together; loosen one of them",
                    f->row + 1);
    const struct constraint *c = &constraint[which];
    double least = cell_amount(f->least, t->use_unit[which]);
    return FAIL(ERR_NUMERIC,
                "no choice keeps all limits: \"%s\": the user of data row %" PRId64
                " has %.10g or %s whatever is chosen; loosen it, or give the user's slots an "
                "option that uses %s",
                c->text, f->row + 1, least, c->at_least ? "less" : "more",
                c->at_least ? "more" : "less");
}

enum status table_users_refuse(const struct comm *comm, const struct cell_table *t,
                               const struct constraint *constraint)
{
    enum status status = OK;
    struct failing failing = {INT64_MAX, -1, 0};
    if (t->cells.caps == 0) return OK;
    TRY_ALL(comm, find_failing(t, &failing));
    int64_t first = failing.row;
    comm_min_int64(comm, &first, 1);
    if (first == INT64_MAX) goto done;
    TRY_ALL(comm, failing.row == first ? tell(t, constraint, &failing) : OK);
done:
    return status;
}
