/* Bins: edges against sorted values, codes, missing values, the same bits on any ranks. */
#include "tests/forest_table.h"

enum { ROWS = 5000, COLUMNS = 10, BLOCK = 61, BINS = 40 };

/* Columns of all sorts: few values, quantiles, heavy ones, one, none, tiny and large ones. */
static void fill(int64_t row, float *x)
{
    double u = table_uniform(row), v = table_uniform(row + 1000000);
    x[0] = (float)floor(40 * u) - 20;
    x[1] = (float)u;
    x[2] = u < 0.6 ? 0.0f : (float)(v - 0.5);
    x[3] = 7.0f;
    x[4] = NAN;
    x[5] = v < 0.3 ? NAN : (float)(u * 1e30);
    x[6] = (float)((u - 0.5) * 1e-40);
    x[7] = row % 2 == 0 ? 0.0f : -0.0f;
    x[8] = (float)(1e6 + floor(100 * u));
    x[9] = u < 0.5 ? (float)u : 1.0f;
}

static double none(int64_t row, const float *x)
{
    (void)row, (void)x;
    return 0;
}

static const struct table_kind kind = {ROWS, COLUMNS, BLOCK, BINS, 0, fill, none};

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The values of a column in order; how many there are. */
static int64_t sorted(int64_t column, float *values)
{
    float x[COLUMNS];
    int64_t count = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        fill(i, x);
        if (!isnan(x[column])) values[count++] = x[column] + 0.0f;
    }
    qsort(values, (size_t)count, sizeof *values, by_value);
    return count;
}

/* The edges that the header promises. */
static int64_t expected_edges(const float *values, int64_t count, float *edge)
{
    int64_t different = count > 0, edges = 0;
    for (int64_t i = 1; i < count; i++) different += values[i] != values[i - 1];
    for (int64_t i = 1; i < count && different <= BINS; i++)
        if (values[i] != values[i - 1]) edge[edges++] = values[i - 1] / 2 + values[i] / 2;
    for (int64_t k = 1; k < BINS && different > BINS; k++) {
        float value = values[(k * count + BINS - 1) / BINS - 1];
        if (value != values[count - 1] && (edges == 0 || edge[edges - 1] != value))
            edge[edges++] = value;
    }
    return edges;
}

static void edges_are_order_statistics(void **state)
{
    (void)state;
    static float values[ROWS], edge[ROWS];
    struct forest_table t;
    forest_table_init(&t, &world, &kind);
    for (int64_t j = 0; j < COLUMNS; j++) {
        int64_t count = sorted(j, values), edges = expected_edges(values, count, edge);
        assert_all(bins_count(t.bins, j) == edges + 1);
        for (int64_t e = 0; e < edges; e++) assert_all(bins_edge(t.bins, j, e) == edge[e]);
        assert_all(isinf(bins_edge(t.bins, j, edges)));
        assert_all(t.bins->missing[j] == (count < ROWS));
    }
    assert_all(bins_count(t.bins, 0) == 40 && bins_count(t.bins, 1) == BINS);
    forest_table_clear(&t);
}

static void codes_count_the_edges_below(void **state)
{
    (void)state;
    struct forest_table t;
    bool right = true;
    forest_table_init(&t, &world, &kind);
    for (int64_t j = 0; j < COLUMNS; j++)
        for (int64_t i = 0; i < t.blocks.rows_local; i++) {
            float x = t.x[i * (COLUMNS + 1) + j];
            int64_t below = 0, edges = bins_count(t.bins, j) - 1;
            for (int64_t e = 0; e < edges; e++) below += bins_edge(t.bins, j, e) < x;
            if (isnan(x)) below = edges + 1;
            right = right && t.code[j * t.blocks.rows_local + i] == below;
        }
    assert_all(right);
    t.rows.columns--;
    assert_all(bins_code(t.bins, &t.rows, t.code) == ERR_ARG);
    forest_table_clear(&t);
}

static void few(int64_t row, float *x)
{
    static const float values[7] = {3, 1, 2, 2, NAN, -0.0f, 0};
    x[0] = values[row];
}

/* 0, 1, 2, 3 of seven rows: edges between; more ranks than blocks. */
static void by_hand(void **state)
{
    (void)state;
    const struct table_kind tiny = {7, 1, 4, 255, 0, few, none};
    static const uint8_t codes[7] = {3, 1, 2, 2, 4, 0, 0};
    struct forest_table t;
    bool right = true;
    forest_table_init(&t, &world, &tiny);
    assert_all(bins_count(t.bins, 0) == 4 && t.bins->missing[0]);
    for (int64_t e = 0; e < 3; e++) assert_all(bins_edge(t.bins, 0, e) == (float)e + 0.5f);
    for (int64_t i = 0; i < t.blocks.rows_local; i++)
        right = right && t.code[i] == codes[t.blocks.row_first + i];
    assert_all(right);
    forest_table_clear(&t);
}

static bool same_bins(const struct bins *a, const struct bins *b)
{
    size_t edges = (size_t)a->start[a->columns];
    return memcmp(a->start, b->start, (size_t)(a->columns + 1) * sizeof *a->start) == 0 &&
           memcmp(a->edge, b->edge, edges * sizeof *a->edge) == 0 &&
           memcmp(a->missing, b->missing, (size_t)a->columns * sizeof *a->missing) == 0;
}

static void same_bits(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct forest_table spread, whole;
    forest_table_init(&spread, &world, &kind);
    forest_table_init(&whole, &self, &kind);
    assert_all(same_bins(spread.bins, whole.bins));
    forest_table_clear(&spread);
    forest_table_clear(&whole);
}

/* Rows to skip are as if they were not there. */
static void skipped_rows_do_not_count(void **state)
{
    (void)state;
    const struct table_kind tiny = {7, 1, 4, 255, 0, few, none};
    struct forest_table t;
    struct bins *bins = NULL;
    uint8_t skip[7] = {0};
    forest_table_init(&t, &world, &tiny);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        int64_t row = t.blocks.row_first + i;
        skip[i] = row == 0 || row == 4; /* the 3 and the missing value */
    }
    assert_all(bins_make(&world, &t.rows, skip, 255, &bins) == OK);
    assert_all(bins_count(bins, 0) == 3 && !bins->missing[0]);
    bins_free(&bins);
    forest_table_clear(&t);
}

static void refusals(void **state)
{
    (void)state;
    struct forest_table t;
    struct bins *bins = NULL;
    forest_table_init(&t, &world, &kind);
    assert_all(bins_make(&world, &t.rows, NULL, 1, &bins) == ERR_ARG && bins == NULL);
    assert_all(bins_make(&world, &t.rows, NULL, 256, &bins) == ERR_ARG && bins == NULL);
    if (world.rank == world.ranks - 1) t.x[5] = -INFINITY;
    assert_all(bins_make(&world, &t.rows, NULL, 9, &bins) == ERR_NUMERIC && bins == NULL);
    forest_table_clear(&t);
}

static void fault_sweep(void **state)
{
    (void)state;
    struct forest_table t;
    struct bins *bins = NULL;
    forest_table_init(&t, &world, &kind);
    comm_inject_fault(-1, 0);
    assert_all(bins_make(&world, &t.rows, NULL, BINS, &bins) == OK);
    bins_free(&bins);
    int64_t agreements = comm_agreements();
    for (int64_t a = 0; a < agreements; a++) {
        comm_inject_fault(a, (int)(a % world.ranks));
        assert_all(bins_make(&world, &t.rows, NULL, BINS, &bins) != OK && bins == NULL);
    }
    comm_inject_fault(-1, 0);
    forest_table_clear(&t);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(edges_are_order_statistics),
          cmocka_unit_test(codes_count_the_edges_below), cmocka_unit_test(same_bits),
          cmocka_unit_test(skipped_rows_do_not_count), cmocka_unit_test(refusals),
          cmocka_unit_test(fault_sweep))
