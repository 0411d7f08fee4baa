/* Attributes that give the protected group away: copies, finer ones, nearly; and those that do not,
 * also with a value for almost every user. */
#include "tests/harness.h"

#include "jobs/protected.h"

#include <string.h>

enum { USERS = 2000 };

static float group_of(int64_t u)
{
    return (float)(u * 7919 % 1000 < 400);
}

/* The tie of a made attribute; levels > 0: they are codes of texts. */
static struct protected_tie tie_of(float (*make)(int64_t user), int64_t levels, int64_t users)
{
    static float value[USERS], group[USERS];
    int64_t first = users * world.rank / world.ranks, next = users * (world.rank + 1) / world.ranks;
    const struct blocks blocks = {.rows_total = users, .rows_local = next - first};
    for (int64_t u = first; u < next; u++) {
        value[u - first] = make(u);
        group[u - first] = group_of(u);
    }
    const struct attribute attribute = {.name = "a", .levels = {.count = levels}, .value = value},
                           protected = {.name = "g", .levels = {.count = 2}, .value = group};
    struct protected_tie tie = {0};
    assert_all(protected_tie_find(&world, &blocks, &attribute, &protected, &tie) == OK);
    return tie;
}

static float same(int64_t u)
{
    return group_of(u);
}
static float other_way(int64_t u)
{
    return 1.0f - group_of(u);
}
static float finer(int64_t u)
{
    return 10.0f * group_of(u) + (float)(u % 7);
}
static float measured(int64_t u)
{
    return 1000.0f * group_of(u) + 0.37f * (float)(u % 997);
}
static float nearly(int64_t u)
{
    return u % 100 == 0 ? 1.0f - group_of(u) : group_of(u);
}
static float hardly(int64_t u)
{
    return u % 5 == 0 ? 1.0f - group_of(u) : group_of(u);
}
static float unrelated(int64_t u)
{
    return (float)(u / 3 % 11);
}
static float of_each(int64_t u)
{
    return (float)u;
}
static float of_pairs(int64_t u)
{
    return (float)(u / 2 * 31 % 1009);
}
static float missing(int64_t u)
{
    return group_of(u) > 0 ? NAN : 3.0f;
}

static void copies_are_seen(void **state)
{
    (void)state;
    float (*const copy[])(int64_t) = {same, other_way, finer, missing};
    for (size_t c = 0; c < sizeof copy / sizeof *copy; c++) {
        struct protected_tie tie = tie_of(copy[c], 0, USERS);
        assert_all(protected_is_copy(&tie));
        assert_close(tie.association, 1.0, 1e-12);
        assert_close(tie.entropy_left, 0.0, 1e-12);
    }
    struct protected_tie texts = tie_of(same, 2, USERS), near = tie_of(nearly, 0, USERS);
    struct protected_tie ranged = tie_of(measured, 0, USERS);
    assert_all(protected_is_copy(&ranged) && ranged.association > 0.97);
    assert_all(protected_is_copy(&texts) && protected_is_copy(&near) && near.association < 0.99);
}

static void others_are_not(void **state)
{
    (void)state;
    float (*const other[])(int64_t) = {hardly, unrelated, of_pairs};
    for (size_t c = 0; c < sizeof other / sizeof *other; c++) {
        struct protected_tie tie = tie_of(other[c], 0, USERS);
        assert_all(tie.known && !protected_is_copy(&tie) && tie.entropy_left > 0.0);
    }
    /* V of a 2 x 2 table by hand: one in five changes sides */
    assert_close(tie_of(hardly, 0, USERS).association, 0.5892, 0.02);
    assert_all(tie_of(unrelated, 0, USERS).association < 0.1);
    struct protected_tie each = tie_of(of_each, 0, USERS), few = tie_of(same, 0, 40);
    assert_all(
        !protected_is_copy(&each)); /* every user has a value of his own: that tells nothing */
    assert_all(!few.known && !protected_is_copy(&few));
}

TEST_MAIN(cmocka_unit_test(copies_are_seen), cmocka_unit_test(others_are_not))
