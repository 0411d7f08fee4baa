/* Isotonic regression: by hand, against an independent implementation, on any number of ranks. */
#include "tests/calibration_rows.h"

#include "algorithms/isotonic.h"

#include <string.h>

/* tests/goldens/calibration.py, at -3, -2.5 .. 2 */
static const double golden[11] = {0.4045371283640975,
                                  0.4045371283640975,
                                  0.4045371283640975,
                                  0.51114736269711802,
                                  0.55755936278929985,
                                  0.59358569926393268,
                                  0.70415224913494812,
                                  0.74229074889867841,
                                  0.80992196209587519,
                                  0.88369441277080962,
                                  1};

static struct isotonic_rows view(const struct blocks *blocks)
{
    int64_t at = blocks->row_first;
    return (struct isotonic_rows){blocks, rows_score + at, rows_y + at, rows_weight + at, NULL};
}

static void by_hand(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct isotonic map = {0};
    /* 1 and 2 violate and are pooled with weights 1 and 3; the two 4s are one; 9 is skipped */
    const double score[7] = {9, 1, 4, 3, 2, -0.0, 4};
    const float y[7] = {-5, 3, 5, 2, 1, 0, 7}, weight[7] = {1, 1, 1, 2, 3, 1, 3};
    const uint8_t skip[7] = {1, 0, 0, 0, 0, 0, 0};
    assert_all(blocks_cut(&world, 7, 1, &blocks) == OK);
    int64_t at = blocks.row_first;
    const struct isotonic_rows rows = {&blocks, score + at, y + at, weight + at, skip + at};
    assert_all(isotonic_fit(&world, &rows, &map) == OK);
    assert_all(map.knots == 5);
    const double x[5] = {0, 1, 2, 3, 4}, values[5] = {0, 1.5, 1.5, 2, 6.5};
    for (int k = 0; k < 5; k++) {
        assert_close(map.x[k], x[k], 0);
        assert_close(map.y[k], values[k], 1e-12);
    }
    assert_close(isotonic_apply(&map, -7), 0, 0);
    assert_close(isotonic_apply(&map, 0.5), 0.75, 1e-12);
    assert_close(isotonic_apply(&map, 1.25), 1.5, 1e-12);
    assert_close(isotonic_apply(&map, 3.5), 4.25, 1e-12);
    assert_close(isotonic_apply(&map, 100), 6.5, 1e-12);
    assert_all(isnan(isotonic_apply(&map, NAN)));
    assert_close(map.weight_first, 1, 1e-12);
    assert_close(map.weight_last, 4, 1e-12);
    isotonic_clamp(&map, 1, 2);
    assert_close(map.y[0], 1, 0);
    assert_close(map.y[4], 2, 0);
    isotonic_clear(&map);
    blocks_clear(&blocks);
    double few[5] = {0, 3, 1, 2, 6.5}; /* with the pooled weights of above */
    const double few_weight[5] = {1, 1, 3, 2, 4};
    isotonic_rise(5, few_weight, few);
    for (int k = 0; k < 5; k++) assert_close(few[k], values[k], 1e-15);
    double falling[3] = {3, 2, 1};
    isotonic_rise(3, few_weight, falling);
    for (int k = 0; k < 3; k++) assert_close(falling[k], 8.0 / 5, 1e-15);
}

static void as_others_find(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct isotonic map = {0};
    rows_make();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    const struct isotonic_rows rows = view(&blocks);
    assert_all(isotonic_fit(&world, &rows, &map) == OK);
    for (int k = 0; k < 11; k++) assert_close(isotonic_apply(&map, k / 2.0 - 3), golden[k], 1e-12);
    for (int64_t k = 1; k < map.knots; k++)
        assert_all(map.x[k] > map.x[k - 1] && map.y[k] >= map.y[k - 1]);
    isotonic_clear(&map);
    blocks_clear(&blocks);
}

static void on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct blocks blocks = {0}, whole = {0};
    struct isotonic here = {0}, alone = {0};
    rows_make();
    for (int64_t i = 0; i < ROWS; i++) rows_weight[i] = (float)exp(sin((double)i) * 9.0);
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    assert_all(blocks_cut(&self, ROWS, BLOCK, &whole) == OK);
    const struct isotonic_rows rows = view(&blocks), all = view(&whole);
    assert_all(isotonic_fit(&world, &rows, &here) == OK);
    assert_all(isotonic_fit(&self, &all, &alone) == OK);
    assert_all(here.knots == alone.knots && here.weight_last == alone.weight_last);
    assert_all(memcmp(here.x, alone.x, (size_t)here.knots * sizeof *here.x) == 0);
    assert_all(memcmp(here.y, alone.y, (size_t)here.knots * sizeof *here.y) == 0);
    isotonic_clear(&here);
    isotonic_clear(&alone);
    blocks_clear(&blocks);
    blocks_clear(&whole);
}

static void nothing_and_nonsense(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct isotonic map = {0};
    rows_make();
    assert_all(blocks_cut(&world, 0, BLOCK, &blocks) == OK);
    struct isotonic_rows rows = view(&blocks);
    assert_all(isotonic_fit(&world, &rows, &map) == OK && map.knots == 0);
    assert_all(isnan(isotonic_apply(&map, 1)));
    isotonic_clear(&map);
    blocks_clear(&blocks);
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    rows_score[4321] = NAN;
    rows = view(&blocks);
    assert_all(isotonic_fit(&world, &rows, &map) == ERR_NUMERIC);
    assert_all(strstr(status_message(), "row 4321") != NULL);
    rows_score[4321] = 0;
    rows_weight[17] = -1;
    assert_all(isotonic_fit(&world, &rows, &map) == ERR_NUMERIC && map.knots == 0);
    blocks_clear(&blocks);
}

static void faults(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct isotonic map = {0};
    rows_make();
    assert_all(blocks_cut(&world, 100, 10, &blocks) == OK);
    const struct isotonic_rows rows = view(&blocks);
    comm_inject_fault(-1, 0);
    assert_all(isotonic_fit(&world, &rows, &map) == OK);
    isotonic_clear(&map);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 4);
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        enum status status = isotonic_fit(&world, &rows, &map);
        comm_inject_fault(-1, 0);
        assert_all(status != OK && map.knots == 0);
    }
    blocks_clear(&blocks);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(as_others_find),
          cmocka_unit_test(on_any_ranks), cmocka_unit_test(nothing_and_nonsense),
          cmocka_unit_test(faults))
