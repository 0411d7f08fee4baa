/* Priors of shapes: their precision by hand, and which one some rows ask for. */
#include "tests/harness.h"

#include "algorithms/dose_prior.h"

#include <math.h>

enum { KINDS = 2, KNOTS = 2, N = 1 + KINDS + KINDS * KNOTS };

/* The second piece is three times as wide as the first. */
static const struct dose_shape knots = {KNOTS, {0.1, 0.4}, {0}};

/* Variances between kinds, times the highest knot, by the width of a piece. */
static void precision_by_hand(void **state)
{
    (void)state;
    const struct dose_prior prior = {0.5, 1.0};
    const double variance = 4.0 * (0.25 + 1.0), shared = 4.0 * 1.0; /* of the first piece */
    double precision[N * N], det = variance * variance - shared * shared;
    dose_prior_precision(&prior, KINDS, &knots, precision);
    assert_close(precision[3 * N + 3], variance / det, 1e-12);
    assert_close(precision[3 * N + 5], -shared / det, 1e-12);
    assert_close(precision[5 * N + 3], -shared / det, 1e-12);
    assert_close(precision[4 * N + 4], 3.0 * variance / det, 1e-12);
    assert_all(precision[3 * N + 4] == 0.0 && precision[0 * N + 3] == 0.0);
}

/* Rows that know the slopes all but exactly. */
static struct dose_prior choose(double first, double second, double *support)
{
    double x[N], gradient[N] = {0}, curvature[N * N] = {0};
    struct dose_prior prior = {0};
    dose_prior_expect(KINDS, KNOTS, x);
    for (int k = 0; k < KNOTS; k++) {
        double wide = sqrt(k == 0 ? 4.0 : 4.0 / 3.0);
        x[1 + KINDS + k] += first * wide;
        x[1 + KINDS + KNOTS + k] += second * wide;
    }
    for (int j = 0; j < N; j++) curvature[j * N + j] = 1e4;
    const struct dose_evidence evidence = {x, gradient, curvature};
    assert_all(dose_prior_choose(&evidence, KINDS, &knots, &prior, support) == OK);
    return prior;
}

static void deviations_are_found(void **state)
{
    (void)state;
    double support;
    struct dose_prior prior = choose(0.4, -0.4, &support); /* each by itself */
    assert_close(prior.own, 0.4, 1e-12);
    assert_all(prior.common < 0.15 && support > 3.0);
    prior = choose(0.4, 0.4, &support); /* together */
    assert_close(prior.own, 0.05, 1e-12);
    assert_close(prior.common, 0.4, 1e-12);
    assert_all(support < 0.0);
}

TEST_MAIN(cmocka_unit_test(precision_by_hand), cmocka_unit_test(deviations_are_found))
