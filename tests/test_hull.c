/* Hulls of single slots, against every price, and slope keys against exact comparison. */
#include "tests/harness.h"

#include "algorithms/hull.h"
#include "partition/random.h"

__extension__ typedef __int128 int128;

enum { CASES = 5000, LEVELS = 8 };

static int64_t draw(int64_t entity, int64_t number, int64_t low, int64_t high)
{
    uint64_t width = (uint64_t)(high - low + 1);
    return low + (int64_t)random_below(3, RANDOM_TEST, (uint64_t)entity, (uint64_t)number, width);
}

static bool hull_is(const struct hull *hull, int count, const uint8_t *level)
{
    bool same = hull->count == count;
    for (int j = 0; same && j < count; j++) same = hull->level[j] == level[j];
    return same;
}

static void known_hulls(void **state)
{
    (void)state;
    struct hull hull;
    const int64_t cost[5] = {0, 10, 20, 30, 40};
    const int64_t rising[5] = {0, 10, 15, 17, 18}, hollow[5] = {0, 1, 15, 16, 12};
    hull_make(rising, cost, UINT32_MAX, 5, &hull);
    assert_all(hull_is(&hull, 5, (const uint8_t[]){0, 1, 2, 3, 4}));
    hull_make(hollow, cost, UINT32_MAX, 5, &hull); /* 1 lies below 0-2, 4 loses value */
    assert_all(hull_is(&hull, 3, (const uint8_t[]){0, 2, 3}));
    hull_make(rising, cost, 1 | 1 << 3, 5, &hull); /* forbidden levels do not exist */
    assert_all(hull_is(&hull, 2, (const uint8_t[]){0, 3}));
    const int64_t line[3] = {5, 7, 9}, unordered[3] = {0, 2, 1}, ordered[3] = {0, 1, 2};
    hull_make(line, ordered, UINT32_MAX, 3, &hull); /* one line: all stay */
    assert_all(hull_is(&hull, 3, (const uint8_t[]){0, 1, 2}));
    hull_make(line, unordered, UINT32_MAX, 3, &hull); /* 2 is cheaper and better than 1 */
    assert_all(hull_is(&hull, 2, (const uint8_t[]){0, 2}));
    const int64_t gift[3] = {5, 9, 9}, free_of_cost[3] = {0, 0, 0};
    hull_make(gift, free_of_cost, UINT32_MAX, 3,
              &hull); /* a gain for nothing is where the hull starts */
    assert_all(hull_is(&hull, 1, (const uint8_t[]){1}));
}

/* At any price the best point of all levels is on the hull, and slopes do not rise along it. */
static void hulls_support_every_price(void **state)
{
    (void)state;
    int64_t violations = 0;
    for (int64_t i = 0; i < CASES; i++) {
        int64_t value[LEVELS], cost[LEVELS], scale = i % 2 != 0 ? 6 : HULL_LIMIT;
        for (int k = 0; k < LEVELS; k++) {
            value[k] = draw(i, k, -scale / 2, scale);
            cost[k] = k == 0 ? 0 : draw(i, LEVELS + k, 0, scale);
        }
        struct hull hull;
        hull_make(value, cost, UINT32_MAX, LEVELS, &hull);
        for (int p = 0; p < 6; p++) {
            int64_t up = draw(i, 20 + p, 0, scale), down = draw(i, 30 + p, 1, scale);
            int128 best = (int128)value[0] * down, on_hull = INT64_MIN * (int128)scale * 2;
            for (int k = 0; k < LEVELS; k++) {
                int128 worth = (int128)value[k] * down - (int128)cost[k] * up;
                if (worth > best) best = worth;
            }
            for (int j = 0; j < hull.count; j++) {
                int128 worth =
                    (int128)value[hull.level[j]] * down - (int128)cost[hull.level[j]] * up;
                if (worth > on_hull) on_hull = worth;
            }
            violations += best != on_hull;
        }
        uint64_t last = UINT64_MAX;
        for (int j = 1; j < hull.count; j++) {
            int a = hull.level[j - 1], b = hull.level[j];
            uint64_t key = hull_slope_key(value[b] - value[a], cost[b] - cost[a]);
            violations += key > last;
            last = key;
        }
    }
    assert_all(violations == 0);
}

static void keys_order_like_slopes(void **state)
{
    (void)state;
    int64_t violations = 0;
    for (int64_t i = 0; i < 4 * CASES; i++) {
        int shift = (int)(i % 52);
        int64_t high = ((int64_t)2 << shift), a = draw(i, 0, 1, high), b = draw(i, 1, 1, high);
        int64_t c = draw(i, 2, 1, high), d = draw(i, 3, 1, high);
        int128 difference = (int128)a * d - (int128)c * b; /* sign of a/b - c/d */
        uint64_t first = hull_slope_key(a, b), second = hull_slope_key(c, d);
        violations += difference > 0 && first < second;
        violations += difference == 0 && first != second;
        violations += difference > 0 && shift < 25 && first == second;
    }
    assert_all(violations == 0);
    uint64_t least = hull_slope_key(1, HULL_LIMIT * 2), most = hull_slope_key(HULL_LIMIT * 2, 1);
    assert_all(least >> 32 > 0 && most >> 32 < UINT32_MAX && least < most);
}

TEST_MAIN(cmocka_unit_test(known_hulls), cmocka_unit_test(hulls_support_every_price),
          cmocka_unit_test(keys_order_like_slopes))
