/* Fuzz target of the CSV reader: any bytes, in any number of ranges, read as tests/csv_plain.h
 * reads them; gzip files at least the same in every way.
 *
 * The first three bytes of the input choose options and cuts, the rest is the file. `fuzz_csv
 * --seeds FOLDER` writes the texts of the other tests to begin with. See tests/test_fuzz.sh. */
#include "tests/csv_corpus.h"
#include "tests/csv_fault_list.h"
#include "tests/csv_log.h"
#include "tests/csv_plain.h"

#include <sanitizer/lsan_interface.h>
#include <sys/mman.h>

enum { SETTINGS = 3 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int memory_file = -1;
static char memory_path[64];

/* ---- seeds ---- */

static void write_seed(const char *folder, int64_t number, const char *head, const char *text,
                       size_t bytes)
{
    const unsigned char settings[SETTINGS] = {(unsigned char)(number * 7 & 63), 85, 170};
    char path[4096];
    snprintf(path, sizeof path, "%s/seed%03lld", folder, (long long)number);
    FILE *file = fopen(path, "we");
    if (file == NULL) abort();
    fwrite(settings, 1, sizeof settings, file);
    fwrite(head, 1, strlen(head), file);
    fwrite(text, 1, bytes, file);
    if (fclose(file) != 0) abort();
}

static void write_seeds(const char *folder)
{
    char text[CORPUS_BYTES];
    int64_t number = 0;
    for (int64_t i = 0; i < CORPUS_PIECES; i++)
        write_seed(folder, number++, "a,b,c\n", corpus_pieces[i].text, corpus_pieces[i].bytes);
    for (size_t i = 0; i < sizeof csv_faults / sizeof *csv_faults; i++)
        write_seed(folder, number++, "", csv_faults[i].text, csv_faults[i].bytes);
    corpus_text(';', text);
    write_seed(folder, number++, "", text, sizeof text);
}

/* ---- one input ---- */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (*argc == 3 && strcmp((*argv)[1], "--seeds") == 0) {
        write_seeds((*argv)[2]);
        exit(0);
    }
    memory_file = memfd_create("csv", MFD_CLOEXEC);
    snprintf(memory_path, sizeof memory_path, "/proc/self/fd/%d", memory_file);
    __lsan_disable(); /* what MPI keeps until the process ends is not ours to free */
    enum status status = comm_start(&world);
    __lsan_enable();
    return memory_file < 0 || status != OK ? -1 : 0;
}

static _Noreturn void differ(const char *what, const struct csv_options *options,
                             const struct csv_log *expected, const struct csv_log *got)
{
    fprintf(stderr, "%s: delimiter %d, ranges %lld, chunk %lld, cuts %lld %lld: %s\n", what,
            options->delimiter, (long long)options->ranges, (long long)options->chunk_bytes,
            options->cuts != NULL ? (long long)options->cuts[0] : -1,
            options->cuts != NULL ? (long long)options->cuts[1] : -1, status_message());
    fwrite("expected\n", 1, 9, stderr);
    fwrite(expected->text, 1, expected->bytes, stderr);
    fwrite("got\n", 1, 4, stderr);
    fwrite(got->text, 1, got->bytes, stderr);
    abort();
}

/* Delimiter, limits and chunk from one byte. */
static struct csv_options chosen(uint8_t settings)
{
    static const char delimiters[] = {0, ',', ';', '\t'};
    static const int64_t chunks[] = {1 << 18, 1, 5, 64};
    struct csv_options options = CSV_DEFAULTS;
    options.delimiter = delimiters[settings & 3];
    options.chunk_bytes = chunks[settings >> 2 & 3];
    if ((settings >> 4 & 1) != 0) options.field_bytes_max = 7;
    if ((settings >> 5 & 1) != 0) options.field_bytes_max = 100;
    if ((settings >> 5 & 1) != 0) options.row_bytes_max = CSV_VALUE_MAX + 1;
    return options;
}

static void write_file(const char *text, int64_t bytes)
{
    if (ftruncate(memory_file, 0) != 0) abort();
    for (int64_t at = 0; at < bytes;) {
        ssize_t now = pwrite(memory_file, text + at, (size_t)(bytes - at), at);
        if (now <= 0) abort();
        at += now;
    }
}

/* What the plain reader says of a file that csv_open takes. */
static struct csv_counts expect(const char *text, int64_t bytes, const struct csv *csv,
                                struct csv_log *log)
{
    struct plain_table table;
    const struct csv_log none = {0};
    bool good = plain_header(text, bytes, &csv->options, &table);
    if (!good || table.columns != csv->columns || table.data_first != csv->file[0].data_first ||
        table.data_line != csv->file[0].data_line)
        differ("header", &csv->options, &none, &none);
    return plain_read(text, bytes, &table, log_row, log_bad, log);
}

/* The whole file is refused: so it must be, if we know the delimiter. */
static void check_refused(const char *text, int64_t bytes, const struct csv_options *options,
                          enum status status)
{
    struct plain_table table;
    const struct csv_log none = {0};
    const char *message = status_message();
    bool gzip = bytes > 1 && memcmp(text, "\x1f\x8b", 2) == 0;
    if (status == ERR_IO && gzip) return;
    if (status != ERR_DATA) differ("an unexpected status", options, &none, &none);
    if (gzip || options->delimiter == 0 || strstr(message, "two columns are called") != NULL ||
        strstr(message, "UTF-16") != NULL)
        return;
    if (plain_header(text, bytes, options, &table))
        differ("refused without need", options, &none, &none);
}

/* The rows of an open file in these ranges; a damaged gzip file may end anywhere. */
static void check_ranges(struct csv *csv, int64_t ranges, const int64_t *cuts,
                         const struct csv_log *expected, const struct csv_counts *counts)
{
    const struct comm self = comm_self();
    struct csv_log got = {0};
    csv->options.ranges = ranges;
    csv->options.cuts = cuts;
    enum status status = csv_read(&self, csv, log_row, log_bad, &got);
    bool damaged = csv->file[0].gzip && status == ERR_IO;
    if (!damaged &&
        (status != OK || !log_equal(&got, expected) || csv->counts.rows != counts->rows ||
         csv->counts.bad != counts->bad || csv->counts.empty_lines != counts->empty_lines))
        differ("rows", &csv->options, expected, &got);
    log_clear(&got);
}

static void check_rows(const char *text, int64_t bytes, struct csv *csv, const uint8_t *places)
{
    const struct comm self = comm_self();
    struct csv_log expected = {0};
    struct csv_counts counts = {0};
    int64_t cuts[2] = {bytes * places[0] / 256, bytes * places[1] / 256};
    if (cuts[0] > cuts[1]) cuts[0] = cuts[1];
    if (!csv->file[0].gzip)
        counts = expect(text, bytes, csv, &expected);
    else if (csv_read(&self, csv, log_row, log_bad, &expected) == OK)
        counts = csv->counts;
    check_ranges(csv, 1, NULL, &expected, &counts);
    check_ranges(csv, 2, NULL, &expected, &counts);
    check_ranges(csv, 7, NULL, &expected, &counts);
    check_ranges(csv, 3, cuts, &expected, &counts);
    log_clear(&expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const struct comm self = comm_self();
    struct csv *csv = NULL;
    if (bytes < SETTINGS) return 0;
    const char *text = (const char *)data + SETTINGS;
    int64_t text_bytes = (int64_t)bytes - SETTINGS;
    struct csv_options options = chosen(data[0]);
    write_file(text, text_bytes);
    enum status status = csv_open(&self, memory_path, &options, &csv);
    if (status == OK)
        check_rows(text, text_bytes, csv, data + 1);
    else
        check_refused(text, text_bytes, &options, status);
    csv_free(&csv);
    return 0;
}
