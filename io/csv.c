/* Reading CSV rows on all ranks: first where rows start in each range, then the rows. */
#include "io/csv.h"

#include "io/csv_row.h"
#include "io/csv_scan.h"
#include "io/csv_window.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { TAIL_BYTES = 1 << 14 }; /* read at a time to finish the last row of a range */

/* Bytes [first, end) of the text; the rows that start there are read here. */
struct range {
    int64_t first, end;
    enum csv_state state; /* at `first` */
    char before;          /* the byte before it */
    int64_t line;         /* at `first` */
};

struct reader {
    const struct csv *csv;
    csv_on_row *on_row;
    csv_on_bad *on_bad;
    void *context;
    struct csv_source *source;
    struct csv_window window;
    struct csv_split split;
    struct range range;
    int64_t start;  /* in the window, of the next row */
    int64_t cursor; /* its first mark in window.index */
    int64_t line;   /* at `start` */
    struct csv_counts counts;
};

/* ---- rows that are stepped over: the rest of an earlier range's row, and rows that are too long
 * ---- */

struct skipped {
    enum csv_state state; /* in: at reader->start; out: at the end */
    int64_t fields;       /* ended on the way, plus one */
    int64_t quote_column; /* 1-based, of the quotes opened last */
};

static enum status advance(struct reader *reader, int64_t from)
{
    struct csv_window *window = &reader->window;
    int64_t chunk = reader->csv->options.chunk_bytes;
    int64_t left = reader->range.end - (window->offset + window->bytes);
    int64_t tail = chunk < TAIL_BYTES ? chunk : TAIL_BYTES;
    int64_t wanted = left <= tail ? tail : left < chunk ? left : chunk;
    int64_t kept = window->bytes - from; /* indexed again: at least double it */
    reader->start -= from;
    reader->cursor = 0;
    return csv_window_advance(window, from, wanted > kept ? wanted : kept);
}

/* The mark at `at`, in skipped->state; true if it ends the row. */
static bool pass_mark(struct reader *reader, int64_t at, struct skipped *skipped)
{
    const char *text = reader->window.text;
    if (text[at] == '"') {
        if (skipped->state == CSV_FIELD_START) skipped->quote_column = skipped->fields;
        skipped->state = csv_state_quote(skipped->state);
        return false;
    }
    bool delimiter = text[at] == reader->window.delimiter;
    if (!delimiter) reader->line += text[at] == '\r' || text[at - 1] != '\r';
    if (skipped->state == CSV_QUOTED) return false;
    skipped->state = CSV_FIELD_START;
    skipped->fields += delimiter;
    return !delimiter;
}

/* From reader->start to behind the row's end or the file's. */
static enum status skip_row(struct reader *reader, struct skipped *skipped)
{
    enum status status = OK;
    struct csv_window *window = &reader->window;
    while (true) {
        while (reader->cursor < window->index_count) {
            int64_t at = window->index[reader->cursor++];
            if (at > reader->start) skipped->state = csv_state_text(skipped->state);
            reader->start = at + 1;
            if (at == window->bytes) return OK; /* end of the file */
            if (pass_mark(reader, at, skipped)) return OK;
        }
        if (window->bytes > reader->start) skipped->state = csv_state_text(skipped->state);
        reader->start = window->bytes;
        TRY(advance(reader, window->bytes));
    }
done:
    return status;
}

/* ---- rows ---- */

static enum status give_bad(struct reader *reader, struct csv_bad *bad)
{
    char text[512];
    reader->counts.bad++;
    if (reader->on_bad != NULL) return reader->on_bad(reader->context, bad);
    csv_bad_describe(reader->csv, bad, text, sizeof text);
    return FAIL(ERR_DATA, "%s", text);
}

/* A row that does not fit: remember how it begins, and step over the rest. */
static enum status give_long(struct reader *reader)
{
    enum status status = OK;
    char value[CSV_VALUE_MAX + 1];
    struct skipped skipped = {CSV_FIELD_START, 1, 0};
    struct csv_bad bad = {.reason = CSV_ROW_LONG, .line = reader->line};
    int64_t have = reader->window.bytes - reader->start;
    int64_t shown = have < (int64_t)sizeof value ? have : (int64_t)sizeof value;
    memcpy(value, reader->window.text + reader->start, (size_t)shown);
    TRY(skip_row(reader, &skipped));
    csv_bad_value(&bad, value, shown);
    bad.value_cut = true;
    bad.fields = skipped.fields;
    if (skipped.state == CSV_QUOTED) {
        bad.reason = CSV_QUOTE_OPEN;
        bad.column = skipped.quote_column;
    }
    TRY(give_bad(reader, &bad));
done:
    return status;
}

static enum status give_row(struct reader *reader)
{
    struct csv_split *split = &reader->split;
    struct csv_bad bad;
    if (csv_row_check(&reader->window, reader->start, split, &reader->csv->options, &bad) !=
        CSV_GOOD) {
        bad.line = reader->line;
        return give_bad(reader, &bad);
    }
    if (split->escaped) csv_row_unescape(split);
    struct csv_row row = {split->field, split->fields, reader->line, reader->counts.rows++};
    return reader->on_row(reader->context, &row);
}

/* The line end at reader->start: the LF of a CRLF that ended a row, or an empty line. */
static void pass_line_end(struct reader *reader)
{
    const char *text = reader->window.text + reader->start;
    if (text[0] == '\r' || text[-1] != '\r') {
        reader->line++;
        reader->counts.empty_lines++;
    }
    reader->start++;
    reader->cursor++;
}

/* What stands at reader->start, or more of the file if that is needed first. */
static enum status next_row(struct reader *reader)
{
    struct csv_window *window = &reader->window;
    enum status status = OK;
    char first = window->text[reader->start];
    if (first == '\n' || first == '\r') {
        pass_line_end(reader);
    } else if (csv_row_split(window, reader->start, &reader->cursor, &reader->split)) {
        status = give_row(reader);
        reader->start = reader->split.end + 1;
        reader->line += reader->split.lines + 1;
    } else if (window->bytes - reader->start > reader->csv->options.row_bytes_max) {
        status = give_long(reader);
    } else {
        status = advance(reader, reader->start);
    }
    return status;
}

static enum status read_range(struct reader *reader)
{
    enum status status = OK;
    const struct range *range = &reader->range;
    struct csv_window *window = &reader->window;
    bool row_starts =
        range->state == CSV_FIELD_START && (range->before == '\n' || range->before == '\r');
    struct skipped skipped = {range->state, 1, 0};
    window->offset = range->first;
    window->bytes = window->index_count = 0;
    window->at_end = false;
    window->text[-1] = range->before;
    reader->start = reader->cursor = 0;
    reader->line = range->line;
    if (range->first >= range->end) return OK;
    TRY(csv_source_seek(reader->source, range->first));
    if (!row_starts) TRY(skip_row(reader, &skipped));
    while (window->offset + reader->start < range->end) {
        if (reader->start < window->bytes)
            TRY(next_row(reader));
        else if (window->at_end)
            break;
        else
            TRY(advance(reader, reader->start));
    }
done:
    return status;
}

/* ---- where rows start ---- */

/* What the bytes of a range do to any state at its start. */
static enum status scan_range(struct reader *reader, struct range *range, struct csv_span *span)
{
    enum status status = OK;
    struct csv_window *window = &reader->window;
    int64_t got = 0, delimiter = reader->csv->options.delimiter;
    *span = csv_span_empty();
    range->before = '\n';
    if (range->first >= range->end) return OK;
    if (range->first > reader->csv->data_first) {
        TRY(csv_source_seek(reader->source, range->first - 1));
        TRY(csv_source_read(reader->source, &range->before, 1, &got));
    }
    window->text[-1] = range->before;
    TRY(csv_source_seek(reader->source, range->first));
    for (int64_t at = range->first; at < range->end; at += got) {
        int64_t wanted = range->end - at < window->capacity ? range->end - at : window->capacity;
        TRY(csv_source_read(reader->source, window->text, wanted, &got));
        if (got == 0) break; /* cut short meanwhile: check_unchanged tells */
        csv_span_extend(span, window->text, got, (char)delimiter, window->index);
        window->text[-1] = window->text[got - 1];
    }
done:
    return status;
}

static enum status scan_ranges(struct reader *reader, struct range *range, struct csv_span *span)
{
    enum status status = OK;
    for (int64_t i = 0; i < reader->csv->options.ranges; i++)
        TRY(scan_range(reader, &range[i], &span[i]));
done:
    return status;
}

/* Spans of the ranks travel as one number for the states and one for the lines. */
static int64_t pack(const struct csv_span *span)
{
    int64_t packed = 0;
    for (int s = 0; s < CSV_STATES; s++) packed |= (int64_t)span->end[s] << (8 * s);
    return packed;
}

static struct csv_span unpack(int64_t packed, int64_t line_ends)
{
    struct csv_span span = {{0}, line_ends};
    for (int s = 0; s < CSV_STATES; s++) span.end[s] = (unsigned char)(packed >> (8 * s) & 255);
    return span;
}

/* Join the spans of all ranges before each of this rank's. all [2 ranks], zero. */
static void set_states(const struct comm *comm, const struct csv *csv, struct range *range,
                       const struct csv_span *span, int64_t *all)
{
    struct csv_span mine = csv_span_empty(), before = csv_span_empty();
    for (int64_t i = 0; i < csv->options.ranges; i++) mine = csv_span_join(mine, span[i]);
    all[2 * comm->rank] = pack(&mine);
    all[2 * comm->rank + 1] = mine.line_ends;
    comm_sum_int64(comm, all, 2 * (int64_t)comm->ranks);
    for (int r = 0; r < comm->rank; r++)
        before = csv_span_join(before, unpack(all[2 * r], all[2 * r + 1]));
    for (int64_t i = 0; i < csv->options.ranges; i++) {
        range[i].state = (enum csv_state)before.end[CSV_FIELD_START];
        range[i].line = csv->data_line + before.line_ends;
        before = csv_span_join(before, span[i]);
    }
}

/* Where range number `at` of `total` begins. */
static int64_t cut(const struct csv *csv, int64_t at, int64_t total)
{
    int64_t bytes = csv->file_bytes - csv->data_first;
    if (csv->options.cuts == NULL || at == 0 || at == total)
        return csv->data_first + bytes / total * at + bytes % total * at / total;
    int64_t offset = csv->options.cuts[at - 1];
    if (offset < csv->data_first) return csv->data_first;
    return offset < csv->file_bytes ? offset : csv->file_bytes;
}

/* Byte ranges, equal unless the options say otherwise; a gzip file is one range of rank 0. */
static void cut_ranges(const struct comm *comm, const struct csv *csv, struct range *range)
{
    int64_t ranges = csv->options.ranges, total = ranges * comm->ranks;
    for (int64_t i = 0; i < ranges; i++) {
        int64_t at = comm->rank * ranges + i;
        range[i] = (struct range){cut(csv, at, total), cut(csv, at + 1, total), CSV_FIELD_START,
                                  '\n', csv->data_line};
        if (csv->gzip) range[i].first = csv->data_first;
        if (csv->gzip) range[i].end = at == 0 ? INT64_MAX : csv->data_first;
    }
}

static enum status find_rows(const struct comm *comm, struct reader *reader, struct range *range)
{
    enum status status = OK;
    const struct csv *csv = reader->csv;
    struct csv_span *span = NULL;
    int64_t *all = NULL;
    cut_ranges(comm, csv, range);
    if (csv->gzip || (comm->ranks == 1 && csv->options.ranges == 1)) return OK;
    TRY_ALL(comm, memory_new(&span, csv->options.ranges, sizeof *span));
    TRY_ALL(comm, memory_new(&all, 2 * (int64_t)comm->ranks, sizeof *all));
    TRY_ALL(comm, scan_ranges(reader, range, span));
    set_states(comm, csv, range, span, all);
done:
    free(span);
    free(all);
    return status;
}

/* ---- all together ---- */

static enum status check_unchanged(const struct csv *csv, int64_t bytes)
{
    if (bytes == csv->file_bytes) return OK;
    return FAIL(ERR_IO,
                "%s has %lld bytes now and had %lld when it was opened; wait until it is complete",
                csv->path, (long long)bytes, (long long)csv->file_bytes);
}

static enum status open_reader(struct reader *reader, struct range **range)
{
    enum status status = OK;
    const struct csv *csv = reader->csv;
    int64_t bytes = 0, chunk = csv->options.chunk_bytes;
    if (chunk > csv->file_bytes && !csv->gzip) chunk = csv->file_bytes + 1;
    TRY(csv_source_open(csv->path, &reader->source, &bytes));
    TRY(check_unchanged(csv, bytes));
    TRY(csv_window_init(&reader->window, reader->source, 0, '\n', csv->options.delimiter, chunk));
    TRY(memory_new(&reader->split.field, csv->columns, sizeof *reader->split.field));
    reader->split.columns = csv->columns;
    TRY(memory_new(range, csv->options.ranges, sizeof **range));
done:
    return status;
}

static enum status read_ranges(struct reader *reader, const struct range *range)
{
    enum status status = OK;
    struct csv_source *again = NULL;
    int64_t bytes = 0;
    for (int64_t i = 0; i < reader->csv->options.ranges; i++) {
        reader->range = range[i];
        TRY(read_range(reader));
    }
    TRY(csv_source_open(reader->csv->path, &again, &bytes));
    TRY(check_unchanged(reader->csv, bytes));
done:
    csv_source_close(&again);
    return status;
}

static void sum_counts(const struct comm *comm, const struct reader *reader, struct csv *csv)
{
    int64_t totals[3] = {reader->counts.rows, reader->counts.bad, reader->counts.empty_lines};
    int64_t before = comm_prefix_int64(comm, reader->counts.rows);
    comm_sum_int64(comm, totals, 3);
    csv->counts = (struct csv_counts){.rows = totals[0],
                                      .rows_local = reader->counts.rows,
                                      .rows_before = before,
                                      .bad = totals[1],
                                      .empty_lines = totals[2]};
}

enum status csv_read(const struct comm *comm, struct csv *csv, csv_on_row *on_row,
                     csv_on_bad *on_bad, void *context)
{
    enum status status = OK;
    struct range *range = NULL;
    struct reader reader = {.csv = csv, .on_row = on_row, .on_bad = on_bad, .context = context};
    TRY_ALL(comm, open_reader(&reader, &range));
    TRY(find_rows(comm, &reader, range));
    TRY_ALL(comm, read_ranges(&reader, range));
    sum_counts(comm, &reader, csv);
done:
    csv_window_clear(&reader.window);
    csv_source_close(&reader.source);
    free(reader.split.field);
    free(range);
    return status;
}
