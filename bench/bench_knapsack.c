/* Choice under many limits: bench_knapsack [USERS [SLOTS [STOCKS [BUDGETS [CAPS]]]]].
 *
 * A budget in all and by category, stocks of products, change against yesterday and equal treatment
 * of two groups; with STOCKS 0 budgets only. CAPS: 1 two discounts a user, 2 discounts of 0.3 in
 * all, 4 money; or sums of these. */
#include "algorithms/knapsack.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 6 };
static const double level[LEVELS] = {0.0, 0.05, 0.10, 0.15, 0.20, 0.30};

static struct comm world;

struct shop {
    int64_t users, slots, stocks, budgets, rows;
    struct blocks blocks;
    int64_t *value, *cost, *units, *churn, *fair, *unfair;
    int32_t *product, *category;
    int64_t *stock, *budget;
    int64_t all, changed, apart;
    int64_t caps, *user_start, *discount, *given, *cap_limit[3];
};

static void draw_row(struct shop *s, int64_t i, int64_t row)
{
    uint64_t e = (uint64_t)row, user = (uint64_t)(row / s->slots);
    double u = random_uniform(1, RANDOM_WEIGHTS, e, 0);
    int64_t product = (int64_t)((double)(s->stocks > 0 ? s->stocks : 1000) * u * u);
    double price = exp(2.5 + 0.6 * random_normal(2, RANDOM_WEIGHTS, (uint64_t)product, 0));
    double margin = 0.2 + 0.3 * random_uniform(2, RANDOM_WEIGHTS, (uint64_t)product, 9);
    double a = -2.0 + 0.7 * random_normal(1, RANDOM_WEIGHTS, e, 2);
    double b = exp(1.1 + 0.7 * random_normal(1, RANDOM_WEIGHTS, e, 4));
    int before = (int)random_below(1, RANDOM_WEIGHTS, e, 6, 3);
    bool second = random_uniform(3, RANDOM_WEIGHTS, user, 0) < 0.3;
    double share = second ? 1.0 / 0.3 : -1.0 / 0.7;
    s->product[i] = (int32_t)product;
    s->category[i] = (int32_t)(product % s->budgets);
    for (int k = 0; k < LEVELS; k++) {
        double chance = 1.0 / (1.0 + exp(-a - b * level[k]));
        int64_t at = i * LEVELS + k;
        s->value[at] = llrint(1e4 * chance * price * (margin - level[k]));
        s->cost[at] = llrint(1e4 * chance * price * level[k]);
        s->units[at] = llrint(1e6 * chance);
        s->churn[at] = k != before;
        s->discount[at] = llrint(100.0 * level[k]);
        s->given[at] = k > 0;
        s->fair[at] = llrint(1e4 * share * level[k]);
        s->unfair[at] = -s->fair[at];
    }
}

/* Limits that bind: parts of what the best options use, and of what the least options use. */
static enum status set_limits(struct shop *s)
{
    enum status status = OK;
    int64_t *none = NULL, *best = NULL;
    TRY(memory_new(&none, s->stocks + 1000, sizeof *none));
    TRY(memory_new(&best, s->stocks + 1000, sizeof *best));
    TRY(memory_new(&s->stock, s->stocks, sizeof *s->stock));
    TRY(memory_new(&s->budget, s->budgets, sizeof *s->budget));
    for (int64_t i = 0; i < s->rows; i++) {
        int top = 0;
        for (int k = 1; k < LEVELS; k++)
            if (s->value[i * LEVELS + k] > s->value[i * LEVELS + top]) top = k;
        none[s->product[i]] += s->units[i * LEVELS];
        best[s->product[i]] += s->units[i * LEVELS + top];
        s->budget[s->category[i]] += s->cost[i * LEVELS + top] / 2;
        s->all += s->cost[i * LEVELS + top] * 2 / 5;
    }
    comm_sum_int64(&world, none, s->stocks);
    comm_sum_int64(&world, best, s->stocks);
    comm_sum_int64(&world, s->budget, s->budgets);
    comm_sum_int64(&world, &s->all, 1);
    for (int64_t p = 0; p < s->stocks; p++) {
        double part = 0.3 + 0.8 * random_uniform(5, RANDOM_WEIGHTS, (uint64_t)p, 0);
        s->stock[p] = none[p] + none[p] / 50 + (int64_t)(part * (double)(best[p] - none[p]));
    }
    s->changed = s->users * s->slots * 6 / 10;
    s->apart = (int64_t)(0.002 * 1e4 * (double)(s->users * s->slots));
done:
    free(none);
    free(best);
    return status;
}

static enum status set_caps(struct shop *s)
{
    enum status status = OK;
    int64_t users = s->rows / s->slots;
    TRY(memory_new(&s->user_start, users + 1, sizeof *s->user_start));
    for (int64_t u = 0; u <= users; u++) s->user_start[u] = u * s->slots;
    for (int c = 0; c < 3; c++) TRY(memory_new(&s->cap_limit[c], users, sizeof **s->cap_limit));
    for (int64_t u = 0; u < users; u++) {
        s->cap_limit[0][u] = 2;
        s->cap_limit[1][u] = 30;
        for (int64_t i = u * s->slots; i < (u + 1) * s->slots; i++)
            s->cap_limit[2][u] += s->cost[i * LEVELS + LEVELS - 1] / 10;
    }
done:
    return status;
}

static void use_caps(const struct shop *s, struct knapsack_cells *cells)
{
    const int64_t *use[3] = {s->given, s->discount, s->cost};
    cells->users_local = s->rows / s->slots;
    cells->user_start = s->user_start;
    for (int c = 0; c < 3; c++)
        if ((s->caps >> c & 1) != 0)
            cells->cap[cells->caps++] = (struct knapsack_cap){use[c], s->cap_limit[c]};
}

static enum status draw_shop(struct shop *s)
{
    enum status status = OK;
    TRY(blocks_cut(&world, s->users * s->slots, BLOCK_ROWS / s->slots * s->slots, &s->blocks));
    s->rows = s->blocks.rows_local;
    int64_t **cells[] = {&s->value, &s->cost,   &s->units,    &s->churn,
                         &s->fair,  &s->unfair, &s->discount, &s->given};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        TRY(memory_new(cells[i], s->rows * LEVELS, sizeof **cells[i]));
    TRY(memory_new(&s->product, s->rows, sizeof *s->product));
    TRY(memory_new(&s->category, s->rows, sizeof *s->category));
    for (int64_t i = 0; i < s->rows; i++) draw_row(s, i, s->blocks.row_first + i);
    TRY(set_limits(s));
    TRY(set_caps(s));
done:
    return status;
}

static void report(const char *what, const struct knapsack_receipt *r, double seconds)
{
    if (world.rank != 0) return;
    printf("%s: objective %lld, bound %lld, gap %.3g, %lld iterations, %lld passes, "
           "%lld moved to fit, %lld to fill, %.2f s\n",
           what, (long long)r->objective, (long long)r->upper_bound, r->gap,
           (long long)r->iterations, (long long)r->passes, (long long)r->repaired,
           (long long)r->filled, seconds);
    for (int c = 0; r->users > 0 && c < KNAPSACK_CAPS; c++)
        printf("  cap %d binds %lld of %lld users and costs %lld\n", c,
               (long long)r->bound_users[c], (long long)r->users, (long long)r->cap_cost[c]);
}

static enum status solve(const char *what, const struct knapsack_cells *cells, int64_t *price)
{
    enum status status = OK;
    struct knapsack_receipt receipt;
    int64_t *used = NULL;
    uint8_t *choice = NULL;
    TRY_ALL(&world, memory_new(&used, knapsack_limits(cells), sizeof *used));
    TRY_ALL(&world, memory_new(&choice, cells->blocks->rows_local, 1));
    double start = MPI_Wtime();
    TRY(knapsack_solve(&world, cells, price, choice, used, &receipt));
    report(what, &receipt, MPI_Wtime() - start);
done:
    free(used);
    free(choice);
    return status;
}

static enum status run(struct shop *s)
{
    enum status status = OK;
    int64_t *price = NULL;
    TRY_ALL(&world, draw_shop(s));
    struct knapsack_cells cells = {.blocks = &s->blocks,
                                   .options = LEVELS,
                                   .value = s->value,
                                   .kinds = 6,
                                   .kind = {{1, NULL, s->cost, &s->all},
                                            {s->budgets, s->category, s->cost, s->budget},
                                            {s->stocks, s->product, s->units, s->stock},
                                            {1, NULL, s->churn, &s->changed},
                                            {1, NULL, s->fair, &s->apart},
                                            {1, NULL, s->unfair, &s->apart}}};
    if (s->stocks == 0) cells.kinds = 2;
    use_caps(s, &cells);
    TRY_ALL(&world, memory_new(&price, knapsack_limits(&cells), sizeof *price));
    TRY(solve("from nothing", &cells, price));
    for (int64_t i = 0; i < s->rows; i += 100)
        for (int k = 1; k < LEVELS; k++) s->value[i * LEVELS + k] += s->value[i * LEVELS + k] / 20;
    TRY(solve("1 % of the slots changed, from the last prices", &cells, price));
done:
    free(price);
    return status;
}

static int64_t argument(int argc, char **argv, int at, int64_t otherwise)
{
    return argc > at ? atoll(argv[at]) : otherwise;
}

int main(int argc, char **argv)
{
    struct shop s = {.users = argument(argc, argv, 1, 10000),
                     .slots = argument(argc, argv, 2, 10),
                     .stocks = argument(argc, argv, 3, 1000),
                     .budgets = argument(argc, argv, 4, 12),
                     .caps = argument(argc, argv, 5, 0)};
    enum status status = comm_start(&world);
    log_start(&world, LOG_ERROR);
    if (status == OK) status = run(&s);
    if (status != OK) fprintf(stderr, "%s\n", status_message());
    comm_end(&world, status);
}
