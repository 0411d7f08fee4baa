/* Users who come later: one half of an iteration for them alone. */
#include "algorithms/als.h"

#include "algorithms/als_gram.h"
#include "algorithms/als_solver.h"
#include "algorithms/als_white.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TIGHT_BITS = 33 }; /* of the part of a user's loss that may be left */

struct fold {
    const struct als_model *model;
    struct als_terms terms;
    struct als_solver *solver;
    struct als_white white; /* implicit */
    float *row;             /* implicit: [items][wide] */
    float *x;               /* [wide] */
};

static void fold_clear(struct fold *f)
{
    als_solver_free(&f->solver);
    als_white_clear(&f->white);
    free(f->row);
    free(f->x);
}

static enum status whiten(struct fold *f)
{
    enum status status = OK;
    const struct als_model *m = f->model;
    const struct als_terms *t = &f->terms;
    float *part = NULL;
    TRY(als_white_init(t->columns, t->wide, &f->white));
    TRY(memory_new(&part, t->columns * t->wide, sizeof *part));
    TRY(memory_new(&f->row, m->items * t->wide, sizeof *f->row));
    als_gram_add(m->item, m->items, m->stride, t->columns, t->wide, part, f->white.square);
    TRY(als_white_set(&f->white, m->lambda));
    als_white_rows(&f->white, m->item, m->items, m->stride, f->row, t->wide);
done:
    free(part);
    return status;
}

static enum status fold_init(const struct als_model *m, struct fold *f)
{
    enum status status = OK;
    int64_t columns = m->implicit ? m->factors : m->factors + 1;
    f->model = m;
    f->terms = (struct als_terms){.implicit = m->implicit,
                                  .factors = m->factors,
                                  .columns = columns,
                                  .wide = vector_padded(columns),
                                  .lambda = m->lambda,
                                  .bias_lambda = m->bias_lambda,
                                  .alpha = m->alpha,
                                  .mean = m->mean,
                                  .tolerance = ldexp(1.0, -TIGHT_BITS)};
    TRY(als_solver_new(&f->terms, &f->solver));
    TRY(memory_new(&f->x, f->terms.wide, sizeof *f->x));
    if (m->implicit) TRY(whiten(f));
done:
    return status;
}

static enum status check(const struct als_model *m, int64_t ratings, const int32_t *item,
                         const float *value)
{
    for (int64_t r = 0; r < ratings; r++) {
        if (item[r] < 0 || item[r] >= m->items)
            return FAIL(ERR_ARG, "item %d is not among the %lld of the fit", item[r],
                        (long long)m->items);
        if (!isfinite(value[r]) || (m->implicit && value[r] < 0.0f))
            return FAIL(ERR_ARG, "a value of %g; implicit ones are not below 0, and all are finite",
                        (double)value[r]);
    }
    return OK;
}

enum status als_fold_in(const struct als_model *m, int64_t users, const int64_t *start,
                        const int32_t *item, const float *value, float *user)
{
    enum status status = OK;
    struct fold f = {0};
    double loss;
    TRY(check(m, start[users], item, value));
    TRY(fold_init(m, &f));
    const struct als_rows rows = {m->implicit ? f.row : m->item, NULL, 0};
    memset(user, 0, (size_t)(users * m->stride) * sizeof *user);
    for (int64_t u = 0; u < users; u++) {
        float *x = user + u * m->stride;
        const struct als_ratings ratings = {start[u + 1] - start[u], item + start[u],
                                            value + start[u], start[users] - start[u + 1]};
        memset(f.x, 0, (size_t)f.terms.wide * sizeof *f.x);
        TRY(als_solver_run(f.solver, &ratings, &rows, f.x, &loss));
        if (m->implicit)
            als_white_back(&f.white, f.x, 1, f.terms.wide, x, m->stride);
        else
            memcpy(x, f.x, (size_t)m->stride * sizeof *x);
    }
done:
    fold_clear(&f);
    return status;
}
