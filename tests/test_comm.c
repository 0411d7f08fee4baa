/* The collectives with 64-bit counts: every byte arrives where it should, also from and to empty
 * ranks. */
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

struct parcel {
    int32_t from, to, number;
};

/* How many records `from` sends to `to`; zero often, and always for rank 1. */
static int64_t load(int from, int to)
{
    return from == 1 ? 0 : (from * 7 + to * 3) % 5;
}

static void records_arrive_in_order_of_source(void **state)
{
    (void)state;
    struct parcel send[64] = {{0, 0, 0}};
    int64_t counts[16] = {0}, total = 0, received_count = -1, at = 0;
    void *received = NULL;
    for (int to = 0; to < world.ranks; to++) {
        counts[to] = load(world.rank, to);
        for (int i = 0; i < counts[to]; i++) send[total++] = (struct parcel){world.rank, to, i};
    }
    assert_all(comm_exchange(&world, send, counts, sizeof *send, &received, &received_count) == OK);
    const struct parcel *parcels = received;
    bool right = received != NULL;
    for (int from = 0; from < world.ranks; from++)
        for (int i = 0; i < load(from, world.rank); i++, at++)
            right = right && at < received_count && parcels[at].from == from &&
                    parcels[at].to == world.rank && parcels[at].number == i;
    assert_all(right && at == received_count);
    free(received);
}

static void odd_records(void **state)
{
    (void)state;
    char send[3 * 16];
    int64_t counts[16], received_count = -1;
    void *received = NULL;
    for (int to = 0; to < world.ranks; to++) {
        counts[to] = 1;
        send[3 * to] = (char)world.rank, send[3 * to + 1] = (char)to, send[3 * to + 2] = 'x';
    }
    assert_all(comm_exchange(&world, send, counts, 3, &received, &received_count) == OK);
    const char *bytes = received;
    bool right = received_count == world.ranks;
    for (int from = 0; right && from < world.ranks; from++)
        right = bytes[3 * from] == from && bytes[3 * from + 1] == world.rank &&
                bytes[3 * from + 2] == 'x';
    assert_all(right);
    free(received);
}

/* Rank r brings r texts of r letters; rank 0 nothing at all. */
static void gather_joins_in_rank_order(void **state)
{
    (void)state;
    char mine[16], expected[64] = "";
    void *all = NULL;
    int64_t bytes = -1;
    memset(mine, 'a' + world.rank, sizeof mine);
    for (int r = 0; r < world.ranks; r++)
        for (int i = 0; i < r * r; i++) strncat(expected, &"abcdefgh"[r], 1);
    assert_all(comm_gather_all(&world, mine, (int64_t)world.rank * world.rank, &all, &bytes) == OK);
    assert_all(bytes == (int64_t)strlen(expected) && memcmp(all, expected, (size_t)bytes) == 0);
    free(all);
    assert_all(comm_gather_all(&world, NULL, 0, &all, &bytes) == OK && bytes == 0 && all != NULL);
    free(all);
}

static void sums_and_limits(void **state)
{
    (void)state;
    int64_t n = world.ranks, x[3] = {world.rank, INT64_MIN / 8, 1};
    comm_sum_int64(&world, x, 3);
    assert_all(x[0] == n * (n - 1) / 2 && x[1] == INT64_MIN / 8 * n && x[2] == n);
    int64_t high[1] = {-5 - world.rank}, low[1] = {7 + world.rank};
    comm_max_int64(&world, high, 1);
    comm_min_int64(&world, low, 1);
    assert_all(high[0] == -5 && low[0] == 7);
    double top[1] = {0.5 * world.rank}, bottom[1] = {-0.5 * world.rank};
    comm_max_double(&world, top, 1);
    comm_min_double(&world, bottom, 1);
    assert_all(top[0] == 0.5 * (double)(n - 1) && bottom[0] == -0.5 * (double)(n - 1));
    comm_sum_int64(&world, NULL, 0);
}

static void prefix_is_what_stands_before(void **state)
{
    (void)state;
    int64_t expected = 0;
    for (int r = 0; r < world.ranks - 1 && r < world.rank; r++) expected += 10 * r + 1;
    assert_all(comm_prefix_int64(&world, 10 * world.rank + 1) == expected);
}

static void sum_in_two_halves(void **state)
{
    (void)state;
    int64_t x[2] = {1, world.rank};
    MPI_Request request;
    comm_sum_int64_begin(&world, x, 2, &request);
    comm_wait(&request);
    assert_all(x[0] == world.ranks && x[1] == (int64_t)world.ranks * (world.ranks - 1) / 2);
}

static void broadcast_from_the_last(void **state)
{
    (void)state;
    int last = world.ranks - 1;
    char text[6] = "";
    if (world.rank == last) memcpy(text, "hello", 6);
    comm_broadcast(&world, text, sizeof text, last);
    assert_all(strcmp(text, "hello") == 0);
}

/* Rank 0 stays out; the others keep their order. */
static void split_leaves_out_negative_colors(void **state)
{
    (void)state;
    struct comm part;
    assert_all(comm_split(&world, world.rank == 0 ? -1 : 3, &part) == OK);
    bool outside = world.rank == 0;
    assert_all(outside ? part.ranks == 0 && part.handle == MPI_COMM_NULL
                       : part.ranks == world.ranks - 1 && part.rank == world.rank - 1);
    int64_t ones = 1;
    if (!outside) comm_sum_int64(&part, &ones, 1);
    assert_all(outside || ones == world.ranks - 1);
    comm_free(&part);
    assert_all(part.handle == MPI_COMM_NULL && part.ranks == 0);
    struct comm alone = comm_self();
    assert_all(alone.ranks == 1 && alone.rank == 0 && comm_agree(&alone, OK) == OK);
    comm_free(&alone); /* harmless */
}

static void traffic_is_counted(void **state)
{
    (void)state;
    struct comm_traffic before = comm_traffic();
    int64_t x[4] = {0};
    comm_sum_int64(&world, x, 4);
    comm_barrier(&world);
    struct comm_traffic after = comm_traffic();
    assert_all(after.collectives == before.collectives + 2 && after.bytes == before.bytes + 32);
}

TEST_MAIN(cmocka_unit_test(records_arrive_in_order_of_source), cmocka_unit_test(odd_records),
          cmocka_unit_test(gather_joins_in_rank_order), cmocka_unit_test(sums_and_limits),
          cmocka_unit_test(prefix_is_what_stands_before), cmocka_unit_test(sum_in_two_halves),
          cmocka_unit_test(broadcast_from_the_last),
          cmocka_unit_test(split_leaves_out_negative_colors), cmocka_unit_test(traffic_is_counted))
