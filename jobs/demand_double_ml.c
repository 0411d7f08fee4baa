/* Rows as a table for double machine learning. */
#include "jobs/demand_double_ml.h"

#include "algorithms/double_ml.h"
#include "jobs/demand_rows.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

enum { DML_SEED = 1, OTHERS_LEAST = 4 };

/* Then the segment, in the segments' table, and last promotions, where the shop tells of them. */
enum { SEASON, CATEGORY, USUAL_PRICE, SIZE, OTHERS, ALWAYS, COLUMNS_MOST = ALWAYS + 2 };

struct task {
    const struct demand_sources *sources;
    struct demand_rows rows;
    double *dear;   /* [categories][2 halves of products][weeks][2] sum of log prices about the
                       products' means, products on sale */
    int64_t *cells; /* [seasons] of product and week */
    uint8_t *skip;  /* [rows_local] */
    int64_t columns;
    float *control; /* [rows_local][columns] */
    double *outcome, *price;
    int32_t *group; /* [rows_local] unit, -1 where it has none of its own */
};

static void task_clear(struct task *t)
{
    demand_rows_clear(&t->rows);
    free(t->dear);
    free(t->cells);
    free(t->skip);
    free(t->control);
    free(t->outcome);
    free(t->price);
    free(t->group);
}

/* ---- the table ---- */

static int half_of(int64_t product)
{
    return (int)random_below(DML_SEED, RANDOM_SPLIT, (uint64_t)product, 2, 2);
}

static double *place(const struct task *t, int64_t category, int half, int64_t week)
{
    return t->dear + ((category * 2 + half) * t->sources->panel.weeks + week) * 2;
}

/* Mean log price of a product; returns the weeks in which it was sold. */
static int64_t usual_price(const double *x, int64_t weeks, double *usual)
{
    double sum = 0;
    int64_t seen = 0;
    for (int64_t w = 0; w < weeks; w++) {
        if (isnan(x[w])) continue;
        sum += x[w];
        seen++;
    }
    *usual = seen > 0 ? sum / (double)seen : 0.0;
    return seen;
}

/* Prices of all products are on every rank. */
static enum status add_up_prices(struct task *t)
{
    enum status status = OK;
    const struct demand_panel *panel = &t->sources->panel;
    const int32_t *category = t->sources->dataset->products.category_code;
    TRY(memory_new(&t->dear, 4 * panel->categories * panel->weeks, sizeof *t->dear));
    TRY(memory_new(&t->cells, panel->seasons, sizeof *t->cells));
    for (int64_t p = 0; p < t->sources->prices.products; p++) {
        const double *x = t->sources->prices.x + p * panel->weeks;
        double usual;
        if (usual_price(x, panel->weeks, &usual) < 2) continue;
        for (int64_t w = 0; w < panel->weeks; w++) {
            if (isnan(x[w])) continue;
            double *at = place(t, category[p], half_of(p), w);
            at[0] += x[w] - usual;
            at[1] += 1.0;
            t->cells[panel->season[w]]++;
        }
    }
done:
    return status;
}

/* How far others of the category are above their usual prices; NaN: too few are on sale. */
static double others(const struct task *t, const struct demand_row *row)
{
    const double *at = place(t, row->category, 1 - half_of(row->product), row->week);
    return at[1] < OTHERS_LEAST ? NAN : at[0] / at[1];
}

static enum status fill_table(struct task *t)
{
    enum status status = OK;
    int64_t rows = t->rows.blocks.rows_local;
    t->columns = ALWAYS + t->rows.by_segment + t->rows.promotions;
    TRY(memory_new(&t->control, rows * t->columns, sizeof *t->control));
    TRY(memory_new(&t->outcome, rows, sizeof *t->outcome));
    TRY(memory_new(&t->price, rows, sizeof *t->price));
    TRY(memory_new(&t->group, rows, sizeof *t->group));
    TRY(memory_new(&t->skip, rows, sizeof *t->skip));
    for (int64_t i = 0; i < rows; i++) {
        const struct demand_row *row = &t->rows.row[i];
        float *to = t->control + i * t->columns;
        to[SEASON] = (float)row->season;
        to[CATEGORY] = (float)row->category;
        to[USUAL_PRICE] = (float)row->mean_x;
        to[SIZE] = (float)log(row->weight);
        to[OTHERS] = (float)others(t, row);
        if (t->rows.by_segment) to[ALWAYS] = (float)row->segment;
        if (t->rows.promotions) to[t->columns - 1] = (float)(row->promoted - row->mean_promoted);
        t->outcome[i] = row->y - row->mean_y;
        t->price[i] = row->x - row->mean_x;
        t->group[i] = row->unit < t->rows.units ? row->unit : -1;
        t->skip[i] = t->cells[row->season] < 2;
    }
done:
    return status;
}

static int64_t levels_of(int64_t count)
{
    return count <= DOUBLE_ML_LEVELS_MAX ? count : 0;
}

/* ---- estimates ---- */

/* Residuals times the root of the weight over its mean: least squares of these is weighted. */
static enum status weigh(const struct comm *comm, const struct demand_rows *rows,
                         struct double_ml *ml)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    TRY_ALL(comm, exact_init(&sum, 1));
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        exact_add_one(&sum, 0, rows->row[i].weight);
    TRY(exact_reduce(comm, &sum));
    double mean = exact_get(&sum, 0) / (double)rows->blocks.rows_total;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        double root = sqrt(rows->row[i].weight / mean);
        ml->outcome[i] *= root;
        ml->treatment[i] *= root;
        ml->treatment_seen[i] *= root;
    }
done:
    exact_clear(&sum);
    return status;
}

/* Units in turns of as many as are estimated at once. */
static enum status by_unit(const struct comm *comm, const struct task *t,
                           const struct double_ml *ml, struct elasticities *out)
{
    enum status status = OK;
    struct double_ml_estimate *estimate = NULL;
    int32_t *group = NULL;
    TRY_ALL(comm, memory_new(&estimate, DOUBLE_ML_GROUPS_MAX, sizeof *estimate));
    TRY_ALL(comm, memory_new(&group, t->rows.blocks.rows_local, sizeof *group));
    for (int64_t first = 0; first < out->units; first += DOUBLE_ML_GROUPS_MAX) {
        int64_t units = out->units - first;
        if (units > DOUBLE_ML_GROUPS_MAX) units = DOUBLE_ML_GROUPS_MAX;
        for (int64_t i = 0; i < t->rows.blocks.rows_local; i++) {
            int64_t at = t->group[i] - first;
            group[i] = t->group[i] >= 0 && at >= 0 && at < units ? (int32_t)at : -1;
        }
        TRY(double_ml_groups(comm, ml, units, group, estimate, NULL));
        for (int64_t u = 0; u < units; u++) {
            if (!isfinite(estimate[u].estimate) || !(estimate[u].std_error > 0.0)) continue;
            out->estimate[first + u] = estimate[u].estimate;
            out->std_error[first + u] = estimate[u].std_error;
        }
    }
done:
    free(estimate);
    free(group);
    return status;
}

/* With the first of the columns; without any result where there is nothing to learn from. */
static enum status learn(const struct comm *comm, const struct task *t, int64_t columns,
                         struct double_ml **ml)
{
    const struct demand_panel *panel = &t->sources->panel;
    const int64_t levels[COLUMNS_MOST] = {[SEASON] = levels_of(panel->seasons),
                                          [CATEGORY] = levels_of(panel->categories),
                                          [ALWAYS] =
                                              t->rows.by_segment ? levels_of(panel->segments) : 0};
    const struct double_ml_data data = {
        .controls = {&t->rows.blocks, columns, t->columns, t->control},
        .levels = levels,
        .outcome = t->outcome,
        .treatment = t->price,
        .cluster = t->rows.cluster,
        .skip = t->skip};
    struct double_ml_options options = DOUBLE_ML_DEFAULTS;
    options.trees = 50;
    options.seed = DML_SEED;
    enum status status = double_ml_fit(comm, &data, &options, ml);
    if (status != ERR_DATA) return status;
    log_warning(
        "double ML of %lld rows has nothing to learn from (%s); `demand.method: counts` makes "
        "do with the least",
        (long long)t->rows.blocks.rows_total, status_message());
    return OK;
}

static enum status fit_kind(const struct comm *comm, const struct demand_sources *sources,
                            enum demand_kind kind, struct elasticities *out)
{
    enum status status = OK;
    struct task t = {.sources = sources};
    struct double_ml *ml = NULL;
    TRY(demand_rows_make(comm, &sources->panel, kind, &t.rows));
    TRY_ALL(comm, add_up_prices(&t));
    TRY_ALL(comm, fill_table(&t));
    TRY(learn(comm, &t, t.columns, &ml));
    if (ml == NULL && t.rows.promotions) {
        log_info("  once more without promotions: elasticities may have their effect in them");
        TRY(learn(comm, &t, t.columns - 1, &ml));
    }
    if (ml == NULL) goto done;
    log_info("  double ML of %lld rows: naive %.3f, effect %.3f (%.3f), %.0f %% of the price's "
             "variance left by the controls",
             (long long)ml->rows, ml->naive.estimate, ml->effect.estimate, ml->effect.std_error,
             100.0 * ml->effect.left);
    TRY(weigh(comm, &t.rows, ml));
    TRY(by_unit(comm, &t, ml, out));
done:
    double_ml_free(&ml);
    task_clear(&t);
    return status;
}

static enum status fit(const struct comm *comm, const struct config *config,
                       const struct demand_sources *sources, struct demand *demand,
                       struct demand_baseline *baseline)
{
    enum status status = OK;
    (void)config;
    (void)baseline;
    TRY(fit_kind(comm, sources, DEMAND_OF_CATEGORIES, &demand->category));
    TRY(fit_kind(comm, sources, DEMAND_OF_SEGMENTS, &demand->segment));
done:
    return status;
}

const struct demand_method demand_double_ml = {.name = "double_ml", .fit = fit};
