"""Figures of tests/test_fit_lsq.sh and tests/test_fit_iv.sh: textbook formulas on dense dummies."""
import numpy as np

i = np.arange(1, 5001)
e = (i * i * 13 + i * 7) % 101 - 50
z1, z2, x = i * 37 % 29, i * 53 % 31, i * i % 23
p = 3 * z1 + 2 * z2 + e + i * 11 % 19
q = z1 - 2 * z2 + 2 * e + i * 17 % 13
store, week, w = i % 60, i * 7919 % 10007 % 17, i * 29 % 5
region = store % 12
y = 10 * x - 4 * p + 3 * e + 5 * store + 2 * week


def dummies(column):
    return (column[:, None] == np.unique(column)) * 1.0


def columns(*names):
    return np.column_stack(names).astype(float)


def middle(scores, kind, cluster):
    if kind == "cluster":
        scores = dummies(cluster).T @ scores
    return scores.T @ scores


def factor(kind, cluster, rows, estimated, nested=0):
    if kind != "cluster":
        return rows / (rows - estimated)
    groups = len(np.unique(cluster))
    return groups / (groups - 1) * (rows - 1) / (rows - estimated + nested)


def covariance(a, weights, residual, kind, cluster=None, nested=0):
    """Of the coefficients of a weighted fit on a, which may be rank deficient."""
    keep = weights > 0
    rows, estimated = keep.sum(), np.linalg.matrix_rank(a[keep])
    inverse = np.linalg.pinv(a.T @ (a * weights[:, None]))
    if kind == "classical":
        return inverse * (weights @ residual**2) / (rows - estimated)
    kept = None if cluster is None else cluster[keep]
    c = factor(kind, kept, rows, estimated, nested)
    scores = (a * (weights * residual)[:, None])[keep]
    return c * inverse @ middle(scores, kind, kept) @ inverse


def least_squares(a, outcome, weights):
    root = np.sqrt(weights)[:, None]
    return np.linalg.lstsq(a * root, outcome * root[:, 0], rcond=None)[0]


def lsq(title, a, reported, weights, kind, cluster=None, nested=0):
    b = least_squares(a, y, weights)
    v = covariance(a, weights, y - a @ b, kind, cluster, nested)
    print(title, [(f"{b[k]:.9g}", f"{v[k, k] ** 0.5:.9g}") for k in range(reported)])


def wald(b, v):
    return b @ np.linalg.solve(v, b)


def two_stage(title, endogenous, instruments, exogenous, weights, kind, cluster=None, nested=0):
    a1 = np.column_stack([instruments, exogenous])
    many, few = instruments.shape[1], endogenous.shape[1]
    first = []
    hat = np.empty_like(endogenous)
    for k in range(few):
        b = least_squares(a1, endogenous[:, k], weights)
        hat[:, k] = a1 @ b
        v = covariance(a1, weights, endogenous[:, k] - hat[:, k], kind, cluster, nested)
        first.append(wald(b[:many], v[:many, :many]) / many)
    a2 = np.column_stack([hat, exogenous])
    b = least_squares(a2, y, weights)
    u = y - np.column_stack([endogenous, exogenous]) @ b
    v = covariance(a2, weights, u, kind, cluster, nested)
    report = [(f"{b[k]:.9g}", f"{v[k, k] ** 0.5:.9g}") for k in range(few + 1)]
    print(title, report, "F", [f"{f:.9g}" for f in first], end=" ")
    extra = instruments[:, few:]
    if many > few:
        extra = np.column_stack([extra[:, k] - a2 @ least_squares(a2, extra[:, k], weights)
                                 for k in range(many - few)])
        if kind == "classical":
            s = extra.T @ (extra * weights[:, None]) * (weights @ u**2) / (weights > 0).sum()
        else:
            s = middle(extra * (weights * u)[:, None], kind, cluster)
        print("overidentified", f"{wald(extra.T @ (weights * u), s):.9g}")
    else:
        print()


one = np.ones(len(i))
plain, stores, weeks = columns(x, p, one), dummies(store), dummies(week)
lsq("y ~ x + p classical", plain, 3, one, "classical")
lsq("y ~ x + p HC1", plain, 3, one, "HC1")
lsq("y ~ x + p --weights w", plain, 3, w, "classical")
lsq("y ~ x + p --weights w --robust", plain, 3, w, "HC1")
lsq("y ~ x + p --weights w --cluster region", plain, 3, w, "cluster", region)
both = np.column_stack([columns(x, p), stores, weeks])
lsq("y ~ x + p | store + week --robust", both, 2, one, "HC1")
lsq("y ~ x + p | store + week --cluster week", both, 2, one, "cluster", week, 16)
lsq("y ~ x + p | store --weights w --cluster region", np.column_stack([columns(x, p), stores]), 2,
    w, "cluster", region, len(np.unique(store[w > 0])) - 1)
zs = columns(z1, z2)
for kind in ["classical", "HC1", "cluster"]:
    for weights, name in [(one, ""), (w, " --weights w")]:
        two_stage(f"y ~ x + [p ~ z1 + z2] {kind} by region{name}", columns(p), zs, columns(x, one),
                  weights, kind, region)
two_stage("y ~ x + [p ~ z1]", columns(p), columns(z1), columns(x, one), one, "classical")
two_stage("y ~ x + [p + q ~ z1 + z2] --robust", columns(p, q), zs, columns(x, one), one, "HC1")
two_stage("y ~ x + [p ~ z1 + z2] | store + week --cluster week", columns(p), zs,
          np.column_stack([x, stores, weeks]), one, "cluster", week, 16)


def ridge(title, penalised, free, weights, penalty, reported):
    a = np.column_stack([penalised, free]).astype(float)
    square = a.T @ (a * weights[:, None])
    square[np.arange(penalised.shape[1]), np.arange(penalised.shape[1])] += penalty
    b = np.linalg.lstsq(square, a.T @ (weights * y), rcond=None)[0]
    print(title, [f"{v:.9g}" for v in b[:reported]])


ridge("y ~ x + p + I(2 * x) --ridge 1000 --weights w", columns(x, p, 2 * x), columns(one), w, 1000,
      4)
ridge("y ~ x + C(week) | store --ridge 50", np.column_stack([x, weeks[:, 1:]]), stores, one, 50, 3)
