#!/usr/bin/env python3
"""Score a published discount table against the truth of a synthetic shop.

    score_table.py SHOP RUN               RUN/discounts.csv and RUN/receipt.json by SHOP/truth
    score_table.py --self-test SHOP [RUN] check the scorer itself, with a table chosen by the truth

Gain is expected profit above giving no discount, one offer shown per row. It is compared with
the best that can be had for the same (user, product) pairs, levels, margin floor and budget: an
upper bound (the linear relaxation) and a choice that reaches it but for one step; and with the
best single level given to a random share of the users.
Uses numpy where it is installed; --plain does without and gives the same figures.
Exit code: 0 good enough, 1 not, 2 the input cannot be scored.
"""
import argparse
import itertools
import json
import math
import os
import sys
from collections import namedtuple

from shop_truth import (BadInput, Table, allowed, make_pair, probability, profit, read_json,
                        read_limits, read_table, read_truth, rows_of, spend)

try:
    import numpy
except ImportError:
    numpy = None

Segment = namedtuple("Segment", "slope gain cost pair level")


def hull_of(at, pair, levels, floor):
    """The upper hull of gain over cost from no discount on: steps of falling slope."""
    able = [d for d in levels if d > 0 and allowed(pair, d, floor)]
    points = [(spend(pair, d), profit(pair, d), d) for d in able]
    cost, gain, steps = 0.0, profit(pair, 0.0), []
    while True:
        ahead = [((g - gain) / (c - cost), c, g, d) for c, g, d in points if c > cost]
        slope, c, g, d = max(ahead, default=(0.0, cost, gain, 0.0))
        if slope <= 0.0:
            return steps
        steps.append(Segment(slope, g - gain, c - cost, at, d))
        cost, gain = c, g


def plain_segments(pairs, levels, floor):
    steps = [step for at, pair in enumerate(pairs) for step in hull_of(at, pair, levels, floor)]
    return sorted(steps, key=lambda step: (-step.slope, step.pair))


def plain_totals(pairs, discounts):
    """Purchases, profit and cost of these discounts."""
    return (math.fsum(map(probability, pairs, discounts)), math.fsum(map(profit, pairs, discounts)),
            math.fsum(map(spend, pairs, discounts)))


def plain_single(pairs, d, floor):
    """Gain and cost of one level for all who may have it."""
    able = [pair for pair in pairs if allowed(pair, d, floor)]
    gain = math.fsum(profit(pair, d) - profit(pair, 0.0) for pair in able)
    return gain, math.fsum(spend(pair, d) for pair in able)


# ---- the same with numpy ----


def logistic(x):
    return 1.0 / (1.0 + numpy.exp(-x))


class Columns:
    """Pairs as columns, so that a level is worked out for all at once."""

    def __init__(self, pairs):
        flat = numpy.fromiter(itertools.chain.from_iterable(pairs), float, 6 * len(pairs))
        columns = flat.reshape(-1, 6).T.copy()
        self.a, self.b, self.price, self.cost, self.half, self.steepness = columns
        self.count = len(pairs)

    def probability(self, d):
        if not self.steepness.any():
            return logistic(self.a + self.b * d)
        none, reached = logistic(self.a), d ** self.steepness
        share = reached / (self.half ** self.steepness + reached)
        return none + (logistic(self.a + self.b) - none) * share

    def profit(self, d):
        return self.probability(d) * (self.price * (1 - d) - self.cost)

    def spend(self, d):
        return self.probability(d) * d * self.price

    def allowed(self, d, floor):
        paid = self.price * (1 - d)
        return (paid - self.cost >= floor * paid - 1e-9) | (d == 0)


def fast_segments(columns, levels, floor):
    positive = [d for d in levels if d > 0]
    if not positive:
        return []
    able = numpy.array([columns.allowed(d, floor) for d in positive])
    costs = numpy.array([columns.spend(d) for d in positive])
    gains = numpy.array([columns.profit(d) for d in positive])
    who, steps = numpy.arange(columns.count), []
    cost, gain = numpy.zeros(columns.count), columns.profit(0.0)
    while len(who):
        rise, run = gains[:, who] - gain[who], costs[:, who] - cost[who]
        slopes = numpy.full(run.shape, -1.0)
        numpy.divide(rise, run, out=slopes, where=able[:, who] & (run > 0))
        best = slopes.argmax(axis=0)
        picked = numpy.arange(len(who))
        good = slopes[best, picked] > 0
        best, picked, who = best[good], picked[good], who[good]
        numbers = [x[best, picked].tolist() for x in (slopes, rise, run)]
        steps += map(Segment, *numbers, who.tolist(), [positive[k] for k in best])
        cost[who], gain[who] = costs[best, who], gains[best, who]
    return sorted(steps, key=lambda step: (-step.slope, step.pair))


def fast_totals(columns, discounts):
    d = numpy.array(discounts)
    found = columns.probability(d), columns.profit(d), columns.spend(d)
    return tuple(math.fsum(x) for x in found)


def fast_single(columns, d, floor):
    able = columns.allowed(d, floor)
    gain = columns.profit(d) - columns.profit(0.0)
    return math.fsum(gain[able]), math.fsum(columns.spend(d)[able])


Method = namedtuple("Method", "prepare segments totals single")
PLAIN = Method(list, plain_segments, plain_totals, plain_single)
FAST = Method(Columns, fast_segments, fast_totals, fast_single)


# ---- the best under a budget ----


def best_under(segments, budget, pairs_count):
    """Upper bound on the gain; a choice within the budget: its gain, cost and each pair's level.

    Segments come by falling slope. The bound takes them in that order and a part of the first that
    does not fit; the choice leaves that one out, with what builds on it, and goes on with those
    that still fit."""
    bound = gain = cost = 0.0
    level, closed = [0.0] * pairs_count, set()
    relaxed = budget
    for step in segments:
        if relaxed > 0.0:
            part = min(1.0, relaxed / step.cost)
            bound += part * step.gain
            relaxed -= part * step.cost
        if step.pair in closed or cost + step.cost > budget:
            closed.add(step.pair)
            continue
        gain += step.gain
        cost += step.cost
        level[step.pair] = step.level
    return bound, gain, cost, level


def best_single(method, ready, levels, floor, budget):
    """The level that gains most when a random share of the users that fits the budget gets it.

    Returns gain, level, share."""
    found = []
    for d in levels:
        gain, cost = method.single(ready, d, floor)
        share = 1.0 if cost <= budget else budget / cost
        found.append((share * gain, d, share))
    return max(found, default=(0.0, 0.0, 1.0))


def score(method, table, levels, floor, budget):
    pairs = table.pairs
    ready = method.prepare(pairs)
    none = method.totals(ready, [0.0] * len(pairs))
    purchases, earned, cost = method.totals(ready, table.discount)
    segments = method.segments(ready, levels, floor)
    bound, reached, reached_cost, _ = best_under(segments, budget, len(pairs))
    single, single_level, single_share = best_single(method, ready, levels, floor, budget)
    positive = [d for d in table.discount if d > 0]
    rows = list(zip(pairs, table.discount, table.price))
    at_level = {d for d in set(table.discount) if min(abs(d - x) for x in levels) < 1e-9}
    return {
        "rows": len(pairs),
        "rows_with_discount": len(positive),
        "rows_at_other_levels": sum(d not in at_level for _, d, _ in rows),
        "rows_below_margin_floor": sum(not allowed(pair, d, floor) for pair, d, _ in rows),
        "rows_with_wrong_price": sum(abs(pair.price * (1 - d) - price) > 0.0051
                                     for pair, d, price in rows),
        "profit_without_discounts": none[1],
        "promised_profit": math.fsum(table.profit),
        "true_profit": earned,
        "promised_purchases": math.fsum(table.purchases),
        "true_purchases": purchases,
        "budget": budget,
        "promised_cost": math.fsum(table.cost),
        "true_cost": cost,
        "cost_over_budget": max(0.0, cost - budget),
        "unlimited_cost": math.fsum(step.cost for step in segments),
        "unlimited_gain": math.fsum(step.gain for step in segments),
        "best_gain_bound": bound,
        "best_gain_reached": reached,
        "best_gain_cost": reached_cost,
        "true_gain": earned - none[1],
        "single_level": single_level,
        "single_level_share": single_share,
        "single_level_gain": single,
        "ratio": (earned - none[1]) / bound if bound > 0 else float(earned >= none[1]),
    }


# ---- the scorer's own test ----


def check(name, good, text):
    print(f"{'pass' if good else 'FAIL'}  {name}: {text}")
    return bool(good)


def check_history(shop):
    """What was redeemed agrees with the formula, and what was given with the propensities."""
    truth, good, of_level, rows = read_truth(shop, None), True, {}, 0
    path = os.path.join(shop, "offers.csv")
    for user, product, level, propensity, shown, redeemed in rows_of(
            path, "user_id", "product_id", "discount", "propensity", "shown", "redeemed"):
        d, weight = float(level), 1.0 / float(propensity)
        chance = probability(make_pair(truth, user, product), d)
        sums = of_level.setdefault(d, [0.0] * 4)
        sums[0] += (int(redeemed) - chance) if shown == "1" else 0.0
        sums[1] += chance * (1 - chance) if shown == "1" else 0.0
        sums[2] += weight
        sums[3] += weight * weight
        rows += 1
    for d, (excess, variance, weights, squares) in sorted(of_level.items()):
        bought = excess / math.sqrt(variance)
        given = (weights - rows) / math.sqrt(max(squares - rows, 1.0))
        good &= check(f"history at {d:g}", max(abs(bought), abs(given)) < 4.5,
                      f"redeemed {bought:+.2f}, given {given:+.2f} standard errors from the truth")
    return good


def check_small(pairs, levels, floor):
    """Every combination of a few pairs: the best lies between the choice and the bound."""
    rich = [pair for pair in pairs if len(hull_of(0, pair, levels, floor)) > 1]
    few, good = rich[:3] + pairs[:2], True
    steps = plain_segments(few, levels, floor)
    for part in (0.2, 0.5, 0.8):
        budget = part * math.fsum(step.cost for step in steps)
        bound, reached, _, _ = best_under(steps, budget, len(few))
        best, base = 0.0, math.fsum(profit(pair, 0.0) for pair in few)
        options = [[d for d in levels if allowed(pair, d, floor)] for pair in few]
        for chosen in itertools.product(*options):
            if math.fsum(map(spend, few, chosen)) <= budget:
                best = max(best, math.fsum(map(profit, few, chosen)) - base)
        good &= check(f"all combinations, budget {part:g}",
                      reached - 1e-12 <= best <= bound + 1e-12,
                      f"{reached:.6f} <= {best:.6f} <= {bound:.6f}")
    return good


def pairs_of_offers(shop, limit):
    truth, ids = read_truth(shop, None), {}
    for pair in rows_of(os.path.join(shop, "offers.csv"), "user_id", "product_id"):
        ids.setdefault(pair)
        if len(ids) == limit:
            break
    if not ids:
        raise BadInput(f"{shop} has no offers to test with; name a RUN")
    return truth, [make_pair(truth, *pair) for pair in ids]


def table_of(pairs, discounts):
    rows = list(zip(pairs, discounts))
    return Table(pairs, discounts, [probability(*row) for row in rows],
                 [profit(*row) for row in rows], [spend(*row) for row in rows],
                 [pair.price * (1 - d) for pair, d in rows])


def self_test(shop, run, method):
    if run is None:
        truth, pairs = pairs_of_offers(shop, 50000)
        levels, floor = truth.constants["levels"], 0.05
        budget = 0.5 * math.fsum(step.cost for step in PLAIN.segments(pairs, levels, floor))
    else:
        truth, table = read_table(shop, run)
        pairs, (levels, floor, budget) = table.pairs, read_limits(run, truth)
    chosen = best_under(PLAIN.segments(pairs, levels, floor), budget, len(pairs))[3]
    oracle = score(method, table_of(pairs, chosen), levels, floor, budget)
    nothing = score(method, table_of(pairs, [0.0] * len(pairs)), levels, floor, budget)
    good = check_history(shop)
    good &= check("table chosen by the truth", oracle["ratio"] > 0.99,
                  f"ratio {oracle['ratio']:.6f}")
    good &= check("its promise", abs(oracle["promised_profit"] - oracle["true_profit"]) < 1e-6,
                  f"{oracle['promised_profit']:.2f}, true {oracle['true_profit']:.2f}")
    good &= check("its cost", oracle["true_cost"] <= budget + 1e-6,
                  f"{oracle['true_cost']:.2f} of {budget:.2f}")
    good &= check("above the single level", oracle["true_gain"] > oracle["single_level_gain"],
                  f"{oracle['true_gain']:.2f}, single {oracle['single_level_gain']:.2f}")
    good &= check("table without discounts", abs(nothing["true_gain"]) < 1e-6,
                  f"gain {nothing['true_gain']:.2f}")
    good &= check_small(pairs, levels, floor)
    if numpy is not None:
        few = table_of(pairs[:20000], chosen[:20000])
        plain, fast = (score(m, few, levels, floor, budget) for m in (PLAIN, FAST))
        far = [name for name in plain if not math.isclose(plain[name], fast[name], rel_tol=1e-9)]
        good &= check("with and without numpy", not far, ", ".join(far) or "the same")
    return good


# ---- the command ----


def show(scores):
    for name, value in scores.items():
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"
        print(f"{name.replace('_', ' '):<26}{text:>20}")


def passes(scores, at_least):
    return scores["ratio"] >= at_least, scores["true_gain"] > scores["single_level_gain"]


def far_promises(run, scores, most):
    """What past offers said of the table (the receipt's `curse`) further from the truth than so
    many standard errors."""
    curse = read_json(os.path.join(run, "receipt.json"))["curse"]
    true = {"profit": scores["true_profit"], "gain": scores["true_gain"],
            "purchases": scores["true_purchases"], "cost": scores["true_cost"]}
    for name, value in true.items():
        said = curse[name]
        errors = (said["out_of_fold"] - value) / said["std_error"]
        good = check(f"{name} by past offers", abs(errors) <= most,
                     f"promised {said['promised'] / value - 1:+.2%}, by past offers "
                     f"{said['out_of_fold'] / value - 1:+.2%} off, {errors:+.2f} standard errors")
        if not good:
            yield name


def verdict(scores, at_least):
    if scores["cost_over_budget"] > 0:
        print(f"note: by the truth the table costs {scores['cost_over_budget']:,.2f} more than the "
              f"budget; by its own estimates {scores['promised_cost']:,.2f}")
    enough, above = passes(scores, at_least)
    check("ratio", enough, f"{scores['ratio']:.4f}, at least {at_least:g} wanted")
    check("true gain", above, f"{scores['true_gain']:,.2f}, more than the single level's "
          f"{scores['single_level_gain']:,.2f} wanted")


def parse():
    about = __doc__.split("\n\n")
    parser = argparse.ArgumentParser(description=about[0], epilog=about[2],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", metavar="SHOP", help="folder written by remise synth")
    parser.add_argument("run", metavar="RUN", nargs="?",
                        help="run folder with discounts.csv and receipt.json")
    parser.add_argument("--at-least", type=float, default=0.60, metavar="RATIO",
                        help="share of the best possible gain to reach (0.60)")
    parser.add_argument("--plain", action="store_true", help="do without numpy")
    parser.add_argument("--promise-within", type=float, metavar="ERRORS",
                        help="what past offers say of the table is to lie within so many standard "
                        "errors of the truth")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--self-test", action="store_true",
                        help="check the scorer with a table chosen by the truth")
    options = parser.parse_args()
    if options.run is None and not options.self_test:
        parser.error("name the RUN to score")
    return options


def main():
    options = parse()
    method = PLAIN if options.plain or numpy is None else FAST
    try:
        if options.self_test:
            return 0 if self_test(options.shop, options.run, method) else 1
        truth, table = read_table(options.shop, options.run)
        scores = score(method, table, *read_limits(options.run, truth))
    except (BadInput, ValueError) as error:
        print(f"score_table.py: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps({k: None if v == math.inf else v for k, v in scores.items()}, indent=2))
    else:
        show(scores)
        verdict(scores, options.at_least)
    far = options.promise_within and list(
        far_promises(options.run, scores, options.promise_within))
    return 0 if all(passes(scores, options.at_least)) and not far else 1


if __name__ == "__main__":
    sys.exit(main())
