/* Gradients summed as integers: against sums in double, in whatever unit they begin, the same bytes
 * on any ranks, and what is refused. */
#include "algorithms/gradient.h"
#include "tests/harness.h"

#include <float.h>
#include <string.h>

enum { TERMS = 24, WEIGHTS = 61, FIRST_BUCKET = 20 };

static const int64_t EDGES[] = {0, FIRST_BUCKET, WEIGHTS};

/* Term t of weight i: signs and sizes differ, the second bucket's are a thousandth. */
static float term(int64_t t, int64_t i, double size)
{
    double value = (double)((t * 37 + i * 11) % 101) / 101.0 - 0.45;
    return (float)(size * value * (i < FIRST_BUCKET ? 1.0 : 1e-3));
}

static void add_term(struct gradient *gradient, int64_t t, double size)
{
    float x[WEIGHTS];
    for (int64_t i = 0; i < WEIGHTS; i++) x[i] = term(t, i, size);
    gradient_add(gradient, 0, 0, x, FIRST_BUCKET);
    gradient_add(gradient, 1, FIRST_BUCKET, x + FIRST_BUCKET, WEIGHTS - FIRST_BUCKET);
    gradient_add_loss(gradient, (struct loss_sums){(double)t / 8.0, 2.0});
}

static enum status end_both(const struct comm *comm, struct gradient *gradient)
{
    for (int64_t b = 1; b >= 0; b--) gradient_begin(comm, gradient, b);
    return gradient_end(gradient);
}

/* The mean of all terms, this rank adding those that fall to it; returns how often it summed. */
static int64_t sum_terms(const struct comm *comm, double size, double expected, float *mean)
{
    struct gradient gradient;
    int64_t turns = 0;
    assert_all(gradient_init(comm, 2, EDGES, TERMS, &gradient) == OK);
    gradient_expect(&gradient, 0, expected);
    gradient_expect(&gradient, 1, 1e-3 * expected);
    do {
        gradient_reset(&gradient);
        for (int64_t t = comm->rank; t < TERMS; t += comm->ranks) add_term(&gradient, t, size);
        assert_all(end_both(comm, &gradient) == OK);
        turns++;
    } while (!gradient_fits(&gradient));
    struct loss_sums sums = gradient_loss(&gradient);
    assert_all(sums.weight == 2.0 * TERMS && sums.loss == TERMS * (TERMS - 1) / 16.0);
    for (int64_t b = 0; b < 2; b++) gradient_mean(&gradient, b, sums.weight, mean + EDGES[b]);
    gradient_clear(&gradient);
    return turns;
}

static double worst(const float *mean, double size)
{
    double most = 0.0;
    for (int64_t i = 0; i < WEIGHTS; i++) {
        double sum = 0.0;
        for (int64_t t = 0; t < TERMS; t++) sum += term(t, i, size);
        most = fmax(most, fabs(mean[i] - sum / (2.0 * TERMS)) / fabs(sum / (2.0 * TERMS)));
    }
    return most;
}

/* Whatever is expected, sums have the bits of a float, and the same ones on any ranks. */
static void test_sums(void **state)
{
    (void)state;
    static const double sizes[] = {1e-18, 3e-7, 1.0, 4e5, 1e15};
    static const double expected[] = {0.0, 1e-12, 1.0, 1e9};
    struct comm self = comm_self();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t e = 0; e < sizeof expected / sizeof *expected; e++) {
            float mean[WEIGHTS], alone[WEIGHTS];
            int64_t turns = sum_terms(&world, sizes[s], expected[e], mean);
            assert_all(turns <= 8);
            assert_close(worst(mean, sizes[s]), 0.0, FLT_EPSILON);
            assert_all(sum_terms(&self, sizes[s], expected[e], alone) == turns);
            assert_all(memcmp(mean, alone, sizeof mean) == 0);
        }
}

/* Ranks of one node and of several. */
static void test_nodes(void **state)
{
    (void)state;
    float common[WEIGHTS], apart[WEIGHTS];
    sum_terms(&world, 3.0, 1.0, common);
    nodes_limit(1);
    sum_terms(&world, 3.0, 1.0, apart);
    nodes_limit(0);
    assert_all(memcmp(common, apart, sizeof common) == 0);
}

/* A bucket's layers come one by one, the last one first; the next micro-batch's are added, and what
 * never comes is zero. */
static void test_layers(void **state)
{
    (void)state;
    const int64_t edges[] = {WEIGHTS, 50, 33, 33, FIRST_BUCKET}, micros = world.rank == 0 ? 3 : 0;
    struct gradient gradient;
    float x[WEIGHTS], mean[WEIGHTS];
    int64_t wrong = 0;
    for (int64_t i = 0; i < WEIGHTS; i++) x[i] = term(1, i, 1.0);
    assert_all(gradient_init(&world, 2, EDGES, TERMS, &gradient) == OK);
    for (int64_t b = 0; b < 2; b++) gradient_expect(&gradient, b, 1e-3);
    for (int64_t turn = 0; turn < 2; turn++) { /* nothing is left of the turn before */
        gradient_reset(&gradient);
        for (int64_t m = 0; m < micros; m++)
            for (int64_t l = 1; l < 5; l++)
                gradient_add(&gradient, 1, edges[l], x + edges[l], edges[l - 1] - edges[l]);
        assert_all(end_both(&world, &gradient) == OK && gradient_fits(&gradient));
    }
    for (int64_t b = 0; b < 2; b++) gradient_mean(&gradient, b, 3.0, mean + EDGES[b]);
    for (int64_t i = 0; i < WEIGHTS; i++) wrong += mean[i] != (i < FIRST_BUCKET ? 0.0f : x[i]);
    assert_all(wrong == 0);
    gradient_clear(&gradient);
}

/* As long as gradients grow or shrink less than a thousandfold a step, it is summed once. */
static void test_once(void **state)
{
    (void)state;
    float mean[WEIGHTS];
    for (double wrong = 1e-3; wrong < 2e3; wrong *= 10.0)
        assert_all(sum_terms(&world, 0.25, wrong * TERMS, mean) == 1);
}

static enum status sum_one(float x)
{
    struct gradient gradient;
    enum status status = OK;
    float terms[WEIGHTS] = {0};
    terms[WEIGHTS - 3] = x;
    assert_all(gradient_init(&world, 2, EDGES, TERMS, &gradient) == OK);
    gradient_expect(&gradient, 0, 1.0);
    gradient_expect(&gradient, 1, 1.0);
    for (int64_t turns = 0; turns < 20; turns++) {
        gradient_reset(&gradient);
        if (world.rank == world.ranks - 1)
            gradient_add(&gradient, 1, FIRST_BUCKET, terms + FIRST_BUCKET, WEIGHTS - FIRST_BUCKET);
        status = end_both(&world, &gradient);
        if (status != OK || gradient_fits(&gradient)) break;
        assert_all(turns < 15);
    }
    gradient_clear(&gradient);
    return status;
}

static void test_refused(void **state)
{
    (void)state;
    assert_all(sum_one(NAN) == ERR_NUMERIC && sum_one(INFINITY) == ERR_NUMERIC);
    assert_all(sum_one(-INFINITY) == ERR_NUMERIC);
    assert_all(sum_one(FLT_MAX) == OK && sum_one(FLT_MIN) == OK && sum_one(0.0f) == OK);
    struct gradient gradient;
    assert_all(gradient_init(&world, 2, EDGES, (int64_t)1 << 40, &gradient) == ERR_ARG);
    gradient_clear(&gradient);
}

/* A loss that is not finite is refused on all ranks. */
static void test_loss_refused(void **state)
{
    (void)state;
    struct gradient gradient;
    assert_all(gradient_init(&world, 2, EDGES, TERMS, &gradient) == OK);
    gradient_reset(&gradient);
    if (world.rank == 0) gradient_add_loss(&gradient, (struct loss_sums){NAN, 1.0});
    assert_all(end_both(&world, &gradient) == ERR_NUMERIC);
    gradient_clear(&gradient);
}

TEST_MAIN(cmocka_unit_test(test_sums), cmocka_unit_test(test_nodes), cmocka_unit_test(test_layers),
          cmocka_unit_test(test_once), cmocka_unit_test(test_refused),
          cmocka_unit_test(test_loss_refused))
