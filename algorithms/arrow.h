/**
 * Symmetric matrices shaped like an arrow: many slopes that meet only a tail of a few columns,
 * never one another.
 *
 *     [ diag(head)  side ]
 *     [ side'       tail ]
 */
#ifndef REMISE_ALGORITHMS_ARROW_H
#define REMISE_ALGORITHMS_ARROW_H

#include "mpi/exact.h"

struct arrow {
    int64_t heads, tails;
    double *head; /* [heads] */
    double *side; /* [heads][tails] */
    double *tail; /* [tails][tails] */
    /* To be dropped in any case; the caller's to set: */
    bool *forced;      /* [heads] */
    bool *tail_forced; /* [tails] */
    /* After arrow_factor: */
    bool *head_out; /* [heads] dropped */
    bool *tail_out; /* [tails] dropped */
    double *factor; /* [tails][tails] upper Cholesky factor of the tail less what heads explain */
};

/** Make a zero matrix. Local. Free with arrow_free. Errors: ERR_MEMORY. */
enum status arrow_new(int64_t heads, int64_t tails, struct arrow **arrow);
/** Free and null; accepts NULL inside. Local. */
void arrow_free(struct arrow **arrow);

/** All values to 0. Local. */
void arrow_reset(struct arrow *arrow);

/** Numbers that an arrow takes in exact sums: heads, sides, tail. Local. */
int64_t arrow_width(const struct arrow *arrow);

/**
 * Add an arrow to exact sums from `first` on, heads and sides only where used; then set these, and
 * the tail, to 0. Local.
 * used  inout  [heads] false afterwards
 */
void arrow_flush(struct arrow *arrow, bool *used, struct exact_sums *sums, int64_t first);

/** Take an arrow from exact sums. Local. */
void arrow_load(struct arrow *arrow, const struct exact_sums *sums, int64_t first);

/**
 * Drop what cannot be told, and factor the rest.
 *
 * Local; the same on every rank for the same values.
 * A head is dropped if it is 0 or the tail explains all but 1e-8 of it, and so are heads of which
 * only differences can be told; a tail column if heads and earlier columns explain all but 1e-10.
 * left  out  [heads] what the tail does not explain of each head, 0 where dropped; NULL to skip
 * Cost: heads tails^2 flops; heads^3 / 3 more where heads depend on one another.
 * Errors: ERR_MEMORY.
 */
enum status arrow_factor(struct arrow *arrow, double *left);

/**
 * Force out the tail columns from `first` on that the heads left by arrow_factor and the columns
 * before explain but for 1e-6: in a tie these columns go, not the heads. Local, after
 * arrow_factor with these columns forced out; it is to be called again.
 * Errors: ERR_MEMORY.
 */
enum status arrow_yield(struct arrow *arrow, int64_t first);

/**
 * Solve for one right-hand side, 0 where dropped. Local, after arrow_factor.
 * head  inout  [heads]; tail inout [tails]
 */
void arrow_solve(const struct arrow *arrow, double *head, double *tail);

/** z' A z. Local. head in [heads]; tail in [tails]. */
double arrow_square(const struct arrow *arrow, const double *head, const double *tail);

#endif
