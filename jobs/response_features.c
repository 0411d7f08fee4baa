/* Rows for the response network. */
#include "jobs/response_features.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400.0
#define NEVER_DAYS 730.0

enum {
    LEVELS_MAX = 16,
    RECALLED_MAX = 4096,
    TOTALS = sizeof(struct response_totals) / sizeof(int64_t)
};

enum {
    X_PURCHASES,        /* log(1 + purchase lines) */
    X_RATE,             /* log(1 + purchase lines per 30 days) */
    X_LINE,             /* log(1 + amount per line) */
    X_DISCOUNTED,       /* share of lines below list price, smoothed */
    X_DEPTH,            /* 1 - paid / list */
    X_RECENCY,          /* log(1 + days since the last purchase) */
    X_TENURE,           /* log(1 + days since the first event) */
    X_BROWSING,         /* log(1 + views, clicks and carts) */
    X_CONVERSION,       /* purchases / (browsing + purchases), smoothed */
    X_OFFERS,           /* log(1 + offers) */
    X_REDEEMED,         /* share redeemed, smoothed */
    X_REDEEMED_LOW,     /* share of shallow offers redeemed, smoothed */
    X_REDEEMED_DEEP,    /* share of deep offers redeemed, smoothed */
    X_CATEGORY_BOUGHT,  /* log(1 + lines in the product's category) */
    X_CATEGORY_SHARE,   /* share of lines in it, smoothed toward everybody's */
    X_CATEGORY_BROWSED, /* log(1 + browsing in it) */
    X_CATEGORY_OFFERS,  /* share of offers in it redeemed, smoothed */
    X_PRODUCT_BOUGHT,   /* log(1 + lines of the product) */
    X_PRODUCT_BROWSED,  /* log(1 + browsing of it) */
    X_PRODUCT_RECENCY,  /* log(1 + days since it was bought) */
    X_PRICE,            /* log of the list price */
    X_MARGIN,           /* 1 - cost / price */
    X_POPULARITY,       /* log of the product's share of all purchases */
    X_PRODUCT_CONVERSION,
    X_PRODUCT_DISCOUNTED, /* share of its purchases below list price */
    X_PRODUCT_LOW,        /* share of its shallow offers redeemed, smoothed toward its category's */
    X_PRODUCT_DEEP,       /* the same of deep ones */
    X_CATEGORY_LOW,
    X_CATEGORY_DEEP,
    X_ELASTICITY, /* demand's, of the category */
    X_PLAIN
};

/* ---- totals over the window ---- */

static void total_events(const struct dataset *dataset, struct response_context *context)
{
    const struct events *events = &dataset->events;
    for (int64_t e = 0; e < events->start[dataset->users.blocks.rows_local]; e++) {
        struct response_totals *t = &context->product[events->product[e]];
        bool bought = events->kind[e] == EVENT_PURCHASE;
        t->purchases += bought;
        t->browsing += events->kind[e] < EVENT_PURCHASE;
        t->discounted += bought && events->paid_cents[e] < events->list_cents[e];
    }
}

static void total_offers(const struct dataset *dataset, struct response_context *context)
{
    const struct offers *offers = &dataset->offers;
    for (int64_t o = 0; o < offers->start[dataset->users.blocks.rows_local]; o++) {
        struct response_totals *t = &context->product[offers->product[o]];
        bool deep = offers->discount[o] >= RESPONSE_DEEP,
             redeemed = (offers->flags[o] & OFFER_REDEEMED) != 0;
        t->offers_low += !deep;
        t->offers_deep += deep;
        t->redeemed_low += !deep && redeemed;
        t->redeemed_deep += deep && redeemed;
    }
}

static void add_totals(struct response_totals *to, const struct response_totals *from)
{
    to->purchases += from->purchases;
    to->browsing += from->browsing;
    to->discounted += from->discounted;
    to->offers_low += from->offers_low;
    to->redeemed_low += from->redeemed_low;
    to->offers_deep += from->offers_deep;
    to->redeemed_deep += from->redeemed_deep;
}

/* Numbers take a value and a mark for a missing one; texts one column per level, unless there are
 * too many. */
static int64_t columns_of(const struct attribute *attribute)
{
    if (attribute->levels.count == 0) return 2;
    return attribute->levels.count <= LEVELS_MAX ? attribute->levels.count : 0;
}

static void lay_out(const struct dataset *dataset, struct response_context *context)
{
    context->columns = X_PLAIN;
    for (int64_t a = 0; a < dataset->users.attributes; a++) {
        context->attribute_columns[a] = columns_of(&dataset->users.attribute[a]);
        context->columns += context->attribute_columns[a];
        if (context->attribute_columns[a] == 0)
            log_warning(
                "attribute %s has more than %d levels and is left out of the response model",
                dataset->users.attribute[a].name, LEVELS_MAX);
    }
}

enum status response_context_make(const struct comm *comm, const struct dataset *dataset,
                                  const struct demand *demand, struct response_context *context)
{
    enum status status = OK;
    const struct products *products = &dataset->products;
    *context = (struct response_context){.dataset = dataset, .demand = demand};
    TRY_ALL(comm, memory_new(&context->product, products->count, sizeof *context->product));
    TRY_ALL(comm,
            memory_new(&context->category, products->category.count, sizeof *context->category));
    TRY_ALL(comm, memory_new(&context->attribute_columns, dataset->users.attributes,
                             sizeof *context->attribute_columns));
    total_events(dataset, context);
    total_offers(dataset, context);
    comm_sum_int64(comm, (int64_t *)context->product, TOTALS * products->count);
    for (int64_t p = 0; p < products->count; p++) {
        add_totals(&context->category[products->category_code[p]], &context->product[p]);
        add_totals(&context->all, &context->product[p]);
    }
    lay_out(dataset, context);
done:
    if (status != OK) response_context_clear(context);
    return status;
}

void response_context_clear(struct response_context *context)
{
    free(context->product);
    free(context->category);
    free(context->attribute_columns);
    *context = (struct response_context){0};
}

/* ---- what a user had done before a moment ---- */

struct past {
    int64_t purchases, discounted, browsing, paid_cents, list_cents;
    int64_t first_time, last_purchase;
    int64_t category_bought, category_browsed;
    int64_t product_bought, product_browsed, product_last;
    int64_t offers_low, offers_deep, redeemed_low, redeemed_deep;
    int64_t category_offers, category_redeemed;
};

static void recall_purchase(const struct events *events, int64_t e, bool same_category,
                            bool same_product, struct past *past)
{
    past->purchases++;
    past->discounted += events->paid_cents[e] < events->list_cents[e];
    past->paid_cents += events->paid_cents[e];
    past->list_cents += events->list_cents[e];
    past->last_purchase = events->time[e];
    past->category_bought += same_category;
    past->product_bought += same_product;
    if (same_product) past->product_last = events->time[e];
}

/* From which of first .. next - 1, in the order of time, those before `time` are recalled: of a
 * "guest" with a million only the latest, as each row would pass over all of them. */
static int64_t recall_from(const int64_t *times, int64_t first, int64_t next, int64_t time)
{
    int64_t low = first, high = next;
    if (next - first <= RECALLED_MAX) return first;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (times[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low - first > RECALLED_MAX ? low - RECALLED_MAX : first;
}

static void recall_events(const struct dataset *dataset, int64_t user, int32_t product,
                          int64_t time, struct past *past)
{
    const struct events *events = &dataset->events;
    const int32_t *category = dataset->products.category_code;
    int64_t first = events->start[user], next = events->start[user + 1];
    past->first_time = first < next && events->time[first] < time ? events->time[first] : time;
    past->last_purchase = past->product_last = INT64_MIN;
    int64_t from = recall_from(events->time, first, next, time);
    for (int64_t e = from; e < next && events->time[e] < time; e++) {
        bool same_product = events->product[e] == product;
        bool same_category = category[events->product[e]] == category[product];
        if (events->kind[e] == EVENT_PURCHASE) {
            recall_purchase(events, e, same_category, same_product, past);
        } else if (events->kind[e] < EVENT_PURCHASE) {
            past->browsing++;
            past->category_browsed += same_category;
            past->product_browsed += same_product;
        }
    }
}

static void recall_offers(const struct dataset *dataset, int64_t user, int32_t product,
                          int64_t time, struct past *past)
{
    const struct offers *offers = &dataset->offers;
    const int32_t *category = dataset->products.category_code;
    int64_t first = offers->start[user], next = offers->start[user + 1];
    int64_t from = recall_from(offers->time, first, next, time);
    for (int64_t o = from; o < next && offers->time[o] < time; o++) {
        bool deep = offers->discount[o] >= RESPONSE_DEEP,
             redeemed = (offers->flags[o] & OFFER_REDEEMED) != 0;
        bool same = category[offers->product[o]] == category[product];
        past->offers_low += !deep;
        past->offers_deep += deep;
        past->redeemed_low += !deep && redeemed;
        past->redeemed_deep += deep && redeemed;
        past->category_offers += same;
        past->category_redeemed += same && redeemed;
    }
}

/* ---- columns ---- */

static float log_count(int64_t count)
{
    return (float)log1p((double)count);
}

/* (part + weight x prior) / (whole + weight) */
static double smooth(int64_t part, int64_t whole, double prior, double weight)
{
    return ((double)part + weight * prior) / ((double)whole + weight);
}

static double ratio(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

static double days_since(int64_t then, int64_t now)
{
    return then == INT64_MIN ? NEVER_DAYS : (double)(now - then) / DAY;
}

static void user_columns(const struct response_context *context, const struct past *p, int64_t time,
                         float *x)
{
    const struct response_totals *all = &context->all;
    double months = fmax((double)(time - p->first_time) / DAY, 30.0) / 30.0;
    double low = smooth(all->redeemed_low, all->offers_low, 0.05, 10.0);
    double deep = smooth(all->redeemed_deep, all->offers_deep, 0.05, 10.0);
    x[X_PURCHASES] = log_count(p->purchases);
    x[X_RATE] = (float)log1p((double)p->purchases / months);
    x[X_LINE] = (float)log1p(0.01 * ratio(p->paid_cents, p->purchases));
    x[X_DISCOUNTED] =
        (float)smooth(p->discounted, p->purchases, ratio(all->discounted, all->purchases), 4.0);
    x[X_DEPTH] = p->list_cents > 0 ? (float)(1.0 - ratio(p->paid_cents, p->list_cents)) : 0.0f;
    x[X_RECENCY] = (float)log1p(days_since(p->last_purchase, time));
    x[X_TENURE] = (float)log1p((double)(time - p->first_time) / DAY);
    x[X_BROWSING] = log_count(p->browsing);
    x[X_CONVERSION] = (float)smooth(p->purchases, p->purchases + p->browsing,
                                    ratio(all->purchases, all->purchases + all->browsing), 4.0);
    x[X_OFFERS] = log_count(p->offers_low + p->offers_deep);
    x[X_REDEEMED] = (float)smooth(p->redeemed_low + p->redeemed_deep,
                                  p->offers_low + p->offers_deep, 0.5 * (low + deep), 5.0);
    x[X_REDEEMED_LOW] = (float)smooth(p->redeemed_low, p->offers_low, low, 3.0);
    x[X_REDEEMED_DEEP] = (float)smooth(p->redeemed_deep, p->offers_deep, deep, 3.0);
}

static void cross_columns(const struct response_context *context, const struct past *p,
                          int32_t product, int64_t time, float *x)
{
    const struct response_totals *all = &context->all;
    int32_t code = context->dataset->products.category_code[product];
    const struct response_totals *category = &context->category[code];
    double usual = smooth(category->redeemed_low + category->redeemed_deep,
                          category->offers_low + category->offers_deep, 0.05, 10.0);
    x[X_CATEGORY_BOUGHT] = log_count(p->category_bought);
    x[X_CATEGORY_SHARE] = (float)smooth(p->category_bought, p->purchases,
                                        ratio(category->purchases, all->purchases), 5.0);
    x[X_CATEGORY_BROWSED] = log_count(p->category_browsed);
    x[X_CATEGORY_OFFERS] = (float)smooth(p->category_redeemed, p->category_offers, usual, 3.0);
    x[X_PRODUCT_BOUGHT] = log_count(p->product_bought);
    x[X_PRODUCT_BROWSED] = log_count(p->product_browsed);
    x[X_PRODUCT_RECENCY] = (float)log1p(days_since(p->product_last, time));
}

static void product_columns(const struct response_context *context, int32_t product, float *x)
{
    const struct products *products = &context->dataset->products;
    const struct response_totals *category = &context->category[products->category_code[product]];
    struct response_totals t = context->product[product];
    double low = smooth(category->redeemed_low, category->offers_low, 0.05, 10.0);
    double deep = smooth(category->redeemed_deep, category->offers_deep, 0.05, 10.0);
    double price = fmax(products->list_price[product], 0.01);
    x[X_PRICE] = (float)log(price);
    x[X_MARGIN] = (float)(1.0 - products->unit_cost[product] / price);
    x[X_POPULARITY] = (float)log(smooth(t.purchases, context->all.purchases, 1e-6, 1.0));
    x[X_PRODUCT_CONVERSION] = (float)smooth(
        t.purchases, t.purchases + t.browsing,
        ratio(context->all.purchases, context->all.purchases + context->all.browsing), 20.0);
    x[X_PRODUCT_DISCOUNTED] = (float)smooth(
        t.discounted, t.purchases, ratio(context->all.discounted, context->all.purchases), 10.0);
    x[X_PRODUCT_LOW] = (float)smooth(t.redeemed_low, t.offers_low, low, 20.0);
    x[X_PRODUCT_DEEP] = (float)smooth(t.redeemed_deep, t.offers_deep, deep, 20.0);
    x[X_CATEGORY_LOW] = (float)low;
    x[X_CATEGORY_DEEP] = (float)deep;
}

static void fixed_columns(const struct response_context *context, int64_t user, float *x)
{
    const struct users *users = &context->dataset->users;
    for (int64_t a = 0; a < users->attributes; a++) {
        float value = users->attribute[a].value[user];
        int64_t columns = context->attribute_columns[a];
        bool number = users->attribute[a].levels.count == 0;
        for (int64_t c = 0; c < columns && !number; c++) x[c] = value == (float)c ? 1.0f : 0.0f;
        if (number) {
            x[0] = isfinite(value) ? value : 0.0f;
            x[1] = isfinite(value) ? 0.0f : 1.0f;
        }
        x += columns;
    }
}

void response_features(const struct response_context *context, int64_t user, int32_t product,
                       int64_t time, float *x)
{
    struct past past = {0};
    int32_t category = context->dataset->products.category_code[product];
    recall_events(context->dataset, user, product, time, &past);
    recall_offers(context->dataset, user, product, time, &past);
    user_columns(context, &past, time, x);
    cross_columns(context, &past, product, time, x);
    product_columns(context, product, x);
    double elasticity = context->demand->category.shrunk[category];
    x[X_ELASTICITY] = isfinite(elasticity) ? (float)elasticity : 0.0f;
    fixed_columns(context, user, x + X_PLAIN);
}

float response_prior(const struct response_context *context, int32_t product)
{
    int32_t category = context->dataset->products.category_code[product];
    double elasticity = context->demand->category.shrunk[category];
    if (!isfinite(elasticity)) return 0.0f;
    /* d log P / d log price = -b (1 - P) at no discount, and 1 - P is near 1 */
    return (float)fmin(fmax(-elasticity, 0.1), 20.0);
}
