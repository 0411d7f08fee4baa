/**
 * CSV files read in parallel: every rank takes a range of bytes and gets the rows that start in it.
 *
 * Open with csv_open (header, delimiter), then csv_read calls `on_row` for each good row and
 * `on_bad` for each row that cannot be taken as it stands; nothing is repaired in silence. What
 * counts as a row is RFC 4180 with the tolerance of Python's csv module: a quote opens a quoted
 * field only as its first byte, elsewhere it is text; LF, CRLF and CR end a row. The same rows,
 * fields and line numbers come out at any number of ranks, ranges and chunk sizes (docs/csv.md says
 * how). A table may be many files, each with the same header; ranks take them in order, as if they
 * stood one behind the other. Plain text or gzip; a gzip file is read by one rank alone.
 */
#ifndef REMISE_IO_CSV_H
#define REMISE_IO_CSV_H

#include "mpi/comm.h"

struct csv_options {
    char delimiter;          /* 0: comma, semicolon or tab, whichever splits the header best */
    int64_t ranges;          /* byte ranges per rank; more than 1 only tests the cuts */
    int64_t chunk_bytes;     /* read at a time */
    int64_t field_bytes_max; /* longer fields make a bad row */
    int64_t row_bytes_max;   /* longer rows are bad; bounds the memory */
    /* [ranges of all ranks - 1] ascending offsets in the files, one behind the other, where ranges
     * meet instead of dividing them equally; only to test the cuts; NULL; not owned */
    const int64_t *cuts;
};

#define CSV_DEFAULTS ((struct csv_options){0, 1, 1 << 17, 1 << 20, 1 << 24, NULL})

/* Totals over all ranks unless they say otherwise; set by csv_read. */
struct csv_counts {
    int64_t rows;        /* good ones, given to on_row */
    int64_t rows_local;  /* of this rank */
    int64_t rows_before; /* of the ranks before this one: rows_before + row->number names a row */
    int64_t bad;         /* given to on_bad */
    int64_t empty_lines; /* skipped */
};

/* One of the files of a table. */
struct csv_file {
    bool gzip;
    int64_t bytes;      /* as stored */
    int64_t data_first; /* offset in its text of the first byte behind the header */
    int64_t data_line;  /* the line of that, 1-based */
};

struct csv {
    char *path;                 /* as given, maybe a pattern */
    struct csv_options options; /* with the delimiter found, and a chunk no larger than all */
    int64_t files;
    char **file_name;      /* [files] in byte order */
    struct csv_file *file; /* [files] */
    int64_t columns;
    char **name; /* [columns] from the header, without quotes and outer blanks, all different */
    struct csv_counts counts;
};

struct csv_field {
    const char *text; /* unescaped, not ended by 0; valid during the call only */
    uint32_t bytes;
    bool quoted;
    bool escaped; /* held doubled quotes */
};

struct csv_row {
    const struct csv_field *field; /* [fields] */
    int64_t fields;                /* == csv->columns */
    int64_t file;                  /* 0-based, of csv->file_name */
    int64_t line;                  /* of the row's first byte in that file, 1-based */
    int64_t number;                /* 0-based among the good rows of this rank */
};

/* name, text with the remedy */
#define CSV_REASON_LIST(X)                                                                      \
    X(CSV_GOOD, "nothing is wrong")                                                             \
    X(CSV_FIELDS, "the number of fields differs from the header's; quote fields that hold the " \
                  "delimiter")                                                                  \
    X(CSV_QUOTE_OPEN, "a quote opens here and is never closed; close it or double it")          \
    X(CSV_TEXT_AFTER_QUOTE,                                                                     \
      "text follows a closing quote; double the quotes inside a quoted field")                  \
    X(CSV_NUL, "a NUL byte; save the file as UTF-8")                                            \
    X(CSV_UTF8, "not valid UTF-8; convert the file, e.g. iconv -f latin1 -t utf-8")             \
    X(CSV_FIELD_LONG, "a field is longer than the limit; look for a missing closing quote")     \
    X(CSV_ROW_LONG, "the row is longer than the limit; look for a missing closing quote")

#define CSV_REASON_ENUM(name, text) name,
/** Why a field or a row cannot be read: the names of CSV_REASON_LIST. */
enum csv_reason { CSV_REASON_LIST(CSV_REASON_ENUM) CSV_REASONS };
#undef CSV_REASON_ENUM

enum { CSV_VALUE_MAX = 1024 }; /* bytes of a bad value that are shown */

/* The value is the field's raw bytes, or the row's start where the row is meant (CSV_FIELDS,
 * CSV_QUOTE_OPEN, CSV_ROW_LONG); it is valid during the call only. */
struct csv_bad {
    enum csv_reason reason;
    int64_t file;   /* 0-based, of csv->file_name */
    int64_t line;   /* of the row's first byte in that file, 1-based */
    int64_t column; /* 1-based; 0 when the whole row is meant */
    int64_t fields; /* counted in the row */
    const char *value;
    int64_t value_bytes; /* at most CSV_VALUE_MAX */
    bool value_cut;      /* the value goes on in the file */
};

/** Take one row; a status other than OK ends the read and becomes its result. Local. */
typedef enum status csv_on_row(void *context, const struct csv_row *row);
/** Take one bad row; OK goes on, anything else ends the read. Local. */
typedef enum status csv_on_bad(void *context, const struct csv_bad *bad);

/**
 * Read the header of a CSV file, or of all files that match a pattern (io/file_list.h).
 *
 * Collective. Rank 0 reads, all get the same.
 * options  in   the same on every rank; NULL for CSV_DEFAULTS
 * csv      out  new; the caller frees it with csv_free; NULL unless OK
 * Errors: ERR_NO_INPUT; ERR_DATA empty file, malformed header, two columns of one name, a header
 *         that differs from the first file's; ERR_ARG an option; ERR_IO; ERR_MEMORY.
 */
enum status csv_open(const struct comm *comm, const char *path, const struct csv_options *options,
                     struct csv **csv);

/**
 * Read all rows behind the header; may be called again.
 *
 * Collective; a rank may get no row. The callbacks are local: they must not call anything
 * collective.
 * on_bad   in   NULL: the first bad row ends the read with ERR_DATA
 * context  in   given to both callbacks
 * Sets csv->counts. Empty lines are skipped and counted.
 * Memory: at most ten times the larger of chunk_bytes and the longest row (as far as
 *         row_bytes_max), on each rank.
 * Cost: the file is read once on one rank, at 1.5 GB/s; on more ranks a first pass, at 5 GB/s,
 *       finds where rows start.
 * Errors: the callbacks' (the lowest rank's among equals, so the first in the file); ERR_DATA;
 *         ERR_IO also when the file changed since csv_open; ERR_NO_INPUT a rank cannot open it;
 *         ERR_MEMORY.
 */
enum status csv_read(const struct comm *comm, struct csv *csv, csv_on_row *on_row,
                     csv_on_bad *on_bad, void *context);

/** Number of the column with this name, 0-based; -1 if there is none. Local. */
int64_t csv_column(const struct csv *csv, const char *name);

/** Free and null; accepts NULL inside. Local. */
void csv_free(struct csv **csv);

/**
 * Length of the valid UTF-8 character that text begins with, 0 if there is none (RFC 3629: no
 * overlong forms, no surrogates). Local.
 * bytes  in  >= 1
 */
int64_t csv_character(const char *text, int64_t bytes);

/** What is wrong, as a constant text with its remedy. Local. */
const char *csv_reason_text(enum csv_reason reason);

/** "file:line: reason (column c): value" into buffer, cut to fit and ended by 0. Local. */
void csv_bad_describe(const struct csv *csv, const struct csv_bad *bad, char *buffer, size_t bytes);

/**
 * Write a field so that it reads back the same: in quotes only where it must be, quotes inside
 * doubled. Local.
 * out  out  at least 2 * bytes + 2 bytes
 * Returns the bytes written.
 */
size_t csv_quote(const char *text, size_t bytes, char delimiter, char *out);

/**
 * Write a field of text as csv_quote does, guarded: a spreadsheet takes a text that begins with
 * = + - @, a tab or the end of a line for a formula, so an apostrophe is put before it. One that
 * begins with apostrophes and then such a sign gets one more: so taking the first apostrophe of
 * every text that begins '+[=+-@\t\r\n] away gives the original. A sign and then digits and points
 * alone are a number and stay as they are. Local.
 * out  out  at least 2 * bytes + 3 bytes
 * Returns the bytes written.
 */
size_t csv_guard(const char *text, size_t bytes, char delimiter, char *out);

#endif
