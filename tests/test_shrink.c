/* Empirical Bayes: by hand, against a general optimiser, and what must hold for any units. */
#include "tests/harness.h"

#include "algorithms/shrink.h"

enum { UNITS = 88 };

/* The units of tests/goldens/shrink.py. */
static void make_units(double spread, double noise, double *estimate, double *error)
{
    for (int i = 0; i < UNITS; i++) {
        double at = i;
        error[i] = 0.15 * pow(10.0, (double)(i * 37 % 88) / 88.0);
        estimate[i] = -2.1 + spread * sin(1.7 * at + 0.3 * sin(5.0 * at)) * sqrt(2.0) +
                      noise * error[i] * cos(2.9 * at + 1.0) * sqrt(2.0);
    }
}

static void as_by_hand(void **state)
{
    (void)state;
    /* variance 2 around the mean, of which 1 is error: tau 1, half of each estimate is kept */
    const double estimate[2] = {-1.0, 1.0}, error[2] = {1.0, 1.0};
    double shrunk[2], sd[2];
    struct shrink_prior prior;
    assert_all(shrink_fit(estimate, error, 2, shrunk, sd, &prior) == OK);
    assert_all(prior.units == 2);
    assert_close(prior.mean, 0.0, 1e-12);
    assert_close(prior.sd, 1.0, 1e-6);
    assert_close(shrunk[0], -0.5, 1e-6);
    assert_close(shrunk[1], 0.5, 1e-6);
    assert_close(sd[1], sqrt(0.5), 1e-6);
}

static void less_spread_than_error(void **state)
{
    (void)state;
    const double estimate[3] = {1.0, 1.2, 0.5}, error[3] = {1.0, 2.0, NAN};
    double shrunk[3], sd[3], mean = (1.0 + 1.2 / 4.0) / 1.25;
    struct shrink_prior prior;
    assert_all(shrink_fit(estimate, error, 3, shrunk, sd, &prior) == OK);
    assert_all(prior.units == 2 && prior.sd == 0.0);
    for (int i = 0; i < 3; i++) {
        assert_close(shrunk[i], mean, 1e-15);
        assert_all(sd[i] == 0.0);
    }
}

static const struct {
    double spread, noise, mean, tau;
    struct {
        int unit;
        double shrunk, sd;
    } at[4];
} golden[3] = {{0.9,
                1.0,
                -2.098773998,
                0.923716898,
                {{0, -1.988297794, 0.148060548},
                 {1, -1.380023964, 0.363150994},
                 {40, -3.154497834, 0.674397648},
                 {87, -2.804600256, 0.484886864}}},
               {0.0,
                1.0,
                -2.100643705,
                0.049807159,
                {{0, -2.089197715, 0.047269419},
                 {1, -2.106981036, 0.049415768},
                 {40, -2.103209612, 0.049743849},
                 {87, -2.103028870, 0.049617885}}},
               {0.0,
                0.5,
                -2.100293226,
                0.0,
                {{0, -2.100293226, 0.0},
                 {1, -2.100293226, 0.0},
                 {40, -2.100293226, 0.0},
                 {87, -2.100293226, 0.0}}}};

static void as_a_general_optimiser(void **state)
{
    (void)state;
    for (int g = 0; g < 3; g++) {
        double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS];
        struct shrink_prior prior;
        make_units(golden[g].spread, golden[g].noise, estimate, error);
        assert_all(shrink_fit(estimate, error, UNITS, shrunk, sd, &prior) == OK);
        assert_close(prior.mean, golden[g].mean, 2e-8);
        assert_close(prior.sd, golden[g].tau, 2e-7);
        for (int i = 0; i < 4; i++) {
            assert_close(shrunk[golden[g].at[i].unit], golden[g].at[i].shrunk, 2e-7);
            assert_close(sd[golden[g].at[i].unit], golden[g].at[i].sd, 2e-7);
        }
    }
}

/* Between the own estimate and the mean, the closer to the mean the larger the error; an unknown
 * unit has the mean. */
static void what_is_known_better_moves_less(void **state)
{
    (void)state;
    double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS];
    struct shrink_prior prior;
    make_units(0.9, 1.0, estimate, error);
    error[5] = NAN;
    assert_all(shrink_fit(estimate, error, UNITS, shrunk, sd, &prior) == OK);
    bool between = true, ordered = true;
    for (int i = 0; i < UNITS; i++) {
        double kept = (shrunk[i] - prior.mean) / (estimate[i] - prior.mean);
        if (i == 5) continue;
        between = between && kept > 0.0 && kept < 1.0 && sd[i] < error[i] && sd[i] < prior.sd;
        for (int j = 0; j < UNITS; j++) {
            double other = (shrunk[j] - prior.mean) / (estimate[j] - prior.mean);
            if (j != 5 && error[i] < error[j]) ordered = ordered && kept > other;
        }
    }
    assert_all(between && ordered && prior.units == UNITS - 1);
    assert_all(shrunk[5] == prior.mean && sd[5] == prior.sd);
}

/* In other units of measure the answer is the same one. */
static void scale_does_not_matter(void **state)
{
    (void)state;
    double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS], large[UNITS], large_sd[UNITS];
    struct shrink_prior prior, larger;
    make_units(0.9, 1.0, estimate, error);
    assert_all(shrink_fit(estimate, error, UNITS, shrunk, sd, &prior) == OK);
    for (int i = 0; i < UNITS; i++) estimate[i] *= 1e9, error[i] *= 1e9;
    assert_all(shrink_fit(estimate, error, UNITS, large, large_sd, &larger) == OK);
    assert_close(1e-9 * larger.sd, prior.sd, 1e-6);
    for (int i = 0; i < UNITS; i++) assert_close(1e-9 * large[i], shrunk[i], 1e-6);
}

static void few_units(void **state)
{
    (void)state;
    const double estimate[2] = {-3.0, 7.0}, error[2] = {NAN, 0.5}, none[2] = {NAN, 0.0};
    double shrunk[2], sd[2];
    struct shrink_prior prior;
    assert_all(shrink_fit(estimate, error, 2, shrunk, sd, &prior) == OK);
    assert_all(prior.units == 1 && prior.mean == 7.0 && prior.sd == 0.0);
    assert_all(shrunk[0] == 7.0 && shrunk[1] == 7.0);
    assert_all(shrink_fit(estimate, none, 2, shrunk, sd, &prior) == ERR_NUMERIC);
    assert_all(shrink_fit(estimate, error, 0, shrunk, sd, &prior) == ERR_NUMERIC);
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(less_spread_than_error),
          cmocka_unit_test(as_a_general_optimiser),
          cmocka_unit_test(what_is_known_better_moves_less),
          cmocka_unit_test(scale_does_not_matter), cmocka_unit_test(few_units))
