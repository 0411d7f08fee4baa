/* Least squares: known answers, an independent implementation's figures, the same bytes at any
 * number of ranks. */
#include "tests/harness.h"

#include "algorithms/least_squares.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000, DENSE = 4, LEVELS = 6, GROUPS = 37, SPARSE = 2 * LEVELS - 1 };

/* tests/goldens/least_squares.py */
static const double golden_coefficient[] = {
    5.2344350661082082,      1.0508499464618655,   -0.020874965074538371, -1.6084101085107346e-06,
    -1.0274645872300087e-07, 0.15421763079527323,  0.1650327241549035,    -0.24289153650622469,
    0.17406918982400613,     0.086594390883374589, 0.029579322700565704,  0.1699574677960887,
    0.47991962800875015,     1.0112706454340796,   0.87040635801383059,   1.2883485102885066};
static const double golden_error[] = {
    0.40012429984356374,    0.074581557188044226, 0.00074619314149611976, 7.4528610316010292e-06,
    7.4519630034751965e-08, 0.27332244746627582,  0.27704179778960769,    0.276391917130694,
    0.27520169991917459,    0.28452218948904284,  0.19125878706220145,    0.17369377144609957,
    0.1825584608545919,     0.17708752236258635,  0.1766063163712242,     0.19094954863912408};
static const double golden_r_squared = 0.34833935057913568;
static const double golden_group_coefficient[] = {
    1.0071818147925991,    -0.020399195248625643, 8.6532333578683744e-07, -2.8014153855555929e-08,
    -0.075367571269618072, -0.10572828948796803,  -0.1610424503232093,    -0.13178915997055687,
    -0.088631477882031656, -0.11751180085739417,  0.25258916089172473,    0.5504272976580219,
    0.8039193281451279,    1.044272757559551,     1.2862818755630285};
static const double golden_group_error[] = {
    0.02632330798633329,  0.0002627386586472982, 2.6235059768901287e-06, 2.6192915887629798e-08,
    0.096091386687299635, 0.097766306750202439,  0.097522017367775646,   0.097058127445689243,
    0.10016747748615441,  0.067386634583132168,  0.060988941150576403,   0.064238274932330974,
    0.06259264979303146,  0.062277135024289623,  0.067125953213931999};
static const double golden_group_r_squared = 0.92138997786841159;

/* ---- the table of the goldens ---- */

struct table {
    struct blocks blocks;
    double *x, *y, *weight, *value;
    int64_t *row_start, *group;
    int32_t *column;
};

static double uniform(int64_t row, int what)
{
    uint64_t x = (uint64_t)row * 64 + (uint64_t)what + 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return ldexp((double)((x ^ (x >> 31)) >> 11), -53);
}

static void fill_row(struct table *t, int64_t i, int64_t row)
{
    int level = (int)(uniform(row, 10) * LEVELS);
    double slope = uniform(row, 13) + 0.5;
    int64_t at = t->row_start[i];
    for (int j = 0; j < DENSE; j++) t->x[i * DENSE + j] = pow(100.0, j) * (uniform(row, j) + j);
    if (level > 0) {
        t->column[at] = level - 1;
        t->value[at++] = 1.0;
    }
    t->column[at] = LEVELS - 1 + level;
    t->value[at++] = slope;
    t->row_start[i + 1] = at;
    t->group[i] = row * GROUPS / ROWS;
    t->weight[i] = uniform(row, 11) < 0.05 ? 0.0 : 0.25 + uniform(row, 12);
    double noise = uniform(row, 20) + uniform(row, 21) - 1.0;
    t->y[i] = 3.0 + t->x[i * DENSE] - t->x[i * DENSE + 1] / 50 + slope * level * 0.25 +
              (double)t->group[i] * 0.1 + noise;
}

/* Cut so that no group is split if by_group, by 64 rows otherwise; groups have 81 or 82 rows. */
static struct table table_make(const struct comm *comm, bool by_group)
{
    struct table t = {0};
    blocks_cut(comm, by_group ? GROUPS : ROWS, by_group ? 1 : 64, &t.blocks);
    if (by_group) {
        int64_t first = (t.blocks.row_first * ROWS + GROUPS - 1) / GROUPS;
        for (int64_t b = 0; b <= t.blocks.blocks_local; b++)
            t.blocks.start[b] = ((t.blocks.row_first + b) * ROWS + GROUPS - 1) / GROUPS - first;
        t.blocks.row_first = first;
        t.blocks.rows_total = ROWS;
        t.blocks.rows_local = t.blocks.start[t.blocks.blocks_local];
    }
    size_t rows = (size_t)t.blocks.rows_local + 1;
    t.x = calloc(rows * DENSE, sizeof *t.x);
    t.y = calloc(rows, sizeof *t.y);
    t.weight = calloc(rows, sizeof *t.weight);
    t.value = calloc(2 * rows, sizeof *t.value);
    t.column = calloc(2 * rows, sizeof *t.column);
    t.row_start = calloc(rows, sizeof *t.row_start);
    t.group = calloc(rows, sizeof *t.group);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) fill_row(&t, i, t.blocks.row_first + i);
    return t;
}

static void table_free(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->y);
    free(t->weight);
    free(t->value);
    free(t->column);
    free(t->row_start);
    free(t->group);
}

static struct design design_of(const struct table *t, bool grouped)
{
    return (struct design){.blocks = &t->blocks,
                           .intercept = !grouped,
                           .dense = DENSE,
                           .x = t->x,
                           .sparse = SPARSE,
                           .row_start = t->row_start,
                           .column = t->column,
                           .value = t->value,
                           .y = t->y,
                           .weight = t->weight,
                           .group = grouped ? t->group : NULL};
}

static bool near(const double *a, const double *b, int64_t count, double relative)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(a[i] - b[i]) <= relative * fabs(b[i]))) return false;
    return true;
}

static bool same(const void *a, const void *b, int64_t bytes)
{
    return memcmp(a, b, (size_t)bytes) == 0;
}

static bool same_fit(const struct least_squares *a, const struct least_squares *b)
{
    int64_t bytes = a->parameters * 8, covariance = a->wanted_count * a->wanted_count * 8;
    return a->parameters == b->parameters && a->rank == b->rank && a->freedom == b->freedom &&
           same(a->coefficient, b->coefficient, bytes) && same(a->std_error, b->std_error, bytes) &&
           same(a->dropped, b->dropped, a->parameters) && same(&a->condition, &b->condition, 8) &&
           same(&a->r_squared, &b->r_squared, 8) &&
           same(&a->residual_square, &b->residual_square, 8) &&
           (a->covariance == NULL || same(a->covariance, b->covariance, covariance));
}

/* ---- known answers ---- */

/* Four rows, so that most ranks have none: y = 1.1 + 1.1 x, residual square 2.7. */
static void by_hand(void **state)
{
    (void)state;
    static const double x[] = {0, 1, 2, 3}, y[] = {1, 3, 2, 5};
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    struct blocks blocks = {0};
    assert_all(blocks_cut(&world, 4, 4, &blocks) == OK);
    struct design design = {.blocks = &blocks, .intercept = true, .dense = 1, .x = x, .y = y};
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    assert_close(fit->coefficient[0], 1.1, 1e-15);
    assert_close(fit->coefficient[1], 1.1, 1e-15);
    assert_close(fit->std_error[0], 0.972111104761179, 1e-15);
    assert_close(fit->std_error[1], 0.5196152422706632, 1e-15);
    assert_close(fit->r_squared, 6.05 / 8.75, 1e-15);
    assert_close(fit->residual_square, 2.7, 1e-14);
    assert_close(fit->condition, 1.0, 0.2);
    assert_all(fit->rows == 4 && fit->rank == 2 && fit->freedom == 2 && fit->groups == 0);
    least_squares_free(&fit);
    design.intercept = false; /* slope 22 / 14, R squared about 0: 1 - (39 - 22^2 / 14) / 39 */
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    assert_close(fit->coefficient[0], 22.0 / 14.0, 1e-15);
    assert_close(fit->r_squared, 22.0 * 22.0 / 14.0 / 39.0, 1e-15);
    least_squares_free(&fit);
    blocks_clear(&blocks);
}

static void golden(void **state)
{
    (void)state;
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    struct table t = table_make(&world, false);
    struct design design = design_of(&t, false);
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    assert_all(near(fit->coefficient, golden_coefficient, 1 + DENSE + SPARSE, 1e-10));
    assert_all(near(fit->std_error, golden_error, 1 + DENSE + SPARSE, 1e-10));
    assert_close(fit->r_squared, golden_r_squared, 1e-13);
    least_squares_free(&fit);
    table_free(&t);
}

static void golden_groups(void **state)
{
    (void)state;
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    struct table t = table_make(&world, true);
    struct design design = design_of(&t, true);
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    assert_all(near(fit->coefficient, golden_group_coefficient, DENSE + SPARSE, 1e-9));
    assert_all(near(fit->std_error, golden_group_error, DENSE + SPARSE, 1e-10));
    assert_close(fit->r_squared, golden_group_r_squared, 1e-13);
    assert_all(fit->groups == GROUPS && fit->rank == DENSE + SPARSE);
    least_squares_free(&fit);
    table_free(&t);
}

/* Wampler's first problem: y = 1 + x + .. + x^5 for x = 0 .. 20, without noise. */
static void hard_polynomial(void **state)
{
    (void)state;
    double x[21 * 5], y[21];
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    struct blocks blocks = {0};
    assert_all(blocks_cut(&world, 21, 21, &blocks) == OK);
    for (int i = 0; i < 21; i++) {
        y[i] = 1.0;
        for (int j = 0; j < 5; j++) y[i] += x[i * 5 + j] = pow(i, j + 1);
    }
    struct design design = {.blocks = &blocks, .intercept = true, .dense = 5, .x = x, .y = y};
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    for (int j = 0; j < 6; j++) assert_close(fit->coefficient[j], 1.0, 1e-5);
    assert_all(fit->rank == 6 && fit->condition > 1e2 && fit->condition < 1e6);
    assert_close(fit->r_squared, 1.0, 1e-14);
    least_squares_free(&fit);
    blocks_clear(&blocks);
}

/* ---- the same bytes ---- */

static void fits_alike(bool grouped)
{
    const int64_t wanted[] = {0, 3, 7, 11};
    struct comm self = comm_self();
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *one = NULL, *many = NULL;
    struct table whole = table_make(&self, grouped), share = table_make(&world, grouped);
    struct design alone = design_of(&whole, grouped), spread = design_of(&share, grouped);
    options.covariance = true;
    for (int pass = 0; pass < 2; pass++) {
        assert_all(least_squares_fit(&self, &alone, &options, &one) == OK);
        assert_all(least_squares_fit(&world, &spread, &options, &many) == OK);
        assert_all(same_fit(one, many));
        least_squares_free(&one);
        least_squares_free(&many);
        options.all_errors = false;
        options.wanted = wanted;
        options.wanted_count = 4;
    }
    table_free(&whole);
    table_free(&share);
}

static void same_bytes(void **state)
{
    (void)state;
    fits_alike(false);
    fits_alike(true);
}

/* ---- properties ---- */

/* Weights of 2 are rows written twice, for the coefficients; covariance's diagonal is the square of
 * the error. */
static void scale_free(void **state)
{
    (void)state;
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL, *scaled = NULL;
    struct table t = table_make(&world, false);
    struct design design = design_of(&t, false);
    options.covariance = true;
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        t.weight[i] *= 0x1p40;
        t.y[i] *= 0x1p-80;
        for (int j = 0; j < DENSE; j++) t.x[i * DENSE + j] *= 0x1p70;
    }
    assert_all(least_squares_fit(&world, &design, &options, &scaled) == OK);
    for (int64_t j = 0; j < fit->parameters; j++) {
        int64_t diagonal = j * (fit->parameters + 1);
        double unit = j >= 1 && j <= DENSE ? 0x1p-150 : 0x1p-80;
        assert_all(scaled->coefficient[j] == fit->coefficient[j] * unit);
        assert_all(scaled->std_error[j] == fit->std_error[j] * unit);
        assert_close(fit->covariance[diagonal] / (fit->std_error[j] * fit->std_error[j]), 1.0,
                     1e-14);
    }
    assert_all(scaled->r_squared == fit->r_squared);
    least_squares_free(&fit);
    least_squares_free(&scaled);
    table_free(&t);
}

/* Columns: constant (depends on the intercept), free, copy of the second times 3, free. */
static void drops_later_columns(void **state)
{
    (void)state;
    enum { MANY = 100 };
    double x[MANY * 4], y[MANY];
    int64_t row_start[MANY + 1] = {0};
    int32_t column[MANY];
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    struct blocks blocks = {0};
    assert_all(blocks_cut(&world, MANY, 10, &blocks) == OK);
    for (int64_t i = 0; i < blocks.rows_local; i++) {
        int64_t row = blocks.row_first + i;
        double *to = x + i * 4;
        to[0] = 0.1;
        to[1] = uniform(row, 0) + 1e3;
        to[2] = 3.0 * to[1];
        to[3] = uniform(row, 1);
        y[i] = to[1] + 2.0 * to[3];
        column[i] = (int32_t)(row % 3) *
                    2; /* columns 1 and 3 are empty, 4 depends on the intercept, 0 and 2 */
        row_start[i + 1] = i + 1;
    }
    struct design design = {.blocks = &blocks, .intercept = true, .dense = 4, .x = x, .y = y};
    design.sparse = 5;
    design.row_start = row_start;
    design.column = column;
    assert_all(least_squares_fit(&world, &design, &options, &fit) == OK);
    static const bool expected[] = {0, 1, 0, 1, 0, 0, 1, 0, 1, 1};
    for (int j = 0; j < 10; j++) {
        assert_all(fit->dropped[j] == expected[j]);
        assert_all(expected[j] == (bool)isnan(fit->std_error[j]));
    }
    assert_close(fit->coefficient[2], 1.0, 1e-12);
    assert_close(fit->coefficient[4], 2.0, 1e-12);
    assert_all(fit->coefficient[3] == 0.0 && fit->rank == 5);
    least_squares_free(&fit);
    blocks_clear(&blocks);
}

/* ---- failures ---- */

static enum status fit_and_free(const struct design *design)
{
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    enum status status = least_squares_fit(&world, design, &options, &fit);
    if ((status == OK) != (fit != NULL)) status = ERR_STOPPED; /* nothing else gives this */
    least_squares_free(&fit);
    return status;
}

static void refuses(void **state)
{
    (void)state;
    struct table t = table_make(&world, false);
    struct design good = design_of(&t, false), bad = good;
    bool last = world.rank == world.ranks - 1;
    double kept = t.x[1];
    if (last) t.x[1] = NAN;
    if (last) t.weight[0] = 1.0;
    assert_all(fit_and_free(&good) == ERR_NUMERIC);
    assert_non_null(strstr(status_message(), "dense column 1"));
    t.x[1] = kept;
    if (last) t.weight[0] = -1.0;
    assert_all(fit_and_free(&good) == ERR_NUMERIC);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) t.weight[i] = 0.0;
    assert_all(fit_and_free(&good) == ERR_ARG);
    bad.sparse = DESIGN_PARAMETERS_MAX;
    assert_all(fit_and_free(&bad) == ERR_ARG);
    bad = (struct design){.blocks = &t.blocks, .y = t.y};
    assert_all(fit_and_free(&bad) == ERR_ARG);
    if (last) t.column[0] = SPARSE;
    assert_all(fit_and_free(&good) == ERR_ARG);
    table_free(&t);
}

static void agrees_on_faults(void **state)
{
    (void)state;
    struct table t = table_make(&world, false);
    struct design design = design_of(&t, false);
    comm_inject_fault(-1, 0);
    assert_all(fit_and_free(&design) == OK);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 5);
    for (int64_t k = 0; k < agreements; k += k < 16 ? 1 : 7)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            enum status status = fit_and_free(&design);
            comm_inject_fault(-1, 0);
            assert_all(status == ERR_BUG);
        }
    table_free(&t);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(golden), cmocka_unit_test(golden_groups),
          cmocka_unit_test(hard_polynomial), cmocka_unit_test(same_bytes),
          cmocka_unit_test(scale_free), cmocka_unit_test(drops_later_columns),
          cmocka_unit_test(refuses), cmocka_unit_test(agrees_on_faults))
