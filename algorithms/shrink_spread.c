/* Restricted maximum likelihood of one spread, the groups' means profiled out. */
#include "algorithms/shrink_spread.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { TRIALS = 16, ROUNDS = 10 };

#define FAR 1e9         /* squared deviations beyond it rule a spread out */
#define SMALL_PART 1e-3 /* of the least error: a spread below it does not matter */

/* What all ranks know of the units before a spread is tried. */
struct scene {
    const struct shrink_units *units;
    int64_t groups, members;
    double error_least, error_square; /* harmonic mean of s_i^2 */
    double estimate_most;             /* largest |b_i| */
    double off_most;                  /* largest |b_i - centre of its group| */
    double *centre;                   /* [groups] means at tau = 0 */
    double trial[TRIALS];
    double deviance[TRIALS];
    struct exact_sums sums; /* for each trial: log variances, too far, 3 for each group */
};

bool shrink_counts(double std_error)
{
    return isfinite(std_error) && std_error > 0.0;
}

static int64_t group_of(const struct shrink_units *units, int64_t i)
{
    return units->group != NULL ? units->group[i] : 0;
}

/* ---- scales and centres ---- */

static void find_extremes(const struct comm *comm, struct scene *s)
{
    double least = INFINITY, most = 0;
    for (int64_t i = 0; i < s->units->units; i++) {
        if (!shrink_counts(s->units->std_error[i])) continue;
        s->members++;
        least = fmin(least, s->units->std_error[i]);
        most = fmax(most, fabs(s->units->estimate[i]));
    }
    comm_sum_int64(comm, &s->members, 1);
    comm_min_double(comm, &least, 1);
    comm_max_double(comm, &most, 1);
    s->error_least = least;
    s->estimate_most = most > 0 ? most : 1.0;
}

/* Sums of precisions, and of estimates by precision, for each group. */
static enum status find_centres(const struct comm *comm, struct scene *s)
{
    enum status status = OK;
    double total = 0;
    exact_reset(&s->sums);
    for (int64_t i = 0; i < s->units->units; i++) {
        if (!shrink_counts(s->units->std_error[i])) continue;
        double part = s->error_least / s->units->std_error[i];
        int64_t at = 2 * group_of(s->units, i);
        exact_add_one(&s->sums, at, part * part);
        exact_add_one(&s->sums, at + 1, part * part * (s->units->estimate[i] / s->estimate_most));
    }
    TRY(exact_reduce(comm, &s->sums));
    for (int64_t g = 0; g < s->groups; g++) {
        double weight = exact_get(&s->sums, 2 * g);
        s->centre[g] =
            weight > 0 ? s->estimate_most * exact_get(&s->sums, 2 * g + 1) / weight : 0.0;
        total += weight;
    }
    s->error_square = s->error_least * s->error_least * (double)s->members / total;
done:
    return status;
}

static void find_farthest(const struct comm *comm, struct scene *s)
{
    for (int64_t i = 0; i < s->units->units; i++)
        if (shrink_counts(s->units->std_error[i]))
            s->off_most =
                fmax(s->off_most, fabs(s->units->estimate[i] - s->centre[group_of(s->units, i)]));
    comm_max_double(comm, &s->off_most, 1);
}

/* ---- trials ---- */

static int64_t trial_sums(const struct scene *s)
{
    return 2 + 3 * s->groups;
}

/* Variances and deviations are in units of the typical variance at the trial's spread. */
static void add_unit(struct scene *s, int64_t i, int64_t trials)
{
    double error = s->units->std_error[i];
    int64_t group = group_of(s->units, i);
    double off = s->units->estimate[i] - s->centre[group];
    for (int64_t t = 0; t < trials; t++) {
        double extra = s->trial[t] * s->trial[t], unit = s->error_square + extra;
        double weight = unit / (error * error + extra), part = off / sqrt(unit);
        int64_t at = t * trial_sums(s);
        if (!(weight * part * part < FAR)) {
            exact_add_one(&s->sums, at + 1, 1.0);
            continue;
        }
        exact_add_one(&s->sums, at, -log(weight));
        exact_add_one(&s->sums, at + 2 + 3 * group, weight);
        exact_add_one(&s->sums, at + 3 + 3 * group, weight * part);
        exact_add_one(&s->sums, at + 4 + 3 * group, weight * part * part);
    }
}

/* Twice the negative log of the restricted likelihood. */
static double deviance_of(const struct scene *s, int64_t trial)
{
    int64_t at = trial * trial_sums(s), with = 0;
    double unit = s->error_square + s->trial[trial] * s->trial[trial];
    double sum = exact_get(&s->sums, at);
    if (exact_get(&s->sums, at + 1) > 0) return INFINITY;
    for (int64_t g = 0; g < s->groups; g++) {
        double weight = exact_get(&s->sums, at + 2 + 3 * g), off, square;
        if (!(weight > 0)) continue;
        off = exact_get(&s->sums, at + 3 + 3 * g);
        square = exact_get(&s->sums, at + 4 + 3 * g);
        sum += square - off * off / weight + log(weight);
        with++;
    }
    return sum + (double)(s->members - with) * log(unit);
}

static enum status try_all(const struct comm *comm, struct scene *s, int64_t trials)
{
    enum status status = OK;
    exact_reset(&s->sums);
    for (int64_t i = 0; i < s->units->units; i++)
        if (shrink_counts(s->units->std_error[i])) add_unit(s, i, trials);
    TRY(exact_reduce(comm, &s->sums));
    for (int64_t t = 0; t < trials; t++) s->deviance[t] = deviance_of(s, t);
    /* one library of functions decides, whatever the others' */
    comm_broadcast(comm, s->deviance, trials * (int64_t)sizeof *s->deviance, 0);
done:
    return status;
}

static int64_t best_trial(const struct scene *s, int64_t trials)
{
    int64_t best = 0;
    for (int64_t t = 1; t < trials; t++)
        if (s->deviance[t] < s->deviance[best]) best = t;
    return best;
}

/* The best of spreads equally apart in their logs; then again between its neighbours. The trial of
 * 0 comes last, and stays best if nothing is better. */
static enum status search(const struct comm *comm, struct scene *s, double *tau)
{
    enum status status = OK;
    double low = log(SMALL_PART * s->error_least), high = log(2.0 * s->off_most), deviance = 0;
    *tau = 0.0;
    if (!(high > low)) return OK;
    for (int round = 0; round < ROUNDS; round++) {
        double step = (high - low) / (TRIALS - 1);
        for (int t = 0; t < TRIALS; t++) s->trial[t] = exp(low + t * step);
        TRY(try_all(comm, s, TRIALS));
        int64_t best = best_trial(s, TRIALS);
        *tau = s->trial[best];
        deviance = s->deviance[best];
        high = low + (double)(best + 1) * step;
        low += (double)(best - 1) * step;
    }
    s->trial[0] = 0.0;
    TRY(try_all(comm, s, 1));
    if (s->deviance[0] <= deviance) *tau = 0.0;
done:
    return status;
}

/* ---- means ---- */

static enum status read_means(const struct comm *comm, struct scene *s, struct shrink_level *level)
{
    enum status status = OK;
    s->trial[0] = level->spread;
    TRY(try_all(comm, s, 1));
    double unit = s->error_square + level->spread * level->spread;
    for (int64_t g = 0; g < s->groups; g++) {
        double weight = exact_get(&s->sums, 2 + 3 * g), off = exact_get(&s->sums, 3 + 3 * g);
        bool any = weight > 0;
        level->estimate[g] = any ? s->centre[g] + sqrt(unit) * off / weight : NAN;
        level->std_error[g] = any ? sqrt(unit / weight) : NAN;
    }
done:
    return status;
}

enum status shrink_spread_fit(const struct comm *comm, const struct shrink_units *units,
                              struct shrink_level *level)
{
    enum status status = OK;
    struct scene s = {.units = units, .groups = level->groups};
    level->spread = 0.0;
    TRY_ALL(comm, memory_new(&s.centre, s.groups, sizeof *s.centre));
    TRY_ALL(comm, exact_init(&s.sums, TRIALS * trial_sums(&s)));
    find_extremes(comm, &s);
    if (s.members == 0) TRY(FAIL(ERR_NUMERIC, "nothing to shrink: no unit has an estimate"));
    TRY(find_centres(comm, &s));
    find_farthest(comm, &s);
    level->members = s.members;
    TRY(search(comm, &s, &level->spread));
    TRY(read_means(comm, &s, level));
done:
    exact_clear(&s.sums);
    free(s.centre);
    return status;
}
