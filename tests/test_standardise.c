/* Means and deviations: by hand, against exact rational arithmetic, at any magnitude and number of
 * ranks. */
#include "tests/harness.h"

#include "algorithms/standardise.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, COLUMNS = 3, STRIDE = 16, BLOCK = 37 };

/* The table of tests/goldens/standardise.py. */
static double value_of(int64_t row, int64_t column)
{
    if (column == 2) return 41.25;
    return (double)((row * 7919 + column * 104729) % 10007) / 64.0 - (column == 0 ? 50.0 : 0.0);
}

static const double golden_mean[COLUMNS] = {28.235328125, 78.012375, 41.25};
static const double golden_sd[COLUMNS] = {45.15744524607321, 45.14958219244497, 0.0};

struct table {
    struct blocks blocks;
    double *x;
    float *narrow;
};

/* scale: a power of two, so that every result must scale with it to the last bit */
static struct table make(const struct comm *comm, int64_t rows, double scale)
{
    struct table t = {0};
    if (blocks_cut(comm, rows, BLOCK, &t.blocks) != OK) abort();
    if (memory_new(&t.x, t.blocks.rows_local * COLUMNS, sizeof *t.x) != OK) abort();
    if (memory_new(&t.narrow, t.blocks.rows_local * STRIDE, sizeof *t.narrow) != OK) abort();
    for (int64_t i = 0; i < t.blocks.rows_local; i++)
        for (int64_t j = 0; j < COLUMNS; j++) {
            double value = scale * value_of(t.blocks.row_first + i, j);
            t.x[i * COLUMNS + j] = value;
            t.narrow[i * STRIDE + j] = (float)value;
        }
    return t;
}

static void clear(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->narrow);
}

static enum status measure(const struct comm *comm, const struct table *t, double *mean, double *sd)
{
    return standardise_measure(comm, &t->blocks, t->x, COLUMNS, mean, sd);
}

static enum status measure_narrow(const struct comm *comm, const struct table *t, double *mean,
                                  double *sd)
{
    struct rows rows = {&t->blocks, COLUMNS, STRIDE, t->narrow};
    return standardise_measure_rows(comm, &rows, mean, sd);
}

typedef enum status measurer(const struct comm *comm, const struct table *t, double *mean,
                             double *sd);
static measurer *const measurers[2] = {measure, measure_narrow};

static void as_by_hand(void **state)
{
    (void)state;
    /* 1 2 3 4 5 and 0 0 0 0 10: means 3 and 2, variances 2 and 16 */
    struct blocks blocks;
    double x[10], mean[2], sd[2];
    assert_all(blocks_cut(&world, 5, 1, &blocks) == OK);
    for (int64_t i = 0; i < blocks.rows_local; i++) {
        x[2 * i] = (double)(blocks.row_first + i + 1);
        x[2 * i + 1] = blocks.row_first + i == 4 ? 10.0 : 0.0;
    }
    assert_all(standardise_measure(&world, &blocks, x, 2, mean, sd) == OK);
    assert_all(mean[0] == 3.0 && mean[1] == 2.0);
    assert_all(sd[0] == sqrt(2.0) && sd[1] == 4.0);
    blocks_clear(&blocks);
}

static void as_exact_arithmetic(void **state)
{
    (void)state;
    struct table t = make(&world, ROWS, 1.0);
    for (int m = 0; m < 2; m++) {
        double mean[COLUMNS], sd[COLUMNS];
        assert_all(measurers[m](&world, &t, mean, sd) == OK);
        for (int j = 0; j < COLUMNS; j++) {
            assert_close(mean[j], golden_mean[j], 1e-14 * golden_mean[j]);
            assert_close(sd[j], golden_sd[j], 1e-14 * golden_sd[j]);
        }
    }
    clear(&t);
}

/* Columns of 1e-280 and of 1e280 are measured as well as those near 1, and to the same bits. */
static void any_magnitude(void **state)
{
    (void)state;
    static const int exponents[2][5] = {{-980, -60, 20, 60, 980}, {-100, -40, 20, 40, 100}};
    for (int m = 0; m < 2; m++)
        for (int e = 0; e < 5; e++) {
            double scale = ldexp(1.0, exponents[m][e]);
            double mean[2][COLUMNS], sd[2][COLUMNS];
            struct table one = make(&world, ROWS, 1.0), other = make(&world, ROWS, scale);
            assert_all(measurers[m](&world, &one, mean[0], sd[0]) == OK);
            assert_all(measurers[m](&world, &other, mean[1], sd[1]) == OK);
            for (int j = 0; j < COLUMNS; j++) {
                assert_all(mean[1][j] == scale * mean[0][j]);
                assert_all(sd[1][j] == scale * sd[0][j]);
            }
            clear(&one);
            clear(&other);
        }
}

/* Few rows in a wide range: the largest value decides the resolution, and the rest still counts. */
static void one_outlier(void **state)
{
    (void)state;
    struct blocks blocks;
    double mean, sd, *x = NULL;
    enum { MANY = 10000 };
    assert_all(blocks_cut(&world, MANY, 64, &blocks) == OK);
    assert_all(memory_new(&x, blocks.rows_local, sizeof *x) == OK);
    for (int64_t i = 0; i < blocks.rows_local; i++) x[i] = blocks.row_first + i == 77 ? 1e12 : 3.0;
    assert_all(standardise_measure(&world, &blocks, x, 1, &mean, &sd) == OK);
    double wanted = (1e12 + 3.0 * (MANY - 1)) / MANY;
    assert_close(mean, wanted, 1e-13 * wanted);
    wanted = (1e12 - 3.0) * sqrt(MANY - 1.0) / MANY;
    assert_close(sd, wanted, 1e-13 * wanted);
    free(x);
    blocks_clear(&blocks);
}

static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    static const int64_t counts[] = {0, 1, 2, BLOCK, 3 * BLOCK + 1, ROWS};
    for (int m = 0; m < 2; m++)
        for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
            double mean[2][COLUMNS], sd[2][COLUMNS];
            struct table whole = make(&self, counts[n], 1e6), mine = make(&world, counts[n], 1e6);
            enum status alone = measurers[m](&self, &whole, mean[0], sd[0]);
            assert_all(alone == OK);
            assert_all(measurers[m](&world, &mine, mean[1], sd[1]) == OK);
            assert_all(memcmp(mean[0], mean[1], sizeof mean[0]) == 0);
            assert_all(memcmp(sd[0], sd[1], sizeof sd[0]) == 0);
            clear(&whole);
            clear(&mine);
        }
}

static void what_is_not_finite_is_refused(void **state)
{
    (void)state;
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    for (int m = 0; m < 2; m++)
        for (int w = 0; w < 3; w++) {
            double mean[COLUMNS], sd[COLUMNS];
            struct table t = make(&world, ROWS, 1.0);
            int64_t at = 500 - t.blocks.row_first;
            if (at >= 0 && at < t.blocks.rows_local) {
                t.x[at * COLUMNS + 1] = wrong[w];
                t.narrow[at * STRIDE + 1] = (float)wrong[w];
            }
            assert_all(measurers[m](&world, &t, mean, sd) == ERR_NUMERIC);
            clear(&t);
        }
}

static void rows_are_centred_and_scaled(void **state)
{
    (void)state;
    const double x[4] = {5.0, 7.0, -1.0, 7.0}, mean[2] = {1.0, 7.0}, sd[2] = {2.0, 0.0};
    float out[6] = {9, 9, 9, 9, 9, 9}, limited[6] = {5, 7, 9, -1, 7, 9};
    standardise_apply(x, 2, 2, mean, sd, out, 3);
    const float wanted[6] = {2, 0, 9, -1, 0, 9}, within[6] = {1.5f, 0, 9, -1, 0, 9};
    assert_all(memcmp(out, wanted, sizeof out) == 0);
    standardise_in_place(limited, 2, 2, 3, mean, sd, 1.5f);
    assert_all(memcmp(limited, within, sizeof within) == 0);
}

static void survives_faults(void **state)
{
    (void)state;
    struct table t = make(&world, ROWS, 1.0);
    double mean[COLUMNS], sd[COLUMNS];
    for (int m = 0; m < 2; m++) {
        comm_inject_fault(-1, 0);
        assert_all(measurers[m](&world, &t, mean, sd) == OK);
        int64_t agreements = comm_agreements();
        assert_all(agreements > 0);
        for (int64_t k = 0; k < agreements; k++)
            for (int r = 0; r < world.ranks; r++) {
                comm_inject_fault(k, r);
                assert_all(measurers[m](&world, &t, mean, sd) == ERR_BUG);
            }
    }
    comm_inject_fault(-1, 0);
    clear(&t);
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(as_exact_arithmetic),
          cmocka_unit_test(any_magnitude), cmocka_unit_test(one_outlier),
          cmocka_unit_test(same_bits_on_any_ranks), cmocka_unit_test(what_is_not_finite_is_refused),
          cmocka_unit_test(rows_are_centred_and_scaled), cmocka_unit_test(survives_faults))
