"""Figures of tests/test_tree.c: scikit-learn's exact trees on the test's rows.

Run as python3 -P tests/goldens/tree.py, lest random.py beside it stand before the library's.
"""
import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

ROWS, COLUMNS = 250, 4
MASK = (1 << 64) - 1


def uniform(counter):
    """SplitMix64, as in the test: multiples of 2^-20 in [0, 1)."""
    z = ((counter + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    z ^= z >> 31
    return (z >> 44) * 2.0**-20


def value(row, noise):
    """Exact in double: products of such multiples have 40 bits."""
    step = 2.0 if row[0] > 0.5 else 0.0
    return step + 3 * row[1] * row[2] + noise


def by_depth(tree):
    """Nodes in order of depth, from left to right."""
    order = [0]
    for i in order:
        if tree.children_left[i] >= 0:
            order += [tree.children_left[i], tree.children_right[i]]
    return order


def fit_tree(kind, depth, leaf, x, y):
    """A tree without ties between questions: the order of columns tried does not matter."""
    fits = [kind(max_depth=depth, min_samples_leaf=leaf, random_state=s).fit(x, y)
            for s in range(9)]
    for fit in fits:
        assert [fit.tree_.feature[i] for i in by_depth(fit.tree_)] == \
            [fits[0].tree_.feature[i] for i in by_depth(fits[0].tree_)]
        assert (fit.predict(x) == fits[0].predict(x)).all()
    return fits[0]


def show(name, kind, values, form):
    numbers = ", ".join(form.format(v) for v in values)
    print(f"static const {kind} golden_{name}[] = {{{numbers}}};")


def main():
    x = np.array([[uniform(i * COLUMNS + j) for j in range(COLUMNS)] for i in range(ROWS)])
    y = np.array([value(x[i], uniform(10**6 + i)) for i in range(ROWS)])
    label = np.minimum(y, 3.99).astype(int)
    fits = {"values": fit_tree(DecisionTreeRegressor, 5, 4, x, y),
            "classes": fit_tree(DecisionTreeClassifier, 4, 9, x, label)}
    for name, fit in fits.items():
        tree, order = fit.tree_, by_depth(fit.tree_)
        show(name + "_feature", "int32_t",
             [max(int(tree.feature[i]), -1) for i in order], "{}")
        show(name + "_rows", "int64_t", [int(tree.n_node_samples[i]) for i in order], "{}")
        if name == "values":
            show(name + "_value", "double", [float(tree.value[i, 0, 0]) for i in order], "{:.17g}")
        else:
            show(name + "_share", "double",
                 [float(v) for i in order for v in tree.value[i, 0]], "{:.17g}")
        show(name + "_importance", "double", fit.feature_importances_, "{:.17g}")


if __name__ == "__main__":
    main()
