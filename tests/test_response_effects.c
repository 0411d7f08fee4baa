/* Curves of candidates: how members differ, what is the product's and what is the user's own. */
#include "tests/harness.h"

#include "jobs/response_effects.h"

#include <math.h>

enum { MEMBERS = 3 };

static const struct slope_logit_term term = {0, -1};
static double offset_of[MEMBERS] = {-1.1, -1.0, -0.9}, slope_of[MEMBERS] = {1.5, 2.0, 2.5};

/* Members that say the same of every row: what stands above. */
static struct response_ensemble make_members(void)
{
    struct response_ensemble ensemble = {.members = MEMBERS, .columns = 1, .stride = 1};
    ensemble.calibration.scale_a = ensemble.calibration.scale_b = 1.0;
    for (int k = 0; k < MEMBERS; k++) {
        assert_all(slope_logit_new(&term, 1, 0, &ensemble.logit[k]) == OK);
        ensemble.logit[k]->coefficient[0] = offset_of[k];
        ensemble.logit[k]->coefficient[2] = log(slope_of[k]);
    }
    return ensemble;
}

static struct response_belief believe(void)
{
    struct response_ensemble ensemble = make_members();
    struct response_belief belief;
    float x = 0.5f, room[2];
    assert_all(response_ensemble_apply(&ensemble, &x, 1, room, &belief) == OK);
    response_ensemble_clear(&ensemble);
    return belief;
}

static void a_mean_is_no_surer_than_one(void **state)
{
    (void)state;
    struct response_belief belief = believe();
    assert_close((double)belief.a, -1.0, 1e-6);
    assert_close((double)belief.b, 2.0, 1e-6);
    assert_close((double)belief.a_var, 0.02, 1e-5); /* the squares of 0.1 twice */
    assert_close((double)belief.b_var, 0.5, 1e-5);
    assert_close((double)belief.both_cov, 0.1, 1e-5);
}

/* A user without offers, where users and products spread so far; by a line through the log odds. */
static struct response_curve draw_by(double shift, double scale,
                                     const struct effects_spread *spread,
                                     const struct response_about *about)
{
    struct response_effects effects = {.spread = *spread, .shift = shift, .scale = scale};
    struct response_belief belief = believe();
    struct effects_unit unit;
    const int64_t start = 0;
    const struct effects_data none = {.units = 0, .start = &start};
    effects_fit(&none, 0, 0, spread, &unit);
    return response_curve_of(&effects, &unit, &belief, about);
}

static struct response_curve draw(const struct effects_spread *spread,
                                  const struct response_about *about)
{
    return draw_by(0.0, 1.0, spread, about);
}

static double square(float x)
{
    return (double)x * (double)x;
}

static void variances_add_up(void **state)
{
    (void)state;
    const struct effects_spread alike = {0.0, 0.0, 0.0}, differ = {0.04, 0.09, 0.01};
    struct response_about about = {0};
    struct response_curve curve = draw(&alike, &about);
    assert_close(square(curve.a_sd), 0.02, 1e-4);
    assert_close(square(curve.b_sd), 0.5, 1e-4);
    assert_close((double)curve.correlation, 0.1 / sqrt(0.01), 1e-3);
    assert_close((double)curve.a, -1.0, 1e-4); /* nothing has been learned, so the mean stays */
    about = (struct response_about){.product_before = 0.16, .product_var = 0.16, .other = 0.25};
    curve = draw(&differ, &about);
    assert_close(square(curve.a_sd), 0.02 + 0.04 + 0.09 + 0.16 + 0.25, 1e-4);
    assert_close(square(curve.b_sd), 0.5 + 0.01 * 4.0, 1e-4);
    assert_close((double)curve.a, -1.0, 1e-4);
}

static void products_move_curves(void **state)
{
    (void)state;
    const struct effects_spread alike = {0.0, 0.0, 0.0};
    struct response_about about = {.product = 0.5, .product_before = 0.5, .product_var = 0.0};
    struct response_curve liked = draw(&alike, &about);
    about.product = -0.5;
    struct response_curve disliked = draw(&alike, &about);
    /* moved out from the mean of all products, and in by what members may be wrong about */
    double out = sqrt(1.0 + M_PI / 8.0 * 0.52), in = sqrt(1.0 + M_PI / 8.0 * 0.02);
    assert_close((double)liked.a, (0.5 - out) / in, 1e-4);
    assert_close((double)disliked.a, (-0.5 - out) / in, 1e-4);
    assert_close(square(liked.a_sd), 0.02, 1e-4);
}

static void curves_are_drawn_by_the_line(void **state)
{
    (void)state;
    const struct effects_spread differ = {0.04, 0.09, 0.01};
    const struct response_about about = {.other = 0.25};
    struct response_curve as_is = draw(&differ, &about);
    struct response_curve by_line = draw_by(-0.1, 0.9, &differ, &about);
    assert_close((double)by_line.a, -0.1 + 0.9 * (double)as_is.a, 1e-6);
    assert_close((double)by_line.b, 0.9 * (double)as_is.b, 1e-6);
    assert_close((double)by_line.a_sd, 0.9 * (double)as_is.a_sd, 1e-6);
    assert_close((double)by_line.b_sd, 0.9 * (double)as_is.b_sd, 1e-6);
    assert_all(by_line.correlation == as_is.correlation);
}

TEST_MAIN(cmocka_unit_test(a_mean_is_no_surer_than_one), cmocka_unit_test(variances_add_up),
          cmocka_unit_test(products_move_curves), cmocka_unit_test(curves_are_drawn_by_the_line))
