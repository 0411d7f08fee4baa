/* Places and money. */
#include "jobs/recommend_worth.h"

#include "algorithms/ranking.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define FALL 0.5 /* chance = place ^ -FALL */
#define LEAST_EARNED 0.01

enum status recommend_worth_open(bool money, const struct products *products, int64_t looked,
                                 struct recommend_worth *w)
{
    enum status status = OK;
    *w = (struct recommend_worth){.money = money, .looked = looked};
    TRY(memory_new(&w->earned, products->count, sizeof *w->earned));
    TRY(memory_new(&w->chance, looked, sizeof *w->chance));
    TRY(memory_new(&w->product, looked, sizeof *w->product));
    TRY(memory_new(&w->score, looked, sizeof *w->score));
    for (int64_t p = 0; p < products->count; p++)
        w->earned[p] = (float)fmax(products->list_price[p] - products->unit_cost[p], LEAST_EARNED);
    for (int64_t i = 0; i < looked; i++) w->chance[i] = (float)pow((double)i + 1.0, -FALL);
done:
    return status;
}

void recommend_worth_clear(struct recommend_worth *w)
{
    free(w->earned);
    free(w->chance);
    free(w->product);
    free(w->score);
    *w = (struct recommend_worth){0};
}

/* Put a product where it belongs among the `have` best so far. */
static void insert(int32_t candidate, float worth, int64_t have, int32_t *product, float *score)
{
    int64_t at = have;
    for (; at > 0 && score[at - 1] < worth; at--) {
        product[at] = product[at - 1];
        score[at] = score[at - 1];
    }
    product[at] = candidate;
    score[at] = worth;
}

void recommend_worth_best(struct recommend_worth *w, const float *panel, int64_t products,
                          int64_t slots, int32_t *product, float *score)
{
    int64_t have = 0;
    ranking_best(panel, products, w->money ? w->looked : slots, w->money ? w->product : product,
                 w->money ? w->score : score);
    for (int64_t i = 0; w->money && i < w->looked && w->product[i] >= 0; i++) {
        float worth = w->chance[i] * w->earned[w->product[i]];
        if (have == slots && !(worth > score[slots - 1])) continue;
        insert(w->product[i], worth, have < slots ? have : slots - 1, product, score);
        have += have < slots;
    }
    for (int64_t i = have; w->money && i < slots; i++) product[i] = -1, score[i] = 0.0f;
}
