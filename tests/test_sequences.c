/* Sequences of the last events: a shop worked out by hand; the same file from any ranks. */
#include "tests/folders.h"
#include "tests/tiny_shop.h"

#include "io/file.h"
#include "jobs/profiles.h"

#define DAYS(days, hours) ((int64_t)(days)*86400 + (hours)*3600)

/* Categories in order: bakery 0, fruit 1. */
static const struct tiny_product products[] = {{"apple", "fruit", 2.0, 1.0},
                                               {"bread", "bakery", 3.0, 1.0}};

static const struct tiny_event events[] = {{0, DAYS(-1, 0), 0, EVENT_VIEW, 1000, 0, 0},
                                           {0, DAYS(0, 12), 1, EVENT_PURCHASE, 1000, 300, 300},
                                           {0, DAYS(0, 12), 0, EVENT_PURCHASE, 1000, 200, 200},
                                           {0, DAYS(7, 12), 1, EVENT_RETURN, 1000, 300, 300},
                                           {1, DAYS(3, 0), 0, EVENT_RATING, 1000, 0, 0},
                                           {1, DAYS(3, 6), 1, EVENT_CART, 1000, 0, 0}};

/* User 2 never did anything. */
static const struct tiny_shop shop = {.users = 3,
                                      .products = 2,
                                      .events = sizeof events / sizeof *events,
                                      .product = products,
                                      .event = events};

enum { LENGTH = 3, NONE = EVENT_KINDS };

/* Of user 0 the first event is beyond the sequence, but the second counts its days from it. */
static const struct {
    int32_t category[LENGTH];
    uint8_t kind[LENGTH];
    double days[LENGTH];
} expected[] = {{{0, 1, 0}, {EVENT_PURCHASE, EVENT_PURCHASE, EVENT_RETURN}, {1.5, 0, 7}},
                {{-1, 1, 0}, {NONE, EVENT_RATING, EVENT_CART}, {0, 0, 0.25}},
                {{-1, -1, -1}, {NONE, NONE, NONE}, {0, 0, 0}}};

static void as_by_hand(void **state)
{
    (void)state;
    struct dataset *d = tiny_open(&world, &shop);
    struct sequences s;
    assert_all(sequences_make(d, LENGTH, 0, d->users.blocks.rows_local, &s) == OK);
    assert_all(s.users == d->users.blocks.rows_local && s.length == LENGTH);
    bool right = true;
    for (int64_t i = 0; i < s.users * LENGTH; i++) {
        int user = tiny_user(d, i / LENGTH), at = (int)(i % LENGTH);
        right = right && s.category[i] == expected[user].category[at];
        right = right && s.kind[i] == expected[user].kind[at];
        right = right && s.gap[i] == (float)log1p(expected[user].days[at]);
    }
    assert_all(right);
    sequences_clear(&s);
    assert_all(s.category == NULL);
    dataset_free(&d);
}

static void a_part_of_the_users(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct dataset *d = tiny_open(&self, &shop);
    struct sequences all, last, none;
    assert_all(sequences_make(d, 7, 0, 3, &all) == OK);
    assert_all(sequences_make(d, 7, 2, 1, &last) == OK);
    assert_all(sequences_make(d, 7, 0, 0, &none) == OK);
    assert_all(memcmp(last.category, all.category + 14, 7 * sizeof *all.category) == 0);
    assert_all(memcmp(last.kind, all.kind + 14, 7) == 0);
    assert_all(memcmp(last.gap, all.gap + 14, 7 * sizeof *all.gap) == 0);
    sequences_clear(&all);
    sequences_clear(&last);
    sequences_clear(&none);
    assert_all(sequences_make(d, 0, 0, 3, &all) == ERR_ARG && all.kind == NULL);
    dataset_free(&d);
}

/* ---- in profiles.h5 ---- */

/* Features do not matter here: one column, one segment. */
static enum status write_profiles(const struct comm *comm, const struct tiny_shop *from,
                                  const char *path, int64_t length)
{
    struct dataset *d = tiny_open(comm, from);
    struct features features = {0};
    struct profiles profiles = {.segments = 1};
    int64_t users = d->users.blocks.rows_local;
    if (features_make(comm, d, &features) != OK) abort();
    TINY_NEW(profiles.segment, users);
    TINY_NEW(profiles.centroid, features.columns);
    TINY_NEW(profiles.size, 1);
    TINY_NEW(profiles.mean, features.columns);
    TINY_NEW(profiles.sd, features.columns);
    enum status status = profiles_write(comm, path, d, &features, &profiles, length);
    profiles_clear(&profiles);
    features_clear(&features);
    dataset_free(&d);
    return status;
}

static void they_stand_in_the_file(void **state)
{
    (void)state;
    struct comm self = comm_self();
    char *path = scratch_path("profiles.h5");
    struct dataset *d = tiny_open(&self, &shop);
    struct sequences s;
    struct store *store = NULL;
    int32_t category[3 * LENGTH];
    uint8_t kind[3 * LENGTH];
    float gap[3 * LENGTH];
    assert_all(write_profiles(&world, &shop, path, LENGTH) == OK);
    assert_all(sequences_make(d, LENGTH, 0, 3, &s) == OK);
    assert_all(store_open(&world, path, &store) == OK);
    assert_all(store_read(&world, store, "sequences/category", STORE_I32, 0, 3, category) == OK);
    assert_all(store_read(&world, store, "sequences/kind", STORE_U8, 0, 3, kind) == OK);
    assert_all(store_read(&world, store, "sequences/gap", STORE_F32, 0, 3, gap) == OK);
    store_close(&world, &store);
    assert_all(memcmp(category, s.category, sizeof category) == 0);
    assert_all(memcmp(kind, s.kind, sizeof kind) == 0 && memcmp(gap, s.gap, sizeof gap) == 0);
    assert_all(write_profiles(&world, &shop, path, 0) == OK);
    assert_all(store_open(&world, path, &store) == OK);
    assert_all(store_rows(&world, store, "sequences/kind", NULL) == -1);
    store_close(&world, &store);
    sequences_clear(&s);
    dataset_free(&d);
    free(path);
}

/* 1,100 users with 1,024 places each take two pieces on one rank. */
static void same_bytes_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct tiny_shop many = shop;
    static const int64_t lengths[] = {1, 1024};
    char digest[2][SHA256_TEXT_BYTES];
    many.users = 1100;
    for (size_t l = 0; l < 2; l++) {
        char *path = scratch_path("all.h5"), *alone = scratch_path("one.h5");
        assert_all(write_profiles(&world, &many, path, lengths[l]) == OK);
        assert_all((world.rank == 0 ? write_profiles(&self, &many, alone, lengths[l]) : OK) == OK);
        assert_all(file_sha256(path, digest[0]) == OK && file_sha256(alone, digest[1]) == OK);
        assert_all(strcmp(digest[0], digest[1]) == 0);
        free(path);
        free(alone);
    }
}

static void survives_faults(void **state)
{
    (void)state;
    char *path = scratch_path("faults.h5");
    comm_inject_fault(-1, 0);
    assert_all(write_profiles(&world, &shop, path, 0) == OK);
    int64_t first = comm_agreements();
    comm_inject_fault(-1, 0);
    assert_all(write_profiles(&world, &shop, path, LENGTH) == OK);
    int64_t last = comm_agreements();
    assert_all(last > first + 20);
    for (int64_t k = first - 3; k < last; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(write_profiles(&world, &shop, path, LENGTH) == ERR_BUG);
    }
    comm_inject_fault(-1, 0);
    free(path);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(a_part_of_the_users),
          TEST(they_stand_in_the_file), TEST(same_bytes_on_any_ranks), TEST(survives_faults))
