/* Where users stand with the policy that chose their past discounts. */
#include "jobs/response_policy.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { BINS = 101, GRID = 801, ROUNDS = 3 };

/* Weight, in offers, of what is known from farther away: the usual standing of anybody for a user,
 * the user's own for a category. */
#define PULL_USER 1.0
#define PULL_CATEGORY 0.5
#define DOUBTFUL 0.02f /* weight of a standing that may as well be another */

/* Chances of the levels at each standing of a grid. */
struct tilted {
    int levels, of_bin[BINS];
    int peak[BINS];              /* [levels] where a level is likeliest */
    float chance[BINS][GRID];    /* [levels][GRID] */
    double share[BINS], z[BINS]; /* [levels] */
};

static double standing_at(int g)
{
    return RESPONSE_STANDING * (2.0 * g / (GRID - 1) - 1.0);
}

static int bin_of(float discount)
{
    return (int)lround(100.0 * (double)discount);
}

static bool has_propensity(const struct offers *offers, int64_t o)
{
    return offers->propensity[o] > 0.0f;
}

/* Levels that were given, how often, and how deep in standard deviations. */
static void find_levels(const struct comm *comm, const struct offers *offers, int64_t count,
                        struct tilted *tilted)
{
    int64_t bins[BINS] = {0}, all = 0;
    double mean = 0.0, square = 0.0;
    for (int64_t o = 0; o < count; o++) bins[bin_of(offers->discount[o])] += 1;
    comm_sum_int64(comm, bins, BINS);
    for (int b = 0; b < BINS; b++) all += bins[b];
    tilted->levels = 0;
    for (int b = 0; b < BINS; b++) {
        tilted->of_bin[b] = tilted->levels;
        if (bins[b] == 0) continue;
        double share = (double)bins[b] / (double)all, d = 0.01 * b;
        tilted->share[tilted->levels] = share;
        tilted->z[tilted->levels++] = d;
        mean += share * d;
        square += share * d * d;
    }
    double sd = sqrt(fmax(square - mean * mean, 1e-12));
    for (int k = 0; k < tilted->levels; k++) tilted->z[k] = (tilted->z[k] - mean) / sd;
}

static void tilt_levels(struct tilted *tilted)
{
    for (int g = 0; g < GRID; g++) {
        double sum = 0.0, chance[BINS];
        for (int k = 0; k < tilted->levels; k++)
            sum += chance[k] = tilted->share[k] * exp(standing_at(g) * tilted->z[k]);
        for (int k = 0; k < tilted->levels; k++) tilted->chance[k][g] = (float)(chance[k] / sum);
    }
    for (int k = 0; k < tilted->levels; k++) {
        tilted->peak[k] = 0;
        for (int g = 1; g < GRID; g++)
            if (tilted->chance[k][g] > tilted->chance[k][tilted->peak[k]]) tilted->peak[k] = g;
    }
}

/* The standing between grid points low and high, where the chance rises (or, from high to low,
 * falls), at which it is p. */
static float solve(const float *chance, int low, int high, float p)
{
    while (abs(high - low) > 1) {
        int middle = (low + high) / 2;
        if (chance[middle] < p)
            low = middle;
        else
            high = middle;
    }
    double rise = (double)(chance[high] - chance[low]);
    double part = rise > 0.0 ? ((double)p - (double)chance[low]) / rise : 1.0;
    part = fmin(fmax(part, 0.0), 1.0);
    return (float)(standing_at(low) + part * (standing_at(high) - standing_at(low)));
}

/* An offer's two possible standings; equal where there is no doubt. */
struct roots {
    float low, high;
    int32_t category;
};

static struct roots roots_of(const struct tilted *tilted, const struct offers *offers, int64_t o)
{
    int k = tilted->of_bin[bin_of(offers->discount[o])], peak = tilted->peak[k];
    const float *chance = tilted->chance[k];
    struct roots roots = {0};
    if (tilted->levels < 2) return roots;
    if (peak > 0) roots.low = solve(chance, 0, peak, offers->propensity[o]);
    if (peak < GRID - 1) roots.high = solve(chance, GRID - 1, peak, offers->propensity[o]);
    if (peak == 0) roots.low = roots.high;
    if (peak == GRID - 1) roots.high = roots.low;
    return roots;
}

/* ---- which of the two ---- */

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

/* Take the root nearer to what is expected; its weight says how sure that is. */
static void choose(const struct roots *roots, double expected, float *standing, float *weight)
{
    double low = fabs((double)roots->low - expected), high = fabs((double)roots->high - expected);
    double near = fmin(low, high), far = fmax(low, high);
    *standing = low < high ? roots->low : roots->high;
    *weight = (float)tanh(far * far - near * near);
    if (*weight < DOUBTFUL) *weight = DOUBTFUL;
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
        if (isnan(roots->low) || roots->low == roots->high) continue;
        add_sums(&others, -1.0, *weight, *standing);
        add_sums(&category, -1.0, *weight, *standing);
        double user = pulled(&others, PULL_USER, policy->usual);
        choose(roots, pulled(&category, PULL_CATEGORY, user), standing, weight);
    }
    for (int64_t i = 0; i < count; i++) room->category[room->roots[i].category] = (struct sums){0};
}

static void open_user(const struct dataset *dataset, const struct tilted *tilted, int64_t first,
                      int64_t count, struct user_room *room)
{
    const struct offers *offers = &dataset->offers;
    for (int64_t i = 0; i < count; i++) {
        room->roots[i] = (struct roots){NAN, NAN, 0};
        if (has_propensity(offers, first + i)) room->roots[i] = roots_of(tilted, offers, first + i);
        room->roots[i].category = dataset->products.category_code[offers->product[first + i]];
    }
}

/* Those without doubt have their standing from the start; the mean of them. */
static enum status start_standings(const struct comm *comm, const struct dataset *dataset,
                                   const struct tilted *tilted, struct response_policy *policy)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    int64_t count = dataset->offers.start[dataset->users.blocks.rows_local];
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t o = 0; o < count && tilted->levels > 1; o++) {
        if (!has_propensity(&dataset->offers, o)) continue;
        struct roots roots = roots_of(tilted, &dataset->offers, o);
        if (roots.low != roots.high) continue;
        policy->standing[o] = roots.low;
        policy->weight[o] = 1.0f;
        exact_add_one(&sums, 0, (double)roots.low);
        exact_add_one(&sums, 1, 1.0);
    }
    TRY(exact_reduce(comm, &sums));
    double sure = exact_get(&sums, 1);
    policy->usual = sure > 0.0 ? exact_get(&sums, 0) / sure : 0.0;
done:
    exact_clear(&sums);
    return status;
}

static enum status settle(const struct dataset *dataset, const struct tilted *tilted,
                          struct response_policy *policy)
{
    enum status status = OK;
    const int64_t *start = dataset->offers.start;
    int64_t users = dataset->users.blocks.rows_local, most = 0;
    struct user_room room = {0};
    for (int64_t u = 0; u < users; u++)
        if (start[u + 1] - start[u] > most) most = start[u + 1] - start[u];
    TRY(memory_new(&room.roots, most, sizeof *room.roots));
    TRY(memory_new(&room.category, dataset->products.category.count, sizeof *room.category));
    for (int64_t u = 0; u < users; u++) {
        int64_t count = start[u + 1] - start[u];
        open_user(dataset, tilted, start[u], count, &room);
        for (int round = 0; round < ROUNDS; round++) settle_once(policy, start[u], count, &room);
    }
done:
    free(room.roots);
    free(room.category);
    return status;
}

enum status response_policy_make(const struct comm *comm, const struct dataset *dataset,
                                 struct response_policy *policy)
{
    enum status status = OK;
    struct tilted *tilted = NULL;
    int64_t count = dataset->offers.start[dataset->users.blocks.rows_local];
    *policy = (struct response_policy){0};
    TRY_ALL(comm, memory_new(&policy->standing, count, sizeof *policy->standing));
    TRY_ALL(comm, memory_new(&policy->weight, count, sizeof *policy->weight));
    TRY_ALL(comm, memory_new(&tilted, 1, sizeof *tilted));
    find_levels(comm, &dataset->offers, count, tilted);
    tilt_levels(tilted);
    TRY(start_standings(comm, dataset, tilted, policy));
    if (tilted->levels > 1) TRY_ALL(comm, settle(dataset, tilted, policy));
done:
    free(tilted);
    if (status != OK) response_policy_clear(policy);
    return status;
}

void response_policy_clear(struct response_policy *policy)
{
    free(policy->standing);
    free(policy->weight);
    *policy = (struct response_policy){0};
}
