/* Latent classes by EM, and how many there are. */
#include "algorithms/latent_classes.h"

#include "algorithms/definite.h"
#include "algorithms/latent_pass.h"
#include "algorithms/latent_row.h"
#include "algorithms/latent_start.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* Meetings that are taken to have gone as everybody's do, in each class. */
#define TRUST_SHARE 5.0
/* Values likewise. */
#define TRUST_MEAN 1.0
/* Squares of logs of meetings that are taken to have gone with no level at all. */
#define TRUST_LEVEL 1.0
/* Likewise of the tilt, the most it moves at a time, and the most it comes to. */
#define TRUST_TILT 1.0
#define TILT_STEP 0.5
#define TILT_MOST 10.0
/* Standard deviations that meetings alone take a value from where it is expected, at most. */
#define OFF_MOST 3.0
#define LEAST_VARIANCE 1e-6

enum { TRIAL_ITERATIONS = 8, ROWS_A_CLASS = 20, WORSE_ENOUGH = 2 };

enum status latent_classes_new(int64_t classes, int64_t groups, int64_t subjects,
                               struct latent_classes **model)
{
    enum status status = OK;
    struct latent_classes *m = NULL;
    int64_t items = groups * subjects;
    *model = NULL;
    TRY(memory_new(&m, 1, sizeof *m));
    m->classes = classes;
    m->groups = groups;
    m->subjects = subjects;
    m->items = items;
    TRY(memory_new(&m->chance, classes, sizeof *m->chance));
    TRY(memory_new(&m->share, items * classes, sizeof *m->share));
    TRY(memory_new(&m->log_share, items * classes, sizeof *m->log_share));
    TRY(memory_new(&m->mean, subjects * classes, sizeof *m->mean));
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
                               .other = evidence->other + first,
                               .lean = evidence->lean + first};
}

/* How far the value of a subject without one is beyond mean and level, by how often it was met: a
 * step of Newton's method from nought. */
static double guess_off(const struct latent_classes *model, const struct latent_verdict *v,
                        const double *count, int64_t subject, int64_t c)
{
    double rise = 0.0, bend = 1.0 / model->within;
    for (int64_t g = 0; g < model->groups; g++) {
        int64_t j = g * model->subjects + subject;
        double expected = v->met[g] * model->share[j * model->classes + c] / v->whole[g][c];
        rise += model->tilt[g] * (count[j] - expected);
        bend += model->tilt[g] * model->tilt[g] * expected;
    }
    double most = OFF_MOST * sqrt(model->within);
    return fmin(fmax(rise / bend, -most), most);
}

static void expect_values(const struct latent_classes *model, const struct latent_row *row,
                          const struct latent_verdict *v, double *value)
{
    double count[LATENT_GROUPS_MAX * LATENT_SUBJECTS_MAX] = {0}, sum;
    for (int64_t e = 0; e < row->entries; e++) count[row->item[e]] = (double)row->count[e];
    for (int64_t s = 0; s < model->subjects; s++) {
        sum = 0.0;
        for (int64_t c = 0; c < model->classes; c++)
            sum += v->chance[c] * (model->mean[s * model->classes + c] + v->level[c] +
                                   guess_off(model, v, count, s, c));
        value[s] = sum;
    }
    for (int64_t i = 0; i < v->values; i++) {
        const struct latent_value *of = &v->value[i];
        sum = of->first;
        for (int64_t c = 0; c < model->classes; c++) sum += v->chance[c] * of->other[c] * of->apart;
        value[of->subject] = sum;
    }
}

void latent_classes_of(const struct latent_classes *model, const struct latent_row *row,
                       int32_t without, struct latent_posterior *posterior, double *other)
{
    struct latent_verdict v;
    *posterior = (struct latent_posterior){0};
    latent_row_judge(model, row, without, &v);
    for (int64_t c = 0; c < model->classes; c++) posterior->chance[c] = v.chance[c];
    expect_values(model, row, &v, posterior->value);
    if (other == NULL) return;
    for (int64_t s = 0; s < model->subjects; s++) other[s] = 0.0;
    for (int64_t i = 0; i < v.values; i++)
        for (int64_t c = 0; c < model->classes; c++)
            other[v.value[i].subject] += v.chance[c] * v.value[i].other[c];
}

void latent_classes_share(const struct latent_classes *from, struct latent_classes *to)
{
    for (int64_t g = 0; g < from->groups; g++) {
        to->tilt[g] = from->tilt[g];
        to->level_by[g] = from->level_by[g];
        to->usual[g] = from->usual[g];
    }
    to->within = from->within;
    to->between = from->between;
}

/* ---- a better model from sums ---- */

/* Counts by what was to be expected, and by what everybody does (one; NULL: all items alike). */
static void take_shares(const struct latent_sums *sums, const struct latent_classes *one, int64_t c,
                        int64_t group, struct latent_classes *model)
{
    double sum = 0.0;
    int64_t first = group * model->subjects, next = first + model->subjects;
    for (int64_t j = first; j < next; j++) {
        int64_t at = j * model->classes + c;
        double usual = one != NULL ? one->share[j] : 1.0 / (double)model->subjects;
        model->share[at] =
            (sums->count[at] + TRUST_SHARE * usual) / (sums->exposure[at] + TRUST_SHARE);
        sum += model->share[at];
    }
    for (int64_t j = first; j < next; j++) {
        int64_t at = j * model->classes + c;
        model->share[at] /= sum;
        model->log_share[at] = log(model->share[at]);
    }
}

static void take_means(const struct latent_sums *sums, const struct latent_classes *one, int64_t c,
                       struct latent_classes *model)
{
    for (int64_t s = 0; s < model->subjects; s++) {
        int64_t at = s * model->classes + c;
        double usual = one != NULL ? one->mean[s] : 0.0;
        model->mean[at] = (sums->value[at] + TRUST_MEAN * usual) / (sums->weight[at] + TRUST_MEAN);
    }
}

/* The level on the logs of meetings, by least squares. */
static void take_level(const struct latent_sums *sums, struct latent_classes *model)
{
    double cross[LATENT_GROUPS_MAX][LATENT_GROUPS_MAX], by[LATENT_GROUPS_MAX];
    double squares = sums->level_squares;
    for (int64_t g = 0; g < model->groups; g++) {
        for (int64_t h = 0; h < model->groups; h++) cross[g][h] = sums->met_met[g][h];
        cross[g][g] += TRUST_LEVEL;
        by[g] = sums->met_level[g];
        model->usual[g] += sums->met[g] / sums->levels;
    }
    if (!definite_solve(cross[0], model->groups, LATENT_GROUPS_MAX, by)) return;
    for (int64_t g = 0; g < model->groups; g++) {
        model->level_by[g] = by[g];
        squares -= by[g] * (sums->met_level[g] + TRUST_LEVEL * by[g]);
    }
    model->between = fmax(squares / sums->levels, LEAST_VARIANCE);
}

/* A step of Newton's method. */
static void take_tilt(const struct latent_sums *sums, int64_t g, struct latent_classes *model)
{
    double rise = sums->tilt_rise[g] - TRUST_TILT * model->tilt[g];
    double step = rise / (sums->tilt_bend[g] + TRUST_TILT);
    double tilt = model->tilt[g] + fmin(fmax(step, -TILT_STEP), TILT_STEP);
    model->tilt[g] = fmin(fmax(tilt, -TILT_MOST), TILT_MOST);
}

static void improve(const struct latent_sums *sums, const struct latent_classes *one, int64_t rows,
                    struct latent_classes *model)
{
    for (int64_t c = 0; c < model->classes; c++) {
        model->chance[c] = (sums->chance[c] + 1.0) / (double)(rows + model->classes);
        for (int64_t g = 0; g < model->groups; g++) take_shares(sums, one, c, g, model);
        take_means(sums, one, c, model);
    }
    for (int64_t g = 0; g < model->groups; g++) take_tilt(sums, g, model);
    if (sums->values > 0.0) model->within = fmax(sums->squares / sums->values, LEAST_VARIANCE);
    if (sums->levels > 0.0) take_level(sums, model);
}

/* Numbers of each class that were free to fit. */
static double parameters_of(const struct latent_sums *sums, const struct latent_classes *model)
{
    double of_class = 1.0 + (double)(model->items - model->groups);
    for (int64_t s = 0; s < model->subjects; s++) {
        double weight = 0.0;
        for (int64_t c = 0; c < model->classes; c++) weight += sums->weight[s * model->classes + c];
        of_class += weight > 0.0 ? 1.0 : 0.0;
    }
    return (double)model->classes * of_class;
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
    TRY_ALL(comm, latent_classes_new(1, evidence->groups, evidence->subjects, &search->one));
    search->one->chance[0] = search->one->within = search->one->between = 1.0;
    for (int64_t j = 0; j < search->one->items; j++) {
        search->one->share[j] = 1.0 / (double)evidence->subjects;
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
        if (j < from->subjects) model->mean[at] = from->mean[was];
    }
}

/* All but the one that would be missed least. */
static enum status leave_out(const struct latent_classes *from, const struct latent_sums *sums,
                             struct latent_classes **model)
{
    int64_t least = 0;
    enum status status = latent_classes_new(from->classes - 1, from->groups, from->subjects, model);
    if (status != OK) return status;
    for (int64_t c = 1; c < from->classes; c++)
        if (sums->missed[c] < sums->missed[least]) least = c;
    for (int64_t c = 0; c < from->classes; c++)
        if (c != least) copy_class(from, c, c - (c > least), *model);
    for (int64_t c = 0; c + 1 < from->classes; c++)
        (*model)->chance[c] /= 1.0 - from->chance[least];
    latent_classes_share(from, *model);
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
    if (evidence->groups < 1 || evidence->groups > LATENT_GROUPS_MAX || evidence->subjects < 1 ||
        evidence->subjects > LATENT_SUBJECTS_MAX)
        return FAIL(ERR_ARG, "latent classes: 1 to %d groups of 1 to %d subjects, not %lld, %lld",
                    LATENT_GROUPS_MAX, LATENT_SUBJECTS_MAX, (long long)evidence->groups,
                    (long long)evidence->subjects);
    if (evidence->blocks->rows_total < 1) return FAIL(ERR_ARG, "latent classes: no rows");
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
