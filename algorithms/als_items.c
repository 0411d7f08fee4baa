/* Items: exact normal equations over the users of all ranks, in batches, solved by shares. */
#include "algorithms/als_sides.h"
#include "algorithms/definite.h"
#include "algorithms/syrk.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, BITS_MOST = 22, BATCH_BYTES = 64 << 20 };

/* A number v is kept as rint(v / unit), at most 2^bits in size. A product of two, 2^(2 bits), sums
 * up without error over a chunk in a double, and over all ratings of an item in an int64. */
struct item_work {
    int64_t columns;    /* of the normal equations, before their right-hand side */
    int64_t strips;     /* of SYRK_STRIP columns, right-hand side included */
    int64_t triangle;   /* numbers kept of a square, by rows of the upper one */
    int bits;           /* of a number */
    double factor_most; /* largest factor of a user */
    double side_most;   /* explicit: no right-hand side is larger */
    double *panel;      /* [strips][CHUNK][SYRK_STRIP] */
    double *square;     /* [width][width], width = strips * SYRK_STRIP */
    double *unit;       /* [columns + 1] */
    int64_t *common;    /* [triangle] implicit: sum of x x' over all users */
    double *system, *x; /* [columns][columns], [columns] */
    int64_t batch;      /* items at a time */
    int64_t *sum;       /* [batch][triangle] */
    float *solved;      /* [batch][stride] */
};

static void work_clear(struct item_work *w)
{
    free(w->panel);
    free(w->square);
    free(w->unit);
    free(w->common);
    free(w->system);
    free(w->x);
    free(w->sum);
    free(w->solved);
}

static int bits_for(int64_t terms)
{
    int log = 0;
    while (((int64_t)1 << log) < terms) log++;
    return (62 - log) / 2 < BITS_MOST ? (62 - log) / 2 : BITS_MOST;
}

/* Largest factor and largest bias of a user. */
static void find_largest(const struct comm *comm, const struct als_sides *s, double most[2])
{
    const struct als_model *m = s->model;
    int64_t factors = s->opt->factors;
    most[0] = most[1] = 0.0;
    for (int64_t u = 0; u < m->users_local; u++) {
        const float *x = m->user + u * m->stride;
        for (int64_t k = 0; k < factors; k++) most[0] = fmax(most[0], fabs((double)x[k]));
        most[1] = fmax(most[1], fabs((double)x[factors]));
    }
    comm_max_double(comm, most, 2);
}

static enum status work_init(const struct als_sides *s, const double most[2], struct item_work *w)
{
    enum status status = OK;
    int64_t n = w->columns = s->columns, users = s->data->blocks->rows_total;
    int64_t terms = s->count_most, width;
    const struct als_model *m = s->model;
    if (s->opt->implicit && users > terms) terms = users;
    w->bits = bits_for(terms);
    w->factor_most = most[0];
    w->side_most = m->high - m->low + most[1];
    w->strips = n / SYRK_STRIP + 1;
    width = w->strips * SYRK_STRIP;
    w->triangle = n * (n + 1) / 2 + n;
    w->batch = BATCH_BYTES / (w->triangle * (int64_t)sizeof *w->sum) + 1;
    if (w->batch > s->data->items) w->batch = s->data->items;
    TRY(memory_new(&w->panel, w->strips * CHUNK * SYRK_STRIP, sizeof *w->panel));
    TRY(memory_new(&w->square, width * width, sizeof *w->square));
    TRY(memory_new(&w->unit, n + 1, sizeof *w->unit));
    TRY(memory_new(&w->common, w->triangle, sizeof *w->common));
    TRY(memory_new(&w->system, n * n, sizeof *w->system));
    TRY(memory_new(&w->x, n, sizeof *w->x));
    TRY(memory_new(&w->sum, w->batch * w->triangle, sizeof *w->sum));
    TRY(memory_new(&w->solved, w->batch * s->model->stride, sizeof *w->solved));
done:
    return status;
}

/* ---- sums of whole numbers ---- */

/* Add the square of a chunk to a triangle of whole numbers, and empty it. */
static void settle(struct item_work *w, int64_t *sum)
{
    int64_t width = w->strips * SYRK_STRIP, n = w->columns, at = 0;
    for (int64_t k = 0; k < n; k++)
        for (int64_t j = k; j <= n; j++) sum[at++] += (int64_t)w->square[k * width + j];
    memset(w->square, 0, (size_t)(width * width) * sizeof *w->square);
}

/* Row r of the panel: factor x of a user, times `weight`; explicit: and 1; then `side`. */
static void put(struct item_work *w, int64_t r, const float *x, int64_t factors, double weight,
                double side)
{
    double *row = w->panel + r * SYRK_STRIP;
    const int64_t strip = CHUNK * SYRK_STRIP;
    for (int64_t k = 0; k < w->columns; k++) {
        double v = k < factors ? weight * (double)x[k] : 1.0;
        row[k / SYRK_STRIP * strip + k % SYRK_STRIP] = rint(v / w->unit[k]);
    }
    row[w->columns / SYRK_STRIP * strip + w->columns % SYRK_STRIP] =
        rint(side / w->unit[w->columns]);
}

/* Units are powers of two, so that dividing by them rounds nothing. */
static double unit_below(double most, int bits)
{
    int power = 0;
    frexp(most, &power);
    return ldexp(1.0, power - bits);
}

static void set_units(const struct als_sides *s, double weight, double side, struct item_work *w)
{
    for (int64_t k = 0; k < w->columns; k++)
        w->unit[k] = unit_below(k < s->opt->factors ? weight * w->factor_most : 1.0, w->bits);
    w->unit[w->columns] = unit_below(side, w->bits);
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

static void set_item_units(const struct als_sides *s, int64_t item, struct item_work *w)
{
    if (s->opt->implicit) /* the side is largest at an end of the range */
        set_units(s, implicit_weight(s, s->most[item]),
                  fmax(implicit_side(s, s->least[item]), implicit_side(s, s->most[item])), w);
    else
        set_units(s, 1.0, w->side_most, w);
}

static void sum_item(const struct als_sides *s, int64_t item, int64_t *sum, struct item_work *w)
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
static void sum_users(const struct comm *comm, const struct als_sides *s, struct item_work *w)
{
    const struct als_model *m = s->model;
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
static void add_scaled(const int64_t *sum, struct item_work *w)
{
    int64_t n = w->columns, at = 0;
    for (int64_t k = 0; k < n; k++) {
        for (int64_t j = k; j < n; j++)
            w->system[k * n + j] += (double)sum[at++] * w->unit[k] * w->unit[j];
        w->x[k] += (double)sum[at++] * w->unit[k] * w->unit[n];
    }
}

static void add_ridge(const struct als_sides *s, int64_t item, struct item_work *w)
{
    double lambda = s->opt->lambda;
    if (!s->opt->implicit) lambda *= (double)s->item_count[item];
    for (int64_t k = 0; k < w->columns; k++)
        w->system[k * w->columns + k] += k < s->opt->factors ? lambda : s->opt->bias_lambda;
}

static enum status solve_item(const struct als_sides *s, int64_t item, const int64_t *sum,
                              struct item_work *w, float *y)
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
                               struct item_work *w)
{
    enum status status = OK;
    for (int64_t i = from; i < to; i++)
        TRY(solve_item(s, first + i, w->sum + i * w->triangle, w,
                       w->solved + (i - from) * s->model->stride));
done:
    return status;
}

static enum status solve_batch(const struct comm *comm, const struct als_sides *s, int64_t first,
                               int64_t items, struct item_work *w)
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
    struct item_work w = {0};
    double most[2];
    find_largest(comm, s, most);
    TRY_ALL(comm, work_init(s, most, &w));
    if (s->opt->implicit) sum_users(comm, s, &w);
    for (int64_t i = 0; i < s->data->items; i += w.batch) {
        int64_t left = s->data->items - i;
        TRY(solve_batch(comm, s, i, left < w.batch ? left : w.batch, &w));
    }
done:
    work_clear(&w);
    return status;
}
