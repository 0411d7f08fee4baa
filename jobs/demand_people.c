/* One step for each user, shrunk within segments. */
#include "jobs/demand_people.h"

#include "algorithms/shrink.h"
#include "jobs/demand_step.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

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

static void estimate_user(const struct source *s, int64_t u, struct demand_steps *steps,
                          int32_t *rows)
{
    const struct demand_sources *from = s->from;
    const struct events *events = &from->dataset->events;
    const int32_t *segment = from->segment + u * DEMAND_FOLDS;
    double score = 0, information = 0, slopes = 0, errors = 0;
    steps->parent[u] = usual(segment);
    steps->reference[u] = s->demand->segment.shrunk[steps->parent[u]];
    steps->reference_sd[u] = s->demand->segment.shrunk_sd[steps->parent[u]];
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
    if (!demand_step_tells(s->baseline, information)) return;
    steps->reference[u] = slopes / information;
    steps->reference_sd[u] = errors / information;
    demand_steps_set(steps, u, s->baseline, score, information);
}

static void keep(const struct demand_steps *steps, int64_t u, const struct demand *demand,
                 struct demand_people *p)
{
    double mean = steps->shrunk[u], sd = steps->shrunk_sd[u];
    if (isfinite(mean) && isfinite(sd)) shrink_below_zero(&mean, &sd);
    p->estimate[u] = (float)steps->estimate[u];
    p->std_error[u] = (float)steps->std_error[u];
    p->shrunk[u] = (float)mean;
    p->shrunk_sd[u] = (float)sd;
    p->level[u] =
        isfinite(demand->segment.estimate[steps->parent[u]]) ? DEMAND_SEGMENT : DEMAND_ALL;
}

enum status demand_people_make(const struct comm *comm, const struct demand_sources *sources,
                               const struct demand_baseline *baseline, struct demand *demand)
{
    enum status status = OK;
    struct demand_steps steps = {0};
    struct source source = {sources, baseline, demand, NULL};
    int64_t users = sources->dataset->users.blocks.rows_local, products = sources->prices.products;
    TRY_ALL(comm, people_init(&demand->people, users));
    TRY_ALL(comm, demand_steps_new(users, &steps));
    TRY_ALL(comm,
            memory_new(&source.expected, products * sources->segments, sizeof *source.expected));
    for (int64_t u = 0; u < users; u++) estimate_user(&source, u, &steps, &demand->people.rows[u]);
    TRY(demand_steps_shrink(comm, sources->segments, (const char *[]){"user", "a segment"},
                            &steps));
    demand->people.segment = sources->segment;
    for (int64_t u = 0; u < users; u++) keep(&steps, u, demand, &demand->people);
done:
    free(source.expected);
    demand_steps_clear(&steps);
    return status;
}
