/* User keys, blocks and the balanced cut. */
#include "partition/users.h"

#include "mpi/memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { USERS_PER_BLOCK = 2048, BITS_MIN = 6, BITS_MAX = 16 };

struct user_key user_key_of(const unsigned char *secret, const char *id, size_t bytes)
{
    unsigned char hash[16];
    struct user_key key = {0, 0};
    crypto_generichash_blake2b(hash, sizeof hash, (const unsigned char *)id, bytes, secret,
                               USER_SECRET_BYTES);
    for (int i = 0; i < 8; i++) {
        key.high = key.high << 8 | hash[i];
        key.low = key.low << 8 | hash[8 + i];
    }
    return key;
}

int user_key_compare(struct user_key a, struct user_key b)
{
    if (a.high != b.high) return a.high < b.high ? -1 : 1;
    if (a.low != b.low) return a.low < b.low ? -1 : 1;
    return 0;
}

int user_fold(struct user_key key, uint64_t purpose, int folds)
{
    /* the low half decides no block; a multiply-xorshift mix (Steele et al. 2014) keeps purposes
     * apart */
    uint64_t x = key.low + purpose * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return (int)((x >> 32) * (uint64_t)folds >> 32);
}

int user_block_bits(int64_t users_total)
{
    int bits = BITS_MIN;
    while (bits < BITS_MAX && ((int64_t)USERS_PER_BLOCK << bits) < users_total) bits++;
    return bits;
}

int64_t user_block(struct user_key key, int bits)
{
    return (int64_t)(key.high >> (64 - bits));
}

enum status user_cut_make(const struct comm *comm, int bits, int64_t *weight, struct user_cut *cut)
{
    enum status status = OK;
    int64_t blocks = (int64_t)1 << bits, total = 0, before = 0;
    *cut = (struct user_cut){.bits = bits, .ranks = comm->ranks};
    TRY_ALL(comm, memory_new(&cut->rank_first, (int64_t)comm->ranks + 1, sizeof *cut->rank_first));
    comm_sum_int64(comm, weight, blocks);
    for (int64_t b = 0; b < blocks; b++) total += weight[b];
    int rank = 1;
    for (int64_t b = 0; b < blocks; b++) {
        /* a block goes to the rank in whose share of the weight its middle lies */
        double middle = (double)before + 0.5 * (double)weight[b];
        while (rank < comm->ranks && middle * comm->ranks >= (double)total * rank)
            cut->rank_first[rank++] = b;
        before += weight[b];
    }
    while (rank <= comm->ranks) cut->rank_first[rank++] = blocks;
done:
    if (status != OK) user_cut_clear(cut);
    return status;
}

int user_cut_owner(const struct user_cut *cut, int64_t block)
{
    int low = 0, high = cut->ranks; /* rank_first[low] <= block < rank_first[high] */
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (cut->rank_first[middle] <= block)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void user_cut_clear(struct user_cut *cut)
{
    free(cut->rank_first);
    *cut = (struct user_cut){0};
}
