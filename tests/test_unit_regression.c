/* Moments of units and their regressions: by hand, rows anywhere, first rows, equal bits. */
#include "tests/harness.h"

#include "algorithms/unit_regression.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 900, UNITS = 40, COLUMNS = 2, BLOCK = 16, FIRST = 7 };

/* A table of rows in file order; unit u has rows all over it, and its slopes are known. */
struct table {
    struct blocks blocks;
    double *x, *y;
    uint64_t *key;
    bool *use;
};

static uint64_t unit_of(int64_t row)
{
    return (uint64_t)(row * row * 31 + row / 3) % UNITS;
}

/* Unit 5 has a constant second column, unit 6 twice the same column. */
static void fill_row(int64_t row, double *x, double *y)
{
    double u = (double)unit_of(row), r = (double)row;
    x[0] = 1e6 + sin(1.3 * r);
    x[1] = unit_of(row) == 5 ? 0.1 : unit_of(row) == 6 ? x[0] : cos(0.7 * r);
    *y = 10.0 * u + (1.0 + u) * (x[0] - 1e6) - 0.5 * x[1] + 0.01 * sin(5.0 * r);
}

static void make(const struct comm *comm, struct table *t)
{
    *t = (struct table){0};
    if (blocks_cut(comm, ROWS, BLOCK, &t->blocks) != OK) abort();
    int64_t rows = t->blocks.rows_local;
    if (memory_new(&t->x, rows * COLUMNS, sizeof *t->x) != OK ||
        memory_new(&t->y, rows, sizeof *t->y) != OK ||
        memory_new(&t->key, rows, sizeof *t->key) != OK ||
        memory_new(&t->use, rows, sizeof *t->use) != OK)
        abort();
    for (int64_t i = 0; i < rows; i++) {
        int64_t row = t->blocks.row_first + i;
        fill_row(row, t->x + i * COLUMNS, &t->y[i]);
        t->key[i] = 1000 + unit_of(row);
        t->use[i] = row % 10 != 9;
    }
}

static struct unit_rows rows_of(const struct table *t, int64_t first)
{
    return (struct unit_rows){.blocks = &t->blocks,
                              .columns = COLUMNS,
                              .x = t->x,
                              .y = t->y,
                              .key = t->key,
                              .use = t->use,
                              .first_rows = first,
                              .folder = "/tmp"};
}

static void clear(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->y);
    free(t->key);
    free(t->use);
}

static void moments_by_hand(void **state)
{
    (void)state;
    const double x[4] = {1, 2, 3, 6}, y[4] = {2, 2, 5, 3};
    const int64_t all[4] = {0, 1, 2, 3};
    const double weight[4] = {1, 2, 1, 1};
    const int64_t twice[5] = {0, 1, 1, 2, 3};
    const struct moments_rows rows = {2, x, y, NULL}, weighted = {2, x, y, weight};
    double whole[6], part[6], other[6];
    assert_all(moments_width(2) == 6);
    moments_of_rows(all, 4, &rows, whole);
    const double expected[6] = {4, 3, 3, 14, 3, 6}; /* rows, means, xx, xy, yy */
    for (int i = 0; i < 6; i++) assert_close(whole[i], expected[i], 1e-14);
    moments_of_rows(all, 1, &rows, part);
    moments_of_rows(all + 1, 3, &rows, other);
    moments_merge(part, other, 2);
    for (int i = 0; i < 6; i++) assert_close(part[i], expected[i], 1e-14);
    moments_of_rows(all, 0, &rows, other);
    moments_merge(part, other, 2);
    assert_close(part[3], 14, 1e-14);
    moments_merge(other, part, 2);
    assert_all(memcmp(other, part, sizeof part) == 0);
    assert_close(moments_product(whole, 2, 1, 0), 3, 1e-14);
    moments_of_rows(twice, 5, &rows, whole);
    moments_of_rows(all, 4, &weighted, part);
    for (int i = 0; i < 6; i++) assert_close(part[i], whole[i], 1e-14);
}

/* A straight sum over the table, on every rank. */
static void count_straight(uint64_t unit, int64_t from, int64_t to, double *rows, double *sum_y)
{
    int64_t seen = 0;
    *rows = *sum_y = 0;
    for (int64_t r = 0; r < ROWS; r++) {
        double x[COLUMNS], y;
        if (unit_of(r) != unit || r % 10 == 9) continue;
        fill_row(r, x, &y);
        if (seen >= from && seen < to) {
            (*rows)++;
            *sum_y += y;
        }
        seen++;
    }
}

static void first_rows_in_file_order(void **state)
{
    (void)state;
    struct table t;
    struct unit_statistics s;
    make(&world, &t);
    const struct unit_rows rows = rows_of(&t, FIRST);
    assert_all(unit_statistics_make(&world, &rows, &s) == OK);
    assert_all(s.parts == 2);
    bool right = true, rising = true;
    for (int64_t u = 0; u < s.units; u++) {
        double count, sum;
        for (int64_t part = 0; part < 2; part++) {
            const double *m = unit_moments(&s, u, part);
            count_straight(s.key[u] - 1000, part == 0 ? 0 : FIRST, part == 0 ? FIRST : ROWS, &count,
                           &sum);
            right = right && m[0] == count && fabs(m[0] * m[3] - sum) < 1e-8;
        }
        rising = rising && (u == 0 || s.key[u] > s.key[u - 1]);
    }
    assert_all(right && rising);
    unit_statistics_clear(&s);
    clear(&t);
}

static void slopes_of_units(void **state)
{
    (void)state;
    struct table t;
    struct unit_statistics s;
    struct unit_regression *r = NULL;
    const struct unit_regression_options options = {.intercept = true, .wanted = 0};
    make(&world, &t);
    const struct unit_rows rows = rows_of(&t, 0);
    assert_all(unit_statistics_make(&world, &rows, &s) == OK);
    assert_all(unit_regression_fit(&world, &s, &options, &r) == OK);
    bool right = true;
    for (int64_t u = 0; u < r->units; u++) {
        double unit = (double)(s.key[u] - 1000), told = unit == 5.0 || unit == 6.0 ? 1 : 2;
        const double *m = unit_moments(&s, u, 0), *slope = r->coefficient + u * COLUMNS;
        double level = unit_level(m, COLUMNS, slope);
        if (m[0] < 6) continue;
        right = right && r->rank[u] == (int64_t)told;
        right = right && r->freedom[u] == (int64_t)m[0] - (int64_t)told - 1;
        right = right && fabs(unit_square(m, COLUMNS, slope, level) - r->square[u]) < 1e-9;
        right = right && (unit == 6.0 ? isnan(r->estimate[u]) && isnan(r->leverage[u])
                                      : fabs(r->estimate[u] - 1.0 - unit) < 0.03);
    }
    assert_all(right && !r->dropped[0] && !r->dropped[1]);
    assert_close(r->shared[1], -0.5, 0.8);
    unit_regression_free(&r);
    unit_statistics_clear(&s);
    clear(&t);
}

static void same_bits_on_all_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct table t, whole;
    struct unit_statistics s, all;
    struct unit_regression *r = NULL, *alone = NULL;
    const struct unit_regression_options options = {.intercept = true, .wanted = 1};
    make(&world, &t);
    make(&self, &whole);
    const struct unit_rows rows = rows_of(&t, FIRST), of_whole = rows_of(&whole, FIRST);
    assert_all(unit_statistics_make(&world, &rows, &s) == OK);
    assert_all(unit_statistics_make(&self, &of_whole, &all) == OK);
    assert_all(s.units_total == all.units && all.units <= UNITS);
    assert_all(unit_regression_fit(&world, &s, &options, &r) == OK);
    assert_all(unit_regression_fit(&self, &all, &options, &alone) == OK);
    assert_all(memcmp(r->shared, alone->shared, COLUMNS * sizeof *r->shared) == 0);
    int64_t first = comm_prefix_int64(&world, s.units);
    size_t width = (size_t)(2 * moments_width(COLUMNS + 1)) * sizeof *s.moment;
    bool same = true;
    for (int64_t u = 0; u < s.units; u++) {
        same = same && s.key[u] == all.key[first + u];
        same = same && memcmp(unit_moments(&s, u, 0), unit_moments(&all, first + u, 0), width) == 0;
        same = same && memcmp(&r->square[u], &alone->square[first + u], sizeof *r->square) == 0;
    }
    assert_all(same);
    unit_regression_free(&r);
    unit_regression_free(&alone);
    unit_statistics_clear(&s);
    unit_statistics_clear(&all);
    clear(&t);
    clear(&whole);
}

static void survives_faults(void **state)
{
    (void)state;
    struct table t;
    struct unit_statistics s;
    make(&world, &t);
    const struct unit_rows rows = rows_of(&t, FIRST);
    comm_inject_fault(-1, 0);
    assert_all(unit_statistics_make(&world, &rows, &s) == OK);
    unit_statistics_clear(&s);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(unit_statistics_make(&world, &rows, &s) == ERR_BUG && s.key == NULL);
    }
    comm_inject_fault(-1, 0);
    clear(&t);
}

TEST_MAIN(cmocka_unit_test(moments_by_hand), cmocka_unit_test(first_rows_in_file_order),
          cmocka_unit_test(slopes_of_units), cmocka_unit_test(same_bits_on_all_ranks),
          cmocka_unit_test(survives_faults))
