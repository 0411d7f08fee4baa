/* A user's own history, for the response network. */
#include "jobs/response_past.h"

enum { RECALLED_MAX = 4096 };

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

static void recall_purchase(const struct events *events, int64_t e, bool same_category,
                            bool same_product, struct response_past *past)
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

static void recall_events(const struct dataset *dataset, const bool *personal, int64_t user,
                          int32_t product, int64_t time, struct response_past *past)
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
            if (!personal[e]) recall_purchase(events, e, same_category, same_product, past);
        } else if (events->kind[e] < EVENT_PURCHASE) {
            past->browsing++;
            past->category_browsed += same_category;
            past->product_browsed += same_product;
        }
    }
}

static void add_standing(const struct response_policy *policy, int64_t o,
                         struct response_standing *to)
{
    to->weight += (double)policy->weight[o];
    to->sum += (double)policy->weight[o] * (double)policy->standing[o];
}

static void recall_offers(const struct dataset *dataset, const struct response_policy *policy,
                          int64_t user, int32_t product, const struct response_moment *moment,
                          struct response_past *past)
{
    const struct offers *offers = &dataset->offers;
    const int32_t *category = dataset->products.category_code;
    int64_t first = offers->start[user], next = offers->start[user + 1];
    int64_t from = recall_from(offers->time, first, next, moment->time);
    for (int64_t o = from; o < next && offers->time[o] < moment->time; o++) {
        bool same = category[offers->product[o]] == category[product];
        past->offers++;
        if (!same || !moment->hide_category) add_standing(policy, o, &past->all);
        if (same && !moment->hide_category) add_standing(policy, o, &past->category);
    }
}

struct response_past response_recall(const struct dataset *dataset, const bool *personal,
                                     const struct response_policy *policy, int64_t user,
                                     int32_t product, const struct response_moment *moment)
{
    struct response_past past = {0};
    recall_events(dataset, personal, user, product, moment->time, &past);
    recall_offers(dataset, policy, user, product, moment, &past);
    return past;
}
