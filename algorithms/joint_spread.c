/* Restricted maximum likelihood of a matrix of spreads: a coarse search of its size, steps of EM,
 * then quasi-Newton on its factor. */
#include "algorithms/joint_spread.h"

#include "algorithms/quasi_newton.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 13, SIZES_MOST = 36, SMALLEST = -4, STEPS = 8 };

#define FAR 1e12     /* terms beyond it rule a spread out */
#define NOTHING 1e-9 /* of what a unit's own rows leave open: a spread that does not matter */

static int64_t group_sums(const struct joint_scene *s)
{
    return joint_packed(s->columns) + s->columns;
}

static const double *information_of(const struct joint_scene *s, int64_t unit)
{
    return s->units->information + unit * joint_packed(s->columns);
}

static const double *weighted_of(const struct joint_scene *s, int64_t unit)
{
    return s->units->weighted + unit * s->columns;
}

static int64_t group_of(const struct joint_scene *s, int64_t unit)
{
    return s->units->group != NULL ? s->units->group[unit] : 0;
}

static bool tells(const struct joint_scene *s, int64_t unit)
{
    const double *information = information_of(s, unit);
    for (int64_t j = 0; j < s->columns; j++)
        if (information[joint_at(s->columns, j, j)] > 0.0) return true;
    return false;
}

enum status joint_scene_init(const struct comm *comm, const struct joint_units *units,
                             int64_t groups, struct joint_scene *scene)
{
    enum status status = OK;
    struct joint_scene *s = scene;
    *s = (struct joint_scene){.units = units, .groups = groups, .columns = units->columns};
    struct joint_mean mean;
    int64_t packed = joint_packed(s->columns);
    TRY_ALL(comm, exact_init(&s->sums, groups * group_sums(s) + 2));
    TRY_ALL(comm, exact_init(&s->slopes, packed));
    TRY_ALL(comm, memory_new(&s->mean, groups, sizeof *s->mean));
    TRY_ALL(comm, memory_new(&s->information, groups * packed, sizeof *s->information));
    TRY_ALL(comm, memory_new(&s->weighted, groups * s->columns, sizeof *s->weighted));
    TRY_ALL(comm, memory_new(&s->estimate, units->units * s->columns, sizeof *s->estimate));
    for (int64_t u = 0; u < units->units; u++) {
        s->members += tells(s, u);
        joint_mean_make(s->columns, information_of(s, u), weighted_of(s, u), &mean);
        memcpy(s->estimate + u * s->columns, mean.mean, (size_t)s->columns * sizeof *mean.mean);
    }
    comm_sum_int64(comm, &s->members, 1);
    if (s->members == 0) TRY(FAIL(ERR_NUMERIC, "nothing to shrink: no unit tells a coefficient"));
done:
    return status;
}

void joint_scene_clear(struct joint_scene *scene)
{
    exact_clear(&scene->sums);
    exact_clear(&scene->slopes);
    free(scene->estimate);
    free(scene->mean);
    free(scene->information);
    free(scene->weighted);
    *scene = (struct joint_scene){0};
}

/* ---- the likelihood ---- */

/* Information left at a spread is at most its inverse. */
static void choose_units(struct joint_scene *s, const double *spread)
{
    int exponent;
    for (int64_t j = 0; j < s->columns; j++) {
        frexp(sqrt(1.0 + spread[j * s->columns + j]), &exponent);
        s->unit[j] = ldexp(1.0, exponent);
    }
}

/* A packed matrix in these units, or back. */
static void multiply(const struct joint_scene *s, double *packed, bool back)
{
    for (int64_t i = 0; i < s->columns; i++)
        for (int64_t j = i; j < s->columns; j++) {
            double unit = s->unit[i] * s->unit[j];
            packed[joint_at(s->columns, i, j)] *= back ? 1.0 / unit : unit;
        }
}

static void add_share(struct joint_scene *s, int64_t group, struct joint_share *share)
{
    int64_t packed = joint_packed(s->columns), at = group * group_sums(s);
    int64_t scalars = s->groups * group_sums(s);
    bool near = fabs(share->deviance) < FAR;
    multiply(s, share->information, false);
    for (int64_t j = 0; j < s->columns; j++) share->weighted[j] *= s->unit[j];
    for (int64_t j = 0; j < packed; j++) near = near && fabs(share->information[j]) < FAR;
    for (int64_t j = 0; j < s->columns; j++) near = near && fabs(share->weighted[j]) < FAR;
    if (!near) {
        exact_add_one(&s->sums, scalars + 1, 1.0);
        return;
    }
    exact_add(&s->sums, at, share->information, packed);
    exact_add(&s->sums, at + packed, share->weighted, s->columns);
    exact_add_one(&s->sums, scalars, share->deviance);
}

static double read_groups(struct joint_scene *s)
{
    int64_t k = s->columns, packed = joint_packed(k), scalars = s->groups * group_sums(s);
    double deviance = exact_get(&s->sums, scalars);
    s->with = 0;
    for (int64_t g = 0; g < s->groups; g++) {
        double *information = s->information + g * packed, *weighted = s->weighted + g * k;
        exact_get_all(&s->sums, g * group_sums(s), information, packed);
        exact_get_all(&s->sums, g * group_sums(s) + packed, weighted, k);
        multiply(s, information, true);
        for (int64_t j = 0; j < k; j++) weighted[j] /= s->unit[j];
        joint_mean_make(k, information, weighted, &s->mean[g]);
        deviance += s->mean[g].deviance;
        bool any = false;
        for (int64_t j = 0; j < k; j++) any = any || s->mean[g].told[j];
        s->with += any;
    }
    return exact_get(&s->sums, scalars + 1) > 0 ? INFINITY : deviance;
}

/* A unit's part of the slope: W - r r' - W V W with r = w - W mean. */
static void add_slope(struct joint_scene *s, const struct joint_mean *mean,
                      const struct joint_share *share)
{
    int64_t k = s->columns;
    double rest[JOINT_COLUMNS], both[JOINT_SQUARE], slope[JOINT_PACKED];
    for (int64_t i = 0; i < k; i++) {
        rest[i] = share->weighted[i];
        for (int64_t m = 0; m < k; m++)
            rest[i] -= share->information[joint_at(k, i, m)] * mean->mean[m];
        for (int64_t j = 0; j < k; j++) {
            both[i * k + j] = 0;
            for (int64_t m = 0; m < k; m++)
                both[i * k + j] +=
                    share->information[joint_at(k, i, m)] * mean->covariance[m * k + j];
        }
    }
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = i; j < k; j++) {
            double sum = share->information[joint_at(k, i, j)] - rest[i] * rest[j];
            for (int64_t m = 0; m < k; m++)
                sum -= both[i * k + m] * share->information[joint_at(k, m, j)];
            slope[joint_at(k, i, j)] = sum;
        }
    multiply(s, slope, false);
    exact_add(&s->slopes, 0, slope, joint_packed(k));
}

static enum status find_slope(const struct comm *comm, struct joint_scene *s, const double *spread,
                              double *slope)
{
    enum status status = OK;
    int64_t k = s->columns;
    struct joint_share share;
    exact_reset(&s->slopes);
    for (int64_t u = 0; u < s->units->units; u++) {
        if (!tells(s, u)) continue;
        joint_share_make(k, spread, information_of(s, u), s->estimate + u * s->columns,
                         weighted_of(s, u), &share);
        add_slope(s, &s->mean[group_of(s, u)], &share);
    }
    TRY(exact_reduce(comm, &s->slopes));
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++)
            slope[i * k + j] = exact_get(&s->slopes, joint_at(k, i, j)) / (s->unit[i] * s->unit[j]);
done:
    return status;
}

enum status joint_scene_evaluate(const struct comm *comm, struct joint_scene *scene,
                                 const double *spread, double *deviance, double *slope)
{
    enum status status = OK;
    struct joint_scene *s = scene;
    struct joint_share share;
    choose_units(s, spread);
    exact_reset(&s->sums);
    for (int64_t u = 0; u < s->units->units; u++) {
        if (!tells(s, u)) continue;
        joint_share_make(s->columns, spread, information_of(s, u), s->estimate + u * s->columns,
                         weighted_of(s, u), &share);
        add_share(s, group_of(s, u), &share);
    }
    TRY(exact_reduce(comm, &s->sums));
    *deviance = read_groups(s);
    /* one library of functions decides, whatever the others' */
    comm_broadcast(comm, deviance, sizeof *deviance, 0);
    if (slope != NULL && isfinite(*deviance)) {
        TRY(find_slope(comm, s, spread, slope));
        comm_broadcast(comm, slope, s->columns * s->columns * (int64_t)sizeof *slope, 0);
    }
done:
    return status;
}

/* ---- the search ---- */

/* left a right' of [k][k] matrices. */
static void sandwich(int64_t k, const double *left, const double *a, const double *right,
                     double *product)
{
    double first[JOINT_SQUARE];
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) {
            first[i * k + j] = 0;
            for (int64_t m = 0; m < k; m++) first[i * k + j] += left[i * k + m] * a[m * k + j];
        }
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) {
            product[i * k + j] = 0;
            for (int64_t m = 0; m < k; m++)
                product[i * k + j] += first[i * k + m] * right[j * k + m];
        }
}

/* The lower triangle X as variables; start X X' start'. */
static void spread_at(const struct joint_scene *s, const double *x, double *factor, double *spread)
{
    int64_t k = s->columns, at = 0;
    double unit[JOINT_SQUARE] = {0};
    memset(factor, 0, (size_t)(k * k) * sizeof *factor);
    for (int64_t i = 0; i < k; i++) {
        unit[i * k + i] = 1.0;
        for (int64_t j = 0; j <= i; j++) factor[i * k + j] = x[at++];
    }
    double inner[JOINT_SQUARE];
    sandwich(k, factor, unit, factor, inner);
    sandwich(k, s->start, inner, s->start, spread);
}

/* 2 start' slope start X, on the lower triangle. */
static void gradient_at(const struct joint_scene *s, const double *factor, const double *slope,
                        double *gradient)
{
    int64_t k = s->columns, at = 0;
    double turned[JOINT_SQUARE] = {0}, inner[JOINT_SQUARE];
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) turned[i * k + j] = s->start[j * k + i];
    sandwich(k, turned, slope, turned, inner);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t m = 0; m < k; m++) sum += 2.0 * inner[i * k + m] * factor[m * k + j];
            gradient[at++] = sum / (double)s->members;
        }
}

static enum status objective(const struct comm *comm, void *context, const double *x, double *value,
                             double *gradient)
{
    enum status status = OK;
    struct joint_scene *s = context;
    double factor[JOINT_SQUARE], spread[JOINT_SQUARE], slope[JOINT_SQUARE];
    int64_t at = -1;
    spread_at(s, x, factor, spread);
    TRY(joint_scene_evaluate(comm, s, spread, value, slope));
    if (!isfinite(*value)) return OK;
    *value /= (double)s->members;
    gradient_at(s, factor, slope, gradient);
    for (int64_t j = 0; j < s->columns && s->penalty; j++) {
        at += j + 1; /* of the diagonal */
        if (!(x[at] > 0.0)) {
            *value = INFINITY;
            return OK;
        }
        *value -= 2.0 * log(x[at]) / (double)s->members;
        gradient[at] -= 2.0 / x[at] / (double)s->members;
    }
done:
    return status;
}

/* Of sizes ten times apart the best; further ones while the largest is. */
static enum status find_size(const struct comm *comm, struct joint_scene *s, double *spread)
{
    enum status status = OK;
    int64_t k = s->columns;
    double least = INFINITY;
    int best = 0;
    for (int t = 0; t < SIZES || (t < SIZES_MOST && (best == t - 1 || isinf(least))); t++) {
        double size = pow(10.0, SMALLEST + t), deviance;
        for (int64_t i = 0; i < k * k; i++) spread[i] = i % (k + 1) == 0 ? size : 0.0;
        TRY(joint_scene_evaluate(comm, s, spread, &deviance, NULL));
        if (deviance < least) best = t;
        least = fmin(least, deviance);
    }
    for (int64_t i = 0; i < k * k; i++)
        spread[i] = i % (k + 1) == 0 ? pow(10.0, SMALLEST + best) : 0.0;
    if (isinf(least))
        TRY(FAIL(ERR_NUMERIC, "units are too far apart for their errors to be told from it; take "
                              "their coefficients one by one"));
done:
    return status;
}

/* T - T slope T / members. */
static enum status step_em(const struct comm *comm, struct joint_scene *s, double *spread)
{
    enum status status = OK;
    int64_t k = s->columns;
    double deviance, slope[JOINT_SQUARE], step[JOINT_SQUARE];
    TRY(joint_scene_evaluate(comm, s, spread, &deviance, slope));
    if (!isfinite(deviance)) return OK;
    sandwich(k, spread, slope, spread, step);
    for (int64_t i = 0; i < k * k; i++) spread[i] -= step[i] / (double)s->members;
done:
    return status;
}

static enum status descend(const struct comm *comm, struct joint_scene *s, bool penalty,
                           double *spread)
{
    enum status status = OK;
    struct quasi_newton_options options = QUASI_NEWTON_DEFAULTS;
    struct quasi_newton_result result;
    double x[JOINT_PACKED], factor[JOINT_SQUARE];
    int64_t at = 0;
    for (int64_t i = 0; i < s->columns; i++)
        for (int64_t j = 0; j <= i; j++) x[at++] = i == j ? 1.0 : 0.0;
    options.max_iterations = 200;
    options.tolerance = 1e-7;
    s->penalty = penalty;
    TRY(quasi_newton_minimise(comm, objective, s, at, &options, x, &result));
    spread_at(s, x, factor, spread);
done:
    return status;
}

/* Coefficients that units share are 0 and nothing else. */
static void clear_nothing(int64_t k, double *spread)
{
    for (int64_t j = 0; j < k; j++) {
        if (spread[j * k + j] > NOTHING) continue;
        for (int64_t i = 0; i < k; i++) spread[i * k + j] = spread[j * k + i] = 0.0;
    }
}

enum status joint_scene_fit(const struct comm *comm, struct joint_scene *scene, double *spread,
                            double *away)
{
    enum status status = OK;
    struct joint_scene *s = scene;
    int64_t k = s->columns;
    size_t bytes = (size_t)(k * k) * sizeof *spread;
    TRY(find_size(comm, s, spread));
    if (s->members <= s->with) {
        memset(spread, 0, bytes);
        if (away != NULL) memset(away, 0, bytes);
        return OK;
    }
    for (int t = 0; t < STEPS; t++) TRY(step_em(comm, s, spread));
    if (!joint_factor(k, spread, s->start)) {
        memset(s->start, 0, bytes);
        for (int64_t j = 0; j < k; j++)
            s->start[j * k + j] = sqrt(fmax(spread[j * k + j], NOTHING));
    }
    TRY(descend(comm, s, false, spread));
    clear_nothing(k, spread);
    if (away != NULL) TRY(descend(comm, s, true, away));
done:
    return status;
}
