/**
 * What the machine can do: fused multiply-adds in both precisions, copying and counting, on all
 * ranks at once.
 *
 * mpirun -np 2 bench_limit prints one line of JSON: GFLOP/s of multiply-adds on registers, the most
 * that any kernel could reach, GB/s read and written by copying memory beyond the caches, and how
 * many bins of histograms that stay in the first cache can be added to in a second. The other
 * benchmarks' rates are shares of these.
 */
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTED_ROWS = 2048, COUNTED_TURNS = 4096 };
enum { CHAINS = 12, STEPS = 4000000, COPY_BYTES = 1 << 28, TURNS = 10 };

struct work {
    char *from, *to; /* [COPY_BYTES] */
    double flops;    /* of the last step */
    double sink;     /* so that no step is optimised away */
};

/* CHAINS independent chains of multiply-adds, enough to hide the latency of two units. */
#define DEFINE_CHAINS(name, instructions, type, bytes)                                  \
    __attribute__((target(instructions))) static void name(struct work *w)              \
    {                                                                                   \
        typedef type vector __attribute__((vector_size(bytes)));                        \
        vector x[CHAINS], scale, shift;                                                 \
        for (size_t l = 0; l < bytes / sizeof(type); l++) scale[l] = 0.5, shift[l] = 1; \
        for (int c = 0; c < CHAINS; c++) x[c] = shift + (type)c;                        \
        for (int64_t s = 0; s < STEPS; s++)                                             \
            for (int c = 0; c < CHAINS; c++) x[c] = x[c] * scale + shift;               \
        for (int c = 0; c < CHAINS; c++) w->sink += (double)x[c][0];                    \
        w->flops = 2.0 * STEPS * CHAINS * (double)(bytes / sizeof(type));               \
    }

DEFINE_CHAINS(float_512, "avx512f", float, 64)
DEFINE_CHAINS(double_512, "avx512f", double, 64)
DEFINE_CHAINS(float_256, "avx2,fma", float, 32)
DEFINE_CHAINS(double_256, "avx2,fma", double, 32)
DEFINE_CHAINS(float_128, "sse2", float, 16)
DEFINE_CHAINS(double_128, "sse2", double, 16)

static void add_float(struct work *w)
{
    if (__builtin_cpu_supports("avx512f"))
        float_512(w);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        float_256(w);
    else
        float_128(w);
}

static void add_double(struct work *w)
{
    if (__builtin_cpu_supports("avx512f"))
        double_512(w);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        double_256(w);
    else
        double_128(w);
}

static void copy(struct work *w)
{
    memcpy(w->to, w->from, COPY_BYTES);
}

/* Rows of 8 bytes counted in 8 histograms of 256 bins, four rows at once. */
static void count_bins(struct work *w)
{
    static uint8_t code[COUNTED_ROWS][8];
    static int64_t bin[8][256];
    uint32_t draw = 1;
    for (int i = 0; i < COUNTED_ROWS * 8; i++) {
        draw = draw * 1664525u + 1013904223u;
        code[i / 8][i % 8] = (uint8_t)(draw >> 24);
    }
    for (int turn = 0; turn < COUNTED_TURNS; turn++)
        for (int i = 0; i < COUNTED_ROWS; i += 4)
            for (int j = 0; j < 8; j++)
                for (int l = 0; l < 4; l++) bin[j][code[i + l][j]] += turn;
    w->sink += (double)bin[7][255];
    w->flops = 8.0 * COUNTED_ROWS * COUNTED_TURNS;
}

/* The fastest of a few turns, each begun by all ranks together and ended by the slowest. */
static double seconds_of(const struct comm *comm, void (*step)(struct work *), struct work *w)
{
    double best = 1e30;
    step(w);
    for (int turn = 0; turn < TURNS; turn++) {
        comm_barrier(comm);
        double start = clock_seconds();
        step(w);
        double seconds = clock_seconds() - start;
        comm_max_double(comm, &seconds, 1);
        if (seconds < best) best = seconds;
    }
    return best;
}

static enum status measure(const struct comm *comm)
{
    enum status status = OK;
    struct work w = {0};
    TRY_ALL(comm, memory_new(&w.from, COPY_BYTES, 1));
    TRY_ALL(comm, memory_new(&w.to, COPY_BYTES, 1));
    double single = seconds_of(comm, add_float, &w), single_flops = w.flops * comm->ranks;
    double full = seconds_of(comm, add_double, &w), full_flops = w.flops * comm->ranks;
    double copied = seconds_of(comm, copy, &w), bytes = 2.0 * COPY_BYTES * comm->ranks;
    double counted = seconds_of(comm, count_bins, &w), counts = w.flops * comm->ranks;
    if (comm->rank == 0)
        printf("{\"bench\": \"limit\", \"ranks\": %d, \"float_gflops\": %.1f, \"double_gflops\": "
               "%.1f, "
               "\"copy_gigabytes_per_second\": %.1f, \"counts_per_second\": %.4g}\n",
               comm->ranks, single_flops / single / 1e9, full_flops / full / 1e9,
               bytes / copied / 1e9, counts / counted);
done:
    free(w.from);
    free(w.to);
    return status;
}

int main(void)
{
    struct comm comm;
    enum status status = comm_start(&comm);
    log_start(&comm, LOG_INFO);
    if (status == OK) status = measure(&comm);
    if (status != OK) log_line(LOG_ERROR, "%s", status_message());
    comm_end(&comm, status);
}
