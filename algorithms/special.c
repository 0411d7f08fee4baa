/* Differences of log-gamma and digamma, beta, and the hypergeometric series. */
#include "algorithms/special.h"

#include <math.h>

/* From here on six terms of Stirling's series reach the last digit. */
enum { ASYMPTOTIC = 16 };

/* log Gamma(z) less (z - 1/2) log z - z + log(2 pi) / 2, for z >= ASYMPTOTIC */
static double stirling_rest(double z)
{
    double w = 1.0 / (z * z);
    double sum = 1.0 / 1188.0 - w * (691.0 / 360360.0);
    sum = -1.0 / 1680.0 + w * sum;
    sum = 1.0 / 1260.0 + w * sum;
    sum = -1.0 / 360.0 + w * sum;
    sum = 1.0 / 12.0 + w * sum;
    return sum / z;
}

/* log z - 1 / (2 z) - digamma(z), for z >= ASYMPTOTIC */
static double digamma_rest(double z)
{
    double w = 1.0 / (z * z);
    double sum = 1.0 / 132.0 - w * (691.0 / 32760.0);
    sum = -1.0 / 240.0 + w * sum;
    sum = 1.0 / 252.0 + w * sum;
    sum = -1.0 / 120.0 + w * sum;
    sum = 1.0 / 12.0 + w * sum;
    return sum * w;
}

static double log_rise_large(double z, double y)
{
    double rest = stirling_rest(z + y) - stirling_rest(z);
    return (z - 0.5) * log1p(y / z) + y * (log(z + y) - 1.0) + rest;
}

/* Gamma(z + y) / Gamma(z) = Gamma(z + m + y) / Gamma(z + m) times z (z + 1) .. (z + m - 1) over the
 * same of z + y */
double special_log_rise(double z, double y)
{
    double low = 1.0, high = 1.0;
    for (int i = 0; z < ASYMPTOTIC; i++, z += 1.0) {
        if (i < ASYMPTOTIC / 2)
            low *= z / (z + y);
        else
            high *= z / (z + y);
    }
    double shifted = log_rise_large(z, y);
    return low == 1.0 && high == 1.0 ? shifted : shifted + (log(low) + log(high));
}

double special_digamma_rise(double z, double y)
{
    double steps = 0.0;
    for (; z < ASYMPTOTIC; z += 1.0) steps += y / (z * (z + y));
    double half = y / (2.0 * z * (z + y));
    double rest = digamma_rest(z) - digamma_rest(z + y);
    return log1p(y / z) + half + rest + steps;
}

double special_log_beta(double x, double y)
{
    double small = x < y ? x : y, large = x < y ? y : x;
    int sign; /* always 1 */
    return lgamma_r(small, &sign) - special_log_rise(large, small);
}

double special_softplus(double x)
{
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

double special_sigmoid(double x)
{
    double e = exp(-fabs(x));
    return x >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

double special_hyp2f1(double a, double b, double c, double z, int64_t terms)
{
    double sum = 1.0, term = 1.0;
    for (int64_t k = 0; k < terms; k++) {
        double i = (double)k;
        double ratio = (a + i) * (b + i) / ((c + i) * (1.0 + i)) * z;
        term *= ratio;
        sum += term;
        /* what follows is less than a geometric series of the larger of this ratio and z */
        double next = ratio > z ? ratio : z;
        if (next < 1.0 && term * next <= 1e-17 * sum * (1.0 - next)) return sum;
    }
    return NAN;
}
