#!/usr/bin/env python3
"""Do the intervals of `remise fit shrink` hold the truth? On simulated panels of many kinds.

Each replication draws units with their own levels, slopes and error variances, writes their rows as
CSV, fits, and compares the table of units with the slopes they were drawn with: the share of
shrunk +- 1.96 shrunk_sd that holds them, and the root mean squared errors of the units' own
estimates, of the pooled slope, and of the shrunk ones.

    python3 bench/shrink_truth.py BUILD [--replications 40] [--check] [--only NAME] [-- OPTION...]

BUILD is the folder of the program; options behind -- go to `fit shrink`. With --check the exit code
is 1 where coverage over a panel's replications is outside 93 .. 97 % (where units hardly differ,
below 93 %) or shrinking makes errors larger than both. Needs numpy.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

# name: units, rows of a unit (least, most), spread of the slopes, correlation with the second
# slope, spread of log error variances, (segments, their spread, categories, their spread)
PANELS = {
    "usual": dict(units=100, rows=(6, 40), tau=0.6, noise=0.5),
    "few units": dict(units=10, rows=(6, 40), tau=0.6, noise=0.5),
    "three units": dict(units=3, rows=(10, 30), tau=0.6, noise=0.5),
    "few units, alike": dict(units=10, rows=(6, 20), tau=0.1, noise=0.5),
    "alike": dict(units=100, rows=(6, 20), tau=0.0, noise=0.5),
    "nearly alike": dict(units=200, rows=(6, 20), tau=0.1, noise=0.5),
    "far apart": dict(units=50, rows=(8, 30), tau=5.0, noise=0.5),
    "few rows": dict(units=2000, rows=(2, 6), tau=0.6, noise=0.5),
    "noisy of all sizes": dict(units=300, rows=(5, 30), tau=0.6, noise=0.5, sizes=1.0),
    "two slopes": dict(units=100, rows=(5, 30), tau=0.6, noise=0.5, second=0.8, correlation=0.8),
    "groups": dict(units=300, rows=(5, 20), tau=0.4, noise=0.5, groups=(24, 0.5, 6, 0.5)),
    "few groups": dict(units=60, rows=(5, 20), tau=0.4, noise=0.5, groups=(6, 0.5, 2, 0.3)),
}


def draw(panel, rng):
    """Rows (unit, segment, category, x, z, y) and the truth of each unit."""
    units = panel["units"]
    segments, of_segment, categories, of_category = panel.get("groups", (1, 0.0, 1, 0.0))
    above = rng.normal(0, of_category, categories)
    category = np.arange(segments) % categories
    mean = -2 + above[category] + rng.normal(0, of_segment, segments)
    segment = rng.integers(0, segments, units)
    both = rng.normal(size=(units, 2))
    correlation = panel.get("correlation", 0.0)
    slope = mean[segment] + panel["tau"] * both[:, 0]
    other = 0.5 + panel.get("second", 0.0) * (correlation * both[:, 0] +
                                              np.sqrt(1 - correlation ** 2) * both[:, 1])
    rows = rng.integers(panel["rows"][0], panel["rows"][1] + 1, units)
    unit = np.repeat(np.arange(units), rows)
    noise = panel["noise"] * np.exp(panel.get("sizes", 0.0) * rng.normal(size=units) / 2)
    x = rng.normal(0, 0.5, len(unit))
    z = rng.normal(0, 0.5, len(unit)) + 0.5 * x
    y = (3 * rng.normal(size=units))[unit] + slope[unit] * x + noise[unit] * rng.normal(
        size=len(unit))
    if "second" in panel:
        y += other[unit] * z
    return np.c_[unit, segment[unit], category[segment[unit]], x, z, y], slope


def fit(build, panel, options, folder, rows):
    table, out = os.path.join(folder, "rows.csv"), os.path.join(folder, "units.csv")
    order = np.argsort(np.random.default_rng(1).random(len(rows)))
    np.savetxt(table, rows[order], fmt=["u%d", "s%d", "c%d", "%.17g", "%.17g", "%.17g"],
               delimiter=",", header="unit,segment,category,x,z,y", comments="")
    formula = "y ~ x + z" if "second" in panel else "y ~ x"
    within = ["--within", "segment,category"] if "groups" in panel else []
    run = subprocess.run([os.path.join(build, "remise"), "fit", "shrink", table, "-f", formula,
                          "--by", "unit", "-c", "x", "--out", out] + within + options,
                         capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(run.stderr)
    with open(out, newline="") as file:
        return json.loads(run.stdout), list(csv.DictReader(file))


def judge(build, panel, options, replications):
    held, count, errors, spread, weak = 0, 0, np.zeros(3), [], 0
    for seed in range(replications):
        rows, slope = draw(panel, np.random.default_rng(1000 + seed))
        with tempfile.TemporaryDirectory() as folder:
            result, table = fit(build, panel, options, folder, rows)
        for line in table:
            truth = slope[int(line["unit"][1:])]
            shrunk, sd = float(line["shrunk"]), float(line["shrunk_sd"])
            own = float(line["estimate"]) if line["estimate"] else result["pooled"]
            held += abs(shrunk - truth) <= 1.96 * sd + 1e-12
            count += 1
            weak += int(line["weak"])
            errors += np.array([own, result["pooled"], shrunk] - truth) ** 2
        spread.append(result["levels"][0]["sd"])
    return held / count, np.sqrt(errors / count), np.mean(spread), weak / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--replications", type=int, default=40)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", help="a panel, such as few-rows")
    mine, _, options = " ".join(sys.argv[1:]).partition(" -- ")
    arguments = parser.parse_args(mine.split())
    wrong = 0
    print("panel                  coverage    own  pooled  shrunk  spread (truth)  weak")
    for name, panel in PANELS.items():
        if arguments.only not in (None, name.replace(", ", "-").replace(" ", "-")):
            continue
        # a few units tell little: more panels of them
        times = max(arguments.replications, 4000 // panel["units"] // 4)
        covered, error, spread, weak = judge(arguments.build, panel, options.split(), times)
        print(f"{name:22} {100 * covered:7.1f} % {error[0]:6.3f} {error[1]:7.3f} {error[2]:7.3f} "
              f"{spread:7.3f} ({panel['tau']:.1f}) {100 * weak:7.0f} %", flush=True)
        most = 0.97 if panel["tau"] > 0.1 else 1.0
        wrong += not 0.93 <= covered <= most or error[2] > 1.05 * max(error[0], error[1])
    if arguments.check:
        sys.exit(1 if wrong else 0)


main()
