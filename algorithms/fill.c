/* The steepest single moves over all ranks, taken as they fit. */
#include "algorithms/fill.h"

#include "algorithms/hull.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* The best moves of this rank; while collecting a heap with the worst one at the root. */
struct shortlist {
    int64_t count;
    struct fill_move *move; /* [FILL_MOVES] */
};

/* Steeper first, then the lower slot. */
static bool is_better(const struct fill_move *a, const struct fill_move *b)
{
    return a->key != b->key ? a->key > b->key : a->slot < b->slot;
}

static int compare_moves(const void *a, const void *b)
{
    return is_better(a, b) ? -1 : is_better(b, a);
}

static void swap(struct fill_move *a, struct fill_move *b)
{
    struct fill_move kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct fill_move *heap, int64_t at)
{
    for (int64_t parent; at > 0 && is_better(&heap[parent = (at - 1) / 2], &heap[at]); at = parent)
        swap(&heap[parent], &heap[at]);
}

static void sift_down(struct fill_move *heap, int64_t count)
{
    for (int64_t at = 0, worst; (worst = 2 * at + 1) < count; at = worst) {
        if (worst + 1 < count && is_better(&heap[worst], &heap[worst + 1])) worst++;
        if (is_better(&heap[worst], &heap[at])) return;
        swap(&heap[worst], &heap[at]);
    }
}

static void keep_move(struct shortlist *list, const struct fill_move *move)
{
    if (list->count < FILL_MOVES) {
        list->move[list->count] = *move;
        sift_up(list->move, list->count++);
    } else if (is_better(move, &list->move[0])) {
        list->move[0] = *move;
        sift_down(list->move, list->count);
    }
}

/* The steepest move of a slot that costs at most `left`; false if there is none. */
static bool find_move(const struct allocation_cells *cells, int64_t slot, int from, int64_t left,
                      struct fill_move *move)
{
    const int64_t *value = cells->value + slot * cells->levels,
                  *cost = cells->cost + slot * cells->levels;
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    *move = (struct fill_move){
        .slot = cells->blocks->row_first + slot, .from = from, .cost_from = cost[from]};
    for (int k = 0; k < cells->levels; k++) {
        int64_t more = cost[k] - cost[from], gain = value[k] - value[from];
        if ((allowed >> k & 1) == 0 || gain <= 0 || more <= 0 || more > left) continue;
        uint64_t key = hull_slope_key(gain, more);
        if (key <= move->key) continue;
        move->key = key;
        move->gain = gain;
        move->to = k;
        move->cost_to = cost[k];
    }
    return move->key != 0;
}

/* No move from a point of the hull is steeper than the next increment of the hull. */
static uint32_t steepest_left(const uint32_t *key, int levels, uint32_t top)
{
    uint32_t best = 0;
    for (int k = 0; k < levels; k++)
        if (key[k] <= top && key[k] > best) best = key[k];
    return best;
}

static void collect(const struct fill_task *task, const uint8_t *choice, struct shortlist *list)
{
    const struct allocation_cells *cells = task->cells;
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        uint32_t at_best = steepest_left(task->key + i * cells->levels, cells->levels, task->top);
        bool full = list->count == FILL_MOVES;
        if (at_best == 0 || (full && at_best < (uint32_t)(list->move[0].key >> 32))) continue;
        struct fill_move move;
        if (find_move(cells, i, choice[i], task->left, &move)) keep_move(list, &move);
    }
}

/* Cuts the lists down to the FILL_MOVES best over all ranks; equal slopes by slot. */
static void select_best(const struct comm *comm, struct radix *radix, struct shortlist *list)
{
    qsort(list->move, (size_t)list->count, sizeof *list->move, compare_moves);
    radix_begin(radix);
    do {
        for (int64_t i = 0; i < list->count; i++) radix_add(radix, list->move[i].key, 1);
    } while (radix_step(comm, radix, FILL_MOVES));
    if (radix->fits) return;
    int64_t equal = FILL_MOVES - radix->above - comm_prefix_int64(comm, radix->mine_at), kept = 0;
    while (kept < list->count && list->move[kept].key > radix->threshold) kept++;
    while (kept < list->count && list->move[kept].key == radix->threshold && equal-- > 0) kept++;
    list->count = kept;
}

static void take_fitting(const struct fill_move *move, int64_t count, int64_t left,
                         struct fill_moves *taken)
{
    taken->count = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t more = move[i].cost_to - move[i].cost_from;
        if (more > left) continue;
        left -= more;
        taken->move[taken->count++] = move[i];
    }
}

static void apply(const struct fill_task *task, const struct fill_moves *taken, uint8_t *choice)
{
    const struct blocks *blocks = task->cells->blocks;
    int levels = task->cells->levels;
    for (int64_t i = 0; i < taken->count; i++) {
        int64_t slot = taken->move[i].slot - blocks->row_first;
        if (slot < 0 || slot >= blocks->rows_local) continue;
        choice[slot] = (uint8_t)taken->move[i].to;
        memset(task->key + slot * levels, 0, (size_t)levels * sizeof *task->key);
    }
}

enum status fill_budget(const struct comm *comm, const struct fill_task *task, uint8_t *choice,
                        struct fill_moves *taken)
{
    enum status status = OK;
    struct shortlist list = {0};
    void *all = NULL;
    int64_t bytes = 0;
    TRY_ALL(comm, memory_new(&list.move, FILL_MOVES, sizeof *list.move));
    collect(task, choice, &list);
    select_best(comm, task->radix, &list);
    TRY(comm_gather_all(comm, list.move, list.count * (int64_t)sizeof *list.move, &all, &bytes));
    int64_t count = bytes / (int64_t)sizeof *list.move;
    qsort(all, (size_t)count, sizeof *list.move, compare_moves);
    take_fitting(all, count, task->left, taken);
    apply(task, taken, choice);
done:
    free(list.move);
    free(all);
    return status;
}
