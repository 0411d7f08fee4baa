/**
 * A shop small enough to be written down in a test, as ingest would have left it in memory: users
 * at their owners, their events and offers in order.
 */
#ifndef REMISE_TESTS_TINY_SHOP_H
#define REMISE_TESTS_TINY_SHOP_H

#include "tests/harness.h"

#include "io/dataset.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

struct tiny_event {
    int user;
    int64_t time;
    int32_t product;
    enum event_kind kind;
    int32_t quantity_milli, paid_cents, list_cents;
};

struct tiny_offer {
    int user;
    int64_t time;
    int32_t product;
    float discount, propensity;
    unsigned flags;
    int32_t revenue_cents;
};

struct tiny_product {
    const char *id, *category; /* ids ascending */
    double list_price, unit_cost;
};

struct tiny_shop {
    int users; /* their ids are their numbers, "0" and up; at most TINY_USERS */
    int64_t products, events, offers;
    const struct tiny_product *product;
    const struct tiny_event *event;
    const uint8_t *promotion; /* [events] or NULL */ /* those of one user ascending in time */
    const struct tiny_offer *offer;                  /* likewise */
    const float *age;                                /* [users] the one attribute, or NULL */
};

enum { TINY_USERS = 4096, TINY_BITS = 6 };

#define TINY_NEW(to, count)                                          \
    do {                                                             \
        if (memory_new(&(to), (count), sizeof *(to)) != OK) abort(); \
    } while (0)

static inline struct user_key tiny_key(int user)
{
    static struct user_key known[TINY_USERS];
    unsigned char secret[USER_SECRET_BYTES] = {7};
    char id[16];
    if (user >= TINY_USERS) abort();
    if (known[user].high == 0)
        known[user] = user_key_of(secret, id, (size_t)snprintf(id, sizeof id, "%d", user));
    return known[user];
}

static inline int tiny_compare(const void *a, const void *b)
{
    return user_key_compare(tiny_key(*(const int *)a), tiny_key(*(const int *)b));
}

/* Number of the user in a local row. */
static inline int tiny_user(const struct dataset *dataset, int64_t row)
{
    int user = 0;
    while (user_key_compare(tiny_key(user), dataset->users.key[row]) != 0) user++;
    return user;
}

/* Local row of a user, -1 where another rank has it. */
static inline int64_t tiny_row(const struct dataset *dataset, int user)
{
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++)
        if (tiny_user(dataset, u) == user) return u;
    return -1;
}

static inline void tiny_dictionary(const struct comm *comm, const struct tiny_shop *shop,
                                   bool category, struct dictionary *out, int32_t *codes)
{
    struct text_set *set = text_set_new();
    int64_t *final = NULL;
    for (int64_t p = 0; p < shop->products; p++) {
        const char *text = category ? shop->product[p].category : shop->product[p].id;
        codes[p] = (int32_t)text_set_code(set, text, strlen(text));
    }
    if (dictionary_make(comm, set, out, &final) != OK) abort();
    for (int64_t p = 0; p < shop->products; p++) codes[p] = (int32_t) final[codes[p]];
    text_set_free(&set);
    free(final);
}

static inline void tiny_products(const struct comm *comm, const struct tiny_shop *shop,
                                 struct products *p)
{
    p->count = shop->products;
    TINY_NEW(p->category_code, p->count);
    TINY_NEW(p->brand_code, p->count);
    TINY_NEW(p->list_price, p->count);
    TINY_NEW(p->unit_cost, p->count);
    tiny_dictionary(comm, shop, false, &p->id, p->brand_code);
    tiny_dictionary(comm, shop, true, &p->category, p->category_code);
    struct text_set *none = text_set_new();
    text_set_code(none, "", 0);
    if (dictionary_make(comm, none, &p->brand, NULL) != OK) abort();
    text_set_free(&none);
    for (int64_t i = 0; i < p->count; i++) {
        p->brand_code[i] = 0;
        p->list_price[i] = shop->product[i].list_price;
        p->unit_cost[i] = shop->product[i].unit_cost;
    }
}

/* Users in the order of keys, cut into blocks and those among the ranks by their number. */
static inline void tiny_users(const struct comm *comm, const struct tiny_shop *shop,
                              struct users *users)
{
    int64_t weight[1 << TINY_BITS] = {0}, at = 0;
    int *order = NULL;
    struct user_cut cut;
    struct blocks *b = &users->blocks;
    TINY_NEW(order, shop->users);
    for (int u = 0; u < shop->users; u++) order[u] = u;
    qsort(order, (size_t)shop->users, sizeof *order, tiny_compare);
    for (int u = 0; u < shop->users && comm->rank == 0; u++)
        weight[user_block(tiny_key(u), TINY_BITS)]++;
    if (user_cut_make(comm, TINY_BITS, weight, &cut) != OK) abort();
    int64_t first = cut.rank_first[comm->rank], next = cut.rank_first[comm->rank + 1];
    *b = (struct blocks){.rows_total = shop->users,
                         .blocks_total = 1 << TINY_BITS,
                         .block_first = first,
                         .blocks_local = next - first};
    TINY_NEW(b->start, b->blocks_local + 1);
    TINY_NEW(users->key, shop->users);
    for (int i = 0; i < shop->users; i++) {
        struct user_key key = tiny_key(order[i]);
        int64_t block = user_block(key, TINY_BITS);
        b->row_first += block < first;
        if (block < first || block >= next) continue;
        users->key[at++] = key;
        b->start[block - first + 1] = at;
    }
    for (int64_t i = 0; i < b->blocks_local; i++)
        if (b->start[i + 1] < b->start[i]) b->start[i + 1] = b->start[i];
    b->rows_local = at;
    user_cut_clear(&cut);
    free(order);
}

static inline void tiny_attribute(const struct tiny_shop *shop, struct dataset *d)
{
    if (shop->age == NULL) return;
    d->users.attributes = 1;
    TINY_NEW(d->users.attribute, 1);
    struct attribute *age = &d->users.attribute[0];
    age->name = strdup("age");
    TINY_NEW(age->levels.start, 1);
    TINY_NEW(age->levels.text, 1);
    TINY_NEW(age->value, d->users.blocks.rows_local);
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++)
        age->value[u] = shop->age[tiny_user(d, u)];
}

static inline void tiny_events(const struct tiny_shop *shop, struct dataset *d)
{
    struct events *e = &d->events;
    int64_t at = 0;
    TINY_NEW(e->start, d->users.blocks.rows_local + 1);
    TINY_NEW(e->product, shop->events);
    TINY_NEW(e->time, shop->events);
    TINY_NEW(e->kind, shop->events);
    TINY_NEW(e->quantity_milli, shop->events);
    TINY_NEW(e->paid_cents, shop->events);
    TINY_NEW(e->list_cents, shop->events);
    if (shop->promotion != NULL) TINY_NEW(e->promotion, shop->events);
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++) {
        int user = tiny_user(d, u);
        for (int64_t i = 0; i < shop->events; i++) {
            const struct tiny_event *from = &shop->event[i];
            if (from->user != user) continue;
            if (shop->promotion != NULL) e->promotion[at] = shop->promotion[i];
            e->product[at] = from->product;
            e->time[at] = from->time;
            e->kind[at] = (uint8_t)from->kind;
            e->quantity_milli[at] = from->quantity_milli;
            e->paid_cents[at] = from->paid_cents;
            e->list_cents[at++] = from->list_cents;
        }
        e->start[u + 1] = at;
    }
}

static inline void tiny_offers(const struct tiny_shop *shop, struct dataset *d)
{
    struct offers *o = &d->offers;
    int64_t at = 0;
    TINY_NEW(o->start, d->users.blocks.rows_local + 1);
    TINY_NEW(o->product, shop->offers);
    TINY_NEW(o->time, shop->offers);
    TINY_NEW(o->discount, shop->offers);
    TINY_NEW(o->propensity, shop->offers);
    TINY_NEW(o->flags, shop->offers);
    TINY_NEW(o->revenue_cents, shop->offers);
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++) {
        int user = tiny_user(d, u);
        for (int64_t i = 0; i < shop->offers; i++) {
            const struct tiny_offer *from = &shop->offer[i];
            if (from->user != user) continue;
            o->product[at] = from->product;
            o->time[at] = from->time;
            o->discount[at] = from->discount;
            o->propensity[at] = from->propensity;
            o->flags[at] = (uint8_t)from->flags;
            o->revenue_cents[at++] = from->revenue_cents;
        }
        o->start[u + 1] = at;
    }
}

/* The shop on comm. Collective; the caller frees it with dataset_free. */
static inline struct dataset *tiny_open(const struct comm *comm, const struct tiny_shop *shop)
{
    struct dataset *d = NULL;
    TINY_NEW(d, 1);
    tiny_products(comm, shop, &d->products);
    tiny_users(comm, shop, &d->users);
    tiny_attribute(shop, d);
    tiny_events(shop, d);
    tiny_offers(shop, d);
    d->events_total = shop->events;
    d->offers_total = shop->offers;
    d->time_first = INT64_MAX;
    d->time_last = INT64_MIN;
    for (int64_t i = 0; i < shop->events; i++) {
        int64_t time = shop->event[i].time;
        d->time_first = time < d->time_first ? time : d->time_first;
        d->time_last = time > d->time_last ? time : d->time_last;
    }
    return d;
}

#endif
