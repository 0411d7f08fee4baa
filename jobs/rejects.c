/* Accounting for rejected rows. */
#include "jobs/rejects.h"

#include "mpi/log.h"
#include "mpi/memory.h"

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

/* As much of a value as fits, whole characters of it; what is no character becomes "?". */
static void take_value(struct reject_entry *entry, const char *value, int64_t bytes)
{
    int64_t used = 0, room = (int64_t)sizeof entry->value - 1;
    for (int64_t i = 0, length = 0; i < bytes; i += length) {
        length = csv_character(value + i, bytes - i);
        bool good = length > 0 && value[i] != 0;
        if (!good) length = 1;
        if (used + length > room) break;
        memcpy(entry->value + used, good ? value + i : "?", (size_t)length);
        used += length;
    }
}

enum status rejects_add(struct rejects *rejects, uint32_t faults, int64_t line, int64_t column,
                        const char *value, int64_t bytes)
{
    if (rejects->entries == rejects->capacity) {
        int64_t capacity = rejects->capacity > 0 ? 2 * rejects->capacity : 256;
        enum status status =
            memory_grow(&rejects->entry, rejects->capacity, capacity, sizeof *rejects->entry);
        if (status != OK) return status;
        rejects->capacity = capacity;
    }
    struct reject_entry *entry = &rejects->entry[rejects->entries++];
    *entry = (struct reject_entry){.line = line, .column = (int32_t)column};
    entry->reason = (uint8_t)__builtin_ctz(faults);
    take_value(entry, value, bytes);
    for (uint32_t left = faults; left != 0; left &= left - 1)
        rejects->faults[__builtin_ctz(left)]++;
    rejects->rejected[entry->reason]++;
    return OK;
}

enum status rejects_add_malformed(struct rejects *rejects, const struct csv_bad *bad)
{
    rejects->read++;
    return rejects_add(rejects, (uint32_t)1 << REJECT_malformed, bad->line, bad->column - 1,
                       bad->value, bad->value_bytes);
}

static int by_line(const void *a, const void *b)
{
    const struct reject_entry *left = a, *right = b;
    if (left->line != right->line) return left->line < right->line ? -1 : 1;
    return (left->reason > right->reason) - (left->reason < right->reason);
}

/* The column's name; nothing for the whole row, or for a field beyond the header's. */
static const char *column_name(const struct csv *csv, const struct reject_entry *entry)
{
    return entry->column >= 0 && entry->column < csv->columns ? csv->name[entry->column] : "";
}

static size_t format_entry(const char *file, size_t file_bytes, const struct csv *csv,
                           const struct reject_entry *entry, char *to)
{
    const char *column = column_name(csv, entry);
    char *at = to;
    memcpy(at, file, file_bytes);
    at += file_bytes;
    at += sprintf(at, ",%lld,", (long long)entry->line);
    at += csv_quote(column, strlen(column), ',', at);
    at += sprintf(at, ",%s,", reject_name((enum reject)entry->reason));
    at += csv_quote(entry->value, strlen(entry->value), ',', at);
    *at++ = '\n';
    return (size_t)(at - to);
}

static enum status format_entries(const struct rejects *rejects, const struct csv *csv, char **text,
                                  int64_t *bytes)
{
    enum { REST = 128 }; /* line, reason, value, commas and quotes of one row */
    enum status status = OK;
    char *file = NULL;
    size_t path_bytes = strlen(csv->path), used = 0;
    TRY(memory_new(&file, 2 * (int64_t)path_bytes + 2, 1));
    size_t file_bytes = csv_quote(csv->path, path_bytes, ',', file), needed = 0;
    for (int64_t i = 0; i < rejects->entries; i++)
        needed += file_bytes + 2 * strlen(column_name(csv, &rejects->entry[i])) + REST;
    TRY(memory_new(text, (int64_t)needed, 1));
    for (int64_t i = 0; i < rejects->entries; i++)
        used += format_entry(file, file_bytes, csv, &rejects->entry[i], *text + used);
    *bytes = (int64_t)used;
done:
    free(file);
    return status;
}

static void print_account(const struct rejects *rejects, const char *table)
{
    log_info("  %s: %lld rows read, %lld kept, %lld rejected", table, (long long)rejects->read,
             (long long)rejects->kept, (long long)(rejects->read - rejects->kept));
    for (int r = 0; r < REJECTS; r++)
        if (rejects->faults[r] > 0)
            log_info("    %-22s %9lld rejected, %9lld rows with it: %s",
                     reject_name((enum reject)r), (long long)rejects->rejected[r],
                     (long long)rejects->faults[r], reject_text((enum reject)r));
}

enum status rejects_close(const struct comm *comm, struct rejects *rejects, const struct csv *csv,
                          const char *table, struct text_file *file)
{
    enum status status = OK;
    char *text = NULL;
    int64_t bytes = 0, rejected = 0;
    if (rejects->entries > 0)
        qsort(rejects->entry, (size_t)rejects->entries, sizeof *rejects->entry, by_line);
    TRY_ALL(comm, format_entries(rejects, csv, &text, &bytes));
    TRY(text_file_append(comm, file, text, bytes));
    rejects->entries = 0;
    comm_sum_int64(comm, &rejects->read, 1);
    comm_sum_int64(comm, &rejects->kept, 1);
    comm_sum_int64(comm, rejects->faults, REJECTS);
    comm_sum_int64(comm, rejects->rejected, REJECTS);
    for (int r = 0; r < REJECTS; r++) rejected += rejects->rejected[r];
    print_account(rejects, table);
    if (rejects->read != rejects->kept + rejected)
        TRY(FAIL(ERR_BUG, "%s: %lld rows read are not %lld kept and %lld rejected", table,
                 (long long)rejects->read, (long long)rejects->kept, (long long)rejected));
done:
    free(text);
    return status;
}

void rejects_clear(struct rejects *rejects)
{
    free(rejects->entry);
    *rejects = (struct rejects){0};
}
