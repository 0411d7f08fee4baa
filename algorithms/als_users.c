/* Users: a least squares problem each, solved in factors or, where they are fewer, in ratings. */
#include "algorithms/als_sides.h"
#include "algorithms/definite.h"
#include "algorithms/gemm.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a user's problem is made of: sum of weight (side / weight - p . x)^2 + x' ridge x over the
 * ratings, p the row of an item. */
struct als_users {
    int64_t stride, columns, most; /* most: ratings of a user here, padded */
    float *panel;                  /* [most][stride] p */
    float *other;                  /* [most][stride] weight p, or [stride][most] ridge^-1 p */
    float *product;                /* [square][square] */
    double *system;                /* [square][square] */
    double *x;                     /* [square] */
    double *weight, *side;         /* [most] */
    double *ridge;                 /* [columns][columns] implicit: Y'Y + lambda */
    float *reach;                  /* [items][stride] implicit: ridge^-1 y of each item */
    int32_t *at;                   /* [most] item of each rating */
    int64_t square;                /* = stride: systems are of columns, or of fewer ratings */
};

enum status als_users_new(const struct als_sides *s, struct als_users **users)
{
    enum status status = OK;
    const int64_t *start = s->data->start;
    struct als_users *w = NULL;
    TRY(memory_new(users, 1, sizeof *w));
    w = *users;
    w->stride = s->model->stride;
    w->columns = s->columns;
    for (int64_t u = 0; u < s->data->blocks->rows_local; u++)
        if (start[u + 1] - start[u] > w->most) w->most = start[u + 1] - start[u];
    w->most = vector_padded(w->most);
    w->square = w->stride;
    TRY(memory_new(&w->panel, w->most * w->stride, sizeof *w->panel));
    TRY(memory_new(&w->other, w->most * w->stride, sizeof *w->other));
    TRY(memory_new(&w->product, w->square * w->square, sizeof *w->product));
    TRY(memory_new(&w->system, w->square * w->square, sizeof *w->system));
    TRY(memory_new(&w->x, w->square, sizeof *w->x));
    TRY(memory_new(&w->weight, w->most, sizeof *w->weight));
    TRY(memory_new(&w->side, w->most, sizeof *w->side));
    TRY(memory_new(&w->at, w->most, sizeof *w->at));
    if (!s->opt->implicit) goto done;
    TRY(memory_new(&w->ridge, w->columns * w->columns, sizeof *w->ridge));
    TRY(memory_new(&w->reach, s->data->items * w->stride, sizeof *w->reach));
done:
    return status;
}

void als_users_free(struct als_users **users)
{
    struct als_users *w = *users;
    if (w == NULL) return;
    free(w->panel);
    free(w->other);
    free(w->product);
    free(w->system);
    free(w->x);
    free(w->weight);
    free(w->side);
    free(w->ridge);
    free(w->reach);
    free(w->at);
    free(w);
    *users = NULL;
}

/* ---- the ridge ---- */

/* Y'Y + lambda, and its inverse times the row of every item. */
static enum status implicit_ridge(const struct als_sides *s, struct als_users *w)
{
    enum status status = OK;
    const struct als_model *m = s->model;
    double *inverse = NULL;
    float *copy = NULL;
    TRY(memory_new(&inverse, w->columns * w->columns, sizeof *inverse));
    TRY(memory_new(&copy, w->columns * w->stride, sizeof *copy));
    TRY(als_square(m->item, m->items, w->stride, w->columns, w->ridge));
    for (int64_t k = 0; k < w->columns; k++) w->ridge[k * w->columns + k] += s->opt->lambda;
    memcpy(w->system, w->ridge, (size_t)(w->columns * w->columns) * sizeof *w->system);
    if (!definite_invert(w->system, w->columns, w->columns, inverse))
        TRY(FAIL(ERR_NUMERIC, "the items' factors are out of range; raise lambda"));
    for (int64_t k = 0; k < w->columns; k++)
        for (int64_t j = 0; j < w->columns; j++)
            copy[k * w->stride + j] = (float)inverse[k * w->columns + j];
    gemm_run(&(struct gemm){.rows = m->items,
                            .columns = w->stride,
                            .depth = w->columns,
                            .a = m->item,
                            .a_row = w->stride,
                            .a_depth = 1,
                            .b = copy,
                            .b_stride = w->stride,
                            .c = w->reach,
                            .c_stride = w->stride});
done:
    free(inverse);
    free(copy);
    return status;
}

/* Explicit: the diagonal of a user with so many ratings. */
static double explicit_ridge(const struct als_sides *s, int64_t ratings, int64_t column)
{
    return column < s->opt->factors ? s->opt->lambda * (double)ratings : s->opt->bias_lambda;
}

/* ---- one user ---- */

/* Rows, weights and sides of a user's ratings; implicit ones of 0 say nothing. */
static int64_t take(const struct als_sides *s, int64_t user, struct als_users *w)
{
    const struct als_data *data = s->data;
    const struct als_model *m = s->model;
    int64_t count = 0, factors = s->opt->factors;
    for (int64_t r = data->start[user]; r < data->start[user + 1]; r++) {
        const float *item = m->item + data->item[r] * w->stride;
        float *row = w->panel + count * w->stride;
        double value = (double)data->value[r];
        if (s->opt->implicit && value == 0.0) continue;
        memcpy(row, item, (size_t)w->stride * sizeof *row);
        if (s->opt->implicit) {
            w->weight[count] = s->opt->alpha * value;
            w->side[count] = 1.0 + w->weight[count];
        } else {
            w->weight[count] = 1.0;
            w->side[count] = value - m->mean - (double)item[factors];
            row[factors] = 1.0f;
        }
        w->at[count++] = data->item[r];
    }
    return count;
}

/* Normal equations in the columns. */
static bool solve_columns(const struct als_sides *s, int64_t count, struct als_users *w)
{
    int64_t n = w->columns;
    for (int64_t r = 0; r < count; r++)
        for (int64_t k = 0; k < w->stride; k++)
            w->other[r * w->stride + k] = (float)w->weight[r] * w->panel[r * w->stride + k];
    gemm_run(&(struct gemm){.rows = n,
                            .columns = w->stride,
                            .depth = count,
                            .a = w->other,
                            .a_row = 1,
                            .a_depth = w->stride,
                            .b = w->panel,
                            .b_stride = w->stride,
                            .c = w->product,
                            .c_stride = w->square});
    memset(w->x, 0, (size_t)n * sizeof *w->x);
    for (int64_t r = 0; r < count; r++)
        for (int64_t k = 0; k < n; k++) w->x[k] += w->side[r] * (double)w->panel[r * w->stride + k];
    for (int64_t k = 0; k < n; k++)
        for (int64_t j = k; j < n; j++)
            w->system[k * w->square + j] = (double)w->product[k * w->square + j] +
                                           (w->ridge != NULL ? w->ridge[k * n + j] : 0.0);
    for (int64_t k = 0; k < n && w->ridge == NULL; k++)
        w->system[k * w->square + k] += explicit_ridge(s, count, k);
    return definite_solve(w->system, n, w->square, w->x);
}

/* other[:][r] = ridge^-1 p of rating r */
static void spread_reach(const struct als_sides *s, int64_t count, int64_t wide,
                         struct als_users *w)
{
    memset(w->other, 0, (size_t)(w->columns * wide) * sizeof *w->other);
    for (int64_t r = 0; r < count && w->reach != NULL; r++)
        for (int64_t k = 0; k < w->columns; k++)
            w->other[k * wide + r] = w->reach[w->at[r] * w->stride + k];
    for (int64_t k = 0; k < w->columns && w->reach == NULL; k++) {
        float per = (float)(1.0 / explicit_ridge(s, count, k));
        for (int64_t r = 0; r < count; r++)
            w->other[k * wide + r] = per * w->panel[r * w->stride + k];
    }
}

/* (1 / weight + p ridge^-1 p') a = side / weight, then x = ridge^-1 p' a */
static bool solve_ratings(const struct als_sides *s, int64_t count, struct als_users *w)
{
    int64_t wide = vector_padded(count);
    spread_reach(s, count, wide, w);
    gemm_run(&(struct gemm){.rows = count,
                            .columns = wide,
                            .depth = w->columns,
                            .a = w->panel,
                            .a_row = w->stride,
                            .a_depth = 1,
                            .b = w->other,
                            .b_stride = wide,
                            .c = w->product,
                            .c_stride = w->square});
    for (int64_t r = 0; r < count; r++) {
        for (int64_t q = r; q < count; q++)
            w->system[r * w->square + q] = (double)w->product[r * w->square + q];
        w->system[r * w->square + r] += 1.0 / w->weight[r];
        w->side[r] /= w->weight[r];
    }
    if (!definite_solve(w->system, count, w->square, w->side)) return false;
    for (int64_t k = 0; k < w->columns; k++) {
        w->x[k] = 0.0;
        for (int64_t r = 0; r < count; r++) w->x[k] += (double)w->other[k * wide + r] * w->side[r];
    }
    return true;
}

static enum status solve_user(const struct als_sides *s, int64_t user, struct als_users *w)
{
    float *x = s->model->user + user * w->stride;
    int64_t count = take(s, user, w);
    bool good = true;
    memset(w->x, 0, (size_t)w->columns * sizeof *w->x);
    if (count > 0)
        good = count < w->columns ? solve_ratings(s, count, w) : solve_columns(s, count, w);
    for (int64_t k = 0; k < w->columns; k++) {
        x[k] = (float)w->x[k];
        good = good && isfinite(x[k]);
    }
    if (good) return OK;
    return FAIL(ERR_NUMERIC, "factors grow out of range; raise lambda, or take fewer factors");
}

enum status als_users_solve(const struct als_sides *s)
{
    enum status status = OK;
    if (s->opt->implicit) TRY(implicit_ridge(s, s->users));
    for (int64_t u = 0; u < s->data->blocks->rows_local; u++) TRY(solve_user(s, u, s->users));
done:
    return status;
}
