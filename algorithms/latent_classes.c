/* Latent classes by EM, and how many there are. */
#include "algorithms/latent_classes.h"

#include "algorithms/latent_pass.h"
#include "algorithms/latent_start.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Meetings that are taken to have gone as everybody's do, in each class. */
#define TRUST_SHARE 5.0
/* Values likewise. */
#define TRUST_MEAN 1.0
#define LEAST_VARIANCE 1e-6

enum { TRIAL_ITERATIONS = 8, ROWS_A_CLASS = 20, WORSE_ENOUGH = 2 };

enum status latent_classes_new(int64_t classes, int64_t items, const int32_t *group,
                               struct latent_classes **model)
{
    enum status status = OK;
    struct latent_classes *m = NULL;
    *model = NULL;
    TRY(memory_new(&m, 1, sizeof *m));
    m->classes = classes;
    m->items = items;
    TRY(memory_new(&m->group, items, sizeof *m->group));
    TRY(memory_new(&m->chance, classes, sizeof *m->chance));
    TRY(memory_new(&m->share, items * classes, sizeof *m->share));
    TRY(memory_new(&m->log_share, items * classes, sizeof *m->log_share));
    TRY(memory_new(&m->mean, items * classes, sizeof *m->mean));
    memcpy(m->group, group, (size_t)items * sizeof *group);
    *model = m;
done:
    if (status != OK) latent_classes_free(&m);
    return status;
}

void latent_classes_free(struct latent_classes **model)
{
    struct latent_classes *m = *model;
    *model = NULL;
    if (m == NULL) return;
    free(m->group);
    free(m->chance);
    free(m->share);
    free(m->log_share);
    free(m->mean);
    free(m);
}

struct latent_row latent_row_at(const struct latent_evidence *evidence, int64_t row)
{
    int64_t first = evidence->start[row];
    return (struct latent_row){.entries = evidence->start[row + 1] - first,
                               .item = evidence->item + first,
                               .count = evidence->count + first,
                               .value = evidence->value + first,
                               .value_weight = evidence->value_weight + first};
}

void latent_classes_of(const struct latent_classes *model, const struct latent_row *row,
                       int32_t without, struct latent_posterior *posterior)
{
    double level[LATENT_CLASSES_MAX];
    *posterior = (struct latent_posterior){0};
    latent_pass_row(model, row, without, posterior->chance, level);
    for (int64_t c = 0; c < model->classes; c++)
        posterior->level += posterior->chance[c] * level[c];
}

/* ---- a better model from sums ---- */

/* What the items' shares and means are pulled toward: everybody's. */
static void usual_of(const struct latent_classes *one, int64_t item, double *share, double *mean)
{
    *share = one != NULL ? one->share[item] : 0.0;
    *mean = one != NULL ? one->mean[item] : 0.0;
}

static void take_shares(const struct latent_sums *sums, const struct latent_classes *one, int64_t c,
                        struct latent_classes *model)
{
    double total[LATENT_GROUPS_MAX] = {0}, items[LATENT_GROUPS_MAX] = {0}, usual, mean;
    for (int64_t j = 0; j < model->items; j++) {
        total[model->group[j]] += sums->count[j * model->classes + c];
        items[model->group[j]] += 1.0;
    }
    for (int64_t j = 0; j < model->items; j++) {
        int64_t at = j * model->classes + c, g = model->group[j];
        usual_of(one, j, &usual, &mean);
        if (one == NULL) usual = 1.0 / items[g];
        model->share[at] = (sums->count[at] + TRUST_SHARE * usual) / (total[g] + TRUST_SHARE);
        model->log_share[at] = log(model->share[at]);
        model->mean[at] =
            (sums->value[at] + TRUST_MEAN * mean) / (sums->value_weight[at] + TRUST_MEAN);
    }
}

static void improve(const struct latent_sums *sums, const struct latent_classes *one, int64_t rows,
                    struct latent_classes *model)
{
    for (int64_t c = 0; c < model->classes; c++) {
        model->chance[c] = (sums->chance[c] + 1.0) / (double)(rows + model->classes);
        take_shares(sums, one, c, model);
    }
    if (sums->values > 0.0) model->within = fmax(sums->squares / sums->values, LEAST_VARIANCE);
    if (sums->levels > 0.0)
        model->between = fmax(sums->level_squares / sums->levels, LEAST_VARIANCE);
}

/* Numbers that were free to fit. */
static double parameters_of(const struct latent_sums *sums, const struct latent_classes *model)
{
    double of_class = 1.0, groups = 0.0;
    bool seen[LATENT_GROUPS_MAX] = {false};
    for (int64_t j = 0; j < model->items; j++) {
        double weight = 0.0;
        for (int64_t c = 0; c < model->classes; c++)
            weight += sums->value_weight[j * model->classes + c];
        of_class += weight > 0.0 ? 2.0 : 1.0;
        groups += seen[model->group[j]] ? 0.0 : 1.0;
        seen[model->group[j]] = true;
    }
    return (double)model->classes * (of_class - groups) + 1.0;
}

/* EM until it stays. sums: of the last pass, by which the model was judged. */
static enum status climb(const struct comm *comm, const struct latent_classes *one, int64_t most,
                         double tolerance, struct latent_pass *pass, struct latent_sums *sums,
                         struct latent_classes *model)
{
    enum status status = OK;
    int64_t rows = pass->evidence->blocks->rows_total;
    double before = -INFINITY;
    for (int64_t k = 0;; k++) {
        TRY(latent_pass_run(comm, model, pass, sums));
        if (k == most || sums->log_likelihood - before < tolerance * (double)rows) break;
        before = sums->log_likelihood;
        improve(sums, one, rows, model);
    }
    model->rows = rows;
    model->log_likelihood = sums->log_likelihood;
    model->icl = parameters_of(sums, model) * log((double)rows) - 2.0 * sums->log_likelihood +
                 2.0 * sums->entropy;
done:
    return status;
}

/* ---- how many ---- */

struct search {
    const struct latent_evidence *evidence;
    const struct latent_options *opt;
    struct latent_pass pass;
    struct latent_classes *one, *now, *best;
};

/* Everybody in one class: where profiles are measured from. */
static enum status fit_one(const struct comm *comm, struct search *search)
{
    enum status status = OK;
    struct latent_sums sums;
    const struct latent_evidence *evidence = search->evidence;
    TRY_ALL(comm, latent_classes_new(1, evidence->items, evidence->group, &search->one));
    search->one->chance[0] = search->one->within = search->one->between = 1.0;
    for (int64_t j = 0; j < evidence->items; j++) {
        search->one->share[j] = 1.0 / (double)evidence->items; /* more in each group, once fitted */
        search->one->log_share[j] = log(search->one->share[j]);
    }
    TRY(climb(comm, NULL, search->opt->max_iterations, search->opt->tolerance, &search->pass, &sums,
              search->one));
done:
    return status;
}

/* The likeliest of several starts, after some iterations each. */
static enum status start(const struct comm *comm, int64_t classes, struct search *search)
{
    enum status status = OK;
    struct latent_classes *trial = NULL;
    struct latent_sums sums;
    for (int64_t k = 0; k < search->opt->starts; k++) {
        TRY(latent_start(comm, search->evidence, search->one, classes,
                         search->opt->seed + (uint64_t)k, &trial));
        TRY(climb(comm, search->one, TRIAL_ITERATIONS, search->opt->tolerance, &search->pass, &sums,
                  trial));
        if (search->now == NULL || trial->log_likelihood > search->now->log_likelihood) {
            latent_classes_free(&search->now);
            search->now = trial;
            trial = NULL;
        }
        latent_classes_free(&trial);
    }
done:
    latent_classes_free(&trial);
    return status;
}

static void copy_class(const struct latent_classes *from, int64_t c, int64_t to,
                       struct latent_classes *model)
{
    model->chance[to] = from->chance[c];
    for (int64_t j = 0; j < from->items; j++) {
        int64_t at = j * model->classes + to, was = j * from->classes + c;
        model->share[at] = from->share[was];
        model->log_share[at] = from->log_share[was];
        model->mean[at] = from->mean[was];
    }
}

/* All but the one that would be missed least. */
static enum status leave_out(const struct latent_classes *from, const struct latent_sums *sums,
                             struct latent_classes **model)
{
    int64_t least = 0;
    enum status status = latent_classes_new(from->classes - 1, from->items, from->group, model);
    if (status != OK) return status;
    for (int64_t c = 1; c < from->classes; c++)
        if (sums->missed[c] < sums->missed[least]) least = c;
    for (int64_t c = 0; c < from->classes; c++)
        if (c != least) copy_class(from, c, c - (c > least), *model);
    for (int64_t c = 0; c + 1 < from->classes; c++)
        (*model)->chance[c] /= 1.0 - from->chance[least];
    (*model)->within = from->within;
    (*model)->between = from->between;
    return OK;
}

/* From many classes to few. The model that was best is kept in search->best. */
static enum status descend(const struct comm *comm, struct search *search)
{
    enum status status = OK;
    struct latent_classes *fewer = NULL;
    struct latent_sums sums;
    for (int worse = 0; search->now->classes > 1 && worse < WORSE_ENOUGH; worse++) {
        TRY(climb(comm, search->one, search->opt->max_iterations, search->opt->tolerance,
                  &search->pass, &sums, search->now));
        TRY_ALL(comm, leave_out(search->now, &sums, &fewer));
        if (search->best == NULL || search->now->icl < search->best->icl) {
            latent_classes_free(&search->best);
            search->best = search->now;
            search->now = NULL;
            worse = -1;
        }
        latent_classes_free(&search->now);
        search->now = fewer;
        fewer = NULL;
    }
    if (search->best == NULL || search->one->icl <= search->best->icl) {
        latent_classes_free(&search->best);
        search->best = search->one;
        search->one = NULL;
    }
done:
    latent_classes_free(&fewer);
    return status;
}

static enum status check(const struct latent_evidence *evidence, const struct latent_options *opt)
{
    if (opt->classes < 1 || opt->classes > LATENT_CLASSES_MAX || opt->starts < 1)
        return FAIL(ERR_ARG,
                    "latent classes: 1 to %d classes and at least one start, not %lld, %lld",
                    LATENT_CLASSES_MAX, (long long)opt->classes, (long long)opt->starts);
    if (evidence->blocks->rows_total < 1 || evidence->items < 1)
        return FAIL(ERR_ARG, "latent classes: no rows, or no items that they could have met");
    return OK;
}

enum status latent_classes_fit(const struct comm *comm, const struct latent_evidence *evidence,
                               const struct latent_options *opt, struct latent_classes **model)
{
    enum status status = OK;
    struct search search = {.evidence = evidence, .opt = opt};
    int64_t classes = opt->classes, rows = evidence->blocks->rows_total;
    *model = NULL;
    TRY_ALL(comm, check(evidence, opt));
    if (classes > 1 + rows / ROWS_A_CLASS) classes = 1 + rows / ROWS_A_CLASS;
    TRY_ALL(comm, latent_pass_init(evidence, classes, &search.pass));
    TRY(fit_one(comm, &search));
    if (classes > 1) {
        TRY(start(comm, classes, &search));
        TRY(descend(comm, &search));
    }
    *model = classes > 1 ? search.best : search.one;
    if (classes > 1)
        search.best = NULL;
    else
        search.one = NULL;
done:
    latent_pass_clear(&search.pass);
    latent_classes_free(&search.one);
    latent_classes_free(&search.now);
    latent_classes_free(&search.best);
    return status;
}
