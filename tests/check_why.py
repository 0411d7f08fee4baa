#!/usr/bin/env python3
"""Check the stated reasons of a published table against its Lagrangian, in Python's integers.

    check_why.py RUN REASONS

RUN/discounts.h5 has the cells, limits and prices; REASONS is what `remise why RUN --all` printed.
The Lagrangian of the table is the sum of the chosen values, plus price x (limit - use) of every
limit, use added up over all rows. For 10,000 cells drawn by chance, and for the runner-up of every
row, the chosen level is replaced and the Lagrangian changes by the difference of the stated reduced
costs, to the last digit of 2^-30 units.
Exit code: 0 all right, 1 a violation, 77 HDF5 files cannot be read here.
"""
import json
import random
import sys

from score_curves import NoReader, need_column, read_column

BITS, DRAWN = 30, 10000


class Table:
    """Cells and limits of a run, and its Lagrangian from totals by limit."""

    def __init__(self, path):
        value = need_column(path, "cells/value")
        self.levels, self.value = value.width, value.values
        self.level = need_column(path, "level").values
        self.price = need_column(path, "limits/price").values
        self.limit = need_column(path, "limits/limit").values
        self.used = need_column(path, "limits/used").values
        self.groups = need_column(path, "kinds/groups").values
        measure = need_column(path, "kinds/measure").values
        uses = {m: need_column(path, f"cells/use_{m}").values for m in set(measure)}
        self.use = [uses[m] for m in measure]
        self.group = [read_column(path, f"cells/group_{d}") for d in range(len(measure))]

    def limits_of(self, row):
        """(place of the limit, uses of its measure) of each limit that a row counts against."""
        first = 0
        for kind, groups in enumerate(self.groups):
            group = 0 if self.group[kind] is None else self.group[kind].values[row]
            if group >= 0:
                yield first + group, self.use[kind]
            first += groups

    def totals(self, choice):
        value, used = 0, [0] * len(self.price)
        for row, level in enumerate(choice):
            cell = row * self.levels + level
            value += self.value[cell]
            for limit, use in self.limits_of(row):
                used[limit] += use[cell]
        return value, used

    def lagrangian(self, value, used):
        total = value << BITS
        for price, limit, use in zip(self.price, self.limit, used):
            if price != 0:
                total += price * (limit - use)
        return total

    def replaced(self, totals, row, old, new):
        value, used = totals[0], list(totals[1])
        at = row * self.levels
        value += self.value[at + new] - self.value[at + old]
        for limit, use in self.limits_of(row):
            used[limit] += use[at + new] - use[at + old]
        return self.lagrangian(value, used)


def main(run, path):
    table = Table(run + "/discounts.h5")
    with open(path, encoding="utf-8") as file:
        reasons = [json.loads(line) for line in file]
    choice = list(table.level)
    assert [r["level"] for r in reasons] == choice, "levels"
    assert [r["row"] for r in reasons] == list(range(len(choice))), "rows"
    totals = table.totals(choice)
    if totals[1] != list(table.used):
        print("uses of the limits differ from the table's")
        return 1
    here, wrong, checked = table.lagrangian(*totals), 0, 0
    draw = random.Random(7)
    cells = [(r, draw.randrange(table.levels)) for r in
             (draw.randrange(len(choice)) for _ in range(DRAWN))]
    cells += [(r["row"], r["runner_up"]) for r in reasons if r["runner_up"] is not None]
    for row, level in cells:
        stated = [int(cost) for cost in reasons[row]["reduced_cost"]]
        change = table.replaced(totals, row, choice[row], level) - here
        wrong += change != stated[choice[row]] - stated[level]
        if level == reasons[row]["runner_up"]:
            wrong += -change != int(reasons[row]["by"])
        checked += 1
    print(f"{checked} cells of {len(choice)} rows, {len(table.price)} limits: {wrong} wrong")
    return 0 if wrong == 0 and checked >= DRAWN else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except NoReader as error:
        print(error)
        sys.exit(77)
