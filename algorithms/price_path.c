/* Steps of hulls, each booked at the first price that takes it. */
#include "algorithms/price_path.h"

#include "algorithms/hull.h"

#define ONE ((int64_t)1 << 30)
#define PRICE_MOST ((int64_t)1 << 53)

static uint64_t key_of(int64_t price)
{
    if (price <= 0) return 0;
    return hull_slope_key(price < PRICE_MOST ? price : PRICE_MOST, ONE);
}

/* The first point whose price is not above the slope; points if all are. */
static int64_t first_taking(const uint64_t *key, int64_t points, uint64_t slope)
{
    int64_t low = 0, high = points;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (key[middle] <= slope)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* step: [points + 1] what each point adds to the one before it */
static void book_slot(const struct allocation_cells *cells, int64_t slot, const uint64_t *key,
                      int64_t points, struct allocation_point *step)
{
    const int64_t *value = cells->value + slot * cells->levels;
    const int64_t *cost = cells->cost + slot * cells->levels;
    struct hull hull;
    hull_make(value, cost, cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX,
              cells->levels, &hull);
    step[0].value += value[hull.level[0]];
    step[0].spent += cost[hull.level[0]];
    for (int h = 1; h < hull.count; h++) {
        int64_t gain = value[hull.level[h]] - value[hull.level[h - 1]];
        int64_t more = cost[hull.level[h]] - cost[hull.level[h - 1]];
        int64_t at = first_taking(key, points, hull_slope_key(gain, more));
        step[at].value += gain;
        step[at].spent += more;
    }
}

enum status price_path_at(const struct comm *comm, const struct allocation_cells *cells,
                          const int64_t *price, int64_t points, struct allocation_point *point)
{
    enum status status = OK;
    uint64_t key[PRICE_PATH_POINTS];
    struct allocation_point step[PRICE_PATH_POINTS + 1] = {0};
    if (points < 0 || points > PRICE_PATH_POINTS)
        TRY(FAIL(ERR_ARG, "%lld points of the path; at most %d are possible", (long long)points,
                 PRICE_PATH_POINTS));
    for (int64_t p = 0; p < points; p++) key[p] = key_of(price[p]);
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) book_slot(cells, i, key, points, step);
    comm_sum_int64(comm, (int64_t *)step, 2 * (points + 1));
    for (int64_t p = 0; p < points; p++) {
        point[p] = step[p];
        if (p == 0) continue;
        point[p].value += point[p - 1].value;
        point[p].spent += point[p - 1].spent;
    }
done:
    return status;
}
