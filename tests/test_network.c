/* Training against hand computation, finite differences, an independent implementation, and itself
 * on other ranks. */
#include "algorithms/network.h"
#include "algorithms/network_pass.h"
#include "mpi/memory.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 300, COLUMNS = 5, EPOCHS = 12, BLOCK = 64 };

/* tests/goldens/network.py */
static const double GOLDEN_MSE[EPOCHS] = {0.39596874, 0.31612092,  0.25516066,  0.21513715,
                                          0.18818927, 0.16584834,  0.14450014,  0.1246654,
                                          0.10778265, 0.093117155, 0.081517927, 0.072395422};
static const double GOLDEN_BCE[EPOCHS] = {0.72149026, 0.70881474, 0.69025713, 0.67319989,
                                          0.66096169, 0.65177447, 0.64179707, 0.62890446,
                                          0.61409235, 0.60001963, 0.5884127,  0.57873756};
static const double GOLDEN_STRUCTURAL[EPOCHS] = {0.81255609, 0.75222224, 0.70268977, 0.66866249,
                                                 0.65153903, 0.63959301, 0.62799627, 0.61854523,
                                                 0.61233127, 0.60689169, 0.59978718, 0.59164172};

/* This rank's rows of the test's table, and all beside them. */
struct sample {
    struct blocks blocks;
    float *x, *value, *truth, *dose, *weight, *prior;
    uint8_t *part;
};

static void sample_row(struct sample *s, int64_t at, int64_t i)
{
    float *x = s->x + at * COLUMNS;
    for (int64_t j = 0; j < COLUMNS; j++)
        x[j] = (float)((i * 7 + j * 13 + i * j * 3) % 23) / 11.0f - 1.0f;
    s->value[at] = 0.8f * x[0] - 0.5f * x[1] * x[2] + 0.25f;
    s->truth[at] = (double)((i * 29) % 31) < 31.0 * loss_sigmoid(2.0 * s->value[at]);
    s->dose[at] = (float)(i % 4) / 10.0f;
    s->weight[at] = 1.0f + (float)(i % 3) / 2.0f;
    s->prior[at] = i % 5 == 0 ? 0.0f : 1.5f + (float)(i % 7) / 4.0f;
}

static enum status sample_make(const struct comm *comm, int64_t rows, struct sample *s)
{
    enum status status = OK;
    *s = (struct sample){0};
    TRY(blocks_cut(comm, rows, BLOCK, &s->blocks));
    int64_t mine = s->blocks.rows_local;
    TRY(memory_new(&s->x, mine * COLUMNS, sizeof *s->x));
    TRY(memory_new(&s->value, mine, sizeof *s->value));
    TRY(memory_new(&s->truth, mine, sizeof *s->truth));
    TRY(memory_new(&s->dose, mine, sizeof *s->dose));
    TRY(memory_new(&s->weight, mine, sizeof *s->weight));
    TRY(memory_new(&s->prior, mine, sizeof *s->prior));
    TRY(memory_new(&s->part, mine, sizeof *s->part));
    for (int64_t i = 0; i < mine; i++) sample_row(s, i, s->blocks.row_first + i);
    network_split(&s->blocks, 5, 0.2, 0.1, s->part);
done:
    return status;
}

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->x);
    free(s->value);
    free(s->truth);
    free(s->dose);
    free(s->weight);
    free(s->prior);
    free(s->part);
}

static struct network_data data_of(const struct sample *s, enum loss loss)
{
    struct network_data data = {.rows = {&s->blocks, COLUMNS, COLUMNS, s->x}};
    data.y = loss == LOSS_MSE ? s->value : s->truth;
    if (loss == LOSS_STRUCTURAL) {
        data.dose = s->dose;
        data.weight = s->weight;
        data.prior = s->prior;
    }
    return data;
}

static enum status new_model(const int64_t *hidden, int64_t count, enum activation activation,
                             enum loss loss, struct network **model)
{
    enum status status = network_new_mlp(COLUMNS, hidden, count, activation, loss, model);
    for (int64_t k = 0; status == OK && k < (*model)->weights_count; k++)
        (*model)->weights[k] = (float)((k * 37 + 11) % 101) / 101.0f - 0.5f;
    return status;
}

/* ---- by hand ---- */

/* One row x = 2, y = 3, w = b = 0: loss 9, slopes -12 and -6, so a step of 0.1 gives 1.2 and 0.6.
 */
static void test_hand(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct network *model = NULL;
    struct network_history history;
    struct network_options options = NETWORK_DEFAULTS;
    float x = 2.0f, y = 3.0f;
    options.optimiser.kind = OPTIMISER_SGD;
    options.optimiser.rate = 0.1;
    options.epochs = 1;
    assert_all(blocks_cut(&world, 1, BLOCK, &blocks) == OK);
    assert_all(network_new_mlp(1, NULL, 0, ACTIVATION_RELU, LOSS_MSE, &model) == OK);
    struct network_data data = {.rows = {&blocks, 1, 1, &x}, .y = &y};
    assert_all(network_fit(&world, &data, &options, model, &history) == OK);
    assert_close(model->weights[0], 1.2, 1e-6);
    assert_close(model->weights[1], 0.6, 1e-6);
    assert_all(history.epochs == 1 && history.rows_train == 1 && history.validation == NULL);
    assert_close(history.train[0], 9.0, 0.0);
    network_history_clear(&history);
    network_free(&model);
    blocks_clear(&blocks);
}

/* ---- slopes ---- */

static double pass_loss(const struct network *model, struct network_pass *pass,
                        const struct sample *s, float *slope)
{
    struct loss_rows beside = {s->truth, s->weight, s->dose, s->prior, 0.3};
    int64_t rows = s->blocks.rows_local;
    beside.y = model->loss == LOSS_MSE ? s->value : s->truth;
    network_pass_load(pass, model);
    for (int64_t i = 0; i < rows; i++) network_pass_put(pass, i, s->x + i * COLUMNS);
    network_pass_forward(pass, &(struct layer_rows){.count = rows});
    return loss_evaluate(model->loss, &beside, rows, network_pass_stride(pass),
                         pass->out[pass->layers], slope)
        .loss;
}

/* worst difference of the backward pass and central differences, relative to the largest slope of
 * the layer */
static double slope_error(struct network *model, struct network_pass *pass, const struct sample *s,
                          int64_t layer, double *largest)
{
    double worst = 0.0;
    int64_t first = network_layer_first(model, layer);
    for (int64_t k = 0; k < network_layer_first(model, layer + 1) - first; k++) {
        double slope = pass->slopes[k];
        float *weight = &model->weights[first + k], kept = *weight, step = 0.01f;
        struct network_pass other = {0};
        if (network_pass_init(&other, model, ROWS, false) != OK) return 1e300;
        *weight = kept + step;
        double up = pass_loss(model, &other, s, NULL), wide = *weight;
        *weight = kept - step;
        double down = pass_loss(model, &other, s, NULL);
        wide -= *weight;
        *weight = kept;
        network_pass_clear(&other);
        worst = fmax(worst, fabs((up - down) / wide - slope));
        *largest = fmax(*largest, fabs(slope));
    }
    return worst;
}

static void check_slopes(enum loss loss, enum activation activation)
{
    const int64_t hidden[] = {7, 4};
    struct comm self = comm_self();
    struct sample s;
    struct network *model = NULL;
    struct network_pass pass = {0};
    assert_all(sample_make(&self, 60, &s) == OK);
    assert_all(new_model(hidden, 2, activation, loss, &model) == OK);
    assert_all(network_pass_init(&pass, model, ROWS, true) == OK);
    pass_loss(model, &pass, &s, network_pass_delta(&pass, pass.layers - 1));
    for (int64_t l = pass.layers - 1; l >= 0; l--) {
        double largest = 0.0;
        network_pass_back(&pass, l, &(struct layer_rows){.count = s.blocks.rows_local});
        double error = slope_error(model, &pass, &s, l, &largest);
        assert_all(largest > 0.1);
        assert_close(error / largest, 0.0, 2e-3);
    }
    network_pass_clear(&pass);
    network_free(&model);
    sample_clear(&s);
}

static void test_slopes(void **state)
{
    (void)state;
    check_slopes(LOSS_MSE, ACTIVATION_TANH);
    check_slopes(LOSS_BCE, ACTIVATION_SIGMOID);
    check_slopes(LOSS_STRUCTURAL, ACTIVATION_TANH);
}

/* ---- goldens ---- */

static double curve_error(enum loss loss, const int64_t *hidden, int64_t count,
                          enum activation activation, const struct optimiser_options *optimiser,
                          const double *golden)
{
    struct sample s;
    struct network *model = NULL;
    struct network_history history = {0};
    struct network_options options = NETWORK_DEFAULTS;
    double worst = 1e300;
    options.optimiser = *optimiser;
    options.batch = ROWS;
    options.epochs = EPOCHS;
    options.prior_weight = 0.05;
    enum status status = sample_make(&world, ROWS, &s);
    if (status == OK) status = new_model(hidden, count, activation, loss, &model);
    struct network_data data = data_of(&s, loss);
    if (status == OK) status = network_fit(&world, &data, &options, model, &history);
    if (status == OK) worst = 0.0;
    for (int64_t e = 0; status == OK && e < EPOCHS; e++)
        worst = fmax(worst, fabs(history.train[e] - golden[e]));
    network_history_clear(&history);
    network_free(&model);
    sample_clear(&s);
    return worst;
}

static void test_golden(void **state)
{
    (void)state;
    const int64_t two[] = {9, 6}, one[] = {17};
    struct optimiser_options optimiser = OPTIMISER_DEFAULTS;
    optimiser.rate = 0.02;
    assert_close(curve_error(LOSS_MSE, two, 2, ACTIVATION_RELU, &optimiser, GOLDEN_MSE), 0.0, 1e-5);
    optimiser.kind = OPTIMISER_SGD;
    optimiser.rate = 0.3;
    assert_close(curve_error(LOSS_BCE, two, 2, ACTIVATION_TANH, &optimiser, GOLDEN_BCE), 0.0, 1e-5);
    optimiser.kind = OPTIMISER_ADAM;
    optimiser.rate = 0.05;
    optimiser.weight_decay = 0.1;
    assert_close(
        curve_error(LOSS_STRUCTURAL, one, 1, ACTIVATION_SIGMOID, &optimiser, GOLDEN_STRUCTURAL),
        0.0, 1e-5);
}

/* ---- any ranks ---- */

struct outcome {
    struct network *model;
    struct network_history history;
};

static enum status train(const struct comm *comm, int64_t rows, enum loss loss,
                         const struct network_options *options, struct outcome *outcome)
{
    const int64_t hidden[] = {20, 16, 8};
    struct sample s;
    *outcome = (struct outcome){0};
    enum status status = sample_make(comm, rows, &s);
    struct network_data data = data_of(&s, loss);
    data.part = s.part;
    if (status == OK)
        status = network_new_mlp(COLUMNS, hidden, 3, ACTIVATION_RELU, loss, &outcome->model);
    if (status == OK) {
        network_start(outcome->model, 3);
        status = network_fit(comm, &data, options, outcome->model, &outcome->history);
    }
    sample_clear(&s);
    return status;
}

static void outcome_clear(struct outcome *outcome)
{
    network_free(&outcome->model);
    network_history_clear(&outcome->history);
}

static bool same_bytes(const struct outcome *a, const struct outcome *b)
{
    const struct network_history *p = &a->history, *q = &b->history;
    size_t epochs = (size_t)p->epochs * sizeof *p->train;
    return p->epochs == q->epochs && p->best_epoch == q->best_epoch &&
           memcmp(p->train, q->train, epochs) == 0 &&
           memcmp(p->validation, q->validation, epochs) == 0 &&
           memcmp(a->model->weights, b->model->weights,
                  (size_t)a->model->weights_count * sizeof(float)) == 0;
}

static void test_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct network_options options = NETWORK_DEFAULTS;
    options.optimiser.schedule = RATE_COSINE;
    options.optimiser.rate = 0.01;
    options.prior_weight = 0.1;
    options.epochs = 6;
    options.batch = 70;
    for (int loss = LOSS_MSE; loss <= LOSS_STRUCTURAL; loss++)
        for (int64_t rows = 20; rows <= 1500; rows += 1480) { /* one block, then many */
            struct outcome here, alone;
            assert_all(train(&world, rows, (enum loss)loss, &options, &here) == OK);
            assert_all(train(&self, rows, (enum loss)loss, &options, &alone) == OK);
            assert_all(same_bytes(&here, &alone));
            assert_all(here.history.train[5] < here.history.train[0]);
            outcome_clear(&here);
            outcome_clear(&alone);
        }
}

/* ---- behaviour ---- */

static void test_best_epoch(void **state)
{
    (void)state;
    struct outcome here;
    struct sample s;
    struct network_options options = NETWORK_DEFAULTS;
    double loss = 0.0;
    int64_t rows = 0;
    options.optimiser.rate = 0.2; /* too high: the loss jumps about */
    options.epochs = 60;
    options.patience = 3;
    options.batch = 50;
    assert_all(train(&world, ROWS, LOSS_BCE, &options, &here) == OK);
    const struct network_history *h = &here.history;
    assert_all(h->stopped && h->epochs < 60 && h->best_epoch == h->epochs - 1 - 3);
    assert_all(sample_make(&world, ROWS, &s) == OK);
    struct network_data data = data_of(&s, LOSS_BCE);
    data.part = s.part;
    assert_all(network_loss(&world, &data, PART_VALIDATION, here.model, &loss, &rows) == OK);
    assert_all(rows == h->rows_validation && rows > 0);
    assert_close(loss, h->validation[h->best_epoch], 1e-12);
    for (int64_t e = 0; e < h->epochs; e++)
        assert_all(h->validation[e] >= h->validation[h->best_epoch]);
    sample_clear(&s);
    outcome_clear(&here);
}

/* A row's response is its own, never falls with the dose, and is what the loss was taken of. */
static void test_response(void **state)
{
    (void)state;
    struct outcome here;
    struct sample s;
    struct comm self = comm_self();
    struct network_options options = NETWORK_DEFAULTS;
    static float a[ROWS], b[ROWS], one_a, one_b;
    options.epochs = 3;
    assert_all(train(&world, ROWS, LOSS_STRUCTURAL, &options, &here) == OK);
    assert_all(sample_make(&self, ROWS, &s) == OK);
    assert_all(network_response(here.model, s.x, ROWS, COLUMNS, a, b) == OK);
    int64_t wrong = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        enum status status =
            network_response(here.model, s.x + i * COLUMNS, 1, COLUMNS, &one_a, &one_b);
        wrong += status != OK || !(b[i] >= 0.0f) || one_a != a[i] || one_b != b[i];
    }
    assert_all(wrong == 0);
    double expected = 0.0, weights = 0.0, loss = 0.0;
    int64_t rows = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        double p = loss_sigmoid((double)a[i] + (double)b[i] * s.dose[i]);
        expected -= s.weight[i] * log(s.truth[i] > 0.5f ? p : 1.0 - p);
        weights += s.weight[i];
    }
    struct network_data data = data_of(&s, LOSS_STRUCTURAL);
    assert_all(network_loss(&self, &data, PART_TRAIN, here.model, &loss, &rows) == OK);
    assert_close(loss, expected / weights, 1e-6);
    assert_all(network_apply(here.model, s.x, ROWS, COLUMNS, a) == ERR_ARG);
    sample_clear(&s);
    outcome_clear(&here);
}

/* A strong prior decides the slope of the curve. */
static void test_prior(void **state)
{
    (void)state;
    struct outcome here;
    struct sample s;
    struct comm self = comm_self();
    struct network_options options = NETWORK_DEFAULTS;
    static float a[ROWS], b[ROWS];
    options.epochs = 150;
    options.batch = 64;
    options.optimiser.rate = 0.02;
    options.prior_weight = 50.0;
    assert_all(train(&world, ROWS, LOSS_STRUCTURAL, &options, &here) == OK);
    assert_all(sample_make(&self, ROWS, &s) == OK);
    assert_all(network_response(here.model, s.x, ROWS, COLUMNS, a, b) == OK);
    double mean = 0.0;
    for (int64_t i = 0; i < ROWS; i++) mean += b[i] / ROWS;
    assert_close(mean, 2.25, 0.4); /* priors run from 1.5 to 3 */
    sample_clear(&s);
    outcome_clear(&here);
}

static void test_divergence(void **state)
{
    (void)state;
    struct outcome here;
    struct network_options options = NETWORK_DEFAULTS;
    options.optimiser.kind = OPTIMISER_SGD;
    options.optimiser.rate = 1e20;
    assert_all(train(&world, ROWS, LOSS_MSE, &options, &here) == ERR_NUMERIC);
    assert_all(strstr(status_message(), "epoch 1, step 1") != NULL);
    outcome_clear(&here);
}

static void test_refusals(void **state)
{
    (void)state;
    struct sample s;
    struct outcome here;
    struct network *model = NULL;
    const int64_t zero = 0;
    struct network_options options = NETWORK_DEFAULTS;
    assert_all(network_new_mlp(0, NULL, 0, ACTIVATION_RELU, LOSS_MSE, &model) == ERR_ARG);
    assert_all(network_new_mlp(3, &zero, 1, ACTIVATION_RELU, LOSS_MSE, &model) == ERR_ARG);
    assert_all(train(&world, 0, LOSS_MSE, &options, &here) == ERR_ARG);
    outcome_clear(&here);
    options.optimiser.rate = -1.0;
    assert_all(train(&world, ROWS, LOSS_MSE, &options, &here) == ERR_ARG);
    outcome_clear(&here);
    options.optimiser.rate = 0.1;
    assert_all(sample_make(&world, ROWS, &s) == OK);
    assert_all(new_model(NULL, 0, ACTIVATION_RELU, LOSS_BCE, &model) == OK);
    struct network_data data = data_of(&s, LOSS_BCE);
    int64_t bad = 70 - s.blocks.row_first; /* on one rank only */
    if (bad >= 0 && bad < s.blocks.rows_local) s.truth[bad] = 2.0f;
    assert_all(network_fit(&world, &data, &options, model, NULL) == ERR_DATA);
    assert_all(strstr(status_message(), "row 70") != NULL);
    network_free(&model);
    sample_clear(&s);
}

static void test_faults(void **state)
{
    (void)state;
    struct network_options options = NETWORK_DEFAULTS;
    struct outcome here;
    options.epochs = 2;
    comm_inject_fault(-1, 0);
    assert_all(train(&world, ROWS, LOSS_BCE, &options, &here) == OK);
    int64_t agreements = comm_agreements();
    outcome_clear(&here);
    assert_all(agreements > 10);
    for (int64_t k = 0; k < agreements; k++)
        for (int rank = 0; rank < world.ranks; rank++) {
            comm_inject_fault(k, rank);
            enum status status = train(&world, ROWS, LOSS_BCE, &options, &here);
            comm_inject_fault(-1, 0);
            assert_all(status != OK && here.history.train == NULL);
            outcome_clear(&here);
        }
}

/* The cross entropy and its slope, by exponentials of our own, against the C library's. */
static void test_cross_entropy(void **state)
{
    (void)state;
    double worst = 0.0, worst_slope = 0.0;
    for (int64_t k = -8000; k <= 8000; k += 3) {
        float z = (float)k / 100.0f, y = (float)(k & 1), one = 1.0f, slope;
        struct loss_rows beside = {.y = &y, .weight = &one};
        double loss = loss_evaluate(LOSS_BCE, &beside, 1, 1, &z, &slope).loss;
        double exact = fmax(z, 0.0) - (double)z * y + log1p(exp(-fabs((double)z)));
        worst = fmax(worst, fabs(loss / exact - 1.0));
        worst_slope = fmax(worst_slope, fabs(slope - (loss_sigmoid(z) - y)));
    }
    assert_close(worst, 0.0, 1e-15);
    assert_close(worst_slope, 0.0, 6e-8);
    float nan = NAN, one = 1.0f;
    struct loss_rows beside = {.y = &one, .weight = &one};
    assert_all(isnan(loss_evaluate(LOSS_BCE, &beside, 1, 1, &nan, NULL).loss));
}

TEST_MAIN(cmocka_unit_test(test_hand), cmocka_unit_test(test_cross_entropy),
          cmocka_unit_test(test_slopes), cmocka_unit_test(test_golden),
          cmocka_unit_test(test_any_ranks), cmocka_unit_test(test_best_epoch),
          cmocka_unit_test(test_response), cmocka_unit_test(test_prior),
          cmocka_unit_test(test_divergence), cmocka_unit_test(test_refusals),
          cmocka_unit_test(test_faults))
