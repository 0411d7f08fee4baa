/**
 * Special functions of the lifetime models: differences of log-gamma and digamma that keep their
 * digits where the functions themselves are large and nearly equal, and Gauss's hypergeometric
 * series.
 *
 * All are local and pure. Accuracy is stated against exact values over the arguments named; it is
 * tested with a golden table of 50 digits.
 */
#ifndef REMISE_ALGORITHMS_SPECIAL_H
#define REMISE_ALGORITHMS_SPECIAL_H

#include <stdint.h>

/**
 * log Gamma(z + y) - log Gamma(z), for z > 0 and y >= 0.
 * Accuracy: 1e-14 relative to the larger of 1 and the result, for z in [1e-8, 1e12], y to 1e12.
 * Source: Stirling's series of the difference, from z >= 16 on; below by the recurrence.
 */
double special_log_rise(double z, double y);

/** digamma(z + y) - digamma(z), for z > 0 and y >= 0. Accuracy: 1e-14 relative. */
double special_digamma_rise(double z, double y);

/** log of Euler's beta function, x and y > 0. Accuracy: as special_log_rise. */
double special_log_beta(double x, double y);

/** log(1 + exp(x)) without overflow. */
double special_softplus(double x);

/** 1 / (1 + exp(-x)) without overflow. */
double special_sigmoid(double x);

/**
 * Gauss's 2F1(a, b; c; z) by its series, for a, b >= 0, c > 0 and 0 <= z < 1: all terms are
 * positive, so nothing cancels.
 * terms  in  at most so many; NaN where they do not suffice
 * Accuracy: 1e-16 times the number of terms, which is about 40 / (1 - z) where a + b - c is small.
 */
double special_hyp2f1(double a, double b, double c, double z, int64_t terms);

#endif
