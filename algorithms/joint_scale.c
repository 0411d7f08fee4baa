/* Scales and centres of joint empirical Bayes. */
#include "algorithms/joint_scale.h"

#include "mpi/exact.h"

#include <math.h>

/* Mean information about each coefficient, over the units. */
static enum status find_units(const struct comm *comm, const struct joint_units *units,
                              struct joint_scale *scale)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    int64_t k = units->columns, packed = joint_packed(k);
    double most[JOINT_COLUMNS] = {0};
    for (int64_t u = 0; u < units->units; u++)
        for (int64_t j = 0; j < k; j++)
            most[j] = fmax(most[j], units->information[u * packed + joint_at(k, j, j)]);
    comm_max_double(comm, most, k);
    TRY_ALL(comm, exact_init(&sums, 2 * k));
    for (int64_t u = 0; u < units->units; u++)
        for (int64_t j = 0; j < k; j++) {
            double own = units->information[u * packed + joint_at(k, j, j)];
            if (!(own > 0.0)) continue;
            exact_add_one(&sums, j, own / most[j]);
            exact_add_one(&sums, k + j, 1.0);
        }
    TRY(exact_reduce(comm, &sums));
    for (int64_t j = 0; j < k; j++) {
        double mean = most[j] * (exact_get(&sums, j) / exact_get(&sums, k + j));
        int exponent = 0;
        scale->unit[j] = 1.0;
        if (!(most[j] > 0.0)) continue;
        frexp(1.0 / sqrt(mean), &exponent);
        scale->unit[j] = ldexp(1.0, exponent);
    }
done:
    exact_clear(&sums);
    return status;
}

static void multiply(const struct joint_scale *scale, int64_t k, double *information,
                     double *weighted, bool up)
{
    for (int64_t i = 0; i < k; i++) {
        double unit = up ? scale->unit[i] : 1.0 / scale->unit[i];
        for (int64_t j = i; j < k; j++)
            information[joint_at(k, i, j)] *= unit * (up ? scale->unit[j] : 1.0 / scale->unit[j]);
        weighted[i] *= unit;
    }
}

/* weighted += sign information centre */
static void shift(const struct joint_scale *scale, int64_t k, const double *information,
                  double *weighted, double sign)
{
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++)
            weighted[i] += sign * information[joint_at(k, i, j)] * scale->centre[j];
}

/* The mean of all units as if they had one. */
static enum status find_centre(const struct comm *comm, const struct joint_units *units,
                               struct joint_scale *scale)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    struct joint_mean mean;
    int64_t k = units->columns, packed = joint_packed(k);
    double most = 0, information[JOINT_PACKED], weighted[JOINT_COLUMNS];
    for (int64_t i = 0; i < units->units * k; i++) most = fmax(most, fabs(units->weighted[i]));
    comm_max_double(comm, &most, 1);
    TRY_ALL(comm, exact_init(&sums, packed + k));
    for (int64_t u = 0; u < units->units; u++) {
        exact_add(&sums, 0, units->information + u * packed, packed);
        for (int64_t j = 0; j < k && most > 0.0; j++)
            exact_add_one(&sums, packed + j, units->weighted[u * k + j] / most);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, information, packed);
    exact_get_all(&sums, packed, weighted, k);
    joint_mean_make(k, information, weighted, &mean);
    for (int64_t j = 0; j < k; j++) scale->centre[j] = most * mean.mean[j];
done:
    exact_clear(&sums);
    return status;
}

enum status joint_scale_units(const struct comm *comm, struct joint_units *units,
                              struct joint_scale *scale)
{
    enum status status = OK;
    int64_t k = units->columns, packed = joint_packed(k);
    TRY(find_units(comm, units, scale));
    for (int64_t u = 0; u < units->units; u++)
        multiply(scale, k, units->information + u * packed, units->weighted + u * k, true);
    TRY(find_centre(comm, units, scale));
    for (int64_t u = 0; u < units->units; u++)
        shift(scale, k, units->information + u * packed, units->weighted + u * k, -1.0);
done:
    return status;
}

static void undo(const struct joint_scale *scale, int64_t k, double *information, double *weighted)
{
    shift(scale, k, information, weighted, 1.0);
    multiply(scale, k, information, weighted, false);
}

void joint_scale_undo(const struct joint_scale *scale, struct joint_units *units)
{
    int64_t k = units->columns, packed = joint_packed(k);
    for (int64_t u = 0; u < units->units; u++)
        undo(scale, k, units->information + u * packed, units->weighted + u * k);
}

void joint_scale_level(const struct joint_scale *scale, int64_t columns, struct joint_level *level)
{
    int64_t k = columns, packed = joint_packed(k);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) level->spread[i * k + j] *= scale->unit[i] * scale->unit[j];
    for (int64_t g = 0; g < level->groups; g++) {
        undo(scale, k, level->information + g * packed, level->weighted + g * k);
        for (int64_t i = 0; i < k; i++) {
            double *mean = &level->mean[g * k + i];
            *mean = (*mean + scale->centre[i]) * scale->unit[i];
            level->sd[g * k + i] *= scale->unit[i];
            for (int64_t j = 0; j < k; j++)
                level->covariance[(g * k + i) * k + j] *= scale->unit[i] * scale->unit[j];
        }
    }
}
