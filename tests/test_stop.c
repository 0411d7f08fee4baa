/* A request to stop: one rank hears it, all ranks stop, and they stay stopped. */
#include "tests/harness.h"

#include "mpi/stop.h"

#include <signal.h>
#include <string.h>

static void one_rank_hears_and_all_stop(void **state)
{
    (void)state;
    stop_listen();
    assert_all(stop_agree(&world) == OK);
    if (world.rank == world.ranks - 1) assert_int_equal(raise(SIGUSR1), 0);
    assert_all(stop_agree(&world) == ERR_STOPPED);
    assert_all(strstr(status_message(), "SIGUSR1") != NULL);
    struct comm alone = comm_self();
    assert_all(stop_agree(&alone) == ERR_STOPPED); /* also where nobody signalled this rank */
    assert_all(status_exit_code(ERR_STOPPED) == 75);
}

TEST_MAIN(cmocka_unit_test(one_rank_hears_and_all_stop))
