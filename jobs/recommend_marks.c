/* Exact sums of measures and of their squares; products recommended. */
#include "jobs/recommend_marks.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const marks_names[MARKS] = {
    [RANKING_PRECISION] = "precision", [RANKING_RECALL] = "recall", [RANKING_F1] = "f1",
    [RANKING_NDCG] = "ndcg",           [RANKING_HIT] = "hit_rate",  [RANKING_AUC] = "auc",
    [MARK_NOVELTY] = "novelty",        [MARK_COVERAGE] = "coverage"};

enum { SUM, SQUARE, BOTH };
enum { GAPS = MARKS_MODES * MARKS_ENTRIES * MARKS_OF_USERS * BOTH }; /* where gaps begin */
enum { SUMS = GAPS + MARKS_MODES * MARKS_ENTRIES * MARKS_ENTRIES * BOTH };

static int64_t sum_at(int64_t mode, int64_t entry, int64_t mark)
{
    return ((mode * MARKS_ENTRIES + entry) * MARKS_OF_USERS + mark) * BOTH;
}

static int64_t gap_at(int64_t mode, int64_t entry, int64_t other)
{
    return GAPS + ((mode * MARKS_ENTRIES + entry) * MARKS_ENTRIES + other) * BOTH;
}

enum status marks_sums_open(int64_t entries, int64_t products, int64_t offerable, int64_t best,
                            struct marks_sums *sums)
{
    enum status status = OK;
    *sums = (struct marks_sums){
        .entries = entries, .products = products, .offerable = offerable, .best = best};
    TRY(exact_init(&sums->sums, SUMS));
    TRY(memory_new(&sums->recommended, MARKS_MODES * entries * products,
                   sizeof *sums->recommended));
done:
    return status;
}

void marks_sums_clear(struct marks_sums *sums)
{
    exact_clear(&sums->sums);
    free(sums->recommended);
    free(sums->list);
    *sums = (struct marks_sums){0};
}

enum status marks_begin(struct marks_sums *sums, int64_t users, const float *surprise)
{
    free(sums->list);
    sums->list = NULL;
    sums->room = users;
    sums->surprise = surprise;
    memset(sums->held, 0, sizeof sums->held);
    memset(sums->recommended, 0,
           (size_t)(MARKS_MODES * sums->entries * sums->products) * sizeof *sums->recommended);
    return memory_new(&sums->list, MARKS_MODES * sums->entries * users * sums->best,
                      sizeof *sums->list);
}

/* ---- one user ---- */

static int32_t *list_of(const struct marks_sums *sums, int64_t mode, int64_t entry, int64_t user)
{
    return sums->list + ((mode * sums->entries + entry) * sums->room + user) * sums->best;
}

static int64_t *recommended_of(const struct marks_sums *sums, int64_t mode, int64_t entry)
{
    return sums->recommended + (mode * sums->entries + entry) * sums->products;
}

/* The first of the ranking: what it is, and how surprising in the mean. */
static double take_list(struct marks_sums *sums, enum marks_mode mode, int64_t entry,
                        const float *score)
{
    int32_t *list = list_of(sums, mode, entry, sums->held[mode]);
    int64_t *recommended = recommended_of(sums, mode, entry), count = 0;
    float value[1024];
    double surprise = 0.0;
    ranking_best(score, sums->products, sums->best, list, value);
    for (; count < sums->best && list[count] >= 0; count++) {
        surprise += (double)sums->surprise[list[count]];
        recommended[list[count]]++;
    }
    return count > 0 ? surprise / (double)count : 0.0;
}

static void add_both(struct marks_sums *sums, int64_t at, double x)
{
    const double both[BOTH] = {x, x * x};
    exact_add(&sums->sums, at, both, BOTH);
}

void marks_add(struct marks_sums *sums, enum marks_mode mode, const float *const *panel,
               const int32_t *wanted, int64_t count)
{
    double mark[MARKS_OF_USERS], ndcg[MARKS_ENTRIES];
    bool ranked = true;
    for (int64_t e = 0; e < sums->entries; e++) {
        ranking_judge(panel[e], sums->products, wanted, count, sums->best, mark);
        mark[MARK_NOVELTY] = take_list(sums, mode, e, panel[e]);
        ndcg[e] = mark[RANKING_NDCG];
        ranked = !isnan(mark[RANKING_AUC]);
        for (int64_t m = 0; m < MARKS_OF_USERS; m++)
            if (!isnan(mark[m])) add_both(sums, sum_at(mode, e, m), mark[m]);
    }
    for (int64_t e = 0; e < sums->entries; e++)
        for (int64_t o = 0; o < e; o++) add_both(sums, gap_at(mode, e, o), ndcg[e] - ndcg[o]);
    sums->users[mode]++;
    sums->ranked[mode] += ranked;
    sums->held[mode]++;
}

/* ---- coverage ---- */

/* Without a user, what nobody else was recommended is missing: the jackknife's sums of that. */
static void count_alone(const struct marks_sums *sums, int64_t mode, int64_t entry,
                        int64_t alone[2])
{
    const int64_t *recommended = recommended_of(sums, mode, entry);
    alone[0] = alone[1] = 0;
    for (int64_t u = 0; u < sums->held[mode]; u++) {
        const int32_t *list = list_of(sums, mode, entry, u);
        int64_t own = 0;
        for (int64_t i = 0; i < sums->best && list[i] >= 0; i++) own += recommended[list[i]] == 1;
        alone[0] += own;
        alone[1] += own * own;
    }
}

void marks_end(const struct comm *comm, struct marks_sums *sums)
{
    int64_t users[MARKS_MODES], alone[MARKS_MODES][MARKS_ENTRIES][2] = {0};
    memcpy(users, sums->held, sizeof users);
    comm_sum_int64(comm, users, MARKS_MODES);
    comm_sum_int64(comm, sums->recommended, MARKS_MODES * sums->entries * sums->products);
    for (int64_t m = 0; m < MARKS_MODES; m++)
        for (int64_t e = 0; e < sums->entries; e++) count_alone(sums, m, e, alone[m][e]);
    comm_sum_int64(comm, &alone[0][0][0], MARKS_MODES * MARKS_ENTRIES * 2);
    for (int64_t m = 0; m < MARKS_MODES; m++)
        for (int64_t e = 0; e < sums->entries && users[m] > 0; e++) {
            const int64_t *recommended = recommended_of(sums, m, e);
            int64_t covered = 0;
            for (int64_t p = 0; p < sums->products; p++) covered += recommended[p] > 0;
            double n = (double)users[m], all = (double)sums->offerable;
            double mean = (double)alone[m][e][0] / n;
            double spread = (double)alone[m][e][1] - n * mean * mean;
            sums->coverage[m][e] += (double)covered / all;
            sums->coverage_square[m][e] += fmax(0.0, spread) * (n - 1.0) / n / (all * all);
        }
    sums->parts++;
}

/* ---- results ---- */

/* Mean over users and its standard error; NaN of nobody, and an error of one alone. */
static void take_mean(const struct exact_sums *sums, int64_t at, double users, double *mean,
                      double *error)
{
    double sum = exact_get(sums, at + SUM), square = exact_get(sums, at + SQUARE);
    *mean = users > 0.0 ? sum / users : NAN;
    *error = users > 1.0 ? sqrt(fmax(0.0, square / users - *mean * *mean) / (users - 1.0)) : NAN;
}

static void take_marks(const struct marks_sums *sums, int64_t mode, const int64_t users[2],
                       struct marks_result *result)
{
    double n = (double)users[0], parts = (double)sums->parts;
    for (int64_t e = 0; e < sums->entries; e++) {
        struct marks *marks = &result->of[mode][e];
        for (int64_t m = 0; m < MARKS_OF_USERS; m++)
            take_mean(&sums->sums, sum_at(mode, e, m), m == RANKING_AUC ? (double)users[1] : n,
                      &marks->mean[m], &marks->error[m]);
        marks->mean[MARK_COVERAGE] = users[0] > 0 ? sums->coverage[mode][e] / parts : NAN;
        marks->error[MARK_COVERAGE] =
            users[0] > 1 ? sqrt(sums->coverage_square[mode][e]) / parts : NAN;
        for (int64_t o = 0; o < e; o++) {
            double mean, error;
            take_mean(&sums->sums, gap_at(mode, e, o), n, &mean, &error);
            result->gap[mode][e][o].mean = mean;
            result->gap[mode][o][e].mean = -mean;
            result->gap[mode][e][o].error = result->gap[mode][o][e].error = error;
        }
    }
    result->users[mode] = users[0];
}

enum status marks_finish(const struct comm *comm, struct marks_sums *sums,
                         struct marks_result *result)
{
    enum status status = OK;
    int64_t users[MARKS_MODES][2];
    *result = (struct marks_result){0};
    TRY(exact_reduce(comm, &sums->sums));
    for (int64_t m = 0; m < MARKS_MODES; m++) {
        users[m][0] = sums->users[m];
        users[m][1] = sums->ranked[m];
    }
    comm_sum_int64(comm, &users[0][0], 2 * MARKS_MODES);
    for (int64_t m = 0; m < MARKS_MODES; m++) take_marks(sums, m, users[m], result);
done:
    return status;
}
