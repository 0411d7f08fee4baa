/**
 * Latent classes: kinds of people that no column names, told apart by what they do.
 *
 * Of each row (a user) it is known how often each item was met (looks and offers by category, say)
 * and, of some items, a value. Within a class the items of a group are a multinomial draw, and a
 * value is normal about the class's mean of the item plus a level of the row's own, so that rows
 * are told apart by the profile of their values and not by their height. latent_classes_fit finds
 * the classes by expectation maximisation (EM) from the most that are allowed, leaves them out one
 * by one, and keeps the number of the lowest ICL, which is BIC with twice the entropy of the rows'
 * chances on top, so that no class is cut in two that only look a little apart. One class says that
 * there are none.
 * latent_classes_of says which class a row is of, as chances.
 */
#ifndef REMISE_ALGORITHMS_LATENT_CLASSES_H
#define REMISE_ALGORITHMS_LATENT_CLASSES_H

#include "partition/blocks.h"

enum { LATENT_CLASSES_MAX = 16, LATENT_GROUPS_MAX = 4 };

/* What is known of one row; borrowed. */
struct latent_row {
    int64_t entries;
    const int32_t *item;               /* [entries] each at most once */
    const float *count;                /* [entries] >= 0 */
    const float *value, *value_weight; /* [entries] precision of the value; 0: there is none */
};

/* Of all rows; arrays are borrowed. */
struct latent_evidence {
    const struct blocks *blocks;
    int64_t items;
    const int32_t *group;              /* [items] 0 .. LATENT_GROUPS_MAX - 1 */
    const int64_t *start;              /* [rows_local + 1] first entry of each row */
    const int32_t *item;               /* [start[rows_local]] of entries, as in a latent_row */
    const float *count;                /* likewise */
    const float *value, *value_weight; /* likewise */
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
    int64_t classes, items;
    int32_t *group;         /* [items] */
    double *chance;         /* [classes] sum 1 */
    double *share;          /* [items][classes] sum 1 over the items of a group; above 0 */
    double *log_share;      /* [items][classes] */
    double *mean;           /* [items][classes] of values, without the row's level */
    double within, between; /* variances of a value of weight 1, and of levels */
    int64_t rows;           /* of the fit, over all ranks */
    double log_likelihood;  /* of all rows, but for what no class can change */
    double icl;
};

/* What a row's entries say of it. */
struct latent_posterior {
    double chance[LATENT_CLASSES_MAX]; /* [classes] sum 1 */
    double level; /* expected: the value of an item is sum over c of chance[c] mean[item][c], more
                     by this */
};

/**
 * Find the classes.
 *
 * Collective: every rank calls it and every rank gets the same status.
 * evidence  in   rows_local may be 0 on a rank
 * opt       in   same values on every rank
 * model     out  new; the caller frees it with latent_classes_free; NULL unless OK
 * Cost:  about opt->classes x max_iterations passes of entries x classes steps, each with a
 *        reduction of 48 items x classes bytes; a k-means clustering for each start.
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
 * without  in   an item whose entry is not to be used, as if it had never been looked at; -1 none
 */
void latent_classes_of(const struct latent_classes *model, const struct latent_row *row,
                       int32_t without, struct latent_posterior *posterior);

/** The entries of a local row. Local. */
struct latent_row latent_row_at(const struct latent_evidence *evidence, int64_t row);

/** A model with space for its parameters and no fit yet. Local. Errors: ERR_MEMORY. */
enum status latent_classes_new(int64_t classes, int64_t items, const int32_t *group,
                               struct latent_classes **model);

/** Free and null; accepts NULL inside. Local. */
void latent_classes_free(struct latent_classes **model);

#endif
