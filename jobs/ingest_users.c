/* Reading the users: consent and attributes, which are numbers where every value is one and levels
 * elsewhere. */
#include "jobs/ingest_read.h"

#include "io/parse.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum role { ROLE_USER, ROLE_MARKET, ROLE_GROUP, ROLE_TEXTS, ROLE_CONSENT = ROLE_TEXTS, ROLES };

static const char *const role_names[ROLES] = {"user_id", "market", "group", "consent"};

struct reader {
    struct row_state state;
    struct user_record *record; /* work space */
};

/* ---- which columns are attributes ---- */

static enum status add_attribute(struct ingest *ingest, const char *name, int64_t column)
{
    struct attribute_names *attribute = &ingest->attribute[ingest->attributes];
    attribute->name = strdup(name);
    attribute->column = column;
    ingest->attributes++;
    if (attribute->name == NULL) return FAIL(ERR_MEMORY, "no memory for attribute %s", name);
    return names_init(&attribute->levels);
}

/* Each attribute once, also under the name of a role, and never the protected group or the id. */
static enum status check_attribute(const struct reader *reader, const char *name, int64_t column)
{
    const struct mapping *map = &reader->state.map;
    const struct ingest *ingest = reader->state.ingest;
    bool twice = strcmp(name, "market") == 0 && mapping_has(map, ROLE_MARKET);
    for (int64_t a = 0; a < ingest->attributes; a++)
        twice |= strcmp(name, ingest->attribute[a].name) == 0;
    if (twice)
        return FAIL(ERR_CONFIG, "users.attributes: %s is an attribute already; name it once", name);
    if (column == map->role[ROLE_USER].column)
        return FAIL(ERR_CONFIG,
                    "users.attributes: %s is the user's id (users.columns.user_id), "
                    "which no model may see; leave it out",
                    name);
    if (mapping_has(map, ROLE_GROUP) && column == map->role[ROLE_GROUP].column)
        return FAIL(ERR_CONFIG,
                    "users.attributes: %s is the protected group (users.columns.group), never an "
                    "input of a model; leave it out",
                    name);
    return OK;
}

static enum status check_market(const struct mapping *map)
{
    if (!mapping_has(map, ROLE_MARKET) || !mapping_has(map, ROLE_GROUP) ||
        map->role[ROLE_MARKET].column != map->role[ROLE_GROUP].column)
        return OK;
    return FAIL(ERR_CONFIG, "users.columns.market is the protected group (users.columns.group), "
                            "never an input of a model; map another column or leave it out");
}

static enum status find_attributes(struct reader *reader, const struct csv *csv)
{
    enum status status = OK;
    struct ingest *ingest = reader->state.ingest;
    const struct mapping *map = &reader->state.map;
    const char *const *names = NULL;
    int64_t count = config_texts(ingest->config, "users.attributes", &names);
    TRY(memory_new(&ingest->attribute, count + 2, sizeof *ingest->attribute));
    for (int64_t a = 0; a < count; a++) {
        int64_t column = csv_column(csv, names[a]);
        if (column < 0)
            TRY(FAIL(ERR_CONFIG,
                     "users.attributes: %s has no column \"%s\"; see its first line for the names",
                     csv->path, names[a]));
        TRY(check_attribute(reader, names[a], column));
        TRY(add_attribute(ingest, names[a], column));
    }
    TRY(check_market(map));
    if (mapping_has(map, ROLE_MARKET))
        TRY(add_attribute(ingest, "market", map->role[ROLE_MARKET].column));
    ingest->grouped = mapping_has(map, ROLE_GROUP);
    if (ingest->grouped) TRY(add_attribute(ingest, "group", map->role[ROLE_GROUP].column));
done:
    return status;
}

static enum status make_sorter(struct reader *reader)
{
    enum status status = OK;
    struct ingest *ingest = reader->state.ingest;
    size_t bytes =
        sizeof *reader->record + (size_t)ingest->attributes * sizeof *reader->record->value;
    TRY(memory_new(&reader->record, 1, bytes));
    TRY(ingest_sorter(ingest, bytes, USER_RECORD_WORDS, USER_GROUP_WORDS, 8, &ingest->users));
done:
    return status;
}

/* ---- rows ---- */

/* Texts beyond the limit are not kept: such an attribute can only be a number. */
static enum status take_value(struct attribute_names *attribute, const struct csv_field *field,
                              struct user_value *value)
{
    *value = (struct user_value){.number = NAN};
    if (parse_is_missing(field->text, field->bytes)) return OK;
    if (!parse_number(field->text, field->bytes, &value->number)) {
        value->number = NAN;
        attribute->texts++;
    }
    value->text = 1;
    if (text_set_count(attribute->levels.met) > ATTRIBUTE_TEXTS_MAX) return OK;
    value->text = names_add(&attribute->levels, field->text, field->bytes);
    return value->text != 0 ? OK : FAIL(ERR_MEMORY, "no memory for attribute values");
}

static enum status keep_user(struct reader *reader, const struct csv_row *row, bool consents)
{
    enum status status = OK;
    struct ingest *ingest = reader->state.ingest;
    struct user_record *record = reader->record;
    record->user = reader->state.user;
    record->place = reader->state.place;
    record->consents = consents;
    for (int64_t a = 0; a < ingest->attributes; a++)
        TRY(take_value(&ingest->attribute[a], &row->field[ingest->attribute[a].column],
                       &record->value[a]));
    TRY(row_keep_user(&reader->state, row, ROLE_USER));
    TRY(sorter_add(ingest->users, record));
    TRY(sorter_add(ingest->counts, &(struct user_count){record->user, COUNTED_USER, 1}));
done:
    return status;
}

/* An answer nobody understands counts as a fault, and is taken for a no: the user is left out, and
 * so is the row. */
static enum status on_row(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct reader *reader = context;
    struct row_state *state = &reader->state;
    bool consents = true, forgotten = false;
    TRY(row_begin(state, row, ROLE_USER, &forgotten));
    if (forgotten) return OK;
    if (mapping_flag(&state->map, ROLE_CONSENT, row, &consents) == MAPPING_BAD) {
        consents = false;
        state->ingest->rejects.account[TABLE_USERS].faults[REJECT_bad_number]++;
    }
    TRY(state->faults != 0 ? row_reject(state, row, ROLE_USER) : keep_user(reader, row, consents));
done:
    return status;
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    struct reader *reader = context;
    return row_malformed(&reader->state, bad);
}

enum status ingest_read_users(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct reader reader = {0};
    if (!config_table(ingest->config, "users")) return OK;
    TRY(ingest_open_table(comm, ingest, TABLE_USERS, role_names, ROLES, ROLE_TEXTS, &reader.state));
    TRY_ALL(comm, find_attributes(&reader, ingest->csv[TABLE_USERS]));
    TRY_ALL(comm, make_sorter(&reader));
    TRY(ingest_read_rows(comm, &reader.state, on_row, on_bad, &reader));
done:
    row_state_clear(&reader.state);
    free(reader.record);
    return status;
}
