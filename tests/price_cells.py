#!/usr/bin/env python3
"""Turn the elasticities of `remise fit dml --tree` into cells for `remise allocate`.

    remise fit dml sales.csv -y 'log(demand)' -t 'log(price)' -c all --tree 2 >fit.json
    price_cells.py sales.csv fit.json --outcome demand --price price --levels 0,0.1,0.2 >cells.csv
    remise allocate cells.csv --out chosen.csv

A row of the table is a user with the price met and what was bought at it. The leaf whose rule holds
for a row gives its elasticity e, and at another price it would have bought demand x (price / price
met)^e; with --linear (a fit of demand on price itself) demand + e (price - price met), at least 0.
A level is a discount off --list-price. Cells: user (number of the row, from 1), option
(discount in percent), value (revenue), cost_1 (what the discount gives away).
Exit code: 0 done, 2 the input cannot be used.
"""
import argparse
import csv
import json
import re
import sys

NUMBER = r"-?[0-9.]+(?:e[-+]?[0-9]+)?"
BETWEEN = re.compile(rf"(?:(?P<above>{NUMBER}) < )?(?P<name>.+?) <= (?P<upto>{NUMBER})"
                     r"(?P<missing> or missing)?$")
ABOVE = re.compile(rf"(?P<name>.+?) > (?P<above>{NUMBER})(?P<missing> or missing)?$")
KNOWN = re.compile(r"(?P<name>.+) is (?P<what>known|missing)$")


class BadInput(Exception):
    """What is read cannot be used; the message says why."""


def parse_condition(text):
    """One condition of a rule, as a test of a row."""
    known = KNOWN.match(text)
    if known:
        name, wanted = known["name"], known["what"] == "missing"
        return lambda row: is_missing(row, name) == wanted
    match = BETWEEN.match(text) or ABOVE.match(text)
    if not match:
        raise BadInput(f'the condition "{text}" is not one of numbers')
    found = match.groupdict()
    name, missing = found["name"], bool(found["missing"])
    above = float(found.get("above") or "-inf")
    upto = float(found.get("upto") or "inf")
    return lambda row: missing if is_missing(row, name) else above < float(row[name]) <= upto


def is_missing(row, name):
    if name not in row:
        raise BadInput(f'the table has no column "{name}"')
    return row[name] in ("", "NA")


def parse_rule(text):
    conditions = [] if text == "always" else [parse_condition(c) for c in text.split(" and ")]
    return lambda row: all(holds(row) for holds in conditions)


def read_leaves(path):
    """Rules and elasticities of a fit; leaves without an estimate take that of all rows."""
    with open(path, encoding="utf-8") as file:
        fit = json.load(file)
    if not fit.get("leaves"):
        raise BadInput(f"{path} has no leaves; fit with --tree")
    return [(parse_rule(leaf["if"]), leaf["estimate"] if leaf["estimate"] is not None
             else fit["estimate"]) for leaf in fit["leaves"]]


def elasticity(row, leaves, number):
    for holds, estimate in leaves:
        if holds(row):
            return estimate
    raise BadInput(f"row {number} is in no leaf")


def write_cells(table, leaves, options, out):
    print("user,option,value,cost_1", file=out)
    for number, row in enumerate(table, 1):
        slope = elasticity(row, leaves, number)
        met, demand = float(row[options.price]), float(row[options.outcome])
        for level in options.levels:
            price = options.list_price * (1 - level)
            bought = max(0.0, demand + slope * (price - met)) if options.linear else \
                demand * (price / met) ** slope
            print(f"{number},{100 * level:g},{price * bought:.9f},"
                  f"{(options.list_price - price) * bought:.9f}", file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("table")
    parser.add_argument("fit")
    parser.add_argument("--outcome", required=True)
    parser.add_argument("--price", required=True)
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("--list-price", type=float, default=1.0)
    parser.add_argument("--levels", required=True,
                        type=lambda text: [float(level) for level in text.split(",")])
    options = parser.parse_args()
    try:
        leaves = read_leaves(options.fit)
        with open(options.table, encoding="utf-8", newline="") as table:
            write_cells(csv.DictReader(table), leaves, options, sys.stdout)
    except (BadInput, KeyError, OSError, ValueError) as error:
        print(f"price_cells.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
