/* One step for each unit, shrunk toward what its parent expects. */
#include "tests/harness.h"

#include "jobs/demand_step.h"

enum { UNITS = 40, PARENTS = 2 };

/* Units are dealt to the ranks in runs. */
static int64_t first_of(int64_t rank)
{
    return rank * UNITS / world.ranks;
}

/* Even units expect -2, odd ones -3; every fourth tells nothing of itself. */
static void fill(const struct demand_baseline *baseline, bool tell, struct demand_steps *steps)
{
    for (int64_t i = 0; i < steps->units; i++) {
        int64_t unit = first_of(world.rank) + i;
        double deviation = 0.1 * (double)(unit % 7 - 3);
        steps->parent[i] = unit % PARENTS;
        steps->reference[i] = unit % PARENTS == 0 ? -2.0 : -3.0;
        steps->reference_sd[i] = 0.05;
        if (tell && unit % 4 != 3) demand_steps_set(steps, i, baseline, deviation * 200.0, 200.0);
    }
}

static bool as_told(const struct demand_steps *steps, int64_t i)
{
    int64_t unit = first_of(world.rank) + i;
    double own = steps->estimate[i] - steps->reference[i];
    double kept = steps->shrunk[i] - steps->reference[i];
    if (!(isfinite(kept) && steps->shrunk_sd[i] > 0.0 && steps->shrunk_sd[i] < 0.5)) return false;
    if (unit % 4 == 3) return isnan(own) && isnan(steps->std_error[i]) && fabs(kept) < 0.2;
    return fabs(own - 0.1 * (double)(unit % 7 - 3)) < 1e-12 &&
           fabs(steps->std_error[i] - 0.1) < 1e-12 && /* sqrt(2 / 200) */
           fabs(kept) < fabs(own) + 0.1;
}

static void shrinks_toward_the_reference(void **state)
{
    (void)state;
    const struct demand_baseline baseline = {.dispersion = 2.0};
    struct demand_steps steps = {0};
    assert_all(demand_steps_new(first_of(world.rank + 1) - first_of(world.rank), &steps) == OK);
    fill(&baseline, true, &steps);
    assert_all(demand_steps_shrink(&world, PARENTS, (const char *[]){"unit", "a parent"}, &steps) ==
               OK);
    bool right = true;
    for (int64_t i = 0; i < steps.units; i++) right = right && as_told(&steps, i);
    assert_all(right);
    demand_steps_clear(&steps);
}

static void nothing_known_leaves_the_reference(void **state)
{
    (void)state;
    const struct demand_baseline baseline = {.dispersion = 2.0};
    struct demand_steps steps = {0};
    assert_all(demand_steps_new(first_of(world.rank + 1) - first_of(world.rank), &steps) == OK);
    fill(&baseline, false, &steps);
    assert_all(demand_steps_shrink(&world, PARENTS, (const char *[]){"unit", "a parent"}, &steps) ==
               OK);
    bool right = true;
    for (int64_t i = 0; i < steps.units; i++)
        right = right && steps.shrunk[i] == steps.reference[i] && isnan(steps.shrunk_sd[i]);
    assert_all(right);
    demand_steps_clear(&steps);
}

static void little_information_tells_nothing(void **state)
{
    (void)state;
    const struct demand_baseline baseline = {.dispersion = 2.0};
    assert_all(demand_step_tells(&baseline, 0.0051)); /* standard error 19.8 */
    assert_all(!demand_step_tells(&baseline, 0.0049));
    assert_all(!demand_step_tells(&baseline, 0.0));
}

TEST_MAIN(cmocka_unit_test(shrinks_toward_the_reference),
          cmocka_unit_test(nothing_known_leaves_the_reference),
          cmocka_unit_test(little_information_tells_nothing))
