#!/usr/bin/env python3
"""Coefficients for tests/test_slope_logit.c, from SciPy's minimiser in place of ours.

    slope_logit.py    prints them and the mean loss; needs numpy and scipy
"""
import numpy
from scipy.optimize import minimize

ROWS = 5000
i = numpy.arange(ROWS)
x = numpy.stack([(i * 7919 % 1009) / 504.5 - 1.0, (i * 3571 % 499) / 249.5 - 1.0,
                 (i % 3 == 0) * 1.0], 1).astype(numpy.float32).astype(float)
dose = (numpy.float32(0.05) * (i * 31 % 5).astype(numpy.float32)).astype(float)
weight = 0.5 + (i % 7) / 4.0
skip = i % 11 == 4
true_a = -1.0 + 0.8 * x[:, 0] - 0.5 * x[:, 1] + 0.4 * x[:, 0] * x[:, 1]
true_b = numpy.exp(1.2 + 0.6 * x[:, 1] - 0.7 * x[:, 2])
chance = 1.0 / (1.0 + numpy.exp(-(true_a + true_b * dose)))
y = ((i * 104729 % 997) / 997.0 < chance) * 1.0
one = numpy.ones(ROWS)
phi = numpy.stack([one, x[:, 0], x[:, 1], x[:, 0] * x[:, 1]], 1)
psi = numpy.stack([one, x[:, 1], x[:, 2], x[:, 2] * x[:, 1]], 1)
w = weight * ~skip
ridge = numpy.array([0.1, 3, 3, 3, 1, 20, 20, 20])
yes = (w * y).sum() + 0.5
mean = numpy.array([numpy.log(yes / (w.sum() + 1.0 - yes)), 0, 0, 0, numpy.log(3.0), 0, 0, 0])


def loss(t):
    b = numpy.exp(psi @ t[4:])
    z = phi @ t[:4] + b * dose
    rest = w * (1.0 / (1.0 + numpy.exp(-z)) - y)
    plain = (w * (numpy.logaddexp(0.0, z) - y * z)).sum()
    gradient = numpy.r_[phi.T @ rest, psi.T @ (rest * b * dose)] + ridge * (t - mean)
    return (plain + 0.5 * (ridge * (t - mean) ** 2).sum()) / w.sum(), gradient / w.sum(), plain


found = minimize(lambda t: loss(t)[:2], mean, jac=True, method="BFGS", options={"gtol": 1e-11})
print(", ".join("%.12f" % v for v in found.x))
print("loss %.15f" % (loss(found.x)[2] / w.sum()))
