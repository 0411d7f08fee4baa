/* Columns brought to scale for a fit. */
#include "jobs/fit_scaling.h"

#include "algorithms/kmeans_sums.h"
#include "algorithms/standardise.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A column with a greater share of the variance decides nearly alone. */
#define DOMINANT_SHARE 0.99

void fit_scaling_clear(struct fit_scaling *scaling)
{
    free(scaling->unit);
    free(scaling->mean);
    free(scaling->divisor);
    *scaling = (struct fit_scaling){0};
}

enum status fit_scaling_alloc(struct fit_scaling *scaling, int64_t columns)
{
    enum status status = OK;
    *scaling = (struct fit_scaling){.columns = columns};
    TRY(memory_new(&scaling->unit, columns, sizeof *scaling->unit));
    TRY(memory_new(&scaling->mean, columns, sizeof *scaling->mean));
    TRY(memory_new(&scaling->divisor, columns, sizeof *scaling->divisor));
done:
    return status;
}

static void to_units(const struct fit_scaling *scaling, double *x, int64_t rows)
{
    for (int64_t i = 0; i < rows * scaling->columns; i++)
        x[i] /= scaling->unit[i % scaling->columns];
}

static double centred(const struct fit_scaling *scaling, int64_t j, double x)
{
    return scaling->divisor[j] > 0.0 ? (x - scaling->mean[j]) / scaling->divisor[j] : 0.0;
}

/* From units to those of the fit. */
static void centre(const struct fit_scaling *scaling, double *x, int64_t rows)
{
    for (int64_t i = 0; i < rows * scaling->columns; i++)
        x[i] = centred(scaling, i % scaling->columns, x[i]);
}

double fit_scaling_one(const struct fit_scaling *scaling, int64_t j, double x)
{
    return centred(scaling, j, x / scaling->unit[j]);
}

void fit_scaling_copy(const struct fit_scaling *from, struct fit_scaling *to)
{
    size_t bytes = (size_t)from->columns * sizeof(double);
    memcpy(to->unit, from->unit, bytes);
    memcpy(to->mean, from->mean, bytes);
    memcpy(to->divisor, from->divisor, bytes);
    to->whole = from->whole;
}

double fit_scaling_undo(const struct fit_scaling *scaling, int64_t j, double z)
{
    return (z * scaling->divisor[j] + scaling->mean[j]) * scaling->unit[j];
}

static void measure_units(const struct comm *comm, const struct fit_matrix *matrix, double *unit)
{
    int64_t columns = matrix->columns, cells = matrix->blocks->rows_local * columns;
    for (int64_t i = 0; i < cells; i++)
        unit[i % columns] = fmax(unit[i % columns], fabs(matrix->x[i]));
    comm_max_double(comm, unit, columns);
    for (int64_t j = 0; j < columns; j++) unit[j] = kmeans_unit_of(unit[j]);
}

/* sd in units in: divisor; out: the deviations stay, or become one unit for all columns. */
static void choose_divisors(bool deviations, const struct fit_matrix *matrix,
                            struct fit_scaling *scaling)
{
    double whole = 0.0, sum = 0.0, most = 0.0;
    for (int64_t j = 0; j < matrix->columns; j++) whole = fmax(whole, scaling->unit[j]);
    scaling->whole = deviations ? 1.0 : whole;
    int64_t first = 0; /* the column of the greatest variance */
    for (int64_t j = 0; j < matrix->columns; j++) {
        double ratio = fmin(whole / scaling->unit[j], 0x1p1000);
        double variance = pow(scaling->divisor[j] / ratio, 2.0);
        sum += variance;
        if (variance > most) first = j;
        most = fmax(most, variance);
        if (!deviations)
            scaling->divisor[j] = ratio;
        else if (scaling->divisor[j] == 0.0)
            log_warning("column \"%s\" is constant and decides nothing",
                        fit_matrix_name(matrix, j));
    }
    if (!deviations && matrix->columns > 1 && most > DOMINANT_SHARE * sum)
        log_warning("column \"%s\" has %.4g %% of all variance and decides nearly alone; "
                    "--standardize gives every column the same say",
                    fit_matrix_name(matrix, first), 100.0 * most / sum);
}

void fit_scaling_apply(const struct fit_scaling *scaling, double *x, int64_t rows)
{
    to_units(scaling, x, rows);
    centre(scaling, x, rows);
}

enum status fit_scaling_measure(const struct comm *comm, bool deviations, struct fit_matrix *matrix,
                                struct fit_scaling *scaling)
{
    enum status status = OK;
    int64_t columns = matrix->columns, rows = matrix->blocks->rows_local;
    TRY_ALL(comm, fit_scaling_alloc(scaling, columns));
    measure_units(comm, matrix, scaling->unit);
    to_units(scaling, matrix->x, rows);
    TRY(standardise_measure(comm, matrix->blocks, matrix->x, columns, scaling->mean,
                            scaling->divisor));
    choose_divisors(deviations, matrix, scaling);
    centre(scaling, matrix->x, rows);
done:
    return status;
}
