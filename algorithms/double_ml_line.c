/* Controls as a design matrix, and what a line through them predicts. */
#include "algorithms/double_ml_line.h"

#include "algorithms/least_squares.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A control is explained if others leave less of its variance: about what single precision does. */
#define EXPLAINED 1e-10

/* What is known of the columns of the controls. */
struct survey {
    int64_t columns;
    int64_t *missing; /* [columns] rows without a value */
    double *mean;     /* [columns] of the others */
    double *scale;    /* [columns] power of two above the largest */
};

static bool used(const struct double_ml_data *data, int64_t row)
{
    return data->skip == NULL || data->skip[row] == 0;
}

static int64_t levels_of(const struct double_ml_data *data, int64_t j)
{
    return data->levels == NULL ? 0 : data->levels[j];
}

static double value_of(const struct double_ml_data *data, int64_t row, int64_t j)
{
    return data->controls.x[row * data->controls.stride + j];
}

/* ---- survey ---- */

static void survey_clear(struct survey *s)
{
    free(s->missing);
    free(s->mean);
    free(s->scale);
}

static enum status survey_init(const struct double_ml_data *data, struct survey *s,
                               struct exact_sums *sums)
{
    enum status status = OK;
    s->columns = data->controls.columns;
    TRY(memory_new(&s->missing, s->columns + 1, sizeof *s->missing));
    TRY(memory_new(&s->mean, s->columns, sizeof *s->mean));
    TRY(memory_new(&s->scale, s->columns, sizeof *s->scale));
    TRY(exact_init(sums, s->columns));
    for (int64_t i = 0; i < data->controls.blocks->rows_local; i++) {
        if (!used(data, i)) continue;
        s->missing[s->columns]++;
        for (int64_t j = 0; j < s->columns; j++) {
            double value = value_of(data, i, j);
            s->missing[j] += isnan(value);
            s->scale[j] = fmax(s->scale[j], fabs(value)); /* passes NaN by */
        }
    }
done:
    return status;
}

static enum status survey_make(const struct comm *comm, const struct double_ml_data *data,
                               struct survey *s)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    TRY_ALL(comm, survey_init(data, s, &sums));
    comm_sum_int64(comm, s->missing, s->columns + 1);
    comm_max_double(comm, s->scale, s->columns);
    for (int64_t j = 0; j < s->columns; j++) {
        int exponent = 0;
        frexp(s->scale[j], &exponent);
        s->scale[j] = ldexp(1.0, exponent);
    }
    for (int64_t i = 0; i < data->controls.blocks->rows_local; i++)
        for (int64_t j = 0; j < s->columns && used(data, i); j++) {
            double value = value_of(data, i, j);
            if (!isnan(value)) exact_add_one(&sums, j, value / s->scale[j]);
        }
    TRY(exact_reduce(comm, &sums));
    for (int64_t j = 0; j < s->columns; j++) {
        int64_t there = s->missing[s->columns] - s->missing[j];
        s->mean[j] = there > 0 ? exact_get(&sums, j) * s->scale[j] / (double)there : 0;
    }
done:
    exact_clear(&sums);
    return status;
}

/* ---- layout ---- */

/* Knots of a column of numbers; with two values there is nothing to bend. */
static int64_t knots_of(const struct double_ml_line *line, int64_t j)
{
    int64_t bins = line->knots == NULL ? 1 : bins_count(line->knots, j);
    return bins < 3 ? 0 : bins - 1;
}

static bool left_out(const struct double_ml_data *data, const struct survey *s, int64_t j)
{
    return levels_of(data, j) > DOUBLE_ML_LEVELS_MAX || s->missing[j] == s->missing[s->columns];
}

static enum status check(const struct double_ml_data *data, const struct survey *s, bool strict,
                         struct double_ml_line *line)
{
    struct design *design = &line->design;
    int64_t numbers = 0;
    for (int64_t j = 0; j < s->columns; j++) {
        int64_t levels = levels_of(data, j);
        if (strict && levels > DOUBLE_ML_LEVELS_MAX)
            return FAIL(ERR_DATA,
                        "control %" PRId64 " has %" PRId64 " levels; least squares take up to %d: "
                        "group them, or take forests",
                        j + 1, levels, DOUBLE_ML_LEVELS_MAX);
        if (left_out(data, s, j)) continue;
        if (levels > 0)
            design->sparse += levels;
        else
            design->dense += 1 + knots_of(line, j) + (s->missing[j] > 0);
        numbers += levels == 0;
    }
    if (line->products) design->dense += numbers * (numbers - 1) / 2;
    if (design_parameters(design) > DESIGN_PARAMETERS_MAX)
        return FAIL(ERR_DATA,
                    "the controls make %" PRId64
                    " columns; least squares take up to %d: leave some "
                    "out",
                    design_parameters(design), DESIGN_PARAMETERS_MAX);
    return OK;
}

int64_t double_ml_line_numbers(const struct double_ml_data *data)
{
    int64_t numbers = 0;
    for (int64_t j = 0; j < data->controls.columns; j++) numbers += levels_of(data, j) == 0;
    return numbers;
}

/* A number about its mean, 0 where it is missing, in units of its largest. */
static double centred(const struct double_ml_data *data, const struct survey *s, int64_t row,
                      int64_t j)
{
    double value = value_of(data, row, j);
    return isnan(value) ? 0.0 : (value - s->mean[j]) / s->scale[j];
}

static void lay_products(const struct double_ml_data *data, const struct survey *s, int64_t row,
                         double *x)
{
    for (int64_t j = 0; j < s->columns; j++) {
        if (levels_of(data, j) > 0 || left_out(data, s, j)) continue;
        double value = centred(data, s, row, j);
        for (int64_t k = j + 1; k < s->columns; k++)
            if (levels_of(data, k) == 0 && !left_out(data, s, k))
                *x++ = value * centred(data, s, row, k);
    }
}

/* One row's dense columns and sparse entries; the entries' end. */
static int64_t lay_row(const struct double_ml_data *data, const struct survey *s,
                       struct double_ml_line *line, int64_t row, int64_t entries)
{
    int64_t first = 0;
    double *x = line->x + row * line->design.dense;
    for (int64_t j = 0; j < s->columns; j++) {
        if (left_out(data, s, j)) continue;
        double value = value_of(data, row, j);
        if (levels_of(data, j) > 0) {
            if (!isnan(value)) line->column[entries++] = (int32_t)(first + (int64_t)value);
            first += levels_of(data, j);
        } else {
            bool missing = isnan(value);
            *x++ = value = missing ? s->mean[j] : value;
            for (int64_t k = 0; k < knots_of(line, j); k++)
                *x++ = fmax(value - (double)bins_edge(line->knots, j, k), 0.0);
            if (s->missing[j] > 0) *x++ = missing;
        }
    }
    if (line->products) lay_products(data, s, row, x);
    return entries;
}

/* Which control each parameter is of: those of numbers stand before those of levels. */
static void name_parameters(const struct double_ml_data *data, const struct survey *s,
                            struct double_ml_line *line)
{
    int64_t dense = 1, sparse = 1 + line->design.dense;
    for (int64_t p = 0; p < design_parameters(&line->design); p++) line->control[p] = -1;
    for (int64_t j = 0; j < s->columns; j++) {
        int64_t levels = levels_of(data, j), *at = levels > 0 ? &sparse : &dense;
        int64_t columns = levels > 0 ? levels : 1 + knots_of(line, j) + (s->missing[j] > 0);
        if (left_out(data, s, j)) continue;
        for (int64_t k = 0; k < columns; k++) line->control[(*at)++] = j;
    }
}

static enum status lay_rows(const struct double_ml_data *data, const struct survey *s,
                            struct double_ml_line *line)
{
    enum status status = OK;
    struct design *design = &line->design;
    int64_t rows = design->blocks->rows_local, categories = 0;
    for (int64_t j = 0; j < s->columns; j++)
        categories += levels_of(data, j) > 0 && !left_out(data, s, j);
    TRY(memory_new(&line->control, design_parameters(design), sizeof *line->control));
    TRY(memory_new(&line->told, design_parameters(design), sizeof *line->told));
    name_parameters(data, s, line);
    TRY(memory_new(&line->x, rows * design->dense, sizeof *line->x));
    TRY(memory_new(&line->row_start, rows + 1, sizeof *line->row_start));
    TRY(memory_new(&line->column, rows * categories, sizeof *line->column));
    for (int64_t i = 0; i < rows; i++) {
        int64_t from = line->row_start[i];
        line->row_start[i + 1] = used(data, i) ? lay_row(data, s, line, i, from) : from;
    }
    design->x = line->x;
    design->row_start = line->row_start;
    design->column = line->column;
done:
    return status;
}

enum status double_ml_line_init(const struct comm *comm, const struct double_ml_data *data,
                                bool strict, int64_t knots, bool products,
                                struct double_ml_line *line)
{
    enum status status = OK;
    struct survey survey = {0};
    *line = (struct double_ml_line){.products = products};
    line->design = (struct design){.blocks = data->controls.blocks, .intercept = true};
    TRY(survey_make(comm, data, &survey));
    if (knots > 0) TRY(bins_make(comm, &data->controls, data->skip, knots + 1, &line->knots));
    TRY(check(data, &survey, strict, line));
    TRY_ALL(comm, lay_rows(data, &survey, line));
done:
    survey_clear(&survey);
    return status;
}

void double_ml_line_clear(struct double_ml_line *line)
{
    bins_free(&line->knots);
    free(line->control);
    free(line->told);
    free(line->x);
    free(line->row_start);
    free(line->column);
    *line = (struct double_ml_line){0};
}

/* ---- use ---- */

static double predict_row(const struct design *design, const double *coefficient, int64_t row)
{
    const double *x = design->x + row * design->dense, *slope = coefficient + 1;
    double sum = coefficient[0];
    for (int64_t j = 0; j < design->dense; j++) sum += slope[j] * x[j];
    for (int64_t e = design->row_start[row]; e < design->row_start[row + 1]; e++)
        sum += slope[design->dense + design->column[e]];
    return sum;
}

enum status double_ml_line_fit(const struct comm *comm, struct double_ml_line *line,
                               const double *y, const double *weight, double *predict)
{
    enum status status = OK;
    struct least_squares *fit = NULL;
    struct least_squares_options opt = LEAST_SQUARES_DEFAULTS;
    opt.all_errors = opt.condition = false;
    if (line->knots == NULL && !line->products) opt.tolerance = EXPLAINED;
    line->design.y = y;
    line->design.weight = weight;
    TRY(least_squares_fit(comm, &line->design, &opt, &fit));
    for (int64_t p = 0; p < design_parameters(&line->design); p++)
        line->told[p] = line->told[p] || !fit->dropped[p];
    for (int64_t i = 0; i < line->design.blocks->rows_local; i++)
        predict[i] = predict_row(&line->design, fit->coefficient, i);
done:
    least_squares_free(&fit);
    return status;
}

void double_ml_line_explained(const struct double_ml_line *line, int64_t controls, bool *explained)
{
    for (int64_t j = 0; j < controls; j++) explained[j] = false;
    for (int64_t p = 0; p < design_parameters(&line->design); p++)
        if (line->control[p] >= 0) explained[line->control[p]] = true;
    for (int64_t p = 0; p < design_parameters(&line->design); p++)
        if (line->control[p] >= 0 && line->told[p]) explained[line->control[p]] = false;
}
