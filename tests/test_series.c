/* Weekly series: by hand, and sums and moving medians as tests/goldens/series.py finds them with
 * calendars and fractions, at any number of ranks and little memory. */
#include "tests/folders.h"

#include "jobs/series.h"

enum { PURCHASES = 3000, START = 14000, DAY = 86400 };

static struct series_maker *begin(int64_t denoise_weeks)
{
    struct series_options options = {denoise_weeks, 1 << 15, scratch_folder};
    struct series_maker *series = NULL;
    assert_all(series_new(&options, &series) == OK);
    return series;
}

/* All rows in rank order, read in pieces. */
static struct series_row *gather(const struct series_maker *series, int64_t *count)
{
    int64_t rows = series_rows(series);
    struct series_row *mine = malloc((size_t)(rows + 1) * sizeof *mine);
    void *all = NULL;
    for (int64_t i = 0; i < rows; i += 7) {
        int64_t piece = rows - i < 7 ? rows - i : 7;
        assert_true(series_read(series, i, piece, mine + i) == OK);
    }
    assert_all(comm_gather_all(&world, mine, rows * (int64_t)sizeof *mine, &all, count) == OK);
    *count /= (int64_t)sizeof *mine;
    free(mine);
    return all;
}

static void weeks_begin_on_monday(void **state)
{
    (void)state;
    assert_all(series_week(0) == 0); /* a Thursday */
    assert_all(series_week(4 * DAY - 1) == 0 && series_week(4 * DAY) == 1);
    assert_all(series_week(-3 * DAY) == 0 && series_week(-3 * DAY - 1) == -1);
    assert_all(series_week(1741564800) == series_week(1741564799) + 1); /* 2025-03-10, a Monday */
}

struct sale {
    int week;
    int64_t quantity, paid, list;
};

/* Prices 100, 300, 90, 120 and, after a gap, 50 and 70 cents. */
static const struct sale sales[] = {{0, 1000, 100, 200}, {1, 2000, 600, 600}, {2, 1000, 90, 100},
                                    {3, 3000, 360, 400}, {9, 1000, 50, 60},   {10, 4000, 280, 280}};

static void by_hand(void **state)
{
    (void)state;
    /* W = 3. Week 1: of 100, 300, 90 the price 100, of 1, 2, 1 the quantity 1: paid 100, list 100.
     * Week 0: the lower of two, price 100, quantity 1. Week 2: price 120, quantity 2. Week 3: price
     * 90, quantity 1. Week 9: price 50, quantity 1. Week 10: price 50, quantity 1. */
    static const struct series_row expected[] = {{4, 0, 1000, 100, 200}, {4, 1, 1000, 100, 100},
                                                 {4, 2, 2000, 240, 267}, {4, 3, 1000, 90, 100},
                                                 {4, 9, 1000, 50, 60},   {4, 10, 1000, 50, 50}};
    struct series_maker *series = begin(3);
    int64_t count = 0;
    for (int i = world.rank; i < 6; i += world.ranks)
        assert_true(series_add(series, 4, sales[i].week * 7 * DAY, sales[i].quantity, sales[i].paid,
                               sales[i].list) == OK);
    assert_all(series_finish(&world, series) == OK);
    struct series_row *rows = gather(series, &count);
    assert_all(count == 6 && memcmp(rows, expected, sizeof expected) == 0);
    struct series_summary summary = series_summary(series);
    assert_all(summary.rows == 6 && summary.changed == 4);
    double price = log(3.0) + log(120.0 / 90.0) + log(120.0 / 90.0) + log(70.0 / 50.0);
    assert_close(summary.price_change, price / 4.0, 1e-15);
    assert_close(summary.quantity_change, (log(2) + log(2) + log(3) + log(4)) / 4.0, 1e-15);
    free(rows);
    series_free(&series);
    series_free(&series);
}

/* Purchase i of tests/goldens/series.py. */
static enum status add(struct series_maker *series, int64_t i)
{
    int64_t day = START + i * 7919 % 400 - (i % 11 == 0) * 20000;
    int64_t paid = i % 37 == 0 ? 0 : 100 + i * i * 17 % 977;
    return series_add(series, (int32_t)((i * i + 3 * i) % 23), day * DAY + i * 4001 % DAY,
                      (i * 31 % 9 + 1) * 500, paid, paid + i % 5 * 40);
}

static uint64_t checksum(const struct series_row *rows, int64_t count)
{
    uint64_t sum = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t fields[] = {rows[i].product, rows[i].week, rows[i].quantity_milli,
                                  rows[i].paid_cents, rows[i].list_cents};
        for (int f = 0; f < 5; f++) sum = sum * 1000003 + (uint64_t)fields[f];
    }
    return sum;
}

static void as_with_fractions(void **state)
{
    (void)state;
    static const struct {
        int64_t weeks, rows, changed;
        uint64_t checksum;
        double price, quantity;
    } golden[] = {{0, 941, 0, UINT64_C(0x11a133c8e95acca3), 0.0, 0.0},
                  {3, 941, 692, UINT64_C(0xacbd25b89b55300f), 0.372352482386, 0.335224926440},
                  {5, 941, 807, UINT64_C(0x409119602a65eb24), 0.352260136995, 0.343712698330},
                  {53, 941, 934, UINT64_C(0xff7095ddd9f54d0a), 0.419280437689, 0.386825678233}};
    for (size_t g = 0; g < sizeof golden / sizeof *golden; g++) {
        struct series_maker *series = begin(golden[g].weeks);
        int64_t count = 0;
        for (int64_t i = world.rank; i < PURCHASES; i += world.ranks)
            assert_true(add(series, i) == OK);
        assert_all(series_finish(&world, series) == OK);
        struct series_row *rows = gather(series, &count);
        struct series_summary summary = series_summary(series);
        assert_all(count == golden[g].rows && summary.rows == count);
        assert_all(checksum(rows, count) == golden[g].checksum);
        assert_all(summary.changed == golden[g].changed);
        assert_close(summary.price_change, golden[g].price, 1e-11);
        assert_close(summary.quantity_change, golden[g].quantity, 1e-11);
        free(rows);
        series_free(&series);
    }
}

static void nothing_and_wrong(void **state)
{
    (void)state;
    struct series_maker *series = begin(5);
    assert_all(series_finish(&world, series) == OK && series_rows(series) == 0);
    struct series_summary summary = series_summary(series);
    assert_all(summary.rows == 0 && summary.price_change == 0.0);
    series_free(&series);
    struct series_options options = {4, 1 << 15, scratch_folder};
    assert_all(series_new(&options, &series) == ERR_ARG && series == NULL);
}

static void fault_sweep(void **state)
{
    (void)state;
    int64_t agreements = 0;
    for (int64_t a = -1; a < agreements; a++) {
        struct series_maker *series = begin(3);
        for (int64_t i = 0; i < 50; i++) assert_true(add(series, i) == OK);
        comm_inject_fault(a, (int)(a + 1) % world.ranks);
        assert_all((series_finish(&world, series) == OK) == (a < 0));
        if (a < 0) agreements = comm_agreements();
        series_free(&series);
    }
    comm_inject_fault(-1, 0);
    scratch_close();
}

static void open_scratch(void **state)
{
    (void)state;
    scratch_open();
}

TEST_MAIN(cmocka_unit_test(open_scratch), cmocka_unit_test(weeks_begin_on_monday),
          cmocka_unit_test(by_hand), cmocka_unit_test(as_with_fractions),
          cmocka_unit_test(nothing_and_wrong), cmocka_unit_test(fault_sweep))
