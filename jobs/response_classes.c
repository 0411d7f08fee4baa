/* Evidence on users, and the classes it tells of. */
#include "jobs/response_classes.h"

#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

/* Of a user with more events or offers, a "guest", only the latest are evidence. */
enum { RECALLED_MAX = 4096 };
/* A visit in seconds; events of others in between that are looked through for what began it. */
enum { VISIT = 3600, STEPS_MAX = 16 };
/* Users to find classes by, about; more take long and say the same. */
#define USERS_ENOUGH 40000.0

enum { EVENTS, OFFERS, GROUPS, ITEMS_MAX = GROUPS * RESPONSE_CATEGORIES_MAX };

/* Of one user. */
struct evidence {
    int64_t entries;
    int32_t item[ITEMS_MAX];
    float count[ITEMS_MAX], value[ITEMS_MAX], other[ITEMS_MAX], lean[ITEMS_MAX];
};

/* ---- one user ---- */

/* By category column, events first. */
struct tally {
    float count[ITEMS_MAX];
    int64_t offer[ITEMS_MAX]; /* the latest that tells of a standing */
};

static int64_t latest(const int64_t *start, int64_t user)
{
    int64_t first = start[user], next = start[user + 1];
    return next - first > RECALLED_MAX ? next - RECALLED_MAX : first;
}

static int32_t column_of(const struct response_classes_source *source, int32_t product)
{
    return source->category_column[source->dataset->products.category_code[product]];
}

/* Whether an event is a look at a product that did not come of an offer. */
static bool is_look(const struct response_classes_source *source, int64_t e)
{
    return source->dataset->events.kind[e] <= EVENT_PURCHASE && !source->personal[e];
}

/* Whether it is the same look as one before: a view and then a purchase. */
static bool goes_on(const struct response_classes_source *source, int64_t first, int64_t e)
{
    const struct events *events = &source->dataset->events;
    int64_t from = e - first > STEPS_MAX ? e - STEPS_MAX : first;
    for (int64_t past = e - 1; past >= from && events->time[e] - events->time[past] < VISIT; past--)
        if (events->product[past] == events->product[e] && is_look(source, past)) return true;
    return false;
}

static void tally_events(const struct response_classes_source *source, int64_t user,
                         struct tally *tally)
{
    const struct events *events = &source->dataset->events;
    int64_t first = latest(events->start, user);
    for (int64_t e = first; e < events->start[user + 1]; e++) {
        int32_t column = column_of(source, events->product[e]);
        if (column >= 0 && is_look(source, e) && !goes_on(source, first, e))
            tally->count[column] += 1.0f;
    }
}

/* What the offers in a category tell of the standing in it stands with each of them. */
static void tally_offers(const struct response_classes_source *source, int64_t user,
                         struct tally *tally)
{
    const struct offers *offers = &source->dataset->offers;
    for (int64_t j = 0; j < GROUPS * source->columns; j++) tally->offer[j] = -1;
    for (int64_t o = latest(offers->start, user); o < offers->start[user + 1]; o++) {
        int32_t column = column_of(source, offers->product[o]);
        if (column < 0) continue;
        int64_t item = OFFERS * source->columns + column;
        tally->count[item] += 1.0f;
        if (source->policy->weight[o] > 0.0f) tally->offer[item] = o;
    }
}

static void collect(const struct response_classes_source *source, int64_t user,
                    struct evidence *evidence)
{
    const struct response_policy *policy = source->policy;
    struct tally tally = {0};
    tally_events(source, user, &tally);
    tally_offers(source, user, &tally);
    evidence->entries = 0;
    for (int32_t j = 0; j < GROUPS * source->columns; j++) {
        int64_t e = evidence->entries, o = tally.offer[j];
        if (tally.count[j] == 0.0f) continue;
        evidence->item[e] = j;
        evidence->count[e] = tally.count[j];
        evidence->value[e] = o >= 0 ? policy->low[o] : NAN;
        evidence->other[e] = o >= 0 ? policy->high[o] : NAN;
        evidence->lean[e] = o >= 0 ? policy->lean[o] : 0.0f;
        evidence->entries++;
    }
}

static struct latent_row row_of(const struct evidence *e)
{
    return (struct latent_row){e->entries, e->item, e->count, e->value, e->other, e->lean};
}

static void judge(const struct response_classes *classes, int64_t user, int32_t without,
                  struct latent_posterior *posterior, double *other)
{
    struct evidence evidence;
    collect(&classes->source, user, &evidence);
    const struct latent_row row = row_of(&evidence);
    latent_classes_of(classes->model, &row, without, posterior, other);
}

/* ---- the users that classes are found by ---- */

struct sample {
    struct blocks blocks;
    int64_t *start;
    int32_t *item;
    float *count, *value, *other, *lean;
};

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->start);
    free(s->item);
    free(s->count);
    free(s->value);
    free(s->other);
    free(s->lean);
}

static bool drawn(const struct users *users, int64_t user)
{
    double u = random_uniform(1, RANDOM_LATENT_CLASSES, users->key[user].low, 0);
    return u * (double)users->blocks.rows_total < USERS_ENOUGH;
}

/* Blocks and the starts of rows; the number of entries is returned in *entries. */
static enum status cut(const struct response_classes_source *source, struct sample *s,
                       int64_t *entries)
{
    enum status status = OK;
    const struct users *users = &source->dataset->users;
    const struct blocks *all = &users->blocks;
    struct evidence evidence;
    *entries = 0;
    TRY(memory_new(&s->blocks.start, all->blocks_local + 1, sizeof *s->blocks.start));
    TRY(memory_new(&s->start, all->rows_local + 1, sizeof *s->start));
    for (int64_t b = 0; b < all->blocks_local; b++) {
        for (int64_t u = all->start[b]; u < all->start[b + 1]; u++) {
            if (!drawn(users, u)) continue;
            collect(source, u, &evidence);
            *entries += evidence.entries;
            s->start[++s->blocks.rows_local] = *entries;
        }
        s->blocks.start[b + 1] = s->blocks.rows_local;
    }
done:
    return status;
}

static enum status fill(const struct response_classes_source *source, int64_t entries,
                        struct sample *s)
{
    enum status status = OK;
    const struct users *users = &source->dataset->users;
    struct evidence evidence;
    TRY(memory_new(&s->item, entries, sizeof *s->item));
    TRY(memory_new(&s->count, entries, sizeof *s->count));
    TRY(memory_new(&s->value, entries, sizeof *s->value));
    TRY(memory_new(&s->other, entries, sizeof *s->other));
    TRY(memory_new(&s->lean, entries, sizeof *s->lean));
    for (int64_t u = 0, at = 0; u < users->blocks.rows_local; u++) {
        if (!drawn(users, u)) continue;
        collect(source, u, &evidence);
        for (int64_t e = 0; e < evidence.entries; e++, at++) {
            s->item[at] = evidence.item[e];
            s->count[at] = evidence.count[e];
            s->value[at] = evidence.value[e];
            s->other[at] = evidence.other[e];
            s->lean[at] = evidence.lean[e];
        }
    }
done:
    return status;
}

static enum status sample_init(const struct comm *comm,
                               const struct response_classes_source *source, struct sample *s)
{
    enum status status = OK;
    const struct blocks *all = &source->dataset->users.blocks;
    int64_t entries;
    TRY_ALL(comm, cut(source, s, &entries));
    TRY_ALL(comm, fill(source, entries, s));
    s->blocks.blocks_total = all->blocks_total;
    s->blocks.block_first = all->block_first;
    s->blocks.blocks_local = all->blocks_local;
    s->blocks.row_first = comm_prefix_int64(comm, s->blocks.rows_local);
    s->blocks.rows_total = s->blocks.rows_local;
    comm_sum_int64(comm, &s->blocks.rows_total, 1);
done:
    return status;
}

/* ---- all users ---- */

static void tell(const struct response_classes *classes)
{
    double largest = 0.0;
    for (int64_t c = 0; c < classes->classes; c++)
        largest = fmax(largest, classes->model->chance[c]);
    log_info("  %lld kinds of users by what they look at and are offered; the largest is %.0f %%",
             (long long)classes->classes, 100.0 * largest);
}

/* Each of a user's offers in doubt by what class and level make of its category. */
static void settle(const struct response_classes_source *source, int64_t user, const double *other)
{
    const struct offers *offers = &source->dataset->offers;
    for (int64_t o = offers->start[user]; o < offers->start[user + 1]; o++) {
        int32_t column = column_of(source, offers->product[o]);
        if (column >= 0 && response_policy_doubts(source->policy, o))
            response_policy_believe(source->policy, o, other[column]);
    }
}

static enum status judge_all(struct response_classes *classes)
{
    enum status status = OK;
    struct latent_posterior posterior;
    double other[RESPONSE_CATEGORIES_MAX];
    int64_t users = classes->source.dataset->users.blocks.rows_local;
    int64_t columns = classes->source.columns;
    TRY(memory_new(&classes->chance, users * classes->classes, sizeof *classes->chance));
    TRY(memory_new(&classes->standing, users * columns, sizeof *classes->standing));
    for (int64_t u = 0; u < users; u++) {
        judge(classes, u, -1, &posterior, other);
        for (int64_t c = 0; c < classes->classes; c++)
            classes->chance[u * classes->classes + c] = (float)posterior.chance[c];
        for (int64_t j = 0; j < columns; j++)
            classes->standing[u * columns + j] = (float)posterior.value[j];
        settle(&classes->source, u, other);
    }
done:
    return status;
}

enum status response_classes_make(const struct comm *comm,
                                  const struct response_classes_source *source,
                                  struct response_classes *classes)
{
    enum status status = OK;
    struct sample sample = {0};
    const struct latent_options opt = LATENT_OPTIONS_DEFAULTS;
    *classes = (struct response_classes){.source = *source};
    if (source->dataset->offers_total == 0 || source->columns < 2) return OK;
    TRY(sample_init(comm, source, &sample));
    if (sample.blocks.rows_total == 0) goto done;
    const struct latent_evidence evidence = {&sample.blocks, GROUPS,       source->columns,
                                             sample.start,   sample.item,  sample.count,
                                             sample.value,   sample.other, sample.lean};
    TRY(latent_classes_fit(comm, &evidence, &opt, &classes->model));
    if (classes->model->classes < 2) {
        latent_classes_free(&classes->model);
        goto done;
    }
    classes->classes = classes->model->classes;
    tell(classes);
    TRY_ALL(comm, judge_all(classes));
done:
    sample_clear(&sample);
    if (status != OK) response_classes_clear(classes);
    return status;
}

void response_classes_clear(struct response_classes *classes)
{
    latent_classes_free(&classes->model);
    free(classes->chance);
    free(classes->standing);
    *classes = (struct response_classes){0};
}

/* ---- rows ---- */

struct dose_shape response_classes_shape(const struct response_classes *classes,
                                         const struct dose_shapes *shapes, int64_t user)
{
    return dose_mix(shapes, shapes->kinds > 1 ? classes->chance + user * classes->classes : NULL);
}

int64_t response_classes_columns(const struct response_classes *classes)
{
    return classes->classes > 0 ? classes->classes + 1 : 0;
}

void response_classes_put(const struct response_classes *classes, int64_t user, int32_t category,
                          bool hide, float *x)
{
    int64_t count = classes->classes;
    struct latent_posterior posterior;
    if (count == 0) return;
    int32_t column = classes->source.category_column[category];
    for (int64_t c = 0; c < count; c++) x[c] = classes->chance[user * count + c];
    x[count] = column >= 0 ? classes->standing[user * classes->source.columns + column] : 0.0f;
    if (!hide || column < 0) return;
    judge(classes, user, column, &posterior, NULL);
    for (int64_t c = 0; c < count; c++) x[c] = (float)posterior.chance[c];
    x[count] = (float)posterior.value[column];
}
