/**
 * What a test writes down about CSV rows: a text per rank that can be joined and compared, and sums
 * over big files.
 */
#ifndef REMISE_TESTS_CSV_LOG_H
#define REMISE_TESTS_CSV_LOG_H

#include "tests/folders.h"

#include "io/csv.h"

#include <zlib.h>

struct csv_log {
    char *text;
    size_t bytes, room;
};

static inline void log_bytes(struct csv_log *log, const char *text, size_t bytes)
{
    while (log->bytes + bytes > log->room) {
        log->room = 2 * log->room + 256;
        log->text = realloc(log->text, log->room);
        if (log->text == NULL) abort();
    }
    if (bytes > 0) memcpy(log->text + log->bytes, text, bytes);
    log->bytes += bytes;
}

static inline void log_number(struct csv_log *log, char mark, int64_t number)
{
    char text[24],
        *at = text + sizeof text; /* from its end; snprintf would take most of the time */
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do *--at = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0) *--at = '-';
    *--at = mark;
    log_bytes(log, at, (size_t)(text + sizeof text - at));
}

static inline void log_clear(struct csv_log *log)
{
    free(log->text);
    *log = (struct csv_log){0};
}

/* "<line", or "<line@file" behind the first file */
static inline void log_place(struct csv_log *log, int64_t file, int64_t line)
{
    log_number(log, '<', line);
    if (file > 0) log_number(log, '@', file);
}

/* "<line|field|field...\n" with ' before a field that stood in quotes */
static inline enum status log_row(void *context, const struct csv_row *row)
{
    struct csv_log *log = context;
    log_place(log, row->file, row->line);
    for (int64_t j = 0; j < row->fields; j++) {
        log_bytes(log, row->field[j].quoted ? "'" : "|", 1);
        log_bytes(log, row->field[j].text, row->field[j].bytes);
    }
    log_bytes(log, "\n", 1);
    return OK;
}

/* "<line!reason,column,fields:value\n", with + behind a value that was cut */
static inline enum status log_bad(void *context, const struct csv_bad *bad)
{
    struct csv_log *log = context;
    log_place(log, bad->file, bad->line);
    log_number(log, '!', bad->reason);
    log_number(log, ',', bad->column);
    log_number(log, ',', bad->fields);
    log_bytes(log, ":", 1);
    log_bytes(log, bad->value, (size_t)bad->value_bytes);
    log_bytes(log, bad->value_cut ? "+\n" : "\n", bad->value_cut ? 2 : 1);
    return OK;
}

/* Read a file on comm and join the logs of the ranks. Collective; the caller clears the log. */
static inline enum status log_file(const struct comm *comm, const char *path,
                                   const struct csv_options *options, struct csv_log *log,
                                   struct csv_counts *counts)
{
    enum status status = OK;
    struct csv_log mine = {0};
    struct csv *csv = NULL;
    void *all = NULL;
    int64_t bytes = 0;
    *log = (struct csv_log){0};
    TRY(csv_open(comm, path, options, &csv));
    TRY(csv_read(comm, csv, log_row, log_bad, &mine));
    TRY(comm_gather_all(comm, mine.text, (int64_t)mine.bytes, &all, &bytes));
    if (counts != NULL) *counts = csv->counts;
    *log = (struct csv_log){all, (size_t)bytes, (size_t)bytes};
done:
    csv_free(&csv);
    log_clear(&mine);
    return status;
}

static inline bool log_equal(const struct csv_log *a, const struct csv_log *b)
{
    return a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->text, b->text, a->bytes) == 0);
}

/* Sum over rows of (2 line + 1) crc32(fields, each ended by 0x1f), modulo 2^64:
 * tests/goldens/csv_rows.py does the same. */
static inline uint64_t row_hash(const struct csv_row *row)
{
    uLong crc = crc32(0, NULL, 0);
    for (int64_t j = 0; j < row->fields; j++) {
        crc = crc32(crc, (const Bytef *)row->field[j].text, row->field[j].bytes);
        crc = crc32(crc, (const Bytef *)"\x1f", 1);
    }
    return (uint64_t)crc * (2 * (uint64_t)row->line + 1);
}

#endif
