/* One user alone, solved with a level held fast or without a limit. */
#include "jobs/user_choice.h"

#include "algorithms/knapsack_user.h"
#include "jobs/user_limits.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* The cells of one user; borrows all but `allowed`, blocks and start. */
struct alone {
    struct knapsack_cells cells;
    struct blocks blocks;
    int64_t start[2];
    uint32_t *allowed;
};

static enum status open_alone(const struct problem *problem, int64_t user, struct alone *a)
{
    enum status status = OK;
    int64_t first = problem->user_start[user], rows = problem->user_start[user + 1] - first;
    struct knapsack_cells *cells = &a->cells;
    TRY(memory_new(&a->allowed, rows, sizeof *a->allowed));
    memcpy(a->allowed, problem->allowed + first, (size_t)rows * sizeof *a->allowed);
    a->blocks = (struct blocks){.rows_total = rows, .rows_local = rows};
    a->start[1] = rows;
    problem_cells(problem, cells);
    cells->blocks = &a->blocks;
    cells->value += first * problem->levels;
    cells->allowed = a->allowed;
    for (int d = 0; d < cells->kinds; d++) {
        cells->kind[d].use += first * problem->levels;
        if (cells->kind[d].group != NULL) cells->kind[d].group += first;
    }
    for (int c = 0; c < cells->caps; c++) {
        cells->cap[c].use += first * problem->levels;
        cells->cap[c].limit += user;
    }
    cells->users_local = 1;
    cells->user_start = a->start;
done:
    return status;
}

/* found out: there is a choice, and no better one */
static enum status best_of(const struct knapsack_cells *cells, const int64_t *price,
                           uint32_t without, wide_int *worth, bool *found)
{
    struct knapsack_user u;
    enum status status = knapsack_user_new(cells, &u);
    if (status == OK) {
        u.without = without;
        *found = knapsack_user_choose(&u, price, 0, worth) <= USER_BOUND && u.exact;
    }
    knapsack_user_clear(&u);
    return status;
}

enum status user_choice_loss(const struct problem *problem, const int64_t *price, int64_t row,
                             int level, uint32_t without, wide_int *loss, bool *found)
{
    enum status status = OK;
    struct alone a = {.allowed = NULL};
    int64_t user = problem_user_of(problem, row);
    wide_int best = 0, held = 0;
    bool any = false;
    *loss = 0;
    TRY(open_alone(problem, user, &a));
    TRY(best_of(&a.cells, price, without, &best, &any));
    a.allowed[row - problem->user_start[user]] = UINT32_C(1) << level;
    TRY(best_of(&a.cells, price, without, &held, found));
    *found = *found && any;
    if (*found) *loss = best - held;
done:
    free(a.allowed);
    return status;
}

enum status user_choice_cost(const struct problem *problem, const int64_t *price, int64_t user,
                             int cap, wide_int *cost)
{
    enum status status = OK;
    struct alone a = {.allowed = NULL};
    wide_int with = 0, without = 0;
    bool found = false, free_found = false;
    *cost = 0;
    TRY(open_alone(problem, user, &a));
    TRY(best_of(&a.cells, price, 0, &with, &found));
    TRY(best_of(&a.cells, price, UINT32_C(1) << cap, &without, &free_found));
    if (found && free_found) *cost = without - with;
done:
    free(a.allowed);
    return status;
}

int user_choice_broken(const struct problem *problem, const uint8_t *chosen, int64_t row, int level)
{
    int64_t user = problem_user_of(problem, row), at = row * problem->levels;
    for (int c = 0; c < problem->caps; c++) {
        const int64_t *use = problem->measure[problem->cap[c].measure].use;
        int64_t more = use[at + level] - use[at + chosen[row]];
        if (more > 0 &&
            user_limits_used(problem, chosen, c, user) + more > problem->cap[c].limit[user])
            return c;
    }
    return -1;
}
