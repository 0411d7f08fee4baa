"""What the tables of a synthetic shop tell of a sample of its users, as columns for numpy.

The rules by which `remise synth` writes its log (jobs/synth_history.c) are taken as known: which of
the rows belong to one visit, which visits leave no row, and how offers are given.
"""
import csv
import datetime
import math
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from shop_truth import read_truth, rows_of  # noqa: E402

VIEW_LOGGED, CART_IF_NOT_BOUGHT = 0.25, 0.03
UNSEEN = (1 - VIEW_LOGGED) * (1 - CART_IF_NOT_BOUGHT)  # of visits that end without a purchase
LATER = {"view": 240, "cart": 90, "purchase": 0}  # seconds before the visit's purchase
FIRST_DAY = datetime.date(2023, 1, 2)
START = datetime.datetime(2023, 1, 2)
STANDING_LIMIT = 3.0  # of the policy
ACTIVITY_SD, INCOME_EFFECT, NOISE_SD, RESIDUAL_SD = 0.4, 0.15, 0.3, 0.25


def season_of(week):
    return 1 + 0.25 * math.sin(2 * math.pi * (week % 52) / 52) + (0.5 if week % 52 >= 47 else 0)


class Products:
    """Products and categories, the same for all users."""

    def __init__(self, truth):
        self.ids = list(truth.products)
        rows = list(truth.products.values())
        self.names = list(dict.fromkeys(next(iter(truth.users.values())).taste))
        self.number = {name: i for i, name in enumerate(self.ids)}
        self.category = np.array([self.names.index(p.category) for p in rows])
        self.quality = np.array([p.quality for p in rows])
        self.price = np.array([p.price for p in rows])
        self.cost = np.array([p.cost for p in rows])
        self.effect = np.zeros(len(self.names))
        for p in rows:
            self.effect[self.names.index(p.category)] = p.effect
        # of products within their category, and of categories
        self.pull = np.bincount(self.category, np.exp(self.quality), len(self.names))


class Users:
    """The sampled users: what their columns tell, and what is true of them."""

    def __init__(self, shop, truth, products, every):
        self.ids = list(truth.users)[::every]
        self.number = {name: u for u, name in enumerate(self.ids)}
        rows = [truth.users[name] for name in self.ids]
        self.activity = np.array([u.activity for u in rows])
        self.type = np.array([u.type for u in rows])
        self.sensitivity = np.array([u.sensitivity for u in rows])
        self.taste = np.array([[u.taste[c] for c in products.names] for u in rows])
        weeks = truth.constants["weeks"]
        traffic = np.array([season_of(w) for w in range(weeks)])
        after = traffic[::-1].cumsum()[::-1] / traffic.sum()
        self.income, self.presence = np.zeros(len(rows)), np.ones(len(rows))
        visits = 0.0
        for name, income, joined in rows_of(os.path.join(shop, "users.csv"), "user_id", "income",
                                            "joined"):
            day = (datetime.date.fromisoformat(joined) - FIRST_DAY).days
            presence = after[min((day + 6) // 7, weeks - 1)] if day > 0 else 1.0
            visits += presence * math.exp(0.6 * truth.users[name].activity)
            if name in self.number:
                at = self.number[name]
                self.income[at], self.presence[at] = float(income), presence
        self.weight_of_all = visits
        residual = dict(rows_of(os.path.join(shop, "truth", "users.csv"), "user_id",
                                "sensitivity_residual"))
        self.residual = np.array([float(residual[name]) for name in self.ids])
        self.known_sensitivity = self.sensitivity - self.residual


def type_tastes(shop, truth, products):
    """Mean taste of each type: the truth but for the mean of many users' own noise."""
    sums, count = {}, {}
    for user in truth.users.values():
        taste = np.array([user.taste[c] for c in products.names])
        sums[user.type] = sums.get(user.type, 0) + taste
        count[user.type] = count.get(user.type, 0) + 1
    types = max(sums) + 1
    return np.array([sums.get(t, np.zeros(len(products.names))) / count.get(t, 1)
                     for t in range(types)])


def offers_of(shop, users, products):
    """Columns of the offers to sampled users; (user, product, time) of all that were redeemed."""
    kept, redeemed = [], set()
    for user, product, time, discount, propensity, shown, bought in rows_of(
            os.path.join(shop, "offers.csv"), "user_id", "product_id", "time", "discount",
            "propensity", "shown", "redeemed"):
        if bought == "1":
            redeemed.add((user, product, time))
        if user in users.number:
            kept.append((users.number[user], products.number[product], float(discount),
                         float(propensity), shown == "1", bought == "1"))
    columns = list(zip(*kept)) if kept else [()] * 6
    kinds = (int, int, float, float, bool, bool)
    return [np.array(c, dtype=kind) for c, kind in zip(columns, kinds)], redeemed


def visits_of(shop, users, products, redeemed):
    """Columns user, product, discount, bought of the visits that left a row; views of all users,
    and how views of each category spread over discounts: {discount: [categories]}."""
    visits, views, depths = {}, 0, {}
    for user, product, time, kind, discount in rows_of(
            os.path.join(shop, "events.csv"), "user_id", "product_id", "time", "kind", "discount"):
        if kind == "view":
            views += 1
            spread = depths.setdefault(float(discount), np.zeros(len(products.names)))
            spread[products.category[products.number[product]]] += 1
        if user not in users.number or kind == "return":
            continue
        if kind == "purchase" and (user, product, time) in redeemed:
            redeemed.discard((user, product, time))
            continue
        second = int((datetime.datetime.fromisoformat(time) - START).total_seconds())
        key = (users.number[user], products.number[product], second + LATER[kind])
        bought = visits.get(key, (0.0, False))[1] or kind == "purchase"
        visits[key] = (float(discount), bought)
    columns = list(zip(*((u, i, d, y) for (u, i, _), (d, y) in visits.items()))) or [()] * 4
    total = sum(depths.values())
    spread = {d: count / np.maximum(total, 1) for d, count in depths.items()}
    return ([np.array(c, dtype=kind) for c, kind in zip(columns, (int, int, float, bool))],
            views, spread)


class Log:
    """All of it. `every` n-th user is taken."""

    def __init__(self, shop, every):
        self.truth = read_truth(shop, None)
        self.products = Products(self.truth)
        self.users = Users(shop, self.truth, self.products, every)
        self.type_taste = type_tastes(shop, self.truth, self.products)
        (self.offer_user, self.offer_product, self.offer_discount, self.propensity, self.shown,
         self.redeemed), taken = offers_of(shop, self.users, self.products)
        ((self.visit_user, self.visit_product, self.visit_discount, self.bought), views,
         self.spread) = visits_of(shop, self.users, self.products, taken)
        # visits of a user of weight 1; offers of a user of activity 0, from the sample
        self.visits = views / VIEW_LOGGED / self.users.weight_of_all
        given = len(self.offer_user) / np.exp(0.3 * self.users.activity).sum()
        self.offers_mean = round(given) if given > 5 else given

    def standing(self, user, product):
        """Activity + taste, which decides on the level, where the propensity tells it: a policy
        that draws all levels alike tells nothing. What a propensity of a middle level leaves
        open, one of two values, is taken as told too."""
        if self.truth.constants["randomised"] == 1:
            return np.full(len(user), np.nan)
        return (self.users.activity[user] +
                self.users.taste[user, self.products.category[product]])

    def policy(self, x, discount):
        """Chance that the level is this one for users of activity + taste x."""
        known = self.truth.constants
        levels, randomised = np.array(known["levels"]), known["randomised"]
        gain = known.get("policy_gain", 1.2)
        standing = np.clip(x / 0.6, -STANDING_LIMIT, STANDING_LIMIT)
        weight = np.exp((gain * standing - 0.5)[:, None] * levels / 0.3)
        at = np.abs(levels - discount[:, None]).argmin(1)
        picked = np.take_along_axis(weight, at[:, None], 1)[:, 0]
        return randomised / len(levels) + (1 - randomised) * picked / weight.sum(1)


def pairs_of_run(run, users, products):
    """(rows, users, products) as numbers, of the sampled users' rows in a table."""
    pairs = [(row, users.number[u], products.number[i]) for row, (u, i) in enumerate(
        rows_of(os.path.join(run, "discounts.csv"), "user_id", "product_id"))
             if u in users.number]
    return [np.array(c) for c in zip(*pairs)]

