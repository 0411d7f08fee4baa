/**
 * Activations of layers: the functions, their slopes, and sigmoid and tanh for loops of one's own.
 *
 * Everything is plain float32 arithmetic without the C library: the same bits on every machine, and
 * compilers make vector code of loops over the inline functions where they stand in a VECTORISED
 * one. NaN stays NaN, so that it is noticed.
 */
#ifndef REMISE_ALGORITHMS_ACTIVATION_H
#define REMISE_ALGORITHMS_ACTIVATION_H

#include "mpi/status.h"

#include <stdint.h>
#include <string.h>

enum activation {
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_TANH,
    ACTIVATION_SIGMOID,
    ACTIVATION_SOFTPLUS
};

#define ACTIVATION_INLINE static inline __attribute__((always_inline))

/**
 * e^x to 2 units in the last place; below e^-87 and above e^88 it stays there. Local.
 * Source: Cody and Waite 1980 (reduction); the polynomial is that of Cephes expf.
 */
ACTIVATION_INLINE float activation_exp(float x)
{
    const float shift = 0x1.8p23f; /* adding it leaves the nearest whole number in the low bits */
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    float shifted = x * 1.44269504088896341f + shift;
    float whole = shifted - shift;
    float r = x - whole * 0.693359375f + whole * 2.12194440e-4f; /* |r| <= log(2) / 2 */
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    uint32_t power, bits;
    memcpy(&power, &shifted, sizeof power);
    memcpy(&bits, &p, sizeof bits);
    bits += power << 23; /* times 2^whole; what else is in `power` falls out at the top */
    memcpy(&p, &bits, sizeof p);
    return x != x ? x : p;
}

/** 1 / (1 + e^-x). Local. */
ACTIVATION_INLINE float activation_sigmoid(float x)
{
    return 1.0f / (1.0f + activation_exp(-x));
}

/** tanh x, to 2^-23 absolute. Local. */
ACTIVATION_INLINE float activation_tanh(float x)
{
    return 1.0f - 2.0f / (1.0f + activation_exp(2.0f * x));
}

/** x[i] = activation(x[i]). Local. */
void activation_apply(enum activation activation, float *x, int64_t count);

/** delta[i] *= activation'(x), from out[i] = activation(x). Local. */
void activation_slope(enum activation activation, const float *out, float *delta, int64_t count);

/** Parse "relu", "tanh", "sigmoid", "softplus". Local. Errors: ERR_USAGE. */
enum status activation_parse(const char *name, enum activation *activation);

#endif
