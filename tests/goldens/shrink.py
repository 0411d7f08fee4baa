#!/usr/bin/env python3
"""Empirical Bayes by a general optimiser, for tests/test_shrink.c.

88 stores with their own price elasticities (as in the cheese data of Rossi's `bayesm`: mean about
-2.1, spread about 0.9), errors that differ tenfold between stores. The restricted likelihood of
(mean, tau) is maximised by scipy over tau^2 on a fine grid and then locally; the test's own search
is by golden section.

    python3 tests/goldens/shrink.py
"""
import numpy as np
from scipy.optimize import minimize_scalar

UNITS = 88


def units(spread, noise):
    i = np.arange(UNITS)
    true = -2.1 + spread * np.sin(1.7 * i + 0.3 * np.sin(5.0 * i)) * np.sqrt(2.0)
    error = 0.15 * 10.0 ** ((i * 37 % 88) / 88.0)
    return true + noise * error * np.cos(2.9 * i + 1.0) * np.sqrt(2.0), error


def minus_two_log_restricted_likelihood(variance, b, s):
    v = s ** 2 + variance
    x = np.ones((len(b), 1))
    information = x.T @ (x / v[:, None])
    beta = np.linalg.solve(information, x.T @ (b / v))
    rest = b - x @ beta
    return np.log(v).sum() + np.linalg.slogdet(information)[1] + (rest ** 2 / v).sum()


def fit(b, s):
    cost = lambda t: minus_two_log_restricted_likelihood(np.exp(2 * t), b, s)
    grid = np.linspace(np.log(1e-3), np.log(10), 4001)
    best = grid[np.argmin([cost(t) for t in grid])]
    found = minimize_scalar(cost, bounds=(best - 0.01, best + 0.01), method="bounded",
                            options={"xatol": 1e-12})
    variance = np.exp(2 * found.x)
    if minus_two_log_restricted_likelihood(0.0, b, s) <= found.fun:
        variance = 0.0
    w = 1 / (s ** 2 + variance)
    mean = (w * b).sum() / w.sum()
    return mean, np.sqrt(variance)


for spread, noise in ((0.9, 1.0), (0.0, 1.0), (0.0, 0.5)):
    b, s = units(spread, noise)
    mean, tau = fit(b, s)
    part = tau ** 2 / (tau ** 2 + s ** 2)
    shrunk = part * b + (1 - part) * mean
    print(f"spread {spread} noise {noise}: mean {mean:.9f} tau {tau:.9f}")
    for i in (0, 1, 40, 87):
        print(f"  unit {i}: estimate {b[i]:.9f} error {s[i]:.9f} shrunk {shrunk[i]:.9f} "
              f"sd {np.sqrt(part[i]) * s[i]:.9f}")
