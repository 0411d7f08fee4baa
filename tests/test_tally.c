/* Sums by key: each key once, in order, the same whatever the ranks and the memory. */
#include "tests/folders.h"

#include "jobs/tally.h"
#include "partition/random.h"

enum { GROUPS = 40, KEYS = 300, ADDED = 60000 };

struct bytes {
    unsigned char *at;
    int64_t count;
};

static void append(struct bytes *bytes, const void *more, int64_t count)
{
    bytes->at = realloc(bytes->at, (size_t)(bytes->count + count + 1));
    if (bytes->at == NULL) abort();
    if (count > 0) memcpy(bytes->at + bytes->count, more, (size_t)count);
    bytes->count += count;
}

static enum status append_all(struct bytes *bytes, const void *mine, int64_t count)
{
    void *all = NULL;
    enum status status = comm_gather_all(&world, mine, count, &all, &count);
    if (status == OK) append(bytes, all, count);
    free(all);
    return status;
}

/* The records of all ranks in the order in which they come. */
static enum status take(struct tally *tally, size_t record_bytes, bool in_turn, struct bytes *all)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    struct bytes mine = {0};
    *all = (struct bytes){0};
    TRY(tally_open(&world, tally));
    while (batch.more) {
        TRY(tally_next(&world, tally, &batch));
        append(&mine, batch.records, batch.count * (int64_t)record_bytes);
        if (!in_turn && batch.more) continue;
        TRY(append_all(all, mine.at, mine.count));
        mine.count = 0;
    }
done:
    free(mine.at);
    return status;
}

/* Item i: a few groups have most of them. */
static struct tally_record item(int64_t i)
{
    uint64_t group = random_below(9, RANDOM_TEST, (uint64_t)i, 0, GROUPS);
    return (struct tally_record){
        i % 3 == 0 ? 7 : group, random_below(9, RANDOM_TEST, (uint64_t)i, 1, KEYS), {1, i, -2 * i}};
}

static enum status add_share(struct tally *tally)
{
    enum status status = OK;
    for (int64_t i = world.rank; i < ADDED; i += world.ranks) {
        struct tally_record record = item(i);
        TRY(tally_add(tally, record.group, record.key, record.sum));
    }
done:
    return status;
}

/* What must come out, from a plain table. */
static struct bytes expected(int64_t sums)
{
    static int64_t table[GROUPS][KEYS][TALLY_SUMS];
    struct bytes all = {0};
    memset(table, 0, sizeof table);
    for (int64_t i = 0; i < ADDED; i++) {
        struct tally_record record = item(i);
        for (int s = 0; s < TALLY_SUMS; s++) table[record.group][record.key][s] += record.sum[s];
    }
    for (uint64_t g = 0; g < GROUPS; g++)
        for (uint64_t k = 0; k < KEYS; k++) {
            uint64_t words[2] = {g, k};
            if (table[g][k][0] == 0) continue;
            append(&all, words, sizeof words);
            append(&all, table[g][k], sums * (int64_t)sizeof(int64_t));
        }
    return all;
}

static void check(int64_t sums, int64_t memory_bytes, bool in_turn)
{
    struct tally_options options = {sums, memory_bytes, 1 << 12, scratch_folder, in_turn};
    struct tally *tally = NULL;
    struct bytes all, right = expected(sums);
    size_t record_bytes = (size_t)(2 + sums) * sizeof(uint64_t);
    assert_all(tally_new(&options, &tally) == OK);
    assert_all(add_share(tally) == OK);
    for (int time = 0; time < 2; time++) { /* the records stay */
        assert_all(take(tally, record_bytes, in_turn, &all) == OK);
        assert_all(all.count == right.count);
        assert_all(memcmp(all.at, right.at, (size_t)right.count) == 0);
        free(all.at);
    }
    free(right.at);
    tally_free(&tally);
    tally_free(&tally);
}

static void sums_by_key(void **state)
{
    (void)state;
    scratch_open();
    check(3, 1 << 24, false);
    check(3, 1 << 16, false);
    check(1, 1 << 16, true);
    check(2, 0, true);
    scratch_close();
}

static void empty_and_wrong(void **state)
{
    (void)state;
    struct tally_options options = {1, 1 << 16, 0, "/tmp", false};
    struct tally *tally = NULL;
    struct bytes all;
    assert_all(tally_new(&options, &tally) == OK);
    assert_all(take(tally, sizeof(struct tally_count), false, &all) == OK && all.count == 0);
    free(all.at);
    tally_free(&tally);
    options.sums = TALLY_SUMS + 1;
    assert_all(tally_new(&options, &tally) == ERR_ARG && tally == NULL);
}

static void keys_keep_the_order_of_numbers(void **state)
{
    (void)state;
    static const double numbers[] = {-INFINITY, -1e300, -1.5,  -1.0,  -5e-324, 0.0,
                                     5e-324,    0.1,    1e-10, 1e300, INFINITY};
    static const int64_t order[] = {0, 1, 2, 3, 4, 5, 6, 8, 7, 9, 10};
    for (int i = 1; i < 11; i++)
        assert_all(tally_key_of(numbers[order[i - 1]]) < tally_key_of(numbers[order[i]]));
    for (int i = 0; i < 11; i++)
        assert_all(tally_number_of(tally_key_of(numbers[i])) == numbers[i]);
    assert_all(tally_key_of(-0.0) == tally_key_of(0.0));
}

static void fault_sweep(void **state)
{
    (void)state;
    struct tally_options options = {1, 1 << 16, 0, "/tmp", false};
    struct tally *tally = NULL;
    struct bytes all;
    int64_t one = 1, agreements = 0;
    for (int64_t a = -1; a < agreements; a++) {
        assert_all(tally_new(&options, &tally) == OK);
        assert_all(tally_add(tally, 5, 6, &one) == OK);
        comm_inject_fault(a, (int)(a + 1) % world.ranks);
        enum status status = take(tally, sizeof(struct tally_count), false, &all);
        assert_all((status == OK) == (a < 0));
        if (a < 0) agreements = comm_agreements();
        free(all.at);
        tally_free(&tally);
    }
    comm_inject_fault(-1, 0);
}

TEST_MAIN(cmocka_unit_test(sums_by_key), cmocka_unit_test(empty_and_wrong),
          cmocka_unit_test(keys_keep_the_order_of_numbers), cmocka_unit_test(fault_sweep))
