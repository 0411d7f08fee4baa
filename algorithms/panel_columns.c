/* Sums over the further regressors of a panel. */
#include "algorithms/panel_columns.h"

#include <math.h>
#include <string.h>

int64_t panel_column_place(const struct panel_data *d, int64_t product, int64_t k)
{
    return panel_tails(d) - d->effects + d->effect[k * d->blocks->rows_local + product];
}

/* [weeks] */
static const double *column_of(const struct panel_data *d, int64_t product, int64_t k)
{
    return d->z + (k * d->blocks->rows_local + product) * d->weeks;
}

double count_panel_added(const struct panel_data *d, const struct count_panel *fit, int64_t product,
                         int64_t week)
{
    double sum = 0;
    for (int64_t k = 0; k < d->columns; k++)
        sum += fit->effect[d->effect[k * d->blocks->rows_local + product]] *
               column_of(d, product, k)[week];
    return sum;
}

void panel_columns_find_means(const struct panel_data *d, struct panel_sums *s,
                              const struct panel_place *at)
{
    const double *weight = s->weight + at->segment * d->weeks;
    for (int64_t k = 0; k < d->columns; k++) {
        const double *z = column_of(d, at->product, k);
        double sum = 0;
        for (int64_t w = 0; w < at->weeks; w++) sum += weight[s->on_sale[w]] * z[s->on_sale[w]];
        s->z_mean[at->segment * d->columns + k] = sum / s->whole[at->segment];
    }
}

/* Column k with slope, shift and seasons. */
static void add_beside(const struct panel_data *d, struct panel_sums *s,
                       const struct panel_place *at, int64_t k, struct arrow *bread)
{
    const double *z = column_of(d, at->product, k);
    const double *weight = s->weight + at->segment * d->weeks, *x = d->x + at->product * d->weeks;
    int64_t n = bread->tails, place = panel_column_place(d, at->product, k);
    double mean = s->z_mean[at->segment * d->columns + k], with_x = 0;
    for (int64_t w = 0; w < at->weeks; w++) {
        int64_t t = s->on_sale[w], season = panel_season_place(d, t);
        double off = weight[t] * (z[t] - mean);
        with_x += off * (x[t] - s->mean[at->segment]);
        if (season >= 0) bread->tail[season * n + place] += off;
    }
    bread->side[at->slope * n + place] += with_x;
    if (at->segment > 0) bread->tail[(at->segment - 1) * n + place] += with_x;
}

/* Columns with one another. */
static void add_among(const struct panel_data *d, const struct panel_sums *s,
                      const struct panel_place *at, struct arrow *bread)
{
    const double *weight = s->weight + at->segment * d->weeks;
    const double *mean = s->z_mean + at->segment * d->columns;
    for (int64_t k = 0; k < d->columns; k++)
        for (int64_t l = k; l < d->columns; l++) {
            const double *z = column_of(d, at->product, k), *y = column_of(d, at->product, l);
            double sum = 0;
            for (int64_t w = 0; w < at->weeks; w++) {
                int64_t t = s->on_sale[w];
                sum += weight[t] * (z[t] - mean[k]) * (y[t] - mean[l]);
            }
            bread->tail[panel_column_place(d, at->product, k) * bread->tails +
                        panel_column_place(d, at->product, l)] += sum;
        }
}

void panel_columns_add(const struct panel_data *d, struct panel_sums *s,
                       const struct panel_place *at, struct arrow *bread)
{
    const double *expected = s->expected + at->segment * d->weeks;
    const double *units = s->units + at->segment * d->weeks;
    for (int64_t k = 0; k < d->columns; k++) {
        const double *z = column_of(d, at->product, k);
        double sum = 0;
        for (int64_t w = 0; w < at->weeks; w++) {
            int64_t t = s->on_sale[w];
            sum += (units[t] - expected[t]) * z[t];
        }
        s->score_tail[panel_column_place(d, at->product, k)] += sum;
        add_beside(d, s, at, k, bread);
    }
    add_among(d, s, at, bread);
}

void panel_columns_cell(const struct panel_data *d, struct panel_sums *s,
                        const struct panel_place *at, int64_t week, double left)
{
    for (int64_t k = 0; k < d->columns; k++)
        s->part[panel_column_place(d, at->product, k)] +=
            left * (column_of(d, at->product, k)[week] - s->z_mean[at->segment * d->columns + k]);
}

/* ---- leverage ---- */

void panel_columns_hat(struct panel_sums *s, struct count_panel *f)
{
    int64_t heads = f->slopes, tails = f->bread->tails, width = heads + f->effects;
    for (int64_t c = 0; c < heads && f->effects > 0; c++) {
        memset(s->score_head, 0, (size_t)heads * sizeof *s->score_head);
        memset(s->score_tail, 0, (size_t)tails * sizeof *s->score_tail);
        s->score_head[c] = 1.0;
        arrow_solve(f->bread, s->score_head, s->score_tail);
        f->hat[c] = s->score_head[c];
    }
    for (int64_t e = 0; e < f->effects; e++) {
        double *row = f->hat + (e + 1) * width;
        memset(s->score_head, 0, (size_t)heads * sizeof *s->score_head);
        memset(s->score_tail, 0, (size_t)tails * sizeof *s->score_tail);
        s->score_tail[tails - f->effects + e] = 1.0;
        arrow_solve(f->bread, s->score_head, s->score_tail);
        memcpy(row, s->score_head, (size_t)heads * sizeof *row);
        memcpy(row + heads, s->score_tail + tails - f->effects, (size_t)f->effects * sizeof *row);
    }
}

double panel_columns_leverage(const struct panel_data *d, const struct panel_sums *s,
                              const struct panel_place *at, int64_t week,
                              const struct count_panel *f)
{
    int64_t products = d->blocks->rows_local, width = f->slopes + f->effects;
    double x = d->x[at->product * d->weeks + week] - s->mean[at->segment];
    double sum = f->hat[at->slope] * x * x;
    for (int64_t k = 0; k < d->columns; k++) {
        const double *row = f->hat + (d->effect[k * products + at->product] + 1) * width;
        const double *mean = s->z_mean + at->segment * d->columns;
        double z = column_of(d, at->product, k)[week] - mean[k];
        sum += 2.0 * row[at->slope] * x * z;
        for (int64_t l = 0; l < d->columns; l++)
            sum += row[f->slopes + d->effect[l * products + at->product]] * z *
                   (column_of(d, at->product, l)[week] - mean[l]);
    }
    return s->weight[at->segment * d->weeks + week] * sum;
}
