/* Quantiles of regular samples, moved to the ends of groups. */
#include "partition/sorter_cuts.h"

#include "mpi/memory.h"

#include <stdlib.h>

enum { SAMPLES_PER_RUN = 20, SAMPLES_PER_RANGE = 16, SAMPLES_PER_RANK = 1024 };
enum { SAMPLES_MOST = 1 << 18 };

const uint64_t *cuts_key(const struct cuts *cuts, int64_t at)
{
    return at < 0 || at >= cuts->count ? NULL : cuts->key + at * cuts->words;
}

void cuts_clear(struct cuts *cuts)
{
    free(cuts->key);
    *cuts = (struct cuts){0};
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Every so many records one sample. A cut misses its place by at most half of that in every run:
 * with 20 samples for each run and rank, a rank's share by at most a twentieth. */
static int64_t choose_spacing(int64_t records, int64_t runs, int64_t ranks, int64_t ranges)
{
    int64_t samples = larger(SAMPLES_PER_RUN * runs, SAMPLES_PER_RANK);
    samples = samples > SAMPLES_MOST / ranks ? SAMPLES_MOST : samples * ranks;
    samples = larger(samples, SAMPLES_PER_RANGE * ranges);
    return larger(records / samples, 1);
}

/* Wide spacings are rounded to records whose words are in memory. */
static int64_t round_place(const struct runs *runs, const struct run *run, int64_t at,
                           int64_t spacing)
{
    int64_t near = (at + runs->step / 2) / runs->step * runs->step;
    return spacing >= 4 * runs->step && near < run->count ? near : at;
}

/* Samples stand at spacing / 2, 3 spacing / 2 .. of the records of all ranks one after another. */
static enum status take_samples(struct runs *runs, int64_t records_before, int64_t spacing,
                                uint64_t **samples, int64_t *count)
{
    enum status status = OK;
    int64_t at = (spacing / 2 - records_before) % spacing;
    *count = 0;
    if (at < 0) at += spacing;
    TRY(memory_new(samples, runs_records(runs) / spacing + 1,
                   (size_t)runs->group_words * sizeof **samples));
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        for (; at < run->count; at += spacing)
            TRY(runs_key(runs, run, round_place(runs, run, at, spacing),
                         *samples + (*count)++ * runs->group_words));
        at -= run->count;
    }
done:
    return status;
}

static enum status sort_samples(void *samples, int64_t count, int words, uint64_t **sorted)
{
    enum status status = OK;
    struct order order = {NULL, 0};
    size_t bytes = (size_t)words * sizeof **sorted;
    TRY(memory_new(sorted, count, bytes));
    TRY(order_sort(&order, samples, count, bytes, words, *sorted));
done:
    order_clear(&order);
    return status;
}

/* The next key in the order; the last one stays. */
static void step_key(uint64_t *key, int words)
{
    int word = words - 1;
    while (word >= 0 && key[word] == UINT64_MAX) word--;
    if (word < 0) return;
    key[word++]++;
    while (word < words) key[word++] = 0;
}

/* Cut i would part the group of its sample: it goes before or after it, whichever is nearer. */
static enum status place_cuts(const uint64_t *sorted, int64_t count, struct cuts *cuts)
{
    int words = cuts->words;
    size_t bytes = (size_t)words * sizeof *sorted;
    enum status status = memory_new(&cuts->key, cuts->count, bytes);
    if (status != OK || count == 0) return status;
    int64_t first = 0, end = 0; /* samples of one group */
    for (int64_t i = 0; i < cuts->count; i++) {
        double aim = (double)(i + 1) * (double)count / (double)(cuts->count + 1);
        int64_t sample = (int64_t)aim < count ? (int64_t)aim : count - 1;
        const uint64_t *group = sorted + sample * words;
        while (end <= sample) {
            first = end++;
            while (end < count &&
                   order_compare(sorted + end * words, sorted + first * words, 0, words) == 0)
                end++;
        }
        memcpy(cuts->key + i * words, group, bytes);
        if ((double)end - aim < aim - (double)first) step_key(cuts->key + i * words, words);
    }
    return OK;
}

enum status cuts_choose(const struct comm *comm, struct runs *runs, int64_t ranges,
                        struct cuts *cuts)
{
    enum status status = OK;
    uint64_t *mine = NULL, *sorted = NULL;
    void *all = NULL;
    int64_t total[2] = {runs_records(runs), runs->count}, count = 0, bytes_all = 0;
    int64_t sample_bytes = runs->group_words * (int64_t)sizeof *mine;
    int64_t before = comm_prefix_int64(comm, runs_records(runs));
    *cuts = (struct cuts){.count = ranges - 1, .words = runs->group_words};
    comm_sum_int64(comm, total, 2);
    int64_t spacing = choose_spacing(total[0], total[1], comm->ranks, ranges);
    TRY_ALL(comm, take_samples(runs, before, spacing, &mine, &count));
    TRY(comm_gather_all(comm, mine, count * sample_bytes, &all, &bytes_all));
    count = bytes_all / sample_bytes;
    TRY_ALL(comm, sort_samples(all, count, cuts->words, &sorted));
    TRY_ALL(comm, place_cuts(sorted, count, cuts));
done:
    free(mine);
    free(all);
    free(sorted);
    if (status != OK) cuts_clear(cuts);
    return status;
}
