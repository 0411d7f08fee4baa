/* The manifest, its digests taken by all ranks. */
#include "jobs/manifest.h"

#include "io/file.h"
#include "io/parse.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TABLES = 4, RESULTS = 5, FILES = TABLES + RESULTS };

/* One file of the manifest. */
struct entry {
    char name[RUN_PATH_BYTES]; /* as the manifest calls it; empty: not in this run */
    char path[RUN_PATH_BYTES];
    char digest[SHA256_TEXT_BYTES];
};

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

static void list_files(const struct run *run, struct entry *entry)
{
    static const char *const tables[TABLES] = {"users", "products", "events", "offers"};
    static const char *const results[RESULTS] = {"discounts.csv", "discounts.h5", "receipt.json",
                                                 "rejects.csv", "settings.yaml"};
    for (int t = 0; t < TABLES; t++) {
        char key[32];
        snprintf(key, sizeof key, "%s.file", tables[t]);
        if (!config_table(run->config, tables[t])) continue;
        snprintf(entry[t].name, sizeof entry[t].name, "%s", config_path(run->config, key));
        snprintf(entry[t].path, sizeof entry[t].path, "%s", config_path(run->config, key));
    }
    for (int r = 0; r < RESULTS; r++) {
        struct entry *to = &entry[TABLES + r];
        snprintf(to->name, sizeof to->name, "%s", results[r]);
        snprintf(to->path, sizeof to->path, "%s", run_path(run, results[r]));
    }
}

/* Each rank takes every ranks-th file. */
static enum status digest_share(const struct comm *comm, struct entry *entry)
{
    enum status status = OK;
    for (int f = comm->rank; f < FILES; f += comm->ranks)
        if (entry[f].name[0] != 0) TRY(file_sha256(entry[f].path, entry[f].digest));
done:
    return status;
}

static enum status write_file(const struct run *run, int ranks, const struct entry *entry)
{
    json_t *inputs = json_object(), *outputs = json_object();
    char now[TIME_TEXT_BYTES + 1] = {0};
    for (int f = 0; f < FILES; f++)
        if (entry[f].name[0] != 0)
            json_object_set_new(f < TABLES ? inputs : outputs, entry[f].name,
                                json_string(entry[f].digest));
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
    struct entry *entry = calloc(FILES, sizeof *entry);
    TRY_ALL(comm, entry != NULL ? OK : FAIL(ERR_MEMORY, "no memory for the manifest"));
    list_files(run, entry);
    TRY_ALL(comm, digest_share(comm, entry));
    for (int f = 0; f < FILES; f++)
        comm_broadcast(comm, entry[f].digest, SHA256_TEXT_BYTES, f % comm->ranks);
    TRY_ALL(comm, comm->rank == 0 ? write_file(run, comm->ranks, entry) : OK);
done:
    free(entry);
    return status;
}
