/* Exchange rates: which one holds when, and what a table must not have. */
#include "tests/folders.h"

#include "jobs/rates.h"

static struct config *config_for(const char *rates, const char *home)
{
    struct config *config = NULL;
    char currency[80], table[400];
    static const char text[] =
        "events: {file: e.csv, columns: {user_id: u, product_id: p, time: t, unit_price: x}}\n";
    char *path = scratch_share("shop.yaml", text, sizeof text - 1);
    snprintf(currency, sizeof currency, "ingest.currency=%s", home);
    snprintf(table, sizeof table, "ingest.rates=%s", rates != NULL ? rates : "");
    const char *const sets[] = {currency, table, NULL};
    assert_all(config_read(&world, path, sets, &config) == OK);
    free(path);
    return config;
}

/* Read a table of this text. */
static enum status read_text(const char *text, struct rates *rates)
{
    char *path = scratch_share("rates.csv", text, strlen(text));
    struct config *config = config_for(path, " EUR");
    enum status status = rates_read(&world, config, rates);
    config_free(&config);
    free(path);
    return status;
}

static double rate_of(const struct rates *rates, const char *currency, int64_t seconds)
{
    double rate = NAN;
    bool found = rates_find(rates, currency, strlen(currency), seconds, &rate);
    return found ? rate : NAN;
}

static void the_latest_that_has_begun(void **state)
{
    (void)state;
    struct rates rates;
    assert_all(read_text("date,note,rate,currency\n"
                         "2025-02-01,b,0.95,USD\n1970-01-02,a,0.9, USD \n2025-01-01,c,1.2,GBP\n"
                         "2025-01-01,d,1,EUR\n",
                         &rates) == OK);
    int64_t february = 1738368000;
    assert_all(rates.count == 4);
    assert_all(rate_of(&rates, "USD", february) == 0.95);
    assert_all(rate_of(&rates, " USD ", february - 1) == 0.9);
    assert_all(rate_of(&rates, "USD", 86400) == 0.9);
    assert_all(isnan(rate_of(&rates, "USD", 86399)));
    assert_all(isnan(rate_of(&rates, "CHF", february)) && isnan(rate_of(&rates, "US", february)));
    assert_all(isnan(rate_of(&rates, "", february)) && isnan(rate_of(&rates, "usd", february)));
    assert_all(rate_of(&rates, "EUR", 0) == 1.0);
    assert_all(rate_of(&rates, "GBP", february) == 1.2);
    rates_clear(&rates);
    rates_clear(&rates);
}

static void without_dates_and_without_a_table(void **state)
{
    (void)state;
    struct rates rates;
    assert_all(read_text("currency;rate\nUSD;0.9\nJPY;6e-3\n", &rates) == OK);
    assert_all(rate_of(&rates, "JPY", INT64_MIN) == 6e-3);
    rates_clear(&rates);
    assert_all(read_text("currency,rate\n", &rates) == OK && rates.count == 0);
    rates_clear(&rates);
    struct config *config = config_for(NULL, "EUR");
    assert_all(rates_read(&world, config, &rates) == OK);
    assert_all(rate_of(&rates, "EUR", 0) == 1.0 && isnan(rate_of(&rates, "USD", 0)));
    rates_clear(&rates);
    config_free(&config);
    config = config_for(NULL, "");
    assert_all(rates_read(&world, config, &rates) == OK);
    assert_all(isnan(rate_of(&rates, "", 0)) && isnan(rate_of(&rates, "EUR", 0)));
    config_free(&config);
}

static void refuses(const char *text, const char *message)
{
    struct rates rates;
    assert_all(read_text(text, &rates) == ERR_DATA);
    if (strstr(status_message(), message) == NULL) print_error("%s\n", status_message());
    assert_all(strstr(status_message(), message) != NULL);
    assert_all(rates.rate == NULL && rates.count == 0);
}

static void faults_are_told_with_their_line(void **state)
{
    (void)state;
    refuses("currency,date\nUSD,2025-01-01\n", "no column rate");
    refuses("rate,date\n1,2025-01-01\n", "no column currency");
    refuses("currency,rate\nUSD,0.9\nGBP,0\n", "rates.csv:3: \"0\" is not a rate");
    refuses("currency,rate\nUSD,\"0,9\"\n", ":2: \"0,9\" is not a rate");
    refuses("currency,rate,date\nUSD,0.9,soon\n", ":2: \"soon\" is not a date");
    refuses("currency,rate,date\nUSD,0.9,\n", ":2: \"\" is not a date");
    refuses("currency,rate\nUSD,1\n ,2\n", ":3: \" \" is not a currency");
    refuses("currency,rate\nEUR,1.1\n", ":2: \"1.1\" is not 1");
    refuses("currency,rate\nUSD,1\nGBP,1\nUSD,1\n",
            ":4: a second rate of USD without a date, after that on line 2");
    refuses("currency,rate,date\nUSD,1,2025-01-01\nUSD,1,2025-01-01T00:00\n",
            ":3: a second rate of USD for the same date");
    refuses("currency,rate\nUSD\n", ":2");
}

/* Whatever fails on whichever rank, all leave together. */
static void fault_sweep(void **state)
{
    (void)state;
    struct rates rates;
    char *path = scratch_share("rates.csv", "currency,rate\nUSD,2\nGBP,3\n", 26);
    struct config *config = config_for(path, "EUR");
    comm_inject_fault(-1, 0);
    assert_all(rates_read(&world, config, &rates) == OK && rates.count == 2);
    rates_clear(&rates);
    int64_t agreements = comm_agreements();
    for (int64_t a = 0; a < agreements; a++) {
        comm_inject_fault(a, (int)(a % world.ranks));
        assert_all(rates_read(&world, config, &rates) != OK && rates.rate == NULL);
    }
    comm_inject_fault(-1, 0);
    config_free(&config);
    free(path);
    scratch_close();
}

static void open_scratch(void **state)
{
    (void)state;
    scratch_open();
}

TEST_MAIN(cmocka_unit_test(open_scratch), cmocka_unit_test(the_latest_that_has_begun),
          cmocka_unit_test(without_dates_and_without_a_table),
          cmocka_unit_test(faults_are_told_with_their_line), cmocka_unit_test(fault_sweep))
