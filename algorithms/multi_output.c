/* Normal equations in whole numbers, then coefficients output by output. */
#include "algorithms/multi_output.h"

#include "algorithms/cholesky.h"
#include "algorithms/definite.h"
#include "algorithms/dot.h"
#include "algorithms/syrk.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, BITS_MOST = 22, BATCH_BYTES = 64 << 20, NARROW = 384 };

/* A variance is at most so many times that of columns at right angles. */
#define INFLATION_MAX 1e10

/* A column enters as rint((x - mean) / unit), at most 2^bits in size, and a value likewise. Their
 * products sum up without error over a chunk in a double, over all rows in an int64. */
struct normal {
    int64_t columns, rows;
    double *mean, *unit, *per_unit; /* [columns] units are powers of two */
    double value_unit;
    double *sum;     /* [columns] of z */
    double *sd;      /* [columns] in units; 0 for a constant */
    double *matrix;  /* [columns][columns] in standard deviations, ridge included */
    double *inverse; /* [columns][columns] of few columns, else NULL */
    struct cholesky factor;
    float *x;   /* [columns] of a row */
    int32_t *z; /* [columns + 1] the same in whole numbers, then 1 */
};

/* ---- ranges ---- */

static int log_above(int64_t count)
{
    int log = 0;
    while (((int64_t)1 << log) < count) log++;
    return log;
}

/* Digits of a number that is multiplied with one of `others` digits and summed over the rows. */
static int bits_beside(int64_t rows, int others)
{
    int bits = 62 - log_above(rows) - others;
    return bits < BITS_MOST ? bits : BITS_MOST;
}

static int column_bits(int64_t rows)
{
    return bits_beside(rows, (62 - log_above(rows)) / 2);
}

static double unit_below(double most, int bits)
{
    int power = 0;
    frexp(most, &power);
    return most > 0.0 ? ldexp(1.0, power - bits) : 1.0;
}

static void get_row(const struct multi_output_data *data, int64_t row, float *x)
{
    memset(x, 0, (size_t)data->columns * sizeof *x);
    data->row(data->context, row, x);
}

/* Sums of the columns block by block, scaled by `scale`; the largest sizes. */
static enum status sum_columns(const struct comm *comm, const struct multi_output_data *data,
                               const double *scale, float *x, double *sum)
{
    enum status status = OK;
    const struct blocks *blocks = data->blocks;
    struct exact_sums sums = {0};
    double *part = NULL;
    TRY_ALL(comm, exact_init(&sums, data->columns));
    TRY_ALL(comm, memory_new(&part, data->columns, sizeof *part));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(part, 0, (size_t)data->columns * sizeof *part);
        for (int64_t r = blocks->start[b]; r < blocks->start[b + 1]; r++) {
            get_row(data, r, x);
            for (int64_t j = 0; j < data->columns; j++) part[j] += (double)x[j] * scale[j];
        }
        exact_add(&sums, 0, part, data->columns);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, sum, data->columns);
done:
    exact_clear(&sums);
    free(part);
    return status;
}

static void largest(const struct comm *comm, const struct multi_output_data *data,
                    const double *mean, float *x, double *most)
{
    for (int64_t j = 0; j < data->columns; j++) most[j] = 0.0;
    for (int64_t r = 0; r < data->blocks->rows_local; r++) {
        get_row(data, r, x);
        for (int64_t j = 0; j < data->columns; j++) {
            double size = fabs((double)x[j] - mean[j]);
            /* not finite in any sense: larger than all that is */
            most[j] = size <= most[j] ? most[j] : size < INFINITY ? size : INFINITY;
        }
    }
    comm_max_double(comm, most, data->columns);
}

static enum status check_finite(const double *most, int64_t columns)
{
    for (int64_t j = 0; j < columns; j++)
        if (!isfinite(most[j]))
            return FAIL(ERR_NUMERIC, "column %lld holds a number that is not finite", (long long)j);
    return OK;
}

/* Means, and units that leave the columns their digits. */
static enum status measure(const struct comm *comm, const struct multi_output_data *data,
                           struct normal *n)
{
    enum status status = OK;
    largest(comm, data, n->mean, n->x, n->unit);
    TRY(check_finite(n->unit, n->columns));
    for (int64_t j = 0; j < n->columns; j++) n->per_unit[j] = 1.0 / unit_below(n->unit[j], 0);
    TRY(sum_columns(comm, data, n->per_unit, n->x, n->mean));
    for (int64_t j = 0; j < n->columns; j++) n->mean[j] /= n->per_unit[j] * (double)n->rows;
    largest(comm, data, n->mean, n->x, n->unit);
    for (int64_t j = 0; j < n->columns; j++) {
        n->unit[j] = unit_below(n->unit[j], column_bits(n->rows));
        n->per_unit[j] = 1.0 / n->unit[j];
    }
done:
    return status;
}

static enum status measure_values(const struct comm *comm, const struct multi_output_data *data,
                                  struct normal *n)
{
    double most = data->value == NULL ? 1.0 : 0.0;
    int64_t entries = data->start[data->blocks->rows_local];
    for (int64_t e = 0; data->value != NULL && e < entries; e++) {
        double size = fabs((double)data->value[e]);
        most = size <= most ? most : size < INFINITY ? size : INFINITY;
    }
    comm_max_double(comm, &most, 1);
    if (!isfinite(most)) return FAIL(ERR_NUMERIC, "an output has a value that is not finite");
    n->value_unit = unit_below(most, bits_beside(n->rows, column_bits(n->rows)));
    return OK;
}

/* ---- the matrix ---- */

/* z = rint((x - mean) / unit) */
VECTORISED static void whole(const float *restrict x, const double *restrict mean,
                             const double *restrict per_unit, int64_t columns, double *restrict z)
{
    for (int64_t j = 0; j < columns; j++) z[j] = rint(((double)x[j] - mean[j]) * per_unit[j]);
}

/* The panel of syrk_add with a last column of ones; sums go to an int64 chunk by chunk. */
static enum status sum_products(const struct multi_output_data *data, const struct normal *n,
                                int64_t *sum)
{
    enum status status = OK;
    int64_t strips = n->columns / SYRK_STRIP + 1, width = strips * SYRK_STRIP, held = 0;
    double *panel = NULL, *square = NULL, *z = NULL;
    TRY(memory_new(&panel, CHUNK * width, sizeof *panel));
    TRY(memory_new(&square, width * width, sizeof *square));
    TRY(memory_new(&z, width, sizeof *z));
    z[n->columns] = 1.0;
    for (int64_t r = 0; r < data->blocks->rows_local; r++) {
        get_row(data, r, n->x);
        whole(n->x, n->mean, n->per_unit, n->columns, z);
        for (int64_t s = 0; s < strips; s++)
            memcpy(panel + (s * CHUNK + held) * SYRK_STRIP, z + s * SYRK_STRIP,
                   SYRK_STRIP * sizeof *z);
        if (++held < CHUNK && r + 1 < data->blocks->rows_local) continue;
        syrk_add(panel, strips, held, CHUNK, square);
        for (int64_t j = 0, at = 0; j < n->columns; j++)
            for (int64_t k = j; k <= n->columns; k++) sum[at++] += (int64_t)square[j * width + k];
        memset(square, 0, (size_t)(width * width) * sizeof *square);
        held = 0;
    }
done:
    free(panel);
    free(square);
    free(z);
    return status;
}

/* From sums to correlations with the ridge on their diagonal; a constant has a row of its own. */
static void centre(const int64_t *sum, double ridge, struct normal *n)
{
    int64_t columns = n->columns;
    double rows = (double)n->rows;
    for (int64_t j = 0, at = -1; j < columns; j++) {
        at += columns - j + 1; /* the product with 1 ends a row */
        n->sum[j] = (double)sum[at];
    }
    for (int64_t j = 0, at = 0; j < columns; j++, at++)
        for (int64_t k = j; k < columns; k++, at++)
            n->matrix[j * columns + k] = (double)sum[at] - n->sum[j] * n->sum[k] / rows;
    for (int64_t j = 0; j < columns; j++) {
        double square = n->matrix[j * columns + j] / rows;
        n->sd[j] = square > 0.0 ? sqrt(square) : 0.0;
    }
    for (int64_t j = 0; j < columns; j++)
        for (int64_t k = j; k < columns; k++) {
            double both = n->sd[j] * n->sd[k], *to = n->matrix + j * columns + k;
            *to = both > 0.0 ? *to / (both * rows) : 0.0;
            if (j == k) *to = both > 0.0 ? 1.0 + ridge / rows : 1.0;
            n->matrix[k * columns + j] = *to;
        }
}

/* The diagonal says how much of a column the others explain. */
static enum status invert(const struct comm *comm, struct normal *n)
{
    enum status status = OK;
    int64_t columns = n->columns;
    double *copy = NULL;
    bool good = true;
    if (columns > NARROW) return cholesky_factor(comm, n->matrix, columns, &n->factor);
    TRY_ALL(comm, memory_new(&n->inverse, columns * columns, sizeof *n->inverse));
    TRY_ALL(comm, memory_new(&copy, columns * columns, sizeof *copy));
    memcpy(copy, n->matrix, (size_t)(columns * columns) * sizeof *copy);
    good = definite_invert(copy, columns, columns, n->inverse);
    for (int64_t j = 0; j < columns; j++)
        good = good && n->inverse[j * columns + j] <= INFLATION_MAX;
    TRY(good ? OK : FAIL(ERR_NUMERIC, "columns depend on each other; take a ridge above 0"));
done:
    free(copy);
    return status;
}

static enum status make_matrix(const struct comm *comm, const struct multi_output_data *data,
                               double ridge, struct normal *n)
{
    enum status status = OK;
    int64_t *sum = NULL, size = n->columns * (n->columns + 1) / 2 + n->columns;
    TRY_ALL(comm, memory_new(&sum, size, sizeof *sum));
    TRY_ALL(comm, sum_products(data, n, sum));
    comm_sum_int64(comm, sum, size);
    centre(sum, ridge, n);
    free(sum);
    sum = NULL;
    TRY(invert(comm, n));
done:
    free(sum);
    return status;
}

/* ---- right-hand sides ---- */

VECTORISED static void add_whole(const int32_t *restrict z, int32_t times, int64_t count,
                                 int64_t *restrict sum)
{
    for (int64_t j = 0; j < count; j++) sum[j] += (int64_t)z[j] * times;
}

/* n->z = row r in whole numbers */
static void take_row(const struct multi_output_data *data, const struct normal *n, int64_t r,
                     double *z)
{
    get_row(data, r, n->x);
    whole(n->x, n->mean, n->per_unit, n->columns, z);
    for (int64_t j = 0; j < n->columns; j++) n->z[j] = (int32_t)z[j];
}

/* sum[output - first][:] += value (z, 1) of all rows, for the outputs of a batch */
static void sum_sides(const struct multi_output_data *data, const struct normal *n, int64_t first,
                      int64_t count, double *z, int64_t *sum)
{
    int64_t width = n->columns + 1;
    for (int64_t r = 0; r < data->blocks->rows_local; r++) {
        bool made = false;
        for (int64_t e = data->start[r]; e < data->start[r + 1]; e++) {
            int64_t at = data->output[e] - first;
            double value = data->value == NULL ? 1.0 : (double)data->value[e];
            if (at < 0 || at >= count) continue;
            if (!made) take_row(data, n, r, z);
            made = true;
            add_whole(n->z, (int32_t)rint(value / n->value_unit), width, sum + at * width);
        }
    }
}

/* The right-hand side of one output in the units of the matrix; returns the output's mean. */
static double make_side(const struct normal *n, const int64_t *sum, double *side, int64_t stride)
{
    double rows = (double)n->rows, total = (double)sum[n->columns] * n->value_unit;
    for (int64_t j = 0; j < n->columns; j++) {
        double product = (double)sum[j] * n->value_unit - n->sum[j] * total / rows;
        side[j * stride] = n->sd[j] > 0.0 ? product / (n->sd[j] * rows) : 0.0;
    }
    return total / rows;
}

/* Back to the columns as given: (x - mean) / unit less its mean, in standard deviations. */
static void make_line(const struct normal *n, const double *solution, int64_t stride, double mean,
                      float *coefficient)
{
    double intercept = mean;
    for (int64_t j = 0; j < n->columns; j++) {
        double slope = n->sd[j] > 0.0 ? solution[j * stride] / n->sd[j] : 0.0;
        intercept -= slope * (n->sum[j] / (double)n->rows + n->mean[j] * n->per_unit[j]);
        coefficient[j] = (float)(slope * n->per_unit[j]);
    }
    coefficient[n->columns] = (float)intercept;
}

VECTORISED static double dot(const double *x, const double *y, int64_t count)
{
    return dot_double(x, y, count);
}

/* Few columns: outputs are shared out among the ranks. */
static enum status solve_narrow(const struct comm *comm, const struct normal *n, int64_t count,
                                const int64_t *sum, float *line)
{
    enum status status = OK;
    int64_t columns = n->columns, width = columns + 1, bytes = 0;
    int64_t from = count * comm->rank / comm->ranks, to = count * (comm->rank + 1) / comm->ranks;
    double *side = NULL;
    float *mine = NULL;
    void *all = NULL;
    TRY_ALL(comm, memory_new(&side, 2 * columns, sizeof *side));
    TRY_ALL(comm, memory_new(&mine, (to - from) * width, sizeof *mine));
    for (int64_t i = from; i < to; i++) {
        double mean = make_side(n, sum + i * width, side, 1), *solution = side + columns;
        for (int64_t j = 0; j < columns; j++)
            solution[j] = dot(n->inverse + j * columns, side, columns);
        make_line(n, solution, 1, mean, mine + (i - from) * width);
    }
    TRY(comm_gather_all(comm, mine, (to - from) * width * (int64_t)sizeof *mine, &all, &bytes));
    memcpy(line, all, (size_t)bytes);
done:
    free(side);
    free(mine);
    free(all);
    return status;
}

/* Many columns: one factor on the grid of all ranks, all outputs of the batch at once. */
static enum status solve_wide(const struct comm *comm, const struct normal *n, int64_t count,
                              const int64_t *sum, float *line)
{
    enum status status = OK;
    int64_t width = n->columns + 1;
    double *side = NULL, *solution = NULL, *mean = NULL;
    TRY_ALL(comm, memory_new(&side, n->columns * count, sizeof *side));
    TRY_ALL(comm, memory_new(&solution, n->columns * count, sizeof *solution));
    TRY_ALL(comm, memory_new(&mean, count, sizeof *mean));
    for (int64_t i = 0; i < count; i++) mean[i] = make_side(n, sum + i * width, side + i, count);
    TRY(cholesky_solve(comm, &n->factor, side, count, solution));
    for (int64_t i = 0; i < count; i++)
        make_line(n, solution + i, count, mean[i], line + i * width);
done:
    free(side);
    free(solution);
    free(mean);
    return status;
}

static enum status fit_outputs(const struct comm *comm, const struct multi_output_data *data,
                               const struct normal *n, struct multi_output *model)
{
    enum status status = OK;
    int64_t width = n->columns + 1, batch = BATCH_BYTES / (8 * width) + 1, *sum = NULL;
    double *z = NULL;
    if (batch > data->outputs) batch = data->outputs;
    TRY_ALL(comm, memory_new(&sum, batch * width, sizeof *sum));
    TRY_ALL(comm, memory_new(&z, width, sizeof *z));
    n->z[n->columns] = 1;
    for (int64_t first = 0; first < data->outputs; first += batch) {
        int64_t count = data->outputs - first < batch ? data->outputs - first : batch;
        float *line = model->coefficient + first * width;
        memset(sum, 0, (size_t)(batch * width) * sizeof *sum);
        sum_sides(data, n, first, count, z, sum);
        comm_sum_int64(comm, sum, count * width);
        TRY(n->inverse != NULL ? solve_narrow(comm, n, count, sum, line)
                               : solve_wide(comm, n, count, sum, line));
    }
done:
    free(sum);
    free(z);
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
    if (!(ridge >= 0.0 && ridge < INFINITY))
        return FAIL(ERR_ARG, "a ridge of %g; it must be 0 or more", ridge);
    for (int64_t e = 0; e < data->start[rows]; e++)
        if (data->output[e] < 0 || data->output[e] >= data->outputs)
            return FAIL(ERR_ARG, "there is no output %d, only 0 to %lld", data->output[e],
                        (long long)data->outputs - 1);
    return OK;
}

static enum status normal_init(int64_t columns, int64_t rows, struct normal *n)
{
    enum status status = OK;
    n->columns = columns;
    n->rows = rows;
    TRY(memory_new(&n->mean, columns, sizeof *n->mean));
    TRY(memory_new(&n->unit, columns, sizeof *n->unit));
    TRY(memory_new(&n->per_unit, columns, sizeof *n->per_unit));
    TRY(memory_new(&n->sum, columns, sizeof *n->sum));
    TRY(memory_new(&n->sd, columns, sizeof *n->sd));
    TRY(memory_new(&n->matrix, columns * columns, sizeof *n->matrix));
    TRY(memory_new(&n->x, columns, sizeof *n->x));
    TRY(memory_new(&n->z, columns + 1, sizeof *n->z));
done:
    return status;
}

static void normal_clear(struct normal *n)
{
    free(n->mean);
    free(n->unit);
    free(n->per_unit);
    free(n->sum);
    free(n->sd);
    free(n->matrix);
    free(n->inverse);
    free(n->x);
    free(n->z);
    cholesky_clear(&n->factor);
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
    struct normal n = {0};
    *model = NULL;
    TRY_ALL(comm, check(data, ridge));
    TRY_ALL(comm, normal_init(data->columns, data->blocks->rows_total, &n));
    TRY_ALL(comm, model_new(data, model));
    TRY(measure(comm, data, &n));
    TRY(measure_values(comm, data, &n));
    TRY(make_matrix(comm, data, ridge, &n));
    TRY(fit_outputs(comm, data, &n, *model));
done:
    normal_clear(&n);
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
