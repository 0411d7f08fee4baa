/* The protected group beside features and segments: areas known in closed form, flags and hidden
 * numbers by hand, all kinds of columns, the same bits at any number of ranks. */
#include "tests/tiny_shop.h"

#include "jobs/profile_groups.h"
#include "partition/random.h"

enum { USERS = 2000, COLUMNS = 4, MIN_USERS = 20 };

static const struct tiny_product products[] = {{"apple", "fruit", 2.0, 1.0}};

/* Users 0 .. count - 1, what is known of each given by their numbers. */
struct crowd {
    struct dataset *dataset;
    struct features features;
    int32_t *segment;
};

static double normal(int user, int draw)
{
    return random_normal(3, RANDOM_TEST, (uint64_t)user, (uint64_t)draw);
}

/* Features are noise; column 1 is higher by `shift` where `in` says so. */
static struct crowd gather(const struct comm *comm, int users, float (*group)(int),
                           int32_t (*segment)(int), double shift)
{
    struct tiny_shop shop = {.users = users, .products = 1, .product = products};
    struct crowd c = {.dataset = tiny_open(comm, &shop)};
    struct users *u = &c.dataset->users;
    int64_t rows = u->blocks.rows_local;
    u->group.name = strdup("group");
    TINY_NEW(u->group.value, rows);
    c.features.columns = COLUMNS;
    TINY_NEW(c.features.x, rows * COLUMNS);
    TINY_NEW(c.segment, rows);
    for (int64_t i = 0; i < rows; i++) {
        int user = tiny_user(c.dataset, i);
        u->group.value[i] = group(user);
        c.segment[i] = segment(user);
        for (int j = 0; j < COLUMNS; j++) c.features.x[i * COLUMNS + j] = normal(user, j);
        if (group(user) == 1.0f) c.features.x[i * COLUMNS + 1] += shift;
    }
    return c;
}

static void name_levels(const struct comm *comm, struct crowd *crowd, const char *const *names,
                        int count)
{
    struct text_set *set = text_set_new();
    for (int k = 0; k < count; k++) text_set_code(set, names[k], strlen(names[k]));
    if (dictionary_make(comm, set, &crowd->dataset->users.group.levels, NULL) != OK) abort();
    text_set_free(&set);
}

static void leave(struct crowd *crowd)
{
    dataset_free(&crowd->dataset);
    free(crowd->features.x);
    free(crowd->segment);
}

static enum status look(const struct comm *comm, const struct crowd *crowd, int64_t segments,
                        struct profile_groups *groups)
{
    struct profile_groups_source source = {
        &crowd->dataset->users, &crowd->features, crowd->segment, segments, MIN_USERS, 11};
    return profile_groups_fit(comm, &source, groups);
}

static bool is_named(const struct profile_groups *groups, int64_t g, const char *name)
{
    return strcmp(dictionary_text(&groups->names, g), name) == 0;
}

/* ---- groups and segments of the tests ---- */

static int32_t one_segment(int user)
{
    (void)user;
    return 0;
}

static int32_t ten_segments(int user)
{
    return user % 10;
}

static float third(int user)
{
    return (float)(user % 3 == 0);
}

static float none(int user)
{
    (void)user;
    return NAN;
}

static float letters(int user) /* a, b, c: 500, 490, 10, of 1000; every 1000th is missing */
{
    return user % 1000 == 999 ? NAN : user % 1000 < 500 ? 0.0f : user % 1000 < 989 ? 1.0f : 2.0f;
}

static float age(int user)
{
    return (float)(18 + user % 80);
}

/* ---- can the features tell ---- */

/* Of two normal columns a shift apart, P(one of the group is higher) = Phi(shift / sqrt 2). */
static void areas(void **state)
{
    (void)state;
    static const double shift[] = {0.0, 1.0};
    for (int k = 0; k < 2; k++) {
        struct profile_groups g;
        struct crowd crowd = gather(&world, USERS, third, one_segment, shift[k]);
        assert_all(look(&world, &crowd, 1, &g) == OK);
        assert_all(g.groups == 2 && g.judged == USERS && g.known == USERS && g.unknown == 0);
        assert_all(is_named(&g, 0, "0") && is_named(&g, 1, "1") && g.users[1] == (USERS + 2) / 3);
        double expected = 0.5 * erfc(-0.5 * shift[k]);
        /* the forest does not know that one column suffices: a little is lost */
        assert_all(g.auc[1] < expected + 3.5 * 0.0137 && g.auc[1] > expected - 0.045);
        assert_close(g.auc[0], g.auc[1], 1e-6);
        assert_all(g.auc_error[1] >= 0.0 && g.auc_error[1] < 0.0145);
        assert_all(g.flags == 0);
        profile_groups_clear(&g);
        leave(&crowd);
    }
}

static void kinds_of_columns(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    struct profile_groups g;
    struct crowd crowd = gather(&world, USERS, letters, one_segment, 1.0);
    name_levels(&world, &crowd, names, 3);
    assert_all(look(&world, &crowd, 1, &g) == OK);
    assert_all(g.groups == 3 && is_named(&g, 2, "c") && g.users[0] == 1000 && g.users[2] == 20);
    assert_all(g.unknown == 2 && g.known == USERS - 2);
    assert_all(g.auc[1] > 0.7 && g.auc_error[2] > g.auc_error[1]);
    assert_close(profile_groups_share(&g, 0, 2), 20.0 / 2000.0, 1e-15);
    profile_groups_clear(&g);
    leave(&crowd);

    crowd = gather(&world, 1000, letters, one_segment, 0.0); /* c has 10 users: too few */
    name_levels(&world, &crowd, names, 3);
    assert_all(look(&world, &crowd, 1, &g) == OK);
    assert_all(g.groups == 2 && g.known == 999 && g.users[0] + g.users[1] == 989);
    profile_groups_clear(&g);
    leave(&crowd);

    crowd = gather(&world, 800, age, one_segment, 0.0); /* quarters of 80 ages, 10 users each */
    assert_all(look(&world, &crowd, 1, &g) == OK);
    assert_all(g.groups == 4 && is_named(&g, 0, "up to 37") && is_named(&g, 3, "over 77"));
    assert_all(is_named(&g, 1, "over 37 up to 57") && g.users[0] == 200 && g.users[3] == 200);
    profile_groups_clear(&g);
    leave(&crowd);
}

static void nothing_to_say(void **state)
{
    (void)state;
    struct profile_groups g;
    struct crowd crowd = gather(&world, 40, none, one_segment, 0.0);
    assert_all(look(&world, &crowd, 1, &g) == OK);
    assert_all(g.groups == 0 && g.known == 0 && g.unknown == 40 && g.flags == 0);
    profile_groups_clear(&g);
    free(crowd.dataset->users.group.name); /* no such column */
    crowd.dataset->users.group.name = NULL;
    assert_all(look(&world, &crowd, 1, &g) == OK);
    assert_all(g.groups == 0 && g.unknown == 0 && g.users == NULL);
    profile_groups_clear(&g);
    leave(&crowd);

    crowd = gather(&world, 40, age, ten_segments, 0.0); /* each age once */
    assert_all(look(&world, &crowd, 10, &g) == OK);
    assert_all(g.groups == 0 && g.known == 40);
    profile_groups_clear(&g);
    leave(&crowd);

    static const char *const all[] = {"all"};
    crowd = gather(&world, 40, (float (*)(int))none, one_segment, 0.0); /* one group */
    for (int64_t i = 0; i < crowd.dataset->users.blocks.rows_local; i++)
        crowd.dataset->users.group.value[i] = 0.0f;
    name_levels(&world, &crowd, all, 1);
    assert_all(look(&world, &crowd, 1, &g) == OK);
    assert_all(g.groups == 1 && isnan(g.auc[0]) && g.flags == 0);
    profile_groups_clear(&g);
    leave(&crowd);
}

/* ---- flags and hidden numbers ---- */

/* 400 users, 100 of them (user % 4 == 0) in group 1. Segments of 100 by the table. */
static const int table[4][2] = {{60, 40}, {75, 25}, {69, 31}, {96, 4}};

static float quarter(int user)
{
    return (float)(user % 4 == 0);
}

static int32_t by_table(int user)
{
    int in = user % 4 == 0, at = in ? user / 4 : user / 4 * 3 + user % 4 - 1;
    for (int32_t s = 0; s < 4; s++) {
        if (at < table[s][in]) return s;
        at -= table[s][in];
    }
    return 3;
}

/* What is left of a known sum when all that is shown is taken away: nobody, or not few. */
static bool is_safe(const int64_t *users, const bool *hidden, int64_t step, int64_t count,
                    int64_t sum)
{
    for (int64_t i = 0; i < count; i++) sum -= hidden[i * step] ? 0 : users[i * step];
    return sum == 0 || sum >= MIN_USERS;
}

static bool rests_are_safe(const struct profile_groups *g)
{
    int64_t all = g->known + g->unknown;
    bool safe = is_safe(g->users, g->users_hidden, 1, g->groups, all);
    for (int64_t s = 0, at = 0; s < g->segments; s++, at += g->groups)
        safe &= is_safe(g->cell + at, g->hidden + at, 1, g->groups, g->segment_users[s]);
    for (int64_t k = 0; k < g->groups; k++)
        safe &= g->users_hidden[k] ||
                is_safe(g->cell + k, g->hidden + k, g->groups, g->segments, g->users[k]);
    return safe;
}

static void flags_and_hidden_numbers(void **state)
{
    (void)state;
    struct profile_groups g;
    struct crowd crowd = gather(&world, 400, quarter, by_table, 0.0);
    assert_all(look(&world, &crowd, 4, &g) == OK);
    assert_all(g.groups == 2 && g.users[1] == 100);
    for (int s = 0; s < 4; s++)
        for (int k = 0; k < 2; k++) assert_all(g.cell[2 * s + k] == table[s][k]);
    /* 40 of 100 where 25 are expected: 1.6 times, one-sided p 8.6e-5 (scipy.stats.hypergeom), with
     * 16 tails 1.4e-3; 60 of 75 is exactly 4/5, as improbable. 31 of 25: 1.24 times. 4 of 25: p
     * below 1e-9; 96 of 75 is 1.28 times. */
    static const int8_t expected[8] = {-1, 1, 0, 0, 0, 0, 1, -1};
    for (int i = 0; i < 8; i++) assert_all(g.flag[i] == expected[i]);
    assert_all(g.flags == 4);
    /* 4 users of segment 3 are hidden, so 96; then the smallest others of both groups: 25 of 1, 60
     * of 0; and then the others of those segments */
    static const bool hidden[8] = {true, true, true, true, false, false, true, true};
    for (int i = 0; i < 8; i++) assert_all(g.hidden[i] == hidden[i]);
    assert_all(!g.users_hidden[0] && !g.users_hidden[1] && rests_are_safe(&g));
    profile_groups_clear(&g);
    leave(&crowd);
}

static float some_without(int user) /* 12 of 400 users have none: 4 of each of the first segments */
{
    return user % 100 < 12 && user % 4 == 1 ? NAN : quarter(user);
}

static float some_small(int user) /* 12 of 400 users are of a group of their own */
{
    return user % 100 < 12 && user % 4 == 1 ? 2.0f : quarter(user);
}

static int32_t four_hundreds(int user)
{
    return user / 100;
}

/* 25 of group 1, 72 of group 0 and 3 others in each of four segments: all but one of the numbers
 * shown would give the others, and so would the totals 100 and 288 of 400. */
static void the_others_are_hidden(void **state)
{
    (void)state;
    float (*const columns[2])(int) = {some_without, some_small};
    for (int k = 0; k < 2; k++) {
        struct profile_groups g;
        struct crowd crowd = gather(&world, 400, columns[k], four_hundreds, 0.0);
        assert_all(look(&world, &crowd, 4, &g) == OK);
        assert_all(g.groups == 2 && g.users[0] == 288 && g.users[1] == 100);
        assert_all(g.unknown == (k == 0 ? 12 : 0) && g.small_users == (k == 0 ? 0 : 12));
        assert_all(g.segment_users[2] == 100 && g.segment_known[2] == (k == 0 ? 97 : 100));
        for (int s = 0; s < 4; s++) assert_all(g.hidden[2 * s + 1] && !g.hidden[2 * s]);
        assert_all(g.users_hidden[1] && !g.users_hidden[0]);
        assert_all(rests_are_safe(&g));
        profile_groups_clear(&g);
        leave(&crowd);
    }
}

/* Two squares of small numbers and one, 9, that joins them. No line gives it away, but segments 0
 * and 1 less groups 0 and 1 do: so the smallest number that joins them otherwise is hidden. */
static const int squares[4][4] = {
    {10, 11, 30, 31}, {12, 13, 9, 32}, {33, 34, 10, 11}, {35, 36, 12, 10}};

static int square_of(int user)
{
    int at = 0;
    while (at < 15 && user >= squares[at / 4][at % 4]) {
        user -= squares[at / 4][at % 4];
        at++;
    }
    return at;
}

static float square_group(int user)
{
    return (float)(square_of(user) % 4);
}

static int32_t square_segment(int user)
{
    return square_of(user) / 4;
}

static void several_lines_together(void **state)
{
    (void)state;
    struct profile_groups g;
    struct crowd crowd = gather(&world, 329, square_group, square_segment, 0.0);
    assert_all(look(&world, &crowd, 4, &g) == OK);
    assert_all(g.groups == 4 && g.cell[6] == 9 && g.cell[15] == 10);
    for (int i = 0; i < 16; i++) assert_all(g.hidden[i] == (g.cell[i] < MIN_USERS || i == 2));
    for (int k = 0; k < 4; k++) assert_all(!g.users_hidden[k]);
    profile_groups_clear(&g);
    leave(&crowd);
}

/* Segments of 10 and 11 users wholly of one group: too few to be flagged. */
static int32_t small_segments(int user)
{
    return user < 40 && user % 4 == 0 ? 1 : 0;
}

static void few_users_are_no_evidence(void **state)
{
    (void)state;
    struct profile_groups g;
    struct crowd crowd = gather(&world, 400, quarter, small_segments, 0.0);
    assert_all(look(&world, &crowd, 2, &g) == OK);
    assert_all(g.segment_known[1] == 10 && g.flags == 0);
    assert_all(g.hidden[3] && g.hidden[1]);
    profile_groups_clear(&g);
    leave(&crowd);
}

/* ---- ranks ---- */

static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct crowd mine = gather(&world, 600, third, ten_segments, 0.5);
    struct crowd whole = gather(&self, 600, third, ten_segments, 0.5);
    struct profile_groups g, all;
    assert_all(look(&world, &mine, 10, &g) == OK);
    assert_all(look(&self, &whole, 10, &all) == OK);
    assert_all(memcmp(g.auc, all.auc, 2 * sizeof *g.auc) == 0);
    assert_all(memcmp(g.auc_error, all.auc_error, 2 * sizeof *g.auc) == 0);
    assert_all(memcmp(g.cell, all.cell, 20 * sizeof *g.cell) == 0);
    assert_all(memcmp(g.flag, all.flag, 20) == 0 && memcmp(g.hidden, all.hidden, 20) == 0);
    profile_groups_clear(&g);
    profile_groups_clear(&all);
    leave(&mine);
    leave(&whole);
}

static void survives_faults(void **state)
{
    (void)state;
    struct crowd crowd = gather(&world, 60, quarter, one_segment, 0.0);
    struct profile_groups g;
    comm_inject_fault(-1, 0);
    assert_all(look(&world, &crowd, 1, &g) == OK);
    profile_groups_clear(&g);
    int64_t agreements = comm_agreements(), step = 1 + agreements / 5;
    for (int64_t k = 0; k < agreements; k += k < 12 ? 1 : step) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(look(&world, &crowd, 1, &g) == ERR_BUG);
        profile_groups_clear(&g);
    }
    comm_inject_fault(-1, 0);
    leave(&crowd);
}

TEST_MAIN(cmocka_unit_test(areas), cmocka_unit_test(kinds_of_columns),
          cmocka_unit_test(nothing_to_say), cmocka_unit_test(flags_and_hidden_numbers),
          cmocka_unit_test(the_others_are_hidden), cmocka_unit_test(several_lines_together),
          cmocka_unit_test(few_users_are_no_evidence), cmocka_unit_test(same_bits_on_any_ranks),
          cmocka_unit_test(survives_faults))
