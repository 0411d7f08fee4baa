/* Normal equations in guessed units are brought to the right ones. */
#include "algorithms/double_double.h"
#include "algorithms/gram.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define MEAN_LIMIT 8.0       /* standard deviations between a mean and its guess */
#define DEVIATION_LOW 0x1p-8 /* of columns in guessed units */
#define DEVIATION_HIGH 0x1p20

/* Columns are numbered as in the scaling: dense, then y. */
struct settling {
    const struct design *design; /* not owned */
    struct scaling *scaling;     /* not owned */
    struct gram *gram;           /* not owned */
    int64_t columns;
    double weights; /* sum, in scaled units */
    double *sum;    /* [columns] products with the intercept; 0 without one */
    double *moved;  /* [columns] how far the shifts went, in guessed units */
    double *factor; /* [columns] of the scales */
};

/* The power of two that brings x near 1; 1 for 0. */
static double unit_of(double x)
{
    return x > 0.0 ? ldexp(1.0, (int)-rint(log2(x))) : 1.0;
}

/* Product of two columns, of which i <= j. */
static double *product_at(const struct settling *t, int64_t i, int64_t j)
{
    int64_t last = t->columns - 1, first = t->design->intercept ? 1 : 0;
    if (i == last) return &t->gram->y_square;
    if (j == last) return &t->gram->b[first + i];
    return &t->gram->a[(first + i) * t->gram->parameters + first + j];
}

/* Product of a column with the intercept. */
static double *sum_at(const struct settling *t, int64_t j)
{
    return j == t->columns - 1 ? &t->gram->b[0] : &t->gram->a[1 + j];
}

/* value - d_i s_j - d_j s_i + weights d_i d_j */
static double about(const struct settling *t, double value, int64_t i, int64_t j)
{
    double d_i = t->moved[i], d_j = t->moved[j];
    struct double_double sum = {value, 0.0}, both = double_double_product(d_i, d_j);
    sum = double_double_add(sum, double_double_product(-d_i, t->sum[j]));
    sum = double_double_add(sum, double_double_product(-d_j, t->sum[i]));
    sum = double_double_add(sum, double_double_product(t->weights, both.high));
    sum = double_double_add(sum, double_double_product(t->weights, both.low));
    return sum.high;
}

static void move_shifts(struct settling *t)
{
    for (int64_t j = 0; j < t->columns; j++) {
        double *shift = &t->scaling->shift[j], before = *shift, scale = t->scaling->scale[j];
        t->sum[j] = *sum_at(t, j);
        *shift += t->sum[j] / t->weights / scale;
        t->moved[j] = (*shift - before) * scale;
    }
    for (int64_t i = 0; i < t->columns; i++)
        for (int64_t j = i; j < t->columns; j++)
            *product_at(t, i, j) = about(t, *product_at(t, i, j), i, j);
    for (int64_t j = 0; j < t->columns; j++) {
        struct double_double left = {t->sum[j], 0.0};
        left = double_double_add(left, double_double_product(-t->weights, t->moved[j]));
        *sum_at(t, j) = left.high;
    }
}

static bool is_good(double square, double moved, double weights)
{
    double deviation = sqrt(fmax(square / weights, 0.0));
    if (square == 0.0 && moved == 0.0) return true; /* a constant */
    return fabs(moved) <= MEAN_LIMIT * deviation && deviation >= DEVIATION_LOW &&
           deviation <= DEVIATION_HIGH;
}

/* Bring deviations near 1, and weights. */
static void scale_products(const struct settling *t, double weight_unit)
{
    struct scaling *scaling = t->scaling;
    for (int64_t i = 0; i < t->columns; i++) {
        scaling->scale[i] *= t->factor[i];
        for (int64_t j = i; j < t->columns; j++)
            *product_at(t, i, j) *= t->factor[i] * t->factor[j] * weight_unit;
        if (t->design->intercept) *sum_at(t, i) *= t->factor[i] * weight_unit;
    }
    if (t->design->intercept) t->gram->a[0] *= weight_unit;
    scaling->weight_scale *= weight_unit;
}

static void set_squares(const struct settling *t)
{
    int64_t p = t->gram->parameters;
    for (int64_t i = 0; i < p; i++) {
        t->scaling->square_sum[i] = t->gram->a[i * p + i];
        for (int64_t j = 0; j < i; j++) t->gram->a[i * p + j] = t->gram->a[j * p + i];
    }
    t->scaling->total_square = t->gram->y_square;
}

static bool settle(struct settling *t)
{
    bool good = true;
    if (t->design->intercept) move_shifts(t);
    for (int64_t j = 0; j < t->columns; j++) {
        double square = *product_at(t, j, j);
        good &= is_good(square, t->moved[j], t->weights);
        t->factor[j] = unit_of(sqrt(fmax(square / t->weights, 0.0)));
    }
    if (!good) return false;
    scale_products(t, unit_of(t->weights / (double)t->scaling->rows));
    set_squares(t);
    return true;
}

/* Rows of positive weight and the sum of weights, in scaled units. */
static enum status count_rows(const struct comm *comm, struct settling *t)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct blocks *blocks = t->design->blocks;
    const double *weight = t->design->weight;
    t->scaling->rows = blocks->rows_total;
    t->weights = (double)blocks->rows_total;
    if (weight == NULL) return OK;
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double part[2] = {0};
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) {
            part[0] += weight[i] * t->scaling->weight_scale;
            part[1] += weight[i] > 0.0 ? 1.0 : 0.0;
        }
        exact_add(&sums, 0, part, 2);
    }
    TRY(exact_reduce(comm, &sums));
    t->weights = exact_get(&sums, 0);
    t->scaling->rows = (int64_t)exact_get(&sums, 1);
done:
    exact_clear(&sums);
    return status;
}

enum status gram_settle(const struct comm *comm, const struct design *design,
                        struct scaling *scaling, struct gram *gram, bool *settled)
{
    enum status status = OK;
    struct settling t = {design, scaling, gram, design->dense + 1, 0.0, NULL, NULL, NULL};
    *settled = false;
    TRY(count_rows(comm, &t));
    TRY_ALL(comm, memory_new(&t.sum, 3 * t.columns, sizeof *t.sum));
    t.moved = t.sum + t.columns;
    t.factor = t.moved + t.columns;
    *settled = settle(&t);
done:
    free(t.sum);
    return status;
}
