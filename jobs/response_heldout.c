/* Curves of past offers by who does not know their outcome. */
#include "jobs/response_heldout.h"

#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>

enum { CHUNK_ROWS = 4096 };

/* ---- which offers ---- */

/* A slot of heldout and the offer that goes there. */
struct place {
    int64_t user, slot, offer;
    int64_t row; /* among those of effects */
};

struct drawer {
    const struct response_context *context;
    const struct response_ensemble *ensemble;
    const struct response_effects *effects;
    const struct candidates *candidates;
    struct heldout *heldout;
    uint64_t seed;
    int64_t waiting;
    struct place place[CHUNK_ROWS];
    float *x;                       /* [CHUNK_ROWS][stride] */
    float *a, *b;                   /* [CHUNK_ROWS] by the member that has not learned from it */
    float *room;                    /* [2 CHUNK_ROWS] */
    struct response_about *about;   /* [CHUNK_ROWS] */
    struct response_belief *belief; /* [CHUNK_ROWS] of all members */
    struct effects_data left;       /* what is left of a user's rows without one; arrays below */
    int64_t start[2];
    float logit[EFFECTS_ROWS_MAX], effect_x[EFFECTS_ROWS_MAX], y[EFFECTS_ROWS_MAX];
    int32_t group[EFFECTS_ROWS_MAX];
};

/* So many of each of `users` users, the same on every rank. */
static int64_t slots_of(const struct comm *comm, const struct response_ensemble *ensemble,
                        const struct response_effects *effects, int64_t users)
{
    int64_t longest = 0, most = users > 0 ? HELDOUT_ROWS / users : 0;
    if (ensemble->observational || ensemble->members < 2) return 0;
    for (int64_t u = 0; u < effects->data.units; u++) {
        int64_t rows = effects->start[u + 1] - effects->start[u];
        longest = rows > longest ? rows : longest;
    }
    comm_max_int64(comm, &longest, 1);
    most = most > HELDOUT_SLOTS_MAX ? HELDOUT_SLOTS_MAX : most;
    return longest < most ? longest : most;
}

/* ---- the curve of one ---- */

static int32_t category_of(const struct drawer *drawer, int32_t product)
{
    return drawer->context->dataset->products.category_code[product];
}

/* Does an offer shown to the user, other than this row, tell of the category? */
static bool is_known(const struct drawer *drawer, int64_t user, int32_t category, int64_t row)
{
    const struct response_effects *effects = drawer->effects;
    for (int64_t r = effects->start[user]; r < effects->start[user + 1]; r++)
        if (r != row && effects->group[r] == category) return true;
    return false;
}

static uint8_t at_most_255(int64_t count)
{
    return (uint8_t)(count < 255 ? count : 255);
}

static void put_traits(const struct drawer *drawer, int64_t user, int32_t product, bool known,
                       uint8_t *trait)
{
    const struct response_context *c = drawer->context;
    const struct response_moment now = {c->dataset->time_last + 1, true};
    struct response_past past =
        response_recall(c->dataset, c->personal, &c->policy, user, product, &now);
    trait[TRAIT_KNOWN] = known;
    trait[TRAIT_BOUGHT] = at_most_255(past.product_bought);
    trait[TRAIT_BROWSED] = at_most_255(past.product_browsed);
    trait[TRAIT_CATEGORY_BOUGHT] = at_most_255(past.category_bought);
    trait[TRAIT_CATEGORY_BROWSED] = at_most_255(past.category_browsed);
    trait[TRAIT_ALL_BOUGHT] = at_most_255(past.purchases);
    trait[TRAIT_ALL_BROWSED] = at_most_255(past.browsing);
}

static void put(struct drawer *drawer, const struct place *place)
{
    const struct response_context *context = drawer->context;
    int32_t product = context->dataset->offers.product[place->offer];
    bool known = is_known(drawer, place->user, category_of(drawer, product), place->row);
    const struct response_moment moment = {context->dataset->time_last + 1, !known};
    int64_t at = drawer->waiting++;
    float *x = drawer->x + at * drawer->ensemble->stride;
    drawer->place[at] = *place;
    response_features(context, place->user, product, &moment, x);
    drawer->about[at] = response_about_of(context, drawer->effects, product, x);
    put_traits(drawer, place->user, product, known, drawer->heldout->trait + place->slot * TRAITS);
}

/* The user's effects from all rows but one, of many the last ones. */
static void fit_without(struct drawer *drawer, const struct place *place, struct effects_unit *unit)
{
    const struct response_effects *effects = drawer->effects;
    int64_t from = effects->start[place->user], next = effects->start[place->user + 1], rows = 0;
    if (next - from > EFFECTS_ROWS_MAX) from = next - EFFECTS_ROWS_MAX;
    for (int64_t r = from; r < next; r++) {
        if (r == place->row) continue;
        drawer->logit[rows] = effects->logit[r];
        drawer->effect_x[rows] = effects->x[r];
        drawer->y[rows] = effects->y[r];
        drawer->group[rows++] = effects->group[r];
    }
    effects_fit(&drawer->left, 0, rows, &effects->spread, unit);
}

static double dose_of(const struct drawer *drawer, const struct place *place)
{
    struct dose_shape shape =
        response_classes_shape(&drawer->context->classes, &drawer->ensemble->shapes, place->user);
    return dose_apply(&shape, (double)drawer->context->dataset->offers.discount[place->offer]);
}

static void finish(struct drawer *drawer, int64_t at)
{
    const struct place *place = &drawer->place[at];
    const struct offers *offers = &drawer->context->dataset->offers;
    struct heldout *heldout = drawer->heldout;
    struct effects_unit unit;
    int32_t product = offers->product[place->offer];
    struct response_belief belief = drawer->belief[at];
    belief.a = drawer->a[at];
    belief.b = drawer->b[at];
    fit_without(drawer, place, &unit);
    struct response_about about = drawer->about[at];
    double logit = (double)belief.a + (double)belief.b * dose_of(drawer, place);
    about.product = response_product_without(drawer->effects, product, logit,
                                             (double)drawer->effects->y[place->row]);
    struct response_curve curve = response_curve_of(drawer->effects, &unit, &belief, &about);
    heldout->product[place->slot] = product;
    heldout->discount[place->slot] = offers->discount[place->offer];
    heldout->propensity[place->slot] = offers->propensity[place->offer];
    heldout->bought[place->slot] = (offers->flags[place->offer] & OFFER_REDEEMED) != 0;
    heldout->a[place->slot] = curve.a;
    heldout->b[place->slot] = curve.b;
}

/* Draw the curves of those that wait. */
static enum status flush(struct drawer *drawer)
{
    enum status status = OK;
    const struct response_ensemble *ensemble = drawer->ensemble;
    const struct user_key *key = drawer->context->dataset->users.key;
    int64_t rows = drawer->waiting;
    float *a = drawer->room, *b = drawer->room + CHUNK_ROWS;
    drawer->waiting = 0;
    response_ensemble_scale(ensemble, rows, drawer->x);
    TRY(response_ensemble_apply(ensemble, drawer->x, rows, drawer->room, drawer->belief));
    for (int k = 0; k < ensemble->members; k++) {
        TRY(response_ensemble_member(ensemble, k, drawer->x, rows, a, b));
        for (int64_t i = 0; i < rows; i++) {
            if (response_member(key[drawer->place[i].user], ensemble->members) != k) continue;
            drawer->a[i] = a[i];
            drawer->b[i] = b[i];
        }
    }
    for (int64_t i = 0; i < rows; i++) finish(drawer, i);
done:
    return status;
}

/* ---- all of them ---- */

/* Each of a user's offers with the chance of being among those drawn that is left to it. */
static enum status draw_user(struct drawer *drawer, int64_t user, int64_t slot)
{
    enum status status = OK;
    const struct offers *offers = &drawer->context->dataset->offers;
    int64_t row = drawer->effects->start[user], left = drawer->effects->start[user + 1] - row;
    int64_t wanted = drawer->heldout->slots;
    uint64_t entity = drawer->context->dataset->users.key[user].low;
    for (int64_t o = offers->start[user]; o < offers->start[user + 1] && wanted > 0; o++) {
        if ((offers->flags[o] & OFFER_SHOWN) == 0) continue;
        uint64_t draw = (uint64_t)(o - offers->start[user]);
        double u = random_uniform(drawer->seed, RANDOM_HELDOUT, entity, draw);
        const struct place place = {user, slot, o, row++};
        if (u * (double)left-- >= (double)wanted) continue;
        wanted--;
        slot++;
        put(drawer, &place);
        if (drawer->waiting == CHUNK_ROWS) TRY(flush(drawer));
    }
done:
    return status;
}

static void put_candidates(const struct drawer *drawer, int64_t user, uint8_t *trait)
{
    int64_t slots = drawer->candidates->slots;
    for (int64_t s = 0; s < slots; s++) {
        int32_t product = drawer->candidates->product[user * slots + s];
        if (product < 0) continue;
        bool known = is_known(drawer, user, category_of(drawer, product), -1);
        put_traits(drawer, user, product, known, trait + s * TRAITS);
    }
}

static enum status draw_all(struct drawer *drawer)
{
    enum status status = OK;
    struct heldout *h = drawer->heldout;
    for (int64_t i = 0; i < h->users; i++) {
        int64_t user = h->user_first + i * h->every;
        TRY(draw_user(drawer, user, i * h->slots));
        put_candidates(drawer, user, h->of_candidates + i * h->candidates * TRAITS);
        log_progress("curves of past offers", i + 1, h->users);
    }
    TRY(flush(drawer));
done:
    return status;
}

static enum status open_drawer(struct drawer *drawer)
{
    enum status status = OK;
    TRY(memory_new(&drawer->x, CHUNK_ROWS * drawer->ensemble->stride, sizeof *drawer->x));
    TRY(memory_new(&drawer->a, CHUNK_ROWS, sizeof *drawer->a));
    TRY(memory_new(&drawer->b, CHUNK_ROWS, sizeof *drawer->b));
    TRY(memory_new(&drawer->room, 2 * CHUNK_ROWS, sizeof *drawer->room));
    TRY(memory_new(&drawer->about, CHUNK_ROWS, sizeof *drawer->about));
    TRY(memory_new(&drawer->belief, CHUNK_ROWS, sizeof *drawer->belief));
    drawer->left = (struct effects_data){1,         drawer->start, drawer->logit, drawer->effect_x,
                                         drawer->y, drawer->group};
done:
    return status;
}

static void free_drawer(struct drawer *drawer)
{
    if (drawer == NULL) return;
    free(drawer->x);
    free(drawer->a);
    free(drawer->b);
    free(drawer->room);
    free(drawer->about);
    free(drawer->belief);
    free(drawer);
}

static enum status draw(struct drawer *drawer, const struct dataset *dataset)
{
    enum status status = OK;
    struct heldout *h = drawer->heldout;
    TRY(heldout_reserve(&dataset->users.blocks, h));
    if (h->slots == 0) goto done;
    for (int64_t p = 0; p < h->products; p++)
        h->purchases[p] = drawer->context->product[p].purchases;
    TRY(open_drawer(drawer));
    TRY(draw_all(drawer));
done:
    return status;
}

enum status response_heldout_draw(const struct comm *comm, const struct run *run,
                                  const struct response_context *context,
                                  const struct candidates *candidates,
                                  const struct response_ensemble *ensemble,
                                  const struct response_effects *effects, struct heldout *heldout)
{
    enum status status = OK;
    struct drawer *drawer = NULL;
    const struct dataset *dataset = context->dataset;
    int64_t users = dataset->users.blocks.rows_total;
    int64_t every = (users + HELDOUT_USERS - 1) / HELDOUT_USERS;
    *heldout = (struct heldout){.every = every > 0 ? every : 1,
                                .candidates = candidates->slots,
                                .products = dataset->products.count};
    heldout->slots = slots_of(comm, ensemble, effects, users / heldout->every);
    TRY_ALL(comm, memory_new(&drawer, 1, sizeof *drawer));
    drawer->context = context;
    drawer->ensemble = ensemble;
    drawer->effects = effects;
    drawer->candidates = candidates;
    drawer->heldout = heldout;
    drawer->seed = run->seed;
    TRY_ALL(comm, draw(drawer, dataset));
done:
    free_drawer(drawer);
    return status;
}
