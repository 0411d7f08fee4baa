/* Medians by counting equal values in their order, means by exact sums. */
#include "jobs/group_statistics.h"

#include "jobs/tally.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { TERM_BITS = 46 }; /* sums of mpi/exact.h stay below 2^46 */

struct group_statistics {
    struct tally *by_group; /* group, value; NULL: not grouped */
    struct tally *whole;    /* value, 0 */
    int64_t count;          /* values added here; over all ranks once finished */
    double largest;         /* magnitude; as well */
    int64_t groups;
    struct group_statistic all;
    struct group_statistic *group; /* [groups] */
};

/* The two values in the middle of `count`, looked for in ascending order. */
struct middle {
    int64_t place[2]; /* 0-based */
    int64_t passed;   /* values before the next ones */
    double value[2];  /* -INFINITY until found */
};

static struct middle middle_of(int64_t count)
{
    return (struct middle){{(count - 1) / 2, count / 2}, 0, {-INFINITY, -INFINITY}};
}

/* `count` values more, all equal. */
static void pass(struct middle *middle, double value, int64_t count)
{
    int64_t end = middle->passed + count;
    for (int m = 0; m < 2; m++)
        if (middle->place[m] >= middle->passed && middle->place[m] < end) middle->value[m] = value;
    middle->passed = end;
}

static double median_of(const struct middle *middle)
{
    return middle->value[0] / 2.0 + middle->value[1] / 2.0;
}

/* ---- filling ---- */

enum status group_statistics_new(bool grouped, int64_t memory_bytes, const char *folder,
                                 struct group_statistics **statistics)
{
    enum status status = OK;
    struct group_statistics *fresh = NULL;
    struct tally_options options = {
        .sums = 1, .memory_bytes = grouped ? memory_bytes / 2 : memory_bytes, .folder = folder};
    *statistics = NULL;
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    if (grouped) TRY(tally_new(&options, &fresh->by_group));
    options.in_turn = true;
    TRY(tally_new(&options, &fresh->whole));
    *statistics = fresh;
    fresh = NULL;
done:
    group_statistics_free(&fresh);
    return status;
}

enum status group_statistics_add(struct group_statistics *statistics, int64_t group, double value)
{
    enum status status = OK;
    const int64_t one = 1;
    uint64_t key = tally_key_of(value);
    if (!isfinite(value)) return FAIL(ERR_NUMERIC, "a value that is not finite among statistics");
    TRY(tally_add(statistics->whole, key, 0, &one));
    if (statistics->by_group != NULL)
        TRY(tally_add(statistics->by_group, (uint64_t)group, key, &one));
    statistics->count++;
    if (fabs(value) > statistics->largest) statistics->largest = fabs(value);
done:
    return status;
}

/* ---- all values ---- */

/* A power of two that brings values near 1 if they are small, and their sum below 2^TERM_BITS. */
static int shift_of(const struct group_statistics *statistics)
{
    int exponent = 0, bits = 0;
    frexp(statistics->largest, &exponent);
    while (bits < 62 && (int64_t)1 << bits < statistics->count) bits++;
    if (exponent + bits > TERM_BITS) return TERM_BITS - exponent - bits;
    return exponent < 0 ? -exponent : 0;
}

static enum status take_whole(const struct comm *comm, struct group_statistics *statistics,
                              int shift, struct exact_sums *sum)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    struct middle middle = middle_of(statistics->count);
    int64_t before = 0; /* values of the rounds so far, over all ranks */
    TRY(tally_open(comm, statistics->whole));
    while (batch.more) {
        TRY(tally_next(comm, statistics->whole, &batch));
        const struct tally_count *counts = batch.records;
        int64_t mine = 0;
        for (int64_t i = 0; i < batch.count; i++) mine += counts[i].count;
        middle.passed = before + comm_prefix_int64(comm, mine);
        for (int64_t i = 0; i < batch.count; i++) {
            double value = tally_number_of(counts[i].group);
            pass(&middle, value, counts[i].count);
            exact_add_one(sum, 0, ldexp(value, shift) * (double)counts[i].count);
        }
        comm_sum_int64(comm, &mine, 1);
        before += mine;
    }
    comm_max_double(comm, middle.value, 2);
    TRY(exact_reduce(comm, sum));
    statistics->all.median = statistics->count > 0 ? median_of(&middle) : NAN;
done:
    return status;
}

static double mean_of(const struct exact_sums *sums, int64_t at, int shift, int64_t count)
{
    return count > 0 ? ldexp(exact_get(sums, at) / (double)count, -shift) : NAN;
}

static enum status finish_whole(const struct comm *comm, struct group_statistics *statistics,
                                int shift)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    TRY_ALL(comm, exact_init(&sum, 1));
    TRY(take_whole(comm, statistics, shift, &sum));
    statistics->all.count = statistics->count;
    statistics->all.mean = mean_of(&sum, 0, shift, statistics->count);
done:
    exact_clear(&sum);
    return status;
}

/* ---- groups ---- */

/* What the owners of groups have found; 0 and -INFINITY for those of others. */
struct found {
    struct exact_sums sums; /* [groups] */
    int64_t *count;         /* [groups] */
    double *median;         /* [groups] */
};

static void take_group(const struct tally_count *counts, int64_t records, int shift, int64_t group,
                       struct found *found)
{
    for (int64_t i = 0; i < records; i++) {
        double value = tally_number_of(counts[i].key);
        found->count[group] += counts[i].count;
        exact_add_one(&found->sums, group, ldexp(value, shift) * (double)counts[i].count);
    }
    struct middle middle = middle_of(found->count[group]);
    for (int64_t i = 0; i < records; i++)
        pass(&middle, tally_number_of(counts[i].key), counts[i].count);
    found->median[group] = median_of(&middle);
}

static enum status take_batch(const struct sorter_batch *batch, int64_t groups, int shift,
                              struct found *found)
{
    const struct tally_count *counts = batch->records;
    for (int64_t i = 0, end; i < batch->count; i = end) {
        end = tally_group_end(counts, batch->count, i);
        if (counts[i].group >= (uint64_t)groups)
            return FAIL(ERR_BUG, "statistics of group %lld, of %lld", (long long)counts[i].group,
                        (long long)groups);
        take_group(counts + i, end - i, shift, (int64_t)counts[i].group, found);
    }
    return OK;
}

static enum status find_groups(const struct comm *comm, struct group_statistics *statistics,
                               int shift, struct found *found)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    int64_t groups = statistics->groups;
    TRY_ALL(comm, exact_init(&found->sums, groups));
    TRY_ALL(comm, memory_new(&found->count, groups, sizeof *found->count));
    TRY_ALL(comm, memory_new(&found->median, groups, sizeof *found->median));
    for (int64_t g = 0; g < groups; g++) found->median[g] = -INFINITY;
    TRY(tally_open(comm, statistics->by_group));
    while (batch.more) {
        TRY(tally_next(comm, statistics->by_group, &batch));
        TRY_ALL(comm, take_batch(&batch, groups, shift, found));
    }
    TRY(exact_reduce(comm, &found->sums));
    comm_sum_int64(comm, found->count, groups);
    comm_max_double(comm, found->median, groups);
done:
    return status;
}

static enum status finish_groups(const struct comm *comm, struct group_statistics *statistics,
                                 int shift)
{
    enum status status = OK;
    struct found found = {0};
    TRY_ALL(comm, memory_new(&statistics->group, statistics->groups, sizeof *statistics->group));
    TRY(find_groups(comm, statistics, shift, &found));
    for (int64_t g = 0; g < statistics->groups; g++) {
        int64_t count = found.count[g];
        statistics->group[g] = (struct group_statistic){
            count, mean_of(&found.sums, g, shift, count), count > 0 ? found.median[g] : NAN};
    }
done:
    exact_clear(&found.sums);
    free(found.count);
    free(found.median);
    return status;
}

enum status group_statistics_finish(const struct comm *comm, struct group_statistics *statistics,
                                    int64_t groups)
{
    enum status status = OK;
    comm_sum_int64(comm, &statistics->count, 1);
    comm_max_double(comm, &statistics->largest, 1);
    int shift = shift_of(statistics);
    TRY(finish_whole(comm, statistics, shift));
    tally_free(&statistics->whole);
    if (statistics->by_group == NULL) return OK;
    statistics->groups = groups;
    TRY(finish_groups(comm, statistics, shift));
    tally_free(&statistics->by_group);
done:
    return status;
}

/* ---- asking ---- */

int64_t group_statistics_count(const struct group_statistics *statistics, int64_t group)
{
    return group >= 0 && group < statistics->groups ? statistics->group[group].count : 0;
}

struct group_statistic group_statistics_of(const struct group_statistics *statistics, int64_t group)
{
    bool own = group_statistics_count(statistics, group) > 0;
    return own ? statistics->group[group] : statistics->all;
}

void group_statistics_free(struct group_statistics **statistics)
{
    if (*statistics == NULL) return;
    tally_free(&(*statistics)->by_group);
    tally_free(&(*statistics)->whole);
    free((*statistics)->group);
    free(*statistics);
    *statistics = NULL;
}
