/**
 * Numbers of about 106 bits as the unevaluated sum of two doubles, for residuals that must be right
 * to the last bit.
 *
 * Only additions and multiplications of IEEE doubles, no fused operations: the same bits on every
 * machine. Magnitudes stay between 2^-900 and 2^900. All functions are local.
 * Source: Dekker 1971, Numer. Math. 18; Knuth, The Art of Computer Programming 2, 4.2.2.
 */
#ifndef REMISE_ALGORITHMS_DOUBLE_DOUBLE_H
#define REMISE_ALGORITHMS_DOUBLE_DOUBLE_H

/* Inlined also into functions compiled for wider vectors. */
#define DOUBLE_DOUBLE_INLINE static inline __attribute__((always_inline))

struct double_double {
    double high, low; /* value high + low; |low| <= ulp(high) / 2 after a function here */
};

/** a + b without error. */
DOUBLE_DOUBLE_INLINE struct double_double double_double_sum(double a, double b)
{
    double sum = a + b, from_b = sum - a;
    return (struct double_double){sum, (a - (sum - from_b)) + (b - from_b)};
}

/** a + b without error where |a| >= |b| or a is 0. */
DOUBLE_DOUBLE_INLINE struct double_double double_double_ordered_sum(double a, double b)
{
    double sum = a + b;
    return (struct double_double){sum, b - (sum - a)};
}

/** The upper 26 bits of x; x minus them is the lower 26. */
DOUBLE_DOUBLE_INLINE double double_double_upper(double x)
{
    double spread = 134217729.0 * x; /* 2^27 + 1 */
    return spread - (spread - x);
}

/** a * b without error. */
DOUBLE_DOUBLE_INLINE struct double_double double_double_product(double a, double b)
{
    double a_up = double_double_upper(a), a_down = a - a_up;
    double b_up = double_double_upper(b), b_down = b - b_up;
    double product = a * b;
    double error = ((a_up * b_up - product) + a_up * b_down + a_down * b_up) + a_down * b_down;
    return (struct double_double){product, error};
}

/** x + y, with an error below 2^-104 of the larger. */
DOUBLE_DOUBLE_INLINE struct double_double double_double_add(struct double_double x,
                                                            struct double_double y)
{
    struct double_double sum = double_double_sum(x.high, y.high);
    return double_double_ordered_sum(sum.high, sum.low + (x.low + y.low));
}

#endif
