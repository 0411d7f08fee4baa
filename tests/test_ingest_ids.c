/* Ids on their way to the vault: met on any rank, any number of times, in memory or in the file,
 * every user of the data set gets its own and nobody else's is kept. */
#include "tests/folders.h"

#include "io/file.h"
#include "io/vault.h"
#include "jobs/ingest_ids.h"
#include "jobs/secret.h"

#include <sodium.h>

enum { IDS = 3000, MEMORY = 1 << 16 };

static const unsigned char secret[USER_SECRET_BYTES] = {9};

struct user {
    struct user_key key;
    int number;
};

static struct user user[IDS]; /* ascending */

/* Lengths 1 to 200, a few of 1,024; returns the length. */
static size_t id_of(int number, char *id)
{
    int bytes = sprintf(id, "canary-%d-", number), wanted = number % 97 == 0 ? 1024 : number % 200;
    for (; bytes < wanted; bytes++) id[bytes] = (char)('a' + (number + bytes) % 26);
    return (size_t)bytes;
}

static int compare(const void *a, const void *b)
{
    return user_key_compare(((const struct user *)a)->key, ((const struct user *)b)->key);
}

static int start(void **state)
{
    (void)state;
    char id[1100];
    if (sodium_init() < 0) abort();
    scratch_open();
    for (int u = 0; u < IDS; u++) user[u] = (struct user){user_key_of(secret, id, id_of(u, id)), u};
    qsort(user, IDS, sizeof *user, compare);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

/* Two of three are users of the data set. */
static bool stays(const struct user *u)
{
    return u->number % 3 != 0;
}

/* Every rank meets its share and the one of the next, some ids again and again. */
static enum status add_all(struct ids *ids)
{
    char id[1100];
    enum status status = OK;
    for (int round = 0; round < 2; round++)
        for (int u = 0; u < IDS && status == OK; u++) {
            if ((u + round) % world.ranks != world.rank) continue;
            size_t bytes = id_of(u, id);
            struct user_key key = user_key_of(secret, id, bytes);
            for (int again = 0; again <= u % 3 && status == OK; again++)
                status = ids_add(ids, key, id, bytes);
        }
    return status;
}

/* The keys of this rank's users: evenly cut, or all on the last rank. */
static int64_t keys_of(bool lopsided, struct user_key *key, int *from)
{
    int64_t count = 0;
    int first = IDS * world.rank / world.ranks, end = IDS * (world.rank + 1) / world.ranks;
    if (lopsided) first = world.rank + 1 < world.ranks ? IDS : 0, end = IDS;
    *from = first;
    for (int u = first; u < end; u++)
        if (stays(&user[u])) key[count++] = user[u].key;
    return count;
}

static enum status write_all(int64_t memory, bool lopsided, const char *path)
{
    enum status status = OK;
    static struct user_key key[IDS];
    struct ids *ids = NULL;
    int from = 0;
    int64_t count = keys_of(lopsided, key, &from);
    TRY_ALL(&world, ids_new(secret, scratch_folder, memory, &ids));
    TRY_ALL(&world, add_all(ids));
    TRY(ids_write(&world, ids, path, key, count));
done:
    ids_free(&ids);
    return status;
}

static bool vault_right(const char *path)
{
    char id[1100];
    unsigned char key[USER_SECRET_BYTES];
    struct comm self = comm_self();
    struct vault_ids ids;
    int64_t row = 0, users = 0;
    for (int u = 0; u < IDS; u++) users += stays(&user[u]);
    secret_derive(secret, SECRET_FOR_VAULT, key);
    bool right = vault_read(&self, path, key, users, 0, users, &ids) == OK;
    for (int u = 0; u < IDS && right; u++) {
        if (!stays(&user[u])) continue;
        size_t bytes = id_of(user[u].number, id);
        right = ids.start[row + 1] - ids.start[row] == (int64_t)bytes &&
                memcmp(ids.text + ids.start[row], id, bytes) == 0;
        row++;
    }
    vault_ids_clear(&ids);
    return right;
}

static void everyone(void **state)
{
    (void)state;
    char *path = scratch_path("ids.vault");
    for (int way = 0; way < 4; way++) { /* in memory or in the file; cut evenly or not */
        assert_all(write_all(way % 2 == 0 ? 1 << 24 : MEMORY, way / 2 == 1, path) == OK);
        assert_all(vault_right(path));
        comm_barrier(&world);
    }
    free(path);
}

static void nobody(void **state)
{
    (void)state;
    char *path = scratch_path("empty.vault");
    struct ids *ids = NULL;
    assert_all(ids_new(secret, scratch_folder, MEMORY, &ids) == OK);
    assert_all(ids_write(&world, ids, path, NULL, 0) == OK && file_exists(path));
    ids_free(&ids);
    free(path);
}

static void without_id(void **state)
{
    (void)state;
    char *path = scratch_path("without.vault");
    struct ids *ids = NULL;
    struct user_key key[2] = {user[5].key, user[7].key};
    assert_all(ids_new(secret, scratch_folder, MEMORY, &ids) == OK);
    assert_all(ids_add(ids, user[7].key, "seven", 5) == OK);
    assert_all(ids_write(&world, ids, path, key, world.rank == 0 ? 2 : 0) == ERR_BUG);
    assert_all(!file_exists(path));
    ids_free(&ids);
    free(path);
}

static void faults(void **state)
{
    (void)state;
    char *path = scratch_path("fault.vault");
    comm_inject_fault(-1, 0);
    assert_all(write_all(MEMORY, false, path) == OK);
    int64_t agreements = comm_agreements(), step = agreements / 12 + 1;
    for (int64_t k = 0; k < agreements; k += step) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(write_all(MEMORY, false, path) != OK);
    }
    comm_inject_fault(-1, 0);
    free(path);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(everyone, start, stop),
          cmocka_unit_test_setup_teardown(nobody, start, stop),
          cmocka_unit_test_setup_teardown(without_id, start, stop),
          cmocka_unit_test_setup_teardown(faults, start, stop))
