#!/usr/bin/env python3
"""Random effects by dense algebra and a general optimiser, for tests/test_random_effects.c.

40 units of 0 to 12 rows in up to four groups; numbers are multiples of 1/64, so that float32 holds
them. Spreads: weighted least squares over all pairs of rows of a unit by numpy, then the mean of
each by numerical integration. Posteriors: all effects of a unit at once by scipy.

    python3 tests/goldens/random_effects.py
"""
import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize

UNITS, USUAL = 40, 0.1


def rows_of(unit):
    i = np.arange((unit * 7) % 13)
    logit = ((unit * 5 + i * 11) % 64 - 40) / 16.0
    x = ((unit * 3 + i * 29) % 48) / 64.0
    group = (unit + i * i) % 4
    y = ((unit * 13 + i * 17 + i * i * 5) % 10 < 3 + unit % 4).astype(float)
    return logit, x, y, group


def chance(z):
    return 1.0 / (1.0 + np.exp(-z))


def apart_of(unit):
    """Log odds by two members, less their mean: [rows][2]."""
    i = np.arange((unit * 7) % 13)
    off = ((unit * 7 + i * 5) % 32 - 12) / 64.0
    return np.stack([off, -off], axis=1)


def mean_of(estimate, se, none):
    """Of a variance that is 0 with the chance none, and else exponential."""
    top = max(estimate, 0.0) + 12 * se
    likely = lambda v: np.exp(-0.5 * ((v - estimate) / se) ** 2)
    density = lambda v: (1 - none) * likely(v) * np.exp(-v / USUAL) / USUAL
    whole = quad(density, 0, top, epsabs=0, epsrel=1e-12, limit=500)[0]
    first = quad(lambda v: v * density(v), 0, top, epsabs=0, epsrel=1e-12, limit=500)[0]
    return first / (whole + none * likely(0.0))


def spreads(none=0.0, members=False):
    gram, right = np.zeros((3, 3)), np.zeros(3)
    for unit in range(UNITS):
        logit, x, y, group = rows_of(unit)
        p, apart = chance(logit), apart_of(unit) * members
        for i in range(len(p)):
            for j in range(i):
                w = p[i] * (1 - p[i]) * p[j] * (1 - p[j])
                term = np.array([1.0, float(group[i] == group[j]), x[i] * x[j]])
                gram += w * np.outer(term, term)
                right += ((y[i] - p[i]) * (y[j] - p[j]) - w * apart[i] @ apart[j]) * term
    covariance = np.linalg.inv(gram)
    estimate, error = covariance @ right, np.sqrt(np.diag(covariance))
    return [mean_of(*each) for each in zip(estimate, error, (none, none, 0.0))]


def posterior(unit, offset, grouped, slope, group_asked):
    """Mean and covariance of offset + the group's, and of the slope."""
    logit, x, y, group = rows_of(unit)
    prior = np.diag([1 / offset, 1 / slope] + [1 / grouped] * 5)
    design = np.zeros((len(x), 7))
    design[:, 0], design[:, 1] = 1.0, x
    design[np.arange(len(x)), 2 + group] = 1.0

    def loss(t):
        z = logit + design @ t
        return np.sum(np.logaddexp(0, z) - y * z) + 0.5 * t @ prior @ t

    def slope_of(t):
        return design.T @ (chance(logit + design @ t) - y) + prior @ t

    t = minimize(loss, np.zeros(7), jac=slope_of, method="BFGS", options={"gtol": 1e-11}).x
    for _ in range(5):
        p = chance(logit + design @ t)
        curve = prior + design.T @ ((p * (1 - p))[:, None] * design)
        t = t - np.linalg.solve(curve, slope_of(t))
    covariance = np.linalg.inv(curve)
    ask = np.zeros((2, 7))
    ask[0, 0] = ask[0, 2 + group_asked] = ask[1, 1] = 1.0
    return ask @ t, ask @ covariance @ ask.T


def main():
    print("spreads", ", ".join(f"{v:.12f}" for v in spreads()))
    known = spreads(none=0.4, members=True)
    print("with members, and none likely", ", ".join(f"{v:.12f}" for v in known))
    for unit, asked in ((0, 0), (5, 1), (11, 3), (18, 0), (25, 4)):
        mean, covariance = posterior(unit, 0.3, 0.2, 0.5, asked)
        numbers = (*mean, covariance[0, 0], covariance[0, 1], covariance[1, 1])
        print(f"{{{unit}, {asked}, {{{', '.join(f'{v:.12f}' for v in numbers)}}}}},")


if __name__ == "__main__":
    main()
