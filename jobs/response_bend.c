/* The bend of the dose. */
#include "jobs/response_bend.h"

#include "algorithms/calibration.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

/* Rows to look at, about; more take long and say the same. */
#define ROWS_ENOUGH 300000.0

enum { BINS = 101, RARE = 100 /* a level of fewer than one row in so many is none */ };

/* Standard errors by which a bend must lower the log loss: one that is not there costs more, level
 * by level, than a slight one that is left out. */
#define SURE 2.0
/* Part of the log loss it must take off: slight ones are not worth a second training. */
#define WORTH 5e-4

/* The dose may bend at the discounts that were given often; of many the deepest and some between.
 */
static void find_knots(const struct comm *comm, const struct response_rows *rows,
                       struct dose_shape *knots)
{
    int64_t bins[BINS] = {0}, level[BINS], levels = 0;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        bins[(int)lround(100.0 * fmin(fmax((double)rows->dose[i], 0.0), 1.0))]++;
    comm_sum_int64(comm, bins, BINS);
    for (int64_t k = 1; k < BINS; k++)
        if (bins[k] * RARE >= rows->blocks.rows_total) level[levels++] = k;
    *knots = (struct dose_shape){.knots = levels < DOSE_KNOTS_MAX ? levels : DOSE_KNOTS_MAX};
    for (int64_t k = 0; k < knots->knots; k++)
        knots->dose[k] = 0.01 * (double)level[(k + 1) * levels / knots->knots - 1];
}

enum status response_bend_find(const struct comm *comm, const struct response_rows *rows,
                               const float *a, const float *b, struct dose_shape *shape)
{
    enum status status = OK;
    struct calibration calibration = {0};
    struct calibration_check check = {0};
    struct calibration_options options = {0};
    uint8_t *half = NULL;
    *shape = (struct dose_shape){0};
    TRY_ALL(comm, memory_new(&half, rows->blocks.rows_local, sizeof *half));
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        double u = random_uniform(1, RANDOM_SPLIT, (uint64_t)(rows->blocks.row_first + i), 0);
        half[i] = u * (double)rows->blocks.rows_total < ROWS_ENOUGH ? rows->member[i] % 2 : 2;
    }
    const struct calibration_rows judged = {&rows->blocks, a,   b, rows->dose, rows->y,
                                            rows->weight,  half};
    find_knots(comm, rows, &options.knots);
    TRY(calibration_fit(comm, &judged, &options, &calibration, &check));
    double gain = check.gain[CALIBRATION_DOSE], error = check.gain_error[CALIBRATION_DOSE];
    log_info("  a bend of the response lowers the held-out log loss by %.6f (standard error %.6f)",
             gain, error);
    if (calibration.taken[CALIBRATION_DOSE] && gain > SURE * error &&
        gain > WORTH * check.loss[CALIBRATION_DOSE])
        *shape = calibration.shape;
    for (int64_t k = 0; k < shape->knots; k++)
        log_info("  a discount of %.0f %% counts as %.1f %%", 100.0 * shape->dose[k],
                 100.0 * shape->value[k]);
done:
    free(half);
    calibration_clear(&calibration);
    calibration_check_clear(&check);
    return status;
}

void response_bend_rows(const struct dose_shape *shape, struct response_rows *rows)
{
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        rows->dose[i] = (float)dose_apply(shape, (double)rows->dose[i]);
}
