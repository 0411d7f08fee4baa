/* What io/csv.h reads of many files, one line of JSON for each, to compare with another reader.
 *
 *   csv_dump LIST     the file LIST has one path a line
 *
 * {"delimiter": ",", "names": [...], "empty": 1, "rows": [[line, "field", ...], ...],
 *  "bad": [[line, "CSV_FIELDS", fields], ...]}, or {"refused": "message"}. Text is written byte by
 * byte, those above 126 as \u00xx. Ranges and chunks differ from file to file. */
#include "io/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

/* What one rank has to say of one file. */
struct dump {
    FILE *rows, *bad;
    char *rows_text, *bad_text;
    size_t rows_bytes, bad_bytes;
};

static void put_text(FILE *file, const char *text, size_t bytes)
{
    fputc('"', file);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 32 || c > 126 || c == '"' || c == '\\')
            fprintf(file, "\\u00%02x", c);
        else
            fputc(c, file);
    }
    fputc('"', file);
}

static enum status dump_row(void *context, const struct csv_row *row)
{
    const struct dump *dump = context;
    fprintf(dump->rows, "[%lld", (long long)row->line);
    for (int64_t j = 0; j < row->fields; j++) {
        fputs(", ", dump->rows);
        put_text(dump->rows, row->field[j].text, row->field[j].bytes);
    }
    fputs("], ", dump->rows);
    return OK;
}

static enum status dump_bad(void *context, const struct csv_bad *bad)
{
#define REASON_NAME(name, text) #name,
    static const char *const names[] = {CSV_REASON_LIST(REASON_NAME)};
#undef REASON_NAME
    const struct dump *dump = context;
    fprintf(dump->bad, "[%lld, \"%s\", %lld], ", (long long)bad->line, names[bad->reason],
            (long long)bad->fields);
    return OK;
}

static enum status dump_start(struct dump *dump)
{
    *dump = (struct dump){0};
    dump->rows = open_memstream(&dump->rows_text, &dump->rows_bytes);
    dump->bad = open_memstream(&dump->bad_text, &dump->bad_bytes);
    bool open = dump->rows != NULL && dump->bad != NULL;
    return open ? OK : FAIL(ERR_MEMORY, "no memory for a text");
}

static void dump_end(struct dump *dump)
{
    if (dump->rows != NULL) fclose(dump->rows);
    if (dump->bad != NULL) fclose(dump->bad);
    free(dump->rows_text);
    free(dump->bad_text);
}

/* ", "name": [all ranks' items]" on rank 0. Collective. */
static enum status put_joined(const struct comm *comm, const char *name, FILE *items, char **text,
                              const size_t *bytes)
{
    void *all = NULL;
    int64_t all_bytes = 0;
    fflush(items);
    enum status status = comm_gather_all(comm, *text, (int64_t)*bytes, &all, &all_bytes);
    int64_t shown = all_bytes > 2 ? all_bytes - 2 : 0; /* without the last comma */
    if (status == OK && comm->rank == 0) printf(", \"%s\": [%.*s]", name, (int)shown, (char *)all);
    free(all);
    return status;
}

static void put_head(const struct csv *csv)
{
    fputs("{\"delimiter\": ", stdout);
    put_text(stdout, &csv->options.delimiter, 1);
    printf(", \"empty\": %lld, \"names\": [", (long long)csv->counts.empty_lines);
    for (int64_t j = 0; j < csv->columns; j++) {
        if (j > 0) fputs(", ", stdout);
        put_text(stdout, csv->name[j], strlen(csv->name[j]));
    }
    fputs("]", stdout);
}

static enum status dump_file(const struct comm *comm, const char *path,
                             const struct csv_options *options)
{
    enum status status = OK;
    struct dump dump = {0};
    struct csv *csv = NULL;
    TRY_ALL(comm, dump_start(&dump));
    status = csv_open(comm, path, options, &csv);
    if (status == ERR_DATA && comm->rank == 0) {
        fputs("{\"refused\": ", stdout);
        put_text(stdout, status_message(), strlen(status_message()));
    }
    if (status == OK) {
        TRY(csv_read(comm, csv, dump_row, dump_bad, &dump));
        if (comm->rank == 0) put_head(csv);
        TRY(put_joined(comm, "rows", dump.rows, &dump.rows_text, &dump.rows_bytes));
        TRY(put_joined(comm, "bad", dump.bad, &dump.bad_text, &dump.bad_bytes));
    }
    if (comm->rank == 0) puts("}");
done:
    csv_free(&csv);
    dump_end(&dump);
    return status == ERR_DATA ? OK : status;
}

static enum status dump_all(const struct comm *comm, const char *list)
{
    static const int64_t chunks[] = {1 << 18, 1, 7, 64};
    enum status status = OK;
    char path[PATH_BYTES];
    FILE *file = fopen(list, "re");
    TRY_ALL(comm, file != NULL ? OK : FAIL(ERR_NO_INPUT, "%s: cannot be read", list));
    for (int64_t i = 0; fgets(path, sizeof path, file) != NULL; i++) {
        struct csv_options options = CSV_DEFAULTS;
        options.ranges = 1 + i % 5;
        options.chunk_bytes = chunks[i % 4];
        path[strcspn(path, "\n")] = 0;
        TRY(dump_file(comm, path, &options));
    }
done:
    if (file != NULL) fclose(file);
    return status;
}

int main(int argc, char **argv)
{
    struct comm world;
    enum status status = comm_start(&world);
    if (status == OK)
        status = argc == 2 ? dump_all(&world, argv[1]) : FAIL(ERR_USAGE, "usage: csv_dump LIST");
    if (status != OK) fprintf(stderr, "%s\n", status_message());
    comm_end(&world, status);
}
