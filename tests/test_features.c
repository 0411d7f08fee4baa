/* Features of users: a shop whose numbers are worked out by hand; the same bits on any ranks. */
#include "tests/tiny_shop.h"

#include "jobs/features.h"

enum { DAY_SECONDS = 86400 };

#define DATE(days, hours) ((int64_t)(days)*DAY_SECONDS + (hours)*3600)

/* 2025-01-01 is day 20089, 2025-04-01 day 20179, 2025-07-01 day 20270, 2025-10-01 day 20362. */
static const struct tiny_product products[] = {{"apple", "fruit", 2.0, 1.0},
                                               {"bread", "bakery", 3.0, 1.0},
                                               {"pear", "fruit", 2.0, 1.0},
                                               {"soap", "", 5.0, 2.0}};

static const struct tiny_event events[] = {
    /* user 0: a basket of two lines on March 31 (Q1), one of one on April 1 (Q2), and browsing */
    {0, DATE(20089, 0), 3, EVENT_VIEW, 1000, 0, 0},
    {0, DATE(20178, 23), 0, EVENT_PURCHASE, 2000, 300, 400},
    {0, DATE(20178, 23), 1, EVENT_PURCHASE, 1000, 300, 300},
    {0, DATE(20179, 0), 2, EVENT_PURCHASE, 1000, 200, 200},
    {0, DATE(20180, 0), 2, EVENT_CART, 1000, 0, 0},
    {0, DATE(20181, 0), 2, EVENT_RETURN, 1000, 200, 200},
    {0, DATE(20182, 0), 2, EVENT_RATING, 1000, 0, 0},
    /* user 1 bought once, at the end of the window */
    {1, DATE(20362, 0), 3, EVENT_PURCHASE, 1000, 100, 500},
    /* user 2 only looks; user 3 never came */
    {2, DATE(20089, 0), 0, EVENT_VIEW, 1000, 0, 0},
    {2, DATE(20100, 0), 0, EVENT_CLICK, 1000, 0, 0}};

static const struct tiny_shop shop = {.users = 4,
                                      .products = 4,
                                      .events = sizeof events / sizeof *events,
                                      .product = products,
                                      .event = events};

enum { PLAIN = 9, CATEGORIES = 3, COLUMNS = PLAIN + CATEGORIES + 4 };

static const char *const names[COLUMNS] = {
    "recency",   "frequency",      "spend",           "basket",
    "variety",   "discount_share", "discount_depth",  "browse_to_buy",
    "tenure",    "category:fruit", "category:bakery", "category:",
    "season:Q1", "season:Q2",      "season:Q3",       "season:Q4"};

/* The window ends on day 20362. User 0: 273 days in the shop, 9.1 months; 8.00 paid of 9.00 list in
 * two baskets, one line of three below list; 3 of 5 (return and rating do not count) are purchases.
 * User 1: no time in the shop counts as 30 days. User 2: 273 days, none with a purchase. */
#define MONTHS (273.0 / 30.0)
static const double expected[4][COLUMNS] = {{183.0, 2 / MONTHS, 8 / MONTHS, 4, 2, 1 / 3.0, 1 / 9.0,
                                             3 / 5.0, 273, 5 / 8.0, 3 / 8.0, 0, 6 / 8.0, 2 / 8.0, 0,
                                             0},
                                            {0, 1, 1, 1, 1, 1, 4 / 5.0, 1, 0, 0, 0, 1, 0, 0, 0, 1},
                                            {273, 0, 0, 0, 0, 0, 0, 0, 273, 0, 0, 0, 0, 0, 0, 0},
                                            {273, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};

static bool is_log(int column)
{
    return column < 5 || column == 8;
}

static void as_by_hand(void **state)
{
    (void)state;
    struct dataset *d = tiny_open(&world, &shop);
    struct features f;
    assert_all(features_make(&world, d, &f) == OK);
    assert_all(f.columns == COLUMNS);
    for (int j = 0; j < COLUMNS; j++)
        assert_all(strcmp(dictionary_text(&f.names, j), names[j]) == 0);
    for (int user = 0; user < 4; user++)
        for (int j = 0; j < COLUMNS; j++) {
            int64_t row = tiny_row(d, user);
            double wanted = is_log(j) ? log1p(expected[user][j]) : expected[user][j];
            double got = row < 0 ? wanted : f.x[row * COLUMNS + j];
            if (fabs(got - wanted) > 1e-12) printf("user %d, %s\n", user, names[j]);
            assert_close(got, wanted, 1e-12);
        }
    features_clear(&f);
    assert_all(f.x == NULL);
    dataset_free(&d);
}

/* Categories stand in the order of what was paid, equal ones in that of their names; of more than
 * twelve the smallest are left out. */
static void the_largest_categories(void **state)
{
    (void)state;
    enum { MANY = 15 };
    static char text[MANY][4];
    struct tiny_product product[MANY];
    struct tiny_event event[MANY];
    for (int p = 0; p < MANY; p++) {
        snprintf(text[p], sizeof text[p], "%c", 'a' + p);
        product[p] = (struct tiny_product){text[p], text[p], 1.0, 0.5};
        int32_t cents = p == 4 ? 900 : p == 9 ? 1 : 100;
        event[p] = (struct tiny_event){p % 4, 10 * p, p, EVENT_PURCHASE, 1000, cents, cents};
    }
    struct tiny_shop many = {.users = 4, .products = MANY, .events = MANY};
    many.product = product;
    many.event = event;
    struct dataset *d = tiny_open(&world, &many);
    struct features f;
    assert_all(features_make(&world, d, &f) == OK);
    assert_all(f.columns == PLAIN + FEATURE_CATEGORIES + 4);
    static const char order[] = "eabcdfghiklm"; /* j has 1 cent; n and o come too late */
    for (int c = 0; c < FEATURE_CATEGORIES; c++) {
        char wanted[16];
        snprintf(wanted, sizeof wanted, "category:%c", order[c]);
        assert_all(strcmp(dictionary_text(&f.names, PLAIN + c), wanted) == 0);
    }
    features_clear(&f);
    dataset_free(&d);
}

/* Ends of quarters, also before 1970 and on a leap day. */
static void seasons(void **state)
{
    (void)state;
    static const struct {
        int64_t time;
        int quarter;
    } at[] = {{-1, 3},                 /* 1969-12-31 */
              {0, 0},                  /* 1970-01-01 */
              {DATE(-92, 0), 3},       /* 1969-10-01 */
              {DATE(-92, 0) - 1, 2},   /* 1969-09-30 */
              {DATE(19782, 0), 0},     /* 2024-02-29 */
              {DATE(19813, 23), 0},    /* 2024-03-31 */
              {DATE(19814, 0), 1},     /* 2024-04-01 */
              {DATE(20270, 0) - 1, 1}, /* 2025-06-30 */
              {DATE(20270, 0), 2},     /* 2025-07-01 */
              {DATE(20362, 0) - 1, 2}, /* 2025-09-30 */
              {DATE(20453, 23), 3}};   /* 2025-12-31 */
    enum { USERS = sizeof at / sizeof *at };
    struct tiny_event event[USERS];
    for (int u = 0; u < USERS; u++)
        event[u] = (struct tiny_event){u, at[u].time, 0, EVENT_PURCHASE, 1000, 100, 100};
    struct tiny_shop calendar = {.users = USERS, .products = 4, .events = USERS};
    calendar.product = products;
    calendar.event = event;
    struct dataset *d = tiny_open(&world, &calendar);
    struct features f;
    assert_all(features_make(&world, d, &f) == OK);
    bool right = true;
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++)
        for (int q = 0; q < 4; q++)
            right = right && f.x[u * f.columns + f.columns - 4 + q] ==
                                 (at[tiny_user(d, u)].quarter == q ? 1.0 : 0.0);
    assert_all(right);
    features_clear(&f);
    dataset_free(&d);
}

/* Every rank has the whole shop to itself, too: its rows are the same to the bit. */
static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct dataset *mine = tiny_open(&world, &shop), *whole = tiny_open(&self, &shop);
    struct features f, all;
    assert_all(features_make(&world, mine, &f) == OK);
    assert_all(features_make(&self, whole, &all) == OK);
    int64_t first = mine->users.blocks.row_first, rows = mine->users.blocks.rows_local;
    assert_all(memcmp(f.x, all.x + first * COLUMNS, (size_t)(rows * COLUMNS) * sizeof *f.x) == 0);
    features_clear(&f);
    features_clear(&all);
    dataset_free(&mine);
    dataset_free(&whole);
}

static void survives_faults(void **state)
{
    (void)state;
    struct dataset *d = tiny_open(&world, &shop);
    struct features f;
    comm_inject_fault(-1, 0);
    assert_all(features_make(&world, d, &f) == OK);
    features_clear(&f);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(features_make(&world, d, &f) == ERR_BUG && f.x == NULL);
        }
    comm_inject_fault(-1, 0);
    dataset_free(&d);
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(the_largest_categories),
          cmocka_unit_test(seasons), cmocka_unit_test(same_bits_on_any_ranks),
          cmocka_unit_test(survives_faults))
