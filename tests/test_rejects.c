/* The account of rejected rows: every fault counted, the row rejected for its first, the list in
 * the order of the files wherever its rows were found. */
#include "tests/folders.h"

#include "jobs/rejects.h"
#include "jobs/shop_record.h"

#include "io/file.h"

#define BIT(reason) REJECT_BIT(REJECT_##reason)

static enum status add(struct rejects *rejects, uint64_t faults, uint64_t place, int64_t column,
                       const char *value)
{
    return rejects_add(rejects, TABLE_EVENTS, faults, place, column, value, (int64_t)strlen(value));
}

static void a_row_is_rejected_for_its_first_fault(void **state)
{
    (void)state;
    struct rejects rejects = {0};
    assert_all(rejects_init(&rejects, 1 << 20, "/tmp") == OK);
    struct account *account = &rejects.account[TABLE_EVENTS];
    assert_all(add(&rejects, BIT(repeat) | BIT(bad_time) | BIT(zero_quantity), 9, 2, "x") == OK);
    assert_all(add(&rejects, BIT(wrong_fields), 10, -1, "") == OK);
    assert_all(add(&rejects, BIT(zero_quantity), 11, 0, "0") == OK);
    assert_all(account->rejected[REJECT_bad_time] == 1 && account->rejected[REJECT_repeat] == 0);
    assert_all(account->faults[REJECT_zero_quantity] == 2 && account->faults[REJECT_repeat] == 1);
    assert_all(account->rejected[REJECT_zero_quantity] == 1);
    account->read = 7, account->kept = 1, account->netted = 2, account->left_out = 1;
    assert_all(rejects_sum(&world, &rejects, TABLE_EVENTS) == OK);
    assert_all(account->read == 7 * world.ranks);
    account->kept++;
    struct comm self = comm_self();
    assert_all(rejects_sum(&self, &rejects, TABLE_EVENTS) == ERR_BUG);
    rejects_clear(&rejects);
    assert_all(rejects.rows == NULL && rejects.account[TABLE_EVENTS].read == 0);
}

/* 31 bytes of a value are kept, and never a part of a character. */
static void values_are_cut_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *value, *kept;
    } cuts[] = {{"", ""},
                {"abcdefghijklmnopqrstuvwxyz01234", "abcdefghijklmnopqrstuvwxyz01234"},
                {"abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz01234"},
                {"abcdefghijklmnopqrstuvwxyz0123\303\251", "abcdefghijklmnopqrstuvwxyz0123"},
                {"abcdefghijklmnopqrstuvwxyz012\303\251", "abcdefghijklmnopqrstuvwxyz012\303\251"},
                {"abcdefghijklmnopqrstuvwxyz012\342\202\254", "abcdefghijklmnopqrstuvwxyz012"},
                {"a\377b", "a?b"}};
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        char kept[REJECT_VALUE_BYTES];
        memset(kept, 'x', sizeof kept);
        reject_value(kept, cuts[c].value, (int64_t)strlen(cuts[c].value));
        assert_all(strcmp(kept, cuts[c].kept) == 0);
    }
}

static void what_may_be_an_id_is_told_by_its_length(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } values[] = {{"", ""},
                  {"1,5", "1,5"},
                  {"-2.50 %", "-2.50 %"},
                  {"2025-02-30T10:00Z", "2025-02-30T10:00Z"},
                  {"perhaps", "perhaps"},
                  {"annabelle", "text of 9 bytes"},
                  {"c4nary@x.org", "text of 12 bytes"},
                  {"u17", "text of 3 bytes"},
                  {"ab12cd", "text of 6 bytes"},
                  {"caf\303\251", "text of 5 bytes"},
                  {"12345678901234567890123456789012", "text of 32 bytes"}};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        char shown[REJECT_VALUE_BYTES];
        reject_shape(shown, values[v].value, (int64_t)strlen(values[v].value));
        assert_all(strcmp(shown, values[v].shown) == 0);
    }
}

/* Of a malformed row, in which the user's id may stand anywhere, nothing is told but its shape. */
static void malformed_rows_tell_their_shape(void **state)
{
    (void)state;
    struct rejects rejects = {0};
    struct sorter_batch batch = {0};
    struct csv_bad fields = {
        .reason = CSV_FIELDS, .line = 3, .fields = 7, .value = "canary,a", .value_bytes = 8};
    struct csv_bad byte = {.reason = CSV_UTF8,
                           .line = 4,
                           .column = 2,
                           .fields = 3,
                           .value = "can\351ry",
                           .value_bytes = 6};
    assert_all(rejects_init(&rejects, 1 << 20, "/tmp") == OK);
    assert_all(rejects_add_malformed(&rejects, TABLE_USERS, &fields) == OK);
    assert_all(rejects_add_malformed(&rejects, TABLE_USERS, &byte) == OK);
    assert_all(rejects.account[TABLE_USERS].read == 2);
    assert_all(rejects.account[TABLE_USERS].rejected[REJECT_not_utf8] == 1);
    struct comm self = comm_self();
    assert_all(sorter_open(&self, rejects.rows) == OK);
    assert_all(sorter_next(&self, rejects.rows, &batch) == OK && batch.count == 2);
    const char *text = batch.records;
    assert_all(memmem(text, (size_t)batch.count * 56, "7 fields", 8) != NULL);
    assert_all(memmem(text, (size_t)batch.count * 56, "0xe9", 4) != NULL);
    assert_all(memmem(text, (size_t)batch.count * 56, "can", 3) == NULL);
    rejects_clear(&rejects);
}

static enum status write_rejects(const char *path, struct rejects *rejects)
{
    enum status status = OK;
    struct csv *csv[TABLES] = {NULL};
    char *table = scratch_share("a \"b\".csv", "id,\"the, price\"\n1,2\n", 19);
    TRY(csv_open(&world, table, NULL, &csv[TABLE_EVENTS]));
    TRY(rejects_write(&world, rejects, csv, path));
done:
    csv_free(&csv[TABLE_EVENTS]);
    free(table);
    return status;
}

/* Found on any rank and in any order; names and values quoted where needed. */
static void the_list(void **state)
{
    (void)state;
    struct rejects rejects = {0};
    char *path = scratch_path("rejects.csv"), *text = NULL, expected[4096] = "";
    int64_t bytes = 0;
    uint64_t line = 100 * (uint64_t)(world.ranks - world.rank);
    assert_all(rejects_init(&rejects, 1 << 20, scratch_folder) == OK);
    assert_all(add(&rejects, BIT(repeat), line + 9, -1, "") == OK);
    assert_all(add(&rejects, BIT(bad_number), line + 5, 1, "1,5") == OK);
    assert_all(write_rejects(path, &rejects) == OK);
    strcat(expected, "file,line,column,reason,value\n");
    for (int r = 1; r <= world.ranks; r++) {
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
          TEST(what_may_be_an_id_is_told_by_its_length), TEST(malformed_rows_tell_their_shape),
          TEST(the_list))
