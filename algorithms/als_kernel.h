/**
 * One small least squares problem by conjugate gradients over a panel of gathered rows: the inner
 * loop of algorithms/als.h.
 *
 * The problem is to find x that makes
 *     sum over rows r of weight[r] (panel[r] . x)^2 - 2 side[r] panel[r] . x  +  x' ridge x
 * least, ridge a diagonal. A step passes once over a panel that stays in the cache, and forms no
 * matrix. Sums are taken in 16 lanes and in groups of ALS_GROUP rows: the same bits on every
 * machine that has fused multiply-add, whatever the width of its vectors.
 */
#ifndef REMISE_ALGORITHMS_ALS_KERNEL_H
#define REMISE_ALGORITHMS_ALS_KERNEL_H

#include <stdint.h>

enum { ALS_GROUP = 8, ALS_VECTORS = 3, ALS_WIDE_MOST = 528 };

/* Half the bytes to fetch. Rows of als_white.h are no longer than 1; with 11 bits of each number a
 * solution changes by some 1e-4 of itself, and what it costs, least at the solution, by 1e-8. */
typedef _Float16 als_half;
#define ALS_HALF_SCALE 4096.0f /* what is stored is so much more: small numbers keep bits */

/* Borrowed. Rows beyond those that count have weight and side 0, and a panel of 0. */
struct als_problem {
    int64_t rows;               /* a multiple of ALS_GROUP */
    int64_t wide;               /* columns, a multiple of VECTOR_FLOATS up to ALS_WIDE_MOST */
    const float *panel;         /* [rows][wide] */
    const float *weight, *side; /* [rows] */
    const float *ridge;         /* [wide] above 0 */
    const float *per;           /* [wide] about the inverse of the diagonal of the whole system */
    float *x;                   /* [wide] in: where to start; out: the solution */
    float *fit;                 /* [vector_padded(rows)] out: panel x */
    float *work;                /* [ALS_VECTORS wide + ALS_GROUP + vector_padded(rows)] */
    double scale;               /* what x = 0 costs, at least 0 */
    double tolerance;           /* how much above the least it may end, as part of what x costs */
    int64_t steps_most;
};

/**
 * Solve. Local.
 * Returns the steps taken. They end where about so little as tolerance times the cost is left to
 * gain: by the residual r no more than r' ridge^-1 r where `per` is the inverse of `ridge`, and
 * less if the last step's gain, and how r shrank with it, foretell less.
 * Cost: 4 rows wide flops a step.
 */
int64_t als_conjugate(const struct als_problem *problem);

/** out[0..wide) = sum over rows of side[r] panel[r]. Local. x, fit and weight are not used. */
void als_spread(const struct als_problem *problem, float *out);

/* Rows to be copied next to each other. */
struct als_gathering {
    const float *row;     /* [...][wide]; NULL: `half` */
    const als_half *half; /* [...][wide] by als_narrow */
    int64_t first;        /* number of the first */
    int64_t wide;         /* a multiple of VECTOR_FLOATS */
    const int32_t *at;    /* [count] numbers of those to copy */
    int64_t count;
    int64_t ahead; /* so many more numbers follow `at`, of rows that may be fetched early */
    float *panel;  /* out [count][wide] */
};

/** Copy them. Local. */
void als_gather(const struct als_gathering *gathering);

/** Round numbers of at most 15 to halves; count a multiple of VECTOR_FLOATS. Local. */
void als_narrow(const float *from, int64_t count, als_half *to);

#endif
