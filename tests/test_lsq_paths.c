/* The ways to solve a linear model: the same model from each, the same bytes on any number of
 * ranks, and the digits that each promises. */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/least_squares.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 2000, DENSE = 5, SPARSE = 4 };

struct table {
    struct blocks blocks;
    double *x, *y, *weight;
    int64_t *row_start;
    int32_t *column;
};

/* Column 3 is the sum of two others but for `close`. */
static struct table table_make(const struct comm *comm, double close)
{
    struct table t = {0};
    blocks_cut(comm, ROWS, 32, &t.blocks);
    size_t rows = (size_t)t.blocks.rows_local + 1;
    t.x = calloc(rows * DENSE, sizeof *t.x);
    t.y = calloc(rows, sizeof *t.y);
    t.weight = calloc(rows, sizeof *t.weight);
    t.row_start = calloc(rows, sizeof *t.row_start);
    t.column = calloc(rows, sizeof *t.column);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        int64_t row = t.blocks.row_first + i;
        double *x = t.x + i * DENSE;
        for (int j = 0; j < DENSE; j++) x[j] = uniform(row, j) + 10.0 * j;
        x[3] = x[0] + x[1] + close * uniform(row, 9);
        t.column[i] = (int32_t)(uniform(row, 8) * SPARSE);
        t.row_start[i + 1] = i + 1;
        t.weight[i] = uniform(row, 11) < 0.05 ? 0.0 : 0.25 + uniform(row, 12);
        t.y[i] = 1.0 + 2.0 * x[0] - x[2] + 0.5 * t.column[i] + uniform(row, 10);
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
}

static struct design design_of(const struct table *t)
{
    return (struct design){.blocks = &t->blocks,
                           .intercept = true,
                           .dense = DENSE,
                           .x = t->x,
                           .sparse = SPARSE,
                           .row_start = t->row_start,
                           .column = t->column,
                           .y = t->y,
                           .weight = t->weight};
}

static struct least_squares *fit_of(const struct comm *comm, const struct design *design,
                                    enum least_squares_path path)
{
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    options.path = path;
    assert_all(least_squares_fit(comm, design, &options, &fit) == OK);
    return fit;
}

static const enum least_squares_path paths[] = {LEAST_SQUARES_GRAM, LEAST_SQUARES_TRIANGLES,
                                                LEAST_SQUARES_GRID, LEAST_SQUARES_ROWS};
enum { PATHS = sizeof paths / sizeof *paths };

static bool same(const double *a, const double *b, int64_t count)
{
    return memcmp(a, b, (size_t)count * sizeof *a) == 0;
}

/* All paths find the same model, and each the same bytes on one rank and on all. */
static void agree(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct table share = table_make(&world, 1.0), whole = table_make(&self, 1.0);
    struct design spread = design_of(&share), alone = design_of(&whole);
    struct least_squares *by_gram = fit_of(&world, &spread, LEAST_SQUARES_GRAM);
    for (int k = 0; k < PATHS; k++) {
        struct least_squares *many = fit_of(&world, &spread, paths[k]);
        struct least_squares *one = fit_of(&self, &alone, paths[k]);
        assert_all(many->path == paths[k] && many->why != NULL);
        assert_all(same(one->coefficient, many->coefficient, one->parameters));
        assert_all(same(one->std_error, many->std_error, one->parameters));
        assert_all(same(&one->condition, &many->condition, 1));
        assert_all(same(&one->r_squared, &many->r_squared, 1));
        for (int64_t j = 0; j < one->parameters; j++) {
            assert_all(many->dropped[j] == by_gram->dropped[j]);
            assert_close(many->coefficient[j], by_gram->coefficient[j], 1e-10);
            if (!many->dropped[j]) assert_close(many->std_error[j], by_gram->std_error[j], 1e-10);
        }
        assert_close(many->r_squared, by_gram->r_squared, 1e-12);
        assert_close(many->condition / by_gram->condition, 1.0, 3.0);
        least_squares_free(&many);
        least_squares_free(&one);
    }
    least_squares_free(&by_gram);
    table_free(&share);
    table_free(&whole);
}

/* Nearly dependent columns take triangles by themselves; their coefficients are right to what the
 * rows hold, and the same anywhere. */
static void ill_conditioned(void **state)
{
    (void)state;
    struct comm self = comm_self();
    for (double close = 1e-1; close > 1e-8; close *= 1e-2) {
        struct table share = table_make(&world, close), whole = table_make(&self, close);
        struct design spread = design_of(&share), alone = design_of(&whole);
        for (int64_t i = 0; i < share.blocks.rows_local; i++)
            share.y[i] = share.x[i * DENSE + 3] - share.x[i * DENSE]; /* exact, so are they */
        for (int64_t i = 0; i < whole.blocks.rows_local; i++)
            whole.y[i] = whole.x[i * DENSE + 3] - whole.x[i * DENSE];
        struct least_squares *many = fit_of(&world, &spread, LEAST_SQUARES_CHOOSE);
        struct least_squares *one = fit_of(&self, &alone, LEAST_SQUARES_CHOOSE);
        assert_all(many->path == (close < 1e-2 ? LEAST_SQUARES_TRIANGLES : LEAST_SQUARES_GRAM));
        assert_all(same(one->coefficient, many->coefficient, one->parameters));
        assert_all(same(one->std_error, many->std_error, one->parameters));
        assert_all(many->rank == DENSE + SPARSE); /* one level depends on the constant */
        double allowed = 1e-15 / (close < 1e-2 ? close : close * close);
        assert_close(many->coefficient[1], -1.0, allowed);
        assert_close(many->coefficient[4], 1.0, allowed);
        least_squares_free(&many);
        least_squares_free(&one);
        table_free(&share);
        table_free(&whole);
    }
}

/* Errors of many coefficients come from the whole inverse: a level's is known by hand. */
static void many_errors(void **state)
{
    (void)state;
    enum { LEVELS = 300 };
    struct comm self = comm_self();
    struct table share = table_make(&world, 1.0), whole = table_make(&self, 1.0);
    struct design spread = design_of(&share), alone = design_of(&whole);
    double weight[LEVELS] = {0};
    spread.intercept = alone.intercept = false;
    spread.dense = alone.dense = 0;
    spread.sparse = alone.sparse = LEVELS;
    for (int64_t i = 0; i < whole.blocks.rows_local; i++) {
        whole.column[i] = (int32_t)(i % LEVELS);
        weight[i % LEVELS] += whole.weight[i];
    }
    for (int64_t i = 0; i < share.blocks.rows_local; i++)
        share.column[i] = (int32_t)((share.blocks.row_first + i) % LEVELS);
    struct least_squares *many = fit_of(&world, &spread, LEAST_SQUARES_CHOOSE);
    struct least_squares *one = fit_of(&self, &alone, LEAST_SQUARES_CHOOSE);
    assert_all(same(one->std_error, many->std_error, LEVELS));
    for (int64_t j = 0; j < LEVELS; j++)
        assert_close(many->std_error[j], sqrt(many->variance / weight[j]), 1e-13);
    least_squares_free(&many);
    least_squares_free(&one);
    table_free(&share);
    table_free(&whole);
}

/* A ridge keeps dependent columns; the order in which others are dropped is the one asked for. */
static void ridge_and_order(void **state)
{
    (void)state;
    static const int64_t order[] = {0, 4, 2, 3, 1, 5, 9, 8, 7, 6};
    struct comm self = comm_self();
    struct table share = table_make(&world, 0.0), whole = table_make(&self, 0.0);
    struct design spread = design_of(&share), alone = design_of(&whole);
    for (double ridge = 0.0; ridge < 10.0; ridge += 7.0) {
        spread.order = alone.order = ridge > 0.0 ? NULL : order;
        struct least_squares *by_gram = NULL;
        for (int k = 0; k < PATHS; k++) {
            struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
            struct least_squares *one = NULL, *many = NULL;
            options.path = paths[k];
            options.ridge = ridge;
            assert_all(least_squares_fit(&self, &alone, &options, &one) == OK);
            assert_all(least_squares_fit(&world, &spread, &options, &many) == OK);
            assert_all(same(one->coefficient, many->coefficient, one->parameters));
            assert_all(same(one->std_error, many->std_error, one->parameters));
            for (int64_t j = 0; j < one->parameters; j++) {
                assert_all(many->dropped[j] == (!(ridge > 0.0) && (j == 1 || j == 6)));
                if (k > 0) assert_close(many->coefficient[j], by_gram->coefficient[j], 1e-10);
            }
            least_squares_free(&one);
            if (k > 0) least_squares_free(&many);
            if (k == 0) by_gram = many;
        }
        least_squares_free(&by_gram);
    }
    table_free(&share);
    table_free(&whole);
}

/* The sum itself is dropped, and so is a constant; nothing is NaN. */
static void dependent(void **state)
{
    (void)state;
    struct table t = table_make(&world, 0.0);
    struct design design = design_of(&t);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) t.x[i * DENSE + 4] = 0.1;
    for (int k = 0; k < PATHS; k++) {
        struct least_squares *fit = fit_of(&world, &design, paths[k]);
        for (int64_t j = 0; j < fit->parameters; j++) {
            bool expected = j == 4 || j == 5 || j == fit->parameters - 1;
            assert_all(fit->dropped[j] == expected && isfinite(fit->coefficient[j]));
            assert_all(expected || fit->std_error[j] > 0.0);
        }
        least_squares_free(&fit);
    }
    table_free(&t);
}

/* Six columns, three rows: the first three that are independent stay. */
static void more_columns_than_rows(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3, 2, 1, 4, 6, 0, 5, 5, 8, 1, 3, 9, 2}, y[] = {1, 5, 2};
    struct blocks blocks = {0};
    assert_all(blocks_cut(&world, 3, 2, &blocks) == OK);
    struct design design = {.blocks = &blocks,
                            .intercept = true,
                            .dense = 5,
                            .x = x + 5 * blocks.row_first,
                            .y = y + blocks.row_first};
    for (int k = 0; k < PATHS; k++) {
        struct least_squares *fit = fit_of(&world, &design, paths[k]);
        for (int64_t j = 0; j < 6; j++) {
            assert_all(fit->dropped[j] == (j > 2) && isfinite(fit->coefficient[j]));
            assert_all(isnan(fit->std_error[j])); /* no degree of freedom */
        }
        assert_all(fit->freedom == 0 && fit->residual_square < 1e-20);
        least_squares_free(&fit);
    }
    blocks_clear(&blocks);
}

static enum status fit_and_free(const struct design *design, enum least_squares_path path)
{
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    options.path = path;
    enum status status = least_squares_fit(&world, design, &options, &fit);
    if ((status == OK) != (fit != NULL)) status = ERR_STOPPED; /* nothing else gives this */
    least_squares_free(&fit);
    return status;
}

static void agrees_on_faults(void **state)
{
    (void)state;
    struct table t = table_make(&world, 1.0);
    struct design design = design_of(&t);
    for (int p = 1; p < PATHS; p++) {
        comm_inject_fault(-1, 0);
        assert_all(fit_and_free(&design, paths[p]) == OK);
        int64_t agreements = comm_agreements();
        for (int64_t k = 0; k < agreements; k += 1 + k / 40) {
            comm_inject_fault(k, (int)(k % world.ranks));
            enum status status = fit_and_free(&design, paths[p]);
            comm_inject_fault(-1, 0);
            assert_all(status == ERR_BUG);
        }
    }
    table_free(&t);
}

TEST_MAIN(cmocka_unit_test(agree), cmocka_unit_test(ill_conditioned),
          cmocka_unit_test(ridge_and_order), cmocka_unit_test(many_errors),
          cmocka_unit_test(dependent), cmocka_unit_test(more_columns_than_rows),
          cmocka_unit_test(agrees_on_faults))
