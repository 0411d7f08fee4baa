/* Incomplete gamma and beta functions by series and continued fractions. */
#include "algorithms/tails.h"

#include "algorithms/special.h"

#include <math.h>

#define PRECISE 1e-16

enum { ROUNDS_MAX = 100000 };

/* Keep a denominator from 0, as Lentz's method asks. */
static double away_from_zero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* x^a e^-x / Gamma(a + 1) */
static double gamma_factor(double a, double x)
{
    /* a log(x / a) - (x - a) without the cancellation near x = a */
    double part = (x - a) / a;
    double exponent = fabs(part) < 0.5 ? a * (log1p(part) - part) : a * log(x / a) - (x - a);
    double stirling = lgamma(a + 1.0) - (a * log(a) - a);
    return exp(exponent - stirling);
}

/* The lower part of the gamma integral, 1 - tail, by its series; x < a + 1. */
static double gamma_lower(double a, double x)
{
    double term = 1.0, sum = 1.0;
    for (int n = 1; n < ROUNDS_MAX && term > PRECISE * sum; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return gamma_factor(a, x) * sum;
}

/* The upper part by its continued fraction (Lentz); x >= a + 1. */
static double gamma_upper(double a, double x)
{
    double b = x + 1.0 - a, c = 1e300, d = 1.0 / away_from_zero(b), h = d;
    for (int n = 1; n < ROUNDS_MAX; n++) {
        double an = -n * (n - a);
        b += 2.0;
        d = 1.0 / away_from_zero(an * d + b);
        c = away_from_zero(b + an / c);
        h *= d * c;
        if (fabs(d * c - 1.0) < PRECISE) break;
    }
    return a * gamma_factor(a, x) * h;
}

double tails_chi_squared(double x, double freedom)
{
    double a = 0.5 * freedom, half = 0.5 * x;
    if (isnan(x)) return x;
    if (!(x > 0.0)) return 1.0;
    return half < a + 1.0 ? 1.0 - gamma_lower(a, half) : gamma_upper(a, half);
}

/* Continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8, by Lentz). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1.0, d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0)), h = d;
    for (int m = 1; m < ROUNDS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        h *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1.0) < PRECISE) break;
    }
    return h;
}

/* Regularised incomplete beta function at x, with rest = 1 - x. */
static double beta_part(double a, double b, double x, double rest)
{
    double factor = exp(a * log(x) + b * log(rest) - special_log_beta(a, b));
    if (x < (a + 1.0) / (a + b + 2.0)) return factor * beta_fraction(a, b, x) / a;
    return 1.0 - factor * beta_fraction(b, a, rest) / b;
}

double tails_f(double x, double above, double below)
{
    if (isnan(x)) return x;
    if (!(x > 0.0)) return 1.0;
    double whole = below + above * x;
    return beta_part(0.5 * below, 0.5 * above, below / whole, above * x / whole);
}
