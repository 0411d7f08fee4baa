/* Silhouettes by hand, beside an independent implementation, on a sample; and the number of
 * clusters chosen by them. */
#include "tests/harness.h"

#include "tests/kmeans_table.h"

#include "algorithms/kmeans_range.h"
#include "algorithms/silhouette.h"

#include <string.h>

enum { FIRST = 2, LAST = 12, CHOICES = LAST - FIRST + 1 };

/* tests/goldens/kmeans.py */
static const double golden_silhouette_100[] = {0.5466702596510512};

static double on_a_line(int64_t i, int64_t j)
{
    const double place[5] = {0, 1, 4, 6, 20};
    (void)j;
    return place[i];
}

/* Clusters {0, 1}, {4, 6} and {20} on a line, the last one alone. */
static void by_hand(void **state)
{
    (void)state;
    struct sample s;
    struct silhouette_sample all;
    const int32_t labels[5] = {2, 2, 0, 0, 4}, one[5] = {3, 3, 3, 3, 3};
    double mean = 0;
    sample_init(&s, &world, 5, 1, on_a_line, 1);
    assert_all(silhouette_draw(&world, &s.rows, 1, &all) == OK);
    assert_all(all.count == 5 && all.columns == 1 && all.x[4] == 20);
    assert_all(silhouette_mean(&world, &all, labels, 5, &mean) == OK);
    double expected = (5 - 1) / 5.0 + (4 - 1) / 4.0 + (3.5 - 2) / 3.5 + (5.5 - 2) / 5.5 + 0;
    assert_close(mean, expected / 5, 1e-14);
    assert_all(silhouette_mean(&world, &all, one, 5, &mean) == OK && isnan(mean));
    silhouette_sample_clear(&all);
    sample_clear(&s);
}

static void golden(void **state)
{
    (void)state;
    struct sample s;
    struct silhouette_sample all;
    struct kmeans_model *model = NULL;
    double init[7 * COLUMNS], mean = 0;
    static int32_t labels[ROWS];
    for (int64_t i = 0; i < 7 * COLUMNS; i++) init[i] = cell(i / COLUMNS, i % COLUMNS);
    struct kmeans_options opt = {.k = 7, .restarts = 1, .max_iterations = 100, .init = init};
    sample_init(&s, &world, ROWS, COLUMNS, cell, 1);
    assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
    assert_all(silhouette_draw(&world, &s.rows, 1, &all) == OK && all.count == ROWS);
    struct blocks blocks = {.rows_local = ROWS};
    struct rows rows = {&blocks, COLUMNS, COLUMNS, all.x};
    assert_all(kmeans_apply(model, &rows, labels, NULL) == OK);
    assert_all(silhouette_mean(&world, &all, labels, 7, &mean) == OK);
    assert_close(mean, golden_silhouette_100[0], 1e-9);
    kmeans_free(&model);
    silhouette_sample_clear(&all);
    sample_clear(&s);
}

static double spread_out(int64_t i, int64_t j)
{
    return uniform((uint64_t)(i * 3 + j)) + 3 * (double)(i % 3 == j);
}

/* Of many rows about 4096 are taken, whoever holds them, and others for another seed. */
static void sample_of_many(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample spread, whole;
    struct silhouette_sample mine, alone, other;
    const int64_t many = 30000;
    sample_init(&spread, &world, many, 3, spread_out, 1);
    sample_init(&whole, &self, many, 3, spread_out, 1);
    assert_all(silhouette_draw(&world, &spread.rows, 1, &mine) == OK);
    assert_all(silhouette_draw(&self, &whole.rows, 1, &alone) == OK);
    assert_all(silhouette_draw(&self, &whole.rows, 2, &other) == OK);
    assert_all(mine.count > 3800 && mine.count < 4400 && mine.count == alone.count);
    size_t bytes = (size_t)(mine.count * 3) * sizeof *mine.x;
    assert_all(memcmp(mine.x, alone.x, bytes) == 0);
    assert_all(other.count != mine.count || memcmp(mine.x, other.x, bytes) != 0);
    silhouette_sample_clear(&mine);
    silhouette_sample_clear(&alone);
    silhouette_sample_clear(&other);
    sample_clear(&spread);
    sample_clear(&whole);
}

static bool same_choices(const struct kmeans_choice *a, const struct kmeans_choice *b,
                         int64_t count)
{
    bool same = true;
    for (int64_t i = 0; i < count; i++)
        same = same && a[i].k == b[i].k && a[i].iterations == b[i].iterations &&
               a[i].inertia == b[i].inertia && a[i].silhouette == b[i].silhouette &&
               a[i].elbow == b[i].elbow && a[i].converged == b[i].converged;
    return same;
}

/* Nine spots: nine clusters by silhouette, and the inertia falls slowly from there on. */
static void nine_spots(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample spread, whole;
    struct kmeans_choice choices[CHOICES], expected[CHOICES];
    struct kmeans_model *model = NULL, *alone = NULL;
    struct kmeans_options opt = {.restarts = 5, .seed = 3, .max_iterations = 50};
    sample_init(&spread, &world, ROWS / 3, COLUMNS, cell, 1);
    sample_init(&whole, &self, ROWS / 3, COLUMNS, cell, 1);
    assert_all(kmeans_fit_range(&world, &spread.rows, &opt, FIRST, LAST, choices, &model) == OK);
    assert_all(kmeans_fit_range(&self, &whole.rows, &opt, FIRST, LAST, expected, &alone) == OK);
    assert_all(model->k == SPOTS && same_choices(choices, expected, CHOICES));
    assert_all(model->inertia == choices[SPOTS - FIRST].inertia);
    assert_all(model->inertia == alone->inertia);
    assert_all(choices[0].elbow == 0 && choices[CHOICES - 1].elbow == 0);
    int64_t elbow = kmeans_range_elbow(choices, CHOICES);
    assert_all(elbow > 0 && choices[elbow].k <= SPOTS);
    for (int64_t i = 0; i < CHOICES; i++)
        assert_all(choices[i].k == FIRST + i && choices[i].elbow <= choices[elbow].elbow &&
                   choices[i].silhouette <= choices[SPOTS - FIRST].silhouette);
    kmeans_free(&model);
    kmeans_free(&alone);
    sample_clear(&spread);
    sample_clear(&whole);
}

static double all_alike(int64_t i, int64_t j)
{
    return (double)(i + j > 1000);
}

/* One k, k = 1, rows that are all alike: a choice all the same; and ranges that are none. */
static void edges(void **state)
{
    (void)state;
    struct sample s, alike;
    struct kmeans_choice choices[4];
    struct kmeans_model *model = NULL;
    struct kmeans_options opt = KMEANS_OPTIONS_DEFAULTS;
    sample_init(&s, &world, 5, 1, on_a_line, 1);
    assert_all(kmeans_fit_range(&world, &s.rows, &opt, 1, 1, choices, &model) == OK);
    assert_all(model->k == 1 && isnan(choices[0].silhouette) && choices[0].elbow == 0);
    assert_all(kmeans_range_elbow(choices, 1) == -1);
    kmeans_free(&model);
    assert_all(kmeans_fit_range(&world, &s.rows, &opt, 1, 4, choices, &model) == OK);
    assert_all(model->k > 1 && choices[3].silhouette > 0);
    kmeans_free(&model);
    assert_all(kmeans_fit_range(&world, &s.rows, &opt, 4, 6, choices, &model) == ERR_ARG);
    assert_all(kmeans_fit_range(&world, &s.rows, &opt, 3, 2, choices, &model) == ERR_ARG);
    assert_all(kmeans_fit_range(&world, &s.rows, &opt, 0, 2, choices, &model) == ERR_ARG);
    sample_init(&alike, &world, 9, 2, all_alike, 1);
    assert_all(kmeans_fit_range(&world, &alike.rows, &opt, 2, 4, choices, &model) == OK);
    assert_all(model->k == 2 && model->inertia == 0 && kmeans_range_elbow(choices, 3) == -1);
    kmeans_free(&model);
    sample_clear(&alike);
    sample_clear(&s);
}

static void fault_sweep(void **state)
{
    (void)state;
    struct sample s;
    struct kmeans_choice choices[3];
    struct kmeans_model *model = NULL;
    struct kmeans_options opt = {.restarts = 1, .max_iterations = 2};
    sample_init(&s, &world, 200, COLUMNS, cell, 1);
    comm_inject_fault(-1, 0);
    assert_all(kmeans_fit_range(&world, &s.rows, &opt, 2, 3, choices, &model) == OK);
    kmeans_free(&model);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 10);
    for (int64_t a = 0; a < agreements; a++) {
        comm_inject_fault(a, (int)(a % world.ranks));
        assert_all(kmeans_fit_range(&world, &s.rows, &opt, 2, 3, choices, &model) != OK &&
                   model == NULL);
    }
    comm_inject_fault(-1, 0);
    sample_clear(&s);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(golden), cmocka_unit_test(sample_of_many),
          cmocka_unit_test(nine_spots), cmocka_unit_test(edges), cmocka_unit_test(fault_sweep))
