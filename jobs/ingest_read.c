/* What the readers of all tables have in common. */
#include "jobs/ingest_read.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { BATCH_BYTES = 1 << 24 };

/* Of a sample: only the first rows of a large table are slowed down by columns with many values. */
enum { SAMPLE_DISTINCT = 8192 };

/* ---- the ingest ---- */

enum status ingest_sorter(const struct ingest *ingest, size_t record_bytes, int words,
                          int group_words, int64_t share, struct sorter **sorter)
{
    int64_t batch = ingest->memory_bytes / 16;
    const struct sorter_options options = {.record_bytes = record_bytes,
                                           .words = words,
                                           .group_words = group_words,
                                           .memory_bytes = ingest->memory_bytes / share,
                                           .batch_bytes = batch < BATCH_BYTES ? batch : BATCH_BYTES,
                                           .folder = ingest->folder};
    return sorter_new(&options, sorter);
}

enum status ingest_open(struct ingest *ingest)
{
    enum status status = OK;
    TRY(names_init(&ingest->products));
    TRY(names_init(&ingest->categories));
    TRY(names_init(&ingest->brands));
    TRY(rejects_init(&ingest->rejects, ingest->memory_bytes / 16, ingest->folder));
    TRY(ingest_sorter(ingest, sizeof(struct event_record), EVENT_RECORD_WORDS, EVENT_GROUP_WORDS, 4,
                      &ingest->events));
    TRY(ingest_sorter(ingest, sizeof(struct offer_record), OFFER_RECORD_WORDS, OFFER_GROUP_WORDS, 4,
                      &ingest->offers));
    TRY(ingest_sorter(ingest, sizeof(struct user_count), USER_COUNT_WORDS, USER_GROUP_WORDS, 8,
                      &ingest->counts));
    TRY(ingest_sorter(ingest, sizeof(struct faulty_record), FAULTY_RECORD_WORDS, FAULTY_GROUP_WORDS,
                      16, &ingest->faulty));
done:
    return status;
}

void ingest_close(struct ingest *ingest)
{
    sodium_memzero(ingest->secret, sizeof ingest->secret);
    pseudonyms_free(&ingest->pseudonyms);
    forget_clear(&ingest->forget);
    rates_clear(&ingest->rates);
    ids_free(&ingest->ids);
    for (int t = 0; t < TABLES; t++) csv_free(&ingest->csv[t]);
    names_clear(&ingest->products);
    names_clear(&ingest->categories);
    names_clear(&ingest->brands);
    free(ingest->product_row);
    product_attributes_clear(&ingest->product_attributes);
    free(ingest->promotion_row);
    text_set_free(&ingest->promotion_markets);
    text_set_free(&ingest->promotion_audiences);
    for (int64_t a = 0; a < ingest->attributes; a++) {
        free(ingest->attribute[a].name);
        names_clear(&ingest->attribute[a].levels);
    }
    free(ingest->attribute);
    sorter_free(&ingest->events);
    sorter_free(&ingest->offers);
    sorter_free(&ingest->users);
    sorter_free(&ingest->counts);
    sorter_free(&ingest->faulty);
    rejects_clear(&ingest->rejects);
}

/* ---- tables ---- */

/* A place has 16 bits for its file while rows are sorted. */
static enum status check_files(const struct csv *csv)
{
    if (csv->files <= UINT16_MAX) return OK;
    return FAIL(ERR_DATA, "%s: %lld files are one table, more than %d; join some of them",
                csv->path, (long long)csv->files, UINT16_MAX);
}

enum status ingest_open_table(const struct comm *comm, struct ingest *ingest, enum table table,
                              const char *const *names, int64_t roles, int64_t texts,
                              struct row_state *state)
{
    enum status status = OK;
    char key[32];
    *state = (struct row_state){.ingest = ingest, .table = table};
    snprintf(key, sizeof key, "%s.file", table_name(table));
    TRY(csv_open(comm, config_path(ingest->config, key), NULL, &ingest->csv[table]));
    TRY_ALL(comm, check_files(ingest->csv[table]));
    TRY_ALL(comm, mapping_open(ingest->config, table_name(table), ingest->csv[table], names, roles,
                               texts, &state->map));
    TRY_ALL(comm, column_facts_init(&state->columns, ingest->csv[table]->columns));
    if (ingest->sample != NULL) state->columns.distinct_max = SAMPLE_DISTINCT;
done:
    return status;
}

/* Columns with many values take a hash for each row on every rank; the sets of the others do not
 * grow with the rows. */
static void sample_columns(const struct column_facts *facts, struct table_sample *sample)
{
    int64_t rows = sample->taken.rows;
    for (int64_t c = 0; c < facts->columns; c++) {
        const struct column_fact *fact = &facts->column[c];
        bool many = 10 * fact->distinct > rows || fact->distinct > facts->distinct_max;
        sample->columns_many += many;
        if (!many) sample->columns_few_bytes += fact->slots * (int64_t)sizeof *fact->slot;
    }
}

static enum status sample_rows(const struct row_state *state, csv_on_row *on_row,
                               csv_on_bad *on_bad, void *reader)
{
    struct table_sample *sample = &state->ingest->sample[state->table];
    const struct csv *csv = state->ingest->csv[state->table];
    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    enum status status = csv_sample(csv, sample->bytes, on_row, on_bad, reader, &sample->taken);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    sample->seconds =
        (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    for (int64_t f = 0; f < csv->files; f++) sample->stored_bytes += csv->file[f].bytes;
    sample_columns(&state->columns, sample);
    return status;
}

enum status ingest_read_rows(const struct comm *comm, struct row_state *state, csv_on_row *on_row,
                             csv_on_bad *on_bad, void *reader)
{
    enum status status = OK;
    struct csv *csv = state->ingest->csv[state->table];
    if (state->ingest->sample != NULL) return sample_rows(state, on_row, on_bad, reader);
    log_info("  reading %s: %s", table_name(state->table), csv->path);
    TRY(csv_read(comm, csv, on_row, on_bad, reader));
    TRY(column_facts_report(comm, &state->columns, csv));
done:
    return status;
}

void row_state_clear(struct row_state *state)
{
    mapping_clear(&state->map);
    column_facts_clear(&state->columns);
}

void ingest_window(const struct config *config, int64_t *from, int64_t *to)
{
    bool begins = config_has(config, "ingest.time_from"),
         ends = config_has(config, "ingest.time_to");
    *from = begins ? config_time(config, "ingest.time_from") : INT64_MIN;
    *to = ends ? config_time(config, "ingest.time_to") : INT64_MAX;
}

/* ---- rows ---- */

static bool read_user(struct row_state *state, const struct csv_row *row, int64_t role)
{
    struct csv_field id = {0};
    struct ingest *ingest = state->ingest;
    enum mapping_result named = mapping_name(&state->map, role, row, &id);
    if (named == MAPPING_MISSING) row_fault(state, REJECT_missing_user);
    if (named == MAPPING_BAD) row_fault(state, REJECT_long_name);
    if (named == MAPPING_MISSING) return false;
    state->user = pseudonym_of(ingest->pseudonyms, id.text, id.bytes);
    bool forget = forget_has(&ingest->forget, state->user);
    ingest->rejects.account[state->table].left_out += forget;
    return forget;
}

enum status row_begin(struct row_state *state, const struct csv_row *row, int64_t role,
                      bool *forgotten)
{
    state->ingest->rejects.account[state->table].read++;
    state->place = state->row = INGEST_PLACE(row->file, row->line);
    state->faults = 0;
    state->bad_column = -1;
    state->user = (struct user_key){0};
    *forgotten = role >= 0 && read_user(state, row, role);
    return *forgotten ? OK : column_facts_add(&state->columns, row);
}

void row_fault(struct row_state *state, enum reject reason)
{
    uint64_t bit = REJECT_BIT(reason);
    if (state->faults == 0 || bit < (state->faults & -state->faults))
        state->bad_column = state->map.bad_column;
    state->faults |= bit;
}

/* Does a value hold the user's id, in any case of letters? Short ids only if they are all of it. */
static bool holds_id(const struct csv_field *value, const struct csv_field *id)
{
    enum { SHORT_BYTES = 3 };
    const char *text = value->text;
    if (id->bytes < SHORT_BYTES)
        return value->bytes == id->bytes && memcmp(text, id->text, id->bytes) == 0;
    for (int64_t at = 0; at + (int64_t)id->bytes <= (int64_t)value->bytes; at++)
        if (strncasecmp(text + at, id->text, id->bytes) == 0) return true;
    return false;
}

/* The value at fault as far as it can be shown, unless it is of the user's column or holds his
 * id. */
static void take_value(const struct row_state *state, const struct csv_row *row, int64_t user_role,
                       char *to)
{
    int64_t column = state->bad_column;
    int64_t id = user_role >= 0 ? state->map.role[user_role].column : -1;
    to[0] = 0;
    if (column < 0 || column >= row->fields || column == id) return;
    const struct csv_field *bad = &row->field[column];
    if (id >= 0 && row->field[id].bytes > 0 && holds_id(bad, &row->field[id])) return;
    reject_shape(to, bad->text, bad->bytes);
}

enum status row_reject(struct row_state *state, const struct csv_row *row, int64_t user_role)
{
    struct faulty_record record = {.user = state->user,
                                   .row = state->row,
                                   .place = state->place,
                                   .faults = state->faults,
                                   .table = (int32_t)state->table,
                                   .column = (int32_t)state->bad_column};
    take_value(state, row, user_role, record.value);
    return sorter_add(state->ingest->faulty, &record);
}

enum status row_keep_user(struct row_state *state, const struct csv_row *row, int64_t user_role)
{
    struct csv_field id = {0};
    if (state->ingest->ids == NULL) return OK;
    mapping_name(&state->map, user_role, row, &id);
    return ids_add(state->ingest->ids, state->user, id.text, id.bytes);
}

double row_rate(struct row_state *state, const struct csv_row *row, int64_t role, int64_t seconds)
{
    struct csv_field currency = {0};
    double rate = 1.0;
    if (!mapping_has(&state->map, role)) return rate;
    enum mapping_result named = mapping_text(&state->map, role, row, &currency);
    if (named != MAPPING_VALUE) currency.bytes = 0;
    state->map.bad_column = state->map.role[role].column;
    if (!rates_find(&state->ingest->rates, currency.text, currency.bytes, seconds, &rate))
        row_fault(state, REJECT_no_rate);
    return rate;
}

enum status row_malformed(struct row_state *state, const struct csv_bad *bad)
{
    return rejects_add_malformed(&state->ingest->rejects, state->table, bad);
}
