/* Rows of a unit before a block: counted at a rank chosen by the key, and sent back. */
#include "algorithms/unit_order.h"

#include "mpi/memory.h"

#include <stdlib.h>

struct question {
    uint64_t key;
    int64_t rows; /* in: of the unit in the block; out: before it */
    int64_t from; /* rank */
};

static int owner_of(const struct comm *comm, uint64_t key)
{
    key ^= key >> 33; /* mix, so that keys in any pattern spread */
    key *= 0xff51afd7ed558ccdULL;
    key ^= key >> 33;
    key *= 0xc4ceb9fe1a85ec53ULL;
    key ^= key >> 33;
    return (int)(key % (uint64_t)comm->ranks);
}

struct place {
    uint64_t key;
    int64_t at;
};

static int compare_place(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->key != right->key) return left->key < right->key ? -1 : 1;
    return (left->at > right->at) - (left->at < right->at);
}

/* Questions came by rank, so by block: each is answered by the sum of its unit's before it. */
static enum status answer(struct question *question, int64_t count)
{
    struct place *place = NULL;
    enum status status = memory_new(&place, count, sizeof *place);
    if (status != OK) return status;
    for (int64_t i = 0; i < count; i++) place[i] = (struct place){question[i].key, i};
    if (count > 0) qsort(place, (size_t)count, sizeof *place, compare_place);
    int64_t before = 0;
    for (int64_t i = 0; i < count; i++) {
        if (i > 0 && place[i].key != place[i - 1].key) before = 0;
        int64_t rows = question[place[i].at].rows;
        question[place[i].at].rows = before;
        before += rows;
    }
    free(place);
    return OK;
}

/* Order runs by the rank they are sent to, keeping their order within; to[r] counts them. */
static enum status address(const struct comm *comm, const struct unit_run *run, int64_t runs,
                           int64_t *to, struct question *question, int64_t *place)
{
    enum status status = OK;
    int64_t *next = NULL;
    TRY(memory_new(&next, comm->ranks + 1, sizeof *next));
    for (int64_t i = 0; i < runs; i++) to[owner_of(comm, run[i].key)]++;
    for (int r = 0; r < comm->ranks; r++) next[r + 1] = next[r] + to[r];
    for (int64_t i = 0; i < runs; i++) {
        place[i] = next[owner_of(comm, run[i].key)]++;
        question[place[i]] = (struct question){run[i].key, run[i].rows, comm->rank};
    }
done:
    free(next);
    return status;
}

enum status unit_order_find(const struct comm *comm, struct unit_run *run, int64_t runs)
{
    enum status status = OK;
    struct question *mine = NULL;
    void *asked = NULL, *answers = NULL;
    int64_t *to = NULL, *back = NULL, *place = NULL, count = 0, answered = 0;
    TRY_ALL(comm, memory_new(&to, comm->ranks, sizeof *to));
    TRY_ALL(comm, memory_new(&back, comm->ranks, sizeof *back));
    TRY_ALL(comm, memory_new(&mine, runs, sizeof *mine));
    TRY_ALL(comm, memory_new(&place, runs, sizeof *place));
    TRY_ALL(comm, address(comm, run, runs, to, mine, place));
    TRY(comm_exchange(comm, mine, to, sizeof *mine, &asked, &count));
    struct question *question = asked;
    for (int64_t i = 0; i < count; i++) back[question[i].from]++;
    TRY_ALL(comm, answer(question, count));
    TRY(comm_exchange(comm, question, back, sizeof *question, &answers, &answered));
    const struct question *told = answers;
    for (int64_t i = 0; i < runs; i++) run[i].before = told[place[i]].rows;
done:
    free(mine);
    free(asked);
    free(answers);
    free(to);
    free(back);
    free(place);
    return status;
}
