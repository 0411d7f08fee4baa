/* Forests: errors on unseen rows against XGBoost's and scikit-learn's, out-of-bag errors,
 * importances, draws, and the same bytes on any ranks. */
#include "tests/forest_table.h"

enum { ROWS = 4000, COLUMNS = 8, BINS = 64, BLOCK = 129 };

/* tests/goldens/forest.py: the mean of several seeds, and their range */
#define RMSE_XGBOOST 0.714227  /* 0.712796 to 0.714962 */
#define RMSE_SCIKIT 0.714587   /* 0.712411 to 0.716269 */
#define WRONG_XGBOOST 0.175250 /* 0.174250 to 0.176000 */
#define WRONG_SCIKIT 0.174500  /* 0.172250 to 0.177250 */

static void fill(int64_t row, float *x)
{
    for (int64_t j = 0; j < COLUMNS; j++) x[j] = (float)table_uniform(row * COLUMNS + j);
}

static double target(int64_t row, const float *x)
{
    return 4 * (double)x[0] + 6 * (double)x[1] * (double)x[2] + 4 * fabs((double)x[3] - 0.5) +
           2 * table_uniform(10000000 + row);
}

static double class_of(int64_t row, const float *x)
{
    return fmin(floor(target(row, x) / 3), 2);
}

static void unseen_fill(int64_t row, float *x)
{
    fill(row + ROWS, x);
}

static double unseen_target(int64_t row, const float *x)
{
    return target(row + ROWS, x);
}

static double unseen_class(int64_t row, const float *x)
{
    return class_of(row + ROWS, x);
}

/* n: 0 for values, 1 for classes. */
static struct table_kind kind_of(int n)
{
    return (struct table_kind){
        ROWS, COLUMNS, BLOCK, BINS, n == 1 ? 3 : 0, fill, n == 1 ? class_of : target};
}

static struct table_kind unseen_kind(int n)
{
    return (struct table_kind){ROWS,
                               COLUMNS,
                               BLOCK,
                               BINS,
                               n == 1 ? 3 : 0,
                               unseen_fill,
                               n == 1 ? unseen_class : unseen_target};
}

static const struct forest_options usual = {.trees = 100,
                                            .depth = 8,
                                            .min_rows = 5,
                                            .features = 4,
                                            .bootstrap = true,
                                            .oob = true,
                                            .seed = 3};

/* Root mean squared error, or share of wrong classes, over all ranks. */
static double error_on(const struct forest *forest, const struct forest_table *t)
{
    int64_t rows = t->blocks.rows_local, total[2] = {0, rows};
    double *out = NULL;
    assert_all(memory_new(&out, rows * forest->outputs, sizeof *out) == OK);
    assert_all(forest_apply(forest, &t->rows, out) == OK);
    for (int64_t i = 0; i < rows; i++)
        if (forest->classes > 0)
            total[0] += forest_class(out + i * forest->classes, forest->classes) != t->label[i];
        else
            total[0] += (int64_t)llround(0x1p30 * pow(out[i] - t->value[i], 2));
    comm_sum_int64(&world, total, 2);
    free(out);
    double mean = (double)total[0] / (double)total[1];
    return forest->classes > 0 ? mean : sqrt(mean * 0x1p-30);
}

static void golden_errors(void **state)
{
    (void)state;
    for (int n = 0; n < 2; n++) {
        struct table_kind kind = kind_of(n), other = unseen_kind(n);
        struct forest_table t, unseen;
        struct forest *forest = NULL;
        forest_table_init(&t, &world, &kind);
        forest_table_init(&unseen, &world, &other);
        assert_all(forest_fit(&world, &t.data, &usual, &forest) == OK);
        double found = error_on(forest, &unseen);
        if (n == 0) {
            assert_all(found < 1.005 * RMSE_XGBOOST && found > 0.98 * RMSE_XGBOOST);
            assert_all(found < 1.005 * RMSE_SCIKIT);
            assert_close(forest->oob_rmse, found, 0.03 * found);
        } else {
            assert_all(1 - found > 0.995 * (1 - WRONG_XGBOOST));
            assert_all(1 - found > 0.995 * (1 - WRONG_SCIKIT));
            assert_close(forest->oob_accuracy, 1 - found, 0.02);
        }
        assert_all(forest->oob_rows == ROWS);
        forest_free(&forest);
        forest_table_clear(&t);
        forest_table_clear(&unseen);
    }
}

/* ---- the same bytes ---- */

static void holey_fill(int64_t row, float *x)
{
    fill(row, x);
    if (row % 7 == 0) x[row % COLUMNS] = NAN;
    x[5] = floorf(4 * x[5]);
}

static double holey_target(int64_t row, const float *x)
{
    double sum = table_uniform(row + 99);
    for (int64_t j = 0; j < COLUMNS; j++) sum += isnan(x[j]) ? 2 : (double)x[j] * (double)j;
    return sum;
}

static double six_classes(int64_t row, const float *x)
{
    return floor(6 * table_uniform(row + 77)) * (row % 7 != 0 && x[1] > 0.5f);
}

/* All on one rank, in other batches, and on all ranks. */
static void same_bytes(void **state)
{
    (void)state;
    struct comm self = comm_self();
    for (int n = 0; n < 4; n++) {
        struct table_kind kind = {900,
                                  COLUMNS,
                                  50,
                                  30,
                                  n % 2 == 1 ? 6 : 0,
                                  holey_fill,
                                  n % 2 == 1 ? six_classes : holey_target};
        struct forest_options opt = {.trees = 7,
                                     .depth = 6,
                                     .min_rows = 2,
                                     .bootstrap = n < 3,
                                     .oob = n < 3,
                                     .permutation = true,
                                     .seed = 11};
        opt.features = n < 2 ? 3 : 6;
        struct forest_table spread, whole;
        struct forest *expected = NULL, *forest = NULL;
        forest_table_init(&spread, &world, &kind);
        forest_table_init(&whole, &self, &kind);
        assert_all(forest_fit(&self, &whole.data, &opt, &expected) == OK);
        assert_all(forest_fit(&world, &spread.data, &opt, &forest) == OK);
        assert_all(same_forest(forest, expected));
        forest_free(&forest);
        opt.batch = 3;
        assert_all(forest_fit(&world, &spread.data, &opt, &forest) == OK);
        assert_all(same_forest(forest, expected));
        forest_free(&forest);
        forest_free(&expected);
        forest_table_clear(&spread);
        forest_table_clear(&whole);
    }
}

/* ---- draws ---- */

/* Poisson(1): each tree draws as many rows as there are, give or take. */
static void rows_are_drawn_by_poisson(void **state)
{
    (void)state;
    struct table_kind kind = kind_of(0);
    struct forest_table t;
    struct forest *forest = NULL;
    struct forest_options opt = {.trees = 40, .bootstrap = true, .min_rows = 1, .oob = true};
    forest_table_init(&t, &world, &kind);
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
    double sum = 0, square = 0;
    for (int64_t i = 0; i < 40; i++) {
        double off = (double)forest->tree[i].node[0].rows - ROWS;
        assert_all(forest->tree[i].nodes == 1 && fabs(off) < 5 * sqrt(ROWS));
        sum += off;
        square += off * off;
    }
    assert_all(fabs(sum) < 5 * sqrt(40.0 * ROWS));
    assert_all(square > 40.0 * ROWS * 0.4 && square < 40.0 * ROWS * 2);
    forest_free(&forest);
    forest_table_clear(&t);
}

/* One column drawn for each node: the roots ask about all of them. */
static void columns_are_drawn_evenly(void **state)
{
    (void)state;
    struct table_kind kind = kind_of(0);
    struct forest_table t;
    struct forest *forest = NULL;
    struct forest_options opt = {.trees = 160, .depth = 1, .features = 1, .min_rows = 1};
    int64_t asked[COLUMNS] = {0};
    forest_table_init(&t, &world, &kind);
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
    for (int64_t i = 0; i < opt.trees; i++) asked[forest->tree[i].node[0].feature]++;
    for (int64_t j = 0; j < COLUMNS; j++) assert_all(asked[j] > 6 && asked[j] < 40);
    forest_free(&forest);
    forest_table_clear(&t);
}

/* ---- importance ---- */

static void noise_fill(int64_t row, float *x)
{
    fill(row, x);
    x[7] = 3;
}

static void importances(void **state)
{
    (void)state;
    struct table_kind kind = kind_of(0);
    struct forest_table t;
    struct forest *forest = NULL;
    struct forest_options opt = usual;
    opt.trees = 20;
    opt.permutation = true;
    kind.fill = noise_fill;
    forest_table_init(&t, &world, &kind);
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
    double sum = 0;
    for (int64_t j = 0; j < COLUMNS; j++) sum += forest->importance[j];
    assert_close(sum, 1.0, 1e-12);
    assert_all(forest->importance[7] == 0.0 && forest->permutation[7] == 0.0);
    for (int64_t j = 4; j < 7; j++) {
        assert_all(forest->importance[j] < 0.05 && fabs(forest->permutation[j]) < 0.03);
        for (int64_t k = 0; k < 3; k++)
            assert_all(forest->permutation[k] > 0.5 && forest->importance[k] > 0.1);
    }
    forest_free(&forest);
    forest_table_clear(&t);
}

/* A perfect question about one column: redrawing it costs twice the variance. */
static void half(int64_t row, float *x)
{
    x[0] = (float)(row % 2);
    x[1] = (float)(row % 3);
}

static double by_half(int64_t row, const float *x)
{
    (void)row;
    return 10 * x[0] - 5;
}

static void redrawing_costs_twice_the_variance(void **state)
{
    (void)state;
    struct table_kind kind = {ROWS, 2, BLOCK, BINS, 0, half, by_half};
    struct forest_table t;
    struct forest *forest = NULL;
    struct forest_options opt = {.trees = 1, .depth = 3, .min_rows = 1, .permutation = true};
    forest_table_init(&t, &world, &kind);
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
    assert_all(forest->tree[0].nodes == 3 && forest->permutation[1] == 0.0);
    assert_close(forest->permutation[0], 50.0, 3.0);
    forest_free(&forest);
    forest_table_clear(&t);
}

/* ---- rows left out, refusals, faults ---- */

static void skipped_rows_do_not_count(void **state)
{
    (void)state;
    struct table_kind kind = kind_of(0);
    struct forest_table t;
    struct forest *forest = NULL;
    struct forest_options opt = usual;
    uint8_t *skip = NULL;
    opt.trees = 3;
    forest_table_init(&t, &world, &kind);
    assert_all(memory_new(&skip, t.blocks.rows_local, 1) == OK);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        skip[i] = (t.blocks.row_first + i) % 2 == 0;
        if (skip[i] != 0) t.value[i] = NAN;
    }
    t.data.skip = skip;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
    assert_all(forest->tree[0].node[0].rows < ROWS / 2 + 200 && forest->oob_rows < ROWS / 2);
    forest_free(&forest);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) skip[i] = 1;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == ERR_ARG && forest == NULL);
    free(skip);
    forest_table_clear(&t);
}

static void refusals(void **state)
{
    (void)state;
    struct table_kind kind = kind_of(0), classes = kind_of(1);
    struct forest_table t, c;
    struct forest *forest = NULL;
    struct forest_options opt;
    forest_table_init(&t, &world, &kind);
    forest_table_init(&c, &world, &classes);
    opt = usual, opt.trees = 0;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == ERR_ARG && forest == NULL);
    opt = usual, opt.depth = 31;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == ERR_ARG);
    opt = usual, opt.min_rows = 0;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == ERR_ARG);
    opt = usual, opt.min_gain = NAN;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == ERR_ARG);
    opt = usual, opt.bootstrap = false;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == ERR_ARG);
    c.data.classes = 1;
    assert_all(forest_fit(&world, &c.data, &usual, &forest) == ERR_ARG);
    c.data.classes = 2; /* there are three */
    assert_all(forest_fit(&world, &c.data, &usual, &forest) == ERR_ARG);
    if (t.blocks.rows_local > 0) t.value[0] = INFINITY;
    assert_all(forest_fit(&world, &t.data, &usual, &forest) == ERR_NUMERIC && forest == NULL);
    forest_table_clear(&t);
    forest_table_clear(&c);
}

static void fault_sweep(void **state)
{
    (void)state;
    struct table_kind kind = kind_of(0);
    struct forest_table t;
    struct forest *forest = NULL;
    struct forest_options opt = usual;
    opt.trees = 3;
    opt.depth = 3;
    opt.permutation = true;
    kind.rows = 300;
    forest_table_init(&t, &world, &kind);
    for (opt.features = 3; opt.features < 6; opt.features += 2) {
        comm_inject_fault(-1, 0);
        assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
        forest_free(&forest);
        int64_t agreements = comm_agreements();
        assert_all(agreements > 10);
        for (int64_t a = 0; a < agreements; a++) {
            comm_inject_fault(a, (int)(a % world.ranks));
            assert_all(forest_fit(&world, &t.data, &opt, &forest) != OK && forest == NULL);
        }
        comm_inject_fault(-1, 0);
    }
    forest_table_clear(&t);
}

TEST_MAIN(cmocka_unit_test(golden_errors), cmocka_unit_test(same_bytes),
          cmocka_unit_test(rows_are_drawn_by_poisson), cmocka_unit_test(columns_are_drawn_evenly),
          cmocka_unit_test(importances), cmocka_unit_test(redrawing_costs_twice_the_variance),
          cmocka_unit_test(skipped_rows_do_not_count), cmocka_unit_test(refusals),
          cmocka_unit_test(fault_sweep))
