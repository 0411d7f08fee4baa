/* Columns of a store, read. */
#include "io/store_file.h"

#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* H5Lexists wants every group on the way to be there. */
static bool exists(const struct store *store, const char *name)
{
    char path[STORE_PATH_BYTES];
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
    TRY_ALL(comm, store_check(exists(store, name), ERR_IO, store, "find column", name));
    set = H5Dopen2(store->file, name, H5P_DEFAULT);
    shape_of(set, &total, &values);
    element = store_make_type(type, values);
    TRY_ALL(comm, check_column(store, name, set, element, rows > 0 ? first + rows : 0));
    struct store_span span = {set, element, type == STORE_TEXT ? 1 : values,
                              (size_t)values * store_type_bytes(type)};
    bool good = store_transfer(&span, first, rows, data, false);
    TRY_ALL(comm, store_check(good, ERR_IO, store, "read", name));
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
    TRY_ALL(comm, store_check(count >= 0, ERR_IO, store, "find column", name));
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
