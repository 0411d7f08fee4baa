/* A small CSV table, read in shares and put together on every rank. */
#include "jobs/rates.h"

#include "io/csv.h"
#include "io/parse.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 40 };

/* What one rank has read. */
struct reader {
    const struct csv *csv;
    const struct rates *rates;
    int64_t currency, rate, date; /* columns; date -1 if there is none */
    int64_t count, capacity;
    struct rate *read; /* [capacity] */
};

static void trim(const char **text, size_t *bytes)
{
    while (*bytes > 0 && **text == ' ') (*text)++, (*bytes)--;
    while (*bytes > 0 && (*text)[*bytes - 1] == ' ') (*bytes)--;
}

/* ---- rows ---- */

static enum status refuse(const struct reader *reader, const struct csv_row *row, int64_t column,
                          const char *what)
{
    const struct csv_field *field = &row->field[column];
    int shown = field->bytes < SHOWN_BYTES ? (int)field->bytes : SHOWN_BYTES;
    return FAIL(ERR_DATA, "%s:%" PRId64 ": \"%.*s\" %s (column %s)",
                reader->csv->file_name[row->file], row->line, shown, field->text, what,
                reader->csv->name[column]);
}

static enum status read_rate(const struct reader *reader, const struct csv_row *row,
                             struct rate *rate)
{
    const struct csv_field *currency = &row->field[reader->currency];
    const struct csv_field *number = &row->field[reader->rate];
    const char *name = currency->text;
    size_t bytes = currency->bytes;
    *rate = (struct rate){.from = INT64_MIN, .file = row->file, .line = row->line};
    trim(&name, &bytes);
    if (bytes == 0 || bytes >= RATES_NAME_BYTES)
        return refuse(reader, row, reader->currency, "is not a currency; write it such as EUR");
    memcpy(rate->currency, name, bytes);
    if (!parse_number(number->text, number->bytes, &rate->rate) || rate->rate <= 0.0)
        return refuse(reader, row, reader->rate, "is not a rate: expected a number above 0");
    if (strcmp(rate->currency, reader->rates->home) == 0 && rate->rate != 1.0)
        return refuse(reader, row, reader->rate,
                      "is not 1, the rate of ingest.currency in itself; leave the row out");
    if (reader->date < 0) return OK;
    const struct csv_field *date = &row->field[reader->date];
    if (!parse_time(date->text, date->bytes, &rate->from))
        return refuse(reader, row, reader->date, "is not a date; write it such as 2025-03-01");
    return OK;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    struct reader *reader = context;
    enum status status = OK;
    if (reader->count == reader->capacity) {
        int64_t more = 2 * reader->capacity + 64;
        status = memory_grow(&reader->read, reader->capacity, more, sizeof *reader->read);
        if (status != OK) return status;
        reader->capacity = more;
    }
    status = read_rate(reader, row, &reader->read[reader->count]);
    reader->count += status == OK;
    return status;
}

/* ---- the table ---- */

static enum status find_columns(struct reader *reader)
{
    const struct csv *csv = reader->csv;
    reader->currency = csv_column(csv, "currency");
    reader->rate = csv_column(csv, "rate");
    reader->date = csv_column(csv, "date");
    if (reader->currency >= 0 && reader->rate >= 0) return OK;
    return FAIL(ERR_DATA,
                "%s: no column %s; a table of rates has currency and rate, and date if "
                "they change",
                csv->path, reader->currency < 0 ? "currency" : "rate");
}

static int compare(const void *a, const void *b)
{
    const struct rate *x = a, *y = b;
    int by_name = strcmp(x->currency, y->currency);
    if (by_name != 0) return by_name;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* In order, and each currency once at a time. */
static enum status settle(const struct csv *csv, struct rates *rates)
{
    if (rates->count > 0) qsort(rates->rate, (size_t)rates->count, sizeof *rates->rate, compare);
    for (int64_t r = 1; r < rates->count; r++) {
        const struct rate *before = &rates->rate[r - 1], *rate = &rates->rate[r];
        if (strcmp(before->currency, rate->currency) != 0 || before->from != rate->from) continue;
        return FAIL(ERR_DATA,
                    "%s:%" PRId64 ": a second rate of %s %s, after that on line %" PRId64
                    "; leave one",
                    csv->file_name[rate->file], rate->line, rate->currency,
                    rate->from == INT64_MIN ? "without a date" : "for the same date", before->line);
    }
    return OK;
}

static enum status read_table(const struct comm *comm, const char *path, struct rates *rates)
{
    enum status status = OK;
    struct csv *csv = NULL;
    struct reader reader = {.rates = rates};
    void *all = NULL;
    int64_t bytes = 0;
    TRY(csv_open(comm, path, NULL, &csv));
    reader.csv = csv;
    TRY_ALL(comm, find_columns(&reader));
    TRY_ALL(comm, memory_new(&reader.read, 0, sizeof *reader.read));
    TRY(csv_read(comm, csv, on_row, NULL, &reader));
    TRY(comm_gather_all(comm, reader.read, reader.count * (int64_t)sizeof *reader.read, &all,
                        &bytes));
    rates->rate = all;
    rates->count = bytes / (int64_t)sizeof *rates->rate;
    TRY_ALL(comm, settle(csv, rates));
done:
    free(reader.read);
    csv_free(&csv);
    return status;
}

enum status rates_read(const struct comm *comm, const struct config *config, struct rates *rates)
{
    const char *home = config_text(config, "ingest.currency");
    const char *path = config_path(config, "ingest.rates");
    enum status status = OK;
    *rates = (struct rates){0};
    if (home == NULL) return OK;
    size_t bytes = strlen(home);
    trim(&home, &bytes);
    if (bytes >= RATES_NAME_BYTES) /* the same on every rank */
        return FAIL(ERR_CONFIG, "ingest.currency: \"%s\" is not a currency; write it such as EUR",
                    home);
    memcpy(rates->home, home, bytes);
    if (path != NULL) status = read_table(comm, path, rates);
    if (status != OK) rates_clear(rates);
    return status;
}

void rates_clear(struct rates *rates)
{
    free(rates->rate);
    *rates = (struct rates){0};
}

/* ---- asking ---- */

bool rates_find(const struct rates *rates, const char *text, size_t bytes, int64_t seconds,
                double *rate)
{
    char name[RATES_NAME_BYTES] = "";
    int64_t low = 0, high = rates->count; /* those before `low` do not come after what is sought */
    trim(&text, &bytes);
    if (bytes == 0 || bytes >= RATES_NAME_BYTES) return false;
    memcpy(name, text, bytes);
    if (strcmp(name, rates->home) == 0) {
        *rate = 1.0;
        return true;
    }
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int by_name = strcmp(rates->rate[middle].currency, name);
        if (by_name < 0 || (by_name == 0 && rates->rate[middle].from <= seconds))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || strcmp(rates->rate[low - 1].currency, name) != 0) return false;
    *rate = rates->rate[low - 1].rate;
    return true;
}
