/* Newton's iterations over panels of weeks, and their sandwich. */
#include "algorithms/count_panel.h"

#include "algorithms/panel_columns.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS_MOST = 50, HALVINGS = 20 };

#define STEP_MOST 20.0
#define CONVERGED 1e-12 /* gain of likelihood that a step promises */
/* Where all sales, or none, fell on the lower prices, the likelihood has no maximum: a prior of
 * sd 100 gives one. Where it matters, nothing is told. */
#define RIDGE 1e-4
#define TOLD 0.05 /* least inverse variance of a slope, over the dispersion */

/* ---- storage ---- */

static enum status make_fit(const struct panel_data *data, struct count_panel **fit)
{
    enum status status = OK;
    int64_t tails = panel_tails(data);
    TRY(memory_new(fit, 1, sizeof **fit));
    struct count_panel *f = *fit;
    f->slopes = data->slopes;
    f->segments = data->segments;
    f->seasons = data->seasons;
    f->effects = data->effects;
    TRY(memory_new(&f->slope, f->slopes, sizeof *f->slope));
    TRY(memory_new(&f->dropped, f->slopes, sizeof *f->dropped));
    TRY(memory_new(&f->leverage, f->slopes, sizeof *f->leverage));
    TRY(memory_new(&f->shift, f->segments, sizeof *f->shift));
    TRY(memory_new(&f->lost_shift, f->segments, sizeof *f->lost_shift));
    TRY(memory_new(&f->season, f->seasons, sizeof *f->season));
    TRY(memory_new(&f->season_weight, f->seasons, sizeof *f->season_weight));
    TRY(memory_new(&f->effect, f->effects, sizeof *f->effect));
    TRY(memory_new(&f->lost_effect, f->effects, sizeof *f->lost_effect));
    if (f->effects > 0)
        TRY(memory_new(&f->hat, (f->effects + 1) * (f->slopes + f->effects), sizeof *f->hat));
    TRY(arrow_new(f->slopes, tails, &f->bread));
    TRY(arrow_new(f->slopes, tails, &f->meat));
done:
    return status;
}

void count_panel_free(struct count_panel **fit)
{
    struct count_panel *f = *fit;
    if (f == NULL) return;
    free(f->slope);
    free(f->dropped);
    free(f->leverage);
    free(f->shift);
    free(f->lost_shift);
    free(f->season);
    free(f->season_weight);
    free(f->effect);
    free(f->lost_effect);
    free(f->hat);
    arrow_free(&f->bread);
    arrow_free(&f->meat);
    free(f);
    *fit = NULL;
}

/* ---- Newton ---- */

/* The parameters and a step of them, slopes and tail. */
struct walk {
    double *head, *tail, *step_head, *step_tail, *old_head, *old_tail;
};

static enum status walk_init(struct walk *w, int64_t heads, int64_t tails)
{
    enum status status = OK;
    TRY(memory_new(&w->step_head, heads, sizeof *w->step_head));
    TRY(memory_new(&w->step_tail, tails, sizeof *w->step_tail));
    TRY(memory_new(&w->old_head, heads, sizeof *w->old_head));
    TRY(memory_new(&w->old_tail, tails, sizeof *w->old_tail));
    TRY(memory_new(&w->head, heads, sizeof *w->head));
    TRY(memory_new(&w->tail, tails, sizeof *w->tail));
done:
    return status;
}

static void walk_clear(struct walk *w)
{
    free(w->head);
    free(w->tail);
    free(w->step_head);
    free(w->step_tail);
    free(w->old_head);
    free(w->old_tail);
}

static void put_parameters(const struct walk *w, struct count_panel *f)
{
    memcpy(f->slope, w->head, (size_t)f->slopes * sizeof *f->slope);
    for (int64_t s = 1; s < f->segments; s++) f->shift[s] = w->tail[s - 1];
    for (int64_t z = 1; z < f->seasons; z++) f->season[z] = w->tail[f->segments - 2 + z];
    for (int64_t e = 0; e < f->effects; e++)
        f->effect[e] = w->tail[f->bread->tails - f->effects + e];
}

static double product_of(const double *x, const double *y, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += x[i] * y[i];
    return sum;
}

static double largest(const double *x, int64_t count)
{
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* Move by a part of the step from the old place. */
static void move(struct walk *w, int64_t heads, int64_t tails, double part)
{
    for (int64_t i = 0; i < heads; i++) w->head[i] = w->old_head[i] + part * w->step_head[i];
    for (int64_t i = 0; i < tails; i++) w->tail[i] = w->old_tail[i] + part * w->step_tail[i];
}

/* Add the prior of slopes, shifts and effects to the sums. */
static void add_ridge(const struct walk *w, struct count_panel *f, struct panel_sums *sums)
{
    int64_t tails = f->bread->tails;
    for (int64_t c = 0; c < f->slopes; c++) {
        f->bread->head[c] += RIDGE;
        sums->score_head[c] -= RIDGE * w->head[c];
        sums->likelihood -= 0.5 * RIDGE * w->head[c] * w->head[c];
    }
    for (int64_t t = 0; t < tails; t++) {
        if (t >= f->segments - 1 && t < tails - f->effects) continue; /* a season */
        f->bread->tail[t * tails + t] += RIDGE;
        sums->score_tail[t] -= RIDGE * w->tail[t];
        sums->likelihood -= 0.5 * RIDGE * w->tail[t] * w->tail[t];
    }
}

/* One step uphill, shortened until the likelihood rises; the gain it promised. */
static enum status advance(const struct comm *comm, const struct panel_data *data,
                           struct panel_sums *sums, struct walk *w, struct count_panel *f,
                           double *gain)
{
    enum status status = OK;
    int64_t heads = f->slopes, tails = panel_tails(data);
    double before = sums->likelihood;
    memcpy(w->step_head, sums->score_head, (size_t)heads * sizeof *w->step_head);
    memcpy(w->step_tail, sums->score_tail, (size_t)tails * sizeof *w->step_tail);
    memcpy(w->old_head, w->head, (size_t)heads * sizeof *w->old_head);
    memcpy(w->old_tail, w->tail, (size_t)tails * sizeof *w->old_tail);
    TRY_ALL(comm, arrow_factor(f->bread, NULL));
    arrow_solve(f->bread, w->step_head, w->step_tail);
    *gain = product_of(w->step_head, sums->score_head, heads) +
            product_of(w->step_tail, sums->score_tail, tails);
    double far = fmax(largest(w->step_head, heads), largest(w->step_tail, tails));
    double part = far > STEP_MOST ? STEP_MOST / far : 1.0;
    for (int halving = 0; halving < HALVINGS; halving++, part *= 0.5) {
        move(w, heads, tails, part);
        put_parameters(w, f);
        TRY(panel_newton_sums(comm, data, f, sums));
        add_ridge(w, f, sums);
        if (sums->likelihood >= before - 1e-12 * fabs(before)) break;
    }
done:
    return status;
}

/* What cannot be told, at the start and for good; in a tie an effect goes, not a slope. */
static enum status find_lost(struct count_panel *f)
{
    enum status status = OK;
    int64_t first = f->bread->tails - f->effects;
    for (int64_t e = 0; e < f->effects; e++) f->bread->tail_forced[first + e] = true;
    TRY(arrow_factor(f->bread, NULL));
    memcpy(f->bread->forced, f->bread->head_out, (size_t)f->slopes * sizeof *f->bread->forced);
    for (int64_t s = 1; s < f->segments; s++) f->lost_shift[s] = f->bread->tail_out[s - 1];
    if (f->effects == 0) return OK;
    TRY(arrow_yield(f->bread, first));
    memcpy(f->lost_effect, f->bread->tail_forced + first,
           (size_t)f->effects * sizeof *f->lost_effect);
done:
    return status;
}

static enum status climb(const struct comm *comm, const struct panel_data *data,
                         struct panel_sums *sums, struct count_panel *f)
{
    enum status status = OK;
    struct walk w = {0};
    double gain = INFINITY;
    TRY_ALL(comm, walk_init(&w, f->slopes, panel_tails(data)));
    TRY(panel_newton_sums(comm, data, f, sums));
    TRY_ALL(comm, find_lost(f));
    add_ridge(&w, f, sums);
    while (f->iterations < ITERATIONS_MOST && !f->converged) {
        TRY(advance(comm, data, sums, &w, f, &gain));
        f->iterations++;
        f->converged = gain < CONVERGED;
    }
done:
    walk_clear(&w);
    return status;
}

/* Of the seasons' levels, from the bread; the first is told by all others together. */
static void weigh_seasons(struct count_panel *f)
{
    int64_t n = f->bread->tails, first = f->segments - 1;
    f->season_weight[0] = 0.0;
    for (int64_t z = 0; z + 1 < f->seasons; z++) {
        const double *row = f->bread->tail + (first + z) * n + first; /* from the diagonal on */
        f->season_weight[z + 1] = row[z];
        f->season_weight[0] += row[z];
        for (int64_t l = z + 1; l + 1 < f->seasons; l++) f->season_weight[0] += 2.0 * row[l];
    }
}

/* What the sales hardly tell is as good as not told. */
static void mark_lost(struct count_panel *f)
{
    for (int64_t c = 0; c < f->slopes; c++) {
        f->dropped[c] = f->bread->head_out[c] || f->leverage[c] < TOLD * f->dispersion;
        if (f->bread->head_out[c]) f->slope[c] = 0.0;
    }
}

enum status count_panel_fit(const struct comm *comm, const struct panel_data *data,
                            struct count_panel **fit)
{
    enum status status = OK;
    struct count_panel *f = NULL;
    struct panel_sums sums = {0};
    *fit = NULL;
    TRY_ALL(comm, make_fit(data, &f));
    TRY_ALL(comm, panel_sums_init(data, &sums));
    TRY(climb(comm, data, &sums, f));
    TRY_ALL(comm, arrow_factor(f->bread, f->leverage));
    panel_columns_hat(&sums, f);
    weigh_seasons(f);
    TRY(panel_meat_sums(comm, data, &sums, f));
    mark_lost(f);
    *fit = f;
    f = NULL;
done:
    panel_sums_clear(&sums);
    count_panel_free(&f);
    return status;
}

/* ---- what is asked of a fit ---- */

/* The standard error from weights solved for by the bread; false if nothing is told. */
static bool find_error(const struct count_panel *fit, const double *head, const double *tail,
                       double *std_error)
{
    double variance = arrow_square(fit->meat, head, tail);
    double alone = arrow_square(fit->bread, head, tail); /* by an error variance of 1 */
    if (!(variance > 0.0) || !(alone * TOLD < 1.0 / fit->dispersion)) return false;
    *std_error = sqrt(variance);
    return true;
}

enum status count_panel_combine(const struct count_panel *fit, const double *slope_weight,
                                const double *shift_weight, double *estimate, double *std_error)
{
    enum status status = OK;
    double *head = NULL, *tail = NULL, sum = 0;
    bool lost = false;
    *estimate = *std_error = NAN;
    TRY(memory_new(&head, fit->slopes, sizeof *head));
    TRY(memory_new(&tail, fit->bread->tails, sizeof *tail));
    for (int64_t c = 0; c < fit->slopes; c++) {
        lost = lost || (slope_weight[c] != 0.0 && fit->dropped[c]);
        head[c] = slope_weight[c];
        sum += slope_weight[c] * fit->slope[c];
    }
    for (int64_t s = 1; s < fit->segments; s++) {
        lost = lost || (shift_weight[s] != 0.0 && fit->lost_shift[s]);
        tail[s - 1] = shift_weight[s];
        sum += shift_weight[s] * fit->shift[s];
    }
    if (lost) goto done;
    arrow_solve(fit->bread, head, tail);
    if (find_error(fit, head, tail, std_error)) *estimate = sum;
done:
    free(head);
    free(tail);
    return status;
}

enum status count_panel_effect(const struct count_panel *fit, int64_t k, double *estimate,
                               double *std_error)
{
    enum status status = OK;
    double *head = NULL, *tail = NULL;
    *estimate = *std_error = NAN;
    if (fit->lost_effect[k]) return OK;
    TRY(memory_new(&head, fit->slopes, sizeof *head));
    TRY(memory_new(&tail, fit->bread->tails, sizeof *tail));
    tail[fit->bread->tails - fit->effects + k] = 1.0;
    arrow_solve(fit->bread, head, tail);
    if (find_error(fit, head, tail, std_error)) *estimate = fit->effect[k];
done:
    free(head);
    free(tail);
    return status;
}

bool count_panel_moments(const double *x, const double *season, const double *offset, int64_t weeks,
                         int64_t folds, int64_t fold, double slope, double *mean, double *variance)
{
    double most = -INFINITY, all = 0, first = 0, second = 0, origin = 0;
    for (int64_t t = fold; t < weeks; t += folds) {
        if (isnan(x[t])) continue;
        double score = slope * x[t] + season[t] + (offset != NULL ? offset[t] : 0.0);
        if (score > most) {
            most = score;
            origin = x[t];
        }
    }
    if (most == -INFINITY) return false;
    for (int64_t t = fold; t < weeks; t += folds) {
        if (isnan(x[t])) continue;
        double score = slope * x[t] + season[t] + (offset != NULL ? offset[t] : 0.0);
        double share = exp(score - most), off = x[t] - origin;
        all += share;
        first += share * off;
        second += share * off * off;
    }
    *mean = origin + first / all;
    *variance = fmax(second / all - (first / all) * (first / all), 0.0);
    return true;
}

enum status count_panel_offsets(const struct panel_data *data, const struct count_panel *fit,
                                double *offset)
{
    enum status status = OK;
    struct panel_sums sums = {0};
    TRY(panel_sums_init(data, &sums));
    for (int64_t i = 0; i < data->blocks->rows_local; i++)
        panel_product_offsets(data, fit, &sums, i, offset + i * data->weeks);
done:
    panel_sums_clear(&sums);
    return status;
}
