/**
 * The users of the data set: all who consent and have a row in any table, in the order of their
 * keys, with their attributes and how many events and offers each has.
 */
#ifndef REMISE_JOBS_INGEST_PEOPLE_H
#define REMISE_JOBS_INGEST_PEOPLE_H

#include "jobs/ingest_final.h"

struct people {
    struct users users; /* blocks without start: rows need not end at blocks */
    int64_t capacity;
    int64_t *events, *offers; /* [rows_local] of each user */
    struct user_value *value; /* [rows_local][attributes] until they are settled */
    int64_t refusing;         /* users left out, over all ranks */
};

/**
 * Gather this rank's stretch of the users.
 * Collective; the users' sorter and the counts are freed.
 * Of several rows of a user in the users table the first counts; the others are rejected.
 * Where an attribute is missing ingest.missing.attributes says what stands in.
 * people  out  free with people_clear
 * Memory: 32 bytes and 16 per attribute for each user of this rank.
 * Errors: ERR_MEMORY; ERR_DATA too many texts in an attribute.
 */
enum status ingest_people(const struct comm *comm, struct ingest *ingest, struct people *people);
/** Free; accepts a zeroed struct. Local. */
void people_clear(struct people *people);

#endif
