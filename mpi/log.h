/**
 * What the run tells people: lines on stderr, the same as JSON in log.jsonl, and a progress line.
 *
 * Rank 0 writes; the other ranks' calls return at once, so any rank may call. On a terminal
 * progress is one rewritten bar; in a batch log it is a line at most every ten seconds. Results go
 * to stdout, never the log.
 */
#ifndef REMISE_MPI_LOG_H
#define REMISE_MPI_LOG_H

#include "mpi/comm.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/** Say who writes and how much. Local; call on every rank after comm_start. */
void log_start(const struct comm *comm, enum log_level level);

/** Also append every line as JSON to this file (rank 0), NULL to stop. Local. Errors: ERR_WRITE. */
enum status log_open(const char *path);

/** One line; a newline is added. Local. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/**
 * Show that `done` of `total` units of `what` are done; cheap enough for every block or iteration.
 * Local.
 */
void log_progress(const char *what, int64_t done, int64_t total);

/**
 * Say what a stage is about to hold, before it does: the largest rank's bytes and the sum of all.
 * Collective.
 * bytes  in  of this rank
 * Cost: two reductions of 8 bytes.
 */
void log_need(const struct comm *comm, int64_t bytes);

/** Seconds since an arbitrary start, monotonic. Local. */
double clock_seconds(void);

#endif
