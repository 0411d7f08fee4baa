/* Records in memory, chunk by chunk, and beyond a limit in an unnamed file. */
#include "partition/spool.h"

#include "mpi/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20, FIRST_BYTES = 1 << 12, PATH_BYTES = 4096 };

/* Records 0 .. memory_records - 1 stand in the chunks, the next in the file, the last in `pending`
 * on their way there. Only the first chunk grows, so that a small spool stays small. */
struct spool {
    size_t record_bytes;
    int64_t count;
    int64_t memory_records; /* the limit */
    int64_t chunk_records;
    char **chunk;
    int64_t chunks, chunk_slots;
    int64_t room;       /* records that fit into the chunks there are */
    const char *folder; /* not owned */
    int file;           /* -1: none yet */
    int64_t written;    /* records in the file */
    char *pending;      /* [chunk_records] */
    int64_t pending_records;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

enum status spool_new(size_t record_bytes, int64_t memory_bytes, const char *folder,
                      struct spool **spool)
{
    struct spool *fresh = NULL;
    *spool = NULL;
    enum status status = memory_new(&fresh, 1, sizeof *fresh);
    if (status != OK) return status;
    fresh->record_bytes = record_bytes;
    fresh->memory_records = larger(memory_bytes, 0) / (int64_t)record_bytes;
    fresh->chunk_records = larger(CHUNK_BYTES / (int64_t)record_bytes, 1);
    fresh->folder = folder;
    fresh->file = -1;
    *spool = fresh;
    return OK;
}

void spool_free(struct spool **spool)
{
    struct spool *old = *spool;
    if (old == NULL) return;
    for (int64_t i = 0; i < old->chunks; i++) free(old->chunk[i]);
    free(old->chunk);
    free(old->pending);
    if (old->file >= 0) close(old->file);
    free(old);
    *spool = NULL;
}

int64_t spool_count(const struct spool *spool)
{
    return spool->count;
}

int64_t spool_memory_bytes(const struct spool *spool)
{
    int64_t records = spool->room + (spool->pending != NULL ? spool->chunk_records : 0);
    return records * (int64_t)spool->record_bytes;
}

int64_t spool_file_bytes(const struct spool *spool)
{
    return spool->written * (int64_t)spool->record_bytes;
}

/* ---- the part in memory ---- */

static enum status grow_first(struct spool *spool)
{
    int64_t first = larger(FIRST_BYTES / (int64_t)spool->record_bytes, 1);
    int64_t room = spool->room == 0 ? first : 2 * spool->room;
    room = smaller(smaller(room, spool->chunk_records), spool->memory_records);
    enum status status = memory_grow(&spool->chunk[0], spool->room, room, spool->record_bytes);
    if (status == OK) spool->room = room;
    return status;
}

static enum status add_slots(struct spool *spool)
{
    int64_t slots = spool->chunk_slots == 0 ? 16 : 2 * spool->chunk_slots;
    enum status status =
        memory_grow(&spool->chunk, spool->chunk_slots, slots, sizeof *spool->chunk);
    if (status == OK) spool->chunk_slots = slots;
    return status;
}

/* At least one more record fits, and lies where chunk_at says. */
static enum status make_room(struct spool *spool)
{
    enum status status = OK;
    if (spool->count < spool->room) return OK;
    if (spool->chunks == spool->chunk_slots) TRY(add_slots(spool));
    if (spool->room < spool->chunk_records) {
        TRY(grow_first(spool));
        spool->chunks = 1;
        return OK;
    }
    int64_t records = smaller(spool->chunk_records, spool->memory_records - spool->room);
    TRY(memory_new(&spool->chunk[spool->chunks], records, spool->record_bytes));
    spool->chunks++;
    spool->room += records;
done:
    return status;
}

static char *chunk_at(const struct spool *spool, int64_t record)
{
    return spool->chunk[record / spool->chunk_records] +
           (size_t)(record % spool->chunk_records) * spool->record_bytes;
}

/* Records from `record` on that lie together in its chunk, of those that fit. */
static int64_t together(const struct spool *spool, int64_t record)
{
    int64_t end = (record / spool->chunk_records + 1) * spool->chunk_records;
    return smaller(end, spool->room) - record;
}

/* As many as the chunk takes, at least one. */
static enum status append_memory(struct spool *spool, const char *records, int64_t count,
                                 int64_t *taken)
{
    enum status status = make_room(spool);
    if (status != OK) return status;
    *taken = smaller(count, together(spool, spool->count));
    memcpy(chunk_at(spool, spool->count), records, (size_t)*taken * spool->record_bytes);
    return OK;
}

/* ---- the part in the file ---- */

static enum status fail_write(const struct spool *spool)
{
    const char *remedy =
        errno == ENOSPC || errno == EDQUOT
            ? "make room there, allow more memory or use more ranks, so that less is written"
            : "name a folder that can be written";
    return FAIL(ERR_WRITE, "cannot write a temporary file in %s after %lld MB: %s; %s",
                spool->folder, (long long)(spool_file_bytes(spool) / 1000000), strerror(errno),
                remedy);
}

/* For file systems that make no file without a name: one whose name goes at once. */
static int open_unlinked(const char *folder)
{
    char path[PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/.spool-XXXXXX", folder);
    if (length < 0 || length >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0) unlink(path);
    return file;
}

static enum status open_file(struct spool *spool)
{
    if (spool->pending == NULL) { /* else the folder refused a file before */
        enum status status = memory_new(&spool->pending, spool->chunk_records, spool->record_bytes);
        if (status != OK) return status;
    }
    spool->file = open(spool->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        spool->file = open_unlinked(spool->folder);
    return spool->file < 0 ? fail_write(spool) : OK;
}

static enum status write_pending(struct spool *spool)
{
    off_t at = (off_t)spool_file_bytes(spool);
    const char *from = spool->pending;
    size_t left = (size_t)spool->pending_records * spool->record_bytes;
    while (left > 0) {
        ssize_t done = pwrite(spool->file, from, left, at);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail_write(spool);
        from += done, at += done, left -= (size_t)done;
    }
    spool->written += spool->pending_records;
    spool->pending_records = 0;
    return OK;
}

static enum status append_file(struct spool *spool, const char *records, int64_t count,
                               int64_t *taken)
{
    enum status status = OK;
    if (spool->file < 0) TRY(open_file(spool));
    if (spool->pending_records == spool->chunk_records) TRY(write_pending(spool));
    *taken = smaller(count, spool->chunk_records - spool->pending_records);
    memcpy(spool->pending + (size_t)spool->pending_records * spool->record_bytes, records,
           (size_t)*taken * spool->record_bytes);
    spool->pending_records += *taken;
done:
    return status;
}

enum status spool_append(struct spool *spool, const void *records, int64_t count)
{
    const char *from = records;
    while (count > 0) {
        int64_t taken = 0, room = spool->memory_records - spool->count;
        enum status status = room > 0 ? append_memory(spool, from, smaller(count, room), &taken)
                                      : append_file(spool, from, count, &taken);
        if (status != OK) return status;
        spool->count += taken;
        from += (size_t)taken * spool->record_bytes;
        count -= taken;
    }
    return OK;
}

/* ---- reading ---- */

static enum status read_file(const struct spool *spool, int64_t first, int64_t count, char *to)
{
    off_t at = (off_t)(first * (int64_t)spool->record_bytes);
    size_t left = (size_t)count * spool->record_bytes;
    while (left > 0) {
        ssize_t done = pread(spool->file, to, left, at);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0)
            return FAIL(ERR_IO, "cannot read a temporary file in %s: %s; check the disk",
                        spool->folder, strerror(errno));
        if (done == 0)
            return FAIL(ERR_IO, "a temporary file in %s lost its end; check the disk",
                        spool->folder);
        to += done, at += done, left -= (size_t)done;
    }
    return OK;
}

/* A stretch that lies together in memory, in the file or in `pending`; at least one record. */
static enum status read_some(const struct spool *spool, int64_t first, int64_t count, char *to,
                             int64_t *taken)
{
    int64_t in_file = first - spool->memory_records, waiting = in_file - spool->written;
    if (in_file >= 0 && waiting < 0) {
        *taken = smaller(count, -waiting);
        return read_file(spool, in_file, *taken, to);
    }
    *taken = in_file < 0 ? smaller(count, together(spool, first)) : count;
    const char *from = in_file < 0 ? chunk_at(spool, first)
                                   : spool->pending + (size_t)waiting * spool->record_bytes;
    memcpy(to, from, (size_t)*taken * spool->record_bytes);
    return OK;
}

enum status spool_read(const struct spool *spool, int64_t first, int64_t count, void *records)
{
    char *to = records;
    if (first < 0 || count < 0 || first > spool->count - count)
        return FAIL(ERR_BUG, "records %lld + %lld of %lld", (long long)first, (long long)count,
                    (long long)spool->count);
    while (count > 0) {
        int64_t taken = 0;
        enum status status = read_some(spool, first, count, to, &taken);
        if (status != OK) return status;
        first += taken;
        count -= taken;
        to += (size_t)taken * spool->record_bytes;
    }
    return OK;
}
