/* Memory of a node: what one rank writes all can read, on one node or several. */
#include "tests/harness.h"

#include "mpi/shared.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { EACH = 1000 };

/* Every rank writes numbers of its own, every rank reads all. */
static void parts_are_seen(int limit)
{
    struct nodes nodes = {0};
    struct shared shared = {0};
    int64_t wrong = 0, bytes = (int64_t)sizeof(int32_t) * EACH;
    nodes_limit(limit);
    assert_all(nodes_find(&world, &nodes) == OK);
    assert_all(limit == 0 || nodes.node.ranks <= limit);
    assert_all(shared_new(&world, &nodes, bytes * world.ranks, &shared) == OK);
    int32_t *x = shared.data;
    for (int64_t i = 0; i < EACH * world.ranks; i++) wrong += x[i] != 0;
    comm_barrier(&world);
    for (int32_t turn = 1; turn <= 2; turn++) {
        for (int32_t i = 0; i < EACH; i++)
            x[world.rank * EACH + i] = turn * (world.rank * EACH + i);
        assert_all(shared_publish(&world, &nodes, &shared, world.rank * bytes, bytes) == OK);
        for (int32_t i = 0; i < EACH * world.ranks; i++) wrong += x[i] != turn * i;
        comm_barrier(&world);
    }
    assert_all(wrong == 0);
    shared_free(&shared);
    nodes_free(&nodes);
    nodes_limit(0);
}

static void one_node(void **state)
{
    (void)state;
    parts_are_seen(0);
}

static void several_nodes(void **state)
{
    (void)state;
    parts_are_seen(1);
    parts_are_seen(2);
}

/* More than any node has: everyone hears of it. */
static void no_room(void **state)
{
    (void)state;
    struct nodes nodes = {0};
    struct shared shared = {0};
    assert_all(nodes_find(&world, &nodes) == OK);
    assert_all(shared_new(&world, &nodes, INT64_C(1) << 60, &shared) == ERR_MEMORY);
    assert_all(shared.data == NULL);
    assert_all(shared_new(&world, &nodes, 64, &shared) == OK);
    shared_free(&shared);
    nodes_free(&nodes);
}

/* A node without room for common memory: each rank keeps a copy. */
static void copies(void **state)
{
    (void)state;
    struct rlimit before, small;
    assert_all(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small = before;
    small.rlim_cur = 1024;
    signal(SIGXFSZ, SIG_IGN);
    assert_all(setrlimit(RLIMIT_FSIZE, &small) == 0);
    parts_are_seen(0);
    assert_all(setrlimit(RLIMIT_FSIZE, &before) == 0);
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct nodes nodes = {0};
    struct shared shared = {0};
    assert_all(nodes_find(&world, &nodes) == OK);
    assert_all(shared_new(&world, &nodes, 0, &shared) == OK);
    assert_all(shared_publish(&world, &nodes, &shared, 0, 0) == OK);
    shared_free(&shared);
    shared_free(&shared);
    nodes_free(&nodes);
}

TEST_MAIN(cmocka_unit_test(one_node), cmocka_unit_test(several_nodes), cmocka_unit_test(no_room),
          cmocka_unit_test(copies), cmocka_unit_test(nothing_at_all))
