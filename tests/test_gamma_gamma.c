/* Gamma-Gamma: by hand, against textbook formulas, gradient by differences, the same bits at any
 * number of ranks. */
#include "tests/harness.h"

#include "algorithms/gamma_gamma.h"
#include "mpi/memory.h"
#include "tests/lifetime_table.h"

#include <stdlib.h>
#include <string.h>

static const struct gamma_gamma_options defaults = GAMMA_GAMMA_DEFAULTS;

/* This rank's share of `rows` customers; spend in units of `unit`. */
static struct gamma_gamma_customer *make(const struct comm *comm, int64_t rows, double unit,
                                         int64_t *count)
{
    int64_t first;
    struct gamma_gamma_customer *customer = NULL;
    *count = lifetime_share(comm, rows, &first);
    if (memory_new(&customer, *count, sizeof *customer) != OK) abort();
    for (int64_t i = 0; i < *count; i++) {
        const double *row = customers[(first + i) % CUSTOMERS];
        customer[i] = (struct gamma_gamma_customer){row[0], row[3] / unit};
    }
    return customer;
}

static double likelihood(const struct gamma_gamma_customer *customer, int64_t count,
                         const double *k, double *gradient)
{
    double value = NAN;
    struct gamma_gamma_model model = {.p = k[0], .q = k[1], .v = k[2]};
    assert_all(gamma_gamma_likelihood(&world, customer, count, &model, &value, gradient) == OK);
    return value;
}

static void by_hand(void **state)
{
    (void)state;
    /* p = q = v = 1, one purchase of 1: Gamma(2) / (1 + 1)^2 = 1/4; two of mean 1:
     * Gamma(3) / Gamma(2) 2^2 / 3^3 = 8/27 */
    const double ones[3] = {1, 1, 1};
    double gradient[3];
    int64_t mine = world.rank == world.ranks - 1;
    const struct gamma_gamma_customer some[3] = {{1, 1}, {2, 1}, {0, -5}};
    assert_close(likelihood(some, mine, ones, gradient), log(0.25), 1e-15);
    assert_close(likelihood(some, 3 * mine, ones, gradient), log(0.25 * 8.0 / 27.0), 1e-15);
    /* p = 2, q = 3, v = 4: mean of all 2 * 4 / 2; 5 purchases of mean 10: 2 (4 + 50) / 12 */
    struct gamma_gamma_model model = {.p = 2, .q = 3, .v = 4};
    const struct gamma_gamma_customer none = {0, 0}, five = {5, 10};
    assert_close(gamma_gamma_spend(&model, &none), 4.0, 1e-15);
    assert_close(gamma_gamma_spend(&model, &five), 9.0, 1e-15);
    model.q = 0.5;
    assert_all(isnan(gamma_gamma_spend(&model, &none)) && gamma_gamma_extreme(&model) != NULL);
}

/* tests/goldens/lifetime.py: Nelder-Mead on SciPy's log-gammas, no gradient */
static void as_textbook(void **state)
{
    (void)state;
    static const double at[3] = {3.0, 5.0, 40.0};
    double gradient[3];
    int64_t count;
    struct gamma_gamma_customer *customer = make(&world, CUSTOMERS, 1.0, &count);
    struct gamma_gamma_model model;
    assert_close(likelihood(customer, count, at, gradient), -245.03244048073165, 1e-10);
    assert_all(gamma_gamma_fit(&world, customer, count, &defaults, &model) == OK);
    assert_all(model.converged && model.customers < CUSTOMERS);
    assert_close(model.log_likelihood, -239.58529255473348, 1e-9);
    assert_close(model.p, 2.09285907, 1e-5);
    assert_close(model.q, 3.32181996, 1e-5);
    assert_close(model.v, 46.74857532, 1e-3);
    assert_all(gamma_gamma_extreme(&model) == NULL);
    free(customer);
}

static void gradient_is_that_of_the_value(void **state)
{
    (void)state;
    static const double places[4][3] = {{3, 5, 40}, {0.01, 2, 1e4}, {300, 0.2, 3}, {7, 2e3, 1e5}};
    int64_t count;
    struct gamma_gamma_customer *customer = make(&world, CUSTOMERS, 1.0, &count);
    for (int k = 0; k < 4; k++) {
        double gradient[3], unused[3];
        likelihood(customer, count, places[k], gradient);
        for (int j = 0; j < 3; j++) {
            double up[3], down[3], h = 1e-4;
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

static void same_bits_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    static const int64_t rows[] = {4, 61, 3000};
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        int64_t all, mine;
        struct gamma_gamma_customer *whole = make(&self, rows[n], 0.01, &all);
        struct gamma_gamma_customer *share = make(&world, rows[n], 0.01, &mine);
        struct gamma_gamma_model one, many;
        enum status alone = gamma_gamma_fit(&self, whole, all, &defaults, &one);
        assert_all(alone == OK);
        assert_all(gamma_gamma_fit(&world, share, mine, &defaults, &many) == OK);
        assert_all(memcmp(&one, &many, sizeof one) == 0);
        free(whole);
        free(share);
    }
}

/* Another currency changes v alone, the likelihood by its log. */
static void units(void **state)
{
    (void)state;
    int64_t count[2];
    struct gamma_gamma_customer *base = make(&world, CUSTOMERS, 1.0, &count[0]);
    struct gamma_gamma_customer *cents = make(&world, CUSTOMERS, 1e-8, &count[1]);
    struct gamma_gamma_model model[2];
    assert_all(gamma_gamma_fit(&world, base, count[0], &defaults, &model[0]) == OK);
    assert_all(gamma_gamma_fit(&world, cents, count[1], &defaults, &model[1]) == OK);
    assert_close(model[1].p, model[0].p, 1e-5);
    assert_close(model[1].q, model[0].q, 1e-5);
    assert_close(1e-8 * model[1].v, model[0].v, 1e-4);
    double shift = (double)model[0].customers * log(1e8);
    assert_close(model[1].log_likelihood, model[0].log_likelihood - shift, 1e-7);
    free(base);
    free(cents);
}

static void ends_of_the_scale(void **state)
{
    (void)state;
    struct gamma_gamma_model model;
    struct gamma_gamma_options few = {.max_iterations = 2, .tolerance = 1e-9};
    int64_t count;
    struct gamma_gamma_customer *customer = make(&world, CUSTOMERS, 1.0, &count);
    assert_all(gamma_gamma_fit(&world, customer, count, &few, &model) == OK);
    assert_all(!model.converged && model.iterations == 2 && isfinite(model.log_likelihood));
    for (int64_t i = 0; i < count; i++) customer[i].spend = 12.5; /* all alike */
    assert_all(gamma_gamma_fit(&world, customer, count, &defaults, &model) == OK);
    assert_all(isfinite(model.log_likelihood) && gamma_gamma_extreme(&model) != NULL);
    struct gamma_gamma_customer one = {1, 12.5};
    assert_close(gamma_gamma_spend(&model, &one), 12.5, 0.01);
    free(customer);
}

static void faults_of_customers(void **state)
{
    (void)state;
    static const struct gamma_gamma_customer wrong[] = {{1, 0},   {1, -2},  {-1, 2},
                                                        {NAN, 2}, {1, NAN}, {1, INFINITY}};
    struct gamma_gamma_model model;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct gamma_gamma_customer two[2] = {{2, 10}, wrong[i]};
        int64_t count = world.rank == world.ranks - 1 ? 2 : 0;
        assert_all(gamma_gamma_fault(&wrong[i]) != NULL);
        assert_all(gamma_gamma_fit(&world, two, count, &defaults, &model) == ERR_DATA);
    }
    struct gamma_gamma_customer never[2] = {{0, 0}, {0, NAN}};
    assert_all(gamma_gamma_fit(&world, never, 2, &defaults, &model) == ERR_DATA);
}

static void survives_faults(void **state)
{
    (void)state;
    struct gamma_gamma_model model;
    int64_t count;
    struct gamma_gamma_customer *customer = make(&world, 3, 1.0, &count);
    comm_inject_fault(-1, 0);
    assert_all(gamma_gamma_fit(&world, customer, count, &defaults, &model) == OK);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 0);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(gamma_gamma_fit(&world, customer, count, &defaults, &model) == ERR_BUG);
        }
    comm_inject_fault(-1, 0);
    free(customer);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(as_textbook),
          cmocka_unit_test(gradient_is_that_of_the_value), cmocka_unit_test(same_bits_on_any_ranks),
          cmocka_unit_test(units), cmocka_unit_test(ends_of_the_scale),
          cmocka_unit_test(faults_of_customers), cmocka_unit_test(survives_faults))
