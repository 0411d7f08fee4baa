/* A problem asked again: on all users and on a sample, by other budgets and without its rules;
 * points of the path against the choice at each price. */
#include "tests/harness.h"

#include "algorithms/price_path.h"
#include "jobs/dial.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { USERS = 900, SLOTS = 3, LEVELS = 4, CATEGORIES = 3, POINTS = 8, FEW = 600 };

static int64_t draw(int64_t row, uint64_t which, int64_t most)
{
    return (int64_t)random_below(3, RANDOM_TEST, (uint64_t)row, which, (uint64_t)most);
}

static void fill_row(struct problem *problem, int64_t i)
{
    int64_t row = problem->blocks.row_first + i, gain = draw(row, 0, 4000), cost = 0;
    problem->allowed[i] = (1U << LEVELS) - 1;
    for (int k = 0; k < LEVELS; k++) {
        int64_t at = i * LEVELS + k;
        problem->measure[0].use[at] = cost;
        problem->value[at] = 10000 + gain * k - 800 * k * k;
        cost += 500 + draw(row, 10 + (uint64_t)k, 2000);
    }
    if (problem->kinds > 1) problem->kind[1].group[i] = (int32_t)draw(row, 1, CATEGORIES);
}

static enum status add_kind(struct problem *problem, const char *rule, int64_t groups,
                            int64_t limit)
{
    enum status status = OK;
    struct problem_kind *kind = &problem->kind[problem->kinds++];
    kind->groups = groups;
    kind->name = strdup(rule);
    kind->rule = strdup(rule);
    TRY(memory_new(&kind->limit, groups, sizeof *kind->limit));
    for (int64_t g = 0; g < groups; g++) kind->limit[g] = limit;
    if (groups > 1) TRY(memory_new(&kind->group, problem->blocks.rows_local, sizeof *kind->group));
done:
    return status;
}

/* One budget, or with it one of each category and another rule on the same money. */
static enum status make(const struct comm *comm, bool many, struct problem *problem)
{
    enum status status = OK;
    *problem = (struct problem){.levels = LEVELS, .measures = 1};
    problem->measure[0].name = strdup("cost");
    problem->measure[0].unit_name = strdup("currency");
    problem->measure[0].unit = 1e-4;
    TRY(blocks_cut(comm, USERS * SLOTS, 30 * SLOTS, &problem->blocks));
    int64_t rows = problem->blocks.rows_local;
    TRY(memory_new(&problem->value, rows * LEVELS, sizeof *problem->value));
    TRY(memory_new(&problem->allowed, rows, sizeof *problem->allowed));
    TRY(memory_new(&problem->measure[0].use, rows * LEVELS, sizeof *problem->value));
    TRY(add_kind(problem, "budget", 1, 1500000));
    if (many) TRY(add_kind(problem, "limit", CATEGORIES, 400000));
    for (int64_t i = 0; i < rows; i++) fill_row(problem, i);
done:
    return status;
}

struct world {
    struct problem problem;
    struct choices choices;
    struct what_if w;
    json_t *json;
};

static enum status open(const struct comm *comm, bool many, int64_t most, struct world *a)
{
    enum status status = OK;
    struct solution solution;
    *a = (struct world){.choices = {.slots = SLOTS}};
    TRY_ALL(comm, make(comm, many, &a->problem));
    TRY(solution_find(comm, &a->problem, &a->choices, &solution));
    TRY(what_if_make(comm, &a->problem, &a->choices, most, &a->w));
done:
    return status;
}

static void close(struct world *a)
{
    what_if_clear(&a->w);
    choices_clear(&a->choices);
    problem_clear(&a->problem);
    json_decref(a->json);
}

static enum status turn(const struct comm *comm, bool many, int64_t most, struct world *a)
{
    enum status status = open(comm, many, most, a);
    if (status == OK) status = dial_json(comm, &a->w, POINTS, &a->json);
    return status;
}

static double number(const json_t *point, const char *name)
{
    return json_real_value(json_object_get(point, name));
}

static const json_t *point_of(const struct world *a, size_t at)
{
    return json_array_get(json_object_get(a->json, "points"), at);
}

/* Budgets and what they earn rise, with falling returns; bounds and limits hold. */
static bool is_path(const struct world *a, double slack)
{
    double before = 0.0, earned = -INFINITY;
    for (size_t p = 0; p < POINTS; p++) {
        const json_t *point = point_of(a, p);
        double objective = number(point, "objective");
        if (number(point, "spent") > number(point, "budget") + slack) return false;
        if (objective > number(point, "upper_bound") || number(point, "budget") <= before)
            return false;
        if (objective < earned - slack) return false;
        before = number(point, "budget");
        earned = objective;
    }
    return true;
}

static void dial_of_all_and_of_a_sample(void **state)
{
    (void)state;
    for (int many = 0; many < 2; many++) {
        struct world all, few;
        assert_all(turn(&world, many == 1, USERS * SLOTS, &all) == OK);
        assert_all(all.w.every == 1 && is_path(&all, 0.0));
        assert_all(turn(&world, many == 1, FEW, &few) == OK);
        assert_all(few.w.every == 5 && few.w.users == USERS / 5);
        assert_all(is_path(&few, many == 1 ? 8.0 : 0.0));
        for (size_t p = 0; p < POINTS; p++) {
            double told = number(point_of(&few, p), "objective");
            double wanted = number(point_of(&all, p), "objective");
            assert_close(told, wanted, 0.01 * wanted);
        }
        close(&all);
        close(&few);
    }
}

/* No choice is worth more than a bound: not the choices of all at the same limits. */
static void bounds_of_a_sample_hold_for_all(void **state)
{
    (void)state;
    struct world few;
    assert_all(turn(&world, true, FEW, &few) == OK);
    for (size_t p = 0; p < POINTS; p++) {
        struct choices choices = {.slots = SLOTS};
        struct solution solution;
        struct problem *problem = &few.problem;
        double scale = number(point_of(&few, p), "scale");
        problem->kind[0].limit[0] = (int64_t)(scale * 1500000.0);
        for (int g = 0; g < CATEGORIES; g++)
            problem->kind[1].limit[g] = (int64_t)(scale * 400000.0);
        assert_all(solution_find(&world, problem, &choices, &solution) == OK);
        double objective = 1e-4 * (double)choices.objective;
        assert_all(objective <= number(point_of(&few, p), "upper_bound") + 1e-9);
        assert_close(objective, number(point_of(&few, p), "upper_bound"), 2e-3 * objective);
        choices_clear(&choices);
    }
    close(&few);
}

static void same_at_any_number_of_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    for (int64_t most = FEW; most <= USERS * SLOTS; most += USERS * SLOTS - FEW) {
        struct world here, alone;
        assert_all(turn(&world, true, most, &here) == OK);
        assert_all(turn(&self, true, most, &alone) == OK);
        assert_all(json_equal(here.json, alone.json) == 1);
        close(&here);
        close(&alone);
    }
}

/* The path by prices is where the choice at each price is. */
static void points_by_prices(void **state)
{
    (void)state;
    struct problem problem;
    int64_t price[POINTS];
    struct allocation_point point[POINTS], wanted;
    assert_all(make(&world, false, &problem) == OK);
    const struct allocation_cells cells = {&problem.blocks, LEVELS, problem.value,
                                           problem.measure[0].use, problem.allowed};
    for (int p = 0; p < POINTS; p++)
        price[p] = p + 1 < POINTS ? ((int64_t)1 << 30) / (1 + 3 * p) * 2 + 12345 : 0;
    assert_all(price_path_at(&world, &cells, price, POINTS, point) == OK);
    for (int p = 0; p < POINTS; p++) {
        struct allocation_price at = {price[p], (int64_t)1 << 30};
        assert_all(allocation_at_price(&world, &cells, at, &wanted) == OK);
        assert_all(point[p].value == wanted.value && point[p].spent == wanted.spent);
    }
    problem_clear(&problem);
}

/* Without a rule the objective is what it is where the rule was never there. */
static void cost_of_rules(void **state)
{
    (void)state;
    struct world a, without;
    bool found;
    assert_all(open(&world, true, USERS * SLOTS, &a) == OK);
    assert_all(open(&world, false, USERS * SLOTS, &without) == OK);
    for (int g = 0; g < CATEGORIES; g++) a.w.problem.kind[1].limit[g] = KNAPSACK_FREE;
    assert_all(what_if_solve(&world, &a.w, &found) == OK && found);
    assert_close((double)a.w.now.objective, (double)without.choices.objective,
                 1e-4 * (double)without.choices.objective);
    assert_all(a.w.now.objective > a.choices.objective);
    assert_all(a.w.now.upper_bound >= without.choices.objective);
    what_if_restore(&a.w);
    a.w.problem.kind[0].limit[0] = -1;
    assert_all(what_if_solve(&world, &a.w, &found) == OK && !found);
    close(&a);
    close(&without);
}

TEST_MAIN(cmocka_unit_test(dial_of_all_and_of_a_sample),
          cmocka_unit_test(bounds_of_a_sample_hold_for_all),
          cmocka_unit_test(same_at_any_number_of_ranks), cmocka_unit_test(points_by_prices),
          cmocka_unit_test(cost_of_rules))
