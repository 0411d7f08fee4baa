"""The forest of bench_forest by XGBoost, LightGBM and scikit-learn: same rows, trees, depth, bins,
columns drawn and rows per leaf, 2 threads.

python3 bench/peer_forest.py [ROWS [COLUMNS [TREES [DEPTH [FEATURES [BINS]]]]]] prints one line of
JSON: XGBoost's histogram trees, and in `more` the others. The first two draw 63.2 % of the rows
for each tree, scikit-learn a bootstrap; LightGBM grows by leaves, up to 2^DEPTH of them, and draws
columns for each node among bins of its own; scikit-learn sorts, grows 2 trees only and is scaled.
"""
import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")
THREADS = int(os.environ["OMP_NUM_THREADS"])

import numpy as np  # noqa: E402  (the threads are set first)

TEST_ROWS = 50000
SORTED_TREES = 2


def uniform(counter):
    """In [-1, 1): the top 24 bits of SplitMix64."""
    z = counter + np.uint64(1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def make_rows(first, rows, columns):
    x = np.empty((rows, columns), np.float32)
    step = 1 << 16
    for i in range(0, rows, step):
        end = min(i + step, rows)
        cells = np.arange((first + i) * columns, (first + end) * columns, dtype=np.uint64)
        x[i:end] = uniform(cells).reshape(-1, columns)
    noise = uniform(np.arange(first, first + rows, dtype=np.uint64) + np.uint64(1 << 40))
    d = x[:, :4].astype(float)
    return x, 2 * d[:, 0] + 3 * d[:, 1] * d[:, 2] + 2 * abs(d[:, 3]) + noise


def by_xgboost(x, y, trees, depth, features, bins):
    import xgboost
    options = {"tree_method": "hist", "max_depth": depth, "max_bin": bins, "eta": 1,
               "subsample": 0.632, "colsample_bynode": features / x.shape[1], "lambda": 0,
               "min_child_weight": 5, "num_parallel_tree": trees, "nthread": THREADS, "seed": 1,
               "objective": "reg:squarederror"}
    start = time.perf_counter()
    data = xgboost.QuantileDMatrix(x, y, max_bin=bins, nthread=THREADS)
    between = time.perf_counter()
    model = xgboost.train(options, data, 1)
    return start, between, lambda z: model.predict(xgboost.DMatrix(z))


def by_lightgbm(x, y, trees, depth, features, bins):
    import lightgbm
    options = {"boosting": "rf", "objective": "regression", "max_depth": depth,
               "num_leaves": 1 << depth, "max_bin": bins, "bagging_fraction": 0.632,
               "bagging_freq": 1, "feature_fraction_bynode": features / x.shape[1],
               "min_data_in_leaf": 5, "min_sum_hessian_in_leaf": 0, "num_threads": THREADS,
               "seed": 1, "verbose": -1}
    start = time.perf_counter()
    data = lightgbm.Dataset(x, y, params=options).construct()
    between = time.perf_counter()
    model = lightgbm.train(options, data, trees)
    return start, between, model.predict


def by_scikit_learn(x, y, trees, depth, features, bins):
    from sklearn.ensemble import RandomForestRegressor
    start = time.perf_counter()
    model = RandomForestRegressor(SORTED_TREES, max_depth=depth, max_features=features,
                                  min_samples_leaf=5, n_jobs=THREADS, random_state=1).fit(x, y)
    spent = (time.perf_counter() - start) * (trees / SORTED_TREES - 1)
    return start - spent, start - spent, model.predict


def main():
    given = [int(a) for a in sys.argv[1:7]]
    sizes = given + [1000000, 32, 16, 8, 10, 255][len(given):]
    rows, columns, trees, depth, features, bins = sizes
    x, y = make_rows(0, rows, columns)
    test, truth = make_rows(rows, TEST_ROWS, columns)
    lines = []
    for peer, fit in (("XGBoost hist", by_xgboost), ("LightGBM rf", by_lightgbm),
                      ("scikit-learn RandomForest", by_scikit_learn)):
        start, between, predict = fit(x, y, trees, depth, features, bins)
        end = time.perf_counter()
        error = float(np.sqrt(np.mean((predict(test) - truth) ** 2)))
        lines.append({
            "peer": peer, "rows": rows, "columns": columns, "trees": trees, "depth": depth,
            "features": features, "bins": bins, "threads": THREADS,
            "seconds_bins": round(between - start, 3), "seconds_grow": round(end - between, 3),
            "rows_per_second": float(f"{rows * trees / (end - start):.4g}"),
            "test_rmse": round(error, 5)})
    print(json.dumps(lines[0] | {"more": lines[1:]}))


if __name__ == "__main__":
    main()
