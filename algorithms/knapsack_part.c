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

/* Values whose sum is the negative of what is used of a limit or cap; -1: 0. */
static void aim(struct knapsack_part *part, int64_t of)
{
    const struct knapsack_cells *whole = part->whole;
    int64_t rows = whole->blocks->rows_local, options = whole->options, group = 0;
    const struct knapsack_kind *kind = NULL;
    const int64_t *use = NULL;
    if (of >= part->limits) use = whole->cap[of - part->limits].use;
    if (of >= 0 && of < part->limits) {
        kind = &whole->kind[kind_of(whole, of, &group)];
        use = kind->use;
    }
    for (int64_t i = 0; i < rows; i++) {
        bool counts =
            use != NULL && (kind == NULL || kind->group == NULL || kind->group[i] == group);
        for (int64_t at = i * options; at < (i + 1) * options; at++)
            part->value[at] = counts ? -use[at] : 0;
    }
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

static enum status search(const struct comm *comm, const struct knapsack_cells *cells,
                          struct knapsack_least *least)
{
    enum status status = OK;
    int64_t *price = NULL;
    uint8_t *choice = NULL;
    struct knapsack_view view = {0};
    struct knapsack_search found;
    TRY_ALL(comm, memory_new(&price, knapsack_limits(cells), sizeof *price));
    TRY_ALL(comm, memory_new(&choice, cells->blocks->rows_local, 1));
    TRY(knapsack_view_make(comm, cells, price, &view));
    TRY(knapsack_search(comm, &view.cells, view.price, INT64_MIN, choice, &found));
    least->answer = found.found ? PART_HOLDS : found.complete ? PART_CANNOT : PART_UNKNOWN;
    if (found.found) least->reached = -found.objective;
    if (found.found && found.complete) least->least = -found.objective;
done:
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
            *price++ = part->in[at] && at != of ? (int64_t)fmin(share * 0x1p30, 0x1p58) : 0;
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
        *least = (struct knapsack_least){PART_HOLDS, -receipt.upper_bound, -receipt.objective};
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
    aim(part, of);
    if (of >= 0) part->in[of] = false;
    choose_cells(part, false, &cells);
    if (of >= 0) part->in[of] = in;
    return is_small(&cells) ? search(comm, &cells, least)
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
