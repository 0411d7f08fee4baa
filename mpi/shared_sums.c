/* Sums where the terms lie, or by MPI. */
#include "mpi/shared_sums.h"

#include "mpi/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 8,    /* int64 of a cache line, which no two ranks write */
    CHUNK = 1024 /* sums that stay in the first cache while terms are added */
};

static int64_t padded(int64_t count)
{
    return (count + LINE - 1) / LINE * LINE;
}

enum status shared_sums_init(const struct comm *comm, int64_t count, struct shared_sums *sums)
{
    enum status status = OK;
    int64_t stride = padded(count);
    *sums = (struct shared_sums){.count = count};
    TRY(nodes_find(comm, &sums->nodes));
    if (comm->ranks > 1 && sums->nodes.node.ranks == comm->ranks)
        TRY(shared_new(comm, &sums->nodes, (comm->ranks + 1) * stride * (int64_t)sizeof(int64_t),
                       &sums->memory));
    if (sums->memory.mapped) {
        int64_t *terms = sums->memory.data;
        sums->mine = terms + sums->nodes.node.rank * stride;
        sums->total = terms + comm->ranks * stride;
    } else {
        shared_free(&sums->memory);
        TRY_ALL(comm, memory_new(&sums->mine, count, sizeof *sums->mine));
        sums->total = sums->mine;
    }
done:
    return status;
}

void shared_sums_clear(struct shared_sums *sums)
{
    if (!sums->memory.mapped) free(sums->mine);
    shared_free(&sums->memory);
    nodes_free(&sums->nodes);
    *sums = (struct shared_sums){0};
}

void shared_sums_begin(const struct comm *comm, struct shared_sums *sums, int64_t first,
                       int64_t count)
{
    if (sums->memory.mapped) return;
    comm_sum_int64_begin(comm, sums->mine + first, (int)count, &sums->request[sums->requests++]);
}

/* total[0 .. count) of the terms of all ranks, which are `stride` apart */
static void add_terms(const int64_t *restrict term, int64_t stride, int64_t ranks, int64_t count,
                      int64_t *restrict total)
{
    memcpy(total, term, (size_t)count * sizeof *total);
    for (int64_t r = 1; r < ranks; r++)
        for (int64_t i = 0; i < count; i++) total[i] += term[r * stride + i];
}

/* This rank's part of the sums: whole cache lines. */
static void add_part(struct shared_sums *sums)
{
    const int64_t *terms = sums->memory.data;
    int64_t rank = sums->nodes.node.rank, ranks = sums->nodes.node.ranks;
    int64_t stride = padded(sums->count), lines = stride / LINE;
    int64_t first = lines * rank / ranks * LINE, end = lines * (rank + 1) / ranks * LINE;
    for (int64_t i = first; i < end; i += CHUNK)
        add_terms(terms + i, stride, ranks, end - i < CHUNK ? end - i : CHUNK, sums->total + i);
}

/* What this rank has written, all see behind it. */
static void meet(const struct comm *node)
{
    atomic_thread_fence(memory_order_seq_cst);
    comm_barrier(node);
    atomic_thread_fence(memory_order_seq_cst);
}

void shared_sums_end(struct shared_sums *sums)
{
    for (int64_t k = 0; k < sums->requests; k++) comm_wait(&sums->request[k]);
    sums->requests = 0;
    if (!sums->memory.mapped) return;
    meet(&sums->nodes.node);
    add_part(sums);
    meet(&sums->nodes.node);
}
