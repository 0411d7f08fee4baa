/* Every chosen row once an epoch, steps of even size, the same micro-batches at any number of
 * ranks. */
#include "algorithms/batches.h"
#include "mpi/memory.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, BLOCK = 64, BATCH = 96, SEED = 11 };

static uint8_t part[ROWS];

struct plan {
    struct blocks blocks;
    struct batches batches;
};

static enum status plan_make(const struct comm *comm, int64_t rows, int64_t batch,
                             struct plan *plan)
{
    for (int64_t i = 0; i < ROWS; i++) part[i] = i % 7 == 3;
    enum status status = blocks_cut(comm, rows, BLOCK, &plan->blocks);
    if (status != OK) return status;
    return batches_init(comm, &plan->blocks, part + plan->blocks.row_first, 0, batch, SEED,
                        &plan->batches);
}

static void plan_clear(struct plan *plan)
{
    batches_clear(&plan->batches);
    blocks_clear(&plan->blocks);
}

/* step of every row in an epoch, 0 if in none, -1 if in several; and its place in its micro-batch
 */
static void steps_of_rows(const struct plan *plan, int64_t step_of[ROWS], int64_t place_of[ROWS])
{
    const struct batches *b = &plan->batches;
    memset(step_of, 0, ROWS * sizeof *step_of);
    memset(place_of, 0, ROWS * sizeof *place_of);
    for (int64_t s = 0; s < b->steps; s++)
        for (int64_t k = b->step_first[s]; k < b->step_first[s + 1]; k++) {
            struct micro_batch micro = batches_micro(b, b->by_step[k]);
            for (int64_t i = 0; i < micro.rows; i++) {
                int64_t row = plan->blocks.row_first + micro.row_base + micro.row[i];
                step_of[row] = step_of[row] == 0 ? s + 1 : -1;
                place_of[row] = i;
            }
        }
}

static void test_cover(void **state)
{
    (void)state;
    struct plan plan = {0};
    int64_t step_of[ROWS], place_of[ROWS], wrong = 0, chosen = 0;
    assert_all(plan_make(&world, ROWS, BATCH, &plan) == OK);
    batches_shuffle(&plan.batches, 3);
    steps_of_rows(&plan, step_of, place_of);
    comm_sum_int64(&world, step_of, ROWS);
    for (int64_t i = 0; i < ROWS; i++) {
        wrong += part[i] == 0 ? step_of[i] < 1 : step_of[i] != 0;
        chosen += part[i] == 0;
    }
    assert_all(wrong == 0 && plan.batches.rows_chosen == chosen);
    assert_all(plan.batches.steps == (chosen + BATCH - 1) / BATCH);
    plan_clear(&plan);
}

/* This rank's micro-batches are dealt to the steps as evenly as two cut runs of steps allow. */
static void test_even(void **state)
{
    (void)state;
    struct plan plan = {0};
    assert_all(plan_make(&world, ROWS, BATCH, &plan) == OK);
    const struct batches *b = &plan.batches;
    for (int64_t epoch = 0; epoch < 5; epoch++) {
        int64_t most = 0, least = b->micros_local, total_most = 0;
        batches_shuffle(&plan.batches, epoch);
        for (int64_t s = 0; s < b->steps; s++) {
            int64_t count = b->step_first[s + 1] - b->step_first[s], total = count;
            if (count > most) most = count;
            if (count < least) least = count;
            comm_sum_int64(&world, &total, 1);
            if (total > total_most) total_most = total;
        }
        int64_t micros = b->micros_local;
        comm_sum_int64(&world, &micros, 1);
        assert_all(most - least <= 2);
        assert_all(total_most <= (micros + b->steps - 1) / b->steps);
    }
    plan_clear(&plan);
}

static void test_any_ranks(void **state)
{
    (void)state;
    struct plan mine = {0}, whole = {0};
    struct comm self = comm_self();
    int64_t steps[ROWS], places[ROWS], whole_steps[ROWS], whole_places[ROWS];
    assert_all(plan_make(&world, ROWS, BATCH, &mine) == OK);
    assert_all(plan_make(&self, ROWS, BATCH, &whole) == OK);
    for (int64_t epoch = 5; epoch >= 0; epoch -= 5) {
        batches_shuffle(&mine.batches, epoch);
        batches_shuffle(&whole.batches, epoch);
        steps_of_rows(&mine, steps, places);
        steps_of_rows(&whole, whole_steps, whole_places);
        comm_sum_int64(&world, steps, ROWS);
        comm_sum_int64(&world, places, ROWS);
        assert_all(memcmp(steps, whole_steps, sizeof steps) == 0);
        assert_all(memcmp(places, whole_places, sizeof places) == 0);
    }
    plan_clear(&mine);
    plan_clear(&whole);
}

static void test_small(void **state)
{
    (void)state;
    struct plan plan = {0};
    assert_all(batches_micro_rows(8192) == 512 && batches_micro_rows(100000) == 1024);
    assert_all(batches_micro_rows(64) == 32 && batches_micro_rows(256) == 64 &&
               batches_micro_rows(5) == 5);
    assert_all(plan_make(&world, 0, BATCH, &plan) == OK && plan.batches.steps == 0);
    batches_shuffle(&plan.batches, 0);
    plan_clear(&plan);
    assert_all(plan_make(&world, 2, 1, &plan) == OK && plan.batches.steps == 2);
    plan_clear(&plan);
    assert_all(plan_make(&world, 2, 0, &plan) == ERR_ARG);
    plan_clear(&plan);
}

TEST_MAIN(cmocka_unit_test(test_cover), cmocka_unit_test(test_even),
          cmocka_unit_test(test_any_ranks), cmocka_unit_test(test_small))
