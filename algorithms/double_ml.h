/**
 * Double machine learning: the effect of a treatment, such as a price, on an outcome, where what
 * drives both is in the table.
 *
 * double_ml_fit predicts outcome and treatment from the controls, every row by models that did not
 * see its fold, and keeps what is left of both. On these residuals the effect is a simple
 * regression: constant, by group (double_ml_groups), or linear in columns (double_ml_terms). An
 * error of one prediction alone does not move the estimate, only the product of both errors does.
 *
 * A prediction is a weighted sum of learners: least squares, and unless only that is wanted least
 * squares of lines that bend, the same with products of two controls, a forest, one of few
 * questions a tree, trees of one question boosted on what lines leave, and of three on what the
 * richest lines leave. Weights are those that predict best out of fold, none negative, so straight
 * lines, curves, steps and interactions are taken out without anybody choosing.
 */
#ifndef REMISE_ALGORITHMS_DOUBLE_ML_H
#define REMISE_ALGORITHMS_DOUBLE_ML_H

#include "algorithms/rows.h"

#include <stdbool.h>

enum {
    DOUBLE_ML_FOLDS_MAX = 100,
    DOUBLE_ML_GROUPS_MAX = 4096,
    DOUBLE_ML_TERMS_MAX = 256,
    DOUBLE_ML_LEVELS_MAX = 1000 /* of a category for least squares */
};

/* What stands by whom in weights. */
enum double_ml_learner {
    LEARNER_LINE,
    LEARNER_BENT,
    LEARNER_PRODUCTS,
    LEARNER_FOREST,
    LEARNER_SHALLOW,
    LEARNER_STEPS,
    LEARNER_BOOST,
    DOUBLE_ML_LEARNERS
};

/* Nothing is owned; rows that are skipped may hold anything. */
struct double_ml_data {
    struct rows controls;    /* numbers, NaN where missing; a category as its level, from 0 up */
    const int64_t *levels;   /* [columns] of a category, 0 of numbers; NULL: all are numbers */
    const double *outcome;   /* [rows_local] finite */
    const double *treatment; /* [rows_local] finite */
    const int64_t *cluster;  /* [rows_local] key of the cluster, such as the user; rows of one are
                                in one fold and may be dependent; NULL: rows are independent */
    const uint8_t *skip;     /* [rows_local] rows to leave out are not 0; NULL: none */
};

struct double_ml_options {
    bool forest; /* otherwise least squares alone */
    int64_t folds;
    int64_t trees, depth, min_rows; /* of forests, as in algorithms/forest.h */
    int64_t boosted;                /* small trees, at most: as many as predict best out of fold */
    uint64_t seed;                  /* of folds and forests */
};

#define DOUBLE_ML_DEFAULTS                                                                     \
    {                                                                                          \
        .forest = true, .folds = 5, .trees = 100, .depth = 10, .min_rows = 10, .boosted = 400, \
        .seed = 1                                                                              \
    }

struct double_ml_estimate {
    double estimate;  /* NaN where the treatment does not vary */
    double std_error; /* sandwich, by cluster where there are any; NaN with a single cluster, or
                         less than three rows */
    int64_t rows;
    double left; /* share of the treatment's variance that controls do not explain */
};

/* How well one of the two is predicted out of fold. */
struct double_ml_nuisance {
    double r_squared;
    double weight[DOUBLE_ML_LEARNERS];
};

struct double_ml {
    const struct blocks *blocks; /* not owned */
    const int64_t *cluster;      /* not owned */
    double *outcome;             /* [rows_local] what is left, in outcome_unit; 0 where skipped */
    double *treatment;           /* [rows_local] the same, in treatment_unit */
    double *treatment_seen;      /* [rows_local] less its mean, in treatment_unit */
    double *weight;              /* [rows_local] 1, or 0 where skipped */
    bool *explained;             /* [controls] by those before it: it adds nothing to straight
                                    lines */
    double outcome_unit, treatment_unit; /* powers of two */
    int64_t rows, clusters;              /* used; clusters 0 where rows are independent */
    struct double_ml_estimate naive;     /* outcome on treatment, no controls */
    struct double_ml_estimate effect;    /* constant */
    struct double_ml_nuisance of_outcome, of_treatment;
    double effective_rows;          /* (sum t^2)^2 / sum t^4 of what is left of the treatment */
    double robustness;              /* share of what is left of both that an unseen confounder must
                                       explain to bring the effect to 0 */
    double robustness_significance; /* the same, to bring 0 into the 95 % interval */
};

/**
 * Residuals out of fold, and the constant effect.
 *
 * Collective.
 * opt  in   same values on every rank
 * ml   out  new; the caller frees it with double_ml_free; NULL unless OK. Borrows blocks and
 *           cluster of data.
 * Cost: 2 folds fits of least squares, three times, of a forest, and of two rows of boosted trees.
 *       Trees grow from about 100,000 rows, drawn anew for every few, where there are more.
 * Memory: 13 bytes for each control and 150 for each row, up to 64 for each control where rows are
 *         few, at most 1 GiB over all ranks; and what a forest takes.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG an option is out of range; ERR_DATA too few rows or clusters for the folds, a
 *         constant outcome or treatment, or one that the controls explain wholly; ERR_NUMERIC a
 *         value is not finite; ERR_MEMORY.
 * Source: Robinson 1988, Econometrica 56(4); Chernozhukov et al. 2018, Econometrics Journal 21(1);
 *         Nie and Wager 2021, Biometrika 108(2); weights: Ahrens et al. 2024 (short-stacking);
 *         robustness: Cinelli and Hazlett 2020, JRSS B 82(1).
 */
enum status double_ml_fit(const struct comm *comm, const struct double_ml_data *data,
                          const struct double_ml_options *opt, struct double_ml **ml);
/** Free and null; accepts NULL inside. Local. */
void double_ml_free(struct double_ml **ml);

/**
 * The effect in each group: outcome on treatment, both about their means in the group.
 *
 * Collective. May be called as often as wanted on one fit.
 * group     in   [rows_local] 0 .. groups - 1, or -1 for none
 * estimate  out  [groups]
 * average   out  mean of the groups' effects, weighted by their rows; groups without an estimate
 *                are left out. NULL: not wanted. Its std_error is NaN where there are clusters and
 *                more than 64 groups.
 * Cost: that of least_squares_fit with a sparse column for each group.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG groups beyond DOUBLE_ML_GROUPS_MAX; ERR_MEMORY.
 */
enum status double_ml_groups(const struct comm *comm, const struct double_ml *ml, int64_t groups,
                             const int32_t *group, struct double_ml_estimate *estimate,
                             struct double_ml_estimate *average);

/* An effect that is linear in columns: effect(row) = sum of coefficient[k] term[row][k]. */
struct double_ml_terms {
    int64_t terms;
    double *coefficient; /* [terms] NaN for one that earlier ones explain */
    double *covariance;  /* [terms][terms] sandwich; NaN there, too */
};

/**
 * Fit an effect that is linear in columns.
 *
 * Collective.
 * term  in   [rows_local][terms] finite where not skipped; a constant is a column of 1
 * out   out  free with double_ml_terms_clear, also on failure
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG terms beyond DOUBLE_ML_TERMS_MAX; those of least_squares_fit.
 */
enum status double_ml_terms(const struct comm *comm, const struct double_ml *ml, int64_t terms,
                            const double *term, struct double_ml_terms *out);
/** Free; accepts a zeroed struct. Local. */
void double_ml_terms_clear(struct double_ml_terms *terms);

#endif
