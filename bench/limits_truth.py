#!/usr/bin/env python3
"""Is what `remise allocate FILE` says about many limits true?

Random tables of cells, of several shapes, each solved by `remise allocate FILE` and by HiGHS: as a
linear programme (one option of each slot in parts), and in whole options.

    python3 bench/limits_truth.py [--remise build/remise] [--cases 200] [--seed 1] [--seconds 5]
                                  [--shape NAME]

Checked for every case:
  bound     upper_bound is no less than the best choice in whole options; how far above the linear
            programme's optimum, relative to it, is printed: below 0 where limits of few slots were
            kept in whole options
  value     objective is no more than the optimum in whole options, within which the choice written
            by --out keeps all limits, added up here
  conflict  exit code 65 where, and only where, HiGHS finds no choice
HiGHS stops after --seconds; its bound and best choice then stand in for the optimum. One line for
each shape, then what was wrong; exit code 1 if anything was. Needs numpy, scipy.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections import namedtuple

import numpy as np
import scipy.sparse as sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

# users, slots of each, options, products; how tight: part of the way from least to best use
Shape = namedtuple("Shape", "users slots options products limits tight")
SHAPES = {
    "tiny": Shape((1, 9), (1, 2), (2, 5), (1, 3), (1, 3), (-0.1, 1.1)),
    "budgets": Shape((40, 200), (1, 4), (3, 6), (2, 8), (2, 5), (0.1, 0.9)),
    "stocks": Shape((30, 120), (2, 6), (3, 6), (20, 100), (2, 5), (0.1, 0.9)),
    "tight": Shape((20, 100), (1, 4), (2, 6), (3, 30), (2, 6), (0.0, 0.15)),
    "larger": Shape((300, 600), (3, 5), (4, 6), (10, 200), (3, 6), (0.2, 0.8)),
}
Limit = namedtuple("Limit", "column least group number")


class Case:
    """A table of cells: values and uses [slots][options], what each slot belongs to, limits."""

    def __init__(self, shape, rng):
        self.users, self.slots, self.options, products, limits = (
            int(rng.integers(low, high + 1)) for low, high in shape[:5])
        count = self.users * self.slots
        self.group = {"product": rng.integers(0, products, count),
                      "category": rng.integers(0, max(1, products // 5), count)}
        steps = np.arange(self.options)
        price = rng.lognormal(2.5, 0.6, count)[:, None]
        sold = 1 / (1 + np.exp(2 - rng.lognormal(0.5, 0.7, count)[:, None] * 0.2 * steps
                               - rng.normal(0, 0.7, count)[:, None]))
        margin = rng.uniform(0.2, 0.5, count)[:, None]
        self.value = np.round(price * sold * (margin - 0.05 * steps), 2)
        self.use = {"cost": np.round(price * sold * 0.05 * steps, 2), "units": np.round(sold, 3),
                    "given": 1.0 * np.broadcast_to(steps > 0, sold.shape),
                    "joy": np.round(sold * rng.normal(0.5, 1, count)[:, None], 2)}
        if rng.random() < 0.2:  # nothing but ties
            self.value = np.round(self.value)
            self.use["cost"] = np.round(self.use["cost"])
        self.limits = [self.draw_limit(shape.tight, rng) for _ in range(limits)]

    def draw_limit(self, tight, rng):
        column = rng.choice(list(self.use))
        group = rng.choice(["", "product", "category"])
        least = rng.random() < 0.25
        use, best = self.use[column], self.value.argmax(1)
        key = self.group[group] if group else np.zeros(len(use), int)
        extreme = use.max(1) if least else use.min(1)
        chosen = use[np.arange(len(use)), best]
        part = rng.uniform(*tight)
        there = np.unique(key)
        values = np.bincount(key, extreme + part * (chosen - extreme))[there]
        number = np.median(values)
        if part > 0:  # the same for each group, and each can keep it
            edge = np.bincount(key, extreme)[there]
            number = min(number, edge.min()) if least else max(number, edge.max())
        return Limit(column, least, group, float(f"{number:.3f}") + (-0.001 if least else 0.001))

    def write(self, path):
        columns = list(self.use)
        with open(path, "w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["user", "slot", "option", "value", *columns, "product", "category"])
            for i in range(len(self.value)):
                for k in range(self.options):
                    rows.writerow([i // self.slots, i % self.slots, k, self.value[i, k],
                                   *(self.use[c][i, k] for c in columns),
                                   self.group["product"][i], self.group["category"][i]])

    def constraints(self):
        """As arguments."""
        for limit in self.limits:
            sign = ">=" if limit.least else "<="
            yield f"{limit.column} {sign} {limit.number:.3f}" + (
                f" per {limit.group}" if limit.group else "")

    def sums(self, weight):
        """For each limit and group what a choice uses less the limit, <= 0 where it holds."""
        for limit in self.limits:
            sign = -1 if limit.least else 1
            used = (weight * self.use[limit.column]).sum(1)
            key = self.group[limit.group] if limit.group else np.zeros(len(used), int)
            for g in np.unique(key):
                yield sign * (used[key == g].sum() - limit.number)

    def programme(self):
        count = len(self.value)
        rows, columns, entries, upper = [], [], [], []
        for limit in self.limits:
            sign = -1 if limit.least else 1
            key = self.group[limit.group] if limit.group else np.zeros(count, int)
            for g in np.unique(key):
                cells = (np.flatnonzero(key == g)[:, None] * self.options
                         + np.arange(self.options)).ravel()
                rows.append(np.full(len(cells), len(upper)))
                columns.append(cells)
                entries.append(sign * self.use[limit.column].ravel()[cells])
                upper.append(sign * limit.number)
        matrix = sparse.csr_matrix(
            (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))),
            (len(upper), self.value.size))
        one = sparse.kron(sparse.eye(count), np.ones((1, self.options)), "csr")
        return matrix, np.array(upper), one


def truth(case, seconds):
    """Optimum of the linear programme, of whole options from below and above; None: no choice."""
    matrix, upper, one = case.programme()
    cost, ones = -case.value.ravel(), np.ones(one.shape[0])
    linear = linprog(cost, matrix, upper, one, ones, (0, 1), method="highs")
    if linear.status == 2:
        return None
    whole = milp(cost, integrality=np.ones(cost.size), bounds=Bounds(0, 1),
                 constraints=[LinearConstraint(matrix, -np.inf, upper),
                              LinearConstraint(one, 1, 1)], options={"time_limit": seconds,
                                                                     "mip_rel_gap": 0})
    if whole.status == 2:
        return None
    best = -whole.fun if whole.x is not None else -np.inf
    most = -whole.mip_dual_bound if whole.mip_dual_bound is not None else -linear.fun
    return -linear.fun, best, min(most, -linear.fun)


def solve(remise, case, folder):
    """Receipt and what the choice written exceeds of the limits at most; None: exit code 65."""
    table, out = os.path.join(folder, "cells.csv"), os.path.join(folder, "chosen.csv")
    case.write(table)
    command = [remise, "allocate", table, "--out", out]
    for text in case.constraints():
        command += ["--constraint", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 65:
        return None
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    with open(out, newline="", encoding="utf-8") as file:
        chosen = np.array([float(row["chosen"]) for row in csv.DictReader(file)])
    weight = chosen.reshape(case.value.shape)
    if not (weight.sum(1) == 1).all():
        sys.exit("a slot has no option, or several")
    receipt = json.loads(done.stdout)
    receipt["worth"] = float((weight * case.value).sum())
    return receipt, max(case.sums(weight))


def judge(case, receipt, over, known):
    """What is wrong, and (bound / linear optimum - 1, 1 - value / best known, gap)."""
    linear, best, most = known
    size = max(1.0, abs(best if np.isfinite(best) else most))
    wrong = []
    if receipt["upper_bound"] < best - 1e-7 * size:
        wrong.append(f"bound {receipt['upper_bound']} below {best}")
    if receipt["objective"] > most + 1e-7 * size:
        wrong.append(f"value {receipt['objective']} above {most}")
    if abs(receipt["objective"] - receipt["worth"]) > 1e-7 * size:
        wrong.append(f"value {receipt['objective']} but the choice is worth {receipt['worth']}")
    if over > 1e-6:
        wrong.append(f"a limit is exceeded by {over}")
    return wrong, ((receipt["upper_bound"] - linear) / size, (best - receipt["objective"]) / size,
                   receipt["gap"])


def run_shape(name, args):
    """Judge all cases of a shape; the number that were wrong."""
    figures, faults, conflicts = [], 0, 0
    for number in range(args.cases):
        case = Case(SHAPES[name], np.random.default_rng([args.seed, number, *name.encode()]))
        with tempfile.TemporaryDirectory() as folder:
            found = solve(args.remise, case, folder)
        known = truth(case, args.seconds)
        if found is None or known is None:
            conflicts += found is None and known is None
            wrong = [] if found is None and known is None else [
                "no choice found; there is one" if found is None else "a choice, but there is none"]
            if found is None and known is not None and known[1] == -np.inf:
                wrong = []  # nobody knows
        else:
            wrong, figure = judge(case, *found, known)
            figures.append(figure)
        for text in wrong:
            print(f"  {name} {number}: {text}")
        faults += bool(wrong)
    print(f"{name}: {len(figures)} solved, {conflicts} without a choice, {faults} wrong" + (
        "; bound above the linear optimum by {:.1e} (median), {:.1e} (90 %), {:.1e} (most); "
        "value below the best known by {:.1e}, {:.1e}, {:.1e}; gap {:.1e}, {:.1e}, {:.1e}".format(
            *(np.quantile([f[i] for f in figures], q) for i in range(3) for q in (0.5, 0.9, 1)))
        if figures else ""), flush=True)
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--remise", default="build/remise")
    parser.add_argument("--cases", type=int, default=200, help="of each shape")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--shape", choices=list(SHAPES), action="append")
    args = parser.parse_args()
    faults = sum(run_shape(name, args) for name in args.shape or SHAPES)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
