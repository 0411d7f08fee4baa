/* Training rows of the response network: from offers. */
#include "jobs/response_rows.h"

#include "jobs/response_calibration.h"
#include "jobs/response_exposures.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

enum {
    DISCOUNT_BINS = 101,
    FOLD_RESPONSE = 1,
    FOLDS = 1000,
    ALIGN_FLOATS = 16,
    CANDIDATE_BYTES = 80 /* of a user */
};

#define WEIGHT_LIMIT 10.0
#define HIDDEN_SHARE 0.3

static int64_t stride_of(const struct response_context *context)
{
    return (context->columns + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

void response_rows_say(const struct comm *comm, const struct response_context *context,
                       int64_t rows)
{
    const struct dataset *dataset = context->dataset;
    int64_t users = dataset->users.blocks.rows_local, total = rows;
    comm_sum_int64(comm, &total, 1);
    /* a row's inputs and its numbers, the curves drawn for it, and what judges them */
    int64_t each = 4 * stride_of(context) + 26 + 16 + response_calibration_row_bytes(total);
    int64_t of_user = CANDIDATE_BYTES + 4 * response_classes_columns(&context->classes) +
                      4 * context->category_columns;
    log_need(comm, rows * each + dataset_bytes(dataset) + 20 * dataset->offers.start[users] +
                       dataset->events.start[users] + of_user * users);
}

double response_rows_part(const struct comm *comm, const struct response_rows_options *options,
                          int64_t rows)
{
    comm_sum_int64(comm, &rows, 1);
    if (rows <= options->rows_most) return 1.0;
    double part = (double)options->rows_most / (double)rows;
    log_info("  the response is learned from %.0f %% of the users (respond.rows_most)",
             100.0 * part);
    return part;
}

bool response_rows_wanted(const struct response_context *context,
                          const struct response_rows_options *options, double part, int64_t user)
{
    uint64_t entity = context->dataset->users.key[user].low;
    return random_uniform(options->seed, RANDOM_RESPONSE_USERS, entity, 0) < part;
}

enum status response_rows_reserve(const struct response_context *context, int64_t rows,
                                  struct response_rows *out)
{
    enum status status = OK;
    const struct blocks *users = &context->dataset->users.blocks;
    out->columns = context->columns;
    out->stride = stride_of(context);
    TRY(memory_new(&out->x, rows * out->stride, sizeof *out->x));
    TRY(memory_new(&out->y, rows, sizeof *out->y));
    TRY(memory_new(&out->discount, rows, sizeof *out->discount));
    TRY(memory_new(&out->dose, rows, sizeof *out->dose));
    TRY(memory_new(&out->user, rows, sizeof *out->user));
    TRY(memory_new(&out->weight, rows, sizeof *out->weight));
    TRY(memory_new(&out->prior, rows, sizeof *out->prior));
    TRY(memory_new(&out->member, rows, sizeof *out->member));
    TRY(memory_new(&out->part, rows, sizeof *out->part));
    TRY(memory_new(&out->blocks.start, users->blocks_local + 1, sizeof *out->blocks.start));
done:
    return status;
}

void response_rows_add(const struct response_context *context,
                       const struct response_example *example,
                       const struct response_rows_options *options, struct response_rows *out)
{
    int64_t row = out->blocks.rows_local++;
    struct user_key key = context->dataset->users.key[example->user];
    const struct response_moment moment = {example->known_until, example->hide_category};
    bool held = user_fold(key, FOLD_RESPONSE, FOLDS) < (int)(options->holdout * FOLDS);
    response_features(context, example->user, example->product, &moment,
                      out->x + row * out->stride);
    out->y[row] = example->bought ? 1.0f : 0.0f;
    out->discount[row] = out->dose[row] = example->discount;
    out->user[row] = (int32_t)example->user;
    out->weight[row] = example->weight;
    out->prior[row] = response_prior(context, example->product);
    out->member[row] = (uint8_t)response_member(key, options->members);
    out->part[row] = held ? PART_VALIDATION : PART_TRAIN;
}

/* ---- offers ---- */

static int discount_bin(float discount)
{
    return (int)lround(100.0 * (double)discount);
}

static bool shown(const struct offers *offers, int64_t o)
{
    return (offers->flags[o] & OFFER_SHOWN) != 0;
}

/* share[bin] = how often a discount was given to anybody */
static void marginal_shares(const struct comm *comm, const struct offers *offers, int64_t count,
                            double *share)
{
    int64_t bins[DISCOUNT_BINS + 1] = {0};
    for (int64_t o = 0; o < count; o++) {
        if (!shown(offers, o)) continue;
        bins[discount_bin(offers->discount[o])]++;
        bins[DISCOUNT_BINS]++;
    }
    comm_sum_int64(comm, bins, DISCOUNT_BINS + 1);
    for (int b = 0; b < DISCOUNT_BINS; b++)
        share[b] = bins[DISCOUNT_BINS] > 0 ? (double)bins[b] / (double)bins[DISCOUNT_BINS] : 0.0;
}

/* Stabilised inverse propensity, limited so that no single offer decides. */
static float offer_weight(const struct offers *offers, int64_t o, const double *share)
{
    double propensity = (double)offers->propensity[o];
    return (float)fmin(share[discount_bin(offers->discount[o])] / propensity, WEIGHT_LIMIT);
}

static bool has_propensity(const struct offers *offers, int64_t o)
{
    return offers->propensity[o] > 0.0f;
}

/* Candidates in categories of which no offer tells are like rows whose category is kept back. As
 * confounding by what was kept back is then open, those have weights against it. */
static void add_offer(const struct response_context *context,
                      const struct response_rows_options *options, const double *share,
                      int64_t user, int64_t o, struct response_rows *out)
{
    const struct dataset *dataset = context->dataset;
    const struct offers *offers = &dataset->offers;
    uint64_t entity = dataset->users.key[user].low, draw = (uint64_t)(o - offers->start[user]);
    struct response_example example = {.user = user,
                                       .product = offers->product[o],
                                       .known_until = dataset->time_last + 1,
                                       .discount = offers->discount[o],
                                       .weight = 1.0f,
                                       .bought = (offers->flags[o] & OFFER_REDEEMED) != 0};
    example.hide_category =
        has_propensity(offers, o) &&
        random_uniform(options->seed, RANDOM_NEGATIVES, entity, draw) < HIDDEN_SHARE;
    if (example.hide_category) example.weight = offer_weight(offers, o, share);
    response_rows_add(context, &example, options, out);
}

static void add_user(const struct response_context *context,
                     const struct response_rows_options *options, const double *share, int64_t user,
                     struct response_rows *out)
{
    const struct offers *offers = &context->dataset->offers;
    for (int64_t o = offers->start[user]; o < offers->start[user + 1]; o++)
        if (shown(offers, o)) add_offer(context, options, share, user, o, out);
}

/* Offers that were shown to users first .. next - 1. */
static int64_t shown_to(const struct offers *offers, int64_t first, int64_t next)
{
    int64_t count = 0;
    for (int64_t o = offers->start[first]; o < offers->start[next]; o++) count += shown(offers, o);
    return count;
}

static enum status rows_from_offers(const struct comm *comm, const struct response_context *context,
                                    const struct response_rows_options *options,
                                    struct response_rows *out)
{
    enum status status = OK;
    const struct offers *offers = &context->dataset->offers;
    const struct blocks *users = &context->dataset->users.blocks;
    int64_t count = offers->start[users->rows_local];
    double share[DISCOUNT_BINS];
    marginal_shares(comm, offers, count, share);
    double part = response_rows_part(comm, options, shown_to(offers, 0, users->rows_local));
    int64_t kept = 0;
    for (int64_t u = 0; u < users->rows_local; u++)
        if (response_rows_wanted(context, options, part, u)) kept += shown_to(offers, u, u + 1);
    response_rows_say(comm, context, kept);
    TRY_ALL(comm, response_rows_reserve(context, kept, out));
    for (int64_t b = 0; b < users->blocks_local; b++) {
        for (int64_t u = users->start[b]; u < users->start[b + 1]; u++)
            if (response_rows_wanted(context, options, part, u))
                add_user(context, options, share, u, out);
        out->blocks.start[b + 1] = out->blocks.rows_local;
        log_progress("response rows", b + 1, users->blocks_local);
    }
done:
    return status;
}

/* ---- either way ---- */

static void close_blocks(const struct comm *comm, const struct blocks *users, struct blocks *blocks)
{
    blocks->blocks_total = users->blocks_total;
    blocks->block_first = users->block_first;
    blocks->blocks_local = users->blocks_local;
    blocks->row_first = comm_prefix_int64(comm, blocks->rows_local);
    blocks->rows_total = blocks->rows_local;
    comm_sum_int64(comm, &blocks->rows_total, 1);
}

/* With a handful of users all may have been held back; then none is. */
static void train_on_some(const struct comm *comm, struct response_rows *rows)
{
    int64_t held = 0;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) held += rows->part[i] == PART_VALIDATION;
    comm_sum_int64(comm, &held, 1);
    if (held == rows->blocks.rows_total)
        for (int64_t i = 0; i < rows->blocks.rows_local; i++) rows->part[i] = PART_TRAIN;
}

/* What rows that are all alike cannot tell. */
static void warn_of_likeness(const struct comm *comm, struct response_rows *rows)
{
    const char *what = rows->observational ? "weeks of purchases" : "offers shown";
    long long all = (long long)rows->blocks.rows_total;
    int64_t bought = 0;
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        bought += rows->y[i] > 0.0f;
        least = fmin(least, (double)rows->dose[i]);
        most = fmax(most, (double)rows->dose[i]);
    }
    comm_sum_int64(comm, &bought, 1);
    comm_min_double(comm, &least, 1);
    comm_max_double(comm, &most, 1);
    if (bought == 0 || bought == all)
        log_warning("%s of the %lld %s %s, so that chances are near %d at any discount; does %s "
                    "name the right column?",
                    bought == 0 ? "none" : "all", all, what,
                    rows->observational ? "with a purchase"
                    : bought == 0       ? "was redeemed"
                                        : "were redeemed",
                    bought > 0,
                    rows->observational ? "events.columns.kind" : "offers.columns.redeemed");
    rows->one_dose = least == most;
    if (rows->one_dose)
        log_warning(
            "all %lld %s have a discount of %.4g %%: nothing tells how the chance of buying "
            "moves with it, and slopes of curves mean nothing; does the column of "
            "discounts, or of prices, name the right one?",
            all, what, 100.0 * least);
}

void response_rows_hold(const struct comm *comm, int member, struct response_rows *rows)
{
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        rows->part[i] = rows->member[i] == member ? PART_VALIDATION : PART_TRAIN;
    train_on_some(comm, rows);
}

enum status response_rows_make(const struct comm *comm, const struct response_context *context,
                               const struct candidates *candidates,
                               const struct response_rows_options *options,
                               struct response_rows *rows)
{
    enum status status = OK;
    *rows = (struct response_rows){.observational = context->dataset->offers_total == 0};
    if (rows->observational)
        TRY(response_exposures_make(comm, context, candidates, options, rows));
    else
        TRY(rows_from_offers(comm, context, options, rows));
    close_blocks(comm, &context->dataset->users.blocks, &rows->blocks);
    if (rows->blocks.rows_total == 0)
        TRY(FAIL(
            ERR_DATA,
            "nothing to learn the response from: no offer was shown and no purchase was seen"));
    train_on_some(comm, rows);
    warn_of_likeness(comm, rows);
done:
    if (status != OK) response_rows_clear(rows);
    return status;
}

void response_rows_clear(struct response_rows *rows)
{
    blocks_clear(&rows->blocks);
    free(rows->x);
    free(rows->y);
    free(rows->discount);
    free(rows->dose);
    free(rows->user);
    free(rows->weight);
    free(rows->prior);
    free(rows->part);
    free(rows->member);
    *rows = (struct response_rows){0};
}
