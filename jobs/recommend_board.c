/* Panels, pools and features of a chunk of users. */
#include "jobs/recommend_board.h"

#include "algorithms/ranking.h"
#include "algorithms/vector.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- scorers ---- */

enum status board_add(const struct comm *comm, const struct scorer *scorer, const double *knob,
                      struct board *board)
{
    struct board_member *m = &board->member[board->members];
    *m = (struct board_member){.scorer = scorer};
    scorer_knobs(scorer, board->data->shop->config, m->knob);
    if (knob != NULL) memcpy(m->knob, knob, sizeof m->knob);
    enum status status = scorer->fit(comm, board->data, m->knob, &m->model);
    if (status == ERR_DATA) {
        log_warning("  %s is left out: %s", scorer->name, status_message());
        return OK;
    }
    if (status != OK) return status;
    board->members++;
    board->panels += scorer->panel != NULL;
    return OK;
}

void board_clear(struct board *board)
{
    for (int64_t m = 0; m < board->members; m++)
        board->member[m].scorer->free(&board->member[m].model);
    free(board->panel);
    free(board->product);
    free(board->feature);
    free(board->pair);
    free(board->value);
    free(board->order);
    free(board->met);
    free(board->fall);
    *board = (struct board){0};
}

int64_t board_bytes(const struct scorer_data *data, int64_t members, int64_t pool)
{
    int64_t chunk = scorer_chunk(data), stride = scorer_stride(data);
    return 4 * (members + 1) * chunk * stride + chunk * pool * 8 * (members + 1);
}

enum status board_open(int64_t pool, int64_t least, bool blend, struct board *b)
{
    enum status status = OK;
    bool pooled = blend || b->members > b->panels;
    int64_t products = b->data->dataset->products.count;
    b->chunk = scorer_chunk(b->data);
    b->stride = scorer_stride(b->data);
    b->features = 2 * b->members;
    if (pooled && b->panels > 0) b->each = pool / b->panels > least ? pool / b->panels : least;
    if (b->each > products) b->each = products;
    b->slots = b->each * b->panels;
    TRY(memory_new(&b->panel, (b->members + 1) * b->chunk * b->stride, sizeof *b->panel));
    TRY(memory_new(&b->product, b->chunk * b->slots, sizeof *b->product));
    TRY(memory_new(&b->feature, b->chunk * b->slots * b->features, sizeof *b->feature));
    TRY(memory_new(&b->pair, b->chunk * b->slots, sizeof *b->pair));
    TRY(memory_new(&b->value, b->slots, sizeof *b->value));
    TRY(memory_new(&b->order, b->slots, sizeof *b->order));
    TRY(memory_new(&b->met, products, sizeof *b->met));
    TRY(memory_new(&b->fall, b->slots, sizeof *b->fall));
    for (int64_t i = 0; i < b->slots; i++) b->fall[i] = (float)-log2((double)i + 1.0);
done:
    return status;
}

/* ---- panels ---- */

float *board_panel(const struct board *b, int64_t member, int64_t at)
{
    return b->panel + (member * b->chunk + at) * b->stride;
}

VECTORISED static void take_off(const uint8_t *offerable, int64_t products, float *score)
{
    for (int64_t p = 0; p < products; p++) score[p] = offerable[p] ? score[p] : -INFINITY;
}

enum status board_fill(struct board *b, const int64_t *user, int64_t users)
{
    const uint8_t *offerable = b->data->shop->offerable;
    for (int64_t m = 0; m < b->panels; m++) {
        const struct board_member *member = &b->member[m];
        enum status status =
            member->scorer->panel(member->model, b->data, user, users, board_panel(b, m, 0));
        if (status != OK) return status;
        for (int64_t u = 0; u < users; u++)
            take_off(offerable, b->data->dataset->products.count, board_panel(b, m, u));
    }
    return OK;
}

void board_leave_out_bought(struct board *b, const int64_t *user, int64_t users)
{
    const struct scorer_data *d = b->data;
    for (int64_t m = 0; m < b->panels; m++)
        for (int64_t u = 0; u < users; u++)
            for (int64_t i = d->start[user[u]]; i < d->start[user[u] + 1]; i++)
                if (d->bought[i] > 0) board_panel(b, m, u)[d->product[i]] = -INFINITY;
}

/* ---- pools ---- */

/* The best of each panel, each product once; the number of them. */
static int64_t make_pool(struct board *b, int64_t at)
{
    int32_t *product = b->product + at * b->slots;
    int64_t count = 0;
    for (int64_t m = 0; m < b->panels; m++) {
        ranking_best(board_panel(b, m, at), b->data->dataset->products.count, b->each, b->order,
                     b->value);
        for (int64_t i = 0; i < b->each && b->order[i] >= 0; i++) {
            if (b->met[b->order[i]]) continue;
            b->met[b->order[i]] = 1;
            product[count++] = b->order[i];
        }
    }
    for (int64_t i = 0; i < count; i++) b->met[product[i]] = 0;
    for (int64_t i = count; i < b->slots; i++) product[i] = -1;
    return count;
}

/* Mean 0 and standard deviation 1 over the pool, and places, into two features. */
static void describe(const struct board *b, const float *score, int64_t count, float *feature)
{
    double sum = 0.0, square = 0.0;
    for (int64_t i = 0; i < count; i++) sum += (double)score[i];
    double mean = count > 0 ? sum / (double)count : 0.0;
    for (int64_t i = 0; i < count; i++)
        square += ((double)score[i] - mean) * ((double)score[i] - mean);
    double sd = count > 0 ? sqrt(square / (double)count) : 0.0;
    for (int64_t i = 0; i < count; i++)
        feature[i * b->features] = sd > 0.0 ? (float)(((double)score[i] - mean) / sd) : 0.0f;
    ranking_places(score, count, b->order);
    for (int64_t i = 0; i < count; i++) feature[i * b->features + 1] = b->fall[b->order[i]];
}

/* What the panel of a member says of a pool. */
static void look_up(const struct board *b, int64_t member, int64_t at, int64_t count)
{
    const int32_t *product = b->product + at * b->slots;
    const float *score = board_panel(b, member, at);
    float *pair = b->pair + at * b->slots;
    for (int64_t i = 0; i < count; i++) pair[i] = score[product[i]];
    describe(b, pair, count, b->feature + at * b->slots * b->features + 2 * member);
}

/* The pool's scores before all others, which follow in the order of the first panel. */
static void whole_panel(const struct board *b, int64_t at, const float *pair, float *score)
{
    const int32_t *product = b->product + at * b->slots;
    int64_t count = 0;
    while (count < b->slots && product[count] >= 0) count++;
    ranking_extend(board_panel(b, 0, at), b->data->dataset->products.count, product, pair, count,
                   score);
}

static enum status score_pairs(struct board *b, int64_t member, const int64_t *user, int64_t users,
                               const int64_t *count)
{
    const struct board_member *m = &b->member[member];
    const struct scorer_pairs pairs = {.user = user,
                                       .users = users,
                                       .slots = b->slots,
                                       .product = b->product,
                                       .features = 2 * b->panels,
                                       .feature_stride = b->features,
                                       .feature = b->feature};
    enum status status = m->scorer->pairs(m->model, b->data, &pairs, b->pair);
    for (int64_t u = 0; u < users && status == OK; u++) {
        const float *pair = b->pair + u * b->slots;
        describe(b, pair, count[u], b->feature + u * b->slots * b->features + 2 * member);
        whole_panel(b, u, pair, board_panel(b, member, u));
    }
    return status;
}

enum status board_rank(struct board *b, const int64_t *user, int64_t users)
{
    enum status status = OK;
    int64_t *count = NULL;
    if (b->slots == 0) return OK;
    TRY(memory_new(&count, users, sizeof *count));
    memset(b->feature, 0, (size_t)(users * b->slots * b->features) * sizeof *b->feature);
    for (int64_t u = 0; u < users; u++) {
        count[u] = make_pool(b, u);
        for (int64_t m = 0; m < b->panels; m++) look_up(b, m, u, count[u]);
    }
    for (int64_t m = b->panels; m < b->members; m++) TRY(score_pairs(b, m, user, users, count));
done:
    free(count);
    return status;
}

void board_blend(struct board *b, int64_t at, const double *weight)
{
    float *pair = b->pair + at * b->slots;
    const float *x = b->feature + at * b->slots * b->features;
    for (int64_t i = 0; i < b->slots; i++) {
        double z = 0.0;
        for (int64_t f = 0; f < b->features; f++) z += weight[f] * (double)x[i * b->features + f];
        pair[i] = (float)z;
    }
    whole_panel(b, at, pair, board_panel(b, b->members, at));
}
