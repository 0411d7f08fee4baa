#!/usr/bin/env python3
"""Weights of a conditional logit by scipy for the pools of tests/test_recommend_blend.c, and the
jackknife of coverage by leaving every user out.

python3 -P tests/goldens/recommend_blend.py
"""
import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

USERS, SLOTS, FEATURES = 200, 8, 3
u, s, f = np.meshgrid(np.arange(USERS), np.arange(SLOTS), np.arange(FEATURES), indexing="ij")
x = (((u * 7919 + s * 104729 + f * 1299709) % 1009) / 1009 - 0.5).astype(np.float32).astype(float)
u, s = u[:, :, 0], s[:, :, 0]
there = s < 4 + u % 5
wanted = there & ((s == u % 4) | ((u % 3 == 0) & (x[:, :, 1] > 0.3)))


def loss(w, users):
    z = np.where(there, x @ w, -np.inf)[users]
    mean = np.where(wanted[users], x[users] @ w, 0).sum(1) / wanted[users].sum(1)
    return (logsumexp(z, axis=1) - mean).sum() + 0.5 * (w @ w)


def fit(users):
    return minimize(loss, np.zeros(FEATURES), (users,), tol=1e-12,
                    options={"gtol": 1e-9}).x


half = np.arange(USERS) % 2
print("all ", ", ".join("%.9g" % v for v in fit(half >= 0)))
print("half", ", ".join("%.9g" % v for v in fit(half != 1)))

# 40 users and 12 products, lists of the best 3
u, p = np.meshgrid(np.arange(40), np.arange(12), indexing="ij")
score = (u * 31 + p * p * 17 + u * p * 7) % 101 - 6 * p
top = np.argsort(-score, axis=1, kind="stable")[:, :3]
covered = lambda keep: len(set(top[keep].ravel())) / 12
left = np.array([covered(np.arange(40) != k) for k in range(40)])
print("coverage %.15g error %.15g" % (covered(np.arange(40) >= 0),
                                      np.sqrt(39 / 40 * ((left - left.mean()) ** 2).sum())))
