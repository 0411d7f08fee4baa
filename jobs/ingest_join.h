/**
 * What the users table says of the users whose rows are at hand: both are in the order of users, so
 * one walk over both tells.
 */
#ifndef REMISE_JOBS_INGEST_JOIN_H
#define REMISE_JOBS_INGEST_JOIN_H

#include "jobs/ingest_read.h"

struct user_walk {
    const char *at; /* the rest of the users table's rows; not owned */
    int64_t left;
    size_t bytes; /* of one */
};

struct user_answer {
    bool known;   /* has a row in the users table */
    bool refuses; /* some row of it says no */
};

/** Begin at the first of a batch of ingest->users, empty if there is no table. Local. */
struct user_walk user_walk_begin(const struct ingest *ingest, const struct sorter_batch *users);

/** What is said of a user; ask in ascending order, the same again is allowed. Local. */
struct user_answer user_walk_to(struct user_walk *walk, struct user_key user);

/**
 * The next batch of a sorter that begins with the user, with the rows of its users.
 * Collective. Both batches are valid until the next call.
 */
enum status ingest_next(const struct comm *comm, const struct ingest *ingest, struct sorter *sorter,
                        struct sorter_batch *batch, struct sorter_batch *users);

/**
 * Reject the faulty rows, but those of users who refuse, and count repeats among them.
 * Collective. The sorter is freed.
 */
enum status ingest_reject_faulty(const struct comm *comm, struct ingest *ingest);

#endif
