/**
 * The part of a CSV file that is in memory: read in order, indexed, and moved on while rows are
 * taken from it.
 *
 * A window holds text[0 .. bytes-1] from `offset` on, the byte before it in text[-1], and the
 * positions of delimiters, quotes and line ends in `index`. At the end of the file a line end is
 * added at text[bytes] (not counted in bytes) and indexed, so the last row ends like any other.
 * Plain files are read by position, gzip files as a stream. All local.
 */
#ifndef REMISE_IO_CSV_WINDOW_H
#define REMISE_IO_CSV_WINDOW_H

#include "io/csv_index.h"
#include "mpi/status.h"

struct csv_source; /* an open file */

/**
 * Open a regular file; close it with csv_source_close.
 * stored_bytes  out  its size as stored
 * Errors: ERR_NO_INPUT with the reason; ERR_MEMORY.
 */
enum status csv_source_open(const char *path, struct csv_source **source, int64_t *stored_bytes);

/** Whether it is compressed, seen from its first two bytes. */
bool csv_source_gzip(const struct csv_source *source);

/** Go to an offset of the text; a gzip file can only go forward. Errors: ERR_IO. */
enum status csv_source_seek(struct csv_source *source, int64_t offset);

/**
 * Read the next bytes; *got is smaller only at the end of the file.
 * Errors: ERR_IO, also a damaged gzip stream.
 */
enum status csv_source_read(struct csv_source *source, char *text, int64_t bytes, int64_t *got);

/**
 * Bytes of the file as stored that what was read so far stands in; of a gzip file with up to 256
 * KiB of text more.
 */
int64_t csv_source_stored(const struct csv_source *source);

/** Accepts NULL inside. */
void csv_source_close(struct csv_source **source);

struct csv_window {
    struct csv_source *source; /* not owned */
    enum csv_kernel kernel;
    char delimiter;
    char *text; /* see above; CSV_INDEX_SLACK bytes readable behind */
    int64_t bytes;
    int64_t capacity;
    int64_t offset; /* of text[0] in the text of the file */
    uint32_t *index;
    int64_t index_count;
    bool at_end; /* the file ends with this window */
    bool clean;  /* no 0, and valid UTF-8 but for a last character that goes on behind it */
};

/**
 * Make an empty window that will start at the source's position.
 * before    in  the byte before the first
 * capacity  in  bytes, at least 1; grows when a row needs it
 * Errors: ERR_MEMORY.
 */
enum status csv_window_init(struct csv_window *window, struct csv_source *source, int64_t offset,
                            char before, char delimiter, int64_t capacity);

/** Empty the window, to start at `offset` of a source. */
void csv_window_restart(struct csv_window *window, struct csv_source *source, int64_t offset,
                        char before);

/**
 * Drop the text before `from`, read about `bytes` more behind the rest, and index all of it.
 * from   in  in [0, window->bytes]; becomes position 0
 * bytes  in  wanted, at least 1
 * Errors: ERR_IO, ERR_MEMORY; ERR_BUG at the end of the file.
 */
enum status csv_window_advance(struct csv_window *window, int64_t from, int64_t bytes);

/** Index again with another delimiter. */
void csv_window_index(struct csv_window *window, char delimiter);

/** Free; accepts a zeroed struct. */
void csv_window_clear(struct csv_window *window);

#endif
