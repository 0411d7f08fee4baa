/**
 * Latent classes: kinds of people that no column names, told apart by what they do.
 *
 * Of each row (a user) it is known how often each subject was met, in several ways (looks and
 * offers by category, say), and what the row thinks of some subjects: a value, or two one of which
 * it is. A way is a group of items, one for each subject. Within a class
 *
 *     value of a subject = mean of class and subject + level of the row + noise
 *     level = sum over groups g of level_by[g] (log(1 + items met) - usual[g]) + noise
 *     items of a group ~ multinomial, shares of class and item times exp(tilt[g] off)
 *
 * where off is what the value of the subject is beyond its mean and the level, 0 where there is no
 * value: who thinks more of something than his class does meets it more often, and that tells no
 * more of the class. Which of two values it is is told by class and level, subject after subject.
 *
 * latent_classes_fit finds the classes by expectation maximisation (EM) from the most that are
 * allowed, leaves them out one by one, and keeps the number of the lowest ICL, which is BIC with
 * twice the entropy of the rows' chances on top, so that no class is cut in two that only look a
 * little apart. One class says that there are none.
 * latent_classes_of says which class a row is of, as chances.
 */
#ifndef REMISE_ALGORITHMS_LATENT_CLASSES_H
#define REMISE_ALGORITHMS_LATENT_CLASSES_H

#include "partition/blocks.h"

#include <math.h>

enum { LATENT_CLASSES_MAX = 16, LATENT_GROUPS_MAX = 2, LATENT_SUBJECTS_MAX = 64 };

/* What is known of one row; borrowed. */
struct latent_row {
    int64_t entries;
    const int32_t *item;        /* [entries] group x subjects + subject, rising */
    const float *count;         /* [entries] >= 0 */
    const float *value, *other; /* [entries] equal: it is this value; NAN: there is none, or it
                                   stands with another entry of the subject; other is not below */
    const float *lean;          /* [entries] log of how much likelier the other is, but for what
                                   class and level tell */
};

/* Of all rows; arrays are borrowed. */
struct latent_evidence {
    const struct blocks *blocks;
    int64_t groups, subjects; /* at most LATENT_GROUPS_MAX, LATENT_SUBJECTS_MAX */
    const int64_t *start;     /* [rows_local + 1] first entry of each row */
    const int32_t *item;      /* [start[rows_local]] of entries, as in a latent_row */
    const float *count;       /* likewise, as the rest */
    const float *value, *other, *lean;
};

struct latent_options {
    int64_t classes;        /* at most so many; 1 .. LATENT_CLASSES_MAX */
    int64_t starts;         /* random starts, the likeliest of which is kept */
    uint64_t seed;          /* of these */
    int64_t max_iterations; /* for each number of classes */
    double tolerance;       /* stop when an iteration gains no more log-likelihood per row */
};

#define LATENT_OPTIONS_DEFAULTS                                                       \
    {                                                                                 \
        .classes = 8, .starts = 2, .seed = 1, .max_iterations = 60, .tolerance = 1e-4 \
    }

struct latent_classes {
    int64_t classes, groups, subjects, items; /* items = groups x subjects */
    double *chance;                           /* [classes] sum 1 */
    double *share;     /* [items][classes] sum 1 over the items of a group; above 0 */
    double *log_share; /* [items][classes] */
    double *mean;      /* [subjects][classes] of values, without the row's level */
    double tilt[LATENT_GROUPS_MAX];
    double level_by[LATENT_GROUPS_MAX], usual[LATENT_GROUPS_MAX];
    double within, between; /* variances of the noise of values, and of levels */
    int64_t rows;           /* of the fit, over all ranks */
    double log_likelihood;  /* of all rows, but for what no class can change */
    double icl;
};

/* What a row's entries say of it. */
struct latent_posterior {
    double chance[LATENT_CLASSES_MAX]; /* [classes] sum 1 */
    double value[LATENT_SUBJECTS_MAX]; /* [subjects] expected, by meetings where there is none */
};

/**
 * Find the classes.
 *
 * Collective: every rank calls it and every rank gets the same status.
 * evidence  in   rows_local may be 0 on a rank
 * opt       in   same values on every rank
 * model     out  new; the caller frees it with latent_classes_free; NULL unless OK
 * Cost:  about opt->classes x max_iterations passes of entries x classes steps, each value with
 *        groups x 10 ns, each pass with a reduction of 64 items x classes bytes; a k-means
 *        clustering for each start.
 * Memory: 8 bytes per row and item while it starts.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG an option out of range, or no rows; ERR_NUMERIC an entry is not finite;
 *         ERR_MEMORY.
 * Source: Dempster, Laird and Rubin 1977, JRSS B 39(1); Biernacki, Celeux and Govaert
 *         2000, IEEE Trans. PAMI 22(7) (ICL).
 */
enum status latent_classes_fit(const struct comm *comm, const struct latent_evidence *evidence,
                               const struct latent_options *opt, struct latent_classes **model);

/**
 * Which class a row is of. Local.
 * without  in   a subject whose value is not to be used; -1 none
 * other    out  [subjects] chance that the value is the other one, 0 where there is none; or NULL
 */
void latent_classes_of(const struct latent_classes *model, const struct latent_row *row,
                       int32_t without, struct latent_posterior *posterior, double *other);

/** Whether the value of an entry is one of two. Local. */
static inline bool latent_row_doubts(const struct latent_row *row, int64_t e)
{
    return islessgreater(row->value[e], row->other[e]);
}

/** The entries of a local row. Local. */
struct latent_row latent_row_at(const struct latent_evidence *evidence, int64_t row);

/** A model with space for its parameters and no fit yet. Local. Errors: ERR_MEMORY. */
enum status latent_classes_new(int64_t classes, int64_t groups, int64_t subjects,
                               struct latent_classes **model);

/** What all classes have in common, from a model of as many groups. Local. */
void latent_classes_share(const struct latent_classes *from, struct latent_classes *to);

/** Free and null; accepts NULL inside. Local. */
void latent_classes_free(struct latent_classes **model);

#endif
