/* The sparse normal equations of effects, and their solution by conjugate gradients. */
#include "algorithms/levels.h"

#include "algorithms/levels_core.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = LEVELS_COLUMNS };

/* Weight `value` of a row that has both levels. */
struct meeting {
    int32_t level, other;
    double value;
};

/* ---- building ---- */

static double weight_of(const struct design *design, double weight_scale, int64_t row)
{
    return design->weight != NULL ? design->weight[row] * weight_scale : 1.0;
}

static enum status number_levels(const struct comm *comm, const struct design *design,
                                 struct levels *l)
{
    enum status status = OK;
    *l = (struct levels){.effects = design->effects};
    TRY(memory_new(&l->first, design->effects + 1, sizeof *l->first));
    for (int64_t e = 0; e < design->effects; e++)
        l->first[e + 1] = l->first[e] + design->effect[e].levels;
    l->total = l->first[design->effects];
    if (l->total > INT32_MAX)
        TRY(FAIL(ERR_ARG, "%lld levels of absorbed effects are more than %d", (long long)l->total,
                 INT32_MAX));
    TRY(memory_new(&l->weight, l->total, sizeof *l->weight));
    TRY(blocks_cut(comm, l->total, LEVELS_BLOCK, &l->own));
done:
    return status;
}

static enum status weigh_levels(const struct comm *comm, const struct design *design,
                                double weight_scale, struct levels *l)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, l->total));
    for (int64_t i = 0; i < design->blocks->rows_local; i++)
        for (int64_t e = 0; e < l->effects; e++)
            exact_add_one(&sums, l->first[e] + design->effect[e].level[i],
                          weight_of(design, weight_scale, i));
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, l->weight, l->total);
done:
    exact_clear(&sums);
    return status;
}

/* Where the meetings of each rank's levels go, and how many there are: [ranks] both. */
static void count_meetings(const struct comm *comm, const struct levels *l,
                           const struct design *design, double weight_scale, int64_t *counts)
{
    for (int64_t i = 0; i < design->blocks->rows_local; i++) {
        if (!(weight_of(design, weight_scale, i) > 0.0)) continue;
        for (int64_t e = 0; e < l->effects; e++)
            counts[blocks_owner(comm, l->total, LEVELS_BLOCK,
                                l->first[e] + design->effect[e].level[i])] += l->effects - 1;
    }
}

static void fill_meetings(const struct comm *comm, const struct levels *l,
                          const struct design *design, double weight_scale, int64_t *next,
                          struct meeting *send)
{
    for (int64_t i = 0; i < design->blocks->rows_local; i++) {
        double weight = weight_of(design, weight_scale, i);
        if (!(weight > 0.0)) continue;
        for (int64_t e = 0; e < l->effects; e++) {
            int64_t level = l->first[e] + design->effect[e].level[i];
            int64_t *to = &next[blocks_owner(comm, l->total, LEVELS_BLOCK, level)];
            for (int64_t f = 0; f < l->effects; f++)
                if (f != e)
                    send[(*to)++] = (struct meeting){
                        (int32_t)level, (int32_t)(l->first[f] + design->effect[f].level[i]),
                        weight};
        }
    }
}

/* Meetings of the levels that lie here, in the order of global rows. */
static enum status exchange_meetings(const struct comm *comm, const struct levels *l,
                                     const struct design *design, double weight_scale,
                                     struct meeting **received, int64_t *count)
{
    enum status status = OK;
    int64_t *counts = NULL, all = 0;
    struct meeting *send = NULL;
    void *got = NULL;
    TRY_ALL(comm, memory_new(&counts, 2 * (int64_t)comm->ranks, sizeof *counts));
    count_meetings(comm, l, design, weight_scale, counts);
    int64_t *next = counts + comm->ranks;
    for (int r = 0; r < comm->ranks; r++) {
        next[r] = all;
        all += counts[r];
    }
    TRY_ALL(comm, memory_new(&send, all, sizeof *send));
    fill_meetings(comm, l, design, weight_scale, next, send);
    TRY(comm_exchange(comm, send, counts, sizeof *send, &got, count));
    *received = got;
done:
    free(counts);
    free(send);
    return status;
}

/* to = from, stably sorted by level (less `base`) or by other; bins is work space for `keys`. */
static void sort_meetings(const struct meeting *from, int64_t count, bool by_other, int64_t base,
                          int64_t keys, int64_t *bins, struct meeting *to)
{
    memset(bins, 0, (size_t)(keys + 1) * sizeof *bins);
    for (int64_t i = 0; i < count; i++)
        bins[(by_other ? from[i].other : from[i].level - base) + 1]++;
    for (int64_t k = 0; k < keys; k++) bins[k + 1] += bins[k];
    for (int64_t i = 0; i < count; i++)
        to[bins[by_other ? from[i].other : from[i].level - base]++] = from[i];
}

/* Sum meetings of the same pair, in order, into rows of the matrix. */
static enum status store_rows(const struct meeting *sorted, int64_t count, struct levels *l)
{
    enum status status = OK;
    int64_t entries = 0, rows = l->own.rows_local;
    for (int64_t i = 0; i < count; i++)
        entries += i == 0 || sorted[i].level != sorted[i - 1].level ||
                   sorted[i].other != sorted[i - 1].other;
    TRY(memory_new(&l->start, rows + 1, sizeof *l->start));
    TRY(memory_new(&l->column, entries, sizeof *l->column));
    TRY(memory_new(&l->value, entries, sizeof *l->value));
    int64_t at = 0, end = 0;
    for (int64_t row = 0; row < rows; row++) {
        for (; at < count && sorted[at].level == l->own.row_first + row; at++) {
            if (end == l->start[row] || l->column[end - 1] != sorted[at].other)
                l->column[end++] = sorted[at].other;
            l->value[end - 1] += sorted[at].value;
        }
        l->start[row + 1] = end;
    }
done:
    return status;
}

static enum status build_rows(struct meeting *met, int64_t count, struct levels *l)
{
    enum status status = OK;
    struct meeting *sorted = NULL;
    int64_t *bins = NULL;
    TRY(memory_new(&sorted, count, sizeof *sorted));
    TRY(memory_new(&bins, l->total + 1, sizeof *bins));
    sort_meetings(met, count, true, 0, l->total, bins, sorted);
    sort_meetings(sorted, count, false, l->own.row_first, l->own.rows_local, bins, met);
    TRY(store_rows(met, count, l));
done:
    free(sorted);
    free(bins);
    return status;
}

enum status levels_make(const struct comm *comm, const struct design *design, double weight_scale,
                        struct levels *l)
{
    enum status status = OK;
    struct meeting *met = NULL;
    int64_t count = 0;
    *l = (struct levels){0};
    TRY_ALL(comm, number_levels(comm, design, l));
    TRY(weigh_levels(comm, design, weight_scale, l));
    TRY(exchange_meetings(comm, l, design, weight_scale, &met, &count));
    TRY_ALL(comm, build_rows(met, count, l));
    l->pairs = l->start[l->own.rows_local];
    comm_sum_int64(comm, &l->pairs, 1);
    l->pairs /= 2;
done:
    free(met);
    if (status != OK) levels_clear(l);
    return status;
}

void levels_clear(struct levels *l)
{
    free(l->first);
    free(l->weight);
    free(l->start);
    free(l->column);
    free(l->value);
    levels_core_free(&l->core);
    blocks_clear(&l->own);
    *l = (struct levels){0};
}

/* ---- solving ---- */

/* Vectors [levels][WIDTH]; those of this rank's levels only but for `whole`. */
struct solver {
    const struct levels *l; /* not owned */
    double *x, *rest, *way, *image;
    double *whole;             /* [total][WIDTH] the direction, on every rank */
    double rest_square[WIDTH]; /* rest' D^-1 rest */
    double unit[WIDTH];        /* powers of two that bring rest_square near 1 */
    bool done[WIDTH];
    struct exact_sums sums;
};

static enum status solver_init(const struct levels *l, struct solver *v)
{
    enum status status = OK;
    int64_t own = l->own.rows_local * WIDTH;
    *v = (struct solver){.l = l};
    TRY(memory_new(&v->x, 4 * own, sizeof *v->x));
    v->rest = v->x + own;
    v->way = v->rest + own;
    v->image = v->way + own;
    TRY(memory_new(&v->whole, l->total * WIDTH, sizeof *v->whole));
    TRY(exact_init(&v->sums, WIDTH));
done:
    return status;
}

static void solver_clear(struct solver *v)
{
    free(v->x);
    free(v->whole);
    exact_clear(&v->sums);
}

/* The whole vector on every rank: each element has one owner, so bits can be summed. */
static void gather(const struct comm *comm, const struct levels *l, const double *own,
                   double *whole)
{
    memset(whole, 0, (size_t)(l->total * WIDTH) * sizeof *whole);
    memcpy(whole + l->own.row_first * WIDTH, own,
           (size_t)(l->own.rows_local * WIDTH) * sizeof *whole);
    comm_sum_int64(comm, (int64_t *)(void *)whole, l->total * WIDTH);
}

/* image = rows of the matrix times the whole direction. */
VECTORISED static void multiply(const struct levels *l, const double *whole, double *image)
{
    for (int64_t i = 0; i < l->own.rows_local; i++) {
        int64_t level = l->own.row_first + i;
        double sum[WIDTH];
        for (int c = 0; c < WIDTH; c++) sum[c] = l->weight[level] * whole[level * WIDTH + c];
        for (int64_t e = l->start[i]; e < l->start[i + 1]; e++) {
            const double *other = whole + (int64_t)l->column[e] * WIDTH;
            for (int c = 0; c < WIDTH; c++) sum[c] += l->value[e] * other[c];
        }
        for (int c = 0; c < WIDTH; c++) image[i * WIDTH + c] = sum[c];
    }
}

/* sum[c] = unit[c] * a[:][c]' b[:][c], over b's level weights if divide. */
static enum status dot(const struct comm *comm, struct solver *v, const double *a, const double *b,
                       bool divide, double *sum)
{
    const struct blocks *own = &v->l->own;
    const double *weight = v->l->weight + own->row_first;
    exact_reset(&v->sums);
    for (int64_t k = 0; k < own->blocks_local; k++) {
        double part[WIDTH] = {0};
        for (int64_t i = own->start[k]; i < own->start[k + 1]; i++) {
            double times = divide ? (weight[i] > 0.0 ? 1.0 / weight[i] : 0.0) : 1.0;
            for (int c = 0; c < WIDTH; c++) part[c] += a[i * WIDTH + c] * b[i * WIDTH + c] * times;
        }
        for (int c = 0; c < WIDTH; c++) part[c] *= v->unit[c];
        exact_add(&v->sums, 0, part, WIDTH);
    }
    enum status status = exact_reduce(comm, &v->sums);
    exact_get_all(&v->sums, 0, sum, WIDTH);
    return status;
}

static void advance(struct solver *v, const double *step)
{
    for (int64_t i = 0; i < v->l->own.rows_local; i++)
        for (int c = 0; c < WIDTH; c++) {
            int64_t at = i * WIDTH + c;
            v->x[at] += step[c] * v->way[at];
            v->rest[at] -= step[c] * v->image[at];
        }
}

/* way = rest / weight + turn * way */
static void turn_way(struct solver *v, const double *turn)
{
    const double *weight = v->l->weight + v->l->own.row_first;
    for (int64_t i = 0; i < v->l->own.rows_local; i++) {
        double inverse = weight[i] > 0.0 ? 1.0 / weight[i] : 0.0;
        for (int c = 0; c < WIDTH; c++) {
            int64_t at = i * WIDTH + c;
            v->way[at] = v->done[c] ? 0.0 : v->rest[at] * inverse + turn[c] * v->way[at];
        }
    }
}

/* Units for the next sums, and which columns are done. */
static bool settle(struct solver *v, const double *square, double tolerance)
{
    bool all = true;
    for (int c = 0; c < WIDTH; c++) {
        v->done[c] |= !(v->rest_square[c] > tolerance * tolerance * square[c]);
        v->unit[c] = v->done[c] ? 0.0 : ldexp(1.0, -ilogb(v->rest_square[c]));
        all &= v->done[c];
    }
    return all;
}

static enum status iterate(const struct comm *comm, struct solver *v, const double *square,
                           double tolerance, bool *all)
{
    enum status status = OK;
    double sum[WIDTH], step[WIDTH], turn[WIDTH];
    gather(comm, v->l, v->way, v->whole);
    multiply(v->l, v->whole, v->image);
    TRY(dot(comm, v, v->way, v->image, false, sum));
    for (int c = 0; c < WIDTH; c++) {
        v->done[c] |= !(sum[c] > 0.0); /* nothing is left that effects could explain */
        step[c] = v->done[c] ? 0.0 : v->rest_square[c] * v->unit[c] / sum[c];
    }
    advance(v, step);
    TRY(dot(comm, v, v->rest, v->rest, true, sum));
    for (int c = 0; c < WIDTH; c++) {
        double next = v->unit[c] > 0.0 ? sum[c] / v->unit[c] : 0.0;
        turn[c] = v->done[c] ? 0.0 : next / v->rest_square[c];
        v->rest_square[c] = next;
    }
    *all = settle(v, square, tolerance);
    turn_way(v, turn);
done:
    return status;
}

static enum status start(const struct comm *comm, const double *side, const double *square,
                         double tolerance, struct solver *v, bool *all)
{
    enum status status = OK;
    static const double no_turn[WIDTH] = {0};
    const struct levels *l = v->l;
    memcpy(v->rest, side + l->own.row_first * WIDTH,
           (size_t)(l->own.rows_local * WIDTH) * sizeof *v->rest);
    for (int c = 0; c < WIDTH; c++) v->unit[c] = 1.0;
    TRY(dot(comm, v, v->rest, v->rest, true, v->rest_square));
    *all = settle(v, square, tolerance);
    turn_way(v, no_turn);
done:
    return status;
}

/* The worst of the columns, as a tolerance. */
static double reached(const struct solver *v, const double *square)
{
    double worst = 0.0;
    for (int c = 0; c < WIDTH; c++)
        if (square[c] > 0.0) worst = fmax(worst, v->rest_square[c] / square[c]);
    return sqrt(worst);
}

/* The diagonal as preconditioner, for at most so many iterations; x is set. */
static enum status solve_by_diagonal(const struct comm *comm, const struct levels *l,
                                     const double *side, const double *square, double tolerance,
                                     int64_t iterations, double *x,
                                     struct levels_solution *solution)
{
    enum status status = OK;
    struct solver v = {0};
    bool all = false;
    TRY_ALL(comm, solver_init(l, &v));
    TRY(start(comm, side, square, tolerance, &v, &all));
    for (; !all && solution->iterations < iterations; solution->iterations++)
        TRY(iterate(comm, &v, square, tolerance, &all));
    solution->converged = all;
    solution->reached = reached(&v, square);
    gather(comm, l, v.x, x);
done:
    solver_clear(&v);
    return status;
}

enum status levels_solve(const struct comm *comm, struct levels *l, const double *side,
                         const double *square, double tolerance, int64_t max_iterations, double *x,
                         struct levels_solution *solution)
{
    enum status status = OK;
    int64_t easy = l->core != NULL ? 0 : LEVELS_EASY_STEPS;
    if (l->pairs > LEVELS_PAIRS_MAX || easy > max_iterations) easy = max_iterations;
    *solution = (struct levels_solution){0};
    TRY(solve_by_diagonal(comm, l, side, square, tolerance, easy, x, solution));
    if (solution->converged || easy == max_iterations) goto done;
    if (l->core == NULL) TRY(levels_core_make(comm, l, &l->core));
    TRY(levels_core_solve(comm, l, l->core, side, square, tolerance, x, solution));
done:
    return status;
}
