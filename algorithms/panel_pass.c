/* Panels, product by product. */
#include "algorithms/panel_columns.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL_STEPS = 200 };

#define SURELY 1e-9 /* by how much units must exceed one sale in each week */
#define CLOSE 1e-13 /* of the expected to the sum of units */
#define LEVEL_STEP_MOST 5.0
#define EXPECTED_LEAST 0.1 /* variance of a cell: with less it tells nothing of the dispersion */
#define LEVERAGE_MOST 0.75 /* of a cell on its slope */

int64_t panel_tails(const struct panel_data *data)
{
    int64_t shifts = data->segments > 0 ? data->segments - 1 : 0;
    return shifts + (data->seasons > 0 ? data->seasons - 1 : 0) + data->effects;
}

int64_t panel_season_place(const struct panel_data *d, int64_t week)
{
    return d->season[week] == 0 ? -1 : d->segments - 2 + d->season[week];
}

enum status panel_sums_init(const struct panel_data *data, struct panel_sums *s)
{
    enum status status = OK;
    int64_t tails = panel_tails(data), cells = data->segments * data->weeks;
    int64_t width = data->slopes * (1 + tails) + tails * tails + data->slopes + tails + 2;
    TRY(memory_new(&s->score_head, data->slopes, sizeof *s->score_head));
    TRY(memory_new(&s->score_tail, tails, sizeof *s->score_tail));
    TRY(memory_new(&s->used, data->slopes, sizeof *s->used));
    TRY(memory_new(&s->units, cells, sizeof *s->units));
    TRY(memory_new(&s->total, data->folds * data->segments, sizeof *s->total));
    TRY(memory_new(&s->expected, cells, sizeof *s->expected));
    TRY(memory_new(&s->weight, cells, sizeof *s->weight));
    TRY(memory_new(&s->whole, data->segments, sizeof *s->whole));
    TRY(memory_new(&s->score, data->weeks, sizeof *s->score));
    TRY(memory_new(&s->mean, data->segments, sizeof *s->mean));
    TRY(memory_new(&s->z_mean, data->segments * data->columns, sizeof *s->z_mean));
    TRY(memory_new(&s->part, tails, sizeof *s->part));
    TRY(memory_new(&s->place, tails, sizeof *s->place));
    TRY(memory_new(&s->on_sale, data->weeks, sizeof *s->on_sale));
    TRY(exact_init(&s->sums, width));
done:
    return status;
}

void panel_sums_clear(struct panel_sums *s)
{
    free(s->score_head);
    free(s->score_tail);
    free(s->used);
    free(s->units);
    free(s->total);
    free(s->expected);
    free(s->weight);
    free(s->whole);
    free(s->score);
    free(s->mean);
    free(s->z_mean);
    free(s->part);
    free(s->place);
    free(s->on_sale);
    exact_clear(&s->sums);
    *s = (struct panel_sums){0};
}

/* ---- one product ---- */

/* Everything about a product that its panels share. */
struct product {
    const struct panel_data *data;
    const struct count_panel *fit;
    struct panel_sums *s;
    const double *x; /* [weeks] */
    int64_t number;  /* local */
    int32_t slope;
};

/* Spread the counts over (segment, week), or take them away again. */
static void spread(const struct product *p, bool add)
{
    const struct panel_data *d = p->data;
    for (int64_t i = d->start[p->number]; i < d->start[p->number + 1]; i++) {
        const struct panel_count *c = &d->count[i];
        if (isnan(p->x[c->week])) continue;
        p->s->units[c->segment * d->weeks + c->week] = add ? c->units : 0.0;
        double *total = &p->s->total[c->week % d->folds * d->segments + c->segment];
        *total = add ? *total + c->units : 0.0;
    }
}

static int64_t find_on_sale(const struct product *p, int64_t fold)
{
    int64_t count = 0;
    for (int64_t t = fold; t < p->data->weeks; t += p->data->folds)
        if (!isnan(p->x[t])) p->s->on_sale[count++] = t;
    return count;
}

/* Logs of the means of a fold's weeks in a segment, but for the panel's level; the largest. */
static double find_scores(const struct product *p, int64_t segment, int64_t weeks)
{
    double *score = p->s->score, most = -INFINITY;
    double slope = p->fit->slope[p->slope] + p->fit->shift[segment];
    const double *offset = p->data->offset;
    for (int64_t k = 0; k < weeks; k++) {
        int64_t t = p->s->on_sale[k];
        score[t] = slope * p->x[t] + p->fit->season[p->data->season[t]];
        if (offset != NULL) score[t] += offset[p->number * p->data->weeks + t];
        if (p->data->columns > 0) score[t] += count_panel_added(p->data, p->fit, p->number, t);
        most = fmax(most, score[t]);
    }
    return most;
}

/* The mean m given a sale, and its slope in log m, with r units a sale. */
static double given_sale(double m, double r, double *slope)
{
    double sales = m / r, some = -expm1(-sales);
    double mean = sales < 1e-8 ? r + 0.5 * m : m / some;
    *slope = sales < 1e-4 ? 0.5 * m : mean * (1.0 - sales * (1.0 - some) / some);
    return mean;
}

/* Expected units and their weights at a level of the panel; the sum of the expected. */
static double set_expected(const struct product *p, int64_t segment, int64_t weeks, double level)
{
    double *expected = p->s->expected + segment * p->data->weeks;
    double *weight = p->s->weight + segment * p->data->weeks, sum = 0;
    for (int64_t k = 0; k < weeks; k++) {
        int64_t t = p->s->on_sale[k];
        double mean = exp(p->s->score[t] + level);
        weight[t] = mean;
        expected[t] = p->data->per_sale != NULL
                          ? given_sale(mean, p->data->per_sale[p->number], &weight[t])
                          : mean;
        sum += expected[t];
    }
    return sum;
}

/* The level at which truncated counts are expected to sum to `total`. The sum is convex in the
 * level, and Newton's steps from above fall to it. */
static double find_level(const struct product *p, int64_t segment, int64_t weeks, double total,
                         double level)
{
    const double *weight = p->s->weight + segment * p->data->weeks;
    for (int step = 0; step < LEVEL_STEPS; step++) {
        double over = set_expected(p, segment, weeks, level) - total, slope = 0;
        for (int64_t k = 0; k < weeks; k++) slope += weight[p->s->on_sale[k]];
        if (fabs(over) <= CLOSE * total || !(slope > 0.0)) break;
        level -= fmin(over / slope, LEVEL_STEP_MOST);
    }
    return level;
}

/* Expected units of a panel, the mean of x by weight, and the whole weight; false if it tells
 * nothing: with truncated counts, where no week sold more than once. */
static bool find_expected(const struct product *p, int64_t segment, int64_t weeks, double total)
{
    struct panel_sums *s = p->s;
    const double *weight = s->weight + segment * p->data->weeks, *per_sale = p->data->per_sale;
    double most = find_scores(p, segment, weeks), all = 0;
    s->mean[segment] = s->whole[segment] = 0;
    if (per_sale != NULL && !(total > per_sale[p->number] * (double)weeks * (1.0 + SURELY)))
        return false;
    for (int64_t k = 0; k < weeks; k++) all += exp(s->score[s->on_sale[k]] - most);
    s->level = log(total / all) - most;
    if (per_sale != NULL) s->level = find_level(p, segment, weeks, total, s->level);
    set_expected(p, segment, weeks, s->level);
    for (int64_t k = 0; k < weeks; k++) {
        s->whole[segment] += weight[s->on_sale[k]];
        s->mean[segment] += weight[s->on_sale[k]] * p->x[s->on_sale[k]];
    }
    if (!(s->whole[segment] > 0.0)) return false;
    s->mean[segment] /= s->whole[segment];
    panel_columns_find_means(p->data, s,
                             &(struct panel_place){p->number, segment, weeks, p->slope});
    return true;
}

/* Log-likelihood of a panel, but for what no parameter changes: of Poisson counts, or of truncated
 * ones, those of sales then. */
static double likelihood_of(const struct product *p, int64_t segment, int64_t weeks)
{
    const double *units = p->s->units + segment * p->data->weeks;
    double sum = 0;
    for (int64_t k = 0; k < weeks; k++) {
        int64_t t = p->s->on_sale[k];
        double log_mean = p->s->score[t] + p->s->level, mean = exp(log_mean);
        sum += units[t] * log_mean;
        if (p->data->per_sale == NULL) {
            sum -= mean;
            continue;
        }
        double r = p->data->per_sale[p->number], sales = mean / r;
        /* log(e^sales - 1) */
        sum -= r * (sales > 1e-8 ? sales + log(-expm1(-sales)) : log_mean - log(r));
    }
    return sum;
}

/* ---- likelihood, score, information ---- */

static void add_score(const struct product *p, int64_t segment, int64_t weeks)
{
    const struct panel_data *d = p->data;
    const double *expected = p->s->expected + segment * d->weeks;
    const double *units = p->s->units + segment * d->weeks;
    double on_slope = 0;
    for (int64_t k = 0; k < weeks; k++) {
        int64_t t = p->s->on_sale[k], z = panel_season_place(d, t);
        double left = units[t] - expected[t];
        on_slope += left * p->x[t];
        if (z >= 0) p->s->score_tail[z] += left;
    }
    p->s->likelihood += likelihood_of(p, segment, weeks);
    p->s->score_head[p->slope] += on_slope;
    if (segment > 0) p->s->score_tail[segment - 1] += on_slope;
}

static void add_information(const struct product *p, int64_t segment, int64_t weeks)
{
    const struct panel_data *d = p->data;
    struct arrow *a = p->fit->bread;
    const double *weight = p->s->weight + segment * d->weeks;
    int64_t n = a->tails, shift = segment - 1;
    double *side = a->side + p->slope * n, variance = 0, mean = p->s->mean[segment];
    for (int64_t k = 0; k < weeks; k++) {
        int64_t t = p->s->on_sale[k], z = panel_season_place(d, t);
        double off = weight[t] * (p->x[t] - mean), part = weight[t] / p->s->whole[segment];
        variance += off * (p->x[t] - mean);
        if (z < 0) continue;
        side[z] += off;
        if (shift >= 0) a->tail[shift * n + z] += off;
        a->tail[z * n + z] += weight[t];
        for (int64_t l = 0; l < weeks; l++) {
            int64_t other = panel_season_place(d, p->s->on_sale[l]);
            if (other >= z) a->tail[z * n + other] -= part * weight[p->s->on_sale[l]];
        }
    }
    a->head[p->slope] += variance;
    if (shift < 0) return;
    side[shift] += variance;
    a->tail[shift * n + shift] += variance;
}

static void add_newton(const struct product *p)
{
    const struct panel_data *d = p->data;
    for (int64_t f = 0; f < d->folds; f++) {
        int64_t weeks = find_on_sale(p, f);
        for (int64_t s = 0; s < d->segments; s++) {
            double total = p->s->total[f * d->segments + s];
            if (!(total > 0.0) || !find_expected(p, s, weeks, total)) continue;
            add_score(p, s, weeks);
            add_information(p, s, weeks);
            panel_columns_add(d, p->s, &(struct panel_place){p->number, s, weeks, p->slope},
                              p->fit->bread);
        }
    }
}

/* ---- squares of what is left ---- */

/* What a cell of product and week adds to the score: at slope, and at places of the tail. */
static int64_t cell_score(const struct product *p, int64_t weeks, int64_t week, double *on_slope)
{
    const struct panel_data *d = p->data;
    struct panel_sums *s = p->s;
    int64_t places = 0, first_season = 0;
    *on_slope = 0;
    for (int64_t g = 1; g < d->segments; g++)
        if (s->whole[g] > 0.0) s->place[places++] = g - 1;
    first_season = places;
    for (int64_t k = 0; k < weeks; k++) {
        int64_t z = panel_season_place(d, s->on_sale[k]);
        if (z >= 0 && (places == first_season || s->place[places - 1] != z)) s->place[places++] = z;
    }
    for (int64_t k = 0; k < d->columns; k++)
        s->place[places++] = panel_column_place(d, p->number, k);
    for (int64_t i = 0; i < places; i++) s->part[s->place[i]] = 0.0;
    for (int64_t g = 0; g < d->segments; g++) {
        if (!(s->whole[g] > 0.0)) continue;
        const double *weight = s->weight + g * d->weeks;
        double left = s->units[g * d->weeks + week] - s->expected[g * d->weeks + week];
        double of_slope = left * (p->x[week] - s->mean[g]);
        *on_slope += of_slope;
        if (g > 0) s->part[g - 1] += of_slope;
        for (int64_t k = 0; k < weeks; k++) {
            int64_t t = s->on_sale[k], z = panel_season_place(d, t);
            if (z >= 0) s->part[z] += left * ((t == week ? 1.0 : 0.0) - weight[t] / s->whole[g]);
        }
        panel_columns_cell(d, s, &(struct panel_place){p->number, g, weeks, p->slope}, week, left);
    }
    return places;
}

/* Units, expected units and variance of a cell, and its leverage on the slope. */
struct cell {
    double units, expected, weight, leverage;
};

/* On its panel's level and its season. Cells of several panels are sums, of which each effect takes
 * out but a part: theirs is left out. */
static double leverage_on_effects(const struct product *p, int64_t week)
{
    const struct panel_data *d = p->data;
    if (d->segments * d->folds > 1) return 0.0;
    double season = p->fit->season_weight[d->season[week]], weight = p->s->weight[week];
    double on_level = weight / p->s->whole[0], on_season = season > 0.0 ? weight / season : 0.0;
    return on_level + on_season;
}

static struct cell cell_of(const struct product *p, int64_t weeks, int64_t week)
{
    const struct panel_data *d = p->data;
    struct cell cell = {0};
    double with_columns = 0;
    double whole = p->fit->leverage[p->slope];
    for (int64_t g = 0; g < d->segments; g++) {
        if (!(p->s->whole[g] > 0.0)) continue;
        double off = p->x[week] - p->s->mean[g], weight = p->s->weight[g * d->weeks + week];
        cell.units += p->s->units[g * d->weeks + week];
        cell.expected += p->s->expected[g * d->weeks + week];
        cell.weight += weight;
        cell.leverage += weight * off * off;
        if (d->columns > 0)
            with_columns += panel_columns_leverage(
                d, p->s, &(struct panel_place){p->number, g, weeks, p->slope}, week, p->fit);
    }
    cell.leverage = whole > 0.0 ? cell.leverage / whole : 0.0;
    if (d->columns > 0) cell.leverage = fmax(0.0, with_columns);
    cell.leverage = fmin(cell.leverage + leverage_on_effects(p, week), LEVERAGE_MOST);
    return cell;
}

static void add_cell(const struct product *p, int64_t weeks, int64_t week, double *square,
                     double *cells)
{
    struct panel_sums *s = p->s;
    struct arrow *a = p->fit->meat;
    double on_slope;
    int64_t n = a->tails, places = cell_score(p, weeks, week, &on_slope);
    struct cell cell = cell_of(p, weeks, week);
    double scale = 1.0 / ((1.0 - cell.leverage) * (1.0 - cell.leverage)); /* HC3 */
    a->head[p->slope] += scale * on_slope * on_slope;
    for (int64_t i = 0; i < places; i++) {
        double part = scale * s->part[s->place[i]];
        a->side[p->slope * n + s->place[i]] += on_slope * part;
        for (int64_t j = i; j < places; j++)
            a->tail[s->place[i] * n + s->place[j]] += part * s->part[s->place[j]];
    }
    if (cell.weight < EXPECTED_LEAST) return;
    *square += (cell.units - cell.expected) * (cell.units - cell.expected) / cell.weight;
    *cells += 1.0;
}

static void add_meat(const struct product *p, double *square, double *cells)
{
    const struct panel_data *d = p->data;
    for (int64_t f = 0; f < d->folds; f++) {
        int64_t weeks = find_on_sale(p, f);
        bool any = false;
        for (int64_t g = 0; g < d->segments; g++) {
            double total = p->s->total[f * d->segments + g];
            p->s->whole[g] = 0.0;
            if (total > 0.0) any = find_expected(p, g, weeks, total) || any;
        }
        for (int64_t k = 0; k < weeks && any; k++)
            add_cell(p, weeks, p->s->on_sale[k], square, cells);
    }
}

/* ---- all products ---- */

static struct product product_of(const struct panel_data *d, const struct count_panel *fit,
                                 struct panel_sums *s, int64_t i)
{
    return (struct product){d, fit, s, d->x + i * d->weeks, i, d->slope[i]};
}

void panel_product_offsets(const struct panel_data *d, const struct count_panel *fit,
                           struct panel_sums *s, int64_t product, double *offset)
{
    struct product p = product_of(d, fit, s, product);
    memset(offset, 0, (size_t)d->weeks * sizeof *offset);
    spread(&p, true);
    int64_t weeks = find_on_sale(&p, 0);
    bool any = s->total[0] > 0.0, told = any && find_expected(&p, 0, weeks, s->total[0]);
    for (int64_t k = 0; k < weeks && any; k++) {
        int64_t t = s->on_sale[k];
        offset[t] = told ? log(s->expected[t]) - s->score[t] - s->level : -s->score[t];
    }
    spread(&p, false);
}

static void flush_scores(const struct panel_data *d, struct panel_sums *s, int64_t first)
{
    int64_t tails = panel_tails(d);
    exact_add(&s->sums, first, s->score_head, d->slopes);
    exact_add(&s->sums, first + d->slopes, s->score_tail, tails);
    exact_add_one(&s->sums, first + d->slopes + tails, s->likelihood);
    memset(s->score_head, 0, (size_t)d->slopes * sizeof *s->score_head);
    memset(s->score_tail, 0, (size_t)tails * sizeof *s->score_tail);
    s->likelihood = 0;
}

enum status panel_newton_sums(const struct comm *comm, const struct panel_data *data,
                              struct count_panel *fit, struct panel_sums *s)
{
    enum status status = OK;
    int64_t width = arrow_width(fit->bread), tails = panel_tails(data);
    arrow_reset(fit->bread);
    exact_reset(&s->sums);
    memset(s->score_head, 0, (size_t)data->slopes * sizeof *s->score_head);
    memset(s->score_tail, 0, (size_t)tails * sizeof *s->score_tail);
    s->likelihood = 0;
    for (int64_t b = 0; b < data->blocks->blocks_local; b++) {
        for (int64_t i = data->blocks->start[b]; i < data->blocks->start[b + 1]; i++) {
            struct product p = product_of(data, fit, s, i);
            if (data->start[i] == data->start[i + 1]) continue;
            spread(&p, true);
            add_newton(&p);
            spread(&p, false);
            s->used[p.slope] = true;
        }
        arrow_flush(fit->bread, s->used, &s->sums, 0);
        flush_scores(data, s, width);
    }
    TRY(exact_reduce(comm, &s->sums));
    arrow_load(fit->bread, &s->sums, 0);
    exact_get_all(&s->sums, width, s->score_head, data->slopes);
    exact_get_all(&s->sums, width + data->slopes, s->score_tail, tails);
    s->likelihood = exact_get(&s->sums, width + data->slopes + tails);
done:
    return status;
}

enum status panel_meat_sums(const struct comm *comm, const struct panel_data *data,
                            struct panel_sums *s, struct count_panel *fit)
{
    enum status status = OK;
    int64_t width = arrow_width(fit->meat), parameters = 0;
    arrow_reset(fit->meat);
    exact_reset(&s->sums);
    for (int64_t b = 0; b < data->blocks->blocks_local; b++) {
        double square = 0, cells = 0;
        for (int64_t i = data->blocks->start[b]; i < data->blocks->start[b + 1]; i++) {
            struct product p = product_of(data, fit, s, i);
            if (data->start[i] == data->start[i + 1]) continue;
            spread(&p, true);
            add_meat(&p, &square, &cells);
            spread(&p, false);
            s->used[p.slope] = true;
        }
        arrow_flush(fit->meat, s->used, &s->sums, 0);
        exact_add_one(&s->sums, width, square);
        exact_add_one(&s->sums, width + 1, cells);
    }
    TRY(exact_reduce(comm, &s->sums));
    arrow_load(fit->meat, &s->sums, 0);
    for (int64_t c = 0; c < data->slopes; c++) parameters += !fit->bread->head_out[c];
    for (int64_t t = 0; t < fit->bread->tails; t++) parameters += !fit->bread->tail_out[t];
    fit->cells = (int64_t)exact_get(&s->sums, width + 1);
    double freedom = (double)(fit->cells - parameters);
    fit->dispersion = freedom > 0.0 ? exact_get(&s->sums, width) / freedom : 1.0;
    if (!(fit->dispersion > 0.0)) fit->dispersion = 1.0;
done:
    return status;
}
