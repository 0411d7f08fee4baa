/* Roles from columns: texts, numbers, expressions, yes and no, times; what is missing and what is
 * wrong, and in which column. */
#include "tests/folders.h"

#include "jobs/mapping.h"

static const char table[] = "who,what,paid,units,unit price,seen,day\n"
                            "7,pen,10,4,1.5,yes,2025-03-01\n"
                            ",ink,abc,0,,No,1970-01-01T00:00:10Z\n"
                            "8, ,-3,NA,x, TRUE ,tomorrow\n"
                            "9,cap,1e400,2,2,maybe,\n"
                            "10,tea,6,3,2,0.5,0\n";

enum { USER, DAY, PRICE, UNITS, LIST, SEEN, NOBODY, ROLES };
static const char *const names[ROLES] = {"user_id",    "time",        "unit_price", "quantity",
                                         "list_price", "return_flag", "discount"};

enum { ROWS = 5 };

/* What one row gave. */
struct got {
    enum mapping_result result[ROLES];
    int64_t bad[ROLES];
    double number[ROLES];
    int64_t time;
    bool flag;
    char text[8];
};

struct reader {
    struct mapping map;
    struct got row[ROWS];
};

static enum status on_row(void *context, const struct csv_row *row)
{
    struct reader *reader = context;
    struct mapping *map = &reader->map;
    struct got *got = &reader->row[row->line - 2];
    struct csv_field field = {0};
    for (int role = 0; role < ROLES; role++) {
        map->bad_column = -9;
        if (role == USER) got->result[role] = mapping_text(map, role, row, &field);
        if (role == DAY) got->result[role] = mapping_time(map, role, row, &got->time);
        if (role == SEEN) got->result[role] = mapping_flag(map, role, row, &got->flag);
        if (role != USER && role != DAY && role != SEEN)
            got->result[role] = mapping_number(map, role, row, &got->number[role]);
        got->bad[role] = map->bad_column;
    }
    memcpy(got->text, field.text, field.bytes < 8 ? field.bytes : 7);
    return OK;
}

/* Map the table by `columns` and read it on this rank. */
static enum status read_table(const char *columns, struct reader *reader)
{
    enum status status = OK;
    struct comm self = comm_self();
    struct config *config = NULL;
    struct csv *csv = NULL;
    char text[1024], name[2][32];
    memset(reader, 0, sizeof *reader);
    snprintf(name[0], sizeof name[0], "table%d.csv", world.rank);
    snprintf(name[1], sizeof name[1], "map%d.yaml", world.rank);
    char *file = scratch_write(name[0], table, sizeof table - 1);
    int bytes =
        snprintf(text, sizeof text, "events:\n  file: %s\n  columns: {%s}\n", file, columns);
    char *yaml = scratch_write(name[1], text, (size_t)bytes);
    TRY(config_read(&self, yaml, NULL, &config));
    TRY(csv_open(&self, file, NULL, &csv));
    TRY(mapping_open(config, "events", csv, names, ROLES, PRICE, &reader->map));
    TRY(csv_read(&self, csv, on_row, NULL, reader));
done:
    mapping_clear(&reader->map);
    csv_free(&csv);
    config_free(&config);
    free(file);
    free(yaml);
    return status;
}

#define BASE "user_id: who, time: day, product_id: what"

static void values(void **state)
{
    (void)state;
    struct reader r;
    assert_all(read_table(BASE
                          ", unit_price: paid / units, quantity: units, list_price: unit price,"
                          " return_flag: seen",
                          &r) == OK);
    const struct got *first = &r.row[0], *second = &r.row[1], *third = &r.row[2];
    assert_all(strcmp(first->text, "7") == 0 && first->time == 1740787200);
    assert_all(first->number[PRICE] == 2.5 && first->number[LIST] == 1.5 && first->flag);
    assert_all(first->result[NOBODY] == MAPPING_MISSING && isnan(first->number[NOBODY]));
    /* an empty user, a word for a number, a division by zero, a space for a price, a no */
    assert_all(second->result[USER] == MAPPING_MISSING && second->bad[USER] == 0);
    assert_all(second->result[PRICE] == MAPPING_BAD && second->bad[PRICE] == 2);
    assert_all(second->result[UNITS] == MAPPING_VALUE && second->number[UNITS] == 0.0);
    assert_all(second->result[LIST] == MAPPING_MISSING && isnan(second->number[LIST]));
    assert_all(second->result[SEEN] == MAPPING_VALUE && !second->flag && second->time == 10);
    /* what is missing makes an expression missing */
    assert_all(third->result[PRICE] == MAPPING_MISSING && third->result[UNITS] == MAPPING_MISSING);
    assert_all(third->result[LIST] == MAPPING_BAD && third->bad[LIST] == 4);
    assert_all(third->result[DAY] == MAPPING_BAD && third->bad[DAY] == 6);
    assert_all(third->result[SEEN] == MAPPING_VALUE && third->flag);
    /* beyond the range of double; a word that is neither yes nor no; no time */
    assert_all(r.row[3].result[PRICE] == MAPPING_BAD && r.row[3].bad[PRICE] == 2);
    assert_all(r.row[3].result[SEEN] == MAPPING_BAD && r.row[3].bad[SEEN] == 5);
    assert_all(r.row[3].result[DAY] == MAPPING_MISSING && r.row[3].bad[DAY] == 6);
    assert_all(r.row[4].result[SEEN] == MAPPING_VALUE && r.row[4].flag);
    assert_all(r.row[4].number[PRICE] == 2.0 && r.row[4].time == 0);
}

/* A flag may be an expression; then it is a number, and a division by zero says nothing. */
static void flags_of_expressions(void **state)
{
    (void)state;
    struct reader r;
    assert_all(read_table(BASE ", unit_price: units, return_flag: \"`unit price` / units > 1\"",
                          &r) == OK);
    assert_all(r.row[0].result[SEEN] == MAPPING_VALUE && !r.row[0].flag);
    assert_all(r.row[1].result[SEEN] == MAPPING_MISSING);
    assert_all(r.row[2].result[SEEN] == MAPPING_BAD && r.row[2].bad[SEEN] == 4);
    assert_all(r.row[3].result[SEEN] == MAPPING_VALUE && !r.row[3].flag);
}

static void columns_that_are_not_there(void **state)
{
    (void)state;
    struct reader r;
    assert_all(read_table("user_id: whom, time: day, product_id: what, unit_price: paid", &r) ==
               ERR_CONFIG);
    assert_all(strstr(status_message(), "events.columns.user_id") != NULL);
    assert_all(strstr(status_message(), "no column \"whom\"") != NULL);
    assert_all(read_table(BASE ", unit_price: paid / count", &r) == ERR_CONFIG);
    assert_all(strstr(status_message(), "count") != NULL);
    assert_all(read_table("user_id: paid / units, time: day, product_id: what, unit_price: paid",
                          &r) == ERR_CONFIG); /* an id is a column */
}

static int start(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(values), TEST(flags_of_expressions), TEST(columns_that_are_not_there))
