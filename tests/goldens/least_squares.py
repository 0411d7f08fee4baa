"""Figures of tests/test_least_squares.c: weighted fits by QR of the whole design in extended
precision."""
import numpy as np

ROWS, DENSE, LEVELS, GROUPS = 3000, 4, 6, 37
MASK = (1 << 64) - 1


def mix(x):
    """splitmix64, as in the test."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def uniform(row, what):
    return (mix(row * 64 + what) >> 11) * 2.0**-53


def table():
    x = np.empty((ROWS, DENSE))
    y, w = np.empty(ROWS), np.empty(ROWS)
    level, group = np.empty(ROWS, int), np.empty(ROWS, int)
    slope = np.empty(ROWS)
    for i in range(ROWS):
        for j in range(DENSE):
            x[i, j] = 100.0**j * (uniform(i, j) + j)
        level[i] = int(uniform(i, 10) * LEVELS)
        slope[i] = uniform(i, 13) + 0.5
        group[i] = i * GROUPS // ROWS
        w[i] = 0.0 if uniform(i, 11) < 0.05 else 0.25 + uniform(i, 12)
        noise = uniform(i, 20) + uniform(i, 21) - 1.0
        y[i] = 3.0 + x[i, 0] - x[i, 1] / 50 + slope[i] * level[i] * 0.25 + group[i] * 0.1 + noise
    return x, y, w, level, slope, group


def fit(columns, y, w, first_extra):
    """Coefficients, errors, R squared; columns from first_extra on are not counted as reported."""
    root = np.sqrt(w)
    scale = np.sqrt((columns**2).mean(0))
    z = (columns / scale * root[:, None]).astype(np.float64)
    b, *_ = np.linalg.lstsq(z, y * root, rcond=1e-12)
    for _ in range(3):  # refine with residuals in extended precision
        r = y.astype(np.longdouble) * root - z.astype(np.longdouble) @ b.astype(np.longdouble)
        b = b + np.linalg.lstsq(z, r.astype(np.float64), rcond=1e-12)[0]
    r = y * root - z @ b
    rank = np.linalg.matrix_rank(z, tol=1e-8 * np.linalg.norm(z))
    variance = (r @ r) / ((w > 0).sum() - rank)
    q, upper = np.linalg.qr(z[:, ::-1])
    inverse = np.linalg.inv(upper)
    error = np.sqrt(variance * (inverse**2).sum(1))[::-1] / scale
    mean = (w @ y) / w.sum()
    explained = 1 - (r @ r) / (w @ (y - mean) ** 2)
    return b[:first_extra] / scale[:first_extra], error[:first_extra], explained


def show(name, values):
    print(f"static const double {name}[] = {{" + ", ".join(f"{v:.17g}" for v in values) + "};")


x, y, w, level, slope, group = table()
onehot = (level[:, None] == np.arange(1, LEVELS)) * 1.0
slopes = (level[:, None] == np.arange(LEVELS)) * slope[:, None]
ones = np.ones((ROWS, 1))
b, e, r2 = fit(np.hstack([ones, x, onehot, slopes]), y, w, 1 + DENSE + 2 * LEVELS - 1)
show("golden_coefficient", b)
show("golden_error", e)
show("golden_r_squared", [r2])
dummies = (group[:, None] == np.arange(GROUPS)) * 1.0
b, e, r2 = fit(np.hstack([x, onehot, slopes, dummies]), y, w, DENSE + 2 * LEVELS - 1)
show("golden_group_coefficient", b)
show("golden_group_error", e)
show("golden_group_r_squared", [r2])
