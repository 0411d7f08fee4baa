/* Columns in parallel HDF5: create, write with read-back, commit by rename, read. */
#include "io/store.h"

#include "mpi/memory.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, PIECE_BYTES = 1 << 30, CHECK_BYTES = 1 << 24 };

struct store {
    hid_t file;
    bool writing;
    int64_t reserved; /* bytes that have their place on the disk */
    char path[PATH_BYTES], temporary[PATH_BYTES];
};

size_t store_type_bytes(enum store_type type)
{
    static const size_t bytes[] = {1, 4, 8, 8, 4, 8, 1};
    return bytes[type];
}

/* New HDF5 type of one element: a number, or a text of `width` bytes. */
static hid_t make_type(enum store_type type, int64_t width)
{
    const hid_t numbers[] = {H5T_STD_U8LE,  H5T_STD_I32LE,  H5T_STD_I64LE,
                             H5T_STD_U64LE, H5T_IEEE_F32LE, H5T_IEEE_F64LE};
    if (type != STORE_TEXT) return H5Tcopy(numbers[type]);
    hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, (size_t)width);
    H5Tset_strpad(text, H5T_STR_NULLPAD);
    H5Tset_cset(text, H5T_CSET_UTF8);
    return text;
}

static enum status check(bool good, enum status status, const struct store *store, const char *what,
                         const char *name)
{
    if (good) return OK;
    return FAIL(status, "%s: cannot %s %s; check space and permissions of the run folder",
                store->path, what, name);
}

/* ---- create and commit ---- */

static hid_t parallel_access(const struct comm *comm)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_mpio(access, comm->handle, MPI_INFO_NULL);
    H5Pset_coll_metadata_write(access, true);
    H5Pset_all_coll_metadata_ops(access, true);
    return access;
}

enum status store_create(const struct comm *comm, const char *path, struct store **out)
{
    enum status status = OK;
    struct store *store = NULL;
    *out = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    TRY_ALL(comm, memory_new(&store, 1, sizeof *store));
    store->file = H5I_INVALID_HID;
    store->writing = true;
    snprintf(store->path, sizeof store->path, "%s", path);
    int used = snprintf(store->temporary, sizeof store->temporary, "%s.part", path);
    TRY_ALL(comm,
            used >= (int)sizeof store->temporary ? FAIL(ERR_ARG, "path too long: %s", path) : OK);
    if (comm->rank == 0) unlink(store->temporary);
    comm_barrier(comm);
    hid_t access = parallel_access(comm), create = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(create, false);
    store->file = H5Fcreate(store->temporary, H5F_ACC_TRUNC, create, access);
    H5Pclose(create);
    H5Pclose(access);
    TRY_ALL(comm, check(store->file >= 0, ERR_WRITE, store, "create", "the file"));
    if (comm->rank == 0) chmod(store->temporary, 0600);
    *out = store;
    store = NULL;
done:
    store_close(comm, &store);
    return status;
}

static enum status sync_path(const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC);
    if (file < 0) return FAIL(ERR_WRITE, "cannot open %s to flush it", path);
    int failed = fsync(file);
    close(file);
    return failed == 0 ? OK : FAIL(ERR_WRITE, "cannot flush %s to disk", path);
}

/* Reserve the place of all that the file is to hold so far, columns and what describes them, so
 * that a full disk shows here, on rank 0, and not in the middle of a write. */
static enum status reserve(struct store *store)
{
    hsize_t end = 0;
    H5Fget_filesize(store->file, &end);
    int64_t bytes = (int64_t)end - store->reserved;
    if (bytes <= 0) return OK;
    int file = open(store->temporary, O_RDWR | O_CLOEXEC);
    if (file < 0) return FAIL(ERR_WRITE, "cannot open %s", store->temporary);
    int failed = posix_fallocate(file, (off_t)store->reserved, (off_t)bytes);
    close(file);
    if (failed != 0)
        return FAIL(ERR_MEMORY,
                    "%s: no room for %lld more bytes (%s); free some space and run again",
                    store->path, (long long)bytes, strerror(failed));
    store->reserved = (int64_t)end;
    return OK;
}

static enum status make_final(const struct store *store)
{
    enum status status = OK;
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", store->path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = 0;
    else
        snprintf(folder, sizeof folder, ".");
    TRY(sync_path(store->temporary, O_RDWR));
    if (rename(store->temporary, store->path) != 0)
        TRY(FAIL(ERR_WRITE, "cannot rename %s to %s", store->temporary, store->path));
    TRY(sync_path(folder, O_RDONLY));
done:
    return status;
}

enum status store_commit(const struct comm *comm, struct store **out)
{
    enum status status = OK;
    struct store *store = *out;
    TRY_ALL(comm, comm->rank == 0 ? reserve(store) : OK);
    herr_t closed = H5Fclose(store->file);
    store->file = H5I_INVALID_HID;
    TRY_ALL(comm, check(closed >= 0, ERR_WRITE, store, "close", "the file"));
    TRY_ALL(comm, comm->rank == 0 ? make_final(store) : OK);
    store->writing = false;
done:
    store_close(comm, out);
    return status;
}

void store_close(const struct comm *comm, struct store **store)
{
    if (*store == NULL) return;
    if ((*store)->file >= 0) H5Fclose((*store)->file);
    if ((*store)->writing && comm->rank == 0) unlink((*store)->temporary);
    free(*store);
    *store = NULL;
}

/* ---- writing ---- */

static void write_attribute(hid_t object, const char *name, const char *text)
{
    size_t bytes = strlen(text);
    hid_t type = make_type(STORE_TEXT, bytes > 0 ? (int64_t)bytes : 1),
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

/* One rank's rows to or from the file, in pieces below the limits of MPI-IO. */
static bool transfer(hid_t set, hid_t type, int64_t first, int64_t rows, int64_t width,
                     size_t row_bytes, void *data, bool write, int64_t piece_bytes)
{
    int64_t piece = piece_bytes / (int64_t)row_bytes > 0 ? piece_bytes / (int64_t)row_bytes : 1;
    hid_t place = H5Dget_space(set);
    bool good = true;
    for (int64_t done = 0; done < rows && good; done += piece) {
        int64_t now = rows - done < piece ? rows - done : piece;
        hsize_t start[2] = {(hsize_t)(first + done), 0}, count[2] = {(hsize_t)now, (hsize_t)width};
        hid_t memory = H5Screate_simple(width > 1 ? 2 : 1, count, NULL);
        char *at = (char *)data + (size_t)done * row_bytes;
        H5Sselect_hyperslab(place, H5S_SELECT_SET, start, NULL, count, NULL);
        good = (write ? H5Dwrite(set, type, memory, place, H5P_DEFAULT, at)
                      : H5Dread(set, type, memory, place, H5P_DEFAULT, at)) >= 0;
        H5Sclose(memory);
    }
    H5Sclose(place);
    return good;
}

/* What stands in the file is what was meant: compare piece by piece. */
static enum status read_back(const struct store *store, const char *name, hid_t set, hid_t type,
                             int64_t first, int64_t rows, int64_t width, size_t row_bytes,
                             const char *data)
{
    int64_t piece = CHECK_BYTES / (int64_t)row_bytes > 0 ? CHECK_BYTES / (int64_t)row_bytes : 1;
    char *copy = NULL;
    enum status status = memory_new(&copy, piece < rows ? piece : rows, row_bytes);
    for (int64_t done = 0; done < rows && status == OK; done += piece) {
        int64_t now = rows - done < piece ? rows - done : piece;
        bool good =
            transfer(set, type, first + done, now, width, row_bytes, copy, false, PIECE_BYTES) &&
            memcmp(copy, data + (size_t)done * row_bytes, (size_t)now * row_bytes) == 0;
        status = check(good, ERR_WRITE, store, "read back", name);
    }
    free(copy);
    return status;
}

enum status store_write(const struct comm *comm, struct store *store,
                        const struct store_column *column, const void *data, int64_t rows_local)
{
    enum status status = OK;
    int64_t values = column->width > 0 ? column->width : 1, total = rows_local;
    int64_t width = column->type == STORE_TEXT ? 1 : values;
    size_t row_bytes = (size_t)values * store_type_bytes(column->type);
    int64_t first = comm_prefix_int64(comm, rows_local);
    comm_sum_int64(comm, &total, 1);
    hid_t type = make_type(column->type, values);
    hid_t set = create_column(store, column, type, total, width);
    TRY_ALL(comm, check(set >= 0, ERR_WRITE, store, "create", column->name));
    write_attribute(set, "unit", column->unit);
    write_attribute(set, "help", column->help);
    TRY_ALL(comm, comm->rank == 0 ? reserve(store) : OK);
    bool good = H5Fflush(store->file, H5F_SCOPE_LOCAL) >= 0;
    TRY_ALL(comm, check(good, ERR_WRITE, store, "flush", column->name));
    good = transfer(set, type, first, rows_local, width, row_bytes, (void *)(uintptr_t)data, true,
                    PIECE_BYTES);
    TRY_ALL(comm, check(good, ERR_WRITE, store, "write", column->name));
    TRY_ALL(comm,
            read_back(store, column->name, set, type, first, rows_local, width, row_bytes, data));
done:
    if (set >= 0) H5Dclose(set);
    H5Tclose(type);
    return status;
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

/* ---- reading ---- */

enum status store_open(const struct comm *comm, const char *path, struct store **out)
{
    enum status status = OK;
    struct store *store = NULL;
    *out = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    TRY_ALL(comm, access(path, R_OK) == 0
                      ? OK
                      : FAIL(ERR_NO_INPUT,
                             "%s is missing or not readable; run the stage that writes it", path));
    TRY_ALL(comm, memory_new(&store, 1, sizeof *store));
    snprintf(store->path, sizeof store->path, "%s", path);
    hid_t fapl = parallel_access(comm);
    store->file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    H5Pclose(fapl);
    TRY_ALL(comm, check(store->file >= 0, ERR_IO, store, "open", "as HDF5"));
    *out = store;
    store = NULL;
done:
    store_close(comm, &store);
    return status;
}

/* H5Lexists wants every group on the way to be there. */
static bool exists(const struct store *store, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s", name);
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (H5Lexists(store->file, path, H5P_DEFAULT) <= 0) return false;
        *slash = '/';
    }
    return H5Lexists(store->file, path, H5P_DEFAULT) > 0;
}

static void shape_of(hid_t set, int64_t *rows, int64_t *width)
{
    hsize_t shape[2] = {0, 1};
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    H5Sget_simple_extent_dims(space, shape, NULL);
    *rows = (int64_t)shape[0];
    *width = H5Tget_class(type) == H5T_STRING ? (int64_t)H5Tget_size(type) : (int64_t)shape[1];
    H5Tclose(type);
    H5Sclose(space);
}

int64_t store_rows(const struct comm *comm, const struct store *store, const char *name,
                   int64_t *width)
{
    (void)comm;
    int64_t rows = -1, values = 0;
    if (exists(store, name)) {
        hid_t set = H5Dopen2(store->file, name, H5P_DEFAULT);
        shape_of(set, &rows, &values);
        H5Dclose(set);
    }
    if (width != NULL) *width = values;
    return rows;
}

static enum status check_column(const struct store *store, const char *name, hid_t set, hid_t type,
                                int64_t rows_needed)
{
    int64_t rows = 0, width = 0;
    hid_t stored = H5Dget_type(set);
    bool same = H5Tequal(stored, type) > 0;
    H5Tclose(stored);
    shape_of(set, &rows, &width);
    if (!same)
        return FAIL(ERR_IO, "%s: %s is of another type; run the stage again", store->path, name);
    if (rows_needed > rows)
        return FAIL(ERR_IO, "%s: %s has %lld rows, %lld were expected; run the stage again",
                    store->path, name, (long long)rows, (long long)rows_needed);
    return OK;
}

enum status store_read(const struct comm *comm, const struct store *store, const char *name,
                       enum store_type type, int64_t first, int64_t rows, void *data)
{
    enum status status = OK;
    int64_t total = 0, values = 1;
    hid_t set = H5I_INVALID_HID, element = H5I_INVALID_HID;
    TRY_ALL(comm, check(exists(store, name), ERR_IO, store, "find column", name));
    set = H5Dopen2(store->file, name, H5P_DEFAULT);
    shape_of(set, &total, &values);
    element = make_type(type, values);
    TRY_ALL(comm, check_column(store, name, set, element, rows > 0 ? first + rows : 0));
    size_t row_bytes = (size_t)values * store_type_bytes(type);
    bool good = transfer(set, element, first, rows, type == STORE_TEXT ? 1 : values, row_bytes,
                         data, false, PIECE_BYTES);
    TRY_ALL(comm, check(good, ERR_IO, store, "read", name));
done:
    if (element >= 0) H5Tclose(element);
    if (set >= 0) H5Dclose(set);
    return status;
}

static enum status unpack(const char *texts, int64_t count, int64_t width,
                          struct dictionary *dictionary)
{
    enum status status = OK;
    int64_t bytes = 0;
    TRY(memory_new(&dictionary->start, count + 1, sizeof *dictionary->start));
    TRY(memory_new(&dictionary->text, count * (width + 1), 1));
    for (int64_t c = 0; c < count; c++) {
        size_t length = strnlen(texts + c * width, (size_t)width);
        memcpy(dictionary->text + bytes, texts + c * width, length);
        bytes += (int64_t)length + 1;
        dictionary->start[c + 1] = bytes;
    }
    dictionary->count = count;
done:
    return status;
}

enum status store_read_dictionary(const struct comm *comm, const struct store *store,
                                  const char *name, struct dictionary *dictionary)
{
    enum status status = OK;
    char *texts = NULL;
    int64_t width = 0, count = store_rows(comm, store, name, &width);
    *dictionary = (struct dictionary){0};
    TRY_ALL(comm, check(count >= 0, ERR_IO, store, "find column", name));
    TRY_ALL(comm, memory_new(&texts, count * width, 1));
    TRY(store_read(comm, store, name, STORE_TEXT, 0, count, texts));
    TRY_ALL(comm, unpack(texts, count, width, dictionary));
done:
    free(texts);
    if (status != OK) dictionary_clear(dictionary);
    return status;
}

enum status store_read_note(const struct comm *comm, const struct store *store, const char *name,
                            char **text)
{
    enum status status = OK;
    int64_t width = 0, rows = store_rows(comm, store, name, &width);
    *text = NULL;
    TRY_ALL(comm, memory_new(text, width + 1, 1));
    if (rows > 0) TRY(store_read(comm, store, name, STORE_TEXT, 0, 1, *text));
done:
    return status;
}
