#!/usr/bin/env python3
"""Check what a receipt says of other budgets, other goals and the cost of rules.

    check_outlook.py RUN [--budgets 20] [--tables 10] [--no-rules]

Reads RUN/receipt.json. Budgets rise, and with them what they earn, ever more slowly; no point
spends more than its budget or earns more than its bound; the table's own budget earns what lies
between its neighbours. No table of the front beats another one. No rule costs less than nothing or
more than its bound.
Exit code: 0 all right, 1 not.
"""
import argparse
import json
import os
import sys

GOALS = ("profit", "revenue", "surplus")


def check_dial(receipt, least):
    dial = receipt["budget_dial"]
    points = [p for p in dial["points"] if p["feasible"]]
    slack = 1e-3 + 1e-5 * abs(receipt["objective"])
    if len(dial["points"]) < least or not points:
        yield f"{len(points)} budgets, {least} wanted"
    for p in points:
        if p["spent"] > p["budget"] + 1e-9 or p["objective"] > p["upper_bound"] + 1e-9:
            yield f"a point beyond its budget or bound: {p}"
    for a, b in zip(points, points[1:]):
        if not a["budget"] < b["budget"] or a["objective"] > b["objective"] + slack:
            yield f"less for more: {a} {b}"
        if a["upper_bound"] > b["upper_bound"] + 1e-9:
            yield f"a larger budget is bounded by less: {a} {b}"
    for a, b, c in zip(points, points[1:], points[2:]):
        share = (b["budget"] - a["budget"]) / max(c["budget"] - a["budget"], 1e-9)
        if b["objective"] < a["objective"] + share * (c["objective"] - a["objective"]) - slack:
            yield f"returns rise at {b}"
    own = receipt["constraints"][0]["used"]
    for a, b in zip(points, points[1:]):
        if a["spent"] <= own <= b["spent"] and not \
                a["objective"] - slack <= receipt["objective"] <= b["objective"] + slack:
            yield f"the table earns {receipt['objective']}, not between {a} and {b}"


def check_front(receipt, least):
    tables = receipt["front"]["points"]
    if len(tables) < least:
        yield f"{len(tables)} tables of the front, {least} wanted"
    for a in tables:
        for b in tables:
            if a is not b and all(a[goal] <= b[goal] for goal in GOALS):
                yield f"{b} beats {a}"
        if not -1e-9 <= a["gap"] <= 1e-3:
            yield f"the gap of {a}"


def check_rules(receipt):
    rules = receipt["rule_cost"]
    if "budget" not in [rule["rule"] for rule in rules]:
        yield "no cost of the budget"
    for rule in rules:
        if rule["cost"] is not None and not 0 <= rule["cost"][0] <= rule["cost"][1] + 1e-9:
            yield f"the interval of {rule}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("run")
    parser.add_argument("--budgets", type=int, default=20)
    parser.add_argument("--tables", type=int, default=10)
    parser.add_argument("--no-rules", action="store_true")
    options = parser.parse_args()
    with open(os.path.join(options.run, "receipt.json"), encoding="utf-8") as file:
        receipt = json.load(file)
    faults = [*check_dial(receipt, options.budgets), *check_front(receipt, options.tables)]
    if not options.no_rules:
        faults += check_rules(receipt)
    print("\n".join(faults) or "other budgets, goals and rules as they must be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
