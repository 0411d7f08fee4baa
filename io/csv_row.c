/* Splitting a row at its marks, and checking it. */
#include "io/csv_row.h"

#include <string.h>

static void note(struct csv_split *split, enum csv_reason reason)
{
    if (split->reason != CSV_GOOD && reason != CSV_QUOTE_OPEN) return;
    split->reason = reason;
    split->column = split->fields + 1;
}

/* A line end inside quotes; CRLF counts at its CR. */
static int64_t line_end(const char *text, int64_t at)
{
    return text[at] == '\r' || (text[at] == '\n' && text[at - 1] != '\r');
}

/* From the opening quote at index[*cursor] to the mark that ends the field; false if the window
 * ends before. */
static bool close_quoted(const struct csv_window *window, int64_t *cursor, struct csv_split *split,
                         struct csv_field *field)
{
    const char *text = window->text;
    const uint32_t *index = window->index;
    int64_t open = index[*cursor], i = *cursor + 1, count = window->index_count;
    *field = (struct csv_field){text + open + 1, 0, true, false};
    for (;; i++) {
        if (i >= count) return false;
        int64_t at = index[i];
        bool open_end = at == window->bytes; /* the mark added at the end of the file */
        if (text[at] != '"' && !open_end) {
            split->lines += text[at] != window->delimiter ? line_end(text, at) : 0;
            continue;
        }
        field->bytes = (uint32_t)(at - open - 1);
        if (open_end) note(split, CSV_QUOTE_OPEN);
        if (open_end) break;
        if (i + 1 >= count) return false;
        int64_t next = index[++i];
        if (next == at + 1 && text[next] == '"') {
            field->escaped = split->escaped = true;
            continue;
        }
        if (next != at + 1) note(split, CSV_TEXT_AFTER_QUOTE);
        break;
    }
    *cursor = i;
    return true;
}

/* Quotes in mid-field are text. */
static bool skip_quotes(const struct csv_window *window, int64_t *cursor)
{
    int64_t i = *cursor;
    while (i < window->index_count && window->text[window->index[i]] == '"') i++;
    *cursor = i;
    return i < window->index_count;
}

/* A field with a quote at index[*cursor], which moves to the mark that ends the field. */
static bool take_quotes(const struct csv_window *window, int64_t begin, int64_t *cursor,
                        struct csv_split *split, struct csv_field *field)
{
    bool quoted = window->index[*cursor] == begin;
    if (quoted && !close_quoted(window, cursor, split, field)) return false;
    if (!skip_quotes(window, cursor)) return false;
    if (!quoted) field->bytes = (uint32_t)(window->index[*cursor] - begin);
    split->stray |= !quoted;
    return true;
}

bool csv_row_split(const struct csv_window *window, int64_t start, int64_t *cursor,
                   struct csv_split *split)
{
    const char *text = window->text, delimiter = window->delimiter;
    const uint32_t *index = window->index;
    int64_t begin = start, i = *cursor, count = window->index_count, at = 0;
    int64_t fields = 0, columns = split->columns;
    struct csv_field *stored = split->field, beyond;
    char mark = 0;
    split->lines = split->column = 0;
    split->escaped = split->stray = false;
    split->reason = CSV_GOOD;
    do {
        if (i >= count) return false;
        struct csv_field *field = fields < columns ? &stored[fields] : &beyond;
        at = index[i];
        mark = text[at];
        *field = (struct csv_field){text + begin, (uint32_t)(at - begin), false, false};
        if (mark == '"') {
            split->fields = fields; /* so far */
            if (!take_quotes(window, begin, &i, split, field)) return false;
            at = index[i];
            mark = text[at];
        }
        fields++;
        i++;
        begin = at + 1;
    } while (mark == delimiter);
    split->fields = fields;
    split->end = at;
    *cursor = i;
    return true;
}

void csv_row_unescape(struct csv_split *split)
{
    for (int64_t j = 0; j < split->columns; j++) {
        if (!split->field[j].escaped) continue;
        const char *from = split->field[j].text, *end = from + split->field[j].bytes;
        char *to = (char *)(uintptr_t)from; /* the window's own text */
        while (from < end) {
            from += *from == '"'; /* the first of two */
            *to++ = *from++;
        }
        split->field[j].bytes = (uint32_t)(to - split->field[j].text);
    }
}

/* ---- checks ---- */

int64_t csv_character(const char *at, int64_t bytes)
{
    const unsigned char *text = (const unsigned char *)at;
    unsigned char first = text[0];
    if (first < 0x80) return 1;
    int64_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || length > bytes) return 0;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high) return 0;
    for (int64_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return length;
}

/* Position of the first NUL or invalid byte, -1 if all is well. */
static int64_t bad_byte(const char *text, int64_t bytes)
{
    for (int64_t i = 0; i < bytes;) {
        uint64_t eight = 0;
        if (bytes - i >= 8) memcpy(&eight, text + i, 8);
        uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
        if (bytes - i >= 8 && ((eight | (eight - ones)) & high) == 0) { /* eight of ASCII, no 0 */
            i += 8;
            continue;
        }
        int64_t length = text[i] == 0 ? 0 : csv_character(text + i, bytes - i);
        if (length == 0) return i;
        i += length;
    }
    return -1;
}

void csv_bad_value(struct csv_bad *bad, const char *text, int64_t bytes)
{
    bad->value = text;
    bad->value_cut = bytes > CSV_VALUE_MAX;
    bad->value_bytes = bad->value_cut ? CSV_VALUE_MAX : bytes;
}

static enum csv_reason field_is_bad(const struct csv_split *split, int64_t column,
                                    enum csv_reason reason, struct csv_bad *bad)
{
    bad->reason = reason;
    bad->column = column + 1;
    if (column < split->columns)
        csv_bad_value(bad, split->field[column].text, split->field[column].bytes);
    return reason;
}

static enum csv_reason row_is_bad(int64_t column, enum csv_reason reason, struct csv_bad *bad)
{
    bad->reason = reason;
    bad->column = column;
    return reason;
}

static int64_t stored(const struct csv_split *split)
{
    return split->fields < split->columns ? split->fields : split->columns;
}

/* The first field that is too long, among those before `last`. */
static int64_t long_field(const struct csv_split *split, int64_t last, int64_t limit)
{
    for (int64_t j = 0; j < last; j++)
        if (split->field[j].bytes > limit) return j;
    return -1;
}

/* The field in which a byte of the row stands. */
static enum csv_reason byte_is_bad(const struct csv_split *split, const char *at,
                                   struct csv_bad *bad)
{
    int64_t column = 0;
    while (column + 1 < stored(split) && split->field[column + 1].text <= at) column++;
    return field_is_bad(split, column, *at == 0 ? CSV_NUL : CSV_UTF8, bad);
}

enum csv_reason csv_row_check(const struct csv_window *window, int64_t start,
                              const struct csv_split *split, const struct csv_options *options,
                              struct csv_bad *bad)
{
    const char *row = window->text + start;
    int64_t bytes = split->end - start;
    bool fits = bytes <= options->field_bytes_max;
    if (fits && window->clean && split->reason == CSV_GOOD && split->fields == split->columns)
        return CSV_GOOD;
    *bad = (struct csv_bad){.fields = split->fields};
    csv_bad_value(bad, row, bytes);
    if (split->reason == CSV_QUOTE_OPEN) return row_is_bad(split->column, CSV_QUOTE_OPEN, bad);
    if (bytes > options->row_bytes_max) return row_is_bad(0, CSV_ROW_LONG, bad);
    int64_t last = split->reason != CSV_GOOD ? split->column : split->columns;
    if (last > stored(split)) last = stored(split);
    int64_t column = fits ? -1 : long_field(split, last, options->field_bytes_max);
    if (column >= 0) return field_is_bad(split, column, CSV_FIELD_LONG, bad);
    if (split->reason != CSV_GOOD)
        return field_is_bad(split, split->column - 1, CSV_TEXT_AFTER_QUOTE, bad);
    int64_t at = window->clean ? -1 : bad_byte(row, bytes);
    if (at >= 0) return byte_is_bad(split, row + at, bad);
    return split->fields == split->columns ? CSV_GOOD : row_is_bad(0, CSV_FIELDS, bad);
}
