/* Posteriors averaged over the spreads of all levels. */
#include "algorithms/shrink.h"
#include "algorithms/shrink_spread.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* Posterior distances from what is taken for the mean: their means, and those of their squares. */
struct distances {
    double *first, *second;
};

/* The mean of units, or groups, on one level, averaged over its spread and all above. */
struct average {
    struct distances member; /* from `shrunk` */
    struct distances group;  /* from the level's mean */
    double log_likelihood;
};

static enum status distances_init(struct distances *d, int64_t count)
{
    enum status status = OK;
    TRY(memory_new(&d->first, count, sizeof *d->first));
    TRY(memory_new(&d->second, count, sizeof *d->second));
done:
    return status;
}

static enum status average_init(struct average *a, int64_t members, int64_t groups)
{
    enum status status = OK;
    TRY(distances_init(&a->member, members));
    TRY(distances_init(&a->group, groups));
done:
    return status;
}

static void average_clear(struct average *a)
{
    free(a->member.first);
    free(a->member.second);
    free(a->group.first);
    free(a->group.second);
}

static void add_distance(struct distances *d, int64_t i, double weight, double off, double sd)
{
    d->first[i] += weight * off;
    d->second[i] += weight * (off * off + sd * sd);
}

/* Weights that add up to 1, from their logs; returns the log of the sum. */
static double normalise(double *log_weight, int64_t count)
{
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < count; k++) most = fmax(most, log_weight[k]);
    for (int64_t k = 0; k < count; k++) sum += exp(log_weight[k] - most);
    for (int64_t k = 0; k < count; k++) log_weight[k] = exp(log_weight[k] - most) / sum;
    return most + log(sum);
}

/* The groups of a level at one of its spreads, as units of the next. */
static struct shrink_units groups_at(const struct shrink_grid *grid, const struct shrink_level *at,
                                     int64_t k)
{
    return (struct shrink_units){.units = grid->groups,
                                 .estimate = grid->estimate + k * grid->groups,
                                 .std_error = grid->std_error + k * grid->groups,
                                 .group = at->parent};
}

static enum status average_units(const struct comm *comm, const struct shrink_units *units,
                                 const struct shrink_level *level, int64_t levels,
                                 const double *shrunk, struct average *out);

/* Posterior means and standard deviations of the groups at each spread, over all spreads above;
 * what the levels above say of the spread is added to its weight. */
static enum status average_groups(const struct shrink_level *level, int64_t levels,
                                  struct shrink_grid *grid, double *mean, double *sd)
{
    enum status status = OK;
    struct comm self = comm_self();
    struct average above = {0};
    for (int64_t k = 0; k < grid->spreads; k++, mean += grid->groups, sd += grid->groups) {
        const struct shrink_units groups = groups_at(grid, level, k);
        if (!isfinite(grid->log_weight[k])) continue;
        if (levels == 1) {
            mean[0] = groups.estimate[0];
            sd[0] = groups.std_error[0];
            continue;
        }
        TRY(average_init(&above, groups.units, level[1].groups));
        TRY(average_units(&self, &groups, level + 1, levels - 1, level->mean, &above));
        for (int64_t g = 0; g < groups.units; g++) {
            double off = above.member.first[g];
            mean[g] = level->mean[g] + off;
            sd[g] = sqrt(fmax(above.member.second[g] - off * off, 0.0));
        }
        grid->log_weight[k] += above.log_likelihood;
        average_clear(&above);
        above = (struct average){0};
    }
done:
    average_clear(&above);
    return status;
}

static void add_all(const struct shrink_units *units, const struct shrink_level *level,
                    const struct shrink_grid *grid, const double *mean, const double *sd,
                    const double *shrunk, struct average *out)
{
    for (int64_t k = 0; k < grid->spreads; k++) {
        double weight = grid->log_weight[k]; /* as normalise leaves it */
        int64_t at = k * grid->groups;
        if (!(weight > 0.0)) continue;
        for (int64_t g = 0; g < grid->groups; g++)
            add_distance(&out->group, g, weight, mean[at + g] - level->mean[g], sd[at + g]);
        for (int64_t i = 0; i < units->units; i++) {
            int64_t group = at + (units->group != NULL ? units->group[i] : 0);
            double of_unit = mean[group], of_unit_sd = sd[group];
            shrink_one(units->estimate[i], units->std_error[i], grid->spread[k], &of_unit,
                       &of_unit_sd);
            add_distance(&out->member, i, weight, of_unit - shrunk[i], of_unit_sd);
        }
    }
}

static enum status average_units(const struct comm *comm, const struct shrink_units *units,
                                 const struct shrink_level *level, int64_t levels,
                                 const double *shrunk, struct average *out)
{
    enum status status = OK;
    struct shrink_grid grid = {0};
    double *mean = NULL, *sd = NULL;
    TRY(shrink_grid_make(comm, units, level->groups, level->spread, &grid));
    TRY_ALL(comm, memory_new(&mean, grid.spreads * grid.groups, sizeof *mean));
    TRY_ALL(comm, memory_new(&sd, grid.spreads * grid.groups, sizeof *sd));
    TRY_ALL(comm, average_groups(level, levels, &grid, mean, sd));
    out->log_likelihood = normalise(grid.log_weight, grid.spreads);
    add_all(units, level, &grid, mean, sd, shrunk, out);
done:
    shrink_grid_clear(&grid);
    free(mean);
    free(sd);
    return status;
}

/* Widen the units and groups of one level, given the spreads below. */
static enum status widen(const struct comm *comm, const struct shrink_units *units,
                         struct shrink_level *level, int64_t levels, const double *shrunk,
                         double *units_sd)
{
    enum status status = OK;
    struct average average = {0};
    TRY_ALL(comm, average_init(&average, units->units, level->groups));
    TRY(average_units(comm, units, level, levels, shrunk, &average));
    for (int64_t i = 0; i < units->units && units_sd != NULL; i++)
        units_sd[i] = sqrt(average.member.second[i]);
    for (int64_t g = 0; g < level->groups; g++) level->sd[g] = sqrt(average.group.second[g]);
done:
    average_clear(&average);
    return status;
}

enum status shrink_tree_widen(const struct comm *comm, const struct shrink_units *units,
                              struct shrink_level *level, int64_t levels, const double *shrunk,
                              double *shrunk_sd)
{
    enum status status = OK;
    struct comm self = comm_self();
    for (int64_t l = levels - 1; l > 0; l--) {
        const struct shrink_units groups = {level[l - 1].groups, level[l - 1].estimate,
                                            level[l - 1].std_error, level[l - 1].parent};
        TRY_ALL(comm, widen(&self, &groups, &level[l], levels - l, level[l - 1].mean, NULL));
    }
    TRY(widen(comm, units, &level[0], levels, shrunk, shrunk_sd));
done:
    return status;
}
