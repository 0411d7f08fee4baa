/* Reading plain and gzip files in order, into a window that moves. */
#include "io/csv_window.h"

#include "io/file.h"
#include "mpi/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BEFORE = 64, GZIP_BUFFER = 1 << 17, PIECE = 1 << 30 };

struct csv_source {
    char *path;
    int file;
    gzFile stream; /* NULL for plain text */
    int64_t offset;
};

/* ---- files ---- */

static enum status open_stream(struct csv_source *source)
{
    unsigned char magic[2] = {0, 0};
    if (pread(source->file, magic, 2, 0) != 2 || magic[0] != 0x1f || magic[1] != 0x8b) return OK;
    int copy = dup(source->file);
    source->stream = copy >= 0 ? gzdopen(copy, "rb") : NULL;
    if (source->stream != NULL) {
        gzbuffer(source->stream, GZIP_BUFFER);
        return OK;
    }
    if (copy >= 0) close(copy);
    return FAIL(ERR_MEMORY, "%s: cannot start to decompress; free memory", source->path);
}

static enum status open_file(struct csv_source *source, int64_t *stored_bytes)
{
    struct stat facts;
    source->file = open(source->path, O_RDONLY | O_CLOEXEC);
    if (source->file < 0)
        return FAIL(ERR_NO_INPUT, "%s: %s; check the path, and that every node sees it",
                    source->path, strerror(errno));
    if (fstat(source->file, &facts) != 0 || !S_ISREG(facts.st_mode))
        return FAIL(ERR_NO_INPUT, "%s: not a regular file; store the table in a file first",
                    source->path);
    *stored_bytes = facts.st_size;
    posix_fadvise(source->file, 0, 0, POSIX_FADV_SEQUENTIAL);
    return open_stream(source);
}

enum status csv_source_open(const char *path, struct csv_source **source, int64_t *stored_bytes)
{
    enum status status = OK;
    struct csv_source *fresh = NULL;
    *source = NULL;
    *stored_bytes = 0;
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->file = -1;
    TRY(memory_new(&fresh->path, (int64_t)strlen(path) + 1, 1));
    memcpy(fresh->path, path, strlen(path));
    TRY(open_file(fresh, stored_bytes));
    file_mark_input(path);
    *source = fresh;
    fresh = NULL;
done:
    csv_source_close(&fresh);
    return status;
}

bool csv_source_gzip(const struct csv_source *source)
{
    return source->stream != NULL;
}

static enum status stream_failed(const struct csv_source *source)
{
    int code = Z_OK;
    const char *reason = gzerror(source->stream, &code);
    if (code == Z_OK) return OK;
    return FAIL(ERR_IO, "%s: the compressed file is damaged or cut off (%s); copy it again",
                source->path, code == Z_BUF_ERROR ? "unexpected end" : reason);
}

enum status csv_source_seek(struct csv_source *source, int64_t offset)
{
    source->offset = offset;
    if (source->stream == NULL || gzseek(source->stream, offset, SEEK_SET) == offset) return OK;
    enum status status = stream_failed(source);
    return status != OK
               ? status
               : FAIL(ERR_IO, "%s: cannot go to byte %lld", source->path, (long long)offset);
}

/* One read, possibly shorter than asked for; 0 at the end, negative on failure. */
static int64_t read_some(struct csv_source *source, char *text, int64_t bytes)
{
    int64_t piece = bytes < PIECE ? bytes : PIECE;
    if (source->stream != NULL) return gzread(source->stream, text, (unsigned)piece);
    return pread(source->file, text, (size_t)piece, source->offset);
}

enum status csv_source_read(struct csv_source *source, char *text, int64_t bytes, int64_t *got)
{
    *got = 0;
    while (*got < bytes) {
        int64_t now = read_some(source, text + *got, bytes - *got);
        if (now < 0 && source->stream == NULL && errno == EINTR) continue;
        if (now < 0 && source->stream == NULL)
            return FAIL(ERR_IO, "%s: read error at byte %lld: %s", source->path,
                        (long long)source->offset, strerror(errno));
        if (now <= 0) return source->stream != NULL ? stream_failed(source) : OK;
        source->offset += now;
        *got += now;
    }
    return OK;
}

int64_t csv_source_stored(const struct csv_source *source)
{
    return source->stream != NULL ? gzoffset(source->stream) : source->offset;
}

void csv_source_close(struct csv_source **source)
{
    if (*source == NULL) return;
    if ((*source)->stream != NULL) gzclose_r((*source)->stream);
    if ((*source)->file >= 0) close((*source)->file);
    free((*source)->path);
    free(*source);
    *source = NULL;
}

/* ---- windows ---- */

/* text lies BEFORE bytes into its allocation, so that text[-1] exists */
static char *allocation(const struct csv_window *window)
{
    return window->text == NULL ? NULL : window->text - BEFORE;
}

static enum status resize(struct csv_window *window, int64_t capacity)
{
    enum status status = OK;
    char *room = allocation(window);
    if (capacity >= UINT32_MAX - 1024)
        return FAIL(ERR_DATA, "a row of more than 4 GiB; look for a missing closing quote");
    free(window->index); /* the caller indexes anew */
    window->index = NULL;
    TRY(memory_grow(&room, BEFORE + window->bytes, BEFORE + capacity + 1 + CSV_INDEX_SLACK, 1));
    window->text = room + BEFORE;
    TRY(memory_new(&window->index, capacity + 1 + CSV_INDEX_SLACK, sizeof *window->index));
    window->capacity = capacity;
done:
    return status;
}

enum status csv_window_init(struct csv_window *window, struct csv_source *source, int64_t offset,
                            char before, char delimiter, int64_t capacity)
{
    *window = (struct csv_window){.source = source,
                                  .kernel = csv_kernel_best(),
                                  .delimiter = delimiter,
                                  .offset = offset,
                                  .clean = true};
    enum status status = resize(window, capacity);
    if (status == OK) window->text[-1] = before;
    return status;
}

void csv_window_restart(struct csv_window *window, struct csv_source *source, int64_t offset,
                        char before)
{
    window->source = source;
    window->offset = offset;
    window->bytes = window->index_count = 0;
    window->at_end = false;
    window->text[-1] = before;
}

void csv_window_index(struct csv_window *window, char delimiter)
{
    window->delimiter = delimiter;
    if (window->at_end) window->text[window->bytes] = '\n';
    window->index_count =
        csv_index_structure(window->kernel, window->text, window->bytes + window->at_end, delimiter,
                            window->index, &window->clean);
}

enum status csv_window_advance(struct csv_window *window, int64_t from, int64_t bytes)
{
    enum status status = OK;
    int64_t kept = window->bytes - from, got = 0;
    if (window->at_end) return FAIL(ERR_BUG, "reading on behind the end of a file");
    if (from > 0) memmove(window->text - 1, window->text + from - 1, (size_t)kept + 1);
    window->offset += from;
    window->bytes = kept;
    if (kept == window->capacity) TRY(resize(window, 2 * window->capacity));
    int64_t room = window->capacity - kept, wanted = bytes < room ? bytes : room;
    TRY(csv_source_read(window->source, window->text + kept, wanted, &got));
    window->bytes += got;
    window->at_end = got < wanted;
    csv_window_index(window, window->delimiter);
done:
    return status;
}

void csv_window_clear(struct csv_window *window)
{
    free(allocation(window));
    free(window->index);
    *window = (struct csv_window){0};
}
