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

static void users_without_attributes(struct scorer_world *w)
{
    struct users *users = &w->dataset->users;
    free(users->attribute[0].name);
    dictionary_clear(&users->attribute[0].levels);
    free(users->attribute[0].value);
    users->attributes = 0;
    scorer_data_clear(&w->data);
    if (scorer_data_make(&world, &w->shop, INT64_MAX, NULL, &w->data) != OK) abort();
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

/* knob: half life, smoothing, bits */
static const double content_knob[] = {120.0, 2.0, 8.0};

static void content_finds_tastes(void **state)
{
    (void)state;
    struct scorer_world *w = world_open(&world, WORLD_DAYS);
    void *model = NULL;
    assert_all(scorer_content.fit(&world, &w->data, content_knob, &model) == OK);
    assert_all(world_right(w, &scorer_content, model, false) > 0.9);
    assert_all(world_right(w, &scorer_content, model, true) > 0.6); /* by age alone */
    scorer_content.free(&model);
    world_free(&w);
}

/* A product that nobody has bought yet stands among the first for users who like its brand, and
 * far behind for the others. */
static void new_product_of_a_liked_brand(void **state)
{
    (void)state;
    struct scorer_world *w = world_open(&world, WORLD_DAYS);
    void *model = NULL;
    float *score = NULL;
    int64_t users[2] = {0, 0}, better[2] = {0, 0};
    assert_all(scorer_content.fit(&world, &w->data, content_knob, &model) == OK);
    TINY_NEW(score, scorer_stride(&w->data));
    for (int u = 0; u < WORLD_USERS; u++) {
        bool liked = world_taste(u) == WORLD_NEW % WORLD_BRANDS;
        if (world_idle(u) || !world_scores(w, &scorer_content, model, u, score)) continue;
        users[liked]++;
        for (int p = 0; p < WORLD_NEW; p++) better[liked] += score[WORLD_NEW] > score[p];
    }
    comm_sum_int64(&world, users, 2);
    comm_sum_int64(&world, better, 2);
    assert_all((double)better[1] / (double)(users[1] * WORLD_NEW) > 0.8);
    assert_all((double)better[0] / (double)(users[0] * WORLD_NEW) < 0.5);
    free(score);
    scorer_content.free(&model);
    world_free(&w);
}

/* Without an attribute of users those without a history get the portrait of all: all the same. */
static void nothing_is_known(void **state)
{
    (void)state;
    struct scorer_world *w = world_open(&world, WORLD_DAYS);
    void *model = NULL;
    float score[2][WORLD_PRODUCTS + 16], first[WORLD_PRODUCTS + 16];
    int64_t seen = 0;
    bool good = true;
    users_without_attributes(w);
    assert_all(scorer_content.fit(&world, &w->data, content_knob, &model) == OK);
    for (int u = 0; u < WORLD_USERS; u++) {
        if (!world_idle(u) || !world_scores(w, &scorer_content, model, u, score[seen > 0]))
            continue;
        if (seen++ == 0) memcpy(first, score[0], sizeof first);
        for (int p = 0; p < WORLD_PRODUCTS; p++)
            good = good && isfinite(score[seen > 1][p]) && score[seen > 1][p] == first[p];
    }
    assert_all(good);
    scorer_content.free(&model);
    world_free(&w);
}

static void same_bytes(void **state)
{
    (void)state;
    assert_all(world_same(&scorer_content, content_knob));
    assert_all(world_same(&scorer_linear, linear_knob));
}

static void faults(void **state)
{
    (void)state;
    assert_all(world_faults(&scorer_content, content_knob));
    assert_all(world_faults(&scorer_linear, linear_knob));
}

TEST_MAIN(cmocka_unit_test(lines_find_tastes), cmocka_unit_test(lines_without_products),
          cmocka_unit_test(too_few_days), cmocka_unit_test(content_finds_tastes),
          cmocka_unit_test(new_product_of_a_liked_brand), cmocka_unit_test(nothing_is_known),
          cmocka_unit_test(same_bytes), cmocka_unit_test(faults))
