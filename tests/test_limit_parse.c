/* Limits as they are written, and what they mean. */
#include "jobs/limits.h"
#include "tests/harness.h"

#include <string.h>

static struct limit_rule rule;

static bool parses(const char *text)
{
    limit_rule_clear(&rule);
    return limit_parse(text, &rule) == OK;
}

static bool refuses(const char *text, const char *why)
{
    bool refused = !parses(text) && strstr(status_message(), why) != NULL;
    if (!refused) printf("%s: %s\n", text, status_message());
    limit_rule_clear(&rule);
    return refused;
}

static void sums_of_one_measure(void **state)
{
    (void)state;
    assert_all(parses("cost <= 250 per category"));
    assert_all(rule.factor[LIMIT_cost] == 1 && rule.decimals == 4 && rule.limit == 2500000);
    assert_all(rule.by == BY_CATEGORY && !rule.at_least && !rule.ratio && rule.only == NULL);
    assert_all(strcmp(rule.measure, "cost") == 0 && strcmp(rule.unit_name, "currency") == 0);
    assert_all(parses("purchases>=2000.5"));
    assert_all(rule.at_least && rule.limit == 2000500000 && rule.by == BY_ALL);
    assert_all(parses("  cost <= 500 per day "));
    assert_all(rule.per_day && rule.by == BY_ALL && rule.limit == 5000000);
    assert_all(parses("discounts <= 10 per vendor") && rule.by == BY_BRAND && rule.limit == 10);
    assert_all(parses("0.00001 >= discount"));
    assert_all(rule.factor[LIMIT_discount] == 1 && !rule.at_least && rule.limit == 10000);
    assert_all(parses("0 >= 2 * cost - profit per brand") && !rule.at_least);
    assert_all(strcmp(rule.measure, "2 * cost - profit") == 0 && rule.factor[LIMIT_profit] == -1);
    limit_rule_clear(&rule);
}

static void groups_by_name(void **state)
{
    (void)state;
    assert_all(parses("cost <= 80 for category = DAIRY & eggs ") && rule.by == BY_CATEGORY);
    assert_all(strcmp(rule.only, "DAIRY & eggs") == 0);
    assert_all(parses("cost <= 80 for market = \" north\""));
    assert_all(rule.by == BY_MARKET && strcmp(rule.only, " north") == 0);
    limit_rule_clear(&rule);
}

/* Factors and limits become whole numbers of the finest unit, nothing is rounded. */
static void ratios(void **state)
{
    (void)state;
    assert_all(parses("profit_gain >= 1.5 * cost"));
    assert_all(rule.ratio && rule.at_least && rule.limit == 0 && rule.decimals == 5);
    assert_all(rule.factor[LIMIT_profit_gain] == 10 && rule.factor[LIMIT_cost] == -15);
    assert_all(strcmp(rule.measure, "profit_gain - 1.5 * cost") == 0);
    assert_all(parses("profit - 2 cost - 3 >= cost * 0.25 + 1 per segment"));
    assert_all(rule.factor[LIMIT_profit] == 100 && rule.factor[LIMIT_cost] == -225);
    assert_all(rule.limit == 4000000 && rule.by == BY_SEGMENT);
    assert_all(parses("profit <= 3 * purchases") && strcmp(rule.unit_name, "units") == 0);
    assert_all(rule.factor[LIMIT_profit] == 100 && rule.factor[LIMIT_purchases] == -3);
    limit_rule_clear(&rule);
}

/* Limits of one sum that differ in decimals alone are brought to the finer unit. */
static void units(void **state)
{
    (void)state;
    struct limit_rule coarse, fine, other;
    assert_all(limit_parse("discounts <= 30 per product", &coarse) == OK);
    assert_all(limit_parse("discounts <= 77.04 per product", &fine) == OK);
    assert_all(limit_parse("2 * discounts <= 1 per product", &other) == OK);
    assert_all(coarse.decimals == 0 && fine.decimals == 2);
    assert_all(!limit_same_unit(&coarse, &other) && coarse.decimals == 0);
    assert_all(limit_same_unit(&coarse, &fine) && coarse.decimals == 2 && coarse.limit == 3000);
    assert_all(coarse.factor[LIMIT_discounts] == 100 && fine.limit == 7704);
    limit_rule_clear(&coarse);
    limit_rule_clear(&fine);
    limit_rule_clear(&other);
}

static void stock(void **state)
{
    (void)state;
    assert_all(parses("purchases <= stock per product") && rule.stock && rule.by == BY_PRODUCT);
    assert_all(refuses("purchases <= stock per category", "\"purchases <= stock per product\""));
    assert_all(refuses("purchases <= 2 * stock per product", "a stock is kept by"));
    assert_all(refuses("purchases >= stock per product", "a stock is kept by"));
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    assert_all(refuses("", "a measure or a number is missing"));
    assert_all(refuses("cots <= 5", "did you mean cost?"));
    assert_all(refuses("weather <= 5", "only cost, purchases"));
    assert_all(refuses("cost < 5", "no <= or >="));
    assert_all(refuses("cost <= ", "a measure or a number is missing"));
    assert_all(refuses("cost <= 1e5", "a number is not understood"));
    assert_all(refuses("cost <= 1.2.3", "a number is not understood"));
    assert_all(refuses("cost <= 99999999999999999", "too large"));
    assert_all(refuses("cost <= 5 per", "a name is missing"));
    assert_all(refuses("cost <= 5 per catgory", "did you mean category?"));
    assert_all(refuses("cost <= 5 per category, market", "one name"));
    assert_all(refuses("cost <= 5 for category", "a group"));
    assert_all(refuses("cost <= 5 for category = ", "name is missing"));
    assert_all(refuses("cost <= 5 for day = Monday", "a single day"));
    assert_all(refuses("cost - cost <= 5", "names nothing"));
    assert_all(refuses("3 <= 5", "names nothing"));
}

TEST_MAIN(cmocka_unit_test(sums_of_one_measure), cmocka_unit_test(groups_by_name),
          cmocka_unit_test(ratios), cmocka_unit_test(units), cmocka_unit_test(stock),
          cmocka_unit_test(what_is_wrong_is_said))
