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
    if (bytes > (int64_t)sizeof entry->value - 1) bytes = (int64_t)sizeof entry->value - 1;
    while (bytes > 0 && bytes == (int64_t)sizeof entry->value - 1 &&
           ((unsigned char)value[bytes] & 0xC0) == 0x80)
        bytes--; /* do not cut a UTF-8 character in two */
    if (bytes > 0) memcpy(entry->value, value, (size_t)bytes);
    for (uint32_t left = faults; left != 0; left &= left - 1)
        rejects->faults[__builtin_ctz(left)]++;
    rejects->rejected[entry->reason]++;
    return OK;
}

static int by_line(const void *a, const void *b)
{
    const struct reject_entry *left = a, *right = b;
    if (left->line != right->line) return left->line < right->line ? -1 : 1;
    return (left->reason > right->reason) - (left->reason < right->reason);
}

static enum status format_entries(const struct rejects *rejects, const struct csv *csv, char **text,
                                  int64_t *bytes)
{
    size_t width = strlen(csv->path) * 2 + 1024, used = 0;
    for (int64_t c = 0; c < csv->columns; c++)
        if (2 * strlen(csv->name[c]) + 1024 > width) width = 2 * strlen(csv->name[c]) + 1024;
    enum status status = memory_new(text, rejects->entries, 2 * width);
    if (status != OK) return status;
    for (int64_t i = 0; i < rejects->entries; i++) {
        const struct reject_entry *entry = &rejects->entry[i];
        const char *column = entry->column >= 0 ? csv->name[entry->column] : "";
        char *at = *text;
        used += csv_quote(csv->path, strlen(csv->path), ',', at + used);
        used += (size_t)sprintf(at + used, ",%lld,", (long long)entry->line);
        used += csv_quote(column, strlen(column), ',', at + used);
        used += (size_t)sprintf(at + used, ",%s,", reject_name((enum reject)entry->reason));
        used += csv_quote(entry->value, strlen(entry->value), ',', at + used);
        at[used++] = '\n';
    }
    *bytes = (int64_t)used;
    return OK;
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
