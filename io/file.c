/* Whole files: read, replaced, checksummed. */
#include "io/file.h"

#include "mpi/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, INPUTS_KEPT = 1024 };

static enum status cannot_write(const char *path)
{
    const char *remedy = errno == ENOSPC || errno == EDQUOT
                             ? "free space and run again"
                             : "check that the folder exists and is writable";
    return FAIL(ERR_WRITE, "cannot write %s: %s; %s", path, strerror(errno), remedy);
}

/* ---- reading ---- */

static enum status open_input(const char *path, int *file)
{
    *file = open(path, O_RDONLY | O_CLOEXEC);
    if (*file >= 0) return OK;
    return FAIL(ERR_NO_INPUT, "%s: %s; check the path", path, strerror(errno));
}

/* Up to `bytes` more, fewer only at the end. */
static enum status read_some(int file, const char *path, char *data, int64_t bytes, int64_t *got)
{
    *got = 0;
    while (*got < bytes) {
        ssize_t now = read(file, data + *got, (size_t)(bytes - *got));
        if (now < 0 && errno == EINTR) continue;
        if (now < 0) return FAIL(ERR_IO, "%s: read error: %s", path, strerror(errno));
        if (now == 0) break;
        *got += now;
    }
    return OK;
}

enum status file_sha256(const char *path, char *text)
{
    enum status status = OK;
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    char *chunk = NULL;
    int file = -1;
    int64_t got = 0;
    text[0] = 0;
    TRY(memory_new(&chunk, CHUNK, 1));
    TRY(open_input(path, &file));
    crypto_hash_sha256_init(&state);
    do {
        TRY(read_some(file, path, chunk, CHUNK, &got));
        crypto_hash_sha256_update(&state, (const unsigned char *)chunk, (unsigned long long)got);
    } while (got == CHUNK);
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(text, SHA256_TEXT_BYTES, digest, sizeof digest);
done:
    if (file >= 0) close(file);
    free(chunk);
    return status;
}

enum status file_read(const char *path, int64_t limit, char **data, int64_t *bytes)
{
    enum status status = OK;
    struct stat facts;
    char *fresh = NULL;
    int file = -1;
    *data = NULL;
    *bytes = 0;
    TRY(open_input(path, &file));
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode))
        TRY(FAIL(ERR_NO_INPUT, "%s: not a regular file; check the path", path));
    if (facts.st_size > limit)
        TRY(FAIL(ERR_DATA,
                 "%s: %lld bytes, at most %lld are accepted; check that it is the right file", path,
                 (long long)facts.st_size, (long long)limit));
    TRY(memory_new(&fresh, facts.st_size + 1, 1));
    TRY(read_some(file, path, fresh, facts.st_size, bytes));
    *data = fresh;
    fresh = NULL;
done:
    if (file >= 0) close(file);
    free(fresh);
    return status;
}

/* The files that were read, known by device and number. */
static struct input {
    dev_t device;
    ino_t number;
} inputs[INPUTS_KEPT];
static int inputs_count;

static bool is_input(const struct stat *file)
{
    for (int i = 0; i < inputs_count; i++)
        if (inputs[i].device == file->st_dev && inputs[i].number == file->st_ino) return true;
    return false;
}

void file_mark_input(const char *path)
{
    struct stat file;
    if (inputs_count == INPUTS_KEPT || stat(path, &file) != 0 || is_input(&file)) return;
    inputs[inputs_count++] = (struct input){file.st_dev, file.st_ino};
}

enum status file_refuse_input(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0 || !is_input(&file)) return OK;
    return FAIL(ERR_USAGE, "%s is a table that was read; name another file for the result", path);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* ---- writing ---- */

enum status file_write_at(int file, const char *name, const void *data, int64_t bytes,
                          int64_t offset)
{
    const char *at = data;
    while (bytes > 0) {
        ssize_t now = pwrite(file, at, (size_t)(bytes < CHUNK ? bytes : CHUNK), offset);
        if (now < 0 && errno == EINTR) continue;
        if (now <= 0) return cannot_write(name);
        at += now, offset += now, bytes -= now;
    }
    return OK;
}

enum status file_sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    if (folder == NULL) return FAIL(ERR_MEMORY, "no memory for a folder's name");
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool kept = file >= 0 &&
                (fsync(file) == 0 || errno == EINVAL); /* some file systems need no fsync here */
    enum status status = kept ? OK : cannot_write(folder);
    if (file >= 0) close(file);
    free(folder);
    return status;
}

enum status file_temporary_name(const char *path, char **temporary)
{
    size_t bytes = strlen(path) + sizeof "..part";
    enum status status = memory_new(temporary, (int64_t)bytes, 1);
    if (status != OK) return status;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    snprintf(*temporary, bytes, "%.*s.%s.part", (int)(name - path), path, name);
    return OK;
}

enum status file_create(const char *path, unsigned mode, int *file)
{
    unlink(path); /* left behind by a run that was killed */
    *file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (*file >= 0 && fchmod(*file, (mode_t)mode) == 0) return OK;
    enum status status = cannot_write(path);
    if (*file >= 0) close(*file);
    *file = -1;
    return status;
}

static enum status write_whole(const char *temporary, const void *data, int64_t bytes,
                               unsigned mode)
{
    int file = -1;
    enum status status = file_create(temporary, mode, &file);
    if (status != OK) return status;
    status = file_write_at(file, temporary, data, bytes, 0);
    if (status == OK && fsync(file) != 0) status = cannot_write(temporary);
    if (close(file) != 0 && status == OK) status = cannot_write(temporary);
    return status;
}

enum status file_replace(const char *path, const void *data, int64_t bytes, unsigned mode)
{
    enum status status = OK;
    char *temporary = NULL;
    TRY(file_temporary_name(path, &temporary));
    TRY(write_whole(temporary, data, bytes, mode));
    if (rename(temporary, path) != 0) TRY(cannot_write(path));
    TRY(file_sync_folder(path));
done:
    if (status != OK && temporary != NULL) unlink(temporary);
    free(temporary);
    return status;
}
