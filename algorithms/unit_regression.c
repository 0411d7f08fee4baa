/* Regressions of units by Cholesky factors of their moments. */
#include "algorithms/unit_regression.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-10    /* of a column's own variance: below it others explain it */
#define CONSTANT 1e-24     /* of its mean square: below it a column is constant */
#define LEAST_SQUARE 1e-20 /* of the mean variance of y: what a perfect fit counts as */

/* Normal equations of one unit, its columns in an order that ends with the wanted one, then y; they
 * become the Cholesky factor in place. */
struct system {
    int64_t columns;
    int64_t order[UNIT_COLUMNS_MAX + 1];
    double a[UNIT_COLUMNS_MAX + 1][UNIT_COLUMNS_MAX + 1];
    double own[UNIT_COLUMNS_MAX + 1]; /* diagonal before */
    bool told[UNIT_COLUMNS_MAX];
    int64_t rank;
};

static void choose_order(struct system *s, int64_t columns, int64_t wanted)
{
    s->columns = columns;
    int64_t at = 0;
    for (int64_t j = 0; j < columns; j++)
        if (j != wanted) s->order[at++] = j;
    s->order[columns - 1] = wanted;
    s->order[columns] = columns;
}

static void load(struct system *s, const double *moments, bool intercept)
{
    int64_t v = s->columns + 1;
    for (int64_t i = 0; i < v; i++)
        for (int64_t j = i; j < v; j++) {
            int64_t at = s->order[i], to = s->order[j];
            double sum = moments_product(moments, v, at, to);
            if (!intercept) sum += moments[0] * moments[1 + at] * moments[1 + to];
            s->a[i][j] = sum;
        }
    for (int64_t i = 0; i < v; i++) {
        double mean = moments[1 + s->order[i]];
        s->own[i] = s->a[i][i] > CONSTANT * moments[0] * mean * mean ? s->a[i][i] : 0.0;
    }
}

/* U' U = A, upper and row by row; a row that earlier ones explain is left out. */
static void factor(struct system *s)
{
    int64_t v = s->columns + 1;
    s->rank = 0;
    for (int64_t k = 0; k < s->columns; k++) {
        s->told[k] = s->own[k] > 0.0 && s->a[k][k] > TOLERANCE * s->own[k];
        if (!s->told[k]) continue;
        double root = sqrt(s->a[k][k]);
        s->rank++;
        for (int64_t j = k; j < v; j++) s->a[k][j] /= root;
        for (int64_t i = k + 1; i < v; i++)
            for (int64_t j = i; j < v; j++) s->a[i][j] -= s->a[k][i] * s->a[k][j];
    }
}

/* Slopes in the order of the columns. */
static void solve(const struct system *s, double *slope)
{
    int64_t p = s->columns;
    for (int64_t k = p - 1; k >= 0; k--) {
        double sum = s->a[k][p];
        for (int64_t j = k + 1; j < p; j++)
            if (s->told[j]) sum -= s->a[k][j] * slope[s->order[j]];
        slope[s->order[k]] = s->told[k] ? sum / s->a[k][k] : 0.0;
    }
}

/* ---- the shared slopes ---- */

/* Largest diagonal of any unit, so that all scaled sums are at most 1 a unit. */
static void find_scales(const struct comm *comm, const struct unit_statistics *statistics,
                        bool intercept, struct system *s, double *scale)
{
    int64_t v = s->columns + 1;
    for (int64_t i = 0; i < v; i++) scale[i] = 0.0;
    for (int64_t u = 0; u < statistics->units; u++) {
        load(s, unit_moments(statistics, u, 0), intercept);
        for (int64_t i = 0; i < v; i++) scale[i] = fmax(scale[i], s->own[i]);
    }
    comm_max_double(comm, scale, v);
    for (int64_t i = 0; i < v; i++) scale[i] = scale[i] > 0.0 ? 1.0 / sqrt(scale[i]) : 0.0;
}

static void add_unit(const struct system *s, const double *scale, struct exact_sums *sums)
{
    int64_t v = s->columns + 1, at = 0;
    for (int64_t i = 0; i < v; i++)
        for (int64_t j = i; j < v; j++, at++)
            if (s->own[i] > 0.0 && s->own[j] > 0.0)
                exact_add_one(sums, at, s->a[i][j] * scale[i] * scale[j]);
}

/* The mean square of y, by which a fit is called perfect, comes with them. */
static enum status fit_shared(const struct comm *comm, const struct unit_statistics *statistics,
                              bool intercept, struct system *s, struct unit_regression *r,
                              double *square)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double scale[UNIT_COLUMNS_MAX + 1];
    int64_t v = s->columns + 1, at = 0;
    TRY_ALL(comm, exact_init(&sums, v * (v + 1) / 2));
    find_scales(comm, statistics, intercept, s, scale);
    for (int64_t u = 0; u < statistics->units; u++) {
        load(s, unit_moments(statistics, u, 0), intercept);
        add_unit(s, scale, &sums);
    }
    TRY(exact_reduce(comm, &sums));
    for (int64_t i = 0; i < v; i++) {
        for (int64_t j = i; j < v; j++) s->a[i][j] = exact_get(&sums, at++);
        s->own[i] = s->a[i][i];
    }
    *square = scale[v - 1] > 0.0 ? s->own[v - 1] / scale[v - 1] / scale[v - 1] : 0.0;
    factor(s);
    solve(s, r->shared);
    for (int64_t i = 0; i < s->columns; i++) {
        r->dropped[s->order[i]] = !s->told[i];
        /* 0 if y is constant in every unit */
        double unscale = scale[v - 1] > 0.0 ? scale[i] / scale[v - 1] : 0.0;
        r->shared[s->order[i]] *= unscale;
    }
done:
    exact_clear(&sums);
    return status;
}

/* ---- units ---- */

static void fit_unit(struct system *s, const struct unit_statistics *statistics, bool intercept,
                     double least, struct unit_regression *r, int64_t u)
{
    const double *moments = unit_moments(statistics, u, 0);
    int64_t last = s->columns - 1, rows = statistics->rows[u * statistics->parts];
    load(s, moments, intercept);
    factor(s);
    solve(s, r->coefficient + u * s->columns);
    bool told = s->told[last];
    r->rank[u] = s->rank;
    r->estimate[u] = told ? r->coefficient[u * s->columns + s->order[last]] : NAN;
    r->leverage[u] = told ? 1.0 / (s->a[last][last] * s->a[last][last]) : NAN;
    int64_t freedom = rows - s->rank - (intercept ? 1 : 0);
    r->freedom[u] = freedom > 0 ? freedom : 0;
    r->square[u] = fmax(s->a[last + 1][last + 1], least * (double)r->freedom[u]);
    if (r->freedom[u] == 0) r->square[u] = 0.0;
}

static enum status make_room(int64_t units, int64_t columns, struct unit_regression **regression)
{
    enum status status = OK;
    TRY(memory_new(regression, 1, sizeof **regression));
    struct unit_regression *r = *regression;
    r->units = units;
    r->columns = columns;
    TRY(memory_new(&r->estimate, units, sizeof *r->estimate));
    TRY(memory_new(&r->leverage, units, sizeof *r->leverage));
    TRY(memory_new(&r->coefficient, units * columns, sizeof *r->coefficient));
    TRY(memory_new(&r->rank, units, sizeof *r->rank));
    TRY(memory_new(&r->square, units, sizeof *r->square));
    TRY(memory_new(&r->freedom, units, sizeof *r->freedom));
    TRY(memory_new(&r->shared, columns, sizeof *r->shared));
    TRY(memory_new(&r->dropped, columns, sizeof *r->dropped));
done:
    return status;
}

static int64_t count_rows(const struct comm *comm, const struct unit_statistics *statistics)
{
    int64_t rows = 0;
    for (int64_t u = 0; u < statistics->units; u++) rows += statistics->rows[u * statistics->parts];
    comm_sum_int64(comm, &rows, 1);
    return rows > 0 ? rows : 1;
}

enum status unit_regression_fit(const struct comm *comm, const struct unit_statistics *statistics,
                                const struct unit_regression_options *options,
                                struct unit_regression **regression)
{
    enum status status = OK;
    struct system *s = NULL;
    struct unit_regression *r = NULL;
    double square = 0;
    *regression = NULL;
    TRY_ALL(comm, memory_new(&s, 1, sizeof *s));
    TRY_ALL(comm, make_room(statistics->units, statistics->columns, &r));
    choose_order(s, statistics->columns, options->wanted);
    TRY(fit_shared(comm, statistics, options->intercept, s, r, &square));
    double least = LEAST_SQUARE * square / (double)count_rows(comm, statistics);
    if (!(least > 0.0)) least = 1e-300;
    for (int64_t u = 0; u < statistics->units; u++)
        fit_unit(s, statistics, options->intercept, least, r, u);
    *regression = r;
    r = NULL;
done:
    free(s);
    unit_regression_free(&r);
    return status;
}

void unit_regression_free(struct unit_regression **regression)
{
    struct unit_regression *r = *regression;
    if (r == NULL) return;
    free(r->estimate);
    free(r->leverage);
    free(r->coefficient);
    free(r->rank);
    free(r->square);
    free(r->freedom);
    free(r->shared);
    free(r->dropped);
    free(r);
    *regression = NULL;
}

/* ---- what slopes leave ---- */

double unit_level(const double *moments, int64_t columns, const double *slope)
{
    double level = moments[1 + columns];
    for (int64_t j = 0; j < columns; j++) level -= moments[1 + j] * slope[j];
    return level;
}

double unit_square(const double *moments, int64_t columns, const double *slope, double level)
{
    int64_t v = columns + 1;
    double off = unit_level(moments, columns, slope) - level;
    double sum = moments_product(moments, v, columns, columns);
    for (int64_t i = 0; i < columns; i++) {
        double half = -moments_product(moments, v, i, columns);
        for (int64_t j = 0; j < columns; j++)
            half += 0.5 * moments_product(moments, v, i, j) * slope[j];
        sum += 2.0 * slope[i] * half;
    }
    return fmax(sum, 0.0) + moments[0] * off * off;
}
