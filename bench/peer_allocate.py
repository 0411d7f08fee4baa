"""The choice of bench_allocate by bisection on the dual price in NumPy, on the same cells.

python3 bench/peer_allocate.py [SLOTS [LEVELS [PERCENT [GAP]]]] prints one line of JSON. It stops
when the bound is within GAP (1e-6) of the gain over no discount, or after 60 halvings.
"""
import json
import sys
import time

import numpy as np


def hashes(slots, which, below):
    """SplitMix64 of 4 i + which, its top 24 bits modulo `below`."""
    counter = np.arange(slots, dtype=np.uint64) * np.uint64(4) + np.uint64(which + 1)
    z = counter * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)) % np.uint64(below)).astype(np.int64)


def make_cells(slots, levels):
    price, chance = 10000 + hashes(slots, 0, 390000), 10000 + hashes(slots, 1, 90000)
    lift, margin = hashes(slots, 2, 40000), price * (20 + hashes(slots, 3, 50)) // 100
    value, cost = np.empty((slots, levels)), np.empty((slots, levels))
    for k in range(levels):
        off, buys = price * k // 20, chance + lift * k
        gain = buys * (margin - off)
        value[:, k] = np.sign(gain) * (abs(gain) // 1000000)
        cost[:, k] = buys * off // 1000000
    return value, cost


def at_price(value, cost, price):
    """Value and cost when every slot maximises value - price x cost."""
    best = np.argmax(value - price * cost, axis=1)[:, None]
    return np.take_along_axis(value, best, 1).sum(), np.take_along_axis(cost, best, 1).sum()


def bisect(value, cost, budget, gap):
    base, low, high, found, bound = value[:, 0].sum(), 0.0, 1.0, value[:, 0].sum(), np.inf
    while at_price(value, cost, high)[1] > budget:
        low, high = high, 2 * high
    for step in range(60):
        price = 0.5 * (low + high)
        worth, spent = at_price(value, cost, price)
        bound = min(bound, worth + price * (budget - spent))
        if spent <= budget:
            found, high = max(found, worth), price
        else:
            low = price
        reached = (bound - found) / max(1.0, bound - base)
        if reached <= gap:
            break
    return found, bound, reached, step + 1


def main():
    given = sys.argv[1:5]
    slots, levels, percent, gap = [float(a) for a in given] + [1000000, 5, 30, 1e-6][len(given):]
    slots, levels = int(slots), int(levels)
    value, cost = make_cells(slots, levels)
    budget = at_price(value, cost, 0.0)[1] // 100 * percent
    start = time.perf_counter()
    found, bound, reached, steps = bisect(value, cost, budget, gap)
    seconds = time.perf_counter() - start
    print(json.dumps({
        "peer": "NumPy bisection", "slots": slots, "levels": levels, "seconds": round(seconds, 4),
        "rows_per_second": float(f"{slots / seconds:.4g}"), "steps": steps,
        "objective": int(found), "upper_bound": float(f"{bound:.15g}"),
        "gap_gain": float(f"{reached:.3g}"), "budget": int(budget)}))


if __name__ == "__main__":
    main()
