/**
 * How a plain loop is compiled for the vector units it may meet.
 *
 * VECTORISED before a function compiles it for several instruction sets; the loader picks one.
 * Contraction to fused multiply-add stays off, so all of them give the same bits.
 */
#ifndef REMISE_ALGORITHMS_VECTOR_H
#define REMISE_ALGORITHMS_VECTOR_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define VECTORISED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTORISED
#endif

enum { VECTOR_FLOATS = 16 }; /* rows of padded matrices are multiples of this many floats */

/** The smallest multiple of VECTOR_FLOATS that holds count floats. Local. */
static inline int64_t vector_padded(int64_t count)
{
    return (count + VECTOR_FLOATS - 1) / VECTOR_FLOATS * VECTOR_FLOATS;
}

#endif
