/* Standings of users with the policy of past discounts: those that propensities were made of are
 * found again. */
#include "tests/tiny_shop.h"

#include "jobs/response_policy.h"

enum { LEVELS = 3, FEW = 5, USERS = 80, OFFERS = 6 * USERS };

static const struct tiny_product products[] = {
    {"apple", "fruit", 2.0, 1.0}, {"bread", "bakery", 3.0, 2.0}, {"pear", "fruit", 2.0, 1.0}};
static const struct tiny_event events[] = {{0, 10, 0, EVENT_VIEW, 1000, 0, 0}};
static float ages[USERS];
static const double discounts[LEVELS] = {0.0, 0.1, 0.3};

/* Every level is given to a third of the offers: 0.133 is their mean, 0.0156 their variance. The
 * middle one is liked less, and a fifth of the offers are made blindly. */
static double chance(double standing, int level)
{
    double sum = 0.0, mean = 0.4 / 3.0, sd = sqrt(0.1 / 3.0 - mean * mean), share[LEVELS];
    for (int k = 0; k < LEVELS; k++)
        sum += share[k] = exp(standing * (discounts[k] - mean) / sd - (k == 1 ? 0.5 : 0.0));
    return 0.2 / LEVELS + 0.8 * share[level] / sum;
}

static double standing_of(int user, int32_t product)
{
    return 0.03 * (double)(user * 37 % USERS) - 1.2 + (product == 1 ? 0.7 : 0.0);
}

static struct tiny_offer offer[OFFERS];

/* Six offers to each user, two of each level: once bread, once fruit. */
static struct tiny_shop make_shop(int users, bool with_propensities)
{
    for (int i = 0; i < 6 * users; i++) {
        int user = i / 6;
        int level = i % 6 / 2;
        int32_t product = i % 2 ? 1 : level == 0 ? 0 : 2;
        double p = with_propensities ? chance(standing_of(user, product), level) : NAN;
        offer[i] = (struct tiny_offer){user,     100 + i,     product, (float)discounts[level],
                                       (float)p, OFFER_SHOWN, 0};
    }
    return (struct tiny_shop){.users = users,
                              .products = 3,
                              .events = 1,
                              .offers = 6 * users,
                              .product = products,
                              .event = events,
                              .offer = offer,
                              .age = ages};
}

static void standings_are_found_again(void **state)
{
    (void)state;
    struct tiny_shop shop = make_shop(USERS, true);
    struct dataset *d = tiny_open(&world, &shop);
    struct response_policy policy;
    double least = INFINITY, most = -INFINITY;
    bool sure = true;
    assert_all(response_policy_make(&world, d, &policy) == OK);
    for (int user = 0; user < USERS; user++) {
        int64_t row = tiny_row(d, user);
        for (int64_t o = row >= 0 ? d->offers.start[row] : 0;
             row >= 0 && o < d->offers.start[row + 1]; o++) {
            double wanted = standing_of(user, d->offers.product[o]);
            least = fmin(least, (double)policy.standing[o] - wanted);
            most = fmax(most, (double)policy.standing[o] - wanted);
            sure = sure && policy.weight[o] > 0.0f && policy.weight[o] <= 1.0f;
        }
    }
    assert_all(sure);
    comm_min_double(&world, &least, 1);
    comm_max_double(&world, &most, 1);
    assert_all(most - least < 5e-2); /* where nought is is nobody's business */
    assert_all(policy.within < 1e-4 && policy.by_category > 0.1 && policy.by_user > 0.1);
    response_policy_clear(&policy);
    dataset_free(&d);
}

static void nothing_is_known_without_propensities(void **state)
{
    (void)state;
    struct tiny_shop shop = make_shop(FEW, false);
    struct dataset *d = tiny_open(&world, &shop);
    struct response_policy policy;
    bool unknown = true;
    assert_all(response_policy_make(&world, d, &policy) == OK);
    for (int64_t o = 0; o < d->offers.start[d->users.blocks.rows_local]; o++)
        unknown = unknown && policy.weight[o] == 0.0f && policy.standing[o] == 0.0f;
    assert_all(unknown && policy.usual == 0.0);
    response_policy_clear(&policy);
    dataset_free(&d);
}

static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct tiny_shop shop = make_shop(USERS, true);
    struct dataset *d = tiny_open(&world, &shop), *whole = tiny_open(&self, &shop);
    struct response_policy policy, alone;
    assert_all(response_policy_make(&world, d, &policy) == OK);
    assert_all(response_policy_make(&self, whole, &alone) == OK);
    int64_t users = d->users.blocks.rows_local, first = d->users.blocks.row_first;
    int64_t from = whole->offers.start[first], count = d->offers.start[users];
    bool same =
        policy.usual == alone.usual &&
        memcmp(policy.standing, alone.standing + from, sizeof(float) * (size_t)count) == 0 &&
        memcmp(policy.weight, alone.weight + from, sizeof(float) * (size_t)count) == 0;
    assert_all(same);
    response_policy_clear(&policy);
    response_policy_clear(&alone);
    dataset_free(&d);
    dataset_free(&whole);
}

static void survives_faults(void **state)
{
    (void)state;
    struct tiny_shop shop = make_shop(FEW, true);
    struct dataset *d = tiny_open(&world, &shop);
    struct response_policy policy;
    comm_inject_fault(-1, 0);
    assert_all(response_policy_make(&world, d, &policy) == OK);
    response_policy_clear(&policy);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(response_policy_make(&world, d, &policy) == ERR_BUG);
            assert_all(policy.standing == NULL);
        }
    comm_inject_fault(-1, 0);
    dataset_free(&d);
}

TEST_MAIN(cmocka_unit_test(standings_are_found_again),
          cmocka_unit_test(nothing_is_known_without_propensities),
          cmocka_unit_test(same_bits_on_any_ranks), cmocka_unit_test(survives_faults))
