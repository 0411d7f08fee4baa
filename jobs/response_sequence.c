/* Events of a user as steps of a sequence. */
#include "jobs/response_sequence.h"

#include <math.h>
#include <string.h>

#define DAY 86400.0

/* The values of a step. */
enum {
    STEP_PURCHASE, /* 1 a purchase */
    STEP_BROWSING, /* 1 a cart, less a click or a view */
    STEP_RECENCY,  /* log(1 + days before the moment) / 3 */
    STEP_CATEGORY, /* 1 in the product's category */
    STEP_PRODUCT,  /* 1 the product itself */
    STEP_PRICE,    /* log of its price to the product's; of the moment log of the price / 3 */
    STEP_DISCOUNT, /* share of the list price not paid; of the moment the product's margin */
    STEP_THERE,    /* 1 an event, -1 the moment, 0 none */
    CHANNELS
};

struct layer_shape response_sequence_shape(int64_t events)
{
    return events > 0 ? (struct layer_shape){events + 1, CHANNELS} : (struct layer_shape){0, 0};
}

static float within(double x)
{
    return (float)fmax(fmin(x, 3.0), -3.0);
}

static double price_of(const struct response_context *context, int32_t product)
{
    return fmax(context->dataset->products.list_price[product], 0.01);
}

static void fill_event(const struct response_context *context, int64_t e, int32_t product,
                       int64_t time, float *step)
{
    const struct events *events = &context->dataset->events;
    const int32_t *category = context->dataset->products.category_code;
    int32_t other = events->product[e];
    bool bought = events->kind[e] == EVENT_PURCHASE;
    double list = (double)events->list_cents[e];
    step[STEP_PURCHASE] = bought ? 1.0f : 0.0f;
    step[STEP_BROWSING] = bought ? 0.0f : (float)(events->kind[e] + 1) / 3.0f;
    step[STEP_RECENCY] = within(log1p((double)(time - events->time[e]) / DAY) / 3.0);
    step[STEP_CATEGORY] = category[other] == category[product] ? 1.0f : 0.0f;
    step[STEP_PRODUCT] = other == product ? 1.0f : 0.0f;
    step[STEP_PRICE] = within(log(price_of(context, other) / price_of(context, product)));
    if (bought && list > 0.0) step[STEP_DISCOUNT] = within(1.0 - events->paid_cents[e] / list);
    step[STEP_THERE] = 1.0f;
}

static void fill_moment(const struct response_context *context, int32_t product, float *step)
{
    double price = price_of(context, product);
    step[STEP_CATEGORY] = step[STEP_PRODUCT] = 1.0f;
    step[STEP_PRICE] = within(log(price) / 3.0);
    step[STEP_DISCOUNT] = within(1.0 - context->dataset->products.unit_cost[product] / price);
    step[STEP_THERE] = -1.0f;
}

/* The first of a user's events that is not before `time`. */
static int64_t first_after(const struct events *events, int64_t user, int64_t time)
{
    int64_t low = events->start[user], high = events->start[user + 1];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (events->time[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Views, clicks, carts, and purchases that did not come of offers. */
static bool is_own(const struct response_context *context, int64_t e)
{
    uint8_t kind = context->dataset->events.kind[e];
    return kind < EVENT_PURCHASE || (kind == EVENT_PURCHASE && !context->personal[e]);
}

float *response_sequence(const struct response_context *context, int64_t user, int32_t product,
                         const struct response_moment *moment, float *x)
{
    const struct events *all = &context->dataset->events;
    int64_t step = context->events, values = layer_values(response_sequence_shape(step));
    if (step == 0) return x;
    memset(x, 0, (size_t)values * sizeof *x);
    fill_moment(context, product, x + step * CHANNELS);
    for (int64_t e = first_after(all, user, moment->time) - 1; e >= all->start[user] && step > 0;
         e--)
        if (is_own(context, e))
            fill_event(context, e, product, moment->time, x + --step * CHANNELS);
    return x + values;
}

void response_sequence_keep_scale(int64_t events, double *mean, double *sd)
{
    for (int64_t j = 0; j < layer_values(response_sequence_shape(events)); j++) {
        mean[j] = 0.0;
        sd[j] = 1.0;
    }
}
