#!/usr/bin/env python3
"""Philox4x32-10 and the numbers derived from it, written from the paper (Salmon et al. 2011).

Prints the constants of tests/test_random.c: python3 tests/goldens/philox.py
"""
import math

MASK = 0xFFFFFFFF


def philox(counter, key):
    """Ten rounds of philox4x32 on four 32-bit counter words and two key words."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK, (a >> 32) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def bits(seed, stage, entity, draw):
    place = draw ^ (stage << 40)
    counter = (entity & MASK, entity >> 32, place & MASK, place >> 32)
    return philox(counter, (seed & MASK, seed >> 32))


def unit(high, low):
    return ((high << 32 | low) >> 11) * 2.0**-53


def normal(seed, stage, entity, draw):
    b = bits(seed, stage, entity, draw)
    return math.sqrt(-2 * math.log(1 - unit(b[0], b[1]))) * math.cos(2 * math.pi * unit(b[2], b[3]))


SPLIT, KMEANS_START, WEIGHTS = 1, 2, 3
BIG = 12345678901234567

assert philox((0,) * 4, (0,) * 2)[0] == 0x6627E8D5
first = bits(7, SPLIT, 0, 0)
second = bits(BIG, KMEANS_START, BIG, 3)
third = bits(7, WEIGHTS, 5, 1)
print("#define GOLDEN_UNIFORM_0", unit(first[0], first[1]).hex())
print("#define GOLDEN_UNIFORM_1", unit(second[0], second[1]).hex())
print("#define GOLDEN_BELOW", (third[0] << 32 | third[1]) * 1000003 >> 64)
print("#define GOLDEN_NORMAL", repr(normal(7, WEIGHTS, 5, 1)))
