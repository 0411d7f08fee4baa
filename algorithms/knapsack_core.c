/* Margins of all slots in one pass, the smallest selected, their cells side by side. */
#include "algorithms/knapsack_core.h"

#include "algorithms/radix.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_LOWEST = -32 }; /* exponent of the first bucket */

/* Weight of a unit of a limit that has no price, as in algorithms/knapsack_moves.c. */
#define WEIGHT_LEAST 1e-3
#define RANGE_SURE (1.0 - 1e-9)

void knapsack_core_clear(struct knapsack_core *core)
{
    free(core->row);
    free(core->choice);
    free(core->used);
    free(core->others);
    free(core->limit);
    free(core->low);
    free(core->high);
    free(core->value);
    free(core->allowed);
    for (int d = 0; d < KNAPSACK_KINDS; d++) {
        free(core->use[d]);
        free(core->group[d]);
    }
    *core = (struct knapsack_core){0};
}

/* ---- margins ---- */

/* What decides on a slot's margin; weight [limits]: of a unit of use. */
struct margins {
    const struct knapsack_cells *cells;
    double value; /* of a slot, about */
    double *weight;
    uint64_t *key; /* [rows_local] the smaller the margin, the higher */
    int64_t *near;
};

static void set_weights(const struct knapsack_scale *scale, const int64_t *price, struct margins *m)
{
    int64_t at = 0;
    for (int d = 0; d < m->cells->kinds; d++)
        for (int64_t g = 0; g < m->cells->kind[d].groups; g++, at++)
            m->weight[at] = price[at] > 0 ? 0x1p-30 * (double)price[at]
                                          : WEIGHT_LEAST * scale->value / scale->use[d];
}

/* What prices make of the difference of uses between two options of a slot. */
static double movement(const struct margins *m, int64_t slot, int from, int to)
{
    double sum = 1e-6 * m->value;
    const double *weight = m->weight;
    for (int d = 0; d < m->cells->kinds; d++) {
        const struct knapsack_kind *kind = &m->cells->kind[d];
        int64_t group = kind->group != NULL ? kind->group[slot] : 0;
        const int64_t *use = kind->use + slot * m->cells->options;
        if (group >= 0) sum += weight[group] * fabs((double)(use[to] - use[from]));
        weight += kind->groups;
    }
    return sum;
}

static int bucket_of(double margin)
{
    int exponent;
    double part = frexp(fmax(margin, 0x1p-32), &exponent); /* 0.5 .. 1 */
    int at = 4 * (exponent - 1 - NEAR_LOWEST) + (int)(8.0 * (part - 0.5));
    return at < 0 ? 0 : at >= KNAPSACK_NEAR ? KNAPSACK_NEAR - 1 : at;
}

static uint64_t key_of(double ratio)
{
    uint64_t bits;
    ratio = fmin(fmax(ratio, 0.0), 1e300);
    memcpy(&bits, &ratio, sizeof bits);
    return UINT64_MAX - bits;
}

static double ratio_of(uint64_t key)
{
    double ratio;
    uint64_t bits = UINT64_MAX - key;
    memcpy(&ratio, &bits, sizeof ratio);
    return ratio;
}

/* knapsack_slot_function */
static void note_margin(void *context, int64_t slot, int best, const int128 *worth)
{
    struct margins *m = context;
    const struct knapsack_cells *cells = m->cells;
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    double least = INFINITY, nearest = INFINITY;
    for (int k = 0; k < cells->options; k++) {
        if (k == best || (allowed >> k & 1) == 0) continue;
        double behind = 0x1p-30 * (double)(worth[best] - worth[k]);
        nearest = fmin(nearest, behind);
        least = fmin(least, behind / movement(m, slot, best, k));
    }
    m->key[slot] = isfinite(least) ? key_of(least) : 0;
    if (isfinite(nearest)) m->near[bucket_of(nearest)]++;
}

/* ---- the core ---- */

static void select_core(const struct comm *comm, const struct margins *m, struct radix *radix,
                        int64_t most)
{
    radix_begin(radix);
    do {
        for (int64_t i = 0; i < m->cells->blocks->rows_local; i++)
            if (m->key[i] != 0) radix_add(radix, m->key[i], 1);
    } while (radix_step(comm, radix, most));
}

/* Those above the threshold, and the first `room` of this rank at it; row NULL: counted only. */
static int64_t list_rows(const struct margins *m, const struct radix *radix, int64_t room,
                         int64_t *row)
{
    int64_t count = 0;
    for (int64_t i = 0; i < m->cells->blocks->rows_local; i++) {
        bool in = m->key[i] != 0 && (radix->fits || m->key[i] > radix->threshold);
        if (m->key[i] != 0 && !radix->fits && m->key[i] == radix->threshold) in = room-- > 0;
        if (!in) continue;
        if (row != NULL) row[count] = i;
        count++;
    }
    return count;
}

/* Slots at the threshold that this rank may take, in the order of slots over all ranks. */
static int64_t room_here(const struct comm *comm, const struct radix *radix, int64_t most)
{
    return radix->fits ? 0 : most - radix->above - comm_prefix_int64(comm, radix->mine_at);
}

static void copy_kind(const struct knapsack_cells *all, int d, struct knapsack_core *core)
{
    const struct knapsack_kind *kind = &all->kind[d];
    size_t bytes = (size_t)all->options * sizeof *kind->use;
    for (int64_t i = 0; i < core->blocks.rows_local; i++) {
        memcpy(core->use[d] + i * all->options, kind->use + core->row[i] * all->options, bytes);
        if (kind->group != NULL) core->group[d][i] = kind->group[core->row[i]];
    }
    core->cells.kind[d].use = core->use[d];
    core->cells.kind[d].group = kind->group != NULL ? core->group[d] : NULL;
}

static enum status copy_cells(const struct knapsack_cells *all, const uint8_t *choice,
                              struct knapsack_core *core)
{
    enum status status = OK;
    int64_t rows = core->blocks.rows_local, limits = knapsack_limits(all);
    int options = all->options;
    core->cells = *all;
    TRY(memory_new(&core->choice, rows, 1));
    TRY(memory_new(&core->used, limits, sizeof *core->used));
    TRY(memory_new(&core->others, limits, sizeof *core->others));
    TRY(memory_new(&core->limit, limits, sizeof *core->limit));
    TRY(memory_new(&core->value, rows * options, sizeof *core->value));
    TRY(memory_new(&core->allowed, rows, sizeof *core->allowed));
    for (int d = 0; d < all->kinds; d++) {
        TRY(memory_new(&core->use[d], rows * options, sizeof *core->use[d]));
        if (all->kind[d].group != NULL)
            TRY(memory_new(&core->group[d], rows, sizeof *core->group[d]));
        copy_kind(all, d, core);
    }
    for (int64_t i = 0; i < rows; i++) {
        core->choice[i] = choice[core->row[i]];
        core->allowed[i] = all->allowed != NULL ? all->allowed[core->row[i]] : UINT32_MAX;
        memcpy(core->value + i * options, all->value + core->row[i] * options,
               (size_t)options * sizeof *core->value);
    }
    core->cells.value = core->value;
    core->cells.allowed = core->allowed;
done:
    return status;
}

static void set_limits(const struct knapsack_cells *all, const int64_t *used,
                       struct knapsack_core *core)
{
    int64_t at = 0;
    for (int d = 0; d < all->kinds; d++) {
        core->cells.kind[d].limit = core->limit + at;
        for (int64_t g = 0; g < all->kind[d].groups; g++, at++) {
            int64_t limit = all->kind[d].limit[g];
            core->others[at] = used[at] - core->used[at];
            core->limit[at] = limit == KNAPSACK_FREE ? limit : limit - core->others[at];
        }
    }
}

/* Margins of all other slots are at least the last one's that is in; a hair less, as margins are
 * rounded. */
static enum status set_range(const struct margins *m, const struct radix *radix,
                             const int64_t *price, struct knapsack_core *core)
{
    enum status status = OK;
    int64_t limits = knapsack_limits(m->cells);
    double ratio = radix->fits ? INFINITY : RANGE_SURE * ratio_of(radix->threshold);
    TRY(memory_new(&core->low, limits, sizeof *core->low));
    TRY(memory_new(&core->high, limits, sizeof *core->high));
    for (int64_t r = 0; r < limits; r++) {
        double at = 0x1p-30 * (double)price[r];
        core->low[r] = fmax(0.0, at - ratio * m->weight[r]);
        core->high[r] = at + ratio * m->weight[r];
    }
done:
    return status;
}

static void number_rows(const struct comm *comm, const struct knapsack_cells *all,
                        struct knapsack_core *core)
{
    int64_t total = core->blocks.rows_local;
    core->blocks.row_first = comm_prefix_int64(comm, total);
    comm_sum_int64(comm, &total, 1);
    core->blocks.rows_total = total;
    core->share = (double)total / fmax(1.0, (double)all->blocks->rows_total);
}

static enum status make_room(const struct knapsack_cells *cells, struct margins *m,
                             struct radix *radix)
{
    enum status status = OK;
    TRY(memory_new(&m->key, cells->blocks->rows_local, sizeof *m->key));
    TRY(memory_new(&m->weight, knapsack_limits(cells), sizeof *m->weight));
    TRY(radix_init(radix));
done:
    return status;
}

static int64_t slots_wanted(const struct knapsack_cells *cells)
{
    int64_t part = cells->blocks->rows_total / KNAPSACK_CORE_PART;
    int64_t least = KNAPSACK_CORE_LEAST + KNAPSACK_CORE_LIMIT * knapsack_limits(cells);
    return part > least ? part : least;
}

enum status knapsack_core_make(const struct comm *comm, const struct knapsack_cells *cells,
                               const struct knapsack_scale *scale, const int64_t *price,
                               uint8_t *choice, int64_t *used, struct knapsack_point *point,
                               struct knapsack_core *core)
{
    enum status status = OK;
    struct radix radix = {0};
    struct margins m = {.cells = cells, .value = scale->value, .near = core->near};
    int64_t most = slots_wanted(cells);
    *core = (struct knapsack_core){0};
    TRY_ALL(comm, make_room(cells, &m, &radix));
    set_weights(scale, price, &m);
    TRY(knapsack_at_prices_each(comm, cells, price, note_margin, &m, choice, used, point));
    comm_sum_int64(comm, core->near, KNAPSACK_NEAR);
    select_core(comm, &m, &radix, most);
    int64_t room = room_here(comm, &radix, most);
    core->blocks.rows_local = list_rows(&m, &radix, room, NULL);
    TRY_ALL(comm, memory_new(&core->row, core->blocks.rows_local, sizeof *core->row));
    list_rows(&m, &radix, room, core->row);
    TRY_ALL(comm, copy_cells(cells, choice, core));
    TRY_ALL(comm, set_range(&m, &radix, price, core));
    number_rows(comm, cells, core);
    core->cells.blocks = &core->blocks;
    core->rest = point->objective - knapsack_tally(comm, &core->cells, core->choice, core->used);
    set_limits(cells, used, core);
done:
    free(m.key);
    free(m.weight);
    radix_clear(&radix);
    return status;
}

void knapsack_core_give(const struct knapsack_core *core, uint8_t *choice, int64_t *used)
{
    int64_t limits = knapsack_limits(&core->cells);
    for (int64_t i = 0; i < core->blocks.rows_local; i++) choice[core->row[i]] = core->choice[i];
    for (int64_t r = 0; r < limits; r++) used[r] = core->others[r] + core->used[r];
}

/* ---- temperature ---- */

/* Entropy of two options, the better one ahead by x temperatures. */
static double entropy(double x)
{
    double odds = exp(-x);
    return log1p(odds) + x * odds / (1.0 + odds);
}

static double blur_at(const struct knapsack_core *core, double temperature)
{
    double sum = 0.0;
    for (int b = 0; b < KNAPSACK_NEAR; b++) {
        double margin = b == 0 ? 0.0 : ldexp(1.0 + 0.25 * (b % 4 + 0.5), b / 4 + NEAR_LOWEST);
        if (core->near[b] > 0) sum += (double)core->near[b] * entropy(margin / temperature);
    }
    return temperature * sum;
}

double knapsack_core_temperature(const struct knapsack_core *core, double blur)
{
    double low = 0x1p-40, high = 0x1p60;
    while (high > 1.001 * low) {
        double middle = sqrt(low * high);
        *(blur_at(core, middle) < blur ? &low : &high) = middle;
    }
    return low;
}
