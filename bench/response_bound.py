#!/usr/bin/env python3
"""How well could any method know the response curves of a synthetic shop's users?

All that is common to users is taken as known: the formula, product qualities, effects of
categories, tastes of types, the spread of what is individual, the rules by which the log was
written. What is left is each user's own draw: type, activity, tastes, residual sensitivity. Its
posterior given the user's columns, visits and offers is sampled (Metropolis within Gibbs, several
chains a user). No method can have, on average, a smaller squared error than the posterior mean, a
smaller absolute error than the posterior median, or more expected gain than the best levels by the
posterior mean profit.

    python3 bench/response_bound.py SHOP RUN [--sample 2000] [--know WHAT ...] [--parts]

SHOP is a folder of remise synth, RUN a whole run on it: its pairs, levels and budget are judged by,
and its table beside the bounds. WHAT of the log is used, one bound for each --know; `all` by
default, and the others as steps:

    columns     age, income, household only
    purchases   and visits: what was seen, at which price, and whether it was bought
    offers      and what came of past offers, and for which products they were
    number      and how many offers a user got, which rises with activity
    levels      and which levels they had, as deeper ones went to better customers
    all         and the propensities of these levels, which tell activity + taste to the digit

Printed per level: error of the posterior mean and median, what the 90 % intervals cover; the share
of the best possible gain, also if each curve has to be a logit sigmoid(a + b d), or one in a dose
g(d) that is the same for all; promised over true profit, true cost over the budget; and the R-hat
that 99 % of the chances are below (1: the chains agree). Intervals from a few hundred draws that
hang together are a little narrow. With --parts: what the gain hangs on.
Needs numpy. 1,000 users take one to two minutes for each WHAT.
"""
import argparse
import json
import os
import sys
from collections import namedtuple

import numpy as np

import shop_log
from shop_log import ACTIVITY_SD, INCOME_EFFECT, NOISE_SD, RESIDUAL_SD, STANDING_LIMIT, UNSEEN

import score_curves  # of tests/, which shop_log finds
import score_table
from shop_truth import Pair, read_limits

ROUNDING = 1e-6  # draws are kept in single precision
STEPS = ("columns", "purchases", "offers", "number", "levels", "all")
State = namedtuple("State", "activity residual type noise")


def logistic(x):
    return 1 / (1 + np.exp(-x))


class Formula:
    """The shop's formula, for arrays."""

    def __init__(self, constants):
        kinds = constants.get("types", [{"lift": 0.0, "half": 0.0, "steepness": 0.0}] * 6)
        self.lift, self.half, self.steepness = (np.array([kind[n] for kind in kinds]) for n in
                                                ("lift", "half", "steepness"))
        self.saturates = "types" in constants
        self.base, self.mu = constants["base"], constants["mu"]
        self.limits = constants["slope_min"], constants["slope_max"]

    def slope(self, sensitivity, kind):
        return np.clip(np.exp(self.mu + sensitivity + self.lift[kind]), *self.limits)

    def chance(self, a, b, kind, d):
        if not self.saturates:
            return logistic(a + b * d)
        none, steep = logistic(a), self.steepness[kind]
        reached = d ** steep
        return none + (logistic(a + b) - none) * reached / (self.half[kind] ** steep + reached)


class Quiet:
    """Chance that a visit to a category ends without a purchase, by the user's x = activity +
    taste, slope and type: worked out on a grid, read between its points."""

    LOW, STEP, COUNT = -4.0, 0.1, 81

    def __init__(self, formula, products, spread):
        self.low = np.log(formula.limits[0])
        self.step = (np.log(formula.limits[1]) - self.low) / 24
        kinds = range(len(formula.lift)) if formula.saturates else [0]
        x = self.LOW + self.STEP * np.arange(self.COUNT)
        slopes = np.exp(self.low + self.step * np.arange(25))
        self.table = np.zeros((len(kinds), len(products.names), self.COUNT, len(slopes)))
        self.one_kind = not formula.saturates
        for kind in kinds:
            for c in range(len(products.names)):
                quality = products.quality[products.category == c]
                weight = np.exp(quality) / np.exp(quality).sum()
                a = (formula.base + x[:, None] + quality)[:, None, :]
                for d, share in spread.items():
                    bought = formula.chance(a, slopes[:, None], np.array(kind), d)
                    self.table[kind, c] += share[c] * (1 - bought) @ weight

    def at(self, x, slope, kind, category):
        fx = np.clip((x - self.LOW) / self.STEP, 0, self.COUNT - 1.001)
        fs = np.clip((np.log(slope) - self.low) / self.step, 0, 23.999)
        i, j = fx.astype(int), fs.astype(int)
        u, v, k = fx - i, fs - j, np.zeros_like(kind) if self.one_kind else kind
        cell = ((k * self.table.shape[1] + category) * self.COUNT + i) * 25 + j
        flat = self.table.ravel()
        return ((1 - u) * ((1 - v) * flat[cell] + v * flat[cell + 1]) +
                u * ((1 - v) * flat[cell + 25] + v * flat[cell + 26]))


class Outcomes:
    """Past chances to buy of all rows, category by category."""

    def __init__(self, row, product, discount, bought, products):
        category = products.category[product]
        order = np.argsort(category, kind="stable")
        self.row, self.d, self.category = row[order], discount[order], category[order]
        self.quality = products.quality[product][order]
        self.sign = np.where(bought[order], 1.0, -1.0)
        ends = np.searchsorted(self.category, np.arange(len(products.names) + 1))
        self.of = [slice(*pair) for pair in zip(ends, ends[1:])]
        self.all = slice(None)


def copies(user, users, chains):
    """Rows (chain by chain) of each entry of these users."""
    return (np.arange(chains)[:, None] * users + user).ravel()


class Posterior:
    """Log posterior of rows = users x chains, and moves that keep it."""

    def __init__(self, log, step, chains, seed):
        self.formula = Formula(log.truth.constants)
        self.products, self.type_taste = log.products, log.type_taste
        self.step, self.chains = STEPS.index(step), chains
        if len(log.offer_user) == 0:
            self.step = min(self.step, STEPS.index("purchases"))
        self.users, self.categories = len(log.users.ids), len(log.products.names)
        self.rows, self.rng = self.users * chains, np.random.default_rng(seed)
        self.quiet = Quiet(self.formula, log.products, log.spread)
        tile = lambda values: np.tile(values, chains)
        self.mean = tile(INCOME_EFFECT * (log.users.income - 3) / 1.25)
        self.sensitivity = tile(log.users.known_sensitivity)
        self.visits = tile(log.visits * log.users.presence)
        self.offers_mean, self.policy = log.offers_mean, log.policy
        self.take_visits(log)
        self.take_offers(log)

    def take_visits(self, log):
        used = self.step >= 1
        n = len(log.visit_user) if used else 0
        seen = np.bincount(log.visit_user[:n], minlength=self.users)
        self.seen = np.tile(seen, self.chains)
        by = np.zeros((self.users, self.categories))
        np.add.at(by, (log.visit_user[:n], self.products.category[log.visit_product[:n]]), 1)
        self.seen_in = np.tile(by, (self.chains, 1))
        shown = log.shown if self.step >= 2 else np.zeros(len(log.shown), dtype=bool)
        user, product, d, bought = (np.concatenate(pair) for pair in (
            (log.visit_user[:n], log.offer_user[shown]),
            (log.visit_product[:n], log.offer_product[shown]),
            (log.visit_discount[:n], log.offer_discount[shown]),
            (log.bought[:n], log.redeemed[shown])))
        again = lambda values: np.tile(values, self.chains)
        self.outcomes = Outcomes(copies(user, self.users, self.chains), again(product), again(d),
                                 again(bought), self.products)

    def take_offers(self, log):
        n = len(log.offer_user) if self.step >= 2 else 0
        user, product = log.offer_user[:n], log.offer_product[:n]
        again = lambda values: np.tile(values, self.chains)
        self.offer_row = copies(user, self.users, self.chains)
        self.offer_category = again(self.products.category[product])
        self.offer_pull = again(np.exp(self.products.quality[product]))
        self.offer_d = again(log.offer_discount[:n])
        self.offers = again(np.bincount(user, minlength=self.users))
        self.known = np.full((self.users, self.categories), np.nan)
        if self.step >= STEPS.index("all"):
            x = log.standing(user, product)
            good = np.abs(x) < 0.6 * STANDING_LIMIT
            self.known[user[good], self.products.category[product[good]]] = x[good]
        self.known = np.tile(self.known, (self.chains, 1))
        self.is_known = ~np.isnan(self.known)

    def start(self):
        kinds = self.rng.integers(0, len(self.type_taste), self.rows)
        if self.is_known.any():
            far = np.nansum((self.known[:, None] - self.mean[:, None, None] - self.type_taste) ** 2,
                            axis=2)
            kinds = np.where(self.is_known.any(1), far.argmin(1), kinds)
        normal = lambda sd, *shape: self.rng.normal(0, sd, (self.rows,) + shape)
        activity = self.mean + normal(ACTIVITY_SD)
        if self.step >= STEPS.index("number"):
            activity = np.log(np.maximum(self.offers, 0.5) / self.offers_mean) / 0.3
        return State(activity, normal(RESIDUAL_SD), kinds, normal(NOISE_SD, self.categories))

    def taste(self, s):
        """Where activity + taste is known, the taste is what activity leaves of it."""
        free = self.type_taste[s.type] + s.noise
        return np.where(self.is_known, self.known - s.activity[:, None], free)

    def sum_rows(self, row, values):
        return np.bincount(row, values, self.rows)

    def log_outcomes(self, s, taste, part):
        o = self.outcomes
        row, c = o.row[part], o.category[part]
        kind = s.type[row]
        a = self.formula.base + s.activity[row] + taste[row, c] + o.quality[part]
        b = self.formula.slope(self.sensitivity[row] + s.residual[row] + self.products.effect[c],
                               kind)
        if not self.formula.saturates:
            value = -np.log1p(np.exp(-o.sign[part] * (a + b * o.d[part])))
        else:
            chance = self.formula.chance(a, b, kind, o.d[part])
            value = np.log(np.where(o.sign[part] > 0, chance, 1 - chance))
        return self.sum_rows(row, value)

    def log_visits(self, s, taste):
        """Of how many visits left rows, and in which categories they were."""
        if self.step < 1:
            return 0.0
        weight = np.exp(taste) * self.products.pull
        share = weight / weight.sum(1, keepdims=True)
        c = np.arange(self.categories)
        b = self.formula.slope((self.sensitivity + s.residual)[:, None] + self.products.effect,
                               s.type[:, None])
        quiet = self.quiet.at(s.activity[:, None] + taste, b, s.type[:, None] + 0 * c, c)
        unseen = UNSEEN * (share * quiet).sum(1)
        mean = self.visits * np.exp(0.6 * s.activity)
        low = np.floor(mean)
        ways = [part * self.choose(low + k) * unseen ** np.maximum(low + k - self.seen, 0)
                for k, part in ((0, 1 - mean + low), (1, mean - low))]
        with np.errstate(divide="ignore"):
            return (np.log(ways[0] + ways[1]) + (self.seen_in * taste).sum(1) -
                    self.seen * np.log(weight.sum(1)))

    def choose(self, visits):
        """Ways in which the seen are some of all visits; but for a factor."""
        unseen = visits - self.seen
        ways = np.where(unseen < 0, -np.inf, log_factorial(visits) - log_factorial(unseen) -
                        log_factorial(self.seen))
        return np.exp(ways)

    def log_offers(self, s, taste):
        if self.step < 2 or len(self.offer_row) == 0:
            return 0.0
        weight = np.exp(taste)
        whole = (weight * self.products.pull).sum(1)
        row, c = self.offer_row, self.offer_category
        pick = (0.7 * weight[row, c] * self.offer_pull / whole[row] +
                0.3 / len(self.products.ids))
        value = self.sum_rows(row, np.log(pick))
        if self.step >= STEPS.index("number"):
            mean = self.offers_mean * np.exp(0.3 * s.activity)
            with np.errstate(divide="ignore"):
                value = value + np.log(np.maximum(1 - np.abs(mean - self.offers), 0))
        if self.step == STEPS.index("levels"):
            value = value + self.sum_rows(row, self.log_level(s.activity[row] + taste[row, c]))
        return value

    def log_level(self, x):
        return np.log(self.policy(x, self.offer_d))

    def log_prior(self, s, taste):
        noise = taste - self.type_taste[s.type]
        return (-0.5 * ((s.activity - self.mean) / ACTIVITY_SD) ** 2 -
                0.5 * (s.residual / RESIDUAL_SD) ** 2 - 0.5 * ((noise / NOISE_SD) ** 2).sum(1))

    def log_all(self, s, part=None):
        taste = self.taste(s)
        return (self.log_prior(s, taste) + self.log_visits(s, taste) + self.log_offers(s, taste) +
                self.log_outcomes(s, taste, self.outcomes.all if part is None else part))

    def accept(self, s, proposed, part=None):
        """Metropolis; `part` of the outcomes, those that change."""
        with np.errstate(invalid="ignore"):
            gain = self.log_all(proposed, part) - self.log_all(s, part)
            take = np.log(self.rng.random(self.rows)) < np.nan_to_num(gain, nan=-np.inf)
        mix = [np.where(take[:, None] if x.ndim > 1 else take, y, x)
               for x, y in zip(s, proposed)]
        return State(*mix)

    def wander(self, sd, *shape):
        scale = np.exp(self.rng.uniform(np.log(0.15), np.log(1.6), (self.rows,) + shape))
        return sd * scale * self.rng.normal(size=(self.rows,) + shape)

    def slide(self, s):
        """Activity up and free tastes down as much: what was bought stays as likely."""
        by = self.wander(0.2)
        return s._replace(activity=s.activity + by, noise=s.noise - by[:, None])

    def sweep(self, s):
        s = self.accept(s, s._replace(activity=s.activity + self.wander(ACTIVITY_SD)))
        s = self.accept(s, self.slide(s))
        s = self.accept(s, s._replace(residual=s.residual + self.wander(RESIDUAL_SD)))
        types = len(self.type_taste)
        other = (s.type + self.rng.integers(1, types, self.rows)) % types if types > 1 else s.type
        s = self.accept(s, s._replace(type=other))
        for c in range(self.categories):
            noise = s.noise.copy()
            noise[:, c] += self.wander(NOISE_SD)
            s = self.accept(s, s._replace(noise=noise), self.outcomes.of[c])
        return s

    def chances(self, s, user, product, levels):
        """[levels][chains][pairs] by these states."""
        row = copies(user, self.users, self.chains)
        i = np.tile(product, self.chains)
        c, kind = self.products.category[i], s.type[row]
        a = (self.formula.base + s.activity[row] + self.taste(s)[row, c] +
             self.products.quality[i])
        b = self.formula.slope(self.sensitivity[row] + s.residual[row] + self.products.effect[c],
                               kind)
        return np.array([self.formula.chance(a, b, kind, d) for d in levels], dtype=np.float32
                        ).reshape(len(levels), self.chains, -1)


LOG_FACTORIAL = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 200000)))])


def log_factorial(n):
    return LOG_FACTORIAL[np.maximum(n, 0).astype(int)]


# ---- what the posterior is worth ----


def sample(posterior, user, product, levels, burn, keep, every):
    """Draws [levels][keep][chains][pairs] of the chances."""
    s = posterior.start()
    draws = np.empty((len(levels), keep, posterior.chains, len(user)), dtype=np.float32)
    for _ in range(burn):
        s = posterior.sweep(s)
    for k in range(keep):
        for _ in range(every):
            s = posterior.sweep(s)
        draws[:, k] = posterior.chances(s, user, product, levels)
    return draws


def r_hat(draws):
    """Gelman and Rubin's of each level and pair: 1 where the chains agree."""
    within = draws.var(axis=1, ddof=1).mean(axis=1)
    means = draws.mean(axis=1)
    return np.sqrt(1 + means.var(axis=1, ddof=1) / np.maximum(within, 1e-12))


class Estimated(score_table.Columns):
    """Pairs whose chances are estimates instead of the truth."""

    def __init__(self, pairs, levels, chance):
        super().__init__(pairs)
        self.levels, self.chance = list(levels), chance

    def probability(self, d):
        return self.chance[self.levels.index(d)]


def gain_by(pairs, levels, floor, budget, chance):
    """Share of the best gain that the best levels by these chances have in truth, promised over
    true profit, and true cost over the budget."""
    method = score_table.FAST
    truth, estimated = method.prepare(pairs), Estimated(pairs, levels, chance)
    best = score_table.best_under(method.segments(truth, levels, floor), budget, len(pairs))[0]
    chosen = score_table.best_under(method.segments(estimated, levels, floor), budget,
                                    len(pairs))[3]
    none = method.totals(truth, [0.0] * len(pairs))[1]
    _, earned, cost = method.totals(truth, chosen)
    place = np.array([estimated.levels.index(d) for d in chosen])
    d, at = np.array(chosen), np.arange(len(pairs))
    promised = (chance[place, at] * (truth.price * (1 - d) - truth.cost)).sum()
    return (earned - none) / best, promised / earned, cost / budget


def as_logit(levels, chance):
    """The curves sigmoid(a + b d) through these chances by least squares of the log odds."""
    odds, d = np.log(chance / (1 - chance)), np.array(levels) - np.mean(levels)
    slope = (d @ odds) / (d @ d)
    return logistic(odds.mean(axis=0) + d[:, None] * np.maximum(slope, 0))


def as_bent(chance):
    """The curves sigmoid(a + b g(d)) nearest to these chances, with one g for all."""
    odds = np.log(chance / (1 - chance))
    rise = odds - odds[0]
    left, size, right = np.linalg.svd(rise, full_matrices=False)
    return logistic(odds[0] + size[0] * left[:, :1] * right[0])


class Case:
    """A sample of a shop's users with the pairs, levels and budget to judge by."""

    def __init__(self, shop, run, wanted):
        users = json.load(open(os.path.join(shop, "truth", "truth.json"), encoding="utf-8"))[
            "users"]
        self.log = log = shop_log.Log(shop, max(1, users // wanted))
        self.levels, self.floor, budget = read_limits(run, log.truth)
        self.row, self.user, self.product = shop_log.pairs_of_run(run, log.users, log.products)
        self.budget = budget * len(log.users.ids) / users
        self.formula = Formula(log.truth.constants)
        known, kinds = log.users, self.formula
        c, kind = log.products.category[self.product], known.type[self.user]
        a = (kinds.base + known.activity[self.user] + known.taste[self.user, c] +
             log.products.quality[self.product])
        b = kinds.slope(known.sensitivity[self.user] + log.products.effect[c], kind)
        self.a, self.b = a, b
        self.b_of_columns = kinds.slope(known.known_sensitivity[self.user] +
                                        log.products.effect[c], kind)
        self.true = np.array([kinds.chance(a, b, kind, d) for d in self.levels])
        self.pairs = [Pair(*row) for row in zip(
            a, b, log.products.price[self.product], log.products.cost[self.product],
            kinds.half[kind], kinds.steepness[kind])]


def curves_of_run(case, run):
    """a and b of the run's curves for the pairs of the case."""
    chance = [curve.chance for found in score_curves.read_curves(run, case.levels, 0)
              for curve in found]
    chance = np.array(chance)[case.row].T
    odds = np.log(chance) - np.log1p(-chance)
    return odds[0], (odds[-1] - odds[0]) / (case.levels[-1] - case.levels[0])


def show_parts(case, run):
    """What the gain hangs on: the run's a or b beside true ones, in a shop of logits."""
    a, b = curves_of_run(case, run)
    middle = np.full_like(b, np.exp(np.log(case.b).mean()))
    print("\na of      b of                 error, none  deepest   ratio")
    for name, of_a, of_b in (
            ("the run   the run", a, b), ("the run   columns, category", a, case.b_of_columns),
            ("the run   the truth", a, case.b), ("the truth the run", case.a, b),
            ("the truth columns, category", case.a, case.b_of_columns),
            ("the truth one for all", case.a, middle)):
        chance = np.array([logistic(of_a + of_b * d) for d in case.levels])
        off = np.abs(chance - case.true).mean(axis=1)
        ratio = gain_by(case.pairs, case.levels, case.floor, case.budget, chance)[0]
        print(f"{name:31}{off[0]:12.4f}{off[-1]:9.4f}{ratio:8.3f}")


def judge(case, draws):
    levels, flat = case.levels, draws.reshape(len(case.levels), -1, len(case.user))
    mean = flat.mean(axis=1, dtype=np.float64)
    middle, low, high = np.quantile(flat, (0.5, 0.05, 0.95), axis=1)
    ratio, promise, cost = gain_by(case.pairs, levels, case.floor, case.budget, mean)
    logit = gain_by(case.pairs, levels, case.floor, case.budget, as_logit(levels, mean))[0]
    bent = gain_by(case.pairs, levels, case.floor, case.budget, as_bent(mean))[0]
    covered = (low <= case.true + ROUNDING) & (case.true - ROUNDING <= high)
    return {"mean": np.abs(mean - case.true).mean(1), "median": np.abs(middle - case.true).mean(1),
            "bias": (mean - case.true).mean(1), "covered": covered.mean(1), "ratio": ratio,
            "promise": promise, "cost": cost, "logit": logit, "bent": bent,
            "r_hat": np.quantile(r_hat(draws), 0.99)}


def show(step, levels, found):
    print(f"\n{step}: ratio of gain {found['ratio']:.3f} (as logits {found['logit']:.3f}, with one "
          f"bent dose {found['bent']:.3f}), promised over true profit {found['promise']:.3f}, true "
          f"cost over budget {found['cost']:.3f}, R-hat of 99 % below {found['r_hat']:.3f}")
    print("level  error of mean  of median      bias  covered")
    for k, d in enumerate(levels):
        print(f"{d:<7g}{found['mean'][k]:13.4f}{found['median'][k]:11.4f}{found['bias'][k]:+10.4f}"
              f"{100 * found['covered'][k]:8.1f}%")
    sys.stdout.flush()


def main():
    about = __doc__.split("\n\n")
    parser = argparse.ArgumentParser(description=about[0], epilog="\n\n".join(about[1:]),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop")
    parser.add_argument("run")
    parser.add_argument("--sample", type=int, default=2000, help="users (2000)")
    parser.add_argument("--know", nargs="*", default=["all"], choices=STEPS)
    parser.add_argument("--parts", action="store_true",
                        help="what the gain hangs on: the run's a or b beside true ones")
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--burn", type=int, default=300, help="sweeps before the first draw")
    parser.add_argument("--keep", type=int, default=80, help="draws of a chain")
    parser.add_argument("--every", type=int, default=6, help="sweeps from draw to draw")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    case = Case(args.shop, args.run, args.sample)
    print(f"{len(case.log.users.ids)} users, {len(case.user)} pairs")
    if args.parts:
        show_parts(case, args.run)
    for step in args.know:
        posterior = Posterior(case.log, step, args.chains, args.seed)
        show(step, case.levels, judge(case, sample(posterior, case.user, case.product, case.levels,
                                                   args.burn, args.keep, args.every)))


if __name__ == "__main__":
    main()
