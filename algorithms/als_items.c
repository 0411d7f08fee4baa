/* Items: exact normal equations over the users of all ranks, in batches, solved by shares. */
#include "algorithms/als_sides.h"
#include "algorithms/definite.h"
#include "algorithms/syrk.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, BITS_MOST = 22, BATCH_BYTES = 64 << 20 };

/* A number v is kept as rint(v / unit), at most 2^bits in size. A product of two, 2^(2 bits), sums
 * up without error over a chunk in a double, and over all ratings of an item in an int64. */
struct als_items {
    int64_t columns;    /* of the normal equations, before their right-hand side */
    int64_t strips;     /* of SYRK_STRIP columns, right-hand side included */
    int64_t triangle;   /* numbers kept of a square, by rows of the upper one */
    int bits;           /* of a number */
    double factor_most; /* largest factor of a user */
    double side_most;   /* explicit: no right-hand side is larger */
    double *panel;      /* [strips][CHUNK][SYRK_STRIP] */
    double *square;     /* [width][width], width = strips * SYRK_STRIP */
    double *unit;       /* [columns + 1] a number is so many of */
    double *per_unit;   /* [columns + 1] its inverse */
    int64_t *common;    /* [triangle] implicit: sum of x x' over all users */
    double *system, *x; /* [columns][columns], [columns] */
    int64_t batch;      /* items at a time */
    int64_t *sum;       /* [batch][triangle] */
    float *solved;      /* [batch][stride] */
};

void als_items_free(struct als_items **items)
{
    struct als_items *w = *items;
    if (w == NULL) return;
    free(w->panel);
    free(w->square);
    free(w->unit);
    free(w->per_unit);
    free(w->common);
    free(w->system);
    free(w->x);
    free(w->sum);
    free(w->solved);
    free(w);
    *items = NULL;
}

static int bits_for(int64_t terms)
{
    int log = 0;
    while (((int64_t)1 << log) < terms) log++;
    return (62 - log) / 2 < BITS_MOST ? (62 - log) / 2 : BITS_MOST;
}

enum status als_items_new(const struct als_sides *s, struct als_items **items)
{
    enum status status = OK;
    int64_t n = s->columns, users = s->data->blocks->rows_total, terms = s->count_most, width;
    struct als_items *w = NULL;
    if (s->opt->implicit && users > terms) terms = users;
    TRY(memory_new(items, 1, sizeof *w));
    w = *items;
    w->columns = n;
    w->bits = bits_for(terms);
    w->strips = n / SYRK_STRIP + 1;
    width = w->strips * SYRK_STRIP;
    w->triangle = n * (n + 1) / 2 + n;
    w->batch = BATCH_BYTES / (w->triangle * (int64_t)sizeof *w->sum) + 1;
    if (w->batch > s->data->items) w->batch = s->data->items;
    TRY(memory_new(&w->panel, w->strips * CHUNK * SYRK_STRIP, sizeof *w->panel));
    TRY(memory_new(&w->square, width * width, sizeof *w->square));
    TRY(memory_new(&w->unit, n + 1, sizeof *w->unit));
    TRY(memory_new(&w->per_unit, n + 1, sizeof *w->per_unit));
    TRY(memory_new(&w->common, w->triangle, sizeof *w->common));
    TRY(memory_new(&w->system, n * n, sizeof *w->system));
    TRY(memory_new(&w->x, n, sizeof *w->x));
    TRY(memory_new(&w->sum, w->batch * w->triangle, sizeof *w->sum));
    TRY(memory_new(&w->solved, w->batch * s->model->stride, sizeof *w->solved));
done:
    return status;
}

/* Largest factor and largest bias of a user. */
static void find_largest(const struct comm *comm, const struct als_sides *s, struct als_items *w)
{
    const struct als_model *m = s->model;
    int64_t factors = s->opt->factors;
    double most[2] = {0.0, 0.0};
    for (int64_t u = 0; u < m->users_local; u++) {
        const float *x = m->user + u * m->stride;
        for (int64_t k = 0; k < factors; k++) most[0] = fmax(most[0], fabs((double)x[k]));
        most[1] = fmax(most[1], fabs((double)x[factors]));
    }
    comm_max_double(comm, most, 2);
    w->factor_most = most[0];
    w->side_most = m->high - m->low + most[1];
}

/* ---- sums of whole numbers ---- */

/* Add the square of a chunk to a triangle of whole numbers, and empty it. */
static void settle(struct als_items *w, int64_t *sum)
{
    int64_t width = w->strips * SYRK_STRIP, n = w->columns, at = 0;
    for (int64_t k = 0; k < n; k++)
        for (int64_t j = k; j <= n; j++) sum[at++] += (int64_t)w->square[k * width + j];
    memset(w->square, 0, (size_t)(width * width) * sizeof *w->square);
}

/* out = x weight per_unit, in whole numbers */
VECTORISED static void round_to(const float *restrict x, int64_t count, double weight,
                                const double *restrict per_unit, double *restrict out)
{
    for (int64_t k = 0; k < count; k++) out[k] = rint((double)x[k] * weight * per_unit[k]);
}

/* Row r of the panel: the factors x of a user times `weight`; explicit: and 1; then `side`. */
static void put(struct als_items *w, int64_t r, const float *x, int64_t factors, double weight,
                double side)
{
    double *row = w->panel + r * SYRK_STRIP;
    const int64_t strip = CHUNK * SYRK_STRIP, n = w->columns;
    for (int64_t k = 0; k < factors; k += SYRK_STRIP)
        round_to(x + k, factors - k < SYRK_STRIP ? factors - k : SYRK_STRIP, weight,
                 w->per_unit + k, row + k / SYRK_STRIP * strip);
    if (n > factors)
        row[factors / SYRK_STRIP * strip + factors % SYRK_STRIP] = rint(w->per_unit[factors]);
    row[n / SYRK_STRIP * strip + n % SYRK_STRIP] = rint(side * w->per_unit[n]);
}

/* Units are powers of two, so that dividing by them rounds nothing. */
static double unit_below(double most, int bits)
{
    int power = 0;
    frexp(most, &power);
    return ldexp(1.0, power - bits);
}

static void set_units(const struct als_sides *s, double weight, double side, struct als_items *w)
{
    for (int64_t k = 0; k < w->columns; k++)
        w->unit[k] = unit_below(k < s->opt->factors ? weight * w->factor_most : 1.0, w->bits);
    w->unit[w->columns] = unit_below(side, w->bits);
    for (int64_t k = 0; k <= w->columns; k++) w->per_unit[k] = 1.0 / w->unit[k];
}

/* Of an implicit value: what multiplies its user's row, and what stands on the right. */
static double implicit_weight(const struct als_sides *s, double value)
{
    return sqrt(s->opt->alpha * value);
}

static double implicit_side(const struct als_sides *s, double value)
{
    return (1.0 + s->opt->alpha * value) / implicit_weight(s, value);
}

static void set_item_units(const struct als_sides *s, int64_t item, struct als_items *w)
{
    if (s->opt->implicit) /* the side is largest at an end of the range */
        set_units(s, implicit_weight(s, s->most[item]),
                  fmax(implicit_side(s, s->least[item]), implicit_side(s, s->most[item])), w);
    else
        set_units(s, 1.0, w->side_most, w);
}

static void sum_item(const struct als_sides *s, int64_t item, int64_t *sum, struct als_items *w)
{
    const struct als_model *m = s->model;
    int64_t last = s->by_item[item + 1], factors = s->opt->factors, rows = 0;
    if (s->item_count[item] > 0) set_item_units(s, item, w);
    for (int64_t r = s->by_item[item]; r < last; r++) {
        const float *x = m->user + s->rater[r] * m->stride;
        double value = (double)s->rating[r];
        if (s->opt->implicit)
            put(w, rows++, x, factors, implicit_weight(s, value), implicit_side(s, value));
        else
            put(w, rows++, x, factors, 1.0, value - m->mean - (double)x[factors]);
        if (rows < CHUNK && r + 1 < last) continue;
        syrk_add(w->panel, w->strips, rows, CHUNK, w->square);
        settle(w, sum);
        rows = 0;
    }
}

/* Sum of x x' over all users, who all weigh 1. */
static void sum_users(const struct comm *comm, const struct als_sides *s, struct als_items *w)
{
    const struct als_model *m = s->model;
    memset(w->common, 0, (size_t)w->triangle * sizeof *w->common);
    set_units(s, 1.0, 1.0, w);
    for (int64_t u = 0, rows = 0; u < m->users_local; u++) {
        put(w, rows++, m->user + u * m->stride, s->opt->factors, 1.0, 0.0);
        if (rows < CHUNK && u + 1 < m->users_local) continue;
        syrk_add(w->panel, w->strips, rows, CHUNK, w->square);
        settle(w, w->common);
        rows = 0;
    }
    comm_sum_int64(comm, w->common, w->triangle);
}

/* ---- solutions ---- */

/* system and x += what whole numbers of the present units say */
static void add_scaled(const int64_t *sum, struct als_items *w)
{
    int64_t n = w->columns, at = 0;
    for (int64_t k = 0; k < n; k++) {
        for (int64_t j = k; j < n; j++)
            w->system[k * n + j] += (double)sum[at++] * w->unit[k] * w->unit[j];
        w->x[k] += (double)sum[at++] * w->unit[k] * w->unit[n];
    }
}

static void add_ridge(const struct als_sides *s, int64_t item, struct als_items *w)
{
    double lambda = s->opt->lambda;
    if (!s->opt->implicit) lambda *= (double)s->item_count[item];
    for (int64_t k = 0; k < w->columns; k++)
        w->system[k * w->columns + k] += k < s->opt->factors ? lambda : s->opt->bias_lambda;
}

static enum status solve_item(const struct als_sides *s, int64_t item, const int64_t *sum,
                              struct als_items *w, float *y)
{
    bool good = true;
    int64_t n = w->columns;
    memset(y, 0, (size_t)s->model->stride * sizeof *y);
    if (s->item_count[item] == 0) return OK;
    memset(w->system, 0, (size_t)(n * n) * sizeof *w->system);
    memset(w->x, 0, (size_t)n * sizeof *w->x);
    if (s->opt->implicit) {
        set_units(s, 1.0, 1.0, w);
        add_scaled(w->common, w);
    }
    set_item_units(s, item, w);
    add_scaled(sum, w);
    add_ridge(s, item, w);
    good = definite_solve(w->system, n, n, w->x);
    for (int64_t k = 0; k < n; k++) {
        y[k] = (float)w->x[k];
        good = good && isfinite(y[k]);
    }
    if (good) return OK;
    return FAIL(ERR_NUMERIC, "factors grow out of range; raise lambda, or take fewer factors");
}

static enum status solve_share(const struct als_sides *s, int64_t first, int64_t from, int64_t to,
                               struct als_items *w)
{
    enum status status = OK;
    for (int64_t i = from; i < to; i++)
        TRY(solve_item(s, first + i, w->sum + i * w->triangle, w,
                       w->solved + (i - from) * s->model->stride));
done:
    return status;
}

static enum status solve_batch(const struct comm *comm, const struct als_sides *s, int64_t first,
                               int64_t items, struct als_items *w)
{
    enum status status = OK;
    void *all = NULL;
    int64_t bytes = 0, row = s->model->stride * (int64_t)sizeof(float);
    int64_t from = items * comm->rank / comm->ranks, to = items * (comm->rank + 1) / comm->ranks;
    memset(w->sum, 0, (size_t)(items * w->triangle) * sizeof *w->sum);
    for (int64_t i = 0; i < items; i++) sum_item(s, first + i, w->sum + i * w->triangle, w);
    comm_sum_int64(comm, w->sum, items * w->triangle);
    TRY_ALL(comm, solve_share(s, first, from, to, w));
    TRY(comm_gather_all(comm, w->solved, (to - from) * row, &all, &bytes));
    memcpy(s->model->item + first * s->model->stride, all, (size_t)(items * row));
done:
    free(all);
    return status;
}

enum status als_items_solve(const struct comm *comm, const struct als_sides *s)
{
    enum status status = OK;
    struct als_items *w = s->items;
    find_largest(comm, s, w);
    if (s->opt->implicit) sum_users(comm, s, w);
    for (int64_t i = 0; i < s->data->items; i += w->batch) {
        int64_t left = s->data->items - i;
        TRY(solve_batch(comm, s, i, left < w->batch ? left : w->batch, w));
    }
done:
    return status;
}
