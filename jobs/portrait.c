/* Attributes to columns, events to likings. */
#include "jobs/portrait.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400.0
#define KNOT_DEVIATIONS 0.75

/* ---- attributes ---- */

static bool is_number(const struct attribute *attribute)
{
    return attribute->levels.count == 0;
}

static int64_t width_of(const struct attribute *attribute)
{
    if (is_number(attribute)) return PORTRAIT_KNOTS + 1;
    return attribute->levels.count <= PORTRAIT_LEVELS_MAX ? attribute->levels.count : 0;
}

/* sums of each block: the count, (x - shift) scale and its square */
static void add_block(const struct attribute *attribute, int64_t first, int64_t next, double shift,
                      double scale, double part[3])
{
    part[0] = part[1] = part[2] = 0.0;
    for (int64_t u = first; u < next; u++) {
        double x = ((double)attribute->value[u] - shift) * scale;
        if (!isfinite(x)) continue;
        part[0] += 1.0;
        part[1] += x;
        part[2] += x * x;
    }
}

/* Mean and mean square of (x - shift) scale over the users who have the attribute. */
static enum status average(const struct comm *comm, const struct users *users, int64_t a,
                           double shift, double scale, double mean[2])
{
    enum status status = OK;
    const struct blocks *blocks = &users->blocks;
    struct exact_sums sums = {0};
    double part[3];
    TRY_ALL(comm, exact_init(&sums, 3));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        add_block(&users->attribute[a], blocks->start[b], blocks->start[b + 1], shift, scale, part);
        exact_add(&sums, 0, part, 3);
    }
    TRY(exact_reduce(comm, &sums));
    double count = exact_get(&sums, 0);
    for (int i = 0; i < 2; i++) mean[i] = count > 0.0 ? exact_get(&sums, i + 1) / count : 0.0;
done:
    exact_clear(&sums);
    return status;
}

static enum status measure(const struct comm *comm, const struct users *users, int64_t a,
                           struct portrait *portrait)
{
    enum status status = OK;
    double most = 0.0, mean[2];
    int power = 0;
    for (int64_t u = 0; u < users->blocks.rows_local; u++) {
        double size = fabs((double)users->attribute[a].value[u]);
        if (isfinite(size) && size > most) most = size;
    }
    comm_max_double(comm, &most, 1);
    frexp(most, &power);
    double scale = ldexp(1.0, -power);
    TRY(average(comm, users, a, 0.0, scale, mean));
    portrait->mean[a] = mean[0] / scale;
    TRY(average(comm, users, a, portrait->mean[a], scale, mean));
    portrait->sd[a] = sqrt(mean[1]) / scale;
done:
    return status;
}

enum status portrait_make(const struct comm *comm, const struct users *users,
                          struct portrait *portrait)
{
    enum status status = OK;
    int64_t count = users->attributes;
    *portrait = (struct portrait){.attributes = count};
    TRY_ALL(comm, memory_new(&portrait->width, count, sizeof *portrait->width));
    TRY_ALL(comm, memory_new(&portrait->mean, count, sizeof *portrait->mean));
    TRY_ALL(comm, memory_new(&portrait->sd, count, sizeof *portrait->sd));
    for (int64_t a = 0; a < count; a++) {
        portrait->width[a] = width_of(&users->attribute[a]);
        portrait->columns += portrait->width[a];
        if (is_number(&users->attribute[a])) TRY(measure(comm, users, a, portrait));
    }
done:
    if (status != OK) portrait_clear(portrait);
    return status;
}

void portrait_clear(struct portrait *portrait)
{
    free(portrait->width);
    free(portrait->mean);
    free(portrait->sd);
    *portrait = (struct portrait){0};
}

/* 1 at a knot, falling to 0 at its neighbours; beyond the last it stays 1. */
static void spread(double deviations, float x[PORTRAIT_KNOTS])
{
    double at = deviations / KNOT_DEVIATIONS + (PORTRAIT_KNOTS - 1) / 2.0;
    at = fmin(fmax(at, 0.0), PORTRAIT_KNOTS - 1.0);
    for (int k = 0; k < PORTRAIT_KNOTS; k++) x[k] = (float)fmax(0.0, 1.0 - fabs(at - k));
}

void portrait_attributes(const struct portrait *portrait, const struct users *users, int64_t user,
                         float *x)
{
    for (int64_t a = 0; a < portrait->attributes; x += portrait->width[a++]) {
        float value = users->attribute[a].value[user];
        if (!is_number(&users->attribute[a])) {
            for (int64_t l = 0; l < portrait->width[a]; l++) x[l] = value == (float)l ? 1.0f : 0.0f;
            continue;
        }
        memset(x, 0, (PORTRAIT_KNOTS + 1) * sizeof *x);
        if (!isfinite(value))
            x[PORTRAIT_KNOTS] = 1.0f;
        else if (portrait->sd[a] > 0.0)
            spread(((double)value - portrait->mean[a]) / portrait->sd[a], x);
    }
}

/* ---- likings ---- */

int64_t portrait_place(const struct scorer_data *data, int64_t user, int32_t product)
{
    int64_t first = data->start[user], low = first, high = data->start[user + 1];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (data->product[middle] < product)
            low = middle + 1;
        else
            high = middle;
    }
    return low < data->start[user + 1] && data->product[low] == product ? low - first : -1;
}

void portrait_liking(const struct scorer_data *data, int64_t user, double half_life, float *liking)
{
    const struct events *events = &data->dataset->events;
    int64_t count = data->start[user + 1] - data->start[user];
    memset(liking, 0, (size_t)count * sizeof *liking);
    for (int64_t e = events->start[user]; e < events->start[user + 1]; e++) {
        double days = (double)(data->dataset->time_last - events->time[e]) / DAY;
        double worth = scorer_worth(events->kind[e]) * exp2(-days / half_life);
        liking[portrait_place(data, user, events->product[e])] += (float)worth;
    }
    for (int64_t i = 0; i < count; i++) liking[i] = liking[i] > 0.0f ? log1pf(liking[i]) : 0.0f;
}

int64_t portrait_longest(const struct scorer_data *data)
{
    int64_t longest = 0;
    for (int64_t u = 0; u < data->dataset->users.blocks.rows_local; u++) {
        int64_t count = data->start[u + 1] - data->start[u];
        longest = count > longest ? count : longest;
    }
    return longest;
}
