#!/usr/bin/env python3
"""Do the intervals of demand's elasticities hold the truth? On many small synthetic shops.

Each replication makes a shop (another seed: other users, products, categories, prices), runs
`remise run --until demand` and compares demand.h5 with what the shop was drawn from:

- the truth of a category or segment is the elasticity that endless data of these very users,
  products and prices would give: the same regression on expected sales instead of drawn ones;
- for categories also the plain arc elasticity, log(sales at a promotion / without) over
  log(1 - depth), the mean over depths, which a constant elasticity only approximates;
- a user's is the mean of such arcs over what the user buys.

    python3 bench/demand_truth.py BUILD [--replications 200] [--users 1500] [--products 60]

BUILD is the folder of the program. Printed are the coverage of 95 % intervals, bias and errors, and
the errors of the users' own and of their shrunk elasticities. With --check the exit code is 1 where
coverage is outside 93 .. 97 % or the shrunk errors are 0.7 of the users' own or more. Needs numpy
and h5py.
"""
import argparse
import csv
import datetime
import hashlib
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

DEPTHS = (0, 10, 15, 20, 25, 30)
FOLDS = 5
SECRET = b"thirty-two bytes for all tests.."
BASE, MU = -2.4, 0.7


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class Shop:
    """A synthetic shop as its truth files tell it."""

    def __init__(self, folder):
        users, products = rows(folder + "/truth/users.csv"), rows(folder + "/truth/products.csv")
        categories = rows(folder + "/truth/categories.csv")
        self.names = [c["category"] for c in categories]
        effect = np.array([float(c["effect"]) for c in categories])
        of = np.array([self.names.index(p["category"]) for p in products])
        quality = np.array([float(p["quality"]) for p in products])
        taste = np.array([[float(u["taste_" + c]) for c in self.names] for u in users])
        activity = np.array([float(u["activity"]) for u in users])
        sensitivity = np.array([float(u["sensitivity"]) for u in users])
        attraction = np.bincount(of, np.exp(quality), len(self.names))
        weight = np.exp(taste) * attraction
        weight /= weight.sum(1, keepdims=True)
        self.category = of
        self.product_ids = [p["product_id"] for p in products]
        self.choice = weight[:, of] * np.exp(quality) / attraction[of]
        self.slope = np.clip(np.exp(MU + sensitivity[:, None] + effect), 1, 15)[:, of]
        self.level = BASE + activity[:, None] + taste[:, of] + quality
        self.visits = np.exp(0.6 * activity)
        self.ids = [u["user_id"] for u in users]
        joined = {u["user_id"]: u["joined"] for u in rows(folder + "/users.csv")}
        self.joined = [joined[i] for i in self.ids]

    def chance(self, depth):
        return 1 / (1 + np.exp(-self.level - self.slope * depth / 100))


def first_day(folder):
    with open(folder + "/events.csv", newline="") as file:
        return min(r["time"][:10] for r in csv.DictReader(file))


def calendar(folder, shop, first, weeks):
    """Depth of each product's promotion in each week, none where no event shows it, and the log of
    the price as a part of the list price."""
    number = {p: i for i, p in enumerate(shop.product_ids)}
    redeemed = {(o["user_id"], o["product_id"], o["time"])
                for o in rows(folder + "/offers.csv") if o["redeemed"] == "1"}
    depth = np.full((len(number), weeks), np.nan)
    with open(folder + "/events.csv", newline="") as file:
        for e in csv.DictReader(file):
            key = (e["user_id"], e["product_id"], e["time"])
            if e["kind"] == "return":
                continue
            if e["kind"] == "purchase" and key in redeemed:
                redeemed.discard(key)
                continue
            day = datetime.date.fromisoformat(e["time"][:10])
            depth[number[e["product_id"]], (day - first).days // 7] = round(
                100 * float(e["discount"]))
    depth = np.nan_to_num(depth)
    return depth, np.log1p(-depth / 100)


def panel_fit(sales, x, category, categories, folds):
    """The regression of the demand stage on sales [products][weeks][segments]; slopes, shifts."""
    products, weeks, segments = sales.shape
    open_ = ~np.isnan(x)
    price = np.where(open_, x, 0.0)
    size = categories + segments - 1 + weeks - 1
    beta = np.zeros(size)
    fold = np.arange(weeks) % folds
    same = (fold[:, None] == fold).astype(float)
    sales = sales * open_[:, :, None]
    total = np.einsum("its,tw->iws", sales, same)
    for _ in range(40):
        theta, shift = beta[:categories], np.r_[0, beta[categories:categories + segments - 1]]
        season = np.r_[0, beta[categories + segments - 1:]]
        eta = (theta[category][:, None, None] + shift) * price[:, :, None] + season[:, None]
        e = np.exp(eta) * open_[:, :, None]
        norm = np.einsum("its,tw->iws", e, same)
        share = e / np.maximum(norm, 1e-300)
        expected = total * share
        mean = np.einsum("its,it,tw->iws", share, price, same)
        left = sales - expected
        off = price[:, :, None] - mean
        by_product = np.einsum("its,it->i", left, price)
        score = np.r_[np.bincount(category, by_product, categories),
                      np.einsum("its,it->s", left, price)[1:], left.sum((0, 2))[1:]]
        weight = expected * off
        hessian = np.zeros((size, size))
        variance = np.einsum("its,its->is", weight, off)
        by = np.zeros((categories, segments))
        np.add.at(by, category, variance)
        cross = np.zeros((categories, weeks))
        np.add.at(cross, category, weight.sum(2))
        c, s = slice(0, categories), slice(categories, categories + segments - 1)
        z = slice(categories + segments - 1, size)
        hessian[c, c] = np.diag(by.sum(1))
        hessian[c, s] = by[:, 1:]
        hessian[s, s] = np.diag(by.sum(0)[1:])
        hessian[c, z] = cross[:, 1:]
        hessian[s, z] = weight.sum(0).T[1:, 1:]
        tt = np.diag(expected.sum((0, 2))) - np.einsum("its,iws->tw", expected, share) * same
        hessian[z, z] = tt[1:, 1:]
        hessian = np.triu(hessian) + np.triu(hessian, 1).T
        step = np.linalg.lstsq(hessian, score, rcond=1e-12)[0]
        beta += step * min(1.0, 2 / np.abs(step).max())
        if np.abs(step).max() < 1e-8:
            break
    return beta[:categories], np.r_[0, beta[categories:categories + segments - 1]]


def expected_sales(shop, depth, member, first, weeks):
    """[products][weeks][segments], for the members of segments in each fold [users][folds]."""
    segments = int(member.max()) + 1
    week = np.arange(weeks)
    season = 1 + 0.25 * np.sin(2 * np.pi * (week % 52) / 52) + 0.5 * (week % 52 >= 47)
    joined = np.array([(datetime.date.fromisoformat(j[:10]) - first).days for j in shop.joined])
    start = np.where(joined <= 0, 0, (joined + 6) // 7)
    chance = {d: shop.choice * shop.chance(d) for d in DEPTHS}
    sales = np.zeros((len(shop.product_ids), weeks, segments))
    one = np.eye(segments)
    in_fold = [one[member[:, f]] for f in range(FOLDS)]
    for t in range(weeks):
        who = (in_fold[t % FOLDS] * (shop.visits * (start <= t) * season[t])[:, None]).T
        for d in DEPTHS:
            at = depth[:, t] == d
            if at.any():
                sales[at, t] = (who @ chance[d][:, at]).T
    return sales


def arc(base, sales):
    """Mean over depths of the arc elasticities of sales [depth] against base."""
    return np.mean([np.log(s / base) / np.log1p(-d / 100) for d, s in zip(DEPTHS[1:], sales)],
                   axis=0)


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
        kinds = {k: {n: file[k][n][:] for n in file[k]} for k in ("category", "segment", "users")}
    for n in kinds["users"]:
        kinds["users"][n] = kinds["users"][n][order]
    return kinds


def replicate(remise, seed, args, found):
    with tempfile.TemporaryDirectory(prefix="remise-") as folder:
        environment = dict(os.environ, XDG_CONFIG_HOME=folder + "/settings")
        os.makedirs(folder + "/settings/remise")
        path = folder + "/settings/remise/secret.key"
        with open(path, "wb") as file:
            file.write(SECRET)
        os.chmod(path, 0o600)
        for words in (["synth", folder + "/shop", "--users", str(args.users), "--products",
                       str(args.products), "--seed", str(seed)],
                      ["run", folder + "/shop/remise.yaml", "-o", folder + "/run", "--until",
                       "demand"] + [w for s in args.set for w in ("--set", s)]):
            done = subprocess.run([remise] + words, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"seed {seed}: remise {words[0]} failed: {done.stderr[-500:]}")
        shop = Shop(folder + "/shop")
        first = datetime.date.fromisoformat(first_day(folder + "/shop"))
        weeks = 52
        depth, x = calendar(folder + "/shop", shop, first, weeks)
        run = read_run(folder + "/run", shop)
    compare(shop, run, depth, x, first, weeks, found)


def compare(shop, run, depth, x, first, weeks, found):
    member = run["users"]["segment"]
    sales = expected_sales(shop, depth, member, first, weeks)
    categories = len(shop.names)
    of_category = panel_fit(sales.sum(2)[:, :, None], x, shop.category, categories, 1)[0]
    theta, shift = panel_fit(sales, x, np.zeros(len(x), dtype=int), 1, FOLDS)
    of_segment = theta[0] + shift
    by_depth = [np.bincount(shop.category, (shop.visits[:, None] * shop.choice *
                                            shop.chance(d)).sum(0), categories) for d in DEPTHS]
    arcs = arc(by_depth[0], by_depth[1:])
    for c in range(categories):
        e = {k: v[c] for k, v in run["category"].items()}
        found["category"].append((e["estimate"], e["std_error"], of_category[c], e["shrunk"],
                                  e["shrunk_sd"], arcs[c]))
    for s in range(sales.shape[2]):
        e = {k: v[s] for k, v in run["segment"].items()}
        if np.isfinite(e["estimate"]) and sales[:, :, s].sum() > 0:
            found["segment"].append((e["estimate"], e["std_error"], of_segment[s], e["shrunk"],
                                     e["shrunk_sd"], of_segment[s]))
    chance = [shop.choice * shop.chance(d) for d in DEPTHS]
    of_user = (chance[0] * arc(chance[0], chance[1:])).sum(1) / chance[0].sum(1)
    own = np.isfinite(run["users"]["estimate"])
    found["user"].append(np.c_[run["users"]["estimate"], run["users"]["shrunk"], of_user,
                               run["users"]["std_error"], run["users"]["shrunk_sd"]][own])


def report(found):
    good = True
    for kind in ("category", "segment"):
        e = np.array(found[kind])
        e = e[np.isfinite(e[:, 0])]
        inside = np.abs(e[:, 0] - e[:, 2]) < 1.96 * e[:, 1]
        of_arc = np.abs(e[:, 0] - e[:, 5]) < 1.96 * e[:, 1]
        shrunk = np.abs(e[:, 3] - e[:, 2]) < 1.96 * e[:, 4]
        off = e[:, 0] - e[:, 2]
        print(f"{kind}: {len(e)} intervals, cover {100 * inside.mean():.1f} % "
              f"(arc {100 * of_arc.mean():.1f} %), shrunk {100 * shrunk.mean():.1f} %, bias "
              f"{off.mean():.3f}, error {np.sqrt((off ** 2).mean()):.3f}, shrunk "
              f"{np.sqrt(((e[:, 3] - e[:, 2]) ** 2).mean()):.3f}, z {np.std(off / e[:, 1]):.3f}, "
              f"truth {e[:, 2].mean():.2f} +- {e[:, 2].std():.2f}")
        good = good and 0.93 <= inside.mean() <= 0.97
    u = np.concatenate(found["user"])
    rmse = np.sqrt(((u[:, :2] - u[:, 2:3]) ** 2).mean(0))
    print(f"users: {len(u)}, error of their own {rmse[0]:.3f}, shrunk {rmse[1]:.3f}, ratio "
          f"{rmse[1] / rmse[0]:.3f}; truth {u[:, 2].mean():.2f} +- {u[:, 2].std():.2f}, "
          f"shrunk {u[:, 1].mean():.2f} +- {u[:, 1].std():.2f}, correlation "
          f"{np.corrcoef(u[:, 1], u[:, 2])[0, 1]:.2f}")
    return good and rmse[1] < 0.7 * rmse[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--first", type=int, default=1000, help="seed of the first shop")
    parser.add_argument("--users", type=int, default=1500)
    parser.add_argument("--products", type=int, default=60)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE for the runs")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    found = {"category": [], "segment": [], "user": []}
    for k in range(args.replications):
        replicate(os.path.join(args.build, "remise"), args.first + k, args, found)
        if (k + 1) % 50 == 0 and k + 1 < args.replications:
            report(found)
    sys.exit(0 if report(found) or not args.check else 1)


if __name__ == "__main__":
    main()
