/* Chances of classes, row by row, and what is summed up by them. */
#include "algorithms/latent_pass.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* Where the sums stand in a row of numbers; arrays of items follow. */
enum {
    LIKELIHOOD,
    ENTROPY,
    SQUARES,
    VALUES,
    LEVEL_SQUARES,
    LEVELS,
    CHANCE,
    MISSED = CHANCE + LATENT_CLASSES_MAX,
    ITEMS = MISSED + LATENT_CLASSES_MAX
};
enum { OF_ITEMS = 3 /* counts, values, weights of these */ };

/* A chance is never taken to be above this when it is asked what a row would lose without. */
#define NEARLY_SURE 0.999999

static int64_t numbers_of(int64_t items, int64_t classes)
{
    return ITEMS + OF_ITEMS * items * classes;
}

enum status latent_pass_init(const struct latent_evidence *evidence, int64_t classes,
                             struct latent_pass *pass)
{
    enum status status = OK;
    int64_t numbers = numbers_of(evidence->items, classes);
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

/* Sums of a row's values against each class's means. */
struct values {
    double count, weight;
    double sum[LATENT_CLASSES_MAX], squares[LATENT_CLASSES_MAX];
};

static void add_value(const struct latent_classes *model, const struct latent_row *row, int64_t e,
                      struct values *values)
{
    double weight = (double)row->value_weight[e];
    const double *mean = model->mean + row->item[e] * model->classes;
    values->count += 1.0;
    values->weight += weight;
    for (int64_t c = 0; c < model->classes; c++) {
        double off = (double)row->value[e] - mean[c];
        values->sum[c] += weight * off;
        values->squares[c] += weight * off * off;
    }
}

/* log_share of the others of a group once one of its items is not looked at. */
static void put_aside(const struct latent_classes *model, int32_t without, double *aside)
{
    const double *share = model->share + without * model->classes;
    for (int64_t c = 0; c < model->classes; c++) aside[c] = log1p(-fmin(share[c], NEARLY_SURE));
}

static struct values read_row(const struct latent_classes *model, const struct latent_row *row,
                              int32_t without, double *log_chance)
{
    struct values values = {0};
    double aside[LATENT_CLASSES_MAX];
    if (without >= 0) put_aside(model, without, aside);
    for (int64_t e = 0; e < row->entries; e++) {
        int32_t item = row->item[e];
        double count = (double)row->count[e];
        const double *log_share = model->log_share + item * model->classes;
        if (item == without) continue;
        for (int64_t c = 0; c < model->classes; c++) log_chance[c] += count * log_share[c];
        if (without >= 0 && model->group[item] == model->group[without])
            for (int64_t c = 0; c < model->classes; c++) log_chance[c] -= count * aside[c];
        if (row->value_weight[e] > 0.0f) add_value(model, row, e, &values);
    }
    return values;
}

/* Values about a level that is itself drawn: what they add to the log-likelihood, and the level. */
static void judge_values(const struct latent_classes *model, const struct values *values,
                         double *log_chance, double *level)
{
    double s2 = model->within, t2 = model->between, all = s2 + values->weight * t2;
    double shape = values->count * log(2.0 * M_PI * s2) + log(all / s2);
    for (int64_t c = 0; c < model->classes; c++) {
        double sum = values->sum[c];
        level[c] = t2 * sum / all;
        log_chance[c] -= 0.5 * ((values->squares[c] - level[c] * sum) / s2 + shape);
    }
}

/* Chances from their logs; returns the log of what they summed up to. */
static double share_out(int64_t classes, double *chance)
{
    double most = chance[0], sum = 0.0;
    for (int64_t c = 1; c < classes; c++) most = fmax(most, chance[c]);
    for (int64_t c = 0; c < classes; c++) sum += chance[c] = exp(chance[c] - most);
    for (int64_t c = 0; c < classes; c++) chance[c] /= sum;
    return most + log(sum);
}

static double judge_row(const struct latent_classes *model, const struct latent_row *row,
                        int32_t without, double *chance, double *level, struct values *values)
{
    for (int64_t c = 0; c < model->classes; c++) {
        chance[c] = log(model->chance[c]);
        level[c] = 0.0;
    }
    *values = read_row(model, row, without, chance);
    if (values->count > 0.0) judge_values(model, values, chance, level);
    return share_out(model->classes, chance);
}

double latent_pass_row(const struct latent_classes *model, const struct latent_row *row,
                       int32_t without, double *chance, double *level)
{
    struct values values;
    return judge_row(model, row, without, chance, level, &values);
}

/* ---- sums ---- */

static void add_entries(const struct latent_classes *model, const struct latent_row *row,
                        const double *chance, const double *level, double *sum)
{
    int64_t classes = model->classes, all = model->items * classes;
    for (int64_t e = 0; e < row->entries; e++) {
        double *count = sum + ITEMS + row->item[e] * classes, *value = count + all;
        double times = (double)row->count[e], weight = (double)row->value_weight[e];
        for (int64_t c = 0; c < classes; c++) count[c] += chance[c] * times;
        if (!(weight > 0.0)) continue;
        for (int64_t c = 0; c < classes; c++) {
            value[c] += chance[c] * weight * ((double)row->value[e] - level[c]);
            value[all + c] += chance[c] * weight;
        }
    }
}

static void add_row(const struct latent_classes *model, const struct latent_row *row, double *sum)
{
    double chance[LATENT_CLASSES_MAX], level[LATENT_CLASSES_MAX];
    struct values values;
    sum[LIKELIHOOD] += judge_row(model, row, -1, chance, level, &values);
    double unsure =
        model->between * model->within / (model->within + values.weight * model->between);
    for (int64_t c = 0; c < model->classes; c++) {
        sum[CHANCE + c] += chance[c];
        if (chance[c] > 0.0) sum[ENTROPY] -= chance[c] * log(chance[c]);
        sum[MISSED + c] -= log1p(-fmin(chance[c], NEARLY_SURE));
        if (values.count == 0.0) continue;
        double off = values.squares[c] - 2.0 * level[c] * values.sum[c] +
                     values.weight * (level[c] * level[c] + unsure);
        sum[SQUARES] += chance[c] * off;
        sum[LEVEL_SQUARES] += chance[c] * (level[c] * level[c] + unsure);
    }
    sum[VALUES] += values.count;
    sum[LEVELS] += values.count > 0.0 ? 1.0 : 0.0;
    add_entries(model, row, chance, level, sum);
}

static void hand_over(double *number, const struct latent_classes *model, struct latent_sums *sums)
{
    int64_t all = model->items * model->classes;
    *sums = (struct latent_sums){.log_likelihood = number[LIKELIHOOD],
                                 .entropy = number[ENTROPY],
                                 .squares = number[SQUARES],
                                 .values = number[VALUES],
                                 .level_squares = number[LEVEL_SQUARES],
                                 .levels = number[LEVELS],
                                 .count = number + ITEMS,
                                 .value = number + ITEMS + all,
                                 .value_weight = number + ITEMS + 2 * all};
    for (int64_t c = 0; c < model->classes; c++) {
        sums->chance[c] = number[CHANCE + c];
        sums->missed[c] = number[MISSED + c];
    }
}

enum status latent_pass_run(const struct comm *comm, const struct latent_classes *model,
                            struct latent_pass *pass, struct latent_sums *sums)
{
    const struct latent_evidence *evidence = pass->evidence;
    const struct blocks *blocks = evidence->blocks;
    int64_t numbers = numbers_of(model->items, model->classes);
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
