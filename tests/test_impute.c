/* Policies for missing values: which texts mean what, and what they come to. */
#include "tests/harness.h"

#include "jobs/impute.h"

#include <string.h>

static void reads(enum impute_what what, const char *text, struct impute_policy expected)
{
    char problem[256] = "";
    struct impute_policy policy = {.rule = IMPUTE_DROP};
    bool read = impute_parse(what, text, &policy, problem, sizeof problem);
    if (!read) print_error("%s\n", problem);
    assert_true(read && policy.rule == expected.rule && policy.group == expected.group);
    assert_true(policy.number == expected.number);
}

static void refuses(enum impute_what what, const char *text, const char *expected)
{
    char problem[256] = "";
    struct impute_policy policy;
    assert_false(impute_parse(what, text, &policy, problem, sizeof problem));
    if (strstr(problem, expected) == NULL) print_error("%s\n", problem);
    assert_non_null(strstr(problem, expected));
}

static void texts_are_read(void **state)
{
    (void)state;
    reads(IMPUTE_QUANTITY, "drop", (struct impute_policy){IMPUTE_DROP, IMPUTE_ALL, 0});
    reads(IMPUTE_QUANTITY, " 1.5e0 ", (struct impute_policy){IMPUTE_NUMBER, IMPUTE_ALL, 1.5});
    reads(IMPUTE_UNIT_PRICE, " Median  by   product ",
          (struct impute_policy){IMPUTE_MEDIAN, IMPUTE_PRODUCT, 0});
    reads(IMPUTE_UNIT_COST, "mean by category",
          (struct impute_policy){IMPUTE_MEAN, IMPUTE_CATEGORY, 0});
    reads(IMPUTE_LIST_PRICE, "derive", (struct impute_policy){IMPUTE_DERIVE, IMPUTE_ALL, 0});
    reads(IMPUTE_ATTRIBUTES, "keep", (struct impute_policy){IMPUTE_KEEP, IMPUTE_ALL, 0});
    reads(IMPUTE_ATTRIBUTES, "-3", (struct impute_policy){IMPUTE_NUMBER, IMPUTE_ALL, -3});
}

static void others_are_refused(void **state)
{
    (void)state;
    refuses(IMPUTE_QUANTITY, "keep", "expected drop, a number above 0, or mean");
    refuses(IMPUTE_QUANTITY, "-1", "\"-1\" is not what");
    refuses(IMPUTE_UNIT_PRICE, "0", "above 0");
    refuses(IMPUTE_UNIT_PRICE, "mean by user", "`mean by category`");
    refuses(IMPUTE_UNIT_PRICE, "meanby product", "`mean by category`");
    refuses(IMPUTE_UNIT_PRICE, "drop by product", "drop");
    refuses(IMPUTE_LIST_PRICE, "mean by product", "expected derive");
    refuses(IMPUTE_ATTRIBUTES, "mean by category", "expected keep");
    refuses(IMPUTE_ATTRIBUTES, "", "\"\" is not");
    refuses(IMPUTE_ATTRIBUTES, "nan", "\"nan\" is not");
    refuses(IMPUTE_ATTRIBUTES,
            "                    mean                                        of all",
            "is not what");
}

/* Values of groups 0 and 2; group 1 has none and takes those of all. */
static void what_stands_in(void **state)
{
    (void)state;
    struct group_statistics *statistics = NULL;
    struct impute_policy by_product = {IMPUTE_MEDIAN, IMPUTE_PRODUCT, 0};
    struct impute_policy mean = {IMPUTE_MEAN, IMPUTE_ALL, 0};
    struct impute_policy number = {IMPUTE_NUMBER, IMPUTE_ALL, 7.5};
    assert_all(group_statistics_new(true, 1 << 16, "/tmp", &statistics) == OK);
    if (world.rank == world.ranks - 1) {
        static const double values[] = {1, 2, 6, 11};
        for (int i = 0; i < 4; i++)
            assert_true(group_statistics_add(statistics, i < 3 ? 0 : 2, values[i]) == OK);
    }
    assert_all(group_statistics_finish(&world, statistics, 3) == OK);
    assert_all(impute_value(by_product, statistics, 0) == 2.0);
    assert_all(impute_value(by_product, statistics, 1) == 4.0);
    assert_all(impute_value(by_product, statistics, 2) == 11.0);
    assert_all(impute_value(mean, statistics, 0) == 5.0);
    assert_all(impute_value(number, NULL, 0) == 7.5);
    assert_all(isnan(impute_value((struct impute_policy){IMPUTE_DROP, IMPUTE_ALL, 0}, NULL, 0)));
    assert_all(impute_needs_statistics(mean) && !impute_needs_statistics(number));
    group_statistics_free(&statistics);
}

TEST_MAIN(cmocka_unit_test(texts_are_read), cmocka_unit_test(others_are_refused),
          cmocka_unit_test(what_stands_in))
