/* What stands in columns: missing values, numbers not above 0, different values over all ranks. */
#include "tests/folders.h"

#include "jobs/column_facts.h"

static enum status add(void *context, const struct csv_row *row)
{
    return column_facts_add(context, row);
}

static void counts_of_a_small_table(void **state)
{
    (void)state;
    static const char text[] = "a,b,c\n1,x,-2\n,x,0.00\n NA ,y,.0\n2,\"x\",-x\n1,z,0-1\n2,x,+7\n";
    struct column_facts facts = {0};
    struct csv *csv = NULL;
    char *path = scratch_share("t.csv", text, (int64_t)sizeof text - 1);
    assert_all(csv_open(&world, path, NULL, &csv) == OK);
    assert_all(column_facts_init(&facts, csv->columns) == OK);
    assert_all(csv_read(&world, csv, add, NULL, &facts) == OK);
    assert_all(column_facts_report(&world, &facts, csv) == OK);
    const struct column_fact *column = facts.column;
    assert_all(column[0].missing == 2 && column[0].low == 0 && column[0].distinct == 2);
    assert_all(column[1].missing == 0 && column[1].low == 0 && column[1].distinct == 3);
    assert_all(column[2].missing == 0 && column[2].low == 3 && column[2].distinct == 6);
    column_facts_clear(&facts);
    csv_free(&csv);
    free(path);
}

/* Every rank brings other values, and one of them more than are counted. */
static void many_different_values(void **state)
{
    (void)state;
    struct column_facts facts = {0};
    struct csv *csv = NULL;
    char *path = scratch_share("t.csv", "few,many\n", 9), value[2][32];
    assert_all(csv_open(&world, path, NULL, &csv) == OK);
    assert_all(column_facts_init(&facts, 2) == OK);
    bool good = true;
    for (int i = 0; i < COLUMN_DISTINCT_MAX + 100; i++) {
        struct csv_field field[2] = {{.text = value[0]}, {.text = value[1]}};
        field[0].bytes = (uint32_t)snprintf(value[0], 32, "%d-%d", world.rank, i % 1000);
        field[1].bytes = (uint32_t)snprintf(value[1], 32, "%d", world.rank == 0 ? 1 + i : 7);
        const struct csv_row row = {.field = field, .fields = 2};
        good = good && column_facts_add(&facts, &row) == OK;
    }
    assert_all(good);
    assert_all(column_facts_report(&world, &facts, csv) == OK);
    assert_all(facts.column[0].distinct == 1000 * world.ranks);
    assert_all(facts.column[1].distinct > COLUMN_DISTINCT_MAX);
    column_facts_clear(&facts);
    csv_free(&csv);
    free(path);
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

TEST_MAIN(TEST(counts_of_a_small_table), TEST(many_different_values))
