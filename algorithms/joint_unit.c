/* Small dense algebra of one unit. */
#include "algorithms/joint_unit.h"

#include <math.h>
#include <string.h>

#define TOLD 1e-11 /* of a diagonal: a pivot below it is told by none */

/* A X = B with [k][k] and [k][sides], by elimination with pivots; B becomes X. Returns log |A|. */
static double solve(int64_t k, int64_t sides, double *a, double *b)
{
    double log_det = 0;
    for (int64_t c = 0; c < k; c++) {
        int64_t p = c;
        for (int64_t i = c + 1; i < k; i++)
            if (fabs(a[i * k + c]) > fabs(a[p * k + c])) p = i;
        for (int64_t j = 0; j < k && p != c; j++) {
            double kept = a[c * k + j];
            a[c * k + j] = a[p * k + j];
            a[p * k + j] = kept;
        }
        for (int64_t j = 0; j < sides && p != c; j++) {
            double kept = b[c * sides + j];
            b[c * sides + j] = b[p * sides + j];
            b[p * sides + j] = kept;
        }
        log_det += log(fabs(a[c * k + c]));
        for (int64_t i = c + 1; i < k; i++) {
            double part = a[i * k + c] / a[c * k + c];
            for (int64_t j = c + 1; j < k; j++) a[i * k + j] -= part * a[c * k + j];
            for (int64_t j = 0; j < sides; j++) b[i * sides + j] -= part * b[c * sides + j];
        }
    }
    for (int64_t c = k - 1; c >= 0; c--)
        for (int64_t j = 0; j < sides; j++) {
            for (int64_t i = c + 1; i < k; i++) b[c * sides + j] -= a[c * k + i] * b[i * sides + j];
            b[c * sides + j] /= a[c * k + c];
        }
    return log_det;
}

/* I + L T. */
static void system_of(int64_t k, const double *spread, const double *information, double *a)
{
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) {
            double sum = i == j ? 1.0 : 0.0;
            for (int64_t m = 0; m < k; m++)
                sum += information[joint_at(k, i, m)] * spread[m * k + j];
            a[i * k + j] = sum;
        }
}

void joint_share_make(int64_t k, const double *spread, const double *information,
                      const double *estimate, const double *weighted, struct joint_share *share)
{
    double a[JOINT_SQUARE], b[JOINT_SQUARE + JOINT_COLUMNS];
    int64_t sides = k + 1;
    system_of(k, spread, information, a);
    for (int64_t i = 0; i < k; i++) {
        for (int64_t j = 0; j < k; j++) b[i * sides + j] = information[joint_at(k, i, j)];
        b[i * sides + k] = weighted[i];
    }
    share->deviance = solve(k, sides, a, b);
    for (int64_t i = 0; i < k; i++) {
        share->weighted[i] = b[i * sides + k];
        for (int64_t j = i; j < k; j++)
            share->information[joint_at(k, i, j)] = 0.5 * (b[i * sides + j] + b[j * sides + i]);
        share->deviance += estimate[i] * share->weighted[i];
    }
}

/* Lower factor of what is told; rows and columns of the rest are 0. */
static void factor_told(int64_t k, const double *information, double *lower, bool *told)
{
    memset(lower, 0, (size_t)(k * k) * sizeof *lower);
    for (int64_t j = 0; j < k; j++) {
        double own = information[joint_at(k, j, j)], left = own;
        for (int64_t m = 0; m < j; m++) left -= lower[j * k + m] * lower[j * k + m];
        told[j] = own > 0.0 && left > TOLD * own;
        if (!told[j]) {
            memset(lower + j * k, 0, (size_t)k * sizeof *lower);
            continue;
        }
        lower[j * k + j] = sqrt(left);
        for (int64_t i = j + 1; i < k; i++) {
            double sum = information[joint_at(k, i, j)];
            for (int64_t m = 0; m < j; m++) sum -= lower[i * k + m] * lower[j * k + m];
            lower[i * k + j] = sum / lower[j * k + j];
        }
    }
}

/* The inverse of a lower factor, in place, but for what is not told. */
static void invert_lower(int64_t k, double *lower, const bool *told)
{
    for (int64_t j = 0; j < k; j++) {
        if (!told[j]) continue;
        lower[j * k + j] = 1.0 / lower[j * k + j];
        for (int64_t i = j + 1; i < k; i++) {
            if (!told[i]) continue;
            double sum = 0;
            for (int64_t m = j; m < i; m++) sum += lower[i * k + m] * lower[m * k + j];
            lower[i * k + j] = -sum / lower[i * k + i];
        }
    }
}

void joint_mean_make(int64_t k, const double *information, const double *weighted,
                     struct joint_mean *mean)
{
    double lower[JOINT_SQUARE];
    factor_told(k, information, lower, mean->told);
    mean->deviance = 0;
    for (int64_t j = 0; j < k; j++)
        if (mean->told[j]) mean->deviance += 2.0 * log(lower[j * k + j]);
    invert_lower(k, lower, mean->told);
    for (int64_t i = 0; i < k; i++) {
        mean->mean[i] = 0;
        for (int64_t j = 0; j < k; j++) {
            double sum = 0;
            for (int64_t m = i > j ? i : j; m < k; m++) sum += lower[m * k + i] * lower[m * k + j];
            mean->covariance[i * k + j] = mean->told[i] && mean->told[j] ? sum : 0.0;
            mean->mean[i] += mean->covariance[i * k + j] * weighted[j];
        }
        mean->deviance -= mean->mean[i] * weighted[i];
    }
}

void joint_posterior(int64_t k, const double *spread, const double *information,
                     const double *weighted, double *mean, double *covariance)
{
    double a[JOINT_SQUARE], b[2 * JOINT_SQUARE], off[JOINT_COLUMNS], from[JOINT_SQUARE];
    int64_t sides = 2 * k;
    system_of(k, spread, information, from);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) {
            a[i * k + j] = from[j * k + i];
            b[i * sides + j] = spread[i * k + j];
            b[i * sides + k + j] = i == j ? 1.0 : 0.0;
        }
    solve(k, sides, a, b); /* [(I + T L)^-1 T, (I + T L)^-1] */
    for (int64_t i = 0; i < k; i++) {
        off[i] = weighted[i];
        for (int64_t j = 0; j < k; j++) off[i] -= information[joint_at(k, i, j)] * mean[j];
    }
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) mean[i] += b[i * sides + j] * off[j];
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) {
            from[i * k + j] = 0;
            for (int64_t m = 0; m < k; m++)
                from[i * k + j] += b[i * sides + k + m] * covariance[m * k + j];
        }
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++) {
            double sum = 0.5 * (b[i * sides + j] + b[j * sides + i]);
            for (int64_t m = 0; m < k; m++) sum += from[i * k + m] * b[j * sides + k + m];
            covariance[i * k + j] = sum;
        }
}

bool joint_factor(int64_t k, const double *a, double *factor)
{
    double packed[JOINT_PACKED] = {0};
    bool told[JOINT_COLUMNS], all = true;
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = i; j < k; j++) packed[joint_at(k, i, j)] = a[i * k + j];
    factor_told(k, packed, factor, told);
    for (int64_t j = 0; j < k; j++) all = all && told[j];
    return all;
}
