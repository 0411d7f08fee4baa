/* Content: how much of what the user likes about products a product has. */
#include "jobs/content_weights.h"
#include "jobs/product_content.h"
#include "jobs/scorer.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HALF_LIFE, SMOOTHING, BITS };

struct model {
    struct content content;
    struct portrait portrait;
    struct content_portrait made;
    float weight[CONTENT_FIELDS_MAX];
};

static void release(void **model)
{
    struct model *m = *model;
    if (m != NULL) {
        content_portrait_clear(&m->made);
        portrait_clear(&m->portrait);
        content_clear(&m->content);
    }
    free(m);
    *model = NULL;
}

/* Where the tables are too short to learn from, all fields count alike. */
static enum status weigh_fields(const struct comm *comm, const struct scorer_data *data,
                                struct model *m)
{
    struct past_windows past = {0};
    enum status status = past_windows_make(comm, data, &m->portrait, m->made.half_life, &past);
    if (status == OK) status = content_weights_learn(comm, data, &past, &m->made, m->weight);
    past_windows_clear(&past);
    if (status != ERR_DATA) return status;
    log_info("  content: %s; all attributes count alike", status_message());
    for (int64_t f = 0; f < m->content.fields; f++) m->weight[f] = 1.0f;
    return OK;
}

static enum status fit(const struct comm *comm, const struct scorer_data *data, const double *knob,
                       void **model)
{
    enum status status = OK;
    struct model *m = NULL;
    TRY_ALL(comm, memory_new(&m, 1, sizeof *m));
    *model = m;
    TRY_ALL(comm, product_content_make(data->dataset, (int)llround(knob[BITS]), &m->content));
    TRY(m->content.fields > 0
            ? OK
            : FAIL(ERR_DATA, "products have no attributes that differ; map their category, brand "
                             "or price, or name more in products.attributes"));
    TRY(portrait_make(comm, &data->dataset->users, &m->portrait));
    m->made = (struct content_portrait){.content = &m->content,
                                        .portrait = &m->portrait,
                                        .half_life = knob[HALF_LIFE],
                                        .smoothing = knob[SMOOTHING]};
    TRY(content_portrait_make(comm, data, &m->made));
    TRY(weigh_fields(comm, data, m));
done:
    if (status != OK) release(model);
    return status;
}

/* ---- scores ---- */

static void weigh(const struct model *m, float *portrait)
{
    for (int64_t f = 0; f < m->content.fields; f++) {
        float *part = portrait + m->content.field[f].first;
        for (int64_t d = 0; d < m->content.field[f].dimensions; d++) part[d] *= m->weight[f];
    }
}

static enum status panel(const void *model, const struct scorer_data *data, const int64_t *user,
                         int64_t users, float *score)
{
    enum status status = OK;
    const struct model *m = model;
    int64_t stride = scorer_stride(data);
    float *portrait = NULL, *attribute = NULL, *liking = NULL;
    TRY(memory_new(&portrait, m->content.dimensions, sizeof *portrait));
    TRY(memory_new(&attribute, m->made.columns, sizeof *attribute));
    TRY(memory_new(&liking, portrait_longest(data), sizeof *liking));
    for (int64_t u = 0; u < users; u++) {
        int64_t first = data->start[user[u]];
        const struct sitter sitter = {attribute, data->start[user[u] + 1] - first,
                                      data->product + first, liking};
        portrait_attributes(&m->portrait, &data->dataset->users, user[u], attribute);
        portrait_liking(data, user[u], m->made.half_life, liking);
        content_portrait_paint(&m->made, &sitter, portrait);
        weigh(m, portrait);
        content_score(&m->content, portrait, score + u * stride);
    }
done:
    free(portrait);
    free(attribute);
    free(liking);
    return status;
}

static int64_t bytes(const struct scorer_data *data, const double *knob)
{
    const struct dataset *d = data->dataset;
    int64_t fields = 4 + 2 * d->products.attributes;
    int64_t dimensions = fields << llround(knob[BITS]);
    int64_t items = d->products.count * fields * (8 + 8 * 6);
    return items + dimensions * (8 + 24 * d->users.attributes) +
           PAST_WINDOWS_MAX * 12 * data->start[d->users.blocks.rows_local];
}

const struct scorer scorer_content = {
    .name = "content",
    .does = "how much of what the user likes about products a product has",
    .knobs = 3,
    .knob = {[HALF_LIFE] = {.key = "recommend.content.half_life",
                            .tries = {30, 120, 1000},
                            .count = 3},
             [SMOOTHING] = {.key = "recommend.content.smoothing", .tries = {0.5, 2, 8}, .count = 3},
             [BITS] = {.key = "recommend.content.bits", .tries = {12, 14}, .count = 2}},
    .fit = fit,
    .panel = panel,
    .bytes = bytes,
    .free = release,
};
