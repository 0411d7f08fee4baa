/* Samples of whole users, and differences told over all. */
#include "jobs/what_if.h"

#include "algorithms/knapsack_point.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the sample ---- */

/* Users of the sample before a user of the whole. */
static int64_t before(int64_t user, int64_t every)
{
    return (user + every - 1) / every;
}

static enum status cut_blocks(struct what_if *w)
{
    const struct blocks *all = &w->whole->blocks;
    struct blocks *blocks = &w->problem.blocks;
    int64_t slots = w->solved->slots, first = all->row_first / slots;
    *blocks = *all;
    blocks->start = NULL;
    enum status status = memory_new(&blocks->start, all->blocks_local + 1, sizeof *blocks->start);
    if (status != OK) return status;
    blocks->row_first = slots * before(first, w->every);
    for (int64_t b = 0; b <= all->blocks_local; b++)
        blocks->start[b] =
            slots * before(first + all->start[b] / slots, w->every) - blocks->row_first;
    blocks->rows_local = blocks->start[all->blocks_local];
    w->users_total = all->rows_total / slots;
    w->users = before(w->users_total, w->every);
    blocks->rows_total = slots * w->users;
    return OK;
}

static void find_rows(struct what_if *w)
{
    int64_t slots = w->solved->slots, first = w->whole->blocks.row_first / slots;
    for (int64_t i = 0; i < w->problem.blocks.rows_local; i++) {
        int64_t user = (w->problem.blocks.row_first + i) / slots * w->every - first;
        w->row[i] = user * slots + i % slots;
        w->base[i] = w->solved->level[w->row[i]];
    }
}

/* Rows of [.][width] picked. */
static enum status pick_cells(const struct what_if *w, const int64_t *all, int width,
                              int64_t **mine)
{
    int64_t rows = w->problem.blocks.rows_local;
    enum status status = memory_new(mine, rows * width, sizeof **mine);
    for (int64_t i = 0; i < rows && status == OK; i++)
        memcpy(*mine + i * width, all + w->row[i] * width, (size_t)width * sizeof **mine);
    return status;
}

static enum status pick_kind(const struct what_if *w, const struct problem_kind *all,
                             struct problem_kind *mine)
{
    enum status status = OK;
    int64_t rows = w->problem.blocks.rows_local;
    mine->measure = all->measure;
    mine->at_least = all->at_least;
    mine->groups = all->groups;
    mine->rule = strdup(all->rule);
    if (mine->rule == NULL) return FAIL(ERR_MEMORY, "no memory for the names of limits");
    TRY(memory_new(&mine->limit, all->groups, sizeof *mine->limit));
    if (all->group == NULL) goto done;
    TRY(memory_new(&mine->group, rows, sizeof *mine->group));
    for (int64_t i = 0; i < rows; i++) mine->group[i] = all->group[w->row[i]];
done:
    return status;
}

static enum status pick_caps(struct what_if *w)
{
    int64_t *user = NULL, rows = w->problem.blocks.rows_local;
    enum status status = memory_new(&user, rows, sizeof *user);
    for (int64_t i = 0; i < rows && status == OK; i++) user[i] = w->row[i] / w->solved->slots;
    if (status == OK) status = problem_pick_caps(w->whole, user, rows, &w->problem);
    free(user);
    return status;
}

static enum status pick(struct what_if *w)
{
    enum status status = OK;
    const struct problem *whole = w->whole;
    struct problem *mine = &w->problem;
    TRY(cut_blocks(w));
    int64_t rows = mine->blocks.rows_local;
    TRY(memory_new(&w->row, rows, sizeof *w->row));
    TRY(memory_new(&w->base, rows, sizeof *w->base));
    find_rows(w);
    mine->levels = whole->levels;
    memcpy(mine->level, whole->level, sizeof mine->level);
    TRY(pick_cells(w, whole->value, whole->levels, &mine->value));
    TRY(memory_new(&mine->allowed, rows, sizeof *mine->allowed));
    for (; mine->measures < whole->measures; mine->measures++)
        TRY(pick_cells(w, whole->measure[mine->measures].use, whole->levels,
                       &mine->measure[mine->measures].use));
    for (; mine->kinds < whole->kinds; mine->kinds++)
        TRY(pick_kind(w, &whole->kind[mine->kinds], &mine->kind[mine->kinds]));
    TRY(pick_caps(w));
done:
    return status;
}

/* ---- limits ---- */

bool what_if_is_free(int64_t limit)
{
    return limit == KNAPSACK_FREE;
}

static double factor(const struct what_if *w)
{
    return (double)w->users_total / fmax(1.0, (double)w->users);
}

/* used: by the whole choice on the sample */
static void set_limits(struct what_if *w, const int64_t *used)
{
    int64_t r = 0;
    for (int d = 0; d < w->whole->kinds; d++)
        for (int64_t g = 0; g < w->whole->kind[d].groups; g++, r++) {
            int64_t limit = w->whole->kind[d].limit[g];
            double left = (double)(limit - w->solved->used[r]) / factor(w);
            if (w->every == 1 || what_if_is_free(limit))
                w->limit[r] = limit;
            else
                w->limit[r] = used[r] + (int64_t)floor(left);
        }
}

void what_if_restore(struct what_if *w)
{
    struct problem *mine = &w->problem;
    int64_t r = 0;
    int levels = mine->levels;
    for (int d = 0; d < mine->kinds; d++)
        for (int64_t g = 0; g < mine->kind[d].groups; g++) mine->kind[d].limit[g] = w->limit[r++];
    for (int c = 0; c < mine->caps; c++)
        for (int64_t u = 0; u < mine->users_local; u++) {
            int64_t user = w->row[mine->user_start[u]] / w->solved->slots;
            mine->cap[c].limit[u] = w->whole->cap[c].limit[user];
        }
    for (int64_t i = 0; i < mine->blocks.rows_local; i++) {
        memcpy(mine->value + i * levels, w->whole->value + w->row[i] * levels,
               (size_t)levels * sizeof *mine->value);
        mine->allowed[i] = w->whole->allowed[w->row[i]];
    }
}

void what_if_begin(struct what_if *w)
{
    memcpy(w->now.price, w->solved->price, (size_t)w->now.limits * sizeof *w->now.price);
}

static enum status measure_base(const struct comm *comm, struct what_if *w)
{
    enum status status = OK;
    struct knapsack_cells cells;
    int64_t *used = NULL;
    what_if_restore(w); /* limits are nothing yet */
    problem_cells(&w->problem, &cells);
    TRY_ALL(comm, memory_new(&used, w->now.limits, sizeof *used));
    w->base_objective = knapsack_tally(comm, &cells, w->base, used);
    set_limits(w, used);
    what_if_restore(w);
done:
    free(used);
    return status;
}

enum status what_if_make(const struct comm *comm, const struct problem *whole,
                         const struct choices *solved, int64_t most, struct what_if *w)
{
    enum status status = OK;
    int64_t all = whole->blocks.rows_total;
    *w = (struct what_if){.whole = whole, .solved = solved};
    w->every = all > most ? (all + most - 1) / most : 1;
    TRY_ALL(comm, pick(w));
    w->now.slots = solved->slots;
    w->now.limits = solved->limits;
    TRY_ALL(comm, memory_new(&w->limit, solved->limits, sizeof *w->limit));
    TRY_ALL(comm, memory_new(&w->now.price, solved->limits, sizeof *w->now.price));
    TRY(measure_base(comm, w));
    what_if_begin(w);
done:
    return status;
}

void what_if_clear(struct what_if *w)
{
    problem_clear(&w->problem);
    choices_clear(&w->now);
    free(w->limit);
    free(w->row);
    free(w->base);
    *w = (struct what_if){0};
}

/* ---- answers ---- */

/* What is free has no price. */
static void forget_free(struct what_if *w)
{
    int64_t r = 0;
    for (int d = 0; d < w->problem.kinds; d++)
        for (int64_t g = 0; g < w->problem.kind[d].groups; g++, r++)
            if (what_if_is_free(w->problem.kind[d].limit[g])) w->now.price[r] = 0;
}

enum status what_if_solve(const struct comm *comm, struct what_if *w, bool *found)
{
    forget_free(w);
    struct choices next = {.slots = w->now.slots, .price = w->now.price};
    w->now.price = NULL;
    choices_clear(&w->now);
    enum status status = solution_try(comm, &w->problem, &next, &w->solution);
    w->now = next;
    *found = status == OK;
    return status == ERR_NUMERIC ? OK : status;
}

int64_t what_if_over_all(const struct what_if *w, int64_t sum)
{
    return w->every == 1 ? sum : llround(factor(w) * (double)sum);
}

/* What the answer adds for a user to what the whole choice is worth. */
static int64_t gain_of_user(const struct what_if *w, int64_t first)
{
    int64_t gain = 0;
    for (int64_t i = first; i < first + w->now.slots; i++) {
        const int64_t *value = w->problem.value + i * w->problem.levels;
        gain += value[w->now.level[i]] - value[w->base[i]];
    }
    return gain;
}

/* The power of two above all users' gains. */
static double largest_gain(const struct comm *comm, const struct what_if *w)
{
    int64_t largest = 1;
    for (int64_t i = 0; i < w->problem.blocks.rows_local; i += w->now.slots) {
        int64_t gain = llabs(gain_of_user(w, i));
        largest = gain > largest ? gain : largest;
    }
    comm_max_int64(comm, &largest, 1);
    return exp2(ceil(log2((double)largest)));
}

enum status what_if_error(const struct comm *comm, const struct what_if *w, double *error)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    *error = 0.0;
    if (w->every == 1 || w->users < 2) return OK;
    TRY_ALL(comm, exact_init(&sums, 2));
    double unit = largest_gain(comm, w), users = (double)w->users;
    for (int64_t i = 0; i < w->problem.blocks.rows_local; i += w->now.slots) {
        double gain = (double)gain_of_user(w, i) / unit;
        exact_add_one(&sums, 0, gain);
        exact_add_one(&sums, 1, gain * gain);
    }
    TRY(exact_reduce(comm, &sums));
    double mean = exact_get(&sums, 0) / users;
    double variance = fmax(exact_get(&sums, 1) / users - mean * mean, 0.0) * users / (users - 1.0);
    double unseen = 1.0 - users / (double)w->users_total;
    *error = unit * (double)w->users_total * sqrt(variance / users * unseen);
done:
    exact_clear(&sums);
    return status;
}
