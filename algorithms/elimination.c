/* Approximate elimination of a graph's nodes. */
#include "algorithms/elimination.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>

enum { LANES = ELIMINATION_LANES, DEGREES = 1024, BUCKETS = DEGREES + 64 };

/* A neighbour of the node at hand. */
struct neighbour {
    int32_t node, half; /* of the edge to it, at the node at hand */
    double weight, sum; /* of it and those before */
};

/* Half-edges 2 e and 2 e + 1 are the ends of edge e. Nodes of like degree form a list. */
struct graph {
    struct elimination *out; /* not owned */
    int32_t *to, *next;      /* [2 edges] the node at the other end; -1 ends a list */
    double *weight;          /* [edges] 0: gone */
    int32_t *first;          /* [nodes] first half-edge, or -1 */
    int32_t *degree;         /* [nodes] edges that are not gone */
    int32_t *slot;           /* [nodes] place among the neighbours at hand, or -1 */
    int32_t *before, *after; /* [nodes] in the list of a degree, or -1 */
    int32_t head[BUCKETS];   /* first node of each, or -1 */
    int32_t lowest;          /* no bucket before it has a node */
    struct neighbour *near;  /* [near_room] */
    int64_t near_count, near_room;
    int64_t entries, room; /* of out->to and out->part */
};

/* ---- nodes by degree ---- */

static int32_t bucket_of(int32_t degree)
{
    if (degree < DEGREES) return degree;
    return DEGREES + 31 - __builtin_clz((unsigned)degree);
}

static void enlist(struct graph *g, int32_t node)
{
    int32_t bucket = bucket_of(g->degree[node]), other = g->head[bucket];
    g->before[node] = -1;
    g->after[node] = other;
    if (other >= 0) g->before[other] = node;
    g->head[bucket] = node;
    if (bucket < g->lowest) g->lowest = bucket;
}

static void delist(struct graph *g, int32_t node)
{
    int32_t before = g->before[node], after = g->after[node];
    if (after >= 0) g->before[after] = before;
    if (before >= 0)
        g->after[before] = after;
    else
        g->head[bucket_of(g->degree[node])] = after;
}

static void change_degree(struct graph *g, int32_t node, int32_t by)
{
    delist(g, node);
    g->degree[node] += by;
    enlist(g, node);
}

static int32_t take_lowest(struct graph *g)
{
    while (g->head[g->lowest] < 0) g->lowest++;
    int32_t node = g->head[g->lowest];
    delist(g, node);
    return node;
}

/* ---- edges ---- */

static void hang(struct graph *g, int32_t half, int32_t from, int32_t to)
{
    g->to[half] = to;
    g->next[half] = g->first[from];
    g->first[from] = half;
}

static enum status graph_init(int64_t nodes, const struct elimination_edge *edge, int64_t edges,
                              struct elimination *out, struct graph *g)
{
    enum status status = OK;
    *g = (struct graph){.out = out, .lowest = BUCKETS};
    TRY(memory_new(&g->to, 4 * edges, sizeof *g->to));
    g->next = g->to + 2 * edges;
    TRY(memory_new(&g->weight, edges, sizeof *g->weight));
    TRY(memory_new(&g->first, 5 * nodes, sizeof *g->first));
    g->degree = g->first + nodes;
    g->slot = g->degree + nodes;
    g->before = g->slot + nodes;
    g->after = g->before + nodes;
    for (int64_t i = 0; i < nodes; i++) g->first[i] = g->slot[i] = -1;
    for (int b = 0; b < BUCKETS; b++) g->head[b] = -1;
    for (int64_t e = 0; e < edges; e++) {
        g->weight[e] = edge[e].weight;
        hang(g, (int32_t)(2 * e), edge[e].a, edge[e].b);
        hang(g, (int32_t)(2 * e + 1), edge[e].b, edge[e].a);
        g->degree[edge[e].a]++;
        g->degree[edge[e].b]++;
    }
    for (int64_t i = nodes - 1; i >= 0; i--) enlist(g, (int32_t)i);
done:
    return status;
}

static void graph_clear(struct graph *g)
{
    free(g->to);
    free(g->weight);
    free(g->first);
    free(g->near);
}

/* ---- one node ---- */

static int by_weight(const void *a, const void *b)
{
    const struct neighbour *x = a, *y = b;
    if (x->weight != y->weight) return x->weight < y->weight ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Room for one more neighbour, and for its entry. */
static enum status make_room(struct graph *g)
{
    enum status status = OK;
    int64_t entries = g->entries + g->near_count;
    if (g->near_count == g->near_room) {
        int64_t room = 2 * g->near_room + 64;
        TRY(memory_grow(&g->near, g->near_room, room, sizeof *g->near));
        g->near_room = room;
    }
    if (entries >= g->room) {
        int64_t room = g->room + g->room / 2 + 1024;
        TRY(memory_grow(&g->out->to, g->room, room, sizeof *g->out->to));
        TRY(memory_grow(&g->out->part, g->room, room, sizeof *g->out->part));
        g->room = room;
    }
done:
    return status;
}

/* The neighbours of a node, each once, the lightest first. */
static enum status list_neighbours(struct graph *g, int32_t node)
{
    enum status status = OK;
    g->near_count = 0;
    for (int32_t half = g->first[node]; half >= 0; half = g->next[half]) {
        int32_t other = g->to[half];
        double weight = g->weight[half / 2];
        if (!(weight > 0.0)) continue;
        if (g->slot[other] >= 0) {
            g->near[g->slot[other]].weight += weight;
            g->weight[half / 2] = 0.0;
            change_degree(g, other, -1);
            continue;
        }
        TRY(make_room(g));
        g->slot[other] = (int32_t)g->near_count;
        g->near[g->near_count++] = (struct neighbour){other, half, weight, 0.0};
    }
    for (int64_t k = 0; k < g->near_count; k++) g->slot[g->near[k].node] = -1;
    qsort(g->near, (size_t)g->near_count, sizeof *g->near, by_weight);
    double sum = 0.0;
    for (int64_t k = 0; k < g->near_count; k++) g->near[k].sum = sum += g->near[k].weight;
done:
    return status;
}

/* One of the neighbours after k, by weight. */
static int64_t draw_after(const struct graph *g, int32_t node, int64_t k)
{
    int64_t low = k + 1, high = g->near_count - 1;
    double from = g->near[k].sum, all = g->near[high].sum;
    double at =
        from + (all - from) * random_uniform(0, RANDOM_ELIMINATION, (uint64_t)node, (uint64_t)k);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (g->near[middle].sum > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The edge to neighbour k becomes one between k and a later neighbour, which stands for all that
 * the elimination leaves between k and those. */
static void turn_edge(struct graph *g, int32_t node, int64_t k)
{
    const struct neighbour *at = &g->near[k];
    int32_t here = at->half, there = here ^ 1;
    double all = g->near[g->near_count - 1].sum;
    double weight = at->weight * ((all - at->sum) / all);
    if (k == g->near_count - 1 || !(weight > 0.0)) {
        g->weight[here / 2] = 0.0;
        change_degree(g, at->node, -1);
        return;
    }
    int32_t other = g->near[draw_after(g, node, k)].node;
    g->weight[here / 2] = weight;
    g->to[there] = other;
    hang(g, here, other, at->node);
    change_degree(g, other, 1);
}

static enum status eliminate(struct graph *g, int32_t node, int64_t place)
{
    enum status status = OK;
    struct elimination *out = g->out;
    TRY(list_neighbours(g, node));
    double all = g->near_count > 0 ? g->near[g->near_count - 1].sum : 0.0;
    for (int64_t k = 0; k < g->near_count; k++) {
        out->to[g->entries] = g->near[k].node;
        out->part[g->entries++] = g->near[k].weight / all;
        turn_edge(g, node, k);
    }
    out->place[node] = (int32_t)place;
    out->inverse[place] = all > 0.0 ? 1.0 / all : 0.0;
    out->start[place + 1] = g->entries;
done:
    return status;
}

/* ---- public ---- */

enum status elimination_make(int64_t nodes, const struct elimination_edge *edge, int64_t edges,
                             struct elimination *out)
{
    enum status status = OK;
    struct graph g = {0};
    *out = (struct elimination){.nodes = nodes};
    TRY(memory_new(&out->place, nodes, sizeof *out->place));
    TRY(memory_new(&out->start, nodes + 1, sizeof *out->start));
    TRY(memory_new(&out->inverse, nodes, sizeof *out->inverse));
    TRY(graph_init(nodes, edge, edges, out, &g));
    for (int64_t place = 0; place < nodes; place++) TRY(eliminate(&g, take_lowest(&g), place));
    for (int64_t e = 0; e < g.entries; e++) out->to[e] = out->place[out->to[e]];
done:
    graph_clear(&g);
    if (status != OK) elimination_clear(out);
    return status;
}

void elimination_clear(struct elimination *e)
{
    free(e->place);
    free(e->start);
    free(e->to);
    free(e->part);
    free(e->inverse);
    *e = (struct elimination){0};
}

VECTORISED void elimination_apply(const struct elimination *e, double *y)
{
    for (int64_t i = 0; i < e->nodes; i++) {
        double *from = y + i * LANES;
        for (int64_t k = e->start[i]; k < e->start[i + 1]; k++) {
            double *to = y + (int64_t)e->to[k] * LANES;
            for (int c = 0; c < LANES; c++) to[c] += e->part[k] * from[c];
        }
        for (int c = 0; c < LANES; c++) from[c] *= e->inverse[i];
    }
    for (int64_t i = e->nodes - 1; i >= 0; i--) {
        double sum[LANES];
        for (int c = 0; c < LANES; c++) sum[c] = y[i * LANES + c];
        for (int64_t k = e->start[i]; k < e->start[i + 1]; k++) {
            const double *other = y + (int64_t)e->to[k] * LANES;
            for (int c = 0; c < LANES; c++) sum[c] += e->part[k] * other[c];
        }
        for (int c = 0; c < LANES; c++) y[i * LANES + c] = sum[c];
    }
}
