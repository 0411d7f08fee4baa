#!/usr/bin/env python3
"""Measures of rankings by numpy and scikit-learn for the users of tests/test_ranking.c.

python3 -P tests/goldens/ranking.py
"""
import numpy as np
from sklearn import metrics

USERS, ITEMS, BEST = 50, 1003, 20
i = np.arange(ITEMS)
marks = []
for u in range(USERS):
    score = ((i * 7919 + u * 104729) % 1009) // 4
    ranked = (i + u) % 13 != 0
    wanted = ranked & ((i * 31 + u * 17) % 97 < 1 + score // 16)
    order = np.lexsort((i[ranked], -score[ranked]))  # ties to the lowest item
    truth = wanted[ranked]
    hits = truth[order[:BEST]].sum()
    precision, recall = hits / BEST, hits / truth.sum()
    place = np.empty(len(truth))
    place[order] = np.arange(len(truth))
    marks.append([
        precision,
        recall,
        2 * precision * recall / (precision + recall) if hits else 0,
        metrics.ndcg_score([truth], [-place], k=BEST),
        hits > 0,
        metrics.roc_auc_score(truth, score[ranked]),
    ])
print("static const double golden[RANKING_MEASURES] = {%s};" %
      ", ".join("%.15g" % m for m in np.mean(marks, axis=0)))
