/* Means and medians of groups and of all: by hand, and against sorting everything in one place. */
#include "tests/folders.h"

#include "jobs/group_statistics.h"
#include "partition/random.h"

enum { GROUPS = 50, VALUES = 20000 };

static struct group_statistics *begin(bool grouped)
{
    struct group_statistics *statistics = NULL;
    assert_all(group_statistics_new(grouped, 1 << 17, scratch_folder, &statistics) == OK);
    return statistics;
}

static bool is(struct group_statistic found, int64_t count, double mean, double median)
{
    return found.count == count && found.mean == mean && found.median == median;
}

static void by_hand(void **state)
{
    (void)state;
    static const double values[] = {3.0, -1.0, 4.0, 0.5, 3.0};
    static const int64_t groups[] = {0, 2, 0, 2, 0};
    struct group_statistics *statistics = begin(true);
    for (int i = world.rank; i < 5; i += world.ranks)
        assert_true(group_statistics_add(statistics, groups[i], values[i]) == OK);
    assert_all(group_statistics_finish(&world, statistics, 3) == OK);
    assert_all(is(group_statistics_of(statistics, 0), 3, 10.0 / 3.0, 3.0));
    assert_all(is(group_statistics_of(statistics, 2), 2, -0.25, -0.25));
    assert_all(is(group_statistics_of(statistics, 1), 5, 1.9, 3.0));
    assert_all(is(group_statistics_of(statistics, -1), 5, 1.9, 3.0));
    assert_all(group_statistics_count(statistics, 1) == 0);
    assert_all(group_statistics_count(statistics, 2) == 2);
    group_statistics_free(&statistics);
    group_statistics_free(&statistics);
}

/* Multiples of 1/8, so that a plain sum is exact; group 3 has a third of all, group 9 none. */
static double value_of(int64_t i, int64_t *group)
{
    uint64_t drawn = random_below(4, RANDOM_TEST, (uint64_t)i, 0, GROUPS);
    *group = i % 3 == 0 || drawn == 9 ? 3 : (int64_t)drawn;
    uint64_t limit = *group % 2 == 0 ? 30 : 100000;
    return (double)random_below(4, RANDOM_TEST, (uint64_t)i, 1, limit) / 8.0 - 2.0;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct group_statistic plain(int64_t group)
{
    static double values[VALUES];
    int64_t count = 0, own = 0;
    double sum = 0.0;
    for (int64_t i = 0; i < VALUES; i++) {
        double value = value_of(i, &own);
        if (group < 0 || own == group) values[count++] = value, sum += value;
    }
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (struct group_statistic){count, sum / (double)count,
                                    (values[(count - 1) / 2] + values[count / 2]) / 2.0};
}

static void as_in_one_place(void **state)
{
    (void)state;
    struct group_statistics *grouped = begin(true), *whole = begin(false);
    int64_t group = 0;
    for (int64_t i = world.rank; i < VALUES; i += world.ranks) {
        double value = value_of(i, &group);
        assert_true(group_statistics_add(grouped, group, value) == OK);
        assert_true(group_statistics_add(whole, group, value) == OK);
    }
    assert_all(group_statistics_finish(&world, grouped, GROUPS) == OK);
    assert_all(group_statistics_finish(&world, whole, 0) == OK);
    for (int64_t g = -1; g < GROUPS; g++) {
        struct group_statistic right = plain(g == 9 ? -1 : g);
        assert_all(is(group_statistics_of(grouped, g), right.count, right.mean, right.median));
        right = plain(-1);
        assert_all(is(group_statistics_of(whole, g), right.count, right.mean, right.median));
    }
    group_statistics_free(&grouped);
    group_statistics_free(&whole);
}

static void check_pair(double a, double b, double mean)
{
    struct group_statistics *statistics = begin(true);
    if (world.rank == 0) assert_true(group_statistics_add(statistics, 0, a) == OK);
    if (world.rank == world.ranks - 1) assert_true(group_statistics_add(statistics, 0, b) == OK);
    assert_all(group_statistics_finish(&world, statistics, 1) == OK);
    assert_all(is(group_statistics_of(statistics, 0), 2, mean, mean));
    assert_all(is(group_statistics_of(statistics, -1), 2, mean, mean));
    group_statistics_free(&statistics);
}

/* Values far from 1 are brought near it. */
static void of_any_size(void **state)
{
    (void)state;
    check_pair(1e300, 3e300, 2e300);
    check_pair(1.7e308, 1.7e308, 1.7e308);
    check_pair(-1e15, 1e15, 0.0);
    check_pair(0x1p-1000, 0x1p-999, 0x1.8p-1000);
    check_pair(0.0, -0.0, 0.0);
    check_pair(0.01, 0.02, 0.015);
}

static void nothing_and_wrong(void **state)
{
    (void)state;
    struct group_statistics *statistics = begin(true);
    assert_all(group_statistics_finish(&world, statistics, 2) == OK);
    struct group_statistic none = group_statistics_of(statistics, 1);
    assert_all(none.count == 0 && isnan(none.mean) && isnan(none.median));
    group_statistics_free(&statistics);
    statistics = begin(true);
    assert_all(group_statistics_add(statistics, 0, NAN) == ERR_NUMERIC);
    assert_all(group_statistics_add(statistics, 0, INFINITY) == ERR_NUMERIC);
    assert_all(group_statistics_add(statistics, 2, 1.0) == OK);
    assert_all(group_statistics_finish(&world, statistics, 2) == ERR_BUG);
    group_statistics_free(&statistics);
}

static void fault_sweep(void **state)
{
    (void)state;
    int64_t agreements = 0;
    for (int64_t a = -1; a < agreements; a++) {
        struct group_statistics *statistics = begin(true);
        assert_true(group_statistics_add(statistics, world.rank % 2, 1.0) == OK);
        comm_inject_fault(a, (int)(a + 1) % world.ranks);
        assert_all((group_statistics_finish(&world, statistics, 2) == OK) == (a < 0));
        if (a < 0) agreements = comm_agreements();
        group_statistics_free(&statistics);
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
          cmocka_unit_test(as_in_one_place), cmocka_unit_test(of_any_size),
          cmocka_unit_test(nothing_and_wrong), cmocka_unit_test(fault_sweep))
