/* What is known of a text without reading its rows: the kernels agree, skimming and walking agree,
 * and what is called clean is so. */
#include "tests/harness.h"

#include "io/csv.h"
#include "io/csv_scan.h"
#include "partition/random.h"

#include <string.h>

enum { TEXT_BYTES = 200 };

struct sample {
    char text[1 + TEXT_BYTES + CSV_INDEX_SLACK]; /* from [1] on, behind a byte */
    uint32_t index[TEXT_BYTES + CSV_INDEX_SLACK];
    int64_t bytes;
};

static void fill(struct sample *sample, uint64_t number, const char *letters, uint64_t count)
{
    for (size_t i = 0; i < sizeof sample->text; i++)
        sample->text[i] = letters[random_below(7, RANDOM_TEST, number, i, count)];
    sample->bytes = (int64_t)random_below(8, RANDOM_TEST, number, 0, TEXT_BYTES + 1);
}

static void kernels_agree(void **state)
{
    (void)state;
    struct sample sample;
    bool same = true;
    for (uint64_t number = 0; number < 2000; number++) {
        fill(&sample, number, "\n\r\r\naaaaaaaaa,\"", number % 3 ? 14 : 15);
        int64_t ends = 0, quotes = csv_index_quotes(CSV_KERNEL_PORTABLE, sample.text + 1,
                                                    sample.bytes, sample.index, &ends);
        for (int k = 0; k <= (int)csv_kernel_best(); k++) {
            bool quoted = number % 2;
            same = same && ends == csv_index_line_ends((enum csv_kernel)k, sample.text + 1,
                                                       sample.bytes, &quoted);
            same = same && quoted == (quotes > 0);
        }
    }
    assert_all(same);
}

/* A skimmed text without quotes is as a walked one; with quotes its lines are counted, and that is
 * said. */
static void skimming(void **state)
{
    (void)state;
    struct sample sample;
    bool same = true;
    for (uint64_t number = 0; number < 3000; number++) {
        fill(&sample, number, "a,\n\rbcdefghijklmno\"", number % 2 ? 18 : 19);
        struct csv_span walked = csv_span_empty(), skimmed = csv_span_empty();
        bool quoted = false;
        csv_span_extend(&walked, sample.text + 1, sample.bytes, ',', sample.index);
        csv_span_skim(&skimmed, sample.text + 1, sample.bytes, ',', &quoted);
        same = same && quoted == (memchr(sample.text + 1, '"', (size_t)sample.bytes) != NULL);
        same = same && walked.line_ends == skimmed.line_ends;
        same = same && (quoted || memcmp(walked.end, skimmed.end, sizeof walked.end) == 0);
    }
    assert_all(same);
}

static void settled(void **state)
{
    (void)state;
    struct sample sample = {.text = "\n\"x\",y"};
    struct csv_span span = csv_span_empty();
    assert_all(!csv_span_settled(&span));
    csv_span_extend(&span, sample.text + 1, 3, ',', sample.index); /* "x" closes or opens */
    assert_all(!csv_span_settled(&span));
    csv_span_extend(&span, sample.text + 4, 1, ',', sample.index);
    assert_all(csv_span_settled(&span) && span.end[CSV_QUOTED] == CSV_FIELD_START);
    span = csv_span_fresh();
    assert_all(csv_span_settled(&span) && span.fresh);
}

/* Good characters up to the last three bytes, which may be cut off. */
static bool clean_so_far(const char *text, int64_t bytes)
{
    for (int64_t i = 0, length = 0; i < bytes; i += length) {
        length = text[i] == 0 ? 0 : csv_character(text + i, bytes - i);
        bool goes_on = length == 0 && (unsigned char)text[i] >= 0xc2 && bytes - i < 4;
        for (int64_t j = i + 1; j < bytes && goes_on; j++)
            goes_on = ((unsigned char)text[j] & 0xc0) == 0x80;
        if (goes_on) return true;
        if (length == 0) return false;
    }
    return true;
}

/* Clean texts with one byte changed, or none. */
static void clean(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a", "bc,", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "plain text", "\n"};
    struct sample sample;
    bool same = true;
    for (uint64_t number = 0; number < 20000 && same; number++) {
        fill(&sample, number, "x", 1);
        for (int64_t at = 1, n = 1; at + 10 < TEXT_BYTES; n++) {
            const char *piece = pieces[random_below(9, RANDOM_TEST, number, (uint64_t)n, 7)];
            memcpy(sample.text + at, piece, strlen(piece));
            at += (int64_t)strlen(piece);
        }
        if (number % 3 != 0 && sample.bytes > 0)
            sample.text[1 + random_below(9, RANDOM_TEST, number, 0, (uint64_t)sample.bytes)] =
                "\xff\xc3\xe2\xf0\x80\n"[number % 7]; /* the last is 0 */
        bool expected = clean_so_far(sample.text + 1, sample.bytes);
        for (int k = 0; k <= (int)csv_kernel_best(); k++) {
            bool got = !expected;
            csv_index_structure((enum csv_kernel)k, sample.text + 1, sample.bytes, ',',
                                sample.index, &got);
            same = same && got == expected;
        }
    }
    assert_all(same);
}

TEST_MAIN(cmocka_unit_test(kernels_agree), cmocka_unit_test(skimming), cmocka_unit_test(settled),
          cmocka_unit_test(clean))
