/* Reference prices: the lowest of the window by hand, without what users saved by offers of their
 * own; the same on any ranks. */
#include "tests/tiny_shop.h"

#include "jobs/reference.h"

enum { DAY = 86400, WINDOW = 30 * DAY, END = 20000 * DAY };

static const struct tiny_product products[] = {{"apple", "fruit", 10.0, 1.0},
                                               {"bread", "bakery", 3.0, 1.0},
                                               {"pear", "fruit", 2.0, 1.0},
                                               {"soap", "", 5.0, 2.0}};

static const struct tiny_event events[] = {
    /* user 0: too early by a second, the first second of the window, a line of three */
    {0, END - WINDOW - 1, 0, EVENT_PURCHASE, 1000, 500, 1000},
    {0, END - WINDOW, 0, EVENT_PURCHASE, 1000, 900, 1000},
    {0, END - 20 * DAY, 1, EVENT_PURCHASE, 3000, 800, 900}, /* 2.67 each */
    {0, END - 1, 3, EVENT_RETURN, 1000, 100, 100},
    /* user 1: discounts of his own on apples, one of the same day; not on bread, not redeemed */
    {1, END - 10 * DAY + 5, 0, EVENT_PURCHASE, 1000, 700, 1000},
    {1, END - 9 * DAY, 1, EVENT_PURCHASE, 1000, 270, 300},
    {1, END - 8 * DAY, 3, EVENT_PURCHASE, 2000, 800, 1000},
    /* user 2: just after the window */
    {2, END, 0, EVENT_PURCHASE, 1000, 100, 1000},
    {2, END + 5, 3, EVENT_VIEW, 1000, 0, 0}};

static const struct tiny_offer offers[] = {
    {1, END - 10 * DAY + 900, 0, 0.3f, 0.5f, OFFER_SHOWN | OFFER_REDEEMED, 700},
    {1, END - 9 * DAY, 1, 0.1f, 0.5f, OFFER_SHOWN, 0},
    {1, END - 8 * DAY, 3, 0.0f, 0.5f, OFFER_SHOWN | OFFER_REDEEMED, 400}};

static const struct tiny_shop shop = {.users = 3,
                                      .products = 4,
                                      .events = sizeof events / sizeof *events,
                                      .offers = sizeof offers / sizeof *offers,
                                      .product = products,
                                      .event = events,
                                      .offer = offers};

static void find_beside(int64_t end_of_apples, const struct promotion *apart, int64_t *lowest)
{
    struct dataset *dataset = tiny_open(&world, &shop);
    const int64_t end[] = {end_of_apples, END, END, END};
    int64_t start[16] = {0}, goods = 4 + dataset->products.category.count;
    int32_t row[] = {0};
    for (int64_t g = apart != NULL ? apart->product : goods; g < goods; g++) start[g + 1] = 1;
    const struct running running = {.promotion = apart,
                                    .products = &dataset->products,
                                    .listed = apart != NULL,
                                    .row = row,
                                    .start = start};
    reference_lowest(dataset, end, WINDOW, &running, lowest);
    comm_min_int64(&world, lowest, 4);
    dataset_free(&dataset);
}

static void find(int64_t end_of_apples, int64_t *lowest)
{
    find_beside(end_of_apples, NULL, lowest);
}

static void lowest_of_the_window(void **state)
{
    (void)state;
    int64_t lowest[4];
    find(END, lowest);
    assert_all(lowest[0] == 900);       /* neither 5.00 nor 1.00, nor 7.00 of his own */
    assert_all(lowest[1] == 267);       /* 8.00 / 3 */
    assert_all(lowest[2] == INT64_MAX); /* never sold */
    assert_all(lowest[3] == 400);       /* an offer without a discount hides nothing */
}

/* What a promotion took off that was not for all is not the price to all, while it ran. */
static void promotions_apart(void **state)
{
    (void)state;
    int64_t lowest[4];
    struct promotion members = {.product = 1,
                                .category = -1,
                                .market = -1,
                                .segment = -1,
                                .audience = -1,
                                .start = END - 25 * DAY,
                                .end = END - 20 * DAY + 1,
                                .discount = 0.1};
    find_beside(END, &members, lowest);
    assert_all(lowest[0] == 900 && lowest[1] == 270); /* not 2.67: 3.00 before it */
    members.end--;
    find_beside(END, &members, lowest);
    assert_all(lowest[1] == 267);
}

/* Each product has a window of its own. */
static void windows_of_products(void **state)
{
    (void)state;
    int64_t lowest[4];
    find(END - 1 * DAY, lowest);
    assert_all(lowest[0] == 500 && lowest[1] == 267);
    find(END - WINDOW - 1, lowest);
    assert_all(lowest[0] == INT64_MAX && lowest[3] == 400);
}

TEST_MAIN(cmocka_unit_test(lowest_of_the_window), cmocka_unit_test(promotions_apart),
          cmocka_unit_test(windows_of_products))
