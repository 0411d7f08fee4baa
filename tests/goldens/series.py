#!/usr/bin/env python3
"""Weekly series and their moving medians in fractions, for tests/test_series.c.

Weeks come from the calendar of `datetime`, prices are `fractions.Fraction`, medians are
`statistics.median_low`; each series is printed as its number of rows and changed rows, a checksum
of all fields in order, and the mean changes.

    python3 tests/goldens/series.py
"""
import datetime
import math
from fractions import Fraction
from statistics import median_low

PURCHASES, START, DAY = 3000, 14000, 86400


def purchases():
    for i in range(PURCHASES):
        day = START + i * 7919 % 400 - (i % 11 == 0) * 20000
        paid = 0 if i % 37 == 0 else 100 + i * i * 17 % 977
        yield ((i * i + 3 * i) % 23, day * DAY + i * 4001 % DAY, (i * 31 % 9 + 1) * 500, paid,
               paid + i % 5 * 40)


def monday(seconds):
    """Weeks between the Monday of this time and that of 1970-01-01, by the calendar."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    date = moment.date()
    return (date - datetime.timedelta(days=date.weekday()) - datetime.date(1969, 12, 29)).days // 7


def series():
    sums = {}
    for product, time, *amounts in purchases():
        row = sums.setdefault((product, monday(time)), [0, 0, 0])
        for k in range(3):
            row[k] += amounts[k]
    return sums


def rounded(fraction):
    return math.floor(fraction + Fraction(1, 2))


def smooth(sums, weeks):
    result = {}
    for (product, week), (quantity, paid, total) in sums.items():
        around = [sums[product, w] for w in range(week - weeks // 2, week + weeks // 2 + 1)
                  if (product, w) in sums]
        q = median_low([row[0] for row in around])
        price = median_low([Fraction(row[1], row[0]) for row in around])
        p = rounded(price * q)
        ratio = Fraction(p, paid) if paid > 0 else Fraction(q, quantity)
        result[product, week] = [q, p, rounded(total * ratio)]
    return result


def describe(before, after):
    checksum = 0
    for key in sorted(after):
        for value in (*key, *after[key]):
            checksum = (checksum * 1000003 + value) % 2 ** 64
    changed = [key for key in after if before[key] != after[key]]
    price = quantity = 0.0
    for key in changed:
        (q0, p0, _), (q1, p1, _) = before[key], after[key]
        quantity += abs(math.log(q1 / q0))
        price += abs(math.log(Fraction(p1, q1) / Fraction(p0, q0))) if p0 > 0 and p1 > 0 else 0.0
    n = max(1, len(changed))
    print(f"{len(after)}, {len(changed)}, UINT64_C({checksum:#x}), {price / n:.12f}, "
          f"{quantity / n:.12f}")


if __name__ == "__main__":
    plain = series()
    describe(plain, plain)
    for span in (3, 5, 53):
        describe(plain, smooth(plain, span))
