/* Upper concave hulls by a monotone chain. */
#include "algorithms/hull.h"

#include <stdbool.h>
#include <string.h>

__extension__ typedef __int128 int128;

/* Allowed levels by rising cost, among equal costs by falling value, then by level. */
static int order_levels(const int64_t *value, const int64_t *cost, uint32_t allowed, int levels,
                        uint8_t *order)
{
    int count = 0;
    for (int k = 0; k < levels; k++) {
        if ((allowed >> k & 1) == 0) continue;
        int at = count++;
        while (at > 0 && (cost[order[at - 1]] > cost[k] ||
                          (cost[order[at - 1]] == cost[k] && value[order[at - 1]] < value[k]))) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = (uint8_t)k;
    }
    return count;
}

/* True if b lies strictly below the line from a to c. */
static bool is_below(const int64_t *value, const int64_t *cost, int a, int b, int c)
{
    int128 left = (int128)(value[b] - value[a]) * (cost[c] - cost[b]);
    int128 right = (int128)(value[c] - value[b]) * (cost[b] - cost[a]);
    return left < right;
}

void hull_make(const int64_t *value, const int64_t *cost, uint32_t allowed, int levels,
               struct hull *hull)
{
    uint8_t order[HULL_LEVELS] = {0};
    uint8_t *chain = hull->level;
    int count = order_levels(value, cost, allowed, levels, order), top = 0;
    chain[0] = order[0];
    for (int i = 1; i < count; i++) {
        int k = order[i];
        if (value[k] <= value[chain[top]]) continue;
        while (top > 0 && is_below(value, cost, chain[top - 1], chain[top], k)) top--;
        chain[++top] = (uint8_t)k;
    }
    hull->count = top + 1;
}

uint64_t hull_slope_key(int64_t gain, int64_t cost)
{
    const uint64_t floor_bits = (uint64_t)(1023 - 54) << 52; /* 2^-54, below every slope */
    double slope = (double)gain / (double)cost;
    uint64_t bits;
    memcpy(&bits, &slope, sizeof bits);
    return (bits - floor_bits) << 5;
}
