/**
 * The ranks of a run, how they agree, and the few collectives the program uses.
 *
 * A `struct comm` is passed down by pointer and never stored. A function that takes one is
 * collective: every rank calls it, in the same order, and all get the same status. A local step
 * that can fail is wrapped in TRY_ALL, which makes all ranks leave together with the failing rank's
 * message. Counts are int64_t; messages above the int limits of MPI are cut into pieces here and
 * nowhere else.
 */
#ifndef REMISE_MPI_COMM_H
#define REMISE_MPI_COMM_H

#include "mpi/status.h"

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct comm {
    MPI_Comm handle;
    int rank;
    int ranks;
};

/* What this rank has sent into collectives since the start; for scaling experiments. */
struct comm_traffic {
    int64_t collectives;
    int64_t bytes;
};

/**
 * Start MPI, open ScaLAPACK and describe the world; to be called once, before any other call here.
 * Sets the OMPIO lock and wait settings this stack needs before MPI_Init.
 * Errors: ERR_LAUNCH when N single-rank copies were started instead of one job of N ranks, or a
 * library is missing.
 */
enum status comm_start(struct comm *comm);

/**
 * End the run: MPI_Finalize on success, MPI_Abort with the exit code otherwise.
 * Collective if OK; does not return.
 */
_Noreturn void comm_end(const struct comm *comm, enum status status);

/** This rank alone, as a communicator. Local. */
struct comm comm_self(void);

/**
 * One rank without MPI, for what must not start it or would not find the other ranks there: all
 * functions here but comm_split work with it, and agree with nobody. Local.
 */
struct comm comm_alone(void);

/**
 * Split off the ranks with color 0 <= color as a new communicator; the caller ends it with
 * comm_free. Collective. A rank with color < 0 gets a comm with ranks = 0 and must not use it.
 */
enum status comm_split(const struct comm *comm, int color, struct comm *part);
/** Collective over part; NULL handle accepted. */
void comm_free(struct comm *part);

/**
 * Settle on one status: the worst {code, rank}; on failure the message of that rank reaches all.
 * Collective.
 * Cost: one reduction of 8 bytes; on failure one broadcast of 1 KiB.
 */
enum status comm_agree(const struct comm *comm, enum status mine);

/* Run a local step inside a collective function; all ranks leave through `done` together. */
#define TRY_ALL(comm, step)                                         \
    do {                                                            \
        if ((status = comm_agree((comm), (step))) != OK) goto done; \
    } while (0)

/**
 * For tests: let agreement number `agreement` (0-based, counted from this call) fail on `rank`. A
 * negative agreement switches it off. Also read from the environment: REMISE_FAULT=agreement:rank.
 * Local; call it on every rank with the same values.
 */
void comm_inject_fault(int64_t agreement, int rank);

/** Number of agreements since the last comm_inject_fault or the start. Local. */
int64_t comm_agreements(void);

/**
 * Sums, minima and maxima over the ranks, in place, on all ranks. Collective; count may be 0.
 * Integer sums are exact; doubles are only offered where the order cannot matter (min, max).
 */
void comm_sum_int64(const struct comm *comm, int64_t *x, int64_t count);
void comm_max_int64(const struct comm *comm, int64_t *x, int64_t count);
void comm_min_int64(const struct comm *comm, int64_t *x, int64_t count);
void comm_max_double(const struct comm *comm, double *x, int64_t count);
void comm_min_double(const struct comm *comm, double *x, int64_t count);

/**
 * Begin and end a sum of int64 that overlaps with other work. x belongs to MPI in between.
 * Collective.
 */
void comm_sum_int64_begin(const struct comm *comm, int64_t *x, int count, MPI_Request *request);
void comm_wait(MPI_Request *request);

/** Sum of x over the ranks before this one (0 on rank 0). Collective. */
int64_t comm_prefix_int64(const struct comm *comm, int64_t x);

/** Copy bytes from root to all ranks. Collective; the length is the same everywhere. */
void comm_broadcast(const struct comm *comm, void *data, int64_t bytes, int root);

/**
 * Concatenate each rank's bytes in rank order on every rank. For dictionaries and models, never for
 * rows of users. Collective. `all` is new, the caller frees it; NULL unless OK.
 * Cost: one reduction of the bytes of all ranks, two of 8 bytes, one agreement.
 */
enum status comm_gather_all(const struct comm *comm, const void *mine, int64_t bytes_mine,
                            void **all, int64_t *bytes_all);

/**
 * Send records to their ranks and receive what the others send, in order of source rank.
 * Collective.
 * send         in   records ordered by destination rank, record_bytes each
 * send_counts  in   [ranks] records for each rank
 * received     out  new, the caller frees it; NULL unless OK
 * Cost: every record moves once; O(ranks) bookkeeping.
 * Errors: ERR_MEMORY.
 */
enum status comm_exchange(const struct comm *comm, const void *send, const int64_t *send_counts,
                          size_t record_bytes, void **received, int64_t *received_count);

/** Wait until every rank is here. Collective. */
void comm_barrier(const struct comm *comm);

/** Traffic of this rank so far. Local. */
struct comm_traffic comm_traffic(void);

#endif
