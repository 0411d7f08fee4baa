/* The recommend stage: what a user buys again, and what is popular in the user's segment. */
#include "jobs/candidates.h"
#include "jobs/offerable.h"
#include "jobs/profiles.h"
#include "jobs/run.h"
#include "io/dataset.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* Pseudo-purchases by which the segment's popularity speaks beside a user's own history. */
#define SMOOTHING 20.0

/* How much of a purchase an event is worth as a sign of interest, in hundredths. */
static const int64_t interest[EVENT_KINDS] = {[EVENT_VIEW] = 5,
                                              [EVENT_CLICK] = 10,
                                              [EVENT_CART] = 40,
                                              [EVENT_PURCHASE] = 100,
                                              [EVENT_RETURN] = -100};

/* The most popular products of each segment, and how large a share of its purchases each has. */
struct popularity {
    int64_t pool;     /* products per segment */
    int32_t *product; /* [segments][pool] most popular first, -1 past the end */
    double *share;    /* [segments][pool] */
};

struct ranked {
    double score;
    int32_t product;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->score != right->score) return left->score > right->score ? -1 : 1;
    return (left->product > right->product) - (left->product < right->product);
}

/* ---- popularity ---- */

/* count[product] = purchases by users of one segment, over all ranks */
static void count_segment(const struct comm *comm, const struct dataset *dataset,
                          const int32_t *segment, int32_t which, int64_t *count)
{
    const struct events *events = &dataset->events;
    memset(count, 0, (size_t)dataset->products.count * sizeof *count);
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++)
        for (int64_t e = events->start[u]; segment[u] == which && e < events->start[u + 1]; e++)
            count[events->product[e]] += events->kind[e] == EVENT_PURCHASE;
    comm_sum_int64(comm, count, dataset->products.count);
}

/* Keep the offerable products with most purchases; all counts are above 0 by one so that new
 * products have a chance. */
static void rank_segment(const struct dataset *dataset, const int64_t *count,
                         const uint8_t *offerable, struct ranked *all, int32_t which,
                         struct popularity *popularity)
{
    int64_t kept = 0;
    double total = 0;
    for (int64_t p = 0; p < dataset->products.count; p++) {
        total += (double)count[p];
        if (offerable[p]) all[kept++] = (struct ranked){(double)count[p] + 1.0, (int32_t)p};
    }
    qsort(all, (size_t)kept, sizeof *all, by_score);
    for (int64_t i = 0; i < popularity->pool; i++) {
        int64_t at = which * popularity->pool + i;
        popularity->product[at] = i < kept ? all[i].product : -1;
        popularity->share[at] = i < kept ? all[i].score / (total + (double)kept) : 0.0;
    }
}

static enum status find_popular(const struct comm *comm, const struct dataset *dataset,
                                const struct profiles *profiles, const uint8_t *offerable,
                                struct popularity *popularity)
{
    enum status status = OK;
    struct ranked *all = NULL;
    int64_t *count = NULL, products = dataset->products.count;
    int64_t size = profiles->segments * popularity->pool;
    TRY_ALL(comm, memory_new(&popularity->product, size, sizeof *popularity->product));
    TRY_ALL(comm, memory_new(&popularity->share, size, sizeof *popularity->share));
    TRY_ALL(comm, memory_new(&count, products, sizeof *count));
    TRY_ALL(comm, memory_new(&all, products, sizeof *all));
    for (int32_t s = 0; s < profiles->segments; s++) {
        count_segment(comm, dataset, profiles->segment, s, count);
        rank_segment(dataset, count, offerable, all, s, popularity);
    }
done:
    free(count);
    free(all);
    return status;
}

/* ---- one user ---- */

struct scorer {
    double *interest;      /* [products] of the user at hand, 0 elsewhere */
    double *share;         /* [products] in the user's segment, where it is in the pool */
    struct ranked *ranked; /* [pool + longest history] */
    int64_t count, slots;
};

static void consider(struct scorer *scorer, const uint8_t *offerable, int32_t product)
{
    if (offerable[product]) scorer->ranked[scorer->count++].product = product;
}

/* Interest of the user in each product of the history; each is considered once, at its first
 * event. */
static double take_history(const struct dataset *dataset, const uint8_t *offerable, int64_t user,
                           struct scorer *scorer)
{
    const struct events *events = &dataset->events;
    double total = 0;
    scorer->count = 0;
    for (int64_t e = events->start[user]; e < events->start[user + 1]; e++) {
        int32_t product = events->product[e];
        double worth = 0.01 * (double)interest[events->kind[e]];
        if (scorer->interest[product] == 0.0) consider(scorer, offerable, product);
        scorer->interest[product] += worth + 1e-12; /* never back to exactly 0 */
        total += worth;
    }
    return total > 0.0 ? total : 0.0;
}

/* Smoothed share of purchases: (interest + smoothing x share in the segment) / (all interest +
 * smoothing). */
static void score_user(const struct dataset *dataset, const struct popularity *popularity,
                       const uint8_t *offerable, int64_t user, int32_t segment,
                       struct scorer *scorer)
{
    const int32_t *pool = popularity->product + segment * popularity->pool;
    const double *share = popularity->share + segment * popularity->pool;
    double total = take_history(dataset, offerable, user, scorer);
    /* of products new to the user the pool's first are the best: slots of them are enough */
    for (int64_t i = 0, fresh = 0; i < popularity->pool && pool[i] >= 0; i++) {
        bool known = scorer->interest[pool[i]] != 0.0;
        if (!known && fresh == scorer->slots) continue;
        scorer->share[pool[i]] = share[i];
        if (known) continue;
        consider(scorer, offerable, pool[i]);
        fresh++;
    }
    for (int64_t i = 0; i < scorer->count; i++) {
        int32_t p = scorer->ranked[i].product;
        scorer->ranked[i].score =
            (scorer->interest[p] + SMOOTHING * scorer->share[p]) / (total + SMOOTHING);
    }
    for (int64_t i = 0; i < popularity->pool && pool[i] >= 0; i++) scorer->share[pool[i]] = 0.0;
    for (int64_t e = dataset->events.start[user]; e < dataset->events.start[user + 1]; e++)
        scorer->interest[dataset->events.product[e]] = 0.0;
    qsort(scorer->ranked, (size_t)scorer->count, sizeof *scorer->ranked, by_score);
}

static enum status open_scorer(const struct dataset *dataset, int64_t pool, struct scorer *scorer)
{
    enum status status = OK;
    int64_t longest = 0;
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        int64_t events = dataset->events.start[u + 1] - dataset->events.start[u];
        longest = events > longest ? events : longest;
    }
    TRY(memory_new(&scorer->interest, dataset->products.count, sizeof *scorer->interest));
    TRY(memory_new(&scorer->share, dataset->products.count, sizeof *scorer->share));
    TRY(memory_new(&scorer->ranked, pool + longest, sizeof *scorer->ranked));
done:
    return status;
}

static enum status score_users(const struct dataset *dataset, const struct profiles *profiles,
                               const struct popularity *popularity, const uint8_t *offerable,
                               struct candidates *candidates)
{
    enum status status = OK;
    struct scorer scorer = {.slots = candidates->slots};
    int64_t users = dataset->users.blocks.rows_local, slots = candidates->slots;
    TRY(open_scorer(dataset, popularity->pool, &scorer));
    TRY(memory_new(&candidates->product, users * slots, sizeof *candidates->product));
    TRY(memory_new(&candidates->score, users * slots, sizeof *candidates->score));
    for (int64_t u = 0; u < users; u++) {
        score_user(dataset, popularity, offerable, u, profiles->segment[u], &scorer);
        for (int64_t s = 0; s < slots; s++) {
            bool there = s < scorer.count;
            candidates->product[u * slots + s] = there ? scorer.ranked[s].product : -1;
            candidates->score[u * slots + s] = there ? (float)scorer.ranked[s].score : 0.0f;
        }
        log_progress("scoring users", u + 1, users);
    }
done:
    free(scorer.interest);
    free(scorer.share);
    free(scorer.ranked);
    return status;
}

static enum status find_offerable(const struct run *run, const struct products *products,
                                  uint8_t **offerable)
{
    int64_t count = 0;
    enum status status = memory_new(offerable, products->count, 1);
    if (status != OK) return status;
    for (int64_t p = 0; p < products->count; p++)
        count += (*offerable)[p] = offerable_product(run->config, products, p);
    if (count == 0)
        return FAIL(ERR_DATA,
                    "no product has a list price above its cost by allocate.margin_floor; check "
                    "products.columns, products.assumed_margin and allocate.margin_floor");
    log_info("  %lld of %lld products can be offered", (long long)count,
             (long long)products->count);
    return OK;
}

static enum status recommend_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct profiles profiles = {0};
    struct popularity popularity = {.pool = config_integer(run->config, "recommend.pool")};
    struct candidates candidates = {.slots = config_integer(run->config, "recommend.slots")};
    uint8_t *offerable = NULL;
    if (popularity.pool < candidates.slots) popularity.pool = candidates.slots;
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_EVENTS, &dataset));
    TRY(profiles_read_segments(comm, run_path(run, "profiles.h5"), &dataset->users.blocks,
                               &profiles));
    log_need(comm,
             dataset_bytes(dataset) + 8 * candidates.slots * dataset->users.blocks.rows_local);
    TRY_ALL(comm, find_offerable(run, &dataset->products, &offerable));
    TRY(find_popular(comm, dataset, &profiles, offerable, &popularity));
    TRY_ALL(comm, score_users(dataset, &profiles, &popularity, offerable, &candidates));
    TRY(candidates_write(comm, run_path(run, "candidates.h5"), &dataset->users.blocks,
                         &candidates));
done:
    free(offerable);
    free(popularity.product);
    free(popularity.share);
    candidates_clear(&candidates);
    profiles_clear(&profiles);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"recommend", "allocate.margin_floor", NULL};
static const char *const needs[] = {"profile", NULL};
static const char *const outputs[] = {"candidates.h5", NULL};

const struct stage stage_recommend = {
    .name = "recommend",
    .does = "the products each user may want",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = recommend_run,
};
