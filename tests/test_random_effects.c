/* Random effects: against dense algebra and a general optimiser (tests/goldens/random_effects.py),
 * and what must hold for any units. */
#include "tests/harness.h"

#include "algorithms/random_effects.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { UNITS = 40, MANY = 4000, EACH = 10 };

struct rows {
    int64_t start[MANY + 1];
    float logit[MANY * EACH], x[MANY * EACH], y[MANY * EACH];
    int32_t group[MANY * EACH];
    float apart[MANY * EACH][2]; /* by two members */
};

static struct rows rows; /* of the units this rank has */

static const struct effects_before nothing; /* is known before */

static struct effects_before known_before(double none)
{
    return (struct effects_before){none, 2, rows.apart[0]};
}

static void put_apart(int64_t row, float off)
{
    rows.apart[row][0] = off;
    rows.apart[row][1] = -off;
}

static struct effects_data data_of(int64_t units)
{
    return (struct effects_data){units, rows.start, rows.logit, rows.x, rows.y, rows.group};
}

/* As in the script. */
static void put_golden(int unit, int64_t at)
{
    int64_t row = rows.start[at];
    for (int i = 0; i < unit * 7 % 13; i++, row++) {
        rows.logit[row] = (float)((unit * 5 + i * 11) % 64 - 40) / 16.0f;
        rows.x[row] = (float)((unit * 3 + i * 29) % 48) / 64.0f;
        rows.group[row] = (unit + i * i) % 4;
        put_apart(row, (float)((unit * 7 + i * 5) % 32 - 12) / 64.0f);
        rows.y[row] = (unit * 13 + i * 17 + i * i * 5) % 10 < 3 + unit % 4 ? 1.0f : 0.0f;
    }
    rows.start[at + 1] = row;
}

/* Units by turns over the ranks: their number here. */
static int64_t put_all_golden(void)
{
    int64_t units = 0;
    rows.start[0] = 0;
    for (int unit = world.rank; unit < UNITS; unit += world.ranks) put_golden(unit, units++);
    return units;
}

static void spreads_as_golden(void **state)
{
    (void)state;
    struct effects_data data = data_of(put_all_golden());
    struct effects_spread spread;
    assert_all(effects_spread_fit(&world, &data, &nothing, &spread) == OK);
    assert_close(spread.offset, 0.156504113972, 1e-8);
    assert_close(spread.grouped, 0.043833816558, 1e-8);
    assert_close(spread.slope, 0.094858742350, 1e-8);
    const struct effects_before before = known_before(0.4);
    assert_all(effects_spread_fit(&world, &data, &before, &spread) == OK);
    assert_close(spread.offset, 0.114754224296, 1e-8);
    assert_close(spread.grouped, 0.017574003074, 1e-8);
    assert_close(spread.slope, 0.094849698629, 1e-8);
}

static void none_or_some(void **state)
{
    (void)state;
    /* outcomes decide where they can, and what was believed where they cannot */
    assert_close(effects_spread_mean(0.5, 0.01, 0.9), 0.5, 2e-3);
    assert_all(effects_spread_mean(0.01, 0.01, 0.5) < 0.5 * effects_spread_mean(0.01, 0.01, 0.0));
    assert_close(effects_spread_mean(0.1, 1e3, 0.25), 0.75 * EFFECTS_USUAL, 1e-4);
    assert_close(effects_spread_mean(0.1, 0.0, 0.25), 0.75 * EFFECTS_USUAL, 1e-12);
    assert_all(effects_spread_mean(0.1, 0.1, 1.0) < 1e-5);
    /* far below 0 it is as if cut off from an exponential tail */
    assert_close(effects_spread_mean(-3.0, 0.1, 0.0), 0.01 / 3.1, 2e-5);
    for (double none = 0.0; none < 1.0; none += 0.3)
        for (double estimate = -1.0; estimate < 1.0; estimate += 0.05) {
            double here = effects_spread_mean(estimate, 0.05, none);
            assert_all(here <= effects_spread_mean(estimate + 0.05, 0.05, none));
            assert_all(here >= effects_spread_mean(estimate, 0.05, none + 0.1));
        }
}

static void posteriors_as_golden(void **state)
{
    (void)state;
    static const struct {
        int unit, group;
        double wanted[5];
    } golden[] = {
        {0, 0, {0.000000000000, 0.000000000000, 0.500000000000, 0.000000000000, 0.500000000000}},
        {5, 1, {-0.078080626677, -0.170604577630, 0.325586189896, -0.069597529152, 0.448843898130}},
        {11, 3, {0.631149572229, 0.089202198686, 0.304753414456, -0.081265053576, 0.442065314634}},
        {18, 0, {0.188468476921, 0.011765901591, 0.411920767767, -0.056334495866, 0.441873944765}},
        {25,
         4,
         {-0.130510349898, -0.057859681924, 0.435621614364, -0.048692814129, 0.454251519293}}};
    const struct effects_spread spread = {0.3, 0.2, 0.5};
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct effects_unit unit;
        rows.start[0] = 0;
        put_golden(golden[i].unit, 0);
        struct effects_data data = data_of(1);
        effects_fit(&data, 0, rows.start[1], &spread, &unit);
        struct effects at = effects_at(&unit, golden[i].group);
        const double found[] = {at.offset, at.slope, at.offset_var, at.both_cov, at.slope_var};
        for (int j = 0; j < 5; j++) assert_close(found[j], golden[i].wanted[j], 1e-9);
    }
}

/* Units with effects of known spread, drawn by their number, so that any rank can have them. */
static void put_drawn(int64_t unit, int64_t at)
{
    uint64_t entity = (uint64_t)unit, draw = 0;
    double offset = 0.6 * random_normal(1, RANDOM_TEST, entity, draw++), grouped[4];
    double slope = 0.5 * random_normal(1, RANDOM_TEST, entity, draw++);
    for (int g = 0; g < 4; g++) grouped[g] = 0.4 * random_normal(1, RANDOM_TEST, entity, draw++);
    for (int64_t row = EACH * at; row < EACH * (at + 1); row++) {
        double base = 2.0 * random_uniform(1, RANDOM_TEST, entity, draw++) - 1.5;
        double x = 1.5 * random_uniform(1, RANDOM_TEST, entity, draw++);
        rows.group[row] = (int32_t)random_below(1, RANDOM_TEST, entity, draw++, 4);
        double variance = 0.36 + 0.16 + 0.25 * x * x;
        double z = base + offset + grouped[rows.group[row]] + slope * x;
        rows.x[row] = (float)x;
        rows.logit[row] = (float)(base / sqrt(1.0 + M_PI / 8.0 * variance));
        double u = random_uniform(1, RANDOM_TEST, entity, draw++);
        rows.y[row] = u < 1.0 / (1.0 + exp(-z)) ? 1.0f : 0.0f;
    }
    rows.start[at + 1] = EACH * (at + 1);
}

static void spreads_are_found_again(void **state)
{
    (void)state;
    struct effects_spread spread, alone;
    struct comm self = comm_self();
    int64_t first = MANY * world.rank / world.ranks, next = MANY * (world.rank + 1) / world.ranks;
    rows.start[0] = 0;
    for (int64_t unit = first; unit < next; unit++) put_drawn(unit, unit - first);
    struct effects_data data = data_of(next - first);
    assert_all(effects_spread_fit(&world, &data, &nothing, &spread) == OK);
    assert_close(spread.offset, 0.36, 0.08);
    assert_close(spread.grouped, 0.16, 0.08);
    assert_close(spread.slope, 0.25, 0.12);
    for (int64_t unit = 0; unit < MANY; unit++) put_drawn(unit, unit);
    data.units = MANY;
    assert_all(effects_spread_fit(&self, &data, &nothing, &alone) == OK);
    assert_all(memcmp(&spread, &alone, sizeof spread) == 0);
}

/* Units that are all alike, where predictions are off by something of each unit's. */
static void put_mistaken(int64_t unit, int64_t at)
{
    uint64_t entity = (uint64_t)unit, draw = 0;
    double off = 0.5 * random_normal(1, RANDOM_TEST, entity, draw++);
    double apart = 0.5 * random_normal(1, RANDOM_TEST, entity, draw++) / sqrt(2.0);
    for (int64_t row = EACH * at; row < EACH * (at + 1); row++) {
        double z = 2.0 * random_uniform(1, RANDOM_TEST, entity, draw++) - 1.5;
        rows.x[row] = 0.0f;
        rows.group[row] = (int32_t)(row % 4);
        rows.logit[row] = (float)(z + off);
        put_apart(row, (float)apart);
        double u = random_uniform(1, RANDOM_TEST, entity, draw++);
        rows.y[row] = u < 1.0 / (1.0 + exp(-z)) ? 1.0f : 0.0f;
    }
    rows.start[at + 1] = EACH * (at + 1);
}

static void mistakes_are_no_effects(void **state)
{
    (void)state;
    struct effects_spread taken, left;
    const struct effects_before before = known_before(0.0);
    int64_t first = MANY * world.rank / world.ranks, next = MANY * (world.rank + 1) / world.ranks;
    rows.start[0] = 0;
    for (int64_t unit = first; unit < next; unit++) put_mistaken(unit, unit - first);
    struct effects_data data = data_of(next - first);
    assert_all(effects_spread_fit(&world, &data, &nothing, &taken) == OK);
    assert_all(effects_spread_fit(&world, &data, &before, &left) == OK);
    assert_close(taken.offset, 0.25, 0.06);
    assert_all(left.offset < 0.04 && left.grouped < 0.04);
}

/* Nothing to learn from, and a unit of very many rows. */
static void few_and_many(void **state)
{
    (void)state;
    struct effects_data none = data_of(0);
    struct effects_spread spread;
    struct effects_unit unit;
    assert_all(effects_spread_fit(&world, &none, &nothing, &spread) == OK);
    assert_all(spread.offset == EFFECTS_USUAL && spread.slope == EFFECTS_USUAL);
    rows.start[0] = 0;
    rows.start[1] = MANY;
    for (int i = 0; i < MANY; i++) {
        rows.logit[i] = -1.0f;
        rows.x[i] = 0.25f;
        rows.y[i] = 1.0f; /* always */
        rows.group[i] = i;
    }
    struct effects_data one = data_of(1);
    assert_all(effects_spread_fit(&world, &one, &nothing, &spread) == OK);
    effects_fit(&one, 0, MANY, &spread, &unit);
    struct effects at = effects_at(&unit, MANY - 1);
    assert_all(isfinite(at.offset) && at.offset > 0.5 && at.offset_var > 0.0);
    assert_all(at.slope_var > 0.0 && at.both_cov * at.both_cov < at.offset_var * at.slope_var);
}

static void not_finite_is_an_error(void **state)
{
    (void)state;
    struct effects_spread spread;
    struct effects_data data = data_of(put_all_golden());
    if (data.units > 1) rows.logit[rows.start[1]] = NAN;
    assert_all(effects_spread_fit(&world, &data, &nothing, &spread) == ERR_NUMERIC);
}

static void survives_faults(void **state)
{
    (void)state;
    struct effects_spread spread;
    comm_inject_fault(-1, 0);
    struct effects_data data = data_of(put_all_golden());
    assert_all(effects_spread_fit(&world, &data, &nothing, &spread) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(effects_spread_fit(&world, &data, &nothing, &spread) == ERR_BUG);
        }
    comm_inject_fault(-1, 0);
}

TEST_MAIN(cmocka_unit_test(spreads_as_golden), cmocka_unit_test(none_or_some),
          cmocka_unit_test(posteriors_as_golden), cmocka_unit_test(mistakes_are_no_effects),
          cmocka_unit_test(spreads_are_found_again), cmocka_unit_test(few_and_many),
          cmocka_unit_test(not_finite_is_an_error), cmocka_unit_test(survives_faults))
