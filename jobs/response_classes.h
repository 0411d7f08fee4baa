/**
 * Kinds of users that no column names, by what they look at and what they were offered.
 *
 * The evidence on a user is how often each category was met in visits and in offers, and where the
 * policy of the past stands to the user in each category (jobs/response_policy.h). What came of
 * offers is no part of it: neither whether they were redeemed nor the purchases made by them, so
 * that an offer whose outcome is to be explained may stand among the evidence. Where the standing
 * in a category is kept back, class and standing are told by all the rest.
 * Without offers there are no classes: rows of a moment would need those of that moment.
 */
#ifndef REMISE_JOBS_RESPONSE_CLASSES_H
#define REMISE_JOBS_RESPONSE_CLASSES_H

#include "algorithms/dose.h"
#include "algorithms/latent_classes.h"
#include "io/dataset.h"
#include "jobs/response_policy.h"

enum { RESPONSE_CATEGORIES_MAX = 64 /* that count each by itself */ };

struct response_classes_source {
    const struct dataset *dataset; /* not owned, as all of this */
    const bool *personal;          /* [events_local] purchases that came of offers */
    struct response_policy *policy;
    const int32_t *category_column; /* [categories] 0 .. columns - 1; -1: not counted */
    int64_t columns;                /* at most RESPONSE_CATEGORIES_MAX */
};

struct response_classes {
    struct response_classes_source source;
    int64_t classes;              /* 0: none are told apart */
    struct latent_classes *model; /* NULL without classes */
    float *chance;                /* [users_local][classes] */
    float *standing;              /* [users_local][columns] expected in a category */
};

/**
 * Find the classes and say which each local user is of. Of standings in doubt the source's policy
 * then believes what the users' classes make likely. Collective. Free with response_classes_clear.
 * Memory: 4 (classes + columns) bytes per user; while it works 20 bytes for each category of a
 *         user, of about 40,000 users over all ranks.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status response_classes_make(const struct comm *comm,
                                  const struct response_classes_source *source,
                                  struct response_classes *classes);
/** Free; accepts a zeroed struct. Local. */
void response_classes_clear(struct response_classes *classes);

/** Columns of a row: one of each class, and the standing. Local. */
int64_t response_classes_columns(const struct response_classes *classes);

/** The shape of a local user's response, of the classes' or of one for all. Local. */
struct dose_shape response_classes_shape(const struct response_classes *classes,
                                         const struct dose_shapes *shapes, int64_t user);

/**
 * The chances of a user's classes, and the standing to be expected in a category. Local.
 * hide  in   the standing of the user's offers in the category is not to be used
 * x     out  [response_classes_columns]
 */
void response_classes_put(const struct response_classes *classes, int64_t user, int32_t category,
                          bool hide, float *x);

#endif
