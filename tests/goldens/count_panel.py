#!/usr/bin/env python3
"""Poisson regression with an effect for each panel, for tests/test_count_panel.c.

The same rows as the test makes; panels, seasons, slopes and shifts are dummy columns of one dense
design, fitted by Newton's method without any elimination, with a prior of sd 100 on slopes and
shifts. The sandwich clusters cells of product and week; leverages are those of a cell on its slope
and, where a cell is of one panel, on the levels of panel and season, as algorithms/count_panel.h
states.

    python3 tests/goldens/count_panel.py
"""
import numpy as np

PRODUCTS, WEEKS, SEGMENTS, SLOPES, FOLDS = 9, 12, 3, 3, 2
RIDGE = 1e-4


def price(i, t):
    return np.nan if (i == 4 and t < 3) else -0.25 * ((i * 5 + t * 7) % 11 < 3) - 0.02 * (t % 3)


def units(i, t, s):
    return ((i * 31 + t * 17 + s * 13 + i * t * s) % 7) * (2 if price(i, t) < -0.2 else 1)


def season(t):
    return t // 3


def list_rows():
    """(product, week, segment, panel) of all panels with sales, and how many these are."""
    rows, panels = [], 0
    for i in range(PRODUCTS):
        for s in range(SEGMENTS):
            for f in range(FOLDS):
                weeks = [t for t in range(WEEKS) if t % FOLDS == f and not np.isnan(price(i, t))]
                if sum(units(i, t, s) for t in weeks) > 0:
                    rows += [(i, t, s, panels) for t in weeks]
                    panels += 1
    return rows, panels


def climb(x, y, ridge, b):
    """Newton's method for b, in place; the means."""
    for _ in range(100):
        mu = np.exp(x @ b)
        step = np.linalg.solve(x.T @ (mu[:, None] * x) + ridge, x.T @ (y - mu) - ridge @ b)
        b += np.clip(step, -1, 1)
    return np.exp(x @ b)


def without_panels(x, mu, rows):
    """Columns less their weighted means over each panel."""
    own, panel = x.copy(), np.array([p for *_, p in rows])
    for p in set(panel):
        at = panel == p
        own[at] -= (mu[at, None] * own[at]).sum(0) / mu[at].sum()
    return own


def main():
    rows, panels = list_rows()
    seasons = season(WEEKS - 1) + 1
    z = SLOPES + SEGMENTS - 1
    k = z + seasons - 1
    x = np.zeros((len(rows), k + panels))
    y = np.zeros(len(rows))
    for r, (i, t, s, panel) in enumerate(rows):
        x[r, i % SLOPES] = price(i, t)
        if s > 0:
            x[r, SLOPES + s - 1] = price(i, t)
        if season(t) > 0:
            x[r, z + season(t) - 1] = 1
        x[r, k + panel] = 1
        y[r] = units(i, t, s)
    b = np.zeros(x.shape[1])
    b[k:] = np.log(y.mean())
    ridge = np.diag(RIDGE * (np.arange(len(b)) < z))
    mu = climb(x, y, ridge, b)
    # eliminate the panels' effects, then the sandwich
    own = without_panels(x[:, :k], mu, rows)
    bread = own.T @ (mu[:, None] * own) + ridge[:k, :k]
    slope_alone = np.array([1 / np.linalg.inv(bread[np.ix_([c] + list(range(SLOPES, k)),
                                                           [c] + list(range(SLOPES, k)))])[0, 0]
                            for c in range(SLOPES)])
    meat, square, cells = np.zeros((k, k)), 0.0, 0
    for i in range(PRODUCTS):
        for t in range(WEEKS):
            at = np.array([r for r, row in enumerate(rows) if row[:2] == (i, t)], dtype=int)
            if len(at) == 0:
                continue
            h = (mu[at] * own[at, i % SLOPES] ** 2).sum()
            score = (own[at] * (y[at] - mu[at])[:, None]).sum(0)
            meat += np.outer(score, score) / (1 - h / slope_alone[i % SLOPES]) ** 2
            square += (y[at].sum() - mu[at].sum()) ** 2 / mu[at].sum()
            cells += 1
    cover = np.linalg.inv(bread) @ meat @ np.linalg.inv(bread)
    print("slopes", [f"{v:.12f}" for v in b[:SLOPES]], "shifts", [f"{v:.12f}" for v in b[SLOPES:z]])
    print("seasons", [f"{v:.12f}" for v in b[z:k]])
    print("leverage", [f"{v:.10f}" for v in slope_alone])
    print("errors of slopes", [f"{np.sqrt(cover[c, c]):.12f}" for c in range(SLOPES)])
    w = np.zeros(k)
    w[1], w[SLOPES], w[SLOPES + 1] = 1, 0.25, 0.5
    print(f"slope 1 and shifts: {w @ b[:k]:.12f} {np.sqrt(w @ cover @ w):.12f}")
    print(f"dispersion {square / (cells - k):.12f} cells {cells}")


def truncated():
    """Only weeks with sales, one segment and fold: zero-truncated Poisson with a dummy for each
    product, by its likelihood; r units a sale scale it."""
    per_sale = 1.5
    rows = [(i, t) for i in range(PRODUCTS) for t in range(WEEKS)
            if not np.isnan(price(i, t)) and units(i, t, 0) > 0]
    seasons = season(WEEKS - 1) + 1
    k = SLOPES + seasons - 1
    x = np.zeros((len(rows), k + PRODUCTS))
    y = np.array([per_sale * units(i, t, 0) for i, t in rows])
    for r, (i, t) in enumerate(rows):
        x[r, i % SLOPES] = price(i, t)
        if season(t) > 0:
            x[r, SLOPES + season(t) - 1] = 1
        x[r, k + i] = 1

    def mean(b):
        m = np.exp(x @ b) / per_sale
        given = m / -np.expm1(-m)
        return per_sale * given, per_sale * given * (1 - m * np.exp(-m) / -np.expm1(-m))
    b = np.zeros(x.shape[1])
    b[k:] = np.log(y.mean())
    ridge = np.diag(RIDGE * (np.arange(len(b)) < SLOPES))
    for _ in range(200):
        e, w = mean(b)
        step = np.linalg.solve(x.T @ (w[:, None] * x) + ridge, x.T @ (y - e) - ridge @ b)
        b += np.clip(step, -1, 1)
    print("truncated: slopes", [f"{v:.12f}" for v in b[:SLOPES]], "seasons",
          [f"{v:.12f}" for v in b[SLOPES:k]])
    e, w = mean(b)
    own = x[:, :k].copy()
    for i in range(PRODUCTS):
        at = np.array([row[0] == i for row in rows])
        own[at] -= (w[at, None] * own[at]).sum(0) / w[at].sum()
    bread = own.T @ (w[:, None] * own) + ridge[:k, :k]
    tail = list(range(SLOPES, k))
    meat = np.zeros((k, k))
    # information of each season's level, the products' effects eliminated; it does not matter
    # which season has no column
    level = np.array([[season(t) == z for z in range(seasons)] for _, t in rows], dtype=float)
    for i in range(PRODUCTS):
        at = np.array([row[0] == i for row in rows])
        level[at] -= (w[at, None] * level[at]).sum(0) / w[at].sum()
    of_season = (w[:, None] * level ** 2).sum(0)
    of_product = [w[[row[0] == i for row in rows]].sum() for i in range(PRODUCTS)]
    for r, (i, t) in enumerate(rows):
        c = i % SLOPES
        alone = 1 / np.linalg.inv(bread[np.ix_([c] + tail, [c] + tail)])[0, 0]
        score = own[r] * (y[r] - e[r])
        h = w[r] * (own[r, c] ** 2 / alone + 1 / of_product[i] + 1 / of_season[season(t)])
        meat += np.outer(score, score) / (1 - min(h, 0.75)) ** 2
    cover = np.linalg.inv(bread) @ meat @ np.linalg.inv(bread)
    print("  errors", [f"{np.sqrt(cover[c, c]):.12f}" for c in range(SLOPES)])
    i, t = rows[5]
    print(f"  offset of product {i} week {t}: {np.log(e[5]) - x[5] @ b:.12f}")


def with_columns():
    """Two further regressors in the panels of main(): one effect for all, and one for each slope.
    Leverages are those of a cell on its slope and the two effects of its product."""
    rows, panels = list_rows()
    z = SLOPES + SEGMENTS - 1
    e = z + season(WEEKS - 1)
    k = e + 1 + SLOPES
    x, y = np.zeros((len(rows), k + panels)), np.zeros(len(rows))
    for r, (i, t, s, panel) in enumerate(rows):
        x[r, i % SLOPES] = price(i, t)
        if s > 0:
            x[r, SLOPES + s - 1] = price(i, t)
        if season(t) > 0:
            x[r, z + season(t) - 1] = 1
        x[r, e] = flag(i, t)
        x[r, e + 1 + i % SLOPES] = neighbour(i, t)
        x[r, k + panel] = 1
        y[r] = units(i, t, s)
    b = np.zeros(x.shape[1])
    b[k:] = np.log(y.mean())
    prior = np.arange(len(b)) < z
    prior[e:k] = True
    ridge = np.diag(RIDGE * prior)
    mu = climb(x, y, ridge, b)
    own = without_panels(x[:, :k], mu, rows)
    inverse = np.linalg.inv(own.T @ (mu[:, None] * own) + ridge[:k, :k])
    meat = np.zeros((k, k))
    for i in range(PRODUCTS):
        for t in range(WEEKS):
            at = np.array([r for r, row in enumerate(rows) if row[:2] == (i, t)], dtype=int)
            mine = [i % SLOPES, e, e + 1 + i % SLOPES]
            part = own[np.ix_(at, mine)]
            h = (mu[at] * (part @ inverse[np.ix_(mine, mine)] * part).sum(1)).sum()
            score = (own[at] * (y[at] - mu[at])[:, None]).sum(0)
            meat += np.outer(score, score) / (1 - min(h, 0.75)) ** 2
    error = np.sqrt(np.diag(inverse @ meat @ inverse))
    print("with columns: slopes", [f"{v:.12f}" for v in b[:SLOPES]], "errors",
          [f"{v:.12f}" for v in error[:SLOPES]])
    print("  effects", [f"{v:.12f}" for v in b[e:k]], "errors", [f"{v:.12f}" for v in error[e:k]])


def flag(i, t):
    return (i * 3 + t * 5) % 4 == 0


def neighbour(i, t):
    return 0.1 * ((i * 2 + t * 3) % 5) - 0.05 * (t % 2)


main()
truncated()
with_columns()
