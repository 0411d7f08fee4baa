/* Products against sums in double, at shapes on and beside the tiles, and rows on their own. */
#include "algorithms/gemm_bf16.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 19, DEPTH = 37, COLUMNS = 112 };

static float a[ROWS * DEPTH], b[DEPTH * COLUMNS], start[COLUMNS];
static float c[ROWS * COLUMNS], again[ROWS * COLUMNS];

static void fill(float *x, int64_t count, int64_t salt)
{
    for (int64_t i = 0; i < count; i++) x[i] = (float)((i * 37 + salt) % 101) / 101.0f - 0.4f;
}

static void fill_all(void)
{
    fill(a, ROWS * DEPTH, 3);
    fill(b, DEPTH * COLUMNS, 5);
    fill(start, COLUMNS, 7);
}

/* largest |C - exact| for a product whose A is stored plainly or transposed */
static double worst(const struct gemm *g)
{
    double most = 0.0;
    for (int64_t i = 0; i < g->rows; i++)
        for (int64_t j = 0; j < g->columns; j++) {
            double sum = g->start != NULL ? g->start[j] : 0.0;
            for (int64_t k = 0; k < g->depth; k++)
                sum += (double)g->a[i * g->a_row + k * g->a_depth] * g->b[k * g->b_stride + j];
            most = fmax(most, fabs(sum - g->c[i * g->c_stride + j]));
        }
    return most;
}

static void test_shapes(void **state)
{
    (void)state;
    double most = 0.0;
    fill_all();
    for (int64_t rows = 1; rows <= ROWS; rows++)
        for (int64_t columns = VECTOR_FLOATS; columns <= COLUMNS; columns += VECTOR_FLOATS)
            for (int transposed = 0; transposed < 2; transposed++) {
                struct gemm g = {.rows = rows,
                                 .columns = columns,
                                 .depth = rows % 2 ? DEPTH : 1,
                                 .a = a,
                                 .a_row = transposed ? 1 : DEPTH,
                                 .a_depth = transposed ? ROWS : 1,
                                 .b = b,
                                 .b_stride = COLUMNS,
                                 .start = transposed ? start : NULL,
                                 .c = c,
                                 .c_stride = COLUMNS};
                gemm_run(&g);
                most = fmax(most, worst(&g));
            }
    assert_close(most, 0.0, 1e-5);
}

static struct gemm whole(void)
{
    return (struct gemm){.rows = ROWS,
                         .columns = COLUMNS,
                         .depth = DEPTH,
                         .a = a,
                         .a_row = DEPTH,
                         .a_depth = 1,
                         .b = b,
                         .b_stride = COLUMNS,
                         .start = start,
                         .c = c,
                         .c_stride = COLUMNS};
}

/* A row's bits are those it has when it is multiplied alone. */
static void test_rows_alone(void **state)
{
    (void)state;
    fill_all();
    struct gemm g = whole();
    gemm_run(&g);
    for (int64_t i = 0; i < ROWS; i++) {
        struct gemm one = g;
        one.rows = 1;
        one.a += i * DEPTH;
        one.c = again + i * COLUMNS;
        gemm_run(&one);
    }
    assert_all(memcmp(c, again, sizeof c) == 0);
}

/* Two products on top of each other are one of twice the depth, bit by bit. */
static void test_on_top(void **state)
{
    (void)state;
    fill_all();
    struct gemm g = whole();
    gemm_run(&g);
    struct gemm first = g, rest = g;
    first.c = rest.c = again;
    first.depth = 10;
    gemm_run(&first);
    rest.depth -= 10;
    rest.a += 10;
    rest.b += 10 * COLUMNS;
    rest.start = again;
    rest.start_row = COLUMNS;
    gemm_run(&rest);
    assert_all(memcmp(c, again, sizeof c) == 0);
}

/* What is below zero becomes zero in the product itself; NaN and what is above stay. */
static void test_rectify(void **state)
{
    (void)state;
    int64_t below = 0, wrong = 0;
    fill_all();
    for (int64_t i = 0; i < DEPTH * COLUMNS; i++) b[i] -= 0.1f;
    b[3] = NAN;
    struct gemm g = whole();
    gemm_run(&g);
    struct gemm rectified = g;
    rectified.c = again;
    rectified.rectify = true;
    gemm_run(&rectified);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++) {
        float expected = c[i] < 0.0f ? 0.0f : c[i];
        below += c[i] < 0.0f;
        wrong += memcmp(&expected, &again[i], sizeof expected) != 0;
    }
    assert_all(wrong == 0 && below > ROWS && isnan(again[3]));
}

/* ---- bf16 ---- */

static void test_rounding(void **state)
{
    (void)state;
    static const float cases[][2] = {{1.0f, 1.0f},
                                     {1.00390625f, 1.0f}, /* a tie goes to the even one */
                                     {1.01171875f, 1.015625f},
                                     {1.004f, 1.0078125f},
                                     {-0x1p-127f, 0.0f},
                                     {0x1.fffp127f, INFINITY},
                                     {INFINITY, INFINITY},
                                     {3.14159265f, 3.140625f}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        assert_all(gemm_bf16_round(cases[k][0]) == cases[k][1]);
    assert_all(isnan(gemm_bf16_round(NAN)));
}

/* C(i, j) by the definition: slabs of 32, even and odd depths apart. */
static float by_definition(const struct gemm *g, int64_t i, int64_t j)
{
    float sum = g->start != NULL ? g->start[i * g->start_row + j] : 0.0f;
    for (int64_t slab = 0; slab < g->depth; slab += 32) {
        float chain[2] = {0.0f, 0.0f};
        for (int64_t k = slab; k < slab + 32 && k < g->depth; k++) {
            float x = gemm_bf16_round(g->a[i * g->a_row + k * g->a_depth]);
            chain[k % 2] += x * gemm_bf16_round(g->b[k * g->b_stride + j]);
        }
        float both = chain[0] + chain[1];
        sum += both;
    }
    return g->rectify && sum < 0.0f ? 0.0f : sum;
}

/* Bit by bit what the definition says, whatever the processor has. */
static void check_bf16(struct gemm g)
{
    int64_t wrong = 0;
    gemm_run(&g);
    for (int64_t i = 0; i < g.rows; i++)
        for (int64_t j = 0; j < g.columns; j++) {
            float expected = by_definition(&g, i, j);
            wrong += memcmp(&expected, &g.c[i * g.c_stride + j], sizeof expected) != 0;
        }
    assert_all(wrong == 0);
}

static void test_bf16(void **state)
{
    (void)state;
    fill_all();
    for (int precision = GEMM_BF16; precision <= (int)gemm_bf16_choose(); precision++)
        for (int64_t rows = 1; rows <= ROWS; rows += 3)
            for (int64_t columns = VECTOR_FLOATS; columns <= COLUMNS; columns += VECTOR_FLOATS) {
                struct gemm g = whole();
                g.precision = (enum gemm_precision)precision;
                g.rows = rows;
                g.columns = columns;
                g.depth = rows % 2 ? DEPTH : 1;
                g.rectify = rows % 3 == 0;
                if (rows % 4 == 0) g.start = NULL;
                check_bf16(g);
                g.a_row = 1; /* the same numbers as a transposed matrix */
                g.a_depth = ROWS;
                check_bf16(g);
            }
}

static void test_bf16_deep(void **state)
{
    (void)state;
    enum { DEEP = 700, TALL = 110, WIDE = 80 }; /* beyond every block */
    static float x[DEEP * TALL], y[DEEP * WIDE], z[TALL * WIDE];
    fill(x, DEEP * TALL, 3);
    fill(y, DEEP * WIDE, 8);
    check_bf16((struct gemm){.rows = TALL,
                             .columns = WIDE,
                             .depth = DEEP,
                             .a = x,
                             .a_row = DEEP,
                             .a_depth = 1,
                             .b = y,
                             .b_stride = WIDE,
                             .c = z,
                             .c_stride = WIDE,
                             .precision = gemm_bf16_choose()});
}

TEST_MAIN(cmocka_unit_test(test_shapes), cmocka_unit_test(test_on_top),
          cmocka_unit_test(test_rows_alone), cmocka_unit_test(test_rectify),
          cmocka_unit_test(test_rounding), cmocka_unit_test(test_bf16),
          cmocka_unit_test(test_bf16_deep))
