/* Users' own effects, from their own offers. */
#include "jobs/response_effects.h"

#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { CHUNK_ROWS = 4096, ALSO_HIDDEN = 8 /* one user in so many */ };

/* The discount at which the curve of expected chances meets the posterior's, beside none. */
#define REFERENCE_DISCOUNT 0.2

/* Variance of each effect where no offer tells of any. */
#define UNSEEN 0.25

/* ---- the user's own offers ---- */

static bool shown(const struct offers *offers, int64_t o)
{
    return (offers->flags[o] & OFFER_SHOWN) != 0;
}

static enum status reserve(const struct response_context *context, struct response_effects *effects)
{
    enum status status = OK;
    const struct offers *offers = &context->dataset->offers;
    int64_t users = context->dataset->users.blocks.rows_local, rows = 0;
    TRY(memory_new(&effects->start, users + 1, sizeof *effects->start));
    for (int64_t u = 0; u < users; u++) {
        for (int64_t o = offers->start[u]; o < offers->start[u + 1]; o++) rows += shown(offers, o);
        effects->start[u + 1] = rows;
    }
    TRY(memory_new(&effects->logit, rows, sizeof *effects->logit));
    TRY(memory_new(&effects->x, rows, sizeof *effects->x));
    TRY(memory_new(&effects->y, rows, sizeof *effects->y));
    TRY(memory_new(&effects->group, rows, sizeof *effects->group));
    TRY(memory_new(&effects->product, rows, sizeof *effects->product));
    effects->data = (struct effects_data){users,      effects->start, effects->logit,
                                          effects->x, effects->y,     effects->group};
done:
    return status;
}

/* Rows that wait for their member. */
struct queue {
    int64_t rows;
    float *x;     /* [CHUNK_ROWS][stride] */
    int64_t *row; /* [CHUNK_ROWS] where each goes */
    double *dose; /* [CHUNK_ROWS] */
    bool *hidden; /* [CHUNK_ROWS] the second of two rows of one offer */
};

struct judge {
    const struct response_context *context;
    const struct response_ensemble *ensemble;
    struct response_effects *effects;
    struct queue queue[RESPONSE_MEMBERS_MAX];
    float *a, *b;                /* [CHUNK_ROWS] */
    float *apart;                /* [rows][members] log odds by each, less their mean */
    struct exact_sums kept_back; /* squares of what was kept back moves, and their number */
};

static enum status open_judge(struct judge *judge)
{
    enum status status = OK;
    TRY(exact_init(&judge->kept_back, 2));
    TRY(memory_new(&judge->a, CHUNK_ROWS, sizeof *judge->a));
    TRY(memory_new(&judge->b, CHUNK_ROWS, sizeof *judge->b));
    TRY(memory_new(&judge->apart,
                   judge->effects->start[judge->effects->data.units] * judge->ensemble->members,
                   sizeof *judge->apart));
    for (int k = 0; k < judge->ensemble->members; k++) {
        struct queue *queue = &judge->queue[k];
        TRY(memory_new(&queue->x, CHUNK_ROWS * judge->ensemble->stride, sizeof *queue->x));
        TRY(memory_new(&queue->row, CHUNK_ROWS, sizeof *queue->row));
        TRY(memory_new(&queue->dose, CHUNK_ROWS, sizeof *queue->dose));
        TRY(memory_new(&queue->hidden, CHUNK_ROWS, sizeof *queue->hidden));
    }
done:
    return status;
}

static void close_judge(struct judge *judge)
{
    exact_clear(&judge->kept_back);
    free(judge->a);
    free(judge->b);
    free(judge->apart);
    for (int k = 0; k < RESPONSE_MEMBERS_MAX; k++) {
        free(judge->queue[k].x);
        free(judge->queue[k].row);
        free(judge->queue[k].dose);
        free(judge->queue[k].hidden);
    }
}

/* What the rows' own member says; a hidden row comes right after its other one. */
static void take_own(struct judge *judge, const struct queue *queue)
{
    struct response_effects *effects = judge->effects;
    for (int64_t i = 0; i < queue->rows; i++) {
        if (queue->hidden[i]) {
            double moved = (double)judge->a[i] - (double)judge->a[i - 1];
            exact_add_one(&judge->kept_back, 0, moved * moved);
            exact_add_one(&judge->kept_back, 1, 1.0);
            continue;
        }
        double x = (double)judge->b[i] * queue->dose[i];
        effects->x[queue->row[i]] = (float)x;
        effects->logit[queue->row[i]] = (float)((double)judge->a[i] + x);
    }
}

static void take_member(struct judge *judge, const struct queue *queue, int member)
{
    for (int64_t i = 0; i < queue->rows; i++) {
        double logit = (double)judge->a[i] + (double)judge->b[i] * queue->dose[i];
        if (!queue->hidden[i])
            judge->apart[queue->row[i] * judge->ensemble->members + member] = (float)logit;
    }
}

static void less_their_mean(struct judge *judge, const struct queue *queue)
{
    int members = judge->ensemble->members;
    for (int64_t i = 0; i < queue->rows; i++) {
        float *apart = judge->apart + queue->row[i] * members, mean = 0.0f;
        if (queue->hidden[i]) continue;
        for (int k = 0; k < members; k++) mean += apart[k] / (float)members;
        for (int k = 0; k < members; k++) apart[k] -= mean;
    }
}

/* Ask all members about the rows that wait for one. */
static enum status flush(struct judge *judge, int own)
{
    enum status status = OK;
    struct queue *queue = &judge->queue[own];
    response_ensemble_scale(judge->ensemble, queue->rows, queue->x);
    for (int k = 0; k < judge->ensemble->members; k++) {
        TRY(response_ensemble_member(judge->ensemble, k, queue->x, queue->rows, judge->a,
                                     judge->b));
        if (k == own) take_own(judge, queue);
        take_member(judge, queue, k);
    }
    less_their_mean(judge, queue);
    queue->rows = 0;
done:
    return status;
}

static void put(struct judge *judge, int64_t user, int64_t o, int64_t row, bool hidden,
                struct queue *queue)
{
    const struct dataset *dataset = judge->context->dataset;
    const struct response_moment moment = {dataset->time_last + 1, hidden};
    int64_t at = queue->rows++;
    response_features(judge->context, user, dataset->offers.product[o], &moment,
                      queue->x + at * judge->ensemble->stride);
    queue->row[at] = row;
    struct dose_shape shape =
        response_classes_shape(&judge->context->classes, &judge->ensemble->shapes, user);
    queue->dose[at] = dose_apply(&shape, (double)dataset->offers.discount[o]);
    queue->hidden[at] = hidden;
}

static enum status judge_user(struct judge *judge, int64_t user)
{
    enum status status = OK;
    const struct dataset *dataset = judge->context->dataset;
    const struct offers *offers = &dataset->offers;
    struct user_key key = dataset->users.key[user];
    int member = response_member(key, judge->ensemble->members);
    bool also_hidden = response_member(key, ALSO_HIDDEN) == 0;
    int64_t row = judge->effects->start[user];
    for (int64_t o = offers->start[user]; o < offers->start[user + 1]; o++) {
        if (!shown(offers, o)) continue;
        struct queue *queue = &judge->queue[member];
        if (queue->rows + 2 > CHUNK_ROWS) TRY(flush(judge, member));
        judge->effects->y[row] = (offers->flags[o] & OFFER_REDEEMED) != 0 ? 1.0f : 0.0f;
        judge->effects->product[row] = offers->product[o];
        judge->effects->group[row] = dataset->products.category_code[offers->product[o]];
        put(judge, user, o, row, false, queue);
        if (also_hidden && offers->propensity[o] > 0.0f) put(judge, user, o, row, true, queue);
        row++;
    }
done:
    return status;
}

static enum status judge_all(struct judge *judge)
{
    enum status status = OK;
    int64_t users = judge->effects->data.units;
    for (int64_t u = 0; u < users; u++) {
        TRY(judge_user(judge, u));
        log_progress("users' own offers", u + 1, users);
    }
    for (int k = 0; k < judge->ensemble->members; k++) TRY(flush(judge, k));
done:
    return status;
}

/* ---- products ---- */

/* Log odds of somebody of variance v who, on average over all such, buys with sigmoid(logit) is
 * further out: by about this factor. MacKay 1992, Neural Comput. 4(5). */
static double farther(double variance)
{
    return sqrt(1.0 + M_PI / 8.0 * variance);
}

/* From chances averaged over products that look alike to those of each, as others' outcomes tell
 * it. */
static enum status tell_products_apart(const struct comm *comm, int64_t products,
                                       struct response_effects *effects)
{
    enum status status = OK;
    double spread = 0.0;
    const struct shared_data data = {&effects->data, effects->product, products};
    int64_t rows = effects->start[effects->data.units];
    TRY(shared_spread_fit(comm, &data, &spread));
    for (int64_t i = 0; i < rows; i++)
        effects->logit[i] = (float)((double)effects->logit[i] * farther(spread));
    TRY(shared_effects_fit(comm, &data, spread, &effects->products));
    for (int64_t i = 0; i < rows; i++) {
        double logit = (double)effects->logit[i], y = (double)effects->y[i];
        logit += shared_effects_without(&effects->products, effects->product[i], logit, y);
        effects->logit[i] = (float)logit;
    }
done:
    return status;
}

double response_product_without(const struct response_effects *effects, int32_t product,
                                double logit, double y)
{
    logit *= farther(effects->products.spread);
    return shared_effects_without(&effects->products, product, logit, y);
}

/* ---- spreads ---- */

static double variance_at(const struct effects_spread *spread, double x)
{
    return spread->offset + spread->grouped + spread->slope * x * x;
}

/* From chances averaged over users who look alike to those of a user without effects. */
static void move_out(struct response_effects *effects)
{
    for (int64_t i = 0; i < effects->start[effects->data.units]; i++) {
        double x = (double)effects->x[i];
        double factor = farther(variance_at(&effects->spread, x));
        effects->logit[i] = (float)((double)effects->logit[i] * factor);
    }
}

static void tell(const struct response_effects *effects)
{
    log_info("  products that look alike differ by %.3f in the log odds of buying",
             sqrt(effects->products.spread));
    log_info("  users who look alike differ by %.3f in the log odds of buying, %.3f in a category, "
             "%.0f %% in the slope (standard deviations)",
             sqrt(effects->spread.offset), sqrt(effects->spread.grouped),
             100.0 * sqrt(effects->spread.slope));
    if (effects->kept_back > 0.0)
        log_info("  what past offers in a category tell of a user moves the log odds by %.3f",
                 sqrt(effects->kept_back));
}

/* Where standings move the log odds much, they may well be all that tells users apart: the odds
 * that nothing is left are as this variance to the usual one. */
static enum status find_spread(const struct comm *comm, const struct judge *judge,
                               struct response_effects *effects)
{
    const struct effects_before before = {.none = effects->kept_back /
                                                  (effects->kept_back + EFFECTS_USUAL),
                                          .members = judge->ensemble->members,
                                          .apart = judge->apart};
    return effects_spread_fit(comm, &effects->data, &before, &effects->spread);
}

enum status response_effects_make(const struct comm *comm, const struct response_context *context,
                                  const struct response_ensemble *ensemble,
                                  struct response_effects *effects)
{
    enum status status = OK;
    struct judge judge = {.context = context, .ensemble = ensemble, .effects = effects};
    *effects = (struct response_effects){.scale = 1.0};
    effects->spread = (struct effects_spread){UNSEEN, UNSEEN, UNSEEN};
    TRY_ALL(comm, reserve(context, effects));
    if (ensemble->observational) goto done;
    TRY_ALL(comm, open_judge(&judge));
    TRY_ALL(comm, judge_all(&judge));
    TRY(exact_reduce(comm, &judge.kept_back));
    double rows = exact_get(&judge.kept_back, 1);
    effects->kept_back = rows > 0.0 ? exact_get(&judge.kept_back, 0) / rows : 0.0;
    TRY(tell_products_apart(comm, context->dataset->products.count, effects));
    TRY(find_spread(comm, &judge, effects));
    move_out(effects);
    tell(effects);
done:
    close_judge(&judge);
    if (status != OK) response_effects_clear(effects);
    return status;
}

void response_effects_clear(struct response_effects *effects)
{
    free(effects->start);
    free(effects->logit);
    free(effects->x);
    free(effects->y);
    free(effects->group);
    free(effects->product);
    shared_effects_clear(&effects->products);
    *effects = (struct response_effects){0};
}

/* ---- curves ---- */

/* Variance of the log odds at a discount: v[0] without one, v[2] of the gain, v[1] of both. */
static double spread_at(const double v[3], double discount)
{
    return fmax(v[0] + 2.0 * discount * v[1] + discount * discount * v[2], 0.0);
}

/* Log odds of the expected chance at a discount. */
static double expected(const struct response_belief *belief, const struct effects *own,
                       const double before[3], const double after[3], double discount)
{
    double gain = (double)belief->b * discount;
    double middle = farther(spread_at(before, discount)) * ((double)belief->a + gain);
    middle += own->offset + own->slope * gain;
    return middle / farther(spread_at(after, discount));
}

struct response_about response_about_of(const struct response_context *context,
                                        const struct response_effects *effects, int32_t product,
                                        const float *x)
{
    const struct shared_effects *products = &effects->products;
    struct response_about about = {.category = context->dataset->products.category_code[product],
                                   .other = effects->kept_back * response_unknown(context, x)};
    if (products->things == 0) {
        about.product_before = about.product_var = response_product_variance(context, product);
        return about;
    }
    about.product = (double)products->mean[product];
    about.product_before = products->spread;
    about.product_var = (double)products->variance[product];
    return about;
}

struct response_curve response_curve_of(const struct response_effects *effects,
                                        const struct effects_unit *unit,
                                        const struct response_belief *belief,
                                        const struct response_about *about)
{
    const struct effects_spread *spread = &effects->spread;
    struct effects own = effects_at(unit, about->category);
    double b = (double)belief->b, a_var = about->other + (double)belief->a_var;
    double both = (double)belief->both_cov, b_var = (double)belief->b_var;
    double before[3] = {a_var + about->product_before + spread->offset + spread->grouped, both,
                        b_var + b * b * spread->slope};
    double after[3] = {a_var + about->product_var + own.offset_var, both + b * own.both_cov,
                       b_var + b * b * own.slope_var};
    own.offset += about->product;
    double a = expected(belief, &own, before, after, 0.0);
    double deep = expected(belief, &own, before, after, REFERENCE_DISCOUNT);
    double product = sqrt(after[0] * after[2]);
    double correlation = product > 0.0 ? after[1] / product : 0.0;
    double scale = effects->scale, slope = fmax((deep - a) / REFERENCE_DISCOUNT, 0.0);
    return (struct response_curve){.a = (float)(effects->shift + scale * a),
                                   .b = (float)(scale * slope),
                                   .a_sd = (float)(scale * sqrt(after[0])),
                                   .b_sd = (float)(scale * sqrt(after[2])),
                                   .correlation = (float)fmin(fmax(correlation, -1.0), 1.0)};
}
