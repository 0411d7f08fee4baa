/* Faulty files: each is read, or its rows are rejected, or all of it is refused, as docs/csv.md
 * says; nothing is altered in silence. */
#include "tests/csv_fault_list.h"
#include "tests/csv_log.h"

enum { FAULTS = sizeof csv_faults / sizeof *csv_faults };

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

/* "#<delimiter>|name|name\n" and the rows, or nothing if the file is refused. Collective. */
static enum status read_all(const char *path, const struct csv_options *options,
                            struct csv_log *log)
{
    struct csv_log rows = {0};
    struct csv *csv = NULL;
    *log = (struct csv_log){0};
    enum status status = csv_open(&world, path, options, &csv);
    if (status == OK) status = log_file(&world, path, options, &rows, NULL);
    if (status == OK) {
        log_bytes(log, (char[]){'#', csv->options.delimiter}, 2);
        for (int64_t j = 0; j < csv->columns; j++) {
            log_bytes(log, "|", 1);
            log_bytes(log, csv->name[j], strlen(csv->name[j]));
        }
        log_bytes(log, "\n", 1);
        log_bytes(log, rows.text, rows.bytes);
    }
    csv_free(&csv);
    log_clear(&rows);
    return status;
}

static bool comes_out(const struct csv_fault *fault, const char *path,
                      const struct csv_options *options)
{
    struct csv_log log;
    const struct csv_log expected = {(char *)(uintptr_t)fault->expected, fault->expected_bytes, 0};
    enum status status = read_all(path, options, &log);
    bool as_said = fault->message == NULL
                       ? status == OK && log_equal(&log, &expected)
                       : status == ERR_DATA && strstr(status_message(), fault->message) != NULL;
    if (!as_said && world.rank == 0)
        print_error("%s: status %d, got\n%.*s\nexpected\n%.*s\n", fault->name, (int)status,
                    (int)log.bytes, log.text, (int)expected.bytes, expected.text);
    log_clear(&log);
    return as_said;
}

static void faults_come_out(void **state)
{
    (void)state;
    for (int64_t i = 0; i < FAULTS; i++) {
        const struct csv_fault *fault = &csv_faults[i];
        char *path = scratch_share("fault.csv", fault->text, fault->bytes);
        struct csv_options options = CSV_DEFAULTS;
        assert_all(comes_out(fault, path, &options));
        options.ranges = 5;
        options.chunk_bytes = 3;
        assert_all(comes_out(fault, path, &options));
        free(path);
    }
}

/* Every fault stands in the table of docs/csv.md with this outcome, and nothing else does. */
static void faults_are_documented(void **state)
{
    (void)state;
    char *path = tests_path("../docs/csv.md"), line[1024];
    FILE *file = fopen(path, "re");
    int64_t documented = 0, seen = 0;
    assert_all(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        bool known = false;
        if (strncmp(line, "| ", 2) != 0 || strncmp(line, "| fault ", 8) == 0) continue;
        for (int64_t i = 0; i < FAULTS && !known; i++) {
            char *row = NULL;
            if (asprintf(&row, "| %s | %s |\n", csv_faults[i].name, csv_faults[i].outcome) < 0)
                abort();
            known = strcmp(line, row) == 0;
            free(row);
        }
        if (!known && world.rank == 0) print_error("not tested: %s", line);
        documented += known;
        seen++;
    }
    fclose(file);
    free(path);
    assert_all(documented == FAULTS && seen == FAULTS);
}

/* ---- what is too large for the table ---- */

static void repeat(struct csv_log *text, const char *piece, int64_t times)
{
    for (int64_t i = 0; i < times; i++) log_bytes(text, piece, strlen(piece));
}

/* A name of 600,000 bytes and 17,000 columns are read. */
static void wide_tables(void **state)
{
    (void)state;
    struct csv_log text = {0}, log = {0};
    log_bytes(&text, "id,", 3);
    repeat(&text, "HEADER", 100000);
    log_bytes(&text, "\n1,2\n", 5);
    char *path = scratch_share("name.csv", text.text, text.bytes);
    assert_all(log_file(&world, path, NULL, &log, NULL) == OK && log.bytes == 7);
    log_clear(&log);
    free(path);
    text.bytes = 0;
    for (int64_t j = 0; j < 17000; j++) log_number(&text, j == 0 ? ' ' : ',', j);
    log_bytes(&text, "\n", 1);
    repeat(&text, ",", 16999);
    log_bytes(&text, "\n", 1);
    repeat(&text, ",", 17000);
    path = scratch_share("columns.csv", text.text, text.bytes);
    assert_all(log_file(&world, path, NULL, &log, NULL) == OK);
    assert_all(memcmp(log.text, "<2|||||", 7) == 0);
    assert_all(strncmp(log.text + 17002 + 1, "<3!1,0,17001:,,,", 16) == 0);
    log_clear(&log);
    log_clear(&text);
    free(path);
}

/* A field of one byte beyond the limit; the limits of rows are in test_csv.c. */
static void long_field(void **state)
{
    (void)state;
    struct csv_log text = {0}, log = {0};
    log_bytes(&text, "a,b\n1,\"", 7);
    repeat(&text, "ab\n", (1 << 20) / 3 + 1);
    log_bytes(&text, "\"\n3,4\n", 6);
    char *path = scratch_share("field.csv", text.text, text.bytes);
    assert_all(log_file(&world, path, NULL, &log, NULL) == OK);
    assert_all(strncmp(log.text, "<2!6,2,2:ab\nab\n", 15) == 0);
    const char *end = "+\n<349529|3|4\n"; /* the value is cut; behind 349,526 line ends and two */
    assert_all(memcmp(log.text + log.bytes - strlen(end), end, strlen(end)) == 0);
    log_clear(&log);
    log_clear(&text);
    free(path);
}

/* Names mean nothing, and a file whose name looks like a pattern is itself. */
static void file_names(void **state)
{
    (void)state;
    static const char *const names[] = {"source",  "source.pdf", "source.tsv",    "source.csv.gz",
                                        "$.csv",   ".csv",       "\xc2\xa0.csv",  "[ab]*.csv",
                                        "-o.csv ", "a b\n.csv",  "source.unknown"};
    const struct csv_fault *clean = &csv_faults[0];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = scratch_share(names[i], clean->text, clean->bytes);
        assert_all(comes_out(clean, path, NULL));
        free(path);
    }
}

/* gzip is told by its first bytes. */
static void compressed(void **state)
{
    (void)state;
    const struct csv_fault *clean = &csv_faults[0];
    char *path = scratch_path("compressed.csv");
    if (world.rank == 0) {
        gzFile file = gzopen(path, "wb");
        if (file == NULL || gzwrite(file, clean->text, (unsigned)clean->bytes) <= 0) abort();
        if (gzclose(file) != Z_OK) abort();
    }
    comm_barrier(&world);
    assert_all(comes_out(clean, path, NULL));
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(faults_come_out), cmocka_unit_test(faults_are_documented), TEST(wide_tables),
          TEST(long_field), TEST(file_names), TEST(compressed))
