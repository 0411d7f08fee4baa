/* Kinds of users: found by what they look at and are offered, blind to what came of offers. */
#include "tests/tiny_shop.h"

#include "jobs/demand_cells.h"
#include "jobs/response_classes.h"

enum { USERS = 120, EACH = 6, DAY_SECONDS = 86400, ROOM = LATENT_CLASSES_MAX + 1 };

static const struct tiny_product products[] = {
    {"apple", "fruit", 2.0, 1.0}, {"bread", "bakery", 3.0, 4.0}, {"soap", "house", 2.0, 1.0}};

static struct tiny_event events[USERS * EACH];
static struct tiny_offer offers[2 * USERS];
static struct tiny_shop shop = {.users = USERS,
                                .products = 3,
                                .events = USERS * EACH,
                                .offers = 2 * USERS,
                                .product = products,
                                .event = events,
                                .offer = offers};
static const int32_t columns[3] = {0, 1, 2}; /* bakery, fruit, house */

/* Even users look at fruit, which the policy of the past gave them deeper discounts of; odd ones at
 * what the house needs. */
static void fill(void)
{
    for (int u = 0; u < USERS; u++) {
        bool odd = u % 2 == 1;
        for (int i = 0; i < EACH; i++)
            events[u * EACH + i] = (struct tiny_event){
                u, (int64_t)i * DAY_SECONDS, i == u % EACH ? 1 : odd ? 2 : 0, EVENT_VIEW, 1000, 0,
                0};
        for (int i = 0; i < 2; i++)
            offers[2 * u + i] = (struct tiny_offer){u,
                                                    (int64_t)(i + 1) * DAY_SECONDS,
                                                    i == 0 ? 0 : 2,
                                                    (i == 0) == odd ? 0.05f : 0.3f,
                                                    0.8f,
                                                    OFFER_SHOWN,
                                                    0};
    }
}

struct fixture {
    struct dataset *dataset;
    struct response_policy policy;
    bool *personal;
    struct response_classes_source source;
};

static void open_fixture(const struct comm *comm, struct fixture *f)
{
    f->dataset = tiny_open(comm, &shop);
    assert_all(response_policy_make(comm, f->dataset, &f->policy) == OK);
    assert_all(demand_personal_mark(f->dataset, &f->personal, &(int64_t){0}) == OK);
    f->source = (struct response_classes_source){f->dataset, f->personal, &f->policy, columns, 3};
}

static void close_fixture(struct fixture *f)
{
    response_policy_clear(&f->policy);
    free(f->personal);
    dataset_free(&f->dataset);
}

/* The likeliest class of a user and the standing in a category. */
static int likeliest(const struct response_classes *classes, int64_t row, int32_t category,
                     bool hide, float *standing)
{
    float x[ROOM] = {0};
    int best = 0;
    response_classes_put(classes, row, category, hide, x);
    for (int c = 1; c < classes->classes; c++)
        if (x[c] > x[best]) best = c;
    *standing = x[classes->classes];
    return x[best] > 0.9f ? best : -1;
}

static void two_kinds(void **state)
{
    (void)state;
    struct fixture f, whole;
    struct comm self = comm_self();
    struct response_classes classes, alone;
    int64_t seen[2][2] = {{0}};
    fill();
    open_fixture(&world, &f);
    open_fixture(&self, &whole);
    assert_all(response_classes_make(&world, &f.source, &classes) == OK);
    assert_all(response_classes_make(&self, &whole.source, &alone) == OK);
    assert_all(classes.classes == 2 && response_classes_columns(&classes) == 3);
    assert_all(classes.model->icl == alone.model->icl);
    int64_t wrong = 0;
    for (int64_t u = 0; u < f.dataset->users.blocks.rows_local; u++) {
        float known = 0.0f, hidden = 0.0f;
        int kind = tiny_user(f.dataset, u) % 2;
        int class = likeliest(&classes, u, 1, false, &known);
        wrong += class < 0 || likeliest(&classes, u, 1, true, &hidden) != class;
        seen[kind][class == 1]++;
        /* what is kept back is made good by the class */
        wrong += (known > 0.0f) != (kind == 0) || (hidden > 0.0f) != (kind == 0);
    }
    comm_sum_int64(&world, &seen[0][0], 4);
    assert_all(wrong == 0);
    assert_all(seen[0][0] + seen[1][1] == USERS || seen[0][1] + seen[1][0] == USERS);
    response_classes_clear(&classes);
    response_classes_clear(&alone);
    close_fixture(&f);
    close_fixture(&whole);
}

/* Of two standings in a category the one is believed that is like the user's kind. */
static void doubts_are_settled(void **state)
{
    (void)state;
    struct fixture f;
    struct response_classes classes;
    int64_t wrong = 0, doubts = 0;
    fill();
    open_fixture(&world, &f);
    const struct offers *offered = &f.dataset->offers;
    int64_t users = f.dataset->users.blocks.rows_local;
    for (int64_t u = 0; u < users; u++)
        for (int64_t o = offered->start[u]; o < offered->start[u + 1]; o++) {
            if (offered->product[o] != 0 || tiny_user(f.dataset, u) % 5 != 0) continue;
            f.policy.high[o] = fabsf(f.policy.low[o]);
            f.policy.low[o] = -f.policy.high[o];
        }
    assert_all(response_classes_make(&world, &f.source, &classes) == OK && classes.classes == 2);
    for (int64_t u = 0; u < users; u++)
        for (int64_t o = offered->start[u]; o < offered->start[u + 1]; o++) {
            if (!response_policy_doubts(&f.policy, o)) continue;
            bool even = tiny_user(f.dataset, u) % 2 == 0;
            doubts++;
            wrong += (f.policy.standing[o] > 0.0f) != even || !(f.policy.weight[o] > 0.5f);
        }
    comm_sum_int64(&world, &doubts, 1);
    assert_all(doubts == USERS / 5 && wrong == 0);
    response_classes_clear(&classes);
    close_fixture(&f);
}

/* Whether offers were redeemed changes nothing, bit by bit; nor whether what was bought by one was
 * bought just before a look at the same product. */
static void outcomes_are_not_seen(void **state)
{
    (void)state;
    struct fixture f;
    struct response_classes before, after;
    fill();
    open_fixture(&world, &f);
    int64_t users = f.dataset->users.blocks.rows_local;
    for (int64_t u = 0; u < users; u++) f.personal[f.dataset->events.start[u] + 3] = true;
    assert_all(response_classes_make(&world, &f.source, &before) == OK);
    for (int64_t u = 0; u < users; u++) {
        int64_t look = f.dataset->events.start[u] + 4;
        f.dataset->events.time[look] = f.dataset->events.time[look - 1] + 60;
    }
    for (int64_t o = 0; o < f.dataset->offers.start[users]; o += 3)
        f.dataset->offers.flags[o] ^= OFFER_REDEEMED;
    assert_all(response_classes_make(&world, &f.source, &after) == OK);
    size_t bytes = (size_t)(users * before.classes) * sizeof(float);
    assert_all(after.classes == before.classes);
    assert_all(memcmp(after.chance, before.chance, bytes) == 0);
    assert_all(after.model->log_likelihood == before.model->log_likelihood);
    response_classes_clear(&before);
    response_classes_clear(&after);
    close_fixture(&f);
}

static void none(void **state)
{
    (void)state;
    struct fixture f;
    struct response_classes classes;
    float x[1] = {7.0f};
    fill();
    open_fixture(&world, &f);
    f.dataset->offers_total = 0;
    assert_all(response_classes_make(&world, &f.source, &classes) == OK);
    assert_all(classes.classes == 0 && response_classes_columns(&classes) == 0);
    if (f.dataset->users.blocks.rows_local > 0) response_classes_put(&classes, 0, 0, true, x);
    assert_all(x[0] == 7.0f);
    response_classes_clear(&classes);
    close_fixture(&f);
}

static void faults(void **state)
{
    (void)state;
    struct fixture f;
    struct response_classes classes;
    fill();
    open_fixture(&world, &f);
    comm_inject_fault(-1, 0);
    assert_all(response_classes_make(&world, &f.source, &classes) == OK);
    response_classes_clear(&classes);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k += 1 + k / 8) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(response_classes_make(&world, &f.source, &classes) == ERR_BUG);
        assert_all(classes.chance == NULL && classes.model == NULL);
    }
    comm_inject_fault(-1, 0);
    close_fixture(&f);
}

TEST_MAIN(cmocka_unit_test(two_kinds), cmocka_unit_test(doubts_are_settled),
          cmocka_unit_test(outcomes_are_not_seen), cmocka_unit_test(none), cmocka_unit_test(faults))
