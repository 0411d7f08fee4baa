/* Roles from columns. */
#include "jobs/mapping.h"

#include "io/parse.h"
#include "jobs/suggest.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The years 0000 to 9999: beyond are milliseconds, or seconds of another epoch. */
#define TIME_FIRST INT64_C(-62167219200)
#define TIME_LAST INT64_C(253402300799)

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static int64_t resolve(const void *context, const char *name)
{
    return csv_column(context, name);
}

/* What the role's mapping says is wrong, with the columns there are. */
static enum status refuse_role(const struct config *config, const char *table,
                               const struct csv *csv, const char *role, const char *reason)
{
    char key[96], columns[512] = "";
    size_t used = 0;
    snprintf(key, sizeof key, "%s.columns.%s", table, role);
    for (int64_t c = 0; c < csv->columns && used + 1 < sizeof columns; c++)
        used += (size_t)snprintf(columns + used, sizeof columns - used, "%s%s", c > 0 ? ", " : "",
                                 csv->name[c]);
    return FAIL(ERR_CONFIG, "%s: %s: %s; %s has the columns %s", config_origin(config, key), key,
                reason, csv->path, columns);
}

static enum status refuse_column(const struct config *config, const char *table,
                                 const struct csv *csv, const char *role, const char *source)
{
    struct suggestion suggestion = SUGGESTION(source);
    char reason[512];
    for (int64_t c = 0; c < csv->columns; c++) suggestion_offer(&suggestion, csv->name[c]);
    if (suggestion.best != NULL)
        snprintf(reason, sizeof reason, "there is no column \"%.100s\"; did you mean \"%.100s\"?",
                 source, suggestion.best);
    else
        snprintf(reason, sizeof reason, "there is no column \"%.100s\"", source);
    return refuse_role(config, table, csv, role, reason);
}

static enum status compile_expression(const struct config *config, const char *table,
                                      const struct csv *csv, const char *source,
                                      struct mapping_role *role)
{
    char reason[512];
    if (expression_compile(source, resolve, csv, &role->expression) == OK) return OK;
    bool name = strspn(source, NAME_LETTERS) == strlen(source);
    if (name) return refuse_column(config, table, csv, role->name, source);
    snprintf(reason, sizeof reason, "%.500s", status_message());
    return refuse_role(config, table, csv, role->name, reason);
}

static enum status compile_role(const struct config *config, const char *table,
                                const struct csv *csv, bool text, struct mapping_role *role)
{
    enum status status = OK;
    const char *source = config_column(config, table, role->name);
    role->column = -1;
    if (source == NULL) return OK;
    role->column =
        csv_column(csv, source); /* a column's plain name wins, whatever signs it holds */
    if (role->column >= 0 && text) return OK;
    if (text) return refuse_column(config, table, csv, role->name, source);
    if (role->column < 0) {
        TRY(compile_expression(config, table, csv, source, role));
        role->column = expression_column(role->expression);
        role->used = expression_columns(role->expression, NULL);
        TRY(memory_new(&role->uses, role->used, sizeof *role->uses));
        expression_columns(role->expression, role->uses);
    }
done:
    return status;
}

enum status mapping_open(const struct config *config, const char *table, const struct csv *csv,
                         const char *const *names, int64_t roles, int64_t texts,
                         struct mapping *mapping)
{
    enum status status = OK;
    *mapping = (struct mapping){0};
    TRY(memory_new(&mapping->role, roles, sizeof *mapping->role));
    TRY(memory_new(&mapping->value, csv->columns, sizeof *mapping->value));
    mapping->roles = roles;
    for (int64_t r = 0; r < roles; r++) {
        mapping->role[r].name = names[r];
        TRY(compile_role(config, table, csv, r < texts, &mapping->role[r]));
    }
done:
    if (status != OK) mapping_clear(mapping);
    return status;
}

void mapping_clear(struct mapping *mapping)
{
    for (int64_t r = 0; r < mapping->roles; r++) {
        expression_free(&mapping->role[r].expression);
        free(mapping->role[r].uses);
    }
    free(mapping->role);
    free(mapping->value);
    *mapping = (struct mapping){0};
}

bool mapping_has(const struct mapping *mapping, int64_t role)
{
    return mapping->role[role].expression != NULL || mapping->role[role].column >= 0;
}

enum mapping_result mapping_text(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                 struct csv_field *field)
{
    mapping->bad_column = mapping->role[role].column;
    if (mapping->role[role].column < 0) return MAPPING_MISSING;
    *field = row->field[mapping->role[role].column];
    return parse_is_missing(field->text, field->bytes) ? MAPPING_MISSING : MAPPING_VALUE;
}

enum mapping_result mapping_name(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                 struct csv_field *field)
{
    enum mapping_result result = mapping_text(mapping, role, row, field);
    return result == MAPPING_VALUE && field->bytes > MAPPING_NAME_BYTES ? MAPPING_BAD : result;
}

static enum mapping_result column_number(struct mapping *mapping, int64_t column,
                                         const struct csv_row *row, double *value)
{
    const struct csv_field *field = &row->field[column];
    *value = NAN;
    mapping->bad_column = column;
    if (parse_is_missing(field->text, field->bytes)) return MAPPING_MISSING;
    return parse_number(field->text, field->bytes, value) && isfinite(*value) ? MAPPING_VALUE
                                                                              : MAPPING_BAD;
}

enum mapping_result mapping_number(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                   double *value)
{
    const struct mapping_role *r = &mapping->role[role];
    *value = NAN;
    if (r->column >= 0) return column_number(mapping, r->column, row, value);
    mapping->bad_column = -1;
    if (r->expression == NULL) return MAPPING_MISSING;
    for (int64_t i = 0; i < r->used; i++) {
        int64_t column = r->uses[i];
        if (column_number(mapping, column, row, &mapping->value[column]) == MAPPING_BAD)
            return MAPPING_BAD;
    }
    double result = expression_evaluate(r->expression, mapping->value);
    mapping->bad_column = r->used > 0 ? r->uses[0] : -1;
    if (!isfinite(result)) return MAPPING_MISSING;
    *value = result;
    return MAPPING_VALUE;
}

static bool read_word(const struct csv_field *field, bool *value)
{
    static const char *const words[] = {"no", "false", "n", "f", "yes", "true", "y", "t"};
    const char *text = field->text;
    size_t bytes = field->bytes;
    while (bytes > 0 && (text[0] == ' ' || text[0] == '\t')) text++, bytes--;
    while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t')) bytes--;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        if (strlen(words[w]) == bytes && strncasecmp(words[w], text, bytes) == 0) {
            *value = w >= 4;
            return true;
        }
    return false;
}

enum mapping_result mapping_flag(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                 bool *value)
{
    double number = 0;
    enum mapping_result result = mapping_number(mapping, role, row, &number);
    if (result == MAPPING_VALUE) *value = number > 0.0;
    int64_t column = mapping->role[role].column;
    if (result == MAPPING_BAD && column >= 0 && read_word(&row->field[column], value))
        return MAPPING_VALUE;
    return result;
}

enum mapping_result mapping_time(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                 int64_t *time)
{
    struct csv_field field;
    enum mapping_result result = mapping_text(mapping, role, row, &field);
    if (result != MAPPING_VALUE) return result;
    bool good =
        parse_time(field.text, field.bytes, time) && *time >= TIME_FIRST && *time <= TIME_LAST;
    return good ? MAPPING_VALUE : MAPPING_BAD;
}
