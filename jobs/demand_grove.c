/* Trees on rows of log purchases, slopes of what they predict, and their jackknife. */
#include "jobs/demand_grove.h"

#include "algorithms/forest.h"
#include "jobs/demand_line.h"
#include "jobs/demand_rows.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRICE, CATEGORY, USUAL_PRICE, SIZE, SEGMENT, COLUMNS };

enum { GROVE_SEED = 1 };

#define MOVED 1e-10 /* least mean square of log prices about their means */

struct grove {
    struct demand_rows rows;
    struct rows x; /* [rows_local][columns] */
    float *value;  /* what x points to */
    double *outcome, *predicted;
    uint8_t *code, *skip;
    struct bins *bins;
    int32_t *group; /* [weeks] of the jackknife */
    bool *lost;     /* [units] their prices cannot be told from seasons */
};

static void grove_clear(struct grove *g)
{
    demand_rows_clear(&g->rows);
    free(g->value);
    free(g->outcome);
    free(g->predicted);
    free(g->code);
    free(g->skip);
    bins_free(&g->bins);
    free(g->group);
    free(g->lost);
}

/* ---- the table ---- */

struct week_draw {
    uint64_t key;
    int32_t week;
};

static int compare_draws(const void *a, const void *b)
{
    const struct week_draw *left = a, *right = b;
    if (left->key != right->key) return left->key < right->key ? -1 : 1;
    return (left->week > right->week) - (left->week < right->week);
}

/* Weeks in an order drawn by their numbers, dealt out one by one: groups of the same size. */
static enum status deal_weeks(int64_t weeks, int32_t *group)
{
    struct week_draw *draw = NULL;
    enum status status = memory_new(&draw, weeks, sizeof *draw);
    if (status != OK) return status;
    for (int64_t t = 0; t < weeks; t++)
        draw[t] = (struct week_draw){
            random_below(GROVE_SEED, RANDOM_JACKKNIFE, (uint64_t)t, 0, UINT64_MAX), (int32_t)t};
    if (weeks > 0) qsort(draw, (size_t)weeks, sizeof *draw, compare_draws);
    for (int64_t k = 0; k < weeks; k++) group[draw[k].week] = (int32_t)(k % GROVE_GROUPS);
    free(draw);
    return OK;
}

static enum status grove_alloc(struct grove *g, int64_t weeks)
{
    enum status status = OK;
    int64_t rows = g->rows.blocks.rows_local, columns = g->rows.by_segment ? COLUMNS : SEGMENT;
    TRY(memory_new(&g->value, rows * columns, sizeof *g->value));
    TRY(memory_new(&g->outcome, rows, sizeof *g->outcome));
    TRY(memory_new(&g->predicted, rows, sizeof *g->predicted));
    TRY(memory_new(&g->code, rows * columns, sizeof *g->code));
    TRY(memory_new(&g->skip, rows, sizeof *g->skip));
    TRY(memory_new(&g->group, weeks, sizeof *g->group));
    TRY(memory_new(&g->lost, g->rows.units, sizeof *g->lost));
    TRY(deal_weeks(weeks, g->group));
    g->x = (struct rows){&g->rows.blocks, columns, columns, g->value};
done:
    return status;
}

static void fill_columns(struct grove *g)
{
    for (int64_t i = 0; i < g->rows.blocks.rows_local; i++) {
        const struct demand_row *row = &g->rows.row[i];
        float *to = g->value + i * g->x.columns;
        to[PRICE] = (float)(row->x - row->mean_x);
        to[CATEGORY] = (float)row->category;
        to[USUAL_PRICE] = (float)row->mean_x;
        to[SIZE] = (float)log(row->weight);
        if (g->rows.by_segment) to[SEGMENT] = (float)row->segment;
    }
}

static enum status grove_make(const struct comm *comm, const struct demand_panel *panel,
                              enum demand_kind kind, struct grove *g)
{
    enum status status = OK;
    struct demand_line_fit line = {0};
    TRY(demand_rows_make(comm, panel, kind, &g->rows));
    TRY_ALL(comm, grove_alloc(g, panel->weeks));
    if (g->rows.blocks.rows_total == 0) goto done;
    TRY(demand_line_fit(comm, &g->rows, panel->seasons, &line));
    demand_line_outcome(&line, &g->rows, g->outcome);
    for (int64_t u = 0; u < g->rows.units; u++) g->lost[u] = isnan(line.slope[u]);
    fill_columns(g);
    TRY(bins_make(comm, &g->x, NULL, BINS_MAX, &g->bins));
    TRY_ALL(comm, bins_code(g->bins, &g->x, g->code));
done:
    demand_line_fit_clear(&line);
    return status;
}

/* ---- slopes of predictions ---- */

enum { SUM_CROSS, SUM_SQUARE, SUM_WEIGHT, SUMS };

/* Sums of a panel's rows [first, end) that are not left out, about their means. */
static void add_panel(const struct grove *g, int64_t first, int64_t end, double sum[SUMS])
{
    double mean = 0, rows = 0;
    for (int64_t i = first; i < end; i++) {
        mean += g->skip[i] ? 0.0 : g->rows.row[i].x;
        rows += g->skip[i] ? 0.0 : 1.0;
    }
    mean = rows > 0 ? mean / rows : 0.0;
    memset(sum, 0, SUMS * sizeof *sum);
    for (int64_t i = first; i < end; i++) {
        double off = g->rows.row[i].x - mean, weight = g->rows.row[i].weight;
        if (g->skip[i]) continue;
        /* less the first prediction: where none differs, the sum is exactly 0 */
        sum[SUM_CROSS] += weight * off * (g->predicted[i] - g->predicted[first]);
        sum[SUM_SQUARE] += weight * off * off;
        sum[SUM_WEIGHT] += weight;
    }
}

/* slope [units], NaN where prices did not move; `flat` [units] where predictions did not. */
static enum status find_slopes(const struct comm *comm, const struct grove *g, double *slope,
                               bool *flat)
{
    enum status status = OK;
    const struct demand_rows *rows = &g->rows;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, SUMS * (rows->units + 1)));
    for (int64_t first = 0, end; first < rows->blocks.rows_local; first = end) {
        double sum[SUMS];
        for (end = first + 1;
             end < rows->blocks.rows_local && rows->panel[end] == rows->panel[first];)
            end++;
        add_panel(g, first, end, sum);
        exact_add(&sums, (int64_t)SUMS * rows->row[first].unit, sum, SUMS);
    }
    TRY(exact_reduce(comm, &sums));
    for (int64_t u = 0; u < rows->units; u++) {
        double cross = exact_get(&sums, SUMS * u + SUM_CROSS),
               square = exact_get(&sums, SUMS * u + SUM_SQUARE);
        bool moved = square > MOVED * exact_get(&sums, SUMS * u + SUM_WEIGHT);
        slope[u] = moved ? cross / square : NAN;
        flat[u] = cross == 0.0;
    }
done:
    exact_clear(&sums);
    return status;
}

/* ---- growing ---- */

static enum status grow(const struct comm *comm, const struct forest_options *options,
                        struct grove *g, struct forest **forest)
{
    enum status status = OK;
    const struct forest_data data = {.blocks = &g->rows.blocks,
                                     .bins = g->bins,
                                     .code = g->code,
                                     .value = g->outcome,
                                     .skip = g->skip};
    TRY(forest_fit(comm, &data, options, forest));
    TRY_ALL(comm, forest_apply(*forest, &g->x, g->predicted));
done:
    return status;
}

/* Leave out a group of weeks; -1: none. Returns how many rows are left and are left out. */
static void leave_out(const struct comm *comm, int64_t group, struct grove *g, int64_t rows[2])
{
    rows[0] = rows[1] = 0;
    for (int64_t i = 0; i < g->rows.blocks.rows_local; i++) {
        g->skip[i] = g->group[g->rows.row[i].week] == group;
        rows[g->skip[i]]++;
    }
    comm_sum_int64(comm, rows, 2);
}

static enum status grow_slopes(const struct comm *comm, const struct forest_options *options,
                               struct grove *g, double *slope, bool *flat, bool aloud)
{
    enum status status = OK;
    struct forest *forest = NULL;
    TRY(grow(comm, options, g, &forest));
    TRY(find_slopes(comm, g, slope, flat));
    if (aloud)
        log_info("  %lld rows, %lld tree%s, %.0f %% of what is explained by price",
                 (long long)g->rows.blocks.rows_total, (long long)forest->trees,
                 forest->trees == 1 ? "" : "s", 100.0 * forest->importance[PRICE]);
done:
    forest_free(&forest);
    return status;
}

/* ---- the jackknife ---- */

struct jackknife {
    int64_t groups;
    double *slope, *sum, *square; /* [units] of one group; over groups, about the estimate */
    bool *flat;
};

static enum status jackknife_init(struct jackknife *j, int64_t units)
{
    enum status status = OK;
    TRY(memory_new(&j->slope, units, sizeof *j->slope));
    TRY(memory_new(&j->sum, units, sizeof *j->sum));
    TRY(memory_new(&j->square, units, sizeof *j->square));
    TRY(memory_new(&j->flat, units, sizeof *j->flat));
done:
    return status;
}

static void jackknife_clear(struct jackknife *j)
{
    free(j->slope);
    free(j->sum);
    free(j->square);
    free(j->flat);
}

static enum status estimate_kind(const struct comm *comm, const struct forest_options *options,
                                 struct grove *g, struct jackknife *j, struct elasticities *out)
{
    enum status status = OK;
    int64_t rows[2];
    leave_out(comm, -1, g, rows);
    if (rows[0] == 0) return OK;
    TRY(grow_slopes(comm, options, g, out->estimate, j->flat, true));
    for (int64_t u = 0; u < out->units; u++)
        if (j->flat[u] || g->lost[u]) out->estimate[u] = NAN;
    for (int64_t k = 0; k < GROVE_GROUPS; k++) {
        leave_out(comm, k, g, rows);
        if (rows[0] == 0 || rows[1] == 0) continue;
        TRY(grow_slopes(comm, options, g, j->slope, j->flat, false));
        for (int64_t u = 0; u < out->units; u++) {
            double off = j->slope[u] - out->estimate[u];
            j->sum[u] += off;
            j->square[u] += off * off;
        }
        j->groups++;
    }
    for (int64_t u = 0; u < out->units; u++) {
        double groups = (double)j->groups, mean = j->sum[u] / groups;
        double variance = (groups - 1.0) * (j->square[u] / groups - mean * mean);
        out->std_error[u] = sqrt(variance);
        if (j->groups < 2 || !(variance > 0.0)) out->estimate[u] = out->std_error[u] = NAN;
    }
done:
    return status;
}

/* ---- the methods ---- */

static enum status fit_kind(const struct comm *comm, const struct demand_panel *panel,
                            const struct forest_options *options, enum demand_kind kind,
                            struct elasticities *out)
{
    enum status status = OK;
    struct grove grove = {0};
    struct jackknife jackknife = {0};
    TRY(grove_make(comm, panel, kind, &grove));
    TRY_ALL(comm, jackknife_init(&jackknife, out->units));
    TRY(estimate_kind(comm, options, &grove, &jackknife, out));
done:
    jackknife_clear(&jackknife);
    grove_clear(&grove);
    return status;
}

static enum status fit_both(const struct comm *comm, const struct demand_sources *sources,
                            const struct forest_options *options, struct demand *demand)
{
    enum status status = OK;
    const struct demand_panel *panel = &sources->panel;
    TRY(fit_kind(comm, panel, options, DEMAND_OF_CATEGORIES, &demand->category));
    TRY(fit_kind(comm, panel, options, DEMAND_OF_SEGMENTS, &demand->segment));
done:
    return status;
}

static enum status fit_tree(const struct comm *comm, const struct config *config,
                            const struct demand_sources *sources, struct demand *demand,
                            struct demand_baseline *baseline)
{
    const struct forest_options options = {
        .trees = 1, .depth = 8, .min_rows = config_integer(config, "demand.min_rows")};
    (void)baseline;
    return fit_both(comm, sources, &options, demand);
}

static enum status fit_forest(const struct comm *comm, const struct config *config,
                              const struct demand_sources *sources, struct demand *demand,
                              struct demand_baseline *baseline)
{
    const struct forest_options options = {.trees = 50,
                                           .depth = 10,
                                           .min_rows = 10,
                                           .features = 3,
                                           .bootstrap = true,
                                           .seed = GROVE_SEED};
    (void)config;
    (void)baseline;
    return fit_both(comm, sources, &options, demand);
}

const struct demand_method demand_tree = {.name = "tree", .fit = fit_tree};
const struct demand_method demand_forest = {.name = "forest", .fit = fit_forest};
