/* Dividing files among ranks, and joining what each range does to the reader's state. */
#include "io/csv_ranges.h"

#include "io/csv_sample.h"
#include "io/csv_window.h"
#include "mpi/memory.h"

#include <stdlib.h>

enum { SAMPLE_PLACES = 32, GZIP_LEAST = 1 << 21 }; /* less of a gzip file says too little */
enum { TAIL_BYTES = 1 << 16 };                     /* at the end of a range, walked first */

/* ---- cuts ---- */

/* Where division number `at` of `total` begins in the files, one behind the other. */
static int64_t cut(const struct csv *csv, int64_t bytes, int64_t at, int64_t total)
{
    if (csv->options.cuts == NULL || at == 0 || at == total)
        return bytes / total * at + bytes % total * at / total;
    int64_t offset = csv->options.cuts[at - 1];
    return offset < bytes ? offset : bytes;
}

/* The part of a file that stands at `offset` that lies in [first, end) of all. */
static struct csv_range part(const struct csv *csv, int64_t file, int64_t offset, int64_t first,
                             int64_t end)
{
    const struct csv_file *facts = &csv->file[file];
    struct csv_range range = {file, facts->data_first, INT64_MAX, CSV_FIELD_START,
                              '\n', facts->data_line};
    if (facts->gzip) {
        bool begins = offset >= first && offset < end;
        if (!begins) range.end = range.first;
        return range;
    }
    if (first - offset > range.first) range.first = first - offset;
    range.end = end - offset < facts->bytes ? end - offset : facts->bytes;
    return range;
}

/* The parts of this rank's divisions. */
static enum status cut_files(const struct comm *comm, const struct csv *csv,
                             struct csv_ranges *ranges)
{
    int64_t divisions = csv->options.ranges, total = divisions * comm->ranks, bytes = 0;
    enum status status = memory_new(&ranges->range, csv->files + divisions, sizeof *ranges->range);
    if (status != OK) return status;
    for (int64_t f = 0; f < csv->files; f++) bytes += csv->file[f].bytes;
    for (int64_t at = comm->rank * divisions; at < (comm->rank + 1) * divisions; at++) {
        int64_t first = cut(csv, bytes, at, total), end = cut(csv, bytes, at + 1, total);
        for (int64_t f = 0, offset = 0; f < csv->files; offset += csv->file[f].bytes, f++) {
            struct csv_range range = part(csv, f, offset, first, end);
            if (range.first < range.end) ranges->range[ranges->count++] = range;
        }
    }
    return OK;
}

/* ---- spans ---- */

static bool begins_file(const struct csv *csv, const struct csv_range *range)
{
    return range->first == csv->file[range->file].data_first;
}

/* Whether no range behind this one begins in its file. */
static bool ends_file(const struct csv *csv, const struct csv_range *range)
{
    return range->end >= csv->file[range->file].bytes;
}

/* Bytes [first, end) of the text, or of what is left of it. */
struct stretch {
    int64_t first, end;
    char before;
};

/* What a stretch does to any state at its start; if skimmed, its quotes are only noticed. */
static enum status scan(struct csv_window *window, struct stretch stretch, bool *skim_quoted,
                        struct csv_span *span)
{
    enum status status = OK;
    int64_t got = 0;
    window->text[-1] = stretch.before;
    TRY(csv_source_seek(window->source, stretch.first));
    for (int64_t at = stretch.first; at < stretch.end; at += got) {
        int64_t left = stretch.end - at, wanted = left < window->capacity ? left : window->capacity;
        TRY(csv_source_read(window->source, window->text, wanted, &got));
        if (got == 0) break; /* cut short meanwhile: csv_check_unchanged tells */
        if (skim_quoted != NULL)
            csv_span_skim(span, window->text, got, window->delimiter, skim_quoted);
        else
            csv_span_extend(span, window->text, got, window->delimiter, window->index);
        window->text[-1] = window->text[got - 1];
    }
done:
    return status;
}

/* A few fields in quotes tell the state, whatever it was before: so most of a range is skimmed, and
 * only if its last bytes leave a doubt is it walked from the start. */
static enum status scan_text(struct csv_window *window, const struct csv_range *range,
                             struct csv_span *span)
{
    enum status status = OK;
    int64_t bytes = window->capacity < TAIL_BYTES ? window->capacity : TAIL_BYTES;
    int64_t middle = range->end - range->first > bytes ? range->end - bytes : range->first;
    struct csv_span body = csv_span_empty(), tail = csv_span_empty();
    bool quoted = false;
    TRY(scan(window, (struct stretch){range->first, middle, range->before}, &quoted, &body));
    TRY(scan(window, (struct stretch){middle, range->end, window->text[-1]}, NULL, &tail));
    if (quoted && !csv_span_settled(&tail)) {
        body = csv_span_empty();
        TRY(scan(window, (struct stretch){range->first, middle, range->before}, NULL, &body));
    }
    *span = csv_span_join(*span, csv_span_join(body, tail));
done:
    return status;
}

static enum status scan_range(const struct csv *csv, struct csv_range *range, struct csv_span *span)
{
    enum status status = OK;
    struct csv_source *source = NULL;
    struct csv_window window = {0};
    int64_t bytes = 0, got = 0;
    *span = begins_file(csv, range) ? csv_span_fresh() : csv_span_empty();
    if (begins_file(csv, range) && ends_file(csv, range)) return OK;
    TRY(csv_source_open(csv->file_name[range->file], &source, &bytes));
    TRY(csv_check_unchanged(csv, range->file, bytes));
    if (!begins_file(csv, range)) {
        TRY(csv_source_seek(source, range->first - 1));
        TRY(csv_source_read(source, &range->before, 1, &got));
    }
    if (ends_file(csv, range)) goto done;
    TRY(csv_window_init(&window, source, 0, '\n', csv->options.delimiter,
                        csv->options.chunk_bytes));
    TRY(scan_text(&window, range, span));
done:
    csv_window_clear(&window);
    csv_source_close(&source);
    return status;
}

static enum status scan_ranges(const struct csv *csv, struct csv_ranges *ranges,
                               struct csv_span *span)
{
    enum status status = OK;
    for (int64_t i = 0; i < ranges->count; i++) TRY(scan_range(csv, &ranges->range[i], &span[i]));
done:
    return status;
}

/* ---- samples ---- */

static enum status read_before(const struct csv *csv, struct csv_range *range)
{
    enum status status = OK;
    struct csv_source *source = NULL;
    int64_t bytes = 0, got = 0;
    if (begins_file(csv, range)) return OK;
    TRY(csv_source_open(csv->file_name[range->file], &source, &bytes));
    TRY(csv_source_seek(source, range->first - 1));
    TRY(csv_source_read(source, &range->before, 1, &got));
done:
    csv_source_close(&source);
    return status;
}

/* The next range: [first, first + bytes) as far as it lies in a file that stands at `offset`. Of a
 * gzip file one range begins where the file does and grows with every place in it. */
static enum status sample_file(const struct csv *csv, int64_t file, int64_t offset, int64_t first,
                               int64_t bytes, struct csv_ranges *ranges)
{
    const struct csv_file *facts = &csv->file[file];
    struct csv_range *last = ranges->count > 0 ? &ranges->range[ranges->count - 1] : NULL;
    if (first >= offset + facts->bytes || first + bytes <= offset) return OK;
    if (facts->gzip && last != NULL && last->file == file) {
        last->end += bytes;
        return OK;
    }
    struct csv_range range = part(csv, file, offset, first, first + bytes);
    if (facts->gzip) range.end = range.first + (bytes > GZIP_LEAST ? bytes : GZIP_LEAST);
    if (range.first >= range.end) return OK;
    range.line = (ranges->count << CSV_PLACE_BITS) + 1;
    enum status status = read_before(csv, &range);
    ranges->range[ranges->count++] = range;
    return status;
}

/* Where no place fell on a file of a kind, the first one of it. */
static enum status sample_kind(const struct csv *csv, bool gzip, int64_t bytes,
                               struct csv_ranges *ranges)
{
    int64_t first = 0;
    for (int64_t i = 0; i < ranges->count; i++)
        if (csv->file[ranges->range[i].file].gzip == gzip) return OK;
    while (first < csv->files && csv->file[first].gzip != gzip) first++;
    return first < csv->files ? sample_file(csv, first, 0, 0, bytes, ranges) : OK;
}

static enum status sample_files(const struct csv *csv, int64_t bytes, int64_t bytes_total,
                                struct csv_ranges *ranges)
{
    enum status status = OK;
    int64_t each = bytes / SAMPLE_PLACES > 0 ? bytes / SAMPLE_PLACES : 1;
    TRY(memory_new(&ranges->range, csv->files + SAMPLE_PLACES + 2, sizeof *ranges->range));
    for (int64_t p = 0; p < SAMPLE_PLACES; p++) {
        double place = (double)(bytes_total - each) * (double)p / (SAMPLE_PLACES - 1);
        for (int64_t f = 0, offset = 0; f < csv->files; offset += csv->file[f].bytes, f++)
            TRY(sample_file(csv, f, offset, (int64_t)place, each, ranges));
    }
    TRY(sample_kind(csv, false, each, ranges));
    TRY(sample_kind(csv, true, each, ranges));
done:
    return status;
}

enum status csv_ranges_sample(const struct csv *csv, int64_t bytes, struct csv_ranges *ranges,
                              bool *whole)
{
    int64_t total = 0;
    *ranges = (struct csv_ranges){0};
    for (int64_t f = 0; f < csv->files; f++) total += csv->file[f].bytes;
    *whole = total <= bytes;
    const struct comm one = {.rank = 0, .ranks = 1};
    enum status status =
        *whole ? cut_files(&one, csv, ranges) : sample_files(csv, bytes, total, ranges);
    if (status != OK) csv_ranges_clear(ranges);
    return status;
}

/* ---- all ranks ---- */

/* A span travels as one number for the states and one for the lines. */
static int64_t pack(const struct csv_span *span)
{
    int64_t packed = (int64_t)span->fresh << 32;
    for (int s = 0; s < CSV_STATES; s++) packed |= (int64_t)span->end[s] << (8 * s);
    return packed;
}

static struct csv_span unpack(int64_t packed, int64_t line_ends)
{
    struct csv_span span = {{0}, packed >> 32 != 0, line_ends};
    for (int s = 0; s < CSV_STATES; s++) span.end[s] = (unsigned char)(packed >> (8 * s) & 255);
    return span;
}

/* Join the spans of all ranges before each of this rank's. all [2 ranks], zero. */
static void set_states(const struct comm *comm, const struct csv *csv,
                       const struct csv_ranges *ranges, const struct csv_span *span, int64_t *all)
{
    struct csv_span mine = csv_span_empty(), before = csv_span_empty();
    for (int64_t i = 0; i < ranges->count; i++) mine = csv_span_join(mine, span[i]);
    all[2 * comm->rank] = pack(&mine);
    all[2 * comm->rank + 1] = mine.line_ends;
    comm_sum_int64(comm, all, 2 * (int64_t)comm->ranks);
    for (int r = 0; r < comm->rank; r++)
        before = csv_span_join(before, unpack(all[2 * r], all[2 * r + 1]));
    for (int64_t i = 0; i < ranges->count; before = csv_span_join(before, span[i]), i++) {
        struct csv_range *range = &ranges->range[i];
        if (begins_file(csv, range)) continue;
        range->state = (enum csv_state)before.end[CSV_FIELD_START];
        range->line = csv->file[range->file].data_line + before.line_ends;
    }
}

enum status csv_ranges_find(const struct comm *comm, const struct csv *csv,
                            struct csv_ranges *ranges)
{
    enum status status = OK;
    struct csv_span *span = NULL;
    int64_t *all = NULL;
    *ranges = (struct csv_ranges){0};
    TRY_ALL(comm, cut_files(comm, csv, ranges));
    TRY_ALL(comm, memory_new(&span, ranges->count, sizeof *span));
    TRY_ALL(comm, memory_new(&all, 2 * (int64_t)comm->ranks, sizeof *all));
    TRY_ALL(comm, scan_ranges(csv, ranges, span));
    set_states(comm, csv, ranges, span, all);
done:
    free(span);
    free(all);
    if (status != OK) csv_ranges_clear(ranges);
    return status;
}

enum status csv_check_unchanged(const struct csv *csv, int64_t file, int64_t bytes)
{
    const struct csv_file *facts = &csv->file[file];
    if (bytes == facts->bytes) return OK;
    return FAIL(ERR_IO,
                "%s has %lld bytes now and had %lld when it was opened; wait until it is complete",
                csv->file_name[file], (long long)bytes, (long long)facts->bytes);
}

void csv_ranges_clear(struct csv_ranges *ranges)
{
    free(ranges->range);
    *ranges = (struct csv_ranges){0};
}
