"""The fit of bench_lsq by scikit-learn's LinearRegression, and under "more" by numpy's normal
equations (without a constant): the same rows in double, on 2 threads.

python3 bench/peer_lsq.py [ROWS [COLUMNS [LEVELS]]] prints one line of JSON; nothing where there are
LEVELS. Neither gives standard errors.
"""
import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]

import numpy as np  # noqa: E402  (the threads are set first)
from sklearn.linear_model import LinearRegression  # noqa: E402


def values(first, count):
    """Uniform in [-1, 1): the top 24 bits of SplitMix64 of the counters from first on."""
    z = np.arange(first + 1, first + 1 + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1


def normal_equations(x, y):
    """The best of three: the first call makes the library's threads."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        np.linalg.solve(x.T @ x, x.T @ y)
        best = min(best, time.perf_counter() - start)
    return best


def main():
    rows, columns, levels = [int(a) for a in sys.argv[1:4]] + [1000000, 64, 0][len(sys.argv) - 1:]
    if levels > 0:
        return
    x = np.empty((rows, columns))
    flat, step = x.reshape(-1), 1 << 22
    for first in range(0, flat.size, step):
        count = min(step, flat.size - first)
        flat[first:first + count] = values(first, count)
    y = x @ (1.0 / np.arange(1, columns + 1)) + values(1 << 62, rows)
    start = time.perf_counter()
    model = LinearRegression().fit(x, y)
    seconds = time.perf_counter() - start
    print(json.dumps({
        "peer": "scikit-learn LinearRegression", "rows": rows, "columns": columns,
        "threads": int(os.environ["OMP_NUM_THREADS"]), "seconds": round(seconds, 4),
        "rows_per_second": float(f"{rows / seconds:.4g}"),
        "gflops": round(1e-9 * rows * columns**2 / seconds, 1),
        "slope": float(f"{model.coef_[0]:.12g}"),
        "r_squared": float(f"{model.score(x, y):.12g}"),
        "more": [{"peer": "numpy normal equations",
                  "rows_per_second": float(f"{rows / normal_equations(x, y):.4g}")}]}))


if __name__ == "__main__":
    main()
