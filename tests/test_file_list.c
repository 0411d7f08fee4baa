/* Patterns of files: matches in byte order, plain paths as they are, nothing that matches. */
#include "tests/folders.h"

#include "io/file_list.h"

static int start(void **state)
{
    (void)state;
    static const char *const names[] = {"b.csv",  "a.csv", "B.csv",      "a10.csv", "a9.csv",
                                        ".a.csv", "c.txt", "odd[1].csv", "odd1.csv"};
    scratch_open();
    for (size_t i = 0; i < sizeof names / sizeof *names && world.rank == 0; i++)
        free(scratch_write(names[i], "x", 1));
    comm_barrier(&world);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

/* The names in the scratch folder that a pattern matches, joined by blanks. */
static bool lists(const char *pattern, const char *expected)
{
    struct file_list list = {0};
    char *path = scratch_path(pattern), got[512] = "";
    bool made = file_list_make(path, &list) == OK;
    for (int64_t f = 0; f < list.count; f++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", f > 0 ? " " : "",
                 list.path[f] + strlen(scratch_folder) + 1);
    file_list_clear(&list);
    free(path);
    if (strcmp(got, expected) != 0) fprintf(stderr, "%s gave %s\n", pattern, got);
    return made && strcmp(got, expected) == 0 && list.path == NULL;
}

static void patterns(void **state)
{
    (void)state;
    assert_all(lists("*.csv", "B.csv a.csv a10.csv a9.csv b.csv odd1.csv odd[1].csv"));
    assert_all(lists("a?.csv", "a9.csv"));
    assert_all(lists("[ab].*", "a.csv b.csv"));
    assert_all(lists(".a*", ".a.csv"));
}

static void plain_paths(void **state)
{
    (void)state;
    assert_all(lists("a.csv", "a.csv"));
    assert_all(lists("not there.csv", "not there.csv"));
    assert_all(lists("odd[1].csv", "odd[1].csv")); /* it exists as it stands */
    assert_all(lists("odd[!x].csv", "odd1.csv"));
}

static void nothing(void **state)
{
    (void)state;
    struct file_list list = {0};
    char *path = scratch_path("events-*.csv");
    assert_all(file_list_make(path, &list) == ERR_NO_INPUT && list.count == 0);
    assert_all(strstr(status_message(), "no file matches ") != NULL);
    assert_all(strstr(status_message(), "events-*.csv; check the pattern") != NULL);
    file_list_clear(&list);
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(patterns), TEST(plain_paths), TEST(nothing))
