/* The configuration: what is read, what is refused and how, what overrides what, and what is hashed
 * and written. */
#include "tests/harness.h"

#include "jobs/config.h"
#include "jobs/config_keys.h"
#include "jobs/config_parse.h"
#include "jobs/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MINIMAL                                                                             \
    "events: {file: sales.csv, columns: {user_id: customer, product_id: sku, time: date,\n" \
    "  quantity: qty, unit_price: price}}\n"

static const char *const no_sets[] = {NULL};

/* The problems of a text, "" if it is fine; the caller frees both. */
static char *problems_of(const char *text, const char *const *sets, struct config **config)
{
    char *problems = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&problems, &bytes);
    assert_non_null(file);
    enum status status = config_parse("shop.yaml", text, (int64_t)strlen(text), sets, file, config);
    fclose(file);
    assert_int_equal(status, OK);
    return problems;
}

static struct config *config_of(const char *text, const char *const *sets)
{
    struct config *config = NULL;
    char *problems = problems_of(text, sets, &config);
    if (problems[0] != 0) print_error("%s", problems);
    assert_string_equal(problems, "");
    free(problems);
    return config;
}

static void assert_problem(const char *text, const char *const *sets, const char *expected)
{
    struct config *config = NULL;
    char *problems = problems_of(text, sets, &config);
    if (strcmp(problems, expected) != 0)
        print_error("found: %s\nexpected: %s\n", problems, expected);
    assert_string_equal(problems, expected);
    config_free(&config);
    free(problems);
}

static void minimal_has_defaults(void **state)
{
    (void)state;
    struct config *config = config_of(MINIMAL, no_sets);
    const double *levels = NULL;
    const int64_t *layers = NULL;
    const char *const *attributes = NULL;
    assert_true(config_integer(config, "respond.epochs") == 4);
    assert_true(config_number(config, "respond.rate") == 0.003);
    assert_true(config_is(config, "ingest.on_bad_row", "reject"));
    assert_true(config_numbers(config, "allocate.levels", &levels) == 6 && levels[5] == 0.30);
    assert_true(config_integers(config, "respond.layers", &layers) == 2 && layers[1] == 32);
    assert_true(config_texts(config, "users.attributes", &attributes) == 0);
    assert_false(config_has(config, "allocate.budget"));
    assert_false(config_has(config, "run.valid_from"));
    assert_true(isnan(config_number(config, "ingest.max_quantity")));
    assert_true(config_table(config, "events") && !config_table(config, "offers"));
    assert_string_equal(config_column(config, "events", "unit_price"), "price");
    assert_null(config_column(config, "events", "kind"));
    assert_string_equal(config_path(config, "events.file"), "sales.csv");
    assert_string_equal(config_origin(config, "events.columns.unit_price"), "shop.yaml:2");
    assert_string_equal(config_origin(config, "seed"), "default");
    config_free(&config);
    config_free(&config);
}

static void types_are_read(void **state)
{
    (void)state;
    struct config *config = config_of(
        MINIMAL
        "seed: 7\nrun: {valid_from: 2012-02-29, valid_days: 14}\n"
        "allocate:\n  budget: 12500.50\n  levels: [0, 0.1]\n  objective: {profit: 0.5}\n"
        "users:\n  file: u.csv\n  columns: {user_id: id}\n  attributes: [age, \"last: seen\"]\n"
        "ingest.returns: keep\nrespond:\n  layers: 16\n  epochs: ~\nprofile:\n",
        no_sets);
    const int64_t *layers = NULL;
    const char *const *attributes = NULL;
    assert_true(config_integer(config, "seed") == 7);
    assert_true(config_time(config, "run.valid_from") == 1330473600);
    assert_true(config_cents(config, "allocate.budget") == 1250050);
    assert_true(config_number(config, "allocate.objective.profit") == 0.5);
    assert_true(config_texts(config, "users.attributes", &attributes) == 2);
    assert_string_equal(attributes[1], "last: seen");
    assert_true(config_is(config, "ingest.returns", "keep"));
    assert_true(config_integers(config, "respond.layers", &layers) == 1 && layers[0] == 16);
    assert_true(config_integer(config, "respond.epochs") == 4);
    config_free(&config);
}

static void every_problem_is_reported(void **state)
{
    (void)state;
    assert_problem(
        "sead: 1\n"
        "respond:\n"
        "  epochs: abc\n"
        "  batch: 0\n"
        "  epoch: 3\n"
        "  holdout: [0.1]\n"
        "ingest:\n"
        "  on_bad_row: ignore\n"
        "  max_bad_rows: 2%\n"
        "run: {valid_from: 2025-02-30, wombat: 1}\n"
        "allocate:\n"
        "  levels: [0, 0.2, 0.1]\n"
        "  budget: 10.555\n"
        "  bugdet: 1\n"
        "epochs: 3\n"
        "seed: 1\n"
        "seed: 2\n"
        "recommend: 10\n" MINIMAL,
        no_sets,
        "shop.yaml:1: sead: there is no such setting; did you mean seed?\n"
        "shop.yaml:3: respond.epochs: \"abc\" is not an integer; expected 1 .. 1000 (default 4)\n"
        "shop.yaml:4: respond.batch: 0 is out of range; expected 1 .. 16777216\n"
        "shop.yaml:5: respond.epoch: there is no such setting; did you mean respond.epochs?\n"
        "shop.yaml:6: respond.holdout: a list where one value is expected; expected 0 .. 0.9 "
        "(default "
        "0.1)\n"
        "shop.yaml:8: ingest.on_bad_row: \"ignore\" is not one of its choices; expected reject or "
        "stop "
        "(default reject)\n"
        "shop.yaml:9: ingest.max_bad_rows: \"2%\" is not a number; expected 0 .. 1 (default 1)\n"
        "shop.yaml:10: run.valid_from: \"2025-02-30\" is not a date; expected a date such as "
        "2025-03-01\n"
        "shop.yaml:10: run.wombat: there is no such setting; run has valid_from, valid_days\n"
        "shop.yaml:12: allocate.levels: 0.1 does not ascend from 0.2; expected a list of ascending "
        "numbers 0 .. 0.95 (default [0, 0.05, 0.10, 0.15, 0.20, 0.30])\n"
        "shop.yaml:13: allocate.budget: \"10.555\" is not an amount of money with at most two "
        "decimals; "
        "expected 0 .. 10000000000000\n"
        "shop.yaml:14: allocate.bugdet: there is no such setting; did you mean allocate.budget?\n"
        "shop.yaml:15: epochs: there is no such setting; did you mean respond.epochs?\n"
        "shop.yaml:17: seed: given before, on line 16\n"
        "shop.yaml:18: recommend: a section, whose settings stand below it, indented\n");
}

static void tables_are_checked(void **state)
{
    (void)state;
    assert_problem("seed: 1\n", no_sets,
                   "shop.yaml: events.file: missing; name the CSV file, such as `events: {file: "
                   "events.csv, columns: {user_id: customer, ...}}`\n");
    assert_problem(
        "users: {columns: {user_id: id}}\n" MINIMAL, no_sets,
        "shop.yaml: users.file: missing; name the CSV file, such as `users: {file: users.csv, "
        "columns: {user_id: customer, ...}}`\n");
    assert_problem(
        "events: {file: a.csv, columns: {user_id: u, produkt_id: p, time: t, unit_price: 1}}\n",
        no_sets,
        "shop.yaml:1: events.columns.produkt_id: there is no such setting; did you mean "
        "events.columns.product_id?\n"
        "shop.yaml:1: events.columns.product_id: missing; say which column of events it is, "
        "such as `product_id: product_id`\n");
    assert_problem(
        MINIMAL "allocate: {levels: [0.1, 0.2]}\n", no_sets,
        "shop.yaml:3: allocate.levels: expected 0 (no discount) and at least one discount "
        "after it\n");
    assert_problem(
        MINIMAL "allocate: {objective: {profit: 0}}\n", no_sets,
        "shop.yaml:3: allocate.objective.profit: all weights of the objective are 0; give at "
        "least one\n");
}

static void overrides_win(void **state)
{
    (void)state;
    const char *const sets[] = {"respond.epochs=9",        "respond.layers=8, 4",
                                "data.dir=elsewhere",      "events.columns.unit_price=`a b` / 2",
                                "allocate.budget=",        "respond.epochs=10",
                                "allocate.levels=[0,0.5]", NULL};
    struct config *config = config_of("allocate.budget: 5\nrespond.epochs: 5\n" MINIMAL, sets);
    const int64_t *layers = NULL;
    const double *levels = NULL;
    assert_true(config_integer(config, "respond.epochs") == 10);
    assert_string_equal(config_origin(config, "respond.epochs"), "--set");
    assert_true(config_integers(config, "respond.layers", &layers) == 2 && layers[1] == 4);
    assert_true(config_numbers(config, "allocate.levels", &levels) == 2 && levels[1] == 0.5);
    assert_string_equal(config_column(config, "events", "unit_price"), "`a b` / 2");
    assert_string_equal(config_path(config, "events.file"), "elsewhere/sales.csv");
    assert_false(config_has(config, "allocate.budget"));
    config_free(&config);
    const char *const wrong[] = {"respond.epochs=abc", "respond.epocs=1", "seed", NULL};
    assert_problem(
        MINIMAL, wrong,
        "--set respond.epochs=abc: \"abc\" is not an integer; expected 1 .. 1000 (default 4)\n"
        "--set respond.epocs=1: there is no such setting; did you mean respond.epochs?\n"
        "--set seed: expected KEY=VALUE, such as respond.epochs=5\n");
}

static void yaml_faults_are_told(void **state)
{
    (void)state;
    const char *const faults[][2] = {
        {MINIMAL "seed: [1\n", "shop.yaml:4: not YAML: "},
        {MINIMAL "a:\n\tb: 1\n", "shop.yaml:4: not YAML: "},
        {"- 1\n", "shop.yaml:1: expected lines such as"},
        {MINIMAL "---\nseed: 1\n", "shop.yaml:4: a second document"},
        {MINIMAL "seed: \xff\n", "not YAML"},
        {"a: &a {b: *a}\n", "nested deeper"},
        {"x: &x {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1}\ny: &y {a: *x, b: *x, c: *x, d: *x, e: *x, f: "
         "*x}\n"
         "z: &z {a: *y, b: *y, c: *y, d: *y, e: *y, f: *y}\nw: &w {a: *z, b: *z, c: *z, d: *z, e: "
         "*z}\n"
         "v: {a: *w, b: *w, c: *w}\n",
         "more keys than"},
    };
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        struct config *config = NULL;
        char *problems = problems_of(faults[f][0], no_sets, &config);
        bool told = strstr(problems, faults[f][1]) != NULL ||
                    (f == 4 && strstr(problems, "save the file as UTF-8") != NULL);
        if (!told) print_error("%zu: %.500s\n", f, problems);
        assert_true(told);
        config_free(&config);
        free(problems);
    }
}

static bool same_fingerprint(const struct config *a, const struct config *b,
                             const char *const *prefixes)
{
    struct config_fingerprint x = config_fingerprint(a, prefixes),
                              y = config_fingerprint(b, prefixes);
    return x.high == y.high && x.low == y.low;
}

/* Only the values under the prefixes count, not how they are written nor where they come from. */
static void fingerprint_follows_values(void **state)
{
    (void)state;
    const char *const respond[] = {"respond", "seed", NULL}, *const ingest[] = {"ingest.", NULL};
    const char *const sets[] = {"respond.rate=3e-3", "allocate.levels=0,0.50", NULL};
    const char *const other[] = {"respond.rate=0.002", NULL};
    struct config *a = config_of(MINIMAL, no_sets), *b = config_of(MINIMAL, sets),
                  *c = config_of(MINIMAL, other);
    assert_true(same_fingerprint(a, b, respond) && same_fingerprint(a, b, ingest));
    assert_false(same_fingerprint(a, c, respond));
    assert_true(same_fingerprint(a, c, ingest));
    struct config_fingerprint nothing = config_fingerprint(a, no_sets);
    struct config_fingerprint some = config_fingerprint(a, ingest);
    assert_false(nothing.low == some.low);
    config_free(&a);
    config_free(&b);
    config_free(&c);
}

/* What is written reads back to the same settings. */
static void written_reads_back(void **state)
{
    (void)state;
    const char *const all[] = {"seed",      "run",     "data",     "users",   "products",
                               "events",    "offers",  "ingest",   "profile", "demand",
                               "recommend", "respond", "allocate", "publish", NULL};
    struct config *a = config_of(
        MINIMAL
        "users: {file: \"u #1.csv\", columns: {user_id: '`Customer ID`', market: \"a\\\\b\"},\n"
        "  attributes: [\"x, y\", null-ish, 'say \"hi\"']}\n"
        "allocate: {budget: 0.10}\nrun: {valid_from: \"2025-03-01 10:30:00\"}\n",
        no_sets);
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    assert_true(config_write(a, file) == OK);
    fclose(file);
    struct config *b = config_of(text, no_sets);
    assert_true(same_fingerprint(a, b, all));
    assert_string_equal(config_column(b, "users", "user_id"), "`Customer ID`");
    assert_non_null(strstr(text, "# shop.yaml:1\n"));
    assert_non_null(strstr(text, "# default\n"));
    config_free(&a);
    config_free(&b);
    free(text);
}

/* The people to forget are counted, not named, in what a run folder keeps. */
static void people_are_not_written(void **state)
{
    (void)state;
    struct config *config = config_of(MINIMAL "privacy: {forget: [anna, ben]}\n", no_sets);
    const char *const *names = NULL;
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    assert_true(config_write(config, file) == OK);
    fclose(file);
    assert_true(config_texts(config, "privacy.forget", &names) == 2);
    assert_string_equal(names[1], "ben");
    assert_null(strstr(text, "anna"));
    assert_non_null(strstr(text, "# 2, not shown; shop.yaml:3\n"));
    config_free(&config);
    free(text);
}

static void cleaning_settings_agree(void **state)
{
    (void)state;
    assert_problem(
        MINIMAL "ingest:\n  denoise_weeks: 4\n  max_price: 2\n  min_price: 2.0\n  rates: r.csv\n"
                "  time_from: 2025-03-01\n  time_to: 2025-03-01\n"
                "  missing:\n    attributes: drop\n    unit_price: median by product\n"
                "events.columns.currency: Currency\n",
        no_sets,
        "shop.yaml:4: ingest.denoise_weeks: the middle of a window needs an odd number of weeks "
        "from 3; or 0: none\n"
        "shop.yaml:5: ingest.max_price: no price is above ingest.min_price and below\n"
        "shop.yaml:9: ingest.time_to: not after ingest.time_from\n"
        "shop.yaml:11: ingest.missing.attributes: \"drop\" is not what can stand in for a missing "
        "value; expected keep, a number, mean or median\n"
        "shop.yaml:7: ingest.rates: to which currency? Name it as ingest.currency, such as EUR\n"
        "shop.yaml:13: events.columns.currency: to which currency? Name it as ingest.currency, "
        "such as EUR\n");
    assert_problem(MINIMAL
                   "ingest: {denoise_weeks: 5, currency: EUR, rates: r.csv, min_price: 0.5,\n"
                   "  max_price: 9, time_from: 2025-03-01, time_to: 2025-03-02}\n",
                   no_sets, "");
}

static void paths_follow_their_base(void **state)
{
    (void)state;
    struct config *config = NULL;
    const char text[] = "data: {dir: ../data}\nprivacy: {secret_file: /etc/s}\n" MINIMAL;
    FILE *problems = fopen("/dev/null", "w");
    assert_int_equal(
        config_parse("a/b/shop.yaml", text, (int64_t)strlen(text), NULL, problems, &config), OK);
    assert_string_equal(config_path(config, "data.dir"), "a/b/../data");
    assert_string_equal(config_path(config, "events.file"), "a/b/../data/sales.csv");
    assert_string_equal(config_path(config, "privacy.secret_file"), "/etc/s");
    config_free(&config);
    fclose(problems);
}

/* Rows of the table itself: unique, in their sections' order, with defaults that pass their own
 * checks. */
static void table_is_sound(void **state)
{
    (void)state;
    int64_t section = -1;
    for (int64_t k = 0; k < config_keys_count(); k++) {
        assert_true(key_find(config_key_at(k)->name) == k);
        assert_true((config_key_at(k)->type == KEY_CHOICE) == (config_key_at(k)->choices != NULL));
        bool told = config_key_at(k)->standard != NULL || config_key_at(k)->none != NULL;
        assert_true(told || config_key_at(k)->required);
        if (strchr(config_key_at(k)->name, '.') == NULL) continue;
        if (section < 0 || !key_is_under(config_key_at(k)->name, config_sections[section].name))
            section++;
        assert_true(section < config_sections_count);
        assert_true(key_is_under(config_key_at(k)->name, config_sections[section].name));
    }
    assert_true(section == config_sections_count - 1);
}

static void nearest_name(void **state)
{
    (void)state;
    struct suggestion suggestion = SUGGESTION("recomend");
    suggestion_offer(&suggestion, "respond");
    suggestion_offer(&suggestion, "recommend");
    assert_string_equal(suggestion.best, "recommend");
    suggestion = SUGGESTION("rnu");
    suggestion_offer(&suggestion, "run");
    assert_string_equal(suggestion.best, "run");
    suggestion = SUGGESTION("xyz");
    suggestion_offer(&suggestion, "run");
    assert_null(suggestion.best);
}

/* The file is read once, and every rank has it. */
static void every_rank_reads_the_same(void **state)
{
    (void)state;
    const char *const sets[] = {"respond.epochs=6", NULL}, *const all[] = {"events", "respond",
                                                                           NULL};
    char path[64];
    int64_t process = world.rank == 0 ? (int64_t)getpid() : 0;
    comm_broadcast(&world, &process, sizeof process, 0);
    snprintf(path, sizeof path, "/tmp/test_config.%lld.yaml", (long long)process);
    if (world.rank == 0) {
        FILE *file = fopen(path, "w");
        fputs(MINIMAL, file);
        fclose(file);
    }
    struct config *config = NULL;
    assert_all(config_read(&world, path, sets, &config) == OK);
    struct config_fingerprint mine = config_fingerprint(config, all), first = mine;
    comm_broadcast(&world, &first, sizeof first, 0);
    assert_all(mine.high == first.high && mine.low == first.low);
    assert_all(config_integer(config, "respond.epochs") == 6);
    config_free(&config);
    const char *const wrong[] = {"respond.epochs=0", NULL};
    assert_all(config_read(&world, path, wrong, &config) == ERR_CONFIG && config == NULL);
    assert_all(strstr(status_message(), "0 is out of range") != NULL);
    for (int64_t agreement = 0; agreement < 3; agreement++)
        for (int rank = 0; rank < world.ranks; rank++) {
            comm_inject_fault(agreement, rank);
            assert_all(config_read(&world, path, sets, &config) == ERR_BUG && config == NULL);
        }
    comm_inject_fault(-1, 0);
    comm_barrier(&world);
    if (world.rank == 0) unlink(path);
    comm_barrier(&world);
    assert_all(config_read(&world, path, sets, &config) == ERR_NO_INPUT);
    assert_all(config_read(&world, "/tmp", sets, &config) == ERR_NO_INPUT);
}

TEST_MAIN(cmocka_unit_test(minimal_has_defaults), cmocka_unit_test(types_are_read),
          cmocka_unit_test(every_problem_is_reported), cmocka_unit_test(tables_are_checked),
          cmocka_unit_test(overrides_win), cmocka_unit_test(yaml_faults_are_told),
          cmocka_unit_test(fingerprint_follows_values), cmocka_unit_test(written_reads_back),
          cmocka_unit_test(people_are_not_written), cmocka_unit_test(cleaning_settings_agree),
          cmocka_unit_test(paths_follow_their_base), cmocka_unit_test(table_is_sound),
          cmocka_unit_test(nearest_name), cmocka_unit_test(every_rank_reads_the_same))
