/**
 * What the machine can do: matrix products in both precisions and copying, on all ranks at once.
 *
 * mpirun -np 2 bench_limit prints one line of JSON: GFLOP/s of sgemm and dgemm on matrices that fit
 * the caches, GB/s read and written by copying memory that does not. The other benchmarks' rates
 * are shares of these.
 */
#include "mpi/log.h"
#include "mpi/memory.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 1024, COPY_BYTES = 1 << 28, TURNS = 10 };

struct work {
    double *a, *b, *c; /* [SIDE][SIDE]; the first half as float where that is measured */
    char *from, *to;   /* [COPY_BYTES] */
};

static void multiply_float(struct work *w)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, (float *)w->a, SIDE,
                (float *)w->b, SIDE, 0, (float *)w->c, SIDE);
}

static void multiply_double(struct work *w)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, w->a, SIDE, w->b,
                SIDE, 0, w->c, SIDE);
}

static void copy(struct work *w)
{
    memcpy(w->to, w->from, COPY_BYTES);
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
    double flops = 2.0 * SIDE * SIDE * SIDE * comm->ranks;
    TRY_ALL(comm, memory_new(&w.a, SIDE * SIDE, sizeof *w.a));
    TRY_ALL(comm, memory_new(&w.b, SIDE * SIDE, sizeof *w.b));
    TRY_ALL(comm, memory_new(&w.c, SIDE * SIDE, sizeof *w.c));
    TRY_ALL(comm, memory_new(&w.from, COPY_BYTES, 1));
    TRY_ALL(comm, memory_new(&w.to, COPY_BYTES, 1));
    double single = seconds_of(comm, multiply_float, &w);
    double full = seconds_of(comm, multiply_double, &w);
    double bytes = 2.0 * COPY_BYTES * comm->ranks, copied = seconds_of(comm, copy, &w);
    if (comm->rank == 0)
        printf(
            "{\"bench\": \"limit\", \"ranks\": %d, \"sgemm_gflops\": %.1f, \"dgemm_gflops\": %.1f, "
            "\"copy_gigabytes_per_second\": %.1f}\n",
            comm->ranks, flops / single / 1e9, flops / full / 1e9, bytes / copied / 1e9);
done:
    free(w.a);
    free(w.b);
    free(w.c);
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
