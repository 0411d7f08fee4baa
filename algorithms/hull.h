/**
 * What is worth paying for: the upper concave hull of one slot's levels, value over cost.
 *
 * A level below the hull is never chosen at any price, so a slot becomes a short chain of
 * increments, each with a gain, a cost and a slope gain / cost that does not rise along the chain.
 * Levels, not increments, are what is kept. All comparisons are exact integer cross products.
 */
#ifndef REMISE_ALGORITHMS_HULL_H
#define REMISE_ALGORITHMS_HULL_H

#include <stdint.h>

enum { HULL_LEVELS = 32 };

/* Largest |value| and cost: differences are exact as doubles, their products fit 128 bits. */
#define HULL_LIMIT ((int64_t)1 << 52)

struct hull {
    int count;                  /* levels on the hull, at least 1 */
    uint8_t level[HULL_LEVELS]; /* [count] by rising cost; [0] is the best of the cheapest levels */
};

/**
 * The hull of one slot.
 *
 * Local.
 * value, cost  in  [levels], magnitudes at most HULL_LIMIT where allowed
 * allowed      in  bit k: level k may be chosen; at least one
 * Levels on one line of the hull are all kept; of equal levels the lowest is.
 * Cost: O(levels) where costs rise with the level, O(levels^2) at worst.
 */
void hull_make(const int64_t *value, const int64_t *cost, uint32_t allowed, int levels,
               struct hull *hull);

/**
 * The slope gain / cost as 64 bits that order like it.
 *
 * Local. Both are in 1 .. 2 HULL_LIMIT.
 * 7 bits of exponent, 52 of mantissa, 5 zeros; the quotient is rounded to the nearest double (2^-53
 * relative), so a steeper slope never has a lower key and slopes with gain and cost below 2^26 have
 * equal keys only if they are equal. The top 32 bits alone keep slopes apart that differ by 2^-25
 * relative; they are never 0 and never UINT32_MAX.
 */
uint64_t hull_slope_key(int64_t gain, int64_t cost);

#endif
