/* Slopes of units and effects of seasons by least squares, panels eliminated. */
#include "jobs/demand_line.h"

#include "algorithms/least_squares.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { LOT_COLUMNS = 2048 }; /* of slopes and seasons */

#define GOLDEN 0.6180339887498949
#define ENTANGLED 1e-6 /* share of a dropped slope in another */

/* ---- the design of a lot ---- */

/* Columns: a slope for each unit of the lot, one of promotions where there are any, then seasons
 * but the first. */
struct lot {
    int64_t first, units, rows; /* rows with weight, on all ranks */
    int64_t slopes;             /* units, and promotions */
    int64_t *row_start;
    int32_t *column;
    double *value, *y, *weight;
    int64_t *wanted; /* [units] columns */
    double *moved;   /* [units] how far a price was from its panel's mean, at most; then 0 but for
                        slopes that were dropped */
};

static enum status lot_init(struct lot *lot, int64_t rows, int64_t units)
{
    enum status status = OK;
    TRY(memory_new(&lot->row_start, rows + 1, sizeof *lot->row_start));
    TRY(memory_new(&lot->column, 3 * rows, sizeof *lot->column));
    TRY(memory_new(&lot->value, 3 * rows, sizeof *lot->value));
    TRY(memory_new(&lot->y, rows, sizeof *lot->y));
    TRY(memory_new(&lot->weight, rows, sizeof *lot->weight));
    TRY(memory_new(&lot->wanted, units, sizeof *lot->wanted));
    TRY(memory_new(&lot->moved, units, sizeof *lot->moved));
done:
    return status;
}

static void lot_clear(struct lot *lot)
{
    free(lot->row_start);
    free(lot->column);
    free(lot->value);
    free(lot->y);
    free(lot->weight);
    free(lot->wanted);
    free(lot->moved);
}

static void add_entry(struct lot *lot, int64_t *at, int64_t column, double value)
{
    lot->column[*at] = (int32_t)column;
    lot->value[(*at)++] = value;
}

static void fill(const struct comm *comm, const struct demand_rows *rows, struct lot *lot)
{
    int64_t at = 0;
    lot->rows = 0;
    lot->slopes = lot->units + rows->promotions;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        const struct demand_row *row = &rows->row[i];
        int64_t unit = row->unit - lot->first;
        bool in = unit >= 0 && unit < lot->units;
        lot->y[i] = row->y;
        lot->weight[i] = in ? row->weight : 0.0;
        lot->rows += in;
        if (in) add_entry(lot, &at, unit, row->x);
        if (in && row->promoted != 0.0) add_entry(lot, &at, lot->units, row->promoted);
        if (in && row->season > 0) add_entry(lot, &at, lot->slopes + row->season - 1, 1.0);
        lot->row_start[i + 1] = at;
    }
    comm_sum_int64(comm, &lot->rows, 1);
}

/* ---- the fit ---- */

static enum status fit_init(struct demand_line_fit *f)
{
    enum status status = OK;
    TRY(memory_new(&f->slope, f->units + 1, sizeof *f->slope));
    TRY(memory_new(&f->std_error, f->units + 1, sizeof *f->std_error));
    TRY(memory_new(&f->season, f->lots * f->seasons, sizeof *f->season));
    TRY(memory_new(&f->promotion, f->lots, sizeof *f->promotion));
    for (int64_t u = 0; u <= f->units; u++) f->slope[u] = f->std_error[u] = NAN;
done:
    return status;
}

void demand_line_fit_clear(struct demand_line_fit *f)
{
    free(f->slope);
    free(f->std_error);
    free(f->season);
    free(f->promotion);
    *f = (struct demand_line_fit){0};
}

static void take(const struct least_squares *got, const struct lot *lot, struct demand_line_fit *f)
{
    int64_t number = f->lot_units > 0 ? lot->first / f->lot_units : 0;
    for (int64_t k = 0; k < lot->units; k++) {
        /* a slope without an error, or with none at all, tells nothing */
        if (got->dropped[k] || !(got->std_error[k] > 0.0)) continue;
        f->slope[lot->first + k] = got->coefficient[k];
        f->std_error[lot->first + k] = got->std_error[k];
    }
    for (int64_t z = 1; z < f->seasons; z++)
        f->season[number * f->seasons + z] = got->coefficient[lot->slopes + z - 1];
    if (lot->slopes > lot->units) f->promotion[number] = got->coefficient[lot->units];
}

static void say(const struct least_squares *got, const struct demand_rows *rows,
                const struct lot *lot)
{
    log_info("  least squares of %lld rows, %lld panels, %lld columns: %s (%s)",
             (long long)lot->rows, (long long)got->groups, (long long)got->parameters,
             least_squares_path_text(got->path), got->why);
    if (rows->promotions && got->dropped[lot->units])
        log_info(
            "  promotions cannot be told apart from prices, products and seasons: elasticities "
            "have their effect in them");
    else if (rows->promotions)
        log_info("  a promotion adds %.3f to the log of purchases at the same price",
                 got->coefficient[lot->units]);
    log_debug("  R2 %.4f of %lld units", got->r_squared, (long long)rows->units);
}

/* ---- slopes that can only be told together ---- */

/* Keep in lot->moved the dropped slopes of prices that moved; returns whether there is one. */
static bool find_dropped(const struct comm *comm, const struct demand_rows *rows,
                         const struct least_squares *got, struct lot *lot)
{
    bool any = false;
    for (int64_t k = 0; k < lot->units; k++) lot->moved[k] = 0.0;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        const struct demand_row *row = &rows->row[i];
        if (lot->weight[i] > 0.0)
            lot->moved[row->unit - lot->first] =
                fmax(lot->moved[row->unit - lot->first], fabs(row->x - row->mean_x));
    }
    comm_max_double(comm, lot->moved, lot->units);
    for (int64_t k = 0; k < lot->units; k++) {
        if (!got->dropped[k]) lot->moved[k] = 0.0;
        any = any || lot->moved[k] > 0.0;
    }
    return any;
}

/* A slope was dropped because seasons and other slopes make up its prices. Those others are then
 * only told as differences from it: they are where a mixture of the dropped columns, regressed on
 * what is left, has a slope. */
static enum status forget_entangled(const struct comm *comm, const struct demand_rows *rows,
                                    struct design design,
                                    const struct least_squares_options *options, struct lot *lot,
                                    struct demand_line_fit *f)
{
    enum status status = OK;
    struct least_squares_options plain = *options;
    struct least_squares *got = NULL;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        int64_t k = rows->row[i].unit - lot->first;
        bool dropped = lot->weight[i] > 0.0 && lot->moved[k] > 0.0;
        double part = 1.0 + fmod(GOLDEN * (double)(k + 1), 1.0); /* no two units alike */
        lot->y[i] = dropped ? part * rows->row[i].x : 0.0;
    }
    plain.wanted_count = 0;
    plain.errors = ERRORS_CLASSICAL;
    TRY(least_squares_fit(comm, &design, &plain, &got));
    for (int64_t k = 0; k < lot->units; k++)
        if (fabs(got->coefficient[k]) > ENTANGLED)
            f->slope[lot->first + k] = f->std_error[lot->first + k] = NAN;
done:
    least_squares_free(&got);
    return status;
}

static enum status fit_lot(const struct comm *comm, const struct demand_rows *rows, struct lot *lot,
                           struct demand_line_fit *f)
{
    enum status status = OK;
    struct least_squares *got = NULL;
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    fill(comm, rows, lot);
    if (lot->rows == 0) return OK;
    const struct design design = {.blocks = &rows->blocks,
                                  .sparse = lot->slopes + f->seasons - 1,
                                  .row_start = lot->row_start,
                                  .column = lot->column,
                                  .value = lot->value,
                                  .y = lot->y,
                                  .weight = lot->weight,
                                  .group = rows->panel,
                                  .last_first = f->seasons - 1};
    for (int64_t k = 0; k < lot->units; k++) lot->wanted[k] = k;
    options.all_errors = options.condition = false;
    options.wanted = lot->wanted;
    options.wanted_count = lot->units;
    options.errors = rows->by_segment ? ERRORS_CLUSTERED : ERRORS_HC1;
    options.cluster = rows->cluster;
    TRY(least_squares_fit(comm, &design, &options, &got));
    say(got, rows, lot);
    take(got, lot, f);
    if (find_dropped(comm, rows, got, lot))
        TRY(forget_entangled(comm, rows, design, &options, lot, f));
done:
    least_squares_free(&got);
    return status;
}

enum status demand_line_fit(const struct comm *comm, const struct demand_rows *rows,
                            int64_t seasons, struct demand_line_fit *fit)
{
    enum status status = OK;
    struct lot lot = {0};
    int64_t room = seasons < LOT_COLUMNS ? LOT_COLUMNS - seasons : 1, all = rows->units + 1;
    *fit = (struct demand_line_fit){
        .units = rows->units, .lot_units = room < all ? room : all, .seasons = seasons};
    fit->lots = (all + fit->lot_units - 1) / fit->lot_units;
    TRY_ALL(comm, fit_init(fit));
    TRY_ALL(comm, lot_init(&lot, rows->blocks.rows_local, fit->lot_units));
    for (; lot.first < all; lot.first += fit->lot_units) {
        lot.units = lot.first + fit->lot_units < all ? fit->lot_units : all - lot.first;
        TRY(fit_lot(comm, rows, &lot, fit));
    }
done:
    lot_clear(&lot);
    return status;
}

/* ---- what others take from it ---- */

void demand_line_outcome(const struct demand_line_fit *fit, const struct demand_rows *rows,
                         double *out)
{
    for (int64_t first = 0, end; first < rows->blocks.rows_local; first = end) {
        double sum = 0;
        for (end = first; end < rows->blocks.rows_local && rows->panel[end] == rows->panel[first];
             end++) {
            const struct demand_row *row = &rows->row[end];
            int64_t lot = row->unit / fit->lot_units;
            out[end] =
                fit->season[lot * fit->seasons + row->season] + fit->promotion[lot] * row->promoted;
            sum += out[end];
        }
        for (int64_t i = first; i < end; i++)
            out[i] = rows->row[i].y - rows->row[i].mean_y - (out[i] - sum / (double)(end - first));
    }
}

/* ---- the method ---- */

static enum status fit_kind(const struct comm *comm, const struct demand_panel *panel,
                            enum demand_kind kind, struct elasticities *out)
{
    enum status status = OK;
    struct demand_rows rows = {0};
    struct demand_line_fit fit = {0};
    TRY(demand_rows_make(comm, panel, kind, &rows));
    TRY(demand_line_fit(comm, &rows, panel->seasons, &fit));
    for (int64_t u = 0; u < out->units; u++) {
        out->estimate[u] = fit.slope[u];
        out->std_error[u] = fit.std_error[u];
    }
done:
    demand_line_fit_clear(&fit);
    demand_rows_clear(&rows);
    return status;
}

static enum status estimate(const struct comm *comm, const struct config *config,
                            const struct demand_sources *sources, struct demand *demand,
                            struct demand_baseline *baseline)
{
    enum status status = OK;
    (void)config;
    (void)baseline;
    TRY(fit_kind(comm, &sources->panel, DEMAND_OF_CATEGORIES, &demand->category));
    TRY(fit_kind(comm, &sources->panel, DEMAND_OF_SEGMENTS, &demand->segment));
done:
    return status;
}

const struct demand_method demand_line = {.name = "least_squares", .fit = estimate};
