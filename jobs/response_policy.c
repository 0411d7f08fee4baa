/* Where users stand with the policy that chose their past discounts. */
#include "jobs/response_policy.h"

#include "algorithms/tilted_guess.h"
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
#define ROUNDING 1e-4 /* of a chance in a table, relative */
/* Bounds of the weight, in offers, of what is known from farther away. */
#define PULL_LEAST 0.02
#define PULL_MOST 10.0
/* Fewer offers tell nothing of how far standings spread. */
#define TELLING 100.0

/* The policy, and which level a discount is. */
struct given {
    struct tilted_policy policy;
    double misfit; /* of the logs of chances */
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
    comm_sum_int64(comm, &all, 1);
    TRY_ALL(comm, sample_draw(dataset, given, all, &sample));
    TRY(tilted_policy_fit(comm, &sample.rows, &given->policy, &pairs, &given->misfit));
    if (pairs > 0)
        log_info("  past offers went by where users stand; %.0f %% of them blindly (the chances of "
                 "%" PRId64 " met within %.1f %%)",
                 100.0 * given->policy.floor, pairs, 100.0 * given->misfit);
done:
    sample_clear(&sample);
    return status;
}

/* ---- which of the two ---- */

struct sums {
    double weight, standing;
};

/* Of a user's offers in one category; all zero between users. */
struct user_category {
    struct tilted_guess guess;
    struct sums sums;
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

void response_policy_believe(struct response_policy *policy, int64_t o, double high)
{
    double low = 1.0 - high;
    policy->standing[o] = (float)(low * (double)policy->low[o] + high * (double)policy->high[o]);
    policy->weight[o] = fmaxf((float)fabs(high - low), DOUBTFUL);
}

/* Chance of the higher by the user's standings in other categories. */
static double chance_of_high(const struct response_policy *policy, const struct sums *others,
                             int64_t o)
{
    double mean = pulled(others, policy->pull_user, policy->usual);
    double of_user = policy->pull_user / (others->weight + policy->pull_user);
    double variance = policy->within + policy->by_category + of_user * policy->by_user;
    double low = (double)policy->low[o] - mean, high = (double)policy->high[o] - mean;
    double odds = (low * low - high * high) / (2.0 * variance) + (double)policy->lean[o];
    return 1.0 / (1.0 + exp(-odds));
}

static int32_t category_of(const struct dataset *dataset, int64_t o)
{
    return dataset->products.category_code[dataset->offers.product[o]];
}

/* Sums of the user's standings, in all and by category. */
static struct sums sum_user(const struct dataset *dataset, const struct response_policy *policy,
                            int64_t user, struct user_category *room)
{
    struct sums all = {0};
    for (int64_t o = dataset->offers.start[user]; o < dataset->offers.start[user + 1]; o++) {
        float weight = policy->weight[o], standing = policy->standing[o];
        add_sums(&all, 1.0, weight, standing);
        add_sums(&room[category_of(dataset, o)].sums, 1.0, weight, standing);
    }
    return all;
}

static void close_user(const struct dataset *dataset, int64_t user, struct user_category *room)
{
    for (int64_t o = dataset->offers.start[user]; o < dataset->offers.start[user + 1]; o++)
        room[category_of(dataset, o)] = (struct user_category){0};
}

/* One round over a user's offers, each judged by those in other categories as they were before. */
static void settle_once(const struct dataset *dataset, int64_t user, struct user_category *room,
                        struct response_policy *policy)
{
    struct sums all = sum_user(dataset, policy, user, room);
    for (int64_t o = dataset->offers.start[user]; o < dataset->offers.start[user + 1]; o++) {
        const struct sums *own = &room[category_of(dataset, o)].sums;
        struct sums others = {all.weight - own->weight, all.standing - own->standing};
        if (response_policy_doubts(policy, o))
            response_policy_believe(policy, o, chance_of_high(policy, &others, o));
    }
    close_user(dataset, user, room);
}

/* ---- which two ---- */

static void guess(const struct dataset *dataset, const struct given *given,
                  const struct tilted_noise *noise, int64_t o, struct user_category *room)
{
    const struct offers *offers = &dataset->offers;
    tilted_guess_add(&given->policy, noise, given->of_bin[bin_of(offers->discount[o])],
                     offers->propensity[o], &room[category_of(dataset, o)].guess);
}

/* What a user's offers leave possible in each category: those that leave one standing go first. */
static void guess_user(const struct dataset *dataset, const struct given *given,
                       const struct tilted_noise *noise, int64_t user, struct user_category *room,
                       struct response_policy *policy)
{
    int64_t first = dataset->offers.start[user], next = dataset->offers.start[user + 1];
    double lean;
    for (int64_t o = first; o < next; o++)
        if (policy->low[o] == policy->high[o]) guess(dataset, given, noise, o, room);
    for (int64_t o = first; o < next; o++)
        if (response_policy_doubts(policy, o)) guess(dataset, given, noise, o, room);
    for (int64_t o = first; o < next; o++) {
        struct tilted_roots at = tilted_guess_roots(&room[category_of(dataset, o)].guess, &lean);
        if (!has_propensity(&dataset->offers, o)) continue;
        policy->low[o] = at.low;
        policy->high[o] = at.high;
        policy->lean[o] = (float)lean;
        if (at.low == at.high) response_policy_believe(policy, o, 1.0);
    }
    close_user(dataset, user, room);
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

/* Which standings each chance alone leaves; those without doubt have theirs from the start. */
static void start_user(const struct dataset *dataset, const struct given *given, int64_t user,
                       struct response_policy *policy)
{
    const struct offers *offers = &dataset->offers;
    for (int64_t o = offers->start[user]; o < offers->start[user + 1]; o++) {
        if (!has_propensity(offers, o)) continue;
        struct tilted_roots at = tilted_policy_solve(
            &given->policy, given->of_bin[bin_of(offers->discount[o])], offers->propensity[o]);
        policy->low[o] = at.low;
        policy->high[o] = at.high;
        if (at.low != at.high) continue;
        policy->standing[o] = at.low;
        policy->weight[o] = 1.0f;
    }
}

static void spread_user(const struct dataset *dataset, const struct response_policy *policy,
                        int64_t user, struct user_category *room, struct exact_sums *sums)
{
    struct sums all = sum_user(dataset, policy, user, room);
    double x[SPREADS] = {0}, between = 0.0, squares = 0.0;
    for (int64_t o = dataset->offers.start[user]; o < dataset->offers.start[user + 1]; o++) {
        const struct sums *own = &room[category_of(dataset, o)].sums;
        double standing = (double)policy->standing[o], mean = own->standing / own->weight;
        if (!(policy->weight[o] > 0.0f)) continue;
        x[SURE] += 1.0;
        x[SUM] += standing;
        x[SQUARES] += standing * standing;
        x[WITHIN] += (standing - mean) * (standing - mean);
        x[WITHIN_FREE] += 1.0 - 1.0 / own->weight;
        between += mean * mean;
        squares += own->weight;
        x[CATEGORY_FREE] += 1.0 / own->weight;
    }
    close_user(dataset, user, room);
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

static enum status start_standings(const struct comm *comm, const struct dataset *dataset,
                                   const struct given *given, struct user_category *room,
                                   struct response_policy *policy)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, SPREADS));
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        start_user(dataset, given, u, policy);
        spread_user(dataset, policy, u, room, &sums);
    }
    TRY(exact_reduce(comm, &sums));
    find_spread(&sums, policy);
done:
    exact_clear(&sums);
    return status;
}

static void settle(const struct dataset *dataset, const struct given *given,
                   struct user_category *room, struct response_policy *policy)
{
    const struct tilted_noise noise = {policy->within, fmax(given->misfit, ROUNDING)};
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        guess_user(dataset, given, &noise, u, room, policy);
        for (int round = 0; round < ROUNDS; round++) settle_once(dataset, u, room, policy);
    }
}

static enum status policy_new(int64_t offers, struct response_policy *policy)
{
    enum status status = OK;
    *policy = (struct response_policy){.within = 0.25,
                                       .by_category = 0.5,
                                       .by_user = 0.75,
                                       .pull_category = 0.5,
                                       .pull_user = 1.0};
    TRY(memory_new(&policy->standing, offers, sizeof *policy->standing));
    TRY(memory_new(&policy->weight, offers, sizeof *policy->weight));
    TRY(memory_new(&policy->low, offers, sizeof *policy->low));
    TRY(memory_new(&policy->high, offers, sizeof *policy->high));
    TRY(memory_new(&policy->lean, offers, sizeof *policy->lean));
    for (int64_t o = 0; o < offers; o++) policy->low[o] = policy->high[o] = NAN;
done:
    return status;
}

enum status response_policy_make(const struct comm *comm, const struct dataset *dataset,
                                 struct response_policy *policy)
{
    enum status status = OK;
    struct given *given = NULL;
    struct user_category *room = NULL;
    int64_t count = dataset->offers.start[dataset->users.blocks.rows_local];
    TRY_ALL(comm, policy_new(count, policy));
    TRY_ALL(comm, memory_new(&given, 1, sizeof *given));
    TRY_ALL(comm, memory_new(&room, dataset->products.category.count, sizeof *room));
    find_levels(comm, &dataset->offers, count, given);
    if (given->policy.levels < 2) goto done;
    TRY(find_policy(comm, dataset, given));
    TRY(start_standings(comm, dataset, given, room, policy));
    settle(dataset, given, room, policy);
done:
    free(room);
    free(given);
    if (status != OK) response_policy_clear(policy);
    return status;
}

void response_policy_clear(struct response_policy *policy)
{
    free(policy->standing);
    free(policy->weight);
    free(policy->low);
    free(policy->high);
    free(policy->lean);
    *policy = (struct response_policy){0};
}
