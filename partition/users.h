/**
 * Users: their pseudonyms, the blocks they fall into, and which rank owns which block.
 *
 * A user's key is the keyed BLAKE2b hash of the id, 128 bits; users are ordered by key and cut into
 * 2^bits blocks by its top bits. The number of blocks depends on the number of users alone; ranks
 * own contiguous runs of blocks with about the same number of events. Splits and folds come from
 * the key too, so that they follow the user anywhere.
 */
#ifndef REMISE_PARTITION_USERS_H
#define REMISE_PARTITION_USERS_H

#include "mpi/comm.h"

enum { USER_SECRET_BYTES = 32 };

struct user_key {
    uint64_t high, low;
};

/**
 * The pseudonym of an id of `bytes` bytes under a secret of USER_SECRET_BYTES. Local.
 * Source: RFC 7693.
 */
struct user_key user_key_of(const unsigned char *secret, const char *id, size_t bytes);

/** -1, 0, 1 as a stands before, at or after b in the order of users. Local. */
int user_key_compare(struct user_key a, struct user_key b);

/**
 * The fold of a user, uniform in [0, folds), independent of its block and different for each
 * purpose. Local.
 */
int user_fold(struct user_key key, uint64_t purpose, int folds);

/* Who owns which block of users. */
struct user_cut {
    int bits; /* 2^bits blocks */
    int ranks;
    int64_t *rank_first; /* [ranks + 1] first block of each rank */
};

/**
 * Number of bits for this many users: blocks of about 2,048 users, at least 64 and at most 65,536
 * blocks. Local.
 */
int user_block_bits(int64_t users_total);

/** Block of a key. Local. */
int64_t user_block(struct user_key key, int bits);

/**
 * Give each rank a contiguous run of blocks of about equal weight.
 * Collective.
 * weight  in  [2^bits] this rank's events per block (summed over ranks inside; overwritten)
 * Free with user_cut_clear.
 * Cost: one reduction of 8 * 2^bits bytes.
 * Errors: ERR_MEMORY.
 */
enum status user_cut_make(const struct comm *comm, int bits, int64_t *weight, struct user_cut *cut);

/** Rank that owns a block. Local, O(log ranks). */
int user_cut_owner(const struct user_cut *cut, int64_t block);
/** Free; accepts a zeroed struct. Local. */
void user_cut_clear(struct user_cut *cut);

#endif
