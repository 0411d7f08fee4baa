/**
 * A shop of tastes for tests of scorers: whoever likes a brand buys of it, and age says who likes
 * which; the second half of the products is bought later than the first.
 *
 * Users 0 .. WORLD_USERS - 1; a fifth of them never did anything. Products come in WORLD_BRANDS
 * brands in turn. Purchases are drawn by hash, so that the shop is the same at any ranks.
 */
#ifndef REMISE_TESTS_SCORER_WORLD_H
#define REMISE_TESTS_SCORER_WORLD_H

#include "tests/tiny_shop.h"
#include "tests/uniform.h"

#include "jobs/features.h"
#include "jobs/scorer.h"

enum {
    WORLD_USERS = 300,
    WORLD_PRODUCTS = 40,
    WORLD_BRANDS = 4,
    WORLD_NEW = 39, /* of the last brand, bought by nobody */
    WORLD_EVENTS = 24,
    WORLD_DAYS = 200
};

struct scorer_world {
    struct tiny_product product[WORLD_PRODUCTS];
    char name[WORLD_PRODUCTS][8];
    struct tiny_event event[WORLD_USERS * WORLD_EVENTS];
    float age[WORLD_USERS];
    struct dataset *dataset;
    struct scorer_shop shop;
    uint8_t offerable[WORLD_PRODUCTS];
    double *zero, *one; /* [features] */
    struct scorer_data data;
};

static inline int world_taste(int user)
{
    return (int)(WORLD_BRANDS * uniform(user, 1));
}

static inline bool world_idle(int user)
{
    return user % 5 == 4;
}

static inline int32_t world_draw(int user, int n)
{
    int64_t row = (int64_t)user * WORLD_EVENTS + n;
    int32_t p = (int32_t)(WORLD_PRODUCTS * uniform(row, 2));
    /* four in five of the own brand, which is the product's number in turn */
    if (uniform(row, 3) < 0.8) p = p / WORLD_BRANDS * WORLD_BRANDS + world_taste(user);
    return p == WORLD_NEW ? p - WORLD_BRANDS : p;
}

static inline void world_fill(struct scorer_world *w, struct tiny_shop *shop)
{
    static const char *const categories[] = {"food", "home"};
    int64_t events = 0;
    for (int p = 0; p < WORLD_PRODUCTS; p++) {
        snprintf(w->name[p], sizeof w->name[p], "p%02d", p);
        w->product[p] = (struct tiny_product){w->name[p], categories[p % 2], 2.0 + p % 7, 1.0};
        w->offerable[p] = 1;
    }
    for (int u = 0; u < WORLD_USERS; u++) {
        w->age[u] = (float)(20 + 15 * world_taste(u) + (int)(9.0 * uniform(u, 4)));
        for (int n = 0; n < WORLD_EVENTS && !world_idle(u); n++) {
            int64_t day = n * WORLD_DAYS / WORLD_EVENTS;
            w->event[events++] =
                (struct tiny_event){.user = u,
                                    .time = 86400 * day + (int64_t)(80000.0 * uniform(u, 5)),
                                    .product = world_draw(u, n),
                                    .kind = EVENT_PURCHASE,
                                    .quantity_milli = 1000,
                                    .paid_cents = 300,
                                    .list_cents = 300};
        }
    }
    *shop = (struct tiny_shop){.users = WORLD_USERS,
                               .products = WORLD_PRODUCTS,
                               .events = events,
                               .product = w->product,
                               .event = w->event,
                               .age = w->age};
}

static inline void world_brands(const struct comm *comm, struct products *products)
{
    struct text_set *set = text_set_new();
    for (int b = 0; b < WORLD_BRANDS; b++) text_set_code(set, &"a\0b\0c\0d"[2 * b], 1);
    dictionary_clear(&products->brand);
    if (dictionary_make(comm, set, &products->brand, NULL) != OK) abort();
    text_set_free(&set);
    for (int p = 0; p < WORLD_PRODUCTS; p++) products->brand_code[p] = p % WORLD_BRANDS;
}

/* One segment, and features as they are. */
static inline void world_shop(const struct comm *comm, struct scorer_world *w)
{
    struct features features;
    if (features_make(comm, w->dataset, &features) != OK) abort();
    TINY_NEW(w->zero, features.columns);
    TINY_NEW(w->one, features.columns);
    for (int64_t j = 0; j < features.columns; j++) w->one[j] = 1.0;
    w->shop = (struct scorer_shop){.dataset = w->dataset,
                                   .offerable = w->offerable,
                                   .seed = 1,
                                   .feature = features.names,
                                   .segments = 1,
                                   .centroid = w->zero,
                                   .mean = w->zero,
                                   .sd = w->one};
    features.names = (struct dictionary){0};
    features_clear(&features);
}

/* The world on comm, and what is known of it before a day. Collective. */
static inline struct scorer_world *world_open(const struct comm *comm, int64_t days)
{
    struct scorer_world *w = NULL;
    struct tiny_shop shop;
    TINY_NEW(w, 1);
    world_fill(w, &shop);
    w->dataset = tiny_open(comm, &shop);
    world_brands(comm, &w->dataset->products);
    world_shop(comm, w);
    if (scorer_data_make(comm, &w->shop, 86400 * days, NULL, &w->data) != OK) abort();
    return w;
}

static inline void world_free(struct scorer_world **w)
{
    scorer_data_clear(&(*w)->data);
    dictionary_clear(&(*w)->shop.feature);
    free((*w)->zero);
    free((*w)->one);
    dataset_free(&(*w)->dataset);
    free(*w);
    *w = NULL;
}

/* Scores of a user for all products from a panel of that user alone; false if not on this rank. */
static inline bool world_scores(const struct scorer_world *w, const struct scorer *scorer,
                                const void *model, int user, float *score)
{
    int64_t row = tiny_row(w->dataset, user);
    return row >= 0 && scorer->panel(model, &w->data, &row, 1, score) == OK;
}

/* Share of the users with (idle: without) a history whose best product is of their taste. */
static inline double world_right(const struct scorer_world *w, const struct scorer *scorer,
                                 const void *model, bool idle)
{
    int64_t count[2] = {0, 0};
    float *score = NULL;
    TINY_NEW(score, scorer_stride(&w->data));
    for (int u = 0; u < WORLD_USERS; u++) {
        int best = 0;
        if (world_idle(u) != idle || !world_scores(w, scorer, model, u, score)) continue;
        for (int p = 1; p < WORLD_PRODUCTS; p++)
            if (score[p] > score[best]) best = p;
        count[0]++;
        count[1] += best % WORLD_BRANDS == world_taste(u);
    }
    free(score);
    comm_sum_int64(&world, count, 2);
    return (double)count[1] / (double)count[0];
}

/* The same bytes on all ranks together and on one of them alone. */
static inline bool world_same(const struct scorer *scorer, const double *knob)
{
    struct comm self = comm_self();
    struct scorer_world *a = world_open(&world, WORLD_DAYS), *b = world_open(&self, WORLD_DAYS);
    void *one = NULL, *other = NULL;
    float *left = NULL, *right = NULL;
    bool same = scorer->fit(&world, &a->data, knob, &one) == OK;
    same = scorer->fit(&self, &b->data, knob, &other) == OK && same;
    TINY_NEW(left, scorer_stride(&a->data));
    TINY_NEW(right, scorer_stride(&a->data));
    for (int u = 0; u < WORLD_USERS && same; u++)
        if (world_scores(a, scorer, one, u, left) && world_scores(b, scorer, other, u, right))
            same = memcmp(left, right, WORLD_PRODUCTS * sizeof *left) == 0;
    scorer->free(&one);
    scorer->free(&other);
    world_free(&a);
    world_free(&b);
    free(left);
    free(right);
    return same;
}

/* Wherever an agreement of a fit fails, it fails on all ranks and leaves no model. */
static inline bool world_faults(const struct scorer *scorer, const double *knob)
{
    struct scorer_world *w = world_open(&world, WORLD_DAYS);
    enum status status = ERR_BUG;
    void *model = NULL;
    bool good = true;
    for (int64_t k = 0; status != OK; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        status = scorer->fit(&world, &w->data, knob, &model);
        comm_inject_fault(-1, 0);
        good = good && (status == OK) == (model != NULL);
    }
    scorer->free(&model);
    world_free(&w);
    return good;
}

#endif
