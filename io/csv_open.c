/* Opening the CSV files of a table, which must agree on their columns; and small helpers around
 * struct csv. */
#include "io/csv_header.h"

#include "io/file_list.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* What rank 0 tells the others, followed by the names of columns and of files, each ended by 0, and
 * the files. */
struct facts {
    int64_t delimiter, columns, files, name_bytes, path_bytes;
};

const char *csv_reason_text(enum csv_reason reason)
{
#define CSV_REASON_TEXT(name, text) text,
    static const char *const texts[] = {CSV_REASON_LIST(CSV_REASON_TEXT)};
#undef CSV_REASON_TEXT
    return reason < CSV_REASONS ? texts[reason] : "unknown reason";
}

void csv_bad_describe(const struct csv *csv, const struct csv_bad *bad, char *buffer, size_t bytes)
{
    csv_header_describe(csv->file_name[bad->file], csv->columns, bad, buffer, bytes);
}

/* A field, with `before` in front of its text. */
static size_t put_field(const char *before, const char *text, size_t bytes, char delimiter,
                        char *out)
{
    bool needed = bytes > 0 && (text[0] == ' ' || text[bytes - 1] == ' ');
    size_t at = 0;
    for (size_t i = 0; i < bytes && !needed; i++)
        needed = text[i] == delimiter || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
    if (needed) out[at++] = '"';
    while (*before != 0) out[at++] = *before++;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '"') out[at++] = '"';
        out[at++] = text[i];
    }
    if (needed) out[at++] = '"';
    return at;
}

size_t csv_quote(const char *text, size_t bytes, char delimiter, char *out)
{
    return put_field("", text, bytes, delimiter, out);
}

static bool is_number(const char *text, size_t bytes)
{
    size_t at = 1;
    while (at < bytes && ((text[at] >= '0' && text[at] <= '9') || text[at] == '.')) at++;
    return at == bytes && at > 1 && (text[0] == '-' || text[0] == '+');
}

size_t csv_guard(const char *text, size_t bytes, char delimiter, char *out)
{
    size_t sign = 0;
    while (sign < bytes && text[sign] == '\'') sign++;
    bool guarded = sign < bytes && text[sign] != 0 && strchr("=+-@\t\r\n", text[sign]) != NULL &&
                   !is_number(text, bytes);
    return put_field(guarded ? "'" : "", text, bytes, delimiter, out);
}

/* ---- the files of a table, by rank 0 ---- */

/* The n-th of texts that stand one after the other. */
static const char *text_at(const char *texts, int64_t n)
{
    for (; n > 0; n--) texts += strlen(texts) + 1;
    return texts;
}

/* The first difference from the first file's header. */
static enum status refuse_header(const char *first_path, const struct csv_header *first,
                                 const char *path, const struct csv_header *header)
{
    int64_t j = 0, both = first->columns < header->columns ? first->columns : header->columns;
    while (j < both && strcmp(text_at(first->name, j), text_at(header->name, j)) == 0) j++;
    if (j < both)
        return FAIL(ERR_DATA,
                    "%s: column %lld is called \"%.100s\", in %s \"%.100s\"; all files of a table "
                    "need the same header",
                    path, (long long)j + 1, text_at(header->name, j), first_path,
                    text_at(first->name, j));
    const struct csv_header *longer = first->columns > both ? first : header;
    return FAIL(
        ERR_DATA,
        "%s has %lld columns and %s %lld: column %lld, \"%.100s\", is only in one; all files "
        "of a table need the same header",
        path, (long long)header->columns, first_path, (long long)first->columns, (long long)j + 1,
        text_at(longer->name, j));
}

static enum status read_other(const struct csv *csv, const char *first_path,
                              const struct csv_header *first, const char *path,
                              struct csv_file *file)
{
    struct csv_options options = csv->options;
    struct csv_header header = {0};
    options.delimiter = first->delimiter;
    enum status status = csv_header_read(path, &options, &header);
    *file = header.file;
    if (status == OK && (header.name_bytes != first->name_bytes ||
                         memcmp(header.name, first->name, (size_t)first->name_bytes) != 0))
        status = refuse_header(first_path, first, path, &header);
    csv_header_clear(&header);
    return status;
}

static enum status read_headers(struct csv *csv, const struct file_list *list,
                                struct csv_header *first)
{
    enum status status = OK;
    TRY(memory_new(&csv->file, list->count, sizeof *csv->file));
    TRY(csv_header_read(list->path[0], &csv->options, first));
    csv->file[0] = first->file;
    for (int64_t f = 1; f < list->count; f++)
        TRY(read_other(csv, list->path[0], first, list->path[f], &csv->file[f]));
done:
    return status;
}

static enum status join_paths(const struct file_list *list, char **paths, int64_t *path_bytes)
{
    int64_t at = 0;
    for (int64_t f = 0; f < list->count; f++) at += (int64_t)strlen(list->path[f]) + 1;
    enum status status = memory_new(paths, at, 1);
    *path_bytes = at;
    if (status != OK) return status;
    at = 0;
    for (int64_t f = 0; f < list->count; f++) {
        size_t bytes = strlen(list->path[f]) + 1;
        memcpy(*paths + at, list->path[f], bytes);
        at += (int64_t)bytes;
    }
    return OK;
}

static enum status open_alone(struct csv *csv, struct facts *facts, char **names, char **paths)
{
    enum status status = OK;
    struct file_list list = {0};
    struct csv_header first = {0};
    TRY(file_list_make(csv->path, &list));
    TRY(read_headers(csv, &list, &first));
    TRY(join_paths(&list, paths, &facts->path_bytes));
    facts->files = list.count;
    facts->delimiter = first.delimiter;
    facts->columns = first.columns;
    facts->name_bytes = first.name_bytes;
    *names = first.name;
    first.name = NULL;
done:
    file_list_clear(&list);
    csv_header_clear(&first);
    return status;
}

/* ---- opening ---- */

static enum status check_options(const struct csv_options *options)
{
    char delimiter = options->delimiter;
    if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' ||
        (unsigned char)delimiter > 127)
        return FAIL(ERR_ARG,
                    "a CSV delimiter must be an ASCII character, no quote and no line end");
    if (options->ranges < 1 || options->chunk_bytes < 1 || options->field_bytes_max < 1 ||
        options->chunk_bytes > 1 << 30 || options->row_bytes_max > 1 << 30 ||
        options->row_bytes_max < options->field_bytes_max ||
        options->row_bytes_max <= CSV_VALUE_MAX)
        return FAIL(ERR_ARG, "CSV ranges, chunk and limits must be positive and at most 1 GiB, the "
                             "row limit above 1 KiB and not below the field limit");
    return OK;
}

static enum status new_csv(const char *path, const struct csv_options *options, struct csv **csv)
{
    enum status status = OK;
    struct csv *fresh = NULL;
    TRY(check_options(options));
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    TRY(memory_new(&fresh->path, (int64_t)strlen(path) + 1, 1));
    memcpy(fresh->path, path, strlen(path));
    fresh->options = *options;
    *csv = fresh;
    fresh = NULL;
done:
    csv_free(&fresh);
    return status;
}

/* Pointers to texts that stand one after the other; the first owns them all. */
static enum status point_to(char **texts, int64_t count, char ***pointer)
{
    enum status status = memory_new(pointer, count, sizeof **pointer);
    if (status != OK) return status;
    char *at = *texts;
    for (int64_t i = 0; i < count; i++, at += strlen(at) + 1) (*pointer)[i] = at;
    *texts = NULL;
    return OK;
}

static enum status make_room(const struct facts *facts, struct csv *csv, char **names, char **paths)
{
    enum status status = OK;
    TRY(memory_new(&csv->file, facts->files, sizeof *csv->file));
    TRY(memory_new(names, facts->name_bytes, 1));
    TRY(memory_new(paths, facts->path_bytes, 1));
done:
    return status;
}

/* A small table needs no large chunk; what a gzip file holds is not known. */
static void fit_chunk(struct csv *csv)
{
    int64_t bytes = 1;
    for (int64_t f = 0; f < csv->files; f++) {
        if (csv->file[f].gzip) return;
        bytes += csv->file[f].bytes;
    }
    if (bytes < csv->options.chunk_bytes) csv->options.chunk_bytes = bytes;
}

static enum status take_texts(const struct facts *facts, struct csv *csv, char **names,
                              char **paths)
{
    enum status status = OK;
    csv->options.delimiter = (char)facts->delimiter;
    csv->columns = facts->columns;
    csv->files = facts->files;
    fit_chunk(csv);
    TRY(point_to(names, facts->columns, &csv->name));
    TRY(point_to(paths, facts->files, &csv->file_name));
done:
    return status;
}

enum status csv_open(const struct comm *comm, const char *path, const struct csv_options *options,
                     struct csv **csv)
{
    enum status status = OK;
    struct csv_options defaults = CSV_DEFAULTS;
    struct facts facts = {0};
    struct csv *fresh = NULL;
    char *names = NULL, *paths = NULL;
    *csv = NULL;
    TRY_ALL(comm, new_csv(path, options != NULL ? options : &defaults, &fresh));
    TRY_ALL(comm, comm->rank == 0 ? open_alone(fresh, &facts, &names, &paths) : OK);
    comm_broadcast(comm, &facts, (int64_t)sizeof facts, 0);
    TRY_ALL(comm, comm->rank == 0 ? OK : make_room(&facts, fresh, &names, &paths));
    comm_broadcast(comm, fresh->file, facts.files * (int64_t)sizeof *fresh->file, 0);
    comm_broadcast(comm, names, facts.name_bytes, 0);
    comm_broadcast(comm, paths, facts.path_bytes, 0);
    TRY_ALL(comm, take_texts(&facts, fresh, &names, &paths));
    *csv = fresh;
    fresh = NULL;
done:
    free(names);
    free(paths);
    csv_free(&fresh);
    return status;
}

int64_t csv_column(const struct csv *csv, const char *name)
{
    for (int64_t j = 0; j < csv->columns; j++)
        if (strcmp(csv->name[j], name) == 0) return j;
    return -1;
}

void csv_free(struct csv **csv)
{
    if (*csv == NULL) return;
    if ((*csv)->name != NULL) free((*csv)->name[0]); /* one allocation for all names */
    if ((*csv)->file_name != NULL) free((*csv)->file_name[0]);
    free((*csv)->name);
    free((*csv)->file_name);
    free((*csv)->file);
    free((*csv)->path);
    free(*csv);
    *csv = NULL;
}
