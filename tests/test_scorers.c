/* Scorers that learn from portraits: users with and without a history get what they like. */
#include "tests/scorer_world.h"

static const double linear_knob[] = {20.0, 20.0, 120.0};

static void lines_find_tastes(void **state)
{
    (void)state;
    struct scorer_world *w = world_open(&world, WORLD_DAYS);
    void *model = NULL;
    assert_all(scorer_linear.fit(&world, &w->data, linear_knob, &model) == OK);
    assert_all(world_right(w, &scorer_linear, model, false) > 0.9);
    assert_all(world_right(w, &scorer_linear, model, true) > 0.6); /* by age alone */
    scorer_linear.free(&model);
    world_free(&w);
}

/* The history alone, without columns for likings, tells less; scores stay finite. */
static void lines_without_products(void **state)
{
    (void)state;
    const double none[] = {20.0, 0.0, 120.0};
    struct scorer_world *w = world_open(&world, WORLD_DAYS);
    float score[WORLD_PRODUCTS + 16];
    void *model = NULL;
    bool finite = true;
    assert_all(scorer_linear.fit(&world, &w->data, none, &model) == OK);
    for (int u = 0; u < WORLD_USERS; u++)
        for (int p = 0; p < WORLD_PRODUCTS && world_scores(w, &scorer_linear, model, u, score); p++)
            finite = finite && isfinite(score[p]);
    assert_all(finite);
    assert_all(world_right(w, &scorer_linear, model, false) > 0.7);
    scorer_linear.free(&model);
    world_free(&w);
}

static void too_few_days(void **state)
{
    (void)state;
    struct scorer_world *w = world_open(&world, 3);
    void *model = NULL;
    assert_all(scorer_linear.fit(&world, &w->data, linear_knob, &model) == ERR_DATA &&
               model == NULL);
    assert_non_null(strstr(status_message(), "less than five days"));
    world_free(&w);
}

static void same_bytes(void **state)
{
    (void)state;
    assert_all(world_same(&scorer_linear, linear_knob));
}

static void faults(void **state)
{
    (void)state;
    assert_all(world_faults(&scorer_linear, linear_knob));
}

TEST_MAIN(cmocka_unit_test(lines_find_tastes), cmocka_unit_test(lines_without_products),
          cmocka_unit_test(too_few_days), cmocka_unit_test(same_bytes), cmocka_unit_test(faults))
