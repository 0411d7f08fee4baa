"""The fit of bench_als by `implicit` with its conjugate gradients, one BLAS thread: same ratings,
factors and iterations, 2 threads. It knows implicit feedback only.

python3 bench/peer_als.py [implicit [USERS [ITEMS [FACTORS [ITERATIONS [DRAWS]]]]]] prints one line
of JSON.
"""
import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402  (the threads are set first)
import scipy.sparse  # noqa: E402
from implicit.als import AlternatingLeastSquares  # noqa: E402

ALPHA, LAMBDA = 10.0, 30.0


def uniform(counter):
    z = (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(float) * 2.0**-53


def make_ratings(users, items, draws):
    """In the order of draws; a pair drawn again is left out."""
    base = np.arange(users, dtype=np.uint64) * np.uint64(8 * draws)
    count = 10 + (draws * uniform(base) ** 2).astype(int)
    user = np.repeat(np.arange(users), count)
    k = (np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)).astype(np.uint64)
    at = base[user] + np.uint64(4) + np.uint64(4) * k
    item = (items * uniform(at) ** 3).astype(np.int64)
    value = 1 + (5 * uniform(at + np.uint64(1))).astype(int)
    first = np.unique(user * items + item, return_index=True)[1]
    return scipy.sparse.csr_matrix((1 + ALPHA * value[first], (user[first], item[first])),
                                   (users, items), dtype=np.float32)


def loss(ratings, x, y):
    x, y, rated = x.astype(float), y.astype(float), ratings.tocoo()
    total = np.sum((x.T @ x) * (y.T @ y)) + LAMBDA * ((x**2).sum() + (y**2).sum())
    for first in range(0, rated.nnz, 1 << 20):
        part = slice(first, first + (1 << 20))
        fit = (x[rated.row[part]] * y[rated.col[part]]).sum(1)
        total += (rated.data[part].astype(float) * (1 - fit) ** 2 - fit**2).sum()
    return total


def main():
    words = sys.argv[1:]
    if words and words[0] != "implicit":
        sys.exit("there is no peer for explicit ratings")
    given = [int(a) for a in words[1:6]]
    users, items, factors, iterations, draws = given + [100000, 20000, 64, 5, 180][len(given):]
    ratings = make_ratings(users, items, draws)
    threads = int(os.environ["OMP_NUM_THREADS"])
    model = AlternatingLeastSquares(factors=factors, regularization=LAMBDA, alpha=1.0,
                                    iterations=iterations, num_threads=threads, random_state=1)
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(ratings, show_progress=False)
    each, cpu = (time.perf_counter() - start) / iterations, (time.process_time() - cpu) / iterations
    print(json.dumps({
        "peer": "implicit", "ratings": ratings.nnz, "factors": factors, "threads": threads,
        "seconds_per_iteration": round(each, 4), "cpu_seconds_per_iteration": round(cpu, 4),
        "rows_per_second": float(f"{ratings.nnz / each:.4g}"),
        "loss": float(f"{loss(ratings, model.user_factors, model.item_factors):.9g}")}))


if __name__ == "__main__":
    main()
