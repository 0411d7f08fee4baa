/* Chances of classes of a row: by its values, then by what it met. */
#include "algorithms/latent_row.h"

/* ---- what there is ---- */

static void count_met(const struct latent_classes *model, const struct latent_row *row,
                      struct latent_verdict *v)
{
    for (int64_t g = 0; g < model->groups; g++) v->met[g] = 0.0;
    for (int64_t e = 0; e < row->entries; e++)
        v->met[row->item[e] / model->subjects] += (double)row->count[e];
    for (int64_t g = 0; g < model->groups; g++) v->log_met[g] = log1p(v->met[g]) - model->usual[g];
}

static void list_values(const struct latent_classes *model, const struct latent_row *row,
                        int32_t without, bool doubts, struct latent_verdict *v)
{
    for (int64_t e = 0; e < row->entries; e++) {
        int32_t subject = row->item[e] % (int32_t)model->subjects;
        if (subject == without || isnan(row->value[e])) continue;
        if (latent_row_doubts(row, e) != doubts) continue;
        struct latent_value *value = &v->value[v->values];
        v->value_of[subject] = (int8_t)v->values++;
        value->subject = subject;
        value->first = (double)row->value[e];
        value->apart = (double)row->other[e] - (double)row->value[e];
        value->lean = (double)row->lean[e];
    }
}

/* First those that are not in doubt; returns how many these are. */
static int64_t list_all_values(const struct latent_classes *model, const struct latent_row *row,
                               int32_t without, struct latent_verdict *v)
{
    v->values = 0;
    for (int64_t s = 0; s < model->subjects; s++) v->value_of[s] = -1;
    list_values(model, row, without, false, v);
    int64_t sure = v->values;
    list_values(model, row, without, true, v);
    return sure;
}

/* ---- values ---- */

/* A value about a level that is itself in doubt tells of the class, and of the level. */
static double take_value(double off, double within, double *level, double *variance)
{
    double all = within + *variance, beyond = off - *level;
    *level += *variance / all * beyond;
    *variance *= within / all;
    return -0.5 * (beyond * beyond / all + log(all));
}

/* One that is not in doubt is for each class what take_value makes of it: in how far the level is
 * in doubt before and after is the same for all. */
static void take_sure(const struct latent_classes *model, struct latent_value *value,
                      double *variance, double *level, double *log_chance)
{
    const double *mean = &model->mean[value->subject * model->classes];
    double all = model->within + *variance, gain = *variance / all, log_all = log(all);
    for (int64_t c = 0; c < model->classes; c++) {
        double off = value->first - mean[c], beyond = off - level[c];
        log_chance[c] += -0.5 * (beyond * beyond / all + log_all);
        level[c] += gain * beyond;
        value->off[c] = off;
        value->other[c] = 0.0;
    }
    *variance *= model->within / all;
}

/* One of two: what is known of the level after either is mixed, by its mean and variance. */
static double take_either(double off, double within, int64_t c, struct latent_value *value,
                          struct latent_verdict *v)
{
    double at[2] = {v->level[c], v->level[c]}, of[2] = {v->variance[c], v->variance[c]};
    double first = take_value(off, within, &at[0], &of[0]);
    double second = take_value(off + value->apart, within, &at[1], &of[1]) + value->lean;
    double other = 1.0 / (1.0 + exp(first - second)), apart = at[1] - at[0];
    double beyond[2] = {off - at[0], off + value->apart - at[1]};
    value->other[c] = other;
    value->off[c] = off + other * value->apart;
    value->square[c] =
        (1.0 - other) * (beyond[0] * beyond[0] + of[0]) + other * (beyond[1] * beyond[1] + of[1]);
    v->level[c] = at[0] + other * apart;
    v->variance[c] = of[0] + other * ((1.0 - other) * apart * apart + of[1] - of[0]);
    return fmax(first, second) + log1p(exp(-fabs(first - second)));
}

/* From beyond the mean to beyond mean and level, now that this is known. */
static void take_level_off(const struct latent_classes *model, bool sure,
                           struct latent_value *value, const struct latent_verdict *v)
{
    for (int64_t c = 0; c < model->classes; c++) {
        value->off[c] -= v->level[c];
        if (sure) value->square[c] = value->off[c] * value->off[c] + v->variance[c];
    }
}

/* log_chance  out  [classes] of the values */
static void judge_values(const struct latent_classes *model, int64_t sure, struct latent_verdict *v,
                         double *log_chance)
{
    double level = 0.0, variance = model->between;
    for (int64_t g = 0; g < model->groups; g++) level += model->level_by[g] * v->log_met[g];
    for (int64_t c = 0; c < model->classes; c++) {
        log_chance[c] = 0.0;
        v->level[c] = level;
    }
    for (int64_t i = 0; i < sure; i++)
        take_sure(model, &v->value[i], &variance, v->level, log_chance);
    for (int64_t c = 0; c < model->classes; c++) v->variance[c] = variance;
    for (int64_t i = sure; i < v->values; i++) {
        const double *mean = &model->mean[v->value[i].subject * model->classes];
        for (int64_t c = 0; c < model->classes; c++)
            log_chance[c] +=
                take_either(v->value[i].first - mean[c], model->within, c, &v->value[i], v);
    }
    for (int64_t i = 0; i < v->values; i++) take_level_off(model, i < sure, &v->value[i], v);
}

/* ---- meetings ---- */

/* What tilted shares add up to. */
static void add_up(const struct latent_classes *model, struct latent_verdict *v)
{
    for (int64_t g = 0; g < model->groups; g++) {
        for (int64_t c = 0; c < model->classes; c++) v->whole[g][c] = 1.0;
        for (int64_t i = 0; i < v->values; i++) {
            struct latent_value *value = &v->value[i];
            const double *share =
                &model->share[(g * model->subjects + value->subject) * model->classes];
            for (int64_t c = 0; c < model->classes; c++) {
                value->tilted[g][c] = exp(model->tilt[g] * value->off[c]);
                v->whole[g][c] += share[c] * (value->tilted[g][c] - 1.0);
            }
        }
    }
}

static void judge_meetings(const struct latent_classes *model, const struct latent_row *row,
                           struct latent_verdict *v)
{
    add_up(model, v);
    for (int64_t e = 0; e < row->entries; e++) {
        int64_t j = row->item[e], g = j / model->subjects, i = v->value_of[j % model->subjects];
        double count = (double)row->count[e];
        for (int64_t c = 0; c < model->classes; c++)
            v->chance[c] += count * model->log_share[j * model->classes + c];
        for (int64_t c = 0; c < model->classes && i >= 0; c++)
            v->chance[c] += count * model->tilt[g] * v->value[i].off[c];
    }
    for (int64_t g = 0; g < model->groups; g++)
        for (int64_t c = 0; c < model->classes && v->met[g] > 0.0; c++)
            v->chance[c] -= v->met[g] * log(v->whole[g][c]);
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

void latent_row_judge(const struct latent_classes *model, const struct latent_row *row,
                      int32_t without, struct latent_verdict *v)
{
    double log_chance[LATENT_CLASSES_MAX];
    count_met(model, row, v);
    judge_values(model, list_all_values(model, row, without, v), v, log_chance);
    for (int64_t c = 0; c < model->classes; c++)
        v->chance[c] = log(model->chance[c]) + log_chance[c];
    judge_meetings(model, row, v);
    v->log_likelihood = share_out(model->classes, v->chance);
}
