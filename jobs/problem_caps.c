/* Limits that each user has for its own rows, as part of an allocation problem. */
#include "jobs/problem.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum status problem_set_users(struct problem *problem, int64_t users, int64_t slots)
{
    enum status status = OK;
    TRY(memory_new(&problem->user_start, users + 1, sizeof *problem->user_start));
    for (int64_t u = 0; u <= users; u++) problem->user_start[u] = u * slots;
    problem->users_local = users;
done:
    return status;
}

enum status problem_add_cap(struct problem *problem, const char *name, const char *rule,
                            int measure, int64_t **limit)
{
    enum status status = OK;
    if (problem->caps == KNAPSACK_CAPS || problem->kinds + problem->caps == KNAPSACK_KINDS)
        return FAIL(ERR_CONFIG,
                    "there are more than %d kinds of limits; drop some of allocate.limits or "
                    "allocate.user",
                    KNAPSACK_KINDS);
    struct problem_cap *new = &problem->cap[problem->caps++];
    *new = (struct problem_cap){strdup(name), strdup(rule), measure, NULL};
    if (new->name == NULL || new->rule == NULL)
        TRY(FAIL(ERR_MEMORY, "no memory for the names of limits"));
    TRY(memory_new(&new->limit, problem->users_local, sizeof *new->limit));
    for (int64_t u = 0; u < problem->users_local; u++) new->limit[u] = KNAPSACK_FREE;
    *limit = new->limit;
done:
    return status;
}

/* first out [users + 1] first row of each user; origin out [users] its number in `user` */
static int64_t list_users(const int64_t *user, int64_t rows, int64_t *first, int64_t *origin)
{
    int64_t users = 0;
    for (int64_t r = 0; r < rows; r++) {
        if (r > 0 && user[r] == user[r - 1]) continue;
        first[users] = r;
        origin[users++] = user[r];
    }
    first[users] = rows;
    return users;
}

enum status problem_pick_caps(const struct problem *from, const int64_t *user, int64_t rows,
                              struct problem *to)
{
    enum status status = OK;
    struct problem fresh = {0};
    int64_t *origin = NULL, *limit = NULL;
    if (from->caps == 0) return OK;
    TRY(memory_new(&origin, rows, sizeof *origin));
    TRY(memory_new(&fresh.user_start, rows + 1, sizeof *fresh.user_start));
    fresh.users_local = list_users(user, rows, fresh.user_start, origin);
    for (int c = 0; c < from->caps; c++) {
        const struct problem_cap *cap = &from->cap[c];
        TRY(problem_add_cap(&fresh, cap->name, cap->rule, cap->measure, &limit));
        for (int64_t u = 0; u < fresh.users_local; u++) limit[u] = cap->limit[origin[u]];
    }
    problem_clear_caps(to);
    to->caps = fresh.caps;
    memcpy(to->cap, fresh.cap, sizeof to->cap);
    to->users_local = fresh.users_local;
    to->user_start = fresh.user_start;
    fresh = (struct problem){0};
done:
    problem_clear_caps(&fresh);
    free(origin);
    return status;
}

void problem_list_places(const struct problem *problem, int32_t *place)
{
    for (int64_t u = 0; u < problem->users_local; u++)
        for (int64_t r = problem->user_start[u]; r < problem->user_start[u + 1]; r++)
            place[r] = (int32_t)(r - problem->user_start[u]);
}

void problem_list_limits(const struct problem *problem, int cap, int64_t *limit)
{
    for (int64_t u = 0; u < problem->users_local; u++)
        for (int64_t r = problem->user_start[u]; r < problem->user_start[u + 1]; r++)
            limit[r] = problem->cap[cap].limit[u];
}

int64_t problem_user_of(const struct problem *problem, int64_t row)
{
    int64_t low = 0, high = problem->users_local;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        *(problem->user_start[middle] <= row ? &low : &high) = middle;
    }
    return low;
}

void problem_clear_caps(struct problem *problem)
{
    for (int c = 0; c < problem->caps; c++) {
        free(problem->cap[c].name);
        free(problem->cap[c].rule);
        free(problem->cap[c].limit);
    }
    free(problem->user_start);
    problem->caps = 0;
    problem->users_local = 0;
    problem->user_start = NULL;
}
