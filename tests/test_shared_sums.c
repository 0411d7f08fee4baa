/* Sums of all ranks: on one node, on several, and where nodes have no common memory. */
#include "tests/harness.h"

#include "mpi/shared_sums.h"

#include <signal.h>
#include <sys/resource.h>

enum { COUNT = 2500, FIRST_RANGE = 7, TURNS = 3 };

/* Terms near the end of the range of int64, so that no float could have added them. */
static int64_t term(int64_t turn, int64_t rank, int64_t i)
{
    return (((int64_t)1 << 59) + 1000 * turn + i) * (rank % 2 == 0 ? 1 : -1) + rank;
}

static void one_turn(struct shared_sums *sums, int64_t turn)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < COUNT; i++) sums->mine[i] = term(turn, world.rank, i);
    shared_sums_begin(&world, sums, FIRST_RANGE, COUNT - FIRST_RANGE);
    shared_sums_begin(&world, sums, 0, FIRST_RANGE);
    shared_sums_end(sums);
    for (int64_t i = 0; i < COUNT; i++) {
        int64_t sum = 0;
        for (int64_t r = 0; r < world.ranks; r++) sum += term(turn, r, i);
        wrong += sums->total[i] != sum;
    }
    assert_all(wrong == 0);
}

static void sums_are_right(int limit, bool common)
{
    struct shared_sums sums = {0};
    nodes_limit(limit);
    assert_all(shared_sums_init(&world, COUNT, &sums) == OK);
    assert_all(sums.memory.mapped == (common && world.ranks > 1));
    for (int64_t turn = 0; turn < TURNS; turn++) one_turn(&sums, turn);
    shared_sums_clear(&sums);
    nodes_limit(0);
}

static void one_node(void **state)
{
    (void)state;
    sums_are_right(0, true);
}

static void several_nodes(void **state)
{
    (void)state;
    sums_are_right(1, false);
    sums_are_right(2, world.ranks == 2);
}

/* A node without room for common memory. */
static void no_room(void **state)
{
    (void)state;
    struct rlimit before, small;
    assert_all(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small = before;
    small.rlim_cur = 1024;
    signal(SIGXFSZ, SIG_IGN);
    assert_all(setrlimit(RLIMIT_FSIZE, &small) == 0);
    sums_are_right(0, false);
    assert_all(setrlimit(RLIMIT_FSIZE, &before) == 0);
}

static void nothing_to_add(void **state)
{
    (void)state;
    struct shared_sums sums = {0};
    assert_all(shared_sums_init(&world, 0, &sums) == OK);
    shared_sums_begin(&world, &sums, 0, 0);
    shared_sums_end(&sums);
    shared_sums_clear(&sums);
    shared_sums_clear(&sums);
}

TEST_MAIN(cmocka_unit_test(one_node), cmocka_unit_test(several_nodes), cmocka_unit_test(no_room),
          cmocka_unit_test(nothing_to_add))
