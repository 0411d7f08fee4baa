/* Usual prices: by hand, and against the rule applied to all lines in one place. */
#include "tests/folders.h"

#include "jobs/series.h"
#include "jobs/usual_prices.h"
#include "partition/random.h"

enum { PRODUCTS = 60, ROWS = 20000, WEEKS = 30, DAY = 86400, WEEK = 7 * DAY };

static struct usual_prices *begin(void)
{
    struct usual_prices *usual = NULL;
    assert_all(usual_prices_new(1 << 17, scratch_folder, &usual) == OK);
    return usual;
}

struct line {
    int32_t product;
    int64_t day, cents;
    bool promoted;
    int times;
};

static void by_hand(void **state)
{
    (void)state;
    static const struct line lines[] = {
        /* 0: long at 100, now at 120; a dozen costs 90 */
        {0, 0, 100, false, 50},
        {0, 200, 120, false, 4},
        {0, 201, 90, false, 3},
        /* 1: one odd line in the last weeks goes back to where there are five */
        {1, 0, 700, false, 9},
        {1, 100, 500, false, 4},
        {1, 300, 1, false, 1},
        /* 2: the middle one of three that are equally common; 3: the higher one of two */
        {2, 9, 10, false, 2},
        {2, 9, 30, false, 2},
        {2, 10, 20, false, 2},
        {2, 10, 90, false, 1},
        {3, 9, 30, false, 1},
        {3, 8, 40, false, 1},
        /* 4: promotions do not count, 5: where there are other lines */
        {4, 50, 200, false, 1},
        {4, 60, 150, true, 20},
        {5, 60, 150, true, 2},
        {5, 60, 160, true, 1},
        /* 6: before 1970; what is free or too dear does not count. 7: nothing is sold */
        {6, -9000, 77, false, 1},
        {6, -8999, 0, false, 3},
        {6, -8999, USUAL_CENTS_MAX + 1, false, 3},
        {6, -9000, USUAL_CENTS_MAX, false, 1},
        {6, -9000, 5, false, 1}};
    static const int64_t expected[] = {120, 500, 20, 40, 200, 150, 77, 0};
    struct usual_prices *usual = begin();
    int64_t cents[8], dealt = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (int t = 0; t < lines[i].times; t++)
            if (dealt++ % world.ranks == world.rank)
                assert_true(usual_prices_add(usual, lines[i].product, DAY * lines[i].day,
                                             lines[i].cents, lines[i].promoted) == OK);
    assert_all(usual_prices_finish(&world, usual, 8, cents) == OK);
    for (int p = 0; p < 8; p++) assert_all(cents[p] == expected[p]);
    usual_prices_free(&usual);
    usual_prices_free(&usual);
}

/* A third of the lines are of product 0, the last products have hardly any; prices rise, some
 * products have many, one line in nine is on a promotion. */
static struct line line_of(int64_t i)
{
    uint64_t n = (uint64_t)i;
    int64_t product = (int64_t)random_below(4, RANDOM_TEST, n, 0, PRODUCTS);
    if (product > PRODUCTS / 2 && i % 400 != 0) product = product % 2 * (product / 2);
    int64_t day = (int64_t)random_below(4, RANDOM_TEST, n, 1, 7 * WEEKS);
    uint64_t prices = 1 + (uint64_t)product % 9 * 5;
    int64_t cents = 100 * (product + 1) + (int64_t)random_below(4, RANDOM_TEST, n, 2, prices);
    bool promoted = random_below(4, RANDOM_TEST, n, 3, 9) == 0;
    return (struct line){(int32_t)product, day, cents + day / 70, promoted, 1};
}

static int by_week(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int64_t left = series_week(DAY * x->day), right = series_week(DAY * y->day);
    return (left < right) - (left > right);
}

static int by_cents(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t lines_of(int64_t product, bool promoted, struct line *found)
{
    int64_t count = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        struct line line = line_of(i);
        if (line.product == product && line.promoted == promoted) found[count++] = line;
    }
    return count;
}

/* How often price `at` of the sorted ones is there. */
static int64_t often(const int64_t *cents, int64_t count, int64_t at)
{
    int64_t same = 0;
    for (int64_t i = 0; i < count; i++) same += cents[i] == cents[at];
    return same;
}

static int64_t plain_usual(int64_t product)
{
    static struct line line[ROWS];
    static int64_t cents[ROWS], best[ROWS];
    int64_t count = lines_of(product, false, line), used = 0, most = 0, equal = 0;
    if (count == 0) count = lines_of(product, true, line);
    if (count == 0) return 0;
    qsort(line, (size_t)count, sizeof *line, by_week);
    for (int64_t i = 0; i < count; i++) {
        int64_t week = series_week(DAY * line[i].day), before = 0;
        bool recent = week > series_week(DAY * line[0].day) - USUAL_WEEKS;
        while (before < i && series_week(DAY * line[before].day) > week) before++;
        if (recent || before < USUAL_LINES) cents[used++] = line[i].cents;
    }
    qsort(cents, (size_t)used, sizeof *cents, by_cents);
    for (int64_t i = 0; i < used; i++)
        if (often(cents, used, i) > most) most = often(cents, used, i);
    for (int64_t i = 0; i < used; i++)
        if (often(cents, used, i) == most && (equal == 0 || best[equal - 1] != cents[i]))
            best[equal++] = cents[i];
    return best[equal / 2];
}

static void as_in_one_place(void **state)
{
    (void)state;
    struct usual_prices *usual = begin();
    int64_t cents[PRODUCTS], wrong = 0, sold = 0;
    for (int64_t i = world.rank; i < ROWS; i += world.ranks) {
        struct line line = line_of(i);
        assert_true(usual_prices_add(usual, line.product, DAY * line.day + i % DAY, line.cents,
                                     line.promoted) == OK);
    }
    assert_all(usual_prices_finish(&world, usual, PRODUCTS, cents) == OK);
    for (int64_t p = 0; p < PRODUCTS; p++) {
        wrong += cents[p] != plain_usual(p);
        sold += cents[p] > 0;
    }
    assert_all(wrong == 0 && sold > PRODUCTS / 2);
    usual_prices_free(&usual);
}

static void beyond_the_products(void **state)
{
    (void)state;
    int64_t cents[5];
    struct usual_prices *usual = begin();
    assert_all(usual_prices_add(usual, 5, 0, 1, false) == OK);
    assert_all(usual_prices_finish(&world, usual, 5, cents) == ERR_BUG);
    usual_prices_free(&usual);
}

static void fault_sweep(void **state)
{
    (void)state;
    int64_t agreements = 0, cents[2];
    for (int64_t a = -1; a < agreements; a++) {
        struct usual_prices *usual = begin();
        assert_true(usual_prices_add(usual, world.rank % 2, WEEK, 5, false) == OK);
        comm_inject_fault(a, (int)(a + 1) % world.ranks);
        assert_all((usual_prices_finish(&world, usual, 2, cents) == OK) == (a < 0));
        if (a < 0) agreements = comm_agreements();
        usual_prices_free(&usual);
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
          cmocka_unit_test(as_in_one_place), cmocka_unit_test(beyond_the_products),
          cmocka_unit_test(fault_sweep))
