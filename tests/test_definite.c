/* Small positive definite systems: by hand, put back into the equations, refused. */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/definite.h"

enum { MOST = 37, STRIDE = 40 };

/* [4 2; 2 3] x = [2 5] has x = [-0.5 2]. */
static void by_hand(void **state)
{
    (void)state;
    double a[4] = {4, 2, 99, 3}, b[2] = {2, 5}, c[4] = {4, 2, 99, 3}, inverse[4];
    assert_all(definite_solve(a, 2, 2, b));
    assert_close(b[0], -0.5, 1e-15);
    assert_close(b[1], 2.0, 1e-15);
    assert_all(definite_invert(c, 2, 2, inverse));
    assert_close(inverse[0], 3.0 / 8, 1e-15);
    assert_close(inverse[1], -2.0 / 8, 1e-15);
    assert_close(inverse[2], -2.0 / 8, 1e-15);
    assert_close(inverse[3], 4.0 / 8, 1e-15);
}

/* X'X + 1 of random numbers X. */
static double cell(int64_t i, int64_t j)
{
    double sum = i == j;
    for (int64_t k = 0; k < 50; k++)
        sum += (uniform(k * MOST + i, 0) - 0.5) * (uniform(k * MOST + j, 0) - 0.5);
    return sum;
}

/* Every size has its own rest of a panel; what lies below the diagonal is not read. */
static void of_all_sizes(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= MOST; n++) {
        static double a[MOST * STRIDE], b[MOST];
        double worst = 0.0;
        for (int64_t i = 0; i < n; i++) {
            b[i] = (double)(i % 5) - 1.5;
            for (int64_t j = 0; j < STRIDE; j++) a[i * STRIDE + j] = j < i ? NAN : 1e300;
            for (int64_t j = i; j < n; j++) a[i * STRIDE + j] = cell(i, j);
        }
        assert_all(definite_solve(a, n, STRIDE, b));
        for (int64_t i = 0; i < n; i++) {
            double left = (double)(i % 5) - 1.5;
            for (int64_t j = 0; j < n; j++) left -= cell(i, j) * b[j];
            worst = fmax(worst, fabs(left));
        }
        assert_close(worst, 0.0, 1e-12);
    }
}

static void not_definite(void **state)
{
    (void)state;
    double singular[4] = {1, 1, 1, 1}, below[4] = {1, 2, 2, 1}, none[1] = {NAN}, b[2] = {1, 1};
    assert_all(!definite_solve(singular, 2, 2, b));
    assert_all(!definite_solve(below, 2, 2, b));
    assert_all(!definite_solve(none, 1, 1, b));
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(of_all_sizes), cmocka_unit_test(not_definite))
