/* Sums over rows: squared error, log loss, counts at one half, calibration. */
#include "algorithms/metrics.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool chosen(const struct metrics_rows *rows, int64_t i)
{
    return rows->part == NULL || rows->part[i] == rows->chosen;
}

static double squared_error(double y, double predicted)
{
    return (predicted - y) * (predicted - y);
}

static double log_error(double y, double predicted)
{
    double p = fmin(fmax(predicted, 0x1p-23), 1.0 - 0x1p-23);
    return -log(y > 0.5 ? p : 1.0 - p);
}

/* Mean over chosen rows of an error, block by block. */
static enum status mean_error(const struct comm *comm, const struct metrics_rows *rows,
                              double (*error)(double, double), double *mean, int64_t *rows_counted)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    const struct blocks *blocks = rows->blocks;
    *rows_counted = 0;
    *mean = 0.0;
    TRY_ALL(comm, exact_init(&sum, 1));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double partial = 0.0;
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) {
            if (!chosen(rows, i)) continue;
            partial += error(rows->y[i], rows->predicted[i]);
            ++*rows_counted;
        }
        exact_add_one(&sum, 0, partial);
    }
    comm_sum_int64(comm, rows_counted, 1);
    TRY(exact_reduce(comm, &sum));
    if (*rows_counted > 0) *mean = exact_get(&sum, 0) / (double)*rows_counted;
done:
    exact_clear(&sum);
    return status;
}

enum status metrics_mse(const struct comm *comm, const struct metrics_rows *rows, double *mse,
                        int64_t *rows_counted)
{
    return mean_error(comm, rows, squared_error, mse, rows_counted);
}

static enum status check_binary(const struct metrics_rows *rows)
{
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (!chosen(rows, i)) continue;
        long long row = (long long)(rows->blocks->row_first + i);
        double y = rows->y[i], p = rows->predicted[i];
        if (y != 0.0 && y != 1.0)
            return FAIL(ERR_DATA, "the outcome of row %lld is %g; it must be 0 or 1", row, y);
        if (!(p >= 0.0 && p <= 1.0))
            return FAIL(ERR_DATA, "the prediction for row %lld is %g; it must be a probability",
                        row, p);
    }
    return OK;
}

static double ratio(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

/* Counts at a threshold of one half, and what follows from them. */
static void count_decisions(const struct comm *comm, const struct metrics_rows *rows,
                            struct metrics_binary *out)
{
    int64_t count[3] = {0}; /* positives, true positives, false positives */
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (!chosen(rows, i)) continue;
        bool positive = rows->y[i] > 0.5f, predicted = rows->predicted[i] >= 0.5f;
        count[0] += positive;
        count[1] += positive && predicted;
        count[2] += !positive && predicted;
    }
    comm_sum_int64(comm, count, 3);
    int64_t missed = count[0] - count[1];
    out->positives = count[0];
    out->true_positives = count[1];
    out->false_positives = count[2];
    out->accuracy = ratio(out->rows - missed - count[2], out->rows);
    out->precision = ratio(count[1], count[1] + count[2]);
    out->recall = ratio(count[1], count[0]);
    out->f1 = ratio(2 * count[1], 2 * count[1] + count[2] + missed);
}

enum status metrics_binary(const struct comm *comm, const struct metrics_rows *rows,
                           struct metrics_binary *out)
{
    enum status status = OK;
    *out = (struct metrics_binary){0};
    TRY_ALL(comm, check_binary(rows));
    TRY(mean_error(comm, rows, log_error, &out->log_loss, &out->rows));
    count_decisions(comm, rows, out);
    TRY(metrics_auc(comm, rows, &out->auc));
done:
    return status;
}

/* One block's rows into [bins][2] sums of predicted and observed, and counts. */
static void bin_block(const struct metrics_rows *rows, int64_t block, int64_t bins, double *partial,
                      int64_t *count)
{
    memset(partial, 0, (size_t)(2 * bins) * sizeof *partial);
    for (int64_t i = rows->blocks->start[block]; i < rows->blocks->start[block + 1]; i++) {
        if (!chosen(rows, i)) continue;
        int64_t bin = (int64_t)((double)rows->predicted[i] * (double)bins);
        if (bin >= bins) bin = bins - 1;
        partial[2 * bin] += rows->predicted[i];
        partial[2 * bin + 1] += rows->y[i];
        count[bin]++;
    }
}

enum status metrics_calibration(const struct comm *comm, const struct metrics_rows *rows,
                                int64_t bins, struct metrics_bin *table)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double *partial = NULL;
    int64_t *count = NULL;
    TRY_ALL(comm, bins >= 1 ? OK : FAIL(ERR_ARG, "%lld bins of calibration", (long long)bins));
    TRY_ALL(comm, check_binary(rows));
    TRY_ALL(comm, exact_init(&sums, 2 * bins));
    TRY_ALL(comm, memory_new(&partial, 2 * bins, sizeof *partial));
    TRY_ALL(comm, memory_new(&count, bins, sizeof *count));
    for (int64_t b = 0; b < rows->blocks->blocks_local; b++) {
        bin_block(rows, b, bins, partial, count);
        exact_add(&sums, 0, partial, 2 * bins);
    }
    comm_sum_int64(comm, count, bins);
    TRY(exact_reduce(comm, &sums));
    for (int64_t k = 0; k < bins; k++) {
        double divisor = count[k] > 0 ? (double)count[k] : 1.0;
        table[k] = (struct metrics_bin){count[k], exact_get(&sums, 2 * k) / divisor,
                                        exact_get(&sums, 2 * k + 1) / divisor};
    }
done:
    exact_clear(&sums);
    free(partial);
    free(count);
    return status;
}
