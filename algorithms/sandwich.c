/* Contributions of rows to estimates, their sums by cluster, and the products of these. */
#include "algorithms/sandwich.h"

#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_BYTES = 1 << 28 }; /* of clusters' sums at once on a rank */

struct entry {
    uint64_t hash;
    int64_t row;
};

/* The clusters of this rank's rows, by hash; a hash belongs to one key alone. */
struct slots {
    int64_t count;
    uint64_t *hash; /* [count] ascending */
    int64_t *of;    /* [rows_local] slot of each row, -1 without weight */
    int turn_bits;  /* clusters come in 2^turn_bits turns, by their upper bits */
};

struct work {
    const struct sandwich *s;
    int64_t count, longest;    /* influences; rows of the longest block */
    double *moved;             /* [longest][count] contributions of a block's rows */
    double *square;            /* [count][count] of a block or cluster, or [count] */
    double *sum;               /* [count] of a cluster */
    double product_unit;       /* power of two; products come to at most about the rows with it */
    struct exact_sums total;   /* as square */
    struct exact_sums by_slot; /* [slots of a turn][count] */
};

/* ---- contributions ---- */

static int64_t square_count(const struct sandwich *s)
{
    int64_t count = s->influence->count;
    return s->pairs ? count * count : count;
}

static enum status work_init(const struct sandwich *s, struct work *w)
{
    enum status status = OK;
    const struct blocks *blocks = s->influence->design->blocks;
    *w = (struct work){.s = s, .count = s->influence->count};
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        if (blocks->start[b + 1] - blocks->start[b] > w->longest)
            w->longest = blocks->start[b + 1] - blocks->start[b];
    w->product_unit = ldexp(1.0, -(int)ceil(log2((double)blocks->rows_total + 1.0)));
    TRY(memory_new(&w->moved, w->longest * w->count, sizeof *w->moved));
    TRY(memory_new(&w->square, square_count(s), sizeof *w->square));
    TRY(memory_new(&w->sum, w->count, sizeof *w->sum));
    TRY(exact_init(&w->total, square_count(s)));
done:
    return status;
}

static void work_clear(struct work *w)
{
    free(w->moved);
    free(w->square);
    free(w->sum);
    exact_clear(&w->total);
    exact_clear(&w->by_slot);
}

static double weight_of(const struct sandwich *s, int64_t row)
{
    const double *weight = s->influence->design->weight;
    return weight != NULL ? weight[row] * s->weight_scale : 1.0;
}

/* moved[:][:] = w e f * unit of the rows from .. to, a whole block. */
static void contribute(struct work *w, int64_t from, int64_t to)
{
    const struct sandwich *s = w->s;
    const struct design *design = s->influence->design;
    predictors_rows(s->influence, design->x, from, to, w->moved);
    predictors_center(design, from, to, w->count, w->moved);
    for (int64_t i = from; i < to; i++) {
        double weight = weight_of(s, i), times = weight > 0.0 ? weight * s->error[i] : 0.0;
        double *moved = w->moved + (i - from) * w->count;
        for (int64_t k = 0; k < w->count; k++) moved[k] *= times * s->unit[k];
    }
}

/* square += the products of one row or cluster. */
VECTORISED static void add_products(const double *x, int64_t count, bool pairs, double *square)
{
    if (!pairs)
        for (int64_t k = 0; k < count; k++) square[k] += x[k] * x[k];
    for (int64_t i = 0; i < count && pairs; i++)
        for (int64_t j = i; j < count; j++) square[i * count + j] += x[i] * x[j];
}

static void flush_products(struct work *w)
{
    int64_t count = square_count(w->s);
    for (int64_t i = 0; i < count; i++) w->square[i] *= w->product_unit;
    exact_add(&w->total, 0, w->square, count);
    memset(w->square, 0, (size_t)count * sizeof *w->square);
}

static void add_rows(struct work *w)
{
    const struct blocks *blocks = w->s->influence->design->blocks;
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        int64_t rows = blocks->start[b + 1] - blocks->start[b];
        contribute(w, blocks->start[b], blocks->start[b + 1]);
        for (int64_t i = 0; i < rows; i++)
            add_products(w->moved + i * w->count, w->count, w->s->pairs, w->square);
        flush_products(w);
    }
}

/* ---- clusters of this rank ---- */

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators; one to one. */
static uint64_t hash_of(int64_t key)
{
    uint64_t z = (uint64_t)key + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x); /* entries and records begin with it */
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int64_t list_entries(const struct sandwich *s, struct entry *entry, int64_t *slot)
{
    int64_t count = 0, rows = s->influence->design->blocks->rows_local;
    for (int64_t i = 0; i < rows; i++) {
        slot[i] = -1;
        if (weight_of(s, i) > 0.0) entry[count++] = (struct entry){hash_of(s->cluster[i]), i};
    }
    qsort(entry, (size_t)count, sizeof *entry, compare_hashes);
    return count;
}

static enum status slots_init(const struct sandwich *s, struct slots *slots)
{
    enum status status = OK;
    struct entry *entry = NULL;
    int64_t rows = s->influence->design->blocks->rows_local;
    TRY(memory_new(&entry, rows, sizeof *entry));
    TRY(memory_new(&slots->of, rows, sizeof *slots->of));
    TRY(memory_new(&slots->hash, rows, sizeof *slots->hash));
    int64_t entries = list_entries(s, entry, slots->of);
    for (int64_t e = 0; e < entries; e++) {
        if (e == 0 || entry[e].hash != entry[e - 1].hash)
            slots->hash[slots->count++] = entry[e].hash;
        slots->of[entry[e].row] = slots->count - 1;
    }
done:
    free(entry);
    return status;
}

static void slots_clear(struct slots *slots)
{
    free(slots->hash);
    free(slots->of);
}

/* All ranks take as many turns as the one with most clusters needs. */
static void agree_turns(const struct comm *comm, const struct work *w, struct slots *slots)
{
    int64_t bytes = slots->count * w->count * (int64_t)sizeof(struct exact);
    int64_t most = w->s->turn_bytes > 0 ? w->s->turn_bytes : TURN_BYTES;
    comm_max_int64(comm, &bytes, 1);
    while (bytes >> slots->turn_bits > most) slots->turn_bits++;
}

/* The first slot of a turn. */
static int64_t turn_first(const struct slots *slots, int64_t turn)
{
    int64_t low = 0, high = slots->count;
    if (turn == (int64_t)1 << slots->turn_bits) return slots->count;
    uint64_t least = turn > 0 ? (uint64_t)turn << (64 - slots->turn_bits) : 0;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (slots->hash[middle] < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_to_slots(struct work *w, const struct slots *slots, int64_t first, int64_t last)
{
    const struct blocks *blocks = w->s->influence->design->blocks;
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        int64_t from = blocks->start[b], to = blocks->start[b + 1];
        contribute(w, from, to);
        for (int64_t i = from; i < to; i++)
            if (slots->of[i] >= first && slots->of[i] < last)
                exact_add(&w->by_slot, (slots->of[i] - first) * w->count,
                          w->moved + (i - from) * w->count, w->count);
    }
}

/* ---- clusters of all ranks ---- */

/* A record is a hash and [count] exact sums. */
static size_t record_bytes(const struct work *w)
{
    return sizeof(uint64_t) + (size_t)w->count * sizeof(struct exact);
}

static int owner_of(const struct comm *comm, uint64_t hash)
{
    return (int)((hash & 0xffffffff) * (uint64_t)comm->ranks >> 32);
}

/* Records of slots first .. last, by owner. */
static enum status pack(const struct comm *comm, const struct work *w, const struct slots *slots,
                        int64_t first, int64_t last, char **records, int64_t *counts)
{
    enum status status = OK;
    int64_t *next = NULL;
    size_t bytes = record_bytes(w), sums = bytes - sizeof(uint64_t);
    TRY(memory_new(records, last - first, bytes));
    TRY(memory_new(&next, comm->ranks + 1, sizeof *next));
    for (int64_t k = first; k < last; k++) counts[owner_of(comm, slots->hash[k])]++;
    for (int r = 0; r < comm->ranks; r++) next[r + 1] = next[r] + counts[r];
    for (int64_t k = first; k < last; k++) {
        char *to = *records + (size_t)next[owner_of(comm, slots->hash[k])]++ * bytes;
        memcpy(to, &slots->hash[k], sizeof slots->hash[k]);
        memcpy(to + sizeof slots->hash[k], w->by_slot.sum + (k - first) * w->count, sums);
    }
done:
    free(next);
    return status;
}

/* The sums of the cluster whose records begin at `record`; returns behind its last one. Whole
 * limbs are added: no order matters. */
static const char *merge(struct work *w, const char *record, const char *end)
{
    size_t bytes = record_bytes(w);
    const char *next = record;
    exact_reset(&w->by_slot);
    for (; next < end && compare_hashes(next, record) == 0; next += bytes)
        for (int64_t k = 0; k < w->count; k++) {
            struct exact more;
            memcpy(&more, next + sizeof(uint64_t) + (size_t)k * sizeof more, sizeof more);
            w->by_slot.sum[k].high += more.high;
            w->by_slot.sum[k].low += more.low;
        }
    exact_get_all(&w->by_slot, 0, w->sum, w->count);
    return next;
}

static int64_t add_clusters(struct work *w, char *records, int64_t count)
{
    int64_t clusters = 0;
    const char *end = records + (size_t)count * record_bytes(w);
    qsort(records, (size_t)count, record_bytes(w), compare_hashes);
    for (const char *at = records; at < end; clusters++) {
        at = merge(w, at, end);
        add_products(w->sum, w->count, w->s->pairs, w->square);
        flush_products(w);
    }
    return clusters;
}

static enum status take_turn(const struct comm *comm, struct work *w, const struct slots *slots,
                             int64_t turn, int64_t *clusters)
{
    enum status status = OK;
    int64_t first = turn_first(slots, turn), last = turn_first(slots, turn + 1), received = 0;
    int64_t *counts = NULL;
    char *records = NULL;
    void *all = NULL;
    TRY_ALL(comm, exact_init(&w->by_slot, (last - first) * w->count));
    add_to_slots(w, slots, first, last);
    w->total.sum[w->total.count].high += w->by_slot.sum[w->by_slot.count].high; /* refused */
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    TRY_ALL(comm, pack(comm, w, slots, first, last, &records, counts));
    exact_clear(&w->by_slot);
    TRY(comm_exchange(comm, records, counts, record_bytes(w), &all, &received));
    TRY_ALL(comm, exact_init(&w->by_slot, w->count));
    *clusters += add_clusters(w, all, received);
done:
    exact_clear(&w->by_slot);
    free(counts);
    free(records);
    free(all);
    return status;
}

static enum status add_all_clusters(const struct comm *comm, struct work *w, int64_t *clusters)
{
    enum status status = OK;
    struct slots slots = {0};
    TRY_ALL(comm, slots_init(w->s, &slots));
    agree_turns(comm, w, &slots);
    for (int64_t turn = 0; turn < (int64_t)1 << slots.turn_bits; turn++)
        TRY(take_turn(comm, w, &slots, turn, clusters));
    comm_sum_int64(comm, clusters, 1);
done:
    slots_clear(&slots);
    return status;
}

/* ---- public ---- */

static void unpack(const struct work *w, double *square)
{
    const double *unit = w->s->unit;
    exact_get_all(&w->total, 0, square, square_count(w->s));
    for (int64_t i = 0; i < w->count; i++) {
        if (!w->s->pairs) square[i] /= w->product_unit * unit[i] * unit[i];
        for (int64_t j = i; j < w->count && w->s->pairs; j++)
            square[j * w->count + i] = square[i * w->count + j] /=
                w->product_unit * unit[i] * unit[j];
    }
}

enum status sandwich_sum(const struct comm *comm, const struct sandwich *s, double *square,
                         int64_t *clusters)
{
    enum status status = OK;
    struct work w = {0};
    *clusters = 0;
    TRY_ALL(comm, work_init(s, &w));
    if (s->cluster != NULL)
        TRY(add_all_clusters(comm, &w, clusters));
    else
        add_rows(&w);
    TRY(exact_reduce(comm, &w.total));
    unpack(&w, square);
done:
    work_clear(&w);
    return status;
}
