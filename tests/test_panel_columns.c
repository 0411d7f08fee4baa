/* Further regressors of counts in panels: against dense algebra, planted effects found again, a
 * column that prices explain, equal bits on all ranks. */
#include "tests/harness.h"

#include "algorithms/count_panel.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOPES = 3, COLUMNS = 2, EFFECTS = 1 + SLOPES };

/* What a table is made of; units NAN: the week is not known. */
struct recipe {
    int64_t products, weeks, segments, folds, block;
    bool truncated;
    double (*x)(int64_t i, int64_t t);
    double (*units)(int64_t i, int64_t t, int64_t s);
    double (*flag)(int64_t i, int64_t t);
    double (*neighbour)(int64_t i, int64_t t);
};

struct table {
    struct blocks blocks;
    double *x, *z, *per_sale;
    int32_t *slope, *season, *effect;
    int64_t *start;
    struct panel_count *count;
    struct panel_data data;
};

#define NEW(p, count) \
    if (memory_new(&(p), count, sizeof *(p)) != OK) abort()

static void fill_product(const struct recipe *r, int64_t p, struct table *t)
{
    int64_t i = t->blocks.row_first + p, products = t->blocks.rows_local, at = t->start[p];
    t->slope[p] = t->effect[products + p] = (int32_t)(i % SLOPES);
    t->effect[products + p]++;
    t->per_sale[p] = 1.0;
    for (int32_t w = 0; w < r->weeks; w++) {
        double sold = 0;
        for (int32_t s = 0; s < r->segments; s++) {
            double units = r->units(i, w, s);
            sold += units;
            if (units > 0.0) t->count[at++] = (struct panel_count){w, s, units};
        }
        t->x[p * r->weeks + w] = r->truncated && !(sold > 0.0) ? NAN : r->x(i, w);
        t->z[p * r->weeks + w] = r->flag(i, w);
        t->z[(products + p) * r->weeks + w] = r->neighbour(i, w);
    }
    t->start[p + 1] = at;
}

static void make(const struct comm *comm, const struct recipe *r, struct table *t)
{
    *t = (struct table){0};
    if (blocks_cut(comm, r->products, r->block, &t->blocks) != OK) abort();
    int64_t products = t->blocks.rows_local;
    NEW(t->x, products * r->weeks);
    NEW(t->z, COLUMNS * products * r->weeks);
    NEW(t->per_sale, products);
    NEW(t->slope, products);
    NEW(t->effect, COLUMNS * products);
    NEW(t->season, r->weeks);
    NEW(t->start, products + 1);
    NEW(t->count, products * r->weeks * r->segments);
    for (int64_t p = 0; p < products; p++) fill_product(r, p, t);
    for (int32_t w = 0; w < r->weeks; w++) t->season[w] = w / 3;
    t->data = (struct panel_data){.blocks = &t->blocks,
                                  .weeks = r->weeks,
                                  .folds = r->folds,
                                  .segments = r->segments,
                                  .slopes = SLOPES,
                                  .seasons = (r->weeks - 1) / 3 + 1,
                                  .columns = COLUMNS,
                                  .effects = EFFECTS,
                                  .season = t->season,
                                  .slope = t->slope,
                                  .x = t->x,
                                  .per_sale = r->truncated ? t->per_sale : NULL,
                                  .z = t->z,
                                  .effect = t->effect,
                                  .start = t->start,
                                  .count = t->count};
}

static void clear(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->z);
    free(t->per_sale);
    free(t->slope);
    free(t->effect);
    free(t->season);
    free(t->start);
    free(t->count);
}

/* ---- the rows of tests/goldens/count_panel.py ---- */

static double small_price(int64_t i, int64_t t)
{
    if (i == 4 && t < 3) return NAN;
    return ((i * 5 + t * 7) % 11 < 3 ? -0.25 : 0.0) - 0.02 * (double)(t % 3);
}

static double small_units(int64_t i, int64_t t, int64_t s)
{
    int64_t few = (i * 31 + t * 17 + s * 13 + i * t * s) % 7;
    return (double)(small_price(i, t) < -0.2 ? 2 * few : few);
}

static double small_flag(int64_t i, int64_t t)
{
    return (i * 3 + t * 5) % 4 == 0 ? 1.0 : 0.0;
}

static double small_neighbour(int64_t i, int64_t t)
{
    return 0.1 * (double)((i * 2 + t * 3) % 5) - 0.05 * (double)(t % 2);
}

static const struct recipe small = {
    .products = 9,
    .weeks = 12,
    .segments = 3,
    .folds = 2,
    .block = 2,
    .x = small_price,
    .units = small_units,
    .flag = small_flag,
    .neighbour = small_neighbour,
};

static void as_dense_algebra(void **state)
{
    (void)state;
    static const double slope[] = {-3.409182126080, -4.089112651462, -1.907293625987},
                        slope_error[] = {0.821406984299, 0.749231694558, 0.762980244486},
                        effect[] = {-0.045545160040, -0.340492799916, -1.854379251086,
                                    0.141649626204},
                        error[] = {0.117461578157, 0.562634678833, 0.538448456403, 0.415733927828};
    struct table t;
    struct count_panel *fit = NULL;
    double estimate, std_error;
    const double none[3] = {0};
    make(&world, &small, &t);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK && fit->converged);
    for (int c = 0; c < SLOPES; c++) {
        double weight[SLOPES] = {0};
        weight[c] = 1.0;
        assert_all(count_panel_combine(fit, weight, none, &estimate, &std_error) == OK);
        assert_close(estimate, slope[c], 1e-10);
        assert_close(std_error, slope_error[c], 1e-9);
    }
    for (int e = 0; e < EFFECTS; e++) {
        assert_all(count_panel_effect(fit, e, &estimate, &std_error) == OK);
        assert_close(estimate, effect[e], 1e-10);
        assert_close(std_error, error[e], 1e-9);
    }
    count_panel_free(&fit);
    clear(&t);
}

/* ---- sales made with known effects ---- */

#define FLAG_EFFECT 0.4

static const double own[SLOPES] = {-2.0, -3.0, -1.0}, cross[SLOPES] = {0.8, 0.0, 1.5};

static double draw(int64_t i, int64_t t, uint64_t what)
{
    return random_uniform(7, RANDOM_TEST, (uint64_t)(i * 1000 + t), what);
}

/* A third of the weeks at a lower price; most of them, and some others, are advertised. */
static double planted_price(int64_t i, int64_t t)
{
    return draw(i, t, 0) < 0.33 ? log(1.0 - 0.1 * (1.0 + floor(3.0 * draw(i, t, 1)))) : 0.0;
}

static double planted_flag(int64_t i, int64_t t)
{
    return draw(i, t, 2) < (planted_price(i, t) < 0.0 ? 0.7 : 0.1) ? 1.0 : 0.0;
}

/* Of the products next to it of the same slope. */
static double planted_neighbour(int64_t i, int64_t t)
{
    return 0.6 * planted_price(i + SLOPES, t) + 0.4 * planted_price(i + 2 * SLOPES, t);
}

/* Poisson by inversion. */
static double planted_units(int64_t i, int64_t t, int64_t s)
{
    int64_t c = i % SLOPES;
    double mean = exp(0.5 * (double)(i % 4) - 0.3 + own[c] * planted_price(i, t) +
                      FLAG_EFFECT * planted_flag(i, t) + cross[c] * planted_neighbour(i, t) +
                      0.2 * sin((double)(t / 3)));
    double chance = exp(-mean), below = chance, u = draw(i, t, 3), units = 0;
    for (; u >= below && units < 1000.0; below += chance) chance *= mean / ++units;
    return s == 0 ? units : 0.0;
}

static const struct recipe planted = {
    .products = 48,
    .weeks = 60,
    .segments = 1,
    .folds = 1,
    .block = 4,
    .truncated = true, /* weeks that sold nothing show no price */
    .x = planted_price,
    .units = planted_units,
    .flag = planted_flag,
    .neighbour = planted_neighbour,
};

static void planted_truth(void **state)
{
    (void)state;
    struct table t;
    struct count_panel *fit = NULL;
    double estimate, std_error;
    const double none[1] = {0};
    make(&world, &planted, &t);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK && fit->converged);
    assert_all(count_panel_effect(fit, 0, &estimate, &std_error) == OK);
    assert_all(std_error < 0.1 && fabs(estimate - FLAG_EFFECT) < 3.0 * std_error);
    for (int c = 0; c < SLOPES; c++) {
        double weight[SLOPES] = {0};
        weight[c] = 1.0;
        assert_all(count_panel_effect(fit, 1 + c, &estimate, &std_error) == OK);
        assert_all(std_error < 0.4 && fabs(estimate - cross[c]) < 3.0 * std_error);
        assert_all(count_panel_combine(fit, weight, none, &estimate, &std_error) == OK);
        assert_all(std_error < 0.4 && fabs(estimate - own[c]) < 3.0 * std_error);
    }
    count_panel_free(&fit);
    /* without the flag the lower price gets its effect */
    t.data.columns = t.data.effects = 0;
    const double first[SLOPES] = {1.0};
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK);
    assert_all(count_panel_combine(fit, first, none, &estimate, &std_error) == OK);
    assert_all(estimate < own[0] - 3.0 * std_error);
    count_panel_free(&fit);
    clear(&t);
}

/* ---- what cannot be told ---- */

static double two_prices(int64_t i, int64_t t)
{
    return draw(i, t, 0) < 0.33 ? log(0.8) : 0.0;
}

static double flag_of_price(int64_t i, int64_t t)
{
    return two_prices(i, t) < 0.0 ? 1.0 : 0.0;
}

static double season_of_week(int64_t i, int64_t t)
{
    return (double)(i / SLOPES) - (double)(t / 3);
}

/* A flag that says that the price is low goes, and so does a column of the weeks; the slopes stay
 * and are those of a fit without columns. */
static void what_prices_explain(void **state)
{
    (void)state;
    struct recipe twins = planted;
    struct table t;
    struct count_panel *fit = NULL, *plain = NULL;
    double estimate, std_error;
    twins.x = two_prices;
    twins.flag = flag_of_price;
    twins.neighbour = season_of_week;
    make(&world, &twins, &t);
    for (int64_t p = 0; p < t.blocks.rows_local; p++)
        t.effect[t.blocks.rows_local + p] = 1; /* one for all: the weeks explain it */
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK && fit->converged);
    for (int e = 0; e < EFFECTS; e++) {
        assert_all(fit->lost_effect[e] && fit->effect[e] == 0.0);
        assert_all(count_panel_effect(fit, e, &estimate, &std_error) == OK);
        assert_all(isnan(estimate) && isnan(std_error));
    }
    t.data.columns = t.data.effects = 0;
    assert_all(count_panel_fit(&world, &t.data, &plain) == OK);
    for (int c = 0; c < SLOPES; c++) {
        assert_all(!fit->dropped[c]);
        assert_close(fit->slope[c], plain->slope[c], 1e-12);
    }
    count_panel_free(&fit);
    count_panel_free(&plain);
    clear(&t);
}

/* ---- ranks and faults ---- */

static void same_bits_on_all_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct table t, alone;
    struct count_panel *fit = NULL, *whole = NULL;
    double e[2], s[2];
    make(&world, &planted, &t);
    make(&self, &planted, &alone);
    assert_all(count_panel_fit(&world, &t.data, &fit) == OK);
    assert_all(count_panel_fit(&self, &alone.data, &whole) == OK);
    assert_all(memcmp(fit->effect, whole->effect, sizeof(double) * EFFECTS) == 0);
    for (int k = 0; k < EFFECTS; k++) {
        assert_all(count_panel_effect(fit, k, &e[0], &s[0]) == OK);
        assert_all(count_panel_effect(whole, k, &e[1], &s[1]) == OK);
        assert_all(e[0] == e[1] && s[0] == s[1]);
    }
    count_panel_free(&fit);
    count_panel_free(&whole);
    clear(&t);
    clear(&alone);
}

static void survives_faults(void **state)
{
    (void)state;
    struct table t;
    struct count_panel *fit = NULL;
    make(&world, &small, &t);
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

TEST_MAIN(cmocka_unit_test(as_dense_algebra), cmocka_unit_test(planted_truth),
          cmocka_unit_test(what_prices_explain), cmocka_unit_test(same_bits_on_all_ranks),
          cmocka_unit_test(survives_faults))
