/* What a fit leaves unexplained. */
#include "algorithms/lsq_residuals.h"

#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <stdlib.h>

struct residuals {
    const struct lsq_system *s; /* not owned */
    double constant;
    double *slope;  /* [dense] per x - shift */
    double *effect; /* [sparse] per value */
    double *error;  /* [longest block] */
};

static enum status residuals_init(const struct lsq_system *s, struct residuals *r)
{
    enum status status = OK;
    const struct design *design = s->design;
    const struct blocks *blocks = design->blocks;
    int64_t longest = 0, first = design->intercept ? 1 : 0;
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        if (blocks->start[b + 1] - blocks->start[b] > longest)
            longest = blocks->start[b + 1] - blocks->start[b];
    *r = (struct residuals){.s = s};
    TRY(memory_new(&r->slope, design->dense, sizeof *r->slope));
    TRY(memory_new(&r->effect, design->sparse, sizeof *r->effect));
    TRY(memory_new(&r->error, longest, sizeof *r->error));
    for (int64_t i = 0; i < s->kept; i++) {
        int64_t j = s->parameter[i] - first;
        double value = s->x[i] * lsq_system_scale(s, i);
        if (j < 0)
            r->constant = value;
        else if (j < design->dense)
            r->slope[j] = value;
        else
            r->effect[j - design->dense] = value;
    }
done:
    return status;
}

static void residuals_clear(struct residuals *r)
{
    free(r->slope);
    free(r->effect);
    free(r->error);
}

/* Sum of (x - shift) * slope, in eight interleaved parts so that the additions overlap. */
VECTORISED static double dense_part(const double *x, const double *shift, const double *slope,
                                    int64_t dense)
{
    double part[8] = {0}, rest = 0.0;
    int64_t j = 0;
    for (; j + 8 <= dense; j += 8)
        for (int l = 0; l < 8; l++) part[l] += (x[j + l] - shift[j + l]) * slope[j + l];
    for (; j < dense; j++) rest += (x[j] - shift[j]) * slope[j];
    return ((part[0] + part[1]) + (part[2] + part[3])) +
           ((part[4] + part[5]) + (part[6] + part[7])) + rest;
}

static double row_error(const struct residuals *r, int64_t row)
{
    const struct design *design = r->s->design;
    const struct scaling *scaling = r->s->scaling;
    int64_t dense = design->dense;
    double error = (design->y[row] - scaling->shift[dense]) * scaling->scale[dense] - r->constant;
    if (dense > 0) error -= dense_part(design->x + row * dense, scaling->shift, r->slope, dense);
    if (design->sparse > 0)
        for (int64_t e = design->row_start[row]; e < design->row_start[row + 1]; e++)
            error -=
                (design->value != NULL ? design->value[e] : 1.0) * r->effect[design->column[e]];
    return error;
}

/* Weighted squares of the errors of rows from .. to, about their mean if they are a group. */
static double error_square(const struct residuals *r, int64_t from, int64_t to)
{
    const struct design *design = r->s->design;
    double sum = 0.0, weights = 0.0, square = 0.0;
    for (int64_t i = from; i < to; i++) {
        double weight =
            design->weight != NULL ? design->weight[i] * r->s->scaling->weight_scale : 1.0;
        r->error[i - from] = weight > 0.0 ? row_error(r, i) : 0.0;
        sum += weight * r->error[i - from];
        weights += weight;
    }
    double mean = design->group != NULL && weights > 0.0 ? sum / weights : 0.0;
    for (int64_t i = from; i < to; i++) {
        double weight =
            design->weight != NULL ? design->weight[i] * r->s->scaling->weight_scale : 1.0;
        double error = r->error[i - from] - mean;
        square += weight * error * error;
    }
    return square;
}

static double block_square(const struct residuals *r, int64_t from, int64_t to)
{
    double square = 0.0;
    if (r->s->design->group == NULL) return error_square(r, from, to);
    for (int64_t row = from, next; row < to; row = next) {
        next = design_group_end(r->s->design, row, to);
        square += error_square(r, row, next);
    }
    return square;
}

enum status lsq_residuals_square(const struct comm *comm, const struct lsq_system *s,
                                 double *square)
{
    enum status status = OK;
    struct residuals r = {0};
    struct exact_sums sums = {0};
    const struct blocks *blocks = s->design->blocks;
    TRY_ALL(comm, residuals_init(s, &r));
    TRY_ALL(comm, exact_init(&sums, 1));
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        exact_add_one(&sums, 0, block_square(&r, blocks->start[b], blocks->start[b + 1]));
    TRY(exact_reduce(comm, &sums));
    *square = exact_get(&sums, 0);
done:
    exact_clear(&sums);
    residuals_clear(&r);
    return status;
}
