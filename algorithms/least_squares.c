/* Normal equations, their solution, its errors, and the residuals. */
#include "algorithms/least_squares.h"

#include "algorithms/cholesky.h"
#include "algorithms/double_double.h"
#include "algorithms/gram.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 64 }; /* columns of the inverse solved for at once */

/* The system of the kept columns, each scaled by a power of two to a diagonal near 1. */
struct system {
    const struct design *design;   /* not owned */
    const struct scaling *scaling; /* not owned */
    int64_t kept;
    int64_t *parameter; /* [kept] number of the parameter at each place */
    int64_t *place;     /* [parameters] its inverse, -1 where dropped */
    double *a;          /* not owned; [kept][kept] */
    double *b;          /* [kept] */
    double *unit;       /* [kept] powers of two */
    double *x;          /* [kept] solution */
    struct cholesky factor;
};

/* ---- building the system ---- */

static enum status find_dropped(const struct comm *comm, const struct gram *gram,
                                const struct scaling *scaling, double tolerance, bool *dropped)
{
    return cholesky_dependent(comm, gram->a, gram->parameters, scaling->square_sum, tolerance,
                              dropped);
}

static enum status system_new(int64_t parameters, struct system *s)
{
    enum status status = OK;
    TRY(memory_new(&s->parameter, 2 * parameters, sizeof *s->parameter));
    TRY(memory_new(&s->b, 3 * parameters, sizeof *s->b));
    s->place = s->parameter + parameters;
    s->unit = s->b + parameters;
    s->x = s->unit + parameters;
done:
    return status;
}

static void system_clear(struct system *s)
{
    free(s->parameter);
    free(s->b);
    cholesky_clear(&s->factor);
}

/* Keep the columns that are not dropped, in place in gram->a, and bring the diagonal into [1/2, 2).
 */
static void compact(struct gram *gram, const bool *dropped, struct system *s)
{
    int64_t p = gram->parameters;
    for (int64_t j = 0; j < p; j++) {
        s->place[j] = dropped[j] ? -1 : s->kept;
        if (!dropped[j]) s->parameter[s->kept++] = j;
    }
    for (int64_t i = 0; i < s->kept; i++) {
        double diagonal = gram->a[s->parameter[i] * p + s->parameter[i]];
        s->unit[i] = ldexp(1.0, -(int)floor(0.5 * log2(diagonal) + 0.5));
    }
    for (int64_t i = 0; i < s->kept; i++) {
        const double *from = gram->a + s->parameter[i] * p;
        for (int64_t j = 0; j < s->kept; j++)
            gram->a[i * s->kept + j] = from[s->parameter[j]] * s->unit[i] * s->unit[j];
        s->b[i] = gram->b[s->parameter[i]] * s->unit[i];
    }
    s->a = gram->a;
}

/* ---- from the system's units to the caller's ---- */

/* What one unit of the parameter at a place is in x * scale; dense columns also carry a shift. */
static double scale_at(const struct system *s, int64_t place)
{
    int64_t j = s->parameter[place] - (s->design->intercept ? 1 : 0);
    if (j < 0) return s->unit[place];
    if (j < s->design->dense) return s->unit[place] * s->scaling->scale[j];
    return s->unit[place] * s->scaling->sparse_scale[j - s->design->dense];
}

static double shift_at(const struct system *s, int64_t place)
{
    int64_t j = s->parameter[place] - (s->design->intercept ? 1 : 0);
    return j >= 0 && j < s->design->dense ? s->scaling->shift[j] : 0.0;
}

/* row . x for the row that gives a parameter from the system's solution: one entry, or for the
 * intercept 1 less the shifts of all columns. x in [kept] at distance stride. */
static double parameter_of(const struct system *s, int64_t place, const double *x, int64_t stride)
{
    double own = x[place * stride] * scale_at(s, place);
    if (s->parameter[place] > 0 || !s->design->intercept) return own;
    struct double_double sum = {own, 0.0};
    for (int64_t i = 0; i < s->kept; i++)
        sum = double_double_add(
            sum, double_double_product(-shift_at(s, i), x[i * stride] * scale_at(s, i)));
    return sum.high;
}

/* side[:] = that row, as a column of a right-hand side. */
static void parameter_side(const struct system *s, int64_t place, double *side, int64_t stride)
{
    side[place * stride] = scale_at(s, place);
    if (s->parameter[place] > 0 || !s->design->intercept) return;
    for (int64_t i = 0; i < s->kept; i++)
        if (i != place) side[i * stride] = -shift_at(s, i) * scale_at(s, i);
}

static void set_coefficients(const struct system *s, struct least_squares *fit)
{
    const struct design *design = s->design;
    double y_scale = s->scaling->scale[design->dense];
    for (int64_t i = 0; i < s->kept; i++)
        fit->coefficient[s->parameter[i]] = parameter_of(s, i, s->x, 1) / y_scale;
    if (design->intercept && s->place[0] == 0)
        fit->coefficient[0] =
            parameter_of(s, 0, s->x, 1) / y_scale + s->scaling->shift[design->dense];
}

/* ---- residuals ---- */

struct residuals {
    const struct system *s; /* not owned */
    double constant;
    double *slope;  /* [dense] per x - shift */
    double *effect; /* [sparse] per value */
    double *error;  /* [longest block] */
};

static enum status residuals_init(const struct system *s, struct residuals *r)
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
        double value = s->x[i] * scale_at(s, i);
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

/* square = sum over all rows of the weighted squared errors, in scaled units. */
static enum status sum_residuals(const struct comm *comm, const struct system *s, double *square)
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

static void set_quality(const struct system *s, double square, struct least_squares *fit)
{
    const struct scaling *scaling = s->scaling;
    double y_scale = scaling->scale[s->design->dense];
    double unit = 1.0 / (y_scale * y_scale * scaling->weight_scale);
    fit->rows = scaling->rows;
    fit->groups = scaling->groups;
    fit->rank = s->kept;
    fit->freedom = fit->rows - fit->rank - fit->groups;
    fit->residual_square = square * unit;
    fit->total_square = scaling->total_square * unit;
    fit->variance = fit->freedom > 0 ? fit->residual_square / (double)fit->freedom : NAN;
    fit->r_squared = scaling->total_square > 0.0 ? 1.0 - square / scaling->total_square : NAN;
}

/* ---- errors of the parameters ---- */

static int64_t wanted_at(const struct least_squares_options *options, int64_t i)
{
    return options->all_errors ? i : options->wanted[i];
}

static enum status check_wanted(const struct least_squares_options *options, int64_t parameters)
{
    for (int64_t i = 0; !options->all_errors && i < options->wanted_count; i++)
        if (options->wanted[i] < 0 || options->wanted[i] >= parameters)
            return FAIL(ERR_ARG, "parameter %lld, whose error is wanted, is outside 0 .. %lld",
                        (long long)options->wanted[i], (long long)parameters - 1);
    return OK;
}

/* Column `at` of the wanted covariance, from column `side` of the inverse in x. */
static void set_errors(const struct system *s, const struct least_squares_options *options,
                       int64_t at, const double *x, int64_t sides, struct least_squares *fit)
{
    double unit = fit->variance * s->scaling->weight_scale;
    int64_t own = wanted_at(options, at);
    double spread = parameter_of(s, s->place[own], x, sides);
    fit->std_error[own] = sqrt(unit * spread);
    for (int64_t i = 0; fit->covariance != NULL && i < fit->wanted_count; i++) {
        int64_t place = s->place[wanted_at(options, i)];
        if (place >= 0)
            fit->covariance[i * fit->wanted_count + at] = unit * parameter_of(s, place, x, sides);
    }
}

/* Up to SIDES wanted parameters from number *next on: their places in `at`, their right-hand sides
 * in b. */
static int64_t next_sides(const struct system *s, const struct least_squares_options *options,
                          int64_t wanted_count, int64_t *next, int64_t *at)
{
    int64_t sides = 0;
    while (*next < wanted_count && sides < SIDES) {
        if (s->place[wanted_at(options, *next)] >= 0) at[sides++] = *next;
        (*next)++;
    }
    return sides;
}

static enum status fit_errors(const struct comm *comm, const struct system *s,
                              const struct least_squares_options *options,
                              struct least_squares *fit)
{
    enum status status = OK;
    double *b = NULL;
    int64_t at[SIDES], next = 0, sides = 0;
    TRY_ALL(comm, memory_new(&b, 2 * s->kept * SIDES, sizeof *b));
    double *x = b + s->kept * SIDES;
    while ((sides = next_sides(s, options, fit->wanted_count, &next, at)) > 0) {
        memset(b, 0, (size_t)(s->kept * sides) * sizeof *b);
        for (int64_t i = 0; i < sides; i++)
            parameter_side(s, s->place[wanted_at(options, at[i])], b + i, sides);
        TRY(cholesky_solve(comm, &s->factor, b, sides, x));
        for (int64_t i = 0; i < sides; i++) set_errors(s, options, at[i], x + i, sides, fit);
    }
done:
    free(b);
    return status;
}

/* ---- condition ---- */

static double matrix_norm(const double *a, int64_t n)
{
    double largest = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < n; j++) sum += fabs(a[i * n + j]);
        largest = fmax(largest, sum);
    }
    return largest;
}

static enum status fit_condition(const struct comm *comm, const struct system *s, double *condition)
{
    double inverse = 0.0;
    enum status status = cholesky_inverse_norm(comm, &s->factor, &inverse);
    if (status == OK) *condition = s->kept > 0 ? sqrt(matrix_norm(s->a, s->kept) * inverse) : NAN;
    return status;
}

/* ---- the whole ---- */

static enum status least_squares_new(int64_t parameters,
                                     const struct least_squares_options *options,
                                     struct least_squares **fit)
{
    enum status status = OK;
    struct least_squares *f = NULL;
    TRY(check_wanted(options, parameters));
    TRY(memory_new(&f, 1, sizeof *f));
    f->parameters = parameters;
    f->wanted_count = options->all_errors ? parameters : options->wanted_count;
    f->condition = NAN;
    TRY(memory_new(&f->coefficient, parameters, sizeof *f->coefficient));
    TRY(memory_new(&f->std_error, parameters, sizeof *f->std_error));
    TRY(memory_new(&f->dropped, parameters, sizeof *f->dropped));
    for (int64_t j = 0; j < parameters; j++) f->std_error[j] = NAN;
    if (options->covariance) {
        int64_t count = f->wanted_count * f->wanted_count;
        TRY(memory_new(&f->covariance, count, sizeof *f->covariance));
        for (int64_t i = 0; i < count; i++) f->covariance[i] = NAN;
    }
    *fit = f;
done:
    if (status != OK) least_squares_free(&f);
    return status;
}

void least_squares_free(struct least_squares **fit)
{
    if (*fit == NULL) return;
    free((*fit)->coefficient);
    free((*fit)->std_error);
    free((*fit)->dropped);
    free((*fit)->covariance);
    free(*fit);
    *fit = NULL;
}

/* Everything after the normal equations; uses up gram->a. */
static enum status solve(const struct comm *comm, struct gram *gram, struct system *s,
                         const struct least_squares_options *options, struct least_squares *fit)
{
    enum status status = OK;
    double square = 0.0;
    TRY(find_dropped(comm, gram, s->scaling, options->tolerance, fit->dropped));
    TRY_ALL(comm, system_new(gram->parameters, s));
    compact(gram, fit->dropped, s);
    TRY(cholesky_factor(comm, s->a, s->kept, &s->factor));
    TRY(cholesky_solve(comm, &s->factor, s->b, 1, s->x));
    set_coefficients(s, fit);
    TRY(sum_residuals(comm, s, &square));
    set_quality(s, square, fit);
    if (fit->freedom > 0) TRY(fit_errors(comm, s, options, fit));
    if (options->condition) TRY(fit_condition(comm, s, &fit->condition));
done:
    return status;
}

enum status least_squares_fit(const struct comm *comm, const struct design *design,
                              const struct least_squares_options *options,
                              struct least_squares **fit)
{
    enum status status = OK;
    struct scaling scaling = {0};
    struct gram gram = {0};
    struct system s = {.design = design, .scaling = &scaling};
    *fit = NULL;
    TRY(scaling_measure(comm, design, &scaling));
    TRY_ALL(comm, least_squares_new(design_parameters(design), options, fit));
    TRY(gram_make(comm, design, &scaling, &gram));
    TRY(solve(comm, &gram, &s, options, *fit));
done:
    system_clear(&s);
    gram_clear(&gram);
    scaling_clear(&scaling);
    if (status != OK) least_squares_free(fit);
    return status;
}
