/* All steps of all hulls, sorted over the ranks and added up. */
#include "algorithms/allocation_path.h"

#include "algorithms/allocation_check.h"
#include "algorithms/hull.h"
#include "mpi/memory.h"
#include "partition/sorter_order.h"

#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 int128;

enum { ORDER_WORDS = 2, PLACE_BITS = 5, SAMPLES = 1 << 13, SAMPLES_OF_RANK = 64 };

_Static_assert(HULL_LEVELS <= 1 << PLACE_BITS, "the steps of a slot are numbered in its place");

/* Steps as they are collected; value and spent are the gain and cost of the one step. */
struct steps {
    int64_t count;
    struct allocation_step *step;
};

/* ---- steps of this rank's slots ---- */

/* Checks slots and counts their steps. */
static enum status count_steps(const struct allocation_cells *cells, struct allocation_path *path,
                               struct allocation_reach *reach, int64_t *steps)
{
    *steps = 0;
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        struct hull hull;
        int64_t first = i * cells->levels;
        enum status status = allocation_check_slot(cells, i, false, reach);
        if (status != OK) return status;
        hull_make(cells->value + first, cells->cost + first, allocation_allowed(cells, i),
                  cells->levels, &hull);
        *steps += hull.count - 1;
        path->base_value += cells->value[first + hull.level[0]];
        path->base_spent += cells->cost[first + hull.level[0]];
    }
    return OK;
}

static void collect_slot(const struct allocation_cells *cells, const int64_t *mark, int64_t slot,
                         struct steps *steps)
{
    struct hull hull;
    int64_t first = slot * cells->levels, number = cells->blocks->row_first + slot;
    const int64_t *value = cells->value + first, *cost = cells->cost + first;
    hull_make(value, cost, allocation_allowed(cells, slot), cells->levels, &hull);
    for (int j = 1; j < hull.count; j++) {
        int from = hull.level[j - 1], to = hull.level[j];
        int64_t gain = value[to] - value[from], more = cost[to] - cost[from];
        steps->step[steps->count++] = (struct allocation_step){
            .order = ~hull_slope_key(gain, more),
            .place = (uint64_t)number << PLACE_BITS | (uint64_t)j,
            .mark = mark != NULL ? mark[first + to] : number * cells->levels + to,
            .value = gain,
            .spent = more};
    }
}

/* ---- to their ranks ---- */

/* Every `stride`-th step of all ranks stands for the order of all. */
static enum status sample_steps(const struct comm *comm, const struct steps *steps, int64_t total,
                                uint64_t (**sample)[ORDER_WORDS], int64_t *samples)
{
    enum status status = OK;
    uint64_t(*mine)[ORDER_WORDS] = NULL;
    void *all = NULL;
    int64_t wanted = (int64_t)comm->ranks * SAMPLES_OF_RANK, bytes = 0, count = 0;
    int64_t stride = total / (wanted > SAMPLES ? wanted : SAMPLES) + 1;
    TRY_ALL(comm, memory_new(&mine, steps->count / stride + 1, sizeof *mine));
    for (int64_t i = 0; i < steps->count; i += stride, count++) {
        mine[count][0] = steps->step[i].order;
        mine[count][1] = steps->step[i].place;
    }
    TRY(comm_gather_all(comm, mine, count * (int64_t)sizeof *mine, &all, &bytes));
    *sample = all;
    *samples = bytes / (int64_t)sizeof *mine;
done:
    free(mine);
    return status;
}

static int by_order(const void *left, const void *right)
{
    return order_compare(left, right, 0, ORDER_WORDS);
}

/* The rank of a step: the cuts that are not behind it. */
static int rank_of(uint64_t (*cut)[ORDER_WORDS], int cuts, const struct allocation_step *step)
{
    int low = 0, high = cuts;
    while (low < high) {
        int middle = (low + high) / 2;
        if (order_compare(cut[middle], step, 0, ORDER_WORDS) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Steps in the order of their ranks, and how many each rank gets. */
static void part_steps(const struct comm *comm, const struct steps *steps,
                       uint64_t (*sample)[ORDER_WORDS], int64_t samples,
                       struct allocation_step *parted, int64_t *count, int64_t *place)
{
    int cuts = samples > 0 ? comm->ranks - 1 : 0;
    if (samples > 0) qsort(sample, (size_t)samples, sizeof *sample, by_order);
    for (int c = 0; c < cuts; c++) /* never before it is read: samples (c + 1) / ranks >= c */
        memmove(sample[c], sample[samples * (c + 1) / comm->ranks], sizeof *sample);
    for (int64_t i = 0; i < steps->count; i++) count[rank_of(sample, cuts, &steps->step[i])]++;
    for (int r = 1; r < comm->ranks; r++) place[r] = place[r - 1] + count[r - 1];
    for (int64_t i = 0; i < steps->count; i++)
        parted[place[rank_of(sample, cuts, &steps->step[i])]++] = steps->step[i];
}

static enum status exchange_steps(const struct comm *comm, struct steps *steps, int64_t total)
{
    enum status status = OK;
    uint64_t(*sample)[ORDER_WORDS] = NULL;
    struct allocation_step *parted = NULL;
    int64_t samples = 0, *count = NULL, *place = NULL;
    void *received = NULL;
    if (comm->ranks == 1) return OK;
    TRY(sample_steps(comm, steps, total, &sample, &samples));
    TRY_ALL(comm, memory_new(&parted, steps->count, sizeof *parted));
    TRY_ALL(comm, memory_new(&count, comm->ranks, sizeof *count));
    TRY_ALL(comm, memory_new(&place, comm->ranks, sizeof *place));
    part_steps(comm, steps, sample, samples, parted, count, place);
    free(steps->step);
    steps->step = NULL;
    TRY(comm_exchange(comm, parted, count, sizeof *parted, &received, &steps->count));
    steps->step = received;
done:
    free(sample);
    free(parted);
    free(count);
    free(place);
    return status;
}

/* ---- in their order ---- */

static enum status sort_steps(struct steps *steps, struct allocation_path *path)
{
    struct order order = {0};
    enum status status = memory_new(&path->step, steps->count, sizeof *path->step);
    if (status == OK && steps->count > 0)
        status = order_sort(&order, steps->step, steps->count, sizeof *steps->step, ORDER_WORDS,
                            path->step);
    order_clear(&order);
    return status;
}

/* Gains and costs become what all slots are worth and spend. */
static void add_up(const struct comm *comm, struct allocation_path *path)
{
    int64_t value = 0, spent = 0;
    for (int64_t i = 0; i < path->steps_local; i++) {
        path->step[i].value = value += path->step[i].value;
        path->step[i].spent = spent += path->step[i].spent;
    }
    path->step_first = comm_prefix_int64(comm, path->steps_local);
    path->value_before = path->base_value + comm_prefix_int64(comm, value);
    path->spent_before = path->base_spent + comm_prefix_int64(comm, spent);
    for (int64_t i = 0; i < path->steps_local; i++) {
        path->step[i].value += path->value_before;
        path->step[i].spent += path->spent_before;
    }
    int64_t sum[2] = {value, spent};
    comm_sum_int64(comm, sum, 2);
    path->value_after = path->base_value + sum[0];
    path->spent_after = path->base_spent + sum[1];
}

enum status allocation_path_make(const struct comm *comm, const struct allocation_cells *cells,
                                 const int64_t *mark, struct allocation_path *path)
{
    enum status status = OK;
    struct allocation_reach reach = {0};
    struct steps steps = {0};
    int64_t count = 0;
    *path = (struct allocation_path){0};
    TRY_ALL(comm, allocation_check_shape(cells));
    TRY_ALL(comm, count_steps(cells, path, &reach, &count));
    TRY(allocation_check_reach(comm, &reach));
    TRY_ALL(comm, memory_new(&steps.step, count, sizeof *steps.step));
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) collect_slot(cells, mark, i, &steps);
    int64_t sum[3] = {count, path->base_value, path->base_spent};
    comm_sum_int64(comm, sum, 3);
    path->steps_total = sum[0];
    path->base_value = sum[1];
    path->base_spent = sum[2];
    TRY(exchange_steps(comm, &steps, path->steps_total));
    TRY_ALL(comm, sort_steps(&steps, path));
    path->steps_local = steps.count;
    add_up(comm, path);
done:
    free(steps.step);
    return status;
}

void allocation_path_clear(struct allocation_path *path)
{
    free(path->step);
    *path = (struct allocation_path){0};
}

/* ---- points ---- */

struct allocation_price allocation_path_price(const struct allocation_path *path, int64_t at)
{
    const struct allocation_step *step = &path->step[at];
    int64_t value = at > 0 ? step[-1].value : path->value_before;
    int64_t spent = at > 0 ? step[-1].spent : path->spent_before;
    return (struct allocation_price){step->value - value, step->spent - spent};
}

/* Steps of this rank after which no more than `budget` is spent. */
static int64_t steps_within(const struct allocation_path *path, int64_t budget)
{
    int64_t low = 0, high = path->steps_local;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (path->step[middle].spent <= budget)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What is known of a point where its last step and the next one lie. */
struct share {
    int64_t value, spent, gain, cost;
};

static struct share share_of(const struct allocation_path *path, int64_t steps)
{
    struct share share = {0};
    int64_t last = steps - 1 - path->step_first, next = steps - path->step_first;
    if (last >= 0 && last < path->steps_local) {
        share.value = path->step[last].value - path->base_value;
        share.spent = path->step[last].spent - path->base_spent;
    }
    if (next >= 0 && next < path->steps_local) {
        struct allocation_price price = allocation_path_price(path, next);
        share.gain = price.value;
        share.cost = price.cost;
    }
    return share;
}

static void settle_point(const struct allocation_path *path, const struct share *share,
                         struct allocation_path_point *point)
{
    point->value = path->base_value + share->value;
    point->spent = path->base_spent + share->spent;
    point->price = (struct allocation_price){share->gain, share->cost > 0 ? share->cost : 1};
    point->upper_bound = allocation_bound(
        point->price, (struct allocation_point){point->value, point->spent}, point->budget);
    if (point->budget < path->base_spent) point->steps = -1;
}

enum status allocation_path_at(const struct comm *comm, const struct allocation_path *path,
                               struct allocation_path_point *point, int64_t points)
{
    enum status status = OK;
    int64_t *steps = NULL;
    struct share *share = NULL;
    TRY_ALL(comm, memory_new(&steps, points, sizeof *steps));
    TRY_ALL(comm, memory_new(&share, points, sizeof *share));
    for (int64_t p = 0; p < points; p++) steps[p] = steps_within(path, point[p].budget);
    comm_sum_int64(comm, steps, points);
    for (int64_t p = 0; p < points; p++) share[p] = share_of(path, point[p].steps = steps[p]);
    comm_sum_int64(comm, &share[0].value, points * 4);
    for (int64_t p = 0; p < points; p++) settle_point(path, &share[p], &point[p]);
done:
    free(steps);
    free(share);
    return status;
}
