/* Expressions: values, missing values, columns read, and messages that tell what is wrong and
 * where. */
#include "tests/harness.h"

#include "jobs/expression.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"a", "b", "sales_value", "Customer ID", "v.1", "2nd", "c-d"};
static const double row[] = {2.0, -3.0, 10.0, 4.0, 0.5, 7.0, 11.0};

static int64_t resolve(const void *context, const char *name)
{
    (void)context;
    for (int64_t i = 0; i < (int64_t)(sizeof names / sizeof *names); i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static double value_of(const char *text, const double *values)
{
    struct expression *expression = NULL;
    if (expression_compile(text, resolve, NULL, &expression) != OK) return INFINITY;
    double value = expression_evaluate(expression, values);
    expression_free(&expression);
    return value;
}

static void values_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1", 1},
        {"1.5e2", 150},
        {".25", 0.25},
        {"2.", 2},
        {"a", 2},
        {" a ", 2},
        {"a+b*a", -4},
        {"(a+b)*a", -2},
        {"10-4-3", 3},
        {"100/10/5", 2},
        {"-a*b", 6},
        {"--a", 2},
        {"2--3", 5},
        {"sales_value/a-1", 4},
        {"log(exp(a))", 2},
        {"sqrt(abs(b)*3)", 3},
        {"min(a, b, 7)", -3},
        {"max(min(a,1),b)", 1},
        {"a < 3", 1},
        {"a<=2", 1},
        {"a>2", 0},
        {"a >= 2", 1},
        {"a == 2", 1},
        {"a != 2", 0},
        {"(a > 1) * (b < 0)", 1},
        {"I(a * 2) + I(b)", 1},
        {"a + 1 > b * 2", 1},
        {"v.1*2", 1},
        {"`Customer ID` + 1", 5},
        {"Customer ID", 4},
        {" Customer ID ", 4},
        {"`2nd`", 7},
        {"2nd", 7},
        {"c-d", 11},
        {"max(a, log(1)) / (1 + (2 * (3 - 2.5)))", 1},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        if (fabs(value_of(cases[c].text, row) - cases[c].value) > 1e-12)
            print_error("%s\n", cases[c].text);
        assert_close(value_of(cases[c].text, row), cases[c].value, 1e-12);
    }
}

static void missing_stays_missing(void **state)
{
    (void)state;
    const char *const texts[] = {"b",        "a+b",      "-b",       "b<1",
                                 "b!=b",     "b == 1",   "min(a,b)", "min(b,a)",
                                 "max(a,b)", "max(b,a)", "exp(b)",   "log(-a)"};
    double values[7];
    memcpy(values, row, sizeof values);
    values[1] = NAN;
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        assert_all(isnan(value_of(texts[t], values)));
}

static void columns_read(void **state)
{
    (void)state;
    struct expression *expression = NULL;
    int64_t columns[7];
    assert_all(expression_compile("b / a + b * `2nd`", resolve, NULL, &expression) == OK);
    assert_all(expression_columns(expression, NULL) == 3);
    assert_all(expression_columns(expression, columns) == 3);
    assert_all(columns[0] == 1 && columns[1] == 0 && columns[2] == 5);
    assert_all(expression_column(expression) == -1);
    expression_free(&expression);
    assert_all(expression_compile("sales_value", resolve, NULL, &expression) == OK);
    assert_all(expression_column(expression) == 2);
    expression_free(&expression);
    assert_all(expression_compile("3", resolve, NULL, &expression) == OK);
    assert_all(expression_column(expression) == -1 && expression_columns(expression, NULL) == 0);
    expression_free(&expression);
    expression_free(&expression);
}

static bool refused_with(const char *text, const char *part)
{
    struct expression *expression = NULL;
    status_set_message("");
    enum status status = expression_compile(text, resolve, NULL, &expression);
    bool told = strstr(status_message(), part) != NULL;
    if (!told) print_error("%.80s: %s\n", text, status_message());
    return status == ERR_CONFIG && expression == NULL && told;
}

static void refuses_with_reason(void **state)
{
    (void)state;
    assert_all(refused_with("", "ends where"));
    assert_all(refused_with("   ", "ends where"));
    assert_all(refused_with("a +", "character 4: it ends where"));
    assert_all(refused_with("a b", "an operator is expected before \"b\""));
    assert_all(refused_with("a + price", "character 5: no column is called \"price\""));
    assert_all(refused_with("(a + b", "\")\""));
    assert_all(refused_with("a + b)", "never opened"));
    assert_all(refused_with("sin(a)", "no function is called \"sin\""));
    assert_all(refused_with("log(a, b)", "one argument"));
    assert_all(refused_with("min(a)", "two arguments"));
    assert_all(refused_with("log()", "not \")\""));
    assert_all(refused_with("log(a", "to end log("));
    assert_all(refused_with("`a", "not closed"));
    assert_all(refused_with("3rd", "backticks"));
    assert_all(refused_with("0x10", "backticks"));
    assert_all(refused_with("nan", "no column"));
    assert_all(refused_with("a < b < 3", "chain"));
    assert_all(refused_with("* a", "not \"*\""));
    assert_all(refused_with("``", "1 to 255 bytes"));
    assert_all(refused_with("a = b", "operator"));
}

/* However deep the text, it is an answer or a message, never an overrun. */
static void nesting_is_limited(void **state)
{
    (void)state;
    char text[4096];
    memset(text, '(', 2000);
    strcpy(text + 2000, "a");
    assert_all(refused_with(text, "deep"));
    memset(text, '-', 2000);
    assert_all(refused_with(text, "deep"));
    text[0] = 0;
    for (int i = 0; i < 40; i++) strcat(text, "1 < 1 + 2 * (");
    strcat(text, "a");
    for (int i = 0; i < 40; i++) strcat(text, ")");
    assert_all(refused_with(text, "deep"));
    strcpy(text, "0");
    for (int i = 0; i < 500; i++) strcat(text, " + a");
    assert_close(value_of(text, row), 1000.0, 0.0);
}

TEST_MAIN(cmocka_unit_test(values_by_hand), cmocka_unit_test(missing_stays_missing),
          cmocka_unit_test(columns_read), cmocka_unit_test(refuses_with_reason),
          cmocka_unit_test(nesting_is_limited))
