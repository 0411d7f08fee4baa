/* Old versions of the table: how many stay, and whose rows may not. */
#include "jobs/publish_retain.h"

#include "io/store.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_AT_ONCE = 1 << 16 };

/* The users whose keys lie in this rank's part of the order: from its first user's up to the next
 * rank's. */
struct part {
    const struct user_key *key; /* [users] ascending; not owned */
    int64_t users;
    struct user_key from, to;
    bool any, last; /* a rank without users has no part; the last has all up to the end */
};

/* ---- who is in the data set ---- */

static enum status part_of(const struct comm *comm, const struct dataset *dataset,
                           struct part *part)
{
    struct first {
        struct user_key key;
        int64_t users;
    } mine = {.users = dataset->users.blocks.rows_local}, *all = NULL;
    int64_t bytes = 0;
    *part = (struct part){.key = dataset->users.key, .users = mine.users, .any = mine.users > 0};
    if (part->any) mine.key = part->key[0];
    enum status status = comm_gather_all(comm, &mine, sizeof mine, (void **)&all, &bytes);
    if (status != OK) return status;
    int before = comm->rank - 1, behind = comm->rank + 1;
    while (before >= 0 && all[before].users == 0) before--;
    while (behind < comm->ranks && all[behind].users == 0) behind++;
    part->from = before >= 0 ? mine.key : (struct user_key){0, 0};
    part->last = behind == comm->ranks;
    if (!part->last) part->to = all[behind].key;
    free(all);
    return OK;
}

static bool has(const struct part *part, struct user_key key)
{
    int64_t low = 0, high = part->users;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = user_key_compare(part->key[middle], key);
        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int64_t count_strangers(const struct part *part, const struct user_key *key, int64_t count)
{
    int64_t strangers = 0;
    for (int64_t i = 0; i < count && part->any; i++)
        if (user_key_compare(key[i], part->from) >= 0 &&
            (part->last || user_key_compare(key[i], part->to) < 0))
            strangers += !has(part, key[i]);
    return strangers;
}

/* A version that cannot be read counts as one with strangers. */
static enum status find_strangers(const struct comm *comm, const struct run *run, const char *id,
                                  const struct part *part, int64_t *strangers)
{
    enum status status = OK;
    struct store *store = NULL;
    struct user_key *key = NULL;
    *strangers = 1;
    TRY_ALL(comm, memory_new(&key, KEYS_AT_ONCE, sizeof *key));
    if (store_open(comm, version_file(run, id, "discounts.h5"), &store) != OK) goto done;
    int64_t users = store_rows(comm, store, "users/key", NULL);
    if (users < 0) goto done;
    *strangers = 0;
    for (int64_t first = 0; first < users; first += KEYS_AT_ONCE) {
        int64_t now = users - first < KEYS_AT_ONCE ? users - first : KEYS_AT_ONCE;
        if (store_read(comm, store, "users/key", STORE_U64, first, now, key) != OK) {
            *strangers = 1;
            goto done;
        }
        *strangers += count_strangers(part, key, now);
    }
    comm_sum_int64(comm, strangers, 1);
done:
    store_close(comm, &store);
    free(key);
    return status;
}

/* ---- which go ---- */

static bool has_original_ids(const struct run *run, const char *id)
{
    json_t *manifest = json_load_file(version_file(run, id, "manifest.json"), 0, NULL);
    const char *ids = json_string_value(json_object_get(manifest, "user_ids"));
    bool original = ids == NULL || strcmp(ids, "original") == 0;
    json_decref(manifest);
    return original;
}

static bool some_are_left_out(const struct config *config)
{
    return config_has(config, "privacy.forget") || config_has(config, "privacy.forget_file") ||
           config_column(config, "users", "consent") != NULL;
}

/* Why a version must go, NULL if it may stay; the same on every rank. */
static enum status judge(const struct comm *comm, const struct run *run, const char *id,
                         const struct part *part, const char **why)
{
    enum status status = OK;
    int64_t strangers = 0, named = 0;
    *why = NULL;
    if (!config_is(run->config, "publish.user_ids", "original"))
        named = comm->rank == 0 && has_original_ids(run, id);
    comm_sum_int64(comm, &named, 1);
    if (named != 0) *why = "it has the shop's ids of users";
    if (*why != NULL || !some_are_left_out(run->config)) return OK;
    TRY(find_strangers(comm, run, id, part, &strangers));
    if (strangers > 0) *why = "it has users who are left out now";
done:
    return status;
}

enum status publish_retain(const struct comm *comm, const struct run *run,
                           const struct dataset *dataset, const char *current)
{
    enum status status = OK;
    char(*list)[VERSION_ID_BYTES] = NULL;
    int64_t count = 0, kept = 0, keep = config_integer(run->config, "publish.keep");
    struct part part;
    TRY(part_of(comm, dataset, &part));
    TRY(version_list(comm, run, &list, &count));
    for (int64_t v = 0; v < count; v++) {
        const char *why = "enough newer ones are kept";
        if (strcmp(list[v], current) == 0) continue;
        if (kept < keep) TRY(judge(comm, run, list[v], &part, &why));
        kept += why == NULL;
        if (why == NULL) continue;
        log_info("  the old version %.8s is removed: %s", list[v], why);
        TRY_ALL(comm, comm->rank == 0 ? version_remove(run, list[v]) : OK);
    }
done:
    free(list);
    return status;
}
