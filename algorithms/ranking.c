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

/* ---- a few ---- */

VECTORISED void ranking_places(const float *score, int64_t count, int32_t *place)
{
    for (int32_t i = 0; i < (int32_t)count; i++) {
        int32_t before = 0;
        for (int32_t k = 0; k < i; k++) before += score[k] >= score[i];
        for (int32_t k = i + 1; k < (int32_t)count; k++) before += score[k] > score[i];
        place[i] = before;
    }
}

VECTORISED static void find_range(const float *base, int64_t items, float *low, float *high)
{
    float least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < items; i++) {
        float x = base[i] > -INFINITY ? base[i] : INFINITY;
        least = x < least ? x : least;
        most = base[i] > most ? base[i] : most;
    }
    *low = least;
    *high = most;
}

/* score = to + scale (base - low), -INFINITY where base is */
VECTORISED static void squeeze(const float *base, int64_t items, float low, float scale, float to,
                               float *score)
{
    for (int64_t i = 0; i < items; i++) {
        float x = to + scale * (base[i] - low);
        score[i] = base[i] > -INFINITY ? x : -INFINITY;
    }
}

void ranking_extend(const float *base, int64_t items, const int32_t *item, const float *value,
                    int64_t count, float *score)
{
    float low, high, least = INFINITY;
    find_range(base, items, &low, &high);
    for (int64_t i = 0; i < count; i++) least = value[i] < least ? value[i] : least;
    squeeze(base, items, low, high > low ? 1.0f / (high - low) : 0.0f,
            count > 0 ? least - 2.0f : 0.0f, score);
    for (int64_t i = 0; i < count; i++) score[item[i]] = value[i];
}

/* ---- judgement ---- */

/* Ranked items, those above a score, and those equal to it before and from an item on. */
struct above {
    int64_t ranked, higher, before, equal;
};

VECTORISED static void count_above(const float *score, int64_t items, int64_t item,
                                   struct above *out)
{
    float bar = score[item];
    int32_t ranked = 0, higher = 0, before = 0, equal = 0;
    for (int32_t i = 0; i < (int32_t)item; i++) before += score[i] == bar;
    for (int32_t i = 0; i < (int32_t)items; i++) {
        ranked += score[i] > -INFINITY;
        higher += score[i] > bar;
        equal += score[i] == bar;
    }
    *out = (struct above){ranked, higher, before, equal};
}

/* Places of an item among the unwanted: those before it, and half of the equal ones. */
static double unwanted_before(const float *score, const struct above *a, const int32_t *wanted,
                              int64_t count, int32_t item)
{
    double before = (double)a->higher + 0.5 * (double)a->equal;
    for (int64_t i = 0; i < count; i++) {
        if (score[wanted[i]] > score[item]) before -= 1.0;
        if (score[wanted[i]] == score[item]) before -= 0.5;
    }
    return before;
}

void ranking_judge(const float *score, int64_t items, const int32_t *wanted, int64_t count,
                   int64_t best, double mark[RANKING_MEASURES])
{
    struct above a = {0};
    double gain = 0.0, most = 0.0, behind = 0.0;
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        count_above(score, items, wanted[i], &a);
        int64_t place = a.higher + a.before;
        behind += unwanted_before(score, &a, wanted, count, wanted[i]);
        if (i < best) most += 1.0 / log2((double)i + 2.0);
        if (place >= best) continue;
        gain += 1.0 / log2((double)place + 2.0);
        found++;
    }
    double precision = (double)found / (double)best, recall = (double)found / (double)count;
    int64_t unwanted = a.ranked - count;
    mark[RANKING_PRECISION] = precision;
    mark[RANKING_RECALL] = recall;
    mark[RANKING_F1] = found > 0 ? 2.0 * precision * recall / (precision + recall) : 0.0;
    mark[RANKING_NDCG] = gain / most;
    mark[RANKING_HIT] = found > 0;
    mark[RANKING_AUC] = unwanted > 0 ? 1.0 - behind / ((double)count * (double)unwanted) : NAN;
}
