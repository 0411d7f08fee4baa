/* Empirical Bayes over a tree of groups: spreads upward, posteriors downward. */
#include "algorithms/shrink.h"

#include "algorithms/shrink_spread.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum status shrink_level_init(struct shrink_level *level, int64_t groups, const int64_t *parent)
{
    enum status status = OK;
    *level = (struct shrink_level){.groups = groups, .parent = parent};
    TRY(memory_new(&level->estimate, groups, sizeof *level->estimate));
    TRY(memory_new(&level->std_error, groups, sizeof *level->std_error));
    TRY(memory_new(&level->mean, groups, sizeof *level->mean));
    TRY(memory_new(&level->sd, groups, sizeof *level->sd));
done:
    return status;
}

void shrink_level_clear(struct shrink_level *level)
{
    free(level->estimate);
    free(level->std_error);
    free(level->mean);
    free(level->sd);
    *level = (struct shrink_level){0};
}

void shrink_one(double estimate, double std_error, double spread, double *mean, double *sd)
{
    double t = spread * spread, s = std_error * std_error;
    if (!shrink_counts(std_error)) {
        *sd = hypot(spread, *sd);
        return;
    }
    double lost = s / (t + s);
    *mean = (1.0 - lost) * estimate + lost * *mean;
    *sd = sqrt(lost * t + lost * lost * *sd * *sd);
}

/* The groups of a level as units of the next. */
static struct shrink_units units_of(const struct shrink_level *level)
{
    return (struct shrink_units){.units = level->groups,
                                 .estimate = level->estimate,
                                 .std_error = level->std_error,
                                 .group = level->parent};
}

static void all_posterior(const struct shrink_units *units, const struct shrink_level *level,
                          double *mean, double *sd)
{
    for (int64_t i = 0; i < units->units; i++) {
        int64_t group = units->group != NULL ? units->group[i] : 0;
        mean[i] = level->mean[group];
        sd[i] = level->sd[group];
        shrink_one(units->estimate[i], units->std_error[i], level->spread, &mean[i], &sd[i]);
    }
}

enum status shrink_tree_fit(const struct comm *comm, const struct shrink_units *units,
                            struct shrink_level *level, int64_t levels, double *shrunk,
                            double *shrunk_sd)
{
    enum status status = OK;
    struct comm self = comm_self();
    if (levels < 1 || level[levels - 1].groups != 1)
        return FAIL(ERR_BUG, "the last level of a tree has one group");
    TRY(shrink_spread_fit(comm, units, &level[0]));
    for (int64_t l = 1; l < levels; l++) {
        struct shrink_units below = units_of(&level[l - 1]);
        TRY_ALL(comm, shrink_spread_fit(&self, &below, &level[l]));
    }
    level[levels - 1].mean[0] = level[levels - 1].estimate[0];
    level[levels - 1].sd[0] = level[levels - 1].std_error[0];
    for (int64_t l = levels - 1; l > 0; l--) {
        struct shrink_units below = units_of(&level[l - 1]);
        all_posterior(&below, &level[l], level[l - 1].mean, level[l - 1].sd);
    }
    all_posterior(units, &level[0], shrunk, shrunk_sd);
done:
    return status;
}

/* Mean of tau^2 over the spreads that are not ruled out. */
static double mean_square(const struct shrink_grid *grid)
{
    double most = -INFINITY, whole = 0, sum = 0;
    for (int64_t k = 0; k < grid->spreads; k++) most = fmax(most, grid->log_weight[k]);
    for (int64_t k = 0; k < grid->spreads; k++) {
        double weight = exp(grid->log_weight[k] - most);
        whole += weight;
        sum += weight * grid->spread[k] * grid->spread[k];
    }
    return sum / whole;
}

enum status shrink_centred_fit(const struct comm *comm, const struct shrink_units *units,
                               int64_t groups, struct shrink_centres *centres, double *shrunk,
                               double *shrunk_sd)
{
    enum status status = OK;
    struct shrink_level level = {0};
    struct shrink_grid grid = {0};
    TRY_ALL(comm, shrink_level_init(&level, groups, NULL));
    TRY(shrink_spread_fit(comm, units, &level));
    TRY(shrink_grid_make(comm, units, groups, level.spread, &grid));
    double square = mean_square(&grid);
    comm_broadcast(comm, &square, sizeof square, 0); /* one library of functions decides */
    centres->spread = sqrt(square);
    centres->members = level.members;
    for (int64_t i = 0; i < units->units; i++) {
        bool own = shrink_counts(units->std_error[i]);
        shrunk[i] = 0.0;
        shrunk_sd[i] = centres->sd[i];
        shrink_one(own ? units->estimate[i] : 0.0, units->std_error[i], centres->spread, &shrunk[i],
                   &shrunk_sd[i]);
    }
done:
    shrink_grid_clear(&grid);
    shrink_level_clear(&level);
    return status;
}

enum status shrink_fit(const struct comm *comm, const struct shrink_units *units, double *shrunk,
                       double *shrunk_sd, struct shrink_prior *prior)
{
    enum status status = OK;
    struct shrink_units in_one = *units;
    struct shrink_level all = {0};
    in_one.group = NULL;
    *prior = (struct shrink_prior){0};
    TRY_ALL(comm, shrink_level_init(&all, 1, NULL));
    TRY(shrink_tree_fit(comm, &in_one, &all, 1, shrunk, shrunk_sd));
    *prior = (struct shrink_prior){all.mean[0], all.spread, all.members};
done:
    shrink_level_clear(&all);
    return status;
}

/* The ratio of density to lower tail of the standard normal at -a, for any a. */
static double tail_ratio(double a)
{
    const double root = 0.79788456080286535588; /* sqrt(2 / pi) */
    if (a > 20.0) {
        double inverse = 1.0 / (a * a); /* Laplace's series, 1e-16 from here on */
        return a / (1.0 - inverse * (1.0 - inverse * (3.0 - inverse * (15.0 - 105.0 * inverse))));
    }
    return root * exp(-0.5 * a * a) / erfc(a * 0.70710678118654752440);
}

void shrink_below_zero(double *mean, double *sd)
{
    if (!(*sd > 0.0)) {
        if (*mean > 0.0) *mean = 0.0;
        return;
    }
    double a = *mean / *sd, ratio = tail_ratio(a);
    double left = 1.0 + ratio * (a - ratio);
    *mean = fmin(*mean - *sd * ratio, 0.0);
    *sd *= sqrt(left > 0.0 ? left : 0.0);
}
