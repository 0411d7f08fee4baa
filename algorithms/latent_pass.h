/**
 * One pass of EM over the rows of latent classes: chances by the model as it is, and the sums that
 * a better one is made from.
 */
#ifndef REMISE_ALGORITHMS_LATENT_PASS_H
#define REMISE_ALGORITHMS_LATENT_PASS_H

#include "algorithms/latent_classes.h"
#include "mpi/exact.h"

/* Sums over the rows; arrays of items and subjects have a column for each class. */
struct latent_sums {
    double log_likelihood;
    double entropy;                    /* of the rows' chances */
    double squares, values;            /* of what values are off, and their number */
    double chance[LATENT_CLASSES_MAX]; /* rows of each class */
    double missed[LATENT_CLASSES_MAX]; /* log-likelihood lost if it were not there, at least */
    double levels, level_squares;      /* rows with values, and squares of their levels */
    /* of these: logs of meetings less what is usual, products of these, and with the level */
    double met[LATENT_GROUPS_MAX], met_met[LATENT_GROUPS_MAX][LATENT_GROUPS_MAX],
        met_level[LATENT_GROUPS_MAX];
    /* derivatives of the log-likelihood by the tilt, the second with its sign turned */
    double tilt_rise[LATENT_GROUPS_MAX], tilt_bend[LATENT_GROUPS_MAX];
    double *count, *exposure; /* of items: times met, and times to be met were all shares 1 */
    double *value, *weight;   /* of subjects: values less levels, and their number */
};

struct latent_pass {
    const struct latent_evidence *evidence; /* not owned */
    struct exact_sums exact;
    double *room; /* [2][numbers] of a block and of all */
};

/** Make and free room for models of so many classes. Local. Errors: ERR_MEMORY. */
enum status latent_pass_init(const struct latent_evidence *evidence, int64_t classes,
                             struct latent_pass *pass);
/** Free; accepts a zeroed struct. Local. */
void latent_pass_clear(struct latent_pass *pass);

/**
 * Pass over the rows. Collective; same bits for any number of ranks.
 * sums  out  its arrays lie in the pass, until the next one
 * Errors: ERR_NUMERIC a number of a row is not finite.
 */
enum status latent_pass_run(const struct comm *comm, const struct latent_classes *model,
                            struct latent_pass *pass, struct latent_sums *sums);

#endif
