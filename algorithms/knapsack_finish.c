/* Rounds of moves, on the core first. */
#include "algorithms/knapsack_finish.h"

#include "algorithms/knapsack_moves.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MOST = 256, RAISES_MOST = 12, HEAVIER_MOST = 64, HEAVIER_CORE = 2 };

#define PRICE_MOST 0x1p60
#define HEAVIER 4.0 /* times its weight: a limit that no move helps to keep */

/* The slots that are moved: the core's or all. */
struct work {
    const struct knapsack_cells *cells;
    const int64_t *price; /* [limits] */
    double share;         /* of all slots */
    int heavier;          /* how often weights may rise */
    uint8_t *choice;      /* [rows_local] not owned */
    int64_t *used;        /* [limits] not owned */
    struct knapsack_moves moves;
    struct knapsack_finish *finish;
};

/* Moves until all limits hold. Where none helps, what is still exceeded comes to weigh more, so
 * that moves are taken which exceed another limit instead. */
static enum status repair(const struct comm *comm, struct work *w)
{
    enum status status = OK;
    int heavier = 0;
    for (int round = 0; round < ROUNDS_MOST && !knapsack_holds(&w->moves, w->used); round++) {
        int64_t taken;
        TRY(knapsack_repair(comm, &w->moves, w->choice, w->used, &taken));
        w->finish->passes += w->share;
        w->finish->repaired += taken;
        if (taken > 0) continue;
        if (++heavier > w->heavier) break;
        for (int64_t r = 0; r < w->moves.limits; r++)
            if (w->used[r] > w->moves.limit[r]) w->moves.weight[r] *= HEAVIER;
    }
done:
    return status;
}

/* Prices of what is exceeded rise until a choice can be repaired. */
static enum status repair_dearer(const struct comm *comm, struct work *w)
{
    enum status status = OK;
    struct knapsack_point point;
    int64_t *dearer = NULL, limits = w->moves.limits;
    TRY_ALL(comm, memory_new(&dearer, limits, sizeof *dearer));
    memcpy(dearer, w->price, (size_t)limits * sizeof *dearer);
    for (int raise = 0; raise < RAISES_MOST && !knapsack_holds(&w->moves, w->used); raise++) {
        for (int64_t r = 0; r < limits; r++)
            if (w->used[r] > w->moves.limit[r])
                dearer[r] = (int64_t)fmin(
                    PRICE_MOST, 2.0 * fmax((double)dearer[r], 0x1p30 * w->moves.weight[r]));
        TRY(knapsack_at_prices(comm, w->cells, dearer, w->choice, w->used, &point));
        w->finish->passes += w->share;
        TRY(repair(comm, w));
    }
done:
    free(dearer);
    return status;
}

static enum status refill(const struct comm *comm, struct work *w)
{
    enum status status = OK;
    for (int round = 0; round < ROUNDS_MOST; round++) {
        int64_t taken;
        TRY(knapsack_refill(comm, &w->moves, w->choice, w->used, &taken));
        w->finish->passes += w->share;
        w->finish->filled += taken;
        if (taken == 0) break;
    }
done:
    return status;
}

/* last: there is nothing else to turn to where limits are not kept */
static enum status finish_on(const struct comm *comm, const struct knapsack_scale *scale, bool last,
                             struct work *w)
{
    enum status status = OK;
    TRY_ALL(comm, knapsack_moves_new(w->cells, scale, w->price, &w->moves));
    TRY(repair(comm, w));
    if (last) TRY(repair_dearer(comm, w));
    w->finish->holds = knapsack_holds(&w->moves, w->used);
    if (w->finish->holds) TRY(refill(comm, w));
done:
    knapsack_moves_clear(&w->moves);
    return status;
}

enum status knapsack_finish(const struct comm *comm, const struct knapsack_cells *cells,
                            const struct knapsack_scale *scale, const int64_t *price,
                            struct knapsack_core *core, uint8_t *choice, int64_t *used,
                            struct knapsack_finish *finish)
{
    enum status status = OK;
    *finish = (struct knapsack_finish){0};
    struct work all = {cells, price, 1.0, HEAVIER_MOST, choice, used, {0}, finish};
    if (core != NULL) {
        struct work part = {&core->cells, price,      core->share, HEAVIER_CORE,
                            core->choice, core->used, {0},         finish};
        TRY(finish_on(comm, scale, false, &part));
        knapsack_core_give(core, choice, used);
    }
    if (!finish->holds) TRY(finish_on(comm, scale, true, &all));
done:
    return status;
}

enum status knapsack_finish_repair(const struct comm *comm, const struct knapsack_cells *cells,
                                   const struct knapsack_scale *scale, const int64_t *price,
                                   uint8_t *choice, int64_t *used, struct knapsack_finish *finish)
{
    enum status status = OK;
    struct work all = {cells, price, 1.0, HEAVIER_CORE, choice, used, {0}, finish};
    *finish = (struct knapsack_finish){0};
    TRY_ALL(comm, knapsack_moves_new(cells, scale, price, &all.moves));
    TRY(repair(comm, &all));
    finish->holds = knapsack_holds(&all.moves, used);
done:
    knapsack_moves_clear(&all.moves);
    return status;
}
