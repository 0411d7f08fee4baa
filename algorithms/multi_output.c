/* Right-hand sides in whole numbers, a ridge for each, and coefficients output by output. */
#include "algorithms/multi_output.h"

#include "algorithms/cholesky.h"
#include "algorithms/definite.h"
#include "algorithms/dot.h"
#include "algorithms/multi_output_matrix.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the ridges that may be learned the first is 1, each of the others the root of 10 times the one
 * before. */
enum { BATCH_BYTES = 64 << 20, NARROW = 384, RIDGES = 15 };

/* A variance is at most so many times that of columns at right angles. */
#define INFLATION_MAX 1e10

/* The system, factored for the ridges that are met. */
struct system {
    struct output_matrix m;
    bool learn;              /* a ridge for each output */
    double ridge[RIDGES];    /* in rows; the first alone unless learned */
    double *inverse[RIDGES]; /* [columns][columns] of few columns, where it was needed */
    double repeats;          /* rows that tell what one would */
    double effective;        /* sum of squares of the correlations */
    struct cholesky factor;  /* of many columns */
    double *matrix;          /* [columns][columns] that it is of */
};

/* ---- factors ---- */

/* The correlations with a ridge on their diagonal. */
static void add_ridge(const struct output_matrix *m, double ridge, double *to)
{
    int64_t columns = m->columns;
    memcpy(to, m->correlation, (size_t)(columns * columns) * sizeof *to);
    for (int64_t j = 0; j < columns; j++)
        if (m->sd[j] > 0.0) to[j * columns + j] += ridge / (double)m->rows;
}

/* The diagonal says how much of a column the others explain. */
static enum status invert(struct system *s, int r)
{
    enum status status = OK;
    int64_t columns = s->m.columns;
    double *copy = NULL;
    bool good = true;
    if (s->inverse[r] != NULL) return OK;
    TRY(memory_new(&s->inverse[r], columns * columns, sizeof *s->inverse[r]));
    TRY(memory_new(&copy, columns * columns, sizeof *copy));
    add_ridge(&s->m, s->ridge[r], copy);
    good = definite_invert(copy, columns, columns, s->inverse[r]);
    for (int64_t j = 0; j < columns; j++)
        good = good && s->inverse[r][j * columns + j] <= INFLATION_MAX;
    if (!good) TRY(FAIL(ERR_NUMERIC, "columns depend on each other; take a ridge above 0"));
done:
    free(copy);
    return status;
}

static enum status factor(const struct comm *comm, struct system *s)
{
    enum status status = OK;
    int64_t columns = s->m.columns;
    TRY_ALL(comm, memory_new(&s->matrix, columns * columns, sizeof *s->matrix));
    add_ridge(&s->m, s->ridge[0], s->matrix);
    TRY(cholesky_factor(comm, s->matrix, columns, &s->factor));
done:
    return status;
}

static void set_ridges(double ridge, double repeats, struct system *s)
{
    int64_t columns = s->m.columns;
    s->learn = ridge == MULTI_OUTPUT_LEARN;
    s->repeats = repeats > 1.0 ? repeats : 1.0;
    for (int r = 0; r < RIDGES; r++) s->ridge[r] = s->learn ? pow(10.0, 0.5 * r) : ridge;
    for (int64_t i = 0; i < columns * columns; i++)
        s->effective += s->m.correlation[i] * s->m.correlation[i];
}

static void system_clear(struct system *s)
{
    cholesky_clear(&s->factor);
    for (int r = 0; r < RIDGES; r++) free(s->inverse[r]);
    free(s->matrix);
    output_matrix_clear(&s->m);
}

/* ---- what is learned of a ridge ---- */

/* Of right-hand sides of variance v without any slope, covariances with columns have variance v /
 * rows; where slopes have variance t, they have t times the correlations' squares more. The ridge
 * is v / t, with as much taken off t as chance alone may bring: a standard error. */
struct signal {
    double variance, covariances, chance; /* sums over outputs */
};

static void add_signal(const struct system *s, const int64_t *sum, const double *side,
                       int64_t stride, struct signal *signal)
{
    const struct output_matrix *m = &s->m;
    double rows = (double)m->rows, unit = m->value_unit;
    double mean = (double)sum[m->columns] * unit / rows;
    double variance = fmax((double)sum[m->columns + 1] * unit * unit / rows - mean * mean, 0.0);
    double chance = s->repeats * variance / rows;
    signal->variance += s->repeats * variance;
    signal->chance += chance * sqrt(2.0 * s->effective);
    for (int64_t j = 0; j < m->columns; j++) {
        if (!(m->sd[j] > 0.0)) continue;
        signal->covariances += side[j * stride] * side[j * stride];
        signal->chance += chance;
    }
}

static int choose_ridge(const struct system *s, const struct signal *signal)
{
    double rest = signal->covariances - signal->chance, best = s->ridge[RIDGES - 1];
    int r = 0;
    if (!s->learn) return 0;
    if (rest > 0.0) best = signal->variance * s->effective / rest;
    while (r + 1 < RIDGES && best > sqrt(s->ridge[r] * s->ridge[r + 1])) r++;
    return r;
}

/* ---- right-hand sides ---- */

VECTORISED static void add_whole(const int32_t *restrict z, int32_t times, int64_t count,
                                 int64_t *restrict sum)
{
    for (int64_t j = 0; j < count; j++) sum[j] += (int64_t)z[j] * times;
}

/* sum[output - first][:] += value (z, 1, value) of all rows, for the outputs of a batch */
static void sum_sides(const struct multi_output_data *data, const struct output_matrix *m,
                      int64_t first, int64_t count, int64_t *sum)
{
    int64_t width = m->columns + 1;
    for (int64_t r = 0; r < data->blocks->rows_local; r++) {
        bool made = false;
        for (int64_t e = data->start[r]; e < data->start[r + 1]; e++) {
            int64_t at = data->output[e] - first;
            double value = data->value == NULL ? 1.0 : (double)data->value[e];
            if (at < 0 || at >= count) continue;
            if (!made) output_matrix_row(data, r, m);
            made = true;
            int32_t whole = (int32_t)rint(value / m->value_unit);
            int64_t *to = sum + at * (width + 1);
            add_whole(m->z, whole, width, to);
            to[width] += (int64_t)whole * whole;
        }
    }
}

/* The right-hand side of one output in the units of the matrix; returns the output's mean. */
static double make_side(const struct output_matrix *m, const int64_t *sum, double *side,
                        int64_t stride)
{
    double rows = (double)m->rows, total = (double)sum[m->columns] * m->value_unit;
    for (int64_t j = 0; j < m->columns; j++) {
        double product = (double)sum[j] * m->value_unit - m->sum[j] * total / rows;
        side[j * stride] = m->sd[j] > 0.0 ? product / (m->sd[j] * rows) : 0.0;
    }
    return total / rows;
}

/* Back to the columns as given: (x - mean) / unit less its mean, in standard deviations. */
static void make_line(const struct output_matrix *m, const double *solution, int64_t stride,
                      double mean, float *coefficient)
{
    double intercept = mean;
    for (int64_t j = 0; j < m->columns; j++) {
        double slope = m->sd[j] > 0.0 ? solution[j * stride] / m->sd[j] : 0.0;
        intercept -= slope * (m->sum[j] / (double)m->rows + m->mean[j] * m->per_unit[j]);
        coefficient[j] = (float)(slope * m->per_unit[j]);
    }
    coefficient[m->columns] = (float)intercept;
}

VECTORISED static double dot(const double *x, const double *y, int64_t count)
{
    return dot_double(x, y, count);
}

/* Outputs from .. to - 1 of a batch. */
static enum status solve_share(struct system *s, int64_t from, int64_t to, const int64_t *sum,
                               float *line)
{
    enum status status = OK;
    const struct output_matrix *m = &s->m;
    int64_t columns = m->columns;
    double *side = NULL;
    TRY(memory_new(&side, 2 * columns, sizeof *side));
    for (int64_t i = from; i < to; i++) {
        struct signal signal = {0};
        const int64_t *mine = sum + i * (columns + 2);
        double mean = make_side(m, mine, side, 1), *solution = side + columns;
        add_signal(s, mine, side, 1, &signal);
        int r = choose_ridge(s, &signal);
        TRY(invert(s, r));
        for (int64_t j = 0; j < columns; j++)
            solution[j] = dot(s->inverse[r] + j * columns, side, columns);
        make_line(m, solution, 1, mean, line + (i - from) * (columns + 1));
    }
done:
    free(side);
    return status;
}

/* Few columns: outputs are shared out among the ranks. */
static enum status solve_narrow(const struct comm *comm, struct system *s, int64_t count,
                                const int64_t *sum, float *line)
{
    enum status status = OK;
    int64_t width = s->m.columns + 1, bytes = 0;
    int64_t from = count * comm->rank / comm->ranks, to = count * (comm->rank + 1) / comm->ranks;
    float *mine = NULL;
    void *all = NULL;
    TRY_ALL(comm, memory_new(&mine, (to - from) * width, sizeof *mine));
    TRY_ALL(comm, solve_share(s, from, to, sum, mine));
    TRY(comm_gather_all(comm, mine, (to - from) * width * (int64_t)sizeof *mine, &all, &bytes));
    memcpy(line, all, (size_t)bytes);
done:
    free(mine);
    free(all);
    return status;
}

/* Many columns: one factor on the grid of all ranks, all outputs of the batch at once. A ridge that
 * is learned is one for all outputs, from those of the first batch. */
static enum status solve_wide(const struct comm *comm, struct system *s, int64_t count,
                              const int64_t *sum, float *line)
{
    enum status status = OK;
    const struct output_matrix *m = &s->m;
    struct signal signal = {0};
    int64_t width = m->columns + 1;
    double *side = NULL, *solution = NULL, *mean = NULL;
    TRY_ALL(comm, memory_new(&side, m->columns * count, sizeof *side));
    TRY_ALL(comm, memory_new(&solution, m->columns * count, sizeof *solution));
    TRY_ALL(comm, memory_new(&mean, count, sizeof *mean));
    for (int64_t i = 0; i < count; i++) {
        mean[i] = make_side(m, sum + i * (width + 1), side + i, count);
        add_signal(s, sum + i * (width + 1), side + i, count, &signal);
    }
    if (s->matrix == NULL) {
        s->ridge[0] = s->ridge[choose_ridge(s, &signal)];
        TRY(factor(comm, s));
    }
    TRY(cholesky_solve(comm, &s->factor, side, count, solution));
    for (int64_t i = 0; i < count; i++)
        make_line(m, solution + i, count, mean[i], line + i * width);
done:
    free(side);
    free(solution);
    free(mean);
    return status;
}

static enum status fit_outputs(const struct comm *comm, const struct multi_output_data *data,
                               struct system *s, struct multi_output *model)
{
    enum status status = OK;
    int64_t width = s->m.columns + 1, batch = BATCH_BYTES / (8 * width) + 1, *sum = NULL;
    if (batch > data->outputs) batch = data->outputs;
    TRY_ALL(comm, memory_new(&sum, batch * (width + 1), sizeof *sum));
    for (int64_t first = 0; first < data->outputs; first += batch) {
        int64_t count = data->outputs - first < batch ? data->outputs - first : batch;
        float *line = model->coefficient + first * width;
        memset(sum, 0, (size_t)(batch * (width + 1)) * sizeof *sum);
        sum_sides(data, &s->m, first, count, sum);
        comm_sum_int64(comm, sum, count * (width + 1));
        TRY(s->m.columns <= NARROW ? solve_narrow(comm, s, count, sum, line)
                                   : solve_wide(comm, s, count, sum, line));
    }
done:
    free(sum);
    return status;
}

/* ---- the whole ---- */

static enum status check(const struct multi_output_data *data, double ridge)
{
    int64_t rows = data->blocks->rows_local;
    if (data->blocks->rows_total < 1) return FAIL(ERR_ARG, "there are no rows to learn from");
    if (data->columns < 1 || data->columns > MULTI_OUTPUT_COLUMNS_MAX)
        return FAIL(ERR_ARG, "%lld columns; there may be 1 to %d", (long long)data->columns,
                    MULTI_OUTPUT_COLUMNS_MAX);
    if (ridge != MULTI_OUTPUT_LEARN && !(ridge >= 0.0 && ridge < INFINITY))
        return FAIL(ERR_ARG, "a ridge of %g; it must be 0 or more", ridge);
    for (int64_t e = 0; e < data->start[rows]; e++)
        if (data->output[e] < 0 || data->output[e] >= data->outputs)
            return FAIL(ERR_ARG, "there is no output %d, only 0 to %lld", data->output[e],
                        (long long)data->outputs - 1);
    return OK;
}

static enum status model_new(const struct multi_output_data *data, struct multi_output **model)
{
    enum status status = memory_new(model, 1, sizeof **model);
    if (status != OK) return status;
    (*model)->columns = data->columns;
    (*model)->outputs = data->outputs;
    return memory_new(&(*model)->coefficient, data->outputs * (data->columns + 1),
                      sizeof *(*model)->coefficient);
}

enum status multi_output_fit(const struct comm *comm, const struct multi_output_data *data,
                             double ridge, struct multi_output **model)
{
    enum status status = OK;
    struct system s = {0};
    *model = NULL;
    TRY_ALL(comm, check(data, ridge));
    TRY_ALL(comm, model_new(data, model));
    TRY(output_matrix_make(comm, data, &s.m));
    set_ridges(ridge, data->repeats, &s);
    TRY(fit_outputs(comm, data, &s, *model));
done:
    system_clear(&s);
    if (status != OK) multi_output_free(model);
    return status;
}

void multi_output_free(struct multi_output **model)
{
    if (*model == NULL) return;
    free((*model)->coefficient);
    free(*model);
    *model = NULL;
}

/* ---- predictions ---- */

VECTORISED double multi_output_predict(const struct multi_output *model, const float *x,
                                       int64_t output)
{
    const float *line = model->coefficient + output * (model->columns + 1);
    return dot_float(line, x, model->columns) + (double)line[model->columns];
}

enum status multi_output_turn(const struct multi_output *model, int64_t stride, float **turned)
{
    int64_t width = model->columns + 1;
    enum status status = memory_new(turned, width * stride, sizeof **turned);
    for (int64_t i = 0; i < model->outputs && status == OK; i++)
        for (int64_t j = 0; j < width; j++)
            (*turned)[j * stride + i] = model->coefficient[i * width + j];
    return status;
}

VECTORISED void multi_output_add(const float *line, float times, int64_t count, float *sum)
{
    for (int64_t i = 0; i < count; i++) sum[i] += times * line[i];
}
