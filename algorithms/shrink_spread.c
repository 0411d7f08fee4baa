/* Restricted maximum likelihood of one spread, the groups' means profiled out. */
#include "algorithms/shrink_spread.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { TRIALS = 16, ROUNDS = 10 };

#define FAR 1e9         /* squared deviations beyond it rule a spread out */
#define NARROW 0.15     /* of a spread: if all that are possible differ less, one stands for them */
#define RULED_OUT 15.0  /* more deviance than the least by so much */
#define WIDEST 3.0      /* largest spread tried, in ranges of the estimates, or errors */
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

static void read_means(const struct scene *s, int64_t trial, double *estimate, double *std_error)
{
    int64_t at = trial * trial_sums(s);
    double unit = s->error_square + s->trial[trial] * s->trial[trial];
    for (int64_t g = 0; g < s->groups; g++) {
        double weight = exact_get(&s->sums, at + 2 + 3 * g);
        double off = exact_get(&s->sums, at + 3 + 3 * g);
        bool any = weight > 0;
        estimate[g] = any ? s->centre[g] + sqrt(unit) * off / weight : NAN;
        std_error[g] = any ? sqrt(unit / weight) : NAN;
    }
}

static enum status scene_init(const struct comm *comm, const struct shrink_units *units,
                              int64_t groups, struct scene *s)
{
    enum status status = OK;
    *s = (struct scene){.units = units, .groups = groups};
    TRY_ALL(comm, memory_new(&s->centre, s->groups, sizeof *s->centre));
    TRY_ALL(comm, exact_init(&s->sums, TRIALS * trial_sums(s)));
    find_extremes(comm, s);
    if (s->members == 0) TRY(FAIL(ERR_NUMERIC, "nothing to shrink: no unit has an estimate"));
    TRY(find_centres(comm, s));
    find_farthest(comm, s);
done:
    return status;
}

static void scene_clear(struct scene *s)
{
    exact_clear(&s->sums);
    free(s->centre);
}

enum status shrink_spread_fit(const struct comm *comm, const struct shrink_units *units,
                              struct shrink_level *level)
{
    enum status status = OK;
    struct scene s = {0};
    level->spread = 0.0;
    TRY(scene_init(comm, units, level->groups, &s));
    level->members = s.members;
    TRY(search(comm, &s, &level->spread));
    s.trial[0] = level->spread;
    TRY(try_all(comm, &s, 1));
    read_means(&s, 0, level->estimate, level->std_error);
done:
    scene_clear(&s);
    return status;
}

/* ---- all spreads that are possible ---- */

/* Halving steps from a spread toward an end; the nearest that is ruled out, or the end. */
static enum status find_end(const struct comm *comm, struct scene *s, double spread, double end,
                            double *least, double *found)
{
    enum status status = OK;
    for (int t = 0; t < TRIALS; t++) s->trial[t] = spread + ldexp(end - spread, -t);
    TRY(try_all(comm, s, TRIALS));
    *least = fmin(*least, s->deviance[best_trial(s, TRIALS)]);
    *found = end;
    for (int t = 0; t < TRIALS; t++)
        if (s->deviance[t] >= *least + RULED_OUT) *found = s->trial[t];
done:
    return status;
}

/* Squares of spreads are each as likely as another, so a spread's density is like itself; what lies
 * between two points is split between them. */
static double log_density(double spread, bool at_end)
{
    return spread > 0.0 ? log(spread * (at_end ? 0.5 : 1.0)) : -INFINITY;
}

static enum status lay_points(const struct comm *comm, struct scene *s, double low, double high,
                              struct shrink_grid *grid)
{
    enum status status = OK;
    double step = (high - low) / (SHRINK_SPREADS - 1);
    grid->spreads = high > low ? SHRINK_SPREADS : 1;
    for (int64_t first = 0; first < grid->spreads; first += TRIALS) {
        int64_t count = grid->spreads - first < TRIALS ? grid->spreads - first : TRIALS;
        for (int64_t t = 0; t < count; t++) s->trial[t] = low + (double)(first + t) * step;
        TRY(try_all(comm, s, count));
        for (int64_t t = 0; t < count; t++) {
            int64_t k = first + t;
            double density = log_density(step * s->trial[t], k == 0 || k == SHRINK_SPREADS - 1);
            grid->spread[k] = s->trial[t];
            grid->log_weight[k] = (grid->spreads > 1 ? density : 0.0) - 0.5 * s->deviance[t];
            read_means(s, t, grid->estimate + k * s->groups, grid->std_error + k * s->groups);
        }
    }
done:
    return status;
}

static int64_t count_with(const struct scene *s)
{
    int64_t with = 0;
    for (int64_t g = 0; g < s->groups; g++) with += exact_get(&s->sums, 2 + 3 * g) > 0;
    return with;
}

enum status shrink_grid_make(const struct comm *comm, const struct shrink_units *units,
                             int64_t groups, double spread, struct shrink_grid *grid)
{
    enum status status = OK;
    struct scene s = {0};
    double low = spread, high = spread, least;
    *grid = (struct shrink_grid){.groups = groups};
    TRY(scene_init(comm, units, groups, &s));
    TRY_ALL(comm, memory_new(&grid->estimate, SHRINK_SPREADS * groups, sizeof *grid->estimate));
    TRY_ALL(comm, memory_new(&grid->std_error, SHRINK_SPREADS * groups, sizeof *grid->std_error));
    s.trial[0] = spread;
    TRY(try_all(comm, &s, 1));
    least = s.deviance[0];
    if (count_with(&s) < s.members) {
        double widest = WIDEST * fmax(2.0 * s.off_most, s.error_least);
        TRY(find_end(comm, &s, spread, fmax(widest, 2.0 * spread), &least, &high));
        if (spread > 0.0) TRY(find_end(comm, &s, spread, 0.0, &least, &low));
        if (high - low < NARROW * spread) low = high = spread;
    }
    TRY(lay_points(comm, &s, low, high, grid));
done:
    scene_clear(&s);
    return status;
}

void shrink_grid_clear(struct shrink_grid *grid)
{
    free(grid->estimate);
    free(grid->std_error);
    *grid = (struct shrink_grid){0};
}
