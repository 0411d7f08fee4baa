#!/usr/bin/env python3
"""Measures of predictions by scikit-learn for the rows of tests/test_metrics.c.

python3 -P tests/goldens/metrics.py
"""
import numpy as np
from sklearn import metrics

ROWS = 5000
i = np.arange(ROWS)
score = ((i * 7919) % 1009).astype(np.float32) / np.float32(1009)
y = ((i * 104729) % 997 / 997 < 0.2 + 0.6 * score).astype(int)
hard = score >= 0.5
kept = np.clip(score.astype(float), 2**-23, 1 - 2**-23)
print("#define GOLDEN_LOG_LOSS", metrics.log_loss(y, kept))
print("#define GOLDEN_ACCURACY", metrics.accuracy_score(y, hard))
print("#define GOLDEN_PRECISION", metrics.precision_score(y, hard))
print("#define GOLDEN_RECALL", metrics.recall_score(y, hard))
print("#define GOLDEN_F1", metrics.f1_score(y, hard))
print("#define GOLDEN_AUC", metrics.roc_auc_score(y, score))
print("#define GOLDEN_MSE", metrics.mean_squared_error(y, score.astype(float)))
