/* Corrections carried over: the closed form of one column, with and without a prior, and that what
 * is carried over to the rows it comes from is their outcomes. */
#include "tests/harness.h"

#include "algorithms/transport.h"

#include <stdlib.h>

enum { ROWS = 120, BLOCK = 8, EACH = 4 };

/* Row i of all; every seventh is none. */
static float outcome(int64_t i)
{
    return (i * 7 + i / 5) % 3 == 0 ? 1.0f : 0.0f;
}

static float weight_of(int64_t i)
{
    return 0.5f + (float)(i % 5) / 4.0f;
}

static double forecast(int64_t i)
{
    return (double)(i % 11) / 10.0 - 0.7;
}

struct table {
    struct blocks blocks;
    float y[ROWS], weight[ROWS];
    uint8_t skip[ROWS];
    bool flat; /* forecasts are all log odds 0 */
};

static double columns(const void *context, int64_t i, double *x)
{
    const struct table *table = context;
    int64_t row = table->blocks.row_first + i;
    x[0] = 1.0;
    x[1] = (double)(row % 4) - 1.5;
    return table->flat ? 0.0 : forecast(row);
}

static struct logistic_rows view(const struct table *t, int64_t count)
{
    return (struct logistic_rows){&t->blocks, count, columns, t, t->y, t->weight, t->skip};
}

static void make(bool even, struct table *t)
{
    *t = (struct table){.flat = true};
    assert_all(blocks_cut(&world, ROWS, BLOCK, &t->blocks) == OK);
    for (int64_t i = 0; i < t->blocks.rows_local; i++) {
        int64_t row = t->blocks.row_first + i;
        t->y[i] = even ? (float)(row / 2 % 2) : outcome(row);
        t->weight[i] = even ? 1.0f : weight_of(row);
        t->skip[i] = !even && row % 7 == 6;
    }
}

/* Over all rows: log odds of the weighted share, and its variance by clusters. */
static void closed_form(double *c, double *variance)
{
    double w = 0.0, wy = 0.0, meat = 0.0;
    for (int64_t i = 0; i < ROWS; i++) {
        if (i % 7 == 6) continue;
        w += (double)weight_of(i);
        wy += (double)(weight_of(i) * outcome(i));
    }
    double p = wy / w;
    for (int64_t i = 0; i < ROWS; i += EACH) {
        double pull = 0.0;
        for (int64_t j = i; j < i + EACH; j++)
            if (j % 7 != 6) pull += (double)weight_of(j) * ((double)outcome(j) - p);
        meat += pull * pull;
    }
    *c = log(p / (1.0 - p));
    *variance = meat / (w * p * (1.0 - p) * w * p * (1.0 - p));
}

static void one_column(void **state)
{
    (void)state;
    struct table table;
    struct transport model;
    const double spread = INFINITY, x = 1.0;
    double c, variance, sums[3] = {0.0};
    make(false, &table);
    closed_form(&c, &variance);
    const struct logistic_rows rows = view(&table, 1);
    assert_all(transport_fit(&world, &rows, &spread, EACH, &model) == OK && model.converged);
    assert_close(model.coefficient[0], c, 1e-7);
    assert_close(model.covariance[0], variance, 1e-7 * variance);
    transport_add(&model, 0.4, &x, 3.0, sums);
    double p = 1.0 / (1.0 + exp(-0.4 - c));
    assert_close(sums[0], 3.0 / (1.0 + exp(-0.4)), 1e-12);
    assert_close(sums[1], 3.0 * p, 1e-6);
    assert_close(transport_error(&model, sums + 2), 3.0 * p * (1.0 - p) * sqrt(variance), 1e-6);
    blocks_clear(&table.blocks);
}

/* Half of all outcomes are 1, in every cluster: nothing moves, and what is unsure is the prior as
 * far as outcomes leave it. */
static void prior(void **state)
{
    (void)state;
    struct table table;
    struct transport model;
    const double spread = 0.5, ridge = 4.0, bend = 0.25 * ROWS;
    make(true, &table);
    const struct logistic_rows rows = view(&table, 1);
    assert_all(transport_fit(&world, &rows, &spread, EACH, &model) == OK);
    assert_close(model.coefficient[0], 0.0, 1e-9);
    assert_close(model.covariance[0], ridge / ((bend + ridge) * (bend + ridge)), 1e-9);
    blocks_clear(&table.blocks);
}

/* Weighted sums of corrected chances are those of outcomes, for each column. */
static void at_home(void **state)
{
    (void)state;
    struct table table;
    struct transport model;
    const double spread[2] = {INFINITY, INFINITY};
    double x[2], off[2] = {0.0};
    make(false, &table);
    table.flat = false;
    const struct logistic_rows rows = view(&table, 2);
    assert_all(transport_fit(&world, &rows, spread, EACH, &model) == OK && model.converged);
    for (int64_t i = 0; i < table.blocks.rows_local; i++) {
        double sums[4] = {0.0}, z = columns(&table, i, x);
        if (table.skip[i] != 0) continue;
        transport_add(&model, z, x, 1.0, sums);
        for (int j = 0; j < 2; j++)
            off[j] += (double)table.weight[i] * ((double)table.y[i] - sums[1]) * x[j];
    }
    int64_t all[2] = {llround(1e9 * off[0]), llround(1e9 * off[1])};
    comm_sum_int64(&world, all, 2);
    assert_all(llabs(all[0]) < 10000 && llabs(all[1]) < 10000);
    blocks_clear(&table.blocks);
}

static void refuses(void **state)
{
    (void)state;
    struct table table;
    struct transport model;
    const double spread[2] = {1.0, 1.0};
    make(true, &table);
    struct logistic_rows rows = view(&table, 2);
    assert_all(transport_fit(&world, &rows, spread, 3, &model) == ERR_ARG);
    rows.columns = LOGISTIC_COLUMNS_MAX + 1;
    assert_all(transport_fit(&world, &rows, spread, EACH, &model) == ERR_ARG);
    blocks_clear(&table.blocks);
}

TEST_MAIN(cmocka_unit_test(one_column), cmocka_unit_test(prior), cmocka_unit_test(at_home),
          cmocka_unit_test(refuses))
