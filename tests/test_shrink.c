/* Empirical Bayes: by hand, against a general optimiser and dense algebra, and what must hold for
 * any units. Units are spread over the ranks by turns, so that most tests hold at any number. */
#include "tests/harness.h"

#include "algorithms/shrink_few.h"

#include <string.h>

enum { UNITS = 88 };

/* shrink_fit, its deviations widened where asked. */
static enum status fit_one(const struct comm *comm, const struct shrink_units *units, bool widen,
                           double *shrunk, double *sd, struct shrink_prior *prior)
{
    enum status status = OK;
    struct shrink_level all = {0};
    if (!widen) return shrink_fit(comm, units, shrunk, sd, prior);
    TRY_ALL(comm, shrink_level_init(&all, 1, NULL));
    TRY(shrink_tree_fit(comm, units, &all, 1, shrunk, sd));
    TRY(shrink_tree_widen(comm, units, &all, 1, shrunk, sd));
    *prior = (struct shrink_prior){all.mean[0], all.spread, all.members};
done:
    shrink_level_clear(&all);
    return status;
}

/* fit_one with unit i on rank i modulo ranks; results of all units on every rank. */
static enum status spread_out(bool widen, const double *estimate, const double *error,
                              int64_t units, double *shrunk, double *sd, struct shrink_prior *prior)
{
    double b[UNITS], s[UNITS], part[2 * UNITS] = {0}, low[2 * UNITS];
    int64_t mine = 0;
    for (int64_t i = world.rank; i < units; i += world.ranks, mine++) {
        b[mine] = estimate[i];
        s[mine] = error[i];
    }
    const struct shrink_units here = {mine, b, s, NULL};
    enum status status = fit_one(&world, &here, widen, part, part + UNITS, prior);
    if (status != OK) return status;
    for (int64_t i = 0; i < 2 * UNITS; i++) low[i] = INFINITY;
    for (int64_t i = world.rank, m = 0; i < units; i += world.ranks, m++) {
        low[i] = part[m];
        low[UNITS + i] = part[UNITS + m];
    }
    comm_min_double(&world, low, 2 * UNITS);
    memcpy(shrunk, low, (size_t)units * sizeof *shrunk);
    memcpy(sd, low + UNITS, (size_t)units * sizeof *sd);
    return OK;
}

static enum status fit_spread_out(const double *estimate, const double *error, int64_t units,
                                  double *shrunk, double *sd, struct shrink_prior *prior)
{
    return spread_out(false, estimate, error, units, shrunk, sd, prior);
}

/* The units of tests/goldens/shrink.py. */
static void make_units(double spread, double noise, double *estimate, double *error)
{
    for (int i = 0; i < UNITS; i++) {
        double at = i;
        error[i] = 0.15 * pow(10.0, (double)(i * 37 % 88) / 88.0);
        estimate[i] = -2.1 + spread * sin(1.7 * at + 0.3 * sin(5.0 * at)) * sqrt(2.0) +
                      noise * error[i] * cos(2.9 * at + 1.0) * sqrt(2.0);
    }
}

static void as_by_hand(void **state)
{
    (void)state;
    /* variance 2 around the mean, of which 1 is error: tau 1, half of each estimate is kept */
    const double estimate[2] = {-1.0, 1.0}, error[2] = {1.0, 1.0};
    double shrunk[2], sd[2];
    struct shrink_prior prior;
    assert_all(fit_spread_out(estimate, error, 2, shrunk, sd, &prior) == OK);
    assert_all(prior.units == 2);
    assert_close(prior.mean, 0.0, 1e-12);
    assert_close(prior.sd, 1.0, 1e-6);
    assert_close(shrunk[0], -0.5, 1e-6);
    assert_close(shrunk[1], 0.5, 1e-6);
    assert_close(sd[1], sqrt(0.5 + 0.25), 1e-6); /* the mean has variance 1, half is lost */
}

static void less_spread_than_error(void **state)
{
    (void)state;
    const double estimate[3] = {1.0, 1.2, 0.5}, error[3] = {1.0, 2.0, NAN};
    double shrunk[3], sd[3], mean = (1.0 + 1.2 / 4.0) / 1.25;
    struct shrink_prior prior;
    assert_all(fit_spread_out(estimate, error, 3, shrunk, sd, &prior) == OK);
    assert_all(prior.units == 2 && prior.sd == 0.0);
    for (int i = 0; i < 3; i++) {
        assert_close(shrunk[i], mean, 1e-15);
        assert_close(sd[i], sqrt(1.0 / 1.25), 1e-15);
    }
}

static const struct {
    double spread, noise, mean, tau;
    struct {
        int unit;
        double shrunk, sd;
    } at[4];
} golden[3] = {{0.9,
                1.0,
                -2.098773998,
                0.923716898,
                {{0, -1.988297794, 0.148090184},
                 {1, -1.380023964, 0.363588049},
                 {40, -3.154497834, 0.677192661},
                 {87, -2.804600256, 0.485926762}}},
               {0.0,
                1.0,
                -2.100643705,
                0.049807159,
                {{0, -2.089197715, 0.056808689},
                 {1, -2.106981036, 0.060230637},
                 {40, -2.103209612, 0.060762393},
                 {87, -2.103028870, 0.060557955}}},
               {0.0,
                0.5,
                -2.100293226,
                0.0,
                {{0, -2.100293226, 0.034040672},
                 {1, -2.100293226, 0.034040672},
                 {40, -2.100293226, 0.034040672},
                 {87, -2.100293226, 0.034040672}}}};

static void as_a_general_optimiser(void **state)
{
    (void)state;
    for (int g = 0; g < 3; g++) {
        double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS];
        struct shrink_prior prior;
        make_units(golden[g].spread, golden[g].noise, estimate, error);
        assert_all(fit_spread_out(estimate, error, UNITS, shrunk, sd, &prior) == OK);
        assert_close(prior.mean, golden[g].mean, 2e-8);
        assert_close(prior.sd, golden[g].tau, 2e-7);
        for (int i = 0; i < 4; i++) {
            assert_close(shrunk[golden[g].at[i].unit], golden[g].at[i].shrunk, 2e-7);
            assert_close(sd[golden[g].at[i].unit], golden[g].at[i].sd, 2e-7);
        }
    }
}

/* Between the own estimate and the mean, the closer to the mean the larger the error; an unknown
 * unit has the mean. */
static void what_is_known_better_moves_less(void **state)
{
    (void)state;
    double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS];
    struct shrink_prior prior;
    make_units(0.9, 1.0, estimate, error);
    error[5] = NAN;
    assert_all(fit_spread_out(estimate, error, UNITS, shrunk, sd, &prior) == OK);
    bool between = true, ordered = true;
    for (int i = 0; i < UNITS; i++) {
        double kept = (shrunk[i] - prior.mean) / (estimate[i] - prior.mean);
        if (i == 5) continue;
        between = between && kept > 0.0 && kept < 1.0 && sd[i] < error[i] && sd[i] < sd[5];
        for (int j = 0; j < UNITS; j++) {
            double other = (shrunk[j] - prior.mean) / (estimate[j] - prior.mean);
            if (j != 5 && error[i] < error[j]) ordered = ordered && kept > other;
        }
    }
    assert_all(between && ordered && prior.units == UNITS - 1);
    assert_all(shrunk[5] == prior.mean && sd[5] > prior.sd && sd[5] < 1.1 * prior.sd);
}

/* In other units of measure the answer is the same one. */
static void scale_does_not_matter(void **state)
{
    (void)state;
    double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS], large[UNITS], large_sd[UNITS];
    struct shrink_prior prior, larger;
    make_units(0.9, 1.0, estimate, error);
    assert_all(fit_spread_out(estimate, error, UNITS, shrunk, sd, &prior) == OK);
    for (int i = 0; i < UNITS; i++) estimate[i] *= 1e9, error[i] *= 1e9;
    assert_all(fit_spread_out(estimate, error, UNITS, large, large_sd, &larger) == OK);
    assert_close(1e-9 * larger.sd, prior.sd, 1e-6);
    for (int i = 0; i < UNITS; i++) assert_close(1e-9 * large[i], shrunk[i], 1e-6);
}

static void few_units(void **state)
{
    (void)state;
    const double estimate[2] = {-3.0, 7.0}, error[2] = {NAN, 0.5}, none[2] = {NAN, 0.0};
    double shrunk[2], sd[2];
    struct shrink_prior prior;
    assert_all(fit_spread_out(estimate, error, 2, shrunk, sd, &prior) == OK);
    assert_all(prior.units == 1 && prior.mean == 7.0 && prior.sd == 0.0);
    assert_all(shrunk[0] == 7.0 && shrunk[1] == 7.0);
    assert_all(fit_spread_out(estimate, none, 2, shrunk, sd, &prior) == ERR_NUMERIC);
    assert_all(fit_spread_out(estimate, error, 0, shrunk, sd, &prior) == ERR_NUMERIC);
}

/* Unit i is in group i mod 11, group g in part g mod 4; group 11 has no unit, unit 7 no estimate.
 */
static void tree_as_dense_algebra(void **state)
{
    (void)state;
    static const struct {
        int at;
        double mean, sd;
    } unit[4] = {{0, -1.315984366, 0.134905913},
                 {7, -3.653257108, 0.306987310},
                 {40, -3.720729597, 0.293960157},
                 {87, -3.301918648, 0.270210752}},
      group[3] = {{0, -1.721319062, 0.141116463},
                  {5, -0.717380283, 0.154694997},
                  {11, -3.677720787, 0.305548006}};
    double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS];
    int64_t in[UNITS], parent[12];
    struct shrink_level level[3];
    struct comm self = comm_self();
    make_units(0.5, 1.0, estimate, error);
    for (int i = 0; i < UNITS; i++) {
        in[i] = i % 11;
        estimate[i] += 0.8 * cos(3.0 * (i % 11)) + 1.5 * sin(2.0 * (i % 11 % 4));
    }
    for (int g = 0; g < 12; g++) parent[g] = g % 4;
    error[7] = NAN;
    assert_all(shrink_level_init(&level[0], 12, parent) == OK);
    assert_all(shrink_level_init(&level[1], 4, NULL) == OK);
    assert_all(shrink_level_init(&level[2], 1, NULL) == OK);
    const struct shrink_units units = {UNITS, estimate, error, in};
    assert_all(shrink_tree_fit(&self, &units, level, 3, shrunk, sd) == OK);
    assert_close(level[0].spread, 0.264257245, 2e-7);
    assert_close(level[1].spread, 0.231072763, 2e-7);
    assert_close(level[2].spread, 1.334545037, 2e-6);
    assert_close(level[2].mean[0], -2.201836535, 2e-7);
    assert_all(level[0].members == UNITS - 1 && level[1].members == 11 && level[2].members == 4);
    assert_all(isnan(level[0].estimate[11]));
    for (int i = 0; i < 4; i++) {
        assert_close(shrunk[unit[i].at], unit[i].mean, 5e-7);
        assert_close(sd[unit[i].at], unit[i].sd, 5e-7);
    }
    for (int i = 0; i < 3; i++) {
        assert_close(level[0].mean[group[i].at], group[i].mean, 5e-7);
        assert_close(level[0].sd[group[i].at], group[i].sd, 5e-7);
    }
    for (int l = 0; l < 3; l++) shrink_level_clear(&level[l]);
}

/* Averaged over both spreads; the values of tests/goldens/shrink.py, by a fine grid. */
static void widened_as_a_fine_grid(void **state)
{
    (void)state;
    static const int unit[4] = {0, 1, 2, 11};
    static const double golden_sd[4] = {0.09538, 0.18730, 0.20743, 0.18529};
    double estimate[12], error[12], shrunk[12], sd[12], before;
    int64_t in[12];
    struct shrink_level level[2];
    struct comm self = comm_self();
    for (int i = 0; i < 12; i++) {
        in[i] = i % 3;
        estimate[i] = -2.0 + 0.3 * sin(1.7 * i) + 0.4 * cos(3.0 * (i % 3));
        error[i] = 0.1 + 0.02 * (i * 5 % 12);
    }
    assert_all(shrink_level_init(&level[0], 3, NULL) == OK);
    assert_all(shrink_level_init(&level[1], 1, NULL) == OK);
    const struct shrink_units units = {12, estimate, error, in};
    assert_all(shrink_tree_fit(&self, &units, level, 2, shrunk, sd) == OK);
    before = level[1].sd[0];
    assert_all(shrink_tree_widen(&self, &units, level, 2, shrunk, sd) == OK);
    for (int i = 0; i < 4; i++) assert_close(sd[unit[i]], golden_sd[i], 0.01 * golden_sd[i]);
    assert_all(level[1].sd[0] > before);
    for (int l = 0; l < 2; l++) shrink_level_clear(&level[l]);
}

/* Where nothing tells a spread nothing is widened; nor are many units that tell it well. */
static void no_spread_to_be_unsure_of(void **state)
{
    (void)state;
    enum { MANY = 4000 };
    static double estimate[MANY], error[MANY], shrunk[MANY], sd[MANY], wide[MANY];
    struct shrink_level level;
    struct comm self = comm_self();
    for (int i = 0; i < MANY; i++) {
        error[i] = 0.3;
        estimate[i] = 0.7 * sin(1.3 * i + 0.2 * sin(7.0 * i)) + 0.42 * cos(2.9 * i);
    }
    assert_all(shrink_level_init(&level, 1, NULL) == OK);
    for (int64_t count = 1; count <= MANY; count += MANY - 1) {
        const struct shrink_units units = {count, estimate, error, NULL};
        assert_all(shrink_tree_fit(&self, &units, &level, 1, shrunk, sd) == OK);
        memcpy(wide, sd, sizeof sd);
        assert_all(shrink_tree_widen(&self, &units, &level, 1, shrunk, wide) == OK);
        for (int64_t i = 0; i < count; i++)
            assert_close(wide[i], sd[i], count == 1 ? 1e-15 : 1e-3 * sd[i]);
    }
    shrink_level_clear(&level);
}

/* The bits do not depend on where units are. */
static void same_bits_on_all_ranks(void **state)
{
    (void)state;
    double estimate[UNITS], error[UNITS], alone[UNITS], alone_sd[UNITS], shrunk[UNITS], sd[UNITS];
    struct shrink_prior prior, prior_alone;
    struct comm self = comm_self();
    make_units(0.9, 1.0, estimate, error);
    estimate[3] = -1979.0; /* a unit whose price hardly moved */
    error[3] = 251.0;
    const struct shrink_units units = {UNITS, estimate, error, NULL};
    assert_all(fit_one(&self, &units, true, alone, alone_sd, &prior_alone) == OK);
    assert_all(spread_out(true, estimate, error, UNITS, shrunk, sd, &prior) == OK);
    assert_all(prior.mean == prior_alone.mean && prior.sd == prior_alone.sd);
    assert_all(memcmp(shrunk, alone, sizeof alone) == 0 && memcmp(sd, alone_sd, sizeof sd) == 0);
    assert_all(prior.sd > 0.5 && prior.sd < 1.5 && fabs(prior.mean + 2.1) < 0.2);
}

/* Estimates that are as good as exact stay as they are, however far apart. */
static void exact_estimates_stay(void **state)
{
    (void)state;
    double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS];
    struct shrink_prior prior;
    make_units(0.9, 0.0, estimate, error);
    for (int i = 0; i < UNITS; i++) error[i] = 1e-12;
    assert_all(fit_spread_out(estimate, error, UNITS, shrunk, sd, &prior) == OK);
    for (int i = 0; i < UNITS; i++) assert_close(shrunk[i], estimate[i], 1e-10);
    assert_all(prior.sd > 0.5);
}

/* Averaged over tau; the values of tests/goldens/shrink.py, by a finer grid. */
static void few_of_unknown_spread(void **state)
{
    (void)state;
    static const double estimate[5] = {-2.6, -1.9, -1.4, -2.0, 9.0},
                        error[5] = {0.35, 0.25, 0.2, 0.3, NAN},
                        mean[5] = {-2.37453, -1.89905, -1.48654, -1.97232, -1.93311},
                        deviation[5] = {0.35556, 0.22870, 0.20708, 0.26869, 1.08427};
    double shrunk[5], sd[5];
    struct shrink_prior prior;
    assert_all(shrink_few_fit(estimate, error, 5, shrunk, sd, &prior) == OK && prior.units == 4);
    for (int i = 0; i < 5; i++) {
        assert_close(shrunk[i], mean[i], 0.002);
        assert_close(sd[i], deviation[i], 0.01);
    }
    assert_all(shrink_few_fit(estimate, error, 1, shrunk, sd, &prior) == OK);
    assert_all(shrunk[0] == -2.6 && prior.sd == 0.0);
    assert_close(sd[0], 0.35, 1e-15);
    assert_all(shrink_few_fit(estimate + 4, error + 4, 1, shrunk, sd, &prior) == ERR_NUMERIC);
}

/* About known centres, tau averaged: tests/goldens/shrink.py. The bits do not depend on ranks. */
static void about_known_centres(void **state)
{
    (void)state;
    static const double planted[2][2] = {{0.9, 1.0}, {0.0, 0.5}}, spread[2] = {0.968994, 0.061805},
                        wanted[2][4] = {{0.111933, 0.148253, -1.109109, 0.698884},
                                        {0.008317, 0.102827, -0.001974, 0.208550}};
    double b[UNITS], s[UNITS], sd[UNITS], shrunk[UNITS], shrunk_sd[UNITS], got[4] = {0};
    int64_t group[UNITS];
    struct comm self = comm_self();
    for (int k = 0; k < 2; k++) {
        struct shrink_centres all = {.sd = sd}, mine = {.sd = sd};
        make_units(planted[k][0], planted[k][1], b, s);
        for (int i = 0; i < UNITS; i++) {
            b[i] += 2.1;
            group[i] = i % 3;
            sd[i] = 0.1 + 0.1 * (i % 3);
        }
        const struct shrink_units units = {UNITS, b, s, group};
        const struct shrink_units here = {world.rank == 0 ? UNITS : 0, b, s, group};
        assert_all(shrink_centred_fit(&self, &units, 3, &all, shrunk, shrunk_sd) == OK);
        got[0] = shrunk[0], got[1] = shrunk_sd[0], got[2] = shrunk[40], got[3] = shrunk_sd[40];
        assert_close(all.spread, spread[k], 1e-3); /* 32 points here, 60,001 there */
        for (int i = 0; i < 4; i++) assert_close(got[i], wanted[k][i], 5e-4);
        assert_all(shrink_centred_fit(&world, &here, 3, &mine, shrunk, shrunk_sd) == OK);
        assert_all(mine.spread == all.spread && mine.members == UNITS);
        assert_all(world.rank != 0 || (shrunk[40] == got[2] && shrunk_sd[40] == got[3]));
    }
    for (int i = 0; i < UNITS; i++) s[i] = NAN;
    struct shrink_centres none = {.sd = sd};
    const struct shrink_units vague = {UNITS, b, s, group};
    assert_all(shrink_centred_fit(&self, &vague, 3, &none, shrunk, shrunk_sd) == ERR_NUMERIC);
}

static void a_known_sign(void **state)
{
    (void)state;
    static const double cut[][4] = {{-2.0, 1.0, -2.05524786268, 0.941515772},
                                    {0.0, 1.0, -0.797884560803, 0.602810275},
                                    {3.0, 1.0, -0.28309865493, 0.265629793},
                                    {0.5, 0.02, -0.000797460241166, 0.000796201344},
                                    {30.0, 1.0, -0.0332596674364, 0.0332230557},
                                    {-50.0, 1.0, -50.0, 1.0},
                                    {-2.0, 0.0, -2.0, 0.0},
                                    {2.0, 0.0, 0.0, 0.0}};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        double mean = cut[i][0], sd = cut[i][1];
        shrink_below_zero(&mean, &sd);
        assert_close(mean, cut[i][2], 1e-9);
        assert_close(sd, cut[i][3], 1e-6);
    }
}

static void a_fault_reaches_all(void **state)
{
    (void)state;
    double estimate[UNITS], error[UNITS], shrunk[UNITS], sd[UNITS];
    struct shrink_prior prior;
    make_units(0.9, 1.0, estimate, error);
    comm_inject_fault(-1, 0);
    assert_all(spread_out(true, estimate, error, UNITS, shrunk, sd, &prior) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t a = 0; a < agreements; a++) {
        comm_inject_fault(a, (int)(a % world.ranks));
        enum status status = spread_out(true, estimate, error, UNITS, shrunk, sd, &prior);
        comm_inject_fault(-1, 0);
        assert_all(status != OK);
    }
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(less_spread_than_error),
          cmocka_unit_test(as_a_general_optimiser),
          cmocka_unit_test(what_is_known_better_moves_less),
          cmocka_unit_test(scale_does_not_matter), cmocka_unit_test(few_units),
          cmocka_unit_test(tree_as_dense_algebra), cmocka_unit_test(widened_as_a_fine_grid),
          cmocka_unit_test(no_spread_to_be_unsure_of), cmocka_unit_test(same_bits_on_all_ranks),
          cmocka_unit_test(exact_estimates_stay), cmocka_unit_test(few_of_unknown_spread),
          cmocka_unit_test(about_known_centres), cmocka_unit_test(a_known_sign),
          cmocka_unit_test(a_fault_reaches_all))
