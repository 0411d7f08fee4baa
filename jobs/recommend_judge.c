/* Fits, panels of judged users, and what they come to. */
#include "jobs/recommend_judge.h"

#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_USERS = 3000, HALVES = 2, BOTH_HALVES = HALVES };
enum { DRAW_STACK = 2, DRAW_HALF = 3 };

/* One split at work. */
struct judge {
    const struct recommend_contest *contest;
    struct recommend_truth truth;
    struct scorer_data data;
    struct board board;
    bool blend;
    double stack_bar; /* users with a draw below it teach the blend */
    struct blend_rows rows[MARKS_MODES];
    /* [modes][without which half, or with both] */
    double weight[MARKS_MODES][HALVES + 1][BOARD_FEATURES];
    float *surprise;         /* [products] */
    int32_t *wanted;         /* [most of a user] */
    struct marks_sums *sums; /* not owned */
};

static void judge_clear(struct judge *j)
{
    recommend_truth_clear(&j->truth);
    scorer_data_clear(&j->data);
    board_clear(&j->board);
    for (int m = 0; m < MARKS_MODES; m++) blend_rows_clear(&j->rows[m]);
    free(j->surprise);
    free(j->wanted);
    *j = (struct judge){0};
}

static uint64_t row_of(const struct judge *j, int64_t user)
{
    return (uint64_t)(j->data.dataset->users.blocks.row_first + user);
}

static int half_of(const struct judge *j, int64_t user)
{
    return (int)random_below(j->data.shop->seed, RANDOM_SPLIT, row_of(j, user), DRAW_HALF, HALVES);
}

/* ---- before ---- */

/* How surprising a product is: minus the log2 of the share of users who have bought it. */
static enum status make_surprise(const struct comm *comm, struct judge *j)
{
    enum status status = OK;
    const struct scorer_data *d = &j->data;
    int64_t *buyers = NULL, products = d->dataset->products.count;
    double users = (double)d->dataset->users.blocks.rows_total;
    TRY_ALL(comm, memory_new(&j->surprise, products, sizeof *j->surprise));
    TRY_ALL(comm, memory_new(&buyers, products, sizeof *buyers));
    for (int64_t i = 0; i < d->start[d->dataset->users.blocks.rows_local]; i++)
        buyers[d->product[i]] += d->bought[i] > 0;
    comm_sum_int64(comm, buyers, products);
    for (int64_t p = 0; p < products; p++)
        j->surprise[p] = (float)log2(users / (double)(buyers[p] > 0 ? buyers[p] : 1));
done:
    free(buyers);
    return status;
}

static enum status fit_all(const struct comm *comm, const struct recommend_judgement *judgement,
                           bool first, struct judge *j, int64_t *fitted)
{
    enum status status = OK;
    const struct recommend_contest *c = j->contest;
    int64_t tries = first ? c->entrants : judgement->entries - judgement->blend;
    for (int64_t i = 0; i < tries; i++) {
        int64_t which = first ? i : judgement->entrant[i], before = j->board.members;
        TRY(board_add(comm, c->entrant[which].scorer, c->entrant[which].knob, &j->board));
        if (j->board.members > before) fitted[before] = which;
    }
    if (!first && j->board.members != tries)
        return FAIL(ERR_DATA, "a fold has too little for a scorer; set recommend.folds lower");
    if (j->board.members == 0) return FAIL(ERR_DATA, "no scorer can learn from this shop");
done:
    return status;
}

static enum status open_work(struct judge *j)
{
    enum status status = OK;
    const struct recommend_contest *c = j->contest;
    int64_t most = 0, teachers = 0;
    for (int64_t u = 0; u < j->truth.users; u++) {
        int64_t count = j->truth.start[u + 1] - j->truth.start[u];
        most = count > most ? count : most;
        teachers += random_uniform(j->data.shop->seed, RANDOM_SPLIT, row_of(j, j->truth.user[u]),
                                   DRAW_STACK) < j->stack_bar;
    }
    TRY(memory_new(&j->wanted, most, sizeof *j->wanted));
    TRY(board_open(c->pool, c->best, j->blend, &j->board));
    for (int m = 0; m < MARKS_MODES && j->blend; m++)
        TRY(blend_rows_open(teachers, j->board.slots, j->board.features, &j->rows[m]));
    TRY(marks_begin(j->sums, j->truth.users, j->surprise));
done:
    return status;
}

/* ---- passes over the judged users ---- */

typedef void visit(struct judge *j, enum marks_mode mode, int64_t at, int64_t user, int64_t count);

/* What the user wanted, in j->wanted; without what was bought before in MARKS_NEW. */
static int64_t take_wanted(struct judge *j, enum marks_mode mode, int64_t judged)
{
    int64_t count = 0, user = j->truth.user[judged];
    for (int64_t i = j->truth.start[judged]; i < j->truth.start[judged + 1]; i++)
        if (mode == MARKS_ALL || !scorer_data_bought(&j->data, user, j->truth.product[i]))
            j->wanted[count++] = j->truth.product[i];
    return count;
}

static enum status pass(struct judge *j, visit *look, const char *what)
{
    enum status status = OK;
    const struct recommend_truth *t = &j->truth;
    for (int64_t first = 0; first < t->users; first += j->board.chunk) {
        int64_t left = t->users - first, now = left < j->board.chunk ? left : j->board.chunk;
        TRY(board_fill(&j->board, t->user + first, now));
        for (enum marks_mode mode = MARKS_ALL; mode < MARKS_MODES; mode++) {
            if (mode == MARKS_NEW) board_leave_out_bought(&j->board, t->user + first, now);
            TRY(board_rank(&j->board, t->user + first, now));
            for (int64_t u = 0; u < now; u++) {
                int64_t count = take_wanted(j, mode, first + u);
                if (count > 0) look(j, mode, u, t->user[first + u], count);
            }
        }
        log_progress(what, first + now, t->users);
    }
done:
    return status;
}

static bool is_wanted(const struct judge *j, int64_t count, int32_t product)
{
    for (int64_t i = 0; i < count; i++)
        if (j->wanted[i] == product) return true;
    return false;
}

/* Keep a user's pool to learn weights from, if something wanted is in it. */
static void teach(struct judge *j, enum marks_mode mode, int64_t at, int64_t user, int64_t count)
{
    struct blend_rows *r = &j->rows[mode];
    const struct board *b = &j->board;
    const int32_t *product = b->product + at * b->slots;
    uint8_t *wanted = r->wanted + r->users * r->slots;
    bool any = false;
    if (random_uniform(j->data.shop->seed, RANDOM_SPLIT, row_of(j, user), DRAW_STACK) >=
        j->stack_bar)
        return;
    for (int64_t s = 0; s < r->slots; s++) {
        wanted[s] = product[s] < 0 ? 2 : is_wanted(j, count, product[s]);
        any = any || wanted[s] == 1;
    }
    if (!any) return;
    memcpy(r->x + r->users * r->slots * r->features, b->feature + at * b->slots * b->features,
           (size_t)(b->slots * b->features) * sizeof *r->x);
    r->fold[r->users++] = (uint8_t)half_of(j, user);
}

static void mark(struct judge *j, enum marks_mode mode, int64_t at, int64_t user, int64_t count)
{
    const float *panel[MARKS_ENTRIES];
    if (j->blend) board_blend(&j->board, at, j->weight[mode][half_of(j, user)]);
    for (int64_t e = 0; e < j->board.members + j->blend; e++)
        panel[e] = board_panel(&j->board, e, at);
    marks_add(j->sums, mode, panel, j->wanted, count);
}

static enum status learn_blend(const struct comm *comm, struct judge *j,
                               struct recommend_judgement *judgement)
{
    enum status status = OK;
    TRY_ALL(comm, pass(j, teach, "pools of judged users"));
    for (int m = 0; m < MARKS_MODES; m++) {
        int64_t users = 0;
        for (int half = 0; half < HALVES; half++)
            TRY(blend_fit(comm, &j->rows[m], half, j->weight[m][half], &users));
        TRY(blend_fit(comm, &j->rows[m], -1, j->weight[m][BOTH_HALVES], &users));
        judgement->blend_users[m] += users;
        blend_rows_clear(&j->rows[m]);
        for (int64_t f = 0; f < j->board.features; f++)
            judgement->weight[m][f] += j->weight[m][BOTH_HALVES][f];
    }
done:
    return status;
}

/* ---- one split ---- */

static int64_t count_offerable(const struct scorer_shop *shop)
{
    int64_t count = 0;
    for (int64_t p = 0; p < shop->dataset->products.count; p++) count += shop->offerable[p];
    return count;
}

static enum status prepare(const struct comm *comm, const struct scorer_shop *shop,
                           const struct recommend_split *split, struct judge *j)
{
    enum status status = OK;
    uint8_t *held = NULL;
    int64_t before = split->folds == 0 ? split->from : INT64_MAX;
    TRY(recommend_truth_make(comm, shop, split, j->contest->users, &j->truth));
    TRY_ALL(comm, recommend_split_hold(shop, split, &held));
    TRY(scorer_data_make(comm, shop, before, held, &j->data));
    j->board.data = &j->data;
    TRY(make_surprise(comm, j));
    double judged = (double)(j->truth.users_total > 0 ? j->truth.users_total : 1);
    j->stack_bar = fmin(1.0, STACK_USERS / judged);
done:
    free(held);
    return status;
}

static enum status judge_split(const struct comm *comm, const struct scorer_shop *shop,
                               const struct recommend_contest *contest,
                               const struct recommend_split *split, struct marks_sums *sums,
                               struct recommend_judgement *judgement)
{
    enum status status = OK;
    struct judge j = {.contest = contest, .sums = sums};
    bool first = sums->parts == 0;
    TRY(prepare(comm, shop, split, &j));
    TRY(fit_all(comm, judgement, first, &j, judgement->entrant));
    j.blend = contest->blend && j.board.members > 1;
    judgement->blend = j.blend;
    judgement->entries = j.board.members + j.blend;
    if (first)
        TRY_ALL(comm, marks_sums_open(judgement->entries, shop->dataset->products.count,
                                      count_offerable(shop), contest->best, sums));
    TRY_ALL(comm, open_work(&j));
    if (j.blend) TRY(learn_blend(comm, &j, judgement));
    TRY_ALL(comm, pass(&j, mark, "judging"));
    marks_end(comm, sums);
    judgement->users += j.truth.users_total;
    judgement->eligible += j.truth.eligible_total;
    judgement->wanted += j.truth.wanted_total;
done:
    judge_clear(&j);
    return status;
}

enum status recommend_judge(const struct comm *comm, const struct scorer_shop *shop,
                            const struct recommend_contest *contest,
                            const struct recommend_split *split, int64_t splits,
                            struct recommend_judgement *judgement)
{
    enum status status = OK;
    struct marks_sums sums = {0};
    *judgement = (struct recommend_judgement){0};
    for (int64_t s = 0; s < splits; s++)
        TRY(judge_split(comm, shop, contest, &split[s], &sums, judgement));
    TRY(marks_finish(comm, &sums, &judgement->result));
    for (int m = 0; m < MARKS_MODES; m++)
        for (int f = 0; f < BOARD_FEATURES; f++) judgement->weight[m][f] /= (double)splits;
done:
    marks_sums_clear(&sums);
    return status;
}
