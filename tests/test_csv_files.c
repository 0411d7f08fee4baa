/* Tables of many files: order, states that start anew, compressed ones, headers that differ, every
 * division. */
#include "tests/csv_log.h"

#include "partition/random.h"

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

/* The rows of all files that match, joined in rank order. */
static enum status log_files(const struct comm *comm, const char *pattern,
                             const struct csv_options *options, struct csv_log *log,
                             struct csv_counts *counts)
{
    char *path = scratch_path(pattern);
    enum status status = log_file(comm, path, options, log, counts);
    free(path);
    return status;
}

static void share(const char *name, const char *text)
{
    free(scratch_share(name, text, strlen(text)));
}

static void share_gzip(const char *name, const char *text)
{
    char *path = scratch_path(name);
    gzFile file = world.rank == 0 ? gzopen(path, "wb") : NULL;
    if (world.rank == 0 && (file == NULL || gzputs(file, text) < 0 || gzclose(file) != Z_OK))
        abort();
    comm_barrier(&world);
    free(path);
}

static void known_files(void **state)
{
    (void)state;
    static const char expected[] = "<2|1|2\n<3!2,2,2:y,\"x\n3,4\n\n" /* never closed */
                                   "<3@1|5|6\n<5@1!1,0,1:7\n<2@3|8|9\n<3@3'1\n0|11\n";
    struct csv_log log = {0};
    struct csv_counts counts = {0};
    struct csv *csv = NULL;
    share("t1.csv", "a,b\n1,2\ny,\"x\n3,4\n");
    share("t2.csv", "\n\"a\",b\n5,6\n\n7");
    share("t3.csv", "a,b\n");
    share_gzip("t4.csv.gz", "a,b\n8,9\n\"1\n0\",11\n");
    share("t5.csv", "a,b");
    assert_all(log_files(&world, "t*", NULL, &log, &counts) == OK);
    struct csv_log text = {(char *)(uintptr_t)expected, strlen(expected), 0};
    bool same = log_equal(&log, &text);
    if (!same) fprintf(stderr, "got\n%.*s\n", (int)log.bytes, log.text);
    log_clear(&log);
    char *path = scratch_path("t*");
    assert_all(csv_open(&world, path, NULL, &csv) == OK && csv->files == 5);
    assert_all(strstr(csv->file_name[3], "/t4.csv.gz") != NULL && csv->file[3].gzip);
    csv_free(&csv);
    free(path);
    assert_all(same && counts.rows == 4 && counts.bad == 2 && counts.empty_lines == 1);
}

static bool refused(const char *pattern, enum status expected, const char *because)
{
    struct csv_log log = {0};
    struct csv_counts counts = {0};
    bool is = log_files(&world, pattern, NULL, &log, &counts) == expected &&
              strstr(status_message(), because) != NULL;
    if (!is) fprintf(stderr, "%s: %s\n", pattern, status_message());
    log_clear(&log);
    return is;
}

static void refused_files(void **state)
{
    (void)state;
    share("a1.csv", "id,price\n1,2\n");
    share("a2.csv", "id,cost\n1,2\n");
    share("b1.csv", "id,price\n1,2\n");
    share("b2.csv", "id\n1\n");
    share("c1.csv", "id;price\n1;2\n");
    share("c2.csv", "id,price\n1,2\n");
    share("d1.csv", "id\n1\n");
    share("d2.csv", "");
    assert_all(refused("a*.csv", ERR_DATA, "a2.csv: column 2 is called \"cost\", in "));
    assert_all(refused("a*.csv", ERR_DATA, "a1.csv \"price\""));
    assert_all(refused("b*.csv", ERR_DATA, "b1.csv 2: column 2, \"price\", is only in one"));
    assert_all(refused("c*.csv", ERR_DATA, "c2.csv: column 1 is called \"id,price\""));
    assert_all(refused("d*.csv", ERR_DATA, "d2.csv is empty"));
    assert_all(refused("e*.csv", ERR_NO_INPUT, "no file matches"));
}

/* A bad row's message names its own file. */
static void message(void **state)
{
    (void)state;
    struct csv *csv = NULL;
    struct csv_log log = {0};
    share("m1.csv", "a,b\n1,2\n");
    share("m2.csv", "a,b\n1,2\n3\n");
    char *path = scratch_path("m?.csv");
    assert_all(csv_open(&world, path, NULL, &csv) == OK);
    assert_all(csv_read(&world, csv, log_row, NULL, &log) == ERR_DATA);
    assert_all(strstr(status_message(), "m2.csv:3: the number of fields") != NULL);
    csv_free(&csv);
    log_clear(&log);
    free(path);
}

/* ---- every division ---- */

enum { FILES = 6 };

/* Up to 60 bytes of trouble behind a header; some files hold no row. */
static void nasty_file(uint64_t number, char *text)
{
    static const char bytes[] = "\"\"\"\",,,\n\n\r\r\naa bb\xc3\xa9";
    strcpy(text, number % 3 == 0 ? "a,b\r\n" : "\n\"a\",b\n");
    size_t at = strlen(text);
    for (uint64_t i = random_below(5, RANDOM_TEST, number, 0, 60); i > 0 && number % 5 != 4; i--)
        text[at++] = bytes[random_below(5, RANDOM_TEST, number, i, sizeof bytes - 1)];
    text[at] = 0;
}

static bool same_divided(const struct csv_log *expected, int64_t ranges)
{
    struct csv_log got = {0};
    struct csv_counts counts = {0};
    struct csv_options options = CSV_DEFAULTS;
    options.delimiter = ',';
    options.ranges = ranges;
    options.chunk_bytes = 1 + 7 * (ranges % 5);
    bool same = log_files(&world, "n*", &options, &got, &counts) == OK && log_equal(expected, &got);
    log_clear(&got);
    return same;
}

static void every_division(void **state)
{
    (void)state;
    const struct comm self = comm_self();
    for (uint64_t round = 0; round < 12; round++) {
        struct csv_log expected = {0};
        struct csv_counts counts = {0};
        struct csv_options options = CSV_DEFAULTS;
        options.delimiter = ',';
        for (uint64_t f = 0; f < FILES; f++) {
            char text[128], name[16];
            bool packed = (round + f) % 4 == 3;
            nasty_file(round * FILES + f, text);
            snprintf(name, sizeof name, "n%d%s", (int)f, packed ? ".gz" : "");
            packed ? share_gzip(name, text) : share(name, text);
        }
        assert_all(log_files(&self, "n*", &options, &expected, &counts) == OK);
        for (int64_t ranges = 1; ranges <= 40; ranges += 3)
            assert_all(same_divided(&expected, ranges));
        log_clear(&expected);
        comm_barrier(&world);
        char command[300];
        snprintf(command, sizeof command, "rm -f '%s'/n*", scratch_folder);
        if (world.rank == 0 && system(command) != 0) abort();
        comm_barrier(&world);
    }
}

static void faults(void **state)
{
    (void)state;
    struct csv_log log = {0};
    struct csv_counts counts = {0};
    share("f1.csv", "a,b\n1,2\n");
    share("f2.csv", "a,b\n1,2\n");
    comm_inject_fault(-1, 0);
    assert_all(log_files(&world, "f?.csv", NULL, &log, &counts) == OK);
    int64_t agreements = comm_agreements();
    log_clear(&log);
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        enum status status = log_files(&world, "f?.csv", NULL, &log, &counts);
        comm_inject_fault(-1, 0);
        assert_all(status == ERR_BUG && log.text == NULL);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(known_files), TEST(refused_files), TEST(message), TEST(every_division), TEST(faults))
