/**
 * A distributed sort of records that need not fit in memory: fill it on every rank, then take the
 * records in their order, batch by batch, each rank its own stretch of the whole.
 *
 * A record is any struct of fixed size that begins with `words` numbers of 64 bits: its place in
 * the order, compared word by word, the first word first, unsigned. The first `group_words` name a
 * group: records of one group always come in one batch. What is added is collected in runs, each
 * sorted, in memory up to a limit and beyond it in a file without a name (partition/spool.h). When
 * the records are taken, cuts of the order are chosen from samples, and in each round every rank
 * gets the records between two cuts from all others.
 *
 * So the sequence of records is a function of what was added alone: the same at any number of ranks
 * and any limit of memory, if the words order all records that differ.
 */
#ifndef REMISE_PARTITION_SORTER_H
#define REMISE_PARTITION_SORTER_H

#include "mpi/comm.h"

struct sorter_options {
    size_t record_bytes;  /* a multiple of 8 */
    int words;            /* that order the records, >= 1 */
    int group_words;      /* that are never parted, 1 .. words */
    int64_t memory_bytes; /* for records, on each rank; beyond it they go to a file */
    int64_t batch_bytes;  /* about so much a batch, more if a group is larger; 0: 16 MiB */
    const char *folder;   /* of the file; borrowed while the sorter lives */
    bool in_turn; /* true: the first batches of all ranks, in rank order, come before all second
                     batches, and so on, in the order of the records; false: all batches of a rank
                     come before those of the next, so each rank gets one stretch */
};

/* What one call of sorter_next brings to this rank. */
struct sorter_batch {
    void *records; /* [count] in order; may be changed; valid until the next call */
    int64_t count; /* may be 0 */
    bool more;     /* the same on every rank: call again */
};

struct sorter;

/** Begin an empty sorter. Local. Errors: ERR_MEMORY; ERR_ARG the options. */
enum status sorter_new(const struct sorter_options *options, struct sorter **sorter);

/**
 * Add a record. Local; not once records were taken, until they have all been.
 * Cost: a copy; every so often a run is sorted.
 * Errors: ERR_MEMORY, ERR_WRITE; after one the sorter is only good for sorter_free.
 */
enum status sorter_add(struct sorter *sorter, const void *record);

/** Records added here. Local. */
int64_t sorter_count(const struct sorter *sorter);

/**
 * Begin to take the records. Collective. May be done again after the last batch: the records stay.
 * Cost: one gather of some thousand samples, more where there are very many runs or batches.
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO.
 */
enum status sorter_open(const struct comm *comm, struct sorter *sorter);

/**
 * The next batch. Collective.
 * Memory: three batches beside the records, and 32 bytes for each record of one.
 * Cost: one exchange of a batch on each rank.
 * Errors: ERR_MEMORY, ERR_IO; ERR_BUG after the last batch or before sorter_open.
 */
enum status sorter_next(const struct comm *comm, struct sorter *sorter, struct sorter_batch *batch);

/**
 * Follow another sorter that is open: after each sorter_next(leader), bring those records of
 * `sorter` whose first `words` words equal those of a group that could be in the leader's batch.
 * Collective. So both can be joined on these words, also where the leader's records of one such key
 * are spread over several batches or ranks; a record may therefore come more than once.
 * sorter  in   needs no sorter_open; what was added is taken in at the first call
 * words   in   1 .. leader's group_words, and <= sorter's group_words
 * batch   out  sorted; `more` is the leader's; its size is not bounded by batch_bytes
 * Every record of `sorter` comes at least once while the leader is taken to its end, and, if words
 * are all of the leader's group_words, once.
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO; ERR_ARG words.
 */
enum status sorter_follow(const struct comm *comm, struct sorter *leader, struct sorter *sorter,
                          int words, struct sorter_batch *batch);

/** Bytes of records held in memory, and in the file, on this rank. Local. */
int64_t sorter_memory_bytes(const struct sorter *sorter);
int64_t sorter_file_bytes(const struct sorter *sorter);

/** Free and null; accepts NULL inside. Local. */
void sorter_free(struct sorter **sorter);

#endif
