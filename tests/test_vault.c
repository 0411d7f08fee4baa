/* The encrypted ids: read back at other cuts, refused under another key or with any byte changed,
 * nothing left behind by a failure. */
#include "tests/folders.h"

#include "io/file.h"
#include "io/vault.h"
#include "partition/blocks.h"

#include <sys/stat.h>

static const unsigned char key[VAULT_KEY_BYTES] = {1, 2, 3}, other_key[VAULT_KEY_BYTES] = {1, 2, 4};

static int start(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

/* Ids of many lengths, 0 among them, with any bytes. Returns the length. */
static size_t id_of(int64_t row, char *id)
{
    size_t bytes = (size_t)(row * 7 % 61);
    for (size_t b = 0; b < bytes; b++) id[b] = (char)(row * 31 + (int64_t)b * 5);
    if (bytes >= 6) memcpy(id, "canary", 6);
    return bytes;
}

/* Rows of a rank: all of them on the last but one (the first of one) or spread evenly. */
static void share_of(int64_t rows, bool lopsided, int64_t *first, int64_t *local)
{
    int64_t start_row = rows * world.rank / world.ranks,
            end_row = rows * (world.rank + 1) / world.ranks;
    int holder = world.ranks > 1 ? world.ranks - 2 : 0;
    if (lopsided) {
        start_row = world.rank <= holder ? 0 : rows;
        end_row = world.rank < holder ? 0 : rows;
    }
    *first = start_row;
    *local = end_row - start_row;
}

static enum status append_all(struct vault *vault, int64_t first, int64_t from, int64_t to)
{
    char id[64];
    enum status status = OK;
    for (int64_t r = from; r < to && status == OK; r++)
        status = vault_append(vault, id, id_of(first + r, id));
    return status;
}

static enum status write_vault(const char *path, int64_t rows, bool lopsided)
{
    enum status status = OK;
    struct vault *vault = NULL;
    int64_t first = 0, local = 0;
    share_of(rows, lopsided, &first, &local);
    TRY(vault_create(&world, path, key, local, &vault));
    TRY_ALL(&world, append_all(vault, first, 0, local / 3));
    TRY(vault_flush(&world, vault));
    TRY_ALL(&world, append_all(vault, first, local / 3, local));
    TRY(vault_commit(&world, &vault));
done:
    vault_abandon(&world, &vault);
    return status;
}

static bool ids_right(const struct vault_ids *ids, int64_t first, int64_t rows)
{
    char id[64];
    bool right = ids->rows == rows && ids->start[0] == 0;
    for (int64_t r = 0; r < rows && right; r++) {
        size_t bytes = id_of(first + r, id);
        right = ids->start[r + 1] - ids->start[r] == (int64_t)bytes &&
                memcmp(ids->text + ids->start[r], id, bytes) == 0;
    }
    return right;
}

static void round_trip(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0, 1, 3, 4095, 4096, 4097, 20000};
    char *path = scratch_path("ids.vault");
    struct vault_ids ids;
    struct stat facts = {0};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int cuts = 0; cuts < 4; cuts++) { /* written and read evenly or by one rank */
            int64_t rows = sizes[s], first = 0, local = 0;
            assert_all(write_vault(path, rows, cuts % 2 == 1) == OK);
            share_of(rows, cuts / 2 == 1, &first, &local);
            assert_all(vault_read(&world, path, key, rows, first, local, &ids) == OK);
            assert_all(ids_right(&ids, first, local));
            assert_all(ids.longest == (rows > 60 ? 60 : rows > 2 ? 14 : rows > 1 ? 7 : 0));
            vault_ids_clear(&ids);
            struct comm self = comm_self();
            assert_all(vault_read(&self, path, key, rows, 0, rows, &ids) == OK);
            assert_all(ids_right(&ids, 0, rows));
            vault_ids_clear(&ids);
            comm_barrier(&world);
        }
    assert_all(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0600);
    free(path);
}

static bool holds(const char *data, int64_t bytes, const char *text)
{
    return memmem(data, (size_t)bytes, text, strlen(text)) != NULL;
}

static void nothing_readable(void **state)
{
    (void)state;
    char *path = scratch_path("ids.vault"), *data[2] = {NULL, NULL};
    int64_t bytes[2] = {0, 0};
    for (int again = 0; again < 2; again++) {
        assert_all(write_vault(path, 5000, false) == OK);
        assert_all(file_read(path, 1 << 22, &data[again], &bytes[again]) == OK);
        assert_all(!holds(data[again], bytes[again], "canary"));
        comm_barrier(&world);
    }
    assert_all(bytes[0] == bytes[1]); /* all but the magic differs from one writing to the next */
    assert_all(memcmp(data[0] + 16, data[1] + 16, 64) != 0);
    free(data[0]);
    free(data[1]);
    free(path);
}

static void another_key(void **state)
{
    (void)state;
    char *path = scratch_path("ids.vault");
    struct vault_ids ids;
    assert_all(write_vault(path, 100, false) == OK);
    int64_t mine = world.rank == 0 ? 100 : 0;
    assert_all(vault_read(&world, path, other_key, 100, 0, mine, &ids) == ERR_CONFIG);
    assert_all(strstr(status_message(), "privacy.secret_file") != NULL && ids.text == NULL);
    assert_all(vault_read(&world, path, key, 101, 0, mine, &ids) == ERR_DATA);
    comm_barrier(&world);
    if (world.rank == 0) unlink(path);
    comm_barrier(&world);
    assert_all(vault_read(&world, path, key, 100, 0, mine, &ids) == ERR_NO_INPUT);
    free(path);
}

/* Change one byte at a time, all over the file: nothing is handed out. Then cut the file short. */
static void damage(void **state)
{
    (void)state;
    char *path = scratch_path("ids.vault"), *spoilt = scratch_path("spoilt"), *data = NULL;
    int64_t bytes = 0, refused = 0, tried = 0;
    struct comm self = comm_self();
    assert_all(write_vault(path, 40, false) == OK);
    assert_all(file_read(path, 1 << 20, &data, &bytes) == OK);
    for (int64_t b = 0; b < bytes + 40 && world.rank == 0; b++, tried++) {
        struct vault_ids ids;
        int64_t keep = b < bytes ? bytes : bytes - 1 - 7 * (b - bytes);
        if (b < bytes) data[b] ^= 0x10;
        free(scratch_write("spoilt", data, keep > 0 ? (size_t)keep : 0));
        enum status status = vault_read(&self, spoilt, key, 40, 0, 40, &ids);
        refused += (status == ERR_DATA || status == ERR_CONFIG) && ids.text == NULL;
        vault_ids_clear(&ids);
        if (b < bytes) data[b] ^= 0x10;
    }
    assert_all(refused == tried);
    free(data);
    free(path);
    free(spoilt);
}

/* Streams of one vault exchanged for one another, or for those of a twin, do not open. */
static void exchanged(void **state)
{
    (void)state;
    char *path = scratch_path("ids.vault"), *data[2] = {NULL, NULL};
    int64_t bytes = 0;
    struct vault_ids ids;
    for (int twin = 0; twin < 2; twin++) {
        assert_all(write_vault(path, 40, false) == OK);
        assert_all(file_read(path, 1 << 20, &data[twin], &bytes) == OK);
        comm_barrier(&world);
    }
    memcpy(data[0] + 48, data[1] + 48,
           40); /* the first stream's beginning, then all but the head */
    free(scratch_share("ids.vault", data[0], (size_t)bytes));
    int64_t mine = world.rank == 0 ? 40 : 0;
    assert_all(vault_read(&world, path, key, 40, 0, mine, &ids) == ERR_DATA);
    comm_barrier(&world);
    memcpy(data[0] + 48, data[1] + 48, (size_t)bytes - 48);
    free(scratch_share("ids.vault", data[0], (size_t)bytes));
    assert_all(vault_read(&world, path, key, 40, 0, mine, &ids) == ERR_DATA);
    comm_barrier(&world);
    free(data[0]);
    free(data[1]);
    free(path);
}

static void faults(void **state)
{
    (void)state;
    char *path = scratch_path("fault.vault"), *hidden = scratch_path(".fault.vault.part");
    struct vault_ids ids;
    comm_inject_fault(-1, 0);
    assert_all(write_vault(path, 9000, false) == OK);
    int64_t first = 0, local = 0, agreements = comm_agreements();
    share_of(9000, false, &first, &local);
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(write_vault(path, 9000, false) != OK);
        comm_inject_fault(-1, 0);
        comm_barrier(&world);
        assert_all(!file_exists(hidden));
    }
    comm_inject_fault(-1, 0);
    assert_all(vault_read(&world, path, key, 9000, first, local, &ids) == OK);
    vault_ids_clear(&ids);
    agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(vault_read(&world, path, key, 9000, first, local, &ids) != OK);
        assert_all(ids.rows == 0 && ids.text == NULL);
    }
    comm_inject_fault(-1, 0);
    free(path);
    free(hidden);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(round_trip, start, stop),
          cmocka_unit_test_setup_teardown(nothing_readable, start, stop),
          cmocka_unit_test_setup_teardown(another_key, start, stop),
          cmocka_unit_test_setup_teardown(damage, start, stop),
          cmocka_unit_test_setup_teardown(exchanged, start, stop),
          cmocka_unit_test_setup_teardown(faults, start, stop))
