/* Special functions against 50-digit values of tests/goldens/lifetime.py. */
#include "tests/harness.h"

#include "algorithms/special.h"

struct rise {
    double z, y, log_rise, digamma_rise, log_beta;
};

/* tests/goldens/lifetime.py */
static const struct rise rises[] = {
    {1.0e-8, 1.0, -18.420680743952365, 99999999.999999998, 18.420680743952365},
    {0.24259, 3.0, -0.39155314453940305, 5.3728651235625614, 1.0847003250993484},
    {0.5, 0.25, -0.36908399149340472, 0.87764914623495131, 1.6571065161914822},
    {7.5, 1000000.0, 12815600.651136935, 11.868760073693729, -96.081989322916448},
    {15.9, 2.5, 7.0290507546193952, 0.15038761347923296, -6.744367884146476},
    {16.0, 0.001, 0.0027410455745261827, 6.4491704487499944e-5, 6.9044378398093275},
    {1000000.0, 40.0, 552.62120230830117, 3.9999220020539392e-5, -445.98944204765771},
    {1000000000000.0, 1000000000000.0, 28017315477048.092, 0.69314718056019531,
     -1386294361132.4406},
    {3.0, 0.0, 0.0, 0.0, 0.0},
};

struct series {
    double a, b, c, z, value;
};

/* tests/goldens/lifetime.py */
static const struct series sums[] = {
    {2.5, 3, 4, 0.25, 1.7051233549026463},     {10, 12, 12.5, 0.7, 100340.90264676774},
    {0.3, 0.5, 0.01, 0.9, 109.99848820775855}, {50, 60, 58, 0.3, 104299260.07435297},
    {1, 1, 2, 0.5, 1.3862943611198906},
};

static void by_hand(void **state)
{
    (void)state;
    assert_close(special_log_rise(3.0, 2.0), log(12.0), 1e-14);               /* 3 * 4 */
    assert_close(special_digamma_rise(1.0, 3.0), 1.0 + 0.5 + 1.0 / 3, 4e-15); /* 1 + 1/2 + 1/3 */
    assert_close(special_log_beta(2.0, 3.0), -log(12.0), 1e-14);
    assert_close(special_log_beta(3.0, 2.0), -log(12.0), 1e-14);
    assert_close(special_hyp2f1(1.0, 1.0, 1.0, 0.5, 100), 2.0, 1e-15); /* 1 / (1 - z) */
    assert_close(special_hyp2f1(3.0, 0.0, 1.0, 0.9, 100), 1.0, 0.0);
    assert_close(special_hyp2f1(3.0, 2.0, 1.0, 0.0, 1), 1.0, 0.0);
}

static void as_golden(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rises / sizeof *rises; i++) {
        const struct rise *g = &rises[i];
        double scale = fmax(1.0, fabs(g->log_rise));
        assert_close(special_log_rise(g->z, g->y), g->log_rise, 1e-14 * scale);
        assert_close(special_digamma_rise(g->z, g->y), g->digamma_rise, 1e-14 * g->digamma_rise);
        if (g->y > 0.0)
            assert_close(special_log_beta(g->z, g->y), g->log_beta,
                         1e-14 * fmax(1.0, fabs(g->log_beta)));
    }
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        const struct series *g = &sums[i];
        assert_close(special_hyp2f1(g->a, g->b, g->c, g->z, 2000), g->value, 1e-14 * g->value);
    }
}

/* The derivative of the log rise by z is the digamma rise, on both sides of where the series takes
 * over. */
static void derivatives_agree(void **state)
{
    (void)state;
    for (double z = 0.01; z < 1e4; z *= 1.37)
        for (double y = 0.01; y < 1e4; y *= 3.1) {
            double h = 1e-4 * z;
            double slope = (special_log_rise(z + h, y) - special_log_rise(z - h, y)) / (2.0 * h);
            double wanted = special_digamma_rise(z, y);
            assert_close(slope, wanted, 1e-6 * wanted);
        }
}

static void ends_of_the_scale(void **state)
{
    (void)state;
    assert_all(isnan(special_hyp2f1(1.0, 1.0, 1.0, 0.999, 100)));
    assert_all(special_softplus(1000.0) == 1000.0 && special_softplus(-1000.0) == 0.0);
    assert_all(special_softplus(INFINITY) == INFINITY);
    assert_close(special_softplus(0.0), log(2.0), 1e-16);
    assert_all(special_sigmoid(1000.0) == 1.0 && special_sigmoid(-1000.0) == 0.0);
    assert_all(special_sigmoid(0.0) == 0.5);
    assert_all(special_sigmoid(-INFINITY) == 0.0);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(as_golden),
          cmocka_unit_test(derivatives_agree), cmocka_unit_test(ends_of_the_scale))
