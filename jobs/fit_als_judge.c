/* Ratings apart, a fit, and sums over users. */
#include "jobs/fit_als_judge.h"

#include "algorithms/als_top.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* Ratings to learn from, and those to test. */
struct parts {
    int64_t *start, *test_start; /* [users_local + 1] */
    int32_t *item, *test_item;
    float *value, *test_value;
};

static void parts_clear(struct parts *p)
{
    free(p->start);
    free(p->test_start);
    free(p->item);
    free(p->test_item);
    free(p->value);
    free(p->test_value);
}

static enum status part(const struct ratings *r, const uint8_t *held, struct parts *p)
{
    enum status status = OK;
    int64_t users = r->blocks.rows_local, ratings = r->start[users];
    TRY(memory_new(&p->start, users + 1, sizeof *p->start));
    TRY(memory_new(&p->test_start, users + 1, sizeof *p->test_start));
    TRY(memory_new(&p->item, ratings, sizeof *p->item));
    TRY(memory_new(&p->value, ratings, sizeof *p->value));
    TRY(memory_new(&p->test_item, held == NULL ? 0 : ratings, sizeof *p->test_item));
    TRY(memory_new(&p->test_value, held == NULL ? 0 : ratings, sizeof *p->test_value));
    for (int64_t u = 0, train = 0, test = 0; u < users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            bool out = held != NULL && held[i];
            if (out) {
                p->test_item[test] = r->item[i];
                p->test_value[test++] = r->value[i];
            } else {
                p->item[train] = r->item[i];
                p->value[train++] = r->value[i];
            }
        }
        p->start[u + 1] = train;
        p->test_start[u + 1] = test;
    }
done:
    return status;
}

/* ---- ratings foretold ---- */

enum { SUM_SQUARE, SUM_ABSOLUTE };            /* explicit */
enum { SUM_RECALL, SUM_NDCG, SUM_HIT, SUMS }; /* implicit */

static void judge_ratings(const struct parts *p, const struct als_model *m, int64_t user,
                          double sum[SUMS], struct als_judgement *j)
{
    int64_t tested = p->test_start[user + 1] - p->test_start[user];
    for (int64_t i = p->test_start[user]; i < p->test_start[user + 1]; i++) {
        double off = als_predict(m, user, p->test_item[i]) - (double)p->test_value[i];
        sum[SUM_SQUARE] += off * off;
        sum[SUM_ABSOLUTE] += fabs(off);
    }
    j->ratings += tested;
    j->users += tested > 0;
}

/* ---- items ranked ---- */

static bool is_tested(const struct parts *p, int64_t user, int32_t item)
{
    for (int64_t i = p->test_start[user]; i < p->test_start[user + 1]; i++)
        if (p->test_item[i] == item) return p->test_value[i] > 0.0f;
    return false;
}

static void judge_ranking(const struct parts *p, const int32_t *top, int64_t user, double sum[SUMS],
                          struct als_judgement *j)
{
    int64_t tested = 0, found = 0;
    double gain = 0.0, best = 0.0;
    bool hit = false;
    for (int64_t i = p->test_start[user]; i < p->test_start[user + 1]; i++)
        tested += p->test_value[i] > 0.0f;
    if (tested == 0) return;
    for (int64_t place = 0; place < JUDGE_TOP; place++) {
        double worth = 1.0 / log2((double)place + 2.0);
        if (place < tested) best += worth;
        if (top[place] < 0 || !is_tested(p, user, top[place])) continue;
        found++;
        gain += worth;
        hit = hit || place < JUDGE_HIT;
    }
    sum[SUM_RECALL] += (double)found / (double)(tested < JUDGE_TOP ? tested : JUDGE_TOP);
    sum[SUM_NDCG] += gain / best;
    sum[SUM_HIT] += hit;
    j->ratings += tested;
    j->users++;
}

static enum status rank(const struct parts *p, const struct als_model *m, int64_t first,
                        int64_t users, int32_t **top)
{
    const struct als_known known = {p->start, p->item, NULL};
    enum status status = memory_new(top, users * JUDGE_TOP, sizeof **top);
    if (status != OK) return status;
    return als_top(m, first, users, JUDGE_TOP, &known, *top, NULL);
}

static enum status judge_block(const struct parts *p, const struct als_model *m, int64_t first,
                               int64_t last, double sum[SUMS], struct als_judgement *j)
{
    int32_t *top = NULL;
    enum status status = m->implicit ? rank(p, m, first, last - first, &top) : OK;
    for (int64_t u = first; u < last && status == OK; u++) {
        if (m->implicit)
            judge_ranking(p, top + (u - first) * JUDGE_TOP, u, sum, j);
        else
            judge_ratings(p, m, u, sum, j);
    }
    free(top);
    return status;
}

static enum status judge_local(const struct blocks *blocks, const struct parts *p,
                               const struct als_model *m, struct exact_sums *sums,
                               struct als_judgement *j)
{
    enum status status = OK;
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double sum[SUMS] = {0};
        TRY(judge_block(p, m, blocks->start[b], blocks->start[b + 1], sum, j));
        exact_add(sums, 0, sum, SUMS);
    }
done:
    return status;
}

static enum status judge(const struct comm *comm, const struct blocks *blocks,
                         const struct parts *p, const struct als_model *m, struct als_judgement *j)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double sum[SUMS];
    int64_t counted[2];
    TRY_ALL(comm, exact_init(&sums, SUMS));
    TRY_ALL(comm, judge_local(blocks, p, m, &sums, j));
    TRY(exact_reduce(comm, &sums));
    counted[0] = j->ratings;
    counted[1] = j->users;
    comm_sum_int64(comm, counted, 2);
    exact_get_all(&sums, 0, sum, SUMS);
    *j = (struct als_judgement){.ratings = counted[0], .users = counted[1]};
    j->rmse = j->mae = j->recall = j->ndcg = j->hit_rate = NAN;
    if (m->implicit && j->users > 0) {
        j->recall = sum[SUM_RECALL] / (double)j->users;
        j->ndcg = sum[SUM_NDCG] / (double)j->users;
        j->hit_rate = sum[SUM_HIT] / (double)j->users;
    } else if (j->ratings > 0) {
        j->rmse = sqrt(sum[SUM_SQUARE] / (double)j->ratings);
        j->mae = sum[SUM_ABSOLUTE] / (double)j->ratings;
    }
done:
    exact_clear(&sums);
    return status;
}

enum status fit_als_judge(const struct comm *comm, const struct ratings *ratings,
                          const uint8_t *held, const struct als_options *opt,
                          struct als_judgement *judgement, struct als_model **model)
{
    enum status status = OK;
    struct parts p = {0};
    struct als_model *m = NULL;
    *judgement = (struct als_judgement){0};
    TRY_ALL(comm, part(ratings, held, &p));
    struct als_data data = {.blocks = &ratings->blocks,
                            .items = ratings->item_name.count,
                            .start = p.start,
                            .item = p.item,
                            .value = p.value};
    log_need(comm, als_bytes(opt, ratings->blocks.rows_local, p.start[ratings->blocks.rows_local],
                             data.items));
    TRY(als_fit(comm, &data, opt, &m));
    if (held != NULL) TRY(judge(comm, &ratings->blocks, &p, m, judgement));
    if (model != NULL) {
        *model = m;
        m = NULL;
    }
done:
    parts_clear(&p);
    als_free(&m);
    return status;
}
