/* Rows for the response network. */
#include "jobs/response_features.h"

#include "jobs/demand_cells.h"
#include "jobs/response_sequence.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400.0
#define NEVER_DAYS 730.0

/* How much the log odds of products of a category differ by what no input tells. */
#define PRODUCT_VARIANCE 0.25

enum {
    LEVELS_MAX = 16,
    CATEGORIES_MAX = RESPONSE_CATEGORIES_MAX, /* with a column of their own */
    TOTALS = sizeof(struct response_totals) / sizeof(int64_t)
};

enum {
    X_PURCHASES,         /* log(1 + purchase lines) */
    X_RATE,              /* log(1 + purchase lines per 30 days) */
    X_LINE,              /* log(1 + amount per line) */
    X_DISCOUNTED,        /* share of lines below list price, smoothed */
    X_DEPTH,             /* 1 - paid / list */
    X_RECENCY,           /* log(1 + days since the last purchase) */
    X_TENURE,            /* log(1 + days since the first event) */
    X_BROWSING,          /* log(1 + views, clicks and carts) */
    X_BROWSING_RATE,     /* log(1 + them per 30 days) */
    X_CONVERSION,        /* purchases / (browsing + purchases), smoothed */
    X_OFFERS,            /* log(1 + offers) */
    X_STANDING,          /* mean of the offers' standings (jobs/response_policy.h) */
    X_STANDING_KNOWN,    /* weight of that: 0 no offer tells, toward 1 many do */
    X_CATEGORY_BOUGHT,   /* log(1 + lines in the product's category) */
    X_CATEGORY_SHARE,    /* share of lines in it, smoothed toward everybody's */
    X_CATEGORY_BROWSED,  /* log(1 + browsing in it) */
    X_CATEGORY_LOOKS,    /* share of browsing in it, smoothed toward everybody's */
    X_CATEGORY_STANDING, /* mean standing of its offers, smoothed toward the user's */
    X_CATEGORY_STANDING_KNOWN,
    X_PRODUCT_BOUGHT,  /* log(1 + lines of the product) */
    X_PRODUCT_BROWSED, /* log(1 + browsing of it) */
    X_PRODUCT_RECENCY, /* log(1 + days since it was bought) */
    X_PRICE,           /* log of the list price */
    X_MARGIN,          /* 1 - cost / price */
    X_POPULARITY,      /* log of the product's share of all purchases */
    X_PRODUCT_LOOKS,   /* log of its share of all browsing */
    X_PRODUCT_CONVERSION,
    X_PRODUCT_DISCOUNTED, /* share of its purchases below list price */
    X_CATEGORY_LOW,       /* share of its shallow offers redeemed */
    X_CATEGORY_DEEP,      /* the same of deep ones */
    X_ELASTICITY,         /* demand's, of the category */
    X_PLAIN
};

/* ---- totals over the window ---- */

static void total_events(const struct dataset *dataset, struct response_context *context)
{
    const bool *personal = context->personal;
    const struct events *events = &dataset->events;
    for (int64_t e = 0; e < events->start[dataset->users.blocks.rows_local]; e++) {
        struct response_totals *t = &context->product[events->product[e]];
        bool bought = events->kind[e] == EVENT_PURCHASE && !personal[e];
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
        if ((offers->flags[o] & OFFER_SHOWN) == 0) continue;
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

static int64_t size_of(const struct response_totals *totals)
{
    return totals->offers_low + totals->offers_deep + totals->purchases;
}

/* A column for each category, of too many for the CATEGORIES_MAX of most offers and purchases. */
static void lay_out_categories(struct response_context *context)
{
    int64_t count = context->dataset->products.category.count;
    context->category_columns = count < CATEGORIES_MAX ? count : CATEGORIES_MAX;
    for (int64_t c = 0; c < count; c++) {
        int64_t larger = 0, size = size_of(&context->category[c]);
        for (int64_t other = 0; other < count && count > CATEGORIES_MAX; other++) {
            int64_t of = size_of(&context->category[other]);
            larger += of > size || (of == size && other < c);
        }
        int64_t column = count > CATEGORIES_MAX ? larger : c;
        context->category_column[c] = column < CATEGORIES_MAX ? (int32_t)column : -1;
    }
}

static void lay_out(const struct dataset *dataset, struct response_context *context)
{
    lay_out_categories(context);
    context->columns = X_PLAIN + context->category_columns;
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
    TRY_ALL(comm, memory_new(&context->category_column, products->category.count,
                             sizeof *context->category_column));
    TRY_ALL(comm, memory_new(&context->attribute_columns, dataset->users.attributes,
                             sizeof *context->attribute_columns));
    TRY_ALL(comm, demand_personal_mark(dataset, &context->personal, &(int64_t){0}));
    TRY(response_policy_make(comm, dataset, &context->policy));
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
    free(context->category_column);
    free(context->personal);
    response_policy_clear(&context->policy);
    response_classes_clear(&context->classes);
    free(context->attribute_columns);
    *context = (struct response_context){0};
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

static double pulled(const struct response_standing *s, double weight, double usual)
{
    return (s->sum + weight * usual) / (s->weight + weight);
}

static void user_columns(const struct response_context *context, const struct response_past *p,
                         int64_t time, float *x)
{
    const struct response_totals *all = &context->all;
    const struct response_policy *policy = &context->policy;
    double months = fmax((double)(time - p->first_time) / DAY, 30.0) / 30.0;
    x[X_PURCHASES] = log_count(p->purchases);
    x[X_RATE] = (float)log1p((double)p->purchases / months);
    x[X_LINE] = (float)log1p(0.01 * ratio(p->paid_cents, p->purchases));
    x[X_DISCOUNTED] =
        (float)smooth(p->discounted, p->purchases, ratio(all->discounted, all->purchases), 4.0);
    x[X_DEPTH] = p->list_cents > 0 ? (float)(1.0 - ratio(p->paid_cents, p->list_cents)) : 0.0f;
    x[X_RECENCY] = (float)log1p(days_since(p->last_purchase, time));
    x[X_TENURE] = (float)log1p((double)(time - p->first_time) / DAY);
    x[X_BROWSING] = log_count(p->browsing);
    x[X_BROWSING_RATE] = (float)log1p((double)p->browsing / months);
    x[X_STANDING] = (float)pulled(&p->all, policy->pull_user, policy->usual);
    x[X_STANDING_KNOWN] = (float)(p->all.weight / (p->all.weight + policy->pull_user));
    x[X_CONVERSION] = (float)smooth(p->purchases, p->purchases + p->browsing,
                                    ratio(all->purchases, all->purchases + all->browsing), 4.0);
    x[X_OFFERS] = log_count(p->offers);
}

static void cross_columns(const struct response_context *context, const struct response_past *p,
                          int32_t product, int64_t time, float *x)
{
    const struct response_totals *all = &context->all;
    const struct response_policy *policy = &context->policy;
    int32_t code = context->dataset->products.category_code[product];
    const struct response_totals *category = &context->category[code];
    x[X_CATEGORY_BOUGHT] = log_count(p->category_bought);
    x[X_CATEGORY_SHARE] = (float)smooth(p->category_bought, p->purchases,
                                        ratio(category->purchases, all->purchases), 5.0);
    x[X_CATEGORY_BROWSED] = log_count(p->category_browsed);
    x[X_CATEGORY_LOOKS] = (float)smooth(p->category_browsed, p->browsing,
                                        ratio(category->browsing, all->browsing), 3.0);
    x[X_CATEGORY_STANDING] = (float)pulled(&p->category, policy->pull_category,
                                           pulled(&p->all, policy->pull_user, policy->usual));
    x[X_CATEGORY_STANDING_KNOWN] =
        (float)(p->category.weight / (p->category.weight + policy->pull_category));
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
    x[X_PRODUCT_LOOKS] = (float)log(smooth(t.browsing, context->all.browsing, 1e-6, 1.0));
    x[X_PRODUCT_CONVERSION] = (float)smooth(
        t.purchases, t.purchases + t.browsing,
        ratio(context->all.purchases, context->all.purchases + context->all.browsing), 20.0);
    x[X_PRODUCT_DISCOUNTED] = (float)smooth(
        t.discounted, t.purchases, ratio(context->all.discounted, context->all.purchases), 10.0);
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

/* Where the columns after those of attributes begin, the sequence left out. */
static int64_t rest_of(const struct response_context *context)
{
    return context->columns - layer_values(response_sequence_shape(context->events)) -
           response_classes_columns(&context->classes);
}

static void category_columns(const struct response_context *context, int32_t category, float *x)
{
    for (int64_t c = 0; c < context->category_columns; c++) x[c] = 0.0f;
    if (context->category_column[category] >= 0) x[context->category_column[category]] = 1.0f;
}

enum status response_context_classify(const struct comm *comm, struct response_context *context)
{
    const struct response_classes_source source = {context->dataset, context->personal,
                                                   &context->policy, context->category_column,
                                                   context->category_columns};
    enum status status = response_classes_make(comm, &source, &context->classes);
    context->columns += response_classes_columns(&context->classes);
    return status;
}

void response_context_begin_with(struct response_context *context, int64_t events)
{
    context->columns -= layer_values(response_sequence_shape(context->events));
    context->events = events;
    context->columns += layer_values(response_sequence_shape(events));
}

void response_features(const struct response_context *context, int64_t user, int32_t product,
                       const struct response_moment *moment, float *x)
{
    int32_t category = context->dataset->products.category_code[product];
    struct response_past past = response_recall(context->dataset, context->personal,
                                                &context->policy, user, product, moment);
    x = response_sequence(context, user, product, moment, x);
    user_columns(context, &past, moment->time, x);
    cross_columns(context, &past, product, moment->time, x);
    product_columns(context, product, x);
    double elasticity = context->demand->category.shrunk[category];
    x[X_ELASTICITY] = isfinite(elasticity) ? (float)elasticity : 0.0f;
    category_columns(context, category, x + X_PLAIN);
    fixed_columns(context, user, x + X_PLAIN + context->category_columns);
    response_classes_put(&context->classes, user, category, moment->hide_category,
                         x + rest_of(context));
}

void response_roles(const struct response_context *context, enum response_role *role)
{
    static const enum response_role of[X_PLAIN] = {
        [X_STANDING] = ROLE_STANDING,     [X_CATEGORY_STANDING] = ROLE_STANDING,
        [X_STANDING_KNOWN] = ROLE_KNOWN,  [X_CATEGORY_STANDING_KNOWN] = ROLE_KNOWN,
        [X_CATEGORY_SHARE] = ROLE_LIKING, [X_CATEGORY_LOOKS] = ROLE_LIKING,
        [X_DISCOUNTED] = ROLE_HABIT,      [X_DEPTH] = ROLE_HABIT,
        [X_PRICE] = ROLE_GOODS,           [X_MARGIN] = ROLE_GOODS};
    const struct users *users = &context->dataset->users;
    int64_t steps = layer_values(response_sequence_shape(context->events));
    for (int64_t c = 0; c < steps; c++) *role++ = ROLE_STEP;
    for (int64_t c = 0; c < X_PLAIN; c++) *role++ = of[c];
    for (int64_t c = 0; c < context->category_columns; c++) *role++ = ROLE_CATEGORY;
    for (int64_t a = 0; a < users->attributes; a++) {
        bool number = users->attribute[a].levels.count == 0;
        for (int64_t c = 0; c < context->attribute_columns[a]; c++)
            *role++ = !number ? ROLE_LEVEL : c == 0 ? ROLE_NUMBER : ROLE_MISSING;
    }
    for (int64_t c = 0; c < context->classes.classes; c++) *role++ = ROLE_KIND;
    if (context->classes.classes > 0) *role = ROLE_STANDING;
}

double response_unknown(const struct response_context *context, const float *x)
{
    x += layer_values(response_sequence_shape(context->events));
    double known = (double)x[X_CATEGORY_STANDING_KNOWN];
    double weight = context->policy.pull_category * known / (1.0 - known);
    return fmax(1.0 - 2.0 * weight, 0.0);
}

double response_product_variance(const struct response_context *context, int32_t product)
{
    double told = (double)context->product[product].purchases;
    return 1.0 / (told + 1.0 / PRODUCT_VARIANCE);
}

float response_prior(const struct response_context *context, int32_t product)
{
    int32_t category = context->dataset->products.category_code[product];
    double elasticity = context->demand->category.shrunk[category];
    if (!isfinite(elasticity)) return 0.0f;
    /* d log P / d log price = -b (1 - P) at no discount, and 1 - P is near 1 */
    return (float)fmin(fmax(-elasticity, 0.1), 20.0);
}
