/* The start of a mixture on many rows: a sample of them, the same on any ranks. */
#include "tests/harness.h"

#include "algorithms/mixture.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 600000, COLUMNS = 2, K = 3 };

static double uniform(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 44) * 0x1p-20;
}

/* Spot i % K is a square of side 1 about (0, 0), (5, 0) or (0, 5). */
static enum status make_rows(const struct comm *comm, struct blocks *blocks, float **x)
{
    enum status status = OK;
    TRY(blocks_cut(comm, ROWS, BLOCK_ROWS, blocks));
    TRY(memory_new(x, blocks->rows_local * COLUMNS, sizeof **x));
    for (int64_t i = 0; i < blocks->rows_local * COLUMNS; i++) {
        int64_t cell = blocks->row_first * COLUMNS + i;
        bool spot = cell / COLUMNS % K == cell % COLUMNS + 1;
        (*x)[i] = (float)((spot ? 5.0 : 0.0) + uniform((uint64_t)cell) - 0.5);
    }
done:
    return status;
}

static void fit(const struct comm *comm, uint64_t seed, struct mixture_model **model)
{
    struct blocks blocks = {0};
    float *x = NULL;
    struct mixture_options opt = MIXTURE_OPTIONS_DEFAULTS;
    assert_all(make_rows(comm, &blocks, &x) == OK);
    struct mixture_rows rows = {
        .blocks = &blocks, .columns = COLUMNS, .single = x, .stride = COLUMNS};
    opt.k = K;
    opt.covariance = MIXTURE_DIAGONAL;
    opt.max_iterations = 2;
    opt.seed = seed;
    assert_all(mixture_fit(comm, &rows, &opt, model) == OK);
    blocks_clear(&blocks);
    free(x);
}

static void sampled(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct mixture_model *spread = NULL, *whole = NULL;
    fit(&world, 3, &spread);
    fit(&self, 3, &whole);
    assert_all(memcmp(spread->means, whole->means, K * COLUMNS * sizeof *whole->means) == 0);
    assert_all(spread->log_likelihood == whole->log_likelihood);
    for (int64_t c = 0; c < K; c++) {
        assert_close(spread->weights[c], 1.0 / K, 1e-5);
        for (int64_t j = 0; j < COLUMNS; j++) {
            double mean = mixture_mean(spread, c, j);
            assert_close(mean, mean > 2 ? 5 : 0, 0.01);
            assert_close(mixture_covariance_of(spread, c, j, j), 1.0 / 12, 0.001);
        }
    }
    mixture_free(&spread);
    mixture_free(&whole);
}

TEST_MAIN(cmocka_unit_test(sampled))
