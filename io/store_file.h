/**
 * The inside of a store, shared by io/store.c (files), io/store_write.c and io/store_read.c
 * (columns).
 */
#ifndef REMISE_IO_STORE_FILE_H
#define REMISE_IO_STORE_FILE_H

#include "io/store.h"

#include <hdf5.h>

enum { STORE_PATH_BYTES = 4096, STORE_NAME_BYTES = 512 };

/* A data set and how its rows lie in memory. */
struct store_span {
    hid_t set, type;
    int64_t width; /* values of a row, 1 for texts */
    size_t row_bytes;
};

struct store_writer {
    struct store_writer *next; /* another open column of the store */
    struct store *store;       /* not owned */
    struct store_span span;
    int64_t row, rows_left; /* of this rank: the next one, and how many are to come */
    char name[STORE_NAME_BYTES];
};

struct store {
    hid_t file;
    bool writing;
    int64_t reserved; /* bytes that have their place on the disk, known to rank 0 */
    int spare;        /* of rank 0: file without a name that holds room, -1 none */
    struct store_writer *open;
    char path[STORE_PATH_BYTES], temporary[STORE_PATH_BYTES];
};

/** New HDF5 type of one element: a number, or a text of `width` bytes. Local. */
hid_t store_make_type(enum store_type type, int64_t width);

/** OK if good, else `status` with a sentence on what could not be done. Local. */
enum status store_check(bool good, enum status status, const struct store *store, const char *what,
                        const char *name);

/**
 * Hold some room on the disk for what HDF5 writes of its own: where it cannot, ranks may wait for
 * each other for ever. It is let go just before they write. On rank 0.
 * Errors: ERR_MEMORY no room; ERR_WRITE.
 */
enum status store_hold_spare(struct store *store);

/**
 * Reserve the place of the file up to `end`, so that a full disk shows here and not in the middle
 * of a write, and let go of the room held. On rank 0.
 * Errors: those of store_hold_spare.
 */
enum status store_reserve(struct store *store, int64_t end);

/** One rank's rows to or from the file, below the limits of MPI-IO. Local; false if it failed. */
bool store_transfer(const struct store_span *span, int64_t first, int64_t rows, void *data,
                    bool write);

/** Give up the columns that are still open. Local. */
void store_drop_columns(struct store *store);

#endif
