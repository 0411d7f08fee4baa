/* The structured logit: known maxima, its gradient, the same bits at any number of ranks. */
#include "tests/harness.h"

#include "algorithms/slope_logit.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 5000, BLOCK = 256, STRIDE = 16, COLUMNS = 3, VARIABLES = 8 };

/* tests/goldens/slope_logit.py */
static const double golden[VARIABLES] = {-1.053052106855, 0.790339263982, -0.542614225493,
                                         0.392057773619,  1.327022670682, 0.505894730517,
                                         -0.369585578866, -0.062756123177};
static const double golden_loss = 0.609823850169255;

static const struct slope_logit_term terms[6] = {{0, -1}, {1, -1}, {0, 1},
                                                 {1, -1}, {2, -1}, {2, 1}};
static const struct slope_logit_options usual = SLOPE_LOGIT_DEFAULTS;

static float x[ROWS][STRIDE], dose[ROWS], weight[ROWS], y[ROWS];
static uint8_t skip[ROWS];

static void make(void)
{
    for (int64_t i = 0; i < ROWS; i++) {
        x[i][0] = (float)((double)(i * 7919 % 1009) / 504.5 - 1.0);
        x[i][1] = (float)((double)(i * 3571 % 499) / 249.5 - 1.0);
        x[i][2] = i % 3 == 0 ? 1.0f : 0.0f;
        dose[i] = 0.05f * (float)(i * 31 % 5);
        weight[i] = 0.5f + (float)(i % 7) / 4.0f;
        skip[i] = i % 11 == 4;
        double u = (double)x[i][0], v = (double)x[i][1];
        double a = -1.0 + 0.8 * u - 0.5 * v + 0.4 * u * v;
        double b = exp(1.2 + 0.6 * v - 0.7 * (double)x[i][2]);
        double chance = 1.0 / (1.0 + exp(-(a + b * (double)dose[i])));
        y[i] = (double)(i * 104729 % 997) / 997.0 < chance;
    }
}

static struct slope_logit_rows view(const struct blocks *blocks)
{
    int64_t at = blocks->row_first;
    return (struct slope_logit_rows){
        {blocks, COLUMNS, STRIDE, x[0] + at * STRIDE}, dose + at, y + at, weight + at, skip + at};
}

static struct slope_logit *model_of(int64_t terms_a, int64_t terms_b)
{
    struct slope_logit *model = NULL;
    assert_all(slope_logit_new(terms, terms_a, terms_b, &model) == OK);
    return model;
}

static void as_others_find(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct slope_logit *model = model_of(3, 3);
    struct slope_logit_result result;
    struct slope_logit_options options = usual;
    options.tolerance = 1e-12;
    make();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    const struct slope_logit_rows rows = view(&blocks);
    assert_all(slope_logit_fit(&world, &rows, &options, model, &result) == OK && result.converged);
    for (int v = 0; v < VARIABLES; v++) assert_close(model->coefficient[v], golden[v], 1e-6);
    assert_close(result.loss, golden_loss, 1e-9);
    assert_all(slope_logit_fit(&world, &rows, &options, model, &result) == OK);
    assert_all(result.converged && result.iterations <= 1); /* it goes on from where it is */
    slope_logit_free(&model);
    blocks_clear(&blocks);
}

/* Without terms a is the log odds without a dose, and b what a dose of 1 adds to them. */
static void constants_by_hand(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct slope_logit *model = model_of(0, 0);
    struct slope_logit_options options = {.slope = 1.0, .max_iterations = 200, .tolerance = 1e-16};
    static const float doses[8] = {0, 0, 0, 0, 1, 1, 1, 1}, bought[8] = {0, 0, 0, 1, 0, 1, 1, 1};
    float a[2], b[2];
    assert_all(blocks_cut(&world, 8, 3, &blocks) == OK);
    int64_t at = blocks.row_first;
    const struct slope_logit_rows rows = {
        {&blocks, COLUMNS, STRIDE, x[0]}, doses + at, bought + at, NULL, NULL};
    assert_all(slope_logit_fit(&world, &rows, &options, model, NULL) == OK);
    assert_close(model->coefficient[0], -log(3.0), 1e-7);
    assert_close(exp(model->coefficient[1]), 2.0 * log(3.0), 1e-7);
    assert_all(slope_logit_apply(model, x[0], 2, STRIDE, a, b) == OK);
    assert_close((double)a[1], -log(3.0), 1e-6);
    assert_close((double)b[1], 2.0 * log(3.0), 1e-6);
    slope_logit_free(&model);
    blocks_clear(&blocks);
}

static void gradient_is_that_of_the_loss(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct slope_logit *model = model_of(3, 3);
    double loss, up, down, gradient[VARIABLES], unused[VARIABLES];
    make();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    const struct slope_logit_rows rows = view(&blocks);
    for (int v = 0; v < VARIABLES; v++) model->coefficient[v] = 0.3 - 0.1 * v;
    assert_all(slope_logit_loss(&world, &rows, &usual, model, &loss, gradient) == OK);
    for (int v = 0; v < VARIABLES; v++) {
        model->coefficient[v] += 1e-5;
        assert_all(slope_logit_loss(&world, &rows, &usual, model, &up, unused) == OK);
        model->coefficient[v] -= 2e-5;
        assert_all(slope_logit_loss(&world, &rows, &usual, model, &down, unused) == OK);
        model->coefficient[v] += 1e-5;
        assert_close((up - down) / 2e-5, gradient[v], 1e-9);
        assert_all(fabs(gradient[v]) > 1e-5);
    }
    slope_logit_free(&model);
    blocks_clear(&blocks);
}

static void same_bits_alone(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct blocks blocks = {0}, whole = {0};
    struct slope_logit *model = model_of(3, 3), *alone = model_of(3, 3);
    make();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    assert_all(blocks_cut(&self, ROWS, BLOCK, &whole) == OK);
    const struct slope_logit_rows rows = view(&blocks), all = view(&whole);
    assert_all(slope_logit_fit(&world, &rows, &usual, model, NULL) == OK);
    assert_all(slope_logit_fit(&self, &all, &usual, alone, NULL) == OK);
    assert_all(memcmp(model->coefficient, alone->coefficient, sizeof golden) == 0);
    slope_logit_free(&model);
    slope_logit_free(&alone);
    blocks_clear(&blocks);
    blocks_clear(&whole);
}

/* Few rows, none that count, all alike, columns that are constant: coefficients stay small. */
static void little_to_learn_from(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct slope_logit *model = model_of(3, 3);
    struct slope_logit_result result;
    static const float none[2] = {0, 0};
    static const uint8_t all[2] = {1, 1};
    assert_all(blocks_cut(&world, 2, 1, &blocks) == OK);
    int64_t at = blocks.row_first;
    struct slope_logit_rows rows = {
        {&blocks, COLUMNS, STRIDE, x[at]}, none + at, none + at, NULL, NULL};
    assert_all(slope_logit_fit(&world, &rows, &usual, model, &result) == OK && result.converged);
    for (int v = 0; v < VARIABLES; v++) assert_all(fabs(model->coefficient[v]) < 4.0 || v == 0);
    assert_close(exp(model->coefficient[4]), usual.slope, 1e-6); /* no dose tells of the slope */
    rows.skip = all + at;
    struct slope_logit *idle = model_of(3, 3);
    assert_all(slope_logit_fit(&world, &rows, &usual, idle, &result) == OK);
    assert_all(result.passes == 0 && isfinite(idle->coefficient[0]));
    slope_logit_free(&model);
    slope_logit_free(&idle);
    blocks_clear(&blocks);
}

static void refuses_what_is_not_finite(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct slope_logit *model = model_of(3, 3);
    make();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    x[ROWS - 1][1] = NAN;
    const struct slope_logit_rows rows = view(&blocks);
    assert_all(slope_logit_fit(&world, &rows, &usual, model, NULL) == ERR_NUMERIC);
    slope_logit_free(&model);
    blocks_clear(&blocks);
}

static void agrees_on_faults(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    make();
    assert_all(blocks_cut(&world, 600, BLOCK, &blocks) == OK);
    const struct slope_logit_rows rows = view(&blocks);
    comm_inject_fault(-1, 0);
    struct slope_logit *model = model_of(3, 3);
    assert_all(slope_logit_fit(&world, &rows, &usual, model, NULL) == OK);
    int64_t agreements = comm_agreements();
    slope_logit_free(&model);
    for (int64_t k = 0; k < agreements; k++) {
        model = model_of(3, 3);
        comm_inject_fault(k, (int)(k % world.ranks));
        enum status status = slope_logit_fit(&world, &rows, &usual, model, NULL);
        comm_inject_fault(-1, 0);
        assert_all(status == ERR_BUG);
        slope_logit_free(&model);
    }
    blocks_clear(&blocks);
}

TEST_MAIN(cmocka_unit_test(as_others_find), cmocka_unit_test(constants_by_hand),
          cmocka_unit_test(gradient_is_that_of_the_loss), cmocka_unit_test(same_bits_alone),
          cmocka_unit_test(little_to_learn_from), cmocka_unit_test(refuses_what_is_not_finite),
          cmocka_unit_test(agrees_on_faults))
