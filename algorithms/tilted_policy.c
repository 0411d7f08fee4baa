/* Policies that tilt the chances of levels by a standing. */
#include "algorithms/tilted_policy.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
    PAIRS_ENOUGH = 200, /* fewer tell nothing of levels */
    ROUNDS_FIRST = 12,  /* of the fixed point, from far off */
    ROUNDS = 5,         /* from the base of a floor nearby */
    TRIALS = 8          /* floors between two that are tried */
};

#define FLOOR_MOST 0.9
/* What a policy as good as never does still has a chance of. */
#define CHANCE_LEAST 1e-12
/* The fixed point is stepped over a little, as what moves a level moves its standings after it. */
#define STEP 1.4

static double standing_at(int g)
{
    return TILT_STANDING * (2.0 * g / (TILT_GRID - 1) - 1.0);
}

/* Where a level is likeliest. Of a chance that is as good as 1 from there to the deepest standing
 * it is the deepest. */
static int peak_of(const float *chance)
{
    int peak = 0;
    for (int g = 1; g < TILT_GRID; g++)
        if (chance[g] > chance[peak]) peak = g;
    return peak > 0 && chance[TILT_GRID - 1] == chance[peak] ? TILT_GRID - 1 : peak;
}

void tilted_policy_tilt(struct tilted_policy *policy)
{
    double blind = policy->floor / policy->levels;
    for (int g = 0; g < TILT_GRID; g++) {
        double sum = 0.0, most = -INFINITY, weight[TILT_LEVELS];
        for (int k = 0; k < policy->levels; k++) {
            weight[k] = policy->base[k] + standing_at(g) * policy->z[k];
            most = fmax(most, weight[k]);
        }
        for (int k = 0; k < policy->levels; k++) sum += weight[k] = exp(weight[k] - most);
        for (int k = 0; k < policy->levels; k++)
            policy->chance[k][g] = (float)(blind + (1.0 - policy->floor) * weight[k] / sum);
    }
    for (int k = 0; k < policy->levels; k++) policy->peak[k] = peak_of(policy->chance[k]);
}

/* The standing between grid points low and high, where the chance rises (or, from high to low,
 * falls), at which it is p. */
static float solve(const float *chance, int low, int high, float p)
{
    while (abs(high - low) > 1) {
        int middle = (low + high) / 2;
        if (chance[middle] < p)
            low = middle;
        else
            high = middle;
    }
    double rise = (double)(chance[high] - chance[low]);
    double part = rise > 0.0 ? ((double)p - (double)chance[low]) / rise : 1.0;
    part = fmin(fmax(part, 0.0), 1.0);
    return (float)(standing_at(low) + part * (standing_at(high) - standing_at(low)));
}

struct tilted_roots tilted_policy_solve(const struct tilted_policy *policy, int level, float chance)
{
    int peak = policy->peak[level];
    const float *at = policy->chance[level];
    struct tilted_roots roots = {0};
    if (policy->levels < 2) return roots;
    if (peak > 0) roots.low = solve(at, 0, peak, chance);
    if (peak < TILT_GRID - 1) roots.high = solve(at, TILT_GRID - 1, peak, chance);
    if (peak == 0) roots.low = roots.high;
    if (peak == TILT_GRID - 1) roots.high = roots.low;
    return roots;
}

static double place_of(double standing)
{
    return (standing / TILT_STANDING + 1.0) * 0.5 * (TILT_GRID - 1);
}

/* The grid point at or below. */
static int point_of(double standing)
{
    return (int)fmin(fmax(place_of(standing), 0.0), TILT_GRID - 2.0);
}

static double chance_at(const struct tilted_policy *policy, int level, double standing)
{
    int low = point_of(standing);
    const float *chance = policy->chance[level];
    return (double)chance[low] +
           (place_of(standing) - low) * (double)(chance[low + 1] - chance[low]);
}

double tilted_policy_slope(const struct tilted_policy *policy, int level, float standing)
{
    int low = point_of((double)standing);
    const float *chance = policy->chance[level];
    return fabs((double)chance[low + 1] - (double)chance[low]) / (standing_at(1) - standing_at(0));
}

/* ---- one pass ---- */

struct sure {
    double standing;
    int64_t offers;
};

/* What is left of the logs of chances, in all and by level. */
struct misfit {
    struct exact_sums sums;           /* [levels + 1] the last: of squares */
    int64_t count[TILT_LEVELS];       /* [levels] */
    struct sure *sure;                /* [groups] zero between users */
    double mean[TILT_LEVELS], square; /* after the pass */
    int64_t pairs;
};

static bool is_sure(const struct tilted_policy *policy, int level)
{
    return policy->peak[level] == 0 || policy->peak[level] == TILT_GRID - 1;
}

/* The standings of a user that are beyond doubt are put into their groups (sign 1) or taken out. */
static void put_sure(const struct tilted_policy *policy, const struct tilted_rows *rows,
                     int64_t user, double sign, struct sure *sure)
{
    for (int64_t o = rows->start[user]; o < rows->start[user + 1]; o++) {
        int level = rows->level[o];
        if (level < 0 || !is_sure(policy, level)) continue;
        struct sure *group = &sure[rows->group[o]];
        if (sign < 0.0) {
            *group = (struct sure){0};
            continue;
        }
        group->standing += (double)tilted_policy_solve(policy, level, rows->chance[o]).low;
        group->offers++;
    }
}

/* Each offer by what the others in its group say of the standing. */
static void judge_user(const struct tilted_policy *policy, const struct tilted_rows *rows,
                       int64_t user, struct misfit *misfit)
{
    put_sure(policy, rows, user, 1.0, misfit->sure);
    for (int64_t o = rows->start[user]; o < rows->start[user + 1]; o++) {
        int level = rows->level[o];
        if (level < 0) continue;
        struct sure others = misfit->sure[rows->group[o]];
        if (is_sure(policy, level)) {
            others.standing -= (double)tilted_policy_solve(policy, level, rows->chance[o]).low;
            others.offers--;
        }
        if (others.offers == 0) continue;
        double expected = chance_at(policy, level, others.standing / (double)others.offers);
        double left = log((double)rows->chance[o] / fmax(expected, CHANCE_LEAST));
        exact_add_one(&misfit->sums, level, left);
        exact_add_one(&misfit->sums, policy->levels, left * left);
        misfit->count[level]++;
    }
    put_sure(policy, rows, user, -1.0, misfit->sure);
}

static enum status judge(const struct comm *comm, const struct tilted_policy *policy,
                         const struct tilted_rows *rows, struct misfit *misfit)
{
    enum status status = OK;
    exact_reset(&misfit->sums);
    misfit->pairs = 0;
    for (int k = 0; k < policy->levels; k++) misfit->count[k] = 0;
    for (int64_t u = 0; u < rows->users; u++) judge_user(policy, rows, u, misfit);
    TRY(exact_reduce(comm, &misfit->sums));
    comm_sum_int64(comm, misfit->count, policy->levels);
    for (int k = 0; k < policy->levels; k++) {
        misfit->pairs += misfit->count[k];
        misfit->mean[k] =
            misfit->count[k] > 0 ? exact_get(&misfit->sums, k) / (double)misfit->count[k] : 0.0;
    }
    misfit->square =
        misfit->pairs > 0 ? exact_get(&misfit->sums, policy->levels) / (double)misfit->pairs : 0.0;
done:
    return status;
}

/* ---- the fixed point ---- */

/* base + STEP mean, less its mean and its slope in z. */
static void step_base(const struct misfit *misfit, struct tilted_policy *policy)
{
    int levels = policy->levels;
    double mean = 0.0, middle = 0.0, slope = 0.0, square = 0.0;
    for (int k = 0; k < levels; k++) {
        policy->base[k] += STEP * misfit->mean[k];
        mean += misfit->mean[k] / levels;
        middle += policy->z[k] / levels;
    }
    for (int k = 0; k < levels; k++) {
        slope += misfit->mean[k] * (policy->z[k] - middle);
        square += (policy->z[k] - middle) * (policy->z[k] - middle);
    }
    for (int k = 0; k < levels; k++)
        policy->base[k] -= STEP * (mean + slope / square * (policy->z[k] - middle));
}

/* The base at a floor, and how well it does. */
static enum status settle(const struct comm *comm, const struct tilted_rows *rows, double floor,
                          int rounds, struct tilted_policy *policy, struct misfit *misfit)
{
    enum status status = OK;
    policy->floor = floor;
    tilted_policy_tilt(policy);
    TRY(judge(comm, policy, rows, misfit));
    for (int round = 0; round < rounds && misfit->pairs >= PAIRS_ENOUGH; round++) {
        step_base(misfit, policy);
        tilted_policy_tilt(policy);
        TRY(judge(comm, policy, rows, misfit));
    }
done:
    return status;
}

/* The best of the floors low + i step, i = 0 .. TRIALS; policy has it and its base after. */
static enum status try_floors(const struct comm *comm, const struct tilted_rows *rows, double low,
                              double step, struct tilted_policy *trial, struct tilted_policy *best,
                              struct misfit *misfit, double *least)
{
    enum status status = OK;
    for (int i = 0; i <= TRIALS; i++) {
        TRY(settle(comm, rows, low + i * step, ROUNDS, trial, misfit));
        if (!(misfit->square < *least)) continue;
        *least = misfit->square;
        *best = *trial;
    }
done:
    return status;
}

static enum status search(const struct comm *comm, const struct tilted_rows *rows,
                          struct tilted_policy *policy, struct tilted_policy *trial,
                          struct misfit *misfit)
{
    enum status status = OK;
    double least = INFINITY;
    *trial = *policy;
    TRY(settle(comm, rows, 0.0, ROUNDS_FIRST, trial, misfit));
    if (misfit->pairs < PAIRS_ENOUGH) goto done;
    for (double step = FLOOR_MOST / TRIALS; step > 1e-3; step *= 2.0 / TRIALS) {
        double low =
            fmin(fmax(policy->floor - step * TRIALS / 2.0, 0.0), FLOOR_MOST - step * TRIALS);
        if (least < INFINITY) *trial = *policy;
        TRY(try_floors(comm, rows, low, step, trial, policy, misfit, &least));
    }
    misfit->square = least;
done:
    return status;
}

enum status tilted_policy_fit(const struct comm *comm, const struct tilted_rows *rows,
                              struct tilted_policy *policy, int64_t *pairs, double *misfit)
{
    enum status status = OK;
    struct misfit room = {0};
    struct tilted_policy *trial = NULL;
    TRY_ALL(comm, memory_new(&trial, 1, sizeof *trial));
    TRY_ALL(comm, memory_new(&room.sure, rows->groups, sizeof *room.sure));
    TRY_ALL(comm, exact_init(&room.sums, policy->levels + 1));
    if (policy->levels > 1) TRY(search(comm, rows, policy, trial, &room));
    tilted_policy_tilt(policy);
    *pairs = room.pairs;
    *misfit = sqrt(room.square);
done:
    exact_clear(&room.sums);
    free(room.sure);
    free(trial);
    return status;
}
