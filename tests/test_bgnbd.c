/* BG/NBD: by hand, against textbook formulas and quadrature in 50 digits, gradient by differences,
 * the same bits at any number of ranks. */
#include "tests/harness.h"

#include "algorithms/bgnbd.h"
#include "mpi/memory.h"
#include "tests/lifetime_table.h"

#include <stdlib.h>
#include <string.h>

static const struct bgnbd_options defaults = BGNBD_DEFAULTS;

/* This rank's share of `rows` customers; times in units of `unit` days. */
static struct bgnbd_customer *make(const struct comm *comm, int64_t rows, double unit,
                                   int64_t *count)
{
    int64_t first;
    struct bgnbd_customer *customer = NULL;
    *count = lifetime_share(comm, rows, &first);
    if (memory_new(&customer, *count, sizeof *customer) != OK) abort();
    for (int64_t i = 0; i < *count; i++) {
        const double *row = customers[(first + i) % CUSTOMERS];
        customer[i] = (struct bgnbd_customer){row[0], row[1] / unit, row[2] / unit};
    }
    return customer;
}

static double likelihood(const struct bgnbd_customer *customer, int64_t count, const double *p,
                         double *gradient)
{
    double value = NAN;
    struct bgnbd_model model = {.r = p[0], .alpha = p[1], .a = p[2], .b = p[3]};
    assert_all(bgnbd_likelihood(&world, customer, count, &model, &value, gradient) == OK);
    return value;
}

static void by_hand(void **state)
{
    (void)state;
    /* r = alpha = a = b = 1: who bought once and was seen for 3: 1 / (1 + 3); who came back once
     * after 1, seen for 3: 1/2 ((1/4)^2 + (1/2)^2) = 5/32 */
    const double ones[4] = {1, 1, 1, 1};
    const struct bgnbd_customer once = {0, 0, 3}, twice = {1, 1, 3};
    double gradient[4];
    int64_t mine = world.rank == 0;
    double both = likelihood(&twice, mine, ones, gradient);
    assert_close(both, log(5.0 / 32.0), 1e-15);
    struct bgnbd_customer two[2] = {once, twice};
    assert_close(likelihood(two, 2 * mine, ones, gradient), log(0.25 * 5.0 / 32.0), 1e-15);
    struct bgnbd_model model = {.r = 1, .alpha = 1, .a = 1, .b = 1};
    assert_close(bgnbd_alive(&model, &once), 1.0, 0.0);
    assert_close(bgnbd_alive(&model, &twice), 0.2, 1e-15); /* 1 / (1 + (4 / 2)^2) */
    /* new customers: the mean of (1 - 1 / (1 + p t)) / p over p is log(1 + t) */
    const struct bgnbd_customer fresh = {0, 0, 0};
    assert_close(bgnbd_purchases(&model, &fresh, 7.0), log(8.0), 1e-9);
    assert_close(bgnbd_purchases(&model, &fresh, 0.0), 0.0, 0.0);
}

/* tests/goldens/lifetime.py: Nelder-Mead on SciPy's log-gammas, no gradient */
static void as_textbook(void **state)
{
    (void)state;
    static const double at[4] = {0.7, 9.0, 1.3, 2.9};
    double gradient[4];
    int64_t count;
    struct bgnbd_customer *customer = make(&world, CUSTOMERS, 1.0, &count);
    struct bgnbd_model model;
    assert_close(likelihood(customer, count, at, gradient), -648.0680107390309, 1e-10);
    assert_all(bgnbd_fit(&world, customer, count, &defaults, &model) == OK);
    assert_all(model.converged && model.customers == CUSTOMERS && model.distinct <= CUSTOMERS);
    assert_close(model.log_likelihood, -644.2640627270424, 1e-9);
    assert_close(model.r, 0.87312743, 1e-6);
    assert_close(model.alpha, 7.12522177, 1e-5);
    assert_close(model.a, 1.06013375, 1e-6);
    assert_close(model.b, 2.41235283, 1e-5);
    assert_all(bgnbd_extreme(&model) == NULL);
    free(customer);
}

static void gradient_is_that_of_the_value(void **state)
{
    (void)state;
    static const double places[4][4] = {
        {0.7, 9.0, 1.3, 2.9}, {12.0, 100.0, 0.01, 4.0}, {0.05, 0.2, 30.0, 0.5}, {900, 4e3, 5, 700}};
    int64_t count;
    struct bgnbd_customer *customer = make(&world, CUSTOMERS, 1.0, &count);
    for (int k = 0; k < 4; k++) {
        double gradient[4], unused[4];
        likelihood(customer, count, places[k], gradient);
        for (int j = 0; j < 4; j++) {
            double up[4], down[4], h = 1e-4;
            memcpy(up, places[k], sizeof up);
            memcpy(down, places[k], sizeof down);
            up[j] *= exp(h);
            down[j] *= exp(-h);
            double slope = likelihood(customer, count, up, unused);
            slope = (slope - likelihood(customer, count, down, unused)) / (2.0 * h);
            assert_close(gradient[j], slope, 1e-6 * (1.0 + fabs(slope)));
        }
    }
    free(customer);
}

struct ahead {
    double r, alpha, a, b, frequency, recency, age, horizon, alive, purchases;
};

/* tests/goldens/lifetime.py: integrals over the chance of leaving in 50 digits */
static const struct ahead golden[] = {
    {0.24259, 4.41353, 0.79289, 2.42575, 0, 0, 40, 39, 1.0, 0.19026091344616117},
    {0.24259, 4.41353, 0.79289, 2.42575, 2, 30.43, 38.86, 39, 0.72660810847505346,
     1.2259062937959329},
    {0.24259, 4.41353, 0.79289, 2.42575, 25, 100, 101, 7, 0.96323687704499317, 1.5764863371797171},
    {0.24259, 4.41353, 0.79289, 2.42575, 3, 1, 300, 10000, 1.1811093947419797e-5,
     0.0002587817503566687},
    {0.7, 9, 1, 2.9, 0, 0, 40, 39, 1.0, 0.48130272547157625},
    {0.7, 9, 1, 2.9, 2, 30.43, 38.86, 39, 0.69801075140506439, 1.245220619335971},
    {0.7, 9, 1, 2.9, 25, 100, 101, 7, 0.95510185284093863, 1.5178365940433318},
    {0.7, 9, 1, 2.9, 3, 1, 300, 10000, 1.5043301953743857e-5, 0.00026720341115904773},
    {0.7, 9, 1.000000001, 2.9, 0, 0, 40, 39, 1.0, 0.48130272542036875},
    {0.7, 9, 1.000000001, 2.9, 2, 30.43, 38.86, 39, 0.69801075119427263, 1.2452206187479613},
    {0.7, 9, 1.000000001, 2.9, 25, 100, 101, 7, 0.95510185279805633, 1.5178365939333078},
    {0.7, 9, 1.000000001, 2.9, 3, 1, 300, 10000, 1.504330193870078e-5, 0.00026720341051463557},
    {10000, 300000, 0.5, 3, 0, 0, 40, 39, 1.0, 1.1943101622416681},
    {10000, 300000, 0.5, 3, 2, 30.43, 38.86, 39, 0.85795622519373591, 1.0554479603911796},
    {10000, 300000, 0.5, 3, 25, 100, 101, 7, 0.98121215479197995, 0.22897580108493336},
    {10000, 300000, 0.5, 3, 3, 1, 300, 10000, 0.00047011007822478282, 0.036303905835870908},
    {0.5, 2, 3000, 9000, 0, 0, 40, 39, 1.0, 0.39646132487548057},
    {0.5, 2, 3000, 9000, 2, 30.43, 38.86, 39, 0.62739424536455012, 1.0398645928205279},
    {0.5, 2, 3000, 9000, 25, 100, 101, 7, 0.701089832958656, 0.97981942429582102},
    {0.5, 2, 3000, 9000, 3, 1, 300, 10000, 2.9316877864607812e-7, 1.1727778764486063e-6},
    {0.3, 5, 0.2, 0.3, 0, 0, 40, 39, 1.0, 0.22079726618333759},
    {0.3, 5, 0.2, 0.3, 2, 30.43, 38.86, 39, 0.79913251666896017, 1.4967383243720715},
    {0.3, 5, 0.2, 0.3, 25, 100, 101, 7, 0.98964730798085795, 1.6424917653132503},
    {0.3, 5, 0.2, 0.3, 3, 1, 300, 10000, 2.6939888677356305e-5, 0.0016743471627133885},
};

static void looks_ahead_as_quadrature(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const struct ahead *g = &golden[i];
        struct bgnbd_model model = {.r = g->r, .alpha = g->alpha, .a = g->a, .b = g->b};
        struct bgnbd_customer customer = {g->frequency, g->recency, g->age};
        assert_close(bgnbd_alive(&model, &customer), g->alive, 1e-12 * g->alive);
        assert_close(bgnbd_purchases(&model, &customer, g->horizon), g->purchases,
                     1e-9 * g->purchases);
    }
}

/* Over any model and customer: finite, not above the rate, rising with the horizon, and without a
 * jump where the series gives way to the quadrature. */
static void expectations_are_sound(void **state)
{
    (void)state;
    static const double scales[] = {1e-6, 0.03, 1.0, 40.0, 1e5};
    enum { SCALES = sizeof scales / sizeof *scales };
    static const struct bgnbd_customer some[] = {{0, 0, 0}, {0, 0, 90}, {1, 0, 90}, {400, 89, 90}};
    for (int i = 0; i < SCALES * SCALES * SCALES; i++)
        for (size_t c = 0; c < sizeof some / sizeof *some; c++) {
            double a = scales[i % SCALES], b = scales[i / SCALES % SCALES];
            double r = scales[i / SCALES / SCALES];
            struct bgnbd_model model = {.r = r, .alpha = 10.0, .a = a, .b = b}, next = model;
            double alive = bgnbd_alive(&model, &some[c]), before = 0.0;
            next.a *= 1.0 + 1e-7;
            for (double t = 0.5; t < 1e4; t *= 7.0) {
                double now = bgnbd_purchases(&model, &some[c], t);
                double near = bgnbd_purchases(&next, &some[c], t);
                double rate = (r + some[c].frequency) / (10.0 + some[c].age);
                assert_true(now >= before * (1.0 - 1e-10) &&
                            now <= alive * rate * t * (1.0 + 1e-9));
                assert_true(fabs(near - now) <= 1e-5 * now);
                before = now;
            }
        }
}

static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    static const int64_t rows[] = {4, 61, 3000};
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        int64_t all, mine;
        struct bgnbd_customer *whole = make(&self, rows[n], 7.0, &all);
        struct bgnbd_customer *share = make(&world, rows[n], 7.0, &mine);
        struct bgnbd_model one, many;
        enum status alone = bgnbd_fit(&self, whole, all, &defaults, &one);
        assert_all(alone == OK);
        assert_all(bgnbd_fit(&world, share, mine, &defaults, &many) == OK);
        assert_all(memcmp(&one, &many, sizeof one) == 0);
        free(whole);
        free(share);
    }
}

/* Many alike weigh as they are many; another unit of time changes alpha alone. */
static void weights_and_units(void **state)
{
    (void)state;
    int64_t count[3];
    struct bgnbd_customer *base = make(&world, CUSTOMERS, 1.0, &count[0]);
    struct bgnbd_customer *tenfold = make(&world, 10 * CUSTOMERS, 1.0, &count[1]);
    struct bgnbd_customer *weeks = make(&world, CUSTOMERS, 1.0 / 86400.0, &count[2]);
    struct bgnbd_model model[3];
    assert_all(bgnbd_fit(&world, base, count[0], &defaults, &model[0]) == OK);
    assert_all(bgnbd_fit(&world, tenfold, count[1], &defaults, &model[1]) == OK);
    assert_all(bgnbd_fit(&world, weeks, count[2], &defaults, &model[2]) == OK);
    assert_all(model[1].distinct == model[0].distinct && model[1].customers == 10 * CUSTOMERS);
    assert_close(model[1].log_likelihood, 10.0 * model[0].log_likelihood, 1e-8);
    assert_close(model[1].b, model[0].b, 1e-6);
    assert_all(model[2].converged);
    assert_close(model[2].alpha / 86400.0, model[0].alpha, 1e-5);
    assert_close(model[2].r, model[0].r, 1e-6);
    free(base);
    free(tenfold);
    free(weeks);
}

static void ends_of_the_scale(void **state)
{
    (void)state;
    struct bgnbd_model model;
    struct bgnbd_options few = {.max_iterations = 2, .tolerance = 1e-9};
    int64_t count;
    struct bgnbd_customer *steady = make(&world, CUSTOMERS, 1.0, &count);
    assert_all(bgnbd_fit(&world, steady, count, &few, &model) == OK && !model.converged);
    assert_all(model.iterations == 2 && isfinite(model.log_likelihood));
    for (int64_t i = 0; i < count; i++)
        steady[i].recency = steady[i].frequency > 0.0 ? steady[i].age : 0.0;
    assert_all(bgnbd_fit(&world, steady, count, &defaults, &model) == OK); /* nobody leaves */
    assert_all(bgnbd_extreme(&model) != NULL);
    assert_all(bgnbd_purchases(&model, &steady[0], 30.0) > 0.0 || count == 0);
    free(steady);
}

static void faults_of_customers(void **state)
{
    (void)state;
    static const struct bgnbd_customer wrong[] = {
        {1.5, 1, 2}, {-1, 0, 2}, {1, -1, 2}, {1, 3, 2}, {0, 1, 2}, {NAN, 1, 2}, {1, 1, INFINITY}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bgnbd_model model;
        struct bgnbd_customer two[2] = {{2, 10, 20}, wrong[i]};
        int64_t count = world.rank == world.ranks - 1 ? 2 : 0;
        assert_all(bgnbd_fault(&wrong[i]) != NULL);
        assert_all(bgnbd_fit(&world, two, count, &defaults, &model) == ERR_DATA);
    }
    struct bgnbd_model model;
    struct bgnbd_customer never[2] = {{0, 0, 20}, {0, 0, 30}};
    assert_all(bgnbd_fit(&world, never, 2, &defaults, &model) == ERR_DATA);
    assert_all(bgnbd_fit(&world, NULL, 0, &defaults, &model) == ERR_DATA);
}

static void survives_faults(void **state)
{
    (void)state;
    struct bgnbd_model model;
    int64_t count;
    struct bgnbd_customer *customer = make(&world, 3, 1.0, &count);
    comm_inject_fault(-1, 0);
    assert_all(bgnbd_fit(&world, customer, count, &defaults, &model) == OK);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 0);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(bgnbd_fit(&world, customer, count, &defaults, &model) == ERR_BUG);
        }
    comm_inject_fault(-1, 0);
    free(customer);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(as_textbook),
          cmocka_unit_test(gradient_is_that_of_the_value),
          cmocka_unit_test(looks_ahead_as_quadrature), cmocka_unit_test(expectations_are_sound),
          cmocka_unit_test(same_bits_on_any_ranks), cmocka_unit_test(weights_and_units),
          cmocka_unit_test(ends_of_the_scale), cmocka_unit_test(faults_of_customers),
          cmocka_unit_test(survives_faults))
