/* Text written by all ranks into one file that appears when it is whole. */
#include "io/text_file.h"

#include "io/file.h"
#include "mpi/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct text_file {
    char *path;
    char *temporary;
    int file;
    int64_t bytes;
};

static enum status failed(const char *what, const char *path)
{
    return FAIL(ERR_WRITE, "cannot %s %s: %s; check space and permissions, and run again", what,
                path, strerror(errno));
}

static enum status new_file(const char *path, struct text_file **file)
{
    enum status status = OK;
    TRY(file_refuse_input(path));
    TRY(memory_new(file, 1, sizeof **file));
    (*file)->file = -1;
    TRY(memory_new(&(*file)->path, (int64_t)strlen(path) + 1, 1));
    memcpy((*file)->path, path, strlen(path));
    TRY(file_temporary_name(path, &(*file)->temporary));
done:
    return status;
}

static enum status open_existing(struct text_file *file)
{
    file->file = open(file->temporary, O_WRONLY | O_CLOEXEC);
    return file->file >= 0 ? OK : failed("open", file->temporary);
}

enum status text_file_open(const struct comm *comm, const char *path, unsigned mode,
                           struct text_file **file)
{
    enum status status = OK;
    struct text_file *fresh = NULL;
    *file = NULL;
    TRY_ALL(comm, new_file(path, &fresh));
    TRY_ALL(comm, comm->rank == 0 ? file_create(fresh->temporary, mode, &fresh->file) : OK);
    TRY_ALL(comm, comm->rank == 0 ? OK : open_existing(fresh));
    *file = fresh;
    fresh = NULL;
done:
    text_file_abandon(comm, &fresh);
    return status;
}

enum status text_file_append(const struct comm *comm, struct text_file *file, const char *text,
                             int64_t bytes)
{
    enum status status = OK;
    int64_t total = bytes;
    int64_t offset = file->bytes + comm_prefix_int64(comm, bytes);
    comm_sum_int64(comm, &total, 1);
    TRY_ALL(comm, file_write_at(file->file, file->path, text, bytes, offset));
    file->bytes += total;
done:
    return status;
}

static enum status close_synced(struct text_file *file)
{
    enum status status = fsync(file->file) == 0 ? OK : failed("write", file->path);
    if (close(file->file) != 0 && status == OK) status = failed("write", file->path);
    file->file = -1;
    return status;
}

static enum status rename_whole(const struct text_file *file)
{
    struct stat facts;
    if (stat(file->temporary, &facts) != 0) return failed("find", file->temporary);
    if (facts.st_size != file->bytes)
        return FAIL(ERR_WRITE, "%s has %lld bytes, %lld were written; check the file system",
                    file->temporary, (long long)facts.st_size, (long long)file->bytes);
    if (rename(file->temporary, file->path) != 0) return failed("rename", file->temporary);
    return file_sync_folder(file->path);
}

enum status text_file_commit(const struct comm *comm, struct text_file **file)
{
    enum status status = OK;
    TRY_ALL(comm, close_synced(*file));
    TRY_ALL(comm, comm->rank == 0 ? rename_whole(*file) : OK);
done:
    text_file_abandon(comm, file); /* behind the rename there is no temporary file left to remove */
    return status;
}

void text_file_abandon(const struct comm *comm, struct text_file **file)
{
    if (*file == NULL) return;
    if ((*file)->file >= 0) close((*file)->file);
    if (comm->rank == 0 && (*file)->temporary != NULL) unlink((*file)->temporary);
    free((*file)->path);
    free((*file)->temporary);
    free(*file);
    *file = NULL;
}

int64_t text_file_bytes(const struct text_file *file)
{
    return file->bytes;
}
