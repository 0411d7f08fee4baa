/* Bends of the dose. */
#include "jobs/response_bend.h"

#include "algorithms/calibration.h"
#include "algorithms/dose_kinds.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

/* Rows to look at, about; more take long and say the same. */
#define ROWS_ENOUGH 300000.0

enum { BINS = 101, RARE = 100 /* a level of fewer than one row in so many is none */ };

/* Standard errors by which a bend must lower the log loss: one that is not there costs more, level
 * by level, than a slight one that is left out. Bends of kinds are held
 * back by how sure they are. */
#define SURE 2.0
#define SURE_KINDS 1.0
/* Part of the log loss it must take off: slight ones are not worth a second training. */
#define WORTH 5e-4
/* Log evidence for bends of kinds, strong by Kass and Raftery 1995, J. Am. Stat. Assoc. 90. These
 * are held back by how little is known of them. */
#define STRONG 3.0

/* The dose may bend at the discounts that were given often; of many the deepest and some between.
 */
static void find_knots(const struct comm *comm, const struct response_rows *rows,
                       struct dose_shape *knots)
{
    int64_t bins[BINS] = {0}, level[BINS], levels = 0;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        bins[(int)lround(100.0 * fmin(fmax((double)rows->discount[i], 0.0), 1.0))]++;
    comm_sum_int64(comm, bins, BINS);
    for (int64_t k = 1; k < BINS; k++)
        if (bins[k] * RARE >= rows->blocks.rows_total) level[levels++] = k;
    *knots = (struct dose_shape){.knots = levels < DOSE_KNOTS_MAX ? levels : DOSE_KNOTS_MAX};
    for (int64_t k = 0; k < knots->knots; k++)
        knots->dose[k] = 0.01 * (double)level[(k + 1) * levels / knots->knots - 1];
}

/* Both are seen by halves of the users. */
struct bend {
    const struct response_rows *rows;
    const float *a, *b;
    struct dose_shape knots;
    uint8_t *half; /* [rows_local] 2: not looked at */
    uint8_t *skip; /* [rows_local] 1: not looked at */
};

static enum status bend_init(const struct comm *comm, struct bend *bend)
{
    enum status status = OK;
    const struct response_rows *rows = bend->rows;
    TRY_ALL(comm, memory_new(&bend->half, rows->blocks.rows_local, sizeof *bend->half));
    TRY_ALL(comm, memory_new(&bend->skip, rows->blocks.rows_local, sizeof *bend->skip));
    for (int64_t b = 0; b < rows->blocks.blocks_local; b++)
        for (int64_t i = rows->blocks.start[b]; i < rows->blocks.start[b + 1]; i++) {
            double u = random_uniform(1, RANDOM_SPLIT, (uint64_t)(rows->blocks.row_first + i), 0);
            bool looked_at = u * (double)rows->blocks.rows_total < ROWS_ENOUGH;
            bend->skip[i] = !looked_at;
            bend->half[i] = looked_at ? (uint8_t)((rows->blocks.block_first + b) & 1) : 2;
        }
    find_knots(comm, rows, &bend->knots);
done:
    return status;
}

static void bend_clear(struct bend *bend)
{
    free(bend->half);
    free(bend->skip);
}

static bool is_worth(double gain, double sure, double least)
{
    return gain > sure && gain > least;
}

/* One shape for all. */
static enum status bend_all(const struct comm *comm, const struct bend *bend,
                            struct dose_shapes *shapes)
{
    enum status status = OK;
    const struct response_rows *rows = bend->rows;
    struct calibration calibration = {0};
    struct calibration_check check = {0};
    const struct calibration_options options = {.knots = bend->knots};
    const struct calibration_rows judged = {&rows->blocks, bend->a,      bend->b,   rows->discount,
                                            rows->y,       rows->weight, bend->half};
    TRY(calibration_fit(comm, &judged, &options, &calibration, &check));
    double gain = check.gain[CALIBRATION_DOSE], error = check.gain_error[CALIBRATION_DOSE];
    log_info("  a bend of the response lowers the held-out log loss by %.6f (standard error %.6f)",
             gain, error);
    if (!calibration.taken[CALIBRATION_DOSE] ||
        !is_worth(gain, SURE * error, WORTH * check.loss[CALIBRATION_DOSE]))
        goto done;
    shapes->kinds = 1;
    shapes->shape[0] = calibration.shape;
done:
    calibration_clear(&calibration);
    calibration_check_clear(&check);
    return status;
}

static struct dose_kinds_rows rows_of(const struct bend *bend,
                                      const struct response_classes *classes)
{
    const struct response_rows *rows = bend->rows;
    return (struct dose_kinds_rows){&rows->blocks,    bend->a,        bend->b,    rows->discount,
                                    rows->y,          rows->weight,   bend->skip, rows->user,
                                    classes->classes, classes->chance};
}

/* One for each kind. */
static enum status bend_kinds(const struct comm *comm, const struct bend *bend,
                              const struct response_classes *classes, struct dose_shapes *shapes)
{
    enum status status = OK;
    struct dose_shapes found;
    double support = 0.0;
    const struct dose_kinds_rows seen = rows_of(bend, classes);
    TRY(dose_kinds_fit(comm, &seen, &bend->knots, &found, &support));
    log_info("  bends of each kind of users: log evidence %.2f, of %.0f at least where they count",
             support, STRONG);
    if (support > STRONG) *shapes = found;
done:
    return status;
}

static void tell(const struct dose_shapes *shapes)
{
    const struct dose_shape *first = &shapes->shape[0];
    for (int64_t k = 0; k < first->knots; k++) {
        double least = INFINITY, most = 0.0;
        for (int64_t c = 0; c < shapes->kinds; c++) {
            least = fmin(least, shapes->shape[c].value[k]);
            most = fmax(most, shapes->shape[c].value[k]);
        }
        if (shapes->kinds < 2)
            log_info("  a discount of %.0f %% counts as %.1f %%", 100.0 * first->dose[k],
                     100.0 * most);
        else
            log_info("  a discount of %.0f %% counts as %.1f to %.1f %%, by the kind of user",
                     100.0 * first->dose[k], 100.0 * least, 100.0 * most);
    }
}

enum status response_bend_find(const struct comm *comm, const struct response_rows *rows,
                               const struct response_classes *classes, const float *a,
                               const float *b, struct dose_shapes *shapes)
{
    enum status status = OK;
    struct bend bend = {.rows = rows, .a = a, .b = b};
    *shapes = (struct dose_shapes){0};
    TRY(bend_init(comm, &bend));
    TRY(bend_all(comm, &bend, shapes));
    if (classes->classes > 1 && bend.knots.knots > 1) TRY(bend_kinds(comm, &bend, classes, shapes));
    tell(shapes);
done:
    bend_clear(&bend);
    return status;
}

enum status response_bend_settle(const struct comm *comm, const struct response_rows *rows,
                                 const struct response_classes *classes, const float *a,
                                 const float *b, struct dose_shapes *shapes)
{
    enum status status = OK;
    struct bend bend = {.rows = rows, .a = a, .b = b};
    double support = 0.0;
    if (shapes->kinds < 2) return OK;
    TRY(bend_init(comm, &bend));
    const struct dose_kinds_rows settled = rows_of(&bend, classes);
    TRY(dose_kinds_fit(comm, &settled, &bend.knots, shapes, &support));
    tell(shapes);
done:
    bend_clear(&bend);
    return status;
}

void response_bend_rows(const struct dose_shapes *shapes, const struct response_classes *classes,
                        struct response_rows *rows)
{
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        struct dose_shape shape = response_classes_shape(classes, shapes, rows->user[i]);
        rows->dose[i] = (float)dose_apply(&shape, (double)rows->discount[i]);
    }
}
