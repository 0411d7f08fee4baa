/**
 * Items in the order of their scores: the best of them.
 */
#ifndef REMISE_ALGORITHMS_RANKING_H
#define REMISE_ALGORITHMS_RANKING_H

#include <stdint.h>

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

#endif
