/* How many levels of absorbed effects are independent. */
#include "algorithms/levels.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* Levels of two effects and what joins them: nodes are those of the first, then of the second. */
struct graph {
    int64_t nodes;
    int64_t *parent; /* [nodes] by the rows of this rank, and labels */
    int64_t *label;  /* [nodes] lowest node known to be joined, over all ranks; -1 without rows */
    int64_t *before; /* [nodes] labels a round ago */
};

static int64_t root_of(int64_t *parent, int64_t node)
{
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
}

/* The root is the lowest node. */
static void join(int64_t *parent, int64_t a, int64_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b) parent[b] = a;
    if (b < a) parent[a] = b;
}

static enum status graph_init(const struct design *design, int64_t a, int64_t b, struct graph *g)
{
    enum status status = OK;
    int64_t first = design->effect[a].levels;
    *g = (struct graph){.nodes = first + design->effect[b].levels};
    TRY(memory_new(&g->parent, 3 * g->nodes, sizeof *g->parent));
    g->label = g->parent + g->nodes;
    g->before = g->label + g->nodes;
    for (int64_t i = 0; i < g->nodes; i++) g->parent[i] = g->label[i] = i;
    for (int64_t i = 0; i < design->blocks->rows_local; i++)
        if (design->weight == NULL || design->weight[i] > 0.0)
            join(g->parent, design->effect[a].level[i], first + design->effect[b].level[i]);
done:
    return status;
}

/* Lower labels to the lowest of each component here, then over the ranks; whether any fell. */
static bool lower_labels(const struct comm *comm, struct graph *g)
{
    memcpy(g->before, g->label, (size_t)g->nodes * sizeof *g->label);
    for (int64_t i = 0; i < g->nodes; i++) {
        int64_t root = root_of(g->parent, i);
        if (g->label[i] < g->label[root]) g->label[root] = g->label[i];
    }
    for (int64_t i = 0; i < g->nodes; i++) g->label[i] = g->label[root_of(g->parent, i)];
    comm_min_int64(comm, g->label, g->nodes);
    for (int64_t i = 0; i < g->nodes; i++) join(g->parent, g->label[i], i); /* known to all now */
    return memcmp(g->before, g->label, (size_t)g->nodes * sizeof *g->label) != 0;
}

static bool has_rows(const struct levels *l, const struct design *design, int64_t a, int64_t b,
                     int64_t node)
{
    int64_t first = design->effect[a].levels;
    return l->weight[node < first ? l->first[a] + node : l->first[b] + node - first] > 0.0;
}

/* Components of the graph of two effects that have rows. */
static enum status count_components(const struct comm *comm, const struct levels *l,
                                    const struct design *design, int64_t a, int64_t b,
                                    int64_t *components)
{
    enum status status = OK;
    struct graph g = {0};
    *components = 0;
    TRY_ALL(comm, graph_init(design, a, b, &g));
    while (lower_labels(comm, &g)) continue;
    for (int64_t i = 0; i < g.nodes; i++)
        *components += g.label[i] == i && has_rows(l, design, a, b, i);
done:
    free(g.parent);
    return status;
}

static int64_t used_levels(const struct levels *l, int64_t effect)
{
    int64_t used = 0;
    for (int64_t i = l->first[effect]; i < l->first[effect + 1]; i++) used += l->weight[i] > 0.0;
    return used;
}

enum status levels_rank(const struct comm *comm, const struct levels *l,
                        const struct design *design, int64_t *rank)
{
    enum status status = OK;
    *rank = 0;
    for (int64_t e = 0; e < l->effects; e++) {
        int64_t most = 0, components = 0;
        for (int64_t before = 0; before < e; before++) {
            TRY(count_components(comm, l, design, before, e, &components));
            if (components > most) most = components;
        }
        *rank += used_levels(l, e) - most;
    }
done:
    return status;
}
