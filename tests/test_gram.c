/* Normal equations against sums in long double over the explicit matrix. */
#include "tests/harness.h"

#include "algorithms/gram.h"
#include "partition/random.h"

#include <stdlib.h>

enum {
    ROWS = 700,
    DENSE = 3,
    SPARSE = 5,
    COLUMNS = 1 + DENSE + SPARSE,
    GROUP_ROWS = 7,
    BLOCK = 350
};

struct table {
    struct blocks blocks;
    double *x, *y, *weight, *value;
    int64_t *row_start, *group;
    int32_t *column;
};

static double draw(int64_t row, uint64_t what)
{
    return random_uniform(9, RANDOM_TEST, (uint64_t)row, what);
}

/* Three entries a row. */
static struct table table_make(const struct comm *comm)
{
    struct table t = {0};
    blocks_cut(comm, ROWS, BLOCK, &t.blocks);
    size_t rows = (size_t)t.blocks.rows_local + 1;
    t.x = calloc(rows * DENSE, sizeof *t.x);
    t.y = calloc(rows, sizeof *t.y);
    t.weight = calloc(rows, sizeof *t.weight);
    t.value = calloc(rows * 3, sizeof *t.value);
    t.row_start = calloc(rows, sizeof *t.row_start);
    t.group = calloc(rows, sizeof *t.group);
    t.column = calloc(rows * 3, sizeof *t.column);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        int64_t row = t.blocks.row_first + i;
        for (int j = 0; j < DENSE; j++) t.x[i * DENSE + j] = 10.0 * j + draw(row, (uint64_t)j);
        for (int e = 0; e < 3; e++) {
            t.column[3 * i + e] = ((int32_t)(draw(row, 10) * SPARSE) + 2 * e) % SPARSE;
            t.value[3 * i + e] = 1.0 + e;
        }
        t.row_start[i + 1] = 3 * (i + 1);
        t.y[i] = 5.0 * draw(row, 20);
        t.weight[i] = draw(row, 21) < 0.1 ? 0.0 : draw(row, 22);
        t.group[i] = row / GROUP_ROWS;
    }
    return t;
}

static void table_free(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->y);
    free(t->weight);
    free(t->value);
    free(t->row_start);
    free(t->group);
    free(t->column);
}

static struct design design_of(const struct table *t, bool weighted, bool grouped)
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
                           .weight = weighted ? t->weight : NULL,
                           .group = grouped ? t->group : NULL};
}

/* row[:] = all parameters' columns and y of a row, shifted and scaled. */
static void explicit_row(const struct design *d, const struct scaling *s, int64_t i,
                         long double *row)
{
    int64_t at = 0;
    for (int j = 0; j <= COLUMNS; j++) row[j] = 0.0L;
    if (d->intercept) row[at++] = 1.0L;
    for (int j = 0; j < DENSE; j++)
        row[at++] = ((long double)d->x[i * DENSE + j] - s->shift[j]) * s->scale[j];
    for (int64_t e = d->row_start[i]; e < d->row_start[i + 1]; e++)
        row[at + d->column[e]] += (long double)d->value[e] * s->sparse_scale[d->column[e]];
    row[at + SPARSE] = ((long double)d->y[i] - s->shift[DENSE]) * s->scale[DENSE];
}

/* sum[p + 1][p + 1] over the whole table, group by group about the group's mean. */
static void explicit_sums(const struct design *d, const struct scaling *s, long double *sum)
{
    int64_t n = design_parameters(d) + 1, step = d->group != NULL ? GROUP_ROWS : 1;
    for (int64_t first = 0; first < ROWS; first += step) {
        long double rows[GROUP_ROWS][COLUMNS + 1], mean[COLUMNS + 1] = {0}, weights = 0;
        for (int64_t i = 0; i < step; i++) {
            double w = d->weight != NULL ? d->weight[first + i] * s->weight_scale : 1.0;
            explicit_row(d, s, first + i, rows[i]);
            for (int64_t j = 0; j < n && d->group != NULL; j++) mean[j] += w * rows[i][j];
            weights += w;
        }
        for (int64_t i = 0; i < step; i++) {
            double w = d->weight != NULL ? d->weight[first + i] * s->weight_scale : 1.0;
            for (int64_t j = 0; j < n && weights > 0; j++) rows[i][j] -= mean[j] / weights;
            for (int64_t j = 0; j < n; j++)
                for (int64_t k = 0; k < n; k++) sum[j * n + k] += w * rows[i][j] * rows[i][k];
        }
    }
}

static void matches_explicit(void **state)
{
    (void)state;
    struct comm self = comm_self();
    for (int kind = 0; kind < 4; kind++) {
        struct table share = table_make(&world), whole = table_make(&self);
        struct design spread = design_of(&share, kind & 1, kind & 2);
        struct design alone = design_of(&whole, kind & 1, kind & 2);
        struct scaling s = {0};
        struct gram gram = {0};
        int64_t p = design_parameters(&spread), n = p + 1;
        long double *sum = calloc((size_t)(n * n), sizeof *sum);
        assert_all(scaling_measure(&world, &spread, &s) == OK);
        assert_all(gram_make(&world, &spread, &s, &gram) == OK);
        explicit_sums(&alone, &s, sum);
        for (int64_t i = 0; i < p; i++) {
            for (int64_t j = 0; j < p; j++)
                assert_close(gram.a[i * p + j], (double)sum[i * n + j], 1e-11);
            assert_close(gram.b[i], (double)sum[i * n + p], 1e-11);
        }
        if (!(kind & 2)) assert_close(s.total_square, (double)sum[p * n + p], 1e-11);
        for (int64_t i = 0; i < p && !(kind & 2); i++)
            assert_close(s.square_sum[i], (double)sum[i * n + i], 1e-11);
        free(sum);
        gram_clear(&gram);
        scaling_clear(&s);
        table_free(&share);
        table_free(&whole);
    }
}

/* Scales are powers of two and bring columns near 1. */
static void scales(void **state)
{
    (void)state;
    double x[] = {1e9, 1e9 + 3e-5, 1e9 + 6e-5, 1e9 + 9e-5}, y[] = {4e-200, 5e-200, 6e-200, 7e-200};
    struct blocks blocks = {0};
    struct scaling s = {0};
    assert_all(blocks_cut(&world, 4, 4, &blocks) == OK);
    struct design d = {.blocks = &blocks, .intercept = true, .dense = 1, .x = x, .y = y};
    assert_all(scaling_measure(&world, &d, &s) == OK);
    int exponent = 0;
    assert_all(frexp(s.scale[0], &exponent) == 0.5 && frexp(s.scale[1], &exponent) == 0.5);
    assert_all(s.square_sum[1] >= 1.0 && s.square_sum[1] <= 16.0);
    assert_all(s.total_square >= 1.0 && s.total_square <= 16.0);
    assert_close(s.shift[0], 1e9 + 4.5e-5, 1e-6);
    assert_all(s.rows == 4 && s.square_sum[0] == 4.0);
    scaling_clear(&s);
    blocks_clear(&blocks);
}

/* Normal equations of dense columns by one pass and a guess. */
static bool guessed(const struct comm *comm, const struct design *d, struct scaling *s,
                    struct gram *gram)
{
    bool settled = false;
    assert_all(scaling_guess(comm, d, s) == OK);
    assert_all(gram_make(comm, d, s, gram) == OK);
    assert_all(gram_settle(comm, d, s, gram, &settled) == OK);
    return settled;
}

static void settles_a_guess(void **state)
{
    (void)state;
    struct comm self = comm_self();
    for (int kind = 0; kind < 4; kind++) {
        struct table share = table_make(&world), whole = table_make(&self);
        struct design spread = design_of(&share, kind & 1, false), alone;
        struct scaling s[3] = {0};
        struct gram gram[3] = {0};
        spread.sparse = 0;
        spread.intercept = kind & 2;
        alone = spread;
        alone.blocks = &whole.blocks;
        alone.x = whole.x;
        alone.y = whole.y;
        alone.weight = kind & 1 ? whole.weight : NULL;
        assert_all(guessed(&world, &spread, &s[0], &gram[0]));
        assert_all(guessed(&self, &alone, &s[1], &gram[1]));
        assert_all(scaling_measure(&world, &spread, &s[2]) == OK);
        assert_all(gram_make(&world, &spread, &s[2], &gram[2]) == OK);
        int64_t p = gram[0].parameters;
        for (int64_t i = 0; i < p * p; i++) {
            assert_all(gram[0].a[i] == gram[1].a[i]);
            assert_close(gram[0].a[i], gram[2].a[i], 1e-11);
        }
        for (int64_t i = 0; i < p; i++) assert_close(gram[0].b[i], gram[2].b[i], 1e-11);
        for (int64_t j = 0; j <= DENSE; j++) {
            assert_all(s[0].scale[j] == s[2].scale[j] && s[0].shift[j] == s[1].shift[j]);
            assert_close(s[0].shift[j], s[2].shift[j], 1e-13);
        }
        assert_all(s[0].rows == s[2].rows && s[0].weight_scale == s[2].weight_scale);
        assert_close(gram[0].y_square, gram[2].y_square, 1e-11);
        assert_close(s[0].total_square, s[2].total_square, 1e-11);
        for (int k = 0; k < 3; k++) {
            gram_clear(&gram[k]);
            scaling_clear(&s[k]);
        }
        table_free(&share);
        table_free(&whole);
    }
}

/* What a column holds lies in rows that no sample meets, and is small. */
static void sees_a_bad_guess(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    struct design d = design_of(&t, false, false);
    struct scaling s = {0};
    struct gram gram = {0};
    d.sparse = 0;
    for (int64_t i = 0; i < t.blocks.rows_local; i++)
        t.x[i * DENSE + 1] = (t.blocks.row_first + i) % BLOCK < 40 ? 1.0 : 1.0 + 1e-6 * t.y[i];
    assert_all(!guessed(&world, &d, &s, &gram));
    gram_clear(&gram);
    scaling_clear(&s);
    table_free(&t);
}

TEST_MAIN(cmocka_unit_test(settles_a_guess), cmocka_unit_test(sees_a_bad_guess),
          cmocka_unit_test(matches_explicit), cmocka_unit_test(scales))
