/* Moments of units into information, joint posteriors back into slopes. */
#include "jobs/fit_shrink_joint.h"

#include "algorithms/joint.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

struct joint {
    struct joint_units units;
    struct joint_level level[SHRINK_WITHIN + 1];
    double *shrunk, *sd; /* [units][k] */
};

static void joint_clear(struct joint *j, int64_t levels)
{
    free(j->units.information);
    free(j->units.weighted);
    free(j->shrunk);
    free(j->sd);
    for (int64_t l = 0; l < levels; l++) joint_level_clear(&j->level[l]);
}

/* The slopes that some unit tells. */
static enum status find_columns(struct fit_shrink *fit)
{
    const struct unit_regression *r = fit->regression;
    int64_t told = 0;
    for (int64_t c = 0; c < r->columns; c++) told += !r->dropped[c];
    if (told > JOINT_COLUMNS)
        return FAIL(ERR_ARG,
                    "%lld slopes are more than the %d that --joint takes; leave terms out, or "
                    "--joint",
                    (long long)told, JOINT_COLUMNS);
    fit->joint.columns = 0;
    for (int64_t c = 0; c < r->columns; c++)
        if (!r->dropped[c]) fit->joint.column[fit->joint.columns++] = c;
    return OK;
}

static enum status make_room(const struct fit_shrink *fit, struct joint *j)
{
    enum status status = OK;
    int64_t k = fit->joint.columns, units = fit->statistics.units;
    j->units = (struct joint_units){.units = units, .columns = k, .group = fit->group};
    TRY(memory_new(&j->units.information, units * joint_packed(k), sizeof(double)));
    TRY(memory_new(&j->units.weighted, units * k, sizeof(double)));
    TRY(memory_new(&j->shrunk, units * k, sizeof *j->shrunk));
    TRY(memory_new(&j->sd, units * k, sizeof *j->sd));
    for (int64_t l = 0; l < fit->levels; l++)
        TRY(joint_level_init(&j->level[l], fit->level[l].groups, fit->level[l].parent, k));
done:
    return status;
}

/* Products of a unit's centred columns over its error variance. */
static void fill_unit(const struct fit_shrink *fit, bool intercept, int64_t u, struct joint *j)
{
    const struct unit_regression *r = fit->regression;
    const double *m = unit_moments(&fit->statistics, u, 0);
    int64_t k = j->units.columns, v = r->columns + 1;
    double variance = variance_prior_apply(&fit->variance, r->square[u], r->freedom[u]);
    for (int64_t a = 0; a < k; a++)
        for (int64_t b = a; b <= k; b++) {
            int64_t at = fit->joint.column[a], to = b < k ? fit->joint.column[b] : r->columns;
            double sum = moments_product(m, v, at, to);
            if (!intercept) sum += m[0] * m[1 + at] * m[1 + to];
            if (b < k)
                j->units.information[u * joint_packed(k) + joint_at(k, a, b)] = sum / variance;
            else
                j->units.weighted[u * k + a] = sum / variance;
        }
}

/* What is told of the wanted slope, and of all together. */
static void take_levels(const struct joint *j, struct fit_shrink *fit)
{
    int64_t k = j->units.columns, w = 0;
    while (fit->joint.column[w] != fit->wanted) w++;
    for (int64_t l = 0; l < fit->levels; l++) {
        const struct joint_level *from = &j->level[l];
        struct shrink_level *to = &fit->level[l];
        to->spread = sqrt(from->spread[w * k + w]);
        to->members = from->members;
        for (int64_t g = 0; g < to->groups; g++) {
            struct joint_mean own;
            joint_mean_make(k, from->information + g * joint_packed(k), from->weighted + g * k,
                            &own);
            to->estimate[g] = own.told[w] ? own.mean[w] : NAN;
            to->std_error[g] = own.told[w] ? sqrt(own.covariance[w * k + w]) : NAN;
            to->mean[g] = from->mean[g * k + w];
            to->sd[g] = from->sd[g * k + w];
        }
    }
    for (int64_t a = 0; a < k; a++) {
        fit->joint.mean[a] = j->level[fit->levels - 1].mean[a];
        for (int64_t b = 0; b < k; b++)
            fit->joint.spread[a * k + b] = j->level[0].spread[a * k + b];
    }
}

static void take_units(const struct joint *j, struct fit_shrink *fit)
{
    int64_t k = j->units.columns, columns = fit->regression->columns;
    for (int64_t u = 0; u < fit->statistics.units; u++)
        for (int64_t a = 0; a < k; a++) {
            fit->slope[u * columns + fit->joint.column[a]] = j->shrunk[u * k + a];
            if (fit->joint.column[a] != fit->wanted) continue;
            fit->shrunk[u] = j->shrunk[u * k + a];
            fit->shrunk_sd[u] = j->sd[u * k + a];
        }
}

enum status fit_shrink_joint(const struct comm *comm, bool intercept, struct fit_shrink *fit)
{
    enum status status = OK;
    struct joint j = {0};
    int64_t units = fit->statistics.units;
    TRY_ALL(comm, find_columns(fit));
    TRY_ALL(comm, make_room(fit, &j));
    TRY_ALL(comm, memory_new(&fit->slope, units * fit->regression->columns, sizeof *fit->slope));
    for (int64_t u = 0; u < units; u++) fill_unit(fit, intercept, u, &j);
    TRY(joint_fit(comm, &j.units, j.level, fit->levels, j.shrunk, j.sd));
    take_levels(&j, fit);
    take_units(&j, fit);
done:
    joint_clear(&j, fit->levels);
    return status;
}
