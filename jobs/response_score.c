/* Response curves, user by user. */
#include "jobs/response_score.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>

enum { CHUNK_USERS = 512 };

struct scorer {
    const struct response_context *context;
    const struct candidates *candidates;
    const struct response_ensemble *ensemble;
    const struct response_effects *effects;
    struct curves *curves;
    float *x;                       /* [CHUNK_USERS slots][stride] */
    struct response_about *about;   /* [CHUNK_USERS slots] */
    float *room;                    /* [2 CHUNK_USERS slots] */
    struct response_belief *belief; /* [CHUNK_USERS slots] */
};

static int32_t product_at(const struct scorer *scorer, int64_t slot)
{
    int32_t product = scorer->candidates->product[slot];
    return product >= 0 ? product : 0;
}

/* Slots first .. next - 1. */
static enum status ask_networks(const struct scorer *scorer, int64_t first, int64_t next)
{
    const struct response_context *context = scorer->context;
    const struct response_moment now = {context->dataset->time_last + 1, false};
    int64_t stride = scorer->ensemble->stride;
    for (int64_t i = 0; i < next - first; i++) {
        int32_t product = product_at(scorer, first + i);
        float *x = scorer->x + i * stride;
        response_features(context, (first + i) / scorer->curves->slots, product, &now, x);
        scorer->about[i] = response_about_of(context, scorer->effects, product, x);
    }
    response_ensemble_scale(scorer->ensemble, next - first, scorer->x);
    return response_ensemble_apply(scorer->ensemble, scorer->x, next - first, scorer->room,
                                   scorer->belief);
}

static void put_curve(const struct response_curve *curve, int64_t slot, struct curves *curves)
{
    curves->a[slot] = curve->a;
    curves->b[slot] = curve->b;
    curves->a_sd[slot] = curve->a_sd;
    curves->b_sd[slot] = curve->b_sd;
    curves->correlation[slot] = curve->correlation;
}

static enum status score_users(const struct scorer *scorer, int64_t first, int64_t next)
{
    int64_t slots = scorer->curves->slots;
    const struct effects_data *data = &scorer->effects->data;
    enum status status = ask_networks(scorer, first * slots, next * slots);
    for (int64_t u = first; u < next && status == OK; u++) {
        struct effects_unit unit;
        int64_t from = data->start[u];
        effects_fit(data, from, data->start[u + 1], &scorer->effects->spread, &unit);
        for (int64_t slot = u * slots; slot < (u + 1) * slots; slot++) {
            int64_t at = slot - first * slots;
            struct response_curve curve =
                response_curve_of(scorer->effects, &unit, &scorer->belief[at], &scorer->about[at]);
            put_curve(&curve, slot, scorer->curves);
        }
    }
    return status;
}

enum status response_score(const struct response_context *context,
                           const struct candidates *candidates,
                           const struct response_ensemble *ensemble,
                           const struct response_effects *effects, struct curves *curves)
{
    enum status status = OK;
    int64_t users = context->dataset->users.blocks.rows_local, slots = candidates->slots;
    int64_t chunk = CHUNK_USERS * slots;
    struct scorer scorer = {context, candidates, ensemble, effects, curves, NULL, NULL, NULL, NULL};
    TRY(curves_reserve(users, slots, true, curves));
    curves->observational = ensemble->observational;
    TRY(curves_take_shapes(&ensemble->shapes, context->classes.chance, users, curves));
    TRY(memory_new(&scorer.x, chunk * ensemble->stride, sizeof *scorer.x));
    TRY(memory_new(&scorer.about, chunk, sizeof *scorer.about));
    TRY(memory_new(&scorer.room, 2 * chunk, sizeof *scorer.room));
    TRY(memory_new(&scorer.belief, chunk, sizeof *scorer.belief));
    for (int64_t first = 0; first < users; first += CHUNK_USERS) {
        int64_t next = first + CHUNK_USERS < users ? first + CHUNK_USERS : users;
        TRY(score_users(&scorer, first, next));
        log_progress("response curves", next, users);
    }
done:
    free(scorer.x);
    free(scorer.about);
    free(scorer.room);
    free(scorer.belief);
    if (status != OK) curves_clear(curves);
    return status;
}
