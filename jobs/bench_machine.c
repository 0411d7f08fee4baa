/* Multiply-adds, reading, copying and counting, as fast as they go. Compiled such that a product
 * and a sum are one operation, whatever the standard says about rounding twice. */
#include "jobs/bench_machine.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHAINS = 12, STEPS = 4000000, READ_BYTES = 1 << 28, TURNS = 6 };
enum { COUNTED_ROWS = 2048, COUNTED_TURNS = 4096, COUNTED_COLUMNS = 8 };

struct work {
    char *from, *to; /* [READ_BYTES] */
    double done;     /* by the last step */
    double sink;     /* so that no step is optimised away */
};

/* CHAINS independent chains of multiply-adds, enough to hide the latency of two units. */
#define DEFINE_CHAINS(name, target, type, bytes)                                        \
    target static void name(struct work *w)                                             \
    {                                                                                   \
        typedef type vector __attribute__((vector_size(bytes)));                        \
        vector x[CHAINS], scale, shift;                                                 \
        for (size_t l = 0; l < bytes / sizeof(type); l++) scale[l] = 0.5, shift[l] = 1; \
        for (int c = 0; c < CHAINS; c++) x[c] = shift + (type)c;                        \
        for (int64_t s = 0; s < STEPS; s++)                                             \
            for (int c = 0; c < CHAINS; c++) x[c] = x[c] * scale + shift;               \
        for (int c = 0; c < CHAINS; c++) w->sink += (double)x[c][0];                    \
        w->done = 2.0 * STEPS * CHAINS * (double)(bytes / sizeof(type));                \
    }

/* The sum of all words of 64 bits, in eight vectors. */
#define DEFINE_READ(name, target)                                            \
    target static void name(struct work *w)                                  \
    {                                                                        \
        const uint64_t *word = (const uint64_t *)(const void *)w->from;      \
        uint64_t sum[64] = {0};                                              \
        for (int64_t i = 0; i < READ_BYTES / (int64_t)sizeof *word; i += 64) \
            for (int64_t l = 0; l < 64; l++) sum[l] += word[i + l];          \
        for (int l = 0; l < 64; l++) w->sink += (double)sum[l];              \
        w->done = READ_BYTES;                                                \
    }

DEFINE_CHAINS(float_128, , float, 16)
DEFINE_CHAINS(double_128, , double, 16)
DEFINE_READ(read_128, )

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx512f")))
#define MIDDLE __attribute__((target("avx2,fma")))
DEFINE_CHAINS(float_512, WIDE, float, 64)
DEFINE_CHAINS(double_512, WIDE, double, 64)
DEFINE_READ(read_512, WIDE)
DEFINE_CHAINS(float_256, MIDDLE, float, 32)
DEFINE_CHAINS(double_256, MIDDLE, double, 32)
DEFINE_READ(read_256, MIDDLE)
#endif

/* The versions of the steps for this processor. */
struct steps {
    void (*single)(struct work *), (*full)(struct work *), (*read)(struct work *);
};

static struct steps choose(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return (struct steps){float_512, double_512, read_512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (struct steps){float_256, double_256, read_256};
#endif
    return (struct steps){float_128, double_128, read_128};
}

static void copy(struct work *w)
{
    memcpy(w->to, w->from, READ_BYTES);
    w->done = 2.0 * READ_BYTES;
}

/* Rows of bytes counted in a histogram of 256 bins for each column, four rows at once. */
static void count_bins(struct work *w)
{
    static uint8_t code[COUNTED_ROWS][COUNTED_COLUMNS];
    static int64_t bin[COUNTED_COLUMNS][256];
    uint32_t draw = 1;
    for (int i = 0; i < COUNTED_ROWS * COUNTED_COLUMNS; i++) {
        draw = draw * 1664525u + 1013904223u;
        code[i / COUNTED_COLUMNS][i % COUNTED_COLUMNS] = (uint8_t)(draw >> 24);
    }
    for (int turn = 0; turn < COUNTED_TURNS; turn++)
        for (int i = 0; i < COUNTED_ROWS; i += 4)
            for (int j = 0; j < COUNTED_COLUMNS; j++)
                for (int l = 0; l < 4; l++) bin[j][code[i + l][j]] += turn;
    w->sink += (double)bin[COUNTED_COLUMNS - 1][255];
    w->done = (double)COUNTED_ROWS * COUNTED_COLUMNS * COUNTED_TURNS;
}

/* What all ranks do in a second, in the fastest of a few turns, each begun by all together and
 * ended by the slowest. */
static double rate(const struct comm *comm, void (*step)(struct work *), struct work *w)
{
    double best = INFINITY;
    step(w);
    for (int turn = 0; turn < TURNS; turn++) {
        comm_barrier(comm);
        double start = clock_seconds();
        step(w);
        double seconds = clock_seconds() - start;
        comm_max_double(comm, &seconds, 1);
        best = fmin(best, seconds);
    }
    return w->done * comm->ranks / best;
}

enum status bench_machine_measure(const struct comm *comm, struct bench_machine *machine)
{
    enum status status = OK;
    struct work w = {0};
    struct steps steps = choose();
    TRY_ALL(comm, memory_new(&w.from, READ_BYTES, 1));
    TRY_ALL(comm, memory_new(&w.to, READ_BYTES, 1));
    machine->float_flops = rate(comm, steps.single, &w);
    machine->double_flops = rate(comm, steps.full, &w);
    machine->read_bytes = rate(comm, steps.read, &w);
    machine->copied_bytes = rate(comm, copy, &w);
    machine->counts = rate(comm, count_bins, &w);
    log_debug("bench: %g", w.sink);
done:
    free(w.from);
    free(w.to);
    return status;
}
