"""The truth of a synthetic shop: chances, expected sales, elasticities by several definitions."""
import csv
import datetime

import numpy as np

DEPTHS = (0, 10, 15, 20, 25, 30)
FOLDS = 5
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

    def start(self, first):
        """The first week of each user."""
        joined = [(datetime.date.fromisoformat(j[:10]) - first).days for j in self.joined]
        return np.array([0 if j <= 0 else (j + 6) // 7 for j in joined])

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


def season_of(week):
    return 1 + 0.25 * np.sin(2 * np.pi * (week % 52) / 52) + 0.5 * (week % 52 >= 47)


def expected_sales(shop, depth, member, first, weeks):
    """[products][weeks][segments], for the members of segments in each fold [users][folds]."""
    segments = int(member.max()) + 1
    week = np.arange(weeks)
    season = season_of(week)
    start = shop.start(first)
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


def arc(sales, weight=None):
    """Arc elasticities log(sales / those at list price) / log(1 - depth) of sales [depth][...],
    their mean over depths."""
    arcs = [np.log(s / sales[0]) / np.log1p(-d / 100) for d, s in zip(DEPTHS[1:], sales[1:])]
    return np.average(arcs, axis=0, weights=weight)


def exposure(shop, first, weeks):
    """Visits of each user, but for a factor of all."""
    week = np.arange(weeks)
    season = season_of(week)
    start = shop.start(first)
    return shop.visits * np.array([season[week >= s].sum() for s in start])


def sums(of, count, weight, values):
    """Sums over users [users] by weight, then over the products of each category."""
    return np.bincount(of, weight @ values, count)


def definitions(shop, depth, weight, of, count):
    """Elasticities by other definitions than the regression's, of groups of products, for users of
    weight [users]: {name: [count]}."""
    sales, slopes = [], []
    for d in DEPTHS:
        chance = shop.chance(d)
        sold = shop.choice * chance
        sales.append(sums(of, count, weight, sold))
        slopes.append(sums(of, count, weight, -sold * shop.slope * (1 - chance)) * (1 - d / 100))
    seen = np.array([np.count_nonzero(depth == d) for d in DEPTHS], dtype=float)
    none = np.ones(len(shop.visits)) * (weight > 0)
    plain = -shop.slope * (1 - shop.chance(0))
    visits = sums(of, count, weight, shop.choice * plain) / sums(of, count, weight, shop.choice)
    return {"arc": arc(sales), "arc_seen": arc(sales, seen[1:]), "point": slopes[0] / sales[0],
            "point_seen": sum(s * n for s, n in zip(slopes, seen)) /
            sum(s * n for s, n in zip(sales, seen)), "point_visits": visits,
            "point_plain": sums(of, count, none, plain) /
            sums(of, count, none, np.ones_like(plain))}


def users_truth(shop):
    """Of each user over what the user buys: mean arcs, and at list price."""
    chance = np.array([shop.choice * shop.chance(d) for d in DEPTHS])
    point = -shop.slope * (1 - shop.chance(0))
    whole = chance[0].sum(1)
    return {"arc": (chance[0] * arc(chance)).sum(1) / whole,
            "point": (chance[0] * point).sum(1) / whole}
