/* The spool: what was appended comes back, in memory and in the file, which has no name and whose
 * failure says so. */
#include "tests/folders.h"

#include "partition/spool.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

enum { WORDS = 3, BYTES = WORDS * 8 };

static void fill(int64_t first, int64_t count, int64_t *records)
{
    for (int64_t i = 0; i < count * WORDS; i++) records[i] = (first * WORDS + i) * 1000003;
}

/* Records first .. first + count - 1 are as filled. */
static bool reads(const struct spool *spool, int64_t first, int64_t count)
{
    int64_t *got = calloc((size_t)count * WORDS + 1, sizeof *got);
    int64_t *expected = calloc((size_t)count * WORDS + 1, sizeof *expected);
    fill(first, count, expected);
    bool same = spool_read(spool, first, count, got) == OK &&
                memcmp(got, expected, (size_t)count * BYTES) == 0;
    free(got);
    free(expected);
    return same;
}

/* Append records `count` to `total` - 1 in pieces of many sizes. */
static enum status append_to(struct spool *spool, int64_t total)
{
    static int64_t piece[100000 * WORDS];
    for (int64_t i = 0, at = spool_count(spool); at < total; i++, at = spool_count(spool)) {
        int64_t count = i % 5 == 4 ? 100000 : i % 7;
        if (count > total - at) count = total - at;
        fill(at, count, piece);
        enum status status = spool_append(spool, piece, count);
        if (status != OK) return status;
    }
    return OK;
}

static int64_t files_in(const char *folder)
{
    int64_t files = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open))
        files += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(open);
    return files;
}

static void a_small_one_by_hand(void **state)
{
    (void)state;
    struct spool *spool = NULL;
    const int32_t numbers[] = {7, 8, 9, 10};
    int32_t two[2] = {0, 0};
    assert_all(spool_new(sizeof *numbers, 12, scratch_folder, &spool) == OK);
    assert_all(spool_count(spool) == 0 && spool_read(spool, 0, 0, two) == OK);
    assert_all(spool_append(spool, numbers, 4) == OK && spool_count(spool) == 4);
    assert_all(spool_read(spool, 2, 2, two) == OK && two[0] == 9 && two[1] == 10);
    assert_all(spool_read(spool, 3, 2, two) == ERR_BUG);
    assert_all(spool_read(spool, -1, 2, two) == ERR_BUG);
    spool_free(&spool);
    assert_all(spool == NULL);
    spool_free(&spool);
}

static void any_limit_gives_all_back(void **state)
{
    (void)state;
    const int64_t limits[] = {0, 1, BYTES, 1000 * BYTES, 1 << 20, 2500000, (int64_t)1 << 40};
    const int64_t total = 230000;
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        struct spool *spool = NULL;
        assert_all(spool_new(BYTES, limits[l], scratch_folder, &spool) == OK);
        assert_all(append_to(spool, 200000) == OK && reads(spool, 0, 200000));
        assert_all(append_to(spool, total) == OK && spool_count(spool) == total);
        assert_all(reads(spool, 0, total) && reads(spool, total - 1, 1));
        for (int64_t at = 0; at < total; at += 9973)
            assert_all(reads(spool, at, total - at > 5000 ? 5000 : 1));
        int64_t held = spool_memory_bytes(spool), filed = spool_file_bytes(spool);
        assert_all(held <= limits[l] + (2 << 20) && held + filed >= total * BYTES);
        assert_all((filed == 0) == (limits[l] > total * BYTES));
        spool_free(&spool);
    }
}

static void a_small_one_stays_small(void **state)
{
    (void)state;
    struct spool *spool = NULL;
    assert_all(spool_new(BYTES, (int64_t)1 << 40, scratch_folder, &spool) == OK);
    assert_all(append_to(spool, 10) == OK && spool_memory_bytes(spool) <= 4096);
    spool_free(&spool);
}

static void the_file_has_no_name(void **state)
{
    (void)state;
    struct spool *spool = NULL;
    assert_all(spool_new(BYTES, 0, scratch_folder, &spool) == OK);
    assert_all(append_to(spool, 100000) == OK && spool_file_bytes(spool) > 0);
    assert_all(files_in(scratch_folder) == 0);
    spool_free(&spool);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct spool *spool = NULL;
    char *folder = scratch_path("absent");
    assert_all(spool_new(BYTES, 10 * BYTES, folder, &spool) == OK);
    assert_all(append_to(spool, 10) == OK);
    assert_all(append_to(spool, 11) == ERR_WRITE);
    assert_all(strstr(status_message(), folder) != NULL);
    assert_all(append_to(spool, 11) == ERR_WRITE && reads(spool, 0, 10));
    spool_free(&spool);
    free(folder);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct spool *spool = NULL;
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 3 << 20; /* stands for a full disk: the first writes succeed */
    signal(SIGXFSZ, SIG_IGN);
    assert_all(spool_new(BYTES, 0, scratch_folder, &spool) == OK);
    setrlimit(RLIMIT_FSIZE, &small);
    enum status status = append_to(spool, 400000);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_all(status == ERR_WRITE && strstr(status_message(), scratch_folder) != NULL);
    spool_free(&spool);
}

static int open_scratch(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

static int close_scratch(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

TEST_MAIN(cmocka_unit_test_setup(a_small_one_by_hand, open_scratch),
          cmocka_unit_test(any_limit_gives_all_back), cmocka_unit_test(a_small_one_stays_small),
          cmocka_unit_test(the_file_has_no_name),
          cmocka_unit_test(a_folder_that_is_not_there_is_named),
          cmocka_unit_test_teardown(a_full_disk_is_told, close_scratch))
