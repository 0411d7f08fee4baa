/* Training rows from purchases and the discounts seen week by week. */
#include "jobs/response_exposures.h"

#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

enum { WEEK = 7 * 86400, CELLS_MAX = 1 << 26 };

/* Discount of every product (or category, where products are too many) in every week, over all
 * ranks. */
struct shelf {
    int64_t weeks;
    bool by_category;
    int64_t *paid, *list; /* [units][weeks] cents; list 0: not sold */
};

static int64_t shelf_cell(const struct shelf *shelf, const struct products *products,
                          int32_t product, int64_t week)
{
    int64_t unit = shelf->by_category ? products->category_code[product] : product;
    return unit * shelf->weeks + week;
}

static int64_t week_of(const struct dataset *dataset, int64_t time)
{
    return (time - dataset->time_first) / WEEK;
}

static enum status fill_shelf(const struct comm *comm, const struct dataset *dataset,
                              struct shelf *shelf)
{
    enum status status = OK;
    const struct events *events = &dataset->events;
    const struct products *products = &dataset->products;
    shelf->weeks = week_of(dataset, dataset->time_last) + 1;
    shelf->by_category = products->count * shelf->weeks > CELLS_MAX;
    int64_t cells =
        (shelf->by_category ? products->category.count : products->count) * shelf->weeks;
    TRY_ALL(comm, memory_new(&shelf->paid, cells, sizeof *shelf->paid));
    TRY_ALL(comm, memory_new(&shelf->list, cells, sizeof *shelf->list));
    for (int64_t e = 0; e < events->start[dataset->users.blocks.rows_local]; e++) {
        if (events->kind[e] != EVENT_PURCHASE) continue;
        int64_t cell =
            shelf_cell(shelf, products, events->product[e], week_of(dataset, events->time[e]));
        shelf->paid[cell] += events->paid_cents[e];
        shelf->list[cell] += events->list_cents[e];
    }
    comm_sum_int64(comm, shelf->paid, cells);
    comm_sum_int64(comm, shelf->list, cells);
done:
    return status;
}

static float shelf_discount(const struct shelf *shelf, int64_t cell)
{
    if (shelf->list[cell] <= 0) return 0.0f;
    return (float)(1.0 - (double)shelf->paid[cell] / (double)shelf->list[cell]);
}

/* ---- one user ---- */

struct maker {
    const struct response_context *context;
    const struct response_rows_options *options;
    const struct shelf *shelf;
    struct response_rows *rows;
    uint64_t entity; /* the user, for random numbers */
    uint64_t draws;  /* used so far */
    int64_t *buyer;  /* [products] 1 + the local user who bought it last, 0 nobody */
    int64_t *week;   /* [products] the week of that */
};

/* First event of the user at or after a moment; events are in the order of time. */
static int64_t first_at(const struct events *events, int64_t user, int64_t time)
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

static bool bought_in_week(const struct dataset *dataset, int64_t user, int32_t product,
                           int64_t week)
{
    const struct events *events = &dataset->events;
    int64_t begin = dataset->time_first + week * WEEK, last = events->start[user + 1];
    for (int64_t e = first_at(events, user, begin); e < last && events->time[e] < begin + WEEK; e++)
        if (events->kind[e] == EVENT_PURCHASE && events->product[e] == product) return true;
    return false;
}

/* By this user, in the events the maker has passed. */
static bool has_bought(const struct maker *maker, int64_t user, int32_t product)
{
    return maker->buyer[product] == user + 1;
}

/* Draw a week for a product the user did not buy then; a week without sales tells nothing and is
 * passed over. */
static void add_negative(struct maker *maker, int64_t user, int32_t product, double weight)
{
    const struct dataset *dataset = maker->context->dataset;
    uint64_t seed = maker->options->seed;
    int64_t week = (int64_t)random_below(seed, RANDOM_NEGATIVES, maker->entity, maker->draws++,
                                         (uint64_t)maker->shelf->weeks);
    int64_t cell = shelf_cell(maker->shelf, &dataset->products, product, week);
    if (maker->shelf->list[cell] <= 0) return;
    if (bought_in_week(dataset, user, product, week)) return;
    struct response_example example = {.user = user,
                                       .product = product,
                                       .known_until = dataset->time_first + week * WEEK + WEEK / 2,
                                       .discount = shelf_discount(maker->shelf, cell),
                                       .weight = (float)weight};
    response_rows_add(maker->context, &example, maker->options, maker->rows);
}

static void add_bought(struct maker *maker, int64_t user)
{
    const struct dataset *dataset = maker->context->dataset;
    const struct events *events = &dataset->events;
    int64_t negatives = maker->options->negatives;
    for (int64_t e = events->start[user]; e < events->start[user + 1]; e++) {
        int32_t product = events->product[e];
        int64_t week = week_of(dataset, events->time[e]);
        bool again = has_bought(maker, user, product);
        if (events->kind[e] != EVENT_PURCHASE || (again && maker->week[product] == week)) continue;
        maker->buyer[product] = user + 1;
        maker->week[product] = week;
        int64_t cell = shelf_cell(maker->shelf, &dataset->products, product, week);
        struct response_example example = {.user = user,
                                           .product = product,
                                           .known_until = events->time[e],
                                           .discount = shelf_discount(maker->shelf, cell),
                                           .weight = 1.0f,
                                           .bought = true};
        response_rows_add(maker->context, &example, maker->options, maker->rows);
        if (again) continue; /* its other weeks are drawn already */
        double weight = (double)(maker->shelf->weeks - 1) / (double)negatives;
        for (int64_t n = 0; n < negatives; n++) add_negative(maker, user, product, weight);
    }
}

static void add_candidates(struct maker *maker, const struct candidates *candidates, int64_t user)
{
    const int32_t *product = candidates->product + user * candidates->slots;
    int64_t fresh = 0, negatives = maker->options->negatives;
    for (int64_t s = 0; s < candidates->slots; s++)
        fresh += product[s] >= 0 && !has_bought(maker, user, product[s]);
    if (fresh == 0) return;
    double weight = (double)(maker->shelf->weeks * fresh) / (double)negatives;
    for (int64_t n = 0; n < negatives; n++) {
        int64_t pick = (int64_t)random_below(maker->options->seed, RANDOM_NEGATIVES, maker->entity,
                                             maker->draws++, (uint64_t)fresh);
        for (int64_t s = 0; s < candidates->slots; s++) {
            if (product[s] < 0 || has_bought(maker, user, product[s])) continue;
            if (pick-- == 0) add_negative(maker, user, product[s], weight);
        }
    }
}

/* An upper bound for a part of the users: every purchase with its negatives, and each user's fresh
 * candidates. */
static int64_t rows_at_most(const struct maker *maker, double part)
{
    const struct dataset *dataset = maker->context->dataset;
    const struct events *events = &dataset->events;
    int64_t negatives = maker->options->negatives, rows = 0;
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        if (!response_rows_wanted(maker->context, maker->options, part, u)) continue;
        rows += negatives;
        for (int64_t e = events->start[u]; e < events->start[u + 1]; e++)
            rows += events->kind[e] == EVENT_PURCHASE ? 1 + negatives : 0;
    }
    return rows;
}

enum status response_exposures_make(const struct comm *comm, const struct response_context *context,
                                    const struct candidates *candidates,
                                    const struct response_rows_options *options,
                                    struct response_rows *rows)
{
    enum status status = OK;
    struct shelf shelf = {0};
    const struct blocks *users = &context->dataset->users.blocks;
    struct maker maker = {.context = context, .options = options, .shelf = &shelf, .rows = rows};
    log_warning("no offers table: the response is learned from purchases and the discounts then "
                "seen; this is "
                "observational, and what moved prices and purchases alike stays in it");
    int64_t products = context->dataset->products.count;
    TRY_ALL(comm, memory_new(&maker.buyer, products, sizeof *maker.buyer));
    TRY_ALL(comm, memory_new(&maker.week, products, sizeof *maker.week));
    TRY(fill_shelf(comm, context->dataset, &shelf));
    double part = response_rows_part(comm, options, rows_at_most(&maker, 1.0));
    int64_t most = rows_at_most(&maker, part);
    response_rows_say(comm, context, most);
    TRY_ALL(comm, response_rows_reserve(context, most, rows));
    for (int64_t b = 0; b < users->blocks_local; b++) {
        for (int64_t u = users->start[b]; u < users->start[b + 1]; u++) {
            if (!response_rows_wanted(context, options, part, u)) continue;
            maker.entity = context->dataset->users.key[u].low;
            maker.draws = 0;
            add_bought(&maker, u);
            add_candidates(&maker, candidates, u);
        }
        rows->blocks.start[b + 1] = rows->blocks.rows_local;
        log_progress("response rows", b + 1, users->blocks_local);
    }
done:
    free(maker.buyer);
    free(maker.week);
    free(shelf.paid);
    free(shelf.list);
    return status;
}
