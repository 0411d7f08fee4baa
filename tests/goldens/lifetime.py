#!/usr/bin/env python3
"""Goldens of the lifetime models: special functions by mpmath with 50 digits; BG/NBD and
Gamma-Gamma on 60 simulated customers by the textbook formulas in SciPy, maximised by Nelder-Mead
without any gradient; expected purchases by mpmath as a double integral over rate and chance of
leaving. Prints tests/lifetime_table.h and the numbers that stand in tests/test_special.c,
tests/test_bgnbd.c, tests/test_gamma_gamma.c and tests/test_profile_lifetime.c, where the customers
are a shop: days with a purchase are what counts, so that who came back on the first day only never
came back."""
import mpmath as mp
import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

mp.mp.dps = 50


def simulate(rng):
    """frequency, recency, age in days of a customer, and the mean spend of repeat purchases"""
    age = int(rng.integers(40, 120))
    rate, leave = rng.gamma(0.9, 1 / 12.0), rng.beta(0.9, 3.0)
    time, times = 0.0, []
    while True:
        time += rng.exponential(1 / rate)
        if time > age:
            break
        times.append(int(time))
        if rng.random() < leave:
            break
    x = len(times)
    nu = rng.gamma(4.0, 1 / 60.0)
    spend = rng.gamma(2.0 * x, 1 / (nu * x)) if x else 0.0
    return x, times[-1] if x else 0, age, round(spend, 2)


def bgnbd(log_parameters, x, tx, age):
    r, alpha, a, b = np.exp(log_parameters)
    a1 = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    alive = -(r + x) * np.log(alpha + age)
    with np.errstate(divide="ignore"):
        left = np.where(x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1)
                        - (r + x) * np.log(alpha + tx), -np.inf)
    return np.sum(a1 + gammaln(b + x) + gammaln(a + b) - gammaln(b) - gammaln(a + b + x)
                  + np.logaddexp(alive, left))


def gamma_gamma(log_parameters, x, m):
    p, q, v = np.exp(log_parameters)
    return np.sum(gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
                  + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(x * m + v))


def maximise(f, start):
    x = np.array(start)
    for _ in range(6):
        x = minimize(lambda k: -f(k), x, method="Nelder-Mead",
                     options={"xatol": 1e-11, "fatol": 1e-13, "maxiter": 40000}).x
    return np.exp(x), f(x)


def purchases(k, x, tx, age, t):
    """E[purchases in (age, age + t]]: chance alive times the mean of (1 - exp(-rate p t)) / p over
    rate ~ Gamma(r + x, alpha + age) (in closed form) and p ~ Beta(a, b + x)"""
    r, alpha, a, b = [mp.mpf(float(v)) for v in k]
    shape, z = r + x, mp.mpf(t) / (alpha + age)
    density = lambda p: p ** (a - 1) * (1 - p) ** (b + x - 1) / mp.beta(a, b + x)
    inner = lambda p: (1 - (1 + p * z) ** (-shape)) / p
    mean = mp.quad(lambda p: density(p) * inner(p), mp.linspace(0, 1, 9), maxdegree=12)
    odds = a / (b + x - 1) * ((alpha + age) / (alpha + tx)) ** shape if x else mp.mpf(0)
    return 1 / (1 + odds), mean / (1 + odds)


def spend_of(k, x, m):
    p, q, v = k
    return p * (v + x * m) / (p * x + q - 1)


def shop(rows, horizon):
    """the customers counted in days: parameters, and what to expect of each within the horizon"""
    x, tx, age, spend = (np.array(c, dtype=float) for c in zip(*rows))
    x = np.where(tx == 0, 0, x)
    k, best = maximise(lambda q: bgnbd(q, x, tx, age), np.log([0.8, 10, 0.8, 2.5]))
    print("shop, bgnbd:", k, repr(best))
    buyers = x > 0
    g, best = maximise(lambda q: gamma_gamma(q, x[buyers], spend[buyers]), np.log([3.0, 5.0, 40.0]))
    print("shop, gamma-gamma:", g, repr(best))
    for i in [0, 1, 2, 3, 30, 48]:
        alive, mean = purchases(k, x[i], tx[i], age[i], horizon)
        after = purchases(k, x[i] + 1, age[i], age[i], horizon)[1]
        each = spend_of(g, x[i], spend[i] if x[i] else 0)
        print(f"    {{{i}, {float(alive):.10f}, {float(mean):.10f}, {float(mean) * each:.8f}, "
              f"{float(after - mean) * each:.8f}}},")
    print("    of the first purchase of all:",
          float(purchases(k, 0, 0, 0, horizon)[1]) * spend_of(g, 0, 0))


if __name__ == "__main__":
    rng = np.random.default_rng(16)
    rows = [simulate(rng) for _ in range(60)]
    print("static const double customers[CUSTOMERS][4] = {")
    for x, tx, age, spend in rows:
        print(f"    {{{x}, {tx}, {age}, {spend}}},")
    print("};")
    x, tx, age, spend = (np.array(c, dtype=float) for c in zip(*rows))
    some = np.log([0.7, 9.0, 1.3, 2.9])
    print("bgnbd log-likelihood at (0.7, 9, 1.3, 2.9):", repr(bgnbd(some, x, tx, age)))
    k, best = maximise(lambda q: bgnbd(q, x, tx, age), np.log([0.8, 10, 0.8, 2.5]))
    print("bgnbd maximum:", k, repr(best))
    buyers = x > 0
    some = np.log([3.0, 5.0, 40.0])
    print("gamma-gamma at (3, 5, 40):", repr(gamma_gamma(some, x[buyers], spend[buyers])))
    k, best = maximise(lambda q: gamma_gamma(q, x[buyers], spend[buyers]), some)
    print("gamma-gamma maximum:", k, repr(best))
    shop(rows, 90)
    for k in [(0.24259, 4.41353, 0.79289, 2.42575), (0.7, 9, 1, 2.9), (0.7, 9, 1 + 1e-9, 2.9),
              (1e4, 3e5, 0.5, 3), (0.5, 2, 3e3, 9e3), (0.3, 5, 0.2, 0.3)]:
        for x, tx, age, t in [(0, 0, 40, 39), (2, 30.43, 38.86, 39), (25, 100, 101, 7),
                              (3, 1, 300, 1e4)]:
            alive, mean = purchases(k, x, tx, age, t)
            print(f"    {{{k[0]:.17g}, {k[1]:.17g}, {k[2]:.17g}, {k[3]:.17g}, {x}, {tx}, {age}, "
                  f"{t:g}, {mp.nstr(alive, 17)}, {mp.nstr(mean, 17)}}},")
    for z, y in [(1e-8, 1), (0.24259, 3), (0.5, 0.25), (7.5, 1e6), (15.9, 2.5), (16, 1e-3),
                 (1e6, 40), (1e12, 1e12), (3, 0)]:
        z, y = mp.mpf(z), mp.mpf(y)
        print(f"    {{{mp.nstr(z, 17)}, {mp.nstr(y, 17)}, "
              f"{mp.nstr(mp.loggamma(z + y) - mp.loggamma(z), 17)}, "
              f"{mp.nstr(mp.digamma(z + y) - mp.digamma(z), 17)}, "
              f"{mp.nstr(mp.log(mp.beta(z, y)) if y else mp.mpf(0), 17)}}},")
    for a, b, c, z in [(2.5, 3, 4, 0.25), (10, 12, 12.5, 0.7), (0.3, 0.5, 0.01, 0.9),
                       (50, 60, 58, 0.3), (1, 1, 2, 0.5)]:
        print(f"    {{{a}, {b}, {c}, {z}, {mp.nstr(mp.hyp2f1(a, b, c, z), 17)}}},")
