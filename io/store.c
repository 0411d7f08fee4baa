/* Files of columns in parallel HDF5: create, commit by rename, open, close. */
#include "io/store_file.h"

#include "io/file.h"
#include "mpi/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPARE_BYTES = 1 << 18, SIEVE_BYTES = 4096 };

size_t store_type_bytes(enum store_type type)
{
    static const size_t bytes[] = {1, 4, 8, 8, 4, 8, 1};
    return bytes[type];
}

hid_t store_make_type(enum store_type type, int64_t width)
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

enum status store_check(bool good, enum status status, const struct store *store, const char *what,
                        const char *name)
{
    if (good) return OK;
    return FAIL(status, "%s: cannot %s %s; check space and permissions of the run folder",
                store->path, what, name);
}

/* ---- create and commit ---- */

static hid_t access_of(const struct comm *comm)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (comm->handle == MPI_COMM_NULL) { /* without MPI; a file is whole where it has its name */
        H5Pset_file_locking(access, false, true);
        H5Pset_sieve_buf_size(access,
                              SIEVE_BYTES); /* or 64 KiB are read where some rows are asked */
        return access;
    }
    H5Pset_fapl_mpio(access, comm->handle, MPI_INFO_NULL);
    H5Pset_coll_metadata_write(access, true);
    H5Pset_all_coll_metadata_ops(access, true);
    return access;
}

static enum status store_new(const char *path, bool writing, struct store **out)
{
    enum status status = memory_new(out, 1, sizeof **out);
    if (status != OK) return status;
    struct store *store = *out;
    store->file = H5I_INVALID_HID;
    store->spare = -1;
    store->writing = writing;
    int used = snprintf(store->temporary, sizeof store->temporary, "%s.part", path);
    if (used >= (int)sizeof store->temporary) return FAIL(ERR_ARG, "path too long: %s", path);
    snprintf(store->path, sizeof store->path, "%s", path);
    return writing ? file_refuse_input(path) : OK;
}

enum status store_create(const struct comm *comm, const char *path, struct store **out)
{
    enum status status = OK;
    struct store *store = NULL;
    *out = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    TRY_ALL(comm, store_new(path, true, &store));
    if (comm->rank == 0) unlink(store->temporary);
    TRY_ALL(comm, comm->rank == 0 ? store_hold_spare(store) : OK);
    hid_t access = access_of(comm), create = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(create, false);
    store->file = H5Fcreate(store->temporary, H5F_ACC_TRUNC, create, access);
    H5Pclose(create);
    H5Pclose(access);
    TRY_ALL(comm, store_check(store->file >= 0, ERR_WRITE, store, "create", "the file"));
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

/* ---- room on the disk ---- */

static enum status no_room(const struct store *store, int64_t bytes, int error)
{
    return FAIL(ERR_MEMORY, "%s: no room for %lld more bytes (%s); free some space and run again",
                store->path, (long long)bytes, strerror(error));
}

enum status store_hold_spare(struct store *store)
{
    char path[STORE_PATH_BYTES + 8];
    if (store->spare < 0) {
        snprintf(path, sizeof path, "%s.room", store->temporary);
        unlink(path);
        store->spare = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (store->spare < 0) return FAIL(ERR_WRITE, "cannot create %s: %s", path, strerror(errno));
        unlink(path);
    }
    int failed = posix_fallocate(store->spare, 0, SPARE_BYTES);
    return failed == 0 ? OK : no_room(store, SPARE_BYTES, failed);
}

static enum status release_spare(const struct store *store)
{
    if (store->spare < 0 || ftruncate(store->spare, 0) == 0) return OK;
    return FAIL(ERR_WRITE, "%s: cannot free the room held for it", store->path);
}

enum status store_reserve(struct store *store, int64_t end)
{
    int64_t bytes = end - store->reserved;
    if (bytes > 0) {
        int file = open(store->temporary, O_RDWR | O_CLOEXEC);
        if (file < 0) return FAIL(ERR_WRITE, "cannot open %s", store->temporary);
        int failed = posix_fallocate(file, (off_t)store->reserved, (off_t)bytes);
        close(file);
        if (failed != 0) return no_room(store, bytes, failed);
        store->reserved = end;
    }
    return release_spare(store);
}

/* ---- commit, open, close ---- */

static enum status make_final(const struct store *store)
{
    enum status status = OK;
    char folder[STORE_PATH_BYTES];
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
    const char *left = store->open != NULL ? store->open->name : NULL;
    TRY_ALL(comm, left == NULL ? OK : FAIL(ERR_BUG, "%s: %s is not ended", store->path, left));
    TRY_ALL(comm, release_spare(store));
    herr_t closed = H5Fclose(store->file);
    store->file = H5I_INVALID_HID;
    TRY_ALL(comm, store_check(closed >= 0, ERR_WRITE, store, "close", "the file"));
    TRY_ALL(comm, comm->rank == 0 ? make_final(store) : OK);
    store->writing = false;
done:
    store_close(comm, out);
    return status;
}

enum status store_open(const struct comm *comm, const char *path, struct store **out)
{
    enum status status = OK;
    struct store *store = NULL;
    *out = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    TRY_ALL(comm, access(path, R_OK) == 0
                      ? OK
                      : FAIL(ERR_NO_INPUT, "%s: %m; check the path, or run what writes it", path));
    TRY_ALL(comm, store_new(path, false, &store));
    hid_t fapl = access_of(comm);
    store->file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    H5Pclose(fapl);
    TRY_ALL(comm,
            store->file >= 0
                ? OK
                : FAIL(ERR_DATA, "%s is no HDF5 file, or was cut short; run what writes it again",
                       path));
    *out = store;
    store = NULL;
done:
    store_close(comm, &store);
    return status;
}

void store_close(const struct comm *comm, struct store **store)
{
    if (*store == NULL) return;
    store_drop_columns(*store);
    if ((*store)->spare >= 0) close((*store)->spare);
    if ((*store)->file >= 0 && (*store)->writing) comm_barrier(comm); /* the spare room is free */
    if ((*store)->file >= 0) H5Fclose((*store)->file);
    if ((*store)->writing && comm->rank == 0) unlink((*store)->temporary);
    free(*store);
    *store = NULL;
}
