"""Figures of tests/test_double_ml.c: double machine learning by least squares, on its rows.

Folds are drawn as partition/random.h says, predictions and sandwich errors written from the
formulas. Prints the constants of the test: python3 -P tests/goldens/double_ml.py
"""
import numpy as np

ROWS, FOLDS, SEED, MASK = 700, 4, 5, 0xFFFFFFFF


def uniform(counter):
    """SplitMix64, as in the test: multiples of 2^-20 in [0, 1)."""
    z = counter.astype(np.uint64) + np.uint64(1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(44)).astype(float) * 2.0**-20


def fold(entity):
    """Philox4x32-10 of (SEED, stage 1, entity, draw 0); the upper part of 64 bits times FOLDS."""
    c, k = [entity & MASK, entity >> 32, 0, 1 << 8], [SEED, 0]
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK, (a >> 32) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return (c[0] << 32 | c[1]) * FOLDS >> 64


def design(x, hole, level):
    """Constant, numbers with their mean where missing, a mark there, a column for each level."""
    third = np.where(hole, x[~hole, 2].mean(), x[:, 2])
    levels = [level == l for l in range(4)]
    return np.column_stack([np.ones(len(x)), x[:, :2], third, hole] + levels)


def rest(z, y, folds):
    """What is left of y out of fold, by a line through the prediction."""
    predicted = np.empty_like(y)
    for k in range(FOLDS):
        train = folds != k
        predicted[~train] = z[~train] @ np.linalg.lstsq(z[train], y[train], rcond=None)[0]
    slope = np.cov(predicted, y)[0, 1] / predicted.var(ddof=1)
    return y - y.mean() - slope * (predicted - predicted.mean())


def effect(y, t, cluster=None):
    y, t = y - y.mean(), t - t.mean()
    slope = t @ y / (t @ t)
    score = t * (y - slope * t)
    if cluster is None:
        factor = len(y) / (len(y) - 2)
    else:
        score = np.array([score[cluster == c].sum() for c in np.unique(cluster)])
        factor = len(score) / (len(score) - 1)
    return slope, np.sqrt(factor * (score @ score)) / (t @ t)


def terms(y, x):
    inverse = np.linalg.inv(x.T @ x)
    b = inverse @ x.T @ y
    score = x * (y - x @ b)[:, None]
    v = len(y) / (len(y) - x.shape[1]) * inverse @ score.T @ score @ inverse
    return b, np.sqrt(np.diag(v))


def show(name, *figures):
    print(f"#define {name}", "{" + ", ".join(f"{f:.15g}" for f in figures) + "}")


i = np.arange(ROWS)
u = np.stack([uniform(8 * i + k) for k in range(8)], axis=1)
hole, level = i % 11 == 0, np.where(i % 13 == 0, -1, np.floor(4 * u[:, 3]))
t = u[:, 0] + 0.3 * np.maximum(level, 0) + u[:, 6] + u[:, 7] * u[:, 1]
y = -1.5 * t + 2 * u[:, 0] + u[:, 1] + 0.5 * np.maximum(level, 0) + u[:, 4] - u[:, 5]
used = i % 17 != 0
i, u, hole, level, t, y = (a[used] for a in (i, u, hole, level, t, y))
z = design(u[:, :3], hole, level)
for name, entity in (("ROWS", i), ("CLUSTERS", i // 7)):
    folds = np.array([fold(int(e)) for e in entity])
    ry, rt = rest(z, y, folds), rest(z, t, folds)
    cluster = None if name == "ROWS" else entity
    slope, error = effect(ry, rt, cluster)
    show(f"EFFECT_OF_{name}", slope, error)
    if name == "CLUSTERS":
        continue
    show("NAIVE", *effect(y, t))
    show("R_SQUARED", 1 - ry @ ry / ((y - y.mean()) ** 2).sum(),
         1 - rt @ rt / ((t - t.mean()) ** 2).sum())
    for g in range(2):
        show(f"GROUP_{g}", *effect(ry[i % 3 == g], rt[i % 3 == g]))
    show("TERMS", *np.concatenate(terms(ry, rt[:, None] * np.stack([np.ones(len(i)), u[:, 0]], 1))))
    f2 = (share := (ry @ rt) ** 2 / (ry @ ry) / (rt @ rt)) / (1 - share)
    fa2 = f2 * (1 - 1.959963984540054 * error / abs(slope)) ** 2
    show("ROBUSTNESS", *((np.sqrt(f * f + 4 * f) - f) / 2 for f in (f2, fa2)))
    show("EFFECTIVE", (rt @ rt) ** 2 / (rt**4).sum())
