/* Policies that tilt the chances of levels: what chances were made from is found again. */
#include "tests/harness.h"

#include "algorithms/tilted_guess.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 4, USERS = 300, OFFERS = 5, GROUPS = 2 };

static const double z[LEVELS] = {-1.2, -0.4, 0.3, 1.5};
/* Their slope in z is taken out before they are compared. */
static const double base[LEVELS] = {0.3, -0.5, 0.6, -0.4};

static double chance_of(double floor, double standing, int level)
{
    double sum = 0.0, weight[LEVELS];
    for (int k = 0; k < LEVELS; k++) sum += weight[k] = exp(base[k] + standing * z[k]);
    return floor / LEVELS + (1.0 - floor) * weight[level] / sum;
}

struct sample {
    struct tilted_rows rows;
    int64_t *start;
    int8_t *level;
    float *chance;
    int32_t *group;
};

/* Users first .. first + users - 1, all with the standing of a group of theirs. */
static void sample_init(struct sample *s, int64_t first, int64_t users, double floor, double noise)
{
    *s = (struct sample){0};
    assert_all(memory_new(&s->start, users + 1, sizeof *s->start) == OK);
    assert_all(memory_new(&s->level, users * OFFERS, sizeof *s->level) == OK);
    assert_all(memory_new(&s->chance, users * OFFERS, sizeof *s->chance) == OK);
    assert_all(memory_new(&s->group, users * OFFERS, sizeof *s->group) == OK);
    for (int64_t at = 0; at < users * OFFERS; at++) {
        uint64_t user = (uint64_t)(first + at / OFFERS), e = (uint64_t)(first * OFFERS + at);
        int level = (int)random_below(3, RANDOM_TEST, e, 0, LEVELS);
        int32_t group = (int32_t)random_below(3, RANDOM_TEST, e, 1, GROUPS);
        double standing = 0.8 * random_normal(3, RANDOM_TEST, user, 2 + 2 * (uint64_t)group) +
                          noise * random_normal(3, RANDOM_TEST, e, 6);
        s->level[at] = e % 11 == 0 ? -1 : (int8_t)level;
        s->chance[at] = (float)chance_of(floor, standing, level);
        s->group[at] = group;
        s->start[at / OFFERS + 1] = at + 1;
    }
    s->rows = (struct tilted_rows){users, s->start, s->level, s->chance, s->group, GROUPS};
}

static void sample_clear(struct sample *s)
{
    free(s->start);
    free(s->level);
    free(s->chance);
    free(s->group);
}

/* A search begun from no policy at all. */
static enum status fit(const struct comm *comm, const struct sample *s,
                       struct tilted_policy *policy, int64_t *pairs, double *misfit)
{
    *policy = (struct tilted_policy){.levels = LEVELS};
    memcpy(policy->z, z, sizeof z);
    return tilted_policy_fit(comm, &s->rows, policy, pairs, misfit);
}

/* What is left of x without its mean and its slope in z. */
static void flatten(double *x)
{
    double mean = 0.0, middle = 0.0, slope = 0.0, square = 0.0;
    for (int k = 0; k < LEVELS; k++) {
        mean += x[k] / LEVELS;
        middle += z[k] / LEVELS;
    }
    for (int k = 0; k < LEVELS; k++) {
        slope += (x[k] - mean) * (z[k] - middle);
        square += (z[k] - middle) * (z[k] - middle);
    }
    for (int k = 0; k < LEVELS; k++) x[k] -= mean + slope / square * (z[k] - middle);
}

static double farthest(const struct tilted_policy *policy)
{
    double found[LEVELS], wanted[LEVELS], far = 0.0;
    memcpy(found, policy->base, sizeof found);
    memcpy(wanted, base, sizeof wanted);
    flatten(found);
    flatten(wanted);
    for (int k = 0; k < LEVELS; k++) far = fmax(far, fabs(found[k] - wanted[k]));
    return far;
}

static int64_t users_of_rank(int64_t *first)
{
    *first = USERS * world.rank / world.ranks;
    return USERS * (world.rank + 1) / world.ranks - *first;
}

static void what_made_the_chances_is_found_again(void **state)
{
    (void)state;
    static const double floors[] = {0.0, 0.2, 0.6};
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        struct sample s;
        struct tilted_policy policy;
        int64_t first, users = users_of_rank(&first), pairs;
        double misfit;
        sample_init(&s, first, users, floors[i], 0.0);
        assert_all(fit(&world, &s, &policy, &pairs, &misfit) == OK);
        assert_all(pairs > USERS && misfit < 2e-3);
        assert_all(fabs(policy.floor - floors[i]) < 4e-3);
        assert_all(farthest(&policy) < 2e-2);
        sample_clear(&s);
    }
}

/* Standings that differ from offer to offer leave a misfit, and the base still comes out. */
static void noise_is_borne(void **state)
{
    (void)state;
    struct sample s;
    struct tilted_policy policy;
    int64_t first, users = users_of_rank(&first), pairs;
    double misfit;
    sample_init(&s, first, users, 0.2, 0.05);
    assert_all(fit(&world, &s, &policy, &pairs, &misfit) == OK);
    assert_all(misfit > 0.01 && misfit < 0.15);
    assert_all(fabs(policy.floor - 0.2) < 0.1);
    assert_all(farthest(&policy) < 0.15);
    sample_clear(&s);
}

static void standings_are_solved(void **state)
{
    (void)state;
    struct tilted_policy policy = {.levels = LEVELS, .floor = 0.1};
    memcpy(policy.z, z, sizeof z);
    memcpy(policy.base, base, sizeof base);
    tilted_policy_tilt(&policy);
    for (int k = 0; k < LEVELS; k++)
        for (double standing = -2.0; standing < 2.1; standing += 0.5) {
            float p = (float)chance_of(0.1, standing, k);
            struct tilted_roots roots = tilted_policy_solve(&policy, k, p);
            double low = fabs((double)roots.low - standing);
            double high = fabs((double)roots.high - standing);
            assert_all(roots.low <= roots.high);
            assert_all((roots.low == roots.high) == (k == 0 || k == LEVELS - 1));
            assert_all(fmin(low, high) < 0.02);
        }
}

/* A level in between leaves two standings, and the next offer often one; sure ones come first. */
static void offers_of_a_group_agree(void **state)
{
    (void)state;
    struct tilted_policy policy = {.levels = LEVELS, .floor = 0.1};
    const struct tilted_noise noise = {1e-6, 1e-4};
    double lean;
    memcpy(policy.z, z, sizeof z);
    memcpy(policy.base, base, sizeof base);
    tilted_policy_tilt(&policy);
    for (double standing = -1.5; standing < 1.6; standing += 0.5) {
        float p[LEVELS];
        for (int k = 0; k < LEVELS; k++) p[k] = (float)chance_of(0.1, standing, k);
        struct tilted_guess one = {0}, two = {0}, sure = {0}, nothing = {0};
        tilted_guess_add(&policy, &noise, 1, p[1], &one);
        struct tilted_roots at = tilted_guess_roots(&one, &lean);
        struct tilted_roots wanted = tilted_policy_solve(&policy, 1, p[1]);
        assert_all(at.low == wanted.low && at.high == wanted.high);
        assert_close(
            lean,
            log(tilted_policy_slope(&policy, 1, at.low) / tilted_policy_slope(&policy, 1, at.high)),
            1e-9);
        tilted_guess_add(&policy, &noise, 1, p[1], &two);
        tilted_guess_add(&policy, &noise, 2, p[2], &two);
        at = tilted_guess_roots(&two, &lean);
        assert_all(at.low == at.high && lean == 0.0);
        assert_close((double)at.low, standing, 0.02);
        tilted_guess_add(&policy, &noise, 3, p[3], &sure);
        tilted_guess_add(&policy, &noise, 1, p[1], &sure);
        at = tilted_guess_roots(&sure, &lean);
        assert_all(at.low == at.high);
        assert_close((double)at.low, standing, 0.02);
        assert_all(isnan(tilted_guess_roots(&nothing, &lean).low));
    }
}

/* What overtakes the other guess is the higher one from then on. */
static void two_guesses_keep_their_order(void **state)
{
    (void)state;
    struct tilted_policy policy = {.levels = LEVELS, .floor = 0.1};
    const struct tilted_noise noise = {0.01, 1e-3};
    double lean;
    int64_t doubts = 0, wrong = 0;
    memcpy(policy.z, z, sizeof z);
    memcpy(policy.base, base, sizeof base);
    tilted_policy_tilt(&policy);
    for (uint64_t i = 0; i < 2000; i++) {
        struct tilted_guess guess = {0};
        for (uint64_t k = 0; k < 3; k++) {
            double standing = 0.3 + 0.8 * random_normal(3, RANDOM_TEST, i, k);
            int level = 1 + (int)(i + k) % 2;
            float chance = (float)chance_of(0.1, standing, level);
            tilted_guess_add(&policy, &noise, level, chance, &guess);
        }
        struct tilted_roots at = tilted_guess_roots(&guess, &lean);
        doubts += at.low < at.high;
        wrong += !(at.low <= at.high) || !isfinite(lean) || (at.low == at.high && lean != 0.0);
    }
    assert_all(doubts > 100 && wrong == 0);
}

/* Of two levels one is hardly ever given, far from the other in standard deviations. */
static void rare_levels_are_borne(void **state)
{
    (void)state;
    const double share = 1e-5;
    int64_t start[4] = {0, 2, 4, 6}, pairs = 0;
    int8_t level[6] = {0, 1, 0, 1, 0, 0};
    float chance[6] = {0.9999f, 0.9999f, 0.5f, 1e-5f, 1.0f, 0.9f};
    int32_t group[6] = {0};
    const struct tilted_rows rows = {3, start, level, chance, group, 1};
    struct tilted_policy policy = {.levels = 2};
    double misfit = 0.0;
    policy.base[1] = log(share);
    policy.z[0] = -sqrt(share);
    policy.z[1] = 1.0 / sqrt(share);
    tilted_policy_tilt(&policy);
    for (int k = 0; k < 6; k++) {
        struct tilted_roots at = tilted_policy_solve(&policy, level[k], chance[k]);
        assert_all(at.low == at.high && fabs((double)at.low) <= TILT_STANDING);
    }
    assert_close((double)tilted_policy_solve(&policy, 1, 0.5f).low, log(1.0 / share) * sqrt(share),
                 1e-2);
    assert_all(tilted_policy_fit(&world, &rows, &policy, &pairs, &misfit) == OK);
    assert_all(pairs == 6 * world.ranks && isfinite(misfit));
}

static void too_few_offers_change_nothing(void **state)
{
    (void)state;
    struct sample s;
    struct tilted_policy policy = {.levels = LEVELS, .base = {0.5, 0.0, 0.0, 0.25}};
    int64_t pairs;
    double misfit;
    memcpy(policy.z, z, sizeof z);
    sample_init(&s, 0, world.rank == 0 ? 10 : 0, 0.2, 0.0);
    assert_all(tilted_policy_fit(&world, &s.rows, &policy, &pairs, &misfit) == OK);
    assert_all(policy.floor == 0.0 && policy.base[0] == 0.5 && policy.base[3] == 0.25);
    assert_all(policy.chance[0][TILT_GRID / 2] > 0.0f);
    sample_clear(&s);
}

static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample s, whole;
    struct tilted_policy policy, alone;
    int64_t first, users = users_of_rank(&first), pairs, alone_pairs;
    double misfit, alone_misfit;
    sample_init(&s, first, users, 0.2, 0.05);
    sample_init(&whole, 0, USERS, 0.2, 0.05);
    assert_all(fit(&world, &s, &policy, &pairs, &misfit) == OK);
    assert_all(fit(&self, &whole, &alone, &alone_pairs, &alone_misfit) == OK);
    assert_all(pairs == alone_pairs && misfit == alone_misfit && policy.floor == alone.floor);
    assert_all(memcmp(policy.base, alone.base, sizeof policy.base) == 0);
    sample_clear(&s);
    sample_clear(&whole);
}

TEST_MAIN(cmocka_unit_test(what_made_the_chances_is_found_again), cmocka_unit_test(noise_is_borne),
          cmocka_unit_test(standings_are_solved), cmocka_unit_test(offers_of_a_group_agree),
          cmocka_unit_test(two_guesses_keep_their_order), cmocka_unit_test(rare_levels_are_borne),
          cmocka_unit_test(too_few_offers_change_nothing), cmocka_unit_test(same_bits_on_any_ranks))
