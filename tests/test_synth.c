/* The synthetic shop: its formula, its history, the same files at any number of ranks, and
 * refusals. */
#include "tests/folders.h"

#include "io/file.h"
#include "jobs/synth_write.h"

#include <sys/stat.h>

enum { FILES = 9, FILE_LIMIT = 1 << 26 };

static const char *const files[FILES] = {
    "users.csv",          "products.csv",         "events.csv",
    "offers.csv",         "remise.yaml",          "truth/users.csv",
    "truth/products.csv", "truth/categories.csv", "truth/truth.json"};

static int start(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

static struct synth_options options_of(const char *folder, int64_t users, int64_t products)
{
    struct synth_options opt = SYNTH_DEFAULTS;
    opt.directory = folder;
    opt.users = users;
    opt.products = products;
    return opt;
}

/* ---- the truth ---- */

static void formula_by_hand(void **state)
{
    (void)state;
    struct synth_user user = {.activity = 1000};
    struct synth_product product = {.category = 2, .quality = -500};
    user.taste[2] = 2000;
    user.slope[2] = 5.0;
    /* a = -2.4 + 0.1 + 0.2 - 0.05 = -2.15; with 5 x 0.3: -0.65 */
    assert_close(synth_intercept(&user, &product), -2.15, 1e-12);
    assert_close(synth_probability(&user, &product, 0), 0.10433122, 1e-8);
    assert_close(synth_probability(&user, &product, 30), 0.34298954, 1e-8);
}

/* Half of the rise from sigmoid(a) to sigmoid(a + b) is there at the half point, the steeper the
 * later; and ever less of it is still to come. */
static void saturation_by_hand(void **state)
{
    (void)state;
    struct synth_user user = {.half = 0.1, .steepness = 1.0, .slope = {1.0}};
    struct synth_product product = {.price_cents = 1000, .cost_cents = 500};
    /* sigmoid(-2.4) = 0.08317270, sigmoid(-1.4) = 0.19781611; at 20 %: two thirds of the rise */
    assert_close(synth_probability(&user, &product, 0), 0.08317270, 1e-8);
    assert_close(synth_probability(&user, &product, 10), 0.14049440, 1e-8);
    assert_close(synth_probability(&user, &product, 20), 0.15960164, 1e-8);
    user.steepness = 2.0; /* 0.01 / (0.01 + 0.01), 0.04 / (0.01 + 0.04) */
    assert_close(synth_probability(&user, &product, 10), 0.14049440, 1e-8);
    assert_close(synth_probability(&user, &product, 20), 0.17488743, 1e-8);
    /* profit in cents by the last: 41.6, 47.8 at 5 %, 56.2, 56.8 at 15 %, 52.5 */
    assert_all(synth_best_percent(&user, &product) == 15);
}

static void best_level_by_hand(void **state)
{
    (void)state;
    struct synth_user user = {.slope = {1.0}};
    struct synth_product product = {.price_cents = 1000, .cost_cents = 500};
    assert_all(synth_best_percent(&user, &product) == 0);
    /* a = -2.4, b = 15: profit 0.416, 0.725, 1.157, 1.618, 1.937, 1.782 at 0 .. 30 % */
    user.slope[0] = 15.0;
    assert_all(synth_best_percent(&user, &product) == 20);
    /* paying 8.00 for what costs 7.61 leaves less than 5 % of the price: then 15 % is the most */
    product.cost_cents = 761;
    assert_all(synth_best_percent(&user, &product) <= 15);
}

static void picks_by_weight(void **state)
{
    (void)state;
    const double below[] = {1.0, 1.0, 4.0}; /* weights 1, 0, 3 */
    assert_all(synth_pick(below, 3, 0.0) == 0 && synth_pick(below, 3, 0.2499) == 0);
    assert_all(synth_pick(below, 3, 0.25) == 2 && synth_pick(below, 3, 0.9999999) == 2);
}

/* Parameters are in their ranges, every category has products, and chances rise with the discount.
 */
static void parameters_are_sane(void **state)
{
    (void)state;
    struct synth_options opt = options_of(NULL, 1000, 100);
    struct synth_shop shop;
    bool good = true;
    assert_all(synth_shop_init(&shop, &opt) == OK);
    for (int c = 0; c < shop.categories; c++)
        good = good && shop.category_start[c] < shop.category_start[c + 1];
    for (int64_t u = 0; u < opt.users; u++) {
        struct synth_user user;
        synth_user_make(&shop, u, &user);
        const struct synth_product *product = &shop.product[u % opt.products];
        double margin = 1.0 - (double)product->cost_cents / (double)product->price_cents;
        double slope = user.slope[product->category];
        good = good && slope >= 1.0 && slope <= 15.0 && margin > 0.19 && margin < 0.51;
        good = good && user.age >= 18 && user.age <= 80 && user.joined_day < 7 * opt.weeks;
        for (int k = 1; k < SYNTH_LEVELS; k++)
            good = good && synth_probability(&user, product, synth_levels[k]) >
                               synth_probability(&user, product, synth_levels[k - 1]);
    }
    assert_all(good);
    synth_shop_clear(&shop);
}

/* Of each type and category of a saturating shop: chances rise, but hardly beyond what they
 * reach; discounts below a threshold do little; types differ. */
static void saturation_is_sane(void **state)
{
    (void)state;
    struct synth_options opt = options_of(NULL, 1000, 100);
    struct synth_shop shop;
    bool good = true;
    int at_once = 0, late = 0, deaf = 0;
    opt.form = SYNTH_SATURATING;
    assert_all(synth_shop_init(&shop, &opt) == OK);
    for (int64_t u = 0; u < opt.users; u++) {
        struct synth_user user;
        synth_user_make(&shop, u, &user);
        const struct synth_product *product = &shop.product[u % opt.products];
        double none = synth_probability(&user, product, 0), last = none;
        for (int k = 1; k < SYNTH_LEVELS; k++) {
            double chance = synth_probability(&user, product, synth_levels[k]);
            good = good && chance > last && chance < 1.0;
            last = chance;
        }
        double first = (synth_probability(&user, product, 5) - none) / (last - none);
        good = good && user.half > 0.0 && user.steepness >= 1.0;
        at_once += first > 0.5;
        late += first < 0.1;
        deaf += last - none < 0.01;
    }
    assert_all(good && at_once > 200 && late > 200 && deaf > 30 && deaf < 300);
    synth_shop_clear(&shop);
}

/* A discount for everyone loses money at every level. */
static void one_level_for_all_loses_in(enum synth_form form)
{
    struct synth_options opt = options_of(NULL, 4000, 400);
    struct synth_shop shop;
    opt.form = form;
    double profit[SYNTH_LEVELS] = {0};
    assert_all(synth_shop_init(&shop, &opt) == OK);
    for (int64_t u = 0; u < opt.users; u++) {
        struct synth_draws draws = {1, RANDOM_TEST, (uint64_t)u, 0};
        struct synth_user user;
        synth_user_make(&shop, u, &user);
        const struct synth_product *product =
            &shop.product[synth_pick_product(&shop, &user, &draws)];
        for (int k = 0; k < SYNTH_LEVELS; k++) {
            double left =
                product->price_cents * (1.0 - synth_levels[k] / 100.0) - product->cost_cents;
            profit[k] += synth_probability(&user, product, synth_levels[k]) * left;
        }
    }
    for (int k = 1; k < SYNTH_LEVELS; k++) assert_all(profit[k] < profit[0]);
    synth_shop_clear(&shop);
}

static void one_level_for_all_loses(void **state)
{
    (void)state;
    one_level_for_all_loses_in(SYNTH_LOGIT);
    one_level_for_all_loses_in(SYNTH_SATURATING);
}

/* ---- the history ---- */

/* Propensities sum to one, the random share reaches every level, and good customers get more. */
static void propensities_add_up(void **state)
{
    (void)state;
    struct synth_options opt = options_of(NULL, 10, 10);
    struct synth_shop shop;
    int32_t poor[SYNTH_LEVELS], rich[SYNTH_LEVELS], sum = 0;
    assert_all(synth_shop_init(&shop, &opt) == OK);
    struct synth_user user = {.activity = -10000};
    synth_propensities(&shop, &user, &shop.product[0], poor);
    user.activity = 10000;
    synth_propensities(&shop, &user, &shop.product[0], rich);
    for (int k = 0; k < SYNTH_LEVELS; k++) {
        sum += poor[k] + rich[k];
        assert_all(poor[k] >= 33333 && rich[k] >= 33333); /* 0.2 / 6 */
    }
    assert_all(sum == 2000000);
    assert_all(rich[SYNTH_LEVELS - 1] > 3 * poor[SYNTH_LEVELS - 1]);
    synth_shop_clear(&shop);
}

/* A user's events are in order of time, of products that exist, and hold every redeemed offer. */
static bool history_is_sound(const struct synth_shop *shop, const struct synth_history *history)
{
    int64_t found = 0, redeemed = 0;
    for (int64_t j = 0; j < history->events; j++) {
        const struct synth_event *event = &history->event[j];
        if (event->second < 0 || event->second >= shop->options.weeks * SYNTH_WEEK_SECONDS)
            return false;
        if (j > 0 && event->second < history->event[j - 1].second) return false;
        if (event->product < 0 || event->product >= shop->options.products) return false;
        if (event->quantity < 1 || event->percent > 30) return false;
        for (int64_t i = 0; i < history->offers && event->kind == SYNTH_PURCHASE; i++)
            found += history->offer[i].redeemed && history->offer[i].second == event->second &&
                     history->offer[i].product == event->product;
    }
    for (int64_t i = 0; i < history->offers; i++) {
        const struct synth_offer *offer = &history->offer[i];
        if (offer->redeemed && !(offer->clicked && offer->shown)) return false;
        redeemed += offer->redeemed;
    }
    return found >= redeemed;
}

static void histories_are_sound(void **state)
{
    (void)state;
    struct synth_options opt = options_of(NULL, 2000, 50);
    struct synth_shop shop;
    struct synth_pilot pilot;
    struct synth_history history = {0};
    int64_t events = 0, offers = 0;
    assert_all(synth_shop_init(&shop, &opt) == OK && synth_pilot_measure(&shop, &pilot) == OK);
    for (int64_t u = 0; u < opt.users; u++) {
        struct synth_user user;
        synth_user_make(&shop, u, &user);
        assert_all(synth_history_make(&shop, &pilot, &user, &history) == OK);
        assert_all(history_is_sound(&shop, &history));
        events += history.events;
        offers += history.offers;
    }
    assert_close((double)events / (double)opt.users, 20.0, 1.0);
    assert_close((double)offers / (double)opt.users, 10.0, 0.5);
    synth_history_clear(&history);
    synth_shop_clear(&shop);
}

/* ---- the files ---- */

/* The file has the same bytes in both folders, and some; read by rank 0. */
static bool same_file(const char *left, const char *right, const char *name)
{
    char paths[2][512], *data[2] = {NULL, NULL};
    int64_t bytes[2] = {0, 0};
    snprintf(paths[0], sizeof paths[0], "%s/%s", left, name);
    snprintf(paths[1], sizeof paths[1], "%s/%s", right, name);
    bool same = true;
    for (int i = 0; i < 2; i++)
        same = same && file_read(paths[i], FILE_LIMIT, &data[i], &bytes[i]) == OK;
    same = same && bytes[0] > 0 && bytes[0] == bytes[1] &&
           memcmp(data[0], data[1], (size_t)bytes[0]) == 0;
    free(data[0]);
    free(data[1]);
    return same;
}

/* Written by all ranks and by one alone; with more ranks than blocks some ranks write nothing. */
static void check_ranks(enum synth_form form, int64_t users, int64_t products, int64_t weeks)
{
    struct comm self = comm_self();
    char *together = scratch_path("together"), *alone = scratch_path("alone");
    struct synth_options opt = options_of(together, users, products);
    opt.weeks = weeks;
    opt.form = form;
    assert_all(synth_write_shop(&world, &opt) == OK);
    opt.directory = alone;
    assert_all(world.rank != 0 || synth_write_shop(&self, &opt) == OK);
    for (int f = 0; f < FILES; f++)
        assert_all(world.rank != 0 || same_file(together, alone, files[f]));
    free(together);
    free(alone);
}

static void same_bytes_at_any_ranks(void **state)
{
    (void)state;
    check_ranks(SYNTH_LOGIT, 5000, 120, 52);
    check_ranks(SYNTH_SATURATING, 500, 20, 12);
    check_ranks(SYNTH_LOGIT, 1, 1, 1); /* over the shop that is there */
}

static char first_rows[4][128]; /* of users.csv, events.csv, offers.csv, truth/users.csv */

static void read_first_row(const char *folder, const char *name, char row[128])
{
    char path[512], skipped[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(skipped, sizeof skipped, file) == NULL ||
        fgets(row, 128, file) == NULL)
        abort();
    fclose(file);
}

/* What is written is what was drawn: parameters to the last digit, money in cents, times of the
 * calendar. */
static void rows_say_what_was_drawn(void **state)
{
    (void)state;
    char *folder = scratch_path("rows");
    struct synth_options opt = options_of(folder, 3, 20);
    struct synth_shop shop;
    struct synth_user user;
    char expected[128];
    assert_all(synth_write_shop(&world, &opt) == OK);
    assert_all(synth_shop_init(&shop, &opt) == OK);
    synth_user_make(&shop, 0, &user);
    read_first_row(folder, "users.csv", first_rows[0]);
    read_first_row(folder, "truth/users.csv", first_rows[3]);
    snprintf(expected, sizeof expected, "u0000000,%d,%d,%d,", user.age, user.income,
             user.household);
    assert_all(strncmp(first_rows[0], expected, strlen(expected)) == 0);
    snprintf(expected, sizeof expected, "u0000000,%d,%.4f,%.4f,%.4f,%.4f,%.4f\n", user.type,
             1e-4 * user.activity, 1e-4 * user.sensitivity, 1e-4 * user.residual,
             1e-4 * user.taste[0], 1e-4 * user.taste[1]);
    assert_all(strcmp(first_rows[3], expected) == 0);
    synth_shop_clear(&shop);
    free(folder);
}

static void days_and_numbers(void **state)
{
    (void)state;
    struct synth_options opt = options_of(NULL, 20000000, 100001);
    struct synth_format format;
    opt.weeks = 104;
    assert_all(synth_format_init(&format, &opt) == OK);
    assert_all(format.user_digits == 8 && format.product_digits == 6);
    assert_all(strcmp(format.day[0], "2021-01-02") == 0);
    assert_all(strcmp(format.day[730], "2023-01-02") == 0);
    assert_all(strcmp(format.day[730 + 423], "2024-02-29") == 0);
    assert_all(strcmp(format.day[730 + 727], "2024-12-29") == 0);
    synth_format_clear(&format);
}

/* ---- refusals ---- */

static void refuses_other_folders(void **state)
{
    (void)state;
    char *folder = scratch_path("mine");
    struct synth_options opt = options_of(folder, 5, 5);
    if (world.rank == 0) mkdir(folder, 0755);
    comm_barrier(&world);
    free(scratch_share("mine/letter.txt", "dear", 4));
    assert_all(synth_write_shop(&world, &opt) == ERR_WRITE);
    assert_all(strstr(status_message(), "letter.txt") != NULL);
    free(scratch_share("file", "", 0));
    free(folder);
    opt.directory = folder = scratch_path("file");
    assert_all(synth_write_shop(&world, &opt) == ERR_WRITE);
    free(folder);
}

static void refuses_options(void **state)
{
    (void)state;
    struct synth_options wrong[8];
    for (int i = 0; i < 8; i++) wrong[i] = options_of("never", 5, 5);
    wrong[0].users = 0;
    wrong[1].products = 2000000;
    wrong[2].events_per_user = 0;
    wrong[3].offers_per_user = -1;
    wrong[4].weeks = 521;
    wrong[5].randomised = NAN;
    wrong[6].seed = UINT64_MAX;
    wrong[7].form = SYNTH_FORMS;
    for (int i = 0; i < 8; i++) assert_all(synth_write_shop(&world, &wrong[i]) == ERR_ARG);
    assert_all(access("never", F_OK) != 0);
}

/* Whatever agreement fails on whatever rank: all ranks say so, and the folder is no whole shop. */
static void faults_reach_all(void **state)
{
    (void)state;
    char *folder = scratch_path("faulty"), *configuration = scratch_path("faulty/remise.yaml");
    struct synth_options opt = options_of(folder, 3, 5);
    comm_inject_fault(-1, 0);
    assert_all(synth_write_shop(&world, &opt) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k += world.ranks) {
        comm_inject_fault(k, (int)(k / world.ranks) % world.ranks);
        assert_all(synth_write_shop(&world, &opt) != OK);
        comm_inject_fault(-1, 0);
        /* the last agreements stand behind the rename of the last file */
        assert_all(k >= agreements - 2 || access(configuration, F_OK) != 0 || k < 2);
    }
    free(folder);
    free(configuration);
}

TEST_MAIN(cmocka_unit_test(formula_by_hand), cmocka_unit_test(saturation_by_hand),
          cmocka_unit_test(saturation_is_sane), cmocka_unit_test(best_level_by_hand),
          cmocka_unit_test(picks_by_weight), cmocka_unit_test(parameters_are_sane),
          cmocka_unit_test(one_level_for_all_loses), cmocka_unit_test(propensities_add_up),
          cmocka_unit_test(histories_are_sound),
          cmocka_unit_test_setup_teardown(same_bytes_at_any_ranks, start, stop),
          cmocka_unit_test_setup_teardown(rows_say_what_was_drawn, start, stop),
          cmocka_unit_test(days_and_numbers),
          cmocka_unit_test_setup_teardown(refuses_other_folders, start, stop),
          cmocka_unit_test(refuses_options),
          cmocka_unit_test_setup_teardown(faults_reach_all, start, stop))
