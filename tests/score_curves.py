#!/usr/bin/env python3
"""Score the response curves of a run against the truth of a synthetic shop.

    score_curves.py SHOP RUN [--users 20000] [--plain] [--json]

Reads RUN/curves.h5, RUN/candidates.h5, RUN/discounts.csv, RUN/receipt.json and SHOP/truth. For each
level of discount, over the (user, product) pairs of the table:
    error      mean of |P promised - P true|; user: the same of each user's mean over its pairs
    bias       mean of P promised - P true
    rmse       root of the mean of squares of P promised - P true
    covered    share of the 90 % intervals that hold the true P, where curves.h5 tells them
Then how often P is what it says (deciles of the promised P over all pairs and levels), curves that
fall as the discount rises, and the table: promised and true profit, and the share of the best
possible gain, as score_table.py has them.

Curves are those of a sample of --users, spread evenly over the table; 0: all. What the table
promises is compared with the curves, so that files of different runs are told apart. HDF5 files are
read by h5py, or by h5dump (Debian: hdf5-tools) where it is not installed.
Exit code: 0 scored, with --check: and good enough, 1 not, 2 the input cannot be scored, 77 there is
neither h5py nor h5dump.
"""
import argparse
import array
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple

import score_table
from shop_truth import BadInput, logistic, probability, read_limits, read_table

try:
    import h5py
except ImportError:
    h5py = None

NINETY = 1.6448536269514722  # of the standard normal between -x and x
SAME = 2e-6  # the table has chances in millionths
Column = namedtuple("Column", "width values")
Curve = namedtuple("Curve", "row chance between falls")  # of one pair; levels in rising order
Sums = namedtuple("Sums", "error square bias covered user users")


class NoReader(Exception):
    """HDF5 files cannot be read here."""


# ---- HDF5 ----


def read_by_h5py(path, name):
    with h5py.File(path) as file:
        if name not in file:
            return None
        data = file[name]
        kind = {"f4": "f", "f8": "d", "i4": "i", "i8": "q", "u1": "B"}[data.dtype.str[1:]]
        width = math.prod(data.shape[1:])
        return Column(width, array.array(kind, data[...].tobytes()))


def read_by_h5dump(path, name):
    head = subprocess.run(["h5dump", "-H", "-d", "/" + name, path], capture_output=True, text=True,
                          check=False)
    if head.returncode != 0:
        return None
    shape = re.search(r"SIMPLE \{ \(([0-9, ]+)\)", head.stdout).group(1)
    width = math.prod(int(size) for size in shape.split(",")[1:])
    kind = re.search(r"DATATYPE +(H5T_[A-Z0-9_]+)", head.stdout).group(1)
    codes = {"H5T_IEEE_F32LE": "f", "H5T_IEEE_F64LE": "d", "H5T_STD_I32LE": "i",
             "H5T_STD_I64LE": "q", "H5T_STD_U8LE": "B"}
    values = array.array(codes[kind])
    with tempfile.TemporaryDirectory(prefix="remise-") as folder:
        raw = os.path.join(folder, "raw")
        subprocess.run(["h5dump", "-b", "LE", "-d", "/" + name, "-o", raw, path], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(raw, "rb") as file:
            values.frombytes(file.read())
    return Column(width, values)


def read_column(path, name):
    """A data set of numbers, row by row; None where the file has none of this name."""
    if not os.path.exists(path):
        raise BadInput(f"cannot read {path}: there is no such file")
    if h5py is not None:
        return read_by_h5py(path, name)
    if shutil.which("h5dump"):
        return read_by_h5dump(path, name)
    raise NoReader("HDF5 files need Python's h5py, or h5dump (Debian: hdf5-tools)")


def need_column(path, name):
    column = read_column(path, name)
    if column is None:
        raise BadInput(f"{path} has no data set {name}")
    return column


# ---- the curves of the table's rows ----


def rows_by_user(product, width, every):
    """(place of the candidate, row of the table), user by user, of each `every`th user.

    The table has a row for each candidate, in the order of the users' keys and of the products
    of each: their codes follow the bytes of their ids."""
    row = 0
    for user in range(len(product) // width):
        places = [at for at in range(user * width, (user + 1) * width) if product[at] >= 0]
        if user % every == 0:
            order = sorted(places, key=lambda at: product[at])
            yield [(at, row + order.index(at)) for at in places]
        row += len(places)


def doses_of(path, levels):
    """What each level counts in the log odds of users of each kind, [kind][level]: itself, unless
    the file says so, between its knots."""
    at, value = (read_column(path, name) for name in ("dose_at", "dose_value"))
    if at is None or value is None:
        return [levels]
    of_kind = [list(zip(at.values, value.values[c::value.width])) for c in range(value.width)]
    return [[dose_between(knots, d) for d in levels] for knots in of_kind]


def dose_between(knots, d):
    """Linear between knots; beyond the last one the last piece goes on."""
    pieces = list(zip(knots, knots[1:]))
    (x, y), (next_x, next_y) = next((p for p in pieces if d <= p[1][0]), pieces[-1])
    return y + (next_y - y) * (d - x) / (next_x - x)


class Shapes:
    """All curves of the file, by the place of their candidate."""

    def __init__(self, path, count, levels):
        self.levels, self.of_kind = levels, doses_of(path, levels)
        self.mixture = read_column(path, "mixture") if len(self.of_kind) > 1 else None
        self.slots = need_column(path, "a").width
        self.a, self.b = (need_column(path, name).values for name in ("a", "b"))
        spread = [read_column(path, name) for name in ("a_sd", "b_sd", "correlation")]
        self.spread = None if None in spread else [column.values for column in spread]
        if {len(column) for column in [self.a, self.b] + (self.spread or [])} != {count}:
            raise BadInput(f"{path} has other candidates than candidates.h5")

    def doses(self, at):
        """By level, for the user of a candidate: the mean of the kinds' by the user's chances."""
        kinds = len(self.of_kind)
        if kinds == 1:
            return self.of_kind[0]
        first = at // self.slots * kinds
        chance = self.mixture.values[first:first + kinds]
        return [math.fsum(p * g for p, g in zip(chance, column)) for column in zip(*self.of_kind)]

    def interval(self, at, g):
        """The 90 % interval of the true chance at a dose, as jobs/curves.h has it."""
        a_sd, b_sd, correlation = (column[at] for column in self.spread)
        variance = max(a_sd * a_sd + 2 * g * correlation * a_sd * b_sd + g * g * b_sd * b_sd, 0.0)
        mean = self.a[at] + self.b[at] * g
        moved = min(abs(mean) * (math.sqrt(1 + math.pi * variance / 8) - 1), variance / 2)
        middle = mean + math.copysign(moved, mean)
        far = NINETY * math.sqrt(variance)
        return logistic(min(mean, middle - far)), logistic(max(mean, middle + far))

    def curve(self, at, row):
        doses = self.doses(at)
        chance = [logistic(self.a[at] + self.b[at] * g) for g in doses]
        between = [self.interval(at, g) for g in doses] if self.spread is not None else None
        return Curve(row, chance, between, self.b[at] < 0)


def read_curves(run, levels, users):
    """Curves of the pairs of a sample of users, user by user."""
    width, product = need_column(os.path.join(run, "candidates.h5"), "product")
    shapes = Shapes(os.path.join(run, "curves.h5"), len(product), levels)
    every = max(1, len(product) // width // users) if users else 1
    for places in rows_by_user(product, width, every):
        yield [shapes.curve(at, row) for at, row in places]


def check_promise(table, levels, curve):
    """The table's chance is the curve's: otherwise they are not of the same run."""
    discount, promised = table.discount[curve.row], table.purchases[curve.row]
    for d, chance in zip(levels, curve.chance):
        if abs(d - discount) < 1e-9 and abs(chance - promised) > SAME:
            raise BadInput(f"row {curve.row + 2} of discounts.csv promises {promised}, its curve "
                           f"{chance:.6f}; they are of different runs, publish again")


# ---- scores ----


def add_user(sums, table, levels, found):
    """Add the pairs of one user to the sums of each level; promised and true chances of all."""
    pairs = []
    for k, d in enumerate(levels):
        excess = 0.0
        for curve in found:
            promised, true = curve.chance[k], probability(table.pairs[curve.row], d)
            off = promised - true
            sums.error[k] += abs(off)
            sums.square[k] += off * off
            excess += off
            if curve.between is not None:
                sums.covered[k] += curve.between[k][0] <= true <= curve.between[k][1]
            pairs.append((promised, true))
        sums.bias[k] += excess
        sums.user[k] += abs(excess) / max(len(found), 1)
        sums.users[k] += 1
    return pairs


def deciles(pairs):
    """Means of the promised and of the true chance in each tenth of the pairs."""
    pairs.sort()
    found = []
    for k in range(10):
        tenth = pairs[len(pairs) * k // 10:len(pairs) * (k + 1) // 10]
        if tenth:
            found.append([math.fsum(column) / len(tenth) for column in zip(*tenth)])
    return found


def score_pairs(table, levels, run, users):
    sums, pairs = Sums(*([0.0] * len(levels) for _ in Sums._fields)), []
    falling = negative = pairs_count = 0
    intervals = False
    for found in read_curves(run, levels, users):
        for curve in found:
            check_promise(table, levels, curve)
            negative += curve.falls
            falling += any(x > y for x, y in zip(curve.chance, curve.chance[1:]))
            intervals = curve.between is not None
        pairs += add_user(sums, table, levels, found)
        pairs_count += len(found)
    if pairs_count == 0:
        raise BadInput("the table has no candidates to score")
    n = pairs_count
    return {
        "users": int(sums.users[0]), "pairs": n, "levels": levels,
        "error": [x / n for x in sums.error],
        "user_error": [x / sums.users[0] for x in sums.user],
        "bias": [x / n for x in sums.bias],
        "rmse": [math.sqrt(x / n) for x in sums.square],
        "covered": [x / n for x in sums.covered] if intervals else None,
        "negative_slopes": negative, "falling_curves": falling, "deciles": deciles(pairs),
    }


def score_run(shop, run, users, method):
    truth, table = read_table(shop, run)
    levels, floor, budget = read_limits(run, truth)
    found = score_pairs(table, levels, run, users)
    whole = score_table.score(method, table, levels, floor, budget)
    found["promised_profit"], found["true_profit"] = whole["promised_profit"], whole["true_profit"]
    found["promised_over_true"] = whole["promised_profit"] / whole["true_profit"]
    found["true_gain"], found["best_gain"] = whole["true_gain"], whole["best_gain_bound"]
    found["ratio"] = whole["ratio"]
    return found


# ---- the command ----


def show(found):
    print(f"{found['pairs']:,} pairs of {found['users']:,} users\n")
    print("level    error     user     bias     rmse  covered")
    covered = found["covered"] or [None] * len(found["levels"])
    for row in zip(found["levels"], found["error"], found["user_error"], found["bias"],
                   found["rmse"], covered):
        last = f"{100 * row[5]:8.1f}%" if row[5] is not None else "        -"
        print(f"{row[0]:<5g}{row[1]:9.4f}{row[2]:9.4f}{row[3]:+9.4f}{row[4]:9.4f}{last}")
    if found["covered"] is None:
        print("no intervals: curves.h5 does not say how sure its curves are")
    print("\npromised    true   by tenths of the promised chance")
    for promised, true in found["deciles"]:
        print(f"{promised:8.4f}{true:8.4f}")
    print(f"\nslopes below zero {found['negative_slopes']}, falling curves "
          f"{found['falling_curves']}")
    print(f"profit promised {found['promised_profit']:,.2f}, true {found['true_profit']:,.2f}: "
          f"{found['promised_over_true']:.4f}")
    print(f"gain true {found['true_gain']:,.2f}, best {found['best_gain']:,.2f}: ratio "
          f"{found['ratio']:.4f}")


def verdict(found, at_most):
    """Is it good enough? Each point on a line."""
    covered = found["covered"] or []
    points = (
        ("error", max(found["error"]) < at_most, f"{max(found['error']):.4f} at the worst level, "
         f"below {at_most:g} wanted"),
        ("slopes", found["negative_slopes"] + found["falling_curves"] == 0,
         f"{found['falling_curves']} curves fall"),
        ("intervals", covered and all(0.85 <= x <= 0.95 for x in covered),
         "85 to 95 % of 90 % intervals hold the truth at each level"),
        ("promise", abs(found["promised_over_true"] - 1) <= 0.05, "profit within 5 % of the truth"),
        ("ratio", found["ratio"] >= 0.85, f"{found['ratio']:.4f}, at least 0.85 wanted"))
    print()
    return all([score_table.check(*point) for point in points])


def parse():
    about = __doc__.split("\n\n")
    parser = argparse.ArgumentParser(description=about[0], epilog="\n\n".join(about[2:]),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", metavar="SHOP", help="folder written by remise synth")
    parser.add_argument("run", metavar="RUN", help="folder of a whole run on it")
    parser.add_argument("--users", type=int, default=20000, metavar="N",
                        help="users whose curves are scored; 0: all (20000)")
    parser.add_argument("--plain", action="store_true", help="do without numpy")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--check", action="store_true",
                        help="exit code 1 where the curves are not good enough, and in what")
    parser.add_argument("--at-most", type=float, default=0.01, metavar="ERROR",
                        help="error at each level that is good enough (0.01)")
    return parser.parse_args()


def main():
    options = parse()
    plain = options.plain or score_table.numpy is None
    try:
        found = score_run(options.shop, options.run, options.users,
                          score_table.PLAIN if plain else score_table.FAST)
    except NoReader as error:
        print(f"SKIPPED: {error}")
        return 77
    except (BadInput, ValueError) as error:
        print(f"score_curves.py: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if not options.check or verdict(found, options.at_most) else 1


if __name__ == "__main__":
    sys.exit(main())
