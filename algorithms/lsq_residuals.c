/* What a fit leaves unexplained. */
#include "algorithms/lsq_residuals.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <stdlib.h>

struct residuals {
    const struct lsq_system *s;                  /* not owned */
    const struct least_squares_options *options; /* not owned */
    struct predictors fitted;
    double *buffer; /* [longest block] where errors are not wanted */
};

void lsq_residuals_function(const struct lsq_system *s, const double *x, int64_t stride, int64_t k,
                            struct predictors *p)
{
    const struct design *design = s->design;
    int64_t first = design->intercept ? 1 : 0;
    for (int64_t i = 0; i < s->kept; i++) {
        int64_t j = s->parameter[i] - first;
        double value = x[i * stride] * lsq_system_scale(s, i);
        if (j < 0)
            p->constant[k] = value;
        else if (j < design->dense)
            p->slope[k * design->dense + j] = value;
        else
            p->effect[(j - design->dense) * p->count + k] = value;
    }
}

static enum status residuals_init(const struct lsq_system *s,
                                  const struct least_squares_options *options, struct residuals *r)
{
    enum status status = OK;
    const struct blocks *blocks = s->design->blocks;
    int64_t longest = 0;
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        if (blocks->start[b + 1] - blocks->start[b] > longest)
            longest = blocks->start[b + 1] - blocks->start[b];
    *r = (struct residuals){.s = s, .options = options};
    TRY(predictors_init(s->design, s->scaling->shift, 1, &r->fitted));
    TRY(memory_new(&r->buffer, longest, sizeof *r->buffer));
    if (!options->score) lsq_residuals_function(s, s->x, 1, 0, &r->fitted);
done:
    return status;
}

static void residuals_clear(struct residuals *r)
{
    predictors_clear(&r->fitted);
    free(r->buffer);
}

static double weight_of(const struct lsq_system *s, int64_t row)
{
    const double *weight = s->design->weight;
    return weight != NULL ? weight[row] * s->scaling->weight_scale : 1.0;
}

/* What the late part of a row's dense columns adds to its fitted value. */
static double late_part(const struct residuals *r, int64_t row)
{
    int64_t count = r->options->late_count;
    const double *slope = r->fitted.slope + r->options->late_first;
    double sum = 0.0;
    for (int64_t k = 0; k < count; k++) sum += r->options->late[row * count + k] * slope[k];
    return sum;
}

/* Errors of the rows of a block, and the weighted sum of their squares. */
static double block_square(struct residuals *r, int64_t from, int64_t to, double *error)
{
    const struct design *design = r->s->design;
    const struct scaling *scaling = r->s->scaling;
    double shift = scaling->shift[design->dense], scale = scaling->scale[design->dense];
    double square = 0.0;
    predictors_rows(&r->fitted, design->x, from, to, error);
    for (int64_t i = from; i < to; i++)
        if (weight_of(r->s, i) > 0.0)
            error[i - from] = (design->y[i] - shift) * scale - error[i - from] - late_part(r, i);
    predictors_center(design, from, to, 1, error);
    for (int64_t i = from; i < to; i++)
        square += weight_of(r->s, i) * error[i - from] * error[i - from];
    return square;
}

enum status lsq_residuals_square(const struct comm *comm, const struct lsq_system *s,
                                 const struct least_squares_options *options, double *error,
                                 double *square)
{
    enum status status = OK;
    struct residuals r = {0};
    struct exact_sums sums = {0};
    const struct blocks *blocks = s->design->blocks;
    TRY_ALL(comm, residuals_init(s, options, &r));
    TRY_ALL(comm, exact_init(&sums, 1));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        int64_t from = blocks->start[b], to = blocks->start[b + 1];
        exact_add_one(&sums, 0,
                      block_square(&r, from, to, error != NULL ? error + from : r.buffer));
    }
    TRY(exact_reduce(comm, &sums));
    *square = exact_get(&sums, 0);
done:
    exact_clear(&sums);
    residuals_clear(&r);
    return status;
}
