/* Limits that do not count are free, kinds and caps without any are left out. */
#include "algorithms/knapsack_part.h"

#include "algorithms/knapsack_finish.h"
#include "algorithms/knapsack_measure.h"
#include "algorithms/knapsack_search.h"
#include "algorithms/knapsack_view.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AIM_BITS = 25 };

enum status knapsack_part_new(const struct knapsack_cells *whole, struct knapsack_part *part)
{
    enum status status = OK;
    int64_t limits = knapsack_limits(whole), entries = limits + whole->caps, at = 0;
    *part = (struct knapsack_part){.whole = whole, .limits = limits, .entries = entries};
    TRY(memory_new(&part->in, entries, sizeof *part->in));
    TRY(memory_new(&part->limit, limits, sizeof *part->limit));
    TRY(memory_new(&part->value, whole->blocks->rows_local * whole->options, sizeof *part->value));
    for (int d = 0; d < whole->kinds; d++)
        for (int64_t g = 0; g < whole->kind[d].groups; g++)
            part->in[at++] = whole->kind[d].limit[g] != KNAPSACK_FREE;
    for (; at < entries; at++) part->in[at] = true;
done:
    if (status != OK) knapsack_part_clear(part);
    return status;
}

void knapsack_part_clear(struct knapsack_part *part)
{
    free(part->in);
    free(part->limit);
    free(part->value);
    *part = (struct knapsack_part){0};
}

/* ---- cells ---- */

/* The kind of a limit; *group out. */
static int kind_of(const struct knapsack_cells *cells, int64_t limit, int64_t *group)
{
    int d = 0;
    for (*group = limit; *group >= cells->kind[d].groups; d++) *group -= cells->kind[d].groups;
    return d;
}

/* What a slot uses of a limit or cap, NULL: it does not count there. */
static const int64_t *uses_of(const struct knapsack_part *part, int64_t of, int64_t slot)
{
    const struct knapsack_cells *whole = part->whole;
    int64_t group, row = slot * whole->options;
    if (of < 0) return NULL;
    if (of >= part->limits) return whole->cap[of - part->limits].use + row;
    const struct knapsack_kind *kind = &whole->kind[kind_of(whole, of, &group)];
    return kind->group == NULL || kind->group[slot] == group ? kind->use + row : NULL;
}

/* What is aimed at may be counted in whole rows where others are in millionths, or the other way
 * round, and prices have bounds: so values are brought to AIM_BITS bits, rounded up. */
static void set_shift(const struct comm *comm, struct knapsack_part *part, int64_t of)
{
    int64_t most = 1;
    for (int64_t i = 0; i < part->whole->blocks->rows_local; i++) {
        const int64_t *use = uses_of(part, of, i);
        for (int k = 0; use != NULL && k < part->whole->options; k++)
            most = llabs(use[k]) > most ? llabs(use[k]) : most;
    }
    comm_max_int64(comm, &most, 1);
    for (part->shift = AIM_BITS; most > 1; most >>= 1) part->shift--;
}

static int64_t aimed(const struct knapsack_part *part, int64_t use)
{
    if (part->shift >= 0) return -use * (INT64_C(1) << part->shift);
    return -(use >> -part->shift);
}

/* The least use that a bound of the values proves. */
static int64_t least_of(const struct knapsack_part *part, int64_t bound)
{
    return part->shift >= 0 ? -(bound >> part->shift) : -bound * (INT64_C(1) << -part->shift);
}

/* Values whose sum is the negative of what is used of a limit or cap; -1: 0. */
static void aim(struct knapsack_part *part, int64_t of)
{
    int64_t options = part->whole->options;
    for (int64_t i = 0; i < part->whole->blocks->rows_local; i++) {
        const int64_t *use = uses_of(part, of, i);
        for (int64_t k = 0; k < options; k++)
            part->value[i * options + k] = use != NULL ? aimed(part, use[k]) : 0;
    }
}

/* What a choice uses of it. Collective. */
static int64_t reached_by(const struct comm *comm, const struct knapsack_part *part, int64_t of,
                          const uint8_t *choice)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < part->whole->blocks->rows_local; i++) {
        const int64_t *use = uses_of(part, of, i);
        if (use != NULL) sum += use[choice[i]];
    }
    comm_sum_int64(comm, &sum, 1);
    return sum;
}

/* every: kinds without a limit that counts stay, too. */
static void choose_cells(struct knapsack_part *part, bool every, struct knapsack_cells *cells)
{
    const struct knapsack_cells *whole = part->whole;
    int64_t at = 0;
    *cells = *whole;
    cells->value = part->value;
    cells->kinds = cells->caps = 0;
    for (int d = 0; d < whole->kinds; d++) {
        bool any = every;
        int64_t first = at;
        for (int64_t g = 0; g < whole->kind[d].groups; g++, at++) {
            part->limit[at] = part->in[at] ? whole->kind[d].limit[g] : KNAPSACK_FREE;
            any = any || part->in[at];
        }
        if (!any) continue;
        cells->kind[cells->kinds] = whole->kind[d];
        cells->kind[cells->kinds++].limit = part->limit + first;
    }
    for (int c = 0; c < whole->caps; c++)
        if (part->in[at + c]) cells->cap[cells->caps++] = whole->cap[c];
}

void knapsack_part_cells(struct knapsack_part *part, struct knapsack_cells *cells)
{
    aim(part, -1);
    choose_cells(part, true, cells);
}

/* ---- questions ---- */

static bool is_small(const struct knapsack_cells *cells)
{
    return cells->blocks->rows_total <= KNAPSACK_SEARCH_SLOTS;
}

static enum status search(const struct comm *comm, const struct knapsack_part *part, int64_t of,
                          const struct knapsack_cells *cells, struct knapsack_least *least)
{
    enum status status = OK;
    int64_t *price = NULL;
    uint8_t *choice = NULL;
    struct knapsack_view view = {0};
    struct knapsack_table table = {0};
    struct knapsack_search found;
    TRY_ALL(comm, memory_new(&price, knapsack_limits(cells), sizeof *price));
    TRY_ALL(comm, memory_new(&choice, cells->blocks->rows_local, 1));
    TRY(knapsack_view_make(comm, cells, price, &view));
    TRY(knapsack_table_make(comm, &view.cells, view.price, choice, &table));
    TRY_ALL(comm, knapsack_search(&table, false, &found));
    memcpy(choice, table.choice + cells->blocks->row_first, (size_t)cells->blocks->rows_local);
    least->answer = found.found ? PART_HOLDS : found.complete ? PART_CANNOT : PART_UNKNOWN;
    if (found.found) least->reached = reached_by(comm, part, of, choice);
    if (found.found && found.complete) least->least = least_of(part, found.objective);
done:
    knapsack_table_clear(&table);
    knapsack_view_clear(&view);
    free(price);
    free(choice);
    return status;
}

/* Where what is aimed at has the price 1, others have theirs in proportion to the proof's. Kinds
 * without a limit that counts are left out. price out [limits of the part], zero before */
static void set_start(const struct knapsack_part *part, int64_t of, const int64_t *proof,
                      int64_t *price)
{
    int64_t at = 0;
    if (proof == NULL || of < 0 || of >= part->limits || proof[of] <= 0) return;
    for (int d = 0; d < part->whole->kinds; d++) {
        bool any = false;
        int64_t groups = part->whole->kind[d].groups;
        for (int64_t g = 0; g < groups; g++) any = any || (part->in[at + g] && at + g != of);
        for (int64_t g = 0; g < groups; g++, at++) {
            if (!any) continue;
            double share = (double)proof[at] / (double)proof[of];
            *price++ = part->in[at] && at != of
                           ? (int64_t)fmin(ldexp(share, 30 + part->shift), 0x1p58)
                           : 0;
        }
    }
}

static enum status solve(const struct comm *comm, const struct knapsack_part *part, int64_t of,
                         const int64_t *proof, const struct knapsack_cells *cells,
                         struct knapsack_least *least)
{
    enum status status = OK;
    int64_t *price = NULL, *used = NULL;
    uint8_t *choice = NULL;
    struct knapsack_receipt receipt;
    TRY_ALL(comm, memory_new(&price, knapsack_limits(cells), sizeof *price));
    set_start(part, of, proof, price);
    TRY_ALL(comm, memory_new(&used, knapsack_limits(cells), sizeof *used));
    TRY_ALL(comm, memory_new(&choice, cells->blocks->rows_local, 1));
    status = knapsack_solve(comm, cells, price, choice, used, &receipt);
    if (status == ERR_NUMERIC && receipt.impossible) {
        least->answer = receipt.proven ? PART_CANNOT : PART_UNKNOWN;
        status = OK;
    } else if (status == OK) {
        *least = (struct knapsack_least){PART_HOLDS, least_of(part, receipt.upper_bound),
                                         reached_by(comm, part, of, choice)};
    }
done:
    free(price);
    free(used);
    free(choice);
    return status;
}

enum status knapsack_part_least(const struct comm *comm, struct knapsack_part *part, int64_t of,
                                const int64_t *proof, struct knapsack_least *least)
{
    struct knapsack_cells cells;
    bool in = of >= 0 && part->in[of];
    *least = (struct knapsack_least){PART_UNKNOWN, INT64_MIN, INT64_MAX};
    set_shift(comm, part, of);
    aim(part, of);
    if (of >= 0) part->in[of] = false;
    choose_cells(part, false, &cells);
    if (of >= 0) part->in[of] = in;
    return is_small(&cells) ? search(comm, part, of, &cells, least)
                            : solve(comm, part, of, proof, &cells, least);
}

enum status knapsack_part_try(const struct comm *comm, struct knapsack_part *part,
                              const int64_t *weight, bool *holds)
{
    enum status status = OK;
    struct knapsack_cells cells;
    struct knapsack_scale scale;
    struct knapsack_point point;
    struct knapsack_finish finish = {0};
    int64_t *price = NULL, *used = NULL, lowest;
    uint8_t *choice = NULL;
    *holds = false;
    if (part->whole->caps > 0) return OK;
    knapsack_part_cells(part, &cells);
    TRY_ALL(comm, memory_new(&price, part->limits, sizeof *price));
    TRY_ALL(comm, memory_new(&used, part->limits, sizeof *used));
    TRY_ALL(comm, memory_new(&choice, cells.blocks->rows_local, 1));
    for (int64_t r = 0; r < part->limits; r++) price[r] = part->in[r] ? weight[r] : 0;
    TRY(knapsack_measure(comm, &cells, &scale, &lowest));
    TRY(knapsack_at_prices(comm, &cells, price, choice, used, &point));
    TRY(knapsack_finish_repair(comm, &cells, &scale, price, choice, used, &finish));
    *holds = finish.holds;
done:
    free(price);
    free(used);
    free(choice);
    return status;
}

static int64_t last_limit(const struct knapsack_part *part)
{
    int64_t last = part->limits - 1;
    while (last >= 0 && !part->in[last]) last--;
    return last;
}

enum status knapsack_part_holds(const struct comm *comm, struct knapsack_part *part,
                                const int64_t *proof, enum knapsack_answer *answer)
{
    struct knapsack_least least;
    int64_t last = last_limit(part), group;
    bool small = is_small(part->whole);
    *answer = PART_HOLDS; /* users keep their caps, that was seen before */
    if (last < 0 && !small) return OK;
    enum status status = knapsack_part_least(comm, part, small ? -1 : last, proof, &least);
    *answer = least.answer;
    if (status != OK || small || least.answer != PART_HOLDS) return status;
    int d = kind_of(part->whole, last, &group);
    int64_t limit = part->whole->kind[d].limit[group];
    *answer = least.reached <= limit ? PART_HOLDS
              : least.least > limit  ? PART_CANNOT
                                     : PART_UNKNOWN;
    return OK;
}
