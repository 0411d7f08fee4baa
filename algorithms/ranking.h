/**
 * Items in the order of their scores: the best of them, and how well the order foretells which of
 * them were wanted.
 */
#ifndef REMISE_ALGORITHMS_RANKING_H
#define REMISE_ALGORITHMS_RANKING_H

#include <stdint.h>

/* Of one ranking, and as means over users. */
enum ranking_measure {
    RANKING_PRECISION, /* wanted items among the first `best`, over `best` */
    RANKING_RECALL,    /* over all wanted ones */
    RANKING_F1,        /* harmonic mean of both, 0 where both are 0 */
    RANKING_NDCG,      /* sum of 1 / log2(1 + place) of wanted items among the first, over the
                          highest that this sum could be */
    RANKING_HIT,       /* 1 where any of the first is wanted */
    RANKING_AUC,       /* chance that a wanted item is before another, equal scores one half; NaN
                          where all items are wanted */
    RANKING_MEASURES
};

/**
 * The `best` highest scores, highest first, of equals the lowest item.
 *
 * Local.
 * score  in   [items]; -INFINITY: not to be taken; not NaN
 * item   out  [best] -1 where there are no more
 * value  out  [best] their scores, 0 where there are no more
 * Cost: one pass, and O(log best) for each score that is among the best so far.
 */
void ranking_best(const float *score, int64_t items, int64_t best, int32_t *item, float *value);

/**
 * The place of each of a few items, 0 for the highest score, of equals the first.
 * Local. place  out  [count]. Cost: count^2.
 */
void ranking_places(const float *score, int64_t count, int32_t *place);

/**
 * A ranking of all items from one of a few: these first, by their own values, then all others in
 * the order of `base`.
 *
 * Local.
 * base   in   [items]; -INFINITY: not ranked; not NaN
 * item   in   [count] different ranked ones
 * value  in   [count] finite
 * score  out  [items]
 */
void ranking_extend(const float *base, int64_t items, const int32_t *item, const float *value,
                    int64_t count, float *score);

/**
 * Judge one user's ranking by what was wanted.
 *
 * Local.
 * score   in   [items]; -INFINITY: not ranked; not NaN
 * wanted  in   [count] different ranked items, count >= 1
 * best    in   how many of the first are looked at, >= 1
 * mark    out  [RANKING_MEASURES]
 * Cost: one pass over the scores for each wanted item.
 * Source: Herlocker, Konstan, Terveen and Riedl 2004; Jarvelin and Kekalainen 2002 (NDCG).
 */
void ranking_judge(const float *score, int64_t items, const int32_t *wanted, int64_t count,
                   int64_t best, double mark[RANKING_MEASURES]);

#endif
