#!/usr/bin/env python3
"""Mean and deviation of the table in tests/test_standardise.c, in exact rational arithmetic.

    python3 tests/goldens/standardise.py

prints the numbers that the test holds.
"""
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 60
ROWS = 1000


def value(row, column):
    if column == 2:
        return Fraction(165, 4)
    return Fraction((row * 7919 + column * 104729) % 10007, 64) - (50 if column == 0 else 0)


for column in range(3):
    x = [value(row, column) for row in range(ROWS)]
    mean = sum(x) / ROWS
    variance = sum((v - mean) ** 2 for v in x) / ROWS
    root = (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
    print(f"column {column}: mean {float(mean)!r} sd {float(root)!r}")
