/* Netting of returns: by hand, and what must hold for any rows. */
#include "tests/harness.h"

#include "io/dataset.h"
#include "jobs/returns.h"
#include "partition/random.h"

#include <string.h>

enum { P = EVENT_PURCHASE, R = EVENT_RETURN, V = EVENT_VIEW, ROWS = 60, TRIALS = 2000 };

struct row {
    int64_t time;
    int kind;
    int32_t milli, paid, list;
};

static struct event_record record_of(struct row row)
{
    return (struct event_record){.time = INGEST_TIME(row.time),
                                 .kind = (uint8_t)row.kind,
                                 .quantity_milli = row.milli,
                                 .paid_cents = row.paid,
                                 .list_cents = row.list};
}

static struct returns_counts net(const struct row *rows, int64_t count, struct event_record *after,
                                 uint8_t *outcome)
{
    struct returns returns = RETURNS_NONE;
    for (int64_t i = 0; i < count; i++) after[i] = record_of(rows[i]);
    assert_true(returns_net(&returns, after, count, outcome) == OK);
    struct returns_counts counts = returns.counts;
    returns_clear(&returns);
    return counts;
}

static void latest_purchase_first(void **state)
{
    (void)state;
    static const struct row rows[] = {{1, P, 2000, 500, 600}, {2, V, 1000, 0, 0},
                                      {3, P, 3000, 1000, -1}, {4, R, 4000, 900, -1},
                                      {5, P, 1000, 300, 300}, {6, R, 1000, 250, 250},
                                      {7, R, 3000, 1, 1},     {8, R, 1000, 1, 1}};
    struct event_record after[8];
    uint8_t outcome[8];
    struct returns_counts counts = net(rows, 8, after, outcome);
    static const uint8_t expected[] = {RETURN_NETTED, RETURN_KEPT,     RETURN_NETTED,
                                       RETURN_NETTED, RETURN_NETTED,   RETURN_NETTED,
                                       RETURN_NETTED, RETURN_UNMATCHED};
    assert_memory_equal(outcome, expected, sizeof expected);
    assert_true(counts.returns_netted == 3 && counts.returns_partly == 1);
    assert_true(counts.returns_unmatched == 1 && counts.purchases_netted == 3);
    assert_true(counts.purchases_reduced == 0);
    assert_true(counts.netted_milli == 6000 && counts.unmatched_milli == 3000);
    assert_true(counts.netted_paid_cents == 500 + 1000 + 300);
}

/* 4 of 5 units: the three bought last, and one of the two before; its cents are divided exactly. */
static void what_is_left_and_taken_adds_up(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {1, P, 2000, 501, 601}, {3, P, 3000, 1000, -1}, {4, R, 4000, 900, -1}};
    struct event_record after[3];
    uint8_t outcome[3];
    struct returns_counts counts = net(rows, 3, after, outcome);
    assert_true(outcome[0] == RETURN_KEPT && outcome[1] == RETURN_NETTED);
    assert_true(outcome[2] == RETURN_NETTED);
    assert_true(after[0].quantity_milli == 1000 && after[0].paid_cents == 250); /* 250.5 taken */
    assert_true(after[0].list_cents == 300);
    assert_true(counts.purchases_reduced == 1 && counts.purchases_netted == 1);
    assert_true(counts.netted_paid_cents == 1251 && counts.netted_milli == 4000);
}

/* At one time purchases come first, wherever they stand; a return before them finds nothing. */
static void same_time_and_unknown_amounts(void **state)
{
    (void)state;
    static const struct row rows[] = {{1, R, 1000, 100, 100},
                                      {2, R, 1000, 100, 100},
                                      {2, P, 1000, -1, -1},
                                      {2, P, -1, 100, 100},
                                      {3, R, -1, 100, 100}};
    static const uint8_t expected[] = {RETURN_UNMATCHED, RETURN_NETTED, RETURN_NETTED, RETURN_KEPT,
                                       RETURN_UNMATCHED};
    struct event_record after[5];
    uint8_t outcome[5];
    struct returns_counts counts = net(rows, 5, after, outcome);
    assert_memory_equal(outcome, expected, sizeof expected);
    assert_true(after[2].paid_cents == -1 && after[2].list_cents == -1);
    assert_true(counts.netted_paid_cents == 0 && counts.unmatched_milli == 1000);
    counts = net(rows, 0, after, outcome);
    assert_true(counts.returns_netted == 0);
}

/* The largest amounts there are do not overflow. */
static void largest_amounts(void **state)
{
    (void)state;
    static const struct row rows[] = {{1, P, 2000000000, 2100000000, 2100000000},
                                      {2, R, 1999999999, 1, 1}};
    struct event_record after[2];
    uint8_t outcome[2];
    net(rows, 2, after, outcome);
    assert_true(after[0].quantity_milli == 1 && after[0].paid_cents == 1);
    assert_true(after[0].list_cents == 1);
}

static uint64_t draw(uint64_t trial, uint64_t number, uint64_t limit)
{
    return random_below(3, RANDOM_TEST, trial, number, limit);
}

static int64_t random_rows(uint64_t trial, struct row *rows)
{
    int64_t count = (int64_t)draw(trial, 0, ROWS + 1), time = 0;
    for (int64_t i = 0; i < count; i++) {
        uint64_t n = 10 * (uint64_t)i;
        static const int kinds[] = {P, P, P, R, R, V};
        time += (int64_t)draw(trial, n + 1, 2);
        rows[i] = (struct row){time, kinds[draw(trial, n + 2, 6)],
                               1 + (int32_t)draw(trial, n + 3, 5) * 333,
                               (int32_t)draw(trial, n + 4, 1000), -1};
        rows[i].list = draw(trial, n + 5, 3) > 0 ? rows[i].paid + 7 : -1;
    }
    return count;
}

/* Units and cents before = after + netted, rows = kept + netted + unmatched. */
static void nothing_is_lost(void **state)
{
    (void)state;
    struct row rows[ROWS];
    struct event_record after[ROWS];
    uint8_t outcome[ROWS];
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        int64_t count = random_rows(trial, rows), milli = 0, paid = 0, returned = 0, by[3] = {0};
        struct returns_counts counts = net(rows, count, after, outcome);
        for (int64_t i = 0; i < count; i++) {
            bool bought = rows[i].kind == P, back = rows[i].kind == R;
            by[outcome[i]]++;
            milli += bought ? rows[i].milli - after[i].quantity_milli : 0;
            paid += bought ? rows[i].paid - after[i].paid_cents : 0;
            returned += back ? rows[i].milli : 0;
            assert_true(!bought || (outcome[i] == RETURN_NETTED) == (after[i].quantity_milli == 0));
            assert_true(!back || outcome[i] != RETURN_KEPT);
            assert_true(after[i].list_cents == -1 || after[i].list_cents >= after[i].paid_cents);
        }
        assert_true(milli == counts.netted_milli && paid == counts.netted_paid_cents);
        assert_true(returned == counts.netted_milli + counts.unmatched_milli);
        assert_true(by[1] == counts.returns_netted + counts.purchases_netted);
        assert_true(by[2] == counts.returns_unmatched && by[0] + by[1] + by[2] == count);
    }
}

/* Unit by unit instead of in lots: each returned thousandth takes the last one bought. */
static void same_as_unit_by_unit(void **state)
{
    (void)state;
    struct row rows[ROWS];
    struct event_record after[ROWS];
    uint8_t outcome[ROWS];
    for (uint64_t trial = 0; trial < TRIALS / 10; trial++) {
        int32_t left[ROWS] = {0};
        int64_t count = random_rows(trial, rows);
        net(rows, count, after, outcome);
        for (int64_t i = 0; i < count; i++) left[i] = rows[i].kind == P ? rows[i].milli : 0;
        for (int64_t i = 0; i < count; i++)
            for (int32_t unit = 0; rows[i].kind == R && unit < rows[i].milli; unit++) {
                int64_t p = count - 1;
                while (p >= 0 && (left[p] == 0 || rows[p].time > rows[i].time)) p--;
                if (p < 0) break;
                left[p]--;
            }
        for (int64_t i = 0; i < count; i++)
            assert_true(rows[i].kind != P || left[i] == after[i].quantity_milli);
    }
}

TEST_MAIN(cmocka_unit_test(latest_purchase_first), cmocka_unit_test(what_is_left_and_taken_adds_up),
          cmocka_unit_test(same_time_and_unknown_amounts), cmocka_unit_test(largest_amounts),
          cmocka_unit_test(nothing_is_lost), cmocka_unit_test(same_as_unit_by_unit))
