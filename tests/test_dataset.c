/* dataset.h5: written at one number of ranks and read at another, it is the same shop. */
#include "tests/folders.h"
#include "tests/tiny_file.h"

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

static const uint8_t promotion[] = {0, 1, 0, 1, 0, 0, 0, 0, 1};

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
                                      .promotion = promotion,
                                      .offer = offers,
                                      .age = ages};

/* Weeks in which something of a product was sold; that of product 1 never was. */
static const struct series_row series[] = {{0, -1, 1000, 100, 150},
                                           {0, 0, 2500, 375, 375},
                                           {0, 2922, INT64_C(9000000000000), 1, 2},
                                           {2, 5, 1, 0, 0}};
enum { SERIES = sizeof series / sizeof *series };

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
           SAME(a->list_cents + i, b->list_cents + j, count) &&
           SAME(a->promotion + i, b->promotion + j, count);
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

static bool same_series(const struct dataset *d)
{
    const struct series *s = &d->series;
    int64_t rows = s->start[s->products], at = 0;
    bool same = d->series_total == SERIES && s->product_first + s->products <= d->products.count;
    while (at < SERIES && series[at].product < s->product_first) at++;
    for (int64_t p = 0; p < s->products; p++)
        for (int64_t i = s->start[p]; i < s->start[p + 1]; i++, at++)
            same = same && series[at].product == s->product_first + p &&
                   series[at].week == s->week[i] &&
                   series[at].quantity_milli == s->quantity_milli[i] &&
                   series[at].paid_cents == s->paid_cents[i] &&
                   series[at].list_cents == s->list_cents[i];
    comm_sum_int64(&world, &rows, 1);
    return same && rows == SERIES;
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
    struct bring bring;
    bring_open(comm, &shop, series, SERIES, &bring);
    enum status status = dataset_write_parts(comm, path, &bring.parts);
    bring_close(&bring);
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
    assert_all(same_series(mine));
    int64_t products_held = mine->series.products;
    comm_sum_int64(&world, &products_held, 1);
    assert_all(products_held == shop.products);
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
        assert_all((d->users.attribute != NULL) == ((parts & DATASET_USERS) != 0));
        assert_all((d->events.start != NULL) == ((parts & DATASET_EVENTS) != 0));
        assert_all((d->offers.start != NULL) == ((parts & DATASET_OFFERS) != 0));
        assert_all((d->series.start != NULL) == ((parts & DATASET_SERIES) != 0));
        assert_all(d->events_total == shop.events);
        dataset_free(&d);
    }
    free(path);
}

/* Attributes with levels, and the protected group, which is not among them. */
static void levels_and_the_protected_group(void **state)
{
    (void)state;
    char *path = scratch_path("levels.h5");
    struct bring bring;
    struct dataset *read = NULL;
    bring_open(&world, &shop, series, SERIES, &bring);
    struct dataset *d = bring.mine;
    tiny_levels(&d->users.group.levels);
    d->users.group.name = strdup("group");
    TINY_NEW(d->users.group.value, d->users.blocks.rows_local);
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++)
        d->users.group.value[u] = (float)(tiny_user(d, u) % 2);
    bring.parts.assumed_cost = true;
    assert_all(dataset_write_parts(&world, path, &bring.parts) == OK);
    assert_all(dataset_read(&world, path, DATASET_USERS, &read) == OK);
    assert_all(read->users.attributes == 1 && strcmp(read->users.group.name, "group") == 0);
    assert_all(same_dictionary(&read->users.group.levels, &d->users.group.levels));
    for (int64_t u = 0; u < read->users.blocks.rows_local; u++)
        if (read->users.group.value[u] != (float)(tiny_user(read, u) % 2)) abort();
    assert_all(read->assumed_cost);
    dataset_free(&read);
    bring_close(&bring);
    free(path);
}

/* Names that would be paths, or names of other data sets, of the file. */
static void attributes_of_any_name(void **state)
{
    (void)state;
    static const char *const names[] = {"a/b",    ".", "a/b.levels",          "0",
                                        "../key", "",  "Gr\303\266\303\237e", "a/b"};
    enum { NAMES = sizeof names / sizeof *names };
    char *path = scratch_path("names.h5");
    struct bring bring;
    struct dataset *read = NULL;
    struct tiny_shop bare = shop;
    bare.age = NULL;
    bring_open(&world, &bare, series, SERIES, &bring);
    struct users *users = &bring.mine->users;
    TINY_NEW(users->attribute, NAMES);
    users->attributes = NAMES;
    for (int a = 0; a < NAMES; a++) {
        users->attribute[a].name = strdup(names[a]);
        tiny_levels(&users->attribute[a].levels);
        TINY_NEW(users->attribute[a].value, users->blocks.rows_local);
        for (int64_t u = 0; u < users->blocks.rows_local; u++)
            users->attribute[a].value[u] = (float)(100 * a + tiny_user(bring.mine, u));
    }
    assert_all(dataset_write_parts(&world, path, &bring.parts) == OK);
    assert_all(dataset_read(&world, path, DATASET_ALL, &read) == OK);
    assert_all(read->users.attributes == NAMES);
    for (int a = 0; a < NAMES; a++) {
        const struct attribute *attribute = &read->users.attribute[a];
        assert_all(strcmp(attribute->name, names[a]) == 0 && attribute->levels.count == 2);
        for (int64_t u = 0; u < read->users.blocks.rows_local; u++)
            if (attribute->value[u] != (float)(100 * a + tiny_user(read, u))) abort();
    }
    dataset_free(&read);
    bring_close(&bring);
    free(path);
}

/* Nobody was offered anything, nothing was sold, and there are no attributes. */
static void a_bare_shop(void **state)
{
    (void)state;
    char *path = scratch_path("bare.h5");
    struct tiny_shop bare = shop;
    struct bring bring;
    struct dataset *read = NULL;
    bare.offers = 0;
    bare.age = NULL;
    bare.promotion = NULL;
    bring_open(&world, &bare, series, SERIES, &bring);
    bring.parts.user_offers = NULL, bring.parts.offers = NULL;
    bring.parts.series = NULL, bring.parts.series_local = 0;
    assert_all(dataset_write_parts(&world, path, &bring.parts) == OK);
    assert_all(dataset_read(&world, path, DATASET_ALL, &read) == OK);
    assert_all(read->offers_total == 0 && read->users.attributes == 0 && read->series_total == 0);
    assert_all(read->offers.start[read->users.blocks.rows_local] == 0);
    assert_all(read->series.start[read->series.products] == 0 && read->events.promotion == NULL);
    dataset_free(&read);
    bring_close(&bring);
    free(path);
}

/* ---- more rows than a piece has ---- */

enum { MANY_EVENTS = 560000, EVENTS_EACH = MANY_EVENTS / 7 };

static struct event_row event_of(int64_t i)
{
    return (struct event_row){.time = i * 37,
                              .product = (int32_t)(i * 7919 % 3),
                              .quantity_milli = (int32_t)(i % 1000) + 1,
                              .paid_cents = (int32_t)(i ^ 0x5555),
                              .list_cents = (int32_t)i,
                              .kind = (uint8_t)(i % EVENT_KINDS)};
}

static enum status give_many(void *context, int64_t first, int64_t count, struct event_row *rows)
{
    const int64_t *from = context;
    for (int64_t i = 0; i < count; i++) rows[i] = event_of(*from + first + i);
    return OK;
}

/* Seven users share the events, the eighth has none; all are brought by the last rank, or by the
 * first and the last. */
static enum status write_many(const struct comm *comm, const char *path)
{
    struct bring bring;
    bring_open(comm, &shop, series, SERIES, &bring);
    struct dataset_parts *parts = &bring.parts;
    bool last = comm->rank == comm->ranks - 1, only = comm->ranks == 1;
    int64_t first = only || !last ? 0 : 1000, row = bring.mine->users.blocks.row_first;
    parts->events_local = only ? MANY_EVENTS : last ? MANY_EVENTS - 1000 : 0;
    if (comm->rank == 0 && !only) parts->events_local = 1000;
    for (int64_t u = 0; u < bring.mine->users.blocks.rows_local; u++)
        bring.counts[u] = row + u < 7 ? EVENTS_EACH : 0;
    parts->events = give_many;
    parts->context = &first;
    parts->offers_local = parts->series_local = 0;
    parts->user_offers = NULL;
    enum status status = dataset_write_parts(comm, path, parts);
    bring_close(&bring);
    return status;
}

static void many_pieces(void **state)
{
    (void)state;
    struct comm self = comm_self();
    char *path = scratch_path("many.h5"), *alone = scratch_path("one.h5");
    char digest[2][SHA256_TEXT_BYTES];
    struct dataset *d = NULL;
    assert_all(write_many(&world, path) == OK);
    assert_all((world.rank == 0 ? write_many(&self, alone) : OK) == OK);
    assert_all(file_sha256(path, digest[0]) == OK && file_sha256(alone, digest[1]) == OK);
    assert_all(strcmp(digest[0], digest[1]) == 0);
    assert_all(dataset_read(&world, path, DATASET_EVENTS, &d) == OK);
    const struct events *e = &d->events;
    int64_t rows = e->start[d->users.blocks.rows_local], first = comm_prefix_int64(&world, rows);
    bool same = d->events_total == MANY_EVENTS;
    for (int64_t i = 0; i < rows; i++) {
        struct event_row row = event_of(first + i);
        same = same && row.time == e->time[i] && row.product == e->product[i] &&
               row.quantity_milli == e->quantity_milli[i] && row.paid_cents == e->paid_cents[i] &&
               row.list_cents == e->list_cents[i] && row.kind == e->kind[i];
    }
    assert_all(same);
    dataset_free(&d);
    free(path);
    free(alone);
}

/* ---- what does not fit together ---- */

static enum status write_changed(const char *path, void (*change)(struct bring *bring))
{
    struct bring bring;
    bring_open(&world, &shop, series, SERIES, &bring);
    change(&bring);
    enum status status = dataset_write_parts(&world, path, &bring.parts);
    bring_close(&bring);
    return status;
}

static void an_event_less(struct bring *bring)
{
    bring->parts.events_local -= bring->last;
}

static void a_user_with_more_offers(struct bring *bring)
{
    const struct blocks *blocks = &bring->mine->users.blocks;
    if (blocks->rows_local > 0 && blocks->row_first == 0) bring->counts[blocks->rows_local]++;
}

static void users_out_of_order(struct bring *bring)
{
    const struct users *users = &bring->mine->users;
    if (users->blocks.rows_local > 1) users->key[1] = users->key[0];
}

static void an_event_that_fails(struct bring *bring)
{
    bring->source.fail_at = shop.events - 1;
}

static void a_strange_product(struct bring *bring)
{
    if (bring->last) bring->whole->events.product[shop.events - 1] = 3;
}

static void series_out_of_order(struct bring *bring)
{
    bring->parts.series_local = bring->last ? SERIES : 0;
    bring->source.series = 0;
    bring->source.backwards = true;
}

static void parts_must_agree(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct bring *bring);
        enum status status;
        const char *says;
    } faults[] = {{an_event_less, ERR_BUG, "-1 events and 0 offers too many"},
                  {a_user_with_more_offers, ERR_BUG, "0 events and -1 offers too many"},
                  {users_out_of_order, ERR_BUG, "users out of order"},
                  {an_event_that_fails, ERR_IO, "event 8 is gone"},
                  {a_strange_product, ERR_BUG, "events/product: there is no product 3"},
                  {series_out_of_order, ERR_BUG, "series/product: 0 comes after 2"}};
    char *path = scratch_path("faulty.h5");
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        assert_all(write_changed(path, faults[f].change) == faults[f].status);
        assert_all(strstr(status_message(), faults[f].says) != NULL);
        assert_all(access(path, F_OK) != 0);
    }
    free(path);
}

static void an_older_file_is_refused(void **state)
{
    (void)state;
    const struct store_column facts = {"facts", STORE_I64, 3, "", "as there were before"};
    const int64_t values[3] = {0, 1, 0};
    char *path = scratch_path("old.h5");
    struct store *store = NULL;
    struct dataset *read = NULL;
    assert_all(store_create(&world, path, &store) == OK);
    assert_all(store_write(&world, store, &facts, values, world.rank == 0) == OK);
    assert_all(store_commit(&world, &store) == OK);
    assert_all(dataset_read(&world, path, 0, &read) == ERR_IO && read == NULL);
    assert_all(strstr(status_message(), "run `remise ingest --force`") != NULL);
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
    struct bring bring;
    struct dataset *read = NULL;
    bring_open(&world, &shop, series, SERIES, &bring);
    comm_inject_fault(-1, 0);
    assert_all(dataset_write_parts(&world, path, &bring.parts) == OK);
    int64_t writes = comm_agreements();
    comm_inject_fault(-1, 0);
    assert_all(dataset_read(&world, path, DATASET_ALL, &read) == OK);
    int64_t reads = comm_agreements();
    dataset_free(&read);
    assert_all(writes > 100 && reads > 50);
    for (int64_t k = 0; k < reads; k += k < 12 || k > reads - 3 ? 1 : 3) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(dataset_read(&world, path, DATASET_ALL, &read) == ERR_BUG && read == NULL);
    }
    for (int64_t k = 0; k < writes; k += 17) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(dataset_write_parts(&world, path, &bring.parts) == ERR_BUG);
    }
    comm_inject_fault(-1, 0);
    assert_all(dataset_read(&world, path, DATASET_ALL, &read) == OK); /* the old one stands */
    dataset_free(&read);
    bring_close(&bring);
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
          TEST(levels_and_the_protected_group), TEST(attributes_of_any_name), TEST(a_bare_shop),
          TEST(many_pieces), TEST(parts_must_agree), TEST(an_older_file_is_refused),
          TEST(same_bytes_on_any_ranks), TEST(survives_faults))
