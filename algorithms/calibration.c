/* Steps of recalibration, each judged by halves of the rows that it was not fitted to. */
#include "algorithms/calibration.h"

#include "algorithms/logistic.h"
#include "algorithms/loss.h"
#include "algorithms/paired.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* How many rows' worth of evidence says that curves are right as they are; logits of a dose are
 * small, so that less holds their scale. Pieces of a bend are believed to rise alike, by 0.7. */
#define TRUST_ROWS 2.0
#define TRUST_DOSE 0.02
#define TRUST_BEND 2.0

/* A step is taken if its gain exceeds so many standard errors. The isotonic map costs the curves
 * their form, so it has more to show for it. */
static const double errors_needed[] = {[CALIBRATION_LOGIT] = 1.0, [CALIBRATION_ISOTONIC] = 2.0};

enum { HALVES = 2, BOTH = 2 };

struct work {
    const struct calibration_rows *rows;
    const struct calibration_options *opt;
    uint8_t *skip;                            /* [rows_local] */
    double *score;                            /* [rows_local] calibrated logits */
    struct calibration fitted[HALVES + 1];    /* on half 0, half 1, both: up to the step chosen */
    struct calibration candidate[HALVES + 1]; /* with the step in question */
    struct calibration_check check;
};

void calibration_init(struct calibration *calibration)
{
    *calibration = (struct calibration){.scale_a = 1.0, .scale_b = 1.0};
}

void calibration_clear(struct calibration *calibration)
{
    isotonic_clear(&calibration->map);
    *calibration = (struct calibration){0};
}

void calibration_check_clear(struct calibration_check *check)
{
    for (int h = 0; h < HALVES; h++) calibration_clear(&check->half[h]);
}

static double logit(const struct calibration *c, double a, double b, double dose)
{
    return c->shift + c->scale_a * a + c->scale_b * b * dose_apply(&c->shape, dose);
}

double calibration_chance(const struct calibration *calibration, double a, double b, double dose)
{
    double z = logit(calibration, a, b, dose);
    return calibration->map.knots > 0 ? isotonic_apply(&calibration->map, z) : loss_sigmoid(z);
}

void calibration_curves(const struct calibration *calibration, int64_t count, float *a, float *b)
{
    for (int64_t i = 0; i < count; i++) {
        a[i] = (float)(calibration->shift + calibration->scale_a * (double)a[i]);
        b[i] = (float)(calibration->scale_b * (double)b[i]);
    }
}

/* ---- fits ---- */

/* Rows with the dose in pieces; one piece is the dose. */
struct pieces {
    const struct calibration_rows *rows;
    struct dose_shape knots;
};

static double columns_of(const void *context, int64_t i, double *x)
{
    const struct pieces *pieces = context;
    const struct calibration_rows *rows = pieces->rows;
    x[0] = 1.0;
    x[1] = (double)rows->a[i];
    x[2] = (double)rows->dose[i];
    if (pieces->knots.knots > 1) dose_pieces(&pieces->knots, (double)rows->dose[i], x + 2);
    for (int64_t k = 0; k < pieces->knots.knots; k++) x[2 + k] *= (double)rows->b[i];
    return 0.0;
}

static enum status fit_curves(const struct comm *comm, const struct work *work,
                              const struct dose_shape *knots, struct calibration *c)
{
    static const bool not_negative[2 + DOSE_KNOTS_MAX] = {false, true, true, true, true, true,
                                                          true,  true, true, true, true, true,
                                                          true,  true, true, true, true, true};
    const struct calibration_rows *rows = work->rows;
    double ridge[2 + DOSE_KNOTS_MAX], value[2 + DOSE_KNOTS_MAX] = {c->shift, c->scale_a};
    struct logistic_result result;
    struct pieces pieces = {rows, *knots};
    if (knots->knots == 0) pieces.knots.knots = 1;
    int64_t columns = 2 + pieces.knots.knots;
    for (int64_t j = 0; j < columns; j++) {
        ridge[j] = j < 2 ? TRUST_ROWS : knots->knots > 0 ? TRUST_BEND : TRUST_DOSE;
        if (j >= 2) value[j] = c->scale_b;
    }
    const struct logistic_rows view = {rows->blocks, columns,      columns_of, &pieces,
                                       rows->y,      rows->weight, work->skip};
    const struct logistic_options opt = {not_negative, ridge, 50};
    enum status status = logistic_fit(comm, &view, &opt, value, &result);
    if (status != OK) return status;
    c->shift = value[0];
    c->scale_a = value[1];
    c->shape = *knots;
    c->scale_b = knots->knots > 0 ? dose_bend(&c->shape, value + 2) : value[2];
    return OK;
}

/* Pools of one outcome alone would be sure of themselves: half an outcome of the other kind is
 * taken to be in the lowest and the highest. */
static void temper(struct isotonic *map)
{
    if (map->knots == 0) return;
    double low = 0.5 / (map->weight_first + 1.0), high = 1.0 - 0.5 / (map->weight_last + 1.0);
    isotonic_clamp(map, fmin(low, 0.5), fmax(high, 0.5));
}

static enum status fit_map(const struct comm *comm, const struct work *work, struct calibration *c)
{
    const struct calibration_rows *rows = work->rows;
    const struct isotonic_rows view = {rows->blocks, work->score, rows->y, rows->weight,
                                       work->skip};
    for (int64_t i = 0; i < rows->blocks->rows_local; i++)
        work->score[i] = logit(c, (double)rows->a[i], (double)rows->b[i], (double)rows->dose[i]);
    enum status status = isotonic_fit(comm, &view, &c->map);
    if (status == OK) temper(&c->map);
    return status;
}

static void skip_all_but(struct work *work, int half)
{
    for (int64_t i = 0; i < work->rows->blocks->rows_local; i++)
        work->skip[i] =
            work->rows->half[i] >= HALVES || (half != BOTH && work->rows->half[i] != half);
}

static enum status fit_candidates(const struct comm *comm, struct work *work,
                                  enum calibration_step step)
{
    enum status status = OK;
    static const struct dose_shape straight = {0};
    for (int h = 0; h <= BOTH; h++) {
        struct calibration *c = &work->candidate[h];
        *c = work->fitted[h]; /* no map yet */
        c->taken[step] = true;
        skip_all_but(work, h);
        if (step == CALIBRATION_ISOTONIC)
            TRY(fit_map(comm, work, c));
        else
            TRY(fit_curves(comm, work, step == CALIBRATION_DOSE ? &work->opt->knots : &straight,
                           c));
    }
done:
    return status;
}

/* ---- judgement ---- */

enum { LOSS = PAIRED_SUMS, SUMS };

static void judge_row(const struct work *work, int64_t i, double *sum)
{
    const struct calibration_rows *rows = work->rows;
    if (rows->half[i] >= HALVES) return;
    int other = 1 - rows->half[i];
    double a = (double)rows->a[i], b = (double)rows->b[i], dose = (double)rows->dose[i];
    double weight = rows->weight != NULL ? (double)rows->weight[i] : 1.0, y = (double)rows->y[i];
    double loss = paired_log_loss(calibration_chance(&work->candidate[other], a, b, dose), y);
    double before = paired_log_loss(calibration_chance(&work->fitted[other], a, b, dose), y);
    paired_add(sum, weight, before - loss);
    sum[LOSS] += weight * loss;
}

/* Log loss with a step, by how much it is lower than without, and the standard error of that. */
static enum status judge(const struct comm *comm, struct work *work, enum calibration_step step)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct blocks *blocks = work->rows->blocks;
    double sum[SUMS];
    TRY_ALL(comm, exact_init(&sums, SUMS));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double partial[SUMS] = {0};
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
            judge_row(work, i, partial);
        exact_add(&sums, 0, partial, SUMS);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, sum, SUMS);
    struct paired gain = paired_of(sum);
    work->check.loss[step] = gain.weight > 0.0 ? sum[LOSS] / gain.weight : 0.0;
    work->check.gain[step] = gain.mean;
    work->check.gain_error[step] = gain.std_error;
done:
    exact_clear(&sums);
    return status;
}

static void drop(struct calibration c[HALVES + 1])
{
    for (int h = 0; h <= BOTH; h++) isotonic_clear(&c[h].map);
}

/* Take a step if it helps. */
static enum status consider(const struct comm *comm, struct work *work, enum calibration_step step)
{
    enum status status = OK;
    TRY(fit_candidates(comm, work, step));
    TRY(judge(comm, work, step));
    bool helps = work->check.gain[step] > errors_needed[step] * work->check.gain_error[step];
    for (int h = 0; h <= BOTH && helps; h++) {
        work->fitted[h] = work->candidate[h];
        work->candidate[h].map = (struct isotonic){0};
    }
done:
    drop(work->candidate);
    return status;
}

/* Both halves have both outcomes. */
static bool can_judge(const struct comm *comm, const struct calibration_rows *rows)
{
    int64_t seen[HALVES][2] = {{0}};
    for (int64_t i = 0; i < rows->blocks->rows_local; i++)
        if (rows->half[i] < HALVES) seen[rows->half[i]][rows->y[i] > 0.5f]++;
    comm_sum_int64(comm, &seen[0][0], 4);
    return seen[0][0] > 0 && seen[0][1] > 0 && seen[1][0] > 0 && seen[1][1] > 0;
}

static bool is_allowed(const struct calibration_options *opt, int step)
{
    if (opt->none) return false;
    return step == CALIBRATION_LOGIT || (step == CALIBRATION_DOSE && opt->knots.knots > 1) ||
           (step == CALIBRATION_ISOTONIC && opt->isotonic);
}

static enum status work_init(const struct calibration_rows *rows,
                             const struct calibration_options *opt, struct work *work)
{
    enum status status = OK;
    int64_t count = rows->blocks->rows_local;
    *work = (struct work){.rows = rows, .opt = opt};
    for (int h = 0; h <= BOTH; h++) {
        calibration_init(&work->fitted[h]);
        calibration_init(&work->candidate[h]);
    }
    TRY(memory_new(&work->skip, count, sizeof *work->skip));
    if (opt->isotonic) TRY(memory_new(&work->score, count, sizeof *work->score));
done:
    return status;
}

static void work_clear(struct work *work)
{
    drop(work->fitted);
    drop(work->candidate);
    free(work->skip);
    free(work->score);
}

enum status calibration_fit(const struct comm *comm, const struct calibration_rows *rows,
                            const struct calibration_options *opt, struct calibration *calibration,
                            struct calibration_check *check)
{
    enum status status = OK;
    struct work work = {0};
    calibration_init(calibration);
    if (check != NULL) *check = (struct calibration_check){0};
    TRY_ALL(comm, work_init(rows, opt, &work));
    if (can_judge(comm, rows)) {
        TRY(judge(comm, &work, CALIBRATION_NONE));
        for (int step = CALIBRATION_LOGIT; step < CALIBRATION_STEPS; step++)
            if (is_allowed(opt, step)) TRY(consider(comm, &work, (enum calibration_step)step));
    }
    *calibration = work.fitted[BOTH];
    work.fitted[BOTH].map = (struct isotonic){0};
    if (check == NULL) goto done;
    *check = work.check;
    for (int h = 0; h < HALVES; h++) {
        check->half[h] = work.fitted[h];
        work.fitted[h].map = (struct isotonic){0};
    }
done:
    work_clear(&work);
    return status;
}
