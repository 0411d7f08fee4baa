/* Rows of pairs. */
#include "jobs/neural_inputs.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RECENT_DAYS 20.0
#define LASTING_DAYS 365.0

enum { HISTORY = 5 };

/* ---- products ---- */

static void count_bought(const struct scorer_data *data, int64_t *bought)
{
    for (int64_t i = 0; i < data->start[data->dataset->users.blocks.rows_local]; i++)
        bought[data->product[i]] += data->bought[i];
}

/* Logarithm of the price in standard deviations over the products, 0 where it is not known. */
static void measure_prices(const struct products *products, float *to)
{
    double sum = 0.0, square = 0.0, count = 0.0;
    for (int64_t p = 0; p < products->count; p++) {
        if (!(products->list_price[p] > 0.0)) continue;
        double x = log(products->list_price[p]);
        sum += x;
        square += x * x;
        count += 1.0;
    }
    double mean = count > 0.0 ? sum / count : 0.0;
    double sd = count > 0.0 ? sqrt(fmax(square / count - mean * mean, 0.0)) : 0.0;
    for (int64_t p = 0; p < products->count; p++) {
        double price = products->list_price[p];
        bool known = price > 0.0 && sd > 0.0;
        to[p * NEURAL_PRODUCT] = known ? (float)((log(price) - mean) / sd) : 0.0f;
        to[p * NEURAL_PRODUCT + 1] =
            price > 0.0 ? (float)fmax(-2.0, 1.0 - products->unit_cost[p] / price) : 0.0f;
    }
}

/* Popularity beside the mean product's, and whether nobody has bought it. */
static void measure_popularity(const int64_t *bought, int64_t products, float *to)
{
    int64_t total = 0;
    for (int64_t p = 0; p < products; p++) total += bought[p];
    for (int64_t p = 0; p < products; p++) {
        double share = ((double)bought[p] + 1.0) / (double)(total + products);
        to[p * NEURAL_PRODUCT + 2] = (float)log(share * (double)products);
        to[p * NEURAL_PRODUCT + 3] = bought[p] > 0 ? 0.0f : 1.0f;
    }
}

enum status neural_view_make(const struct comm *comm, const struct scorer_data *data,
                             const struct portrait *portrait, int64_t scored,
                             struct neural_view *view)
{
    enum status status = OK;
    int64_t products = data->dataset->products.count, *bought = NULL;
    *view = (struct neural_view){.data = data, .portrait = portrait, .scored = scored};
    view->columns = scored + data->columns + portrait->columns + NEURAL_PRODUCT + HISTORY;
    view->stride = vector_padded(view->columns);
    TRY_ALL(comm, memory_new(&bought, products, sizeof *bought));
    TRY_ALL(comm, memory_new(&view->product, products * NEURAL_PRODUCT, sizeof *view->product));
    count_bought(data, bought);
    comm_sum_int64(comm, bought, products);
    measure_prices(&data->dataset->products, view->product);
    measure_popularity(bought, products, view->product);
done:
    free(bought);
    if (status != OK) neural_view_clear(view);
    return status;
}

void neural_view_clear(struct neural_view *view)
{
    free(view->product);
    *view = (struct neural_view){0};
}

/* ---- users ---- */

enum status neural_user_open(const struct neural_view *view, struct neural_user *at)
{
    enum status status = OK;
    int64_t longest = portrait_longest(view->data);
    *at = (struct neural_user){.user = -1};
    TRY(memory_new(&at->recent, longest, sizeof *at->recent));
    TRY(memory_new(&at->lasting, longest, sizeof *at->lasting));
    TRY(memory_new(&at->category, view->data->dataset->products.category.count,
                   sizeof *at->category));
done:
    return status;
}

void neural_user_clear(struct neural_user *at)
{
    free(at->recent);
    free(at->lasting);
    free(at->category);
    *at = (struct neural_user){0};
}

void neural_user_set(const struct neural_view *view, int64_t user, struct neural_user *at)
{
    const struct scorer_data *data = view->data;
    const struct products *products = &data->dataset->products;
    int64_t first = data->start[user], count = data->start[user + 1] - first;
    portrait_liking(data, user, RECENT_DAYS, at->recent);
    portrait_liking(data, user, LASTING_DAYS, at->lasting);
    memset(at->category, 0, (size_t)products->category.count * sizeof *at->category);
    at->user = user;
    at->total = 0.0f;
    for (int64_t i = 0; i < count; i++) at->total += at->lasting[i];
    for (int64_t i = 0; i < count && at->total > 0.0f; i++)
        at->category[products->category_code[data->product[first + i]]] +=
            at->lasting[i] / at->total;
}

void neural_row(const struct neural_view *view, const struct neural_user *at, int32_t product,
                const float *scored, float *x)
{
    const struct scorer_data *data = view->data;
    const struct dataset *d = data->dataset;
    int64_t place = portrait_place(data, at->user, product);
    memset(x, 0, (size_t)view->stride * sizeof *x);
    memcpy(x, scored, (size_t)view->scored * sizeof *x);
    x += view->scored;
    memcpy(x, data->portrait + at->user * data->stride, (size_t)data->columns * sizeof *x);
    x += data->columns;
    portrait_attributes(view->portrait, &d->users, at->user, x);
    x += view->portrait->columns;
    memcpy(x, view->product + product * NEURAL_PRODUCT, NEURAL_PRODUCT * sizeof *x);
    x += NEURAL_PRODUCT;
    if (place >= 0) {
        x[0] = at->recent[place];
        x[1] = at->lasting[place];
        x[2] = log1pf((float)data->bought[data->start[at->user] + place]);
    }
    x[3] = at->category[d->products.category_code[product]];
    x[4] = log1pf(at->total);
}
