/* Reading CSV rows on all ranks: those that start in the ranges of this one. */
#include "io/csv.h"

#include "io/csv_ranges.h"
#include "io/csv_row.h"
#include "io/csv_sample.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { TAIL_BYTES = 1 << 14 }; /* read at a time to finish the last row of a range */
enum { GZIP_AHEAD = 1 << 18 }; /* bytes of text: csv_source_stored */

struct reader {
    const struct csv *csv;
    csv_on_row *on_row;
    csv_on_bad *on_bad;
    void *context;
    struct csv_source *source;
    struct csv_window window;
    struct csv_split split;
    struct csv_range range;
    int64_t start;  /* in the window, of the next row */
    int64_t cursor; /* its first mark in window.index */
    int64_t line;   /* at `start` */
    struct csv_counts counts;
    struct kind {
        double rows, stored; /* taken, and the bytes as stored in which they stand */
    } kind[2];               /* plain and gzip files */
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
    struct csv_bad bad = {.reason = CSV_ROW_LONG, .file = reader->range.file, .line = reader->line};
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
        bad.file = reader->range.file;
        bad.line = reader->line;
        return give_bad(reader, &bad);
    }
    if (split->escaped) csv_row_unescape(split);
    struct csv_row row = {split->field, split->fields, reader->range.file, reader->line,
                          reader->counts.rows++};
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

static enum status read_rows(struct reader *reader)
{
    enum status status = OK;
    const struct csv_range *range = &reader->range;
    struct csv_window *window = &reader->window;
    bool row_starts =
        range->state == CSV_FIELD_START && (range->before == '\n' || range->before == '\r');
    struct skipped skipped = {range->state, 1, 0};
    csv_window_restart(window, reader->source, range->first, range->before);
    reader->start = reader->cursor = 0;
    reader->line = range->line;
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

/* ---- all together ---- */

/* Of a gzip file a share of what was read, and half of what may be decompressed ahead of it. */
static double stored_bytes(const struct reader *reader)
{
    const struct csv_window *window = &reader->window;
    const struct csv_file *file = &reader->csv->file[reader->range.file];
    if (!file->gzip) return (double)(reader->range.end - reader->range.first);
    int64_t ahead = window->at_end ? 0 : GZIP_AHEAD / 2;
    double read = (double)(window->offset + window->bytes + ahead);
    double taken = (double)(window->offset + reader->start);
    return read > 0 ? (double)csv_source_stored(reader->source) * taken / read : 0.0;
}

/* The file must have the same size before and after. */
static enum status read_range(struct reader *reader)
{
    enum status status = OK;
    const struct csv *csv = reader->csv;
    int64_t file = reader->range.file, bytes = 0, before = reader->counts.rows + reader->counts.bad;
    struct kind *kind = &reader->kind[csv->file[file].gzip];
    struct csv_source *again = NULL;
    TRY(csv_source_open(csv->file_name[file], &reader->source, &bytes));
    TRY(csv_check_unchanged(csv, file, bytes));
    TRY(read_rows(reader));
    kind->stored += stored_bytes(reader);
    kind->rows += (double)(reader->counts.rows + reader->counts.bad - before);
    TRY(csv_source_open(csv->file_name[file], &again, &bytes));
    TRY(csv_check_unchanged(csv, file, bytes));
done:
    csv_source_close(&again);
    csv_source_close(&reader->source);
    return status;
}

static enum status open_reader(struct reader *reader)
{
    enum status status = OK;
    const struct csv *csv = reader->csv;
    TRY(csv_window_init(&reader->window, NULL, 0, '\n', csv->options.delimiter,
                        csv->options.chunk_bytes));
    TRY(memory_new(&reader->split.field, csv->columns, sizeof *reader->split.field));
    reader->split.columns = csv->columns;
done:
    return status;
}

static enum status read_ranges(struct reader *reader, const struct csv_ranges *ranges)
{
    enum status status = OK;
    for (int64_t i = 0; i < ranges->count; i++) {
        reader->range = ranges->range[i];
        TRY(read_range(reader));
    }
done:
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
    struct csv_ranges ranges = {0};
    struct reader reader = {.csv = csv, .on_row = on_row, .on_bad = on_bad, .context = context};
    TRY_ALL(comm, open_reader(&reader));
    TRY(csv_ranges_find(comm, csv, &ranges));
    TRY_ALL(comm, read_ranges(&reader, &ranges));
    sum_counts(comm, &reader, csv);
done:
    csv_window_clear(&reader.window);
    csv_ranges_clear(&ranges);
    free(reader.split.field);
    return status;
}

/* Files of each kind are sampled alike, and a compressed one holds more rows in its bytes. */
static double share_taken(const struct reader *reader)
{
    const struct csv *csv = reader->csv;
    double total[2] = {0.0, 0.0}, taken = 0.0, rows = 0.0;
    for (int64_t f = 0; f < csv->files; f++) {
        const struct csv_file *file = &csv->file[f];
        total[file->gzip] += (double)(file->bytes - (file->gzip ? 0 : file->data_first));
    }
    for (int k = 0; k < 2; k++) {
        const struct kind *kind = &reader->kind[k];
        if (kind->stored > 0.0) rows += kind->rows * total[k] / kind->stored;
        taken += kind->rows;
    }
    return rows > 0.0 ? taken / rows : 1.0;
}

enum status csv_sample(const struct csv *csv, int64_t bytes, csv_on_row *on_row, csv_on_bad *on_bad,
                       void *context, struct csv_sampled *sampled)
{
    enum status status = OK;
    struct csv_ranges ranges = {0};
    struct reader reader = {.csv = csv, .on_row = on_row, .on_bad = on_bad, .context = context};
    bool whole = false;
    TRY(open_reader(&reader));
    TRY(csv_ranges_sample(csv, bytes, &ranges, &whole));
    TRY(read_ranges(&reader, &ranges));
    *sampled = (struct csv_sampled){.rows = reader.counts.rows,
                                    .bad = reader.counts.bad,
                                    .places = ranges.count,
                                    .share = whole ? 1.0 : share_taken(&reader)};
done:
    csv_window_clear(&reader.window);
    csv_ranges_clear(&ranges);
    free(reader.split.field);
    return status;
}
