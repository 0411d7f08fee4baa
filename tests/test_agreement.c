/* Agreement and the collectives: wherever one rank fails, all ranks leave together with its
 * message. */
#include "tests/harness.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 1024 };

/* The message recorded here is the one recorded on rank 0. */
static bool same_message(void)
{
    char first[TEXT_BYTES] = "";
    snprintf(first, sizeof first, "%s", status_message());
    comm_broadcast(&world, first, sizeof first, 0);
    return strcmp(first, status_message()) == 0;
}

/* The message tells of this fault, with the rank in front where there are several. */
static bool says_fault(int rank, int64_t agreement)
{
    char expected[96], *from = expected;
    snprintf(expected, sizeof expected, "rank %d: injected fault at agreement %lld [", rank,
             (long long)agreement);
    if (world.ranks == 1) from = strstr(expected, "injected");
    return strncmp(status_message(), from, strlen(from)) == 0;
}

static bool same_status(enum status status)
{
    int64_t range[2] = {(int64_t)status, -(int64_t)status};
    comm_max_int64(&world, range, 2);
    return range[0] == -range[1];
}

/* No message of an aborted scenario is left to be paired with the next collective. */
static bool ranks_in_step(void)
{
    int64_t sum = world.rank + 1;
    comm_sum_int64(&world, &sum, 1);
    return sum == (int64_t)world.ranks * (world.ranks + 1) / 2;
}

/* ---- scenarios ---- */

static enum status deal(const struct comm *comm)
{
    enum status status = OK;
    int64_t *counts = NULL, *records = NULL, received_count = 0;
    void *received = NULL;
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    TRY_ALL(comm, memory_new(&records, comm->ranks, sizeof *records));
    for (int r = 0; r < comm->ranks; r++) counts[r] = 1;
    TRY(comm_exchange(comm, records, counts, sizeof *records, &received, &received_count));
done:
    free(counts);
    free(records);
    free(received);
    return status;
}

/* Collective calls inside collective calls, three deep, with local steps between them. */
static enum status nested(const struct comm *comm)
{
    enum status status = OK;
    void *all = NULL;
    int64_t bytes = 0, mine = comm->rank;
    TRY_ALL(comm, OK);
    TRY(comm_gather_all(comm, &mine, sizeof mine, &all, &bytes));
    for (int turn = 0; turn < 2; turn++) TRY(deal(comm));
    TRY_ALL(comm, OK);
done:
    free(all);
    return status;
}

/* Even and odd ranks work apart; what fails in one part reaches the other at the next agreement. */
static enum status apart(const struct comm *comm)
{
    enum status status = OK;
    struct comm part = {MPI_COMM_NULL, 0, 0};
    TRY(comm_split(comm, comm->rank % 2, &part));
    TRY_ALL(comm, nested(&part));
done:
    comm_free(&part);
    return status;
}

/* ---- fault sweeps ---- */

static void every_fault_reaches_every_rank(void **state)
{
    (void)state;
    comm_inject_fault(-1, 0);
    assert_all(nested(&world) == OK);
    int64_t agreements = comm_agreements();
    assert_all(agreements >= 12);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(nested(&world) == ERR_BUG && says_fault(r, k));
            assert_all(same_message() && ranks_in_step());
            assert_all(comm_agreements() == k + 1); /* nobody went on */
        }
    comm_inject_fault(-1, 0);
    assert_all(nested(&world) == OK);
}

static void faults_of_a_part_carry_the_world_rank(void **state)
{
    (void)state;
    comm_inject_fault(-1, 0);
    assert_all(apart(&world) == OK);
    int64_t inside = comm_agreements() - 1; /* the last one is the world's */
    for (int64_t k = 0; k < inside; k++)
        for (int r = 0; 2 * r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(apart(&world) == ERR_BUG && says_fault(2 * r, k));
            assert_all(same_message() && ranks_in_step());
        }
    comm_inject_fault(-1, 0);
}

/* ---- which failure wins ---- */

static enum status fail_here(enum status status, const char *why)
{
    return status == OK ? OK : FAIL(status, "%s", why);
}

static void the_worst_code_and_lowest_rank_win(void **state)
{
    (void)state;
    int last = world.ranks - 1;
    enum status mine = world.rank == last ? ERR_WRITE : ERR_DATA;
    char why[64], expected[64];
    snprintf(why, sizeof why, "rank and reason %d", world.rank);
    assert_all(comm_agree(&world, fail_here(mine, why)) == ERR_WRITE);
    snprintf(expected, sizeof expected, "rank and reason %d", last);
    assert_all(strstr(status_message(), expected) != NULL && same_message());
    assert_all(comm_agree(&world, fail_here(world.rank == 0 ? OK : ERR_DATA, why)) ==
               (world.ranks > 1 ? ERR_DATA : OK));
    if (world.ranks > 1)
        assert_all(strncmp(status_message(), "rank 1: rank and reason 1", 25) == 0);
    assert_all(same_status(comm_agree(&world, OK)));
}

static void a_message_may_hold_the_one_before(void **state)
{
    (void)state;
    enum status status = FAIL(ERR_ARG, "layer %d is too wide", 3);
    status = FAIL(ERR_CONFIG, "respond.layers: %.700s; take fewer", status_message());
    assert_int_equal(status, ERR_CONFIG);
    assert_string_equal(status_message(), "respond.layers: layer 3 is too wide; take fewer");
}

static void statuses_have_codes_and_words(void **state)
{
    (void)state;
    assert_all(status_exit_code(OK) == 0 && status_exit_code(ERR_LAUNCH) == 69);
    assert_all(status_exit_code(ERR_STOPPED) == 75 && status_exit_code(ERR_CONFIG) == 78);
    assert_all(status_exit_code((enum status)99) == 70);
    for (int s = 0; s < STATUS_COUNT; s++) assert_all(strlen(status_text((enum status)s)) > 3);
    assert_all(fail_here(ERR_IO, "disk on fire") == ERR_IO);
    assert_all(strcmp(status_message(), "disk on fire") == 0);
    assert_all(strstr(status_place(), "test_agreement.c:") != NULL);
    assert_all(fail_here(ERR_BUG, "no such case") == ERR_BUG);
    assert_all(strstr(status_message(), "no such case [") != NULL);
    assert_all(strstr(status_message(), "test_agreement.c:") != NULL);
}

TEST_MAIN(cmocka_unit_test(every_fault_reaches_every_rank),
          cmocka_unit_test(faults_of_a_part_carry_the_world_rank),
          cmocka_unit_test(the_worst_code_and_lowest_rank_win),
          cmocka_unit_test(a_message_may_hold_the_one_before),
          cmocka_unit_test(statuses_have_codes_and_words))
