/**
 * Sums of integers by key, merged where they arise and then over all ranks.
 *
 * A key is two words of 64 bits; the first names a group. What is added is summed in a table in
 * memory while there is room for its key; then the table goes to a distributed sort
 * (partition/sorter.h), which may spill to a file. In the end every key comes once, with its sums,
 * in order, no group parted. Integers add up exactly, so the sequence of records does not depend on
 * ranks, memory or the order of adding.
 */
#ifndef REMISE_JOBS_TALLY_H
#define REMISE_JOBS_TALLY_H

#include "partition/sorter.h"

#include <string.h>

enum { TALLY_SUMS = 3 };

struct tally_options {
    int64_t sums;         /* of each key, 1 .. TALLY_SUMS */
    int64_t memory_bytes; /* about; on each rank */
    int64_t batch_bytes;  /* as in struct sorter_options */
    const char *folder;   /* as in struct sorter_options */
    bool in_turn;         /* as in struct sorter_options */
};

/* A record of a tally with `sums` sums; those behind are not there. */
struct tally_record {
    uint64_t group, key;
    int64_t sum[TALLY_SUMS];
};

/* A record where there is one sum, which counts. */
struct tally_count {
    uint64_t group, key;
    int64_t count;
};

struct tally;

/** Begin an empty tally. Local. Free with tally_free. Errors: ERR_MEMORY; ERR_ARG the options. */
enum status tally_new(const struct tally_options *options, struct tally **tally);

/**
 * Add to the sums of a key. Local; not once records were taken, until they have all been.
 * sum  in  [sums]
 * Cost: O(1) expected.
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status tally_add(struct tally *tally, uint64_t group, uint64_t key, const int64_t *sum);

/** Begin to take the records; again, once all were taken. Collective. Errors: as sorter_open. */
enum status tally_open(const struct comm *comm, struct tally *tally);

/**
 * The next batch of records, 16 + 8 x sums bytes each, ascending in group and key, each key once.
 * Collective. Errors: as sorter_next.
 */
enum status tally_next(const struct comm *comm, struct tally *tally, struct sorter_batch *batch);

/** Free and null; accepts NULL inside. Local. */
void tally_free(struct tally **tally);

/** First record after `first` that is of another group, or count. Local. */
static inline int64_t tally_group_end(const struct tally_count *records, int64_t count,
                                      int64_t first)
{
    int64_t end = first + 1;
    while (end < count && records[end].group == records[first].group) end++;
    return end;
}

/** A key in the order of a number that is not NaN; 0 and -0 are one. Local. */
static inline uint64_t tally_key_of(double number)
{
    uint64_t bits, sign = (uint64_t)1 << 63;
    number += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &number, sizeof bits);
    return (bits & sign) != 0 ? ~bits : bits | sign;
}

/** The number of a key. Local. */
static inline double tally_number_of(uint64_t key)
{
    uint64_t sign = (uint64_t)1 << 63, bits = (key & sign) != 0 ? key & ~sign : ~key;
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

#endif
