/* Several coefficients shrunk together: against dense algebra and a general optimiser, beside the
 * shrinkage of one, units that tell nothing, equal bits, faults. */
#include "tests/harness.h"

#include "algorithms/joint.h"
#include "algorithms/shrink.h"

#include <string.h>

enum { UNITS = 60, K = 2, PACKED = 3 };

struct panel {
    double information[UNITS * PACKED], weighted[UNITS * K];
    int64_t group[UNITS];
};

/* Unit i of tests/goldens/joint.py. */
static void make_unit(int i, double *information, double *weighted)
{
    double at = i, x = 1.0 + 0.5 * cos(0.9 * at);
    const double b[K] = {-2.0 + 0.8 * sin(1.7 * at) + 0.4 * cos(2.3 * at),
                         0.5 + 0.5 * sin(1.7 * at + 0.8) + 0.2 * cos(3.1 * at) +
                             0.4 * sin(4.1 * at)};
    const double usual[PACKED] = {4.0 * x, 1.5 * sin(2.0 * at), 2.0 + x};
    for (int j = 0; j < PACKED; j++) information[j] = i == 17 ? 0.0 : i % 10 == 3 ? 2.0 : usual[j];
    weighted[0] = information[0] * b[0] + information[1] * b[1];
    weighted[1] = information[1] * b[0] + information[2] * b[1];
}

/* The units of a rank among ranks, by turns. */
static struct joint_units deal(int rank, int ranks, struct panel *panel)
{
    int64_t units = 0;
    for (int i = rank; i < UNITS; i += ranks, units++) {
        make_unit(i, panel->information + units * PACKED, panel->weighted + units * K);
        panel->group[units] = i % 3;
    }
    return (struct joint_units){units, K, panel->information, panel->weighted, NULL};
}

struct fitted {
    double shrunk[UNITS * K], sd[UNITS * K]; /* by unit, on every rank */
    struct joint_level level[2];
};

static enum status fit(const struct comm *comm, bool groups, struct fitted *f)
{
    enum status status = OK;
    struct panel panel;
    struct joint_units units = deal(comm->rank, comm->ranks, &panel);
    double shrunk[UNITS * K], sd[UNITS * K];
    if (groups) units.group = panel.group;
    *f = (struct fitted){0};
    TRY_ALL(comm, joint_level_init(&f->level[0], groups ? 3 : 1, NULL, K));
    TRY_ALL(comm, joint_level_init(&f->level[1], 1, NULL, K));
    TRY(joint_fit(comm, &units, f->level, groups ? 2 : 1, shrunk, sd));
    for (int i = 0; i < UNITS * K; i++) f->shrunk[i] = f->sd[i] = INFINITY;
    for (int64_t u = 0, i = comm->rank; u < units.units; u++, i += comm->ranks) {
        memcpy(f->shrunk + i * K, shrunk + u * K, K * sizeof *shrunk);
        memcpy(f->sd + i * K, sd + u * K, K * sizeof *sd);
    }
    comm_min_double(comm, f->shrunk, UNITS * K);
    comm_min_double(comm, f->sd, UNITS * K);
done:
    return status;
}

static void clear(struct fitted *f)
{
    joint_level_clear(&f->level[0]);
    joint_level_clear(&f->level[1]);
}

/* The best matrix is singular. Deviations are at least those that take it for granted. */
static void as_a_general_optimiser(void **state)
{
    (void)state;
    static const struct {
        int unit;
        double mean[K], sd[K];
    } golden[4] = {{0, {-1.7234492, 0.6333379}, {0.2883807, 0.1571214}},
                   {3, {-2.2646255, 0.3723613}, {0.3238775, 0.168306}},
                   {17, {-1.9884501, 0.505544}, {0.4352142, 0.2215024}},
                   {41, {-1.58462, 0.7002868}, {0.2909067, 0.1573634}}};
    static const double spread[K * K] = {0.1816816, 0.087614, 0.087614, 0.0422509};
    struct fitted f;
    assert_all(fit(&world, false, &f) == OK);
    assert_all(f.level[0].members == UNITS - 1);
    for (int i = 0; i < K * K; i++) assert_close(f.level[0].spread[i], spread[i], 2e-6);
    assert_close(f.level[0].mean[0], -1.9884501, 2e-6);
    assert_close(f.level[0].mean[1], 0.505544, 2e-6);
    assert_close(sqrt(f.level[0].covariance[0]), 0.087919, 2e-6);
    assert_close(sqrt(f.level[0].covariance[3]), 0.0825371, 2e-6);
    assert_all(f.level[0].sd[0] > 0.0879 && f.level[0].sd[0] < 0.1055);
    for (int g = 0; g < 4; g++)
        for (int j = 0; j < K; j++) {
            double sd = f.sd[golden[g].unit * K + j];
            assert_close(f.shrunk[golden[g].unit * K + j], golden[g].mean[j], 5e-6);
            assert_all(sd > 0.999 * golden[g].sd[j] && sd < 1.6 * golden[g].sd[j]);
        }
    clear(&f);
}

static void groups_as_dense_algebra(void **state)
{
    (void)state;
    static const double spread[K * K] = {0.1971729, 0.0952418, 0.0952418, 0.0460053};
    static const double mean[3 * K] = {-1.9727912, 0.4164612,  -2.0458668,
                                       0.5819845,  -1.9483384, 0.5196247};
    struct fitted f;
    assert_all(fit(&world, true, &f) == OK);
    for (int i = 0; i < K * K; i++) assert_close(f.level[0].spread[i], spread[i], 2e-6);
    for (int g = 0; g < 3; g++) {
        struct joint_mean own;
        joint_mean_make(K, f.level[0].information + g * PACKED, f.level[0].weighted + g * K, &own);
        for (int j = 0; j < K; j++) assert_close(own.mean[j], mean[g * K + j], 5e-6);
    }
    /* the groups are alike: shrunk to one another */
    for (int i = 0; i < K * K; i++) assert_close(f.level[1].spread[i], 0.0, 1e-12);
    for (int g = 0; g < 3; g++) assert_close(f.level[0].mean[g * K], f.level[1].mean[0], 1e-9);
    clear(&f);
}

/* One coefficient is what algorithms/shrink.h does. */
static void one_as_alone(void **state)
{
    (void)state;
    double information[UNITS], weighted[UNITS], estimate[UNITS], error[UNITS], alone[UNITS],
        alone_sd[UNITS], shrunk[UNITS], sd[UNITS];
    struct comm self = comm_self();
    struct shrink_prior prior;
    struct joint_level level;
    for (int i = 0; i < UNITS; i++) {
        error[i] = 0.1 + 0.01 * (i * 7 % 60);
        estimate[i] = 1e3 + 0.5 * sin(1.7 * i) + 0.3 * cos(2.3 * i);
        information[i] = 1.0 / (error[i] * error[i]);
        weighted[i] = information[i] * estimate[i];
    }
    const struct shrink_units units = {UNITS, estimate, error, NULL};
    struct joint_units joint = {UNITS, 1, information, weighted, NULL};
    assert_all(shrink_fit(&self, &units, alone, alone_sd, &prior) == OK);
    assert_all(joint_level_init(&level, 1, NULL, 1) == OK);
    assert_all(joint_fit(&self, &joint, &level, 1, shrunk, sd) == OK);
    assert_close(sqrt(level.spread[0]), prior.sd, 1e-6);
    assert_close(level.mean[0], prior.mean, 1e-6);
    for (int i = 0; i < UNITS; i++) {
        assert_close(shrunk[i], alone[i], 1e-6);
        assert_all(sd[i] > 0.999 * alone_sd[i] && sd[i] < 1.1 * alone_sd[i]);
        assert_close(weighted[i], information[i] * estimate[i], 1e-9 * information[i] * 1e3);
    }
    joint_level_clear(&level);
}

/* A single unit, units all alike, none that tells anything. */
static void little_to_tell(void **state)
{
    (void)state;
    double information[3 * PACKED] = {0}, weighted[3 * K] = {0}, shrunk[3 * K], sd[3 * K];
    struct comm self = comm_self();
    struct joint_level level;
    struct joint_units units = {3, K, information, weighted, NULL};
    assert_all(joint_level_init(&level, 1, NULL, K) == OK);
    assert_all(joint_fit(&self, &units, &level, 1, shrunk, sd) == ERR_NUMERIC);
    information[PACKED] = 4.0;
    information[PACKED + 2] = 1.0;
    weighted[K] = 8.0;
    weighted[K + 1] = 3.0;
    assert_all(joint_fit(&self, &units, &level, 1, shrunk, sd) == OK);
    for (int u = 0; u < 3; u++) {
        assert_close(shrunk[u * K], 2.0, 1e-12);
        assert_close(shrunk[u * K + 1], 3.0, 1e-12);
        assert_close(sd[u * K], 0.5, 1e-12);
    }
    for (int u = 0; u < 3; u++) {
        memcpy(information + u * PACKED, information + PACKED, PACKED * sizeof *information);
        memcpy(weighted + u * K, weighted + K, K * sizeof *weighted);
    }
    assert_all(joint_fit(&self, &units, &level, 1, shrunk, sd) == OK);
    assert_all(level.spread[0] == 0.0 && level.spread[3] == 0.0 && level.members == 3);
    for (int u = 0; u < 3; u++) assert_close(shrunk[u * K], 2.0, 1e-9);
    units.columns = JOINT_COLUMNS + 1;
    assert_all(joint_fit(&self, &units, &level, 1, shrunk, sd) == ERR_ARG);
    joint_level_clear(&level);
}

static void same_bits_on_all_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct fitted here, alone;
    assert_all(fit(&world, true, &here) == OK);
    assert_all(fit(&self, true, &alone) == OK);
    assert_all(memcmp(here.shrunk, alone.shrunk, sizeof here.shrunk) == 0);
    assert_all(memcmp(here.sd, alone.sd, sizeof here.sd) == 0);
    assert_all(memcmp(here.level[0].spread, alone.level[0].spread, K * K * sizeof(double)) == 0);
    clear(&here);
    clear(&alone);
}

/* With groups the levels above are every rank's own, and each is rank 0 of its own. */
static void a_fault_reaches_all(void **state)
{
    (void)state;
    for (int groups = 0; groups < 2; groups++) {
        struct fitted f;
        comm_inject_fault(-1, 0);
        assert_all(fit(&world, groups, &f) == OK);
        clear(&f);
        int64_t agreements = comm_agreements();
        for (int64_t a = 0; a < agreements; a++) {
            comm_inject_fault(a, groups ? 0 : (int)(a % world.ranks));
            enum status status = fit(&world, groups, &f);
            comm_inject_fault(-1, 0);
            assert_all(status != OK);
            clear(&f);
        }
    }
}

TEST_MAIN(cmocka_unit_test(as_a_general_optimiser), cmocka_unit_test(groups_as_dense_algebra),
          cmocka_unit_test(one_as_alone), cmocka_unit_test(little_to_tell),
          cmocka_unit_test(same_bits_on_all_ranks), cmocka_unit_test(a_fault_reaches_all))
