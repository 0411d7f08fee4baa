/* What is summed up over the rows of latent classes. */
#include "algorithms/latent_pass.h"

#include "algorithms/latent_row.h"
#include "mpi/memory.h"

#include <stdlib.h>

/* Where the sums stand in a row of numbers; arrays of items and subjects follow. */
enum {
    LIKELIHOOD,
    ENTROPY,
    SQUARES,
    VALUES,
    LEVELS,
    LEVEL_SQUARES,
    CHANCE,
    MISSED = CHANCE + LATENT_CLASSES_MAX,
    MET = MISSED + LATENT_CLASSES_MAX,
    MET_MET = MET + LATENT_GROUPS_MAX,
    MET_LEVEL = MET_MET + LATENT_GROUPS_MAX * LATENT_GROUPS_MAX,
    TILT_RISE = MET_LEVEL + LATENT_GROUPS_MAX,
    TILT_BEND = TILT_RISE + LATENT_GROUPS_MAX,
    EXPOSURE = TILT_BEND + LATENT_GROUPS_MAX, /* of items without a value */
    ARRAYS = EXPOSURE + LATENT_GROUPS_MAX * LATENT_CLASSES_MAX
};
enum { OF_ITEMS = 2 /* counts, exposures */, OF_SUBJECTS = 2 /* values, their number */ };

/* A chance is never taken to be above this when it is asked what a row would lose without. */
#define NEARLY_SURE 0.999999

static int64_t numbers_of(int64_t groups, int64_t subjects, int64_t classes)
{
    return ARRAYS + (OF_ITEMS * groups + OF_SUBJECTS) * subjects * classes;
}

enum status latent_pass_init(const struct latent_evidence *evidence, int64_t classes,
                             struct latent_pass *pass)
{
    enum status status = OK;
    int64_t numbers = numbers_of(evidence->groups, evidence->subjects, classes);
    *pass = (struct latent_pass){.evidence = evidence};
    TRY(exact_init(&pass->exact, numbers));
    TRY(memory_new(&pass->room, 2 * numbers, sizeof *pass->room));
done:
    return status;
}

void latent_pass_clear(struct latent_pass *pass)
{
    exact_clear(&pass->exact);
    free(pass->room);
    *pass = (struct latent_pass){0};
}

/* ---- one row ---- */

static void add_chances(const struct latent_classes *model, const struct latent_verdict *v,
                        double *sum)
{
    sum[LIKELIHOOD] += v->log_likelihood;
    for (int64_t c = 0; c < model->classes; c++) {
        sum[CHANCE + c] += v->chance[c];
        if (v->chance[c] > 0.0) sum[ENTROPY] -= v->chance[c] * log(v->chance[c]);
        sum[MISSED + c] -= log1p(-fmin(v->chance[c], NEARLY_SURE));
    }
}

static void add_level(const struct latent_classes *model, const struct latent_verdict *v,
                      double *sum)
{
    double level = 0.0;
    sum[LEVELS] += 1.0;
    for (int64_t c = 0; c < model->classes; c++) {
        level += v->chance[c] * v->level[c];
        sum[LEVEL_SQUARES] += v->chance[c] * (v->level[c] * v->level[c] + v->variance[c]);
    }
    for (int64_t g = 0; g < model->groups; g++) {
        sum[MET + g] += v->log_met[g];
        sum[MET_LEVEL + g] += v->log_met[g] * level;
        for (int64_t h = 0; h < model->groups; h++)
            sum[MET_MET + g * LATENT_GROUPS_MAX + h] += v->log_met[g] * v->log_met[h];
    }
}

/* value: [2][subjects][classes] */
static void add_values(const struct latent_classes *model, const struct latent_verdict *v,
                       double *sum, double *value)
{
    for (int64_t i = 0; i < v->values; i++) {
        const struct latent_value *of = &v->value[i];
        int64_t first = of->subject * model->classes, all = model->subjects * model->classes;
        for (int64_t c = 0; c < model->classes; c++) {
            value[first + c] += v->chance[c] * (of->off[c] + model->mean[first + c]);
            value[all + first + c] += v->chance[c];
            sum[SQUARES] += v->chance[c] * of->square[c];
        }
        sum[VALUES] += 1.0;
    }
}

/* What was to be expected of the items of a group. */
static void add_exposure(const struct latent_classes *model, const struct latent_verdict *v,
                         int64_t g, double *sum, double *exposure)
{
    double mean[LATENT_CLASSES_MAX] = {0}, square[LATENT_CLASSES_MAX] = {0};
    for (int64_t i = 0; i < v->values; i++) {
        const struct latent_value *value = &v->value[i];
        int64_t first = (g * model->subjects + value->subject) * model->classes;
        for (int64_t c = 0; c < model->classes; c++) {
            double tilted = value->tilted[g][c], off = value->off[c];
            double share = model->share[first + c] * tilted / v->whole[g][c];
            exposure[first + c] += v->chance[c] * v->met[g] * (tilted - 1.0) / v->whole[g][c];
            mean[c] += share * off;
            square[c] += share * off * off;
        }
    }
    for (int64_t c = 0; c < model->classes; c++) {
        double times = v->chance[c] * v->met[g];
        sum[EXPOSURE + g * LATENT_CLASSES_MAX + c] += times / v->whole[g][c];
        sum[TILT_RISE + g] -= times * mean[c];
        sum[TILT_BEND + g] += times * (square[c] - mean[c] * mean[c]);
    }
}

static void add_meetings(const struct latent_classes *model, const struct latent_row *row,
                         const struct latent_verdict *v, double *sum)
{
    double *count = sum + ARRAYS;
    int64_t classes = model->classes;
    for (int64_t e = 0; e < row->entries; e++) {
        int64_t j = row->item[e], g = j / model->subjects, i = v->value_of[j % model->subjects];
        double times = (double)row->count[e];
        for (int64_t c = 0; c < classes; c++) count[j * classes + c] += v->chance[c] * times;
        for (int64_t c = 0; c < classes && i >= 0; c++)
            sum[TILT_RISE + g] += v->chance[c] * times * v->value[i].off[c];
    }
    for (int64_t g = 0; g < model->groups; g++)
        add_exposure(model, v, g, sum, count + model->items * classes);
}

static void add_row(const struct latent_classes *model, const struct latent_row *row, double *sum)
{
    struct latent_verdict v;
    latent_row_judge(model, row, -1, &v);
    add_chances(model, &v, sum);
    if (v.values > 0) add_level(model, &v, sum);
    add_values(model, &v, sum, sum + ARRAYS + OF_ITEMS * model->items * model->classes);
    add_meetings(model, row, &v, sum);
}

/* ---- all rows ---- */

static void copy(const double *number, int64_t count, double *to)
{
    for (int64_t k = 0; k < count; k++) to[k] = number[k];
}

static void hand_over(double *number, const struct latent_classes *model, struct latent_sums *sums)
{
    int64_t of_items = model->items * model->classes, of_group = model->subjects * model->classes;
    double *array = number + ARRAYS;
    *sums = (struct latent_sums){.log_likelihood = number[LIKELIHOOD],
                                 .entropy = number[ENTROPY],
                                 .squares = number[SQUARES],
                                 .values = number[VALUES],
                                 .levels = number[LEVELS],
                                 .level_squares = number[LEVEL_SQUARES],
                                 .count = array,
                                 .exposure = array + of_items,
                                 .value = array + 2 * of_items,
                                 .weight = array + 2 * of_items + of_group};
    copy(number + CHANCE, LATENT_CLASSES_MAX, sums->chance);
    copy(number + MISSED, LATENT_CLASSES_MAX, sums->missed);
    copy(number + MET, LATENT_GROUPS_MAX, sums->met);
    copy(number + MET_MET, LATENT_GROUPS_MAX * LATENT_GROUPS_MAX, sums->met_met[0]);
    copy(number + MET_LEVEL, LATENT_GROUPS_MAX, sums->met_level);
    copy(number + TILT_RISE, LATENT_GROUPS_MAX, sums->tilt_rise);
    copy(number + TILT_BEND, LATENT_GROUPS_MAX, sums->tilt_bend);
    for (int64_t g = 0; g < model->groups; g++)
        for (int64_t k = 0; k < of_group; k++)
            sums->exposure[g * of_group + k] +=
                number[EXPOSURE + g * LATENT_CLASSES_MAX + k % model->classes];
}

enum status latent_pass_run(const struct comm *comm, const struct latent_classes *model,
                            struct latent_pass *pass, struct latent_sums *sums)
{
    const struct latent_evidence *evidence = pass->evidence;
    const struct blocks *blocks = evidence->blocks;
    int64_t numbers = numbers_of(model->groups, model->subjects, model->classes);
    double *all = pass->room + pass->exact.count;
    exact_reset(&pass->exact);
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        if (blocks->start[b] == blocks->start[b + 1]) continue;
        for (int64_t j = 0; j < numbers; j++) pass->room[j] = 0.0;
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) {
            struct latent_row row = latent_row_at(evidence, i);
            add_row(model, &row, pass->room);
        }
        exact_add(&pass->exact, 0, pass->room, numbers);
    }
    enum status status = exact_reduce(comm, &pass->exact);
    if (status != OK) return status;
    exact_get_all(&pass->exact, 0, all, numbers);
    hand_over(all, model, sums);
    return OK;
}
