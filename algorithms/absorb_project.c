/* Effects with many levels are projected out of all columns. */
#include "algorithms/absorb.h"

#include "algorithms/levels.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = LEVELS_COLUMNS };

/* Columns are numbered dense, sparse, outcome, and taken WIDTH at a time, shifted and scaled. */
struct projection {
    const struct design *design; /* not owned */
    struct scaling scaling;
    struct levels levels;
    int64_t columns;           /* the outcome included */
    int64_t from;              /* first of the columns at hand */
    double *side;              /* [levels][WIDTH] */
    double *share;             /* [levels][WIDTH] what each level adds */
    struct exact_sums sums;    /* [levels][WIDTH] */
    struct exact_sums squares; /* [WIDTH] */
    double before[WIDTH], after[WIDTH];
    struct absorbed *out; /* not owned */
};

static enum status projection_init(const struct comm *comm, const struct design *design,
                                   struct projection *p)
{
    enum status status = OK;
    int64_t rows = design->blocks->rows_local;
    struct design measured = *design;
    measured.effects = 0;
    measured.intercept = true;
    p->columns = design->dense + design->sparse + 1;
    TRY(scaling_measure(comm, &measured, &p->scaling));
    TRY(levels_make(comm, design, p->scaling.weight_scale, &p->levels));
    TRY_ALL(comm, memory_new(&p->side, 2 * p->levels.total * WIDTH, sizeof *p->side));
    p->share = p->side + p->levels.total * WIDTH;
    TRY_ALL(comm, exact_init(&p->sums, p->levels.total * WIDTH));
    TRY_ALL(comm, exact_init(&p->squares, WIDTH));
    TRY_ALL(comm, memory_new(&p->out->x, rows * (p->columns - 1), sizeof *p->out->x));
    TRY_ALL(comm, memory_new(&p->out->y, rows, sizeof *p->out->y));
done:
    return status;
}

static void projection_clear(struct projection *p)
{
    scaling_clear(&p->scaling);
    levels_clear(&p->levels);
    free(p->side);
    exact_clear(&p->sums);
    exact_clear(&p->squares);
}

/* ---- values of rows ---- */

static double weight_of(const struct projection *p, int64_t row)
{
    const double *weight = p->design->weight;
    return weight != NULL ? weight[row] * p->scaling.weight_scale : 1.0;
}

/* A dense column, or the outcome: number `dense` of the scaling. */
static double scaled(const struct projection *p, double value, int64_t column)
{
    return (value - p->scaling.shift[column]) * p->scaling.scale[column];
}

static void row_values(const struct projection *p, int64_t row, double *value)
{
    const struct design *design = p->design;
    int64_t dense = design->dense, last = p->columns - 1;
    memset(value, 0, WIDTH * sizeof *value);
    for (int64_t j = p->from; j < p->from + WIDTH && j < dense; j++)
        value[j - p->from] = scaled(p, design->x[row * dense + j], j);
    for (int64_t e = design->sparse > 0 ? design->row_start[row] : 0;
         design->sparse > 0 && e < design->row_start[row + 1]; e++) {
        int64_t at = dense + design->column[e] - p->from;
        if (at >= 0 && at < WIDTH)
            value[at] = (design->value != NULL ? design->value[e] : 1.0) *
                        p->scaling.sparse_scale[design->column[e]];
    }
    if (last < p->from + WIDTH) value[last - p->from] = scaled(p, design->y[row], dense);
}

/* value less what the row's levels add */
static void take_levels(const struct projection *p, int64_t row, double *value)
{
    for (int64_t e = 0; e < p->design->effects; e++) {
        int64_t level = p->levels.first[e] + p->design->effect[e].level[row];
        const double *share = p->share + level * WIDTH;
        for (int c = 0; c < WIDTH; c++) value[c] -= share[c];
    }
}

static double unscaled(const struct projection *p, int64_t column, double value)
{
    int64_t dense = p->design->dense;
    if (column == p->columns - 1) return value / p->scaling.scale[dense];
    if (column < dense) return value / p->scaling.scale[column];
    return value / p->scaling.sparse_scale[column - dense];
}

static void store_row(const struct projection *p, int64_t row, const double *value)
{
    int64_t last = p->columns - 1;
    for (int64_t j = p->from; j < p->from + WIDTH && j < p->columns; j++) {
        double rest = unscaled(p, j, value[j - p->from]);
        if (j < last)
            p->out->x[row * last + j] = rest;
        else
            p->out->y[row] = rest;
    }
}

/* ---- passes over the rows ---- */

static void add_to_levels(struct projection *p, int64_t row, double weight, const double *value)
{
    double term[WIDTH];
    for (int c = 0; c < WIDTH; c++) term[c] = weight * value[c];
    for (int64_t e = 0; e < p->design->effects; e++) {
        int64_t level = p->levels.first[e] + p->design->effect[e].level[row];
        exact_add(&p->sums, level * WIDTH, term, WIDTH);
    }
}

/* Sides and squares of the columns before, or the rests of the columns and their squares after. */
static enum status pass(const struct comm *comm, struct projection *p, bool after)
{
    enum status status = OK;
    const struct blocks *blocks = p->design->blocks;
    exact_reset(&p->squares);
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double square[WIDTH] = {0}, value[WIDTH] = {0};
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) {
            double weight = weight_of(p, i);
            if (!(weight > 0.0)) continue; /* the values may be anything there */
            row_values(p, i, value);
            if (after) take_levels(p, i, value);
            if (after) store_row(p, i, value);
            if (!after) add_to_levels(p, i, weight, value);
            for (int c = 0; c < WIDTH; c++) square[c] += weight * value[c] * value[c];
        }
        exact_add(&p->squares, 0, square, WIDTH);
    }
    TRY(exact_reduce(comm, &p->squares));
    exact_get_all(&p->squares, 0, after ? p->after : p->before, WIDTH);
done:
    return status;
}

/* Columns that levels explain are nothing but rounding: 0 says so. */
static void clear_explained(const struct projection *p, double explained)
{
    int64_t last = p->columns - 1;
    for (int64_t j = p->from; j < p->from + WIDTH && j < p->columns; j++) {
        if (p->after[j - p->from] > explained * p->before[j - p->from]) continue;
        for (int64_t i = 0; i < p->design->blocks->rows_local; i++)
            if (j < last)
                p->out->x[i * last + j] = 0.0;
            else
                p->out->y[i] = 0.0;
    }
}

static enum status project_columns(const struct comm *comm, struct projection *p,
                                   const struct absorb_options *options)
{
    enum status status = OK;
    struct levels_solution solution = {0};
    int64_t sides = p->levels.total * WIDTH;
    exact_reset(&p->sums);
    TRY(pass(comm, p, false));
    TRY(exact_reduce(comm, &p->sums));
    exact_get_all(&p->sums, 0, p->side, sides);
    TRY(levels_solve(comm, &p->levels, p->side, p->before, options->tolerance,
                     options->max_iterations, p->share, &solution));
    TRY(pass(comm, p, true));
    clear_explained(p, options->explained);
    p->out->converged &= solution.converged;
    if (solution.reached > p->out->reached) p->out->reached = solution.reached;
    if (solution.iterations > p->out->iterations) p->out->iterations = solution.iterations;
done:
    return status;
}

/* ---- public ---- */

static void set_design(const struct projection *p, struct absorbed *plain)
{
    double y_scale = p->scaling.scale[p->design->dense];
    plain->way = ABSORB_PROJECTED;
    plain->total_square = p->scaling.total_square / (y_scale * y_scale * p->scaling.weight_scale);
    plain->design.dense = p->columns - 1;
    plain->design.intercept |= p->columns == 1; /* some column there must be */
    plain->design.x = plain->x;
    plain->design.y = plain->y;
    plain->design.sparse = 0;
    plain->design.last_first = 0;
    plain->design.row_start = NULL;
    plain->design.column = NULL;
    plain->design.value = NULL;
}

enum status absorb_project(const struct comm *comm, const struct design *design,
                           const struct absorb_options *options, struct absorbed *plain)
{
    enum status status = OK;
    struct projection p = {.design = design, .out = plain};
    TRY(projection_init(comm, design, &p));
    for (p.from = 0; p.from < p.columns; p.from += WIDTH) TRY(project_columns(comm, &p, options));
    TRY(levels_rank(comm, &p.levels, design, &plain->levels));
    set_design(&p, plain);
done:
    projection_clear(&p);
    return status;
}
