/* Taking records in their order: each round, every rank's range from the runs of all. */
#include "partition/sorter.h"

#include "mpi/memory.h"
#include "partition/sorter_cuts.h"

#include <stdlib.h>

enum { BATCH_BYTES = 16 << 20 };

/* Records from .. to - 1 of a run, for a rank. */
struct slice {
    int64_t from, to;
};

/* Room for `count` of anything; what it held is lost when it grows. */
struct room {
    void *at;
    int64_t count;
};

struct sorter {
    struct sorter_options options;
    struct runs runs;
    struct cuts cuts;
    int64_t rounds, round; /* of the taking; round < rounds: records may be taken */
    struct room slices;    /* struct slice [ranks][runs] */
    struct room counts;    /* int64_t [ranks] */
    struct room unsorted, sorted;
    struct order order;
};

/* What one rank gets: records not before `low` and before `high`, or with `through` not after it;
 * NULL: no limit. Only the first `words` words count. */
struct range {
    const uint64_t *low, *high;
    int words;
    bool through;
};

/* ---- filling ---- */

static enum status check_options(const struct sorter_options *o)
{
    if (o->record_bytes == 0 || o->record_bytes % sizeof(uint64_t) != 0)
        return FAIL(ERR_ARG, "records of %zu bytes; their size must be a multiple of 8",
                    o->record_bytes);
    if (o->words < 1 || (size_t)o->words > o->record_bytes / sizeof(uint64_t))
        return FAIL(ERR_ARG, "%d words of order in records of %zu bytes", o->words,
                    o->record_bytes);
    if (o->group_words < 1 || o->group_words > o->words)
        return FAIL(ERR_ARG, "groups by %d of %d words", o->group_words, o->words);
    if (o->memory_bytes < 0 || o->batch_bytes < 0 || o->folder == NULL)
        return FAIL(ERR_ARG, "a sorter needs a folder, and limits that are not negative");
    return OK;
}

enum status sorter_new(const struct sorter_options *options, struct sorter **sorter)
{
    enum status status = OK;
    struct sorter *fresh = NULL;
    *sorter = NULL;
    TRY(check_options(options));
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->options = *options;
    if (fresh->options.batch_bytes == 0) fresh->options.batch_bytes = BATCH_BYTES;
    TRY(runs_init(&fresh->runs, options->record_bytes, options->words, options->group_words,
                  options->memory_bytes, options->folder));
    *sorter = fresh;
    fresh = NULL;
done:
    sorter_free(&fresh);
    return status;
}

void sorter_free(struct sorter **sorter)
{
    struct sorter *old = *sorter;
    if (old == NULL) return;
    runs_clear(&old->runs);
    cuts_clear(&old->cuts);
    order_clear(&old->order);
    free(old->slices.at);
    free(old->counts.at);
    free(old->unsorted.at);
    free(old->sorted.at);
    free(old);
    *sorter = NULL;
}

enum status sorter_add(struct sorter *sorter, const void *record)
{
    if (sorter->round < sorter->rounds)
        return FAIL(ERR_BUG, "a record added while records are taken");
    return runs_add(&sorter->runs, record);
}

int64_t sorter_count(const struct sorter *sorter)
{
    return runs_records(&sorter->runs);
}

int64_t sorter_memory_bytes(const struct sorter *sorter)
{
    return runs_memory_bytes(&sorter->runs);
}

int64_t sorter_file_bytes(const struct sorter *sorter)
{
    return spool_file_bytes(sorter->runs.spool);
}

/* ---- taking ---- */

enum status sorter_open(const struct comm *comm, struct sorter *sorter)
{
    enum status status = OK;
    sorter->rounds = sorter->round = 0;
    cuts_clear(&sorter->cuts);
    TRY_ALL(comm, runs_end(&sorter->runs));
    int64_t bytes = sorter_count(sorter) * (int64_t)sorter->options.record_bytes;
    comm_sum_int64(comm, &bytes, 1);
    int64_t each = sorter->options.batch_bytes * comm->ranks, rounds = (bytes + each - 1) / each;
    if (rounds == 0) rounds = 1;
    TRY(cuts_choose(comm, &sorter->runs, rounds * comm->ranks, &sorter->cuts));
    sorter->rounds = rounds;
done:
    return status;
}

static enum status ensure(struct room *room, int64_t count, size_t size)
{
    if (room->at != NULL && count <= room->count) return OK;
    free(room->at);
    room->count = 0;
    enum status status = memory_new(&room->at, count, size);
    if (status == OK) room->count = count;
    return status;
}

/* What `rank` gets in a round. */
static struct range range_of(const struct comm *comm, const struct sorter *sorter, int64_t round,
                             int64_t rank)
{
    int64_t range =
        sorter->options.in_turn ? round * comm->ranks + rank : rank * sorter->rounds + round;
    return (struct range){cuts_key(&sorter->cuts, range - 1), cuts_key(&sorter->cuts, range),
                          sorter->options.group_words, false};
}

static bool is_empty(const struct cuts *cuts, const struct range *range)
{
    return range->low != NULL && range->high != NULL &&
           order_compare(range->low, range->high, 0, cuts->words) == 0;
}

static enum status find_slice(struct runs *runs, const struct run *run, const struct range *range,
                              struct slice *slice)
{
    enum status status = OK;
    *slice = (struct slice){0, run->count};
    if (range->low != NULL)
        TRY(runs_find(runs, run, range->low, range->words, false, &slice->from));
    if (range->high != NULL)
        TRY(runs_find(runs, run, range->high, range->words, range->through, &slice->to));
done:
    return status;
}

/* The slices of all runs for all ranks. A follower takes in the groups of the leader's next cut as
 * far as it compares fewer words than the leader: more records with these words may come later. */
static enum status find_slices(const struct comm *comm, struct sorter *sorter,
                               const struct sorter *leader, int64_t round, int words)
{
    enum status status = OK;
    struct runs *runs = &sorter->runs;
    TRY(ensure(&sorter->slices, comm->ranks * runs->count, sizeof(struct slice)));
    TRY(ensure(&sorter->counts, comm->ranks, sizeof(int64_t)));
    struct slice *slice = sorter->slices.at;
    int64_t *counts = sorter->counts.at;
    for (int64_t r = 0; r < comm->ranks; r++) {
        struct range range = range_of(comm, leader, round, r);
        bool empty = is_empty(&leader->cuts, &range);
        range.through = words < leader->options.group_words;
        range.words = words;
        counts[r] = 0;
        for (int64_t i = 0; i < runs->count; i++, slice++) {
            *slice = (struct slice){0, 0};
            if (!empty) TRY(find_slice(runs, &runs->run[i], &range, slice));
            counts[r] += slice->to - slice->from;
        }
    }
done:
    return status;
}

/* Their records, rank after rank. */
static enum status read_slices(const struct comm *comm, struct sorter *sorter, int64_t *count)
{
    enum status status = OK;
    const struct runs *runs = &sorter->runs;
    const struct slice *slice = sorter->slices.at;
    const int64_t *counts = sorter->counts.at;
    *count = 0;
    for (int r = 0; r < comm->ranks; r++) *count += counts[r];
    TRY(ensure(&sorter->unsorted, *count, runs->record_bytes));
    char *to = sorter->unsorted.at;
    for (int64_t i = 0; i < comm->ranks * runs->count; i++, slice++) {
        const struct run *run = &runs->run[i % runs->count];
        TRY(spool_read(runs->spool, run->first + slice->from, slice->to - slice->from, to));
        to += (size_t)(slice->to - slice->from) * runs->record_bytes;
    }
done:
    return status;
}

static enum status collect(const struct comm *comm, struct sorter *sorter,
                           const struct sorter *leader, int64_t round, int words, int64_t *count)
{
    enum status status = OK;
    if (round < 0 || round >= leader->rounds)
        return FAIL(ERR_BUG, "no batch of records to take; sorter_open begins");
    TRY(runs_end(&sorter->runs));
    TRY(find_slices(comm, sorter, leader, round, words));
    TRY(read_slices(comm, sorter, count));
done:
    return status;
}

static enum status sort_batch(struct sorter *sorter, void *records, int64_t count)
{
    const struct sorter_options *o = &sorter->options;
    enum status status = ensure(&sorter->sorted, count, o->record_bytes);
    if (status != OK) return status;
    return order_sort(&sorter->order, records, count, o->record_bytes, o->words, sorter->sorted.at);
}

/* Those records of `sorter` that fall into the leader's ranges of a round. Collective. */
static enum status bring(const struct comm *comm, struct sorter *sorter,
                         const struct sorter *leader, int64_t round, int words,
                         struct sorter_batch *batch)
{
    enum status status = OK;
    void *received = NULL;
    int64_t count = 0;
    TRY_ALL(comm, collect(comm, sorter, leader, round, words, &count));
    if (comm->ranks > 1)
        TRY(comm_exchange(comm, sorter->unsorted.at, sorter->counts.at,
                          sorter->options.record_bytes, &received, &count));
    TRY_ALL(comm, sort_batch(sorter, received != NULL ? received : sorter->unsorted.at, count));
    batch->records = sorter->sorted.at;
    batch->count = count;
    batch->more = round + 1 < leader->rounds;
done:
    free(received);
    return status;
}

enum status sorter_next(const struct comm *comm, struct sorter *sorter, struct sorter_batch *batch)
{
    *batch = (struct sorter_batch){0};
    enum status status =
        bring(comm, sorter, sorter, sorter->round, sorter->options.group_words, batch);
    if (status == OK) sorter->round++;
    return status;
}

enum status sorter_follow(const struct comm *comm, struct sorter *leader, struct sorter *sorter,
                          int words, struct sorter_batch *batch)
{
    enum status status = OK;
    *batch = (struct sorter_batch){0};
    bool fits =
        words >= 1 && words <= leader->options.group_words && words <= sorter->options.group_words;
    TRY_ALL(comm, fits ? OK : FAIL(ERR_ARG, "a sorter followed by %d words", words));
    TRY(bring(comm, sorter, leader, leader->round - 1, words, batch));
done:
    return status;
}
