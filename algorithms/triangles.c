/* QR of blocks, and of pairs of triangles up a tree. */
#include "algorithms/triangles.h"

#include "mpi/memory.h"
#include "mpi/scalapack.h"

#include <stdlib.h>
#include <string.h>

enum { PANEL = 64, DEPTH = 128 };

/* The triangle of blocks index << level .. (index + 1) << level. */
struct node {
    int level;
    int64_t index;
    double *triangle; /* [columns (columns + 1) / 2] packed by columns */
};

/* Nodes of this rank in order of their blocks; pairs are merged as soon as both are here. */
struct tree {
    const struct design *design;   /* not owned */
    const struct scaling *scaling; /* not owned */
    int64_t columns, packed;       /* of a triangle: its columns and its elements */
    int top;                       /* level at which few enough are left */
    struct node node[DEPTH];
    int64_t nodes;
    int64_t longest;       /* rows of the longest block, at least 2 columns */
    double *matrix, *work; /* [columns][longest] */
    int64_t *first_block;  /* [ranks + 1] */
};

/* ---- one matrix ---- */

void triangles_factor(double *a, int64_t rows, int64_t columns, double *work)
{
    int m = (int)rows, n = (int)columns, size = (int)(PANEL * columns), info = 0;
    scalapack()->dgeqrf(&m, &n, a, &m, work + PANEL * columns, work, &size, &info);
}

static void pack(const double *a, int64_t rows, int64_t columns, double *triangle)
{
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i <= j; i++) *triangle++ = a[j * rows + i];
}

/* a[:][first ..] = the triangle, with zeros below */
static void unpack(const double *triangle, int64_t columns, double *a, int64_t rows, int64_t first)
{
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < columns; i++) a[j * rows + first + i] = i <= j ? *triangle++ : 0.0;
}

/* ---- rows ---- */

static void factor_block(const struct tree *t, int64_t from, int64_t to, double *triangle)
{
    int64_t rows = to - from > t->columns ? to - from : t->columns;
    memset(t->matrix, 0, (size_t)(rows * t->columns) * sizeof *t->matrix);
    for (int64_t i = from; i < to; i++)
        design_row(t->design, t->scaling, i, t->matrix + i - from, rows);
    triangles_factor(t->matrix, rows, t->columns, t->work);
    pack(t->matrix, rows, t->columns, triangle);
}

/* ---- the tree ---- */

static int64_t nodes_at(int64_t blocks, int level)
{
    return (blocks + ((int64_t)1 << level) - 1) >> level;
}

/* left = QR of left over right */
static void merge(const struct tree *t, double *left, const double *right)
{
    int64_t rows = 2 * t->columns;
    unpack(left, t->columns, t->matrix, rows, 0);
    unpack(right, t->columns, t->matrix, rows, t->columns);
    triangles_factor(t->matrix, rows, t->columns, t->work);
    pack(t->matrix, rows, t->columns, left);
}

static bool are_pair(const struct tree *t, const struct node *left, const struct node *right)
{
    return left->level == right->level && left->level < t->top && left->index % 2 == 0 &&
           right->index == left->index + 1;
}

/* Merge pairs at the end of the list; a node without a partner rises alone once all are read. */
static void settle_end(struct tree *t)
{
    while (t->nodes >= 2 && are_pair(t, &t->node[t->nodes - 2], &t->node[t->nodes - 1])) {
        struct node *left = &t->node[t->nodes - 2], *right = &t->node[t->nodes - 1];
        merge(t, left->triangle, right->triangle);
        free(right->triangle);
        left->level++;
        left->index /= 2;
        t->nodes--;
    }
}

static enum status add_blocks(struct tree *t)
{
    enum status status = OK;
    const struct blocks *blocks = t->design->blocks;
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        struct node *node = &t->node[t->nodes];
        *node = (struct node){.index = blocks->block_first + b};
        TRY(memory_new(&node->triangle, t->packed, sizeof *node->triangle));
        t->nodes++;
        factor_block(t, blocks->start[b], blocks->start[b + 1], node->triangle);
        settle_end(t);
    }
done:
    return status;
}

/* ---- across ranks ---- */

static int holder_of(const struct comm *comm, const struct tree *t, int64_t block)
{
    int rank = 0;
    while (rank + 1 < comm->ranks && t->first_block[rank + 1] <= block) rank++;
    return rank;
}

static void remove_node(struct tree *t, int64_t at)
{
    free(t->node[at].triangle);
    memmove(&t->node[at], &t->node[at + 1], (size_t)(t->nodes - at - 1) * sizeof *t->node);
    t->nodes--;
}

/* The right one of a pair whose left one lies before this rank: it is the first here. */
static bool must_go(const struct tree *t, int level)
{
    return t->nodes > 0 && t->node[0].level == level && t->node[0].index % 2 == 1;
}

/* A received right half joins the left one, the last here; the last of all rises alone. */
static void rise(struct tree *t, int level, const double *received, int64_t count)
{
    struct node *last = t->nodes > 0 ? &t->node[t->nodes - 1] : NULL;
    if (last == NULL || last->level != level) return;
    bool alone = last->index + 1 >= nodes_at(t->design->blocks->blocks_total, level);
    if (count > 0) merge(t, last->triangle, received);
    if (count > 0 || alone) {
        last->level++;
        last->index /= 2;
        settle_end(t);
    }
}

static enum status exchange_level(const struct comm *comm, struct tree *t, int level)
{
    enum status status = OK;
    int64_t *counts = NULL, received_count = 0;
    void *received = NULL;
    bool goes = must_go(t, level);
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    if (goes) counts[holder_of(comm, t, (t->node[0].index - 1) << level)] = 1;
    TRY(comm_exchange(comm, goes ? t->node[0].triangle : NULL, counts,
                      (size_t)t->packed * sizeof(double), &received, &received_count));
    if (goes) remove_node(t, 0);
    rise(t, level, received, received_count);
done:
    free(counts);
    free(received);
    return status;
}

/* ---- the stack ---- */

static enum status tree_init(const struct comm *comm, const struct design *design,
                             const struct scaling *scaling, struct tree *t)
{
    enum status status = OK;
    const struct blocks *blocks = design->blocks;
    *t = (struct tree){.design = design, .scaling = scaling};
    t->columns = design_parameters(design) + 1;
    t->packed = t->columns * (t->columns + 1) / 2;
    while (nodes_at(blocks->blocks_total, t->top) > TRIANGLES_MAX) t->top++;
    t->longest = 2 * t->columns;
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        if (blocks->start[b + 1] - blocks->start[b] > t->longest)
            t->longest = blocks->start[b + 1] - blocks->start[b];
    TRY(memory_new(&t->matrix, t->columns * t->longest, sizeof *t->matrix));
    TRY(memory_new(&t->work, (PANEL + 1) * t->columns, sizeof *t->work));
    TRY(memory_new(&t->first_block, (int64_t)comm->ranks + 1, sizeof *t->first_block));
done:
    return status;
}

static void tree_clear(struct tree *t)
{
    for (int64_t i = 0; i < t->nodes; i++) free(t->node[i].triangle);
    free(t->matrix);
    free(t->work);
    free(t->first_block);
}

/* Where the blocks of each rank begin; those without blocks begin where the next does. */
static void share_firsts(const struct comm *comm, struct tree *t)
{
    t->first_block[comm->rank] = t->design->blocks->block_first;
    comm_sum_int64(comm, t->first_block, comm->ranks);
}

static enum status pack_nodes(const struct tree *t, double **mine)
{
    enum status status = memory_new(mine, t->nodes * t->packed, sizeof **mine);
    for (int64_t i = 0; status == OK && i < t->nodes; i++)
        memcpy(*mine + i * t->packed, t->node[i].triangle, (size_t)t->packed * sizeof **mine);
    return status;
}

static enum status gather_stack(const struct comm *comm, const struct tree *t,
                                struct triangles *stack)
{
    enum status status = OK;
    double *mine = NULL;
    void *all = NULL;
    int64_t bytes = 0;
    TRY_ALL(comm, pack_nodes(t, &mine));
    TRY(comm_gather_all(comm, mine, t->nodes * t->packed * (int64_t)sizeof *mine, &all, &bytes));
    int64_t count = bytes / (t->packed * (int64_t)sizeof *mine);
    *stack = (struct triangles){.columns = t->columns, .rows = count * t->columns};
    TRY_ALL(comm, memory_new(&stack->a, stack->rows * stack->columns, sizeof *stack->a));
    for (int64_t i = 0; i < count; i++)
        unpack((const double *)all + i * t->packed, t->columns, stack->a, stack->rows,
               i * t->columns);
done:
    free(mine);
    free(all);
    return status;
}

enum status triangles_make(const struct comm *comm, const struct design *design,
                           const struct scaling *scaling, struct triangles *stack)
{
    enum status status = OK;
    struct tree t = {0};
    *stack = (struct triangles){0};
    TRY_ALL(comm, tree_init(comm, design, scaling, &t));
    TRY_ALL(comm, add_blocks(&t));
    share_firsts(comm, &t);
    for (int level = 0; level < t.top; level++) TRY(exchange_level(comm, &t, level));
    TRY(gather_stack(comm, &t, stack));
done:
    tree_clear(&t);
    if (status != OK) triangles_clear(stack);
    return status;
}

void triangles_clear(struct triangles *stack)
{
    free(stack->a);
    *stack = (struct triangles){0};
}
