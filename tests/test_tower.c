/* Towers: a sequence and plain values in one row, against finite differences, an independent
 * implementation, and themselves row by row and on other ranks. */
#include "algorithms/network.h"
#include "algorithms/network_pass.h"
#include "mpi/memory.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 120, STEPS = 6, CHANNELS = 2, PLAIN = 5, EPOCHS = 12, BLOCK = 16, TOWERS = 3 };
enum { COLUMNS = STEPS * CHANNELS + PLAIN };

static const struct layer_shape SHAPE = {STEPS, CHANNELS};

/* tests/goldens/tower.py */
static const double GOLDEN_GRU[EPOCHS] = {0.67632198, 0.66155469, 0.64915884, 0.63998353,
                                          0.6323778,  0.62524426, 0.619187,   0.61270684,
                                          0.60523713, 0.59680682, 0.5879451,  0.57797152};
static const double GOLDEN_LSTM[EPOCHS] = {0.56457162, 0.39755952, 0.31614503, 0.28677979,
                                           0.28389567, 0.28926373, 0.29280677, 0.29119837,
                                           0.28489247, 0.27581993, 0.26614317, 0.25766382};
static const double GOLDEN_CNN[EPOCHS] = {0.53095543, 0.43898687, 0.33302504, 0.2810376,
                                          0.29245493, 0.32729107, 0.33727595, 0.30299145,
                                          0.24695487, 0.20471601, 0.19566861, 0.21110961};

struct tower {
    struct layer_plan plan[3];
    int64_t layers;
    struct network_join join;
    enum loss loss;
    enum optimiser_kind optimiser;
    double rate;
    const double *golden;
};

static const struct tower towers[TOWERS] = {
    {.plan = {{.kind = &layer_gru, .units = 7},
              {.kind = &layer_dense, .units = 6, .activation = ACTIVATION_RELU}},
     .layers = 2,
     .join = {PLAIN, 1},
     .loss = LOSS_BCE,
     .rate = 0.02,
     .golden = GOLDEN_GRU},
    {.plan = {{.kind = &layer_lstm, .units = 5},
              {.kind = &layer_dense, .units = 9, .activation = ACTIVATION_TANH}},
     .layers = 2,
     .join = {PLAIN, 1},
     .loss = LOSS_MSE,
     .rate = 0.02,
     .golden = GOLDEN_LSTM},
    {.plan = {{.kind = &layer_convolution, .units = 4, .width = 3, .activation = ACTIVATION_TANH},
              {.kind = &layer_max_pool, .width = 2}},
     .layers = 2,
     .join = {PLAIN, 2}, /* what the last layer takes */
     .loss = LOSS_MSE,
     .optimiser = OPTIMISER_SGD,
     .rate = 0.05,
     .golden = GOLDEN_CNN}};

struct sample {
    struct blocks blocks;
    float *x, *value, *truth;
};

static enum status sample_make(const struct comm *comm, struct sample *s)
{
    enum status status = OK;
    *s = (struct sample){0};
    TRY(blocks_cut(comm, ROWS, BLOCK, &s->blocks));
    int64_t mine = s->blocks.rows_local;
    TRY(memory_new(&s->x, mine * COLUMNS, sizeof *s->x));
    TRY(memory_new(&s->value, mine, sizeof *s->value));
    TRY(memory_new(&s->truth, mine, sizeof *s->truth));
    for (int64_t at = 0; at < mine; at++) {
        int64_t i = s->blocks.row_first + at;
        float *x = s->x + at * COLUMNS;
        for (int64_t j = 0; j < COLUMNS; j++)
            x[j] = (float)((i * 7 + j * 13 + i * j * 3) % 23) / 11.0f - 1.0f;
        s->value[at] = 0.8f * x[0] - 0.5f * x[5] * x[14] + 0.25f * x[16];
        s->truth[at] = x[3] + x[13] > 0.0f ? 1.0f : 0.0f;
    }
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

static enum status tower_new(const struct tower *tower, struct network **model)
{
    enum status status =
        network_new_tower(SHAPE, tower->join, tower->plan, tower->layers, tower->loss, model);
    for (int64_t k = 0; status == OK && k < (*model)->weights_count; k++)
        (*model)->weights[k] = (float)((k * 37 + 11) % 101) / 101.0f - 0.5f;
    return status;
}

static enum status tower_fit(const struct comm *comm, const struct tower *tower, int64_t batch,
                             struct network **model, struct network_history *history)
{
    enum status status = OK;
    struct sample s;
    struct network_options options = NETWORK_DEFAULTS;
    options.optimiser.kind = tower->optimiser;
    options.optimiser.rate = tower->rate;
    options.batch = batch;
    options.epochs = EPOCHS;
    TRY(sample_make(comm, &s));
    TRY(tower_new(tower, model));
    struct network_data data = {.rows = {&s.blocks, COLUMNS, COLUMNS, s.x},
                                .y = tower->loss == LOSS_BCE ? s.truth : s.value};
    TRY(network_fit(comm, &data, &options, *model, history));
done:
    sample_clear(&s);
    return status;
}

static void test_golden(void **state)
{
    (void)state;
    for (int t = 0; t < TOWERS; t++) {
        struct network *model = NULL;
        struct network_history history = {0};
        double worst = 0.0;
        assert_all(tower_fit(&world, &towers[t], ROWS, &model, &history) == OK);
        for (int64_t e = 0; e < EPOCHS; e++)
            worst = fmax(worst, fabs(history.train[e] - towers[t].golden[e]));
        assert_close(worst, 0.0, 1e-5);
        network_history_clear(&history);
        network_free(&model);
    }
}

static double loss_at(const struct tower *tower, const struct network *model,
                      struct network_pass *pass, const struct sample *s, float *slope)
{
    struct loss_rows beside = {.y = tower->loss == LOSS_BCE ? s->truth : s->value};
    static float ones[ROWS];
    for (int64_t i = 0; i < ROWS; i++) ones[i] = 1.0f;
    beside.weight = ones;
    network_pass_load(pass, model);
    for (int64_t i = 0; i < ROWS; i++) network_pass_put(pass, i, s->x + i * COLUMNS);
    network_pass_forward(pass, &(struct layer_rows){.count = ROWS});
    return loss_evaluate(tower->loss, &beside, ROWS, network_pass_stride(pass),
                         pass->out[pass->layers], slope)
        .loss;
}

/* Worst difference of a layer's slopes and central differences, relative to its largest slope. */
static double slope_error(const struct tower *tower, struct network *model,
                          struct network_pass *pass, struct network_pass *other,
                          const struct sample *s, int64_t layer)
{
    double worst = 0.0, largest = 1e-3, step = 0.01;
    int64_t first = network_layer_first(model, layer);
    for (int64_t k = 0; k < network_layer_first(model, layer + 1) - first; k++) {
        float *weight = &model->weights[first + k], kept = *weight;
        *weight = kept + (float)step;
        double up = loss_at(tower, model, other, s, NULL), wide = *weight;
        *weight = kept - (float)step;
        double down = loss_at(tower, model, other, s, NULL);
        wide -= *weight;
        *weight = kept;
        worst = fmax(worst, fabs((up - down) / wide - pass->slopes[k]));
        largest = fmax(largest, fabs(pass->slopes[k]));
    }
    return worst / largest;
}

static void test_slopes(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample s;
    assert_all(sample_make(&self, &s) == OK);
    for (int t = 0; t < TOWERS; t++) {
        struct tower tower = towers[t];
        struct network *model = NULL;
        struct network_pass pass = {0}, other = {0};
        for (int64_t l = 0; l < tower.layers; l++) { /* smooth, for differences */
            struct layer_plan *plan = &tower.plan[l];
            if (plan->activation == ACTIVATION_RELU) plan->activation = ACTIVATION_SOFTPLUS;
            if (plan->kind == &layer_max_pool) plan->kind = &layer_mean_pool;
        }
        assert_all(tower_new(&tower, &model) == OK);
        assert_all(network_pass_init(&pass, model, ROWS, true) == OK);
        assert_all(network_pass_init(&other, model, ROWS, false) == OK);
        loss_at(&tower, model, &pass, &s, network_pass_delta(&pass, pass.layers - 1));
        for (int64_t l = pass.layers - 1; l >= 0; l--) {
            network_pass_back(&pass, l, &(struct layer_rows){.count = ROWS});
            assert_close(slope_error(&tower, model, &pass, &other, &s, l), 0.0, 2e-3);
        }
        network_pass_clear(&pass);
        network_pass_clear(&other);
        network_free(&model);
    }
    sample_clear(&s);
}

/* The same weights on any ranks; a row's prediction is its own. */
static void test_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample s;
    static float all[ROWS], one;
    assert_all(sample_make(&self, &s) == OK);
    for (int t = 0; t < TOWERS; t++) {
        struct network *here = NULL, *alone = NULL;
        assert_all(tower_fit(&world, &towers[t], 40, &here, NULL) == OK);
        assert_all(tower_fit(&self, &towers[t], 40, &alone, NULL) == OK);
        assert_all(memcmp(here->weights, alone->weights,
                          (size_t)here->weights_count * sizeof(float)) == 0);
        assert_all(network_inputs(here) == COLUMNS);
        assert_all(network_apply(here, s.x, ROWS, COLUMNS, all) == OK);
        int64_t wrong = 0;
        for (int64_t i = 0; i < ROWS; i++)
            wrong +=
                network_apply(here, s.x + i * COLUMNS, 1, COLUMNS, &one) != OK || one != all[i];
        assert_all(wrong == 0);
        network_free(&here);
        network_free(&alone);
    }
    sample_clear(&s);
}

static void test_refusals(void **state)
{
    (void)state;
    struct network *model = NULL;
    struct tower tower = towers[0];
    tower.join.at = 3;
    assert_all(tower_new(&tower, &model) == ERR_ARG && model == NULL);
    tower.join = (struct network_join){-1, 0};
    assert_all(tower_new(&tower, &model) == ERR_ARG && model == NULL);
}

TEST_MAIN(cmocka_unit_test(test_golden), cmocka_unit_test(test_slopes),
          cmocka_unit_test(test_any_ranks), cmocka_unit_test(test_refusals))
