/**
 * An HDF5 file of columns, written and read by all ranks, that appears under its name only when
 * whole.
 *
 * A column is a data set [rows] or [rows][width]; every rank owns one contiguous run of its rows,
 * in rank order. Small things that all ranks hold (a dictionary, a model) are columns whose rows
 * rank 0 brings. Layout, order and bytes of the file depend on the data alone: no times, no rank
 * counts, early allocation, contiguous storage. What was written is read back and compared before
 * the file gets its name: on a full disk HDF5 may report success.
 */
#ifndef REMISE_IO_STORE_H
#define REMISE_IO_STORE_H

#include "mpi/comm.h"
#include "partition/dictionary.h"

enum store_type { STORE_U8, STORE_I32, STORE_I64, STORE_U64, STORE_F32, STORE_F64, STORE_TEXT };

/* Declared once per data set, beside the code that writes it. */
struct store_column {
    const char *name; /* path inside the file, e.g. "events/time"; groups are made as needed */
    enum store_type type;
    int64_t width;    /* values per row; bytes per text (padded with 0) for STORE_TEXT; 0 means 1 */
    const char *unit; /* "cents", "s since 1970", "" where there is none */
    const char *help; /* one sentence */
};

struct store;
struct store_writer; /* a column that is being written */

/**
 * Start `path` under a temporary name, readable by the owner only. Collective.
 * Needs 256 KiB of the disk more than the file until it is done.
 * Errors: ERR_WRITE; ERR_MEMORY no room.
 */
enum status store_create(const struct comm *comm, const char *path, struct store **store);

/**
 * Begin a column that is written piece by piece: rows_local rows of this rank, after those of the
 * lower ranks. Several columns may be open at once, so that one pass over the source fills them
 * all; the file is the same as if store_write had written them in the order of their beginnings.
 * Collective; rows_local may be 0.
 * writer  out  ends with store_end_column, or with the store
 * Errors: ERR_WRITE; ERR_MEMORY no room on the disk, where the place of all rows is reserved now.
 */
enum status store_begin_column(const struct comm *comm, struct store *store,
                               const struct store_column *column, int64_t rows_local,
                               struct store_writer **writer);

/**
 * Write the next rows of this rank and compare what stands in the file with them.
 * Collective: as many calls on every rank; rows may be 0.
 * Memory: a copy of at most 16 MiB.
 * Cost: one contiguous write and one read back per rank; below the limits of MPI-IO.
 * Errors: ERR_WRITE, ERR_MEMORY; ERR_BUG more rows than announced.
 */
enum status store_put(const struct comm *comm, struct store_writer *writer, const void *data,
                      int64_t rows);

/**
 * End a column; *writer is NULL afterwards in any case.
 * Collective. Errors: ERR_BUG rows are missing.
 */
enum status store_end_column(const struct comm *comm, struct store_writer **writer);

/**
 * Write one column at once: rows_local rows of this rank, after those of the lower ranks.
 * Collective; rows_local may be 0.
 * Memory, cost and errors: those of store_begin_column and one store_put.
 */
enum status store_write(const struct comm *comm, struct store *store,
                        const struct store_column *column, const void *data, int64_t rows_local);

/**
 * Write texts 0 .. count - 1 of a dictionary as one text column.
 * Collective; the same on every rank.
 */
enum status store_write_dictionary(const struct comm *comm, struct store *store, const char *name,
                                   const char *help, const struct dictionary *dictionary);

/** Attach a text to the file under `name` (the fingerprint, the configuration). Collective. */
enum status store_write_note(const struct comm *comm, struct store *store, const char *name,
                             const char *text);

/**
 * Close, fsync, rename to the final name, free.
 * Collective. On failure the temporary file is removed.
 * Errors: ERR_WRITE, ERR_MEMORY; ERR_BUG a column is not ended.
 */
enum status store_commit(const struct comm *comm, struct store **store);

/**
 * Open an existing file for reading. Collective; with comm_alone() it needs no MPI.
 * Errors: ERR_NO_INPUT; ERR_DATA not an HDF5 file, or cut short.
 */
enum status store_open(const struct comm *comm, const char *path, struct store **store);

/**
 * Rows of a column over all ranks, -1 if it is not there; its width in *width unless NULL.
 * Collective.
 */
int64_t store_rows(const struct comm *comm, const struct store *store, const char *name,
                   int64_t *width);

/**
 * Read rows first .. first + rows - 1 of a column into data (rows * width values).
 * Collective; each rank its own range. The type asked for must be the type stored.
 * Errors: ERR_IO missing, of another type or shorter; names the column.
 */
enum status store_read(const struct comm *comm, const struct store *store, const char *name,
                       enum store_type type, int64_t first, int64_t rows, void *data);

/** Read a dictionary on all ranks. Collective. Free with dictionary_clear. */
enum status store_read_dictionary(const struct comm *comm, const struct store *store,
                                  const char *name, struct dictionary *dictionary);

/** Read a note; *text is new, "" if absent; the caller frees it. Collective. */
enum status store_read_note(const struct comm *comm, const struct store *store, const char *name,
                            char **text);

/**
 * Close a file opened for reading, or abandon one being written, with its open columns (its
 * temporary file is removed).
 * Collective; accepts NULL inside.
 */
void store_close(const struct comm *comm, struct store **store);

/** Bytes of one value of a type; 1 for STORE_TEXT. Local. */
size_t store_type_bytes(enum store_type type);

#endif
