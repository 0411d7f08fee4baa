"""Figures of tests/test_tails.c, by mpmath with 40 digits."""
import mpmath as mp

mp.mp.dps = 40
CHI = [(0.378, 1), (3.84, 1), (1e-8, 1), (30, 2), (5, 7), (600, 3), (1000, 1000), (99, 100),
       (102, 100), (1300, 3), (0.1, 40), (1003000, 1000000)]
F = [(55.4, 2, 423), (13.26, 1, 2994), (1, 3, 4), (10, 1, 16), (0.9, 20, 30), (1e-6, 1, 10),
     (4, 1, 2), (16581.9, 2, 16), (1.002, 5, 1000000), (1.5, 200, 10000000)]


def chi_squared(x, k):
    return mp.gammainc(mp.mpf(k) / 2, mp.mpf(x) / 2, regularized=True)


def f(x, a, b):
    return mp.betainc(mp.mpf(b) / 2, mp.mpf(a) / 2, 0, b / (b + a * mp.mpf(x)), regularized=True)


for x, k in CHI:
    print(f"{{{x!r}, {k}, 0, {mp.nstr(chi_squared(x, k), 17)}}},")
for x, a, b in F:
    print(f"{{{x!r}, {a}, {b}, {mp.nstr(f(x, a, b), 17)}}},")
