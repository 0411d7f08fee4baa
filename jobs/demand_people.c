/* One step for each user, shrunk within segments. */
#include "jobs/demand_people.h"

#include "algorithms/shrink.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define ERROR_MOST 20.0 /* with a larger standard error an estimate tells nothing */

struct local {
    int64_t users;
    double *estimate, *std_error, *shrunk, *shrunk_sd, *reference, *reference_sd;
    int64_t *segment; /* most of its folds' */
};

static enum status local_init(struct local *l, int64_t users)
{
    enum status status = OK;
    l->users = users;
    TRY(memory_new(&l->estimate, users, sizeof *l->estimate));
    TRY(memory_new(&l->std_error, users, sizeof *l->std_error));
    TRY(memory_new(&l->shrunk, users, sizeof *l->shrunk));
    TRY(memory_new(&l->shrunk_sd, users, sizeof *l->shrunk_sd));
    TRY(memory_new(&l->reference, users, sizeof *l->reference));
    TRY(memory_new(&l->reference_sd, users, sizeof *l->reference_sd));
    TRY(memory_new(&l->segment, users, sizeof *l->segment));
done:
    return status;
}

static void local_clear(struct local *l)
{
    free(l->estimate);
    free(l->std_error);
    free(l->shrunk);
    free(l->shrunk_sd);
    free(l->reference);
    free(l->reference_sd);
    free(l->segment);
}

static enum status people_init(struct demand_people *p, int64_t users)
{
    enum status status = OK;
    p->users = users;
    TRY(memory_new(&p->estimate, users, sizeof *p->estimate));
    TRY(memory_new(&p->std_error, users, sizeof *p->std_error));
    TRY(memory_new(&p->shrunk, users, sizeof *p->shrunk));
    TRY(memory_new(&p->shrunk_sd, users, sizeof *p->shrunk_sd));
    TRY(memory_new(&p->rows, users, sizeof *p->rows));
    TRY(memory_new(&p->level, users, sizeof *p->level));
done:
    return status;
}

/* The segment that most folds say, the lower one in a tie. */
static int64_t usual(const int32_t *segment)
{
    int64_t best = 0, most = 0;
    for (int f = 0; f < DEMAND_FOLDS; f++) {
        int64_t votes = 0;
        for (int g = 0; g < DEMAND_FOLDS; g++) votes += segment[g] == segment[f];
        if (votes > most || (votes == most && segment[f] < best)) {
            most = votes;
            best = segment[f];
        }
    }
    return best;
}

struct expected {
    double slope, sd, mean, variance;
    bool known;
};

/* What is asked of a user's purchases. */
struct source {
    const struct demand_sources *from;
    const struct demand_baseline *baseline;
    const struct demand *demand;
    struct expected *expected; /* [products][segments] as they are asked for */
};

/* Of a product for a segment: the elasticity, and what prices purchases are expected to have. */
static const struct expected *expect(const struct source *s, int32_t product, int32_t segment)
{
    struct expected *at = &s->expected[product * s->from->segments + segment];
    int64_t weeks = s->from->prices.weeks;
    if (at->known) return at;
    at->known = true;
    at->slope =
        demand_elasticity(s->demand, s->from->dataset->products.category_code[product], segment);
    at->sd =
        demand_elasticity_sd(s->demand, s->from->dataset->products.category_code[product], segment);
    at->mean = NAN;
    if (!isnan(at->slope))
        count_panel_moments(s->from->prices.x + product * weeks, s->baseline->week_effect,
                            s->baseline->offset + product * weeks, weeks, 1, 0, at->slope,
                            &at->mean, &at->variance);
    return at;
}

static void estimate_user(const struct source *s, int64_t u, struct local *l, int32_t *rows)
{
    const struct demand_sources *from = s->from;
    const struct events *events = &from->dataset->events;
    const int32_t *segment = from->segment + u * DEMAND_FOLDS;
    double score = 0, information = 0, slopes = 0, errors = 0;
    l->segment[u] = usual(segment);
    l->reference[u] = s->demand->segment.shrunk[l->segment[u]];
    l->reference_sd[u] = s->demand->segment.shrunk_sd[l->segment[u]];
    l->estimate[u] = l->std_error[u] = NAN;
    for (int64_t e = events->start[u]; e < events->start[u + 1]; e++) {
        if (events->kind[e] != EVENT_PURCHASE || from->personal[e]) continue;
        int64_t week = demand_week(from->dataset, events->time[e]), fold = week % DEMAND_FOLDS;
        const double *x = from->prices.x + events->product[e] * from->prices.weeks;
        const struct expected *at = expect(s, events->product[e], segment[fold]);
        if (isnan(at->slope) || isnan(x[week]) || isnan(at->mean)) continue;
        score += x[week] - at->mean;
        information += at->variance;
        slopes += at->variance * at->slope;
        errors += at->variance * at->sd; /* as if all erred alike */
        (*rows)++;
    }
    if (!(information * ERROR_MOST * ERROR_MOST > s->baseline->dispersion)) return;
    l->reference[u] = slopes / information;
    l->reference_sd[u] = errors / information;
    l->estimate[u] = score / information;
    l->std_error[u] = sqrt(s->baseline->dispersion / information);
}

static void keep(const struct local *l, int64_t u, bool nothing, const struct demand *demand,
                 struct demand_people *p)
{
    double mean = l->reference[u] + (nothing ? 0.0 : l->shrunk[u]);
    double sd = nothing ? NAN : l->shrunk_sd[u];
    if (isfinite(mean) && isfinite(sd)) shrink_below_zero(&mean, &sd);
    p->estimate[u] = (float)(l->reference[u] + l->estimate[u]);
    p->std_error[u] = (float)l->std_error[u];
    p->shrunk[u] = (float)mean;
    p->shrunk_sd[u] = (float)sd;
    p->level[u] = isfinite(demand->segment.estimate[l->segment[u]]) ? DEMAND_SEGMENT : DEMAND_ALL;
}

enum status demand_people_make(const struct comm *comm, const struct demand_sources *sources,
                               const struct demand_baseline *baseline, struct demand *demand)
{
    enum status status = OK;
    struct local l = {0};
    struct source source = {sources, baseline, demand, NULL};
    const struct blocks *blocks = &sources->dataset->users.blocks;
    int64_t users = blocks->rows_local, products = sources->prices.products;
    TRY_ALL(comm, people_init(&demand->people, users));
    TRY_ALL(comm, local_init(&l, users));
    TRY_ALL(comm,
            memory_new(&source.expected, products * sources->segments, sizeof *source.expected));
    for (int64_t u = 0; u < users; u++) estimate_user(&source, u, &l, &demand->people.rows[u]);
    const struct shrink_units units = {users, l.estimate, l.std_error, l.segment};
    struct shrink_centres centres = {.sd = l.reference_sd};
    status = shrink_centred_fit(comm, &units, sources->segments, &centres, l.shrunk, l.shrunk_sd);
    bool nothing = status == ERR_NUMERIC;
    if (!nothing) TRY(status);
    status = OK;
    if (!nothing)
        log_info("  user elasticities: %lld of %lld estimated, spread %.3f in a segment",
                 (long long)centres.members, (long long)blocks->rows_total, centres.spread);
    demand->people.segment = sources->segment;
    for (int64_t u = 0; u < users; u++) keep(&l, u, nothing, demand, &demand->people);
done:
    free(source.expected);
    local_clear(&l);
    return status;
}
