"""The fit of bench_kmeans by scikit-learn's Lloyd, and by scikit-learn-intelex's where that is
installed: same rows, start and iterations, 2 threads.

python3 bench/peer_kmeans.py [ROWS [COLUMNS [K [ITERATIONS]]]] prints one line of JSON.
"""
import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]

import numpy as np  # noqa: E402  (the threads are set first)
from sklearn.cluster import KMeans  # noqa: E402

try:
    from sklearnex.cluster import KMeans as FasterKMeans
except ImportError:
    FasterKMeans = None


def make_rows(rows, columns):
    """Uniform in [-1, 1): the top 24 bits of SplitMix64 of the cell's number."""
    x = np.empty(rows * columns, np.float32)
    step = 1 << 22
    for first in range(0, x.size, step):
        count = min(step, x.size - first)
        z = np.arange(first + 1, first + 1 + count, dtype=np.uint64)
        z *= np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        top = (z >> np.uint64(40)).astype(np.float32)
        x[first:first + count] = top * np.float32(2.0**-23) - 1
    return x.reshape(rows, columns)


def fit(name, kind, x, k, iterations):
    model = kind(k, init=x[:k].copy(), n_init=1, algorithm="lloyd", max_iter=iterations, tol=0)
    start = time.perf_counter()
    model.fit(x)
    seconds = time.perf_counter() - start
    each = seconds / model.n_iter_
    rows, columns = x.shape
    return {
        "peer": name, "rows": rows, "columns": columns, "k": k,
        "threads": int(os.environ["OMP_NUM_THREADS"]), "iterations": int(model.n_iter_),
        "seconds": round(seconds, 4), "seconds_per_iteration": round(each, 5),
        "rows_per_second": float(f"{rows / each:.4g}"),
        "gflops": round(2e-9 * rows * columns * k / each, 1),
        "inertia": float(f"{model.inertia_:.9g}")}


def main():
    given = [int(a) for a in sys.argv[1:5]]
    rows, columns, k, iterations = given + [1000000, 32, 64, 20][len(given):]
    x = make_rows(rows, columns)
    result = fit("scikit-learn", KMeans, x, k, iterations)
    if FasterKMeans is not None:
        result["more"] = [fit("scikit-learn-intelex", FasterKMeans, x, k, iterations)]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
