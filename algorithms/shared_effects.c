/* Offsets of things that many units have observations of. */
#include "algorithms/shared_effects.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { RESIDUAL, WEIGHT, OWN_RESIDUAL, OWN_WEIGHT, SUMS };
enum { GRADIENT, CURVE, STEP_SUMS };
enum { SPREAD_ROUNDS = 8, NEWTON_STEPS = 12 };

#define NEWTON_ENOUGH 1e-6
#define NEWTON_LONGEST 2.0
#define SMALLEST_VARIANCE 1e-6

static double chance_of(double logit)
{
    return 1.0 / (1.0 + exp(-logit));
}

/* ---- how far offsets spread ---- */

/* A thing's rows of one unit, from row `first` on, the first that is about it. */
static void add_own(const struct shared_data *data, int64_t first, int64_t next, double sum[SUMS])
{
    for (int k = 0; k < SUMS; k++) sum[k] = 0.0;
    for (int64_t i = first; i < next; i++) {
        if (data->thing[i] != data->thing[first]) continue;
        double p = chance_of((double)data->rows->logit[i]);
        sum[RESIDUAL] += (double)data->rows->y[i] - p;
        sum[WEIGHT] += p * (1.0 - p);
    }
    sum[OWN_RESIDUAL] = sum[RESIDUAL] * sum[RESIDUAL];
    sum[OWN_WEIGHT] = sum[WEIGHT] * sum[WEIGHT];
}

static bool is_first(const struct shared_data *data, int64_t first, int64_t i)
{
    for (int64_t j = first; j < i; j++)
        if (data->thing[j] == data->thing[i]) return false;
    return true;
}

static void add_unit(const struct shared_data *data, int64_t unit, struct exact_sums *sums)
{
    int64_t first = data->rows->start[unit], next = data->rows->start[unit + 1];
    if (next - first > EFFECTS_PAIRED_MAX) first = next - EFFECTS_PAIRED_MAX;
    for (int64_t i = first; i < next; i++) {
        double sum[SUMS];
        if (!is_first(data, first, i)) continue;
        add_own(data, i, next, sum);
        exact_add(sums, SUMS * (int64_t)data->thing[i], sum, SUMS);
    }
}

/* What pairs of different units say of one thing, and how much. */
struct pairs {
    double product, weight, curve;
};

static struct pairs pairs_of(const struct exact_sums *sums, int64_t thing)
{
    double sum[SUMS];
    exact_get_all(sums, SUMS * thing, sum, SUMS);
    double weight = sum[WEIGHT] * sum[WEIGHT] - sum[OWN_WEIGHT];
    return (struct pairs){sum[RESIDUAL] * sum[RESIDUAL] - sum[OWN_RESIDUAL], fmax(weight, 0.0),
                          sum[WEIGHT]};
}

/* The products of a thing's pairs have the variance 2 w^2 (1 + w spread)^2, w the sum of its
 * weights: so a thing of many rows does not tell of the spread as it does of its own offset. */
static double solve_spread(const struct exact_sums *sums, int64_t things)
{
    double spread = EFFECTS_USUAL, error = 0.0;
    for (int round = 0; round < SPREAD_ROUNDS; round++) {
        double product = 0.0, weight = 0.0, variance = 0.0, guess = fmax(spread, 0.0);
        for (int64_t t = 0; t < things; t++) {
            struct pairs pairs = pairs_of(sums, t);
            double doubt = 1.0 + pairs.curve * guess, part = 1.0 / (doubt * doubt);
            product += part * pairs.product;
            weight += part * pairs.weight;
            variance += 2.0 * part * pairs.weight;
        }
        if (!(weight > 0.0)) return EFFECTS_USUAL;
        spread = product / weight;
        error = sqrt(variance) / weight;
    }
    return effects_spread_mean(spread, error, 0.0);
}

enum status shared_spread_fit(const struct comm *comm, const struct shared_data *data,
                              double *spread)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    *spread = EFFECTS_USUAL;
    TRY_ALL(comm, exact_init(&sums, SUMS * data->things));
    for (int64_t u = 0; u < data->rows->units; u++) add_unit(data, u, &sums);
    TRY(exact_reduce(comm, &sums));
    *spread = solve_spread(&sums, data->things);
done:
    exact_clear(&sums);
    return status;
}

/* ---- each offset ---- */

static enum status reserve(int64_t things, struct shared_effects *effects, struct exact_sums *sums)
{
    enum status status = OK;
    TRY(memory_new(&effects->mean, things, sizeof *effects->mean));
    TRY(memory_new(&effects->variance, things, sizeof *effects->variance));
    TRY(exact_init(sums, STEP_SUMS * things));
done:
    return status;
}

static void add_rows(const struct shared_data *data, const struct shared_effects *effects,
                     struct exact_sums *sums)
{
    exact_reset(sums);
    for (int64_t i = 0; i < data->rows->start[data->rows->units]; i++) {
        int64_t thing = data->thing[i];
        double p = chance_of((double)data->rows->logit[i] + (double)effects->mean[thing]);
        const double sum[STEP_SUMS] = {(double)data->rows->y[i] - p, p * (1.0 - p)};
        exact_add(sums, STEP_SUMS * thing, sum, STEP_SUMS);
    }
}

/* Take the step of every thing; the largest of them. */
static double take_step(const struct exact_sums *sums, struct shared_effects *effects)
{
    double largest = 0.0;
    for (int64_t t = 0; t < effects->things; t++) {
        double curve = exact_get(sums, STEP_SUMS * t + CURVE) + 1.0 / effects->spread;
        double pull = exact_get(sums, STEP_SUMS * t + GRADIENT);
        double move = (pull - (double)effects->mean[t] / effects->spread) / curve;
        move = fmin(fmax(move, -NEWTON_LONGEST), NEWTON_LONGEST);
        effects->mean[t] = (float)((double)effects->mean[t] + move);
        effects->variance[t] = (float)(1.0 / curve);
        largest = fmax(largest, fabs(move));
    }
    return largest;
}

enum status shared_effects_fit(const struct comm *comm, const struct shared_data *data,
                               double spread, struct shared_effects *effects)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    *effects =
        (struct shared_effects){.things = data->things, .spread = fmax(spread, SMALLEST_VARIANCE)};
    TRY_ALL(comm, reserve(data->things, effects, &sums));
    for (int k = 0; k < NEWTON_STEPS; k++) {
        add_rows(data, effects, &sums);
        TRY(exact_reduce(comm, &sums));
        if (take_step(&sums, effects) < NEWTON_ENOUGH) break;
    }
done:
    exact_clear(&sums);
    if (status != OK) shared_effects_clear(effects);
    return status;
}

void shared_effects_clear(struct shared_effects *effects)
{
    free(effects->mean);
    free(effects->variance);
    *effects = (struct shared_effects){0};
}

double shared_effects_without(const struct shared_effects *effects, int32_t thing, double logit,
                              double y)
{
    double mean = (double)effects->mean[thing], p = chance_of(logit + mean);
    double curve = 1.0 / (double)effects->variance[thing] - p * (1.0 - p);
    return mean - (y - p) / fmax(curve, 1.0 / effects->spread);
}
