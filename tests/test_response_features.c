/* Inputs of the response network: finite, worked out by hand where it is simple, and blind to
 * everything that happened at or after the moment they describe, and to what came of offers. */
#include "tests/tiny_shop.h"

#include "jobs/response_features.h"

enum { DAY_SECONDS = 86400, MOMENT = 100 * DAY_SECONDS, ROOM = 64 };

/* Columns by the order of the list at the top of jobs/response_features.c. */
enum {
    PURCHASES = 0,
    RECENCY = 5,
    TENURE = 6,
    BROWSING = 7,
    OFFERS = 10,
    CATEGORY_BOUGHT = 13,
    CATEGORY_STANDING_KNOWN = 18,
    PRODUCT_BOUGHT = 19,
    PRODUCT_BROWSED = 20,
    PRODUCT_RECENCY = 21,
    PRICE = 22,
    MARGIN = 23,
    PRODUCT_LOOKS = 25,
    ELASTICITY = 30,
    BAKERY = 31,
    FRUIT = 32,
    AGE = 33,
    AGE_MISSING = 34
};

static struct response_moment moment_of(int64_t time)
{
    return (struct response_moment){time, false};
}

static void make_row(const struct response_context *context, int64_t row, int32_t product,
                     int64_t time, float *x)
{
    struct response_moment moment = moment_of(time);
    response_features(context, row, product, &moment, x);
}

static const struct tiny_product products[] = {
    {"apple", "fruit", 2.0, 1.0}, {"bread", "bakery", 3.0, 4.0}, {"pear", "fruit", 0.0, 0.0}};

/* Before, at and after the moment. */
static const struct tiny_event events[] = {{0, 10 * DAY_SECONDS, 0, EVENT_VIEW, 1000, 0, 0},
                                           {0, 40 * DAY_SECONDS, 0, EVENT_PURCHASE, 1000, 150, 200},
                                           {0, 60 * DAY_SECONDS, 2, EVENT_PURCHASE, 1000, 100, 100},
                                           {0, 90 * DAY_SECONDS, 1, EVENT_CART, 1000, 0, 0},
                                           {0, MOMENT, 0, EVENT_PURCHASE, 1000, 100, 200},
                                           {0, MOMENT + 1, 1, EVENT_PURCHASE, 1000, 300, 300},
                                           {0, 2 * MOMENT, 0, EVENT_VIEW, 1000, 0, 0},
                                           {1, MOMENT - 1, 0, EVENT_PURCHASE, 1000, 200, 200},
                                           {2, MOMENT + 5, 0, EVENT_PURCHASE, 1000, 200, 200},
                                           {3, 0, 0, EVENT_RETURN, 1000, 200, 200},
                                           {3, 1, 0, EVENT_RATING, 1000, 200, 200}};

static const struct tiny_offer offers[] = {
    {0, 20 * DAY_SECONDS, 0, 0.05f, 0.5f, OFFER_SHOWN | OFFER_REDEEMED, 150},
    {0, 30 * DAY_SECONDS, 1, 0.30f, 0.5f, OFFER_SHOWN, 0},
    {0, MOMENT, 0, 0.20f, 0.5f, OFFER_SHOWN | OFFER_REDEEMED, 100},
    {0, MOMENT + 9, 0, 0.20f, 0.5f, OFFER_SHOWN | OFFER_REDEEMED, 100},
    {2, MOMENT + 9, 2, 0.20f, 0.5f, OFFER_SHOWN, 0}};

static const float ages[] = {30, NAN, 41, 0, 22};

static const struct tiny_shop shop = {.users = 5,
                                      .products = 3,
                                      .events = sizeof events / sizeof *events,
                                      .offers = sizeof offers / sizeof *offers,
                                      .product = products,
                                      .event = events,
                                      .offer = offers,
                                      .age = ages};

/* Elasticities of "bakery" and "fruit"; the first is not known. */
static double shrunk[2] = {NAN, -2.5};
static const struct demand demand = {.category = {.units = 2, .shrunk = shrunk}};

static void open_context(struct dataset **d, struct response_context *context)
{
    *d = tiny_open(&world, &shop);
    assert_all(response_context_make(&world, *d, &demand, context) == OK);
    assert_all(context->columns == AGE_MISSING + 1);
}

static void close_context(struct dataset **d, struct response_context *context)
{
    response_context_clear(context);
    assert_all(context->product == NULL);
    dataset_free(d);
}

static void as_by_hand(void **state)
{
    (void)state;
    struct dataset *d = NULL;
    struct response_context context;
    float x[ROOM] = {0};
    open_context(&d, &context);
    int64_t row = tiny_row(d, 0);
    if (row >= 0) make_row(&context, row, 0, MOMENT, x);
    const struct {
        int column;
        double value;
    } expected[] = {{PURCHASES, log1p(1)}, /* the apple of day 40 came of the offer of day 20 */
                    {RECENCY, log1p(40)},
                    {TENURE, log1p(90)},
                    {BROWSING, log1p(2)},
                    {OFFERS, log1p(2)},
                    {CATEGORY_BOUGHT, log1p(1)},
                    {PRODUCT_BOUGHT, 0},
                    {PRODUCT_BROWSED, log1p(1)},
                    {PRODUCT_RECENCY, log1p(730)},
                    {PRICE, log(2.0)},
                    {MARGIN, 0.5},
                    {PRODUCT_LOOKS, log((2.0 + 1e-6) / 4.0)}, /* of 3, smoothed by one */
                    {ELASTICITY, -2.5},
                    {BAKERY, 0},
                    {FRUIT, 1},
                    {AGE, 30},
                    {AGE_MISSING, 0}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        float wanted = (float)expected[i].value;
        assert_close((double)(row < 0 ? wanted : x[expected[i].column]), (double)wanted, 1e-6);
    }
    close_context(&d, &context);
}

/* Events, three of them and the moment: what the user did last, the oldest first, but what came of
 * offers. Steps of purchase, browsing, recency, category, product, price, discount, there. */
static void sequence_by_hand(void **state)
{
    (void)state;
    enum { EVENTS = 4, CHANNELS = 8, VALUES = (EVENTS + 1) * CHANNELS };
    struct dataset *d = NULL;
    struct response_context context;
    static float x[VALUES + ROOM], plain[ROOM];
    open_context(&d, &context);
    int64_t row = tiny_row(d, 0), columns = context.columns, wrong = 0;
    if (row >= 0) make_row(&context, row, 0, MOMENT, plain);
    response_context_begin_with(&context, EVENTS);
    assert_all(context.columns == columns + VALUES);
    if (row >= 0) make_row(&context, row, 0, MOMENT, x);
    const double expected[EVENTS + 1][CHANNELS] = {
        {0},
        {0, 1.0 / 3, log1p(90) / 3, 1, 1, 0, 0, 1},    /* an apple seen on day 10 */
        {1, 0, log1p(40) / 3, 1, 0, log(0.005), 0, 1}, /* a pear bought, its price unknown */
        {0, 1, log1p(10) / 3, 0, 0, log(1.5), 0, 1},   /* bread put into the cart */
        {0, 0, 0, 1, 1, log(2.0) / 3, 0.5, -1}};
    for (int64_t k = 0; k < VALUES && row >= 0; k++) {
        double wanted = fmax(expected[k / CHANNELS][k % CHANNELS], -3.0);
        wrong += fabs((double)x[k] - wanted) > 1e-6;
    }
    for (int64_t j = 0; j < columns && row >= 0; j++) wrong += x[VALUES + j] != plain[j];
    assert_all(wrong == 0);
    close_context(&d, &context);
}

/* Totals of products are over all ranks, so that the whole row is the one a single rank makes. */
static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct dataset *d = NULL, *whole = tiny_open(&self, &shop);
    struct response_context context, alone;
    open_context(&d, &context);
    assert_all(response_context_make(&self, whole, &demand, &alone) == OK);
    bool same = true, finite = true;
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++)
        for (int32_t p = 0; p < 3; p++)
            for (int64_t time = 0; time <= 2 * MOMENT + 1; time += MOMENT / 4) {
                float x[ROOM] = {0}, y[ROOM] = {0};
                make_row(&context, u, p, time, x);
                make_row(&alone, d->users.blocks.row_first + u, p, time, y);
                same = same && memcmp(x, y, sizeof x) == 0;
                for (int64_t j = 0; j < context.columns; j++) finite = finite && isfinite(x[j]);
            }
    assert_all(same && finite);
    response_context_clear(&alone);
    dataset_free(&whole);
    close_context(&d, &context);
}

/* ---- no look into the future ---- */

/* Every event and offer from `first` to before `next` becomes another one at the same time. */
static void change(struct dataset *d, int64_t first, int64_t next)
{
    int64_t users = d->users.blocks.rows_local;
    for (int64_t e = 0; e < d->events.start[users]; e++) {
        if (d->events.time[e] < first || d->events.time[e] >= next) continue;
        d->events.kind[e] = d->events.kind[e] == EVENT_PURCHASE ? EVENT_VIEW : EVENT_PURCHASE;
        d->events.product[e] = (d->events.product[e] + 1) % 3;
        d->events.paid_cents[e] += 77;
        d->events.list_cents[e] += 99;
    }
    for (int64_t o = 0; o < d->offers.start[users]; o++) {
        if (d->offers.time[o] < first || d->offers.time[o] >= next) continue;
        d->offers.flags[o] ^= OFFER_REDEEMED;
        d->offers.product[o] = (d->offers.product[o] + 1) % 3;
        d->offers.discount[o] = 0.9f - d->offers.discount[o];
    }
}

/* How many of the rows of user 0 at the moment change with what is changed from first to next. */
static int64_t rows_changed(int64_t first, int64_t next)
{
    struct dataset *d = NULL;
    struct response_context context;
    float before[3][ROOM] = {{0}}, after[3][ROOM] = {{0}};
    int64_t changed = 0;
    open_context(&d, &context);
    int64_t row = tiny_row(d, 0);
    for (int32_t p = 0; p < 3 && row >= 0; p++) make_row(&context, row, p, MOMENT, before[p]);
    change(d, first, next);
    for (int32_t p = 0; p < 3 && row >= 0; p++) {
        make_row(&context, row, p, MOMENT, after[p]);
        changed += memcmp(before[p], after[p], sizeof before[p]) != 0;
    }
    comm_sum_int64(&world, &changed, 1);
    close_context(&d, &context);
    return changed;
}

static void the_future_is_not_seen(void **state)
{
    (void)state;
    assert_all(rows_changed(MOMENT, INT64_MAX) == 0);
    assert_all(rows_changed(MOMENT - 1, INT64_MAX) == 0); /* that is another user's */
    assert_all(rows_changed(0, MOMENT) == 3);
    assert_all(rows_changed(90 * DAY_SECONDS, MOMENT) == 3); /* the last event before it counts */
}

/* Whether offers were redeemed is not in the row; what the policy knew may be kept back. */
static void outcomes_are_not_seen(void **state)
{
    (void)state;
    struct dataset *d = NULL;
    struct response_context context;
    const struct response_moment now = {3 * MOMENT, false}, kept_back = {3 * MOMENT, true};
    float before[ROOM] = {0}, after[ROOM] = {0}, hidden[ROOM] = {0};
    open_context(&d, &context);
    int64_t row = tiny_row(d, 0);
    if (row >= 0) {
        response_features(&context, row, 0, &now, before);
        response_features(&context, row, 0, &kept_back, hidden);
        for (int64_t o = d->offers.start[row]; o < d->offers.start[row + 1]; o++)
            d->offers.flags[o] ^= OFFER_REDEEMED;
        response_features(&context, row, 0, &now, after);
    }
    assert_all(row < 0 || memcmp(before, after, sizeof before) == 0);
    assert_all(row < 0 || before[CATEGORY_STANDING_KNOWN] > 0.0f);
    assert_all(row < 0 || response_unknown(&context, before) < 1.0);
    assert_all(hidden[CATEGORY_STANDING_KNOWN] == 0.0f &&
               response_unknown(&context, hidden) == 1.0);
    close_context(&d, &context);
}

/* A user without a past, and one whose age is not known. */
static void strangers_have_a_row_too(void **state)
{
    (void)state;
    struct dataset *d = NULL;
    struct response_context context;
    open_context(&d, &context);
    for (int user = 1; user < 5; user++) {
        float x[ROOM] = {0};
        int64_t row = tiny_row(d, user);
        if (row < 0) x[AGE_MISSING] = user == 1;
        if (row >= 0) make_row(&context, row, 1, 0, x);
        assert_all(x[PURCHASES] == 0.0f && x[ELASTICITY] == 0.0f);
        assert_all(x[AGE_MISSING] == (user == 1 ? 1.0f : 0.0f));
    }
    close_context(&d, &context);
}

static void the_slope_that_demand_implies(void **state)
{
    (void)state;
    struct dataset *d = NULL;
    struct response_context context;
    open_context(&d, &context);
    assert_all(response_prior(&context, 0) == 2.5f); /* P' / P = b near P = 0 */
    assert_all(response_prior(&context, 1) == 0.0f); /* not known */
    shrunk[1] = 3.0;
    assert_all(response_prior(&context, 0) == 0.1f); /* never a demand that rises with the price */
    shrunk[1] = -2.5;
    close_context(&d, &context);
}

static void survives_faults(void **state)
{
    (void)state;
    struct dataset *d = tiny_open(&world, &shop);
    struct response_context context;
    comm_inject_fault(-1, 0);
    assert_all(response_context_make(&world, d, &demand, &context) == OK);
    response_context_clear(&context);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(response_context_make(&world, d, &demand, &context) == ERR_BUG);
            assert_all(context.product == NULL);
        }
    comm_inject_fault(-1, 0);
    dataset_free(&d);
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(sequence_by_hand),
          cmocka_unit_test(same_bits_on_any_ranks), cmocka_unit_test(the_future_is_not_seen),
          cmocka_unit_test(strangers_have_a_row_too), cmocka_unit_test(outcomes_are_not_seen),
          cmocka_unit_test(the_slope_that_demand_implies), cmocka_unit_test(survives_faults))
