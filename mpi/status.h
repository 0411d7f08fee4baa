/**
 * Results of functions, and the message that explains a failure.
 *
 * Every function that can fail returns an `enum status`. Where it fails it calls FAIL, which
 * records file, line and message for this rank; callers pass the status up with TRY, and the ranks
 * settle on one status and one message with TRY_ALL (mpi/comm.h). The process ends with
 * status_exit_code.
 */
#ifndef REMISE_MPI_STATUS_H
#define REMISE_MPI_STATUS_H

/* name, exit code (sysexits.h), text */
#define STATUS_LIST(X)                                         \
    X(OK, 0, "done")                                           \
    X(ERR_USAGE, 64, "wrong usage")                            \
    X(ERR_DATA, 65, "input data not acceptable")               \
    X(ERR_NUMERIC, 65, "numerically impossible")               \
    X(ERR_ARG, 65, "argument out of range")                    \
    X(ERR_NO_INPUT, 66, "input missing")                       \
    X(ERR_LAUNCH, 69, "wrong MPI launch")                      \
    X(ERR_BUG, 70, "internal error")                           \
    X(ERR_MEMORY, 71, "out of memory or disk")                 \
    X(ERR_WRITE, 73, "cannot write")                           \
    X(ERR_IO, 74, "input/output error")                        \
    X(ERR_STOPPED, 75, "stopped early, run again to continue") \
    X(ERR_CONFIG, 78, "configuration not acceptable")

#define STATUS_ENUM(name, code, text) name,
enum status { STATUS_LIST(STATUS_ENUM) STATUS_COUNT };
#undef STATUS_ENUM

/** Exit code of a status (sysexits). Local. */
int status_exit_code(enum status status);

/** One line of text for a status; a constant. Local. */
const char *status_text(enum status status);

/**
 * Record why this rank failed and return `status`; called through FAIL.
 * Local, keeps the first 1 KiB.
 */
enum status status_fail(enum status status, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** The message recorded last on this rank, "" if none; valid until the next failure. Local. */
const char *status_message(void);

/**
 * Where this rank failed last, "file:line", "" if it did not; it stands in the message only for our
 * own errors (ERR_BUG). Local.
 */
const char *status_place(void);

/** Replace the recorded message, as agreement does with the failing rank's. Local. */
void status_set_message(const char *message);

/* Fail here: records the place and the message, evaluates to the status. */
#define FAIL(status, ...) status_fail((status), __FILE__, __LINE__, __VA_ARGS__)

/* Run a step that returns a status; on failure leave through the label `done`.
 * Needs `enum status status` in scope. For local steps of local functions, and for collective
 * functions, whose status all ranks already share. */
#define TRY(step)                               \
    do {                                        \
        if ((status = (step)) != OK) goto done; \
    } while (0)

#endif
