/* The account of rejected rows: every fault counted, the row rejected for its first, the list in
 * the order of the file. */
#include "tests/folders.h"

#include "jobs/rejects.h"

#include "io/file.h"

#define BIT(reason) ((uint32_t)1 << REJECT_##reason)

static void a_row_is_rejected_for_its_first_fault(void **state)
{
    (void)state;
    struct rejects rejects = {.read = 4, .kept = 1};
    assert_all(rejects_add(&rejects, BIT(repeat) | BIT(bad_time) | BIT(zero_quantity), 9, 2, "x",
                           1) == OK);
    assert_all(rejects_add(&rejects, BIT(malformed), 10, -1, "", 0) == OK);
    assert_all(rejects_add(&rejects, BIT(zero_quantity), 11, 0, "0", 1) == OK);
    assert_all(rejects.entries == 3 && rejects.entry[0].reason == REJECT_bad_time);
    assert_all(rejects.rejected[REJECT_bad_time] == 1 && rejects.rejected[REJECT_repeat] == 0);
    assert_all(rejects.faults[REJECT_zero_quantity] == 2 && rejects.faults[REJECT_repeat] == 1);
    assert_all(rejects.rejected[REJECT_zero_quantity] == 1);
    int64_t rejected = 0;
    for (int r = 0; r < REJECTS; r++) rejected += rejects.rejected[r];
    assert_all(rejects.read == rejects.kept + rejected);
    rejects_clear(&rejects);
    assert_all(rejects.entry == NULL && rejects.read == 0);
}

/* 26 bytes of a value are kept, and never a part of a character. */
static void values_are_cut_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *value, *kept;
    } cuts[] = {{"", ""},
                {"abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz"},
                {"abcdefghijklmnopqrstuvwxyz0", "abcdefghijklmnopqrstuvwxyz"},
                {"abcdefghijklmnopqrstuvwxy\303\251", "abcdefghijklmnopqrstuvwxy"},
                {"abcdefghijklmnopqrstuvwx\303\251", "abcdefghijklmnopqrstuvwx\303\251"},
                {"abcdefghijklmnopqrstuvwx\303\251!", "abcdefghijklmnopqrstuvwx\303\251"},
                {"abcdefghijklmnopqrstuvw\342\202\254", "abcdefghijklmnopqrstuvw\342\202\254"},
                {"abcdefghijklmnopqrstuvwx\342\202\254", "abcdefghijklmnopqrstuvwx"}};
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        struct rejects rejects = {0};
        const char *value = cuts[c].value;
        assert_all(rejects_add(&rejects, BIT(bad_number), 1, 0, value, (int64_t)strlen(value)) ==
                   OK);
        assert_all(strcmp(rejects.entry[0].value, cuts[c].kept) == 0);
        rejects_clear(&rejects);
    }
}

static enum status write_rejects(const char *path, struct rejects *rejects)
{
    enum status status = OK;
    struct text_file *file = NULL;
    struct csv *csv = NULL;
    char *table = scratch_share("a \"b\".csv", "id,\"the, price\"\n1,2\n", 19);
    TRY(csv_open(&world, table, NULL, &csv));
    TRY(text_file_open(&world, path, 0600, &file));
    TRY(rejects_close(&world, rejects, csv, "events", file));
    TRY(text_file_commit(&world, &file));
done:
    text_file_abandon(&world, &file);
    csv_free(&csv);
    free(table);
    return status;
}

/* Each rank's rows in the order of lines, ranks in theirs; names and values quoted where needed. */
static void the_list(void **state)
{
    (void)state;
    struct rejects rejects = {.read = 12, .kept = 10};
    char *path = scratch_path("rejects.csv"), *text = NULL, expected[4096] = "";
    int64_t bytes = 0, line = 100 * world.rank;
    assert_all(rejects_add(&rejects, BIT(repeat), line + 9, -1, "", 0) == OK);
    assert_all(rejects_add(&rejects, BIT(bad_number), line + 5, 1, "1,5", 3) == OK);
    assert_all(write_rejects(path, &rejects) == OK);
    assert_all(rejects.read == 12 * world.ranks && rejects.kept == 10 * world.ranks);
    assert_all(rejects.rejected[REJECT_repeat] == world.ranks && rejects.entries == 0);
    for (int r = 0; r < world.ranks; r++) {
        char rows[1200];
        snprintf(rows, sizeof rows,
                 "\"%s/a \"\"b\"\".csv\",%d,\"the, price\",bad_number,\"1,5\"\n"
                 "\"%s/a \"\"b\"\".csv\",%d,,repeat,\n",
                 scratch_folder, 100 * r + 5, scratch_folder, 100 * r + 9);
        strcat(expected, rows);
    }
    assert_all(file_read(path, 10000, &text, &bytes) == OK);
    assert_all(strcmp(text, expected) == 0);
    free(text);
    free(path);
    rejects_clear(&rejects);
}

static void an_account_that_does_not_add_up(void **state)
{
    (void)state;
    struct rejects rejects = {.read = 3, .kept = world.rank == 0 ? 2 : 3};
    char *path = scratch_path("rejects.csv");
    assert_all(write_rejects(path, &rejects) == ERR_BUG);
    assert_all(access(path, F_OK) != 0);
    free(path);
    rejects_clear(&rejects);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(a_row_is_rejected_for_its_first_fault), TEST(values_are_cut_between_characters),
          TEST(the_list), TEST(an_account_that_does_not_add_up))
