/**
 * Products of matrices whose elements are rounded to bf16 on the way in, summed in float32: what
 * matrix units (AMX) do, and the same bytes without them.
 *
 * An element is rounded to the nearest bf16, ties to even, and below 2^-126 to zero. Depth is cut
 * into slabs of 32: in a slab, products of even and of odd depth are each summed in order by fused
 * multiply-add from zero, and the sum of both is added to C; results below 2^-126 become zero. A
 * row's result depends on that row alone.
 * Source: Intel, Software Developer's Manual, TDPBF16PS.
 */
#ifndef REMISE_ALGORITHMS_GEMM_BF16_H
#define REMISE_ALGORITHMS_GEMM_BF16_H

#include "algorithms/gemm.h"

/**
 * GEMM_BF16_TILES where the machine has matrix units, lets this process use them, and a trial
 * product has the bytes that vector units give; else GEMM_BF16. Local.
 */
enum gemm_precision gemm_bf16_choose(void);

/** gemm_run for GEMM_BF16 and GEMM_BF16_TILES; by gemm_run only. Local. */
void gemm_bf16_run(const struct gemm *product);

/** The nearest bf16. Local. */
float gemm_bf16_round(float x);

#endif
