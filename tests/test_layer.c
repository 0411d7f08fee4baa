/* Every kind of layer: its slopes against finite differences, loss curves against an independent
 * implementation, the same bytes on other ranks, and what is refused. */
#include "algorithms/layer.h"
#include "algorithms/network.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 120, STEPS = 8, CHANNELS = 3, EPOCHS = 12, BLOCK = 16 };

static const struct layer_shape SHAPE = {STEPS, CHANNELS};

/* ---- activations ---- */

static void test_activations(void **state)
{
    (void)state;
    double worst[ACTIVATION_SOFTPLUS + 1] = {0};
    for (double x = -86.0; x < 87.0; x += 0.0137) {
        float at = (float)x, z = at;
        double e = exp(-(double)at), exact[] = {z, at > 0.0f ? at : 0.0, tanh(z), 1.0 / (1.0 + e),
                                                fmax(at, 0.0) + log1p(exp(-fabs((double)at)))};
        double exponential = fabs(activation_exp(at) / exp((double)at) - 1.0);
        worst[ACTIVATION_NONE] = fmax(worst[ACTIVATION_NONE], exponential);
        for (int a = ACTIVATION_RELU; a <= ACTIVATION_SOFTPLUS; a++) {
            z = at;
            activation_apply((enum activation)a, &z, 1);
            worst[a] = fmax(worst[a], fabs(z - exact[a]) / fmax(1.0, fabs(exact[a])));
        }
    }
    for (int a = ACTIVATION_NONE; a <= ACTIVATION_SOFTPLUS; a++) assert_close(worst[a], 0.0, 3e-7);
    float nan = NAN, far = -1e30f;
    activation_apply(ACTIVATION_TANH, &nan, 1);
    activation_apply(ACTIVATION_SIGMOID, &far, 1);
    assert_all(nan != nan && far >= 0.0f && far < 1e-30f);
}

/* ---- slopes ---- */

/* One layer on a few rows: the loss is sum of out[i][j] part(i, j). */
struct bench {
    struct layer *layer;
    struct layer_rows rows;
    int64_t in_stride, out_stride, weights;
    float *x, *out, *delta, *x_slope, *weight, *slopes;
};

static const int64_t NUMBERS[] = {3, 100000, 7, 12, 19};

static double part(int64_t i, int64_t j)
{
    return (double)((i * 5 + j * 3) % 7) / 7.0 - 0.4;
}

static enum status bench_make(const struct layer_plan *plan, struct layer_shape in, struct bench *b)
{
    enum status status = OK;
    struct layer like = {
        .plan = *plan, .in = in, .number = 2, .rows_max = 5, .trains = true, .slopes_in = true};
    *b = (struct bench){.rows = {.count = 5, .number = NUMBERS, .seed = 4, .epoch = 6}};
    TRY(layer_new(&like, &b->layer));
    b->weights = layer_weights(plan, in);
    b->in_stride = vector_padded(layer_values(in));
    b->out_stride = vector_padded(layer_values(b->layer->out));
    TRY(memory_new(&b->x, 5 * b->in_stride + VECTOR_FLOATS, sizeof(float)));
    TRY(memory_new(&b->x_slope, 5 * b->in_stride + VECTOR_FLOATS, sizeof(float)));
    TRY(memory_new(&b->out, 5 * b->out_stride + VECTOR_FLOATS, sizeof(float)));
    TRY(memory_new(&b->delta, 5 * b->out_stride + VECTOR_FLOATS, sizeof(float)));
    TRY(memory_new(&b->weight, b->weights, sizeof(float)));
    TRY(memory_new(&b->slopes, b->weights, sizeof(float)));
    for (int64_t i = 0; i < 5; i++)
        for (int64_t j = 0; j < layer_values(in); j++)
            b->x[i * b->in_stride + j] = (float)((i * 41 + j * 29) % 47) / 23.0f - 1.0f;
    for (int64_t k = 0; k < b->weights; k++)
        b->weight[k] = (float)((k * 37 + 11) % 101) / 101.0f - 0.5f;
done:
    return status;
}

static void bench_clear(struct bench *b)
{
    layer_free(&b->layer);
    float *all[] = {b->x, b->x_slope, b->out, b->delta, b->weight, b->slopes};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
}

static double bench_loss(struct bench *b)
{
    const struct layer_kind *kind = b->layer->plan.kind;
    double sum = 0.0;
    if (kind->load != NULL) kind->load(b->layer, b->weight);
    kind->forward(b->layer, &b->rows, b->x, b->out);
    for (int64_t i = 0; i < 5; i++)
        for (int64_t j = 0; j < layer_values(b->layer->out); j++)
            sum += b->out[i * b->out_stride + j] * part(i, j);
    return sum;
}

/* |central difference by *value - slope| */
static double difference(struct bench *b, float *value, double slope)
{
    float kept = *value, step = 0.008f, up = kept + step, down = kept - step;
    *value = up;
    double high = bench_loss(b);
    *value = down;
    double low = bench_loss(b);
    *value = kept;
    return fabs((high - low) / ((double)up - (double)down) - slope);
}

static void check_slopes(struct layer_plan plan, struct layer_shape in)
{
    struct bench b;
    double worst = 0.0, largest = 0.0;
    assert_all(bench_make(&plan, in, &b) == OK);
    bench_loss(&b);
    for (int64_t i = 0; i < 5; i++)
        for (int64_t j = 0; j < layer_values(b.layer->out); j++)
            b.delta[i * b.out_stride + j] = (float)part(i, j);
    plan.kind->backward(b.layer, &b.rows, b.x, b.out, b.delta, b.slopes, b.x_slope);
    for (int64_t k = 0; k < b.weights; k++) {
        worst = fmax(worst, difference(&b, &b.weight[k], b.slopes[k]));
        largest = fmax(largest, fabs(b.slopes[k]));
    }
    assert_close(worst, 0.0, 1e-3 * fmax(largest, 1.0));
    assert_all(b.weights == 0 || largest > 0.1);
    worst = largest = 0.0;
    for (int64_t i = 0; i < 5; i++)
        for (int64_t j = 0; j < layer_values(in); j++) {
            double slope = b.x_slope[i * b.in_stride + j];
            worst = fmax(worst, difference(&b, &b.x[i * b.in_stride + j], slope));
            largest = fmax(largest, fabs(slope));
        }
    assert_close(worst, 0.0, 1e-3 * fmax(largest, 1.0));
    assert_all(largest > 0.05 || plan.kind == &layer_embedding); /* codes have none */
    bench_clear(&b);
}

static void test_slopes(void **state)
{
    (void)state;
    const struct layer_shape wide = {5, 16};
    struct layer_plan plan = {.kind = &layer_dense, .units = 6, .activation = ACTIVATION_SOFTPLUS};
    check_slopes(plan, SHAPE);
    plan = (struct layer_plan){
        .kind = &layer_convolution, .units = 5, .width = 3, .activation = ACTIVATION_TANH};
    check_slopes(plan, SHAPE);
    plan.stride = 2;
    check_slopes(plan, SHAPE);
    plan.stride = plan.width = 1;
    plan.units = 16;
    check_slopes(plan, wide);
    plan = (struct layer_plan){.kind = &layer_max_pool, .width = 3, .stride = 2};
    check_slopes(plan, SHAPE);
    plan.kind = &layer_mean_pool;
    check_slopes(plan, SHAPE);
    plan = (struct layer_plan){.kind = &layer_mean_pool};
    check_slopes(plan, wide);
    plan = (struct layer_plan){.kind = &layer_dropout, .rate = 0.4};
    check_slopes(plan, SHAPE);
    plan = (struct layer_plan){.kind = &layer_embedding, .codes = 2, .units = 3};
    check_slopes(plan, SHAPE);
}

static void test_recurrent_slopes(void **state)
{
    (void)state;
    const struct layer_kind *kinds[] = {&layer_gru, &layer_lstm};
    for (int k = 0; k < 2; k++) {
        struct layer_plan plan = {.kind = kinds[k], .units = 4};
        check_slopes(plan, SHAPE);
        plan.every_step = true;
        check_slopes(plan, SHAPE);
        plan.units = 16;
        check_slopes(plan, (struct layer_shape){2, 16});
    }
}

/* ---- goldens ---- */

/* tests/goldens/layer.py */
static const double GOLDEN_CNN[EPOCHS] = {0.70412499, 0.69515079, 0.69067442, 0.68727124,
                                          0.68365252, 0.67982775, 0.67580974, 0.67151821,
                                          0.66654932, 0.66061002, 0.65350747, 0.6453554};
static const double GOLDEN_GRU[EPOCHS] = {0.70175236, 0.47375342, 0.32272848, 0.25735074,
                                          0.268352,   0.301485,   0.3066949,  0.28712982,
                                          0.26127735, 0.24209951, 0.23342904, 0.23243515};
static const double GOLDEN_LSTM[EPOCHS] = {0.13764253, 0.13753653, 0.13700162, 0.13688432,
                                           0.13627706, 0.13560037, 0.1351428,  0.13466868,
                                           0.13405916, 0.13373147, 0.13296402, 0.13192792};

static const double GOLDEN_CODES[EPOCHS] = {0.62560344, 0.38069692, 0.28211471, 0.28859541,
                                            0.32729405, 0.33970368, 0.32591996, 0.30268878,
                                            0.28244102, 0.27021444, 0.26580086, 0.26661646};

struct sample {
    struct blocks blocks;
    float *x, *value, *truth;
};

static void sample_row(struct sample *s, int64_t at, int64_t i)
{
    float *x = s->x + at * STEPS * CHANNELS;
    for (int64_t j = 0; j < STEPS * CHANNELS; j++)
        x[j] = (float)((i * 7 + j * 13 + i * j * 3) % 23) / 11.0f - 1.0f;
    s->value[at] = 0.8f * x[0] - 0.5f * x[5] * x[22] + 0.25f;
    s->truth[at] = x[4] + x[21] > 0.0f ? 1.0f : 0.0f;
}

static enum status sample_make(const struct comm *comm, struct sample *s)
{
    enum status status = OK;
    *s = (struct sample){0};
    TRY(blocks_cut(comm, ROWS, BLOCK, &s->blocks));
    int64_t mine = s->blocks.rows_local;
    TRY(memory_new(&s->x, mine * STEPS * CHANNELS, sizeof *s->x));
    TRY(memory_new(&s->value, mine, sizeof *s->value));
    TRY(memory_new(&s->truth, mine, sizeof *s->truth));
    for (int64_t i = 0; i < mine; i++) sample_row(s, i, s->blocks.row_first + i);
done:
    return status;
}

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->x);
    free(s->value);
    free(s->truth);
}

struct trial {
    struct layer_plan plan[6];
    int64_t layers;
    enum loss loss;
    struct network_options options;
    struct network *model; /* out */
    struct network_history history;
};

static enum status trial_run(const struct comm *comm, struct trial *trial)
{
    enum status status = OK;
    struct sample s;
    TRY(sample_make(comm, &s));
    TRY(network_new(SHAPE, trial->plan, trial->layers, trial->loss, &trial->model));
    struct network *model = trial->model;
    for (int64_t k = 0; k < model->weights_count; k++)
        model->weights[k] = (float)((k * 37 + 11) % 101) / 101.0f - 0.5f;
    struct network_data data = {.rows = {&s.blocks, STEPS * CHANNELS, STEPS * CHANNELS, s.x},
                                .y = trial->loss == LOSS_BCE ? s.truth : s.value};
    TRY(network_fit(comm, &data, &trial->options, model, &trial->history));
done:
    sample_clear(&s);
    return status;
}

static void trial_clear(struct trial *trial)
{
    network_free(&trial->model);
    network_history_clear(&trial->history);
}

static struct network_options options_with(enum optimiser_kind kind, double rate, double clip)
{
    struct network_options options = NETWORK_DEFAULTS;
    options.optimiser.kind = kind;
    options.optimiser.rate = rate;
    options.optimiser.clip = clip;
    options.batch = ROWS;
    options.epochs = EPOCHS;
    return options;
}

static struct trial cnn(void)
{
    struct layer_plan first = {
        .kind = &layer_convolution, .units = 5, .width = 3, .activation = ACTIVATION_RELU};
    struct layer_plan second = {
        .kind = &layer_convolution, .units = 4, .width = 2, .activation = ACTIVATION_TANH};
    struct layer_plan pool = {.kind = &layer_max_pool, .width = 2};
    struct layer_plan mean = {.kind = &layer_mean_pool, .width = 2, .stride = 1};
    struct layer_plan dense = {.kind = &layer_dense, .units = 6, .activation = ACTIVATION_SOFTPLUS};
    return (struct trial){.plan = {first, pool, second, mean, dense},
                          .layers = 5,
                          .loss = LOSS_BCE,
                          .options = options_with(OPTIMISER_ADAM, 0.02, 0.0)};
}

static struct trial gru(void)
{
    struct layer_plan first = {.kind = &layer_gru, .units = 7, .every_step = true};
    struct layer_plan second = {.kind = &layer_gru, .units = 5};
    return (struct trial){.plan = {first, second},
                          .layers = 2,
                          .loss = LOSS_MSE,
                          .options = options_with(OPTIMISER_ADAM, 0.02, 0.0)};
}

static struct trial lstm(void)
{
    struct layer_plan first = {.kind = &layer_lstm, .units = 6, .every_step = true};
    struct layer_plan second = {.kind = &layer_lstm, .units = 4};
    return (struct trial){.plan = {first, second},
                          .layers = 2,
                          .loss = LOSS_HUBER,
                          .options = options_with(OPTIMISER_SGD, 4.0, 0.01)};
}

/* values of x are -1 to 1: codes 0 and 1, and what lies below */
static struct trial codes(void)
{
    struct trial trial = gru();
    trial.plan[1] = trial.plan[0];
    trial.plan[0] = (struct layer_plan){.kind = &layer_embedding, .codes = 2, .units = 3};
    trial.plan[1].every_step = false;
    return trial;
}

static void check_golden(struct trial trial, const double *golden)
{
    double worst = 0.0;
    assert_all(trial_run(&world, &trial) == OK);
    for (int64_t e = 0; e < EPOCHS; e++)
        worst = fmax(worst, fabs(trial.history.train[e] - golden[e]));
    assert_close(worst, 0.0, 1e-5);
    trial_clear(&trial);
}

static void test_golden(void **state)
{
    (void)state;
    check_golden(cnn(), GOLDEN_CNN);
    check_golden(gru(), GOLDEN_GRU);
    check_golden(lstm(), GOLDEN_LSTM);
    check_golden(codes(), GOLDEN_CODES);
}

/* ---- any ranks ---- */

static void check_any_ranks(struct trial here)
{
    struct comm self = comm_self();
    here.options.batch = 50;
    here.options.epochs = 3;
    struct trial alone = here;
    assert_all(trial_run(&world, &here) == OK);
    assert_all(trial_run(&self, &alone) == OK);
    assert_all(memcmp(here.history.train, alone.history.train, 3 * sizeof(double)) == 0);
    size_t bytes = (size_t)here.model->weights_count * sizeof(float);
    assert_all(memcmp(here.model->weights, alone.model->weights, bytes) == 0);
    trial_clear(&here);
    trial_clear(&alone);
}

static void test_any_ranks(void **state)
{
    (void)state;
    struct trial dropped = cnn();
    dropped.plan[4] = (struct layer_plan){.kind = &layer_dropout, .rate = 0.3};
    check_any_ranks(cnn());
    check_any_ranks(gru());
    check_any_ranks(lstm());
    check_any_ranks(dropped);
    check_any_ranks(codes());
}

/* ---- bf16 ---- */

/* Training in bf16 takes nearly the course of float32, but not the same, and the same bytes on any
 * ranks. */
static void check_bf16(struct trial trial, const double *golden)
{
    double worst = 0.0;
    trial.options.bf16 = true;
    struct trial whole = trial;
    assert_all(trial_run(&world, &whole) == OK);
    for (int64_t e = 0; e < EPOCHS; e++)
        worst = fmax(worst, fabs(whole.history.train[e] / golden[e] - 1.0));
    assert_all(worst > 1e-7 && worst < 0.01);
    trial_clear(&whole);
    check_any_ranks(trial);
}

/* Slopes by products in bf16 are those of float32 but for the rounding. */
static void check_bf16_slopes(struct layer_plan plan, struct layer_shape in)
{
    struct bench b;
    float *kept = NULL;
    double worst = 0.0, largest = 0.0;
    assert_all(bench_make(&plan, in, &b) == OK);
    assert_all(memory_new(&kept, b.weights, sizeof *kept) == OK);
    for (int precision = GEMM_FLOAT32; precision <= (int)GEMM_BF16; precision++) {
        b.layer->precision = (enum gemm_precision)precision;
        bench_loss(&b);
        for (int64_t i = 0; i < 5; i++)
            for (int64_t j = 0; j < layer_values(b.layer->out); j++)
                b.delta[i * b.out_stride + j] = (float)part(i, j);
        plan.kind->backward(b.layer, &b.rows, b.x, b.out, b.delta, b.slopes, b.x_slope);
        if (precision == GEMM_FLOAT32) memcpy(kept, b.slopes, (size_t)b.weights * sizeof *kept);
    }
    for (int64_t k = 0; k < b.weights; k++) {
        worst = fmax(worst, fabs(b.slopes[k] - kept[k]));
        largest = fmax(largest, fabs(kept[k]));
    }
    assert_all(worst > 1e-6 * largest && worst < 0.02 * largest);
    free(kept);
    bench_clear(&b);
}

static void test_bf16(void **state)
{
    (void)state;
    check_bf16(cnn(), GOLDEN_CNN);
    check_bf16(gru(), GOLDEN_GRU);
    check_bf16(lstm(), GOLDEN_LSTM);
    check_bf16_slopes(
        (struct layer_plan){.kind = &layer_dense, .units = 6, .activation = ACTIVATION_RELU},
        SHAPE);
    check_bf16_slopes(
        (struct layer_plan){
            .kind = &layer_convolution, .units = 5, .width = 3, .activation = ACTIVATION_TANH},
        SHAPE);
    check_bf16_slopes((struct layer_plan){.kind = &layer_gru, .units = 7}, SHAPE);
    check_bf16_slopes((struct layer_plan){.kind = &layer_lstm, .units = 7}, SHAPE);
}

/* Dropping thins the values by the rate and keeps their mean; other epochs, rows and layers drop
 * others; nothing is dropped once the network is trained. */
static void test_dropout(void **state)
{
    (void)state;
    struct layer_plan plan = {.kind = &layer_dropout, .rate = 0.25};
    const struct layer_shape in = {40, 50};
    struct bench b;
    assert_all(bench_make(&plan, in, &b) == OK);
    for (int64_t k = 0; k < 5 * b.in_stride; k++) b.x[k] = 1.0f;
    double zeros = 0.0, sum = 0.0, moved = 0.0;
    bench_loss(&b);
    memcpy(b.delta, b.out, (size_t)(5 * b.out_stride) * sizeof(float));
    b.rows.epoch++;
    bench_loss(&b);
    for (int64_t i = 0; i < 5; i++)
        for (int64_t j = 0; j < 2000; j++) {
            float out = b.out[i * b.out_stride + j];
            zeros += out == 0.0f;
            sum += out;
            moved += out != b.delta[i * b.out_stride + j];
        }
    assert_close(zeros / 10000.0, 0.25, 0.02);
    assert_close(sum / 10000.0, 1.0, 0.03);
    assert_close(moved / 10000.0, 2 * 0.25 * 0.75, 0.02);
    b.rows.number = NULL;
    bench_loss(&b);
    for (int64_t i = 0; i < 5; i++)
        assert_all(memcmp(b.x + i * b.in_stride, b.out + i * b.out_stride, 2000 * sizeof(float)) ==
                   0);
    bench_clear(&b);
}

/* ---- refusals ---- */

static void check_refused(struct layer_plan plan, const char *message)
{
    struct network *model = NULL;
    struct layer_plan plans[] = {{.kind = &layer_max_pool, .width = 4}, plan};
    assert_all(network_new(SHAPE, plans, 2, LOSS_MSE, &model) == ERR_ARG && model == NULL);
    assert_all(strstr(status_message(), message) != NULL);
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused((struct layer_plan){.kind = &layer_convolution, .units = 2, .width = 3},
                  "layer 2 of the network (convolution, on 2 steps of 3 channels): a window of 3 "
                  "steps is longer");
    check_refused((struct layer_plan){.kind = &layer_mean_pool, .width = 3}, "mean pool");
    check_refused((struct layer_plan){.kind = &layer_gru}, "0 hidden units");
    check_refused((struct layer_plan){.kind = &layer_dropout, .rate = 1.0}, "from 0 to 0.99");
    check_refused((struct layer_plan){.kind = &layer_embedding, .units = 2}, "0 codes of 2");
    check_refused((struct layer_plan){.kind = &layer_dense, .units = 70000}, "at most 65536");
}

TEST_MAIN(cmocka_unit_test(test_activations), cmocka_unit_test(test_slopes),
          cmocka_unit_test(test_recurrent_slopes), cmocka_unit_test(test_golden),
          cmocka_unit_test(test_any_ranks), cmocka_unit_test(test_bf16),
          cmocka_unit_test(test_dropout), cmocka_unit_test(test_refusals))
