/* Scores of a tile of users and items at a time; a heap for each user keeps the best. */
#include "algorithms/als_top.h"

#include "algorithms/gemm.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { TILE_USERS = 256, TILE_ITEMS = 1024 };

struct found {
    float score;
    int32_t item;
};

/* The worst of a heap is its first. */
struct top_work {
    int64_t count, stride, depth;
    float *user;        /* [TILE_USERS][stride] factors, then 1 for the items' bias */
    float *item;        /* [depth][TILE_ITEMS] */
    float *score;       /* [TILE_USERS][TILE_ITEMS] */
    struct found *heap; /* [TILE_USERS][count] */
    int64_t *size;      /* [TILE_USERS] */
    int64_t who[TILE_USERS];
};

static enum status work_init(const struct als_model *m, int64_t count, struct top_work *w)
{
    enum status status = OK;
    w->count = count;
    w->stride = m->stride;
    w->depth = m->factors + 1;
    TRY(memory_new(&w->user, TILE_USERS * w->stride, sizeof *w->user));
    TRY(memory_new(&w->item, w->depth * TILE_ITEMS, sizeof *w->item));
    TRY(memory_new(&w->score, TILE_USERS * TILE_ITEMS, sizeof *w->score));
    TRY(memory_new(&w->heap, TILE_USERS * count, sizeof *w->heap));
    TRY(memory_new(&w->size, TILE_USERS, sizeof *w->size));
done:
    return status;
}

static void work_clear(struct top_work *w)
{
    free(w->user);
    free(w->item);
    free(w->score);
    free(w->heap);
    free(w->size);
}

/* ---- heaps ---- */

static bool worse(struct found a, struct found b)
{
    return a.score < b.score || (a.score == b.score && a.item > b.item);
}

static void sink(struct found *heap, int64_t size, int64_t at)
{
    struct found x = heap[at];
    for (int64_t child; (child = 2 * at + 1) < size; at = child) {
        if (child + 1 < size && worse(heap[child + 1], heap[child])) child++;
        if (!worse(heap[child], x)) break;
        heap[at] = heap[child];
    }
    heap[at] = x;
}

static void rise(struct found *heap, int64_t at)
{
    struct found x = heap[at];
    for (int64_t up; at > 0 && worse(x, heap[up = (at - 1) / 2]); at = up) heap[at] = heap[up];
    heap[at] = x;
}

static void offer(struct found x, int64_t count, struct found *heap, int64_t *size)
{
    if (*size < count) {
        heap[*size] = x;
        rise(heap, (*size)++);
    } else if (worse(heap[0], x)) {
        heap[0] = x;
        sink(heap, count, 0);
    }
}

static bool knows(const struct als_known *known, int64_t user, int32_t item)
{
    if (known == NULL) return false;
    if (known->never != NULL && known->never[item]) return true;
    if (known->start == NULL) return false;
    int64_t low = known->start[user], high = known->start[user + 1];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (known->item[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < known->start[user + 1] && known->item[low] == item;
}

/* ---- tiles ---- */

static void load_users(const struct als_model *m, int64_t users, struct top_work *w)
{
    for (int64_t u = 0; u < users; u++) {
        memcpy(w->user + u * m->stride, m->user + w->who[u] * m->stride,
               (size_t)m->stride * sizeof *w->user);
        w->user[u * m->stride + m->factors] = 1.0f;
    }
    memset(w->size, 0, TILE_USERS * sizeof *w->size);
}

static void load_items(const struct als_model *m, int64_t first, int64_t items, struct top_work *w)
{
    for (int64_t i = 0; i < items; i++)
        for (int64_t k = 0; k < w->depth; k++)
            w->item[k * TILE_ITEMS + i] = m->item[(first + i) * m->stride + k];
}

static void score_tile(const struct als_model *m, const struct als_known *known, int64_t users,
                       int64_t item_first, int64_t items, struct top_work *w)
{
    gemm_run(&(struct gemm){.rows = users,
                            .columns = vector_padded(items),
                            .depth = w->depth,
                            .a = w->user,
                            .a_row = w->stride,
                            .a_depth = 1,
                            .b = w->item,
                            .b_stride = TILE_ITEMS,
                            .c = w->score,
                            .c_stride = TILE_ITEMS});
    for (int64_t u = 0; u < users; u++) {
        struct found *heap = w->heap + u * w->count;
        double shift = m->mean + (double)m->user[w->who[u] * m->stride + m->factors];
        for (int64_t i = 0; i < items; i++) {
            struct found x = {(float)(shift + (double)w->score[u * TILE_ITEMS + i]),
                              (int32_t)(item_first + i)};
            if (w->size[u] == w->count && !worse(heap[0], x)) continue;
            if (!knows(known, w->who[u], x.item)) offer(x, w->count, heap, &w->size[u]);
        }
    }
}

/* The heap in order, best first. */
static void unload(struct found *heap, int64_t size, int64_t count, int32_t *item, float *score)
{
    for (int64_t n = size; n > 0; n--) {
        struct found x = heap[0];
        heap[0] = heap[n - 1];
        sink(heap, n - 1, 0);
        item[n - 1] = x.item;
        if (score != NULL) score[n - 1] = x.score;
    }
    for (int64_t n = size; n < count; n++) {
        item[n] = -1;
        if (score != NULL) score[n] = 0.0f;
    }
}

/* user NULL: first, first + 1, ... */
static enum status find(const struct als_model *m, const int64_t *user, int64_t first,
                        int64_t users, int64_t count, const struct als_known *known, int32_t *item,
                        float *score)
{
    enum status status = OK;
    struct top_work w = {0};
    if (count < 1) TRY(FAIL(ERR_ARG, "%lld items wanted of each user", (long long)count));
    TRY(work_init(m, count, &w));
    for (int64_t u = 0; u < users; u += TILE_USERS) {
        int64_t here = users - u < TILE_USERS ? users - u : TILE_USERS;
        for (int64_t k = 0; k < here; k++) w.who[k] = user != NULL ? user[u + k] : first + u + k;
        load_users(m, here, &w);
        for (int64_t i = 0; i < m->items; i += TILE_ITEMS) {
            int64_t items = m->items - i < TILE_ITEMS ? m->items - i : TILE_ITEMS;
            load_items(m, i, items, &w);
            score_tile(m, known, here, i, items, &w);
        }
        for (int64_t k = 0; k < here; k++)
            unload(w.heap + k * count, w.size[k], count, item + (u + k) * count,
                   score != NULL ? score + (u + k) * count : NULL);
    }
done:
    work_clear(&w);
    return status;
}

enum status als_top(const struct als_model *m, int64_t user_first, int64_t users, int64_t count,
                    const struct als_known *known, int32_t *item, float *score)
{
    return find(m, NULL, user_first, users, count, known, item, score);
}

enum status als_top_of(const struct als_model *m, const int64_t *user, int64_t users, int64_t count,
                       const struct als_known *known, int32_t *item, float *score)
{
    return find(m, user, 0, users, count, known, item, score);
}
