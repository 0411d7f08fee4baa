/* Columns of a store, written piece by piece, each piece read back. */
#include "io/store_file.h"

#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 30, CHECK_BYTES = 1 << 24 };

static void write_attribute(hid_t object, const char *name, const char *text)
{
    size_t bytes = strlen(text);
    hid_t type = store_make_type(STORE_TEXT, bytes > 0 ? (int64_t)bytes : 1),
          space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) {
        H5Awrite(attribute, type, bytes > 0 ? text : "\0");
        H5Aclose(attribute);
    }
    H5Sclose(space);
    H5Tclose(type);
}

static hid_t create_column(struct store *store, const struct store_column *column, hid_t type,
                           int64_t rows, int64_t width)
{
    hsize_t shape[2] = {(hsize_t)rows, (hsize_t)width};
    hid_t space = H5Screate_simple(width > 1 ? 2 : 1, shape, NULL);
    hid_t link = H5Pcreate(H5P_LINK_CREATE), create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    H5Pset_obj_track_times(create, false);
    H5Pset_layout(create, H5D_CONTIGUOUS);
    H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
    hid_t set = H5Dcreate2(store->file, column->name, type, space, link, create, H5P_DEFAULT);
    H5Pclose(create);
    H5Pclose(link);
    H5Sclose(space);
    return set;
}

/* Where its values end in the file: their place is known from the beginning. */
static int64_t end_of(hid_t set)
{
    hsize_t bytes = H5Dget_storage_size(set);
    return bytes > 0 ? (int64_t)(H5Dget_offset(set) + bytes) : 0;
}

bool store_transfer(const struct store_span *span, int64_t first, int64_t rows, void *data,
                    bool write)
{
    int64_t piece = PIECE_BYTES / (int64_t)span->row_bytes;
    hid_t place = H5Dget_space(span->set);
    bool good = true;
    if (piece == 0) piece = 1;
    for (int64_t done = 0; done < rows && good; done += piece) {
        int64_t now = rows - done < piece ? rows - done : piece;
        hsize_t start[2] = {(hsize_t)(first + done), 0};
        hsize_t count[2] = {(hsize_t)now, (hsize_t)span->width};
        hid_t memory = H5Screate_simple(span->width > 1 ? 2 : 1, count, NULL);
        char *at = (char *)data + (size_t)done * span->row_bytes;
        H5Sselect_hyperslab(place, H5S_SELECT_SET, start, NULL, count, NULL);
        good = (write ? H5Dwrite(span->set, span->type, memory, place, H5P_DEFAULT, at)
                      : H5Dread(span->set, span->type, memory, place, H5P_DEFAULT, at)) >= 0;
        H5Sclose(memory);
    }
    H5Sclose(place);
    return good;
}

/* What stands in the file is what was meant: compare piece by piece. */
static enum status read_back(const struct store_writer *writer, const char *data, int64_t rows)
{
    const struct store_span *span = &writer->span;
    int64_t piece = CHECK_BYTES / (int64_t)span->row_bytes;
    char *copy = NULL;
    if (piece == 0) piece = 1;
    enum status status = memory_new(&copy, piece < rows ? piece : rows, span->row_bytes);
    for (int64_t done = 0; done < rows && status == OK; done += piece) {
        int64_t now = rows - done < piece ? rows - done : piece;
        bool good =
            store_transfer(span, writer->row + done, now, copy, false) &&
            memcmp(copy, data + (size_t)done * span->row_bytes, (size_t)now * span->row_bytes) == 0;
        status = store_check(good, ERR_WRITE, writer->store, "read back", writer->name);
    }
    free(copy);
    return status;
}

/* ---- a column piece by piece ---- */

static void writer_free(struct store_writer *writer)
{
    if (writer == NULL) return;
    if (writer->span.set >= 0) H5Dclose(writer->span.set);
    if (writer->span.type >= 0) H5Tclose(writer->span.type);
    free(writer);
}

void store_drop_columns(struct store *store)
{
    while (store->open != NULL) {
        struct store_writer *writer = store->open;
        store->open = writer->next;
        writer_free(writer);
    }
}

static enum status writer_new(struct store *store, const struct store_column *column,
                              int64_t rows_local, struct store_writer **out)
{
    int64_t values = column->width > 0 ? column->width : 1;
    enum status status = memory_new(out, 1, sizeof **out);
    if (status != OK) return status;
    struct store_writer *writer = *out;
    writer->store = store;
    writer->rows_left = rows_local;
    writer->span =
        (struct store_span){.set = H5I_INVALID_HID,
                            .type = store_make_type(column->type, values),
                            .width = column->type == STORE_TEXT ? 1 : values,
                            .row_bytes = (size_t)values * store_type_bytes(column->type)};
    snprintf(writer->name, sizeof writer->name, "%s", column->name);
    return OK;
}

enum status store_begin_column(const struct comm *comm, struct store *store,
                               const struct store_column *column, int64_t rows_local,
                               struct store_writer **out)
{
    enum status status = OK;
    struct store_writer *writer = NULL;
    int64_t total = rows_local;
    *out = NULL;
    TRY_ALL(comm, writer_new(store, column, rows_local, &writer));
    writer->row = comm_prefix_int64(comm, rows_local);
    comm_sum_int64(comm, &total, 1);
    hid_t set = create_column(store, column, writer->span.type, total, writer->span.width);
    writer->span.set = set;
    TRY_ALL(comm, store_check(set >= 0, ERR_WRITE, store, "create", column->name));
    write_attribute(set, "unit", column->unit);
    write_attribute(set, "help", column->help);
    TRY_ALL(comm, comm->rank == 0 ? store_reserve(store, end_of(set)) : OK);
    bool good = H5Fflush(store->file, H5F_SCOPE_LOCAL) >= 0;
    TRY_ALL(comm, store_check(good, ERR_WRITE, store, "flush", column->name));
    TRY_ALL(comm, comm->rank == 0 ? store_hold_spare(store) : OK);
    writer->next = store->open;
    store->open = writer;
    *out = writer;
    writer = NULL;
done:
    writer_free(writer);
    return status;
}

static enum status put(struct store_writer *writer, const void *data, int64_t rows)
{
    enum status status = OK;
    if (rows > writer->rows_left)
        TRY(FAIL(ERR_BUG, "%s: %s gets %lld rows where %lld are left", writer->store->path,
                 writer->name, (long long)rows, (long long)writer->rows_left));
    bool good = store_transfer(&writer->span, writer->row, rows, (void *)(uintptr_t)data, true);
    TRY(store_check(good, ERR_WRITE, writer->store, "write", writer->name));
    TRY(read_back(writer, data, rows));
    writer->row += rows;
    writer->rows_left -= rows;
done:
    return status;
}

enum status store_put(const struct comm *comm, struct store_writer *writer, const void *data,
                      int64_t rows)
{
    return comm_agree(comm, put(writer, data, rows));
}

enum status store_end_column(const struct comm *comm, struct store_writer **out)
{
    struct store_writer *writer = *out, **link = &writer->store->open;
    enum status status =
        comm_agree(comm, writer->rows_left == 0
                             ? OK
                             : FAIL(ERR_BUG, "%s: %lld rows of %s are missing", writer->store->path,
                                    (long long)writer->rows_left, writer->name));
    while (*link != writer) link = &(*link)->next;
    *link = writer->next;
    writer_free(writer);
    *out = NULL;
    return status;
}

/* ---- at once ---- */

enum status store_write(const struct comm *comm, struct store *store,
                        const struct store_column *column, const void *data, int64_t rows_local)
{
    enum status status = OK;
    struct store_writer *writer = NULL;
    TRY(store_begin_column(comm, store, column, rows_local, &writer));
    TRY(store_put(comm, writer, data, rows_local));
    TRY(store_end_column(comm, &writer));
done:
    return status; /* an open column goes with its store */
}

enum status store_write_dictionary(const struct comm *comm, struct store *store, const char *name,
                                   const char *help, const struct dictionary *dictionary)
{
    enum status status = OK;
    int64_t width = 1;
    char *texts = NULL;
    for (int64_t c = 0; c < dictionary->count; c++) {
        int64_t bytes = dictionary->start[c + 1] - dictionary->start[c] - 1;
        if (bytes > width) width = bytes;
    }
    TRY_ALL(comm, memory_new(&texts, dictionary->count * width, 1));
    for (int64_t c = 0; c < dictionary->count; c++)
        memcpy(texts + c * width, dictionary_text(dictionary, c),
               (size_t)(dictionary->start[c + 1] - dictionary->start[c] - 1));
    struct store_column column = {name, STORE_TEXT, width, "", help};
    TRY(store_write(comm, store, &column, texts, comm->rank == 0 ? dictionary->count : 0));
done:
    free(texts);
    return status;
}

enum status store_write_note(const struct comm *comm, struct store *store, const char *name,
                             const char *text)
{
    struct store_column column = {name, STORE_TEXT, (int64_t)strlen(text), "", "a note"};
    if (column.width == 0) column.width = 1;
    return store_write(comm, store, &column, text, comm->rank == 0 ? 1 : 0);
}
