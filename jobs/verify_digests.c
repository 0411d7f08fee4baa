/* Digests of whole files, and checksums of blocks of columns. */
#include "jobs/verify.h"

#include "io/file.h"
#include "jobs/versions.h"
#include "mpi/memory.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { BLOCKS_AT_ONCE = 64 };

/* ---- files ---- */

static const char *told(const struct verify *verify, const char *file)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(verify->manifest, "outputs_sha256"), file));
    return text != NULL ? text : "";
}

static void check_file(const struct verify *verify, int f, char *digest, struct finding *finding)
{
    const char *name = version_files[f], *path = verify_path(verify, name);
    memset(digest, 0, SHA256_TEXT_BYTES);
    if (!file_exists(path))
        finding_add(finding, f, "%s is missing", name);
    else if (file_sha256(path, digest) != OK)
        finding_add(finding, f, "%s cannot be read: %s", name, status_message());
    else if (strcmp(digest, told(verify, name)) != 0)
        finding_add(finding, f, "%s has SHA-256 %.16s..., manifest.json says %.16s...", name,
                    digest, told(verify, name));
}

/* The version's name as it follows from the digests of its files. */
static void check_name(const struct verify *verify, char (*digest)[SHA256_TEXT_BYTES],
                       struct finding *finding)
{
    crypto_hash_sha256_state state;
    unsigned char bytes[crypto_hash_sha256_BYTES];
    char id[VERSION_ID_BYTES];
    const char *name = json_string_value(json_object_get(verify->manifest, "version"));
    crypto_hash_sha256_init(&state);
    for (int f = 0; f < VERSION_CONTENT; f++) {
        crypto_hash_sha256_update(&state, (const unsigned char *)version_files[f],
                                  strlen(version_files[f]) + 1);
        crypto_hash_sha256_update(&state, (const unsigned char *)digest[f], SHA256_TEXT_BYTES);
    }
    crypto_hash_sha256_final(&state, bytes);
    sodium_bin2hex(id, sizeof id, bytes, sizeof id / 2);
    if (name == NULL || strcmp(name, id) != 0)
        finding_add(finding, VERSION_FILES, "manifest.json names version %.32s, the files are %s",
                    name != NULL ? name : "none", id);
}

/* The manifest's own digest, of all its other fields, compact and in the order of their names. */
static void check_manifest(const struct verify *verify, struct finding *finding)
{
    unsigned char bytes[crypto_hash_sha256_BYTES];
    char digest[SHA256_TEXT_BYTES] = "";
    static const char field[] = "manifest_sha256";
    const char *told_here = json_string_value(json_object_get(verify->manifest, field));
    json_t *rest = json_copy(verify->manifest);
    json_object_del(rest, field);
    char *text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(rest);
    if (text != NULL) {
        crypto_hash_sha256(bytes, (const unsigned char *)text, strlen(text));
        sodium_bin2hex(digest, sizeof digest, bytes, sizeof bytes);
    }
    free(text);
    if (told_here == NULL)
        finding_add(finding, VERSION_FILES,
                    "manifest.json has no %s: it was changed, or published by an earlier version "
                    "of the program; `remise publish CONFIG -o RUN --force` makes it anew",
                    field);
    else if (strcmp(told_here, digest) != 0)
        finding_add(finding, VERSION_FILES,
                    "manifest.json has been changed: its %s is %.16s..., its fields have %.16s...",
                    field, told_here, digest);
}

enum status verify_digests(const struct comm *comm, struct verify *verify)
{
    struct finding finding = {0};
    char digest[VERSION_CONTENT][SHA256_TEXT_BYTES];
    if (verify->manifest == NULL && comm->rank == 0)
        finding_add(&finding, -1, "manifest.json is missing or no JSON");
    for (int f = comm->rank; f < VERSION_CONTENT; f += comm->ranks)
        check_file(verify, f, digest[f], &finding);
    for (int f = 0; f < VERSION_CONTENT; f++)
        comm_broadcast(comm, digest[f], SHA256_TEXT_BYTES, f % comm->ranks);
    if (comm->rank == 0 && verify->manifest != NULL) {
        check_name(verify, digest, &finding);
        check_manifest(verify, &finding);
    }
    verify_tell(comm, verify, "digests", &finding,
                "manifest.json is whole, and %d files are those it names", VERSION_CONTENT);
    return OK;
}

/* ---- columns of any type ---- */

static const enum store_type types[] = {STORE_F64, STORE_TEXT, STORE_I64, STORE_I32,
                                        STORE_U8,  STORE_U64,  STORE_F32};

/* A column's rows with the type they are found to have. */
static enum status read_any(const struct comm *comm, const struct store *store, const char *name,
                            int64_t first, int64_t rows, enum store_type *type, int64_t *width,
                            void **data)
{
    enum status status = OK;
    *data = NULL;
    if (store_rows(comm, store, name, width) < 0)
        return comm_agree(comm, FAIL(ERR_DATA, "discounts.h5 has no column %s", name));
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        free(*data);
        *data = NULL;
        *type = types[t];
        TRY_ALL(comm, memory_new(data, rows * *width, store_type_bytes(*type)));
        status = store_read(comm, store, name, *type, first, rows, *data);
        if (status == OK) break;
    }
done:
    if (status != OK) {
        free(*data);
        *data = NULL;
    }
    return status;
}

static double number_at(enum store_type type, const void *data, int64_t i)
{
    switch (type) {
    case STORE_F64:
        return ((const double *)data)[i];
    case STORE_F32:
        return (double)((const float *)data)[i];
    case STORE_I64:
        return (double)((const int64_t *)data)[i];
    case STORE_U64:
        return (double)((const uint64_t *)data)[i];
    case STORE_I32:
        return (double)((const int32_t *)data)[i];
    default:
        return (double)((const uint8_t *)data)[i];
    }
}

enum status verify_column(const struct comm *comm, const struct store *store, const char *name,
                          int64_t first, int64_t rows, bool *text, int64_t *width, void **data)
{
    enum status status = OK;
    enum store_type type = STORE_F64;
    double *number = NULL;
    TRY(read_any(comm, store, name, first, rows, &type, width, data));
    *text = type == STORE_TEXT;
    if (*text || type == STORE_F64) return OK;
    TRY_ALL(comm, memory_new(&number, rows * *width, sizeof *number));
    for (int64_t i = 0; i < rows * *width; i++) number[i] = number_at(type, *data, i);
    free(*data);
    *data = number;
done:
    return status;
}

/* ---- checksums ---- */

struct sums {
    struct dictionary column;
    int64_t blocks, row_first; /* of this rank: how many, and the first row of the first */
    int64_t block_first;
    int64_t *rows;  /* [blocks] */
    uint64_t *xxh3; /* [blocks][columns] */
};

static enum status read_sums(const struct comm *comm, const struct store *store, struct sums *sums)
{
    enum status status = OK;
    int64_t width = 0, total = store_rows(comm, store, "checksums/xxh3", &width);
    TRY(store_read_dictionary(comm, store, "checksums/column", &sums->column));
    if (total < 0 || width != sums->column.count)
        TRY(comm_agree(comm, FAIL(ERR_DATA, "discounts.h5: checksums are not of its columns")));
    sums->block_first = total * comm->rank / comm->ranks;
    sums->blocks = total * (comm->rank + 1) / comm->ranks - sums->block_first;
    TRY_ALL(comm, memory_new(&sums->rows, sums->blocks, sizeof *sums->rows));
    TRY_ALL(comm, memory_new(&sums->xxh3, sums->blocks * width, sizeof *sums->xxh3));
    TRY(store_read(comm, store, "checksums/rows", STORE_I64, sums->block_first, sums->blocks,
                   sums->rows));
    TRY(store_read(comm, store, "checksums/xxh3", STORE_U64, sums->block_first, sums->blocks,
                   sums->xxh3));
done:
    return status;
}

static enum status check_rows(const struct comm *comm, const struct verify *verify,
                              struct sums *sums)
{
    enum status status = OK;
    int64_t rows = 0;
    bool good = true;
    for (int64_t b = 0; b < sums->blocks; b++) {
        good = good && sums->rows[b] >= 0 && sums->rows[b] <= verify->rows;
        rows += good ? sums->rows[b] : 0;
    }
    sums->row_first = comm_prefix_int64(comm, rows);
    comm_sum_int64(comm, &rows, 1);
    TRY_ALL(comm, good && rows == verify->rows
                      ? OK
                      : FAIL(ERR_DATA, "discounts.h5: checksums/rows are not those of %lld rows",
                             (long long)verify->rows));
done:
    return status;
}

/* Blocks first .. first + count - 1 of this rank of one column. */
static enum status check_blocks(const struct comm *comm, const struct verify *verify,
                                const struct sums *sums, int64_t c, int64_t first, int64_t count,
                                int64_t row_first, struct finding *finding)
{
    enum status status = OK;
    const char *name = dictionary_text(&sums->column, c);
    void *data = NULL;
    enum store_type type = STORE_F64;
    int64_t rows = 0, width = 1;
    for (int64_t b = 0; b < count; b++) rows += sums->rows[first + b];
    TRY(read_any(comm, verify->store, name, row_first, rows, &type, &width, &data));
    size_t bytes = (size_t)width * store_type_bytes(type);
    const char *at = data;
    for (int64_t b = first, row = row_first; b < first + count; b++) {
        size_t block = (size_t)sums->rows[b] * bytes;
        if (XXH3_64bits(at, block) != sums->xxh3[b * sums->column.count + c])
            finding_add(finding, row, "discounts.h5: %s is damaged in rows %lld to %lld", name,
                        (long long)row, (long long)(row + sums->rows[b] - 1));
        at += block;
        row += sums->rows[b];
    }
done:
    free(data);
    return status;
}

static enum status check_column(const struct comm *comm, const struct verify *verify,
                                const struct sums *sums, int64_t c, struct finding *finding)
{
    enum status status = OK;
    int64_t rounds = (sums->blocks + BLOCKS_AT_ONCE - 1) / BLOCKS_AT_ONCE, row = sums->row_first;
    comm_max_int64(comm, &rounds, 1);
    for (int64_t r = 0, b = 0; r < rounds; r++) {
        int64_t count = sums->blocks - b < BLOCKS_AT_ONCE ? sums->blocks - b : BLOCKS_AT_ONCE;
        TRY(check_blocks(comm, verify, sums, c, b, count, row, finding));
        for (int64_t end = b + count; b < end; b++) row += sums->rows[b];
    }
done:
    return status;
}

enum status verify_sums(const struct comm *comm, struct verify *verify)
{
    enum status status = OK;
    struct sums sums = {0};
    struct finding finding = {0};
    TRY(read_sums(comm, verify->store, &sums));
    TRY(check_rows(comm, verify, &sums));
    for (int64_t c = 0; c < sums.column.count; c++)
        TRY(check_column(comm, verify, &sums, c, &finding));
done:
    if (status == ERR_DATA || status == ERR_IO) {
        if (comm->rank == 0) finding_add(&finding, -1, "%s", status_message());
        status = OK;
    }
    if (status == OK)
        verify_tell(comm, verify, "checksums", &finding, "%lld columns, block by block",
                    (long long)sums.column.count);
    dictionary_clear(&sums.column);
    free(sums.rows);
    free(sums.xxh3);
    return status;
}
