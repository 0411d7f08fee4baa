/* Nearest centroids of the features of all weeks but a fold's. */
#include "jobs/demand_segments.h"

#include "algorithms/standardise.h"
#include "jobs/demand_cells.h"
#include "jobs/features.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What profiles.h5 says of the segments. */
struct centroids {
    int64_t segments, columns;
    struct dictionary names;
    double *at; /* [segments][columns] in standardised features */
};

static enum status read_centroids(const struct comm *comm, const char *path, struct centroids *c)
{
    enum status status = OK;
    struct store *store = NULL;
    TRY(store_open(comm, path, &store));
    c->segments = store_rows(comm, store, "segments/centroid", &c->columns);
    TRY_ALL(comm, memory_new(&c->at, c->segments * c->columns, sizeof *c->at));
    TRY(store_read(comm, store, "segments/centroid", STORE_F64, 0, c->segments, c->at));
    TRY(store_read_dictionary(comm, store, "names", &c->names));
done:
    store_close(comm, &store);
    return status;
}

static void centroids_clear(struct centroids *c)
{
    dictionary_clear(&c->names);
    free(c->at);
}

/* ---- events of other folds ---- */

static enum status new_events(struct events *to, int64_t users, int64_t events)
{
    enum status status = OK;
    TRY(memory_new(&to->start, users + 1, sizeof *to->start));
    TRY(memory_new(&to->product, events, sizeof *to->product));
    TRY(memory_new(&to->time, events, sizeof *to->time));
    TRY(memory_new(&to->kind, events, sizeof *to->kind));
    TRY(memory_new(&to->quantity_milli, events, sizeof *to->quantity_milli));
    TRY(memory_new(&to->paid_cents, events, sizeof *to->paid_cents));
    TRY(memory_new(&to->list_cents, events, sizeof *to->list_cents));
done:
    return status;
}

static void free_events(struct events *events)
{
    free(events->start);
    free(events->product);
    free(events->time);
    free(events->kind);
    free(events->quantity_milli);
    free(events->paid_cents);
    free(events->list_cents);
}

static void copy_event(const struct events *from, int64_t e, struct events *to, int64_t at)
{
    to->product[at] = from->product[e];
    to->time[at] = from->time[e];
    to->kind[at] = from->kind[e];
    to->quantity_milli[at] = from->quantity_milli[e];
    to->paid_cents[at] = from->paid_cents[e];
    to->list_cents[at] = from->list_cents[e];
}

static void leave_out(const struct dataset *dataset, int64_t fold, struct events *to)
{
    const struct events *from = &dataset->events;
    int64_t at = 0;
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        to->start[u] = at;
        for (int64_t e = from->start[u]; e < from->start[u + 1]; e++)
            if (demand_week(dataset, from->time[e]) % DEMAND_FOLDS != fold)
                copy_event(from, e, to, at++);
    }
    to->start[dataset->users.blocks.rows_local] = at;
}

/* ---- the nearest ---- */

/* Column of the features for each of the centroids; -1: not there. */
static void match_columns(const struct centroids *c, const struct features *features, int64_t *at)
{
    for (int64_t j = 0; j < c->columns; j++) {
        at[j] = -1;
        for (int64_t k = 0; k < features->columns; k++)
            if (strcmp(dictionary_text(&c->names, j), dictionary_text(&features->names, k)) == 0)
                at[j] = k;
    }
}

static int32_t nearest(const struct centroids *c, const double *z)
{
    double least = INFINITY;
    int32_t best = 0;
    for (int64_t s = 0; s < c->segments; s++) {
        double sum = 0;
        for (int64_t j = 0; j < c->columns; j++) {
            double off = z[j] - c->at[s * c->columns + j];
            sum += off * off;
        }
        if (sum < least) {
            least = sum;
            best = (int32_t)s;
        }
    }
    return best;
}

/* Features of fewer weeks have other means, so they are standardised by their own. */
static enum status assign(const struct comm *comm, const struct centroids *c,
                          const struct blocks *blocks, const struct features *features,
                          int64_t fold, int32_t *segment)
{
    enum status status = OK;
    double *mean = NULL, *sd = NULL, *z = NULL;
    int64_t *at = NULL;
    TRY_ALL(comm, memory_new(&mean, features->columns, sizeof *mean));
    TRY_ALL(comm, memory_new(&sd, features->columns, sizeof *sd));
    TRY_ALL(comm, memory_new(&z, c->columns, sizeof *z));
    TRY_ALL(comm, memory_new(&at, c->columns, sizeof *at));
    TRY(standardise_measure(comm, blocks, features->x, features->columns, mean, sd));
    match_columns(c, features, at);
    for (int64_t u = 0; u < blocks->rows_local; u++) {
        const double *x = features->x + u * features->columns;
        for (int64_t j = 0; j < c->columns; j++) {
            bool there = at[j] >= 0 && sd[at[j]] > 0.0;
            z[j] = there ? (x[at[j]] - mean[at[j]]) / sd[at[j]] : 0.0;
        }
        segment[u * DEMAND_FOLDS + fold] = nearest(c, z);
    }
done:
    free(mean);
    free(sd);
    free(z);
    free(at);
    return status;
}

enum status demand_segments_find(const struct comm *comm, const char *path,
                                 const struct dataset *dataset, int64_t *segments,
                                 int32_t **segment)
{
    enum status status = OK;
    struct centroids c = {0};
    struct dataset view = *dataset;
    struct features features = {0};
    const struct blocks *blocks = &dataset->users.blocks;
    int64_t events = dataset->events.start[blocks->rows_local];
    view.events = (struct events){0};
    *segment = NULL;
    TRY(read_centroids(comm, path, &c));
    *segments = c.segments;
    TRY_ALL(comm, memory_new(segment, blocks->rows_local * DEMAND_FOLDS, sizeof **segment));
    TRY_ALL(comm, new_events(&view.events, blocks->rows_local, events));
    for (int64_t fold = 0; fold < DEMAND_FOLDS; fold++) {
        leave_out(dataset, fold, &view.events);
        TRY(features_make(comm, &view, &features));
        TRY(assign(comm, &c, blocks, &features, fold, *segment));
        features_clear(&features);
    }
done:
    features_clear(&features);
    free_events(&view.events);
    centroids_clear(&c);
    return status;
}
