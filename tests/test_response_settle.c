/* The line through what is said of past offers: found again where it was drawn, no line where too
 * few offers tell, and the same bits at any number of ranks. */
#include "tests/harness.h"

#include "jobs/response_settle.h"
#include "partition/random.h"

#include <string.h>

enum { USERS = 6000, SLOTS = 4 };

struct shop {
    struct dataset dataset;
    struct response_context context;
    struct response_ensemble ensemble; /* the dose is straight */
    struct response_effects effects;
    struct heldout heldout;
};

static double chance_of(double logit)
{
    return 1.0 / (1.0 + exp(-logit));
}

/* An offer at a curve of a in (-3, 1) and b in (0, 4); bought as shift + scale times it says. */
static void put_offer(struct shop *shop, int64_t slot, double shift, double scale)
{
    uint64_t entity = (uint64_t)(shop->dataset.users.blocks.row_first * SLOTS + slot);
    struct heldout *h = &shop->heldout;
    h->product[slot] = 0;
    h->discount[slot] = (float)(0.3 * random_uniform(7, RANDOM_TEST, entity, 0));
    h->a[slot] = (float)(4.0 * random_uniform(7, RANDOM_TEST, entity, 1) - 3.0);
    h->b[slot] = (float)(4.0 * random_uniform(7, RANDOM_TEST, entity, 2));
    double logit = (double)h->a[slot] + (double)h->b[slot] * (double)h->discount[slot];
    double u = random_uniform(7, RANDOM_TEST, entity, 3);
    h->bought[slot] = u < chance_of(shift + scale * logit);
}

/* The last slot of each user is left without an offer. */
static void open_shop(const struct comm *comm, struct shop *shop, int64_t users, double shift,
                      double scale)
{
    memset(shop, 0, sizeof *shop);
    shop->effects.scale = 1.0;
    shop->context.dataset = &shop->dataset;
    shop->heldout.every = 1;
    shop->heldout.slots = SLOTS;
    assert_all(blocks_cut(comm, users, 512, &shop->dataset.users.blocks) == OK);
    assert_all(heldout_reserve(&shop->dataset.users.blocks, &shop->heldout) == OK);
    for (int64_t slot = 0; slot < shop->heldout.users * SLOTS; slot++)
        if (slot % SLOTS != SLOTS - 1) put_offer(shop, slot, shift, scale);
}

static void close_shop(struct shop *shop)
{
    heldout_clear(&shop->heldout);
    blocks_clear(&shop->dataset.users.blocks);
}

static void settle(const struct comm *comm, struct shop *shop)
{
    assert_all(response_settle(comm, &shop->context, &shop->ensemble, &shop->heldout,
                               &shop->effects) == OK);
}

static void a_line_is_found(void **state)
{
    (void)state;
    struct shop shop;
    open_shop(&world, &shop, USERS, 0.3, 0.8);
    float before = world.rank == 0 ? shop.heldout.a[1] : 0.0f;
    float slope = world.rank == 0 ? shop.heldout.b[1] : 0.0f;
    settle(&world, &shop);
    /* 18,000 offers leave standard errors of about 0.02 */
    assert_close(shop.effects.scale, 0.8, 0.05);
    assert_close(shop.effects.shift, 0.3, 0.08);
    if (world.rank == 0) {
        before = (float)(shop.effects.shift + shop.effects.scale * (double)before);
        slope = (float)(shop.effects.scale * (double)slope);
    }
    assert_all(world.rank != 0 || (shop.heldout.a[1] == before && shop.heldout.b[1] == slope));
    close_shop(&shop);
}

/* As many are expected to buy as did. */
static void purchases_add_up(void **state)
{
    (void)state;
    struct shop shop;
    open_shop(&world, &shop, USERS, -0.2, 1.1);
    settle(&world, &shop);
    int64_t millionths[2] = {0, 0}; /* told, and so it was */
    const struct heldout *h = &shop.heldout;
    for (int64_t i = 0; i < h->users * SLOTS; i++) {
        if (h->product[i] < 0) continue;
        double told = chance_of((double)h->a[i] + (double)h->b[i] * (double)h->discount[i]);
        millionths[0] += llround(1e6 * told);
        millionths[1] += 1000000 * (int64_t)h->bought[i];
    }
    comm_sum_int64(&world, millionths, 2);
    /* short of it by what was believed before */
    assert_close((double)millionths[0] / (double)millionths[1], 1.0, 0.005);
    close_shop(&shop);
}

static void few_offers_change_little(void **state)
{
    (void)state;
    struct shop shop;
    open_shop(&world, &shop, 12, 0.5, 0.5); /* 36 offers */
    settle(&world, &shop);
    assert_close(shop.effects.scale, 1.0, 0.15);
    assert_close(shop.effects.shift, 0.0, 0.15);
    close_shop(&shop);
}

static void nothing_to_go_by(void **state)
{
    (void)state;
    struct shop shop;
    open_shop(&world, &shop, 100, 0.0, 1.0);
    int64_t slots = shop.heldout.users * SLOTS;
    for (int64_t i = 0; i < slots; i++) shop.heldout.bought[i] = 0;
    settle(&world, &shop);
    assert_all(shop.effects.shift == 0.0 && shop.effects.scale == 1.0);
    shop.heldout.slots = 0; /* as without an offers table */
    settle(&world, &shop);
    assert_all(shop.effects.shift == 0.0 && shop.effects.scale == 1.0);
    close_shop(&shop);
}

static void the_same_at_any_number_of_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct shop shared, whole;
    open_shop(&world, &shared, 1500, 0.1, 0.9);
    open_shop(&self, &whole, 1500, 0.1, 0.9);
    settle(&world, &shared);
    settle(&self, &whole);
    assert_all(shared.effects.scale != 1.0);
    assert_all(shared.effects.shift == whole.effects.shift);
    assert_all(shared.effects.scale == whole.effects.scale);
    close_shop(&shared);
    close_shop(&whole);
}

TEST_MAIN(cmocka_unit_test(a_line_is_found), cmocka_unit_test(purchases_add_up),
          cmocka_unit_test(few_offers_change_little), cmocka_unit_test(nothing_to_go_by),
          cmocka_unit_test(the_same_at_any_number_of_ranks))
