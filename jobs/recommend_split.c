/* Events held back, and the users and purchases among them. */
#include "jobs/recommend_split.h"

#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>

enum { DAY = 86400, DRAW_JUDGED = 1 };
#define DRAW_DAYS (UINT64_C(1) << 32) /* first draw of days, beyond others of a user */

enum { LEARN, JUDGE, LATER };

/* Part of an event of a local user. */
static uint8_t part_of(const struct scorer_shop *shop, const struct recommend_split *split,
                       int64_t user, int64_t time)
{
    if (split->folds == 0) return time < split->from ? LEARN : time < split->to ? JUDGE : LATER;
    uint64_t row = (uint64_t)(shop->dataset->users.blocks.row_first + user);
    uint64_t day = (uint64_t)(time / DAY + (INT64_C(1) << 31));
    uint64_t fold =
        random_below(shop->seed, RANDOM_SPLIT, row, DRAW_DAYS + day, (uint64_t)split->folds);
    return fold == (uint64_t)split->fold ? JUDGE : LEARN;
}

enum status recommend_split_hold(const struct scorer_shop *shop,
                                 const struct recommend_split *split, uint8_t **held)
{
    const struct events *events = &shop->dataset->events;
    int64_t users = shop->dataset->users.blocks.rows_local;
    enum status status = memory_new(held, events->start[users], 1);
    for (int64_t u = 0; u < users && status == OK; u++)
        for (int64_t e = events->start[u]; e < events->start[u + 1]; e++)
            (*held)[e] = part_of(shop, split, u, events->time[e]) != LEARN;
    return status;
}

/* ---- who is judged ---- */

static int by_number(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

/* Products that a user wanted, rising; their number. product [events of the user] */
static int64_t take_wanted(const struct scorer_shop *shop, const struct recommend_split *split,
                           int64_t user, int32_t *product)
{
    const struct events *events = &shop->dataset->events;
    int64_t count = 0, kept = 0;
    for (int64_t e = events->start[user]; e < events->start[user + 1]; e++)
        if (events->kind[e] == EVENT_PURCHASE && shop->offerable[events->product[e]] &&
            part_of(shop, split, user, events->time[e]) == JUDGE)
            product[count++] = events->product[e];
    qsort(product, (size_t)count, sizeof *product, by_number);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || product[i] != product[i - 1]) product[kept++] = product[i];
    return kept;
}

/* Users drawn, each by a number of its own below the bar, and what they wanted. */
static void take_users(const struct scorer_shop *shop, const struct recommend_split *split,
                       double bar, int32_t *work, struct recommend_truth *t)
{
    const struct blocks *blocks = &shop->dataset->users.blocks;
    for (int64_t u = 0; u < blocks->rows_local; u++) {
        uint64_t row = (uint64_t)(blocks->row_first + u);
        if (random_uniform(shop->seed, RANDOM_SPLIT, row, DRAW_JUDGED) >= bar) continue;
        int32_t *to = t->product != NULL ? t->product + t->start[t->users] : work;
        int64_t count = take_wanted(shop, split, u, to);
        if (count == 0) continue;
        if (t->product != NULL) {
            t->user[t->users] = u;
            t->start[t->users + 1] = t->start[t->users] + count;
        }
        t->wanted_total += count;
        t->users++;
    }
}

static int64_t longest_of(const struct dataset *d)
{
    int64_t longest = 0;
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++) {
        int64_t events = d->events.start[u + 1] - d->events.start[u];
        longest = events > longest ? events : longest;
    }
    return longest;
}

/* As many as were counted; room for the events of one user more, before repeated ones go. */
static enum status new_truth(const struct recommend_truth *counted, int64_t longest,
                             struct recommend_truth *t)
{
    enum status status = OK;
    TRY(memory_new(&t->user, counted->users, sizeof *t->user));
    TRY(memory_new(&t->start, counted->users + 1, sizeof *t->start));
    TRY(memory_new(&t->product, counted->wanted_total + longest, sizeof *t->product));
done:
    return status;
}

enum status recommend_truth_make(const struct comm *comm, const struct scorer_shop *shop,
                                 const struct recommend_split *split, int64_t most,
                                 struct recommend_truth *truth)
{
    enum status status = OK;
    int32_t *work = NULL;
    struct recommend_truth all = {0}, drawn = {0};
    int64_t total[2];
    *truth = (struct recommend_truth){0};
    int64_t longest = longest_of(shop->dataset);
    TRY_ALL(comm, memory_new(&work, longest, sizeof *work));
    take_users(shop, split, 1.0, work, &all);
    total[0] = all.users;
    comm_sum_int64(comm, total, 1);
    truth->eligible_total = total[0];
    double bar = total[0] > most ? (double)most / (double)total[0] : 1.0;
    take_users(shop, split, bar, work, &drawn);
    TRY_ALL(comm, new_truth(&drawn, longest, truth));
    take_users(shop, split, bar, work, truth);
    total[0] = truth->users;
    total[1] = truth->wanted_total;
    comm_sum_int64(comm, total, 2);
    truth->users_total = total[0];
    truth->wanted_total = total[1];
done:
    free(work);
    if (status != OK) recommend_truth_clear(truth);
    return status;
}

void recommend_truth_clear(struct recommend_truth *truth)
{
    free(truth->user);
    free(truth->start);
    free(truth->product);
    *truth = (struct recommend_truth){0};
}
