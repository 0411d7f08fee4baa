/* Positive definite systems: exact answers, the same bytes on any grid, dependent columns found. */
#include "tests/harness.h"

#include "algorithms/cholesky.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

/* a = d' d + ridge * identity with small integers in d: exact, and positive definite for ridge > 0.
 */
static double *integer_matrix(int64_t n, double ridge)
{
    double *d = calloc((size_t)(n * n), sizeof *d), *a = calloc((size_t)(n * n), sizeof *a);
    for (int64_t i = 0; i < n * n; i++)
        d[i] = floor(5.0 * random_uniform(3, RANDOM_TEST, (uint64_t)i, 0)) - 2.0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = i == j ? ridge : 0.0;
            for (int64_t k = 0; k < n; k++) sum += d[k * n + i] * d[k * n + j];
            a[i * n + j] = sum / (double)(1 << 10);
        }
    free(d);
    return a;
}

/* exp(-(i - j)^2 / width^2) + ridge: condition about 1 / ridge for a wide kernel. */
static double *smooth_matrix(int64_t n, double width, double ridge)
{
    double *a = calloc((size_t)(n * n), sizeof *a);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double distance = (double)(i - j) / width;
            a[i * n + j] = 0.125 * exp(-distance * distance) + (i == j ? ridge : 0.0);
        }
    return a;
}

static enum status solve(const struct comm *comm, const double *a, int64_t n, const double *b,
                         int64_t sides, double *x, double *norm)
{
    struct cholesky factor = {0};
    enum status status = cholesky_factor(comm, a, n, &factor);
    if (status == OK) status = cholesky_solve(comm, &factor, b, sides, x);
    if (status == OK && norm != NULL) status = cholesky_inverse_norm(comm, &factor, norm);
    cholesky_clear(&factor);
    return status;
}

/* Whole numbers come back whole. */
static void exact_answers(void **state)
{
    (void)state;
    enum { SIDES = 3 };
    static const int64_t sizes[] = {1, 2, 63, 64, 65, 150};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int64_t n = sizes[k];
        double *a = integer_matrix(n, 64.0);
        double *b = calloc((size_t)(n * SIDES), sizeof *b),
               *x = calloc((size_t)(n * SIDES), sizeof *x);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++)
                for (int64_t s = 0; s < SIDES; s++)
                    b[i * SIDES + s] += a[i * n + j] * (double)(j * (s + 1) - 7);
        assert_all(solve(&world, a, n, b, SIDES, x, NULL) == OK);
        for (int64_t i = 0; i < n; i++)
            for (int64_t s = 0; s < SIDES; s++)
                assert_all(x[i * SIDES + s] == (double)(i * (s + 1) - 7));
        free(a);
        free(b);
        free(x);
    }
}

/* One rank alone and all of them give the same bytes, also where the factor has few digits. */
static void same_bytes(void **state)
{
    (void)state;
    enum { N = 200, SIDES = 70 };
    static const double ridges[] = {1.0, 1e-4, 1e-8, 1e-10};
    struct comm self = comm_self();
    for (size_t k = 0; k < sizeof ridges / sizeof *ridges; k++) {
        double *a = smooth_matrix(N, 10.0, ridges[k]), norm[2] = {0};
        double *b = calloc(N * SIDES, sizeof *b), *x = calloc(2 * N * SIDES, sizeof *x);
        for (int64_t i = 0; i < N * SIDES; i++)
            b[i] = random_uniform(4, RANDOM_TEST, (uint64_t)i, k) - 0.5;
        assert_all(solve(&self, a, N, b, SIDES, x, &norm[0]) == OK);
        assert_all(solve(&world, a, N, b, SIDES, x + N * SIDES, &norm[1]) == OK);
        assert_all(memcmp(x, x + N * SIDES, N * SIDES * sizeof *x) == 0);
        assert_all(norm[0] == norm[1]);
        assert_all(norm[0] * ridges[k] > 0.1 && norm[0] * ridges[k] < sqrt((double)N) + 1.0);
        free(a);
        free(b);
        free(x);
    }
}

/* The estimate for a diagonal matrix is its smallest entry's inverse. */
static void inverse_norm(void **state)
{
    (void)state;
    enum { N = 10 };
    double a[N * N] = {0}, b[N] = {0}, x[N], norm = 0.0;
    for (int i = 0; i < N; i++) a[i * N + i] = i == 6 ? 0.25 : 1.0;
    assert_all(solve(&world, a, N, b, 1, x, &norm) == OK);
    assert_close(norm, 4.0, 0.0);
    for (int i = 0; i < N; i++) assert_all(x[i] == 0.0);
}

/* Columns 3, 70 and 130 are sums of earlier ones. */
static void finds_dependent(void **state)
{
    (void)state;
    enum { N = 140, ROWS = 200 };
    double *d = calloc(ROWS * N, sizeof *d), *a = calloc(N * N, sizeof *a), reference[N];
    bool dependent[N];
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < N; j++)
            d[i * N + j] = random_uniform(5, RANDOM_TEST, (uint64_t)(i * N + j), 0) - 0.5;
        d[i * N + 3] = d[i * N] + d[i * N + 2];
        d[i * N + 70] = d[i * N + 3] - d[i * N + 69];
        d[i * N + 130] = d[i * N + 5] + d[i * N + 125];
    }
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < N; j++)
            for (int64_t k = 0; k < ROWS; k++) a[i * N + j] += d[k * N + i] * d[k * N + j];
    for (int64_t j = 0; j < N; j++) reference[j] = a[j * N + j];
    assert_all(cholesky_dependent(&world, a, N, NULL, reference, 1e-10, dependent, NULL) == OK);
    for (int j = 0; j < N; j++) assert_all(dependent[j] == (j == 3 || j == 70 || j == 130));
    free(d);
    free(a);
}

static void refuses_indefinite(void **state)
{
    (void)state;
    const double a[] = {1.0, 2.0, 2.0, 1.0}, b[] = {1.0, 1.0};
    double x[2];
    assert_all(solve(&world, a, 2, b, 1, x, NULL) == ERR_NUMERIC);
}

static void agrees_on_faults(void **state)
{
    (void)state;
    const double a[] = {1.0, 0.5, 0.5, 1.0}, b[] = {1.0, 1.0};
    double x[2];
    comm_inject_fault(-1, 0);
    assert_all(solve(&world, a, 2, b, 1, x, NULL) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            enum status status = solve(&world, a, 2, b, 1, x, NULL);
            comm_inject_fault(-1, 0);
            assert_all(status == ERR_BUG);
        }
}

TEST_MAIN(cmocka_unit_test(exact_answers), cmocka_unit_test(same_bytes),
          cmocka_unit_test(inverse_norm), cmocka_unit_test(finds_dependent),
          cmocka_unit_test(refuses_indefinite), cmocka_unit_test(agrees_on_faults))
