/**
 * What a test with ranks needs: assertions that all ranks take together, and a main that starts
 * MPI.
 *
 * A plain cmocka assert that fails on one rank hangs the others; assert_all reduces first. Every
 * test program ends with TEST_MAIN(cmocka_unit_test(a), cmocka_unit_test(b)), and its tests use the
 * world communicator `world`.
 */
#ifndef REMISE_TESTS_HARNESS_H
#define REMISE_TESTS_HARNESS_H

#include "mpi/comm.h"
#include "mpi/log.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct comm world;

/* True on every rank or a failed test on every rank. */
#define assert_all(condition)                                                               \
    do {                                                                                    \
        int64_t failures_ = (condition) ? 0 : 1;                                            \
        comm_sum_int64(&world, &failures_, 1);                                              \
        if (failures_ != 0)                                                                 \
            fail_msg("%s failed on %lld of %d ranks: %s", #condition, (long long)failures_, \
                     world.ranks, status_message());                                        \
    } while (0)

/* |a - b| <= tolerance on every rank, in double. */
#define assert_close(a, b, tolerance)                                                          \
    do {                                                                                       \
        double a_ = (a), b_ = (b);                                                             \
        int64_t far_ = fabs(a_ - b_) <= (tolerance) ? 0 : 1;                                   \
        comm_sum_int64(&world, &far_, 1);                                                      \
        if (far_ != 0)                                                                         \
            fail_msg("%s = %.17g, expected %.17g within %g", #a, a_, b_, (double)(tolerance)); \
    } while (0)

#define TEST_MAIN(...)                                                                           \
    int main(void)                                                                               \
    {                                                                                            \
        const struct CMUnitTest tests_[] = {__VA_ARGS__};                                        \
        enum status status_ = comm_start(&world);                                                \
        log_start(&world, LOG_ERROR);                                                            \
        if (status_ == OK && cmocka_run_group_tests(tests_, NULL, NULL) != 0) status_ = ERR_BUG; \
        comm_end(&world, status_);                                                               \
    }

#endif
