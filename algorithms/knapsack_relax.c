/* Values less the prices of what they use, rounded up; the prices follow what is left. */
#include "algorithms/knapsack_relax.h"

#include "algorithms/knapsack_search.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_FIRST 0.25 /* of a price */
#define PRICE_MOST 0x1p60

/* Of what all cells are worth at the prices: searches add up in 64 bits. */
#define WORTH_MOST ((int128)1 << 61)

struct relax {
    const struct knapsack_table *t;
    bool *wide;                  /* [limits] priced */
    int64_t *price, *best_price; /* [limits] */
    int64_t *used;               /* [limits] by the choice at the prices */
    struct knapsack_table part; /* the table without limits that are priced; uses are the table's */
};

static enum status relax_init(const struct knapsack_table *t, struct relax *x)
{
    enum status status = OK;
    x->t = t;
    x->part = *t;
    x->part.value = x->part.limit = x->part.price = NULL;
    x->part.allowed = NULL;
    x->part.choice = NULL;
    memset(x->part.at, 0, sizeof x->part.at);
    TRY(memory_new(&x->wide, t->limits, sizeof *x->wide));
    TRY(memory_new(&x->price, t->limits, sizeof *x->price));
    TRY(memory_new(&x->best_price, t->limits, sizeof *x->best_price));
    TRY(memory_new(&x->used, t->limits, sizeof *x->used));
    TRY(memory_new(&x->part.value, t->slots * t->options, sizeof *t->value));
    TRY(memory_new(&x->part.limit, t->limits, sizeof *t->limit));
    TRY(memory_new(&x->part.price, t->limits, sizeof *t->price));
    TRY(memory_new(&x->part.allowed, t->slots, sizeof *t->allowed));
    TRY(memory_new(&x->part.choice, t->slots, 1));
    for (int d = 0; d < t->kinds; d++) TRY(memory_new(&x->part.at[d], t->slots, sizeof *t->at[d]));
done:
    return status;
}

static void relax_clear(struct relax *x)
{
    free(x->wide);
    free(x->price);
    free(x->best_price);
    free(x->used);
    memset(x->part.use, 0, sizeof x->part.use); /* not its own */
    knapsack_table_clear(&x->part);
}

/* Whether some limits are priced. */
static bool choose_wide(struct relax *x)
{
    const struct knapsack_table *t = x->t;
    int64_t *slots = x->used; /* lent for room */
    bool any = false;
    for (int d = 0; d < t->kinds; d++)
        for (int64_t s = 0; s < t->slots; s++)
            if (t->at[d][s] >= 0 && (t->allowed[s] & (t->allowed[s] - 1)) != 0)
                slots[t->at[d][s]]++;
    for (int64_t r = 0; r < t->limits; r++) {
        x->wide[r] = slots[r] >= KNAPSACK_RELAX_SLOTS;
        any = any || x->wide[r];
    }
    return any;
}

static int128 round_up(int128 x)
{
    return -(-x >> KNAPSACK_PRICE_BITS);
}

/* What prices make of the values; false: more than can be worked with. */
static bool set_values(struct relax *x)
{
    const struct knapsack_table *t = x->t;
    int128 sum = 0;
    for (int64_t cell = 0; cell < t->slots * t->options; cell++) {
        int128 worth = (int128)t->value[cell] << KNAPSACK_PRICE_BITS;
        for (int d = 0; d < t->kinds; d++) {
            int32_t r = t->at[d][cell / t->options];
            if (r >= 0 && x->wide[r]) worth -= (int128)x->price[r] * t->use[d][cell];
        }
        worth = round_up(worth);
        sum += worth < 0 ? -worth : worth;
        if (worth > KNAPSACK_MOST || worth < -KNAPSACK_MOST || sum > WORTH_MOST) return false;
        x->part.value[cell] = (int64_t)worth;
    }
    return true;
}

/* The same other limits and options as ever. */
static void set_part(struct relax *x)
{
    const struct knapsack_table *t = x->t;
    memcpy(x->part.limit, t->limit, (size_t)t->limits * sizeof *t->limit);
    memcpy(x->part.price, t->price, (size_t)t->limits * sizeof *t->price);
    memcpy(x->part.allowed, t->allowed, (size_t)t->slots * sizeof *t->allowed);
    memcpy(x->part.choice, t->choice, (size_t)t->slots);
    for (int d = 0; d < t->kinds; d++)
        for (int64_t s = 0; s < t->slots; s++) {
            int32_t r = t->at[d][s];
            x->part.at[d][s] = r >= 0 && x->wide[r] ? -1 : r;
        }
    for (int64_t r = 0; r < t->limits; r++)
        if (x->wide[r]) x->part.limit[r] = KNAPSACK_FREE;
}

/* The bound at the prices, and what the choice behind it uses; INT64_MAX: it is of no use. */
static enum status look(struct relax *x, int64_t *bound)
{
    enum status status = OK;
    struct knapsack_search search;
    int128 total = 0;
    *bound = INT64_MAX;
    set_part(x);
    if (!set_values(x)) return OK;
    TRY(knapsack_search(&x->part, true, &search));
    for (int64_t r = 0; r < x->t->limits; r++)
        if (x->wide[r]) total += (int128)x->price[r] * x->t->limit[r];
    total = round_up(total) + search.bound;
    if (total < INT64_MAX) *bound = (int64_t)total;
done:
    return status;
}

/* A choice that happens to keep the priced limits, too. */
static void take_choice(struct relax *x, struct knapsack_table *t, int64_t *value)
{
    struct knapsack_table whole = *t;
    whole.choice = x->part.choice;
    int64_t here = knapsack_table_tally(&whole, x->used);
    for (int64_t r = 0; r < t->limits; r++)
        if (x->used[r] > t->limit[r]) return;
    if (here <= *value) return;
    *value = here;
    memcpy(t->choice, x->part.choice, (size_t)t->slots);
}

static void change_prices(struct relax *x, double step)
{
    for (int64_t r = 0; r < x->t->limits; r++) {
        double sign = x->used[r] > x->t->limit[r] ? 1.0 : -1.0;
        double price = (double)x->best_price[r] * (1.0 + sign * step);
        x->price[r] = (int64_t)fmin(price, PRICE_MOST);
    }
}

static enum status descend(struct relax *x, struct knapsack_table *t, int64_t *bound)
{
    enum status status = OK;
    double step = STEP_FIRST;
    int64_t here, value = knapsack_table_tally(t, x->used);
    memcpy(x->best_price, t->price, (size_t)t->limits * sizeof *t->price);
    memcpy(x->price, t->price, (size_t)t->limits * sizeof *t->price);
    for (int i = 0; i < KNAPSACK_RELAX_STEPS && value < *bound; i++) {
        TRY(look(x, &here));
        take_choice(x, t, &value);
        if (here < *bound) {
            *bound = here > value ? here : value;
            memcpy(x->best_price, x->price, (size_t)t->limits * sizeof *x->price);
        } else {
            if (i == 0) break;
            step *= 0.5;
        }
        change_prices(x, step);
    }
done:
    return status;
}

enum status knapsack_relax(struct knapsack_table *table, int64_t *bound)
{
    enum status status = OK;
    struct relax x = {0};
    TRY(relax_init(table, &x));
    if (choose_wide(&x)) TRY(descend(&x, table, bound));
done:
    relax_clear(&x);
    return status;
}
