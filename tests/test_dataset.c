/* dataset.h5: written at one number of ranks and read at another, it is the same shop. */
#include "tests/folders.h"
#include "tests/tiny_shop.h"

#include "io/file.h"

static const struct tiny_product products[] = {{"apple", "fruit", 1.5, 1.0},
                                               {"bread", "", 3.0, 1.25},
                                               {"pear \"Conference\"", "fruit", 0.0, 0.0}};

static const struct tiny_event events[] = {{0, -5, 1, EVENT_VIEW, 1000, 0, 0},
                                           {0, 1000, 2, EVENT_PURCHASE, 1500, 290, 300},
                                           {0, 1000, 0, EVENT_RETURN, 1, 1, 1},
                                           {2, 50, 0, EVENT_PURCHASE, 2000000, 2100, 2147483647},
                                           {3, 7, 0, EVENT_CART, 1000, 0, 0},
                                           {3, 8, 0, EVENT_CLICK, 1000, 0, 0},
                                           {3, 9, 0, EVENT_RATING, 1000, 0, 0},
                                           {7, 500000000000, 1, EVENT_PURCHASE, 1, 1, 2},
                                           {7, 500000000001, 1, EVENT_PURCHASE, 1, 1, 2}};

static const struct tiny_offer offers[] = {
    {0, 20, 1, 0.1f, 0.25f, OFFER_SHOWN, 0},
    {7, 10, 1, 0.0f, NAN, OFFER_SHOWN | OFFER_CLICKED | OFFER_REDEEMED, 270},
    {7, 11, 0, 0.5f, 1.0f, 0, 0}};

static const float ages[] = {30, NAN, 41, 0, -1, 1e9f, 22.5f, 60};

static const struct tiny_shop shop = {.users = 8,
                                      .products = 3,
                                      .events = sizeof events / sizeof *events,
                                      .offers = sizeof offers / sizeof *offers,
                                      .product = products,
                                      .event = events,
                                      .offer = offers,
                                      .age = ages};

/* ---- comparing ---- */

#define SAME(a, b, count) (memcmp((a), (b), (size_t)(count) * sizeof *(a)) == 0)

static bool same_dictionary(const struct dictionary *a, const struct dictionary *b)
{
    if (a->count != b->count) return false;
    for (int64_t c = 0; c < a->count; c++)
        if (strcmp(dictionary_text(a, c), dictionary_text(b, c)) != 0) return false;
    return true;
}

static bool same_products(const struct products *a, const struct products *b)
{
    return a->count == b->count && same_dictionary(&a->id, &b->id) &&
           same_dictionary(&a->category, &b->category) && same_dictionary(&a->brand, &b->brand) &&
           SAME(a->category_code, b->category_code, a->count) &&
           SAME(a->brand_code, b->brand_code, a->count) &&
           SAME(a->list_price, b->list_price, a->count) &&
           SAME(a->unit_cost, b->unit_cost, a->count);
}

static bool same_events(const struct events *a, int64_t i, const struct events *b, int64_t j,
                        int64_t count)
{
    return SAME(a->product + i, b->product + j, count) && SAME(a->time + i, b->time + j, count) &&
           SAME(a->kind + i, b->kind + j, count) &&
           SAME(a->quantity_milli + i, b->quantity_milli + j, count) &&
           SAME(a->paid_cents + i, b->paid_cents + j, count) &&
           SAME(a->list_cents + i, b->list_cents + j, count);
}

static bool same_offers(const struct offers *a, int64_t i, const struct offers *b, int64_t j,
                        int64_t count)
{
    return SAME(a->product + i, b->product + j, count) && SAME(a->time + i, b->time + j, count) &&
           SAME(a->discount + i, b->discount + j, count) &&
           SAME(a->propensity + i, b->propensity + j, count) &&
           SAME(a->flags + i, b->flags + j, count) &&
           SAME(a->revenue_cents + i, b->revenue_cents + j, count);
}

/* The users of `mine` are those of `whole` from mine's first row on, with all they did. */
static bool same_users(const struct dataset *mine, const struct dataset *whole)
{
    int64_t first = mine->users.blocks.row_first;
    bool same = true;
    for (int64_t u = 0; u < mine->users.blocks.rows_local; u++) {
        int64_t e = mine->events.start[u], f = whole->events.start[first + u];
        int64_t o = mine->offers.start[u], p = whole->offers.start[first + u];
        int64_t did = mine->events.start[u + 1] - e, got = mine->offers.start[u + 1] - o;
        same = same && SAME(&mine->users.key[u], &whole->users.key[first + u], 1) &&
               tiny_user(mine, u) == tiny_user(whole, first + u) &&
               did == whole->events.start[first + u + 1] - f &&
               got == whole->offers.start[first + u + 1] - p &&
               same_events(&mine->events, e, &whole->events, f, did) &&
               same_offers(&mine->offers, o, &whole->offers, p, got) &&
               SAME(&mine->users.attribute[0].value[u], &whole->users.attribute[0].value[first + u],
                    1);
    }
    return same;
}

static bool same_blocks(const struct blocks *mine, const struct blocks *whole)
{
    bool same = mine->rows_total == whole->rows_total && mine->blocks_total == 64;
    for (int64_t b = 0; b <= mine->blocks_local; b++)
        same = same && mine->start[b] == whole->start[mine->block_first + b] - mine->row_first;
    return same && mine->start[mine->blocks_local] == mine->rows_local;
}

/* ---- the tests ---- */

static enum status write_shop(const struct comm *comm, const char *path)
{
    struct dataset *dataset = tiny_open(comm, &shop);
    enum status status = dataset_write(comm, path, dataset);
    dataset_free(&dataset);
    return status;
}

static void written_and_read_it_is_the_same(void **state)
{
    (void)state;
    struct comm self = comm_self();
    char *path = scratch_path("dataset.h5");
    struct dataset *whole = tiny_open(&self, &shop), *mine = NULL;
    assert_all(write_shop(&world, path) == OK);
    assert_all(dataset_read(&world, path, DATASET_ALL, &mine) == OK);
    assert_all(same_products(&mine->products, &whole->products));
    assert_all(same_blocks(&mine->users.blocks, &whole->users.blocks));
    assert_all(mine->users.attributes == 1 && mine->users.group.name == NULL);
    assert_all(strcmp(mine->users.attribute[0].name, "age") == 0);
    assert_all(mine->users.attribute[0].levels.count == 0);
    assert_all(same_users(mine, whole));
    assert_all(mine->events_total == shop.events && mine->offers_total == shop.offers);
    assert_all(mine->time_first == -5 && mine->time_last == 500000000001);
    int64_t rows = mine->users.blocks.rows_local;
    comm_sum_int64(&world, &rows, 1);
    assert_all(rows == shop.users && !mine->assumed_cost);
    dataset_free(&mine);
    assert_all(mine == NULL);
    dataset_free(&whole);
    free(path);
}

static void parts_come_alone(void **state)
{
    (void)state;
    char *path = scratch_path("dataset.h5");
    assert_all(write_shop(&world, path) == OK);
    for (int parts = 0; parts <= DATASET_ALL; parts++) {
        struct dataset *d = NULL;
        assert_all(dataset_read(&world, path, parts, &d) == OK);
        assert_all(d->products.count == 3 && d->users.key != NULL);
        assert_all((d->users.id != NULL) == ((parts & DATASET_USERS) != 0));
        assert_all((d->events.start != NULL) == ((parts & DATASET_EVENTS) != 0));
        assert_all((d->offers.start != NULL) == ((parts & DATASET_OFFERS) != 0));
        assert_all(d->events_total == shop.events);
        dataset_free(&d);
    }
    free(path);
}

/* Attributes with levels, and the protected group, which is not among them. */
static void levels_and_the_protected_group(void **state)
{
    (void)state;
    struct comm self = comm_self();
    char *path = scratch_path("levels.h5");
    struct dataset *d = tiny_open(&world, &shop), *read = NULL;
    struct text_set *set = text_set_new();
    text_set_code(set, "north", 5);
    text_set_code(set, "", 0);
    assert_all(dictionary_make(&self, set, &d->users.group.levels, NULL) == OK);
    text_set_free(&set);
    d->users.group.name = strdup("group");
    d->assumed_cost = true;
    TINY_NEW(d->users.group.value, d->users.blocks.rows_local);
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++)
        d->users.group.value[u] = (float)(tiny_user(d, u) % 2);
    assert_all(dataset_write(&world, path, d) == OK);
    assert_all(dataset_read(&world, path, DATASET_USERS, &read) == OK);
    assert_all(read->users.attributes == 1 && strcmp(read->users.group.name, "group") == 0);
    assert_all(same_dictionary(&read->users.group.levels, &d->users.group.levels));
    for (int64_t u = 0; u < read->users.blocks.rows_local; u++)
        if (read->users.group.value[u] != (float)(tiny_user(read, u) % 2)) abort();
    assert_all(read->assumed_cost);
    dataset_free(&d);
    dataset_free(&read);
    free(path);
}

/* Nobody was offered anything, and there are no attributes. */
static void a_bare_shop(void **state)
{
    (void)state;
    char *path = scratch_path("bare.h5");
    struct tiny_shop bare = shop;
    bare.offers = 0;
    bare.age = NULL;
    struct dataset *d = tiny_open(&world, &bare), *read = NULL;
    assert_all(dataset_write(&world, path, d) == OK);
    assert_all(dataset_read(&world, path, DATASET_ALL, &read) == OK);
    assert_all(read->offers_total == 0 && read->users.attributes == 0);
    assert_all(read->offers.start[read->users.blocks.rows_local] == 0);
    dataset_free(&d);
    dataset_free(&read);
    free(path);
}

static void same_bytes_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    char *path = scratch_path("all.h5"), *alone = scratch_path("one.h5");
    char digest[2][SHA256_TEXT_BYTES];
    assert_all(write_shop(&world, path) == OK);
    assert_all((world.rank == 0 ? write_shop(&self, alone) : OK) == OK);
    assert_all(file_sha256(path, digest[0]) == OK && file_sha256(alone, digest[1]) == OK);
    assert_all(strcmp(digest[0], digest[1]) == 0);
    free(path);
    free(alone);
}

static void survives_faults(void **state)
{
    (void)state;
    char *path = scratch_path("faults.h5");
    struct dataset *d = tiny_open(&world, &shop), *read = NULL;
    comm_inject_fault(-1, 0);
    assert_all(dataset_write(&world, path, d) == OK);
    int64_t writes = comm_agreements();
    comm_inject_fault(-1, 0);
    assert_all(dataset_read(&world, path, DATASET_ALL, &read) == OK);
    int64_t reads = comm_agreements();
    dataset_free(&read);
    assert_all(writes > 100 && reads > 50);
    for (int64_t k = 0; k < reads; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(dataset_read(&world, path, DATASET_ALL, &read) == ERR_BUG && read == NULL);
    }
    for (int64_t k = 0; k < writes; k += 11) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(dataset_write(&world, path, d) == ERR_BUG);
    }
    comm_inject_fault(-1, 0);
    assert_all(dataset_read(&world, path, DATASET_ALL, &read) == OK); /* the old one stands */
    dataset_free(&read);
    dataset_free(&d);
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

TEST_MAIN(TEST(written_and_read_it_is_the_same), TEST(parts_come_alone),
          TEST(levels_and_the_protected_group), TEST(a_bare_shop), TEST(same_bytes_on_any_ranks),
          TEST(survives_faults))
