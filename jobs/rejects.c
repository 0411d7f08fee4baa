/* Accounting for rejected rows. */
#include "jobs/rejects.h"

#include "jobs/shop_record.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *reject_name(enum reject reason)
{
#define REJECT_NAME(name, text) #name,
    static const char *const names[] = {REJECT_LIST(REJECT_NAME)};
#undef REJECT_NAME
    return names[reason];
}

const char *reject_text(enum reject reason)
{
#define REJECT_TEXT(name, text) text,
    static const char *const texts[] = {REJECT_LIST(REJECT_TEXT)};
#undef REJECT_TEXT
    return texts[reason];
}

const char *table_name(enum table table)
{
    static const char *const names[TABLES] = {"products", "users",  "events",
                                              "offers",   "labels", "promotions"};
    return names[table];
}

/* A line of rejects.csv to be; the order of the words is that of the file. */
struct reject_row {
    uint64_t table, place;
    uint64_t what; /* (column + 1) << 8 | reason */
    char value[REJECT_VALUE_BYTES];
};

enum { REJECT_WORDS = 3 };

/* ---- taking them in ---- */

/* Digits and what stands between them in numbers and times, such as 2025-03-01T10:00Z and 1e9, or a
 * short word: what a bad value mostly is, and an id hardly. */
static bool may_be_shown(const char *value, int64_t bytes)
{
    enum { WORD_BYTES = 8 };
    int64_t plain = 0, letters = 0;
    for (int64_t i = 0; i < bytes; i++) {
        plain += value[i] != 0 && strchr("0123456789 .,:+-/%TZe", value[i]) != NULL;
        letters += isalpha((unsigned char)value[i]) != 0;
    }
    return (plain == bytes && bytes < REJECT_VALUE_BYTES) ||
           (letters == bytes && bytes <= WORD_BYTES);
}

void reject_shape(char *to, const char *value, int64_t bytes)
{
    memset(to, 0, REJECT_VALUE_BYTES);
    if (may_be_shown(value, bytes))
        reject_value(to, value, bytes);
    else
        snprintf(to, REJECT_VALUE_BYTES, "text of %lld bytes", (long long)bytes);
}

void reject_value(char *to, const char *value, int64_t bytes)
{
    int64_t used = 0;
    for (int64_t i = 0, length = 0; i < bytes; i += length) {
        length = csv_character(value + i, bytes - i);
        bool good = length > 0 && value[i] != 0;
        if (!good) length = 1;
        if (used + length > REJECT_VALUE_BYTES - 1) break;
        memcpy(to + used, good ? value + i : "?", (size_t)length);
        used += length;
    }
    memset(to + used, 0, (size_t)(REJECT_VALUE_BYTES - used));
}

enum status rejects_init(struct rejects *rejects, int64_t memory_bytes, const char *folder)
{
    const struct sorter_options options = {.record_bytes = sizeof(struct reject_row),
                                           .words = REJECT_WORDS,
                                           .group_words = REJECT_WORDS,
                                           .memory_bytes = memory_bytes,
                                           .folder = folder,
                                           .in_turn = true};
    *rejects = (struct rejects){0};
    return sorter_new(&options, &rejects->rows);
}

enum status rejects_add(struct rejects *rejects, enum table table, uint64_t faults, uint64_t place,
                        int64_t column, const char *value, int64_t bytes)
{
    struct account *account = &rejects->account[table];
    uint64_t reason = (uint64_t)__builtin_ctzll(faults);
    struct reject_row row = {
        .table = table, .place = place, .what = (uint64_t)(column + 1) << 8 | reason};
    reject_value(row.value, value, bytes);
    for (uint64_t left = faults; left != 0; left &= left - 1)
        account->faults[__builtin_ctzll(left)]++;
    account->rejected[reason]++;
    return sorter_add(rejects->rows, &row);
}

/* The first byte that no UTF-8 has, as hexadecimal digits. */
static int describe_byte(const struct csv_bad *bad, char *text, size_t room)
{
    for (int64_t i = 0, length = 0; i < bad->value_bytes; i += length) {
        length = csv_character(bad->value + i, bad->value_bytes - i);
        if (length == 0) return snprintf(text, room, "0x%02x", (unsigned char)bad->value[i]);
    }
    return 0;
}

enum status rejects_add_malformed(struct rejects *rejects, enum table table,
                                  const struct csv_bad *bad)
{
    static const uint8_t reason[CSV_REASONS] = {[CSV_FIELDS] = REJECT_wrong_fields,
                                                [CSV_QUOTE_OPEN] = REJECT_open_quote,
                                                [CSV_TEXT_AFTER_QUOTE] = REJECT_text_after_quote,
                                                [CSV_NUL] = REJECT_nul_byte,
                                                [CSV_UTF8] = REJECT_not_utf8,
                                                [CSV_FIELD_LONG] = REJECT_long_field,
                                                [CSV_ROW_LONG] = REJECT_long_row};
    char text[REJECT_VALUE_BYTES];
    int bytes = 0;
    if (bad->reason == CSV_FIELDS)
        bytes = snprintf(text, sizeof text, "%lld fields", (long long)bad->fields);
    if (bad->reason == CSV_UTF8) bytes = describe_byte(bad, text, sizeof text);
    rejects->account[table].read++;
    return rejects_add(rejects, table, REJECT_BIT(reason[bad->reason]),
                       INGEST_PLACE(bad->file, bad->line), bad->column - 1, text, bytes);
}

/* ---- the account ---- */

static void print_account(const struct account *account, const char *table, int64_t rejected)
{
    char netted[64] = "", left_out[64] = "";
    if (account->netted > 0)
        snprintf(netted, sizeof netted, " + %lld netted", (long long)account->netted);
    if (account->left_out > 0)
        snprintf(left_out, sizeof left_out, " + %lld left out with their users",
                 (long long)account->left_out);
    log_info("  %s: %lld rows read = %lld kept + %lld rejected%s%s", table,
             (long long)account->read, (long long)account->kept, (long long)rejected, netted,
             left_out);
    for (int r = 0; r < REJECTS; r++)
        if (account->faults[r] > 0)
            log_info("    %-22s %9lld rejected, %9lld rows with it: %s",
                     reject_name((enum reject)r), (long long)account->rejected[r],
                     (long long)account->faults[r], reject_text((enum reject)r));
}

enum status rejects_sum(const struct comm *comm, struct rejects *rejects, enum table table)
{
    struct account *account = &rejects->account[table];
    int64_t rejected = 0,
            counts[4] = {account->read, account->kept, account->netted, account->left_out};
    comm_sum_int64(comm, counts, 4);
    comm_sum_int64(comm, account->faults, REJECTS);
    comm_sum_int64(comm, account->rejected, REJECTS);
    account->read = counts[0], account->kept = counts[1];
    account->netted = counts[2], account->left_out = counts[3];
    for (int r = 0; r < REJECTS; r++) rejected += account->rejected[r];
    print_account(account, table_name(table), rejected);
    if (account->read == account->kept + rejected + account->netted + account->left_out) return OK;
    return FAIL(ERR_BUG,
                "%s: %lld rows read are not %lld kept + %lld rejected + %lld netted + %lld "
                "left out",
                table_name(table), (long long)account->read, (long long)account->kept,
                (long long)rejected, (long long)account->netted, (long long)account->left_out);
}

/* ---- rejects.csv ---- */

/* The column's name; nothing for the whole row, or for a field beyond the header's. */
static const char *column_name(const struct csv *csv, const struct reject_row *row)
{
    int64_t column = (int64_t)(row->what >> 8) - 1;
    return column >= 0 && column < csv->columns ? csv->name[column] : "";
}

static size_t format_row(const struct csv *csv, const struct reject_row *row, char *to)
{
    const char *file = csv->file_name[INGEST_FILE(row->place)], *column = column_name(csv, row);
    char *at = to;
    at += csv_guard(file, strlen(file), ',', at);
    at += sprintf(at, ",%lld,", (long long)INGEST_LINE(row->place));
    at += csv_guard(column, strlen(column), ',', at);
    at += sprintf(at, ",%s,", reject_name((enum reject)(row->what & 255)));
    at += csv_guard(row->value, strlen(row->value), ',', at);
    *at++ = '\n';
    return (size_t)(at - to);
}

static enum status format_batch(const struct sorter_batch *batch, struct csv *const csv[TABLES],
                                char **text, int64_t *bytes)
{
    enum { REST = 160 }; /* line, reason, value, commas and quotes of one row */
    enum status status = OK;
    const struct reject_row *row = batch->records;
    size_t used = 0, needed = 0;
    for (int64_t i = 0; i < batch->count; i++) {
        const struct csv *from = csv[row[i].table];
        needed += 2 * strlen(from->file_name[INGEST_FILE(row[i].place)]) +
                  2 * strlen(column_name(from, &row[i])) + REST;
    }
    TRY(memory_new(text, (int64_t)needed, 1));
    for (int64_t i = 0; i < batch->count; i++)
        used += format_row(csv[row[i].table], &row[i], *text + used);
    *bytes = (int64_t)used;
done:
    return status;
}

enum status rejects_write(const struct comm *comm, struct rejects *rejects,
                          struct csv *const csv[TABLES], const char *path)
{
    static const char header[] = "file,line,column,reason,value\n";
    enum status status = OK;
    struct text_file *file = NULL;
    struct sorter_batch batch = {.more = true};
    char *text = NULL;
    TRY(text_file_open(comm, path, 0600, &file));
    TRY(text_file_append(comm, file, header, comm->rank == 0 ? (int64_t)sizeof header - 1 : 0));
    TRY(sorter_open(comm, rejects->rows));
    while (batch.more) {
        int64_t bytes = 0;
        TRY(sorter_next(comm, rejects->rows, &batch));
        TRY_ALL(comm, format_batch(&batch, csv, &text, &bytes));
        TRY(text_file_append(comm, file, text, bytes));
        free(text);
        text = NULL;
    }
    TRY(text_file_commit(comm, &file));
done:
    text_file_abandon(comm, &file);
    free(text);
    return status;
}

void rejects_clear(struct rejects *rejects)
{
    sorter_free(&rejects->rows);
    *rejects = (struct rejects){0};
}
