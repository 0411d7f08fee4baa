/* Bent doses of kinds, by maximum likelihood. */
#include "algorithms/dose_kinds.h"

#include "algorithms/paired.h"
#include "algorithms/quasi_newton.h"
#include "algorithms/special.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* Weights of the penalties, in rows. */
#define TRUST_CURVES 2.0 /* that curves are right as they are */
#define TRUST_SLOPE 1.0  /* that the dose is straight; of logs */
/* That a kind's pieces rise as those of all do: what serves held-out rows best. */
static const double trust_common[] = {128.0, 32.0, 8.0};
/* Kinds that a unit is hardly of are left out of its rows. */
#define HARDLY 2e-3f
#define LOG_MIN (-8.0)
#define LOG_MAX 4.0

enum {
    SCALE,
    SHIFT,                           /* [kinds], in the room of the most */
    COMMON = SHIFT + DOSE_KINDS_MAX, /* [knots], then [kinds][knots] where kinds have their own */
    VARIABLES = COMMON + (1 + DOSE_KINDS_MAX) * DOSE_KNOTS_MAX,
    BOTH = 2
};

struct fit {
    const struct dose_kinds_rows *rows;
    const struct dose_shape *knots;
    bool kinds; /* each has its own */
    int half;   /* of the rows; BOTH: all */
    double trust;
    struct exact_sums sums;
};

static int64_t variables_of(const struct fit *fit)
{
    int64_t sets = fit->kinds ? 1 + fit->rows->kinds : 1;
    return COMMON + sets * fit->knots->knots;
}

/* slope[c][k] of each kind's pieces. */
static void slopes_of(const struct fit *fit, const double *x, double *slope)
{
    int64_t knots = fit->knots->knots;
    for (int64_t c = 0; c < fit->rows->kinds; c++)
        for (int64_t k = 0; k < knots; k++) {
            double own = fit->kinds ? x[COMMON + (1 + c) * knots + k] : 0.0;
            slope[c * knots + k] = exp(fmin(fmax(x[COMMON + k] + own, LOG_MIN), LOG_MAX));
        }
}

/* ---- one row ---- */

struct terms {
    int64_t pieces; /* that the dose reaches into */
    double piece[DOSE_KNOTS_MAX];
    int64_t kinds; /* that the unit may be of */
    int64_t kind[DOSE_KINDS_MAX];
    double chance[DOSE_KINDS_MAX];
};

static struct terms terms_of(const struct fit *fit, int64_t i)
{
    struct terms t;
    const float *chance = fit->rows->chance + fit->rows->unit[i] * fit->rows->kinds;
    dose_pieces(fit->knots, (double)fit->rows->dose[i], t.piece);
    for (t.pieces = 0; t.pieces < fit->knots->knots && t.piece[t.pieces] > 0.0;) t.pieces++;
    t.kinds = 0;
    for (int64_t c = 0; c < fit->rows->kinds; c++) {
        if (chance[c] < HARDLY) continue;
        t.kind[t.kinds] = c;
        t.chance[t.kinds++] = (double)chance[c];
    }
    return t;
}

static double logit_of(const struct fit *fit, const struct terms *t, const double *x,
                       const double *slope, int64_t i)
{
    double gain = 0.0, shift = 0.0;
    for (int64_t j = 0; j < t->kinds; j++) {
        const double *of = slope + t->kind[j] * fit->knots->knots;
        double dose = 0.0;
        for (int64_t k = 0; k < t->pieces; k++) dose += of[k] * t->piece[k];
        gain += t->chance[j] * dose;
        shift += t->chance[j] * x[SHIFT + t->kind[j]];
    }
    return shift + x[SCALE] * (double)fit->rows->a[i] + (double)fit->rows->b[i] * gain;
}

/* The loss of row i, and its derivatives but for those of the logs themselves: of the slopes. */
static void add_row(const struct fit *fit, const double *x, const double *slope, int64_t i,
                    double *loss, double *gradient)
{
    const struct dose_kinds_rows *rows = fit->rows;
    struct terms t = terms_of(fit, i);
    double z = logit_of(fit, &t, x, slope, i), weight = (double)rows->weight[i];
    double y = (double)rows->y[i], off = weight * (special_sigmoid(z) - y);
    *loss += weight * (special_softplus(z) - y * z);
    gradient[SCALE] += off * (double)rows->a[i];
    for (int64_t j = 0; j < t.kinds; j++) {
        double *of = gradient + COMMON + (1 + t.kind[j]) * fit->knots->knots;
        double step = off * (double)rows->b[i] * t.chance[j];
        gradient[SHIFT + t.kind[j]] += off * t.chance[j];
        for (int64_t k = 0; k < t.pieces; k++) of[k] += step * t.piece[k];
    }
}

/* ---- the fit ---- */

static bool counts(const struct fit *fit, int64_t i)
{
    return fit->half == BOTH ? fit->rows->half[i] < BOTH : fit->rows->half[i] == fit->half;
}

/* From derivatives by slopes to those by their logs; the common ones get all. */
static void by_logs(const struct fit *fit, const double *slope, double *gradient)
{
    int64_t knots = fit->knots->knots;
    for (int64_t k = 0; k < knots; k++) {
        double sum = 0.0;
        for (int64_t c = 0; c < fit->rows->kinds; c++) {
            double *own = gradient + COMMON + (1 + c) * knots + k;
            *own *= slope[c * knots + k];
            sum += *own;
        }
        gradient[COMMON + k] = sum;
    }
}

/* What a kind's pieces rise more or less than those of all, as parts of the whole rise of a
 * straight dose. Logs would not do: a shape that is flat from a dose on is far off in them. */
static double penalise_kinds(const struct fit *fit, const double *x, const double *slope,
                             double *gradient)
{
    const struct dose_shape *knots = fit->knots;
    double sum = 0.0, last = knots->dose[knots->knots - 1];
    for (int64_t k = 0; k < knots->knots; k++) {
        double width = (knots->dose[k] - (k > 0 ? knots->dose[k - 1] : 0.0)) / last;
        double common = exp(fmin(fmax(x[COMMON + k], LOG_MIN), LOG_MAX));
        for (int64_t c = 0; c < fit->rows->kinds; c++) {
            double own = slope[c * knots->knots + k], off = width * (own - common);
            sum += 0.5 * fit->trust * off * off;
            gradient[COMMON + (1 + c) * knots->knots + k] += fit->trust * off * width * own;
            gradient[COMMON + k] += fit->trust * off * width * (own - common);
        }
    }
    return sum;
}

static double penalise(const struct fit *fit, const double *x, double *gradient)
{
    double sum = 0.0;
    for (int64_t j = 0; j < COMMON + fit->knots->knots; j++) {
        double trust = j < COMMON ? TRUST_CURVES : TRUST_SLOPE;
        double off = x[j] - (j == SCALE ? 1.0 : 0.0);
        sum += 0.5 * trust * off * off;
        gradient[j] += trust * off;
    }
    return sum;
}

/* Penalised loss, by the weight of all rows. */
static enum status evaluate(const struct comm *comm, void *context, const double *x, double *value,
                            double *gradient)
{
    struct fit *fit = context;
    const struct blocks *blocks = fit->rows->blocks;
    int64_t most = COMMON + (1 + fit->rows->kinds) * fit->knots->knots;
    double slope[DOSE_KINDS_MAX * DOSE_KNOTS_MAX], sum[VARIABLES + 2];
    slopes_of(fit, x, slope);
    exact_reset(&fit->sums);
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double partial[VARIABLES + 2] = {0};
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) {
            if (!counts(fit, i)) continue;
            add_row(fit, x, slope, i, &partial[most], partial);
            partial[most + 1] += (double)fit->rows->weight[i];
        }
        exact_add(&fit->sums, 0, partial, most + 2);
    }
    enum status status = exact_reduce(comm, &fit->sums);
    if (status != OK) return status;
    exact_get_all(&fit->sums, 0, sum, most + 2);
    double all = sum[most + 1] > 0.0 ? sum[most + 1] : 1.0;
    by_logs(fit, slope, sum);
    double penalty = penalise(fit, x, sum);
    if (fit->kinds) penalty += penalise_kinds(fit, x, slope, sum);
    *value = (sum[most] + penalty) / all;
    for (int64_t j = 0; j < variables_of(fit); j++) gradient[j] = sum[j] / all;
    return OK;
}

/* From x; inverse as in quasi_newton_options, or NULL. */
static enum status fit_half(const struct comm *comm, const struct dose_kinds_rows *rows,
                            const struct dose_shape *knots, int half, double trust, double *x,
                            double *inverse)
{
    enum status status = OK;
    struct fit fit = {
        .rows = rows, .knots = knots, .kinds = trust > 0.0, .half = half, .trust = trust};
    struct quasi_newton_options opt = QUASI_NEWTON_DEFAULTS;
    struct quasi_newton_result result;
    opt.max_iterations = 500;
    opt.tolerance = 1e-8;
    opt.decrease = 1e-9;
    opt.inverse = inverse;
    TRY_ALL(comm, exact_init(&fit.sums, COMMON + (1 + rows->kinds) * knots->knots + 2));
    TRY(quasi_newton_minimise(comm, evaluate, &fit, variables_of(&fit), &opt, x, &result));
done:
    exact_clear(&fit.sums);
    return status;
}

/* ---- judgement ---- */

enum { LOSS = PAIRED_SUMS, SUMS };

/* x [half][common or kinds][variables] */
struct fits {
    double x[2][2][VARIABLES];
    double slope[2][2][DOSE_KINDS_MAX * DOSE_KNOTS_MAX];
    double *inverse[2]; /* [half] of kinds, what a walk leaves to the next */
};

static void judge_row(const struct fit *fit, const struct fits *fits, int64_t i, double *sum)
{
    const struct dose_kinds_rows *rows = fit->rows;
    if (rows->half[i] >= BOTH) return;
    int other = 1 - rows->half[i];
    struct terms t = terms_of(fit, i);
    double loss[2], weight = (double)rows->weight[i], y = (double)rows->y[i];
    for (int kinds = 0; kinds < 2; kinds++) {
        double z = logit_of(fit, &t, fits->x[other][kinds], fits->slope[other][kinds], i);
        loss[kinds] = paired_log_loss(special_sigmoid(z), y);
    }
    paired_add(sum, weight, loss[0] - loss[1]);
    sum[LOSS] += weight * loss[0];
}

static enum status judge(const struct comm *comm, const struct dose_kinds_rows *rows,
                         const struct dose_shape *knots, struct fits *fits,
                         struct dose_kinds_check *check)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double sum[SUMS];
    struct fit fit = {.rows = rows, .knots = knots};
    for (int h = 0; h < BOTH; h++)
        for (int kinds = 0; kinds < 2; kinds++) {
            fit.kinds = kinds == 1;
            slopes_of(&fit, fits->x[h][kinds], fits->slope[h][kinds]);
        }
    TRY_ALL(comm, exact_init(&sums, SUMS));
    for (int64_t b = 0; b < rows->blocks->blocks_local; b++) {
        double partial[SUMS] = {0};
        for (int64_t i = rows->blocks->start[b]; i < rows->blocks->start[b + 1]; i++)
            judge_row(&fit, fits, i, partial);
        exact_add(&sums, 0, partial, SUMS);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, sum, SUMS);
    struct paired gain = paired_of(sum);
    *check = (struct dose_kinds_check){gain.weight > 0.0 ? sum[LOSS] / gain.weight : 0.0, gain.mean,
                                       gain.std_error};
done:
    exact_clear(&sums);
    return status;
}

/* ---- shapes ---- */

static enum status measure_shares(const struct comm *comm, const struct dose_kinds_rows *rows,
                                  double *share)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, rows->kinds));
    for (int64_t i = 0; i < rows->blocks->rows_local; i++)
        for (int64_t c = 0; c < rows->kinds; c++)
            exact_add_one(&sums, c, (double)rows->chance[rows->unit[i] * rows->kinds + c]);
    TRY(exact_reduce(comm, &sums));
    for (int64_t c = 0; c < rows->kinds; c++)
        share[c] = exact_get(&sums, c) / (double)rows->blocks->rows_total;
done:
    exact_clear(&sums);
    return status;
}

/* Heights by slopes, divided by that of all at the last knot. */
static void put_shapes(const struct dose_kinds_rows *rows, const struct dose_shape *knots,
                       const double *share, const double *slope, struct dose_shapes *shapes)
{
    double last = knots->dose[knots->knots - 1], all = 0.0;
    *shapes = (struct dose_shapes){.kinds = rows->kinds};
    for (int64_t c = 0; c < rows->kinds; c++) {
        struct dose_shape *shape = &shapes->shape[c];
        *shape = *knots;
        double scale = dose_bend(shape, slope + c * knots->knots);
        for (int64_t k = 0; k < knots->knots; k++) shape->value[k] *= scale;
        all += share[c] * scale;
    }
    for (int64_t c = 0; c < rows->kinds; c++)
        for (int64_t k = 0; k < knots->knots && all * last > 0.0; k++)
            shapes->shape[c].value[k] /= all;
}

static enum status fit_all(const struct comm *comm, const struct dose_kinds_rows *rows,
                           const struct dose_shape *knots, double trust, double *x, double *inverse,
                           struct dose_shapes *shapes)
{
    enum status status = OK;
    double share[DOSE_KINDS_MAX], slope[DOSE_KINDS_MAX * DOSE_KNOTS_MAX];
    const struct fit all = {.rows = rows, .knots = knots, .kinds = true};
    TRY(fit_half(comm, rows, knots, BOTH, trust, x, inverse));
    TRY(measure_shares(comm, rows, share));
    slopes_of(&all, x, slope);
    put_shapes(rows, knots, share, slope, shapes);
done:
    return status;
}

/* From the strongest ridge to the weakest, each walk from where the last one ended. */
static enum status choose_trust(const struct comm *comm, const struct dose_kinds_rows *rows,
                                const struct dose_shape *knots, struct fits *fits, double *trust,
                                struct dose_kinds_check *check)
{
    enum status status = OK;
    for (int h = 0; h < BOTH; h++) {
        fits->x[h][0][SCALE] = 1.0;
        TRY(fit_half(comm, rows, knots, h, 0.0, fits->x[h][0], NULL));
        memcpy(fits->x[h][1], fits->x[h][0], sizeof fits->x[h][0]);
    }
    for (size_t k = 0; k < sizeof trust_common / sizeof *trust_common; k++) {
        struct dose_kinds_check with;
        for (int h = 0; h < BOTH; h++)
            TRY(fit_half(comm, rows, knots, h, trust_common[k], fits->x[h][1], fits->inverse[h]));
        TRY(judge(comm, rows, knots, fits, &with));
        if (!(with.gain > check->gain)) continue;
        *check = with;
        *trust = trust_common[k];
    }
done:
    return status;
}

enum status dose_kinds_fit(const struct comm *comm, const struct dose_kinds_rows *rows,
                           const struct dose_shape *knots, struct dose_shapes *shapes,
                           struct dose_kinds_check *check)
{
    enum status status = OK;
    struct fits *fits = NULL;
    double trust = 0.0;
    *shapes = (struct dose_shapes){0};
    *check = (struct dose_kinds_check){.gain = -INFINITY};
    if (rows->kinds < 2 || rows->kinds > DOSE_KINDS_MAX || knots->knots < 1)
        return FAIL(ERR_ARG, "shapes of 2 to %d kinds with a knot at least, not of %lld",
                    DOSE_KINDS_MAX, (long long)rows->kinds);
    int64_t variables = COMMON + (1 + rows->kinds) * knots->knots;
    TRY_ALL(comm, memory_new(&fits, 1, sizeof *fits));
    for (int h = 0; h < BOTH; h++)
        TRY_ALL(comm, memory_new(&fits->inverse[h], variables * variables, sizeof(double)));
    TRY(choose_trust(comm, rows, knots, fits, &trust, check));
    TRY(fit_all(comm, rows, knots, trust, fits->x[0][1], fits->inverse[0], shapes));
done:
    for (int h = 0; h < BOTH && fits != NULL; h++) free(fits->inverse[h]);
    free(fits);
    return status;
}
