/* Users: keys as published, blocks by the top bits, a balanced cut, folds that are fair and
 * independent. */
#include "tests/harness.h"

#include "partition/users.h"

#include <stdlib.h>
#include <string.h>

static struct user_key key_of(int64_t number)
{
    unsigned char secret[USER_SECRET_BYTES];
    char id[32];
    for (int i = 0; i < USER_SECRET_BYTES; i++) secret[i] = (unsigned char)i;
    int bytes = snprintf(id, sizeof id, "user-%lld", (long long)number);
    return user_key_of(secret, id, (size_t)bytes);
}

/* From tests/goldens/users.py. */
static void keys_are_keyed_blake2b(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        struct user_key key;
    } golden[] = {{"", {0x3daf97bce7888fd5, 0x9773c66bf647459c}},
                  {"1", {0x9537f3329a1d2387, 0x4fe9b30424e18e94}},
                  {"user-1", {0x2bbd2c0bbd82cdc7, 0x6d05cd31613b7b66}},
                  {"Zo\303\253", {0x977e5ee403c47fb8, 0x36c427322acbb5d7}}};
    unsigned char secret[USER_SECRET_BYTES];
    for (int i = 0; i < USER_SECRET_BYTES; i++) secret[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct user_key key = user_key_of(secret, golden[i].id, strlen(golden[i].id));
        assert_all(user_key_compare(key, golden[i].key) == 0);
    }
    struct user_key before = user_key_of(secret, "1", 1);
    secret[31] ^= 1;
    assert_all(user_key_compare(before, user_key_of(secret, "1", 1)) != 0);
}

static void keys_have_an_order(void **state)
{
    (void)state;
    struct user_key a = {1, 9}, b = {2, 0}, c = {2, UINT64_MAX};
    assert_all(user_key_compare(a, b) == -1 && user_key_compare(b, a) == 1);
    assert_all(user_key_compare(b, c) == -1 && user_key_compare(c, b) == 1);
    assert_all(user_key_compare(c, c) == 0);
}

static void blocks_are_the_top_bits(void **state)
{
    (void)state;
    assert_all(user_block((struct user_key){0, UINT64_MAX}, 6) == 0);
    assert_all(user_block((struct user_key){UINT64_MAX, 0}, 6) == 63);
    assert_all(user_block((struct user_key){UINT64_C(1) << 63, 0}, 16) == 32768);
    assert_all(user_block_bits(0) == 6 && user_block_bits(64 * 2048) == 6);
    assert_all(user_block_bits(64 * 2048 + 1) == 7 && user_block_bits(1000000) == 9);
    assert_all(user_block_bits(INT64_C(1) << 40) == 16);
}

/* ---- folds ---- */

enum { USERS = 40000, FOLDS = 5 };

static void folds_are_uniform_for_every_purpose(void **state)
{
    (void)state;
    for (uint64_t purpose = 0; purpose < 4; purpose++) {
        int64_t count[FOLDS] = {0};
        double sum = 0;
        for (int64_t u = 0; u < USERS; u++) count[user_fold(key_of(u), purpose, FOLDS)]++;
        for (int f = 0; f < FOLDS; f++)
            sum += pow((double)count[f] - USERS / FOLDS, 2) / (USERS / FOLDS);
        assert_all(sum < 18.5); /* 4 degrees of freedom, one in a thousand */
    }
}

/* Fold against another purpose's fold, and fold against block: all pairs about equally often. */
static void folds_are_independent(void **state)
{
    (void)state;
    int64_t pair[FOLDS][FOLDS] = {{0}}, block[4][FOLDS] = {{0}};
    for (int64_t u = 0; u < USERS; u++) {
        struct user_key key = key_of(u);
        int fold = user_fold(key, 1, FOLDS);
        pair[fold][user_fold(key, 2, FOLDS)]++;
        block[user_block(key, 6) / 16][fold]++;
    }
    double sum = 0, by_block = 0, cell = USERS / (double)(FOLDS * FOLDS),
           wide = USERS / (4.0 * FOLDS);
    for (int f = 0; f < FOLDS; f++) {
        for (int g = 0; g < FOLDS; g++) sum += pow((double)pair[f][g] - cell, 2) / cell;
        for (int b = 0; b < 4; b++) by_block += pow((double)block[b][f] - wide, 2) / wide;
    }
    assert_all(sum < 51.2);      /* 24 degrees of freedom, one in a thousand */
    assert_all(by_block < 43.9); /* 19 degrees of freedom */
}

static void a_fold_is_in_range(void **state)
{
    (void)state;
    struct user_key last = {UINT64_MAX, UINT64_MAX};
    for (int folds = 1; folds < 12; folds++)
        for (uint64_t purpose = 0; purpose < 50; purpose++) {
            int fold = user_fold(last, purpose, folds);
            assert_all(fold >= 0 && fold < folds);
        }
}

/* ---- the cut ---- */

static int64_t weight_of(int64_t block, int kind)
{
    if (kind == 0) return 1;                         /* even */
    if (kind == 1) return block == 10 ? 1000000 : 0; /* one block has it all */
    if (kind == 2) return 0;                         /* nobody has anything */
    return (block * 2654435761) % 1000;              /* rough */
}

/* Every block once, in order; no rank has more than its share and one block. */
static void cut_is_gapless_and_balanced(void **state)
{
    (void)state;
    enum { BITS = 6, BLOCKS = 1 << BITS };
    for (int kind = 0; kind < 4; kind++) {
        int64_t weight[BLOCKS], total = 0, largest = 0, load = 0;
        struct user_cut cut;
        /* the ranks hold the weight in turns, so that it must be summed */
        for (int64_t b = 0; b < BLOCKS; b++) {
            weight[b] = b % world.ranks == world.rank ? weight_of(b, kind) : 0;
            total += weight_of(b, kind);
            largest = weight_of(b, kind) > largest ? weight_of(b, kind) : largest;
        }
        assert_all(user_cut_make(&world, BITS, weight, &cut) == OK);
        assert_all(cut.rank_first[0] == 0 && cut.rank_first[world.ranks] == BLOCKS);
        bool right = true;
        for (int r = 0; r < world.ranks; r++)
            for (int64_t b = cut.rank_first[r]; b < cut.rank_first[r + 1]; b++) {
                right = right && user_cut_owner(&cut, b) == r && weight[b] == weight_of(b, kind);
                load += r == world.rank ? weight[b] : 0;
            }
        assert_all(right && load <= total / world.ranks + largest + 1);
        user_cut_clear(&cut);
        assert_all(cut.rank_first == NULL);
    }
}

static void a_cut_by_hand(void **state)
{
    (void)state;
    /* weights 4 1 1 2, middles at 2, 4.5, 5.5, 7 of 8: halves {4} {1 1 2}, thirds {4} {1} {1 2} */
    int64_t weight[64] = {0};
    const int64_t first[4] = {4, 1, 1, 2};
    if (world.rank == 0)
        for (int b = 0; b < 4; b++) weight[b] = first[b];
    struct user_cut cut;
    assert_all(user_cut_make(&world, 6, weight, &cut) == OK);
    if (world.ranks == 2) assert_all(cut.rank_first[1] == 1);
    if (world.ranks == 3) assert_all(cut.rank_first[1] == 1 && cut.rank_first[2] == 2);
    user_cut_clear(&cut);
}

static void cut_survives_faults(void **state)
{
    (void)state;
    int64_t weight[64] = {0};
    for (int r = 0; r < world.ranks; r++) {
        struct user_cut cut;
        comm_inject_fault(0, r);
        assert_all(user_cut_make(&world, 6, weight, &cut) == ERR_BUG && cut.rank_first == NULL);
    }
    comm_inject_fault(-1, 0);
}

TEST_MAIN(cmocka_unit_test(keys_are_keyed_blake2b), cmocka_unit_test(keys_have_an_order),
          cmocka_unit_test(blocks_are_the_top_bits),
          cmocka_unit_test(folds_are_uniform_for_every_purpose),
          cmocka_unit_test(folds_are_independent), cmocka_unit_test(a_fold_is_in_range),
          cmocka_unit_test(cut_is_gapless_and_balanced), cmocka_unit_test(a_cut_by_hand),
          cmocka_unit_test(cut_survives_faults))
