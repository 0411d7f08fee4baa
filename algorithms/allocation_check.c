/* Ranges of cells and of their sums. */
#include "algorithms/allocation_check.h"

#include "algorithms/hull.h"

#include <stdlib.h>

#define SUM_LIMIT ((int64_t)1 << 61)

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_outside(int64_t value, int64_t cost, bool free_start)
{
    int64_t most = free_start ? HULL_LIMIT : HULL_LIMIT / 2;
    return cost < (free_start ? 0 : -most) || cost > most || value > HULL_LIMIT ||
           value < -HULL_LIMIT;
}

static enum status refuse_cell(const struct allocation_cells *cells, int64_t slot, int level,
                               bool free_start)
{
    return FAIL(ERR_DATA, "slot %lld, level %d: value %lld and cost %lld must be within 2^52, %s",
                (long long)(cells->blocks->row_first + slot), level,
                (long long)cells->value[slot * cells->levels + level],
                (long long)cells->cost[slot * cells->levels + level],
                free_start ? "costs not negative" : "costs within 2^51");
}

static enum status check_start(const struct allocation_cells *cells, int64_t slot, bool free_start)
{
    long long number = (long long)(cells->blocks->row_first + slot);
    uint32_t all = cells->levels == 32 ? UINT32_MAX : (UINT32_C(1) << cells->levels) - 1;
    uint32_t allowed = allocation_allowed(cells, slot) & all;
    int64_t cost = cells->cost[slot * cells->levels];
    if (!free_start && allowed == 0)
        return FAIL(ERR_DATA, "slot %lld: no level is allowed", number);
    if (free_start && (allowed & 1) == 0)
        return FAIL(ERR_DATA,
                    "slot %lld: level 0 is forbidden; no discount must always be possible", number);
    if (free_start && cost != 0)
        return FAIL(ERR_DATA, "slot %lld: level 0 costs %lld; no discount must cost nothing",
                    number, (long long)cost);
    return OK;
}

static enum status refuse_reach(bool is_value)
{
    return FAIL(ERR_NUMERIC,
                "the %s of all slots add up to more than 2^61; use a coarser money unit",
                is_value ? "values" : "costs");
}

enum status allocation_check_slot(const struct allocation_cells *cells, int64_t slot,
                                  bool free_start, struct allocation_reach *reach)
{
    const int64_t *value = cells->value + slot * cells->levels;
    const int64_t *cost = cells->cost + slot * cells->levels;
    uint32_t allowed = allocation_allowed(cells, slot);
    int64_t value_most = 0, cost_most = 0;
    for (int k = 0; k < cells->levels; k++) {
        if ((allowed >> k & 1) == 0) continue;
        if (is_outside(value[k], cost[k], free_start))
            return refuse_cell(cells, slot, k, free_start);
        value_most = larger(value_most, llabs(value[k]));
        cost_most = larger(cost_most, llabs(cost[k]));
    }
    enum status status = check_start(cells, slot, free_start);
    if (status != OK) return status;
    reach->value += value_most;
    reach->cost += cost_most;
    reach->most = larger(reach->most, larger(value_most, cost_most));
    if (reach->value > SUM_LIMIT || reach->cost > SUM_LIMIT)
        return refuse_reach(reach->value > SUM_LIMIT);
    return OK;
}

/* Sums travel as two limbs. */
enum status allocation_check_reach(const struct comm *comm, const struct allocation_reach *reach)
{
    const int64_t mask = UINT32_MAX, limit = SUM_LIMIT >> 32;
    int64_t limb[4] = {reach->value >> 32, reach->value & mask, reach->cost >> 32,
                       reach->cost & mask};
    comm_sum_int64(comm, limb, 4);
    int64_t value = limb[0] + (limb[1] >> 32), cost = limb[2] + (limb[3] >> 32);
    if (value >= limit || cost >= limit) return refuse_reach(value >= limit);
    return OK;
}

enum status allocation_check_shape(const struct allocation_cells *cells)
{
    if (cells->levels >= 1 && cells->levels <= ALLOCATION_LEVELS) return OK;
    return FAIL(ERR_ARG, "%d levels per slot; between 1 and %d are possible", cells->levels,
                ALLOCATION_LEVELS);
}
