/**
 * How fast a Gaussian mixture iterates: rows made in memory from a counter, a fixed start, a fixed
 * number of iterations.
 *
 * mpirun -np 2 bench_mixture [full|diag|tied [ROWS [COLUMNS [K [ITERATIONS]]]]] prints one line of
 * JSON. Row i lies about spot i % K: cell j is half of uniform(2^62 + spot COLUMNS + j) plus
 * uniform(row COLUMNS + j), where uniform takes the top 24 bits of the SplitMix64 hash to [-1, 1);
 * the start is the first K rows. bench/peer_mixture.py makes the same rows, so that both can be
 * timed on, and agree about, the same fit.
 */
#include "algorithms/mixture.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    enum mixture_covariance covariance;
    int64_t rows, columns, k, iterations;
};

static const char *const names[] = {"full", "diag", "tied"};

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static double uniform(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 40) * 0x1p-23 - 1.0;
}

static double cell(const struct setting *set, int64_t i, int64_t j)
{
    uint64_t spot = (uint64_t)(i % set->k * set->columns + j) + (UINT64_C(1) << 62);
    return 0.5 * uniform(spot) + uniform((uint64_t)(i * set->columns + j));
}

static struct setting read_setting(int argc, char **argv)
{
    struct setting set = {MIXTURE_FULL, 0, 0, 0, 0};
    int64_t number[4] = {500000, 16, 8, 10};
    for (int i = 2; i < argc && i <= 5; i++) number[i - 2] = strtoll(argv[i], NULL, 10);
    for (int c = 0; argc > 1 && c < 3; c++)
        if (strcmp(argv[1], names[c]) == 0) set.covariance = (enum mixture_covariance)c;
    set.rows = number[0], set.columns = number[1], set.k = number[2], set.iterations = number[3];
    return set;
}

static enum status make_rows(const struct setting *set, const struct blocks *blocks, double **x,
                             double **init)
{
    enum status status = OK;
    int64_t d = set->columns;
    TRY(memory_new(x, blocks->rows_local * d, sizeof **x));
    TRY(memory_new(init, set->k * d, sizeof **init));
    for (int64_t i = 0; i < blocks->rows_local * d; i++)
        (*x)[i] = cell(set, blocks->row_first + i / d, i % d);
    for (int64_t i = 0; i < set->k * d; i++) (*init)[i] = cell(set, i / d, i % d);
done:
    return status;
}

/* Multiplications and additions of one row in one iteration. */
static double flops_of(const struct setting *set)
{
    double d = (double)set->columns, k = (double)set->k, triangle = d * (d + 1) / 2;
    if (set->covariance == MIXTURE_FULL) return 4 * k * triangle;
    return set->covariance == MIXTURE_DIAGONAL ? 8 * k * d : 2 * triangle + 6 * k * d;
}

static void print_result(const struct comm *comm, const struct setting *set,
                         const struct mixture_model *model, double seconds)
{
    double each = seconds / (double)model->iterations; /* with the start's share */
    double rate = (double)set->rows / each;
    if (comm->rank != 0) return;
    printf("{\"bench\": \"mixture\", \"covariance\": \"%s\", \"rows\": %lld, \"columns\": %lld, "
           "\"k\": %lld, \"ranks\": %d, \"iterations\": %lld, \"seconds\": %.4f, "
           "\"seconds_per_iteration\": %.5f, \"rows_per_second\": %.4g, \"gflops\": %.1f, "
           "\"log_likelihood\": %.12g}\n",
           names[set->covariance], (long long)set->rows, (long long)set->columns, (long long)set->k,
           comm->ranks, (long long)model->iterations, seconds, each, rate,
           rate * flops_of(set) / 1e9, model->log_likelihood);
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    double *x = NULL, *init = NULL;
    struct mixture_model *model = NULL;
    TRY_ALL(comm, blocks_cut(comm, set->rows, BLOCK_ROWS, &blocks));
    TRY_ALL(comm, make_rows(set, &blocks, &x, &init));
    struct mixture_rows rows = {.blocks = &blocks, .columns = set->columns, .full = x};
    struct mixture_options opt = MIXTURE_OPTIONS_DEFAULTS;
    opt.k = set->k;
    opt.covariance = set->covariance;
    opt.max_iterations = set->iterations;
    opt.tolerance = 0.0;
    opt.init = init;
    comm_barrier(comm);
    double start = clock_seconds();
    TRY(mixture_fit(comm, &rows, &opt, &model));
    print_result(comm, set, model, clock_seconds() - start);
done:
    mixture_free(&model);
    blocks_clear(&blocks);
    free(x);
    free(init);
    return status;
}

int main(int argc, char **argv)
{
    struct comm comm;
    struct setting set = read_setting(argc, argv);
    enum status status = comm_start(&comm);
    log_start(&comm, LOG_WARNING);
    if (status == OK) status = run(&comm, &set);
    if (status != OK) log_line(LOG_ERROR, "%s", status_message());
    comm_end(&comm, status);
}
