#!/usr/bin/env python3
"""A small shop whose sales have known effects: of the price, of promotions, of a neighbour's price.

    promoted_shop.py FOLDER [--weeks 60] [--flag always|never|price]

Products come in pairs of one category that the same users buy. Purchases of a week are Poisson with
    log mean = level + own log(price) + 0.5 promotion + cross log(price of the other of the pair)
and fall on users of the pair. `--flag price` flags every lower price and nothing else.
"""
import argparse
import csv
import datetime
import math
import os
import random

OWN = {"bread": -2.0, "fruit": -3.0, "wine": -1.5}
CROSS = {"bread": 0.8, "fruit": 1.2, "wine": 0.0}
FLAG = 0.5
FIRST_DAY = datetime.date(2025, 1, 6)
PAIRS, USERS_OF_PAIR = 4, 40


def poisson(draw, mean):
    count, chance, u = 0, math.exp(-mean), draw.random()
    below = chance
    while u >= below and count < 500:
        count += 1
        chance *= mean / count
        below += chance
    return count


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def week_of_pair(draw, category, levels, flag):
    """(discount, flagged, purchases) of both products of a pair in a week."""
    off = [draw.choice([0.1, 0.2, 0.3]) if draw.random() < 0.35 else 0.0 for _ in range(2)]
    flagged = [draw.random() < (0.6 if d else 0.15) for d in off]
    if flag == "price":
        off = [0.2 if d else 0.0 for d in off]
        flagged = [d > 0 for d in off]
    flagged = [f and flag != "never" for f in flagged]
    price = [math.log(1 - d) for d in off]
    return [(off[k], flagged[k],
             poisson(draw, math.exp(levels[k] + OWN[category] * price[k] + FLAG * flagged[k]
                                    + CROSS[category] * price[1 - k]))) for k in range(2)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--weeks", type=int, default=60)
    parser.add_argument("--flag", default="always", choices=["always", "never", "price"])
    options = parser.parse_args()
    draw = random.Random(5)
    products, events = [["sku", "cat", "make", "price", "cost"]], []
    for category in OWN:
        for pair in range(PAIRS):
            names = [f"{category}{pair}{k}" for k in "ab"]
            users = [f"{category}{pair}u{u}" for u in range(USERS_OF_PAIR)]
            price, levels = draw.choice([2, 5, 10]), [draw.uniform(1.0, 2.2) for _ in range(2)]
            products += [[n, category, ["acme", "best"][k], price, price / 2]
                         for k, n in enumerate(names)]
            for week in range(options.weeks):
                for k, (off, flagged, count) in enumerate(
                        week_of_pair(draw, category, levels, options.flag)):
                    for _ in range(count):
                        day = FIRST_DAY + datetime.timedelta(7 * week + draw.randrange(7))
                        events.append([draw.choice(users), names[k], day, 1,
                                       round(price * (1 - off), 2), off, int(flagged)])
    draw.shuffle(events)
    write(os.path.join(options.folder, "products.csv"), products)
    write(os.path.join(options.folder, "events.csv"),
          [["who", "sku", "when", "qty", "paid", "off", "ad"]] + events)


if __name__ == "__main__":
    main()
