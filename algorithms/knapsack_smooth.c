/* Chances of options slot by slot, a panel of slots at a time; sums as integers. */
#include "algorithms/knapsack_smooth.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 64 }; /* slots of a panel */

#define SUM_BITS 60
#define FAR_BELOW -600.0 /* exponents under this count as it */

void knapsack_layout_make(const struct knapsack_cells *cells, struct knapsack_layout *layout)
{
    *layout = (struct knapsack_layout){0};
    for (int d = 0; d < cells->kinds; d++) {
        int64_t groups = cells->kind[d].groups;
        layout->first[d] = layout->limits;
        layout->limits += groups;
        layout->narrow_at[d] = groups <= KNAPSACK_NARROW ? layout->narrow : -1;
        layout->narrow += groups <= KNAPSACK_NARROW ? groups : 0;
    }
    layout->first[cells->kinds] = layout->limits;
    for (int d = 0; d < cells->kinds; d++) {
        if (layout->narrow_at[d] >= 0) continue;
        layout->cross_first[d] = layout->crosses;
        layout->crosses += cells->kind[d].groups * layout->narrow;
    }
}

/* The order of sums: dual, entropy, uses, diagonal, dense, cross. */
static int64_t sums_of(const struct knapsack_layout *l)
{
    return 2 + 2 * l->limits + l->narrow * l->narrow + l->crosses;
}

enum status knapsack_smooth_new(const struct knapsack_cells *cells, struct knapsack_smooth *smooth)
{
    enum status status = OK;
    *smooth = (struct knapsack_smooth){0};
    knapsack_layout_make(cells, &smooth->layout);
    const struct knapsack_layout *l = &smooth->layout;
    smooth->sums = sums_of(l);
    TRY(memory_new(&smooth->sum, smooth->sums, sizeof *smooth->sum));
    TRY(memory_new(&smooth->left, l->limits, sizeof *smooth->left));
    TRY(memory_new(&smooth->diagonal, l->limits, sizeof *smooth->diagonal));
    TRY(memory_new(&smooth->dense, l->narrow * l->narrow, sizeof *smooth->dense));
    TRY(memory_new(&smooth->cross, l->crosses, sizeof *smooth->cross));
done:
    if (status != OK) knapsack_smooth_clear(smooth);
    return status;
}

void knapsack_smooth_clear(struct knapsack_smooth *smooth)
{
    free(smooth->sum);
    free(smooth->left);
    free(smooth->diagonal);
    free(smooth->dense);
    free(smooth->cross);
    *smooth = (struct knapsack_smooth){0};
}

/* ---- one panel ---- */

/* A panel of slots, option by option, so that lanes are worked on together. */
struct panel {
    int64_t count;
    int64_t slot[LANES];
    int32_t group[KNAPSACK_KINDS][LANES]; /* -1: none */
    double price[KNAPSACK_KINDS][LANES];
    double worth[KNAPSACK_OPTIONS][LANES]; /* then the chance */
    double use[KNAPSACK_OPTIONS][KNAPSACK_KINDS][LANES];
    double dual[LANES], entropy[LANES];
    double mean[KNAPSACK_KINDS][LANES];
    double covariance[KNAPSACK_KINDS][KNAPSACK_KINDS][LANES];
};

/* What one pass needs at hand. */
struct pass {
    const struct knapsack_cells *cells;
    const struct knapsack_layout *layout;
    const double *price;
    double temperature;
    double value_unit, entropy_unit; /* of integer sums */
    double use_unit[KNAPSACK_KINDS];
    double covariance_unit[KNAPSACK_KINDS][KNAPSACK_KINDS];
    struct panel panel;
};

/* The largest power of two by which numbers that add up to at most `reach` can be multiplied. */
static double unit_for(double reach)
{
    int exponent;
    (void)frexp(reach > 0.0 ? reach : 1.0, &exponent);
    return ldexp(1.0, SUM_BITS - exponent);
}

static void load_slot(struct pass *pass, int64_t slot, int64_t lane)
{
    const struct knapsack_cells *cells = pass->cells;
    struct panel *panel = &pass->panel;
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    panel->slot[lane] = slot;
    for (int k = 0; k < cells->options; k++) {
        bool may = (allowed >> k & 1) != 0;
        panel->worth[k][lane] = may ? (double)cells->value[slot * cells->options + k] : -INFINITY;
    }
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        int32_t group = kind->group != NULL ? kind->group[slot] : 0;
        panel->group[d][lane] = group;
        panel->price[d][lane] = group >= 0 ? pass->price[pass->layout->first[d] + group] : 0.0;
        const int64_t *use = kind->use + slot * cells->options;
        for (int k = 0; k < cells->options; k++)
            panel->use[k][d][lane] = group >= 0 ? (double)use[k] : 0.0;
    }
}

/* exp(x) for x <= 0, to 1e-9, the same bits wherever IEEE arithmetic is. */
static inline double exponential(double x)
{
    const double ln2_high = 0x1.62e42fefa0000p-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
    x = x < FAR_BELOW ? FAR_BELOW : x;
    double shifted = x * 0x1.71547652b82fep0 + 0x1.8p52;
    double n = shifted - 0x1.8p52, r = x - n * ln2_high - n * ln2_low;
    double p = 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    uint64_t power = (bits + 1023) << 52;
    double two;
    memcpy(&two, &power, sizeof two);
    return p * two;
}

/* Chances of the options, the dual's part of each slot and its entropy. */
static void find_chances(struct pass *pass)
{
    struct panel *panel = &pass->panel;
    int options = pass->cells->options, kinds = pass->cells->kinds;
    double best[LANES], total[LANES], mean[LANES];
    for (int i = 0; i < LANES; i++) best[i] = -INFINITY, total[i] = mean[i] = 0.0;
    for (int k = 0; k < options; k++) {
        for (int d = 0; d < kinds; d++)
            for (int i = 0; i < LANES; i++)
                panel->worth[k][i] -= panel->price[d][i] * panel->use[k][d][i];
        for (int i = 0; i < LANES; i++)
            best[i] = panel->worth[k][i] > best[i] ? panel->worth[k][i] : best[i];
    }
    double inverse = 1.0 / pass->temperature;
    for (int k = 0; k < options; k++)
        for (int i = 0; i < LANES; i++) {
            double below = panel->worth[k][i] - best[i];
            below = below < -1e300 ? -1e300 : below;
            double weight = exponential(below * inverse);
            panel->worth[k][i] = weight;
            total[i] += weight;
            mean[i] += weight * (weight > 1e-200 ? below : 0.0);
        }
    for (int k = 0; k < options; k++)
        for (int i = 0; i < LANES; i++) panel->worth[k][i] /= total[i];
    for (int i = 0; i < LANES; i++) {
        double more = pass->temperature * log(total[i]);
        panel->dual[i] = best[i] + more;
        panel->entropy[i] = more - mean[i] / total[i];
    }
}

static void find_moments(struct pass *pass)
{
    struct panel *panel = &pass->panel;
    int options = pass->cells->options, kinds = pass->cells->kinds;
    memset(panel->mean, 0, sizeof panel->mean);
    for (int d = 0; d < kinds; d++)
        memset(panel->covariance[d], 0, (size_t)(d + 1) * sizeof panel->covariance[d][0]);
    for (int k = 0; k < options; k++)
        for (int d = 0; d < kinds; d++)
            for (int i = 0; i < LANES; i++)
                panel->mean[d][i] += panel->worth[k][i] * panel->use[k][d][i];
    for (int k = 0; k < options; k++)
        for (int d = 0; d < kinds; d++) {
            double part[LANES];
            for (int i = 0; i < LANES; i++)
                part[i] = panel->worth[k][i] * (panel->use[k][d][i] - panel->mean[d][i]);
            for (int e = 0; e <= d; e++)
                for (int i = 0; i < LANES; i++)
                    panel->covariance[d][e][i] +=
                        part[i] * (panel->use[k][e][i] - panel->mean[e][i]);
        }
}

/* ---- sums ---- */

/* Where the covariance of two groups of different kinds, the first not the later kind, is kept;
 * NULL: it is not. */
static int64_t *covariance_at(const struct knapsack_layout *l, int64_t *dense, int64_t *cross,
                              int d, int32_t group_d, int e, int32_t group_e)
{
    int64_t at_d = l->narrow_at[d], at_e = l->narrow_at[e];
    if (at_d >= 0 && at_e >= 0) return &dense[(at_d + group_d) * l->narrow + at_e + group_e];
    if (at_d >= 0) return &cross[l->cross_first[e] + group_e * l->narrow + at_d + group_d];
    if (at_e >= 0) return &cross[l->cross_first[d] + group_d * l->narrow + at_e + group_e];
    return NULL;
}

static void add_lane(const struct pass *pass, int64_t i, int64_t *sum)
{
    const struct panel *panel = &pass->panel;
    const struct knapsack_layout *l = pass->layout;
    int64_t *use = sum + 2, *diagonal = use + l->limits, *dense = diagonal + l->limits,
            *cross = dense + l->narrow * l->narrow;
    sum[0] += llrint(panel->dual[i] * pass->value_unit);
    sum[1] += llrint(panel->entropy[i] * pass->entropy_unit);
    for (int d = 0; d < pass->cells->kinds; d++) {
        int32_t group = panel->group[d][i];
        if (group < 0) continue;
        use[l->first[d] + group] += llrint(panel->mean[d][i] * pass->use_unit[d]);
        diagonal[l->first[d] + group] +=
            llrint(panel->covariance[d][d][i] * pass->covariance_unit[d][d]);
        for (int e = 0; e < d; e++) {
            if (panel->group[e][i] < 0) continue;
            int64_t *at = covariance_at(l, dense, cross, d, group, e, panel->group[e][i]);
            if (at != NULL) *at += llrint(panel->covariance[d][e][i] * pass->covariance_unit[d][e]);
        }
    }
}

static void flush(struct pass *pass, int64_t *sum)
{
    int64_t count = pass->panel.count;
    if (count == 0) return;
    for (int64_t i = count; i < LANES; i++) load_slot(pass, pass->panel.slot[0], i);
    find_chances(pass);
    find_moments(pass);
    for (int64_t i = 0; i < count; i++) add_lane(pass, i, sum);
    pass->panel.count = 0;
}

/* A fixed one in `every` of the slots, spread evenly. */
static bool in_sample(int64_t slot, int64_t every)
{
    return every == 1 ||
           ((uint64_t)slot * UINT64_C(0x9E3779B97F4A7C15) >> 32) % (uint64_t)every == 0;
}

static int64_t add_slots(struct pass *pass, int64_t every, int64_t *sum)
{
    const struct blocks *blocks = pass->cells->blocks;
    int64_t taken = 0;
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        if (!in_sample(blocks->row_first + i, every)) continue;
        load_slot(pass, i, pass->panel.count++);
        taken++;
        if (pass->panel.count == LANES) flush(pass, sum);
    }
    flush(pass, sum);
    return taken;
}

static void open_pass(const struct knapsack_scale *scale, struct pass *pass)
{
    double slots = (double)scale->slots;
    double most = 0.0; /* what prices can add to a slot's worth */
    for (int d = 0; d < pass->cells->kinds; d++) {
        double highest = 0.0;
        for (int64_t g = 0; g < pass->cells->kind[d].groups; g++)
            highest = fmax(highest, pass->price[pass->layout->first[d] + g]);
        most += highest * scale->reach[d];
        pass->use_unit[d] = unit_for(scale->reach[d]);
        for (int e = 0; e <= d; e++)
            pass->covariance_unit[d][e] = unit_for(slots * scale->use[d] * scale->use[e]);
    }
    double log_options = log((double)pass->cells->options) + 1.0;
    pass->entropy_unit = unit_for(slots * pass->temperature * log_options);
    pass->value_unit =
        unit_for(scale->value_reach + most + slots * pass->temperature * log_options);
}

/* ---- from integers ---- */

static void settle_dense(const struct pass *pass, const int64_t *dense, double factor,
                         struct knapsack_smooth *smooth)
{
    const struct knapsack_layout *l = pass->layout;
    for (int d = 0; d < pass->cells->kinds; d++)
        for (int e = 0; e < d && l->narrow_at[d] >= 0; e++) {
            if (l->narrow_at[e] < 0) continue;
            for (int64_t g = 0; g < pass->cells->kind[d].groups; g++)
                for (int64_t h = 0; h < pass->cells->kind[e].groups; h++) {
                    int64_t row = l->narrow_at[d] + g, column = l->narrow_at[e] + h;
                    double x = factor * (double)dense[row * l->narrow + column] /
                               pass->covariance_unit[d][e];
                    smooth->dense[row * l->narrow + column] = x;
                    smooth->dense[column * l->narrow + row] = x;
                }
        }
}

static void settle_cross(const struct pass *pass, const int64_t *cross, double factor,
                         struct knapsack_smooth *smooth)
{
    const struct knapsack_layout *l = pass->layout;
    for (int d = 0; d < pass->cells->kinds; d++)
        for (int e = 0; e < pass->cells->kinds && l->narrow_at[d] < 0; e++) {
            if (l->narrow_at[e] < 0) continue;
            double unit = pass->covariance_unit[d > e ? d : e][d > e ? e : d];
            for (int64_t g = 0; g < pass->cells->kind[d].groups; g++)
                for (int64_t h = 0; h < pass->cells->kind[e].groups; h++) {
                    int64_t at = l->cross_first[d] + g * l->narrow + l->narrow_at[e] + h;
                    smooth->cross[at] = factor * (double)cross[at] / unit;
                }
        }
}

static void settle(const struct pass *pass, double part, struct knapsack_smooth *smooth)
{
    const struct knapsack_layout *l = pass->layout;
    const int64_t *use = smooth->sum + 2, *diagonal = use + l->limits,
                  *dense = diagonal + l->limits, *cross = dense + l->narrow * l->narrow;
    double factor = 1.0 / (part * pass->temperature);
    smooth->dual = (double)smooth->sum[0] / pass->value_unit / part;
    smooth->blur = (double)smooth->sum[1] / pass->entropy_unit / part;
    for (int d = 0; d < pass->cells->kinds; d++)
        for (int64_t g = 0; g < pass->cells->kind[d].groups; g++) {
            int64_t at = l->first[d] + g, limit = pass->cells->kind[d].limit[g];
            double used = (double)use[at] / pass->use_unit[d] / part;
            bool none = limit == KNAPSACK_FREE;
            smooth->left[at] = none ? INFINITY : (double)limit - used;
            smooth->diagonal[at] = factor * (double)diagonal[at] / pass->covariance_unit[d][d];
            if (!none) smooth->dual += pass->price[at] * (double)limit;
            if (l->narrow_at[d] >= 0)
                smooth->dense[(l->narrow_at[d] + g) * (l->narrow + 1)] = smooth->diagonal[at];
        }
    settle_dense(pass, dense, factor, smooth);
    settle_cross(pass, cross, factor, smooth);
}

void knapsack_smooth_at(const struct comm *comm, const struct knapsack_cells *cells,
                        const struct knapsack_scale *scale, const double *price, double temperature,
                        int64_t every, struct knapsack_smooth *smooth)
{
    struct pass pass = {
        .cells = cells, .layout = &smooth->layout, .price = price, .temperature = temperature};
    open_pass(scale, &pass);
    memset(smooth->sum, 0, (size_t)smooth->sums * sizeof *smooth->sum);
    int64_t taken = add_slots(&pass, every, smooth->sum);
    comm_sum_int64(comm, &taken, 1);
    comm_sum_int64(comm, smooth->sum, smooth->sums);
    double part = taken > 0 ? (double)taken / (double)cells->blocks->rows_total : 1.0;
    settle(&pass, part, smooth);
}
