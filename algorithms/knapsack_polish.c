/* Bisection of many prices at once. */
#include "algorithms/knapsack_polish.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 2, HALVINGS = 26, FOURFOLDS = 24 };

#define SHOWS 1e-3        /* of the bound */
#define SHOWS_CAPPED 1e-5 /* where users have caps, which the search for prices smooths over */
#define CAPPED_ROWS ((int64_t)1 << 17) /* times kinds: a pass under caps takes its time */
#define PRICE_FIRST ((int64_t)1 << 20)
#define PRICE_MOST ((int64_t)1 << 58)

/* The limits of one kind under search; [groups] arrays are those of the kind alone. */
struct search {
    const struct knapsack_cells *cells;
    int64_t first, groups;
    const int64_t *limit;               /* not owned */
    int64_t *low, *high;                /* [groups] at high no limit is exceeded, once bracketed */
    const struct knapsack_range *range; /* [limits] */
    int64_t *trial;                     /* [limits] prices tried */
    uint8_t *choice;                    /* [rows_local] not owned */
    int64_t *used;                      /* [limits] not owned; at the prices tried */
    struct knapsack_point point;
    int64_t passes;
};

/* What prices of unused parts of a kind's limits add to the bound. */
static double waste_of(const struct knapsack_kind *kind, const int64_t *price, const int64_t *used)
{
    double waste = 0.0;
    for (int64_t g = 0; g < kind->groups; g++)
        waste += 0x1p-30 * (double)price[g] * fabs((double)(kind->limit[g] - used[g]));
    return waste;
}

static enum status look(const struct comm *comm, struct search *s)
{
    s->passes++;
    return knapsack_at_prices(comm, s->cells, s->trial, s->choice, s->used, &s->point);
}

static bool is_kept(const struct search *s, int64_t group)
{
    return s->limit[group] == KNAPSACK_FREE || s->used[s->first + group] <= s->limit[group];
}

static int64_t floor_of(const struct search *s, int64_t group)
{
    return s->range->low != NULL ? (int64_t)ceil(0x1p30 * s->range->low[s->first + group]) : 0;
}

static int64_t ceiling_of(const struct search *s, int64_t group)
{
    double most = s->range->high != NULL ? 0x1p30 * s->range->high[s->first + group] : INFINITY;
    return (int64_t)floor(fmin(most, (double)PRICE_MOST));
}

/* Prices of what is exceeded rise until nothing is; used is that at the prices given. */
static enum status bracket(const struct comm *comm, struct search *s)
{
    for (int i = 0; i < FOURFOLDS; i++) {
        bool exceeded = false;
        for (int64_t g = 0; g < s->groups; g++) {
            int64_t most = ceiling_of(s, g), next = s->high[g] > 0 ? 4 * s->high[g] : PRICE_FIRST;
            if (is_kept(s, g) || s->high[g] >= most) continue;
            exceeded = true;
            s->low[g] = s->high[g];
            s->high[g] = next < most ? next : most;
            s->trial[s->first + g] = s->high[g];
        }
        if (!exceeded) return OK;
        enum status status = look(comm, s);
        if (status != OK) return status;
    }
    return OK;
}

/* Halve each range; the first time ask for the price 0. */
static enum status halve(const struct comm *comm, struct search *s)
{
    for (int i = 0; i < HALVINGS; i++) {
        bool open = false;
        for (int64_t g = 0; g < s->groups; g++) {
            int64_t middle = i == 0 ? s->low[g] : s->low[g] + (s->high[g] - s->low[g]) / 2;
            s->trial[s->first + g] = middle;
            open = open || s->high[g] - s->low[g] > 1 + (s->high[g] >> 20);
        }
        if (!open) break;
        enum status status = look(comm, s);
        if (status != OK) return status;
        for (int64_t g = 0; g < s->groups; g++)
            *(is_kept(s, g) ? &s->high[g] : &s->low[g]) = s->trial[s->first + g];
    }
    memcpy(s->trial + s->first, s->high, (size_t)s->groups * sizeof *s->trial);
    return look(comm, s);
}

/* What of the bound is worth a search. */
static double showing(const struct knapsack_cells *cells)
{
    bool capped = cells->caps > 0 && cells->blocks->rows_total * cells->kinds <= CAPPED_ROWS;
    return capped ? SHOWS_CAPPED : SHOWS;
}

/* The prices of one kind, where that lowers the bound. */
static enum status search_kind(const struct comm *comm, struct search *s, int kind, int64_t limits,
                               int64_t *price)
{
    enum status status = OK;
    int64_t before = s->point.bound;
    s->limit = s->cells->kind[kind].limit;
    memcpy(s->trial, price, (size_t)limits * sizeof *price);
    memcpy(s->high, price + s->first, (size_t)s->groups * sizeof *s->high);
    for (int64_t g = 0; g < s->groups; g++)
        s->low[g] = floor_of(s, g) < s->high[g] ? floor_of(s, g) : s->high[g];
    TRY(bracket(comm, s));
    TRY(halve(comm, s));
    if (s->point.bound < before) {
        memcpy(price, s->trial, (size_t)limits * sizeof *price);
        goto done;
    }
    memcpy(s->trial, price, (size_t)limits * sizeof *price);
    TRY(look(comm, s));
done:
    return status;
}

static enum status make_room(int64_t limits, struct search *s)
{
    enum status status = OK;
    TRY(memory_new(&s->low, limits, sizeof *s->low));
    TRY(memory_new(&s->high, limits, sizeof *s->high));
    TRY(memory_new(&s->trial, limits, sizeof *s->trial));
done:
    return status;
}

enum status knapsack_polish(const struct comm *comm, const struct knapsack_cells *cells,
                            const struct knapsack_range *range, int64_t *price, uint8_t *choice,
                            int64_t *used, struct knapsack_point *point, int64_t *passes)
{
    enum status status = OK;
    int64_t limits = knapsack_limits(cells);
    struct search s = {
        .cells = cells, .range = range, .choice = choice, .used = used, .point = *point};
    TRY_ALL(comm, make_room(limits, &s));
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        s.first = 0;
        for (int d = 0; d < cells->kinds; s.first += cells->kind[d++].groups) {
            s.groups = cells->kind[d].groups;
            double waste = waste_of(&cells->kind[d], price + s.first, used + s.first);
            if (waste > showing(cells) * fabs((double)s.point.bound))
                TRY(search_kind(comm, &s, d, limits, price));
        }
    }
    *point = s.point;
    *passes += s.passes;
done:
    free(s.low);
    free(s.high);
    free(s.trial);
    return status;
}
