/* Shapes of kinds: mixed by hand, found again where they differ, no gain where they do not. */
#include "tests/harness.h"

#include "algorithms/dose_kinds.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 6000, BLOCK = 128, KINDS = 2, UNITS = 64 };

/* Doses of 0, 0.1 .. 0.3. Kind 0 gets it all by 0.1, kind 1 all between 0.2 and 0.3. */
static const struct dose_shape knots = {3, {0.1, 0.2, 0.3}, {0}};
static const struct dose_shapes truth = {
    2, {{3, {0.1, 0.2, 0.3}, {0.3, 0.3, 0.3}}, {3, {0.1, 0.2, 0.3}, {0.0, 0.0, 0.3}}}};

struct sample {
    struct blocks blocks;
    float *number; /* a, b, dose, y, weight: [5][rows_local] */
    uint8_t *skip;
    int32_t *unit;
    float chance[UNITS * KINDS];
    struct dose_kinds_rows rows;
};

static void put_row(struct sample *s, int64_t at, int64_t rows, bool differ)
{
    uint64_t entity = (uint64_t)(s->blocks.row_first + at);
    double a = 1.2 * random_uniform(3, RANDOM_TEST, entity, 0) - 1.2, b = 5.0;
    double dose = 0.1 * (double)random_below(3, RANDOM_TEST, entity, 1, 4);
    s->unit[at] = (int32_t)random_below(3, RANDOM_TEST, entity, 2, UNITS);
    struct dose_shape shape = dose_mix(&truth, s->chance + KINDS * s->unit[at]);
    double z = a + b * (differ ? dose_apply(&shape, dose) : dose);
    double u = random_uniform(3, RANDOM_TEST, entity, 3);
    const float number[5] = {(float)a, (float)b, (float)dose, u < 1.0 / (1.0 + exp(-z)), 1.0f};
    for (int j = 0; j < 5; j++) s->number[j * rows + at] = number[j];
}

/* Collective for the assertions' sake. */
static void sample_init(struct sample *s, const struct comm *comm, int64_t rows_total, bool differ)
{
    *s = (struct sample){0};
    assert_all(blocks_cut(comm, rows_total, BLOCK, &s->blocks) == OK);
    int64_t rows = s->blocks.rows_local;
    assert_all(memory_new(&s->number, 5 * rows, sizeof *s->number) == OK);
    assert_all(memory_new(&s->skip, rows, sizeof *s->skip) == OK);
    assert_all(memory_new(&s->unit, rows, sizeof *s->unit) == OK);
    for (int u = 0; u < UNITS; u++) {
        s->chance[KINDS * u] = u % 4 < 2 ? 0.95f : 0.05f;
        s->chance[KINDS * u + 1] = 1.0f - s->chance[KINDS * u];
    }
    for (int64_t i = 0; i < rows; i++) put_row(s, i, rows, differ);
    s->rows = (struct dose_kinds_rows){&s->blocks,
                                       s->number,
                                       s->number + rows,
                                       s->number + 2 * rows,
                                       s->number + 3 * rows,
                                       s->number + 4 * rows,
                                       s->skip,
                                       s->unit,
                                       KINDS,
                                       s->chance};
}

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->number);
    free(s->skip);
    free(s->unit);
}

static void mixed_by_hand(void **state)
{
    (void)state;
    const float chance[2] = {0.25f, 0.75f};
    const struct dose_shapes straight = {0}, one = {1, {truth.shape[1]}};
    struct dose_shape mixed = dose_mix(&truth, chance);
    assert_close(dose_apply(&mixed, 0.05), 0.25 * 0.15, 1e-15);
    assert_close(dose_apply(&mixed, 0.25), 0.25 * 0.3 + 0.75 * 0.15, 1e-15);
    mixed = dose_mix(&one, NULL);
    assert_close(dose_apply(&mixed, 0.25), 0.15, 1e-15);
    mixed = dose_mix(&straight, NULL);
    assert_all(dose_apply(&mixed, 0.07) == 0.07);
}

static void found_where_they_differ(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample spread, whole;
    struct dose_shapes shapes, alone;
    double support, other;
    sample_init(&spread, &world, ROWS, true);
    sample_init(&whole, &self, ROWS, true);
    assert_all(dose_kinds_fit(&world, &spread.rows, &knots, &shapes, &support) == OK);
    assert_all(shapes.kinds == KINDS && support > 20.0);
    for (int c = 0; c < KINDS; c++)
        for (int k = 0; k < 3; k++)
            assert_close(shapes.shape[c].value[k], truth.shape[c].value[k], 0.07);
    assert_all(dose_kinds_fit(&self, &whole.rows, &knots, &alone, &other) == OK);
    assert_all(memcmp(&shapes, &alone, sizeof shapes) == 0 && support == other);
    sample_clear(&spread);
    sample_clear(&whole);
}

static void no_gain_where_they_do_not(void **state)
{
    (void)state;
    struct sample s;
    struct dose_shapes shapes;
    double support;
    sample_init(&s, &world, ROWS, false);
    assert_all(dose_kinds_fit(&world, &s.rows, &knots, &shapes, &support) == OK);
    assert_all(support < 1.0);
    for (int c = 0; c < KINDS; c++) /* nearly straight, and rising */
        for (int k = 0; k < 3; k++) assert_close(shapes.shape[c].value[k], knots.dose[k], 0.06);
    sample_clear(&s);
}

static void faults(void **state)
{
    (void)state;
    struct sample s;
    struct dose_shapes shapes;
    double support;
    sample_init(&s, &world, 1, true); /* most ranks have no rows */
    comm_inject_fault(-1, 0);
    assert_all(dose_kinds_fit(&world, &s.rows, &knots, &shapes, &support) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(dose_kinds_fit(&world, &s.rows, &knots, &shapes, &support) != OK);
    }
    comm_inject_fault(-1, 0);
    if (s.blocks.rows_local > 0) s.number[0] = NAN;
    assert_all(dose_kinds_fit(&world, &s.rows, &knots, &shapes, &support) == ERR_NUMERIC);
    s.rows.kinds = 1;
    assert_all(dose_kinds_fit(&world, &s.rows, &knots, &shapes, &support) == ERR_ARG);
    sample_clear(&s);
}

TEST_MAIN(cmocka_unit_test(mixed_by_hand), cmocka_unit_test(found_where_they_differ),
          cmocka_unit_test(no_gain_where_they_do_not), cmocka_unit_test(faults))
