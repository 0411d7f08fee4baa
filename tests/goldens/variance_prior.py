#!/usr/bin/env python3
"""Inverse chi-squared prior of variances by a general optimiser, for tests/test_variance_prior.c.

Marginally a sum of squares with d degrees of freedom over d times the prior's variance is F(d, d0)
distributed; its likelihood over (variance, d0) is maximised by scipy from several starts.

    python3 tests/goldens/variance_prior.py
"""
import numpy as np
from scipy.optimize import minimize
from scipy.stats import f

UNITS = 60


def units():
    i = np.arange(UNITS)
    freedom = 1 + i * 7 % 9
    square = freedom * 0.3 * np.exp(1.1 * np.sin(1.7 * i) + 0.9 * np.cos(2.9 * i + 1.0))
    return square, freedom


square, freedom = units()


def cost(p):
    variance, d0 = np.exp(p)
    return -(f.logpdf(square / freedom / variance, freedom, d0) - np.log(variance)).sum()


best = min((minimize(cost, start, method="Nelder-Mead",
                     options={"xatol": 1e-11, "fatol": 1e-12, "maxiter": 20000})
            for start in ([-1, 1], [0, 2], [-2, 3])), key=lambda r: r.fun)
variance, d0 = np.exp(best.x)
print(f"variance {variance:.9f} freedom {d0:.9f}")
for i in (0, 7, 40):
    total = d0 + freedom[i]
    print(f"  unit {i}: {(d0 * variance + square[i]) / max(total - 2, total / 2):.9f}")
