/* A CSV file as columns in memory: numbers at once, columns with texts by a second look where
 * numbers came first. */
#include "io/table.h"

#include "io/csv.h"
#include "io/parse.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_KEPT = 15 }; /* of a whole number, by every double */

/* What a rank has seen of a column so far. */
enum seen { SEEN_NOTHING, SEEN_NUMBERS, SEEN_TEXTS, SEEN_BOTH };

struct gathered {
    int64_t source; /* column in the file */
    bool ids;       /* whole numbers that are not written back as they stand are texts */
    enum seen seen; /* SEEN_BOTH: texts came after numbers, which must be read again as texts */
    bool again;     /* read it as texts in the second look */
    double *number; /* [capacity] while only numbers were seen */
    int32_t *code;  /* [capacity] provisional, while only texts were seen */
    struct text_set *set;
};

struct gather {
    struct gathered *column;
    int64_t columns, rows, capacity;
};

/* ---- one row ---- */

static enum status grow(struct gather *gather)
{
    enum status status = OK;
    int64_t old = gather->capacity, capacity = old == 0 ? BLOCK_ROWS : 2 * old;
    for (int64_t j = 0; j < gather->columns; j++) {
        struct gathered *column = &gather->column[j];
        if (column->number != NULL)
            TRY(memory_grow(&column->number, old, capacity, sizeof *column->number));
        if (column->code != NULL)
            TRY(memory_grow(&column->code, old, capacity, sizeof *column->code));
    }
    gather->capacity = capacity;
done:
    return status;
}

/* The first text: if only missing values came before it, they become missing texts. */
static enum status turn_to_texts(struct gather *gather, struct gathered *column)
{
    enum status status = OK;
    column->seen = column->seen == SEEN_NOTHING ? SEEN_TEXTS : SEEN_BOTH;
    free(column->number);
    column->number = NULL;
    if (column->seen == SEEN_BOTH) return OK;
    column->set = text_set_new();
    if (column->set == NULL) return FAIL(ERR_MEMORY, "no memory for texts; use more ranks");
    TRY(memory_new(&column->code, gather->capacity, sizeof *column->code));
    for (int64_t i = 0; i < gather->rows; i++) column->code[i] = -1;
done:
    return status;
}

static enum status take_text(struct gather *gather, struct gathered *column,
                             const struct csv_field *field)
{
    int64_t code = -1;
    if (!parse_is_missing(field->text, field->bytes)) {
        code = text_set_code(column->set, field->text, field->bytes);
        if (code < 0 || code > INT32_MAX)
            return FAIL(ERR_MEMORY, "too many different texts in column %lld; leave it out",
                        (long long)column->source + 1);
    }
    column->code[gather->rows] = (int32_t)code;
    return OK;
}

/* False for a number that is not written back as it stands; zeros at the end of a fraction are not
 * looked at, as 7.0 is what some programs make of 7. */
static bool stands(const struct csv_field *field)
{
    size_t sign = field->bytes > 0 && field->text[0] == '-', digits = field->bytes - sign;
    for (size_t i = 0; i < field->bytes; i++) {
        if (strchr("eE", field->text[i]) != NULL) return false;
        if (strchr("+-0123456789", field->text[i]) == NULL) digits = i - sign;
    }
    return digits <= DIGITS_KEPT && field->text[sign] != '+' &&
           (field->text[sign] != '0' || digits == 1);
}

static bool take_number(const struct gathered *column, const struct csv_field *field,
                        double *number)
{
    if (parse_number(field->text, field->bytes, number)) return !column->ids || stands(field);
    return parse_not_finite(field->text, field->bytes, number);
}

static enum status take_field(struct gather *gather, struct gathered *column,
                              const struct csv_field *field)
{
    enum status status = OK;
    double number = NAN;
    if (column->seen == SEEN_BOTH) return OK;
    if (column->seen != SEEN_TEXTS) {
        if (take_number(column, field, &number))
            column->seen = SEEN_NUMBERS;
        else if (!parse_is_missing(field->text, field->bytes))
            TRY(turn_to_texts(gather, column));
    }
    if (column->seen == SEEN_TEXTS) TRY(take_text(gather, column, field));
    if (column->number != NULL) column->number[gather->rows] = number;
done:
    return status;
}

static enum status take_row(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct gather *gather = context;
    if (gather->rows == gather->capacity) TRY(grow(gather));
    for (int64_t j = 0; j < gather->columns; j++) {
        struct gathered *column = &gather->column[j];
        TRY(take_field(gather, column, &row->field[column->source]));
    }
    gather->rows++;
done:
    return status;
}

/* The second look: the rows are known, and only some columns are wanted. */
static enum status take_row_again(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct gather *gather = context;
    for (int64_t j = 0; j < gather->columns; j++) {
        struct gathered *column = &gather->column[j];
        if (column->again) TRY(take_text(gather, column, &row->field[column->source]));
    }
    gather->rows++;
done:
    return status;
}

/* ---- columns ---- */

static enum status unknown_column(const struct csv *csv, const char *name)
{
    char known[600];
    size_t at = 0;
    known[0] = 0;
    for (int64_t j = 0; j < csv->columns && at + 4 < sizeof known; j++) {
        int written =
            snprintf(known + at, sizeof known - at, "%s%s", j > 0 ? ", " : "", csv->name[j]);
        at += written > 0 ? (size_t)written : 0;
    }
    return FAIL(ERR_DATA, "%s has no column \"%s\"; it has %s", csv->path, name, known);
}

static enum status choose_columns(const struct csv *csv, const char *const *names,
                                  int64_t names_count, const char *const *ids, int64_t ids_count,
                                  struct gather *gather)
{
    enum status status = OK;
    bool *wanted = NULL, *has_ids = NULL;
    TRY(memory_new(&wanted, csv->columns, sizeof *wanted));
    TRY(memory_new(&has_ids, csv->columns, sizeof *has_ids));
    for (int64_t i = 0; names != NULL && i < names_count; i++) {
        int64_t at = csv_column(csv, names[i]);
        if (at < 0) TRY(unknown_column(csv, names[i]));
        wanted[at] = true;
    }
    for (int64_t i = 0; i < ids_count; i++)
        if (csv_column(csv, ids[i]) >= 0) has_ids[csv_column(csv, ids[i])] = true;
    TRY(memory_new(&gather->column, csv->columns, sizeof *gather->column));
    for (int64_t j = 0; j < csv->columns; j++)
        if (names == NULL || wanted[j])
            gather->column[gather->columns++] = (struct gathered){.source = j, .ids = has_ids[j]};
    for (int64_t j = 0; j < gather->columns; j++)
        TRY(memory_new(&gather->column[j].number, 0, sizeof(double)));
done:
    free(wanted);
    free(has_ids);
    return status;
}

/* A column is text everywhere if it is on one rank; whoever has not its texts reads them in the
 * second look. */
static enum status agree_on_texts(const struct comm *comm, struct gather *gather,
                                  int64_t *look_again)
{
    enum status status = OK;
    int64_t *text = NULL;
    *look_again = 0;
    TRY_ALL(comm, memory_new(&text, gather->columns, sizeof *text));
    for (int64_t j = 0; j < gather->columns; j++) text[j] = gather->column[j].seen >= SEEN_TEXTS;
    comm_max_int64(comm, text, gather->columns);
    for (int64_t j = 0; j < gather->columns; j++) {
        struct gathered *column = &gather->column[j];
        column->again = text[j] != 0 && column->seen != SEEN_TEXTS;
        *look_again |= column->again;
    }
    comm_max_int64(comm, look_again, 1);
done:
    free(text);
    return status;
}

static enum status prepare_again(struct gather *gather)
{
    enum status status = OK;
    for (int64_t j = 0; j < gather->columns; j++) {
        struct gathered *column = &gather->column[j];
        if (!column->again) continue;
        free(column->number);
        column->number = NULL;
        column->set = text_set_new();
        if (column->set == NULL) return FAIL(ERR_MEMORY, "no memory for texts; use more ranks");
        TRY(memory_new(&column->code, gather->rows, sizeof *column->code));
    }
    gather->rows = 0;
done:
    return status;
}

/* ---- the table ---- */

static enum status name_column(const struct csv *csv, const struct gathered *from,
                               struct table_column *to)
{
    const char *name = csv->name[from->source];
    enum status status = memory_new(&to->name, (int64_t)strlen(name) + 1, 1);
    if (status == OK) memcpy(to->name, name, strlen(name));
    to->type = from->set != NULL ? COLUMN_TEXT : COLUMN_NUMBER;
    return status;
}

/* Provisional codes become final ones; the rows go to the owners of their blocks. */
static enum status finish_column(const struct comm *comm, const struct csv *csv, int64_t rows,
                                 struct gathered *from, struct table_column *to,
                                 struct blocks *blocks)
{
    enum status status = OK;
    int64_t *final = NULL;
    void *received = NULL;
    bool text = from->set != NULL;
    TRY_ALL(comm, name_column(csv, from, to));
    if (text) {
        TRY(dictionary_make(comm, from->set, &to->levels, &final));
        for (int64_t i = 0; i < rows; i++)
            if (from->code[i] >= 0) from->code[i] = (int32_t) final[from->code[i]];
    }
    TRY(blocks_exchange(comm, text ? (const void *)from->code : from->number, rows,
                        text ? sizeof *from->code : sizeof *from->number, BLOCK_ROWS, blocks,
                        &received));
    to->code = text ? received : NULL;
    to->number = text ? NULL : received;
    free(from->code);
    free(from->number);
    from->code = NULL;
    from->number = NULL;
done:
    free(final);
    return status;
}

static enum status finish(const struct comm *comm, const struct csv *csv, struct gather *gather,
                          struct table *table)
{
    enum status status = OK;
    struct blocks blocks = {0};
    int64_t total = gather->rows;
    comm_sum_int64(comm, &total, 1);
    TRY_ALL(comm, blocks_cut(comm, total, BLOCK_ROWS, &table->blocks));
    TRY_ALL(comm, memory_new(&table->column, gather->columns, sizeof *table->column));
    table->columns = gather->columns;
    for (int64_t j = 0; j < gather->columns; j++) {
        TRY(finish_column(comm, csv, gather->rows, &gather->column[j], &table->column[j], &blocks));
        blocks_clear(&blocks);
    }
done:
    blocks_clear(&blocks);
    return status;
}

static void gather_clear(struct gather *gather)
{
    for (int64_t j = 0; j < gather->columns; j++) {
        free(gather->column[j].number);
        free(gather->column[j].code);
        text_set_free(&gather->column[j].set);
    }
    free(gather->column);
}

enum status table_read_ids(const struct comm *comm, const char *path, const char *const *names,
                           int64_t names_count, const char *const *ids, int64_t ids_count,
                           struct table **table)
{
    enum status status = OK;
    struct csv *csv = NULL;
    struct gather gather = {0};
    struct table *fresh = NULL;
    int64_t look_again = 0;
    *table = NULL;
    TRY(csv_open(comm, path, NULL, &csv));
    TRY_ALL(comm, choose_columns(csv, names, names_count, ids, ids_count, &gather));
    TRY(csv_read(comm, csv, take_row, NULL, &gather));
    TRY(agree_on_texts(comm, &gather, &look_again));
    if (look_again) {
        TRY_ALL(comm, prepare_again(&gather));
        TRY(csv_read(comm, csv, take_row_again, NULL, &gather));
    }
    TRY_ALL(comm, memory_new(&fresh, 1, sizeof *fresh));
    TRY(finish(comm, csv, &gather, fresh));
    *table = fresh;
    fresh = NULL;
done:
    gather_clear(&gather);
    table_free(&fresh);
    csv_free(&csv);
    return status;
}

enum status table_read(const struct comm *comm, const char *path, const char *const *names,
                       int64_t names_count, struct table **table)
{
    return table_read_ids(comm, path, names, names_count, NULL, 0, table);
}

int64_t table_find(const struct table *table, const char *name)
{
    for (int64_t j = 0; j < table->columns; j++)
        if (strcmp(table->column[j].name, name) == 0) return j;
    return -1;
}

void table_free(struct table **table)
{
    if (*table == NULL) return;
    for (int64_t j = 0; j < (*table)->columns; j++) {
        struct table_column *column = &(*table)->column[j];
        free(column->name);
        free(column->number);
        free(column->code);
        dictionary_clear(&column->levels);
    }
    free((*table)->column);
    blocks_clear(&(*table)->blocks);
    free(*table);
    *table = NULL;
}
