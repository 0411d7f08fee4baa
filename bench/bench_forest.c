/**
 * How fast random forests grow: rows made in memory from a counter, bins found and trees grown.
 *
 * mpirun -np 2 bench_forest [ROWS [COLUMNS [TREES [DEPTH [FEATURES [BINS]]]]]] prints one line of
 * JSON. Row i, column j is uniform in [-1, 1): the top 24 bits of the SplitMix64 hash of
 * i * COLUMNS + j; the target is 2 x0 + 3 x1 x2 + 2 |x3| and noise of that kind by 2^40 + i.
 * FEATURES columns are drawn for each node, leaves have at least 5 rows. The rate counts rows times
 * trees over the time of bins and growth together. TEST_ROWS further rows are predicted, outside of
 * the time. bench/peer_forest.py makes the same rows. counts_per_second are the bins that rows were
 * added to, at nodes that became questions, in a second of growth.
 */
#include "algorithms/forest.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEST_ROWS = 50000 };

struct setting {
    int64_t rows, columns, trees, depth, features, bins;
};

struct seconds {
    double bins, grow;
};

/* Rows first .. of the table, in blocks. */
struct table {
    struct blocks blocks;
    struct rows rows;
    float *x;
    double *y;
};

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static float value(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23f - 1.0f;
}

static struct setting read_setting(int argc, char **argv)
{
    int64_t number[6] = {1000000, 32, 16, 8, 10, 255};
    for (int i = 1; i < argc && i <= 6; i++) number[i - 1] = strtoll(argv[i], NULL, 10);
    return (struct setting){number[0], number[1], number[2], number[3], number[4], number[5]};
}

static void table_clear(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->y);
}

static enum status table_make(const struct comm *comm, int64_t columns, int64_t first,
                              int64_t count, struct table *t)
{
    enum status status = OK;
    TRY(blocks_cut(comm, count, BLOCK_ROWS, &t->blocks));
    int64_t rows = t->blocks.rows_local;
    TRY(memory_new(&t->x, rows * columns, sizeof *t->x));
    TRY(memory_new(&t->y, rows, sizeof *t->y));
    for (int64_t i = 0; i < rows; i++) {
        uint64_t row = (uint64_t)(first + t->blocks.row_first + i);
        float *x = t->x + i * columns;
        for (int64_t j = 0; j < columns; j++) x[j] = value(row * (uint64_t)columns + (uint64_t)j);
        t->y[i] = 2 * (double)x[0] + 3 * (double)x[1] * (double)x[2] + 2 * fabs((double)x[3]) +
                  (double)value(row + (UINT64_C(1) << 40));
    }
    t->rows = (struct rows){&t->blocks, columns, columns, t->x};
done:
    return status;
}

static enum status fit(const struct comm *comm, const struct setting *set, const struct table *t,
                       struct seconds *seconds, struct forest **forest)
{
    enum status status = OK;
    struct bins *bins = NULL;
    uint8_t *code = NULL;
    struct forest_options opt = {.trees = set->trees,
                                 .depth = set->depth,
                                 .min_rows = 5,
                                 .features = set->features,
                                 .bootstrap = true,
                                 .seed = 1};
    comm_barrier(comm);
    double start = clock_seconds();
    TRY(bins_make(comm, &t->rows, NULL, set->bins, &bins));
    TRY_ALL(comm, memory_new(&code, set->columns * t->blocks.rows_local, sizeof *code));
    TRY_ALL(comm, bins_code(bins, &t->rows, code));
    seconds->bins = clock_seconds() - start;
    struct forest_data data = {.blocks = &t->blocks, .bins = bins, .code = code, .value = t->y};
    TRY(forest_fit(comm, &data, &opt, forest));
    seconds->grow = clock_seconds() - start - seconds->bins;
done:
    bins_free(&bins);
    free(code);
    return status;
}

static enum status judge(const struct comm *comm, const struct forest *forest,
                         const struct table *t, double *rmse)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    double *out = NULL;
    TRY_ALL(comm, exact_init(&sum, 1));
    TRY_ALL(comm, memory_new(&out, t->blocks.rows_local, sizeof *out));
    TRY_ALL(comm, forest_apply(forest, &t->rows, out));
    for (int64_t i = 0; i < t->blocks.rows_local; i++)
        exact_add_one(&sum, 0, (out[i] - t->y[i]) * (out[i] - t->y[i]));
    TRY(exact_reduce(comm, &sum));
    *rmse = sqrt(exact_get(&sum, 0) / (double)t->blocks.rows_total);
done:
    exact_clear(&sum);
    free(out);
    return status;
}

/* Bins that rows are added to: those of the columns drawn at every node, or of all columns for the
 * smaller of two siblings. A draw of n rows by Poisson(1) has n (1 - 1/e) different ones. */
static double counts_of(const struct setting *set, const struct forest *forest)
{
    bool every = 2 * set->features > set->columns;
    double rows = 0;
    for (int64_t t = 0; t < forest->trees; t++) {
        const struct tree_node *node = forest->tree[t].node;
        rows += every ? (double)node[0].rows : 0;
        for (int64_t i = 0; i < forest->tree[t].nodes; i++) {
            if (node[i].feature < 0) continue;
            int64_t left = node[node[i].left].rows, right = node[node[i].left + 1].rows;
            rows += (double)(every ? (left < right ? left : right) : node[i].rows);
        }
    }
    return (1 - exp(-1)) * rows * (double)(every ? set->columns : set->features);
}

static void print_result(const struct comm *comm, const struct setting *set,
                         const struct forest *forest, const struct seconds *seconds, double rmse)
{
    double all = seconds->bins + seconds->grow;
    if (comm->rank != 0) return;
    printf("{\"bench\": \"forest\", \"rows\": %lld, \"columns\": %lld, \"trees\": %lld, "
           "\"depth\": %lld, \"features\": %lld, \"bins\": %lld, \"ranks\": %d, "
           "\"seconds_bins\": %.3f, \"seconds_grow\": %.3f, \"seconds_per_tree\": %.4f, "
           "\"rows_per_second\": %.4g, \"counts_per_second\": %.4g, \"test_rmse\": %.5f}\n",
           (long long)set->rows, (long long)set->columns, (long long)set->trees,
           (long long)set->depth, (long long)set->features, (long long)set->bins, comm->ranks,
           seconds->bins, seconds->grow, seconds->grow / (double)set->trees,
           (double)(set->rows * set->trees) / all, counts_of(set, forest) / seconds->grow, rmse);
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct table train = {0}, test = {0};
    struct forest *forest = NULL;
    struct seconds seconds = {0};
    double rmse = 0;
    TRY_ALL(comm, table_make(comm, set->columns, 0, set->rows, &train));
    TRY_ALL(comm, table_make(comm, set->columns, set->rows, TEST_ROWS, &test));
    TRY(fit(comm, set, &train, &seconds, &forest));
    TRY(judge(comm, forest, &test, &rmse));
    print_result(comm, set, forest, &seconds, rmse);
done:
    forest_free(&forest);
    table_clear(&train);
    table_clear(&test);
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
