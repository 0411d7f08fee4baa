/**
 * How fast one level per slot is chosen under many limits of all sorts, cold and from the prices
 * found before a part of the slots changed.
 *
 * mpirun -np 2 bench_knapsack [--users N] [--slots N] [--stocks N] [--budgets N] [--caps BITS]
 *                             [--fairness 0] [--churn 0] [--seed N] [--changed N]
 * prints one line of JSON: the table, then it with a part of the slots changed, from the prices of
 * the first and from none (--changed 0: the table alone). A budget in all and one by category,
 * stocks of products, change against yesterday and equal treatment of two groups. --stocks 0: no
 * stocks; --caps: 1 two discounts a user, 2 discounts of 0.3 in all, 4 money, or sums of these.
 * `violations` counts limits and caps
 * that the choice breaks, added up here and not by the solver.
 */
#include "algorithms/knapsack_conflict.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 6 };
static const double level[LEVELS] = {0.0, 0.05, 0.10, 0.15, 0.20, 0.30};

static struct comm world;

struct shop {
    int64_t users, slots, stocks, budgets, fairness, churning, every; /* as asked for */
    uint64_t seed;
    int64_t rows;
    struct blocks blocks;
    int64_t *value, *cost, *units, *churn, *fair, *unfair, *spent;
    int32_t *product, *category;
    int64_t *stock, *budget;
    int64_t all, changed, apart;
    int64_t caps, users_local, *user_start, *discount, *given, *cap_limit[3];
};

/* day 1: discounts do something else than on day 0 */
static void draw_row(struct shop *s, int64_t i, int64_t row, uint64_t day)
{
    uint64_t e = (uint64_t)row, user = (uint64_t)(row / s->slots);
    double u = random_uniform(s->seed + 1, RANDOM_WEIGHTS, e, 0);
    int64_t product = (int64_t)((double)(s->stocks > 0 ? s->stocks : 1000) * u * u);
    double price =
        exp(2.5 + 0.6 * random_normal(s->seed + 2, RANDOM_WEIGHTS, (uint64_t)product, 0));
    double margin = 0.2 + 0.3 * random_uniform(s->seed + 2, RANDOM_WEIGHTS, (uint64_t)product, 9);
    double a = -2.0 + 0.7 * random_normal(s->seed + 1, RANDOM_WEIGHTS, e, 2);
    double b = exp(1.1 + 0.7 * random_normal(s->seed + 1, RANDOM_WEIGHTS, e + (day << 48), 4));
    int before = (int)random_below(s->seed + 1, RANDOM_WEIGHTS, e, 6, 3);
    bool second = random_uniform(s->seed + 3, RANDOM_WEIGHTS, user, 0) < 0.3;
    double share = second ? 1.0 / 0.3 : -1.0 / 0.7;
    s->product[i] = (int32_t)product;
    s->category[i] = (int32_t)(product % (s->budgets > 0 ? s->budgets : 1));
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
        s->spent[at] = -s->cost[at];
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
        double part = 0.3 + 0.8 * random_uniform(s->seed + 5, RANDOM_WEIGHTS, (uint64_t)p, 0);
        s->stock[p] = none[p] + none[p] / 50 + (int64_t)(part * (double)(best[p] - none[p]));
    }
    s->changed = s->users * s->slots * 6 / 10;
    if (s->churning > 1) s->all = 0;
    for (int64_t c = 0; s->churning > 1 && c < s->budgets; c++) s->all -= s->budget[c] / 50 * 51;
    s->apart = (int64_t)(0.002 * 1e4 * (double)(s->users * s->slots));
done:
    free(none);
    free(best);
    return status;
}

static enum status set_caps(struct shop *s)
{
    enum status status = OK;
    int64_t users = s->users_local = s->rows / s->slots;
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
    cells->users_local = s->users_local;
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
    int64_t **cells[] = {&s->value,  &s->cost,     &s->units, &s->churn, &s->fair,
                         &s->unfair, &s->discount, &s->given, &s->spent};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        TRY(memory_new(cells[i], s->rows * LEVELS, sizeof **cells[i]));
    TRY(memory_new(&s->product, s->rows, sizeof *s->product));
    TRY(memory_new(&s->category, s->rows, sizeof *s->category));
    for (int64_t i = 0; i < s->rows; i++) draw_row(s, i, s->blocks.row_first + i, 0);
    TRY(set_limits(s));
    TRY(set_caps(s));
done:
    return status;
}

/* ---- what the choice breaks ---- */

static int64_t broken_limits(const struct knapsack_kind *kind, const struct shop *s,
                             const uint8_t *choice)
{
    int64_t *used = NULL, broken = 0;
    if (memory_new(&used, kind->groups, sizeof *used) != OK) return -1;
    for (int64_t i = 0; i < s->rows; i++)
        used[kind->group != NULL ? kind->group[i] : 0] += kind->use[i * LEVELS + choice[i]];
    comm_sum_int64(&world, used, kind->groups);
    for (int64_t g = 0; g < kind->groups; g++) broken += used[g] > kind->limit[g];
    free(used);
    return broken;
}

static int64_t broken_caps(const struct knapsack_cap *cap, const struct shop *s,
                           const uint8_t *choice)
{
    int64_t broken = 0;
    for (int64_t u = 0; u < s->users_local; u++) {
        int64_t used = 0;
        for (int64_t i = s->user_start[u]; i < s->user_start[u + 1]; i++)
            used += cap->use[i * LEVELS + choice[i]];
        broken += used > cap->limit[u];
    }
    comm_sum_int64(&world, &broken, 1);
    return broken;
}

static int64_t violations(const struct shop *s, const struct knapsack_cells *cells,
                          const uint8_t *choice)
{
    int64_t broken = 0;
    for (int d = 0; d < cells->kinds; d++) broken += broken_limits(&cells->kind[d], s, choice);
    for (int c = 0; c < cells->caps; c++) broken += broken_caps(&cells->cap[c], s, choice);
    return broken;
}

/* ---- runs ---- */

struct result {
    struct knapsack_receipt receipt;
    int64_t violations;
    double seconds;
};

static void print_run(const struct result *r)
{
    printf("\"seconds\": %.4f, \"gap\": %.3g, \"violations\": %lld, \"iterations\": %lld, "
           "\"passes\": %lld, \"moved_to_fit\": %lld, \"moved_to_fill\": %lld, "
           "\"objective\": %lld, \"upper_bound\": %lld",
           r->seconds, r->receipt.gap, (long long)r->violations, (long long)r->receipt.iterations,
           (long long)r->receipt.passes, (long long)r->receipt.repaired,
           (long long)r->receipt.filled, (long long)r->receipt.objective,
           (long long)r->receipt.upper_bound);
}

static void report(const struct shop *s, const struct knapsack_cells *cells,
                   const struct result *first, const struct result *warm, const struct result *cold)
{
    double slots = (double)s->blocks.rows_total;
    double bytes = 8.0 * LEVELS * (1.0 + cells->kinds + cells->caps) * slots;
    if (world.rank != 0) return;
    printf("{\"bench\": \"knapsack\", \"users\": %lld, \"slots\": %lld, \"limits\": %lld, "
           "\"caps\": %d, \"seed\": %llu, \"ranks\": %d, \"rows_per_second\": %.4g, "
           "\"gigabytes_per_second\": %.3f, ",
           (long long)s->users, (long long)s->blocks.rows_total, (long long)knapsack_limits(cells),
           cells->caps, (unsigned long long)s->seed, world.ranks, slots / first->seconds,
           bytes * (double)first->receipt.passes / first->seconds / 1e9);
    print_run(first);
    if (warm == NULL) {
        printf("}\n");
        return;
    }
    printf(", \"changed_warm\": {");
    print_run(warm);
    printf("}, \"changed_cold\": {");
    print_run(cold);
    printf("}, \"iterations_of_cold\": %.3f, \"passes_of_cold\": %.3f}\n",
           (double)warm->receipt.iterations / (double)cold->receipt.iterations,
           (double)warm->receipt.passes / (double)cold->receipt.passes);
}

/* No choice keeps all limits: how long it takes to say which are in conflict. */
static enum status name_conflict(const struct knapsack_cells *cells, const int64_t *price,
                                 const int64_t *used, double seconds)
{
    enum status status = OK;
    struct knapsack_conflict conflict = {0};
    double start = MPI_Wtime();
    TRY(knapsack_conflict_find(&world, cells, price, used, &conflict));
    if (world.rank == 0)
        printf(
            "{\"bench\": \"knapsack_conflict\", \"slots\": %lld, \"limits\": %lld, \"ranks\": %d, "
            "\"proof_seconds\": %.4f, \"seconds\": %.4f, \"proven\": %d, "
            "\"irreducible\": %d, \"members\": %lld}\n",
            (long long)cells->blocks->rows_total, (long long)knapsack_limits(cells), world.ranks,
            seconds, MPI_Wtime() - start, conflict.proven, conflict.irreducible,
            (long long)conflict.members);
    comm_end(&world, OK);
done:
    knapsack_conflict_clear(&conflict);
    return status;
}

static enum status solve(const struct shop *s, const struct knapsack_cells *cells, int64_t *price,
                         struct result *result)
{
    enum status status = OK;
    int64_t *used = NULL;
    uint8_t *choice = NULL;
    TRY_ALL(&world, memory_new(&used, knapsack_limits(cells), sizeof *used));
    TRY_ALL(&world, memory_new(&choice, cells->blocks->rows_local, 1));
    comm_barrier(&world);
    double start = MPI_Wtime();
    status = knapsack_solve(&world, cells, price, choice, used, &result->receipt);
    result->seconds = MPI_Wtime() - start;
    if (status == ERR_NUMERIC && result->receipt.impossible)
        TRY(name_conflict(cells, price, used, result->seconds));
    TRY(status);
    result->violations = violations(s, cells, choice);
done:
    free(used);
    free(choice);
    return status;
}

static void list_kinds(const struct shop *s, struct knapsack_cells *cells)
{
    const struct knapsack_kind all[] = {{1, NULL, s->cost, &s->all},
                                        {s->budgets, s->category, s->cost, s->budget},
                                        {s->stocks, s->product, s->units, s->stock},
                                        {1, NULL, s->churn, &s->changed},
                                        {1, NULL, s->fair, &s->apart},
                                        {1, NULL, s->unfair, &s->apart}};
    const bool asked[] = {
        true, s->budgets > 1, s->stocks > 0, s->churning > 0, s->fairness > 0, s->fairness > 0};
    if (s->churning > 1)
        cells->kind[cells->kinds++] = (struct knapsack_kind){1, NULL, s->spent, &s->all};
    for (int d = s->churning > 1; d < (int)(sizeof all / sizeof *all); d++)
        if (asked[d]) cells->kind[cells->kinds++] = all[d];
}

/* Every so-many-th slot answers discounts otherwise. */
static void change(struct shop *s)
{
    for (int64_t i = 0; i < s->rows; i++)
        if ((s->blocks.row_first + i) % s->every == 0) draw_row(s, i, s->blocks.row_first + i, 1);
}

static enum status run(struct shop *s)
{
    enum status status = OK;
    int64_t *price = NULL;
    struct result first, warm, cold;
    TRY_ALL(&world, draw_shop(s));
    struct knapsack_cells cells = {.blocks = &s->blocks, .options = LEVELS, .value = s->value};
    list_kinds(s, &cells);
    use_caps(s, &cells);
    TRY_ALL(&world, memory_new(&price, knapsack_limits(&cells), sizeof *price));
    TRY(solve(s, &cells, price, &first));
    if (s->every == 0) {
        report(s, &cells, &first, NULL, NULL);
        goto done;
    }
    change(s);
    TRY(solve(s, &cells, price, &warm));
    memset(price, 0, (size_t)knapsack_limits(&cells) * sizeof *price);
    TRY(solve(s, &cells, price, &cold));
    report(s, &cells, &first, &warm, &cold);
done:
    free(price);
    return status;
}

/* ---- options ---- */

enum { USERS = 'u', SLOTS, STOCKS, BUDGETS, CAPS, FAIRNESS, CHURN, SEED, CHANGED };

static const struct argp_option option_list[] = {
    {"users", USERS, "N", 0, "Users (10000)", 0},
    {"slots", SLOTS, "N", 0, "Slots of each user (10)", 0},
    {"stocks", STOCKS, "N", 0, "Products with a stock (1000)", 0},
    {"budgets", BUDGETS, "N", 0, "Categories with a budget (12)", 0},
    {"caps", CAPS, "BITS", 0, "Caps of users: 1 number, 2 sum of discounts, 4 money (0)", 0},
    {"fairness", FAIRNESS, "0|1", 0, "Two groups alike (1)", 0},
    {"churn", CHURN, "0|1|2", 0,
     "At most 6 in 10 slots change (1); 2: and more is to be spent than budgets allow", 0},
    {"seed", SEED, "N", 0, "Of the shop (0)", 0},
    {"changed", CHANGED, "N", 0, "Then every N-th slot changes, 0: none does (100)", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct shop *s = state->input;
    int64_t *const to[] = {&s->users,    &s->slots,    &s->stocks, &s->budgets, &s->caps,
                           &s->fairness, &s->churning, NULL,       &s->every};
    char *end;
    if (key < USERS || key > CHANGED) return key == ARGP_KEY_ARG ? EINVAL : ARGP_ERR_UNKNOWN;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != 0 || number < 0) argp_error(state, "%s is no number", text);
    if (key == SEED)
        s->seed = (uint64_t)number * 16;
    else
        *to[key - USERS] = number;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {.options = option_list, .parser = parse};
    struct shop s = {.users = 10000,
                     .slots = 10,
                     .stocks = 1000,
                     .budgets = 12,
                     .fairness = 1,
                     .churning = 1,
                     .every = 100};
    argp_parse(&argp, argc, argv, 0, NULL, &s);
    enum status status = comm_start(&world);
    log_start(&world, LOG_ERROR);
    if (status == OK) status = run(&s);
    if (status != OK) fprintf(stderr, "%s\n", status_message());
    comm_end(&world, status);
}
