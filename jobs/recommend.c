/* The recommend stage: scorers are judged, and the products that each user may want most are those
 * of the best. */
#include "io/dataset.h"
#include "jobs/candidates.h"
#include "jobs/recommend_report.h"
#include "jobs/recommend_shelf.h"
#include "jobs/recommend_tune.h"
#include "jobs/recommend_worth.h"
#include "jobs/run.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>

/* Who chooses, fitted to all events. */
struct final {
    struct scorer_data data;
    struct board board;
    int64_t member;       /* whose panel counts */
    const double *weight; /* of the blend; NULL: none */
    bool repeat;          /* what was bought may be offered again */
    struct recommend_worth worth;
};

static void final_clear(struct final *f)
{
    recommend_worth_clear(&f->worth);
    board_clear(&f->board);
    scorer_data_clear(&f->data);
}

/* ---- fit ---- */

/* All that take part in the blend, or the chosen one and, where it scores pairs, those with panels
 * that its pool is from. */
static enum status fit_chosen(const struct comm *comm, const struct recommend_plan *plan,
                              struct final *f)
{
    enum status status = OK;
    const struct recommend_judgement *j = &plan->judgement;
    const struct recommend_entrant *entrant = plan->contest.entrant;
    bool alone = !plan->blend && entrant[plan->chosen].scorer->panel != NULL;
    for (int64_t i = 0; i < plan->contest.entrants; i++) {
        bool judged = !plan->judged, chosen = !plan->blend && i == plan->chosen;
        for (int64_t e = 0; e < j->entries - j->blend; e++) judged = judged || j->entrant[e] == i;
        if (alone || !plan->blend ? !chosen && (alone || entrant[i].scorer->panel == NULL)
                                  : !judged)
            continue;
        int64_t before = f->board.members;
        TRY(board_add(comm, entrant[i].scorer, entrant[i].knob, &f->board));
        if (chosen) f->member = before;
        if ((chosen || plan->blend) && f->board.members == before)
            return FAIL(ERR_DATA, "scorer %s cannot learn from this shop; set recommend.scorer",
                        entrant[i].scorer->name);
    }
    if (plan->blend) {
        f->member = f->board.members;
        f->weight = j->weight[plan->mode];
    }
done:
    return status;
}

/* ---- candidates ---- */

static enum status take_best(struct final *f, const int64_t *user, int64_t users,
                             struct candidates *candidates)
{
    enum status status = OK;
    int64_t products = f->data.dataset->products.count, slots = candidates->slots;
    TRY(board_fill(&f->board, user, users));
    if (!f->repeat) board_leave_out_bought(&f->board, user, users);
    TRY(board_rank(&f->board, user, users));
    for (int64_t u = 0; u < users; u++) {
        int64_t at = user[u] * slots;
        if (f->weight != NULL) board_blend(&f->board, u, f->weight);
        recommend_worth_best(&f->worth, board_panel(&f->board, f->member, u), products, slots,
                             candidates->product + at, candidates->score + at);
    }
done:
    return status;
}

static enum status score_users(struct final *f, const struct config *config,
                               const struct recommend_plan *plan, struct candidates *candidates)
{
    enum status status = OK;
    int64_t users = f->data.dataset->users.blocks.rows_local, *user = NULL;
    int64_t rows = users * candidates->slots;
    TRY(recommend_worth_open(config_is(config, "recommend.worth", "profit"),
                             &f->data.dataset->products, plan->contest.pool, &f->worth));
    TRY(board_open(plan->contest.pool, plan->contest.best, plan->blend, &f->board));
    TRY(memory_new(&user, f->board.chunk, sizeof *user));
    TRY(memory_new(&candidates->product, rows, sizeof *candidates->product));
    TRY(memory_new(&candidates->score, rows, sizeof *candidates->score));
    for (int64_t first = 0; first < users; first += f->board.chunk) {
        int64_t now = users - first < f->board.chunk ? users - first : f->board.chunk;
        for (int64_t u = 0; u < now; u++) user[u] = first + u;
        TRY(take_best(f, user, now, candidates));
        log_progress("scoring users", first + now, users);
    }
done:
    free(user);
    return status;
}

static enum status make_candidates(const struct comm *comm, const struct scorer_shop *shop,
                                   const struct recommend_plan *plan, struct candidates *candidates)
{
    enum status status = OK;
    struct final f = {.repeat = plan->mode == MARKS_ALL};
    TRY(scorer_data_make(comm, shop, INT64_MAX, NULL, &f.data));
    f.board.data = &f.data;
    TRY(fit_chosen(comm, plan, &f));
    TRY_ALL(comm, score_users(&f, shop->config, plan, candidates));
done:
    final_clear(&f);
    return status;
}

/* ---- the stage ---- */

/* Of all entrants and their panels; those of one without panels have the others' in them. Every
 * event may be a pair of its own. */
static int64_t contest_bytes(const struct scorer_shop *shop, const struct dataset *dataset,
                             const struct recommend_contest *contest)
{
    int64_t sum = 0, most = 0;
    const struct scorer_data data = {.shop = shop,
                                     .dataset = dataset,
                                     .start = dataset->events.start,
                                     .columns = shop->feature.count};
    for (int64_t i = 0; i < contest->entrants; i++) {
        const struct recommend_entrant *entrant = &contest->entrant[i];
        int64_t bytes = entrant->scorer->bytes(&data, entrant->knob);
        if (entrant->scorer->panel != NULL)
            sum += bytes;
        else
            most = bytes > most ? bytes : most;
    }
    sum += board_bytes(&data, contest->entrants, contest->pool);
    return sum > most ? sum : most;
}

/* The data set, a copy of its events with what came of them, candidates, and the scorers. */
static int64_t bytes_needed(const struct scorer_shop *shop, const struct dataset *dataset,
                            const struct recommend_plan *plan)
{
    int64_t users = dataset->users.blocks.rows_local;
    return 2 * dataset_bytes(dataset) + users * (8 * plan->contest.best + 600) +
           37 * dataset->events.start[users] + contest_bytes(shop, dataset, &plan->contest);
}

static enum status recommend_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct recommend_shelf shelf = {0};
    struct scorer_shop shop = {0};
    struct recommend_plan plan = {0};
    struct candidates candidates = {.slots = config_integer(run->config, "recommend.slots")};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_USERS | DATASET_EVENTS, &dataset));
    TRY(recommend_shelf_make(comm, run->config, dataset, &shelf));
    TRY(scorer_shop_open(comm, run, dataset, &shop));
    recommend_plan_make(&shop, &plan);
    log_need(comm, bytes_needed(&shop, dataset, &plan));
    TRY(recommend_tune(comm, &shop, &plan));
    TRY(recommend_plan_choose(comm, &shop, &plan));
    TRY(make_candidates(comm, &shop, &plan, &candidates));
    recommend_shelf_return(&shelf, dataset->users.blocks.rows_local, &candidates);
    TRY(candidates_write(comm, run_path(run, "candidates.h5"), &dataset->users.blocks,
                         &candidates));
    TRY(recommend_report_write(comm, run, &plan));
done:
    candidates_clear(&candidates);
    recommend_plan_clear(&plan);
    scorer_shop_clear(&shop);
    recommend_shelf_clear(&shelf);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"recommend", "allocate.margin_floor", "privacy.min_users", NULL};
static const char *const needs[] = {"profile", NULL};
static const char *const outputs[] = {"candidates.h5", "recommend.json", NULL};

const struct stage stage_recommend = {
    .name = "recommend",
    .does = "the products each user may want",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = recommend_run,
};
