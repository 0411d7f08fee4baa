#!/usr/bin/env python3
"""Does `remise fit dml` recover the known effect of price experiments? Do its intervals hold it?

Every design draws tables in which the effect of a treatment is known: randomised, and confounded by
lines, steps, interactions and waves; binary treatments and few price levels; rows of one user that
depend on each other; few and many rows; effects that differ by group; hardly any overlap; texts
and missing values among the controls. Printed for each: bias, root mean square error beside that of
an oracle that is told the confounding, the mean standard error over the spread of the estimates,
and how many 95 % intervals hold the effect.

    python3 bench/dml_truth.py BUILD [--replications 100] [--designs line,wave,...] [--jobs 2]
                               [--keep FILE.jsonl] [--args '--repeats 3'] [--peer doubleml]

BUILD is the folder of the program. With --keep results are appended to a file, and a run that was
stopped goes on. --peer doubleml fits the same tables by DoubleML with scikit-learn's forests
instead. Needs numpy.
"""
import argparse
import concurrent.futures
import csv
import json
import math
import os
import shlex
import subprocess
import sys
import tempfile

import numpy as np

EFFECT = -1.5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Table:
    """What a design draws. nuisance: E[outcome | controls] at treatment 0 and E[treatment |
    controls], for the oracle."""

    def __init__(self, controls, treatment, base, noise, reason, effect=EFFECT, **more):
        self.controls = controls
        self.treatment = treatment
        self.outcome = base + effect * treatment + noise
        self.base, self.reason, self.effect = base, reason, effect
        self.truth = {"estimate": float(np.mean(effect))}
        self.group, self.cluster, self.log, self.terms = None, None, False, None
        self.__dict__.update(more)

    def columns(self):
        both = {"y": self.outcome, "t": self.treatment}
        if self.log:
            both = {k: np.exp(v) for k, v in both.items()}
        extra = {k: v for k, v in (("g", self.group), ("user", self.cluster)) if v is not None}
        return {**self.controls, **extra, **both}

    def oracle(self):
        """Residuals on residuals with the confounding known."""
        t = self.treatment - self.reason
        y = self.outcome - self.base - self.effect * self.reason
        return float(t @ y / (t @ t))


def numbers(rng, rows, columns):
    return {f"x{j}": v for j, v in enumerate(rng.standard_normal((columns, rows)))}


def plain(rng, rows, columns, shape, noise=1.0, weight=1.0):
    """Treatment and outcome both driven by shape(x)."""
    x = numbers(rng, rows, columns)
    reason = weight * shape(x)
    return Table(x, reason + rng.standard_normal(rows), 1.5 * shape(x) + 0.5 * x["x1"],
                 noise * rng.standard_normal(rows), reason)


def randomised(rng):
    x = numbers(rng, 2000, 5)
    base = np.sin(2 * x["x0"]) + x["x1"] * x["x2"]
    return Table(x, rng.standard_normal(2000), base, rng.standard_normal(2000), np.zeros(2000))


def line(rng):
    return plain(rng, 2000, 5, lambda x: 0.7 * x["x0"] - 0.5 * x["x1"] + 0.3 * x["x2"])


def step(rng):
    return plain(rng, 2000, 5, lambda x: 1.0 * (x["x0"] > 0) - 1.2 * (x["x1"] > 0.5) +
                 0.8 * (x["x2"] < -0.7))


def interaction(rng):
    return plain(rng, 2000, 5, lambda x: x["x0"] * x["x1"] + 0.5 * x["x2"] * (x["x3"] > 0))


def wave(rng):
    return plain(rng, 2000, 5, lambda x: np.sin(3 * x["x0"]) + np.cos(2 * x["x1"]))


def wave_many(rng):
    return plain(rng, 10000, 5, lambda x: np.sin(3 * x["x0"]) + np.cos(2 * x["x1"]))


def few(rng):
    return plain(rng, 500, 5, lambda x: np.sin(2 * x["x0"]) + 0.5 * x["x1"])


def few_line(rng):
    return plain(rng, 500, 8, lambda x: 0.7 * x["x0"] + 0.5 * x["x1"])


def many(rng):
    return plain(rng, 20000, 10, lambda x: np.sin(2 * x["x0"]) + 0.5 * x["x1"] * x["x2"] +
                 (x["x3"] > 0))


def wide(rng):
    return plain(rng, 2000, 40, lambda x: 0.6 * x["x0"] + np.abs(x["x1"]) + x["x2"] * x["x3"] / 2)


def binary(rng):
    x = numbers(rng, 4000, 5)
    chance = sigmoid(0.8 * x["x0"] - 0.8 * (x["x1"] > 0) + 0.5 * x["x2"] * x["x3"])
    base = x["x0"] + np.sin(2 * x["x1"]) + x["x2"] * x["x3"]
    return Table(x, 1.0 * (rng.random(4000) < chance), base, rng.standard_normal(4000), chance)


def coin(rng):
    """Half of the rows treated by lot, an outcome of 0 or 1."""
    x = numbers(rng, 4000, 5)
    treated = 1.0 * (rng.random(4000) < 0.5)
    base = 0.35 + 0.2 * np.tanh(x["x0"])
    sold = 1.0 * (rng.random(4000) < base + 0.15 * treated)
    return Table(x, treated, base, sold - base - 0.15 * treated, np.full(4000, 0.5), 0.15)


def levels(rng):
    """Prices of 0.8, 0.9 and 1, deeper discounts where demand is high; log on log."""
    x = numbers(rng, 4000, 5)
    need = x["x0"] + 0.7 * np.sin(2 * x["x1"])
    price = np.log(np.array([0.8, 0.9, 1.0]))
    score = np.stack([0.9 * need, 0.2 * need, 0 * need], 1)
    chance = np.exp(score) / np.exp(score).sum(1, keepdims=True)
    pick = (rng.random(4000)[:, None] > chance.cumsum(1)).sum(1)
    return Table(x, price[np.minimum(pick, 2)], 1 + 0.6 * need, 0.5 * rng.standard_normal(4000),
                 chance @ price, log=True)


def users(rng):
    """Ten rows of each of 300 users, with an unseen part of each user's own in both."""
    who = np.repeat(np.arange(300), 10)
    each = numbers(rng, 300, 3)
    x = {k: v[who] for k, v in each.items()}
    x["week"] = np.tile(np.arange(10.0), 300)
    reason = np.sin(2 * x["x0"]) + 0.2 * x["week"]
    treatment = reason + 0.8 * rng.standard_normal(300)[who] + 0.6 * rng.standard_normal(3000)
    noise = rng.standard_normal(300)[who] + rng.standard_normal(3000)
    return Table(x, treatment, np.sin(2 * x["x0"]) + x["x1"] + 0.1 * x["week"], noise, reason,
                 cluster=who)


def groups(rng):
    x = numbers(rng, 4000, 5)
    group = np.where(x["x0"] < -0.3, 1.0, np.where(x["x0"] < 0.6, 2.0, 3.0))
    effect = np.array([-2.0, -1.0, -0.2])[group.astype(int) - 1]
    reason = 0.8 * np.sin(2 * x["x1"]) + 0.5 * x["x0"]
    table = Table(x, reason + rng.standard_normal(4000), x["x0"] + np.sin(2 * x["x1"]),
                  rng.standard_normal(4000), reason, effect, group=group)
    table.truth = {"group 1": -2.0, "group 2": -1.0, "group 3": -0.2,
                   "average": float(effect.mean())}
    return table


def slopes(rng):
    x = numbers(rng, 4000, 5)
    effect = -1.5 + 0.6 * x["x0"]
    reason = 0.8 * np.sin(2 * x["x1"]) + 0.5 * x["x0"]
    table = Table(x, reason + rng.standard_normal(4000), x["x0"] + np.sin(2 * x["x1"]),
                  rng.standard_normal(4000), reason, effect, terms="x0")
    table.truth = {"(Intercept)": -1.5, "x0": 0.6}
    return table


def overlap(rng):
    """Controls explain all but a tenth of the treatment's variance."""
    x = numbers(rng, 4000, 5)
    reason = 2 * x["x0"] + 1.5 * np.tanh(2 * x["x1"])
    return Table(x, reason + 0.8 * rng.standard_normal(4000), x["x0"] + x["x1"],
                 rng.standard_normal(4000), reason)


def texts(rng):
    """Confounding by a text of 30 levels and a number a fifth of which is missing."""
    rows = 4000
    x = numbers(rng, rows, 3)
    shop = rng.integers(0, 30, rows)
    of_shop = rng.standard_normal(30)[shop]
    missing = rng.random(rows) < 0.2
    reason = 0.7 * of_shop + np.where(missing, 0.5, 0.6 * x["x0"])
    base = of_shop + np.where(missing, -0.5, x["x0"]) + np.sin(2 * x["x1"])
    x["x0"] = np.where(missing, np.nan, x["x0"])
    x["shop"] = np.array([f"shop {s}" for s in shop])
    return Table(x, reason + rng.standard_normal(rows), base, rng.standard_normal(rows), reason)


def skewed(rng):
    """Heavy tails and errors that grow with a control."""
    x = numbers(rng, 3000, 5)
    reason = np.exp(0.5 * x["x0"])
    noise = rng.standard_t(4, 3000) * np.exp(0.4 * x["x1"])
    return Table(x, reason + rng.standard_t(5, 3000) * np.exp(0.3 * x["x1"]),
                 2 * np.log1p(reason) + x["x1"] ** 2, noise, reason)


DESIGNS = {f.__name__: f for f in (
    randomised, line, step, interaction, wave, wave_many, few, few_line, many, wide, binary, coin,
    levels, users, groups, slopes, overlap, texts, skewed)}


def draw(design, seed):
    return DESIGNS[design](np.random.default_rng([seed, *design.encode()]))


def put(table, path):
    columns = table.columns()
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(columns)
        for row in zip(*(v.tolist() for v in columns.values())):
            out.writerow(["" if isinstance(v, float) and math.isnan(v) else v for v in row])


def by_remise(remise, table, extra):
    """{name: [estimate, std_error]} as the program says."""
    wrap = "log({})" if table.log else "{}"
    words = ["--outcome", wrap.format("y"), "--treatment", wrap.format("t"), "--controls",
             ",".join(table.controls)]
    words += ["--group-by", "g"] if table.group is not None else []
    words += ["--cluster", "user"] if table.cluster is not None else []
    words += ["--effects", table.terms] if table.terms is not None else []
    with tempfile.TemporaryDirectory(prefix="remise-") as folder:
        put(table, folder + "/t.csv")
        done = subprocess.run([remise, "fit", "dml", folder + "/t.csv"] + words + extra,
                              capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-500:])
    got = json.loads(done.stdout)
    found = {"estimate": [got["estimate"], got["std_error"]],
             "naive": [got["naive"], got["naive_std_error"]]}
    for g in got["groups"]:
        found[f"group {g['value']:.0f}"] = [g["estimate"], g["std_error"]]
    if got["groups"]:
        found["average"] = [got["groups_average"][k] for k in ("estimate", "std_error")]
    for t in got["effects"]:
        found[t["term"]] = [t["estimate"], t["std_error"]]
    return found


def by_doubleml(table, seed):
    import doubleml
    import pandas
    from sklearn.ensemble import RandomForestRegressor
    frame = pandas.get_dummies(pandas.DataFrame(table.columns()), dtype=float).fillna(0.0)
    if table.log:
        frame["y"], frame["t"] = np.log(frame["y"]), np.log(frame["t"])
    controls = [c for c in frame if c not in ("y", "t", "user", "g")]
    np.random.seed(seed)
    options = {"cluster_cols": "user"} if table.cluster is not None else {}
    data = doubleml.DoubleMLData(frame, "y", "t", controls, **options)
    forest = RandomForestRegressor(n_estimators=100, min_samples_leaf=5, max_features=0.7, n_jobs=1)
    fit = doubleml.DoubleMLPLR(data, forest, forest, n_folds=5)
    fit.fit()
    return {"estimate": [float(fit.coef[0]), float(fit.se[0])]}


def replicate(task):
    design, seed, args = task
    table = draw(design, seed)
    if args.peer == "doubleml":
        found = by_doubleml(table, seed)
    else:
        found = by_remise(os.path.join(args.build, "remise"), table, shlex.split(args.args))
    return {"design": design, "seed": seed, "oracle": table.oracle(), "truth": table.truth,
            "found": found}


def report(design, rows):
    oracle = np.array([r["oracle"] for r in rows])
    for name in rows[0]["truth"]:
        if name not in rows[0]["found"]:
            continue
        truth = np.array([r["truth"][name] for r in rows])
        got = np.array([r["found"][name] for r in rows], dtype=float)
        off = got[:, 0] - truth
        inside = np.abs(off) < 1.959963984540054 * got[:, 1]
        beside = ""
        if name == "estimate":
            beside = f", oracle {np.sqrt(np.mean((oracle - truth) ** 2)):.4f}"
            if "naive" in rows[0]["found"]:
                naive = np.mean([r["found"]["naive"][0] for r in rows]) - truth.mean()
                beside += f", naive bias {naive:+.3f}"
        print(f"{design:12} {name:11} {len(rows):4} tables: bias {off.mean():+.4f}, rmse "
              f"{np.sqrt(np.mean(off ** 2)):.4f}{beside}; error said / spread "
              f"{got[:, 1].mean() / off.std():.3f}; cover {100 * inside.mean():.1f} %", flush=True)


def kept(path):
    if path is None or not os.path.exists(path):
        return {}
    with open(path) as file:
        return {(r["design"], r["seed"]): r for r in map(json.loads, file)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--replications", type=int, default=100)
    parser.add_argument("--first", type=int, default=1, help="seed of the first table")
    parser.add_argument("--designs", default=",".join(DESIGNS))
    parser.add_argument("--jobs", type=int, default=1, help="tables at a time")
    parser.add_argument("--keep", help="file of results, appended to")
    parser.add_argument("--args", default="", help="more words for remise fit dml")
    parser.add_argument("--peer", choices=["doubleml"])
    args = parser.parse_args()
    done = kept(args.keep)
    unknown = set(args.designs.split(",")) - set(DESIGNS)
    if unknown:
        sys.exit(f"no design {', '.join(sorted(unknown))}; there are {', '.join(DESIGNS)}")
    seeds = range(args.first, args.first + args.replications)
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        for design in args.designs.split(","):
            tasks = [(design, s, args) for s in seeds if (design, s) not in done]
            for result in pool.map(replicate, tasks):
                done[design, result["seed"]] = result
                if args.keep:
                    with open(args.keep, "a") as file:
                        file.write(json.dumps(result) + "\n")
            report(design, [done[design, s] for s in seeds])


if __name__ == "__main__":
    main()
