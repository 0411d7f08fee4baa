/* Opening a CSV file: compression, delimiter, column names; and small helpers around struct csv. */
#include "io/csv_row.h"

#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_CHUNK = 1 << 16 };

/* What rank 0 tells the others, followed by the names, each ended by 0. */
struct facts {
    int64_t delimiter, gzip, columns, file_bytes, data_first, data_line, names_bytes;
};

const char *csv_reason_text(enum csv_reason reason)
{
#define CSV_REASON_TEXT(name, text) text,
    static const char *const texts[] = {CSV_REASON_LIST(CSV_REASON_TEXT)};
#undef CSV_REASON_TEXT
    return reason < CSV_REASONS ? texts[reason] : "unknown reason";
}

static void describe(const char *path, int64_t header_fields, const struct csv_bad *bad,
                     char *buffer, size_t bytes)
{
    char place[64] = "";
    if (bad->reason == CSV_FIELDS)
        snprintf(place, sizeof place, " (%lld here, %lld there)", (long long)bad->fields,
                 (long long)header_fields);
    else if (bad->column > 0)
        snprintf(place, sizeof place, " (column %lld)", (long long)bad->column);
    int shown = (int)(bad->value_bytes < 80 ? bad->value_bytes : 80);
    snprintf(buffer, bytes, "%s:%lld: %s%s: %.*s%s", path, (long long)bad->line,
             csv_reason_text(bad->reason), place, shown, bad->value != NULL ? bad->value : "",
             bad->value_cut || shown < bad->value_bytes ? "..." : "");
}

void csv_bad_describe(const struct csv *csv, const struct csv_bad *bad, char *buffer, size_t bytes)
{
    describe(csv->path, csv->columns, bad, buffer, bytes);
}

size_t csv_quote(const char *text, size_t bytes, char delimiter, char *out)
{
    bool needed = bytes > 0 && (text[0] == ' ' || text[bytes - 1] == ' ');
    size_t at = 0;
    for (size_t i = 0; i < bytes && !needed; i++)
        needed = text[i] == delimiter || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
    if (needed) out[at++] = '"';
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '"') out[at++] = '"';
        out[at++] = text[i];
    }
    if (needed) out[at++] = '"';
    return at;
}

/* ---- names ---- */

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Names of the fields one after the other, each ended by 0. */
static enum status join_names(const struct csv_split *split, char **names, int64_t *names_bytes)
{
    int64_t bytes = 0, at = 0;
    for (int64_t j = 0; j < split->columns; j++) bytes += (int64_t)split->field[j].bytes + 1;
    enum status status = memory_new(names, bytes, 1);
    for (int64_t j = 0; j < split->columns && status == OK; j++) {
        const char *from = split->field[j].text, *end = from + split->field[j].bytes;
        while (from < end && blank(*from)) from++;
        while (from < end && blank(end[-1])) end--;
        memcpy(*names + at, from, (size_t)(end - from));
        at += end - from + 1;
    }
    *names_bytes = at;
    return status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* csv->name takes over `names`, which csv->name[0] points to. */
static enum status take_names(struct csv *csv, char **names, int64_t columns)
{
    enum status status = OK;
    char **sorted = NULL;
    TRY(memory_new(&csv->name, columns, sizeof *csv->name));
    TRY(memory_new(&sorted, columns, sizeof *sorted));
    char *at = *names;
    for (int64_t j = 0; j < columns; j++, at += strlen(at) + 1) csv->name[j] = at;
    *names = NULL;
    csv->columns = columns;
    memcpy(sorted, csv->name, (size_t)columns * sizeof *sorted);
    qsort(sorted, (size_t)columns, sizeof *sorted, by_text);
    for (int64_t j = 0; j + 1 < columns && status == OK; j++)
        if (strcmp(sorted[j], sorted[j + 1]) == 0)
            status = FAIL(ERR_DATA, "%s:%lld: two columns are called \"%s\"; rename one", csv->path,
                          (long long)csv->data_line - 1, sorted[j]);
done:
    free(sorted);
    return status;
}

/* ---- the header row ---- */

static enum status refuse_encoding(const char *path, const struct csv_window *window)
{
    const unsigned char *text = (const unsigned char *)window->text;
    if (window->bytes < 2 ||
        !((text[0] == 0xff && text[1] == 0xfe) || (text[0] == 0xfe && text[1] == 0xff)))
        return OK;
    return FAIL(ERR_DATA, "%s: UTF-16 text; convert it: iconv -f utf-16 -t utf-8", path);
}

/* Position of the header's first byte: behind a byte order mark and empty lines. -1 if the window
 * ends before. */
static int64_t header_start(const struct csv_window *window, int64_t *line)
{
    const char *text = window->text;
    int64_t at = window->bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (; at < window->bytes && (text[at] == '\n' || text[at] == '\r'); at++)
        *line += text[at] == '\r' || at == 0 || text[at - 1] != '\r';
    return at < window->bytes ? at : -1;
}

/* Split the row at `start`; false if the window ends before the row and the byte behind its end. */
static bool split_header(struct csv_window *window, int64_t start, char delimiter,
                         struct csv_split *split)
{
    int64_t cursor = 0;
    csv_window_index(window, delimiter);
    while (cursor < window->index_count && window->index[cursor] < start) cursor++;
    return csv_row_split(window, start, &cursor, split) &&
           (window->at_end || split->end + 1 < window->bytes);
}

/* The delimiter that gives most columns and leaves no quote in mid-field; the first of equals. */
static bool choose_delimiter(struct csv_window *window, int64_t start, char *delimiter,
                             struct csv_split *split)
{
    static const char candidates[] = {',', ';', '\t'};
    int64_t best = INT64_MIN;
    if (*delimiter != 0) return split_header(window, start, *delimiter, split);
    for (size_t i = 0; i < sizeof candidates; i++) {
        if (!split_header(window, start, candidates[i], split)) return false;
        bool clean = !split->stray && split->reason == CSV_GOOD;
        int64_t score = split->fields - (clean ? 0 : INT32_MAX);
        if (score > best) *delimiter = candidates[i];
        if (score > best) best = score;
    }
    return split_header(window, start, *delimiter, split);
}

/* Read until the header row is whole in the window. */
static enum status find_header(struct csv *csv, struct csv_window *window, int64_t *start,
                               struct csv_split *split)
{
    enum status status = OK;
    char delimiter = 0;
    do {
        TRY(csv_window_advance(window, 0, HEADER_CHUNK));
        TRY(refuse_encoding(csv->path, window));
        csv->data_line = 1;
        delimiter = csv->options.delimiter;
        *start = header_start(window, &csv->data_line);
        if (*start >= 0 && choose_delimiter(window, *start, &delimiter, split)) break;
        if (window->bytes > csv->options.row_bytes_max)
            return FAIL(ERR_DATA, "%s: the header does not end; look for a missing closing quote",
                        csv->path);
        if (window->at_end)
            return FAIL(ERR_DATA, "%s is empty; the first line must name the columns", csv->path);
    } while (true);
    csv->options.delimiter = delimiter;
done:
    return status;
}

static enum status refuse_header(const struct csv *csv, const struct csv_window *window,
                                 int64_t start, const struct csv_split *split)
{
    char text[512];
    struct csv_bad bad;
    if (csv_row_check(window, start, split, &csv->options, &bad) == CSV_GOOD) return OK;
    bad.line = csv->data_line;
    describe(csv->path, split->fields, &bad, text, sizeof text);
    return FAIL(ERR_DATA, "%s", text);
}

static enum status read_header(struct csv *csv, struct csv_window *window, char **names,
                               struct facts *facts)
{
    enum status status = OK;
    struct csv_split split = {0};
    struct csv_field *field = NULL;
    int64_t start = 0;
    TRY(find_header(csv, window, &start, &split));
    TRY(memory_new(&field, split.fields, sizeof *field));
    split.columns = split.fields;
    split.field = field;
    split_header(window, start, csv->options.delimiter, &split);
    TRY(refuse_header(csv, window, start, &split));
    int64_t next = split.end + 1;
    if (next < window->bytes && window->text[next - 1] == '\r' && window->text[next] == '\n')
        next++;
    if (next > window->bytes) next = window->bytes; /* the added line end */
    csv_row_unescape(&split);
    TRY(join_names(&split, names, &facts->names_bytes));
    facts->columns = split.columns;
    facts->delimiter = csv->options.delimiter;
    facts->data_first = next;
    facts->data_line = csv->data_line + split.lines + 1;
done:
    free(field);
    return status;
}

/* ---- opening ---- */

static enum status open_alone(struct csv *csv, char **names, struct facts *facts)
{
    enum status status = OK;
    struct csv_source *source = NULL;
    struct csv_window window = {0};
    TRY(csv_source_open(csv->path, &source, &facts->file_bytes));
    facts->gzip = csv_source_gzip(source);
    TRY(csv_window_init(&window, source, 0, '\n', ',', HEADER_CHUNK));
    TRY(read_header(csv, &window, names, facts));
done:
    csv_window_clear(&window);
    csv_source_close(&source);
    return status;
}

static enum status check_options(const struct csv_options *options)
{
    char delimiter = options->delimiter;
    if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' ||
        (unsigned char)delimiter > 127)
        return FAIL(ERR_ARG,
                    "a CSV delimiter must be an ASCII character, no quote and no line end");
    if (options->ranges < 1 || options->chunk_bytes < 1 || options->field_bytes_max < 1 ||
        options->chunk_bytes > 1 << 30 || options->row_bytes_max > 1 << 30 ||
        options->row_bytes_max < options->field_bytes_max ||
        options->row_bytes_max <= CSV_VALUE_MAX)
        return FAIL(ERR_ARG, "CSV ranges, chunk and limits must be positive and at most 1 GiB, the "
                             "row limit above 1 KiB and not below the field limit");
    return OK;
}

static enum status new_csv(const char *path, const struct csv_options *options, struct csv **csv)
{
    enum status status = OK;
    struct csv *fresh = NULL;
    TRY(check_options(options));
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    TRY(memory_new(&fresh->path, (int64_t)strlen(path) + 1, 1));
    memcpy(fresh->path, path, strlen(path));
    fresh->options = *options;
    *csv = fresh;
    fresh = NULL;
done:
    csv_free(&fresh);
    return status;
}

enum status csv_open(const struct comm *comm, const char *path, const struct csv_options *options,
                     struct csv **csv)
{
    enum status status = OK;
    struct csv_options defaults = CSV_DEFAULTS;
    struct facts facts = {0};
    struct csv *fresh = NULL;
    char *names = NULL;
    *csv = NULL;
    TRY_ALL(comm, new_csv(path, options != NULL ? options : &defaults, &fresh));
    TRY_ALL(comm, comm->rank == 0 ? open_alone(fresh, &names, &facts) : OK);
    comm_broadcast(comm, &facts, (int64_t)sizeof facts, 0);
    TRY_ALL(comm, comm->rank == 0 ? OK : memory_new(&names, facts.names_bytes, 1));
    comm_broadcast(comm, names, facts.names_bytes, 0);
    fresh->options.delimiter = (char)facts.delimiter;
    fresh->gzip = facts.gzip != 0;
    fresh->file_bytes = facts.file_bytes;
    fresh->data_first = facts.data_first;
    fresh->data_line = facts.data_line;
    TRY_ALL(comm, take_names(fresh, &names, facts.columns));
    *csv = fresh;
    fresh = NULL;
done:
    free(names);
    csv_free(&fresh);
    return status;
}

int64_t csv_column(const struct csv *csv, const char *name)
{
    for (int64_t j = 0; j < csv->columns; j++)
        if (strcmp(csv->name[j], name) == 0) return j;
    return -1;
}

void csv_free(struct csv **csv)
{
    if (*csv == NULL) return;
    if ((*csv)->name != NULL) free((*csv)->name[0]); /* one allocation for all names */
    free((*csv)->name);
    free((*csv)->path);
    free(*csv);
    *csv = NULL;
}
