"""Figures of tests/test_forest.c: test errors of XGBoost's and scikit-learn's forests on its rows.

Both grow histogram forests: the same bins (scikit-learn is given the bins' numbers), trees, depth,
rows per leaf and columns drawn per node. Each figure is the mean of several seeds.

Run as python3 -P tests/goldens/forest.py, lest random.py beside it stand before the library's.
"""
import numpy as np
import xgboost
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

ROWS, TEST_ROWS, COLUMNS, BINS = 4000, 4000, 8, 64
TREES, DEPTH, LEAF, DRAWN, SEEDS = 200, 8, 5, 4, 5


def uniform(counter):
    """SplitMix64, as in the test: multiples of 2^-20 in [0, 1)."""
    z = counter.astype(np.uint64) + np.uint64(1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(44)).astype(float) * 2.0**-20


def bin_numbers(x, like):
    """By the values at ranks ceil(k n / BINS) of each column of `like`."""
    ranks = [-(-k * len(like) // BINS) - 1 for k in range(1, BINS)]
    edges = np.sort(like, axis=0)[ranks]
    return np.stack([np.searchsorted(np.unique(edges[:, j]), x[:, j], side="left")
                     for j in range(COLUMNS)], axis=1)


def xgboost_error(x, y, test, truth, classes, seed):
    model = (xgboost.XGBRFClassifier if classes else xgboost.XGBRFRegressor)(
        n_estimators=TREES, max_depth=DEPTH, min_child_weight=0 if classes else LEAF,
        max_bin=BINS, tree_method="hist", subsample=0.632, colsample_bynode=DRAWN / COLUMNS,
        reg_lambda=0, learning_rate=1, random_state=seed)
    return error(model.fit(x, y).predict(test), truth, classes)


def scikit_error(x, y, test, truth, classes, seed):
    model = (RandomForestClassifier if classes else RandomForestRegressor)(
        TREES, max_depth=DEPTH, min_samples_leaf=LEAF, max_features=DRAWN, random_state=seed)
    fit = model.fit(bin_numbers(x, x), y)
    return error(fit.predict(bin_numbers(test, x)), truth, classes)


def error(predicted, truth, classes):
    if classes:
        return np.mean(predicted != truth)
    return np.sqrt(np.mean((predicted - truth) ** 2))


def main():
    cells = np.arange((ROWS + TEST_ROWS) * COLUMNS)
    x = uniform(cells).reshape(-1, COLUMNS)
    noise = uniform(10**7 + np.arange(ROWS + TEST_ROWS))
    y = 4 * x[:, 0] + 6 * x[:, 1] * x[:, 2] + 4 * abs(x[:, 3] - 0.5) + 2 * noise
    for name, target in (("rmse", y), ("wrong", np.minimum(y // 3, 2).astype(int))):
        classes = name == "wrong"
        for peer, measure in (("xgboost", xgboost_error), ("scikit", scikit_error)):
            errors = [measure(x[:ROWS], target[:ROWS], x[ROWS:], target[ROWS:], classes, s)
                      for s in range(SEEDS)]
            print(f"#define {name.upper()}_{peer.upper()} {np.mean(errors):.6f} "
                  f"/* {min(errors):.6f} to {max(errors):.6f} */")


if __name__ == "__main__":
    main()
