/* Shrunk error variances: against a general optimiser; all alike, all exact, few. */
#include "tests/harness.h"

#include "algorithms/variance_prior.h"

enum { UNITS = 60 };

/* The units of tests/goldens/variance_prior.py; unit i on rank i modulo ranks. */
static int64_t make_units(double scale, double spread, double *square, int64_t *freedom)
{
    int64_t mine = 0;
    for (int i = world.rank; i < UNITS; i += world.ranks, mine++) {
        double at = i;
        freedom[mine] = 1 + i * 7 % 9;
        square[mine] = scale * (double)freedom[mine] * 0.3 *
                       exp(spread * (1.1 * sin(1.7 * at) + 0.9 * cos(2.9 * at + 1.0)));
    }
    return mine;
}

static void as_a_general_optimiser(void **state)
{
    (void)state;
    for (double scale = 1.0; scale < 1e13; scale *= 1e6) {
        double square[UNITS];
        int64_t freedom[UNITS], units = make_units(scale, 1.0, square, freedom);
        struct variance_prior prior;
        assert_all(variance_prior_fit(&world, square, freedom, units, &prior) == OK);
        assert_all(prior.units == UNITS);
        assert_close(prior.variance / scale, 0.288468345, 1e-7);
        assert_close(prior.freedom, 4.557847285, 1e-5);
        bool first = world.rank == 0;
        double unit = first ? variance_prior_apply(&prior, square[0], freedom[0]) / scale : 0.0;
        assert_close(unit, first ? 0.506673625 : 0.0, 1e-6);
        assert_close(variance_prior_apply(&prior, 0.0, 0),
                     prior.freedom * prior.variance / (prior.freedom - 2.0), 1e-12 * scale);
    }
}

/* Less spread than chance makes: one variance for all. */
static void all_alike(void **state)
{
    (void)state;
    double square[UNITS];
    int64_t freedom[UNITS], units = make_units(1.0, 0.0, square, freedom);
    struct variance_prior prior;
    assert_all(variance_prior_fit(&world, square, freedom, units, &prior) == OK);
    assert_close(prior.variance, 0.3, 1e-3);
    assert_all(prior.freedom > 1e4);
    assert_close(variance_prior_apply(&prior, 100.0, 5), 0.3, 0.02);
}

static void odd_units(void **state)
{
    (void)state;
    const double exact[3] = {0.0, 0.0, 0.0}, one[1] = {6.0};
    const int64_t some[3] = {2, 3, 0}, none[3] = {0, 0, 0}, three[1] = {3};
    int64_t here = world.rank == 0;
    struct variance_prior prior;
    assert_all(variance_prior_fit(&world, exact, none, 3 * here, &prior) == OK);
    assert_all(prior.units == 0 && isnan(prior.variance));
    assert_all(variance_prior_fit(&world, exact, some, 3 * here, &prior) == OK);
    assert_all(prior.units == 2 && prior.variance == 0.0);
    assert_all(variance_prior_fit(&world, one, three, here, &prior) == OK);
    assert_all(prior.units == 1 && prior.variance == 2.0 && isinf(prior.freedom));
    assert_all(variance_prior_apply(&prior, 50.0, 3) == 2.0);
}

static void same_bits_on_all_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    double square[UNITS], whole[UNITS];
    int64_t freedom[UNITS], of_whole[UNITS], units = make_units(1.0, 1.0, square, freedom);
    struct variance_prior prior, alone;
    struct comm together = world;
    world = self;
    make_units(1.0, 1.0, whole, of_whole);
    world = together;
    assert_all(variance_prior_fit(&world, square, freedom, units, &prior) == OK);
    assert_all(variance_prior_fit(&self, whole, of_whole, UNITS, &alone) == OK);
    assert_all(prior.variance == alone.variance && prior.freedom == alone.freedom);
}

TEST_MAIN(cmocka_unit_test(as_a_general_optimiser), cmocka_unit_test(all_alike),
          cmocka_unit_test(odd_units), cmocka_unit_test(same_bits_on_all_ranks))
