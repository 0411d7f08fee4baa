/* The demand stage: elasticities by one regression over sales cells, shrunk, written down. */
#include "jobs/demand.h"

#include "algorithms/least_squares.h"
#include "algorithms/shrink.h"
#include "jobs/demand_cells.h"
#include "jobs/demand_table.h"
#include "jobs/demand_users.h"
#include "jobs/profiles.h"
#include "jobs/run.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 4, CATEGORIES_MAX = 3000, WEEKS_A_YEAR = 52, MONTHS = 12 };

/* The sparse columns: slopes by category, slopes and levels by segment, season. The first segment
 * and season are the base. */
struct layout {
    int32_t *slope; /* [categories] column of each category's slope; thin ones share the last */
    int64_t *category_rows; /* [categories] cells over all ranks */
    int64_t slopes;         /* own columns of categories, the shared one included */
    int64_t segments, seasons;
    int64_t columns;
};

struct cells_design {
    struct blocks blocks;
    int64_t *row_start, *group;
    int32_t *column;
    double *value, *y;
    int64_t *segment_rows; /* [segments] cells over all ranks */
};

/* ---- columns ---- */

static bool usable(const struct demand_cell *cell)
{
    return cell->quantity_milli > 0 && cell->paid_cents > 0;
}

static enum status count_rows(const struct comm *comm, const struct demand_cells *cells,
                              const struct products *products, struct layout *layout)
{
    enum status status = OK;
    int64_t categories = products->category.count;
    TRY_ALL(comm, memory_new(&layout->slope, categories, sizeof *layout->slope));
    TRY_ALL(comm, memory_new(&layout->category_rows, categories, sizeof *layout->category_rows));
    for (int64_t i = 0; i < cells->cells; i++)
        if (usable(&cells->cell[i]))
            layout->category_rows[products->category_code[cells->cell[i].product]]++;
    comm_sum_int64(comm, layout->category_rows, categories);
done:
    return status;
}

static enum status lay_out(const struct comm *comm, const struct run *run,
                           const struct demand_cells *cells, const struct products *products,
                           int64_t segments, struct layout *layout)
{
    enum status status = OK;
    int64_t least = config_integer(run->config, "demand.min_rows"),
            categories = products->category.count;
    TRY(count_rows(comm, cells, products, layout));
    for (int64_t c = 0; c < categories; c++) {
        bool own = layout->category_rows[c] >= least && layout->slopes < CATEGORIES_MAX;
        layout->slope[c] = own ? (int32_t)layout->slopes++ : -1;
    }
    for (int64_t c = 0; c < categories; c++)
        if (layout->slope[c] < 0) layout->slope[c] = (int32_t)layout->slopes;
    layout->slopes++;
    layout->segments = segments;
    layout->seasons = config_is(run->config, "demand.season", "week") ? WEEKS_A_YEAR : MONTHS;
    layout->columns = layout->slopes + 2 * (segments - 1) + layout->seasons - 1;
    if (layout->columns > DESIGN_PARAMETERS_MAX)
        TRY(FAIL(ERR_CONFIG,
                 "%lld segments make %lld columns, more than %d; lower profile.segments",
                 (long long)segments, (long long)layout->columns, DESIGN_PARAMETERS_MAX));
done:
    return status;
}

/* Season of a week: of the year's 52 weeks, or of its 12 equal parts, counted from January 1st. */
static int64_t season_of(const struct layout *layout, int64_t first_time, int64_t week)
{
    const double year = 365.2425 * 86400.0;
    double middle = (double)first_time + ((double)week + 0.5) * DEMAND_WEEK_SECONDS;
    double part = middle / year - floor(middle / year);
    int64_t season = (int64_t)(part * (double)layout->seasons);
    return season < layout->seasons ? season : layout->seasons - 1;
}

/* ---- rows ---- */

static void add_entry(struct cells_design *d, int64_t *entries, int64_t column, double value)
{
    d->column[*entries] = (int32_t)column;
    d->value[(*entries)++] = value;
}

static void add_cell(const struct layout *layout, const struct demand_cell *cell, int32_t category,
                     int64_t season, int64_t row, int64_t *entries, struct cells_design *d)
{
    double units = 0.001 * (double)cell->quantity_milli;
    double price = log(0.01 * (double)cell->paid_cents / units);
    int64_t at = layout->slopes;
    d->row_start[row] = *entries;
    d->group[row] = cell->product;
    d->y[row] = log(units);
    add_entry(d, entries, layout->slope[category], price);
    if (cell->segment > 0) add_entry(d, entries, at + cell->segment - 1, price);
    at += layout->segments - 1;
    if (cell->segment > 0) add_entry(d, entries, at + cell->segment - 1, 1.0);
    at += layout->segments - 1;
    if (season > 0) add_entry(d, entries, at + season - 1, 1.0);
}

static enum status allocate_rows(struct cells_design *d, int64_t rows, int64_t blocks,
                                 int64_t segments)
{
    enum status status = OK;
    TRY(memory_new(&d->blocks.start, blocks + 1, sizeof *d->blocks.start));
    TRY(memory_new(&d->row_start, rows + 1, sizeof *d->row_start));
    TRY(memory_new(&d->group, rows, sizeof *d->group));
    TRY(memory_new(&d->column, ENTRIES * rows, sizeof *d->column));
    TRY(memory_new(&d->value, ENTRIES * rows, sizeof *d->value));
    TRY(memory_new(&d->y, rows, sizeof *d->y));
    TRY(memory_new(&d->segment_rows, segments, sizeof *d->segment_rows));
done:
    return status;
}

static void close_blocks(const struct comm *comm, const struct demand_cells *cells, int64_t rows,
                         struct blocks *blocks)
{
    blocks->rows_local = rows;
    blocks->row_first = comm_prefix_int64(comm, rows);
    blocks->rows_total = rows;
    comm_sum_int64(comm, &blocks->rows_total, 1);
    blocks->blocks_total = cells->products.blocks_total;
    blocks->block_first = cells->products.block_first;
    blocks->blocks_local = cells->products.blocks_local;
}

static enum status make_rows(const struct comm *comm, const struct dataset *dataset,
                             const struct layout *layout, const struct demand_cells *cells,
                             struct cells_design *d)
{
    enum status status = OK;
    int64_t rows = 0, entries = 0, usable_rows = 0, block = cells->products.block_first;
    for (int64_t i = 0; i < cells->cells; i++) usable_rows += usable(&cells->cell[i]);
    TRY_ALL(comm, allocate_rows(d, usable_rows, cells->products.blocks_local, layout->segments));
    for (int64_t i = 0; i < cells->cells; i++) {
        const struct demand_cell *cell = &cells->cell[i];
        if (!usable(cell)) continue;
        for (; block < cell->product / DEMAND_BLOCK; block++)
            d->blocks.start[block + 1 - cells->products.block_first] = rows;
        int64_t season = season_of(layout, dataset->time_first, cell->week);
        add_cell(layout, cell, dataset->products.category_code[cell->product], season, rows++,
                 &entries, d);
        d->segment_rows[cell->segment]++;
    }
    for (; block < cells->products.block_first + cells->products.blocks_local; block++)
        d->blocks.start[block + 1 - cells->products.block_first] = rows;
    d->row_start[rows] = entries;
    comm_sum_int64(comm, d->segment_rows, layout->segments);
    close_blocks(comm, cells, rows, &d->blocks);
done:
    return status;
}

static void cells_design_clear(struct cells_design *d)
{
    blocks_clear(&d->blocks);
    free(d->row_start);
    free(d->group);
    free(d->column);
    free(d->value);
    free(d->y);
    free(d->segment_rows);
    *d = (struct cells_design){0};
}

/* ---- from coefficients to elasticities ---- */

/* Slopes are the wanted parameters: those of categories first, then those of segments 1 to S-1. */
struct slopes {
    int64_t count;
    const double *estimate;   /* [count] */
    const double *covariance; /* [count][count] */
    const bool *dropped;
};

/* Estimate and standard error of weight . slopes; NaN if a slope with weight was dropped. */
static void combine(const struct slopes *slopes, const double *weight, double *estimate,
                    double *std_error)
{
    double sum = 0, variance = 0;
    *estimate = *std_error = NAN;
    for (int64_t i = 0; i < slopes->count; i++) {
        if (weight[i] == 0.0) continue;
        if (slopes->dropped[i]) return;
        sum += weight[i] * slopes->estimate[i];
        for (int64_t j = 0; j < slopes->count; j++)
            if (weight[j] != 0.0)
                variance += weight[i] * weight[j] * slopes->covariance[i * slopes->count + j];
    }
    if (!(variance > 0.0)) return;
    *estimate = sum;
    *std_error = sqrt(variance);
}

/* A category's elasticity for the average segment. */
static void category_elasticities(const struct slopes *slopes, const struct layout *layout,
                                  const struct cells_design *d, double *weight,
                                  struct elasticities *out)
{
    int64_t segments = layout->segments, total = d->blocks.rows_total;
    for (int64_t c = 0; c < out->units; c++) {
        memset(weight, 0, (size_t)slopes->count * sizeof *weight);
        for (int64_t s = 1; s < segments; s++)
            if (!slopes->dropped[layout->slopes + s - 1])
                weight[layout->slopes + s - 1] = (double)d->segment_rows[s] / (double)total;
        weight[layout->slope[c]] = 1.0;
        out->rows[c] = layout->category_rows[c];
        combine(slopes, weight, &out->estimate[c], &out->std_error[c]);
        bool shared = layout->slope[c] == layout->slopes - 1;
        if (shared) out->estimate[c] = out->std_error[c] = NAN; /* too thin for one of its own */
    }
}

/* A segment's elasticity over the average product. */
static void segment_elasticities(const struct slopes *slopes, const struct layout *layout,
                                 const struct cells_design *d, double *weight, int64_t categories,
                                 struct elasticities *out)
{
    for (int64_t s = 0; s < out->units; s++) {
        double total = 0;
        memset(weight, 0, (size_t)slopes->count * sizeof *weight);
        for (int64_t c = 0; c < categories; c++) {
            int64_t at = layout->slope[c];
            if (slopes->dropped[at]) continue;
            weight[at] += (double)layout->category_rows[c];
            total += (double)layout->category_rows[c];
        }
        for (int64_t i = 0; i < layout->slopes && total > 0; i++) weight[i] /= total;
        if (s > 0) weight[layout->slopes + s - 1] = 1.0;
        out->rows[s] = d->segment_rows[s];
        combine(slopes, weight, &out->estimate[s], &out->std_error[s]);
    }
}

static enum status shrink(struct elasticities *e, const char *kind)
{
    struct comm self = comm_self(); /* every rank has all of them */
    struct shrink_units units = {e->units, e->estimate, e->std_error, NULL};
    struct shrink_prior prior;
    enum status status = shrink_fit(&self, &units, e->shrunk, e->shrunk_sd, &prior);
    if (status == OK) {
        log_info("  %s elasticities: %lld of %lld estimated, mean %.3f, spread %.3f", kind,
                 (long long)prior.units, (long long)e->units, prior.mean, prior.sd);
        return OK;
    }
    for (int64_t i = 0; i < e->units; i++) e->shrunk[i] = e->shrunk_sd[i] = NAN;
    log_warning(
        "no %s elasticity can be estimated: prices did not vary apart from products and seasons",
        kind);
    return OK;
}

static double mean_of_segments(const struct elasticities *e)
{
    double sum = 0, rows = 0;
    for (int64_t s = 0; s < e->units; s++) {
        sum += (double)e->rows[s] * e->shrunk[s];
        rows += (double)e->rows[s];
    }
    return rows > 0 ? sum / rows : NAN;
}

static void estimate_nothing(struct elasticities *e)
{
    for (int64_t i = 0; i < e->units; i++) e->estimate[i] = e->std_error[i] = NAN;
}

/* fit  in  NULL where nothing was sold: the offers may tell the response all the same */
static enum status read_off(const struct layout *layout, const struct cells_design *d,
                            const struct least_squares *fit, int64_t categories,
                            struct demand *demand)
{
    enum status status = OK;
    double *weight = NULL;
    TRY(elasticities_init(&demand->category, categories));
    TRY(elasticities_init(&demand->segment, layout->segments));
    if (fit != NULL) {
        struct slopes slopes = {fit->wanted_count, fit->coefficient, fit->covariance, fit->dropped};
        TRY(memory_new(&weight, slopes.count, sizeof *weight));
        category_elasticities(&slopes, layout, d, weight, &demand->category);
        segment_elasticities(&slopes, layout, d, weight, categories, &demand->segment);
    } else {
        estimate_nothing(&demand->category);
        estimate_nothing(&demand->segment);
    }
    TRY(shrink(&demand->category, "category"));
    TRY(shrink(&demand->segment, "segment"));
    demand->overall = mean_of_segments(&demand->segment);
done:
    free(weight);
    return status;
}

/* ---- the regression ---- */

static enum status regress(const struct comm *comm, const struct layout *layout,
                           const struct cells_design *d, struct least_squares **fit)
{
    enum status status = OK;
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    int64_t *wanted = NULL;
    struct design design = {.blocks = &d->blocks,
                            .sparse = layout->columns,
                            .row_start = d->row_start,
                            .column = d->column,
                            .value = d->value,
                            .y = d->y,
                            .group = d->group};
    options.all_errors = false;
    options.covariance = true;
    options.condition = false;
    options.wanted_count = layout->slopes + layout->segments - 1;
    TRY_ALL(comm, memory_new(&wanted, options.wanted_count, sizeof *wanted));
    for (int64_t i = 0; i < options.wanted_count; i++) wanted[i] = i;
    options.wanted = wanted;
    TRY(least_squares_fit(comm, &design, &options, fit));
    log_info("  %lld cells, %lld products eliminated, %lld of %lld columns kept",
             (long long)(*fit)->rows, (long long)(*fit)->groups, (long long)(*fit)->rank,
             (long long)(*fit)->parameters);
    if (isfinite((*fit)->r_squared)) log_info("  R squared %.4f", (*fit)->r_squared);
done:
    free(wanted);
    return status;
}

/* ---- the stage ---- */

static enum status demand_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct profiles profiles = {0};
    struct demand_cells cells = {0};
    struct layout layout = {0};
    struct cells_design d = {0};
    struct least_squares *fit = NULL;
    struct demand demand = {0};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_EVENTS, &dataset));
    TRY(profiles_read_segments(comm, run_path(run, "profiles.h5"), &dataset->users.blocks,
                               &profiles));
    log_need(comm,
             dataset_bytes(dataset) + (int64_t)sizeof *cells.cell *
                                          dataset->events.start[dataset->users.blocks.rows_local]);
    TRY(demand_cells_make(comm, dataset, profiles.segment, &cells));
    TRY(lay_out(comm, run, &cells, &dataset->products, profiles.segments, &layout));
    TRY(make_rows(comm, dataset, &layout, &cells, &d));
    if (d.blocks.rows_total > 0) TRY(regress(comm, &layout, &d, &fit));
    TRY_ALL(comm, read_off(&layout, &d, fit, dataset->products.category.count, &demand));
    TRY(demand_users_count(comm, dataset, profiles.segment, &demand));
    TRY(demand_write(comm, run_path(run, "demand.h5"), &demand));
    TRY(demand_table_write(comm, run, &demand, &dataset->products));
done:
    demand_clear(&demand);
    least_squares_free(&fit);
    cells_design_clear(&d);
    free(layout.slope);
    free(layout.category_rows);
    demand_cells_clear(&cells);
    profiles_clear(&profiles);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"demand", "privacy.min_users", NULL};
static const char *const needs[] = {"profile", NULL};
static const char *const outputs[] = {"demand.h5", "elasticities.csv", NULL};

const struct stage stage_demand = {
    .name = "demand",
    .does = "price elasticities of categories and segments",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = demand_run,
};
