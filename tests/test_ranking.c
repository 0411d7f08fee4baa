/* The best of many scores against a full sort. */
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

TEST_MAIN(cmocka_unit_test(test_hand), cmocka_unit_test(test_sorted))
