/* curves.h5: what is written is read again, and intervals are those of the log odds. */
#include "tests/harness.h"

#include "jobs/curves.h"

#include <string.h>
#include <unistd.h>

enum { USERS = 6, SLOTS = 3 };

static char path[64];

/* Saturates: half of it all by 5 %; and a kind of users that nothing below 10 % moves. */
static const struct dose_shapes bent = {1, {{2, {0.1, 0.3}, {0.3, 0.3}}}};
static const struct dose_shapes of_kinds = {
    2, {{2, {0.1, 0.3}, {0.3, 0.3}}, {2, {0.1, 0.3}, {0.0, 0.2}}}};

static struct blocks cut_users(void)
{
    int64_t first = USERS * world.rank / world.ranks;
    return (struct blocks){.rows_local = USERS * (world.rank + 1) / world.ranks - first,
                           .row_first = first,
                           .rows_total = USERS};
}

static void fill(const struct blocks *users, struct curves *curves)
{
    curves->observational = true;
    for (int64_t i = 0; i < users->rows_local * SLOTS; i++) {
        float slot = (float)(users->row_first * SLOTS + i);
        curves->a[i] = -2.0f + 0.1f * slot;
        curves->b[i] = 0.5f * slot;
        if (curves->a_sd == NULL) continue;
        curves->a_sd[i] = 0.3f + 0.01f * slot;
        curves->b_sd[i] = 0.1f * slot;
        curves->correlation[i] = -0.5f;
    }
}

static bool same(const float *left, const float *right, int64_t count)
{
    if (left == NULL || right == NULL) return left == right;
    return memcmp(left, right, (size_t)count * sizeof *left) == 0;
}

static void written_and_read(void **state)
{
    (void)state;
    struct blocks users = cut_users();
    snprintf(path, sizeof path, "test_curves_%d.h5", world.ranks);
    int64_t count = users.rows_local * SLOTS;
    for (int with = 0; with < 3; with++) {
        struct curves curves, plain, all;
        const struct dose_shapes none = {0}, *shapes = with == 0   ? &none
                                                       : with == 1 ? &bent
                                                                   : &of_kinds;
        float chance[2 * USERS];
        for (int64_t u = 0; u < users.rows_local; u++) {
            chance[2 * u + 1] = (float)(users.row_first + u) / USERS;
            chance[2 * u] = 1.0f - chance[2 * u + 1];
        }
        assert_all(curves_reserve(users.rows_local, SLOTS, with > 0, &curves) == OK);
        assert_all(curves_take_shapes(shapes, chance, users.rows_local, &curves) == OK);
        fill(&users, &curves);
        assert_all(curves_write(&world, path, &users, &curves) == OK);
        assert_all(curves_read(&world, path, &users, &plain) == OK);
        assert_all(curves_read_intervals(&world, path, &users, &all) == OK);
        assert_all(plain.slots == SLOTS && plain.observational && plain.a_sd == NULL);
        assert_all(same(plain.a, curves.a, count) && same(plain.b, curves.b, count));
        assert_all(same(all.a_sd, curves.a_sd, count) && same(all.b_sd, curves.b_sd, count));
        assert_all(same(all.correlation, curves.correlation, count));
        assert_all(plain.shapes.kinds == with);
        int64_t wrong = 0;
        for (int64_t u = 0; u < users.rows_local; u++) {
            double wanted = with == 0 ? 0.05 : with == 1 ? 0.15 : 0.15 * (double)chance[2 * u];
            wrong += fabs(curves_dose(&plain, u, 0.05) - wanted) > 1e-15;
        }
        assert_all(wrong == 0);
        curves_clear(&curves);
        curves_clear(&plain);
        curves_clear(&all);
    }
    if (world.rank == 0) unlink(path);
}

/* Without a discount: a = -1 is the log odds of the mean chance, of variance 1; 1.6449 deviations
 * hold 90 %. */
static void intervals(void **state)
{
    (void)state;
    struct curves curves;
    double low, high, middle = -1.0 * sqrt(1.0 + M_PI / 8.0);
    assert_all(curves_reserve(1, 1, true, &curves) == OK);
    curves.a[0] = -1.0f;
    curves.b[0] = 2.0f;
    curves.a_sd[0] = 1.0f;
    curves.b_sd[0] = 3.0f;
    curves.correlation[0] = -0.5f;
    curves_interval(&curves, 0, 0.0, 0.9, &low, &high);
    assert_close(low, 1.0 / (1.0 + exp(-(middle - 1.6448536269514722))), 1e-9);
    assert_close(high, 1.0 / (1.0 + exp(-(middle + 1.6448536269514722))), 1e-9);
    curves_interval(&curves, 0, 0.5, 0.95, &low, &high);
    double variance = 1.0 - 1.5 + 2.25; /* 1 + 2 x 0.5 x (-0.5) x 1 x 3 + 0.25 x 9 */
    double half = 1.9599639845400545 * sqrt(variance);
    assert_close(low, 1.0 / (1.0 + exp(half)), 1e-9); /* a + b d = 0 */
    assert_close(high, 1.0 / (1.0 + exp(-half)), 1e-9);
    curves.a[0] = -8.0f; /* far out: the middle is half the variance lower */
    curves.a_sd[0] = 2.0f;
    curves_interval(&curves, 0, 0.0, 0.9, &low, &high);
    assert_close(low, 1.0 / (1.0 + exp(10.0 + 2.0 * 1.6448536269514722)), 1e-9);
    assert_close(high, 1.0 / (1.0 + exp(10.0 - 2.0 * 1.6448536269514722)), 1e-9);
    curves.a_sd[0] = 30.0f; /* the mean of so wide a spread lies beyond nine in ten of it */
    curves_interval(&curves, 0, 0.0, 0.9, &low, &high);
    assert_all(low < high && low <= curves_chance(-8.0, 0.0, 0.0));
    assert_all(high >= curves_chance(-8.0, 0.0, 0.0));
    curves_clear(&curves);
    assert_all(curves_reserve(1, 1, false, &curves) == OK);
    curves_interval(&curves, 0, 0.3, 0.9, &low, &high);
    assert_all(low == 0.5 && high == 0.5);
    curves_clear(&curves);
}

/* What a buyer keeps grows with the discount by the chance of buying, bent or not. */
static void surplus_is_the_area_below_the_curve(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct dose_shape shape = with == 1 ? bent.shape[0] : (struct dose_shape){0};
        for (double d = 0.0; d < 0.5; d += 0.04) {
            double area = 0.0, wide = 0.04 / 4000;
            for (int i = 0; i < 4000; i++) {
                double dose = dose_apply(&shape, d + (i + 0.5) * wide);
                area += wide * curves_chance(-1.5, 4.0, dose);
            }
            double gain =
                curves_surplus(&shape, -1.5, 4.0, d + 0.04) - curves_surplus(&shape, -1.5, 4.0, d);
            assert_close(gain, area, 1e-8);
        }
        assert_close(curves_surplus(&shape, 0.0, 2.0, 0.0), log(2.0) / 2.0, 1e-12);
    }
}

TEST_MAIN(cmocka_unit_test(written_and_read), cmocka_unit_test(intervals),
          cmocka_unit_test(surplus_is_the_area_below_the_curve))
