#!/usr/bin/env python3
"""Do the intervals of demand's elasticities hold the truth? On many small synthetic shops.

Each replication makes a shop (another seed: other users, products, categories, prices), runs
`remise run --until demand` and compares demand.h5 with what the shop was drawn from, by several
definitions of a true elasticity:

- regression: what endless data of these very users, products and prices would give, the same
  regression on expected sales instead of drawn ones. This is what the demand stage states.
- arc: log(sales at a promotion / at list price) over log(1 - depth), the mean over depths;
  arc_seen: weighted by how often the shop had each depth; a constant elasticity only approximates
  them.
- point: the slope of log sales in log price at list price, -b (1 - P) by sales; point_seen: at the
  prices of all weeks; point_visits, point_plain: at list price by visits, and the plain mean.

A user's truth is the mean over what the user buys.

    python3 bench/demand_truth.py BUILD [--replications 200] [--jobs 2] [--keep DIR]
                                  [--users 1500] [--products 60] [--first 1000]

BUILD is the folder of the program. Printed are the coverage of 95 % intervals, bias and errors, and
the errors of the users' own and of their shrunk elasticities. With --check the exit code is 1 where
coverage by the regression is outside the bounds (93 .. 97 % for 200 replications, wider by chance
for fewer) or the shrunk errors are 0.7 of the users' own or more. With --keep every shop's figures
are kept as DIR/SEED.npz, and a run that was stopped goes on from there. Needs numpy and h5py.
"""
import argparse
import concurrent.futures
import datetime
import hashlib
import math
import os
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

import demand_shop
from demand_shop import FOLDS, Shop, calendar, expected_sales, first_day, panel_fit
from shop_runs import SECRET, make_run

WEEKS = 52
KINDS = ("category", "segment", "product")
COLUMNS = ("estimate", "std_error", "shrunk", "shrunk_sd")


def read_run(folder, shop):
    """demand.h5, users in the order of the truth."""
    with h5py.File(folder + "/dataset.h5") as file:
        key = file["users/key"][:]
    at = {(int(h), int(l)): i for i, (h, l) in enumerate(key)}
    order = []
    for i in shop.ids:
        d = hashlib.blake2b(i.encode(), digest_size=16, key=SECRET).digest()
        order.append(at[(int.from_bytes(d[:8], "big"), int.from_bytes(d[8:], "big"))])
    with h5py.File(folder + "/demand.h5") as file:
        kinds = {k: {n: file[k][n][:] for n in file[k]} for k in KINDS + ("users",)}
    for n in kinds["users"]:
        kinds["users"][n] = kinds["users"][n][order]
    return kinds


def replicate(remise, seed, args):
    """Figures of one shop: {"category/estimate": [categories], "category/true_arc": ...}."""
    if args.keep and os.path.exists(f"{args.keep}/{seed}.npz"):
        with np.load(f"{args.keep}/{seed}.npz") as kept:
            return dict(kept)
    with tempfile.TemporaryDirectory(prefix="remise-") as folder:
        make_run(remise, folder, ["--users", str(args.users), "--products", str(args.products),
                                  "--seed", str(seed)],
                 ["--until", "demand"] + [w for s in args.set for w in ("--set", s)])
        shop = Shop(folder + "/shop")
        first = datetime.date.fromisoformat(first_day(folder + "/shop"))
        depth, x = calendar(folder + "/shop", shop, first, WEEKS)
        run = read_run(folder + "/run", shop)
    found = {f"{k}/{n}": v for k in run for n, v in run[k].items()}
    found.update(truths(shop, run["users"]["segment"], depth, x, first))
    if args.keep:
        np.savez_compressed(f"{args.keep}/.{seed}.npz", **found)
        os.replace(f"{args.keep}/.{seed}.npz", f"{args.keep}/{seed}.npz")
    return found


def truths(shop, member, depth, x, first):
    categories, products = len(shop.names), len(shop.product_ids)
    sales = expected_sales(shop, depth, member, first, WEEKS)
    of_category = panel_fit(sales.sum(2)[:, :, None], x, shop.category, categories, 1)[0]
    theta, shift = panel_fit(sales, x, np.zeros(len(x), dtype=int), 1, FOLDS)
    true = {"category/true_regression": of_category, "segment/true_regression": theta[0] + shift,
            "segment/sales": sales.sum((0, 1))}
    weight = demand_shop.exposure(shop, first, WEEKS)
    for name, of, count in (("category", shop.category, categories),
                            ("product", np.arange(products), products)):
        for n, v in demand_shop.definitions(shop, depth, weight, of, count).items():
            true[f"{name}/true_{n}"] = v
    usual = np.array([np.bincount(m).argmax() for m in member])
    one = np.zeros(products, dtype=int)
    with np.errstate(invalid="ignore", divide="ignore"):
        by = [demand_shop.definitions(shop, depth, weight * (usual == s), one, 1)
              for s in range(sales.shape[2])]
    for n in by[0]:
        true[f"segment/true_{n}"] = np.array([b[n][0] for b in by])
    for n, v in demand_shop.users_truth(shop).items():
        true[f"users/true_{n}"] = v
    return true


def coverage(e, truth, kind):
    """Of intervals of the estimates, and of the shrunk figures."""
    good = np.isfinite(e["estimate"]) & np.isfinite(truth)
    if kind == "segment":
        good &= e["sales"] > 0
    off, sd = (e["estimate"] - truth)[good], e["std_error"][good]
    far, spread = (e["shrunk"] - truth)[good], e["shrunk_sd"][good]
    return {"intervals": int(good.sum()), "own": np.mean(np.abs(off) < 1.96 * sd),
            "shrunk": np.mean(np.abs(far) < 1.96 * spread), "bias": off.mean(),
            "shrunk_bias": far.mean(), "error": np.sqrt((off ** 2).mean()),
            "shrunk_error": np.sqrt((far ** 2).mean()), "z": np.std(off / sd),
            "shrunk_z": np.std(far / spread)}


def report(found):
    """Print coverage by every definition; that of the regression by kind, and the users' ratio."""
    held = {}
    for kind in KINDS + ("users",):
        e = {n.split("/")[1]: np.concatenate([f[n] for f in found])
             for n in found[0] if n.startswith(kind + "/")}
        for name in sorted((n for n in e if n.startswith("true_")), key=lambda n: n[5:] !=
                           "regression"):
            c = coverage(e, e[name], kind)
            held[kind, name[5:]] = c
            print(f"{kind:8} {name[5:]:12} {c['intervals']:6} intervals, cover "
                  f"{100 * c['own']:.1f} %, shrunk {100 * c['shrunk']:.1f} %; bias {c['bias']:.3f} "
                  f"{c['shrunk_bias']:.3f}, error {c['error']:.3f} {c['shrunk_error']:.3f}, z "
                  f"{c['z']:.3f} {c['shrunk_z']:.3f}")
    c = held["users", "arc"]
    print(f"users: the shrunk error is {c['shrunk_error'] / c['error']:.3f} of their own")
    return held


def bounds(replications):
    """Coverage of 93 .. 97 % for 200 replications and more; of fewer as much as chance adds."""
    slack = 0.02 * math.sqrt(max(1.0, 200 / replications))
    return 0.95 - slack, min(0.95 + slack, 1.0)


def check(held, replications):
    low, high = bounds(replications)
    good = all(low <= held[k, "regression"][w] <= high
               for k in ("category", "segment") for w in ("own", "shrunk"))
    ratio = held["users", "arc"]["shrunk_error"] / held["users", "arc"]["error"]
    print(f"coverage {'within' if good else 'NOT within'} {100 * low:.1f} .. {100 * high:.1f} %, "
          f"ratio {'below' if ratio < 0.7 else 'NOT below'} 0.7")
    return good and ratio < 0.7


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--first", type=int, default=1000, help="seed of the first shop")
    parser.add_argument("--users", type=int, default=1500)
    parser.add_argument("--products", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1, help="shops at a time")
    parser.add_argument("--keep", help="folder for the figures of each shop")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE for the runs")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    remise = os.path.join(args.build, "remise")
    seeds = range(args.first, args.first + args.replications)
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        found = list(pool.map(replicate, [remise] * len(seeds), seeds, [args] * len(seeds)))
    held = report(found)
    sys.exit(1 if args.check and not check(held, args.replications) else 0)


if __name__ == "__main__":
    main()
