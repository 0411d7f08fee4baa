/* Differences of worths, in 128 bits. */
#include "jobs/reduced_cost.h"

static int64_t use_of(const struct knapsack_kind *kind, const struct knapsack_cells *cells,
                      int64_t slot, int option)
{
    return option >= 0 ? kind->use[slot * cells->options + option] : 0;
}

static int64_t value_of(const struct knapsack_cells *cells, int64_t slot, int option)
{
    return option >= 0 ? cells->value[slot * cells->options + option] : 0;
}

void reduced_cost_between(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                          int option, int against, struct reduced_cost *cost)
{
    int64_t first = 0;
    *cost = (struct reduced_cost){.value = value_of(cells, slot, option) -
                                           value_of(cells, slot, against)};
    cost->total = (wide_int)cost->value * ((wide_int)1 << KNAPSACK_PRICE_BITS);
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        int64_t group = kind->group != NULL ? kind->group[slot] : 0, limit = first + group;
        first += kind->groups;
        if (group < 0) continue;
        int64_t use = use_of(kind, cells, slot, option) - use_of(kind, cells, slot, against);
        if (use == 0 || price[limit] == 0) continue;
        struct reduced_term term = {d, limit, use, (wide_int)price[limit] * use};
        cost->term[cost->terms++] = term;
        cost->total -= term.amount;
    }
}

int reduced_cost_best(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                      int except)
{
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    wide_int most = 0;
    int best = -1;
    for (int k = 0; k < cells->options; k++) {
        struct reduced_cost cost;
        if (k == except || (allowed >> k & 1) == 0) continue;
        reduced_cost_between(cells, price, slot, k, -1, &cost);
        if (best >= 0 && cost.total <= most) continue;
        most = cost.total;
        best = k;
    }
    return best;
}

int64_t reduced_cost_units(wide_int worth)
{
    const wide_int half = (wide_int)1 << (KNAPSACK_PRICE_BITS - 1);
    wide_int size = worth < 0 ? -worth : worth;
    wide_int units = (size + half) >> KNAPSACK_PRICE_BITS;
    if (units > INT64_MAX) units = INT64_MAX;
    return worth < 0 ? (int64_t)-units : (int64_t)units;
}

void reduced_cost_text(wide_int worth, char *text)
{
    char digits[REDUCED_COST_TEXT_BYTES];
    int count = 0;
    bool negative = worth < 0;
    do { /* digit by digit, so that the most negative has its own too */
        int digit = (int)(worth % 10);
        digits[count++] = (char)('0' + (digit < 0 ? -digit : digit));
        worth /= 10;
    } while (worth != 0);
    if (negative) *text++ = '-';
    while (count > 0) *text++ = digits[--count];
    *text = 0;
}
