/* Values of linear functions, row by row. */
#include "algorithms/predictors.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <stdlib.h>

enum status predictors_init(const struct design *design, const double *shift, int64_t count,
                            struct predictors *p)
{
    enum status status = OK;
    *p = (struct predictors){.design = design, .shift = shift, .count = count};
    TRY(memory_new(&p->constant, count, sizeof *p->constant));
    TRY(memory_new(&p->slope, count * design->dense, sizeof *p->slope));
    TRY(memory_new(&p->effect, count * design->sparse, sizeof *p->effect));
    TRY(memory_new(&p->row, design->dense, sizeof *p->row));
done:
    return status;
}

void predictors_clear(struct predictors *p)
{
    free(p->constant);
    free(p->slope);
    free(p->effect);
    free(p->row);
    *p = (struct predictors){0};
}

VECTORISED static void subtract(const double *x, const double *shift, int64_t count, double *to)
{
    for (int64_t j = 0; j < count; j++) to[j] = x[j] - shift[j];
}

/* a . b in eight interleaved parts, so that the additions overlap. */
VECTORISED static double dot(const double *a, const double *b, int64_t count)
{
    double part[8] = {0}, rest = 0.0;
    int64_t j = 0;
    for (; j + 8 <= count; j += 8)
        for (int l = 0; l < 8; l++) part[l] += a[j + l] * b[j + l];
    for (; j < count; j++) rest += a[j] * b[j];
    return ((part[0] + part[1]) + (part[2] + part[3])) +
           ((part[4] + part[5]) + (part[6] + part[7])) + rest;
}

VECTORISED static void add_times(const double *from, double times, int64_t count, double *to)
{
    for (int64_t k = 0; k < count; k++) to[k] += times * from[k];
}

static double weight_of(const struct design *design, int64_t row)
{
    return design->weight != NULL ? design->weight[row] : 1.0;
}

void predictors_rows(struct predictors *p, const double *x, int64_t from, int64_t to, double *value)
{
    const struct design *design = p->design;
    int64_t dense = design->dense;
    for (int64_t i = from; i < to; i++, value += p->count) {
        bool counts = weight_of(design, i) > 0.0;
        for (int64_t k = 0; k < p->count; k++) value[k] = counts ? p->constant[k] : 0.0;
        if (!counts) continue;
        if (dense > 0) subtract(x + i * dense, p->shift, dense, p->row);
        for (int64_t k = 0; k < p->count && dense > 0; k++)
            value[k] += dot(p->row, p->slope + k * dense, dense);
        for (int64_t e = design->sparse > 0 ? design->row_start[i] : 0;
             design->sparse > 0 && e < design->row_start[i + 1]; e++)
            add_times(p->effect + design->column[e] * p->count,
                      design->value != NULL ? design->value[e] : 1.0, p->count, value);
    }
}

void predictors_center(const struct design *design, int64_t from, int64_t to, int64_t count,
                       double *value)
{
    if (design->group == NULL) return;
    for (int64_t row = from, next; row < to; row = next) {
        next = design_group_end(design, row, to);
        for (int64_t k = 0; k < count; k++) {
            double sum = 0.0, weights = 0.0, *own = value + (row - from) * count + k;
            for (int64_t i = row; i < next; i++) {
                sum += weight_of(design, i) * own[(i - row) * count];
                weights += weight_of(design, i);
            }
            double mean = weights > 0.0 ? sum / weights : 0.0;
            for (int64_t i = row; i < next; i++)
                own[(i - row) * count] -= weight_of(design, i) > 0.0 ? mean : 0.0;
        }
    }
}
