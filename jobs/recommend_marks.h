/**
 * Measures of rankings, added up over judged users: means, their standard errors, and how far
 * scorers are apart on the same users.
 */
#ifndef REMISE_JOBS_RECOMMEND_MARKS_H
#define REMISE_JOBS_RECOMMEND_MARKS_H

#include "algorithms/ranking.h"
#include "mpi/exact.h"

/* Beside those of enum ranking_measure. */
enum { MARK_NOVELTY = RANKING_MEASURES, MARKS_OF_USERS, MARK_COVERAGE = MARKS_OF_USERS, MARKS };

/* Rankings of all products, and of those that the user has not bought before. */
enum marks_mode { MARKS_ALL, MARKS_NEW, MARKS_MODES };

enum { MARKS_ENTRIES = 9 };

extern const char *const marks_names[MARKS];

/* What came out for one scorer; NaN where there is nothing to judge by. */
struct marks {
    double mean[MARKS], error[MARKS];
};

struct marks_result {
    int64_t users[MARKS_MODES]; /* judged, over all ranks */
    struct marks of[MARKS_MODES][MARKS_ENTRIES];
    /* mean and standard error of the NDCG of one scorer less that of another */
    struct {
        double mean, error;
    } gap[MARKS_MODES][MARKS_ENTRIES][MARKS_ENTRIES];
};

/* Sums of one judgement, or of several that belong together (folds). */
struct marks_sums {
    int64_t entries, products, offerable, best;
    int64_t users[MARKS_MODES], ranked[MARKS_MODES]; /* this rank's; those with an AUC */
    struct exact_sums sums;
    const float *surprise; /* [products] not owned; self-information in bits */
    int64_t *recommended;  /* [modes][entries][products] times, this part's */
    int32_t *list;         /* [modes][entries][room][best] */
    int64_t held[MARKS_MODES], room;
    int64_t parts;                                      /* ended */
    double coverage[MARKS_MODES][MARKS_ENTRIES];        /* sums over parts */
    double coverage_square[MARKS_MODES][MARKS_ENTRIES]; /* of squared errors */
};

/** Make empty sums. Local. Free with marks_sums_clear. offerable: products that are ranked. */
enum status marks_sums_open(int64_t entries, int64_t products, int64_t offerable, int64_t best,
                            struct marks_sums *sums);
/** Free; accepts a zeroed struct. Local. */
void marks_sums_clear(struct marks_sums *sums);

/** Begin a part with up to so many local users. Local. surprise is borrowed until its end. */
enum status marks_begin(struct marks_sums *sums, int64_t users, const float *surprise);

/**
 * Judge one user's rankings by all entries.
 * Local. panel  in  [entries] panels of the user
 */
void marks_add(struct marks_sums *sums, enum marks_mode mode, const float *const *panel,
               const int32_t *wanted, int64_t count);

/** End a part: which products were recommended. Collective. */
void marks_end(const struct comm *comm, struct marks_sums *sums);

/**
 * Means and standard errors.
 * Collective. Those of coverage are by the jackknife over users.
 * Same bytes for any number of ranks. Errors: ERR_NUMERIC.
 */
enum status marks_finish(const struct comm *comm, struct marks_sums *sums,
                         struct marks_result *result);

#endif
