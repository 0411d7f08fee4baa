/* The distributed sort: the same sequence as sorting everything in one place, at any number of
 * ranks and any limit of memory, no group parted, all ranks with their share, and a follower that
 * misses nothing. */
#include "tests/folders.h"

#include "partition/random.h"
#include "partition/sorter.h"

enum { WORDS = 3, GROUP_WORDS = 2, USERS = 60, PRODUCTS = 40, MEMORY = 1 << 18, BATCH = 1 << 14 };

struct record {
    uint64_t word[WORDS]; /* the last one is the record's own */
    uint64_t number, check;
};

/* What was taken by all ranks, in the order of the records; the same on every rank. */
struct taken {
    struct record *all;
    int64_t count;
};

enum keys { HASHES, SMALL, ONE_GROUP, ONE_USER, CLUSTERS, KEYS };

static uint64_t user_word(enum keys keys, uint64_t user)
{
    const uint64_t word[] = {(user + 1) * UINT64_C(0xd6e8feb86659fd93), user, 5, 5,
                             user < 50 ? UINT64_MAX - user : user * user};
    return word[keys];
}

static struct record make(enum keys keys, int64_t number)
{
    uint64_t user = random_below(17, RANDOM_TEST, (uint64_t)number, 0, USERS);
    uint64_t product = random_below(17, RANDOM_TEST, (uint64_t)number, 1, PRODUCTS);
    uint64_t own = (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t group = keys == ONE_GROUP ? 6 : user > 50 ? UINT64_MAX - product : product;
    return (struct record){{user_word(keys, user), group, own}, (uint64_t)number, ~own};
}

static struct sorter_options options_of(int64_t memory_bytes, bool in_turn)
{
    return (struct sorter_options){sizeof(struct record), WORDS,  GROUP_WORDS, memory_bytes, BATCH,
                                   scratch_folder,        in_turn};
}

/* Records first .. end - 1, dealt round, or all on the last rank. */
static enum status add(struct sorter *sorter, enum keys keys, int64_t first, int64_t end,
                       bool dealt)
{
    for (int64_t i = first; i < end; i++) {
        struct record record = make(keys, i);
        int64_t owner = dealt ? i % world.ranks : world.ranks - 1;
        enum status status = owner == world.rank ? sorter_add(sorter, &record) : OK;
        if (status != OK) return status;
    }
    return OK;
}

/* Put this rank's `count` records behind those of the ranks before, all behind what was taken. */
static enum status gather(const void *mine, int64_t count, struct taken *taken)
{
    void *all = NULL;
    int64_t bytes = 0;
    enum status status =
        comm_gather_all(&world, mine, count * (int64_t)sizeof(struct record), &all, &bytes);
    if (status != OK) return status;
    int64_t more = bytes / (int64_t)sizeof(struct record);
    taken->all = realloc(taken->all, (size_t)(taken->count + more + 1) * sizeof *taken->all);
    memcpy(taken->all + taken->count, all, (size_t)bytes);
    taken->count += more;
    free(all);
    return OK;
}

/* Take all batches; the first record of each is marked: its check is 0. */
static enum status take(struct sorter *sorter, bool in_turn, struct taken *taken)
{
    struct sorter_batch batch = {.more = true};
    struct record *mine = NULL;
    int64_t count = 0;
    *taken = (struct taken){NULL, 0};
    enum status status = sorter_open(&world, sorter);
    while (status == OK && batch.more) {
        status = sorter_next(&world, sorter, &batch);
        if (status != OK) break;
        mine = realloc(mine, (size_t)(count + batch.count + 1) * sizeof *mine);
        memcpy(mine + count, batch.records, (size_t)batch.count * sizeof *mine);
        if (batch.count > 0) mine[count].check = 0;
        count += batch.count;
        if (!in_turn && batch.more) continue;
        status = gather(mine, count, taken);
        count = 0;
    }
    free(mine);
    return status;
}

static int compare(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    for (int w = 0; w < WORDS; w++)
        if (x->word[w] != y->word[w]) return x->word[w] < y->word[w] ? -1 : 1;
    return 0;
}

/* The same records in the same order as sorted in one place, and no batch begins inside a group. */
static bool is_whole(const struct taken *taken, enum keys keys, int64_t total)
{
    struct record *all = calloc((size_t)total + 1, sizeof *all);
    bool whole = taken->count == total;
    for (int64_t i = 0; i < total; i++) all[i] = make(keys, i);
    qsort(all, (size_t)total, sizeof *all, compare);
    for (int64_t i = 0; whole && i < total; i++) {
        struct record *got = &taken->all[i];
        bool begins = got->check == 0;
        got->check = ~got->word[2];
        whole = memcmp(got, &all[i], sizeof *got) == 0;
        if (begins && i > 0)
            whole = whole && memcmp(got->word, got[-1].word, GROUP_WORDS * sizeof *got->word) != 0;
    }
    free(all);
    return whole;
}

/* One sorter from beginning to end. */
static void sort_and_check(enum keys keys, int64_t total, int64_t memory, bool in_turn, bool dealt)
{
    struct sorter *sorter = NULL;
    struct taken taken;
    struct sorter_options options = options_of(memory, in_turn);
    assert_all(sorter_new(&options, &sorter) == OK);
    assert_all(add(sorter, keys, 0, total, dealt) == OK);
    assert_all(take(sorter, in_turn, &taken) == OK);
    assert_all(is_whole(&taken, keys, total));
    free(taken.all);
    sorter_free(&sorter);
    assert_all(sorter == NULL);
}

static void a_few_by_hand(void **state)
{
    (void)state;
    const uint64_t records[5][2] = {{7, 0}, {2, 9}, {UINT64_MAX, 1}, {2, 3}, {0, 5}};
    const uint64_t sorted[5] = {5, 3, 9, 0, 1};
    struct sorter_options options = {16, 2, 1, 1 << 16, 0, scratch_folder, false};
    struct sorter *sorter = NULL;
    struct sorter_batch batch;
    struct comm alone = comm_self();
    assert_all(sorter_new(&options, &sorter) == OK);
    for (int i = 0; i < 5; i++) assert_all(sorter_add(sorter, records[i]) == OK);
    assert_all(sorter_count(sorter) == 5 && sorter_file_bytes(sorter) == 0);
    assert_all(sorter_next(&alone, sorter, &batch) == ERR_BUG);
    assert_all(sorter_open(&alone, sorter) == OK);
    assert_all(sorter_add(sorter, records[0]) == ERR_BUG);
    assert_all(sorter_next(&alone, sorter, &batch) == OK && batch.count == 5 && !batch.more);
    for (int i = 0; i < 5; i++) assert_all(((uint64_t(*)[2])batch.records)[i][1] == sorted[i]);
    assert_all(sorter_next(&alone, sorter, &batch) == ERR_BUG && batch.records == NULL);
    sorter_free(&sorter);
}

static void the_sequence_is_that_of_one_place(void **state)
{
    (void)state;
    for (int keys = 0; keys < KEYS; keys++)
        for (int memory = 0; memory < 3; memory++)
            for (int turn = 0; turn < 2; turn++)
                sort_and_check((enum keys)keys, 4000, (int64_t)MEMORY * memory * memory, turn,
                               true);
}

static void large_runs_too(void **state)
{
    (void)state;
    for (int keys = 0; keys < KEYS; keys++)
        sort_and_check((enum keys)keys, 40000, 64 << 20, false, true);
}

static void ranks_may_be_empty(void **state)
{
    (void)state;
    for (int64_t total = 0; total < 4; total++)
        for (int turn = 0; turn < 2; turn++) sort_and_check(HASHES, total, MEMORY, turn, true);
    sort_and_check(HASHES, 4000, MEMORY, false, false);
    sort_and_check(SMALL, 4000, 0, true, false);
}

static void little_memory_spills(void **state)
{
    (void)state;
    struct sorter *sorter = NULL;
    struct sorter_options options = options_of(MEMORY, false);
    const int64_t each = 60000, bytes = each * (int64_t)sizeof(struct record);
    assert_all(sorter_new(&options, &sorter) == OK);
    assert_all(add(sorter, HASHES, 0, each * world.ranks, true) == OK);
    int64_t held = sorter_memory_bytes(sorter), filed = sorter_file_bytes(sorter);
    assert_all(held <= MEMORY + (2 << 20) && filed > bytes / 4);
    sorter_free(&sorter);
}

static void records_stay_and_more_may_come(void **state)
{
    (void)state;
    struct sorter *sorter = NULL;
    struct taken taken;
    struct sorter_options options = options_of(MEMORY, false);
    assert_all(sorter_new(&options, &sorter) == OK);
    for (int times = 0; times < 3; times++) {
        int64_t total = times == 2 ? 4000 : 3000;
        if (times != 1) assert_all(add(sorter, SMALL, times == 0 ? 0 : 3000, total, true) == OK);
        assert_all(take(sorter, false, &taken) == OK);
        assert_all(is_whole(&taken, SMALL, total));
        free(taken.all);
    }
    sorter_free(&sorter);
}

/* ---- balance ---- */

enum { ZIPF_USERS = 20000, ZIPF_PRODUCTS = 1000 };

/* cumulative[i] = share of the first i + 1 when the i-th weighs (i + 1)^-exponent */
static void zipf(double exponent, int64_t count, double *cumulative)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) cumulative[i] = sum += pow((double)(i + 1), -exponent);
    for (int64_t i = 0; i < count; i++) cumulative[i] /= sum;
}

static uint64_t pick(const double *cumulative, int64_t count, double x)
{
    int64_t low = 0, high = count - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (cumulative[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint64_t)(low + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Records of the fullest rank over the mean. */
static double imbalance(struct sorter *sorter)
{
    struct sorter_batch batch = {.more = true};
    int64_t mine = 0;
    enum status status = sorter_open(&world, sorter);
    while (status == OK && batch.more) {
        status = sorter_next(&world, sorter, &batch);
        mine += batch.count;
    }
    int64_t most = mine, sum = mine;
    comm_max_int64(&world, &most, 1);
    comm_sum_int64(&world, &sum, 1);
    return status == OK ? (double)most * world.ranks / (double)sum : INFINITY;
}

static double zipf_imbalance(double of_users, double of_products, int64_t records)
{
    static double users[ZIPF_USERS], products[ZIPF_PRODUCTS];
    struct sorter *sorter = NULL;
    struct sorter_options options = options_of(MEMORY, false);
    zipf(of_users, ZIPF_USERS, users);
    zipf(of_products, ZIPF_PRODUCTS, products);
    enum status status = sorter_new(&options, &sorter);
    for (int64_t i = world.rank; status == OK && i < records; i += world.ranks) {
        double x = random_uniform(5, RANDOM_TEST, (uint64_t)i, 0);
        double y = random_uniform(5, RANDOM_TEST, (uint64_t)i, 1);
        uint64_t user = pick(users, ZIPF_USERS, x), product = pick(products, ZIPF_PRODUCTS, y);
        struct record record = {{user, product, (uint64_t)i}, 0, 0};
        status = sorter_add(sorter, &record);
    }
    assert_all(status == OK);
    double result = imbalance(sorter);
    sorter_free(&sorter);
    return result;
}

static void every_rank_has_its_share(void **state)
{
    (void)state;
    double uniform = zipf_imbalance(0, 0, 50000);
    double few_users = zipf_imbalance(1.2, 0, 50000);
    double few_of_both = zipf_imbalance(1.2, 1.0, 50000);
    assert_all(uniform <= 1.05);
    assert_all(few_users <= 1.05);
    assert_all(few_of_both <= 1.2);
}

/* ---- following ---- */

enum { FOLLOWED = 80 };

/* One record of each user, some of whom the leader does not have. */
static enum status add_users(struct sorter *sorter, enum keys keys)
{
    for (uint64_t user = 0; user < FOLLOWED; user++) {
        struct record record = {{user_word(keys, user), 0, user}, user, 0};
        enum status status =
            (int)(user % (uint64_t)world.ranks) == world.rank ? sorter_add(sorter, &record) : OK;
        if (status != OK) return status;
    }
    return OK;
}

/* Both in order: does every user of the leader's batch stand in the follower's? */
static bool joins(const struct sorter_batch *leader, const struct sorter_batch *follower)
{
    const struct record *row = leader->records, *user = follower->records;
    int64_t u = 0;
    for (int64_t i = 0; i < leader->count; i++) {
        while (u < follower->count && user[u].word[0] < row[i].word[0]) u++;
        if (u == follower->count || user[u].word[0] != row[i].word[0]) return false;
    }
    return true;
}

static void count_users(const struct sorter_batch *batch, int64_t *times)
{
    const struct record *user = batch->records;
    for (int64_t i = 0; i < batch->count; i++) times[user[i].number]++;
}

/* Follow to the end; times[user] counts how often each came, on all ranks. */
static enum status follow(struct sorter *leader, struct sorter *users, bool *joined, int64_t *times)
{
    struct sorter_batch rows = {.more = true}, batch;
    enum status status = sorter_open(&world, leader);
    *joined = true;
    while (status == OK && rows.more) {
        status = sorter_next(&world, leader, &rows);
        if (status == OK) status = sorter_follow(&world, leader, users, 1, &batch);
        if (status != OK) break;
        *joined = *joined && joins(&rows, &batch) && batch.more == rows.more;
        count_users(&batch, times);
    }
    comm_sum_int64(&world, times, FOLLOWED);
    return status;
}

static void check_follow(enum keys keys, int group_words, int64_t records, bool in_turn)
{
    struct sorter *leader = NULL, *users = NULL;
    struct sorter_options options = options_of(0, in_turn);
    bool joined = false;
    int64_t times[FOLLOWED] = {0}, fewest = INT64_MAX, most = 0;
    options.group_words = group_words;
    options.batch_bytes = 2048;
    assert_all(sorter_new(&options, &leader) == OK && sorter_new(&options, &users) == OK);
    assert_all(add(leader, keys, 0, records, true) == OK && add_users(users, keys) == OK);
    assert_all(follow(leader, users, &joined, times) == OK && joined);
    for (int u = 0; u < FOLLOWED; u++) {
        fewest = times[u] < fewest ? times[u] : fewest;
        most = times[u] > most ? times[u] : most;
    }
    assert_all(fewest >= 1);
    assert_all(group_words > 1 || most == 1);
    sorter_free(&leader);
    sorter_free(&users);
}

static void a_follower_misses_nothing(void **state)
{
    (void)state;
    for (int keys = 0; keys < KEYS; keys++)
        for (int words = 1; words <= GROUP_WORDS; words++)
            for (int turn = 0; turn < 2; turn++) check_follow((enum keys)keys, words, 1000, turn);
    check_follow(HASHES, 2, 0, false);
    check_follow(HASHES, 2, 1, true);
}

/* ---- failures ---- */

static enum status all_steps(void)
{
    struct sorter *leader = NULL, *users = NULL;
    struct sorter_options options = options_of(MEMORY, false);
    bool joined = false;
    int64_t times[FOLLOWED] = {0};
    assert_all(sorter_new(&options, &leader) == OK && sorter_new(&options, &users) == OK);
    assert_all(add(leader, HASHES, 0, 1000, true) == OK && add_users(users, HASHES) == OK);
    enum status status = follow(leader, users, &joined, times);
    sorter_free(&leader);
    sorter_free(&users);
    return status;
}

static void all_ranks_fail_together(void **state)
{
    (void)state;
    comm_inject_fault(-1, 0);
    assert_all(all_steps() == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(all_steps() == ERR_BUG);
        }
    comm_inject_fault(-1, 0);
}

static void a_folder_that_is_not_there_fails_all(void **state)
{
    (void)state;
    struct sorter *sorter = NULL;
    struct sorter_options options = options_of(0, false);
    char *absent = scratch_path("absent");
    if (world.rank == world.ranks - 1) options.folder = absent;
    assert_all(sorter_new(&options, &sorter) == OK);
    assert_all(add(sorter, HASHES, 0, 10 * world.ranks, true) == OK);
    assert_all(sorter_open(&world, sorter) == ERR_WRITE);
    assert_all(strstr(status_message(), absent) != NULL);
    assert_all(add(sorter, HASHES, 0, 100, false) == (options.folder == absent ? ERR_WRITE : OK));
    sorter_free(&sorter);
    free(absent);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct sorter *sorter = NULL;
    struct sorter_options odd = options_of(MEMORY, false), many = odd, groups = odd, none = odd;
    odd.record_bytes = 20;
    many.words = 6;
    groups.group_words = 4;
    none.folder = NULL;
    assert_all(sorter_new(&odd, &sorter) == ERR_ARG && sorter == NULL);
    assert_all(sorter_new(&many, &sorter) == ERR_ARG && sorter == NULL);
    assert_all(sorter_new(&groups, &sorter) == ERR_ARG && sorter == NULL);
    assert_all(sorter_new(&none, &sorter) == ERR_ARG && sorter == NULL);
}

static int open_scratch(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

static int close_scratch(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

TEST_MAIN(cmocka_unit_test_setup(a_few_by_hand, open_scratch),
          cmocka_unit_test(the_sequence_is_that_of_one_place), cmocka_unit_test(large_runs_too),
          cmocka_unit_test(ranks_may_be_empty), cmocka_unit_test(little_memory_spills),
          cmocka_unit_test(records_stay_and_more_may_come),
          cmocka_unit_test(every_rank_has_its_share), cmocka_unit_test(a_follower_misses_nothing),
          cmocka_unit_test(all_ranks_fail_together),
          cmocka_unit_test(a_folder_that_is_not_there_fails_all),
          cmocka_unit_test_teardown(options_are_checked, close_scratch))
