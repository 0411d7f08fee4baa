/* Joint empirical Bayes over a tree of groups: spreads upward, posteriors downward. */
#include "algorithms/joint.h"

#include "algorithms/joint_scale.h"
#include "algorithms/joint_spread.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 24, DOUBLINGS = 6 };

#define RULED_OUT 15.0 /* more deviance than the least by so much */
#define NARROW 0.15    /* sizes of the spread within it: what is unsure of it does not matter */

enum status joint_level_init(struct joint_level *level, int64_t groups, const int64_t *parent,
                             int64_t columns)
{
    enum status status = OK;
    *level = (struct joint_level){.groups = groups, .parent = parent};
    int64_t packed = groups * joint_packed(columns);
    TRY(memory_new(&level->information, packed, sizeof *level->information));
    TRY(memory_new(&level->weighted, groups * columns, sizeof *level->weighted));
    TRY(memory_new(&level->mean, groups * columns, sizeof *level->mean));
    TRY(memory_new(&level->sd, groups * columns, sizeof *level->sd));
    TRY(memory_new(&level->covariance, groups * columns * columns, sizeof *level->covariance));
done:
    return status;
}

void joint_level_clear(struct joint_level *level)
{
    free(level->information);
    free(level->weighted);
    free(level->mean);
    free(level->covariance);
    free(level->sd);
    *level = (struct joint_level){0};
}

/* ---- up ---- */

static void take_groups(const struct joint_scene *s, struct joint_level *level)
{
    int64_t packed = level->groups * joint_packed(s->columns);
    memcpy(level->information, s->information, (size_t)packed * sizeof *level->information);
    memcpy(level->weighted, s->weighted,
           (size_t)(level->groups * s->columns) * sizeof *level->weighted);
}

/* The groups of a level as units of the next. */
static struct joint_units units_of(const struct joint_level *level, int64_t columns)
{
    return (struct joint_units){level->groups, columns, level->information, level->weighted,
                                level->parent};
}

/* Spread and groups of one level; the scene stays for who wants to go on with it. */
static enum status fit_level(const struct comm *comm, const struct joint_units *units,
                             struct joint_level *level, struct joint_scene *scene, double *away)
{
    enum status status = OK;
    double deviance;
    TRY(joint_scene_init(comm, units, level->groups, scene));
    TRY(joint_scene_fit(comm, scene, level->spread, away));
    TRY(joint_scene_evaluate(comm, scene, level->spread, &deviance, NULL));
    level->members = scene->members;
    take_groups(scene, level);
done:
    return status;
}

/* ---- down ---- */

/* Posteriors of the groups of all levels, given the groups' own sums and the spreads. */
static void go_down(struct joint_level *level, int64_t levels, int64_t k)
{
    struct joint_mean all;
    struct joint_level *top = &level[levels - 1];
    joint_mean_make(k, top->information, top->weighted, &all);
    memcpy(top->mean, all.mean, (size_t)k * sizeof *top->mean);
    memcpy(top->covariance, all.covariance, (size_t)(k * k) * sizeof *top->covariance);
    for (int64_t l = levels - 2; l >= 0; l--) {
        struct joint_level *at = &level[l], *above = &level[l + 1];
        for (int64_t g = 0; g < at->groups; g++) {
            int64_t parent = at->parent != NULL ? at->parent[g] : 0;
            double *mean = at->mean + g * k, *covariance = at->covariance + g * k * k;
            memcpy(mean, above->mean + parent * k, (size_t)k * sizeof *mean);
            memcpy(covariance, above->covariance + parent * k * k,
                   (size_t)(k * k) * sizeof *covariance);
            joint_posterior(k, above->spread, at->information + g * joint_packed(k),
                            at->weighted + g * k, mean, covariance);
        }
    }
}

static void take_deviations(struct joint_level *level, int64_t levels, int64_t k)
{
    for (int64_t l = 0; l < levels; l++)
        for (int64_t i = 0; i < level[l].groups * k; i++)
            level[l].sd[i] = sqrt(fmax(level[l].covariance[i * k + i % k], 0.0));
}

static void posterior_of(const struct joint_units *units, int64_t u, const double *spread,
                         const double *group_mean, const double *group_covariance, double *mean,
                         double *covariance)
{
    int64_t k = units->columns, group = units->group != NULL ? units->group[u] : 0;
    memcpy(mean, group_mean + group * k, (size_t)k * sizeof *mean);
    memcpy(covariance, group_covariance + group * k * k, (size_t)(k * k) * sizeof *covariance);
    joint_posterior(k, spread, units->information + u * joint_packed(k), units->weighted + u * k,
                    mean, covariance);
}

static void shrink_all(const struct joint_units *units, const struct joint_level *level,
                       double *shrunk, double *sd)
{
    int64_t k = units->columns;
    double covariance[JOINT_SQUARE];
    for (int64_t u = 0; u < units->units; u++) {
        posterior_of(units, u, level->spread, level->mean, level->covariance, shrunk + u * k,
                     covariance);
        for (int64_t j = 0; j < k; j++) sd[u * k + j] = sqrt(fmax(covariance[j * k + j], 0.0));
    }
}

/* ---- the size of the units' spread, averaged over ---- */

struct sizes {
    double low, high;
    double least; /* deviance */
};

static enum status try_size(const struct comm *comm, struct joint_scene *scene, const double *shape,
                            double size, double *spread, double *deviance)
{
    for (int64_t i = 0; i < scene->columns * scene->columns; i++)
        spread[i] = size * size * shape[i];
    return joint_scene_evaluate(comm, scene, spread, deviance, NULL);
}

/* Doubled and halved until ruled out. */
static enum status find_sizes(const struct comm *comm, struct joint_scene *scene,
                              const double *shape, struct sizes *sizes)
{
    enum status status = OK;
    double spread[JOINT_SQUARE], deviance;
    TRY(try_size(comm, scene, shape, 1.0, spread, &sizes->least));
    for (int up = 0; up < 2; up++) {
        double *end = up ? &sizes->high : &sizes->low, step = 1.0 / 32.0;
        for (int t = 0; t < 2 * DOUBLINGS; t++, step *= 2.0) {
            *end = up ? 1.0 + step : fmax(1.0 - step, 0.0);
            TRY(try_size(comm, scene, shape, *end, spread, &deviance));
            sizes->least = fmin(sizes->least, deviance);
            if (deviance > sizes->least + RULED_OUT || *end == 0.0) break;
        }
    }
done:
    return status;
}

/* Each unit's mean squares about what it was shrunk to, at one size. */
static void add_size(const struct joint_units *units, const struct joint_level *level,
                     const double *spread, double weight, const double *shrunk, double *square)
{
    int64_t k = units->columns;
    double mean[JOINT_COLUMNS], covariance[JOINT_SQUARE];
    for (int64_t u = 0; u < units->units; u++) {
        posterior_of(units, u, spread, level->mean, level->covariance, mean, covariance);
        for (int64_t j = 0; j < k; j++) {
            double off = mean[j] - shrunk[u * k + j];
            square[u * k + j] += weight * (covariance[j * k + j] + off * off);
        }
    }
}

/* The same of the group that all lie in, if there is one. */
static void add_top(const struct joint_level *level, int64_t k, double weight, const double *top,
                    double *square)
{
    for (int64_t j = 0; j < k && level->groups == 1; j++) {
        double off = level->mean[j] - top[j];
        square[j] += weight * (level->covariance[j * k + j] + off * off);
    }
}

struct averaged {
    const double *shrunk; /* [units][k] */
    double *sd;           /* [units][k] out */
};

/* The levels are given back as they were, but for the deviations of the last one. */
static enum status average(const struct comm *comm, struct joint_scene *scene, const double *shape,
                           const struct sizes *sizes, struct joint_level *level, int64_t levels,
                           const struct averaged *out)
{
    enum status status = OK;
    const struct joint_units *units = scene->units;
    double *square = NULL, deviance[POINTS], spread[JOINT_SQUARE], all = 0, as_it_was;
    double top[JOINT_COLUMNS], top_square[JOINT_COLUMNS] = {0};
    int64_t k = units->columns;
    memcpy(top, level->mean, (size_t)k * sizeof *top);
    TRY_ALL(comm, memory_new(&square, units->units * k, sizeof *square));
    for (int pass = 0; pass < 2; pass++)
        for (int t = 0; t < POINTS; t++) {
            double size = sizes->low + (sizes->high - sizes->low) * t / (POINTS - 1);
            double end = t == 0 || t == POINTS - 1 ? 0.5 : 1.0, weight;
            if (pass > 0 && !(deviance[t] < sizes->least + 2.0 * RULED_OUT)) continue;
            TRY(try_size(comm, scene, shape, size, spread, &deviance[t]));
            weight = end * size * exp(0.5 * (sizes->least - deviance[t]));
            all += pass == 0 ? weight : 0.0;
            if (pass == 0) continue;
            take_groups(scene, level);
            go_down(level, levels, k);
            add_size(units, level, spread, weight / all, out->shrunk, square);
            add_top(level, k, weight / all, top, top_square);
        }
    for (int64_t i = 0; i < units->units * k && all > 0.0; i++) out->sd[i] = sqrt(square[i]);
    for (int64_t j = 0; j < k && all > 0.0 && levels == 1; j++) level->sd[j] = sqrt(top_square[j]);
    TRY(joint_scene_evaluate(comm, scene, level->spread, &as_it_was, NULL));
    take_groups(scene, level);
    go_down(level, levels, k);
done:
    free(square);
    return status;
}

/* Fit the levels from the first on; scenes and shapes of them all are kept for what follows. */
struct tree {
    struct joint_units units[JOINT_LEVELS];
    struct joint_scene scene[JOINT_LEVELS];
    double away[JOINT_LEVELS][JOINT_SQUARE];
};

static enum status fit_above(struct tree *tree, struct joint_level *level, int64_t levels)
{
    enum status status = OK;
    struct comm self = comm_self();
    for (int64_t l = 1; l < levels; l++) {
        tree->units[l] = units_of(&level[l - 1], tree->units[0].columns);
        TRY(fit_level(&self, &tree->units[l], &level[l], &tree->scene[l], tree->away[l]));
    }
done:
    return status;
}

static enum status widen(const struct comm *comm, struct tree *tree, int64_t l,
                         struct joint_level *level, int64_t levels, const struct averaged *out)
{
    enum status status = OK;
    struct joint_scene *scene = &tree->scene[l];
    struct sizes sizes = {0};
    if (scene->members <= scene->with) return OK;
    TRY(find_sizes(comm, scene, tree->away[l], &sizes));
    if (sizes.high - sizes.low > NARROW)
        TRY(average(comm, scene, tree->away[l], &sizes, &level[l], levels - l, out));
done:
    return status;
}

static enum status widen_above(struct tree *tree, struct joint_level *level, int64_t levels)
{
    enum status status = OK;
    struct comm self = comm_self();
    for (int64_t l = levels - 1; l > 0; l--) {
        const struct averaged groups = {level[l - 1].mean, level[l - 1].sd};
        TRY(widen(&self, tree, l, level, levels, &groups));
    }
done:
    return status;
}

static enum status fit_scaled(const struct comm *comm, const struct joint_units *units,
                              struct joint_level *level, int64_t levels, double *shrunk, double *sd)
{
    enum status status = OK;
    struct tree *tree = NULL;
    const struct averaged out = {shrunk, sd};
    TRY_ALL(comm, memory_new(&tree, 1, sizeof *tree));
    tree->units[0] = *units;
    TRY(fit_level(comm, &tree->units[0], &level[0], &tree->scene[0], tree->away[0]));
    TRY_ALL(comm, fit_above(tree, level, levels));
    go_down(level, levels, units->columns);
    take_deviations(level, levels, units->columns);
    shrink_all(units, &level[0], shrunk, sd);
    TRY_ALL(comm, widen_above(tree, level, levels));
    TRY(widen(comm, tree, 0, level, levels, &out));
done:
    for (int64_t l = 0; l < levels && tree != NULL; l++) joint_scene_clear(&tree->scene[l]);
    free(tree);
    return status;
}

enum status joint_fit(const struct comm *comm, struct joint_units *units, struct joint_level *level,
                      int64_t levels, double *shrunk, double *sd)
{
    enum status status = OK;
    struct joint_scale scale;
    int64_t k = units->columns;
    if (k < 1 || k > JOINT_COLUMNS)
        return FAIL(ERR_ARG, "%lld coefficients are more than the %d that are shrunk jointly",
                    (long long)k, JOINT_COLUMNS);
    if (levels < 1 || levels > JOINT_LEVELS || level[levels - 1].groups != 1)
        return FAIL(ERR_BUG, "1 to %d levels, and the last has one group", JOINT_LEVELS);
    TRY(joint_scale_units(comm, units, &scale));
    TRY(fit_scaled(comm, units, level, levels, shrunk, sd));
    joint_scale_undo(&scale, units);
    for (int64_t l = 0; l < levels; l++) joint_scale_level(&scale, k, &level[l]);
    for (int64_t i = 0; i < units->units * k; i++) {
        shrunk[i] = (shrunk[i] + scale.centre[i % k]) * scale.unit[i % k];
        sd[i] *= scale.unit[i % k];
    }
done:
    return status;
}
