/* Records of users: grouped in place, brought home, sorted; none lost, none twice. */
#include "tests/harness.h"

#include "mpi/memory.h"
#include "partition/records.h"

#include <stdlib.h>
#include <string.h>

struct record {
    struct user_key user;
    int64_t number; /* different for all records of all ranks */
};

enum { BITS = 6, BLOCKS = 1 << BITS };

static struct user_key key_of(int64_t user)
{
    unsigned char secret[USER_SECRET_BYTES] = {1};
    char id[32];
    return user_key_of(secret, id, (size_t)snprintf(id, sizeof id, "%lld", (long long)user));
}

static int compare_record(const void *a, const void *b)
{
    const struct record *left = a, *right = b;
    int order = user_key_compare(left->user, right->user);
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/* Rank r brings `per_rank * r` records, so that rank 0 brings none. */
static struct record *make_records(int64_t per_rank, int64_t users, int64_t *count)
{
    struct record *records = NULL;
    *count = per_rank * world.rank;
    if (memory_new(&records, *count, sizeof *records) != OK) abort();
    for (int64_t i = 0; i < *count; i++) {
        int64_t number = 1000000 * (world.rank + 1) + i;
        records[i] = (struct record){key_of(number * 7919 % users), number};
    }
    return records;
}

static enum status even_cut(struct user_cut *cut)
{
    int64_t weight[BLOCKS];
    for (int64_t b = 0; b < BLOCKS; b++) weight[b] = world.rank == 0;
    return user_cut_make(&world, BITS, weight, cut);
}

/* ---- grouping ---- */

static int64_t bucket_of(const void *record, const void *context)
{
    int64_t number = 0;
    memcpy(&number, record, sizeof number);
    return number % *(const int64_t *)context;
}

/* Records of every size around the width of one exchange of bytes, most of them padding. */
static void grouped_in_place(void **state)
{
    (void)state;
    static const size_t widths[] = {8, 24, 511, 512, 513, 5000};
    const int64_t buckets = 7, count = 200;
    int64_t start[8];
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        size_t bytes = widths[w];
        char *records = NULL;
        assert_all(memory_new(&records, count, bytes) == OK);
        for (int64_t i = 0; i < count; i++) {
            int64_t number = i * i % 101;
            memset(records + (size_t)i * bytes, (int)(number + 1), bytes);
            memcpy(records + (size_t)i * bytes, &number, sizeof number);
        }
        assert_all(records_group(records, count, bytes, buckets, bucket_of, &buckets, start) == OK);
        assert_all(start[0] == 0 && start[buckets] == count);
        bool right = true;
        int64_t squares = 0, wanted = 0;
        for (int64_t b = 0; b < buckets; b++)
            for (int64_t i = start[b]; i < start[b + 1]; i++) {
                const char *at = records + (size_t)i * bytes;
                int64_t number = 0;
                memcpy(&number, at, sizeof number);
                squares += number * number;
                right = right && number % buckets == b;
                for (size_t k = sizeof number; k < bytes; k++)
                    right = right && at[k] == (char)(number + 1);
            }
        for (int64_t i = 0; i < count; i++) wanted += (i * i % 101) * (i * i % 101);
        assert_all(right && squares == wanted);
        free(records);
    }
}

static void nothing_to_group(void **state)
{
    (void)state;
    const int64_t buckets = 3;
    int64_t start[4] = {9, 9, 9, 9};
    assert_all(records_group(NULL, 0, 16, buckets, bucket_of, &buckets, start) == OK);
    assert_all(start[0] == 0 && start[1] == 0 && start[2] == 0 && start[3] == 0);
}

/* ---- to their owners ---- */

static void all_come_home(void **state)
{
    (void)state;
    static const int64_t per_rank[] = {0, 1, 1000};
    struct user_cut cut;
    assert_all(even_cut(&cut) == OK);
    for (int n = 0; n < 3; n++) {
        int64_t count = 0, sums[4] = {0};
        struct record *records = make_records(per_rank[n], 50, &count);
        for (int64_t i = 0; i < count; i++) {
            sums[0] += 1;
            sums[1] += records[i].number;
        }
        assert_all(records_to_owners(&world, &cut, &records, &count, sizeof *records) == OK);
        bool home = true;
        for (int64_t i = 0; i < count; i++) {
            int64_t block = user_block(records[i].user, BITS);
            home = home && user_cut_owner(&cut, block) == world.rank;
            home = home &&
                   user_key_compare(records[i].user, key_of(records[i].number * 7919 % 50)) == 0;
            sums[2] += 1;
            sums[3] += records[i].number;
        }
        assert_all(home);
        comm_sum_int64(&world, sums, 4);
        assert_all(sums[0] == sums[2] && sums[1] == sums[3]);
        free(records);
    }
    user_cut_clear(&cut);
}

static void sorted_at_home(void **state)
{
    (void)state;
    struct user_cut cut;
    int64_t count = 0;
    struct record *records = make_records(3000, 200, &count);
    assert_all(even_cut(&cut) == OK);
    assert_all(records_to_owners(&world, &cut, &records, &count, sizeof *records) == OK);
    assert_all(records_sort(records, count, sizeof *records, BITS, compare_record) == OK);
    bool ordered = true;
    for (int64_t i = 1; i < count; i++)
        ordered = ordered && compare_record(&records[i - 1], &records[i]) < 0;
    assert_all(ordered);
    assert_all(records_sort(NULL, 0, sizeof *records, BITS, compare_record) == OK);
    free(records);
    user_cut_clear(&cut);
}

/* A failure leaves the records as they were or at their owners, and the caller can free them. */
static void survives_faults(void **state)
{
    (void)state;
    struct user_cut cut;
    assert_all(even_cut(&cut) == OK);
    for (int64_t k = 0; k < 64; k++)
        for (int r = 0; r < world.ranks; r++) {
            int64_t count = 0;
            struct record *records = make_records(10, 5, &count);
            comm_inject_fault(k, r);
            enum status status = records_to_owners(&world, &cut, &records, &count, sizeof *records);
            int64_t agreements = comm_agreements();
            free(records);
            assert_all(status == (k < agreements ? ERR_BUG : OK));
            if (k >= agreements) k = 64;
        }
    comm_inject_fault(-1, 0);
    user_cut_clear(&cut);
}

TEST_MAIN(cmocka_unit_test(grouped_in_place), cmocka_unit_test(nothing_to_group),
          cmocka_unit_test(all_come_home), cmocka_unit_test(sorted_at_home),
          cmocka_unit_test(survives_faults))
