/**
 * What a model of latent classes says of one row.
 */
#ifndef REMISE_ALGORITHMS_LATENT_ROW_H
#define REMISE_ALGORITHMS_LATENT_ROW_H

#include "algorithms/latent_classes.h"

/* A subject with a value. */
struct latent_value {
    int32_t subject;
    double first, apart, lean; /* the value or, where apart is above 0, that or one so far above */
    double other[LATENT_CLASSES_MAX];                           /* chance of that */
    double off[LATENT_CLASSES_MAX], square[LATENT_CLASSES_MAX]; /* beyond mean and level, expected,
                                                                   and its square */
    double tilted[LATENT_GROUPS_MAX][LATENT_CLASSES_MAX];       /* exp(tilt off) */
};

struct latent_verdict {
    double log_likelihood;
    double chance[LATENT_CLASSES_MAX];
    double level[LATENT_CLASSES_MAX], variance[LATENT_CLASSES_MAX];
    double met[LATENT_GROUPS_MAX];                       /* items of each group */
    double log_met[LATENT_GROUPS_MAX];                   /* log(1 + met) less what is usual */
    double whole[LATENT_GROUPS_MAX][LATENT_CLASSES_MAX]; /* what tilted shares add up to */
    int8_t value_of[LATENT_SUBJECTS_MAX]; /* [subjects] which value is of it; -1 none */
    int64_t values;
    struct latent_value value[LATENT_SUBJECTS_MAX]; /* those without another first */
};

/**
 * Judge a row. Local.
 * without  in   as in latent_classes_of
 * verdict  out  some 40 kB, only what it says is used is written
 * Cost: entries x classes flops, and groups x values x classes exponentials.
 */
void latent_row_judge(const struct latent_classes *model, const struct latent_row *row,
                      int32_t without, struct latent_verdict *verdict);

#endif
