/* CSV files: known rows, goldens of Python's csv module, real tables, gzip, headers, long rows,
 * stops and faults. */
#include "tests/csv_log.h"

#include "mpi/memory.h"

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

static bool log_is(const struct csv_log *log, const char *expected)
{
    struct csv_log text = {(char *)(uintptr_t)expected, strlen(expected), 0};
    if (!log_equal(log, &text)) fprintf(stderr, "got\n%.*s\n", (int)log->bytes, log->text);
    return log_equal(log, &text);
}

/* Read a text on all ranks; true if the log is as expected. */
static bool reads_as(const char *text, const char *expected)
{
    struct csv_log log = {0};
    char *path = scratch_share("table.csv", text, strlen(text));
    bool as = log_file(&world, path, NULL, &log, NULL) == OK && log_is(&log, expected);
    log_clear(&log);
    free(path);
    comm_barrier(&world);
    return as;
}

static void known_rows(void **state)
{
    (void)state;
    assert_all(reads_as("a,b\n1,2\n3,4\n", "<2|1|2\n<3|3|4\n"));
    assert_all(reads_as("a,b\r\n1,2\r\n\r\n3,4", "<2|1|2\n<4|3|4\n"));
    assert_all(reads_as("a,b\r1,\r,4\r", "<2|1|\n<3||4\n"));
    assert_all(reads_as("\n\na,b\n\"1,\"\"x\"\"\n2\",y\n7,8\n", "<4'1,\"x\"\n2|y\n<6|7|8\n"));
    assert_all(reads_as("a,b\n5\" pipe,x \"y\" z\n", "<2|5\" pipe|x \"y\" z\n"));
    assert_all(reads_as("a,b\n\"\",\"\"\"\"\n", "<2''\"\n"));
    assert_all(reads_as("a,b\n", ""));
    assert_all(reads_as("a,b", ""));
    assert_all(reads_as("only\nx\n\ny\n", "<2|x\n<4|y\n"));
}

static void bad_rows(void **state)
{
    (void)state;
    assert_all(reads_as("a,b\n1\n2,3\n4,5,6\n", "<2!1,0,1:1\n<3|2|3\n<4!1,0,3:4,5,6\n"));
    assert_all(reads_as("a,b\n1,\"2\"x,\n3,4\n", "<2!3,2,3:2\n<3|3|4\n"));
    assert_all(reads_as("a,b\n1,2\n3,\"4\n5,6\n", "<2|1|2\n<3!2,2,2:3,\"4\n5,6\n\n"));
    assert_all(reads_as("a,b\n1,\xff\n\xc0\x80,2\n\xed\xa0\x80,2\n\xf0\x9f\x98\x80,2\n",
                        "<2!5,2,2:\xff\n<3!5,1,2:\xc0\x80\n<4!5,1,2:\xed\xa0\x80\n"
                        "<5|\xf0\x9f\x98\x80|2\n"));
}

static void counts(void **state)
{
    (void)state;
    struct csv_log log = {0};
    struct csv_counts counts = {0};
    const char *text = "a,b\n1,2\n\n3\n4,5\n\r\n6,7\n";
    char *path = scratch_share("counts.csv", text, strlen(text));
    assert_all(log_file(&world, path, NULL, &log, &counts) == OK);
    assert_all(counts.rows == 3 && counts.bad == 1 && counts.empty_lines == 2);
    int64_t local = counts.rows_local, before = comm_prefix_int64(&world, local);
    comm_sum_int64(&world, &local, 1);
    assert_all(local == 3 && counts.rows_before == before);
    log_clear(&log);
    free(path);
}

/* ---- headers ---- */

static enum status open_text(const char *text, size_t bytes, struct csv **csv)
{
    char *path = scratch_share("header.csv", text, bytes);
    enum status status = csv_open(&world, path, NULL, csv);
    free(path);
    comm_barrier(&world);
    return status;
}

static bool header_is(const char *text, char delimiter, int64_t columns, const char *last)
{
    struct csv *csv = NULL;
    bool is = open_text(text, strlen(text), &csv) == OK && csv->columns == columns &&
              csv->options.delimiter == delimiter && csv_column(csv, last) == columns - 1 &&
              csv_column(csv, "no such") == -1;
    csv_free(&csv);
    return is;
}

static void headers(void **state)
{
    (void)state;
    assert_all(header_is("a;b;\"c,d,e,f\"\n", ';', 3, "c,d,e,f"));
    assert_all(header_is("a\tb,c\td\n", '\t', 3, "d"));
    assert_all(header_is("a,b;c\n", ',', 2, "b;c"));
    assert_all(header_is("\xef\xbb\xbfone\n", ',', 1, "one"));
    assert_all(header_is("\xef\xbb\xbf\"a \"\"b\"\"\n c\",  d \n", ',', 2, "d"));
}

static bool header_refused(const char *text, size_t bytes, const char *because)
{
    struct csv *csv = NULL;
    return open_text(text, bytes, &csv) == ERR_DATA && csv == NULL &&
           strstr(status_message(), because) != NULL;
}

static void refused_headers(void **state)
{
    (void)state;
    struct csv *csv = NULL;
    assert_all(header_refused("", 0, "is empty"));
    assert_all(header_refused("\n\r\n", 3, "is empty"));
    assert_all(header_refused("a,b,a\n", 6, "two columns are called \"a\""));
    assert_all(header_refused("a,\"b\n", 5, "never closed"));
    assert_all(header_refused("\xff\xfe\x61\x00\x2c\x00", 6, "UTF-16"));
    assert_all(header_refused("a,b\xe9\n1,2\n", 10, "UTF-8"));
    assert_all(header_refused("a,\0b\n", 5, "NUL"));
    assert_all(csv_open(&world, "/no/such/file.csv", NULL, &csv) == ERR_NO_INPUT && csv == NULL);
    assert_all(csv_open(&world, scratch_folder, NULL, &csv) == ERR_NO_INPUT && csv == NULL);
    struct csv_options options = CSV_DEFAULTS;
    options.delimiter = '"';
    assert_all(csv_open(&world, "x", &options, &csv) == ERR_ARG && csv == NULL);
}

/* ---- big files: goldens, see tests/goldens/csv_rows.py ---- */

struct sums {
    int64_t rows, fields, quoted_lines, hash;
};

static enum status sum_row(void *context, const struct csv_row *row)
{
    struct sums *sums = context;
    sums->rows++;
    sums->fields += row->fields;
    sums->hash = (int64_t)((uint64_t)sums->hash + row_hash(row)); /* modulo 2^64 */
    return OK;
}

static bool sums_are(const char *path, const struct csv_options *options, struct sums expected)
{
    struct sums sums = {0};
    struct csv *csv = NULL;
    bool read = csv_open(&world, path, options, &csv) == OK &&
                csv_read(&world, csv, sum_row, NULL, &sums) == OK;
    comm_sum_int64(&world, &sums.rows, (int64_t)(sizeof sums / sizeof sums.rows));
    csv_free(&csv);
    return read && sums.rows == expected.rows && sums.fields == expected.fields &&
           sums.hash == expected.hash;
}

static void golden(void **state)
{
    (void)state;
    char *path = tests_path("goldens/nasty.csv");
    const struct sums expected = {701, 2103, 0, 0x0007f6bfa2d6d7b1};
    struct csv_options options = CSV_DEFAULTS;
    assert_all(sums_are(path, NULL, expected));
    for (options.ranges = 1; options.ranges <= 64; options.ranges += 7) {
        options.chunk_bytes = 500 / options.ranges + 1;
        assert_all(sums_are(path, &options, expected));
    }
    free(path);
}

static void real_tables(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct sums sums;
    } tables[] = {
        {"online_retail/onlineretail.csv", {541909, 4335272, 0, 0x2b27d5ddab21e73f}},
        {"completejourney/transactions.csv", {100000, 1100000, 0, 0x2a0eb33a1035bcc1}},
        {"completejourney/products.csv", {92331, 646317, 0, (int64_t)0xfee0500d7ce0dd4e}},
        {"elasticity/pricing_sample.csv", {10000, 110000, 0, 0x02f79b996a102c2b}},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *path = real_data(tables[i].name);
        if (path != NULL) assert_all(sums_are(path, NULL, tables[i].sums));
        free(path);
    }
}

/* ---- gzip ---- */

static void write_gzip(const char *path, const char *text, size_t bytes)
{
    gzFile file = gzopen(path, "wb");
    if (file == NULL || gzwrite(file, text, (unsigned)bytes) != (int)bytes || gzclose(file) != Z_OK)
        abort();
}

static void compressed(void **state)
{
    (void)state;
    struct csv_log log = {0}, expected = {0};
    struct csv_log text = {0};
    log_bytes(&text, "a,b\n", 4);
    for (int64_t i = 0; i < 20000; i++) {
        log_number(&text, '"', i * i);
        log_bytes(&text, "\",\"x\n\"\"\"\n", 9);
        log_number(&expected, '<', 2 + 2 * i);
        log_number(&expected, '\'', i * i);
        log_bytes(&expected, "'x\n\"\n", 5);
    }
    char *path = scratch_path("table.csv.gz"), *half = scratch_path("half.csv.gz");
    if (world.rank == 0) write_gzip(path, text.text, text.bytes);
    struct csv_options options = CSV_DEFAULTS;
    options.chunk_bytes = 10000;
    options.ranges = 3;
    comm_barrier(&world);
    assert_all(log_file(&world, path, &options, &log, NULL) == OK && log_equal(&log, &expected));
    log_clear(&log);
    if (world.rank == 0) {
        write_gzip(half, text.text, text.bytes);
        if (truncate(half, 30000) != 0) abort();
    }
    comm_barrier(&world);
    assert_all(log_file(&world, half, NULL, &log, NULL) == ERR_IO);
    assert_all(strstr(status_message(), "damaged or cut off") != NULL);
    log_clear(&expected);
    log_clear(&text);
    free(path);
    free(half);
}

/* ---- rows beyond the limits ---- */

/* A good row, one of `bytes` bytes in one field, a good row. */
static char *long_text(const char *open, int64_t bytes, const char *close, struct csv_log *text)
{
    *text = (struct csv_log){0};
    log_bytes(text, "a,b\n1,2\n", 8);
    log_bytes(text, open, strlen(open));
    for (int64_t i = 0; i < bytes; i++) log_bytes(text, i % 100 == 99 ? "\n," : "xy", 2);
    log_bytes(text, close, strlen(close));
    return scratch_share("long.csv", text->text, text->bytes);
}

/* Every chunk and cut tells the same about a long row, and it is this reason. */
static bool told_the_same(const char *open, int64_t bytes, const char *close,
                          enum csv_reason reason, int64_t rows)
{
    struct csv_log text = {0}, first = {0};
    char *path = long_text(open, bytes, close, &text), mark[16];
    bool same = true;
    snprintf(mark, sizeof mark, "<3!%d,", (int)reason);
    for (int64_t variant = 0; variant < 6; variant++) {
        struct csv_log log = {0};
        struct csv_counts counts = {0};
        struct csv_options options = {',', 1 + 5 * variant, variant % 2 ? 300 : 50000, 600, 4000,
                                      NULL};
        same = same && log_file(&world, path, &options, &log, &counts) == OK;
        if (variant == 0) log_bytes(&first, log.text, log.bytes);
        same = same && log_equal(&first, &log) && counts.rows == rows && counts.bad == 1 &&
               log.bytes > 11 && memcmp(log.text + 7, mark, strlen(mark)) == 0;
        log_clear(&log);
    }
    log_clear(&text);
    log_clear(&first);
    free(path);
    comm_barrier(&world);
    return same;
}

static void long_rows(void **state)
{
    (void)state;
    assert_all(told_the_same("7,\"", 400, "\"\n3,4\n", CSV_FIELD_LONG, 2));
    assert_all(told_the_same("7,\"", 9000, "\"\n3,4\n", CSV_ROW_LONG, 2));
    assert_all(told_the_same("7,\"", 9000, "\n3,4\n", CSV_QUOTE_OPEN, 1));
    assert_all(told_the_same("7,\"", 200, "\n3,4\n", CSV_QUOTE_OPEN, 1));
    assert_all(told_the_same("7,\"", 90000, "\"\"\n3,4\n", CSV_QUOTE_OPEN, 1));
}

/* The default limits: a field of 1 MiB is taken, one byte more is not. */
static void field_limit(void **state)
{
    (void)state;
    struct csv_log text = {0};
    struct csv_counts counts = {0};
    struct csv_log log = {0};
    log_bytes(&text, "a\n", 2);
    for (int64_t i = 0; i < (1 << 20); i++) log_bytes(&text, "x", 1);
    log_bytes(&text, "\n", 1);
    for (int64_t i = 0; i <= (1 << 20); i++) log_bytes(&text, "x", 1);
    char *path = scratch_share("field.csv", text.text, text.bytes);
    assert_all(log_file(&world, path, NULL, &log, &counts) == OK);
    assert_all(counts.rows == 1 && counts.bad == 1);
    log_clear(&log);
    log_clear(&text);
    free(path);
}

/* ---- stops and faults ---- */

static enum status stop_at_5(void *context, const struct csv_row *row)
{
    (void)context;
    return row->line == 5 ? FAIL(ERR_STOPPED, "line 5 was reached") : OK;
}

static enum status refuse_bad(void *context, const struct csv_bad *bad)
{
    (void)context, (void)bad;
    return FAIL(ERR_CONFIG, "no bad rows here");
}

static void stops(void **state)
{
    (void)state;
    const char *text = "a,b\n1,2\n3,4\n5\n7,8\n9,10\n";
    struct csv *csv = NULL;
    char *path = scratch_share("stops.csv", text, strlen(text));
    struct csv_log log = {0};
    assert_all(csv_open(&world, path, NULL, &csv) == OK);
    assert_all(csv_read(&world, csv, stop_at_5, log_bad, &log) == ERR_STOPPED);
    assert_all(strstr(status_message(), "line 5 was reached") != NULL);
    assert_all(csv_read(&world, csv, stop_at_5, refuse_bad, NULL) != OK);
    assert_all(csv_read(&world, csv, log_row, NULL, &log) == ERR_DATA);
    assert_all(strstr(status_message(), "stops.csv:4: the number of fields") != NULL);
    assert_all(csv_read(&world, csv, log_row, log_bad, &log) == OK && csv->counts.rows == 4);
    comm_barrier(&world);
    if (world.rank == 0 && truncate(path, 20) != 0) abort();
    comm_barrier(&world);
    assert_all(csv_read(&world, csv, log_row, log_bad, &log) == ERR_IO);
    log_clear(&log);
    csv_free(&csv);
    free(path);
}

static void faults(void **state)
{
    (void)state;
    const char *text = "a,b\n1,2\n3,4\n";
    char *path = scratch_share("faults.csv", text, strlen(text));
    struct csv_log log = {0};
    comm_inject_fault(-1, 0);
    assert_all(log_file(&world, path, NULL, &log, NULL) == OK);
    int64_t agreements = comm_agreements();
    log_clear(&log);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            enum status status = log_file(&world, path, NULL, &log, NULL);
            comm_inject_fault(-1, 0);
            assert_all(status == ERR_BUG && log.text == NULL);
        }
    free(path);
}

/* ---- memory ---- */

static enum status count_row(void *context, const struct csv_row *row)
{
    *(int64_t *)context += row->fields == 2;
    return OK;
}

/* A file of 32 MiB takes no more than a few chunks. */
static void memory(void **state)
{
    (void)state;
    enum { ROWS = 1 << 20, MEMORY = 4 << 20 };
    struct csv *csv = NULL;
    int64_t rows = 0;
    char *path = scratch_path("large.csv");
    FILE *file = world.rank == 0 ? fopen(path, "w") : NULL;
    if (world.rank == 0) fputs("a,b\n", file);
    for (int i = 0; i < ROWS && world.rank == 0; i++)
        fputs(i % 3 ? "a text,\"and another, longer \"\n" : "1234567890,12345678901234567890\n",
              file);
    if (world.rank == 0 && fclose(file) != 0) abort();
    comm_barrier(&world);
    int64_t before = memory_peak_bytes();
    assert_all(csv_open(&world, path, NULL, &csv) == OK);
    assert_all(csv_read(&world, csv, count_row, NULL, &rows) == OK && csv->counts.rows == ROWS);
    assert_all(rows == csv->counts.rows_local && memory_peak_bytes() - before < MEMORY);
    csv_free(&csv);
    free(path);
}

/* ---- writing ---- */

static void quoting(void **state)
{
    (void)state;
    static const char *const texts[] = {"plain",  "with,comma", "\"quoted\"", "two\nlines",
                                        " blank", "cr\r",       "tab\tbed",   "é"};
    struct csv_log file = {0}, log = {0};
    log_bytes(&file, "a,b\n", 4);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char out[64];
        size_t bytes = csv_quote(texts[i], strlen(texts[i]), ',', out);
        assert_all(bytes <= 2 * strlen(texts[i]) + 2);
        log_bytes(&file, out, bytes);
        log_bytes(&file, ",1\n", 3);
    }
    char *path = scratch_share("quoted.csv", file.text, file.bytes);
    assert_all(log_file(&world, path, NULL, &log, NULL) == OK);
    assert_all(log_is(&log, "<2|plain|1\n<3'with,comma|1\n<4'\"quoted\"|1\n<5'two\nlines|1\n"
                            "<7' blank|1\n<8'cr\r|1\n<10|tab\tbed|1\n<11|é|1\n"));
    log_clear(&log);
    log_clear(&file);
    free(path);
}

/* What a spreadsheet would execute has an apostrophe before it; what is a number has not. */
static void guarding(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"=1+1", "'=1+1"},      {"+cmd", "'+cmd"},
                                           {"-x", "'-x"},          {"@sum(a)", "'@sum(a)"},
                                           {"\ta", "'\ta"},        {"=a,b", "\"'=a,b\""},
                                           {"'=a", "''=a"},        {"''@", "'''@"},
                                           {"'a", "'a"},           {"-5", "-5"},
                                           {"+49.171", "+49.171"}, {"-", "'-"},
                                           {"-1-1", "'-1-1"},      {"", ""},
                                           {"a=b", "a=b"},         {"\r", "\"'\r\""}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char out[64] = {0};
        size_t bytes = csv_guard(pairs[i][0], strlen(pairs[i][0]), ',', out);
        assert_all(bytes == strlen(pairs[i][1]) && strcmp(out, pairs[i][1]) == 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(memory), /* first: what was ever used counts */ TEST(known_rows), TEST(bad_rows),
          TEST(counts), TEST(guarding), TEST(headers), TEST(refused_headers), TEST(golden),
          TEST(real_tables), TEST(compressed), TEST(long_rows), TEST(field_limit), TEST(stops),
          TEST(faults), TEST(quoting))
