"""The fit of bench_mixture by scikit-learn's GaussianMixture: same rows, start and iterations.

python3 bench/peer_mixture.py [full|diag|tied [ROWS [COLUMNS [K [ITERATIONS]]]]] prints one line of
JSON: 2 threads, the rows as doubles as bench_mixture has them; under "more" the same as float32.
"""
import json
import os
import sys
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]

import numpy as np  # noqa: E402  (the threads are set first)
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.mixture import GaussianMixture  # noqa: E402


def uniform(counters):
    """In [-1, 1): the top 24 bits of SplitMix64."""
    z = (counters + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1


def make_rows(rows, columns, k):
    """Row i about spot i % k."""
    cells = np.arange(rows * columns, dtype=np.uint64).reshape(rows, columns)
    spots = np.arange(k * columns, dtype=np.uint64).reshape(k, columns) + np.uint64(1 << 62)
    return 0.5 * uniform(spots)[np.arange(rows) % k] + uniform(cells)


def start_of(x, k, covariance):
    """Rows to the nearest of the first k, columns standardised, and one step from there."""
    z = (x - x.mean(0)) / x.std(0)
    label = np.stack([((z - z[c])**2).sum(1) for c in range(k)]).argmin(0)
    parts = [x[label == c] for c in range(k)]
    weights = np.array([len(p) / len(x) for p in parts])
    means = np.array([p.mean(0) for p in parts])
    full = np.array([np.cov(p.T, bias=True) for p in parts])
    precisions = {"full": lambda: np.linalg.inv(full),
                  "diag": lambda: 1 / np.array([np.diag(f) for f in full]),
                  "tied": lambda: np.linalg.inv(np.tensordot(weights, full, 1))}[covariance]()
    return weights, means, precisions


def fit(x, k, covariance, iterations, start):
    weights, means, precisions = (part.astype(x.dtype) for part in start)
    model = GaussianMixture(k, covariance_type=covariance, tol=0, reg_covar=0,
                            max_iter=iterations, weights_init=weights / weights.sum(),
                            means_init=means, precisions_init=precisions)
    begin = time.perf_counter()
    model.fit(x)
    seconds = time.perf_counter() - begin
    each = seconds / model.n_iter_
    return {
        "peer": f"scikit-learn {x.dtype}", "covariance": covariance, "rows": len(x),
        "columns": x.shape[1], "k": k, "threads": int(os.environ["OMP_NUM_THREADS"]),
        "iterations": int(model.n_iter_), "seconds": round(seconds, 4),
        "seconds_per_iteration": round(each, 5), "rows_per_second": float(f"{len(x) / each:.4g}"),
        "log_likelihood": float(f"{model.score(x) * len(x):.12g}")}


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    covariance = sys.argv[1] if len(sys.argv) > 1 else "full"
    given = [int(a) for a in sys.argv[2:6]]
    rows, columns, k, iterations = given + [500000, 16, 8, 10][len(given):]
    x = make_rows(rows, columns, k)
    start = start_of(x, k, covariance)
    result = fit(x, k, covariance, iterations, start)
    result["more"] = [fit(x.astype(np.float32), k, covariance, iterations, start)]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
