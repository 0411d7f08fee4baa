/**
 * Users who are to be forgotten: what they did is dropped where it is read, so that everything
 * after is as if the tables did not have them.
 *
 * The ids stand in the configuration (privacy.forget) or in a file (privacy.forget_file); here they
 * are keys already, and raw ids are kept nowhere.
 */
#ifndef REMISE_JOBS_FORGET_H
#define REMISE_JOBS_FORGET_H

#include "jobs/config.h"
#include "mpi/comm.h"
#include "partition/users.h"

struct forget_list {
    int64_t count;        /* distinct users; 0: nobody, and the rest is NULL */
    struct user_key *key; /* [count] ascending */
    uint8_t *met;         /* [count] a row of the user was seen here */
    int bits;
    int64_t *start; /* [2^bits + 1] first key of each value of the top bits: about one each */
};

/**
 * Read who is to be forgotten.
 * Collective. Rank 0 reads the file.
 * secret  in   [USER_SECRET_BYTES]
 * list    out  the same on every rank; free with forget_clear
 * The file has one id a line, as it stands in the tables but without quotes; blank lines and lines
 * that begin with # are comments. A warning is given where others can read it.
 * Memory: 24 bytes a user to forget.
 * Errors: ERR_NO_INPUT the file is not there; ERR_DATA a NUL byte in it; ERR_IO; ERR_MEMORY.
 */
enum status forget_read(const struct comm *comm, const struct config *config,
                        const unsigned char *secret, struct forget_list *list);

/** Is the user to be forgotten? Local, O(1). Remembers that the user was met. */
bool forget_has(struct forget_list *list, struct user_key key);

/** Say how many of the users stand in no table: a slip of the pen is worth knowing. Collective. */
enum status forget_report(const struct comm *comm, const struct forget_list *list);

/** Free; accepts a zeroed struct. Local. */
void forget_clear(struct forget_list *list);

#endif
