/* The whole path against hand, against the choice at single budgets, and itself at other ranks. */
#include "tests/allocation_table.h"

#include "algorithms/allocation_path.h"
#include "algorithms/hull.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>

enum { SLOTS = 500, LEVELS = 5, CASES = 12, POINTS = 9 };

static int64_t draw(uint64_t number, uint64_t which, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(12, RANDOM_TEST, number, which, (uint64_t)(high - low + 1));
}

/* Few different numbers, so that many steps are equal; or large ones. */
static void fill(struct table *table, uint64_t number, bool signs)
{
    static int64_t value[SLOTS * LEVELS], cost[SLOTS * LEVELS];
    static uint32_t allowed[SLOTS];
    int64_t scales[] = {3, 60, 100000, (int64_t)1 << 40}, scale = scales[number % 4];
    *table = (struct table){
        .value = value, .cost = cost, .allowed = allowed, .levels = 1 + (int)(number % LEVELS)};
    table->slots = draw(number, 0, 0, SLOTS);
    for (int64_t i = 0; i < table->slots; i++) {
        allowed[i] = (uint32_t)draw(number, (uint64_t)(10 + i), 0, 30) | 1;
        for (int k = 0; k < table->levels; k++) {
            int64_t at = i * table->levels + k;
            uint64_t which = (uint64_t)(1000 + 2 * at);
            cost[at] = draw(number, which, signs ? -scale : 0, scale);
            if (k == 0 && !signs) cost[at] = 0;
            value[at] = draw(number, which + 1, -scale / 2, scale);
        }
    }
}

static enum status make(const struct comm *comm, const struct table *table, struct blocks *blocks,
                        struct allocation_path *path)
{
    enum status status = comm_agree(comm, blocks_cut(comm, table->slots, 7, blocks));
    struct allocation_cells cells = {
        .blocks = blocks,
        .levels = table->levels,
        .value = table->value + blocks->row_first * table->levels,
        .cost = table->cost + blocks->row_first * table->levels,
        .allowed = table->allowed != NULL ? table->allowed + blocks->row_first : NULL};
    return status != OK ? status : allocation_path_make(comm, &cells, NULL, path);
}

static void known_path(void **state)
{
    (void)state;
    /* slopes 4 3 | 5 1 | 2.5 and a loss; costs 10 10 | 10 10 | 20 */
    int64_t value[9] = {0, 40, 70, 5, 55, 65, 0, 50, -9},
            cost[9] = {0, 10, 20, 0, 10, 20, 0, 20, 30};
    const int64_t mark[5] = {4, 1, 2, 7, 5}, worth[5] = {55, 95, 125, 175, 185},
                  spent[5] = {10, 20, 30, 50, 60};
    struct table table = {.slots = 3, .levels = 3, .value = value, .cost = cost};
    struct blocks blocks = {0};
    struct allocation_path path;
    assert_all(make(&world, &table, &blocks, &path) == OK);
    assert_all(path.steps_total == 5 && path.base_value == 5 && path.base_spent == 0);
    assert_all(path.value_after == 185 && path.spent_after == 60);
    bool right = true;
    for (int64_t i = 0; i < path.steps_local; i++) {
        const struct allocation_step *step = &path.step[i];
        int64_t at = path.step_first + i;
        right = right && step->mark == mark[at] && step->value == worth[at];
        right = right && step->spent == spent[at];
    }
    assert_all(right);
    struct allocation_path_point point[4] = {
        {.budget = 35}, {.budget = -1}, {.budget = 9}, {.budget = INT64_MAX}};
    assert_all(allocation_path_at(&world, &path, point, 4) == OK);
    assert_all(point[0].steps == 3 && point[0].value == 125 && point[0].upper_bound == 138);
    assert_all(point[0].price.value == 50 && point[0].price.cost == 20 && point[0].spent == 30);
    assert_all(point[1].steps == -1);
    assert_all(point[2].steps == 0 && point[2].value == 5 && point[2].upper_bound == 50);
    assert_all(point[3].steps == 5 && point[3].value == 185 && point[3].upper_bound == 185);
    allocation_path_clear(&path);
    blocks_clear(&blocks);
}

/* At any budget the path has the bound of the choice for it, and no more than its value. */
static void path_agrees_with_single_budgets(void **state)
{
    (void)state;
    static uint8_t choice[SLOTS];
    int64_t wrong = 0;
    for (uint64_t number = 0; number < CASES; number++) {
        struct table table;
        struct blocks blocks = {0};
        struct allocation_path path;
        struct allocation_path_point point[POINTS];
        fill(&table, number, false);
        wrong += make(&world, &table, &blocks, &path) != OK;
        for (int64_t p = 0; p < POINTS; p++) point[p].budget = path.spent_after / (POINTS - 2) * p;
        wrong += allocation_path_at(&world, &path, point, POINTS) != OK;
        for (int64_t p = 0; p < POINTS; p++) {
            struct allocation_receipt receipt;
            table.budget = point[p].budget;
            wrong += solve(&world, &table, 7, choice, &receipt) != OK;
            wrong += receipt.upper_bound != point[p].upper_bound;
            wrong += receipt.objective < point[p].value || point[p].spent > point[p].budget;
        }
        allocation_path_clear(&path);
        blocks_clear(&blocks);
    }
    assert_all(wrong == 0);
}

static bool is_concave(const struct allocation_path *path)
{
    for (int64_t i = 1; i < path->steps_local; i++) {
        struct allocation_price a = allocation_path_price(path, i - 1);
        struct allocation_price b = allocation_path_price(path, i);
        if ((double)a.value / (double)a.cost < (double)b.value / (double)b.cost * (1.0 - 1e-15))
            return false;
        if (b.cost <= 0 || b.value <= 0) return false;
    }
    return true;
}

/* The same steps in all, each rank a stretch, wherever they began; costs of both signs. */
static void steps_are_the_same_on_all_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    int64_t wrong = 0;
    for (uint64_t number = 0; number < CASES; number++) {
        struct table table;
        struct blocks blocks = {0}, whole = {0};
        struct allocation_path path, alone;
        fill(&table, number, true);
        wrong += make(&self, &table, &whole, &alone) != OK;
        wrong += make(&world, &table, &blocks, &path) != OK;
        wrong += path.steps_total != alone.steps_total || path.base_spent != alone.base_spent;
        wrong += path.step_first + path.steps_local > alone.steps_local || !is_concave(&path);
        if (wrong == 0)
            wrong += memcmp(path.step, alone.step + path.step_first,
                            (size_t)path.steps_local * sizeof *path.step) != 0;
        allocation_path_clear(&path);
        allocation_path_clear(&alone);
        blocks_clear(&blocks);
        blocks_clear(&whole);
    }
    assert_all(wrong == 0);
}

/* One slope for all steps: still every rank has its part. */
static void equal_steps_are_shared_out(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    int64_t *cell = NULL;
    assert_all(memory_new(&cell, 2 * MANY, sizeof *cell) == OK);
    for (int i = 0; i < MANY; i++) cell[2 * i + 1] = 3;
    struct table table = {.slots = MANY, .levels = 2, .value = cell, .cost = cell};
    struct blocks blocks = {0};
    struct allocation_path path;
    assert_all(make(&world, &table, &blocks, &path) == OK);
    assert_all(path.steps_total == MANY && path.steps_local < 2 * MANY / world.ranks);
    allocation_path_clear(&path);
    blocks_clear(&blocks);
    free(cell);
}

static void refuses(void **state)
{
    (void)state;
    int64_t value[4] = {0, 1, 0, 1}, cost[4] = {-3, 1, 0, HULL_LIMIT};
    uint32_t allowed[2] = {1, 1};
    struct table table = {
        .slots = 2, .levels = 2, .value = value, .cost = cost, .allowed = allowed};
    struct blocks blocks = {0};
    struct allocation_path path;
    assert_all(make(&world, &table, &blocks, &path) == OK && path.base_spent == -3);
    allocation_path_clear(&path);
    blocks_clear(&blocks);
    allowed[1] = 2;
    assert_all(make(&world, &table, &blocks, &path) == ERR_DATA);
    assert_all(strstr(status_message(), "slot 1, level 1") != NULL);
    allocation_path_clear(&path);
    blocks_clear(&blocks);
    allowed[1] = 4;
    assert_all(make(&world, &table, &blocks, &path) == ERR_DATA);
    assert_all(strstr(status_message(), "slot 1: no level is allowed") != NULL);
    allocation_path_clear(&path);
    blocks_clear(&blocks);
}

static enum status make_and_read(const struct table *table)
{
    struct blocks blocks = {0};
    struct allocation_path path = {0};
    struct allocation_path_point point = {.budget = 50};
    enum status status = make(&world, table, &blocks, &path);
    if (status == OK) status = allocation_path_at(&world, &path, &point, 1);
    allocation_path_clear(&path);
    blocks_clear(&blocks);
    return status;
}

static void every_agreement_can_fail(void **state)
{
    (void)state;
    struct table table;
    fill(&table, 4, false);
    comm_inject_fault(-1, 0);
    assert_all(make_and_read(&table) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int rank = 0; rank < world.ranks; rank++) {
            comm_inject_fault(k, rank);
            enum status status = make_and_read(&table);
            comm_inject_fault(-1, 0);
            assert_all(status != OK);
        }
}

TEST_MAIN(cmocka_unit_test(known_path), cmocka_unit_test(path_agrees_with_single_budgets),
          cmocka_unit_test(steps_are_the_same_on_all_ranks),
          cmocka_unit_test(equal_steps_are_shared_out), cmocka_unit_test(refuses),
          cmocka_unit_test(every_agreement_can_fail))
