/* Judging rows, and saying it. */
#include "jobs/verdict.h"

#include "jobs/page.h"
#include "jobs/problem_json.h"
#include "jobs/user_choice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LEVEL_BYTES = 16 };

/* ---- judging ---- */

static bool is_allowed(const struct problem *problem, int64_t slot, int level)
{
    return (problem->allowed[slot] >> level & 1) != 0;
}

static int64_t value_of(const struct problem *problem, int64_t slot, int level)
{
    return problem->value[slot * problem->levels + level];
}

/* Of the levels that are worth more than none in themselves the one of most worth at the prices,
 * among those allowed or among those not; -1: none is. */
static int find_wanted(const struct knapsack_cells *cells, const struct problem *problem,
                       const int64_t *price, int64_t slot, bool allowed)
{
    int wanted = -1;
    wide_int most = 0;
    for (int k = 1; k < problem->levels; k++) {
        struct reduced_cost cost;
        if (is_allowed(problem, slot, k) != allowed) continue;
        if (value_of(problem, slot, k) <= value_of(problem, slot, 0)) continue;
        reduced_cost_between(cells, price, slot, k, -1, &cost);
        if (wanted >= 0 && cost.total <= most) continue;
        most = cost.total;
        wanted = k;
    }
    return wanted;
}

/* Kind of the largest part that limits take; -1: none takes anything. */
static int dearest(const struct reduced_cost *cost)
{
    int kind = -1;
    wide_int most = 0;
    for (int t = 0; t < cost->terms; t++) {
        if (cost->term[t].amount <= most) continue;
        most = cost->term[t].amount;
        kind = cost->term[t].kind;
    }
    return kind;
}

/* The row has no discount. */
static void judge_none(const struct knapsack_cells *cells, const struct problem *problem,
                       const int64_t *price, int64_t slot, struct verdict *verdict)
{
    struct reduced_cost cost;
    verdict->end = VERDICT_NO_GAIN;
    verdict->wanted = find_wanted(cells, problem, price, slot, true);
    if (verdict->wanted >= 0) {
        verdict->end = VERDICT_LIMIT;
        reduced_cost_between(cells, price, slot, verdict->wanted, 0, &cost);
        verdict->kind = dearest(&cost);
        return;
    }
    verdict->wanted = find_wanted(cells, problem, price, slot, false);
    if (verdict->wanted >= 0) verdict->end = VERDICT_FORBIDDEN;
}

/* The limit that the chosen level spares most of what the best one would use, or uses up: by the
 * worth of the difference, and where no price tells, the first. */
static void judge_move(const struct knapsack_cells *cells, const struct problem *problem,
                       const int64_t *price, int64_t slot, int chosen, struct verdict *verdict)
{
    wide_int most = -1;
    int64_t first = 0;
    verdict->end = VERDICT_MOVED;
    verdict->keeps = value_of(problem, slot, chosen) < value_of(problem, slot, verdict->rival);
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        int64_t group = kind->group != NULL ? kind->group[slot] : 0, limit = first + group;
        first += kind->groups;
        if (group < 0) continue;
        int64_t more = kind->use[slot * cells->options + chosen] -
                       kind->use[slot * cells->options + verdict->rival];
        if (more == 0 || (more < 0) != verdict->keeps) continue;
        wide_int worth = (wide_int)price[limit] * (more < 0 ? -more : more);
        if (worth <= most) continue;
        most = worth;
        verdict->kind = d;
    }
}

/* Whether it is a limit of the user's own that stands against the rival. */
static bool judge_user(const struct problem *problem, int64_t slot, const uint8_t *level,
                       struct verdict *verdict)
{
    if (problem->caps == 0 || level == NULL) return false;
    verdict->cap = user_choice_broken(problem, level, slot, verdict->rival);
    if (verdict->cap < 0) return false;
    verdict->end = VERDICT_USER;
    return true;
}

void verdict_find(const struct problem *problem, const int64_t *price, int64_t slot, int chosen,
                  const uint8_t *level, struct verdict *verdict)
{
    struct knapsack_cells cells;
    problem_cells(problem, &cells);
    *verdict = (struct verdict){.end = VERDICT_GAIN, .wanted = -1, .kind = -1, .cap = -1};
    verdict->rival = reduced_cost_best(&cells, price, slot, chosen);
    if (verdict->rival >= 0)
        reduced_cost_between(&cells, price, slot, chosen, verdict->rival, &verdict->cost);
    if (reduced_cost_units(verdict->cost.total) < 0) {
        if (!judge_user(problem, slot, level, verdict))
            judge_move(&cells, problem, price, slot, chosen, verdict);
    } else if (chosen == 0)
        judge_none(&cells, problem, price, slot, verdict);
}

enum status verdict_weigh(const struct problem *problem, const int64_t *price, int64_t slot,
                          struct verdict *verdict)
{
    if (verdict->end != VERDICT_USER) return OK;
    return user_choice_loss(problem, price, slot, verdict->rival, 0, &verdict->loss,
                            &verdict->weighed);
}

/* ---- sentences ---- */

/* A text that grows within its room. */
struct line {
    char *text;
    size_t bytes, used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line->text + line->used, line->bytes - line->used, format, args);
    va_end(args);
    line->used += more > 0 ? (size_t)more : 0;
    if (line->used >= line->bytes) line->used = line->bytes - 1;
}

void verdict_level(const struct problem *problem, int level, char *text)
{
    snprintf(text, LEVEL_BYTES, "%.6g %%", 100.0 * problem->level[level]);
}

/* "+1.8400 worth" */
static void add_signed(struct line *line, wide_int worth, const char *what)
{
    int64_t units = reduced_cost_units(worth);
    add(line, "%s%s %s", units >= 0 ? "+" : "", page_exact(units, 4).text, what);
}

static void add_limit_name(struct line *line, const struct problem *problem, int kind, int64_t slot)
{
    const struct problem_kind *k = &problem->kind[kind];
    add(line, "%s", k->name);
    if (k->group != NULL && k->group[slot] >= 0)
        add(line, " %s", dictionary_text(&k->names, k->group[slot]));
}

static void add_parts(struct line *line, const struct problem *problem, const int64_t *price,
                      int64_t slot, const struct reduced_cost *cost)
{
    add(line, ": ");
    add_signed(line, (wide_int)cost->value << KNAPSACK_PRICE_BITS, "worth");
    for (int t = 0; t < cost->terms; t++) {
        const struct reduced_term *term = &cost->term[t];
        const struct problem_kind *kind = &problem->kind[term->kind];
        double per_unit = problem_shown_price(problem, kind, price[term->limit]);
        add(line, ", ");
        add_signed(line, -term->amount, "");
        add_limit_name(line, problem, term->kind, slot);
        add(line, " at %s per unit", page_amount(per_unit < 0.0 ? -per_unit : per_unit, 4).text);
    }
}

static void add_moved(struct line *line, const struct problem *problem, int64_t slot,
                      const struct verdict *verdict, const char *chosen, const char *rival)
{
    add(line, "at the prices %s is better by %s; moved to %s to ", rival,
        page_exact(-reduced_cost_units(verdict->cost.total), 4).text, chosen);
    if (verdict->kind < 0) {
        add(line, "%s", verdict->keeps ? "keep the limits" : "use what was left");
        return;
    }
    add(line, "%s", verdict->keeps ? "keep " : "use what was left of ");
    add_limit_name(line, problem, verdict->kind, slot);
}

/* The user's own limit that stands against the rival, behind the parts. */
static void add_user(struct line *line, const struct problem *problem, int64_t slot,
                     const struct verdict *verdict)
{
    const struct problem_cap *cap = &problem->cap[verdict->cap];
    const struct problem_kind shown = {.measure = cap->measure};
    int64_t limit = cap->limit[problem_user_of(problem, slot)];
    add(line, "; a limit of the user's own stands against it: %s, at most %.6g", cap->name,
        problem_shown(problem, &shown, limit));
    if (verdict->weighed)
        add(line, "; with it the best that the user's rows can be worth is %s less",
            page_exact(reduced_cost_units(verdict->loss), 4).text);
}

/* Behind a row without a discount: what stands against it. */
static void add_reason(struct line *line, const struct problem *problem, int64_t slot,
                       const struct verdict *verdict)
{
    char wanted[LEVEL_BYTES];
    if (verdict->end == VERDICT_NO_GAIN) add(line, "; no discount adds anything");
    if (verdict->wanted < 0) return;
    verdict_level(problem, verdict->wanted, wanted);
    int64_t gain = value_of(problem, slot, verdict->wanted) - value_of(problem, slot, 0);
    add(line, "; %s would add %s, ", wanted, page_exact(gain, 4).text);
    if (verdict->end == VERDICT_FORBIDDEN) {
        add(line, "but is forbidden");
        return;
    }
    add(line, "less than its ");
    if (verdict->kind >= 0)
        add_limit_name(line, problem, verdict->kind, slot);
    else
        add(line, "use");
    add(line, " is worth elsewhere");
}

void verdict_sentence(const struct problem *problem, const int64_t *price, int64_t slot, int chosen,
                      const struct verdict *verdict, bool long_form, char *text, size_t bytes)
{
    struct line line = {text, bytes, 0};
    char mine[LEVEL_BYTES], rival[LEVEL_BYTES] = "";
    *text = 0;
    verdict_level(problem, chosen, mine);
    if (verdict->rival >= 0) verdict_level(problem, verdict->rival, rival);
    if (verdict->end == VERDICT_MOVED)
        add_moved(&line, problem, slot, verdict, mine, rival);
    else if (verdict->end == VERDICT_USER)
        add(&line, "%s would be better here by %s", rival,
            page_exact(-reduced_cost_units(verdict->cost.total), 4).text);
    else if (verdict->rival < 0)
        add(&line, "%s is the only level allowed", mine);
    else
        add(&line, "%s beats %s by %s", mine, rival,
            page_exact(reduced_cost_units(verdict->cost.total), 4).text);
    if (long_form && verdict->rival >= 0) {
        struct knapsack_cells cells;
        struct reduced_cost cost = verdict->cost;
        problem_cells(problem, &cells);
        if (verdict->end == VERDICT_USER) /* it is the rival that would be better */
            reduced_cost_between(&cells, price, slot, verdict->rival, chosen, &cost);
        add_parts(&line, problem, price, slot, &cost);
    }
    if (verdict->end == VERDICT_USER) add_user(&line, problem, slot, verdict);
    add_reason(&line, problem, slot, verdict);
}
