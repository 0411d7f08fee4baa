/* Running stages: which are due, in what order, and what they cost. */
#include "jobs/run.h"

#include "io/file.h"
#include "io/file_list.h"
#include "jobs/secret.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "mpi/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { STAGES_MAX = 16, FINGERPRINT_BYTES = 33 };

const struct stage *const stages[] = {
    &stage_ingest,  &stage_profile,  &stage_demand,  &stage_recommend,
    &stage_respond, &stage_allocate, &stage_publish, NULL};

/* What running the stages came to, for the table at the end. */
struct tally {
    const struct stage *stage[STAGES_MAX];
    double seconds[STAGES_MAX];
    int64_t peak_bytes[STAGES_MAX]; /* the largest of the ranks, since the start of the process */
    bool skipped[STAGES_MAX];
    int count;
};

const char *run_path(const struct run *run, const char *file)
{
    static char paths[4][RUN_PATH_BYTES + 256];
    static int next = 0;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", run->folder, file);
    return path;
}

/* ---- fingerprints ---- */

static void digest_text(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1);
}

/* A file's size and time of change; its name is among the settings, and where it is seen from does
 * not matter. */
static void digest_file(XXH3_state_t *state, const char *key, const char *path)
{
    struct stat facts;
    if (path == NULL || stat(path, &facts) != 0) return;
    int64_t numbers[3] = {(int64_t)facts.st_size, (int64_t)facts.st_mtim.tv_sec,
                          (int64_t)facts.st_mtim.tv_nsec};
    digest_text(state, key);
    XXH3_128bits_update(state, numbers, sizeof numbers);
}

/* All files of a table; where there are none, reading says why. */
static void digest_table(XXH3_state_t *state, const char *key, const char *pattern)
{
    struct file_list list = {0};
    if (file_list_make(pattern, &list) != OK) return;
    for (int64_t f = 0; f < list.count; f++) digest_file(state, key, list.path[f]);
    file_list_clear(&list);
}

/* The tables, who is to be forgotten, rates, and the secret of the pseudonyms. */
static void digest_inputs(XXH3_state_t *state, const struct run *run)
{
    const struct config *config = run->config;
    unsigned char digest[SECRET_DIGEST_BYTES];
    static const char *const tables[] = {"users",  "products", "events",
                                         "offers", "labels",   "promotions"};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        char key[32];
        snprintf(key, sizeof key, "%s.file", tables[t]);
        if (config_table(config, tables[t])) digest_table(state, key, config_path(config, key));
    }
    digest_file(state, "privacy.forget_file", config_path(config, "privacy.forget_file"));
    digest_file(state, "ingest.rates", config_path(config, "ingest.rates"));
    secret_digest(run->secret, digest);
    XXH3_128bits_update(state, digest, sizeof digest);
}

static const struct stage *stage_called(const char *name)
{
    int s = 0;
    while (strcmp(stages[s]->name, name) != 0) s++;
    return stages[s];
}

/* A stage depends on the program, its settings, the seed, the tables (the first stage), and what
 * its needs depend on. */
static void fingerprint_into(const struct run *run, const struct stage *stage, XXH3_state_t *state)
{
    struct config_fingerprint settings = config_fingerprint(run->config, stage->keys);
    digest_text(state, REMISE_VERSION);
    digest_text(state, stage->name);
    XXH3_128bits_update(state, &settings, sizeof settings);
    XXH3_128bits_update(state, &run->seed, sizeof run->seed);
    if (stage->needs[0] == NULL) digest_inputs(state, run);
    if (stage->beside != NULL) {
        uint64_t beside = stage->beside(run);
        XXH3_128bits_update(state, &beside, sizeof beside);
    }
    for (int n = 0; stage->needs[n] != NULL; n++)
        fingerprint_into(run, stage_called(stage->needs[n]), state);
}

static void fingerprint_of(const struct run *run, const struct stage *stage,
                           char text[FINGERPRINT_BYTES])
{
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL) abort();
    XXH3_128bits_reset(state);
    fingerprint_into(run, stage, state);
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    snprintf(text, FINGERPRINT_BYTES, "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
}

/* ---- checkpoints of stages ---- */

static const char *checkpoint_path(const struct run *run, const struct stage *stage)
{
    char name[128];
    snprintf(name, sizeof name, "checkpoint/%s.json", stage->name);
    return run_path(run, name);
}

static int64_t bytes_of(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? (int64_t)facts.st_size : -1;
}

static bool outputs_stand(const struct run *run, const struct stage *stage, const json_t *record)
{
    for (int o = 0; stage->outputs[o] != NULL; o++) {
        const json_t *bytes = json_object_get(json_object_get(record, "bytes"), stage->outputs[o]);
        if (!json_is_integer(bytes)) return false;
        if (json_integer_value(bytes) != bytes_of(run_path(run, stage->outputs[o]))) return false;
    }
    return true;
}

static bool stands(const struct run *run, const struct stage *stage, const char *fingerprint)
{
    json_t *record = json_load_file(checkpoint_path(run, stage), 0, NULL);
    const char *held = json_string_value(json_object_get(record, "fingerprint"));
    bool same = held != NULL && strcmp(held, fingerprint) == 0 && outputs_stand(run, stage, record);
    json_decref(record);
    return same;
}

static enum status record_done(const struct run *run, const struct stage *stage,
                               const char *fingerprint)
{
    json_t *bytes = json_object();
    for (int o = 0; stage->outputs[o] != NULL; o++)
        json_object_set_new(bytes, stage->outputs[o],
                            json_integer(bytes_of(run_path(run, stage->outputs[o]))));
    json_t *record = json_pack("{s:s, s:o}", "fingerprint", fingerprint, "bytes", bytes);
    char *text = json_dumps(record, JSON_INDENT(2));
    json_decref(record);
    if (text == NULL) return FAIL(ERR_MEMORY, "no memory for a checkpoint");
    enum status status =
        file_replace(checkpoint_path(run, stage), text, (int64_t)strlen(text), 0600);
    free(text);
    return status;
}

/* What a stage is made from must be there and up to date, or it would be recorded as made from
 * something else. */
static enum status check_needs(const struct run *run, const struct stage *stage)
{
    for (int n = 0; stage->needs[n] != NULL; n++) {
        const struct stage *need = stage_called(stage->needs[n]);
        char fingerprint[FINGERPRINT_BYTES];
        enum status status = check_needs(run, need);
        if (status != OK) return status;
        fingerprint_of(run, need, fingerprint);
        if (stands(run, need, fingerprint)) continue;
        const char *file = run_path(run, need->outputs[0]);
        return FAIL(ERR_NO_INPUT,
                    "%s needs %s, which %s; run the stage that makes it, `remise %s`, or all that "
                    "is due, `remise run`",
                    stage->name, file,
                    file_exists(file) ? "was made with other settings or tables, or not to the end"
                                      : "is not there",
                    need->name);
    }
    return OK;
}

/* Until a stage is done again it counts as not done: several outputs may be half replaced. */
static enum status begin(const struct run *run, const struct stage *stage)
{
    enum status status = check_needs(run, stage);
    if (status != OK || unlink(checkpoint_path(run, stage)) == 0 || errno == ENOENT) return status;
    return FAIL(ERR_WRITE, "cannot remove %s: %s", checkpoint_path(run, stage), strerror(errno));
}

/* ---- the run ---- */

static enum status make_folder(const char *path)
{
    struct stat facts;
    if (mkdir(path, 0755) == 0) return OK;
    int error = errno;
    if (error == EEXIST && stat(path, &facts) == 0 && S_ISDIR(facts.st_mode)) return OK;
    return FAIL(ERR_WRITE, "cannot make the folder %s: %s; name another with --out", path,
                error == EEXIST ? "there is a file of that name" : strerror(error));
}

static enum status make_folders(const struct run *run)
{
    enum status status = make_folder(run->folder);
    return status == OK ? make_folder(run_path(run, "checkpoint")) : status;
}

/* Two runs at once would write each other's unfinished files. The lock goes with the process,
 * however it ends; a file system without locks is taken as it is. */
static enum status take_folder(const struct run *run, int *lock)
{
    const char *path = run_path(run, "checkpoint/lock");
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0) return FAIL(ERR_WRITE, "cannot write %s: %s", path, strerror(errno));
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return OK;
    return FAIL(ERR_WRITE,
                "another run is at work in %s; wait for its end, or name another folder with --out",
                run->folder);
}

static enum status write_settings(const struct run *run)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&text, &bytes);
    if (memory == NULL) return FAIL(ERR_MEMORY, "no memory for the settings");
    enum status status = config_write(run->config, memory);
    fclose(memory);
    if (status == OK)
        status = file_replace(run_path(run, "settings.yaml"), text, (int64_t)bytes, 0600);
    free(text);
    return status;
}

static bool is_due(const struct comm *comm, const struct run *run, const struct stage *stage,
                   const char *fingerprint, bool force)
{
    int64_t due = comm->rank == 0 && (force || !stands(run, stage, fingerprint));
    comm_broadcast(comm, &due, sizeof due, 0);
    return due != 0;
}

static enum status run_stage(const struct comm *comm, const struct run *run,
                             const struct stage *stage, bool force, struct tally *tally)
{
    enum status status = OK;
    char fingerprint[FINGERPRINT_BYTES];
    double start = clock_seconds();
    int at = tally->count++;
    tally->stage[at] = stage;
    fingerprint_of(run, stage, fingerprint);
    comm_broadcast(comm, fingerprint, FINGERPRINT_BYTES, 0);
    tally->skipped[at] = !is_due(comm, run, stage, fingerprint, force);
    if (tally->skipped[at]) {
        log_info("%s: unchanged, skipped", stage->name);
        return OK;
    }
    TRY_ALL(comm, comm->rank == 0 ? begin(run, stage) : OK);
    log_info("%s: %s", stage->name, stage->does);
    TRY(stage->run(comm, run));
    TRY_ALL(comm, comm->rank == 0 ? record_done(run, stage, fingerprint) : OK);
    tally->seconds[at] = clock_seconds() - start;
    tally->peak_bytes[at] = memory_peak_bytes();
    comm_max_int64(comm, &tally->peak_bytes[at], 1);
done:
    return status;
}

static void report(const struct comm *comm, const struct tally *tally)
{
    int64_t peak[2] = {memory_peak_bytes(), memory_peak_bytes()};
    double total = 0;
    comm_max_int64(comm, &peak[0], 1);
    comm_sum_int64(comm, &peak[1], 1);
    log_info("%-10s %9s %16s", "stage", "seconds", "peak MiB a rank");
    for (int s = 0; s < tally->count; s++) {
        total += tally->seconds[s];
        if (tally->skipped[s])
            log_info("%-10s %9s %16s", tally->stage[s]->name, "-", "skipped");
        else
            log_info("%-10s %9.2f %16lld", tally->stage[s]->name, tally->seconds[s],
                     (long long)(tally->peak_bytes[s] >> 20));
    }
    log_info("%-10s %9.2f %16lld  (%lld MiB on all %d ranks)", "in all", total,
             (long long)(peak[0] >> 20), (long long)(peak[1] >> 20), comm->ranks);
}

static int place_of(const char *name, int otherwise)
{
    for (int s = 0; name != NULL && stages[s] != NULL; s++)
        if (strcmp(stages[s]->name, name) == 0) return s;
    return otherwise;
}

enum status run_stages(const struct comm *comm, const struct config *config, const char *folder,
                       const char *first, const char *last, bool force)
{
    enum status status = OK;
    struct run run = {.config = config};
    struct tally tally = {0};
    struct secret *secret = NULL;
    int lock = -1, begin_at = place_of(first, 0), end_at = place_of(last, STAGES_MAX);
    if (begin_at > end_at)
        TRY(FAIL(ERR_USAGE, "nothing to do: the stage %s comes before %s", last, first));
    run.seed = (uint64_t)config_integer(config, "seed");
    if (snprintf(run.folder, sizeof run.folder, "%s", folder) >= (int)sizeof run.folder)
        TRY(FAIL(ERR_USAGE, "the run folder's name is too long"));
    TRY_ALL(comm, comm->rank == 0 ? make_folders(&run) : OK);
    TRY_ALL(comm, comm->rank == 0 ? take_folder(&run, &lock) : OK);
    TRY_ALL(comm, log_open(run_path(&run, "log.jsonl")));
    TRY_ALL(comm, comm->rank == 0 ? write_settings(&run) : OK);
    log_info("run %s on %d ranks, one thread each", folder, comm->ranks);
    TRY(secret_open(comm, config, &secret));
    run.secret = secret;
    for (int s = begin_at; stages[s] != NULL && s <= end_at; s++) {
        TRY(stop_agree(comm));
        TRY(run_stage(comm, &run, stages[s], force, &tally));
    }
    report(comm, &tally);
done:
    secret_free(&secret);
    if (lock >= 0) close(lock);
    return status;
}
