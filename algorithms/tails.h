/**
 * Upper tails of the distributions that tests are compared with: how likely a statistic as large or
 * larger is where nothing is the matter.
 *
 * Local and pure. Accuracy: 1e-12 of the tail at up to a thousand degrees of freedom, 1e-9 at up to
 * ten million; tails below 1e-300 are 0. Tested with a golden table of 40 digits.
 */
#ifndef REMISE_ALGORITHMS_TAILS_H
#define REMISE_ALGORITHMS_TAILS_H

/** P(chi-squared with `freedom` > 0 degrees >= x); NaN if x is. */
double tails_chi_squared(double x, double freedom);

/** P(F with `above` and `below` > 0 degrees of freedom >= x); NaN if x is. */
double tails_f(double x, double above, double below);

#endif
