#!/usr/bin/env python3
"""Isotonic and logistic regression by scikit-learn for the rows of tests/calibration_rows.h.

python3 -P tests/goldens/calibration.py
"""
import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

ROWS = 5000
i = np.arange(ROWS)
a = -3 + 4 * ((i * 7919) % 1009) / 1009
b = 1 + 5 * ((i * 3571) % 499) / 499
dose = np.float32(0.05) * (i * 31 % 5).astype(np.float32)
weight = 0.5 + (i % 7) / 4
a, b = a.astype(np.float32).astype(float), b.astype(np.float32).astype(float)
truth = 1 / (1 + np.exp(-(0.5 + 0.6 * a + 1.5 * b * dose)))
y = ((i * 104729) % 997 / 997 < truth).astype(int)

model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000)
model.fit(np.c_[a, b * dose], y, sample_weight=weight)
print("/* shift, scale_a, scale_b */")
print("static const double golden[3] = {%.17g, %.17g, %.17g};"
      % (model.intercept_[0], *model.coef_[0]))

score = np.round(a + b * dose, 2)
score[i % 11 == 0] = -5
iso = IsotonicRegression(out_of_bounds="clip").fit(score, y, sample_weight=weight)
at = np.arange(-6, 5) / 2
print("/* at -3, -2.5 .. 2 */")
print("static const double golden[11] = {%s};" % ", ".join("%.17g" % v for v in iso.predict(at)))
