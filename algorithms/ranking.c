/* A heap of the best so far, whose worst is first; most scores pass without touching it. */
#include "algorithms/ranking.h"

#include "algorithms/vector.h"

#include <math.h>
#include <stdbool.h>

struct heap {
    int64_t size, most;
    int32_t *item;
    float *value;
};

static bool worse(const struct heap *h, int64_t a, int64_t b)
{
    return h->value[a] < h->value[b] || (h->value[a] == h->value[b] && h->item[a] > h->item[b]);
}

static void swap(struct heap *h, int64_t a, int64_t b)
{
    int32_t item = h->item[a];
    float value = h->value[a];
    h->item[a] = h->item[b];
    h->value[a] = h->value[b];
    h->item[b] = item;
    h->value[b] = value;
}

static void sink(struct heap *h, int64_t at)
{
    for (int64_t child; (child = 2 * at + 1) < h->size; at = child) {
        if (child + 1 < h->size && worse(h, child + 1, child)) child++;
        if (!worse(h, child, at)) return;
        swap(h, at, child);
    }
}

static void rise(struct heap *h, int64_t at)
{
    for (int64_t up; at > 0 && worse(h, at, up = (at - 1) / 2); at = up) swap(h, at, up);
}

/* Items come in rising order, so that one of the worst's score is worse than it. */
static void offer(struct heap *h, int32_t item, float value)
{
    if (h->size < h->most) {
        h->item[h->size] = item;
        h->value[h->size] = value;
        rise(h, h->size++);
    } else {
        h->item[0] = item;
        h->value[0] = value;
        sink(h, 0);
    }
}

/* The first whole vector from `from` on with a score above the bar, or the end of whole ones. */
VECTORISED static int64_t pass_by(const float *score, int64_t from, int64_t items, float bar)
{
    for (; from + VECTOR_FLOATS <= items; from += VECTOR_FLOATS) {
        int found = 0;
        for (int i = 0; i < VECTOR_FLOATS; i++) found |= score[from + i] > bar;
        if (found) break;
    }
    return from;
}

static float bar_of(const struct heap *h)
{
    return h->size < h->most ? -INFINITY : h->value[0];
}

void ranking_best(const float *score, int64_t items, int64_t best, int32_t *item, float *value)
{
    struct heap h = {.most = best, .item = item, .value = value};
    for (int64_t i = 0; best > 0 && (i = pass_by(score, i, items, bar_of(&h))) < items;) {
        int64_t last = items - i < VECTOR_FLOATS ? items : i + VECTOR_FLOATS;
        for (; i < last; i++)
            if (score[i] > bar_of(&h)) offer(&h, (int32_t)i, score[i]);
    }
    int64_t found = h.size;
    while (h.size > 1) {
        swap(&h, 0, --h.size);
        sink(&h, 0);
    }
    for (int64_t k = found; k < best; k++) {
        item[k] = -1;
        value[k] = 0.0f;
    }
}
