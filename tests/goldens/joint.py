#!/usr/bin/env python3
"""Joint empirical Bayes by dense algebra and a general optimiser, for tests/test_joint.c.

60 units with two slopes of their own; the information of some is singular, of one nothing. The
restricted likelihood is written for the stacked observations z_i = R_i b_i + noise with
R_i' R_i = L_i, so that nothing of the algebra of algorithms/joint.c is used, and maximised over a
log-Cholesky factor of T by scipy's Nelder-Mead and BFGS. With groups every group has a mean of its
own. The stores of the cheese data (REMISE_DATA) are there for tests/test_fit_shrink.sh.

    python3 tests/goldens/joint.py
"""
import csv
import os

import numpy as np
from scipy.linalg import block_diag
from scipy.optimize import minimize
from scipy.special import gammaln

UNITS, K = 60, 2


def units():
    i = np.arange(UNITS)
    b = np.c_[-2 + 0.8 * np.sin(1.7 * i), 0.5 + 0.5 * np.sin(1.7 * i + 0.8) + 0.2 * np.cos(3.1 * i)]
    information = np.zeros((UNITS, K, K))
    for u in i:
        x = 1 + 0.5 * np.cos(0.9 * u)
        information[u] = [[4 * x, 1.5 * np.sin(2.0 * u)], [1.5 * np.sin(2.0 * u), 2 + x]]
        if u % 10 == 3:  # only the sum of the slopes is told
            information[u] = [[2.0, 2.0], [2.0, 2.0]]
        if u == 17:
            information[u] = 0
    noise = np.c_[np.cos(2.3 * i), np.sin(4.1 * i)] * 0.4
    return information, np.einsum("ijk,ik->ij", information, b + noise)


def roots(information, weighted):
    """R_i with R_i' R_i = L_i and z_i with R_i' z_i = h_i."""
    out = []
    for a, h in zip(information, weighted):
        value, vector = np.linalg.eigh(a)
        keep = value > 1e-9
        r = (vector[:, keep] * np.sqrt(value[keep])).T
        out.append((r, np.linalg.lstsq(r.T, h, rcond=None)[0] if keep.any() else np.zeros(0)))
    return out


def fit(information, weighted, group, told=(0, 3, 17, 41)):
    parts = roots(information, weighted)
    z = np.concatenate([p[1] for p in parts])
    kinds = group.max() + 1
    x = np.concatenate([np.hstack([p[0] if g == group[u] else np.zeros_like(p[0])
                                   for g in range(kinds)]) for u, p in enumerate(parts)])

    def deviance(theta, give=False):
        c = np.array([[theta[0], 0], [theta[1], theta[2]]])
        v = block_diag(*[r @ (c @ c.T) @ r.T + np.eye(len(r)) for r, _ in parts if len(r)])
        inverse = np.linalg.inv(v)
        a = x.T @ inverse @ x
        mean = np.linalg.solve(a, x.T @ inverse @ z)
        rest = z - x @ mean
        if give:
            return c @ c.T, mean, np.linalg.inv(a), inverse, rest
        return (np.linalg.slogdet(v)[1] + np.linalg.slogdet(a)[1] + rest @ inverse @ rest)
    best = minimize(deviance, [0.5, 0.1, 0.5], method="Nelder-Mead",
                    options=dict(xatol=1e-10, fatol=1e-12, maxiter=4000))
    best = minimize(deviance, best.x, method="BFGS", options=dict(gtol=1e-9))
    spread, mean, cover, inverse, rest = deviance(best.x, True)
    print("  spread", spread.round(7).tolist(), "mean", mean.round(7).tolist())
    print("  sd of mean", np.sqrt(np.diag(cover)).round(7).tolist())
    # posterior of b_u = its group's mean + own: covariance with z is T R_u' in its own rows
    start = np.cumsum([0] + [len(p[1]) for p in parts])
    means = []
    for u in range(len(parts)):
        r = parts[u][0]
        with_z = np.zeros((K, len(z)))
        with_z[:, start[u]:start[u + 1]] = spread @ r.T
        pick = np.zeros((K, kinds * K))
        pick[:, group[u] * K:group[u] * K + K] = np.eye(K)
        a = pick - with_z @ inverse @ x
        b = pick @ mean + with_z @ inverse @ rest
        v = spread - with_z @ inverse @ with_z.T + a @ cover @ a.T
        means.append(b)
        if u in told:
            print(f"  unit {u}: {b.round(7).tolist()} sd "
                  f"{np.sqrt(np.diag(v)).round(7).tolist()}")
    return np.array(means)


def error_variances(square, freedom):
    """Smyth's prior by Nelder-Mead, and the posterior means of the units' variances."""
    some = freedom > 0
    mean = square[some].sum() / freedom[some].sum()

    def cost(x):
        a, b = np.exp(x[1]) / 2, np.exp(x[1]) / 2 * np.exp(x[0]) * mean
        h = freedom[some] / 2
        return -np.mean(gammaln(a + h) - gammaln(a) + a * np.log(b)
                        - (a + h) * np.log(b + square[some] / 2))
    best = minimize(cost, [0, np.log(4)], method="Nelder-Mead",
                    options=dict(xatol=1e-10, fatol=1e-13, maxiter=4000)).x
    worth, typical = np.exp(best[1]), mean * np.exp(best[0])
    return (worth * typical + square) / np.maximum(worth + freedom - 2, (worth + freedom) / 2)


def cheese(path, first):
    """The first weeks of each store of the bayesm data; its other weeks predicted."""
    with open(path, newline="") as file:
        table = list(csv.DictReader(file))
    stores = {}
    for line in table:
        stores.setdefault(line["RETAILER"], []).append(
            [np.log(float(line["PRICE"])), float(line["DISP"]), np.log(float(line["VOLUME"]))])
    products, square, freedom, parts = [], [], [], []
    for store in stores.values():
        train, test = np.array(store[:first]), np.array(store[first:])
        off = train - train.mean(0)
        products.append(off.T @ off)
        own, rest, rank, _ = np.linalg.lstsq(off[:, :2], off[:, 2], rcond=1e-8)
        square.append(((off[:, 2] - off[:, :2] @ own) ** 2).sum())
        freedom.append(len(train) - 1 - rank)
        parts.append(test - train.mean(0))
    variance = error_variances(np.array(square), np.array(freedom))
    products = np.array(products) / variance[:, None, None]
    shrunk = fit(products[:, :2, :2], products[:, :2, 2], np.zeros(len(products), int), ())
    error = np.concatenate([p[:, 2] - p[:, :2] @ b for p, b in zip(parts, shrunk)])
    print(f"  error of {len(error)} other weeks {np.sqrt((error ** 2).mean()):.6f}, "
          f"{(shrunk[:, 0] > 0).sum()} slopes above zero")


information, weighted = units()
print("one group")
fit(information, weighted, np.zeros(UNITS, int))
print("three groups")
fit(information, weighted, np.arange(UNITS) % 3)
DATA = os.environ.get("REMISE_DATA", "../shared/data") + "/elasticity/cheese.csv"
if os.path.exists(DATA):
    print("cheese, 12 weeks")
    cheese(DATA, 12)
