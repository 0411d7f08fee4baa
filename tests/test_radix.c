/* Selection by digits, against sorting everything on one rank. */
#include "tests/harness.h"

#include "algorithms/radix.h"
#include "partition/random.h"

#include <stdlib.h>

enum { ITEMS = 500, CASES = 40 };

struct item {
    uint64_t key;
    int64_t weight;
};

static struct item item_of(int64_t test, int64_t i)
{
    uint64_t key = random_below(5, RANDOM_TEST, (uint64_t)test, (uint64_t)i, UINT64_MAX);
    int64_t weight = 1 + (int64_t)random_below(6, RANDOM_TEST, (uint64_t)test, (uint64_t)i, 100);
    if (test % 4 == 1) key = key % 3 + 7;               /* many ties */
    if (test % 4 == 2) key = (key % 9) << 48 | key % 5; /* ties in the middle digits */
    if (test % 4 == 3) key = 1;
    return (struct item){.key = key, .weight = weight};
}

static int compare_items(const void *a, const void *b)
{
    uint64_t left = ((const struct item *)a)->key, right = ((const struct item *)b)->key;
    return left > right ? -1 : left < right;
}

/* {fits, threshold, above, weight at the threshold} by sorting. */
static void select_by_sorting(int64_t test, int64_t items, int64_t limit, struct radix *expected)
{
    struct item all[ITEMS];
    for (int64_t i = 0; i < items; i++) all[i] = item_of(test, i);
    qsort(all, (size_t)items, sizeof *all, compare_items);
    *expected = (struct radix){.fits = true};
    for (int64_t i = 0, next; i < items; i = next) {
        int64_t weight = 0;
        for (next = i; next < items && all[next].key == all[i].key; next++)
            weight += all[next].weight;
        if (weight > limit - expected->above) {
            expected->fits = false;
            expected->threshold = all[i].key;
            expected->mine_at = weight;
            return;
        }
        expected->above += weight;
    }
}

static void agrees_with_sorting(void **state)
{
    (void)state;
    struct radix radix = {0}, expected;
    assert_all(radix_init(&radix) == OK);
    for (int64_t test = 0; test < CASES; test++) {
        int64_t items = test < 4 ? test : ITEMS, limit = test * test * 20;
        radix_begin(&radix);
        do {
            for (int64_t i = world.rank; i < items; i += world.ranks) {
                struct item item = item_of(test, i);
                radix_add(&radix, item.key, item.weight);
            }
        } while (radix_step(&world, &radix, limit));
        select_by_sorting(test, items, limit, &expected);
        int64_t at = radix.mine_at;
        comm_sum_int64(&world, &at, 1);
        assert_all(radix.fits == expected.fits && radix.threshold == expected.threshold);
        assert_all(radix.above == expected.above && at == expected.mine_at);
    }
    radix_clear(&radix);
}

TEST_MAIN(cmocka_unit_test(agrees_with_sorting))
