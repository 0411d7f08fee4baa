/**
 * A second reader of CSV to compare io/csv.h with: all in memory, one byte after the other, by the
 * rules of docs/csv.md and with nothing of the first in it.
 *
 * It gives the same rows and bad rows to the same callbacks, in the order of the file.
 */
#ifndef REMISE_TESTS_CSV_PLAIN_H
#define REMISE_TESTS_CSV_PLAIN_H

#include "io/csv.h"

#include <stdlib.h>
#include <string.h>

struct plain_table {
    struct csv_options options; /* delimiter and limits */
    int64_t file;               /* its number in what is given */
    int64_t columns;
    int64_t data_first; /* offset of the first byte behind the header */
    int64_t data_line;  /* its line, 1-based */
};

struct plain_field {
    int64_t from, to; /* raw bytes, inside the quotes */
    bool quoted;
};

struct plain {
    const char *text;
    int64_t bytes, at, line;
    const struct plain_table *table;
    struct plain_field *field; /* [bytes + 1] of the row */
    char *unescaped;           /* [bytes + 1] the row's fields, one after the other */
    struct csv_field *given;   /* [columns] */
    int64_t fields, row_line, from, to;
    int64_t after,
        open; /* 1-based: first column with text after a quote, column of an open quote */
    struct csv_counts counts;
};

static inline bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* ---- splitting ---- */

static inline char plain_peek(const struct plain *p, int64_t at)
{
    return at < p->bytes ? p->text[at] : 0;
}

static inline bool plain_field_ends(const struct plain *p)
{
    return p->at == p->bytes || p->text[p->at] == p->table->options.delimiter ||
           ends_line(p->text[p->at]);
}

/* Step over a line end. */
static inline void plain_line_end(struct plain *p)
{
    p->at += p->text[p->at] == '\r' && plain_peek(p, p->at + 1) == '\n' ? 2 : 1;
    p->line++;
}

static inline void plain_quoted(struct plain *p, struct plain_field *field)
{
    field->quoted = true;
    field->from = ++p->at;
    while (p->at < p->bytes) {
        bool quote = p->text[p->at] == '"', pair = quote && plain_peek(p, p->at + 1) == '"';
        if (quote && !pair) break;
        if (ends_line(p->text[p->at]))
            plain_line_end(p);
        else
            p->at += pair ? 2 : 1;
    }
    field->to = p->at;
    if (p->at == p->bytes)
        p->open = p->fields + 1;
    else
        p->at++;
    if (!plain_field_ends(p) && p->after == 0) p->after = p->fields + 1;
    while (!plain_field_ends(p)) p->at++;
}

/* The row at p->at, to behind its line end. */
static inline void plain_split(struct plain *p)
{
    p->row_line = p->line;
    p->from = p->at;
    p->fields = p->after = p->open = 0;
    while (true) {
        struct plain_field *field = &p->field[p->fields];
        *field = (struct plain_field){p->at, 0, false};
        if (plain_peek(p, p->at) == '"') {
            plain_quoted(p, field);
        } else {
            while (!plain_field_ends(p)) p->at++;
            field->to = p->at;
        }
        p->fields++;
        if (p->at == p->bytes || ends_line(p->text[p->at])) break;
        p->at++;
    }
    p->to = p->at;
    if (p->at < p->bytes) plain_line_end(p);
}

/* ---- checking ---- */

/* Bytes of the character at text by its code point, 0 if there is none. */
static inline int64_t plain_character(const char *text, int64_t bytes)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = (unsigned char)text[0];
    int64_t length = c < 0x80             ? 1
                     : (c & 0xe0) == 0xc0 ? 2
                     : (c & 0xf0) == 0xe0 ? 3
                     : (c & 0xf8) == 0xf0 ? 4
                                          : 0;
    if (length == 0 || length > bytes) return 0;
    uint32_t code = length == 1 ? c : c & (0xffu >> (length + 1));
    for (int64_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | ((unsigned char)text[i] & 0x3fu);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code >= least[length] && code <= 0x10ffff && !surrogate ? length : 0;
}

static inline int64_t plain_bad_byte(const struct plain *p)
{
    for (int64_t i = p->from; i < p->to;) {
        int64_t length = p->text[i] == 0 ? 0 : plain_character(p->text + i, p->to - i);
        if (length == 0) return i;
        i += length;
    }
    return -1;
}

/* Fields that the header has a name for. */
static inline int64_t plain_named(const struct plain *p)
{
    return p->fields < p->table->columns ? p->fields : p->table->columns;
}

static inline int64_t plain_column_of(const struct plain *p, int64_t at)
{
    int64_t column = 1;
    while (column < plain_named(p) && p->field[column].from <= at) column++;
    return column;
}

static inline int64_t plain_long_column(const struct plain *p)
{
    int64_t last = p->after > 0 && p->after < plain_named(p) ? p->after : plain_named(p);
    for (int64_t j = 0; j < last; j++)
        if (p->field[j].to - p->field[j].from > p->table->options.field_bytes_max) return j + 1;
    return 0;
}

static inline void plain_value(const struct plain *p, int64_t from, int64_t to, struct csv_bad *bad)
{
    bad->value = p->text + from;
    bad->value_cut = to - from > CSV_VALUE_MAX;
    bad->value_bytes = bad->value_cut ? CSV_VALUE_MAX : to - from;
}

static inline enum csv_reason plain_check(const struct plain *p, struct csv_bad *bad)
{
    int64_t wide = plain_long_column(p), at = plain_bad_byte(p);
    *bad = (struct csv_bad){.file = p->table->file, .line = p->row_line, .fields = p->fields};
    if (p->open > 0)
        bad->reason = CSV_QUOTE_OPEN, bad->column = p->open;
    else if (p->to - p->from > p->table->options.row_bytes_max)
        bad->reason = CSV_ROW_LONG;
    else if (wide > 0)
        bad->reason = CSV_FIELD_LONG, bad->column = wide;
    else if (p->after > 0)
        bad->reason = CSV_TEXT_AFTER_QUOTE, bad->column = p->after;
    else if (at >= 0)
        bad->reason = p->text[at] == 0 ? CSV_NUL : CSV_UTF8, bad->column = plain_column_of(p, at);
    else if (p->fields != p->table->columns)
        bad->reason = CSV_FIELDS;
    bool one = bad->reason != CSV_QUOTE_OPEN && bad->column > 0 && bad->column <= p->table->columns;
    const struct plain_field *field = &p->field[one ? bad->column - 1 : 0];
    plain_value(p, one ? field->from : p->from, one ? field->to : p->to, bad);
    return bad->reason;
}

/* ---- giving ---- */

static inline void plain_unescape(struct plain *p)
{
    char *to = p->unescaped;
    for (int64_t j = 0; j < p->fields; j++) {
        const struct plain_field *field = &p->field[j];
        p->given[j] = (struct csv_field){to, 0, field->quoted, false};
        for (int64_t i = field->from; i < field->to; i++) {
            *to++ = p->text[i];
            if (field->quoted && p->text[i] == '"') i++; /* the second of two */
        }
        p->given[j].bytes = (uint32_t)(to - p->given[j].text);
    }
}

static inline void plain_give(struct plain *p, csv_on_row *on_row, csv_on_bad *on_bad,
                              void *context)
{
    struct csv_bad bad;
    if (plain_check(p, &bad) != CSV_GOOD) {
        p->counts.bad++;
        on_bad(context, &bad);
        return;
    }
    plain_unescape(p);
    struct csv_row row = {.field = p->given,
                          .fields = p->fields,
                          .file = p->table->file,
                          .line = p->row_line,
                          .number = p->counts.rows++};
    on_row(context, &row);
}

static inline void plain_start(struct plain *p, const char *text, int64_t bytes,
                               const struct plain_table *table)
{
    *p = (struct plain){.text = text, .bytes = bytes, .table = table};
    p->field = calloc((size_t)bytes + 1, sizeof *p->field);
    p->unescaped = malloc((size_t)bytes + 1);
    p->given = calloc((size_t)table->columns + 1, sizeof *p->given);
    if (p->field == NULL || p->unescaped == NULL || p->given == NULL) abort();
}

static inline void plain_end(struct plain *p)
{
    free(p->field);
    free(p->unescaped);
    free(p->given);
}

/* Read the rows of a text behind its header. */
static inline struct csv_counts plain_read(const char *text, int64_t bytes,
                                           const struct plain_table *table, csv_on_row *on_row,
                                           csv_on_bad *on_bad, void *context)
{
    struct plain p;
    plain_start(&p, text, bytes, table);
    p.at = table->data_first;
    p.line = table->data_line;
    while (p.at < bytes) {
        if (ends_line(text[p.at])) {
            plain_line_end(&p);
            p.counts.empty_lines++;
        } else {
            plain_split(&p);
            plain_give(&p, on_row, on_bad, context);
        }
    }
    p.counts.rows_local = p.counts.rows;
    plain_end(&p);
    return p.counts;
}

/* Read the header by options->delimiter; false if it is bad or there is none. */
static inline bool plain_header(const char *text, int64_t bytes, const struct csv_options *options,
                                struct plain_table *table)
{
    struct plain p;
    struct csv_bad bad;
    *table = (struct plain_table){.options = *options};
    plain_start(&p, text, bytes, table);
    p.at = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    p.line = 1;
    while (p.at < bytes && ends_line(text[p.at])) plain_line_end(&p);
    bool good = p.at < bytes;
    if (good) plain_split(&p);
    table->columns = p.fields;
    good = good && plain_check(&p, &bad) == CSV_GOOD;
    table->data_first = p.at;
    table->data_line = p.at < bytes || ends_line(text[bytes - 1]) ? p.line : p.line + 1;
    plain_end(&p);
    return good;
}

#endif
