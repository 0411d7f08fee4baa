/* Equal rows merged: by hand, and counts that do not depend on the ranks. */
#include "tests/harness.h"

#include "algorithms/distinct.h"
#include "mpi/memory.h"

#include <stdlib.h>

/* Rows first .. first + count - 1 of a table of few values. */
static struct distinct_row *make(int64_t first, int64_t count)
{
    struct distinct_row *row = NULL;
    if (memory_new(&row, count, sizeof *row) != OK) abort();
    for (int64_t i = 0; i < count; i++) {
        int64_t n = first + i;
        row[i] = (struct distinct_row){{(double)(n % 5), (double)(n % 3), (double)(n * n % 7)}, 1};
    }
    return row;
}

static bool ascending(const struct distinct *d)
{
    for (int64_t i = 1; i < d->rows; i++) {
        const double *a = d->row[i - 1].x, *b = d->row[i].x;
        int j = 0;
        while (j < DISTINCT_COLUMNS - 1 && a[j] == b[j]) j++;
        if (!(a[j] < b[j])) return false;
    }
    return true;
}

/* Distinct rows, rows in all, and a hash of both that no order matters to; over all ranks. */
static void describe(const struct comm *comm, const struct distinct *d, int64_t facts[3])
{
    facts[0] = d->rows;
    facts[1] = facts[2] = 0;
    for (int64_t i = 0; i < d->rows; i++) {
        const struct distinct_row *r = &d->row[i];
        double value = r->x[0] * 100.0 + r->x[1] * 10.0 + r->x[2] + 1.0;
        facts[1] += r->count;
        facts[2] += (int64_t)(value * value) * r->count * r->count;
    }
    comm_sum_int64(comm, facts, 3);
}

static void by_hand(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct distinct d;
    struct distinct_row row[] = {{{2, 0, 0}, 1}, {{1, 5, 0}, 2}, {{2, -0.0, 0}, 3},
                                 {{1, 4, 0}, 1}, {{2, 0, 1}, 1}, {{1, 5, 0}, 1}};
    enum status status = distinct_merge(&self, row, 6, &d);
    assert_all(status == OK && d.rows == 4 && ascending(&d));
    assert_all(d.row[0].x[1] == 4.0 && d.row[0].count == 1);
    assert_all(d.row[1].x[1] == 5.0 && d.row[1].count == 3);
    assert_all(d.row[2].x[0] == 2.0 && d.row[2].count == 4); /* -0 is 0 */
    distinct_clear(&d);
}

static void same_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    static const int64_t counts[] = {0, 1, 2, 104, 1000};
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        struct distinct one, many;
        int64_t alone[3], together[3];
        int64_t first = counts[n] * world.rank / world.ranks;
        int64_t next = counts[n] * (world.rank + 1) / world.ranks;
        struct distinct_row *all = make(0, counts[n]), *mine = make(first, next - first);
        enum status status = distinct_merge(&self, all, counts[n], &one);
        assert_all(status == OK);
        assert_all(distinct_merge(&world, mine, next - first, &many) == OK);
        describe(&self, &one, alone);
        describe(&world, &many, together);
        assert_all(ascending(&many) && alone[1] == counts[n]);
        assert_all(alone[0] == together[0] && alone[1] == together[1] && alone[2] == together[2]);
        assert_all(counts[n] < 1000 || alone[0] == 60); /* 5 * 3 * 4 squares modulo 7 */
        distinct_clear(&one);
        distinct_clear(&many);
        free(all);
        free(mine);
    }
}

static void survives_faults(void **state)
{
    (void)state;
    struct distinct d;
    comm_inject_fault(-1, 0);
    struct distinct_row *row = make(0, 30);
    assert_all(distinct_merge(&world, row, 30, &d) == OK);
    distinct_clear(&d);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 0);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(distinct_merge(&world, row, 30, &d) == ERR_BUG);
            assert_all(d.row == NULL && d.rows == 0);
        }
    comm_inject_fault(-1, 0);
    free(row);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(same_on_any_ranks),
          cmocka_unit_test(survives_faults))
