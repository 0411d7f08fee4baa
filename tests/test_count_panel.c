/* Counts in panels: against dense algebra with dummies, planted slopes, what cannot be told, equal
 * bits on all ranks. */
#include "tests/harness.h"

#include "algorithms/count_panel.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PRODUCTS = 9, WEEKS = 12, SEGMENTS = 3, SLOPES = 3, BLOCK = 2 };

/* One rank's share of a panel table; products in blocks of BLOCK. */
struct table {
    struct blocks blocks;
    double *x;
    int32_t *slope, season[WEEKS];
    int64_t *start;
    struct panel_count *count;
    struct panel_data data;
};

/* The rows of tests/goldens/count_panel.py. */
static double price(int64_t i, int64_t t)
{
    if (i == 4 && t < 3) return NAN;
    return ((i * 5 + t * 7) % 11 < 3 ? -0.25 : 0.0) - 0.02 * (double)(t % 3);
}

static double units(int64_t i, int64_t t, int64_t s)
{
    int64_t few = (i * 31 + t * 17 + s * 13 + i * t * s) % 7;
    return (double)(price(i, t) < -0.2 ? 2 * few : few);
}

static double same_price(int64_t i, int64_t t)
{
    return i % SLOPES == 1 ? 0.5 : price(i, t);
}

static double weekly_price(int64_t i, int64_t t)
{
    return -0.01 * (double)t - 0.1 * (double)(t % 4) + (double)i;
}

static double no_units(int64_t i, int64_t t, int64_t s)
{
    return 0.0 * (double)(i + t + s);
}

static double exact_units(int64_t i, int64_t t, int64_t s)
{
    double slope = -1.0 - (double)(i % SLOPES) - 0.5 * (double)s;
    return isnan(price(i, t)) ? 0.0 : exp(slope * price(i, t) + 0.1 * (double)(t / 3));
}

typedef double price_function(int64_t i, int64_t t);
typedef double units_function(int64_t i, int64_t t, int64_t s);

static void make(const struct comm *comm, price_function *x, units_function *sold, bool weekly,
                 struct table *t)
{
    *t = (struct table){0};
    if (blocks_cut(comm, PRODUCTS, BLOCK, &t->blocks) != OK) abort();
    int64_t products = t->blocks.rows_local, at = 0;
    if (memory_new(&t->x, products * WEEKS, sizeof *t->x) != OK ||
        memory_new(&t->slope, products, sizeof *t->slope) != OK ||
        memory_new(&t->start, products + 1, sizeof *t->start) != OK ||
        memory_new(&t->count, products * WEEKS * SEGMENTS, sizeof *t->count) != OK)
        abort();
    for (int64_t p = 0; p < products; p++) {
        int64_t i = t->blocks.row_first + p;
        t->slope[p] = (int32_t)(i % SLOPES);
        for (int32_t w = 0; w < WEEKS; w++) {
            t->x[p * WEEKS + w] = x(i, w);
            for (int32_t s = 0; s < SEGMENTS; s++)
                if (sold(i, w, s) > 0.0) t->count[at++] = (struct panel_count){w, s, sold(i, w, s)};
        }
        t->start[p + 1] = at;
    }
    for (int32_t w = 0; w < WEEKS; w++) t->season[w] = weekly ? w : w / 3;
    t->data = (struct panel_data){.blocks = &t->blocks,
                                  .weeks = WEEKS,
                                  .folds = 2,
                                  .segments = SEGMENTS,
                                  .slopes = SLOPES,
                                  .seasons = t->season[WEEKS - 1] + 1,
                                  .season = t->season,
                                  .slope = t->slope,
                                  .x = t->x,
                                  .start = t->start,
                                  .count = t->count};
}

static void clear(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->slope);
    free(t->start);
    free(t->count);
}

static void as_dense_algebra(void **state)
{
    (void)state;
    static const double slope[] = {-3.237976220776, -3.184766233501, -1.971130747427},
                        error[] = {0.723913518879, 0.799174897428, 0.699989745861},
                        left[] = {4.7131962360, 4.2567067435, 4.3284759361},
                        season[] = {0.0, -0.136438941259, -0.050801003658, -0.032455940830};
    struct table t;
    struct count_panel *fit = NULL;
    double estimate, std_error;
    make(&world, price, units, false, &t);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK && fit->converged);
    for (int c = 0; c < SLOPES; c++) {
        double weight[SLOPES] = {0}, none[SEGMENTS] = {0};
        weight[c] = 1.0;
        assert_close(fit->slope[c], slope[c], 1e-10);
        assert_close(fit->leverage[c], left[c], 1e-8);
        assert_all(count_panel_combine(fit, weight, none, &estimate, &std_error) == OK);
        assert_close(estimate, slope[c], 1e-10);
        assert_close(std_error, error[c], 1e-9);
    }
    for (int z = 0; z < 4; z++) assert_close(fit->season[z], season[z], 1e-10);
    assert_close(fit->shift[1], 0.364254889403, 1e-10);
    assert_close(fit->shift[2], 0.419513315464, 1e-10);
    const double of_slope[SLOPES] = {0, 1, 0}, of_shift[SEGMENTS] = {0, 0.25, 0.5};
    assert_all(count_panel_combine(fit, of_slope, of_shift, &estimate, &std_error) == OK);
    assert_close(estimate, -2.883945853418, 1e-10);
    assert_close(std_error, 0.663492926950, 1e-9);
    assert_close(fit->dispersion, 1.724927218528, 1e-9);
    assert_all(fit->cells == 105);
    count_panel_free(&fit);
    clear(&t);
}

static double sold_alone(int64_t i, int64_t t, int64_t s)
{
    return s == 0 ? 1.5 * units(i, t, 0) : 0.0;
}

static double price_if_sold(int64_t i, int64_t t)
{
    return units(i, t, 0) > 0.0 ? price(i, t) : NAN;
}

/* Weeks without a sale are not there; a sale is of 1.5 units. */
static void truncated_as_dense_algebra(void **state)
{
    (void)state;
    static const double slope[] = {-2.994315611698, -3.483743088925, -2.832069112197},
                        error[] = {1.045268098261, 1.473389683943, 1.102745916309},
                        season[] = {0.0, -0.231361321105, -0.058725799671, -0.078073227502};
    double per_sale[PRODUCTS], offset[PRODUCTS * WEEKS];
    struct table t;
    struct count_panel *fit = NULL;
    make(&world, price_if_sold, sold_alone, false, &t);
    for (int i = 0; i < PRODUCTS; i++) per_sale[i] = 1.5;
    t.data.segments = t.data.folds = 1;
    t.data.per_sale = per_sale;
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK && fit->converged);
    for (int c = 0; c < SLOPES; c++) {
        double weight[SLOPES] = {0}, none[1] = {0}, estimate, std_error;
        weight[c] = 1.0;
        assert_all(count_panel_combine(fit, weight, none, &estimate, &std_error) == OK);
        assert_close(estimate, slope[c], 1e-9);
        assert_close(std_error, error[c], 1e-8);
    }
    for (int z = 0; z < 4; z++) assert_close(fit->season[z], season[z], 1e-9);
    assert_all(count_panel_offsets(&t.data, fit, offset) == OK);
    bool first = t.blocks.row_first == 0 && t.blocks.rows_local > 0;
    assert_close(first ? offset[6] : 0.038944112877, 0.038944112877, 1e-9);
    count_panel_free(&fit);
    clear(&t);
}

/* Counts that follow the model to the last digit give its parameters back, but for a prior of sd
 * 100. */
static void exact_counts(void **state)
{
    (void)state;
    struct table t;
    struct count_panel *fit = NULL;
    make(&world, price, exact_units, false, &t);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK && fit->converged);
    for (int c = 0; c < SLOPES; c++) assert_close(fit->slope[c], -1.0 - c, 1e-3);
    assert_close(fit->shift[1], -0.5, 1e-3);
    assert_close(fit->shift[2], -1.0, 1e-3);
    assert_close(fit->season[3], 0.3, 1e-3);
    count_panel_free(&fit);
    clear(&t);
}

/* A price that never moves tells nothing; the others stay. */
static void what_cannot_be_told(void **state)
{
    (void)state;
    struct table t;
    struct count_panel *fit = NULL;
    const double weight[SLOPES] = {0, 1, 0}, other[SLOPES] = {1, 0, 0}, none[SEGMENTS] = {0};
    double estimate = 0, std_error = 0;
    make(&world, same_price, units, false, &t);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK);
    assert_all(fit->dropped[1] && !fit->dropped[0] && !fit->dropped[2]);
    assert_all(count_panel_combine(fit, weight, none, &estimate, &std_error) == OK);
    assert_all(isnan(estimate) && isnan(std_error));
    assert_all(count_panel_combine(fit, other, none, &estimate, &std_error) == OK);
    assert_all(isfinite(estimate) && std_error > 0.0);
    count_panel_free(&fit);
    clear(&t);
}

/* Prices that move with the weeks and alike for all cannot be told from the weeks' effects. */
static void prices_of_weeks(void **state)
{
    (void)state;
    struct table t;
    struct count_panel *fit = NULL;
    make(&world, weekly_price, units, true, &t);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK);
    assert_all(fit->dropped[0] && fit->dropped[1] && fit->dropped[2]);
    count_panel_free(&fit);
    clear(&t);
}

static void nothing_sold(void **state)
{
    (void)state;
    struct table t;
    struct count_panel *fit = NULL;
    make(&world, price, no_units, false, &t);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK && fit->converged);
    assert_all(fit->dropped[0] && fit->dropped[1] && fit->dropped[2] && fit->cells == 0);
    assert_all(fit->dispersion == 1.0);
    count_panel_free(&fit);
    clear(&t);
}

static void same_bits_on_all_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct table t, alone;
    struct count_panel *fit = NULL, *whole = NULL;
    const double weight[SLOPES] = {0, 1, 0}, shift[SEGMENTS] = {0, 0, 1};
    double e[2], s[2];
    make(&world, price, units, true, &t);
    make(&self, price, units, true, &alone);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK);
    assert_all(count_panel_fit(&self, &alone.data, &whole) == OK);
    assert_all(memcmp(fit->slope, whole->slope, sizeof(double) * SLOPES) == 0);
    assert_all(memcmp(fit->season, whole->season, sizeof(double) * WEEKS) == 0);
    assert_all(count_panel_combine(fit, weight, shift, &e[0], &s[0]) == OK);
    assert_all(count_panel_combine(whole, weight, shift, &e[1], &s[1]) == OK);
    assert_all(e[0] == e[1] && s[0] == s[1] && fit->dispersion == whole->dispersion);
    count_panel_free(&fit);
    count_panel_free(&whole);
    clear(&t);
    clear(&alone);
}

static void moments_of_a_fold(void **state)
{
    (void)state;
    const double x[4] = {0.0, 5.0, 1.0, NAN}, season[4] = {0.0, 0.0, log(3.0), 0.0};
    double mean, variance;
    assert_all(count_panel_moments(x, season, NULL, 4, 2, 0, 0.0, &mean, &variance));
    assert_close(mean, 0.75, 1e-15); /* weights 1 and 3 */
    assert_close(variance, 0.1875, 1e-15);
    assert_all(count_panel_moments(x, season, NULL, 4, 2, 1, -2.0, &mean, &variance));
    assert_all(mean == 5.0 && variance == 0.0);
    assert_all(!count_panel_moments(x + 3, season, NULL, 1, 2, 0, -2.0, &mean, &variance));
}

static void survives_faults(void **state)
{
    (void)state;
    struct table t;
    struct count_panel *fit = NULL;
    make(&world, price, units, false, &t);
    comm_inject_fault(-1, 0);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK);
    count_panel_free(&fit);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(count_panel_fit(&world, &t.data, &fit) == ERR_BUG && fit == NULL);
    }
    comm_inject_fault(-1, 0);
    clear(&t);
}

TEST_MAIN(cmocka_unit_test(as_dense_algebra), cmocka_unit_test(truncated_as_dense_algebra),
          cmocka_unit_test(exact_counts), cmocka_unit_test(what_cannot_be_told),
          cmocka_unit_test(prices_of_weeks), cmocka_unit_test(nothing_sold),
          cmocka_unit_test(same_bits_on_all_ranks), cmocka_unit_test(moments_of_a_fold),
          cmocka_unit_test(survives_faults))
