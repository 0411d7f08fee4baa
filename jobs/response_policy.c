/* Where users stand with the policy that chose their past discounts. */
#include "jobs/response_policy.h"

#include "algorithms/tilted_policy.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { BINS = TILT_LEVELS, ROUNDS = 3 };

/* Offers the policy is found from, about; more say the same. */
#define OFFERS_ENOUGH 20000.0
#define DOUBTFUL 0.1f /* least weight of a standing, when it may as well be another */
/* Bounds of the weight, in offers, of what is known from farther away. */
#define PULL_LEAST 0.02
#define PULL_MOST 10.0
/* Fewer offers tell nothing of how far standings spread. */
#define TELLING 100.0

/* The policy, and which level a discount is. */
struct given {
    struct tilted_policy policy;
    int of_bin[BINS];
};

static int bin_of(float discount)
{
    return (int)lround(100.0 * (double)discount);
}

static bool has_propensity(const struct offers *offers, int64_t o)
{
    return offers->propensity[o] > 0.0f;
}

/* Levels that were given, how deep in standard deviations, and the logs of how often. */
static void find_levels(const struct comm *comm, const struct offers *offers, int64_t count,
                        struct given *given)
{
    struct tilted_policy *policy = &given->policy;
    int64_t bins[BINS] = {0}, all = 0;
    double mean = 0.0, square = 0.0;
    for (int64_t o = 0; o < count; o++) bins[bin_of(offers->discount[o])] += 1;
    comm_sum_int64(comm, bins, BINS);
    for (int b = 0; b < BINS; b++) all += bins[b];
    for (int b = 0; b < BINS; b++) {
        given->of_bin[b] = policy->levels;
        if (bins[b] == 0) continue;
        double share = (double)bins[b] / (double)all, d = 0.01 * b;
        policy->base[policy->levels] = log(share);
        policy->z[policy->levels++] = d;
        mean += share * d;
        square += share * d * d;
    }
    double sd = sqrt(fmax(square - mean * mean, 1e-12));
    for (int k = 0; k < policy->levels; k++) policy->z[k] = (policy->z[k] - mean) / sd;
    tilted_policy_tilt(policy);
}

/* ---- the policy ---- */

/* The offers of some users, drawn by their rows. */
struct sample {
    struct tilted_rows rows;
    int64_t *start;
    int8_t *level;
    float *chance;
    int32_t *group;
};

static void sample_clear(struct sample *sample)
{
    free(sample->start);
    free(sample->level);
    free(sample->chance);
    free(sample->group);
}

static bool is_drawn(const struct dataset *dataset, int64_t user, int64_t all)
{
    uint64_t row = (uint64_t)(dataset->users.blocks.row_first + user);
    return random_uniform(1, RANDOM_SPLIT, row, 1) * (double)all < OFFERS_ENOUGH;
}

static void put_offers(const struct dataset *dataset, const struct given *given, int64_t user,
                       int64_t at, struct sample *sample)
{
    const struct offers *offers = &dataset->offers;
    for (int64_t o = offers->start[user]; o < offers->start[user + 1]; o++, at++) {
        int level = given->of_bin[bin_of(offers->discount[o])];
        sample->level[at] = has_propensity(offers, o) ? (int8_t)level : -1;
        sample->chance[at] = offers->propensity[o];
        sample->group[at] = dataset->products.category_code[offers->product[o]];
    }
}

static enum status sample_draw(const struct dataset *dataset, const struct given *given,
                               int64_t all, struct sample *sample)
{
    enum status status = OK;
    const int64_t *start = dataset->offers.start, users = dataset->users.blocks.rows_local;
    int64_t drawn = 0, offers = 0;
    for (int64_t u = 0; u < users; u++) {
        if (!is_drawn(dataset, u, all)) continue;
        drawn++;
        offers += start[u + 1] - start[u];
    }
    TRY(memory_new(&sample->start, drawn + 1, sizeof *sample->start));
    TRY(memory_new(&sample->level, offers, sizeof *sample->level));
    TRY(memory_new(&sample->chance, offers, sizeof *sample->chance));
    TRY(memory_new(&sample->group, offers, sizeof *sample->group));
    drawn = 0;
    for (int64_t u = 0; u < users; u++) {
        if (!is_drawn(dataset, u, all)) continue;
        put_offers(dataset, given, u, sample->start[drawn], sample);
        sample->start[drawn + 1] = sample->start[drawn] + start[u + 1] - start[u];
        drawn++;
    }
    sample->rows =
        (struct tilted_rows){drawn,          sample->start, sample->level,
                             sample->chance, sample->group, dataset->products.category.count};
done:
    return status;
}

static enum status find_policy(const struct comm *comm, const struct dataset *dataset,
                               struct given *given)
{
    enum status status = OK;
    struct sample sample = {0};
    int64_t all = dataset->offers.start[dataset->users.blocks.rows_local], pairs = 0;
    double misfit = 0.0;
    comm_sum_int64(comm, &all, 1);
    TRY_ALL(comm, sample_draw(dataset, given, all, &sample));
    TRY(tilted_policy_fit(comm, &sample.rows, &given->policy, &pairs, &misfit));
    if (pairs > 0)
        log_info("  past offers went by where users stand; %.0f %% of them blindly (the chances of "
                 "%" PRId64 " met within %.1f %%)",
                 100.0 * given->policy.floor, pairs, 100.0 * misfit);
done:
    sample_clear(&sample);
    return status;
}

/* ---- which of the two ---- */

/* An offer's two possible standings, NAN where it tells of none. */
struct roots {
    struct tilted_roots at;
    int32_t category;
};

struct sums {
    double weight, standing;
};

/* Room for one user; category sums are zero between users. */
struct user_room {
    struct roots *roots; /* [most offers of a user] */
    struct sums *category;
};

static void add_sums(struct sums *sums, double sign, float weight, float standing)
{
    sums->weight += sign * (double)weight;
    sums->standing += sign * (double)weight * (double)standing;
}

static double pulled(const struct sums *sums, double pull, double toward)
{
    return (sums->standing + pull * toward) / (sums->weight + pull);
}

/* What to expect of a standing, and how far it may be from that. */
struct expected {
    double mean, variance;
};

static struct expected expect(const struct response_policy *policy, const struct sums *user,
                              const struct sums *category)
{
    double at_user = pulled(user, policy->pull_user, policy->usual);
    double of_user = policy->pull_user / (user->weight + policy->pull_user);
    double of_category = policy->pull_category / (category->weight + policy->pull_category);
    return (struct expected){pulled(category, policy->pull_category, at_user),
                             policy->within + of_category * policy->by_category +
                                 of_category * of_category * of_user * policy->by_user};
}

/* What to believe between the roots; the weight says how sure that is: the chance of the likelier
 * one less the other's. */
static void weigh(const struct tilted_roots *roots, struct expected expected, float *standing,
                  float *weight)
{
    double low = (double)roots->low - expected.mean, high = (double)roots->high - expected.mean;
    double apart = tanh((low * low - high * high) / (4.0 * expected.variance));
    *standing =
        (float)(0.5 * ((1.0 - apart) * (double)roots->low + (1.0 + apart) * (double)roots->high));
    *weight = fmaxf((float)fabs(apart), DOUBTFUL);
}

/* Sums of the user's standings, in all and by category. */
static void sum_user(const struct response_policy *policy, int64_t first, int64_t count,
                     struct user_room *room, struct sums *all)
{
    for (int64_t i = 0; i < count; i++) {
        float weight = policy->weight[first + i], standing = policy->standing[first + i];
        add_sums(all, 1.0, weight, standing);
        add_sums(&room->category[room->roots[i].category], 1.0, weight, standing);
    }
}

static void close_user(int64_t count, struct user_room *room)
{
    for (int64_t i = 0; i < count; i++) room->category[room->roots[i].category] = (struct sums){0};
}

/* One round over a user's offers, each judged by the others as they were before the round. */
static void settle_once(struct response_policy *policy, int64_t first, int64_t count,
                        struct user_room *room)
{
    struct sums all = {0};
    sum_user(policy, first, count, room, &all);
    for (int64_t i = 0; i < count; i++) {
        struct roots *roots = &room->roots[i];
        float *standing = &policy->standing[first + i], *weight = &policy->weight[first + i];
        struct sums others = all, category = room->category[roots->category];
        if (isnan(roots->at.low) || roots->at.low == roots->at.high) continue;
        add_sums(&others, -1.0, *weight, *standing);
        add_sums(&category, -1.0, *weight, *standing);
        weigh(&roots->at, expect(policy, &others, &category), standing, weight);
    }
    close_user(count, room);
}

static void open_user(const struct dataset *dataset, const struct given *given, int64_t first,
                      int64_t count, struct user_room *room)
{
    const struct offers *offers = &dataset->offers;
    for (int64_t i = 0; i < count; i++) {
        room->roots[i] = (struct roots){{NAN, NAN}, 0};
        if (has_propensity(offers, first + i))
            room->roots[i].at = tilted_policy_solve(
                &given->policy, given->of_bin[bin_of(offers->discount[first + i])],
                offers->propensity[first + i]);
        room->roots[i].category = dataset->products.category_code[offers->product[first + i]];
    }
}

/* ---- how far standings spread ---- */

/* Sums over standings without doubt, and over users and their categories. */
enum {
    SURE,
    SUM,
    SQUARES,
    WITHIN,         /* squares about the category's mean */
    WITHIN_FREE,    /* less one for each category of each user */
    CATEGORY,       /* squares of the category's mean about the user's, by offer */
    CATEGORY_FREE,  /* less one for each user */
    CATEGORY_SHARE, /* what a variance of one between categories comes to in CATEGORY */
    SPREADS
};

/* Those without doubt have their standing from the start. */
static void start_user(struct response_policy *policy, int64_t first, int64_t count,
                       const struct user_room *room)
{
    for (int64_t i = 0; i < count; i++) {
        struct tilted_roots at = room->roots[i].at;
        if (isnan(at.low) || at.low != at.high) continue;
        policy->standing[first + i] = at.low;
        policy->weight[first + i] = 1.0f;
    }
}

static void spread_user(const struct response_policy *policy, int64_t first, int64_t count,
                        struct user_room *room, struct exact_sums *sums)
{
    struct sums all = {0};
    double x[SPREADS] = {0}, between = 0.0, squares = 0.0;
    sum_user(policy, first, count, room, &all);
    for (int64_t i = 0; i < count && all.weight > 0.0; i++) {
        struct sums *own = &room->category[room->roots[i].category];
        double standing = (double)policy->standing[first + i], mean = own->standing / own->weight;
        if (!(policy->weight[first + i] > 0.0f)) continue;
        x[SURE] += 1.0;
        x[SUM] += standing;
        x[SQUARES] += standing * standing;
        x[WITHIN] += (standing - mean) * (standing - mean);
        x[WITHIN_FREE] += 1.0 - 1.0 / own->weight;
        between += mean * mean;
        squares += own->weight;
        x[CATEGORY_FREE] += 1.0 / own->weight;
    }
    close_user(count, room);
    if (!(all.weight > 0.0)) return;
    x[CATEGORY] = between - all.standing * all.standing / all.weight;
    x[CATEGORY_FREE] -= 1.0;
    x[CATEGORY_SHARE] = all.weight - squares / all.weight;
    exact_add(sums, 0, x, SPREADS);
}

/* Variances by the method of moments; where too few offers tell, they stay what they were. */
static void find_spread(const struct exact_sums *sums, struct response_policy *policy)
{
    double x[SPREADS];
    exact_get_all(sums, 0, x, SPREADS);
    if (x[SURE] > 0.0) policy->usual = x[SUM] / x[SURE];
    if (x[WITHIN_FREE] < TELLING || x[CATEGORY_SHARE] < TELLING) return;
    double variance = x[SQUARES] / x[SURE] - policy->usual * policy->usual;
    policy->within = fmax(x[WITHIN] / x[WITHIN_FREE], 1e-6);
    policy->by_category =
        fmax((x[CATEGORY] - x[CATEGORY_FREE] * policy->within) / x[CATEGORY_SHARE],
             policy->within / PULL_MOST);
    policy->by_user = fmax(variance - policy->within - policy->by_category,
                           (policy->within + policy->by_category) / PULL_MOST);
    policy->pull_category = fmax(policy->within / policy->by_category, PULL_LEAST);
    policy->pull_user = fmax((policy->within + policy->by_category) / policy->by_user, PULL_LEAST);
}

/* ---- all users ---- */

static enum status room_new(const struct dataset *dataset, struct user_room *room)
{
    enum status status = OK;
    const int64_t *start = dataset->offers.start;
    int64_t most = 0;
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++)
        if (start[u + 1] - start[u] > most) most = start[u + 1] - start[u];
    TRY(memory_new(&room->roots, most, sizeof *room->roots));
    TRY(memory_new(&room->category, dataset->products.category.count, sizeof *room->category));
done:
    return status;
}

static enum status start_standings(const struct comm *comm, const struct dataset *dataset,
                                   const struct given *given, struct user_room *room,
                                   struct response_policy *policy)
{
    enum status status = OK;
    const int64_t *start = dataset->offers.start;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, SPREADS));
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        int64_t count = start[u + 1] - start[u];
        open_user(dataset, given, start[u], count, room);
        start_user(policy, start[u], count, room);
        spread_user(policy, start[u], count, room, &sums);
    }
    TRY(exact_reduce(comm, &sums));
    find_spread(&sums, policy);
done:
    exact_clear(&sums);
    return status;
}

static void settle(const struct dataset *dataset, const struct given *given, struct user_room *room,
                   struct response_policy *policy)
{
    const int64_t *start = dataset->offers.start;
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        int64_t count = start[u + 1] - start[u];
        open_user(dataset, given, start[u], count, room);
        for (int round = 0; round < ROUNDS; round++) settle_once(policy, start[u], count, room);
    }
}

enum status response_policy_make(const struct comm *comm, const struct dataset *dataset,
                                 struct response_policy *policy)
{
    enum status status = OK;
    struct given *given = NULL;
    struct user_room room = {0};
    int64_t count = dataset->offers.start[dataset->users.blocks.rows_local];
    *policy = (struct response_policy){.within = 0.25,
                                       .by_category = 0.5,
                                       .by_user = 0.75,
                                       .pull_category = 0.5,
                                       .pull_user = 1.0};
    TRY_ALL(comm, memory_new(&policy->standing, count, sizeof *policy->standing));
    TRY_ALL(comm, memory_new(&policy->weight, count, sizeof *policy->weight));
    TRY_ALL(comm, memory_new(&given, 1, sizeof *given));
    TRY_ALL(comm, room_new(dataset, &room));
    find_levels(comm, &dataset->offers, count, given);
    if (given->policy.levels < 2) goto done;
    TRY(find_policy(comm, dataset, given));
    TRY(start_standings(comm, dataset, given, &room, policy));
    settle(dataset, given, &room, policy);
done:
    free(room.roots);
    free(room.category);
    free(given);
    if (status != OK) response_policy_clear(policy);
    return status;
}

void response_policy_clear(struct response_policy *policy)
{
    free(policy->standing);
    free(policy->weight);
    *policy = (struct response_policy){0};
}
