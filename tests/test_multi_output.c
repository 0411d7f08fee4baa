/* Lines of many outputs: by hand, beside an independent implementation, and by what makes them
 * least squares, at any number of ranks and columns. */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/multi_output.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 500, COLUMNS = 5, STRIDE = 16, OUTPUTS = 3, BLOCK = 37 };

/* tests/goldens/multi_output.py */
static const double golden[OUTPUTS][COLUMNS + 1] = {
    {-0.1327917936, 0.2034205851, -0.06707342005, -0.01410461866, 0, -0.7047375257},
    {-0.04903141456, 0.142160776, -0.04793802365, -0.00854164195, 0, -0.4442268812},
    {-0.1154597448, 0.08597291723, -0.03424179571, 0.02056798187, 0, -2.772979795},
};

/* This rank's rows. */
struct table {
    struct blocks blocks;
    float *x, *value;
    int64_t *start;
    int32_t *output;
    int64_t columns, stride;
    struct multi_output_data data;
};

static void row_of(const void *context, int64_t row, float *x)
{
    const struct table *t = context;
    memcpy(x, t->x + row * t->stride, (size_t)t->columns * sizeof *x);
}

static void table_new(struct table *t, const struct comm *comm, int64_t rows, int64_t columns,
                      int64_t stride)
{
    memset(t, 0, sizeof *t);
    assert_all(blocks_cut(comm, rows, BLOCK, &t->blocks) == OK);
    int64_t local = t->blocks.rows_local;
    assert_all(memory_new(&t->x, local * stride, sizeof *t->x) == OK);
    assert_all(memory_new(&t->start, local + 1, sizeof *t->start) == OK);
    assert_all(memory_new(&t->output, local * OUTPUTS, sizeof *t->output) == OK);
    assert_all(memory_new(&t->value, local * OUTPUTS, sizeof *t->value) == OK);
    t->columns = columns;
    t->stride = stride;
    t->data = (struct multi_output_data){&t->blocks, columns,   row_of,   t,  OUTPUTS,
                                         t->start,   t->output, t->value, 1.0};
}

static void table_clear(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->start);
    free(t->output);
    free(t->value);
}

static void golden_table(struct table *t, const struct comm *comm)
{
    int64_t entries = 0;
    table_new(t, comm, ROWS, COLUMNS, STRIDE);
    for (int64_t i = 0; i < t->blocks.rows_local; i++) {
        int64_t row = t->blocks.row_first + i;
        float *x = t->x + i * STRIDE;
        for (int j = 0; j < 4; j++) x[j] = (float)(40.0 * j + uniform(row, j) * (1 + j));
        x[4] = 7.5f;
        for (int k = 0; k < OUTPUTS; k++) {
            if (uniform(row, 10 + k) >= 0.2 + 0.1 * ((double)x[1] - 40.0)) continue;
            t->output[entries] = k;
            t->value[entries++] = 1.0f + (float)(row % 4) * 0.25f;
        }
        t->start[i + 1] = entries;
    }
}

static void as_another_implementation(void **state)
{
    (void)state;
    struct table t;
    struct multi_output *m = NULL;
    golden_table(&t, &world);
    assert_all(multi_output_fit(&world, &t.data, 5.0, &m) == OK);
    for (int k = 0; k < OUTPUTS; k++)
        for (int j = 0; j <= COLUMNS; j++)
            assert_close((double)m->coefficient[k * (COLUMNS + 1) + j], golden[k][j],
                         j == COLUMNS ? 2e-5 : 2e-6);
    multi_output_free(&m);
    table_clear(&t);
}

/* x = 1 2 3 6 and y = 2 at the last alone: y = -0.5 + (3/7)(x - 3) + 1; an output nobody has. */
static void as_by_hand(void **state)
{
    (void)state;
    struct table t;
    struct multi_output *m = NULL;
    const float five = 5.0f;
    table_new(&t, &world, 4, 1, 1);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        int64_t row = t.blocks.row_first + i;
        t.x[i] = row == 3 ? 6.0f : (float)(row + 1);
        t.value[t.start[i]] = 2.0f;
        t.output[t.start[i]] = 1;
        t.start[i + 1] = t.start[i] + (row == 3);
    }
    assert_all(multi_output_fit(&world, &t.data, 0.0, &m) == OK);
    assert_close((double)m->coefficient[2], 3.0 / 7.0, 1e-6);
    assert_close(multi_output_predict(m, &five, 1), 0.5 + 6.0 / 7.0, 1e-6);
    assert_close(multi_output_predict(m, &five, 0), 0.0, 0.0);
    float *turned = NULL, sum[4] = {0};
    assert_all(multi_output_turn(m, 4, &turned) == OK);
    multi_output_add(turned, five, 4, sum);
    multi_output_add(turned + 4, 1.0f, 4, sum);
    assert_close((double)sum[1], 0.5 + 6.0 / 7.0, 1e-6);
    assert_all(sum[0] == 0.0f && sum[2] == 0.0f && sum[3] == 0.0f);
    free(turned);
    multi_output_free(&m);
    table_clear(&t);
}

/* Random columns; each row has output row % 3 by the first of them. */
static void random_table(struct table *t, const struct comm *comm, int64_t rows, int64_t columns)
{
    table_new(t, comm, rows, columns, columns);
    for (int64_t i = 0; i < t->blocks.rows_local; i++) {
        int64_t row = t->blocks.row_first + i;
        for (int64_t j = 0; j < columns; j++)
            t->x[i * columns + j] = (float)(uniform(row * columns + j, 1) - 0.5);
        t->output[i] = (int32_t)(row % OUTPUTS);
        t->value[i] = t->x[i * columns] + 1.0f;
        t->start[i + 1] = i + 1;
    }
}

/* What is left of y is at a right angle to every column, but for the ridge's pull. */
static void gradient_vanishes(int64_t rows, int64_t columns, double ridge)
{
    struct table t;
    struct multi_output *m = NULL;
    struct comm self = comm_self(); /* the whole table, so that sums are plain */
    double *gradient = NULL;
    random_table(&t, &world, rows, columns);
    assert_all(multi_output_fit(&world, &t.data, ridge, &m) == OK);
    table_clear(&t);
    random_table(&t, &self, rows, columns);
    assert_all(memory_new(&gradient, 3 * columns + 1, sizeof *gradient) == OK);
    double *sum = gradient + columns + 1, *square = sum + columns;
    for (int64_t r = 0; r < rows; r++) {
        const float *x = t.x + r * columns;
        double rest = (t.output[r] == 1 ? (double)t.value[r] : 0.0) - multi_output_predict(m, x, 1);
        for (int64_t j = 0; j < columns; j++) {
            gradient[j] += rest * (double)x[j];
            sum[j] += (double)x[j];
            square[j] += (double)(x[j] * x[j]);
        }
        gradient[columns] += rest;
    }
    const float *slope = m->coefficient + columns + 1;
    for (int64_t j = 0; j < columns; j++) {
        double variance = square[j] / (double)rows - pow(sum[j] / (double)rows, 2);
        assert_close(gradient[j], ridge * variance * (double)slope[j], 2e-4);
    }
    assert_close(gradient[columns], 0.0, 2e-3);
    free(gradient);
    multi_output_free(&m);
    table_clear(&t);
}

static void right_angles(void **state)
{
    (void)state;
    gradient_vanishes(300, 30, 0.0);
    gradient_vanishes(20, 30, 1.0);   /* fewer rows than columns */
    gradient_vanishes(420, 390, 3.0); /* on the grid */
}

/* Of output 1 the first column tells much, of 0 and 2 nothing tells anything: lines of the former
 * are as steep as those without a ridge, of the latter flat. */
static void learned_ridges(void **state)
{
    (void)state;
    enum { MANY = 20 };
    struct table t;
    struct multi_output *m = NULL;
    table_new(&t, &world, 2000, MANY, MANY);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        int64_t row = t.blocks.row_first + i, at = t.start[i];
        for (int64_t j = 0; j < MANY; j++) t.x[i * MANY + j] = (float)uniform(row, (int)j);
        for (int k = 0; k < OUTPUTS; k++) {
            double chance = k == 1 ? (double)t.x[i * MANY] : 0.3;
            t.output[at] = k;
            t.value[at] = 1.0f;
            at += uniform(row, 30 + k) < chance;
        }
        t.start[i + 1] = at;
    }
    assert_all(multi_output_fit(&world, &t.data, MULTI_OUTPUT_LEARN, &m) == OK);
    assert_close((double)m->coefficient[MANY + 1], 1.0, 0.15);
    for (int64_t j = 0; j < MANY; j++) {
        assert_close((double)m->coefficient[j], 0.0, 0.03);
        assert_close((double)m->coefficient[2 * (MANY + 1) + j], 0.0, 0.03);
    }
    multi_output_free(&m);
    table_clear(&t);
}

static void same_bits(const struct table *spread, const struct table *whole, double ridge)
{
    struct multi_output *a = NULL, *b = NULL;
    struct comm self = comm_self();
    assert_all(multi_output_fit(&world, &spread->data, ridge, &a) == OK);
    assert_all(multi_output_fit(&self, &whole->data, ridge, &b) == OK);
    size_t bytes = (size_t)(OUTPUTS * (a->columns + 1)) * sizeof *a->coefficient;
    assert_all(memcmp(a->coefficient, b->coefficient, bytes) == 0);
    multi_output_free(&a);
    multi_output_free(&b);
}

static void same_bits_at_any_ranks(void **state)
{
    (void)state;
    struct table spread, whole;
    struct comm self = comm_self();
    golden_table(&spread, &world);
    golden_table(&whole, &self);
    same_bits(&spread, &whole, 5.0);
    same_bits(&spread, &whole, MULTI_OUTPUT_LEARN);
    table_clear(&spread);
    table_clear(&whole);
    random_table(&spread, &world, 400, 385);
    random_table(&whole, &self, 400, 385);
    same_bits(&spread, &whole, MULTI_OUTPUT_LEARN);
    table_clear(&spread);
    table_clear(&whole);
}

static void bad_input(void **state)
{
    (void)state;
    struct table t;
    struct multi_output *m = NULL;
    golden_table(&t, &world);
    assert_all(multi_output_fit(&world, &t.data, -2.0, &m) == ERR_ARG && m == NULL);
    if (t.blocks.rows_local > 0 && t.blocks.row_first == 0) t.output[0] = OUTPUTS;
    assert_all(multi_output_fit(&world, &t.data, 1.0, &m) == ERR_ARG);
    if (t.blocks.rows_local > 0 && t.blocks.row_first == 0) {
        t.output[0] = 0;
        t.x[3] = NAN;
    }
    assert_all(multi_output_fit(&world, &t.data, 1.0, &m) == ERR_NUMERIC);
    assert_non_null(strstr(status_message(), "column 3"));
    table_clear(&t);
    random_table(&t, &world, 10, 20); /* columns must depend on each other */
    assert_all(multi_output_fit(&world, &t.data, 0.0, &m) == ERR_NUMERIC && m == NULL);
    table_clear(&t);
    random_table(&t, &world, 0, 3);
    assert_all(multi_output_fit(&world, &t.data, 1.0, &m) == ERR_ARG);
    table_clear(&t);
}

static void faults(void **state)
{
    (void)state;
    struct table t;
    struct multi_output *m = NULL;
    golden_table(&t, &world);
    enum status status = ERR_BUG;
    for (int64_t k = 0; status != OK; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        status = multi_output_fit(&world, &t.data, 1.0, &m);
        comm_inject_fault(-1, 0);
        assert_all((status == OK) == (m != NULL));
    }
    multi_output_free(&m);
    table_clear(&t);
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(as_another_implementation),
          cmocka_unit_test(right_angles), cmocka_unit_test(learned_ridges),
          cmocka_unit_test(same_bits_at_any_ranks), cmocka_unit_test(bad_input),
          cmocka_unit_test(faults))
