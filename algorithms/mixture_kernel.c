/* Choosing the version of the mixture's loops, and the layout of factors that they share. */
#include "algorithms/mixture_kernel.h"

static bool has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

static bool has_avx512(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#else
    return false;
#endif
}

const struct mixture_kernel *mixture_kernel_choose(enum mixture_path path)
{
    const struct mixture_kernel *wide = has_avx512() ? mixture_kernel_avx512 : NULL;
    const struct mixture_kernel *middle = has_avx2() ? mixture_kernel_avx2 : NULL;
    switch (path) {
    case MIXTURE_PATH_AVX512:
        return wide;
    case MIXTURE_PATH_AVX2:
        return middle;
    case MIXTURE_PATH_PLAIN:
        return mixture_kernel_plain;
    case MIXTURE_PATH_BEST:
        break;
    }
    if (wide != NULL) return wide;
    return middle != NULL ? middle : mixture_kernel_plain;
}

/* The columns are taken `tile` at a time; of each such group, row after row down to its last
 * column, the elements of its columns lie together. */
int64_t mixture_factor_count(const struct mixture_kernel *kernel, int64_t columns)
{
    int64_t count = 0;
    for (int64_t j = 0; j < columns; j += kernel->tile) {
        int64_t wide = columns - j < kernel->tile ? columns - j : kernel->tile;
        count += (j + wide) * wide;
    }
    return count;
}

void mixture_factor_pack(const struct mixture_kernel *kernel, int64_t columns, const double *lower,
                         double *out)
{
    for (int64_t j = 0; j < columns; j += kernel->tile) {
        int64_t wide = columns - j < kernel->tile ? columns - j : kernel->tile;
        for (int64_t i = 0; i < j + wide; i++)
            for (int64_t l = 0; l < wide; l++)
                *out++ = i <= j + l ? lower[(j + l) * columns + i] : 0.0;
    }
}
