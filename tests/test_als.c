/* Factors beside an independent implementation from the same start, at any number of ranks. */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/als_top.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    USERS = 60,
    ITEMS = 25,
    FACTORS = 6,
    ITERATIONS = 8,
    BLOCK = 7,
    MOST = USERS * ITEMS,
    PANEL_OF_TEN = 9 * 64
}; /* bytes of 10 users */

/* tests/goldens/als.py */
static const double golden_explicit[ITERATIONS] = {632.682296067, 360.114770132, 326.080034665,
                                                   314.153272307, 306.87654529,  301.581118896,
                                                   298.081000567, 295.869452145};
static const double golden_implicit[ITERATIONS] = {3822.26025888, 1414.75377031, 1280.82390642,
                                                   1194.13978959, 1125.97586661, 1070.67160591,
                                                   1025.21775246, 986.394737832};

/* This rank's users. */
struct table {
    struct blocks blocks;
    int64_t start[USERS + 1];
    int32_t item[MOST];
    float value[MOST];
    struct als_data data;
};

/* Item 7 is rated by nobody, user 3 rates nothing, user 5 nearly everything. */
static bool rated(int64_t user, int64_t item)
{
    double share = user == 3 || item == 7 ? 0.0 : user == 5 ? 0.95 : 0.3;
    return uniform(user * ITEMS + item, 0) < share;
}

static void table_init(struct table *t, const struct comm *comm)
{
    memset(t, 0, sizeof *t);
    assert_all(blocks_cut(comm, USERS, BLOCK, &t->blocks) == OK);
    int64_t ratings = 0;
    for (int64_t u = 0; u < t->blocks.rows_local; u++) {
        int64_t user = t->blocks.row_first + u;
        for (int32_t i = 0; i < ITEMS; i++) {
            if (!rated(user, i)) continue;
            t->item[ratings] = i;
            t->value[ratings++] = (float)(1 + (int)(5 * uniform(user * ITEMS + i, 1)));
        }
        t->start[u + 1] = ratings;
    }
    t->data = (struct als_data){&t->blocks, ITEMS, t->start, t->item, t->value};
}

static struct als_options options(bool implicit)
{
    struct als_options opt = ALS_DEFAULTS;
    opt.implicit = implicit;
    opt.factors = FACTORS;
    opt.iterations = ITERATIONS;
    opt.lambda = implicit ? 3.0 : 0.1;
    opt.tolerance = 0.0;
    return opt;
}

static void losses_are(bool implicit, const double *golden)
{
    struct table *t = NULL;
    struct als_model *m = NULL;
    struct als_options opt = options(implicit);
    assert_all(memory_new(&t, 1, sizeof *t) == OK);
    table_init(t, &world);
    assert_all(als_fit(&world, &t->data, &opt, &m) == OK);
    assert_all(m->iterations == ITERATIONS && !m->converged);
    for (int64_t k = 0; k < ITERATIONS; k++) assert_close(m->loss[k] / golden[k], 1.0, 5e-5);
    als_free(&m);
    blocks_clear(&t->blocks);
    free(t);
}

static void explicit_losses(void **state)
{
    (void)state;
    losses_are(false, golden_explicit);
}

static void implicit_losses(void **state)
{
    (void)state;
    losses_are(true, golden_implicit);
}

/* Of all ranks, so many of them a node, and of one alone: bit by bit. */
static void same_bits(const struct als_options *opt, int node)
{
    struct table *t = NULL;
    struct als_model *spread = NULL, *whole = NULL;
    struct comm self = comm_self();
    nodes_limit(node);
    assert_all(memory_new(&t, 2, sizeof *t) == OK);
    table_init(&t[0], &world);
    table_init(&t[1], &self);
    assert_all(als_fit(&world, &t[0].data, opt, &spread) == OK);
    assert_all(als_fit(&self, &t[1].data, opt, &whole) == OK);
    size_t row = (size_t)whole->stride * sizeof *whole->user;
    assert_all(memcmp(spread->item, whole->item, ITEMS * row) == 0);
    assert_all(memcmp(spread->user, whole->user + t->blocks.row_first * whole->stride,
                      (size_t)t->blocks.rows_local * row) == 0);
    assert_all(memcmp(spread->loss, whole->loss, ITERATIONS * sizeof *whole->loss) == 0);
    nodes_limit(0);
    als_free(&spread);
    als_free(&whole);
    blocks_clear(&t[0].blocks);
    blocks_clear(&t[1].blocks);
    free(t);
}

static void same_bits_at_any_ranks(void **state)
{
    (void)state;
    for (int implicit = 0; implicit < 2; implicit++) {
        struct als_options opt = options(implicit);
        same_bits(&opt, 0);
        same_bits(&opt, 2 - implicit); /* several nodes */
        opt.panel_bytes = PANEL_OF_TEN;
        same_bits(&opt, 2 * implicit);
    }
}

/* By sums over panels as at one go. */
static void panels_of_users(void **state)
{
    (void)state;
    struct table *t = NULL;
    struct als_model *m = NULL;
    assert_all(memory_new(&t, 1, sizeof *t) == OK);
    table_init(t, &world);
    for (int implicit = 0; implicit < 2; implicit++) {
        const double *golden = implicit ? golden_implicit : golden_explicit;
        struct als_options opt = options(implicit);
        opt.panel_bytes = 1 << 10;
        assert_all(als_fit(&world, &t->data, &opt, &m) == OK);
        for (int64_t k = 0; k < ITERATIONS; k++) assert_close(m->loss[k] / golden[k], 1.0, 5e-5);
        als_free(&m);
    }
    blocks_clear(&t->blocks);
    free(t);
}

/* With fewer bits of what is fetched: nearly the same losses, and the same bits at any ranks. */
static void halves(void **state)
{
    (void)state;
    struct table *t = NULL;
    struct als_model *m = NULL;
    struct als_options opt = options(true);
    opt.halves_from = 1;
    assert_all(memory_new(&t, 1, sizeof *t) == OK);
    table_init(t, &world);
    assert_all(als_fit(&world, &t->data, &opt, &m) == OK);
    for (int64_t k = 0; k < ITERATIONS; k++)
        assert_close(m->loss[k] / golden_implicit[k], 1.0, 5e-4);
    als_free(&m);
    blocks_clear(&t->blocks);
    free(t);
    same_bits(&opt, 2);
    opt.panel_bytes = PANEL_OF_TEN;
    same_bits(&opt, 0);
}

/* Users of the fit, folded in, get the factors that the next half of an iteration gives them. */
static void fold_in_as_next(const struct table *t, bool implicit)
{
    struct als_model *m = NULL, *next = NULL;
    struct als_options opt = options(implicit);
    float *user = NULL;
    double worst = 0.0;
    opt.iterations = 3;
    assert_all(als_fit(&world, &t->data, &opt, &m) == OK);
    opt.iterations = 4;
    assert_all(als_fit(&world, &t->data, &opt, &next) == OK);
    int64_t users = t->blocks.rows_local;
    assert_all(memory_new(&user, users * m->stride, sizeof *user) == OK);
    assert_all(als_fold_in(m, users, t->start, t->item, t->value, user) == OK);
    for (int64_t k = 0; k < users * m->stride; k++)
        worst = fmax(worst, fabs((double)user[k] - (double)next->user[k]));
    assert_all(worst < 1e-3);
    free(user);
    als_free(&m);
    als_free(&next);
}

static void fold_in(void **state)
{
    (void)state;
    struct table *t = NULL;
    struct als_model *m = NULL;
    struct als_options opt = options(true);
    float user[64];
    const int64_t start[2] = {0, 1};
    const int32_t item[2] = {3, ITEMS};
    const float value[2] = {1, -1};
    assert_all(memory_new(&t, 1, sizeof *t) == OK);
    table_init(t, &world);
    fold_in_as_next(t, false);
    fold_in_as_next(t, true);
    opt.iterations = 1;
    assert_all(als_fit(&world, &t->data, &opt, &m) == OK);
    assert_all(als_fold_in(m, 1, start, item, value, user) == OK);
    assert_all(als_fold_in(m, 1, start, item + 1, value, user) == ERR_ARG);
    assert_all(als_fold_in(m, 1, start, item, value + 1, user) == ERR_ARG);
    als_free(&m);
    blocks_clear(&t->blocks);
    free(t);
}

/* Who has rated nothing is foretold the mean and what the item gets above it. */
static void of_nobody(void **state)
{
    (void)state;
    struct table *t = NULL;
    struct als_model *m = NULL;
    struct als_options opt = options(false);
    assert_all(memory_new(&t, 1, sizeof *t) == OK);
    table_init(t, &world);
    assert_all(als_fit(&world, &t->data, &opt, &m) == OK);
    for (int64_t u = 0; u < t->blocks.rows_local; u++) {
        double alone = m->mean + (double)m->item[2 * m->stride + FACTORS];
        double by_user = m->mean + (double)m->user[u * m->stride + FACTORS];
        if (t->blocks.row_first + u == 3 && fabs(als_predict(m, u, 2) - alone) > 1e-12)
            fail_msg("user 3 is foretold %g", als_predict(m, u, 2));
        by_user = fmin(fmax(by_user, m->low), m->high);
        if (fabs(als_predict(m, u, 7) - by_user) > 1e-12)
            fail_msg("item 7 is foretold %g", als_predict(m, u, 7));
    }
    als_free(&m);
    blocks_clear(&t->blocks);
    free(t);
}

/* The best items by als_top, and by looking at all. */
static bool top_is_best(const struct table *t, const struct als_model *m, int64_t u,
                        const int32_t *top, const float *score, int64_t count)
{
    bool taken[ITEMS] = {false}, good = true;
    for (int64_t r = t->start[u]; r < t->start[u + 1]; r++) taken[t->item[r]] = true;
    for (int64_t n = 0; n < count && good; n++) {
        int32_t best = -1;
        for (int32_t i = 0; i < ITEMS; i++)
            if (!taken[i] && (best < 0 || als_predict(m, u, i) > als_predict(m, u, best))) best = i;
        good = best < 0 ? top[n] == -1
                        : top[n] >= 0 && !taken[top[n]] &&
                              fabs(als_predict(m, u, top[n]) - als_predict(m, u, best)) < 1e-5 &&
                              fabs((double)score[n] - als_predict(m, u, best)) < 1e-5;
        if (good && top[n] >= 0) taken[top[n]] = true;
    }
    return good;
}

static void top_items(void **state)
{
    (void)state;
    enum { TOP = 20 };
    struct table *t = NULL;
    struct als_model *m = NULL;
    struct als_options opt = options(true);
    static int32_t top[USERS * TOP];
    static float score[USERS * TOP];
    assert_all(memory_new(&t, 1, sizeof *t) == OK);
    table_init(t, &world);
    assert_all(als_fit(&world, &t->data, &opt, &m) == OK);
    struct als_known known = {t->start, t->item, NULL};
    int64_t users = t->blocks.rows_local, wrong = 0;
    assert_all(als_top(m, 0, users, TOP, &known, top, score) == OK);
    for (int64_t u = 0; u < users; u++)
        wrong += !top_is_best(t, m, u, top + u * TOP, score + u * TOP, TOP);
    assert_all(wrong == 0);
    uint8_t never[ITEMS] = {[0] = 1, [7] = 1};
    known = (struct als_known){.never = never};
    assert_all(als_top(m, 0, users, TOP, &known, top, score) == OK);
    for (int64_t k = 0; k < users * TOP; k++) wrong += top[k] == 0 || top[k] == 7;
    assert_all(wrong == 0);
    als_free(&m);
    blocks_clear(&t->blocks);
    free(t);
}

static void bad_options(void **state)
{
    (void)state;
    struct table *t = NULL;
    struct als_model *m = NULL;
    struct als_options opt = options(true);
    assert_all(memory_new(&t, 1, sizeof *t) == OK);
    table_init(t, &world);
    opt.lambda = 0.0;
    assert_all(als_fit(&world, &t->data, &opt, &m) == ERR_ARG && m == NULL);
    opt = options(true);
    if (t->data.start[t->blocks.rows_local] > 0) t->value[0] = -1.0f;
    assert_all(als_fit(&world, &t->data, &opt, &m) == ERR_ARG && m == NULL);
    memset(t->start, 0, sizeof t->start);
    assert_all(als_fit(&world, &t->data, &opt, &m) == ERR_ARG && m == NULL);
    als_free(&m);
    blocks_clear(&t->blocks);
    free(t);
}

static void faults(void **state)
{
    (void)state;
    struct table *t = NULL;
    struct als_model *m = NULL;
    struct als_options opt = options(true);
    enum status status = ERR_BUG;
    assert_all(memory_new(&t, 1, sizeof *t) == OK);
    table_init(t, &world);
    opt.iterations = 2;
    for (int64_t k = 0; status != OK; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        status = als_fit(&world, &t->data, &opt, &m);
        comm_inject_fault(-1, 0);
        assert_all((status == OK) == (m != NULL));
    }
    als_free(&m);
    blocks_clear(&t->blocks);
    free(t);
}

TEST_MAIN(cmocka_unit_test(explicit_losses), cmocka_unit_test(implicit_losses),
          cmocka_unit_test(same_bits_at_any_ranks), cmocka_unit_test(panels_of_users),
          cmocka_unit_test(halves), cmocka_unit_test(fold_in), cmocka_unit_test(of_nobody),
          cmocka_unit_test(top_items), cmocka_unit_test(bad_options), cmocka_unit_test(faults))
