/* Reading the users: their attributes, as numbers where every value is one and as levels
 * elsewhere. */
#include "jobs/ingest_read.h"

#include "io/parse.h"
#include "jobs/mapping.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum role { ROLE_USER, ROLE_MARKET, ROLE_GROUP, ROLE_TEXTS, ROLE_CONSENT = ROLE_TEXTS, ROLES };

static const char *const role_names[ROLES] = {"user_id", "market", "group", "consent"};

enum { LEVELS_MAX = 65536 };

struct reader {
    struct ingest *ingest;
    struct mapping map;
    struct rejects rejects;
    int64_t *column;          /* [attributes] column of the file */
    struct text_set **values; /* [attributes] distinct values met here; "" for missing */
};

int64_t ingest_user(struct user_set *users, const char *id, size_t bytes)
{
    int64_t before = text_set_count(users->ids), code = text_set_code(users->ids, id, bytes);
    if (code < before) return code; /* known, or out of memory */
    if (code >= users->capacity) {
        int64_t capacity = users->capacity > 0 ? 2 * users->capacity : 4096;
        if (memory_grow(&users->key, users->capacity, capacity, sizeof *users->key) != OK)
            return -1;
        users->capacity = capacity;
    }
    users->key[code] = user_key_of(users->secret, id, bytes);
    return code;
}

/* ---- which columns are attributes ---- */

static enum status add_attribute(struct reader *reader, const char *name, int64_t column)
{
    struct ingest_records *records = &reader->ingest->records;
    int64_t at = records->attributes;
    records->attribute_name[at] = strdup(name);
    reader->values[at] = text_set_new();
    reader->column[at] = column;
    records->attributes = at + 1;
    bool made = records->attribute_name[at] != NULL && reader->values[at] != NULL;
    return made ? OK : FAIL(ERR_MEMORY, "no memory for attribute %s", name);
}

/* Each attribute once, also under the name of a role, and never the protected group. */
static enum status check_attribute(const struct reader *reader, const char *name, int64_t column)
{
    const struct ingest_records *records = &reader->ingest->records;
    bool twice = strcmp(name, "market") == 0 && mapping_has(&reader->map, ROLE_MARKET);
    for (int64_t a = 0; a < records->attributes; a++)
        twice |= strcmp(name, records->attribute_name[a]) == 0;
    if (twice)
        return FAIL(ERR_CONFIG, "users.attributes: %s is an attribute already; name it once", name);
    if (mapping_has(&reader->map, ROLE_GROUP) && column == reader->map.role[ROLE_GROUP].column)
        return FAIL(ERR_CONFIG,
                    "users.attributes: %s is the protected group (users.columns.group), never an "
                    "input of a model; leave it out",
                    name);
    return OK;
}

static enum status find_attributes(struct reader *reader, const struct csv *csv)
{
    enum status status = OK;
    struct ingest_records *records = &reader->ingest->records;
    const char *const *names = NULL;
    int64_t count = config_texts(reader->ingest->config, "users.attributes", &names);
    TRY(memory_new(&records->attribute_name, count + 2, sizeof *records->attribute_name));
    TRY(memory_new(&records->attribute_levels, count + 2, sizeof *records->attribute_levels));
    TRY(memory_new(&reader->column, count + 2, sizeof *reader->column));
    TRY(memory_new(&reader->values, count + 2, sizeof *reader->values));
    for (int64_t a = 0; a < count; a++) {
        int64_t column = csv_column(csv, names[a]);
        if (column < 0)
            TRY(FAIL(ERR_CONFIG,
                     "users.attributes: %s has no column \"%s\"; see its first line for the names",
                     csv->path, names[a]));
        TRY(check_attribute(reader, names[a], column));
        TRY(add_attribute(reader, names[a], column));
    }
    if (mapping_has(&reader->map, ROLE_MARKET))
        TRY(add_attribute(reader, "market", reader->map.role[ROLE_MARKET].column));
    records->grouped = mapping_has(&reader->map, ROLE_GROUP);
    if (records->grouped) TRY(add_attribute(reader, "group", reader->map.role[ROLE_GROUP].column));
done:
    return status;
}

/* ---- rows ---- */

static enum status refuse(struct reader *reader, const struct csv_field *id)
{
    struct ingest_records *records = &reader->ingest->records;
    return refusals_add(&records->refusals,
                        user_key_of(records->users.secret, id->text, id->bytes));
}

static enum status keep_user(struct reader *reader, const struct csv_row *row,
                             const struct csv_field *id)
{
    enum status status = OK;
    struct ingest *ingest = reader->ingest;
    struct ingest_records *records = &ingest->records;
    size_t bytes = user_row_bytes(records);
    if (records->user_rows == ingest->user_capacity) {
        int64_t capacity = ingest->user_capacity > 0 ? ingest->user_capacity * 3 / 2 : 4096;
        TRY(memory_grow(&records->user_row, records->user_rows, capacity, bytes));
        ingest->user_capacity = capacity;
    }
    int64_t code = ingest_user(&records->users, id->text, id->bytes);
    if (code < 0) TRY(FAIL(ERR_MEMORY, "no memory for user ids; use more ranks"));
    unsigned char *to = records->user_row + (size_t)records->user_rows * bytes;
    memcpy(to, &records->users.key[code], sizeof(struct user_key));
    for (int64_t a = 0; a < records->attributes; a++) {
        const struct csv_field *field = &row->field[reader->column[a]];
        bool missing = parse_is_missing(field->text, field->bytes);
        double value =
            (double)text_set_code(reader->values[a], field->text, missing ? 0 : field->bytes);
        if (value < 0) TRY(FAIL(ERR_MEMORY, "no memory for attribute values"));
        memcpy(to + sizeof(struct user_key) + (size_t)a * sizeof value, &value, sizeof value);
    }
    records->user_rows++;
    reader->rejects.kept++;
done:
    return status;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    struct reader *reader = context;
    enum status status = OK;
    struct csv_field id;
    bool consents = true;
    reader->rejects.read++;
    enum mapping_result named = mapping_name(&reader->map, ROLE_USER, row, &id);
    if (named == MAPPING_BAD)
        return rejects_add(&reader->rejects, 1U << REJECT_long_name, row->line,
                           reader->map.role[ROLE_USER].column, id.text, id.bytes);
    if (named != MAPPING_VALUE)
        return rejects_add(&reader->rejects, 1U << REJECT_missing_user, row->line,
                           reader->map.role[ROLE_USER].column, "", 0);
    /* an answer nobody understands is taken for a no, and the row for a bad one */
    enum mapping_result answer = mapping_flag(&reader->map, ROLE_CONSENT, row, &consents);
    if (!consents || answer == MAPPING_BAD) TRY(refuse(reader, &id));
    if (answer != MAPPING_BAD) return keep_user(reader, row, &id);
    const struct csv_field *bad = &row->field[reader->map.bad_column];
    TRY(rejects_add(&reader->rejects, 1U << REJECT_bad_number, row->line, reader->map.bad_column,
                    bad->text, bad->bytes));
done:
    return status;
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    struct reader *reader = context;
    return rejects_add_malformed(&reader->rejects, bad);
}

/* ---- types and final values ---- */

/* number[c] = the value of code c; returns whether every value met here is a number or missing */
static bool all_numbers(const struct text_set *values, double *number)
{
    for (int64_t c = 0; c < text_set_count(values); c++) {
        const char *text = text_set_text(values, c);
        number[c] = NAN;
        if (text[0] != 0 && !parse_number(text, strlen(text), &number[c])) return false;
    }
    return true;
}

static void replace_codes(struct ingest_records *records, int64_t attribute, const double *number)
{
    size_t bytes = user_row_bytes(records),
           offset = sizeof(struct user_key) + (size_t)attribute * sizeof(double);
    for (int64_t i = 0; i < records->user_rows; i++) {
        double code = 0;
        memcpy(&code, records->user_row + (size_t)i * bytes + offset, sizeof code);
        memcpy(records->user_row + (size_t)i * bytes + offset, &number[(int64_t)code], sizeof code);
    }
}

/* An attribute is a number if all ranks find only numbers, else a level; "" becomes missing. */
static enum status settle_attribute(const struct comm *comm, struct reader *reader,
                                    int64_t attribute)
{
    enum status status = OK;
    struct ingest_records *records = &reader->ingest->records;
    const struct text_set *values = reader->values[attribute];
    struct dictionary *levels = &records->attribute_levels[attribute];
    double *number = NULL;
    int64_t *code = NULL, count = text_set_count(values), seen[2] = {0, count};
    TRY_ALL(comm, memory_new(&number, count, sizeof *number));
    seen[0] = !all_numbers(values, number);
    comm_max_int64(comm, seen, 2);
    bool text = seen[0] != 0;
    if (text && seen[1] <= LEVELS_MAX + 1) { /* "" beside the levels; more are not gathered */
        TRY(dictionary_make(comm, values, levels, &code));
        for (int64_t c = 0; c < count; c++)
            number[c] = text_set_text(values, c)[0] == 0 ? NAN : (double)code[c];
    }
    if (text && (seen[1] > LEVELS_MAX + 1 || levels->count > LEVELS_MAX))
        TRY(FAIL(ERR_DATA,
                 "attribute %s has more than %d different texts; leave it out of users.attributes",
                 records->attribute_name[attribute], LEVELS_MAX));
    replace_codes(records, attribute, number);
done:
    free(number);
    free(code);
    return status;
}

enum status ingest_read_users(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct reader reader = {.ingest = ingest};
    struct csv *csv = NULL;
    if (!config_table(ingest->config, "users")) return OK;
    TRY(csv_open(comm, config_path(ingest->config, "users.file"), NULL, &csv));
    TRY_ALL(comm,
            mapping_open(ingest->config, "users", csv, role_names, ROLES, ROLE_TEXTS, &reader.map));
    TRY_ALL(comm, find_attributes(&reader, csv));
    TRY(ingest_read_table(comm, ingest, "users", csv, on_row, on_bad, &reader));
    TRY(rejects_close(comm, &reader.rejects, csv, "users", ingest->rejects_file));
    TRY(ingest_check_rejects(ingest->config, &reader.rejects, "users"));
    for (int64_t a = 0; a < ingest->records.attributes; a++)
        TRY(settle_attribute(comm, &reader, a));
done:
    for (int64_t a = 0; reader.values != NULL && a < ingest->records.attributes; a++)
        text_set_free(&reader.values[a]);
    free(reader.values);
    free(reader.column);
    csv_free(&csv);
    mapping_clear(&reader.map);
    rejects_clear(&reader.rejects);
    return status;
}
