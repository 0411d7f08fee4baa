/**
 * Least squares on the levels of effects alone: what each level adds to a column, all effects
 * together.
 *
 * Its normal equations are sparse: a diagonal of the levels' weights, and for two levels of
 * different effects the weight of the rows that have both. They are solved by conjugate gradients
 * preconditioned by the diagonal, which is alternating projection of all effects at once, each step
 * the best one in the space of all before. A level's row of the matrix lies on the rank that owns
 * the level, in the order of global rows, so that every product has the same bits on any rank.
 * Where that has not settled soon, levels hang together badly: then a better preconditioner
 * takes over (algorithms/levels_core.h).
 */
#ifndef REMISE_ALGORITHMS_LEVELS_H
#define REMISE_ALGORITHMS_LEVELS_H

#include "algorithms/design.h"

enum {
    LEVELS_COLUMNS = 8,
    LEVELS_BLOCK = 1024,
    LEVELS_EASY_STEPS = 60 /* enough, if the diagonal is, for a tolerance of 1e-12 */
};

#define LEVELS_PAIRS_MAX ((int64_t)1 << 24) /* that a rank may hold all of */

struct levels_core;

struct levels {
    int64_t effects;
    int64_t total;            /* levels of all effects */
    int64_t *first;           /* [effects + 1] number of each effect's first level */
    struct blocks own;        /* levels whose rows of the matrix lie here */
    double *weight;           /* [total] of the rows of each level, on every rank; 0: it has none */
    int64_t *start;           /* [own.rows_local + 1] */
    int32_t *column;          /* [entries] levels met together with it, ascending */
    double *value;            /* [entries] weight of the rows in common */
    int64_t pairs;            /* of levels met together, over all ranks */
    struct levels_core *core; /* NULL until a column needs it */
};

/**
 * Build the normal equations of a design's effects.
 *
 * Collective.
 * weight_scale  in   power of two that brings weights near 1
 * levels        out  free with levels_clear
 * Cost: one exchange of 16 bytes for every row and pair of effects; one reduction of 16 bytes a
 *       level.
 * Memory: about 40 bytes for every row and pair of effects.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY; ERR_NUMERIC a weight out of range.
 */
enum status levels_make(const struct comm *comm, const struct design *design, double weight_scale,
                        struct levels *levels);
/** Free; accepts a zeroed struct. Local. */
void levels_clear(struct levels *levels);

/* How a solution went. */
struct levels_solution {
    int64_t iterations;
    bool converged;
    double reached; /* the tolerance it would have converged to */
};

/**
 * Solve for LEVELS_COLUMNS columns at once.
 *
 * Collective.
 * side       in   [total][LEVELS_COLUMNS] weighted sums of the columns' values over each level's
 *                 rows, the same on every rank
 * square     in   [LEVELS_COLUMNS] what a rest is compared with
 * tolerance  in   a column is done when the squared means of its rests, weighted over the levels,
 *                 are at most tolerance^2 * square
 * x          out  [total][LEVELS_COLUMNS] what each level adds; 0 for levels without rows
 * Cost: for each iteration 16 flops an entry, two reductions of 16 (LEVELS_COLUMNS + 1) bytes and
 *       one of 8 total LEVELS_COLUMNS; after LEVELS_EASY_STEPS of them, where there are at most
 *       LEVELS_PAIRS_MAX pairs, that of levels_core_make once and of levels_core_solve.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY; ERR_NUMERIC a sum out of range. Not to converge within max_iterations is
 *         none: see solution.
 */
enum status levels_solve(const struct comm *comm, struct levels *levels, const double *side,
                         const double *square, double tolerance, int64_t max_iterations, double *x,
                         struct levels_solution *solution);

/**
 * Number of independent levels: for two effects all less one for each component of the graph that
 * joins levels met together; a further effect counts less the most components it forms with any
 * one before it, which is exact for nested effects and otherwise an upper bound.
 *
 * Collective.
 * Cost: for each pair of effects a pass over the rows, and about three reductions of 8 bytes a
 *       level.
 * Errors: ERR_MEMORY.
 * Source: Abowd, Creecy and Kramarz 2002, LEHD technical paper; Correia 2017 (pairs).
 */
enum status levels_rank(const struct comm *comm, const struct levels *levels,
                        const struct design *design, int64_t *rank);

#endif
