#!/usr/bin/env python3
"""Coefficients for tests/test_multi_output.c: ridge regression of three outputs, by numpy.

Rows, columns and entries are those of the test (tests/uniform.h); columns are centred and brought
to standard deviation 1, the ridge of 5 weighs the squares of the coefficients there. Prints the
constants of the test: python3 -P tests/goldens/multi_output.py
"""
import numpy as np

ROWS, COLUMNS, OUTPUTS, RIDGE = 500, 5, 3, 5.0


def uniform(row, what):
    mask = 2**64 - 1
    x = (row * 64 + what + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return ((x ^ (x >> 31)) >> 11) * 2.0**-53


x = np.zeros((ROWS, COLUMNS))
y = np.zeros((ROWS, OUTPUTS))
for r in range(ROWS):
    for j in range(4):
        x[r, j] = np.float32(40.0 * j + uniform(r, j) * (1 + j))
    x[r, 4] = 7.5  # a constant
    for k in range(OUTPUTS):
        if uniform(r, 10 + k) < 0.2 + 0.1 * (x[r, 1] - 40.0):
            y[r, k] = 1.0 + (r % 4) * 0.25
sd = x.std(axis=0)
z = np.where(sd > 0, (x - x.mean(axis=0)) / np.where(sd > 0, sd, 1), 0)
a = np.linalg.solve(z.T @ z + RIDGE * np.eye(COLUMNS), z.T @ (y - y.mean(axis=0)))
slope = np.where(sd[:, None] > 0, a / np.where(sd > 0, sd, 1)[:, None], 0)
intercept = y.mean(axis=0) - x.mean(axis=0) @ slope
for k in range(OUTPUTS):
    print("{%s, %.10g}," % (", ".join("%.10g" % v for v in slope[:, k]), intercept[k]))
