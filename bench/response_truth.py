#!/usr/bin/env python3
"""Are the response curves true, and the tables made of them? On many synthetic shops.

Draws shops of other seeds, sizes, histories and truths, runs them whole, and scores curves and
table by tests/score_curves.py:

    error     mean absolute error of the chance of buying: at no discount, in the middle, deepest
    bias      of the mean chance, at the worst level
    covered   share of the 90 % intervals that hold the truth, at the worst level
    promise   promised over true profit of the table
    ratio     share of the best possible gain under the budget that the table reaches

    python3 bench/response_truth.py BUILD [--seeds 3] [--first 101] [--jobs 1] [--only NAME]
                                    [--set KEY=VALUE] [--keep DIR] [--check]

BUILD is the folder of the program. With --check the exit code is 1 where a curve falls, intervals
cover less than 85 or more than 95 %, the promise is more than 5 % off or the ratio below 0.85.
Without numpy it takes longer; needs h5py or h5dump. A shop of 20,000 users takes about 15 s.
"""
import argparse
import concurrent.futures
import json
import os
import sys
import tempfile
from collections import namedtuple

from shop_runs import make_run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
import score_curves  # noqa: E402
import score_table  # noqa: E402

Kind = namedtuple("Kind", "users products events offers words")
KINDS = {
    "usual": Kind(20000, 400, 20, 10, []),
    "saturating": Kind(20000, 400, 20, 10, ["--truth", "saturating"]),
    "small": Kind(3000, 60, 20, 10, []),
    "small saturating": Kind(3000, 60, 20, 10, ["--truth", "saturating"]),
    "rich": Kind(10000, 200, 60, 30, []),
    "rich saturating": Kind(10000, 200, 60, 30, ["--truth", "saturating"]),
    "poor": Kind(20000, 400, 8, 3, []),
    "hardly random": Kind(20000, 400, 20, 10, ["--randomised", "0.05"]),
}


def replicate(remise, name, seed, args):
    """Scores of one shop."""
    kept = os.path.join(args.keep, f"{name.replace(' ', '-')}-{seed}.json") if args.keep else None
    if kept and os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            return json.load(file)
    kind = KINDS[name]
    synth = ["--users", str(kind.users), "--products", str(kind.products), "--events-per-user",
             str(kind.events), "--offers-per-user", str(kind.offers), "--seed", str(seed)]
    method = score_table.PLAIN if score_table.numpy is None else score_table.FAST
    with tempfile.TemporaryDirectory(prefix="remise-") as folder:
        make_run(remise, folder, synth + kind.words, [w for s in args.set for w in ("--set", s)])
        found = score_curves.score_run(folder + "/shop", folder + "/run", args.users, method)
    if kept:
        with open(kept + ".part", "w", encoding="utf-8") as file:
            json.dump(found, file)
        os.replace(kept + ".part", kept)
    return found


def worst_covered(found):
    """Coverage at the level where it is farthest from 90 %; none without intervals."""
    return max(found["covered"] or [0.0], key=lambda share: abs(share - 0.9))


def show(name, seed, found):
    error = found["error"]
    bias = max(found["bias"], key=abs)
    print(f"{name:17}{seed:5}{error[0]:8.4f}{error[len(error) // 2]:8.4f}{error[-1]:8.4f}"
          f"{bias:+9.4f}{100 * worst_covered(found):8.1f}%{found['promised_over_true']:9.4f}"
          f"{found['ratio']:8.4f}{found['falling_curves']:8}", flush=True)


def good(found):
    return (found["negative_slopes"] + found["falling_curves"] == 0 and
            0.85 <= worst_covered(found) <= 0.95 and
            abs(found["promised_over_true"] - 1) <= 0.05 and found["ratio"] >= 0.85)


def main():
    about = __doc__.split("\n\n")
    parser = argparse.ArgumentParser(description=about[0], epilog="\n\n".join(about[1:]),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seeds", type=int, default=3, help="shops of each kind (3)")
    parser.add_argument("--first", type=int, default=101, help="seed of the first (101)")
    parser.add_argument("--jobs", type=int, default=1, help="shops at a time")
    parser.add_argument("--users", type=int, default=5000, help="users whose curves are scored")
    parser.add_argument("--only", action="append", choices=list(KINDS), help="this kind")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE for the runs")
    parser.add_argument("--keep", help="folder for the scores of each shop; those in it are read")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    remise = os.path.join(args.build, "remise")
    cases = [(name, seed) for name in args.only or KINDS
             for seed in range(args.first, args.first + args.seeds)]
    print("shop              seed   error  middle deepest     bias  covered  promise   ratio "
          "falling")
    fine = 0
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        waiting = [(case, pool.submit(replicate, remise, *case, args)) for case in cases]
        for case, found in waiting:
            show(*case, found.result())
            fine += good(found.result())
    print(f"{fine} of {len(cases)} shops are good enough")
    sys.exit(1 if args.check and fine < len(cases) else 0)


if __name__ == "__main__":
    main()
