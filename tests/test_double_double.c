/* Sums and products without error, against fused multiply-add and long double. */
#include "tests/harness.h"

#include "algorithms/double_double.h"
#include "partition/random.h"

enum { DRAWS = 20000 };

static double draw(int64_t i, uint64_t which)
{
    double u = random_uniform(11, RANDOM_TEST, (uint64_t)i, which) - 0.5;
    return ldexp(u, (int)(random_below(11, RANDOM_TEST, (uint64_t)i, which + 10, 200)) - 100);
}

static void products_are_exact(void **state)
{
    (void)state;
    bool exact = true;
    for (int64_t i = 0; i < DRAWS; i++) {
        double a = draw(i, 0), b = draw(i, 1);
        struct double_double product = double_double_product(a, b);
        exact = exact && product.high == a * b && product.low == fma(a, b, -product.high);
    }
    assert_all(exact);
}

static void sums_are_exact(void **state)
{
    (void)state;
    bool exact = true;
    for (int64_t i = 0; i < DRAWS; i++) {
        double a = draw(i, 0), b = draw(i, 1);
        struct double_double sum = double_double_sum(a, b);
        struct double_double back = double_double_sum(sum.high, -a);
        exact = exact && sum.high == a + b;
        exact = exact && back.low + sum.low == b - back.high; /* nothing of b was lost */
    }
    assert_all(exact);
}

/* 1/3 + 2/3 with 106 bits each leaves far less than a double's last bit. */
static void carries_low_parts(void **state)
{
    (void)state;
    struct double_double third = {1.0 / 3.0, 0.0}, sum;
    third.low = -fma(3.0, third.high, -1.0) / 3.0;
    sum = double_double_add(double_double_add(third, third), third);
    assert_close(sum.high, 1.0, 0.0);
    assert_close(sum.low, 0.0, 0x1p-100);
    sum = double_double_add((struct double_double){1.0, 0x1p-60},
                            (struct double_double){0x1p-70, 0.0});
    assert_all(sum.high == 1.0 && sum.low == 0x1p-60 + 0x1p-70);
}

TEST_MAIN(cmocka_unit_test(products_are_exact), cmocka_unit_test(sums_are_exact),
          cmocka_unit_test(carries_low_parts))
