#!/usr/bin/env python3
"""Recompute the reference prices of a run from the shop's events and offers, and hold its table
against them and against its marks.

    recompute_reference.py RUN SHOP [--days 30] [--kept] [--markets MARKET,...]

Reads RUN/discounts.csv (with the shop's own ids), SHOP/events.csv, offers.csv, products.csv and
users.csv of a synthetic shop, and nothing of the program. --kept: no discount may stand at a price
that is not below the reference price. Rows with a discount must be marked, in the markets named or
in all, and no others. Exit code: 0 all right, 1 a violation.
"""
import argparse
import csv
import os
import sys
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def rows_of(*path):
    with open(os.path.join(*path), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def personal_offers(shop):
    """(user, product) -> times of the discounts that were redeemed."""
    found = {}
    for row in rows_of(shop, "offers.csv"):
        if row["redeemed"] == "1" and Decimal(row["discount"]) > 0:
            time = datetime.fromisoformat(row["time"])
            found.setdefault((row["user_id"], row["product_id"]), []).append(time)
    return found


def reference_prices(shop, begin, days):
    """The lowest price of each product to all, and which of them were sold below it to one."""
    lowest = {r["product_id"]: Decimal(r["list_price"]) for r in rows_of(shop, "products.csv")}
    offers, window, hidden = personal_offers(shop), timedelta(days=days), 0
    for row in rows_of(shop, "events.csv"):
        time = datetime.fromisoformat(row["time"])
        if row["kind"] != "purchase" or not begin - window <= time < begin:
            continue
        price, product = Decimal(row["unit_price"]), row["product_id"]
        if any(offer.date() <= time.date() and time - offer <= window
               for offer in offers.get((row["user_id"], product), [])):
            price = (price / (1 - Decimal(row["discount"]))).quantize(CENT, ROUND_HALF_UP)
            hidden += 1
        lowest[product] = min(lowest[product], price)
    return lowest, hidden


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("shop")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--markets")
    options = parser.parse_args()
    table = rows_of(options.run, "discounts.csv")
    begin = datetime.fromisoformat(table[0]["valid_from"])
    lowest, hidden = reference_prices(options.shop, begin, options.days)
    market = {r["user_id"]: r["market"] for r in rows_of(options.shop, "users.csv")}
    markets = options.markets.split(",") if options.markets else set(market.values())
    faults = marked = 0
    for row in table:
        told, price = Decimal(row["reference_price"]), Decimal(row["price"])
        discounted, here = Decimal(row["discount"]) > 0, market[row["user_id"]] in markets
        wanted = "personalised" if discounted and here else ""
        wrong = abs(told - lowest[row["product_id"]]) > 0
        wrong |= options.kept and discounted and price >= told
        wrong |= row["disclosure"] != wanted
        marked += wanted != ""
        faults += wrong
        if wrong and faults < 5:
            print("VIOLATION", row, "lowest", lowest[row["product_id"]])
    print(f"{len(table)} rows, {marked} marked, {hidden} purchases by offers of their own")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
