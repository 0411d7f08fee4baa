"""The choice of bench_limits by PDLP (OR-Tools), a first-order method, on the same cells.

python3 bench/peer_limits.py [SLOTS [LEVELS [PRODUCTS [GAP]]]] prints one line of JSON. Tolerances
fall tenfold from 1e-3 until the bound that follows from its prices of limits, sum over slots of the
best of value - price x use + sum of price x limit, is within GAP (1e-4) of its objective. The time
is that of the last run alone; its choice is fractional and may exceed limits by the tolerance.
"""
import json
import sys
import time

import numpy as np
import scipy.sparse as sparse
from ortools.pdlp import solvers_pb2
from ortools.pdlp.python import pdlp

from peer_allocate import hashes, make_cells


def hash_at(counter, below):
    z = (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)) % np.uint64(below)).astype(np.int64)


def make_limits(slots, levels, products, value, cost):
    chance, lift = 10000 + hashes(slots, 1, 90000), hashes(slots, 2, 40000)
    units = (chance[:, None] + lift[:, None] * np.arange(levels)).astype(float)
    product = hash_at(np.arange(slots, dtype=np.uint64) + np.uint64(2**40), products)
    best, rows = value.argmax(1), np.arange(slots)
    budget = int(cost[rows, best].sum()) * 2 // 5
    stock = np.bincount(product, units[:, 0] + units[rows, best], products).astype(np.int64) // 2
    return units, product, np.concatenate([[budget], stock]).astype(float)


def programme(value, cost, units, product, limit):
    """Each slot has one level in all; uses of limits are divided by the limit."""
    slots, levels = value.shape
    cell = np.arange(slots * levels)
    rows = np.concatenate([cell // levels, np.full(cell.size, slots),
                           slots + 1 + np.repeat(product, levels)])
    entries = np.concatenate([np.ones(cell.size), cost.ravel() / limit[0],
                              (units / limit[1 + product][:, None]).ravel()])
    matrix = sparse.csc_matrix((entries, (rows, np.tile(cell, 3))),
                               (slots + limit.size, cell.size))
    qp = pdlp.QuadraticProgram()
    qp.resize_and_initialize(cell.size, slots + limit.size)
    qp.constraint_matrix = matrix
    qp.constraint_lower_bounds = np.concatenate([np.ones(slots), np.full(limit.size, -np.inf)])
    qp.constraint_upper_bounds = np.ones(slots + limit.size)
    qp.variable_lower_bounds = np.zeros(cell.size)
    qp.variable_upper_bounds = np.ones(cell.size)
    qp.objective_vector = -value.ravel() / value.max()
    return qp


def solve(qp, tolerance):
    params = solvers_pb2.PrimalDualHybridGradientParams()
    optimality = params.termination_criteria.simple_optimality_criteria
    optimality.eps_optimal_relative = tolerance
    optimality.eps_optimal_absolute = 1e-12
    params.termination_criteria.time_sec_limit = 600
    params.num_threads = 2
    start = time.perf_counter()
    result = pdlp.primal_dual_hybrid_gradient(qp, params)
    return result, time.perf_counter() - start


def bound_of(result, value, cost, units, product, limit):
    slots = value.shape[0]
    price = np.maximum(0.0, -result.dual_solution[slots:]) * value.max() / limit
    worth = value - price[0] * cost - price[1 + product][:, None] * units
    return worth.max(1).sum() + price @ limit


def main():
    given = sys.argv[1:5]
    slots, levels, products, gap = [float(a) for a in given] + [1000000, 5, 30, 1e-4][len(given):]
    slots, levels, products = int(slots), int(levels), int(products)
    value, cost = make_cells(slots, levels)
    units, product, limit = make_limits(slots, levels, products, value, cost)
    qp = programme(value, cost, units, product, limit)
    tolerance = 1e-3
    while True:
        result, seconds = solve(qp, tolerance)
        objective = float(value.ravel() @ result.primal_solution)
        bound = bound_of(result, value, cost, units, product, limit)
        reached = abs(bound - objective) / abs(objective)
        if reached <= gap or seconds > 500 or tolerance < 1e-9:
            break
        tolerance /= 10
    print(json.dumps({
        "peer": "PDLP", "slots": slots, "levels": levels, "limits": products + 1,
        "seconds": round(seconds, 3), "rows_per_second": float(f"{slots / seconds:.4g}"),
        "iterations": int(result.solve_log.iteration_count), "tolerance": tolerance,
        "objective": round(objective), "upper_bound": round(float(bound)),
        "gap": float(f"{reached:.3g}")}))


if __name__ == "__main__":
    main()
