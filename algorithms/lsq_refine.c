/* Solutions corrected by residuals of twice the digits. */
#include "algorithms/lsq_refine.h"

#include "algorithms/double_double.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8, ROUNDS_MAX = 40, LIMBS = 3 };

#define AIM 0x1p-90    /* a correction below this part of the solution ends the rounds */
#define ENOUGH 0x1p-30 /* above this the solution is not one */
#define LIMB_ONE 0x1p30
#define LIMB_TWO 0x1p40
#define LIMB_THREE 0x1p60

/* Vectors of 106 bits stand as high and low parts. Columns: the intercept, dense, sparse. */
struct refiner {
    const struct lsq_system *s; /* not owned */
    int64_t first;              /* 1 with an intercept */
    bool with_y;
    double *x_high, *x_low;         /* [kept] */
    double *slope_high, *slope_low; /* [parameters] x in the units of the scaled columns */
    double *row_high, *row_low;     /* [dense] of one row, centred */
    double *sum_high, *sum_low;     /* [1 + dense] of a block: intercept, then dense */
    double *residual, *step;        /* [kept] */
    struct exact_sums sums;         /* [LIMBS][parameters] */
};

static enum status refiner_init(const struct lsq_system *s, bool with_y, struct refiner *r)
{
    enum status status = OK;
    const struct design *design = s->design;
    int64_t parameters = design_parameters(design), wide = design->dense + 1;
    *r = (struct refiner){.s = s, .first = design->intercept ? 1 : 0, .with_y = with_y};
    TRY(memory_new(&r->x_high, 4 * s->kept, sizeof *r->x_high));
    r->x_low = r->x_high + s->kept;
    r->residual = r->x_low + s->kept;
    r->step = r->residual + s->kept;
    TRY(memory_new(&r->slope_high, 2 * parameters, sizeof *r->slope_high));
    r->slope_low = r->slope_high + parameters;
    TRY(memory_new(&r->row_high, 4 * wide, sizeof *r->row_high));
    r->row_low = r->row_high + wide;
    r->sum_high = r->row_low + wide;
    r->sum_low = r->sum_high + wide;
    TRY(exact_init(&r->sums, LIMBS * parameters));
done:
    return status;
}

static void refiner_clear(struct refiner *r)
{
    free(r->x_high);
    free(r->slope_high);
    free(r->row_high);
    exact_clear(&r->sums);
}

/* ---- one row ---- */

static struct double_double times(struct double_double x, double a)
{
    struct double_double product = double_double_product(x.high, a);
    return double_double_ordered_sum(product.high, product.low + x.low * a);
}

VECTORISED static void center(const double *x, const double *shift, int64_t count, double *high,
                              double *low)
{
    for (int64_t j = 0; j < count; j++) {
        struct double_double d = double_double_sum(x[j], -shift[j]);
        high[j] = d.high;
        low[j] = d.low;
    }
}

/* sum of x[j] * a[j], both of two parts, in interleaved chains */
VECTORISED static struct double_double dot(const double *x_high, const double *x_low,
                                           const double *a_high, const double *a_low, int64_t count)
{
    double high[LANES] = {0}, low[LANES] = {0};
    int64_t whole = count / LANES * LANES;
    struct double_double total = {0.0, 0.0};
    for (int64_t j = 0; j < whole; j += LANES)
        for (int l = 0; l < LANES; l++) {
            struct double_double p = double_double_product(x_high[j + l], a_high[j + l]);
            p.low += x_high[j + l] * a_low[j + l] + x_low[j + l] * a_high[j + l];
            struct double_double sum =
                double_double_add((struct double_double){high[l], low[l]}, p);
            high[l] = sum.high;
            low[l] = sum.low;
        }
    for (int l = 0; l < LANES; l++)
        total = double_double_add(total, (struct double_double){high[l], low[l]});
    for (int64_t j = whole; j < count; j++) {
        struct double_double p = double_double_product(x_high[j], a_high[j]);
        p.low += x_high[j] * a_low[j] + x_low[j] * a_high[j];
        total = double_double_add(total, p);
    }
    return total;
}

/* sum[j] += x[j] * error for all j */
VECTORISED static void add_products(const double *x_high, const double *x_low, int64_t count,
                                    struct double_double error, double *sum_high, double *sum_low)
{
    for (int64_t j = 0; j < count; j++) {
        struct double_double p = double_double_product(x_high[j], error.high);
        p.low += x_high[j] * error.low + x_low[j] * error.high;
        struct double_double sum =
            double_double_add((struct double_double){sum_high[j], sum_low[j]}, p);
        sum_high[j] = sum.high;
        sum_low[j] = sum.low;
    }
}

static double entry_of(const struct refiner *r, int64_t entry)
{
    const struct design *design = r->s->design;
    double value = design->value != NULL ? design->value[entry] : 1.0;
    return value * r->s->scaling->sparse_scale[design->column[entry]];
}

/* What the solution leaves of a row, in scaled units; its centred dense columns stay in r. */
static struct double_double row_error(struct refiner *r, int64_t row)
{
    const struct design *design = r->s->design;
    const struct scaling *scaling = r->s->scaling;
    int64_t dense = design->dense, sparse = r->first + dense;
    struct double_double error = {0.0, 0.0};
    if (r->with_y) {
        error = double_double_sum(design->y[row], -scaling->shift[dense]);
        error.high *= scaling->scale[dense];
        error.low *= scaling->scale[dense];
    }
    if (r->first > 0)
        error =
            double_double_add(error, (struct double_double){-r->slope_high[0], -r->slope_low[0]});
    if (dense > 0) {
        center(design->x + row * dense, scaling->shift, dense, r->row_high, r->row_low);
        struct double_double fitted =
            dot(r->row_high, r->row_low, r->slope_high + r->first, r->slope_low + r->first, dense);
        error = double_double_add(error, (struct double_double){-fitted.high, -fitted.low});
    }
    for (int64_t e = design->sparse > 0 ? design->row_start[row] : 0;
         design->sparse > 0 && e < design->row_start[row + 1]; e++) {
        int64_t at = sparse + design->column[e];
        struct double_double slope = {r->slope_high[at], r->slope_low[at]};
        error = double_double_add(error, times(slope, -entry_of(r, e)));
    }
    return error;
}

/* Add a number of 106 bits to sum `at` without error: its limbs go to three exact sums. */
static void add_exactly(struct refiner *r, int64_t at, struct double_double x)
{
    int64_t count = r->sums.count / LIMBS;
    double first = rint(x.high * LIMB_ONE) / LIMB_ONE;
    exact_add_one(&r->sums, at, first);
    exact_add_one(&r->sums, count + at, (x.high - first) * LIMB_TWO);
    exact_add_one(&r->sums, 2 * count + at, x.low * LIMB_THREE);
}

static void add_row(struct refiner *r, int64_t row)
{
    const struct design *design = r->s->design;
    int64_t dense = design->dense;
    double weight =
        design->weight != NULL ? design->weight[row] * r->s->scaling->weight_scale : 1.0;
    if (!(weight > 0.0)) return;
    struct double_double error = times(row_error(r, row), weight);
    struct double_double sum =
        double_double_add((struct double_double){r->sum_high[0], r->sum_low[0]}, error);
    r->sum_high[0] = sum.high;
    r->sum_low[0] = sum.low;
    add_products(r->row_high, r->row_low, dense, error, r->sum_high + 1, r->sum_low + 1);
    for (int64_t e = design->sparse > 0 ? design->row_start[row] : 0;
         design->sparse > 0 && e < design->row_start[row + 1]; e++)
        add_exactly(r, r->first + dense + design->column[e], times(error, entry_of(r, e)));
}

static void add_block(struct refiner *r, int64_t from, int64_t to)
{
    int64_t dense = r->s->design->dense;
    const double *scale = r->s->scaling->scale;
    memset(r->sum_high, 0, (size_t)(dense + 1) * sizeof *r->sum_high);
    memset(r->sum_low, 0, (size_t)(dense + 1) * sizeof *r->sum_low);
    for (int64_t i = from; i < to; i++) add_row(r, i);
    if (r->first > 0) add_exactly(r, 0, (struct double_double){r->sum_high[0], r->sum_low[0]});
    for (int64_t j = 0; j < dense; j++)
        add_exactly(
            r, r->first + j,
            (struct double_double){r->sum_high[1 + j] * scale[j], r->sum_low[1 + j] * scale[j]});
}

/* ---- rounds ---- */

/* Slopes of the columns before they are scaled, from the solution: powers of two all the way. */
static void set_slopes(struct refiner *r)
{
    const struct lsq_system *s = r->s;
    int64_t dense_end = r->first + s->design->dense;
    memset(r->slope_high, 0, (size_t)(2 * design_parameters(s->design)) * sizeof *r->slope_high);
    for (int64_t i = 0; i < s->kept; i++) {
        int64_t at = s->parameter[i];
        double unit = s->unit[i];
        if (at >= r->first && at < dense_end) unit *= s->scaling->scale[at - r->first];
        r->slope_high[at] = r->x_high[i] * unit;
        r->slope_low[at] = r->x_low[i] * unit;
    }
}

/* Less what a penalty makes of the solution. */
static struct double_double take_penalty(const struct refiner *r, int64_t i,
                                         struct double_double sum)
{
    double penalty = r->s->penalty[i] * r->s->unit[i];
    if (!(penalty > 0.0)) return sum;
    struct double_double x = {r->x_high[i], r->x_low[i]};
    return double_double_add(sum, times(x, -penalty));
}

/* residual = b (side `side`; NULL: none) + X'W (y - X x) - penalty x */
static enum status take_residual(const struct comm *comm, struct refiner *r, const double *b,
                                 int64_t stride)
{
    enum status status = OK;
    const struct blocks *blocks = r->s->design->blocks;
    int64_t count = r->sums.count / LIMBS;
    exact_reset(&r->sums);
    set_slopes(r);
    for (int64_t k = 0; k < blocks->blocks_local; k++)
        add_block(r, blocks->start[k], blocks->start[k + 1]);
    TRY(exact_reduce(comm, &r->sums));
    for (int64_t i = 0; i < r->s->kept; i++) {
        int64_t at = r->s->parameter[i];
        struct double_double sum = {exact_get(&r->sums, at), 0.0};
        sum = double_double_add(
            sum, (struct double_double){exact_get(&r->sums, count + at) / LIMB_TWO, 0.0});
        sum = double_double_add(
            sum, (struct double_double){exact_get(&r->sums, 2 * count + at) / LIMB_THREE, 0.0});
        sum = take_penalty(r, i, sum);
        sum.high *= r->s->unit[i];
        sum.low *= r->s->unit[i];
        if (b != NULL) sum = double_double_add(sum, (struct double_double){b[i * stride], 0.0});
        r->residual[i] = sum.high;
    }
done:
    return status;
}

/* Largest correction over the largest component; NaN if anything is not finite. */
static double apply_step(struct refiner *r)
{
    double largest = 0.0, change = 0.0, trouble = 0.0;
    for (int64_t i = 0; i < r->s->kept; i++) {
        struct double_double x =
            double_double_add((struct double_double){r->x_high[i], r->x_low[i]},
                              (struct double_double){r->step[i], 0.0});
        r->x_high[i] = x.high;
        r->x_low[i] = x.low;
        largest = fmax(largest, fabs(x.high));
        change = fmax(change, fabs(r->step[i]));
        trouble += x.high - x.high;
    }
    return trouble + (change > 0.0 ? change / largest : 0.0);
}

static enum status refine(const struct comm *comm, struct refiner *r, const double *b,
                          int64_t stride)
{
    enum status status = OK;
    double change = INFINITY, before = INFINITY;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        TRY(take_residual(comm, r, b, stride));
        TRY(lsq_system_step(comm, r->s, r->residual, r->step));
        before = change;
        change = apply_step(r);
        if (change <= AIM || !(change <= 0.25 * before)) break;
    }
    if (!(change <= ENOUGH))
        status = FAIL(ERR_NUMERIC,
                      "columns are so nearly dependent that the solution is not unique to double "
                      "precision; leave one of them out");
done:
    return status;
}

/* To double, and to a multiple of the quantum. */
static double rounded(double high, double low, double quantum)
{
    double units = high / quantum, whole = rint(units);
    if (fabs(units) >= 0x1p53) return high;
    double rest = (units - whole) + low / quantum;
    if (rest > 0.5) whole += 1.0;
    if (rest < -0.5) whole -= 1.0;
    return whole * quantum;
}

static void round_solution(const struct refiner *r, int digits, int64_t stride, double *x)
{
    double largest = 0.0;
    for (int64_t i = 0; i < r->s->kept; i++) largest = fmax(largest, fabs(r->x_high[i]));
    double quantum = largest > 0.0 ? ldexp(1.0, ilogb(largest) - digits) : 1.0;
    for (int64_t i = 0; i < r->s->kept; i++)
        x[i * stride] = rounded(r->x_high[i], r->x_low[i], quantum);
}

enum status lsq_refine(const struct comm *comm, const struct lsq_system *s, const double *b,
                       int64_t sides, const double *start, int digits, double *x)
{
    enum status status = OK;
    struct refiner r = {0};
    if (s->kept == 0) return OK;
    TRY_ALL(comm, refiner_init(s, b == NULL, &r));
    for (int64_t side = 0; side < sides; side++) {
        for (int64_t i = 0; i < s->kept; i++) {
            r.x_high[i] = start != NULL ? start[i * sides + side] : 0.0;
            r.x_low[i] = 0.0;
        }
        TRY(refine(comm, &r, b != NULL ? b + side : NULL, sides));
        round_solution(&r, digits, sides, x + side);
    }
done:
    refiner_clear(&r);
    return status;
}
