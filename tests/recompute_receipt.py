#!/usr/bin/env python3
"""Recompute the receipt of a run from its published table, in decimal arithmetic.

    recompute_receipt.py RUN [--products CSV --id-column NAME --cost-column NAME [--delimiter ,]]
    recompute_receipt.py --self-test

Reads RUN/discounts.csv and RUN/receipt.json and nothing of the program. Checked are: the spend is
within the budget and is what the receipt says; every price keeps the margin floor; one row per user
and product; counts, totals and bound of the receipt. Unit costs come from the products table;
where the receipt says they follow from an assumed margin, the list price is price / (1 - discount),
as exactly as a price rounded to the cent tells it.
Exit code: 0 all right, 1 a violation, 2 the input cannot be checked.
"""
import argparse
import csv
import json
import os
import sys
import tempfile
from decimal import Decimal, InvalidOperation

COLUMNS = ("user_id,product_id,discount,price,expected_purchases,expected_revenue,expected_profit,"
           "expected_cost,propensity,reason,valid_from,valid_to,reference_price,"
           "disclosure").split(",")
UNIT, HALF_CENT = Decimal("0.0001"), Decimal("0.005")
SLACK = Decimal("0.000000001")  # a price exactly at the floor is allowed
SHOWN = 5  # violations of a kind that are printed


class BadInput(Exception):
    """What is read cannot be checked; the message says why."""


class Findings:
    """Violations by kind."""

    def __init__(self):
        self.of_kind = {}

    def add(self, kind, text):
        self.of_kind.setdefault(kind, []).append(text)

    def check(self, right, kind, text):
        if not right:
            self.add(kind, text)

    def print_all(self):
        for kind, texts in self.of_kind.items():
            for text in texts[:SHOWN]:
                print(f"VIOLATION {kind}: {text}")
            if len(texts) > SHOWN:
                print(f"VIOLATION {kind}: and {len(texts) - SHOWN} more")


# ---- reading ----

def read_receipt(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, parse_float=Decimal, parse_int=Decimal)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {error}") from error


def constraint(receipt, name):
    for entry in receipt.get("constraints", []):
        if entry.get("name") == name:
            return entry
    raise BadInput(f"receipt.json: no constraint named {name}")


def number(text, where):
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise BadInput(f'{where}: "{text}" is not a number') from error
    if not value.is_finite():
        raise BadInput(f'{where}: "{text}" is not finite')
    return value


def read_costs(options):
    """Unit cost by product, from the shop's own table."""
    costs = {}
    with open(options.products, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=options.delimiter)
        for name in (options.id_column, options.cost_column):
            if name not in (reader.fieldnames or []):
                raise BadInput(f"{options.products}: no column {name}")
        for row in reader:
            text = row[options.cost_column]
            if text not in (None, ""):
                where = f"{options.products}:{reader.line_num}"
                costs[row[options.id_column]] = number(text, where)
    return costs


def read_rows(path):
    """Rows of the table as (line number, texts by column)."""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        if next(reader, None) != COLUMNS:
            raise BadInput(f"{path}: the columns are not {','.join(COLUMNS)}")
        for texts in reader:
            line = reader.line_num
            if len(texts) != len(COLUMNS):
                raise BadInput(f"{path}:{line}: {len(texts)} fields instead of {len(COLUMNS)}")
            yield line, dict(zip(COLUMNS, texts))


# ---- the margin floor ----

class Floor:
    """The margin floor and where a product's unit cost comes from."""

    def __init__(self, receipt, options):
        entry = constraint(receipt, "margin_floor")
        self.fraction = entry["limit"]
        self.basis = entry.get("basis") or receipt.get("cost_basis")
        self.margin = entry.get("assumed_margin", receipt.get("assumed_margin"))
        self.costs = None
        if self.basis == "assumed_margin":
            if self.margin is None:
                raise BadInput("receipt.json: costs follow from an assumed margin; it is missing")
        elif options.products is None:
            raise BadInput("unit costs are needed: give --products CSV, --id-column, --cost-column")
        else:
            self.costs = read_costs(options)

    def cost_of(self, product, price, discount):
        """The unit cost; from an assumed margin the lowest that fits the price. None if unknown."""
        if self.costs is not None:
            return self.costs.get(product)
        if discount >= 1:
            return None
        return ((price - HALF_CENT) / (1 - discount) - HALF_CENT) * (1 - self.margin)

    def is_kept(self, product, price, discount):
        cost = self.cost_of(product, price, discount)
        return cost is not None and price > 0 and price - cost >= self.fraction * price - SLACK


# ---- the table ----

class Totals:
    def __init__(self):
        self.rows = 0
        self.spent = self.revenue = self.profit = Decimal(0)
        self.level_rows = {}
        self.level_spend = {}
        self.level_users = {}


def add_up(rows, floor, findings):
    totals, seen = Totals(), set()
    for line, row in rows:
        where = f"discounts.csv:{line}"
        discount, price = number(row["discount"], where), number(row["price"], where)
        cost, key = number(row["expected_cost"], where), (row["user_id"], row["product_id"])
        findings.check(key not in seen, "unique", f"{where}: {key[0]}, {key[1]} is there twice")
        seen.add(key)
        findings.check(floor.is_kept(key[1], price, discount), "margin floor",
                       f"{where}: product {key[1]} at {price}, discount {discount}")
        findings.check(cost >= 0, "cost", f"{where}: expected_cost {cost} is negative")
        findings.check(0 <= discount < 1, "discount", f"{where}: {discount} is not in [0, 1)")
        totals.rows += 1
        totals.spent += cost
        totals.revenue += number(row["expected_revenue"], where)
        totals.profit += number(row["expected_profit"], where)
        totals.level_rows[discount] = totals.level_rows.get(discount, 0) + 1
        totals.level_spend[discount] = totals.level_spend.get(discount, 0) + cost
        totals.level_users.setdefault(discount, set()).add(key[0])
    return totals


def compare(findings, kind, told, mine, what=""):
    findings.check(told == mine, kind, f"{told} in the receipt, {mine} in the table{what}")


def check_budget(receipt, totals, findings):
    budget = constraint(receipt, "budget")
    used, limit = budget["used"], budget["limit"]
    findings.check(totals.spent <= limit, "budget", f"{totals.spent} spent of {limit}")
    compare(findings, "budget used", used.quantize(UNIT), totals.spent)
    return limit, used


def check_levels(receipt, totals, findings):
    levels = receipt.get("levels", [])
    hidden = receipt.get("level_suppressed", [False] * len(levels))
    for discount in totals.level_rows:
        if levels and discount not in levels:
            findings.add("levels", f"discount {discount} is not among the levels")
    for name, mine in (("level_rows", totals.level_rows), ("level_spend", totals.level_spend)):
        for level, told, secret in zip(levels, receipt.get(name, []), hidden):
            if secret:
                findings.check(told is None, "suppressed", f"{name} {told} at {level} is shown")
            elif level > 0 or name == "level_spend":
                there = told if told is None else told.quantize(UNIT)
                compare(findings, name.replace("_", " "), there, mine.get(level, Decimal(0)),
                        f" at {level}")
    check_suppressed(receipt, levels, hidden, totals, findings)


def check_suppressed(receipt, levels, hidden, totals, findings):
    """No level of few users is shown, and none is hidden without need."""
    least = receipt.get("min_users", 0)
    users = [len(totals.level_users.get(level, ())) for level in levels]
    for level, count, secret in zip(levels, users, hidden):
        findings.check(secret or count == 0 or count >= least, "suppressed",
                       f"level {level} of {count} users is shown")
    reasons = [entry for entry in receipt.get("reasons", []) if entry.get("suppressed")]
    small = any(0 < count < least for count in users) or reasons
    findings.check(small or not any(hidden), "suppressed", "levels are hidden without need")


def check_receipt(receipt, totals, findings):
    if "rows" in receipt:
        compare(findings, "rows", receipt["rows"], totals.rows)
    for name, mine in (("revenue", totals.revenue), ("profit", totals.profit)):
        told = receipt.get("expected", {}).get(name)
        if told is not None:
            compare(findings, name, told.quantize(UNIT), mine)
    check_levels(receipt, totals, findings)
    for entry in receipt.get("constraints", []):
        slack = entry.get("slack")
        findings.check(slack is None or slack >= 0, "limit",
                       f"{entry['name']} {entry.get('group', '')} is exceeded by {slack}")
    if "upper_bound" in receipt:
        bounded = receipt["upper_bound"] >= receipt["objective"]
        findings.check(bounded, "bound", "below the objective")


def recompute(options):
    """Print figures and violations; True if there are none."""
    receipt = read_receipt(os.path.join(options.run, "receipt.json"))
    floor, findings = Floor(receipt, options), Findings()
    totals = add_up(read_rows(os.path.join(options.run, "discounts.csv")), floor, findings)
    limit, used = check_budget(receipt, totals, findings)
    check_receipt(receipt, totals, findings)
    print(f"rows {totals.rows}, budget {limit}, spent {totals.spent}, receipt says {used}")
    print(f"expected revenue {totals.revenue}, expected profit {totals.profit}")
    print(f"margin floor {floor.fraction} of the price, costs by {floor.basis or 'products'}")
    for discount in sorted(totals.level_rows):
        rows, spent = totals.level_rows[discount], totals.level_spend[discount]
        print(f"  discount {discount}: {rows} rows, {spent} spent")
    findings.print_all()
    print("violations: " + ", ".join(findings.of_kind) if findings.of_kind else "no violations")
    return not findings.of_kind


# ---- the script's own test ----

GOOD_RECEIPT = {
    "objective": 10.5, "upper_bound": 10.6, "rows": 3, "levels": [0.0, 0.1], "level_rows": [1, 2],
    "level_spend": [0, 0.4568], "cost_basis": "unit_cost",
    "expected": {"revenue": 6.0, "profit": 3.0},
    "constraints": [{"name": "budget", "limit": 0.46, "used": 0.4568},
                    {"name": "margin_floor", "limit": 0.2}]}
GOOD_ROWS = [["u1", "a", "0.1", "9.00", "0.3", "2.7000", "1.2000", "0.3000"],
             ["u1", "b, c", "0", "4.00", "0.3", "1.2000", "0.6000", "0.0000"],
             ["u2", "a", "0.1", "9.00", "0.1568", "2.1000", "1.2000", "0.1568"]]
GOOD_COSTS = [["a", "7.20"], ["b, c", "2"]]


def write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def verdict(receipt=None, cell=None, cost=None, row=None):
    """Exit code for the good run with a receipt's {path: value}, a cell, a cost, a row changed."""
    told, rows = json.loads(json.dumps(GOOD_RECEIPT)), [list(r) for r in GOOD_ROWS]
    costs = [list(r) for r in GOOD_COSTS]
    for path, value in (receipt or {}).items():
        *way, last = path.split(".")
        place = told
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[int(last) if isinstance(place, list) else last] = json.loads(json.dumps(value))
    if cell:
        rows[cell[0]][cell[1]] = cell[2]
    if row:
        rows.append(row)
    if cost:
        costs[0][1] = cost
    rest = ["1", "gain", "2024-01-01", "2024-01-08", "10", "personalised"]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "receipt.json"), "w", encoding="utf-8") as file:
            json.dump(told, file)
        write_csv(os.path.join(folder, "discounts.csv"), [COLUMNS] + [row + rest for row in rows])
        products = os.path.join(folder, "products.csv")
        write_csv(products, [["id", "cost"]] + costs)
        return main([folder, "--products", products, "--id-column", "id", "--cost-column", "cost"])


def self_test():
    assumed = {"cost_basis": "assumed_margin"}
    few = {"min_users": 20}
    hidden = {"level_suppressed": [True, True], "level_rows": [None, None],
              "level_spend": [None, None]}
    cases = [
        ("as it should be", 0, {}),
        ("a cent over the budget", 1, {"receipt": {"constraints.0.limit": 0.45}}),
        ("used is a cent off", 1, {"receipt": {"constraints.0.used": 0.45}}),
        ("a cost that changed", 1, {"cell": (0, 7, "0.2999")}),
        ("a price below the floor", 1, {"cell": (0, 3, "8.99")}),
        ("a cost above the floor", 1, {"cost": "7.21"}),
        ("a product without cost", 1, {"cell": (0, 1, "z")}),
        ("a pair twice", 1, {"cell": (2, 0, "u1")}),
        ("a discount that is no level", 1, {"cell": (0, 2, "0.15")}),
        ("a row too many", 1, {"row": ["u3", "a", "0", "9.00", "0", "0", "0", "0"]}),
        ("a limit that is exceeded", 1, {"receipt": {"constraints.0.slack": -0.01}}),
        ("a bound below the objective", 1, {"receipt": {"upper_bound": 10.4}}),
        ("an assumed margin that is enough", 0, {"receipt": {**assumed, "assumed_margin": 0.4}}),
        ("an assumed margin at the floor", 0, {"receipt": {**assumed, "assumed_margin": 0.28}}),
        ("an assumed margin too thin", 1, {"receipt": {**assumed, "assumed_margin": 0.27}}),
        ("an assumed margin not given", 2, {"receipt": assumed}),
        ("a level of few users hidden", 0, {"receipt": {**few, **hidden}}),
        ("a level of few users shown", 1, {"receipt": few}),
        ("a hidden level's rows shown", 1, {"receipt": {**few, **hidden, "level_rows.0": 1}}),
        ("levels hidden without need", 1, {"receipt": hidden}),
        ("a price that is no number", 2, {"cell": (0, 3, "cheap")}),
    ]
    failed = 0
    for name, expected, change in cases:
        code = verdict(**change)
        failed += code != expected
        print(f"{'ok' if code == expected else 'FAILED'}: {name} gives {code}\n")
    print(f"{len(cases) - failed} of {len(cases)} cases as expected")
    return failed == 0


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Recompute the receipt of a run from its table.")
    parser.add_argument("run", nargs="?", metavar="RUN")
    parser.add_argument("--products", metavar="CSV")
    parser.add_argument("--id-column", default="product_id", metavar="NAME")
    parser.add_argument("--cost-column", default="unit_cost", metavar="NAME")
    parser.add_argument("--delimiter", default=",")
    parser.add_argument("--self-test", action="store_true", help="check this script itself")
    options = parser.parse_args(arguments)
    if options.run is None and not options.self_test:
        parser.error("name a run folder")
    try:
        return 0 if (self_test() if options.self_test else recompute(options)) else 1
    except (BadInput, OSError, UnicodeDecodeError) as error:
        print(f"cannot check: {error}", file=sys.stderr)
    except KeyError as error:
        print(f"cannot check: receipt.json: no {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
