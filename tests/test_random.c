/* Random numbers by name: the published vectors of Philox, and that the derived numbers are what
 * they claim. */
#include "tests/harness.h"

#include "partition/random.h"

#include <string.h>

struct vector {
    uint32_t counter[4], key[2], out[4];
};

/* philox4x32, 10 rounds: known-answer vectors published with Random123 (Salmon et al. 2011). */
static const struct vector vectors[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static uint64_t join(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

static void known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        uint32_t bits[4];
        /* the stage is mixed into the upper bits of the draw: taken out again here */
        uint64_t draw = join(v->counter[2], v->counter[3]) ^ (uint64_t)RANDOM_TEST << 40;
        random_bits(join(v->key[0], v->key[1]), RANDOM_TEST, join(v->counter[0], v->counter[1]),
                    draw, bits);
        assert_all(memcmp(bits, v->out, sizeof bits) == 0);
    }
}

/* tests/goldens/philox.py computes these without Random123. */
static void goldens(void **state)
{
    (void)state;
    uint64_t big = UINT64_C(12345678901234567);
    assert_all(random_uniform(7, RANDOM_SPLIT, 0, 0) == 0x1.a82dc4c43aa58p-1);
    assert_all(random_uniform(big, RANDOM_KMEANS_START, big, 3) == 0x1.2e39913a56ef7p-1);
    assert_all(random_below(7, RANDOM_WEIGHTS, 5, 1, 1000003) == 579037);
    assert_close(random_normal(7, RANDOM_WEIGHTS, 5, 1), 0.6369159983228687, 1e-15);
}

static void every_part_of_the_name_matters(void **state)
{
    (void)state;
    const double x[] = {random_uniform(1, RANDOM_TEST, 1, 1), random_uniform(2, RANDOM_TEST, 1, 1),
                        random_uniform(1, RANDOM_SPLIT, 1, 1), random_uniform(1, RANDOM_TEST, 2, 1),
                        random_uniform(1, RANDOM_TEST, 1, 2)};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < i; j++) assert_all(x[i] != x[j]);
    assert_all(x[0] == random_uniform(1, RANDOM_TEST, 1, 1));
}

/* Pearson's statistic of `draws` numbers over 64 cells, one number per entity or one per draw. */
static double chi_square(int draws, int by_draw)
{
    int64_t cell[64] = {0};
    double sum = 0, expected = draws / 64.0;
    for (int i = 0; i < draws; i++) {
        uint64_t entity = by_draw ? 5 : (uint64_t)i, draw = by_draw ? (uint64_t)i : 5;
        double u = random_uniform(11, RANDOM_TEST, entity, draw);
        if (u < 0.0 || u >= 1.0) return INFINITY;
        cell[(int)(u * 64.0)]++;
    }
    for (int c = 0; c < 64; c++)
        sum += ((double)cell[c] - expected) * ((double)cell[c] - expected) / expected;
    return sum;
}

static void uniform_is_uniform(void **state)
{
    (void)state;
    /* 63 degrees of freedom: 103.4 is exceeded once in a thousand, 30.0 undershot as rarely */
    for (int by_draw = 0; by_draw < 2; by_draw++) {
        double statistic = chi_square(64000, by_draw);
        assert_all(statistic > 30.0 && statistic < 103.4);
    }
}

static void below_is_fair(void **state)
{
    (void)state;
    int64_t count[7] = {0};
    for (uint64_t i = 0; i < 70000; i++) count[random_below(3, RANDOM_TEST, i, 0, 7)]++;
    for (int c = 0; c < 7; c++) assert_all(count[c] > 9600 && count[c] < 10400); /* 4.3 sd */
    assert_all(random_below(3, RANDOM_TEST, 1, 0, 1) == 0);
}

static void normal_has_its_moments(void **state)
{
    (void)state;
    double mean = 0, square = 0, fourth = 0;
    const int draws = 100000;
    for (int i = 0; i < draws; i++) {
        double z = random_normal(3, RANDOM_TEST, (uint64_t)i, 0);
        mean += z / draws, square += z * z / draws, fourth += z * z * z * z / draws;
    }
    assert_close(mean, 0.0, 0.013); /* 4 sd of each estimate */
    assert_close(square, 1.0, 0.018);
    assert_close(fourth, 3.0, 0.125);
}

TEST_MAIN(cmocka_unit_test(known_answers), cmocka_unit_test(goldens),
          cmocka_unit_test(every_part_of_the_name_matters), cmocka_unit_test(uniform_is_uniform),
          cmocka_unit_test(below_is_fair), cmocka_unit_test(normal_has_its_moments))
