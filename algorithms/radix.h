/**
 * Weighted selection over the ranks: the key at which the highest keys fill a limit.
 *
 * Keys are 64 bits and higher is better; weights are positive integers. The key is found digit by
 * digit (four digits of 16 bits), each from one histogram summed over the ranks: exact, no
 * iteration, no sorting, and the same at any number of ranks. The items stay with the caller, who
 * offers all of them once per digit:
 *
 *     radix_begin(&radix);
 *     do {
 *         for each item: radix_add(&radix, key, weight);
 *     } while (radix_step(comm, &radix, limit));
 */
#ifndef REMISE_ALGORITHMS_RADIX_H
#define REMISE_ALGORITHMS_RADIX_H

#include "mpi/comm.h"

enum { RADIX_BITS = 16, RADIX_DIGITS = 1 << RADIX_BITS };

struct radix {
    int64_t *mine;     /* [RADIX_DIGITS] weight per digit on this rank, 0 between steps */
    int64_t *all;      /* [RADIX_DIGITS] the same over all ranks */
    int64_t low, high; /* digits seen on this rank; low > high while there are none */
    int shift;         /* of the digit being counted */
    uint64_t prefix;   /* the digits above it, found so far */

    bool fits;          /* result: the weight of all items is within the limit; no threshold */
    uint64_t threshold; /* result: weight(key > threshold) <= limit < weight(key >= threshold) */
    int64_t above;      /* result: weight(key > threshold) over all ranks */
    int64_t mine_at;    /* result: weight(key == threshold) on this rank */
};

/** Allocate the histograms, 1 MiB. Local. Free with radix_clear. Errors: ERR_MEMORY. */
enum status radix_init(struct radix *radix);
/** Free; accepts a zeroed struct. Local. */
void radix_clear(struct radix *radix);

/** Start a new selection. Local. */
void radix_begin(struct radix *radix);

/** Offer one item, weight > 0; those outside of the digits found so far are passed over. Local. */
static inline void radix_add(struct radix *radix, uint64_t key, int64_t weight)
{
    uint64_t digits = key >> radix->shift;
    if ((digits ^ radix->prefix) >> RADIX_BITS != 0) return;
    int64_t digit = (int64_t)(digits & (RADIX_DIGITS - 1));
    radix->mine[digit] += weight;
    if (digit < radix->low) radix->low = digit;
    if (digit > radix->high) radix->high = digit;
}

/**
 * Settle the digit that was counted; true while another one is to be counted.
 *
 * Collective: the same answer on every rank. The weight of all items must fit int64.
 * Cost: a reduction of 16 bytes and one of 8 bytes per digit between the lowest and highest in use.
 */
bool radix_step(const struct comm *comm, struct radix *radix, int64_t limit);

#endif
