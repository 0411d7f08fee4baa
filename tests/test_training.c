/* A training that is stopped again and again, each time on other ranks, against one that is not;
 * checkpoints of others and damaged ones; and what is left where the loss is no number. */
#include "jobs/training.h"

#include "mpi/memory.h"
#include "mpi/stop.h"
#include "tests/folders.h"
#include "tests/uniform.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 700, STEPS = 4, CHANNELS = 2, COLUMNS = STEPS * CHANNELS, BLOCK = 64, EPOCHS = 5 };

struct sample {
    struct blocks blocks;
    float *x, *y;
    uint8_t *part;
};

static enum status sample_make(const struct comm *comm, struct sample *s)
{
    enum status status = OK;
    *s = (struct sample){0};
    TRY(blocks_cut(comm, ROWS, BLOCK, &s->blocks));
    TRY(memory_new(&s->x, s->blocks.rows_local * COLUMNS, sizeof *s->x));
    TRY(memory_new(&s->y, s->blocks.rows_local, sizeof *s->y));
    TRY(memory_new(&s->part, s->blocks.rows_local, sizeof *s->part));
    for (int64_t i = 0; i < s->blocks.rows_local; i++) {
        float *x = s->x + i * COLUMNS;
        for (int j = 0; j < COLUMNS; j++)
            x[j] = (float)(2.0 * uniform(s->blocks.row_first + i, j) - 1.0);
        s->y[i] = x[6] * x[1] > 0.1f ? 1.0f : 0.0f;
    }
    network_split(&s->blocks, 5, 0.2, 0.0, s->part);
done:
    return status;
}

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->x);
    free(s->y);
    free(s->part);
}

struct outcome {
    struct network *model;
    struct network_history history;
};

static void outcome_clear(struct outcome *outcome)
{
    network_free(&outcome->model);
    network_history_clear(&outcome->history);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    const struct network_history *p = &a->history, *q = &b->history;
    size_t epochs = (size_t)p->epochs * sizeof *p->train;
    return p->epochs == q->epochs && p->best_epoch == q->best_epoch && p->stopped == q->stopped &&
           memcmp(p->train, q->train, epochs) == 0 &&
           memcmp(p->validation, q->validation, epochs) == 0 &&
           memcmp(a->model->weights, b->model->weights,
                  (size_t)a->model->weights_count * sizeof(float)) == 0;
}

static struct network_options options_of(void)
{
    struct network_options options = NETWORK_DEFAULTS;
    options.optimiser.rate = 0.02;
    options.optimiser.schedule = RATE_COSINE;
    options.batch = 50;
    options.epochs = EPOCHS;
    return options;
}

/* Rows on the ranks of comm, with dropout, by a GRU; with a bad row by what no value saturates. */
static enum status train(const struct comm *comm, const struct training *training,
                         const struct network_options *options, int64_t bad_row,
                         struct outcome *outcome)
{
    enum status status = OK;
    struct sample s;
    struct layer_plan plan[] = {{.kind = &layer_gru, .units = 5},
                                {.kind = &layer_dropout, .rate = 0.2}};
    if (bad_row >= 0)
        plan[0] =
            (struct layer_plan){.kind = &layer_dense, .activation = ACTIVATION_RELU, .units = 5};
    *outcome = (struct outcome){0};
    TRY(sample_make(comm, &s));
    int64_t bad = bad_row - s.blocks.row_first;
    if (bad >= 0 && bad < s.blocks.rows_local) s.x[bad * COLUMNS + 3] = 3e38f;
    TRY(network_new((struct layer_shape){STEPS, CHANNELS}, plan, 2, LOSS_BCE, &outcome->model));
    network_start(outcome->model, 7);
    struct network_data data = {
        .rows = {&s.blocks, COLUMNS, COLUMNS, s.x}, .y = s.y, .part = s.part};
    TRY(training_fit(comm, training, &data, options, outcome->model, &outcome->history));
done:
    sample_clear(&s);
    return status;
}

static struct training training_at(const char *path)
{
    return (struct training){.name = "the test", .path = path, .replaces = true};
}

static void flip_byte(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    if (file == NULL || fseek(file, at, SEEK_SET) != 0) abort();
    int byte = fgetc(file);
    if (fseek(file, at, SEEK_SET) != 0 || fputc(byte ^ 1, file) < 0 || fclose(file) != 0) abort();
}

static bool exists(const char *path)
{
    return access(path, R_OK) == 0;
}

/* ---- tests ---- */

/* What was over is not trained again, unless it is another training or the file is damaged. */
static void test_over(void **state)
{
    (void)state;
    struct network_options options = options_of();
    struct outcome reference, again;
    struct training none = training_at(NULL);
    char *path = scratch_path("over.h5");
    struct training kept = training_at(path);
    assert_all(train(&world, &none, &options, -1, &reference) == OK);
    kept.steps = 9;
    for (int pass = 0; pass < 3; pass++) {
        if (pass == 2 && world.rank == 0) flip_byte(path, 3000); /* among the weights */
        comm_barrier(&world);
        assert_all(train(&world, &kept, &options, -1, &again) == OK);
        assert_all(same(&reference, &again) && exists(path));
        outcome_clear(&again);
    }
    outcome_clear(&reference);
    options.seed = 2;
    assert_all(train(&world, &none, &options, -1, &reference) == OK);
    kept.replaces = false;
    assert_all(train(&world, &kept, &options, -1, &again) == ERR_DATA);
    assert_all(strstr(status_message(), "is of another training") != NULL && exists(path));
    outcome_clear(&again);
    kept.replaces = true;
    assert_all(train(&world, &kept, &options, -1, &again) == OK);
    assert_all(same(&reference, &again));
    outcome_clear(&again);
    outcome_clear(&reference);
    kept.path = scratch_folder;
    assert_all(train(&world, &kept, &options, -1, &again) == ERR_WRITE);
    outcome_clear(&again);
    assert_all(training_forget(&world, path) == OK && !exists(path));
    assert_all(training_forget(&world, path) == OK);
    free(path);
}

/* A step whose loss is no number: the row is named, the checkpoint before it stays. */
static void test_no_number(void **state)
{
    (void)state;
    struct network_options options = options_of();
    struct outcome here;
    char *path = scratch_path("bad.h5");
    struct training kept = training_at(path);
    kept.steps = 1;
    options.batch = 20;
    assert_all(train(&world, &kept, &options, 77, &here) == ERR_NUMERIC);
    assert_all(strstr(status_message(), "the test: ") != NULL);
    assert_all(strstr(status_message(), "the first data row 78;") != NULL);
    assert_all(strstr(status_message(), "The checkpoint before epoch 1, step ") != NULL);
    assert_all(exists(path));
    outcome_clear(&here);
    free(path);
}

static void test_faults(void **state)
{
    (void)state;
    struct network_options options = options_of();
    struct outcome here;
    char *path = scratch_path("faults.h5");
    struct training kept = training_at(path);
    options.epochs = 1;
    comm_inject_fault(-1, 0);
    assert_all(train(&world, &kept, &options, -1, &here) == OK);
    int64_t agreements = comm_agreements(), failed = 0;
    outcome_clear(&here);
    for (int64_t k = 0; k < agreements; k += 3) {
        assert_all(training_forget(&world, path) == OK);
        comm_inject_fault(k, (int)k % world.ranks);
        failed += train(&world, &kept, &options, -1, &here) != OK;
        comm_inject_fault(-1, 0);
        outcome_clear(&here);
    }
    assert_all(failed > 3 && 3 * failed < agreements); /* a checkpoint not written is no failure */
    free(path);
}

/* Asked to stop, a training goes on 8 steps in each process: here in one, on 1, 2, ... ranks by
 * turns. The last test: the request stays. */
static void test_stops(void **state)
{
    (void)state;
    struct network_options options = options_of();
    struct outcome reference, here = {0};
    struct training none = training_at(NULL);
    char *path = scratch_path("stops.h5");
    struct training kept = training_at(path);
    int64_t stops = 0, result = ERR_STOPPED;
    assert_all(train(&world, &none, &options, -1, &reference) == OK);
    stop_listen();
    raise(SIGUSR1);
    while (result == ERR_STOPPED && stops < 100) {
        struct comm part;
        assert_all(comm_split(&world, world.rank <= stops % world.ranks ? 0 : -1, &part) == OK);
        outcome_clear(&here);
        if (part.ranks > 0) result = train(&part, &kept, &options, -1, &here);
        comm_free(&part);
        comm_broadcast(&world, &result, sizeof result, 0);
        stops += result == ERR_STOPPED;
    }
    assert_all(result == OK && stops == (EPOCHS * 12 - 1) / 8);
    assert_all(world.rank != 0 || same(&reference, &here));
    outcome_clear(&reference);
    outcome_clear(&here);
    free(path);
}

static void test_end(void **state)
{
    (void)state;
    scratch_close();
}

static void test_begin(void **state)
{
    (void)state;
    scratch_open();
}

TEST_MAIN(cmocka_unit_test(test_begin), cmocka_unit_test(test_over),
          cmocka_unit_test(test_no_number), cmocka_unit_test(test_faults),
          cmocka_unit_test(test_stops), cmocka_unit_test(test_end))
