/* Cells of few users are hidden, and never one alone. */
#include "tests/harness.h"

#include "jobs/suppress.h"

static bool hides(int64_t a, int64_t b, int64_t c, int64_t d, const char *expected)
{
    const int64_t users[4] = {a, b, c, d};
    bool hidden[4] = {false}, right = true;
    suppress_cells(users, 4, 50, hidden);
    for (int i = 0; i < 4; i++) right &= hidden[i] == (expected[i] == 'x');
    return right;
}

static void cells(void **state)
{
    (void)state;
    assert_all(hides(50, 51, 1000, 50, "----"));
    assert_all(hides(0, 0, 0, 0, "----"));
    assert_all(hides(49, 1, 1000, 50, "xx--"));
    assert_all(hides(49, 500, 80, 1000, "x-x-")); /* the smallest other is its partner */
    assert_all(hides(80, 80, 0, 3, "x--x")); /* the lowest of equals; an empty one hides none */
    assert_all(hides(0, 7, 0, 0, "-x--"));   /* there is no other */
    assert_all(hides(1, 2, 3, 4, "xxxx"));
    assert_all(hides(3, 4, 1000, 60, "xx-x")); /* 7 users in all are as few */
    suppress_cells(NULL, 0, 50, NULL);
}

static void hidden_before(void **state)
{
    (void)state;
    const int64_t users[3] = {200, 100, 300};
    bool hidden[3] = {false, false, true};
    suppress_cells(users, 3, 50, hidden);
    assert_all(!hidden[0] && hidden[1] && hidden[2]);
    suppress_cells(users, 3, 50, hidden);
    assert_all(!hidden[0]);
}

TEST_MAIN(cmocka_unit_test(cells), cmocka_unit_test(hidden_before))
