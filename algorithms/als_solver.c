/* A user's or item's problem: gathered rows, then conjugate gradients or normal equations. */
#include "algorithms/als_solver.h"

#include "algorithms/als_gram.h"
#include "algorithms/definite.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL_BYTES = 1 << 24, STEPS_MOST = 100 };

struct als_solver {
    struct als_terms terms;
    int64_t most;               /* ratings that conjugate gradients take */
    float *panel;               /* [most][wide] */
    float *weight, *side, *fit; /* [most] */
    float *ridge, *per;         /* [wide] */
    float *work;                /* of als_conjugate */
    float *part;                /* [columns][wide] */
    float *part_side;           /* [wide] */
    double *system;             /* [columns][wide] */
    double *solution;           /* [wide] */
    struct als_normal normal;
};

/* As many ratings as pay: a pass takes the longer the farther rows lie from the first cache, their
 * outer products the longer the more columns. */
static int64_t ratings_most(int64_t wide)
{
    enum { ROWS_EACH = 256 };
    int64_t most = PANEL_BYTES / ((int64_t)sizeof(float) * wide), pay = ROWS_EACH * wide;
    return pay < most ? pay : most / VECTOR_FLOATS * VECTOR_FLOATS;
}

enum status als_solver_new(const struct als_terms *terms, struct als_solver **solver)
{
    enum status status = OK;
    struct als_solver *w = NULL;
    int64_t wide = terms->wide, square = terms->columns * wide;
    TRY(memory_new(solver, 1, sizeof *w));
    w = *solver;
    w->terms = *terms;
    w->most = ratings_most(wide);
    TRY(memory_new(&w->panel, w->most * wide, sizeof *w->panel));
    TRY(memory_new(&w->weight, w->most, sizeof *w->weight));
    TRY(memory_new(&w->side, w->most, sizeof *w->side));
    TRY(memory_new(&w->fit, w->most, sizeof *w->fit));
    TRY(memory_new(&w->ridge, wide, sizeof *w->ridge));
    TRY(memory_new(&w->per, wide, sizeof *w->per));
    TRY(memory_new(&w->work, ALS_VECTORS * wide + ALS_GROUP + w->most, sizeof *w->work));
    TRY(memory_new(&w->part, square, sizeof *w->part));
    TRY(memory_new(&w->part_side, wide, sizeof *w->part_side));
    TRY(memory_new(&w->system, square, sizeof *w->system));
    TRY(memory_new(&w->solution, wide, sizeof *w->solution));
    TRY(memory_new(&w->normal.square, square, sizeof *w->normal.square));
    TRY(memory_new(&w->normal.side, wide, sizeof *w->normal.side));
done:
    return status;
}

void als_solver_set_tolerance(struct als_solver *solver, double tolerance)
{
    solver->terms.tolerance = tolerance;
}

void als_solver_free(struct als_solver **solver)
{
    struct als_solver *w = *solver;
    if (w == NULL) return;
    free(w->panel);
    free(w->weight);
    free(w->side);
    free(w->fit);
    free(w->ridge);
    free(w->per);
    free(w->work);
    free(w->part);
    free(w->part_side);
    free(w->system);
    free(w->solution);
    free(w->normal.square);
    free(w->normal.side);
    free(w);
    *solver = NULL;
}

/* ---- rows, weights and sides ---- */

/* of ratings from..to to the panel, padded to whole groups; returns what 0 costs */
static double take(struct als_solver *w, const struct als_ratings *ratings,
                   const struct als_rows *rows, int64_t from, int64_t to)
{
    const struct als_terms *t = &w->terms;
    const int64_t count = to - from, wide = t->wide;
    double scale = 0.0;
    als_gather(&(struct als_gathering){rows->row, rows->half, rows->first, wide,
                                       ratings->other + from, count,
                                       ratings->count - to + ratings->ahead, w->panel});
    for (int64_t r = 0; r < count; r++) {
        const float value = ratings->value[from + r];
        if (t->implicit) {
            w->weight[r] = (float)t->alpha * value;
            w->side[r] = value > 0.0f ? 1.0f + w->weight[r] : 0.0f;
            scale += (double)w->side[r];
        } else {
            float *bias = w->panel + r * wide + t->factors;
            w->weight[r] = 1.0f;
            w->side[r] = (float)((double)value - t->mean - (double)*bias);
            *bias = 1.0f;
            scale += (double)w->side[r] * (double)w->side[r];
        }
    }
    for (int64_t r = count; r % ALS_GROUP != 0; r++) {
        memset(w->panel + r * wide, 0, (size_t)wide * sizeof *w->panel);
        w->weight[r] = w->side[r] = 0.0f;
    }
    return scale;
}

static int64_t grouped(int64_t count)
{
    return (count + ALS_GROUP - 1) / ALS_GROUP * ALS_GROUP;
}

static double ridge_of(const struct als_terms *t, int64_t ratings, int64_t column)
{
    if (t->implicit || column >= t->columns) return 1.0;
    return column < t->factors ? t->lambda * (double)ratings : t->bias_lambda;
}

static void set_ridge(struct als_solver *w, int64_t ratings)
{
    const struct als_terms *t = &w->terms;
    for (int64_t k = 0; k < t->wide; k++) {
        w->ridge[k] = (float)ridge_of(t, ratings, k);
        w->per[k] = 1.0f / w->ridge[k];
    }
    if (t->implicit) return;
    w->per[t->factors] = (float)(1.0 / (t->bias_lambda + (double)ratings));
}

static enum status check_finite(const struct als_terms *t, const float *x)
{
    for (int64_t k = 0; k < t->columns; k++)
        if (!isfinite(x[k]))
            return FAIL(ERR_NUMERIC,
                        "factors grow out of range; raise lambda, or take fewer factors");
    return OK;
}

static void nothing(const struct als_terms *t, float *x, double *loss)
{
    memset(x, 0, (size_t)t->wide * sizeof *x);
    *loss = 0.0;
}

/* ---- conjugate gradients ---- */

/* What x costs, from its fits, in double. */
VECTORISED static double cost_of(const struct als_problem *p)
{
    double lane[ALS_GROUP] = {0}, total = p->scale;
    for (int64_t r = 0; r < p->rows; r += ALS_GROUP)
        for (int g = 0; g < ALS_GROUP; g++) {
            double fit = (double)p->fit[r + g];
            lane[g] += fit * ((double)p->weight[r + g] * fit - 2.0 * (double)p->side[r + g]);
        }
    for (int g = 0; g < ALS_GROUP; g++) total += lane[g];
    for (int64_t k = 0; k < p->wide; k++)
        total += (double)p->ridge[k] * (double)p->x[k] * (double)p->x[k];
    return total;
}

static enum status run_steps(struct als_solver *w, const struct als_ratings *ratings,
                             const struct als_rows *rows, float *x, double *loss)
{
    const struct als_terms *t = &w->terms;
    struct als_problem p = {.rows = grouped(ratings->count),
                            .wide = t->wide,
                            .panel = w->panel,
                            .weight = w->weight,
                            .side = w->side,
                            .ridge = w->ridge,
                            .per = w->per,
                            .x = x,
                            .fit = w->fit,
                            .work = w->work,
                            .tolerance = t->tolerance,
                            .steps_most = STEPS_MOST};
    p.scale = take(w, ratings, rows, 0, ratings->count);
    set_ridge(w, ratings->count);
    if (t->implicit && p.scale == 0.0) {
        nothing(t, x, loss);
        return OK;
    }
    als_conjugate(&p);
    *loss = cost_of(&p);
    return check_finite(t, x);
}

/* ---- normal equations ---- */

/* Rows times the root of their weights. */
VECTORISED static void weigh(const float *weight, int64_t rows, int64_t wide, float *panel)
{
    for (int64_t r = 0; r < rows; r++) {
        float root = (float)sqrt((double)weight[r]);
        for (int64_t k = 0; k < wide; k++) panel[r * wide + k] *= root;
    }
}

void als_solver_add(struct als_solver *w, const struct als_ratings *ratings,
                    const struct als_rows *rows, struct als_normal *normal)
{
    const struct als_terms *t = &w->terms;
    for (int64_t from = 0; from < ratings->count; from += ALS_GRAM_ROWS) {
        int64_t left = ratings->count - from, here = left < ALS_GRAM_ROWS ? left : ALS_GRAM_ROWS;
        normal->scale += take(w, ratings, rows, from, from + here);
        als_spread(
            &(struct als_problem){
                .rows = grouped(here), .wide = t->wide, .panel = w->panel, .side = w->side},
            w->part_side);
        for (int64_t k = 0; k < t->columns; k++) normal->side[k] += (double)w->part_side[k];
        if (t->implicit) weigh(w->weight, here, t->wide, w->panel);
        als_gram_add(w->panel, here, t->wide, t->columns, t->wide, w->part, normal->square);
    }
}

/* scale - 2 side . x + x' (square + ridge) x */
static double normal_cost(const struct als_terms *t, int64_t ratings,
                          const struct als_normal *normal, const float *x)
{
    double total = normal->scale;
    for (int64_t k = 0; k < t->columns; k++) {
        const double *row = normal->square + k * t->wide;
        double xk = (double)x[k], sum = (row[k] + ridge_of(t, ratings, k)) * xk;
        for (int64_t j = k + 1; j < t->columns; j++) sum += 2.0 * row[j] * (double)x[j];
        total += xk * (sum - 2.0 * normal->side[k]);
    }
    return total;
}

enum status als_solver_finish(struct als_solver *w, int64_t ratings,
                              const struct als_normal *normal, float *x, double *loss)
{
    const struct als_terms *t = &w->terms;
    nothing(t, x, loss);
    if (ratings == 0 || (t->implicit && normal->scale == 0.0)) return OK;
    memcpy(w->system, normal->square, (size_t)(t->columns * t->wide) * sizeof *w->system);
    memcpy(w->solution, normal->side, (size_t)t->columns * sizeof *w->solution);
    for (int64_t k = 0; k < t->columns; k++) w->system[k * t->wide + k] += ridge_of(t, ratings, k);
    bool good = definite_solve(w->system, t->columns, t->wide, w->solution);
    for (int64_t k = 0; k < t->columns; k++) x[k] = good ? (float)w->solution[k] : NAN;
    *loss = normal_cost(t, ratings, normal, x);
    return check_finite(t, x);
}

enum status als_solver_run(struct als_solver *w, const struct als_ratings *ratings,
                           const struct als_rows *rows, float *x, double *loss)
{
    const struct als_terms *t = &w->terms;
    if (ratings->count == 0) {
        nothing(t, x, loss);
        return OK;
    }
    if (ratings->count <= w->most) return run_steps(w, ratings, rows, x, loss);
    memset(w->normal.square, 0, (size_t)(t->columns * t->wide) * sizeof *w->normal.square);
    memset(w->normal.side, 0, (size_t)t->wide * sizeof *w->normal.side);
    w->normal.scale = 0.0;
    als_solver_add(w, ratings, rows, &w->normal);
    return als_solver_finish(w, ratings->count, &w->normal, x, loss);
}
