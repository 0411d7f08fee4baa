/* Draws what a user did from the truth. */
#include "jobs/synth_history.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { MILLION = 1000000, DAY_SECONDS = 86400, PILOT_USERS = 4096, PILOT_VISITS = 16 };
enum { EVENTS_PER_VISIT = 4 /* view, cart, purchase, return */, CAMPAIGN_EVERY = 8 /* weeks */ };
#define PILOT_DRAWS (UINT64_C(1) << 36) /* first draw of the pilot, beyond those of histories */

static int32_t draw_second(struct synth_draws *draws, int64_t week)
{
    int64_t day = week * 7 + synth_draw_below(draws, 7);
    int64_t open = 8 * 3600 + synth_draw_below(draws, 14 * 3600); /* from 8 to 22 o'clock */
    return (int32_t)(day * DAY_SECONDS + open);
}

/* A week of the user's own, by the shop's traffic. */
static int64_t draw_week(const struct synth_shop *shop, const struct synth_user *user,
                         struct synth_draws *draws)
{
    double missed = 1.0 - synth_presence(shop, user);
    double u = missed + (1.0 - missed) * synth_draw_uniform(draws);
    int64_t week = synth_pick(shop->season_below, shop->options.weeks, u);
    return week < user->first_week ? user->first_week : week;
}

static double visit_weight(const struct synth_shop *shop, const struct synth_user *user)
{
    return exp(0.6e-4 * (double)user->activity) * synth_presence(shop, user);
}

static enum status reserve(void *array, int64_t *capacity, int64_t wanted, size_t size)
{
    if (wanted <= *capacity) return OK;
    enum status status = memory_grow(array, *capacity, 2 * wanted, size);
    if (status == OK) *capacity = 2 * wanted;
    return status;
}

static void put_event(struct synth_history *history, int64_t second, enum synth_kind kind,
                      const struct synth_event *like)
{
    struct synth_event *event = &history->event[history->events];
    *event = *like;
    event->second = (int32_t)second;
    event->kind = (uint8_t)kind;
    event->order = (int32_t)history->events++;
}

/* What a visit leaves in the log. */
static void make_visit(const struct synth_shop *shop, const struct synth_user *user,
                       struct synth_draws *draws, struct synth_history *history)
{
    int64_t week = draw_week(shop, user, draws), second = draw_second(draws, week);
    struct synth_event event = {.product = synth_pick_product(shop, user, draws), .quantity = 1};
    event.percent = shop->promotion[(int64_t)event.product * shop->options.weeks + week];
    double chance = synth_probability(user, &shop->product[event.product], event.percent);
    bool bought = synth_draw_uniform(draws) < chance;
    double several = synth_draw_uniform(draws), seen = synth_draw_uniform(draws);
    double in_cart = bought ? SYNTH_CART_IF_BOUGHT : SYNTH_CART_IF_NOT_BOUGHT;
    if (bought) event.quantity = several < 0.9 ? 1 : several < 0.98 ? 2 : 3;
    if (seen < SYNTH_VIEW_LOGGED) put_event(history, second - 240, SYNTH_VIEW, &event);
    if (synth_draw_uniform(draws) < in_cart) put_event(history, second - 90, SYNTH_CART, &event);
    if (!bought) return;
    put_event(history, second, SYNTH_PURCHASE, &event);
    int64_t back = second + (1 + synth_draw_below(draws, 14)) * DAY_SECONDS;
    if (synth_draw_uniform(draws) < SYNTH_RETURNED &&
        back < shop->options.weeks * SYNTH_WEEK_SECONDS)
        put_event(history, back, SYNTH_RETURN, &event);
}

void synth_propensities(const struct synth_shop *shop, const struct synth_user *user,
                        const struct synth_product *product, int32_t propensity[SYNTH_LEVELS])
{
    double gain = synth_rules[shop->options.form].policy_gain;
    double standing = 1e-4 * (double)(user->activity + user->taste[product->category]) / 0.6;
    double weight[SYNTH_LEVELS], sum = 0.0, uniform = shop->options.randomised / SYNTH_LEVELS;
    standing = fmin(fmax(standing, -3.0), 3.0);
    for (int k = 0; k < SYNTH_LEVELS; k++)
        sum += weight[k] = exp((gain * standing - 0.5) * (double)synth_levels[k] / 30.0);
    int32_t rest = MILLION;
    for (int k = SYNTH_LEVELS - 1; k >= 0; k--) {
        double share = uniform + (1.0 - shop->options.randomised) * weight[k] / sum;
        propensity[k] = k > 0 ? (int32_t)lrint(share * MILLION) : rest;
        rest -= propensity[k];
    }
}

static int draw_level(const int32_t propensity[SYNTH_LEVELS], struct synth_draws *draws)
{
    int64_t at = synth_draw_below(draws, MILLION);
    int k = 0;
    while (k < SYNTH_LEVELS - 1 && at >= propensity[k]) at -= propensity[k++];
    return k;
}

/* The campaign weeks of a shop: 3, 11, 19 and so on; every week of a short history. */
static int64_t campaign_week(const struct synth_shop *shop, int64_t campaign)
{
    return shop->options.weeks < CAMPAIGN_EVERY ? campaign : 3 + CAMPAIGN_EVERY * campaign;
}

static int64_t count_campaigns(const struct synth_shop *shop)
{
    int64_t weeks = shop->options.weeks;
    return weeks < CAMPAIGN_EVERY ? weeks : (weeks - 3 + CAMPAIGN_EVERY - 1) / CAMPAIGN_EVERY;
}

/* Personal offers come in campaigns, for products that are not cheaper for all in that week. */
static int64_t draw_offer_week(const struct synth_shop *shop, const struct synth_user *user,
                               int64_t product, struct synth_draws *draws)
{
    const uint8_t *promotion = &shop->promotion[product * shop->options.weeks];
    int64_t campaigns = count_campaigns(shop), first = synth_draw_below(draws, campaigns);
    int64_t otherwise = draw_week(shop, user, draws);
    for (int64_t step = 0; step < campaigns; step++) {
        int64_t week = campaign_week(shop, (first + step) % campaigns);
        if (week >= user->first_week && promotion[week] == 0) return week;
    }
    return otherwise;
}

static struct synth_offer make_offer(const struct synth_shop *shop, const struct synth_user *user,
                                     struct synth_draws *draws)
{
    struct synth_offer offer = {0};
    int32_t propensity[SYNTH_LEVELS];
    bool fitting = synth_draw_uniform(draws) < 0.7; /* the others: any product */
    int32_t any = (int32_t)synth_draw_below(draws, shop->options.products);
    int32_t liked = synth_pick_product(shop, user, draws);
    offer.product = fitting ? liked : any;
    const struct synth_product *product = &shop->product[offer.product];
    offer.second = draw_second(draws, draw_offer_week(shop, user, offer.product, draws));
    synth_propensities(shop, user, product, propensity);
    int k = draw_level(propensity, draws);
    offer.percent = (uint8_t)synth_levels[k];
    offer.propensity = propensity[k];
    double chance = synth_probability(user, product, offer.percent);
    offer.shown = synth_draw_uniform(draws) < SYNTH_OFFER_SHOWN;
    offer.redeemed = offer.shown && synth_draw_uniform(draws) < chance;
    bool curious = synth_draw_uniform(draws) < SYNTH_CLICK_IF_NOT_BOUGHT;
    offer.clicked = offer.shown && (offer.redeemed || curious);
    return offer;
}

static int by_time_of_offer(const void *left, const void *right)
{
    const struct synth_offer *a = left, *b = right;
    if (a->second != b->second) return a->second < b->second ? -1 : 1;
    return (a->product > b->product) - (a->product < b->product);
}

static int by_time(const void *left, const void *right)
{
    const struct synth_event *a = left, *b = right;
    if (a->second != b->second) return a->second < b->second ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static enum status make_offers(const struct synth_shop *shop, const struct synth_user *user,
                               struct synth_history *history)
{
    struct synth_draws draws = {shop->options.seed, RANDOM_SYNTH_OFFER, (uint64_t)user->number, 0};
    double mean = (double)shop->options.offers_per_user * exp(0.3e-4 * (double)user->activity);
    int64_t count = (int64_t)(mean + synth_draw_uniform(&draws));
    enum status status =
        reserve(&history->offer, &history->offers_capacity, count, sizeof *history->offer);
    if (status != OK) return status;
    for (int64_t j = 0; j < count; j++) history->offer[j] = make_offer(shop, user, &draws);
    history->offers = count;
    qsort(history->offer, (size_t)count, sizeof *history->offer, by_time_of_offer);
    return OK;
}

/* What was redeemed shows among the purchases too. */
static void put_redemptions(struct synth_history *history)
{
    for (int64_t j = 0; j < history->offers; j++) {
        const struct synth_offer *offer = &history->offer[j];
        struct synth_event event = {
            .product = offer->product, .quantity = 1, .percent = offer->percent};
        if (offer->redeemed) put_event(history, offer->second, SYNTH_PURCHASE, &event);
    }
}

enum status synth_history_make(const struct synth_shop *shop, const struct synth_pilot *pilot,
                               const struct synth_user *user, struct synth_history *history)
{
    enum status status = OK;
    struct synth_draws draws = {shop->options.seed, RANDOM_SYNTH_EVENT, (uint64_t)user->number, 0};
    double mean = pilot->visits * visit_weight(shop, user);
    int64_t visits = (int64_t)(mean + synth_draw_uniform(&draws));
    history->events = history->offers = 0;
    TRY(make_offers(shop, user, history));
    TRY(reserve(&history->event, &history->events_capacity,
                EVENTS_PER_VISIT * visits + history->offers, sizeof *history->event));
    for (int64_t v = 0; v < visits; v++) make_visit(shop, user, &draws, history);
    put_redemptions(history);
    qsort(history->event, (size_t)history->events, sizeof *history->event, by_time);
done:
    return status;
}

void synth_history_clear(struct synth_history *history)
{
    free(history->event);
    free(history->offer);
    *history = (struct synth_history){0};
}

int synth_best_percent(const struct synth_user *user, const struct synth_product *product)
{
    int best = 0;
    double best_profit = -INFINITY;
    for (int k = 0; k < SYNTH_LEVELS; k++) {
        double price = (double)product->price_cents * (100 - synth_levels[k]) / 100.0;
        double left = price - (double)product->cost_cents;
        double profit = synth_probability(user, product, synth_levels[k]) * left;
        if (profit > best_profit && (k == 0 || left >= SYNTH_MARGIN_FLOOR * price)) {
            best_profit = profit;
            best = synth_levels[k];
        }
    }
    return best;
}

/* Events of a few visits of one pilot user, by visit weight. */
static double measure_events(const struct synth_shop *shop, const struct synth_user *user)
{
    struct synth_history one = {0};
    struct synth_event room[EVENTS_PER_VISIT];
    struct synth_draws draws = {shop->options.seed, RANDOM_SYNTH_EVENT, (uint64_t)user->number,
                                PILOT_DRAWS};
    int64_t events = 0;
    one.event = room;
    for (int v = 0; v < PILOT_VISITS; v++) {
        one.events = 0;
        make_visit(shop, user, &draws, &one);
        events += one.events;
    }
    return visit_weight(shop, user) * (double)events / PILOT_VISITS;
}

/* The products of highest quality, category by category: a user's own best are among them. */
struct favourites {
    int64_t count;
    int32_t product[SYNTH_CATEGORIES * SYNTH_SLOTS];
};

/* Move the `wanted` highest of `value` to the front, together with their products; ties keep their
 * order. */
static void select_highest(double *value, int32_t *product, int64_t count, int64_t wanted)
{
    for (int64_t j = 0; j < wanted; j++) {
        int64_t best = j;
        for (int64_t k = j + 1; k < count; k++)
            if (value[k] > value[best]) best = k;
        double high = value[best];
        int32_t of = product[best];
        value[best] = value[j];
        product[best] = product[j];
        value[j] = high;
        product[j] = of;
    }
}

static enum status find_favourites(const struct synth_shop *shop, struct favourites *favourites)
{
    enum status status = OK;
    double *value = NULL;
    int32_t *product = NULL;
    favourites->count = 0;
    TRY(memory_new(&value, shop->options.products, sizeof *value));
    TRY(memory_new(&product, shop->options.products, sizeof *product));
    for (int c = 0; c < shop->categories; c++) {
        int64_t first = shop->category_start[c], count = shop->category_start[c + 1] - first;
        int64_t wanted = count < SYNTH_SLOTS ? count : SYNTH_SLOTS;
        for (int64_t j = 0; j < count; j++) {
            product[j] = shop->ordered[first + j];
            value[j] = (double)shop->product[product[j]].quality;
        }
        select_highest(value, product, count, wanted);
        for (int64_t j = 0; j < wanted; j++) favourites->product[favourites->count++] = product[j];
    }
done:
    free(value);
    free(product);
    return status;
}

/* Cost in cents of the best levels for the products that fit one user best. */
static double measure_spend(const struct synth_shop *shop, const struct synth_user *user,
                            const struct favourites *favourites)
{
    double value[SYNTH_CATEGORIES * SYNTH_SLOTS], spend_cents = 0.0;
    struct favourites own = *favourites;
    int64_t slots = own.count < SYNTH_SLOTS ? own.count : SYNTH_SLOTS;
    for (int64_t j = 0; j < own.count; j++)
        value[j] = synth_intercept(user, &shop->product[own.product[j]]);
    select_highest(value, own.product, own.count, slots);
    for (int64_t j = 0; j < slots; j++) {
        const struct synth_product *product = &shop->product[own.product[j]];
        int percent = synth_best_percent(user, product);
        double cut_cents = (double)product->price_cents * percent / 100.0;
        spend_cents += synth_probability(user, product, percent) * cut_cents;
    }
    return spend_cents;
}

enum status synth_pilot_measure(const struct synth_shop *shop, struct synth_pilot *pilot)
{
    enum status status = OK;
    struct synth_history history = {0};
    struct favourites favourites;
    int64_t users = shop->options.users, count = users < PILOT_USERS ? users : PILOT_USERS;
    double events = 0.0, spend_cents = 0.0, redeemed = 0.0;
    TRY(find_favourites(shop, &favourites));
    for (int64_t k = 0; k < count; k++) {
        struct synth_user user;
        synth_user_make(shop, k * users / count, &user);
        events += measure_events(shop, &user);
        spend_cents += measure_spend(shop, &user, &favourites);
        TRY(make_offers(shop, &user, &history));
        for (int64_t j = 0; j < history.offers; j++)
            redeemed += history.offer[j].redeemed ? 1.0 : 0.0;
    }
    double wanted = (double)shop->options.events_per_user;
    double own = fmax(wanted - redeemed / (double)count, 0.25 * wanted);
    pilot->visits = own * (double)count / fmax(events, 0.1 * (double)count);
    pilot->spend_cents = spend_cents / (double)count;
done:
    synth_history_clear(&history);
    return status;
}
