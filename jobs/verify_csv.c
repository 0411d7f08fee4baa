/* discounts.csv as one number a row, to be compared with discounts.h5 piece by piece. */
#include "jobs/verify.h"

#include "io/csv.h"
#include "io/parse.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- fields ---- */

/* The original of a guarded text: see csv_guard. */
static void unguard(const char **text, size_t *bytes)
{
    size_t sign = 0;
    while (sign < *bytes && (*text)[sign] == '\'') sign++;
    bool guarded = sign > 0 && sign < *bytes && (*text)[sign] != 0 &&
                   strchr("=+-@\t\r\n", (*text)[sign]) != NULL;
    *text += guarded;
    *bytes -= guarded;
}

static uint64_t add_text(uint64_t hash, const char *text, size_t bytes)
{
    return XXH3_64bits_withSeed(text, bytes, hash + 1);
}

static uint64_t add_number(uint64_t hash, double value)
{
    value += 0.0; /* -0 is 0 */
    return XXH3_64bits_withSeed(&value, sizeof value, hash + 2);
}

static uint64_t hash_row(const struct verify_csv *csv, const struct csv_row *row)
{
    uint64_t hash = 0;
    for (int64_t c = 0; c < row->fields; c++) {
        const char *text = row->field[c].text;
        size_t bytes = row->field[c].bytes;
        double value = 0;
        if (csv->text[c]) {
            unguard(&text, &bytes);
            hash = add_text(hash, text, bytes);
        } else if (parse_number(text, bytes, &value)) {
            hash = add_number(hash, value);
        } else {
            hash = add_text(hash, text, bytes); /* never that of a number */
        }
    }
    return hash;
}

uint64_t verify_hash(const struct verify_csv *csv, void *const *column, const int64_t *width,
                     int64_t row)
{
    uint64_t hash = 0;
    for (int64_t c = 0; c < csv->csv->columns; c++) {
        const char *text = (const char *)column[c] + (size_t)(row * width[c]);
        if (csv->text[c])
            hash = add_text(hash, text, strnlen(text, (size_t)width[c]));
        else
            hash = add_number(hash, ((const double *)column[c])[row]);
    }
    return hash;
}

/* ---- reading ---- */

static enum status count_row(void *context, const struct csv_row *row)
{
    (void)context;
    (void)row;
    return OK;
}

static enum status take_row(void *context, const struct csv_row *row)
{
    struct verify_csv *csv = context;
    if (row->number >= csv->rows)
        return FAIL(ERR_IO, "discounts.csv has grown since it was opened; verify again");
    csv->hash[row->number] = hash_row(csv, row);
    return OK;
}

/* Which of its columns hold texts, as discounts.h5 has them. */
static enum status find_types(const struct comm *comm, const struct verify *verify,
                              struct verify_csv *csv)
{
    enum status status = OK;
    void *data = NULL;
    int64_t width = 0;
    TRY_ALL(comm, memory_new(&csv->text, csv->csv->columns, sizeof *csv->text));
    for (int64_t c = 0; c < csv->csv->columns; c++) {
        TRY(verify_column(comm, verify->store, csv->csv->name[c], 0, 0, &csv->text[c], &width,
                          &data));
        free(data);
        data = NULL;
    }
done:
    return status;
}

enum status verify_csv_read(const struct comm *comm, const struct verify *verify,
                            struct verify_csv *csv)
{
    enum status status = OK;
    struct csv_options options = CSV_DEFAULTS;
    options.delimiter = ',';
    TRY(csv_open(comm, verify_path(verify, "discounts.csv"), &options, &csv->csv));
    TRY(find_types(comm, verify, csv));
    TRY(csv_read(comm, csv->csv, count_row, NULL, NULL));
    csv->first = csv->csv->counts.rows_before;
    csv->rows = csv->csv->counts.rows_local;
    TRY_ALL(comm, memory_new(&csv->hash, csv->rows, sizeof *csv->hash));
    TRY(csv_read(comm, csv->csv, take_row, NULL, csv));
done:
    return status;
}

void verify_csv_clear(struct verify_csv *csv)
{
    csv_free(&csv->csv);
    free(csv->hash);
    free(csv->text);
    *csv = (struct verify_csv){0};
}

/* ---- where a row differs ---- */

struct difference {
    const struct verify_csv *csv;
    void *const *column;
    const int64_t *width;
    int64_t row, at; /* of this rank; in the columns; row -1: none is wanted */
    struct finding *finding;
};

static bool is_same(const struct difference *d, const struct csv_row *row, int64_t c)
{
    const struct csv_field *field = &row->field[c];
    const char *text = field->text,
               *held = (const char *)d->column[c] + (size_t)(d->at * d->width[c]);
    size_t bytes = field->bytes;
    double value = 0;
    if (!d->csv->text[c])
        return parse_number(text, bytes, &value) &&
               add_number(0, value) == add_number(0, ((const double *)d->column[c])[d->at]);
    unguard(&text, &bytes);
    return bytes == strnlen(held, (size_t)d->width[c]) && memcmp(text, held, bytes) == 0;
}

static enum status look_at_row(void *context, const struct csv_row *row)
{
    struct difference *d = context;
    int64_t c = 0, number = d->csv->first + d->row;
    char held[NUMBER_TEXT_BYTES + 1] = {0};
    if (row->number != d->row) return OK;
    while (c < row->fields && is_same(d, row, c)) c++;
    if (c == row->fields) return OK;
    const char *text = (const char *)d->column[c] + (size_t)(d->at * d->width[c]);
    if (!d->csv->text[c]) format_number(((const double *)d->column[c])[d->at], held);
    finding_add(
        d->finding, number, "discounts.csv:%lld (row %lld): %s is %.*s, in discounts.h5 %.*s",
        (long long)row->line, (long long)number, d->csv->csv->name[c],
        (int)(row->field[c].bytes < 64 ? row->field[c].bytes : 64), row->field[c].text,
        d->csv->text[c] ? (int)d->width[c] : NUMBER_TEXT_BYTES, d->csv->text[c] ? text : held);
    return OK;
}

enum status verify_csv_find(const struct comm *comm, struct verify_csv *csv, int64_t row,
                            void *const *column, const int64_t *width, int64_t at,
                            struct finding *finding)
{
    struct difference d = {csv, column, width, row, at, finding};
    return csv_read(comm, csv->csv, look_at_row, NULL, &d);
}
