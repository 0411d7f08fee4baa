/* The readable receipt: what it says, how wide it is, and that nothing of the JSON is lost. */
#include "jobs/page.h"
#include "jobs/receipt_text.h"

#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

static char *make(const char *json)
{
    char *text = NULL;
    int64_t bytes = 0;
    json_t *receipt = json_loads(json, 0, NULL);
    assert_all(receipt != NULL);
    assert_all(receipt_text_make(receipt, &text, &bytes) == OK);
    assert_all(bytes == (int64_t)strlen(text));
    json_decref(receipt);
    return text;
}

static bool is_narrow(const char *text)
{
    int width = 0;
    for (; *text != 0; text++) {
        width = *text == '\n' ? 0 : width + (((unsigned char)*text & 0xC0) != 0x80);
        if (width > PAGE_WIDTH || ((unsigned char)*text < 0x20 && *text != '\n')) return false;
        if (*text == '\n' && text[-1] == ' ') return false;
    }
    return true;
}

static const char usual[] =
    "{\"objective\": 98224.0947, \"upper_bound\": 98303.1, \"objective_without_discounts\": "
    "96997.0,"
    " \"rows\": 30000, \"constraints\": [{\"name\": \"budget\", \"limit\": 2303.0, \"used\": "
    "2302.5,"
    " \"slack\": 0.5, \"dual_price\": 0.3708}, {\"name\": \"margin_floor\", \"limit\": 0.05,"
    " \"forbidden_cells\": 3346}], \"levels\": [0.0, 0.125], \"level_rows\": [26028, null],"
    " \"level_spend\": [0.0, null], \"level_suppressed\": [false, true], \"min_users\": 50,"
    " \"weights\": {\"profit\": 1.0, \"revenue\": 0.5, \"surplus\": 0.0}, \"margin_floor\": 0.05,"
    " \"expected\": {\"profit\": 12.0}, \"expected_without_discounts\": {\"profit\": 10.0},"
    " \"reasons\": [{\"reason\": \"gain\", \"rows\": null, \"meaning\": \"it gains\"}],"
    " \"new_figure\": 12.5, \"new_table\": [{\"name\": \"caf\\u00e9\", \"worth\": 1234.5},"
    " {\"name\": \"b\\nad\", \"worth\": null}]}";

static void says(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "No table within these limits is worth more than 98,303.10; this one is worth 98,224.09, "
        "at most\n  0.0805 % less.",
        "Of all that discounts can add within the limits, 1,306.10, it misses at most 6.049 %.",
        "expected profit + 0.5 x revenue",
        "one discount for each of 30,000 rows",
        "  budget  at most 2,303.00  2,302.50  0.50   100.0              0.3708",
        "margin_floor rules out 3,346 discounts",
        "  12.5 %    few users\n",
        "  profit                     10.00      12.00      +2.00",
        "  gain    few users  it gains",
        "new figure                12.5\n",
        "  caf\xc3\xa9    1,234.5\n",
        "  b?ad  not shown\n"};
    char *text = make(usual);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (strstr(text, lines[i]) == NULL) fail_msg("\"%s\" is not in\n%s", lines[i], text);
    assert_all(is_narrow(text));
    free(text);
}

static void says_what_to_expect(void **state)
{
    (void)state;
    char *text = make("{\"curse\": {\"rows\": 27118, \"propensity\": \"given\", "
                      "\"rows_beyond_offers\": 0, \"gain\": {\"promised\": 600.0, "
                      "\"out_of_fold\": 540.0, \"std_error\": 100.0}, \"profit\": "
                      "{\"promised\": 1e5, \"out_of_fold\": 101000.0, \"std_error\": 1000.0}}}");
    assert_all(strstr(text, "A gain of 540 (from 344 to 736) above no discounts, by 27,118") !=
               NULL);
    assert_all(strstr(text, "600.00  540 (from 344 to 736)             -10.0 %") != NULL);
    assert_all(strstr(text, "100,000.00  101,000 (from 99,040 to 102,960)   +1.0 %") != NULL);
    assert_all(is_narrow(text) && strstr(text, "ALSO") == NULL);
    free(text);
    text = make("{\"curse\": {\"reason\": \"nothing was held out\"}}");
    assert_all(strstr(text, "cannot be said: nothing was held out.") != NULL && is_narrow(text));
    free(text);
}

static void least(void **state)
{
    (void)state;
    char *text = make("{}");
    assert_all(is_narrow(text) && strstr(text, "LIMITS") == NULL);
    free(text);
    text = make("{\"objective\": 5.0, \"upper_bound\": 5.0, \"levels\": [0.0]}");
    assert_all(strstr(text, "no table within these limits is worth more than 5.00, and") != NULL);
    free(text);
}

static void numbers(void **state)
{
    (void)state;
    assert_all(strcmp(page_amount(-1234567.891, 2).text, "-1,234,567.89") == 0);
    assert_all(strcmp(page_amount(-0.001, 2).text, "0.00") == 0);
    assert_all(strcmp(page_amount(NAN, 2).text, "-") == 0);
    assert_all(strcmp(page_change(999.5, 1).text, "+999.5") == 0);
    assert_all(strcmp(page_change(0.0, 1).text, "0.0") == 0);
    assert_all(strcmp(page_figure(0.002).text, "0.002") == 0);
    assert_all(strcmp(page_figure(-0.5).text, "-0.50") == 0);
    assert_all(strcmp(page_figure(0.00012345).text, "0.0001234") == 0 ||
               strcmp(page_figure(0.00012345).text, "0.0001235") == 0);
    assert_all(strcmp(page_figure(1234.567).text, "1,234.57") == 0);
    assert_all(strcmp(page_figure(0.0).text, "0.00") == 0);
    assert_all(strcmp(page_figure_change(0.0375).text, "+0.0375") == 0);
    assert_all(strcmp(page_count(INT64_MIN).text, "-9,223,372,036,854,775,808") == 0);
    assert_all(strcmp(page_percent(0.3).text, "30 %") == 0);
    assert_all(strcmp(page_percent(1e-9).text, "under 0.0001 %") == 0);
    assert_all(strcmp(page_exact(-12345, 4).text, "-1.2345") == 0);
    assert_all(strcmp(page_exact(12345678, 4).text, "1,234.5678") == 0);
    assert_all(strcmp(page_exact(7, 0).text, "7") == 0);
}

TEST_MAIN(cmocka_unit_test(says), cmocka_unit_test(says_what_to_expect), cmocka_unit_test(least),
          cmocka_unit_test(numbers))
