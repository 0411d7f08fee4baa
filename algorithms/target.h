/**
 * Functions compiled for instructions that not every processor has.
 *
 * Between TARGET_BEGIN("avx2,fma") and TARGET_END, GCC and Clang may use those sets of
 * instructions; __builtin_cpu_supports says whether such a function may be called. Includes stand
 * outside.
 */
#ifndef REMISE_ALGORITHMS_TARGET_H
#define REMISE_ALGORITHMS_TARGET_H

#define TARGET_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define TARGET_BEGIN(sets) \
    TARGET_PRAGMA(clang attribute push(__attribute__((target(sets))), apply_to = function))
#define TARGET_END TARGET_PRAGMA(clang attribute pop)
#else
#define TARGET_BEGIN(sets) TARGET_PRAGMA(GCC push_options) TARGET_PRAGMA(GCC target(sets))
#define TARGET_END TARGET_PRAGMA(GCC pop_options)
#endif

#endif
