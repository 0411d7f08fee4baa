/* Posteriors averaged over a grid of spreads. */
#include "algorithms/shrink_few.h"

#include "algorithms/shrink_spread.h"

#include <math.h>

enum { SPREADS = 400 };

#define WIDEST 3.0 /* largest spread tried, in ranges of the estimates; at least that many errors */

/* Mean of the units and its variance at a spread, and twice the negative log of the restricted
 * likelihood. */
struct trial {
    double mean, variance, deviance;
};

static struct trial try_spread(const double *estimate, const double *std_error, int64_t units,
                               double spread)
{
    double weight = 0, sum = 0, logs = 0, square = 0;
    for (int64_t i = 0; i < units; i++) {
        if (!shrink_counts(std_error[i])) continue;
        double w = 1.0 / (std_error[i] * std_error[i] + spread * spread);
        weight += w;
        sum += w * estimate[i];
        logs -= log(w);
    }
    double mean = sum / weight;
    for (int64_t i = 0; i < units; i++) {
        if (!shrink_counts(std_error[i])) continue;
        double off = estimate[i] - mean;
        square += off * off / (std_error[i] * std_error[i] + spread * spread);
    }
    return (struct trial){mean, 1.0 / weight, logs + square + log(weight)};
}

/* The largest spread to try: 0 without an estimate. */
static double widest(const double *estimate, const double *std_error, int64_t units,
                     int64_t *members)
{
    double low = INFINITY, high = -INFINITY, error = INFINITY;
    *members = 0;
    for (int64_t i = 0; i < units; i++) {
        if (!shrink_counts(std_error[i])) continue;
        (*members)++;
        low = fmin(low, estimate[i]);
        high = fmax(high, estimate[i]);
        error = fmin(error, std_error[i]);
    }
    return *members > 0 ? WIDEST * fmax(high - low, error) : 0.0;
}

/* Add a spread's posterior of every unit to first and second moments, about its estimate. */
static void add_posteriors(const double *estimate, const double *std_error, int64_t units,
                           double spread, double weight, const struct trial *trial, double *first,
                           double *second)
{
    double t = spread * spread;
    for (int64_t i = 0; i < units; i++) {
        bool own = shrink_counts(std_error[i]);
        double s = own ? std_error[i] * std_error[i] : 0.0, lost = own ? s / (t + s) : 1.0;
        double off = own ? lost * (trial->mean - estimate[i]) : trial->mean;
        double variance = (own ? lost * t : t) + lost * lost * trial->variance;
        first[i] += weight * off;
        second[i] += weight * (variance + off * off);
    }
}

enum status shrink_few_fit(const double *estimate, const double *std_error, int64_t units,
                           double *shrunk, double *shrunk_sd, struct shrink_prior *prior)
{
    double most = widest(estimate, std_error, units, &prior->units), least = INFINITY, all = 0;
    struct trial trial[SPREADS];
    prior->mean = prior->sd = 0;
    if (prior->units == 0) return FAIL(ERR_NUMERIC, "nothing to shrink: no unit has an estimate");
    int spreads = prior->units > 1 ? SPREADS : 1; /* of one unit nothing tells a spread: 0 */
    for (int k = 0; k < spreads; k++) {
        trial[k] = try_spread(estimate, std_error, units, most * k / (SPREADS - 1));
        least = fmin(least, trial[k].deviance);
    }
    for (int64_t i = 0; i < units; i++) shrunk[i] = shrunk_sd[i] = 0.0;
    for (int k = 0; k < spreads; k++) {
        double spread = most * k / (SPREADS - 1), weight = exp(0.5 * (least - trial[k].deviance));
        all += weight;
        prior->mean += weight * trial[k].mean;
        prior->sd += weight * spread;
        add_posteriors(estimate, std_error, units, spread, weight, &trial[k], shrunk, shrunk_sd);
    }
    prior->mean /= all;
    prior->sd /= all;
    for (int64_t i = 0; i < units; i++) {
        double off = shrunk[i] / all;
        shrunk_sd[i] = sqrt(fmax(shrunk_sd[i] / all - off * off, 0.0));
        shrunk[i] = shrink_counts(std_error[i]) ? estimate[i] + off : off;
    }
    return OK;
}
