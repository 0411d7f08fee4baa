#!/usr/bin/env python3
"""Recompute the limits of a run from its published table and the shop's tables, in exact decimals.

    recompute_limits.py RUN SHOP [--limit TEXT]... [--fairness MEASURE DELTA]
                        [--previous CSV --churn SHARE] [--levels L]
                        [--user-discounts N] [--user-sum SUM] [--user-share SHARE]

Reads RUN/discounts.csv (with the shop's own ids), RUN/receipt.json, SHOP/users.csv,
SHOP/products.csv and, for what users spent, SHOP/events.csv, and nothing of the program. Each limit
is worked out anew, group by group; where the receipt lists it, what it says was used must be the
same. Limits of profit_gain, surplus and
segments need more than these tables and are compared with the receipt alone.
Exit code: 0 all right, 1 a violation.
"""
import argparse
import csv
import json
import os
import re
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

MEASURES = {"cost": lambda r: Decimal(r["expected_cost"]),
            "purchases": lambda r: Decimal(r["expected_purchases"]),
            "revenue": lambda r: Decimal(r["expected_revenue"]),
            "profit": lambda r: Decimal(r["expected_profit"]),
            "discount": lambda r: Decimal(r["discount"]),
            "discounts": lambda r: Decimal(int(Decimal(r["discount"]) > 0))}
TERM = re.compile(r"([+-]?)\s*(?:(\d+(?:\.\d+)?)\s*\*?\s*)?([a-z_]+)?\s*")
HEAD = re.compile(r"^(.*?)(<=|>=)(.*?)(?:\s+per\s+(\w+)|\s+for\s+(\w+)\s*=\s*(.*?))?\s*$")
faults = []


def fault(text):
    faults.append(text)
    print("VIOLATION", text)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def terms_of(text):
    """{measure: factor}, with None for numbers alone."""
    found, at, text = defaultdict(Decimal), 0, text.strip()
    while at < len(text):
        term = TERM.match(text, at)
        if term is None or term.end() == at:
            raise SystemExit(f"cannot read {text}")
        sign = -1 if term.group(1) == "-" else 1
        found[term.group(3)] += sign * Decimal(term.group(2) or 1)
        at = term.end()
    return found


def told_of(receipt, name, group):
    for entry in receipt["constraints"]:
        if entry["name"] == name and entry.get("group") == group:
            return entry
    return None


def compare(receipt, name, group, used, limit):
    entry = told_of(receipt, name, group)
    if entry is None or entry.get("used") is None:
        return
    if abs(Decimal(str(entry["used"])) - used) > Decimal("1e-9") * max(1, abs(used)):
        fault(f"{name} {group}: {used} used, the receipt says {entry['used']}")
    if abs(Decimal(str(entry["limit"])) - limit) > Decimal("1e-6") * max(1, abs(limit)):
        fault(f"{name} {group}: the limit is {limit}, the receipt says {entry['limit']}")


class Shop:
    def __init__(self, folder, rows):
        self.user = {r["user_id"]: r for r in rows_of(os.path.join(folder, "users.csv"))}
        self.product = {r["product_id"]: r for r in rows_of(os.path.join(folder, "products.csv"))}
        self.rows = rows

    def group(self, row, by):
        if by == "market":
            return self.user[row["user_id"]]["market"]
        if by == "product":
            return row["product_id"]
        return self.product[row["product_id"]]["brand" if by == "vendor" else by]

    def sums(self, terms, by):
        total = defaultdict(Decimal)
        for row in self.rows:
            key = self.group(row, by) if by else None
            for measure, factor in terms.items():
                if measure is not None:
                    total[key] += factor * MEASURES[measure](row)
        return total


def named_groups(texts):
    """(expression, by, group) of the limits of one group: they count there, not those per group."""
    found = (HEAD.match(text).groups() for text in texts)
    return {(left.strip(), by, only) for left, _, _, _, by, only in found if only is not None}


def check_limit(shop, receipt, text, days, named_alone):
    left, sign, right, per, by, only = HEAD.match(text).groups()
    terms = terms_of(left)
    stock = right.strip() == "stock"
    for measure, factor in ({} if stock else terms_of(right)).items():
        terms[measure] -= factor
    limit = -terms.pop(None, Decimal(0))
    named = set(terms) - set(MEASURES)
    if named or "segment" in (per, by):
        return check_told(receipt, text)
    by = by or per
    if by == "day":
        by, limit = None, limit * days
    single = by is None
    expression = left.strip() if len(terms) == 1 else None
    for group, used in sorted(shop.sums(terms, by).items(), key=str):
        if only is not None and group != only:
            continue
        if stock:
            if shop.product[group]["stock"] == "":
                continue
            limit = Decimal(shop.product[group]["stock"])
        if used > limit if sign == "<=" else used < limit:
            fault(f"{text}: {used} for {group}")
        name = text if single else "stock" if stock else \
            f"{'least ' if sign == '>=' else ''}{expression} per {by}"
        if not single and told_of(receipt, name, group) is None and only is None and not stock:
            continue
        if only is not None or (left.strip(), by, group) not in named_alone:
            compare(receipt, name, group, used, limit)
    return None


def check_told(receipt, text):
    entries = [e for e in receipt["constraints"] if e["name"] == text or "segment" in e["name"]]
    if not entries:
        fault(f"{text}: not in the receipt")
    for entry in entries:
        if entry["slack"] is not None and entry["slack"] < 0:
            fault(f"{text}: {entry}")


def check_fairness(shop, receipt, measure, delta):
    total, count = defaultdict(Decimal), defaultdict(int)
    worth = MEASURES["discount" if measure == "discount" else "discounts"]
    for row in shop.rows:
        group = shop.user[row["user_id"]]["group"]
        total[group] += worth(row)
        count[group] += 1
    told = {g["group"]: g for g in receipt["fairness"]["groups"]}
    mean = {g: total[g] / count[g] for g in count if told[g].get("judged", True)}
    print("means", {g: float(m) for g, m in mean.items()})
    for a in mean:
        if abs(Decimal(str(told[a]["mean"])) - mean[a]) > Decimal("1e-12"):
            fault(f"fairness: mean {mean[a]} of {a}, the receipt says {told[a]['mean']}")
        for b in mean:
            if mean[a] - mean[b] > delta:
                fault(f"fairness: {a} {mean[a]}, {b} {mean[b]}")


def check_churn(rows, previous, share):
    before = {(r["user_id"], r["product_id"]): Decimal(r["discount"]) for r in rows_of(previous)}
    changed = sum(Decimal(r["discount"]) != before.get((r["user_id"], r["product_id"]), Decimal(0))
                  for r in rows)
    print("changed", changed, "of", len(rows))
    if changed > share * len(rows):
        fault(f"churn: {changed} of {len(rows)} rows changed")
    return changed


def spent_by_user(shop):
    """What each user spent less returns in the last 365 days, and how many days those are."""
    rows = rows_of(os.path.join(shop, "events.csv"))
    times = [datetime.fromisoformat(r["time"]) for r in rows]
    days = min(365, (max(times) - min(times)).days + 1)
    sign, total = {"purchase": 1, "return": -1}, defaultdict(Decimal)
    for row, time in zip(rows, times):
        if row["kind"] in sign and time > max(times) - timedelta(days=days):
            paid = abs(Decimal(row["quantity"])) * Decimal(row["unit_price"])
            total[row["user_id"]] += sign[row["kind"]] * paid
    return total, days


def check_users(rows, receipt, measure, name, limit_of):
    total = defaultdict(Decimal)
    for row in rows:
        total[row["user_id"]] += MEASURES[measure](row)
    for user, used in total.items():
        if used > limit_of(user):
            fault(f"{name}: {used} of user {user}, at most {limit_of(user)}")
    told = [e for e in receipt["user_limits"] if e["name"] == name][0]
    if abs(Decimal(str(told["used_most"])) - max(total.values())) > Decimal("1e-9"):
        fault(f"{name}: most used is {max(total.values())}, the receipt says {told['used_most']}")
    print(name, "most", max(total.values()), "at the limit", told["users_at_limit"], "decides for",
          told["users_decided"])


def check_user_limits(shop, folder, receipt, options):
    if options.user_discounts is not None:
        check_users(shop.rows, receipt, "discounts", "discounts per user",
                    lambda user: options.user_discounts)
    if options.user_sum is not None:
        check_users(shop.rows, receipt, "discount", "sum of discounts per user",
                    lambda user: options.user_sum)
    if options.user_share is not None:
        spent, days = spent_by_user(folder)
        part = options.user_share * options.days / days
        check_users(shop.rows, receipt, "cost", "cost per user against spend",
                    lambda user: part * max(spent[user], 0))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("shop")
    parser.add_argument("--limit", action="append", default=[])
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--fairness", nargs=2)
    parser.add_argument("--previous")
    parser.add_argument("--churn", type=Decimal)
    parser.add_argument("--levels", type=int)
    for name in ("--user-discounts", "--user-sum", "--user-share"):
        parser.add_argument(name, type=Decimal)
    options = parser.parse_args()
    rows = rows_of(os.path.join(options.run, "discounts.csv"))
    with open(os.path.join(options.run, "receipt.json"), encoding="utf-8") as file:
        receipt = json.load(file)
    shop = Shop(options.shop, rows)
    for text in options.limit:
        check_limit(shop, receipt, text, options.days, named_groups(options.limit))
    if options.fairness:
        check_fairness(shop, receipt, options.fairness[0], Decimal(options.fairness[1]))
    if options.churn is not None:
        check_churn(rows, options.previous, options.churn)
    if options.levels is not None:
        levels = {Decimal(r["discount"]) for r in rows} - {Decimal(0)}
        if len(levels) > options.levels:
            fault(f"levels: {sorted(levels)}")
    check_user_limits(shop, options.shop, receipt, options)
    if receipt["upper_bound"] < receipt["objective"]:
        fault("the bound is below the objective")
    print(f"objective {receipt['objective']}, gap {receipt['gap']}, {len(faults)} violations")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
