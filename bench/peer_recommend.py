"""The scores of the recommend stage in NumPy: what a user bought, and what is popular around.

python3 bench/peer_recommend.py FOLDER prints one line of JSON on FOLDER/shop. Timed are popularity
by segment, the scores of all users for the 200 most popular products and their own, and the ten
best of them; the events stand in memory as codes, ordered by user, and nothing is written. A user's
segment is the code modulo eight.
"""
import json
import os
import sys
import time

import numpy as np
import pandas

SEGMENTS, POOL, SLOTS, SMOOTHING, CHUNK, TURNS = 8, 200, 10, 20.0, 4096, 2
WORTH = {"view": 0.05, "click": 0.10, "cart": 0.40, "purchase": 1.0, "return": -1.0}


def read_events(shop):
    """Codes of user and product, worth of each event, ordered by user."""
    names = ["user_id", "product_id", "kind"]
    events = pandas.read_csv(os.path.join(shop, "events.csv"), usecols=names, dtype="category")
    worth = events["kind"].map(WORTH).astype(float).fillna(0.0).to_numpy()
    user = events["user_id"].cat.codes.to_numpy().astype(np.int64)
    product = events["product_id"].cat.codes.to_numpy().astype(np.int64)
    order = np.argsort(user, kind="stable")
    return user[order], product[order], worth[order]


def find_shares(user, product, worth, products):
    """Share of each product in the purchases of each segment; 0 outside the pool."""
    bought = worth == 1.0
    cell = (user[bought] % SEGMENTS) * products + product[bought]
    count = 1.0 + np.bincount(cell, minlength=SEGMENTS * products).reshape(SEGMENTS, products)
    share = count / count.sum(axis=1, keepdims=True)
    if POOL < products:
        rare = np.argpartition(-share, POOL, axis=1)[:, POOL:]
        np.put_along_axis(share, rare, 0.0, axis=1)
    return share


def best_of(first, last, events, share):
    """The ten best products of users first .. last - 1, best first."""
    user, product, worth = events
    rows = slice(*np.searchsorted(user, [first, last]))
    products = share.shape[1]
    cell = (user[rows] - first) * products + product[rows]
    size = (last - first) * products
    own = np.bincount(cell, weights=worth[rows], minlength=size).reshape(-1, products)
    total = np.maximum(own.sum(axis=1, keepdims=True), 0.0)
    segment = np.arange(first, last) % SEGMENTS
    score = (own + SMOOTHING * share[segment]) / (total + SMOOTHING)
    best = np.argpartition(-score, SLOTS, axis=1)[:, :SLOTS]
    order = np.argsort(-np.take_along_axis(score, best, 1), axis=1)
    return np.take_along_axis(best, order, 1)


def seconds_of(events, users, products):
    start = time.perf_counter()
    share = find_shares(*events, products)
    for first in range(0, users, CHUNK):
        best_of(first, min(first + CHUNK, users), events, share)
    return time.perf_counter() - start


def main():
    events = read_events(os.path.join(sys.argv[1], "shop"))
    users, products = int(events[0].max()) + 1, int(events[1].max()) + 1
    seconds = min(seconds_of(events, users, products) for _ in range(TURNS))
    rows = users * SLOTS
    print(json.dumps({
        "peer": "NumPy on rows in memory", "rows": rows, "threads": 1,
        "seconds": round(seconds, 3), "rows_per_second": float(f"{rows / seconds:.4g}")}))


if __name__ == "__main__":
    main()
