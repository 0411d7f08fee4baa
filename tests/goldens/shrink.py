#!/usr/bin/env python3
"""Empirical Bayes by a general optimiser, for tests/test_shrink.c.

88 stores with their own price elasticities (as in the cheese data of Rossi's `bayesm`: mean about
-2.1, spread about 0.9), errors that differ tenfold between stores. The restricted likelihood of
(mean, tau) is maximised by scipy over tau^2 on a fine grid and then locally. With units in groups
in larger groups, the spread of each level is that of a dense restricted likelihood with a mean for
each group, and the posterior is that of all effects at once, by dense algebra with a flat mean of
all.

    python3 tests/goldens/shrink.py
"""
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import truncnorm

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


def single():
    for spread, noise in ((0.9, 1.0), (0.0, 1.0), (0.0, 0.5)):
        b, s = units(spread, noise)
        mean, tau = fit(b, s)
        part = tau ** 2 / (tau ** 2 + s ** 2)
        shrunk = part * b + (1 - part) * mean
        of_mean = 1 / (1 / (s ** 2 + tau ** 2)).sum()
        sd = np.sqrt(part * s ** 2 + (1 - part) ** 2 * of_mean)
        print(f"spread {spread} noise {noise}: mean {mean:.9f} tau {tau:.9f}")
        for i in (0, 1, 40, 87):
            print(f"  unit {i}: estimate {b[i]:.9f} error {s[i]:.9f} shrunk {shrunk[i]:.9f} "
                  f"sd {sd[i]:.9f}")


def fit_spread(b, v0, group):
    """tau^2 by restricted likelihood with a mean for each group, and those means."""
    x = (group[:, None] == np.unique(group)).astype(float)

    def parts(variance):
        v = v0 + variance
        information = x.T @ (x / v[:, None])
        mean = np.linalg.solve(information, x.T @ (b / v))
        rest = b - x @ mean
        return (np.log(v).sum() + np.linalg.slogdet(information)[1] + (rest ** 2 / v).sum(), mean,
                1 / np.diag(information))
    cost = lambda t: parts(np.exp(2 * t))[0]
    grid = np.linspace(np.log(1e-4), np.log(10), 4001)
    best = grid[np.argmin([cost(t) for t in grid])]
    found = minimize_scalar(cost, bounds=(best - 0.01, best + 0.01), method="bounded",
                            options={"xatol": 1e-12})
    variance = 0.0 if cost(-np.inf) <= found.fun else np.exp(2 * found.x)
    return (variance, *parts(variance)[1:])


def tree():
    """88 units in 12 groups (unit i in i mod 12, of which group 11 is without units) in 4 parts."""
    b, s = units(0.5, 1.0)
    i = np.arange(UNITS)
    group = i % 11
    b = b + 0.8 * np.cos(3.0 * group) + 1.5 * np.sin(2.0 * (group % 4))
    s = np.where(i == 7, np.nan, s)
    known = np.isfinite(s)
    t0, mean0, v0 = fit_spread(b[known], s[known] ** 2, group[known])
    t1, mean1, v1 = fit_spread(mean0, v0, np.arange(11) % 4)
    t2, mean2, v2 = fit_spread(mean1, v1, np.zeros(4))
    print("tree: spreads", [f"{np.sqrt(t):.9f}" for t in (t0, t1, t2)], f"mean {mean2[0]:.9f}")
    # mean of all, 4 parts, 12 groups, 88 units; observed are the units' sums
    z = np.zeros((UNITS, 1 + 4 + 12 + UNITS))
    z[i, 0] = z[i, 1 + group % 4] = z[i, 5 + group] = z[i, 17 + i] = 1
    prior = np.r_[0.0, np.full(4, 1 / t2 if t2 > 0 else 1e18), np.full(12, 1 / t1),
                  np.full(UNITS, 1 / t0)]
    o = z[known]
    cover = np.linalg.inv(np.diag(prior) + o.T @ (o / s[known, None] ** 2))
    effect = cover @ (o.T @ (b[known] / s[known] ** 2))
    for u in (0, 7, 40, 87):
        print(f"  unit {u}: shrunk {z[u] @ effect:.9f} sd {np.sqrt(z[u] @ cover @ z[u]):.9f}")
    for g in (0, 5, 11):
        a = np.zeros(len(prior))
        a[0] = a[1 + g % 4] = a[5 + g] = 1
        print(f"  group {g}: mean {a @ effect:.9f} sd {np.sqrt(a @ cover @ a):.9f}")


def widened():
    """12 units in 3 groups in all: posteriors over a fine grid of both spreads, flat in their
    squares, with the whole restricted likelihood, about the means at the most likely spreads."""
    i = np.arange(12)
    group = i % 3
    b = -2 + 0.3 * np.sin(1.7 * i) + 0.4 * np.cos(3.0 * group)
    s = 0.1 + 0.02 * (i * 5 % 12)
    t0, mean0, v0 = fit_spread(b, s ** 2, group)
    t1, mean1, v1 = fit_spread(mean0, v0, np.zeros(3))
    z = np.c_[np.ones(12), group[:, None] == np.arange(3), np.eye(12)]

    def posterior(t0, t1):
        v = np.diag(s ** 2 + t0) + t1 * (group[:, None] == group)
        inverse = np.linalg.inv(v)
        information = inverse.sum()
        mean = inverse.sum(0) @ b / information
        rest = b - mean
        deviance = np.linalg.slogdet(v)[1] + np.log(information) + rest @ inverse @ rest
        d = np.r_[0, np.full(3, t1), np.full(12, t0)]
        gain = (z * d).T @ inverse  # effects from observations
        effect = gain @ rest + np.r_[mean, np.zeros(15)]
        cover = np.diag(d) - gain @ (z * d)
        a = -gain @ np.ones(12)
        a[0] += 1
        cover = cover + np.outer(a, a) / information
        return deviance, z @ effect, np.einsum("ij,jk,ik->i", z, cover, z)
    plug = posterior(t0, t1)[1]
    least = posterior(t0, t1)[0]
    total, square = 0.0, 0.0
    most = 3 * 2 * np.abs(mean0 - (mean0 / v0).sum() / (1 / v0).sum()).max()
    for x in np.linspace(0, 1.5, 151):
        for y in np.linspace(0, most, 601):
            deviance, mean, variance = posterior(x * x, y * y)
            w = x * y * np.exp(0.5 * (least - deviance)) * (0.5 if y == most else 1)
            total += w
            square += w * (variance + (mean - plug) ** 2)
    print(f"widened: spreads {np.sqrt(t0):.6f} {np.sqrt(t1):.6f}, sd of units",
          [f"{x:.5f}" for x in np.sqrt(square / total)[[0, 1, 2, 11]]])


def below_zero():
    """Normal distributions cut off above zero."""
    for mean, sd in ((-2.0, 1.0), (0.0, 1.0), (3.0, 1.0), (0.5, 0.02), (30.0, 1.0)):
        low = truncnorm(-np.inf, -mean / sd, loc=mean, scale=sd)
        print(f"N({mean}, {sd}) below 0: mean {low.mean():.12g} sd {low.std():.9g}")


def few():
    """Four units and a new one, averaged over a flat prior of tau up to 3 ranges."""
    b, s = np.array([-2.6, -1.9, -1.4, -2.0]), np.array([0.35, 0.25, 0.2, 0.3])
    taus = np.linspace(0, 3 * 1.2, 100001)
    w = 1 / (s ** 2 + taus[:, None] ** 2)
    mu, v = (w * b).sum(1) / w.sum(1), 1 / w.sum(1)
    density = -0.5 * (-np.log(w) + w * (b - mu[:, None]) ** 2).sum(1) - 0.5 * np.log(w.sum(1))
    density = np.exp(density - density.max())
    density /= density.sum()
    lost = s ** 2 * w
    mean = np.c_[(1 - lost) * b + lost * mu[:, None], mu]
    variance = np.c_[lost * taus[:, None] ** 2 + lost ** 2 * v[:, None], taus ** 2 + v]
    m = density @ mean
    print("few: means", [f"{x:.5f}" for x in m], "sds",
          [f"{x:.5f}" for x in np.sqrt(density @ (variance + mean ** 2) - m ** 2)])


def centred():
    """Units in 3 groups about known centres: E tau^2 by a flat prior of tau^2, free means."""
    group, z = np.arange(UNITS) % 3, np.eye(3)[np.arange(UNITS) % 3]
    for spread, noise in ((0.9, 1.0), (0.0, 0.5)):
        b, s = units(spread, noise)
        b = b + 2.1
        taus = np.linspace(0, 6, 60001)
        deviance = []
        for tau in taus:
            w = 1 / (s ** 2 + tau ** 2)
            whole = w @ z
            mean = (w * b) @ z / whole
            deviance.append((w * (b - mean[group]) ** 2).sum() - np.log(w).sum() +
                            np.log(whole).sum())
        density = np.exp(-0.5 * (np.array(deviance) - min(deviance)))
        density *= taus
        square = (density * taus ** 2).sum() / density.sum()
        lost, centre = s ** 2 / (square + s ** 2), 0.1 + 0.1 * group
        sd = np.sqrt(lost * square + lost ** 2 * centre ** 2)
        print(f"centred: spread {np.sqrt(square):.6f}, units 0 and 40",
              [f"{(1 - lost[i]) * b[i]:.6f} {sd[i]:.6f}" for i in (0, 40)])


single()
few()
widened()
centred()
tree()
below_zero()
