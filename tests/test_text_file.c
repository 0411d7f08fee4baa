/* Files written by all ranks or as a whole: order, atomicity, permissions, checksums, failures. */
#include "tests/folders.h"

#include "io/file.h"
#include "io/text_file.h"

#include <sys/stat.h>

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

static bool file_is(const char *path, const char *expected)
{
    char *data = NULL;
    int64_t bytes = 0;
    bool is = file_read(path, 1 << 20, &data, &bytes) == OK && bytes == (int64_t)strlen(expected) &&
              strcmp(data, expected) == 0;
    free(data);
    return is;
}

/* "<0 0><1 0>...<0 1>..." for every rank and two rounds; odd ranks stay silent in the second. */
static enum status write_rounds(const char *path, struct text_file **file)
{
    enum status status = OK;
    char text[32];
    TRY(text_file_open(&world, path, 0640, file));
    for (int round = 0; round < 2; round++) {
        int length = snprintf(text, sizeof text, "<%d %d>", world.rank, round);
        bool silent = round == 1 && world.rank % 2 == 1;
        TRY(text_file_append(&world, *file, text, silent ? 0 : length));
    }
    TRY(text_file_append(&world, *file, NULL, 0));
done:
    return status;
}

static void in_rank_order(void **state)
{
    (void)state;
    char expected[256] = "", *path = scratch_path("ranks.txt"),
         *hidden = scratch_path(".ranks.txt.part");
    struct text_file *file = NULL;
    struct stat facts = {0};
    for (int round = 0; round < 2; round++)
        for (int r = 0; r < world.ranks; r += 1 + round)
            sprintf(expected + strlen(expected), "<%d %d>", r, round);
    for (int again = 0; again < 2; again++) { /* the second time over the first */
        assert_all(write_rounds(path, &file) == OK);
        assert_all(text_file_bytes(file) == (int64_t)strlen(expected));
        assert_all(file_exists(path) == (again == 1) && file_exists(hidden));
        assert_all(text_file_commit(&world, &file) == OK && file == NULL);
        assert_all(file_is(path, expected) && !file_exists(hidden));
        comm_barrier(&world);
    }
    assert_all(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0640);
    free(path);
    free(hidden);
}

static void abandoned(void **state)
{
    (void)state;
    char *path = scratch_path("left.txt"), *hidden = scratch_path(".left.txt.part");
    struct text_file *file = NULL;
    if (world.rank == 0) free(scratch_write(".left.txt.part", "of a killed run, much longer", 28));
    comm_barrier(&world);
    assert_all(write_rounds(path, &file) == OK);
    text_file_abandon(&world, &file);
    comm_barrier(&world);
    assert_all(file == NULL && !file_exists(path) && !file_exists(hidden));
    text_file_abandon(&world, &file);
    free(path);
    free(hidden);
}

static void refused(void **state)
{
    (void)state;
    struct text_file *file = NULL;
    char *inside = scratch_path("no/such/folder.txt");
    assert_all(text_file_open(&world, inside, 0644, &file) == ERR_WRITE && file == NULL);
    assert_all(strstr(status_message(), "check that the folder exists") != NULL);
    free(inside);
}

/* A full disk, where the system has one to offer: the message names the remedy, on every rank. */
static void full_disk(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) return;
    FILE *full = fopen("/dev/full", "w");
    enum status status = file_write_at(fileno(full), "table.csv", "x", 1, 0);
    fclose(full);
    assert_all(status == ERR_WRITE && strstr(status_message(), "free space") != NULL);
}

static void faults(void **state)
{
    (void)state;
    char *path = scratch_path("faults.txt");
    struct text_file *file = NULL;
    comm_inject_fault(-1, 0);
    assert_all(write_rounds(path, &file) == OK && text_file_commit(&world, &file) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            enum status status = write_rounds(path, &file);
            if (status == OK) status = text_file_commit(&world, &file);
            comm_inject_fault(-1, 0);
            text_file_abandon(&world, &file);
            assert_all(status == ERR_BUG && file == NULL);
            assert_all(file_exists(path)); /* the one that stood there before */
        }
    free(path);
}

/* ---- whole files ---- */

static void replaced(void **state)
{
    (void)state;
    char name[32];
    struct stat facts = {0};
    snprintf(name, sizeof name, "whole%d.txt", world.rank);
    char *path = scratch_path(name), *inside = scratch_path("no/such/folder.txt");
    assert_all(file_replace(path, "first", 5, 0644) == OK && file_is(path, "first"));
    assert_all(file_replace(path, "2", 1, 0600) == OK && file_is(path, "2"));
    assert_all(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0600);
    assert_all(file_replace(path, NULL, 0, 0600) == OK && file_is(path, ""));
    assert_all(file_replace(inside, "x", 1, 0600) == ERR_WRITE);
    free(path);
    free(inside);
}

static void too_large(void **state)
{
    (void)state;
    char *path = scratch_share("large.txt", "12345", 5), *data = NULL;
    int64_t bytes = 0;
    assert_all(file_read(path, 5, &data, &bytes) == OK && bytes == 5);
    free(data);
    assert_all(file_read(path, 4, &data, &bytes) == ERR_DATA && data == NULL);
    assert_all(file_read("/no/such/file", 4, &data, &bytes) == ERR_NO_INPUT && data == NULL);
    assert_all(file_read(scratch_folder, 4, &data, &bytes) == ERR_NO_INPUT && data == NULL);
    free(path);
}

/* FIPS 180-2, appendix B: "abc", 448 bits, and a million times "a"; and nothing. */
static void checksums(void **state)
{
    (void)state;
    char text[SHA256_TEXT_BYTES], *million = malloc(1000000);
    memset(million, 'a', 1000000);
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *path[] = {scratch_share("abc", "abc", 3), scratch_share("two", two, strlen(two)),
                    scratch_share("million", million, 1000000), scratch_share("none", "", 0)};
    static const char *const sums[] = {
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        assert_all(file_sha256(path[i], text) == OK && strcmp(text, sums[i]) == 0);
        free(path[i]);
    }
    assert_all(file_sha256("/no/such/file", text) == ERR_NO_INPUT && text[0] == 0);
    free(million);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(in_rank_order), TEST(abandoned), TEST(refused), cmocka_unit_test(full_disk),
          TEST(faults), TEST(replaced), TEST(too_large), TEST(checksums))
