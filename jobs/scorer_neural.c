/* A network that scores the pool of each user again, from all that is known of user and product. */
#include "algorithms/network.h"
#include "algorithms/vector.h"
#include "jobs/neural_inputs.h"
#include "jobs/past_windows.h"
#include "jobs/recommend_board.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { USERS, UNITS, EPOCHS };

/* Pairs of a user in the table that is learned from: places that stay empty do not train. */
enum { BOUGHT_MOST = 4, DRAWN = 12, PAIRS = BOUGHT_MOST + DRAWN, PURPOSE = 0x6e6e };
enum { DRAW_BOUGHT, DRAW_POOL, DRAW_VALIDATION };

struct model {
    struct portrait portrait;
    struct neural_view view; /* of the data that is scored */
    struct network *network;
};

/* Rows to learn from: of each user PAIRS of the pool with what was bought before, and PAIRS of that
 * without. */
struct lessons {
    const struct scorer_data *data; /* tells what was bought next */
    struct scorer_data earlier;
    struct board board; /* of the scorers with panels, fitted to what was earlier */
    struct neural_view view;
    struct neural_user at;
    struct blocks blocks;
    int64_t from;
    int64_t users;    /* local */
    int64_t *user;    /* [users] */
    float *x;         /* [users][MODES][PAIRS][stride] */
    float *y;         /* [users][MODES][PAIRS] */
    uint8_t *part;    /* the same */
    int64_t learning; /* pairs that train, over all ranks */
};

enum { WITH_BOUGHT, WITHOUT_BOUGHT, MODES };

static void lessons_clear(struct lessons *l)
{
    board_clear(&l->board);
    neural_user_clear(&l->at);
    neural_view_clear(&l->view);
    scorer_data_clear(&l->earlier);
    blocks_clear(&l->blocks);
    free(l->user);
    free(l->x);
    free(l->y);
    free(l->part);
}

static void release(void **model)
{
    struct model *m = *model;
    if (m != NULL) {
        network_free(&m->network);
        neural_view_clear(&m->view);
        portrait_clear(&m->portrait);
    }
    free(m);
    *model = NULL;
}

/* ---- the other scorers ---- */

static enum status fit_panels(const struct comm *comm, struct lessons *l)
{
    enum status status = OK;
    for (int64_t s = 0; scorers[s] != NULL; s++) {
        int64_t before = l->board.members;
        if (scorers[s]->panel == NULL) continue;
        TRY(board_add(comm, scorers[s], NULL, &l->board));
        if (l->board.members == before)
            TRY(FAIL(ERR_DATA, "%s could not learn from earlier events", scorers[s]->name));
    }
    const struct config *config = l->data->shop->config;
    TRY_ALL(comm, board_open(config_integer(config, "recommend.pool"),
                             config_integer(config, "recommend.slots"), true, &l->board));
done:
    return status;
}

/* ---- users ---- */

static bool bought_next(const struct lessons *l, int64_t user, int32_t product)
{
    const struct events *events = &l->data->dataset->events;
    for (int64_t e = events->start[user + 1] - 1; e >= events->start[user]; e--) {
        if (events->time[e] < l->from) return false;
        if (events->kind[e] == EVENT_PURCHASE && (product < 0 || events->product[e] == product))
            return true;
    }
    return false;
}

/* Who bought something next; of many, one in so many. Blocks are those of the users. */
static enum status choose_users(const struct comm *comm, int64_t most, struct lessons *l)
{
    enum status status = OK;
    const struct users *users = &l->data->dataset->users;
    const struct blocks *from = &users->blocks;
    int64_t eligible = 0;
    for (int64_t u = 0; u < from->rows_local; u++) eligible += bought_next(l, u, -1);
    int64_t total = eligible;
    comm_sum_int64(comm, &total, 1);
    int folds = (int)((total + most - 1) / most);
    TRY_ALL(comm, memory_new(&l->user, eligible, sizeof *l->user));
    TRY_ALL(comm, memory_new(&l->blocks.start, from->blocks_local + 1, sizeof *l->blocks.start));
    for (int64_t b = 0; b < from->blocks_local; b++) {
        for (int64_t u = from->start[b]; u < from->start[b + 1]; u++)
            if (bought_next(l, u, -1) && user_fold(users->key[u], PURPOSE, folds) == 0)
                l->user[l->users++] = u;
        l->blocks.start[b + 1] = l->users * MODES * PAIRS;
    }
    l->blocks.rows_local = l->blocks.rows_total = l->users * MODES * PAIRS;
    l->blocks.row_first = comm_prefix_int64(comm, l->blocks.rows_local);
    comm_sum_int64(comm, &l->blocks.rows_total, 1);
    l->blocks.blocks_total = from->blocks_total;
    l->blocks.block_first = from->block_first;
    l->blocks.blocks_local = from->blocks_local;
done:
    return status;
}

/* ---- pairs ---- */

static uint64_t pick(const struct lessons *l, int64_t user, int mode, uint64_t n, uint64_t limit)
{
    uint64_t row = (uint64_t)(l->data->dataset->users.blocks.row_first + user);
    return random_below(l->data->shop->seed, RANDOM_NEGATIVES, row, (uint64_t)(mode + 1) << 32 | n,
                        limit);
}

static void add_pair(struct lessons *l, int64_t row, int64_t at, int64_t slot, float bought,
                     uint8_t part)
{
    const struct board *b = &l->board;
    int64_t place = at * b->slots + slot;
    neural_row(&l->view, &l->at, b->product[place], b->feature + place * b->features,
               l->x + row * l->view.stride);
    l->y[row] = bought;
    l->part[row] = part;
}

/* Of the pool what was bought, from a place drawn on, and others drawn. */
static void add_user(struct lessons *l, int64_t which, int64_t at, int mode)
{
    const struct board *b = &l->board;
    const int32_t *product = b->product + at * b->slots;
    int64_t user = l->user[which], row = (which * MODES + mode) * PAIRS, pool = 0, bought = 0;
    uint8_t part = user_fold(l->data->dataset->users.key[user], PURPOSE + 1, 10) == 0
                       ? PART_VALIDATION
                       : PART_TRAIN;
    while (pool < b->slots && product[pool] >= 0) pool++;
    if (pool == 0) return;
    neural_user_set(&l->view, user, &l->at);
    int64_t start = (int64_t)pick(l, user, mode, 0, (uint64_t)pool);
    for (int64_t i = 0; i < pool && bought < BOUGHT_MOST; i++) {
        int64_t slot = (start + i) % pool;
        if (bought_next(l, user, product[slot])) add_pair(l, row + bought++, at, slot, 1.0f, part);
    }
    for (int64_t n = 0; n < DRAWN && bought > 0; n++) {
        int64_t slot = (int64_t)pick(l, user, mode, (uint64_t)n + 1, (uint64_t)pool);
        if (!bought_next(l, user, product[slot]))
            add_pair(l, row + BOUGHT_MOST + n, at, slot, 0.0f, part);
    }
}

static enum status fill_chunk(struct lessons *l, int64_t first, int64_t now)
{
    enum status status = OK;
    TRY(board_fill(&l->board, l->user + first, now));
    for (int mode = 0; mode < MODES; mode++) {
        if (mode == WITHOUT_BOUGHT) board_leave_out_bought(&l->board, l->user + first, now);
        TRY(board_rank(&l->board, l->user + first, now));
        for (int64_t u = 0; u < now; u++) add_user(l, first + u, u, mode);
    }
done:
    return status;
}

static enum status fill_rows(struct lessons *l)
{
    enum status status = OK;
    int64_t rows = l->blocks.rows_local, chunk = l->board.chunk;
    TRY(memory_new(&l->x, rows * l->view.stride, sizeof *l->x));
    TRY(memory_new(&l->y, rows, sizeof *l->y));
    TRY(memory_new(&l->part, rows, 1));
    memset(l->part, PART_TEST, (size_t)rows);
    TRY(neural_user_open(&l->view, &l->at));
    for (int64_t first = 0; first < l->users; first += chunk) {
        int64_t left = l->users - first;
        TRY(fill_chunk(l, first, left < chunk ? left : chunk));
        log_progress("pairs for the network", first + chunk < l->users ? first + chunk : l->users,
                     l->users);
    }
    for (int64_t r = 0; r < rows; r++) l->learning += l->part[r] == PART_TRAIN;
done:
    return status;
}

static enum status make_lessons(const struct comm *comm, const struct scorer_data *data,
                                const struct portrait *portrait, int64_t users, struct lessons *l)
{
    enum status status = OK;
    l->data = data;
    int64_t seconds = past_windows_seconds(data);
    TRY(seconds > 0 ? OK : FAIL(ERR_DATA, "the events span less than five days"));
    l->from = data->dataset->time_last + 1 - seconds;
    TRY(scorer_data_earlier(comm, data, l->from, &l->earlier));
    l->board.data = &l->earlier;
    TRY(fit_panels(comm, l));
    TRY(neural_view_make(comm, &l->earlier, portrait, l->board.features, &l->view));
    TRY(choose_users(comm, users, l));
    TRY_ALL(comm, fill_rows(l));
    comm_sum_int64(comm, &l->learning, 1);
    TRY(l->learning > 0 ? OK : FAIL(ERR_DATA, "nothing in users' pools was bought later"));
done:
    return status;
}

/* ---- fit ---- */

static enum status train(const struct comm *comm, const struct lessons *l, const double *knob,
                         uint64_t seed, struct network **network)
{
    enum status status = OK;
    struct network_history history = {0};
    struct network_options options = NETWORK_DEFAULTS;
    int64_t units = llround(knob[UNITS]);
    const int64_t hidden[] = {units, units / 2 > 0 ? units / 2 : 1};
    const struct network_data rows = {
        .rows = {&l->blocks, l->view.columns, l->view.stride, l->x}, .y = l->y, .part = l->part};
    TRY_ALL(comm, network_new_mlp(l->view.columns, hidden, 2, ACTIVATION_RELU, LOSS_BCE, network));
    network_start(*network, seed);
    options.seed = seed;
    options.epochs = llround(knob[EPOCHS]);
    options.patience = 3;
    options.optimiser.weight_decay = 1e-3;
    if (l->learning < 40 * options.batch) options.batch = l->learning / 40 + 1;
    TRY(network_fit(comm, &rows, &options, *network, &history));
    log_info("  neural: %lld pairs of %lld columns, best after %lld of %lld epochs",
             (long long)l->learning, (long long)l->view.columns, (long long)history.best_epoch + 1,
             (long long)history.epochs);
done:
    network_history_clear(&history);
    return status;
}

static enum status fit(const struct comm *comm, const struct scorer_data *data, const double *knob,
                       void **model)
{
    enum status status = OK;
    struct model *m = NULL;
    struct lessons lessons = {0};
    TRY_ALL(comm, memory_new(&m, 1, sizeof *m));
    *model = m;
    TRY(portrait_make(comm, &data->dataset->users, &m->portrait));
    TRY(make_lessons(comm, data, &m->portrait, llround(knob[USERS]), &lessons));
    TRY(train(comm, &lessons, knob, data->shop->seed, &m->network));
    TRY(neural_view_make(comm, data, &m->portrait, lessons.view.scored, &m->view));
done:
    lessons_clear(&lessons);
    if (status != OK) release(model);
    return status;
}

/* ---- scores ---- */

static enum status score_user(const struct model *m, const struct scorer_pairs *pairs, int64_t at,
                              struct neural_user *user, float *x, float *score)
{
    const int32_t *product = pairs->product + at * pairs->slots;
    const float *feature = pairs->feature + at * pairs->slots * pairs->feature_stride;
    int64_t count = 0;
    neural_user_set(&m->view, pairs->user[at], user);
    for (; count < pairs->slots && product[count] >= 0; count++)
        neural_row(&m->view, user, product[count], feature + count * pairs->feature_stride,
                   x + count * m->view.stride);
    for (int64_t s = count; s < pairs->slots; s++) score[s] = 0.0f;
    return network_apply(m->network, x, count, m->view.stride, score);
}

static enum status score_pairs(const void *model, const struct scorer_data *data,
                               const struct scorer_pairs *pairs, float *score)
{
    enum status status = OK;
    const struct model *m = model;
    struct neural_user user = {0};
    float *x = NULL;
    if (pairs->features != m->view.scored || data != m->view.data)
        return FAIL(ERR_BUG, "the network learned from %lld numbers of scorers and is given %lld",
                    (long long)m->view.scored, (long long)pairs->features);
    TRY(neural_user_open(&m->view, &user));
    TRY(memory_new(&x, pairs->slots * m->view.stride, sizeof *x));
    for (int64_t u = 0; u < pairs->users; u++)
        TRY(score_user(m, pairs, u, &user, x, score + u * pairs->slots));
done:
    neural_user_clear(&user);
    free(x);
    return status;
}

/* The scorers it learns from, one after the other beside the pools of a chunk, and the pairs. */
static int64_t bytes(const struct scorer_data *data, const double *knob)
{
    int64_t sum = board_bytes(data, BOARD_MEMBERS, 200);
    double other[SCORER_KNOBS];
    for (int64_t s = 0; scorers[s] != NULL; s++) {
        if (scorers[s]->panel == NULL) continue;
        scorer_knobs(scorers[s], data->shop->config, other);
        sum += scorers[s]->bytes(data, other);
    }
    const struct blocks *users = &data->dataset->users.blocks;
    double taught = fmin(1.0, knob[USERS] / fmax(1.0, (double)users->rows_total));
    int64_t columns = 16 + data->columns + 6 * data->dataset->users.attributes + 16;
    return sum + llround(taught * (double)users->rows_local) * MODES * PAIRS * columns * 4;
}

const struct scorer scorer_neural = {
    .name = "neural",
    .does = "a network over what the others say, the user's portrait and the product",
    .knobs = 3,
    .knob = {[USERS] = {.key = "recommend.neural.users", .tries = {4000, 16000}, .count = 2},
             [UNITS] = {.key = "recommend.neural.units", .tries = {32, 64, 128}, .count = 3},
             [EPOCHS] = {.key = "recommend.neural.passes", .tries = {10, 20}, .count = 2}},
    .fit = fit,
    .pairs = score_pairs,
    .bytes = bytes,
    .free = release,
};
