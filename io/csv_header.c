/* Finding the header of a CSV file: what stands before it, its delimiter, its names. */
#include "io/csv_header.h"

#include "io/csv_row.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_CHUNK = 1 << 16 };

/* A file while its header is looked for. */
struct opening {
    const char *path;
    const struct csv_options *options;
    struct csv_source *source;
    struct csv_window window;
    struct csv_split split;
    int64_t start; /* of the header in the window */
    struct csv_header *header;
};

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

static enum status refuse_repeats(const char *path, const struct csv_header *header)
{
    const char **sorted = NULL;
    enum status status = memory_new(&sorted, header->columns, sizeof *sorted);
    if (status != OK) return status;
    const char *at = header->name;
    for (int64_t j = 0; j < header->columns; j++, at += strlen(at) + 1) sorted[j] = at;
    qsort(sorted, (size_t)header->columns, sizeof *sorted, by_text);
    for (int64_t j = 0; j + 1 < header->columns && status == OK; j++)
        if (strcmp(sorted[j], sorted[j + 1]) == 0)
            status = FAIL(ERR_DATA, "%s:%lld: two columns are called \"%s\"; rename one", path,
                          (long long)header->file.data_line - 1, sorted[j]);
    free(sorted);
    return status;
}

/* ---- the header row ---- */

void csv_header_describe(const char *path, int64_t header_fields, const struct csv_bad *bad,
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
static enum status find_row(struct opening *opening)
{
    enum status status = OK;
    struct csv_window *window = &opening->window;
    struct csv_header *header = opening->header;
    do {
        TRY(csv_window_advance(window, 0, HEADER_CHUNK));
        TRY(refuse_encoding(opening->path, window));
        header->file.data_line = 1;
        header->delimiter = opening->options->delimiter;
        opening->start = header_start(window, &header->file.data_line);
        if (opening->start >= 0 &&
            choose_delimiter(window, opening->start, &header->delimiter, &opening->split))
            break;
        if (window->bytes > opening->options->row_bytes_max)
            return FAIL(ERR_DATA, "%s: the header does not end; look for a missing closing quote",
                        opening->path);
        if (window->at_end)
            return FAIL(ERR_DATA, "%s is empty; the first line must name the columns",
                        opening->path);
    } while (true);
done:
    return status;
}

static enum status refuse_row(const struct opening *opening)
{
    char text[512];
    struct csv_bad bad;
    if (csv_row_check(&opening->window, opening->start, &opening->split, opening->options, &bad) ==
        CSV_GOOD)
        return OK;
    bad.line = opening->header->file.data_line;
    csv_header_describe(opening->path, opening->split.fields, &bad, text, sizeof text);
    return FAIL(ERR_DATA, "%s", text);
}

/* Where the rows begin: behind the header's line end. */
static int64_t behind_row(const struct csv_window *window, int64_t end)
{
    int64_t next = end + 1;
    if (next < window->bytes && window->text[end] == '\r' && window->text[next] == '\n') next++;
    return next < window->bytes ? next : window->bytes; /* the added line end is none */
}

static enum status take_row(struct opening *opening)
{
    enum status status = OK;
    struct csv_split *split = &opening->split;
    struct csv_header *header = opening->header;
    TRY(find_row(opening));
    TRY(memory_new(&split->field, split->fields, sizeof *split->field));
    split->columns = header->columns = split->fields;
    split_header(&opening->window, opening->start, header->delimiter, split);
    TRY(refuse_row(opening));
    header->file.data_first = behind_row(&opening->window, split->end);
    header->file.data_line += split->lines + 1;
    csv_row_unescape(split);
    TRY(join_names(split, &header->name, &header->name_bytes));
    TRY(refuse_repeats(opening->path, header));
done:
    return status;
}

enum status csv_header_read(const char *path, const struct csv_options *options,
                            struct csv_header *header)
{
    enum status status = OK;
    struct opening opening = {.path = path, .options = options, .header = header};
    *header = (struct csv_header){0};
    TRY(csv_source_open(path, &opening.source, &header->file.bytes));
    header->file.gzip = csv_source_gzip(opening.source);
    TRY(csv_window_init(&opening.window, opening.source, 0, '\n', ',', HEADER_CHUNK));
    TRY(take_row(&opening));
done:
    free(opening.split.field);
    csv_window_clear(&opening.window);
    csv_source_close(&opening.source);
    if (status != OK) csv_header_clear(header);
    return status;
}

void csv_header_clear(struct csv_header *header)
{
    free(header->name);
    *header = (struct csv_header){0};
}
