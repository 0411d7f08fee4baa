/* Lifetime value in the profile stage: the simulated customers as a shop against a golden; shops
 * that tell too little; the same bits at any number of ranks. */
#include "tests/tiny_shop.h"

#include "jobs/profile_lifetime.h"
#include "tests/lifetime_table.h"

enum { DAY_SECONDS = 86400, NOW = 20000, EVENTS_MAX = 1024 };

static const struct tiny_product products[] = {{"apple", "fruit", 2.0, 1.0}};
static struct tiny_event events[EVENTS_MAX];

static void buy(struct tiny_shop *shop, int user, int64_t day, int hour, int32_t cents)
{
    if (shop->events >= EVENTS_MAX) abort();
    events[shop->events++] = (struct tiny_event){
        user, day * DAY_SECONDS + hour * 3600, 0, EVENT_PURCHASE, 1000, cents, cents};
}

static void look(struct tiny_shop *shop, int user, int64_t day)
{
    events[shop->events++] =
        (struct tiny_event){user, day * DAY_SECONDS, 0, EVENT_VIEW, 1000, 0, 0};
}

static struct tiny_shop new_shop(int users)
{
    return (struct tiny_shop){.users = users, .products = 1, .product = products, .event = events};
}

/* The repeat purchases on the last days before the recency, each in two receipts; the first day is
 * worth something else. The last user only looks, on the day that is now. */
static struct tiny_shop simulated(void)
{
    struct tiny_shop shop = new_shop(CUSTOMERS + 1);
    for (int c = 0; c < CUSTOMERS; c++) {
        int x = (int)customers[c][0], recency = (int)customers[c][1], age = (int)customers[c][2];
        int32_t cents = (int32_t)lround(100.0 * customers[c][3]);
        buy(&shop, c, NOW - age, 1, 12345);
        buy(&shop, c, NOW - age, 23, 1);
        for (int i = x - 1; i >= 0 && recency > 0; i--) {
            buy(&shop, c, NOW - age + recency - i, 0, cents - cents / 3);
            buy(&shop, c, NOW - age + recency - i, 23, cents / 3);
        }
    }
    look(&shop, CUSTOMERS, NOW);
    return shop;
}

struct golden {
    int customer;
    double alive, expected, value, more;
};

/* tests/goldens/lifetime.py */
static const struct golden golden[] = {{0, 0.6398843725, 0.8860544241, 27.94529519, 23.40374489},
                                       {1, 0.0353357497, 0.0965142803, 2.89459941, 82.23703743},
                                       {2, 1.0000000000, 0.6077226023, 26.03538792, 15.44562645},
                                       {3, 0.7685600631, 5.5352417029, 318.38116613, 93.85012354},
                                       {30, 1.0, 0.8295474033, 35.53856374, 20.16133299},
                                       {48, 0.1384889230, 1.0459217435, 39.21721432, 242.34944970}};

/* What the first purchase of a new customer adds. */
#define FIRST_PURCHASE 144.66292808

static void as_textbook(void **state)
{
    (void)state;
    struct tiny_shop shop = simulated();
    struct dataset *d = tiny_open(&world, &shop);
    struct profile_lifetime l;
    assert_all(profile_lifetime_fit(&world, d, 90.0, 0, &l) == OK);
    assert_all(l.fitted && l.spend_fitted && l.customers == CUSTOMERS && l.repeaters == 50);
    assert_close(l.purchases.r, 0.77351209, 1e-6);
    assert_close(l.purchases.alpha, 6.99832866, 1e-5);
    assert_close(l.purchases.a, 1.24374526, 1e-5);
    assert_close(l.purchases.b, 3.36541367, 1e-5);
    assert_close(l.purchases.log_likelihood, -641.6940841614613, 1e-9);
    assert_close(l.spend.p, 1.96660144, 1e-5);
    assert_close(l.spend.q, 3.31933854, 1e-5);
    assert_close(l.spend.v, 50.52501558, 1e-3);
    assert_close(l.spend.log_likelihood, -231.65295627728938, 1e-9);
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const struct golden *g = &golden[i];
        int64_t row = tiny_row(d, g->customer);
        assert_close(row < 0 ? g->alive : l.alive[row], g->alive, 1e-6);
        assert_close(row < 0 ? g->expected : l.expected[row], g->expected, 1e-6);
        assert_close(row < 0 ? g->value : l.value[row], g->value, 1e-4);
        assert_close(row < 0 ? g->more : l.more[row], g->more, 1e-3);
    }
    int64_t row = tiny_row(d, CUSTOMERS); /* never bought */
    assert_all(row < 0 || (l.alive[row] == 0.0 && l.expected[row] == 0.0 && l.value[row] == 0.0));
    assert_close(row < 0 ? FIRST_PURCHASE : l.more[row], FIRST_PURCHASE, 1e-3);
    profile_lifetime_clear(&l);
    dataset_free(&d);
}

/* All finite and in range; *sum that of the values. */
static bool is_sound(const struct dataset *d, const struct profile_lifetime *l)
{
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++)
        if (!(l->alive[u] >= 0.0 && l->alive[u] <= 1.0 && l->expected[u] >= 0.0 &&
              isfinite(l->expected[u]) && l->value[u] >= 0.0 && isfinite(l->value[u])))
            return false;
    return true;
}

static struct dataset *fit_shop(const struct tiny_shop *shop, struct profile_lifetime *l)
{
    struct dataset *d = tiny_open(&world, shop);
    assert_all(profile_lifetime_fit(&world, d, 30.0, 0, l) == OK);
    assert_all(!l->fitted || is_sound(d, l));
    return d;
}

static void nobody_came_back(void **state)
{
    (void)state;
    struct profile_lifetime l;
    struct tiny_shop shop = new_shop(3);
    look(&shop, 0, NOW - 9);
    struct dataset *d = fit_shop(&shop, &l); /* nobody ever bought */
    assert_all(!l.fitted && l.customers == 0 && l.expected == NULL);
    dataset_free(&d);
    profile_lifetime_clear(&l);
    buy(&shop, 1, NOW - 9, 0, 100);
    buy(&shop, 1, NOW - 9, 23, 100); /* the same day again */
    buy(&shop, 2, NOW, 0, 100);
    d = fit_shop(&shop, &l);
    assert_all(!l.fitted && l.customers == 2 && l.repeaters == 0 && l.value == NULL);
    dataset_free(&d);
    profile_lifetime_clear(&l);
}

/* What a purchase of a user is taken to bring. */
static double worth(const struct dataset *d, const struct profile_lifetime *l, int user,
                    double elsewhere)
{
    int64_t row = tiny_row(d, user);
    return row < 0 ? elsewhere : l->value[row] / l->expected[row];
}

static void spend_without_a_model(void **state)
{
    (void)state;
    struct profile_lifetime l;
    struct tiny_shop shop = new_shop(12);
    for (int u = 0; u < 12; u++) /* all purchases alike; user 0 never came back */
        for (int i = 0; i <= u % 4; i++) buy(&shop, u, NOW - 40 + u + 3 * i, 0, 500);
    look(&shop, 0, NOW);
    struct dataset *d = fit_shop(&shop, &l);
    assert_all(l.fitted);
    for (int u = 0; u < 12; u++) assert_close(worth(d, &l, u, 5.0), 5.0, 1e-6);
    dataset_free(&d);
    profile_lifetime_clear(&l);

    shop = new_shop(1); /* one customer */
    buy(&shop, 0, NOW - 30, 0, 100);
    buy(&shop, 0, NOW - 20, 0, 700);
    buy(&shop, 0, NOW, 0, 900);
    d = fit_shop(&shop, &l);
    assert_all(l.fitted);
    assert_close(worth(d, &l, 0, 8.0), 8.0, 1e-6);
    dataset_free(&d);
    profile_lifetime_clear(&l);

    for (int64_t e = 0; e < shop.events; e++) events[e].paid_cents = 0; /* all for nothing */
    d = fit_shop(&shop, &l);
    assert_all(l.fitted && !l.spend_fitted && l.spend_mean == 0.0);
    dataset_free(&d);
    profile_lifetime_clear(&l);
}

/* Customers of one kind: likelihoods without a peak, or one at the end of the scale. */
static void customers_all_alike(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct profile_lifetime l;
        struct tiny_shop shop = new_shop(40);
        for (int u = 0; u < 40; u++)
            for (int i = 0; i <= (kind < 2 ? 5 : 1 + u % 2); i++)
                buy(&shop, u, NOW - 100 + (kind % 2 ? 20 : 1) * i, 0, 100 + (kind > 1 ? u * i : 0));
        look(&shop, 0, NOW);
        struct dataset *d = fit_shop(&shop, &l);
        assert_all(l.fitted && l.repeaters == 40);
        dataset_free(&d);
        profile_lifetime_clear(&l);
    }
}

/* Every rank has the whole shop to itself, too: its rows are the same to the bit. */
static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct tiny_shop shop = simulated();
    struct dataset *mine = tiny_open(&world, &shop), *whole = tiny_open(&self, &shop);
    struct profile_lifetime l, all;
    assert_all(profile_lifetime_fit(&world, mine, 90.0, 0, &l) == OK);
    assert_all(profile_lifetime_fit(&self, whole, 90.0, 0, &all) == OK);
    int64_t first = mine->users.blocks.row_first, rows = mine->users.blocks.rows_local;
    size_t bytes = (size_t)rows * sizeof *l.value;
    assert_all(memcmp(l.value, all.value + first, bytes) == 0);
    assert_all(memcmp(l.expected, all.expected + first, bytes) == 0);
    assert_all(memcmp(l.alive, all.alive + first, bytes) == 0);
    assert_all(memcmp(&l.purchases.r, &all.purchases.r, 5 * sizeof l.purchases.r) == 0);
    assert_all(memcmp(&l.spend.p, &all.spend.p, 4 * sizeof l.spend.p) == 0);
    profile_lifetime_clear(&l);
    profile_lifetime_clear(&all);
    dataset_free(&mine);
    dataset_free(&whole);
}

static void survives_faults(void **state)
{
    (void)state;
    struct tiny_shop shop = simulated();
    struct dataset *d = tiny_open(&world, &shop);
    struct profile_lifetime l;
    comm_inject_fault(-1, 0);
    assert_all(profile_lifetime_fit(&world, d, 90.0, 0, &l) == OK);
    profile_lifetime_clear(&l);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(profile_lifetime_fit(&world, d, 90.0, 0, &l) == ERR_BUG);
            profile_lifetime_clear(&l);
        }
    comm_inject_fault(-1, 0);
    dataset_free(&d);
}

TEST_MAIN(cmocka_unit_test(as_textbook), cmocka_unit_test(nobody_came_back),
          cmocka_unit_test(spend_without_a_model), cmocka_unit_test(customers_all_alike),
          cmocka_unit_test(same_bits_on_any_ranks), cmocka_unit_test(survives_faults))
