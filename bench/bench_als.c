/**
 * How fast factors alternate: ratings made in memory from a counter, a fixed number of iterations.
 *
 * mpirun -np 2 bench_als [implicit|explicit [USERS [ITEMS [FACTORS [ITERATIONS [DRAWS]]]]]] prints
 * one line of JSON. User u has 10 + DRAWS v^2 draws, v uniform; draw k is of item ITEMS v^3 with a
 * rating of 1 + 5 v, whole numbers, pairs drawn twice counting once; v are SplitMix64 hashes of
 * u * 8 * DRAWS and on. bench/peer_als.py makes the same ratings.
 */
#include "algorithms/als.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DRAWS_LEAST = 10, COUNTERS = 8 };

struct setting {
    bool implicit;
    int64_t users, items, factors, iterations, draws;
};

struct ratings {
    int64_t *start;
    int32_t *item;
    float *value;
};

struct draw {
    int32_t item, turn;
    float value;
};

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static double uniform(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

static struct setting read_setting(int argc, char **argv)
{
    int64_t number[5] = {100000, 20000, 64, 5, 180};
    for (int i = 2; i < argc && i <= 6; i++) number[i - 2] = strtoll(argv[i], NULL, 10);
    return (struct setting){argc < 2 || strcmp(argv[1], "implicit") == 0,
                            number[0],
                            number[1],
                            number[2],
                            number[3],
                            number[4]};
}

static int compare(const void *a, const void *b)
{
    const struct draw *x = a, *y = b;
    int by_item = (x->item > y->item) - (x->item < y->item);
    return by_item != 0 ? by_item : x->turn - y->turn;
}

/* The draws of a user in the order of items; of equal items the first one drawn counts. */
static int64_t draw(const struct setting *set, int64_t user, struct draw *all)
{
    uint64_t base = (uint64_t)(user * COUNTERS * set->draws);
    double v = uniform(base);
    int64_t kept = 0, count = DRAWS_LEAST + (int64_t)((double)set->draws * v * v);
    for (int64_t k = 0; k < count; k++) {
        double w = uniform(base + 4 + 4 * (uint64_t)k), r = uniform(base + 5 + 4 * (uint64_t)k);
        all[k] = (struct draw){(int32_t)((double)set->items * w * w * w), (int32_t)k,
                               (float)(1 + (int)(5.0 * r))};
    }
    qsort(all, (size_t)count, sizeof *all, compare);
    for (int64_t k = 0; k < count; k++)
        if (kept == 0 || all[k].item != all[kept - 1].item) all[kept++] = all[k];
    return kept;
}

static enum status make_ratings(const struct setting *set, const struct blocks *blocks,
                                struct ratings *r)
{
    enum status status = OK;
    const int64_t most = DRAWS_LEAST + set->draws;
    struct draw *all = NULL;
    TRY(memory_new(&all, most, sizeof *all));
    TRY(memory_new(&r->start, blocks->rows_local + 1, sizeof *r->start));
    TRY(memory_new(&r->item, blocks->rows_local * most, sizeof *r->item));
    TRY(memory_new(&r->value, blocks->rows_local * most, sizeof *r->value));
    for (int64_t u = 0; u < blocks->rows_local; u++) {
        int64_t count = draw(set, blocks->row_first + u, all), first = r->start[u];
        for (int64_t k = 0; k < count; k++) {
            r->item[first + k] = all[k].item;
            r->value[first + k] = all[k].value;
        }
        r->start[u + 1] = first + count;
    }
done:
    free(all);
    return status;
}

/* Flops as a direct solution takes them: factors^2 for each rating, twice, and a third of factors^3
 * for each user and item. */
static void print_result(const struct comm *comm, const struct setting *set,
                         const struct als_model *model, double seconds, double cpu_seconds)
{
    double each = seconds / (double)model->iterations, f = (double)set->factors;
    double flops = 2.0 * 2.0 * (double)model->ratings * f * f / 2.0 +
                   (double)(set->users + set->items) * f * f * f / 3.0;
    if (comm->rank != 0) return;
    printf("{\"bench\": \"als\", \"feedback\": \"%s\", \"users\": %lld, \"items\": %lld, "
           "\"ratings\": %lld, \"factors\": %lld, \"ranks\": %d, \"iterations\": %lld, "
           "\"seconds_per_iteration\": %.4f, \"cpu_seconds_per_iteration\": %.4f, "
           "\"rows_per_second\": %.4g, \"gflops\": %.1f, "
           "\"loss\": %.9g}\n",
           set->implicit ? "implicit" : "explicit", (long long)set->users, (long long)set->items,
           (long long)model->ratings, (long long)set->factors, comm->ranks,
           (long long)model->iterations, each, cpu_seconds / (double)model->iterations,
           (double)model->ratings / each, flops / each / 1e9, model->loss[model->iterations - 1]);
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    struct ratings r = {0};
    struct als_model *model = NULL;
    TRY_ALL(comm, blocks_cut(comm, set->users, 512, &blocks));
    TRY_ALL(comm, make_ratings(set, &blocks, &r));
    struct als_data data = {&blocks, set->items, r.start, r.item, r.value};
    struct als_options opt = ALS_DEFAULTS;
    opt.implicit = set->implicit;
    opt.factors = set->factors;
    opt.iterations = set->iterations;
    opt.lambda = set->implicit ? 30.0 : 0.12;
    opt.tolerance = 0.0;
    comm_barrier(comm);
    double start = clock_seconds(), seconds;
    clock_t ticks_before = clock();
    TRY(als_fit(comm, &data, &opt, &model));
    seconds = clock_seconds() - start;
    int64_t ticks = (int64_t)(clock() - ticks_before);
    comm_sum_int64(comm, &ticks, 1);
    print_result(comm, set, model, seconds, (double)ticks / CLOCKS_PER_SEC);
done:
    als_free(&model);
    blocks_clear(&blocks);
    free(r.start);
    free(r.item);
    free(r.value);
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
