/* Promotions and neighbours' prices, product by product. */
#include "jobs/demand_columns.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* ---- which effect is whose ---- */

static bool has_neighbours(const struct demand_neighbours *n, int64_t product)
{
    return n->product[product * n->most] >= 0;
}

/* Cells behind each category's cross price, and those with a promotion, on all ranks. */
static enum status count_rows(const struct comm *comm, const struct demand_sources *s,
                              const struct demand_neighbours *n, struct demand_columns *c)
{
    enum status status = OK;
    const struct demand_panel *panel = &s->panel;
    TRY_ALL(comm, memory_new(&c->cross_rows, panel->categories, sizeof *c->cross_rows));
    for (int64_t p = 0; p < panel->products->rows_local; p++) {
        int64_t cells = panel->start[p + 1] - panel->start[p];
        if (n->products > 0 && has_neighbours(n, panel->products->row_first + p))
            c->cross_rows[panel->category[p]] += cells;
        for (int64_t t = 0; c->promotion && t < panel->weeks; t++)
            c->promoted_rows += s->prices.promoted[p * panel->weeks + t] > 0.0;
    }
    comm_sum_int64(comm, c->cross_rows, panel->categories);
    comm_sum_int64(comm, &c->promoted_rows, 1);
done:
    return status;
}

/* How many categories have more cells, or as many and come first. */
static int64_t place_of(const struct demand_columns *c, int64_t categories, int64_t category)
{
    int64_t before = 0;
    for (int64_t other = 0; other < categories; other++)
        before += c->cross_rows[other] > c->cross_rows[category] ||
                  (c->cross_rows[other] == c->cross_rows[category] && other < category);
    return before;
}

static enum status number_crosses(const struct demand_panel *panel, struct demand_columns *c)
{
    enum status status = memory_new(&c->cross_of, panel->categories, sizeof *c->cross_of);
    if (status != OK) return status;
    for (int64_t k = 0; k < panel->categories; k++) {
        bool own = c->cross_rows[k] >= panel->min_rows;
        own = own && place_of(c, panel->categories, k) < DEMAND_CROSSES;
        c->cross_of[k] = own ? (int32_t)c->crosses++ : -1;
    }
    for (int64_t k = 0; k < panel->categories; k++)
        if (c->cross_of[k] < 0) c->cross_of[k] = (int32_t)c->crosses;
    c->crosses++;
    return OK;
}

/* ---- cross prices ---- */

static int compare_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of a product's known log prices, the lower one of two; NaN if there is none. */
static double usual_price(const double *x, int64_t weeks, double *room)
{
    int64_t known = 0;
    for (int64_t t = 0; t < weeks; t++)
        if (!isnan(x[t])) room[known++] = x[t];
    if (known == 0) return NAN;
    qsort(room, (size_t)known, sizeof *room, compare_number);
    return room[(known - 1) / 2];
}

/* Weighted mean of log price over usual log price of the product's neighbours. */
static void add_cross(const struct demand_prices *prices, const struct demand_neighbours *n,
                      int64_t product, double *room, double *z)
{
    for (int64_t k = 0; k < n->most; k++) {
        int32_t other = n->product[product * n->most + k];
        if (other < 0) return;
        const double *x = prices->x + other * prices->weeks;
        double usual = usual_price(x, prices->weeks, room);
        for (int64_t t = 0; t < prices->weeks; t++)
            if (!isnan(x[t])) z[t] += n->weight[product * n->most + k] * (x[t] - usual);
    }
}

static enum status fill(const struct demand_sources *s, const struct demand_neighbours *n,
                        struct demand_columns *c)
{
    enum status status = OK;
    const struct demand_panel *panel = &s->panel;
    int64_t products = panel->products->rows_local, weeks = panel->weeks, k = c->promotion;
    double *room = NULL;
    TRY(memory_new(&room, weeks, sizeof *room));
    TRY(memory_new(&c->z, c->columns * products * weeks, sizeof *c->z));
    TRY(memory_new(&c->effect, c->columns * products, sizeof *c->effect));
    for (int64_t i = 0; c->promotion && i < products * weeks; i++) c->z[i] = s->prices.promoted[i];
    for (int64_t p = 0; c->crosses > 0 && p < products; p++) {
        c->effect[k * products + p] = (int32_t)k + c->cross_of[panel->category[p]];
        add_cross(&s->prices, n, panel->products->row_first + p, room,
                  c->z + (k * products + p) * weeks);
    }
done:
    free(room);
    return status;
}

enum status demand_columns_make(const struct comm *comm, const struct demand_sources *sources,
                                const struct demand_neighbours *neighbours,
                                struct demand_columns *columns)
{
    enum status status = OK;
    struct demand_columns *c = columns;
    *c = (struct demand_columns){.promotion = sources->prices.promoted != NULL};
    TRY(count_rows(comm, sources, neighbours, c));
    if (neighbours->products > 0) TRY_ALL(comm, number_crosses(&sources->panel, c));
    c->columns = c->promotion + (c->crosses > 0);
    c->effects = c->promotion + c->crosses;
    TRY_ALL(comm, fill(sources, neighbours, c));
done:
    return status;
}

void demand_columns_clear(struct demand_columns *c)
{
    free(c->cross_of);
    free(c->cross_rows);
    free(c->z);
    free(c->effect);
    *c = (struct demand_columns){0};
}
