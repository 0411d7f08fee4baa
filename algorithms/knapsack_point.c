/* Worth in 2^-30 units of value, exact. */
#include "algorithms/knapsack_point.h"

#include "algorithms/knapsack_user.h"

#include <string.h>

static int64_t group_of(const struct knapsack_kind *kind, int64_t slot)
{
    return kind->group != NULL ? kind->group[slot] : 0;
}

int128 knapsack_exact_worth(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                            int option)
{
    int64_t cell = slot * cells->options + option, first = 0;
    int128 worth = (int128)cells->value[cell] << KNAPSACK_PRICE_BITS;
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        int64_t group = group_of(kind, slot);
        if (group >= 0) worth -= (int128)price[first + group] * kind->use[cell];
        first += kind->groups;
    }
    return worth;
}

double knapsack_worth(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                      int option)
{
    return (double)knapsack_exact_worth(cells, price, slot, option) * 0x1p-30;
}

/* worth out [options] of those allowed */
static int best_option(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                       int128 *worth)
{
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    int best = -1;
    for (int k = 0; k < cells->options; k++) {
        if ((allowed >> k & 1) == 0) continue;
        worth[k] = knapsack_exact_worth(cells, price, slot, k);
        if (best < 0 || worth[k] > worth[best]) best = k;
    }
    return best;
}

static void add_use(const struct knapsack_cells *cells, int64_t slot, int option, int64_t *used)
{
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        int64_t group = group_of(kind, slot);
        if (group >= 0) used[group] += kind->use[slot * cells->options + option];
        used += kind->groups;
    }
}

int64_t knapsack_limits(const struct knapsack_cells *cells)
{
    int64_t limits = 0;
    for (int d = 0; d < cells->kinds; d++) limits += cells->kind[d].groups;
    return limits;
}

/* A sum of wide integers travels as limbs of 40 bits. */
static int128 sum_wide(const struct comm *comm, int128 mine)
{
    const int128 mask = ((int128)1 << 40) - 1;
    int64_t limb[4] = {(int64_t)(mine & mask), (int64_t)(mine >> 40 & mask),
                       (int64_t)(mine >> 80 & mask), (int64_t)(mine >> 120)};
    comm_sum_int64(comm, limb, 4);
    return ((int128)limb[3] << 120) + ((int128)limb[2] << 80) + ((int128)limb[1] << 40) + limb[0];
}

static int64_t round_up(int128 total)
{
    int128 bound = total >> KNAPSACK_PRICE_BITS;
    if ((total & (((int128)1 << KNAPSACK_PRICE_BITS) - 1)) != 0) bound++;
    return bound > INT64_MAX ? INT64_MAX : bound < INT64_MIN ? INT64_MIN : (int64_t)bound;
}

/* Slots of their own; *total out: their worth, which is what it can be at most */
static void choose_slots(const struct knapsack_cells *cells, const int64_t *price,
                         knapsack_slot_function *each, void *context, uint8_t *choice,
                         int128 *total)
{
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        int128 worth[KNAPSACK_OPTIONS];
        int best = best_option(cells, price, i, worth);
        choice[i] = (uint8_t)best;
        *total += worth[best];
        if (each != NULL) each(context, i, best, worth);
    }
}

static enum status refuse_user(const struct knapsack_user *u, enum knapsack_user_end end)
{
    return FAIL(ERR_NUMERIC, "%s: the user of slot %lld cannot keep its caps together",
                end == USER_IMPOSSIBLE ? "no choice keeps all limits"
                                       : "no choice was found that keeps all limits",
                (long long)(u->cells->blocks->row_first + u->first));
}

/* Users under their caps; *total out: what their worth can be at most */
static enum status choose_users(const struct knapsack_cells *cells, const int64_t *price,
                                uint8_t *choice, int128 *total, int64_t *lost)
{
    enum status status = OK;
    struct knapsack_user u;
    TRY(knapsack_user_new(cells, &u));
    for (int64_t i = 0; i < cells->users_local; i++) {
        int128 worth;
        enum knapsack_user_end end = knapsack_user_choose(&u, price, i, &worth);
        *lost = end == USER_LOST;
        if (end > USER_BOUND) TRY(refuse_user(&u, end));
        *total += u.bound;
        memcpy(choice + u.first, u.choice, (size_t)u.slots);
    }
done:
    knapsack_user_clear(&u);
    return status;
}

enum status knapsack_at_prices_each(const struct comm *comm, const struct knapsack_cells *cells,
                                    const int64_t *price, knapsack_slot_function *each,
                                    void *context, uint8_t *choice, int64_t *used,
                                    struct knapsack_point *point)
{
    enum status status = OK;
    int64_t at = 0, lost = 0;
    int128 total = 0;
    if (cells->caps > 0) {
        status = choose_users(cells, price, choice, &total, &lost);
        comm_max_int64(comm, &lost, 1);
        point->lost = lost != 0;
        TRY_ALL(comm, status);
    } else {
        choose_slots(cells, price, each, context, choice, &total);
    }
    point->objective = knapsack_tally(comm, cells, choice, used);
    total = sum_wide(comm, total);
    for (int d = 0; d < cells->kinds; d++)
        for (int64_t g = 0; g < cells->kind[d].groups; g++, at++)
            if (price[at] > 0) total += (int128)price[at] * cells->kind[d].limit[g];
    point->bound = round_up(total);
done:
    return status;
}

enum status knapsack_at_prices(const struct comm *comm, const struct knapsack_cells *cells,
                               const int64_t *price, uint8_t *choice, int64_t *used,
                               struct knapsack_point *point)
{
    return knapsack_at_prices_each(comm, cells, price, NULL, NULL, choice, used, point);
}

int64_t knapsack_tally(const struct comm *comm, const struct knapsack_cells *cells,
                       const uint8_t *choice, int64_t *used)
{
    int64_t limits = knapsack_limits(cells), objective = 0;
    memset(used, 0, (size_t)limits * sizeof *used);
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        objective += cells->value[i * cells->options + choice[i]];
        add_use(cells, i, choice[i], used);
    }
    comm_sum_int64(comm, &objective, 1);
    comm_sum_int64(comm, used, limits);
    return objective;
}

/* What one user of this rank adds: for each cap that binds, the worth that is lost by it. */
static void tell_user(struct knapsack_user *u, const int64_t *price, int64_t user, int64_t *bound,
                      int128 *lost)
{
    int128 worth;
    u->without = 0;
    enum knapsack_user_end end = knapsack_user_choose(u, price, user, &worth);
    for (int c = 0; c < u->cells->caps && end == USER_BOUND; c++) {
        int128 with = worth, more;
        u->without = UINT32_C(1) << c;
        if (knapsack_user_choose(u, price, user, &more) > USER_BOUND || more <= with) continue;
        bound[c]++;
        lost[c] += more - with;
    }
}

enum status knapsack_tell_caps(const struct comm *comm, const struct knapsack_cells *cells,
                               const int64_t *price, int64_t *bound_users, int64_t *cost)
{
    enum status status = OK;
    struct knapsack_user u;
    int128 lost[KNAPSACK_CAPS] = {0};
    memset(bound_users, 0, (size_t)cells->caps * sizeof *bound_users);
    TRY_ALL(comm, knapsack_user_new(cells, &u));
    for (int64_t i = 0; i < cells->users_local; i++) tell_user(&u, price, i, bound_users, lost);
    comm_sum_int64(comm, bound_users, cells->caps);
    for (int c = 0; c < cells->caps; c++) cost[c] = round_up(sum_wide(comm, lost[c]));
done:
    knapsack_user_clear(&u);
    return status;
}
