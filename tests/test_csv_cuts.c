/* The reader against a plain one, byte by byte, on thousands of small nasty texts, at every cut and
 * chunk. */
#include "tests/csv_log.h"

#include "io/csv_scan.h"
#include "partition/random.h"

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* ---- the plain reader: two columns, comma ---- */

struct plain {
    const char *text;
    int64_t bytes, at, line, field_limit;
    struct csv_log *log;
};

struct plain_field {
    char text[64];
    int64_t bytes, raw_from, raw_to;
    bool quoted;
};

struct plain_row {
    struct plain_field field[64];
    int64_t fields, line, from, to;
    int64_t junk, open; /* 1-based column, 0 if none */
};

static void plain_put(struct plain_field *field, char c)
{
    field->text[field->bytes++] = c;
}

static void plain_quoted(struct plain *p, struct plain_row *row, struct plain_field *field)
{
    field->quoted = true;
    field->raw_from = ++p->at;
    while (true) {
        if (p->at == p->bytes) {
            row->open = row->fields + 1;
            return;
        }
        char c = p->text[p->at], next = p->at + 1 < p->bytes ? p->text[p->at + 1] : 'x';
        if (c == '"' && next != '"') break;
        if (c == '"') p->at++;
        if (c == '\n' || (c == '\r' && next != '\n')) p->line++;
        plain_put(field, c);
        p->at++;
    }
    field->raw_to = p->at++;
    if (p->at == p->bytes || p->text[p->at] == ',' || ends_line(p->text[p->at])) return;
    if (row->junk == 0) row->junk = row->fields + 1;
    while (p->at < p->bytes && p->text[p->at] != ',' && !ends_line(p->text[p->at])) p->at++;
}

static void plain_row(struct plain *p, struct plain_row *row)
{
    *row = (struct plain_row){.line = p->line, .from = p->at};
    while (true) {
        struct plain_field *field = &row->field[row->fields];
        field->raw_from = p->at;
        if (p->at < p->bytes && p->text[p->at] == '"') {
            plain_quoted(p, row, field);
        } else {
            while (p->at < p->bytes && p->text[p->at] != ',' && !ends_line(p->text[p->at]))
                plain_put(field, p->text[p->at++]);
            field->raw_to = p->at;
        }
        row->fields++;
        if (p->at == p->bytes || p->text[p->at] != ',') break;
        p->at++;
    }
    row->to = p->at;
    if (p->at < p->bytes) p->line++;
    if (p->at + 1 < p->bytes && p->text[p->at] == '\r' && p->text[p->at + 1] == '\n') p->at++;
    p->at++;
}

/* In this alphabet a character of two bytes is C3 A9 and nothing else is valid above 127. */
static int64_t plain_bad_byte(const struct plain *p, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)p->text[i];
        if (c == 0xc3 && i + 1 < to && (unsigned char)p->text[i + 1] == 0xa9)
            i++;
        else if (c == 0 || c > 127)
            return i;
    }
    return -1;
}

static int64_t column_of(const struct plain_row *row, int64_t at)
{
    int64_t column = 1, stored = row->fields < 2 ? row->fields : 2;
    while (column < stored && row->field[column].raw_from <= at) column++;
    return column;
}

static int64_t long_column(const struct plain_row *row, int64_t last, int64_t limit)
{
    for (int64_t j = 0; j < last && j < row->fields && j < 2; j++)
        if (row->field[j].raw_to - row->field[j].raw_from > limit) return j + 1;
    return 0;
}

static void plain_give(struct plain *p, struct plain_row *row)
{
    struct csv_bad bad = {.line = row->line, .fields = row->fields};
    int64_t too_long = long_column(row, row->junk > 0 ? row->junk : 2, p->field_limit);
    int64_t at = plain_bad_byte(p, row->from, row->to);
    if (row->open > 0)
        bad.reason = CSV_QUOTE_OPEN, bad.column = row->open;
    else if (too_long > 0)
        bad.reason = CSV_FIELD_LONG, bad.column = too_long;
    else if (row->junk > 0)
        bad.reason = CSV_TEXT_AFTER_QUOTE, bad.column = row->junk;
    else if (at >= 0)
        bad.reason = p->text[at] == 0 ? CSV_NUL : CSV_UTF8, bad.column = column_of(row, at);
    else if (row->fields != 2)
        bad.reason = CSV_FIELDS;
    bad.value = p->text + row->from;
    bad.value_bytes = row->to - row->from;
    if (bad.reason != CSV_QUOTE_OPEN && bad.column > 0 && bad.column <= 2) {
        bad.value = p->text + row->field[bad.column - 1].raw_from;
        bad.value_bytes = row->field[bad.column - 1].raw_to - row->field[bad.column - 1].raw_from;
    }
    struct csv_field field[2];
    for (int j = 0; j < 2; j++)
        field[j] = (struct csv_field){row->field[j].text, (uint32_t)row->field[j].bytes,
                                      row->field[j].quoted, false};
    if (bad.reason != CSV_GOOD)
        log_bad(p->log, &bad);
    else
        log_row(p->log, &(struct csv_row){field, 2, 0, row->line, 0});
}

static void plain_read(const char *text, int64_t bytes, int64_t field_limit, struct csv_log *log)
{
    struct plain p = {text, bytes, 0, 1, field_limit, log};
    struct plain_row row;
    plain_row(&p, &row); /* the header */
    while (p.at < p.bytes) {
        char c = p.text[p.at];
        if (!ends_line(c)) {
            plain_row(&p, &row);
            plain_give(&p, &row);
            continue;
        }
        bool pair = c == '\r' && p.at + 1 < p.bytes && p.text[p.at + 1] == '\n';
        p.at += pair ? 2 : 1;
        p.line++;
    }
}

/* ---- texts ---- */

/* "a,b" and up to 40 bytes of trouble; returns the length */
static int64_t nasty_text(uint64_t number, char *text)
{
    static const char bytes[] = "\"\"\"\"\",,,,\n\n\n\r\r\raaaa bb\xc3\xa9\xc3\xa9";
    static const char *const heads[] = {"a,b\n", "a,b\r\n", "a,b\r", "\"a\",\"b\"\n"};
    uint64_t kinds = sizeof bytes; /* with the 0 at the end */
    const char *head = heads[number % 4];
    int64_t at = (int64_t)strlen(head);
    memcpy(text, head, (size_t)at);
    int64_t length = (int64_t)random_below(3, RANDOM_TEST, number, 0, 41);
    for (int64_t i = 0; i < length; i++) {
        char c = bytes[random_below(3, RANDOM_TEST, number, (uint64_t)i + 1, kinds)];
        text[at++] = c;
        if (c == '\xc3' && i % 7 != 0) text[at++] = '\xa9';
    }
    return at;
}

static void show_difference(const char *text, int64_t bytes, const struct csv_options *options,
                            const struct csv_log *expected, const struct csv_log *got)
{
    fprintf(stderr, "ranges %lld, chunk %lld, text <<%.*s>>\nexpected\n%.*sgot\n%.*s\n",
            (long long)options->ranges, (long long)options->chunk_bytes, (int)bytes, text,
            (int)expected->bytes, expected->text, (int)got->bytes, got->text);
}

static bool read_equals(const struct comm *comm, const char *path,
                        const struct csv_options *options, const char *text, int64_t bytes,
                        const struct csv_log *expected)
{
    struct csv_log got = {0};
    bool equal = log_file(comm, path, options, &got, NULL) == OK && log_equal(expected, &got);
    if (!equal) show_difference(text, bytes, options, expected, &got);
    log_clear(&got);
    return equal;
}

/* This rank's share of the texts, each in 1 to 64 ranges and several chunks. */
static void every_cut(void **state)
{
    (void)state;
    const struct comm self = comm_self();
    char name[32];
    bool equal = true;
    snprintf(name, sizeof name, "cut%d.csv", world.rank);
    for (uint64_t i = (uint64_t)world.rank; i < 120 && equal; i += (uint64_t)world.ranks) {
        char text[128];
        int64_t bytes = nasty_text(i, text);
        struct csv_options options = CSV_DEFAULTS;
        options.delimiter = ',';
        options.field_bytes_max = i % 3 == 0 ? 4 : 1000;
        struct csv_log expected = {0};
        plain_read(text, bytes, options.field_bytes_max, &expected);
        char *path = scratch_write(name, text, (size_t)bytes);
        for (options.ranges = 1; options.ranges <= 64 && equal; options.ranges++) {
            options.chunk_bytes = options.ranges % 3 == 0 ? 1 : options.ranges % 3 == 1 ? 1000 : 7;
            equal = read_equals(&self, path, &options, text, bytes, &expected);
        }
        free(path);
        log_clear(&expected);
    }
    assert_all(equal);
}

/* Many more texts, each cut in a few ways, on this rank alone. */
static void many_texts(void **state)
{
    (void)state;
    const struct comm self = comm_self();
    char name[32];
    bool equal = true;
    snprintf(name, sizeof name, "text%d.csv", world.rank);
    for (uint64_t i = 1000 + (uint64_t)world.rank; i < 3000 && equal; i += (uint64_t)world.ranks) {
        char text[128];
        int64_t bytes = nasty_text(i, text);
        struct csv_log expected = {0};
        plain_read(text, bytes, 1 << 20, &expected);
        char *path = scratch_write(name, text, (size_t)bytes);
        struct csv_options options = CSV_DEFAULTS;
        options.delimiter = ',';
        for (int64_t cut = 0; cut < 2 && equal; cut++) {
            options.ranges = 2 + (int64_t)random_below(4, RANDOM_TEST, i, (uint64_t)cut, 9);
            options.chunk_bytes = 1 + (int64_t)random_below(5, RANDOM_TEST, i, (uint64_t)cut, 20);
            equal = read_equals(&self, path, &options, text, bytes, &expected);
        }
        free(path);
        log_clear(&expected);
    }
    assert_all(equal);
}

/* All ranks on one text, mostly with fewer bytes than some rank would like. */
static void all_ranks(void **state)
{
    (void)state;
    for (uint64_t i = 6000; i < 6100; i++) {
        char text[128];
        int64_t bytes = nasty_text(i, text);
        struct csv_log expected = {0};
        plain_read(text, bytes, 1 << 20, &expected);
        char *path = scratch_share("all.csv", text, (size_t)bytes);
        struct csv_options options = CSV_DEFAULTS;
        options.delimiter = ',';
        options.ranges = 1 + (int64_t)(i % 3);
        assert_all(read_equals(&world, path, &options, text, bytes, &expected));
        free(path);
        log_clear(&expected);
    }
}

/* ---- kernels and spans ---- */

static void fill_noise(char *text, int64_t bytes, uint64_t number)
{
    static const char alphabet[] = "a,\"\n\r\r\n\xc3z";
    for (int64_t i = 0; i < bytes; i++)
        text[i] = alphabet[random_below(6, RANDOM_TEST, number, (uint64_t)i, number % 2 ? 8 : 10)];
}

static bool kernel_supported(int kernel)
{
    return kernel <= (int)csv_kernel_best();
}

static void kernels_agree(void **state)
{
    (void)state;
    char text[1 + 300 + CSV_INDEX_SLACK];
    uint32_t index[CSV_KERNELS][300 + CSV_INDEX_SLACK];
    bool equal = true;
    for (uint64_t number = 0; number < 300; number++) {
        int64_t bytes = (int64_t)number, count[CSV_KERNELS], quotes[CSV_KERNELS], ends[CSV_KERNELS];
        bool plain[CSV_KERNELS];
        fill_noise(text, (int64_t)sizeof text, number);
        for (int k = 0; k < CSV_KERNELS && kernel_supported(k); k++) {
            count[k] =
                csv_index_structure((enum csv_kernel)k, text + 1, bytes, ',', index[k], &plain[k]);
            equal = equal && count[k] == count[0] && plain[k] == plain[0] &&
                    memcmp(index[k], index[0], (size_t)count[0] * sizeof **index) == 0;
        }
        for (int k = 0; k < CSV_KERNELS && kernel_supported(k); k++) {
            quotes[k] = csv_index_quotes((enum csv_kernel)k, text + 1, bytes, index[k], &ends[k]);
            equal = equal && quotes[k] == quotes[0] && ends[k] == ends[0] &&
                    memcmp(index[k], index[0], (size_t)quotes[0] * sizeof **index) == 0;
        }
    }
    assert_all(equal);
}

/* A span is the same in one piece, in two pieces, and as two spans joined. */
static void spans_join(void **state)
{
    (void)state;
    char text[1 + 90 + CSV_INDEX_SLACK] = "\n";
    uint32_t index[90 + CSV_INDEX_SLACK];
    bool equal = true;
    for (uint64_t number = 1; number < 60; number += 2) {
        fill_noise(text + 1, 90, number);
        struct csv_span whole = csv_span_empty();
        csv_span_extend(&whole, text + 1, 90, ',', index);
        for (int64_t cut = 0; cut <= 90; cut++) {
            struct csv_span first = csv_span_empty(), second = csv_span_empty();
            csv_span_extend(&first, text + 1, cut, ',', index);
            csv_span_extend(&second, text + 1 + cut, 90 - cut, ',', index);
            struct csv_span joined = csv_span_join(first, second);
            csv_span_extend(&first, text + 1 + cut, 90 - cut, ',', index);
            equal = equal && memcmp(joined.end, whole.end, sizeof whole.end) == 0 &&
                    joined.line_ends == whole.line_ends && first.line_ends == whole.line_ends &&
                    memcmp(first.end, whole.end, sizeof whole.end) == 0;
        }
    }
    assert_all(equal);
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

TEST_MAIN(cmocka_unit_test_setup_teardown(every_cut, start, stop),
          cmocka_unit_test_setup_teardown(many_texts, start, stop),
          cmocka_unit_test_setup_teardown(all_ranks, start, stop), cmocka_unit_test(kernels_agree),
          cmocka_unit_test(spans_join))
