/* What a file holds. */
#include "jobs/info.h"

#include "io/csv.h"
#include "io/store_list.h"
#include "jobs/page.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status print_page(struct page **page)
{
    char *text = NULL;
    int64_t bytes = 0;
    enum status status = page_take(page, &text, &bytes);
    if (status == OK) fwrite(text, 1, (size_t)bytes, stdout);
    free(text);
    return status;
}

/* ---- HDF5 ---- */

static enum status print_set(void *context, const struct store_facts *facts)
{
    char shape[48];
    (void)context;
    if (facts->width > 1)
        snprintf(shape, sizeof shape, "%lld x %lld", (long long)facts->rows,
                 (long long)facts->width);
    else
        snprintf(shape, sizeof shape, "%lld", (long long)facts->rows);
    printf("%-28s %-16s %-16s", facts->name, shape, facts->type);
    if (facts->offset >= 0)
        printf(" at byte %lld", (long long)facts->offset);
    else
        printf(" no bytes");
    if (facts->unit[0] != 0) printf("; %s", facts->unit);
    if (facts->help[0] != 0) printf("; %s", facts->help);
    putchar('\n');
    return OK;
}

static enum status print_store(const char *path)
{
    enum status status = OK;
    const struct comm comm = comm_alone();
    struct store *store = NULL;
    TRY(store_open(&comm, path, &store));
    printf("%s: HDF5\n", path);
    TRY(store_list(store, print_set, NULL));
done:
    store_close(&comm, &store);
    return status;
}

/* ---- CSV ---- */

/* The first field of each column that is not empty. */
struct samples {
    char (*text)[64]; /* [columns] */
    int64_t bad;
};

static enum status take_row(void *context, const struct csv_row *row)
{
    struct samples *samples = context;
    for (int64_t c = 0; c < row->fields; c++)
        if (samples->text[c][0] == 0)
            snprintf(samples->text[c], sizeof *samples->text, "%.*s",
                     (int)(row->field[c].bytes < 60 ? row->field[c].bytes : 60),
                     row->field[c].text);
    return OK;
}

static enum status take_bad(void *context, const struct csv_bad *bad)
{
    struct samples *samples = context;
    (void)bad;
    samples->bad++;
    return OK;
}

static const char *delimiter_name(char delimiter)
{
    return delimiter == ',' ? "comma" : delimiter == ';' ? "semicolon" : "tab";
}

static enum status print_csv(const char *path)
{
    static const char *const heads[] = {"<column", "<first value", NULL};
    enum status status = OK;
    const struct comm comm = comm_alone();
    struct csv *csv = NULL;
    struct page *page = NULL;
    struct samples samples = {0};
    TRY(csv_open(&comm, path, NULL, &csv));
    samples.text = calloc((size_t)csv->columns + 1, sizeof *samples.text);
    if (samples.text == NULL) TRY(FAIL(ERR_MEMORY, "no memory for %s", path));
    TRY(csv_read(&comm, csv, take_row, take_bad, &samples));
    TRY(page_new(&page));
    page_say(page, 0, "%s: CSV, %lld rows of %lld columns, parted by %s", path,
             (long long)csv->counts.rows, (long long)csv->columns,
             delimiter_name(csv->options.delimiter));
    if (samples.bad > 0)
        page_say(page, 0, "%lld rows cannot be taken as they stand", (long long)samples.bad);
    page_begin_table(page, heads);
    for (int64_t c = 0; c < csv->columns; c++) {
        page_cell(page, "%s", csv->name[c]);
        page_cell(page, "%s", samples.text[c]);
    }
    page_end_table(page);
    TRY(print_page(&page));
done:
    page_free(&page);
    free(samples.text);
    csv_free(&csv);
    return status;
}

/* ---- JSON ---- */

static enum status print_json(const char *path)
{
    json_error_t error;
    const char *name = NULL;
    json_t *value = NULL, *object = json_load_file(path, 0, &error);
    if (object == NULL)
        return FAIL(ERR_DATA, "%s:%d: no valid JSON: %s", path, error.line, error.text);
    printf("%s: JSON\n", path);
    json_object_foreach(object, name, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (text != NULL) printf("%-28s %.80s%s\n", name, text, strlen(text) > 80 ? "..." : "");
        free(text);
    }
    json_decref(object);
    return OK;
}

enum status info_file(const char *path)
{
    static const unsigned char mark[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char begin[sizeof mark] = {0};
    FILE *file = fopen(path, "rbe");
    if (file == NULL) return FAIL(ERR_NO_INPUT, "%s: %m; check the path", path);
    size_t got = fread(begin, 1, sizeof begin, file);
    fclose(file);
    bool store = got == sizeof begin && memcmp(begin, mark, sizeof mark) == 0;
    if (store) return print_store(path);
    return begin[0] == '{' ? print_json(path) : print_csv(path);
}
