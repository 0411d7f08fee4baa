"""The truth of a synthetic shop, as its folder tells it, and tables that are scored by it."""
import csv
import json
import math
import operator
import os
from collections import namedtuple

Truth = namedtuple("Truth", "constants users products")  # users: id -> row, products: id -> row
User = namedtuple("User", "type activity sensitivity taste")
Product = namedtuple("Product", "category quality effect price cost")
# Of one (user, product): the formula's a and b, money, and where and how steeply the response
# saturates, steepness 0 if it does not
Pair = namedtuple("Pair", "a b price cost half steepness")
LOGIT = {"lift": 0.0, "half": 0.0, "steepness": 0.0}
Table = namedtuple("Table", "pairs discount purchases profit cost price")


class BadInput(Exception):
    """What is read cannot be scored; the message says why."""


# ---- reading ----


def rows_of(path, *names):
    """The columns of these names, row by row."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            absent = [name for name in names if name not in header]
            if absent:
                raise BadInput(f"{path} has no column {', '.join(absent)}")
            yield from map(operator.itemgetter(*map(header.index, names)), rows)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}") from error


def read_truth(shop, wanted):
    """The truth of the wanted users (None: of all) and of all products."""
    folder = os.path.join(shop, "truth")
    constants = read_json(os.path.join(folder, "truth.json"))
    effect = {name: float(value) for name, value in
              rows_of(os.path.join(folder, "categories.csv"), "category", "effect")}
    money = {name: (float(price), float(cost)) for name, price, cost in
             rows_of(os.path.join(shop, "products.csv"), "product_id", "list_price", "unit_cost")}
    products = {name: Product(category, float(quality), effect[category], *money[name])
                for name, category, quality in rows_of(
                    os.path.join(folder, "products.csv"), "product_id", "category", "quality")}
    users, tastes = {}, ["taste_" + category for category in effect]
    for name, kind, *numbers in rows_of(os.path.join(folder, "users.csv"), "user_id", "type",
                                        "activity", "sensitivity", *tastes):
        if wanted is None or name in wanted:
            activity, sensitivity, *taste = map(float, numbers)
            users[name] = User(int(kind), activity, sensitivity, dict(zip(effect, taste)))
    return Truth(constants, users, products)


def make_pair(truth, user_id, product_id):
    if user_id not in truth.users:
        raise BadInput(f"user {user_id} of the table is not in the shop's truth; score against the "
                       "shop that the run has read, with publish.user_ids: original")
    if product_id not in truth.products:
        raise BadInput(f"product {product_id} of the table is not in the shop's truth")
    user, product, known = truth.users[user_id], truth.products[product_id], truth.constants
    kind = known["types"][user.type] if "types" in known else LOGIT
    a = known["base"] + user.activity + user.taste[product.category] + product.quality
    b = math.exp(known["mu"] + user.sensitivity + product.effect + kind["lift"])
    return Pair(a, min(max(b, known["slope_min"]), known["slope_max"]), product.price, product.cost,
                kind["half"], kind["steepness"])


def read_table(shop, run):
    path = os.path.join(run, "discounts.csv")
    ids, numbers = [], []
    for user, product, *values in rows_of(path, "user_id", "product_id", "discount",
                                          "expected_purchases", "expected_profit",
                                          "expected_cost", "price"):
        ids.append((user, product))
        numbers.append(tuple(map(float, values)))
    if not ids:
        raise BadInput(f"{path} has no rows")
    if len(set(ids)) < len(ids):
        raise BadInput(f"{path} names a (user, product) pair more than once")
    truth = read_truth(shop, {user for user, _ in ids})
    return truth, Table([make_pair(truth, *pair) for pair in ids], *map(list, zip(*numbers)))


def read_limits(run, truth):
    """Levels, margin floor and budget (infinite without one) of the receipt."""
    receipt = read_json(os.path.join(run, "receipt.json"))
    levels = sorted(float(level) for level in receipt.get("levels", truth.constants["levels"]))
    budgets = [float(c["limit"]) for c in receipt.get("constraints", [])
               if c.get("name") == "budget" and c.get("limit") is not None]
    return levels, float(receipt.get("margin_floor", 0.0)), min(budgets, default=math.inf)


# ---- what a level does, pair by pair ----


def logistic(x):
    return 1.0 / (1.0 + math.exp(-x))


def probability(pair, d):
    if pair.steepness == 0.0:
        return logistic(pair.a + pair.b * d)
    none, all_ = logistic(pair.a), logistic(pair.a + pair.b)
    reached = d ** pair.steepness
    return none + (all_ - none) * reached / (pair.half ** pair.steepness + reached)


def profit(pair, d):
    return probability(pair, d) * (pair.price * (1 - d) - pair.cost)


def spend(pair, d):
    return probability(pair, d) * d * pair.price


def allowed(pair, d, floor):
    """No discount is always allowed; another price must leave the margin floor."""
    paid = pair.price * (1 - d)
    return d == 0 or paid - pair.cost >= floor * paid - 1e-9
