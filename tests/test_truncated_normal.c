/* Means of bounded normal vectors against what calculus says. */
#include "tests/harness.h"

#include "algorithms/truncated_normal.h"

#include <math.h>

#define SQRT_2 1.4142135623730951
#define DENSITY_0 0.3989422804014327 /* of the standard normal at 0 */

/* Of a normal that is not below 0. */
static double mean_above(double mean, double sd)
{
    double at = -mean / sd;
    return mean + sd * DENSITY_0 * exp(-0.5 * at * at) / (0.5 * erfc(at / SQRT_2));
}

static void each_by_itself(void **state)
{
    (void)state;
    enum { N = 4 };
    const double mean[N] = {-1.0, 1.0, -0.5, -6.0}; /* the first one is free, the last far out */
    double precision[N * N] = {0}, expected[N];
    for (int j = 0; j < N; j++) precision[j * N + j] = 4.0;
    assert_all(truncated_normal_mean(N, 1, mean, precision, expected) == OK);
    assert_close(expected[0], -1.0, 0.03);
    assert_close(expected[1], mean_above(1.0, 0.5), 0.03);
    assert_close(expected[2], mean_above(-0.5, 0.5), 0.02);
    assert_close(expected[3], mean_above(-6.0, 0.5), 0.005);
}

/* What goes with a bounded entry moves along by its regression on it. */
static void one_moves_the_other(void **state)
{
    (void)state;
    const double mean[2] = {2.0, -0.5}, precision[4] = {4.0 / 3, -2.0 / 3, -2.0 / 3, 4.0 / 3};
    double expected[2], above = mean_above(-0.5, 1.0); /* variances 1, correlation 0.5 */
    assert_all(truncated_normal_mean(2, 1, mean, precision, expected) == OK);
    assert_close(expected[1], above, 0.04);
    assert_close(expected[0], 2.0 + 0.5 * (above + 0.5), 0.06);
}

TEST_MAIN(cmocka_unit_test(each_by_itself), cmocka_unit_test(one_moves_the_other))
