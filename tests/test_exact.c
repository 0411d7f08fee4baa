/* Exact sums: the same bits in any order and on any number of ranks, and refusals that reach every
 * rank. */
#include "tests/harness.h"

#include "mpi/exact.h"
#include "partition/random.h"

enum { TERMS = 3001 };

static double term(int64_t i)
{
    double scale = ldexp(1.0, (int)(i % 40) - 30);
    return scale * (random_uniform(7, RANDOM_TEST, (uint64_t)i, 0) - 0.5);
}

/* Terms dealt out to the ranks in two different ways give identical limbs. */
static void order_does_not_matter(void **state)
{
    (void)state;
    struct exact_sums cyclic = {0}, blocked = {0};
    assert_all(exact_init(&cyclic, 1) == OK && exact_init(&blocked, 1) == OK);
    for (int64_t i = world.rank; i < TERMS; i += world.ranks) exact_add_one(&cyclic, 0, term(i));
    int64_t first = TERMS * world.rank / world.ranks, next = TERMS * (world.rank + 1) / world.ranks;
    for (int64_t i = next - 1; i >= first; i--) exact_add_one(&blocked, 0, term(i));
    assert_all(exact_reduce(&world, &cyclic) == OK && exact_reduce(&world, &blocked) == OK);
    assert_all(cyclic.sum[0].high == blocked.sum[0].high &&
               cyclic.sum[0].low == blocked.sum[0].low);
    long double sum = 0;
    for (int64_t i = 0; i < TERMS; i++) sum += term(i);
    assert_close(exact_get(&cyclic, 0), (double)sum, 1e-13);
    exact_clear(&cyclic);
    exact_clear(&blocked);
}

static void known_values(void **state)
{
    (void)state;
    struct exact_sums sums = {0};
    const double x[3] = {0.5, -1e12, 0x1p-55};
    assert_all(exact_init(&sums, 3) == OK);
    exact_add(&sums, 0, x, 3);
    assert_all(exact_reduce(&world, &sums) == OK);
    for (int i = 0; i < 3; i++) assert_all(exact_get(&sums, i) == x[i] * world.ranks);
    exact_clear(&sums);
}

/* One bad term on the last rank is refused on all of them. */
static void refuses(void **state)
{
    (void)state;
    const double bad[] = {NAN, INFINITY, -INFINITY, 0x1p47, -1e300};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct exact_sums sums = {0};
        assert_all(exact_init(&sums, 2) == OK);
        exact_add_one(&sums, 0, 1.0);
        if (world.rank == world.ranks - 1) exact_add_one(&sums, 1, bad[i]);
        assert_all(exact_reduce(&world, &sums) == ERR_NUMERIC);
        exact_clear(&sums);
    }
}

TEST_MAIN(cmocka_unit_test(order_does_not_matter), cmocka_unit_test(known_values),
          cmocka_unit_test(refuses))
