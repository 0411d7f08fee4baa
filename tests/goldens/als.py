#!/usr/bin/env python3
"""Losses of alternating least squares from the start of tests/test_als.c, in double precision.

Every user's and item's normal equations are formed and solved whole. Prints the constants of the
test: python3 -P tests/goldens/als.py
"""
import contextlib
import io
import pathlib
import runpy

import numpy as np

HERE = pathlib.Path(__file__).parent
with contextlib.redirect_stdout(io.StringIO()):
    philox = runpy.run_path(str(HERE / "philox.py"))

USERS, ITEMS, FACTORS, ITERATIONS, SEED = 60, 25, 6, 8, 1
LAMBDA, BIAS, ALPHA = 0.1, 5.0, 10.0
LAMBDA_IMPLICIT = 3.0


def uniform(row, what):
    mask = 2**64 - 1
    x = (row * 64 + what + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return ((x ^ (x >> 31)) >> 11) * 2.0**-53


def table():
    """Item 7 is rated by nobody, user 3 rates nothing, user 5 nearly everything."""
    r = np.full((USERS, ITEMS), np.nan)
    for u in range(USERS):
        for i in range(ITEMS):
            share = 0.0 if u == 3 or i == 7 else 0.95 if u == 5 else 0.3
            if uniform(u * ITEMS + i, 0) < share:
                r[u, i] = 1 + int(5 * uniform(u * ITEMS + i, 1))
    return r


def start():
    size = 0.1 / np.sqrt(FACTORS)
    return size * np.array([[philox["normal"](SEED, philox["WEIGHTS"], i, k)
                             for k in range(FACTORS)] for i in range(ITEMS)])


def explicit(r):
    rated = ~np.isnan(r)
    mean = r[rated].mean()
    x, y = np.zeros((USERS, FACTORS + 1)), np.c_[start(), np.zeros(ITEMS)]

    def side(mine, other, r, rated):
        for a in range(len(mine)):
            on = rated[a]
            mine[a] = 0
            if on.any():
                p = np.c_[other[on, :FACTORS], np.ones(on.sum())]
                ridge = np.r_[np.full(FACTORS, LAMBDA * on.sum()), BIAS]
                mine[a] = np.linalg.solve(p.T @ p + np.diag(ridge),
                                          p.T @ (r[a, on] - mean - other[on, FACTORS]))

    losses = []
    for _ in range(ITERATIONS):
        side(x, y, r, rated)
        side(y, x, r.T, rated.T)
        fit = mean + x[:, FACTORS:] + y[:, FACTORS] + x[:, :FACTORS] @ y[:, :FACTORS].T
        losses.append(((r - fit)[rated] ** 2).sum()
                      + LAMBDA * (rated.sum(1) @ (x[:, :FACTORS] ** 2).sum(1)
                                  + rated.sum(0) @ (y[:, :FACTORS] ** 2).sum(1))
                      + BIAS * ((x[:, FACTORS] ** 2).sum() + (y[:, FACTORS] ** 2).sum()))
    return losses


def implicit(r):
    often = np.nan_to_num(r)
    c, p = 1 + ALPHA * often, (often > 0).astype(float)
    x, y = np.zeros((USERS, FACTORS)), start()

    def side(mine, other, c, p):
        for a in range(len(mine)):
            weighted = other * c[a][:, None]
            mine[a] = np.linalg.solve(other.T @ weighted + LAMBDA_IMPLICIT * np.eye(FACTORS),
                                      weighted.T @ p[a])

    losses = []
    for _ in range(ITERATIONS):
        side(x, y, c, p)
        side(y, x, c.T, p.T)
        losses.append((c * (p - x @ y.T) ** 2).sum()
                      + LAMBDA_IMPLICIT * ((x ** 2).sum() + (y ** 2).sum()))
    return losses


def show(name, values):
    numbers = [f"{v:.12g}" for v in values]
    lines = [", ".join(numbers[k:k + 4]) for k in range(0, len(numbers), 4)]
    print(f"static const double {name}[ITERATIONS] = {{\n    " + ",\n    ".join(lines) + "};")


def main():
    r = table()
    show("golden_explicit", explicit(r))
    show("golden_implicit", implicit(r))


main()
