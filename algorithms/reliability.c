/* Rows by bins of their prediction, and by levels of their dose. */
#include "algorithms/reliability.h"

#include "algorithms/bins.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of each bin: sums of weight, weighted prediction, outcome and dose, variance; and for all rows
 * the log loss. */
enum { WEIGHT, PREDICTED, OBSERVED, DOSE, VARIANCE, LOSS, SUMS };

/* E|x| of a standard normal x */
#define MEAN_SIZE 0.79788456080286535588

struct work {
    const struct reliability_rows *rows;
    uint8_t *skip; /* [rows_local] beside those of the rows, rows of other levels */
    uint8_t *code; /* [rows_local] bin */
    uint8_t *level;
    double *sum; /* [BINS_MAX + 1][SUMS] */
    int64_t *count;
    struct exact_sums sums;
    double dose, log_loss; /* means of the table made last */
};

static double weight_of(const struct reliability_rows *rows, int64_t i)
{
    return rows->weight != NULL ? (double)rows->weight[i] : 1.0;
}

static enum status check(const struct reliability_rows *rows, int64_t bins)
{
    if (bins < 2 || bins > RELIABILITY_BINS)
        return FAIL(ERR_ARG, "%lld bins of reliability; choose 2 to %d", (long long)bins,
                    RELIABILITY_BINS);
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (rows->skip != NULL && rows->skip[i] != 0) continue;
        double p = (double)rows->predicted[i], y = (double)rows->y[i], w = weight_of(rows, i);
        if (!(p >= 0.0 && p <= 1.0 && y >= 0.0 && y <= 1.0 && w >= 0.0))
            return FAIL(ERR_DATA,
                        "row %lld: chance %g, outcome %g, weight %g; chances and outcomes lie "
                        "from 0 to 1, weights not below 0",
                        (long long)(rows->blocks->row_first + i), p, y, w);
    }
    return OK;
}

/* ---- bins ---- */

/* The bin of a column's every row that is not skipped. */
static enum status cut(const struct comm *comm, const struct work *work, const float *x,
                       int64_t most, uint8_t *code, int64_t *bins_made)
{
    enum status status = OK;
    struct bins *bins = NULL;
    struct rows column = {work->rows->blocks, 1, 1, x};
    TRY(bins_make(comm, &column, work->skip, most, &bins));
    TRY_ALL(comm, bins_code(bins, &column, code));
    *bins_made = bins_count(bins, 0);
done:
    bins_free(&bins);
    return status;
}

static void add_row(const struct work *work, int64_t i)
{
    const struct reliability_rows *rows = work->rows;
    double weight = weight_of(rows, i), p = (double)rows->predicted[i], y = (double)rows->y[i];
    double kept = fmin(fmax(p, 0x1p-23), 1.0 - 0x1p-23);
    double *sum = work->sum + work->code[i] * SUMS;
    sum[WEIGHT] += weight;
    sum[PREDICTED] += weight * p;
    sum[OBSERVED] += weight * y;
    sum[DOSE] += rows->dose != NULL ? weight * (double)rows->dose[i] : 0.0;
    sum[VARIANCE] += weight * weight * p * (1.0 - p);
    sum[LOSS] -= weight * (y * log(kept) + (1.0 - y) * log(1.0 - kept));
    work->count[work->code[i]]++;
}

static enum status add_up(const struct comm *comm, struct work *work, int64_t bins)
{
    const struct blocks *blocks = work->rows->blocks;
    memset(work->count, 0, (size_t)bins * sizeof *work->count);
    exact_reset(&work->sums);
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(work->sum, 0, (size_t)(bins * SUMS) * sizeof *work->sum);
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
            if (work->skip[i] == 0) add_row(work, i);
        exact_add(&work->sums, 0, work->sum, bins * SUMS);
    }
    comm_sum_int64(comm, work->count, bins);
    return exact_reduce(comm, &work->sums);
}

static struct reliability_bin bin_of(const double *sum, int64_t rows)
{
    double each = sum[WEIGHT] > 0.0 ? 1.0 / sum[WEIGHT] : 0.0;
    return (struct reliability_bin){rows, sum[WEIGHT], sum[PREDICTED] * each, sum[OBSERVED] * each,
                                    sqrt(fmax(sum[VARIANCE], 0.0)) * each};
}

static void settle(struct work *work, int64_t bins, struct reliability_table *table)
{
    double all[SUMS] = {0};
    int64_t rows = 0;
    *table = (struct reliability_table){0};
    for (int64_t k = 0; k < bins; k++) {
        double sum[SUMS];
        exact_get_all(&work->sums, k * SUMS, sum, SUMS);
        for (int s = 0; s < SUMS; s++) all[s] += sum[s];
        rows += work->count[k];
        if (work->count[k] > 0) table->bin[table->bins++] = bin_of(sum, work->count[k]);
    }
    double each = all[WEIGHT] > 0.0 ? 1.0 / all[WEIGHT] : 0.0;
    table->all = bin_of(all, rows);
    work->dose = all[DOSE] * each;
    work->log_loss = all[LOSS] * each;
    for (int64_t k = 0; k < table->bins; k++) {
        const struct reliability_bin *bin = &table->bin[k];
        table->ece += bin->weight * each * fabs(bin->observed - bin->predicted);
        table->ece_noise += bin->weight * each * MEAN_SIZE * bin->std_error;
    }
}

static enum status table_make(const struct comm *comm, struct work *work, int64_t most,
                              struct reliability_table *table)
{
    enum status status = OK;
    int64_t bins = 0;
    TRY(cut(comm, work, work->rows->predicted, most, work->code, &bins));
    TRY(add_up(comm, work, bins + 1)); /* bins_code keeps a code for missing values */
    settle(work, bins, table);
done:
    return status;
}

/* ---- all ---- */

static void skip_others(struct work *work, int64_t level)
{
    const struct reliability_rows *rows = work->rows;
    for (int64_t i = 0; i < rows->blocks->rows_local; i++)
        work->skip[i] =
            (rows->skip != NULL && rows->skip[i] != 0) || (level >= 0 && work->level[i] != level);
}

static enum status work_init(const struct reliability_rows *rows, struct work *work)
{
    enum status status = OK;
    int64_t count = rows->blocks->rows_local;
    *work = (struct work){.rows = rows};
    TRY(memory_new(&work->skip, count, sizeof *work->skip));
    TRY(memory_new(&work->code, count, sizeof *work->code));
    TRY(memory_new(&work->level, count, sizeof *work->level));
    TRY(memory_new(&work->sum, (BINS_MAX + 1) * SUMS, sizeof *work->sum));
    TRY(memory_new(&work->count, BINS_MAX + 1, sizeof *work->count));
    TRY(exact_init(&work->sums, (BINS_MAX + 1) * SUMS));
done:
    return status;
}

static void work_clear(struct work *work)
{
    free(work->skip);
    free(work->code);
    free(work->level);
    free(work->sum);
    free(work->count);
    exact_clear(&work->sums);
}

static enum status levels_make(const struct comm *comm, struct work *work, int64_t bins,
                               struct reliability *result)
{
    enum status status = OK;
    int64_t levels = 0;
    skip_others(work, -1);
    TRY(cut(comm, work, work->rows->dose, RELIABILITY_LEVELS, work->level, &levels));
    for (int64_t l = 0; l < levels; l++) {
        struct reliability_level *level = &result->level[result->levels];
        skip_others(work, l);
        TRY(table_make(comm, work, bins, &level->table));
        level->dose = work->dose;
        result->levels += level->table.bins > 0;
    }
done:
    return status;
}

enum status reliability_make(const struct comm *comm, const struct reliability_rows *rows,
                             int64_t bins, struct reliability *result)
{
    enum status status = OK;
    struct work work = {0};
    *result = (struct reliability){0};
    TRY_ALL(comm, check(rows, bins));
    TRY_ALL(comm, work_init(rows, &work));
    skip_others(&work, -1);
    TRY(table_make(comm, &work, bins, &result->table));
    result->log_loss = work.log_loss;
    if (rows->dose != NULL) TRY(levels_make(comm, &work, bins, result));
done:
    work_clear(&work);
    return status;
}
