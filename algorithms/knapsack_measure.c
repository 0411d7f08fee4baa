/* Cells checked, and added up once. */
#include "algorithms/knapsack_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUM_LIMIT 0x1p61

/* ---- checks ---- */

static enum status check_shape(const struct knapsack_cells *cells)
{
    if (cells->options < 1 || cells->options > KNAPSACK_OPTIONS)
        return FAIL(ERR_ARG, "%d options per slot; between 1 and %d are possible", cells->options,
                    KNAPSACK_OPTIONS);
    if (cells->kinds < 0 || cells->kinds > KNAPSACK_KINDS)
        return FAIL(ERR_ARG, "%d kinds of limits; at most %d are possible", cells->kinds,
                    KNAPSACK_KINDS);
    for (int d = 0; d < cells->kinds; d++)
        if (cells->kind[d].groups < 1) return FAIL(ERR_ARG, "kind %d has no limit", d);
    if (cells->caps < 0 || cells->caps > KNAPSACK_CAPS ||
        cells->kinds + cells->caps > KNAPSACK_KINDS)
        return FAIL(ERR_ARG,
                    "%d kinds of limits and %d caps; at most %d in all and %d caps are "
                    "possible",
                    cells->kinds, cells->caps, KNAPSACK_KINDS, KNAPSACK_CAPS);
    int64_t limits = knapsack_limits(cells);
    if (limits > KNAPSACK_LIMITS)
        return FAIL(ERR_ARG, "%lld limits; at most %d are possible", (long long)limits,
                    KNAPSACK_LIMITS);
    return OK;
}

static bool is_outside(int64_t x)
{
    return x > KNAPSACK_MOST || x < -KNAPSACK_MOST;
}

static enum status refuse_cell(const struct knapsack_cells *cells, int64_t slot, int option,
                               int64_t number, const char *what)
{
    return FAIL(ERR_DATA, "slot %lld, option %d: %s %lld is beyond 2^52; use a coarser unit",
                (long long)(cells->blocks->row_first + slot), option, what, (long long)number);
}

/* [options] what a slot uses of a kind, or of a cap after them; NULL: it does not count there */
static const int64_t *uses_of(const struct knapsack_cells *cells, int64_t slot, int d)
{
    if (d >= cells->kinds) return cells->cap[d - cells->kinds].use + slot * cells->options;
    const struct knapsack_kind *kind = &cells->kind[d];
    bool counts = kind->group == NULL || kind->group[slot] >= 0;
    return counts ? kind->use + slot * cells->options : NULL;
}

static enum status check_groups(const struct knapsack_cells *cells, int64_t slot)
{
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        if (kind->group != NULL && kind->group[slot] >= kind->groups)
            return FAIL(ERR_DATA, "slot %lld: group %d of kind %d does not exist",
                        (long long)(cells->blocks->row_first + slot), kind->group[slot], d);
    }
    return OK;
}

/* Users follow each other and have all slots. */
static enum status check_users(const struct knapsack_cells *cells)
{
    int64_t at = 0;
    if (cells->caps == 0) return OK;
    if (cells->user_start == NULL || cells->user_start[0] != 0)
        return FAIL(ERR_ARG, "caps without users");
    for (int64_t u = 0; u < cells->users_local; u++, at = cells->user_start[u])
        if (cells->user_start[u + 1] <= at) return FAIL(ERR_ARG, "a user without slots");
    return at == cells->blocks->rows_local ? OK : FAIL(ERR_ARG, "slots without a user");
}

/* Largest |value| and |use| of a slot among what is allowed. */
static enum status check_slot(const struct knapsack_cells *cells, int64_t slot, int64_t *value,
                              int64_t use[KNAPSACK_KINDS])
{
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    uint32_t all = cells->options == 32 ? UINT32_MAX : (UINT32_C(1) << cells->options) - 1;
    if ((allowed & all) == 0)
        return FAIL(ERR_DATA, "slot %lld: no option is allowed",
                    (long long)(cells->blocks->row_first + slot));
    *value = 0;
    memset(use, 0, KNAPSACK_KINDS * sizeof *use);
    for (int k = 0; k < cells->options; k++) {
        int64_t at = slot * cells->options + k, x = cells->value[at];
        if ((allowed >> k & 1) == 0) continue;
        if (is_outside(x)) return refuse_cell(cells, slot, k, x, "value");
        *value = llabs(x) > *value ? llabs(x) : *value;
        for (int d = 0; d < cells->kinds + cells->caps; d++) {
            const int64_t *uses = uses_of(cells, slot, d);
            if (uses == NULL) continue;
            if (is_outside(uses[k])) return refuse_cell(cells, slot, k, uses[k], "use");
            use[d] = llabs(uses[k]) > use[d] ? llabs(uses[k]) : use[d];
        }
    }
    return OK;
}

/* Sums that decide on scales and on overflow, as integers of 2^-20 of a slot's most. */
struct measure {
    int64_t most[1 + KNAPSACK_KINDS]; /* of a slot: value, uses */
    int64_t high[1 + KNAPSACK_KINDS]; /* their sums, upper and lower halves */
    int64_t low[1 + KNAPSACK_KINDS];
    int64_t lowest_high, lowest_low; /* sum of the slots' least values */
};

static void add_halves(int64_t x, int64_t *high, int64_t *low)
{
    *high += x >> 32;
    *low += x & UINT32_MAX;
}

static int64_t lowest_value(const struct knapsack_cells *cells, int64_t slot)
{
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    int64_t lowest = INT64_MAX;
    for (int k = 0; k < cells->options; k++) {
        int64_t x = cells->value[slot * cells->options + k];
        if ((allowed >> k & 1) != 0 && x < lowest) lowest = x;
    }
    return lowest;
}

static enum status measure_slots(const struct knapsack_cells *cells, struct measure *m)
{
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        int64_t largest[1 + KNAPSACK_KINDS];
        enum status status = check_groups(cells, i);
        if (status == OK) status = check_slot(cells, i, &largest[0], &largest[1]);
        if (status != OK) return status;
        for (int j = 0; j <= cells->kinds + cells->caps; j++) {
            m->most[j] = largest[j] > m->most[j] ? largest[j] : m->most[j];
            add_halves(largest[j], &m->high[j], &m->low[j]);
        }
        add_halves(lowest_value(cells, i), &m->lowest_high, &m->lowest_low);
    }
    return OK;
}

static double whole(int64_t high, int64_t low)
{
    return 0x1p32 * (double)high + (double)low;
}

enum status knapsack_measure(const struct comm *comm, const struct knapsack_cells *cells,
                             struct knapsack_scale *scale, int64_t *lowest)
{
    enum status status = OK;
    struct measure m = {0};
    TRY_ALL(comm, check_shape(cells));
    TRY_ALL(comm, check_users(cells));
    TRY_ALL(comm, measure_slots(cells, &m));
    comm_max_int64(comm, m.most, 1 + KNAPSACK_KINDS);
    comm_sum_int64(comm, m.high, 2 * (1 + KNAPSACK_KINDS) + 2);
    scale->slots = cells->blocks->rows_total;
    scale->value_reach = whole(m.high[0], m.low[0]);
    scale->value = fmax(scale->value_reach / fmax(1.0, (double)scale->slots), 1.0);
    bool beyond = scale->value_reach >= SUM_LIMIT;
    for (int d = 0; d < cells->kinds + cells->caps; d++) {
        scale->use[d] = m.most[1 + d] > 0 ? (double)m.most[1 + d] : 1.0;
        scale->reach[d] = fmax(whole(m.high[1 + d], m.low[1 + d]), 1.0);
        beyond = beyond || scale->reach[d] >= SUM_LIMIT;
    }
    if (beyond)
        TRY(FAIL(ERR_NUMERIC,
                 "the values or uses of all slots add up to more than 2^61; use a coarser unit"));
    *lowest = m.lowest_high * (INT64_C(1) << 32) + m.lowest_low; /* within 2^61 as values are */
done:
    return status;
}
