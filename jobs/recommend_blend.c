/* The likelihood of a conditional logit, and its maximum. */
#include "jobs/recommend_blend.h"

#include "algorithms/quasi_newton.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status blend_rows_open(int64_t room, int64_t slots, int64_t features, struct blend_rows *rows)
{
    enum status status = OK;
    *rows = (struct blend_rows){.room = room, .slots = slots, .features = features};
    TRY(memory_new(&rows->x, room * slots * features, sizeof *rows->x));
    TRY(memory_new(&rows->wanted, room * slots, 1));
    TRY(memory_new(&rows->fold, room, 1));
done:
    return status;
}

void blend_rows_clear(struct blend_rows *rows)
{
    free(rows->x);
    free(rows->wanted);
    free(rows->fold);
    *rows = (struct blend_rows){0};
}

/* One evaluation at w. */
struct logit {
    const struct blend_rows *rows;
    int leave_out;
    int64_t users;          /* over all ranks */
    struct exact_sums sums; /* value, gradient */
    double *z;              /* [slots] scores, then chances */
    double *term;           /* [1 + features] of a user */
};

/* Chances of the pool's products in z; the logarithm of their sum before they were scaled. */
static double chances(const struct logit *l, const float *x, const uint8_t *wanted, const double *w)
{
    int64_t slots = l->rows->slots, features = l->rows->features;
    double most = -INFINITY, sum = 0.0;
    for (int64_t s = 0; s < slots; s++) {
        double z = 0.0;
        for (int64_t f = 0; f < features; f++) z += w[f] * (double)x[s * features + f];
        l->z[s] = z;
        if (wanted[s] != 2) most = fmax(most, z);
    }
    for (int64_t s = 0; s < slots; s++) {
        l->z[s] = wanted[s] != 2 ? exp(l->z[s] - most) : 0.0;
        sum += l->z[s];
    }
    for (int64_t s = 0; s < slots; s++) l->z[s] /= sum;
    return most + log(sum);
}

static int64_t count_wanted(const uint8_t *wanted, int64_t slots)
{
    int64_t count = 0;
    for (int64_t s = 0; s < slots; s++) count += wanted[s] == 1;
    return count;
}

static void add_user(struct logit *l, int64_t user, const double *w)
{
    const struct blend_rows *r = l->rows;
    const float *x = r->x + user * r->slots * r->features;
    const uint8_t *wanted = r->wanted + user * r->slots;
    double part = 1.0 / (double)count_wanted(wanted, r->slots);
    memset(l->term, 0, (size_t)(r->features + 1) * sizeof *l->term);
    l->term[0] = chances(l, x, wanted, w);
    for (int64_t s = 0; s < r->slots; s++) {
        double weight = l->z[s] - (wanted[s] == 1 ? part : 0.0);
        for (int64_t f = 0; f < r->features; f++)
            l->term[1 + f] += weight * (double)x[s * r->features + f];
    }
    for (int64_t s = 0; s < r->slots; s++)
        for (int64_t f = 0; f < r->features && wanted[s] == 1; f++)
            l->term[0] -= part * w[f] * (double)x[s * r->features + f];
    exact_add(&l->sums, 0, l->term, r->features + 1);
}

static enum status evaluate(const struct comm *comm, void *context, const double *w, double *value,
                            double *gradient)
{
    enum status status = OK;
    struct logit *l = context;
    double scale = 1.0 / (double)l->users, square = 0.0;
    exact_reset(&l->sums);
    for (int64_t u = 0; u < l->rows->users; u++)
        if (l->rows->fold[u] != l->leave_out) add_user(l, u, w);
    TRY(exact_reduce(comm, &l->sums));
    for (int64_t f = 0; f < l->rows->features; f++) {
        gradient[f] = scale * (exact_get(&l->sums, 1 + f) + BLEND_PENALTY * w[f]);
        square += w[f] * w[f];
    }
    *value = scale * (exact_get(&l->sums, 0) + 0.5 * BLEND_PENALTY * square);
done:
    return status;
}

enum status blend_fit(const struct comm *comm, const struct blend_rows *rows, int leave_out,
                      double *weight, int64_t *users)
{
    enum status status = OK;
    struct logit l = {.rows = rows, .leave_out = leave_out};
    struct quasi_newton_options opt = QUASI_NEWTON_DEFAULTS;
    struct quasi_newton_result result;
    memset(weight, 0, (size_t)rows->features * sizeof *weight);
    for (int64_t u = 0; u < rows->users; u++) l.users += rows->fold[u] != leave_out;
    comm_sum_int64(comm, &l.users, 1);
    *users = l.users;
    if (l.users == 0) return OK;
    opt.max_iterations = 60;
    opt.tolerance = 3e-5;
    TRY_ALL(comm, exact_init(&l.sums, rows->features + 1));
    TRY_ALL(comm, memory_new(&l.z, rows->slots, sizeof *l.z));
    TRY_ALL(comm, memory_new(&l.term, rows->features + 1, sizeof *l.term));
    TRY(quasi_newton_minimise(comm, evaluate, &l, rows->features, &opt, weight, &result));
done:
    exact_clear(&l.sums);
    free(l.z);
    free(l.term);
    return status;
}
