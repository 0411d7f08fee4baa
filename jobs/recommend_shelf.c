/* Products that nobody dealt with and that cannot be offered are taken out. */
#include "jobs/recommend_shelf.h"

#include "jobs/offerable.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

static void count_events(const struct dataset *d, int64_t *count)
{
    for (int64_t e = 0; e < d->events.start[d->users.blocks.rows_local]; e++)
        count[d->events.product[e]]++;
}

/* Texts of the products that stay move to the front. */
static void keep_texts(const struct recommend_shelf *shelf, struct dictionary *id)
{
    int64_t at = 0;
    for (int64_t k = 0; k < shelf->count; k++) {
        int64_t first = id->start[shelf->product[k]];
        int64_t bytes = id->start[shelf->product[k] + 1] - first;
        memmove(id->text + at, id->text + first, (size_t)bytes);
        id->start[k] = at;
        at += bytes;
    }
    id->start[shelf->count] = at;
    id->count = shelf->count;
}

static void keep_products(const struct recommend_shelf *shelf, struct products *p)
{
    keep_texts(shelf, &p->id);
    for (int64_t k = 0; k < shelf->count; k++) {
        int32_t from = shelf->product[k];
        p->category_code[k] = p->category_code[from];
        p->brand_code[k] = p->brand_code[from];
        p->list_price[k] = p->list_price[from];
        p->unit_cost[k] = p->unit_cost[from];
        if (p->price_floor != NULL) p->price_floor[k] = p->price_floor[from];
        if (p->margin_floor != NULL) p->margin_floor[k] = p->margin_floor[from];
        if (p->stock != NULL) p->stock[k] = p->stock[from];
        for (int64_t a = 0; a < p->attributes; a++)
            p->attribute[a].value[k] = p->attribute[a].value[from];
    }
    p->count = shelf->count;
}

enum status recommend_shelf_make(const struct comm *comm, const struct config *config,
                                 struct dataset *d, struct recommend_shelf *shelf)
{
    enum status status = OK;
    int64_t *count = NULL, products = d->products.count;
    int32_t *now = NULL;
    *shelf = (struct recommend_shelf){0};
    TRY_ALL(comm, memory_new(&count, products, sizeof *count));
    TRY_ALL(comm, memory_new(&now, products, sizeof *now));
    TRY_ALL(comm, memory_new(&shelf->product, products, sizeof *shelf->product));
    count_events(d, count);
    comm_sum_int64(comm, count, products);
    for (int64_t p = 0; p < products; p++) {
        if (count[p] == 0 && !offerable_product(config, &d->products, p)) continue;
        now[p] = (int32_t)shelf->count;
        shelf->product[shelf->count++] = (int32_t)p;
    }
    keep_products(shelf, &d->products);
    for (int64_t e = 0; e < d->events.start[d->users.blocks.rows_local]; e++)
        d->events.product[e] = now[d->events.product[e]];
    if (shelf->count < products)
        log_info("  %lld products of which nothing is known but their names are left out",
                 (long long)(products - shelf->count));
done:
    free(count);
    free(now);
    return status;
}

void recommend_shelf_return(const struct recommend_shelf *shelf, int64_t users,
                            struct candidates *candidates)
{
    for (int64_t i = 0; i < users * candidates->slots; i++)
        if (candidates->product[i] >= 0)
            candidates->product[i] = shelf->product[candidates->product[i]];
}

void recommend_shelf_clear(struct recommend_shelf *shelf)
{
    free(shelf->product);
    *shelf = (struct recommend_shelf){0};
}
