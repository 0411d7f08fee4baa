/* Sandwich errors: by hand, groups against dummies, each row its own cluster, turns, the same bytes
 * at any number of ranks. Their goldens are those of test_fit_lsq.sh. */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/least_squares.h"
#include "algorithms/sandwich.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 1200, DENSE = 3, GROUPS = 24, CLUSTERS = 90 };

struct table {
    struct blocks blocks;
    double *x, *y, *weight;
    int64_t *row_start, *group, *cluster, *own;
    int32_t *column;
};

/* Blocks of 50 rows are the groups; clusters run across them, their keys are large. */
static struct table table_make(const struct comm *comm)
{
    struct table t = {0};
    blocks_cut(comm, ROWS, ROWS / GROUPS, &t.blocks);
    size_t rows = (size_t)t.blocks.rows_local + 1;
    t.x = calloc(rows * DENSE, sizeof *t.x);
    t.y = calloc(rows, sizeof *t.y);
    t.weight = calloc(rows, sizeof *t.weight);
    t.row_start = calloc(rows, sizeof *t.row_start);
    t.column = calloc(rows, sizeof *t.column);
    t.group = calloc(rows, sizeof *t.group);
    t.cluster = calloc(rows, sizeof *t.cluster);
    t.own = calloc(rows, sizeof *t.own);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        int64_t row = t.blocks.row_first + i;
        double *x = t.x + i * DENSE;
        for (int j = 0; j < DENSE; j++) x[j] = 1e3 * j + uniform(row, j) * pow(10.0, j);
        t.group[i] = row * GROUPS / ROWS;
        t.column[i] = (int32_t)t.group[i];
        t.row_start[i + 1] = i + 1;
        t.cluster[i] = (row * 7 % CLUSTERS) * ((int64_t)1 << 40) - ((int64_t)1 << 50);
        t.own[i] = row;
        t.weight[i] = row % 11 == 0 ? 0.0 : 0.5 + uniform(row, 9);
        t.y[i] = x[0] - x[1] / 10 + (double)t.group[i] + uniform(row, 10) * x[0] +
                 uniform(row * 7 % CLUSTERS, 11);
    }
    return t;
}

static void table_free(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->y);
    free(t->weight);
    free(t->row_start);
    free(t->column);
    free(t->group);
    free(t->cluster);
    free(t->own);
}

static struct design design_of(const struct table *t, bool grouped)
{
    struct design design = {.blocks = &t->blocks,
                            .dense = DENSE,
                            .x = t->x,
                            .y = t->y,
                            .weight = t->weight,
                            .group = grouped ? t->group : NULL};
    if (grouped) return design;
    design.sparse = GROUPS;
    design.row_start = t->row_start;
    design.column = t->column;
    return design;
}

static struct least_squares *fit_with(const struct comm *comm, const struct design *design,
                                      enum least_squares_errors errors, const int64_t *cluster)
{
    static const int64_t wanted[] = {0, 1, 2};
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    options.all_errors = options.condition = false;
    options.wanted = wanted;
    options.wanted_count = DENSE;
    options.covariance = true;
    options.errors = errors;
    options.cluster = cluster;
    assert_all(least_squares_fit(comm, design, &options, &fit) == OK);
    return fit;
}

/* y = 1, 2, 3, 6 on a constant: mean 3, residuals -2, -1, 0, 3; squares 14 / 16 of the mean. */
static void by_hand(void **state)
{
    (void)state;
    static const double y[] = {1, 2, 3, 6};
    static const int64_t cluster[] = {7, 7, -1, -1};
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    struct blocks blocks = {0};
    assert_all(blocks_cut(&world, 4, 1, &blocks) == OK);
    struct design design = {.blocks = &blocks, .intercept = true, .y = y + blocks.row_first};
    options.errors = ERRORS_HC1;
    options.residuals = true;
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    assert_close(fit->std_error[0], sqrt(14.0 / 16.0 * 4.0 / 3.0), 1e-15);
    for (int64_t i = 0; i < blocks.rows_local; i++)
        assert_true(fabs(fit->residual[i] - (design.y[i] - 3.0)) < 1e-15);
    least_squares_free(&fit);
    options.errors = ERRORS_CLUSTERED;
    options.cluster = cluster + blocks.row_first; /* sums -3 and 3: 18 / 16, factor 2 * 3 / 3 */
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    assert_close(fit->std_error[0], sqrt(18.0 / 16.0 * 2.0), 1e-15);
    assert_close(fit->correction, 2.0, 1e-15);
    assert_all(fit->clusters == 2);
    least_squares_free(&fit);
    static const int64_t one[4] = {0};
    options.cluster = one;
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    assert_all(fit->clusters == 1 && isnan(fit->std_error[0]));
    least_squares_free(&fit);
    options.cluster = NULL;
    assert_all(least_squares_fit(&world, &design, &options, &fit) == ERR_ARG && fit == NULL);
    blocks_clear(&blocks);
}

static bool near(const double *a, const double *b, int64_t count, double factor)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(a[i] - factor * b[i]) <= 1e-9 * fabs(a[i]))) return false;
    return true;
}

/* Groups that are eliminated and dummies for them; rows that are their own clusters. */
static void says_the_same(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    struct design grouped = design_of(&t, true), dummies = design_of(&t, false);
    struct least_squares *hc1 = fit_with(&world, &grouped, ERRORS_HC1, NULL);
    struct least_squares *other = fit_with(&world, &dummies, ERRORS_HC1, NULL);
    assert_all(near(hc1->covariance, other->covariance, DENSE * DENSE, 1.0));
    for (int j = 0; j < DENSE; j++)
        assert_close(hc1->std_error[j], sqrt(hc1->covariance[j * (DENSE + 1)]), 1e-15);
    least_squares_free(&other);
    other = fit_with(&world, &dummies, ERRORS_CLUSTERED, t.own);
    assert_all(other->clusters == hc1->rows); /* G / (G - 1) (N - 1) / (N - K) = N / (N - K) */
    assert_all(near(hc1->covariance, other->covariance, DENSE * DENSE, 1.0));
    least_squares_free(&other);
    least_squares_free(&hc1);
    hc1 = fit_with(&world, &grouped, ERRORS_CLUSTERED, t.cluster);
    other = fit_with(&world, &dummies, ERRORS_CLUSTERED, t.cluster);
    assert_all(hc1->clusters == CLUSTERS);
    assert_all(near(hc1->covariance, other->covariance, DENSE * DENSE, 1.0));
    least_squares_free(&other);
    least_squares_free(&hc1);
    table_free(&t);
}

static void same_bytes(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct table whole = table_make(&self), share = table_make(&world);
    for (int way = 0; way < 4; way++) {
        enum least_squares_errors errors = way < 2 ? ERRORS_HC1 : ERRORS_CLUSTERED;
        struct design alone = design_of(&whole, way % 2), spread = design_of(&share, way % 2);
        struct least_squares *one = fit_with(&self, &alone, errors, whole.cluster);
        struct least_squares *many = fit_with(&world, &spread, errors, share.cluster);
        assert_all(memcmp(one->covariance, many->covariance,
                          DENSE * DENSE * sizeof *one->covariance) == 0);
        least_squares_free(&one);
        least_squares_free(&many);
    }
    table_free(&whole);
    table_free(&share);
}

static enum status sum_with(const struct table *t, int64_t turn_bytes, bool pairs, double *square,
                            int64_t *clusters)
{
    static const double unit[] = {1.0, 0.5, 4.0}, shift[DENSE] = {0};
    struct design design = design_of(t, false);
    struct predictors influence = {0};
    enum status status = predictors_init(&design, shift, DENSE, &influence);
    assert_all(status == OK);
    for (int j = 0; j < DENSE; j++) influence.slope[j * DENSE + j] = 1.0;
    struct sandwich sandwich = {.influence = &influence,
                                .error = t->y,
                                .weight_scale = 1.0,
                                .unit = unit,
                                .cluster = t->cluster,
                                .pairs = pairs,
                                .turn_bytes = turn_bytes};
    status = sandwich_sum(&world, &sandwich, square, clusters);
    predictors_clear(&influence);
    return status;
}

/* In how many turns the clusters come does not matter, and squares are the pairs' diagonal. */
static void takes_turns(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    double all[DENSE * DENSE], some[DENSE * DENSE], squares[DENSE];
    int64_t clusters = 0;
    assert_all(sum_with(&t, 0, true, all, &clusters) == OK && clusters == CLUSTERS);
    assert_all(sum_with(&t, 300, true, some, &clusters) == OK && clusters == CLUSTERS);
    assert_all(memcmp(all, some, sizeof all) == 0);
    assert_all(sum_with(&t, 1000, false, squares, &clusters) == OK);
    for (int j = 0; j < DENSE; j++) assert_all(squares[j] == all[j * (DENSE + 1)]);
    table_free(&t);
}

static void agrees_on_faults(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    double square[DENSE];
    int64_t clusters = 0;
    comm_inject_fault(-1, 0);
    assert_all(sum_with(&t, 1000, false, square, &clusters) == OK);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 5);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            enum status status = sum_with(&t, 1000, false, square, &clusters);
            comm_inject_fault(-1, 0);
            assert_all(status == ERR_BUG);
        }
    table_free(&t);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(says_the_same), cmocka_unit_test(same_bytes),
          cmocka_unit_test(takes_turns), cmocka_unit_test(agrees_on_faults))
