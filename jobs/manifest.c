/* The manifest, its digests taken by all ranks. */
#include "jobs/manifest.h"

#include "io/file.h"
#include "io/file_list.h"
#include "io/parse.h"
#include "mpi/memory.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where in the manifest a file stands. */
enum part { PART_INPUT, PART_OUTPUT, PART_RUN, PARTS };

/* One file of the manifest. */
struct entry {
    char path[RUN_PATH_BYTES + 256];
    size_t name; /* where in path the name begins by which the manifest calls it */
    enum part part;
    char digest[SHA256_TEXT_BYTES];
};

struct entries {
    struct entry *entry; /* [count] */
    int64_t count;
};

json_t *manifest_number(double x)
{
    char text[32];
    if (!isfinite(x)) return json_null();
    snprintf(text, sizeof text, "%.6g", x);
    return json_real(strtod(text, NULL) + 0.0);
}

enum status manifest_dump(json_t *value, const char *path)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(value);
    if (text == NULL) return FAIL(ERR_MEMORY, "no memory for %s", path);
    size_t bytes = strlen(text);
    text[bytes] = '\n'; /* in place of the end mark: the length is known */
    enum status status = file_replace(path, text, (int64_t)bytes + 1, 0644);
    free(text);
    return status;
}

/* ---- which files ---- */

static enum status make_room(struct entries *entries, int64_t more)
{
    return memory_grow(&entries->entry, entries->count, entries->count + more,
                       sizeof *entries->entry);
}

static void add_entry(struct entries *entries, const char *path, size_t name, enum part part)
{
    struct entry *entry = &entries->entry[entries->count++];
    snprintf(entry->path, sizeof entry->path, "%s", path);
    entry->name = name;
    entry->part = part;
}

static enum status add_table(const struct run *run, const char *table, struct entries *entries)
{
    enum status status = OK;
    struct file_list list = {0};
    char key[32];
    snprintf(key, sizeof key, "%s.file", table);
    if (!config_table(run->config, table)) return OK;
    TRY(file_list_make(config_path(run->config, key), &list));
    TRY(make_room(entries, list.count));
    for (int64_t f = 0; f < list.count; f++) add_entry(entries, list.path[f], 0, PART_INPUT);
done:
    file_list_clear(&list);
    return status;
}

/* The version's files, and what the run folder has beside them. */
static enum status add_results(const struct run *run, struct entries *entries)
{
    static const char *const beside[] = {"rejects.csv", "settings.yaml"};
    enum status status = make_room(entries, VERSION_CONTENT + 2);
    for (int f = 0; f < VERSION_CONTENT && status == OK; f++) {
        const char *path = version_path(run, version_files[f]);
        add_entry(entries, path, strlen(path) - strlen(version_files[f]), PART_OUTPUT);
    }
    for (int f = 0; f < 2 && status == OK; f++) {
        const char *path = run_path(run, beside[f]);
        add_entry(entries, path, strlen(path) - strlen(beside[f]), PART_RUN);
    }
    return status;
}

static enum status list_files(const struct run *run, struct entries *entries)
{
    static const char *const tables[] = {"users",  "products", "events",
                                         "offers", "labels",   "promotions"};
    enum status status = OK;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        TRY(add_table(run, tables[t], entries));
    TRY(add_results(run, entries));
done:
    return status;
}

/* The files rank 0 sees, so that all ranks have the same. */
static enum status share_files(const struct comm *comm, const struct run *run,
                               struct entries *entries)
{
    enum status status = OK;
    TRY_ALL(comm, comm->rank == 0 ? list_files(run, entries) : OK);
    comm_broadcast(comm, &entries->count, sizeof entries->count, 0);
    TRY_ALL(comm, comm->rank == 0
                      ? OK
                      : memory_new(&entries->entry, entries->count, sizeof *entries->entry));
    comm_broadcast(comm, entries->entry, entries->count * (int64_t)sizeof *entries->entry, 0);
done:
    return status;
}

/* ---- their digests ---- */

/* Each rank takes every ranks-th file. */
static enum status digest_share(const struct comm *comm, struct entries *entries)
{
    enum status status = OK;
    for (int64_t f = comm->rank; f < entries->count; f += comm->ranks)
        TRY(file_sha256(entries->entry[f].path, entries->entry[f].digest));
done:
    return status;
}

/* The name follows from what the version's files are called and hold, and from nothing else. */
static void name_version(const struct entries *entries, char *id)
{
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    for (int64_t f = 0; f < entries->count; f++) {
        const struct entry *entry = &entries->entry[f];
        if (entry->part != PART_OUTPUT) continue;
        const char *name = entry->path + entry->name;
        crypto_hash_sha256_update(&state, (const unsigned char *)name, strlen(name) + 1);
        crypto_hash_sha256_update(&state, (const unsigned char *)entry->digest, SHA256_TEXT_BYTES);
    }
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(id, VERSION_ID_BYTES, digest, (VERSION_ID_BYTES - 1) / 2);
}

/* Do the files that stand under the name have the digests of these? Each rank looks at its share.
 */
static bool stands_already(const struct comm *comm, const struct run *run,
                           const struct entries *entries, const char *id)
{
    char digest[SHA256_TEXT_BYTES];
    int64_t same = file_exists(version_file(run, id, "manifest.json"));
    for (int64_t f = comm->rank; f < entries->count && same; f += comm->ranks) {
        const struct entry *entry = &entries->entry[f];
        if (entry->part != PART_OUTPUT) continue;
        const char *path = version_file(run, id, entry->path + entry->name);
        same = file_exists(path) && file_sha256(path, digest) == OK &&
               strcmp(digest, entry->digest) == 0;
    }
    comm_min_int64(comm, &same, 1);
    return same != 0;
}

/* The settings as settings.yaml has them, a line each, without those that have no value. */
static enum status settings_json(const struct run *run, json_t **list)
{
    char *text = NULL, *rest = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&text, &bytes);
    if (memory == NULL) return FAIL(ERR_MEMORY, "no memory for the settings");
    enum status status = config_write(run->config, memory);
    fclose(memory);
    *list = json_array();
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (line[strspn(line, " ")] != '#') json_array_append_new(*list, json_string(line));
    free(text);
    return status;
}

/* A digest of all its other fields, compact and in the order of their names. */
static enum status sign(json_t *manifest)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[SHA256_TEXT_BYTES];
    char *text = json_dumps(manifest, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL) return FAIL(ERR_MEMORY, "no memory for the manifest");
    crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    free(text);
    json_object_set_new(manifest, "manifest_sha256", json_string(hex));
    return OK;
}

static enum status write_file(const struct run *run, int ranks, const struct entries *entries,
                              const char *id)
{
    json_t *part[PARTS] = {json_object(), json_object(), json_object()}, *settings = NULL;
    char now[TIME_TEXT_BYTES + 1] = {0};
    for (int64_t f = 0; f < entries->count; f++) {
        const struct entry *entry = &entries->entry[f];
        json_object_set_new(part[entry->part], entry->path + entry->name,
                            json_string(entry->digest));
    }
    format_time((int64_t)time(NULL), now);
    enum status status = settings_json(run, &settings);
    json_t *manifest =
        json_pack("{s:s, s:s, s:s, s:i, s:I, s:s, s:o, s:o, s:o, s:o}", "version", id, "program",
                  REMISE_VERSION, "published", now, "ranks", ranks, "seed", (json_int_t)run->seed,
                  "user_ids", config_text(run->config, "publish.user_ids"), "inputs_sha256",
                  part[PART_INPUT], "outputs_sha256", part[PART_OUTPUT], "run_sha256",
                  part[PART_RUN], "configuration", settings);
    if (manifest == NULL) return FAIL(ERR_MEMORY, "no memory for the manifest");
    if (status == OK) status = sign(manifest);
    if (status == OK) return manifest_dump(manifest, version_path(run, "manifest.json"));
    json_decref(manifest);
    return status;
}

enum status manifest_write(const struct comm *comm, const struct run *run, char *id, bool *same)
{
    enum status status = OK;
    struct entries entries = {0};
    TRY(share_files(comm, run, &entries));
    TRY_ALL(comm, digest_share(comm, &entries));
    for (int64_t f = 0; f < entries.count; f++)
        comm_broadcast(comm, entries.entry[f].digest, SHA256_TEXT_BYTES, (int)(f % comm->ranks));
    name_version(&entries, id);
    *same = stands_already(comm, run, &entries, id);
    TRY_ALL(comm, comm->rank == 0 ? write_file(run, comm->ranks, &entries, id) : OK);
done:
    free(entries.entry);
    return status;
}
