/* Ids encrypted stream by stream, and read back by whoever needs them. */
#include "io/vault.h"

#include "io/seal.h"
#include "io/text_file.h"
#include "mpi/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file: head, streams, the directory's stream, tail. Numbers are little endian. Head: MAGIC,
 * the vault's random name, the check of the key. Stream: header, one message. Tail: offset and
 * bytes of the directory's stream. */
#define MAGIC "remise ids.vault"

enum {
    MAGIC_BYTES = 16,
    CHECK_BYTES = 16,
    HEAD_BYTES = MAGIC_BYTES + SEAL_NAME_BYTES + CHECK_BYTES,
    TAIL_BYTES = 16,
    ENTRY_WORDS = 4,
    ENTRY_BYTES = 8 * ENTRY_WORDS,
    LENGTH_BYTES = 4
};

static const int64_t directory_row = -1; /* in place of a stream's first row */

/* One stream: which users, and where. */
struct entry {
    int64_t row, rows, offset, bytes;
};

struct vault {
    struct text_file *file;
    unsigned char key[SEAL_KEY_BYTES], name[SEAL_NAME_BYTES];
    int64_t row_first, rows_local;
    int64_t rows;              /* appended so far */
    int64_t open;              /* of these in the stream not yet encrypted */
    unsigned char *length;     /* [VAULT_STREAM_USERS][LENGTH_BYTES] of these */
    struct seal_buffer text;   /* of these */
    struct seal_buffer sealed; /* streams not yet written */
    struct entry *entry;       /* [entries] */
    int64_t entries, entries_written, entries_capacity;
};

static void key_check(const unsigned char *key, const unsigned char *name, unsigned char *check)
{
    crypto_generichash_blake2b(check, CHECK_BYTES, name, SEAL_NAME_BYTES, key, SEAL_KEY_BYTES);
}

/* ---- writing ---- */

static enum status new_vault(const unsigned char *key, int64_t rows_local, struct vault **vault)
{
    enum status status = OK;
    if (sodium_init() < 0) TRY(FAIL(ERR_BUG, "libsodium cannot start"));
    TRY(memory_new(vault, 1, sizeof **vault));
    TRY(memory_new(&(*vault)->length, VAULT_STREAM_USERS, LENGTH_BYTES));
    memcpy((*vault)->key, key, SEAL_KEY_BYTES);
    (*vault)->rows_local = rows_local;
done:
    return status;
}

static enum status write_head(const struct comm *comm, struct vault *vault)
{
    unsigned char head[HEAD_BYTES];
    memcpy(head, MAGIC, MAGIC_BYTES);
    memcpy(head + MAGIC_BYTES, vault->name, SEAL_NAME_BYTES);
    key_check(vault->key, vault->name, head + MAGIC_BYTES + SEAL_NAME_BYTES);
    return text_file_append(comm, vault->file, (const char *)head,
                            comm->rank == 0 ? HEAD_BYTES : 0);
}

enum status vault_create(const struct comm *comm, const char *path, const unsigned char *key,
                         int64_t rows_local, struct vault **vault)
{
    enum status status = OK;
    *vault = NULL;
    TRY_ALL(comm, new_vault(key, rows_local, vault));
    (*vault)->row_first = comm_prefix_int64(comm, rows_local);
    if (comm->rank == 0) randombytes_buf((*vault)->name, SEAL_NAME_BYTES);
    comm_broadcast(comm, (*vault)->name, SEAL_NAME_BYTES, 0);
    TRY(text_file_open(comm, path, 0600, &(*vault)->file));
    TRY(write_head(comm, *vault));
done:
    if (status != OK) vault_abandon(comm, vault);
    return status;
}

static enum status new_entry(struct vault *vault)
{
    if (vault->entries < vault->entries_capacity) return OK;
    int64_t capacity = 2 * vault->entries + 16;
    enum status status = memory_grow(&vault->entry, vault->entries, capacity, sizeof *vault->entry);
    if (status == OK) vault->entries_capacity = capacity;
    return status;
}

/* Encrypt the open stream: the lengths of its ids, then the ids. */
static enum status close_stream(struct vault *vault)
{
    enum status status = OK;
    struct seal_buffer plain = {0};
    int64_t lengths = vault->open * LENGTH_BYTES,
            row = vault->row_first + vault->rows - vault->open;
    int64_t offset = vault->sealed.bytes;
    if (vault->open == 0) return OK;
    TRY(new_entry(vault));
    TRY(seal_room(&plain, lengths + vault->text.bytes));
    memcpy(plain.data, vault->length, (size_t)lengths);
    if (vault->text.bytes > 0)
        memcpy(plain.data + lengths, vault->text.data, (size_t)vault->text.bytes);
    TRY(seal_append(vault->key, vault->name, row, plain.data, lengths + vault->text.bytes,
                    &vault->sealed));
    vault->entry[vault->entries++] =
        (struct entry){row, vault->open, offset, vault->sealed.bytes - offset};
    vault->open = vault->text.bytes = 0;
done:
    seal_clear(&plain);
    return status;
}

enum status vault_append(struct vault *vault, const char *id, size_t bytes)
{
    enum status status = OK;
    if (vault->rows == vault->rows_local)
        TRY(FAIL(ERR_BUG, "more ids than the %lld users of the vault",
                 (long long)vault->rows_local));
    TRY(seal_room(&vault->text, (int64_t)bytes));
    if (bytes > 0) memcpy(vault->text.data + vault->text.bytes, id, bytes);
    vault->text.bytes += (int64_t)bytes;
    seal_put_number(vault->length + vault->open * LENGTH_BYTES, bytes, LENGTH_BYTES);
    vault->open++;
    vault->rows++;
    if (vault->open == VAULT_STREAM_USERS) TRY(close_stream(vault));
done:
    return status;
}

enum status vault_flush(const struct comm *comm, struct vault *vault)
{
    enum status status = OK;
    int64_t base = text_file_bytes(vault->file) + comm_prefix_int64(comm, vault->sealed.bytes);
    TRY(text_file_append(comm, vault->file, (const char *)vault->sealed.data, vault->sealed.bytes));
    while (vault->entries_written < vault->entries)
        vault->entry[vault->entries_written++].offset += base;
    vault->sealed.bytes = 0;
done:
    return status;
}

/* The directory and the tail, behind the streams. */
static enum status seal_directory(struct vault *vault, const struct entry *all, int64_t entries)
{
    enum status status = OK;
    struct seal_buffer plain = {0};
    int64_t offset = text_file_bytes(vault->file), bytes = entries * ENTRY_BYTES;
    TRY(seal_room(&plain, bytes + 1));
    for (int64_t e = 0; e < entries; e++) {
        const int64_t words[ENTRY_WORDS] = {all[e].row, all[e].rows, all[e].offset, all[e].bytes};
        for (int w = 0; w < ENTRY_WORDS; w++)
            seal_put_number(plain.data + e * ENTRY_BYTES + 8 * w, (uint64_t)words[w], 8);
    }
    TRY(seal_append(vault->key, vault->name, directory_row, plain.data, bytes, &vault->sealed));
    TRY(seal_room(&vault->sealed, TAIL_BYTES));
    seal_put_number(vault->sealed.data + vault->sealed.bytes, (uint64_t)offset, 8);
    seal_put_number(vault->sealed.data + vault->sealed.bytes + 8, (uint64_t)(bytes + SEAL_EXTRA),
                    8);
    vault->sealed.bytes += TAIL_BYTES;
done:
    seal_clear(&plain);
    return status;
}

static enum status close_last(struct vault *vault)
{
    if (vault->rows < vault->rows_local)
        return FAIL(ERR_BUG, "%lld ids for %lld users of the vault", (long long)vault->rows,
                    (long long)vault->rows_local);
    return close_stream(vault);
}

enum status vault_commit(const struct comm *comm, struct vault **vault)
{
    enum status status = OK;
    void *all = NULL;
    int64_t bytes = 0;
    TRY_ALL(comm, close_last(*vault));
    TRY(vault_flush(comm, *vault));
    TRY(comm_gather_all(comm, (*vault)->entry, (*vault)->entries * (int64_t)sizeof *(*vault)->entry,
                        &all, &bytes));
    TRY_ALL(comm, comm->rank == 0
                      ? seal_directory(*vault, all, bytes / (int64_t)sizeof(struct entry))
                      : OK);
    TRY(vault_flush(comm, *vault));
    TRY(text_file_commit(comm, &(*vault)->file));
done:
    free(all);
    vault_abandon(comm, vault);
    return status;
}

void vault_abandon(const struct comm *comm, struct vault **vault)
{
    if (*vault == NULL) return;
    text_file_abandon(comm, &(*vault)->file);
    seal_clear(&(*vault)->text);
    seal_clear(&(*vault)->sealed);
    free((*vault)->length);
    free((*vault)->entry);
    sodium_memzero(*vault, sizeof **vault);
    free(*vault);
    *vault = NULL;
}

/* ---- reading ---- */

/* An open vault: what every rank has to know to read its part. */
struct reader {
    const char *path;
    const unsigned char *key;
    unsigned char name[SEAL_NAME_BYTES];
    int file;
    int64_t entries;
    struct entry *entry; /* [entries] */
};

static enum status damaged(const struct reader *reader)
{
    return FAIL(ERR_DATA,
                "%s is damaged and gives no ids; make it again with `remise "
                "ingest --force`",
                reader->path);
}

static enum status open_file(struct reader *reader)
{
    reader->file = open(reader->path, O_RDONLY | O_CLOEXEC);
    if (reader->file >= 0) return OK;
    return FAIL(
        ERR_NO_INPUT,
        "cannot read %s: %s; with publish.user_ids: original `remise ingest --force` makes it",
        reader->path, strerror(errno));
}

static enum status read_at(const struct reader *reader, void *to, int64_t bytes, int64_t offset)
{
    for (int64_t done = 0; done < bytes;) {
        ssize_t got = pread(reader->file, (char *)to + done, (size_t)(bytes - done), offset + done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return FAIL(ERR_IO, "cannot read %s: %s", reader->path, strerror(errno));
        if (got == 0) return damaged(reader);
        done += got;
    }
    return OK;
}

/* Read one stream and decrypt it. plain  out  new [bytes - SEAL_EXTRA], to be wiped */
static enum status read_stream(const struct reader *reader, int64_t row, int64_t offset,
                               int64_t bytes, unsigned char **plain)
{
    enum status status = OK;
    unsigned char *stream = NULL;
    TRY(memory_new(&stream, bytes, 1));
    TRY(memory_new(plain, bytes - SEAL_EXTRA, 1));
    TRY(read_at(reader, stream, bytes, offset));
    if (!seal_open(reader->key, reader->name, row, stream, bytes, *plain)) TRY(damaged(reader));
done:
    free(stream);
    return status;
}

static enum status read_head(struct reader *reader)
{
    unsigned char head[HEAD_BYTES], check[CHECK_BYTES];
    enum status status = read_at(reader, head, HEAD_BYTES, 0);
    if (status != OK) return status;
    if (memcmp(head, MAGIC, MAGIC_BYTES) != 0) return damaged(reader);
    memcpy(reader->name, head + MAGIC_BYTES, SEAL_NAME_BYTES);
    key_check(reader->key, reader->name, check);
    if (sodium_memcmp(check, head + MAGIC_BYTES + SEAL_NAME_BYTES, CHECK_BYTES) != 0)
        return FAIL(ERR_CONFIG,
                    "%s was written with another secret; name that one as privacy.secret_file, or "
                    "make it again with this one: `remise ingest --force`",
                    reader->path);
    return OK;
}

/* The streams follow each other without a gap, in the file's bounds, and hold all users. */
static enum status check_directory(const struct reader *reader, int64_t end, int64_t rows_total)
{
    int64_t rows = 0;
    for (int64_t e = 0; e < reader->entries; e++) {
        const struct entry *entry = &reader->entry[e];
        bool fits = entry->row == rows && entry->rows >= 1 && entry->rows <= VAULT_STREAM_USERS &&
                    entry->offset >= HEAD_BYTES && entry->offset < end &&
                    entry->bytes >= SEAL_EXTRA + entry->rows * LENGTH_BYTES &&
                    entry->bytes <= end - entry->offset;
        if (!fits) return damaged(reader);
        rows += entry->rows;
    }
    if (rows == rows_total) return OK;
    return FAIL(ERR_DATA,
                "%s holds the ids of %lld users, not of %lld; make it again "
                "with `remise ingest --force`",
                reader->path, (long long)rows, (long long)rows_total);
}

static enum status read_directory(struct reader *reader, int64_t rows_total)
{
    enum status status = OK;
    unsigned char tail[TAIL_BYTES], *plain = NULL;
    struct stat facts;
    if (fstat(reader->file, &facts) != 0 || facts.st_size < HEAD_BYTES + SEAL_EXTRA + TAIL_BYTES)
        TRY(damaged(reader));
    int64_t end = (int64_t)facts.st_size - TAIL_BYTES;
    TRY(read_at(reader, tail, TAIL_BYTES, end));
    uint64_t offset = seal_get_number(tail, 8), bytes = seal_get_number(tail + 8, 8);
    if (offset > (uint64_t)end || bytes != (uint64_t)end - offset || bytes < SEAL_EXTRA ||
        (bytes - SEAL_EXTRA) % ENTRY_BYTES != 0)
        TRY(damaged(reader));
    TRY(read_stream(reader, directory_row, (int64_t)offset, (int64_t)bytes, &plain));
    reader->entries = ((int64_t)bytes - SEAL_EXTRA) / ENTRY_BYTES;
    TRY(memory_new(&reader->entry, reader->entries, sizeof *reader->entry));
    for (int64_t e = 0; e < reader->entries; e++) {
        int64_t words[ENTRY_WORDS];
        for (int w = 0; w < ENTRY_WORDS; w++)
            words[w] = (int64_t)seal_get_number(plain + e * ENTRY_BYTES + 8 * w, 8);
        reader->entry[e] = (struct entry){words[0], words[1], words[2], words[3]};
    }
    TRY(check_directory(reader, (int64_t)offset, rows_total));
done:
    free(plain);
    return status;
}

static enum status open_first(struct reader *reader, int64_t rows_total)
{
    enum status status = OK;
    if (sodium_init() < 0) TRY(FAIL(ERR_BUG, "libsodium cannot start"));
    TRY(open_file(reader));
    TRY(read_head(reader));
    TRY(read_directory(reader, rows_total));
done:
    return status;
}

/* Rank 0 reads head and directory for all. */
static enum status open_reader(const struct comm *comm, struct reader *reader, int64_t rows_total)
{
    enum status status = OK;
    TRY_ALL(comm, comm->rank == 0 ? open_first(reader, rows_total) : OK);
    comm_broadcast(comm, reader->name, SEAL_NAME_BYTES, 0);
    comm_broadcast(comm, &reader->entries, sizeof reader->entries, 0);
    TRY_ALL(comm, comm->rank == 0
                      ? OK
                      : memory_new(&reader->entry, reader->entries, sizeof *reader->entry));
    comm_broadcast(comm, reader->entry, reader->entries * (int64_t)sizeof *reader->entry, 0);
    TRY_ALL(comm, comm->rank == 0 ? OK : open_file(reader));
done:
    return status;
}

/* Take the wanted rows of a decrypted stream. */
static enum status take_rows(const struct reader *reader, const struct entry *entry,
                             const unsigned char *plain, int64_t row_first, int64_t rows,
                             struct seal_buffer *text, struct vault_ids *ids)
{
    int64_t at = entry->rows * LENGTH_BYTES, end = entry->bytes - SEAL_EXTRA;
    for (int64_t i = 0; i < entry->rows; i++) {
        int64_t bytes = (int64_t)seal_get_number(plain + i * LENGTH_BYTES, LENGTH_BYTES),
                row = entry->row + i;
        if (bytes > end - at) return damaged(reader);
        if (row >= row_first && row < row_first + rows) {
            enum status status = seal_room(text, bytes);
            if (status != OK) return status;
            memcpy(text->data + text->bytes, plain + at, (size_t)bytes);
            text->bytes += bytes;
            ids->start[++ids->rows] = text->bytes;
            ids->longest = bytes > ids->longest ? bytes : ids->longest;
        }
        at += bytes;
    }
    return at == end ? OK : damaged(reader);
}

static enum status read_rows(const struct reader *reader, int64_t row_first, int64_t rows,
                             struct vault_ids *ids)
{
    enum status status = OK;
    unsigned char *plain = NULL;
    int64_t plain_bytes = 0;
    struct seal_buffer text = {0};
    TRY(memory_new(&ids->start, rows + 1, sizeof *ids->start));
    TRY(seal_room(&text, 1));
    for (int64_t e = 0; e < reader->entries; e++) {
        const struct entry *entry = &reader->entry[e];
        if (entry->row >= row_first + rows || entry->row + entry->rows <= row_first) continue;
        plain_bytes = entry->bytes - SEAL_EXTRA;
        TRY(read_stream(reader, entry->row, entry->offset, entry->bytes, &plain));
        TRY(take_rows(reader, entry, plain, row_first, rows, &text, ids));
        sodium_memzero(plain, (size_t)plain_bytes);
        free(plain);
        plain = NULL;
    }
    if (ids->rows != rows)
        TRY(FAIL(ERR_BUG, "%s: %lld users asked for from %lld on", reader->path, (long long)rows,
                 (long long)row_first));
    ids->text = (char *)text.data;
    text = (struct seal_buffer){0};
done:
    if (plain != NULL) sodium_memzero(plain, (size_t)plain_bytes);
    free(plain);
    seal_clear(&text);
    return status;
}

enum status vault_read(const struct comm *comm, const char *path, const unsigned char *key,
                       int64_t rows_total, int64_t row_first, int64_t rows, struct vault_ids *ids)
{
    enum status status = OK;
    struct reader reader = {.path = path, .key = key, .file = -1};
    *ids = (struct vault_ids){0};
    TRY(open_reader(comm, &reader, rows_total));
    TRY_ALL(comm, read_rows(&reader, row_first, rows, ids));
    comm_max_int64(comm, &ids->longest, 1);
done:
    if (reader.file >= 0) close(reader.file);
    free(reader.entry);
    if (status != OK) vault_ids_clear(ids);
    return status;
}

void vault_ids_clear(struct vault_ids *ids)
{
    if (ids->text != NULL) sodium_memzero(ids->text, (size_t)ids->start[ids->rows]);
    free(ids->text);
    free(ids->start);
    *ids = (struct vault_ids){0};
}
