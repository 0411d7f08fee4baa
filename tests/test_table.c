/* Plain tables: types, missing values, texts that come late, blocks, refusals, real tables. */
#include "tests/folders.h"

#include "io/table.h"
#include "mpi/exact.h"

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

static enum status read_text(const struct comm *comm, const char *text, struct table **table)
{
    char *path = scratch_share("table.csv", text, strlen(text));
    enum status status = table_read(comm, path, NULL, 0, table);
    free(path);
    comm_barrier(&world);
    return status;
}

static bool text_is(const struct table_column *column, int64_t row, const char *expected)
{
    if (column->code[row] < 0) return expected == NULL;
    return expected != NULL &&
           strcmp(dictionary_text(&column->levels, column->code[row]), expected) == 0;
}

static void known_table(void **state)
{
    (void)state;
    struct table *table = NULL;
    const char *text = "id,price,\"late text\",note,none\n1,2.5,7,NA,\n2,,8.0,b,NA\n3,NA,x,a,\n"
                       " 4 ,-1e2,,b, \n";
    const double price[] = {2.5, NAN, NAN, -100.0};
    const char *const late[] = {"7", "8.0", "x", NULL}, *const note[] = {NULL, "b", "a", "b"};
    assert_all(read_text(&world, text, &table) == OK);
    assert_all(table->columns == 5 && table->blocks.rows_total == 4);
    const struct table_column *column = table->column;
    assert_all(table_find(table, "late text") == 2 && table_find(table, "other") == -1);
    assert_all(column[0].type == COLUMN_NUMBER && column[1].type == COLUMN_NUMBER &&
               column[2].type == COLUMN_TEXT && column[3].type == COLUMN_TEXT &&
               column[4].type == COLUMN_NUMBER);
    assert_all(column[3].levels.count == 2 && column[2].levels.count == 3);
    bool same = true;
    for (int64_t i = 0; i < table->blocks.rows_local; i++) { /* all in one block, on one rank */
        same = same &&
               (isnan(price[i]) ? isnan(column[1].number[i]) : column[1].number[i] == price[i]);
        same = same && column[0].number[i] == (double)(i + 1) && isnan(column[4].number[i]);
        same = same && text_is(&column[2], i, late[i]) && text_is(&column[3], i, note[i]);
    }
    assert_all(same);
    table_free(&table);
    assert_all(table == NULL);
    table_free(&table);
}

/* Where the others are numbers; among texts they are texts, wherever they stand. */
static void not_finite(void **state)
{
    (void)state;
    struct table *table = NULL;
    const char *const word[] = {"nan", "7", "inf", "x"};
    assert_all(read_text(&world, "a,b\nNaN,nan\n-inf,7\n3,inf\n4,x\n", &table) == OK);
    const struct table_column *a = &table->column[0], *b = &table->column[1];
    assert_all(a->type == COLUMN_NUMBER && b->type == COLUMN_TEXT);
    bool same = true;
    for (int64_t i = 0; i < table->blocks.rows_local; i++) same = same && text_is(b, i, word[i]);
    if (table->blocks.rows_local > 0)
        same = same && isnan(a->number[0]) && a->number[1] == -INFINITY && a->number[3] == 4.0;
    assert_all(same);
    table_free(&table);
}

static void chosen_columns(void **state)
{
    (void)state;
    struct table *table = NULL;
    char *path = scratch_share("chosen.csv", "a,b,c\n1,2,3\n", 12);
    const char *const names[] = {"c", "a", "c"}, *const unknown[] = {"a", "d"};
    assert_all(table_read(&world, path, names, 3, &table) == OK && table->columns == 2);
    assert_all(strcmp(table->column[0].name, "a") == 0 && strcmp(table->column[1].name, "c") == 0);
    table_free(&table);
    assert_all(table_read(&world, path, unknown, 2, &table) == ERR_DATA && table == NULL);
    assert_all(strstr(status_message(), "no column \"d\"; it has a, b, c") != NULL);
    assert_all(table_read(&world, path, names, 0, &table) == OK && table->columns == 0);
    assert_all(table->blocks.rows_total == 1);
    table_free(&table);
    free(path);
}

/* Ids that would be one number are kept apart; other columns are what they were. */
static void ids(void **state)
{
    (void)state;
    struct table *table = NULL;
    const char *text = "a,b,c,d,e,f\n7,7,9007199254740992,0,1.50,1000\n"
                       "007,007,9007199254740993,-12,3,1e3\n";
    char *path = scratch_share("ids.csv", text, strlen(text));
    const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    assert_all(table_read_ids(&world, path, names, 6, names + 1, 5, &table) == OK);
    const struct table_column *column = table->column;
    assert_all(column[0].type == COLUMN_NUMBER && column[3].type == COLUMN_NUMBER &&
               column[4].type == COLUMN_NUMBER);
    assert_all(column[1].type == COLUMN_TEXT && column[2].type == COLUMN_TEXT &&
               column[5].type == COLUMN_TEXT);
    bool same = true;
    if (table->blocks.rows_local > 0)
        same = text_is(&column[1], 0, "7") && text_is(&column[1], 1, "007") &&
               text_is(&column[2], 0, "9007199254740992") &&
               text_is(&column[2], 1, "9007199254740993");
    assert_all(same);
    table_free(&table);
    free(path);
}

static void refused(void **state)
{
    (void)state;
    struct table *table = NULL;
    assert_all(read_text(&world, "a,b\n1,2\n3\n4,5,6\n", &table) == ERR_DATA && table == NULL);
    assert_all(strstr(status_message(), "table.csv:3: the number of fields differs") != NULL);
    assert_all(read_text(&world, "a,b\n1,2\n\n3,\"4\" \n", &table) == ERR_DATA && table == NULL);
    assert_all(strstr(status_message(), "table.csv:4: text follows a closing quote") != NULL);
    assert_all(table_read(&world, "/no/such.csv", NULL, 0, &table) == ERR_NO_INPUT);
    assert_all(read_text(&world, "a,b\n", &table) == OK && table->blocks.rows_total == 0);
    assert_all(table->columns == 2 && table->column[1].type == COLUMN_NUMBER);
    table_free(&table);
}

/* ---- the same bytes at any number of ranks ---- */

enum { ROWS = 20000 };

/* A number, texts from the start, and numbers that turn out to be codes in the last rows. */
static char *write_rows(void)
{
    char *text = malloc(ROWS * 64), *at = text;
    at += sprintf(at, "x;level;code\n");
    for (int i = 0; i < ROWS; i++) {
        at += sprintf(at, "%d.%02d;", i * 37 % 1009, i % 100);
        at += i % 11 == 0 ? sprintf(at, ";") : sprintf(at, "\"level %d\";", i * 7 % 501);
        at += sprintf(at, i > ROWS - 50 ? "%dA\n" : "%d\n", i % 300);
    }
    char *path = scratch_share("rows.csv", text, (size_t)(at - text));
    free(text);
    return path;
}

static bool columns_equal(const struct table *whole, const struct table *part, int64_t column)
{
    const struct table_column *a = &whole->column[column], *b = &part->column[column];
    size_t rows = (size_t)part->blocks.rows_local, first = (size_t)part->blocks.row_first;
    if (a->type != b->type || a->levels.count != b->levels.count) return false;
    if (a->type == COLUMN_NUMBER)
        return memcmp(a->number + first, b->number, rows * sizeof *a->number) == 0;
    size_t text_bytes = (size_t)a->levels.start[a->levels.count];
    return memcmp(a->code + first, b->code, rows * sizeof *a->code) == 0 &&
           memcmp(a->levels.text, b->levels.text, text_bytes) == 0;
}

static void same_at_any_ranks(void **state)
{
    (void)state;
    char *path = write_rows();
    struct table *whole = NULL, *part = NULL;
    const struct comm self = comm_self();
    assert_all(table_read(&self, path, NULL, 0, &whole) == OK);
    assert_all(table_read(&world, path, NULL, 0, &part) == OK);
    assert_all(part->blocks.rows_total == ROWS && whole->blocks.rows_local == ROWS);
    assert_all(whole->column[2].type == COLUMN_TEXT && whole->column[0].number[1] == 37.01);
    assert_all(text_is(&whole->column[1], 1, "level 7") && text_is(&whole->column[2], 301, "1") &&
               text_is(&whole->column[2], ROWS - 1, "199A") && text_is(&whole->column[1], 0, NULL));
    for (int64_t j = 0; j < 3; j++) assert_all(columns_equal(whole, part, j));
    table_free(&whole);
    table_free(&part);
    free(path);
}

static void faults(void **state)
{
    (void)state;
    const char *text = "a,b\n1,2\n3,x\n5,y\n";
    char *path = scratch_share("faults.csv", text, strlen(text));
    struct table *table = NULL;
    comm_inject_fault(-1, 0);
    assert_all(table_read(&world, path, NULL, 0, &table) == OK);
    int64_t agreements = comm_agreements();
    table_free(&table);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            enum status status = table_read(&world, path, NULL, 0, &table);
            comm_inject_fault(-1, 0);
            assert_all(status == ERR_BUG && table == NULL);
        }
    free(path);
}

/* ---- real tables ---- */

/* Sum of a column and how many values are missing, negative and not positive. */
struct facts {
    double sum;
    int64_t missing, negative, not_positive;
};

static struct facts facts_of(const struct table *table, const char *name)
{
    const struct table_column *column = &table->column[table_find(table, name)];
    struct exact_sums sums = {0};
    int64_t count[3] = {0, 0, 0};
    if (exact_init(&sums, 1) != OK) abort();
    for (int64_t i = 0; i < table->blocks.rows_local; i++) {
        bool text = column->type == COLUMN_TEXT;
        double value = text ? (column->code[i] < 0 ? NAN : 1.0) : column->number[i];
        count[0] += isnan(value);
        count[1] += value < 0;
        count[2] += value <= 0;
        if (!isnan(value)) exact_add_one(&sums, 0, value);
    }
    comm_sum_int64(&world, count, 3);
    if (exact_reduce(&world, &sums) != OK) abort();
    struct facts facts = {exact_get(&sums, 0), count[0], count[1], count[2]};
    exact_clear(&sums);
    return facts;
}

/* The facts published about this table, and its sums by Python's decimal module. */
static void online_retail(void **state)
{
    (void)state;
    char *path = real_data("online_retail/onlineretail.csv");
    struct table *table = NULL;
    if (path == NULL) return;
    assert_all(table_read(&world, path, NULL, 0, &table) == OK);
    assert_all(table->blocks.rows_total == 541909 && table->columns == 8);
    struct facts quantity = facts_of(table, "Quantity"), price = facts_of(table, "UnitPrice");
    assert_all(quantity.sum == 5176450.0 && quantity.negative == 10624);
    assert_close(price.sum, 2498803.974, 1e-9);
    assert_all(price.not_positive == 2517 && facts_of(table, "CustomerID").missing == 135080);
    assert_all(facts_of(table, "Description").missing == 1454);
    assert_all(table->column[table_find(table, "CustomerID")].type == COLUMN_NUMBER);
    assert_all(table->column[table_find(table, "Country")].levels.count == 38);
    assert_all(table->column[table_find(table, "StockCode")].levels.count == 4070);
    table_free(&table);
    free(path);
}

static void iris(void **state)
{
    (void)state;
    char *path = real_data("customers/iris.csv");
    struct table *table = NULL;
    if (path == NULL) return;
    assert_all(table_read(&world, path, NULL, 0, &table) == OK && table->columns == 5);
    assert_close(facts_of(table, "petal_length").sum, 563.7, 1e-9);
    assert_all(table->column[4].levels.count == 3 && table->blocks.rows_total == 150);
    assert_all(strcmp(dictionary_text(&table->column[4].levels, 2), "virginica") == 0);
    table_free(&table);
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(known_table), TEST(not_finite), TEST(chosen_columns), TEST(ids), TEST(refused),
          TEST(same_at_any_ranks), TEST(faults), TEST(online_retail), TEST(iris))
