/* The manifest, its digests taken by all ranks. */
#include "jobs/manifest.h"

#include "io/file.h"
#include "io/file_list.h"
#include "io/parse.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One file of the manifest. */
struct entry {
    char path[RUN_PATH_BYTES + 256];
    size_t name; /* where in path the name begins by which the manifest calls it */
    bool output;
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

static void add_entry(struct entries *entries, const char *path, size_t name, bool output)
{
    struct entry *entry = &entries->entry[entries->count++];
    snprintf(entry->path, sizeof entry->path, "%s", path);
    entry->name = name;
    entry->output = output;
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
    for (int64_t f = 0; f < list.count; f++) add_entry(entries, list.path[f], 0, false);
done:
    file_list_clear(&list);
    return status;
}

static enum status add_results(const struct run *run, struct entries *entries)
{
    static const char *const results[] = {"discounts.csv", "discounts.h5", "receipt.json",
                                          "receipt.txt",   "rejects.csv",  "settings.yaml"};
    size_t count = sizeof results / sizeof *results;
    enum status status = make_room(entries, (int64_t)count);
    for (size_t r = 0; r < count && status == OK; r++) {
        const char *path = run_path(run, results[r]);
        add_entry(entries, path, strlen(path) - strlen(results[r]), true);
    }
    return status;
}

static enum status list_files(const struct run *run, struct entries *entries)
{
    static const char *const tables[] = {"users", "products", "events", "offers", "labels"};
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

static enum status write_file(const struct run *run, int ranks, const struct entries *entries)
{
    json_t *inputs = json_object(), *outputs = json_object();
    char now[TIME_TEXT_BYTES + 1] = {0};
    for (int64_t f = 0; f < entries->count; f++) {
        const struct entry *entry = &entries->entry[f];
        json_object_set_new(entry->output ? outputs : inputs, entry->path + entry->name,
                            json_string(entry->digest));
    }
    format_time((int64_t)time(NULL), now);
    json_t *manifest =
        json_pack("{s:s, s:i, s:I, s:o, s:o}", "published", now, "ranks", ranks, "seed",
                  (json_int_t)run->seed, "inputs_sha256", inputs, "outputs_sha256", outputs);
    if (manifest == NULL) return FAIL(ERR_MEMORY, "no memory for the manifest");
    return manifest_dump(manifest, run_path(run, "manifest.json"));
}

enum status manifest_write(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct entries entries = {0};
    TRY(share_files(comm, run, &entries));
    TRY_ALL(comm, digest_share(comm, &entries));
    for (int64_t f = 0; f < entries.count; f++)
        comm_broadcast(comm, entries.entry[f].digest, SHA256_TEXT_BYTES, (int)(f % comm->ranks));
    TRY_ALL(comm, comm->rank == 0 ? write_file(run, comm->ranks, &entries) : OK);
done:
    free(entries.entry);
    return status;
}
