/* Outliers: by hand, and against median and MAD of all values in one place. */
#include "tests/folders.h"

#include "jobs/outliers.h"
#include "partition/random.h"

enum { PRODUCTS = 40, ROWS = 12000, MIN_ROWS = 20 };

static struct outliers *begin(double z, int64_t min_rows)
{
    struct outliers_options options = {z, min_rows, 1 << 17, scratch_folder};
    struct outliers *outliers = NULL;
    assert_all(outliers_new(&options, &outliers) == OK);
    return outliers;
}

/* Logarithms to base 2 of the prices of product 0 are 0, 1, 1, 2, 2, 4: the median is 1.5, the
 * distances 0.5 (4 times), 1.5, 2.5, MAD 0.5. Product 1 has one price in four of six rows, product
 * 2 too few rows. */
static void by_hand(void **state)
{
    (void)state;
    static const double prices[3][6] = {{1, 2, 2, 4, 4, 16}, {5, 5, 5, 5, 1, 90}, {3, 4, 90}};
    struct outliers *outliers = begin(2.0, 6); /* farther than 2 x 1.4826 x 0.5 doublings: 1.4826 */
    for (int i = world.rank; i < 15; i += world.ranks)
        assert_true(outliers_add(outliers, i / 6, prices[i / 6][i % 6], i % 6 + 1.0) == OK);
    assert_all(outliers_finish(&world, outliers, 4) == OK);
    assert_all(outliers_test(outliers, 0, exp2(1.5 + 1.48), 3) == OUTLIER_NONE);
    assert_all(outliers_test(outliers, 0, exp2(1.5 + 1.49), 3) == OUTLIER_PRICE);
    assert_all(outliers_test(outliers, 0, exp2(1.5 - 1.48), 3) == OUTLIER_NONE);
    assert_all(outliers_test(outliers, 0, exp2(1.5 - 1.49), 3) == OUTLIER_PRICE);
    assert_all(outliers_test(outliers, 0, 2, 1e6) == OUTLIER_QUANTITY);
    assert_all(outliers_test(outliers, 0, 1e6, 1e6) == OUTLIER_PRICE);
    assert_all(outliers_test(outliers, 1, 90, 3) == OUTLIER_NONE);
    assert_all(outliers_test(outliers, 1, 5, 1e6) == OUTLIER_QUANTITY);
    assert_all(outliers_test(outliers, 2, 90, 1e6) == OUTLIER_NONE);
    assert_all(outliers_test(outliers, 3, 90, 1e6) == OUTLIER_NONE);
    assert_all(outliers_test(outliers, 0, 0, -1) == OUTLIER_NONE);
    struct outliers_summary summary = outliers_summary(outliers);
    assert_all(summary.judged == 2 && summary.few == 1);
    assert_all(summary.uniform_prices == 1 && summary.uniform_quantities == 0);
    outliers_free(&outliers);
    outliers_free(&outliers);
}

struct row {
    int64_t product;
    double value[2];
};

/* Products differ in rows, prices and their spread; one row in 50 is far off. */
static struct row row_of(int64_t i)
{
    uint64_t n = (uint64_t)i;
    int64_t product = (int64_t)random_below(6, RANDOM_TEST, n, 0, PRODUCTS);
    bool off = random_below(6, RANDOM_TEST, n, 1, 50) == 0;
    uint64_t levels = 1 + (uint64_t)product % 7;
    double price = (double)(product + 1 + (int64_t)random_below(6, RANDOM_TEST, n, 2, levels));
    double quantity = (double)(1 + random_below(6, RANDOM_TEST, n, 3, 9)) / 3.0;
    if (product > PRODUCTS / 2 && i % 500 != 0) product /= 2;
    return (struct row){product, {off ? price * 40.0 : price, i % 777 == 0 ? 1e5 : quantity}};
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double plain_median(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2.0;
}

struct scale {
    double centre, mad; /* mad 0: nothing is far */
};

static struct scale plain_scale(int64_t product, int side)
{
    static double values[ROWS];
    int64_t count = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        struct row row = row_of(i);
        if (row.product == product) values[count++] = log(row.value[side]);
    }
    if (count < MIN_ROWS) return (struct scale){0};
    double centre = plain_median(values, count);
    for (int64_t i = 0; i < count; i++) values[i] = fabs(values[i] - centre);
    double mad = plain_median(values, count);
    return (struct scale){centre, mad > 1e-9 ? mad : 0.0};
}

static bool is_far(const struct scale *scale, double value, double z)
{
    return scale->mad > 0.0 && fabs(log(value) - scale->centre) > z * 1.4826 * scale->mad;
}

static void as_in_one_place(void **state)
{
    (void)state;
    struct scale scale[2][PRODUCTS];
    struct outliers *outliers = begin(3.5, MIN_ROWS);
    int64_t found[3] = {0}, wrong = 0;
    for (int64_t i = world.rank; i < ROWS; i += world.ranks) {
        struct row row = row_of(i);
        assert_true(outliers_add(outliers, row.product, row.value[0], row.value[1]) == OK);
    }
    assert_all(outliers_finish(&world, outliers, PRODUCTS) == OK);
    for (int64_t p = 0; p < PRODUCTS; p++)
        for (int s = 0; s < 2; s++) scale[s][p] = plain_scale(p, s);
    for (int64_t i = 0; i < ROWS; i++) {
        struct row row = row_of(i);
        enum outlier expected = is_far(&scale[0][row.product], row.value[0], 3.5) ? OUTLIER_PRICE
                                : is_far(&scale[1][row.product], row.value[1], 3.5)
                                    ? OUTLIER_QUANTITY
                                    : OUTLIER_NONE;
        enum outlier outlier = outliers_test(outliers, row.product, row.value[0], row.value[1]);
        wrong += outlier != expected;
        found[outlier]++;
    }
    assert_all(wrong == 0 && found[OUTLIER_PRICE] > 20 && found[OUTLIER_QUANTITY] > 5);
    struct outliers_summary summary = outliers_summary(outliers);
    assert_all(summary.few > 0 && summary.uniform_prices > 0 && summary.judged > 0);
    outliers_free(&outliers);
}

static void wrong_arguments(void **state)
{
    (void)state;
    struct outliers *outliers = begin(3.5, 1);
    assert_all(outliers_finish(&world, outliers, 0) == OK);
    outliers_free(&outliers);
    outliers = begin(3.5, 1);
    assert_all(outliers_add(outliers, 5, 1.0, 1.0) == OK);
    assert_all(outliers_finish(&world, outliers, 5) == ERR_BUG);
    outliers_free(&outliers);
    struct outliers_options options = {0.0, 1, 1 << 17, scratch_folder};
    assert_all(outliers_new(&options, &outliers) == ERR_ARG && outliers == NULL);
}

static void fault_sweep(void **state)
{
    (void)state;
    int64_t agreements = 0;
    for (int64_t a = -1; a < agreements; a++) {
        struct outliers *outliers = begin(3.5, 1);
        assert_true(outliers_add(outliers, world.rank % 2, 1.0, 2.0) == OK);
        comm_inject_fault(a, (int)(a + 1) % world.ranks);
        assert_all((outliers_finish(&world, outliers, 2) == OK) == (a < 0));
        if (a < 0) agreements = comm_agreements();
        outliers_free(&outliers);
    }
    comm_inject_fault(-1, 0);
    scratch_close();
}

static void open_scratch(void **state)
{
    (void)state;
    scratch_open();
}

TEST_MAIN(cmocka_unit_test(open_scratch), cmocka_unit_test(by_hand),
          cmocka_unit_test(as_in_one_place), cmocka_unit_test(wrong_arguments),
          cmocka_unit_test(fault_sweep))
