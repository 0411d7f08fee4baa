/**
 * The normal equations that a least squares fit solves: which parameters are kept, their units, and
 * how right-hand sides are solved for.
 *
 * Each kept column is scaled by a power of two to a diagonal near 1, on top of the scaling of the
 * design. A solution x of the system stands in these units; lsq_system_parameter brings it to those
 * of the design's columns times scaling->scale (of y too, if it is a solution for b).
 */
#ifndef REMISE_ALGORITHMS_LSQ_SYSTEM_H
#define REMISE_ALGORITHMS_LSQ_SYSTEM_H

#include "algorithms/cholesky.h"
#include "algorithms/design.h"
#include "algorithms/grid_factor.h"

enum lsq_solver {
    LSQ_CHOLESKY, /* of the replicated normal equations */
    LSQ_TRIANGLE, /* a replicated R with R'R = X'X */
    LSQ_GRID      /* a factor in pieces on the grid */
};

/* What is asked of the columns. Arrays are [parameters], not owned. */
struct lsq_columns {
    const int64_t *order;  /* in which it is settled what depends on what; NULL: by number */
    const double *penalty; /* times the square of its coefficient, in the units of the scaling, is
                              to be least too; > 0: the column is never dropped; NULL: none */
};

struct lsq_system {
    const struct design *design;   /* not owned */
    const struct scaling *scaling; /* not owned */
    int64_t kept;
    int64_t *parameter; /* [kept] number of the parameter at each place */
    int64_t *place;     /* [parameters] its inverse, -1 where dropped */
    double *unit;       /* [kept] powers of two */
    double *b;          /* [kept] */
    double *x;          /* [kept] solution */
    double *penalty;    /* [kept] added to the diagonal before units */
    double norm;        /* largest column sum of the scaled matrix */
    enum lsq_solver solver;
    struct cholesky factor;
    double *triangle; /* [kept][kept] column-major, upper */
    struct grid_factor grid;
    int digits; /* binary ones of a refined solution */
};

/**
 * Make the places of the kept columns; units are 1, b and x are 0. Local. Free with
 * lsq_system_clear.
 * design, scaling  in  must outlive the system
 * columns          in  NULL: by number, no penalty
 * dropped          in  [parameters]
 * Errors: ERR_MEMORY.
 */
enum status lsq_system_init(const struct design *design, const struct scaling *scaling,
                            const struct lsq_columns *columns, const bool *dropped,
                            struct lsq_system *s);
/** Free; accepts a zeroed struct. Collective over the grid of the factor. */
void lsq_system_clear(struct lsq_system *s);

/**
 * What a ridge, in the units of weights, of y and of the columns, adds to the diagonal at a column
 * other than the intercept, in the units of the scaling. Local.
 */
double lsq_system_penalty(const struct design *design, const struct scaling *scaling, double ridge,
                          int64_t parameter);

/** The unit of a column whose diagonal is `diagonal` > 0: a power of two. Local. */
double lsq_system_unit(double diagonal);

/**
 * What one unit of the parameter at a place is in x * scale; dense columns also carry a shift.
 * Local.
 */
double lsq_system_scale(const struct lsq_system *s, int64_t place);
/** The shift of the column at a place, 0 unless it is dense. Local. */
double lsq_system_shift(const struct lsq_system *s, int64_t place);

/**
 * The parameter at a place from a solution: one entry, or for the intercept 1 less the shifts of
 * all columns. Local.
 * x  in  [kept] at distance stride
 */
double lsq_system_parameter(const struct lsq_system *s, int64_t place, const double *x,
                            int64_t stride);

/** side[:] = the row that takes that parameter from a solution, as a right-hand side. Local. */
void lsq_system_side(const struct lsq_system *s, int64_t place, double *side, int64_t stride);

/**
 * Solve for right-hand sides by whatever factor the system has.
 *
 * Collective.
 * b  in   [kept][sides] row-major, the same on every rank
 * x  out  [kept][sides] on every rank
 * Same bits for any number of ranks.
 * Errors: those of cholesky_solve or, for a factor on the grid, of lsq_refine.
 */
enum status lsq_system_solve(const struct comm *comm, const struct lsq_system *s, const double *b,
                             int64_t sides, double *x);

/**
 * Solve for one right-hand side to the digits of the factor alone: of a triangle or on the grid,
 * where bits depend on the number of ranks. Collective; all else as lsq_system_solve.
 */
enum status lsq_system_step(const struct comm *comm, const struct lsq_system *s, const double *b,
                            double *x);

/** symmetric_inverse_norm of the system. Collective. */
enum status lsq_system_inverse_norm(const struct comm *comm, const struct lsq_system *s,
                                    double *norm);

#endif
