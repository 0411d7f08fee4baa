/* Causes of changes, row by row. */
#include "jobs/diff_cause.h"

#include "jobs/reduced_cost.h"
#include "jobs/user_choice.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

const char *diff_cause_name(enum diff_cause cause)
{
#define DIFF_CAUSE_NAME(cause, name, text) name,
    static const char *const names[] = {DIFF_CAUSES(DIFF_CAUSE_NAME)};
#undef DIFF_CAUSE_NAME
    return names[cause];
}

const char *diff_cause_text(enum diff_cause cause)
{
#define DIFF_CAUSE_TEXT(cause, name, text) text,
    static const char *const texts[] = {DIFF_CAUSES(DIFF_CAUSE_TEXT)};
#undef DIFF_CAUSE_TEXT
    return texts[cause];
}

/* ---- limits of two tables ---- */

static const char *group_name(const struct problem_kind *kind, int64_t group)
{
    return kind->names.count > group ? dictionary_text(&kind->names, group) : "";
}

static bool is_same_kind(const struct problem *a, const struct problem_kind *ka,
                         const struct problem *b, const struct problem_kind *kb)
{
    const struct problem_measure *ma = &a->measure[ka->measure], *mb = &b->measure[kb->measure];
    return strcmp(ka->name, kb->name) == 0 && strcmp(ma->name, mb->name) == 0 &&
           ma->unit == mb->unit;
}

int64_t diff_limit_find(const struct problem *problem, const struct problem *of, int kind,
                        int64_t group)
{
    const struct problem_kind *wanted = &of->kind[kind];
    const char *name = group_name(wanted, group);
    int64_t first = 0;
    for (int d = 0; d < problem->kinds; first += problem->kind[d++].groups) {
        const struct problem_kind *here = &problem->kind[d];
        if (!is_same_kind(problem, here, of, wanted)) continue;
        if ((here->names.count == 0) != (wanted->names.count == 0)) continue;
        if (here->names.count == 0) return first;
        int64_t place = dictionary_find(&here->names, name, strlen(name));
        if (place >= 0)
            return first + place; /* else of another kind: rounds of fairness share names */
    }
    return -1;
}

/* Those of mine that the other one has not. */
static uint32_t find_caps_alone(const struct problem *mine, const struct problem *other)
{
    uint32_t alone = 0;
    for (int c = 0; c < mine->caps; c++) {
        bool there = false;
        for (int d = 0; d < other->caps; d++)
            there = there || strcmp(mine->cap[c].rule, other->cap[d].rule) == 0;
        if (!there) alone |= UINT32_C(1) << c;
    }
    return alone;
}

enum status diff_prices_match(const struct published_rows *mine, const struct published_rows *other,
                              struct diff_prices *prices)
{
    enum status status = OK;
    int64_t at = 0, limits = mine->limits.limits;
    TRY(memory_new(&prices->own, limits, sizeof *prices->own));
    TRY(memory_new(&prices->other, limits, sizeof *prices->other));
    TRY(memory_new(&prices->kept, limits, sizeof *prices->kept));
    memcpy(prices->own, mine->limits.price, (size_t)limits * sizeof *prices->own);
    prices->alone = find_caps_alone(&mine->problem, &other->problem);
    for (int d = 0; d < mine->problem.kinds; d++)
        for (int64_t g = 0; g < mine->problem.kind[d].groups; g++, at++) {
            int64_t there = diff_limit_find(&other->problem, &mine->problem, d, g);
            prices->other[at] = there >= 0 ? other->limits.price[there] : 0;
            prices->kept[at] = there >= 0 ? prices->own[at] : 0;
        }
done:
    return status;
}

void diff_prices_clear(struct diff_prices *prices)
{
    free(prices->own);
    free(prices->other);
    free(prices->kept);
    *prices = (struct diff_prices){0};
}

/* ---- a row ---- */

static int level_of(const struct diff_row *row)
{
    return row->rows->level[row->row];
}

double diff_discount(const struct diff_row *row)
{
    return row->rows->problem.level[level_of(row)];
}

/* The level of this discount, if it is allowed; else -1. */
static int find_level(const struct diff_row *row, double discount)
{
    const struct problem *problem = &row->rows->problem;
    for (int k = 0; k < problem->levels; k++)
        if (problem->level[k] == discount)
            return (problem->allowed[row->row] >> k & 1) != 0 ? k : -1;
    return -1;
}

/* No allowed level is worth more at the prices, to half of a smallest unit. */
static bool is_best_alone(const struct diff_row *row, const int64_t *price, int level)
{
    struct knapsack_cells cells;
    struct reduced_cost cost;
    problem_cells(&row->rows->problem, &cells);
    int best = reduced_cost_best(&cells, price, row->row, -1);
    if (best == level) return true;
    reduced_cost_between(&cells, price, row->row, best, level, &cost);
    return reduced_cost_units(cost.total) <= 0;
}

/* The same among all rows of the user, where users have limits but for `without`. */
static enum status look(const struct diff_row *row, const int64_t *price, uint32_t without,
                        int level, bool *best)
{
    const struct problem *problem = &row->rows->problem;
    wide_int loss = 0;
    bool found = false;
    if (problem->caps == 0) {
        *best = is_best_alone(row, price, level);
        return OK;
    }
    enum status status = user_choice_loss(problem, price, row->row, level, without, &loss, &found);
    *best = found && reduced_cost_units(loss) <= 0;
    return status;
}

static bool was_drawn(const struct diff_row *row)
{
    static const char word[] = "explored";
    const struct published_rows *rows = row->rows;
    return strncmp(rows->reason + row->row * rows->reason_bytes, word,
                   (size_t)rows->reason_bytes) == 0;
}

/* The levels are the best ones at their tables' own prices; the second of each is the other's. */
static enum status weigh(const struct diff_row *before, const struct diff_row *now, int now_before,
                         enum diff_cause *cause)
{
    enum status status = OK;
    bool same = false, prices = false, cells = false;
    TRY(look(now, now->prices->kept, now->prices->alone, level_of(now), &same));
    *cause = DIFF_CAME;
    if (!same) return OK;
    TRY(look(before, before->prices->kept, before->prices->alone, level_of(before), &same));
    *cause = DIFF_WENT;
    if (!same) return OK;
    TRY(look(before, before->prices->other, 0, now_before, &prices));
    TRY(look(now, now->prices->other, 0, level_of(now), &cells));
    *cause = prices && cells ? DIFF_EITHER : prices ? DIFF_PRICES : cells ? DIFF_CELLS : DIFF_BOTH;
done:
    return status;
}

enum status diff_cause_find(const struct diff_row *before, const struct diff_row *now,
                            enum diff_cause *cause)
{
    enum status status = OK;
    int now_before = find_level(before, diff_discount(now));
    bool best[2] = {false, false};
    *cause = DIFF_EXPLORED;
    if (was_drawn(before) || was_drawn(now)) return OK;
    *cause = DIFF_FORBIDDEN;
    if (find_level(now, diff_discount(before)) < 0) return OK;
    *cause = DIFF_ALLOWED;
    if (now_before < 0) return OK;
    *cause = DIFF_MOVED;
    TRY(look(before, before->prices->own, 0, level_of(before), &best[0]));
    TRY(look(now, now->prices->own, 0, level_of(now), &best[1]));
    if (best[0] && best[1]) TRY(weigh(before, now, now_before, cause));
done:
    return status;
}
