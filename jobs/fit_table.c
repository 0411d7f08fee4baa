/* Columns of a table for `remise fit`: named, chosen, refused. */
#include "jobs/fit_table.h"

#include "io/csv.h"
#include "io/parse.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 512, MESSAGE_BYTES = 1024 };

/* ---- names on the command line ---- */

/* About the user's words: the message has no place in our code behind it. */
__attribute__((format(printf, 1, 2))) static enum status wrong(const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    status_set_message(message);
    return ERR_USAGE;
}

/* Move a quoted name to the front of its place, doubled quotes halved; *at behind its last quote,
 * or NULL if there is none. */
static char *take_quoted(char **at)
{
    char *name = *at, *to = name, *from = name + 1;
    while (*from != 0 && (*from != '"' || from[1] == '"')) {
        from += *from == '"';
        *to++ = *from++;
    }
    *at = *from == '"' ? from + 1 : NULL;
    *to = 0;
    return name;
}

/* The next name; *at at the comma behind it or at the end. */
static enum status take_name(char **at, char **name, char *end)
{
    char *from = *at + strspn(*at, " \t");
    bool quoted = *from == '"';
    *at = from;
    if (quoted) {
        *name = take_quoted(at);
        if (*at == NULL) return wrong("the quote before %s is not closed", *name);
        *at += strspn(*at, " \t");
        if (**at != ',' && **at != 0)
            return wrong("a comma is expected behind \"%s\", not \"%s\"", *name, *at);
    } else {
        *name = from;
        *at += strcspn(from, ",");
    }
    *end = **at;
    **at = 0;
    for (char *c = *at; !quoted && c > from && isblank((unsigned char)c[-1]);) *--c = 0;
    return **name != 0 ? OK : wrong("a name between two commas is empty");
}

static bool has_name(const struct csv *csv, const char *name)
{
    for (int64_t j = 0; j < csv->columns; j++)
        if (strcmp(csv->name[j], name) == 0) return true;
    return false;
}

/* Append to a list in text[LIST_BYTES]; what does not fit is cut off. */
__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(text);
    va_start(arguments, format);
    vsnprintf(text + used, LIST_BYTES - used, format, arguments);
    va_end(arguments);
}

static enum status no_usual_name(const struct csv *csv, const char *name)
{
    char known[LIST_BYTES] = "";
    for (int64_t j = 0; j < csv->columns; j++)
        append(known, "%s%s", j > 0 ? ", " : "", csv->name[j]);
    return FAIL(ERR_DATA, "%s has no column \"%s\"; say which it is (see --help) of %s", csv->path,
                name, known);
}

enum status fit_table_usual_names(const struct comm *comm, const char *path,
                                  const char *const usual[][FIT_USUAL_NAMES], int64_t count,
                                  const char **names)
{
    enum status status = OK;
    struct csv *csv = NULL;
    TRY(csv_open(comm, path, NULL, &csv));
    for (int64_t i = 0; i < count; i++) {
        for (int u = 0; u < FIT_USUAL_NAMES && names[i] == NULL && usual[i][u] != NULL; u++)
            if (has_name(csv, usual[i][u])) names[i] = usual[i][u];
        if (names[i] == NULL) TRY_ALL(comm, no_usual_name(csv, usual[i][0]));
    }
done:
    csv_free(&csv);
    return status;
}

static bool parse_whole(const char **text, int64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoll(*text, &end, 10);
    bool read = isdigit((unsigned char)**text) != 0 && errno == 0 && *value >= 1;
    *text = end;
    return read;
}

bool fit_range_parse(const char *text, int64_t *first, int64_t *last)
{
    if (!parse_whole(&text, first)) return false;
    *last = *first;
    if (*text == '\0') return true;
    text += strncmp(text, "..", 2) == 0 ? 2 : *text == '-' || *text == ':' ? 1 : 0;
    return parse_whole(&text, last) && *text == '\0' && *last >= *first;
}

int64_t fit_restarts(int64_t rows)
{
    const int64_t most = 10, million = 1000000;
    return rows * most <= million ? most : rows >= million ? 1 : million / rows;
}

enum status fit_names_parse(char *text, char ***names, int64_t *count)
{
    enum status status = OK;
    int64_t room = 1;
    char **fresh = NULL, *at = text, end = ',';
    *names = NULL;
    *count = 0;
    for (const char *c = text; *c != 0; c++) room += *c == ',';
    TRY(memory_new(&fresh, room, sizeof *fresh));
    int64_t n = 0;
    for (; end == ','; at++, n++) {
        TRY(take_name(&at, &fresh[n], &end));
        for (int64_t i = 0; i < n; i++)
            if (strcmp(fresh[i], fresh[n]) == 0) TRY(wrong("%s is named twice", fresh[n]));
    }
    *names = fresh;
    *count = n;
    fresh = NULL;
done:
    free(fresh);
    return status;
}

/* ---- reading ---- */

static bool lacks(const struct table_column *column, int64_t row)
{
    return column->type == COLUMN_TEXT ? column->code[row] < 0 : !isfinite(column->number[row]);
}

static enum status count_missing(const struct comm *comm, struct fit_table *t)
{
    enum status status = OK;
    const struct table *table = t->table;
    TRY_ALL(comm, memory_new(&t->missing, table->columns, sizeof *t->missing));
    for (int64_t j = 0; j < table->columns; j++)
        for (int64_t i = 0; i < table->blocks.rows_local; i++)
            t->missing[j] += lacks(&table->column[j], i);
    comm_sum_int64(comm, t->missing, table->columns);
done:
    return status;
}

enum status fit_table_read_ids(const struct comm *comm, const char *path, const char *const *names,
                               int64_t count, const char *const *ids, int64_t ids_count,
                               struct fit_table *t)
{
    enum status status = OK;
    *t = (struct fit_table){.path = path};
    TRY(table_read_ids(comm, path, count > 0 ? names : NULL, count, ids, ids_count, &t->table));
    if (t->table->blocks.rows_total == 0)
        TRY(FAIL(ERR_DATA, "%s has no rows below its header; there is nothing to fit", path));
    TRY(count_missing(comm, t));
done:
    return status;
}

enum status fit_table_read(const struct comm *comm, const char *path, const char *const *names,
                           int64_t count, struct fit_table *t)
{
    return fit_table_read_ids(comm, path, names, count, NULL, 0, t);
}

void fit_table_clear(struct fit_table *t)
{
    table_free(&t->table);
    free(t->missing);
    *t = (struct fit_table){0};
}

/* ---- what is said of columns ---- */

enum status fit_table_find(const struct fit_table *t, const char *name, int64_t *at)
{
    char known[LIST_BYTES] = "";
    *at = table_find(t->table, name);
    if (*at >= 0) return OK;
    for (int64_t j = 0; j < t->table->columns; j++)
        append(known, "%s%s", j > 0 ? ", " : "", t->table->column[j].name);
    return FAIL(ERR_DATA, "%s has no column \"%.100s\"; it has %s", t->path, name, known);
}

const char *fit_table_example(const struct table_column *column)
{
    double number;
    for (int64_t level = 0; level < column->levels.count; level++) {
        const char *text = dictionary_text(&column->levels, level);
        if (!parse_number(text, strlen(text), &number)) return text;
    }
    return column->levels.count > 0 ? dictionary_text(&column->levels, 0) : "";
}

/* 3,5 and -0,25 */
static bool has_decimal_comma(const char *text)
{
    text += strspn(text, "+-");
    size_t whole = strspn(text, "0123456789");
    if (whole == 0 || text[whole] != ',') return false;
    text += whole + 1;
    return *text != 0 && text[strspn(text, "0123456789")] == 0;
}

const char *fit_table_remedy(const char *example, const char *remedy)
{
    return has_decimal_comma(example) ? "write numbers with a decimal point, not a comma" : remedy;
}

enum status fit_table_refuse_text(const struct fit_table *t, int64_t column, const char *remedy)
{
    const struct table_column *text = &t->table->column[column];
    const char *example = fit_table_example(text);
    return FAIL(ERR_DATA, "%s: column \"%s\" holds text (\"%.60s\"); %s", t->path, text->name,
                example, fit_table_remedy(example, remedy));
}

int64_t fit_table_numbers(const struct fit_table *t, int64_t except, int64_t *at)
{
    char others[LIST_BYTES] = "";
    int64_t count = 0;
    for (int64_t j = 0; j < t->table->columns; j++) {
        const struct table_column *column = &t->table->column[j];
        const char *comma = *others != 0 ? ", " : "";
        if (j == except) continue;
        if (column->type == COLUMN_TEXT)
            append(others, "%s\"%s\" (%s, \"%.30s\")", comma, column->name,
                   has_decimal_comma(fit_table_example(column)) ? "a decimal comma" : "text",
                   fit_table_example(column));
        else if (*column->name == 0)
            append(others, "%scolumn %" PRId64 " (no name)", comma, j + 1);
        else if (t->missing[j] == t->table->blocks.rows_total)
            append(others, "%s\"%s\" (no value)", comma, column->name);
        else
            at[count++] = j;
    }
    if (*others != 0) log_warning("%s: left out: %s", t->path, others);
    return count;
}

/* ---- rows left out ---- */

static int64_t place(struct fit_columns used, int64_t j)
{
    return used.at != NULL ? used.at[j] : j;
}

/* The column used that lacks most rows; the first of equals. */
static int64_t emptiest(const struct fit_table *t, struct fit_columns used)
{
    int64_t worst = place(used, 0);
    for (int64_t j = 1; j < used.count; j++)
        if (t->missing[place(used, j)] > t->missing[worst]) worst = place(used, j);
    return worst;
}

enum status fit_table_tell_left_out(const struct fit_table *t, struct fit_columns used,
                                    int64_t left_out)
{
    char list[LIST_BYTES] = "";
    int64_t rows = t->table->blocks.rows_total;
    if (left_out == rows) {
        int64_t worst = emptiest(t, used);
        return FAIL(ERR_DATA,
                    "%s: none of the %" PRId64 " rows has a value in every column used; \"%s\" "
                    "lacks %" PRId64 ": fill it or do without it",
                    t->path, rows, t->table->column[worst].name, t->missing[worst]);
    }
    for (int64_t j = 0; j < used.count; j++)
        if (t->missing[place(used, j)] > 0)
            append(list, "%s\"%s\" lacks %" PRId64, *list != 0 ? ", " : "",
                   t->table->column[place(used, j)].name, t->missing[place(used, j)]);
    if (left_out > 0)
        log_warning("%s: %" PRId64 " of %" PRId64
                    " rows left out, a value is missing or infinite: %s",
                    t->path, left_out, rows, list);
    return OK;
}

enum status fit_table_blame(const struct fit_table *t, enum status status)
{
    char message[MESSAGE_BYTES];
    if (status == OK) return OK;
    snprintf(message, sizeof message, "%.300s: %.700s", t->path, status_message());
    status_set_message(message);
    return status;
}
