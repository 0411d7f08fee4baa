/* The best of many scores against a full sort; measures against hand counts and an independent
 * implementation. */
#include "algorithms/ranking.h"
#include "mpi/memory.h"
#include "tests/harness.h"
#include "tests/uniform.h"

#include <math.h>
#include <stdlib.h>

enum { ITEMS = 1003, BEST = 40 };

static float score[ITEMS];
static int32_t item[BEST];
static float value[BEST];

static void test_hand(void **state)
{
    (void)state;
    const float few[5] = {1.0f, 3.0f, -INFINITY, 3.0f, 2.0f};
    ranking_best(few, 5, 3, item, value);
    assert_all(item[0] == 1 && item[1] == 3 && item[2] == 4 && value[2] == 2.0f);
    ranking_best(few, 5, 6, item, value);
    assert_all(item[3] == 0 && item[4] == -1 && item[5] == -1 && value[5] == 0.0f);
    ranking_best(few, 0, 1, item, value);
    assert_all(item[0] == -1);
    ranking_best(few, 5, 0, item, value);
}

static int by_score(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    if (score[left] != score[right]) return score[left] > score[right] ? -1 : 1;
    return (left > right) - (left < right);
}

/* Many ties, at every length. */
static void test_sorted(void **state)
{
    (void)state;
    int32_t order[ITEMS];
    for (int64_t length = 1; length <= ITEMS; length = 2 * length + length % 3) {
        bool same = true;
        for (int32_t i = 0; i < length; i++) {
            score[i] = (float)floor(100.0 * uniform(i, (int)(length % 64)));
            order[i] = i;
        }
        qsort(order, (size_t)length, sizeof *order, by_score);
        ranking_best(score, length, BEST, item, value);
        for (int64_t i = 0; i < BEST; i++)
            same = same && (i < length ? item[i] == order[i] && value[i] == score[order[i]]
                                       : item[i] == -1);
        assert_all(same);
    }
}

/* Two of four wanted: first and last of 1 > 3 = 2 > 0; item 4 is not ranked. */
static void test_judge_hand(void **state)
{
    (void)state;
    const float few[5] = {1.0f, 5.0f, 3.0f, 3.0f, -INFINITY};
    const int32_t wanted[2] = {0, 1}, tied[1] = {3};
    double mark[RANKING_MEASURES];
    ranking_judge(few, 5, wanted, 2, 2, mark);
    assert_close(mark[RANKING_PRECISION], 0.5, 0.0);
    assert_close(mark[RANKING_RECALL], 0.5, 0.0);
    assert_close(mark[RANKING_F1], 0.5, 0.0);
    assert_close(mark[RANKING_NDCG], 1.0 / (1.0 + 1.0 / log2(3.0)), 1e-15);
    assert_close(mark[RANKING_HIT], 1.0, 0.0);
    assert_close(mark[RANKING_AUC], 0.5, 1e-15);
    ranking_judge(few, 5, tied, 1, 2, mark); /* third, behind item 2 of the same score */
    assert_close(mark[RANKING_NDCG], 0.0, 0.0);
    assert_close(mark[RANKING_F1], 0.0, 0.0);
    assert_close(mark[RANKING_AUC], 0.5, 1e-15);
    ranking_judge(few, 2, wanted, 2, 2, mark);
    assert_all(isnan(mark[RANKING_AUC]) && mark[RANKING_NDCG] == 1.0);
}

/* tests/goldens/ranking.py */
static const double golden[RANKING_MEASURES] = {
    0.168, 0.0416290068275294, 0.066720975108536, 0.160639154883395, 0.76, 0.671039233164895};

static void test_judge_golden(void **state)
{
    (void)state;
    enum { USERS = 50, FIRST = 20 };
    double sum[RANKING_MEASURES] = {0}, mark[RANKING_MEASURES];
    int32_t wanted[ITEMS];
    for (int32_t u = 0; u < USERS; u++) {
        int64_t count = 0;
        for (int32_t i = 0; i < ITEMS; i++) {
            int32_t x = (i * 7919 + u * 104729) % 1009 / 4;
            bool ranked = (i + u) % 13 != 0;
            score[i] = ranked ? (float)x : -INFINITY;
            if (ranked && (i * 31 + u * 17) % 97 < 1 + x / 16) wanted[count++] = i;
        }
        ranking_judge(score, ITEMS, wanted, count, FIRST, mark);
        for (int m = 0; m < RANKING_MEASURES; m++) sum[m] += mark[m] / USERS;
    }
    for (int m = 0; m < RANKING_MEASURES; m++) assert_close(sum[m], golden[m], 1e-12);
}

static void test_places(void **state)
{
    (void)state;
    const float few[5] = {1.0f, 3.0f, -INFINITY, 3.0f, 2.0f};
    int32_t place[5];
    ranking_places(few, 5, place);
    assert_all(place[0] == 3 && place[1] == 0 && place[2] == 4 && place[3] == 1 && place[4] == 2);
}

static void test_extend(void **state)
{
    (void)state;
    const float base[5] = {1.0f, 7.0f, -INFINITY, 3.0f, 5.0f}, given[2] = {-20.0f, -10.0f};
    const int32_t first[2] = {0, 3};
    float all[5];
    ranking_extend(base, 5, first, given, 2, all);
    ranking_best(all, 5, 5, item, value);
    assert_all(item[0] == 3 && item[1] == 0 && item[2] == 1 && item[3] == 4 && item[4] == -1);
    ranking_extend(base, 5, first, given, 0, all);
    ranking_best(all, 5, 2, item, value);
    assert_all(item[0] == 1 && item[1] == 4);
}

TEST_MAIN(cmocka_unit_test(test_hand), cmocka_unit_test(test_sorted),
          cmocka_unit_test(test_judge_hand), cmocka_unit_test(test_judge_golden),
          cmocka_unit_test(test_places), cmocka_unit_test(test_extend))
