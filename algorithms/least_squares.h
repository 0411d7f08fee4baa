/**
 * Distributed linear least squares with standard errors: dense columns, one-hot effects, weights,
 * eliminated groups.
 *
 * There are four ways to a solution, chosen by size and condition (algorithms/lsq_path.h), and the
 * fit says which and why. What ScaLAPACK factors has other last bits on another grid, so that no
 * solution is published as it comes: normal equations are exact sums, of which solutions are
 * refined far beyond a double (algorithms/cholesky.h); the other paths refine against the rows
 * themselves (algorithms/lsq_refine.h) and round coefficients to 44 binary digits of the largest
 * (in units of the scaled columns) on the grid, to 24 .. 60 by condition with triangles. Columns
 * are dropped where earlier ones explain all but 1e-10 of their squares (normal equations), 1e-8
 * (these in pieces) or 1e-18 (R): factors of any grid agree there to many digits.
 *
 * Parameters are numbered intercept, dense, sparse (algorithms/design.h). A column that depends on
 * earlier ones is dropped and said so, never silently kept.
 */
#ifndef REMISE_ALGORITHMS_LEAST_SQUARES_H
#define REMISE_ALGORITHMS_LEAST_SQUARES_H

#include "algorithms/absorb.h"

/** How a model is solved. */
enum least_squares_path {
    LEAST_SQUARES_CHOOSE,    /* by size and condition */
    LEAST_SQUARES_GRAM,      /* replicated normal equations (algorithms/lsq_gram.h) */
    LEAST_SQUARES_TRIANGLES, /* QR of blocks (algorithms/lsq_narrow.h) */
    LEAST_SQUARES_GRID,      /* normal equations in pieces (algorithms/lsq_sparse.h) */
    LEAST_SQUARES_ROWS       /* PDGELS on the rows (algorithms/lsq_wide.h) */
};

/** Name of a path for a log; a constant. Local. */
const char *least_squares_path_text(enum least_squares_path path);

/* On the last two paths each standard error costs passes over the rows: where more are wanted,
 * those of sparse columns stay NaN, and the others, too, where even they are more. */
enum { LEAST_SQUARES_GRID_ERRORS = 64 };

/** What standard errors allow for. */
enum least_squares_errors {
    ERRORS_CLASSICAL, /* independent errors of one variance */
    ERRORS_HC1, /* independent errors of any variances (White 1980, MacKinnon and White 1985) */
    ERRORS_CLUSTERED /* errors that depend on each other within clusters (Liang and Zeger 1986) */
};

struct least_squares_options {
    bool all_errors; /* standard errors of all parameters; otherwise only of those in `wanted` */
    const int64_t *wanted; /* [wanted_count] distinct parameter numbers; not owned */
    int64_t wanted_count;
    bool covariance; /* keep the covariance of the wanted parameters */
    bool condition;  /* estimate the condition */
    enum least_squares_path path;
    double tolerance;    /* a column is dropped if earlier ones explain all but this part of its
                         variance; at least LSQ_GRAM_TOLERANCE but for triangles */
    int64_t columns_max; /* columns, absorbed levels among them, that stand in the normal equations
                            (at most DESIGN_REPLICATED_MAX);
                            where there are more, absorbed effects are projected out */
    double absorb_tolerance; /* what they still explain of a column then, as part of its standard
                                deviation */
    double ridge; /* > 0: add so many times the squares of all coefficients but the intercept and
                     absorbed effects to what is to be least; then there are no errors */
    enum least_squares_errors errors;
    const int64_t *cluster; /* [rows_local] key of each row's cluster; for ERRORS_CLUSTERED */
    int64_t nested_levels;  /* absorbed levels that lie within clusters, but for one of each effect:
                               not counted as estimated in the factor of clustered errors */
    bool residuals;         /* keep the residuals */
    bool score; /* residuals and errors as if all coefficients but a constant were 0 (Rao) */
    /* So many dense columns from that one on have a part that counts only when residuals are taken:
     * in two-stage least squares the first stage's residuals. */
    int64_t late_first, late_count;
    const double *late; /* [rows_local][late_count] */
};

#define LEAST_SQUARES_DEFAULTS                                          \
    {                                                                   \
        .all_errors = true, .condition = true, .tolerance = 1e-18,      \
        .columns_max = DESIGN_REPLICATED_MAX, .absorb_tolerance = 1e-12 \
    }

struct least_squares {
    int64_t parameters;
    double *coefficient; /* [parameters] 0 for a dropped one */
    /* [parameters] NaN where dropped, not wanted, or without degrees of freedom */
    double *std_error;
    bool *dropped;        /* [parameters] */
    int64_t wanted_count; /* all parameters, or options.wanted_count */
    double *covariance;   /* [wanted_count][wanted_count] NaN where dropped; NULL unless wanted */
    int64_t rows;         /* of positive weight */
    int64_t rank;         /* columns not dropped, absorbed levels among them if they are columns */
    int64_t groups;       /* eliminated */
    int64_t levels;       /* independent absorbed ones that were projected out */
    int64_t freedom;      /* rows - rank - groups - levels */
    enum least_squares_path path;
    const char *why; /* it was chosen; a constant */
    enum absorb_way absorbed;
    int64_t iterations; /* of the projection */
    bool converged;     /* it reached its tolerance; true where nothing was projected */
    double reached;     /* what effects still explain of the worst column, as absorb_tolerance */
    double residual_square; /* weighted sum, in the units of y */
    double total_square;    /* of y, about its mean if a constant, groups or effects are there */
    double variance;        /* residual_square / freedom; NaN if freedom < 1 */
    double r_squared;       /* 1 - residual_square / total_square; NaN if y is constant */
    double correction; /* the factor of errors for small samples: rows / freedom, or with G clusters
                          G / (G - 1) (rows - 1) / (rows - estimated); NaN where there are none */
    int64_t clusters;  /* with a row of positive weight; 0 unless errors are clustered */
    double *residual;  /* [rows_local] 0 without weight; NULL unless wanted; free of absorbed
                          effects and groups */
    double condition;  /* of the kept columns, shifted and scaled to unit norm; NaN unless wanted */
};

/**
 * Fit a linear model.
 *
 * Collective.
 * options  in   same values on every rank
 * fit      out  new; the caller frees it with least_squares_free; NULL unless OK
 * Standard errors are the roots of the diagonal of variance * (X'WX)^-1 for classical ones, else of
 * correction * (X'WX)^-1 M (X'WX)^-1 with M of algorithms/sandwich.h. Weights are analytic: one of
 * 2 means half the variance, and one row. Two clusters are the least.
 * Cost: four passes over the rows, rows * dense^2 flops, parameters^3 / 3 flops on the grid, memory
 *       of about 40 parameters^2 bytes a rank.
 * Same bits for any number of ranks.
 * Errors: those of scaling_measure; ERR_NUMERIC columns too nearly dependent to solve; ERR_MEMORY.
 */
enum status least_squares_fit(const struct comm *comm, const struct design *design,
                              const struct least_squares_options *options,
                              struct least_squares **fit);
/** Free and null; accepts NULL inside. Local. */
void least_squares_free(struct least_squares **fit);

#endif
