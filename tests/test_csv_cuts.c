/* The reader against a plain one on texts of all difficulties, at every cut, chunk and number of
 * ranges.
 *
 * Of the pairs of cuts of the 4 KiB text those on a grid are tried, and all that lie close
 * together; REMISE_EVERY_CUT=1 tries all 33 million, 8 for each delimiter and for a text
 * without quotes, which takes a core half an hour (run it with mpirun, ctest has a time limit). */
#include "tests/csv_corpus.h"
#include "tests/csv_log.h"
#include "tests/csv_plain.h"

#include "io/csv_scan.h"
#include "partition/random.h"

/* ---- texts ---- */

/* "a,b" and up to 40 bytes of trouble, each fifth text without quotes; returns the length */
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
        text[at++] = c == '"' && number % 5 == 0 ? 'q' : c;
        if (c == '\xc3' && i % 7 != 0) text[at++] = '\xa9';
    }
    return at;
}

/* A text in a file, and what it reads as. */
struct sample {
    const char *text;
    int64_t bytes;
    char *path;
    struct plain_table table;
    struct csv_log log;
    struct csv_counts counts;
};

/* path: of the file that holds the text; the sample takes it over. */
static struct sample sample_init(const char *text, int64_t bytes, char *path,
                                 const struct csv_options *options)
{
    struct sample sample = {.text = text, .bytes = bytes, .path = path};
    assert_true(plain_header(text, bytes, options, &sample.table));
    sample.counts = plain_read(text, bytes, &sample.table, log_row, log_bad, &sample.log);
    return sample;
}

static void sample_clear(struct sample *sample)
{
    free(sample->path);
    log_clear(&sample->log);
}

static bool counts_equal(const struct csv_counts *a, const struct csv_counts *b)
{
    return a->rows == b->rows && a->bad == b->bad && a->empty_lines == b->empty_lines;
}

static void show_difference(const struct sample *sample, const struct csv_options *options,
                            const struct csv_log *got)
{
    fprintf(stderr, "ranges %lld, chunk %lld", (long long)options->ranges,
            (long long)options->chunk_bytes);
    for (int64_t i = 0; options->cuts != NULL && i + 1 < options->ranges * world.ranks; i++)
        fprintf(stderr, ", cut %lld", (long long)options->cuts[i]);
    fprintf(stderr, ", text <<%.*s>>\nexpected\n%.*sgot\n%.*s\n", (int)sample->bytes, sample->text,
            (int)sample->log.bytes, sample->log.text, (int)got->bytes, got->text);
}

static bool read_equals(const struct comm *comm, const struct sample *sample,
                        const struct csv_options *options)
{
    struct csv_log got = {0};
    struct csv_counts counts = {0};
    bool equal = log_file(comm, sample->path, options, &got, &counts) == OK &&
                 log_equal(&sample->log, &got) && counts_equal(&sample->counts, &counts);
    if (!equal) show_difference(sample, options, &got);
    log_clear(&got);
    return equal;
}

/* ---- small texts ---- */

/* This rank's share of the texts, each in 1 to 64 ranges and several chunks. */
static void every_number(void **state)
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
        struct sample sample =
            sample_init(text, bytes, scratch_write(name, text, (size_t)bytes), &options);
        for (options.ranges = 1; options.ranges <= 64 && equal; options.ranges++) {
            options.chunk_bytes = options.ranges % 3 == 0 ? 1 : options.ranges % 3 == 1 ? 1000 : 7;
            equal = read_equals(&self, &sample, &options);
        }
        sample_clear(&sample);
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
        struct csv_options options = CSV_DEFAULTS;
        options.delimiter = ',';
        struct sample sample =
            sample_init(text, bytes, scratch_write(name, text, (size_t)bytes), &options);
        for (int64_t cut = 0; cut < 2 && equal; cut++) {
            options.ranges = 2 + (int64_t)random_below(4, RANDOM_TEST, i, (uint64_t)cut, 9);
            options.chunk_bytes = 1 + (int64_t)random_below(5, RANDOM_TEST, i, (uint64_t)cut, 20);
            equal = read_equals(&self, &sample, &options);
        }
        sample_clear(&sample);
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
        struct csv_options options = CSV_DEFAULTS;
        options.delimiter = ',';
        struct sample sample =
            sample_init(text, bytes, scratch_share("all.csv", text, (size_t)bytes), &options);
        options.ranges = 1 + (int64_t)(i % 3);
        assert_all(read_equals(&world, &sample, &options));
        sample_clear(&sample);
    }
}

/* ---- the text of all difficulties ---- */

/* Collective. text [CORPUS_BYTES]; unquoted: with a letter for each quote, as other ways are taken
 * through files that have none. */
static struct sample corpus_sample(char delimiter, bool unquoted, char *text)
{
    struct csv_options options = corpus_options(delimiter);
    corpus_text(delimiter, text);
    for (int64_t i = 0; i < CORPUS_BYTES && unquoted; i++) text[i] = text[i] == '"' ? 'q' : text[i];
    return sample_init(text, CORPUS_BYTES, scratch_share("corpus.csv", text, CORPUS_BYTES),
                       &options);
}

/* It holds what it should: every reason, empty lines, and an open quote at its end. */
static void corpus_is_hard(void **state)
{
    (void)state;
    char text[CORPUS_BYTES], mark[8];
    struct sample sample = corpus_sample(',', false, text);
    log_bytes(&sample.log, "", 1);
    for (int reason = 1; reason < (int)CSV_REASONS; reason++) {
        snprintf(mark, sizeof mark, "!%d,", reason);
        bool there = memmem(sample.log.text, sample.log.bytes, mark, strlen(mark)) != NULL;
        if (!there) print_error("no row is bad for reason %d\n", reason);
        assert_all(there);
    }
    assert_all(sample.counts.rows > 100 && sample.counts.empty_lines > 20);
    sample_clear(&sample);
}

static void corpus_ranges(void **state)
{
    (void)state;
    static const int64_t chunks[] = {1, 13, 500, 1 << 18};
    const struct comm self = comm_self();
    char text[CORPUS_BYTES];
    struct sample sample = corpus_sample(',', false, text);
    struct csv_options options = corpus_options(',');
    bool equal = true;
    for (int64_t i = 0; i < 64 * 4 && equal; i++) {
        if (i % world.ranks != world.rank) continue;
        options.ranges = 1 + i / 4;
        options.chunk_bytes = chunks[i % 4];
        equal = read_equals(&self, &sample, &options);
    }
    assert_all(equal);
    for (options.ranges = 1; options.ranges <= 64 / world.ranks; options.ranges++)
        assert_all(read_equals(&world, &sample, &options));
    sample_clear(&sample);
}

/* One range for every byte and more, and ranges that meet at random places, on all ranks. */
static void corpus_cuts_of_ranks(void **state)
{
    (void)state;
    char text[CORPUS_BYTES];
    struct sample sample = corpus_sample(',', false, text);
    struct csv_options options = corpus_options(',');
    int64_t cuts[4 * 3 - 1];
    options.ranges = 5000 / world.ranks;
    assert_all(read_equals(&world, &sample, &options));
    options.cuts = cuts;
    for (uint64_t i = 0; i < 300; i++) {
        options.ranges = 1 + (int64_t)(i % 3);
        int64_t count = options.ranges * world.ranks - 1;
        for (int64_t j = 0, last = 0; j < count; j++) {
            uint64_t room = (uint64_t)(CORPUS_BYTES - last + 1), wide = (uint64_t)j % 2 ? 4 : room;
            cuts[j] = last + (int64_t)random_below(8, RANDOM_TEST, i, (uint64_t)j, wide);
            last = cuts[j] = cuts[j] < CORPUS_BYTES ? cuts[j] : CORPUS_BYTES;
        }
        assert_all(read_equals(&world, &sample, &options));
    }
    sample_clear(&sample);
}

/* ---- many files ---- */

/* A quote that is never closed ends with its file; one file has no rows, one is compressed. */
static const char *const file_texts[] = {
    "a,b\n1,\"x\ny\"\n2,\"open\n3,4\n",
    "a,b",
    "\xef\xbb\xbf\"a\",b\r\n\r\n5,\"\r\n\"\"\"\r6,7\r",
    "a,b\n8,\"9,\n\"\n10,11",
    "a,b\n\"\n12\",13\n14,\"15",
};
enum { FILES = sizeof file_texts / sizeof *file_texts, COMPRESSED = 3 };

/* Collective. The sample's text is their number; its path a pattern. */
static struct sample files_sample(const struct csv_options *options)
{
    struct sample sample = {.text = "many files", .bytes = 10};
    for (int64_t f = 0; f < FILES; f++) {
        char name[16];
        int64_t bytes = (int64_t)strlen(file_texts[f]);
        snprintf(name, sizeof name, "many%d.csv", (int)f);
        char *path = scratch_share(name, file_texts[f], (size_t)bytes);
        if (f == COMPRESSED && world.rank == 0) {
            gzFile file = gzopen(path, "wb");
            if (file == NULL || gzwrite(file, file_texts[f], (unsigned)bytes) <= 0) abort();
            if (gzclose(file) != Z_OK) abort();
        }
        assert_true(plain_header(file_texts[f], bytes, options, &sample.table));
        sample.table.file = f;
        struct csv_counts counts =
            plain_read(file_texts[f], bytes, &sample.table, log_row, log_bad, &sample.log);
        sample.counts.rows += counts.rows;
        sample.counts.bad += counts.bad;
        sample.counts.empty_lines += counts.empty_lines;
        free(path);
    }
    sample.path = scratch_path("many*.csv");
    comm_barrier(&world);
    return sample;
}

/* Every pair of cuts, also in headers, between files and in the file that cannot be cut. */
static void files_pairs(void **state)
{
    (void)state;
    const struct comm self = comm_self();
    struct csv_options options = CSV_DEFAULTS;
    options.delimiter = ',';
    struct sample sample = files_sample(&options);
    struct csv *csv = NULL;
    int64_t cuts[2] = {0, 0}, bytes = 0;
    assert_all(csv_open(&self, sample.path, &options, &csv) == OK && csv->files == FILES);
    for (int64_t f = 0; f < FILES; f++) bytes += csv->file[f].bytes;
    csv_free(&csv);
    options.ranges = 3;
    options.cuts = cuts;
    bool equal = true;
    for (cuts[0] = world.rank; cuts[0] <= bytes && equal; cuts[0] += world.ranks)
        for (cuts[1] = cuts[0]; cuts[1] <= bytes && equal; cuts[1]++) {
            options.chunk_bytes = 1 + 6 * (cuts[1] % 3);
            equal = read_equals(&self, &sample, &options);
        }
    assert_all(equal);
    options.cuts = NULL;
    for (options.ranges = 1; options.ranges <= 64; options.ranges++)
        assert_all(read_equals(&world, &sample, &options));
    sample_clear(&sample);
}

/* ---- every pair of cuts ---- */

struct pairs {
    const struct sample *sample;
    struct csv *csv; /* its options.cuts point to `cuts` */
    int64_t cuts[2];
    struct csv_log log;
};

static bool pair_equals(struct pairs *pairs, int64_t first, int64_t second)
{
    static const int64_t chunks[] = {CORPUS_BYTES, 300, CORPUS_BYTES, 2000};
    const struct comm self = comm_self();
    pairs->cuts[0] = first;
    pairs->cuts[1] = second;
    pairs->csv->options.chunk_bytes = chunks[(first + second) % 4];
    pairs->log.bytes = 0;
    bool equal = csv_read(&self, pairs->csv, log_row, log_bad, &pairs->log) == OK &&
                 log_equal(&pairs->log, &pairs->sample->log) &&
                 counts_equal(&pairs->csv->counts, &pairs->sample->counts);
    if (!equal) show_difference(pairs->sample, &pairs->csv->options, &pairs->log);
    return equal;
}

/* By default the pairs on a grid that is another one for each number of ranks, and neighbours: as
 * each pair is tried by one rank alone, several ranks try fewer. */
static bool pair_wanted(int64_t first, int64_t second, char delimiter)
{
    const char *every = getenv("REMISE_EVERY_CUT");
    if (every != NULL && strcmp(every, "1") == 0) return true;
    bool comma = delimiter == ',', alone = world.ranks == 1;
    int64_t stride = comma ? (alone ? 19 : 61) : (alone ? 41 : 97), near = comma && alone ? 3 : 0;
    bool on_grid = first % stride == world.ranks && second % stride == 2 * world.ranks;
    return on_grid || second - first <= near;
}

static bool pairs_equal(const struct sample *sample, char delimiter)
{
    const struct comm self = comm_self();
    struct pairs pairs = {.sample = sample};
    struct csv_options options = corpus_options(delimiter);
    options.ranges = 3;
    options.cuts = pairs.cuts;
    bool equal = csv_open(&self, sample->path, &options, &pairs.csv) == OK;
    int64_t tried = 0;
    for (int64_t first = sample->table.data_first; first <= CORPUS_BYTES && equal; first++) {
        if (first % world.ranks != world.rank) continue;
        for (int64_t second = first; second <= CORPUS_BYTES && equal; second++) {
            if (!pair_wanted(first, second, delimiter)) continue;
            equal = pair_equals(&pairs, first, second);
            tried++;
        }
    }
    comm_sum_int64(&world, &tried, 1);
    if (world.rank == 0) print_message("%lld pairs of cuts\n", (long long)tried);
    log_clear(&pairs.log);
    csv_free(&pairs.csv);
    return equal;
}

static void corpus_pairs(void **state)
{
    (void)state;
    static const char delimiters[] = {',', ';', '\t', ','};
    for (size_t i = 0; i < sizeof delimiters; i++) {
        char text[CORPUS_BYTES];
        struct sample sample = corpus_sample(delimiters[i], i == 3, text);
        assert_all(pairs_equal(&sample, delimiters[i]));
        comm_barrier(&world);
        sample_clear(&sample);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(every_number), TEST(many_texts), TEST(all_ranks), TEST(corpus_is_hard),
          TEST(corpus_ranges), TEST(corpus_cuts_of_ranks), TEST(corpus_pairs), TEST(files_pairs),
          cmocka_unit_test(kernels_agree), cmocka_unit_test(spans_join))
