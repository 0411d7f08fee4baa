"""Figures of tests/mixture_golden.h: scikit-learn's GaussianMixture on the test's rows and start.

Run as python3 -P tests/goldens/mixture.py, lest random.py beside it stand before the library's.
"""
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

ROWS, COLUMNS, K, SPOTS, ITERATIONS = 3000, 5, 4, 6, 14
MASK = (1 << 64) - 1


def mix(counter):
    """SplitMix64, as in the test."""
    z = ((counter + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniform(counter):
    """Multiples of 2^-20 in [0, 1), so that the cells below are exact in float32."""
    return (mix(counter) >> 44) * 2.0**-20


def cell(i, j):
    """About spot i % SPOTS, correlated with the column before, the columns of different scale."""
    spot = uniform(10**6 + i % SPOTS * COLUMNS + j)
    before = uniform(i * COLUMNS + j - 1) if j > 0 else 0.0
    return 2.0**(3 * j) * (spot + uniform(i * COLUMNS + j) + before)


def start_of(x, covariance):
    """Rows to the nearest of the first K, columns standardised, and one step from there."""
    z = (x - x.mean(0)) / x.std(0)
    label = ((z[:, None] - z[None, :K])**2).sum(2).argmin(1)
    parts = [x[label == c] for c in range(K)]
    weights = np.array([len(p) / len(x) for p in parts])
    means = np.array([p.mean(0) for p in parts])
    full = np.array([np.cov(p.T, bias=True) for p in parts])
    if covariance == "full":
        precisions = np.linalg.inv(full)
    elif covariance == "diag":
        precisions = 1 / np.array([np.diag(f) for f in full])
    else:
        precisions = np.linalg.inv(np.tensordot(weights, full, 1))
    return weights, means, precisions


def show(name, values):
    numbers = ", ".join(f"{v:.17g}" for v in np.ravel(values))
    print(f"static const double golden_{name}[] = {{{numbers}}};")


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    x = np.array([[cell(i, j) for j in range(COLUMNS)] for i in range(ROWS)])
    assert (x == x.astype(np.float32)).all()
    for covariance in ("full", "diag", "tied"):
        weights, means, precisions = start_of(x, covariance)
        fit = GaussianMixture(K, covariance_type=covariance, reg_covar=0, tol=0,
                              max_iter=ITERATIONS, weights_init=weights, means_init=means,
                              precisions_init=precisions).fit(x)
        show(f"trace_{covariance}", np.array(fit.lower_bounds_) * ROWS)
        show(f"weights_{covariance}", fit.weights_)
        show(f"means_{covariance}", fit.means_)
        show(f"covariances_{covariance}", fit.covariances_)
        show(f"score_{covariance}", [fit.score(x) * ROWS, fit.bic(x), fit.aic(x)])
        show(f"share_{covariance}", fit.predict_proba(x)[:3])
        show(f"density_{covariance}", fit.score_samples(x)[:3])


if __name__ == "__main__":
    main()
