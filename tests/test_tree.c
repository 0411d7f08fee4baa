/* Single trees: by hand, against scikit-learn's exact trees, ties, missing
 * values, limits. */
#include "tests/forest_table.h"

enum { BLOCK = 37 };

static const struct forest_options plain = FOREST_OPTIONS_DEFAULTS;

/* ---- by hand ---- */

static void line(int64_t row, float *x)
{
    static const float values[6] = {1, 2, 3, 10, 11, NAN};
    x[0] = 5;
    x[1] = values[row];
}

static double steps(int64_t row, const float *x)
{
    static const double targets[6] = {0, 0, 0, 6, 6, 6};
    (void)x;
    return targets[row];
}

/* Three zeros and three sixes: one question takes off all of the variance, 9. The missing value
 * belongs to the sixes. */
static void by_hand(void **state)
{
    (void)state;
    const struct table_kind kind = {6, 2, 2, 255, 0, line, steps};
    struct forest_table t;
    struct forest *forest = NULL;
    forest_table_init(&t, &world, &kind);
    assert_all(forest_fit(&world, &t.data, &plain, &forest) == OK);
    const struct tree *tree = &forest->tree[0];
    assert_all(tree->nodes == 3 && tree->node[0].feature == 1 && tree->node[0].left == 1);
    assert_all(tree->node[0].threshold == 6.5f && !tree->node[0].missing_left);
    assert_all(tree->node[0].gain == 9.0 && tree->node[0].rows == 6);
    assert_all(tree->node[1].feature == -1 && tree->node[1].rows == 3);
    assert_all(tree->value[0] == 3.0 && tree->value[1] == 0.0 && tree->value[2] == 6.0);
    assert_all(forest->importance[0] == 0.0 && forest->importance[1] == 1.0);
    double out[6];
    bool right = true;
    assert_all(forest_apply(forest, &t.rows, out) == OK);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) right = right && out[i] == t.value[i];
    assert_all(right);
    t.rows.columns = 1;
    assert_all(forest_apply(forest, &t.rows, out) == ERR_ARG);
    forest_free(&forest);
    forest_table_clear(&t);
}

/* The same rows as classes: Gini 1/2, none after one question. */
static double halves(int64_t row, const float *x)
{
    return steps(row, x) > 0;
}

static void classes_by_hand(void **state)
{
    (void)state;
    const struct table_kind kind = {6, 2, 2, 255, 2, line, halves};
    struct forest_table t;
    struct forest *forest = NULL;
    forest_table_init(&t, &world, &kind);
    assert_all(forest_fit(&world, &t.data, &plain, &forest) == OK);
    const struct tree *tree = &forest->tree[0];
    assert_all(tree->nodes == 3 && tree->node[0].gain == 0.5 && tree->outputs == 2);
    assert_all(tree->value[0] == 0.5 && tree->value[2] == 1.0 && tree->value[5] == 1.0);
    assert_all(forest_class(tree->value, 2) == 0 && forest_class(tree->value + 4, 2) == 1);
    forest_free(&forest);
    forest_table_clear(&t);
}

/* ---- scikit-learn ---- */

/* tests/goldens/tree.py */
static const int32_t golden_values_feature[] = {
    0,  2,  2,  2,  1,  1,  1,  0,  1,  1,  1,  2,  2,  3,  1,  2,  2,  -1, 1,
    3,  2,  2,  2,  2,  1,  -1, 2,  0,  -1, 0,  2,  -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
static const int64_t golden_values_rows[] = {
    250, 139, 111, 69, 70, 75, 36, 31, 38, 28, 42, 55, 20, 12, 24, 8,  23, 6,  32,
    9,   19,  32,  10, 39, 16, 7,  13, 8,  4,  11, 13, 4,  4,  13, 10, 14, 18, 4,
    5,   13,  6,   14, 18, 4,  6,  19, 20, 7,  9,  9,  4,  4,  4,  5,  6,  7,  6};
static const double golden_values_value[] = {
    2.1501401856566043,  1.4172213632173225,  3.0679394317742639,  0.93290733671567094,
    1.8946166179118076,  2.8164875433967245,  3.591797532560804,   0.69972291310140489,
    1.1231367349273089,  1.2200385117919919,  2.3443353553250184,  2.7137190601163392,
    3.0991008724177846,  2.9106991137735654,  3.9323467419544236,  0.53034204959078579,
    0.7586379960616203,  0.4178775208965817,  1.2553728375580704,  0.649204994238466,
    1.4904333358962933,  2.2128274060472961,  2.7651607930137287,  2.6372634315598704,
    2.900079654722731,   2.7254953204062207,  3.3002730927317034,  2.7579012033601202,
    3.2162949346004552,  3.5863875165864143,  4.2250814711119693,  0.71358165538822504,
    0.34710244379334654, 0.67502257282495315, 0.86733804626928757, 1.0232224228246065,
    1.4359342712396534,  0.51875445254654551, 0.7535654275920024,  1.382326676658522,
    1.7246644309114647,  1.9651199394666037,  2.4054887689433904,  2.442334693985913,
    2.9803781923656061,  2.5516688879605156,  2.718578247979258,   2.6329726099966138,
    3.1078295783985999,  3.1946481842175367,  3.5379291368885788,  2.9234410570047658,
    2.5923613497154747,  3.7478394477338952,  3.4518442406301801,  3.956584878738405,
    4.5383274955477946};
static const double golden_values_importance[] = {0.61833232138720773, 0.17061570689855807,
                                                  0.20855259936127568, 0.0024993723529586416};
static const int32_t golden_classes_feature[] = {0,  2, 2, 2,  1,  1,  1,  -1, -1, 3,  2, -1,
                                                 -1, 3, 2, -1, -1, -1, -1, -1, -1, -1, -1};
static const int64_t golden_classes_rows[] = {250, 139, 111, 32, 107, 45, 66, 20, 12, 19, 88, 33,
                                              12,  25,  41,  10, 9,   48, 40, 16, 9,  9,  32};
static const double golden_classes_share[] = {0.20000000000000001,
                                              0.224,
                                              0.36399999999999999,
                                              0.21199999999999999,
                                              0.35971223021582732,
                                              0.40287769784172661,
                                              0.22302158273381295,
                                              0.014388489208633094,
                                              0,
                                              0,
                                              0.54054054054054057,
                                              0.45945945945945948,
                                              0.90625,
                                              0.09375,
                                              0,
                                              0,
                                              0.19626168224299065,
                                              0.49532710280373832,
                                              0.28971962616822428,
                                              0.018691588785046728,
                                              0,
                                              0,
                                              0.8666666666666667,
                                              0.13333333333333333,
                                              0,
                                              0,
                                              0.31818181818181818,
                                              0.68181818181818177,
                                              1,
                                              0,
                                              0,
                                              0,
                                              0.75,
                                              0.25,
                                              0,
                                              0,
                                              0.84210526315789469,
                                              0.15789473684210525,
                                              0,
                                              0,
                                              0.056818181818181816,
                                              0.56818181818181823,
                                              0.35227272727272729,
                                              0.022727272727272728,
                                              0,
                                              0,
                                              1,
                                              0,
                                              0,
                                              0,
                                              0.5,
                                              0.5,
                                              0,
                                              0,
                                              0.76000000000000001,
                                              0.23999999999999999,
                                              0,
                                              0,
                                              0.04878048780487805,
                                              0.95121951219512191,
                                              1,
                                              0,
                                              0,
                                              0,
                                              0.66666666666666663,
                                              0.33333333333333331,
                                              0,
                                              0,
                                              0.10416666666666667,
                                              0.79166666666666663,
                                              0.10416666666666667,
                                              0,
                                              0,
                                              0.29999999999999999,
                                              0.65000000000000002,
                                              0.050000000000000003,
                                              0,
                                              0,
                                              0.875,
                                              0.125,
                                              0,
                                              0,
                                              0.55555555555555558,
                                              0.44444444444444442,
                                              0,
                                              0,
                                              0.22222222222222221,
                                              0.77777777777777779,
                                              0,
                                              0,
                                              0,
                                              1};
static const double golden_classes_importance[] = {0.30058087582120152, 0.28306020491242478,
                                                   0.39798445863819587, 0.01837446062817779};

enum { GOLDEN_ROWS = 250, GOLDEN_COLUMNS = 4, GOLDEN_CLASSES = 4 };

static void golden_fill(int64_t row, float *x)
{
    for (int64_t j = 0; j < GOLDEN_COLUMNS; j++)
        x[j] = (float)table_uniform(row * GOLDEN_COLUMNS + j);
}

static double golden_value(int64_t row, const float *x)
{
    return (x[0] > 0.5f ? 2.0 : 0.0) + 3 * (double)x[1] * (double)x[2] +
           table_uniform(1000000 + row);
}

static double golden_class(int64_t row, const float *x)
{
    return floor(fmin(golden_value(row, x), 3.99));
}

/* What a golden tree says of its nodes. */
struct golden {
    int64_t nodes;
    const int32_t *feature;
    const int64_t *rows;
    const double *value, *importance;
};

static void compare(const struct forest *forest, const struct golden *golden)
{
    const struct tree *tree = &forest->tree[0];
    assert_all(tree->nodes == golden->nodes);
    for (int64_t i = 0; i < tree->nodes; i++) {
        assert_all(tree->node[i].feature == golden->feature[i]);
        assert_all(tree->node[i].rows == golden->rows[i]);
        for (int64_t k = 0; k < tree->outputs; k++)
            assert_close(tree->value[i * tree->outputs + k], golden->value[i * tree->outputs + k],
                         2e-9);
    }
    for (int64_t j = 0; j < GOLDEN_COLUMNS; j++)
        assert_close(forest->importance[j], golden->importance[j], 1e-8);
}

/* With a bin for each value the best ends of bins are the best questions there are. */
static void golden_trees(void **state)
{
    (void)state;
    const struct golden goldens[2] = {
        {sizeof golden_values_rows / sizeof *golden_values_rows, golden_values_feature,
         golden_values_rows, golden_values_value, golden_values_importance},
        {sizeof golden_classes_rows / sizeof *golden_classes_rows, golden_classes_feature,
         golden_classes_rows, golden_classes_share, golden_classes_importance}};
    struct forest_options opt = plain;
    for (int n = 0; n < 2; n++) {
        opt.depth = n == 1 ? 4 : 5;
        opt.min_rows = n == 1 ? 9 : 4;
        const struct table_kind kind = {GOLDEN_ROWS,
                                        GOLDEN_COLUMNS,
                                        BLOCK,
                                        255,
                                        n == 1 ? GOLDEN_CLASSES : 0,
                                        golden_fill,
                                        n == 1 ? golden_class : golden_value};
        struct forest_table t;
        struct forest *forest = NULL;
        forest_table_init(&t, &world, &kind);
        assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
        compare(forest, &goldens[n]);
        forest_free(&forest);
        forest_table_clear(&t);
    }
}

/* ---- ties, empty bins, missing values ---- */

static void twins(int64_t row, float *x)
{
    x[0] = 1;
    x[1] = x[2] = (float)(row < 10 ? row % 2 : 100 + row % 2);
    x[3] = -x[1];
}

static double jump(int64_t row, const float *x)
{
    (void)x;
    return row < 10 ? 0 : 8;
}

/* Of equal columns the lowest; the threshold amid the values. */
static void ties_go_to_the_lowest(void **state)
{
    (void)state;
    const struct table_kind kind = {20, 4, 3, 255, 0, twins, jump};
    struct forest_table t;
    struct forest *forest = NULL;
    forest_table_init(&t, &world, &kind);
    assert_all(forest_fit(&world, &t.data, &plain, &forest) == OK);
    assert_all(forest->tree[0].nodes == 3 && forest->tree[0].node[0].feature == 1);
    assert_all(forest->tree[0].node[0].threshold == 50.5f);
    forest_free(&forest);
    forest_table_clear(&t);
}

static void gaps(int64_t row, float *x)
{
    x[0] = row % 4 == 0 ? NAN : (float)row;
}

static double unknown(int64_t row, const float *x)
{
    (void)x;
    return row % 4 == 0;
}

/* Only whether a value is there matters: all values go left, and larger ones still do. */
static void missing_against_values(void **state)
{
    (void)state;
    const struct table_kind kind = {40, 1, 7, 255, 0, gaps, unknown};
    struct forest_table t;
    struct forest *forest = NULL;
    forest_table_init(&t, &world, &kind);
    assert_all(forest_fit(&world, &t.data, &plain, &forest) == OK);
    const struct tree *tree = &forest->tree[0];
    const float probe[3] = {-1e30f, 1e30f, NAN};
    assert_all(tree->nodes == 3 && isinf(tree->node[0].threshold) && !tree->node[0].missing_left);
    assert_all(tree_leaf(tree, probe) == 1 && tree_leaf(tree, probe + 1) == 1);
    assert_all(tree_leaf(tree, probe + 2) == 2);
    forest_free(&forest);
    forest_table_clear(&t);
}

/* ---- limits ---- */

static void limits(void **state)
{
    (void)state;
    const struct table_kind kind = {GOLDEN_ROWS, GOLDEN_COLUMNS, BLOCK,       20,
                                    0,           golden_fill,    golden_value};
    struct forest_table t;
    struct forest *stump = NULL, *forest = NULL;
    struct forest_options opt = plain;
    forest_table_init(&t, &world, &kind);
    opt.depth = 0;
    assert_all(forest_fit(&world, &t.data, &opt, &stump) == OK);
    assert_all(stump->tree[0].nodes == 1 && stump->importance[0] == 0.0);
    assert_close(stump->tree[0].value[0], golden_values_value[0], 1e-8);
    opt.depth = 20;
    opt.min_rows = 30;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
    int64_t least = GOLDEN_ROWS, depth = 0;
    for (int64_t i = 0; i < forest->tree[0].nodes; i++)
        if (forest->tree[0].node[i].rows < least) least = forest->tree[0].node[i].rows;
    assert_all(least >= 30 && tree_depth(&forest->tree[0], &depth) == OK && depth > 2);
    forest_free(&forest);
    opt.min_rows = 1;
    opt.min_gain = 0.02;
    assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
    for (int64_t i = 0; i < forest->tree[0].nodes; i++)
        assert_all(forest->tree[0].node[i].feature < 0 || forest->tree[0].node[i].gain > 0.02);
    forest_free(&forest);
    forest_free(&stump);
    forest_table_clear(&t);
}

static double same(int64_t row, const float *x)
{
    (void)row, (void)x;
    return 0.1;
}

/* A constant target, and a single row. */
static void nothing_to_ask(void **state)
{
    (void)state;
    const int64_t rows[2] = {GOLDEN_ROWS, 1};
    for (int n = 0; n < 2; n++) {
        const struct table_kind kind = {rows[n], GOLDEN_COLUMNS, BLOCK, 20, 0, golden_fill, same};
        struct forest_table t;
        struct forest *forest = NULL;
        forest_table_init(&t, &world, &kind);
        assert_all(forest_fit(&world, &t.data, &plain, &forest) == OK);
        assert_all(forest->tree[0].nodes == 1 && forest->tree[0].value[0] == 0.1);
        forest_free(&forest);
        forest_table_clear(&t);
    }
}

/* ---- columns that tell nothing ---- */

/* Only column 3 has different values. */
static void one_of_seven(int64_t row, float *x)
{
    for (int j = 0; j < 7; j++) x[j] = j == 3 ? (float)table_uniform(row) : (float)j;
}

static double third(int64_t row, const float *x)
{
    return floor(3 * (double)x[3]) + (table_uniform(row + 1000) < 0.1);
}

/* However few columns are drawn for a node, the one that tells its rows apart is found. */
static void constant_columns_are_passed_over(void **state)
{
    (void)state;
    for (int64_t classes = 0; classes <= 4; classes += 4) {
        const struct table_kind kind = {300, 7, BLOCK, 255, classes, one_of_seven, third};
        struct forest_table t;
        struct forest *all = NULL, *forest = NULL;
        struct forest_options opt = plain;
        forest_table_init(&t, &world, &kind);
        opt.trees = 2;
        opt.min_rows = 3;
        assert_all(forest_fit(&world, &t.data, &opt, &all) == OK && all->tree[0].nodes > 9);
        for (opt.features = 1; opt.features < 7; opt.features++) {
            assert_all(forest_fit(&world, &t.data, &opt, &forest) == OK);
            assert_all(forest->tree[1].nodes == all->tree[1].nodes);
            double a[2], b[2]; /* nodes may stand in another order: sums over them */
            for (int k = 0; k < 2; k++) {
                const struct tree *tree = k == 0 ? &forest->tree[1] : &all->tree[1];
                a[k] = b[k] = 0;
                for (int64_t i = 0; i < tree->nodes; i++) {
                    a[k] += (double)tree->node[i].threshold * (double)tree->node[i].rows;
                    b[k] += tree->value[i * tree->outputs] * (double)tree->node[i].rows;
                }
            }
            assert_close(a[0], a[1], 1e-6 * a[1]);
            assert_close(b[0], b[1], 1e-9 * b[1]);
            forest_free(&forest);
        }
        forest_free(&all);
        forest_table_clear(&t);
    }
}

TEST_MAIN(cmocka_unit_test(constant_columns_are_passed_over), cmocka_unit_test(by_hand),
          cmocka_unit_test(classes_by_hand), cmocka_unit_test(golden_trees),
          cmocka_unit_test(ties_go_to_the_lowest), cmocka_unit_test(missing_against_values),
          cmocka_unit_test(limits), cmocka_unit_test(nothing_to_ask))
