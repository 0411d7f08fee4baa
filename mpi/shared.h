/**
 * Memory that the ranks of one node have in common, for tables that every rank reads and each
 * writes a part of: once per node, not once per rank.
 *
 * Where a node has no room for such memory each rank keeps a copy of its own, and is a node of its
 * own from then on; callers need not care. A rank writes its part, shared_publish carries the parts
 * to all nodes, then every rank may read all of it. Before the next writing there must be a call in
 * which all ranks wait for each other, such as an agreement, after the last reading.
 */
#ifndef REMISE_MPI_SHARED_H
#define REMISE_MPI_SHARED_H

#include "mpi/comm.h"

/* The ranks of this node, and one rank of each node. */
struct nodes {
    struct comm node;
    struct comm leaders; /* on the first rank of each node; ranks = 0 elsewhere */
    int *leader;         /* [ranks] the rank among leaders of each rank's node */
};

struct shared {
    void *data; /* zeroed at first, aligned to 64 */
    int64_t bytes;
    bool mapped;
};

/**
 * Find the nodes. Collective. Free with nodes_free, also on failure. Errors: ERR_MEMORY.
 */
enum status nodes_find(const struct comm *comm, struct nodes *nodes);
/** Collective; accepts a zeroed struct. */
void nodes_free(struct nodes *nodes);

/** For tests: at most so many ranks are a node in later calls of nodes_find; 0: as they are. Local,
 * with the same value on every rank. */
void nodes_limit(int ranks);

/**
 * Make memory of `bytes` bytes, the same number everywhere.
 *
 * Collective.
 * nodes   in out  each rank a node of its own, if this node has no room for common memory
 * shared  out     the caller frees it with shared_free
 * Errors: ERR_MEMORY.
 */
enum status shared_new(const struct comm *comm, struct nodes *nodes, int64_t bytes,
                       struct shared *shared);
/** Free; accepts a zeroed struct. Local. */
void shared_free(struct shared *shared);

/**
 * Let all ranks see what each has written: bytes_mine bytes from byte first_mine on, no two of them
 * the same byte.
 *
 * Collective.
 * Cost: the bytes of each node go to the others once; two barriers.
 * Errors: ERR_MEMORY.
 */
enum status shared_publish(const struct comm *comm, const struct nodes *nodes,
                           struct shared *shared, int64_t first_mine, int64_t bytes_mine);

#endif
