/* Users from items, items from users. */
#include "algorithms/als_halves.h"

#include "algorithms/als_gram.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PANEL_BYTES = 1 << 30, BATCH_BYTES = 64 << 20, GRAM_ITEMS = 4096 };

_Static_assert(ALS_FACTORS_MAX + VECTOR_FLOATS <= ALS_WIDE_MOST, "a row holds factors and a bias");

/* ---- work space ---- */

/* Where there is enough to fetch, and enough to average what is rounded. */
static bool as_halves(const struct als_options *opt, int64_t ratings)
{
    enum { FACTORS_LEAST = 48, RATINGS_LEAST = 1 << 16 };
    if (opt->halves_from > 0) return ratings >= opt->halves_from;
    return opt->factors >= FACTORS_LEAST && ratings >= RATINGS_LEAST;
}

static struct als_terms terms_of(const struct als_options *opt, const struct als_model *m)
{
    int64_t columns = opt->implicit ? opt->factors : opt->factors + 1;
    return (struct als_terms){.implicit = opt->implicit,
                              .halves = opt->implicit && as_halves(opt, m->ratings),
                              .factors = opt->factors,
                              .columns = columns,
                              .wide = vector_padded(columns),
                              .lambda = opt->lambda,
                              .bias_lambda = opt->bias_lambda,
                              .alpha = opt->alpha,
                              .mean = m->mean,
                              .tolerance = opt->precision};
}

static int64_t users_of_panel(const struct als_data *data, const struct als_options *opt,
                              int64_t wide)
{
    int64_t bytes = opt->panel_bytes > 0 ? opt->panel_bytes : PANEL_BYTES;
    int64_t users = bytes / (wide * (int64_t)sizeof(float)) + 1;
    return users < data->blocks->rows_total ? users : data->blocks->rows_total;
}

/* Of the other side's rows, as the solver takes them. */
static int64_t row_bytes(const struct als_halves *h)
{
    return h->terms.wide * (int64_t)(h->terms.halves ? sizeof(als_half) : sizeof(float));
}

static enum status new_normals(struct als_halves *h)
{
    enum status status = OK;
    const struct als_terms *t = &h->terms;
    h->batch = BATCH_BYTES / (t->columns * t->wide * (int64_t)sizeof(double)) + 1;
    TRY(memory_new(&h->normal, h->batch, sizeof *h->normal));
    for (int64_t i = 0; i < h->batch; i++) {
        TRY(memory_new(&h->normal[i].square, t->columns * t->wide, sizeof(double)));
        TRY(memory_new(&h->normal[i].side, t->wide, sizeof(double)));
    }
done:
    return status;
}

static enum status new_local(struct als_halves *h)
{
    enum status status = OK;
    const struct als_terms *t = &h->terms;
    TRY(als_solver_new(t, &h->solver));
    TRY(memory_new(&h->tile, ALS_TILE * t->wide, sizeof *h->tile));
    TRY(memory_new(&h->part, t->columns * t->wide, sizeof *h->part));
    TRY(memory_new(&h->loss, h->owned.count, sizeof *h->loss));
    if (t->implicit) TRY(als_white_init(t->columns, t->wide, &h->white));
    if (h->panel_users < h->data->blocks->rows_total) TRY(new_normals(h));
done:
    return status;
}

enum status als_halves_init(const struct comm *comm, const struct als_data *data,
                            const struct als_options *opt, struct als_model *model,
                            struct als_halves *h)
{
    enum status status = OK;
    *h = (struct als_halves){.data = data, .opt = opt, .model = model};
    h->terms = terms_of(opt, model);
    const int64_t row = row_bytes(h);
    h->panel_users = users_of_panel(data, opt, h->terms.wide);
    TRY(nodes_find(comm, &h->nodes));
    TRY(als_owned_make(comm, data, opt->implicit, opt->factors, &h->owned));
    TRY_ALL(comm, new_local(h));
    TRY(shared_new(comm, &h->nodes, data->items * model->stride * (int64_t)sizeof(float),
                   &model->item_memory));
    model->item = model->item_memory.data;
    TRY(shared_new(comm, &h->nodes, h->panel_users * row, &h->user_row));
    if (opt->implicit) TRY(shared_new(comm, &h->nodes, data->items * row, &h->item_row));
done:
    return status;
}

void als_halves_clear(struct als_halves *h)
{
    nodes_free(&h->nodes);
    als_owned_clear(&h->owned);
    als_solver_free(&h->solver);
    als_white_clear(&h->white);
    shared_free(&h->item_row);
    shared_free(&h->user_row);
    free(h->tile);
    free(h->part);
    for (int64_t i = 0; i < h->batch && h->normal != NULL; i++) {
        free(h->normal[i].square);
        free(h->normal[i].side);
    }
    free(h->normal);
    free(h->loss);
    *h = (struct als_halves){0};
}

/* ---- what all pairs weigh ---- */

/* Sum of the outer products of rows first .. last - 1, exactly added to those of other blocks. */
static void add_block(struct als_halves *h, const float *rows, int64_t first, int64_t last,
                      double *square, struct exact_sums *sums)
{
    const struct als_terms *t = &h->terms;
    memset(square, 0, (size_t)(t->columns * t->wide) * sizeof *square);
    als_gram_add(rows + first * h->model->stride, last - first, h->model->stride, t->columns,
                 t->wide, h->part, square);
    for (int64_t k = 0; k < t->columns; k++)
        exact_add(sums, k * t->wide + k, square + k * t->wide + k, t->columns - k);
}

static void add_users(struct als_halves *h, double *square, struct exact_sums *sums)
{
    const struct blocks *blocks = h->data->blocks;
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        add_block(h, h->model->user, blocks->start[b], blocks->start[b + 1], square, sums);
}

static void add_items(const struct comm *comm, struct als_halves *h, double *square,
                      struct exact_sums *sums)
{
    const int64_t items = h->data->items, blocks = (items + GRAM_ITEMS - 1) / GRAM_ITEMS;
    for (int64_t b = comm->rank; b < blocks; b += comm->ranks) {
        int64_t end = (b + 1) * GRAM_ITEMS;
        add_block(h, h->model->item, b * GRAM_ITEMS, end < items ? end : items, square, sums);
    }
}

static enum status whiten(const struct comm *comm, struct als_halves *h, bool users)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    int64_t cells = h->terms.columns * h->terms.wide;
    TRY_ALL(comm, exact_init(&sums, cells));
    if (users)
        add_users(h, h->white.square, &sums);
    else
        add_items(comm, h, h->white.square, &sums);
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, h->white.square, cells);
    TRY_ALL(comm, als_white_set(&h->white, h->opt->lambda));
done:
    exact_clear(&sums);
    return status;
}

/* ---- members ---- */

/* Ratings of one side by member. */
struct side {
    const int64_t *start;
    const int32_t *other;
    const float *value;
    int64_t members;
    float *factor; /* [members][stride] */
    double *loss;  /* [members]; NULL: not wanted */
};

static enum status solve_tile(struct als_halves *h, const struct side *side,
                              const struct als_rows *rows, int64_t first, int64_t count)
{
    enum status status = OK;
    const int64_t stride = h->model->stride, wide = h->terms.wide;
    const bool implicit = h->terms.implicit;
    float *factor = side->factor + first * stride;
    double unused;
    if (implicit) als_white_there(&h->white, factor, count, stride, h->tile, wide);
    for (int64_t i = 0; i < count; i++) {
        const int64_t *start = side->start + first + i;
        struct als_ratings ratings = {start[1] - start[0], side->other + start[0],
                                      side->value + start[0],
                                      side->start[side->members] - start[1]};
        float *x = implicit ? h->tile + i * wide : factor + i * stride;
        TRY(als_solver_run(h->solver, &ratings, rows, x,
                           side->loss != NULL ? &side->loss[first + i] : &unused));
    }
    if (implicit) als_white_back(&h->white, h->tile, count, wide, factor, stride);
done:
    return status;
}

static enum status solve_members(struct als_halves *h, const struct side *side,
                                 const struct als_rows *rows)
{
    enum status status = OK;
    for (int64_t first = 0; first < side->members; first += ALS_TILE) {
        int64_t left = side->members - first;
        TRY(solve_tile(h, side, rows, first, left < ALS_TILE ? left : ALS_TILE));
    }
done:
    return status;
}

/* Rows of the other side for the solver; implicit: in the coordinates of als_white.h. */
static void place_rows(struct als_halves *h, const float *from, int64_t count, void *to)
{
    const int64_t stride = h->model->stride, wide = h->terms.wide;
    if (!h->terms.implicit) {
        memcpy(to, from, (size_t)(count * row_bytes(h)));
        return;
    }
    for (int64_t first = 0; first < count; first += ALS_TILE) {
        int64_t here = count - first < ALS_TILE ? count - first : ALS_TILE;
        float *rows = h->terms.halves ? h->tile : (float *)to + first * wide;
        als_white_rows(&h->white, from + first * stride, here, stride, rows, wide);
        if (h->terms.halves) als_narrow(rows, here * wide, (als_half *)to + first * wide);
    }
}

static struct als_rows placed(const struct als_halves *h, const void *rows, int64_t first)
{
    return h->terms.halves ? (struct als_rows){NULL, rows, first}
                           : (struct als_rows){rows, NULL, first};
}

/* ---- users ---- */

/* Rows of the items as the problems of users take them. */
static enum status place_items(const struct comm *comm, struct als_halves *h, struct als_rows *rows)
{
    enum status status = OK;
    const struct als_model *m = h->model;
    const int64_t row = row_bytes(h), first = h->owned.first, count = h->owned.count;
    *rows = (struct als_rows){m->item, NULL, 0};
    if (!h->opt->implicit) goto done;
    TRY(whiten(comm, h, false));
    place_rows(h, m->item + first * m->stride, count, (char *)h->item_row.data + first * row);
    TRY(shared_publish(comm, &h->nodes, &h->item_row, first * row, count * row));
    *rows = placed(h, h->item_row.data, 0);
done:
    return status;
}

enum status als_solve_users(const struct comm *comm, struct als_halves *h)
{
    enum status status = OK;
    const struct als_data *d = h->data;
    const struct side users = {d->start,       d->item, d->value, d->blocks->rows_local,
                               h->model->user, NULL};
    struct als_rows rows;
    TRY(place_items(comm, h, &rows));
    TRY_ALL(comm, solve_members(h, &users, &rows));
done:
    return status;
}

/* ---- items ---- */

/* Rows of users first .. first + panel_users - 1, as the problems of items take them. */
static enum status place_users(const struct comm *comm, struct als_halves *h, int64_t first,
                               struct als_rows *rows)
{
    enum status status = OK;
    const struct blocks *blocks = h->data->blocks;
    const struct als_model *m = h->model;
    const int64_t row = row_bytes(h);
    int64_t from = first > blocks->row_first ? first : blocks->row_first;
    int64_t end = blocks->row_first + blocks->rows_local;
    if (end > first + h->panel_users) end = first + h->panel_users;
    int64_t count = end > from ? end - from : 0, at = count > 0 ? from - first : 0;
    const float *user = m->user + (count > 0 ? from - blocks->row_first : 0) * m->stride;
    place_rows(h, user, count, (char *)h->user_row.data + at * row);
    TRY(shared_publish(comm, &h->nodes, &h->user_row, at * row, count * row));
    *rows = placed(h, h->user_row.data, first);
done:
    return status;
}

static struct side own_items(const struct als_halves *h)
{
    const struct als_owned *o = &h->owned;
    return (struct side){
        o->start, o->user, o->value, o->count, h->model->item + o->first * h->model->stride,
        h->loss};
}

/* Ratings of an item by the users of a panel; `from` moves on behind them. */
static struct als_ratings in_panel(const struct als_owned *o, int64_t item, int64_t end,
                                   int64_t *from)
{
    int64_t first = *from;
    while (*from < o->start[item + 1] && o->user[*from] < end) ++*from;
    return (struct als_ratings){*from - first, o->user + first, o->value + first, 0};
}

static void clear_normals(const struct als_terms *t, int64_t count, struct als_normal *normal)
{
    for (int64_t i = 0; i < count; i++) {
        memset(normal[i].square, 0, (size_t)(t->columns * t->wide) * sizeof(double));
        memset(normal[i].side, 0, (size_t)t->wide * sizeof(double));
        normal[i].scale = 0.0;
    }
}

/* Solve items of a batch from their sums, in the order of tiles as solve_tile has it. */
static enum status finish_batch(struct als_halves *h, const struct side *side, int64_t first,
                                int64_t count)
{
    enum status status = OK;
    const int64_t stride = h->model->stride;
    for (int64_t i = 0; i < count; i++) {
        int64_t ratings = side->start[first + i + 1] - side->start[first + i];
        float *factor = side->factor + (first + i) * stride;
        TRY(als_solver_finish(h->solver, ratings, &h->normal[i], h->tile, &side->loss[first + i]));
        if (h->terms.implicit)
            als_white_back(&h->white, h->tile, 1, h->terms.wide, factor, stride);
        else
            memcpy(factor, h->tile, (size_t)stride * sizeof *factor);
    }
done:
    return status;
}

/* Items first .. first + count - 1 of this rank; other ranks may have none left, and still bring
 * their users. next: [batch] place in each item's ratings */
static enum status solve_batch(const struct comm *comm, struct als_halves *h, int64_t first,
                               int64_t count, int64_t *next)
{
    enum status status = OK;
    const struct als_owned *o = &h->owned;
    const struct side items = own_items(h);
    for (int64_t i = 0; i < count; i++) next[i] = o->start[first + i];
    clear_normals(&h->terms, count, h->normal);
    for (int64_t user = 0; user < h->data->blocks->rows_total; user += h->panel_users) {
        struct als_rows rows;
        TRY(place_users(comm, h, user, &rows));
        for (int64_t i = 0; i < count; i++) {
            struct als_ratings ratings = in_panel(o, first + i, user + h->panel_users, &next[i]);
            als_solver_add(h->solver, &ratings, &rows, &h->normal[i]);
        }
        comm_barrier(comm); /* before the panel is written again */
    }
    TRY_ALL(comm, finish_batch(h, &items, first, count));
done:
    return status;
}

static enum status solve_batches(const struct comm *comm, struct als_halves *h)
{
    enum status status = OK;
    int64_t *next = NULL, batches = (h->owned.count + h->batch - 1) / h->batch;
    comm_max_int64(comm, &batches, 1);
    TRY_ALL(comm, memory_new(&next, h->batch, sizeof *next));
    for (int64_t b = 0; b < batches; b++) {
        int64_t first = b * h->batch < h->owned.count ? b * h->batch : h->owned.count;
        int64_t left = h->owned.count - first;
        TRY(solve_batch(comm, h, first, left < h->batch ? left : h->batch, next));
    }
done:
    free(next);
    return status;
}

enum status als_solve_items(const struct comm *comm, struct als_halves *h)
{
    enum status status = OK;
    const int64_t row = h->model->stride * (int64_t)sizeof(float);
    const struct side items = own_items(h);
    struct als_rows rows;
    if (h->opt->implicit) TRY(whiten(comm, h, true));
    if (h->normal != NULL) {
        TRY(solve_batches(comm, h));
    } else {
        TRY(place_users(comm, h, 0, &rows));
        TRY_ALL(comm, solve_members(h, &items, &rows));
    }
    TRY(shared_publish(comm, &h->nodes, &h->model->item_memory, h->owned.first * row,
                       h->owned.count * row));
done:
    return status;
}

/* ---- the loss ---- */

VECTORISED static double square_of(const float *x, int64_t count)
{
    double total = 0.0;
    for (int64_t k = 0; k < count; k++) total += (double)x[k] * (double)x[k];
    return total;
}

/* What the ridge of a user costs. */
static double user_ridge(const struct als_halves *h, int64_t user)
{
    const struct als_options *opt = h->opt;
    const float *x = h->model->user + user * h->model->stride;
    const int64_t *start = h->data->start + user;
    double square = square_of(x, opt->factors), bias = (double)x[opt->factors];
    if (opt->implicit) return opt->lambda * square;
    return opt->lambda * (double)(start[1] - start[0]) * square + opt->bias_lambda * bias * bias;
}

enum status als_loss(const struct comm *comm, const struct als_halves *h, double *loss)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    const struct blocks *blocks = h->data->blocks;
    TRY_ALL(comm, exact_init(&sum, 1));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double total = 0.0;
        for (int64_t u = blocks->start[b]; u < blocks->start[b + 1]; u++) total += user_ridge(h, u);
        exact_add_one(&sum, 0, total);
    }
    for (int64_t i = 0; i < h->owned.count; i++) exact_add_one(&sum, 0, h->loss[i]);
    TRY(exact_reduce(comm, &sum));
    *loss = exact_get(&sum, 0);
done:
    exact_clear(&sum);
    return status;
}
