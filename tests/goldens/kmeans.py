"""Figures of tests/test_kmeans.c and test_silhouette.c: scikit-learn's Lloyd in double, and its
silhouette, on the tests' rows and start.

Run as python3 -P tests/goldens/kmeans.py, lest random.py beside it stand before the library's.
"""
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

ROWS, COLUMNS, K, SPOTS = 3000, 5, 7, 9
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
    """Row i lies about spot i % SPOTS."""
    return 4 * uniform(10**6 + i % SPOTS * COLUMNS + j) - 2 + uniform(i * COLUMNS + j)


def show(name, values):
    numbers = ", ".join(f"{v:.17g}" for v in np.ravel(values))
    print(f"static const double golden_{name}[] = {{{numbers}}};")


def main():
    x = np.array([[cell(i, j) for j in range(COLUMNS)] for i in range(ROWS)])
    assert (x == x.astype(np.float32)).all()
    for iterations in (3, 100):
        fit = KMeans(K, init=x[:K], n_init=1, algorithm="lloyd", max_iter=iterations, tol=0).fit(x)
        show(f"centroids_{iterations}", fit.cluster_centers_)
        show(f"inertia_{iterations}", [fit.inertia_])
        show(f"sizes_{iterations}", np.bincount(fit.labels_))
        show(f"iterations_{iterations}", [fit.n_iter_])
        show(f"label_sum_{iterations}", [np.sum((fit.labels_ + 1) * np.arange(1, ROWS + 1))])
        show(f"silhouette_{iterations}", [silhouette_score(x, fit.labels_)])


if __name__ == "__main__":
    main()
