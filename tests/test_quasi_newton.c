/* The minimiser: functions whose minimum is known, refused points, limits. */
#include "tests/harness.h"

#include "algorithms/quasi_newton.h"

#include <string.h>

static enum status quadratic(const struct comm *comm, void *context, const double *x, double *value,
                             double *gradient)
{
    (void)comm, (void)context;
    double u = x[0] - 3.0, v = x[1] + 1.0;
    *value = 5.0 * u * u + 4.0 * u * v + v * v + 7.0;
    gradient[0] = 10.0 * u + 4.0 * v;
    gradient[1] = 4.0 * u + 2.0 * v;
    return OK;
}

/* Rosenbrock 1960, four variables: a bent valley to (1, 1, 1, 1). */
static enum status valley(const struct comm *comm, void *context, const double *x, double *value,
                          double *gradient)
{
    (void)comm, (void)context;
    *value = 0.0;
    memset(gradient, 0, 4 * sizeof *gradient);
    for (int i = 0; i < 3; i++) {
        double bend = x[i + 1] - x[i] * x[i], rest = 1.0 - x[i];
        *value += 100.0 * bend * bend + rest * rest;
        gradient[i] += -400.0 * x[i] * bend - 2.0 * rest;
        gradient[i + 1] += 200.0 * bend;
    }
    return OK;
}

/* x - log x, which ends at 0: below, there is nothing to see. */
static enum status walled(const struct comm *comm, void *context, const double *x, double *value,
                          double *gradient)
{
    (void)comm;
    int64_t *refused = context;
    *refused += !(x[0] > 0.0);
    *value = x[0] - log(x[0]);
    gradient[0] = 1.0 - 1.0 / x[0];
    return OK;
}

static enum status slope(const struct comm *comm, void *context, const double *x, double *value,
                         double *gradient)
{
    (void)comm, (void)context;
    *value = -x[0];
    gradient[0] = -1.0;
    return OK;
}

/* Every rank believes another function: rank 0's must decide for all. */
static enum status disputed(const struct comm *comm, void *context, const double *x, double *value,
                            double *gradient)
{
    (void)context;
    double u = x[0] - 1.0 - comm->rank;
    *value = u * u;
    gradient[0] = 2.0 * u;
    return OK;
}

static enum status failing(const struct comm *comm, void *context, const double *x, double *value,
                           double *gradient)
{
    int64_t *calls = context;
    if (++*calls == 3) return comm_agree(comm, FAIL(ERR_MEMORY, "enough"));
    return quadratic(comm, NULL, x, value, gradient);
}

static const struct quasi_newton_options defaults = QUASI_NEWTON_DEFAULTS;

static void finds_minima(void **state)
{
    (void)state;
    struct quasi_newton_result result;
    double x[4] = {-20.0, 40.0}, y[4] = {-1.2, 1.0, -1.2, 1.0}, z = 1e-3;
    int64_t refused = 0;
    assert_all(quasi_newton_minimise(&world, quadratic, NULL, 2, &defaults, x, &result) == OK);
    assert_all(result.converged && result.value == 7.0 && result.iterations < 40);
    assert_close(x[0], 3.0, 1e-8);
    assert_close(x[1], -1.0, 1e-8);
    assert_all(quasi_newton_minimise(&world, valley, NULL, 4, &defaults, y, &result) == OK);
    assert_all(result.converged && result.gradient_max <= 1e-9 && result.evaluations < 200);
    for (int i = 0; i < 4; i++) assert_close(y[i], 1.0, 1e-8);
    assert_all(quasi_newton_minimise(&world, walled, &refused, 1, &defaults, &z, &result) == OK);
    assert_all(result.converged);
    assert_close(z, 1.0, 1e-8);
    z = 3.0; /* the first steps from here overshoot the wall */
    assert_all(quasi_newton_minimise(&world, walled, &refused, 1, &defaults, &z, &result) == OK);
    assert_close(z, 1.0, 1e-8);
    assert_all(result.converged);
}

static void says_where_it_stopped(void **state)
{
    (void)state;
    struct quasi_newton_result result;
    struct quasi_newton_options few = defaults;
    double x[2] = {0.0, 0.0}, wall = -1.0;
    int64_t refused = 0;
    few.max_iterations = 10;
    assert_all(quasi_newton_minimise(&world, slope, NULL, 1, &few, x, &result) == OK);
    assert_all(!result.converged && result.iterations == 10 && x[0] > 1.0);
    assert_all(x[0] <= 10.0 * few.step_max);
    assert_all(quasi_newton_minimise(&world, walled, &refused, 1, &few, &wall, &result) == OK);
    assert_all(!result.converged && result.iterations == 0 && refused == 1);
    x[0] = 3.0, x[1] = -1.0; /* the minimum itself */
    assert_all(quasi_newton_minimise(&world, quadratic, NULL, 2, &few, x, &result) == OK);
    assert_all(result.converged && result.iterations == 0 && result.evaluations == 1);
    assert_all(quasi_newton_minimise(&world, slope, NULL, 0, &few, x, &result) == ERR_ARG);
    assert_all(quasi_newton_minimise(&world, slope, NULL, QUASI_NEWTON_VARIABLES + 1, &few, x,
                                     &result) == ERR_ARG);
}

static void ranks_go_one_way(void **state)
{
    (void)state;
    struct quasi_newton_result result;
    double x = 9.0;
    int64_t calls = 0;
    assert_all(quasi_newton_minimise(&world, disputed, NULL, 1, &defaults, &x, &result) == OK);
    assert_close(x, 1.0, 1e-9);
    double y[2] = {0.0, 0.0};
    assert_all(quasi_newton_minimise(&world, failing, &calls, 2, &defaults, y, &result) ==
               ERR_MEMORY);
}

TEST_MAIN(cmocka_unit_test(finds_minima), cmocka_unit_test(says_where_it_stopped),
          cmocka_unit_test(ranks_go_one_way))
