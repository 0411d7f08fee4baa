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
        struct latent_value *value = &v->value[v->values++];
        value->subject = subject;
        value->first = (double)row->value[e];
        value->apart = (double)row->other[e] - (double)row->value[e];
        value->lean = (double)row->lean[e];
    }
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
    value->square[c] =
        (1.0 - other) * (beyond[0] * beyond[0] + of[0]) + other * (beyond[1] * beyond[1] + of[1]);
    v->level[c] = at[0] + other * apart;
    v->variance[c] = of[0] + other * ((1.0 - other) * apart * apart + of[1] - of[0]);
    return fmax(first, second) + log1p(exp(-fabs(first - second)));
}

static double judge_values(const struct latent_classes *model, int64_t c, struct latent_verdict *v)
{
    double log_chance = 0.0;
    v->level[c] = 0.0;
    v->variance[c] = model->between;
    for (int64_t g = 0; g < model->groups; g++) v->level[c] += model->level_by[g] * v->log_met[g];
    for (int64_t i = 0; i < v->values; i++) {
        struct latent_value *value = &v->value[i];
        double off = value->first - model->mean[value->subject * model->classes + c];
        value->other[c] = 0.0;
        log_chance += value->apart > 0.0
                          ? take_either(off, model->within, c, value, v)
                          : take_value(off, model->within, &v->level[c], &v->variance[c]);
        value->off[c] = off + value->other[c] * value->apart;
    }
    for (int64_t i = 0; i < v->values; i++) {
        struct latent_value *value = &v->value[i];
        value->off[c] -= v->level[c];
        if (!(value->apart > 0.0))
            value->square[c] = value->off[c] * value->off[c] + v->variance[c];
    }
    return log_chance;
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

/* Which value is of a subject; -1 none. */
static void index_values(const struct latent_classes *model, const struct latent_verdict *v,
                         int8_t *of_subject)
{
    for (int64_t s = 0; s < model->subjects; s++) of_subject[s] = -1;
    for (int64_t i = 0; i < v->values; i++) of_subject[v->value[i].subject] = (int8_t)i;
}

static void judge_meetings(const struct latent_classes *model, const struct latent_row *row,
                           struct latent_verdict *v)
{
    int8_t of_subject[LATENT_SUBJECTS_MAX];
    add_up(model, v);
    index_values(model, v, of_subject);
    for (int64_t e = 0; e < row->entries; e++) {
        int64_t j = row->item[e], g = j / model->subjects, i = of_subject[j % model->subjects];
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
    v->values = 0;
    count_met(model, row, v);
    list_values(model, row, without, false, v);
    list_values(model, row, without, true, v);
    for (int64_t c = 0; c < model->classes; c++)
        v->chance[c] = log(model->chance[c]) + judge_values(model, c, v);
    judge_meetings(model, row, v);
    v->log_likelihood = share_out(model->classes, v->chance);
}
