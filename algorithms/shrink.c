/* Normal-normal empirical Bayes. */
#include "algorithms/shrink.h"

#include <math.h>
#include <stdbool.h>

static bool counts(const double *std_error, int64_t i)
{
    return isfinite(std_error[i]) && std_error[i] > 0.0;
}

/* The best mean for a given tau: precision-weighted. */
static double mean_at(const double *estimate, const double *std_error, int64_t units, double tau)
{
    double sum = 0, weight = 0;
    for (int64_t i = 0; i < units; i++) {
        if (!counts(std_error, i)) continue;
        double w = 1.0 / (std_error[i] * std_error[i] + tau * tau);
        sum += w * estimate[i];
        weight += w;
    }
    return sum / weight;
}

/* Twice the negative log-likelihood at tau, the mean profiled out and restricted (REML) for it. */
static double deviance(const double *estimate, const double *std_error, int64_t units, double tau)
{
    double mean = mean_at(estimate, std_error, units, tau), sum = 0, weight = 0;
    for (int64_t i = 0; i < units; i++) {
        if (!counts(std_error, i)) continue;
        double variance = std_error[i] * std_error[i] + tau * tau, off = estimate[i] - mean;
        sum += log(variance) + off * off / variance;
        weight += 1.0 / variance;
    }
    return sum + log(weight);
}

/* Golden-section search over log tau between bounds that no sensible spread leaves. */
static double best_tau(const double *estimate, const double *std_error, int64_t units, double scale)
{
    const double ratio = 0.6180339887498949;
    double low = log(1e-4 * scale), high = log(1e2 * scale);
    for (int step = 0; step < 80; step++) {
        double left = high - ratio * (high - low), right = low + ratio * (high - low);
        if (deviance(estimate, std_error, units, exp(left)) <
            deviance(estimate, std_error, units, exp(right)))
            high = right;
        else
            low = left;
    }
    double tau = exp(0.5 * (low + high));
    bool none =
        deviance(estimate, std_error, units, 0.0) <= deviance(estimate, std_error, units, tau);
    return none ? 0.0 : tau;
}

/* A length in the units of the estimates: the larger of their spread and their least error. */
static double scale_of(const double *estimate, const double *std_error, int64_t units)
{
    double low = INFINITY, high = -INFINITY, error = INFINITY;
    for (int64_t i = 0; i < units; i++) {
        if (!counts(std_error, i)) continue;
        low = fmin(low, estimate[i]);
        high = fmax(high, estimate[i]);
        error = fmin(error, std_error[i]);
    }
    return fmax(high - low, error);
}

enum status shrink_fit(const double *estimate, const double *std_error, int64_t units,
                       double *shrunk, double *shrunk_sd, struct shrink_prior *prior)
{
    *prior = (struct shrink_prior){0};
    for (int64_t i = 0; i < units; i++) prior->units += counts(std_error, i);
    if (prior->units == 0) return FAIL(ERR_NUMERIC, "nothing to shrink: no unit has an estimate");
    double scale = scale_of(estimate, std_error, units);
    prior->sd = prior->units > 1 ? best_tau(estimate, std_error, units, scale) : 0.0;
    prior->mean = mean_at(estimate, std_error, units, prior->sd);
    for (int64_t i = 0; i < units; i++) {
        bool own = counts(std_error, i);
        double t = prior->sd * prior->sd, s = own ? std_error[i] * std_error[i] : 0.0;
        shrunk[i] = own ? (t * estimate[i] + s * prior->mean) / (t + s) : prior->mean;
        shrunk_sd[i] = own ? sqrt(t * s / (t + s)) : prior->sd;
    }
    return OK;
}
