/* Chances of options slot by slot, a panel of slots at a time; sums as integers. */
#include "algorithms/knapsack_smooth.h"

#include "algorithms/knapsack_exponential.h"
#include "algorithms/knapsack_local.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 64 }; /* slots of a panel */

#define SUM_BITS 60

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

/* A panel of slots, option by option, so that lanes are worked on together. */
struct knapsack_panel {
    int64_t count;
    int64_t slot[LANES], user[LANES];
    int32_t group[KNAPSACK_KINDS][LANES]; /* -1: none */
    double price[KNAPSACK_KINDS][LANES];
    double worth[KNAPSACK_OPTIONS][LANES]; /* then the chance */
    double use[KNAPSACK_OPTIONS][KNAPSACK_KINDS][LANES];
    double dual[LANES], entropy[LANES];
    double mean[KNAPSACK_KINDS][LANES];
    double covariance[KNAPSACK_KINDS][KNAPSACK_KINDS][LANES];
};

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
    TRY(memory_room(&smooth->panel, 1, sizeof *smooth->panel));
    smooth->panel->count = 0;
    if (cells->caps == 0) goto done;
    TRY(memory_new(&smooth->own, cells->users_local * cells->caps, sizeof *smooth->own));
    TRY(memory_new(&smooth->local, 1, sizeof *smooth->local));
    TRY(knapsack_local_new(cells, l, smooth->local));
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
    free(smooth->panel);
    free(smooth->own);
    if (smooth->local != NULL) knapsack_local_clear(smooth->local);
    free(smooth->local);
    *smooth = (struct knapsack_smooth){0};
}

/* ---- one panel ---- */

/* What one pass needs at hand. */
struct pass {
    const struct knapsack_cells *cells;
    const struct knapsack_layout *layout;
    const double *price;
    double temperature;
    double value_unit, entropy_unit; /* of integer sums */
    double use_unit[KNAPSACK_KINDS];
    double covariance_unit[KNAPSACK_KINDS][KNAPSACK_KINDS];
    double *own;                  /* [users_local][caps] */
    struct knapsack_local *local; /* NULL: no caps */
    int64_t user;                 /* whose sums are under way, -1: nobody's */
    struct knapsack_panel *panel;
};

/* The largest power of two by which numbers that add up to at most `reach` can be multiplied. */
static double unit_for(double reach)
{
    int exponent;
    (void)frexp(reach > 0.0 ? reach : 1.0, &exponent);
    return ldexp(1.0, SUM_BITS - exponent);
}

/* A user's caps follow the kinds, at prices of its own. */
static void load_caps(struct pass *pass, int64_t slot, int64_t user, int64_t lane)
{
    const struct knapsack_cells *cells = pass->cells;
    struct knapsack_panel *panel = pass->panel;
    panel->user[lane] = user;
    for (int c = 0; c < cells->caps; c++) {
        const int64_t *use = cells->cap[c].use + slot * cells->options;
        int d = cells->kinds + c;
        panel->price[d][lane] = pass->own[user * cells->caps + c];
        for (int k = 0; k < cells->options; k++) panel->use[k][d][lane] = (double)use[k];
    }
}

static void load_slot(struct pass *pass, int64_t slot, int64_t lane)
{
    const struct knapsack_cells *cells = pass->cells;
    struct knapsack_panel *panel = pass->panel;
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

/* Chances of the options, the dual's part of each slot and its entropy. */
static VECTORISED void find_chances(struct pass *pass)
{
    struct knapsack_panel *panel = pass->panel;
    int options = pass->cells->options, kinds = pass->cells->kinds + pass->cells->caps;
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
            double weight = knapsack_exponential(below * inverse);
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

static VECTORISED void find_moments(struct pass *pass)
{
    struct knapsack_panel *panel = pass->panel;
    int options = pass->cells->options, kinds = pass->cells->kinds + pass->cells->caps;
    memset(panel->mean, 0, (size_t)kinds * sizeof panel->mean[0]);
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
    const struct knapsack_panel *panel = pass->panel;
    const struct knapsack_layout *l = pass->layout;
    int64_t *use = sum + 2, *diagonal = use + l->limits, *dense = diagonal + l->limits,
            *cross = dense + l->narrow * l->narrow;
    if (pass->local == NULL) {
        sum[0] += llrint(panel->dual[i] * pass->value_unit);
        sum[1] += llrint(panel->entropy[i] * pass->entropy_unit);
    }
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

/* ---- users with caps ---- */

/* As the user's prices move along with those of limits, uses of two limits vary less together. Of
 * limits of wide kinds the diagonal stays what it is: they have no others to lean on. */
static void lessen(const struct pass *pass, int64_t i, int64_t j, double part, int64_t *sum)
{
    const struct knapsack_layout *l = pass->layout;
    int64_t *diagonal = sum + 2 + l->limits, *dense = diagonal + l->limits,
            *cross = dense + l->narrow * l->narrow;
    int64_t a = pass->local->touched[i], b = pass->local->touched[j];
    int d = pass->local->kind[i], e = pass->local->kind[j];
    int64_t *at = covariance_at(l, dense, cross, d, (int32_t)(a - l->first[d]), e,
                                (int32_t)(b - l->first[e]));
    if (a == b) at = l->narrow_at[d] >= 0 ? &diagonal[a] : NULL;
    if (at != NULL) *at -= llrint(part * pass->covariance_unit[d][e]);
}

/* Each pair of limits that the user's slots count against, the first not the earlier one. */
static void lessen_pairs(const struct pass *pass, double inverse[KNAPSACK_CAPS][KNAPSACK_CAPS],
                         int64_t *sum)
{
    const struct knapsack_local *local = pass->local;
    for (int64_t i = 0; i < local->touches; i++) {
        double lean[KNAPSACK_CAPS];
        knapsack_local_lean(local, local->touched[i], inverse, lean);
        for (int64_t j = 0; j < local->touches; j++)
            if (local->touched[j] <= local->touched[i])
                lessen(pass, i, j, knapsack_local_part(local, local->touched[j], lean), sum);
    }
}

static void close_user(struct pass *pass, int64_t *sum)
{
    struct knapsack_local *local = pass->local;
    double inverse[KNAPSACK_CAPS][KNAPSACK_CAPS];
    if (pass->user < 0) return;
    const double *own = pass->own + pass->user * pass->cells->caps;
    for (int c = 0; c < pass->cells->caps; c++)
        if (own[c] > 0.0) local->dual += own[c] * (double)pass->cells->cap[c].limit[pass->user];
    sum[0] += llrint(local->dual * pass->value_unit);
    sum[1] += llrint(local->entropy * pass->entropy_unit);
    if (knapsack_local_invert(local, own, inverse)) lessen_pairs(pass, inverse, sum);
    knapsack_local_begin(local);
    pass->user = -1;
}

static void add_to_user(struct pass *pass, int64_t i, int64_t *sum)
{
    const struct knapsack_panel *panel = pass->panel;
    struct knapsack_local *local = pass->local;
    int kinds = pass->cells->kinds;
    if (pass->user != panel->user[i]) close_user(pass, sum);
    pass->user = panel->user[i];
    local->dual += panel->dual[i];
    local->entropy += panel->entropy[i];
    for (int c = 0; c < pass->cells->caps; c++) {
        if (panel->price[kinds + c][i] <= 0.0) continue;
        for (int e = 0; e <= c; e++) {
            local->own[c][e] += panel->covariance[kinds + c][kinds + e][i];
            local->own[e][c] = local->own[c][e];
        }
        for (int d = 0; d < kinds; d++)
            if (panel->group[d][i] >= 0)
                knapsack_local_add(local, d, panel->group[d][i], c,
                                   panel->covariance[kinds + c][d][i]);
    }
}

static void flush(struct pass *pass, int64_t *sum)
{
    int64_t count = pass->panel->count;
    if (count == 0) return;
    for (int64_t i = count; i < LANES; i++) {
        load_slot(pass, pass->panel->slot[0], i);
        if (pass->local != NULL) load_caps(pass, pass->panel->slot[0], pass->panel->user[0], i);
    }
    find_chances(pass);
    find_moments(pass);
    for (int64_t i = 0; i < count; i++) add_lane(pass, i, sum);
    for (int64_t i = 0; i < count && pass->local != NULL; i++) add_to_user(pass, i, sum);
    pass->panel->count = 0;
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
        load_slot(pass, i, pass->panel->count++);
        taken++;
        if (pass->panel->count == LANES) flush(pass, sum);
    }
    flush(pass, sum);
    return taken;
}

static int64_t add_users(struct pass *pass, int64_t every, int64_t *sum)
{
    const struct knapsack_cells *cells = pass->cells;
    int64_t taken = 0;
    pass->user = -1;
    pass->local->temperature = pass->temperature;
    knapsack_local_begin(pass->local);
    for (int64_t u = 0; u < cells->users_local; u++) {
        int64_t first = cells->user_start[u], next = cells->user_start[u + 1];
        if (!in_sample(cells->blocks->row_first + first, every)) continue;
        knapsack_local_price(pass->local, pass->price, u, pass->own + u * cells->caps);
        for (int64_t i = first; i < next; i++) {
            load_slot(pass, i, pass->panel->count);
            load_caps(pass, i, u, pass->panel->count++);
            if (pass->panel->count == LANES) flush(pass, sum);
        }
        taken += next - first;
    }
    flush(pass, sum);
    close_user(pass, sum);
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
        for (int e = 0; e <= d && l->narrow_at[d] >= 0; e++) {
            if (l->narrow_at[e] < 0) continue;
            for (int64_t g = 0; g < pass->cells->kind[d].groups; g++)
                for (int64_t h = 0; h < (e < d ? pass->cells->kind[e].groups : g); h++) {
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
    struct pass pass = {.cells = cells,
                        .layout = &smooth->layout,
                        .price = price,
                        .temperature = temperature,
                        .panel = smooth->panel,
                        .own = smooth->own,
                        .local = smooth->local};
    smooth->temperature = temperature;
    open_pass(scale, &pass);
    memset(smooth->sum, 0, (size_t)smooth->sums * sizeof *smooth->sum);
    int64_t taken = cells->caps > 0 ? add_users(&pass, every, smooth->sum)
                                    : add_slots(&pass, every, smooth->sum);
    comm_sum_int64(comm, &taken, 1);
    comm_sum_int64(comm, smooth->sum, smooth->sums);
    double part = taken > 0 ? (double)taken / (double)cells->blocks->rows_total : 1.0;
    settle(&pass, part, smooth);
}
