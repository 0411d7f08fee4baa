/* Double machine learning: figures of an independent implementation, planted effects, groups that
 * say nothing, refusals, and the same bytes on any ranks. */
#include "algorithms/double_ml_tree.h"

#include "tests/forest_table.h"

enum { ROWS = 700, COLUMNS = 4, BLOCK = 50, LEVELS = 4 };

/* tests/goldens/double_ml.py: estimates and standard errors */
#define EFFECT_OF_ROWS                        \
    {                                         \
        -1.49197065274197, 0.0461822682505116 \
    }
#define NAIVE                                  \
    {                                          \
        -0.383161296883855, 0.0395070075610816 \
    }
#define R_SQUARED                             \
    {                                         \
        0.0271308642733952, 0.646876347739742 \
    }
#define GROUP_0                               \
    {                                         \
        -1.36718425124174, 0.0792868957732622 \
    }
#define GROUP_1                               \
    {                                         \
        -1.51499468600818, 0.0803591126513628 \
    }
#define TERMS                                                                       \
    {                                                                               \
        -1.58342370076341, 0.176318493154804, 0.0925768000705144, 0.158064872345555 \
    }
#define ROBUSTNESS                           \
    {                                        \
        0.686984054466271, 0.666292794368302 \
    }
#define EFFECTIVE 275.468437403776
#define EFFECT_OF_CLUSTERS                    \
    {                                         \
        -1.49997567640798, 0.0478747194042356 \
    }

struct shop {
    struct blocks blocks;
    float *x;
    double *outcome, *treatment, *term;
    int64_t *cluster;
    int32_t *group;
    uint8_t *skip;
    struct double_ml_data data;
};

static const int64_t levels[COLUMNS] = {0, 0, 0, LEVELS};

static double draw(int64_t row, int64_t number)
{
    return table_uniform(8 * row + number);
}

/* Steps of a column that least squares do not see, if forest. */
static void fill_row(struct shop *s, int64_t i, bool forest)
{
    int64_t row = s->blocks.row_first + i;
    double level = row % 13 == 0 ? -1 : floor(LEVELS * draw(row, 3)), told = fmax(level, 0);
    double t = draw(row, 0) + 0.3 * told + draw(row, 6) + draw(row, 7) * draw(row, 1);
    double y = 2 * draw(row, 0) + draw(row, 1) + 0.5 * told + draw(row, 4) - draw(row, 5);
    double step = forest ? 0.8 * (fabs(draw(row, 1) - 0.5) > 0.25) : 0;
    float *x = s->x + i * COLUMNS;
    for (int64_t j = 0; j < 3; j++) x[j] = (float)draw(row, j);
    if (row % 11 == 0) x[2] = NAN;
    x[3] = level < 0 ? NAN : (float)level;
    s->treatment[i] = t + step;
    s->outcome[i] = -1.5 * s->treatment[i] + y + 4 * step;
    s->cluster[i] = row / 7;
    s->group[i] = row % 3 == 2 ? -1 : (int32_t)(row % 3);
    s->skip[i] = row % 17 == 0;
    s->term[2 * i] = 1;
    s->term[2 * i + 1] = x[0];
}

static void shop_init(struct shop *s, const struct comm *comm, int64_t rows, bool forest)
{
    *s = (struct shop){0};
    assert_all(blocks_cut(comm, rows, BLOCK, &s->blocks) == OK);
    int64_t mine = s->blocks.rows_local;
    assert_all(memory_new(&s->x, mine * COLUMNS, sizeof *s->x) == OK);
    assert_all(memory_new(&s->outcome, mine, sizeof *s->outcome) == OK);
    assert_all(memory_new(&s->treatment, mine, sizeof *s->treatment) == OK);
    assert_all(memory_new(&s->term, 2 * mine, sizeof *s->term) == OK);
    assert_all(memory_new(&s->cluster, mine, sizeof *s->cluster) == OK);
    assert_all(memory_new(&s->group, mine, sizeof *s->group) == OK);
    assert_all(memory_new(&s->skip, mine, sizeof *s->skip) == OK);
    for (int64_t i = 0; i < mine; i++) fill_row(s, i, forest);
    s->data = (struct double_ml_data){.controls = {&s->blocks, COLUMNS, COLUMNS, s->x},
                                      .levels = levels,
                                      .outcome = s->outcome,
                                      .treatment = s->treatment,
                                      .skip = s->skip};
}

static void shop_clear(struct shop *s)
{
    blocks_clear(&s->blocks);
    free(s->x);
    free(s->outcome);
    free(s->treatment);
    free(s->term);
    free(s->cluster);
    free(s->group);
    free(s->skip);
}

static const struct double_ml_options straight = {.folds = 4, .seed = 5};
static const struct double_ml_options grown = {
    .forest = true, .folds = 2, .trees = 8, .depth = 6, .min_rows = 5, .boosted = 10, .seed = 3};

static bool is_estimate(const struct double_ml_estimate *e, const double expected[2])
{
    return fabs(e->estimate - expected[0]) < 1e-9 && fabs(e->std_error - expected[1]) < 1e-9;
}

/* ---- goldens ---- */

static void golden_rows(void **state)
{
    (void)state;
    struct shop s;
    struct double_ml *ml = NULL;
    struct double_ml_estimate group[2], average;
    const double effect[] = EFFECT_OF_ROWS, naive[] = NAIVE, r_squared[] = R_SQUARED,
                 robustness[] = ROBUSTNESS, groups[2][2] = {GROUP_0, GROUP_1};
    shop_init(&s, &world, ROWS, false);
    assert_all(double_ml_fit(&world, &s.data, &straight, &ml) == OK);
    assert_all(ml->rows == ROWS - 42 && ml->effect.rows == ml->rows);
    assert_all(is_estimate(&ml->effect, effect) && is_estimate(&ml->naive, naive));
    assert_close(ml->of_outcome.r_squared, r_squared[0], 1e-9);
    assert_close(ml->of_treatment.r_squared, r_squared[1], 1e-9);
    assert_close(ml->effect.left, 1 - r_squared[1], 1e-9);
    assert_close(ml->robustness, robustness[0], 1e-4); /* n - 2 here, n - 1 there */
    assert_close(ml->robustness_significance, robustness[1], 1e-4);
    assert_close(ml->effective_rows, EFFECTIVE, 1e-6);
    assert_all(double_ml_groups(&world, ml, 2, s.group, group, &average) == OK);
    for (int64_t g = 0; g < 2; g++) assert_all(is_estimate(&group[g], groups[g]));
    double rows[2] = {(double)group[0].rows, (double)group[1].rows}, all = rows[0] + rows[1];
    assert_close(average.estimate,
                 (rows[0] * group[0].estimate + rows[1] * group[1].estimate) / all, 1e-12);
    assert_close(average.std_error,
                 hypot(rows[0] * group[0].std_error, rows[1] * group[1].std_error) / all, 1e-12);
    double_ml_free(&ml);
    shop_clear(&s);
}

static void golden_terms(void **state)
{
    (void)state;
    struct shop s;
    struct double_ml *ml = NULL;
    struct double_ml_terms terms;
    const double expected[4] = TERMS;
    shop_init(&s, &world, ROWS, false);
    assert_all(double_ml_fit(&world, &s.data, &straight, &ml) == OK);
    assert_all(double_ml_terms(&world, ml, 2, s.term, &terms) == OK);
    for (int64_t k = 0; k < 2; k++) {
        assert_close(terms.coefficient[k], expected[k], 1e-9);
        assert_close(sqrt(terms.covariance[3 * k]), expected[2 + k], 1e-9);
    }
    double_ml_terms_clear(&terms);
    assert_all(double_ml_terms(&world, ml, 0, s.term, &terms) == ERR_ARG);
    double_ml_terms_clear(&terms);
    double_ml_free(&ml);
    shop_clear(&s);
}

static void golden_clusters(void **state)
{
    (void)state;
    struct shop s;
    struct double_ml *ml = NULL;
    const double expected[2] = EFFECT_OF_CLUSTERS;
    shop_init(&s, &world, ROWS, false);
    s.data.cluster = s.cluster;
    assert_all(double_ml_fit(&world, &s.data, &straight, &ml) == OK);
    assert_all(is_estimate(&ml->effect, expected));
    double_ml_free(&ml);
    shop_clear(&s);
}

/* ---- planted effects ---- */

/* Steps at both ends of a column: straight lines see nothing of them. */
static void forest_sees_steps(void **state)
{
    (void)state;
    struct shop s;
    struct double_ml *ml = NULL;
    struct double_ml_options opt = grown;
    opt.trees = 20, opt.boosted = 60;
    shop_init(&s, &world, 3000, true);
    assert_all(double_ml_fit(&world, &s.data, &straight, &ml) == OK);
    assert_all(ml->effect.estimate > -0.5);
    double_ml_free(&ml);
    assert_all(double_ml_fit(&world, &s.data, &opt, &ml) == OK);
    assert_close(ml->effect.estimate, -1.5, 0.1);
    assert_all(ml->effect.std_error < 0.05 && ml->naive.estimate > 0);
    const double *weight = ml->of_treatment.weight;
    assert_all(weight[LEARNER_FOREST] + weight[LEARNER_SHALLOW] + weight[LEARNER_STEPS] +
                   weight[LEARNER_BOOST] >
               0.4);
    double_ml_free(&ml);
    shop_clear(&s);
}

/* ---- groups that say nothing ---- */

static void quiet_groups(void **state)
{
    (void)state;
    struct shop s;
    struct double_ml *ml = NULL;
    struct double_ml_estimate group[4], average;
    shop_init(&s, &world, ROWS, false);
    s.data.skip = NULL;
    assert_all(double_ml_fit(&world, &s.data, &straight, &ml) == OK);
    for (int64_t i = 0; i < s.blocks.rows_local; i++) {
        int64_t row = s.blocks.row_first + i;
        s.group[i] = row < 1 ? 0 : row < 3 ? 1 : 3; /* one row, two rows, none, the others */
    }
    assert_all(double_ml_groups(&world, ml, 4, s.group, group, &average) == OK);
    assert_all(isnan(group[0].estimate) && group[0].rows == 1);
    assert_all(!isnan(group[1].estimate) && isnan(group[1].std_error) && group[1].rows == 2);
    assert_all(isnan(group[2].estimate) && group[2].rows == 0);
    assert_all(group[3].std_error > 0);
    for (int64_t i = 0; i < s.blocks.rows_local; i++) s.group[i] = -1;
    assert_all(double_ml_groups(&world, ml, 4, s.group, group, &average) == OK);
    assert_all(isnan(group[3].estimate) && isnan(average.estimate));
    assert_all(double_ml_groups(&world, ml, DOUBLE_ML_GROUPS_MAX + 1, s.group, group, NULL) ==
               ERR_ARG);
    double_ml_free(&ml);
    shop_clear(&s);
}

/* A group inside one cluster has an estimate, but no standard error. */
static void group_in_one_cluster(void **state)
{
    (void)state;
    struct shop s;
    struct double_ml *ml = NULL;
    struct double_ml_estimate group[2];
    shop_init(&s, &world, ROWS, false);
    for (int64_t i = 0; i < s.blocks.rows_local; i++) {
        s.cluster[i] = (s.blocks.row_first + i) / 100;
        s.group[i] = s.cluster[i] > 0;
    }
    s.data.cluster = s.cluster;
    assert_all(double_ml_fit(&world, &s.data, &straight, &ml) == OK);
    assert_all(double_ml_groups(&world, ml, 2, s.group, group, NULL) == OK);
    assert_all(!isnan(group[0].estimate) && isnan(group[0].std_error));
    assert_all(group[1].std_error > 0);
    double_ml_free(&ml);
    shop_clear(&s);
}

/* ---- a tree of effects ---- */

/* The effect is -1.5, and -2.5 where the second column is above a half. */
static void tree_finds_where(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct shop s, whole;
    struct double_ml *ml = NULL, *expected = NULL;
    struct double_ml_tree tree, same;
    const struct comm *comm[2] = {&world, &self};
    struct shop *shop[2] = {&s, &whole};
    struct double_ml **fit[2] = {&ml, &expected};
    struct double_ml_tree *grown_tree[2] = {&tree, &same};
    for (int n = 0; n < 2; n++) {
        shop_init(shop[n], comm[n], 3000, false);
        for (int64_t i = 0; i < shop[n]->blocks.rows_local; i++)
            if (shop[n]->x[i * COLUMNS + 1] > 0.5f) shop[n]->outcome[i] -= shop[n]->treatment[i];
        assert_all(double_ml_fit(comm[n], &shop[n]->data, &straight, fit[n]) == OK);
        assert_all(double_ml_tree_fit(comm[n], *fit[n], &shop[n]->data.controls, shop[n]->skip, 1,
                                      0, 1, grown_tree[n]) == OK);
    }
    assert_all(tree.leaves == 2 && tree.forest->tree[0].node[0].feature == 1);
    assert_close(tree.forest->tree[0].node[0].threshold, 0.5, 0.05);
    assert_close(tree.estimate[1].estimate, -1.5, 0.2);
    assert_close(tree.estimate[2].estimate, -2.5, 0.2);
    assert_all(tree.wald > 20);
    assert_all(memcmp(tree.estimate, same.estimate, 3 * sizeof *same.estimate) == 0);
    double_ml_tree_clear(&tree);
    assert_all(double_ml_tree_fit(&world, ml, &s.data.controls, s.skip, 7, 0, 1, &tree) == ERR_ARG);
    double_ml_tree_clear(&tree);
    double_ml_tree_clear(&same);
    double_ml_free(&ml);
    double_ml_free(&expected);
    shop_clear(&s);
    shop_clear(&whole);
}

/* ---- the same bytes ---- */

static void same_bytes(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct shop spread, whole;
    struct double_ml *ml = NULL, *expected = NULL;
    struct double_ml_estimate group[2], same[2];
    shop_init(&spread, &world, ROWS, true);
    shop_init(&whole, &self, ROWS, true);
    spread.data.cluster = spread.cluster;
    whole.data.cluster = whole.cluster;
    assert_all(double_ml_fit(&self, &whole.data, &grown, &expected) == OK);
    assert_all(double_ml_fit(&world, &spread.data, &grown, &ml) == OK);
    size_t rows = (size_t)spread.blocks.rows_local * sizeof(double);
    assert_all(memcmp(ml->outcome, expected->outcome + spread.blocks.row_first, rows) == 0);
    assert_all(memcmp(ml->treatment, expected->treatment + spread.blocks.row_first, rows) == 0);
    assert_all(memcmp(&ml->effect, &expected->effect, sizeof ml->effect) == 0);
    assert_all(memcmp(&ml->of_outcome, &expected->of_outcome, sizeof ml->of_outcome) == 0);
    assert_all(ml->robustness == expected->robustness);
    assert_all(double_ml_groups(&self, expected, 2, whole.group, same, NULL) == OK);
    assert_all(double_ml_groups(&world, ml, 2, spread.group, group, NULL) == OK);
    assert_all(memcmp(group, same, sizeof group) == 0);
    double_ml_free(&ml);
    double_ml_free(&expected);
    shop_clear(&spread);
    shop_clear(&whole);
}

/* ---- refusals, faults ---- */

static enum status fit_of(const struct shop *s, const struct double_ml_options *opt)
{
    struct double_ml *ml = NULL;
    enum status status = double_ml_fit(&world, &s->data, opt, &ml);
    if (status != OK && ml != NULL) status = ERR_BUG;
    double_ml_free(&ml);
    return status;
}

static void refusals(void **state)
{
    (void)state;
    struct shop s;
    struct double_ml_options opt = straight;
    shop_init(&s, &world, ROWS, false);
    opt.folds = 1;
    assert_all(fit_of(&s, &opt) == ERR_ARG);
    opt.folds = DOUBLE_ML_FOLDS_MAX + 1;
    assert_all(fit_of(&s, &opt) == ERR_ARG);
    s.data.controls.columns = 0;
    assert_all(fit_of(&s, &straight) == ERR_ARG);
    s.data.controls.columns = COLUMNS;
    for (int64_t i = 0; i < s.blocks.rows_local; i++) s.cluster[i] = 1;
    s.data.cluster = s.cluster;
    assert_all(fit_of(&s, &straight) == ERR_DATA); /* one fold */
    s.data.cluster = NULL;
    for (int64_t i = 0; i < s.blocks.rows_local; i++) s.treatment[i] = s.x[i * COLUMNS];
    assert_all(fit_of(&s, &straight) == ERR_DATA); /* a control itself */
    for (int64_t i = 0; i < s.blocks.rows_local; i++) s.treatment[i] = 3.25;
    assert_all(fit_of(&s, &straight) == ERR_DATA);
    if (s.blocks.rows_local > 1) s.treatment[1] = INFINITY;
    assert_all(fit_of(&s, &straight) == ERR_NUMERIC);
    for (int64_t i = 0; i < s.blocks.rows_local; i++) s.skip[i] = 1;
    assert_all(fit_of(&s, &straight) == ERR_DATA); /* no rows */
    shop_clear(&s);
}

static void fault_sweep(void **state)
{
    (void)state;
    struct shop s;
    struct double_ml_options opt = grown;
    shop_init(&s, &world, 60, true);
    s.data.cluster = s.cluster;
    opt.trees = 2, opt.boosted = 2;
    for (int n = 0; n < 2; n++) {
        opt.forest = n == 1;
        comm_inject_fault(-1, 0);
        assert_all(fit_of(&s, &opt) == OK);
        int64_t agreements = comm_agreements(), step = agreements / 25 + 1;
        assert_all(agreements > 20);
        for (int64_t a = 0; a < agreements; a += step) {
            comm_inject_fault(a, (int)(a % world.ranks));
            assert_all(fit_of(&s, &opt) != OK);
        }
        comm_inject_fault(-1, 0);
    }
    shop_clear(&s);
}

TEST_MAIN(cmocka_unit_test(golden_rows), cmocka_unit_test(golden_terms),
          cmocka_unit_test(golden_clusters), cmocka_unit_test(forest_sees_steps),
          cmocka_unit_test(quiet_groups), cmocka_unit_test(group_in_one_cluster),
          cmocka_unit_test(tree_finds_where), cmocka_unit_test(same_bytes),
          cmocka_unit_test(refusals), cmocka_unit_test(fault_sweep))
