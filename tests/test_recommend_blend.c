/* Weights of a blend against an independent maximum of the same likelihood; means, errors and the
 * jackknife of coverage against hand counts and an independent one. */
#include "jobs/recommend_blend.h"
#include "jobs/recommend_marks.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>

enum { USERS = 200, SLOTS = 8, FEATURES = 3 };

/* tests/goldens/recommend_blend.py */
static const double golden_all[FEATURES] = {0.136702851, 0.855522471, -0.406895364};
static const double golden_half[FEATURES] = {0.125050075, 0.828175771, -0.38807081};
#define GOLDEN_COVERAGE 0.833333333333333
#define GOLDEN_COVERAGE_ERROR 0.08125

static void add_pool(int64_t u, struct blend_rows *r)
{
    float *x = r->x + r->users * SLOTS * FEATURES;
    uint8_t *wanted = r->wanted + r->users * SLOTS;
    for (int64_t s = 0; s < SLOTS; s++) {
        for (int64_t f = 0; f < FEATURES; f++)
            x[s * FEATURES + f] =
                (float)((double)((u * 7919 + s * 104729 + f * 1299709) % 1009) / 1009.0 - 0.5);
        bool there = s < 4 + u % 5, more = u % 3 == 0 && x[s * FEATURES + 1] > 0.3f;
        wanted[s] = there ? s == u % 4 || more : 2;
    }
    r->fold[r->users++] = (uint8_t)(u % 2);
}

static void test_blend(void **state)
{
    (void)state;
    struct blend_rows rows;
    double weight[FEATURES];
    int64_t users;
    assert_all(blend_rows_open(USERS, SLOTS, FEATURES, &rows) == OK);
    for (int64_t u = 0; u < USERS; u++)
        if (u * world.ranks / USERS == world.rank) add_pool(u, &rows);
    assert_all(blend_fit(&world, &rows, -1, weight, &users) == OK && users == USERS);
    for (int f = 0; f < FEATURES; f++) assert_close(weight[f], golden_all[f], 2e-4);
    assert_all(blend_fit(&world, &rows, 1, weight, &users) == OK && users == USERS / 2);
    for (int f = 0; f < FEATURES; f++) assert_close(weight[f], golden_half[f], 2e-4);
    rows.users = 0;
    assert_all(blend_fit(&world, &rows, -1, weight, &users) == OK && users == 0);
    assert_all(weight[0] == 0.0);
    blend_rows_clear(&rows);
}

enum { JUDGED = 40, ITEMS = 12, FIRST = 3 };

/* A shop of 12 products, by a scorer that has an opinion and one that has the products' order. */
static void add_judged(int64_t u, struct marks_sums *sums)
{
    float opinion[ITEMS], order[ITEMS];
    const float *const panel[2] = {order, opinion};
    const int32_t wanted[1] = {(int32_t)(u % 4)};
    for (int64_t p = 0; p < ITEMS; p++) {
        opinion[p] = (float)((u * 31 + p * p * 17 + u * p * 7) % 101 - 6 * p);
        order[p] = (float)-p;
    }
    marks_add(sums, MARKS_ALL, panel, wanted, 1);
}

static void test_marks(void **state)
{
    (void)state;
    float surprise[ITEMS];
    struct marks_sums sums;
    struct marks_result result;
    for (int p = 0; p < ITEMS; p++) surprise[p] = (float)p;
    assert_all(marks_sums_open(2, ITEMS, ITEMS, FIRST, &sums) == OK);
    assert_all(marks_begin(&sums, JUDGED, surprise) == OK);
    for (int64_t u = 0; u < JUDGED; u++)
        if (u * world.ranks / JUDGED == world.rank) add_judged(u, &sums);
    marks_end(&world, &sums);
    assert_all(marks_finish(&world, &sums, &result) == OK);
    const struct marks *order = &result.of[MARKS_ALL][0], *opinion = &result.of[MARKS_ALL][1];
    assert_all(result.users[MARKS_ALL] == JUDGED && result.users[MARKS_NEW] == 0);
    /* products 0, 1, 2 for all: three users in four are served */
    assert_close(order->mean[RANKING_HIT], 0.75, 1e-15);
    assert_close(order->error[RANKING_HIT], sqrt(0.75 * 0.25 / (JUDGED - 1)), 1e-15);
    assert_close(order->mean[RANKING_NDCG], (1.0 + 1.0 / log2(3.0) + 0.5) / 4.0, 1e-15);
    assert_close(order->mean[MARK_NOVELTY], 1.0, 1e-15);
    assert_close(order->mean[MARK_COVERAGE], 0.25, 1e-15);
    assert_close(order->error[MARK_COVERAGE], 0.0, 1e-15);
    assert_close(opinion->mean[MARK_COVERAGE], GOLDEN_COVERAGE, 1e-14);
    assert_close(opinion->error[MARK_COVERAGE], GOLDEN_COVERAGE_ERROR, 1e-14);
    assert_close(result.gap[MARKS_ALL][1][0].mean,
                 opinion->mean[RANKING_NDCG] - order->mean[RANKING_NDCG], 1e-14);
    assert_all(isnan(result.of[MARKS_NEW][0].mean[RANKING_NDCG]));
    marks_sums_clear(&sums);
}

TEST_MAIN(cmocka_unit_test(test_blend), cmocka_unit_test(test_marks))
