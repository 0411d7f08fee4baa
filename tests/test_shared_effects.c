/* Effects of things that many units share: by hand where it is simple, found again where they were
 * drawn, and the same bytes at any number of ranks. */
#include "tests/harness.h"

#include "algorithms/shared_effects.h"
#include "partition/random.h"

#include <string.h>

enum { UNITS = 3000, EACH = 8, THINGS = 60 };

struct rows {
    int64_t start[UNITS + 1];
    float logit[UNITS * EACH], y[UNITS * EACH];
    int32_t thing[UNITS * EACH];
};

static struct rows rows; /* of the units this rank has */
static double truth[THINGS];

static struct effects_data data_of(int64_t units)
{
    return (struct effects_data){
        .units = units, .start = rows.start, .logit = rows.logit, .y = rows.y};
}

static double chance_of(double logit)
{
    return 1.0 / (1.0 + exp(-logit));
}

/* Two units of one row of thing 0 and 1 each, on the first rank; both bought thing 0 only. */
static struct effects_data put_few(void)
{
    for (int64_t u = 0; u <= 2; u++) rows.start[u] = 2 * u;
    for (int64_t i = 0; i < 4; i++) {
        rows.logit[i] = 0.0f;
        rows.thing[i] = (int32_t)(i % 2);
        rows.y[i] = i % 2 == 0 ? 1.0f : 0.0f;
    }
    return data_of(world.rank == 0 ? 2 : 0);
}

static void as_by_hand(void **state)
{
    (void)state;
    struct effects_data few = put_few();
    const struct shared_data data = {&few, rows.thing, 3};
    struct shared_effects effects;
    double spread;
    /* Of both things the sums are E = 1, W = 1/2, of pairs E^2 - 2/4 = 1/2 and W^2 - 2/16 = 1/8: a
     * spread of 4. Its variance: each 2 W^2 ... over 2 x 1/8, by the same doubt (1 + 4 W)^2 = 9. */
    assert_all(shared_spread_fit(&world, &data, &spread) == OK);
    double doubt = 9.0, part = 1.0 / doubt,
           error = sqrt(2.0 * 2.0 * part / 8.0) / (2.0 * part / 8.0);
    assert_close(spread, effects_spread_mean(4.0, error, 0.0), 1e-9);
    assert_all(shared_effects_fit(&world, &data, 2.0, &effects) == OK);
    double mean = (double)effects.mean[0], p = chance_of(mean);
    assert_close(2.0 * (1.0 - p), mean / 2.0, 1e-5); /* where the pulls are even */
    assert_close((double)effects.variance[0], 1.0 / (2.0 * p * (1.0 - p) + 0.5), 1e-4);
    assert_close((double)effects.mean[1], -mean, 1e-6);
    assert_all(effects.mean[2] == 0.0f && fabs((double)effects.variance[2] - 2.0) < 1e-6);
    shared_effects_clear(&effects);
    assert_all(effects.mean == NULL);
}

static void put_drawn(int64_t unit, int64_t at)
{
    uint64_t entity = (uint64_t)unit, draw = 0;
    for (int64_t row = EACH * at; row < EACH * (at + 1); row++) {
        double base = 2.0 * random_uniform(1, RANDOM_TEST, entity, draw++) - 1.5;
        int32_t thing = (int32_t)random_below(1, RANDOM_TEST, entity, draw++, THINGS - 1);
        rows.thing[row] = thing;
        rows.logit[row] = (float)base;
        double u = random_uniform(1, RANDOM_TEST, entity, draw++);
        rows.y[row] = u < chance_of(base + truth[thing]) ? 1.0f : 0.0f;
    }
    rows.start[at + 1] = EACH * (at + 1);
}

static struct effects_data put_all_drawn(int64_t first, int64_t next)
{
    for (int t = 0; t < THINGS; t++) truth[t] = 0.5 * random_normal(2, RANDOM_TEST, (uint64_t)t, 0);
    rows.start[0] = 0;
    for (int64_t unit = first; unit < next; unit++) put_drawn(unit, unit - first);
    return data_of(next - first);
}

/* Things lie within their errors; without one of its rows a thing is where a fit to the others puts
 * it. */
static void found_again(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct shared_effects effects, alone;
    double spread, same, square = 0.0;
    struct effects_data drawn =
        put_all_drawn(UNITS * world.rank / world.ranks, UNITS * (world.rank + 1) / world.ranks);
    struct shared_data data = {&drawn, rows.thing, THINGS};
    assert_all(shared_spread_fit(&world, &data, &spread) == OK);
    assert_close(spread, 0.25, 0.1);
    assert_all(shared_effects_fit(&world, &data, spread, &effects) == OK);
    for (int t = 0; t < THINGS - 1; t++)
        square += pow((double)effects.mean[t] - truth[t], 2) / (double)effects.variance[t];
    assert_close(square / (THINGS - 1), 1.0, 0.5);
    drawn = put_all_drawn(0, UNITS);
    assert_all(shared_spread_fit(&self, &data, &same) == OK && same == spread);
    assert_all(shared_effects_fit(&self, &data, spread, &alone) == OK);
    assert_all(memcmp(alone.mean, effects.mean, THINGS * sizeof *alone.mean) == 0);
    assert_all(memcmp(alone.variance, effects.variance, THINGS * sizeof *alone.mean) == 0);
    int32_t thing = rows.thing[0];
    double logit = (double)rows.logit[0], y = (double)rows.y[0];
    double without = shared_effects_without(&alone, thing, logit, y);
    shared_effects_clear(&alone);
    rows.thing[0] = THINGS - 1; /* of which there are no others */
    assert_all(shared_effects_fit(&self, &data, spread, &alone) == OK);
    assert_close(without, (double)alone.mean[thing], 1e-3);
    shared_effects_clear(&alone);
    shared_effects_clear(&effects);
}

/* Rows of one unit have in common what the unit has: their pairs tell nothing of the thing. */
static void own_pairs_tell_nothing(void **state)
{
    (void)state;
    double spread;
    for (int64_t u = 0; u <= 100; u++) rows.start[u] = 2 * u;
    for (int64_t i = 0; i < 200; i++) {
        rows.logit[i] = 0.0f;
        rows.thing[i] = (int32_t)(i / 2);
        rows.y[i] = (float)(i / 2 % 2);
    }
    struct effects_data twins = data_of(world.rank == 0 ? 100 : 0);
    const struct shared_data data = {&twins, rows.thing, 100};
    assert_all(shared_spread_fit(&world, &data, &spread) == OK);
    assert_all(spread == EFFECTS_USUAL);
}

static void not_finite_is_an_error(void **state)
{
    (void)state;
    struct shared_effects effects;
    double spread;
    struct effects_data few = put_few();
    const struct shared_data data = {&few, rows.thing, 3};
    rows.logit[1] = NAN;
    assert_all(shared_spread_fit(&world, &data, &spread) == ERR_NUMERIC);
    assert_all(shared_effects_fit(&world, &data, 1.0, &effects) == ERR_NUMERIC);
    assert_all(effects.mean == NULL);
}

static void survives_faults(void **state)
{
    (void)state;
    struct shared_effects effects;
    struct effects_data few = put_few();
    const struct shared_data data = {&few, rows.thing, 3};
    comm_inject_fault(-1, 0);
    assert_all(shared_effects_fit(&world, &data, 1.0, &effects) == OK);
    int64_t agreements = comm_agreements();
    shared_effects_clear(&effects);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(shared_effects_fit(&world, &data, 1.0, &effects) == ERR_BUG);
        }
    comm_inject_fault(-1, 0);
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(found_again),
          cmocka_unit_test(own_pairs_tell_nothing), cmocka_unit_test(not_finite_is_an_error),
          cmocka_unit_test(survives_faults))
